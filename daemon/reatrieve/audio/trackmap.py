"""What REAPER plays on one track, as data: which part of which file sounds when (docs/protocol.md, "Track map")."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reatrieve import limits
from reatrieve.audio.channels import LAST_MODE
from reatrieve.audio.decode import sound_info
from reatrieve.audio.fades import LAST_SHAPE
from reatrieve.errors import InputError

__all__ = ["TrackItem", "TrackMap"]

MAX_LENGTH_S = limits.LENGTH_S
"""A map longer than this is a misplaced item, not a track anybody searches."""

MIN_RATE, MAX_RATE = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class TrackItem:
    """One media item's active take, named and measured as in the message ``item``.

    At project time ``t`` the source time is ``x = offset_s + (t - position_s) * rate``. Without a section the file time
    is ``x``; with one (``section_length_s > 0``) it is ``section_start_s + x``. ``reverse`` mirrors the section (or the
    whole file), sample for sample: the first sample heard is the last one of the section. ``loop`` takes ``x`` modulo
    the section's or file's length; else there is silence outside it.

    Attributes
    ----------
    path : the sound file.
    position_s, length_s : where the item lies in the project; ``position_s <= t < position_s + length_s`` sounds.
    offset_s : source time at the item's left edge, before ``rate`` (REAPER's D_STARTOFFS); negative: silence first.
    rate : D_PLAYRATE, as on a tape: pitch follows.
    channel_mode : REAPER's I_CHANMODE, see ``reatrieve.audio.channels``.
    gain : linear, item times take volume; negative means inverted polarity.
    pan : -1 (left) to 1 (right), see ``reatrieve.audio.channels``.
    fade_in_s, fade_out_s, fade_in_shape, fade_out_shape : see ``reatrieve.audio.fades``.
    accessor : ``path`` is a rendering by REAPER's accessor, or one is wanted; sounds no different here.
    guid : REAPER's name of the item.
    """

    path: Path
    position_s: float
    length_s: float
    offset_s: float = 0.0
    rate: float = 1.0
    section_start_s: float = 0.0
    section_length_s: float = 0.0
    reverse: bool = False
    loop: bool = False
    channel_mode: int = 0
    gain: float = 1.0
    pan: float = 0.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    fade_in_shape: int = 0
    fade_out_shape: int = 0
    accessor: bool = False
    guid: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        for name in ("reverse", "loop", "accessor"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not math.isfinite(value):
                raise InputError(f"item {self._label}: {name} is {value}, need a finite number")
            above = "above " if name == "length_s" else ""
            self._demand(low <= value <= high and not (above and value == low), name, f"{above}{low:g} to {high:g}")
        self._demand(0 <= self.channel_mode <= LAST_MODE, "channel_mode", f"0 to {LAST_MODE}")
        self._demand(0 <= self.fade_in_shape <= LAST_SHAPE, "fade_in_shape", f"0 to {LAST_SHAPE}")
        self._demand(0 <= self.fade_out_shape <= LAST_SHAPE, "fade_out_shape", f"0 to {LAST_SHAPE}")

    @property
    def end_s(self) -> float:
        """Project time at the item's right edge."""
        return self.position_s + self.length_s

    @property
    def _label(self) -> str:
        return f"{self.path.name} at {self.position_s} s"

    def _demand(self, holds: bool, name: str, need: str) -> None:
        if not holds:
            raise InputError(f"item {self._label}: {name} is {getattr(self, name)}, need {need}")


_RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("position_s", "offset_s", "section_start_s"), (-limits.TIME_S, limits.TIME_S)),
    **dict.fromkeys(("length_s", "section_length_s", "fade_in_s", "fade_out_s"), (0.0, limits.TIME_S)),
    "rate": (MIN_RATE, MAX_RATE),
    "gain": (-limits.GAIN, limits.GAIN),
    "pan": (-1.0, 1.0),
}
"""What each time and gain may be; a length of 0 is none."""


@dataclass(frozen=True, slots=True)
class TrackMap:
    """The items of one track, in the order sent (messages name them by that index); overlaps add up."""

    items: tuple[TrackItem, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        if not self.items:
            raise InputError("the track map has no item; there is nothing to search")
        if self.duration_s > MAX_LENGTH_S:
            raise InputError(
                f"the track map spans {self.duration_s / 3600:.1f} h, more than {MAX_LENGTH_S / 3600:.0f} h; "
                "move or remove the item that lies far out"
            )

    @classmethod
    def of_file(cls, path: str | Path) -> TrackMap:
        """The map of a whole sound file that begins at time 0.

        Raises
        ------
        AudioError
            If the file cannot be read as sound, or holds no sample.
        """
        return cls((TrackItem(Path(path), 0.0, sound_info(path).duration_s),))

    @property
    def origin_s(self) -> float:
        """Project time of the first sample of the searched audio."""
        return min(item.position_s for item in self.items)

    @property
    def end_s(self) -> float:
        """Project time at which the last item ends."""
        return max(item.end_s for item in self.items)

    @property
    def duration_s(self) -> float:
        """Length of the searched audio in seconds."""
        return self.end_s - self.origin_s

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that sounds, once each, in order of first use."""
        return tuple(dict.fromkeys(item.path for item in self.items))

    def to_json(self) -> list[dict[str, Any]]:
        """The map as plain values for a journal; ``of_json`` gives it back equal."""
        return [{**dataclasses.asdict(item), "path": str(item.path)} for item in self.items]

    @classmethod
    def of_json(cls, rows: Sequence[Mapping[str, Any]]) -> TrackMap:
        """The map that ``to_json`` gave.

        Raises
        ------
        InputError
            If a row has an unknown field, lacks one, or holds an impossible value.
        """
        try:
            return cls(tuple(TrackItem(**{**row, "path": Path(row["path"])}) for row in rows))
        except (TypeError, KeyError, OverflowError) as error:  # an integer may be too large for a double
            raise InputError(f"this is not a track map: {error}") from error

    def canonical_json(self, sounds: Mapping[Path, str]) -> str:
        """What decides the stitched sound, as text: the same wherever the files lie and the track begins.

        Parameters
        ----------
        sounds : hash of the content of every file of ``paths``; it stands in place of the path.
        """
        rows = []
        for item in self.items:
            row = dataclasses.asdict(item)
            del row["guid"], row["accessor"]
            row["path"] = sounds[item.path]
            row["position_s"] = round(item.position_s - self.origin_s, 9)  # the difference carries rounding noise
            rows.append(row)
        return json.dumps(rows, sort_keys=True, separators=(",", ":"))
