"""What every source of training sounds gives: classes, and several takes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE_HZ", "Audio", "Clip", "Take", "band_noise", "performed", "seconds", "swept"]

RATE_HZ = 22050
Audio = NDArray[np.float64]
Take = Callable[[np.random.Generator], Audio]
"""Performs one sound once; every call is another performance."""


class Clip(NamedTuple):
    """One take of one sound.

    Attributes
    ----------
    samples : mono at ``RATE_HZ``, any level.
    class_ : what is performed; takes of one class are what the network learns to hold alike.
    family : ``hit``, ``drum``, ``word``, ``lick``, ``effect``: which kind of scene it is heard in.
    group : kit, voice or instrument: classes of one group differ less than others do.
    """

    samples: Audio
    class_: str
    family: str
    group: str


def performed(take: Take, rng: np.random.Generator, *, class_: str, family: str, group: str, n: int) -> Iterator[Clip]:
    """``n`` takes of one sound."""
    for _ in range(n):
        yield Clip(take(rng), class_, family, group)


def seconds(n: int) -> Audio:
    """Time of each of ``n`` samples.

    Returns [shape=(n,), float64], from 0 on.
    """
    return np.arange(n) / RATE_HZ


def swept(hz: Audio, phase: float = 0.0) -> Audio:
    """Sine whose frequency follows ``hz`` [shape=(n,)]."""
    return np.asarray(np.sin(phase + 2 * np.pi * np.cumsum(hz) / RATE_HZ))


def band_noise(rng: np.random.Generator, n: int, low_hz: float, high_hz: float) -> Audio:
    """White noise between two frequencies (edges of a third of an octave), deviation about 1.

    Returns [shape=(n,), float64].
    """
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ) + 1e-3
    above_low, above_high = (np.clip(3 * np.log2(hz / edge_hz) + 0.5, 0, 1) for edge_hz in (low_hz, high_hz))
    y = np.fft.irfft(spectrum * above_low * (1 - above_high), n)
    return np.asarray(y / (y.std() + 1e-9))
