"""One daemon giving way to another: the new one names the old one's instance in a file of the home folder, and the old
one, which looks there once a second, ends as it does when it is stopped: journals are whole, and what it has not acked
its clients send to the new one."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from reatrieve.bridge.home import LOCK_NAME, DaemonInfo, answers_ping, read_info
from reatrieve.errors import InputError
from reatrieve.filelock import try_lock
from reatrieve.files import open_lock, read_small, write_whole

__all__ = ["LOOK_EVERY_S", "ask_to_give_way", "is_newer", "must_give_way", "take_over"]

FILE_NAME = "give-way.txt"
LOOK_EVERY_S = 1.0
PATIENCE_S = 20.0
MOST_BYTES = 256


def is_newer(version: str, than: str) -> bool:
    """Whether a version (``1.2.3``, more or fewer numbers, anything behind them) comes after another."""
    return _numbers(version) > _numbers(than)


def ask_to_give_way(home: Path, info: DaemonInfo) -> None:
    """Ask the daemon that ``info`` describes to end.

    Raises
    ------
    InputError
        If the home folder cannot be written.
    """
    try:
        write_whole(home / FILE_NAME, f"{info.instance}\n".encode(), private=True)
    except OSError as exc:
        raise InputError(f"the home folder {home} cannot be written: {exc.strerror or exc}") from exc


def must_give_way(home: Path, instance: str) -> bool:
    """Whether somebody has asked this instance to end."""
    try:
        asked = read_small(home / FILE_NAME, max_bytes=MOST_BYTES)
    except OSError:
        return False
    return asked.decode("ascii", "replace").strip() == instance


def take_over(
    home: Path, version: str, *, always: bool = False, sleep: Callable[[float], None] = time.sleep
) -> DaemonInfo | None:
    """Before a daemon starts: have an older one in ``home`` end, and wait until it has.

    Parameters
    ----------
    home : the home folder.
    version : of the daemon that wants to start.
    always : also where the other is not older.

    Returns
    -------
    DaemonInfo or None
        The daemon that gave way; None if there was none, or it is not older (then starting says so).

    Raises
    ------
    InputError
        If it does not end within some seconds.
    """
    info = read_info(home)
    if info is None or not (always or is_newer(version, info.version)) or not answers_ping(info):
        return None
    ask_to_give_way(home, info)
    deadline_s = time.monotonic() + PATIENCE_S
    while not _is_free(home):
        now = read_info(home)
        if now is not None and now.instance != info.instance:
            raise InputError(f"another daemon (process {now.pid}) was started in {home} meanwhile; use that one")
        if time.monotonic() > deadline_s:
            raise InputError(f"the daemon {info.version} (process {info.pid}) in {home} does not end; stop it yourself")
        sleep(0.05)
    with contextlib.suppress(OSError):
        (home / FILE_NAME).unlink()
    return info


def _is_free(home: Path) -> bool:
    try:
        with open_lock(home / LOCK_NAME) as lock:
            return try_lock(lock)
    except OSError:
        return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0]))
