"""Sums over the parts of every excerpt, from running sums; a part may begin and end within a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["running_sums", "sums_at", "sums_over_parts"]

_F64 = NDArray[np.float64]


def running_sums(rows: NDArray[np.floating]) -> _F64:
    """Sums of all that comes before each frame, and after the last; rows [shape=(..., n)] give (..., n + 1)."""
    sums = np.zeros((*rows.shape[:-1], rows.shape[-1] + 1))
    np.cumsum(rows, axis=-1, out=sums[..., 1:])
    return sums


def sums_at(sums: _F64, edge: float, n: int) -> _F64:
    """Running sums [shape=(..., m)] at ``edge`` frames from each of the first ``n`` starts; shape (..., n).

    Between frames in proportion. An array of its own only then; else a view.
    """
    whole = int(edge)
    share = edge - whole
    before: _F64 = sums[..., whole : whole + n]
    return before if share < 1e-9 else (1.0 - share) * before + share * sums[..., whole + 1 : whole + 1 + n]


def sums_over_parts(rows: NDArray[np.floating], edges: _F64, n: int) -> _F64:
    """For each of the first ``n`` starts, row 0 summed over the first part of the excerpt, row 1 over the second, ...

    Parameters
    ----------
    rows : np.ndarray [shape=(n_parts, m)]
        One value a frame for each part.
    edges : np.ndarray [shape=(n_parts + 1,), >= 0, ascending]
        Where the parts begin and end, in frames from the start; ``m >= n - 1 + edges[-1]``.

    Returns
    -------
    np.ndarray [shape=(n,)]
    """
    rows = np.asarray(rows, dtype=np.float64)
    steps = np.zeros(n)
    # From one start to the next each edge moves over as much of the row before it as of the one after it.
    for index, edge in enumerate(edges):
        passed = rows[index - 1] - rows[index] if 0 < index < len(rows) else rows[-1] if index else -rows[0]
        steps[1:] += sums_at(passed, edge, n - 1)
    first = running_sums(rows[:, : int(edges[-1]) + 1])
    for row, begin, end in zip(first, edges[:-1], edges[1:], strict=True):
        steps[0] += sums_at(row, end, 1)[0] - sums_at(row, begin, 1)[0]
    return np.cumsum(steps)
