"""The undo history of a tab: points made by blocks, by scripts that end, and by the user's own edits.

A point holds the whole state after it. Undo puts the whole state of the point before back, so an edit that never got a
point is lost with it; and such an edit makes the next block a point, even an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reatrieve.headless.model import ItemModel, Lane, Marker, TakeModel, TempoPoint, TrackModel, kill_item, kill_track
from reatrieve.headless.profile import Assumptions

__all__ = ["ALL", "ITEMS", "MISC", "TRACKS", "History", "State", "UndoContent"]

TRACKS, ITEMS, MISC = 1, 4, 8
ALL = -1
_TRACK_FLAGS = 1 | 2 | 16 | 32 | 64 | 128  # track configuration, effects, freeze, envelopes


class UndoContent(Protocol):
    """What undo copies of a project and puts back, and what it needs beside."""

    assumptions: Assumptions
    new_guid: Callable[[], str]
    made_by_scripts: set[str]
    change_count: int
    master: TrackModel
    tracks: list[TrackModel]
    markers: list[Marker]
    lanes: list[Lane]
    tempo: list[TempoPoint]
    bpm: float
    numerator: int
    denominator: int
    time_selection: tuple[float, float]
    loop_points: tuple[float, float]
    cursor_s: float
    ext_state: dict[str, dict[str, str]]

    def items(self) -> Iterator[ItemModel]:
        """All items, track by track."""

    def sorted_markers(self) -> list[Marker]:
        """Markers and regions in time order."""

    def mark_dirty(self) -> None:
        """The project differs from its file."""


@dataclass(frozen=True, slots=True)
class State:
    """A copy of all that undo can put back."""

    tracks: list[dict[str, Any]]
    items: dict[str, list[dict[str, Any]]]
    markers: list[dict[str, Any]]
    lanes: list[Lane]
    tempo: list[TempoPoint]
    bpm: tuple[float, int, int]
    selection: tuple[tuple[float, float], tuple[float, float]]
    cursor_s: float
    ext_state: dict[str, dict[str, str]]


_PARTS = {
    _TRACK_FLAGS: ("tracks",),
    ITEMS: ("items",),
    MISC: ("markers", "lanes", "tempo", "bpm", "selection", "cursor_s", "ext_state"),
}
"""Undo flags, and the parts of the state that a point with one of them records."""


def _recorded(before: State, now: State, flags: int) -> State:
    """The state that a point with these flags holds: what it does not record is as it was."""
    names = [name for bits, parts in _PARTS.items() if flags & bits for name in parts]
    return replace(before, **{name: getattr(now, name) for name in names})


@dataclass(frozen=True, slots=True)
class _Point:
    text: str
    state: State


class History:
    """Undo points of one project; ``position`` is how many of them are applied."""

    def __init__(self, project: UndoContent) -> None:
        self._project = project
        self._start: State | None = None
        self._points: list[_Point] = []
        self.position = 0
        self.depth = 0  # open blocks
        self.made = 0  # points ever made
        self._absorbed: list[tuple[str, int]] = []  # points that the open block takes in, with their flags

    @property
    def texts(self) -> list[str]:
        """All points, the oldest first, undone ones included."""
        return [point.text for point in self._points]

    @property
    def undo_text(self) -> str:
        """What undo would take back, "" for nothing."""
        return self._points[self.position - 1].text if self.position else ""

    @property
    def redo_text(self) -> str:
        """What redo would do again, "" for nothing."""
        return self._points[self.position].text if self.position < len(self._points) else ""

    def restart(self) -> None:
        """Forget everything: the project as it is becomes the beginning."""
        self._start = self._capture()
        self._points.clear()
        self.position = 0

    def changed(self) -> bool:
        """Whether the project differs from the last point, in whatever way."""
        return self._differ(self._last, self._capture())

    def begin(self) -> None:
        """Open a block; blocks nest."""
        if not self.depth:
            self._absorbed = []
        self.depth += 1

    def end(self, text: str, flags: int) -> None:
        """Close a block; the outermost makes the point, if something changed.

        With flags 0 it stands for the points that actions made inside it: one point of the block's name.
        """
        if self.depth == 0:
            self._project.change_count += 1
            return
        self.depth -= 1
        if self.depth:
            return
        assumptions = self._project.assumptions
        for inner_text, inner_flags in self._absorbed:
            text = text or inner_text
            flags = flags | inner_flags
        if flags == 0 and assumptions.undo_block_flags_zero:
            flags = ALL
        if not (flags and self.add(text, flags, though_empty=assumptions.undo_block_empty)):
            self._project.change_count += 1

    def close_open_block(self, text: str) -> bool:
        """What REAPER does at the end of a tick with a block left open; whether there was one."""
        if not self.depth:
            return False
        self.depth = 0
        self.add(text)
        return True

    def add(self, text: str, flags: int = ALL, *, though_empty: bool = False) -> bool:
        """A new point for what changed since the last; what was undone can no longer be redone.

        Inside a block it waits for the block's own point.

        Returns
        -------
        bool
            False if nothing that the flags name changed: then there is no point.
        """
        if self.depth:
            self._absorbed.append((text, flags))
            return False
        state = _recorded(self._last, self._capture(), flags)
        if not though_empty and not self._differ(self._last, state):
            return False
        del self._points[self.position :]
        self._points.append(_Point(text, state))
        self.position += 1
        self.made += 1
        self._project.mark_dirty()
        return True

    def undo(self) -> bool:
        """Take back the last point; edits since then go with it."""
        if not self.position:
            return False
        self.position -= 1
        self._restore(self._last, self._project.assumptions.undo_keeps_region_guids)
        self._project.mark_dirty()
        return True

    def redo(self) -> bool:
        """Do the next point again."""
        if self.position >= len(self._points):
            return False
        self.position += 1
        self._restore(self._last, self._project.assumptions.redo_keeps_region_guids)
        self._project.mark_dirty()
        return True

    @property
    def _last(self) -> State:
        if self.position:
            return self._points[self.position - 1].state
        if self._start is None:
            self._start = self._capture()
        return self._start

    def _differ(self, one: State, other: State) -> bool:
        names = ["tracks", "items", "markers", "lanes", "tempo", "bpm"]
        assumptions = self._project.assumptions
        if assumptions.undo_restores_time_selection:
            names.append("selection")
        if assumptions.undo_restores_edit_cursor:
            names.append("cursor_s")
        if assumptions.undo_restores_proj_ext_state:
            names.append("ext_state")
        return any(getattr(one, name) != getattr(other, name) for name in names)

    def _capture(self) -> State:
        project = self._project
        return State(
            [project.master.state(), *(track.state() for track in project.tracks)],
            {track.guid: [item.state() for item in track.items] for track in project.tracks},
            [marker.state() for marker in project.sorted_markers()],
            [replace(lane) for lane in project.lanes],
            [replace(point) for point in project.tempo],
            (project.bpm, project.numerator, project.denominator),
            (project.time_selection, project.loop_points),
            project.cursor_s,
            {section: dict(values) for section, values in project.ext_state.items()},
        )

    def _restore(self, state: State, keep_guids: bool) -> None:
        project = self._project
        self._restore_tracks(state)
        self._restore_items(state)
        self._restore_markers(state, keep_guids)
        project.lanes = [replace(lane) for lane in state.lanes]
        project.tempo = [replace(point) for point in state.tempo]
        project.bpm, project.numerator, project.denominator = state.bpm
        if project.assumptions.undo_restores_time_selection:
            project.time_selection, project.loop_points = state.selection
        if project.assumptions.undo_restores_edit_cursor:
            project.cursor_s = state.cursor_s
        if project.assumptions.undo_restores_proj_ext_state:
            project.ext_state = {section: dict(values) for section, values in state.ext_state.items()}

    def _restore_tracks(self, state: State) -> None:
        project = self._project
        known = {track.guid: track for track in project.tracks}
        _fill(project.master, state.tracks[0])
        tracks = []
        for content in state.tracks[1:]:
            track = known.pop(content["guid"], None) or TrackModel(project, content["guid"])
            _fill(track, content)
            tracks.append(track)
        for track in known.values():
            kill_track(track)
        project.tracks = tracks

    def _restore_items(self, state: State) -> None:
        keep = self._project.assumptions.undo_keeps_item_pointers
        old = {item.guid: item for item in self._project.items()}
        kept = set()
        for track in self._project.tracks:
            items = []
            for content in state.items.get(track.guid, []):
                item = old.get(content["guid"])
                if item is None or not (item.state() == content or keep):
                    item = ItemModel(track, content["guid"])
                    item.takes = [TakeModel(item, take["guid"], None) for take in content["takes"]]
                elif len(item.takes) != len(content["takes"]):
                    for take in item.takes:
                        take.die()
                    item.takes = [TakeModel(item, take["guid"], None) for take in content["takes"]]
                item.track = track
                _fill(item, {key: value for key, value in content.items() if key != "takes"})
                for take, take_content in zip(item.takes, content["takes"], strict=True):
                    _fill(take, take_content)
                items.append(item)
                kept.add(id(item))
            track.items = items
        for item in old.values():
            if id(item) not in kept:
                kill_item(item)

    def _restore_markers(self, state: State, keep_guids: bool) -> None:
        """Put markers and regions back; those that were gone get new GUIDs if the profile says so."""
        project = self._project
        present = {marker.guid for marker in project.markers}
        for marker in project.markers:
            marker.die()
        project.markers = [Marker.from_state(content) for content in state.markers]
        if keep_guids:
            return
        renamed = {m.guid: project.new_guid() for m in project.markers if m.guid not in present}
        for marker in project.markers:
            marker.guid = renamed.get(marker.guid, marker.guid)
        if renamed:  # from now on the history knows these by their new names
            project.made_by_scripts |= {renamed[guid] for guid in renamed if guid in project.made_by_scripts}
            self._points = [replace(point, state=_renamed(point.state, renamed)) for point in self._points]
            self._start = _renamed(self._start, renamed) if self._start else None


def _renamed(state: State, renamed: dict[str, str]) -> State:
    markers = [{**marker, "guid": renamed.get(marker["guid"], marker["guid"])} for marker in state.markers]
    return replace(state, markers=markers)


def _fill(target: Any, content: dict[str, Any]) -> None:
    """Put copied fields back; a table of values keeps what was not copied (a track's selection)."""
    for key, value in content.items():
        if key == "values":
            target.values.update(value)
        else:
            setattr(target, key, value.copy() if isinstance(value, (dict, list)) else value)
