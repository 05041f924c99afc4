"""REAPER's own commands, as far as they matter here."""

from __future__ import annotations

from collections.abc import Callable

from reatrieve.headless.machine import Machine
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
