"""The driver: state and ranker in step, replay, looking ahead."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.errors import CancelledError, InputError
from reatrieve.retrieval.registry import make_retriever
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Reanswered,
    Requested,
    Retracted,
    Revised,
    SessionEvent,
    Started,
    Undone,
)
from reatrieve.session.retriever import Analysis, Proposal
from reatrieve.session.search import Over, Search
from reatrieve.session.spans import Span, is_blocked
from repeats import song

EXAMPLE = Span(3.2071, 4.0071)


@pytest.fixture(scope="module", params=["default", "paper", "mfcc-nn"])
def method(request):
    y = song([0.0, 3.2071, 7.9, 11.3333, 15.01, 19.2], duration_s=20.0)
    retriever = make_retriever(request.param)
    return retriever, retriever.analyse([y], n_samples=y.size)


def started(budget=10):
    return Started(EXAMPLE, "riff", budget, "default")


def test_a_session_from_start_to_budget(method):
    search = Search(*method, [started(budget=3)])
    for number in itertools.count(1):
        event = search.propose()
        if isinstance(event, Over):
            break
        assert event.number == number
        assert search.propose() == event
        assert not is_blocked(event.span, search.state.blocked, length_s=search.state.length_s)
        search.apply(Answered(number, "accept" if number % 2 else "reject", event.span))
    assert event == Over("budget") == search.over
    assert search.state.rejections == 3
    search.apply(BudgetRaised(1))
    assert isinstance(search.propose(), Proposed)
    search.apply(Finished())
    assert search.propose() == Over("finished")


def test_it_ends_when_nothing_is_left(method):
    search = Search(*method, [started()])
    while isinstance(event := search.propose(), Proposed):
        search.apply(Answered(event.number, "skip", event.span))
    assert event == Over("exhausted") == search.over
    assert search.state.over is None
    search.apply(Undone(len(search.state.candidates)))
    assert search.over is None


def test_looking_ahead_tells_what_comes_and_leaves_no_trace(method):
    search = Search(*method, [started(budget=2)])
    for verdict in ("accept", "reject", "skip", "accept"):
        event = search.propose()
        state = search.state
        ahead = search.speculate()
        assert search.state == state
        assert search.propose() == event
        alone = Search(*method, [started(budget=2)])
        for number, one in state.candidates.items():
            alone.apply(Proposed(number, one.proposed, one.score, one.probability, one.remaining))
            if one.state != "candidate":
                alone.apply(
                    Answered(
                        number, {"accepted": "accept", "rejected": "reject", "skipped": "skip"}[one.state], one.span
                    )
                )
        search.apply(Answered(event.number, verdict, event.span))
        alone.apply(Answered(event.number, verdict, event.span))
        told = ahead[verdict]
        came = search.propose()
        assert alone.propose() == came
        assert (told.span, told.score, told.probability, told.remaining) == (
            came.span,
            came.score,
            came.probability,
            came.remaining,
        )
    assert search.speculate()["reject"] is None  # the budget would be spent
    assert Search(*method, [started()]).speculate() == {"accept": None, "reject": None, "skip": None}


@st.composite
def walks(draw):
    return draw(st.lists(st.tuples(st.sampled_from("aaarrsudvtl"), st.integers(0, 30)), max_size=14))


@given(walks())
@settings(max_examples=12)
def test_any_journal_replays_to_the_same_next_candidate(method, walk):
    """Events: accept, reject, skip, undo, dragged accept, revise, retract, look ahead."""
    journal: list[SessionEvent] = [started(budget=4)]
    live = Search(*method, journal)

    def take(event):
        live.apply(event)
        journal.append(event)

    for step, pick in walk:
        opened = live.state.current
        event = live.propose()
        if opened is None and isinstance(event, Proposed):
            journal.append(event)
        answered = [n for n, one in live.state.candidates.items() if one.state != "candidate"]
        accepted = [n for n, one in live.state.candidates.items() if one.state == "accepted"]
        if step in "arsd" and isinstance(event, Proposed):
            span = event.span.moved(0.05 + 0.01 * pick) if step == "d" else event.span
            take(Answered(event.number, {"r": "reject", "s": "skip"}.get(step, "accept"), span))
        elif step == "u" and answered:
            take(Undone(answered[pick % len(answered)]))
        elif step == "v" and accepted:
            number = accepted[pick % len(accepted)]
            take(Revised(number, live.state.candidates[number].span.moved(0.1)))
        elif step == "t" and accepted:
            take(Retracted(accepted[pick % len(accepted)]))
        elif step == "l":
            live.speculate()
    replayed = Search(*method, journal)
    assert replayed.state == live.state
    assert replayed.propose() == live.propose()


def test_undo_and_redo_come_back_to_the_same_candidate(method):
    search = Search(*method, [started()])
    for verdict in ("accept", "reject", "accept"):
        event = search.propose()
        search.apply(Answered(event.number, verdict, event.span))
    third, fourth = search.state.candidates[3], search.propose()
    search.apply(Undone(3))
    assert search.propose() == Proposed(3, third.proposed, third.score, third.probability, third.remaining)
    search.apply(Answered(3, "accept", third.span))
    assert search.propose() == fourth


class _NeverAsked:
    """A ranker that must not be asked: replay trusts the journal."""

    def ranker(self, analysis, example):
        return self

    def learn(self, span, *, positive):
        raise AssertionError

    best = rest = forget = learn


def test_replay_trusts_the_journal():
    events = [started(), Proposed(1, Span(6.0, 6.8), 0.4, 0.5, 2.0), Answered(1, "reject", Span(6.0, 6.8))]
    events.append(Proposed(2, Span(9.0, 9.8), 0.3, 0.4, 1.0))
    search = Search(_NeverAsked(), Analysis(0, {}), events)
    assert search.propose() == events[-1]


def test_an_impossible_event_changes_nothing(method):
    search = Search(*method, [started()])
    event = search.propose()
    state = search.state
    with pytest.raises(InputError):
        search.apply(Answered(event.number + 1, "accept", event.span))
    assert search.state == state


def test_accept_the_rest_takes_what_rest_lists(method):
    search = Search(*method, [started()])
    search.propose()
    listed = search.rest(0.3)
    events = search.accept_rest(0.3)
    assert [event.span for event in events if isinstance(event, Proposed)] == [p.span for p in listed]
    assert search.state.accepted == len(listed)
    replayed = Search(*method, [started(), *_with_open(search, events)])
    assert replayed.state == search.state
    assert replayed.propose() == search.propose()
    for above in (-0.1, 1.5, float("nan")):
        with pytest.raises(InputError, match="threshold"):
            search.rest(above)


def test_rest_is_what_accepting_one_after_the_other_proposes(method):
    listed = Search(*method, [started()]).rest(0.3)
    assert listed
    search = Search(*method, [started()])
    for proposal in listed:
        event = search.propose()
        # The rank is the same; a yes that was really given also tells how the session fares, a supposed one does not.
        assert (event.span, event.score) == (proposal.span, proposal.score)
        search.apply(Answered(event.number, "accept", event.span))


def test_a_list_of_the_rest_can_be_stopped_and_changes_nothing(method):
    search = Search(*method, [started()])
    search.propose()
    state, whole = search.state, search.rest(0.0)
    asked = itertools.count(1)
    shares: list[float] = []
    for job in (lambda: search.rest(0.0, progress=shares.append), lambda: search.accept_rest(0.0), search.outlook):
        search.rest(1.0)  # what was supposed is forgotten
        with search.heeding(lambda: next(asked) % 3 == 0), pytest.raises(CancelledError):
            job()
        assert search.state == state
    assert search.rest(0.0, progress=shares.append) == whole
    assert shares[-len(whole) + 1 :] == sorted(shares[-len(whole) + 1 :])
    assert 0.0 < shares[0] < shares[-1] <= 1.0


def test_a_replay_stops_between_two_answers(method):
    events: list[SessionEvent] = [started()]
    live = Search(*method, events)
    for _ in range(4):
        event = live.propose()
        assert isinstance(event, Proposed)
        events += [event, Answered(event.number, "accept", event.span)]
        live.apply(events[-1])
    stops = iter([False, False, True])
    search = Search(*method, events, stop=lambda: next(stops, False))
    with pytest.raises(CancelledError):
        search.propose()
    assert search.propose() == live.propose()  # it goes on where it was


def _with_open(search, events):
    return events


class _Fixed:
    """A ranker with a list of its own."""

    def __init__(self, *proposals):
        self.proposals = proposals

    def ranker(self, analysis, example):
        return self

    def learn(self, span, *, positive):
        pass

    def forget(self, span):
        pass

    def best(self, blocked):
        return next((p for p in self.proposals if not is_blocked(p.span, blocked, length_s=1.0)), None)


def test_accept_the_rest_leaves_an_unlikely_open_candidate_for_later():
    proposals = [
        Proposal(Span(10.0 * n, 10.0 * n + 1.0), 1.0 / n, p, 1.0) for n, p in ((1, 0.2), (2, 0.9), (3, 0.8), (4, 0.1))
    ]
    search = Search(_Fixed(*proposals), Analysis(0, {}), [dataclasses.replace(started(), example=Span(0.0, 1.0))])
    assert search.propose().span == proposals[0].span
    events = search.accept_rest(0.5)
    assert [type(event) for event in events] == [Proposed, Answered] * 2
    assert [span for _, span in search.state.accepted_regions[1:]] == [proposals[1].span, proposals[2].span]
    assert search.propose().span == proposals[0].span
    assert search.propose().number == 3
    search.apply(Finished())
    assert search.accept_rest(0.0) == []


def test_the_curve_covers_all_of_the_sound_and_changes_nothing(method):
    search = Search(*method, [started()])
    before = search.state
    curve = search.similarity(2000)
    assert 100 < len(curve) <= 2000
    assert 0.0 <= curve.min() <= curve.max() <= 1.0
    assert abs(int(np.argmax(curve)) * 20.0 / len(curve) - EXAMPLE.start_s) < 0.2
    small = search.similarity(50)
    assert (len(small), small.max()) == (50, curve.max())
    assert search.state is before
    assert search.similarity(2000).tolist() == curve.tolist()


def test_the_curve_of_the_default_retriever_has_a_peak_at_each_repeat():
    y = song([0.0, 3.2071, 7.9, 11.3333, 15.01, 19.2], duration_s=20.0)
    retriever = make_retriever("default")
    curve = Search(retriever, retriever.analyse([y], n_samples=y.size), [started()]).similarity(2000)
    for start_s in (0.0, 7.9, 11.3333, 15.01, 19.2):
        at = int(start_s / 20.0 * len(curve))
        assert curve[max(0, at - 2) : at + 3].max() > 5 * float(curve.mean())


def test_the_user_asks_for_a_place_and_a_replay_is_the_same(method):
    events = [started()]
    search = Search(*method, events)
    events.append(search.propose())
    other_s = next(s for s in (7.9, 11.3333, 15.01) if abs(s - events[-1].span.start_s) > 0.5)
    asked = search.request(other_s + 0.1)
    assert isinstance(asked, Requested)
    assert (asked.number, search.state.current) == (1, 1)
    assert abs(asked.span.start_s - other_s) < (0.05 if method[0].name == "default" else 0.51)
    assert 0.0 <= asked.probability <= 1.0
    events += [asked, Answered(1, "accept", asked.span)]
    search.apply(events[-1])
    following = search.propose()
    again = Search(*method, events)
    assert again.state.candidates[1].proposed == asked.span
    assert again.propose() == following
    search.apply(Finished())
    with pytest.raises(InputError, match="is over"):
        search.request(15.0)


def test_nothing_is_asked_where_all_is_answered(method):
    search = Search(*method, [started()])
    with pytest.raises(InputError, match="nothing is left to ask about near 3"):
        search.request(EXAMPLE.start_s)


def test_a_retriever_that_cannot_tell_says_so():
    search = Search(_Fixed(), Analysis(0, {}), [dataclasses.replace(started(), example=Span(0.0, 1.0))])
    assert search.similarity(2000) is None
    with pytest.raises(InputError, match="cannot be asked about a place"):
        search.request(3.0)


def test_another_answer_teaches_as_if_it_had_been_given_at_first(method):
    search = Search(*method, [started()])
    for verdict in ("skip", "reject", "accept"):
        one = search.propose()
        search.apply(Answered(one.number, verdict, one.span))
    search.apply(Reanswered(1, "accept", search.state.candidates[1].proposed))
    assert [one.state for one in search.state.candidates.values()] == ["accepted", "rejected", "accepted"]
    again = Search(*method, [started()])
    for one in search.state.candidates.values():
        again.apply(Proposed(one.number, one.proposed, one.score, one.probability, one.remaining))
        again.apply(Answered(one.number, "reject" if one.state == "rejected" else "accept", one.span))
    assert search.propose() == again.propose()


def test_a_wrong_example_is_told_at_once(method):
    with pytest.raises(InputError, match="outside the sound"):
        Search(*method, [dataclasses.replace(started(), example=Span(30.0, 31.0))])


def test_questions_that_decide_the_rest_are_foreseen_and_end_when_it_is_clear(method):
    journal: list[SessionEvent] = [started(budget=30)]
    search = Search(*method, journal)
    search.propose()  # gives way
    view = search.outlook()
    for number in range(1, 9):
        if view.clear or view.question is None:
            break
        asked = search.ask(view.question)
        assert (asked.number, asked.span) == (number, view.question.span)
        ahead = search.speculate(deciding=True)
        right = min(abs(asked.span.start_s - at) for at in (0.0, 7.9, 11.3333, 15.01, 19.2)) < 0.2
        answer = Answered(number, "accept" if right else "reject", asked.span)
        search.apply(answer)
        journal += [asked, answer]
        assert search.foreseen
        view = search.outlook()
        fresh = Search(*method, journal).outlook()
        assert view == fresh
        expected = Search(*method, journal).propose() if view.clear else view.question
        assert ahead[answer.verdict].span == expected.span
    if method[0].name == "default":
        assert view.clear
        assert search.state.accepted + len(search.rest(0.6)) == 5
