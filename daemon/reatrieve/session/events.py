"""What happens in a session, one frozen event each: the journal is a list of these, the session a fold over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reatrieve.session.spans import Span

__all__ = [
    "Answered",
    "BudgetRaised",
    "Finished",
    "Proposed",
    "Reanswered",
    "Renamed",
    "Requested",
    "Retracted",
    "Revised",
    "SessionEvent",
    "Started",
    "Undone",
    "Verdict",
]

Verdict: TypeAlias = Literal["accept", "reject", "skip"]


@dataclass(frozen=True, slots=True)
class Started:
    """The user marked an example. ``length_s`` of the search is the example's length."""

    example: Span
    label: str
    budget: int
    retriever: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """Candidate ``number`` (1, 2, ... in the order proposed) was shown, with the edges and figures of its proposal."""

    number: int
    span: Span
    score: float
    probability: float
    remaining: float


@dataclass(frozen=True, slots=True)
class Requested:
    """The user asked for this place to be next: as ``Proposed``, which a replay trusts just so.

    An open candidate gives it its number, and is proposed again later."""

    number: int
    span: Span
    score: float
    probability: float
    remaining: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The user answered candidate ``number``; ``span`` carries the edges as they stood."""

    number: int
    verdict: Verdict
    span: Span


@dataclass(frozen=True, slots=True)
class Reanswered:
    """The user looked at answered candidate ``number`` again and gave another answer; all later ones stand."""

    number: int
    verdict: Verdict
    span: Span


@dataclass(frozen=True, slots=True)
class Undone:
    """The answers to candidate ``number`` and to every later one are taken back; ``number`` is current again."""

    number: int


@dataclass(frozen=True, slots=True)
class Retracted:
    """An accepted candidate is no longer wanted (its region was deleted): neither P nor N, still blocked.

    Number 0 is the example: its region is gone, but it goes on teaching."""

    number: int


@dataclass(frozen=True, slots=True)
class Revised:
    """The user moved the edges of an accepted candidate (or of the example's region, number 0) afterwards.

    A retracted one (its deletion was undone) is accepted again, with these edges."""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class BudgetRaised:
    """The user allows ``extra`` more rejections; 0 only opens a finished session again (``Finished`` was undone)."""

    extra: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """The sound has a new label."""

    label: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The user is done; nothing is proposed any more until a ``BudgetRaised``."""


SessionEvent: TypeAlias = (
    Started
    | Proposed
    | Requested
    | Answered
    | Reanswered
    | Undone
    | Retracted
    | Revised
    | BudgetRaised
    | Renamed
    | Finished
)
