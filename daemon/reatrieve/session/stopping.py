"""When a search may stop: "probably nothing else", and how sure "accept the rest" is.

The rest is a chain: each place is taken for a yes and learned from before the next one is looked for. A wrong one
brings its own repeats with it, so a place is right only if those before it are: its chance is the product of the
probabilities up to it. That gives the F1 to expect of the best cut, and a question near the chain's end that divides
what is open, as bisection does: a yes there speaks for all before it, a no keeps out all after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reatrieve.session.events import Verdict
from reatrieve.session.retriever import Proposal

__all__ = ["MAX_ACCEPTS_AND_SKIPS", "REST_ABOVE", "Outlook", "outlook", "probably_nothing_else"]

REST_ABOVE = 0.6
"""From which probability "accept the rest" takes places, unless the user says another."""
MAX_ACCEPTS_AND_SKIPS = 200
"""A session that a simulated user answers ends after so many answers that cost nothing."""
NO_WITHOUT_A_YES, LEFT_WITHOUT_A_YES = 5, 0.2
"""Where nothing was ever accepted: so many no, and an estimate of what is left below this. With 0.3 it comes in all of
the synthetic songs where a sound happens once, with 0.2 in 83 % of them and an answer later, but too early less often:
nowhere more than in 3 % of the sessions (``docs/experiments-log.md``)."""
NO_IN_A_ROW, LEFT_BELOW = 8, 0.05
"""Where something was: so many no since the last yes, and an estimate that is next to nothing. With 0.2 it spoke too
early in 17 % of the sessions on speech and 11 % on foley, with 0.05 in none (``docs/experiments-log.md``)."""


def probably_nothing_else(answers: Sequence[Verdict], remaining: float) -> bool:
    """Whether to say so beside the next candidate.

    Parameters
    ----------
    answers : the answers so far, in order.
    remaining : the next candidate's estimate of occurrences not yet accepted.
    """
    in_a_row, left = (NO_IN_A_ROW, LEFT_BELOW) if "accept" in answers else (NO_WITHOUT_A_YES, LEFT_WITHOUT_A_YES)
    return remaining < left and _no_since_the_last_yes(reversed(answers)) >= in_a_row


def _no_since_the_last_yes(latest_first: Iterable[Verdict]) -> int:
    count = 0
    for answer in latest_first:
        if answer == "accept":
            break
        count += answer == "reject"
    return count


CLEAR = 0.96
"""Expected F1 from which the rest may be accepted unasked."""
ASKED = 0.8
"""The first place whose chance is below this is asked about, or the last one of the chain."""
FAINT = 0.05
"""A place with a smaller chance ends the chain, and is asked about only where nothing else is."""
MOST_LOOKED_AT = 48


@dataclass(frozen=True, slots=True)
class Outlook:
    """What accepting the rest would bring.

    Attributes
    ----------
    expected_f1 : of accepted places and the best cut of the rest together, 0..1.
    question : the place to ask about; None where nothing is left.
    clear : whether no question is worth its answer.
    """

    expected_f1: float
    question: Proposal | None
    clear: bool


def outlook(chain: Iterable[Proposal], *, n_accepted: int) -> Outlook:
    """Look along a chain, no farther than needed.

    Parameters
    ----------
    chain : proposals, each made with those before it taken for a yes.
    n_accepted : occurrences that the user accepted, the example not counted.
    """
    looked_at: list[Proposal] = []
    chances: list[float] = []
    for proposal in itertools.islice(chain, MOST_LOOKED_AT):
        looked_at.append(proposal)
        chances.append(proposal.probability * (chances[-1] if chances else 1.0))
        if chances[-1] < FAINT:
            break
    if not looked_at:
        return Outlook(1.0, None, True)
    n_open = sum(chance >= FAINT for chance in chances)
    asked = next((k for k in range(n_open) if chances[k] < ASKED), max(n_open - 1, 0))
    question = replace(looked_at[asked], probability=round(chances[asked], 6), remaining=looked_at[0].remaining)
    expected = _expected_f1(np.array(chances[:n_open]), n_accepted)
    return Outlook(expected, question, n_accepted > 0 and expected >= CLEAR)


def _expected_f1(chances: NDArray[np.float64], n_accepted: int) -> float:
    """F1 of the best cut, from expected counts."""
    taken = np.arange(len(chances) + 1)
    right = n_accepted + np.concatenate([[0.0], np.cumsum(chances)])
    every = n_accepted + chances.sum()
    return float(np.max(2.0 * right / np.maximum(n_accepted + taken + every, 1e-9)))
