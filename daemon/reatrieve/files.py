"""Files at places where others can put something: opened only if they are regular and small; folders and whole files of
our own.

A name in a shared folder may be a pipe that nobody writes, a device without end, or a link to somebody's secret. Every
module that opens such a name does it here.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from reatrieve.errors import InputError

__all__ = [
    "MOST_PARTS",
    "ForeignFileError",
    "appearing",
    "demand_regular",
    "has_its_name",
    "holds",
    "insist",
    "is_own",
    "is_real_folder",
    "keep_private",
    "keep_secret",
    "made_for",
    "make_folder",
    "not_left_empty",
    "open_lock",
    "open_new",
    "open_regular",
    "open_source",
    "own_folder",
    "read_at_most",
    "read_small",
    "reason",
    "unreadable",
    "write_all",
    "write_whole",
]

logger = logging.getLogger(__name__)

_FLAGS: Final = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
)  # fmt: skip
MOST_PARTS: Final = 500
"""Folders in a path that is taken: Python makes them one within the other, and gives up at about twice as many."""
ADMINISTRATOR = 0
"""The number of the user root."""
_INSIST_S: Final = 2.0
"""How long a file may be open elsewhere (a virus scanner, the script that reads) before Windows lets us replace it."""

_NAME_SURROGATE: Final = 0x20000000
"""Of a Windows reparse tag: the name stands for another place (links, junctions), not for a file kept in the cloud."""


class ForeignFileError(OSError):
    """What lies at a path is no file that is opened: a link, a pipe, a device, a folder, or too large."""


def unreadable(path: str | os.PathLike[str], error: OSError) -> str:
    """Why a file cannot be read, as a sentence for the user."""
    if isinstance(error, ForeignFileError):
        return str(error)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"{path}: no such file; check the path"
    if isinstance(error, PermissionError):
        return f"{path}: cannot be read ({error.strerror or error}); check the rights of the file and its folder"
    return f"{path}: cannot be read ({error.strerror or error}); check the path"


def reason(path: str | os.PathLike[str], error: Exception) -> str:
    """Why something failed, for a sentence that names the path already."""
    said = getattr(error, "strerror", None) or str(error)
    return f"it {said.removeprefix(f'{path} ')}" if said.startswith(f"{path} ") else said


def demand_regular(
    path: str | os.PathLike[str], *, own: bool = False, own_link: bool = False, any_link: bool = False
) -> os.stat_result:
    """What ``lstat`` says of a regular file.

    Parameters
    ----------
    own : whether one that belongs to another user is refused, except the administrator of a system that has one
        (root); of a link that is followed, the link's owner counts.
    own_link, any_link : whether a symbolic link is followed that belongs to this user, or to anybody.

    Raises
    ------
    ForeignFileError
        If it is anything else.
    OSError
        If there is nothing, or it may not be looked at.
    """
    try:
        found = os.lstat(path)
    except ValueError as exc:  # a NUL, or a name that this system cannot have
        raise ForeignFileError(f"{str(path)!r} is no name of a file") from exc
    if own and not is_own(found, or_root=True):
        raise ForeignFileError(
            f"{path} belongs to another user (number {found.st_uid}); a file of your own is wanted there"
        )
    if _is_link(found):
        if not (any_link or (own_link and is_own(found))):
            raise ForeignFileError(f"{path} is a symbolic link; a plain file is wanted there")
        found = Path(path).stat()
    if not stat.S_ISREG(found.st_mode):
        raise ForeignFileError(f"{path} is {_kind(found.st_mode)}; a plain file is wanted there")
    return found


def open_regular(
    path: str | os.PathLike[str],
    *,
    write: bool = False,
    own: bool = False,
    own_link: bool = False,
    any_link: bool = False,
) -> BinaryIO:
    """Open a regular file, unbuffered, from its start; raises as ``demand_regular`` does, and never waits.

    Raises
    ------
    ForeignFileError
        If it is no regular file, or no longer one when it is opened.
    """
    demand_regular(path, own=own, own_link=own_link, any_link=any_link)
    flags = _FLAGS | (os.O_RDWR if write else os.O_RDONLY)
    if own_link or any_link:
        flags &= ~getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # exchanged meanwhile
            raise ForeignFileError(f"{path} is no plain file any more")
        return cast("BinaryIO", os.fdopen(handle, "r+b" if write else "rb", buffering=0))
    except BaseException:
        os.close(handle)
        raise


def open_source(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file that the user named, to read; a link is followed. Never waits; raises as ``open_regular`` does."""
    return io.BufferedReader(_Source(open_regular(path, any_link=True)))


class _Source(io.RawIOBase):
    """What is read of a file. Where there is nothing to read yet, as in some of ``/proc``, it says so: Python gives
    ``None`` there, which no reader expects."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = cast("io.FileIO", file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any, /) -> int:
        n_read = self._file.readinto(buffer)
        if n_read is None:
            raise BlockingIOError(errno.EAGAIN, "has nothing to read now")
        return n_read

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            super().close()


def read_small(
    path: str | os.PathLike[str],
    *,
    max_bytes: int,
    own: bool = False,
    own_link: bool = False,
    any_link: bool = False,
    what: str = "file of ReaTrieve's",
) -> bytes:
    """The content of a regular file of at most ``max_bytes``; raises as ``demand_regular`` does.

    ``what`` says in the sentence of a larger one what it was to be.
    """
    with open_regular(path, own=own, own_link=own_link, any_link=any_link) as file:
        return read_at_most(file, max_bytes, str(path), what=what)


def holds(path: Path, content: bytes) -> bool:
    """Whether a file, or the one that a link leads to, has this content; what cannot be read has another one."""
    try:
        if not path.is_file() or path.stat().st_size != len(content):
            return False
        with open_source(path) as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


def read_at_most(file: BinaryIO, max_bytes: int, name: str, *, what: str = "file of ReaTrieve's") -> bytes:
    """All that follows in an unbuffered file, unless that is more than ``max_bytes`` (``ForeignFileError``).

    Raises
    ------
    ForeignFileError
        If the file is longer.
    """
    content = bytearray()
    while chunk := file.read(min(1 << 20, max_bytes + 1 - len(content))):
        content += chunk
        if len(content) > max_bytes:
            raise ForeignFileError(f"{name} is larger than {max_bytes} bytes; that is no {what}")
    return bytes(content)


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file that appears whole or not at all, and survives a power cut; ``private`` as for ``open_new``.

    When this raises ``OSError``, what was at ``path`` before is there unchanged.
    """
    with appearing(path) as temporary, open_new(temporary, private=private) as file:
        write_all(file, content)
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def open_new(path: Path, *, private: bool) -> BinaryIO:
    """Make a file where there is nothing, open to write, unbuffered; ``private``: for this user alone, whatever the
    umask."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _FLAGS, 0o600 if private else 0o666)
    return cast("BinaryIO", os.fdopen(handle, "wb", buffering=0))


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to: the file gets its own name when the block ends, and is gone if it raises.

    What was at ``path`` before is replaced, or stays as it was.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        insist(lambda: temporary.replace(path))
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write everything to an unbuffered file: one call may take less."""
    view = memoryview(content)
    while view:
        written = file.write(view)
        if not written:
            raise OSError(f"only {len(content) - len(view)} of {len(content)} bytes could be written")
        view = view[written:]


def open_lock(path: Path, *, mode: int = 0o600) -> BinaryIO:
    """Open a file of our own that is only locked, or make it, with these rights; a link or a pipe in its place is
    refused.

    Raises
    ------
    ForeignFileError
        If something else than a regular file has the name.
    """
    flags, is_made = os.O_RDWR | os.O_CREAT | _FLAGS, True
    try:
        handle = os.open(path, flags | os.O_EXCL, mode)
    except FileExistsError:
        handle, is_made = os.open(path, flags, mode), False
    try:
        # What was made just now is regular, and a disk that refuses to tell would leave it behind.
        if not is_made and not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ForeignFileError(f"{path} is no plain file")
        return cast("BinaryIO", os.fdopen(handle, "r+b", buffering=0))
    except BaseException:
        os.close(handle)
        raise


def has_its_name(file: BinaryIO, path: Path) -> bool:
    """Whether an open file still is what lies at its path: another program may have removed or replaced it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        return False


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone, whatever the umask."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    except FileNotFoundError:
        if folder == folder.parent:
            raise
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_mode & stat.S_IRWXU != stat.S_IRWXU:  # a umask that takes rights of the user's own
        folder.chmod(0o700)


def insist(action: Callable[[], object]) -> None:
    """Do it, again and again while Windows says that somebody has the file open just now."""
    end_s = time.monotonic() + _INSIST_S
    while True:
        try:
            action()
        except PermissionError:  # noqa: PERF203 - one try a turn is meant
            if sys.platform != "win32" or time.monotonic() > end_s:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def made_for(folder: Path, *, private: bool = False) -> Iterator[None]:
    """A folder for the work in the block, made if need be (``private``: as ``make_folder`` does); where that fails,
    what was made and is still empty is taken away again.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    with not_left_empty(folder):
        if private:
            make_folder(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
        yield


@contextlib.contextmanager
def not_left_empty(folder: Path) -> Iterator[None]:
    """Where the block fails, the folder goes, and those above it, that were missing before and are empty."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        yield
    except BaseException:
        for one in missing:
            with contextlib.suppress(OSError):
                one.rmdir()
        raise


def own_folder(
    folder: Path, what: str, *, option: str, private: bool = True, closed: bool = True, make: bool = True
) -> None:
    """Make a folder that only this user can write (``private``: and read), or see to it that one is, like ssh.

    Parameters
    ----------
    what, option : what it is called, and the option that chooses another one.
    closed : whether a disk that has no rights of its own (exFAT, some network drives) is refused; else it is told.
    make : whether one that is not there is made; else there is nothing to see to.

    Raises
    ------
    InputError
        If it cannot be made, is no folder, belongs to somebody else, or was put there as a link by somebody else.
    """
    fix = f"choose another with {option}"
    if _is_foreign_link(folder):  # also one that leads nowhere: it may lead somewhere soon
        raise InputError(f"the {what} {folder} is a link that belongs to another user; {fix}")
    try:
        if not make and not folder.is_dir():
            return
        make_folder(folder)
        found = folder.stat()
    except FileExistsError as exc:
        raise InputError(f"the {what} {folder} cannot be used: it is a file; {fix}") from exc
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or exc
        raise InputError(f"the {what} {folder} cannot be used: {why}; {fix}") from exc
    if not hasattr(os, "getuid"):
        return  # Windows: the user's own folders are private by inherited rights; daemon.txt is made so in any case
    if not is_own(found):
        raise InputError(f"the {what} {folder} belongs to another user (number {found.st_uid}); {fix}")
    excess = stat.S_IMODE(found.st_mode) & (0o077 if private else 0o022)
    if excess:
        with contextlib.suppress(OSError):
            folder.chmod(stat.S_IMODE(found.st_mode) & ~excess)
        if not folder.stat().st_mode & excess:
            logger.warning("the %s %s was open to other users; it is closed to them now", what, folder)
        elif closed:
            raise InputError(f"the {what} {folder} is open to other users, and its disk cannot close it; {fix}")
        else:
            logger.warning("the %s %s is open to other users, and its disk cannot close it; %s", what, folder, fix)


def keep_private(path: Path, *, excess: int = 0o077) -> None:
    """See to it that a file that holds the token is read by this user alone.

    Parameters
    ----------
    path : Path
    excess : the rights that it may not have.

    Raises
    ------
    InputError
        If others can read it, and its rights cannot be changed.
    """
    if not hasattr(os, "getuid") or not path.stat().st_mode & excess:
        return
    try:
        path.chmod(0o600 if excess == 0o077 else stat.S_IMODE(path.stat().st_mode) & ~excess)
    except OSError as exc:
        raise InputError(f"{path} holds the token and others can read it; make it private (chmod 600)") from exc
    logger.warning("%s holds the token and others could read it; it is private now", path)


def keep_secret(path: Path) -> None:
    """See to it that a file that the user named for the token is the user's own, and read by this user alone.

    The administrator (root) may have put it there, as systemd and containers do; then a group may read it too.

    Raises
    ------
    InputError
        If it belongs to another user, or is open to others and its rights cannot be changed.
    """
    if not hasattr(os, "getuid"):
        return
    found = path.stat()  # of what a link of the user's own leads to
    if not is_own(found, or_root=True):
        raise InputError(
            f"{path} holds the token and belongs to another user (number {found.st_uid}); name a file of your own"
        )
    keep_private(path, excess=0o037 if found.st_uid == ADMINISTRATOR else 0o077)


def is_real_folder(path: Path) -> bool:
    """Whether a folder itself has the name, and no link to one."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and not _is_link(found)


def is_own(found: os.stat_result, *, or_root: bool = False) -> bool:
    """Whether a file belongs to this user (``or_root``: or to the administrator); Windows does not say, and means
    yes."""
    return not hasattr(os, "getuid") or found.st_uid == os.getuid() or (or_root and found.st_uid == 0)


def _is_foreign_link(path: Path) -> bool:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return False
    return _is_link(found) and not is_own(found)


def _is_link(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0) & _NAME_SURROGATE)


def _kind(mode: int) -> str:
    for test, name in ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket")):
        if test(mode):
            return name
    return "a device"


def _sync_folder(folder: Path) -> None:
    """The new name itself must survive a power cut too; what is read is right in any case."""
    if sys.platform == "win32":  # has no such call
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as exc:
        logger.warning("%s: a new file's name may not survive a power cut: %s", folder, exc)
