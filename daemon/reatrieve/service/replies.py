"""What a session's state looks like in events; project seconds from here on out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reatrieve.bridge.messages import UNKNOWN, Candidate, Done, Event, Failed, Note, RestRow, Row, RowsEnd
from reatrieve.errors import ReatrieveError, lacks_memory
from reatrieve.files import unreadable
from reatrieve.plain import plain
from reatrieve.session.events import Verdict
from reatrieve.session.retriever import Proposal
from reatrieve.session.state import EXAMPLE, SessionState

__all__ = ["candidate", "done", "failed", "note", "rest_rows", "rows"]

TEXT_CHARACTERS = 1000
"""Of one sentence for the user; four bytes each fit a message."""

_NEXT: tuple[Verdict, ...] = ("accept", "reject", "skip")


def candidate(
    session: str, state: SessionState, ahead: Mapping[Verdict, Proposal | None] | None, origin_s: float
) -> Candidate:
    """The current candidate, and the next one for each answer; ``ahead`` None: that is not computed yet."""
    one = next(one for one in state.candidates.values() if one.number == state.current)
    following: list[int | float] = []
    for verdict in _NEXT:
        after = ahead[verdict] if ahead is not None else None
        if after is None:
            following += [0 if ahead is not None else UNKNOWN, 0.0, 0.0, 0.0, 0.0]
        else:
            span = after.span.moved(origin_s)
            following += [1, span.start_s, span.end_s, _finite(after.score), _finite(after.probability)]
    span = one.span.moved(origin_s)
    return Candidate(
        session, one.number, span.start_s, span.end_s, _finite(one.score), _finite(one.probability),
        _finite(one.remaining), state.rejections, state.budget, state.accepted, *following,  # type: ignore[arg-type]
    )  # fmt: skip


def failed(session: str, number: int, error: BaseException, command: str) -> Failed:
    """A command failed: ours says why, anything else is ``internal``; can always be encoded."""
    if isinstance(error, ReatrieveError):
        return Failed(plain(session), number, error.code, plain(str(error))[:TEXT_CHARACTERS])
    text = f"the daemon met a fault at {command} ({type(error).__name__}); its log has the details"
    if lacks_memory(error):
        text = f"there is not enough memory for {command}; close other programs, or search a shorter track"
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{command} failed: {unreadable(error.filename, error)}"
    return Failed(plain(session), number, "internal", plain(text)[:TEXT_CHARACTERS])


def note(session: str, code: str, text: str) -> Note:
    """Something that the user should know; can always be encoded."""
    return Note(session, code, plain(text)[:TEXT_CHARACTERS])


def done(session: str, state: SessionState, reason: str) -> Done:
    """Nothing more is proposed."""
    return Done(session, reason, state.rejections, state.budget, state.accepted)


def rows(session: str, state: SessionState, origin_s: float, *, only: frozenset[int] | None = None) -> list[Event]:
    """The example and every candidate (or those in ``only``) as they stand, then the end of the list."""
    listed: list[Event] = []
    example = (state.example_region or state.example).moved(origin_s)
    if only is None:
        shown = "example" if state.example_region is not None else "retracted"
        listed.append(Row(session, EXAMPLE, shown, example.start_s, example.end_s, 1.0, 1.0))
    for one in state.candidates.values():
        if only is None or one.number in only:
            span = one.span.moved(origin_s)
            figures = (_finite(one.score), _finite(one.probability))
            listed.append(Row(session, one.number, one.state, span.start_s, span.end_s, *figures))
    return [*listed, RowsEnd(session, state.label, len(listed), state.rejections, state.budget, state.accepted)]


def rest_rows(session: str, proposals: list[Proposal], origin_s: float) -> list[Event]:
    """The list that "accept the rest" would take."""
    listed: list[Event] = []
    for index, proposal in enumerate(proposals):
        span = proposal.span.moved(origin_s)
        listed.append(RestRow(session, index, span.start_s, span.end_s, _finite(proposal.probability)))
    return listed


def _finite(figure: float) -> float:
    return float(figure) if math.isfinite(figure) else 0.0
