"""What the network hears: levels of 64 mel bands every 11.6 ms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from reatrieve.retrieval.filterbank import hann, mel_bank
from reatrieve.retrieval.threads import Run, in_order
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = ["BAND_HOP", "LEARNED_BANDS", "band_count", "band_levels"]

LEARNED_BANDS = 64
BAND_HOP = 256
_N_FFT = 1024
_LOW_HZ, _HIGH_HZ = 40.0, 11025.0
_FLOOR = 1e-8
_CHUNK = 1024
"""Frames worked on at a time: fixed, so that rounding does not depend on the caller."""

_F32 = NDArray[np.float32]


def band_count(n_samples: int) -> int:
    """Frames of ``n_samples`` samples."""
    return 1 + n_samples // BAND_HOP


def band_levels(samples: NDArray[np.floating], *, run: Run = in_order) -> Iterator[_F32]:
    """Natural logarithm of the mean power in each band, a chunk of frames at a time.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)], mono at 22,050 Hz; may be a memory map.
    run : how the chunks are worked on.

    Returns
    -------
    iterator of np.ndarray [shape=(LEARNED_BANDS, k), float32]
        The next k frames each time; frame t is centred on sample ``t * BAND_HOP``.
    """
    _window(), _bank()  # made once, before threads want them
    return iter(run(partial(_levels, samples, first) for first in range(0, band_count(samples.size), _CHUNK)))


def _levels(samples: NDArray[np.floating], first: int) -> _F32:
    """One chunk, from frame ``first`` on."""
    n = min(_CHUNK, band_count(samples.size) - first)
    start = first * BAND_HOP - _N_FFT // 2
    stop = start + (n - 1) * BAND_HOP + _N_FFT
    y = np.zeros(stop - start, dtype=np.float32)
    low, high = max(start, 0), min(stop, samples.size)
    y[low - start : high - start] = samples[low:high]
    windows = np.lib.stride_tricks.sliding_window_view(y, _N_FFT)[::BAND_HOP]
    spectrum = scipy.fft.rfft(windows * _window(), axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    levels: _F32 = np.log(_bank() @ power.T + np.float32(_FLOOR))
    return levels


@lru_cache(maxsize=1)
def _window() -> _F32:
    """Hann, scaled so that a full-scale sine has power 1."""
    window = hann(_N_FFT)
    return np.asarray(window * (2.0 / window.sum()), dtype=np.float32)


@lru_cache(maxsize=1)
def _bank() -> _F32:
    """Weights of the mean over each band (Slaney's mel scale), shape (LEARNED_BANDS, 1 + _N_FFT // 2)."""
    bank = mel_bank(
        rate_hz=ANALYSIS_RATE_HZ,
        n_fft=_N_FFT,
        n_bands=LEARNED_BANDS,
        low_hz=_LOW_HZ,
        high_hz=_HIGH_HZ,
        equal_area=False,
    ).astype(np.float32)
    return np.ascontiguousarray(bank / bank.sum(axis=1, keepdims=True), dtype=np.float32)
