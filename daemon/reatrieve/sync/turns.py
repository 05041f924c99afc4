"""One export to a folder at a time, of this process and of all others: what each adds to its files must not be lost.

A locked file keeps out other exports of this process, too. Their own turn is for where nothing can be locked, or the
lock not be opened. It also keeps all but one from asking for the file.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from reatrieve.errors import InputError
from reatrieve.filelock import try_lock
from reatrieve.files import ForeignFileError, demand_regular, has_its_name, open_lock, open_regular
from reatrieve.session.retriever import Progress

__all__ = ["LOCK_NAME", "turn_among_processes", "turn_in_this_process"]

LOCK_NAME = ".reatrieve-export.lock"
"""Stands in the folder while an export writes there. Other users who may read it wait for it. A killed one leaves
it."""

WAIT_S = 0.1
"""How often an export that waits for another one asks whether it is cancelled."""

MOST_WAIT_S = 10.0
"""How long the exports of this process wait for another process, which may have been stopped, before they are
refused."""

GAP_S = 1.0
"""An export that comes so soon after a refused one waits for the same process, and not for as long again."""

MOST_TRIES = 10
"""How often the lock is made in a folder that goes away, or takes no file of this name."""


class _Turn:
    """One export of this process to a folder at a time, and since when another process keeps all of them waiting."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._since_s = self._seen_s = -math.inf
        self._holder: object = None

    def kept_waiting(self, now_s: float, holder: object) -> None:
        if now_s - self._seen_s > GAP_S or holder != self._holder:
            self._since_s = now_s
        self._seen_s, self._holder = now_s, holder

    def came(self) -> None:
        self._since_s = self._seen_s = -math.inf

    def refuse_long_wait(self, folder: Path, now_s: float) -> None:
        if now_s - self._seen_s <= GAP_S and now_s - self._since_s >= MOST_WAIT_S:
            raise InputError(
                f"another export to {folder} is under way; wait until it is done, or close that program, then export "
                "again"
            )


_turns_guard = Lock()
_turns: dict[str, _Turn] = {}
"""Of the folders that exports of this process write to. Kept, since what a refused export waited counts for the next
one."""


def _turn_to(folder: Path) -> _Turn:
    with _turns_guard:
        return _turns.setdefault(os.path.realpath(folder), _Turn())


@contextmanager
def turn_in_this_process(
    folder: Path, tell: Progress, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Wait until no other thread of this process exports to ``folder``, made or not; ``tell`` may raise to cancel.

    Raises
    ------
    InputError
        If that thread has waited for another process for too long.
    """
    turn = _turn_to(folder)
    while not turn.lock.acquire(timeout=WAIT_S):
        tell(0.0)
        turn.refuse_long_wait(folder, clock())
    try:
        yield
    finally:
        turn.lock.release()


@contextmanager
def turn_among_processes(
    folder: Path, tell: Progress, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[bool]:
    """Wait until no other process exports to ``folder``, which was there; ``tell`` may raise to cancel.

    Yields
    ------
    bool
        Whether nobody else exports there meanwhile. On a disk without locks, and where another user left a lock that we
        may not read, nobody waits.

    Raises
    ------
    InputError
        If another process exports there for too long, or something else than a file has the lock's name.
    OSError
        If nothing can be written there.
    """
    path = folder / LOCK_NAME
    file, alone = _locked(path, tell, clock)
    try:
        yield alone
    finally:
        if file is not None:
            _let_go(path, file, alone)


def _locked(path: Path, tell: Progress, clock: Callable[[], float]) -> tuple[BinaryIO | None, bool]:
    """The open lock, and whether it is truly locked."""
    turn = _turn_to(path.parent)
    n_missing = 0
    while True:
        try:
            file = _opened(path)
        except PermissionError:
            return None, False
        except FileNotFoundError:  # an export that failed has taken the folder away that it had made
            n_missing += 1
            if n_missing == MOST_TRIES:
                raise
            path.parent.mkdir(parents=True, exist_ok=True)
            tell(0.0)
            continue
        alone = False
        try:
            alone = try_lock(file, otherwise=False)
            if (alone or try_lock(file)) and has_its_name(file, path):
                turn.came()
                return file, alone
            tell(0.0)
            turn.kept_waiting(clock(), _made_at(file))
            turn.refuse_long_wait(path.parent, clock())
        except BaseException:
            _let_go(path, file, alone)
            raise
        file.close()
        time.sleep(WAIT_S)


def _made_at(file: BinaryIO) -> tuple[int, int]:
    """What tells one lock file from the next: each export that ends well takes its own away."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_mtime_ns


def _opened(path: Path) -> BinaryIO:
    """The lock, made if need be; that of another user only to be read, which is enough to lock it."""
    try:
        return open_lock(path, mode=0o666)
    except OSError as error:
        _refuse_foreign(path)
        if not isinstance(error, PermissionError):
            raise
    try:
        return open_regular(path)
    except FileNotFoundError:  # it was let go just now, or this user may not write here
        return open_lock(path, mode=0o666)


def _refuse_foreign(path: Path) -> None:
    try:
        demand_regular(path)
    except ForeignFileError as error:
        raise InputError(f"{path} is no plain file; remove it, then export again") from error
    except OSError:
        pass


def _let_go(path: Path, file: BinaryIO, alone: bool) -> None:
    if alone and sys.platform != "win32" and has_its_name(file, path):
        _removed(path)  # while it is locked: whoever waits sees that it has lost its name
    file.close()
    if alone and sys.platform == "win32":  # which removes no open file, so this one is nobody's if it goes
        _removed(path)


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
