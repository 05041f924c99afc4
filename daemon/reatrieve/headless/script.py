"""One running script: its Lua state, what it deferred, how it ended, and every call it makes."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reatrieve.headless.calls import FUNCTIONS, Call, checked_arguments, converted_returns, entry_of
from reatrieve.headless.engine import Engine, HostCall
from reatrieve.headless.gfx import DRAWING, RECEIVED, SENT, GfxWindow
from reatrieve.headless.machine import Machine, ScriptError
from reatrieve.headless.wire import ArrayValue, LuaError, Reader, pack_text, pack_values

__all__ = ["ActionContext", "Script"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What ``get_action_context`` says: how the action was triggered."""

    is_new_value: bool = False
    mode: int = -1
    resolution: int = -1
    value: int = -1
    text: str = ""


class Script:
    """One instance of a script, from its start to the end of its deferred functions."""

    def __init__(
        self,
        host: Machine,
        path: Path,
        command: int,
        context: ActionContext,
        new_engine: Callable[[HostCall, bool], Engine],
        checked: bool,
    ) -> None:
        self.host = host
        self.path = path
        self.command = command
        self.context = context
        self.checked = checked
        self.on_end: Callable[[Script], None] = lambda _: None
        self.pending = 0  # functions deferred
        self.rounds = 0  # deferred rounds already run
        self.running = True
        self.options = 0  # set_action_options
        self.window: GfxWindow | None = None
        self.longest_step_s = 0.0
        self.calls = 0
        self.shared_memory = ""  # gmem_attach
        self._call = Call(host, self)
        self._engine = new_engine(self._host_call, checked)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def start(self) -> None:
        """Run the file; afterwards it may have deferred functions."""
        self._step(lambda: self._engine.run(str(self.path)))

    def step(self) -> None:
        """One round of deferred functions; a script that defers nothing more ends."""
        if not self.running:
            return
        if self.pending:
            self.rounds += 1
            self._step(self._engine.deferred)
        if self.running and not self.pending:
            self.finish()

    def finish(self) -> None:
        """End: exit functions run, windows close."""
        if not self.running:
            return
        self.running = False
        self.pending = 0
        acting, self.host.acting = self.host.acting, self.name
        try:
            _, message = self._engine.exits()
        finally:
            self.host.acting = acting
            if self.window is not None:
                self.window.close()
            self.on_end(self)
        if message:
            self._failed(message)
        self._engine.close()

    def _step(self, run: Any) -> None:
        started_s = time.perf_counter()
        if self.window is not None:
            self.window.begin_frame()
        locks = self.host.refresh_locks
        acting, self.host.acting = self.host.acting, self.name
        try:
            self.pending, message = run()
        finally:
            self.host.acting = acting
        if not acting:  # not inside the step of another script
            self._close_what_is_open(locks)
        self.longest_step_s = max(self.longest_step_s, time.perf_counter() - started_s)
        if message:
            self._failed(message)
            self.finish()

    def _close_what_is_open(self, locks: int) -> None:
        """An undo block or a stopped screen that outlives a step is the script's fault; REAPER closes the block."""
        for tab in self.host.tabs:
            if tab.history.close_open_block(self.host.assumptions.undo_point_text.format(name=self.name)):
                self.host.misuse.append(f"{self.name}: left an undo block open")
        if self.host.refresh_locks != locks:
            self.host.misuse.append(
                f"{self.name}: PreventUIRefresh is not balanced ({self.host.refresh_locks - locks:+d})"
            )
            self.host.refresh_locks = locks

    def _failed(self, message: str) -> None:
        logger.debug("script error in %s: %s", self.name, message)
        self.host.errors.append(ScriptError(self.name, message))

    # calls from Lua --------------------------------------------------------------------------------------------------

    def _host_call(self, data: bytes) -> bytes:
        reader = Reader(data)
        kind = reader.byte()
        name = reader.text().decode()
        self.calls += 1
        try:
            if kind == ord("G"):
                return self._gfx_call(name, reader)
            return self._reaper_call(name, reader)
        except LuaError as exc:
            self.host.misuse.append(f"{self.name}: {exc}")
            return b"\1" + pack_text(str(exc).encode("utf-8", "surrogateescape"))
        except Exception:
            text = f"{name}: the headless host itself failed:\n{traceback.format_exc()}"
            self.host.misuse.append(f"{self.name}: {text}")
            return b"\1" + pack_text(text.encode("utf-8", "surrogateescape"))

    def _reaper_call(self, name: str, reader: Reader) -> bytes:
        values = reader.values()
        entry = entry_of(name)
        implementation = FUNCTIONS.get(name)
        if name in self.host.given.extensions:
            return self._extension_call(name, values)
        if implementation is None:
            raise LuaError(f"reaper.{name} is in the API but the headless host does not implement it")
        own = values[:1] if name.startswith("reaper.array:") else []  # the array itself, which the listing leaves out
        arguments = values if entry is None else own + checked_arguments(self._call, entry, values[len(own) :])
        result = implementation(self._call, *arguments)
        packed = pack_values(converted_returns(entry, result), self.host.pointers.handle)
        arrays = []
        for index, argument in enumerate(arguments):
            if isinstance(argument, ArrayValue):
                for offset, samples in argument.writes:
                    blob = np.ascontiguousarray(samples, dtype="<f8").tobytes()
                    arrays.append(bytes([index + 1]) + offset.to_bytes(4, "little") + pack_text(blob))
        return b"\0" + packed + bytes([len(arrays)]) + b"".join(arrays)

    def _extension_call(self, name: str, values: list[Any]) -> bytes:
        """A function that a test brought: it gets Lua's values (texts as str) and gives one value, a tuple or None."""
        result = self.host.given.extensions[name](
            *(value.decode() if isinstance(value, bytes) else value for value in values)
        )
        given = list(result) if isinstance(result, tuple) else [] if result is None else [result]
        return b"\0" + pack_values(given, self.host.pointers.handle) + b"\0"

    def _gfx_call(self, name: str, reader: Reader) -> bytes:
        state = reader.doubles(len(SENT))
        values = reader.values()
        entry = entry_of(name)
        implementation = FUNCTIONS.get(name)
        if implementation is None or entry is None:
            raise LuaError(f"{name} is in the API but the headless host does not implement it")
        if self.window is None:
            self.window = GfxWindow(self.host.given.pixel_ratio)
        self.window.take_state(state, name in DRAWING)
        result = implementation(self._call, self.window, *checked_arguments(self._call, entry, values))
        packed = pack_values(converted_returns(entry, result), self.host.pointers.handle)
        doubles = np.array(self.window.give_state(), dtype="<f8")
        assert len(doubles) == len(RECEIVED)
        return b"\0" + doubles.tobytes() + packed
