"""The shipped scripts against the real daemon in a process of its own, over both carriers and both Lua versions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from rig import ACTIONS, REDO, UNDO

from reatrieve import __version__
from reatrieve.bridge.home import read_info
from reatrieve.bridge.messages import PROTOCOL
from reatrieve.headless import Reaper, scripts_folder
from reatrieve.headless.sources import FileSource
from reatrieve.installation import this_installation
from reatrieve.journal import read_journal
from reatrieve.session.state import fold

RATE_HZ = 22050
TIMES_S = [1.5, 5.25, 9.1, 13.7, 17.3, 21.9, 26.4]
LENGTH_S = 0.8


def song(path: Path) -> Path:
    """Half a minute of soft noise and ticks, with one chirp seven times."""
    rng = np.random.default_rng(5)
    y = 0.01 * rng.standard_normal(30 * RATE_HZ)
    for start_s in np.arange(0.0, 29.9, 0.5):
        n = int(start_s * RATE_HZ)
        y[n : n + 200] += 0.2 * rng.standard_normal(200) * np.exp(-np.arange(200) / 40)
    t = np.arange(int(LENGTH_S * RATE_HZ)) / RATE_HZ
    chirp = 0.4 * np.sin(2 * np.pi * (400 * t + 900 * t**2)) * np.exp(-2 * t)
    for start_s in TIMES_S:
        n = int(start_s * RATE_HZ)
        y[n : n + len(chirp)] += chirp
    soundfile.write(path, y, RATE_HZ)
    return path


SPEAKING = """import sys
from reatrieve.bridge import messages
messages.PROTOCOL = {}
from reatrieve.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Serve:
    """`reatrieve serve` as a process; ``protocol``: one that speaks this version of it."""

    def __init__(self, home: Path, *, protocol: int = PROTOCOL) -> None:
        self.home, self.protocol = home, protocol
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        command = [sys.executable, "-c", SPEAKING.format(self.protocol), "serve", "--home", str(self.home)]
        command += ["--cache", str(self.home / "cache"), "--logs", str(self.home / "logs")]
        log = self.home.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        log.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        self.process.wait(20)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    daemon = Serve(tmp_path / "home ö")
    yield daemon
    daemon.stop()


def in_journal(home: Path) -> list[tuple[str, list[float]]]:
    """Label and starts of what is kept, as the journals say."""
    sessions = []
    for path in (home / "journals").rglob("*.jsonl"):
        header, lines = read_journal(path)
        state = fold(line.event for line in lines)
        sessions.append((state.label, sorted(span.start_s + header.origin_s for _, span in state.accepted_regions)))
    return sessions


class Session:
    """A REAPER with the song, up to the first candidate."""

    def __init__(self, serve: Serve, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.serve = serve
        environment = {"REATRIEVE_HOME": str(serve.home)}
        self.reaper = Reaper(home=folder / "reaper", environment=environment, tick_hz=100.0, **options)
        self.reaper.set_ext_state("ReaTrieve", "audition", "no", persist=True)
        self.project = self.reaper.project
        self.track = self.project.add_track("music")
        self.track.add_item(song(folder / "Lied größer.wav"))
        self.project.select_time(TIMES_S[0], TIMES_S[0] + LENGTH_S)
        self.reaper.until(lambda: read_info(serve.home), 60)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.reaper.close()
        if kind is None:
            assert self.reaper.errors == []
            assert self.reaper.misuse == []
            assert not [line for line in self.reaper.status.help_history if "error at" in line]

    def run(self, verb: str) -> None:
        self.reaper.run(ACTIONS[verb])

    def until(self, condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
        return self.reaper.until(condition, timeout_s)

    def candidate(self) -> Any:
        return next((region for region in self.project.regions if region.name.startswith("? ")), None)

    def accepted(self) -> list[float]:
        return [region.start_s for region in self.project.regions if not region.name.startswith("? ")]

    def find(self) -> None:
        self.run("find")
        self.until(self.candidate)

    def answer(self, verb: str) -> Any:
        """Answer, and wait for the next candidate, which is given."""
        before = self.candidate().guid
        self.run(verb)
        self.until(lambda: self.candidate() is not None and self.candidate().guid != before)
        return self.candidate()

    def is_right(self) -> bool:
        start_s = self.candidate().start_s
        return any(abs(start_s - time_s) < LENGTH_S / 2 for time_s in TIMES_S)

    def line(self) -> str:
        return self.reaper.status.help_line


def assert_told(s: Session, scripts: int, daemon: int) -> None:
    """Find says which side to update, and how; nothing else happens."""
    s.run("find")
    s.until(lambda: "protocol" in s.line())
    assert f"daemon {__version__} speaks protocol {daemon}, script " in s.line()
    if scripts < daemon:
        how = "update the scripts (reatrieve install, or ReaPack > Synchronize packages)"
    else:
        how = f"update the daemon and start it again ({this_installation().updating()})"
    assert s.line().endswith(f" protocol {scripts}: {how}")
    assert s.project.regions == []
    assert not in_journal(s.serve.home)


@pytest.mark.slow
@pytest.mark.parametrize("sockets", ["python", "none"])
@pytest.mark.parametrize("step", [-1, 1], ids=["older", "newer"])
def test_a_daemon_of_another_protocol_names_what_to_update(tmp_path: Path, step: int, sockets: str) -> None:
    serve = Serve(tmp_path / "home ö", protocol=PROTOCOL + step)
    try:
        with Session(serve, tmp_path, sockets=sockets) as s:
            assert_told(s, PROTOCOL, PROTOCOL + step)
    finally:
        serve.stop()


@pytest.mark.slow
@pytest.mark.parametrize("sockets", ["python", "none"])
@pytest.mark.parametrize("step", [-1, 1], ids=["older", "newer"])
def test_scripts_of_another_protocol_name_what_to_update(serve: Serve, tmp_path: Path, step: int, sockets: str) -> None:
    scripts = shutil.copytree(scripts_folder(), tmp_path / "scripts")
    messages = scripts / "lib" / "messages.lua"
    text = messages.read_text(encoding="utf-8")
    assert text.count(f"messages.PROTOCOL = {PROTOCOL}\n") == 1
    messages.write_text(
        text.replace(f"messages.PROTOCOL = {PROTOCOL}\n", f"messages.PROTOCOL = {PROTOCOL + step}\n"), encoding="utf-8"
    )
    with Session(serve, tmp_path, sockets=sockets, scripts=scripts) as s:
        assert_told(s, PROTOCOL + step, PROTOCOL)


@pytest.mark.slow
@pytest.mark.parametrize("sockets", ["python", "none"])
def test_what_decides_the_rest_is_asked_and_then_the_rest_accepted(serve: Serve, tmp_path: Path, sockets: str) -> None:
    with Session(serve, tmp_path, version="7.72", sockets=sockets) as s:
        s.find()
        s.reaper.answer("no")  # to the list; to ask first
        first = s.candidate().start_s
        s.run("accept_rest")
        s.until(lambda: s.reaper.dialogs and s.candidate().start_s != first)
        assert "not clear yet where they end" in s.reaper.dialogs[0].text
        answers = 0
        while "it is clear now" not in " ".join(s.reaper.status.help_history):
            s.answer("accept" if s.is_right() else "reject")
            answers += 1
        assert answers < 6
        s.reaper.answer("yes")
        points = len(s.project.model.history.texts)
        s.run("accept_rest")
        s.until(lambda: len(s.accepted()) == len(TIMES_S))
        assert len(s.project.model.history.texts) == points + 1
        assert all(min(abs(start_s - time_s) for time_s in TIMES_S) < 0.02 for start_s in s.accepted())
        assert not s.reaper.errors


@pytest.mark.slow
@pytest.mark.parametrize(("sockets", "version"), [("python", "6.83"), ("none", "7.72")])
def test_what_was_prepared_is_not_analysed_again(serve: Serve, tmp_path: Path, sockets: str, version: str) -> None:
    """Also by a daemon that was killed in between, and while an earlier session is answered."""

    def log() -> str:
        return (serve.home / "logs" / "daemon.log").read_text(encoding="utf-8")

    def entries() -> int:
        return len(list((serve.home / "cache" / "analysis").glob("*[0-9a-f]")))

    with Session(serve, tmp_path, version=version, sockets=sockets) as s:
        s.project.select_time(0.0, 0.0)
        s.run("window")
        s.project.select_time(TIMES_S[0], TIMES_S[0] + LENGTH_S)
        s.until(lambda: "analysis of 30.0 s by default took" in log())
        s.until(entries)
        assert "find" not in log()
        s.find()
        assert s.is_right()
        assert log().count("analysis of 30.0 s by default took") == 1
        assert "analysis of 30.0 s by default: cached" in log()

        other = s.project.add_track("other")
        other.add_item(song(tmp_path / "zwei.wav"), 0.5, 29.0)
        other.select()
        s.project.select_time(TIMES_S[1] + 0.5, TIMES_S[1] + 0.5 + LENGTH_S)
        for _ in range(4):  # the first sound is answered meanwhile
            s.answer("accept" if s.is_right() else "reject")
            s.reaper.tick(20)
        s.until(lambda: entries() == 2)
        serve.kill()
        serve.start()
        before = len(log())
        s.until(lambda: "cached" in log()[before:])  # prepared again, by the new one
        s.run("find")
        s.until(lambda: log()[before:].count("find 'Sound 2'") == 1)
        s.until(lambda: any(region.name.startswith("? Sound 2") for region in s.project.regions))
        assert "took" not in log()[before:]


@pytest.mark.slow
@pytest.mark.parametrize(("sockets", "version"), [("python", "7.72"), ("none", "6.83")])
def test_a_whole_session(serve: Serve, tmp_path: Path, sockets: str, version: str) -> None:
    with Session(serve, tmp_path, version=version, sockets=sockets) as s:
        s.find()
        right = 0
        for _ in range(4):
            right += s.is_right()
            s.answer("accept" if s.is_right() else "reject")
        assert right == 4
        assert len(s.accepted()) == 5

        s.project.undo()
        s.until(lambda: len(s.accepted()) == 4)
        s.project.redo()
        s.until(lambda: len(s.accepted()) == 5 and s.candidate())

        start_s = s.candidate().start_s  # dragged edges
        s.candidate().move(start_s + 0.02, start_s + LENGTH_S - 0.02)
        s.answer("accept")
        assert pytest.approx(start_s + 0.02) in s.accepted()

        serve.kill()
        s.run("skip" if s.is_right() else "reject")
        s.reaper.tick(20)
        s.run("reject")
        serve.start()
        s.until(lambda: "-9" in s.candidate().name or "-8" in s.candidate().name, 90)
        assert len(s.accepted()) == 6

        accepted = next(region for region in s.project.regions if region.name == "Sound 1-2")
        accepted.delete()
        s.reaper.tick(10)
        s.reaper.run(UNDO)
        s.reaper.tick(10)
        next(region for region in s.project.regions if region.name == "Sound 1-2").move(accepted.start_s + 0.03)
        s.reaper.tick(10)

        s.reaper.answer(["Zirp"])
        s.run("rename")
        s.until(lambda: s.candidate().name.startswith("? Zirp"))
        s.reaper.set_ext_state("ReaTrieve", "anchor", "peak", persist=True)
        s.run("convert")
        s.until(lambda: len(s.project.markers) == 6, 60)
        assert all(marker.name.startswith("Zirp_0") for marker in s.project.markers)
        s.reaper.answer([str(tmp_path / "out"), "json", "source", "", "0", "no"])
        s.run("export")
        s.until(lambda: list((tmp_path / "out").glob("*.sync.json")), 60)
        s.until(lambda: "1 file in" in s.line())  # said after the file is there
        s.run("finish")
        s.until(lambda: s.candidate() is None)
        s.reaper.tick(30)
        assert "finished" in s.line()
        assert in_journal(serve.home) == [("Zirp", pytest.approx(s.accepted()))]


@pytest.mark.slow
@pytest.mark.parametrize(("sockets", "version"), [("python", "7.72"), ("none", "6.83")])
def test_a_relinked_and_cut_track_is_found_again(serve: Serve, tmp_path: Path, sockets: str, version: str) -> None:
    """The file is moved away and relinked, the item cut: the answers go on, also after a reopening, and undo."""
    with Session(serve, tmp_path, version=version, sockets=sockets) as s:
        s.project.save(tmp_path / "song.rpp")
        s.find()
        for _ in range(3):
            s.answer("accept" if s.is_right() else "reject")
        before = s.accepted()
        guids = {region.guid for region in s.project.regions if not region.name.startswith("? ")}
        s.project.save(tmp_path / "song.rpp")
        s.reaper.tick(10)
        s.project.close()
        serve.kill()
        serve.start()
        moved = tmp_path / "fort" / "Lied.wav"
        moved.parent.mkdir()
        (tmp_path / "Lied größer.wav").rename(moved)
        s.project = s.reaper.open(tmp_path / "song.rpp")
        s.until(lambda: "relink the item in REAPER and run Find again (its answers are kept)" in s.line(), 90)
        item = s.project.tracks[0].items[0]
        item.model.takes[0].source = FileSource(moved)
        item.set(D_LENGTH=28.0)
        s.project.tracks[0].select()
        s.reaper.tick(10)
        s.project.select_time(before[1], before[1] + LENGTH_S)
        s.reaper.answer("yes")
        s.run("find")
        s.until(lambda: "Find Sound 1 again" in " ".join(s.project.model.history.texts))
        s.until(s.candidate)
        assert s.accepted() == pytest.approx(before)
        assert {region.guid for region in s.project.regions if not region.name.startswith("? ")} == guids
        assert s.is_right()
        s.answer("accept")
        assert len(s.accepted()) == len(before) + 1
        s.reaper.run(UNDO)
        s.until(lambda: len(s.accepted()) == len(before))
        s.reaper.run(REDO)
        s.until(lambda: len(s.accepted()) == len(before) + 1)
        s.project.save(tmp_path / "song.rpp")
        s.reaper.tick(20)
        kept = s.accepted()
        s.project.close()
        s.reaper.tick(5)
        boxes = len(s.reaper.dialogs)
        s.project = s.reaper.open(tmp_path / "song.rpp")
        s.until(lambda: "ready to go on" in s.line())
        assert s.accepted() == pytest.approx(kept)
        assert len(s.reaper.dialogs) == boxes
        s.run("convert")
        s.until(lambda: len(s.project.markers) == len(kept))


@pytest.mark.slow
def test_accept_all_and_reopening(serve: Serve, tmp_path: Path) -> None:
    with Session(serve, tmp_path) as s:
        s.find()
        for _ in range(3):
            s.answer("accept" if s.is_right() else "reject")
        s.project.save(tmp_path / "song.rpp")
        s.reaper.tick(10)
        s.reaper.answer("yes")
        s.run("accept_rest")
        s.until(lambda: s.reaper.dialogs)
        before = len(s.accepted())
        s.until(lambda: len(s.accepted()) > before or "nothing at or above" in s.line())
        kept = s.accepted()
        s.reaper.tick(20)
        s.project.close()
        s.reaper.tick(5)
        s.reaper.answer("yes")
        s.project = s.reaper.open(tmp_path / "song.rpp")
        s.until(lambda: len(s.reaper.dialogs) == 2)
        s.until(lambda: s.accepted() == kept)


@pytest.mark.slow
def test_undo_of_what_shows_nothing_and_of_another_run_of_the_script(serve: Serve, tmp_path: Path) -> None:
    def states() -> tuple[list[str], str | None]:
        (path,) = (serve.home / "journals").rglob("*.jsonl")
        state = fold(line.event for line in read_journal(path)[1])
        return [one.state for one in state.candidates.values()], state.over

    with Session(serve, tmp_path) as s:
        s.find()
        s.project.save(tmp_path / "song.rpp")
        s.answer("accept")
        s.run("clear")
        s.until(lambda: s.candidate() is None)
        s.run("finish")
        s.until(lambda: states()[1] == "finished")
        s.reaper.run(UNDO)  # of Clear, with which the search was finished
        s.until(lambda: states() == (["accepted", "candidate"], None) and s.candidate())
        s.reaper.run(REDO)
        s.until(lambda: states()[1] == "finished")
        s.reaper.run(UNDO)
        s.until(lambda: states() == (["accepted", "candidate"], None) and s.candidate())
        s.answer("accept")
        s.run("previous")
        s.run("reject")
        s.until(lambda: states()[0] == ["accepted", "rejected", "candidate"])
        s.reaper.stop("ReaTrieve_Client.lua")
        s.reaper.run("ReaTrieve_Client.lua")
        s.until(lambda: "ready to go on" in s.line())
        s.reaper.run(UNDO)
        s.until(lambda: states()[0] == ["accepted", "accepted", "candidate"])
        assert len(s.accepted()) == 3


@pytest.mark.slow
def test_what_the_daemon_decodes_is_what_the_accessor_gives(serve: Serve, tmp_path: Path) -> None:
    """Items of every kind, each probed: the only one that is rendered is the one that no map can describe."""
    with Session(serve, tmp_path) as s:
        y, rate_hz = soundfile.read(tmp_path / "Lied größer.wav")
        stereo = np.stack([y, 0.3 * np.roll(y, 99)], 1)
        kinds: list[tuple[str, np.ndarray, dict[str, Any]]] = [
            ("a.flac", y, {}),
            ("b.ogg", y, {}),
            ("c.mp3", y, {}),
            ("d.wav", y, {"rate": 1.3}),
            ("e.wav", y, {"reverse": True}),
            ("f.wav", y, {"section": (4.0, 10.0), "reverse": True}),
            ("g.wav", y, {"section": (1.0, 4.0), "loop": True}),
            ("h.wav", y, {"offset_s": 3.2, "gain": 0.5, "take_gain": -1.0}),
            ("i.wav", stereo, {"channel_mode": 4}),
            ("j.wav", stereo, {"channel_mode": 2, "pan": -0.5}),
            ("k.aiff", y, {"fade_in_s": 2.0, "fade_out_s": 1.0}),
        ]
        position_s = 31.0
        for name, samples, how in kinds:
            soundfile.write(tmp_path / name, samples, rate_hz)
            s.track.add_item(tmp_path / name, position_s, 6.0, **how)
            position_s += 6.5
        s.track.add_item(tmp_path / "d.wav", position_s, 1.0, rate=1.1, preserve_pitch=True)
        s.find()
        assert len(list((serve.home / "renders").iterdir())) == 1
        assert s.is_right() or s.candidate().start_s > 30.0


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.parametrize(("interpreter", "version"), [("lua5.3", "6.83"), ("lua5.4", "7.72")])
def test_real_interpreters_with_the_real_luasocket(
    serve: Serve, tmp_path: Path, interpreter: str, version: str
) -> None:
    probe = [interpreter, "-e", 'require("socket.core")']
    if shutil.which(interpreter) is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        assert os.environ.get("CI") != "true", f"{interpreter} with LuaSocket is not installed"
        pytest.skip(f"{interpreter} with LuaSocket is not installed")
    with Session(serve, tmp_path, version=version, engine=interpreter, sockets="machine") as s:
        s.reaper.set_ext_state("ReaTrieve", "carrier", "udp", persist=True)
        s.find()
        for _ in range(3):
            assert s.is_right()
            s.answer("accept")
        assert not list((serve.home / "spool").glob("*/*/*"))  # all went by UDP
        s.reaper.run(UNDO)
        s.until(lambda: len(s.accepted()) == 3)
        s.reaper.run(REDO)
        s.until(lambda: len(s.accepted()) == 4 and s.candidate())


@pytest.mark.slow
@pytest.mark.peer
def test_a_controller_by_liblo(serve: Serve, tmp_path: Path) -> None:
    if shutil.which("oscsend") is None:
        assert os.environ.get("CI") != "true", "oscsend is not installed"
        pytest.skip("oscsend is not installed")
    with Session(serve, tmp_path) as s:
        s.find()
        info = read_info(serve.home)
        assert info is not None
        first = s.candidate()
        subprocess.run(["oscsend", "127.0.0.1", str(info.port), "/reatrieve/accept", "s", info.token], check=True)
        s.until(lambda: s.candidate() is not None and s.candidate().guid != first.guid)
        assert len(s.accepted()) == 2
        subprocess.run(["oscsend", "127.0.0.1", str(info.port), "/reatrieve/reject", "s", "wrong"], check=True)
        s.reaper.tick(30)
        assert len(s.accepted()) == 2
        subprocess.run(["oscsend", "127.0.0.1", str(info.port), "/reatrieve/undo", "s", info.token], check=True)
        s.until(lambda: len(s.accepted()) == 1)
