"""Sounds performed anew each time: hits, words and footsteps, and the ambience that they happen in.

A seed stands for one definite sound, as in ``sounds``; each *take* of it is played, said or stepped again, with its own
timing, strength and colour. No two takes share a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are first used: no list of options waits for them
from numpy.typing import NDArray

from reatrieve.synth.signals import (
    RATE_HZ,
    Audio,
    band,
    decay,
    fade_edges,
    glide,
    highpass,
    lowpass,
    n_of,
    noise,
    saw,
    sine,
)

__all__ = ["SCENES", "Performed", "Stage", "stereo"]

Take = Callable[[np.random.Generator, np.random.Generator], Audio]
"""(what decides the sound, what decides the take) -> samples."""

VOWELS = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
    (660, 1720, 2410),
)
"""Formants of ah, eh, ee, aw, oo and ae in Hz."""
CROWD = 24
CONSONANTS = ((3500, 8000, 0.1), (2000, 5000, 0.09), (400, 1200, 0.05), (1500, 3500, 0.03), (4500, 9000, 0.03))
"""Band in Hz and length in seconds: s, sh, a nasal, k and t."""


@dataclass(frozen=True, slots=True)
class Performed:
    """One definite sound that is never the same twice.

    Attributes
    ----------
    family : key of the scene's family, ``kind`` always ``take``.
    seed : decides what all takes have in common.
    beat_s : takes begin at multiples of half of it.
    """

    family: str
    seed: int
    beat_s: float
    kind: str = "take"
    root: float = 0.0

    def render(self, number: int = 0) -> Audio:
        """Samples of one take with peak 1, shape (n,)."""
        fixed = np.random.default_rng(self.seed)
        take = np.random.default_rng([self.seed, number])
        x = _FAMILIES[self.family](fixed, take)
        return np.asarray(fade_edges(x) / (np.max(np.abs(x)) + 1e-12))


@dataclass(frozen=True, slots=True)
class Stage:
    """Where such sounds happen: ``ambience(rng, n)`` gives what is heard all the time, ``families`` what happens."""

    ambience: Callable[[np.random.Generator, int], Audio]
    families: tuple[str, ...]


def _near(take: np.random.Generator, value: float, share: float) -> float:
    """``value``, off by a share of it as large as a player's hand would be."""
    return float(value * np.exp(share * np.clip(take.standard_normal(), -2.0, 2.0)))


def hit(fixed: np.random.Generator, take: np.random.Generator) -> Audio:
    """A struck object: a few damped modes and the noise of the stick, more of it the harder the stroke; shape (n,)."""
    n = n_of(float(fixed.uniform(0.15, 0.6)))
    t = np.arange(n) / RATE_HZ
    force = float(take.uniform(0.6, 1.4))
    y = np.zeros(n)
    base = float(np.exp(fixed.uniform(np.log(90), np.log(1200))))
    off = _near(take, 1.0, 0.004)
    for mode in range(6):
        hz = base * float(np.cumprod(fixed.uniform(1.15, 1.9, mode + 1))[-1])
        half_life_s = float(fixed.uniform(0.02, 0.12))
        level = float(fixed.uniform(0.2, 1.0)) * force ** (0.4 * mode)
        phase = float(take.uniform(0, 2 * np.pi))
        ring = np.sin(2 * np.pi * hz * off * t + phase) * decay(n, _near(take, half_life_s, 0.12))
        y += _near(take, level, 0.25) * ring / (1 + mode)
    low_hz = float(fixed.uniform(300, 3000))
    stick = band(noise(take, n), low_hz, _near(take, low_hz * 3, 0.1)) * decay(n, float(fixed.uniform(0.004, 0.05)))
    return y + force * float(fixed.uniform(0.5, 2.0)) * stick


def word(fixed: np.random.Generator, take: np.random.Generator) -> Audio:
    """Two to four syllables of a formant synthesiser; each take with its own melody, pace and mouth; shape (n,)."""
    pitch_hz = _near(take, float(fixed.uniform(90, 220)), 0.06)
    mouth = _near(take, 1.0, 0.02)
    pieces: list[Audio] = []
    for _ in range(int(fixed.integers(2, 5))):
        low_hz, high_hz, length_s = CONSONANTS[int(fixed.integers(len(CONSONANTS)))]
        n = n_of(_near(take, length_s, 0.12))
        pieces.append(_near(take, 0.35, 0.2) * band(noise(take, n), low_hz * mouth, high_hz) * np.hanning(n))
        n = n_of(_near(take, float(fixed.uniform(0.09, 0.2)), 0.1))
        fall = np.linspace(_near(take, 1.05, 0.05), _near(take, 0.95, 0.05), n)
        voice = saw(pitch_hz * fall, n) + 0.03 * noise(take, n)
        start, end = (VOWELS[int(fixed.integers(len(VOWELS)))] for _ in range(2))
        turn = np.linspace(0.0, 1.0, n)
        vowel = np.zeros(n)
        for one, other, level in zip(start, end, (1.0, 0.6, 0.3), strict=True):
            for hz, weight in ((one, 1.0 - turn), (other, turn)):
                centre = _near(take, hz * mouth, 0.015)
                vowel += level * weight * band(voice, centre * 0.93, centre * 1.07, order=1)
        pieces.append(vowel * np.minimum(1.0, 6.0 * np.hanning(n)))
    return np.concatenate(pieces)


def footstep(fixed: np.random.Generator, take: np.random.Generator) -> Audio:
    """Heel and toe on one ground: two short thuds and a scrape, never equally far apart or equally hard;
    shape (n,)."""
    n = n_of(0.4)
    y = np.zeros(n)
    thud_hz, grain_hz = float(fixed.uniform(60, 180)), float(fixed.uniform(700, 4500))
    apart_s, scrape = float(fixed.uniform(0.06, 0.14)), float(fixed.uniform(0.1, 0.8))
    half_life_s = float(fixed.uniform(0.008, 0.03))
    at = 0
    for level in (1.0, float(fixed.uniform(0.4, 0.8))):
        m = n - at
        hz = _near(take, thud_hz, 0.06)
        thud = sine(hz, m) * decay(m, _near(take, 0.02, 0.15))
        centre = _near(take, grain_hz, 0.08)
        grains = band(noise(take, m), centre * 0.6, centre * 1.7) * decay(m, _near(take, half_life_s, 0.15))
        y[at:] += _near(take, level, 0.25) * (thud + grains)
        at += n_of(_near(take, apart_s, 0.12))
    drag = band(noise(take, n), grain_hz, grain_hz * 2.5) * decay(n, 0.05) * np.minimum(1.0, np.arange(n) / n_of(0.05))
    return y + scrape * _near(take, 0.5, 0.3) * drag


def room(rng: np.random.Generator, n: int) -> Audio:
    """A practice room: a hum, hiss, and somebody who plays something else; shape (n,)."""
    others = _crowd(rng, n, "hit", every_s=0.45)
    return 0.05 * sine(50.0, n) + 0.03 * lowpass(noise(rng, n), 3000) + 0.5 * others


def babble(rng: np.random.Generator, n: int) -> Audio:
    """People who say other words all the time; shape (n,)."""
    return _crowd(rng, n, "word", every_s=0.35) + 0.01 * noise(rng, n)


def street(rng: np.random.Generator, n: int) -> Audio:
    """Wind and traffic that come and go, birds, and others who pass; shape (n,)."""
    knots = np.arange(0, n + RATE_HZ, RATE_HZ)
    swell = np.interp(np.arange(n), knots, rng.uniform(0.3, 1.0, len(knots)))
    wind = lowpass(noise(rng, n), 400) * swell
    air = highpass(lowpass(noise(rng, n), 6000), 1000) * 0.1
    chirps = np.zeros(n)
    for start in rng.integers(0, max(1, n - RATE_HZ), max(1, n // (2 * RATE_HZ))):
        m = n_of(float(rng.uniform(0.05, 0.15)))
        first_hz, last_hz = rng.uniform(2500, 6000, 2).tolist()
        chirps[start : start + m] += 0.3 * sine(glide(first_hz, last_hz, m), m) * np.hanning(m)
    return wind + air + chirps + 0.4 * _crowd(rng, n, "footstep", every_s=1.5)


def _crowd(rng: np.random.Generator, n: int, family: str, *, every_s: float) -> Audio:
    """Other sounds of a family, one after the other, drawn from ``CROWD`` takes."""
    heard = [Performed(family, int(rng.integers(2**31)), every_s).render() for _ in range(CROWD)]
    y = np.zeros(n)
    at = 0
    while at < n:
        x = heard[int(rng.integers(CROWD))][: n - at]
        y[at : at + len(x)] += float(rng.uniform(0.3, 1.0)) * x
        at += n_of(every_s * float(rng.uniform(0.5, 1.5)))
    return y


def stereo(mono: Audio) -> NDArray[np.float64]:
    """The same in both channels, with a little more of the room in between; shape (n, 2)."""
    late = scipy.signal.lfilter([0.0] * 331 + [0.3], [1.0], mono)
    return np.stack([mono + late, mono - late], axis=1)


_FAMILIES: dict[str, Take] = {"hit": hit, "word": word, "footstep": footstep}

SCENES: dict[str, Stage] = {
    "hits": Stage(room, ("hit",)),
    "words": Stage(babble, ("word",)),
    "footsteps": Stage(street, ("footstep",)),
}
