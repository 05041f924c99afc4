"""The background: the salience map in coarse bands, and what its windows have in common.

Exemplar-LDA is a linear template that turns away from what the windows of this audio have in common.

Windows taken all over the audio stand for "background" without anybody having labelled them [1]_. Against one
example the ridge regression of "this one" on all of them has the closed form ``w = (S + lambda I)^-1 (x - mu)``; it is
solved in the space of the windows, whose cells are ``BANDS_PER_CELL`` bands by as many frames as leave at most
``CELLS_PER_WINDOW`` of them.

References
----------
.. [1] Hariharan, Malik, Ramanan, "Discriminative decorrelation for clustering and classification", ECCV 2012.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from reatrieve.retrieval.correlate import MapSpectra
from reatrieve.retrieval.default.kernel import soft_norms, window_norms

__all__ = ["BANDS_PER_CELL", "Background", "CoarseMap"]

BANDS_PER_CELL = 4
"""Rows of R that are averaged into one of the coarse map."""
_CHUNK_FRAMES = 4096

_F32 = NDArray[np.float32]


class CoarseMap:
    """R with each ``BANDS_PER_CELL`` rows averaged, for excerpts of one length.

    Parameters
    ----------
    read : ``read(first, last)`` gives the map's frames ``first <= t < last``, shape (n_rows, last - first).
    n_rows, map_frames : the map's shape; n_rows is a multiple of ``BANDS_PER_CELL``.
    n_frames : frames in an excerpt, at most ``map_frames``.

    Attributes
    ----------
    values : np.ndarray [shape=(n_rows // BANDS_PER_CELL, map_frames), >= 0]
    energy : np.ndarray [shape=(map_frames,), >= 0]
        Energy of each frame of ``values``.
    n_frames : frames in an excerpt.
    """

    def __init__(self, read: Callable[[int, int], _F32], *, n_rows: int, map_frames: int, n_frames: int) -> None:
        self.n_frames = n_frames
        self.values = values = np.empty((n_rows // BANDS_PER_CELL, map_frames), dtype=np.float32)
        for first in range(0, map_frames, _CHUNK_FRAMES):
            last = min(first + _CHUNK_FRAMES, map_frames)
            rows = read(first, last).reshape(n_rows // BANDS_PER_CELL, BANDS_PER_CELL, -1)
            np.mean(rows, axis=1, out=self.values[:, first:last])
        self.energy = np.einsum("bt,bt->t", self.values, self.values)
        self._norms = window_norms(self.energy, n_frames)
        self._soft = soft_norms(self._norms)
        self._spectra = MapSpectra(
            lambda first, last: values[:, first:last],
            n_rows=len(self.values),
            n_frames=map_frames,
            template_frames=n_frames,
        )

    def prepare(self) -> None:
        """Compute now what the first ``profile`` needs."""
        self._spectra.prepare()

    def profile(self, template: _F32) -> _F32:
        """Inner product of a template with the excerpt at every start.

        Parameters
        ----------
        template : np.ndarray [shape=(n_rows // BANDS_PER_CELL, n_frames)]

        Returns
        -------
        np.ndarray [shape=(map_frames - n_frames + 1,)]
        """
        return self._spectra.profiles(template[None])[0, : self.values.shape[1] - self.n_frames + 1]

    def windows(self, starts: NDArray[np.intp]) -> _F32:
        """The excerpts at grid places ``starts`` [shape=(n,)], shape (n, n_rows // BANDS_PER_CELL, n_frames)."""
        return np.stack([self.values[:, start : start + self.n_frames] for start in starts])

    def energies(self, starts: NDArray[np.intp]) -> _F32:
        """Energy of each frame of the excerpts at ``starts`` [shape=(n,)], shape (n, n_frames), >= 0."""
        return np.asarray(self.energy[starts[:, None] + np.arange(self.n_frames)])

    def kernels(self, ours: NDArray[np.intp], starts: NDArray[np.intp], windows: _F32) -> _F32:
        """Kernel of the excerpts at ``ours`` with those at ``starts``, whose ``windows`` are given.

        A cosine, but for the softened norm of the second (see ``kernel``).

        Parameters
        ----------
        ours, starts : np.ndarray [shape=(n,)], np.ndarray [shape=(m,)]
            Grid places.
        windows : np.ndarray [shape=(m, n_rows // BANDS_PER_CELL, n_frames)]
            As the method ``windows`` gives them for ``starts``.

        Returns
        -------
        np.ndarray [shape=(n, m), >= 0]
        """
        own = self.windows(ours).reshape(len(ours), -1)
        inner = own @ windows.reshape(len(starts), -1).T
        return np.asarray(inner / (self._norms[ours][:, None] * self._soft[starts]))


CELLS_PER_WINDOW = 1500
"""At most so many numbers describe a window of the background."""
N_WINDOWS = 500
"""Windows, spread evenly over the audio, that stand for the background."""
LDA_RIDGE = 0.003
"""Added to the diagonal of the windows' covariance, as a share of their mean variance."""
LDA_NORM_FLOOR = 0.1
"""Norms of the windows count as at least this share of their median."""


class Background:
    """What windows of one length have in common.

    Parameters
    ----------
    coarse : the map, its bands already averaged.
    """

    def __init__(self, coarse: CoarseMap) -> None:
        n_frames, map_frames = coarse.n_frames, coarse.values.shape[1]
        bands = coarse.values.shape[0]
        self._map = coarse.values
        self._examples: dict[int, _F32] = {}
        self._n_frames = n_frames
        self._bands = bands
        self._frames_per_cell = max(1, math.ceil(bands * n_frames / CELLS_PER_WINDOW))
        self._ones = np.ones(self._frames_per_cell, dtype=np.float32)
        self._n_cells = max(1, n_frames // self._frames_per_cell)
        starts = np.unique(np.linspace(0, map_frames - n_frames, N_WINDOWS).astype(int))
        windows = np.stack([self._cells(coarse.values[:, start : start + n_frames]) for start in starts])
        norms = np.linalg.norm(windows, axis=1)
        self._floor = max(LDA_NORM_FLOOR * float(np.median(norms)), 1e-9)
        windows /= np.maximum(norms, self._floor)[:, None]
        self._mean = windows.mean(axis=0)
        windows -= self._mean
        gram = windows @ windows.T / np.float32(len(windows))
        gram[np.diag_indices_from(gram)] += np.float32(LDA_RIDGE * float(np.square(windows).sum(axis=1).mean()) + 1e-9)
        # (S + ridge I)^-1 v = (v - A^T A v) / ridge, where A = L^-1 windows / sqrt(n) and L L^T is the gram matrix.
        lower = scipy.linalg.cholesky(gram, lower=True, check_finite=False)
        A = scipy.linalg.solve_triangular(lower, windows, lower=True, check_finite=False)
        self._common = A / np.float32(math.sqrt(len(windows)))

    def template(self, starts: Iterable[int]) -> _F32:
        """The template for the mean of the excerpts at some starts.

        Returns
        -------
        np.ndarray [shape=(bands, n_frames)]
            For the coarse map: up to a positive factor ``(S + ridge I)^-1 (x - mu)``.
        """
        x = np.mean([self._example(start) for start in starts], axis=0) - self._mean
        w = (x - (self._common @ x) @ self._common).reshape(self._bands, -1)
        template = np.zeros((self._bands, self._n_frames), dtype=np.float32)
        template[:, : self._n_cells * self._frames_per_cell] = np.repeat(w, self._frames_per_cell, axis=1)
        return template

    def _example(self, start: int) -> _F32:
        if start not in self._examples:
            cells = self._cells(self._map[:, start : start + self._n_frames])
            self._examples[start] = cells / np.float32(max(float(np.linalg.norm(cells)), self._floor))
        return self._examples[start]

    def _cells(self, excerpt: _F32) -> _F32:
        whole = excerpt[:, : self._n_cells * self._frames_per_cell]
        # A product with ones: numpy's sum over so short an axis takes three times as long.
        cells: _F32 = whole.reshape(-1, self._frames_per_cell) @ self._ones
        return cells
