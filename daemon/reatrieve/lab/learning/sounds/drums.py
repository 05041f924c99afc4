"""Drum kits played by hand: every stroke another force, another place on the skin, another noise of the wires."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip, Take, band_noise, performed, seconds, swept

__all__ = ["drum_kits"]

_TAKES = 8
_MEMBRANE = np.array([1.0, 1.59, 2.14, 2.30, 2.65, 2.92, 3.16, 3.50])
"""Modes of an ideal circular membrane, as ratios to its lowest."""


def drum_kits(rng: np.random.Generator, *, n_kits: int) -> Iterator[Clip]:
    """Kits of seven to twelve instruments, ``_TAKES`` strokes of each."""
    for kit in range(n_kits):
        drums: list[tuple[str, Take]] = [
            ("kick", _skin(rng, 42, 75, wires=0, drop=1.5)),
            ("snare", _skin(rng, 150, 260, wires=1)),
        ]
        if rng.random() < 0.5:
            drums.append(("snare off", _skin(rng, 150, 320, wires=0.05)))
        drums += [(f"tom {k}", _skin(rng, low, low * 1.3, wires=0, drop=0.3)) for k, low in enumerate((70, 105, 150))]
        drums += [
            ("hat", _metal(rng, 0.02, 0.05)),
            ("open hat", _metal(rng, 0.2, 0.5)),
            ("ride", _metal(rng, 0.4, 1.0, ping=True)),
        ]
        others = [
            ("crash", _metal(rng, 0.5, 1.2)),
            ("rim", _skin(rng, 380, 900, wires=0, short=0.25)),
            ("clap", _clap(rng)),
            ("bell", _metal(rng, 0.08, 0.3, n_modes=3)),
            ("conga", _skin(rng, 180, 420, wires=0)),
            ("shaker", _shaker(rng)),
            ("block", _skin(rng, 600, 1500, wires=0, short=0.2)),
            ("tambourine", _shaker(rng, jingle=True)),
        ]
        drums += [others[int(k)] for k in rng.permutation(len(others))[: int(rng.integers(1, 5))]]
        for name, take in drums:
            yield from performed(take, rng, class_=f"kit{kit} {name}", family="drum", group=f"kit{kit}", n=_TAKES)


def _force(rng: np.random.Generator) -> float:
    """How hard a stroke is, 0.25..1; most are played alike, some are ghost notes."""
    return float(np.clip(rng.normal(0.75, 0.15) if rng.random() < 0.8 else rng.uniform(0.25, 0.5), 0.25, 1.0))


def _skin(
    rng: np.random.Generator, low_hz: float, high_hz: float, *, wires: float, drop: float = 0.1, short: float = 1.0
) -> Take:
    base, drop = rng.uniform(low_hz, high_hz), drop * rng.uniform(0.2, 1)
    ratios = _MEMBRANE ** rng.uniform(0.85, 1.15) * rng.lognormal(0, 0.03, _MEMBRANE.size)
    gains = rng.uniform(0.1, 1, _MEMBRANE.size) / np.arange(1, _MEMBRANE.size + 1) ** rng.uniform(0.2, 1.5)
    decay_s = short * np.exp(rng.uniform(np.log(0.05), np.log(0.22))) / ratios ** rng.uniform(0.3, 1.0)
    stick, stick_hz, wire_low, wire_s = (
        rng.uniform(0.1, 0.8),
        rng.uniform(1500, 6000),
        rng.uniform(800, 2500),
        rng.uniform(0.05, 0.16),
    )

    def take(rng: np.random.Generator) -> Audio:
        force = _force(rng)
        n = int(RATE_HZ * min(0.9, 0.1 + 5 * decay_s[0]))
        t = seconds(n)
        bend = 1 + drop * force * np.exp(-t / 0.02)
        tune = base * 2 ** rng.normal(0, 0.008)
        y = np.zeros(n)
        for ratio, gain, tau in zip(ratios, gains, decay_s, strict=True):
            place = rng.lognormal(0, 0.35)
            y += (
                gain
                * place
                * force ** (0.3 * ratio)
                * np.exp(-t / (tau * rng.lognormal(0, 0.08)))
                * swept(tune * ratio * bend)
            )
        bright = stick_hz * (0.5 + force)
        y += (
            stick
            * force
            * band_noise(rng, n, bright * 0.4, min(10500, bright))
            * np.exp(-t / rng.uniform(0.002, 0.005))
        )
        if wires:
            y += (
                wires
                * 0.6
                * force**0.6
                * band_noise(rng, n, wire_low, 10000)
                * np.exp(-t / (wire_s * rng.lognormal(0, 0.1)))
            )
        return y

    return take


def _metal(rng: np.random.Generator, low_s: float, high_s: float, *, ping: bool = False, n_modes: int = 40) -> Take:
    hz = np.exp(rng.uniform(np.log(300 if n_modes > 9 else 500), np.log(10000 if n_modes > 9 else 4000), n_modes))
    gains = rng.uniform(0.05, 1, n_modes) * (hz / 3000) ** rng.uniform(-0.2, 1.0)
    decay_s = rng.uniform(low_s, high_s)
    hiss, hiss_low = rng.uniform(0.2, 1.5) * (n_modes > 9), rng.uniform(2500, 7000)
    ping_hz = rng.uniform(1800, 4500)

    def take(rng: np.random.Generator) -> Audio:
        force = _force(rng)
        tau = decay_s * rng.lognormal(0, 0.15) * (0.7 + 0.4 * force)
        n = int(RATE_HZ * min(1.2, 0.03 + 4 * tau))
        t = seconds(n)
        stroke = gains * rng.lognormal(0, 0.4, n_modes) * (hz / 2500) ** (0.8 * (force - 0.6))
        y = np.zeros(n)
        for f, gain in zip(hz, stroke, strict=True):
            y += gain * np.sin(2 * np.pi * f * t + rng.uniform(0, 6.3)) * np.exp(-t / (tau * rng.uniform(0.5, 1.2)))
        y = y / np.sqrt(n_modes) + hiss * force * band_noise(rng, n, hiss_low, 10800) * np.exp(-t / tau)
        if ping:
            y += 1.2 * force * np.sin(2 * np.pi * ping_hz * t) * np.exp(-t / 0.05)
        return np.asarray(y * np.minimum(1, t / 0.0008))

    return take


def _clap(rng: np.random.Generator) -> Take:
    low, high, tail_s, n_hands = (
        rng.uniform(600, 1100),
        rng.uniform(2500, 7000),
        rng.uniform(0.03, 0.12),
        int(rng.integers(2, 6)),
    )

    def take(rng: np.random.Generator) -> Audio:
        n = int(0.3 * RATE_HZ)
        y = np.zeros(n)
        for at in np.sort(rng.uniform(0, 0.035, n_hands)):
            i = int(at * RATE_HZ)
            y[i:] += rng.uniform(0.5, 1) * np.exp(-seconds(n - i) / (0.005 if at < 0.02 else tail_s))
        return np.asarray(y * band_noise(rng, n, low * rng.lognormal(0, 0.05), high * rng.lognormal(0, 0.05)))

    return take


def _shaker(rng: np.random.Generator, *, jingle: bool = False) -> Take:
    low, length_s, peak = rng.uniform(2500, 6000), rng.uniform(0.06, 0.25), rng.uniform(0.1, 0.7)
    jingles = rng.uniform(3500, 10000, 9)

    def take(rng: np.random.Generator) -> Audio:
        n = int(length_s * rng.lognormal(0, 0.15) * RATE_HZ)
        t = seconds(n)
        y = band_noise(rng, n, low, 10800) * np.interp(np.linspace(0, 1, n), [0, peak, 1], [0, 1, 0]) ** 1.5
        if jingle:
            for f in jingles:
                y += 0.5 * rng.lognormal(0, 0.4) * np.sin(2 * np.pi * f * t) * np.exp(-t / 0.06)
        return np.asarray(y)

    return take
