"""The kernel of the default retriever: cosine of two excerpts in the R view and in the B view, averaged.

Background adds energy: a window that holds the sound and much else has a large norm. So the norm of what is compared
counts less than in a cosine, by the exponent ``NORM_POWER``. What remains of the two views' norms is shared (their
geometric mean, each as a share of its median), so that both views, and any sum of templates, cost one correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.correlate import CACHE_BYTES, MapSpectra
from reatrieve.retrieval.default.spectrum import BLUR_RADIUS, N_BANDS, blurred, blurred_adjoint, rectified

__all__ = ["NORM_POWER", "Frames", "KernelMaps", "soft_norms", "window_norms"]

WINDOW_NORM_FLOOR = 0.1
"""Norms of windows count as at least this share of their median, or silence would resemble everything."""

NORM_POWER = 0.7
"""1 would be the cosine, 0 the plain inner product."""

_F32 = NDArray[np.float32]


def window_norms(energy: NDArray[np.floating], n_frames: int) -> _F32:
    """Norm of the window that begins at each frame and holds ``n_frames`` frames, floored.

    Parameters
    ----------
    energy : np.ndarray [shape=(n,), >= 0]
        Energy of each frame of the map: the sum of its squares.
    n_frames : 1..n

    Returns
    -------
    np.ndarray [shape=(n - n_frames + 1,), > 0]
    """
    running = np.concatenate([[0.0], np.cumsum(energy, dtype=np.float64)])
    norms = np.sqrt(np.maximum(running[n_frames:] - running[:-n_frames], 0.0))
    floor = max(WINDOW_NORM_FLOOR * float(np.median(norms)), 1e-9)
    return np.asarray(np.maximum(norms, floor), dtype=np.float32)


def soft_norms(norms: _F32) -> _F32:
    """``norms ** NORM_POWER``, scaled so that a median norm stays what it is.

    ``norms`` [shape=(n,), > 0]; the result has the same shape and range.
    """
    middle = float(np.median(norms))
    return np.asarray(norms**NORM_POWER * middle ** (1.0 - NORM_POWER), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """R, frame by frame. Not a method of ``KernelMaps``, whose spectra read it: a search that ends shall free its
    arrays at once, and a reference cycle would wait for the garbage collector.

    Attributes
    ----------
    whitened : np.ndarray [shape=(N_BANDS, n_frames)]
    margin : zero frames at either end.
    """

    whitened: NDArray[np.float16]
    margin: int

    def __call__(self, first: int, last: int) -> _F32:
        """Frames ``first <= t < last``, counted from the beginning of the margin, shape (2 * N_BANDS, last - first)."""
        first, last = first - self.margin, last - self.margin
        low, high = max(first, 0), min(last, self.whitened.shape[1])
        if (low, high) == (first, last):
            return rectified(self.whitened[:, first:last])
        R = np.zeros((2 * N_BANDS, last - first), dtype=np.float32)
        if low < high:
            R[:, low - first : high - first] = rectified(self.whitened[:, low:high])
        return R


class KernelMaps:
    """The maps of the audio, for excerpts of one length.

    Parameters
    ----------
    whitened : np.ndarray [shape=(N_BANDS, n)]
    energy : np.ndarray [shape=(3, n)]
        As ``spectrum.map_energy`` gives it.
    n_frames : frames in an excerpt, at most n.
    margin : frames by which excerpts may reach beyond the audio at either end; nothing is there.
    cache_bytes : memory that spectra of the map may take (``MapSpectra``).

    Attributes
    ----------
    frames : R, frame by frame, the margins included.
    n_frames : frames in an excerpt.
    map_frames : frames in all, the margins included.
    n_starts : ``map_frames - n_frames + 1``: places where an excerpt can begin.
    """

    def __init__(
        self,
        whitened: NDArray[np.float16],
        energy: _F32,
        n_frames: int,
        *,
        margin: int = 0,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.frames = Frames(whitened, margin)
        self.n_frames = n_frames
        self.map_frames = whitened.shape[1] + 2 * margin
        self.n_starts = self.map_frames - n_frames + 1
        self._norm_R = window_norms(np.pad(energy[0], margin), n_frames)
        self._norm_B = window_norms(np.pad(energy[1] + energy[2], margin), n_frames)
        self._middle_R = float(np.median(self._norm_R))
        self._middle_B = float(np.median(self._norm_B))
        shares = (self._norm_R / np.float32(self._middle_R)) * (self._norm_B / np.float32(self._middle_B))
        self._shares = np.sqrt(shares)
        self._soft_shares: dict[float, _F32] = {}
        self._spectra = MapSpectra(
            self.frames,
            n_rows=2 * N_BANDS,
            n_frames=self.map_frames,
            template_frames=n_frames + 2 * BLUR_RADIUS,
            lead=BLUR_RADIUS,
            cache_bytes=cache_bytes,
        )

    def prepare(self) -> None:
        """Compute now what the first ``scores`` needs."""
        self._spectra.prepare()

    def excerpt(self, start: int) -> _F32:
        """One excerpt's cells, shape (4 * N_BANDS * n_frames,): R, then B, each of norm sqrt(1/2).

        The kernel of two excerpts (but for the softened norms) is their inner product. B is blurred with what surrounds
        the excerpt, as the whole map is.
        """
        low = max(start - BLUR_RADIUS, 0)
        high = min(start + self.n_frames + BLUR_RADIUS, self.map_frames)
        R = self.frames(low, high)
        inner = start - low
        B = blurred(R)[:, inner + BLUR_RADIUS : inner + BLUR_RADIUS + self.n_frames]
        R = R[:, inner : inner + self.n_frames]
        half = np.float32(np.sqrt(0.5))
        return np.concatenate([(R * (half / self._norm_R[start])).ravel(), (B * (half / self._norm_B[start])).ravel()])

    def template(self, cells: _F32) -> _F32:
        """What to correlate R with, to compare some cells with every excerpt.

        Parameters
        ----------
        cells : np.ndarray [shape=(4 * N_BANDS * n_frames,)]
            As ``excerpt`` gives them, or a weighted sum of such.

        Returns
        -------
        np.ndarray [shape=(2 * N_BANDS, n_frames + 2 * BLUR_RADIUS)]
        """
        R, B = cells.reshape(2, 2 * N_BANDS, self.n_frames) * np.float32(np.sqrt(0.5))
        views = _padded(R) / np.float32(self._middle_R) + blurred_adjoint(B) / np.float32(self._middle_B)
        return np.asarray(views, dtype=np.float32)

    def inner(self, template: _F32) -> _F32:
        """Inner product of a template with the excerpt at every start.

        Parameters
        ----------
        template : np.ndarray [shape=(2 * N_BANDS, n_frames + 2 * BLUR_RADIUS)]

        Returns
        -------
        np.ndarray [shape=(m,), m >= n_starts]
            The first ``n_starts`` are those of the excerpts.
        """
        inner: _F32 = self._spectra.profiles(template[None])[0]
        return inner

    def softened(self, inner: _F32, *, norm_power: float = NORM_POWER) -> _F32:
        """Inner products over the softened norms of the excerpts.

        Parameters
        ----------
        inner : np.ndarray [shape=(m,), m >= n_starts]
            As the method ``inner`` gives them.
        norm_power : 0..1; 1 gives the cosine, 0 the plain inner product.

        Returns
        -------
        np.ndarray [shape=(n_starts,)]
        """
        if norm_power not in self._soft_shares:
            self._soft_shares[norm_power] = self._shares ** np.float32(norm_power)
        return np.asarray(inner[: self.n_starts] / self._soft_shares[norm_power], dtype=np.float32)


def _padded(R: _F32) -> _F32:
    return np.pad(R, ((0, 0), (BLUR_RADIUS, BLUR_RADIUS)))
