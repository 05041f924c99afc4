"""The user who knows the annotations: answers a candidate with yes, no or skip, and says what it hit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reatrieve.errors import InputError
from reatrieve.session.events import Verdict
from reatrieve.session.spans import Span, overlap_s

__all__ = ["HIT_SHARE", "Denominator", "Oracle", "OracleAnswer"]

HIT_SHARE = 0.5
"""A candidate hits what it overlaps by more than this share."""

OVERLAP_RESOLUTION_S = 1e-7
"""Differences below this are rounding of decimal times, not overlap: exactly half is not "more than half"."""

Denominator: TypeAlias = Literal["shorter", "paper"]


@dataclass(frozen=True, slots=True)
class OracleAnswer:
    """What the oracle says of one candidate.

    Attributes
    ----------
    verdict : "accept" (it hits an occurrence), "skip" (only a `near` row) or "reject".
    credited : index of the one most-overlapped occurrence among those hit; None unless accepted.
    """

    verdict: Verdict
    credited: int | None


@dataclass(frozen=True, slots=True)
class Oracle:
    """Judges candidates by annotated occurrences of one sound in one file.

    Parameters
    ----------
    occurrences : the annotated occurrences, the example among them if the caller wants it credited.
    near : variants that are neither right nor wrong.
    denominator : "shorter": a hit is an overlap of more than half of the shorter of candidate and occurrence;
        "paper": of more than half of the candidate.

    Notes
    -----
    A repeated hit is a yes like the first: who counts what was found keeps the set of credited indices.
    """

    occurrences: Sequence[Span]
    near: Sequence[Span] = ()
    denominator: Denominator = "shorter"

    def __post_init__(self) -> None:
        if self.denominator not in ("shorter", "paper"):
            raise InputError(f"oracle {self.denominator!r} is unknown; choose 'shorter' or 'paper'")

    def answer(self, span: Span) -> OracleAnswer:
        """Judge one candidate.

        Returns
        -------
        OracleAnswer
            Of occurrences overlapped equally the earlier in the list is credited.
        """
        credited, most_s = None, -math.inf
        for index, occurrence in enumerate(self.occurrences):
            shared_s = overlap_s(span, occurrence)
            whole_s = span.length_s if self.denominator == "paper" else min(span.length_s, occurrence.length_s)
            if _more_than_half(shared_s, whole_s) and shared_s > most_s + OVERLAP_RESOLUTION_S:
                credited, most_s = index, shared_s
        if credited is not None:
            return OracleAnswer("accept", credited)
        if any(_more_than_half(overlap_s(span, other), span.length_s) for other in self.near):
            return OracleAnswer("skip", None)
        return OracleAnswer("reject", None)


def _more_than_half(shared_s: float, whole_s: float) -> bool:
    return shared_s > HIT_SHARE * whole_s + OVERLAP_RESOLUTION_S
