"""One session's journal as a file: what is appended is on disk before anybody is told.

State is what ``reatrieve.session.state.fold`` makes of the events. No line is ever changed, but for the header's
project path when the project is saved elsewhere (then the file is replaced whole).

An error means that nothing has changed, on disk neither: what was written of a refused event is taken back, and the
file is opened and read again. Where the disk refuses even that the journal is ``broken``: whoever has it closes it and
opens it again, which first makes the truncation that is pending.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import itertools
import logging
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, TypeAlias, cast

from reatrieve import limits
from reatrieve.errors import JournalError
from reatrieve.filelock import try_lock
from reatrieve.files import (
    ForeignFileError,
    has_its_name,
    is_own,
    made_for,
    make_folder,
    open_regular,
    read_at_most,
    read_small,
    reason,
    unreadable,
    write_all,
    write_whole,
)
from reatrieve.journal.lines import VERSION, Header, JournalContent, Line, demand_room, event_line, parse, whole
from reatrieve.journal.relocation import relocated
from reatrieve.session.events import SessionEvent
from reatrieve.session.state import fold

__all__ = [
    "SUFFIX", "Beside", "Copied", "Journal", "Stamp", "copies_in", "goes_on", "is_removed", "kept_beside", "lines_of",
    "open_alone", "read_file", "read_header", "read_journal", "remove", "stamp", "stem_of",
]  # fmt: skip

logger = logging.getLogger(__name__)

SUFFIX = ".journal.jsonl"
DAMAGED = "damaged"

COPIES_BYTES = limits.JOURNAL_BYTES
"""No more than this is read of the copies beside one project."""

_LABEL_NAME_BYTES = 100
_SAFE = re.compile(r"[0-9A-Za-z-]{1,64}\Z")


class Beside(NamedTuple):
    """What the copies beside a project hold of a session.

    ``ahead`` is the one that goes furthest on where the journal ends: answers that were given elsewhere. ``others``
    hold other answers than the longest of this course, or are damaged, and are kept; ``earlier`` hold no more than the
    journal. Copies between the journal and ``ahead`` are in none.
    """

    ahead: Path | None
    others: tuple[Path, ...]
    earlier: tuple[Path, ...]


class Copied(NamedTuple):
    """What lies beside a project after ``Journal.copy_to``: at ``path`` the journal's copy, new there or in the place
    of an earlier one, or a copy that goes on where the journal ends. ``beside.earlier`` can go."""

    path: Path
    is_new: bool
    beside: Beside

    def tidy(self) -> None:
        """Remove the earlier copies."""
        for path in self.beside.earlier:
            try:
                path.unlink(missing_ok=True)
            except OSError as exc:  # noqa: PERF203 - one goes though another stays
                logger.warning("an earlier copy stays beside the new one: %s", exc)


class Journal:
    """One session's journal, open for appending by this process alone; made by ``create`` and ``open``.

    Attributes
    ----------
    path : where it lies.
    header : what is searched.
    note : what was mended, or taken over from a copy, when it was opened, a sentence for the user; "" for nothing.
    went_on : whether answers of a copy were taken over, which no client of this computer may have seen.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.header: Header
        self.note = ""
        self.went_on = False
        self._now = now
        self._file: BinaryIO | None = None
        self._content: JournalContent
        self._written: tuple[int, int]  # how the file looked when this had last read or written it
        self._load()

    @classmethod
    def create(
        cls, path: Path, header: Header, *, events: Iterable[SessionEvent] = (), now: Callable[[], float] = time.time
    ) -> Journal:
        """Begin a journal, with its first ``events`` at once; it appears whole or not at all.

        Raises
        ------
        JournalError
            If there is one at ``path`` already or it cannot be written.
        InputError
            If it holds something that could not be read back.
        """
        if os.path.lexists(path) and not is_removed(path):
            raise JournalError(f"{path} exists; a session's journal is begun once")
        content = whole(path, header, [Line(event, "", _clock(now)) for event in events])
        try:
            with made_for(path.parent, private=True):
                write_whole(path, content, private=True)
        except OSError as exc:
            raise JournalError(f"the journal {path} cannot be written: {reason(path, exc)}") from exc
        _pending.pop(_key(path), None)
        try:
            return cls(path, now=now)
        except JournalError:  # nobody heard of it yet
            remove(path)
            raise

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], float] = time.time) -> Journal:
        """Open a journal to go on with it.

        Raises
        ------
        DamageError
            If a line is damaged, or its event cannot follow those before it.
        JournalError
            If there is none, another process writes it, or it is of a newer version; the file is left as it is.
        """
        return cls(path, now=now)

    @property
    def lines(self) -> Sequence[Line]:
        """All events so far with times and ops, the oldest first."""
        return tuple(self._content.lines)

    @property
    def ops(self) -> frozenset[str]:
        """Every ``op`` that this journal holds: a command that comes again with one of these changes nothing."""
        return frozenset(line.op for line in self._content.lines if line.op)

    @property
    def broken(self) -> bool:
        """Whether the disk failed so that this must be closed and opened again; nothing can be appended any more."""
        return self._file is None

    def events(self) -> list[SessionEvent]:
        """All events so far, the oldest first: what ``fold`` and ``Search`` take."""
        return [line.event for line in self._content.lines]

    def append(self, event: SessionEvent, *, op: str = "") -> None:
        """Write one event; on disk when this returns."""
        self.append_all([event], op=op)

    def append_all(self, events: Iterable[SessionEvent], *, op: str = "", then: Iterable[SessionEvent] = ()) -> None:
        """Write several events, all or none; on disk when this returns.

        Parameters
        ----------
        events, op : what one command did.
        then : what follows from it, of no command.

        Raises
        ------
        InputError
            If an event could not be read back.
        JournalError
            If the disk does not take them. In both cases the journal is as it was, on disk too.
        """
        self._stay_in_place()
        added = [Line(event, op, _clock(self._now)) for event in events]
        added += [Line(event, "", _clock(self._now)) for event in then]
        if self._content.version < VERSION:
            self._replace(self.header, [*self._content.lines, *added])
            return
        file, length, crc = self._open_file(), self._content.length, self._content.crc
        text = b""
        for line in added:
            row, crc = event_line(line, crc)
            text += row
        demand_room(self.path, length + len(text))
        try:
            file.seek(length)
            write_all(file, text)
            os.fsync(file.fileno())
            written = _size_and_time(file)
        except BaseException as exc:
            self._take_back()
            if not isinstance(exc, OSError):
                raise
            raise JournalError(
                f"the answer cannot be kept: {self.path} is not writable ({reason(self.path, exc)})"
            ) from exc
        self._written = written
        self._content = dataclasses.replace(
            self._content, lines=[*self._content.lines, *added], length=length + len(text), crc=crc
        )

    def move_to(self, project: str) -> None:
        """The project lies at this path from now on: the header says so, and where sound files are that came with it
        (``relocated``); the events stay.

        Raises
        ------
        JournalError
            If the disk does not take it; the journal is as it was.
        """
        self._replace(relocated(self.header, project), self._content.lines)

    def go_on_with(self, lines: Sequence[Line]) -> None:
        """Take over the events of a copy, which begin with all of this journal's; raises ``JournalError`` as
        ``move_to`` does."""
        if not goes_on(lines, self._content.lines):
            raise ValueError("the copy is of another course of the session")
        self._replace(self.header, list(lines))

    def copy_to(self, folder: Path, *, project: str | None = None) -> Copied:
        """Put a copy into ``folder``, named by label and session; earlier copies of this session there can go then
        (``Copied.tidy``). A copy that holds answers that this journal does not have stays; one that goes on where this
        journal ends takes the place of a new one.

        Parameters
        ----------
        project : the path that the copy's header names; default the journal's own.

        Raises
        ------
        JournalError
            If it cannot be written; earlier copies are still there.
        """
        header = self.header if project is None else relocated(self.header, project)
        known = self._content.lines
        ending = _ending(stem_of(header.session))
        beside = self.beside(folder)
        if beside.ahead is not None:
            return Copied(beside.ahead, False, beside._replace(earlier=()))
        label = fold(self.events()).label if known else ""
        try:
            _make_copies_folder(folder)
            target = next(
                path
                for path in (folder / f"{_file_name(label)}{again}{ending}" for again in _additions())
                if not os.path.lexists(path) or path in beside.earlier
            )
            write_whole(target, whole(target, header, known))
        except OSError as exc:
            raise JournalError(f"the journal's copy in {folder} cannot be written: {reason(folder, exc)}") from exc
        named = [path for path in beside.earlier if path != target and path.name.endswith(ending)]
        return Copied(target, target not in beside.earlier, beside._replace(earlier=tuple(named)))

    def beside(self, folder: Path) -> Beside:
        """What the copies in ``folder`` hold of this session."""
        session, known = self.header.session, self._content.lines
        copies = copies_in(folder, stem_of(session))
        there = {path: lines for path in copies if (lines := lines_of(path, session)) is not None}
        longer = [path for path, lines in there.items() if goes_on(lines, known)]
        ahead = max(longer, key=lambda path: len(there[path]), default=None)
        course = known if ahead is None else there[ahead]
        of_it = [path for path, lines in there.items() if lines == course[: len(lines)]]
        others = [path for path in copies if path not in of_it and (path in there or _is_of(path, session))]
        return Beside(ahead, tuple(others), tuple(path for path in of_it if path not in longer))

    def close(self) -> None:
        """Let others write it."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise JournalError(f"the journal {self.path} is closed after a fault of the disk; try again")
        return self._file

    def _load(self) -> None:
        """Open the file and read it; closed when this fails."""
        file = open_alone(self.path)
        try:
            _truncate_pending(self.path, file)
            content = parse(self.path, _read(file, self.path))
            header = _header_of(self.path, content)
            if content.torn:
                _warn_of_torn(self.path, content.torn)
                _cut(file, content.length)
            written = _size_and_time(file)
        except OSError as exc:
            file.close()
            raise JournalError(f"the journal {self.path} cannot be read: {reason(self.path, exc)}") from exc
        except BaseException:
            file.close()
            raise
        self._file, self._content, self._written = file, content, written
        self.header = header

    def _stay_in_place(self) -> None:
        """Before a line is written: a file that another program has deleted, changed or replaced is written anew,
        since what is read at the next start is the file that has the name. What is no journal of this session is kept.

        Raises
        ------
        JournalError
            If no file can be there now (the next call looks again), or another course of this session is there: then
            the journal must be opened again.
        """
        file, known = self._open_file(), self._content
        try:
            ours, there = os.fstat(file.fileno()), self.path.lstat()
            same_file, now = os.path.samestat(ours, there), (there.st_size, there.st_mtime_ns)
            if same_file and now == self._written:
                return
            found = read_file(self.path) if there.st_size else b""
        except FileNotFoundError:
            found = b""
        except OSError as exc:
            raise JournalError(f"the journal {self.path} cannot be read any more: {reason(self.path, exc)}") from exc
        if found and not self._is_of_this_session(found):
            self._set_aside()
        elif found:
            other = parse(self.path, found)
            if other.lines != known.lines[: len(other.lines)]:
                self.close()
                raise JournalError(f"the journal {self.path} was changed by another program; try again")
            if same_file and (other.length, other.crc, other.torn) == (known.length, known.crc, b""):
                self._written = now  # only touched
                return
        logger.warning("%s was deleted, changed or replaced by another program; it is written anew", self.path)
        with contextlib.suppress(OSError):  # where this fails, so does the next
            make_folder(self.path.parent)
        self._replace(self.header, known.lines)

    def _is_of_this_session(self, found: bytes) -> bool:
        """Whether a file begins as a journal of this session does; one with a damaged header counts as one."""
        first, newline, _ = found.partition(b"\n")
        try:
            header = parse(self.path, first + newline).header
        except JournalError:
            if newline and first.startswith(b'{"reatrieve"'):
                raise  # of a newer version
            return False
        return header is None or header.session == self.header.session

    def _set_aside(self) -> None:
        """Keep what lies in the journal's place; raises ``JournalError`` if it cannot be moved."""
        kept = kept_beside(self.path)
        try:
            make_folder(kept.parent)
            self.path.replace(kept)
        except OSError as exc:
            raise JournalError(f"the journal {self.path} cannot be written: {reason(self.path, exc)}") from exc
        logger.warning("what another program has put in the place of %s is %s now", self.path, kept)

    def _take_back(self) -> None:
        """After a refused write: the file as it was, opened and read again; else the journal is broken."""
        file, before = self._open_file(), self._content
        _pending[_key(self.path)] = before.length
        with contextlib.suppress(OSError):
            _cut(file, before.length)
        self.close()  # also where cutting failed: what is read next comes from the disk
        try:
            self._load()
        except JournalError as error:
            logger.error("the journal must be opened again: %s", error)
            return
        if self._content.lines != before.lines:
            logger.error("%s changed under us; it must be opened again", self.path)
            self.close()

    def _replace(self, header: Header, lines: list[Line]) -> None:
        """Write the whole file anew."""
        content = whole(self.path, header, lines)
        before = self._open_file()
        if sys.platform == "win32":
            self.close()  # it replaces no open file; elsewhere the lock is kept until the new file has the name
        refused: OSError | None = None
        try:
            write_whole(self.path, content, private=True)
        except OSError as exc:
            refused = exc
        self._file = None
        if refused is not None:
            before.close()  # it is opened again
        try:
            self._load()
        except JournalError as error:
            logger.error("the journal must be opened again: %s", error)
        finally:
            before.close()
        if refused is not None:
            raise JournalError(f"the journal {self.path} cannot be written: {reason(self.path, refused)}") from refused
        if self._file is None:  # on disk it is as it should be
            self.header = header
            self._content = dataclasses.replace(self._content, header=header, lines=lines)


def _make_copies_folder(folder: Path) -> None:
    """Make the folder beside a project; one that somebody else made a link of leads to a place of theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) and not is_own(found):
        raise ForeignFileError(f"{folder} is a link of another user's; remove it")


def read_journal(path: Path, *, warn: bool = False) -> tuple[Header, list[Line]]:
    """Header and events of a journal, without writing or locking it; raises ``JournalError`` as ``Journal.open``
    does. ``warn`` of a torn last line, as that does: for a journal that somebody has named."""
    content = parse(path, read_file(path))
    header = _header_of(path, content)
    if content.torn and warn:
        _warn_of_torn(path, content.torn)
    return header, content.lines


def _header_of(path: Path, content: JournalContent) -> Header:
    """The header of what is whole; raises ``JournalError`` of what is damaged, or no journal."""
    if content.damage is not None or content.header is None:
        raise content.damage or JournalError(f"{path} is no journal")
    return content.header


def _warn_of_torn(path: Path, torn: bytes) -> None:
    logger.warning("%s: the last line was not written completely and is left out", path)
    logger.debug("the torn line of %s: %.200r", path, torn)


_pending: dict[str, int] = {}
"""Length in bytes that a journal is to be truncated to before it is read (0: it is to be deleted): what a failing disk
did not do at once."""


def _key(path: Path) -> str:
    return str(path.absolute())


def _truncate_pending(path: Path, file: BinaryIO | None = None) -> None:
    """Take back what the disk kept; raises ``OSError`` while the disk refuses."""
    length = _pending.get(_key(path))
    if length is None:
        return
    if length == 0:
        path.unlink(missing_ok=True)
    elif file is not None:
        if os.fstat(file.fileno()).st_size > length:
            _cut(file, length)
    else:
        return  # when it is opened
    del _pending[_key(path)]


def is_removed(path: Path) -> bool:
    """Whether this journal is to go as soon as the disk lets it: it counts as gone."""
    return _pending.get(_key(path)) == 0


def remove(path: Path) -> None:
    """Delete a journal; it counts as gone from now on, whatever the disk says."""
    try:
        path.unlink(missing_ok=True)
        _pending.pop(_key(path), None)
    except OSError as exc:
        logger.warning("a journal that is not needed stays for now: %s", exc)
        _pending[_key(path)] = 0


def kept_beside(path: Path) -> Path:
    """A new name for what lies in a journal's place and is kept, though nothing goes on with it."""
    return path.parent / DAMAGED / f"{path.name.removesuffix(SUFFIX)}-{secrets.token_hex(4)}{SUFFIX}"


def _size_and_time(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _cut(file: BinaryIO, length: int) -> None:
    file.truncate(length)
    os.fsync(file.fileno())


def _clock(now: Callable[[], float]) -> float:
    """Wall time that can be read back, whatever the clock is set to."""
    return min(max(now(), 0.0), limits.WALL_TIME_S)


def _additions() -> Iterator[str]:
    return itertools.chain([""], (f" {n}" for n in itertools.count(2)))


def _file_name(label: str) -> str:
    """A label as the beginning of a file's name, on every platform."""
    name = re.sub(r"[^\w .+-]", "_", label).strip(" .")
    return name.encode("utf-8", "replace")[:_LABEL_NAME_BYTES].decode("utf-8", "ignore").strip(" .") or "sound"


def copies_in(folder: Path, stem: str = "") -> list[Path]:
    """The copies of journals in a folder that others can write to: not too many, not too large together. Those of the
    session with this stem never give way to others."""
    sizes: dict[Path, int] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.endswith(SUFFIX):
                    continue
                size = entry.stat(follow_symlinks=False).st_size
                if size <= limits.JOURNAL_BYTES:  # else it is no journal of ours
                    sizes[Path(entry.path)] = size
    except OSError as exc:
        logger.debug("no copies of journals: %s", exc)
    ending = _ending(stem) if stem else ()
    found: list[Path] = []
    n_bytes = 0
    for path in sorted(sizes, key=lambda path: (not path.name.endswith(ending), path)):
        n_bytes += sizes[path]
        if len(found) == limits.COPIES or n_bytes > COPIES_BYTES:
            logger.warning("%s holds more than is looked at; some of it is left out", folder)
            break
        found.append(path)
    return sorted(found)


def _ending(stem: str) -> str:
    """How the name of each copy of a session ends."""
    return f"-{stem}{SUFFIX}"


def _is_of(path: Path, session: str) -> bool:
    """Whether a file's header is of this session, whatever follows it."""
    try:
        return read_header(path).session == session
    except JournalError:
        return False


def lines_of(path: Path, session: str) -> list[Line] | None:
    """All events of a sound copy of this session's journal; None: it is of another session, of a newer version, or
    damaged."""
    try:
        if read_header(path).session != session:
            return None
        _, lines = read_journal(path)
    except JournalError:
        return None
    return lines


def goes_on(lines: Sequence[Line], before: Sequence[Line]) -> bool:
    """Whether these events begin with all of those, and more follow."""
    return len(lines) > len(before) and list(lines[: len(before)]) == list(before)


def stem_of(session: str) -> str:
    """The session's id where it can be a file name, else its hash."""
    return session if _SAFE.match(session) else hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()


def open_alone(path: Path) -> BinaryIO:
    """A journal open for this process alone, or ``JournalError``.

    Raises
    ------
    JournalError
        If it cannot be opened, or another process writes it.
    """
    try:
        file = open_regular(path, write=True)
    except PermissionError as exc:
        raise JournalError(f"the journal {path} may not be written ({reason(path, exc)}); check its rights") from exc
    except OSError as exc:
        raise JournalError(unreadable(path, exc)) from exc
    if not try_lock(file) or not has_its_name(file, path):  # replaced by who had it before, between opening and lock
        file.close()
        raise JournalError(f"the journal {path} is being written by another process; close the session there first")
    return file


def _read(file: BinaryIO, path: Path) -> bytes:
    return read_at_most(file, limits.JOURNAL_BYTES, str(path))


Stamp: TypeAlias = tuple[int, int, int, "int | None"]
"""What changes when a journal's content does."""


def stamp(path: Path) -> Stamp:
    """What tells that a journal is still as it was read.

    Raises
    ------
    JournalError
        If it cannot be looked at.
    """
    try:
        found = path.lstat()
    except OSError as exc:
        raise JournalError(unreadable(path, exc)) from exc
    return found.st_ino, found.st_size, found.st_mtime_ns, _pending.get(_key(path))


def read_file(path: Path) -> bytes:
    """All of a journal that counts, or ``JournalError``.

    Raises
    ------
    JournalError
        If it cannot be read.
    """
    try:
        return read_small(path, max_bytes=limits.JOURNAL_BYTES)[: _pending.get(_key(path))]
    except OSError as exc:
        raise JournalError(unreadable(path, exc)) from exc


def read_header(path: Path) -> Header:
    """The first line of a journal, or ``JournalError``.

    Raises
    ------
    JournalError
        If it cannot be read, or its first line is no header.
    """
    try:
        with open_regular(path) as raw, io.BufferedReader(cast("io.RawIOBase", raw)) as file:
            first = file.readline(limits.HEADER_BYTES + 1)
    except OSError as exc:
        raise JournalError(unreadable(path, exc)) from exc
    if len(first) > limits.HEADER_BYTES and first.startswith(b'{"reatrieve"'):
        raise JournalError(f"{path} is no journal: its first line has more than {limits.HEADER_BYTES} bytes")
    return _header_of(path, parse(path, first))
