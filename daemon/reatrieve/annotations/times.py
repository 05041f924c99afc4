"""Times as programs write them: seconds, h:m:s, decimal commas, samples."""

from __future__ import annotations

import re

from reatrieve.errors import InputError

__all__ = ["parse_time_s"]

SECONDS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
CLOCK = re.compile(r"([+-]?)(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)$")
BARS = re.compile(r"-?\d+\.\d+\.\d+$")
FRAMES = re.compile(r"\d+:\d+:\d+:\d+$")


def parse_time_s(text: str, *, where: str) -> float:
    """One time in seconds, from ``12.5``, ``0:12.5`` or ``0:00:12.5``; a decimal comma counts as a point.

    Parameters
    ----------
    text : the cell; surrounding blanks do not matter.
    where : file and line, for the message.

    Raises
    ------
    InputError
        For bars.beats and for h:m:s:frames, which say no time without a tempo map or a frame rate, and for anything
        else.
    """
    cell = text.strip()
    if "," in cell and "." not in cell:
        cell = cell.replace(",", ".", 1)
    if SECONDS.match(cell):
        return float(cell)
    if clock := CLOCK.match(cell):
        sign, hours, minutes, seconds = clock.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        return -value if sign == "-" else value
    if BARS.match(cell):
        raise InputError(
            f"{where}: {cell} is in bars and beats; set REAPER's ruler to minutes:seconds or seconds and export again"
        )
    if FRAMES.match(cell):
        raise InputError(
            f"{where}: {cell} counts video frames; set the ruler to minutes:seconds or seconds and export again"
        )
    raise InputError(f"{where}: {text!r} is not a time; write seconds (12.5) or minutes:seconds (0:12.5)")
