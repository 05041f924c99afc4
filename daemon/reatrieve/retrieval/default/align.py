"""Edges: from the frame grid to samples, by the waveform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from reatrieve.retrieval.excerpt import HOP, sample_near
from reatrieve.session.retriever import ANALYSIS_RATE_HZ
from reatrieve.session.spans import Span

__all__ = ["Aligner"]

REACH = HOP
"""Samples that an edge may move to either side."""
LONGEST = ANALYSIS_RATE_HZ
"""Samples of an excerpt that are compared: its first second tells where it begins."""
MOST_POSITIVES = 8
LEAST_CORRELATION = 0.2
"""Below this the waveforms have nothing in common and the grid stands."""


class Aligner:
    """Moves excerpts of one length to where their waveform fits the labelled positives best.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), floating]
        The searched audio at ``ANALYSIS_RATE_HZ``.
    length_s : length of the excerpts.
    """

    def __init__(self, samples: NDArray[np.generic], *, length_s: float) -> None:
        self._samples = samples
        self._length = min(sample_near(length_s), LONGEST)
        self._n_fft = scipy.fft.next_fast_len(self._length + 2 * REACH, real=True)
        self._pieces: dict[float, NDArray[np.float32]] = {}

    def refined(self, begins_s: Sequence[float], coarse: Span) -> Span:
        """The excerpt ``coarse`` (right to half a frame), moved.

        Parameters
        ----------
        begins_s : where the positives begin, the example first; the example and the latest are used.
        coarse : the excerpt on the frame grid.
        """
        length = self._length
        template = self._template((*begins_s[:1], *begins_s[1:][-(MOST_POSITIVES - 1) :]))
        start = sample_near(coarse.start_s)
        place = _piece(self._samples, start - REACH, length + 2 * REACH)
        spectrum = scipy.fft.rfft(place, n=self._n_fft) * np.conj(scipy.fft.rfft(template, n=self._n_fft))
        inner = scipy.fft.irfft(spectrum, n=self._n_fft)[: 2 * REACH + 1]
        first = float(np.square(place[:length], dtype=np.float64).sum())
        steps = np.square(place[length:], dtype=np.float64) - np.square(place[: 2 * REACH], dtype=np.float64)
        energy = np.maximum(np.concatenate([[first], first + np.cumsum(steps)]), 1e-9)
        correlation = inner / (np.sqrt(energy) * max(float(np.linalg.norm(template)), 1e-9))
        best = int(np.argmax(np.round(correlation, 5)))
        begin = start - REACH + best
        last = len(self._samples) - sample_near(coarse.length_s)
        if correlation[best] < LEAST_CORRELATION or not 0 <= begin <= last:
            return coarse
        return coarse.moved((begin / ANALYSIS_RATE_HZ) - coarse.start_s)

    def _template(self, begins_s: Sequence[float]) -> NDArray[np.float32]:
        """Sum of the positives' beginnings, each of norm 1."""
        known, self._pieces = self._pieces, {}
        for begin_s in begins_s:
            if begin_s in known:
                self._pieces[begin_s] = known[begin_s]
            else:
                piece = _piece(self._samples, sample_near(begin_s), self._length)
                self._pieces[begin_s] = piece / np.float32(max(float(np.linalg.norm(piece)), 1e-9))
        return np.asarray(sum(self._pieces.values()), dtype=np.float32)


def _piece(samples: NDArray[np.generic], first: int, length: int) -> NDArray[np.float32]:
    """``length`` samples from ``first`` on, zeros outside the sound."""
    piece = np.zeros(length, dtype=np.float32)
    low, high = max(first, 0), min(first + length, len(samples))
    if low < high:
        piece[low - first : high - first] = samples[low:high]
    return piece
