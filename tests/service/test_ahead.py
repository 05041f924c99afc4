"""A track prepared before anybody searches it: the real daemon over both carriers."""

import logging
import secrets
import threading
import time

import numpy as np
import pytest
import soundfile

from reatrieve import limits
from reatrieve.audio.stitch import TrackAudio
from reatrieve.bridge.messages import Cancel, Candidate, Done, Failed, Find, Prepare, Tempo
from reatrieve.journal import JournalFolder
from reatrieve.retrieval.learned import network
from reatrieve.session.retriever import ANALYSIS_RATE_HZ
from reatrieve.session.search import Search
from service.client import RATE_HZ, TRUTH, make_item, make_track

EXAMPLE = (1.0, 1.5)


@pytest.fixture
def session():
    return secrets.token_hex(8)


@pytest.fixture
def decoded(monkeypatch):
    """How often a track was begun to be decoded for analysis."""
    times = []
    original = TrackAudio.pieces

    def counted(self, *args, **more):
        times.append(self.map.paths)
        return original(self, *args, **more)

    monkeypatch.setattr(TrackAudio, "pieces", counted)
    return times


@pytest.fixture
def held(monkeypatch):
    """Decoding that waits at its first piece until it is let go on."""
    go_on, reached = threading.Event(), threading.Event()
    original = TrackAudio.pieces

    def slow(self, *args, cancel=None, **more):
        for piece in original(self, *args, cancel=cancel, **more):
            reached.set()
            while not go_on.wait(0.01) and not cancel():
                pass
            yield piece

    monkeypatch.setattr(TrackAudio, "pieces", slow)
    yield go_on, reached
    go_on.set()


def prepare(client, session, path, span=EXAMPLE, *, item=True):
    if item:
        client.send(make_item(session, path))
    client.send(Prepare(session, *span, "", 1))
    client.settle()


def ready(client, daemon, session):
    client.until(lambda: daemon.service.ahead.session == session and daemon.service.ahead.is_ready)


def find(client, session, span=EXAMPLE):
    client.send(Find(session, "sound", "", "{T}", *span, 10, "", 1))
    return client.wait(Candidate)


@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_find_decodes_nothing_that_was_prepared(start, connect, tmp_path, session, decoded, carrier):
    path = make_track(tmp_path / "a.wav", seed=11)
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home, carrier)
    prepare(client, session, path)
    ready(client, daemon, session)
    assert len(decoded) == 1
    assert client.events == []  # nothing is said of it
    assert not JournalFolder(daemon.home / "journals").holds(session)
    first = find(client, session)
    assert len(decoded) == 1
    unprepared = secrets.token_hex(8)
    other = start(cache=tmp_path / "another cache", home=tmp_path / "other home")
    stranger = connect(other.settings.home, carrier)
    stranger.send(make_item(unprepared, path))
    again = find(stranger, unprepared)
    assert len(decoded) == 2
    shown = [(one.number, one.start_s, one.end_s, one.score, one.probability, one.remaining) for one in (first, again)]
    assert shown[0] == shown[1]  # prepared or not, it is the same candidate
    said, done = client.play(TRUTH, first=first)
    assert isinstance(done, Done)
    assert sum(verdict == "accept" for _, _, verdict in said) == len(TRUTH) - 1


@pytest.fixture
def passes(monkeypatch):
    """How often the network was run on a track; once it is loaded it hears two seconds to warm up."""
    begun = []
    original = network.network_frames

    def counted(samples, **more):
        if samples.size > 5 * ANALYSIS_RATE_HZ:
            begun.append(samples.size)
        return original(samples, **more)

    monkeypatch.setattr(network, "network_frames", counted)
    return begun


def test_what_answers_need_is_computed_before_find(start, connect, tmp_path, session, passes):
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, make_track(tmp_path / "a.wav", seed=19))
    ready(client, daemon, session)
    ranker = daemon.service.ahead._track.ranked[1]
    describe = ranker.description()
    client.until(lambda: len(passes) == 1)
    assert describe(lambda _wanted: None).shape[0] == network.N_VALUES  # waits for the pass that is under way
    candidate = find(client, session)
    client.answer(candidate, "accept")
    while candidate.number == 1:
        candidate = client.wait(Candidate)
    assert len(passes) == 1


def test_what_answers_need_is_computed_while_the_first_candidate_is_heard(start, connect, tmp_path, session, passes):
    """Also where nothing was prepared: before any answer, once a sound, whoever searches in it."""
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    client.find(session, make_track(tmp_path / "a.wav", seed=23), 1.0, 1.5)
    candidate = client.wait(Candidate)
    client.until(lambda: len(passes) == 1)
    client.answer(candidate, "accept")
    while candidate.number == 1:
        candidate = client.wait(Candidate)
    assert len(passes) == 1


def test_a_fault_there_is_logged_and_the_search_goes_on(start, connect, tmp_path, session, monkeypatch, caplog):
    def broken():
        raise OSError("weights.npz is gone")

    monkeypatch.setattr(Search, "description", lambda _self: broken)
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    client.find(session, make_track(tmp_path / "a.wav", seed=29), 1.0, 1.5)
    candidate = client.wait(Candidate)
    client.until(lambda: "describing the sound of session" in caplog.text)
    assert "weights.npz is gone" in caplog.text
    client.answer(candidate, "accept")
    while candidate.number == 1:
        candidate = client.wait(Candidate)


def test_another_selection_on_the_track_decodes_nothing(start, connect, tmp_path, session, decoded):
    path = make_track(tmp_path / "a.wav", seed=12)
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, path)
    ready(client, daemon, session)
    analysis = daemon.service.ahead._track.analysis
    for span in ((3.5, 4.0), (6.0, 6.5)):
        prepare(client, session, path, span, item=False)
        client.until(lambda span=span: daemon.service.ahead._track.ranked[0].start_s == span[0])
    assert daemon.service.ahead._track.analysis is analysis
    assert abs(find(client, session, (6.0, 6.5)).start_s - 6.0) > 0.5
    another = secrets.token_hex(8)  # the next search on the same track is another session
    client.send(make_item(another, path))
    find(client, another, (9.25, 9.75))
    assert len(decoded) == 1


def test_another_track_takes_its_place_and_cancel_lets_go(start, connect, tmp_path, session):
    one, two = make_track(tmp_path / "a.wav", seed=13), make_track(tmp_path / "b.wav", seed=14)
    daemon = start(cache=tmp_path / "own cache")
    client, ahead = connect(daemon.home), daemon.service.ahead
    prepare(client, session, one)
    ready(client, daemon, session)
    other = secrets.token_hex(8)
    prepare(client, other, two)
    ready(client, daemon, other)
    assert [path.name for path in ahead._track.track_map.paths] == ["b.wav"]
    client.send(Cancel(session))  # long forgotten
    client.settle()
    assert ahead.session == other
    client.send(Cancel(other))
    client.settle()
    assert ahead.session is None
    assert daemon.service._context.cache._held is None
    client.until(lambda: other not in daemon.service._actors)
    assert client.events == []


def test_cancel_stops_what_is_under_way(start, connect, tmp_path, session, held):
    _, reached = held
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, make_track(tmp_path / "a.wav", seed=15))
    assert reached.wait(30)
    client.send(Cancel(session))
    client.settle()
    client.until(lambda: daemon.service.ahead._jobs._work_queue.empty())
    assert daemon.service.ahead.session is None
    assert daemon.service._context.cache._held is None
    assert not list((tmp_path / "own cache").glob("analysis/*"))


def find_and_wait(client, session):
    """Send a Find that meets a track which is still being prepared."""
    client.send(Find(session, "sound", "", "{T}", *EXAMPLE, 10, "", 1))
    client.until(lambda: any(type(event).__name__ == "Progress" for event in client.events))


def test_find_waits_for_what_is_under_way_and_decodes_it_once(start, connect, tmp_path, session, held, decoded):
    go_on, reached = held
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, make_track(tmp_path / "a.wav", seed=16))
    assert reached.wait(30)
    find_and_wait(client, session)
    go_on.set()
    client.wait(Candidate)
    assert len(decoded) == 1


def test_a_find_that_waits_can_be_cancelled(start, connect, tmp_path, session, held):
    _, reached = held
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, make_track(tmp_path / "a.wav", seed=17))
    assert reached.wait(30)
    find_and_wait(client, session)
    client.send(Cancel(session))
    assert client.wait(Done).reason == "cancelled"
    assert daemon.service.ahead.session is None
    assert not JournalFolder(daemon.home / "journals").holds(session)


def test_answers_stay_fast_while_a_track_is_prepared(start, connect, tmp_path, session):
    """It rests while a session works: as often as not, one answer in the middle of it waits for a block at most."""
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    client.send(make_item(session, make_track(tmp_path / "a.wav", seed=18)))
    candidate = find(client, session)

    def answered(event):
        begun_s = time.perf_counter()
        client.answer(event, "accept" if any(abs(event.start_s - s) < 0.1 for s in TRUTH) else "reject")
        number = event.number
        while isinstance(event, Candidate) and event.number == number:
            event = client.wait(Candidate, Done)
        return event, time.perf_counter() - begun_s

    candidate, alone_s = answered(candidate)
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / "long.wav", 0.1 * rng.standard_normal(1200 * RATE_HZ).astype(np.float32), RATE_HZ)
    other = secrets.token_hex(8)
    prepare(client, other, tmp_path / "long.wav")
    client.until(lambda: daemon.service.ahead._track.share > 0.0)
    meanwhile_s = []
    while not daemon.service.ahead.is_ready and isinstance(candidate, Candidate) and len(meanwhile_s) < 6:
        candidate, took_s = answered(candidate)
        meanwhile_s.append(took_s)
    assert len(meanwhile_s) >= 3  # it was under way
    assert sorted(meanwhile_s)[len(meanwhile_s) // 2] < alone_s + 0.5


def test_it_rests_while_a_session_works():
    from reatrieve.service.ahead import Turns

    turns, done = Turns(), threading.Event()
    with turns.session():
        thread = threading.Thread(target=lambda: (turns.wait(lambda: False), done.set()))
        thread.start()
        assert not done.wait(0.2)
        turns.wait(lambda: True)  # who is hurried does not rest
    assert done.wait(10)
    thread.join()


@pytest.mark.parametrize("over_s", [0.0, 0.001])
def test_the_longest_track_that_is_prepared(start, connect, tmp_path, session, decoded, monkeypatch, caplog, over_s):
    """One past it is left without a word to the client: nobody has asked for anything yet."""
    monkeypatch.setattr(limits, "PREPARED_S", 15.0)
    daemon = start(cache=tmp_path / "own cache")
    client, ahead = connect(daemon.home), daemon.service.ahead
    path = make_track(tmp_path / "a.wav", seed=23)
    client.send(make_item(session, path, length_s=15.0 + over_s, loop=1))
    with caplog.at_level(logging.INFO):
        prepare(client, session, path, item=False)
        client.until(lambda: ahead.session == session and ahead._track.waiting == 0)
    assert ahead.is_ready == (over_s == 0.0)
    assert len(decoded) == (over_s == 0.0)
    assert (f"the track of session {session} is not prepared: 15 s long" in caplog.text) == (over_s > 0.0)
    assert client.events == []


def test_too_long_a_track_and_one_that_cannot_be_read_are_left(start, connect, tmp_path, session, decoded):
    daemon = start(cache=tmp_path / "own cache")
    client, ahead = connect(daemon.home), daemon.service.ahead
    path = make_track(tmp_path / "a.wav", seed=19)
    client.send(make_item(session, path, length_s=limits.PREPARED_S + 1.0, loop=1))
    prepare(client, session, path, item=False)
    client.until(lambda: ahead._track.waiting == 0)
    other = secrets.token_hex(8)
    (tmp_path / "no sound.wav").write_bytes(b"RIFF")
    client.send(make_item(other, tmp_path / "no sound.wav", length_s=9.0))
    client.send(Prepare(other, *EXAMPLE, "", 1))
    client.settle()
    client.until(lambda: ahead.session == other and ahead._track.waiting == 0)
    client.send(Prepare(secrets.token_hex(8), *EXAMPLE, "", 1))  # no item came
    client.settle()
    client.until(lambda: ahead._track.waiting == 0)
    assert not ahead.is_ready
    assert client.events == []
    assert decoded == []


def test_a_prepare_that_is_wrong_is_told(daemon, connect, session):
    client = connect(daemon.home)
    client.send(Prepare(session, 0.0, 1.0, "x" * 200, 1))
    assert client.wait(Failed).code == "protocol"
    client.send(Tempo(session, 0, 0.0, 120.0, 4, 4, 0.0, 0))
    client.settle()
    client.send(Prepare(session, 0.0, 1.0, "no such retriever", 1))
    client.settle()
    client.until(lambda: daemon.service.ahead.session == session and daemon.service.ahead._track.waiting == 0)
    assert not daemon.service.ahead.is_ready


def test_a_file_that_changed_since_is_analysed_anew(start, connect, tmp_path, session, decoded):
    path = make_track(tmp_path / "a.wav", seed=20)
    daemon = start(cache=tmp_path / "own cache")
    client = connect(daemon.home)
    prepare(client, session, path)
    ready(client, daemon, session)
    make_track(path, seed=21, duration_s=15.5)
    find(client, session)
    assert len(decoded) == 2
