"""What annotation formats hold: a labelled stretch of time in a recording, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reatrieve import limits
from reatrieve.errors import InputError
from reatrieve.plain import quoted

__all__ = ["Annotation", "demand_usual_time", "one_line"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One labelled stretch (``end_s > start_s``) or point (``end_s == start_s``), seconds from the file's start.

    Where the format carries them: ``file`` is the recording's name, ``score`` a confidence, ``sound`` what it is an
    occurrence of where that has a name of its own, ``payload`` free text for the game.
    """

    start_s: float
    end_s: float
    label: str
    file: str | None = None
    score: float | None = None
    sound: str = ""
    payload: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and self.start_s <= self.end_s):
            raise InputError(
                f"{quoted(self.label)}: {self.start_s} to {self.end_s} s; the end must not lie before the start"
            )
        demand_usual_time(self.start_s)
        demand_usual_time(self.end_s)

    @property
    def is_point(self) -> bool:
        """Whether it marks a moment and no stretch."""
        return self.start_s == self.end_s


def demand_usual_time(time_s: float) -> None:
    """Refuse a time that no recording and no project has; sample numbers of such times have hundreds of digits.

    Raises
    ------
    InputError
        If it is no number, or further from 0 than ``limits.TIME_S``.
    """
    if not abs(time_s) <= limits.TIME_S:
        raise InputError(f"{time_s:g} s is too far from 0; it lies between -{limits.TIME_S:g} and {limits.TIME_S:g} s")


def one_line(text: str) -> str:
    """``text`` for formats that have one event a line: tabs, line breaks and control characters become single
    spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
