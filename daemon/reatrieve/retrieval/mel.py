"""Mel power, streamed: librosa's ``melspectrogram`` at its defaults, never more than a chunk of frames at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray
from scipy import sparse

from reatrieve.retrieval.frames import N_FFT
from reatrieve.retrieval.interface import ANALYSIS_RATE_HZ
from reatrieve.retrieval.stream import frame_chunks

__all__ = ["N_BANDS", "mel_power"]

N_BANDS = 128


def mel_power(blocks: Iterable[NDArray[np.float32]], *, n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Mel power spectrogram in chunks, equal to ``librosa.feature.melspectrogram(y=y, sr=22050)`` up to rounding.

    Parameters
    ----------
    blocks : mono float32 audio at 22,050 Hz, blocks of any length.
    n_samples : samples in all.

    Yields
    ------
    np.ndarray [shape=(N_BANDS, k), float32, >= 0]
        Power in each mel band (Slaney scale and norm) of the next k frames.
    """
    window = _hann()
    bank = _mel_bank()
    for windows in frame_chunks(blocks, n_samples=n_samples):
        spectrum = scipy.fft.rfft(windows * window, axis=1)
        power = np.square(spectrum.real)
        power += np.square(spectrum.imag)
        yield np.ascontiguousarray((bank @ power.T).astype(np.float32, copy=False))


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return np.asarray(scipy.signal.get_window("hann", N_FFT, fftbins=True), dtype=np.float32)


@lru_cache(maxsize=1)
def _mel_bank() -> sparse.csr_matrix:
    import librosa  # costs a second: only what analyses pays it

    return sparse.csr_matrix(librosa.filters.mel(sr=ANALYSIS_RATE_HZ, n_fft=N_FFT, n_mels=N_BANDS))
