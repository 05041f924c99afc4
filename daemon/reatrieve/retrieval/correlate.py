"""Correlation of templates with a whole map at every frame, by overlap-save.

Rows are multiplied and summed in the frequency domain, so a profile costs one inverse FFT whatever the number of rows.
The map's block spectra do not depend on the template: they are kept, up to a memory bound, and what does not fit is
computed again for each question. Memory grows with the map, never with one long FFT of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from reatrieve.errors import InputError

__all__ = ["CACHE_BYTES", "MapSpectra"]

CACHE_BYTES = 2**30
"""Spectra kept for one search: an hour of 256 rows needs about a fifth of it."""
_GROUP_BYTES = 8 * 2**20

_F32 = NDArray[np.float32]
_C64 = NDArray[np.complex64]


class MapSpectra:
    """A map ready to be correlated with templates of one length.

    Parameters
    ----------
    read : ``read(first, last)`` gives the map's frames ``first <= t < last``, shape (n_rows, last - first); it is asked
        for frames within the map only.
    n_rows, n_frames : the map's shape.
    template_frames : length of the templates.
    lead : the template's first frame is compared with map frame ``t - lead``; frames outside the map count as 0.
    cache_bytes : bound on the spectra kept.
    """

    def __init__(
        self,
        read: Callable[[int, int], _F32],
        *,
        n_rows: int,
        n_frames: int,
        template_frames: int,
        lead: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if template_frames < 1 or n_frames < 1:
            raise InputError(f"cannot correlate {template_frames} frames with {n_frames}")
        self._read = read
        self._n_rows = n_rows
        self._n_frames = n_frames
        self._template_frames = template_frames
        self._lead = lead
        self._n_fft = _block_length(n_rows, n_frames, template_frames)
        self._step = self._n_fft - template_frames + 1
        self._n_blocks = math.ceil(n_frames / self._step)
        bytes_a_block = 8 * n_rows * (self._n_fft // 2 + 1)
        self._group = max(1, _GROUP_BYTES // bytes_a_block)
        self._n_kept = min(self._n_blocks, max(0, cache_bytes // bytes_a_block))
        self._kept: _C64 | None = None

    def prepare(self) -> None:
        """Compute now the spectra that are kept; otherwise the first question does."""
        for _ in self._blocks():
            return

    def profiles(self, templates: _F32) -> _F32:
        """Inner product of each template with the map at every frame.

        Parameters
        ----------
        templates : np.ndarray [shape=(n_templates, n_rows, template_frames)]

        Returns
        -------
        np.ndarray [shape=(n_templates, n_frames)]
            ``out[m, t] = sum_r sum_u templates[m, r, u] * map[r, t - lead + u]``.
        """
        n_templates = templates.shape[0]
        spectra = scipy.fft.rfft(templates, n=self._n_fft, axis=2)
        T = np.ascontiguousarray(np.conj(spectra, out=spectra).transpose(2, 0, 1))  # (freq, template, row)
        out = np.empty((n_templates, self._n_blocks * self._step), dtype=np.float32)
        for first, S in self._blocks():
            products = np.ascontiguousarray(np.matmul(T, S).transpose(1, 2, 0))  # (template, block, freq)
            pieces = scipy.fft.irfft(products, n=self._n_fft, axis=2)[:, :, : self._step]
            out[:, first * self._step : (first + S.shape[2]) * self._step] = pieces.reshape(n_templates, -1)
        return out[:, : self._n_frames]

    def row_profiles(self, template: _F32) -> _F32:
        """Inner product of one template with the map at every frame, row by row (``lead`` as above).

        Parameters
        ----------
        template : np.ndarray [shape=(n_rows, template_frames)]

        Returns
        -------
        np.ndarray [shape=(n_rows, n_frames)]
        """
        spectrum = scipy.fft.rfft(template, n=self._n_fft, axis=1)
        T = np.conj(spectrum, out=spectrum).T[:, :, None]
        out = np.empty((self._n_rows, self._n_blocks * self._step), dtype=np.float32)
        for first, S in self._blocks():
            for low in range(0, S.shape[2], self._group):
                high = min(low + self._group, S.shape[2])
                products = np.ascontiguousarray((T * S[:, :, low:high]).transpose(1, 2, 0))
                pieces = scipy.fft.irfft(products, n=self._n_fft, axis=2)[:, :, : self._step]
                out[:, (first + low) * self._step : (first + high) * self._step] = pieces.reshape(self._n_rows, -1)
        return out[:, : self._n_frames]

    def _blocks(self) -> Iterator[tuple[int, _C64]]:
        """(first block, spectra [shape=(freq, row, block)]) for the whole map."""
        if self._n_kept:
            if self._kept is None:
                kept = np.empty((self._n_fft // 2 + 1, self._n_rows, self._n_kept), dtype=np.complex64)
                for first in range(0, self._n_kept, self._group):
                    last = min(first + self._group, self._n_kept)
                    kept[:, :, first:last] = self._spectra(first, last)
                self._kept = kept
            yield 0, self._kept
        for first in range(self._n_kept, self._n_blocks, self._group):
            last = min(first + self._group, self._n_blocks)
            yield first, np.ascontiguousarray(self._spectra(first, last))

    def _spectra(self, first: int, last: int) -> _C64:
        """(freq, row, block) of a run of blocks."""
        frames = np.zeros((self._n_rows, last - first, self._n_fft), dtype=np.float32)
        origin = max(first * self._step - self._lead, 0)
        rows = self._read(origin, min((last - 1) * self._step - self._lead + self._n_fft, self._n_frames))
        for block in range(first, last):
            start = block * self._step - self._lead
            low, high = max(start, 0), min(start + self._n_fft, self._n_frames)
            if low < high:
                frames[:, block - first, low - start : high - start] = rows[:, low - origin : high - origin]
        spectra: _C64 = scipy.fft.rfft(frames, axis=2).transpose(2, 0, 1)
        return spectra


def _block_length(n_rows: int, n_frames: int, template_frames: int) -> int:
    """The FFT length with the least work for a question: template spectra against overlapping blocks."""
    best, least = 0, math.inf
    power = 4
    while True:
        for length in (2**power, 3 * 2 ** (power - 1)):
            step = length - template_frames + 1
            if step < max(1, length // 8):
                continue
            blocks = math.ceil(n_frames / step)
            # A template row costs one FFT, a map row one product a frequency; measured at about equal weight.
            work = n_rows * length * math.log2(length) + n_rows * blocks * length
            if work < least:
                best, least = length, work
        if best and 2**power > 4 * best:
            return best
        power += 1
