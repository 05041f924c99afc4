"""What goes to the game: events in sample frames of one audio file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reatrieve.annotations.annotation import Annotation
from reatrieve.errors import InputError
from reatrieve.plain import quoted
from reatrieve.session.spans import Span
from reatrieve.sync.tempo import Position

__all__ = ["Accepted", "SyncAudio", "SyncEvent", "SyncSheet", "SyncTempo", "TargetKind", "frame_at"]

TargetKind = Literal["source", "render", "track"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted region, or a point, in project seconds.

    Attributes
    ----------
    start_s, end_s : its edges; equal for a point.
    label : the event's name.
    pattern : the sound that was searched for (the session's label); "" means ``label``.
    score : the retriever's probability or the annotation's confidence, where there is one.
    region_id : where it came from: session and candidate number, the region's GUID, or list and start.
    payload : free text for the game.
    """

    start_s: float
    end_s: float
    label: str
    pattern: str = ""
    score: float | None = None
    region_id: str = ""
    payload: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and self.start_s <= self.end_s):
            raise InputError(
                f"{quoted(self.label)}: {self.start_s} to {self.end_s} s; the end must not lie before the start"
            )

    @classmethod
    def of_span(cls, span: Span, label: str, *, score: float | None = None, region_id: str = "") -> Accepted:
        """An accepted span of a session whose label is ``label``."""
        return cls(span.start_s, span.end_s, label, score=score, region_id=region_id)

    @property
    def sound(self) -> str:
        """Name of the sound that it is an occurrence of."""
        return self.pattern or self.label

    def __str__(self) -> str:
        return f'"{self.label}" at {self.start_s:.3f} to {self.end_s:.3f} s'


@dataclass(frozen=True, slots=True)
class SyncAudio:
    """The audio file that the game ships, and on whose frames all events stand.

    ``start_s`` is the project time of its frame 0; ``pcm_sha256`` is the hash of the samples as they stand in a WAV's
    data chunk (for FLAC, Ogg or MP3: as decoded into one).
    """

    path: Path
    start_s: float
    rate_hz: int
    channels: int
    frames: int
    pcm_sha256: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz


@dataclass(frozen=True, slots=True)
class SyncTempo:
    """A stretch of constant tempo from ``time_s`` (seconds from the audio's start) on."""

    time_s: float
    bpm: float
    numerator: int
    denominator: int
    position: Position


@dataclass(frozen=True, slots=True)
class SyncEvent:
    """One event: ``0 <= start <= end <= frames`` in frames of the audio; the game fires at ``anchor`` (below
    ``frames``).

    The anchor lies inside the event unless the user nudged or snapped it out.
    """

    id: str
    pattern: str
    label: str
    start: int
    end: int
    anchor: int
    position: Position | None = None
    score: float | None = None
    region_id: str = ""
    payload: str = ""

    @property
    def is_point(self) -> bool:
        """Whether it has no length."""
        return self.start == self.end

    def is_place_of(self, other: SyncEvent) -> bool:
        """Whether both are one place of one sound: they share more than half of the longer one."""
        if self.pattern != other.pattern:
            return False
        shared = min(self.end, other.end) - max(self.start, other.start)
        longer = max(self.end - self.start, other.end - other.start)
        return 2 * shared > longer or (self.start, self.end) == (other.start, other.end)


@dataclass(frozen=True, slots=True)
class SyncSheet:
    """All events of one export, by start, with the audio they belong to and its tempo (empty: not known)."""

    name: str
    audio: SyncAudio
    events: tuple[SyncEvent, ...]
    tempo: tuple[SyncTempo, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """The sounds, in order of their first event."""
        return tuple(dict.fromkeys(event.pattern for event in self.events))

    def seconds(self, frame: int) -> float:
        """Time of a frame in seconds from the audio's start."""
        return frame / self.audio.rate_hz

    @property
    def annotations(self) -> list[Annotation]:
        """The events as annotations of the audio."""
        return [
            Annotation(
                self.seconds(event.start),
                self.seconds(event.end),
                event.label,
                self.audio.path.name,
                event.score,
                event.pattern,
                event.payload,
            )
            for event in self.events
        ]


def frame_at(time_s: float, rate_hz: int) -> int:
    """The nearest frame, halves upwards: the one place where times become frames."""
    return math.floor(time_s * rate_hz + 0.5)
