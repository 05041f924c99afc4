"""All journals of one user, found by session and by project; damaged ones mended from what is left and from copies."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import ntpath
import os
import posixpath
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from weakref import WeakValueDictionary

from reatrieve import limits
from reatrieve.errors import InputError, JournalError
from reatrieve.files import make_folder, read_at_most, reason, unreadable, write_whole
from reatrieve.journal.file import (
    SUFFIX,
    Journal,
    Stamp,
    copies_in,
    goes_on,
    is_removed,
    kept_beside,
    lines_of,
    open_alone,
    read_file,
    read_header,
    read_journal,
    remove,
    stamp,
    stem_of,
)
from reatrieve.journal.lines import DamageError, Header, Line, parse, whole
from reatrieve.journal.relocation import relocated
from reatrieve.session.events import SessionEvent
from reatrieve.session.state import fold

__all__ = ["JournalFolder", "StoredJournal", "check_journal", "copies_folder", "moment", "project_is_there"]

logger = logging.getLogger(__name__)

DISCARDED = "discarded"

NOTHING_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class StoredJournal:
    """What a list of sessions shows of one."""

    path: Path
    session: str
    project: str
    track: str
    label: str
    answers: int
    accepted: int
    finished: bool
    modified_s: float
    n_events: int

    @property
    def modified(self) -> str:
        """Time of the last event, ISO 8601 in UTC."""
        return moment(self.modified_s).isoformat(timespec="seconds").replace("+00:00", "Z")


class JournalFolder:
    """All journals of one user; discarded ones lie in the folder ``discarded``, damaged ones in ``damaged``, never
    listed."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now
        self._unusable_copies: set[tuple[Path, Stamp]] = set()  # nothing is taken of them while they stay as they are
        self._untold: dict[str, tuple[str, bool]] = {}  # by session: ``note`` and ``went_on`` of while it was listed
        self._locks: WeakValueDictionary[str, _SessionLock] = WeakValueDictionary()
        self._locks_guard = threading.Lock()

    def path(self, session: str) -> Path:
        """Where the journal of a session lies, or would."""
        return self.folder / f"{stem_of(session)}{SUFFIX}"

    def holds(self, session: str) -> bool:
        """Whether there is a journal of this session that was not discarded.

        Raises
        ------
        JournalError
            If the folder may not be entered.
        """
        path = self.path(session)
        return _is_there(path) and not is_removed(path)

    def was_discarded(self, session: str) -> bool:
        """Whether the journal of this session was set aside; raises as ``holds`` does."""
        return _is_there(self.folder / DISCARDED / self.path(session).name)

    def create(self, header: Header, *, events: Iterable[SessionEvent] = ()) -> Journal:
        """Begin the journal of a new session, with its first ``events`` at once."""
        with self._locked(header.session):
            return Journal.create(self.path(header.session), header, events=events, now=self._now)

    def open(self, session: str) -> Journal:
        """Open the journal of a session to go on with it.

        Of a damaged journal goes on what lies before the damage, or all that the copy beside the project holds where
        that is more; the damaged file is kept. Where that copy goes on after the end of a sound journal, as when the
        project was at another computer meanwhile, the journal goes on with it, too. ``note`` says either.

        Raises
        ------
        DamageError
            If nothing of it can be used.
        JournalError
            As ``Journal.open``, and if another session's journal has the name.
        """
        with self._locked(session):
            journal = self._opened(session)
            note, went_on = self._untold.pop(session, ("", False))
            journal.note, journal.went_on = _joined(note, journal.note), went_on or journal.went_on
            return journal

    def _opened(self, session: str) -> Journal:
        path = self.path(session)
        try:
            journal = Journal.open(path, now=self._now)
        except DamageError as damage:
            _demand_session(path, damage.header, session)
            return self._mended(path, damage)
        try:
            _demand_session(path, journal.header, session)
            _catch_up(journal)
        except BaseException:
            journal.close()
            raise
        return journal

    def is_behind(self, journal: Journal) -> bool:
        """Whether a copy beside the project goes on where this open journal ends, so that opening it again gives
        more."""
        return any(True for _ in _longer_copies(journal.header, journal.lines))

    def sessions_beside(self, project: str) -> set[str]:
        """The sessions of which copies lie beside a project."""
        found: set[str] = set()
        with contextlib.suppress(InputError):
            for copy in copies_in(copies_folder(project)):
                with contextlib.suppress(JournalError):
                    found.add(_header_as_of(copy, stamp(copy)).session)
        return found

    def of_project(self, project: str) -> list[StoredJournal]:
        """Sessions of the project at this path, the latest first, at most ``limits.SESSIONS``; copies beside it that
        are unknown here are taken in, and used in place of a journal here that has lost its header. A journal here
        whose project was moved to this path is moved along, and so is one with which a copy at this path goes on.

        A project that was never saved ("") has none.
        """
        if not project:
            return []
        self._take_in(project)

        def is_of_it(path: Path) -> bool:
            return _same_path(_header_as_of(path, stamp(path)).project, project)

        return self._latest_first(is_of_it)[: limits.SESSIONS]

    def sessions(self) -> list[StoredJournal]:
        """Every session that can be used, the latest first."""
        return self._latest_first(lambda _path: True)

    def _latest_first(self, wanted: Callable[[Path], bool]) -> list[StoredJournal]:
        found: list[StoredJournal] = []
        for path in self._journals():
            with contextlib.suppress(JournalError):
                stored = _stored_as_of(path, stamp(path)) if wanted(path) else None
                if stored is not None and path == self.path(stored.session):
                    found.append(stored)
        return sorted(found, key=lambda stored: -stored.modified_s)

    def sources(self, stopped: Callable[[], bool] = lambda: False) -> set[Path]:
        """Every sound file that some session needs to go on; not all of them once ``stopped`` says so.

        Raises
        ------
        JournalError
            If a journal does not say, since it is damaged or of a newer version.
        """
        needed: set[Path] = set()
        for path in self._journals():
            if stopped():
                break
            needed.update(read_header(path).track_map.paths)
        return needed

    def discard(self, session: str) -> None:
        """Set the journal of a session aside; it is never listed again.

        Raises
        ------
        JournalError
            If it cannot be moved, or another session's journal has its name.
        """
        path, folder = self.path(session), self.folder / DISCARDED
        try:
            make_folder(folder)
            with self._locked(session):
                with contextlib.suppress(DamageError):
                    _demand_session(path, read_header(path), session)
                path.replace(folder / path.name)
        except OSError as exc:
            raise JournalError(f"the journal {path} cannot be set aside: {reason(path, exc)}") from exc

    def remove(self, session: str) -> None:
        """Delete the journal of a session that never came to a candidate; it counts as gone from now on."""
        remove(self.path(session))

    @contextlib.contextmanager
    def _locked(self, session: str) -> Iterator[None]:
        """Inside, no other thread takes in, begins, opens or discards this session's journal; one that is moved while a
        project is listed would be another process's to whoever opens it."""
        with self._locks_guard:
            one = self._locks.setdefault(session, _SessionLock())
        with one.lock:
            yield

    def _journals(self) -> Iterator[Path]:
        try:
            listed = [path for path in self.folder.iterdir() if path.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return
        except OSError as exc:
            if isinstance(exc, NotADirectoryError):
                if not _is_there(self.folder):
                    return
                raise JournalError(
                    f"the folder of journals {self.folder} is no folder; move it away, or choose another with "
                    "--journals"
                ) from exc
            raise JournalError(f"the folder of journals {unreadable(self.folder, exc)}") from exc
        yield from sorted(path for path in listed if not is_removed(path))

    def _mended(self, path: Path, damage: DamageError) -> Journal:
        header, lines, source = damage.header, damage.lines, "what lies before it is kept"
        if header is None:
            raise damage
        for copy, more in _longer_copies(header, lines):
            lines, source = more, f"the copy {copy.name} beside the project takes its place"
        if not lines:
            raise damage
        n_answers = fold(line.event for line in lines).answers
        answers = "1 answer" if n_answers == 1 else f"{n_answers} answers"
        kept = self._restore(path, header, lines)
        journal = Journal.open(path, now=self._now)
        journal.note = f"line {damage.line} of the journal is damaged; {source} ({answers}); the damaged file is {kept}"
        logger.warning("%s: %s", path, journal.note)
        return journal

    def _restore(self, path: Path, header: Header, lines: list[Line]) -> Path:
        """Put a whole journal in the place of a damaged one, which is kept."""
        kept = kept_beside(path)
        content = whole(path, header, lines)
        try:
            make_folder(kept.parent)
            with open_alone(path) as file:
                write_whole(kept, read_at_most(file, limits.JOURNAL_BYTES, str(path)), private=True)
            write_whole(path, content, private=True)
        except OSError as exc:
            raise JournalError(f"the damaged journal {path} cannot be mended: {reason(path, exc)}") from exc
        return kept

    def _take_in(self, project: str) -> None:
        try:
            beside = copies_folder(project)
        except InputError:
            return
        for copy in copies_in(beside):
            with contextlib.suppress(JournalError, InputError, OSError):
                self._take_in_one(copy, project)

    def _take_in_one(self, copy: Path, project: str) -> None:
        header = read_header(copy)
        with self._locked(header.session):
            self._take_in_copy(copy, header, project)

    def _take_in_copy(self, copy: Path, header: Header, project: str) -> None:
        if self.was_discarded(header.session):
            return
        here, ours = self.path(header.session), None
        if _is_there(here):
            with contextlib.suppress(DamageError):
                ours = read_header(here)
        if ours is not None:
            if _same_path(ours.project, project):
                if _has_more(copy, here):
                    with self._opened(header.session) as journal:
                        self._tell_later(header.session, journal.note, went_on=journal.went_on)
            elif not project_is_there(ours.project) or _is_ahead(copy, here):
                with self._opened(header.session) as journal:
                    journal.move_to(project)
                    _catch_up(journal)
                    self._tell_later(header.session, journal.note, went_on=journal.went_on)
            return
        read_as = copy, stamp(copy)
        if read_as in self._unusable_copies:
            return
        try:
            _, lines = read_journal(copy, warn=True)
        except DamageError:
            if len(self._unusable_copies) >= limits.COPIES:
                self._unusable_copies.clear()
            self._unusable_copies.add(read_as)
            raise
        if not lines:
            return  # not all of it has come yet
        header = relocated(header, project)
        if not _is_there(here):
            make_folder(self.folder)
            write_whole(here, whole(here, header, lines), private=True)
            return
        kept = self._restore(here, header, lines)
        note = (
            f"the journal has lost its header; the copy {copy.name} beside the project takes its place; the damaged "
            f"file is {kept}"
        )
        self._tell_later(header.session, note)
        logger.warning("%s: %s", here, note)

    def _tell_later(self, session: str, note: str, *, went_on: bool = False) -> None:
        before, had_gone_on = self._untold.get(session, ("", False))
        self._untold[session] = _joined(before, note), had_gone_on or went_on


class _SessionLock:
    """Of one session: its lock, while somebody has or awaits it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


def moment(time_s: float) -> datetime:
    """A journal's time as a date in UTC; unlike ``fromtimestamp`` also on Windows after the year 3000."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=time_s)


def copies_folder(project: str) -> Path:
    """The folder beside a project file that holds the copies of its journals.

    Raises
    ------
    InputError
        If this can be no project file.
    """
    path = Path(project)
    if not path.name or path.name == "..":
        raise InputError(f"{project!r} is no project file")
    return path.with_name(f"{path.stem}.reatrieve")


def project_is_there(project: str) -> bool:
    """Whether a project is where it was; one that cannot be looked at, as on a drive that fails, is. Nothing is at a
    path that no disk takes."""
    try:
        os.stat(project)  # noqa: PTH116 - its errors are the same in every version of Python, unlike those of Path
    except ValueError:
        return False
    except OSError as exc:
        return exc.errno not in NOTHING_THERE
    return True


def _is_there(path: Path) -> bool:
    """Whether something has this name; ``JournalError`` where the folder may not be entered."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as exc:
        raise JournalError(unreadable(path, exc)) from exc
    return True


def check_journal(path: Path) -> tuple[Header | None, list[Line], list[str]]:
    """What a journal holds before its first damage, and what is wrong with it, a sentence each (none: all is well).

    Raises
    ------
    JournalError
        If it cannot be read at all, or is of a newer version.
    """
    content = parse(path, read_file(path))
    problems: list[str] = []
    if content.damage is not None:
        problems.append(str(content.damage))
    elif content.torn:
        problems.append(f"{path}: the last line was not written completely and is left out ({len(content.torn)} bytes)")
    return content.header, content.lines, problems


@functools.lru_cache(maxsize=4 * limits.SESSIONS)
def _stored_as_of(path: Path, _stamp: Stamp) -> StoredJournal | None:
    """What a list shows of a journal; None: nothing of it can be used. Read once while it stays as it is, since a list
    is wanted whenever a project is opened."""
    content = parse(path, read_file(path))
    header = content.header
    if header is None or not content.lines:
        return None
    state = fold(line.event for line in content.lines)
    return StoredJournal(
        path, header.session, header.project, header.track, state.label, state.answers, state.accepted,
        state.finished, content.lines[-1].time_s, len(content.lines),
    )  # fmt: skip


@functools.lru_cache(maxsize=4 * limits.SESSIONS)
def _header_as_of(path: Path, _stamp: Stamp) -> Header:
    return read_header(path)


def _demand_session(path: Path, header: Header | None, session: str) -> None:
    """Refuse what another program has put in the place of this session's journal."""
    if header is not None and header.session != session:
        raise JournalError(
            f"the journal {path} is that of another session, {header.session}; put the right file back, or move this "
            "one away"
        )


def _catch_up(journal: Journal) -> None:
    """Go on with what copies beside the project hold more; where the disk does not take it, as the journal is."""
    found = list(_longer_copies(journal.header, journal.lines))
    if not found:
        return
    copy, more = found[-1]
    try:
        journal.go_on_with(more)
    except JournalError as error:
        if journal.broken:
            raise
        note = f"the copy {copy.name} beside the project holds more answers, but cannot be taken over: {error}"
        logger.warning("%s", note)
    else:
        journal.went_on = True
        note = (
            f"the copy {copy.name} beside the project goes on where this computer's journal ends; the search goes on "
            "with it"
        )
        logger.info("%s: %s", journal.path, note)
    journal.note = _joined(journal.note, note)


def _joined(before: str, note: str) -> str:
    """Both, each said once."""
    return before if note in before else "; ".join(filter(None, (before, note)))


def _has_more(copy: Path, here: Path) -> bool:
    """Whether a copy has more events than the journal here; of damaged ones those before the damage count."""
    theirs, ours = _stored_as_of(copy, stamp(copy)), _stored_as_of(here, stamp(here))
    return theirs is not None and theirs.n_events > (0 if ours is None else ours.n_events)


def _is_ahead(copy: Path, here: Path) -> bool:
    """Whether a copy goes on where the journal here ends."""
    return _has_more(copy, here) and goes_on(read_journal(copy)[1], read_journal(here)[1])


def _longer_copies(header: Header, lines: Sequence[Line]) -> Iterator[tuple[Path, list[Line]]]:
    """Copies beside the project that go on where ``lines`` end, each longer than the one before."""
    if not header.project:
        return
    with contextlib.suppress(InputError):
        for copy in copies_in(copies_folder(header.project), stem_of(header.session)):
            more = lines_of(copy, header.session)
            if more is not None and goes_on(more, lines):
                lines = more
                yield copy, more


def _same_path(one: str, other: str, platform: str = sys.platform) -> bool:
    """Whether two paths name one project: Windows and macOS tell no case, macOS may write accents in two ways."""
    return _folded(one, platform) == _folded(other, platform)


def _folded(path: str, platform: str) -> str:
    if platform == "win32":
        return ntpath.normcase(ntpath.normpath(path))
    if platform == "darwin":
        return unicodedata.normalize("NFC", posixpath.normpath(path)).casefold()
    return posixpath.normpath(path)
