"""Runs one script in its own Lua state: inside this process (lupa), or in an interpreter where binary modules load."""

from __future__ import annotations

import importlib
import shutil
import struct
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import resources
from typing import IO, Any

from reatrieve.errors import InputError
from reatrieve.headless.wire import pack_text

__all__ = ["Engine", "HostCall", "LupaEngine", "ProcessEngine", "settings_values"]

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


def _bootstrap_source() -> bytes:
    """The Lua end of the host, ``bootstrap.lua``."""
    return resources.files("reatrieve.headless").joinpath("bootstrap.lua").read_bytes()


def settings_values(
    functions: list[str],
    gfx_functions: list[str],
    environment: Mapping[str, str | None],
    sockets: str,
    *,
    largest_array: int,
    longest_step_s: float,
    ascii_require: bool,
) -> dict[str, Any]:
    """What bootstrap.lua is told at the start, as Lua-ready values."""
    return {
        "functions": "\n".join(functions),
        "gfx_functions": "\n".join(gfx_functions),
        "environment": {key: value if value is not None else False for key, value in environment.items()},
        "sockets": sockets,
        "largest_array": largest_array,
        "longest_step_s": longest_step_s,
        "ascii_require": ascii_require,
    }


class LupaEngine(Engine):
    """Lua 5.3 or 5.4 through lupa; REAPER 6 embeds the first, REAPER 7 the second."""

    def __init__(self, lua: str, settings: Mapping[str, Any], host_call: HostCall) -> None:
        try:
            module = importlib.import_module("lupa.lua" + lua.replace(".", ""))
        except ImportError as exc:
            raise InputError(f"lupa has no Lua {lua}: choose 5.3 or 5.4") from exc
        self._failure: type[Exception] = module.LuaError
        self._runtime: Any = module.LuaRuntime(
            encoding=None, unpack_returned_tuples=True, register_eval=False, register_builtins=False
        )
        hide = b"python = nil package.loaded.python = nil"
        self._runtime.execute(hide)
        table = self._table(settings)
        load = self._runtime.eval(b"function(source) return load(source, '=reaper') end")
        chunk = load(_bootstrap_source())
        self._host_call = host_call
        self._interrupt: KeyboardInterrupt | None = None
        self._dispatch: Any = chunk(self._called, table)

    def _called(self, data: bytes) -> bytes:
        """Answer a call; Ctrl+C meanwhile is kept for the end of the step, since a script's pcall would swallow it."""
        try:
            return self._host_call(data)
        except KeyboardInterrupt as interrupt:
            self._interrupt = interrupt
            raise

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
        try:
            reply: bytes = self._dispatch(command)
        except self._failure as exc:  # a script broke what the host's Lua end stands on
            reply = struct.pack("<I", 0) + pack_text(str(exc).encode("utf-8", "surrogateescape"))
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            raise interrupt
        return reply

    def close(self) -> None:
        """Let go of the state."""
        self._dispatch = None
        self._runtime = None


class ProcessEngine(Engine):
    """A Lua state in a process; frames of a tag, a length and bytes go through its standard input and output.

    The host sends a step and then answers calls until the step is done.

    Raises
    ------
    InputError
        If there is no such interpreter, it does not start, or this is Windows.
    """

    def __init__(self, command: str, settings: Mapping[str, Any], host_call: HostCall) -> None:
        if sys.platform == "win32":
            raise InputError("engine: Lua on Windows opens its standard streams as text; use engine='lupa' there")
        found = shutil.which(command)
        if found is None:
            raise InputError(f"no Lua interpreter {command!r} on this machine: install it or use engine='lupa'")
        self._host_call = host_call
        main = resources.files("reatrieve.headless").joinpath("bootstrap_main.lua").read_text(encoding="utf-8")
        self._process = subprocess.Popen([found, "-e", "\n" + main], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout
        self._send(b"B", _bootstrap_source())
        self._send(b"S", _settings_source(settings))

    def _send(self, tag: bytes, data: bytes) -> None:
        try:
            self._input.write(tag + pack_text(data))
            self._input.flush()
        except OSError:
            self._gone()

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._output.read(5)
        if len(head) < 5:
            self._gone()
        (length,) = struct.unpack("<I", head[1:])
        return head[:1], self._output.read(length)

    def _gone(self) -> None:
        status = self._process.wait(timeout=5)
        raise InputError(f"the Lua interpreter ended with status {status}: see its message on standard error")

    def _reply(self, command: bytes) -> bytes:
        self._send(b"D", command)
        while True:
            tag, data = self._receive()
            if tag == b"C":
                self._send(b"R", self._host_call(data))
                continue
            return data

    def close(self) -> None:
        """End the process; its pipes close with it."""
        self._input.close()
        self._output.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _settings_source(settings: Mapping[str, Any]) -> bytes:
    """The settings as a Lua table constructor."""
    parts = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            text = _settings_source(value).decode("utf-8", "surrogateescape")
        elif isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, (int, float)):
            text = repr(value)
        else:
            text = _quoted(str(value))
        parts.append(f"[{_quoted(key)}]={text}")
    return ("{" + ",".join(parts) + "}").encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:03d}" for b in data) + '"'
