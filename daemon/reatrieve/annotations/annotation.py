"""What annotation formats hold: a labelled stretch of time in a recording, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reatrieve.errors import InputError

__all__ = ["Annotation", "one_line"]


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
            raise InputError(f"{self.label!r}: {self.start_s} to {self.end_s} s; the end must not lie before the start")

    @property
    def is_point(self) -> bool:
        """Whether it marks a moment and no stretch."""
        return self.start_s == self.end_s


def one_line(text: str) -> str:
    """``text`` for formats that have one event a line: tabs, line breaks and control characters become single
    spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
