"""Sessions that searched the same place before: somebody who marks it again may want to go on with one."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from reatrieve.cli.values import plural
from reatrieve.errors import InputError, JournalError
from reatrieve.journal import Header, read_journal
from reatrieve.session.spans import Span, are_one_place
from reatrieve.session.state import SessionState, fold

__all__ = ["EarlierSession", "EarlierSessions"]

_NUMBERED = re.compile(r"Sound \d+")

MOST_LOOKED_AT = 200
"""Journals, the latest first."""


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """A session of the same place, and when its last event was (seconds since 1970)."""

    path: Path
    header: Header
    state: SessionState
    time_s: float

    @property
    def about(self) -> str:
        """What it is, for somebody who decides whether to go on with it."""
        when = datetime.fromtimestamp(self.time_s).strftime("%Y-%m-%d %H:%M")
        finished = ", finished" if self.state.finished else ""
        answers = plural(self.state.answers, "answer")
        return f"{self.state.label!r}, {when}, {self.state.accepted} accepted of {answers}{finished}"


class EarlierSessions:
    """Sessions over one file; their journals are read once, when the first question comes.

    Parameters
    ----------
    audio : the sound file.
    example : seconds in it; the same place overlaps it by half of the shorter one.
    folders : where journals are.
    """

    def __init__(self, audio: Path, example: Span, folders: Iterable[Path]) -> None:
        self._audio = audio
        self._example = example
        self._folders = folders

    def latest_answered(self) -> EarlierSession | None:
        """The latest one whose example is the same place; None: there is none with an answer."""
        return next((session for session, same in self._found if same and session.state.answers), None)

    def free_label(self) -> str:
        """A name for a sound that got none: that of an earlier session of the same place, else one that no other sound
        of this file has: ``Sound 1``, ``Sound 2``."""
        labels = [session.state.label for session, same in self._found if same]
        kept = next(filter(_NUMBERED.fullmatch, labels), None)
        taken = {session.state.label for session, _ in self._found}
        return kept or next(name for name in map("Sound {}".format, itertools.count(1)) if name not in taken)

    @cached_property
    def _found(self) -> list[tuple[EarlierSession, bool]]:
        """The latest first, and whether each one's example is the same place."""
        found = []
        for path in _latest(self._folders):
            with contextlib.suppress(JournalError, InputError, OSError, UnicodeEncodeError):
                header, lines = read_journal(path)
                if len(header.track_map.items) == 1 and _same(header.track_map.items[0].path, self._audio):
                    state = fold(line.event for line in lines)
                    same = are_one_place(state.example.moved(header.origin_s), self._example)
                    found.append((EarlierSession(path, header, state, lines[-1].time_s), same))
        return found


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
