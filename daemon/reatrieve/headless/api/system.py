"""Actions, dialogs, messages, files and processes."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from reatrieve.headless.calls import Call, function
from reatrieve.headless.machine import ScriptError
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.wire import LuaError


@function("print")
def _print(call: Call, text: bytes) -> None:
    call.host.status.printed.append(text.decode("utf-8", "replace"))


@function("APIExists")
def _exists(call: Call, name: str) -> bool:
    return name in call.host.functions and "." not in name


@function("APITest")
def _test(call: Call) -> None:
    return None


@function("GetAppVersion")
def _version(call: Call) -> str:
    system = {"Win64": "x64", "macOS-arm64": "macOS-arm64"}.get(call.host.os_name, "linux-x86_64")
    return f"{call.host.version}/{system}"


@function("GetOS")
def _os(call: Call) -> str:
    return call.host.os_name


@function("GetResourcePath", "GetExePath")
def _resources(call: Call) -> str:
    return str(call.host.home)


@function("get_ini_file")
def _ini(call: Call) -> str:
    return str(call.host.home / "reaper.ini")


@function("get_config_var_string")
def _config(call: Call, name: str) -> tuple[bool, str]:
    values = {
        "smoothseek": str(int(call.host.preferences["smooth_seek"])),
        "locklooptotime": str(int(call.host.preferences["loop_points_linked"])),
        **call.host.config_vars,
    }
    return name in values, values.get(name, "")


# actions -------------------------------------------------------------------------------------------------------------


@function("get_action_context")
def _context(call: Call) -> tuple[object, ...]:
    context = call.script.context
    return (
        context.is_new_value,
        str(call.script.path),
        0,
        call.script.command,
        context.mode,
        context.resolution,
        context.value,
        context.text,
    )


@function("set_action_options")
def _options(call: Call, flags: int) -> None:
    call.script.options = flags
    action = call.host.actions.get(call.script.command)
    if action is not None and flags & 12:
        action.toggle = int(bool(flags & 4))


@function("AddRemoveReaScript")
def _add_remove(call: Call, add: bool, section: int, path: str, commit: bool) -> int:
    file = Path(path)
    if not file.is_file():
        return 0
    if add:
        return call.host.register(file, section).command
    for action in list(call.host.actions.values()):
        if action.path == file.resolve():
            call.host.actions.pop(action.command)
            return action.command
    return 0


@function("NamedCommandLookup")
def _lookup(call: Call, name: str) -> int:
    if name.isdigit():
        return int(name)
    for action in call.host.actions.values():
        if "_" + action.identifier == name:
            return action.command
    return 0


@function("ReverseNamedCommandLookup")
def _reverse_lookup(call: Call, command: int) -> str | None:
    action = call.host.actions.get(command)
    return action.identifier if action is not None else None


@function("Main_OnCommand")
def _command(call: Call, command: int, flag: int) -> None:
    call.host.command(command, call.host.project)


@function("Main_OnCommandEx")
def _command_ex(call: Call, command: int, flag: int, project: ProjectModel) -> None:
    call.host.command(command, project)


@function("GetToggleCommandState")
def _toggle(call: Call, command: int) -> int:
    return call.host.toggle_state(command)


@function("GetToggleCommandStateEx")
def _toggle_ex(call: Call, section: int, command: int) -> int:
    return call.host.toggle_state(command)


@function("SetToggleCommandState")
def _set_toggle(call: Call, section: int, command: int, state: int) -> bool:
    if command not in call.host.actions:
        return False
    call.host.actions[command].toggle = state
    return True


@function("RefreshToolbar")
def _refresh(call: Call, command: int) -> None:
    return None


@function("RefreshToolbar2")
def _refresh2(call: Call, section: int, command: int) -> None:
    return None


@function("SectionFromUniqueID")
def _section(call: Call, number: int) -> object:
    return call.host.section


@function("kbd_getTextFromCmd")
def _command_text(call: Call, command: int, section: object) -> str:
    return call.host.command_name(command)


@function("CountActionShortcuts")
def _shortcuts(call: Call, section: object, command: int) -> int:
    return 0


@function("DoActionShortcutDialog")
def _shortcut_dialog(call: Call, window: object, section: object, command: int, index: int) -> bool:
    return bool(
        call.host.dialogs.ask("shortcut", _command_text(call, command, section), "Keyboard or MIDI input", index)
    )


# dialogs and messages ------------------------------------------------------------------------------------------------

_BUTTONS = {"ok": 1, "cancel": 2, "abort": 3, "retry": 4, "ignore": 5, "yes": 6, "no": 7}


@function("MB", "ShowMessageBox")
def _box(call: Call, text: str, title: str, kind: int) -> int:
    answer = call.host.dialogs.ask("box", text, title, kind)
    return _BUTTONS[answer] if isinstance(answer, str) else int(answer)


@function("GetUserInputs")
def _inputs(call: Call, title: str, count: int, captions: str, values: str) -> tuple[bool, str]:
    if not 1 <= count <= 16:
        raise LuaError(f"GetUserInputs: {count} fields (1 to 16)")
    answer = call.host.dialogs.ask("inputs", captions, title, count)
    if answer is None or answer is False:
        return False, values
    if answer is True:
        return True, values
    if isinstance(answer, str):
        return True, answer
    separator = re.search(r",\s*separator=(.)$", captions, re.DOTALL)
    return True, (separator[1] if separator else ",").join(str(part) for part in answer)


@function("GetUserFileNameForRead")
def _file_for_read(call: Call, initial: str, title: str, extension: str) -> tuple[bool, str]:
    answer = call.host.dialogs.ask("file", initial, title)
    return (False, initial) if not answer else (True, str(answer))


@function("GetUserFileName")
def _file_name(call: Call, mode: int, caption: str, initial: str, extensions: str) -> tuple[bool, str]:
    answer = call.host.dialogs.ask("file", initial, caption)
    return (False, initial) if not answer else (True, str(answer))


@function("ShowConsoleMsg")
def _console(call: Call, text: str) -> None:
    call.host.status.console.append(text)


@function("ClearConsole")
def _clear_console(call: Call) -> None:
    call.host.status.console.clear()


@function("ReaScriptError")
def _script_error(call: Call, text: str) -> None:
    call.host.errors.append(ScriptError(call.script.name, text))


@function("Help_Set")
def _help(call: Call, text: str, temporary: bool) -> None:
    status = call.host.status
    if text != status.help_line:
        status.help_history.append(text)
    status.help_line = text


@function("TrackCtl_SetToolTip")
def _tooltip(call: Call, text: str, x: int, y: int, topmost: bool) -> None:
    status = call.host.status
    if text != status.tooltip:
        status.tooltip_history.append(text)
    status.tooltip = text


@function("GR_SelectColor")
def _select_color(call: Call, window: object) -> tuple[int, int]:
    answer = call.host.dialogs.ask("color", "", "Select color")
    return (0, 0) if not answer else (1, int(answer))


@function("GetAudioDeviceInfo")
def _audio_device(call: Call, attribute: str) -> tuple[bool, str]:
    return False, ""


@function("GetNumMIDIInputs", "GetNumMIDIOutputs")
def _midi_devices(call: Call) -> int:
    return 0


@function("MIDIEditor_GetActive")
def _midi_editor(call: Call) -> None:
    return None


@function("CSurf_OnScroll", "CSurf_OnZoom")
def _surface(call: Call, x: int, y: int) -> None:
    return None


@function("GetMousePosition")
def _mouse(call: Call) -> tuple[int, int]:
    return 400, 300


@function("GetMainHwnd")
def _main_window(call: Call) -> object:
    return call.host.main_window


@function("SetCursorContext")
def _set_cursor_context(call: Call, mode: int, envelope: object) -> None:
    call.host.focus, call.host.cursor_context = None, mode


@function("GetCursorContext")
def _get_cursor_context(call: Call) -> int:
    return call.host.cursor_context if call.host.focus is None else -1


@function("GetCursorContext2")
def _get_cursor_context2(call: Call, want_last_valid: bool) -> int:
    return call.host.cursor_context if want_last_valid else _get_cursor_context(call)


@function("my_getViewport")
def _viewport(call: Call, *arguments: object) -> tuple[int, int, int, int]:
    return 0, 0, 1920, 1080


@function("GetThemeColor")
def _theme(call: Call, name: str, flags: int | None) -> int:
    ground, ink = {"dark": (51, 226), "light": (232, 20), "unknown": (-1, -1)}[call.host.given.theme]
    level = ink if "text" in name else ground
    return -1 if level < 0 else call.host.native_color(level, level, level)


# files and processes -------------------------------------------------------------------------------------------------


@function("file_exists")
def _file_exists(call: Call, path: str) -> bool:
    return Path(path).is_file()


@function("RecursiveCreateDirectory")
def _make_folder(call: Call, path: str, ignored: int) -> int:
    existed = Path(path).is_dir()
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError:
        return 0
    return 0 if existed else 1


LISTED_ANEW = (6, 20)
"""Since when index -1 empties the list that EnumerateFiles keeps."""


def _listed(call: Call, path: str, index: int, folders: bool) -> str | None:
    key = f"{'d' if folders else 'f'}:{path}"
    anew = index < 0 and call.host.version_number >= LISTED_ANEW
    if anew or key not in call.host.file_lists or not call.host.assumptions.enumerate_files_cached:
        try:
            names = sorted(entry.name for entry in Path(path).iterdir() if entry.is_dir() == folders)
        except OSError:
            names = []
        call.host.file_lists[key] = names
    names = call.host.file_lists[key]
    return names[index] if 0 <= index < len(names) else None


@function("EnumerateFiles")
def _files(call: Call, path: str, index: int) -> str | None:
    return _listed(call, path, index, False)


@function("EnumerateSubdirectories")
def _folders(call: Call, path: str, index: int) -> str | None:
    return _listed(call, path, index, True)


def command_parts(line: str) -> list[str]:
    """A command line as ExecProcess splits it: at spaces; each of three quotes protects; nothing escapes."""
    parts: list[str] = []
    current: str | None = None
    quote = ""
    for character in line:
        if quote:
            if character == quote:
                quote = ""
            else:
                current = (current or "") + character
        elif character in "\"'`":
            quote, current = character, current or ""
        elif character == " ":
            if current is not None:
                parts.append(current)
                current = None
        else:
            current = (current or "") + character
    if current is not None:
        parts.append(current)
    return parts


@function("ExecProcess")
def _execute(call: Call, line: str, timeout_ms: int) -> str | None:
    parts = command_parts(line)
    try:
        if timeout_ms < 0:
            nowhere = subprocess.DEVNULL
            process = subprocess.Popen(parts, stdout=nowhere, stderr=nowhere, stdin=nowhere)
            threading.Thread(target=process.wait, name="reaped", daemon=True).start()  # as REAPER does since 5.962
            return ""
        done = subprocess.run(
            parts,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=timeout_ms / 1000 if timeout_ms else None,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, IndexError):
        return None
    return f"{done.returncode}\n" + done.stdout.decode("utf-8", "surrogateescape")


# pointers ------------------------------------------------------------------------------------------------------------

_NAMES = {
    "ReaProject*": "ReaProject",
    "MediaTrack*": "MediaTrack",
    "MediaItem*": "MediaItem",
    "MediaItem_Take*": "MediaItem_Take",
    "TrackEnvelope*": "TrackEnvelope",
    "PCM_source*": "PCM_source",
    "ProjectMarker*": "ProjectMarker",
    "AudioAccessor*": "AudioAccessor",
}


@function("ValidatePtr")
def _validate(call: Call, thing: object, kind: str) -> bool:
    return _validate2(call, call.host.project, thing, kind)


@function("ValidatePtr2")
def _validate2(call: Call, project: ProjectModel, thing: object, kind: str) -> bool:
    if kind not in _NAMES:
        call.lint(f"ValidatePtr: unknown type {kind!r} (such as 'MediaTrack*')")
        return False
    if not project.alive or thing is None or getattr(thing, "kind", "") != _NAMES[kind] or not thing.alive:  # type: ignore[attr-defined]
        return False
    owners: dict[str, Callable[[], object]] = {
        "ReaProject": lambda: None,
        "MediaTrack": lambda: thing.project,  # type: ignore[attr-defined]
        "MediaItem": lambda: thing.track.project,  # type: ignore[attr-defined]
        "MediaItem_Take": lambda: thing.item.track.project,  # type: ignore[attr-defined]
    }
    owner = owners.get(_NAMES[kind], lambda: None)()
    return owner is None or owner is project
