"""The project model of one tab: content, selection, view, and the numbers that REAPER keeps about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reatrieve.headless.model import (
    ItemModel,
    Lane,
    Marker,
    TakeModel,
    TempoPoint,
    Thing,
    TrackModel,
    kill_item,
    kill_track,
    new_guid,
)
from reatrieve.headless.profile import Assumptions
from reatrieve.headless.tempo import TimeMap
from reatrieve.headless.transport import Clock, Transport
from reatrieve.headless.undo import History

__all__ = ["ProjectModel"]


class ProjectModel(Thing):
    """What one project tab holds; its history is ``history``, its transport in transport.py."""

    kind = "ReaProject"

    def __init__(
        self,
        assumptions: Assumptions,
        preferences: dict[str, bool],
        clock: Clock,
        *,
        lanes: bool,
        made_by_scripts: set[str],
    ) -> None:
        super().__init__()
        self.assumptions = assumptions
        self.preferences = preferences  # REAPER's, shared by all tabs
        self.made_by_scripts = made_by_scripts  # GUIDs of markers and regions, shared by all tabs
        self.new_guid: Callable[[], str] = new_guid
        self.path: Path | None = None
        self.tracks: list[TrackModel] = []
        self.master = TrackModel(self, self.new_guid(), "MASTER")
        self.markers: list[Marker] = []
        self.tempo: list[TempoPoint] = []
        self.bpm = 120.0
        self.numerator = 4
        self.denominator = 4
        self.time_selection = (0.0, 0.0)
        self.loop_points = (0.0, 0.0)
        self.cursor_s = 0.0
        self.view = (0.0, 60.0)
        self.arrange_pixels = 1200
        self.repeat = False
        self.playrate = 1.0
        self.grid = 0.25
        self.offset_s = 0.0  # what the ruler shows at the start of the project
        self.offset_measures = 0
        self.ruler_mode = 1  # as format_timestr_pos counts: 0 time, 1 measures and time, 2 measures, ..., 5 frames
        self.frame_rate = 30.0
        self.notes = ""
        self.author = ""
        self.render_matrix: dict[int, list[TrackModel]] = {}
        self.ext_state: dict[str, dict[str, str]] = {}
        self.lanes = [Lane(flags=4), Lane(flags=8)] if lanes else []
        self.info: dict[str, float] = {"PROJECT_SRATE": 44100.0, "PROJECT_SRATE_USE": 0.0}
        self.info_text: dict[str, str] = {}
        self.document: Any = None  # the opened file as a tree: what the model does not know is written back from it
        self.dirty = False
        self.change_count = 1
        self.unsorted = False
        self.transport = Transport(self, clock)
        self.history = History(self)

    # content ---------------------------------------------------------------------------------------------------------

    def items(self) -> Iterator[ItemModel]:
        """All items, track by track."""
        for track in self.tracks:
            yield from track.items

    def takes(self) -> Iterator[TakeModel]:
        """All takes."""
        for item in self.items():
            yield from item.takes

    @property
    def regions(self) -> list[Marker]:
        """Regions in time order."""
        return [marker for marker in self.sorted_markers() if marker.is_region]

    @property
    def length_s(self) -> float:
        """End of the last item, marker or region."""
        ends = [item.end_s for item in self.items()] + [marker.end_s for marker in self.markers]
        return max(ends, default=0.0)

    def add_track(self, name: str = "", index: int | None = None) -> TrackModel:
        """A new track, last unless an index (from 0) is given."""
        track = TrackModel(self, self.new_guid(), name)
        self.tracks.insert(len(self.tracks) if index is None else index, track)
        return track

    def sorted_markers(self) -> list[Marker]:
        """Markers and regions mixed, in the order in which REAPER enumerates them."""
        if not self.unsorted:
            ties = self.assumptions.region_ties_in_number_order
            self.markers.sort(key=lambda m: (m.start_s, m.is_region, m.number) if ties else (m.start_s,))
        return self.markers

    def free_number(self, is_region: bool, wanted: int = -1) -> int:
        """The displayed number of a new marker or region; numbers may repeat among markers, not among regions."""
        used = {marker.number for marker in self.markers if marker.is_region == is_region}
        if wanted >= 0 and (not is_region or wanted not in used):
            return wanted
        if not self.assumptions.region_number_lowest_free:
            return max(used, default=0) + 1
        number = 1
        while number in used:
            number += 1
        return number

    def add_marker(
        self, is_region: bool, start_s: float, end_s: float, name: str = "", number: int = -1, color: int = 0
    ) -> Marker:
        """A new marker or region; a region given backwards is turned round."""
        if is_region and end_s < start_s:
            start_s, end_s = end_s, start_s
        marker = Marker(
            self.new_guid(),
            self.free_number(is_region, number),
            is_region,
            start_s,
            end_s if is_region else start_s,
            name,
            color,
        )
        marker.lane = self.default_lane(is_region)
        self.markers.append(marker)
        self.sorted_markers()
        return marker

    def default_lane(self, is_region: bool) -> int:
        """The lane in which a new marker or region stands, from 0."""
        flag = 4 if is_region else 8
        return next((index for index, lane in enumerate(self.lanes) if lane.flags & flag), 0)

    def place_lane(self, index: int, position: int) -> None:
        """Move a lane to another place, its markers with it."""
        order = list(range(len(self.lanes)))
        order.insert(position, order.pop(index))
        self.lanes = [self.lanes[each] for each in order]
        for marker in self.markers:
            marker.lane = order.index(marker.lane) if marker.lane < len(order) else 0

    def insert_lane(self, position: int) -> None:
        """A new lane in a place; what stood there and behind moves on."""
        self.lanes.append(Lane())
        self.place_lane(len(self.lanes) - 1, position)

    def is_visible(self, marker: Marker) -> bool:
        """Whether the ruler shows it: neither it nor its lane is hidden."""
        return not marker.hidden and not (marker.lane < len(self.lanes) and self.lanes[marker.lane].hidden)

    def remove_marker(self, marker: Marker) -> None:
        """Take a marker or region out; pointers to it die."""
        self.markers.remove(marker)
        marker.die()

    def remove_track(self, track: TrackModel) -> None:
        """Take a track out, with its items."""
        self.tracks.remove(track)
        kill_track(track)

    def remove_item(self, item: ItemModel) -> None:
        """Take an item out of its track."""
        item.track.items.remove(item)
        kill_item(item)

    def split_item(self, item: ItemModel, position_s: float) -> ItemModel:
        """Cut an item in two; the right one gets all that the left has, each stretch marker on its side.

        Returns
        -------
        Item
            The right part.
        """
        by_s = position_s - item.position_s
        right = ItemModel(item.track, self.new_guid())
        content = {key: value for key, value in item.state().items() if key not in ("guid", "takes")}
        vars(right).update(content)
        right.values.update(D_POSITION=position_s, D_LENGTH=item.length_s - by_s, D_FADEINLEN=0.0)
        item.values.update(D_LENGTH=by_s, D_FADEOUTLEN=0.0)
        for take in item.takes:
            copy = TakeModel(right, self.new_guid(), take.source)
            vars(copy).update({key: value for key, value in take.state().items() if key != "guid"})
            copy.values["D_STARTOFFS"] += by_s * take.values["D_PLAYRATE"]
            cut = by_s * take.values["D_PLAYRATE"]
            take.stretch_markers, copy.stretch_markers = _split_markers(take.stretch_markers, cut)
            right.takes.append(copy)
        item.track.items.append(right)
        item.track.sort_items()
        return right

    def kill(self) -> None:
        """The tab closes: every pointer into it dies."""
        self.die()
        self.master.die()
        for track in self.tracks:
            kill_track(track)
        for marker in self.markers:
            marker.die()

    # selection and view ----------------------------------------------------------------------------------------------

    def set_time_selection(self, start_s: float, end_s: float) -> None:
        """Select time; loop points follow when they are linked."""
        self.time_selection = (min(start_s, end_s), max(start_s, end_s))
        if self.preferences["loop_points_linked"]:
            self.loop_points = self.time_selection

    def set_loop_points(self, start_s: float, end_s: float) -> None:
        """Set the loop points; the time selection follows when they are linked."""
        self.loop_points = (min(start_s, end_s), max(start_s, end_s))
        if self.preferences["loop_points_linked"]:
            self.time_selection = self.loop_points

    def tempo_map(self) -> TimeMap:
        """Seconds to beats and back, as the tempo markers stand now."""
        return TimeMap(self.tempo, self.bpm, self.numerator, self.denominator)

    @property
    def name(self) -> str:
        """The file name, "" when never saved."""
        return self.path.name if self.path else ""

    def selected_items(self) -> list[ItemModel]:
        """Selected items, track by track."""
        return [item for item in self.items() if item.values["B_UISEL"]]

    def selected_tracks(self) -> list[TrackModel]:
        """Selected tracks, top to bottom, without the master."""
        return [track for track in self.tracks if track.values["I_SELECTED"]]

    # what REAPER counts ----------------------------------------------------------------------------------------------

    def edited(self) -> None:
        """The API changed something that is saved with the project."""
        if self.assumptions.change_count_on_api_edit:
            self.change_count += 1

    def mark_dirty(self) -> None:
        """The project differs from its file."""
        self.dirty = True
        self.change_count += 1


def _split_markers(
    markers: list[tuple[float, float]], cut_s: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Stretch markers left and right of a cut, both with one at the cut so that each side sounds as before."""
    if not markers:
        return [], []
    before = [marker for marker in markers if marker[0] < cut_s]
    after = [marker for marker in markers if marker[0] > cut_s]
    exact = [marker for marker in markers if marker[0] == cut_s]
    if exact:
        target_s = exact[0][1]
    elif before and after:
        (left, left_target), (right, right_target) = before[-1], after[0]
        target_s = left_target + (right_target - left_target) * (cut_s - left) / (right - left)
    else:
        place, target = (before or after)[-1 if before else 0]
        target_s = target + cut_s - place
    moved = [(place - cut_s, target - cut_s) for place, target in after]
    return [*before, (cut_s, target_s)], [(0.0, target_s - cut_s), *moved]
