"""Platforms simulated: what differs on Windows and macOS and can be tried here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from journal.test_journal import EVENTS, header
from reatrieve.bridge import osc
from reatrieve.bridge.messages import EVENTS as EVENT_KINDS
from reatrieve.bridge.messages import EventHeader, Failed, encode_event
from reatrieve.errors import JournalError
from reatrieve.journal import Journal, read_journal
from reatrieve.service import replies


def refusing(monkeypatch, n_times):
    """Windows: a file that somebody reads is not replaced."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    real, left = Path.replace, [n_times]

    def replace(path, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "The process cannot access the file")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_a_journal_that_a_virus_scanner_reads_is_moved_a_little_later(tmp_path, monkeypatch):
    with Journal.create(tmp_path / "x.journal.jsonl", header(), events=EVENTS[:3]) as journal:
        refusing(monkeypatch, 5)
        journal.move_to("C:\\p.rpp")
        assert journal.header.project == "C:\\p.rpp"
        journal.append(EVENTS[3])
    assert [line.event for line in read_journal(journal.path)[1]] == EVENTS[:4]


def test_a_journal_that_is_open_for_good_elsewhere_stays_as_it_was(tmp_path, monkeypatch):
    clock = iter(range(100))
    with Journal.create(tmp_path / "x.journal.jsonl", header(), events=EVENTS[:3]) as journal:
        refusing(monkeypatch, 10**9)
        monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
        with pytest.raises(JournalError, match="cannot access"):
            journal.move_to("C:\\p.rpp")
        assert journal.header.project == ""
        journal.append(EVENTS[3])
    assert [path.name for path in tmp_path.iterdir()] == ["x.journal.jsonl"]


def test_nothing_is_read_or_written_in_the_ansi_code_page(tmp_path):
    """The daemon with warnings for every text file that is opened without naming its encoding."""
    code = """if True:
        import asyncio, sys
        from pathlib import Path
        from reatrieve.service import running
        from reatrieve.settings import Settings
        home = Path(sys.argv[1])
        home.mkdir(mode=0o700)
        (home / "settings.txt").write_text("port = 0\\n", encoding="utf-8")
        async def main():
            async with running(Settings.load({"home": home, "cache": home / "c", "logs": home / "l"}, {})):
                pass
        asyncio.run(main())
    """
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", "-c", code]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    home = str(tmp_path / "hömé")
    done = subprocess.run([*command, home], capture_output=True, encoding="utf-8", env=env, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["x" * 10_000, "\U0001f941" * 10_000, "\x00" * 10_000, "\ud800" * 10_000])
def test_whatever_an_error_says_fits_the_smallest_udp_buffer(text):
    """9,216 bytes on macOS."""
    for error in (ValueError(text), JournalError(text)):
        packet = encode_event(EventHeader("i" * 32, 2**31 - 1), replies.failed("s" * 128, 2**31 - 1, error, "find"))
        assert len(packet) <= osc.MAX_PACKET_BYTES < 9216
    assert EVENT_KINDS["failed"] is Failed
