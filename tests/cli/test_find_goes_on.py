"""``reatrieve find``: which sessions are kept, and that the commands that go on with one, as printed, work."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.journal import Header, Journal, read_journal
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.search import Search
from reatrieve.session.spans import Span
from reatrieve.session.state import fold
from signals import noise, repeats, write_sound

MARKED = ("--start", 2, "--end", 2.5)
NOT_KEPT = "nothing was answered; no session is kept"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of journals."""
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / "journals"


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y = repeats([2.0, 5.5, 9.25, 14.0], rate_hz=22050, duration_s=16.0)
    return write_sound(tmp_path_factory.mktemp("songs") / "my song.flac", y, 22050)


def find(monkeypatch: pytest.MonkeyPatch, *args: object, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["find", *map(str, args)])


def command(said: str, before: str) -> list[str]:
    """The words of the command that stands behind these, without the program and its subcommand."""
    found = re.search(rf"{re.escape(before)}(reatrieve .*)$", said, re.MULTILINE)
    assert found is not None, said
    return shlex.split(found[1])[2:]


def test_the_command_that_goes_on_writes_the_sync_files_again(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes = ("--out", "Sync", "--to", "json,audacity,wav,audition")
    assert find(monkeypatch, song, *MARKED, *wishes, typed="y\nq\n") == 0
    again = command(capsys.readouterr().out, "go on with: ")
    sheet = tmp_path / "Sync" / "my song.sync.json"
    data = json.loads(sheet.read_text(encoding="utf-8"))
    assert len(data["events"]) == 2
    payload = sheet.read_text(encoding="utf-8").replace('"payload": ""', '"payload": "boom"', 1)
    sheet.write_text(payload, encoding="utf-8", newline="\n")  # documented to stay
    (tmp_path / "Sync" / "notes.txt").write_text("mine", encoding="utf-8")
    assert find(monkeypatch, *again, typed="y\nq\n") == 0
    assert f"wrote {sheet.relative_to(tmp_path)} (json)" in capsys.readouterr().out
    data = json.loads(sheet.read_text(encoding="utf-8"))
    assert len(data["events"]) == 3
    assert data["events"][0]["payload"] == "boom"
    assert len((tmp_path / "Sync" / "my song.labels.txt").read_text(encoding="utf-8").splitlines()) == 3
    assert not [path.name for path in (tmp_path / "Sync").iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("whose", ["a file that was changed by hand", "another session's events", "other options"])
def test_what_others_wrote_is_not_replaced_and_the_figures_are_printed(
    whose: str, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes = ("--out", "Sync", "--to", "json,audacity", "--json")
    assert find(monkeypatch, song, *MARKED, *wishes, typed="y\nq\n") == 0
    again = command(capsys.readouterr().err, "go on with: ")
    labels = tmp_path / "Sync" / "my song.labels.txt"
    if whose.startswith("a file"):
        labels.write_text("0.0\t1.0\tmine\n", encoding="utf-8")
    elif whose == "other options":
        chosen = ("--to", "json,audacity", "--out", "Sync", "--anchor", "peak", "--force")
        assert main(["export", again[1], *chosen]) == 0
        capsys.readouterr()
    else:
        sheet = tmp_path / "Sync" / "my song.sync.json"
        text = sheet.read_text(encoding="utf-8")
        sheet.write_text(
            re.sub(r'"source_region_id": "\w+:1"', '"source_region_id": "other:1"', text), encoding="utf-8"
        )
    before = {path: path.read_bytes() for path in (tmp_path / "Sync").iterdir()}
    assert find(monkeypatch, *again, typed="y\nq\n") == 2
    captured = capsys.readouterr()
    assert "the answers are kept" in captured.err
    figures = json.loads(captured.out)
    assert (figures["found"], figures["exported"]) == (2, [])
    assert {path: path.read_bytes() for path in (tmp_path / "Sync").iterdir()} == before


def test_without_the_sync_json_the_files_are_written_by_a_command_of_their_own(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(monkeypatch, song, *MARKED, "--out", "Sync", "--to", "audacity", typed="y\nq\n") == 0
    said = capsys.readouterr().out
    assert find(monkeypatch, *command(said, "go on with: "), typed="y\nq\n") == 0
    assert main(["export", *command(said, "then write the files by: ")]) == 0
    assert len((tmp_path / "Sync" / "my song.labels.txt").read_text(encoding="utf-8").splitlines()) == 3


def test_where_nothing_is_answered_nothing_is_exported_and_nothing_fails(
    song: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Sync").mkdir()
    (tmp_path / "Sync" / "my song.sync.json").write_text("mine", encoding="utf-8")
    assert find(monkeypatch, song, *MARKED, "--out", "Sync") == 0
    captured = capsys.readouterr()
    assert NOT_KEPT in captured.out
    assert "kept" not in captured.err
    assert not list(home.iterdir())


def test_ctrl_c_before_anything_is_typed_leaves_no_session(
    song: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: Search, *, deciding: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "speculate", interrupted)
    assert find(monkeypatch, song, *MARKED, typed="y\n") == 130
    said = capsys.readouterr().out
    assert f"stopped: {NOT_KEPT}" in said
    assert "--resume" not in said
    assert not list(home.iterdir())
    assert find(monkeypatch, song, *MARKED, "--journal", "named.jsonl") == 130
    assert command(capsys.readouterr().out, "stopped; go on with: ") == ["--resume", "named.jsonl"]


def test_what_fails_before_the_first_candidate_leaves_no_session(
    song: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = write_sound(tmp_path / "silent.wav", np.zeros(22050 * 4), 22050)
    assert find(monkeypatch, silent, *MARKED) != 0
    assert "silent" in capsys.readouterr().err
    assert not list(home.iterdir())
    home.rmdir()
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> object:
        if name.startswith("reatrieve.retrieval.paper"):
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ModuleNotFoundError):
        find(monkeypatch, song, *MARKED, "--retriever", "paper", "--journal", "paper.jsonl")
    assert not home.exists()
    assert not (tmp_path / "paper.jsonl").exists()


def test_advice_before_the_session_goes_on_keeps_the_new_label_and_budget(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "before.flac"
    moved.write_bytes(song.read_bytes())
    assert find(monkeypatch, moved, *MARKED, "--label", "old", "--journal", "b.jsonl", typed="y\nq\n") == 0
    anew = ("--budget", 30, "--label", "zap")
    capsys.readouterr()
    assert find(monkeypatch, moved, *MARKED, *anew, "--journal", "b.jsonl") == 1
    does = re.search(r"go on with it by (reatrieve .*), or name", capsys.readouterr().err)
    assert does is not None
    assert shlex.split(does[1])[2:] == ["--resume", "b.jsonl", "--label", "zap", "--budget", "30"]
    assert find(monkeypatch, moved, *MARKED, "--budget", 5, "--label", "old", "--journal", "b.jsonl") == 1
    assert "go on with it by reatrieve find --resume b.jsonl, or" in capsys.readouterr().err  # 5 is below its 10
    here = moved.rename(tmp_path / "now.flac")
    assert find(monkeypatch, "--resume", "b.jsonl", *anew) == 1
    again = command(capsys.readouterr().err, "say where it is now: ")
    assert again == ["FILE", "--resume", "b.jsonl", "--label", "zap", "--budget", "30"]
    assert find(monkeypatch, here, *again[1:], typed="q\n") == 0
    state = fold(line.event for line in read_journal(tmp_path / "b.jsonl")[1])
    assert (state.label, state.budget) == ("zap", 30)


@pytest.mark.parametrize(("label", "shown"), [("a\nb", "a\\x0ab"), ("\x1b[31mred", "\\x1b[31mred")])
def test_a_label_with_a_control_character_is_refused_and_shown_harmless(
    song: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], label: str, shown: str
) -> None:
    assert find(monkeypatch, song, *MARKED, "--label", label) == 2
    assert f"the label '{shown}' holds a control character; choose one without" in capsys.readouterr().err


def test_a_label_too_long_for_a_journal_is_told_at_once(
    song: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "the label has 5000 bytes; the most is 512"
    assert find(monkeypatch, song, *MARKED, "--label", "ä" * 2500) == 2
    assert sentence in capsys.readouterr().err
    name = "z" * 5000
    (tmp_path / "a.csv").write_text(f"file,class,start,end\n{song.name},{name},2,2.5\n", encoding="utf-8")
    assert find(monkeypatch, song, "--annotations", "a.csv") == 2
    assert sentence in capsys.readouterr().err
    assert not home.exists()


def changed(path: Path, what: str) -> None:
    """Render the song of these tests anew: with silence before it, or cut, or as it was; or only touch it."""
    y = repeats([2.0, 5.5, 9.25, 14.0], rate_hz=22050, duration_s=16.0)
    if what == "later":
        y = np.concatenate([noise(3 * 22050, level=0.01), y])
    elif what == "cut":
        y = y[: 4 * 22050]
    elif what == "same length":
        y = np.roll(y, 22050)
    elif what == "NaN":
        y[:5] = np.nan
    write_sound(path, y, 22050, subtype="FLOAT")
    os.utime(path, (2e9, 2e9))


@pytest.fixture
def wav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A song that was searched, with two answers in the journal ``s.jsonl``."""
    path = tmp_path / "rr.wav"
    changed(path, "")
    os.utime(path, (1e9, 1e9))
    assert find(monkeypatch, path, *MARKED, "--journal", "s.jsonl", typed="y\ny\nq\n") == 0
    capsys.readouterr()
    return path


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(("what", "lasts"), [("later", "19.000"), ("cut", "4.000")])
@pytest.mark.parametrize("finished", [False, True])
def test_a_file_of_another_length_is_refused_and_the_session_stays(
    what: str, lasts: str, elsewhere: bool, finished: bool, wav: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    if finished:
        assert find(monkeypatch, "--resume", "s.jsonl", typed="f\n") == 0
        capsys.readouterr()
    file = tmp_path / "other.wav" if elsewhere else wav
    changed(file, what)
    before = (tmp_path / "s.jsonl").read_bytes()
    assert find(monkeypatch, *([file] if elsewhere else []), "--resume", "s.jsonl", typed="y\nq\n") == 2
    captured = capsys.readouterr()
    assert f"{file.name} lasts {lasts} s, what was searched 16.000 s: it may be another recording" in captured.err
    assert command(captured.err, "begin anew by: ") == [str(file), "--start", "S", "--end", "E", "--new"]
    assert captured.out == ""
    assert (tmp_path / "s.jsonl").read_bytes() == before
    audio = ["--audio", str(file)] if elsewhere else []
    assert main(["export", "s.jsonl", *audio, "--out", "o"]) == 2
    assert f"{file.name} lasts {lasts} s, what was searched 16.000 s" in capsys.readouterr().err


def test_a_cut_off_mp3_is_refused_though_its_header_promises_the_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.mp3"
    write_sound(path, repeats([2.0, 5.5, 9.25, 14.0], rate_hz=22050, duration_s=16.0), 22050)
    assert find(monkeypatch, path, *MARKED, "--journal", "m.jsonl", typed="y\nq\n") == 0
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    capsys.readouterr()
    assert find(monkeypatch, "--resume", "m.jsonl", typed="q\n") == 2
    assert re.search(r"a\.mp3 lasts [78]\.\d+ s, what was searched 16\.\d+ s", capsys.readouterr().err)
    assert find(monkeypatch, path, "--start", 12, "--end", 12.5) == 2
    assert re.search(r"12 to 12\.5 s, does not lie in the file, 0 to [78]\.\d+ s", capsys.readouterr().err)


@pytest.mark.parametrize("what", ["", "same length"])
def test_a_file_that_was_written_later_is_told_and_the_session_goes_on(
    what: str, wav: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert find(monkeypatch, "--resume", "s.jsonl", typed="q\n") == 0
    assert "written after" not in capsys.readouterr().out
    changed(wav, what)
    assert find(monkeypatch, "--resume", "s.jsonl", typed="q\n") == 0
    said = capsys.readouterr().out
    assert "note: rr.wav was written after the search; check that its places still fit, else begin anew by: " in said
    assert command(said, "begin anew by: ") == [str(wav), "--start", "S", "--end", "E", "--new"]


def test_samples_that_are_no_numbers_by_now_are_refused_where_a_session_goes_on(
    wav: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(wav, "NaN")
    assert find(monkeypatch, "--resume", "s.jsonl", typed="q\n") == 1
    assert "rr.wav holds NaN from 0.000 s on" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(("what", "asked"), [("", True), ("same length", True), ("later", False), ("cut", False)])
def test_the_question_whether_to_go_on_tells_a_changed_file(
    what: str, asked: bool, terminal: bool, wav: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    class Lines(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    changed(wav, what)
    before = (tmp_path / "s.jsonl").read_bytes()
    monkeypatch.setattr("sys.stdin", Lines("n\nq\n" if asked and terminal else "q\n"))
    again = ("--start", "2", "--end", "2.5", "--journal", "new.jsonl")
    (tmp_path / "home" / "journals").mkdir(parents=True, exist_ok=True)
    assert main(["find", str(wav), *again]) == 0
    said = capsys.readouterr().out
    assert ("go on with that" in said) == asked
    assert ("rr.wav was written after that search; check that its places still fit" in said) == asked
    assert ("what was searched 16.000 s: it may be another recording; another session begins" in said) != asked
    assert (tmp_path / "s.jsonl").read_bytes() == before


def test_the_commands_of_a_session_on_a_file_that_was_moved_work(
    wav: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = wav.rename(tmp_path / "now here.wav")
    wishes = ("--out", "Sync", "--to", "audacity")
    assert find(monkeypatch, here, "--resume", "s.jsonl", *wishes, typed="q\n") == 0
    assert main(["export", *command(capsys.readouterr().out, "then write the files by: ")]) == 0
    assert (tmp_path / "Sync" / "now here.labels.txt").exists()


def test_an_item_whose_file_ends_before_an_answered_place_is_refused(
    wav: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whole = TrackItem(wav, 0.0, 16.0)
    items = (replace(whole, length_s=8.0), replace(whole, position_s=10.0, offset_s=8.0, length_s=8.0))
    with Journal.create(tmp_path / "t.jsonl", Header("abc", TrackMap(items), "p.rpp", "{T}")) as made:
        made.append(Started(Span(2.0, 2.5), "zap", 10, "default"))
        made.append(Proposed(1, Span(11.25, 11.75), 1.0, 0.9, 1.0))
        made.append(Answered(1, "accept", Span(11.25, 11.75)))
    assert find(monkeypatch, "--resume", "t.jsonl", typed="q\n") == 0
    capsys.readouterr()
    changed(wav, "cut")
    assert find(monkeypatch, "--resume", "t.jsonl", typed="q\n") == 1
    sentence = "rr.wav lasts 4.000 s and has no sound any more for the place at 0:11.250 of this session"
    assert sentence in capsys.readouterr().err
