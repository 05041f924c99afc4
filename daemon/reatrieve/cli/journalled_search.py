"""A search in this process whose every event is in the journal before it shows."""

from __future__ import annotations

import time

from reatrieve.cli.conversation import MORE
from reatrieve.cli.interrupts import interrupted_afterwards
from reatrieve.errors import InputError
from reatrieve.journal import Journal
from reatrieve.session.edges import check_edges
from reatrieve.session.events import Answered, BudgetRaised, Finished, Renamed, SessionEvent, Undone, Verdict
from reatrieve.session.retriever import Analysis, Proposal, Retriever
from reatrieve.session.search import Over, Search
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionCandidate, SessionState

__all__ = ["JournalledSearch"]


class JournalledSearch:
    """What ``reatrieve find`` talks to; see ``conversation.Backend`` and ``TakesTheRest``. Ctrl+C waits for the end of
    each step.

    Parameters
    ----------
    retriever, analysis : what searches, and what it knows of the sound.
    journal : Journal
        Of this session; its events so far are replayed.
    began_s : when the user asked (``time.perf_counter``).

    Attributes
    ----------
    first_candidate_s : seconds from there to the first candidate; None before it.
    answer_ms : from each answer to the next candidate.
    """

    def __init__(self, retriever: Retriever, analysis: Analysis, journal: Journal, *, began_s: float) -> None:
        self.duration_s = analysis.duration_s
        self.first_candidate_s: float | None = None
        self.answer_ms: list[float] = []
        self._search = Search(retriever, analysis, journal.events())
        self._journal = journal
        self._began_s = began_s
        self._answered_at_s: float | None = None

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._search.state

    @property
    def origin_s(self) -> float:
        """Project time of second 0 of all spans."""
        return self._journal.header.origin_s

    @property
    def over(self) -> str | None:
        """Why nothing is proposed; None while there is something to answer."""
        over = self._search.over
        return None if over is None else over.reason

    @interrupted_afterwards()
    def candidate(self) -> SessionCandidate | None:
        """The open candidate, proposed and journalled now if need be."""
        was_open = self.state.current is not None
        proposed = self._search.propose()
        if isinstance(proposed, Over):
            return None
        if not was_open:
            self._journal.append(proposed)
        now_s = time.perf_counter()
        if self.first_candidate_s is None:
            self.first_candidate_s = round(now_s - self._began_s, 4)
        if self._answered_at_s is not None:
            self.answer_ms.append(1000.0 * (now_s - self._answered_at_s))
            self._answered_at_s = None
        return self.state.candidates[proposed.number]

    @interrupted_afterwards()
    def look_ahead(self, *, deciding: bool) -> None:
        """Make what follows each answer ready."""
        self._search.speculate(deciding=deciding)

    def answer(self, verdict: Verdict, span: Span) -> None:
        """Answer the open candidate.

        Raises
        ------
        InputError
            If no candidate is open, or its edges cannot be used.
        """
        current = self.state.current
        if current is None:
            raise InputError("no candidate is open")
        if verdict == "accept":
            check_edges(self.state, current, span, duration_s=self.duration_s)
        self._take(Answered(current, verdict, span))

    def undo(self) -> None:
        """Take the last answer back.

        Raises
        ------
        InputError
            If nothing was answered.
        """
        answered = [number for number, one in self.state.candidates.items() if one.state != "candidate"]
        if not answered:
            raise InputError("there is no answer to take back")
        self._take(Undone(max(answered)))

    def go_on(self, extra: int = MORE) -> None:
        """Allow more rejections."""
        self._take(BudgetRaised(extra))

    def rename(self, label: str) -> None:
        """Give the sound another label."""
        self._take(Renamed(label))

    def finish(self) -> None:
        """End the session."""
        if not self.state.finished:
            self._take(Finished())

    @interrupted_afterwards()
    def rest(self, above: float) -> list[Proposal]:
        """What stands at ``above`` or higher."""
        return self._search.rest(above)

    @interrupted_afterwards()
    def accept_rest(self, above: float) -> None:
        """Accept it."""
        self._journal.append_all(self._search.accept_rest(above))
        self._answered_at_s = time.perf_counter()

    @interrupted_afterwards()
    def decide(self) -> bool:
        """Ask about the place that tells most about the rest; False: it is clear."""
        asked = self._search.decide()
        if asked is not None:
            self._journal.append(asked)
        return asked is not None

    @interrupted_afterwards()
    def _take(self, event: SessionEvent) -> None:
        """Apply an event and journal it; an impossible one is an ``InputError``, and changes nothing."""
        self._search.apply(event)
        self._journal.append(event)
        self._answered_at_s = time.perf_counter()
