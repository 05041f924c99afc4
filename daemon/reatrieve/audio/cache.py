"""Analyses kept on disk: a folder each, its arrays as .npy files, mapped into memory when used.

An entry appears whole or not at all (written beside, then renamed), is checked when it is opened (a damaged one is a
miss and goes away), and leaves by least recent use when the cache grows over its bound. Two processes may share a
cache: neither waits for the other, and the worst that a race costs is one analysis made twice.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import logging
import os
import secrets
import shutil
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import platformdirs
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.files import (
    is_own,
    is_real_folder,
    make_folder,
    open_new,
    open_regular,
    own_folder,
    read_small,
    write_all,
)
from reatrieve.session.retriever import Analysis

__all__ = ["DEFAULT_MAX_BYTES", "AnalysisCache", "default_cache_folder", "own_cache"]

logger = logging.getLogger(__name__)

DEFAULT_MAX_BYTES = 4 << 30
ENTRIES, HASHES = "analysis", "hashes"
"""The folders in a cache."""
_FORMAT = 1
_INDEX = "index.json"
_INDEX_BYTES = 1 << 20
_PASSING = ".tmp"
_MAPPED_BYTES = 1 << 20
"""Larger arrays are mapped, smaller ones read: a mapping costs a file handle for as long as it lives."""
_NOT_ITS_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_SOON_BYTES = 256 << 20
"""Up to this size an analysis is stored while it is already in use; larger ones are better mapped than held."""

_STALE_S = 86_400.0
_CHUNK_BYTES = 1 << 22

_LATER_S = 0.5
"""A first candidate is found in much less."""

_writing: dict[Path, tuple[threading.Thread, threading.Event]] = {}
"""Entries that a thread of this process is storing, and what makes it begin."""


def default_cache_folder() -> Path:
    """The cache folder of this user on this platform."""
    return Path(platformdirs.user_cache_dir("ReaTrieve", appauthor=False))


def own_cache(folder: Path, *, option: str = "--cache", make: bool = True) -> None:
    """Make a cache that only this user can write, or see to it that one is, with all folders in it.

    Parameters
    ----------
    folder : Path
    option : what chooses another one.
    make : whether one that is not there is made.

    Raises
    ------
    InputError
        As ``files.own_folder``; a link of somebody else's inside would be written through, too.
    """
    own_folder(folder, "cache", option=option, private=False, closed=False, make=make)
    for name in (ENTRIES, HASHES):
        own_folder(folder / name, "cache", option=option, private=False, closed=False, make=False)


class AnalysisCache:
    """Analyses by key.

    Parameters
    ----------
    folder : Path, optional
        Where entries lie; made when first needed. Default: the user's cache folder.
    max_bytes : int >= 0
        Bound of all entries together; the entry just stored stays even where it alone is larger.

    Attributes
    ----------
    folder : Path
    """

    def __init__(self, folder: Path | None = None, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        if max_bytes < 0:
            raise InputError(f"cache bound {max_bytes} is below 0; give a number of bytes")
        self.folder = folder if folder is not None else default_cache_folder()
        self.max_bytes = max_bytes
        self._held: tuple[str, Analysis] | None = None

    @property
    def _entries(self) -> Path:
        return self.folder / ENTRIES

    @property
    def hashes(self) -> Path:
        """Folder of the content hashes' memo (see ``hashing``)."""
        return self.folder / HASHES

    def get(self, key: str) -> Analysis | None:
        """The analysis stored under ``key``; None when there is none, or when it is damaged (then it is removed)."""
        held = self._held
        if held is not None and held[0] == key:
            return held[1]
        entry = self._entries / key
        _wait_for(entry)
        try:
            analysis = _load(entry)
        except (FileNotFoundError, NotADirectoryError):
            if entry.is_dir():
                self._remove(entry)  # half of an entry: somebody deleted files by hand
            return None
        except OSError as error:
            if error.errno in _NOT_ITS_FAULT:
                logger.warning("cache entry %s cannot be read now: %s", key, error.strerror)
                return None
            logger.warning("cache entry %s is damaged and removed: %s", key, error)
            self._remove(entry)
            return None
        except (ValueError, KeyError, TypeError, EOFError, AttributeError, OverflowError, RecursionError) as error:
            logger.warning("cache entry %s is damaged and removed: %s", key, error)
            self._remove(entry)
            return None
        try:
            os.utime(entry / _INDEX)  # "used now", for the eviction
        except OSError as error:
            logger.debug("cache entry %s: %s", key, error)
        return analysis

    def hold(self, key: str, analysis: Analysis) -> None:
        """Keep one analysis in memory, in place of the one before: the next ``get`` gives just this object."""
        self._held = key, analysis

    def release(self) -> None:
        """Let go of what is held in memory; its entry stays."""
        self._held = None

    def put_soon(self, key: str, analysis: Analysis) -> Analysis:
        """Store an analysis, in a thread of its own if it is small enough to be held: nobody waits for the disk.

        Not at once: what is done with the analysis next is what a user waits for. A ``get`` of this process stores it
        now and waits, and the end of the process waits, too.
        """
        if sum(array.nbytes for array in analysis.arrays.values()) > _SOON_BYTES:
            return self.put(key, analysis)
        entry = self._entries / key
        _wait_for(entry)
        now = threading.Event()

        def store() -> None:
            now.wait(_LATER_S)
            self.put(key, analysis)

        thread = threading.Thread(target=store, name="reatrieve-cache", daemon=False)
        thread.start()
        _writing[entry] = thread, now  # not before: who finds it joins it
        return analysis

    def put(self, key: str, analysis: Analysis) -> Analysis:
        """Store an analysis and return it as ``get`` would: the same values, large arrays mapped.

        A disk that is full or read-only costs a warning, and the analysis is returned as it was.
        """
        entry = self._entries / key
        passing = self._entries / f"{key}.{secrets.token_hex(6)}{_PASSING}"
        try:
            make_folder(passing)
            _save(passing, analysis)
            self._sweep()
            self._place(passing, entry)
        except OSError as error:
            why = error.strerror or error
            logger.warning("the analysis is not kept in %s (%s); the next search makes it again", self._entries, why)
            shutil.rmtree(passing, ignore_errors=True)
            return analysis
        self._evict(spare=key)
        try:
            return _load(entry)
        except (OSError, ValueError) as error:  # another process made room meanwhile
            logger.debug("cache entry %s: %s", key, error)
            return analysis

    def size_bytes(self) -> int:
        """Bytes of all entries."""
        return sum(size for _, size, _ in self._survey())

    def _place(self, passing: Path, entry: Path) -> None:
        """Give a finished entry its name; if another process was first, its entry is as good."""
        try:
            passing.rename(entry)
        except OSError:
            if not entry.is_dir():
                raise
            shutil.rmtree(passing, ignore_errors=True)

    def _remove(self, entry: Path) -> bool:
        """Take an entry away at once: renamed first, so that nobody finds half of it.

        Windows refuses while the entry's files are mapped; then it stays. Elsewhere a mapping outlives the file.
        """
        passing = entry.with_name(f"{entry.name}.{secrets.token_hex(6)}{_PASSING}")
        try:
            entry.rename(passing)
        except OSError as error:
            logger.debug("cache entry %s stays: %s", entry.name, error)
            return False
        _delete(passing)
        return True

    def _evict(self, *, spare: str) -> None:
        survey = self._survey()
        excess = sum(size for _, size, _ in survey) - self.max_bytes
        for _, size, entry in sorted(survey):
            if excess <= 0:
                return
            if entry.name != spare and self._remove(entry):
                logger.info("cache entry %s (%d bytes) made room", entry.name, size)
                excess -= size

    def _survey(self) -> list[tuple[int, int, Path]]:
        """Time of last use, size and folder of each entry."""
        found = []
        for entry in self._entries.glob("*"):
            if entry.suffix == _PASSING:
                continue
            with contextlib.suppress(OSError):  # on its way out, by another process
                size = sum(file.stat().st_size for file in entry.iterdir())
                found.append(((entry / _INDEX).stat().st_mtime_ns, size, entry))
        return found

    def _sweep(self) -> None:
        """Remove what crashed processes left half written."""
        for passing in self._entries.glob(f"*{_PASSING}"):
            with contextlib.suppress(OSError):
                if time.time() - passing.lstat().st_mtime > _STALE_S:
                    _delete(passing)


def _delete(passing: Path) -> None:
    """Delete an entry, or what somebody has put in the place of one."""
    if is_real_folder(passing):
        shutil.rmtree(passing, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        passing.unlink()


def _wait_for(entry: Path) -> None:
    writing = _writing.pop(entry, None)
    if writing is not None:
        thread, now = writing
        now.set()
        thread.join()


def _save(folder: Path, analysis: Analysis) -> None:
    """Write an entry's files, and see the arrays to the disk: else the next journal's ``fsync`` would wait for them
    (ext4 writes what is due together), while a user waits for that. The small index is left to the system."""
    index: dict[str, Any] = {"format": _FORMAT, "n_samples": analysis.n_samples, "arrays": {}}
    for number, (name, array) in enumerate(analysis.arrays.items()):
        file = folder / f"{number}.npy"
        with io.BufferedWriter(cast("io.FileIO", open_new(file, private=True))) as stream:
            np.save(stream, np.asarray(array), allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
        with open_regular(file) as written:
            index["arrays"][name] = {"file": file.name, "bytes": file.stat().st_size, "crc": _checksum(written)}
    with open_new(folder / _INDEX, private=True) as stream:
        write_all(stream, json.dumps(index).encode("utf-8"))


def _load(folder: Path) -> Analysis:
    if not is_own(folder.lstat(), or_root=True) or not is_real_folder(folder):
        raise ValueError("somebody else has put it there")
    index: Mapping[str, Any] = json.loads(read_small(folder / _INDEX, max_bytes=_INDEX_BYTES, own=True))
    if index["format"] != _FORMAT:
        raise ValueError(f"format {index['format']}")
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, row in index["arrays"].items():
        file = folder / row["file"]
        if file.parent != folder:
            raise ValueError(f"{file} lies elsewhere")
        with open_regular(file, own=True) as stream:
            if os.fstat(stream.fileno()).st_size != row["bytes"] or _checksum(stream) != row["crc"]:
                raise ValueError(f"{file.name} is not what was written")
            stream.seek(0)
            mapped = row["bytes"] > _MAPPED_BYTES
            arrays[name] = _mapped(stream) if mapped else np.load(stream, allow_pickle=False)
    return Analysis(int(index["n_samples"]), arrays)


def _mapped(stream: BinaryIO) -> NDArray[np.generic]:
    """As ``np.load`` with ``mmap_mode``, which opens by name: another file may have it by now."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("no array of ours")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    return np.memmap(stream, dtype, "r", stream.tell(), shape, "F" if by_columns else "C")


def _checksum(stream: BinaryIO) -> int:
    crc = 0
    while chunk := stream.read(_CHUNK_BYTES):
        crc = zlib.crc32(chunk, crc)
    return crc
