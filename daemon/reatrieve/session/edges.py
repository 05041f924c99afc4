"""Which edges a user may give to a place: those that teach nonsense, or block an export later, are refused.

Only at the moment they are given: a journal of an earlier version that holds such edges still folds.
"""

from __future__ import annotations

from collections.abc import Iterator

from reatrieve.errors import InputError
from reatrieve.session.spans import Span, allowed_overlap_s, overlap_s
from reatrieve.session.state import EXAMPLE, SessionState

__all__ = ["EdgesError", "check_edges"]

EDGE_TOLERANCE_S = 0.05
"""How far edges may stick out of the audio: items and files differ by rounding, and lossy decoders by more."""


class EdgesError(InputError):
    """Edges that no place can have; the sentence says why."""


def check_edges(state: SessionState, number: int, span: Span, *, duration_s: float) -> None:
    """Refuse edges that cannot be meant.

    Parameters
    ----------
    state : SessionState
    number : int
        The candidate that gets them, open or answered; 0 is the example's region.
    span : Span
        The edges, seconds from the start of the searched audio. Those that it has now are never refused.
    duration_s : float > 0
        Length of the searched audio.

    Raises
    ------
    EdgesError
        If ``span`` lies (in part) outside the audio, has no overlap with what was proposed, or lies on the example or
        on a place that is accepted, rejected or skipped by more than neighbours may touch.
    InputError
        If there is no such candidate.
    """
    if number != EXAMPLE and number not in state.candidates:
        raise InputError(f"no candidate {number}; the session has {len(state.candidates)}")
    proposed = state.example if number == EXAMPLE else state.candidates[number].proposed
    now = state.example_region if number == EXAMPLE else state.candidates[number].span
    if span in (proposed, now):
        return
    what = "the example" if number == EXAMPLE else f"candidate {number}"
    if span.start_s < -EDGE_TOLERANCE_S or span.end_s > duration_s + EDGE_TOLERANCE_S:
        raise EdgesError(f"the edges of {what} reach outside the searched audio; move them inside")
    if overlap_s(span, proposed) <= 0.0:
        raise EdgesError(f"the edges of {what} lie apart from the place that was proposed; move them back onto it")
    for name, other in _others(state, number):
        if overlap_s(span, other) > max(allowed_overlap_s(state.length_s), overlap_s(proposed, other)):
            raise EdgesError(f"the edges of {what} lie on {name}; two places cannot share their time")


def _others(state: SessionState, number: int) -> Iterator[tuple[str, Span]]:
    """What is answered already, with its name."""
    if number != EXAMPLE and state.example_region is not None:
        yield "the example", state.example_region
    for one in state.candidates.values():
        if one.number != number and one.state in ("accepted", "rejected", "skipped"):
            yield f"candidate {one.number}, which is {one.state}", one.span
