"""`reatrieve evaluate` from the command line: its JSON, its table, its complaints."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from reatrieve.cli import main

TOP = {
    "recall", "curve", "accepted_recall", "sounds", "sessions", "answers_per_found", "first_candidate_right",
    "all_found_share", "start_error_ms_median", "start_error_ms_p95", "ece", "random_recall",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_a, **_k: str(tmp_path / "cache"))


def evaluated(bleeps, tmp_path, *more):
    out = tmp_path / "figures.json"
    assert main(["evaluate", str(bleeps), "--json", str(out), *more]) == 0
    return json.loads(out.read_text(encoding="utf-8"))


def test_the_json_has_plain_figures_at_the_top(bleeps, tmp_path, capsys):
    figures = evaluated(bleeps, tmp_path, "--budget", "4", "--retriever", "default,default")
    assert set(figures) >= TOP | {"interval", "by_kind", "retrievers"}
    for key in TOP - {"curve"}:
        assert isinstance(figures[key], (int, float)), key
        assert math.isfinite(figures[key])
    assert len(figures["curve"]) == 5
    assert figures["curve"][0] == 0.0
    assert figures["curve"][-1] == figures["recall"] == 1.0
    assert figures["sounds"] == 2
    assert figures["sessions"] == 4
    assert figures["interval"]["recall"] == [1.0, 1.0]
    assert set(figures["by_kind"]) == {"sample"}
    assert 0.0 < figures["random_recall"] < 1.0
    out = capsys.readouterr().out
    assert "Recall at 4 rejections, 2 sounds, 4 sessions" in out
    assert out.count("Random order finds .") == 1


def test_other_retrievers_come_with_their_paired_difference(bleeps, tmp_path, capsys):
    figures = evaluated(bleeps, tmp_path, "--retriever", "default,default", "--budget", "2")
    assert figures["retrievers"] == {}
    assert figures["retriever"] == "default"
    said = capsys.readouterr().out
    assert "first minus this" not in said
    assert "95 % interval" in said
    evaluated(bleeps, tmp_path, "--budget", "1")
    assert "Recall at 1 rejection, " in capsys.readouterr().out
    assert "ECE: how far" in said


def test_a_finished_run_leaves_nothing_behind_and_results_stay_where_asked(bleeps, tmp_path):
    first = evaluated(bleeps, tmp_path, "--budget", "2")
    assert (tmp_path / "cache" / "evaluate").is_dir()
    assert not list((tmp_path / "cache").rglob("*.jsonl"))
    kept = evaluated(
        bleeps, tmp_path, "--budget", "2", "--results", str(tmp_path / "kept"), "--cache", str(tmp_path / "a")
    )
    assert kept == first
    assert (tmp_path / "kept" / "sessions.jsonl").is_file()
    assert evaluated(bleeps, tmp_path, "--budget", "2", "--results", str(tmp_path / "kept")) == first


def test_a_broken_row_is_told_and_counted_or_stops_it(bleeps, tmp_path, capsys):
    folder = tmp_path / "broken"
    shutil.copytree(bleeps, folder)
    with (folder / "annotations.csv").open("a", encoding="utf-8") as stream:
        stream.write("one.wav,bleep,5,4,,,\n")
    figures = evaluated(folder, tmp_path, "--budget", "1")
    captured = capsys.readouterr()
    assert len(figures["broken_rows"]) == 1
    assert "annotations.csv, line 9: end 4 s does not lie after start 5 s" in captured.err
    assert "1 broken row skipped" in captured.out
    assert main(["evaluate", str(folder), "--strict"]) == 2
    assert "line 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--retriever", "defalt"], "did you mean 'default'"),
        (["--retriever", "default:components"], "has no value"),
        (["--retriever", "default:tuning=3"], "unknown setting"),
        (["--move-edges", "far"], "edges are moved by"),
        (["--examples", "none"], "write all, first-last or a number"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(bleeps, capsys, options, reason):
    assert main(["evaluate", str(bleeps), *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("reatrieve: error: ")
    assert err.count("\n") == 1
    assert reason in err
