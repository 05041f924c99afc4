"""A project with its tracks, items and regions as a user handles them: every edit leaves an undo point."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reatrieve.errors import InputError
from reatrieve.headless import model as models
from reatrieve.headless.machine import Machine
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.sources import FileSource, MidiSource, SectionSource, Source
from reatrieve.headless.tempo import TimeMap
from reatrieve.headless.undo import ALL, ITEMS, MISC, TRACKS

__all__ = ["MediaItem", "Project", "Region", "Track"]


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

    def _marker(self) -> models.Marker:
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


def _shift_ruler(project: ProjectModel, from_s: float, by_s: float) -> None:
    """Markers, region edges and tempo markers from a time on move."""
    for marker in project.markers:
        if marker.start_s >= from_s:
            marker.start_s = max(marker.start_s + by_s, 0.0)
        if marker.end_s >= from_s:
            marker.end_s = max(marker.end_s + by_s, marker.start_s)
    for point in project.tempo:
        if point.time_s >= from_s and point.time_s > 0:
            point.time_s += by_s
    project.sorted_markers()


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A media item."""

    host: Machine = field(repr=False)
    model: models.ItemModel

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
        if self.model.track.project.assumptions.time_selection_makes_undo_point:
            self._point("Change media item selection")

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

    def move(self, position_s: float, *, ripple: str = "") -> None:
        """Drag it along its track.

        Parameters
        ----------
        ripple : str
            What moves along, from the item on: "" nothing, "track" the items of its track, "all" the items of all
            tracks, markers, regions and tempo markers.

        Raises
        ------
        InputError
            If ``ripple`` is none of these.
        """
        if ripple not in ("", "track", "all"):
            raise InputError(f"ripple={ripple!r}: choose '', 'track' or 'all'")
        track, before_s = self.model.track, self.model.position_s
        by_s = position_s - before_s
        tracks = {"": [], "track": [track], "all": track.project.tracks}[ripple]
        moved = [
            item for each in tracks for item in each.items if item.position_s >= before_s and item is not self.model
        ]
        for item in [self.model, *moved]:
            item.values["D_POSITION"] = max(item.position_s + by_s, 0.0)
        if ripple == "all":
            _shift_ruler(track.project, before_s, by_s)
        for each in track.project.tracks:
            each.sort_items()
        track.project.history.add("Move media items", ALL)

    def trim(self, start_s: float, end_s: float) -> None:
        """Drag its edges to project times; the sound under it stays where it is."""
        by_s = start_s - self.model.position_s
        for take in self.model.takes:
            take.values["D_STARTOFFS"] += by_s * take.values["D_PLAYRATE"]
        self.set(D_POSITION=start_s, D_LENGTH=end_s - start_s)

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

    host: Machine = field(repr=False)
    model: models.TrackModel

    @property
    def name(self) -> str:
        """Its name."""
        return self.model.name

    @property
    def guid(self) -> str:
        """Its GUID."""
        return self.model.guid

    @property
    def items(self) -> list[MediaItem]:
        """Its items in time order."""
        return [MediaItem(self.host, item) for item in self.model.items]

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
    ) -> MediaItem:
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
        item = models.ItemModel(self.model, project.new_guid(), position_s, length_s)
        item.values.update(
            B_LOOPSRC=float(loop), D_VOL=gain, D_FADEINLEN=fade_in_s, D_FADEOUTLEN=fade_out_s, B_MUTE=float(mute)
        )
        name = Path(source.path or (source.parent.path if source.parent else "")).name
        take = models.TakeModel(item, project.new_guid(), source, name)
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
        return MediaItem(self.host, item)

    def add_midi(self, position_s: float, length_s: float) -> MediaItem:
        """Put a MIDI item on the track."""
        return self.add_item(MidiSource(), position_s, length_s)

    def select(self, only: bool = True) -> None:
        """Select it (and no other, unless told)."""
        for other in self.model.project.tracks if only else []:
            other.values["I_SELECTED"] = 0.0
        self.model.values["I_SELECTED"] = 1.0

    def set(self, **values: float) -> None:
        """Set REAPER's values by name (``I_SOLO``, ``B_MUTE``, ``I_FOLDERDEPTH``, ...).

        Raises
        ------
        InputError
            If a track has no value of that name.
        """
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


@dataclass(frozen=True, slots=True)
class Project:
    """A project tab."""

    host: Machine = field(repr=False)
    model: ProjectModel

    @property
    def path(self) -> Path | None:
        """Its file; None when it was never saved."""
        return self.model.path

    @property
    def is_open(self) -> bool:
        """Whether its tab is still there."""
        return self.model.alive

    @property
    def dirty(self) -> bool:
        """Whether it differs from its file."""
        return self.model.dirty

    def activate(self) -> None:
        """Switch to its tab."""
        self.host.select(self.host.require_project(self.model))

    # content ---------------------------------------------------------------------------------------------------------

    @property
    def tracks(self) -> list[Track]:
        """Its tracks from top to bottom."""
        return [Track(self.host, track) for track in self.model.tracks]

    def add_track(self, name: str = "", select: bool = True) -> Track:
        """Add a track at the end; it becomes the only selected one unless told otherwise."""
        track = Track(self.host, self.model.add_track(name))
        if select:
            track.select()
        self.model.history.add("Insert track", TRACKS)
        return track

    def _region(self, marker: models.Marker) -> Region:
        color = None
        if marker.color & 0x1000000:
            color = "#{:02x}{:02x}{:02x}".format(*self.host.color_parts(marker.color))
        end_s = marker.end_s if marker.is_region else marker.start_s
        return Region(
            marker.guid, marker.number, marker.start_s, end_s, marker.name, color, marker.is_region, marker.lane, self
        )

    @property
    def regions(self) -> list[Region]:
        """Its regions in time order."""
        return [self._region(marker) for marker in self.model.sorted_markers() if marker.is_region]

    @property
    def markers(self) -> list[Region]:
        """Its markers in time order."""
        return [self._region(marker) for marker in self.model.sorted_markers() if not marker.is_region]

    def _add_marker(self, is_region: bool, start_s: float, end_s: float, name: str, color: str | None) -> Region:
        native = 0
        if color is not None:
            red, green, blue = (int(color.lstrip("#")[i : i + 2], 16) for i in (0, 2, 4))
            native = self.host.native_color(red, green, blue) | 0x1000000
        marker = self.model.add_marker(is_region, start_s, end_s, name, -1, native)
        self.model.history.add("Insert region" if is_region else "Insert marker", MISC)
        return self._region(marker)

    def add_region(self, start_s: float, end_s: float, name: str = "", color: str | None = None) -> Region:
        """Insert a region."""
        return self._add_marker(True, start_s, end_s, name, color)

    def add_marker(self, time_s: float, name: str = "", color: str | None = None) -> Region:
        """Insert a marker."""
        return self._add_marker(False, time_s, time_s, name, color)

    def set_tempo(self, bpm: float, numerator: int = 4, denominator: int = 4, *, timebase: str = "time") -> None:
        """The project's tempo and time signature.

        Parameters
        ----------
        timebase : str
            What items, markers and regions keep: "time" their seconds, "beats" their bars and beats (items then change
            position, length and rate).

        Raises
        ------
        InputError
            If ``timebase`` is none of these.
        """
        if timebase not in ("time", "beats"):
            raise InputError(f"timebase={timebase!r}: choose 'time' or 'beats'")
        model = self.model
        before = model.tempo_map()
        model.bpm, model.numerator, model.denominator = bpm, numerator, denominator
        if timebase == "beats":
            self._keep_beats(before)
        model.history.add("Change tempo", ALL)

    def _keep_beats(self, before: TimeMap) -> None:
        after = self.model.tempo_map()

        def moved(time_s: float) -> float:
            return after.time_of_quarter(before.quarter_at(time_s))

        for item in self.model.items():
            start_s, end_s = moved(item.position_s), moved(item.end_s)
            for take in item.takes:
                take.values["D_PLAYRATE"] *= item.length_s / (end_s - start_s)
            item.values.update(D_POSITION=start_s, D_LENGTH=end_s - start_s)
        for marker in self.model.markers:
            marker.start_s, marker.end_s = moved(marker.start_s), moved(marker.end_s)

    def add_tempo(
        self, time_s: float, bpm: float, numerator: int = 0, denominator: int = 0, linear: bool = False
    ) -> None:
        """Insert a tempo marker; numerator 0 leaves the time signature."""
        self.model.tempo.append(models.TempoPoint(time_s, bpm, numerator, denominator, linear))
        self.model.tempo.sort(key=lambda point: point.time_s)
        self.model.history.add("Insert tempo marker", MISC)

    def insert_time(self, start_s: float, length_s: float) -> None:
        """Insert empty space: what crosses the place is split, what comes after it moves on, regions across grow."""
        project = self.model
        for item in list(project.items()):
            if item.position_s < start_s < item.end_s:
                project.split_item(item, start_s)
        for item in project.items():
            if item.position_s >= start_s:
                item.values["D_POSITION"] += length_s
        _shift_ruler(project, start_s, length_s)
        project.history.add("Insert empty space", ALL)

    def remove_time(self, start_s: float, end_s: float) -> None:
        """Cut a stretch of time out of all tracks, with what lies in it; what comes after it moves up."""
        project = self.model
        for edge_s in (start_s, end_s):
            for item in list(project.items()):
                if item.position_s < edge_s < item.end_s:
                    project.split_item(item, edge_s)
        for item in list(project.items()):
            if start_s <= item.position_s < end_s:
                project.remove_item(item)
            elif item.position_s >= end_s:
                item.values["D_POSITION"] -= end_s - start_s
        for marker in list(project.markers):
            if start_s <= marker.start_s and marker.end_s < end_s:
                project.remove_marker(marker)
                continue
            marker.start_s = (
                marker.start_s if marker.start_s < start_s else max(marker.start_s - end_s + start_s, start_s)
            )
            marker.end_s = marker.end_s if marker.end_s < start_s else max(marker.end_s - end_s + start_s, start_s)
        project.tempo = [point for point in project.tempo if not start_s < point.time_s < end_s]
        for point in project.tempo:
            if point.time_s >= end_s:
                point.time_s -= end_s - start_s
        project.sorted_markers()
        project.history.add("Remove contents of time selection", ALL)

    def set_start_offset(self, offset_s: float, measures: int = 0) -> None:
        """What the ruler shows at the start of the project (Project settings): a time and a measure."""
        self.model.offset_s, self.model.offset_measures = offset_s, measures

    def set_ruler(self, mode: int) -> None:
        """The ruler's format: 0 time, 1 measures and time, 2 measures, 3 seconds, 4 samples, 5 frames.

        Raises
        ------
        InputError
            If ``mode`` is none of these.
        """
        if mode not in range(6):
            raise InputError(f"ruler mode {mode}: 0 to 5")
        self.model.ruler_mode = mode

    # selection, view, transport --------------------------------------------------------------------------------------

    def select_time(self, start_s: float, end_s: float) -> None:
        """Drag a time selection; to REAPER that is an edit that can be undone."""
        self.model.set_time_selection(start_s, end_s)
        if self.model.assumptions.time_selection_makes_undo_point:
            self.model.history.add("Change time selection", MISC)

    def load_selection(self, start_s: float, end_s: float) -> None:
        """A time selection as an opened file may hold it: the end may stand before the start."""
        self.model.time_selection = self.model.loop_points = (start_s, end_s)
        self.model.history.restart()

    @property
    def time_selection(self) -> tuple[float, float]:
        """Start and end of the time selection, equal when there is none."""
        return self.model.time_selection

    @property
    def loop_points(self) -> tuple[float, float]:
        """Start and end of the loop."""
        return self.model.loop_points

    def set_loop_points(self, start_s: float, end_s: float) -> None:
        """Drag the loop points."""
        self.model.set_loop_points(start_s, end_s)
        if self.model.assumptions.time_selection_makes_undo_point:
            self.model.history.add("Change loop points", MISC)

    @property
    def view(self) -> tuple[float, float]:
        """First and last second in the arrange view."""
        return self.model.view

    def set_view(self, start_s: float, end_s: float, pixels: int = 1200) -> None:
        """Scroll and zoom; ``pixels`` is the width of the arrange view."""
        self.model.view, self.model.arrange_pixels = (start_s, end_s), pixels

    @property
    def cursor_s(self) -> float:
        """The edit cursor."""
        return self.model.cursor_s

    def set_cursor(self, time_s: float) -> None:
        """Click into the arrange view."""
        self.model.cursor_s = time_s

    @property
    def repeat(self) -> bool:
        """Whether the loop repeats."""
        return self.model.repeat

    def set_repeat(self, repeat: bool) -> None:
        """Switch repeat."""
        self.model.repeat = repeat

    def play(self) -> None:
        """Press play."""
        self.host.play(self.model)

    def stop(self) -> None:
        """Press stop."""
        self.host.stop(self.model)

    def pause(self) -> None:
        """Press pause."""
        self.host.pause(self.model)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self.model.transport.playing

    @property
    def play_position_s(self) -> float:
        """Where it plays; the edit cursor when stopped."""
        return self.model.transport.position_s()

    # history and file ------------------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Ctrl+Z; the text of what was undone, "" if nothing was."""
        text = self.model.history.undo_text
        self.host.undo(self.model)
        return text

    def redo(self) -> str:
        """Ctrl+Shift+Z; the text of what was done again, "" if nothing was."""
        text = self.model.history.redo_text
        self.host.redo(self.model)
        return text

    @property
    def undo_text(self) -> str:
        """What undo would take back."""
        return self.model.history.undo_text

    @property
    def redo_text(self) -> str:
        """What redo would do again."""
        return self.model.history.redo_text

    @property
    def undo_history(self) -> list[str]:
        """All undo points, the oldest first."""
        return self.model.history.texts

    def ext_state(self, section: str, key: str) -> str:
        """A value of the project's ext state, whatever the case of its name; "" for none."""
        for name, values in self.model.ext_state.items():
            if name.casefold() == section.casefold():
                return next((value for each, value in values.items() if each.casefold() == key.casefold()), "")
        return ""

    def save(self, path: Path | str | None = None) -> Path:
        """Save, under a new name if given."""
        return self.host.save(self.model, Path(path) if path is not None else None)

    def close(self) -> None:
        """Close the tab; changes that were not saved are lost."""
        self.host.close(self.host.require_project(self.model))
