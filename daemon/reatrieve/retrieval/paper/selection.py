"""Which rows tell the accepted excerpts from the rejected ones: the paper's Eq. 3, and what it is compared with.

Every rule gives one weight a row. They see the labelled excerpts through squared distances between them, row by row.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from reatrieve.errors import InputError

__all__ = ["Evidence", "row_weights", "selection_names"]

_F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The labelled excerpts.

    Attributes
    ----------
    pairs : np.ndarray [shape=(n_positives, n_labels, n_rows)]
        Squared distance of every positive (the example first) to every labelled excerpt, in each row.
    positive : np.ndarray [shape=(n_labels,), bool]
        The answers, in the order of the second axis.
    """

    pairs: _F64
    positive: NDArray[np.bool_]


def selection_names() -> tuple[str, ...]:
    """The rules that ``row_weights`` knows."""
    return tuple(_RULES)


def row_weights(evidence: Evidence, *, rule: str, keep: int, seed: int = 0) -> _F64:
    """Weight of each row's squared distance; 1 for all of them while nothing was rejected.

    Parameters
    ----------
    evidence : the labelled excerpts.
    rule : ``topk`` (Eq. 3, rows on their own), ``forward`` (Eq. 3, rows together), ``fisher`` or ``logistic``.
    keep : rows that remain, at most.

    Returns
    -------
    np.ndarray [shape=(n_rows,), >= 0]

    Raises
    ------
    InputError
        If ``rule`` is none of these.
    """
    if rule not in _RULES:
        raise InputError(f"unknown selection rule {rule!r}; use one of {', '.join(_RULES)}")
    n_rows = evidence.pairs.shape[2]
    if evidence.positive.all() or (keep >= n_rows and rule in ("topk", "forward")):
        return np.ones(n_rows)
    return _RULES[rule](evidence, min(keep, n_rows), seed)


def _topk(evidence: Evidence, keep: int, _seed: int) -> _F64:
    """Eq. 3: ``m_i = min over p, n of ||f_i(p) - f_i(n)||``, the largest kept, each row on its own."""
    return _kept(evidence.pairs[:, ~evidence.positive].min(axis=(0, 1)), keep)


def _forward(evidence: Evidence, keep: int, _seed: int) -> _F64:
    """Eq. 3 for rows together: add the row that leaves the closest (p, n) farthest apart, again and again."""
    pairs = evidence.pairs[:, ~evidence.positive].reshape(-1, evidence.pairs.shape[2])
    weights = np.zeros(pairs.shape[1])
    apart = np.zeros(len(pairs))
    for _ in range(keep):
        margin = (apart[:, None] + pairs).min(axis=0)
        margin[weights > 0.0] = -np.inf
        best = int(np.argmax(margin))
        weights[best] = 1.0
        apart += pairs[:, best]
    return weights


def _fisher(evidence: Evidence, keep: int, _seed: int) -> _F64:
    """Fisher's ratio, from distances: how far the rejected lie from the accepted, over how far these lie apart."""
    yes = evidence.positive
    n_yes = int(yes.sum())
    between = evidence.pairs[:, ~yes].mean(axis=(0, 1))
    within = evidence.pairs[:, yes].sum(axis=(0, 1)) / max(n_yes * (n_yes - 1), 1)
    ratio = between / np.maximum(within + 0.1 * between.mean(), 1e-12)  # one positive alone has no spread of its own
    kept: _F64 = ratio * _kept(ratio, keep)
    mean = kept.sum() / np.count_nonzero(kept) if kept.any() else 1.0
    return kept / mean if kept.any() else np.ones_like(kept)


def _logistic(evidence: Evidence, keep: int, seed: int) -> _F64:
    """L1 logistic regression of the answer on the distances to the example: rows whose distance speaks for "no"."""
    distances = np.sqrt(evidence.pairs[0])
    scaled = distances / np.maximum(distances.std(axis=0), 1e-9)
    model = LogisticRegression(C=1.0, solver="liblinear", random_state=seed, **_l1())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaled, evidence.positive)
    speaks = np.maximum(-model.coef_[0], 0.0)
    if not speaks.any():
        return np.ones_like(speaks)
    return _kept(speaks, min(keep, int(np.count_nonzero(speaks))))


def _l1() -> dict[str, object]:
    """How this scikit-learn asks for L1: ``l1_ratio`` alone from 1.8 on, where ``penalty`` is deprecated."""
    import sklearn

    version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
    return {"l1_ratio": 1.0} if version >= (1, 8) else {"penalty": "l1"}


def _kept(merit: _F64, keep: int) -> _F64:
    """1 for the ``keep`` rows of most merit (the first of equals), 0 for the others."""
    weights = np.zeros(len(merit))
    weights[np.argsort(-merit, kind="stable")[:keep]] = 1.0
    return weights


_RULES: Mapping[str, Callable[[Evidence, int, int], _F64]] = {
    "topk": _topk,
    "forward": _forward,
    "fisher": _fisher,
    "logistic": _logistic,
}
