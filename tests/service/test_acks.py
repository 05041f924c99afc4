"""Every numbered command is acked, whatever is in it and whatever its handler does; a fault is told and logged."""

import asyncio
import dataclasses
import logging
import os
import re
import secrets
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.test_damage import ODD, changed, written
from reatrieve import limits
from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.errors import JournalError, ProtocolError
from reatrieve.journal import Journal, JournalFolder
from reatrieve.service import loading
from reatrieve.service import service as services
from reatrieve.service import work as works
from reatrieve.service.actor import SessionActor
from reatrieve.service.preparing import Draft
from reatrieve.session.search import Over, Search
from service.client import TRUTH, make_item
from service.served import journal_ops

ACK_S = 5.0


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """The first search is acked when the numerical libraries are loaded; how long that takes is not meant here."""
    loading.load()


@pytest.fixture
def client(daemon, connect):
    one = connect(daemon.home)
    one.until(lambda: one.welcomed)
    return one


def acked(client, *commands):
    """Send, and wait until all are acked; returns what came, without progress."""
    begin = len(client.events)
    for command in commands:
        client.send(command)
    client.until(lambda: not client.link.unacked, timeout_s=ACK_S)
    client.send_raw(m.Ping())
    n_pongs = len(client.pongs)
    client.until(lambda: len(client.pongs) > n_pongs and client.pongs[-1].last_seq <= client.link.seen_upto)
    return [event for event in client.events[begin:] if not isinstance(event, m.Progress)]


class Fault(BaseException):
    """No subclass of Exception would be stopped by less."""


FAULTS = [
    RuntimeError("boom"),
    Fault("boom"),
    KeyError("k"),
    RecursionError(),
    MemoryError(),
    OSError(5, "disk"),
    PermissionError(13, "Permission denied", "/locked/x"),
    ValueError("\ud800\0"),
]


SAID = {
    MemoryError: "there is not enough memory for",
    PermissionError: "failed: /locked/x: cannot be read (Permission denied)",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize(
    ("where", "name", "command"),
    [
        (SessionActor, "_resume", m.Resume("s")),
        (SessionActor, "_find", m.Find("s", "l", "", "", 0.0, 1.0, 1, "", 1)),
        (SessionActor, "submit", m.Finish("s", "o")),
        (SessionActor, "cancel", m.Cancel("s")),
        (JournalFolder, "of_project", m.Sessions("/p.rpp")),
        (JournalFolder, "holds", m.Saved("s", "/p.rpp")),
        (Draft, "add", m.Tempo("s", 0, 0.0, 120.0, 4, 4, 0.0, 0)),
    ],
)
def test_a_handler_that_raises_is_answered_acked_and_logged(client, monkeypatch, caplog, fault, where, name, command):
    def raising(*_, **__):
        raise fault

    monkeypatch.setattr(where, name, raising)
    with caplog.at_level(logging.INFO):
        events = acked(client, command)
    (failed,) = [event for event in events if isinstance(event, m.Failed)]
    assert (failed.code, failed.id) == ("internal", client.link.acked_upto)
    assert SAID.get(type(fault), type(fault).__name__) in failed.text
    assert any(record.exc_info and record.exc_info[1] is fault for record in caplog.records)


def test_errors_of_tasks_and_callbacks_reach_the_log(daemon, client, caplog):
    async def boom():
        raise RuntimeError("in a task")

    def call():
        raise RuntimeError("in a callback")

    daemon.loop.call_soon_threadsafe(lambda: daemon.service._start(boom()))
    daemon.loop.call_soon_threadsafe(call)
    client.until(lambda: "in a task" in caplog.text and "in a callback" in caplog.text)
    assert {record.name.partition(".")[0] for record in caplog.records if record.exc_info} == {"reatrieve"}


def test_a_command_with_a_wrong_body_takes_its_turn(client, daemon):
    """Unknown names (of newer scripts), wrong arguments, impossible values: answered, and what follows is heard."""
    token = daemon.info.token
    odd = [
        ("/reatrieve/dance", "ssis", ("s",)), ("/reatrieve/resume", "ssi", ()), ("/reatrieve/resume", "ssii", (1,)),
        ("/reatrieve/more", "ssissi", ("s", "o", -1)), ("/reatrieve/rest", "ssisd", ("s", float("nan"))),
        ("/reatrieve/rest", "ssisd", ("s", float("inf"))), ("/reatrieve/resume", "ssis", ("s" * 7000,)),
        ("/reatrieve/ack", "ssii", (1,)),
    ]  # fmt: skip
    for address, tags, values in odd:
        number = client.link._last_id + 1
        client.send(m.Rename("never", "o", "l"))
        client.link._commands.clear()  # not this one, but:
        packet = osc.encode(address, tags, (client.name, token, number, *values))
        client.carrier.send(packet)
        failed = client.wait(m.Failed)
        assert (failed.id, failed.code) == (number, "protocol"), address
        client.until(lambda number=number: client.link._acked >= number, timeout_s=ACK_S)
    assert acked(client, m.Sessions(""))[-1] == m.StoredEnd("", 0)


def bounds():
    """A command at a limit, and one past it, of everything that is bounded."""
    sid, item = "never", dataclasses.asdict(make_item("never", "/x.wav", length_s=1.0))

    def an_item(**more):
        return m.Item(**{**item, **more})

    def probe(**more):
        row = {"session": sid, "index": 0, "page": 0, "pages": 1, "time_s": 0.0, "rate_hz": 44100, "samples": b""}
        return m.Probe(**{**row, **more})

    def tempo(**more):
        row = {"session": sid, "index": 0, "time_s": 0.0, "bpm": 120.0, "numerator": 4, "denominator": 4}
        return m.Tempo(**{**row, "fullbeats": 0.0, "measure": 0, **more})

    def find(**more):
        row = {"session": sid, "label": "l", "project": "", "track": "", "start_s": 0.0, "end_s": 1.0, "budget": 1}
        return m.Find(**{**row, "retriever": "", "items": 1, **more})

    def export(**more):
        row = {
            "session": sid,
            "folder": "/x",
            "targets": "all",
            "audio": "source",
            "audio_path": "",
            "audio_start_s": 0.0,
        }
        return m.Export(**{**row, "anchor": "start", "nudge_ms": 0.0, "snap": 0, "force": 0, **more})

    one_id, path, t = limits.ID_BYTES, limits.PATH_BYTES, limits.TIME_S
    yield "session", lambda n: m.Resume("s" * n), one_id, one_id + 1
    yield "session in letters of two bytes", lambda n: m.Resume("ö" * n), one_id // 2, one_id // 2 + 1
    yield "op", lambda n: m.Finish(sid, "o" * n), one_id, one_id + 1
    yield "label", lambda n: m.Rename(sid, "o", "l" * n), limits.LABEL_BYTES, limits.LABEL_BYTES + 1
    yield "label of a find", lambda n: find(label="l" * n), limits.LABEL_BYTES, limits.LABEL_BYTES + 1
    yield "project", lambda n: m.Sessions("/" * n), path, path + 1
    yield "saved", lambda n: m.Saved(sid, "/" * n), path, path + 1
    yield "track", lambda n: find(track="t" * n), one_id, one_id + 1
    yield "retriever", lambda n: find(retriever="r" * n), one_id, one_id + 1
    yield "path", lambda n: an_item(path="/" * n), path, path + 1
    yield "guid", lambda n: an_item(guid="g" * n), one_id, one_id + 1
    yield "item index", lambda n: an_item(index=n), limits.ITEMS - 1, limits.ITEMS
    yield "probe index", lambda n: probe(index=n), limits.ITEMS - 1, limits.ITEMS
    yield "probe pages", lambda n: probe(pages=n), limits.PROBE_PAGES, limits.PROBE_PAGES + 1
    yield "probe rate", lambda n: probe(rate_hz=n), limits.MAX_RATE_HZ, limits.MAX_RATE_HZ + 1
    yield "probe rate below", lambda n: probe(rate_hz=n), limits.MIN_RATE_HZ, limits.MIN_RATE_HZ - 1
    yield "tempo index", lambda n: tempo(index=n), limits.TEMPO - 1, limits.TEMPO
    yield "known index", lambda n: m.Known(sid, n, "accept", 0.0, 1.0), limits.KNOWN - 1, limits.ITEMS
    yield "known place", lambda x: m.Known(sid, 0, "reject", -x, 0.0), t, 1.001 * t
    yield "bpm", lambda x: tempo(bpm=x), limits.BPM, limits.BPM * 1.001
    yield "numerator", lambda n: tempo(numerator=n), limits.METRE, limits.METRE + 1
    yield "items", lambda n: find(items=n), limits.ITEMS, limits.ITEMS + 1
    yield "budget", lambda n: find(budget=n), limits.BUDGET, limits.BUDGET + 1
    yield "extra", lambda n: m.More(sid, "o", n), limits.BUDGET, limits.BUDGET + 1
    yield "number", lambda n: m.Undo(sid, "o", n), limits.CANDIDATES, limits.CANDIDATES + 1
    yield "number below", lambda n: m.Retract(sid, "o", n), 0, -1
    yield "position", lambda x: an_item(position_s=x), t, 1e300
    yield "offset", lambda x: an_item(offset_s=x), -t, -1.001 * t
    yield "length", lambda x: an_item(length_s=x), limits.LENGTH_S, limits.LENGTH_S + 0.001
    yield "gain", lambda x: an_item(gain=x), -limits.GAIN, -limits.GAIN - 0.1
    yield "start", lambda x: find(start_s=-x), t, 1e300
    yield "edges", lambda x: m.Answer(sid, "o", 1, "accept", 0.0, x), t, 1e300
    yield "revised", lambda x: m.Revise(sid, "o", 1, 0.0, x), t, 1.001 * t
    yield "nudge", lambda x: m.Anchors(sid, "start", x, 0), limits.NUDGE_MS, limits.NUDGE_MS + 0.1
    yield "snap", lambda n: m.Anchors(sid, "start", 0.0, n), limits.SNAP, limits.SNAP + 1
    yield "folder", lambda n: export(folder="/" * n), path, path + 1
    yield "targets", lambda n: export(targets="," * n), limits.TEXT_BYTES, limits.TEXT_BYTES + 1


@pytest.mark.parametrize(("make", "at", "past"), [case[1:] for case in bounds()], ids=[case[0] for case in bounds()])
def test_at_each_limit_and_one_past_it(client, make, at, past):
    events = acked(client, make(at))
    assert not any(isinstance(event, m.Failed) and event.code in ("protocol", "internal") for event in events), events
    (failed,) = acked(client, make(past))
    assert (failed.code, failed.id) == ("protocol", client.link.acked_upto)
    assert len(failed.text) < 200
    assert any(word in failed.text for word in ("outside", "at most", "page"))


def test_every_limit_is_named_by_a_test():
    tests = Path(__file__).parents[1]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py"))
    named = set(re.findall(r"limits(?:\.|, \")(\w+)", texts)) | {"WALL_TIME_S"}  # a clock far off is no damage
    assert set(limits.__all__) - named == set()


def test_one_probe_is_bounded(client, monkeypatch):
    monkeypatch.setattr(limits, "PROBE_BYTES", 4000)
    pages = [m.Probe("never", 3, page, 3, 0.0, 44100, bytes(2000)) for page in range(3)]
    assert acked(client, *pages[:2]) == []
    (failed,) = acked(client, pages[2])
    assert (failed.code, failed.id) == ("input", client.link.acked_upto)
    assert failed.text == "the probe of item 3 is longer than 4000 bytes; half a second is enough"


def test_probes_together_are_bounded(client, monkeypatch):
    monkeypatch.setattr(limits, "PROBES_BYTES", 4000)
    pages = [m.Probe("never", index, 0, 1, 0.0, 44100, bytes(1000)) for index in range(5)]
    events = acked(client, *pages)
    assert [(type(event), event.code) for event in events] == [(m.Failed, "input")]
    assert "4000 bytes together" in events[0].text
    assert acked(client, *pages[:4]) == []


def known_in(daemon):
    """The sessions that the service knows, when nothing is left to do."""
    return asyncio.run_coroutine_threadsafe(_known_in(daemon), daemon.loop).result()


async def _known_in(daemon):
    while not daemon.service.is_idle:
        await asyncio.sleep(0)
    return set(daemon.service._actors)


def test_probes_of_sessions_that_are_never_searched_are_forgotten(start, connect, monkeypatch):
    daemon = start()
    client = connect(daemon.home)

    def probe(session, n_bytes):
        acked(client, m.Probe(session, 0, 0, 1, 0.0, 44100, bytes(n_bytes)))

    def make_room():
        acked(client, m.Tempo("newest", 0, 0.0, 120.0, 4, 4, 0.0, 0), m.Resume("newest"))  # room is made now

    for k in range(3):
        probe(f"s{k}", 1000)
    make_room()
    monkeypatch.setattr(limits, "DRAFTS_BYTES", sum(actor.draft.n_bytes for actor in daemon.service._actors.values()))
    make_room()
    assert known_in(daemon) == {"s0", "s1", "s2", "newest"}  # just at the limit
    probe("s3", 2)
    make_room()
    assert known_in(daemon) == {"s1", "s2", "s3", "newest"}  # the longest unused one


def test_sessions_past_those_that_are_known_are_forgotten(start, connect, monkeypatch):
    monkeypatch.setattr(limits, "KNOWN_SESSIONS", 4)
    daemon = start()
    client = connect(daemon.home)
    for k in range(4):
        acked(client, m.Tempo(f"s{k}", 0, 0.0, 120.0, 4, 4, 0.0, 0))
    assert known_in(daemon) == {"s0", "s1", "s2", "s3"}
    acked(client, m.Tempo("s0", 1, 1.0, 120.0, 4, 4, 0.0, 0))  # used again
    acked(client, m.Tempo("s4", 0, 0.0, 120.0, 4, 4, 0.0, 0))
    assert known_in(daemon) == {"s0", "s2", "s3", "s4"}


@pytest.mark.parametrize(
    "message",
    [lambda session, index: make_item(session, "/x" * 500, index=index, length_s=1.0),
     lambda session, index: m.Tempo(session, index, 0.0, 120.0, 4, 4, 0.0, 0),
     lambda session, index: m.Known(session, index, "accept", 1.0, 2.0)],
)  # fmt: skip
def test_tracks_that_are_described_and_never_searched_are_forgotten(start, connect, monkeypatch, message):
    """Also those whose descriptions grow while no further session comes."""
    monkeypatch.setattr(limits, "DRAFTS_BYTES", 60_000)
    monkeypatch.setattr(services, "EVICT_EVERY_MESSAGES", 50)
    daemon = start()
    client = connect(daemon.home)
    for index in range(60):
        for k in range(8):
            client.send(message(f"s{k}", index))
    client.settle()
    client.until(lambda: sum(actor.draft.n_bytes for actor in daemon.service._actors.values()) <= 120_000)
    assert "s7" in daemon.service._actors


def test_a_session_has_no_more_candidates_than_can_be_named(client, shared, monkeypatch):
    """Also where accepting the rest leaves nothing to propose."""
    monkeypatch.setattr(limits, "CANDIDATES", 3)
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5)
    client.wait(m.Candidate)
    failed = acked(client, m.AcceptRest(session, "a", 0.0))[-1]
    assert (failed.code, "at most 3 candidates" in failed.text) == ("input", True)
    (*_, end, _) = acked(client, m.Finish(session, "b"), m.Resume(session))
    assert end.accepted == 0


def test_what_could_not_be_told_is_not_journalled(client, daemon, shared, monkeypatch):
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5)
    candidate = client.wait(m.Candidate)
    before = journal_ops(daemon.home, session)

    def too_long(_header, _event):
        raise ProtocolError("the reply is longer than a packet")

    monkeypatch.setattr(works, "encode_event", too_long)
    client.answer(candidate, "accept")
    assert client.wait(m.Failed).text == "the reply is longer than a packet"
    monkeypatch.undo()
    assert journal_ops(daemon.home, session) == before
    client.answer(candidate, "accept", op="now")
    client.wait_past(candidate)
    assert journal_ops(daemon.home, session) == [*before, "now"]


def test_a_session_that_nobody_uses_is_closed_and_opened_again(start, connect, shared, monkeypatch):
    daemon = start()
    client = connect(daemon.home)
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5)
    candidate = client.wait(m.Candidate)
    client.settle()
    path = daemon.home / "journals" / f"{session}.journal.jsonl"
    with pytest.raises(JournalError, match="written by another process"):
        Journal.open(path)
    asyncio.run_coroutine_threadsafe(daemon.service._tidy_once(), daemon.loop).result(30)
    assert session in daemon.service._actors
    monkeypatch.setattr(services, "IDLE_AFTER_S", -1.0)
    asyncio.run_coroutine_threadsafe(daemon.service._tidy_once(), daemon.loop).result(30)
    assert session not in daemon.service._actors
    Journal.open(path).close()
    client.answer(candidate, "accept")
    assert client.wait_past(candidate).number == candidate.number + 1


def test_raised_budgets_together_are_bounded(client, shared):
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5, budget=10)
    client.wait(m.Candidate)
    (_, failed) = acked(client, m.More(session, "a", limits.BUDGET - 10), m.More(session, "b", 1))[-2:]
    assert (failed.code, f"at most {limits.BUDGET}" in failed.text) == ("input", True)
    assert acked(client, m.Resume(session))[-1].budget == limits.BUDGET


@pytest.mark.parametrize("change", ODD, ids=lambda change: str(change)[:30])
def test_odd_journals_beside_a_project_freeze_nothing(client, daemon, tmp_path, change):
    project = tmp_path / "p.rpp"
    beside = tmp_path / "p.reatrieve"
    beside.mkdir()
    raw = written(beside / "odd-s.journal.jsonl", session="odd" + secrets.token_hex(4), project=str(project))
    (beside / "odd-s.journal.jsonl").write_bytes(changed(raw, 1, lambda row: row.update(change)))
    (beside / "deep.journal.jsonl").write_bytes(raw.splitlines()[0] + b"\n" + b"[" * 100_000 + b"\n" + b"{}\n")
    events = acked(client, m.Sessions(str(project)))
    assert events == [m.StoredEnd(str(project), 0)]


@pytest.mark.parametrize(
    "project", ["/", "..", "relative", "/" * 4096, "/a" * 2000, "/" + 300 * "x", "C:\\", "\x1b[2J"]
)
def test_odd_projects_freeze_nothing(client, project):
    assert acked(client, m.Sessions(project)) == [m.StoredEnd(project, 0)]
    (failed,) = acked(client, m.Saved("never", project))
    assert failed.code == "unknown-session"


@pytest.mark.parametrize("project", ["", "p.rpp", "/", "/nowhere/p.rpp", "FOLDER", "FOLDER/p.wav", "FOLDER/f.rpp"])
def test_saved_wants_a_project_that_is_there(client, shared, tmp_path, project):
    (tmp_path / "p.wav").touch()
    (tmp_path / "f.rpp").mkdir()
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5)
    client.wait(m.Candidate)
    (failed,) = acked(client, m.Saved(session, project.replace("FOLDER", str(tmp_path))))
    assert failed.code == "input"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.rpp", "p.wav"]


def test_too_many_commands_at_once_are_refused_by_name(client, monkeypatch):
    """One is at work, just so many wait, and the next is refused; all are acked in the end."""
    monkeypatch.setattr(limits, "QUEUED", 5)
    at_work, go_on = threading.Event(), threading.Event()

    def holds(*_):
        at_work.set()
        assert go_on.wait(60)
        return False

    monkeypatch.setattr(JournalFolder, "holds", holds)
    session, begin = secrets.token_hex(8), len(client.events)
    try:
        first = client.send(m.Resume(session))
        client.until(at_work.is_set)
        for _ in range(5):
            last = client.send(m.Resume(session))
        past = client.send(m.Resume(session))
        failed = client.until(
            lambda: next((event for event in client.events[begin:] if isinstance(event, m.Failed)), None)
        )
        assert (failed.code, failed.id) == ("busy", past)
        assert failed.text == "5 commands of this session wait already; go on when they are done"
    finally:
        go_on.set()
    client.until(lambda: not client.link.unacked)
    others = [event for event in client.events[begin:] if isinstance(event, m.Failed) and event.id != past]
    assert [(event.code, event.id) for event in others] == [("unknown-session", k) for k in range(first, last + 1)]


def test_a_session_holds_so_many_candidates(client, shared, monkeypatch):
    """Those proposed, those asked for, and those accepted all at once: what is past the limit changes nothing."""
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5, budget=10)
    one = client.wait(m.Candidate)
    monkeypatch.setattr(limits, "CANDIDATES", 2)

    def told(command):
        """What is said where the session is too long for this."""
        return [event.text for event in acked(client, command) if isinstance(event, m.Failed)]

    def place():
        """The candidate that is open."""
        _, after = resumed(client, session)
        return after.number, after.start_s, after.end_s

    assert told(m.Answer(session, "a1", 1, "accept", one.start_s, one.end_s)) == []
    number, start_s, _ = place()
    assert number == 2
    elsewhere = [t for t in TRUTH[1:] if abs(t - one.start_s) > 1.0 and abs(t - start_s) > 1.0]
    assert told(m.Ask(session, "q1", elsewhere[0] + 0.25)) == []  # it takes the number of the open one
    asked = place()
    assert (asked[0], abs(asked[1] - elsewhere[0]) < 0.1) == (2, True)
    monkeypatch.setattr(limits, "CANDIDATES", 1)
    assert told(m.Ask(session, "q2", elsewhere[1] + 0.25)) == [sentence(1)]
    monkeypatch.setattr(limits, "CANDIDATES", 2)
    assert place() == asked
    assert told(m.Answer(session, "a2", 2, "accept", *asked[1:])) == [sentence(2)]  # the third would follow
    assert told(m.AcceptRest(session, "r1", 0.0)) == [sentence(2)]
    assert place() == asked
    monkeypatch.setattr(limits, "CANDIDATES", 3)
    assert told(m.Answer(session, "a2", 2, "accept", *asked[1:])) == []
    assert place()[0] == 3


def sentence(most):
    return f"a session holds at most {most} candidates; begin a new search"


def resumed(client, session):
    """How the rows end, and the candidate or end after them."""
    begin = len(client.events)
    client.send(m.Resume(session))

    def said():
        events = client.events[begin:]
        ends = [k for k, event in enumerate(events) if isinstance(event, m.RowsEnd)]
        after = [event for event in events[ends[0] :] if isinstance(event, (m.Candidate, m.Done))] if ends else []
        return (events[ends[0]], after[0]) if after else None

    return client.until(said)


def test_accepting_the_rest_holds_to_so_many_candidates_too(client, shared, monkeypatch):
    """Where nothing is left to follow, what was accepted is what is past the limit."""
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5, budget=10)
    client.wait(m.Candidate)
    client.send(m.Rest(session, 0.0))
    n_rest = client.wait(m.RestEnd).count
    assert n_rest > 2
    monkeypatch.setattr(Search, "propose", lambda _: Over("exhausted"))
    monkeypatch.setattr(limits, "CANDIDATES", n_rest - 1)
    failed = [event.text for event in acked(client, m.AcceptRest(session, "r1", 0.0)) if isinstance(event, m.Failed)]
    assert failed == [sentence(n_rest - 1)]
    monkeypatch.undo()
    assert resumed(client, session)[0].accepted == 0
    monkeypatch.setattr(Search, "propose", lambda _: Over("exhausted"))
    monkeypatch.setattr(limits, "CANDIDATES", n_rest)
    acked(client, m.AcceptRest(session, "r1", 0.0))
    assert resumed(client, session)[0].accepted == n_rest


def test_just_so_many_sessions_are_open(start, connect, shared, monkeypatch):
    monkeypatch.setattr(limits, "OPEN_SESSIONS", 3)
    daemon = start()
    client = connect(daemon.home)

    def begin(k):
        client.find(f"s{k}", shared.track, 1.0, 1.5)
        client.wait(m.Candidate)
        client.settle()
        known_in(daemon)
        return {session for session, actor in daemon.service._actors.items() if actor.is_open}

    assert [begin(k) for k in range(3)][-1] == {"s0", "s1", "s2"}
    assert begin(3) == {"s1", "s2", "s3"}


def test_idle_sessions_are_closed_and_opened_again(start, connect, shared, monkeypatch):
    monkeypatch.setattr(limits, "OPEN_SESSIONS", 3)
    monkeypatch.setattr(limits, "KNOWN_SESSIONS", 5)
    daemon = start()
    client = connect(daemon.home)
    candidates = []
    for k in range(7):
        client.find(f"s{k}", shared.track, 1.0, 1.5)
        candidates.append(client.wait(m.Candidate))
    client.until(lambda: sum(actor.is_open for actor in daemon.service._actors.values()) <= 3)
    assert len(daemon.service._actors) <= 6
    for candidate in candidates:
        client.answer(candidate, "accept")
        assert client.wait(m.Candidate).accepted == 1
    client.settle()
    assert sum(actor.is_open for actor in daemon.service._actors.values()) <= 4


def test_presses_that_nobody_takes_do_not_pile_up(daemon, client, shared, caplog):
    session = secrets.token_hex(8)
    client.find(session, shared.track, 1.0, 1.5)
    client.wait(m.Candidate)
    client.settle()
    link, hub = daemon.service.hub._peers[client.name].link, daemon.service.hub
    client.until(lambda: link.unseen(m.Verb) == 0)
    dropped = hub.complaints.get("press dropped", 0)

    def press(n):
        async def pressed():
            for _ in range(n):
                daemon.service._verb("accept")

        asyncio.run_coroutine_threadsafe(pressed(), daemon.loop).result()
        return link.unseen(m.Verb), hub.complaints.get("press dropped", 0) - dropped

    assert press(limits.PRESSES) == (limits.PRESSES, 0)
    assert press(1) == (limits.PRESSES, 1)
    assert f"accept: REAPER has not taken the last {limits.PRESSES} yet" in caplog.text
    assert press(200) == (limits.PRESSES, 201)
    client.until(lambda: link.unseen(m.Verb) == 0)  # it has taken them
    assert sum(isinstance(event, m.Verb) for event in client.events) == limits.PRESSES
    assert press(1) == (1, 201)
    client.send(m.Resume(session))
    client.wait(m.Candidate)


IDS = st.one_of(st.sampled_from(["never", "s", "a b", "ü", "\x1b[31m", "x" * 128, "x" * 129]), st.text(max_size=8))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
PLACES = st.sampled_from(
    ["", "/", "/x/y.rpp", "..", "/proc/self/mem", "/dev/zero", os.devnull, "\\\\host\\x", "/" * 4097]
)
WHOLE = st.one_of(st.integers(-3, 20), st.sampled_from([2**31 - 1, -(2**31), 4000, 4001, 10_000, 100_001]))
REAL = st.one_of(st.floats(-10.0, 20.0), st.sampled_from([1e300, -1e300, 1e7, 0.0, 1.7e308, 5e-324]))
BY_NAME = {
    "session": IDS,
    "op": IDS,
    "project": PLACES,
    "path": PLACES,
    "folder": PLACES,
    "verdict": st.sampled_from(m.VERBS),
}
BY_TYPE = {"s": TEXTS, "i": WHOLE, "d": REAL, "b": st.binary(max_size=64)}


@st.composite
def arguments(draw):
    """Name, type tags and values of a command, mostly right, each value odd or not."""
    kind = draw(st.sampled_from([kind for kind in m.COMMANDS.values() if kind.NUMBERED]))
    tags = m.type_tags(kind)
    values = [
        draw(BY_NAME.get(field.name, BY_TYPE[tag])) for field, tag in zip(dataclasses.fields(kind), tags, strict=True)
    ]
    if draw(st.integers(0, 9)) == 0 and values:
        tags, values = tags[:-1], values[:-1]
    return kind.NAME, tags, values


def sendable(values):
    return all(not (isinstance(v, str) and ("\0" in v or any("\ud800" <= c <= "\udfff" for c in v))) for v in values)


@pytest.mark.slow
def test_random_commands_are_each_acked_within_five_seconds(daemon, connect, shared):
    client = connect(daemon.home)
    client.until(lambda: client.welcomed)
    client.find("s", shared.track, 1.0, 1.5)
    client.wait(m.Candidate)
    token = daemon.info.token
    longest = []

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(arguments().filter(lambda one: sendable(one[2])))
    def check(one):
        name, tags, values = one
        client.send(m.Cancel("another"))
        ((number, waiting),) = client.link._commands.items()
        del client.link._commands[number], waiting
        packet = osc.encode(f"/reatrieve/{name}", "ssi" + tags, (client.name, token, number, *values))
        client.carrier.send(packet)
        begin_s = time.monotonic()
        client.until(lambda: client.link._acked >= number, timeout_s=ACK_S)
        longest.append(time.monotonic() - begin_s)
        client.taken = len(client.events)

    check()
    assert max(longest) < ACK_S
    assert not any(event.code == "internal" for event in client.events if isinstance(event, m.Failed))
    client.send(m.Sessions(""))
    client.settle()
