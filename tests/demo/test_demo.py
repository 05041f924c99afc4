"""`reatrieve demo`, as a stranger runs it: real scripts, a real daemon process, files read by a parser not ours."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile
from PIL import Image
from rich.console import Console

from reatrieve import synth
from reatrieve.annotations.truth import Truth
from reatrieve.cli import main
from reatrieve.cli.conversation import Conversation, KnownAnswers
from reatrieve.cli.demo import COLUMNS, SONG, SONG_S
from reatrieve.cli.timeline import COLOR, Mark, picture, text_line
from reatrieve.demo.loop import Loop
from reatrieve.errors import ReatrieveError
from reatrieve.journal import read_journal
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionState, fold
from signals import noise, repeats, write_sound

COMBINATIONS = [
    ("udp", "5.4"),
    ("spool", "5.3"),
    pytest.param("spool", "5.4", marks=pytest.mark.version),
    pytest.param("udp", "5.3", marks=pytest.mark.version),
]


@pytest.fixture(scope="module")
def song():
    """The demo's song, made once for all tests: it is the same each time (`synth/test_synth.py`)."""
    return synth.make_song(**SONG, duration_s=SONG_S)


@pytest.fixture(autouse=True)
def made_already(song, monkeypatch):
    """No demo of this module makes it again."""

    def make_song(*, progress, **settings):
        assert settings == {**SONG, "duration_s": SONG_S}
        progress(1.0)
        return song

    monkeypatch.setattr(synth, "make_song", make_song)


def run_demo(capsys, *arguments):
    """The JSON on standard output's last line, and what went to standard error."""
    assert main(["demo", "--json", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 1, "with --json all else belongs on standard error"
    return json.loads(lines[0]), err


def regions_of(path):
    """(start, end, name) of each region in a project file, by the `rpp` library: two MARKER lines each."""
    with Path(path).open(encoding="utf-8") as file:
        project = rpp.load(file)
    regions, open_regions = [], {}
    for line in (child for child in project.children if isinstance(child, list) and child[0] == "MARKER"):
        number, time_s, name, flags = int(line[1]), float(line[2]), line[3], int(line[4])
        if not flags & 1:
            continue
        if number in open_regions:
            start_s, label = open_regions.pop(number)
            regions.append((start_s, time_s, label))
        else:
            open_regions[number] = (time_s, name)
    assert not open_regions
    return sorted(regions)


@pytest.mark.parametrize(("carrier", "lua"), COMBINATIONS)
def test_the_loop_finds_the_sound_and_the_project_holds_what_was_accepted(carrier, lua, tmp_path, capsys):
    out = tmp_path / "Größe mit Leerzeichen"
    result, err = run_demo(capsys, "--out", out, "--carrier", carrier, "--lua", lua)
    assert result["found"] == result["occurrences"] >= 5
    assert result["recall"] == 1.0
    assert result["rejections"] <= 3
    assert Path(result["rpp"]) == (out / "demo.rpp").resolve()
    assert {path.name for path in out.iterdir()} == {"demo.rpp", "demo.wav", "demo.png", "demo.reatrieve", "export"}
    with Image.open(out / "demo.png") as image:
        assert image.size == (1600, 560)
    journal = next((out / "demo.reatrieve").glob("*.jsonl"))
    header, lines = read_journal(journal)
    state = fold(line.event for line in lines)
    assert state.rejections == result["rejections"]
    accepted = sorted((span.start_s + header.origin_s, span.end_s + header.origin_s) for span in state.positives)
    in_project = regions_of(result["rpp"])
    np.testing.assert_allclose([(start, end) for start, end, _ in in_project], accepted, rtol=0, atol=1e-9)
    assert len(in_project) == result["accepted"] + 1
    assert all(not name.startswith(("?", "x ")) for _, _, name in in_project)
    assert len(result["files"]) >= 14
    sheet = json.loads((out / "export" / "demo.sync.json").read_text(encoding="utf-8"))
    assert f"at {sheet['tempo_map'][0]['bpm']:g} bpm" in err  # bars and beats are the song's own
    assert "found" in err
    assert "E example" in err
    assert [line for line in err.splitlines() if str(tmp_path) not in line and len(line) > COLUMNS] == []
    listed = re.findall(r"^  (\S+) {2,}the |^  (export) ", err, re.MULTILINE)
    assert {name or export for name, export in listed} == {path.name for path in out.iterdir()}
    assert "  demo.reatrieve  the journals\n" in err


def test_a_person_answers_in_the_terminal(tmp_path, capsys, monkeypatch):
    made, _ = run_demo(capsys, "--out", tmp_path / "made", "--no-export")
    header, lines = read_journal(next((tmp_path / "made" / "demo.reatrieve").glob("*.jsonl")))
    example = fold(line.event for line in lines).example
    assert header.origin_s == 0.0
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\nwhat\nn\nu\ny\ns\nq\n"))
    result, err = run_demo(
        capsys, "--out", tmp_path / "own", "--audio", tmp_path / "made" / "demo.wav",
        "--start", example.start_s, "--end", example.end_s, "--no-export",
    )  # fmt: skip
    assert (result["accepted"], result["rejections"], result["answers"]) == (2, 0, 3)
    assert result["occurrences"] is None
    assert "'what' is no answer here; ? shows all" in err
    assert len(regions_of(result["rpp"])) == 3
    assert made["answers"] >= 5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--start", "1", "--end", "2"], "has no effect without --audio"),
        (["--audio", "{audio}"], "mark the example"),
        (["--audio", "{audio}", "--start", "3", "--end", "99"], "does not lie in the file"),
        (["--audio", "{audio}", "--start", "0", "--end", "1", "--class", "x"], "--annotations"),
        (["--audio", "missing.wav", "--start", "0", "--end", "1"], "missing.wav: no such file; check the path"),
        (["--audio", "{audio}", "--start", "0", "--end", "0.04"], "40 ms long; the shortest is 50 ms"),
        (["--audio", "{audio}", "--start", "0", "--end", "1", "--out", "{audio}/x"], "not a folder; choose another"),
        (["--audio", "{audio}", "--annotations", "{labels}"], "the example is the only labelled 'x'; there is nothing"),
    ],
)
def test_bad_requests_are_one_clear_sentence(arguments, text, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", [0.0] * 44100 * 4, 44100)
    (tmp_path / "labels.txt").write_text("1.0\t2.0\tx\n", encoding="utf-8")
    words = [word.format(audio=tmp_path / "a.wav", labels=tmp_path / "labels.txt") for word in arguments]
    assert main(["demo", "--out", str(tmp_path / "out"), *words]) != 0
    err = capsys.readouterr().err
    assert text in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("wrote", [False, True])
def test_ctrl_c_leaves_no_empty_folder_and_says_where_the_rest_is(wrote, tmp_path, capsys, monkeypatch):
    def material(args, out, console):
        if wrote:
            (out / "demo.wav").write_bytes(b"")
        raise KeyboardInterrupt

    monkeypatch.setattr("reatrieve.cli.demo._material", material)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["demo"]) == 130
    said = capsys.readouterr().out
    left = list(tmp_path.iterdir())
    assert len(left) == wrote
    assert said == (f"\nstopped; what was written by then is in {left[0].resolve()}\n" if wrote else "")


def test_at_the_end_a_person_may_go_on_or_take_back(tmp_path, capsys, monkeypatch):
    song = write_sound(tmp_path / "song.wav", repeats([1.0, 4.0, 8.5], rate_hz=22050, duration_s=12.0), 22050)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n" * 10 + "u\nn\n+\nn\nq\n"))
    result, err = run_demo(
        capsys, "--out", tmp_path / "own", "--audio", song, "--start", "1", "--end", "1.5", "--no-export"
    )
    assert (result["rejections"], result["answers"], result["accepted"]) == (11, 11, 0)
    assert err.count("+ allows 10 more") == 2
    assert "the rejections are used up: 10 rejections" in err


def test_a_search_that_the_scripts_refuse_ends_with_what_they_say(tmp_path, monkeypatch):
    monkeypatch.setattr("reatrieve.demo.loop.REFUSED_S", 1.0)
    song = write_sound(tmp_path / "song.wav", repeats([1.0], rate_hz=22050, duration_s=3.0), 22050)
    with Loop(tmp_path / "home") as loop:
        loop.insert(song)
        with pytest.raises(ReatrieveError, match="the shortest that can be searched is 50 ms"):
            loop.find(1.0, 1.01)


@pytest.mark.slow
@pytest.mark.bench
@pytest.mark.parametrize(
    ("file", "carrier", "lua"),
    [
        ("c3a7ab_whiplash.ogg", "udp", "5.4"),
        ("db3144_noproblm.ogg", "spool", "5.3"),
        pytest.param("94282a_http_www_at4re_com.ogg", "spool", "5.4", marks=pytest.mark.version),
        pytest.param("c3a7ab_whiplash.ogg", "udp", "5.3", marks=pytest.mark.version),
    ],
)
def test_real_songs(file, carrier, lua, bench, tmp_path, capsys):
    songs = bench / "songs"
    known = ["--audio", songs / "audio" / file, "--annotations", songs / "annotations.csv", "--class", "sample1"]
    result, _ = run_demo(capsys, "--out", tmp_path, *known, "--carrier", carrier, "--lua", lua, "--no-export")
    assert result["recall"] >= 0.9
    assert len(regions_of(result["rpp"])) == result["accepted"] + 1


class Asking:
    """A backend that proposes places until they are used up, and keeps nothing."""

    origin_s, duration_s, over = 0.0, 10.0, "exhausted"

    def __init__(self, starts_s: list[float]) -> None:
        self.answer_ms: list[float] = []
        self.state = SessionState.start(Started(Span(0.0, 1.0), "zap", 10, "default"))
        self._left = list(starts_s)

    def candidate(self):
        if self.state.current is None and self._left:
            start_s = self._left.pop(0)
            number = self.state.next_number
            self.state = self.state.apply(Proposed(number, Span(start_s, start_s + 1.0), 1.0, 0.9, 1.0))
        return None if self.state.current is None else self.state.candidates[self.state.current]

    def look_ahead(self, *, deciding):
        pass

    def answer(self, verdict, span):
        self.state = self.state.apply(Answered(self.state.current, verdict, span))


@pytest.mark.parametrize("terminal", [True, False])
def test_on_a_terminal_the_time_line_grows_with_the_answers(terminal):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=60)
    truth = Truth("zap", (Span(0.0, 1.0), Span(5.0, 6.0)))
    truth.mark(Span(0.0, 1.0))
    backend = Asking([5.0, 8.0])
    Conversation(backend, KnownAnswers(truth), console, listening=None, truth=truth).hold()
    assert (backend.state.accepted, backend.state.rejections) == (1, 1)
    lines = [line for line in screen.getvalue().replace("\r", "\n").split("\n") if "·" in line]
    assert bool(lines) == terminal
    if terminal:
        marks = [("█" in line, "x" in line) for line in lines]
        assert list(dict.fromkeys(marks)) == [(False, False), (True, False), (True, True)]


def test_the_line_of_text_shows_the_most_important_mark():
    spans = {"example": (0.0, 1.0), "accepted": (5.0, 6.0), "rejected": (5.0, 7.0), "missed": (9.9, 10.0)}
    marks = [Mark(Span(*span), kind) for kind, span in spans.items()]
    assert text_line(marks, duration_s=10.0, width=10) == "E····█x··o"


@pytest.mark.parametrize("kind", ["example", "accepted", "rejected", "skipped"])
def test_the_picture_draws_a_mark_in_the_colour_that_its_legend_has(kind):
    drawn = picture([Mark(Span(4, 6), kind)], noise(22050 * 10), rate_hz=22050, title="", caption="", size=(800, 400))
    lane_y = 128 if kind in {"example", "accepted"} else 310
    assert drawn.getpixel((430, lane_y)) == COLOR[kind]
    assert drawn.getpixel((51, 350)) == COLOR[kind]  # the legend's


def test_the_picture_spells_letters_that_its_face_lacks():
    drawn = [
        picture([Mark(Span(4, 8), "accepted", text)], noise(22050 * 10), rate_hz=22050, title=text, caption=text)
        for text in ("Größe", "Grosse")
    ]
    assert drawn[0].tobytes() == drawn[1].tobytes()


@pytest.mark.parametrize("name", ["demo.wav", "demo.rpp", "demo.png", "export"])
def test_nothing_that_is_there_is_replaced(name, tmp_path, capsys):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert f"holds {name} already; choose a new folder, or delete it" in capsys.readouterr().err
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"
