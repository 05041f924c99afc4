"""Text from outside made harmless for logs, terminals and REAPER's status line."""

from __future__ import annotations

import logging
import re

__all__ = ["LOG_FORMAT", "PlainFormatter", "plain", "plain_json", "quoted", "set_in", "shortened"]

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""Of the daemon, in its log file and on its terminal."""

QUOTED = 80
"""Characters of a cell or line that a sentence quotes."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def plain(text: str) -> str:
    """The text with every control character (line breaks and marks of direction, too) written as an escape, so that it
    can neither move a cursor, nor begin a line, nor fail to be encoded."""
    return _CONTROL.sub(_escape, text)


def plain_json(text: str) -> str:
    """JSON in one line, with those control characters as escapes of JSON that it may hold as they are."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def quoted(text: object, most: int = QUOTED) -> str:
    """What somebody wrote, in quotation marks, for a sentence; of a long text its beginning."""
    whole = str(text)
    return repr(whole) if len(whole) <= most else f"{whole[:most]!r}..."


def shortened(text: object, most: int = QUOTED) -> str:
    """As ``quoted``, without quotation marks: names in a list, say."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[:most]}..."


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class PlainFormatter(logging.Formatter):
    """One line a record; the lines of a traceback are set in, so that no text can pass for a record of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The record's line."""
        record.message = plain(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802
        """The traceback, a set-in line each."""
        return set_in(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """The stack, a set-in line each."""
        return set_in(super().formatStack(stack_info))


def set_in(text: str) -> str:
    """Each line harmless and set in by four spaces."""
    return "\n".join("    " + plain(line) for line in text.split("\n"))
