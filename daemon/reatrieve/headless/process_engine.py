"""Runs one script in a Lua interpreter of its own process (lua5.3, lua5.4), where real binary modules load."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from typing import IO, Any

from reatrieve.errors import InputError
from reatrieve.headless.engine import Engine, HostCall, bootstrap_source
from reatrieve.headless.wire import pack_text

__all__ = ["ProcessEngine"]


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
        self._send(b"B", bootstrap_source())
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
