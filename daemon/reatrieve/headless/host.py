"""The machine with its scripts: it starts them, lets their deferred functions run, and ends them."""

from __future__ import annotations

from pathlib import Path

from reatrieve.headless import api
from reatrieve.headless.action_list import ScriptAction
from reatrieve.headless.actions import NATIVE
from reatrieve.headless.engine import Engine, HostCall, LupaEngine, ProcessEngine, settings_values
from reatrieve.headless.machine import Machine
from reatrieve.headless.options import HostOptions
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.script import ActionContext, Script
from reatrieve.headless.wire import LuaError

__all__ = ["Host"]


class Host(Machine):
    """One simulated REAPER with its running scripts."""

    def __init__(self, options: HostOptions, home: Path) -> None:
        api.load()
        super().__init__(options, home)
        self.running: list[Script] = []
        self.longest_step_s = 0.0
        self._settings = settings_values(
            sorted(name for name in self.functions if "." not in name),
            sorted(name[4:] for name in self.functions if name.startswith("gfx.")),
            options.environment,
            options.sockets,
            largest_array=self.assumptions.largest_array,
            longest_step_s=options.longest_step_s,
            ascii_require=self.windows and not self.assumptions.windows_utf8_require,
        )

    def _new_engine(self, host_call: HostCall, checked: bool) -> Engine:
        settings = {**self._settings, "checked": checked}
        if self.given.engine == "lupa":
            return LupaEngine(self.lua, settings, host_call)
        return ProcessEngine(self.given.engine, settings, host_call)

    def _is_checked(self, path: Path) -> bool:
        """Whether a script's arguments are checked more strictly than REAPER does."""
        checks = self.given.argument_checks
        return checks == "all" or (checks == "own" and path.name.startswith("ReaTrieve"))

    def start(self, action: ScriptAction, context: ActionContext | None = None) -> Script | None:
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
        made = project.history.made
        script = Script(
            self,
            action.path,
            action.command,
            context or ActionContext(),
            self._new_engine,
            self._is_checked(action.path),
        )
        script.on_end = self._ended
        self.running.append(script)
        script.start()
        if not script.running or script.pending == 0:
            script.finish()
            self._automatic_point(script, project, made)
        if project.alive and project.history.made == made:
            project.change_count += 1
        return script

    def _automatic_point(self, script: Script, project: ProjectModel, made: int) -> None:
        """REAPER's own point after a run that did not defer."""
        when = self.assumptions.auto_undo_point
        if not project.alive or when == "never" or self.acting:
            return
        text = self.assumptions.undo_point_text.format(name=script.name)
        if when == "changed":
            project.history.add(text)
        elif project.history.made == made:
            project.history.add(text, though_empty=True)

    def _ended(self, script: Script) -> None:
        """A script is over."""
        if script in self.running:
            self.running.remove(script)
        if script.window is not None and self.focus is script.window:
            self.focus = None
        self.longest_step_s = max(self.longest_step_s, script.longest_step_s)
        action = self.actions.get(script.command)
        if action is not None and script.options & 12:
            action.toggle = 0

    def command(self, number: int, project: ProjectModel) -> None:
        """Run an action by its number; 0 is none.

        Raises
        ------
        LuaError
            If the host knows no such command.
        """
        action = self.actions.get(number)
        if action is not None:
            self.start(action)
        elif number in NATIVE and (number != 40621 or self.assumptions.loop_link_action_40621):
            NATIVE[number][1](self, project)
        elif number:
            raise LuaError(f"the headless host has no command {number}")

    def command_name(self, number: int) -> str:
        """What the action list calls a command, "" for none."""
        action = self.actions.get(number)
        return action.name if action is not None else NATIVE.get(number, ("",))[0]

    def tick(self) -> None:
        """One turn of REAPER's main loop: time passes, then each script's deferred functions run once."""
        self.clock.advance(1.0 / self.tick_hz)
        self.ticks += 1
        for tab in self.tabs:
            tab.transport.tick()
        self._step_scripts("")

    def _step_scripts(self, but: str) -> None:
        for script in list(self.running):
            if script.name != but:
                script.step()
                self.longest_step_s = max(self.longest_step_s, script.longest_step_s)

    def dialog_stands_open(self, seconds: float) -> None:
        """A modal dialog waits for its answer: every script stands still, or all but the one that asked go on."""
        if self.assumptions.dialogs_stop_defer:
            self.stand_still(seconds)
            return
        for _ in range(round(seconds * self.tick_hz)):
            self.clock.advance(1.0 / self.tick_hz)
            self.ticks += 1
            self._step_scripts(self.acting)

    def stop_all(self) -> None:
        """REAPER quits: every script ends."""
        for script in list(self.running):
            script.finish()
        self.sockets.close_all()
        if not self.assumptions.ext_state_persists_at_once:
            self.ext_state.save()
