"""How sure "accept the rest" is, and which answer would make it surer.

The rest is a chain: each place is taken for a yes and learned from before the next one is looked for. A wrong one
brings its own repeats with it, so a place is right only if those before it are: its chance is the product of the
probabilities up to it. That gives the F1 to expect of the best cut, and a question near the chain's end that divides
what is open, as bisection does: a yes there speaks for all before it, a no keeps out all after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.interface import Proposal

__all__ = ["Outlook", "outlook"]

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
