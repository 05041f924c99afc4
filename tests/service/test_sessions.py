"""Sessions through a real daemon, real sockets, folders and audio: every command of the page."""

import errno
import json
import os
import secrets
import shutil
import threading
import time
from dataclasses import replace

import pytest

from reatrieve import limits
from reatrieve.audio.stitch import TrackAudio
from reatrieve.bridge import link as links
from reatrieve.bridge.messages import (
    UNKNOWN,
    AcceptRest,
    Anchor,
    Anchors,
    AnchorsEnd,
    Answer,
    Ask,
    Cancel,
    Candidate,
    CaughtUp,
    Curve,
    Decide,
    Discard,
    Done,
    Export,
    Exported,
    ExportedEnd,
    Failed,
    Find,
    Finish,
    More,
    Note,
    Ping,
    Progress,
    Reanswer,
    Rename,
    RenderWanted,
    Rest,
    RestEnd,
    RestRow,
    Resume,
    Retract,
    Revise,
    Row,
    RowsEnd,
    Saved,
    Sessions,
    Stored,
    StoredEnd,
    Survey,
    Tempo,
    Undo,
)
from reatrieve.errors import CancelledError
from reatrieve.journal import Journal, JournalFolder, read_journal
from reatrieve.journal import file as journal_file
from reatrieve.service.work import SessionWork
from reatrieve.session.events import Answered, Proposed
from reatrieve.session.search import Search
from reatrieve.session.spans import Span
from reatrieve.session.state import fold
from service.client import RATE_HZ, TRUTH, make_item, make_track
from service.served import journal_ops


@pytest.fixture
def session():
    return secrets.token_hex(8)


@pytest.fixture
def first(daemon, connect, shared, session):
    """A client with a session at its first candidate."""
    client = connect(daemon.home)
    client.find(session, shared.track, 11.0, 11.5, position_s=10.0)
    candidate = client.wait(Candidate)
    return client, candidate


def kinds(client):
    return [type(event).__name__ for event in client.events if not isinstance(event, (Progress, Note))]


@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_a_session_is_played_through(daemon, connect, shared, session, carrier):
    client = connect(daemon.home, carrier)
    client.find(session, shared.track, 1.0, 1.5)
    said, done = client.play(TRUTH)
    assert sorted(verdict for _, _, verdict in said) == 4 * ["accept"] + 10 * ["reject"]
    assert sorted(start_s for _, start_s, verdict in said if verdict == "accept") == pytest.approx(TRUTH[1:], abs=0.01)
    assert (done.reason, done.rejections, done.budget, done.accepted) == ("budget", 10, 10, 4)
    header, lines = read_journal(daemon.service._journals.path(session))
    state = fold(line.event for line in lines)
    assert (state.accepted, state.rejections, state.answers) == (4, 10, 14)
    assert header.track_map.items[0].path == shared.track
    client.settle()


def test_the_next_candidate_for_each_answer_comes_with_each(first):
    client, candidate = first
    for verdict in ("accept", "reject", "skip", "accept"):
        expected = tuple(
            getattr(candidate, f"{verdict}_{name}") for name in ("start_s", "end_s", "score", "probability")
        )
        assert getattr(candidate, f"{verdict}_valid") == 1
        client.answer(candidate, verdict)
        candidate = client.wait(Candidate)
        assert (candidate.start_s, candidate.end_s, candidate.score, candidate.probability) == expected


def test_a_candidate_that_was_not_foreseen_comes_before_what_follows_it(first):
    client, candidate = first
    client.answer(candidate, "accept", start_s=candidate.start_s + 0.02)
    second = client.wait(Candidate)
    client.answer(second, "reject")
    third = client.wait(Candidate)
    came = [
        (event.number, [event.accept_valid, event.reject_valid, event.skip_valid])
        for event in client.events
        if isinstance(event, Candidate)
    ]
    early, known = 3 * [UNKNOWN], 3 * [1]
    assert came == [(1, early), (1, known), (2, early), (2, known), (3, known)]
    assert third.number == 3


def curve_of(client):
    """The next whole curve: its pages put together."""
    parts = {}
    while True:
        page = client.wait(Curve)
        pages = parts.setdefault(page.curve, {})
        pages[page.page] = page
        if len(pages) == page.pages:
            return page, b"".join(pages[k].values for k in range(page.pages))


@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_the_curve_comes_after_the_candidate_to_whoever_asked(daemon, connect, shared, session, carrier):
    client = connect(daemon.home, carrier)
    client.find(session, shared.track, 11.0, 11.5, position_s=10.0)
    candidate = client.wait(Candidate)
    client.answer(candidate, "skip")
    client.wait(Candidate)
    client.settle()
    assert not [event for event in client.events if isinstance(event, Curve)]
    client.send(Survey(session, 1))
    page, values = curve_of(client)
    assert (page.start_s, page.end_s) == pytest.approx((10.0, 25.0), abs=0.01)
    assert 500 < len(values) <= 2000
    for start_s in TRUTH:
        at = int(start_s / 15.0 * len(values))
        assert max(values[max(0, at - 3) : at + 4]) > 4 * sum(values) / len(values)
    second = [event for event in client.events if isinstance(event, Candidate)][-1]
    client.answer(second, "accept")
    third = client.wait(Candidate)
    later, changed = curve_of(client)
    assert later.curve > page.curve
    assert changed != values
    assert client.events.index(third) < client.events.index(later)
    client.send(Survey(session, 0))
    client.answer(third, "accept")
    client.answer(client.wait(Candidate), "accept")
    client.wait(Candidate)
    assert [event for event in client.events if isinstance(event, Curve)][-1] is later


def test_a_session_that_nobody_knows_is_no_error_to_survey(daemon, connect, session):
    client = connect(daemon.home)
    client.send(Survey(session, 1))
    client.settle()
    assert not [event for event in client.events if isinstance(event, (Failed, Curve))]


def test_the_user_asks_for_a_place_and_the_journal_says_so(first, daemon):
    client, candidate = first
    other_s = next(10.0 + s for s in (9.25, 12.0) if abs(10.0 + s - candidate.start_s) > 1.0)
    client.send(Ask(candidate.session, "op-1", other_s + 0.1))
    asked = client.wait(Candidate)
    assert asked.number == candidate.number
    assert asked.start_s == pytest.approx(other_s, abs=0.02)
    client.answer(asked, "accept")
    following = client.wait(Candidate)
    assert following.number == 2
    events = [line.event for line in read_journal(daemon.service._journals.path(candidate.session))[1]]
    assert [type(event).__name__ for event in events] == ["Started", "Proposed", "Requested", "Answered", "Proposed"]
    assert fold(events).candidates[1].proposed.start_s + 10.0 == pytest.approx(asked.start_s)
    client.send(Ask(candidate.session, "op-1", other_s))  # repeated: nothing new
    assert client.wait(Candidate) == following
    client.send(Ask(candidate.session, "op-2", 11.0))
    failed = client.wait(Failed)
    assert (failed.code, "nothing is left to ask about" in failed.text) == ("input", True)


@pytest.mark.parametrize("verdict", ["reject", "skip"])
def test_an_answer_to_the_place_that_had_the_number_before_is_not_taken(first, daemon, verdict):
    client, candidate = first
    other_s = next(10.0 + s for s in (9.25, 12.0) if abs(10.0 + s - candidate.start_s) > 1.0)
    client.send(Ask(candidate.session, "op-1", other_s + 0.1))
    asked = client.wait(Candidate)
    client.answer(candidate, verdict)
    assert client.wait(Failed).code == "stale"
    assert client.wait(Candidate) == asked
    events = [line.event for line in read_journal(daemon.service._journals.path(candidate.session))[1]]
    assert fold(events).answers == 0


@pytest.mark.parametrize("command", [Rest("", 0.0), AcceptRest("", "all", 0.0)])
def test_a_long_list_of_the_rest_tells_how_far_it_is_and_can_be_stopped(first, monkeypatch, command):
    client, candidate = first
    going_on = threading.Event()

    def endless(search, above, *, progress):
        progress(0.25)
        while not search._stop():
            going_on.wait(0.01)
        raise CancelledError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(Search, "rest", endless)
        client.send(replace(command, session=candidate.session))
        told = client.wait(Progress)
        while told.share != 0.25:
            told = client.wait(Progress)
        assert told.stage == "rest"
        client.send(Rest(candidate.session, 0.5))  # it waits, and is stopped as well
        client.send(Cancel(candidate.session))
        assert [client.wait(Failed).code for _ in range(2)] == ["cancelled", "cancelled"]
    client.answer(candidate, "accept")
    assert client.wait(Candidate).accepted == 1


def test_two_long_sessions_are_resumed_at_once(daemon, connect, shared, monkeypatch):
    """Together they have more rows than are kept for a client that has seen none."""
    monkeypatch.setattr(links, "MAX_EVENTS", 128)
    begun = read_journal_of_a_search(daemon, connect, shared)
    names = [secrets.token_hex(8) for _ in range(2)]
    places = [Span(0.1 * k, 0.1 * k + 0.05) for k in range(100)]
    events = [event for n, place in enumerate(places, start=1) for event in skipped(n, place)]
    for name in names:
        daemon.service._journals.create(replace(begun[0], session=name), events=[begun[1], *events]).close()
    client = connect(daemon.home)
    client.until(lambda: client.welcomed)
    for name in names:
        client.send(Resume(name))
    client.until(lambda: len([event for event in client.events if isinstance(event, RowsEnd)]) == 2)
    rows = [event for event in client.events if isinstance(event, Row)]
    assert sorted((row.session, row.number) for row in rows) == sorted((s, n) for s in names for n in range(101))
    assert client.refused == []


def test_long_lists_of_all_kinds_keep_to_the_client(daemon, connect, shared, monkeypatch, tmp_path):
    """Each is longer than what is kept for a client that has seen none, and lists of sessions do not mix."""
    monkeypatch.setattr(links, "MAX_EVENTS", 128)
    header, started = read_journal_of_a_search(daemon, connect, shared)
    client, session = connect(daemon.home), secrets.token_hex(8)
    client.until(lambda: client.welcomed)

    def come(kind, n=1):
        client.until(lambda: len([event for event in client.events if isinstance(event, kind)]) >= n)
        return [event for event in client.events if isinstance(event, kind)]

    for index in range(200):
        client.send(make_item(session, "/nowhere/sound.wav", index=index, position_s=1.0 * index, length_s=1.0))
    client.send(Find(session, "sound", "", "{T}", 0.0, 0.5, 5, "", 200))
    assert [event.index for event in come(RenderWanted, 200)] == list(range(200))

    places = [Span(0.1 * k, 0.1 * k + 0.05) for k in range(150)]
    events = [one for n, place in enumerate(places, start=1) for one in skipped(n, place)]
    events = [replace(one, verdict="accept") if isinstance(one, Answered) else one for one in events]
    daemon.service._journals.create(replace(header, session=session), events=[started, *events]).close()
    client.send(Anchors(session, "start", 0.0, 0))
    client.send(Anchors(session, "start", 0.0, 0))
    assert (len(come(AnchorsEnd, 2)), len(come(Anchor))) == (2, 302)

    projects = [tmp_path / f"{name}.rpp" for name in ("one", "other")]
    for project in projects:
        for n in range(100):
            one = replace(header, session=secrets.token_hex(8), project=str(project), track=f"{{{project.stem}{n}}}")
            daemon.service._journals.create(one, events=[started]).close()
    for project in projects:
        client.send(Sessions(str(project)))
    come(StoredEnd, 2)
    listed = [event for event in client.events if isinstance(event, (Stored, StoredEnd))]
    assert [one.project for one in (listed[100], listed[201])] == [str(project) for project in projects]
    assert {one.track.rstrip("0123456789}") for one in listed[:100]} == {"{one"}
    assert client.refused == []


def test_no_answer_waits_for_lists_of_projects_on_a_slow_disk(first, connect, daemon, monkeypatch):
    client, candidate = first
    answered = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(JournalFolder, "of_project", lambda *_: answered.wait(20) and [])
        others = [connect(daemon.home) for _ in range(6)]
        for other in others:
            other.send(Sessions("/slow/project.rpp"))
            other.until(lambda other=other: other.welcomed)
            for _ in range(3):
                other.pump()
        client.answer(candidate, "accept")
        assert client.wait(Candidate, timeout_s=10).accepted == 1
        answered.set()
        for other in others:
            other.wait(StoredEnd)


def read_journal_of_a_search(daemon, connect, shared):
    """Header and first event."""
    client, session = connect(daemon.home), secrets.token_hex(8)
    client.find(session, shared.track, 11.0, 11.5, position_s=10.0)
    client.wait(Candidate)
    header, lines = read_journal(daemon.service._journals.path(session))
    return header, lines[0].event


def skipped(number, span):
    return Proposed(number, span, 0.5, 0.5, 1.0), Answered(number, "skip", span)


def test_an_answer_is_changed_later_and_the_open_candidate_stands(first, daemon):
    client, candidate = first
    client.answer(candidate, "reject")
    second = client.wait(Candidate)
    client.send(Reanswer(candidate.session, "op-1", 1, "accept", candidate.start_s + 0.01, candidate.end_s))
    again = client.wait(Candidate)
    assert (again.number, again.start_s, again.accepted, again.rejections) == (2, second.start_s, 1, 0)
    state = fold(line.event for line in read_journal(daemon.service._journals.path(candidate.session))[1])
    assert state.candidates[1].state == "accepted"
    assert state.candidates[1].span.start_s + 10.0 == pytest.approx(candidate.start_s + 0.01)
    client.send(Reanswer(candidate.session, "op-2", 7, "accept", 1.0, 2.0))
    assert "no candidate 7" in client.wait(Failed).text


def test_the_last_rejection_is_announced(daemon, connect, shared, session):
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5, budget=1)
    candidate = client.wait(Candidate)
    assert (candidate.accept_valid, candidate.reject_valid, candidate.skip_valid) == (1, 0, 1)
    client.answer(candidate, "reject")
    assert client.wait(Candidate, Done).reason == "budget"


def test_times_are_project_seconds_and_dragged_edges_are_the_answer(first, daemon):
    client, candidate = first
    assert min(abs(candidate.start_s - 10.0 - start_s) for start_s in TRUTH) < 0.01
    client.answer(candidate, "accept", start_s=candidate.start_s + 0.02, end_s=candidate.end_s - 0.01)
    second = client.wait(Candidate)
    assert second.accepted == 1
    client.answer(second, "accept", start_s=second.start_s + 1e-9, end_s=second.end_s)
    client.wait(Candidate)
    state = fold(line.event for line in read_journal(daemon.service._journals.path(candidate.session))[1])
    one, two = state.candidates[1], state.candidates[2]
    assert one.span.start_s + 10.0 == pytest.approx(candidate.start_s + 0.02, abs=1e-9)
    assert one.span.end_s < one.proposed.end_s
    assert two.span == two.proposed


def test_edges_that_cannot_be_meant_are_refused_and_change_nothing(first, daemon):
    client, candidate = first
    for start_s, end_s, reason in (
        (candidate.start_s + 600.0, candidate.end_s + 600.0, "outside the searched audio"),
        (candidate.start_s + 0.6, candidate.end_s + 0.6, "apart from the place"),
        (11.0, candidate.end_s, "the example"),
    ):
        number = client.answer(candidate, "accept", start_s=min(start_s, end_s), end_s=max(start_s, end_s))
        failed = client.wait(Failed)
        assert failed.id == number
        assert reason in failed.text
    client.answer(candidate, "accept")
    assert client.wait(Candidate).accepted == 1
    lines = read_journal(daemon.service._journals.path(candidate.session))[1]
    assert sum(line.op != "" for line in lines) == 1  # the one answer


def test_a_repeated_op_changes_nothing(first):
    client, candidate = first
    client.answer(candidate, "reject", op="once")
    second = client.wait(Candidate)
    client.answer(candidate, "reject", op="once")
    again = client.wait(Candidate)
    assert again == second
    assert again.rejections == 1


def test_a_stale_answer_fails_and_the_current_one_comes_again(first):
    client, candidate = first
    client.answer(candidate, "reject")
    second = client.wait(Candidate)
    number = client.answer(candidate, "accept")
    failed = client.wait(Failed)
    assert (failed.code, failed.id) == ("stale", number)
    assert client.wait(Candidate) == second


def test_undo_takes_back_and_redo_answers_again(first):
    client, candidate = first
    client.answer(candidate, "accept")
    second = client.wait(Candidate)
    client.answer(second, "reject")
    client.wait(Candidate)
    client.send(Undo(candidate.session, "u", 1))
    back = client.wait(Candidate)
    assert (back.number, back.accepted, back.rejections) == (1, 0, 0)
    assert (back.start_s, back.end_s) == (candidate.start_s, candidate.end_s)
    client.answer(back, "accept")
    assert client.wait(Candidate).start_s == second.start_s
    client.send(Undo(candidate.session, "u2", 7))
    assert client.wait(Failed).code == "input"


def test_accepted_regions_can_be_moved_and_deleted(first, daemon):
    client, candidate = first
    client.answer(candidate, "accept")
    client.wait(Candidate)
    client.send(Revise(candidate.session, "r", 1, candidate.start_s - 0.05, candidate.end_s))
    assert client.wait(Candidate).accepted == 1
    client.send(Retract(candidate.session, "d", 1))
    assert client.wait(Candidate).accepted == 0
    client.send(Revise(candidate.session, "r0", 0, 11.01, 11.5))
    client.wait(Candidate)
    client.send(Retract(candidate.session, "d1", 1))
    assert client.wait(Failed).code == "input"
    client.send(Resume(candidate.session))
    rows = [client.wait(Row) for _ in range(3)]
    assert [(row.number, row.state) for row in rows] == [(0, "example"), (1, "retracted"), (2, "candidate")]
    assert rows[0].start_s == pytest.approx(11.01)
    assert rows[1].start_s == pytest.approx(candidate.start_s - 0.05)


def test_more_goes_on_after_the_budget_and_finish_ends(daemon, connect, shared, session):
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5, budget=2)
    _, done = client.play(TRUTH)
    assert done.reason == "budget"
    client.send(Rest(session, 0.0))
    assert client.wait(RestRow, RestEnd).count == 0
    client.send(More(session, "m", 10))
    assert client.wait(Candidate).budget == 12
    client.send(Rename(session, "n", "Snäre"))
    client.send(Finish(session, "f"))
    assert client.wait(Done).reason == "finished"
    number = client.find(session, shared.track, 1.0, 1.5)
    failed = client.wait(Failed)
    assert (failed.code, failed.id) == ("input", number)
    client.send(Resume(session))
    end = client.wait(RowsEnd)
    assert (end.label, end.count, end.rejections) == ("Snäre", 3 + done.accepted, 2)
    assert client.wait(Candidate, Done).reason == "finished"
    client.send(More(session, "m0", 0))  # the finish is taken back
    assert client.wait(Candidate).budget == 12
    client.send(More(session, "m2", 1))
    assert client.wait(Candidate).budget == 13


def test_resume_tells_everything_after_a_restart(start, connect, shared, session):
    daemon = start()
    client = connect(daemon.home)
    client.find(session, shared.track, 11.0, 11.5, position_s=10.0)
    candidate = client.wait(Candidate)
    client.answer(candidate, "accept")
    second = client.wait(Candidate)
    client.answer(second, "skip")
    third = client.wait(Candidate)
    daemon.stop()
    assert not (daemon.home / "daemon.txt").exists()
    again = start(home=daemon.home)
    other = connect(again.home)
    other.send(Resume(session))
    rows = [other.wait(Row) for _ in range(4)]
    assert [(row.number, row.state, row.start_s) for row in rows] == [
        (0, "example", 11.0), (1, "accepted", candidate.start_s), (2, "skipped", second.start_s),
        (3, "candidate", third.start_s),
    ]  # fmt: skip
    assert other.wait(RowsEnd).count == 4
    assert other.wait(Candidate) == third


def test_sessions_of_a_project_are_listed_discarded_and_copied(daemon, connect, shared, session, tmp_path):
    client = connect(daemon.home)
    project = tmp_path / "prøject.rpp"
    project.touch()
    client.send(Sessions(str(project)))
    assert client.wait(StoredEnd).count == 0
    client.find(session, shared.track, 1.0, 1.5, label="Kick")
    client.answer(client.wait(Candidate), "accept")
    client.wait(Candidate)
    client.send(Sessions(""))
    assert client.wait(StoredEnd).count == 0
    client.send(Saved(session, str(project)))
    client.send(Sessions(str(project)))
    stored = client.wait(Stored)
    assert (stored.session, stored.label, stored.track, stored.answers, stored.accepted) == (
        session,
        "Kick",
        "{T}",
        1,
        1,
    )
    assert client.wait(StoredEnd).count == 1
    (copy,) = (tmp_path / "prøject.reatrieve").iterdir()
    assert copy.name == f"Kick-{session}.journal.jsonl"
    client.send(Discard(session, "d"))
    client.send(Discard(session, "d"))
    client.send(Sessions(str(project)))
    assert client.wait(StoredEnd).count == 0
    client.send(Resume(session))
    assert client.wait(Failed).code == "unknown-session"


def opened_at(client, project, session):
    """The candidate that a client is at with a session, once it has opened the project."""
    client.send(Sessions(str(project)))
    client.wait(StoredEnd)
    client.send(Resume(session))
    return client.wait(Candidate)


def test_a_project_that_was_answered_at_another_computer_loses_no_answer(
    daemon, start, connect, shared, session, tmp_path
):
    project = tmp_path / "p.rpp"
    project.touch()
    desk = connect(daemon.home)
    desk.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = desk.wait(Candidate)
    desk.answer(event, "accept", op="desk 1")
    at_desk = desk.wait_past(event)
    desk.send(Saved(session, str(project)))
    desk.settle()
    (copy,) = (tmp_path / "p.reatrieve").iterdir()

    elsewhere = start()
    laptop = connect(elsewhere.home)
    laptop.send(Sessions(str(project)))
    assert laptop.wait(Stored).answers == 1
    laptop.send(Resume(session))
    event = laptop.wait(Candidate)
    for n in (1, 2):
        laptop.answer(event, "accept", op=f"laptop {n}")
        event = laptop.wait_past(event)
    laptop.send(Saved(session, str(project)))
    laptop.settle()
    content = copy.read_bytes()

    desk.send(Saved(session, str(project)))
    note = desk.wait(Note)
    assert (note.code, note.text.split(";")[1]) == ("copies", " open the project again")
    assert copy.read_bytes() == content
    desk.send(Resume(session))
    note = desk.wait(Note)
    assert note.code == "journal"
    assert copy.name in note.text
    assert desk.wait(RowsEnd).accepted == 3
    here, there = (journal_ops(home, session) for home in (daemon.home, elsewhere.home))
    assert here == there == ["desk 1", "laptop 1", "laptop 2"]
    desk.answer(at_desk, "reject", op="late")
    assert desk.wait(Failed).code == "elsewhere"
    desk.send(CaughtUp(session))
    desk.answer(at_desk, "reject", op="late")
    assert desk.wait(Failed).code == "stale"

    laptop.answer(event, "reject", op="laptop 3")  # and once more
    laptop.wait_past(event)
    laptop.send(Saved(session, str(project)))
    laptop.settle()
    desk.send(Saved(session, str(project)))
    assert desk.wait(Note).code == "copies"


def test_a_project_whose_path_no_disk_takes_holds_up_no_list(daemon, connect, shared, session):
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5, project="/x" + 3000 * "x" + ".rpp")
    client.wait(Candidate)
    client.settle()
    client.send(Sessions("/nothing.rpp"))
    assert client.wait(StoredEnd).count == 0


def test_a_project_that_is_moved_while_it_is_open_is_listed_at_its_new_place(
    daemon, connect, shared, session, tmp_path
):
    project = tmp_path / "here" / "p.rpp"
    project.parent.mkdir()
    project.touch()
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = client.wait(Candidate)
    client.send(Saved(session, str(project)))
    client.answer(event, "accept")
    client.wait_past(event)
    project.parent.rename(tmp_path / "there")
    client.send(Sessions(str(tmp_path / "there" / "p.rpp")))
    assert client.wait(Stored).answers == 1
    client.wait(StoredEnd)
    client.send(Resume(session))
    assert client.wait(RowsEnd).accepted == 1


def test_a_project_that_comes_back_beside_the_first_takes_its_open_session_along(
    daemon, start, connect, shared, session, tmp_path
):
    project, back = tmp_path / "here" / "p.rpp", tmp_path / "back" / "p.rpp"
    for path in (project, back):
        path.parent.mkdir()
        path.touch()
    desk = connect(daemon.home)
    desk.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = desk.wait(Candidate)
    desk.send(Saved(session, str(project)))
    desk.settle()
    shutil.copytree(project.with_name("p.reatrieve"), back.with_name("p.reatrieve"))
    desk.send(Sessions(str(back)))  # a copy that holds no more stays with the first
    assert desk.wait(StoredEnd).count == 0
    laptop = connect(start().home)
    laptop.answer(opened_at(laptop, back, session), "accept", op="laptop")
    laptop.send(Saved(session, str(back)))
    laptop.settle()
    desk.send(Sessions(str(back)))
    assert desk.wait(Stored).answers == 1
    desk.wait(StoredEnd)
    desk.answer(event, "reject", op="desk")  # at the first project, which shows it still
    assert desk.wait(Failed).code == "elsewhere"
    desk.send(Resume(session))
    assert desk.wait(RowsEnd).accepted == 1
    assert journal_ops(daemon.home, session) == ["laptop"]


def test_answers_at_two_computers_at_once_are_kept_beside_each_other(daemon, start, connect, shared, session, tmp_path):
    project = tmp_path / "p.rpp"
    project.touch()
    desk = connect(daemon.home)
    desk.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = desk.wait(Candidate)
    desk.send(Saved(session, str(project)))
    desk.settle()
    laptop = connect(start().home)
    laptop.answer(opened_at(laptop, project, session), "accept", op="laptop")
    laptop.send(Saved(session, str(project)))
    laptop.settle()
    (theirs,) = (tmp_path / "p.reatrieve").iterdir()
    content = theirs.read_bytes()
    desk.answer(event, "reject", op="desk")
    for _ in range(2):
        desk.send(Saved(session, str(project)))
        desk.settle()
    notes = [one for one in desk.events if isinstance(one, Note) and one.code == "copies"]
    assert [one.text for one in notes] == [
        f"{theirs.name} beside the project holds other answers to this sound; it is kept"
    ]
    assert theirs.read_bytes() == content
    (mine,) = set((tmp_path / "p.reatrieve").iterdir()) - {theirs}
    assert "desk" in {line.op for line in read_journal(mine)[1]}
    laptop.send(Sessions(str(project)))
    laptop.settle()
    laptop.send(Resume(session))
    note = laptop.wait(Note)
    assert (note.code, note.text) == (
        "copies",
        f"{mine.name} beside the project holds other answers to this sound; it is kept",
    )


@pytest.mark.parametrize("how", ["closed for now", "forgotten", "started again"])
@pytest.mark.parametrize("then", [Undo, Retract, Answer, AcceptRest, Rest, Decide, Anchors, Export])
def test_nothing_is_done_for_one_who_has_not_seen_what_was_answered_elsewhere(
    daemon, start, connect, shared, session, tmp_path, monkeypatch, then, how
):
    """The daemon has closed a session for now, has forgotten it, or is another one: REAPER still shows it as it was."""
    monkeypatch.setattr(limits, "OPEN_SESSIONS", 0)
    if how == "forgotten":
        monkeypatch.setattr(limits, "KNOWN_SESSIONS", 1)
    home = tmp_path / "desk" if how == "started again" else daemon.home
    first = start(home=home) if how == "started again" else daemon
    project = tmp_path / "p.rpp"
    project.touch()
    desk = connect(home)
    desk.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = desk.wait(Candidate)
    desk.answer(event, "accept", op="desk")
    event = desk.wait_past(event)
    desk.send(Saved(session, str(project)))
    desk.find(session + "-other", shared.track, 3.5, 4.0)
    desk.settle()
    laptop = connect(start().home)
    there = opened_at(laptop, project, session)
    laptop.answer(there, "accept", op="laptop")
    laptop.wait_past(there)
    laptop.send(Saved(session, str(project)))
    laptop.settle()

    if how == "started again":
        first.stop()
        start(home=home)
        desk = connect(home)
    commands = {
        Undo: Undo(session, "late", 1),
        Retract: Retract(session, "late", 1),
        Answer: Answer(session, "late", 2, "reject", event.start_s, event.end_s),
        AcceptRest: AcceptRest(session, "late", 0.5),
        Rest: Rest(session, 0.5),
        Decide: Decide(session),
        Anchors: Anchors(session, "start", 0.0, 0),
        Export: Export(session, str(tmp_path / "out"), "json", "source", "", 0.0, "start", 0.0, 0, 0),
    }
    for _ in range(2):
        desk.send(commands[then])
        failed = desk.wait(Failed)
        assert (failed.code, failed.text) == (
            "elsewhere",
            "this sound was answered elsewhere meanwhile; nothing was changed",
        )
        desk.settle()
    assert journal_ops(home, session) == ["desk", "laptop"]
    assert not (tmp_path / "out").exists()
    desk.send(Resume(session))
    desk.send(commands[then])  # at once, so before it has seen what comes
    notes = []
    while isinstance(one := desk.wait(Note, RowsEnd), Note):
        notes.append(one.code)
    assert (notes, one.accepted) == (["elsewhere"], 2)
    assert desk.wait(Failed).code == "elsewhere"
    desk.settle()
    desk.send(commands[then])  # seen, but not shown
    assert desk.wait(Failed).code == "elsewhere"
    assert journal_ops(home, session) == ["desk", "laptop"]
    desk.send(CaughtUp(session))
    desk.send(Undo(session, "seen", 2))
    desk.settle()
    assert journal_ops(home, session) == ["desk", "laptop", "seen"]


@pytest.mark.parametrize("there", ["another course", "nothing new"])
def test_a_damaged_journal_that_goes_on_as_a_copy_of_another_course_is_shown_first(
    daemon, connect, shared, session, tmp_path, monkeypatch, there
):
    """The copy parts from before the damage, and holds less than REAPER shows."""
    monkeypatch.setattr(limits, "OPEN_SESSIONS", 0)
    project = tmp_path / "p.rpp"
    project.touch()
    desk = connect(daemon.home)
    desk.find(session, shared.track, 1.0, 1.5, project=str(project))
    event = desk.wait(Candidate)
    desk.send(Saved(session, str(project)))
    for number in range(1, 5):
        desk.answer(event, "accept", op=f"desk {number}")
        event = desk.wait_past(event)
        if there == "nothing new" and number == 2:
            desk.send(Saved(session, str(project)))
    desk.find(session + "-other", shared.track, 3.5, 4.0)
    desk.settle()
    if there == "another course":
        (copy,) = (tmp_path / "p.reatrieve").iterdir()
        with Journal.open(copy) as journal:
            assert journal.events()[-1].number == 1
            journal.append(Answered(1, "reject", journal.events()[-1].span), op="laptop")
    path = daemon.home / "journals" / f"{session}.journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"desk 1" if there == "another course" else b"desk 2", b"desk 7"))
    desk.answer(event, "reject", op="late")
    failed = desk.wait(Failed)
    assert failed.code == ("elsewhere" if there == "another course" else "stale")
    assert journal_ops(daemon.home, session) == (["laptop"] if there == "another course" else ["desk 1", "desk 2"])


def test_a_project_by_a_name_that_no_file_has_does_not_stop_what_is_resumed(daemon, connect, shared, session):
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5, project="..")
    client.wait(Candidate)
    client.send(Resume(session))
    assert client.wait(RowsEnd).count == 2
    assert client.wait(Candidate, Failed).number == 1


def test_the_rest_is_listed_then_accepted_in_one_go(first):
    client, candidate = first
    session = candidate.session
    client.send(Rest(session, 0.4))
    rows, event = [], client.wait(RestRow, RestEnd)
    while isinstance(event, RestRow):
        rows.append(event)
        event = client.wait(RestRow, RestEnd)
    assert event.count == len(rows) >= 2
    client.send(AcceptRest(session, "all", 0.4))
    accepted = [client.wait(Row) for _ in rows]
    assert {row.state for row in accepted} == {"accepted"}
    assert {(row.start_s, row.end_s) for row in accepted} == {(row.start_s, row.end_s) for row in rows}
    assert client.wait(RowsEnd).count == len(rows)
    current = client.wait(Candidate)
    assert (current.accepted, current.rejections) == (len(rows), 0)
    client.send(AcceptRest(session, "all", 0.4))
    assert client.wait(Candidate) == current
    client.send(Rest(session, 1.5))
    assert client.wait(Failed).code == "input"


def test_what_decides_the_rest_is_asked_until_it_is_clear(first):
    client, candidate = first
    client.send(Rest(candidate.session, 0.6))
    assert client.wait(RestEnd).clear == 0
    client.send(Decide(candidate.session))
    for number in range(1, 10):
        asked = client.wait(Candidate)
        if any(isinstance(event, Note) and event.code == "rest-clear" for event in client.events):
            break
        assert asked.number == number
        right = any(abs(asked.start_s - 10.0 - start_s) < 0.1 for start_s in TRUTH)
        client.answer(asked, "accept" if right else "reject")
    client.send(Rest(candidate.session, 0.6))
    end = client.wait(RestEnd)
    assert end.clear == 1
    assert asked.accepted + end.count == len(TRUTH) - 1
    client.settle()


def test_several_clients_and_sessions_at_once(daemon, connect, shared):
    clients = [connect(daemon.home, carrier) for carrier in ("udp", "spool", "udp")]
    for k, client in enumerate(clients):
        for sound in range(2):
            client.find(f"many-{k}-{sound}", shared.track, 1.0 + 2.5 * sound, 1.5 + 2.5 * sound)
    for client in clients:
        got = {}
        while len(got) < 2:
            candidate = client.wait(Candidate)
            got[candidate.session] = candidate
        for candidate in got.values():
            client.answer(candidate, "accept")
        again = {client.wait(Candidate).session for _ in range(2)}
        assert again == set(got)
    for client in clients:
        client.settle()


@pytest.fixture
def held(monkeypatch):
    """Analyses stop after their first piece until this is set: however fast the machine, there is time to cancel."""
    go_on = threading.Event()
    pieces = TrackAudio.pieces

    def held_pieces(self, **options):
        for number, piece in enumerate(pieces(self, **options)):
            if number == 1:
                go_on.wait()
            yield piece

    monkeypatch.setattr(TrackAudio, "pieces", held_pieces)
    yield go_on
    go_on.set()


def test_progress_and_pongs_come_while_it_works_and_cancel_stops_it(start, connect, session, shared, tmp_path, held):
    track = make_track(tmp_path / "long.wav", duration_s=60.0)
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    client.find(session, track, 1.0, 1.5)
    stages, delays_s = set(), []
    while len(delays_s) < 5:
        progress = client.wait(Progress, Candidate)
        assert isinstance(progress, Progress)
        stages.add(progress.stage)
        asked_s = time.monotonic()
        client.send_raw(Ping())
        n = len(client.pongs)
        client.until(lambda n=n: len(client.pongs) > n)
        delays_s.append(time.monotonic() - asked_s)
    assert stages <= {"decode", "analyse"}
    assert min(delays_s) < 0.2
    client.send(Cancel(session))
    assert client.wait(Done, Candidate).reason == "cancelled"
    held.set()
    client.settle()
    assert not daemon.service._journals.holds(session)
    client.send(Resume(session))
    assert client.wait(Failed).code == "unknown-session"
    client.find(session, shared.track, 1.0, 1.5)
    client.wait(Candidate)


@pytest.mark.parametrize("refused", ["copy", "journal", "journal beside an earlier copy"])
def test_a_save_that_is_refused_changes_neither_journal_nor_copy(
    daemon, connect, shared, session, tmp_path, monkeypatch, refused
):
    client = connect(daemon.home)
    client.find(session, shared.track, 1.0, 1.5)
    client.answer(client.wait(Candidate), "accept")
    client.wait(Candidate)
    first, second = tmp_path / "a.rpp", tmp_path / "b.rpp"
    first.touch()
    second.touch()
    client.send(Saved(session, str(first)))
    client.settle()
    journal = JournalFolder(daemon.home / "journals").path(session)
    before = journal.read_bytes()
    there = {}
    if "earlier" in refused:  # the project was copied, with what lies beside it
        shutil.copytree(tmp_path / "a.reatrieve", tmp_path / "b.reatrieve")
        there = {path: path.read_bytes() for path in tmp_path.glob("b.reatrieve/*")}
        client.send(Rename(session, "r", "another name"))
        client.settle()
        before = journal.read_bytes()
    if refused == "copy":
        (tmp_path / "b.reatrieve").touch()
    else:
        write = journal_file.write_whole

        def fail(path, content, **how):
            if path == journal:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(path, content, **how)

        monkeypatch.setattr(journal_file, "write_whole", fail)
    client.send(Saved(session, str(second)))
    assert "cannot be written" in client.wait(Failed).text
    monkeypatch.undo()
    assert journal.read_bytes() == before
    assert {path: path.read_bytes() for path in tmp_path.glob("b.reatrieve/*")} == there
    assert len(list(tmp_path.glob("a.reatrieve/*"))) == 1


def test_a_search_begins_though_all_threads_of_the_analysis_are_busy(daemon, connect, shared, session):
    go_on = threading.Event()
    busy = [daemon.service._analysing.submit(go_on.wait, 60) for _ in range(2)]
    try:
        client = connect(daemon.home)
        client.find(session, shared.track, 1.0, 1.5)
        client.until(lambda: not client.link.unacked, timeout_s=10)
        assert not any(one.done() for one in busy)
    finally:
        go_on.set()
    assert client.wait(Candidate).number == 1


def test_what_cannot_be_searched_is_told(daemon, connect, shared, session):
    client = connect(daemon.home)
    client.find(session, shared.track, 14.9, 15.4)
    assert client.wait(Failed).code == "input"
    client.send(Find(session, "l", "", "", 1.0, 1.5, 10, "", 2))
    assert "item 1" in client.wait(Failed).text
    client.send(Find(session, "l", "", "", 1.0, 1.5, 10, "defualt", 1))
    assert "did you mean 'default'" in client.wait(Failed).text
    client.send(make_item(session, shared.track, pan=3.0))
    client.send(Find(session, "l", "", "", 1.0, 1.5, 10, "", 1))
    assert "pan" in client.wait(Failed).text
    client.send(Saved("never", "/p.rpp"))
    assert client.wait(Failed).code == "unknown-session"
    client.send(Sessions("/nothing.rpp"))
    client.wait(StoredEnd)
    client.find(session, shared.track, 1.0, 1.5)
    client.wait(Candidate)


def test_a_changed_source_is_told(start, connect, session, tmp_path):
    track = make_track(tmp_path / "changing.wav")
    daemon = start()
    client = connect(daemon.home)
    client.find(session, track, 1.0, 1.5)
    client.wait(Candidate)
    client.until(lambda: daemon.service._sources and daemon.service._sources._known[track].sound)
    make_track(tmp_path / "changing.wav", seed=4)
    event = client.wait(Note, timeout_s=20)
    while event.code != "source-changed":
        event = client.wait(Note, timeout_s=20)
    assert "changing.wav" in event.text
    assert "start the search again" in event.text


def test_anchors_and_exports_hold_the_accepted_regions(first, tmp_path):
    client, candidate = first
    session = candidate.session
    client.answer(candidate, "accept")
    client.wait(Candidate)
    client.send(Anchors(session, "start", 10.0, 0))
    anchors = [client.wait(Anchor) for _ in range(2)]
    assert [anchor.number for anchor in anchors] == [0, 1]
    assert [anchor.time_s for anchor in anchors] == pytest.approx([11.01, candidate.start_s + 0.01])
    assert client.wait(AnchorsEnd).count == 2
    client.send(Anchors(session, "start", -12000.0, 0))
    assert client.wait(Anchor).time_s == 0.0
    client.wait(AnchorsEnd)
    client.send(Anchors(session, "onset", 0.0, 4))
    assert "tempo" in client.wait(Failed).text
    client.send(Tempo(session, 0, 0.0, 120.0, 4, 4, 0.0, 0))
    client.send(Anchors(session, "onset", 0.0, 4))
    snapped = client.wait(Anchor).time_s
    assert snapped * 8 == pytest.approx(round(snapped * 8))
    client.wait(AnchorsEnd)
    folder = tmp_path / "sync ü"
    client.send(Export(session, str(folder), "json,midi", "source", "", 0.0, "start", 0.0, 0, 0))
    files = []
    event = client.wait(Exported, ExportedEnd)
    while isinstance(event, Exported):
        files.append(event.path)
        event = client.wait(Exported, ExportedEnd)
    assert event.count == len(files) >= 2
    sheet = json.loads(next(folder.glob("*.sync.json")).read_text(encoding="utf-8"))
    assert str(RATE_HZ) in json.dumps(sheet)
    client.send(Export(session, "relative", "json", "source", "", 0.0, "start", 0.0, 0, 0))
    assert "absolute" in client.wait(Failed).text


def test_a_session_open_in_two_reapers_is_told_to_both(first, daemon, connect, monkeypatch):
    monkeypatch.setattr("reatrieve.service.actor.SHARED_AFTER_S", 0.6)
    client, candidate = first
    other = connect(daemon.home)
    other.send(Resume(candidate.session))
    other.wait(Candidate)

    def told():
        client.pump()
        return all(any(isinstance(e, Note) and e.code == "shared" for e in one.events) for one in (client, other))

    other.until(told)


def test_that_a_command_failed_is_told_to_whoever_sent_it(first, daemon, connect, monkeypatch):
    """Another client's command of that number would be taken for the one that failed."""
    client, candidate = first
    other, come = connect(daemon.home), threading.Event()
    commit = SessionWork.commit

    def held(work, command, **more):
        assert come.wait(20)
        return commit(work, command, **more)

    with monkeypatch.context() as patch:
        patch.setattr(SessionWork, "commit", held)
        number = client.answer(replace(candidate, number=99), "accept")
        client.until(lambda: daemon.service._actors[candidate.session]._working)
        other.send(Survey(candidate.session, 0))
        other.until(lambda: daemon.service._actors[candidate.session].client == other.name)
        come.set()
        assert client.wait(Failed).id == number
    other.settle()
    assert [event for event in other.events if isinstance(event, Failed)] == []


def test_a_script_that_was_started_again_is_told_nothing(first, daemon, connect, monkeypatch):
    monkeypatch.setattr("reatrieve.service.actor.SHARED_AFTER_S", 0.2)
    _, candidate = first
    other = connect(daemon.home)
    other.send(Resume(candidate.session))
    other.wait(Candidate)
    later_s = time.monotonic() + 0.5
    other.until(lambda: time.monotonic() > later_s)
    assert not any(isinstance(event, Note) and event.code == "shared" for event in other.events)


def test_a_source_that_was_moved_is_told_with_what_to_do(daemon, connect, session, tmp_path):
    track = make_track(tmp_path / "moving.wav")
    client = connect(daemon.home)
    client.find(session, track, 1.0, 1.5)
    client.wait(Candidate)

    def note_of(code):
        return [event for event in client.events if isinstance(event, Note) and event.code == code]

    client.until(lambda: daemon.service._sources is not None and daemon.service._sources._known[track].sound)
    track.rename(tmp_path / "elsewhere.wav")
    client.until(lambda: note_of("source-gone"))
    assert "put it back" in note_of("source-gone")[0].text
    (tmp_path / "elsewhere.wav").rename(track)
    make_track(track, seed=9)
    client.until(lambda: note_of("source-changed"))


@pytest.mark.parametrize(
    "folder", ["a 'b' \"c\"", "\U0001f941 drums", "x" * 200 + "/" + "y" * 90, "%20 &;$(x)", "Ｍｕｓｉｋ"]
)
def test_odd_places_are_places(start, connect, tmp_path, session, folder):
    place = tmp_path / folder
    if os.name == "nt":
        pytest.skip("names that Windows does not have")
    track = make_track(place / "träck.wav")
    daemon = start(cache=place / "cache", journals=place / "journals", spool=place / "spool")
    project = place / "p.rpp"
    project.touch()
    client = connect(daemon.home, "spool")
    client.find(session, track, 1.0, 1.5, project=str(project))
    client.answer(client.wait(Candidate), "accept")
    client.wait(Candidate)
    client.send(Saved(session, str(project)))
    client.send(Export(session, str(place / "out"), "json", "source", "", 0.0, "start", 0.0, 0, 0))
    assert client.wait(ExportedEnd).count == 1
    client.send(Sessions(str(project)))
    assert client.wait(Stored).session == session
