"""What an earlier search was told becomes the beginning of a new one."""

import itertools
import random

import pytest

from reatrieve.session.earlier import EarlierAnswer, first_events
from reatrieve.session.events import Answered, Proposed, Requested, Revised, Started, Undone
from reatrieve.session.spans import Span, allowed_overlap_s, overlap_s
from reatrieve.session.state import fold

STARTED = Started(Span(10.0, 11.0), "Riser", 10, "default")


def yes(start_s, end_s):
    return EarlierAnswer("accept", Span(start_s, end_s))


def no(start_s, end_s):
    return EarlierAnswer("reject", Span(start_s, end_s))


def anywhere(_span):
    return 1.0


def test_answers_come_in_their_order_and_an_earlier_no_costs_nothing():
    events, left_out = first_events(STARTED, [yes(1.0, 2.0), no(3.0, 4.0), yes(5.0, 6.1)], anywhere)
    assert left_out == 0
    assert [type(event) for event in events] == [Started, *3 * [Requested, Answered]]
    state = fold(events)
    assert [(n, one.state, one.span) for n, one in state.candidates.items()] == [
        (1, "accepted", Span(1.0, 2.0)), (2, "rejected", Span(3.0, 4.0)), (3, "accepted", Span(5.0, 6.1)),
    ]  # fmt: skip
    assert (state.budget - state.rejections, state.over, state.current) == (10, None, None)


def test_one_that_can_be_taken_back_is_proposed_again_where_it_stood():
    events, _ = first_events(STARTED, [yes(1.0, 2.0), no(3.0, 4.0)], anywhere)
    back = fold([*events, Proposed(3, Span(7.0, 8.0), 1.0, 0.5, 1.0), Undone(2)])
    assert (back.current, back.candidates[2].span, back.rejections) == (2, Span(3.0, 4.0), 0)


def test_nothing_known_is_a_plain_beginning():
    assert first_events(STARTED, [], anywhere) == ([STARTED], 0)


def test_a_yes_on_the_example_is_its_region():
    events, left_out = first_events(STARTED, [yes(1.0, 2.0), yes(10.1, 11.2), yes(9.9, 10.9)], anywhere)
    assert left_out == 1  # two cannot be
    state = fold(events)
    assert (state.example, state.example_region) == (STARTED.example, Span(10.1, 11.2))
    assert Revised(0, Span(10.1, 11.2)) in events
    assert state.accepted == 1
    events, left_out = first_events(STARTED, [yes(10.0, 11.0)], anywhere)
    assert (events, left_out) == ([STARTED], 0)  # the same edges: nothing to tell


@pytest.mark.parametrize(("share", "kept"), [(0.5, 1), (0.499, 0)])
def test_half_of_it_must_lie_on_items(share, kept):
    events, left_out = first_events(STARTED, [yes(1.0, 2.0)], lambda _span: share)
    assert (fold(events).accepted, left_out) == (kept, 1 - kept)


@pytest.mark.parametrize(("start_s", "kept"), [(1.976, 2), (1.974, 1)])
def test_neighbours_may_touch_and_no_more(start_s, kept):
    events, left_out = first_events(STARTED, [yes(1.0, 2.0), yes(start_s, 3.0)], anywhere)
    assert (fold(events).accepted, left_out) == (kept, 2 - kept)


def test_a_yes_goes_before_a_no_at_one_place_and_the_example_before_both():
    events, left_out = first_events(STARTED, [no(1.0, 2.0), yes(1.5, 2.5), no(10.2, 11.2)], anywhere)
    state = fold(events)
    assert (state.accepted, state.rejections, left_out, state.budget) == (1, 0, 2, 10)


def test_whatever_is_handed_over_folds_and_nothing_shares_its_time():
    rng = random.Random(7)
    for _ in range(300):
        answers = []
        for _ in range(rng.randint(0, 30)):
            start_s = rng.uniform(0.0, 20.0)
            answers.append(rng.choice([yes, no])(start_s, start_s + rng.uniform(0.05, 3.0)))
        events, left_out = first_events(STARTED, answers, lambda span: rng.random() if span.start_s > 15.0 else 1.0)
        state = fold(events)
        assert state.over is None
        assert state.budget - state.rejections == STARTED.budget
        own = sum(isinstance(event, Revised) for event in events)
        assert state.answers + own + left_out == len(answers)
        places = [state.example_region, *(one.span for one in state.candidates.values())]
        for a, b in itertools.combinations(places, 2):
            assert overlap_s(a, b) <= allowed_overlap_s(max(1.0, min(a.length_s, b.length_s))) + 1e-9
