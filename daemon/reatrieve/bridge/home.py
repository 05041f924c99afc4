"""The folder both sides know, and ``daemon.txt`` in it: where the daemon listens and the token that lets a client
in."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

from reatrieve.bridge import osc
from reatrieve.bridge.messages import PROTOCOL, CommandHeader, Ping, Pong, decode_event, encode_command
from reatrieve.errors import InputError, ProtocolError
from reatrieve.filelock import try_lock
from reatrieve.files import (
    appearing,
    insist,
    keep_private,
    not_left_empty,
    open_lock,
    open_new,
    own_folder,
    read_small,
    reason,
    write_all,
)

__all__ = [
    "LOCK_NAME",
    "TOKEN_NAME",
    "DaemonInfo",
    "answers_ping",
    "held",
    "kept_token",
    "make_token",
    "new_info",
    "private_token",
    "read_info",
    "remove_info",
    "write_info",
]

logger = logging.getLogger(__name__)

FILE_NAME = "daemon.txt"
LOCK_NAME = "daemon.lock"
INFO_BYTES = 65_536
TOKEN_NAME = "token.txt"
"""Where the token is kept from one start to the next; made by ``reatrieve install``."""


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """What ``daemon.txt`` says, one ``key value`` a line (docs/protocol.md, "Home")."""

    protocol: int
    version: str
    instance: str
    pid: int
    port: int
    token: str
    spool: str


def new_info(*, version: str, port: int, spool: Path, token: str = "") -> DaemonInfo:
    """A fresh instance: random instance and token (or the ``token`` given), this process, ``spool/<instance>``.

    Raises
    ------
    InputError
        If the path of the spool folder has a line break or is not UTF-8.
    """
    instance = secrets.token_hex(16)
    own = str(spool / instance)
    if any(c in own for c in "\r\n"):
        raise InputError(f"the spool folder {own!r} holds a line break; choose another with --spool")
    try:
        own.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InputError(
            f"the spool folder {own!r} has a name that is not UTF-8, which REAPER cannot read; choose another with "
            "--home or --spool"
        ) from exc
    return DaemonInfo(PROTOCOL, version, instance, os.getpid(), port, token or secrets.token_hex(16), own)


def write_info(home: Path, info: DaemonInfo) -> None:
    """Write ``daemon.txt`` so that nobody ever reads half of it, and nobody but this user reads it at all.

    Raises
    ------
    InputError
        If it cannot be written, or something else lies there.
    """
    try:
        _write_info(home, info)
    except OSError as exc:
        raise InputError(f"{home / FILE_NAME} cannot be written: {reason(home, exc)}; choose another --home") from exc


def _write_info(home: Path, info: DaemonInfo) -> None:
    text = "".join(f"{field.name} {getattr(info, field.name)}\n" for field in fields(info))
    _write_private(home / FILE_NAME, text)


def _write_private(path: Path, text: str) -> None:
    with appearing(path) as temporary:
        with open_new(temporary, private=True) as file:
            write_all(file, text.encode("utf-8"))
        if sys.platform == "win32":
            _only_this_user(temporary)


def read_info(home: Path) -> DaemonInfo | None:
    """What ``daemon.txt`` says; None where there is none of this user's, or it cannot be understood."""
    try:
        text = read_small(home / FILE_NAME, max_bytes=INFO_BYTES, own=True).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    pairs = {match[1]: match[2] for match in re.finditer(r"^(\w+) (.*)$", text, re.M)}
    try:
        if not 0 <= int(pairs["port"]) <= 65_535:
            return None
        return DaemonInfo(
            int(pairs["protocol"]),
            pairs["version"],
            pairs["instance"],
            int(pairs["pid"]),
            int(pairs["port"]),
            pairs["token"],
            pairs["spool"],
        )
    except (KeyError, ValueError):
        return None


def kept_token(home: Path) -> str | None:
    """The token that was made for this home folder; None where there is none of this user's, or more than a line."""
    try:
        text = read_small(home / TOKEN_NAME, max_bytes=1024, own=True, own_link=True).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch(r"[!-~]{16,128}", text) else None


def private_token(home: Path) -> str | None:
    """The kept token, its file closed to other users; None where there is none, and a file that is not used is told.

    Raises
    ------
    InputError
        If others can read the file, and its rights cannot be changed.
    """
    path = home / TOKEN_NAME
    token = kept_token(home)
    if token is None:
        if os.path.lexists(path):
            logger.warning("%s holds no token of yours and is not used; reatrieve install makes a new one", path)
    elif sys.platform == "win32":
        _only_this_user(path)
    else:
        keep_private(path)
    return token


def make_token(home: Path) -> None:
    """Write a new token that only this user can read, in place of whatever has its name; raises ``OSError``."""
    _write_private(home / TOKEN_NAME, secrets.token_hex(16) + "\n")


def remove_info(home: Path, instance: str) -> None:
    """Remove ``daemon.txt`` if it still is that of ``instance``."""
    info = read_info(home)
    if info is not None and info.instance == instance:
        with contextlib.suppress(OSError):
            insist((home / FILE_NAME).unlink)


def answers_ping(info: DaemonInfo, *, timeout_s: float = 1.0) -> bool:
    """Whether the daemon that ``info`` describes is alive, asked over UDP, or over its spool where UDP is off."""
    ping = encode_command(CommandHeader("ping-" + secrets.token_hex(8), info.token, 0), Ping())
    return _udp_ping(info, ping, timeout_s) if info.port else _spool_ping(info, ping, timeout_s)


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold ``home`` for one daemon: makes the folder, takes the lock, and makes sure that no living daemon has it.
    Where the block fails, a folder that was missing before goes again if nothing else is in it.

    Raises
    ------
    InputError
        If another daemon lives there, or the folder is not this user's own; the text says which, and what to do.
    """
    is_new = not os.path.lexists(home)
    with not_left_empty(home):
        own_folder(home, "home folder", option="--home")
        try:
            lock = open_lock(home / LOCK_NAME)
        except OSError as exc:
            raise InputError(
                f"the home folder {home} cannot be used: {exc.strerror or exc}; choose another with --home"
            ) from exc
        with lock:
            _demand_free(home, lock)
            try:
                yield
            except BaseException:
                with contextlib.suppress(OSError):
                    if is_new and [one.name for one in home.iterdir()] == [LOCK_NAME]:  # it has served nobody
                        (home / LOCK_NAME).unlink()
                raise


def _demand_free(home: Path, lock: BinaryIO) -> None:
    """Take the lock; ``InputError`` where a living daemon has the home."""
    info = read_info(home)
    taken = not try_lock(lock)
    if taken or (info is not None and info.pid != os.getpid() and answers_ping(info)):
        which = f"process {info.pid}, port {info.port}" if info is not None else "just starting"
        raise InputError(
            f"a daemon is already running in {home} ({which}); stop it, take its place by --replace, or give "
            "another --home"
        )


def _udp_ping(info: DaemonInfo, ping: bytes, timeout_s: float) -> bool:
    end_s = time.monotonic() + timeout_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s / 4)
        while time.monotonic() < end_s:
            try:
                sock.sendto(ping, ("127.0.0.1", info.port))
                if _is_pong(sock.recv(osc.MAX_PACKET_BYTES), info):
                    return True
            except TimeoutError:  # noqa: PERF203 - one try a datagram is meant
                continue
            except OSError:  # nobody there: Linux and Windows report the ICMP answer on the socket
                return False
    return False


def _spool_ping(info: DaemonInfo, ping: bytes, timeout_s: float) -> bool:
    spool = Path(info.spool)
    if not spool.is_dir():
        return False
    client = spool / ("ping-" + secrets.token_hex(8))
    asked, answered = client / "to_daemon", client / "to_script" / "00000001.osc"
    end_s = time.monotonic() + max(timeout_s, 2.0)
    try:
        asked.mkdir(parents=True)
        answered.parent.mkdir()
        with open_new(asked / "00000001.tmp", private=True) as file:
            write_all(file, ping)
        (asked / "00000001.tmp").replace(asked / "00000001.osc")
        while time.monotonic() < end_s:
            if answered.exists():
                return _is_pong(read_small(answered, max_bytes=osc.MAX_PACKET_BYTES), info)
            time.sleep(0.02)
    except (OSError, ValueError):
        return False
    finally:
        for name in ("to_daemon/00000001.tmp", "to_daemon/00000001.osc", "to_script/00000001.osc"):
            with contextlib.suppress(OSError):
                (client / name).unlink()
        for folder in (asked, answered.parent, client):
            with contextlib.suppress(OSError):
                folder.rmdir()
    return False


def _is_pong(packet: bytes, info: DaemonInfo) -> bool:
    try:
        header, event = decode_event(osc.decode(packet)[0])
    except ProtocolError:
        return False
    return isinstance(event, Pong) and header.instance == info.instance


def _only_this_user(path: Path) -> None:
    """What mode 0600 is on Windows: no inherited rights, all rights for this user."""
    command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise InputError(f"{path.parent} cannot be made private to you ({exc}); choose another --home") from exc
