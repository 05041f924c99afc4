"""Algorithm 1 as a fold: the state of a session is what its events add up to, and nothing else.

The paper's loop: P = {t0}, N = {}, while |N| < b: propose the best excerpt that overlaps none in P or N; the answer
adds it to P or to N. Every step is an event (``events.py``); ``fold`` replays them, so undo, resume and report agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reatrieve.errors import InputError
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
    Started,
    Undone,
    Verdict,
)
from reatrieve.session.spans import Span

__all__ = ["EXAMPLE", "CandidateState", "LabelledSpan", "OverReason", "SessionCandidate", "SessionState", "fold"]

EXAMPLE = 0
"""The example's number; candidates count 1, 2, ... in the order proposed."""

CandidateState: TypeAlias = Literal["candidate", "accepted", "rejected", "skipped", "retracted"]
OverReason: TypeAlias = Literal["budget", "exhausted", "finished"]

_AFTER: Mapping[Verdict, CandidateState] = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}
_VERDICT_OF: Mapping[CandidateState, Verdict] = {state: verdict for verdict, state in _AFTER.items()} | {
    "retracted": "skip"
}


@dataclass(frozen=True, slots=True)
class SessionCandidate:
    """One proposed excerpt and what became of it, from its ``events.Proposed`` or
    ``events.Requested`` on.

    Attributes
    ----------
    number : 1, 2, ... in the order proposed.
    proposed : the edges as the retriever gave them.
    span : the edges as they stand now (dragged before the answer, or revised later).
    state : ``candidate`` while it waits for an answer, then what the answer made of it.
    score, probability, remaining : as journalled with the proposal (``retriever.Proposal``) or request.
    """

    number: int
    proposed: Span
    span: Span
    state: CandidateState
    score: float
    probability: float
    remaining: float


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """One labelled excerpt, as a ranker learns it; ``supposed``: nobody said so yet."""

    span: Span
    positive: bool
    supposed: bool = False


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session at one moment. Immutable: ``apply`` gives the next one.

    Attributes
    ----------
    example : the user's time selection; its length is the length of every excerpt.
    example_region : the example's region as it stands; None once the user deleted it (it still teaches).
    label : the sound's name.
    retriever : the name of the retriever that proposes.
    budget : how many rejections the user allows.
    candidates : number -> candidate, in the order proposed; the example (number 0) is not among them.
    finished : the user is done; a raised budget or an undo opens the session again.
    """

    example: Span
    example_region: Span | None
    label: str
    retriever: str
    budget: int
    candidates: Mapping[int, SessionCandidate]
    finished: bool = False

    @classmethod
    def start(cls, event: Started) -> SessionState:
        """The state right after the example was marked."""
        _check_whole("budget", event.budget, least=1)
        return cls(event.example, event.example, event.label, event.retriever, event.budget, {})

    @property
    def length_s(self) -> float:
        """Length of the example, hence of every excerpt."""
        return self.example.length_s

    @property
    def current(self) -> int | None:
        """The candidate that waits for an answer, if any."""
        last = self._last
        return last.number if last is not None and last.state == "candidate" else None

    @property
    def next_number(self) -> int:
        """The number that the next proposal carries."""
        current = self.current
        return len(self.candidates) + 1 if current is None else current

    @property
    def rejections(self) -> int:
        """|N|: rejected candidates so far."""
        return self._count("rejected")

    @property
    def accepted(self) -> int:
        """Accepted candidates that still stand; the example is not counted."""
        return self._count("accepted")

    @property
    def answers(self) -> int:
        """Candidates answered so far, skipped and retracted ones included."""
        return len(self.candidates) - (self.current is not None)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The answers as they stand, in order; a retracted yes counts as a skip."""
        return tuple(_VERDICT_OF[one.state] for one in self.candidates.values() if one.state != "candidate")

    @property
    def positives(self) -> tuple[Span, ...]:
        """P in answer order, the example first (as it was marked, whatever became of its region)."""
        return (self.example, *self._spans("accepted"))

    @property
    def negatives(self) -> tuple[Span, ...]:
        """N in answer order."""
        return self._spans("rejected")

    @property
    def labels(self) -> tuple[LabelledSpan, ...]:
        """What the user said after the example, P and N together in answer order: what a ranker has to learn."""
        return tuple(
            LabelledSpan(one.span, one.state == "accepted")
            for one in self.candidates.values()
            if one.state in ("accepted", "rejected")
        )

    @property
    def blocked(self) -> tuple[Span, ...]:
        """What no later candidate may overlap: the example and everything answered, in any way, as it stands.

        Where the user moved the edges the place first proposed stays blocked too, or it would come again.
        """
        taken = [self.example]
        for one in self.candidates.values():
            if one.state != "candidate":
                taken.append(one.span)
                if one.span != one.proposed:
                    taken.append(one.proposed)
        return tuple(taken)

    @property
    def accepted_regions(self) -> tuple[tuple[int, Span], ...]:
        """What goes into the game: (number, span) of the example's region and of each accepted candidate."""
        own = () if self.example_region is None else ((EXAMPLE, self.example_region),)
        return own + tuple((one.number, one.span) for one in self.candidates.values() if one.state == "accepted")

    @property
    def over(self) -> OverReason | None:
        """Why nothing is proposed any more; None while the session goes on.

        That nothing is left (``exhausted``) is the ranker's finding, not an event: ``search.Search.over`` knows it.
        """
        if self.finished:
            return "finished"
        return "budget" if self.rejections >= self.budget else None

    def apply(self, event: SessionEvent) -> SessionState:
        """The state after ``event``.

        Raises
        ------
        InputError
            If the event is impossible here: an answer to a candidate that is not current, a proposal out of turn, an
            undo of something never answered. The state is unchanged.
        """
        match event:
            case Started():
                raise InputError("the session has already started; a new example needs a new session")
            case Proposed() | Requested():
                return self._propose(event)
            case Answered():
                return self._answer(event)
            case Reanswered():
                return self._reanswer(event)
            case Undone():
                return self._undo(event.number)
            case Retracted():
                return self._retract(event.number)
            case Revised():
                return self._revise(event)
            case BudgetRaised():
                _check_whole("extra rejections", event.extra, least=0)
                return replace(self, budget=self.budget + event.extra, finished=False)
            case Renamed():
                return replace(self, label=event.label)
            case Finished():
                return self._with(
                    {k: one for k, one in self.candidates.items() if one.state != "candidate"}, finished=True
                )
            case _:
                raise InputError(f"unknown session event: {event!r}")

    # One method an event; each copies the (small) table, so a session of n answers costs O(n) an event.

    def _propose(self, event: Proposed | Requested) -> SessionState:
        if self.over is not None:
            raise InputError(f"candidate {event.number} proposed, but the session is over ({self.over})")
        if event.number != self.next_number:
            raise InputError(f"candidate {event.number} proposed out of turn; the next number is {self.next_number}")
        for name, figure in (
            ("score", event.score),
            ("probability", event.probability),
            ("remaining", event.remaining),
        ):
            if not math.isfinite(figure):
                raise InputError(f"candidate {event.number} has no finite {name}: {figure}")
        shown = SessionCandidate(
            event.number, event.span, event.span, "candidate", event.score, event.probability, event.remaining
        )
        return self._with({**self.candidates, event.number: shown})

    def _answer(self, event: Answered) -> SessionState:
        if event.number != self.current:
            now = "no candidate is open" if self.current is None else f"the current one is {self.current}"
            raise InputError(f"answer to candidate {event.number}, but {now}")
        if event.verdict not in _AFTER:
            raise InputError(f"unknown verdict {event.verdict!r}; use accept, reject or skip")
        return self._changed(event.number, span=event.span, state=_AFTER[event.verdict])

    def _reanswer(self, event: Reanswered) -> SessionState:
        if self._candidate(event.number).state == "candidate":
            raise InputError(f"candidate {event.number} has no answer yet")
        if event.verdict not in _AFTER:
            raise InputError(f"unknown verdict {event.verdict!r}; use accept, reject or skip")
        after = self._changed(event.number, span=event.span, state=_AFTER[event.verdict])
        if after.over is None:
            return after
        # the budget is spent by it: the open candidate is withdrawn
        return after._with({k: one for k, one in after.candidates.items() if one.state != "candidate"})

    def _undo(self, number: int) -> SessionState:
        one = self._candidate(number)
        if one.state == "candidate":
            raise InputError(f"candidate {number} has no answer to take back")
        back = replace(one, span=one.proposed, state="candidate")
        earlier = {k: kept for k, kept in self.candidates.items() if k < number}
        return self._with({**earlier, number: back}, finished=False)

    def _retract(self, number: int) -> SessionState:
        if number == EXAMPLE:
            if self.example_region is None:
                raise InputError("the example's region is already retracted")
            return replace(self, example_region=None)
        self._accepted(number, "retracted")
        return self._changed(number, state="retracted")

    def _revise(self, event: Revised) -> SessionState:
        if event.number == EXAMPLE:
            return replace(self, example_region=event.span)
        if self._candidate(event.number).state != "retracted":  # its region came back, by an undo of the deletion
            self._accepted(event.number, "revised")
        return self._changed(event.number, span=event.span, state="accepted")

    @property
    def _last(self) -> SessionCandidate | None:
        return next(reversed(self.candidates.values()), None)  # type: ignore[call-overload]

    def _candidate(self, number: int) -> SessionCandidate:
        if number not in self.candidates:
            raise InputError(f"no candidate {number}; the session has {len(self.candidates)}")
        return self.candidates[number]

    def _accepted(self, number: int, verb: str) -> None:
        state = self._candidate(number).state
        if state != "accepted":
            raise InputError(f"candidate {number} is {state}; only an accepted one can be {verb}")

    def _changed(self, number: int, *, state: CandidateState | None = None, span: Span | None = None) -> SessionState:
        one = self.candidates[number]
        changed = replace(one, state=state or one.state, span=span or one.span)
        return self._with({**self.candidates, number: changed})

    def _with(self, candidates: dict[int, SessionCandidate], *, finished: bool | None = None) -> SessionState:
        return replace(
            self,
            candidates=candidates,
            finished=self.finished if finished is None else finished,
        )

    def _count(self, state: CandidateState) -> int:
        return sum(one.state == state for one in self.candidates.values())

    def _spans(self, state: CandidateState) -> tuple[Span, ...]:
        return tuple(one.span for one in self.candidates.values() if one.state == state)


def fold(events: Iterable[SessionEvent]) -> SessionState:
    """The state that ``events`` add up to; the first one must be ``Started``.

    Raises
    ------
    InputError
        If there is no event, the first is not ``Started``, or one is impossible where it stands.
    """
    state: SessionState | None = None
    for event in events:
        if state is not None:
            state = state.apply(event)
        elif isinstance(event, Started):
            state = SessionState.start(event)
        else:
            raise InputError(f"a session begins with its example, not with {type(event).__name__}")
    if state is None:
        raise InputError("a session without events: mark an example first")
    return state


def _check_whole(name: str, number: int, *, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InputError(f"{name} is {number!r}; it must be a whole number, at least {least}")
