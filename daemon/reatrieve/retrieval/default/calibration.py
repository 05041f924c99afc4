"""From figures to an order and to probabilities: two small logistic models, fitted on the benchmark.

``rank`` orders a shortlist by figures taken relative to it; ``probability`` says how often the user says yes, from the
rank, the figures as they are and what was answered so far. Numbers only, see ``constants.py`` for where they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

__all__ = ["Answers", "Judgement", "relative", "tally"]

COHORT = 40
"""The best of a shortlist, against which figures are taken."""
N_ABSOLUTE = 1
"""The last figures are shares already, and most of a shortlist has none of them: they stay what they are."""

_F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """How many answers of either kind there were (the example counts as a yes), and how many no since the last yes."""

    n_positive: int
    n_negative: int
    n_running: int

    @property
    def stage(self) -> int:
        """0: nothing answered; 1: only yes so far; 2: at least one no."""
        if self.n_negative:
            return 2
        return 1 if self.n_positive > 1 else 0

    @property
    def inputs(self) -> _F64:
        """What the probability models see of them, shape (3,)."""
        return np.array([np.log(self.n_positive), np.log1p(self.n_negative), np.log1p(self.n_running)])


def tally(positive: Sequence[bool]) -> Answers:
    """Count answers in their order; the example first."""
    running = next((n for n, yes in enumerate(reversed(positive)) if yes), len(positive))
    return Answers(sum(positive), len(positive) - sum(positive), running)


def relative(figures: NDArray[np.floating]) -> _F64:
    """Each figure minus its median over the cohort, in standard deviations of the cohort; the last as they are."""
    cohort = figures[:COHORT].astype(np.float64)
    spread = cohort.std(axis=0) + 1e-6
    middle = np.median(cohort, axis=0)
    spread[-N_ABSOLUTE:], middle[-N_ABSOLUTE:] = 1.0, 0.0
    return np.asarray((figures - middle) / spread)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The constants: for each stage, weights and intercept of the models.

    Attributes
    ----------
    rank : three tuples of len(FIGURES) + 1 numbers.
    probability : three tuples, as long as a row of ``inputs`` and one.
    """

    rank: tuple[tuple[float, ...], ...]
    probability: tuple[tuple[float, ...], ...]

    def ranks(self, figures: NDArray[np.floating], *, stage: int) -> _F64:
        """A number for each candidate; higher is better."""
        w = np.array(self.rank[stage])
        return np.asarray(relative(figures) @ w[:-1] + w[-1])

    @staticmethod
    def inputs(ranks: _F64, figures: NDArray[np.floating], answers: Answers) -> _F64:
        """What the probabilities are computed from, one row a candidate."""
        counts = np.broadcast_to(answers.inputs, (len(ranks), answers.inputs.size))
        return np.column_stack([ranks, figures.astype(np.float64), counts])

    def probabilities(self, inputs: _F64, *, stage: int) -> _F64:
        """Probability of a yes for each candidate of a shortlist."""
        w = np.array(self.probability[stage])
        return np.asarray(scipy.special.expit(inputs @ w[:-1] + w[-1]))
