"""Tracks, items and regions as a user handles them: every edit leaves an undo point."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.errors import InputError
from reatrieve.headless import model
from reatrieve.headless.sources import FileSource, MidiSource, SectionSource, Source
from reatrieve.headless.undo import ITEMS, MISC, TRACKS

if TYPE_CHECKING:
    from reatrieve.headless.host import Host
    from reatrieve.headless.views import Project

__all__ = ["Item", "Region", "Track"]


@dataclass(frozen=True, slots=True)
class Region:
    """A region or marker as it stood when it was looked up; edits go by its GUID.

    ``color`` is "#rrggbb" or None. A marker has ``end_s`` equal to ``start_s``.
    """

    guid: str
    number: int
    start_s: float
    end_s: float
    name: str
    color: str | None
    is_region: bool = True
    lane: int = 0
    project: Project | None = field(default=None, repr=False, compare=False)

    def _marker(self) -> model.Marker:
        assert self.project is not None
        for marker in self.project.model.markers:
            if marker.guid == self.guid:
                return marker
        raise InputError(f"region {self.name!r} is no longer there")

    def _edited(self, text: str) -> None:
        assert self.project is not None
        project = self.project.model
        project.sorted_markers()
        if project.assumptions.undo_on_user_region_edit:
            project.history.add(text, MISC)

    def move(self, start_s: float, end_s: float | None = None) -> None:
        """Drag it (length kept when ``end_s`` is left out) or its edges."""
        marker = self._marker()
        end_s = start_s + marker.end_s - marker.start_s if end_s is None else end_s
        marker.start_s, marker.end_s = start_s, end_s if marker.is_region else start_s
        self._edited("Move region" if self.is_region else "Move marker")

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._marker().name = name
        self._edited("Edit region" if self.is_region else "Edit marker")

    def renumber(self, number: int) -> None:
        """Give it another displayed number."""
        self._marker().number = number
        self._edited("Renumber region")

    def delete(self) -> None:
        """Delete it."""
        assert self.project is not None
        self.project.model.remove_marker(self._marker())
        self._edited("Delete region" if self.is_region else "Delete marker")

    def select(self, selected: bool = True) -> None:
        """Select it in the ruler (seen by scripts since 7.62)."""
        self._marker().selected = selected


@dataclass(frozen=True, slots=True)
class Item:
    """A media item."""

    host: Host = field(repr=False)
    model: model.Item

    @property
    def guid(self) -> str:
        """Its GUID."""
        return self.model.guid

    @property
    def source(self) -> Source | None:
        """The active take's source."""
        take = self.model.take
        return take.source if take is not None else None

    def select(self, selected: bool = True) -> None:
        """Select it."""
        self.model.values["B_UISEL"] = float(selected)

    def set(self, **values: float) -> None:
        """Set REAPER's values of the item or its active take by name (``D_VOL`` means the item's).

        Raises
        ------
        InputError
            If a name is unknown.
        """
        for name, value in values.items():
            take = self.model.take
            if name in self.model.values:
                self.model.values[name] = float(value)
            elif take is not None and name in take.values:
                take.values[name] = float(value)
            else:
                raise InputError(f"an item has no value {name!r}")
        self.model.track.sort_items()
        self._point("Change media item properties")

    def set_take(self, **values: float) -> None:
        """Set values of the active take where the item has one of the same name (``D_VOL``)."""
        take = self.model.take
        if take is None or not set(values) <= set(take.values):
            raise InputError(f"the take has no values {sorted(values)}")
        take.values.update({name: float(value) for name, value in values.items()})
        self._point("Change take properties")

    def move(self, position_s: float) -> None:
        """Drag it along its track."""
        self.set(D_POSITION=position_s)

    def add_stretch_marker(self, position_s: float, source_s: float) -> None:
        """A stretch marker in the active take."""
        take = self.model.take
        assert take is not None
        take.stretch_markers = sorted([*take.stretch_markers, (position_s, source_s)])
        self._point("Add stretch marker")

    def add_fx(self, name: str = "VST: ReaEQ (Cockos)") -> None:
        """An effect on the active take."""
        take = self.model.take
        assert take is not None
        take.fx.append(name)
        self._point("Add take FX")

    def add_envelope(self, name: str = "Volume", points: int = 2) -> None:
        """An envelope of the active take."""
        take = self.model.take
        assert take is not None
        take.envelopes[name] = points
        self._point("Add take envelope")

    def delete(self) -> None:
        """Delete it."""
        project = self.model.track.project
        project.remove_item(self.model)
        project.history.add("Delete item", ITEMS)

    def offline(self, offline: bool = True) -> None:
        """Take its media offline."""
        source = self.source
        while source is not None and source.parent is not None:
            source = source.parent
        if isinstance(source, FileSource):
            source.offline = offline

    def _point(self, text: str) -> None:
        self.model.track.project.history.add(text, ITEMS)


@dataclass(frozen=True, slots=True)
class Track:
    """A track."""

    host: Host = field(repr=False)
    model: model.Track

    @property
    def name(self) -> str:
        """Its name."""
        return self.model.name

    @property
    def guid(self) -> str:
        """Its GUID."""
        return self.model.guid

    @property
    def items(self) -> list[Item]:
        """Its items in time order."""
        return [Item(self.host, item) for item in self.model.items]

    def add_item(
        self,
        path: Path | str | Source,
        position_s: float = 0.0,
        length_s: float | None = None,
        *,
        offset_s: float = 0.0,
        rate: float = 1.0,
        preserve_pitch: bool = False,
        loop: bool = False,
        gain: float = 1.0,
        take_gain: float = 1.0,
        pan: float = 0.0,
        section: tuple[float, float] | None = None,
        reverse: bool = False,
        fade_in_s: float = 0.0,
        fade_out_s: float = 0.0,
        channel_mode: int = 0,
        mute: bool = False,
    ) -> Item:
        """Put a media file on the track.

        Parameters
        ----------
        path : Path, str or Source
            The file, or a source made by hand.
        position_s, length_s : float
            Where it stands; the length is that of what remains of the source unless given.
        offset_s, rate : float
            Source seconds at the left edge, and how fast it plays.
        section : (start_s, length_s) or None
            The part of the file that the source is limited to.

        Raises
        ------
        InputError
            If the file has no sound that can be read and no length was given.
        """
        source = path if isinstance(path, Source) else FileSource(path)
        if section is not None or reverse:
            start, length = section or (0.0, source.length_s)
            source = SectionSource(source, start, length, reverse)
        if length_s is None:
            length_s = (source.length_s - offset_s) / rate
            if length_s <= 0:
                raise InputError(f"{path}: no sound to put on a track")
        project = self.model.project
        item = model.Item(self.model, project.new_guid(), position_s, length_s)
        item.values.update(
            B_LOOPSRC=float(loop), D_VOL=gain, D_FADEINLEN=fade_in_s, D_FADEOUTLEN=fade_out_s, B_MUTE=float(mute)
        )
        name = Path(source.path or (source.parent.path if source.parent else "")).name
        take = model.Take(item, project.new_guid(), source, name)
        take.values.update(
            D_STARTOFFS=offset_s,
            D_PLAYRATE=rate,
            B_PPITCH=float(preserve_pitch),
            D_VOL=take_gain,
            D_PAN=pan,
            I_CHANMODE=float(channel_mode),
        )
        item.takes.append(take)
        self.model.items.append(item)
        self.model.sort_items()
        project.history.add("Insert media", ITEMS)
        return Item(self.host, item)

    def add_midi(self, position_s: float, length_s: float) -> Item:
        """Put a MIDI item on the track."""
        return self.add_item(MidiSource(), position_s, length_s)

    def select(self, only: bool = True) -> None:
        """Select it (and no other, unless told)."""
        for other in self.model.project.tracks if only else []:
            other.values["I_SELECTED"] = 0.0
        self.model.values["I_SELECTED"] = 1.0

    def set(self, **values: float) -> None:
        """Set REAPER's values by name (``I_SOLO``, ``B_MUTE``, ``I_FOLDERDEPTH``, ...)."""
        unknown = set(values) - set(self.model.values)
        if unknown:
            raise InputError(f"a track has no value {sorted(unknown)[0]!r}")
        self.model.values.update({name: float(value) for name, value in values.items()})
        self.model.project.history.add("Change track properties", TRACKS)

    def value(self, name: str) -> float:
        """One of REAPER's values."""
        return self.model.values[name]

    def razor(self, start_s: float, end_s: float) -> None:
        """Mark a razor edit area over the whole height."""
        self.model.razor = f'{start_s:.14f} {end_s:.14f} ""'

    def add_fx(self, name: str = "VST: ReaEQ (Cockos)") -> None:
        """An effect."""
        self.model.fx.append(name)
        self.model.project.history.add(f"Add FX: {name}", TRACKS)

    def delete(self) -> None:
        """Delete it with its items."""
        project = self.model.project
        project.remove_track(self.model)
        project.history.add("Remove track", TRACKS | ITEMS)
