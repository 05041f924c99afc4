"""Time, beats and measures of a project with tempo and time signature markers."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reatrieve.headless.model import TempoPoint

__all__ = ["TimeMap"]

SHORTEST_BAR = 1e-3
"""In beats: a signature that comes less than this behind a bar line stands on the line, and cuts no bar short."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """From one tempo marker to the next; a ramp goes evenly in time to the next marker's tempo."""

    time_s: float
    quarter: float
    measure: float
    bpm: float
    end_bpm: float
    length_s: float
    numerator: int
    denominator: int

    def quarters(self, elapsed_s: float) -> float:
        """Quarter notes that pass in that many seconds."""
        if self.length_s in (0.0, float("inf")) or self.end_bpm == self.bpm:
            return elapsed_s * self.bpm / 60.0
        slope = (self.end_bpm - self.bpm) / self.length_s
        return (self.bpm * elapsed_s + slope * elapsed_s**2 / 2) / 60.0

    def seconds(self, quarters: float) -> float:
        """Seconds that so many quarter notes take."""
        if self.length_s in (0.0, float("inf")) or self.end_bpm == self.bpm:
            return quarters * 60.0 / self.bpm
        slope = (self.end_bpm - self.bpm) / self.length_s
        root = self.bpm**2 + 2 * slope * quarters * 60.0
        return float((max(root, 0.0) ** 0.5 - self.bpm) / slope)

    @property
    def quarters_per_measure(self) -> float:
        return self.numerator * 4.0 / self.denominator


class TimeMap:
    """Converts between seconds, quarter notes and measures (measures count from 0)."""

    def __init__(self, points: Sequence[TempoPoint], bpm: float, numerator: int, denominator: int) -> None:
        points = sorted(points, key=lambda point: point.time_s)
        if not points or points[0].time_s > 0:
            points = [TempoPoint(0.0, bpm, numerator, denominator), *points]
        segments: list[_Segment] = []
        quarter = measure = 0.0
        for index, point in enumerate(points):
            following = points[index + 1] if index + 1 < len(points) else None
            if point.numerator and segments:
                measure = float(math.ceil(measure - SHORTEST_BAR / numerator))  # a new signature begins a measure
            numerator = point.numerator or numerator
            denominator = point.denominator or denominator
            length_s = following.time_s - point.time_s if following else float("inf")
            end_bpm = following.bpm if following and point.linear else point.bpm
            segment = _Segment(point.time_s, quarter, measure, point.bpm, end_bpm, length_s, numerator, denominator)
            segments.append(segment)
            if following:
                passed = segment.quarters(length_s)
                quarter += passed
                measure += passed / segment.quarters_per_measure
        self._segments = segments
        self._times = [segment.time_s for segment in segments]
        self._quarters = [segment.quarter for segment in segments]
        self._measures = [segment.measure for segment in segments]

    def _at_time(self, time_s: float) -> _Segment:
        return self._segments[max(0, bisect_right(self._times, time_s + 1e-12) - 1)]

    def quarter_at(self, time_s: float) -> float:
        """Quarter notes from the start of the project."""
        segment = self._at_time(time_s)
        return segment.quarter + segment.quarters(time_s - segment.time_s)

    def time_of_quarter(self, quarter: float) -> float:
        """Seconds at which a quarter note falls."""
        segment = self._segments[max(0, bisect_right(self._quarters, quarter + 1e-12) - 1)]
        return segment.time_s + segment.seconds(quarter - segment.quarter)

    def signature_at(self, time_s: float) -> tuple[int, int, float]:
        """Numerator, denominator and tempo (quarter notes per minute) at a time."""
        segment = self._at_time(time_s)
        bpm = segment.bpm
        if segment.end_bpm != bpm:
            bpm += (segment.end_bpm - bpm) * (time_s - segment.time_s) / segment.length_s
        return segment.numerator, segment.denominator, bpm

    def measure_at(self, time_s: float) -> int:
        """The measure in which a time falls."""
        segment = self._at_time(time_s)
        passed = segment.quarters(time_s - segment.time_s) / segment.quarters_per_measure
        return int((segment.measure + passed + 1e-9) // 1)

    def measure_quarter(self, measure: int) -> float:
        """The quarter note at which a measure begins."""
        segment = self._segments[max(0, bisect_right(self._measures, measure + 1e-9) - 1)]
        return segment.quarter + (measure - segment.measure) * segment.quarters_per_measure

    def measure_start_s(self, measure: int) -> float:
        """The time at which a measure begins."""
        return self.time_of_quarter(self.measure_quarter(measure))

    def next_change_s(self, time_s: float) -> float | None:
        """The next tempo marker after a time."""
        index = bisect_right(self._times, time_s)
        return self._times[index] if index < len(self._times) else None
