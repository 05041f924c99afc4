"""Playing: the play position as a function of the host's time, loops, and smooth seek."""

from __future__ import annotations

import time
from typing import Protocol

from reatrieve.headless.tempo import TimeMap

__all__ = ["Clock", "Timeline", "Transport"]


class Timeline(Protocol):
    """What playing needs to know of a project."""

    cursor_s: float
    playrate: float
    repeat: bool
    loop_points: tuple[float, float]

    @property
    def length_s(self) -> float:
        """Where the project ends, seconds."""

    def tempo_map(self) -> TimeMap:
        """Seconds to measures and back."""


class Clock:
    """The host's time: simulated (moves by ticks alone) or real."""

    def __init__(self, real: bool) -> None:
        self.real = real
        self._simulated_s = 1000.0
        self._due_s = time.perf_counter()

    def now_s(self) -> float:
        """Seconds since some moment in the past, as ``time_precise`` says."""
        return time.perf_counter() if self.real else self._simulated_s

    def pass_(self, seconds: float) -> None:
        """Let time go by in which the interface stands still."""
        if self.real:
            time.sleep(seconds)
        else:
            self._simulated_s += seconds

    def advance(self, step_s: float) -> None:
        """Let one tick pass: at once when simulated, else wait until it is due."""
        if not self.real:
            self._simulated_s += step_s
            return
        now_s = time.perf_counter()
        self._due_s = max(self._due_s + step_s, now_s - step_s)
        if self._due_s > now_s:
            time.sleep(self._due_s - now_s)


class Transport:
    """Play state of one project; positions are project seconds."""

    def __init__(self, project: Timeline, clock: Clock) -> None:
        self._project = project
        self._clock = clock
        self.playing = False
        self.paused = False
        self.recording = False
        self._position_s = 0.0
        self._since_s = 0.0
        self._seek: tuple[float, float] | None = None  # (when reached, go to): a seek that waits

    @property
    def state(self) -> int:
        """REAPER's bits: 1 playing, 2 paused, 4 recording."""
        return (1 if self.playing and not self.paused else 0) | (2 if self.paused else 0) | (4 if self.recording else 0)

    def position_s(self) -> float:
        """Where it plays now; the edit cursor when stopped."""
        if not self.playing:
            return self._project.cursor_s
        self._advance()
        return self._position_s

    def play(self, from_s: float, *, smooth: bool = False) -> None:
        """Start at a position; if it plays already and seeks smoothly, the jump waits for the end of the measure."""
        if self.paused:
            self.paused = False
            self._since_s = self._clock.now_s()
            self.playing = True
            return
        if self.playing and smooth:
            self.seek(from_s, smooth=True)
            return
        self.playing, self.paused = True, False
        self._position_s, self._since_s, self._seek = from_s, self._clock.now_s(), None

    def seek(self, to_s: float, *, smooth: bool) -> None:
        """Move the play position; does nothing when stopped."""
        if not self.playing:
            return
        self._advance()
        if smooth:
            measure = self._project.tempo_map().measure_at(self._position_s)
            self._seek = (self._project.tempo_map().measure_start_s(measure + 1), to_s)
        else:
            self._position_s, self._seek = to_s, None

    def pause(self) -> None:
        """Hold, or go on when held."""
        if self.paused:
            self.paused, self._since_s = False, self._clock.now_s()
        elif self.playing:
            self._advance()
            self.paused = True

    def stop(self) -> None:
        """Stop; the edit cursor stays where it is."""
        self.playing = self.paused = self.recording = False
        self._seek = None

    def tick(self) -> None:
        """Stop when the end of the project is crossed and nothing repeats; who starts beyond it plays on."""
        if not self.playing or self.paused:
            return
        before_s = self._position_s
        self._advance()
        if not self._project.repeat and before_s < self._project.length_s <= self._position_s:
            self.stop()

    def _advance(self) -> None:
        now_s = self._clock.now_s()
        if self.paused:
            return
        elapsed_s = (now_s - self._since_s) * self._project.playrate
        self._since_s = now_s
        before_s = self._position_s
        after_s = before_s + elapsed_s
        if self._seek is not None and after_s >= self._seek[0]:
            after_s = self._seek[1] + (after_s - self._seek[0])
            self._seek = None
        start_s, end_s = self._project.loop_points
        if self._project.repeat and end_s > start_s and before_s < end_s <= after_s:
            after_s = start_s + (after_s - end_s) % (end_s - start_s)
        self._position_s = after_s
