"""A whole session on a disk that fails: each call that writes fails in turn, from find to export, cache and copies.

What was answered ``failed`` with its number is not in the journal, what was acked without is, and the session goes on.
"""

import itertools
import secrets
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from faults import KINDS, FaultyDisk
from reatrieve.bridge.messages import (
    Answer,
    Candidate,
    Done,
    Export,
    ExportedEnd,
    Failed,
    Find,
    Finish,
    More,
    Rename,
    Resume,
    RowsEnd,
    Saved,
    Sessions,
    StoredEnd,
    Undo,
)
from reatrieve.journal import file as journal_file
from reatrieve.journal import read_header, read_journal
from reatrieve.service import loading
from reatrieve.session.state import fold
from service.client import make_item

ACK_S = 60.0


@pytest.fixture(scope="module")
def short_track(tmp_path_factory):
    loading.load()
    path = tmp_path_factory.mktemp("short") / "short.wav"
    rng = np.random.default_rng(2)
    y = 0.01 * rng.standard_normal(6 * 8000)
    t = np.arange(2400) / 8000
    for start in (4000, 14000, 26000, 38000):
        y[start : start + 2400] += 0.5 * np.sin(2 * np.pi * (300 * t + 1500 * t**2)) * np.exp(-4 * t)
    soundfile.write(path, y, 8000)
    return path


class Player:
    """One client that plays a session and keeps what it was told."""

    def __init__(self, client, folder):
        self.client, self.folder = client, folder
        self.taken, self.refused = [], []
        self.saved = [False, False]
        """Whether the session was kept with either project."""

    def ask(self, command):
        """Send a command and wait until it is acked and all that it brought has come; True: it did not fail."""
        client = self.client
        begin = len(client.events)
        number = client.send(command)
        client.until(lambda: client.link.acked_upto >= number, timeout_s=ACK_S)
        client.send(Sessions(""))  # answered when all that was asked before is told
        client.until(lambda: any(isinstance(event, StoredEnd) for event in client.events[begin:]), timeout_s=ACK_S)
        failed = [event for event in client.events[begin:] if isinstance(event, Failed)]
        assert all(event.code != "internal" for event in failed), failed
        fine = not any(event.id == number for event in failed)
        if hasattr(command, "op"):
            (self.taken if fine else self.refused).append(command.op)
        return fine

    def current(self, session):
        """Where the session stands; None while the disk lets it not be opened."""
        client = self.client
        begin = len(client.events)
        number = client.send(Resume(session))

        def said():
            """What follows the rows: a candidate before them may be of an earlier command."""
            events = client.events[begin:]
            ends = [k for k, event in enumerate(events) if isinstance(event, RowsEnd)]
            after = [event for event in events[ends[-1] :] if isinstance(event, (Candidate, Done))] if ends else []
            return [event for event in events if isinstance(event, Failed) and event.id == number] or after

        client.until(said, timeout_s=ACK_S)
        return None if isinstance(said()[-1], Failed) else said()[-1]

    def play(self, session, track, gain):
        find = Find(session, "kick", "", "{T}", 0.5, 0.8, 10, "", 1)
        for _ in range(3):
            self.client.send(make_item(session, track, gain=gain))
            if self.ask(find):
                break
        for verdict in ("accept", "reject", "accept"):
            for _ in range(2):
                one = self.current(session)
                if not isinstance(one, Candidate):
                    continue
                span = (one.start_s + (0.01 if verdict == "accept" else 0.0), one.end_s)
                if self.ask(Answer(session, secrets.token_hex(6), one.number, verdict, *span)):
                    break
        self.ask(Undo(session, secrets.token_hex(6), 2))
        self.ask(Rename(session, secrets.token_hex(6), "snare"))
        self.saved = [self.ask(Saved(session, str(self.folder / name))) for name in ("p.rpp", "q.rpp")]
        self.ask(More(session, secrets.token_hex(6), 5))
        exported = self.ask(
            Export(session, str(self.folder / "out"), "json,csv", "source", "", 0.0, "start", 0.0, 0, 1)
        )  # fmt: skip
        self.ask(Finish(session, secrets.token_hex(6)))
        return exported


def pytest_generate_tests(metafunc):
    if "kind" in metafunc.fixturenames:
        long = metafunc.config.getoption("--long")
        metafunc.parametrize("kind", KINDS if long else ["each in turn"])


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("lasting", "reads"),
    [(False, False), (True, False), (False, True), (True, True)],
    ids=["once", "from then on", "reads too", "reads from then on"],
)
def test_a_session_on_a_disk_that_fails(start, connect, short_track, tmp_path, request, kind, lasting, reads):
    """With ``--long`` each call meets each kind of fault; without it every ninth one, beginning with the first, one."""
    long = request.config.getoption("--long")
    for k, fails_at in enumerate(itertools.count(1, 1 if long else 9)):
        one = kind if long else KINDS[k % len(KINDS)]
        folder = tmp_path / f"{fails_at}"
        folder.mkdir()
        disk = FaultyDisk(folder, fails_at=fails_at, kind=one, lasting=lasting, reads=reads)
        if not a_session(start, connect, short_track, folder, disk):
            break
        shutil.rmtree(folder, ignore_errors=True)  # an analysis may still be on its way into the cache
    assert fails_at > 40


def a_session(start, connect, track, folder, disk):
    """Play one on this disk; whether the call that is to fail was reached."""
    daemon = start(home=folder / "home", cache=folder / "cache")
    for name in ("p.rpp", "q.rpp"):
        (folder / name).touch()
    client = connect(daemon.settings.home)
    client.until(lambda: client.welcomed)
    player = Player(client, folder)
    with disk.mounted():
        exported = player.play("s", track, 1.0)
    where = (disk.fails_at, disk.kind, disk.calls[disk.fails_at - 1 : disk.fails_at])
    rows = client.events
    last = player.current("s")  # the disk works again
    daemon.stop()
    path = daemon.settings.home / "journals" / "s.journal.jsonl"
    if player.taken or path.exists():
        header, lines = read_journal(path)
        known_as = [name for name, fine in zip(("p", "q"), player.saved, strict=True) if fine]
        assert Path(header.project).stem == (known_as[-1] if known_as else ""), where
        ops = [line.op for line in lines if line.op]
        assert ops == player.taken, where
        state = fold(line.event for line in lines)
        assert last is not None, where
        assert (last.rejections, last.accepted) == (state.rejections, state.accepted), where
        end = next(event for event in reversed(rows) if isinstance(event, RowsEnd))
        assert (end.label, end.accepted) == (state.label, state.accepted), where
    assert not set(player.refused) & set(player.taken)
    written = sorted(one.name for one in (folder / "out").iterdir()) if (folder / "out").exists() else []
    assert len(written) == (2 if exported else 0), (where, written)
    for name, fine in zip(("p", "q"), player.saved, strict=True):
        copies = list((folder / f"{name}.reatrieve").glob("*.jsonl"))
        assert len(copies) == fine, where
        for copy in copies:
            header, lines = read_journal(copy)
            assert Path(header.project).stem == name
            ops = [line.op for line in lines if line.op]
            assert ops == player.taken[: len(ops)], where
    assert not journal_file._pending, where
    client.close()
    if not disk.failed:
        assert exported
        assert len(player.refused) == 0
        assert any(isinstance(event, ExportedEnd) for event in client.events)
    return disk.failed


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_saved_that_failed_has_moved_nothing(start, connect, short_track, tmp_path, lasting):
    """Each call that writes fails in turn while a session is kept with another project."""
    daemon = start(home=tmp_path / "home")
    (tmp_path / "p.rpp").touch()
    client = connect(daemon.settings.home)
    client.until(lambda: client.welcomed)
    player = Player(client, tmp_path)
    client.send(make_item("s", short_track))
    assert player.ask(Find("s", "kick", "", "{T}", 0.5, 0.8, 10, "", 1))
    assert player.ask(Saved("s", str(tmp_path / "p.rpp")))
    path = daemon.settings.home / "journals" / "s.journal.jsonl"
    for fails_at in itertools.count(1):
        project = tmp_path / f"{fails_at}.rpp"
        project.touch()
        before = read_header(path)
        disk = FaultyDisk(tmp_path, fails_at=fails_at, lasting=lasting)
        with disk.mounted():
            fine = player.ask(Saved("s", str(project)))
        if not disk.failed:
            break
        copies = list((tmp_path / f"{fails_at}.reatrieve").glob("*.jsonl"))
        assert player.current("s") is not None
        if fine:
            assert (read_header(path).project, len(copies)) == (str(project), 1), disk.calls[fails_at - 1]
        else:
            assert read_header(path) == before, disk.calls[fails_at - 1]
            assert copies == [], disk.calls[fails_at - 1]
    assert fails_at > 5
    client.close()
