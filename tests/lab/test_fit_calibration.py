"""The fitting program: its parts on made-up questions, and the whole of it on a data set of seconds."""

from __future__ import annotations

import json
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


def made_up(folder: str, *, speaks: str, seed: int, n: int = 60, clearly: float = 0.8) -> list[Question]:
    """Questions in which one figure tells right from wrong, more or less; asked about where it is greatest."""
    rng = np.random.default_rng(seed)
    asked = []
    for number in range(n):
        truth = np.where(rng.random(20) < 0.3, 1, -1).astype(np.int8)
        figures = rng.random((20, len(FIGURES)))
        figures[:, FIGURES.index(speaks)] += clearly * (truth > 0)
        picked = int(np.argmax(figures[:, FIGURES.index(speaks)]))
        inputs = rng.random((20, len(INPUTS)))
        setting = Setting(STAGES[number % 3], 0.6, 3.0, 10)
        session = ("a.wav", f"sound {number // 5 % 5}", number // 5)
        asked.append(Question(folder, session, np.arange(20) * 50, figures, inputs, setting, truth, picked, True))
    return asked


def test_the_rank_models_find_the_figure_that_speaks():
    judge = fit(made_up("one", speaks="ridge", seed=1))
    for names, row in zip((*EXACT, *[TOLERANT] * 3), (*judge.exact, *judge.tolerant), strict=True):
        assert int(np.argmax(np.abs(row))) == names.index("ridge")
        assert row[names.index("ridge")] > 0.0


def test_probabilities_are_calibrated_on_what_was_not_seen():
    judge = fit(made_up("one", speaks="tolerant", seed=1, n=150, clearly=0.3))
    lines = report(made_up("two", speaks="tolerant", seed=2, n=150, clearly=0.3), {"two": judge}).split()
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
    surprises = fit_calibration._surprises(asked, rows, [judge] * len(rows))
    assert [surprise == 0.0 for surprise in surprises] == [q.stage == 0 or i % 5 == 0 for i, q in enumerate(asked)]


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
    monkeypatch.setattr(fit_calibration, "load_dataset", str)
    out, keep = tmp_path / "constants.py", tmp_path / "keep"
    monkeypatch.setattr("sys.argv", ["fit", str(out), "one,two", "three", "--keep", str(keep)])
    assert fit_calibration.main() == 0
    said = capsys.readouterr().out
    assert said.index("fitted on all sets") < said.index("each set left out")
    assert [said.count(f"{name} ") for name in made] == [2, 2, 2]
    constants = runpy.run_path(str(out))["BENCHMARK"]
    assert isinstance(constants, Judgement)
    rows = json.loads((keep / "left_out.json").read_text(encoding="utf-8"))
    left_out = {name: Judgement(*(tuple(map(tuple, row[key])) for key in row)) for name, row in rows.items()}
    assert left_out["one"] == left_out["two"] == fit(made["three"])
    assert left_out["three"] == fit([*made["one"], *made["two"]], {"one": 0, "two": 0})
    monkeypatch.setattr(fit_calibration, "collect", None)  # what was kept is enough
    assert fit_calibration.main() == 0
    assert runpy.run_path(str(out))["BENCHMARK"] == constants


def test_questions_are_kept_as_they_are_and_damaged_ones_are_asked_anew(tmp_path):
    asked, path = made_up("one", speaks="rare", seed=1, n=7), tmp_path / "one.npz"
    fit_calibration._write(path, asked)
    for one, kept in zip(asked, fit_calibration._read(path), strict=True):
        for name in ("starts", "figures", "inputs", "truth"):
            before, after = getattr(one, name), getattr(kept, name)
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)
        told = [(q.folder, q.session, q.setting, q.picked, q.orders) for q in (one, kept)]
        assert told[0] == told[1]
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2], pickle.dumps(asked)):
        path.write_bytes(content)
        assert fit_calibration._read(path) is None


def test_nothing_that_is_kept_is_executed(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (ran.write_text, ("x",))

    path = tmp_path / "one.npz"
    path.write_bytes(pickle.dumps(Evil()))
    assert fit_calibration._read(path) is None
    np.savez(path, constants=np.array(fit_calibration._by_constants()), told=np.array([Evil()], dtype=object))
    assert fit_calibration._read(path) is None
    assert not ran.exists()


def test_surprise_is_learned_from_odds_of_another_set(monkeypatch):
    one, two = made_up("one", speaks="rare", seed=1), made_up("two", speaks="rare", seed=2)
    seen = []

    def watched(asked, rows, judges):
        seen.append({row.folder: judge for row, judge in zip(rows, judges, strict=True)})
        return surprises(asked, rows, judges)

    surprises = fit_calibration._surprises
    monkeypatch.setattr(fit_calibration, "_surprises", watched)
    apart = fit([*one, *two])
    together = fit([*one, *two], {"one": 0, "two": 0})
    assert (apart.exact, apart.tolerant, apart.probability) == (together.exact, together.tolerant, together.probability)
    assert seen[0]["one"].probability != seen[0]["two"].probability
    assert apart.probability not in (seen[0]["one"].probability, seen[0]["two"].probability)
    assert seen[1]["one"].probability == seen[1]["two"].probability == together.probability


def test_folders_with_a_plus_count_as_one(tmp_path, monkeypatch):
    made = {name: made_up(name, speaks="rare", seed=seed) for seed, name in enumerate(("one", "two", "three"), start=1)}
    monkeypatch.setattr(fit_calibration, "collect", lambda folder, **_: made[folder.name])
    monkeypatch.setattr(fit_calibration, "load_dataset", str)
    fitted = []

    def watched(asked, set_of):
        fitted.append((asked, set_of))
        return fit(asked, set_of)

    monkeypatch.setattr(fit_calibration, "fit", watched)
    monkeypatch.setattr("sys.argv", ["fit", str(tmp_path / "constants.py"), "a/one+a/two", "three"])
    assert fit_calibration.main() == 0
    asked, set_of = fitted[0]
    assert set_of == {"one+two": 0, "three": 1}
    assert {q.folder for q in asked} == {"one+two", "three"}
    assert len({q.sound for q in asked if q.folder == "one+two"}) == len({q.sound for q in made["one"] + made["two"]})
    weights = fit_calibration._alike(asked)
    assert sum(w for q, w in zip(asked, weights, strict=True) if q.folder == "three") == pytest.approx(1.0)
    assert weights.sum() == pytest.approx(2.0)
