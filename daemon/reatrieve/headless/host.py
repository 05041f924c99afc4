"""The machine behind the simulated REAPER: tabs, running scripts, ticks, and what all of them share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reatrieve.errors import InputError
from reatrieve.headless import api
from reatrieve.headless.actions import NATIVE, ScriptAction, script_identifier
from reatrieve.headless.calls import LuaError
from reatrieve.headless.engine import Engine, HostCall, LupaEngine, settings_values
from reatrieve.headless.listing import listing, parse_version
from reatrieve.headless.profile import VERSIONS, Assumptions
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.script import Context, Script, ScriptError
from reatrieve.headless.sockets import Sockets
from reatrieve.headless.stores import Dialogs, ExtState, Pointers, Status
from reatrieve.headless.transport import Clock

__all__ = ["Host", "Window"]

FIRST_SCRIPT_COMMAND = 53001


class Window:
    """An opaque window handle (HWND) or section pointer."""

    alive = True

    def __init__(self, kind: str, title: str) -> None:
        self.kind = kind
        self.title = title


class Host:
    """One simulated REAPER.

    Parameters
    ----------
    version, lua : str
        REAPER's version, which decides the functions that exist, and the Lua version ("" = that REAPER's own).
    home : Path
        REAPER's resource folder (``GetResourcePath``).
    assumptions : Assumptions
        What is assumed about REAPER.
    windows_colors : bool
        Native colours as on Windows (red in the low byte) instead of macOS and Linux (red in the high one).
    real_time : bool
        Ticks take real time instead of moving a simulated clock.
    tick_hz : float
        Rounds of deferred functions a second.
    sockets : str
        "python": a LuaSocket over the host's sockets; "none": not there, as in stock REAPER; "machine": whatever the
        interpreter finds by itself.
    environment : mapping
        Variables that ``os.getenv`` shows the scripts; None hides one.
    extensions : mapping
        Functions of installed extensions by name.
    """

    def __init__(
        self,
        *,
        version: str,
        lua: str,
        home: Path,
        assumptions: Assumptions,
        windows_colors: bool,
        real_time: bool,
        tick_hz: float,
        sockets: str,
        environment: Mapping[str, str | None],
        longest_step_s: float,
        engine: str,
        extensions: Mapping[str, Callable[..., Any]],
    ) -> None:
        api.load()
        self.version = version
        self.lua = lua or VERSIONS.get(version) or ("5.3" if parse_version(version) < (7, 0) else "5.4")
        self.home = home
        self.assumptions = assumptions
        self.windows_colors = windows_colors
        self.tick_hz = tick_hz
        self.engine = engine
        self.clock = Clock(real_time)
        self.options = {
            "loop_points_linked": assumptions.loop_points_linked,
            "smooth_seek": assumptions.smooth_seek,
        }
        self.config_vars: dict[str, str] = {}
        self.pointers = Pointers()
        self.ext_state = ExtState(home / "reaper-extstate.ini", assumptions.ext_state_persists_at_once)
        self.dialogs = Dialogs()
        self.status = Status()
        self.sockets = Sockets()
        self.errors: list[ScriptError] = []
        self.misuse: list[str] = []
        self.actions: dict[int, ScriptAction] = {}
        self.running: list[Script] = []
        self.main_window = Window("HWND", "REAPER")
        self.section = Window("KbdSectionInfo", "Main")
        self.gmem: dict[str, dict[int, float]] = {}
        self.ticks = 0
        self.longest_step_s = 0.0
        self.focus: Script | None = None
        self.file_lists: dict[str, list[str]] = {}
        self.refresh_locks = 0  # PreventUIRefresh
        self.envelopes: dict[tuple[str, str], Any] = {}
        version_number = parse_version(version)
        self.extensions = dict(extensions)
        native = {name for name, entry in listing().items() if entry.since <= version_number}
        self.functions = frozenset(native | set(extensions))
        self._settings = settings_values(
            sorted(name for name in self.functions if "." not in name),
            sorted(name[4:] for name in self.functions if name.startswith("gfx.")),
            environment,
            sockets,
            assumptions.largest_array,
            longest_step_s,
        )
        self.tabs: list[ProjectModel] = []
        self.project = self.new_tab()

    # scripts ---------------------------------------------------------------------------------------------------------

    def new_engine(self, host_call: HostCall) -> Engine:
        """A Lua state for one script."""
        if self.engine == "lupa":
            return LupaEngine(self.lua, self._settings, host_call)
        from reatrieve.headless.process_engine import ProcessEngine

        return ProcessEngine(self.engine, self._settings, host_call)

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

    def start(self, action: ScriptAction, context: Context | None = None) -> Script | None:
        """Run a script's action as its key or button would; None if that only ended the running one."""
        for running in [script for script in self.running if script.command == action.command]:
            if running.options & 1:
                running.finish()
                if not running.options & 2:
                    return None
            elif running.rounds and self.assumptions.running_script_prompts:
                choice = self.dialogs.ask("task", f"{running.name} is already running", "ReaScript task control")
                if choice == "terminate":
                    running.finish()
                    return None
        project = self.project
        before = {id(tab): tab.history.made for tab in self.tabs}
        script = Script(self, action.path, action.command, context or Context())
        self.running.append(script)
        script.start()
        if not script.running or script.pending == 0:
            script.finish()
            self._automatic_point(script, project, before.get(id(project), 0))
        return script

    def _automatic_point(self, script: Script, project: ProjectModel, made: int) -> None:
        """REAPER's own point after a run that did not defer and made none itself."""
        when = self.assumptions.auto_undo_point
        if not project.alive or project.history.made != made or when == "never":
            return
        if when == "always" or project.history.changed():
            project.history.add(self.assumptions.undo_point_text.format(name=script.name))

    def ended(self, script: Script) -> None:
        """A script is over."""
        if script in self.running:
            self.running.remove(script)
        if self.focus is script:
            self.focus = None
        self.longest_step_s = max(self.longest_step_s, script.longest_step_s)
        action = self.actions.get(script.command)
        if action is not None and script.options & 12:
            action.toggle = 0

    def command(self, number: int, project: ProjectModel) -> None:
        """Run an action by its number.

        Raises
        ------
        LuaError
            If the host knows no such command.
        """
        action = self.actions.get(number)
        if action is not None:
            self.start(action)
            return
        if number not in NATIVE or (number == 40621 and not self.assumptions.loop_link_action_40621):
            raise LuaError(f"the headless host has no command {number}")
        NATIVE[number][1](self, project)

    def tick(self) -> None:
        """One turn of REAPER's main loop: time passes, then each script's deferred functions run once."""
        self.clock.advance(1.0 / self.tick_hz)
        self.ticks += 1
        for tab in self.tabs:
            tab.transport.tick()
        for script in list(self.running):
            script.step()
            self.longest_step_s = max(self.longest_step_s, script.longest_step_s)

    # tabs ------------------------------------------------------------------------------------------------------------

    def new_tab(self) -> ProjectModel:
        """A new, empty project in its own tab, now current."""
        project = ProjectModel(self.assumptions, self.options, self.clock)
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

    def close_asking(self, project: ProjectModel) -> None:
        """Close a tab as the user does: unsaved changes ask (answer "save", "discard" or "cancel")."""
        if project.dirty:
            choice = self.dialogs.ask("box", f"Save {project.name or 'unsaved project'} before closing?", "REAPER", 3)
            if choice == "cancel":
                return
            if choice == "save":
                self.save(project)
        self.close(project)

    def open(self, path: Path) -> ProjectModel:
        """Open a project file in a tab (an untouched empty tab is used up)."""
        from reatrieve.headless.rpp_read import read_project

        project = self.project
        untouched = project.path is None and not project.dirty and not project.tracks and not project.markers
        if not untouched:
            project = self.new_tab()
        read_project(project, path, windows_colors=self.windows_colors)
        project.path = path
        project.history.restart()
        project.dirty = False
        project.change_count += 1
        return project

    def save(self, project: ProjectModel, path: Path | None = None) -> Path:
        """Write the project's file; one never saved asks for its name."""
        from reatrieve.headless.rpp_write import write_project

        path = path or project.path
        if path is None:
            path = Path(str(self.dialogs.ask("file", "Save project", "Save project")))
        write_project(project, path, version=self.version, windows_colors=self.windows_colors)
        project.path = path
        project.dirty = False
        return path

    def play(self, project: ProjectModel) -> None:
        """The play button: from the edit cursor; while playing it starts over, smoothly if that is set."""
        running = project.transport.playing and not project.transport.paused
        if running and not self.assumptions.play_from_running_restarts_at_cursor:
            return
        smooth = self.options["smooth_seek"] and running
        project.transport.play(project.cursor_s, smooth=smooth)

    # colours ---------------------------------------------------------------------------------------------------------

    def native_color(self, red: int, green: int, blue: int) -> int:
        """REAPER's native number of a colour on the simulated system."""
        if self.windows_colors:
            return red | green << 8 | blue << 16
        return red << 16 | green << 8 | blue

    def color_parts(self, native: int) -> tuple[int, int, int]:
        """Red, green and blue of a native colour."""
        high, middle, low = native >> 16 & 255, native >> 8 & 255, native & 255
        return (low, middle, high) if self.windows_colors else (high, middle, low)

    @property
    def os_name(self) -> str:
        """As ``GetOS`` says."""
        return {"win32": "Win64", "darwin": "macOS-arm64"}.get(sys.platform, "Other")

    def toggle_state(self, number: int) -> int:
        """-1 no toggle, 0 off, 1 on."""
        if number in self.actions:
            return self.actions[number].toggle
        if number == 40621 and self.assumptions.loop_link_action_40621:
            return int(self.options["loop_points_linked"])
        if number == 1068:
            return int(self.project.repeat)
        return -1

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

    def stop_all(self) -> None:
        """REAPER quits: every script ends."""
        for script in list(self.running):
            script.finish()
        self.sockets.close_all()
        if not self.assumptions.ext_state_persists_at_once:
            self.ext_state.save()
