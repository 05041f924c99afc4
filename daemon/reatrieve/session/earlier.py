"""What an earlier search of the same sound was told, as the first events of a new one.

The earlier answers are journalled as places that were asked for and answered (``Requested``, ``Answered``), so a replay
asks nobody, and undo, rows and export know them like any others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reatrieve import limits
from reatrieve.session.events import Answered, Requested, Revised, SessionEvent, Started, Verdict
from reatrieve.session.spans import Span, allowed_overlap_s, are_one_place, overlap_s
from reatrieve.session.state import EXAMPLE

__all__ = ["EarlierAnswer", "first_events"]

LEAST_COVERED = 0.5
"""So much of an answered place must lie on items."""


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """An answer that still counts: ``accept`` or ``reject``, and where that place stands now, in seconds from the
    start of the searched audio."""

    verdict: Verdict
    span: Span


def first_events(
    started: Started, earlier: Sequence[EarlierAnswer], covered: Callable[[Span], float]
) -> tuple[list[SessionEvent], int]:
    """The first events of a search that goes on from earlier answers, and how many of those are left out.

    Left out is what lies on items by less than half, or on the example or another answer by more than neighbours may
    touch; a yes goes before a no. The first yes that lies on the example by more than half of the shorter is its
    region. Each earlier no raises the budget by one, up to ``limits.BUDGET``: what the user allows is still to come.

    Parameters
    ----------
    started : Started
        How the search begins without them.
    earlier : sequence of EarlierAnswer
        In the order in which they were given.
    covered : callable
        The share of a span, 0..1, that lies on items.
    """
    there = {k: answer for k, answer in enumerate(earlier) if covered(answer.span) >= LEAST_COVERED}
    yes = (k for k, one in there.items() if one.verdict == "accept")
    own = next((k for k in yes if are_one_place(there[k].span, started.example)), None)
    region = there.pop(own).span if own is not None else started.example
    kept: dict[int, EarlierAnswer] = {}
    for k, answer in sorted(there.items(), key=lambda one: (one[1].verdict != "accept", one[0])):
        taken = (region, *(one.span for one in kept.values()))
        if not any(_collide(answer.span, other, started.example.length_s) for other in taken):
            kept[k] = answer
    rejections = sum(answer.verdict == "reject" for answer in kept.values())
    events: list[SessionEvent] = [replace(started, budget=min(started.budget + rejections, limits.BUDGET))]
    if region != started.example:
        events.append(Revised(EXAMPLE, region))
    for number, (_, answer) in enumerate(sorted(kept.items()), 1):
        events.append(Requested(number, answer.span, 0.0, float(answer.verdict == "accept"), 0.0))
        events.append(Answered(number, answer.verdict, answer.span))
    return events, len(earlier) - len(kept) - (own is not None)


def _collide(a: Span, b: Span, length_s: float) -> bool:
    return overlap_s(a, b) > allowed_overlap_s(max(length_s, min(a.length_s, b.length_s)))
