"""Session journals: append-only JSON lines, on disk before anybody is told.

The first line says what was searched, every further line is one event of the session with the time and the ``op`` of
the command that made it. State is what ``reatrieve.session.state.fold`` makes of the events. A line torn by a
crash is dropped; no line is ever changed, but for the header's project path when the project is saved elsewhere
(then the file is replaced whole).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import InputError, JournalError
from reatrieve.filelock import try_lock
from reatrieve.session import events as kinds
from reatrieve.session.events import Event
from reatrieve.session.spans import Span
from reatrieve.session.state import fold

__all__ = ["Header", "Journal", "JournalFolder", "Line", "Stored", "copies_folder", "read_journal"]

VERSION = 1
SUFFIX = ".journal.jsonl"
DISCARDED = "discarded"
_SAFE = re.compile(r"[0-9A-Za-z-]{1,64}\Z")
_KINDS: Mapping[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in (
        kinds.Started, kinds.Proposed, kinds.Answered, kinds.Undone, kinds.Retracted, kinds.Revised,
        kinds.BudgetRaised, kinds.Renamed, kinds.Finished,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What a session searches.

    Attributes
    ----------
    session : its id.
    track_map : what was heard; its ``origin_s`` is the project time of second 0 of all spans in the events.
    project : path of the project file, or "" while it was never saved.
    track : GUID of the track in REAPER, or "".
    tempo : tempo map as sent, one mapping an entry (time_s, bpm, numerator, denominator, fullbeats, measure).
    created_s : wall time, seconds since 1970.
    """

    session: str
    track_map: TrackMap
    project: str = ""
    track: str = ""
    tempo: tuple[Mapping[str, float], ...] = ()
    created_s: float = field(default_factory=time.time)

    @property
    def origin_s(self) -> float:
        """Project time of second 0 of the searched audio."""
        return self.track_map.origin_s


@dataclass(frozen=True, slots=True)
class Line:
    """One event as journalled: when (wall time, seconds since 1970) and by which command (``op``, "" for none)."""

    event: Event
    op: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Stored:
    """What a list of sessions shows of one."""

    path: Path
    header: Header
    label: str
    answers: int
    accepted: int
    finished: bool
    modified_s: float

    @property
    def modified(self) -> str:
        """Time of the last event, ISO 8601 in UTC."""
        return (
            datetime.fromtimestamp(self.modified_s, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        )


class Journal:
    """One session's journal, open for appending by this process alone; made by ``create`` and ``open``."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now
        self._file: BinaryIO = _open_alone(path)
        try:
            self.header, self._lines, self._length = _parse(path, self._file.read())
            self._file.truncate(self._length)  # a torn last line goes
            self._file.seek(self._length)
        except BaseException:
            self._file.close()
            raise

    @classmethod
    def create(
        cls, path: Path, header: Header, *, events: Iterable[Event] = (), now: Callable[[], float] = time.time
    ) -> Journal:
        """Begin a journal, with its first ``events`` at once; it appears whole or not at all.

        Raises
        ------
        JournalError
            If there is one at ``path`` already or it cannot be written.
        """
        if path.exists():
            raise JournalError(f"{path} exists; a session's journal is begun once")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, _whole(header, [Line(event, "", now()) for event in events]))
        except OSError as exc:
            raise JournalError(f"the journal {path} cannot be written: {exc}") from exc
        return cls(path, now=now)

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], float] = time.time) -> Journal:
        """Open a journal to go on with it.

        Raises
        ------
        JournalError
            If there is none, another process writes it, it is of a newer version, or a line (not the last) is damaged.
        """
        return cls(path, now=now)

    @property
    def lines(self) -> Sequence[Line]:
        """All events so far with times and ops, the oldest first."""
        return tuple(self._lines)

    @property
    def ops(self) -> frozenset[str]:
        """Every ``op`` that this journal holds: a command that comes again with one of these changes nothing."""
        return frozenset(line.op for line in self._lines if line.op)

    def events(self) -> list[Event]:
        """All events so far, the oldest first: what ``fold`` and ``Search`` take."""
        return [line.event for line in self._lines]

    def append(self, event: Event, *, op: str = "") -> None:
        """Write one event; on disk when this returns."""
        self.append_all([event], op=op)

    def append_all(self, events: Iterable[Event], *, op: str = "") -> None:
        """Write several events of one command, all or none; on disk when this returns.

        Raises
        ------
        JournalError
            If the disk does not take them; the journal is as it was.
        """
        added = [Line(event, op, self._now()) for event in events]
        text = b"".join(_event_line(line) for line in added)
        try:
            self._file.write(text)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as exc:
            with contextlib.suppress(OSError):
                self._file.truncate(self._length)
                self._file.seek(self._length)
            raise JournalError(f"the answer cannot be kept: {self.path} is not writable ({exc})") from exc
        self._length += len(text)
        self._lines += added

    def move_to(self, project: str) -> None:
        """The project lies at this path from now on: the header says so, the events stay."""
        self.header = dataclasses.replace(self.header, project=project)
        self._file.close()  # Windows replaces no open file
        try:
            _write_whole(self.path, _whole(self.header, self._lines))
        except OSError as exc:
            raise JournalError(f"the journal {self.path} cannot be written: {exc}") from exc
        finally:
            self._file = _open_alone(self.path)
            self.header, self._lines, self._length = _parse(self.path, self._file.read())

    def copy_to(self, folder: Path) -> Path:
        """Put a copy into ``folder``, named by label and session; earlier copies of this session there go away."""
        label = fold(self.events()).label if self._lines else ""
        name = re.sub(r"[^\w .+-]", "_", label).strip(" .")[:60] or "sound"
        target = folder / f"{name}-{_file_stem(self.header.session)}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_whole(target, _whole(self.header, self._lines))
            for other in folder.glob(f"*-{_file_stem(self.header.session)}{SUFFIX}"):
                if other != target:
                    other.unlink(missing_ok=True)
        except OSError as exc:
            raise JournalError(f"the journal's copy {target} cannot be written: {exc}") from exc
        return target

    def close(self) -> None:
        """Let others write it."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> tuple[Header, list[Line]]:
    """Header and events of a journal, without writing or locking it; raises ``JournalError`` as ``Journal.open``
    does."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise JournalError(f"the journal {path} cannot be read: {exc}") from exc
    header, lines, _ = _parse(path, raw)
    return header, lines


class JournalFolder:
    """All journals of one user; discarded ones lie in the folder ``discarded``, never listed."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now

    def path(self, session: str) -> Path:
        """Where the journal of a session lies, or would."""
        return self.folder / f"{_file_stem(session)}{SUFFIX}"

    def holds(self, session: str) -> bool:
        """Whether there is a journal of this session that was not discarded."""
        return self.path(session).exists()

    def was_discarded(self, session: str) -> bool:
        """Whether the journal of this session was set aside."""
        return (self.folder / DISCARDED / self.path(session).name).exists()

    def create(self, header: Header, *, events: Iterable[Event] = ()) -> Journal:
        """Begin the journal of a new session, with its first ``events`` at once."""
        return Journal.create(self.path(header.session), header, events=events, now=self._now)

    def open(self, session: str) -> Journal:
        """Open the journal of a session to go on with it."""
        return Journal.open(self.path(session), now=self._now)

    def of_project(self, project: str) -> list[Stored]:
        """Every session of the project at this path, the latest first; copies beside it that are unknown here are
        taken in.

        A project that was never saved ("") has none.
        """
        if not project:
            return []
        self._take_in(project)
        found: list[Stored] = []
        for path in self._journals():
            with contextlib.suppress(JournalError, InputError):  # a damaged one fails when it is resumed by name
                if _same_path(_read_header(path).project, project):
                    found.append(_stored(path))
        return sorted(found, key=lambda stored: -stored.modified_s)

    def sources(self) -> set[Path]:
        """Every sound file that some session needs to go on."""
        needed: set[Path] = set()
        for path in self._journals():
            with contextlib.suppress(JournalError):
                needed.update(_read_header(path).track_map.paths)
        return needed

    def discard(self, session: str) -> None:
        """Set the journal of a session aside; it is never listed again."""
        self._set_aside(self.path(session), self.folder / DISCARDED)

    def remove(self, session: str) -> None:
        """Delete the journal of a session that never came to a candidate."""
        self.path(session).unlink(missing_ok=True)

    def _journals(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            yield from sorted(path for path in self.folder.iterdir() if path.name.endswith(SUFFIX))

    def _set_aside(self, path: Path, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.replace(folder / path.name)
        except OSError as exc:
            raise JournalError(f"the journal {path} cannot be set aside: {exc}") from exc

    def _take_in(self, project: str) -> None:
        beside = copies_folder(project)
        if not beside.is_dir():
            return
        for copy in sorted(beside.glob(f"*{SUFFIX}")):
            with contextlib.suppress(JournalError, OSError):
                header, lines = read_journal(copy)
                here = self.path(header.session)
                if not here.exists() and not self.was_discarded(header.session):
                    self.folder.mkdir(parents=True, exist_ok=True)
                    _write_whole(here, _whole(dataclasses.replace(header, project=project), lines))


def copies_folder(project: str) -> Path:
    """The folder beside a project file that holds the copies of its journals."""
    path = Path(project)
    return path.with_name(f"{path.stem}.reatrieve")


def _stored(path: Path) -> Stored:
    header, lines = read_journal(path)
    state = fold(line.event for line in lines)
    return Stored(path, header, state.label, state.answers, state.accepted, state.finished, lines[-1].time_s)


def _file_stem(session: str) -> str:
    """The session's id where it can be a file name, else its hash."""
    return session if _SAFE.match(session) else hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()


def _same_path(one: str, other: str) -> bool:
    return os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))


def _open_alone(path: Path) -> BinaryIO:
    try:
        file = path.open("r+b")
    except OSError as exc:
        raise JournalError(f"the journal {path} cannot be opened: {exc}") from exc
    if not try_lock(file):
        file.close()
        raise JournalError(f"the journal {path} is being written by another process; close the session there first")
    return file


def _write_whole(path: Path, content: bytes) -> None:
    """The file appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":  # the new name itself must survive a power cut too; Windows has no such call
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _json(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _header_line(header: Header) -> bytes:
    return _json(
        {
            "reatrieve": "journal",
            "v": VERSION,
            "session": header.session,
            "project": header.project,
            "track": header.track,
            "t": header.created_s,
            "origin_s": header.origin_s,
            "tempo": [dict(entry) for entry in header.tempo],
            "items": header.track_map.to_json(),
        }
    )


def _event_line(line: Line) -> bytes:
    row: dict[str, Any] = {"v": VERSION, "t": line.time_s, "op": line.op, "event": type(line.event).__name__.lower()}
    for one in dataclasses.fields(line.event):
        value = getattr(line.event, one.name)
        row[one.name] = [value.start_s, value.end_s] if isinstance(value, Span) else value
    return _json(row)


def _whole(header: Header, lines: Iterable[Line]) -> bytes:
    return _header_line(header) + b"".join(_event_line(line) for line in lines)


def _read_header(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            first = file.readline()
    except OSError as exc:
        raise JournalError(f"the journal {path} cannot be read: {exc}") from exc
    return _parse(path, first)[0]


def _parse(path: Path, raw: bytes) -> tuple[Header, list[Line], int]:
    """Header, events and the length in bytes up to the last whole line."""
    rows = raw.split(b"\n")
    torn = rows.pop()  # empty when the file ends as it should
    length = len(raw) - len(torn)
    if not rows:
        raise JournalError(f"{path} is no journal: it has no whole first line")
    header = _parse_header(path, rows[0])
    lines: list[Line] = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            lines.append(_parse_event(json.loads(row)))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:  # noqa: PERF203
            if number == len(rows):  # a power cut can leave the last line's length without its content
                return header, lines, length - len(row) - 1
            raise JournalError(f"{path}, line {number} is damaged: {exc}") from exc
    return header, lines, length


def _parse_header(path: Path, raw: bytes) -> Header:
    try:
        row = json.loads(raw)
        kind, version = row["reatrieve"], row["v"]
    except (ValueError, KeyError, TypeError) as exc:
        raise JournalError(f"{path} is no journal: its first line is not a header") from exc
    if kind != "journal" or version != VERSION:
        raise JournalError(f"{path} is a {kind} of version {version}, this is version {VERSION}; update ReaTrieve")
    try:
        return Header(
            session=str(row["session"]),
            track_map=TrackMap.of_json(row["items"]),
            project=str(row["project"]),
            track=str(row["track"]),
            tempo=tuple(dict(entry) for entry in row["tempo"]),
            created_s=float(row["t"]),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise JournalError(f"{path}: its header is damaged: {exc}") from exc


def _parse_event(row: dict[str, Any]) -> Line:
    if row.pop("v") != VERSION:
        raise JournalError("an event of another version")
    time_s, op, kind = float(row.pop("t")), str(row.pop("op")), _KINDS[row.pop("event")]
    for name in ("example", "span"):
        if name in row:
            row[name] = Span(*map(float, row[name]))
    return Line(kind(**row), op, time_s)
