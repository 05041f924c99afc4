"""From figures to an order and to probabilities: two small logistic models, fitted on the benchmark.

``rank`` orders a shortlist by figures taken relative to it; ``probability`` says how often the user says yes, from the
rank model's margin, the raw figures and what was answered so far. Numbers only, see ``fitted.py`` for where they come
from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

__all__ = ["Judgement", "calibration_inputs", "relative", "stage"]

COHORT = 40
"""The best of a shortlist, against which figures are taken."""

_F64 = NDArray[np.float64]


def stage(n_positive: int, n_negative: int) -> int:
    """0: nothing but the example; 1: only yes so far; 2: at least one no."""
    if n_negative:
        return 2
    return 1 if n_positive > 1 else 0


def relative(figures: NDArray[np.floating]) -> _F64:
    """Each figure minus its median over the cohort, in standard deviations of the cohort."""
    cohort = figures[:COHORT].astype(np.float64)
    spread = cohort.std(axis=0) + 1e-6
    return np.asarray((figures - np.median(cohort, axis=0)) / spread)


def calibration_inputs(ranks: _F64, figures: NDArray[np.floating], *, n_positive: int, n_negative: int) -> _F64:
    """What the probability is computed from, one row a candidate."""
    counts = np.array([np.log(n_positive), np.log1p(n_negative)])
    return np.column_stack([ranks, figures.astype(np.float64), np.broadcast_to(counts, (len(ranks), 2))])


@dataclass(frozen=True, slots=True)
class Judgement:
    """The constants: for each stage, weights and intercept of both models.

    Attributes
    ----------
    rank : three tuples of len(FIGURES) + 1 numbers.
    probability : three tuples of 1 + len(FIGURES) + 2 + 1 numbers.
    """

    rank: tuple[tuple[float, ...], ...]
    probability: tuple[tuple[float, ...], ...]

    def ranks(self, figures: NDArray[np.floating], *, stage: int) -> _F64:
        """A number for each candidate; higher is better."""
        w = np.array(self.rank[stage])
        return np.asarray(relative(figures) @ w[:-1] + w[-1])

    def probabilities(self, ranks: _F64, figures: NDArray[np.floating], *, n_positive: int, n_negative: int) -> _F64:
        """Probability of a yes for each candidate."""
        w = np.array(self.probability[stage(n_positive, n_negative)])
        x = calibration_inputs(ranks, figures, n_positive=n_positive, n_negative=n_negative)
        return np.asarray(scipy.special.expit(x @ w[:-1] + w[-1]))
