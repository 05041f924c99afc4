"""The undo history of a tab: points made by blocks, by scripts that end, and by the user's own edits.

A point holds the whole state after it and which parts of the project it covers; undo puts those parts back as they were
after the point before. Edits made outside a block belong to the next point, as in REAPER.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reatrieve.headless.model import Item, Marker, Take, TempoPoint, Track

if TYPE_CHECKING:
    from reatrieve.headless.project import ProjectModel

__all__ = ["ALL", "ITEMS", "MISC", "TRACKS", "History", "State"]

TRACKS, ITEMS, MISC = 1, 4, 8
ALL = -1
_TRACK_FLAGS = 1 | 2 | 16 | 32 | 64 | 128  # track configuration, effects, freeze, envelopes


@dataclass(frozen=True, slots=True)
class State:
    """A copy of all that undo can put back."""

    tracks: list[dict[str, Any]]
    items: dict[str, list[dict[str, Any]]]
    markers: list[dict[str, Any]]
    tempo: list[TempoPoint]
    bpm: tuple[float, int, int]
    selection: tuple[tuple[float, float], tuple[float, float], float]
    ext_state: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Point:
    text: str
    state: State
    flags: int


def _changes(before: State, after: State) -> int:
    """Which parts differ, as REAPER's undo flags; selection alone is no change."""
    flags = 0
    if before.tracks != after.tracks:
        flags |= TRACKS
    if before.items != after.items:
        flags |= ITEMS
    tempo = [[vars(point) for point in state.tempo] for state in (before, after)]
    if before.markers != after.markers or tempo[0] != tempo[1] or before.bpm != after.bpm:
        flags |= MISC
    return flags


class History:
    """Undo points of one project; ``position`` is how many of them are applied."""

    def __init__(self, project: ProjectModel) -> None:
        self._project = project
        self._start: State | None = None
        self._points: list[_Point] = []
        self.position = 0
        self.depth = 0  # open blocks
        self.made = 0  # points ever made: who wants to know whether a run made one compares it

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
        """Whether the project differs from the last point."""
        return _changes(self._last, self._capture()) != 0

    def begin(self) -> None:
        """Open a block; blocks nest."""
        self.depth += 1

    def end(self, text: str, flags: int) -> None:
        """Close a block; the outermost makes the point."""
        if self.depth == 0:
            return
        self.depth -= 1
        assumptions = self._project.assumptions
        if self.depth or (flags == 0 and not assumptions.undo_block_flags_zero):
            return
        if assumptions.undo_block_empty or self.changed():
            self.add(text, flags)

    def add(self, text: str, flags: int = ALL) -> None:
        """A new point for everything since the last; what was undone can no longer be redone."""
        del self._points[self.position :]
        self._points.append(_Point(text, self._capture(), flags))
        self.position += 1
        self.made += 1
        self._project.mark_dirty()

    def undo(self) -> bool:
        """Take back the last point; edits since then go with it."""
        if not self.position:
            return False
        point = self._points[self.position - 1]
        self.position -= 1
        keep = self._project.assumptions.undo_keeps_region_guids
        self._restore(self._last, point.flags, keep)
        self._project.mark_dirty()
        return True

    def redo(self) -> bool:
        """Do the next point again."""
        if self.position >= len(self._points):
            return False
        point = self._points[self.position]
        self.position += 1
        self._restore(point.state, point.flags, self._project.assumptions.redo_keeps_region_guids)
        self._project.mark_dirty()
        return True

    @property
    def _last(self) -> State:
        if self.position:
            return self._points[self.position - 1].state
        if self._start is None:
            self._start = self._capture()
        return self._start

    def _capture(self) -> State:
        project = self._project
        return State(
            [project.master.state(), *(track.state() for track in project.tracks)],
            {track.guid: [item.state() for item in track.items] for track in project.tracks},
            [marker.state() for marker in project.sorted_markers()],
            [point.copy() for point in project.tempo],
            (project.bpm, project.numerator, project.denominator),
            (project.time_selection, project.loop_points, project.cursor_s),
            {section: dict(values) for section, values in project.ext_state.items()},
        )

    def _restore(self, state: State, flags: int, keep_guids: bool) -> None:
        project = self._project
        if flags & _TRACK_FLAGS:
            self._restore_tracks(state)
        if flags & ITEMS or flags & _TRACK_FLAGS:
            self._restore_items(state)
        if flags & MISC:
            self._restore_markers(state, keep_guids)
            project.tempo = [point.copy() for point in state.tempo]
            project.bpm, project.numerator, project.denominator = state.bpm
        time_selection, loop_points, cursor_s = state.selection
        if project.assumptions.undo_restores_time_selection:
            project.time_selection, project.loop_points = time_selection, loop_points
        if project.assumptions.undo_restores_edit_cursor:
            project.cursor_s = cursor_s
        if project.assumptions.undo_restores_proj_ext_state:
            project.ext_state = {section: dict(values) for section, values in state.ext_state.items()}

    def _restore_tracks(self, state: State) -> None:
        from reatrieve.headless.project import kill_track

        project = self._project
        known = {track.guid: track for track in project.tracks}
        _fill(project.master, state.tracks[0])
        tracks = []
        for content in state.tracks[1:]:
            track = known.pop(content["guid"], None) or Track(project, content["guid"])
            _fill(track, content)
            tracks.append(track)
        for track in known.values():
            kill_track(track)
        project.tracks = tracks

    def _restore_items(self, state: State) -> None:
        from reatrieve.headless.project import kill_item

        keep = self._project.assumptions.undo_keeps_item_pointers
        old = {item.guid: item for item in self._project.items()}
        kept = set()
        for track in self._project.tracks:
            items = []
            for content in state.items.get(track.guid, []):
                item = old.get(content["guid"])
                if item is None or not (item.state() == content or keep):
                    item = Item(track, content["guid"])
                    item.takes = [Take(item, take["guid"], None) for take in content["takes"]]
                elif len(item.takes) != len(content["takes"]):
                    for take in item.takes:
                        take.alive = False
                    item.takes = [Take(item, take["guid"], None) for take in content["takes"]]
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
            marker.alive = False
        project.markers = [Marker.from_state(content) for content in state.markers]
        if keep_guids:
            return
        renamed = {m.guid: project.new_guid() for m in project.markers if m.guid not in present}
        for marker in project.markers:
            marker.guid = renamed.get(marker.guid, marker.guid)
        if renamed:  # from now on the history knows these by their new names
            self._points = [replace(point, state=_renamed(point.state, renamed)) for point in self._points]
            self._start = _renamed(self._start, renamed) if self._start else None


def _renamed(state: State, renamed: dict[str, str]) -> State:
    markers = [{**marker, "guid": renamed.get(marker["guid"], marker["guid"])} for marker in state.markers]
    return replace(state, markers=markers)


def _fill(target: Any, content: dict[str, Any]) -> None:
    for key, value in content.items():
        setattr(target, key, value.copy() if isinstance(value, (dict, list)) else value)
