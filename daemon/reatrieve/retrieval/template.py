"""One linear template a question: kernel ridge regression on cells weighted by how far the accepted ones agree.

What the user marked is in every accepted excerpt, its company only in some. So with two or more of them each cell
weighs ``(u / q)^2``, where q is the mean square of the cell over the accepted, and u the mean product of two different
ones: 1 where all are equal, 0 where the cell is now here, now there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

__all__ = ["agreement", "learned_template"]

RIDGE = 0.1

_F32 = NDArray[np.float32]


def agreement(positives: _F32) -> _F32:
    """Weight of each cell, 0..1, from accepted excerpts; all 1 while there is only one.

    Parameters
    ----------
    positives : np.ndarray [shape=(n, n_cells), >= 0]

    Returns
    -------
    np.ndarray [shape=(n_cells,)]
    """
    n = len(positives)
    if n < 2:
        return np.ones(positives.shape[1], dtype=np.float32)
    squares = np.einsum("nc,nc->c", positives, positives)
    common = np.square(positives.sum(axis=0)) - squares
    np.maximum(common, 0.0, out=common)
    common /= np.maximum((n - 1) * squares, np.float32(1e-12))
    return np.asarray(np.square(common), dtype=np.float32)


def learned_template(excerpts: _F32, positive: Sequence[bool], *, weigh: bool = True) -> _F32:
    """The template whose inner product with an excerpt is its kernel ridge score.

    Parameters
    ----------
    excerpts : np.ndarray [shape=(n_labels, n_cells), >= 0]
        The labelled excerpts, each of norm 1.
    positive : the answers; at least one is positive.
    weigh : False: w = 1 for every cell.

    Returns
    -------
    np.ndarray [shape=(n_cells,)]
        ``w * sum_i a_i x_i`` with ``a = (K + RIDGE I)^-1 y``, ``K_ij = <w x_i, x_j>`` scaled to a mean diagonal of 1
        over the positives, ``y = +1 or -1``.
    """
    says_yes = np.asarray(positive, dtype=bool)
    weighted = excerpts * agreement(excerpts[says_yes]) if weigh else excerpts
    K = (weighted @ excerpts.T).astype(np.float64)
    K = 0.5 * (K + K.T)
    scale = max(float(K.diagonal()[says_yes].mean()), 1e-9)
    K = K / scale + RIDGE * np.eye(len(K))
    a = scipy.linalg.solve(K, np.where(says_yes, 1.0, -1.0), assume_a="pos", check_finite=False)
    return np.asarray((a / scale).astype(np.float32) @ weighted, dtype=np.float32)
