"""``reatrieve find``: the whole loop without REAPER, answered by the truth, by a person, and through a pipe."""

from __future__ import annotations

import ctypes
import errno
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from reatrieve import limits
from reatrieve.cli import conversation, main
from reatrieve.cli.interrupts import interrupted_afterwards
from reatrieve.errors import JournalError
from reatrieve.journal import Journal, read_journal
from reatrieve.session.events import Answered, BudgetRaised, Proposed, Undone
from reatrieve.session.search import Over, Search
from reatrieve.session.state import fold
from signals import repeats, write_sound

STARTS_S = [2.0, 5.5, 9.25, 14.0, 21.0, 26.5]
LENGTH_S = 0.5


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y = repeats(STARTS_S, rate_hz=44100, duration_s=30.0, length_s=LENGTH_S)
    return write_sound(tmp_path_factory.mktemp("Lieder") / "Stück 1.flac", y, 44100)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"Stück 1.flac,zap,{start},{start + LENGTH_S},sample,," for start in STARTS_S]
    rows += ["other.flac,zap,1.0,1.5,sample,,", "Stück 1.flac,else,3.0,3.5,sample,,", "Stück 1.flac,zap,12,12.5,,,near"]
    path = tmp_path / "annotations.csv"
    path.write_text("\n".join(["file,class,start,end,kind,ratio_db,flag", *rows]), encoding="utf-8")
    return path


def find(monkeypatch: pytest.MonkeyPatch, *args: object, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["find", *map(str, args)])


def figures(text: str) -> dict[str, Any]:
    assert text.count("\n") == 1
    return json.loads(text)


def test_the_truth_answers_until_all_is_found(
    song: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "Sitzung 1.jsonl"
    args = ("--start", STARTS_S[2], "--end", STARTS_S[2] + LENGTH_S, "--annotations", table, "--class", "zap")
    assert find(monkeypatch, song, *args, "--budget", "2", "--json", "--journal", journal) == 0
    captured = capsys.readouterr()
    result = figures(captured.out)
    assert (result["found"], result["occurrences"], result["recall"]) == (5, 5, 1.0)
    assert result["rejections"] <= 2
    assert result["answers"] == result["rejections"] + 5
    assert result["journal"] == str(journal)
    assert result["first_candidate_s"] > 0.0
    assert result["answer_ms_median"] > 0.0
    others = [start for start in STARTS_S if start != STARTS_S[2]]
    assert [span[0] for span in result["accepted"]] == pytest.approx(others, abs=0.01)
    assert "found 5 of 5" in captured.err
    _, lines = read_journal(journal)
    state = fold(line.event for line in lines)
    assert (state.accepted, state.label, state.budget) == (5, "zap", 2)


def test_without_start_the_first_occurrence_is_the_example(
    song: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(monkeypatch, song, "--annotations", table, "--class", "zap", "--budget", 1, "--json") == 0
    result = figures(capsys.readouterr().out)
    assert result["example"] == [2.0, 2.5]
    assert result["found"] == 5


def test_known_places_end_the_search_when_all_are_found(
    song: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = ("--annotations", table, "--class", "zap")
    assert find(monkeypatch, song, *known, "--json") == 0
    captured = capsys.readouterr()
    result = figures(captured.out)
    assert (result["found"], result["over"]) == (5, "found")
    assert captured.err.count("all found") == 1
    assert "go on with" not in captured.err
    assert fold(line.event for line in read_journal(Path(result["journal"]))[1]).finished
    assert find(monkeypatch, song, *known) == 0
    said = capsys.readouterr().out
    assert "searched before" not in said
    assert "ms from an answer" not in said


def test_ctrl_c_while_a_library_works_ends_the_search_with_its_journal_kept(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called_back = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))  # swallows what it raises
    monkeypatch.setattr(Search, "speculate", lambda self, *, deciding: called_back() if self.state.answers else None)
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, typed="y\n") == 130
    assert "stopped; go on with: reatrieve find --resume " in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_command_that_goes_on_asks_for_what_was_asked_for(
    song: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> list[str]:
        found = re.search(r"go on with: (.*)", capsys.readouterr().out)
        assert found is not None
        return shlex.split(found[1])[4:]

    wishes = ["--out", str(tmp_path / "My Sync"), "--to", "json,audacity", "--preview", str(tmp_path / "p")]
    kept = ("--label", "zap", "--budget", 5, "--start", 2, "--end", 2.5)  # the journal knows these
    journal = tmp_path / "j.jsonl"
    assert find(monkeypatch, song, *kept, "--journal", journal, *wishes, "--no-cache", typed="y\nq\n") == 0
    assert said() == [*wishes, "--no-cache"]
    elsewhere = tmp_path / "else where.flac"
    elsewhere.write_bytes(song.read_bytes())
    assert find(monkeypatch, elsewhere, "--resume", journal, typed="q\n") == 0
    assert f"reatrieve find '{elsewhere}' --resume {journal}" in capsys.readouterr().out

    def interrupted(self: Search, *, deciding: bool) -> None:
        if self.state.answers:
            raise KeyboardInterrupt

    monkeypatch.setattr(Search, "speculate", interrupted)
    known = ["--annotations", str(table), "--class", "zap", "--budget", "3", "--cache", str(tmp_path / "cache")]
    assert find(monkeypatch, song, *known) == 130
    assert said() == known


def test_nothing_typed_at_all_leaves_no_session(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (song, "--start", 2, "--end", 2.5)
    journals = tmp_path / "home" / "journals"
    assert find(monkeypatch, *words) == 0
    out = capsys.readouterr().out
    assert "nothing was answered; no session is kept" in out
    assert "--resume" not in out
    assert not list(journals.iterdir())
    assert find(monkeypatch, *words, "--json", "--out", tmp_path / "Sync") == 0
    result = figures(capsys.readouterr().out)
    assert result["journal"] is None
    assert result["exported"] == []
    assert not (tmp_path / "Sync").exists()
    assert not list(journals.iterdir())
    assert find(monkeypatch, *words, typed="q\n") == 0  # somebody was there
    assert find(monkeypatch, *words, "--new", "--journal", tmp_path / "named.jsonl") == 0
    assert (tmp_path / "named.jsonl").is_file()
    (journal,) = journals.iterdir()
    assert find(monkeypatch, "--resume", journal) == 0
    assert journal.is_file()


def test_the_second_ctrl_c_ends_at_once() -> None:
    at_once = False

    @interrupted_afterwards()
    def work() -> None:
        nonlocal at_once
        signal.raise_signal(signal.SIGINT)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            at_once = True

    with pytest.raises(KeyboardInterrupt):
        work()
    assert at_once


def test_a_person_answers_undoes_and_moves_edges(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.jsonl"
    args = ("--start", 2, "--end", 2.5, "--no-cache")
    assert find(monkeypatch, song, *args, typed="q\n") == 0
    found = re.search(r"1 +0:(\d+\.\d+) - 0:", capsys.readouterr().out)
    first_s = float(found[1]) if found else 0.0
    assert min(abs(first_s - start) for start in STARTS_S) < 0.01
    typed = f"y\nwhat?\nu\ny {first_s + 0.1:.3f} 0:{first_s + 0.4:06.3f}\ns\nq\n"
    assert find(monkeypatch, song, *args, "--journal", journal, typed=typed) == 0
    out = capsys.readouterr().out
    assert "'what?' is no answer here; ? shows all" in out
    assert "the example and 1 accepted; 0 of 10 rejections, 2 answers" in out
    assert "0:02.000 - 0:02.500" in out
    events = [line.event for line in read_journal(journal)[1]]
    assert Undone(1) in events
    kept = [event for event in events if isinstance(event, Answered)][1]
    assert (kept.span.start_s, kept.span.end_s) == (pytest.approx(first_s + 0.1), pytest.approx(first_s + 0.4))
    assert fold(events).current == 3
    assert not (tmp_path / "cache" / "analysis").exists()


def test_nonsense_changes_nothing(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = "u\ny 5 4\ny a b\na 7\na x\n\n"
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--json", typed=typed) == 0
    captured = capsys.readouterr()
    assert figures(captured.out)["answers"] == 0
    assert captured.err.count("not taken") == 5
    assert "'a' is no time" in captured.err
    assert captured.err.count("proposed: ") == 0  # these are no edges at all
    assert "no answer to take back" in captured.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("y 1:75", "not taken: '1:75' is no time: seconds go to 59; write 2:15 for 135 s"),
        ("y 1:75 2:10", "not taken: '1:75' is no time: seconds go to 59; write 2:15 for 135 s"),
        ("y 45.6", "not taken: y wants no time, or a start and an end: y 7.9 0:08.4"),
        ("yes 1 2 3", "not taken: y wants no time, or a start and an end: y 7.9 0:08.4"),
        ("a 80,5", "not taken: '80,5' is no probability; write 80% or 0.8"),
    ],
)
def test_times_behind_y_are_refused_as_those_of_options_are(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, said: str
) -> None:
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--json", typed=f"{typed}\nq\n") == 0
    assert said in capsys.readouterr().err


def test_where_nothing_was_answered_nothing_can_be_taken_back(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Search, "propose", lambda _self: Over("exhausted"))
    monkeypatch.setattr(Search, "over", Over("exhausted"))
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, typed="\n?\nq\n") == 0
    said = capsys.readouterr().out
    assert "nothing else is left\nq ends: " in said
    assert "type q, then Enter" in said
    assert "last answer" not in said


def test_the_help_lists_every_key_of_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["find", "--help"])
    keys = capsys.readouterr().out.partition("answers, each with Enter:")[2].partition("examples:")[0]
    for typed, _ in conversation._HELP:
        assert re.search(rf"(^|  ){re.escape(typed.split()[0])} [a-z(]|\? shows all", keys, re.MULTILINE), typed


@pytest.mark.parametrize(
    ("start", "nearest"), [(3.2, "2.000 to 2.500"), (4.999, "5.500 to 6.000"), (5.8, ""), (12.2, "")]
)
def test_an_example_where_nothing_is_labelled_is_told(
    song: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], start: float,
    nearest: str,
) -> None:  # fmt: skip
    known = ("--annotations", table, "--class", "zap", "--budget", 1, "--json")
    find(monkeypatch, song, "--start", start, "--end", start + 0.5, *known)
    note = f"note: the example overlaps no labelled 'zap'; the nearest is {nearest} s"
    said = " ".join(capsys.readouterr().err.split())
    assert (note in said) == bool(nearest)
    assert ("overlaps no labelled" in said) == bool(nearest)


@pytest.mark.parametrize("marked", [(), ("--start", 2.05, "--end", 2.5)])
def test_where_only_the_example_is_labelled_nothing_is_searched(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    marked: tuple[object, ...],
) -> None:  # fmt: skip
    table, journal = tmp_path / "one.txt", tmp_path / "j.journal.jsonl"
    table.write_text("2.0\t2.5\tzap\n9.0\t9.5\telse\n", encoding="utf-8")
    known = ("--annotations", table, "--class", "zap", "--json")
    assert find(monkeypatch, song, *marked, *known, "--journal", journal) == 1
    told = "reatrieve: error: the example is the only labelled 'zap'; there is nothing else to find\n"
    assert capsys.readouterr() == ("", told)
    assert not journal.exists()
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--journal", journal, typed="n\nq\n") == 0
    capsys.readouterr()
    assert find(monkeypatch, "--resume", journal, *known) == 1
    assert capsys.readouterr() == ("", told)


def test_ends_under_an_unknown_name_are_no_moments(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "de.csv"
    table.write_text("Start;Ende;Name\n2,0;2,5;zap\n5,5;6,0;zap\n", encoding="utf-8")
    assert find(monkeypatch, song, "--annotations", table) == 2
    assert "the column 'Ende' may hold ends or lengths" in capsys.readouterr().err


def test_a_named_journal_that_cannot_be_made_wants_another_name(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    journal = tmp_path / "file" / "j.journal.jsonl"
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--journal", journal) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "; name another file by --journal" in said
    assert "name a file by" not in said


def test_a_sync_json_in_the_way_is_told_before_the_first_candidate(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "Sync"
    out.mkdir()
    (out / "Stück 1.sync.json").write_text("{}", encoding="utf-8")
    words = (song, "--start", 2, "--end", 2.5, "--out", out)
    told = f"note: Stück 1.sync.json already exists in {out}, and no new session replaces it; choose another folder"
    assert find(monkeypatch, *words, typed="q\n") == 2
    said = capsys.readouterr().out
    assert 0 <= said.find(told) < said.index("y/n/s/?")
    for others in (("--to", "audacity"), ("--out", tmp_path / "Other")):
        find(monkeypatch, *words, "--new", *others, typed="q\n")
        assert "already exists in" not in capsys.readouterr().out
    if sys.platform != "win32":
        (out / "Stück 1.sync.json").unlink()
        (out / "Stück 1.sync.json").symlink_to(tmp_path / "gone.json")  # it is never replaced either
        find(monkeypatch, *words, "--new", typed="q\n")
        assert told in capsys.readouterr().out


def test_the_rest_is_listed_and_accepted(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("--start", 2, "--end", 2.5, "--json")
    assert find(monkeypatch, song, *args, typed="y\ny\na 0.0001\nn\na 99.99%\nn\nq\n") == 0
    assert figures(capsys.readouterr().out)["found"] == 2
    assert find(monkeypatch, song, *args, typed="y\ny\nn\na 5%\ny\nq\n") == 0
    captured = capsys.readouterr()
    result = figures(captured.out)
    assert re.search(r"accept (this one|these \d+)\? y/n ", captured.err)
    assert "these 1" not in captured.err
    assert result["found"] >= 2
    assert len(result["accepted"]) == result["found"]


def test_what_decides_the_rest_is_asked_in_place_of_the_open_candidate(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.jsonl"
    args = ("--start", 2, "--end", 2.5, "--journal", journal, "--json")
    assert find(monkeypatch, song, *args, typed="d\nq\n") == 0
    proposed = [line.event for line in read_journal(journal)[1] if isinstance(line.event, Proposed)]
    assert [event.number for event in proposed] == [1, 1]  # the first gave way to the one that decides
    assert proposed[0].span != proposed[1].span

    assert find(monkeypatch, "--resume", journal, "--json", typed="y\nd\nq\n") == 0
    said = capsys.readouterr().err
    assert "asking what decides the rest, until it is clear" in said
    assert "it is clear now which places are the sound: a lists the rest" in said


def test_a_spent_budget_can_be_raised_and_a_session_resumed(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.jsonl"
    args = ("--start", 2, "--end", 2.5, "--budget", 1, "--journal", journal, "--json")
    assert find(monkeypatch, song, *args, typed="y\nn\n") == 0
    captured = capsys.readouterr()
    assert "rejections are used up" in captured.err
    first = figures(captured.out)
    assert (first["over"], first["rejections"], first["found"]) == ("budget", 1, 1)

    assert find(monkeypatch, "--resume", journal, "--json", typed="+\ny\n") == 0
    second = figures(capsys.readouterr().out)
    assert (second["over"], second["rejections"], second["found"]) == (None, 1, 2)
    assert BudgetRaised(10) in [line.event for line in read_journal(journal)[1]]

    assert find(monkeypatch, "--resume", journal, "--budget", 13, "--json", typed="") == 0
    assert fold(line.event for line in read_journal(journal)[1]).budget == 13
    assert figures(capsys.readouterr().out)["found"] == 2

    moved = song.with_name("elsewhere.flac")
    moved.write_bytes(song.read_bytes())
    assert find(monkeypatch, moved, "--resume", journal, "--json", typed="u\n") == 0
    assert figures(capsys.readouterr().out)["found"] == 1


def test_a_resumed_session_asks_the_open_candidate_again(
    song: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.jsonl"
    find(monkeypatch, song, "--start", 2, "--end", 2.5, "--journal", journal, "--json", typed="y\ny\n")
    capsys.readouterr()
    before = read_journal(journal)[1]
    truth = ("--annotations", table, "--class", "zap")
    assert find(monkeypatch, "--resume", journal, *truth, "--json") == 0
    after = read_journal(journal)[1]
    assert after[: len(before)] == before
    assert figures(capsys.readouterr().out)["found"] == 5


def test_previews_that_cannot_be_written_are_no_success_and_lose_no_session(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reatrieve.cli.listening.write_whole", full)
    args = ["--start", "4", "--end", "4.5", "--journal", tmp_path / "s.journal.jsonl", "--preview", tmp_path / "p"]
    assert find(monkeypatch, song, *args, typed="y\nq\n") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "cannot be written (No space left on device); choose another folder by --preview" in said
    assert "go on with: reatrieve find --resume" in said
    assert not (tmp_path / "p").exists()
    assert len(read_journal(tmp_path / "s.journal.jsonl")[1]) > 2


def test_sync_files_and_previews_are_written(
    song: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, preview = tmp_path / "Sync", tmp_path / "hören"
    args = ("--annotations", table, "--class", "zap", "--budget", 1, "--json")
    assert find(monkeypatch, song, *args, "--out", out, "--to", "json", "--preview", preview) == 0
    result = figures(capsys.readouterr().out)
    assert [Path(row["path"]).parent for row in result["exported"]] == [out]
    written = Path(result["exported"][0]["path"])
    assert written.is_file()
    written.write_text("somebody's own", encoding="utf-8")
    assert find(monkeypatch, song, *args, "--out", out) == 2
    error = capsys.readouterr().err
    assert "already exists" in error
    assert "the answers are kept, this replaces what is there: reatrieve export " in error
    assert written.read_text(encoding="utf-8") == "somebody's own"
    (first,) = (path for path in preview.iterdir() if re.fullmatch(r"zap 001 at 0m\d\d\.\d{3}s\.wav", path.name))
    assert find(monkeypatch, song, *args, "--out", tmp_path / "Again", "--to", "json,audacity") == 0
    capsys.readouterr()
    assert find(monkeypatch, song, *args, "--out", tmp_path / "Again", "--to", "json,audacity") == 2
    said = capsys.readouterr().err
    assert "were kept" not in said
    does = re.search(r"this replaces what is there: reatrieve (export .* --force)$", said, re.MULTILINE)
    assert does is not None
    assert "--add" not in does[1]
    assert main(shlex.split(does[1])) == 0
    out_said = capsys.readouterr().out
    assert "6 events in 2 files:" in out_said
    assert "Stück 1.labels.txt (unchanged)" in out_said
    info = soundfile.info(first)
    assert info.duration == pytest.approx(LENGTH_S, abs=0.05)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--start", "2", "--end", "1"], "lies before its start"),
        (["--start", "2", "--end", "99"], "does not lie in the file"),
        (["--start", "2", "--end", "2.0499"], "49.9 ms long; the shortest is 50 ms"),
        (["--start", "0", "--end", "30.04"], "30.0 s long; the longest is 30 s"),
        (["--start", "2", "--end", "3", "--no-cache", "--cache", "x"], "do not go together"),
        (["--start", "2"], "--start S --end E"),
        ([], "--start S --end E"),
        (["--start", "2", "--end", "3", "--retriever", "defalt"], "did you mean 'default'"),
        (["--start", "2", "--end", "3", "--budget", "0"], "budget"),
        (["--start", "2", "--end", "3", "--class", "x"], "--annotations"),
        (["--start", "2", "--end", "3", "--to", "json"], "has no effect without --out"),
        (
            ["--start", "2", "--end", "3", "--out", "Sync", "--to", "jsn"],
            "unknown target 'jsn'; did you mean 'json'? choose from",
        ),
    ],
)
def test_errors_are_one_line_and_leave_no_journal(
    song: Path,
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert find(monkeypatch, song, *args) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("reatrieve: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not (tmp_path / "home").exists()


def test_a_missing_file_and_a_missing_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(monkeypatch, tmp_path / "gone.wav", "--start", 0, "--end", 1) == 1
    assert "gone.wav: no such file; check the path" in capsys.readouterr().err
    assert find(monkeypatch, tmp_path, "--start", 0, "--end", 1) == 1
    assert "is a folder" in capsys.readouterr().err
    assert find(monkeypatch, "--resume", tmp_path / "gone.jsonl") == 1
    assert capsys.readouterr().err == f"reatrieve: error: {tmp_path / 'gone.jsonl'}: no such file; check the path\n"
    assert find(monkeypatch) == 2
    assert find(monkeypatch, "--resume", tmp_path / "gone.jsonl", "--start", 1) == 2


def test_what_can_be_an_example_is_the_same_as_in_reaper() -> None:
    lua = (Path(__file__).parents[2] / "reaper_scripts" / "lib" / "track.lua").read_text(encoding="utf-8")
    there = {name: float(value) for name, value in re.findall(r"^track\.(SHORTEST_S|LONGEST_S) = ([\d.]+)$", lua, re.M)}
    assert there == {"SHORTEST_S": limits.SHORTEST_EXAMPLE_S, "LONGEST_S": limits.LONGEST_EXAMPLE_S}


@pytest.mark.parametrize("text", ["abc", "1:2:3:4", "1:60", "1:60:00", "1e3", "nan", "٣", 400 * "9", ""])
def test_a_time_must_be_one(
    text: str, song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(monkeypatch, song, f"--start={text}", "--end", "1") == 2
    assert "is no time" in capsys.readouterr().err


def test_it_works_in_a_pipe_as_a_process(song: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reatrieve", "find", str(song), "--start", "0:02", "--end", "0:02,5", "--json"]
    done = subprocess.run(command, input="y\nn\n", capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["found"], result["rejections"], result["answers"]) == (1, 1, 2)
    assert Path(result["journal"]).is_file()
    assert "\x1b" not in done.stderr


def test_a_finished_session_says_how_its_files_are_written_and_that_works(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = ("--start", 2, "--end", 2.5)
    assert find(monkeypatch, song, *marked, typed="y\nf\n") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("write its sync files by: reatrieve export ")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(last.partition(": reatrieve ")[2])) == 0
    assert "2 events in 16 files" in capsys.readouterr().out
    assert find(monkeypatch, song, *marked, "--new", "--out", tmp_path / "Out", typed="y\nf\n") == 0
    assert "write its" not in capsys.readouterr().out


def test_a_torn_last_line_is_told_once_by_whoever_reads_the_journal(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal, torn = tmp_path / "j.jsonl", tmp_path / "torn.jsonl"
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--journal", journal, typed="y\nf\n") == 0
    told = f"{torn}: the last line was not written completely and is left out"
    for words in (
        ["export", torn, "--out", tmp_path / "Sync"],
        ["dataset", "add", torn, "--to", tmp_path / "set", "--unfinished"],
        ["find", "--resume", torn],
    ):
        torn.write_bytes(journal.read_bytes()[:-20])
        caplog.clear()
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        assert main([*map(str, words)]) == 0
        assert [record.getMessage() for record in caplog.records].count(told) == 1, words
        assert not [record for record in caplog.records if "torn" in record.getMessage().replace(str(torn), "")]


def test_a_session_whose_file_lies_elsewhere_now_says_so_in_the_command_that_writes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write_sound(tmp_path / "before.wav", repeats([2.0, 5.5], rate_hz=44100, duration_s=10.0), 44100)
    journal = tmp_path / "j.jsonl"
    assert find(monkeypatch, before, "--start", 2, "--end", 2.5, "--journal", journal, typed="y\nq\n") == 0
    now = before.rename(tmp_path / "now.wav")
    assert find(monkeypatch, now, "--resume", journal, typed="f\n") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(last.partition(": reatrieve ")[2])) == 0
    assert "2 events in 16 files" in capsys.readouterr().out


def test_an_answer_that_cannot_be_kept_says_how_to_go_on_with_the_others(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = Journal.append

    def full_from_the_second_answer(self: Journal, event: object, *args: object, **more: object) -> object:
        if isinstance(event, Answered) and any(isinstance(one, Answered) for one in self.events()):
            raise JournalError("the answer cannot be kept: the disk is full")
        return append(self, event, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", full_from_the_second_answer)
    journal = tmp_path / "j.jsonl"
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5, "--journal", journal, typed="y\ny\n") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith(f"what was answered before is kept, this goes on with it: reatrieve find --resume {journal}\n")
    monkeypatch.undo()
    assert fold(line.event for line in read_journal(journal)[1]).answers == 1


def test_a_file_that_this_user_may_not_read_is_not_told_to_be_converted(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reatrieve.cli.values.open_source", refuse)
    assert find(monkeypatch, song, "--start", 2, "--end", 2.5) == 1
    assert capsys.readouterr().err == f"reatrieve: error: {song}: Permission denied; check the file's rights\n"


def test_a_cache_that_takes_nothing_is_refused_where_it_was_named_and_else_a_note(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    cache = tmp_path / "file" / "cache"
    command = [sys.executable, "-m", "reatrieve", "find", str(song), "--start", "2", "--end", "2.5"]

    def process(*words: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [*command, *words], input="f\n", capture_output=True, text=True, encoding="utf-8", timeout=120
        )
        return done.returncode, done.stderr.splitlines()

    refused = f"reatrieve: error: --cache {cache}: {tmp_path / 'file'} is not a folder; choose another place"
    assert process("--cache", str(cache)) == (2, [refused])
    monkeypatch.setenv("REATRIEVE_CACHE", str(cache))
    assert process() == (0, [
        f"reatrieve: note: no hash is kept in {cache / 'hashes'} (Not a directory); it is computed again",
        f"reatrieve: note: the analysis is not kept in {cache / 'analysis'} (Not a directory); "
        "the next search makes it again",
    ])  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe there breaks otherwise")
def test_a_reader_that_has_seen_enough_is_no_failure(song: Path) -> None:
    command = shlex.join([sys.executable, "-m", "reatrieve", "find", str(song), "--start", "2", "--end", "2.5"])
    piped = f"set -o pipefail; printf 'y\\ny\\nq\\n' | {{ {command}; }} | head -1"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Sound 1: like 0:02.000 - 0:02.500, 0.500 s long\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the locale says there how names of files are written")
def test_a_locale_without_the_letters_of_a_name_is_told_and_hides_no_other_file(song: Path, tmp_path: Path) -> None:
    plain = write_sound(tmp_path / "plain.wav", repeats([2.0, 5.5], rate_hz=44100, duration_s=10.0), 44100)

    def process(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reatrieve", *map(str, words)]
        done = subprocess.run(
            command, input="f\n", capture_output=True, text=True, encoding="utf-8", timeout=120,
            env={**os.environ, **more},
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    marked = ("--start", 2, "--end", 2.5)
    assert process("find", song, *marked, "--journal", tmp_path / "home" / "journals" / "a.jsonl").returncode == 0
    assert process("find", plain, *marked, **ascii_only).returncode == 0
    told = process("export", tmp_path / "home" / "journals" / "a.jsonl", "--out", tmp_path / "Out", **ascii_only)
    assert told.returncode == 1
    assert "PYTHONUTF8" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="semaphores are files, which a limit keeps from being made")
def test_a_disk_that_takes_nothing_is_one_sentence_and_no_library_says_a_word_of_its_own(song: Path) -> None:
    resource = pytest.importorskip("resource")
    command = [sys.executable, "-m", "reatrieve", "find", str(song), "--start", "2", "--end", "2.5"]
    limit = (0, resource.RLIM_INFINITY)
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("reatrieve: error: the session cannot be kept in ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a library there has a standard error of its own")
def test_what_mpg123_says_of_an_odd_mp3_is_not_shown(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "whole.mp3", repeats([2.0, 5.5], rate_hz=44100, duration_s=10.0), 44100)
    cut, zeros = tmp_path / "cut.mp3", tmp_path / "zeros.mp3"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    zeros.write_bytes(bytes(100_000))

    def said(path: Path, *python: str) -> list[str]:
        command = [sys.executable, *python, "-m", "reatrieve", "find", path, "--start", "2", "--end", "2.5"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return done.stderr.splitlines()

    assert said(cut) == []
    assert len(said(zeros)) == 1
    assert said(zeros)[0].startswith(f"reatrieve: error: {zeros}: cannot be read as mp3")
    assert len(said(zeros, "-X", "faulthandler")) > 1  # somebody who looks for a fault sees all of it


def test_what_cannot_be_searched_is_told_with_its_name_and_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = write_sound(tmp_path / "silent.wav", np.zeros(8000 * 4), 8000)
    (tmp_path / "empty.wav").write_bytes(b"")
    assert find(monkeypatch, silent, "--start", 1, "--end", 2) == 1
    told = capsys.readouterr().err
    assert told == f"reatrieve: error: {silent}: silent from start to end; choose another file\n"
    assert find(monkeypatch, tmp_path / "empty.wav", "--start", 1, "--end", 2) == 1
    assert "empty.wav: cannot be read as wav (it is empty); render it anew" in capsys.readouterr().err


def test_what_was_written_to_listen_to_is_gone_at_the_end(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reatrieve.cli.listening._sound_device", lambda: (None, "no sound card"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    args = ("--start", 2, "--end", 2.5)
    assert find(monkeypatch, song, *args, typed="p\ny\np\nq\n") == 0
    assert capsys.readouterr().out.count("written to ") == 2
    assert find(monkeypatch, song, *args, "--new", "--preview", tmp_path / "kept", typed="p\nq\n") == 0
    assert list((tmp_path / "kept").iterdir())
    assert not list((tmp_path / "temporary").iterdir())
