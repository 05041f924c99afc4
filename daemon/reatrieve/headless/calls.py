"""The one way in from Lua: a call is checked against the listing, handed to its function, and its returns packed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from reatrieve.headless.gfx import GfxWindow
from reatrieve.headless.listing import Argument, Function, Version, listing
from reatrieve.headless.machine import Machine
from reatrieve.headless.wire import ArrayValue, Foreign, Handle, LuaError

__all__ = ["FUNCTIONS", "Call", "Caller", "checked_arguments", "converted_returns", "entry_of", "function"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What the host implements, by REAPER's names."""


class Caller(Protocol):
    """What functions need to know of the script that calls them."""

    path: Path
    command: int
    context: Any
    options: int
    window: GfxWindow | None
    shared_memory: str
    checked: bool

    @property
    def name(self) -> str:
        """The file's name."""


class Call:
    """Who calls: the host and the script that is running."""

    __slots__ = ("host", "script")

    def __init__(self, host: Machine, script: Caller) -> None:
        self.host = host
        self.script = script

    def lint(self, text: str) -> None:
        """Note what REAPER lets pass but our own scripts should not do."""
        if self.script.checked:
            self.host.misuse.append(f"{self.script.name}: {text}")

    def knows(self, function_name: str, info_name: str) -> bool:
        """Whether this REAPER answers to an info name; a name that no version has is a slip of the script."""
        known = listing()[function_name].knows(info_name, self.host.version_number)
        if known is None:
            self.lint(f"{function_name}: no REAPER is known to have {info_name!r}")
        return bool(known)


F = TypeVar("F", bound=Callable[..., Any])


def function(*names: str) -> Callable[[F], F]:
    """Register the implementation of one or more functions of the listing."""

    def register(implementation: F) -> F:
        for name in names:
            FUNCTIONS[name] = implementation
        return implementation

    return register


def checked_arguments(call: Call, entry: Function, values: Sequence[Any]) -> list[Any]:
    """The arguments as the function gets them.

    REAPER takes more than its help says: numbers for strings and booleans, too many arguments, and nothing where nil
    will do. So does the host, but notes it of scripts that are checked.

    Raises
    ------
    LuaError
        If one is missing or has the wrong type, or is a pointer to something that is gone.
    """
    arguments, required = _passed(entry.name, call.host.version_number)
    count, most, variadic = len(values), len(arguments), entry.variadic
    wrong_count = count < required or (count > most and not variadic)
    if not variadic:
        count = min(count, most)
    checked, notes = [], []
    may_be_gone = entry.name.startswith("ValidatePtr")
    for index in range(max(count, most)):
        argument = arguments[min(index, most - 1)]
        value = values[index] if index < count else None
        if argument.name == "..." and index >= count:
            break
        try:
            made = _converted(call, argument, value, may_be_gone=may_be_gone)
            if made is _NOT_TAKEN:
                made = _taken_too(call, entry, argument, value)
                if index < count:
                    notes.append(f"argument #{index + 1} ({argument.name}) should be a {argument.type}")
            checked.append(made)
        except _WrongTypeError as exc:
            raise LuaError(f"bad argument #{index + 1} to '{entry.name}' ({argument.name}: {exc})") from None
    if wrong_count:
        wanted = str(most) if required == most else f"{required} to {most}"
        notes.append(f"{wanted} argument{'s' * (most != 1)} expected, got {len(values)}")
    if notes:
        call.lint(f"{entry.name}: {'; '.join(notes)}")
    return checked if variadic else checked[: len(entry.arguments)]


@cache
def _passed(name: str, version: Version) -> tuple[tuple[Argument, ...], int]:
    """The arguments of a function in a version, and how many a script has to give."""
    arguments = listing()[name].passed(version)
    return arguments, max((number for number, one in enumerate(arguments, start=1) if not one.optional), default=0)


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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _project(call: Call, value: Any) -> Any:
    return call.host.project if value is None or (_is_number(value) and value == 0) else _NOT_TAKEN


def _number(call: Call, value: Any) -> Any:
    return float(value) if _is_number(value) else _NOT_TAKEN


def _integer(call: Call, value: Any) -> Any:
    if not _is_number(value) or value != value or abs(value) == float("inf") or int(value) != value:
        return _NOT_TAKEN
    if not -(2**31) <= value < 2**32:
        raise _WrongTypeError(f"{int(value)} does not fit into the 32 bits of REAPER's integers")
    return int(value)


def _boolean(call: Call, value: Any) -> Any:
    return value if isinstance(value, bool) else _NOT_TAKEN


def _string(call: Call, value: Any) -> Any:
    whole = isinstance(value, bytes) and b"\0" not in value
    return value.decode("utf-8", "surrogateescape") if whole else _NOT_TAKEN


def _array(call: Call, value: Any) -> Any:
    return value if isinstance(value, ArrayValue) else _NOT_TAKEN


def _table(call: Call, value: Any) -> Any:
    return value if isinstance(value, list) else _NOT_TAKEN


def _array_or_table(call: Call, value: Any) -> Any:
    return value if isinstance(value, (ArrayValue, list)) else _NOT_TAKEN


def _any(call: Call, value: Any) -> Any:
    return _NOT_TAKEN if isinstance(value, (Foreign, Handle)) else value


_NOT_TAKEN = object()
_CONVERTERS: dict[str, Callable[[Call, Any], Any]] = {
    "ReaProject": _project,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "string": _string,
    "reaper.array": _array,
    "table": _table,
    "table|reaper.array": _array_or_table,
    "reaper.array|table": _array_or_table,
    "any": _any,
}
"""Type in the listing to what makes a Lua value one of it; every other type is a pointer."""

_NIL_WILL_DO = frozenset(("HWND", "IReaperControlSurface", "any", "identifier"))


def _converted(call: Call, argument: Argument, value: Any, *, may_be_gone: bool) -> Any:
    """The value as the listing types it, or `_NOT_TAKEN`."""
    kind = argument.type
    if value is None and kind != "ReaProject" and (argument.optional or kind in _NIL_WILL_DO):
        return None
    convert = _CONVERTERS.get(kind)
    made = convert(call, value) if convert is not None else _NOT_TAKEN
    if made is _NOT_TAKEN and isinstance(value, Handle) and (convert is None or kind == "ReaProject"):
        return _pointed_at(call.host, kind, value, may_be_gone)
    return made


def _taken_too(call: Call, entry: Function, argument: Argument, value: Any) -> Any:
    """What REAPER makes of a value that is not of the type in its help.

    ``gfx`` counts in doubles: it takes numbers with a fraction, truths and letters (a font's flags) for whole numbers.
    """
    kind = argument.type
    if kind == "integer" and entry.name.startswith("gfx.") and isinstance(value, (float, bool, bytes)):
        return int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
    if kind == "integer" and _is_number(value):
        raise _WrongTypeError(f"number {value!r} has no integer representation")
    if kind == "ReaProject" and _is_number(value):
        return call.host.project
    if kind == "boolean" and (value is None or _is_number(value)):
        return bool(value)
    if kind == "string" and _is_number(value):
        return str(value) if isinstance(value, int) else f"{value:.14g}"
    if kind == "string" and isinstance(value, bytes):  # cut at its first zero byte
        return value[: value.index(b"\0")].decode("utf-8", "surrogateescape")
    raise _WrongTypeError(f"{kind} expected, got {_lua_type(value)}")


def _pointed_at(host: Machine, kind: str, handle: Handle, may_be_gone: bool) -> Any:
    thing = host.pointers.thing(handle)
    if kind == "identifier":
        return thing
    if thing.kind != kind:
        raise _WrongTypeError(f"{kind} expected, got {thing.kind}")
    if not thing.alive and not may_be_gone:
        raise _WrongTypeError(f"this {kind} is gone: it was deleted or its project closed")
    return thing


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
