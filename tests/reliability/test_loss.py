"""Datagrams lost, doubled, delayed and reordered; files late, twice, out of order and half-written; the daemon killed
at random points: sessions end as if nothing had happened.

``--long`` plays 200 sessions of 30 answers and 100 over files, and kills 200 times.
"""

import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from reatrieve.bridge.messages import Answer, Candidate, Done, Export, Rename, Saved
from reatrieve.journal import read_journal
from reatrieve.service import hub, loading
from service.client import TRUTH, Client, FaultyProxy, FaultySpool, VanishingSpool, make_track, verdict_on
from service.served import journal_ops, state_of

N_ANSWERS = 30

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def track(tmp_path_factory):
    """Long enough for thirty answers."""
    return make_track(tmp_path_factory.mktemp("loss") / "long.wav", duration_s=25.0)


def played(client, session, track):
    """Play a session of thirty answers and rename it: what was said, and the end."""
    try:
        client.find(session, track, 1.0, 1.5, budget=N_ANSWERS - 4)
        said, done = client.play(TRUTH)
        client.send(Rename(session, "name", "after"))
        client.settle()
    finally:
        client.close()
    return said, done


def demand_as_undisturbed(daemon, session, said, done, undisturbed):
    """The same was said, the end and the state are the same, and no answer is in the journal twice."""
    assert said == undisturbed[0]
    assert (done.reason, done.rejections, done.accepted) == ("budget", N_ANSWERS - 4, 4)
    assert state_of(daemon.home, session) == undisturbed[2]
    assert len(journal_ops(daemon.home, session)) == len(set(journal_ops(daemon.home, session))) == len(said) + 1


@pytest.fixture(scope="module")
def undisturbed(daemon, track):
    """What is said in a session of thirty answers without faults, and its state in the end."""
    loading.load()
    said, done = played(Client(daemon.home), "undisturbed", track)
    assert len(said) == N_ANSWERS
    return said, done, state_of(daemon.home, "undisturbed")


def test_thirty_percent_faults_change_nothing(daemon, track, undisturbed, request):
    n_sessions = 200 if request.config.getoption("--long") else 6
    ended, lock = [], threading.Lock()

    def play(k):
        session = f"lossy-{k}-{secrets.token_hex(3)}"
        with FaultyProxy(daemon.info.port, fault=0.3, seed=k) as proxy:
            said, done = played(Client(daemon.home, port=proxy.port), session, track)
        with lock:
            ended.append((session, said, done, proxy.dropped))

    for first in range(0, n_sessions, 3):
        threads = [threading.Thread(target=play, args=(k,)) for k in range(first, min(first + 3, n_sessions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(ended) == n_sessions
    for session, said, done, dropped in ended:
        assert dropped > 20
        demand_as_undisturbed(daemon, session, said, done, undisturbed)
    print(f"{n_sessions} sessions of {len(undisturbed[0])} answers, {sum(one[3] for one in ended)} datagrams lost")


def test_files_late_doubled_out_of_order_and_half_written_change_nothing(
    daemon, track, undisturbed, request, monkeypatch
):
    monkeypatch.setattr(hub, "SPOOL_RESEND_S", 0.1)  # not 2 s, for every one that is lost
    n_sessions = 100 if request.config.getoption("--long") else 2
    malformed = "malformed packet dropped"
    before = daemon.service.hub.complaints.get(malformed, 0)
    faults = Counter()
    for k in range(n_sessions):
        session = f"late-{k}-{secrets.token_hex(3)}"
        client = Client(daemon.home, "spool", spool=partial(FaultySpool, seed=k))
        said, done = played(client, session, track)
        demand_as_undisturbed(daemon, session, said, done, undisturbed)
        faults += client.carrier.faults
        assert min(client.carrier.faults.values()) > 5
    halves = daemon.service.hub.complaints[malformed] - before
    assert halves > 5 * n_sessions  # some were read as they were
    print(f"{n_sessions} sessions of {len(said)} answers over files: {dict(faults)}, {halves} read half")


def test_a_folder_that_is_away_again_and_again_changes_nothing(daemon, track, undisturbed, request, monkeypatch):
    monkeypatch.setattr(hub, "SPOOL_RESEND_S", 0.1)
    for k in range(20 if request.config.getoption("--long") else 1):
        session = f"away-{k}-{secrets.token_hex(3)}"
        client = Client(daemon.home, "spool", spool=partial(VanishingSpool, every=5 + k))
        said, done = played(client, session, track)
        demand_as_undisturbed(daemon, session, said, done, undisturbed)
        assert client.carrier.times > 3 or sys.platform == "win32"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_killed_at_random_points_no_answer_is_lost_or_doubled(served, connect, track, undisturbed, request, carrier):
    """Killed a random time after an answer was sent: before, while and after the journal grows."""
    n_kills = 100 if request.config.getoption("--long") else 3
    rng = random.Random(3)
    daemon = served()
    daemon.start()
    done = 0
    kills_left = n_kills
    while kills_left:
        session = f"killed-{secrets.token_hex(3)}"
        client = connect(daemon.home, carrier)
        client.find(session, track, 1.0, 1.5, budget=N_ANSWERS - 4)
        said = []
        event = client.wait(Candidate, Done)
        while isinstance(event, Candidate):
            verdict = verdict_on(event, TRUTH)
            said.append((event.number, round(event.start_s, 3), verdict))
            client.answer(event, verdict)
            client.pump()
            if kills_left and rng.random() < 0.3:
                until_s = time.monotonic() + rng.random() * 0.05
                while time.monotonic() < until_s:
                    client.pump()
                daemon.end(signal.SIGKILL)
                daemon.start()
                kills_left -= 1
            event = client.wait_past(event)
        client.send(Rename(session, "name", "after"))
        client.settle()
        assert said == undisturbed[0]
        ops = journal_ops(daemon.home, session)
        assert len(ops) == len(set(ops)) == len(said) + 1
        assert state_of(daemon.home, session) == undisturbed[2]
        done += 1
        client.close()
    assert daemon.end()[0] == 0
    print(f"{n_kills} kills over {carrier} in {done} sessions")


DYING = """
import os, signal, sys
from pathlib import Path
from faults import FaultyDisk
from reatrieve import cli

class Dying(FaultyDisk):
    n_calls = 0
    def call(self, name, path):
        armed = Path(self.folder, "die-at.txt")
        kept = "journals" in Path(path).parts or "pröject" in Path(path).parts
        if self.active and kept:
            self.n_calls = self.n_calls + 1 if armed.exists() else 0
            if self.n_calls and self.n_calls == int(armed.read_text()):
                os.kill(os.getpid(), signal.SIGKILL)
        return False

with Dying(sys.argv.pop(1)).mounted():
    sys.exit(cli.main(sys.argv[1:]))
"""
"""A daemon that dies at the n-th call that writes a journal or beside the project, once a file says n."""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("carrier", ["udp", "spool"])
def test_killed_while_it_answers_exports_copies_or_renames_nothing_is_lost(
    served, connect, track, undisturbed, tmp_path, monkeypatch, request, carrier
):
    """Each time within the command: before one of its writes, fsyncs, renames."""
    n_kills = 80 if request.config.getoption("--long") else 4
    rng, killed_in = random.Random(6), Counter()
    folder = tmp_path / "pröject"
    folder.mkdir()
    projects = [folder / "one.rpp", folder / "two.rpp"]
    for project in projects:
        project.touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    daemon = served()
    daemon.command[1:3] = ["-c", DYING, str(tmp_path)]
    daemon.start()
    client, armed, n_renames = None, tmp_path / "die-at.txt", 0

    def command(session):
        """One of the three, in turn, and how many calls that write it makes, about."""
        n_done = sum(killed_in.values()) - killed_in[Answer.NAME]
        turn = n_done % 3
        if turn == 0:
            return Rename(session, f"name {n_done}", f"label {n_done}"), 2
        if turn == 1:
            return Saved(session, str(projects[n_done // 3 % 2])), 8
        return Export(session, str(folder / session), "json,csv", "source", "", 0.0, "start", 0.0, 0, 1), 8

    def armed_for(name, n_calls, say):
        """Whether the daemon died of what is said to it, at one of its calls; when this returns it is there again, and
        has carried it out."""
        armed.write_text(str(rng.randint(1, n_calls)), encoding="utf-8")
        say()
        client.until(lambda: daemon.process.poll() is not None or not client.link.unacked)
        if daemon.process.poll() is None:
            armed.unlink()
            client.settle()
            return False
        assert daemon.process.poll() == -signal.SIGKILL, name
        daemon.process.communicate()
        armed.unlink()
        daemon.start()
        client.until(lambda: client.welcomed and client.info.pid == daemon.process.pid)
        client.settle()
        killed_in[name] += 1
        return True

    def killed_in_one(session, ops):
        nonlocal n_renames
        one, n_calls = command(session)
        was_killed = armed_for(one.NAME, n_calls, lambda: client.send(one))
        n_renames += isinstance(one, Rename)
        if not was_killed:  # it made fewer calls: an export of the same events replaces nothing
            return
        assert ops <= set(journal_ops(daemon.home, session))
        if isinstance(one, Saved):
            (copy,) = Path(one.project).with_suffix(".reatrieve").glob(f"*-{session}.journal.jsonl")
            header, lines = read_journal(copy)
            assert header.project == one.project
            assert ops <= {line.op for line in lines}
        if isinstance(one, Export):
            written = {path.suffix: path for path in (folder / session).iterdir()}
            assert sorted(written) == [".csv", ".json"]
            assert not any(path.name.startswith(".") for path in (folder / session).iterdir())
            events = json.loads(written[".json"].read_text(encoding="utf-8"))["events"]
            assert len(events) == len(state_of(daemon.home, session).accepted_regions)

    while sum(killed_in.values()) < n_kills:
        session, n_renames, ops = f"killed-in-{secrets.token_hex(3)}", 0, set()
        client = connect(daemon.home, carrier)
        client.find(session, track, 1.0, 1.5, budget=N_ANSWERS - 4)
        said, event = [], client.wait(Candidate, Done)
        while isinstance(event, Candidate):
            said.append((event.number, round(event.start_s, 3), verdict_on(event, TRUTH)))
            op = f"answer {event.number}"
            ops.add(op)
            goes_on = sum(killed_in.values()) < n_kills
            if goes_on and event.number % 3 == 1 and killed_in[Answer.NAME] < n_kills // 4:
                armed_for(Answer.NAME, 2, partial(client.answer, event, said[-1][2], op=op))
                assert ops <= set(journal_ops(daemon.home, session))
            else:
                client.answer(event, said[-1][2], op=op)
                client.settle()
            n_others = sum(killed_in.values()) - killed_in[Answer.NAME]
            if goes_on and event.number % 3 == 0 and n_others < 3 * n_kills // 4:
                killed_in_one(session, ops)
            event = client.wait_past(event)
        client.send(Rename(session, "name", "after"))
        client.settle()
        assert said == undisturbed[0]
        told = journal_ops(daemon.home, session)
        assert len(told) == len(set(told)) == len(said) + n_renames + 1
        assert state_of(daemon.home, session) == undisturbed[2]
        client.close()
    assert daemon.end()[0] == 0
    assert min(killed_in[one.NAME] for one in (Answer, Rename, Saved, Export)) >= n_kills // 4
    print(f"kills over {carrier}: {dict(killed_in)}")
