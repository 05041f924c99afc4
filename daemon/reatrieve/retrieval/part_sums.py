"""Sums over the parts of every excerpt, from running sums; a part may begin and end within a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["part_products", "running_sums", "sums_over_parts", "values_at"]

_CHUNK = 2048
"""Frames a product: BLAS copies the whole right-hand side first where the left one has few rows."""

_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]


def running_sums(rows: NDArray[np.floating]) -> _F64:
    """Sums of all that comes before each frame, and after the last; rows [shape=(..., n)] give (..., n + 1)."""
    sums = np.zeros((*rows.shape[:-1], rows.shape[-1] + 1))
    np.cumsum(rows, axis=-1, out=sums[..., 1:])
    return sums


def values_at(row: _F64, edge: float, n: int) -> _F64:
    """Values of a row [shape=(..., m)] at ``edge`` frames from each of the first ``n`` starts; shape (..., n).

    Between frames by linear interpolation. An array of its own only then; else a view.
    """
    whole = int(edge)
    share = edge - whole
    before: _F64 = row[..., whole : whole + n]
    return before if share < 1e-9 else (1.0 - share) * before + share * row[..., whole + 1 : whole + 1 + n]


def part_products(template: _F32, frames: NDArray[np.floating]) -> _F32:
    """Product of a template's parts [shape=(n_parts, n_rows)] with all frames [shape=(n_rows, m)]; (n_parts, m)."""
    products = np.empty((len(template), frames.shape[1]), dtype=np.float32)
    for first in range(0, frames.shape[1], _CHUNK):
        some = slice(first, first + _CHUNK)
        np.matmul(template, frames[:, some].astype(np.float32, copy=False), out=products[:, some])
    return products


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
        steps[1:] += values_at(passed, edge, n - 1)
    first = running_sums(rows[:, : int(edges[-1]) + 1])
    for row, begin, end in zip(first, edges[:-1], edges[1:], strict=True):
        steps[0] += values_at(row, end, 1)[0] - values_at(row, begin, 1)[0]
    return np.cumsum(steps)
