"""What the command line takes and prints: times, spans and files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from reatrieve.errors import AudioError, InputError
from reatrieve.session.spans import Span

__all__ = ["LONGEST_S", "SHORTEST_S", "check_sound_file", "clock", "example_span", "plural", "seconds"]

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)\Z")
SHORTEST_S, LONGEST_S = 0.05, 30.0
"""What can be an example: as ``track.lua`` has it for REAPER's time selection."""


def seconds(text: str) -> float:
    """Read ``83.5``, ``1:23.5`` or ``0:01:23.5``."""
    match = _CLOCK.match(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write seconds as 83.5 or 1:23.5")
    hours, minutes, rest = match.groups()
    return 3600.0 * int(hours or 0) + 60.0 * int(minutes or 0) + float(rest.replace(",", "."))


def clock(time_s: float) -> str:
    """Minutes, seconds and milliseconds, as in ``1:23.456``."""
    milliseconds = round(time_s * 1000.0)
    return f"{milliseconds // 60000}:{milliseconds % 60000 / 1000.0:06.3f}"


def check_sound_file(path: Path) -> None:
    """Say plainly that there is no such file (the audio package speaks to somebody who stands before REAPER).

    Raises
    ------
    AudioError
        If it is not there, or a folder.
    """
    if path.is_dir():
        raise AudioError(f"{path} is a folder; name a sound file")
    if not path.is_file():
        raise AudioError(f"{path}: no such file; check the path")


def example_span(start_s: float, end_s: float, duration_s: float) -> Span:
    """The example, if it can be one.

    Raises
    ------
    InputError
        If it does not lie in the file, or is shorter or longer than what REAPER's scripts take.
    """
    if not 0.0 <= start_s < end_s <= duration_s + 0.05:
        raise InputError(f"the example, {start_s:g} to {end_s:g} s, does not lie in the file, 0 to {duration_s:.3f} s")
    length_s = end_s - start_s
    if length_s < SHORTEST_S - 1e-9:
        raise InputError(f"the example is {1000 * length_s:g} ms long; the shortest is {1000 * SHORTEST_S:g} ms")
    if length_s > LONGEST_S + 1e-9:
        raise InputError(f"the example is {length_s:.1f} s long; the longest is {LONGEST_S:g} s")
    return Span(start_s, min(end_s, duration_s))


def plural(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
