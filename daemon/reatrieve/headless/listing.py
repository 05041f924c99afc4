"""The ReaScript API listing: which functions and info names exist in which version, with what arguments and returns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from reatrieve.errors import InputError

__all__ = ["Argument", "Function", "Version", "listing", "parse_version"]

Version = tuple[int, int]

BUFFERS_OPTIONAL: Version = (6, 37)
"""Before this version Lua had to pass a string for each string that a function only gives back."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function, as the help lists it."""

    name: str
    type: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Function:
    """One entry of the listing.

    ``buffers`` is how many strings before 6.37 had to be passed behind the arguments although they only come back;
    ``names`` holds the info names (a trailing ``:`` stands before a number or GUID) and the first version of each.
    """

    name: str
    arguments: tuple[Argument, ...]
    returns: tuple[str, ...]
    since: Version
    buffers: int
    names: Mapping[str, Version]

    def passed(self, version: Version) -> tuple[Argument, ...]:
        """The arguments that Lua passes in a version: those of the help, then strings that only come back."""
        buffer = Argument("buf", "string", version >= BUFFERS_OPTIONAL)
        return (*self.arguments, *[buffer] * self.buffers)

    def knows(self, name: str, version: Version) -> bool | None:
        """Whether a version answers to an info name; None if no version is known to."""
        since = self.names.get(name)
        if since is None and ":" in name:
            since = self.names.get(name[: name.index(":") + 1])
        return None if since is None else since <= version

    @property
    def variadic(self) -> bool:
        """Whether any number of further arguments may follow (gfx.printf, gfx.triangle)."""
        return bool(self.arguments) and self.arguments[-1].name == "..."


def parse_version(text: str) -> Version:
    """``"7.62"`` -> ``(7, 62)``; ``"7.0"`` is the first 7.

    Raises
    ------
    InputError
        If the text does not begin with ``major.minor``.
    """
    match = re.match(r"(\d+)\.(\d+)", text)
    if match is None:
        raise InputError(f"bad REAPER version {text!r}: give major.minor, such as 7.72")
    return int(match[1]), int(match[2])


def _since(text: str | None) -> Version:
    """The first version that is sure to have it: the upper end of a range, 0 for what always was there."""
    if not text or text.startswith("<="):
        return (0, 0)
    return parse_version(text.rsplit("..", 1)[-1])


@cache
def listing() -> dict[str, Function]:
    """Every native function by name (``gfx.rect`` and ``reaper.array:clear`` with their prefix).

    Source: the project's listing made from REAPER's help, its SDK headers and its list of changes (see
    ``data/reascript_api.json``); functions of extensions are left out, since the host has none.
    """
    text = resources.files("reatrieve.headless").joinpath("data/reascript_api.json").read_text(encoding="utf-8")
    return {
        name: Function(
            name,
            tuple(Argument(*argument) for argument in entry["args"]),
            tuple(kind for _, kind in entry["returns"]),
            _since(entry.get("since")),
            entry.get("buffers", 0),
            {key: _since(since) for key, since in entry.get("names", {}).items()},
        )
        for name, entry in json.loads(text).items()
    }
