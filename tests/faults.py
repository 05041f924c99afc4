"""A disk that fails: the n-th of the calls that write, for all files below one folder.

Python's own calls are exchanged while a ``FaultyDisk`` is active: opening for writing, write, truncate, fsync, rename
and mkdir; with ``reads`` also opening for reading, and read. Those below the folder are counted; the n-th fails in the
way that is asked for.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import pathlib
import signal
import sys
from pathlib import Path

KINDS = ("ENOSPC", "EIO", "EACCES", "short write")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@contextlib.contextmanager
def files_of_at_most(n_bytes):
    """Files of this process and its children take no more: the kernel refuses, as a full disk does (not on Windows)."""
    import resource

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


class FaultyDisk:
    """Counts the calls below ``folder``; number ``fails_at`` (0: none) fails, with ``lasting`` all after it, too.

    Attributes
    ----------
    calls : what was done, in order: (name of the call, path).
    """

    def __init__(self, folder, *, fails_at=0, kind="EIO", lasting=False, reads=False):
        self.folder, self.reads = os.fspath(folder), reads
        self.fails_at, self.kind, self.lasting = fails_at, kind, lasting
        self.calls = []
        self.paths = {}
        self.active = False

    @property
    def failed(self):
        """Whether a call has failed so far."""
        return 0 < self.fails_at <= len(self.calls)

    def call(self, name, path):
        """Count one call; raises where it is the one that fails. True: only half of it is to be done."""
        if not self.active or not os.fspath(path).startswith(self.folder):
            return False
        self.calls.append((name, os.fspath(path)))
        n = len(self.calls)
        if not (n == self.fails_at or (self.lasting and 0 < self.fails_at < n)):
            return False
        if self.kind == "short write":
            if name == "write":
                return True
            number = errno.EIO
        else:
            number = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number), os.fspath(path))

    @contextlib.contextmanager
    def mounted(self):
        """Exchange the calls, inside this block."""
        real_open, real_os_open, real_fsync, real_mkdir = io.open, os.open, os.fsync, os.mkdir
        real_replace, real_rename = os.replace, os.rename

        def faulty_os_open(path, flags, mode=0o777, **more):
            if (flags & _WRITING or self.reads) and not isinstance(path, int):
                self.call("open", path)
            handle = real_os_open(path, flags, mode, **more)
            self.paths[handle] = os.fspath(path)
            return handle

        def faulty_open(file, mode="r", buffering=-1, *rest, **more):
            known = self.paths.get(file) if isinstance(file, int) else os.fspath(file)
            writes = known is not None and (self.reads or any(letter in mode for letter in "wxa+"))
            if writes and not isinstance(file, int):
                self.call("open", known)
            if not writes or not str(known).startswith(self.folder):
                return real_open(file, mode, buffering, *rest, **more)
            if "b" in mode:
                return _File(real_open(file, mode, buffering, *rest, **more), self, known)
            raw = _File(real_open(file, mode.replace("t", "") + "b", 0), self, known)
            return _Text(raw, *rest, **more)

        def faulty_fsync(handle):
            self.call("fsync", self.paths.get(handle, ""))
            real_fsync(handle)

        def renaming(real, name):
            def faulty(source, target, **more):
                self.call(name, target)
                real(source, target, **more)

            return faulty

        def faulty_mkdir(path, mode=0o777, **more):
            if not os.path.isdir(path):  # noqa: PTH112
                self.call("mkdir", path)
            real_mkdir(path, mode, **more)

        moved = renaming(real_replace, "rename")
        exchanged = [
            (os, "open", faulty_os_open), (io, "open", faulty_open), (builtins, "open", faulty_open),
            (os, "fsync", faulty_fsync), (os, "mkdir", faulty_mkdir), (os, "replace", moved),
            (os, "rename", renaming(real_rename, "rename")),
            (Path, "open", lambda path, *rest, **more: faulty_open(path, *rest, **more)),
            (Path, "replace", lambda path, target: (moved(path, target), Path(target))[1]),
            (Path, "rename", lambda path, target: (moved(path, target), Path(target))[1]),
        ]  # fmt: skip
        if sys.version_info < (3, 11):  # before that, Path.mkdir keeps the function that it found when it was imported
            exchanged.append((pathlib._NormalAccessor, "mkdir", staticmethod(faulty_mkdir)))
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in exchanged]
        for owner, name, new in exchanged:
            setattr(owner, name, new)
        self.active = True
        try:
            yield self
        finally:
            self.active = False
            for owner, name, old in before:
                setattr(owner, name, old)


class _File:
    """A binary file whose writes and truncations, and reads where the disk counts them, are counted."""

    def __init__(self, file, disk, path):
        self._file, self._disk, self._path = file, disk, path

    def write(self, data):
        if self._disk.call("write", self._path):
            n_bytes = memoryview(data).nbytes // 2
            written = self._file.write(memoryview(data).cast("B")[:n_bytes])
            if not isinstance(self._file, io.RawIOBase):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
            return written
        return self._file.write(data)

    def read(self, *size):
        if self._disk.reads:
            self._disk.call("read", self._path)
        return self._file.read(*size)

    def readinto(self, buffer):
        if self._disk.reads:
            self._disk.call("read", self._path)
        return self._file.readinto(buffer)

    def truncate(self, *size):
        self._disk.call("truncate", self._path)
        return self._file.truncate(*size)

    def fileno(self):
        handle = self._file.fileno()
        self._disk.paths[handle] = self._path
        return handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __iter__(self):
        return iter(self._file)

    def __getattr__(self, name):
        return getattr(self._file, name)


class _Text:
    """A text file on a counted binary one."""

    def __init__(self, raw, encoding=None, errors=None, newline=None):
        self._raw, self._encoding, self._errors, self._newline = raw, encoding or "utf-8", errors or "strict", newline

    def write(self, text):
        if self._newline is None:
            text = text.replace("\n", os.linesep)
        data = memoryview(text.encode(self._encoding, self._errors))
        while data:
            written = self._raw.write(data)
            if not written:  # as a full disk says in the end
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[written:]
        return len(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._raw.close()

    def __getattr__(self, name):
        return getattr(self._raw, name)
