"""What can go wrong, by whose fault: each error carries the code that crosses the wire and the exit status."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "AudioError",
    "CancelledError",
    "InputError",
    "JournalError",
    "NoShippedAudioError",
    "NotAJournalError",
    "ProtocolError",
    "ReatrieveError",
    "SilentError",
    "did_you_mean",
    "lacks_memory",
]


_NO_MEMORY = ("failed to map segment", "annot allocate memory", "can't start new thread")
"""Words of the system's loader of libraries, of the C library, and of Python."""


def did_you_mean(word: str, names: Sequence[str], *, cutoff: float = 0.6) -> str:
    """A guess for the middle of a sentence: ``"did you mean 'json'? "``, or "" where no name is alike enough (0..1)."""
    near = difflib.get_close_matches(word, names, n=1, cutoff=cutoff)
    return f"did you mean {near[0]!r}? " if near else ""


def lacks_memory(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that there is no room: a library that cannot be loaded, too."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        text = str(one)
        if isinstance(one, MemoryError) or getattr(one, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(one, (ImportError, OSError, RuntimeError)) and any(words in text for words in _NO_MEMORY):
            return True
        one = one.__cause__ or one.__context__
    return False


class ReatrieveError(Exception):
    """Base of every error that ReaTrieve raises on purpose; its text is one sentence for the user."""

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1


class InputError(ReatrieveError, ValueError):
    """A value, option or file that the user gave cannot be used as it is."""

    code = "input"
    exit_status = 2


class SilentError(InputError):
    """There is nothing to search in a sound."""


class AudioError(ReatrieveError, OSError):
    """A sound file cannot be found, read or written."""

    code = "audio"


class NoShippedAudioError(AudioError):
    """The audio that the game ships is not there.

    Parameters
    ----------
    path : where it should be.
    """

    def __init__(self, path: object) -> None:
        super().__init__(f"{path}: no such file; choose the audio that the game ships")
        self.path = path


class ProtocolError(ReatrieveError, ValueError):
    """A message that does not fit the protocol (docs/protocol.md)."""

    code = "protocol"


class JournalError(ReatrieveError, ValueError):
    """A session journal that cannot be replayed."""

    code = "journal"


class NotAJournalError(JournalError):
    """A file that never was a journal: not one with damage."""


class CancelledError(ReatrieveError):
    """The user stopped the work before it was done; nothing of it was kept."""

    code = "cancelled"
    exit_status = 130
