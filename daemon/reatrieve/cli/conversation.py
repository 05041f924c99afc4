"""The loop of ``reatrieve find`` and ``reatrieve demo``: a candidate comes, somebody answers, the next one comes.

Who answers (a person who types, or the known truth) and what searches (a journalled search in this process, or the
scripts in a simulated REAPER) are apart: each pair works.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO, runtime_checkable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from reatrieve.annotations.truth import Truth
from reatrieve.cli.listening import Listening
from reatrieve.cli.terminal import notes_are_shown
from reatrieve.cli.timeline import LEGEND, marks_of, text_line
from reatrieve.cli.values import clock, plural, seconds
from reatrieve.cli.waiting import notes_held
from reatrieve.errors import AudioError, InputError
from reatrieve.session.edges import EdgesError
from reatrieve.session.events import Verdict
from reatrieve.session.retriever import Proposal
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionCandidate, SessionState
from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS, REST_ABOVE, probably_nothing_else

__all__ = ["MORE", "Answerer", "Backend", "Conversation", "KnownAnswers", "Person", "TakesTheRest"]

MORE = 10
"""Rejections that ``+`` allows in addition."""

_VERDICTS: dict[str, Verdict] = {
    "y": "accept", "yes": "accept", "n": "reject", "no": "reject", "s": "skip", "skip": "skip",
}  # fmt: skip
_SAID: dict[Verdict, str] = {"accept": "yes", "reject": "no", "skip": "skip"}
_STYLE: dict[Verdict, str] = {"accept": "bold green", "reject": "red", "skip": "dim"}
_OVER = {
    "budget": "the rejections are used up: {rejections}",
    "exhausted": "nothing else is left",
    "finished": "this session was finished; find --new begins another",
}
_HELP = (
    ("y", "yes, that is the sound"),
    ("y START END", "yes, with these edges: y 7.9 0:08.4"),
    ("n", "no"),
    ("s", "skip: neither yes nor no"),
    ("u", "undo the last answer"),
    ("p", "play it, or write it as a wav"),
    ("a [P]", f"list all at or above P (80% or 0.8; else {REST_ABOVE:.0%})"),
    ("d", "ask what decides the rest"),
    ("+", f"allow {MORE} more rejections"),
    ("f", "finish the session"),
    ("q", "quit; find --resume goes on later"),
    ("?", "this help"),
)
_OF_THE_REST = ("a [P]", "d")
_AT_THE_END = ("u", "+", "f", "q", "?")
"""What can be typed where no candidate is open."""


class Backend(Protocol):
    """What searches, and keeps every answer."""

    @property
    def state(self) -> SessionState:
        """The session as it stands."""

    @property
    def origin_s(self) -> float:
        """Project time of second 0 of all spans."""

    @property
    def duration_s(self) -> float:
        """Length of the searched audio in seconds."""

    @property
    def answer_ms(self) -> Sequence[float]:
        """Milliseconds from each answer to what followed it."""

    @property
    def over(self) -> str | None:
        """Why nothing is proposed: ``budget``, ``exhausted``, ``finished``; None while there is a candidate."""

    def candidate(self) -> SessionCandidate | None:
        """The open candidate, proposed now if need be; None: the session is over."""

    def look_ahead(self, *, deciding: bool) -> None:
        """Use the time in which somebody listens."""

    def answer(self, verdict: Verdict, span: Span) -> None:
        """Answer the open candidate, with these edges; raises ``InputError`` and changes nothing if that cannot be."""

    def undo(self) -> None:
        """Take the last answer back; raises ``InputError`` if there is none."""

    def go_on(self) -> None:
        """Allow ``MORE`` more rejections."""

    def finish(self) -> None:
        """End the session; what is accepted stays."""


@runtime_checkable
class TakesTheRest(Protocol):
    """A backend that can also accept everything that is probable enough."""

    def rest(self, above: float) -> list[Proposal]:
        """What would be accepted; raises ``InputError`` if ``above`` is no probability."""

    def accept_rest(self, above: float) -> None:
        """Accept it."""

    def decide(self) -> bool:
        """Ask about the place that tells most about the rest; False: it is clear."""


class Answerer(Protocol):
    """Who answers."""

    def meet(self, conversation: Conversation, candidate: SessionCandidate) -> bool:
        """Answer a candidate; False ends the conversation."""

    def meet_the_end(self, conversation: Conversation) -> bool:
        """Say what to do when nothing is proposed any more; False ends the conversation."""


class Conversation:
    """One session in the terminal.

    Parameters
    ----------
    backend : what searches.
    answerer : who answers.
    console : where everything is printed.
    listening : plays candidates, or writes them.
    truth : what is known of the sound, for the marks and the figures.
    write_all : write each candidate as a wav when it comes.

    Attributes
    ----------
    over : why nothing more was proposed; None while the session can go on.
    unwritten : whether some candidate could not be written as a wav.
    """

    def __init__(
        self,
        backend: Backend,
        answerer: Answerer,
        console: Console,
        *,
        listening: Listening,
        truth: Truth | None = None,
        write_all: bool = False,
    ) -> None:
        self.backend = backend
        self.console = console
        self.truth = truth
        self.listening = listening
        self._write_all = write_all
        self.unwritten = False
        self.over: str | None = None
        self.deciding = False
        self._answerer = answerer

    @property
    def answer_ms_median(self) -> float | None:
        """Median milliseconds from an answer to what followed; None before that."""
        return statistics.median(self.backend.answer_ms) if self.backend.answer_ms else None

    def hold(self) -> None:
        """Go on until the session is over or the answerer stops."""
        state = self.backend.state
        self.say(f"{state.label}: like {self.when(state.example)}, {state.example.length_s:.3f} s long", "bold")
        with self._timeline() as show:
            go_on = True
            while go_on:
                if self.deciding and self.backend.state.current is None:
                    self.decide()
                candidate = self.backend.candidate()
                if candidate is not None:
                    self.over = None
                    if self._write_all:
                        self.listen(candidate, play=False)
                    go_on = self._answerer.meet(self, candidate)
                else:
                    self.over = self.backend.over
                    rejections = plural(self.backend.state.rejections, "rejection")
                    self.say(_OVER[self.over or "exhausted"].format(rejections=rejections))
                    go_on = self._answerer.meet_the_end(self)
                show()

    def decide(self) -> None:
        """Ask what decides the rest, now and after each answer until it is clear; then say so."""
        if isinstance(self.backend, TakesTheRest) and self.backend.state.over is None:
            self.deciding = self.backend.decide()
            if not self.deciding:
                self.say("it is clear now which places are the sound: a lists the rest and accepts it")

    def summarise(self) -> None:
        """Print the track as a line of text, and the figures."""
        state = self.backend.state
        self.say("")
        self.say(self._line_of_marks(show_missed=True))
        self.say(LEGEND, "dim")
        found = f"the example and {state.accepted} accepted" if self.truth is None else self.found()
        self.say(
            f"{found}; {state.rejections} of {plural(state.budget, 'rejection')}, {plural(state.answers, 'answer')}",
            "bold",
        )

    def listen(self, candidate: SessionCandidate, *, play: bool) -> None:
        """Play a candidate, or write it; what cannot be is told, for it is no reason to lose the session."""
        span = candidate.proposed.moved(self.backend.origin_s)
        try:
            told = self.listening.play(candidate.number, span) if play else ""
            if not play:
                self.listening.write(candidate.number, span)
        except AudioError as error:
            told = str(error)
            self.unwritten |= not play
        for line in told.splitlines():
            self.say(line)

    def found(self) -> str:
        """How much of what is known was found."""
        return "" if self.truth is None else f"found {self.truth.found} of {self.truth.n_others}"

    def line(self, candidate: SessionCandidate) -> str:
        """A candidate in one line, without what is asked."""
        return f"{candidate.number:3}  {self.when(candidate.proposed)}  {_percent(candidate.probability)}"

    def when(self, span: Span) -> str:
        """A span by the clock, in project time."""
        return f"{clock(span.start_s + self.backend.origin_s)} - {clock(span.end_s + self.backend.origin_s)}"

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line."""
        self.console.print(text, style=style)

    @contextmanager
    def _timeline(self) -> Iterator[Callable[[], None]]:
        """A timeline that stands below the answers as they come; only on a terminal, and where nobody types."""
        if not self.console.is_terminal or isinstance(self._answerer, Person):
            yield lambda: None
            return
        shown = notes_are_shown()
        with Live(console=self.console, auto_refresh=False, transient=True, redirect_stderr=shown) as live:

            def show() -> None:
                live.update(Text(self._line_of_marks(show_missed=False), no_wrap=True), refresh=True)

            show()
            yield show

    def _line_of_marks(self, *, show_missed: bool) -> str:
        marks = marks_of(self.backend.state, self.truth if show_missed else None)
        return text_line(marks, duration_s=self.backend.duration_s, width=min(72, self.console.width - 1))


class KnownAnswers:
    """Answers from the truth, as a user who knows it.

    Parameters
    ----------
    truth : Truth
    until_found : bool
        Stop once all is found, instead of going on until the budget is spent.
    """

    def __init__(self, truth: Truth, *, until_found: bool = False) -> None:
        self._truth = truth
        self._until_found = until_found

    def meet(self, conversation: Conversation, candidate: SessionCandidate) -> bool:
        """Answer as the annotations say."""
        backend = conversation.backend
        if sum(one.state != "rejected" for one in backend.state.candidates.values()) > MAX_ACCEPTS_AND_SKIPS:
            conversation.over = "limit"
            return False
        verdict = self._truth.answer(candidate.proposed).verdict
        line = f"{conversation.line(candidate)}  {_SAID[verdict]:4}  {conversation.found()}"
        backend.look_ahead(deciding=False)  # what a daemon does while a person listens
        backend.answer(verdict, candidate.proposed)
        conversation.say(f"{line}, {backend.state.rejections} no", _STYLE[verdict])
        if self._until_found and self._truth.n_others and self._truth.found == self._truth.n_others:
            conversation.say("all found")
            conversation.over = "found"
            return False
        return True

    def meet_the_end(self, conversation: Conversation) -> bool:
        """Over is over."""
        return conversation.over is None


class Person:
    """Answers by what is typed, a line each.

    Parameters
    ----------
    lines : what is typed; its end is ``q``.

    Attributes
    ----------
    has_typed : whether a line has come so far.
    """

    def __init__(self, lines: TextIO) -> None:
        self.has_typed = False
        self._lines = lines

    def meet(self, conversation: Conversation, candidate: SessionCandidate) -> bool:
        """Ask for one answer."""
        state = conversation.backend.state
        done = probably_nothing_else(state.verdicts, candidate.remaining)
        more = "probably no more" if done else f"about {candidate.remaining:.0f} left"
        parts = [conversation.line(candidate), f"{more:16}", "y/n/s/? "]
        if sum(map(len, parts)) + 2 * len(parts) > conversation.console.width:
            del parts[1]
        with notes_held():
            self._prompt(conversation, "  ".join(parts))
            conversation.backend.look_ahead(deciding=conversation.deciding)
            words = self.read(conversation)
        conversation.listening.stop()
        return self._obey(conversation, words, candidate)

    def meet_the_end(self, conversation: Conversation) -> bool:
        """Ask whether that is to be the end."""
        more = {"exhausted": "", "finished": "+ goes on, "}.get(conversation.over or "", f"+ allows {MORE} more, ")
        undo = "u takes the last answer back, " if _has_answers(conversation) else ""
        words = self._asked(conversation, f"{more}{undo}q ends: ")
        return self._obey(conversation, words, None)

    def read(self, conversation: Conversation) -> list[str]:
        """The words of the next line, in lower case; ``q`` at the end of input."""
        line = self._lines.readline()
        self.has_typed |= bool(line)
        if not self._lines.isatty():
            conversation.say(line.rstrip("\r\n"))  # a pipe shows no echo
        return line.lower().split() if line else ["q"]

    def _asked(self, conversation: Conversation, text: str) -> list[str]:
        """What is typed behind a question."""
        with notes_held():
            self._prompt(conversation, text)
            return self.read(conversation)

    def _prompt(self, conversation: Conversation, text: str) -> None:
        conversation.console.print(text, end="")
        conversation.console.file.flush()

    def _obey(self, conversation: Conversation, words: Sequence[str], candidate: SessionCandidate | None) -> bool:
        """Do what was typed; False: stop. What cannot be done is told, and changes nothing."""
        backend = conversation.backend
        try:
            match [*words]:
                case ["q" | "quit"]:
                    return False
                case ["f" | "finish"]:
                    backend.finish()
                    conversation.over = "finished"
                    conversation.say("finished; what is accepted stays")
                    return False
                case ["u" | "undo"]:
                    backend.undo()
                case ["+"] if conversation.over != "exhausted":
                    backend.go_on()
                    conversation.say(f"go on until {backend.state.budget} rejections")
                case ["?" | "h" | "help"]:
                    self._help(conversation, candidate is not None)
                case ["p" | "play"] if candidate is not None:
                    conversation.listen(candidate, play=True)
                case ["a" | "all", *rest] if len(rest) <= 1 and candidate is not None:
                    self._accept_rest(conversation, rest[0] if rest else str(REST_ABOVE))
                case ["d" | "decide"] if candidate is not None and isinstance(backend, TakesTheRest):
                    conversation.say("asking what decides the rest, until it is clear which places are the sound")
                    conversation.deciding = True
                    conversation.decide()
                case [word] if word in _VERDICTS and candidate is not None:
                    backend.answer(_VERDICTS[word], candidate.proposed)
                case ["y" | "yes", *times] if candidate is not None:
                    backend.answer("accept", _edges(times).moved(-backend.origin_s))
                case []:
                    end = "u or q" if _has_answers(conversation) else "q"
                    conversation.say(f"type {end if candidate is None else 'y, n or s'}, then Enter; ? shows all")
                case _:
                    conversation.say(f"{' '.join(words)!r} is no answer here; ? shows all")
        except InputError as error:
            conversation.say(f"not taken: {error}", "red")
            if isinstance(error, EdgesError) and candidate is not None:
                conversation.say(f"proposed: {conversation.when(candidate.proposed)}")
        return True

    def _help(self, conversation: Conversation, asked: bool) -> None:
        """What can be typed now."""
        with_rest = isinstance(conversation.backend, TakesTheRest)
        for typed, meaning in _HELP:
            if (not asked and typed not in _AT_THE_END) or (typed == "+" and conversation.over == "exhausted"):
                continue
            if typed == "u" and not asked and not _has_answers(conversation):
                continue
            if with_rest or typed not in _OF_THE_REST:
                conversation.say(f"  {typed:11}  {meaning}")

    def _accept_rest(self, conversation: Conversation, text: str) -> None:
        backend = conversation.backend
        if not isinstance(backend, TakesTheRest):
            raise InputError("accepting the rest is an action of its own in REAPER; here answer one by one")
        share = _share(text)
        listed = backend.rest(share)
        if not listed:
            conversation.say(f"nothing stands at {share:.0%} or above")
            return
        for proposal in sorted(listed, key=lambda one: one.span):
            conversation.say(f"     {conversation.when(proposal.span)}  {_percent(proposal.probability)}")
        these = "this one" if len(listed) == 1 else f"these {len(listed)}"
        if self._asked(conversation, f"accept {these}? y/n ")[:1] in (["y"], ["yes"]):
            backend.accept_rest(share)
            conversation.deciding = False


def _has_answers(conversation: Conversation) -> bool:
    return any(one.state != "candidate" for one in conversation.backend.state.candidates.values())


def _edges(times: Sequence[str]) -> Span:
    try:
        read = [seconds(one) for one in times]
        if len(read) == 2:
            return Span(*read)
    except (argparse.ArgumentTypeError, InputError) as error:
        raise InputError(str(error)) from error
    raise InputError("y wants no time, or a start and an end: y 7.9 0:08.4")


def _share(text: str) -> float:
    try:
        share = float(text.rstrip("%").replace(",", ".")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise InputError(f"{text!r} is no probability; write 80% or 0.8")
    return share


def _percent(probability: float) -> str:
    return f"{probability:4.0%}"
