"""The one way in from Lua: a call is checked against the listing, handed to its function, and its returns packed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from reatrieve.headless.listing import Argument, Function, listing
from reatrieve.headless.wire import ArrayValue, Foreign, Handle

if TYPE_CHECKING:
    from reatrieve.headless.host import Host
    from reatrieve.headless.script import Script

__all__ = ["FUNCTIONS", "Call", "LuaError", "checked_arguments", "converted_returns", "function"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What the host implements, by REAPER's names."""

_POINTERS = {
    "MediaTrack", "MediaItem", "MediaItem_Take", "PCM_source", "AudioAccessor", "ProjectMarker", "TrackEnvelope",
    "KbdSectionInfo", "joystick_device",
}  # fmt: skip


class LuaError(Exception):
    """Raised in Lua, at the line of the script that called."""


class Call:
    """Who calls: the host and the script that is running."""

    __slots__ = ("host", "script")

    def __init__(self, host: Host, script: Script) -> None:
        self.host = host
        self.script = script


F = TypeVar("F", bound=Callable[..., Any])


def function(*names: str) -> Callable[[F], F]:
    """Register the implementation of one or more functions of the listing."""

    def register(implementation: F) -> F:
        for name in names:
            FUNCTIONS[name] = implementation
        return implementation

    return register


def checked_arguments(host: Host, entry: Function, values: Sequence[Any]) -> list[Any]:
    """The arguments as the function gets them.

    Raises
    ------
    LuaError
        If there are too few or too many, or one has the wrong type or is a pointer to something that is gone.
    """
    count, most = len(values), len(entry.arguments)
    if count < entry.required or (count > most and not entry.variadic):
        wanted = str(most) if entry.required == most else f"{entry.required} to {most}"
        raise LuaError(f"{entry.name}: {wanted} argument{'s' * (most != 1)} expected, got {count}")
    checked = []
    for index in range(max(count, most)):
        argument = entry.arguments[min(index, most - 1)]
        value = values[index] if index < count else None
        if argument.name == "..." and index >= count:
            break
        try:
            checked.append(_converted(host, argument, value, may_be_gone=entry.name.startswith("ValidatePtr")))
        except _WrongTypeError as exc:
            raise LuaError(f"bad argument #{index + 1} to '{entry.name}' ({argument.name}: {exc})") from None
    return checked


class _WrongTypeError(Exception):
    pass


def _lua_type(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, Foreign):
        return value.type
    for kind, name in ((bool, "boolean"), ((int, float), "number"), (bytes, "string"), (Handle, "userdata")):
        if isinstance(value, kind):
            return name
    return "reaper.array" if isinstance(value, ArrayValue) else "table"


def _converted(host: Host, argument: Argument, value: Any, *, may_be_gone: bool = False) -> Any:
    kind = argument.type
    if kind == "ReaProject":
        if value is None or (value == 0 and not isinstance(value, bool) and isinstance(value, (int, float))):
            return host.project
    elif value is None and (argument.optional or kind in ("HWND", "IReaperControlSurface", "any", "identifier")):
        return None
    if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind == "integer" and isinstance(value, (int, float)) and not isinstance(value, bool):
        if value != value or int(value) != value:
            raise _WrongTypeError(f"number {value!r} has no integer representation")
        if not -(2**31) <= value < 2**32:
            raise _WrongTypeError(f"{int(value)} does not fit into the 32 bits of REAPER's integers")
        return int(value)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "string" and isinstance(value, bytes):
        if b"\0" in value:
            raise _WrongTypeError("REAPER cuts a string at its first zero byte")
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, Handle):
        thing = host.pointers.thing(value)
        if kind == "identifier":
            return thing
        if thing.kind == kind:
            if not thing.alive and not may_be_gone:
                raise _WrongTypeError(f"this {kind} is gone: it was deleted or its project closed")
            return thing
        raise _WrongTypeError(f"{kind} expected, got {thing.kind}")
    if "reaper.array" in kind and isinstance(value, ArrayValue):
        return value
    if "table" in kind and isinstance(value, list):
        return value
    if kind == "any" and not isinstance(value, (Foreign, Handle)):
        return value
    raise _WrongTypeError(f"{kind} expected, got {_lua_type(value)}")


_NUMBERS: dict[str, Callable[[Any], Any]] = {"integer": int, "number": float, "boolean": bool}


def converted_returns(entry: Function | None, result: Any) -> list[Any]:
    """What the function gave, as the listing types it: integers as Lua integers, numbers as floats."""
    values = list(result) if isinstance(result, tuple) else [] if result is None and not _returns(entry) else [result]
    if entry is None:
        return values
    if len(values) != len(entry.returns):
        raise AssertionError(f"{entry.name} returned {len(values)} values, the listing says {len(entry.returns)}")
    return [
        value if value is None or kind not in _NUMBERS else _NUMBERS[kind](value)
        for value, kind in zip(values, entry.returns, strict=True)
    ]


def _returns(entry: Function | None) -> int:
    return len(entry.returns) if entry is not None else 0


def entry_of(name: str) -> Function | None:
    """The listing's entry; None for the host's own services (print, sockets)."""
    return listing().get(name)
