"""Tells when a source file changed under a running session."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from reatrieve.audio.hashing import FileStamp, content_hash, file_stamp
from reatrieve.errors import AudioError, CancelledError

__all__ = ["SourceWatch"]

logger = logging.getLogger(__name__)

POLL_S = 5.0
"""Files are looked at this often even without events: network drives send none."""

SETTLE_S = 0.3
"""A file must have rested this long before its content is read: renders are written in many pieces."""


class SourceWatch:
    """Watches sound files for a change of content.

    The folders are watched, not the files, so that a file replaced by renaming another one over it is noticed. Events
    only wake this up; size and time of change decide whether a file is read, its content hash whether it changed. A
    file that is gone is no change; when it comes back different, that is one. That it is gone is told apart, when it
    stays so (a file that is replaced is gone for a moment, too).

    Parameters
    ----------
    on_change : Callable[[Path], None]
        Called from the watch's own thread, once for each new content.
    on_gone : Callable[[Path], None], optional
        Called likewise, once for each time that a file that was there is gone.
    poll_s, settle_s : float
        See ``POLL_S`` and ``SETTLE_S``.
    """

    def __init__(
        self,
        on_change: Callable[[Path], None],
        *,
        on_gone: Callable[[Path], None] = lambda _path: None,
        poll_s: float = POLL_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._on_change = on_change
        self._on_gone = on_gone
        self._poll_s = poll_s
        self._settle_s = settle_s
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}
        self._folders: dict[Path, ObservedWatch | None] = {}
        self._woken = threading.Event()
        self._closed = threading.Event()
        self._observer: BaseObserver | None = None
        self._blind = False
        self._worker = threading.Thread(target=self._work, name="reatrieve-sources", daemon=True)
        self._worker.start()

    def watch(self, paths: Iterable[Path], *, sounds: dict[Path, str] | None = None) -> None:
        """Begin to watch files, in addition to those watched already; returns at once, whatever the disk does.

        Parameters
        ----------
        paths : the files; one that is gone now is watched for its return.
        sounds : content hashes as of the analysis, so that a change since then is told at once; files without one are
            hashed as they are now.
        """
        with self._lock:
            for path in paths:
                if path not in self._known:
                    self._known[path] = _Known((sounds or {}).get(path))
        self._woken.set()

    def forget(self, paths: Iterable[Path]) -> None:
        """Watch these files no longer."""
        with self._lock:
            for path in paths:
                self._known.pop(path, None)
        self._woken.set()

    def close(self) -> None:
        """Stop; no call of ``on_change`` begins after this returns. Not to be called from ``on_change``.

        Sessions may end later than this: what they forget then has been let go of already.
        """
        with self._lock:
            self._known.clear()
        self._closed.set()
        self._woken.set()
        self._worker.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _watch_folders(self, paths: Iterable[Path]) -> None:
        """Watch the folders of these files and no others."""
        wanted = {path.absolute().parent for path in paths}
        for folder in wanted - set(self._folders):
            self._folders[folder] = self._watch_folder(folder)
        for folder in set(self._folders) - wanted:
            watched = self._folders.pop(folder)
            if watched is not None and self._observer is not None:
                with contextlib.suppress(
                    KeyError, OSError
                ):  # the observer ended by itself, and knows no watch any more
                    self._observer.unschedule(watched)

    def _watch_folder(self, folder: Path) -> ObservedWatch | None:
        observer = self._started()
        if observer is None:
            return None
        try:
            return observer.schedule(_Waker(self._woken), os.fspath(folder), recursive=False)
        except OSError as error:  # folder gone, or the system's limit of watches reached
            logger.warning("%s is not watched, looked at every %g s instead: %s", folder, self._poll_s, error)
            return None

    def _started(self) -> BaseObserver | None:
        """The observer; None where the system has none left (told once): polling alone finds changes too."""
        if self._observer is None and not self._blind:
            try:
                observer = Observer()
                observer.daemon = True
                observer.start()
                self._observer = observer
            except OSError as error:
                self._blind = True
                logger.warning("source files are looked at every %g s, there are no events: %s", self._poll_s, error)
        return self._observer

    def _work(self) -> None:
        unsettled = False
        while not self._closed.is_set():
            if unsettled:
                self._closed.wait(self._settle_s)
            else:
                self._woken.wait(self._poll_s)
            self._woken.clear()
            try:
                unsettled = self._look_at_all()
            except Exception:  # one odd file must not blind the watch
                logger.exception("watching source files met a fault")
                unsettled = False

    def _look_at_all(self) -> bool:
        """Look at every file; True: one is still being written, look again soon."""
        with self._lock:
            paths = list(self._known)
        self._watch_folders(paths)
        unsettled = False
        for path in paths:
            if self._closed.is_set():
                break
            unsettled |= self._look(path)
        return unsettled

    def _look(self, path: Path) -> bool:
        """Look at one file; True: it is still being written, look again soon."""
        known = self._known.get(path)
        stamp = _stamp(path)
        if known is None:
            return False
        if stamp is None:
            return self._miss(path, known)
        known.missed = 0
        if known.sound is not None and stamp == known.stamp:
            return False
        if stamp != known.seen and known.sound is not None:
            known.seen = stamp
            return True
        try:
            sound = content_hash(path, cancel=self._closed.is_set)
        except (AudioError, CancelledError) as error:
            logger.debug("%s: %s", path, error)
            return False
        if _stamp(path) != stamp:
            known.seen = None
            return True
        before, known.sound, known.stamp, known.seen = known.sound, sound, stamp, None
        if before is not None and sound != before and not self._closed.is_set():
            logger.info("source changed: %s", path)
            self._tell(self._on_change, path)
        return False

    def _miss(self, path: Path, known: _Known) -> bool:
        """A file is not there: told at the second look; True: look again soon."""
        if known.sound is None or known.missed > 1 or self._closed.is_set():
            return False
        known.missed += 1
        if known.missed > 1:
            logger.info("source gone: %s", path)
            self._tell(self._on_gone, path)
        return known.missed == 1

    def _tell(self, listener: Callable[[Path], None], path: Path) -> None:
        try:
            listener(path)
        except Exception:  # a listener's fault must not blind the watch
            logger.exception("listener failed for %s", path)


class _Known:
    """What is known of one file: stamp and hash of the content last told, and the stamp seen while it settles."""

    __slots__ = ("missed", "seen", "sound", "stamp")

    def __init__(self, sound: str | None) -> None:
        self.sound = sound
        self.stamp: FileStamp | None = None
        self.seen: FileStamp | None = None
        self.missed = 0


class _Waker(FileSystemEventHandler):
    """Any event in a watched folder wakes the worker, which looks for itself."""

    def __init__(self, woken: threading.Event) -> None:
        self._woken = woken

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake up, but not because somebody (this watch, too) read a file."""
        if event.event_type not in ("opened", "closed_no_write"):
            self._woken.set()


def _stamp(path: Path) -> FileStamp | None:
    try:
        return file_stamp(path)
    except AudioError:
        return None
