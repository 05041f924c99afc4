"""How a simulated REAPER is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reatrieve.errors import InputError
from reatrieve.headless.listing import parse_version

__all__ = ["HostOptions"]

_CHOICES = {
    "colors": ("rgb", "bgr"),
    "clock": ("real", "simulated"),
    "sockets": ("python", "none", "machine"),
    "lua": ("", "5.3", "5.4"),
    "argument_checks": ("own", "all", "none"),
    "theme": ("dark", "light", "unknown"),
    "pixel_ratio": (1, 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """One simulated REAPER.

    Attributes
    ----------
    version : str
        REAPER's version: functions and info names that came later do not exist.
    lua : str
        "5.3" or "5.4"; "" takes the one that this REAPER embeds.
    scripts : Path or None
        Folder whose ``ReaTrieve*.lua`` stand in the action list; None takes the shipped ones (`scripts_folder`).
    home : Path or None
        REAPER's resource folder; None makes a temporary one, removed at the end.
    profile : Path or mapping or None
        What the Self-test found on a real REAPER (its JSON), or single assumptions by key (docs/assumptions.md).
    colors : str
        "rgb": native colours and other ways as on macOS and Linux; "bgr": as on Windows.
    clock : str
        "real": a tick lasts 1 / tick_hz seconds; "simulated": it takes none, and ``time_precise`` moves by ticks alone.
    tick_hz : float or None
        Rounds of deferred functions a second; None takes what the profile says.
    sockets : str
        "python": LuaSocket's UDP over the host's sockets; "none": stock REAPER, no sockets; "machine": what the
        interpreter finds by itself (real interpreters only).
    environment : mapping
        Variables for the scripts' ``os.getenv``; None hides one.
    strict : bool
        Raise `ScriptFailure` as soon as a script fails; else errors only collect in `Reaper.errors`.
    argument_checks : str
        Whose arguments are checked more strictly than REAPER does (numbers for strings and booleans, too few or too
        many, info names that no version has): "own", scripts named ``ReaTrieve*``; "all"; "none".
    longest_step_s : float
        Seconds after which a script that does not come back is stopped.
    engine : str
        "lupa", or the command of a Lua interpreter ("lua5.4") that runs the scripts in processes of their own.
    theme : str
        The colours that ``GetThemeColor`` tells; "unknown": it knows none of the names.
    pixel_ratio : int
        Pixels a point of the screen, 1 or 2; 2 only for a gfx window that asked for it (``gfx.ext_retina``).
    extensions : mapping
        Functions of installed extensions by name ("osara_outputMessage"), as Python functions of Lua's values.

    Raises
    ------
    InputError
        If a value is none of the choices, or the version is no version.
    """

    version: str = "7.72"
    lua: str = ""
    scripts: Path | None = None
    home: Path | None = None
    profile: Path | Mapping[str, Any] | None = None
    colors: str = "rgb"
    clock: str = "real"
    tick_hz: float | None = None
    sockets: str = "python"
    environment: Mapping[str, str | None] = field(default_factory=dict)
    strict: bool = True
    argument_checks: str = "own"
    longest_step_s: float = 30.0
    engine: str = "lupa"
    theme: str = "dark"
    pixel_ratio: int = 1
    extensions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_version(self.version)
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(map(repr, known))}")
