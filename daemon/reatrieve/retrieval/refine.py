"""Edges: from the frame grid to samples, by the waveform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from reatrieve.retrieval.frames import HOP, sample_near
from reatrieve.retrieval.interface import ANALYSIS_RATE_HZ
from reatrieve.retrieval.spans import Span

__all__ = ["refined"]

REACH = HOP
"""Samples that an edge may move to either side."""
LONGEST = ANALYSIS_RATE_HZ
"""Samples of an excerpt that are compared: its first second tells where it begins."""
MOST_POSITIVES = 8
LEAST_CORRELATION = 0.2
"""Below this the waveforms have nothing in common and the grid stands."""


def refined(samples: NDArray[np.generic], labelled: Sequence[Span], coarse: Span) -> Span:
    """The excerpt ``coarse`` (right to half a frame) moved to where its waveform fits the labelled positives best.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), floating]
        The searched audio at ``ANALYSIS_RATE_HZ``.
    labelled : the positives, the example first; the example and the latest are used.
    coarse : the excerpt on the frame grid.
    """
    length = min(sample_near(coarse.length_s), LONGEST)
    template = np.zeros(length, dtype=np.float32)
    for span in (*labelled[:1], *labelled[1:][-(MOST_POSITIVES - 1) :]):
        piece = _piece(samples, sample_near(span.start_s), length)
        template += piece / max(float(np.linalg.norm(piece)), 1e-9)
    start = sample_near(coarse.start_s)
    place = _piece(samples, start - REACH, length + 2 * REACH)
    n_fft = scipy.fft.next_fast_len(place.size, real=True)
    spectrum = scipy.fft.rfft(place, n=n_fft) * np.conj(scipy.fft.rfft(template, n=n_fft))
    inner = scipy.fft.irfft(spectrum, n=n_fft)[: 2 * REACH + 1]
    running = np.concatenate([[0.0], np.cumsum(np.square(place, dtype=np.float64))])
    energy = np.maximum(running[length:] - running[:-length], 1e-9)
    correlation = inner / (np.sqrt(energy) * max(float(np.linalg.norm(template)), 1e-9))
    best = int(np.argmax(np.round(correlation, 5)))
    begin = start - REACH + best
    if correlation[best] < LEAST_CORRELATION or not 0 <= begin <= len(samples) - sample_near(coarse.length_s):
        return coarse
    return coarse.moved((begin / ANALYSIS_RATE_HZ) - coarse.start_s)


def _piece(samples: NDArray[np.generic], first: int, length: int) -> NDArray[np.float32]:
    """``length`` samples from ``first`` on, zeros outside the sound."""
    piece = np.zeros(length, dtype=np.float32)
    low, high = max(first, 0), min(first + length, len(samples))
    if low < high:
        piece[low - first : high - first] = samples[low:high]
    return piece
