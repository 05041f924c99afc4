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

__all__ = [
    "EXAMPLE",
    "CandidateState",
    "LabelledSpan",
    "OverReason",
    "SessionCandidate",
    "SessionState",
    "fold",
    "fold_possible",
]

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
        return _over(self.rejections, self.budget, finished=self.finished)

    def apply(self, event: SessionEvent) -> SessionState:
        """The state after ``event``.

        Raises
        ------
        InputError
            If the event is impossible here: an answer to a candidate that is not current, a proposal out of turn, an
            undo of something never answered. The state is unchanged.
        """
        folding = _Folding(self)
        folding.apply(event)
        return folding.state()

    @property
    def _last(self) -> SessionCandidate | None:
        return next(reversed(self.candidates.values()), None)  # type: ignore[call-overload]

    def _count(self, state: CandidateState) -> int:
        return sum(one.state == state for one in self.candidates.values())

    def _spans(self, state: CandidateState) -> tuple[Span, ...]:
        return tuple(one.span for one in self.candidates.values() if one.state == state)


class _Folding:
    """A state that events change in place, each in constant time (an undo: in the answers that it takes back).

    An event that is impossible raises ``InputError`` and changes nothing.
    """

    def __init__(self, before: SessionState) -> None:
        self._before = before
        self._candidates = dict(before.candidates)
        self._rejections = before.rejections
        self._example_region = before.example_region
        self._label = before.label
        self._budget = before.budget
        self._finished = before.finished

    def state(self) -> SessionState:
        """What the events so far add up to; no further one is taken."""
        return replace(
            self._before, example_region=self._example_region, label=self._label, budget=self._budget,
            candidates=self._candidates, finished=self._finished,
        )  # fmt: skip

    def apply(self, event: SessionEvent) -> None:
        """Take one event."""
        match event:
            case Started():
                raise InputError("the session has already started; a new example needs a new session")
            case Proposed() | Requested():
                self._propose(event)
            case Answered():
                self._answer(event)
            case Reanswered():
                self._reanswer(event)
            case Undone():
                self._undo(event.number)
            case Retracted():
                self._retract(event.number)
            case Revised():
                self._revise(event)
            case BudgetRaised():
                _check_whole("extra rejections", event.extra, least=0)
                self._budget += event.extra
                self._finished = False
            case Renamed():
                self._label = event.label
            case Finished():
                self._withdraw()
                self._finished = True
            case _:
                raise InputError(f"unknown session event: {event!r}")

    def _propose(self, event: Proposed | Requested) -> None:
        over = _over(self._rejections, self._budget, finished=self._finished)
        if over is not None:
            raise InputError(f"candidate {event.number} proposed, but the session is over ({over})")
        current = self._current()
        number = len(self._candidates) + 1 if current is None else current
        if event.number != number:
            raise InputError(f"candidate {event.number} proposed out of turn; the next number is {number}")
        for name, figure in (
            ("score", event.score),
            ("probability", event.probability),
            ("remaining", event.remaining),
        ):
            if not math.isfinite(figure):
                raise InputError(f"candidate {event.number} has no finite {name}: {figure}")
        self._candidates[number] = SessionCandidate(
            number, event.span, event.span, "candidate", event.score, event.probability, event.remaining
        )

    def _answer(self, event: Answered) -> None:
        current = self._current()
        if event.number != current:
            now = "no candidate is open" if current is None else f"the current one is {current}"
            raise InputError(f"answer to candidate {event.number}, but {now}")
        self._change(event.number, _after(event.verdict), event.span)

    def _reanswer(self, event: Reanswered) -> None:
        if self._candidate(event.number).state == "candidate":
            raise InputError(f"candidate {event.number} has no answer yet")
        self._change(event.number, _after(event.verdict), event.span)
        if _over(self._rejections, self._budget, finished=self._finished) is not None:
            self._withdraw()  # the budget is spent by it

    def _undo(self, number: int) -> None:
        one = self._candidate(number)
        if one.state == "candidate":
            raise InputError(f"candidate {number} has no answer to take back")
        while len(self._candidates) > number:
            _, later = self._candidates.popitem()
            self._rejections -= later.state == "rejected"
        self._change(number, "candidate", one.proposed)
        self._finished = False

    def _retract(self, number: int) -> None:
        if number == EXAMPLE:
            if self._example_region is None:
                raise InputError("the example's region is already retracted")
            self._example_region = None
            return
        self._change(number, "retracted", self._accepted(number, "retracted").span)

    def _revise(self, event: Revised) -> None:
        if event.number == EXAMPLE:
            self._example_region = event.span
            return
        if self._candidate(event.number).state != "retracted":  # its region came back, by an undo of the deletion
            self._accepted(event.number, "revised")
        self._change(event.number, "accepted", event.span)

    def _current(self) -> int | None:
        """The open candidate, if any: it is always the last one."""
        last = self._candidates.get(len(self._candidates))
        return last.number if last is not None and last.state == "candidate" else None

    def _withdraw(self) -> None:
        """The open candidate goes, if there is one."""
        if self._current() is not None:
            self._candidates.popitem()

    def _candidate(self, number: int) -> SessionCandidate:
        if number not in self._candidates:
            raise InputError(f"no candidate {number}; the session has {len(self._candidates)}")
        return self._candidates[number]

    def _accepted(self, number: int, verb: str) -> SessionCandidate:
        one = self._candidate(number)
        if one.state != "accepted":
            raise InputError(f"candidate {number} is {one.state}; only an accepted one can be {verb}")
        return one

    def _change(self, number: int, state: CandidateState, span: Span) -> None:
        one = self._candidates[number]
        self._rejections += (state == "rejected") - (one.state == "rejected")
        self._candidates[number] = replace(one, state=state, span=span)


def fold(events: Iterable[SessionEvent]) -> SessionState:
    """The state that ``events`` add up to; the first one must be ``Started``.

    Raises
    ------
    InputError
        If there is no event, the first is not ``Started``, or one is impossible where it stands.
    """
    state, _, why = fold_possible(events)
    if why:
        raise InputError(why)
    if state is None:
        raise InputError("a session without events: mark an example first")
    return state


def fold_possible(events: Iterable[SessionEvent]) -> tuple[SessionState | None, int, str]:
    """The state that ``events`` add up to before the first impossible one, how many those are, and why it is
    impossible ("": all are taken)."""
    folding: _Folding | None = None
    taken, why = 0, ""
    for event in events:
        try:
            if folding is not None:
                folding.apply(event)
            elif isinstance(event, Started):
                folding = _Folding(SessionState.start(event))
            else:
                why = f"a session begins with its example, not with {type(event).__name__}"
        except InputError as exc:
            why = str(exc)
        if why:
            break
        taken += 1
    return (folding.state() if folding is not None else None), taken, why


def _over(rejections: int, budget: int, *, finished: bool) -> OverReason | None:
    if finished:
        return "finished"
    return "budget" if rejections >= budget else None


def _after(verdict: Verdict) -> CandidateState:
    if verdict not in _AFTER:
        raise InputError(f"unknown verdict {verdict!r}; use accept, reject or skip")
    return _AFTER[verdict]


def _check_whole(name: str, number: int, *, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InputError(f"{name} is {number!r}; it must be a whole number, at least {least}")
