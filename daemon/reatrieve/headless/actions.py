"""The action list: REAPER's own commands that matter here, and registered scripts with their ids."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.headless.undo import ITEMS, MISC, TRACKS

if TYPE_CHECKING:
    from reatrieve.headless.host import Host
    from reatrieve.headless.project import ProjectModel

__all__ = ["NATIVE", "ScriptAction", "described", "script_identifier"]


@dataclass(slots=True)
class ScriptAction:
    """A script in the action list; ``identifier`` is its ``_RS`` name without the underscore."""

    command: int
    path: Path
    identifier: str
    section: int = 0
    toggle: int = -1

    @property
    def name(self) -> str:
        """As the action list shows it."""
        return f"Script: {self.path.name}"


def script_identifier(path: Path, resources: Path) -> str:
    """``RS`` and a hash: of the path below Scripts/, so it is the same on every machine, else of the whole path."""
    try:
        text = path.relative_to(resources / "Scripts").as_posix()
    except ValueError:
        text = path.as_posix()
    return "RS" + hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def described(path: Path) -> str:
    """The description in a script's ReaPack header, else the file's stem; without the product's prefix."""
    head = path.read_bytes()[:4096].decode("utf-8", "replace")
    match = re.search(r"^--\s*@(?:description|name)[ \t]+(.+)$", head, re.MULTILINE)
    text = match[1].strip() if match else path.stem
    return re.sub(r"^ReaTrieve\s*[:_-]\s*", "", text)


Native = Callable[["Host", "ProjectModel"], None]
NATIVE: dict[int, tuple[str, Native]] = {}


def _native(command: int, name: str) -> Callable[[Native], Native]:
    def register(action: Native) -> Native:
        NATIVE[command] = (name, action)
        return action

    return register


@_native(40029, "Edit: Undo")
def _undo(host: Host, project: ProjectModel) -> None:
    project.history.undo()


@_native(40030, "Edit: Redo")
def _redo(host: Host, project: ProjectModel) -> None:
    project.history.redo()


@_native(1007, "Transport: Play")
def _play(host: Host, project: ProjectModel) -> None:
    host.play(project)


@_native(1008, "Transport: Pause")
def _pause(host: Host, project: ProjectModel) -> None:
    project.transport.pause()


@_native(1016, "Transport: Stop")
def _stop(host: Host, project: ProjectModel) -> None:
    project.transport.stop()


@_native(40044, "Transport: Play/stop")
def _play_stop(host: Host, project: ProjectModel) -> None:
    if project.transport.playing:
        project.transport.stop()
    else:
        host.play(project)


@_native(40073, "Transport: Play/pause")
def _play_pause(host: Host, project: ProjectModel) -> None:
    if project.transport.playing:
        project.transport.pause()
    else:
        host.play(project)


@_native(1068, "Transport: Toggle repeat")
def _repeat(host: Host, project: ProjectModel) -> None:
    project.repeat = not project.repeat


@_native(40042, "Transport: Go to start of project")
def _go_to_start(host: Host, project: ProjectModel) -> None:
    project.cursor_s = 0.0


@_native(40043, "Transport: Go to end of project")
def _go_to_end(host: Host, project: ProjectModel) -> None:
    project.cursor_s = project.length_s


@_native(40020, "Time selection: Remove (unselect) time selection and loop points")
def _remove_both(host: Host, project: ProjectModel) -> None:
    project.time_selection = project.loop_points = (0.0, 0.0)


@_native(40635, "Time selection: Remove (unselect) time selection")
def _remove_selection(host: Host, project: ProjectModel) -> None:
    project.set_time_selection(0.0, 0.0)


@_native(40634, "Loop points: Remove (unselect) loop point selection")
def _remove_loop(host: Host, project: ProjectModel) -> None:
    project.set_loop_points(0.0, 0.0)


@_native(40621, "Options: Toggle loop points linked to time selection")
def _toggle_link(host: Host, project: ProjectModel) -> None:
    host.options["loop_points_linked"] = not host.options["loop_points_linked"]


@_native(40289, "Item: Unselect (clear selection of) all items")
def _unselect_items(host: Host, project: ProjectModel) -> None:
    for item in project.items():
        item.values["B_UISEL"] = 0.0


@_native(40297, "Track: Unselect (clear selection of) all tracks")
def _unselect_tracks(host: Host, project: ProjectModel) -> None:
    for track in [project.master, *project.tracks]:
        track.values["I_SELECTED"] = 0.0


@_native(40182, "Item: Select all items")
def _select_items(host: Host, project: ProjectModel) -> None:
    for item in project.items():
        item.values["B_UISEL"] = 1.0


@_native(40340, "Track: Unsolo all tracks")
def _unsolo(host: Host, project: ProjectModel) -> None:
    for track in project.tracks:
        track.values["I_SOLO"] = 0.0


@_native(40001, "Track: Insert new track")
def _insert_track(host: Host, project: ProjectModel) -> None:
    project.add_track()
    project.history.add("Insert track", TRACKS)


@_native(40006, "Item: Remove items")
def _remove_items(host: Host, project: ProjectModel) -> None:
    for item in project.selected_items():
        project.remove_item(item)
    project.history.add("Remove items", ITEMS)


@_native(42406, "Razor edit: Clear all areas")
def _clear_razor(host: Host, project: ProjectModel) -> None:
    for track in project.tracks:
        track.razor = ""


@_native(40295, "View: Zoom out project")
def _zoom_out(host: Host, project: ProjectModel) -> None:
    project.view = (0.0, max(project.length_s, 1.0))


@_native(40157, "Markers: Insert marker at current position")
def _insert_marker(host: Host, project: ProjectModel) -> None:
    project.add_marker(False, project.transport.position_s(), 0.0)
    project.history.add("Insert marker", MISC)


@_native(40174, "Markers: Insert region from time selection")
def _insert_region(host: Host, project: ProjectModel) -> None:
    start_s, end_s = project.time_selection
    if end_s > start_s:
        project.add_marker(True, start_s, end_s)
        project.history.add("Insert region", MISC)


@_native(40026, "File: Save project")
def _save(host: Host, project: ProjectModel) -> None:
    host.save(project)


@_native(40859, "New project tab")
def _new_tab(host: Host, project: ProjectModel) -> None:
    host.new_tab()


@_native(41929, "New project tab (ignore default template)")
def _new_plain_tab(host: Host, project: ProjectModel) -> None:
    host.new_tab()


@_native(40860, "Close current project tab")
def _close_tab(host: Host, project: ProjectModel) -> None:
    host.close_asking(host.project)


@_native(40861, "Next project tab")
def _next_tab(host: Host, project: ProjectModel) -> None:
    host.select(host.tabs[(host.tabs.index(host.project) + 1) % len(host.tabs)])


@_native(40862, "Previous project tab")
def _previous_tab(host: Host, project: ProjectModel) -> None:
    host.select(host.tabs[(host.tabs.index(host.project) - 1) % len(host.tabs)])
