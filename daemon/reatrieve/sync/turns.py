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
from reatrieve.files import open_lock
from reatrieve.session.retriever import Progress

if TYPE_CHECKING:
    from _thread import LockType

__all__ = ["LOCK_NAME", "turn_among_processes", "turn_in_this_process"]

LOCK_NAME = ".reatrieve-export.lock"
"""Stands in the folder while an export writes there. One that was killed leaves it, and it hinders nobody."""

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
def turn_among_processes(folder: Path, tell: Progress) -> Iterator[None]:
    """Wait until no other process exports to ``folder``, which is there; ``tell`` may raise to cancel. On a disk
    without locks nobody waits.

    Raises
    ------
    OSError
        If nothing can be written there, or something else than a file has the lock's name.
    """
    path = folder / LOCK_NAME
    file = _locked(path, tell)
    try:
        yield
    finally:
        if sys.platform != "win32":  # while it is locked: whoever waits sees that it has lost its name
            _removed(path)
        file.close()
        if sys.platform == "win32":  # which removes no open file, so this one is nobody's if it goes
            _removed(path)


def _locked(path: Path, tell: Progress) -> BinaryIO:
    while True:
        file = open_lock(path)
        try:
            if try_lock(file) and _has_its_name(file.fileno(), path):
                return file
            tell(0.0)
        except BaseException:
            file.close()
            raise
        file.close()
        time.sleep(WAIT_S)


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _has_its_name(handle: int, path: Path) -> bool:
    """Whether the export that had the lock has not removed the file meanwhile: another one may have made it anew."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
