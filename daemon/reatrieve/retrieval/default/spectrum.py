"""From mel power to salience maps: log-mel whitened by the audio itself.

A map holds what is there (R+), what is missing (R-), and both blurred (B).

Whitening by the audio's own covariance is exemplar-LDA [1]_: what all its moments have in common counts little.

References
----------
.. [1] Hariharan, Malik, Ramanan, "Discriminative decorrelation for clustering and classification", ECCV 2012.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.ndimage
from numpy.typing import NDArray
from scipy import sparse

from reatrieve.retrieval.excerpt import HOP, N_FFT
from reatrieve.retrieval.filterbank import hann, mel_bank
from reatrieve.retrieval.stream import CHUNK_FRAMES, frame_chunks
from reatrieve.retrieval.threads import for_each, in_order
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = [
    "BLUR_RADIUS",
    "CLIP",
    "N_BANDS",
    "blurred",
    "blurred_adjoint",
    "envelope",
    "log_mel",
    "map_energy",
    "mel_power",
    "rectified",
    "whitening",
]

N_BANDS = 128
"""Mel bands."""
N_CEPSTRAL = 20
"""Cepstral coefficients, the first of them the level."""
ONSET_LAG = N_FFT // 2 // HOP
"""Frames between the first window that holds a sample and the one that is centred on it."""
_FFT_FRAMES = 64
"""Transformed at a time: what is made of so many stays in a processor's cache."""


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
        mel = np.empty((N_BANDS, len(windows)), dtype=np.float32)
        for first in range(0, len(windows), _FFT_FRAMES):
            spectrum = scipy.fft.rfft(windows[first : first + _FFT_FRAMES] * window, axis=1)
            power = np.square(spectrum.real)
            power += np.square(spectrum.imag)
            mel[:, first : first + _FFT_FRAMES] = bank @ power.T
        yield mel


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return hann(N_FFT).astype(np.float32)


@lru_cache(maxsize=1)
def _mel_bank() -> sparse.csr_matrix:
    bank = mel_bank(
        rate_hz=ANALYSIS_RATE_HZ,
        n_fft=N_FFT,
        n_bands=N_BANDS,
        low_hz=0.0,
        high_hz=ANALYSIS_RATE_HZ / 2,
        equal_area=True,
    )
    return sparse.csr_matrix(bank.astype(np.float32))


FLOOR = 1e-6
"""Added to the mel power, as a share of the greatest of the audio."""
SHRINKAGE = 0.1
"""C <- (1 - s) C + s (tr C / n) I: bands that hardly vary are not blown up."""
CLIP = 3.0
"""Standard deviations beyond which a cell counts no more."""
BLUR_SIGMA = 1.5
"""Bands, and frames."""
BLUR_RADIUS = 6
"""Frames that the blur reaches to either side (scipy's truncation at 4 sigma)."""
_BLUR_FRAMES = 64
"""Frames that one product blurs."""

_F32 = NDArray[np.float32]


def log_mel(power: Sequence[_F32]) -> None:
    """Turn chunks of mel power into log-mel, in place: ``log(power + FLOOR * greatest)``, the natural logarithm.

    Chunks are [shape=(N_BANDS, k), float32, >= 0], k differing; at least one.
    """
    floor = np.float32(FLOOR * max(float(chunk.max()) for chunk in power))

    def take_log(chunk: _F32) -> None:
        chunk += floor
        np.log(chunk, out=chunk)

    for_each(take_log, power)


def envelope(chunks: Sequence[_F32]) -> tuple[NDArray[np.float16], _F32]:
    """Cepstra and onset strength of a log-mel map.

    Parameters
    ----------
    chunks : sequence of np.ndarray [shape=(N_BANDS, k)]

    Returns
    -------
    cepstrum : np.ndarray [shape=(N_CEPSTRAL, n_frames)]
        The first coefficients of an orthonormal DCT over the bands.
    onset : np.ndarray [shape=(n_frames,), >= 0]
        Mean rise of the bands (spectral flux of the log-mel [1]_), at the frame in which an onset lies: its window
        begins to hold it some frames before.

    References
    ----------
    .. [1] Bello et al., "A tutorial on onset detection in music signals", IEEE Trans. Speech Audio Process., 2005.
    """
    n_frames = sum(chunk.shape[1] for chunk in chunks)
    basis = scipy.fft.dct(np.eye(N_BANDS, dtype=np.float32), axis=0, norm="ortho")[:N_CEPSTRAL]
    cepstrum = np.empty((N_CEPSTRAL, n_frames), dtype=np.float16)
    rise = np.zeros(n_frames + ONSET_LAG, dtype=np.float32)
    ends = list(itertools.accumulate((chunk.shape[1] for chunk in chunks), initial=0))

    def fill(number: int) -> None:
        chunk, first, last = chunks[number], ends[number], ends[number + 1]
        cepstrum[:, first:last] = basis @ chunk
        before = chunks[number - 1][:, -1:] if number else chunk[:, :1]
        steps = np.diff(chunk, axis=1, prepend=before)
        rise[first + ONSET_LAG : last + ONSET_LAG] = np.maximum(steps, 0.0, out=steps).mean(axis=0)

    for_each(fill, range(len(chunks)))
    return cepstrum, rise[:n_frames]


def whitening(chunks: Sequence[_F32]) -> tuple[_F32, _F32]:
    """Mean over time and ``C^(-1/2)`` of the shrunk covariance of the bands.

    Parameters
    ----------
    chunks : sequence of np.ndarray [shape=(N_BANDS, k)]

    Returns
    -------
    mean : np.ndarray [shape=(N_BANDS, 1)]
    whitener : np.ndarray [shape=(N_BANDS, N_BANDS), symmetric]
    """
    n_frames = sum(chunk.shape[1] for chunk in chunks)
    total = np.zeros(N_BANDS)
    moment = np.zeros((N_BANDS, N_BANDS))
    for sums, products in in_order(partial(_moments, chunk) for chunk in chunks):
        total += sums
        moment += products
    mean = total / n_frames
    covariance = moment / n_frames - np.outer(mean, mean)
    spread = max(float(np.trace(covariance)) / N_BANDS, 1e-12)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * spread * np.eye(N_BANDS)
    values, vectors = scipy.linalg.eigh(covariance)
    values = np.maximum(values, 1e-3 * SHRINKAGE * spread)  # rounding can leave a constant band slightly negative
    whitener = (vectors / np.sqrt(values)) @ vectors.T
    return mean.astype(np.float32)[:, None], whitener.astype(np.float32)


def _moments(chunk: _F32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wide = chunk.astype(np.float64)
    return wide.sum(axis=1), wide @ wide.T


def rectified(whitened: NDArray[np.floating]) -> _F32:
    """R+ over R-: ``[clip(W, 0, CLIP); clip(-W, 0, CLIP)]``.

    ``whitened`` W [shape=(n_bands, n_frames)] gives [shape=(2 * n_bands, n_frames), float32, 0..CLIP].
    """
    n_bands, n_frames = whitened.shape
    both = np.empty((2 * n_bands, n_frames), dtype=np.float32)
    if whitened.dtype == np.float16:  # looked up: numpy widens float16 one by one
        places = np.asarray(whitened).view(np.uint16).astype(np.intp)
        for half, known in zip((both[:n_bands], both[n_bands:]), _rectified_halves(), strict=True):
            np.take(known, places, out=half, mode="clip")  # without a mode it would copy first
        return both
    both[:n_bands] = whitened
    np.negative(both[:n_bands], out=both[n_bands:])
    np.minimum(both, np.float32(CLIP), out=both)
    np.maximum(both, np.float32(0.0), out=both)
    return both


@lru_cache(maxsize=1)
def _rectified_halves() -> _F32:
    """R+ and R- of every float16, shape (2, 65536)."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    return rectified(every[None].astype(np.float32))


def blurred(R: _F32) -> _F32:
    """B: each half of R blurred over bands (mirrored at the edges) and frames.

    ``R`` [shape=(2 * N_BANDS, n)] gives [shape=(2 * N_BANDS, n + 2 * BLUR_RADIUS)]: longer at both ends.
    """
    return _over_frames(_over_bands(R, _band_blur()))


def blurred_adjoint(B: _F32) -> _F32:
    """The adjoint of ``blurred``, for correlation: ``<X, blurred(R)> == <blurred_adjoint(X), R>`` on padded frames.

    So a template of B is compared with the audio's R, and one set of map spectra serves both views. Shapes as those of
    ``blurred``: ``B`` [shape=(2 * N_BANDS, n)] gives [shape=(2 * N_BANDS, n + 2 * BLUR_RADIUS)].
    """
    return _over_frames(_over_bands(B, _band_blur().T))


def map_energy(whitened: NDArray[np.float16]) -> _F32:
    """Energy of each frame of R, of B+ and of B-: all that window norms need.

    ``whitened`` is [shape=(N_BANDS, n_frames)].

    Returns
    -------
    np.ndarray [shape=(3, n_frames), float32, >= 0]
    """
    n_frames = whitened.shape[1]
    energy = np.empty((3, n_frames), dtype=np.float32)

    def fill(first: int) -> None:
        last = min(first + CHUNK_FRAMES, n_frames)
        R = rectified(whitened[:, max(first - BLUR_RADIUS, 0) : min(last + BLUR_RADIUS, n_frames)])
        inner = slice(first - max(first - BLUR_RADIUS, 0), None)
        own = R[:, inner][:, : last - first]
        energy[0, first:last] = np.einsum("bt,bt->t", own, own)
        offset = BLUR_RADIUS + inner.start
        B = blurred(R)[:, offset : offset + last - first]
        energy[1, first:last] = np.einsum("bt,bt->t", B[:N_BANDS], B[:N_BANDS])
        energy[2, first:last] = np.einsum("bt,bt->t", B[N_BANDS:], B[N_BANDS:])

    for_each(fill, range(0, n_frames, CHUNK_FRAMES))
    return energy


def _over_bands(R: _F32, blur: _F32) -> _F32:
    halves: _F32 = blur @ R.reshape(2, N_BANDS, -1)
    return halves.reshape(R.shape)


def _over_frames(R: _F32) -> _F32:
    """Gaussian blur along frames, one banded product a block; longer by ``BLUR_RADIUS`` each way."""
    longer = R.shape[1] + 2 * BLUR_RADIUS
    padded = np.zeros((R.shape[0], longer + 2 * BLUR_RADIUS), dtype=np.float32)
    padded[:, 2 * BLUR_RADIUS : longer] = R
    out = np.empty((R.shape[0], longer), dtype=np.float32)
    blur = _frame_blur()
    for first in range(0, longer, _BLUR_FRAMES):
        n = min(_BLUR_FRAMES, longer - first)
        reach = n + 2 * BLUR_RADIUS
        np.matmul(padded[:, first : first + reach], blur[:reach, :n], out=out[:, first : first + n])
    return out


@lru_cache(maxsize=1)
def _frame_blur() -> _F32:
    """What a block's frames and those around it give for its frames, shape (block + 2 * BLUR_RADIUS, block)."""
    impulses = np.eye(_BLUR_FRAMES + 2 * BLUR_RADIUS)[:, BLUR_RADIUS:-BLUR_RADIUS]
    return scipy.ndimage.gaussian_filter1d(impulses, BLUR_SIGMA, axis=0, mode="constant").astype(np.float32)


@lru_cache(maxsize=1)
def _band_blur() -> _F32:
    return scipy.ndimage.gaussian_filter1d(np.eye(N_BANDS), BLUR_SIGMA, axis=0, mode="reflect").astype(np.float32)
