"""What can go wrong, by whose fault: each error carries the code that crosses the wire and the exit status."""

from __future__ import annotations

from typing import ClassVar

__all__ = ["AudioError", "CancelledError", "InputError", "JournalError", "ProtocolError", "ReatrieveError"]


class ReatrieveError(Exception):
    """Base of every error that ReaTrieve raises on purpose; its text is one sentence for the user."""

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1


class InputError(ReatrieveError, ValueError):
    """A value, option or file that the user gave cannot be used as it is."""

    code = "input"
    exit_status = 2


class AudioError(ReatrieveError, OSError):
    """A sound file cannot be found, read or written."""

    code = "audio"


class ProtocolError(ReatrieveError, ValueError):
    """A message that does not fit the protocol (docs/protocol.md)."""

    code = "protocol"


class JournalError(ReatrieveError, ValueError):
    """A session journal that cannot be replayed."""

    code = "journal"


class CancelledError(ReatrieveError):
    """The user stopped the work before it was done; nothing of it was kept."""

    code = "cancelled"
    exit_status = 130
