"""``reatrieve serve`` as a process of its own, for tests that kill it, and what its journals say afterwards."""

import os
import signal
import subprocess
import sys
import threading

from reatrieve.bridge.home import read_info
from reatrieve.journal import JournalFolder, read_journal
from reatrieve.session.state import fold


class Served:
    """``reatrieve serve`` as a process of its own."""

    def __init__(self, folder, cache, *flags):
        self.home = folder / "hömé dir"
        self.command = [
            sys.executable, "-m", "reatrieve", "serve", "--home", str(self.home), "--cache", str(cache),
            "--logs", str(folder / "logs"), *flags,
        ]  # fmt: skip
        self.log = folder / "logs" / "daemon.log"
        self.process = None

    def start(self):
        env = {key: value for key, value in os.environ.items() if not key.startswith("REATRIEVE_")}
        env["PYTHONIOENCODING"] = "utf-8"
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, encoding="utf-8"
        )
        watchdog = threading.Timer(60, self.process.kill)
        watchdog.start()
        self.ready = self.process.stdout.readline()
        watchdog.cancel()
        assert self.ready.startswith("reatrieve: "), self.process.communicate()
        return read_info(self.home)

    def end(self, number=signal.SIGTERM):
        """Send a signal; returns (exit status, standard error)."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def state_of(home, session):
    return fold(line.event for line in read_journal(JournalFolder(home / "journals").path(session))[1])


def journal_ops(home, session):
    return [line.op for line in read_journal(JournalFolder(home / "journals").path(session))[1] if line.op]
