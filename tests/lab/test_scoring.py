"""Scores against hand-made sessions and obvious slow twins."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from reatrieve.lab import scoring
from reatrieve.lab.records import AnswerRecord, RestRecord, SessionRecord


def answer(
    letter: str, *, probability: float = 0.5, said: str | None = None, error_ms: float | None = None
) -> AnswerRecord:
    """A digit: a hit of that occurrence; "x" wrong, "s" near."""
    truth = {"x": "reject", "s": "skip"}.get(letter, "accept")
    credited = int(letter) if truth == "accept" else None
    if truth == "accept" and error_ms is None:
        error_ms = 0.0
    return AnswerRecord(0.0, 1.0, 0.0, probability, 0.0, said or truth, truth, credited, error_ms)


def session(
    letters: str, *, n_others: int = 4, example: int = 0, file: str = "a", sound: str = "s", **more
) -> SessionRecord:
    answers = more.pop("answers", None) or tuple(answer(letter) for letter in letters)
    return SessionRecord(
        "r", file, sound, more.pop("kind", "sample"), file, example, "", n_others, "budget", answers, **more
    )


def test_recall_counts_each_other_occurrence_once():
    assert scoring.recall(session("1x2xx20x")) == 0.5  # a repeated hit and the example find nothing
    assert math.isnan(scoring.recall(session("xx", n_others=0)))


def test_curve_is_recall_at_each_rejection_padded_with_the_end():
    assert scoring.curve(session("12x3xs"), budget=5).tolist() == [0.0, 0.5, 0.75, 0.75, 0.75, 0.75]
    assert scoring.curve(session("x1x2"), budget=2).tolist() == [0.0, 0.0, 0.25]
    assert scoring.curve(session("12"), budget=3).tolist() == [0.0, 0.5, 0.5, 0.5]
    assert scoring.curve(session(""), budget=3).tolist() == [0.0] * 4


def test_a_hit_rejected_by_mistake_is_found_but_not_accepted():
    wrong = session("", answers=(answer("1", said="reject"), answer("2"), answer("x", said="accept")))
    assert scoring.recall(wrong) == 0.5
    assert scoring.accepted_recall(wrong) == 0.25
    assert scoring.curve(wrong, budget=2).tolist() == [0.0, 0.25, 0.5]


def _slow_curve(letters: str, n_others: int, budget: int) -> list[float]:
    values, found, rejections = [0.0], set(), 0
    for letter in letters:
        if letter == "x":
            rejections += 1
            if rejections <= budget:
                values.append(len(found) / n_others)
        elif letter.isdigit() and letter != "0":
            found.add(letter)
    while len(values) < budget + 1:
        values.append(len(found) / n_others)
    return values


def test_curve_agrees_with_its_slow_twin():
    rng = np.random.default_rng(0)
    for _ in range(200):
        letters = ""
        while letters.count("x") < 6 and len(letters) < 25:
            letters += rng.choice(list("0123456xxs"))
        assert scoring.curve(session(letters, n_others=6), budget=6).tolist() == _slow_curve(letters, 6, 6)


def test_averages_go_session_sound_all():
    sessions = [
        session("1234", sound="a"), session("x", sound="a"),  # .5
        session("1xx", sound="b"),  # .25
        session("1", sound="c", n_others=1, file="b"),  # 1
        session("xx", sound="d", n_others=0, file="b"),  # no recall
    ]  # fmt: skip
    figures = scoring.summary(sessions, budget=2)
    assert figures["recall"] == pytest.approx((0.5 + 0.25 + 1.0) / 3)
    assert figures["curve"][-1] == figures["recall"]
    assert figures["sounds"] == 3
    assert figures["sessions"] == 4
    assert figures["answers_per_found"] == pytest.approx((4 + 1 + 3 + 1) / 6)
    assert figures["first_candidate_right"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert figures["all_found_share"] == pytest.approx((0.5 + 0 + 1) / 3)


def test_a_skipped_first_candidate_is_not_the_first():
    assert scoring.summary([session("s1")], budget=2)["first_candidate_right"] == 1.0
    assert scoring.summary([session("sx1")], budget=2)["first_candidate_right"] == 0.0


def test_start_errors_are_absolute_and_leave_the_example_out():
    answers = (answer("1", error_ms=-4.0), answer("2", error_ms=2.0), answer("0", error_ms=500.0), answer("x"))
    figures = scoring.summary([session("", answers=answers)], budget=2)
    assert figures["start_error_ms_median"] == 3.0
    assert figures["start_error_ms_p95"] == pytest.approx(3.9)


def test_calibration_error_of_known_bins():
    probability = np.repeat([0.1, 0.9], 50)
    hit = np.repeat([0.0, 1.0], 50)
    assert scoring.calibration_error(probability, hit) == pytest.approx(0.1)
    assert math.isnan(scoring.calibration_error(np.zeros(0), np.zeros(0)))


def _slow_calibration_error(probability, hit, n_bins):
    rows = sorted(zip(probability, hit, strict=True), key=lambda row: row[0])
    small, extra = divmod(len(rows), n_bins)
    error, at = 0.0, 0
    for index in range(n_bins):
        size = small + (index < extra)
        rows_in = rows[at : at + size]
        at += size
        if rows_in:
            error += abs(sum(p for p, _ in rows_in) - sum(h for _, h in rows_in)) / len(rows)
    return error


def test_calibration_error_agrees_with_its_slow_twin():
    rng = np.random.default_rng(1)
    for n in (3, 10, 57, 200):
        probability = rng.random(n)
        hit = (rng.random(n) < probability).astype(float)
        assert scoring.calibration_error(probability, hit) == pytest.approx(
            _slow_calibration_error(probability, hit, 10)
        )


def _some_sessions(seed: int) -> list[SessionRecord]:
    rng = np.random.default_rng(seed)
    return [
        session("".join(rng.choice(list("1234xx"), size=8)), file=f"f{file}", sound=f"s{sound}")
        for file in range(12)
        for sound in range(int(rng.integers(1, 4)))
    ]


def test_intervals_resample_files_like_the_slow_twin():
    sessions = _some_sessions(2)
    files = sorted({s.file for s in sessions})
    rng = np.random.default_rng(5)
    draws = []
    for counts in rng.multinomial(len(files), [1 / len(files)] * len(files), size=200):
        pooled = [
            scoring.recall(s) for name, n in zip(files, counts, strict=True) for s in sessions * n if s.file == name
        ]
        draws.append(np.mean(pooled))  # one session a sound
    low, high = scoring.intervals(sessions, budget=4, seed=5, n_resamples=200)["recall"]
    assert (low, high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])))
    assert low < scoring.summary(sessions, budget=4)["recall"] < high


def test_a_paired_difference_with_oneself_is_nought():
    sessions = _some_sessions(3)
    difference = scoring.paired_difference(sessions, sessions, budget=4, n_resamples=50)
    assert difference["recall"] == 0.0
    assert difference["interval"]["recall"] == [0.0, 0.0]


def test_a_paired_difference_is_first_minus_other():
    better = [session("1234", file=f"f{i}") for i in range(4)]
    worse = [session("12", file=f"f{i}") for i in range(4)]
    difference = scoring.paired_difference(better, worse, budget=2, n_resamples=20)
    assert difference["recall"] == 0.5
    assert difference["interval"]["recall"] == [0.5, 0.5]
    assert difference["curve"] == [0.0, 0.5, 0.5]


def test_records_survive_a_line_of_json():
    rest = RestRecord(2, ((0.9, "accept", 1, (0.5, 1.0)), (0.6, "reject", None, ())))
    made = session("1xs", rest=(rest,))
    assert SessionRecord.from_json(json.loads(json.dumps(made.as_json()))) == made
