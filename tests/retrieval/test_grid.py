"""Which start comes next, and which one stands for a dragged region."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.retrieval.excerpt import HOP_S, excerpt_frames, frame_near, frame_time_s
from reatrieve.retrieval.grid import Grid, rounded, window_for
from reatrieve.retrieval.paper.retriever import remaining
from reatrieve.session.spans import Span, allowed_overlap_s, is_blocked, overlap_s


def grid(n_starts=400, length_s=1.0, offset_s=0.003):
    return Grid(n_starts, offset_s=offset_s, length_s=length_s, duration_s=n_starts * HOP_S + length_s)


spans = st.builds(lambda a, n: Span(a, a + n), st.floats(-2.0, 11.0), st.floats(0.001, 3.0))


@given(st.lists(spans, max_size=5), st.floats(0.03, 3.0))
@settings(max_examples=80)
def test_free_places_are_those_not_blocked(blocked, length_s):
    places = grid(length_s=length_s)
    free = places.free(blocked)
    limit = allowed_overlap_s(length_s)
    for start in range(0, 400, 7):
        span = places.span(start)
        if free[start] == is_blocked(span, blocked, length_s=length_s):  # equal only if an overlap is just the limit
            overlaps = [min(span.end_s, b.end_s) - max(span.start_s, b.start_s) for b in blocked]
            assert min(abs(o - limit) for o in overlaps) < 1e-9


@given(st.lists(spans, max_size=5), st.floats(0.03, 3.0))
@settings(max_examples=40)
def test_crowding_is_the_greatest_share_that_one_neighbour_covers(blocked, length_s):
    places = grid(length_s=length_s)
    starts = np.arange(0, 400, 7)
    expected = [max((overlap_s(places.span(i), b) for b in blocked), default=0.0) / length_s for i in starts]
    np.testing.assert_allclose(places.crowding(starts, blocked), expected, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 2.0), st.lists(spans, max_size=3))
@settings(max_examples=50)
def test_ranked_places_fall_in_score_and_overlap_nothing(seed, length_s, blocked):
    places = grid(length_s=length_s)
    scores = rounded(np.random.default_rng(seed).random(400))
    order = list(places.ranked(scores, blocked))
    assert all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    taken = list(blocked)
    for start in order:
        shrunk = Span(places.span(start).start_s + 1e-9, places.span(start).end_s - 1e-9)
        assert not is_blocked(shrunk, taken, length_s=length_s)
        taken.append(places.span(start))
    assert not places.free(taken).any()


def test_ties_go_to_the_earliest():
    scores = np.zeros(400)
    scores[[90, 200, 310]] = [0.1234561, 0.1234562, 0.1234559]
    order = grid(length_s=0.3).ranked(rounded(scores), [])
    assert [next(order) for _ in range(3)] == [90, 200, 310]


def test_the_grid_stays_inside_the_sound():
    places = Grid(10, offset_s=-0.01, length_s=1.0, duration_s=1.1)
    assert places.starts_s[0] == 0.0
    assert places.starts_s[-1] == pytest.approx(0.1)


def test_frames_and_seconds_agree():
    assert frame_near(0.0) == 0
    assert frame_near(HOP_S * 7.5) == 8
    assert frame_time_s(3) == 3 * 512 / 22050
    assert [excerpt_frames(s) for s in (1e-4, 0.02, 1.0)] == [1, 1, 43]


def test_a_dragged_region_stands_for_the_window_that_resembles_most():
    places = grid()
    like = np.zeros(400)
    like[60] = 1.0
    at = places.span(60).start_s
    assert window_for(places.span(55), places, like.__getitem__) == 55
    assert window_for(Span(at - 0.5, at + 1.2), places, like.__getitem__) == 60
    assert window_for(Span(at + 0.3, at + 1.0), places, like.__getitem__) == 60
    assert window_for(Span(-5.0, -4.0), places, like.__getitem__) == 0
    assert window_for(Span(500.0, 501.0), places, like.__getitem__) == 399


def test_remaining_counts_peaks_once():
    p = np.zeros(100)
    p[[20, 21, 22, 70]] = [0.5, 0.9, 0.4, 0.8]
    assert remaining(p, excerpt_frames=10) == pytest.approx(1.7)
    assert remaining(np.zeros(5), excerpt_frames=3) == 0.0


@given(st.integers(1, 60), st.floats(0.03, 3.0), st.sampled_from([0.5, 1.0]), st.floats(-2.0, 4.0))
def test_the_nearest_place_is_the_first_of_the_nearest(n_starts, length_s, least_share, time_s):
    """Places that were moved inside stand at one time."""
    places = Grid(n_starts, offset_s=-0.2, length_s=length_s, duration_s=n_starts * HOP_S, least_share=least_share)
    assert places.nearest(time_s) == int(np.argmin(np.abs(places.starts_s - time_s)))
