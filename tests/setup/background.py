"""The daemon as REAPER's scripts start it: through the launcher, without a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from reatrieve.bridge.home import DaemonInfo, answers_ping, read_info
from reatrieve.setup.where import launcher

ROOT = Path(__file__).resolve().parents[2]


class Background:
    """One daemon in ``home``; ``version`` is what it believes to be."""

    def __init__(self, home: Path, folder: Path, *arguments: str, version: str = "") -> None:
        self.home = home
        script = folder / "daemon.py"
        text = launcher(ROOT / "daemon")
        if version:
            text = text.replace(
                "import reatrieve\n", f"import reatrieve\n\n            reatrieve.__version__ = {version!r}\n", 1
            )
        script.write_text(text, encoding="utf-8")
        command = [sys.executable, str(script), "serve", "--background", "--home", str(home)]
        command += ["--cache", str(folder / "cache"), "--logs", str(folder / "logs"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "daemon")}
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment)

    def ready(self) -> DaemonInfo:
        """What daemon.txt says once this daemon answers."""
        while self.process.poll() is None:
            info = read_info(self.home)
            if info is not None and info.pid == self.process.pid and answers_ping(info, timeout_s=0.2):
                return info
        raise AssertionError(f"ended with {self.process.returncode}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
