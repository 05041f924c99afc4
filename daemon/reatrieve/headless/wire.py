"""Values between Lua and the host as bytes: one format for Lua inside this process and for an outside interpreter."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ArrayValue", "Foreign", "Handle", "LuaError", "Reader", "pack_text", "pack_values"]


class LuaError(Exception):
    """Raised in Lua, at the line of the script that called."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A pointer that Lua holds: only the host knows what it stands for."""

    id: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """A Lua value that cannot cross (function, table, thread); only its type's name does."""

    type: str


@dataclass(eq=False, slots=True)
class ArrayValue:
    """A ``reaper.array`` argument: its content as it came, and what the call wrote into it.

    ``writes`` holds (offset from 0, samples) pairs that the Lua side copies into its array after the call.
    """

    samples: np.ndarray
    writes: list[tuple[int, np.ndarray]]


class Reader:
    """Reads packed values one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """One unsigned byte."""
        self._at += 1
        return self._data[self._at - 1]

    def text(self) -> bytes:
        """A string with its length in front."""
        (length,) = struct.unpack_from("<I", self._data, self._at)
        start = self._at + 4
        self._at = start + length
        return self._data[start : self._at]

    def doubles(self, count: int) -> list[float]:
        """That many doubles in a row."""
        values = list(struct.unpack_from(f"<{count}d", self._data, self._at))
        self._at += 8 * count
        return values

    def value(self) -> Any:
        """The next value: None, bool, int, float, bytes, Handle, ArrayValue, list of float or Foreign."""
        tag = self._data[self._at : self._at + 1]
        self._at += 1
        if tag == b"n":
            return None
        if tag in b"tf":
            return tag == b"t"
        if tag == b"i":
            (number,) = struct.unpack_from("<q", self._data, self._at)
            self._at += 8
            return number
        if tag == b"d":
            return self.doubles(1)[0]
        if tag == b"s":
            return self.text()
        if tag == b"p":
            (number,) = struct.unpack_from("<I", self._data, self._at)
            self._at += 4
            return Handle(number)
        if tag == b"a":
            return ArrayValue(np.frombuffer(self.text(), dtype="<f8"), [])
        if tag == b"l":
            return np.frombuffer(self.text(), dtype="<f8").tolist()
        return Foreign(self.text().decode())

    def values(self) -> list[Any]:
        """A counted list of values."""
        return [self.value() for _ in range(self.byte())]


def pack_text(data: bytes) -> bytes:
    """A string with its length in front."""
    return struct.pack("<I", len(data)) + data


def pack_values(values: Sequence[Any], handle_of: Callable[[Any], Handle]) -> bytes:
    """A counted list of values; anything that is no plain value goes through ``handle_of``.

    Whole numbers stay Lua integers and floats stay Lua floats.
    """
    parts = [bytes([len(values)])]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, bool):
            parts.append(b"t" if value else b"f")
        elif isinstance(value, int):
            parts.append(b"i" + struct.pack("<q", value))
        elif isinstance(value, float):
            parts.append(b"d" + struct.pack("<d", value))
        elif isinstance(value, str):
            parts.append(b"s" + pack_text(value.encode("utf-8", "surrogateescape")))
        elif isinstance(value, bytes):
            parts.append(b"s" + pack_text(value))
        elif isinstance(value, np.ndarray):
            parts.append(b"l" + pack_text(np.ascontiguousarray(value, dtype="<f8").tobytes()))
        else:
            parts.append(b"p" + struct.pack("<I", handle_of(value).id))
    return b"".join(parts)
