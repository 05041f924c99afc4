"""Sounds of interest: families of 1-7 s sounds that a sound designer would want to find again.

A family turns a seed into one definite :class:`Sound`; the sound renders itself as it is, or transposed and stretched,
so that altered repeats come from the synthesis and not from processing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reatrieve.synth.instruments import chord, pluck, wobble
from reatrieve.synth.signals import (
    RATE_HZ,
    Audio,
    adsr,
    band,
    decay,
    fade_edges,
    glide,
    highpass,
    lowpass,
    midi_hz,
    n_of,
    noise,
    pulse,
    reverb,
    saw,
    sine,
    sweep_lowpass,
)

__all__ = ["FAMILIES", "Sound", "make_sound"]

Family = Callable[[np.random.Generator, float, float, float, float], Audio]
"""(rng, root MIDI note, seconds per beat, semitones, stretch) -> samples; the rng alone decides which sound it is."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One definite sound of a family.

    Attributes
    ----------
    family : key of :data:`FAMILIES`.
    kind : ``sample`` (one gesture) or ``phrase`` (several notes in time).
    seed : decides every parameter of the sound.
    root : MIDI note of the song's key.
    beat_s : seconds per beat of the song.
    """

    family: str
    kind: str
    seed: int
    root: float
    beat_s: float

    def render(self, *, semitones: float = 0.0, stretch: float = 1.0) -> Audio:
        """Samples ``(n,)`` with peak 1; ``stretch`` > 1 is longer.

        Returns [shape=(n,), float64] at ``RATE_HZ``.
        """
        rng = np.random.default_rng(self.seed)
        x = FAMILIES[self.family][1](rng, self.root, self.beat_s, semitones, stretch)
        x = x[: n_of(7.0)]
        return np.asarray(fade_edges(x) / (np.max(np.abs(x)) + 1e-12))


def make_sound(family: str, *, seed: int, root: float, beat_s: float) -> Sound:
    """The sound of ``family`` that ``seed`` stands for."""
    return Sound(family, FAMILIES[family][0], seed, root, beat_s)


def _bars_s(rng: np.random.Generator, beat_s: float, low_s: float, high_s: float) -> float:
    """A length of whole beats within ``low_s..high_s``."""
    beats = [b for b in (1, 2, 3, 4, 6, 8, 12, 16) if low_s <= b * beat_s <= high_s]
    return float(rng.choice(beats) * beat_s) if beats else low_s


def riser(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """Noise and a saw that climb into a downbeat.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(_bars_s(rng, beat_s, 1.6, 5.0) * stretch)
    shift = 2.0 ** (semitones / 12.0)
    low, high = midi_hz(root + rng.integers(10, 20)) * shift, midi_hz(root + rng.integers(34, 46)) * shift
    tone = saw(glide(low, high, n), n) + saw(glide(low * 1.01, high * rng.uniform(1.005, 1.02), n), n)
    trill = 1.0 + rng.uniform(0.2, 0.6) * np.sign(
        np.sin(2 * np.pi * rng.choice([2, 3, 4]) / beat_s / stretch * np.arange(n) / RATE_HZ)
    )
    air = sweep_lowpass(highpass(noise(rng, n), 400), np.geomspace(rng.uniform(500, 900), 9000, n))
    grow = np.linspace(0.08, 1.0, n) ** rng.uniform(1.0, 1.8)
    return grow * (rng.uniform(0.3, 0.6) * lowpass(tone * trill, 6000) + rng.uniform(0.4, 0.9) * air)


def impact(rng: np.random.Generator, root: float, _beat_s: float, semitones: float, stretch: float) -> Audio:
    """Boom with a long falling tail.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(rng.uniform(1.6, 3.2) * stretch)
    shift = 2.0 ** (semitones / 12.0)
    start = rng.uniform(160, 420) * shift
    boom = np.tanh(3 * sine(glide(start, start / rng.uniform(4, 7), n), n)) * decay(n, 0.35 * stretch)
    crash = band(noise(rng, n), rng.uniform(900, 2500), rng.uniform(5000, 11000)) * decay(
        n, rng.uniform(0.2, 0.4) * stretch
    )
    ring = sine(midi_hz(root + rng.integers(24, 40)) * shift * 1.414, n) * decay(n, 0.3 * stretch)
    return reverb(boom + 0.7 * crash + rng.uniform(0.1, 0.4) * ring, rng, seconds=1.0, mix=0.25, tail=False)


def wobble_phrase(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """A bar of talking bass, each note with its own LFO rate.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    beats = max(2.0, round(_bars_s(rng, beat_s, 1.2, 3.6) / beat_s))
    steps: list[Audio] = []
    left = beats
    while left > 0:
        length = min(float(rng.choice([0.5, 1.0, 1.0, 1.5])), left)
        note = root - 12 + float(rng.choice([0, 0, 3, 5, 7, 10, 12])) + semitones
        lfo = float(rng.choice([1, 2, 3, 4, 6, 8])) / (2 * beat_s * stretch)
        steps.append(
            wobble(
                note, length * beat_s * stretch, lfo_hz=lfo, depth=rng.uniform(0.5, 1.2), drive=rng.uniform(1.5, 4.0)
            )
        )
        left -= length
    return np.concatenate(steps)


VOWELS = {
    "a": (800, 1150, 2900),
    "e": (400, 1700, 2600),
    "i": (300, 2200, 2950),
    "o": (450, 800, 2830),
    "u": (325, 700, 2700),
}


def vocal(rng: np.random.Generator, root: float, _beat_s: float, semitones: float, stretch: float) -> Audio:
    """Voice-like: a glottal pulse through the formants of a few vowels, with breath.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(rng.uniform(1.1, 2.4) * stretch)
    shift = 2.0 ** (semitones / 12.0)
    n_syllables = int(rng.integers(2, 5))
    edges = np.linspace(0, n, n_syllables + 1).astype(int)
    base = root + 12
    notes = [base + float(rng.choice([0, 2, 3, 5, 7, -2])) for _ in range(n_syllables)]
    curve = np.interp(np.arange(n), edges[:-1] + n // (2 * n_syllables), [midi_hz(note) for note in notes]) * shift
    curve *= 1.0 + 0.012 * np.sin(2 * np.pi * 5.5 / stretch * np.arange(n) / RATE_HZ)
    source = saw(curve, n) + 0.08 * noise(rng, n)
    names = rng.choice(list(VOWELS), n_syllables)
    y = np.zeros(n)
    for i, name in enumerate(names):
        weight = np.interp(
            np.arange(n), [edges[i] - 900, edges[i] + 900, edges[i + 1] - 900, edges[i + 1] + 900], [0, 1, 1, 0]
        )
        gate = np.interp(
            np.arange(n), [edges[i], edges[i] + n_of(0.03), edges[i + 1] - n_of(0.06), edges[i + 1]], [0, 1, 0.8, 0.05]
        )
        for k, hz in enumerate(VOWELS[str(name)]):
            centre = hz * shift**0.3
            y += weight * gate * band(source, centre * 0.9, centre * 1.1, order=1) * (1.0, 0.7, 0.35)[k]
    return y


def lead_riff(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """Plucked riff on the minor pentatonic, with echo.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    beats = max(3.0, round(_bars_s(rng, beat_s, 1.4, 4.2) / beat_s))
    scale = [0, 3, 5, 7, 10, 12, 15]
    n = n_of(beats * beat_s * stretch)
    y = np.zeros(n + n_of(1.0))
    bright = rng.uniform(1800, 5500)
    at = 0.0
    while at < beats - 0.2:
        note = root + 24 + float(rng.choice(scale)) + semitones
        tone = pluck(note, 0.5 * stretch, bright_hz=bright)
        for echo in range(3):
            i = n_of((at + 0.75 * echo) * beat_s * stretch) - 1
            piece = tone[: max(0, len(y) - i)]
            y[i : i + len(piece)] += piece * 0.4**echo
        at += float(rng.choice([0.25, 0.5, 0.5, 0.75, 1.0]))
    return y[:n]


def stab(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """One chord stab that rings out in dotted echoes and a hall.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    n = n_of(rng.uniform(1.2, 2.6) * stretch)
    shape = [[0, 3, 7, 10], [0, 3, 7, 14], [0, 5, 7, 12], [0, 4, 7, 11]][int(rng.integers(4))]
    notes = [root + 12 * float(rng.choice([1, 2])) + step + semitones for step in shape]
    hit = chord("stab", notes, 0.8 * stretch, rng)
    y = np.zeros(n)
    for echo in range(5):
        i = n_of(0.75 * beat_s * stretch * echo) - 1
        piece = hit[: max(0, n - i)]
        y[i : i + len(piece)] += piece * 0.55**echo
    return reverb(y, rng, seconds=1.4, mix=0.3, tail=False)


def glitch(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """Stutter of short grains: clicks, bit-crushed tones, reversed noise.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    seconds = max(1.0, _bars_s(rng, beat_s, 1.0, 2.2))
    n = n_of(seconds * stretch)
    shift = 2.0 ** (semitones / 12.0)
    y = np.zeros(n)
    at = 0.0
    while at < seconds - 0.03:
        length = float(rng.choice([0.125, 0.25, 0.25, 0.5])) * beat_s
        repeats = int(rng.choice([1, 2, 3, 4]))
        m = n_of(length / repeats * stretch)
        kind = int(rng.integers(3))
        if kind == 0:
            grain = np.round(4 * pulse(midi_hz(root + rng.integers(12, 50)) * shift, m, width=0.2)) / 4 * decay(m, 0.04)
        elif kind == 1:
            grain = band(noise(rng, m), *sorted(rng.uniform(500, 9000, 2) * [1, 1.2])) * decay(m, 0.02)[::-1]
        else:
            grain = sine(glide(rng.uniform(1500, 6000) * shift, rng.uniform(80, 700) * shift, m), m) * decay(m, 0.05)
        block = np.tile(fade_edges(grain), repeats)
        i = n_of(at * stretch) - 1
        piece = block[: max(0, n - i)]
        y[i : i + len(piece)] += piece
        at += length
    return y


def swell(rng: np.random.Generator, root: float, beat_s: float, semitones: float, stretch: float) -> Audio:
    """Pad chord that swells and dies, 2.5-7 s.

    Returns [shape=(n,), float64] at ``RATE_HZ``.
    """
    seconds = max(2.5, _bars_s(rng, beat_s, 2.5, 7.0)) * stretch
    notes = [
        root + 12 + step + semitones for step in ([0, 3, 7, 14], [0, 5, 10, 15], [-2, 3, 7, 12])[int(rng.integers(3))]
    ]
    pad = chord("pad", [float(note) for note in notes], seconds, rng)
    n = len(pad)
    vibrato = 1.0 + 0.3 * np.sin(2 * np.pi * rng.uniform(3, 7) / stretch * np.arange(n) / RATE_HZ)
    shape = adsr(n, attack_s=0.4 * seconds, decay_s=0.1 * seconds, sustain=0.8, release_s=0.4 * seconds)
    return sweep_lowpass(pad * vibrato, np.geomspace(300, rng.uniform(2500, 6000), n)) * shape


FAMILIES: dict[str, tuple[str, Family]] = {
    "riser": ("sample", riser),
    "impact": ("sample", impact),
    "wobble": ("phrase", wobble_phrase),
    "vocal": ("sample", vocal),
    "riff": ("phrase", lead_riff),
    "stab": ("sample", stab),
    "glitch": ("phrase", glitch),
    "swell": ("sample", swell),
}
