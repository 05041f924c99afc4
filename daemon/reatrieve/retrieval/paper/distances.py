"""Squared distances of every labelled excerpt to every start, row by row, so that a new selection is only a new sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.correlate import MapSpectra

__all__ = ["PairTable", "RowDistances", "WeightedDistances"]

_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]


class RowDistances:
    """Distances within one feature matrix, for excerpts of one length.

    Parameters
    ----------
    features : np.ndarray [shape=(n_rows, n)]
    n_frames : frames in an excerpt, at most n.
    summed : keep the sum over all rows only (one row), for searches that never select.
    """

    def __init__(self, features: _F32, n_frames: int, *, summed: bool = False) -> None:
        # Distances do not change with a row's mean; correlations lose fewer digits without it.
        self._features = features - features.mean(axis=1, keepdims=True)
        self._n_frames = n_frames
        self._summed = summed
        self.n_starts = features.shape[1] - n_frames + 1
        self.n_rows = 1 if summed else features.shape[0]
        self._spectra = MapSpectra(
            lambda first, last: self._features[:, first:last],
            n_rows=features.shape[0],
            n_frames=features.shape[1],
            template_frames=n_frames,
        )
        self._energy = self._window_energy()
        # Squared distances are rounded to a step so fine that nothing is lost, and so coarse that float64 sums of them
        # are exact: rows can be added and taken away in any order, and a replay still gives the same bits.
        bound = 4.0 * float(self._energy.max(axis=1).sum()) + 1e-30
        self._step = 2.0 ** (math.ceil(math.log2(bound)) - 50)

    def profile(self, start: int) -> _F32:
        """Squared distance of the excerpt at ``start`` to every other, in each row; shape (n_rows, n_starts)."""
        template = self._features[:, start : start + self._n_frames]
        if self._summed:
            inner = self._spectra.profiles(template[None])[:, : self.n_starts]
        else:
            inner = self._spectra.row_profiles(template)[:, : self.n_starts]
        squared = self._energy + self._energy[:, start : start + 1] - 2.0 * inner
        np.maximum(squared, 0.0, out=squared)
        squared[:, start] = 0.0
        return np.asarray(np.rint(squared / self._step) * self._step, dtype=np.float32)

    def _window_energy(self) -> _F64:
        energy = np.square(self._features, dtype=np.float64)
        if self._summed:
            energy = energy.sum(axis=0, keepdims=True)
        running = np.pad(np.cumsum(energy, axis=1), ((0, 0), (1, 0)))
        return np.asarray(running[:, self._n_frames :] - running[:, : -self._n_frames])


class WeightedDistances:
    """Weighted sums over rows for a growing list of excerpts, and their minimum: the distance to the nearest one.

    An answer costs one profile; the sums of earlier excerpts are touched only in the rows whose weight changed.
    """

    def __init__(self, rows: RowDistances) -> None:
        self._rows = rows
        self._weights = np.ones(rows.n_rows)
        self._starts: list[int] = []
        self._profiles: list[_F32] = []
        self._sums: list[_F64] = []
        self._nearest: _F64 | None = None
        self._spare: tuple[int, _F32] | None = None

    def push(self, start: int) -> None:
        """Add the excerpt at ``start``."""
        spare = self._spare
        profile = spare[1] if spare is not None and spare[0] == start else self._rows.profile(start)
        total = self._sum(profile)
        if not self._sums:
            self._nearest = total
        elif self._nearest is not None:
            self._nearest = np.minimum(self._nearest, total)
        self._starts.append(start)
        self._profiles.append(profile)
        self._sums.append(total)

    def pop(self) -> None:
        """Take the last excerpt away; its profile is kept aside for the next ``push``."""
        self._sums.pop()
        self._spare = (self._starts.pop(), self._profiles.pop())
        self._nearest = None

    def weigh(self, weights: _F64) -> None:
        """Use these weights, one a row, from now on.

        ``weights`` [shape=(n_rows,), >= 0].
        """
        changed = np.flatnonzero(weights != self._weights)
        if not changed.size:
            return
        # 0/1 weights add exactly (see RowDistances), so only what changed is touched; others are summed afresh.
        exact = bool(np.isin(weights, (0.0, 1.0)).all() and np.isin(self._weights, (0.0, 1.0)).all())
        self._weights = weights.copy()
        for index, profile in enumerate(self._profiles):
            if exact and changed.size < np.count_nonzero(weights):
                for row in changed:
                    if weights[row]:
                        self._sums[index] += profile[row]
                    else:
                        self._sums[index] -= profile[row]
            else:
                self._sums[index] = self._sum(profile)
        self._nearest = None

    def nearest(self) -> _F64:
        """Weighted squared distance of every start to the nearest of the excerpts; infinite if there is none.

        Returns [shape=(n_starts,), >= 0].
        """
        if not self._sums:
            return np.full(self._rows.n_starts, np.inf)
        if self._nearest is None:
            nearest = self._sums[0].copy()
            for total in self._sums[1:]:
                np.minimum(nearest, total, out=nearest)
            self._nearest = nearest
        return self._nearest

    @property
    def profiles(self) -> Sequence[_F32]:
        """The excerpts' profiles, in order.

        Each [shape=(n_rows, n_starts), float32].
        """
        return self._profiles

    def _sum(self, profile: _F32) -> _F64:
        total = np.zeros(self._rows.n_starts)
        for row in np.flatnonzero(self._weights):
            total += self._weights[row] * profile[row]
        return total


class PairTable:
    """Squared distances, row by row, of every positive to every labelled excerpt: what selection rules look at.

    A new label fills one column (and one line if it is a positive): no earlier pair is looked at again.
    """

    def __init__(self, n_rows: int) -> None:
        self._table = np.empty((4, 4, n_rows))
        self._n_positives = 0
        self._starts: list[int] = []

    def push(self, start: int, positives: Sequence[_F32], *, positive: bool) -> None:
        """Add the excerpt at ``start``; ``positives`` are the profiles of all positives, itself included if so.

        A profile is [shape=(n_rows, n_starts)].
        """
        column = len(self._starts)
        self._starts.append(start)
        if column == self._table.shape[1]:
            larger = np.empty((2 * column, 2 * column, self._table.shape[2]))
            larger[:column, :column] = self._table
            self._table = larger
        if positive:
            self._table[self._n_positives, : column + 1] = positives[-1][:, self._starts].T
            self._n_positives += 1
        for line, profile in enumerate(positives):
            self._table[line, column] = profile[:, start]

    def pop(self, *, positive: bool) -> None:
        """Take the last label away."""
        self._starts.pop()
        self._n_positives -= positive

    def pairs(self) -> _F64:
        """The table, shape (n_positives, n_labels, n_rows)."""
        return self._table[: self._n_positives, : len(self._starts)]
