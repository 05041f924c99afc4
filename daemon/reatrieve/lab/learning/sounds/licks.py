"""Licks and single notes by instruments of our own, played with human timing, dynamics and articulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.signal

from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip, band_noise, seconds, swept

__all__ = ["licks"]

Play = Callable[[float, float, float, np.random.Generator], Audio]
"""(frequency in Hz, length in seconds, force 0..1, rng) -> one note."""

_TAKES = 5
_SCALES = ((0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11), (0, 3, 5, 6, 7, 10, 12))


def licks(rng: np.random.Generator, *, n_instruments: int) -> Iterator[Clip]:
    """Four licks and three notes for each instrument, ``_TAKES`` performances of each."""
    for number in range(n_instruments):
        play = _INSTRUMENTS[number % len(_INSTRUMENTS)](rng)
        for index in range(7):
            score = _any_score(rng, 1 if index > 3 else int(rng.integers(3, 9)))
            beat_s = rng.uniform(0.18, 0.5)
            for _ in range(_TAKES):
                yield Clip(
                    _performed(score, play, beat_s, rng), f"lick {number} {index}", "lick", f"instrument {number}"
                )


def _any_score(rng: np.random.Generator, n_notes: int) -> list[tuple[float, float, int]]:
    """(beat, length in beats, MIDI note) of each note."""
    scale = _SCALES[int(rng.integers(len(_SCALES)))]
    root, degree, beat = int(rng.integers(36, 64)), int(rng.integers(3, 14)), 0.0
    score = []
    for _ in range(n_notes):
        length = float(rng.choice([0.25, 0.5, 0.5, 0.75, 1.0]))
        score.append((beat, length, root + 12 * (degree // 7) + scale[degree % 7]))
        beat += length
        degree = int(np.clip(degree + rng.integers(-4, 5), 0, 18))
    return score


def _performed(score: list[tuple[float, float, int]], play: Play, beat_s: float, rng: np.random.Generator) -> Audio:
    beat_s *= 1 + rng.normal(0, 0.03)
    legato, force = rng.uniform(0.6, 1.1), rng.uniform(0.35, 0.9)
    y = np.zeros(int((sum(length for _, length, _ in score) * beat_s + 1.2) * RATE_HZ))
    for number, (beat, length, note) in enumerate(score):
        if number > 1 and len(score) > 3 and rng.random() < 0.05:
            continue
        at = max(0, round((beat * beat_s + rng.normal(0, 0.012) + 0.02) * RATE_HZ))
        hz = 440.0 * 2 ** ((note - 69 + rng.normal(0, 0.03)) / 12)
        tone = play(hz, max(0.06, length * beat_s * legato), float(np.clip(force + rng.normal(0, 0.1), 0.15, 1)), rng)[
            : y.size - at
        ]
        y[at : at + tone.size] += tone
    return y


def _shaped(y: Audio, attack_s: float, length_s: float, release_s: float) -> Audio:
    t = seconds(y.size)
    return np.asarray(y * np.clip(t / attack_s, 0, 1) * np.clip(1 - (t - length_s) / release_s, 0, 1))


def _plucked(rng: np.random.Generator) -> Play:
    """A string after Karplus and Strong: noise through a comb that loses its highs."""
    damp, bright, keep = rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.9), rng.uniform(0.99, 0.9995)

    def play(hz: float, length_s: float, force: float, rng: np.random.Generator) -> Audio:
        n = int((length_s + 0.15) * RATE_HZ)
        period = max(4, int(RATE_HZ / hz - damp))
        pluck = np.zeros(n)
        pluck[:period] = scipy.signal.lfilter(
            [1], [1, -(1 - bright * (0.4 + 0.6 * force))], rng.standard_normal(period)
        )[: min(period, n)]
        loop = np.zeros(period + 2)
        loop[0], loop[period], loop[period + 1] = 1.0, -keep * (1 - damp), -keep * damp
        return force * _shaped(scipy.signal.lfilter([1.0], loop, pluck), 0.001, length_s, 0.12)

    return play


def _bell(rng: np.random.Generator) -> Play:
    """Frequency modulation: electric piano, bells, marimba."""
    ratio, depth, decay_s = float(rng.choice([1, 2, 3, 3.5, 1.41, 4, 7])), rng.uniform(0.5, 5), rng.uniform(0.15, 1.2)

    def play(hz: float, length_s: float, force: float, _rng: np.random.Generator) -> Audio:
        n = int((length_s + 0.25) * RATE_HZ)
        t = seconds(n)
        if ratio * hz > 9000:
            return np.asarray(force * _shaped(np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t), 0.002, length_s, 0.2))
        index = depth * force * np.exp(-t / (0.5 * decay_s)) * np.sin(2 * np.pi * ratio * hz * t)
        return force * _shaped(np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t + index), 0.002, length_s, 0.2)

    return play


def _harmonics(hz: Audio, gains: Audio) -> Audio:
    y = np.zeros(hz.size)
    for k, gain in enumerate(gains, start=1):
        if k * hz.max() < 10000:
            y += gain * swept(k * hz)
    return y


def _sustained(rng: np.random.Generator) -> Play:
    """Reeds, bows, pipes, leads: a spectrum of its own, an attack, a vibrato, some breath."""
    gains = rng.uniform(0, 1, 24) ** 2 * np.arange(1, 25) ** -rng.uniform(0.2, 1.5)
    attack_s, vibrato, vibrato_hz = (
        np.exp(rng.uniform(np.log(0.004), np.log(0.1))),
        rng.choice([0, rng.uniform(0.05, 0.4)]),
        rng.uniform(4, 7),
    )
    breath, fade_s = rng.choice([0, rng.uniform(0.02, 0.3)]), rng.choice([9.0, rng.uniform(0.2, 1)])

    def play(hz: float, length_s: float, force: float, rng: np.random.Generator) -> Audio:
        n = int((length_s + 0.1) * RATE_HZ)
        t = seconds(n)
        wave = np.sin(2 * np.pi * vibrato_hz * t + rng.uniform(0, 6)) * np.minimum(1, t / 0.3)
        y = _harmonics(hz * 2 ** (vibrato * wave / 12), gains * np.arange(1, 25) ** (force - 0.7))
        y = y + breath * band_noise(rng, n, hz, min(10000, 6 * hz + 1500))
        return force * _shaped(y * np.exp(-t / fade_s), attack_s * (1.5 - force), length_s, 0.08)

    return play


def _filtered(rng: np.random.Generator) -> Play:
    """A synthesiser's saw or pulse under a falling filter."""
    odd, floor_hz, open_hz, fall_s = (
        rng.random() < 0.4,
        rng.uniform(150, 900),
        rng.uniform(1000, 8000),
        rng.uniform(0.04, 0.5),
    )
    slope, detune = rng.uniform(1, 3), rng.choice([0, rng.uniform(0.002, 0.01)])

    def play(hz: float, length_s: float, force: float, rng: np.random.Generator) -> Audio:
        n = int((length_s + 0.08) * RATE_HZ)
        t = seconds(n)
        cutoff = floor_hz + open_hz * force * np.exp(-t / fall_s)
        y = np.zeros(n)
        for k in range(1, min(40, int(10000 / hz)) + 1, 2 if odd else 1):
            tone = np.sin(2 * np.pi * k * hz * t + rng.uniform(0, 6.3))
            if detune:
                tone = tone + np.sin(2 * np.pi * k * hz * (1 + detune) * t + rng.uniform(0, 6.3))
            y += tone / k / (1 + (k * hz / cutoff) ** 2) ** (slope / 2)
        return force * _shaped(y, 0.004, length_s, 0.06)

    return play


_INSTRUMENTS = (_plucked, _bell, _sustained, _filtered, _sustained, _plucked)
