"""The action *ReaTrieve: Setup* on the headless host, whose ``ExecProcess`` runs real processes: from a fresh REAPER,
into which only the scripts and the wheel have come, to a daemon that answers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reatrieve.bridge.home import answers_ping, read_info
from reatrieve.cli import main
from reatrieve.headless import Reaper
from reatrieve.headless.api import system
from reatrieve.headless.calls import FUNCTIONS, Call
from reatrieve.installation import scripts_folder
from reatrieve.setup.where import read_where

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the host's processes are started by a POSIX shell")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("reatrieve-*.whl"))


class Fresh:
    """A machine with one REAPER that has just got the scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resources = folder / "REAPER ö"
        self.resources.mkdir()
        (self.resources / "reaper.ini").touch()
        self.scripts = self.resources / "Scripts" / "ReaTrieve scripts" / "Regions"
        shutil.copytree(scripts_folder(), self.scripts)
        self.home = folder / "home" / "ReaTrieve"
        self.environment: dict[str, str | None] = {"HOME": str(folder / "nobody"), "PATH": "", "REATRIEVE_HOME": None}

    @property
    def ours(self) -> Path:
        return self.resources / "ReaTrieve"

    def python(self, name: str, script: str) -> str:
        """Something that is called Python."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.environment["PATH"] = str(path.parent)
        return str(path)

    def reaper(self, version: str = "7.72") -> Reaper:
        return Reaper(version, home=self.resources, scripts=self.scripts, environment=self.environment, sockets="none")

    def stop(self) -> None:
        info = read_info(self.home)
        if info is not None and answers_ping(info):
            os.kill(info.pid, signal.SIGTERM)
            end_s = time.monotonic() + 20
            while read_info(self.home) is not None and time.monotonic() < end_s:
                time.sleep(0.02)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fresh]:
    one = Fresh(tmp_path)
    for name in ("cache", "logs"):
        monkeypatch.setenv(f"REATRIEVE_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("REATRIEVE_HOME", str(one.home))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield one
    one.stop()


def title(reaper: Reaper) -> str:
    return reaper.status.help_line.removeprefix("ReaTrieve: ")


def until(reaper: Reaper, words: str, timeout_s: float = 120.0) -> str:
    reaper.until(lambda: words in title(reaper), timeout_s)
    reaper.tick(2)
    return title(reaper)


def press(reaper: Reaper, key: str = "enter") -> None:
    reaper.focus()
    reaper.press(key)
    reaper.tick(2)


def only_this_python(monkeypatch: pytest.MonkeyPatch, fresh: Fresh) -> None:
    """The Python of the tests, and its libraries instead of those from an index: all but ReaTrieve itself."""
    libraries = fresh.folder / "libraries"
    libraries.mkdir()
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "reatrieve" not in path.name and not path.name.endswith((".dist-info", ".pth")) and path.name != "pip":
            (libraries / path.name).symlink_to(path)
    monkeypatch.setenv("PYTHONPATH", str(libraries))
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    fresh.environment["REATRIEVE_PYTHON"] = os.path.realpath(sys.executable)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_the_scripts_and_the_wheel_to_a_daemon_that_answers(
    fresh: Fresh, wheel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only_this_python(monkeypatch, fresh)
    shutil.copy(wheel, fresh.scripts)
    before = {p for p in fresh.resources.rglob("*") if p.is_file()}
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        until(reaper, "Set up ReaTrieve's daemon")
        assert reaper.action("Find sounds like the time selection")
        ticks = reaper.host.ticks
        press(reaper)
        until(reaper, "Telling REAPER where the daemon is", 600)
        assert reaper.host.ticks - ticks > 100  # REAPER went on meanwhile
        until(reaper, "ReaTrieve is ready", 300)
        assert reaper.errors == []
        assert reaper.misuse == []
        assert reaper.ext_state("ReaTrieve", "start_daemon") == "yes"
        info = read_info(fresh.home)
        assert info is not None
        assert answers_ping(info)
        where = read_where(fresh.ours)
        assert where is not None
        assert Path(where.python).parent == fresh.ours / "environment" / "bin"
        assert (fresh.ours / "environment" / "reatrieve-setup.txt").is_file()
        checks = (fresh.ours / "setup-checks.txt").read_text(encoding="utf-8")
        assert "OK  daemon: 0.1.0" in checks
        assert "DO" not in [line[:2] for line in checks.splitlines()]
        assert "(setup)" in checks
        press(reaper)
        assert reaper.windows == []
        reaper.run("Setup")  # again: nothing is asked, nothing is made anew
        until(reaper, "Checking")
        until(reaper, "ReaTrieve is ready", 300)
        assert read_info(fresh.home) == info
    assert main(["uninstall", "--resource-path", str(fresh.resources)]) == 0
    left = {p for p in fresh.resources.rglob("*") if p.is_file()} - before
    assert {p.name for p in left} <= {"reaper-extstate.ini"}
    assert not (fresh.ours / "environment").exists()
    capsys.readouterr()


def test_without_a_wheel_it_says_what_to_do(fresh: Fresh) -> None:
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        until(reaper, "did not come with these scripts")
        press(reaper)
        assert reaper.windows == []


def test_without_python_one_page_says_what_to_get(fresh: Fresh, wheel: Path) -> None:
    """What is called Python and is none, or will not do, is passed over by name and never started for real."""
    shutil.copy(wheel, fresh.scripts)
    started = fresh.folder / "started"
    guard = f'if [ "$1" != --version ] && [ "$1" != -p ]; then touch "{started}"; fi\n'
    stub = fresh.python("python3.12", guard + "echo 'Python was not found; run without arguments to install'; exit 49")
    old = fresh.python("python3.10", guard + "echo Python 3.9.2")
    new = fresh.python("python3.13", guard + "echo Python 3.15.0")
    silent = fresh.python("python3.11", guard + "exit 0")
    fresh.environment["REATRIEVE_PYTHON"] = ":".join((stub, old, new, silent))
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        until(reaper, "ReaTrieve needs Python 3.10 to 3.13")
        text = (fresh.ours / "setup-found.txt").read_text(encoding="utf-8")
        assert f"{stub} does not run" in text
        assert f"{old} is Python 3.9: too old" in text
        assert f"{new} is Python 3.15" in text
        assert f"{silent} does not run" in text
        assert not started.exists()
        press(reaper, "c")
        assert reaper.windows == []
        assert not (fresh.ours / "environment").exists()


@pytest.fixture
def waited_ms(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long REAPER was allowed to wait for each program that was started; below 0: not at all."""
    times: list[int] = []
    assert system  # it registers the function
    original = FUNCTIONS["ExecProcess"]

    def told(call: Call, line: str, timeout_ms: int) -> str | None:
        times.append(timeout_ms)
        return original(call, line, timeout_ms)  # type: ignore[no-any-return]

    monkeypatch.setitem(FUNCTIONS, "ExecProcess", told)
    return times


def steps(reaper: Reaper, ticks: int) -> float:
    """The longest step of a script in so many ticks, in seconds: the median of five lots, for a busy machine."""
    longest = []
    for _ in range(5):
        reaper.host.longest_step_s = 0.0
        for script in reaper.running:
            script.longest_step_s = 0.0
        reaper.tick(ticks // 5)
        longest.append(reaper.host.longest_step_s)
    return sorted(longest)[2]


LONGEST_STEP_S = 0.03


def test_a_python_that_hangs_blocks_no_tick_and_is_passed_over(fresh: Fresh, wheel: Path, waited_ms: list[int]) -> None:
    shutil.copy(wheel, fresh.scripts)
    fresh.environment["REATRIEVE_PYTHON"] = fresh.python("python3.12", "exec sleep 30")
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        until(reaper, "Looking for a Python")
        begun_s = time.monotonic()
        assert steps(reaper, 60) < LONGEST_STEP_S
        assert time.monotonic() - begun_s < 10  # it is still being waited for
        until(reaper, "ReaTrieve needs Python 3.10 to 3.13", 60)
        assert "does not answer" in (fresh.ours / "setup-found.txt").read_text(encoding="utf-8")
        press(reaper, "c")
        assert reaper.windows == []
    assert waited_ms
    assert max(waited_ms) < 0


def test_an_environment_that_is_never_made_blocks_no_tick_and_keeps_others_out(
    fresh: Fresh, wheel: Path, waited_ms: list[int]
) -> None:
    shutil.copy(wheel, fresh.scripts)
    hangs = 'if [ "$1" = --version ]; then echo Python 3.12.1; else exec sleep 60; fi'
    fresh.environment["REATRIEVE_PYTHON"] = fresh.python("python3.12", hangs)
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        until(reaper, "Set up ReaTrieve's daemon")
        press(reaper)
        until(reaper, "Installing ReaTrieve's daemon")
        assert steps(reaper, 60) < LONGEST_STEP_S
        with fresh.reaper() as second:
            second.run("Setup")
            until(second, "Another Setup is at work here")
            press(second, "c")
            assert second.windows == []
        assert title(reaper) == "Installing ReaTrieve's daemon"
        press(reaper, "escape")
        assert reaper.windows == []
    assert waited_ms
    assert max(waited_ms) < 0


def make_environment(*words: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(scripts_folder() / "make_environment.py"), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_environments_are_not_made_at_once(tmp_path: Path) -> None:
    """Also where the first Setup's window is gone and its program goes on."""
    fcntl = pytest.importorskip("fcntl")
    folder = tmp_path / "REAPER ö" / "ReaTrieve"
    folder.mkdir(parents=True)
    wheel = tmp_path / "no wheel.whl"
    with (folder / "setup.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said, _ = make_environment("--environment", folder / "environment", "--wheel", wheel).communicate(timeout=60)
        assert said.splitlines()[-1].startswith("FAILED other another Setup is at work here")
        assert not (folder / "environment").exists()
    said, _ = make_environment("--environment", folder / "environment", "--wheel", wheel).communicate(timeout=120)
    assert "another Setup" not in said
    assert said.splitlines()[-1].startswith("FAILED other")
    assert (folder / "environment" / "reatrieve-setup.txt").is_file()


def test_keys_and_toolbar_are_written_to_be_imported(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a daemon installed from elsewhere, Setup registers, writes the files, starts it and checks."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "daemon"))
    assert main(["install", "--resource-path", str(fresh.resources), "--home", str(fresh.home), "--keep-scripts"]) == 0
    ini = fresh.resources / "reaper-kb.ini"
    ini.write_text("the user's own\n")
    with fresh.reaper() as reaper:
        reaper.run("Setup")
        reaper.until(lambda: "ReaTrieve is" in title(reaper), 120)
        map_ = (fresh.resources / "KeyMaps" / "ReaTrieve.ReaperKeyMap").read_text(encoding="utf-8")
        find = reaper.action("Find sounds like the time selection")
        assert f'SCR 4 0 {find.identifier} "Script: ReaTrieve_Find sounds like the time selection.lua" ' in map_
        assert f"KEY 21 70 _{find.identifier} 0" in map_
        toolbar = (fresh.resources / "MenuSets" / "ReaTrieve (dark).ReaperMenu").read_text(encoding="utf-8")
        assert f"item_0=_{find.identifier} ReaTrieve: Find" in toolbar
        assert "icon_0=reatrieve_find_dark.png" in toolbar
        icon = fresh.resources / "Data" / "toolbar_icons" / "reatrieve_find_dark.png"
        assert icon.read_bytes() == (fresh.scripts / "icons" / "reatrieve_find_dark.png").read_bytes()
        assert ini.read_text() == "the user's own\n"
        for line in (fresh.ours / "setup-files.txt").read_text(encoding="utf-8").splitlines():
            checksum, _, name = line.partition(" ")
            assert f"{zlib.adler32((fresh.resources / name).read_bytes()):08x}" == checksum
        press(reaper)
        changed = fresh.resources / "MenuSets" / "ReaTrieve (dark).ReaperMenu"
        changed.write_text("title=mine\n")
        reaper.run("Setup")
        reaper.until(lambda: title(reaper) == "Checking", 60)
        reaper.until(lambda: "ReaTrieve is" in title(reaper), 120)
        assert changed.read_text() == "title=mine\n"


def test_every_action_is_registered_and_keys_are_offered(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "daemon"))
    assert main(["install", "--resource-path", str(fresh.resources), "--home", str(fresh.home), "--keep-scripts"]) == 0
    with Reaper(
        "7.72", home=fresh.resources, scripts=fresh.folder, environment=fresh.environment, sockets="none"
    ) as reaper:
        reaper.run(fresh.scripts / "ReaTrieve_Setup.lua")
        reaper.until(lambda: "ReaTrieve is" in title(reaper), 120)
        names = {action.path.name for action in reaper.host.actions.values()}
        assert names == {path.name for path in fresh.scripts.glob("ReaTrieve_*.lua")}
        reaper.tick(3)
        reaper.answer(*[True] * 7)
        press(reaper, "k")
        reaper.until(lambda: len(reaper.dialogs) == 7)
        assert "Find sounds" in reaper.dialogs[0].text
        assert "Accept" in reaper.dialogs[1].text
