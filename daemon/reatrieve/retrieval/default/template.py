"""One linear template a question: kernel ridge regression on cells weighted by how far the accepted ones agree.

What the user marked is in every accepted excerpt, its company only in some. So with two or more of them each cell
weighs ``(u / q)^2``, where q is the mean square of the cell over the accepted, and u the mean product of two different
ones: 1 where all are equal, 0 where the cell is now here, now there.

Kernel ridge regression is ridge regression in its dual form [1]_; the answers are its targets, +1 or -1.

References
----------
.. [1] Saunders, Gammerman, Vovk, "Ridge regression learning algorithm in dual variables", ICML 1998.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.linalg.blas
from numpy.typing import NDArray

__all__ = ["agreement", "learned_template", "weighted_template"]

TEMPLATE_RIDGE = 0.1
"""Added to the diagonal of the kernel matrix, whose mean over the accepted is 1."""

_F32 = NDArray[np.float32]


def agreement(positives: _F32) -> _F32:
    """Weight of each cell, 0..1, from accepted excerpts; all 1 while there is only one.

    Parameters
    ----------
    positives : np.ndarray [shape=(n, n_cells), >= 0]

    Returns
    -------
    np.ndarray [shape=(n_cells,), 0..1]
    """
    n = len(positives)
    if n < 2:
        return np.ones(positives.shape[1], dtype=np.float32)
    squares = np.einsum("nc,nc->c", positives, positives)
    common = np.square(positives.sum(axis=0)) - squares
    np.maximum(common, 0.0, out=common)
    common /= np.maximum((n - 1) * squares, np.float32(1e-12))
    return np.asarray(np.square(common), dtype=np.float32)


def learned_template(excerpts: Sequence[_F32], positive: Sequence[bool], K: NDArray[np.float64]) -> _F32:
    """The template whose inner product with an excerpt is its kernel ridge score.

    Parameters
    ----------
    excerpts : n_labels arrays [shape=(n_cells,), >= 0], each of norm 1.
    positive : the answers; at least one is positive.
    K : np.ndarray [shape=(n_labels, n_labels)]
        ``K_ij = <x_i, x_j>``.

    Returns
    -------
    np.ndarray [shape=(n_cells,)]
        ``sum_i a_i x_i`` with ``a = (K + TEMPLATE_RIDGE I)^-1 y``, K scaled to a mean diagonal of 1 over the positives,
        ``y = +1 or -1``.
    """
    a = _ridge(K, np.asarray(positive, dtype=bool)).astype(np.float32)
    template: _F32 = a[0] * excerpts[0]
    for weight, x in zip(a[1:], excerpts[1:], strict=True):
        scipy.linalg.blas.saxpy(x, template, a=weight)
    return template


def weighted_template(positives: _F32) -> _F32:
    """The same for accepted excerpts alone, each cell weighing by ``agreement``.

    Parameters
    ----------
    positives : np.ndarray [shape=(n, n_cells), >= 0], each of norm 1.

    Returns
    -------
    np.ndarray [shape=(n_cells,)]
        ``w * sum_i a_i x_i``, with ``K_ij = <w x_i, x_j>``.
    """
    weighted = positives * agreement(positives)
    K = (weighted @ positives.T).astype(np.float64)
    a = _ridge(0.5 * (K + K.T), np.ones(len(K), dtype=bool))
    return np.asarray(a.astype(np.float32) @ weighted, dtype=np.float32)


def _ridge(K: NDArray[np.float64], says_yes: NDArray[np.bool_]) -> NDArray[np.float64]:
    scale = max(float(K.diagonal()[says_yes].mean()), 1e-9)
    regular = K / scale + TEMPLATE_RIDGE * np.eye(len(K))
    a = scipy.linalg.solve(regular, np.where(says_yes, 1.0, -1.0), assume_a="pos", check_finite=False)
    return np.asarray(a / scale)
