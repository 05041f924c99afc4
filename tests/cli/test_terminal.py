"""``reatrieve find`` at a real terminal (60 columns), and what is played, written, found again and refused there."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from reatrieve import files
from reatrieve.audio.soundness import cut_off, cut_off_note, length_s, refuse_not_numbers
from reatrieve.audio.trackmap import TrackMap
from reatrieve.cli import main
from reatrieve.cli.listening import Listening
from reatrieve.errors import AudioError
from reatrieve.journal import read_journal
from reatrieve.session.events import Finished
from reatrieve.session.spans import Span
from reatrieve.session.state import fold
from reatrieve.synth import write_dataset
from signals import noise, repeats, write_sound

LIMIT_S = 180.0


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "my song.wav", repeats([1.0, 4.0, 8.5], rate_hz=22050, duration_s=12.0), 22050)


class Typist:
    """A process at a pseudo-terminal, and somebody who waits for a text before typing the next line."""

    def __init__(self, words: list[str], *, module: bool = True) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "COLUMNS": "60", "LINES": "30", "TERM": "xterm", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, *(["-m", "reatrieve"] if module else []), *words],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True,
        )  # fmt: skip
        os.close(theirs)
        self.screen = ""
        self._seen = 0

    def wait_for(self, text: str) -> None:
        """Read until ``text`` comes, after what was waited for before."""
        end_s = time.monotonic() + LIMIT_S
        while text not in self.screen[self._seen :]:
            assert select.select([self._ours], [], [], max(0.0, end_s - time.monotonic()))[0], self.screen
            self._read()
        self._seen = self.screen.index(text, self._seen) + len(text)

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def end(self) -> int:
        """Read the rest; the exit status."""
        with contextlib.suppress(OSError, EOFError):  # the other side is closed
            while True:
                self._read()
        os.close(self._ours)
        return self.process.wait(LIMIT_S)

    def _read(self) -> None:
        found = os.read(self._ours, 65536)
        if not found:
            raise EOFError
        self.screen += found.decode("utf-8", errors="replace").replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_a_session_at_a_terminal_of_60_columns_and_the_same_place_again(song: Path, tmp_path: Path) -> None:
    words = ["find", str(song), "--start", "1", "--end", "1.5"]
    one = Typist(words)
    prompt = "y/n/s/? "
    one.wait_for("loading ...")
    assert one.screen.startswith("loading ...")
    one.wait_for(prompt)
    one.type("?")
    one.wait_for(prompt)
    for promised in ("y START END", "finish the session", "play it", "undo the last answer"):
        assert promised in one.screen
    one.type("p")
    one.wait_for(".wav")
    one.wait_for(prompt)
    one.type("y 1.1 1.4")
    one.wait_for("not taken: the edges of candidate 1 lie apart from the place that was proposed")
    one.wait_for("proposed: 0:0")
    one.wait_for(prompt)
    one.type("y")
    one.wait_for(prompt)
    one.type("f")
    assert one.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", one.screen), "NO_COLOR"
    prompts = [line for line in one.screen.replace("\r", "\n").splitlines() if prompt in line]
    assert prompts
    assert all(len(line[: line.index(prompt)] + prompt) < 60 for line in prompts)
    (journal,) = (tmp_path / "home" / "journals").iterdir()
    events = [line.event for line in read_journal(journal)[1]]
    assert isinstance(events[-1], Finished)
    assert fold(events).accepted == 1

    again = Typist(words)
    again.wait_for("1 accepted of 1 answer, finished")
    again.wait_for("go on with that session? Y/n (n begins another) ")
    again.type("maybe")
    again.wait_for("type y or n, then Enter")
    again.wait_for("go on with that session? Y/n ")
    again.type("y")
    again.wait_for("this session was finished; find --new begins another")
    again.wait_for("+ goes on, u takes the last answer back, q ends: ")
    again.type("?")
    again.wait_for("q ends: ")
    assert "that is the sound" not in again.screen  # only what can be typed now
    again.type("u")
    again.wait_for(prompt)
    again.type("q")
    assert again.end() == 0
    assert list((tmp_path / "home" / "journals").iterdir()) == [journal]
    assert fold(line.event for line in read_journal(journal)[1]).answers == 0


INTERRUPTED = """
import runpy, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv = ["reatrieve", *{words!r}]
runpy.run_module("reatrieve", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("stage", ["decode", "analyse"])
def test_ctrl_c_while_a_file_is_read_ends_cleanly_and_leaves_nothing(stage: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    y = 0.1 * rng.standard_normal(44100 * 240).astype(np.float32)
    path = write_sound(tmp_path / "long.flac", y, 44100)
    one = Typist(["find", str(path), "--start", "1", "--end", "1.5", "--no-cache"])
    one.wait_for(stage)
    os.kill(one.process.pid, signal.SIGINT)
    assert one.end() == 130
    assert "stopped: nothing was answered; no session is kept" in one.screen
    assert "Traceback" not in one.screen
    assert "nanobind" not in one.screen
    assert not list((tmp_path / "home" / "journals").glob("*"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("command", ["doctor", "synth", "export", "evaluate"])
def test_what_takes_long_shows_a_bar_in_60_columns_and_nothing_of_it_in_a_pipe(command: str, tmp_path: Path) -> None:
    assert write_dataset(tmp_path / "set", n_songs=1, preset="easy", duration_s=40.0, codec="wav")
    audio = next((tmp_path / "set" / "audio").iterdir())
    (tmp_path / "regions.csv").write_text("Name,Start,End\nriser,1.0,2.0\n", encoding="utf-8")
    words = {
        "doctor": ["doctor"],
        "synth": ["synth", str(tmp_path / "made"), "--songs", "1", "--duration", "40"],
        "export": ["export", "--regions", str(tmp_path / "regions.csv"), "--audio", str(audio), "--out", str(tmp_path)],
        "evaluate": ["evaluate", str(tmp_path / "set"), "--examples", "1", "--budget", "1"],
    }[command]
    one = Typist(words)
    status = one.end()
    bar = {"doctor": "checking", "synth": "making songs", "export": "exporting", "evaluate": "sessions"}[command]
    assert re.search(rf"{bar} .*\d %", one.screen), one.screen
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", one.screen), "NO_COLOR"
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", one.screen).replace("\r", "\n")
    long = [line for line in plain.splitlines() if len(line) > 60 and str(tmp_path) not in line and " " in line.strip()]
    assert not long

    shutil.rmtree(tmp_path / "made", ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "reatrieve", *words, *(["--force"] if command == "export" else [])],
        capture_output=True, text=True, check=False, env=environment, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == status
    assert "\x1b" not in done.stdout + done.stderr
    assert "━" not in done.stdout + done.stderr
    if command == "doctor":  # Setup reads it so
        assert all(re.match(r"(OK|DO|--)  ", line) for line in done.stdout.splitlines())


NOTED = """
import logging, sys, time
from reatrieve.cli import main
from reatrieve.cli import {command} as command

def run(args):
    from reatrieve.cli.terminal import {bars} as bars
    with bars("working") as told:
        time.sleep(0.3)
        logging.getLogger("reatrieve").warning("the cache cannot be written")
        time.sleep(0.3)
    return 0

command.run = run
sys.exit(main(["synth", "x"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("bars", ["progress_bar", "stage_bars"])
def test_a_note_stands_above_the_bar_that_runs(bars: str, tmp_path: Path) -> None:
    one = Typist(["-c", NOTED.format(command="synth", bars=bars)], module=False)
    assert one.end() == 0
    assert rows_of(one.screen) == ["reatrieve: note: the cache cannot be written"], one.screen


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_a_note_of_a_search_leaves_no_bar_behind(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "file" / "cache"))
    one = Typist(["find", str(song), "--start", "1", "--end", "1.5"])
    one.wait_for("y/n/s/? ")
    one.type("q")
    assert one.end() == 0
    rows = rows_of(one.screen)
    assert any(row.startswith("reatrieve: note: ") for row in rows), rows
    assert not [row for row in rows if "━" in row], rows
    assert all(row.startswith("reatrieve: note: ") for row in rows if "note: " in row), rows


def rows_of(screen: str) -> list[str]:
    """What stands on the terminal's rows in the end, but for empty ones."""
    rows, at, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|[\n\r]|[^\x1b\n\r]+", screen):
        if part == "\n":
            at, column = at + 1, 0  # a pseudo-terminal's line ends come as one
            rows += [""] * (at + 1 - len(rows))
        elif part == "\r":
            column = 0
        elif part == "\x1b[2K":
            rows[at] = ""
        elif match := re.fullmatch(r"\x1b\[(\d*)A", part):
            at = max(0, at - int(match[1] or 1))
        elif not part.startswith("\x1b"):
            rows[at] = rows[at][:column].ljust(column) + part + rows[at][column + len(part) :]
            column += len(part)
    return [row.rstrip() for row in rows if row.strip()]


@pytest.mark.parametrize("name", ["reatrieve.cli", "argparse", "reatrieve.cli.synth", "scipy.signal"])
def test_ctrl_c_during_any_import_says_nothing(name: str, tmp_path: Path) -> None:
    program = INTERRUPTED.format(name=name, words=["synth", str(tmp_path / "set")])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("name", ["reatrieve.settings", "scipy.fft", "rich.console"])
def test_ctrl_c_while_find_loads_says_nothing(
    name: str, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "a b.jsonl"
    words = ["find", str(song), "--start", "1", "--end", "1.5"]
    assert find(monkeypatch, *words[1:], "--journal", journal) == 0
    for wanted in (words, [*words, "--json"], ["find", "--resume", str(journal), "--budget", "20"]):
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED.format(name=name, words=wanted)],
            capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert [path.name for path in (tmp_path / "home").rglob("*.jsonl")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups that hear Ctrl+C, nor pseudo-terminals")
def test_ctrl_c_at_the_question_of_an_earlier_session_is_told(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["find", str(song), "--start", "1", "--end", "1.5"]
    assert find(monkeypatch, *words[1:], typed="y\nq\n") == 0
    one = Typist(words)
    one.wait_for("go on with that session? Y/n ")
    os.kill(one.process.pid, signal.SIGINT)
    assert one.end() == 130
    assert one.screen.endswith("\nstopped: nothing was answered; no session is kept\n")


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups that hear Ctrl+C")
def test_ctrl_c_ends_an_evaluation_in_several_processes_without_a_word(tmp_path: Path) -> None:
    assert write_dataset(tmp_path / "set", n_songs=4, preset="easy", duration_s=40.0, codec="wav")
    words = ["evaluate", str(tmp_path / "set"), "--jobs", "2", "--results", str(tmp_path / "results")]
    one = subprocess.Popen(
        [sys.executable, "-m", "reatrieve", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    kept = tmp_path / "results" / "sessions.jsonl"
    end_s = time.monotonic() + LIMIT_S
    while not kept.is_file() or not kept.stat().st_size:  # the workers are at the next ones
        assert one.poll() is None, one.communicate()
        assert time.monotonic() < end_s
        time.sleep(0.01)
    os.killpg(one.pid, signal.SIGINT)  # the terminal tells all processes of a command
    assert (*one.communicate(timeout=LIMIT_S), one.returncode) == ("", "", 130)


def test_a_warning_of_another_thread_waits_for_the_answer(
    song: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Lines(io.StringIO):
        def readline(self, size: int = -1) -> str:  # type: ignore[override]
            said = [record.getMessage() for record in caplog.records]
            assert said == [f"told {number}" for number in range(len(said))]
            warn = logging.getLogger("reatrieve.audio.cache").warning
            waiting = threading.Thread(target=warn, args=(f"told {len(said)}",))
            waiting.start()
            waiting.join()
            assert len(caplog.records) == len(said)
            return super().readline(size)

    monkeypatch.setattr("sys.stdin", Lines("y\na 0\nn\nq\n"))
    assert main(["find", str(song), "--start", "1", "--end", "1.5"]) == 0
    assert len(caplog.records) > 2


def find(monkeypatch: pytest.MonkeyPatch, *words: object, typed: str = "", terminal: bool = False) -> int:
    class Lines(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setattr("sys.stdin", Lines(typed))
    return main(["find", *map(str, words)])


def test_in_a_pipe_the_same_place_again_is_a_sentence_and_new_is_silent(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = (song, "--start", "1", "--end", "1.5")
    assert find(monkeypatch, *words, typed="y\nq\n") == 0
    assert "searched before" not in capsys.readouterr().out
    (journal,) = (tmp_path / "home" / "journals").iterdir()
    assert find(monkeypatch, song, "--start", "1.1", "--end", "1.6", "--out", tmp_path / "o") == 0
    out = capsys.readouterr().out
    assert f"go on with that by: reatrieve find --resume {journal} --out {tmp_path / 'o'}\n" in out
    assert "--new begins anew" in out
    assert find(monkeypatch, *words, "--new") == 0
    assert find(monkeypatch, song, "--start", "4", "--end", "4.5") == 0
    assert "searched before" not in capsys.readouterr().out
    assert find(monkeypatch, *words, typed="n\nq\n", terminal=True) == 0
    assert "go on with that session? Y/n " in capsys.readouterr().out
    assert len(list((tmp_path / "home" / "journals").iterdir())) == 2  # the three without an answer left none


def test_another_sound_of_a_file_gets_another_name(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def label() -> str:
        folder = tmp_path / "home" / "journals"
        newest = max(folder.iterdir(), key=lambda path: read_journal(path)[0].created_s)
        return fold(line.event for line in read_journal(newest)[1]).label

    assert find(monkeypatch, song, "--start", "1", "--end", "1.5", typed="y\nq\n") == 0
    assert label() == "Sound 1"
    assert find(monkeypatch, song, "--start", "4", "--end", "4.5", typed="n\nq\n") == 0
    assert label() == "Sound 2"
    assert find(monkeypatch, song, "--start", "1", "--end", "1.5", "--new", typed="y\nq\n") == 0
    assert label() == "Sound 1"  # the same place
    assert find(monkeypatch, song, "--start", "6", "--end", "6.5", typed="q\n") == 0
    assert label() == "Sound 3"  # kept, though nothing was answered
    assert find(monkeypatch, song, "--start", "8.5", "--end", "9", "--new", typed="y\nq\n") == 0
    assert label() == "Sound 4"
    capsys.readouterr()
    one = next((tmp_path / "home" / "journals").iterdir())
    assert main(["export", str(one), "--to", "json", "--out", str(tmp_path / "o")]) == 0
    assert "two sounds" not in capsys.readouterr().out


def test_two_sounds_of_one_name_are_told_by_export(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    for start, path, typed in (("1", one, "y\nq\n"), ("4", two, "q\n")):  # they share no place
        words = ("--start", start, "--end", f"{start}.5", "--label", "zap", "--journal", path)
        assert find(monkeypatch, song, *words, typed=typed) == 0
    assert main(["export", str(one), str(two), "--to", "json", "--out", str(tmp_path / "o")]) == 0
    said = capsys.readouterr()
    assert 'two sounds are called "zap"' in said.out + said.err
    assert f"reatrieve find --resume {two} --label NAME" in said.out + said.err


def test_a_resumed_session_takes_a_label_and_no_smaller_budget_and_says_where_the_file_is_missing(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    journal = tmp_path / "j.jsonl"
    assert find(monkeypatch, song, "--start", "1", "--end", "1.5", "--journal", journal) == 0
    assert find(monkeypatch, "--resume", journal, "--label", "zap") == 0
    assert fold(line.event for line in read_journal(journal)[1]).label == "zap"
    capsys.readouterr()
    assert find(monkeypatch, "--resume", journal, "--budget", "3") == 2
    assert "--budget 3 is below the session's 10" in capsys.readouterr().err
    song.unlink()
    assert find(monkeypatch, "--resume", journal) == 1
    assert "say where it is now: reatrieve find FILE --resume" in capsys.readouterr().err


def test_a_candidate_is_played_where_sounddevice_is_and_written_where_not(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[tuple[tuple[int, ...], int]] = []
    device = types.ModuleType("sounddevice")
    device.play = lambda y, rate_hz: played.append((y.shape, rate_hz))  # type: ignore[attr-defined]
    device.stop = lambda: played.clear()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    listening = Listening(TrackMap.of_file(song), "Tür: auf/zu", tmp_path / "hören")
    assert listening.play(7, Span(4.0, 4.5)) == ""
    assert played == [((22050, 2), 44100)]
    listening.stop()
    assert played == []

    def broken(y: object, rate_hz: int) -> None:
        raise RuntimeError("Error querying device -1")

    device.play = broken  # type: ignore[attr-defined]
    assert "not played: Error querying device -1" in listening.play(7, Span(4.0, 4.5))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    path = tmp_path / "hören" / "Tür_ auf_zu 007 at 0m04.000s.wav"
    assert listening.play(7, Span(4.0, 4.5)) == f"written to {path}"
    told = Listening(TrackMap.of_file(song), "Tür: auf/zu", tmp_path / "hören").play(7, Span(4.0, 4.5)).splitlines()
    assert told[0] == f"written to {path}"
    assert told[1].startswith("not played: sounddevice is not installed; install it with: ")
    assert soundfile.info(path).duration == pytest.approx(0.5)

    def no_library(name: str) -> None:
        raise OSError("PortAudio library not found")

    with monkeypatch.context() as patch:
        patch.setattr("importlib.import_module", no_library)
        said = Listening(TrackMap.of_file(song), "x", tmp_path / "hören").play(7, Span(4.0, 4.5))
    assert "not played: the PortAudio library, which sounddevice needs, is not installed" in said
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(AudioError, match="cannot be written"):
        Listening(TrackMap.of_file(song), "x", tmp_path / "taken").write(1, Span(4.0, 4.5))


def test_a_preview_takes_the_place_of_no_file_and_leaves_no_half_one(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a" / "preview"
    listening = Listening(TrackMap.of_file(song), "x", folder)
    path = listening.write(1, Span(4.0, 4.5))
    assert path.name == "x 001 at 0m04.000s.wav"
    content = path.read_bytes()
    path.write_bytes(b"of another song")
    again = listening.write(1, Span(4.0, 4.5))
    assert (again.name, again.read_bytes()) == ("x 001 at 0m04.000s (2).wav", content)
    assert path.read_bytes() == b"of another song"
    assert Listening(TrackMap.of_file(song), "x", folder).write(1, Span(4.0, 4.5)) == again
    assert len(list(folder.iterdir())) == 2

    def full(file: BinaryIO, content: bytes) -> None:
        file.write(content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(AudioError, match=r"x 002 at .*\.wav cannot be written \(No space left on device\)"):
        listening.write(2, Span(4.0, 4.5))
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(AudioError, match="cannot be written"):
        Listening(TrackMap.of_file(song), "x", tmp_path / "b" / "preview").write(1, Span(4.0, 4.5))
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("subtype", "bad", "sentence"),
    [
        ("FLOAT", [(22050, np.nan)], "holds NaN from 1.000 s on (1 sample)"),
        ("DOUBLE", [(0, np.inf), (5, np.nan)], "holds infinity from 0.000 s on (2 samples of 66150)"),
        ("FLOAT", [(66149, -np.inf)], "holds infinity from 3.000 s on (1 sample)"),
    ],
)
def test_samples_that_are_no_numbers(subtype: str, bad: list[tuple[int, float]], sentence: str, tmp_path: Path) -> None:
    y = noise(66150)
    for at, value in bad:
        y[at] = value
    soundfile.write(tmp_path / "a.wav", y, 22050, subtype=subtype)
    with pytest.raises(AudioError) as refused:
        refuse_not_numbers(tmp_path / "a.wav")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("ending", ["wav", "aiff", "mp3"])
def test_what_was_cut_off_is_noticed_and_what_is_whole_is_not(ending: str, tmp_path: Path) -> None:
    path = write_sound(tmp_path / f"a.{ending}", repeats([1.0], rate_hz=22050, duration_s=6.0), 22050)
    assert cut_off(path) is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    found = cut_off(path)
    assert found is not None
    assert found[0] == pytest.approx(6.0, abs=0.1)
    assert found[1] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    ("ending", "subtype", "promises"),
    [
        ("RF64", "PCM_24", True),
        ("W64", "PCM_24", True),
        ("W64", "ULAW", True),
        ("AU", "PCM_16", True),
        ("WAV", "MS_ADPCM", True),
        ("OGG", "VORBIS", False),
        ("OGG", "OPUS", False),
    ],
)
@pytest.mark.parametrize("name", ["a.wav", "a.sound"])
def test_less_usual_files_that_were_cut_off_are_noticed(
    ending: str, subtype: str, promises: bool, name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    soundfile.write(path, noise(6 * 48000), 48000, subtype=subtype, format=ending)
    assert cut_off(path) is None
    whole = path.read_bytes()
    length = soundfile.info(path).duration
    for share in (0.3, 0.5, 0.8):
        path.write_bytes(whole[: int(len(whole) * share)])
        found = cut_off(path)
        assert found is not None
        assert found.there_s == length_s(path) == pytest.approx(share * length, abs=1.5)  # a page of Opus
        assert found.promised_s == (pytest.approx(length, abs=0.2) if promises else None)
        assert f"a.{path.suffix[1:]} was cut off: its " in cut_off_note(path)


def test_a_streamed_wav_promises_nothing(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", noise(22050), 22050)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert cut_off(path) is None


def test_songs_that_are_interrupted_leave_nothing(tmp_path: Path) -> None:
    def interrupted(_done: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new" / "deep", tmp_path / "empty"):
        with pytest.raises(KeyboardInterrupt):
            write_dataset(folder, n_songs=2, preset="easy", duration_s=20.0, progress=interrupted)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", ">/dev/full", "| true"])
def test_closed_and_full_streams_end_without_a_traceback(closed: str, song: Path) -> None:
    command = f'"{sys.executable}" -m reatrieve find "{song}" --start 1 --end 1.5 {closed}'
    done = subprocess.run(["sh", "-c", command], input="", capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
