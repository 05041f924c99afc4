"""The daemon as a process of its own, started and ended by the demo, the bench and the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType

from reatrieve.errors import ReatrieveError

__all__ = ["ServiceProcess"]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


class ServiceProcess:
    """``reatrieve serve`` as a child; a context manager.

    Parameters
    ----------
    home : its home folder (token, spool, journals, cache, all inside).
    arguments : further words of the command line.
    module : that Python runs; it takes the words of ``reatrieve``.

    Raises
    ------
    ReatrieveError
        From ``start``, if the process ends or says nothing for a minute; its last words are in the text.
    """

    def __init__(self, home: Path, arguments: Sequence[str] = (), *, module: str = "reatrieve") -> None:
        self.home = home
        self._module = module
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str] = Queue()

    @property
    def pid(self) -> int:
        """Process id of the running daemon.

        Raises
        ------
        ReatrieveError
            If it does not run.
        """
        if self._process is None:
            raise ReatrieveError("the daemon is not running; call start() first")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it listens.

        Raises
        ------
        ReatrieveError
            If it ends, or is silent for ``START_TIMEOUT_S`` seconds.
        """
        command = [
            *([sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", self._module]),
            *("serve", "--home", str(self.home), "--port", "0"),
            *("--cache", str(self.home / "cache"), "--logs", str(self.home / "logs")),
            *self._arguments,
        ]
        environment = {**os.environ, "PYTHONUTF8": "1"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment
        )
        self._lines = Queue()
        threading.Thread(target=self._pump, args=(self._process, self._lines), daemon=True).start()
        said: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=START_TIMEOUT_S)
            except Empty:
                self.kill()
                raise ReatrieveError(
                    f"the daemon said nothing for {START_TIMEOUT_S:g} s; it said: {' '.join(said)}"
                ) from None
            said.append(line.strip())
            if line.startswith("reatrieve: ") and "spool " in line:
                return
            if not line:
                status = self._process.wait()
                raise ReatrieveError(f"the daemon ended with status {status}: {' '.join(said)}")

    @staticmethod
    def _pump(process: subprocess.Popen[str], lines: Queue[str]) -> None:
        """Read what it prints, so that its pipe never fills; an empty line means that it ended."""
        assert process.stdout is not None
        with process.stdout as out:
            for line in out:
                lines.put(line)
        lines.put("")

    def stop(self) -> None:
        """End it politely; after ten seconds by force."""
        if self._process is None or self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.terminate()
        else:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> ServiceProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
