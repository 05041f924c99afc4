"""Bars, beats and tempo along a project: REAPER's tempo map as values."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from reatrieve import limits
from reatrieve.errors import InputError

__all__ = ["Position", "TempoEntry", "TempoMap", "TempoStep"]

SAME_BEAT = 1e-6
"""Beats closer than this are one: REAPER's times carry rounding of about 1e-10 s."""

SAME_S = 1e-9
"""Entries closer than this have one time."""

MOST_BEATS = limits.TIME_S * limits.BPM / 60 * limits.METRE / 4


@dataclass(frozen=True, slots=True)
class TempoEntry:
    """One entry of a tempo map, with the fields of the protocol's ``tempo`` message.

    Attributes
    ----------
    time_s : project seconds at which it begins to hold.
    bpm : quarter notes a minute, as REAPER counts.
    numerator, denominator : the time signature.
    fullbeats : beats (of the denominator's length) since the project's start, at ``time_s``.
    measure : measures since the project's start, counted from 0, at ``time_s``.
    """

    time_s: float
    bpm: float
    numerator: int = 4
    denominator: int = 4
    fullbeats: float = 0.0
    measure: int = 0

    def __post_init__(self) -> None:
        counted = max(abs(self.fullbeats), abs(self.measure))
        if not (
            abs(self.time_s) <= limits.TIME_S and 1 / limits.BPM <= self.bpm <= limits.BPM and counted <= MOST_BEATS
        ):
            raise InputError(f"bad tempo entry at {self.time_s:g} s: {self.bpm:g} bpm")
        if not (1 <= self.numerator <= limits.METRE and 1 <= self.denominator <= limits.METRE):
            raise InputError(
                f"bad time signature at {self.time_s:g} s: {str(self.numerator)[:20]}/{str(self.denominator)[:20]}"
            )

    @property
    def beats_per_s(self) -> float:
        """Beats of the denominator's length a second."""
        return self.bpm / 60 * self.denominator / 4


@dataclass(frozen=True, slots=True)
class Position:
    """A musical position, both counted from 1 as musicians do: ``beat`` 2.5 is half a beat after the second beat."""

    bar: int
    beat: float


@dataclass(frozen=True, slots=True)
class TempoStep:
    """A stretch of constant tempo that begins at ``time_s``, at ``position``."""

    time_s: float
    bpm: float
    numerator: int
    denominator: int
    position: Position


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From one entry to the next: beats since its start are ``rate * t + bend * t ** 2``."""

    entry: TempoEntry
    rate: float
    bend: float
    into_bar: float
    length_s: float

    def beats(self, t: float) -> float:
        if t <= 0 or not self.bend:
            return self.rate * t
        t_in = min(t, self.length_s)
        end_rate = self.rate + 2 * self.bend * self.length_s
        return self.rate * t_in + self.bend * t_in**2 + end_rate * (t - t_in)

    def time(self, beats: float) -> float:
        if beats <= 0 or not self.bend:
            return beats / self.rate
        inside = self.rate**2 + 4 * self.bend * beats
        return 2 * beats / (self.rate + math.sqrt(max(0.0, inside)))


class TempoMap:
    """A tempo map: entries in time order; the first also holds before its own time.

    Where the beats between two entries are not what the first one's tempo gives, the tempo glides from one to the
    other, linearly in time (REAPER's gradual transition).

    Raises
    ------
    InputError
        If ``entries`` is empty or two entries have one time.
    """

    def __init__(self, entries: Iterable[TempoEntry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.time_s))
        if not self.entries:
            raise InputError("a tempo map needs at least one entry")
        if any(b.time_s - a.time_s < SAME_S for a, b in pairwise(self.entries)):
            raise InputError("two entries of the tempo map have the same time")
        self._stretches = self._measure_stretches()
        self._times = [entry.time_s for entry in self.entries]

    @classmethod
    def constant(cls, bpm: float, numerator: int = 4, denominator: int = 4) -> TempoMap:
        """One tempo throughout, the first bar beginning at 0 s."""
        return cls([TempoEntry(0.0, bpm, numerator, denominator)])

    @classmethod
    def of_steps(cls, steps: Iterable[TempoStep]) -> TempoMap:
        """The map whose ``steps`` these are, which count on from the position of the first one.

        Raises
        ------
        InputError
            If there is none, or one of them is impossible.
        """
        entries: list[TempoEntry] = []
        for step in steps:
            measure = step.position.bar - 1
            fullbeats = measure * step.numerator + step.position.beat - 1
            if entries:
                before = entries[-1]
                fullbeats = before.fullbeats + (step.time_s - before.time_s) * before.beats_per_s
            entries.append(TempoEntry(step.time_s, step.bpm, step.numerator, step.denominator, fullbeats, measure))
        return cls(entries)

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping[str, float]]) -> TempoMap:
        """The map of a journal's header: one mapping an entry, with the fields of ``TempoEntry``.

        Raises
        ------
        InputError
            If a field is missing or impossible.
        """
        try:
            return cls(
                TempoEntry(
                    float(row["time_s"]), float(row["bpm"]), int(row["numerator"]), int(row["denominator"]),
                    float(row["fullbeats"]), int(row["measure"]),
                )
                for row in rows
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is not a tempo map: {error}") from error

    def position(self, time_s: float, *, within_s: float = 0.0) -> Position:
        """Bar and beat at a project time; the beat itself where that lies ``within_s`` of it (half a frame, say)."""
        stretch = self._at(time_s)
        beats = stretch.into_bar + stretch.beats(time_s - stretch.entry.time_s)
        if abs(beats - round(beats)) <= within_s * stretch.entry.beats_per_s:
            beats = round(beats)
        numerator = stretch.entry.numerator
        bars = math.floor((beats + SAME_BEAT) / numerator)
        return Position(stretch.entry.measure + bars + 1, max(0.0, beats - bars * numerator) + 1)

    def snapped(self, time_s: float, divisions: int) -> float:
        """The nearest time on a grid of ``divisions`` lines a beat (at least 1).

        The grid counts from the start of the bar; a tempo or time signature entry begins a new piece of it.

        Raises
        ------
        InputError
            If ``divisions`` is below 1.
        """
        if divisions < 1:
            raise InputError(f"{divisions} grid divisions a beat; use 1 or more, or 0 for no grid")
        stretch = self._at(time_s)
        beats = stretch.into_bar + stretch.beats(time_s - stretch.entry.time_s)
        lines = [math.floor(beats * divisions) / divisions, math.ceil(beats * divisions) / divisions]
        times = [stretch.entry.time_s + stretch.time(line - stretch.into_bar) for line in lines]
        following = self._times[bisect.bisect_right(self._times, time_s) :][:1]
        return min([min([time, *following]) for time in times], key=lambda time: abs(time - time_s))

    def steps(self, start_s: float, end_s: float) -> list[TempoStep]:
        """Stretches of constant tempo that cover ``start_s..end_s``; the first begins at ``start_s``.

        A gliding tempo becomes one step a beat, so that every beat falls where REAPER has it.
        """
        found = []
        cuts = [start_s, *(time for time in self._times if start_s + SAME_S <= time <= end_s - SAME_S)]
        for begin, end in zip(cuts, [*cuts[1:], end_s], strict=True):
            stretch = self._at(begin + SAME_S)
            moments = [begin, *self._beats_inside(stretch, begin, end), end] if stretch.bend else [begin, end]
            for a, b in pairwise(moments):
                origin = stretch.entry.time_s
                rate = (stretch.beats(b - origin) - stretch.beats(a - origin)) / (b - a) if b > a else stretch.rate
                bpm = round(rate * 60 * 4 / stretch.entry.denominator, 9)  # 125.9, not 125.90000000000002
                entry = stretch.entry
                found.append(TempoStep(a, bpm, entry.numerator, entry.denominator, self.position(a)))
        return found

    def _at(self, time_s: float) -> _Stretch:
        return self._stretches[max(0, bisect.bisect_right(self._times, time_s) - 1)]

    @staticmethod
    def _beats_inside(stretch: _Stretch, begin: float, end: float) -> list[float]:
        origin, offset = stretch.entry.time_s, stretch.into_bar
        first = math.floor(offset + stretch.beats(begin - origin) + SAME_BEAT) + 1
        last = math.ceil(offset + stretch.beats(end - origin) - SAME_BEAT) - 1
        return [origin + stretch.time(beat - offset) for beat in range(first, last + 1)]

    def _measure_stretches(self) -> list[_Stretch]:
        found: list[_Stretch] = []
        first = self.entries[0]
        into_bar = first.fullbeats - first.measure * first.numerator
        bar_follows = 0 <= into_bar < first.numerator
        into_bar = into_bar if bar_follows else 0.0
        for index, entry in enumerate(self.entries):
            rate, bend, length_s = entry.beats_per_s, 0.0, math.inf
            following = self.entries[index + 1] if index + 1 < len(self.entries) else None
            beats = 0.0
            if following is not None:
                length_s = following.time_s - entry.time_s
                beats = following.fullbeats - entry.fullbeats
                mean = beats / length_s
                if not 1 / limits.BPM <= mean * 60 * 4 / entry.denominator <= limits.BPM:
                    mean = rate  # a number of beats that no tempo gives
                if abs(mean - rate) > 1e-4 * rate and mean < 2 * rate:
                    bend = (mean - rate) / length_s
                    if rate + 2 * bend * length_s <= 0:
                        rate, bend = mean, 0.0
                else:
                    rate = mean
            found.append(_Stretch(entry, rate, bend, into_bar, length_s))
            if following is not None:
                into_bar += beats - (following.measure - entry.measure) * entry.numerator
                new_signature = (following.numerator, following.denominator) != (entry.numerator, entry.denominator)
                if new_signature or not -SAME_BEAT < into_bar < following.numerator or into_bar < SAME_BEAT:
                    into_bar = 0.0  # a time signature always begins a bar
        return found
