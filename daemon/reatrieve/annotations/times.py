"""Times as programs write them: seconds, h:m:s, decimal commas, milliseconds, sample numbers, frames of a film."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from reatrieve.errors import InputError
from reatrieve.plain import quoted, shortened

__all__ = ["SAMPLES", "SECONDS", "TimeUnit", "parse_time_s", "time_unit"]

MOST_CHARACTERS = 100
"""Of a time with colons, or of a unit; longer ones are none: Python reads no whole numbers of thousands of digits."""

SECONDS_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$", re.ASCII)
CLOCK = re.compile(r"([+-]?)(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)$", re.ASCII)
BARS = re.compile(r"-?\d+\.\d+\.\d+$", re.ASCII)
FRAMES = re.compile(r"(?:(\d+)[:;])?(\d+)[:;](\d+)[:;](\d+)$", re.ASCII)
CLOCK_NAME = re.compile(r"(h+:)?m+:s+([.,](d|f|m|s|x)+)?$")
RATE_NAME = re.compile(r"(?:samples\W*)?(\d+(?:\.\d+)?) ?(k?)hz(?:\W*samples)?\W*$")
FPS_NAME = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?) ?(?:fps|frames per second|frames ?/ ?s(?:ec|econd)?)\b")
NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}
"""Rates of films that are written rounded: the whole number next to them times 1000/1001."""


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """What the numbers of a column count.

    Attributes
    ----------
    name : for messages.
    per_s : how many there are in a second; None where the recording's sample rate says so.
    is_whole : whether they count things, so have no decimals.
    frames : nominal frames a second for ``h:m:s:frames``; 0 where times are not written so.
    drops : whether two frame numbers a minute are left out (SMPTE drop frame).
    """

    name: str
    per_s: Fraction | None
    is_whole: bool = False
    frames: int = 0
    drops: bool = False


SECONDS = TimeUnit("seconds", Fraction(1))
SAMPLES = TimeUnit("samples", None, is_whole=True)
MILLISECONDS = TimeUnit("milliseconds", Fraction(1000))
MICROSECONDS = TimeUnit("microseconds", Fraction(1_000_000))
MINUTES = TimeUnit("minutes", Fraction(1, 60))
HOURS = TimeUnit("hours", Fraction(1, 3600))

UNITS: dict[str, TimeUnit] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "decimal"), SECONDS),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), MILLISECONDS),
    **dict.fromkeys(("us", "µs", "usec", "microsecond", "microseconds"), MICROSECONDS),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), MINUTES),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOURS),
    **dict.fromkeys(("sample", "samples", "samp", "smp"), SAMPLES),
}


def time_unit(text: str) -> TimeUnit | None:
    """The unit of this name: ``s``, ``ms``, ``samples``, ``44100 Hz``, ``75 fps``, ``SMPTE drop (29.97 fps)``, ...;
    None if it is not known or says no time (bars and beats)."""
    name = " ".join(text.lower().split())
    if len(name) > MOST_CHARACTERS:
        return None
    if name in UNITS:
        return UNITS[name]
    if name.startswith("decimal") or CLOCK_NAME.match(name):  # Audition: "decimal (mm:ss.ddd)"
        return SECONDS
    if rate := RATE_NAME.match(name):
        per_s = Fraction(rate[1]) * (1000 if rate[2] else 1)
        return TimeUnit(name, per_s, is_whole=True) if per_s >= 1 else None
    if fps := FPS_NAME.search(name):
        return _film(fps[1].replace(",", "."), drops="drop" in name and "non" not in name, name=name)
    return None


def _film(rate: str, *, drops: bool, name: str) -> TimeUnit | None:
    nominal = NTSC.get(rate)
    per_s = Fraction(nominal * 1000, 1001) if nominal else Fraction(rate)
    if nominal is None:
        nominal = math.ceil(per_s)
    if not 1 <= per_s <= 1000 or (drops and nominal % 30):
        return None
    return TimeUnit(name, per_s, is_whole=True, frames=nominal, drops=drops)


def parse_time_s(text: str, unit: TimeUnit = SECONDS, *, where: str = "", rate_hz: int | None = None) -> float:
    """One time in seconds. Seconds may be ``12.5``, ``0:12.5`` or ``0:00:12.5``; a decimal comma counts as a point.

    Parameters
    ----------
    text : the cell; surrounding blanks do not matter.
    unit : what a number in it counts.
    where : file and line, for the message; "" leaves them out.
    rate_hz : sample rate of the recording, for sample numbers.

    Raises
    ------
    InputError
        For bars.beats and for h:m:s:frames, which say no time without a tempo map or a frame rate, for sample numbers
        without a rate, and for anything else.
    """
    cell = text.strip()
    prefix = f"{where}: " if where else ""
    parts = cell if len(cell) <= MOST_CHARACTERS else ""
    if unit.frames and (film := FRAMES.match(parts)):
        return _film_s(film, unit, prefix)
    if "," in cell and "." not in cell:
        cell = cell.replace(",", ".", 1)
    if SECONDS_TEXT.match(cell):
        return _number_s(cell, unit, rate_hz, prefix)
    clock = CLOCK.match(parts)
    if clock and unit is SECONDS:
        sign, hours, minutes, seconds = clock.groups()
        if float(seconds) >= 60 or (hours and int(minutes) >= 60):
            raise InputError(f"{prefix}{cell} is not a time; seconds and minutes go up to 59")
        value = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        return -value if sign == "-" else value
    if BARS.match(parts):
        raise InputError(
            f"{prefix}{cell} is in bars and beats; set REAPER's ruler to minutes:seconds or seconds and export again"
        )
    if FRAMES.match(parts) and unit is SECONDS:
        raise InputError(
            f"{prefix}{cell} counts video frames; set the ruler to minutes:seconds or seconds and export again"
        )
    if unit is not SECONDS:
        raise InputError(f"{prefix}{quoted(text)} is not a time in {unit.name}")
    raise InputError(f"{prefix}{quoted(text)} is not a time; write seconds (12.5) or minutes:seconds (0:12.5)")


def _number_s(cell: str, unit: TimeUnit, rate_hz: int | None, prefix: str) -> float:
    if unit is SECONDS:
        return float(cell)
    per_s = unit.per_s if unit.per_s is not None else rate_hz
    if per_s is None:
        raise InputError(f"{prefix}its times are sample numbers; say the sample rate by --rate")
    value = float(cell)
    if unit.is_whole and not value.is_integer():
        raise InputError(f"{prefix}{shortened(cell)} is no whole number of {unit.name}")
    return value / float(per_s)


def _film_s(match: re.Match[str], unit: TimeUnit, prefix: str) -> float:
    """Hours, minutes, seconds and frames; with drop frames, frames 0 and 1 of each minute but every tenth are left
    out."""
    hours, minutes, seconds, frame = (int(part or 0) for part in match.groups())
    if seconds >= 60 or frame >= unit.frames or (match[1] and minutes >= 60):
        raise InputError(f"{prefix}{match[0]} is not a time in {unit.name}")
    minutes += 60 * hours
    count = unit.frames * (60 * minutes + seconds) + frame
    if unit.drops:
        count -= 2 * (unit.frames // 30) * (minutes - minutes // 10)
    assert unit.per_s is not None
    return float(count / (unit.per_s or unit.frames))
