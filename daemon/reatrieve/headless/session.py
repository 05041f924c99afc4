"""The public face of the host: what a user at the keyboard can do and see, for tests and the demo."""

from __future__ import annotations

import difflib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from PIL import Image

from reatrieve.errors import InputError, ReatrieveError
from reatrieve.headless.action_list import ScriptAction, described
from reatrieve.headless.gfx import GfxWindow
from reatrieve.headless.host import Host
from reatrieve.headless.machine import ARRANGE, ScriptError
from reatrieve.headless.options import HostOptions
from reatrieve.headless.script import ActionContext, Script
from reatrieve.headless.stores import Dialog, DialogAnswer, Status
from reatrieve.headless.view import Project, Region
from reatrieve.installation import scripts_folder

__all__ = ["Reaper", "ScriptFailure", "scripts_folder"]

T = TypeVar("T")


class ScriptFailure(ReatrieveError):  # noqa: N818  (what failed is the script, not the host)
    """A script ended with an error; the text holds its traceback."""


class Reaper:
    """A simulated REAPER; close it, or use it in a ``with`` block.

    ``Reaper()`` is the newest REAPER with the shipped scripts, ``Reaper("7.0")`` an older one.

    Parameters
    ----------
    version : str
        REAPER's version in place of that of the options.
    options : HostOptions
        How it is set up.
    **changed
        Single options by keyword, in place of those of ``options``.

    Raises
    ------
    InputError
        If an option is unknown or out of range.
    """

    def __init__(self, version: str = "", *, options: HostOptions | None = None, **changed: Any) -> None:
        known = [field.name for field in fields(HostOptions)]
        for name in changed:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise InputError(f"unknown option {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        if version:
            changed["version"] = version
        self.options = replace(options or HostOptions(), **changed)
        self._temporary = self.options.home is None
        self.home = self.options.home or Path(tempfile.mkdtemp(prefix="reaper-"))
        self.home.mkdir(parents=True, exist_ok=True)
        self.scripts = self.options.scripts if self.options.scripts is not None else scripts_folder()
        self.host = Host(self.options, self.home)
        self._keys: dict[str, ScriptAction | int] = {}
        self._reported = 0
        for path in sorted(self.scripts.glob("ReaTrieve*.lua")) if self.scripts.is_dir() else []:
            self.host.register(path)

    def __enter__(self) -> Reaper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Quit: scripts end (their exit functions run), sockets close."""
        self.host.stop_all()
        if self._temporary:
            shutil.rmtree(self.home, ignore_errors=True)

    # projects --------------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project of the active tab."""
        return Project(self.host, self.host.project)

    @property
    def projects(self) -> list[Project]:
        """All tabs."""
        return [Project(self.host, model) for model in self.host.tabs]

    def new_project(self) -> Project:
        """An empty project in a new tab, now active."""
        return Project(self.host, self.host.new_tab())

    def open(self, path: Path | str, *, same_tab: bool = False, loading_s: float = 0.0) -> Project:
        """Open an .RPP file (in the active tab if that is empty and untouched).

        Parameters
        ----------
        same_tab : bool
            Into the active tab in place of the project there, whose unsaved changes are lost; REAPER then uses its
            pointers again.
        loading_s : float
            How long that takes; no script runs meanwhile.
        """
        return Project(self.host, self.host.open(Path(path), same_tab=same_tab, loading_s=loading_s))

    def freeze(self, seconds: float) -> None:
        """REAPER's interface hangs: time passes, what plays goes on, no script runs."""
        self.host.stand_still(seconds)

    def allow_edits(self, regions: Iterable[Region]) -> None:
        """The user tells scripts that they may change and delete these regions and markers."""
        self.host.made_by_scripts |= {region.guid for region in regions}

    # scripts ---------------------------------------------------------------------------------------------------------

    def action(self, name: str | Path) -> ScriptAction:
        """A script's action by description ("Accept candidate"), file name or path.

        Raises
        ------
        InputError
            If no script or more than one fits.
        """
        path = Path(name)
        if path.suffix == ".lua":
            for candidate in (path, self.scripts / path, *(a.path for a in self.host.actions.values())):
                if candidate.is_file() and candidate.name == path.name:
                    return self.host.register(candidate)
            raise InputError(f"no such script: {name}")
        wanted = str(name).casefold()
        names = {action.command: described(action.path) for action in self.host.actions.values()}
        stems = {command: self.host.actions[command].path.stem.split("_", 1)[-1] for command in names}
        found = [c for c in names if wanted in (names[c].casefold(), stems[c].casefold())]
        found = found or [c for c in names if names[c].casefold().startswith(wanted)]
        if len(found) != 1:
            raise InputError(
                f"{len(found)} scripts are called {name!r}; there are: {', '.join(sorted(names.values()))}"
            )
        return self.host.actions[found[0]]

    def run(self, name: str | Path | int, *, osc: str = "", value: float | None = None) -> Script | None:
        """Trigger an action as its key would: a script (see `action`) or a native command number.

        Parameters
        ----------
        name : str, Path or int
            Which action.
        osc : str
            What a controller sent, as ``get_action_context`` shows it ("/reatrieve/accept:f=1").
        value : float or None
            The controller's position.

        Returns
        -------
        Script or None
            The started script; it may already have ended.
        """
        self.host.user_acts()
        if isinstance(name, int):
            self.host.command(name, self.host.project)
            self._check()
            return None
        context = ActionContext(text=f"osc:{osc}") if osc else ActionContext()
        if value is not None:
            context = ActionContext(True, 0, 16383, int(value * 16383), context.text)
        script = self.host.start(self.action(name), context)
        self._check()
        return script

    def tick(self, count: int = 1) -> None:
        """Let that many rounds of deferred functions run."""
        for _ in range(count):
            self.host.tick()
            self._check()

    def until(self, condition: Callable[[], T], timeout_s: float = 60.0) -> T:
        """Tick until the condition gives something true, and return it.

        Raises
        ------
        TimeoutError
            If it stays false for ``timeout_s`` real seconds; the text holds what the status says.
        ScriptFailure
            If a script fails meanwhile (when strict).
        """
        end_s = time.monotonic() + timeout_s
        while True:
            result = condition()
            if result:
                return result
            if time.monotonic() > end_s:
                raise TimeoutError(
                    f"not within {timeout_s:g} s; help line: {self.status.help_line!r}; scripts running: "
                    f"{[script.name for script in self.running]}; errors: {[str(error) for error in self.errors]}"
                )
            self.tick()
            if not self.host.clock.real:
                time.sleep(0.0005)  # others (a daemon) get to work while simulated time flies

    @property
    def running(self) -> list[Script]:
        """Scripts that still defer."""
        return list(self.host.running)

    def is_running(self, name: str | Path) -> bool:
        """Whether a script defers."""
        command = self.action(name).command
        return any(script.command == command for script in self.host.running)

    def stop(self, name: str | Path) -> None:
        """End a running script, as the task control does."""
        command = self.action(name).command
        for script in self.running:
            if script.command == command:
                script.finish()
        self._check()

    # keys, dialogs, windows ------------------------------------------------------------------------------------------

    def bind(self, key: str, name: str | Path | int) -> None:
        """Put an action on a key of the main window."""
        self._keys[key] = name if isinstance(name, int) else self.action(name)

    def press(self, key: str) -> None:
        """Press a key: it goes to the gfx window that has the focus, else to the bound action.

        Raises
        ------
        InputError
            If neither takes it.
        """
        self.host.user_acts()
        if self.host.focus is not None and self.host.focus.open:
            special = {"escape": 27, "enter": 13, "tab": 9, "space": 32, "backspace": 8}
            self.host.focus.keys.append(special.get(key, ord(key[0])))
            return
        action = self._keys.get(key)
        if action is None:
            raise InputError(f"nothing is bound to {key!r}")
        if isinstance(action, int):
            self.host.command(action, self.host.project)
        else:
            self.host.start(action)
        self._check()

    def answer(self, *answers: Any, after_s: float = 0.0) -> None:
        """Answers to the dialogs to come, in their order.

        Message boxes take "ok", "cancel", "yes", "no", "retry", "abort", "ignore" or the number; input dialogs a list
        of texts (True = OK as it stands, None = cancelled); menus the item's text or number (0 = none); file dialogs
        a path; "task control" of a script that runs already "terminate" or "new". A function gets the dialog's text and
        gives the answer. Each dialog stands open for ``after_s`` seconds before; modal, it stops every script.
        """
        self.host.dialogs.waiting.extend(DialogAnswer(answer, after_s) for answer in answers)

    @property
    def dialogs(self) -> list[Dialog]:
        """Dialogs that came up."""
        return self.host.dialogs.seen

    @property
    def unused_answers(self) -> int:
        """Answers that no dialog asked for."""
        return len(self.host.dialogs.waiting)

    @property
    def windows(self) -> list[str]:
        """Titles of the open gfx windows."""
        windows = [script.window for script in self.host.running]
        return [window.title for window in windows if window is not None and window.open]

    def _window(self, name: str | Path | None) -> GfxWindow:
        for script in reversed(self.host.running):
            if script.window is not None and script.window.open and name in (None, script.window.title, script.name):
                return script.window
        raise InputError("no gfx window is open" + (f" called {name!r}" if name else ""))

    @property
    def keys_go_to(self) -> str:
        """Who gets the next key: a gfx window's title, or "arrange", "tracks" or "envelopes" of the main window."""
        if self.host.focus is not None and self.host.focus.open:
            return self.host.focus.title
        return {0: "tracks", 2: "envelopes"}.get(self.host.cursor_context, "arrange")

    def focus(self, name: str | None = None) -> None:
        """Click into a gfx window (by title or script), so that keys go to it."""
        self.host.focus = self._window(name)

    def unfocus(self) -> None:
        """Click into the arrange view: keys run actions again."""
        self.host.focus, self.host.cursor_context = None, ARRANGE

    def close_window(self, name: str | None = None) -> None:
        """Close a gfx window by its cross."""
        self._window(name).close()
        self.unfocus()

    def resize_window(self, width: int, height: int, name: str | None = None) -> None:
        """Drag an edge of a gfx window, which gives it the keys."""
        window = self._window(name)
        window.resize(width, height)
        self.host.focus = window

    def mouse(self, x: float, y: float, buttons: int = 0, wheel: float = 0.0, name: str | None = None) -> None:
        """Move the mouse in a gfx window and hold buttons (1 left, 2 right; 4 Ctrl, 8 Shift, 16 Alt).

        Pressing a button there gives the window the keys.
        """
        window = self._window(name)
        if (int(buttons) ^ int(window.values["mouse_cap"])) & 67 or wheel:
            self.host.user_acts()
        if int(buttons) & 67 & ~int(window.values["mouse_cap"]):
            self.host.focus = window
        window.values.update(mouse_x=float(x), mouse_y=float(y), mouse_cap=float(buttons))
        window.wheel += wheel

    def gfx_picture(self, name: str | None = None) -> Image.Image:
        """What an open gfx window shows."""
        return self._window(name).frame.copy()

    # what can be seen ------------------------------------------------------------------------------------------------

    @property
    def longest_step_s(self) -> float:
        """The longest time that one script held REAPER's main thread, real seconds."""
        return self.host.longest_step_s

    @property
    def status(self) -> Status:
        """Help line, tooltip, console and their histories."""
        return self.host.status

    @property
    def errors(self) -> list[ScriptError]:
        """Errors that ended scripts, with tracebacks."""
        return self.host.errors

    @property
    def misuse(self) -> list[str]:
        """What scripts should not do: calls that the API does not allow, also those whose error a script caught, blocks
        left open, and edits of regions and markers that no script made."""
        return self.host.misuse

    @property
    def unasked_moves(self) -> list[str]:
        """Where a script moved playing or the view other than within a tick of the user's own key."""
        return self.host.unasked_moves

    def ext_state(self, section: str, key: str) -> str:
        """A value of REAPER's ext state, "" for none."""
        return self.host.ext_state.get(section, key) or ""

    def set_ext_state(self, section: str, key: str, value: str, persist: bool = False) -> None:
        """Set a value, as another script would."""
        self.host.ext_state.set(section, key, value, persist)

    def option(self, name: str, value: bool) -> None:
        """Set a preference: "loop_points_linked" or "smooth_seek".

        Raises
        ------
        InputError
            If there is no such preference.
        """
        if name not in self.host.preferences:
            raise InputError(f"unknown option {name!r}: choose one of {', '.join(self.host.preferences)}")
        self.host.preferences[name] = value

    def _check(self) -> None:
        if self.options.strict and len(self.errors) > self._reported:
            new = self.errors[self._reported :]
            self._reported = len(self.errors)
            raise ScriptFailure("\n".join(str(error) for error in new))
