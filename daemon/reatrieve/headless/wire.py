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


_INTEGER, _DOUBLE, _LENGTH = struct.Struct("<q"), struct.Struct("<d"), struct.Struct("<I")
_TAG_AND_INTEGER, _TAG_AND_DOUBLE, _TAG_AND_LENGTH = struct.Struct("<cq"), struct.Struct("<cd"), struct.Struct("<cI")


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
        start = self._at + 4
        self._at = start + _LENGTH.unpack_from(self._data, self._at)[0]
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
        if tag == b"s":
            return self.text()
        if tag == b"p":
            self._at += 4
            return Handle(_LENGTH.unpack_from(self._data, self._at - 4)[0])
        if tag == b"i":
            self._at += 8
            return _INTEGER.unpack_from(self._data, self._at - 8)[0]
        if tag == b"d":
            self._at += 8
            return _DOUBLE.unpack_from(self._data, self._at - 8)[0]
        if tag == b"n":
            return None
        if tag in b"tf":
            return tag == b"t"
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
    return _LENGTH.pack(len(data)) + data


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
            parts.append(_TAG_AND_INTEGER.pack(b"i", value))
        elif isinstance(value, float):
            parts.append(_TAG_AND_DOUBLE.pack(b"d", value))
        elif isinstance(value, str):
            parts.append(b"s" + pack_text(value.encode("utf-8", "surrogateescape")))
        elif isinstance(value, bytes):
            parts.append(b"s" + pack_text(value))
        elif isinstance(value, np.ndarray):
            parts.append(b"l" + pack_text(np.ascontiguousarray(value, dtype="<f8").tobytes()))
        else:
            parts.append(_TAG_AND_LENGTH.pack(b"p", handle_of(value).id))
    return b"".join(parts)
