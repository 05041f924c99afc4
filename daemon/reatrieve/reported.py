"""What of the daemon's log may leave in a bug report: fixed words, numbers, times and faults. Of text from outside only
what has the form of a version stays.

``daemon.log`` names files and sounds, for its user. Each of its lines is also written to ``report.log``, where every
argument of the line that is neither a number nor one of our own words (``Ours``) is replaced. So no name has to be
recognised, whatever is in it. What a client says of its versions is made ours by ``ours_if`` where all of it has the
form of one (``VERSION``, ``HOST``), which has no room for a name.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import numbers
import os
import re
import traceback
from collections.abc import Mapping
from pathlib import PurePath

__all__ = ["FILE_NAME", "HOST", "KINDS", "REPORT_FORMAT", "VERSION", "Ours", "kind_of", "ours_if", "reported"]

FILE_NAME = "report.log"
REPORT_FORMAT = "%(asctime)s %(levelname)s %(name)s:%(lineno)d: %(message)s"
"""The number of the line finds the words where a sentence was left out."""

KINDS = (
    "wav|wave|w64|rf64|aif|aiff|aifc|flac|ogg|oga|opus|mp3|caf|m4a|mid|midi|rpp|rpp-bak|reapeaks|reatrieve|onnx|toml|lua|py|"
    "pyc|whl|exe|dll|so|dylib|json|jsonl|txt|csv|tsv|log|ini|osc|db|zip|npz|tmp"
)
"""Suffixes that tell nothing of the user; the name of a file ends with one."""

_NUMBERS = r"\d{1,4}(?:\.\d{1,4}){0,3}(?:[.+-]?(?:a|b|rc|dev|post|pre)\d{0,8}){0,2}"
_SYSTEM = r"(?:OSX|(?:OSX|macOS-|linux-|win-?)?(?:x64|x86(?:_64)?|i[3-6]86|arm64(?:ec)?|aarch64|armv[67]l|32|64))"
VERSION = re.compile(_NUMBERS, re.ASCII)
"""As of the scripts, and of Lua: ``1.2.3``, ``1.2.3rc1``, ``5.4``."""
HOST = re.compile(rf"REAPER {_NUMBERS}(?:/{_SYSTEM})?", re.ASCII)
"""``REAPER 7.80/linux-x86_64``."""

MOST_FRAMES = 40
_KIND = re.compile(rf"\.(?:{KINDS})\Z", re.IGNORECASE)
_OF_THE_SYSTEM = frozenset(os.strerror(number) for number in errno.errorcode)
_SALT = os.urandom(16)


class Ours(str):
    """A word in a log line that is from ourselves, such as the name of a command, or that ``ours_if`` has looked at: it
    stays in a bug report."""

    __slots__ = ()


def ours_if(form: re.Pattern[str], text: str) -> str:
    """A word from outside: ``Ours`` where all of it has this form, else as it is, so that it is replaced."""
    return Ours(text) if form.fullmatch(text) else text


def kind_of(text: str) -> str:
    """The suffix that a name ends with, with its dot, where that tells nothing of the user; else ""."""
    found = _KIND.search(text)
    return found[0] if found else ""


def reported(record: logging.LogRecord) -> str:
    """A record's line without what is from outside; a fault with where it was raised instead of what it says."""
    arguments = record.args or ()
    if record.name.partition(".")[0] != "reatrieve" or isinstance(arguments, Mapping):  # a library's: any form
        text = str(_shown(record.getMessage()))
    else:
        text = str(record.msg) % tuple(_shown(one) for one in arguments) if arguments else str(record.msg)
    if record.exc_info and record.exc_info[1] is not None:
        text += f" [{_faults(record.exc_info[1])}]"
    return text


def _shown(value: object) -> object:
    """An argument as it may be shown, for whatever form the line asks for."""
    if value is None or isinstance(value, (Ours, numbers.Number)):
        return value
    if isinstance(value, BaseException):
        return f"<{_fault(value, most=1)}>"
    text = str(value)
    if text in _OF_THE_SYSTEM:
        return text
    number = hashlib.blake2b(text.encode("utf-8", "replace"), key=_SALT, digest_size=3).hexdigest()
    return f"<{'path' if isinstance(value, PurePath) else 'text'} {number}{kind_of(text)}>"


def _faults(error: BaseException) -> str:
    """An error and those that it came from."""
    told, seen = [], set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        told.append(_fault(one, most=MOST_FRAMES))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "; from ".join(told)


def _fault(error: BaseException, *, most: int) -> str:
    """An error's kind, and the places in the program through which it came, the last ones last."""
    number = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    kind = type(error).__name__ + (f" {number}" if number else "")
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [place for place in places if place.startswith("reatrieve.")]
    shown = (ours or places)[-1:] if most == 1 else places[-most:]
    return f"{kind} at {', '.join(shown)}" if shown else kind
