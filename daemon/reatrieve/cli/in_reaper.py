"""The loop in a simulated REAPER as something that a conversation can be held with."""

from __future__ import annotations

from reatrieve.demo.loop import ANSWER_TIMEOUT_S, Loop
from reatrieve.errors import InputError
from reatrieve.journal import read_journal
from reatrieve.session.edges import check_edges
from reatrieve.session.events import Answered, Verdict
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionCandidate, SessionState, fold

__all__ = ["InReaper"]


class InReaper:
    """What ``reatrieve demo`` talks to; see ``conversation.Backend``. Each call presses the key that a user would.

    Parameters
    ----------
    loop : Loop
        With a search begun.
    duration_s : float
        Length of the searched audio.

    Attributes
    ----------
    answer_ms : from each key press until the next candidate's region stands, or the session is over.
    """

    def __init__(self, loop: Loop, *, duration_s: float) -> None:
        self.duration_s = duration_s
        self.answer_ms: list[float] = []
        self._loop = loop
        self._finished = False
        header, _ = read_journal(loop.journal)
        self.origin_s = header.origin_s
        self._state = self._journalled()

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._state

    @property
    def over(self) -> str | None:
        """Why nothing is proposed; None while a candidate waits."""
        return "finished" if self._finished else self._loop.over

    def candidate(self) -> SessionCandidate | None:
        """The candidate whose region waits for an answer."""
        shown = self._loop.shown()
        if shown is None:  # the daemon writes the last answer down a moment after the script knows that it was one
            self._loop.reaper.until(lambda: self._journalled().current is None, timeout_s=ANSWER_TIMEOUT_S)
        self._state = self._journalled()
        return None if shown is None else shown.candidate

    def look_ahead(self, *, deciding: bool) -> None:
        """The daemon does so itself."""

    def answer(self, verdict: Verdict, span: Span) -> None:
        """Drag the region's edges to ``span`` and press the key.

        Raises
        ------
        InputError
            If no candidate is open.
        """
        current = self._state.current
        if current is None:
            raise InputError("no candidate is open")
        candidate, region = self._state.candidates[current], self._loop.candidate
        if verdict == "accept" and span != candidate.proposed and region is not None:
            check_edges(self._state, current, span, duration_s=self.duration_s)
            region.move(span.start_s + self.origin_s, span.end_s + self.origin_s)
        self.answer_ms.append(self._loop.answer(verdict))
        self._state = self._state.apply(Answered(current, verdict, span))

    def undo(self) -> None:
        """Press *Undo last answer*.

        Raises
        ------
        InputError
            If nothing was answered.
        """
        if not self._state.answers:
            raise InputError("there is no answer to take back")
        self._loop.undo()

    def go_on(self) -> None:
        """Press *Continue*."""
        self._loop.go_on()
        self._state = self._journalled()

    def finish(self) -> None:
        """Press *Finish*."""
        if not self._finished:
            self._loop.reaper.run("Finish (keep accepted, remove what is left)")
            self._loop.settle()
            self._finished = True

    def _journalled(self) -> SessionState:
        _, lines = read_journal(self._loop.journal)
        return fold(line.event for line in lines)
