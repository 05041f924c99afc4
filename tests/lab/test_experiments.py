"""The experiments: what is run, what is written, and how a statement is judged."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.lab.experiments import DEFAULT_LABEL, all_setups, experiments
from reatrieve.lab.records import AnswerRecord, SessionRecord
from reatrieve.lab.report import findings
from reatrieve.lab.sessions import Conditions


def test_every_configuration_runs_once_and_can_be_made():
    made = experiments(Conditions())
    setups = all_setups(made, Conditions())
    labels = [setup.label for setup in setups]
    assert len(labels) == len(set(labels))
    assert {point.setup.label for one in made for point in one.points} | {DEFAULT_LABEL} == set(labels)
    for setup in setups:
        setup.make()
    assert labels[0] == DEFAULT_LABEL
    assert "representation=stft" in labels[-1]  # the slow ones come last


def test_configurations_that_share_an_analysis_come_in_a_row():
    keys = [setup.make().analysis_key for setup in all_setups(experiments(Conditions()), Conditions())]
    changes = sum(one != other for one, other in itertools.pairwise(keys))
    assert changes == len(set(keys)) - 1


def _sessions(recalls: dict[str, float]) -> dict[str, list[SessionRecord]]:
    """Twenty files a label, each with one session that finds the given share of ten occurrences."""

    def session(label: str, file: int, recall: float) -> SessionRecord:
        hits = [
            AnswerRecord(0.0, 1.0, 0.0, 0.5, 1.0, "accept", "accept", index + 1, 0.0)
            for index in range(round(10 * recall))
        ]
        return SessionRecord(label, f"f{file}", "s", "", "g", 0, "", 10, "exhausted", tuple(hits))

    return {label: [session(label, file, recall) for file in range(20)] for label, recall in recalls.items()}


def test_statements_are_judged_by_the_difference():
    made = experiments(Conditions())
    recalls = {setup.label: 0.6 for setup in all_setups(made, Conditions())}
    recalls["paper:query=uncertainty"] = 0.3
    recalls["paper:components=0:selected=0"] = 0.8
    recalls[DEFAULT_LABEL] = 1.0
    outcome = {one.statement: one.outcome for one in findings(made, _sessions(recalls), budget=10)}
    assert outcome["Asking about the least certain excerpt finds less than asking about the nearest."] == "agrees"
    assert outcome["Asking at random finds less than asking about the nearest."] == "undecided"
    assert outcome["NMF helps MFCC."] == "disagrees"
    assert outcome["NMF helps CQT."] == "undecided"
    assert outcome["MFCC with NMF finds 61 % at ten rejections."] == "agrees"
    assert outcome["Regularisation gains at most 1 %."] == "agrees"
    assert outcome["(Not in the paper) The default retriever finds more than the paper's."] == "agrees"
    assert len(outcome) == 13


@pytest.mark.slow
def test_the_command_writes_figures_tables_and_a_page(bleeps, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out ü"
    options = ["experiments", str(bleeps), "--out", str(out), "--only", "query,regularisation", "--budget", "3"]
    assert main([*options, "--examples", "1"]) == 0
    assert "Random order finds" in capsys.readouterr().out
    written = {path.name for path in out.iterdir() if path.is_file()}
    assert written == {
        "README.md", "figures.json", "statements.csv", "reliability.svg",
        "query_strategies.svg", "query_strategies.csv", "regularisation.csv",
    }  # fmt: skip
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "| Asking at random finds less than asking about the nearest. |" in page
    assert page.count("Random order finds") >= 2
    assert all(f"]({name})" in page for name in ("query_strategies.svg", "reliability.svg"))
    with (out / "regularisation.csv").open(encoding="utf-8", newline="") as stream:
        header, default, *rows = csv.reader(stream)
    assert header == ["L1 ratio", "0", "0.5", "1"]
    assert default[0] == "default"
    assert len(rows) == 5
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert figures["retrievers"]["default"]["recall"] == 1.0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert main([*options, "--examples", "1"]) == 0  # nothing is run again, and the files come out the same
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_an_unknown_experiment_is_refused(bleeps, tmp_path):
    assert main(["experiments", str(bleeps), "--out", str(tmp_path), "--only", "fig9"]) == 2


@pytest.mark.parametrize("module", ["__init__", "pyplot"])
@pytest.mark.parametrize("fault", ["ImportError('no ABI\\nof this')", "AttributeError('no ABI')", "OSError('no ABI')"])
def test_a_matplotlib_that_cannot_be_loaded_is_told_before_any_work(tmp_path, module, fault):
    """It is there, and a library of it does not fit the system or another one."""
    package = tmp_path / "site" / "matplotlib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def use(_): pass\n", encoding="utf-8")
    (package / f"{module}.py").write_text(f"raise {fault}", encoding="utf-8")
    words = ["experiments", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "reatrieve", *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package.parent), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(
        "reatrieve: error: matplotlib is there but cannot be loaded (no ABI); remove it, then install it with: "
    )
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_extra_is_named(monkeypatch, tmp_path):
    import sys

    from reatrieve.lab.figures import draw_reliability

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"\[figures\]"):
        draw_reliability([[0.1, 0.1, 1]], 0.0, Path(tmp_path) / "x")
