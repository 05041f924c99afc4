"""Sound files opened by libsndfile as all files of others are: only if they are regular, and without waiting."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import soundfile

from reatrieve.files import open_regular

__all__ = ["OpenSound"]


_opening = threading.Lock()
PATIENCE_S = 0.25


class _Patient:
    """soundfile lets one thread of a process open a file at a time, to have the right words where that fails. A network
    drive that stands still would stop every other search: whoever has waited for a while goes on without that."""

    def __init__(self) -> None:
        self._held = False

    def __enter__(self) -> None:
        self._held = _opening.acquire(timeout=PATIENCE_S)

    def __exit__(self, *_: object) -> None:
        if self._held:
            _opening.release()


class OpenSound(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A ``soundfile.SoundFile`` to read from, of a file that may be exchanged for a pipe at any moment.

    Raises
    ------
    OSError
        If it is no regular file, or cannot be opened.
    soundfile.LibsndfileError
        If libsndfile cannot read it.
    """

    def __init__(self, path: Path) -> None:
        self._sf_error_lock = _Patient()
        self._source: BinaryIO | None = None
        if os.name == "nt":  # which has no pipes among its files, and where libsndfile takes no descriptor
            super().__init__(path)
            return
        self._source = open_regular(path, any_link=True)
        try:
            try:
                super().__init__(self._source.fileno(), closefd=False)
            except soundfile.LibsndfileError as error:
                with _named(self._source, path, error) as link:
                    super().__init__(link)
        except BaseException:
            self._source.close()
            raise

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        super().close()
        if self._source is not None:
            self._source.close()


@contextlib.contextmanager
def _named(source: BinaryIO, path: Path, error: Exception) -> Iterator[Path]:
    """A name with the ending of ``path``, for what libsndfile tells by that alone (mp3 after padding) or finds beside
    it (the second file of Sound Designer II). It leads to the file that is open, whatever lies at ``path`` by now.

    ``error`` is raised where there is nothing to tell, or no such name can be made.
    """
    if not path.suffix or os.fstat(source.fileno()).st_size == 0:
        raise error
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reatrieve-"))
            link = Path(folder, f"sound{path.suffix}")
            link.symlink_to(f"/dev/fd/{source.fileno()}")
            source.seek(0)  # macOS opens such a name where the descriptor stands
            with contextlib.suppress(OSError):
                second = stack.enter_context(open_regular(path.with_name(f"._{path.name}"), any_link=True))
                link.with_name(f"._{link.name}").symlink_to(f"/dev/fd/{second.fileno()}")
        except OSError:
            raise error from None
        yield link
