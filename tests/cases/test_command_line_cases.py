"""Command lines that a newcomer gets wrong: what is said should name the thing and the fix, in one sentence."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from faults import files_of_at_most
from reatrieve.audio.trackmap import TrackMap
from reatrieve.cli import main
from reatrieve.journal import Header, Journal, read_journal
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.spans import Span
from signals import noise, write_sound

MARKED = ("--start", "1.87", "--end", "3.13")


class Said(NamedTuple):
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The error as one line, however the terminal broke it."""
        return " ".join(self.err.split())


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line, without anything typed into it."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        try:
            status = main([str(one) for one in arguments])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        except Exception as error:
            raise AssertionError(f"a traceback: {error!r}") from error
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def journal(tmp_path: Path, bursts: Path) -> Path:
    """A session on the bursts, with one accepted place."""
    path = tmp_path / "riser.journal.jsonl"
    with Journal.create(path, Header("abc", TrackMap.of_file(bursts))) as made:
        made.append(Started(Span(1.87, 3.13), "riser", 10, "default"))
        made.append(Proposed(1, Span(7.87, 9.13), 1.0, 0.9, 1.0))
        made.append(Answered(1, "accept", Span(7.87, 9.13)))
    return path


# times ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", [("3", "1"), ("1", "1")])
@pytest.mark.parametrize("command", ["find", "demo"])
def test_an_end_before_the_start_is_told_as_that(
    say: Callable[..., Said], bursts: Path, tmp_path: Path, command: str, edges: tuple[str, str]
) -> None:
    file = (bursts,) if command == "find" else ("--audio", bursts, "--out", tmp_path / "demo")
    said = say(command, *file, "--start", edges[0], "--end", edges[1])
    assert said.status == 2
    assert re.search(r"\bend\b.*\b(before|after|behind)\b.*\bstart\b", said.sentence)
    assert "does not lie in the file" not in said.sentence


def test_seconds_of_a_clock_go_to_59(say: Callable[..., Said], bursts: Path) -> None:
    said = say("find", bursts, "--start", "1:75", "--end", "1:76")
    assert said.status == 2
    assert "59" in said.sentence
    assert "1:75" in said.sentence


def test_seconds_may_begin_with_the_point(say: Callable[..., Said], bursts: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    said = say("find", bursts, "--start", ".5", "--end", "1.5", "--journal", path)
    assert said.status == 0, said.err
    assert read_journal(path)[1][0].event.example == Span(0.5, 1.5)


def test_a_time_before_the_file_is_told_as_that(say: Callable[..., Said], bursts: Path) -> None:
    said = say("find", bursts, "--start", "-5", "--end", "1")
    assert said.status == 2
    assert re.search(r"before the (start|beginning) of the file", said.sentence)


# files in the way -----------------------------------------------------------------------------------------------------


def test_export_onto_existing_files_names_its_option(say: Callable[..., Said], journal: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert say("export", journal, "--out", out).status == 0
    said = say("export", journal, "--out", out, "--label", "other")
    assert said.status == 2
    assert "--force" in said.sentence


def test_find_onto_existing_files_tells_the_command_that_would_do(
    say: Callable[..., Said], journal: Path, bursts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "my files"
    out.mkdir()
    (out / "three bursts.sync.json").write_text('{"mine": true}', encoding="utf-8")
    said = say("find", bursts, *MARKED, "--out", out, "--journal", tmp_path / "s.jsonl")
    assert said.status == 2
    command = re.search(r"reatrieve export .*", said.sentence)
    assert command is not None
    assert "--force" in command[0]
    assert "my files" in command[0]
    assert "s.jsonl" in command[0]


def test_a_journal_that_exists_is_gone_on_with_by_resume(say: Callable[..., Said], journal: Path, bursts: Path) -> None:
    said = say("find", bursts, *MARKED, "--journal", journal)
    assert said.status != 0
    assert "--resume" in said.sentence


@pytest.mark.parametrize(
    "home",
    [
        "",
        pytest.param("/proc/reatrieve", marks=pytest.mark.skipif(sys.platform != "linux", reason="has no /proc")),
    ],
)
def test_a_home_that_cannot_be_written_is_named(
    say: Callable[..., Said], bursts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    if not home:
        home = str(tmp_path / "full house")
        Path(home).mkdir()
        (Path(home) / "journals").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("REATRIEVE_HOME", home)
    said = say("find", bursts, *MARKED)
    assert said.status != 0
    assert home in said.sentence
    assert "--journal" in said.sentence
    assert "[Errno" not in said.sentence


def test_a_preview_that_is_a_file_is_told(say: Callable[..., Said], bursts: Path, tmp_path: Path) -> None:
    (tmp_path / "preview").write_text("in the way", encoding="utf-8")
    said = say("find", bursts, *MARKED, "--preview", tmp_path / "preview")
    assert said.status != 0
    assert re.search(r"\b(not a|no) folder\b", said.sentence)
    assert (tmp_path / "preview").read_text(encoding="utf-8") == "in the way"


# names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("nmf", None),
        ("foo", None),
        ("papr", "paper"),
    ],
)
def test_an_unknown_retriever_gets_the_list_and_a_guess_only_when_near(
    say: Callable[..., Said], bursts: Path, name: str, guess: str | None
) -> None:
    said = say("find", bursts, *MARKED, "--retriever", name)
    assert said.status == 2
    for known in ("default", "paper", "mfcc-nn"):
        assert known in said.sentence
    assert ("did you mean" in said.sentence) == (guess is not None)
    assert guess is None or f"did you mean '{guess}'" in said.sentence


@pytest.mark.parametrize("text", ["zz", "abc123", 64 * "g"])
def test_what_is_no_sha256_is_told_as_that(say: Callable[..., Said], journal: Path, tmp_path: Path, text: str) -> None:
    said = say("export", journal, "--out", tmp_path / "out", "--audio-sha256", text)
    assert said.status == 2
    assert re.search(r"\b(no|not a) SHA-256\b", said.sentence)
    assert "changed" not in said.sentence


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--match", "a*"), "--match"),
        (("--audio-start", "5"), "--audio-start"),
        (("--to", "wwise", "--wwise-segment", ""), "--wwise-segment"),
    ],
)
def test_an_option_without_effect_is_refused(
    say: Callable[..., Said], journal: Path, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    said = say("export", journal, "--out", tmp_path / "out", *options)
    assert said.status == 2
    assert named in said.sentence
    assert not list(tmp_path.glob("out/*"))


def test_two_files_are_both_searched_or_told_to_be_one_at_a_time(say: Callable[..., Said], bursts: Path) -> None:
    said = say("find", bursts, bursts, *MARKED)
    assert said.status == 0 or re.search(r"\bone (sound |audio )?file\b", said.sentence)
    assert "usage: reatrieve [-h] [--version]" not in said.sentence


# sounds that are none -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "from_s",
    [
        0,
        2,
    ],
)
def test_samples_that_are_no_numbers_are_told(say: Callable[..., Said], tmp_path: Path, from_s: int) -> None:
    y = noise(6 * 22050)
    y[from_s * 22050 :] = np.nan
    path = tmp_path / "nan.wav"
    soundfile.write(path, y, 22050, subtype="FLOAT")
    said = say("find", path, "--start", "0.5", "--end", "1.5")
    assert said.status == 1
    assert "NaN" in said.sentence
    assert "silent" not in said.sentence
    assert re.search(rf"from (0:0)?{from_s}(\.0+)? ?s?\b", said.sentence)


def test_a_wav_that_was_cut_off_is_told(say: Callable[..., Said], bursts: Path, tmp_path: Path) -> None:
    whole = bursts.read_bytes()
    path = tmp_path / "cut.wav"
    path.write_bytes(whole[: round(0.7 * len(whole) / 18)])
    said = say("find", path, "--start", "0.1", "--end", "0.3")
    assert "Traceback" not in said.err
    assert re.search(r"\b18(\.0+)?\b", said.out + said.err)  # what the header promises
    assert re.search(r"\b0\.(7|70\d?|699)\b", said.out + said.err)  # what is there


def test_another_format_behind_the_ending_mp3_is_told(say: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0" + b"\0\0\0\x08free" + 500 * b"\0moov")
    said = say("find", path, "--start", "0.1", "--end", "0.3")
    assert said.status == 1
    assert "exist" not in said.sentence
    assert re.search(r"cannot be (read|decoded) as mp3", said.sentence)


def test_export_with_another_recording_tells_that_the_lengths_differ(
    say: Callable[..., Said], journal: Path, tmp_path: Path
) -> None:
    other = write_sound(tmp_path / "other.wav", noise(90 * 8000), 8000)
    said = say("export", journal, "--audio", other, "--out", tmp_path / "out")
    assert said.status != 0
    assert "--force" in said.sentence
    assert re.search(r"\b90(\.0+)? s", said.sentence)
    assert re.search(r"\b18(\.0+)? s", said.sentence)
    assert say("export", journal, "--audio", other, "--out", tmp_path / "out", "--force").status == 0


@pytest.mark.parametrize("name", ["plain.wav", "empty.txt"])
def test_nothing_to_convert_is_told(say: Callable[..., Said], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".wav":
        write_sound(path, noise(8000), 8000)
    else:
        path.write_bytes(b"")
    said = say("convert", path, tmp_path / "out.csv")
    assert said.status == 1
    assert "nothing to convert" in said.sentence
    assert not (tmp_path / "out.csv").exists()


# synth ----------------------------------------------------------------------------------------------------------------


def test_a_refused_duration_makes_nothing(say: Callable[..., Said], tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert say("synth", out, "--duration", "1", "--songs", "1").status == 2
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")
def test_synth_on_a_full_disk_tells_and_removes_what_it_wrote(say: Callable[..., Said], tmp_path: Path) -> None:
    with files_of_at_most(50_000):
        said = say("synth", tmp_path / "set", "--duration", "30", "--songs", "1", "--codec", "wav")
    assert said.status == 1
    assert re.search(r"full|space|written", said.sentence)
    assert not (tmp_path / "set").exists()


# Ctrl+C ---------------------------------------------------------------------------------------------------------------

INTERRUPTED = """
import runpy, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "librosa", "soundfile"):
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv = ["reatrieve"] + {arguments!r}
runpy.run_module("reatrieve", run_name="__main__")
"""
"""Ctrl+C, pressed while the command still imports what it needs."""


@pytest.mark.parametrize(
    "command",
    [
        "export",
        "synth",
        "find",
        "evaluate",
    ],
)
def test_ctrl_c_while_it_starts_ends_it_and_says_nothing(bursts: Path, command: str, tmp_path: Path) -> None:
    arguments = {"find": [str(bursts), *MARKED], "evaluate": [str(tmp_path)]}
    program = INTERRUPTED.format(arguments=[command, *arguments.get(command, [str(tmp_path / "a")])])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
