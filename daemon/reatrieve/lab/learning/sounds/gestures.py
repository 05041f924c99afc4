"""Sounds of a moment, performed again and again: chirps, struck bodies, bursts, steps, grains and sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip, Take, band_noise, performed, seconds, swept

__all__ = ["gestures"]

_TAKES = 6


def gestures(rng: np.random.Generator, *, n_classes: int) -> Iterator[Clip]:
    """``n_classes`` sounds of eight kinds, ``_TAKES`` performances of each."""
    for index in range(n_classes):
        name, make = _KINDS[index % len(_KINDS)]
        yield from performed(
            make(rng), rng, class_=f"{name}{index}", family="hit", group=name, n=_TAKES
        )  # one kind is one group: chirps among chirps are the hard case


def _chirp(rng: np.random.Generator) -> Take:
    """A bird's syllable: a few pitches passed through, harmonics, perhaps a trill and some breath."""
    pitches = np.exp(rng.uniform(np.log(900), np.log(6500))) * 2 ** rng.normal(0, 0.5, int(rng.integers(2, 7)))
    length_s = np.exp(rng.uniform(np.log(0.03), np.log(0.3)))
    partials = rng.uniform(0.05, 0.9) ** np.arange(int(rng.integers(1, 6)))
    trill_hz = rng.choice([0.0, 0.0, rng.uniform(15, 120)])
    breath = rng.choice([0.0, 0.0, rng.uniform(0.03, 0.4)])
    falls, peak = rng.uniform(0, 3), rng.uniform(0.15, 0.85)

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * rng.lognormal(0, 0.08) * RATE_HZ)
        passed = np.clip(pitches * 2 ** rng.normal(0, 0.03, pitches.size) * 2 ** rng.normal(0, 0.03), 250, 9500)
        at = np.linspace(0, 1, n)
        hz = np.interp(at, np.linspace(0, 1, passed.size), passed)
        y = np.zeros(n)
        for k, gain in enumerate(partials, start=1):
            y += gain * rng.lognormal(0, 0.2) * swept(k * hz, rng.uniform(0, 6)) * (k * hz < 10500)
        shape = np.interp(at, [0, peak, 1], [0, 1, 0]) ** rng.uniform(0.35, 0.6) * np.exp(-falls * at)
        if trill_hz:
            shape = shape * (1 + 0.7 * np.sin(2 * np.pi * trill_hz * rng.lognormal(0, 0.05) * seconds(n)))
        return np.asarray((y + breath * band_noise(rng, n, 1500, 9000)) * shape)

    return take


def _struck(rng: np.random.Generator) -> Take:
    """A body that rings in modes of its own, struck harder or softer at another place."""
    n_modes = int(rng.integers(3, 14))
    hz = np.exp(rng.uniform(np.log(rng.uniform(80, 500)), np.log(rng.uniform(2000, 9000)), n_modes))
    decay_s = np.exp(rng.uniform(np.log(0.01), np.log(rng.uniform(0.05, 0.6)), n_modes))
    gains = rng.uniform(0.1, 1, n_modes)
    contact, contact_hz, length_s = rng.uniform(0, 1.5), rng.uniform(400, 7000), rng.uniform(0.06, 1.0)

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * RATE_HZ)
        t, force, detune = seconds(n), rng.uniform(-1, 1), 2 ** rng.normal(0, 0.012)
        y = np.zeros(n)
        for f, tau, gain in zip(hz, decay_s * rng.lognormal(0, 0.12), gains, strict=True):
            bright = (f / 1000) ** (0.25 * force)
            y += gain * rng.lognormal(0, 0.35) * bright * np.exp(-t / tau) * np.sin(2 * np.pi * f * detune * t)
        hit = band_noise(rng, n, contact_hz * 0.6, min(10500, contact_hz * 1.6)) * np.exp(-t / rng.uniform(0.004, 0.02))
        return np.asarray(y + 2 * contact * rng.lognormal(0, 0.3) * hit)

    return take


def _burst(rng: np.random.Generator) -> Take:
    """Noise that moves through bands of its own: breath, cloth, sprays, impacts."""
    n_parts = int(rng.integers(2, 6))
    centres = np.exp(rng.uniform(np.log(200), np.log(8000), n_parts))
    width = rng.uniform(0.15, 1.4)
    length_s = np.exp(rng.uniform(np.log(0.05), np.log(0.9)))
    envelope = rng.uniform(0, 1, int(rng.integers(3, 8)))
    envelope[0] = rng.uniform(0.2, 1)
    smooth = rng.random() < 0.5

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * rng.lognormal(0, 0.1) * RATE_HZ)
        at = np.linspace(0, 1, n)
        y = np.zeros(n)
        for part, centre in enumerate(centres * 2 ** rng.normal(0, 0.07, n_parts)):
            here = np.clip(1 - np.abs(at * (n_parts - 1) - part), 0, 1)
            if not smooth:
                here = (here > 0.5).astype(float)
            y += here * band_noise(rng, n, max(50, centre * 2**-width), min(10500, centre * 2**width))
        return np.asarray(
            y * np.interp(at, np.linspace(0, 1, envelope.size), envelope * rng.lognormal(0, 0.2, envelope.size))
        )

    return take


def _step(rng: np.random.Generator) -> Take:
    """A footstep: heel, toe, and the ground giving way in grains."""
    heel_hz, toe_hz, gap_s = rng.uniform(60, 400), rng.uniform(300, 3000), rng.uniform(0.03, 0.16)
    grain_hz, density, crunch = rng.uniform(900, 7000), rng.uniform(20, 600), rng.choice([0.0, rng.uniform(0.2, 1.5)])
    knock = rng.uniform(0, 1)

    def take(rng: np.random.Generator) -> Audio:
        gap = int(gap_s * rng.lognormal(0, 0.12) * RATE_HZ)
        n = gap + int(0.16 * RATE_HZ)
        t = seconds(n)
        y = np.zeros(n)
        for at, f, gain in ((0, heel_hz, 1.0), (gap, toe_hz, rng.uniform(0.25, 0.8))):
            m = n - at
            f = f * 2 ** rng.normal(0, 0.1)
            thud = band_noise(rng, m, f * 0.6, f * 1.9) + knock * 2 * np.sin(2 * np.pi * f * t[:m])
            y[at:] += gain * thud * np.exp(-t[:m] / rng.uniform(0.012, 0.03))
        if crunch:
            n_grains = max(3, rng.poisson(density * n / RATE_HZ))
            clicks = np.zeros(n)
            clicks[(rng.beta(1.4, 2, n_grains) * (n - 1)).astype(int)] = rng.exponential(1, n_grains)
            y += crunch * _through(
                clicks, band_noise(rng, 220, grain_hz * 0.7, min(10500, grain_hz * 1.6)) * np.exp(-seconds(220) / 0.002)
            )
        return y

    return take


def _grains(rng: np.random.Generator) -> Take:
    """Pulses through resonances, faster or slower: creaks, ratchets, rattles, purrs."""
    rate = np.exp(rng.uniform(np.log(15), np.log(160), int(rng.integers(2, 5))))
    resonances = np.exp(rng.uniform(np.log(250), np.log(6000), int(rng.integers(1, 4))))
    length_s, rough, ring_s = (
        rng.uniform(0.12, 1.1),
        rng.uniform(0, 0.5),
        np.exp(rng.uniform(np.log(0.002), np.log(0.02))),
    )

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * rng.lognormal(0, 0.1) * RATE_HZ)
        pace = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, rate.size), rate * 2 ** rng.normal(0, 0.12, rate.size))
        phase = np.cumsum(pace * (1 + rough * rng.standard_normal(n) * 4)) / RATE_HZ
        clicks = np.diff(np.floor(phase), prepend=0) > 0
        m = int(6 * ring_s * RATE_HZ) + 8
        body = np.zeros(m)
        for f in resonances * 2 ** rng.normal(0, 0.04, resonances.size):
            body += np.exp(-seconds(m) / ring_s) * np.sin(2 * np.pi * f * seconds(m))
        return _through(clicks * rng.lognormal(0, 0.4, n), body) * np.sin(np.pi * np.linspace(0.02, 0.98, n)) ** 0.4

    return take


def _sweep(rng: np.random.Generator) -> Take:
    """A pitch that climbs, falls or wavers, as interfaces and toys make it."""
    pitches = np.exp(rng.uniform(np.log(120), np.log(4000))) * 2 ** rng.normal(0, 0.8, int(rng.integers(2, 6)))
    stepped, length_s, square = rng.random() < 0.4, np.exp(rng.uniform(np.log(0.06), np.log(0.9))), rng.uniform(0, 4)
    vibrato_hz, falls = rng.choice([0.0, rng.uniform(5, 40)]), rng.uniform(0, 4)

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * rng.lognormal(0, 0.06) * RATE_HZ)
        at, t = np.linspace(0, 1, n), seconds(n)
        passed = pitches * 2 ** rng.normal(0, 0.01, pitches.size) * 2 ** rng.normal(0, 0.02)
        if stepped:
            hz = passed[np.minimum((at * passed.size).astype(int), passed.size - 1)]
        else:
            hz = np.interp(at, np.linspace(0, 1, passed.size), passed)
        if vibrato_hz:
            hz = hz * 2 ** (0.08 * np.sin(2 * np.pi * vibrato_hz * t))
        y = np.tanh((1 + square) * swept(np.clip(hz, 40, 9000)))
        return np.asarray(y * np.exp(-falls * at) * np.minimum(1, 8 * (1 - at)))

    return take


def _through(y: Audio, body: Audio) -> Audio:
    return np.asarray(np.convolve(y, body)[: y.size])


_KINDS: tuple[tuple[str, Callable[[np.random.Generator], Take]], ...] = (
    ("chirp", _chirp),
    ("struck", _struck),
    ("chirp", _chirp),
    ("burst", _burst),
    ("step", _step),
    ("struck", _struck),
    ("grains", _grains),
    ("sweep", _sweep),
)
