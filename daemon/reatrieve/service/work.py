"""What a session computes, without messages: the journal and the search in step, run in worker threads one call at a
time.

An answer and the candidate that follows it are one append: both are journalled, or neither and the search goes back to
the journal. What a crash, or a session that is not analysed yet, can leave behind is a journal that is one proposal
short, which the search finds again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reatrieve import limits
from reatrieve.bridge.messages import (
    AcceptRest,
    Answer,
    Ask,
    Command,
    EventHeader,
    Finish,
    More,
    Reanswer,
    Rename,
    Retract,
    Revise,
    Undo,
    encode_event,
)  # fmt: skip
from reatrieve.errors import InputError, ReatrieveError
from reatrieve.journal import Journal
from reatrieve.service import loading, replies
from reatrieve.service.ahead import TrackAhead
from reatrieve.session.edges import EdgesError, check_edges
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Reanswered,
    Renamed,
    Requested,
    Retracted,
    Revised,
    SessionEvent,
    Undone,
    Verdict,
)  # fmt: skip
from reatrieve.session.retriever import Proposal
from reatrieve.session.search import Over, Search
from reatrieve.session.spans import Span, overlap_s
from reatrieve.session.state import EXAMPLE, SessionState, fold

if TYPE_CHECKING:
    from reatrieve.audio.analysis import StageProgress
    from reatrieve.audio.cache import AnalysisCache

__all__ = ["ElsewhereError", "SessionWork", "StaleError", "StepOutcome"]

logger = logging.getLogger(__name__)

SAME_EDGE_S = 1e-6
"""Edges that went to a project file and back as text are still the ones proposed."""


class StaleError(ReatrieveError, ValueError):
    """An answer to a candidate that is not the current one."""

    code = "stale"


class ElsewhereError(ReatrieveError, ValueError):
    """The search went on elsewhere, and the client does not show it yet."""

    code = "elsewhere"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """At a current candidate, ``foreseen`` by the last look ahead or not; or ``over``, and why."""

    state: SessionState
    foreseen: bool
    over: str | None


class SessionWork:
    """One session's journal, state and (once analysed) search.

    Not thread-safe: the session's actor makes one call at a time. ``stop`` says when the daemon ends: what has not come
    to its append by then raises ``CancelledError``.
    """

    def __init__(self, journal: Journal, *, stop: Callable[[], bool]) -> None:
        self.journal = journal
        self._stop = stop
        self.search: Search | None = None
        self.deciding = False
        self._foreseen = False
        self._state = fold(journal.events())
        self._ops = set(journal.ops)

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self.search.state if self.search is not None else self._state

    def has_done(self, op: str) -> bool:
        """Whether the command with this ``op`` is journalled already."""
        return op in self._ops

    def analyse(
        self, *, cache: AnalysisCache, ahead: TrackAhead, progress: StageProgress, cancel: Callable[[], bool]
    ) -> None:
        """Make the search; decodes and analyses what was not prepared ahead and what the cache does not hold."""
        retriever = loading.make_retriever(self._state.retriever)
        from reatrieve.audio.analysis import analyse_track  # here, because it loads slowly

        header = self.journal.header
        ahead.join(header.session, header.track_map, progress=progress, cancel=cancel)
        analysis = analyse_track(header.track_map, retriever, cache=cache, progress=progress, cancel=cancel)
        ranker = ahead.take(analysis, self._state.retriever, self._state.example)
        self.search = Search(retriever, analysis, self.journal.events(), ranker=ranker, stop=self._stop)

    def commit(
        self, command: Command, *, cancel: Callable[[], bool], progress: Callable[[float], None]
    ) -> frozenset[int]:
        """Carry out one session command: checked, journalled, applied; returns the numbers it accepted all in one go.

        Only "accept the rest" heeds ``cancel`` and tells ``progress`` (0..1); an answer is carried out.

        Raises
        ------
        StaleError
            An answer to a candidate that is not current.
        InputError
            Something that is impossible where the session stands.
        JournalError
            The disk does not take it. In all cases nothing has changed.
        CancelledError
            When ``cancel`` said so.
        """
        if isinstance(command, AcceptRest):
            with self._all_or_nothing():
                with self._analysed().heeding(cancel):
                    accepted = self._analysed().accept_rest(command.above, progress=progress)
                self.deciding = False
                if accepted:
                    self._journal_applied(accepted, op=command.op)
            if accepted:
                self._ops.add(command.op)
            return frozenset(event.number for event in accepted if isinstance(event, Answered))
        if isinstance(command, Ask):
            self._propose_at(command)
            return frozenset()
        event = self._event(command)
        after = self.state.apply(event)
        self._demand_room(after, event)
        if self.search is None:
            self.journal.append(event, op=_op(command))
            self._state = after
        else:
            with self._all_or_nothing():
                self.search.apply(event)
                self._journal_applied([event], op=_op(command))
        self._ops.add(_op(command))
        return frozenset()

    def similarity(self, n_points: int) -> NDArray[np.float32] | None:
        """How all of the track resembles what is accepted (``Search.similarity``) [shape=(n,)]; None where nobody can
        tell yet."""
        return None if self.search is None else self.search.similarity(n_points)

    def _propose_at(self, command: Ask) -> None:
        """Propose the place that the user points at."""
        with self._all_or_nothing():
            asked = self._analysed().request(command.time_s - self.journal.header.origin_s)
            self._journal_applied([asked], op=command.op)
        self._ops.add(command.op)

    def needs_a_proposal(self) -> bool:
        """Whether the next candidate (or that there is none) is still to be found."""
        return self.state.current is None and self.state.over is None

    def propose(self, cancel: Callable[[], bool] | None = None) -> StepOutcome:
        """The current candidate, proposed and journalled now if need be; raises ``CancelledError`` when ``cancel`` said
        so before that."""
        search = self._analysed()
        foreseen, self._foreseen = self._foreseen or search.foreseen, False
        if self.needs_a_proposal():
            with self._all_or_nothing(), search.heeding(cancel or self._stop):
                self._journal_applied([])
            self._foreseen = False
        over = None if self.state.current is not None else search.over
        return StepOutcome(self.state, foreseen, over.reason if over is not None else None)

    def look_ahead(self) -> Mapping[Verdict, Proposal | None]:
        """What would follow the current candidate after each answer; None: the session would be over."""
        return self._analysed().speculate(deciding=self.deciding)

    def description(self) -> Callable[[], object] | None:
        """As ``Search.description``."""
        return self._analysed().description()

    def decide(self) -> None:
        """Ask what decides the rest: now, in place of the open candidate, and after each answer until it is clear."""
        self.deciding = self.state.over is None
        if self.deciding:
            self._propose_deciding()

    def rest(
        self, above: float, *, cancel: Callable[[], bool], progress: Callable[[float], None]
    ) -> tuple[list[Proposal], bool]:
        """What "accept the rest" would take, and whether it can be taken unasked: nothing once the session is over
        (``more`` opens it again). Raises ``CancelledError`` when ``cancel`` said so."""
        if self.state.over is not None:
            return [], True
        search = self._analysed()
        with search.heeding(cancel):
            return search.rest(above, progress=progress), search.outlook().clear

    def _analysed(self) -> Search:
        if self.search is None:
            raise InputError("the track is not analysed yet; wait for the first candidate")
        return self.search

    def _propose_deciding(self) -> None:
        """Propose the question that decides the rest, unless it is clear."""
        with self._all_or_nothing():
            asked = self._analysed().decide()
            self.deciding = asked is not None
            if asked is not None:
                self._journal_applied([asked])

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """When what is done inside fails after the search took an event, the search goes back to the journal."""
        before, deciding = self.state, self.deciding
        try:
            yield
        except BaseException:
            self._foreseen, self.deciding = False, deciding
            if self.state is not before:
                self.search = None
                self._state = fold(self.journal.events())
            raise

    def _journal_applied(self, events: Sequence[SessionEvent], *, op: str = "") -> None:
        """Journal what the search already applied together with the candidate that is to follow."""
        following = self._following() if self.needs_a_proposal() else []
        proposed = [one.number for one in (*events, *following) if isinstance(one, (Proposed, Requested))]
        if max(proposed, default=0) > limits.CANDIDATES:
            raise InputError(f"a session holds at most {limits.CANDIDATES} candidates; begin a new search")
        self.journal.append_all(events, op=op, then=following)
        self._state = self.state

    def _following(self) -> list[SessionEvent]:
        """The next candidate, already applied; none: nothing is left."""
        search = self._analysed()
        self._foreseen = search.foreseen
        asked = search.decide() if self.deciding else None
        if self.deciding and asked is None:
            self.deciding = False
        proposed = asked if asked is not None else search.propose()
        return [] if isinstance(proposed, Over) else [proposed]

    def _demand_room(self, after: SessionState, event: SessionEvent) -> None:
        """Whatever is journalled can be told: what a reply to it would say is checked before."""
        if after.budget > limits.BUDGET:
            raise InputError(f"a budget of {after.budget} rejections; at most {limits.BUDGET} are taken")
        number = getattr(event, "number", None)
        only = frozenset() if number is None else frozenset([number])
        for reply in replies.rows("", after, self.journal.header.origin_s, only=only):
            encode_event(EventHeader("", 1), reply)

    def _event(self, command: Command) -> SessionEvent:
        match command:
            case Answer(number=number, verdict=verdict):
                if self.state.current != number:
                    now = (
                        "the session is over"
                        if self.state.current is None
                        else f"the current one is {self.state.current}"
                    )
                    raise StaleError(f"candidate {number} was answered, but {now}")
                return Answered(number, verdict, self._edges(command))  # type: ignore[arg-type]
            case Reanswer(number=number, verdict=verdict):
                if number not in self.state.candidates:
                    raise InputError(f"no candidate {number}; the session has {len(self.state.candidates)}")
                return Reanswered(number, verdict, self._edges(command))  # type: ignore[arg-type]
            case Undo(number=number):
                return Undone(number)
            case Retract(number=number):
                return Retracted(number)
            case Revise(number=number):
                return Revised(number, self._revised(command))
            case More(extra=extra):
                return BudgetRaised(extra)
            case Rename(label=label):
                return Renamed(label)
            case Finish():
                return Finished()
            case _:
                raise InputError(f"{command.NAME} is no command that changes a session")

    def _edges(self, answer: Answer | Reanswer) -> Span:
        """The edges that an answer gives; those of a yes must be ones that a place can have.

        A no or a skip apart from what is proposed was given to the place that had the number before an ``ask``.
        """
        origin_s = self.journal.header.origin_s
        shown = self.state.candidates[answer.number].proposed
        span = _as_shown(Span(answer.start_s - origin_s, answer.end_s - origin_s), shown)
        if isinstance(answer, Answer) and answer.verdict != "accept" and overlap_s(span, shown) <= 0.0:
            raise StaleError(f"the answer to candidate {answer.number} was given to another place")
        if answer.verdict == "accept":
            check_edges(self.state, answer.number, span, duration_s=self.journal.header.track_map.duration_s)
        return span

    def _revised(self, revise: Revise) -> Span:
        """The edges that an accepted region was dragged to, if a place can have them."""
        origin_s, state = self.journal.header.origin_s, self.state
        span = Span(revise.start_s - origin_s, revise.end_s - origin_s)
        now = state.example_region if revise.number == EXAMPLE else None
        if revise.number in state.candidates:
            now = state.candidates[revise.number].span
        if now is not None:
            span = _as_shown(span, now)
        try:
            check_edges(state, revise.number, span, duration_s=self.journal.header.track_map.duration_s)
        except EdgesError as error:
            raise EdgesError(f"{error}; the search and exports go on with its edges from before") from error
        return span


def _op(command: Command) -> str:
    return str(getattr(command, "op", ""))


def _as_shown(span: Span, shown: Span) -> Span:
    """The edges proposed, where those that came back are the same but for rounding."""
    untouched = max(abs(span.start_s - shown.start_s), abs(span.end_s - shown.end_s)) <= SAME_EDGE_S
    return shown if untouched else span
