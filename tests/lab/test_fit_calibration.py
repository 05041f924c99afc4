"""The fitting program: its parts on made-up questions, and the whole of it on a data set of seconds."""

from __future__ import annotations

import pickle
import runpy

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.lab import fit_calibration
from reatrieve.lab.fit_calibration import Question, fit, report
from reatrieve.retrieval.default.calibration import EXACT, INPUTS, TOLERANT, Answers, Judgement, Setting
from reatrieve.retrieval.default.features import FIGURES

STAGES = (Answers(1, 0, 0), Answers(3, 0, 0), Answers(3, 2, 1))


def made_up(folder: str, *, speaks: str, seed: int, n: int = 60) -> list[Question]:
    """Questions in which one figure tells right from wrong, more or less."""
    rng = np.random.default_rng(seed)
    asked = []
    for number in range(n):
        truth = np.where(rng.random(20) < 0.3, 1, -1).astype(np.int8)
        figures = rng.random((20, len(FIGURES)))
        figures[:, FIGURES.index(speaks)] += 0.8 * (truth > 0)
        inputs = rng.random((20, len(INPUTS)))
        setting = Setting(STAGES[number % 3], 0.6, 3.0, 10)
        session = ("a.wav", f"sound {number // 5 % 5}", number // 5)
        asked.append(Question(folder, session, np.arange(20) * 50, figures, inputs, setting, truth, 0, True))
    return asked


def test_the_rank_models_find_the_figure_that_speaks():
    judge = fit(made_up("one", speaks="rare", seed=1))
    for row in judge.exact:
        assert int(np.argmax(np.abs(row))) == EXACT.index("rare")
    for row in judge.tolerant:
        assert int(np.argmax(np.abs(row))) == TOLERANT.index("rare")
        assert row[TOLERANT.index("rare")] > 0.0


def test_probabilities_are_calibrated_on_what_was_not_seen():
    judge = fit(made_up("one", speaks="tolerant", seed=1, n=150))
    lines = report(made_up("two", speaks="tolerant", seed=2, n=150), {"two": judge}).split()
    assert float(lines[lines.index("error") + 1]) < 0.15
    first, _, share = lines[1].partition("/")
    assert float(first) > 0.7
    assert 0.0 < float(share) < 1.0


def test_every_folder_counts_alike():
    many, few = made_up("many", speaks="rare", seed=1, n=90), made_up("few", speaks="onset", seed=2, n=15)
    weights = fit_calibration._alike([*many, *few])
    assert weights[: len(many)].sum() == pytest.approx(weights[len(many) :].sum())


def test_residuals_begin_anew_with_each_session():
    asked = made_up("one", speaks="rare", seed=1, n=9)
    judge = fit(made_up("one", speaks="rare", seed=3))
    rows = [fit_calibration._rows(q, judge) for q in asked]
    surprises = fit_calibration._surprises(asked, rows, judge)
    assert [surprise.long == 0.0 for surprise in surprises] == [q.stage == 0 or i % 5 == 0 for i, q in enumerate(asked)]


def test_too_little_is_said(bleeps):
    asked = fit_calibration.collect(bleeps, orders=True, jobs=1, cache=None)
    assert {q.session[0] for q in asked} == {"one.wav", "two.wav", "alone.wav"}
    first = next(q for q in asked if q.session[0] == "one.wav")
    assert first.stage == 0
    assert first.truth[first.picked] == 1
    assert first.figures.shape == (len(first.starts), len(FIGURES))
    assert not any((q.truth > 0).any() for q in asked if q.session[0] == "alone.wav")
    with pytest.raises(InputError, match="more recordings"):
        fit([q for q in asked if q.session[0] == "alone.wav"])


def test_the_program_writes_constants_and_prints_what_was_left_out(tmp_path, monkeypatch, capsys):
    made = {name: made_up(name, speaks="rare", seed=seed) for seed, name in enumerate(("one", "two", "three"), start=1)}
    monkeypatch.setattr(fit_calibration, "collect", lambda folder, **_: made[folder.name])
    out, keep = tmp_path / "constants.py", tmp_path / "keep"
    monkeypatch.setattr("sys.argv", ["fit", str(out), "one,two", "three", "--keep", str(keep)])
    fit_calibration.main()
    said = capsys.readouterr().out
    assert said.index("fitted on all sets") < said.index("each set left out")
    assert [said.count(f"{name} ") for name in made] == [2, 2, 2]
    constants = runpy.run_path(str(out))["BENCHMARK"]
    assert isinstance(constants, Judgement)
    left_out = pickle.loads((keep / "left_out.pickle").read_bytes())
    assert left_out["one"] == left_out["two"] == fit(made["three"])
    assert left_out["three"] == fit([*made["one"], *made["two"]])
    monkeypatch.setattr(fit_calibration, "collect", None)  # what was kept is enough
    fit_calibration.main()
    assert runpy.run_path(str(out))["BENCHMARK"] == constants
