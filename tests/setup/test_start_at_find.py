"""The daemon starts by itself at Find: REAPER's scripts start the real one, hidden, from what `install` wrote down."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from reatrieve.bridge.home import DaemonInfo, answers_ping, read_info
from reatrieve.cli import main
from reatrieve.headless import Reaper

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 22050


def song(path: Path) -> Path:
    """Ten seconds of noise with one chirp four times."""
    rng = np.random.default_rng(3)
    y = 0.01 * rng.standard_normal(10 * RATE_HZ)
    t = np.arange(int(0.5 * RATE_HZ)) / RATE_HZ
    for start_s in (1.0, 3.5, 6.0, 8.25):
        n = int(start_s * RATE_HZ)
        y[n : n + len(t)] += 0.4 * np.sin(2 * np.pi * (400 * t + 900 * t**2)) * np.exp(-2 * t)
    soundfile.write(path, y, RATE_HZ)
    return path


class Desk:
    """A machine with one REAPER, into which ReaTrieve was installed, and no daemon."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.home = folder / "hömé dir" / "ReaTrieve"
        self.resources = folder / "REAPER it's"
        self.resources.mkdir()
        (self.resources / "reaper.ini").touch()
        (self.resources / "reaper-install-rev.txt").write_text("7.72/linux")
        for name in ("CACHE", "LOGS"):
            monkeypatch.setenv(f"REATRIEVE_{name}", str(folder / name.lower()))
        monkeypatch.setenv("PYTHONPATH", str(ROOT / "daemon"))
        self.install()

    def install(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert main(["install", "--resource-path", str(self.resources), "--home", str(self.home)]) == 0
        self.printed = said.getvalue()

    def reaper(self, **options: Any) -> Reaper:
        """REAPER on the user's desktop, where nothing of a shell is set."""
        environment = {"REATRIEVE_HOME": None, "XDG_DATA_HOME": None, "HOME": str(self.folder / "nobody")}
        reaper = Reaper(
            home=self.resources, scripts=self.resources / "Scripts" / "ReaTrieve", environment=environment,
            sockets="none", **options,
        )  # fmt: skip
        reaper.set_ext_state("ReaTrieve", "audition", "no", persist=True)
        reaper.project.add_track("music").add_item(song(self.folder / "Lied.wav"))
        reaper.project.select_time(1.0, 1.5)
        return reaper

    def info(self) -> DaemonInfo | None:
        return read_info(self.home)

    def stop(self) -> None:
        info = self.info()
        if info is None or not answers_ping(info):
            return
        os.kill(info.pid, signal.SIGTERM)
        end_s = time.monotonic() + 20
        while self.info() is not None and time.monotonic() < end_s:
            time.sleep(0.02)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    one = Desk(tmp_path, monkeypatch)
    yield one
    one.stop()


def find(reaper: Reaper, until: Callable[[Reaper], Any]) -> Any:
    reaper.run("Find sounds like the time selection")
    return reaper.until(lambda: until(reaper), 60)


def candidate(reaper: Reaper) -> Any:
    return next((region for region in reaper.project.regions if region.name.startswith("? ")), None)


def questions(reaper: Reaper) -> list[str]:
    return [dialog.text for dialog in reaper.dialogs]


def test_it_is_asked_once_and_then_starts_by_itself(desk: Desk) -> None:
    with desk.reaper() as reaper:
        reaper.answer("yes")
        assert find(reaper, candidate)
        assert len(questions(reaper)) == 1
        assert "Start it now" in questions(reaper)[0]
        first = desk.info()
        assert first is not None
        assert reaper.longest_step_s < 0.5
    with desk.reaper() as reaper:  # REAPER started again: the daemon is still there
        assert find(reaper, candidate)
        assert reaper.dialogs == []
        assert desk.info() == first
    desk.stop()
    with desk.reaper() as reaper:  # and comes again without a question
        assert find(reaper, candidate)
        assert reaper.dialogs == []
        again = desk.info()
        assert again is not None
        assert again.pid != first.pid
        assert again.token == first.token


def test_no_is_remembered_and_says_how(desk: Desk) -> None:
    with desk.reaper() as reaper:
        reaper.answer("no")
        find(reaper, lambda r: "daemon not running" in r.status.help_line and r.dialogs)
        reaper.tick(10)
        find(reaper, lambda r: "daemon not running" in r.status.help_line)
        reaper.tick(40)
        assert len(reaper.dialogs) == 1
    assert desk.info() is None


def test_a_daemon_that_find_starts_again_is_said_to_be_started_by_it(desk: Desk) -> None:
    with desk.reaper() as reaper:
        reaper.set_ext_state("ReaTrieve", "start_daemon", "yes", persist=True)
        assert find(reaper, candidate)
        desk.stop()
        reaper.until(lambda: "daemon not running: Find starts it" in reaper.status.help_line, 60)
        reaper.answer("yes")  # go on with this sound
        find(reaper, lambda _: desk.info())
        assert "Go on with it?" in questions(reaper)[0]
        reaper.until(lambda: "daemon not running" not in reaper.status.help_line, 60)
        desk.stop()
        reaper.set_ext_state("ReaTrieve", "start_daemon", "no", persist=True)
        reaper.until(lambda: "daemon not running: start it with" in reaper.status.help_line, 60)


def test_a_start_that_fails_says_why(desk: Desk) -> None:
    (desk.home / "settings.txt").write_text("prot = 1\n")
    with desk.reaper() as reaper:
        reaper.set_ext_state("ReaTrieve", "start_daemon", "yes", persist=True)
        find(reaper, lambda r: "unknown setting 'prot'; did you mean 'port'" in r.status.help_line)


def test_what_is_gone_leads_to_setup(desk: Desk) -> None:
    where = desk.resources / "ReaTrieve" / "where.txt"
    where.write_text(
        where.read_text(encoding="utf-8").replace(f"program {sys.executable}", "program /gone/python"), "utf-8"
    )
    with desk.reaper() as reaper:
        reaper.set_ext_state("ReaTrieve", "start_daemon", "yes", persist=True)
        find(reaper, lambda r: "/gone/python is gone: run ReaTrieve: Setup" in r.status.help_line)


def test_after_an_update_the_old_one_gives_way_and_the_session_goes_on(desk: Desk) -> None:
    """The next Find brings the new one, and the session that is open with the old one goes on there."""
    launcher = desk.resources / "ReaTrieve" / "daemon.py"
    text = launcher.read_text(encoding="utf-8")
    old = text.replace("import reatrieve\n", "import reatrieve\n\n            reatrieve.__version__ = '0.0.9'\n", 1)
    launcher.write_text(old, encoding="utf-8")
    with desk.reaper() as reaper:
        reaper.set_ext_state("ReaTrieve", "start_daemon", "yes", persist=True)
        shown = find(reaper, candidate)
        before = desk.info()
        assert before is not None
        assert before.version == "0.0.9"
        launcher.write_text(text, encoding="utf-8")
        reaper.project.select_time(3.2, 3.4)
        find(reaper, lambda r: (info := desk.info()) is not None and info.version == "0.1.0")
        reaper.until(lambda: candidate(reaper) and candidate(reaper).guid != shown.guid, 60)
        reaper.run("Next sound in this project")
        reaper.until(lambda: candidate(reaper) and abs(candidate(reaper).start_s - shown.start_s) < 1e-6, 60)
        count = len(reaper.project.regions)
        reaper.run("Accept candidate")
        reaper.until(lambda: len(reaper.project.regions) > count, 60)
