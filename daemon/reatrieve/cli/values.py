"""What the command line takes and prints: times, spans, files and folders."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import re
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reatrieve.errors import AudioError, InputError, ReatrieveError
from reatrieve.files import MOST_PARTS, made_for, open_source, read_small, write_whole
from reatrieve.installation import loaded, missing
from reatrieve.plain import plain, quoted
from reatrieve.session.spans import Span, demand_example_length

__all__ = [
    "check_file_to_write",
    "check_folder_to_write",
    "check_json_to_write",
    "check_sound_file",
    "clock",
    "command_line",
    "demand_module",
    "example_span",
    "file_path",
    "finite",
    "finite_within",
    "load_module",
    "path_text",
    "plural",
    "seconds",
    "seconds_or_number",
    "sha256",
    "sound_notes",
    "text",
    "whole",
    "whole_up_to",
    "write_text",
]

SHOWN_DIGITS = 20
"""Of a number that is too large."""
MOST_JSON_BYTES = 64 << 20
"""Of figures of an earlier run; what is larger is something else."""

_CLOCK = re.compile(r"(-?)(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)\Z", re.ASCII)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE | re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")


def seconds(text: str) -> float:
    """Read ``83.5``, ``1:23.5`` or ``0:01:23.5``; a sign may stand before it."""
    match = _CLOCK.match(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no time; write seconds as 83.5 or 1:23.5")
    sign, hours, minutes, rest = match.groups()
    last = float(rest.replace(",", "."))
    for name, value, bound in (("seconds", last, minutes), ("minutes", float(minutes or 0), hours)):
        if bound is not None and value >= 60.0:
            raise argparse.ArgumentTypeError(f"{quoted(text)} is no time: {name} go to 59; write 2:15 for 135 s")
    time_s = 3600.0 * float(hours or 0) + 60.0 * float(minutes or 0) + last
    if not math.isfinite(time_s):
        raise argparse.ArgumentTypeError(f"{text[:20]!r}... is no time; write seconds as 83.5 or 1:23.5")
    return -time_s if sign else time_s


def seconds_or_number(text: str, *, most: float = math.inf) -> float:
    """Read as ``seconds`` does, and ``1e2``, too.

    Parameters
    ----------
    text : what was typed.
    most : how far from 0 the time may lie.
    """
    try:
        number = None if _CLOCK.match(text.strip()) else float(text)
    except ValueError:
        number = None
    if number is not None and not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no finite number; write seconds as 83.5 or 1:23.5")
    time_s = seconds(text) if number is None else number
    if abs(time_s) > most:
        raise argparse.ArgumentTypeError(f"{_short(text)} is too far from 0; it lies between -{most:g} and {most:g}")
    return time_s


def finite(text: str, *, advice: str = "") -> float:
    """Read a number that is neither infinite nor NaN; a decimal comma counts as a point.

    Parameters
    ----------
    text : what was typed.
    advice : what to write, behind the refusal of anything else.
    """
    try:
        number = float(text if "." in text else text.replace(",", ".", 1))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no finite number" + (f"; {advice}" if advice else ""))
    return number


def whole(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no whole number; write one as 10") from None


def whole_up_to(most: int) -> Callable[[str], int]:
    """A reader of whole numbers, none of them larger."""

    def read(text: str) -> int:
        number = whole(text)
        if number > most:
            raise argparse.ArgumentTypeError(f"{_short(text)} is too large; the most is {most}")
        return number

    return read


def finite_within(most: float, *, advice: str = "") -> Callable[[str], float]:
    """A reader of numbers from ``-most`` to ``most``; ``advice`` as in ``finite``."""

    def read(text: str) -> float:
        number = finite(text, advice=advice)
        if abs(number) > most:
            raise argparse.ArgumentTypeError(
                f"{_short(text)} is too far from 0; it lies between -{most:g} and {most:g}"
            )
        return number

    return read


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_DIGITS else f"{text[:SHOWN_DIGITS]}..."


def sha256(text: str) -> str:
    """Read a SHA-256: 64 hex digits."""
    if _SHA256.match(text.strip()) is None:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no SHA-256, which has 64 hex digits")
    return text.strip().lower()


def text(value: str) -> str:
    """Read a name; an empty one (a variable that was not set, perhaps) is refused."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the text is empty; write one, or leave the option out")
    return value


def path_text(value: str) -> str:
    """Read a path as it is typed; an address in a network is refused, since ``Path`` would make another name of it."""
    if _ADDRESS.match(value):
        raise argparse.ArgumentTypeError(
            f"{value[:200]!r} is an address; only files on this computer are read or written"
        )
    return text(value)


def file_path(value: str) -> Path:
    """Read a path; an empty one, which would mean the current folder, and an address are refused."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the path is empty; write one, or leave the option out")
    path_text(value)
    path = Path(value)
    if len(path.parts) > MOST_PARTS:
        raise argparse.ArgumentTypeError(f"the path has more than {MOST_PARTS} folders; choose a shorter one")
    return path


def clock(time_s: float) -> str:
    """Minutes, seconds and milliseconds, as in ``1:23.456``."""
    milliseconds = round(time_s * 1000.0)
    return f"{milliseconds // 60000}:{milliseconds % 60000 / 1000.0:06.3f}"


def check_sound_file(path: Path) -> None:
    """Say plainly that there is no such file (the audio package speaks to somebody who stands before REAPER).

    Raises
    ------
    AudioError
        If it is not there, a folder, or not readable by this user.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(f"{path}: no such file; check the path") from None
    except PermissionError as error:
        raise AudioError(f"{path}: {error.strerror}; check the rights of its folder") from error
    except OSError as error:  # a name too long
        raise AudioError(f"{str(path)[:200]}: {error.strerror or error}; check the path") from error
    if stat.S_ISDIR(mode):
        raise AudioError(f"{path} is a folder; name a sound file")
    if not stat.S_ISREG(mode):
        raise AudioError(f"{path} is no plain file; name a sound file")
    try:
        open_source(path).close()
    except OSError as error:  # its rights
        raise AudioError(f"{path}: {error.strerror or error}; check the file's rights") from error


def sound_notes(path: Path) -> list[str]:
    """What somebody should know before a sound file is searched, a sentence each.

    Raises
    ------
    AudioError
        If it cannot be read, or holds samples that are no numbers.
    """
    from reatrieve.audio.soundness import cut_off_note, refuse_not_numbers

    refuse_not_numbers(path)
    told = cut_off_note(path)
    return [told] if told else []


def check_folder_to_write(folder: Path, option: str) -> None:
    """Say before any work that a folder is none, or cannot be written; nothing stays.

    Raises
    ------
    InputError
        If ``folder``, or the first one above it that is there, is no folder or takes no files.
    """
    _check_place(folder, folder, option)


def _check_place(folder: Path, typed: Path, option: str) -> None:
    there = folder.absolute()
    while not os.path.exists(there) and there != there.parent:  # noqa: PTH110 - Path raises where it may not look
        there = there.parent
    above = "" if there == typed.absolute() else f": {there}"
    if not os.path.isdir(there):  # noqa: PTH112
        raise InputError(f"{option} {typed}{above} is not a folder; choose another place")
    try:
        with tempfile.TemporaryFile(dir=there):  # rights alone do not tell: disks are read-only, folders no real ones
            pass
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{option} {typed}{above} cannot be written to ({why}); choose another place") from error


def check_file_to_write(path: Path, option: str) -> None:
    """Say before any work that a file cannot be written; nothing is made.

    Raises
    ------
    InputError
        If it is a folder or a device, or its folder is none or takes no files.
    """
    if os.path.isdir(path):  # noqa: PTH112 - Path raises where it may not look
        raise InputError(f"{option} {path} is a folder; name a file")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - a new file in the place of /dev/null would be the end of that
        raise InputError(f"{option} {path} is no plain file; name a file")
    _check_place(path.parent, path, option)


def check_json_to_write(path: Path, option: str, *, is_ours: Callable[[dict[str, Any]], bool]) -> None:
    """As ``check_file_to_write``; figures of an earlier run are replaced, but no other file.

    Parameters
    ----------
    is_ours : whether the JSON object that is there already is one of this command's.

    Raises
    ------
    InputError
        As there, or if the file that is there is another.
    """
    check_file_to_write(path, option)
    try:
        content = read_small(path, max_bytes=MOST_JSON_BYTES, any_link=True)
        found = json.loads(content or b"null")
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        found = ()
    if found is not None and not (isinstance(found, dict) and is_ours(found)):
        raise InputError(f"{option} {path} is there already and holds no figures; name another file")


def example_span(start_s: float, end_s: float, duration_s: float) -> Span:
    """The example, if it can be one.

    Raises
    ------
    InputError
        If its end is not after its start, it does not lie in the file, or it is shorter or longer than what REAPER's
        scripts take.
    """
    if start_s < 0.0:
        raise InputError(f"the example starts at {start_s:g} s, before the start of the file; times count from 0")
    if end_s <= start_s:
        where = "lies before" if end_s < start_s else "is not after"
        raise InputError(f"the end of the example, {end_s:g} s, {where} its start, {start_s:g} s; correct one of them")
    if end_s > duration_s + 0.05:
        raise InputError(f"the example, {start_s:g} to {end_s:g} s, does not lie in the file, 0 to {duration_s:.3f} s")
    demand_example_length(end_s - start_s)
    return Span(start_s, min(end_s, duration_s))


def demand_module(module: str, *, dataset: Path | None = None) -> None:
    """Say before any work that a package of an extra is missing.

    Parameters
    ----------
    module : its name.
    dataset : the folder that was named; one that is none is said first.

    Raises
    ------
    InputError
        What to type.
    """
    if importlib.util.find_spec(module) is None:
        lacking = missing(module)
        if dataset is not None and not dataset.is_dir():
            raise InputError(f"{dataset} is not a folder, name a data set; and {lacking}") from lacking
        raise lacking


def load_module(module: str, *, dataset: Path | None = None) -> None:
    """Say before any work that a package of an extra is missing, or is there and cannot be loaded; as
    ``demand_module`` otherwise.

    Raises
    ------
    InputError
        What to type.
    """
    demand_module(module, dataset=dataset)
    loaded(module)


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text, and its folder if need be.

    Raises
    ------
    ReatrieveError
        If the disk does not take it.
    """
    try:
        with made_for(path.parent):
            write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise ReatrieveError(f"cannot write {path}: {error.strerror or error}") from error


def plural(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def command_line(*words: object) -> str:
    """A command that can be pasted into this system's shell."""
    texts = [str(word) for word in words]
    return subprocess.list2cmdline(texts) if sys.platform == "win32" else " ".join(map(_quoted, texts))


def _quoted(word: str) -> str:
    """One word for a POSIX shell. Bytes that are no UTF-8 and control characters, which no terminal shows, are written
    as bash, zsh and ksh read them."""
    if plain(word) == word:
        return shlex.quote(word)
    plainly = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\{byte:03o}" for byte in os.fsencode(word)
    )
    return f"$'{plainly}'"
