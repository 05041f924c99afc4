"""The loop as a user at the keyboard goes through it: run an action, look at the regions, answer."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reatrieve.demo.service_process import ServiceProcess
from reatrieve.errors import JournalError, ReatrieveError
from reatrieve.headless import Project, Reaper, Region
from reatrieve.journal import JournalFolder, read_journal
from reatrieve.session.events import Verdict
from reatrieve.session.state import SessionCandidate, fold

__all__ = ["CARRIERS", "FIND", "LUA_VERSIONS", "VERBS", "Loop", "Shown"]

CARRIERS = {"udp": "python", "spool": "none"}
"""Carrier to the host's sockets: stock REAPER has none, so its scripts use the spool folder."""

LUA_VERSIONS = {"5.3": "6.83", "5.4": "7.72"}
"""Lua to the REAPER that embeds it."""

VERBS: dict[Verdict, str] = {"accept": "Accept candidate", "reject": "Reject candidate", "skip": "Skip candidate"}
FIND = "Find sounds like the time selection"
CANDIDATE_PREFIX = "? "
OVER_TEXTS = {"budget": "the rejections are used up", "exhausted": "nothing is left"}
PERCENT = re.compile(r"(\d+) ?%$")
FIND_TIMEOUT_S = 600.0
REFUSED_S = 15.0
"""A status line that has stood this long and shows no progress is a refusal."""
ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A candidate on screen.

    Attributes
    ----------
    region : its region as it stands.
    candidate : the daemon's proposal as journalled (score, probability, remaining).
    """

    region: Region
    candidate: SessionCandidate


class Loop:
    """One REAPER, one daemon process, one track; a context manager.

    Parameters
    ----------
    home : what daemon and scripts share; everything they keep is inside.
    carrier : ``udp`` or ``spool``.
    lua : ``5.3`` or ``5.4``.
    theme : ``dark`` or ``light``, REAPER's colours.
    """

    def __init__(self, home: Path, *, carrier: str = "udp", lua: str = "5.4", theme: str = "dark") -> None:
        self.home = home
        self.daemon = ServiceProcess(home / "daemon")
        self.journals = JournalFolder(home / "daemon" / "journals")
        self._options = {"version": LUA_VERSIONS[lua], "lua": lua, "sockets": CARRIERS[carrier], "theme": theme}
        self._stack = contextlib.ExitStack()
        self._session = ""
        self.reaper: Reaper

    def __enter__(self) -> Loop:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.daemon)
            environment = {"REATRIEVE_HOME": str(self.daemon.home)}
            self.reaper = stack.enter_context(
                Reaper(home=self.home / "reaper", environment=environment, **self._options)  # type: ignore[arg-type]
            )
            self.reaper.set_ext_state("ReaTrieve", "audition", "no", persist=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def project(self) -> Project:
        """The project of the active tab."""
        return self.reaper.project

    def insert(self, path: Path, *, length_s: float | None = None) -> None:
        """Put a sound file (or its first ``length_s`` seconds) on a new track; REAPER reads it for its peaks then, so
        nobody waits for that later."""
        source = self.project.add_track("Music").add_item(path, length_s=length_s).source
        if source is not None:
            source.read(0.0, 1, source.rate_hz)

    @property
    def candidate(self) -> Region | None:
        """The candidate's region, if one waits for an answer."""
        return next((region for region in self.project.regions if region.name.startswith(CANDIDATE_PREFIX)), None)

    @property
    def over(self) -> str | None:
        """Why nothing is proposed: ``budget``, ``exhausted`` or None."""
        if self.candidate is not None:
            return None
        line = self.reaper.status.help_line
        return next((reason for reason, text in OVER_TEXTS.items() if text in line), None)

    @property
    def journal(self) -> Path:
        """The session's journal."""
        return self.journals.path(self._session)

    def find(self, start_s: float, end_s: float, *, progress: Callable[[float], None] | None = None) -> float:
        """Mark the example, run Find, and wait for the first candidate (or for being told that there is none).

        Parameters
        ----------
        start_s, end_s : project seconds.
        progress : told the share done, 0..1, as the scripts show it.

        Returns
        -------
        float
            Seconds from the key to the candidate's region.

        Raises
        ------
        ReatrieveError
            If the scripts refuse; the text is their status line.
        """
        known = set(self.journals.folder.glob("*")) if self.journals.folder.is_dir() else set()
        self.project.select_time(start_s, end_s)
        start = time.perf_counter()
        regions = len(self.project.regions)
        said, since_s = "", start

        def ready() -> bool:
            nonlocal said, since_s
            line, now_s = self.reaper.status.help_line, time.perf_counter()
            if line != said:
                said, since_s = line, now_s
                if progress is not None and (percent := PERCENT.search(line)):
                    progress(int(percent[1]) / 100.0)
            elif now_s - since_s > REFUSED_S and not line.endswith("%"):
                raise TimeoutError
            return len(self.project.regions) > regions and bool(self.candidate or self.over)

        self.reaper.run(FIND)
        try:
            self.reaper.until(ready, timeout_s=FIND_TIMEOUT_S)
        except TimeoutError:
            raise ReatrieveError(f"no candidate came up; REAPER says: {self.reaper.status.help_line}") from None
        elapsed = time.perf_counter() - start
        for stored in set(self.journals.folder.glob("*")) - known:
            with contextlib.suppress(JournalError, OSError):
                self._session = read_journal(stored)[0].session
        return elapsed

    def shown(self) -> Shown | None:
        """The candidate with its figures; None when the session is over."""
        region = self.candidate
        if region is None:
            return None
        # the script shows it in the tick of the answer, before the daemon has written it down
        candidate = self.reaper.until(lambda: self._proposed(region), timeout_s=ANSWER_TIMEOUT_S)
        assert candidate is not None  # until() gives back what is true
        return Shown(region, candidate)

    def answer(self, verdict: Verdict) -> float:
        """Press the key and wait until the next candidate's region stands (or the session is over); milliseconds."""
        region = self.candidate
        start = time.perf_counter()
        self.reaper.run(VERBS[verdict])
        self.reaper.until(
            lambda: self.over or (self.candidate is not None and self.candidate != region), timeout_s=ANSWER_TIMEOUT_S
        )
        return 1000.0 * (time.perf_counter() - start)

    def go_on(self) -> None:
        """Allow more rejections and wait for the next candidate, if one is left."""
        self.reaper.run("Continue (+10)")
        self.reaper.until(lambda: self.candidate or self.over == "exhausted", timeout_s=ANSWER_TIMEOUT_S)

    def undo(self) -> None:
        """Take the last answer back; its candidate waits again."""
        before = self.project.regions
        self.reaper.run("Undo last answer")
        with contextlib.suppress(TimeoutError):  # nothing to undo: the scripts say so
            self.reaper.until(lambda: self.project.regions != before, timeout_s=2.0)
        self.settle()

    def settle(self, ticks: int = 6) -> None:
        """Let everything in flight arrive."""
        self.reaper.tick(ticks)

    def _proposed(self, region: Region) -> SessionCandidate | None:
        """The journal's open candidate, once it is the one that the region shows."""
        header, lines = read_journal(self.journal)
        state = fold(line.event for line in lines)
        one = state.candidates[state.current] if state.current is not None else None
        if one is None or abs(one.proposed.start_s + header.origin_s - region.start_s) > 1e-6:
            return None
        return one
