"""Tracks, items, takes, markers and tempo points of a simulated project: what they hold and how undo copies them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

from reatrieve.headless.sources import Source

__all__ = [
    "ItemModel",
    "Lane",
    "Marker",
    "TakeModel",
    "TempoPoint",
    "Thing",
    "TrackModel",
    "kill_item",
    "kill_track",
    "new_guid",
]

TRACK_VALUES = {
    "D_VOL": 1.0, "D_PAN": 0.0, "D_WIDTH": 1.0, "B_MUTE": 0.0, "B_PHASE": 0.0, "I_SOLO": 0.0, "B_SOLO_DEFEAT": 0.0,
    "I_SELECTED": 0.0, "I_NCHAN": 2.0, "I_FXEN": 1.0, "I_RECARM": 0.0, "I_RECMON": 0.0, "I_FOLDERDEPTH": 0.0,
    "I_FOLDERCOMPACT": 0.0, "I_CUSTOMCOLOR": 0.0, "B_SHOWINMIXER": 1.0, "B_SHOWINTCP": 1.0, "B_MAINSEND": 1.0,
    "I_FREEMODE": 0.0, "I_NUMFIXEDLANES": 1.0, "C_ALLLANESPLAY": 1.0, "C_LANEPLAYS:0": 1.0, "B_FREEMODE": 0.0,
    "I_HEIGHTOVERRIDE": 0.0, "I_TCPH": 60.0, "I_WNDH": 60.0, "I_TCPY": 0.0, "I_PANMODE": 0.0, "D_PLAY_OFFSET": 0.0,
    "I_AUTOMODE": 0.0, "C_BEATATTACHMODE": -1.0, "D_PANLAW": -1.0,
}  # fmt: skip
ITEM_VALUES = {
    "D_POSITION": 0.0, "D_LENGTH": 0.0, "D_SNAPOFFSET": 0.0, "D_VOL": 1.0, "B_MUTE": 0.0, "B_LOOPSRC": 1.0,
    "B_ALLTAKESPLAY": 0.0, "B_UISEL": 0.0, "C_BEATATTACHMODE": -1.0, "C_AUTOSTRETCH": 0.0, "C_LOCK": 0.0,
    "D_FADEINLEN": 0.0, "D_FADEOUTLEN": 0.0, "D_FADEINDIR": 0.0, "D_FADEOUTDIR": 0.0, "D_FADEINLEN_AUTO": -1.0,
    "D_FADEOUTLEN_AUTO": -1.0, "C_FADEINSHAPE": 0.0, "C_FADEOUTSHAPE": 0.0, "I_GROUPID": 0.0, "I_CUSTOMCOLOR": 0.0,
    "I_CURTAKE": 0.0, "F_FREEMODE_Y": 0.0, "F_FREEMODE_H": 1.0, "I_FIXEDLANE": 0.0, "C_LANEPLAYS": 1.0,
    "C_MUTE_SOLO": 0.0,
}  # fmt: skip
TAKE_VALUES = {
    "D_STARTOFFS": 0.0, "D_VOL": 1.0, "D_PAN": 0.0, "D_PANLAW": -1.0, "D_PLAYRATE": 1.0, "D_PITCH": 0.0,
    "B_PPITCH": 1.0, "I_CHANMODE": 0.0, "I_PITCHMODE": -1.0, "I_STRETCHFLAGS": 0.0, "F_STRETCHFADESIZE": 0.0025,
    "I_RECPASSID": 0.0, "I_CUSTOMCOLOR": 0.0, "I_TAKEFX_NCH": 2.0,
}  # fmt: skip


def new_guid() -> str:
    """A GUID in REAPER's form, ``{8-4-4-4-12}`` in capitals."""
    return "{" + str(uuid.uuid4()).upper() + "}"


_clock = itertools.count()


class Thing:
    """What a pointer may stand for: it is made and it goes, and who comes later may get its address."""

    kind = ""

    def __init__(self) -> None:
        self.born = next(_clock)
        self.died: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it is still there."""
        return self.died is None

    def die(self) -> None:
        """It is deleted, or its project closes."""
        if self.died is None:
            self.died = next(_clock)


_UNSAVED = ("born", "died", "project", "track", "item", "items", "takes")
"""What is no content of a thing: its own life and its neighbours."""


def _content(thing: Thing) -> dict[str, Any]:
    return {key: _copy(value) for key, value in vars(thing).items() if key not in _UNSAVED}


class Marker(Thing):
    """One project marker or region; ``color`` is REAPER's native number, 0x1000000 set where it is used."""

    kind = "ProjectMarker"

    def __init__(
        self, guid: str, number: int, is_region: bool, start_s: float, end_s: float, name: str = "", color: int = 0
    ) -> None:
        super().__init__()
        self.guid = guid
        self.number = number
        self.is_region = is_region
        self.start_s = start_s
        self.end_s = end_s
        self.name = name
        self.color = color
        self.lane = 0
        self.selected = False
        self.hidden = False
        self.matrix_flags = 0  # of the file: 2 region render matrix all tracks, 4 master mix

    def state(self) -> dict[str, Any]:
        """All that undo keeps."""
        return _content(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Marker:
        """A new marker with that state."""
        marker = cls.__new__(cls)
        Thing.__init__(marker)
        vars(marker).update(state)
        return marker


@dataclass(slots=True)
class Lane:
    """One lane of the ruler, since 7.62; ``flags`` 4: new regions stand in it, 8: new markers do."""

    guid: str = field(default_factory=new_guid)
    name: str = ""
    flags: int = 0
    color: int = 0
    timebase: int = -1
    hidden: bool = False
    locked: bool = False
    rest: tuple[str, ...] = ()  # what else an opened file says of it


@dataclass(slots=True)
class TempoPoint:
    """A tempo or time signature marker; ``numerator`` 0 = time signature unchanged."""

    time_s: float
    bpm: float
    numerator: int = 0
    denominator: int = 0
    linear: bool = False


class TakeModel(Thing):
    """One take of an item: a source and how it is read."""

    kind = "MediaItem_Take"

    def __init__(self, item: ItemModel, guid: str, source: Source | None, name: str = "") -> None:
        super().__init__()
        self.item = item
        self.guid = guid
        self.source = source
        self.name = name
        self.values = dict(TAKE_VALUES)
        self.stretch_markers: list[tuple[float, float]] = []
        self.take_markers: list[tuple[float, str, int]] = []
        self.envelopes: dict[str, int] = {}  # names, and how many points each has
        self.fx: list[str] = []
        self.ext: dict[str, str] = {}
        self.empty = False  # TAKE NULL: a take that is none
        self.offset_rest: list[str] = ["0"]  # what SOFFS says in an opened file after D_STARTOFFS
        self.lines: list[Any] = []  # what an opened file says of it that the model does not know

    def state(self) -> dict[str, Any]:
        """All that undo keeps."""
        return _content(self)

    def __repr__(self) -> str:
        return f"Take({self.name!r})"


class ItemModel(Thing):
    """One media item on a track."""

    kind = "MediaItem"

    def __init__(self, track: TrackModel, guid: str, position_s: float = 0.0, length_s: float = 0.0) -> None:
        super().__init__()
        self.track = track
        self.guid = guid
        self.values = dict(ITEM_VALUES)
        self.values["D_POSITION"] = position_s
        self.values["D_LENGTH"] = length_s
        self.notes = ""
        self.takes: list[TakeModel] = []
        self.ext: dict[str, str] = {}
        self.lines: list[Any] = []

    @property
    def position_s(self) -> float:
        """Where it begins, project seconds."""
        return self.values["D_POSITION"]

    @property
    def length_s(self) -> float:
        """How long it is, seconds."""
        return self.values["D_LENGTH"]

    @property
    def end_s(self) -> float:
        """Where it ends, project seconds."""
        return self.position_s + self.length_s

    @property
    def take(self) -> TakeModel | None:
        """The active take."""
        index = int(self.values["I_CURTAKE"])
        return self.takes[index] if 0 <= index < len(self.takes) else None

    def state(self) -> dict[str, Any]:
        """All that undo keeps."""
        copied = _content(self)
        copied["takes"] = [take.state() for take in self.takes]
        return copied


class TrackModel(Thing):
    """One track; the master has no number."""

    kind = "MediaTrack"

    def __init__(self, project: Any, guid: str, name: str = "") -> None:
        super().__init__()
        self.project = project
        self.guid = guid
        self.name = name
        self.values = dict(TRACK_VALUES)
        self.items: list[ItemModel] = []
        self.fx: list[str] = []
        self.sends = 0
        self.receives = 0
        self.envelopes: dict[str, int] = {}  # names, and how many points each has
        self.razor = ""
        self.ext: dict[str, str] = {}
        self.lines: list[Any] = []

    def state(self) -> dict[str, Any]:
        """All that undo keeps, but the items; track selection does not go back by REAPER's default."""
        copied = _content(self)
        del copied["values"]["I_SELECTED"]
        return copied

    def sort_items(self) -> None:
        """Items stand in time order, as REAPER numbers them."""
        self.items.sort(key=lambda item: item.position_s)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value


def kill_item(item: ItemModel) -> None:
    """Pointers to the item and its takes die."""
    item.die()
    for take in item.takes:
        take.die()


def kill_track(track: TrackModel) -> None:
    """Pointers to the track and all in it die."""
    track.die()
    for item in track.items:
        kill_item(item)
