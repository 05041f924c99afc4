"""Sound files opened by libsndfile as all files of others are: only if they are regular, and without waiting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import soundfile

from reatrieve.files import open_regular

__all__ = ["OpenSound"]


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
        self._source: BinaryIO | None = None
        if os.name != "nt":  # which has no pipes among its files, and where libsndfile takes no descriptor
            self._source = open_regular(path, any_link=True)
            try:
                super().__init__(self._source.fileno(), closefd=False)
            except soundfile.LibsndfileError:
                self._source.close()  # what libsndfile tells by the name alone: mp3 after padding, Sound Designer II
            except BaseException:
                self._source.close()
                raise
            else:
                return
        super().__init__(path)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        super().close()
        if self._source is not None:
            self._source.close()
