"""The salience map in coarse bands, small enough to look at many excerpts of it closely."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.correlate import MapSpectra
from reatrieve.retrieval.kernel import soft_norms, window_norms

__all__ = ["POOL_BANDS", "CoarseMap"]

POOL_BANDS = 4
_CHUNK_FRAMES = 4096

_F32 = NDArray[np.float32]


class CoarseMap:
    """R with each ``POOL_BANDS`` rows averaged, for excerpts of one length.

    Parameters
    ----------
    read : ``read(first, last)`` gives the map's frames ``first <= t < last``, shape (n_rows, last - first).
    n_rows, map_frames : the map's shape; n_rows is a multiple of ``POOL_BANDS``.
    n_frames : frames in an excerpt, at most ``map_frames``.

    Attributes
    ----------
    values : np.ndarray [shape=(n_rows // POOL_BANDS, map_frames)]
    """

    def __init__(self, read: Callable[[int, int], _F32], *, n_rows: int, map_frames: int, n_frames: int) -> None:
        self.n_frames = n_frames
        self.values = np.empty((n_rows // POOL_BANDS, map_frames), dtype=np.float32)
        for first in range(0, map_frames, _CHUNK_FRAMES):
            last = min(first + _CHUNK_FRAMES, map_frames)
            rows = read(first, last).reshape(n_rows // POOL_BANDS, POOL_BANDS, -1)
            np.mean(rows, axis=1, out=self.values[:, first:last])
        self.energy = np.einsum("bt,bt->t", self.values, self.values)
        self._norms = window_norms(self.energy, n_frames)
        self._soft = soft_norms(self._norms)
        self._spectra = MapSpectra(
            lambda first, last: self.values[:, first:last],
            n_rows=len(self.values),
            n_frames=map_frames,
            template_frames=n_frames,
        )

    def profile(self, template: _F32) -> _F32:
        """Inner product of a template with the excerpt at every start, shape (map_frames - n_frames + 1,).

        Parameters
        ----------
        template : np.ndarray [shape=(n_rows // POOL_BANDS, n_frames)]
        """
        return self._spectra.profiles(template[None])[0, : self.values.shape[1] - self.n_frames + 1]

    def windows(self, starts: NDArray[np.intp]) -> _F32:
        """Some excerpts, shape (n, rows, n_frames)."""
        return np.stack([self.values[:, start : start + self.n_frames] for start in starts])

    def energies(self, starts: NDArray[np.intp]) -> _F32:
        """Energy of each frame of some excerpts, shape (n, n_frames)."""
        return np.asarray(self.energy[starts[:, None] + np.arange(self.n_frames)])

    def kernels(self, ours: NDArray[np.intp], starts: NDArray[np.intp], windows: _F32) -> _F32:
        """Kernel of the excerpts at ``ours`` with those at ``starts``, whose ``windows`` are given; shape (n, m).

        A cosine, but for the softened norm of the second (see ``kernel``).
        """
        own = self.windows(ours).reshape(len(ours), -1)
        inner = own @ windows.reshape(len(starts), -1).T
        return np.asarray(inner / (self._norms[ours][:, None] * self._soft[starts]))
