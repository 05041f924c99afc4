"""Eq. 1-2 of the paper: non-negative matrix factorisation of frame features; the activations are the new features."""

from __future__ import annotations

import warnings
from typing import Literal, TypeAlias, get_args

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from reatrieve.errors import InputError

__all__ = ["NonNegative", "activations", "factoriser_key", "non_negative"]

NonNegative: TypeAlias = Literal["shift", "row", "split"]

_F32 = NDArray[np.float32]


def non_negative(X: _F32, how: NonNegative) -> _F32:
    """Make features non-negative, which the paper needs for MFCC and does not describe. Left alone if they already are.

    Parameters
    ----------
    X : np.ndarray [shape=(n_features, n_frames)]
    how : ``shift`` takes the global minimum away, ``row`` each row's own, ``split`` stacks positive and negative parts.

    Raises
    ------
    InputError
        If ``how`` is none of these.
    """
    if how not in get_args(NonNegative):
        raise InputError(f"unknown way to non-negative features {how!r}; use one of {', '.join(get_args(NonNegative))}")
    if X.min() >= 0.0:
        return X
    if how == "split":
        return np.concatenate([np.maximum(X, 0.0), np.maximum(-X, 0.0)])
    return np.asarray(X - (X.min() if how == "shift" else X.min(axis=1, keepdims=True)), dtype=np.float32)


def activations(
    X: _F32, *, components: int, alpha: float = 0.0, l1_ratio: float = 0.0, max_iter: int = 200, seed: int = 0
) -> _F32:
    """Activations ``H`` of ``X ~ W H`` [1]_.

    One thread: on a busy machine scikit-learn's NMF crawls with all of them. More components than features begin at
    random, hence the seed.

    Parameters
    ----------
    X : np.ndarray [shape=(n_features, n_frames), >= 0]
    components : rows of H.
    alpha, l1_ratio : regularisation as the scikit-learn of the paper's day meant it: strength of the penalty itself,
        not scaled by the size of the data (so ``alpha_W = alpha / n_features``, ``alpha_H = alpha / n_frames`` today).

    Returns
    -------
    np.ndarray [shape=(components, n_frames), >= 0]

    References
    ----------
    .. [1] Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000.
    """
    n_features, n_frames = X.shape
    model = NMF(
        n_components=components,
        alpha_W=alpha / n_features,
        alpha_H=alpha / n_frames,
        l1_ratio=l1_ratio,
        max_iter=max_iter,
        random_state=seed,
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 iterations are the paper's setting, converged or not
        H = model.fit_transform(np.ascontiguousarray(X.T, dtype=np.float32))
    return np.ascontiguousarray(H.T, dtype=np.float32)


def factoriser_key() -> str:
    """The version of the library that factorises."""
    return f"sklearn-{sklearn.__version__}"
