"""From figures to an order and to probabilities: a few small logistic models, fitted by ``lab/fit_calibration.py``.

Two models order a shortlist: ``exact`` by figures that tell exact repeats from what resembles them, ``tolerant`` by
fewer of these and by the tolerant views. Which of them counts is decided by how exact the best places are
(``Setting.exactness``): both count alike at the middle of a gate, which rises with the stage (.60, .70, .75). After a
no the template, which has learned from both kinds of answers, tells exact repeats from what resembles them: the exact
model uses its score (``ridge``), ``tight`` and ``tolerant`` alone then.

``probability`` says how often the user says yes, from the rank, some figures as they are and the answers so far; what
these answers were against what was expected then moves it (``surprise``). Numbers only, see ``constants.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

from reatrieve.retrieval.default.features import ABSOLUTE, FIGURES

__all__ = [
    "EXACT",
    "INPUTS",
    "STANDING",
    "TOLERANT",
    "Answers",
    "Judgement",
    "Setting",
    "relative",
    "standing",
    "surprise",
    "tally",
]

_COPY = ("ridge", "lda", "rare", "mean", "onset", "low", "tight")
EXACT = (_COPY, _COPY, ("ridge", "tight", "tolerant"))
TOLERANT = ("ridge", "rare", "mean", "tight", "tolerant")
"""Figures that each of the two models sees; the exact one's, one tuple a stage (see ``Answers``)."""

GATE_MIDDLES = (0.60, 0.70, 0.75)
GATE_WIDTHS = (0.04, 0.04, 0.10)
"""At these exactnesses, one a stage, both models count alike, and by how much it takes to change that. One example
alone looks less exact than it is: the best places may all be wrong."""

STANDING = ("rank", "gap")
INPUTS = (
    *STANDING, "contrast", "pooled", "ridge", "unlike_no", "like_yes",
    "trust", "n_yes", "n_no", "n_running",
)  # fmt: skip
"""What the probability is computed from, in this order:

========== ===========================================================================================================
rank       the rank, 0 for the middle of the shortlist
gap        how far it is above the best of the others that do not overlap the best one; below the best one: negative
contrast   ridge score, in deviations over the audio
pooled     resemblance with the accepted in the pooled view, in deviations over the audio
ridge      ridge score as it is
unlike_no  resemblance with the accepted minus the greatest with a rejected, pooled view (0 while there is none)
like_yes   resemblance with the accepted minus theirs among each other, pooled view (0 while there is one)
trust      of the setting
n_yes ...  log counts of answers
========== ===========================================================================================================

What tells one kind of sound from another (exactness, length) is left out: on a kind that was not fitted it misleads.
"""

SURPRISE_PRIOR = 4.0
"""Inverse variance of the prior on a session's offset in log odds; an answer of probability p adds p (1 - p) to it."""

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


def tally(positive: Sequence[bool]) -> Answers:
    """Count answers in their order; the example first, which is a yes."""
    running = next((n for n, yes in enumerate(reversed(positive)) if yes), len(positive))
    return Answers(sum(positive), len(positive) - sum(positive), running)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a shortlist has in common.

    Attributes
    ----------
    answers : the answers so far.
    exactness : trust of the exact view over the Euclidean norm of the trusts, 0..1 (see ``ranking``).
    trust : of the pooled view, in deviations over the audio.
    n_frames : frames in an excerpt, > 0.
    """

    answers: Answers
    exactness: float
    trust: float
    n_frames: int

    @property
    def exact_share(self) -> float:
        """Weight of the exact model, 0..1."""
        stage = self.answers.stage
        return float(scipy.special.expit((self.exactness - GATE_MIDDLES[stage]) / GATE_WIDTHS[stage]))


def surprise(answers: Sequence[tuple[bool, float]]) -> float:
    """How far a session goes beyond what is expected of it, in log odds; 0 while nothing was answered.

    The first step of Newton's towards the most probable offset of all its log odds, which is normal with the variance
    ``1 / SURPRISE_PRIOR`` before any answer.

    Parameters
    ----------
    answers : of each answer whether it was a yes, and the probability of one, 0..1, when it was asked for.
    """
    beyond = sum(yes - expected for yes, expected in answers)
    return beyond / (sum(expected * (1.0 - expected) for _, expected in answers) + SURPRISE_PRIOR)


def relative(figures: NDArray[np.floating]) -> _F64:
    """Each figure minus its median over the shortlist, in standard deviations of it; the absolute ones as they are.

    Parameters
    ----------
    figures : np.ndarray [shape=(n, len(FIGURES))]

    Returns
    -------
    np.ndarray [shape=(n, len(FIGURES)), float64]
    """
    wide = figures.astype(np.float64)
    spread = wide.std(axis=0) + 1e-6
    middle = _median(wide)
    stays = [FIGURES.index(name) for name in ABSOLUTE]
    spread[stays], middle[stays] = 1.0, 0.0
    return np.asarray((wide - middle) / spread)


def _median(values: _F64) -> _F64:
    """Median over the first axis; numpy's own takes several times as long on so few."""
    ordered, half = np.sort(values, axis=0), len(values) // 2
    return np.asarray(ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def standing(ranks: _F64, starts: NDArray[np.intp], *, n_frames: int) -> _F64:
    """The inputs that come from the ranks.

    Parameters
    ----------
    ranks : np.ndarray [shape=(n,)]
    starts : np.ndarray [shape=(n,)]
        Grid places, frames.
    n_frames : frames in an excerpt; candidates nearer to each other overlap.

    Returns
    -------
    np.ndarray [shape=(n, len(STANDING))]
    """
    best = int(np.lexsort((starts, -ranks))[0])
    apart = np.abs(starts - starts[best]) >= n_frames
    second = ranks[apart].max() if apart.any() else ranks[best] - 1.0
    gap = ranks - ranks[best]
    gap[best] = ranks[best] - second
    return np.column_stack([ranks, gap])


@dataclass(frozen=True, slots=True)
class Judgement:
    """The constants: for each stage a row of weights.

    Attributes
    ----------
    exact : three tuples, each of its stage's figures ``EXACT``.
    tolerant : the same, each of the figures ``TOLERANT``.
    probability : three tuples of the ``INPUTS``, and the intercept.
    surprise : three tuples: a factor of the log odds, one of ``surprise``, and the intercept.
    """

    exact: tuple[tuple[float, ...], ...]
    tolerant: tuple[tuple[float, ...], ...]
    probability: tuple[tuple[float, ...], ...]
    surprise: tuple[tuple[float, ...], ...]

    def ranks(self, figures: NDArray[np.floating], setting: Setting) -> _F64:
        """A number for each candidate, 0 for the middle one; higher is better.

        Parameters
        ----------
        figures : np.ndarray [shape=(n, len(FIGURES))]
        setting : decides how much either model counts.

        Returns
        -------
        np.ndarray [shape=(n,)]
        """
        scaled = relative(figures)
        stage, share = setting.answers.stage, setting.exact_share
        exact = scaled[:, _EXACT_COLUMNS[stage]] @ np.array(self.exact[stage])
        ranks = share * exact + (1.0 - share) * (scaled[:, _TOLERANT_COLUMNS] @ np.array(self.tolerant[stage]))
        return np.asarray(ranks - _median(ranks))

    def log_odds(self, inputs: _F64, *, stage: int) -> _F64:
        """Log odds of a yes for each candidate, but for what the answers so far say of such odds.

        Parameters
        ----------
        inputs : np.ndarray [shape=(n, len(INPUTS))]
        stage : 0, 1 or 2, as in ``Answers``.

        Returns
        -------
        np.ndarray [shape=(n,)]
            Natural logarithm of p / (1 - p).
        """
        w = np.array(self.probability[stage])
        return np.asarray(inputs @ w[:-1] + w[-1])

    def probabilities(self, log_odds: _F64, surprised: float, *, stage: int) -> _F64:
        """Probability of a yes for each candidate, after as much ``surprise``.

        Parameters
        ----------
        log_odds : np.ndarray [shape=(n,)]
        surprised : log odds, as ``surprise`` gives them.
        stage : 0, 1 or 2, as in ``Answers``.

        Returns
        -------
        np.ndarray [shape=(n,), 0..1]
        """
        factor, offset, intercept = self.surprise[stage]
        return np.asarray(scipy.special.expit(factor * log_odds + offset * surprised + intercept))


_EXACT_COLUMNS = [[FIGURES.index(name) for name in names] for names in EXACT]
_TOLERANT_COLUMNS = [FIGURES.index(name) for name in TOLERANT]
