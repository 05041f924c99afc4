"""What a sound file contains, as a short text: equal text, equal bytes, whatever the file is called."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from reatrieve.errors import AudioError, CancelledError
from reatrieve.files import appearing, make_folder, open_new, open_regular, read_small, reason, write_all

__all__ = ["FileStamp", "SoundHashes", "content_hash", "file_stamp", "gone"]

logger = logging.getLogger(__name__)

FileStamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: finds a known hash, proves nothing."""

_CHUNK_BYTES = 1 << 20
_SETTLED_S = 2.0
"""A file changed within the last seconds may change again within one tick of its file system's clock."""

_MEMO_LIMIT = 20_000
_MEMO_BYTES = 65_536


def gone(path: Path) -> AudioError:
    """The error of a sound file that is not there, or has something else in its place."""
    with contextlib.suppress(OSError, ValueError):
        if not stat.S_ISREG(path.stat().st_mode):
            return AudioError(
                f"{path} is no plain file; relink the item in REAPER to a sound file and run Find again (its answers "
                "are kept)"
            )
    return AudioError(
        f"{path}: no such file; bring it back, or relink the item in REAPER and run Find again (its answers are kept)"
    )


def file_stamp(path: Path) -> FileStamp:
    """Size and time of change.

    Raises
    ------
    AudioError
        If the file is gone.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise gone(path) from error
    return found.st_size, found.st_mtime_ns


def content_hash(path: Path, *, cancel: Callable[[], bool] | None = None) -> str:
    """BLAKE2b (160 bits, hexadecimal) of a file's bytes, read in pieces of 1 MB: about 1 GB/s.

    Raises
    ------
    AudioError
        If the file cannot be read.
    CancelledError
        When ``cancel`` said so.
    """
    digest = hashlib.blake2b(digest_size=20)
    try:
        with open_regular(path, any_link=True) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                if cancel and cancel():
                    raise CancelledError("stopped before the sound was read")
    except (OSError, ValueError) as error:
        raise AudioError(
            f"{path}: cannot be read ({reason(path, error)}); check the file and its permissions"
        ) from error
    return digest.hexdigest()


class SoundHashes:
    """Content hashes that need not be computed twice: remembered by path, size and time of change.

    Parameters
    ----------
    folder : Path
        Where the memo lies, one small file for each sound; made when first needed. Two processes may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, path: Path, *, cancel: Callable[[], bool] | None = None) -> str:
        """The content hash of a file; errors as ``content_hash``."""
        stamp = file_stamp(path)
        memo = self._folder / f"{hashlib.blake2b(os.fsencode(path.absolute()), digest_size=16).hexdigest()}.json"
        known = _recall(memo)
        if known and known[:3] == (str(path.absolute()), *stamp):
            return known[3]
        found = content_hash(path, cancel=cancel)
        if file_stamp(path) == stamp and time.time_ns() - stamp[1] > _SETTLED_S * 1e9:
            self._remember(memo, (str(path.absolute()), *stamp, found))
        return found

    def of_all(self, paths: Iterable[Path], *, cancel: Callable[[], bool] | None = None) -> dict[Path, str]:
        """The content hash of each file."""
        return {path: self.of(path, cancel=cancel) for path in paths}

    def _remember(self, memo: Path, row: tuple[str, int, int, str]) -> None:
        """Write the memo; that it cannot be written costs time later, nothing else."""
        try:
            make_folder(self._folder)
            with appearing(memo) as temporary, open_new(temporary, private=True) as file:
                write_all(file, json.dumps(row).encode("utf-8"))
            self._sweep()
        except OSError as error:
            logger.warning("no hash is kept in %s (%s); it is computed again", self._folder, error.strerror or error)

    def _sweep(self) -> None:
        """Drop the older half when there are very many."""
        memos = list(self._folder.glob("*.json"))
        if len(memos) <= _MEMO_LIMIT:
            return
        memos.sort(key=lambda memo: memo.stat().st_mtime_ns)
        for memo in memos[: len(memos) // 2]:
            memo.unlink(missing_ok=True)


def _recall(memo: Path) -> tuple[str, int, int, str] | None:
    try:
        path, size, changed_ns, found = json.loads(read_small(memo, max_bytes=_MEMO_BYTES, own=True))
        return str(path), int(size), int(changed_ns), str(found)
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None  # never written, or torn: computed anew
