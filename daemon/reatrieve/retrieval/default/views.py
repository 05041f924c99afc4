"""Tolerant views: smooth envelopes, in which a sound that is performed again resembles its first take.

The whitened maps are made for exact repeats: what they add in sharpness there they lose where length, timing and
timbre vary a little. These views are a few slow rows of features instead, each compared by a cosine.

======== =============================================================================================================
cepstral cosine of cepstra (bands' envelope without the level) and of the strength of onsets, frame by frame
pooled   cosine of the means over three parts of the excerpt and of the deviation over the whole, cepstra and slopes
======== =============================================================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from reatrieve.retrieval.correlate import MapSpectra
from reatrieve.retrieval.default.kernel import window_norms
from reatrieve.retrieval.part_sums import part_products, running_sums, sums_over_parts, values_at

__all__ = [
    "CosineView",
    "PooledView",
    "Profile",
    "Profiles",
    "View",
    "cepstral_rows",
    "middle",
    "pooled_rows",
    "spread",
]

N_SHAPE = 13
"""Cepstral coefficients that tell timbre, from the first one on; the one before it is the level."""
ONSET_WEIGHT = 2.0
"""Factor of the onset row beside the cepstral ones, all of deviation 1."""
POOLED_PARTS = 3
"""Equal parts of an excerpt whose means the pooled view compares."""
REACH_FRAMES = 3
"""Places of the shortlist come from other views: a profile counts with its best value this near, or within a fifth of
the excerpt."""
_SLOPE = np.array([-0.2, -0.1, 0.0, 0.1, 0.2], dtype=np.float32)
_STEP = 4
"""Neighbouring values are alike: every fourth tells middle and spread."""
_LEAST_CONTRAST = 1e-3

_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]


def middle(values: _F32) -> float:
    """Median of values along the audio, shape (n,); numpy's own takes several times as long on so few."""
    some = values[::_STEP]
    half = len(some) // 2
    if len(some) % 2:
        return float(np.partition(some, half)[half])
    return float(np.partition(some, (half - 1, half))[half - 1 : half + 1].mean())


def spread(values: _F32) -> float:
    """Standard deviation of values along the audio, shape (n,); > 0."""
    return max(float(values[::_STEP].std()), 1e-6)


class View(Protocol):
    """One way to compare all excerpts of a length with one of them."""

    def like(self, start: int) -> _F32:
        """Cosine of the excerpt at every start with the one at ``start``.

        Returns [shape=(n_starts,), float32, -1..1].
        """


def cepstral_rows(cepstrum: NDArray[np.floating], onset: NDArray[np.floating]) -> _F32:
    """Rows of the cepstral view, each with mean 0 over the audio.

    Parameters
    ----------
    cepstrum : np.ndarray [shape=(more than N_SHAPE, n)]
    onset : np.ndarray [shape=(n,)]
        Both as ``spectrum.envelope`` gives them.

    Returns
    -------
    np.ndarray [shape=(N_SHAPE + 1, n), float32]
    """
    shape = _standardised(cepstrum[1 : 1 + N_SHAPE])
    return np.concatenate([shape, np.float32(ONSET_WEIGHT) * _standardised(onset[None])])


def pooled_rows(cepstrum: NDArray[np.floating]) -> _F32:
    """Rows of the pooled view: all cepstral coefficients, and the slopes of those that tell timbre.

    Parameters
    ----------
    cepstrum : np.ndarray [shape=(more than N_SHAPE, n)]

    Returns
    -------
    np.ndarray [shape=(len(cepstrum) + N_SHAPE, n), float32]
        Each row with mean 0 and deviation 1 over the audio.
    """
    rows = _standardised(cepstrum)
    slopes = scipy.ndimage.correlate1d(rows[1 : 1 + N_SHAPE], _SLOPE, axis=1, mode="nearest")
    return np.concatenate([rows, _standardised(slopes)])


class CosineView:
    """Cosine of excerpts, frame by frame.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_rows, n)]
    n_frames : frames in an excerpt, at most n.
    """

    def __init__(self, rows: _F32, n_frames: int) -> None:
        self._rows = rows
        self._n_frames = n_frames
        self._norms = window_norms(np.einsum("rt,rt->t", rows, rows), n_frames)
        self._spectra = MapSpectra(
            lambda first, last: rows[:, first:last],
            n_rows=len(rows),
            n_frames=rows.shape[1],
            template_frames=n_frames,
        )

    def like(self, start: int) -> _F32:
        """As ``View``, shape (n_starts,)."""
        template = self._rows[None, :, start : start + self._n_frames]
        inner = self._spectra.profiles(template)[0, : len(self._norms)]
        return np.asarray(inner / (self._norms * self._norms[start]), dtype=np.float32)


class PooledView:
    """Cosine of what is left of excerpts when time is pooled: the means over equal parts, the deviation over the whole.

    Each of these numbers is standardised over all excerpts of the audio, so that slow rows do not outweigh fast ones.
    Parts may begin and end within a frame. What is kept is one number a start and the deviations: the means of a
    template's parts meet the rows first, and the few products are summed over time.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_rows, n)]
    n_frames : frames in an excerpt, at most n.
    """

    def __init__(self, rows: _F32, n_frames: int, *, n_parts: int = POOLED_PARTS) -> None:
        self._rows = rows
        self._n_frames = n_frames
        self._n_starts = rows.shape[1] - n_frames + 1
        self._edges = np.linspace(0.0, n_frames, n_parts + 1)
        self._width = n_frames / n_parts
        self._middle = np.empty((n_parts, len(rows)), dtype=np.float32)
        self._spread = np.empty((n_parts, len(rows)), dtype=np.float32)
        self._deviations = np.empty((len(rows), self._n_starts), dtype=np.float32)
        squares = np.zeros(self._n_starts)
        for row, values in enumerate(rows):  # row by row: the running sums of all of them would need much memory
            sums = running_sums(values)
            for part, means in enumerate(self._means(sums, self._n_starts)):
                self._middle[part, row] = middle = means.mean()
                means -= middle
                self._spread[part, row] = spread = np.sqrt(np.square(means).mean()) + 1e-6
                means /= spread
                squares += np.square(means, out=means)
            whole = (sums[n_frames:] - sums[:-n_frames]) / n_frames
            energy = running_sums(np.square(values, dtype=np.float64))
            variance = (energy[n_frames:] - energy[:-n_frames]) / n_frames - np.square(whole)
            self._deviations[row] = _standardised(np.sqrt(np.maximum(variance, 0.0))[None])[0]
        squares += np.einsum("rt,rt->t", self._deviations, self._deviations)
        self._norms = np.asarray(np.sqrt(squares) + 1e-6, dtype=np.float32)

    def like(self, start: int) -> _F32:
        """As ``View``, shape (n_starts,)."""
        excerpt = running_sums(self._rows[:, start : start + self._n_frames])
        means = np.concatenate(list(self._means(excerpt, 1)), axis=1).T
        weights = np.asarray((means - self._middle) / np.square(self._spread), dtype=np.float32)
        middle = np.float32((weights * self._middle).sum())
        weights /= np.float32(self._width)
        total = sums_over_parts(part_products(weights, self._rows), self._edges, self._n_starts)
        total += self._deviations[:, start] @ self._deviations - middle
        return np.asarray(total / (self._norms * self._norms[start]), dtype=np.float32)

    def _means(self, sums: _F64, n: int) -> list[_F64]:
        """Mean of each part in the first ``n`` excerpts, from running sums."""
        edges = [values_at(sums, edge, n) for edge in self._edges]
        means = [end - begin for begin, end in itertools.pairwise(edges)]
        for one in means:
            one /= self._width
        return means


class Profile(NamedTuple):
    """How much every excerpt resembles a labelled one in a view: 1 as itself, 0 as the middle of the audio.

    Attributes
    ----------
    values, nearby : np.ndarray [shape=(n_starts,)]
        At each start, and the greatest within reach of it.
    spread : standard deviation of the values over the audio, > 0.
    """

    values: _F32
    nearby: _F32
    spread: float


class Profiles:
    """Profiles of labelled excerpts in some views, each computed once."""

    def __init__(self, views: Mapping[str, View], *, n_frames: int) -> None:
        self._views = dict(views)
        self._reach = min(REACH_FRAMES, n_frames // 5)
        self._known: dict[tuple[str, int], Profile] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The views there are."""
        return tuple(self._views)

    def add(self, name: str, view: View) -> None:
        """One more view."""
        self._views[name] = view

    def of(self, name: str, start: int) -> Profile:
        """Profile of the excerpt at grid place ``start`` in the view called ``name``; shapes as in ``Profile``."""
        if (name, start) not in self._known:
            cosines = self._views[name].like(start)
            usual = middle(cosines)
            values = np.asarray((cosines - usual) / max(float(cosines[start]) - usual, _LEAST_CONTRAST), np.float32)
            self._known[name, start] = Profile(values, _greatest_within(values, self._reach), spread(values))
        return self._known[name, start]


def _greatest_within(values: _F32, reach: int) -> _F32:
    """The greatest value at most ``reach`` places away; the same shape.

    A running maximum by doubling the window: ten times as fast as ``scipy.ndimage.maximum_filter1d``.
    """
    width = 2 * reach + 1
    best = np.full(len(values) + 2 * reach, -np.inf, dtype=np.float32)
    best[reach : reach + len(values)] = values
    span = 1
    while 2 * span <= width:
        best = np.maximum(best[:-span], best[span:])
        span *= 2
    return best if span == width else np.maximum(best[: span - width], best[width - span :])


def _standardised(rows: NDArray[np.floating]) -> _F32:
    """Each row with mean 0 and deviation 1; a row that never changes stays 0."""
    wide = rows.astype(np.float32)
    wide -= wide.mean(axis=1, keepdims=True, dtype=np.float64)
    wide /= wide.std(axis=1, keepdims=True, dtype=np.float64) + 1e-6
    return wide
