"""One export to a folder at a time, of this process and of all others: what each adds to its files must not be lost."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO
from weakref import WeakValueDictionary

from reatrieve.filelock import try_lock
from reatrieve.files import has_its_name, open_lock
from reatrieve.session.retriever import Progress

if TYPE_CHECKING:
    from _thread import LockType

__all__ = ["LOCK_NAME", "turn_among_processes", "turn_in_this_process"]

LOCK_NAME = ".reatrieve-export.lock"
"""Stands in the folder while an export writes there, for all users who may write there. A killed one leaves it."""

WAIT_S = 0.1
"""How often an export that waits for another one asks whether it is cancelled."""

_locks_guard = Lock()
_locks: WeakValueDictionary[str, LockType] = WeakValueDictionary()
"""Of the folders that exports of this process write to."""


@contextmanager
def turn_in_this_process(folder: Path, tell: Progress) -> Iterator[None]:
    """Wait until no other thread of this process exports to ``folder``, made or not; ``tell`` may raise to cancel."""
    with _locks_guard:
        lock = _locks.setdefault(os.path.realpath(folder), Lock())
    while not lock.acquire(timeout=WAIT_S):
        tell(0.0)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def turn_among_processes(folder: Path, tell: Progress) -> Iterator[bool]:
    """Wait until no other process exports to ``folder``, which was there; ``tell`` may raise to cancel.

    Yields
    ------
    bool
        Whether nobody else exports there meanwhile. On a disk without locks, and where another user left a lock that we
        may not open, nobody waits.

    Raises
    ------
    OSError
        If nothing can be written there, or something else than a file has the lock's name.
    """
    path = folder / LOCK_NAME
    file, alone = _locked(path, tell)
    try:
        yield alone
    finally:
        if file is not None:
            _let_go(path, file, alone)


def _locked(path: Path, tell: Progress) -> tuple[BinaryIO | None, bool]:
    """The open lock, and whether it is truly locked."""
    while True:
        try:
            file = open_lock(path, mode=0o666)
        except PermissionError:
            return None, False
        except FileNotFoundError:  # an export that failed has taken the folder away that it had made
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        alone = False
        try:
            alone = try_lock(file, otherwise=False)
            if (alone or try_lock(file)) and has_its_name(file, path):
                return file, alone
            tell(0.0)
        except BaseException:
            _let_go(path, file, alone)
            raise
        file.close()
        time.sleep(WAIT_S)


def _let_go(path: Path, file: BinaryIO, alone: bool) -> None:
    if alone and sys.platform != "win32" and has_its_name(file, path):
        _removed(path)  # while it is locked: whoever waits sees that it has lost its name
    file.close()
    if alone and sys.platform == "win32":  # which removes no open file, so this one is nobody's if it goes
        _removed(path)


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
