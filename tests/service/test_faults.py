"""Losing, doubling and reordering datagrams, and killing the daemon: the session ends as if nothing had happened."""

import asyncio
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from reatrieve.bridge.home import read_info, write_info
from reatrieve.bridge.messages import Answer, Candidate, Done, Failed, Finish, Ping, Rename, Resume, Row, RowsEnd
from reatrieve.bridge.spool import MARKER, SpoolCarrier
from reatrieve.cli import daemon_log, main
from reatrieve.cli.daemon_log import DaemonLog
from reatrieve.errors import InputError
from reatrieve.journal import JournalFolder, read_journal
from reatrieve.service import run
from reatrieve.service.service import running
from reatrieve.settings import Settings
from service.client import TRUTH, Client, FaultyProxy, verdict_on
from service.served import Served, journal_ops, state_of

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path, shared):
    made = []

    def make(*flags, cache=shared.cache):
        made.append(Served(tmp_path, cache, *flags))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.fixture(scope="module")
def undisturbed(daemon, shared):
    """What is said in a session without faults, and its state in the end."""
    client = Client(daemon.home)
    client.find("undisturbed", shared.track, 1.0, 1.5)
    said, done = client.play(TRUTH)
    client.send(Rename("undisturbed", "name", "after"))
    client.settle()
    client.close()
    return said, done, state_of(daemon.home, "undisturbed")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thirty_percent_faults_change_nothing(daemon, connect, shared, undisturbed, seed):
    session = f"faulty-{seed}"
    with FaultyProxy(daemon.info.port, fault=0.3, seed=seed) as proxy:
        client = connect(daemon.home, port=proxy.port)
        client.find(session, shared.track, 1.0, 1.5)
        said, done = client.play(TRUTH)
        client.send(Rename(session, "name", "after"))
        client.settle()
        assert proxy.dropped > 10
    assert said == undisturbed[0]
    assert (done.reason, done.rejections, done.accepted) == ("budget", 10, 4)
    assert state_of(daemon.home, session) == undisturbed[2]
    assert len(journal_ops(daemon.home, session)) == len(said) + 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(("carrier", "killed_at", "ended_at"), [("udp", 3, 8), ("spool", 5, 0)])
def test_a_daemon_that_dies_loses_no_answer(served, connect, shared, undisturbed, carrier, killed_at, ended_at):
    """Killed right after an answer was sent, or ended before one; each time the client goes on as the page says."""
    daemon = served()
    daemon.start()
    client = connect(daemon.home, carrier)
    client.find("killed", shared.track, 1.0, 1.5)
    said = []
    event = client.wait(Candidate)
    while isinstance(event, Candidate):
        verdict = verdict_on(event, TRUTH)
        said.append((event.number, round(event.start_s, 3), verdict))
        if event.number == ended_at:
            assert daemon.end() == (0, "")
            assert not (daemon.home / "daemon.txt").exists()
        client.answer(event, verdict)
        client.pump()
        if event.number == killed_at:  # the command has left; whether it was journalled before the kill is chance
            assert daemon.end(signal.SIGKILL)[0] == -signal.SIGKILL
            assert (daemon.home / "daemon.txt").exists()
        if event.number in (killed_at, ended_at):
            daemon.start()
        event = client.wait_past(event)
    client.settle()
    assert said == undisturbed[0]
    assert event.reason == "budget"
    assert len(journal_ops(daemon.home, "killed")) == len(said)
    final = state_of(daemon.home, "killed")
    assert (final.accepted, final.rejections) == (4, 10)
    assert [one.span for one in final.candidates.values()] == [one.span for one in undisturbed[2].candidates.values()]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP")
@pytest.mark.parametrize(("carrier", "n_packets"), [("udp", 12), ("spool", 4)])
def test_a_daemon_that_stands_still_for_a_while_loses_nothing(
    served, connect, shared, undisturbed, monkeypatch, carrier, n_packets
):
    """As in a debugger, or a machine that sleeps: meanwhile its client goes on sending, old things and new ones."""
    daemon = served()
    daemon.start()
    client = connect(daemon.home, carrier)
    packets, send = [], client.carrier.send
    monkeypatch.setattr(client.carrier, "send", lambda packet: (packets.append(packet), send(packet)))
    client.find("stopped", shared.track, 1.0, 1.5)
    said, renamed, event = [], 0, client.wait(Candidate)
    while isinstance(event, Candidate):
        verdict = verdict_on(event, TRUTH)
        said.append((event.number, round(event.start_s, 3), verdict))
        stops = event.number in (2, 7)
        if stops:
            daemon.process.send_signal(signal.SIGSTOP)
            stopped = os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED)
            assert stopped.si_code == os.CLD_STOPPED
        client.answer(event, verdict)
        if stops:
            packets.clear()
            client.until(lambda: len(packets) >= n_packets)
            client.send(Rename("stopped", f"name {event.number}", "after"))
            client.until(lambda: len(packets) >= 2 * n_packets)
            assert [type(command) for command in client.link.unacked[-2:]] == [Answer, Rename]
            daemon.process.send_signal(signal.SIGCONT)
            renamed += 1
        event = client.wait_past(event)
    client.settle()
    assert said == undisturbed[0]
    assert event.reason == "budget"
    ops = journal_ops(daemon.home, "stopped")
    assert len(ops) == len(set(ops)) == len(said) + renamed
    assert state_of(daemon.home, "stopped") == undisturbed[2]
    assert daemon.end()[0] == 0


def test_clocks_that_jump_change_nothing(start, connect, shared, undisturbed, monkeypatch):
    """The wall clock to and fro, far too, and the monotonic one ahead, as after a long sleep of the machine."""
    rng, slept_s = random.Random(4), [0.0]
    daemon = start()
    now = lambda: rng.choice((-1e12, 0.0, 1.7e9, 1e20)) + rng.random()  # noqa: E731
    monkeypatch.setattr(daemon.service._journals, "_now", now)
    for one in (daemon.service, daemon.service.hub):
        monkeypatch.setattr(one, "_clock", lambda: time.monotonic() + slept_s[0])
    client = connect(daemon.home)
    client.find("jumps", shared.track, 1.0, 1.5)
    said, event = client.play(TRUTH, n_answers=3)
    for hours in (1, 23, 30):
        slept_s[0] += 3600.0 * hours
        more, event = client.play(TRUTH, first=event, n_answers=3)
        said += more
    more, done = client.play(TRUTH, first=event)
    said += more
    client.send(Rename("jumps", "name", "after"))
    client.settle()
    assert said == undisturbed[0]
    assert done == replace(undisturbed[1], session="jumps")
    assert state_of(daemon.home, "jumps") == undisturbed[2]
    _, lines = read_journal(JournalFolder(daemon.home / "journals").path("jumps"))
    assert len({round(line.time_s / 1e9) for line in lines}) > 1
    assert sorted(line.time_s for line in lines) != [line.time_s for line in lines]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_while_analysing_a_resume_begins_again(served, connect, shared, tmp_path):
    daemon = served(cache=tmp_path / "cold cache")
    daemon.start()
    client = connect(daemon.home)
    client.find("early", shared.track, 1.0, 1.5)
    client.until(lambda: (daemon.home / "journals" / "early.journal.jsonl").exists())
    daemon.end(signal.SIGKILL)
    daemon.start()
    assert client.wait(Row).state == "example"
    assert client.wait(RowsEnd).count == 1
    assert client.wait(Candidate, timeout_s=60).number == 1


def test_serve_says_when_it_is_ready_and_ends_cleanly(served, connect):
    daemon = served("--port", "0", "--verbose")
    info = daemon.start()
    assert daemon.ready.strip() == f"reatrieve: listening on 127.0.0.1:{info.port}, spool {info.spool}"
    assert info.pid == daemon.process.pid
    second = subprocess.run(daemon.command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert second.returncode == 2
    assert f"port {info.port}" in second.stderr
    assert "already running" in second.stderr
    client = connect(daemon.home)
    client.send_raw(Ping())
    client.until(lambda: client.pongs)
    status, _ = daemon.end(signal.SIGINT)
    assert status == 0
    assert not (daemon.home / "daemon.txt").exists()
    assert "stopped" in daemon.log.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that is heard")
def test_a_daemon_that_sweeps_a_large_spool_ends_when_it_is_told(served, monkeypatch):
    """As after a kill: client folders without end. What is left of them the next one may sweep."""
    code = """if True:
        import sys, time
        from reatrieve.bridge import spool
        from reatrieve import cli
        def slowly(path, delete=spool._delete):
            time.sleep(0.05)
            return delete(path)
        spool._delete = slowly
        sys.exit(cli.main(sys.argv[1:]))
        """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    daemon = served()
    one = daemon.home / "spool" / ("a" * 32)
    SpoolCarrier(one, lambda *_: None, time.monotonic).close()
    daemon.home.chmod(0o700)
    for number in range(1000):
        (one / f"client-{number}" / "to_daemon").mkdir(parents=True)
        (one / f"client-{number}" / "to_daemon" / "00000001.osc").touch()
    daemon.command[1:3] = ["-c", code]
    daemon.start()
    began_s = time.monotonic()
    assert daemon.end() == (0, "")
    assert time.monotonic() - began_s < 15.0
    assert "a thread does not end" not in daemon.log.read_text(encoding="utf-8")
    assert 0 < len(list(one.iterdir())) < 1001
    assert (one / MARKER).exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals that hang up")
def test_the_end_of_its_terminal_is_a_clean_end_but_nohup_counts(served, connect):
    one = served()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may run under nohup themselves
    one.start()
    signal.signal(signal.SIGHUP, before)
    assert one.end(signal.SIGHUP) == (0, "")
    assert not (one.home / "daemon.txt").exists()
    one.command = ["nohup", *one.command]
    one.start()
    one.process.send_signal(signal.SIGHUP)
    client = connect(one.home)
    client.send_raw(Ping())
    client.until(lambda: client.pongs)
    assert one.end()[0] == 0


def test_daemon_txt_stays_where_scripts_look_for_it(served, connect):
    daemon = served("--port", "0")
    info = daemon.start()
    client = connect(daemon.home)
    (daemon.home / "daemon.txt").unlink()
    client.until(lambda: read_info(daemon.home) == info)
    other = replace(info, instance="0" * 32, pid=1)
    write_info(daemon.home, other)
    daemon.process.communicate(timeout=30)
    assert daemon.process.returncode == 0
    assert read_info(daemon.home) == other
    assert "this daemon ends" in daemon.log.read_text(encoding="utf-8")


def test_no_client_waits_for_the_disk_of_the_home_folder(tmp_path, shared, connect, monkeypatch):
    looking, answered = threading.Event(), threading.Event()

    def slow(*_):
        looking.set()
        return answered.wait(20)

    monkeypatch.setattr(run, "must_give_way", slow)
    serving = threading.Thread(target=run.serve, args=[Settings(home=tmp_path, cache=shared.cache, logs=tmp_path)])
    serving.start()
    assert looking.wait(20)
    client = connect(tmp_path)
    client.send_raw(Ping())
    client.until(lambda: client.pongs, timeout_s=10)
    answered.set()
    serving.join(30)
    assert not serving.is_alive()
    assert read_info(tmp_path) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("is_new", [True, False])
def test_a_start_that_is_refused_leaves_nothing_of_its_own(tmp_path, monkeypatch, is_new):
    """The disk is full when all folders are made."""
    home = tmp_path / "home"
    if not is_new:
        (home / "journals").mkdir(parents=True, mode=0o700)

    def full(*_args):
        raise InputError("no room")

    async def start():
        async with running(Settings(home=home, cache=tmp_path / "cache", port=0)):
            raise AssertionError("it serves")

    monkeypatch.setattr("reatrieve.bridge.home.write_info", full)
    with pytest.raises(InputError, match="no room"):
        asyncio.run(start())
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == (set() if is_new else {"home", "home/journals", "home/daemon.lock"})


def test_a_log_on_a_full_disk_is_no_fault(tmp_path, capsys):
    handler = DaemonLog(tmp_path / "daemon.log")
    handler._file.stream.close()
    handler._file.stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115
    log = logging.Logger("full")
    log.addHandler(handler)
    for _ in range(3):
        log.warning("x")
    handler.close()
    assert capsys.readouterr() == ("", "")


def test_a_user_without_a_home_folder_is_told(monkeypatch, capsys):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("REATRIEVE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert main(["doctor"]) == 1
    assert "set the environment variable HOME" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_stale_daemon_txt_and_its_spool_are_replaced(served):
    daemon = served("--no-udp")
    first = daemon.start()
    assert daemon.ready.strip() == f"reatrieve: spool {first.spool}"
    daemon.end(signal.SIGKILL)
    second = daemon.start()
    assert second.instance != first.instance
    assert not Path(first.spool).exists()
    assert daemon.end()[0] == 0


def test_a_port_in_use_and_bad_flags_are_one_line(served, daemon):
    for flags, text in (
        (["--port", str(daemon.info.port)], "--port"),
        (["--host", "0.0.0.0"], "--token"),
        (["--port", "70000"], "outside 0..65535"),
        (["--retriever", "defalt"], "unknown retriever: 'defalt'; did you mean 'default'?"),
    ):
        one = served(*flags)
        done = subprocess.run(one.command, capture_output=True, encoding="utf-8", check=False, timeout=60)
        assert done.returncode == 2
        assert done.stderr.startswith("reatrieve: error: ")
        assert text in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_journal_that_cannot_be_replayed_is_told(daemon, connect, shared):
    client = connect(daemon.home)
    client.find("broken", shared.track, 1.0, 1.5)
    client.wait(Candidate)
    client.send(Finish("broken", "f"))
    client.wait(Done)
    path = daemon.home / "journals" / "broken.journal.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in (rows[0], rows[2], rows[1])), encoding="utf-8")
    client.send(Resume("broken"))
    failed = client.wait(Failed)
    assert failed.code == "journal"
    assert "broken" in failed.text


STUCK = """
import sys, threading
from reatrieve import cli
from reatrieve.bridge import home
from reatrieve.service import run
from reatrieve.service.actor import SessionActor
run.ENDS_WITHIN_S = 1.0

def wait(*_, **__):  # as a read from a drive that is away
    threading.Event().wait()

{stuck}
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that a process hears")
@pytest.mark.timeout(60)
def test_a_daemon_ends_though_a_disk_does_not_answer(served, shared, connect):
    one = served()
    one.command[1:3] = ["-c", STUCK.format(stuck="SessionActor._analyse = wait")]
    one.start()
    client, session = connect(one.home), "stuck"
    client.find(session, shared.track, 1.0, 1.5)
    client.settle()
    status, errors = one.end()
    assert status == 1
    assert "the daemon ends without it" in errors
    assert not (one.home / "daemon.txt").exists()
    assert state_of(one.home, session).answers == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that a process hears")
@pytest.mark.timeout(60)
def test_a_daemon_ends_though_its_home_and_its_log_lie_on_that_disk(served):
    one = served()
    stuck = "home.remove_info = run.logger.error = wait"
    one.command[1:3] = ["-c", STUCK.format(stuck=stuck)]
    one.start()
    assert one.end()[0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that a process hears")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("ends", [True, False])
def test_a_daemon_that_ends_while_it_loads_waits_a_moment_for_the_libraries(served, ends):
    """Their C++ would abort it: Python unwinds the stack of a thread that is still there at the end."""
    one = served()
    work = "    wait()" if not ends else "    time.sleep(0.5); print('loaded', file=sys.stderr, flush=True)"
    stuck = f"import time; run.LIBRARIES_END_WITHIN_S = {20 if ends else 0.5}\ndef load():\n{work}\n"
    one.command[1:3] = ["-c", STUCK.format(stuck=f"{stuck}\nrun.loading.load_early = load")]
    one.start()
    status, errors = one.end()
    assert status == 0
    assert ("loaded" in errors) is ends


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that a process hears")
@pytest.mark.timeout(60)
def test_nobody_waits_for_the_disk_of_the_log(served, shared, connect):
    one = served()
    stuck = "from reatrieve.cli import daemon_log; daemon_log.FLUSH_S, daemon_log._File.emit = 1.0, wait"
    one.command[1:3] = ["-c", STUCK.format(stuck=stuck)]
    one.start()
    client, session = connect(one.home), "logged"
    client.find(session, shared.track, 1.0, 1.5)
    event = client.wait(Candidate)
    client.answer(event, "reject")
    assert client.wait_past(event)
    assert one.end()[0] == 1
    assert state_of(one.home, session).answers == 1


def test_lines_past_those_that_may_wait_are_not_logged(tmp_path, monkeypatch):
    monkeypatch.setattr(daemon_log, "WAITING", 3)
    monkeypatch.setattr(daemon_log, "FLUSH_S", 60.0)
    goes_on = threading.Event()
    emit = daemon_log._File.emit
    monkeypatch.setattr(daemon_log._File, "emit", lambda self, record: (goes_on.wait(30), emit(self, record)))
    handler = DaemonLog(tmp_path / "daemon.log")
    log = logging.Logger("busy")
    log.addHandler(handler)
    for k in range(20):
        log.warning("line %d", k)
    goes_on.set()
    handler.close()  # waits for room, not only for what has room
    lines = (tmp_path / "daemon.log").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "lines before this one" not in line]
    assert 3 <= len(kept) <= 4
    assert kept[0].endswith("line 0")
    lost = [int(line.split(": ")[1].split()[0]) for line in lines if line not in kept]
    assert len(kept) + sum(lost) == 20


def test_another_programs_process_is_not_ended(monkeypatch):
    """A service in one of its threads that does not end in time."""
    ended, watching = [], []
    monkeypatch.setattr(run, "ENDS_WITHIN_S", 0.0)
    monkeypatch.setattr(run.os, "_exit", ended.append)

    def serving():
        stopping = threading.Event()
        with run._ending_in_time(stopping):
            stopping.set()
            watching.extend(thread for thread in threading.enumerate() if thread.name == "reatrieve-ending")

    inside = threading.Thread(target=serving)
    inside.start()
    inside.join()
    assert (ended, watching) == ([], [])
