"""What all parts of the simulated REAPER share: tabs, preferences, stores, focus, and two rules for every script.

A script may change or delete only regions and markers that scripts made (or that the user told it to); and playing and
the view move only within a tick of the user's own key.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from reatrieve.errors import InputError
from reatrieve.headless.action_list import ScriptAction, script_identifier
from reatrieve.headless.gfx import GfxWindow
from reatrieve.headless.listing import listing, parse_version
from reatrieve.headless.model import Marker, Thing
from reatrieve.headless.options import HostOptions
from reatrieve.headless.profile import VERSIONS, Assumptions, load_assumptions
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.rpp_read import read_project
from reatrieve.headless.rpp_write import write_project
from reatrieve.headless.sockets import Sockets
from reatrieve.headless.stores import Dialogs, ExtState, Pointers, Status
from reatrieve.headless.transport import Clock

__all__ = ["ARRANGE", "Machine", "ScriptError", "Window"]

FIRST_SCRIPT_COMMAND = 53001
ARRANGE = 1
"""The arrange view as SetCursorContext and GetCursorContext number it."""

T = TypeVar("T")


class Window:
    """An opaque window handle (HWND) or section pointer."""

    alive = True

    def __init__(self, kind: str, title: str) -> None:
        self.kind = kind
        self.title = title


class ScriptError:
    """An error that ended a script: REAPER would show it in a window."""

    def __init__(self, script: str, message: str) -> None:
        self.script = script
        self.message = message

    def __str__(self) -> str:
        return f"{self.script}: {self.message}"

    def __repr__(self) -> str:
        return f"ScriptError({str(self)!r})"


class Machine(ABC):
    """One simulated REAPER without its scripts; ``home`` is its resource folder (``GetResourcePath``)."""

    def __init__(self, options: HostOptions, home: Path) -> None:
        self.given = options
        self.version = options.version
        self.version_number = parse_version(options.version)
        self.lua = options.lua or VERSIONS.get(self.version) or ("5.3" if self.version_number < (7, 0) else "5.4")
        self.home = home
        self.assumptions: Assumptions = load_assumptions(options.profile, Assumptions.of(self.version_number))
        self.windows = options.colors == "bgr"
        self.tick_hz = options.tick_hz or self.assumptions.defer_rate_hz
        self.clock = Clock(options.clock == "real")
        self.preferences = {
            "loop_points_linked": self.assumptions.loop_points_linked,
            "smooth_seek": self.assumptions.smooth_seek,
        }
        self.config_vars: dict[str, str] = {}
        self.pointers = Pointers(self.assumptions.pointers_reused, self._present)
        self.ext_state = ExtState(
            home / "reaper-extstate.ini",
            at_once=self.assumptions.ext_state_persists_at_once,
            version=self.version_number,
            windows=self.windows,
        )
        self.dialogs = Dialogs(self.dialog_stands_open)
        self.status = Status()
        self.sockets = Sockets()
        self.errors: list[ScriptError] = []
        self.misuse: list[str] = []
        self.unasked_moves: list[str] = []
        self.actions: dict[int, ScriptAction] = {}
        self.main_window = Window("HWND", "REAPER")
        self.section = Window("KbdSectionInfo", "Main")
        self.gmem: dict[str, dict[int, float]] = {}
        self.ticks = 0
        self.key_tick = 0  # when the user last pressed a key or clicked
        self.acting = ""  # the script whose step runs; "" while the user acts
        self.made_by_scripts: set[str] = set()  # GUIDs of markers and regions
        self.focus: GfxWindow | None = None  # the window that has the keys; None: one of REAPER's own
        self.cursor_context = ARRANGE
        self.file_lists: dict[str, list[str]] = {}
        self.refresh_locks = 0  # PreventUIRefresh
        self.envelopes: dict[tuple[str, str], Any] = {}
        native = {name for name, entry in listing().items() if entry.since <= self.version_number}
        self.functions = frozenset(native | set(options.extensions))
        self.tabs: list[ProjectModel] = []
        self.project = self.new_tab()

    def _present(self, kind: str) -> Iterator[Thing]:
        """The things of a kind in all tabs, the oldest tab first."""
        for tab in self.tabs:
            if kind == "ReaProject":
                yield tab
            elif kind == "MediaTrack":
                yield from tab.tracks
            elif kind == "MediaItem":
                yield from tab.items()
            elif kind == "MediaItem_Take":
                yield from tab.takes()
            elif kind == "ProjectMarker":
                yield from tab.sorted_markers()

    # actions ---------------------------------------------------------------------------------------------------------

    def register(self, path: Path, section: int = 0) -> ScriptAction:
        """The action of a script file, added to the list if it is not there."""
        path = path.resolve()
        for action in self.actions.values():
            if action.path == path and action.section == section:
                return action
        identifier = script_identifier(path, self.home)
        action = ScriptAction(FIRST_SCRIPT_COMMAND + len(self.actions), path, identifier, section)
        self.actions[action.command] = action
        return action

    @abstractmethod
    def command(self, number: int, project: ProjectModel) -> None:
        """Run an action by its number.

        Raises
        ------
        LuaError
            If the host knows no such command.
        """

    @abstractmethod
    def command_name(self, number: int) -> str:
        """What the action list calls a command, "" for none."""

    def toggle_state(self, number: int) -> int:
        """-1 no toggle, 0 off, 1 on."""
        if number in self.actions:
            return self.actions[number].toggle
        if number == 40621 and self.assumptions.loop_link_action_40621:
            return int(self.preferences["loop_points_linked"])
        if number == 1068:
            return int(self.project.repeat)
        return -1

    # time ------------------------------------------------------------------------------------------------------------

    def stand_still(self, seconds: float) -> None:
        """The interface hangs: time passes and what plays goes on, but no script runs."""
        self.clock.pass_(seconds)
        for tab in self.tabs:
            tab.transport.tick()

    @abstractmethod
    def dialog_stands_open(self, seconds: float) -> None:
        """A modal dialog waits for its answer."""

    # the rules -------------------------------------------------------------------------------------------------------

    def user_acts(self) -> None:
        """The user presses a key, clicks or sends something from a controller."""
        self.key_tick = self.ticks

    def moves(self, what: str) -> None:
        """Playing or the view is about to move: noted if a script does it and the user did not just ask for it."""
        since = self.ticks - self.key_tick
        if self.acting and since > 1:
            self.unasked_moves.append(f"{self.acting}: {what}, {since} ticks after the user's last key")

    def marker_added(self, marker: Marker) -> Marker:
        """A new marker or region: a script's own if one made it."""
        if self.acting:
            self.made_by_scripts.add(marker.guid)
        return marker

    def _breach(self, did: str, marker: Marker) -> None:
        kind = "region" if marker.is_region else "marker"
        self.misuse.append(f"{self.acting}: {did} {kind} {marker.name!r} ({marker.number}), which no script made")

    def _is_foreign(self, marker: Marker) -> bool:
        return bool(self.acting) and marker.guid not in self.made_by_scripts

    @contextmanager
    def editing(self, project: ProjectModel, marker: Marker) -> Iterator[None]:
        """Around a script's edit of a marker or region."""
        before = {**marker.state(), "selected": None}
        yield
        if self._is_foreign(marker) and {**marker.state(), "selected": None} != before:
            self._breach("changed", marker)
        project.sorted_markers()
        project.edited()

    def remove_marker(self, project: ProjectModel, marker: Marker) -> None:
        """Delete a marker or region."""
        if self._is_foreign(marker):
            self._breach("deleted", marker)
        project.remove_marker(marker)
        project.edited()

    def undo(self, project: ProjectModel) -> bool:
        """Take the last point back; whether there was one."""
        return self._restoring(project, project.history.undo)

    def redo(self, project: ProjectModel) -> bool:
        """Do the next point again; whether there was one."""
        return self._restoring(project, project.history.redo)

    def _restoring(self, project: ProjectModel, step: Callable[[], T]) -> T:
        """A script's undo may take back edits of the user's own: then it changed what no script made."""
        before = {marker.guid: (marker, marker.state()) for marker in project.markers if self._is_foreign(marker)}
        result = step()
        after = {marker.guid: (marker, marker.state()) for marker in project.markers if self._is_foreign(marker)}
        for guid in before.keys() | after.keys():
            if before.get(guid, (None, None))[1] != after.get(guid, (None, None))[1]:
                self._breach("took back an edit of", (after.get(guid) or before[guid])[0])
        return result

    # playing and the view --------------------------------------------------------------------------------------------

    def play(self, project: ProjectModel) -> None:
        """The play button: from the edit cursor; while playing it starts over, smoothly if that is set."""
        running = project.transport.playing and not project.transport.paused
        if running and not self.assumptions.play_from_running_restarts_at_cursor:
            return
        self.moves("play")
        smooth = self.preferences["smooth_seek"] and running
        project.transport.play(project.cursor_s, smooth=smooth)

    def stop(self, project: ProjectModel) -> None:
        """The stop button."""
        if project.transport.playing:
            self.moves("stop")
        project.transport.stop()

    def pause(self, project: ProjectModel) -> None:
        """The pause button."""
        if project.transport.playing:
            self.moves("pause")
        project.transport.pause()

    def seek(self, project: ProjectModel, time_s: float, *, smooth: bool) -> None:
        """Move the play position while playing."""
        if project.transport.playing:
            self.moves("seek")
        project.transport.seek(time_s, smooth=smooth)

    def set_view(self, project: ProjectModel, start_s: float, end_s: float) -> None:
        """Scroll and zoom the arrange view."""
        if project.view != (start_s, end_s):
            self.moves("view")
        project.view = (start_s, end_s)

    def go_to(self, project: ProjectModel, time_s: float, *, move_view: bool, seek_play: bool) -> None:
        """Set the edit cursor."""
        project.cursor_s = max(time_s, 0.0)
        start_s, end_s = project.view
        if move_view and not start_s <= time_s <= end_s:
            first_s = max(0.0, time_s - (end_s - start_s) / 2)
            self.set_view(project, first_s, first_s + end_s - start_s)
        if seek_play:
            smooth = self.preferences["smooth_seek"] and self.assumptions.seek_obeys_smooth_seek
            self.seek(project, project.cursor_s, smooth=smooth)

    # tabs ------------------------------------------------------------------------------------------------------------

    def _new_project(self) -> ProjectModel:
        return ProjectModel(
            self.assumptions,
            self.preferences,
            self.clock,
            lanes=self.version_number >= (7, 62),
            made_by_scripts=self.made_by_scripts,
        )

    def new_tab(self) -> ProjectModel:
        """A new, empty project in its own tab, now current."""
        project = self._new_project()
        project.history.restart()
        self.tabs.append(project)
        self.project = project
        return project

    def select(self, project: ProjectModel) -> None:
        """Make a tab current."""
        self.project = project

    def close(self, project: ProjectModel) -> None:
        """Close a tab without asking; the last one leaves an empty project."""
        index = self.tabs.index(project)
        self.tabs.remove(project)
        project.transport.stop()
        project.kill()
        if not self.tabs:
            self.new_tab()
        elif self.project is project:
            self.project = self.tabs[min(index, len(self.tabs) - 1)]

    def may_lose(self, project: ProjectModel) -> bool:
        """Ask before unsaved changes are lost (answer "save", "discard" or "cancel"); False: the user cancelled."""
        if not project.dirty:
            return True
        choice = self.dialogs.ask("box", f"Save {project.name or 'unsaved project'} before closing?", "REAPER", 3)
        if choice == "save":
            self.save(project)
        return bool(choice != "cancel")

    def close_asking(self, project: ProjectModel) -> None:
        """Close a tab as the user does."""
        if self.may_lose(project):
            self.close(project)

    def open(self, path: Path, *, same_tab: bool = False, loading_s: float = 0.0) -> ProjectModel:
        """Open a project file in a tab (an untouched empty tab is used up).

        ``same_tab`` puts it into the current tab in place of the project there, unsaved changes and all: the tab's
        pointer then stands for the new project. ``loading_s`` is how long that takes; scripts stand still meanwhile.

        Raises
        ------
        InputError
            If the file cannot be read; the tabs stay as they were.
        """
        before = self.project
        untouched = before.path is None and not before.dirty and not before.tracks and not before.markers
        read_project(self._new_project(), path, windows_colors=self.windows)  # raises before anything is lost
        if same_tab or untouched:
            before.transport.stop()
            before.kill()
        project = self._new_project()
        read_project(project, path, windows_colors=self.windows)
        project.path = path
        project.history.restart()
        project.change_count += before.change_count
        if loading_s:
            self.stand_still(loading_s)
        if same_tab or untouched:
            self.tabs[self.tabs.index(before)] = project
            self.pointers.move(before, project)
        else:
            self.tabs.append(project)
        self.project = project
        return project

    def save(self, project: ProjectModel, path: Path | None = None) -> Path:
        """Write the project's file; one never saved asks for its name."""
        path = path or project.path
        if path is None:
            path = Path(str(self.dialogs.ask("file", "Save project", "Save project")))
        self.save_copy(project, path)
        project.path = path
        project.dirty = False
        return path

    def save_copy(self, project: ProjectModel, path: Path) -> None:
        """Write the project to a file that does not become its own."""
        write_project(project, path, version=self.version, windows_colors=self.windows)

    def require_project(self, project: ProjectModel) -> ProjectModel:
        """The project, if its tab is still open.

        Raises
        ------
        InputError
            If it was closed.
        """
        if not project.alive:
            raise InputError("this project's tab was closed: open it again")
        return project

    # colours ---------------------------------------------------------------------------------------------------------

    def native_color(self, red: int, green: int, blue: int) -> int:
        """REAPER's native number of a colour on the simulated system."""
        if self.windows:
            return red | green << 8 | blue << 16
        return red << 16 | green << 8 | blue

    def color_parts(self, native: int) -> tuple[int, int, int]:
        """Red, green and blue of a native colour."""
        high, middle, low = native >> 16 & 255, native >> 8 & 255, native & 255
        return (low, middle, high) if self.windows else (high, middle, low)

    @property
    def os_name(self) -> str:
        """As ``GetOS`` says."""
        return {"win32": "Win64", "darwin": "macOS-arm64"}.get(sys.platform, "Other")
