"""A calibration fitted on other groups: right where it should be, blind to the group itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reatrieve.lab.crossfit import cross_fitted
from reatrieve.lab.records import AnswerRecord, RestRecord, SessionRecord
from reatrieve.lab.scoring import summary


def answer(stage: float, x: float, hit: bool) -> AnswerRecord:
    truth = "accept" if hit else "reject"
    return AnswerRecord(0.0, 1.0, x, 0.9, 1.0, truth, truth, 1 if hit else None, None, (stage, x, 7.0))


def sessions(seed: int = 0, n_groups: int = 6) -> list[SessionRecord]:
    """Yes with probability 1 / (1 + exp(-3 x)) in stage 1, the other way round in stage 2."""
    rng = np.random.default_rng(seed)
    made = []
    for group in range(n_groups):
        answers = []
        for index in range(120):
            stage, x = 1.0 + index % 2, float(rng.normal())
            p = 1 / (1 + np.exp(-3 * x * (3 - 2 * stage)))
            answers.append(answer(stage, x, bool(rng.random() < p)))
        rest = RestRecord(1, ((0.5, "accept", 2, (1.0, 2.0, 7.0)), (0.5, "skip", None, (1.0, -2.0, 7.0))))
        made.append(SessionRecord("r", f"f{group}", "s", "", f"g{group}", 0, "", 9, "limit", tuple(answers), (rest,)))
    return made


def test_each_stage_gets_its_own_model():
    given = sessions()
    fitted = cross_fitted(given)
    assert summary(given, budget=3)["ece"] > 0.2
    assert summary(fitted, budget=3)["ece"] < 0.06
    for one in fitted[0].answers:
        stage, x, _ = one.features
        assert one.probability == pytest.approx(1 / (1 + np.exp(-3 * x * (3 - 2 * stage))), abs=0.15)
    assert fitted[0].rest == given[0].rest


def test_the_own_group_is_not_looked_at():
    given = sessions()
    turned = [replace(a, truth="reject" if a.truth == "accept" else "accept") for a in given[0].answers]
    changed = [replace(given[0], answers=tuple(turned)), *given[1:]]
    before = [a.probability for a in cross_fitted(given)[0].answers]
    after = [a.probability for a in cross_fitted(changed)[0].answers]
    assert after == before
    others = [a.probability for a in cross_fitted(changed)[1].answers]
    assert others != [a.probability for a in cross_fitted(given)[1].answers]


def test_nothing_changes_without_groups_or_features():
    given = sessions(n_groups=1)
    assert cross_fitted(given) == given
    bare = [replace(s, answers=tuple(replace(a, features=()) for a in s.answers)) for s in sessions()]
    assert cross_fitted(bare) == bare


def test_a_stage_that_was_hardly_seen_keeps_what_it_came_with():
    given = sessions()
    rare = replace(given[0], answers=(*given[0].answers, answer(0.0, 1.0, True)))
    assert cross_fitted([rare, *given[1:]])[0].answers[-1].probability == 0.9
