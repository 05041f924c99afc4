"""Which edges a user may give to a place."""

from __future__ import annotations

import pytest

from reatrieve.errors import InputError
from reatrieve.session.edges import EdgesError, check_edges
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionState, fold

DURATION_S = 20.0


def proposed(number: int, start_s: float) -> Proposed:
    return Proposed(number, Span(start_s, start_s + 1.0), 1.0, 0.9, 3.0)


@pytest.fixture
def state() -> SessionState:
    """The example at 1 s, 4 s accepted, 7 s rejected, 10 s skipped, 13 s open."""
    return fold(
        [
            Started(Span(1.0, 2.0), "riser", 10, "default"),
            proposed(1, 4.0),
            Answered(1, "accept", Span(4.0, 5.0)),
            proposed(2, 7.0),
            Answered(2, "reject", Span(7.0, 8.0)),
            proposed(3, 10.0),
            Answered(3, "skip", Span(10.0, 11.0)),
            proposed(4, 13.0),
        ]
    )


@pytest.mark.parametrize("edges", [(13.0, 14.0), (12.5, 14.5), (13.2, 13.3), (11.0, 20.04), (10.98, 13.5)])
def test_edges_around_the_place_are_taken(state: SessionState, edges: tuple[float, float]) -> None:
    check_edges(state, 4, Span(*edges), duration_s=DURATION_S)


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((15.0, 16.0), "apart from the place that was proposed"),
        ((14.0, 15.0), "apart from the place that was proposed"),
        ((13.0, 20.06), "outside the searched audio"),
        ((-0.06, 13.5), "outside the searched audio"),
        ((10.9, 13.5), "candidate 3, which is skipped"),
        ((7.5, 13.5), "candidate 2, which is rejected"),
        ((4.5, 13.5), "candidate 1, which is accepted"),
        ((1.5, 13.5), "the example"),
    ],
)
def test_edges_that_cannot_be_meant_are_refused_by_name(
    state: SessionState, edges: tuple[float, float], reason: str
) -> None:
    with pytest.raises(EdgesError, match=reason):
        check_edges(state, 4, Span(*edges), duration_s=DURATION_S)


def test_an_accepted_region_and_the_example_are_checked_alike(state: SessionState) -> None:
    check_edges(state, 1, Span(4.2, 5.5), duration_s=DURATION_S)
    check_edges(state, 0, Span(0.5, 2.5), duration_s=DURATION_S)
    with pytest.raises(EdgesError, match="candidate 2"):
        check_edges(state, 1, Span(4.0, 7.5), duration_s=DURATION_S)
    with pytest.raises(EdgesError, match="the edges of the example lie on candidate 1"):
        check_edges(state, 0, Span(1.0, 4.5), duration_s=DURATION_S)
    with pytest.raises(InputError, match="no candidate 9"):
        check_edges(state, 9, Span(1.0, 2.0), duration_s=DURATION_S)


def test_what_touches_as_proposed_may_go_on_touching() -> None:
    touching = Proposed(1, Span(1.96, 2.96), 1.0, 0.9, 3.0)
    state = fold([Started(Span(1.0, 2.0), "riser", 10, "default"), touching])
    check_edges(state, 1, touching.span, duration_s=DURATION_S)
    check_edges(state, 1, Span(1.96, 3.2), duration_s=DURATION_S)
    with pytest.raises(EdgesError, match="the example"):
        check_edges(state, 1, Span(1.9, 3.2), duration_s=DURATION_S)
