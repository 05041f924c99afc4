"""The oracle against its rules, one by one, and against an obvious slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from reatrieve.annotations.oracle import Oracle, OracleAnswer
from reatrieve.errors import InputError
from reatrieve.session.spans import Span


def test_more_than_half_of_the_shorter_is_a_yes():
    oracle = Oracle([Span(10.0, 12.0)])
    assert oracle.answer(Span(10.9, 12.9)) == OracleAnswer("accept", 0)
    assert oracle.answer(Span(11.0, 13.0)) == OracleAnswer("reject", None)  # exactly half
    assert oracle.answer(Span(10.0, 20.0)) == OracleAnswer("accept", 0)  # all of the shorter


def test_exactly_half_is_no_hit_whatever_the_decimal_rounding():
    for tenth in range(200):
        start = tenth / 10
        assert Oracle([Span(start, start + 0.6)]).answer(Span(start + 0.3, start + 0.9)).verdict == "reject"


def test_the_paper_divides_by_the_candidate():
    occurrences = [Span(10.0, 12.0)]
    assert Oracle(occurrences, denominator="paper").answer(Span(8.0, 13.0)).verdict == "reject"
    assert Oracle(occurrences).answer(Span(8.0, 13.0)).verdict == "accept"
    assert Oracle(occurrences, denominator="paper").answer(Span(11.0, 11.5)).verdict == "accept"


def test_the_most_overlapped_occurrence_is_credited_and_ties_go_to_the_first():
    oracle = Oracle([Span(0.0, 2.0), Span(1.5, 3.5), Span(1.5, 3.5)])
    assert oracle.answer(Span(1.2, 3.2)).credited == 1
    assert oracle.answer(Span(0.4, 2.4)).credited == 0


def test_an_occurrence_overlapped_most_but_not_hit_is_not_credited():
    oracle = Oracle([Span(0.0, 10.0), Span(9.9, 10.4)])
    # the candidate shares 1.9 s of its 4 s with the long one (no hit) and all of the short one
    assert oracle.answer(Span(8.1, 12.1)).credited == 1


def test_near_is_skipped_only_without_a_hit_and_by_more_than_half_of_the_candidate():
    oracle = Oracle([Span(10.0, 12.0)], near=[Span(12.0, 14.0), Span(10.0, 12.0)])
    assert oracle.answer(Span(10.1, 12.1)).verdict == "accept"
    assert oracle.answer(Span(12.5, 14.5)).verdict == "skip"
    assert oracle.answer(Span(13.5, 15.5)).verdict == "reject"
    assert Oracle([], near=[Span(0.0, 1.0)]).answer(Span(0.0, 4.0)).verdict == "reject"


def test_an_unknown_denominator_is_refused():
    with pytest.raises(InputError, match="oracle"):
        Oracle([], denominator="longer")  # type: ignore[arg-type]


def _slow_twin(oracle: Oracle, span: Span, grid_s: float) -> OracleAnswer:
    """Counts cells of a fine grid; all times of the test lie on the grid."""

    def cells(s: Span) -> set[int]:
        return set(range(round(s.start_s / grid_s), round(s.end_s / grid_s)))

    mine = cells(span)
    hits = {}
    for index, occurrence in enumerate(oracle.occurrences):
        theirs = cells(occurrence)
        whole = len(mine) if oracle.denominator == "paper" else min(len(mine), len(theirs))
        if 2 * len(mine & theirs) > whole:
            hits[index] = len(mine & theirs)
    if hits:
        return OracleAnswer("accept", min(hits, key=lambda index: (-hits[index], index)))
    if any(2 * len(mine & cells(other)) > len(mine) for other in oracle.near):
        return OracleAnswer("skip", None)
    return OracleAnswer("reject", None)


@pytest.mark.parametrize("denominator", ["shorter", "paper"])
def test_agrees_with_counting_cells(denominator):
    rng = np.random.default_rng(3)
    grid_s = 0.01

    def span() -> Span:
        start = int(rng.integers(0, 400))
        return Span(start * grid_s, (start + int(rng.integers(1, 120))) * grid_s)

    for _ in range(300):
        oracle = Oracle([span() for _ in range(4)], [span() for _ in range(2)], denominator)
        candidate = span()
        assert oracle.answer(candidate) == _slow_twin(oracle, candidate, grid_s)
