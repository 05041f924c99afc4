"""REAPER's own commands, as far as they matter here."""

from __future__ import annotations

from collections.abc import Callable

from reatrieve.headless.machine import Machine
from reatrieve.headless.model import ItemModel, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.undo import ITEMS, MISC, TRACKS

__all__ = ["NATIVE"]

Native = Callable[[Machine, ProjectModel], None]
NATIVE: dict[int, tuple[str, Native]] = {}


def _native(command: int, name: str) -> Callable[[Native], Native]:
    def register(action: Native) -> Native:
        NATIVE[command] = (name, action)
        return action

    return register


@_native(40029, "Edit: Undo")
def _undo(host: Machine, project: ProjectModel) -> None:
    host.undo(project)


@_native(40030, "Edit: Redo")
def _redo(host: Machine, project: ProjectModel) -> None:
    host.redo(project)


@_native(1007, "Transport: Play")
def _play(host: Machine, project: ProjectModel) -> None:
    host.play(project)


@_native(1008, "Transport: Pause")
def _pause(host: Machine, project: ProjectModel) -> None:
    host.pause(project)


@_native(1016, "Transport: Stop")
def _stop(host: Machine, project: ProjectModel) -> None:
    host.stop(project)


@_native(40044, "Transport: Play/stop")
def _play_stop(host: Machine, project: ProjectModel) -> None:
    if project.transport.playing:
        host.stop(project)
    else:
        host.play(project)


@_native(40073, "Transport: Play/pause")
def _play_pause(host: Machine, project: ProjectModel) -> None:
    if project.transport.playing:
        host.pause(project)
    else:
        host.play(project)


@_native(1068, "Transport: Toggle repeat")
def _repeat(host: Machine, project: ProjectModel) -> None:
    project.repeat = not project.repeat


@_native(40042, "Transport: Go to start of project")
def _go_to_start(host: Machine, project: ProjectModel) -> None:
    project.cursor_s = 0.0


@_native(40043, "Transport: Go to end of project")
def _go_to_end(host: Machine, project: ProjectModel) -> None:
    project.cursor_s = project.length_s


def _selection_point(project: ProjectModel, text: str) -> None:
    if project.assumptions.time_selection_makes_undo_point:
        project.history.add(text, MISC)


@_native(40020, "Time selection: Remove (unselect) time selection and loop points")
def _remove_both(host: Machine, project: ProjectModel) -> None:
    project.time_selection = project.loop_points = (0.0, 0.0)
    _selection_point(project, "Remove time selection and loop points")


@_native(40635, "Time selection: Remove (unselect) time selection")
def _remove_selection(host: Machine, project: ProjectModel) -> None:
    project.set_time_selection(0.0, 0.0)
    _selection_point(project, "Remove time selection")


@_native(40634, "Loop points: Remove (unselect) loop point selection")
def _remove_loop(host: Machine, project: ProjectModel) -> None:
    project.set_loop_points(0.0, 0.0)
    _selection_point(project, "Remove loop points")


@_native(40290, "Time selection: Set time selection to items")
def _select_items_time(host: Machine, project: ProjectModel) -> None:
    items = project.selected_items()
    if items:
        project.set_time_selection(min(item.position_s for item in items), max(item.end_s for item in items))
        _selection_point(project, "Set time selection to items")


@_native(40621, "Options: Toggle loop points linked to time selection")
def _toggle_link(host: Machine, project: ProjectModel) -> None:
    host.preferences["loop_points_linked"] = not host.preferences["loop_points_linked"]


@_native(40749, "Options: Set loop points linked to time selection")
def _link(host: Machine, project: ProjectModel) -> None:
    host.preferences["loop_points_linked"] = True


@_native(40750, "Options: Unset loop points linked to time selection")
def _unlink(host: Machine, project: ProjectModel) -> None:
    host.preferences["loop_points_linked"] = False


@_native(40289, "Item: Unselect (clear selection of) all items")
def _unselect_items(host: Machine, project: ProjectModel) -> None:
    for item in project.items():
        item.values["B_UISEL"] = 0.0


@_native(40297, "Track: Unselect (clear selection of) all tracks")
def _unselect_tracks(host: Machine, project: ProjectModel) -> None:
    for track in [project.master, *project.tracks]:
        track.values["I_SELECTED"] = 0.0


@_native(40182, "Item: Select all items")
def _select_items(host: Machine, project: ProjectModel) -> None:
    for item in project.items():
        item.values["B_UISEL"] = 1.0


@_native(40340, "Track: Unsolo all tracks")
def _unsolo(host: Machine, project: ProjectModel) -> None:
    for track in project.tracks:
        track.values["I_SOLO"] = 0.0


@_native(40001, "Track: Insert new track")
def _insert_track(host: Machine, project: ProjectModel) -> None:
    project.add_track()
    project.history.add("Insert track", TRACKS)


@_native(40006, "Item: Remove items")
def _remove_items(host: Machine, project: ProjectModel) -> None:
    for item in project.selected_items():
        project.remove_item(item)
    project.history.add("Remove items", ITEMS)


def _split(project: ProjectModel, items: list[ItemModel], *times_s: float) -> list[ItemModel]:
    """Cut items at times; what lies right of the last cut, or between two."""
    inside: list[ItemModel] = []
    for item in items:
        for time_s in times_s:
            if item.position_s < time_s < item.end_s:
                right = project.split_item(item, time_s)
                inside.append(right)
                item = right if len(times_s) > 1 else item
    return inside


@_native(40012, "Item: Split items at edit or play cursor")
def _split_at_cursor(host: Machine, project: ProjectModel) -> None:
    items = project.selected_items() or list(project.items())
    _split(project, items, project.transport.position_s())
    project.history.add("Split items at edit cursor", ITEMS)


@_native(40061, "Item: Split items at time selection")
def _split_at_selection(host: Machine, project: ProjectModel) -> None:
    start_s, end_s = sorted(project.time_selection)
    items = project.selected_items() or list(project.items())
    for item in items:
        item.values["B_UISEL"] = 0.0
    _split(project, items, start_s, end_s)
    for item in project.items():
        if start_s <= item.position_s and item.end_s <= end_s:
            item.values["B_UISEL"] = 1.0
    project.history.add("Split items at time selection", ITEMS)


def _select_in_time(project: ProjectModel, tracks: list[TrackModel]) -> None:
    start_s, end_s = sorted(project.time_selection)
    for item in project.items():
        inside = item.track in tracks and item.position_s < end_s and item.end_s > start_s
        item.values["B_UISEL"] = float(inside)


@_native(40717, "Item: Select all items in current time selection")
def _select_in_selection(host: Machine, project: ProjectModel) -> None:
    _select_in_time(project, project.tracks)


@_native(40718, "Item: Select all items on selected tracks in current time selection")
def _select_on_tracks(host: Machine, project: ProjectModel) -> None:
    _select_in_time(project, project.selected_tracks())


def _other_take(project: ProjectModel, by: int) -> None:
    for item in project.selected_items():
        if item.takes:
            item.values["I_CURTAKE"] = float((int(item.values["I_CURTAKE"]) + by) % len(item.takes))
    project.history.add("Change active take", ITEMS)


@_native(40125, "Take: Switch items to next take")
def _next_take(host: Machine, project: ProjectModel) -> None:
    _other_take(project, 1)


@_native(40126, "Take: Switch items to previous take")
def _previous_take(host: Machine, project: ProjectModel) -> None:
    _other_take(project, -1)


@_native(40131, "Take: Crop to active take in items")
def _crop(host: Machine, project: ProjectModel) -> None:
    for item in project.selected_items():
        for take in item.takes:
            if take is not item.take:
                take.die()
        item.takes = [take for take in item.takes if take.alive]
        item.values["I_CURTAKE"] = 0.0
    project.history.add("Crop to active take", ITEMS)


@_native(40032, "Item grouping: Group items")
def _group(host: Machine, project: ProjectModel) -> None:
    group = max((item.values["I_GROUPID"] for item in project.items()), default=0.0) + 1
    for item in project.selected_items():
        item.values["I_GROUPID"] = group
    project.history.add("Group items", ITEMS)


@_native(40033, "Item grouping: Remove items from group")
def _ungroup(host: Machine, project: ProjectModel) -> None:
    for item in project.selected_items():
        item.values["I_GROUPID"] = 0.0
    project.history.add("Remove items from group", ITEMS)


@_native(40914, "Track: Set first selected track as last touched track")
def _touch(host: Machine, project: ProjectModel) -> None:
    return None


@_native(42406, "Razor edit: Clear all areas")
def _clear_razor(host: Machine, project: ProjectModel) -> None:
    for track in project.tracks:
        track.razor = ""


@_native(40295, "View: Zoom out project")
def _zoom_out(host: Machine, project: ProjectModel) -> None:
    host.set_view(project, 0.0, max(project.length_s, 1.0))


@_native(40157, "Markers: Insert marker at current position")
def _insert_marker(host: Machine, project: ProjectModel) -> None:
    host.marker_added(project.add_marker(False, project.transport.position_s(), 0.0))
    project.history.add("Insert marker", MISC)


@_native(40174, "Markers: Insert region from time selection")
def _insert_region(host: Machine, project: ProjectModel) -> None:
    start_s, end_s = project.time_selection
    if end_s > start_s:
        host.marker_added(project.add_marker(True, start_s, end_s))
        project.history.add("Insert region", MISC)


@_native(40026, "File: Save project")
def _save(host: Machine, project: ProjectModel) -> None:
    host.save(project)


@_native(40859, "New project tab")
def _new_tab(host: Machine, project: ProjectModel) -> None:
    host.new_tab()


@_native(41929, "New project tab (ignore default template)")
def _new_plain_tab(host: Machine, project: ProjectModel) -> None:
    host.new_tab()


@_native(40860, "Close current project tab")
def _close_tab(host: Machine, project: ProjectModel) -> None:
    host.close_asking(host.project)


@_native(40861, "Next project tab")
def _next_tab(host: Machine, project: ProjectModel) -> None:
    host.select(host.tabs[(host.tabs.index(host.project) + 1) % len(host.tabs)])


@_native(40862, "Previous project tab")
def _previous_tab(host: Machine, project: ProjectModel) -> None:
    host.select(host.tabs[(host.tabs.index(host.project) - 1) % len(host.tabs)])
