"""The loop of ``reatrieve find``: propose, ask (a person or the truth), journal, propose again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import soundfile
from rich.console import Console

from reatrieve.annotations.truth import Truth
from reatrieve.audio.stitch import TrackAudio
from reatrieve.cli.timeline import Mark, MarkKind, text_line
from reatrieve.cli.values import clock
from reatrieve.errors import InputError
from reatrieve.journal import Journal
from reatrieve.session.events import Answered, BudgetRaised, Proposed, SessionEvent, Undone, Verdict
from reatrieve.session.retriever import Analysis, Proposal, Retriever
from reatrieve.session.search import Over, Search
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionState
from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS, REST_ABOVE, probably_nothing_else

__all__ = ["Conversation"]

MORE = 10

PREVIEW_RATE_HZ = 44100
_WORDS: dict[str, Verdict] = {
    "y": "accept", "yes": "accept", "n": "reject", "no": "reject", "s": "skip", "skip": "skip",
}  # fmt: skip
_SAID = {"accept": "yes", "reject": "no", "skip": "skip"}
_STYLE = {"accept": "bold green", "reject": "red", "skip": "dim"}
_OVER = {
    "budget": "{rejections} rejections: the budget is spent",
    "exhausted": "nothing else is left",
    "finished": "the session was finished",
}
_HELP = (
    "y yes · n no · s skip · u undo · a [P] accept all at or above P · d ask what decides the rest · "
    "+ ten more rejections · q stop"
)


class Conversation:
    """One session in the terminal; every event is in the journal before it shows.

    Parameters
    ----------
    retriever, analysis : what searches, and what it knows of the sound.
    journal : Journal
        Of this session; its events so far are replayed.
    console : Console
        Where everything is printed.
    truth : Truth, optional
        Answers instead of a person.
    preview : Path, optional
        A folder that gets each candidate as a wav.

    Attributes
    ----------
    began : when the user asked (``time.perf_counter``), for ``first_candidate_s``.
    first_candidate_s : seconds from there to the first candidate; None before it.
    over : why nothing more was proposed; None while the session can go on.
    """

    def __init__(
        self,
        retriever: Retriever,
        analysis: Analysis,
        journal: Journal,
        console: Console,
        *,
        truth: Truth | None = None,
        preview: Path | None = None,
    ) -> None:
        self._search = Search(retriever, analysis, journal.events())
        self._journal = journal
        self._console = console
        self._preview = preview
        self._origin_s = journal.header.origin_s
        self._waited_ms: list[float] = []
        self._answered_at: float | None = None
        self._deciding = False
        self.truth = truth
        self.began = time.perf_counter()
        self.first_candidate_s: float | None = None
        self.over: str | None = None
        if truth:
            for one in self.state.candidates.values():  # a resumed session: what was found stays found
                truth.answer(one.proposed)

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._search.state

    @property
    def answer_ms_median(self) -> float | None:
        """Median milliseconds from an answer to the next candidate; None before the second candidate."""
        return statistics.median(self._waited_ms) if self._waited_ms else None

    def raise_budget(self, extra: int) -> None:
        """Allow more rejections."""
        self._take(BudgetRaised(extra))

    def hold(self, answers: TextIO) -> None:
        """Ask until the session is over, the user stops, or ``answers`` ends."""
        example = self.state.example
        self._say(f"{self.state.label}: like {self._when(example)}, {example.length_s:.3f} s long", "bold")
        go_on = True
        while go_on:
            if self._deciding and self.state.current is None:
                self._ask()
            open_before = self.state.current
            proposed = self._search.propose()
            if isinstance(proposed, Proposed):
                if open_before is None:
                    self._journal.append(proposed)
                self.over = None
                now = time.perf_counter()
                if self.first_candidate_s is None:
                    self.first_candidate_s = round(now - self.began, 4)
                if self._answered_at is not None:
                    self._waited_ms.append(1000.0 * (now - self._answered_at))
                self._write_preview(proposed)
                go_on = self._answer_by_truth(proposed) if self.truth else self._answer_by_person(proposed, answers)
            else:
                go_on = self._when_over(proposed, answers)

    def summarise(self, duration_s: float) -> None:
        """Print the track as a line of text, and the figures."""
        state = self.state
        kinds: dict[str, MarkKind] = {"accepted": "accepted", "rejected": "rejected", "skipped": "skipped"}
        marks = [Mark(state.example, "example")]
        marks += [Mark(one.span, kinds[one.state]) for one in state.candidates.values() if one.state in kinds]
        if self.truth:
            missed = set(range(len(self.truth.occurrences))) - self.truth.credited - {self.truth.example}
            marks += [Mark(self.truth.occurrences[index], "missed") for index in missed]
        self._say(text_line(marks, duration_s=duration_s))
        found = f"{state.accepted} accepted" if self.truth is None else self._found()
        median = "" if self.answer_ms_median is None else f", {self.answer_ms_median:.1f} ms from answer to next"
        self._say(f"{found}, {state.rejections} of {state.budget} rejections, {state.answers} answers{median}", "bold")
        self._say(f"journal: {self._journal.path}")

    def _answer_by_truth(self, proposed: Proposed) -> bool:
        assert self.truth is not None
        if sum(one.state != "rejected" for one in self.state.candidates.values()) > MAX_ACCEPTS_AND_SKIPS:
            self.over = "limit"
            return False
        verdict = self.truth.answer(proposed.span).verdict
        line = f"{self._line(proposed)}  {_SAID[verdict]:4}  {self._found()}"
        self._search.speculate()  # what a daemon does while a person listens
        self._take(Answered(proposed.number, verdict, proposed.span))
        self._say(f"{line}, {self.state.rejections} of {self.state.budget} rejections", _STYLE[verdict])
        return True

    def _answer_by_person(self, proposed: Proposed, answers: TextIO) -> bool:
        self._console.print(f"{self._line(proposed)}  y/n/s/u/q? ", end="")
        self._flush()
        self._search.speculate(deciding=self._deciding)
        return self._obey(self._read(answers), proposed, answers)

    def _obey(self, words: Sequence[str] | None, proposed: Proposed | None, answers: TextIO) -> bool:
        """Do what was typed; False: stop."""
        match [word.lower() for word in words] if words is not None else ["q"]:
            case ["q" | "quit"]:
                return False
            case ["u" | "undo"]:
                self._undo()
            case ["+"]:
                self.raise_budget(MORE)
                self._say(f"go on until {self.state.budget} rejections")
            case ["a" | "all", *rest] if len(rest) <= 1 and self.state.over is None:
                self._accept_rest(rest[0] if rest else str(REST_ABOVE), answers)
            case ["d" | "decide"] if self.state.over is None:
                self._deciding = True
                self._ask()
            case [word] if word in _WORDS and proposed is not None:
                self._take(Answered(proposed.number, _WORDS[word], proposed.span))
            case ["y" | "yes", start, end] if proposed is not None:
                self._accept_with_edges(proposed, start, end)
            case _:
                self._say(_HELP)
        return True

    def _ask(self) -> None:
        """Propose the place that tells most about the rest, unless that is clear."""
        if self.state.over is not None:
            return
        asked = self._search.decide()
        self._deciding = asked is not None
        if asked is not None:
            self._journal.append(asked)
        else:
            self._say("the rest is clear: a accepts it")

    def _accept_with_edges(self, proposed: Proposed, start: str, end: str) -> None:
        try:
            span = Span(float(start), float(end)).moved(-self._origin_s)
        except ValueError as error:  # InputError is one
            self._say(f"not taken: {error}", "red")
            return
        self._take(Answered(proposed.number, "accept", span))

    def _undo(self) -> None:
        answered = [number for number, one in self.state.candidates.items() if one.state != "candidate"]
        if not answered:
            self._say("there is no answer to take back")
            return
        self._take(Undone(max(answered)))

    def _accept_rest(self, text: str, answers: TextIO) -> None:
        try:
            share = float(text.rstrip("%")) / (100.0 if text.endswith("%") else 1.0)
            listed = self._search.rest(share)
        except ValueError as error:  # InputError is one
            self._say(f"not taken: {error}", "red")
            return
        if not listed:
            self._say(f"nothing stands at {share:.0%} or above")
            return
        for proposal in sorted(listed, key=lambda one: one.span):
            self._say(f"      {self._when(proposal.span)}  {_percent(proposal)}")
        self._console.print(f"accept these {len(listed)}? y/n ", end="")
        self._flush()
        if (self._read(answers) or ["n"])[0].lower() in ("y", "yes"):
            self._journal.append_all(self._search.accept_rest(share))
            self._deciding = False
            self._answered_at = time.perf_counter()

    def _when_over(self, over: Over, answers: TextIO) -> bool:
        self.over = over.reason
        self._say(_OVER[over.reason].format(rejections=self.state.rejections))
        if self.truth or (over.reason == "exhausted"):
            return False
        self._console.print("+ goes on for ten more, u takes the last answer back, q ends: ", end="")
        self._flush()
        return self._obey(self._read(answers), None, answers)

    def _take(self, event: SessionEvent) -> None:
        """Apply an event and journal it; an impossible one is told, and changes nothing."""
        try:
            self._search.apply(event)
        except InputError as error:
            self._say(f"not taken: {error}", "red")
            return
        self._journal.append(event)
        self._answered_at = time.perf_counter()

    def _read(self, answers: TextIO) -> list[str] | None:
        """The words of the next line; None at the end of input."""
        line = answers.readline()
        self._answered_at = None
        if not answers.isatty():
            self._say(line.rstrip("\r\n"))  # a pipe shows no echo
        return line.split() if line else None

    def _write_preview(self, proposed: Proposed) -> None:
        if self._preview is None:
            return
        self._preview.mkdir(parents=True, exist_ok=True)
        span = proposed.span.moved(self._origin_s)
        y = TrackAudio(self._journal.header.track_map).read(span.start_s, span.end_s, PREVIEW_RATE_HZ, mono=False)
        soundfile.write(self._preview / f"candidate-{proposed.number:03}.wav", y.T, PREVIEW_RATE_HZ, subtype="PCM_24")

    def _line(self, proposed: Proposed) -> str:
        done = probably_nothing_else(self.state.verdicts, proposed.remaining)
        more = "probably nothing else" if done else f"about {proposed.remaining:.0f} left"
        return f"{proposed.number:4}  {self._when(proposed.span)}  {_percent(proposed)}  {more:17}"

    def _found(self) -> str:
        return "" if self.truth is None else f"found {self.truth.found} of {self.truth.n_others}"

    def _when(self, span: Span) -> str:
        return f"{clock(span.start_s + self._origin_s)} - {clock(span.end_s + self._origin_s)}"

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style)

    def _flush(self) -> None:
        self._console.file.flush()


def _percent(one: Proposed | Proposal) -> str:
    return f"{one.probability:4.0%}"
