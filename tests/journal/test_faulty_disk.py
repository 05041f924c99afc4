"""Every call that writes fails in turn: "failed" means "changed nothing", and what is acknowledged stays."""

import itertools
import os
import signal
import subprocess
import sys

import pytest

from faults import KINDS, FaultyDisk
from journal.test_journal import EVENTS, header
from reatrieve.errors import JournalError
from reatrieve.journal import Journal, JournalFolder, read_journal
from reatrieve.journal import file as files
from reatrieve.session.state import fold


@pytest.fixture(autouse=True)
def nothing_pending():
    yield
    files._pending.clear()


def play(folder, disk):
    """A session as the service drives it: opened again where it broke. Returns what was acknowledged."""
    journals = JournalFolder(folder / "journals")
    acknowledged, moved, copied, journal = [], "", None, None
    with disk.mounted():
        for event in EVENTS:
            try:
                if journal is None:
                    if not journals.holds("s-1"):
                        journal = journals.create(header("s-1"), events=EVENTS[:1])
                        acknowledged = EVENTS[:1]
                        continue
                    journal = journals.open("s-1")
                assert journal.events() == acknowledged
                fold([*journal.events(), event])  # as the service does
                journal.append(event, op=f"op-{len(acknowledged)}")
                acknowledged = [*acknowledged, event]
                if len(acknowledged) == 5:
                    journal.move_to(str(folder / "p.rpp"))
                    moved = str(folder / "p.rpp")
                if len(acknowledged) in (6, 9):
                    copied = journal.copy_to(folder / "p.reatrieve").path, list(acknowledged)
            except (JournalError, ValueError):
                assert disk.failed
                if journal is not None and journal.broken:
                    journal.close()
                    journal = None
        if journal is not None:
            journal.close()
    return acknowledged, moved, copied


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(("kind", "reads"), [*((kind, False) for kind in KINDS), ("EIO", True), ("EACCES", True)])
def test_nothing_refused_is_kept_and_nothing_kept_is_lost(tmp_path, kind, reads, lasting):
    for fails_at in itertools.count(1):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        disk = FaultyDisk(folder, fails_at=fails_at, kind=kind, lasting=lasting, reads=reads)
        acknowledged, moved, copied = play(folder, disk)
        journals = JournalFolder(folder / "journals")
        if not acknowledged:
            assert not journals.holds("s-1")
        else:
            with journals.open("s-1") as journal:  # the disk works again
                assert journal.events() == acknowledged, (fails_at, disk.calls[fails_at - 1])
                assert journal.header.project == moved
                assert journal.note == ""
        if copied is not None:
            assert [line.event for line in read_journal(copied[0])[1]] == copied[1]
        if not disk.failed:
            assert acknowledged == EVENTS
            assert len({name for name, _ in disk.calls}) == 5 + reads
            break
    assert fails_at > 40


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_dead_disk_kept_from_being_taken_back_goes_before_all_else(tmp_path, kind):
    """The write arrives, but neither fsync nor truncate: on disk the refused line is whole."""
    path = tmp_path / "x.journal.jsonl"
    journal = Journal.create(path, header(), events=EVENTS[:1])
    disk = FaultyDisk(tmp_path, fails_at=2, kind=kind, lasting=True)
    with disk.mounted():
        journal.close()
        journal._file = open(path, "r+b", buffering=0)  # noqa: PTH123, SIM115 - of this disk
        disk.calls.clear()
        with pytest.raises(JournalError):
            journal.append(EVENTS[1], op="refused")
        assert journal.broken
        with pytest.raises(JournalError, match="try again"):
            journal.append(EVENTS[1], op="refused too")
    assert b"refused" in path.read_bytes()
    assert [line.event for line in read_journal(path)[1]] == EVENTS[:1]
    with Journal.open(path) as again:
        assert again.events() == EVENTS[:1]
        again.append(EVENTS[1], op="taken")
    assert read_journal(path)[1][-1].op == "taken"


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_on_a_really_full_disk(tmp_path):
    """The file size limit stands for the full disk: the kernel itself refuses."""
    code = """if True:
        import resource, signal, sys
        from pathlib import Path
        from journal.test_journal import EVENTS, header
        from reatrieve.errors import JournalError
        from reatrieve.journal import Journal, read_journal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        path = Path(sys.argv[1])
        journal = Journal.create(path, header(), events=EVENTS[:2])
        before = path.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            journal.append(EVENTS[2], op="refused")
        except JournalError:
            print("refused")
        assert path.read_bytes() == before
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        journal.append(EVENTS[2], op="second")
        journal.close()
        assert {line.op for line in read_journal(path)[1]} == {"", "second"}
        """
    tests = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, tests])}
    command = [sys.executable, "-c", code, str(tmp_path / "x.journal.jsonl")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
    assert signal.SIGXFSZ
