"""Sessions against a retriever that proposes what a script says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.lab.dataset import AnnotatedSound, Recording
from reatrieve.lab.records import SessionRecord
from reatrieve.lab.sessions import (
    Conditions,
    EdgeMoves,
    Searched,
    chosen_examples,
    moved_example,
    simulate,
)
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Analysis, Proposal
from reatrieve.session.spans import Span
from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS

DURATION_S = 1000.0
PLAIN = Conditions()


class Scripted:
    """Proposes the starts of a list, one after the other, as long as the example; remembers what it was told."""

    name = "scripted"
    analysis_key = "none"

    def __init__(self, starts_s: Sequence[float]) -> None:
        self.starts_s = list(starts_s)
        self.learned: list[tuple[Span, bool]] = []

    def analyse(self, blocks, *, n_samples, progress=None):
        return Analysis(n_samples, {})

    def ranker(self, analysis, example):
        self.example = example
        return self

    def learn(self, span, *, positive):
        self.learned.append((span, positive))

    def forget(self, span):
        self.learned.pop()

    def best(self, blocked):
        if not self.starts_s:
            return None
        start_s = self.starts_s.pop(0)
        return Proposal(Span(start_s, start_s + self.example.length_s), 1.0, 0.75, 2.0)


def play(
    starts_s: Sequence[float], conditions: Conditions = PLAIN, *, example: int = 0, seed: int = 0
) -> SessionRecord:
    occurrences = tuple(Span(float(at), at + 1.0) for at in (10, 20, 30, 40, 50))
    sound = AnnotatedSound("a.wav", "x", "sample", "", occurrences, (Span(70.0, 71.0),))
    analysis = Analysis(int(DURATION_S * ANALYSIS_RATE_HZ), {})
    recording = Recording("a.wav", Path("a.wav"), "group", (sound,))
    return simulate(Searched("r", Scripted(starts_s), analysis, recording), sound, example, conditions, seed=seed)


def test_the_oracle_answers_until_nothing_is_left():
    session = play([20.002, 100.0, 70.1, 30.4])
    assert [answer.verdict for answer in session.answers] == ["accept", "reject", "skip", "accept"]
    assert [answer.credited for answer in session.answers] == [1, None, None, 2]
    assert session.answers[0].start_error_ms == pytest.approx(2.0)
    assert session.answers[1].start_error_ms is None
    assert session.over == "exhausted"
    assert session.found_after() == [0, 3]
    assert session.n_others == 4


def test_a_session_ends_at_its_budget():
    session = play([100.0 + 2 * i for i in range(20)] + [20.0], Conditions(budget=3))
    assert len(session.answers) == 3
    assert session.over == "budget"


def test_a_session_ends_after_200_accepts_and_skips():
    near = [70.0] * (MAX_ACCEPTS_AND_SKIPS + 50)
    session = play(near)
    assert len(session.answers) == MAX_ACCEPTS_AND_SKIPS
    assert session.over == "limit"


def test_a_user_who_is_always_wrong_rejects_every_hit():
    session = play([20.0, 100.0, 70.1], Conditions(wrong_answers=1.0))
    assert [answer.verdict for answer in session.answers] == ["reject", "accept", "skip"]
    assert [answer.truth for answer in session.answers] == ["accept", "reject", "skip"]
    assert session.found_after() == [0]


def test_wrong_answers_come_at_their_rate_and_differ_between_seeds():
    starts = [100.0 + 2 * i for i in range(100)]
    conditions = Conditions(budget=100, wrong_answers=0.2)
    one, again, other = (play(starts, conditions, seed=seed) for seed in (0, 0, 1))
    assert one.answers == again.answers
    assert one.answers != other.answers
    assert 8 <= sum(answer.verdict != answer.truth for answer in one.answers) <= 35


def test_start_errors_leave_out_the_examples_own_offset():
    conditions = Conditions(move_edges="0.25s")
    moved = moved_example(
        Span(10.0, 11.0), EdgeMoves.parse("0.25s"), duration_s=DURATION_S, rng=np.random.default_rng(0)
    )
    assert moved != Span(10.0, 11.0)
    session = play([20.0], conditions)
    example_s = 10.0 - session.answers[0].start_error_ms / 1000.0  # proposed exactly on the annotated start
    assert 9.75 <= example_s <= 10.25
    assert session.answers[0].end_s - session.answers[0].start_s != 1.0


def test_moved_edges_stay_within_reach_and_within_the_file():
    rng = np.random.default_rng(1)
    for _ in range(200):
        span = moved_example(Span(0.1, 4.1), EdgeMoves.parse("10%"), duration_s=4.2, rng=rng)
        assert 0.0 <= span.start_s <= 0.5
        assert 3.7 <= span.end_s <= 4.2


@pytest.mark.parametrize("text", ["10", "%", "60%", "-1s", "..s", "ten%"])
def test_other_ways_to_move_edges_are_refused(text):
    with pytest.raises(InputError, match="edges are moved by"):
        EdgeMoves.parse(text)


def test_accepting_the_rest_is_recorded_where_asked():
    session = play([20.0, 50.0, 500.0], Conditions(rest_after=(1,)))
    (rest,) = session.rest
    assert rest.n_answers == 1
    assert rest.rows == ((0.75, "accept", 4, ()), (0.75, "reject", None, ()))
    assert play([20.0, 50.0], Conditions(rest_after=(1,), rest_above=0.8)).rest[0].rows == ()


def test_what_decides_the_rest_is_asked_in_a_session_of_its_own():
    session = play([500.0, 20.0, 30.0, 600.0], Conditions(budget=1, decide_within=1))
    (rest,) = session.rest
    assert [answer.verdict for answer in session.answers] == ["reject"]
    assert (rest.n_answers, rest.asked) == (1, (("accept", 1),))
    assert SessionRecord.from_json(json.loads(json.dumps(session.as_json()))) == session


@pytest.mark.parametrize(
    ("examples", "expected"),
    [("all", [0, 1, 2, 3, 4]), ("first-last", [0, 4]), ("1", [0]), ("3", [0, 2, 4]), ("9", [0, 1, 2, 3, 4])],
)
def test_examples_are_chosen_in_time_order(examples, expected):
    assert chosen_examples(examples, 5) == expected


def test_a_lone_occurrence_is_an_example_once():
    assert chosen_examples("first-last", 1) == [0]


@pytest.mark.parametrize(
    "wrong", [{"examples": "some"}, {"examples": "0"}, {"budget": 0}, {"wrong_answers": 1.5}, {"move_edges": "far"}]
)
def test_impossible_conditions_are_refused(wrong):
    with pytest.raises(InputError):
        Conditions(**wrong)
