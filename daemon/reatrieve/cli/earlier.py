"""Sessions that searched the same place before: somebody who marks it again may want to go on with one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reatrieve.errors import InputError, JournalError
from reatrieve.journal import read_journal
from reatrieve.session.spans import Span, are_one_place
from reatrieve.session.state import SessionState, fold

__all__ = ["EarlierSession", "earlier_session"]

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
        return f"{self.state.label!r}, {when}, {self.state.accepted} accepted of {self.state.answers}"


def earlier_session(audio: Path, example: Span, folders: Iterable[Path]) -> EarlierSession | None:
    """The latest session over this one file whose example is the same place; None: there is none with an answer.

    Parameters
    ----------
    audio : the sound file.
    example : seconds in it; the same place overlaps it by half of the shorter one.
    folders : where journals are.
    """
    for path in _latest(folders):
        with contextlib.suppress(JournalError, InputError, OSError):
            header, lines = read_journal(path)
            if len(header.track_map.items) != 1 or not _same(header.track_map.items[0].path, audio):
                continue
            state = fold(line.event for line in lines)
            if state.answers and are_one_place(state.example.moved(header.origin_s), example):
                return EarlierSession(path, state, lines[-1].time_s)
    return None


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
