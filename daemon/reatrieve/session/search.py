"""One search: the state of a session paired with a ranker that has learned exactly what the state says.

The daemon, ``reatrieve find`` and the evaluation all drive this class. What the ranker knows is a function of the state
alone (it is brought in step before each question), so a replayed journal goes on just where the live session stood.
Replay trusts the journalled proposals and asks the ranker nothing.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import CancelledError, InputError
from reatrieve.session.events import Answered, Proposed, Requested, SessionEvent, Verdict
from reatrieve.session.retriever import Analysis, Describing, Proposal, Ranker, Retriever, Supposing, Surveying
from reatrieve.session.spans import Span
from reatrieve.session.state import LabelledSpan, OverReason, SessionState, fold
from reatrieve.session.stopping import Outlook, outlook

__all__ = ["Over", "Search"]

MOST_AT_ONCE = 1000
"""More than this "accept the rest" never takes."""

_VERDICTS: tuple[Verdict, ...] = ("accept", "reject", "skip")


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is proposed: the budget is spent, nothing is left, or the user finished."""

    reason: OverReason


@dataclass(frozen=True, slots=True)
class _Question:
    """All that a ranker's answer depends on."""

    labels: tuple[LabelledSpan, ...]
    blocked: tuple[Span, ...]


def _never() -> bool:
    return False


def _unseen(_share: float) -> None:
    """Progress that nobody watches."""


class Search:
    """Drives one session.

    Parameters
    ----------
    retriever : the method; the one that the session's ``Started`` names.
    analysis : what ``retriever.analyse`` gave for the searched audio.
    events : the session so far, beginning with its ``Started``.
    ranker : one that ``retriever`` made of just this analysis and example and that has learned nothing, if there is
        one.
    stop : asked while there is much to learn; see ``heeding``.

    Raises
    ------
    InputError
        If the events do not fold, or the example does not lie inside the audio.
    """

    def __init__(
        self,
        retriever: Retriever,
        analysis: Analysis,
        events: Iterable[SessionEvent],
        *,
        ranker: Ranker | None = None,
        stop: Callable[[], bool] = _never,
    ) -> None:
        self._state = fold(events)
        self._ranker = ranker if ranker is not None else retriever.ranker(analysis, self._state.example)
        self._learned: list[LabelledSpan] = []
        self._known: dict[_Question, Proposal | None] = {}
        self._outlooks: dict[_Question, Outlook] = {}
        self._described = False
        self._stop = stop

    @contextlib.contextmanager
    def heeding(self, stop: Callable[[], bool]) -> Iterator[None]:
        """Inside, whatever asks the ranker ends with ``CancelledError`` soon after ``stop`` says so: the state is as it
        was, and what was learned so far is not learned again."""
        before, self._stop = self._stop, stop
        try:
            yield
        finally:
            self._stop = before

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._state

    @property
    def over(self) -> Over | None:
        """Why the session proposes nothing now; None while there is something to answer. May ask the ranker."""
        if self._state.current is not None:
            return None
        if self._state.over is not None:
            return Over(self._state.over)
        return Over("exhausted") if self._best(_question(self._state)) is None else None

    @property
    def foreseen(self) -> bool:
        """Whether ``speculate`` looked at just this: then what comes next is known."""
        question = _question(self._state)
        return self._state.current is None and (question in self._known or question in self._outlooks)

    def apply(self, event: SessionEvent) -> SessionState:
        """Take one event (an answer, an undo, ...) and return the new state; an impossible one changes nothing."""
        self._state = self._state.apply(event)
        return self._state

    def propose(self) -> Proposed | Over:
        """The current candidate: proposed now (and added to the state), or the one that is already open."""
        current = self._state.current
        if current is not None:
            one = self._state.candidates[current]
            return Proposed(one.number, one.proposed, one.score, one.probability, one.remaining)
        if self._state.over is not None:
            return Over(self._state.over)
        best = self._best(_question(self._state))
        if best is None:
            return Over("exhausted")
        return self.ask(best)

    def speculate(self, *, deciding: bool = False) -> dict[Verdict, Proposal | None]:
        """What would be proposed after each answer to the current candidate with its edges untouched.

        None: the session would be over. Nothing changes, but the next ``propose`` after such an answer is instant; with
        ``deciding`` so is ``outlook``, whose question comes before all else until the rest is clear.
        """
        current = self._state.current
        if current is None:
            return dict.fromkeys(_VERDICTS)
        span = self._state.candidates[current].proposed
        speculated: dict[Verdict, Proposal | None] = {}
        known: dict[_Question, Proposal | None] = {}
        outlooks: dict[_Question, Outlook] = {}
        for verdict in _VERDICTS:
            after = self._state.apply(Answered(current, verdict, span))
            if after.over is not None:
                speculated[verdict] = None
                continue
            question = _question(after)
            if deciding:
                view = outlooks[question] = self._outlook(after)
                if not view.clear:
                    speculated[verdict] = view.question
                    continue
            speculated[verdict] = known[question] = self._best(question)
        self._known, self._outlooks = known, outlooks
        return speculated

    def rest(self, above: float, *, progress: Callable[[float], None] = _unseen) -> list[Proposal]:
        """What "accept the rest" would take, in the order that accepting them one after the other would propose them.

        Each proposal whose probability is at least ``above`` is taken for a yes and learned from before the next one is
        asked for; the first one below ends the list. The probabilities do not count what is only supposed as answers
        that turned out well: nobody gave them. Nothing changes. ``progress`` is told 0..1, as far as can be guessed.

        Raises
        ------
        InputError
            If ``above`` is no probability.
        CancelledError
            When ``heeding`` says so.
        """
        if not 0.0 <= above <= 1.0:
            raise InputError(f"probability threshold {above} is outside 0..1")
        labels, blocked = list(self._state.labels), list(self._state.blocked)
        found: list[Proposal] = []
        if self._state.current is not None:
            one = self._state.candidates[self._state.current]
            if one.probability >= above:
                found.append(Proposal(one.proposed, one.score, one.probability, one.remaining))
                labels.append(LabelledSpan(one.proposed, True, supposed=True))
            blocked.append(one.proposed)
        chain, share = self._chain(labels, blocked), 0.0
        for proposal in itertools.takewhile(lambda proposal: proposal.probability >= above, chain):
            found.append(proposal)
            if len(found) == MOST_AT_ONCE:
                break
            share = max(share, len(found) / (len(found) + max(proposal.remaining, 1.0)))
            progress(share)
        return found

    def outlook(self) -> Outlook:
        """How sure the rest is, an open candidate included, and which place to ask about. Nothing changes."""
        question = _question(self._state)
        if question not in self._outlooks:
            self._outlooks = {question: self._outlook(self._state)}
        return self._outlooks[question]

    def ask(self, proposal: Proposal) -> Proposed:
        """Propose this; an open candidate gives it its number and comes again later. The event, already applied."""
        number = self._state.next_number
        event = Proposed(number, proposal.span, proposal.score, proposal.probability, proposal.remaining)
        self.apply(event)
        return event

    def request(self, time_s: float) -> Requested:
        """Propose the place that the user points at, in place of an open candidate. The event, already applied.

        Raises
        ------
        InputError
            If the session is over, the retriever cannot tell, or all there is near ``time_s`` is answered already.
        """
        if self._state.over is not None:
            raise InputError(f"the session is over ({self._state.over}); Continue opens it again")
        best = self._surveying().near(time_s, self._state.blocked)
        if best is None:
            raise InputError(f"nothing is left to ask about near {time_s:.2f} s; point at another place")
        event = Requested(self._state.next_number, best.span, best.score, best.probability, best.remaining)
        self.apply(event)
        return event

    def description(self) -> Callable[[], object] | None:
        """What later answers will need of the sound, to be made in any thread while the user listens; None: nothing,
        or it was asked for before.
        """
        if self._described or not isinstance(self._ranker, Describing):
            return None
        self._described = True
        describe = self._ranker.description()
        return partial(describe, None) if describe is not None else None

    def similarity(self, n_points: int) -> NDArray[np.float32] | None:
        """How all of the sound resembles what was said yes to, as ``Surveying.similarity`` says it: 0..1
        [shape=(n,), 1 <= n <= n_points]; None where the retriever cannot tell. Nothing changes.
        """
        if not isinstance(self._ranker, Surveying):
            return None
        return self._surveying().similarity(self._state.blocked, n_points)

    def _surveying(self) -> Surveying:
        if not isinstance(self._ranker, Surveying):
            raise InputError(f"the retriever {self._state.retriever} cannot be asked about a place")
        self._bring_in_step(self._state.labels)
        return self._ranker

    def decide(self) -> Proposed | None:
        """Ask about the place that tells most about the rest; None: it is clear, and nothing has changed."""
        view = self.outlook()
        return None if view.clear or view.question is None else self.ask(view.question)

    def accept_rest(self, above: float, *, progress: Callable[[float], None] = _unseen) -> list[SessionEvent]:
        """Propose and accept everything that ``rest(above)`` lists; the events, already applied.

        An open candidate below the threshold gives its number to the first of them and is proposed again later. Raises
        and tells ``progress`` as ``rest`` does; nothing is accepted then.
        """
        if self._state.over is not None:
            return []
        events: list[SessionEvent] = []
        for proposal in self.rest(above, progress=progress):
            asked = self.ask(proposal)
            answer = Answered(asked.number, "accept", asked.span)
            self.apply(answer)
            events += [asked, answer]
        return events

    def _outlook(self, state: SessionState) -> Outlook:
        return outlook(self._chain(list(state.labels), list(state.blocked)), n_accepted=state.accepted)

    def _chain(self, labels: list[LabelledSpan], blocked: list[Span]) -> Iterator[Proposal]:
        """The best excerpt, then the next one with that taken for a yes, and so on."""
        while True:
            self._bring_in_step(labels)
            best = self._ranker.best(blocked)
            if best is None:
                return
            yield best
            labels.append(LabelledSpan(best.span, True, supposed=True))
            blocked.append(best.span)

    def _best(self, question: _Question) -> Proposal | None:
        if question in self._known:
            return self._known[question]
        self._bring_in_step(question.labels)
        best = self._ranker.best(question.blocked)
        self._known = {question: best}
        return best

    def _bring_in_step(self, labels: Sequence[LabelledSpan]) -> None:
        """Make the ranker's list equal ``labels``, order included: forget from the first difference on, then learn."""
        same = 0
        for ours, theirs in zip(labels, self._learned, strict=False):
            if ours != theirs:
                break
            same += 1
        while len(self._learned) > same:
            self._ranker.forget(self._learned.pop().span)
        for label in labels[same:]:
            if self._stop():
                raise CancelledError("stopped before all answers were learned")
            if label.supposed and isinstance(self._ranker, Supposing):
                self._ranker.suppose(label.span)
            else:
                self._ranker.learn(label.span, positive=label.positive)
            self._learned.append(label)


def _question(state: SessionState) -> _Question:
    return _Question(state.labels, state.blocked)
