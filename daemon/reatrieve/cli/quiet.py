"""What libraries write to standard error from C goes nowhere: mpg123's warnings of an odd mp3, ALSA's of a missing
device. What such a library cannot do comes as an exception, and is told as a sentence."""

from __future__ import annotations

import faulthandler
import io
import os
import sys

__all__ = ["quiet_libraries"]

_STANDARD_ERROR = 2


def quiet_libraries() -> None:
    """From here on only Python writes to standard error; not under ``python -X faulthandler``, which writes there from
    C, too. Windows, whose libraries each have a C runtime of their own, stays as it is."""
    if sys.platform == "win32" or faulthandler.is_enabled():
        return
    if sys.stderr is not None:  # else it is closed, and must not become the number of a file that is opened later
        sys.stderr.flush()
        ours = io.FileIO(os.dup(_STANDARD_ERROR), "w")
        sys.stderr = io.TextIOWrapper(ours, encoding="utf-8", errors="replace", write_through=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != _STANDARD_ERROR:
        os.dup2(nowhere, _STANDARD_ERROR)
        os.close(nowhere)
