"""The session is what its events add up to."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Reanswered,
    Renamed,
    Retracted,
    Revised,
    SessionEvent,
    Started,
    Undone,
    Verdict,
)
from reatrieve.session.spans import Span
from reatrieve.session.state import LabelledSpan, SessionState, fold

STARTED = Started(Span(1.0, 2.0), "stab", 3, "default")


def proposed(number: int) -> Proposed:
    return Proposed(number, Span(10.0 * number, 10.0 * number + 1.0), 0.5, 0.9, 4.0)


def answered(number: int, verdict: Verdict = "accept", by_s: float = 0.0) -> Answered:
    return Answered(number, verdict, proposed(number).span.moved(by_s))


def played(*verdicts: Verdict) -> list[SessionEvent]:
    events: list[SessionEvent] = [STARTED]
    for number, verdict in enumerate(verdicts, start=1):
        events += [proposed(number), answered(number, verdict)]
    return events


def test_a_session_starts_with_its_example_alone():
    state = fold([STARTED])
    assert (state.current, state.next_number, state.rejections, state.accepted, state.over) == (None, 1, 0, 0, None)
    assert state.positives == (STARTED.example,)
    assert state.blocked == (STARTED.example,)
    assert state.accepted_regions == ((0, STARTED.example),)
    assert state.length_s == 1.0


def test_answers_sort_candidates_into_p_and_n():
    state = fold(played("accept", "reject", "skip"))
    assert state.positives == (STARTED.example, proposed(1).span)
    assert state.negatives == (proposed(2).span,)
    assert state.labels == (LabelledSpan(proposed(1).span, True), LabelledSpan(proposed(2).span, False))
    assert state.blocked == (STARTED.example, *(proposed(n).span for n in (1, 2, 3)))
    assert (state.accepted, state.rejections, state.answers) == (1, 1, 3)
    assert state.accepted_regions == ((0, STARTED.example), (1, proposed(1).span))


def test_dragged_edges_are_the_answer_and_the_old_place_stays_blocked():
    state = fold([STARTED, proposed(1), answered(1, "accept", by_s=0.4)])
    moved = proposed(1).span.moved(0.4)
    assert state.positives[1] == moved
    assert state.blocked == (STARTED.example, moved, proposed(1).span)
    assert state.candidates[1].proposed == proposed(1).span


def test_the_budget_ends_the_session_and_more_reopens_it():
    state = fold(played("reject", "reject", "reject"))
    assert state.over == "budget"
    assert state.current is None
    with pytest.raises(InputError, match="over"):
        state.apply(proposed(4))
    more = state.apply(BudgetRaised(10))
    assert (more.over, more.budget) == (None, 13)
    assert more.apply(proposed(4)).current == 4


def test_finish_drops_the_open_candidate_and_more_goes_on_with_its_number():
    state = fold([*played("accept"), proposed(2), Finished()])
    assert state.over == "finished"
    assert set(state.candidates) == {1}
    assert state.apply(BudgetRaised(1)).apply(proposed(2)).current == 2


def test_a_finish_taken_back_leaves_the_budget_alone():
    before = fold([*played("accept"), proposed(2)])
    assert before.apply(Finished()).apply(BudgetRaised(0)).apply(proposed(2)) == before


def test_undo_takes_back_every_later_answer():
    state = fold([*played("accept", "reject", "reject"), Undone(2)])
    assert state.current == 2
    assert state.over is None
    assert state.candidates[2].span == proposed(2).span
    assert (state.accepted, state.rejections) == (1, 0)
    assert fold([*played("accept"), proposed(2)]) == state


def test_undo_reopens_a_finished_session():
    state = fold([*played("accept"), Finished(), Undone(1)])
    assert (state.over, state.current) == (None, 1)


def test_retracted_is_neither_yes_nor_no_but_blocked():
    state = fold([*played("accept"), Retracted(1)])
    assert state.positives == (STARTED.example,)
    assert state.negatives == ()
    assert proposed(1).span in state.blocked
    assert state.accepted_regions == ((0, STARTED.example),)
    with pytest.raises(InputError, match="retracted"):
        state.apply(Retracted(1))


def test_the_example_can_lose_its_region_and_still_teach():
    state = fold([STARTED, Revised(0, Span(1.1, 2.1))])
    assert state.accepted_regions == ((0, Span(1.1, 2.1)),)
    gone = state.apply(Retracted(0))
    assert gone.accepted_regions == ()
    assert gone.positives == (STARTED.example,)
    with pytest.raises(InputError, match="already"):
        gone.apply(Retracted(0))


def test_revised_edges_replace_the_answer():
    state = fold([*played("accept", "accept"), Revised(1, Span(50.0, 51.5))])
    assert state.positives[1] == Span(50.0, 51.5)
    assert proposed(1).span in state.blocked


def test_a_retracted_region_that_comes_back_is_accepted_again():
    state = fold([*played("accept"), Retracted(1), Revised(1, Span(10.1, 11.1))])
    assert state.positives == (STARTED.example, Span(10.1, 11.1))
    assert fold([STARTED, Retracted(0), Revised(0, STARTED.example)]) == fold([STARTED])


def test_rename_keeps_all_else():
    before = fold(played("accept"))
    assert before.apply(Renamed("riser")) == replace(before, label="riser")


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (STARTED, "already started"),
        (proposed(3), "out of turn"),
        (answered(1), "the current one is 2"),
        (Answered(2, "maybe", Span(0, 1)), "unknown verdict"),  # type: ignore[arg-type]
        (Undone(2), "no answer"),
        (Undone(7), "no candidate 7"),
        (Retracted(2), "only an accepted"),
        (Revised(2, Span(0, 1)), "only an accepted"),
        (BudgetRaised(-1), "at least 0"),
        (Proposed(2, Span(0, 1), float("nan"), 0.5, 1.0), "finite score"),
        ("nonsense", "unknown session event"),
    ],
)
def test_impossible_events_are_refused(event, says):
    state = fold([*played("accept"), proposed(2)])
    with pytest.raises(InputError, match=says):
        state.apply(event)


def test_an_answer_without_a_candidate_is_refused():
    with pytest.raises(InputError, match="no candidate is open"):
        fold([STARTED]).apply(answered(1))


def test_a_proposal_may_replace_the_open_one():
    state = fold([STARTED, proposed(1), replace(proposed(1), span=Span(5.0, 6.0))])
    assert state.candidates[1].proposed == Span(5.0, 6.0)


@pytest.mark.parametrize("events", [[], [proposed(1)]])
def test_a_session_needs_its_start(events):
    with pytest.raises(InputError):
        fold(events)


@pytest.mark.parametrize("budget", [0, -1, True, 2.5])
def test_a_budget_is_a_whole_positive_number(budget):
    with pytest.raises(InputError, match="budget"):
        fold([replace(STARTED, budget=budget)])


def test_a_state_crosses_processes():
    state = fold(played("accept", "reject"))
    assert pickle.loads(pickle.dumps(state)) == state


@st.composite
def sessions(draw: st.DrawFn) -> list[SessionEvent]:
    """Any possible session: each event drawn among those possible where it stands."""
    events: list[SessionEvent] = [replace(STARTED, budget=draw(st.integers(1, 5)))]
    state = fold(events)
    for _ in range(draw(st.integers(0, 25))):
        options: list[SessionEvent] = [BudgetRaised(draw(st.integers(1, 3))), Renamed("x")]
        if draw(st.integers(0, 9)) == 0:
            options = [Finished()]
        elif state.current is not None:
            verdict = draw(st.sampled_from(["accept", "reject", "skip"]))
            options.append(answered(state.current, verdict, by_s=draw(st.sampled_from([0.0, 0.0, 0.3]))))
        elif state.over is None:
            options.append(proposed(state.next_number))
        for one in state.candidates.values():
            if one.state != "candidate":
                options.append(Undone(one.number))
            if one.state == "accepted":
                options += [Retracted(one.number), Revised(one.number, one.span.moved(0.2))]
        event = draw(st.sampled_from(options))
        state = state.apply(event)
        events.append(event)
    return events


@given(sessions())
@settings(max_examples=150)
def test_replay_equals_the_live_session(events):
    live = SessionState.start(events[0])
    for event in events[1:]:
        live = live.apply(event)
        assert live.current is None or live.over is None
        assert list(live.candidates) == list(range(1, len(live.candidates) + 1))
        assert live.over == "finished" or (live.over == "budget") == (live.rejections >= live.budget)
        assert len(live.positives) == 1 + live.accepted
        assert len(live.labels) == live.accepted + live.rejections
    assert fold(events) == live


@given(sessions())
@settings(max_examples=150)
def test_undo_and_the_same_answer_again_is_where_it_was(events):
    state = fold(events)
    untouched = [one for one in state.candidates.values() if one.state in ("accepted", "rejected", "skipped")]
    if not untouched or state.finished:
        return
    last = untouched[-1]
    if last.number != len(state.candidates):
        return
    verdict: Verdict = {"accepted": "accept", "rejected": "reject", "skipped": "skip"}[last.state]  # type: ignore[assignment]
    again = state.apply(Undone(last.number)).apply(Answered(last.number, verdict, last.span))
    assert again == state


def test_an_answer_can_be_changed_later_and_all_others_stand():
    state = fold(played("accept", "skip", "reject"))
    after = state.apply(Reanswered(1, "reject", Span(2.0, 3.5)))
    assert [one.state for one in after.candidates.values()] == ["rejected", "skipped", "rejected"]
    assert after.candidates[1].span == Span(2.0, 3.5)
    retracted = state.apply(Retracted(1))
    assert retracted.apply(Reanswered(1, "accept", Span(2.0, 3.0))).accepted == 1
    open_now = state.apply(proposed(4))
    assert open_now.apply(Reanswered(2, "accept", Span(3.0, 4.0))).current == 4
    with pytest.raises(InputError, match="has no answer yet"):
        open_now.apply(Reanswered(4, "accept", Span(3.0, 4.0)))
    with pytest.raises(InputError, match="no candidate 9"):
        open_now.apply(Reanswered(9, "accept", Span(3.0, 4.0)))


def test_another_answer_that_spends_the_budget_withdraws_the_open_candidate():
    events = played("accept", "reject")
    state = fold([replace(events[0], budget=2), *events[1:], proposed(3)])
    after = state.apply(Reanswered(1, "reject", state.candidates[1].span))
    assert (after.over, after.current, after.rejections) == ("budget", None, 2)
    back = after.apply(Reanswered(1, "accept", state.candidates[1].span))
    assert (back.over, back.current, back.next_number) == (None, None, 3)
