"""Each limit of what a journal holds: at it all is well, one past it is refused with a sentence and changes nothing."""

import json
import logging
import zlib

import pytest

from journal.test_journal import EVENTS, header
from reatrieve import limits
from reatrieve.errors import InputError, JournalError
from reatrieve.journal import DamageError, Journal, JournalFolder, read_journal
from reatrieve.journal import file as journal_file
from reatrieve.session.events import Proposed, Renamed
from reatrieve.session.spans import Span


def test_a_journal_grows_to_its_limit(tmp_path, monkeypatch):
    path = tmp_path / "s-1.journal.jsonl"
    with Journal.create(path, header(), events=EVENTS[:2], now=lambda: 42.25) as journal:
        before = path.stat().st_size
        journal.append(Renamed("x"), op="one")
        a_line = path.stat().st_size - before
        monkeypatch.setattr(limits, "JOURNAL_BYTES", path.stat().st_size + a_line)
        journal.append(Renamed("y"), op="two")  # just as long
        at = path.read_bytes()
        assert len(at) == limits.JOURNAL_BYTES
        with pytest.raises(InputError, match=rf"larger than {len(at)} bytes; begin a new search"):
            journal.append(Renamed("z"), op="six")
        assert path.read_bytes() == at
        assert not journal.broken
    assert len(read_journal(path)[1]) == 4


def test_no_journal_begins_past_its_limit(tmp_path, monkeypatch):
    path = tmp_path / "s-1.journal.jsonl"
    Journal.create(path, header(), events=EVENTS[:2], now=lambda: 42.25).close()
    n_bytes = path.stat().st_size
    path.unlink()
    monkeypatch.setattr(limits, "JOURNAL_BYTES", n_bytes - 1)
    with pytest.raises(InputError, match=f"larger than {n_bytes - 1} bytes; begin a new search"):
        Journal.create(path, header(), events=EVENTS[:2], now=lambda: 42.25)
    assert not path.exists()
    monkeypatch.setattr(limits, "JOURNAL_BYTES", n_bytes)
    Journal.create(path, header(), events=EVENTS[:2], now=lambda: 42.25).close()


@pytest.mark.parametrize("use", [read_journal, lambda path: Journal.open(path).close()], ids=["read", "open"])
def test_a_larger_file_is_not_read(tmp_path, monkeypatch, use):
    path = tmp_path / "s-1.journal.jsonl"
    Journal.create(path, header(), events=EVENTS[:2]).close()
    monkeypatch.setattr(limits, "JOURNAL_BYTES", path.stat().st_size)
    use(path)
    monkeypatch.setattr(limits, "JOURNAL_BYTES", path.stat().st_size - 1)
    with pytest.raises(JournalError, match=f"{limits.JOURNAL_BYTES} bytes"):
        use(path)


def test_a_header_at_its_limit_and_past_it(tmp_path, monkeypatch):
    path = tmp_path / "s-1.journal.jsonl"
    Journal.create(path, header(), events=EVENTS[:2]).close()
    n_bytes = len(path.read_bytes().splitlines(keepends=True)[0])
    monkeypatch.setattr(limits, "HEADER_BYTES", n_bytes)
    Journal.create(tmp_path / "at.journal.jsonl", header(), events=EVENTS[:2]).close()
    assert journal_file.read_header(path) == read_journal(path)[0] == header()
    monkeypatch.setattr(limits, "HEADER_BYTES", n_bytes - 1)
    with pytest.raises(InputError, match=f"{n_bytes} bytes, more than {n_bytes - 1}"):
        Journal.create(tmp_path / "past.journal.jsonl", header(), events=EVENTS[:2])
    assert not (tmp_path / "past.journal.jsonl").exists()
    monkeypatch.setattr(limits, "HEADER_BYTES", n_bytes - 2)  # what is read has no newline
    with pytest.raises(DamageError, match=f"it has {n_bytes - 1} bytes, more than {n_bytes - 2}"):
        read_journal(path)
    with pytest.raises(JournalError, match=f"its first line has more than {n_bytes - 2} bytes"):
        journal_file.read_header(path)


@pytest.mark.parametrize("more", [0, 1])
def test_a_line_at_its_limit_and_past_it(tmp_path, more):
    """Ours are shorter: this one is stretched by spaces, which JSON allows."""
    path = tmp_path / "s-1.journal.jsonl"
    Journal.create(path, header(), events=EVENTS[:3]).close()
    rows, crc = [], 0
    for k, row in enumerate(path.read_bytes().splitlines()):
        text = row[: row.rindex(b',"crc"')]
        if k == 2:
            text = text.replace(b"{", b"{" + b" " * (limits.LINE_BYTES + more - len(row)), 1)
        crc = zlib.crc32(text, crc)
        rows.append(text + b',"crc":"%08x"}' % crc)
    assert len(rows[2]) == limits.LINE_BYTES + more
    path.write_bytes(b"\n".join([*rows, b""]))
    if not more:
        assert [line.event for line in read_journal(path)[1]] == EVENTS[:3]
        return
    with pytest.raises(DamageError, match=f"line 3 .*{limits.LINE_BYTES + 1} bytes, more than {limits.LINE_BYTES}"):
        read_journal(path)


def test_numbers_at_their_limit_and_past_it(tmp_path):
    with Journal.create(tmp_path / "s-1.journal.jsonl", header(), events=EVENTS[:1]) as journal:
        journal.append(Proposed(limits.NUMBER, Span(0.0, 1.0), 0.0, 0.0, 0.0))
        before = journal.path.read_bytes()
        with pytest.raises(InputError, match=f"number is {limits.NUMBER + 1}, outside 0 to {limits.NUMBER}"):
            journal.append(Proposed(limits.NUMBER + 1, Span(0.0, 1.0), 0.0, 0.0, 0.0))
        assert journal.path.read_bytes() == before
    assert json.loads(before.splitlines()[-1])["number"] == limits.NUMBER
    with pytest.raises(DamageError, match=f"candidate {limits.NUMBER} proposed out of turn"):  # the number was read
        read_journal(journal.path)


def test_so_many_copies_are_looked_at(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(limits, "COPIES", 3)
    beside = tmp_path / "p.reatrieve"
    beside.mkdir()
    project = str(tmp_path / "p.rpp")
    for k in range(3):
        Journal.create(
            beside / f"kick-{k}.journal.jsonl", header(f"{k}", project), events=EVENTS[:2], now=lambda: 5.0
        ).close()
    assert len(journal_file.copies_in(beside)) == 3
    assert len(JournalFolder(tmp_path / "at").of_project(project)) == 3
    assert not caplog.records
    Journal.create(beside / "kick-9.journal.jsonl", header("9", project), events=EVENTS[:2], now=lambda: 5.0).close()
    with caplog.at_level(logging.WARNING):
        assert len(JournalFolder(tmp_path / "past").of_project(project)) == 3
    assert f"{beside} holds more than is looked at; some of it is left out" in caplog.text


def test_so_many_sessions_are_listed_the_latest(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SESSIONS", 3)
    folder = JournalFolder(tmp_path / "journals", now=iter(range(100, 200)).__next__)
    project = str(tmp_path / "p.rpp")
    for k in range(4):
        folder.create(header(f"s-{k}", project), events=EVENTS[:2]).close()
        listed = [one.session for one in folder.of_project(project)]
        assert listed == [f"s-{n}" for n in range(k, max(k - 3, -1), -1)]
    assert len(folder.sessions()) == 4  # the fourth is still there
