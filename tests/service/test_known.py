"""Answers of an earlier search, handed to a real daemon over a real socket."""

import re
import secrets
from pathlib import Path

import pytest

from reatrieve import limits
from reatrieve.bridge.messages import (
    Candidate,
    Failed,
    Find,
    Known,
    Note,
    Resume,
    Revise,
    Row,
    RowsEnd,
    Undo,
)
from reatrieve.journal import read_journal
from reatrieve.session.earlier import LEAST_COVERED
from reatrieve.session.state import fold
from service.client import TRUTH, make_item

AT_S = 10.0  # where the item stands


@pytest.fixture
def session():
    return secrets.token_hex(8)


@pytest.fixture
def client(daemon, connect):
    return connect(daemon.home)


def find(client, session, path, known, *, budget=10, label="sound", items=()):
    """A search from the first occurrence that goes on from what is known."""
    client.sessions.append(session)
    for item in items or [make_item(session, path, position_s=AT_S)]:
        client.send(item)
    for index, (verdict, start_s, end_s) in enumerate(known):
        client.send(Known(session, index, verdict, start_s, end_s))
    start_s = AT_S + TRUTH[0]
    return client.send(Find(session, label, "", "{T}", start_s, start_s + 0.5, budget, "", max(1, len(items))))


def rows_of(client):
    rows = []
    while not isinstance(event := client.wait(Row, RowsEnd), RowsEnd):
        rows.append((event.number, event.state, pytest.approx(event.start_s), pytest.approx(event.end_s)))
    return rows, event


def place(k, verdict="accept", by_s=0.0):
    start_s = AT_S + TRUTH[k] + by_s
    return verdict, start_s, start_s + 0.5


NO = ("reject", AT_S + 2.2, AT_S + 2.7)


def journal_of(daemon, session):
    header, lines = read_journal(daemon.service._journals.path(session))
    return header, [line.event for line in lines]


@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_the_search_goes_on_from_what_was_answered(daemon, connect, shared, session, carrier):
    client = connect(daemon.home, carrier)
    find(client, session, shared.track, [place(1), NO, place(2)])
    rows, end = rows_of(client)
    assert rows == [
        (0, "example", AT_S + TRUTH[0], AT_S + TRUTH[0] + 0.5), (1, "accepted", *place(1)[1:]),
        (2, "rejected", *NO[1:]), (3, "accepted", *place(2)[1:]),
    ]  # fmt: skip
    assert (end.count, end.accepted, end.rejections, end.budget) == (4, 2, 1, 11)
    candidate = client.wait(Candidate)
    assert (candidate.number, candidate.accepted, candidate.rejections, candidate.budget) == (4, 2, 1, 11)
    said, done = client.play([AT_S + s for s in TRUTH], first=candidate)
    assert [verdict for _, _, verdict in said].count("reject") == 10  # all that the user allows
    assert (done.reason, done.accepted) == ("budget", 4)
    _, events = journal_of(daemon, session)
    assert fold(events).accepted == 4
    names = [type(event).__name__ for event in events[:8]]
    assert names == ["Started", *3 * ["Requested", "Answered"], "Proposed"]


def test_all_begins_in_one_append(daemon, client, shared, session, monkeypatch):
    made = []
    create = daemon.service._journals.create

    def counted(header, *, events=()):
        made.append(list(events))
        return create(header, events=made[-1])

    monkeypatch.setattr(daemon.service._journals, "create", counted)
    find(client, session, shared.track, [place(1), NO])
    client.wait(Candidate)
    assert [len(events) for events in made] == [5]


def test_an_earlier_answer_can_be_taken_back_moved_and_resumed(daemon, client, shared, session):
    find(client, session, shared.track, [place(1), NO])
    first = client.wait(Candidate)
    client.send(Revise(session, "r", 1, place(1)[1] + 0.02, place(1)[2]))
    assert client.wait(Candidate).number == first.number
    client.send(Undo(session, "u", 2))
    back = client.wait(Candidate)
    assert (back.number, back.start_s, back.rejections) == (2, pytest.approx(NO[1]), 0)
    client.answer(back, "reject")
    client.wait(Candidate)
    client.send(Resume(session))
    rows, _ = rows_of(client)
    assert rows[1] == (1, "accepted", place(1)[1] + 0.02, place(1)[2])
    assert [state for _, state, _, _ in rows] == ["example", "accepted", "rejected", "candidate"]


def test_what_does_not_lie_on_the_track_is_left_out_with_one_note(daemon, client, shared, session):
    gone = ("accept", AT_S + 100.0, AT_S + 100.5)
    find(client, session, shared.track, [gone, place(1), place(1, "reject", 0.2), ("reject", 1.0, 2.0)])
    rows, _ = rows_of(client)
    assert [row[:2] for row in rows] == [(0, "example"), (1, "accepted")]
    candidate = client.wait(Candidate)
    note = client.wait(Note)
    assert (note.code, note.text[:14]) == ("left-out", "3 of 4 answers")
    assert (candidate.budget, candidate.number) == (10, 2)
    client.settle()
    assert sum(isinstance(event, Note) and event.code == "left-out" for event in client.events) == 1


def test_a_gap_between_items_holds_no_answer(daemon, client, shared, session):
    items = [
        make_item(session, shared.track, index=0, position_s=AT_S, length_s=5.0),
        make_item(session, shared.track, index=1, position_s=AT_S + 8.0, offset_s=8.0, length_s=7.0),
    ]
    find(client, session, shared.track, [place(1), place(2), place(3)], items=items)
    rows, _ = rows_of(client)
    assert [row[:2] for row in rows] == [(0, "example"), (1, "accepted"), (2, "accepted")]  # that at 6 s is gone
    client.wait(Candidate)
    assert client.wait(Note).text.startswith("1 of 3")


def test_the_example_keeps_the_edges_of_its_region(daemon, client, shared, session):
    own = ("accept", AT_S + TRUTH[0] - 0.05, AT_S + TRUTH[0] + 0.45)
    find(client, session, shared.track, [own])
    rows, _ = rows_of(client)
    assert rows == [(0, "example", own[1], own[2])]
    client.wait(Candidate)
    _, events = journal_of(daemon, session)
    assert fold(events).example.start_s == pytest.approx(TRUTH[0])


def test_index_0_starts_anew_and_a_repeated_find_doubles_nothing(daemon, client, shared, session):
    client.send(Known(session, 0, "accept", 1.0, 2.0))
    client.send(Known(session, 1, "accept", 3.0, 4.0))
    find(client, session, shared.track, [place(1)])
    rows, _ = rows_of(client)
    assert len(rows) == 2
    client.wait(Candidate)
    find(client, session, shared.track, [place(1), place(2)])  # as after a lost reply
    again, _ = rows_of(client)
    assert [row[:2] for row in again] == [(0, "example"), (1, "accepted"), (2, "candidate")]


def test_a_search_refused_leaves_nothing_behind(daemon, client, shared, session, tmp_path):
    client.send(make_item(session, shared.track, position_s=AT_S))
    client.send(Known(session, 0, "accept", *place(1)[1:]))
    client.send(Find(session, "l", "", "", 1.0, 2.0, 10, "", 1))  # no part of the track
    assert "outside" in client.wait(Failed).text
    assert not daemon.service._journals.holds(session)


def test_a_search_cancelled_before_its_candidate_leaves_nothing_behind(daemon, client, shared, session, monkeypatch):
    from reatrieve.service.work import SessionWork

    def fault(_self):
        raise RuntimeError("no candidate")

    monkeypatch.setattr(SessionWork, "propose", fault)
    find(client, session, shared.track, [place(1)])
    assert client.wait(Failed).code == "internal"
    assert not daemon.service._journals.holds(session)


def test_known_at_its_limit_and_one_past_it(client, session):
    client.send(Known(session, limits.KNOWN - 1, "accept", 1.0, 2.0))
    client.settle()
    assert not [event for event in client.events if isinstance(event, Failed)]
    number = client.send(Known(session, limits.KNOWN, "accept", 1.0, 2.0))
    failed = client.wait(Failed)
    assert (failed.code, failed.id) == ("input", number)
    assert f"at most {limits.KNOWN} answers" in failed.text


def test_as_many_as_are_taken_are_found_from(daemon, client, shared, session):
    """The limit itself: all rows come, and the budget stays what a message can carry."""
    known = [("reject", AT_S + 0.005 * k, AT_S + 0.005 * (k + 1)) for k in range(limits.KNOWN)]
    find(client, session, shared.track, known, budget=limits.BUDGET)
    rows, end = rows_of(client)
    assert len(rows) > 1000
    assert end.budget == limits.BUDGET


def test_the_scripts_take_what_the_daemon_takes():
    lua = (Path(__file__).parents[2] / "reaper_scripts" / "lib" / "earlier.lua").read_text(encoding="utf-8")
    there = {name: float(value) for name, value in re.findall(r"^local (COVERED|MOST) = ([\d.]+)", lua, re.MULTILINE)}
    assert there == {"COVERED": LEAST_COVERED, "MOST": limits.KNOWN}


@pytest.mark.parametrize(
    ("start_s", "end_s", "reason"),
    [
        (AT_S + 500.0, AT_S + 501.0, "outside the searched audio"),
        (AT_S + 8.0, AT_S + 8.5, "apart from the place"),
        (AT_S + TRUTH[0], AT_S + TRUTH[1] + 0.4, "lie on the example"),
    ],
)
def test_a_region_dragged_where_no_place_can_be_is_refused(daemon, client, shared, session, start_s, end_s, reason):
    find(client, session, shared.track, [place(1)])
    client.wait(Candidate)
    number = client.send(Revise(session, "r", 1, start_s, end_s))
    failed = client.wait(Failed)
    assert (failed.code, failed.id) == ("input", number)
    assert reason in failed.text
    assert "go on with its edges from before" in failed.text
    client.send(Revise(session, "r2", 1, place(1)[1] + 1e-9, place(1)[2]))  # back again, but for rounding
    client.wait(Candidate)
    _, events = journal_of(daemon, session)
    assert fold(events).candidates[1].span.start_s + AT_S == pytest.approx(place(1)[1], abs=1e-6)


def test_the_examples_region_too(daemon, client, shared, session):
    find(client, session, shared.track, [place(1)])
    client.wait(Candidate)
    client.send(Revise(session, "r", 0, *place(1)[1:]))
    assert "the edges of the example lie apart" in client.wait(Failed).text
