"""What sessions say of themselves against hand-made ones."""

from __future__ import annotations

import pytest

from reatrieve.lab.records import AnswerRecord, RestRecord, SessionRecord
from reatrieve.lab.self_report import asked_until_said, nothing_else_summary, rest_f1, rest_summary
from reatrieve.session.stopping import LEFT_BELOW, LEFT_WITHOUT_A_YES, NO_IN_A_ROW, NO_WITHOUT_A_YES

LOW = 0.9 * min(LEFT_BELOW, LEFT_WITHOUT_A_YES)
HIGH = 1.1 * max(LEFT_BELOW, LEFT_WITHOUT_A_YES)


def session(
    letters: str, remaining: list[float], *, n_others: int = 2, rest: tuple[RestRecord, ...] = ()
) -> SessionRecord:
    answers = tuple(
        AnswerRecord(0.0, 1.0, 0.0, 0.5, left, truth, truth, int(letter) if letter.isdigit() else None, None)
        for letter, left in zip(letters, remaining, strict=True)
        for truth in ["accept" if letter.isdigit() else "reject"]
    )
    return SessionRecord("r", "a", "s", "", "a", 0, "", n_others, "budget", answers, rest)


def test_nothing_else_is_said_after_no_in_a_row_with_a_low_estimate():
    no = "x" * NO_IN_A_ROW
    assert asked_until_said(session(f"1{no}2xx", [2.0, *[LOW] * (NO_IN_A_ROW + 3)])) == NO_IN_A_ROW + 1
    assert asked_until_said(session(f"1{no}xx", [2.0, *[HIGH] * (NO_IN_A_ROW + 1), LOW])) == NO_IN_A_ROW + 2
    assert asked_until_said(session("x" * NO_WITHOUT_A_YES, [LOW] * NO_WITHOUT_A_YES)) is None
    assert asked_until_said(session(f"1{no[1:]}2x", [LOW] * (NO_IN_A_ROW + 2))) is None


def test_saying_so_with_a_tenth_left_is_too_early():
    no = "x" * NO_IN_A_ROW
    early = session(f"1{no}2x", [2.0, *[LOW] * (NO_IN_A_ROW + 2)])
    right = session(f"12{no}x", [2.0, *[LOW] * (NO_IN_A_ROW + 2)])
    alone = session("x" * (NO_WITHOUT_A_YES + 1), [LOW] * (NO_WITHOUT_A_YES + 1), n_others=0)
    summary = nothing_else_summary([early, right, alone])
    assert summary["said_share"] == 1.0
    assert summary["said_too_early_share"] == 0.5
    assert summary["asked_until_said_median"] == NO_IN_A_ROW + 1.5
    assert summary["alone_asked_until_said_max"] == NO_WITHOUT_A_YES
    assert nothing_else_summary([right])["alone_said_share"] is None


REST = RestRecord(
    1, ((0.9, "accept", 2, ()), (0.8, "reject", None, ()), (0.7, "skip", None, ()), (0.2, "accept", 3, ()))
)


def test_f1_counts_what_was_accepted_and_what_the_rest_adds():
    one = session("1x", [1.0, 1.0], n_others=3, rest=(REST,))
    assert rest_f1(one, REST, above=0.5) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert rest_f1(one, REST, above=0.1) == pytest.approx(2 * 3 / (2 * 3 + 1))
    assert rest_f1(one, REST, above=0.95) == pytest.approx(2 * 1 / (2 * 1 + 2))


def test_a_session_that_ended_earlier_counts_with_its_end():
    ended = session("12", [1.0, 1.0], rest=(RestRecord(0, ()),))
    longer = session("1xxx", [1.0] * 4, rest=(RestRecord(0, ()), RestRecord(3, ())))
    summary = rest_summary([ended, longer], above=0.5)
    assert summary["n_answers"] == [0, 3]
    assert summary["f1"] == pytest.approx([0.0, (1.0 + 2 / 3) / 2])
    nothing = {"above": 0.5, "n_answers": [], "f1": [], "decided_f1": None, "decided_answers": None}
    assert rest_summary([session("1", [1.0])], above=0.5) == nothing


def test_answers_that_decide_the_rest_count_in_place_of_the_sessions_own():
    rows = ((0.9, "accept", 2, ()), (0.9, "reject", None, ()), (0.2, "accept", 1, ()))
    decided = RestRecord(2, rows, asked=(("accept", 1), ("reject", None)))
    one = session("xxx", [1.0] * 3, n_others=3, rest=(RestRecord(0, ()), decided))
    assert rest_f1(one, decided, above=0.5) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    summary = rest_summary([one], above=0.5)
    assert (summary["n_answers"], summary["f1"]) == ([0], [0.0])
    assert (summary["decided_f1"], summary["decided_answers"]) == (pytest.approx(4 / 6), 2.0)
