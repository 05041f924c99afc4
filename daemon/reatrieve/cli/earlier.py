"""Sessions that searched the same place before: somebody who marks it again may want to go on with one."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reatrieve.cli.values import plural
from reatrieve.errors import InputError, JournalError
from reatrieve.journal import read_journal
from reatrieve.session.spans import Span, are_one_place
from reatrieve.session.state import SessionState, fold

__all__ = ["EarlierSession", "earlier_session", "free_label"]

_NUMBERED = re.compile(r"Sound \d+")

MOST_LOOKED_AT = 200
"""Journals, the latest first."""


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """A session of the same place, and when its last event was (seconds since 1970)."""

    path: Path
    state: SessionState
    time_s: float

    @property
    def about(self) -> str:
        """What it is, for somebody who decides whether to go on with it."""
        when = datetime.fromtimestamp(self.time_s).strftime("%Y-%m-%d %H:%M")
        return f"{self.state.label!r}, {when}, {self.state.accepted} accepted of {plural(self.state.answers, 'answer')}"


def earlier_session(audio: Path, example: Span, folders: Iterable[Path]) -> EarlierSession | None:
    """The latest session over this one file whose example is the same place; None: there is none with an answer.

    Parameters
    ----------
    audio : the sound file.
    example : seconds in it; the same place overlaps it by half of the shorter one.
    folders : where journals are.
    """
    for session, of_place in _sessions(audio, example, folders):
        if session.state.answers and of_place:
            return session
    return None


def free_label(audio: Path, example: Span, folders: Iterable[Path]) -> str:
    """A name for a sound that got none: that of an earlier session of the same place, else one that no other sound of
    this file has: ``Sound 1``, ``Sound 2``."""
    taken = set()
    for session, of_place in _sessions(audio, example, folders):
        if of_place and _NUMBERED.fullmatch(session.state.label):
            return session.state.label
        if session.state.answers:
            taken.add(session.state.label)
    return next(name for name in (f"Sound {number}" for number in itertools.count(1)) if name not in taken)


def _sessions(audio: Path, example: Span, folders: Iterable[Path]) -> Iterator[tuple[EarlierSession, bool]]:
    """Sessions over this one file, the latest first, and whether each one's example is the same place."""
    for path in _latest(folders):
        with contextlib.suppress(JournalError, InputError, OSError):
            header, lines = read_journal(path)
            if len(header.track_map.items) == 1 and _same(header.track_map.items[0].path, audio):
                state = fold(line.event for line in lines)
                of_place = are_one_place(state.example.moved(header.origin_s), example)
                yield EarlierSession(path, state, lines[-1].time_s), of_place


def _latest(folders: Iterable[Path]) -> list[Path]:
    found = dict(entry for folder in dict.fromkeys(folders) for entry in _journals(folder))
    return sorted(found, key=lambda path: -found[path])[:MOST_LOOKED_AT]


def _journals(folder: Path) -> Iterator[tuple[Path, float]]:
    with contextlib.suppress(OSError):
        for path in folder.glob("*.jsonl"):
            with contextlib.suppress(OSError):
                yield path, path.stat().st_mtime


def _same(path: Path, audio: Path) -> bool:
    return os.path.normcase(os.path.realpath(path)) == os.path.normcase(os.path.realpath(audio))
