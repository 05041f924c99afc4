"""Runs one script in its own Lua state, inside this process (lupa)."""

from __future__ import annotations

import importlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from reatrieve.errors import InputError

__all__ = ["Engine", "LupaEngine", "bootstrap_source", "settings_values"]

HostCall = Callable[[bytes], bytes]


class Engine(ABC):
    """A Lua state with one script in it; every step says how many functions are deferred and what went wrong."""

    def run(self, path: str) -> tuple[int, str]:
        """Run the script's file to its end."""
        return self._step(b"R" + path.encode("utf-8", "surrogateescape"))

    def deferred(self) -> tuple[int, str]:
        """Run what was deferred, once each."""
        return self._step(b"D")

    def exits(self) -> tuple[int, str]:
        """Run the exit functions; nothing is deferred after that."""
        return self._step(b"X")

    @abstractmethod
    def close(self) -> None:
        """Let go of the state."""

    @abstractmethod
    def _reply(self, command: bytes) -> bytes:
        """What bootstrap.lua says to a command: the count and the length of the text that follows, then the text."""

    def _step(self, command: bytes) -> tuple[int, str]:
        reply = self._reply(command)
        (count, length) = struct.unpack_from("<II", reply)
        return count, reply[8 : 8 + length].decode("utf-8", "replace")


def bootstrap_source() -> bytes:
    """The Lua end of the host, ``bootstrap.lua``."""
    return resources.files("reatrieve.headless").joinpath("bootstrap.lua").read_bytes()


def settings_values(
    functions: list[str],
    gfx_functions: list[str],
    environment: Mapping[str, str | None],
    sockets: str,
    largest_array: int,
    longest_step_s: float,
) -> dict[str, Any]:
    """What bootstrap.lua is told at the start, as Lua-ready values."""
    return {
        "functions": "\n".join(functions),
        "gfx_functions": "\n".join(gfx_functions),
        "environment": {key: value if value is not None else False for key, value in environment.items()},
        "sockets": sockets,
        "largest_array": largest_array,
        "longest_step_s": longest_step_s,
    }


class LupaEngine(Engine):
    """Lua 5.3 or 5.4 through lupa; REAPER 6 embeds the first, REAPER 7 the second."""

    def __init__(self, lua: str, settings: Mapping[str, Any], host_call: HostCall) -> None:
        try:
            module = importlib.import_module("lupa.lua" + lua.replace(".", ""))
        except ImportError as exc:
            raise InputError(f"lupa has no Lua {lua}: choose 5.3 or 5.4") from exc
        self._runtime: Any = module.LuaRuntime(
            encoding=None, unpack_returned_tuples=True, register_eval=False, register_builtins=False
        )
        hide = b"python = nil package.loaded.python = nil"
        self._runtime.execute(hide)
        table = self._table(settings)
        load = self._runtime.eval(b"function(source) return load(source, '=reaper') end")
        chunk = load(bootstrap_source())
        self._dispatch: Any = chunk(host_call, table)

    def _table(self, values: Mapping[str, Any]) -> Any:
        table = self._runtime.table()
        for key, value in values.items():
            if isinstance(value, Mapping):
                value = self._table(value)
            elif isinstance(value, str):
                value = value.encode()
            table[key.encode()] = value
        return table

    def _reply(self, command: bytes) -> bytes:
        reply: bytes = self._dispatch(command)
        return reply

    def close(self) -> None:
        """Let go of the state."""
        self._dispatch = None
        self._runtime = None
