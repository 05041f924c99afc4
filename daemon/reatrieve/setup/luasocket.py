"""LuaSocket, which no REAPER brings: where its binary is, and whether it fits the Lua that this REAPER embeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reatrieve.files import open_source
from reatrieve.setup.places import Resources

__all__ = ["LuaSocket", "luasocket_in"]

PACKAGE = Path("Scripts") / "Mavriq ReaScript Repository" / "Various" / "Mavriq-Lua-Sockets" / "socket"
MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class LuaSocket:
    """One binary; ``lua`` is the version of the Lua that is linked into it, "" where none is."""

    path: Path
    lua: str


def luasocket_in(resources: Resources) -> LuaSocket | None:
    """The binary of mavriq's ReaPack package, None where it is not installed."""
    for name in ("core.dll", "core.so"):
        path = resources.path / PACKAGE / name
        try:
            with open_source(path) as file:
                match = re.search(rb"\$LuaVersion: Lua (\d\.\d)", file.read(MOST_BYTES))
        except OSError:
            continue
        return LuaSocket(path, match[1].decode() if match else "")
    return None
