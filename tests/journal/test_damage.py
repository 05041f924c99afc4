"""Damaged, torn, newer, foreign: each is told apart, what can be used is, and nothing is deleted."""

import json
import os
import random
import shutil
import sys
import time
import zlib
from pathlib import Path

import pytest

from journal.test_journal import EVENTS, header
from reatrieve import limits
from reatrieve.cli import main
from reatrieve.errors import InputError, JournalError
from reatrieve.journal import DamageError, Header, Journal, JournalFolder, check_journal, read_journal
from reatrieve.session.events import Proposed, Renamed, Started
from reatrieve.session.spans import Span

GOLDEN = Path(__file__).parent / "golden"


def written(path, events=EVENTS, **more):
    Journal.create(path, header(**more), events=events, now=lambda: 42.25).close()
    return path.read_bytes()


def changed(raw, number, change):
    """The journal with row ``number`` (the header is 0) changed and all checksums made anew."""
    rows, crc = [], 0
    for k, row in enumerate(raw.splitlines()):
        values = json.loads(row)
        del values["crc"]
        if k == number:
            change(values)
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")[:-1]
        crc = zlib.crc32(text, crc)
        rows.append(text + b',"crc":"%08x"}\n' % crc)
    return b"".join(rows)


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.jsonl")))
def test_journals_of_all_earlier_versions_open_and_go_on(tmp_path, name):
    path = tmp_path / "s-1.journal.jsonl"
    shutil.copy(GOLDEN / name, path)
    before = path.read_bytes()
    with Journal.open(path) as journal:
        assert journal.events() == EVENTS
        assert journal.ops == {f"op-{k}" for k in range(12)}
        assert path.read_bytes() == before
        journal.append(Renamed("new"), op="new")
        journal.append(Renamed("newer"), op="newer")
    assert [line.event for line in read_journal(path)[1]] == [*EVENTS, Renamed("new"), Renamed("newer")]
    assert all(b'"v":2' in row and b'"crc":"' in row for row in path.read_bytes().splitlines())


def what_is_read(path):
    """Events, and whether damage was told."""
    try:
        return [line.event for line in read_journal(path)[1]], False
    except DamageError as damage:
        return [line.event for line in damage.lines], True
    except JournalError:
        return [], True


def test_no_single_flipped_bit_changes_a_journal_in_silence(tmp_path):
    path = tmp_path / "x.journal.jsonl"
    raw = written(path)
    n_last = len(raw.splitlines()[-1]) + 1
    for bit in [*random.Random(11).sample(range(8 * len(raw)), 1000), *range(8 * (len(raw) - n_last), 8 * len(raw))]:
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        events, told = what_is_read(path)
        assert events == EVENTS[: len(events)]
        assert told, bit // 8 - len(raw)


@pytest.mark.parametrize(
    ("number", "change", "match"),
    [
        (12, {"v": 3}, "line 13: it is of version 3, this is version 2; update"),
        (12, {"event": "merged"}, "event 'merged' is not known to version 2; update"),
        (12, {"colour": "red"}, "a field 'colour', which version 2 does not know; update"),
        (3, {"v": 3}, "line 4: it is of version 3"),
        (0, {"v": 3}, "version 3, this is version 2"),
        (0, {"reatrieve": "library"}, "'library' of version 2"),
    ],
)
def test_what_is_newer_is_refused_by_name_and_left_untouched(tmp_path, number, change, match):
    path = tmp_path / "s-1.journal.jsonl"
    raw = changed(written(path), number, lambda row: row.update(change))
    path.write_bytes(raw)
    for use in (read_journal, Journal.open, check_journal, lambda _: JournalFolder(tmp_path).open("s-1")):
        with pytest.raises(JournalError, match=match) as caught:
            use(path)
        assert not isinstance(caught.value, DamageError)
        assert path.read_bytes() == raw


@pytest.mark.parametrize("number", [3, 12])
@pytest.mark.parametrize("line", [{"v": 3, "what": "merged"}, {"v": 3, "event": "renamed", "hash": "0123456789abcdef"}])
def test_a_line_of_a_later_version_may_have_no_checksum_of_ours(tmp_path, number, line):
    path = tmp_path / "s-1.journal.jsonl"
    rows = written(path).splitlines(keepends=True)
    rows[number] = json.dumps(line).encode() + b"\n"
    path.write_bytes(b"".join(rows))
    for use in (read_journal, Journal.open, check_journal, lambda _: JournalFolder(tmp_path).open("s-1")):
        with pytest.raises(JournalError, match=f"line {number + 1}: it is of a newer version; update") as caught:
            use(path)
        assert not isinstance(caught.value, DamageError)
        assert path.read_bytes() == b"".join(rows)


DEEP = b"[" * 3000 + b"]" * 3000
LONG = b"9" * 5000


@pytest.mark.parametrize("number", [3, 12])
@pytest.mark.parametrize("value", [DEEP, LONG], ids=["deep", "long"])
@pytest.mark.parametrize("checked", [True, False])
def test_a_later_line_that_python_does_not_take_is_named(tmp_path, number, value, checked):
    path = tmp_path / "s-1.journal.jsonl"
    rows = written(path).splitlines(keepends=True)
    crc = int(rows[number - 1][-11:-3], 16)
    line = b'{"v":3,"event":"x","d":' + value
    rows[number] = line + (b',"crc":"%08x"}\n' % zlib.crc32(line, crc) if checked else b"}\n")
    path.write_bytes(b"".join(rows))
    for use in (read_journal, Journal.open, lambda _: JournalFolder(tmp_path).open("s-1")):
        with pytest.raises(
            JournalError, match=f"line {number + 1}: it is of (a newer version|version 3).*; update"
        ) as told:
            use(path)
        assert not isinstance(told.value, DamageError)
        assert path.read_bytes() == b"".join(rows)


@pytest.mark.parametrize("value", [DEEP, LONG], ids=["deep", "long"])
@pytest.mark.parametrize("start", [b'{"v":2,"event":"x","d":', b'{"event":"x","v":2,"d":', b'{"d":'])
def test_a_whole_last_line_that_python_does_not_take_is_damage_and_stays(tmp_path, start, value):
    path = tmp_path / "s-1.journal.jsonl"
    raw = written(path) + start + value + b"}\n"
    path.write_bytes(raw)
    with pytest.raises(DamageError, match="line 14 is damaged"):
        Journal.open(path)
    assert path.read_bytes() == raw
    with JournalFolder(tmp_path).open("s-1") as journal:
        assert journal.events() == EVENTS
    (kept,) = (tmp_path / "damaged").iterdir()
    assert kept.read_bytes() == raw


def test_a_last_line_with_the_right_checksum_was_whole_whatever_it_holds(tmp_path):
    path = tmp_path / "s-1.journal.jsonl"
    raw = written(path)
    line = b'{"v":2,"event":"\0"'
    raw += line + b',"crc":"%08x"}\n' % zlib.crc32(line, int(raw[-11:-3], 16))
    path.write_bytes(raw)
    with pytest.raises(DamageError, match="line 14 is damaged"):
        Journal.open(path)
    assert path.read_bytes() == raw


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def zone(request, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        getattr(time, "tzset", int)()
        yield
    getattr(time, "tzset", int)()  # or the tests that follow are there, too


@pytest.mark.usefixtures("zone")
def test_the_last_second_that_is_taken_is_a_date_everywhere(tmp_path, capsys):
    project = str(tmp_path / "p.rpp")
    with Journal.create(tmp_path / "s-1.journal.jsonl", header("s-1", project), now=lambda: 1e300) as journal:
        journal.append_all(EVENTS[:3])
        assert journal.lines[-1].time_s == limits.WALL_TIME_S
    (stored,) = JournalFolder(tmp_path).of_project(project)
    assert stored.modified == "9999-12-31T23:59:59Z"
    assert main(["journal", "check", str(journal.path)]) == 0
    assert "9999-12-31" in capsys.readouterr().out
    later = changed(journal.path.read_bytes(), 3, lambda row: row.update(t=limits.WALL_TIME_S + 1))
    journal.path.write_bytes(later)
    with pytest.raises(DamageError, match="line 4 is damaged: t is"):
        read_journal(journal.path)


ODD = [
    {"label": "x" * 8000}, {"label": "a\0b"}, {"label": "\ud800"}, {"label": 5}, {"t": 1e20}, {"t": -1}, {"t": True},
    {"example": [1e300, 2e300]}, {"example": [2, 1]}, {"example": [1]}, {"example": ["1", "2"]}, {"budget": 10**400},
    {"budget": 1.5}, {"budget": limits.BUDGET + 1}, {"retriever": "r" * 129}, {"op": None}, {"op": "o" * 129},
]  # fmt: skip


@pytest.mark.parametrize("change", ODD, ids=lambda change: str(change)[:30])
def test_odd_values_are_damage_of_that_line(tmp_path, change):
    path = tmp_path / "s-1.journal.jsonl"
    path.write_bytes(changed(written(path), 1, lambda row: row.update(change)))
    with pytest.raises(DamageError, match="line 2 is damaged") as caught:
        Journal.open(path)
    assert len(str(caught.value)) < 400
    header_, lines, problems = check_journal(path)
    assert (header_, lines, len(problems)) == (header(), [], 1)


def test_an_item_whose_number_no_double_holds_is_damage_of_the_header(tmp_path):
    path = tmp_path / "s-1.journal.jsonl"
    path.write_bytes(changed(written(path), 0, lambda row: row["items"][0].update(gain=10**400)))
    with pytest.raises(DamageError, match="line 1 is damaged"):
        Journal.open(path)
    assert len(check_journal(path)[2]) == 1


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"t":NaN}', b'{"t":Infinity,"v":1}', b"x" * (limits.LINE_BYTES + 1)]
)
def test_odd_lines_are_damage(tmp_path, text):
    path = tmp_path / "s-1.journal.jsonl"
    rows = (GOLDEN / "version-1.journal.jsonl").read_bytes().splitlines()
    path.write_bytes(b"\n".join([*rows[:3], text, *rows[4:], b""]))
    with pytest.raises(DamageError, match="line 4 is damaged"):
        Journal.open(path)
    with JournalFolder(tmp_path).open("s-1") as journal:
        assert journal.events() == EVENTS[:2]
        assert "line 4" in journal.note


def test_what_could_not_be_read_back_is_never_written(tmp_path):
    with Journal.create(tmp_path / "x.journal.jsonl", header(), events=EVENTS[:1]) as journal:
        before = journal.path.read_bytes()
        odd = [
            (Renamed("\ud800"), ""), (Renamed("a\0"), ""), (Renamed("x" * (limits.LABEL_BYTES + 1)), ""),
            (Renamed("x"), "o" * (limits.ID_BYTES + 1)), (Proposed(1, Span(0.0, 2 * limits.TIME_S), 0.0, 0.0, 0.0), ""),
            (Proposed(1, Span(0.0, 1.0), float("nan"), 0.0, 0.0), ""), (Proposed(2**31, Span(0, 1), 0.0, 0.0, 0.0), ""),
        ]  # fmt: skip
        for event, op in odd:
            with pytest.raises(InputError, match="cannot be journalled"):
                journal.append(event, op=op)
            assert journal.path.read_bytes() == before
        journal.append(Renamed("x" * limits.LABEL_BYTES), op="o" * limits.ID_BYTES)
    with pytest.raises(InputError, match="cannot be journalled"):
        Journal.create(tmp_path / "y.journal.jsonl", Header("s", header().track_map, track="\ud800"))
    assert not (tmp_path / "y.journal.jsonl").exists()


def damage_line(path, number):
    rows = path.read_bytes().splitlines(keepends=True)
    rows[number - 1] = rows[number - 1].replace(b'"t":', b'"T":')
    path.write_bytes(b"".join(rows))
    return b"".join(rows)


def test_what_lies_before_damage_is_offered_and_the_damaged_file_kept(tmp_path):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    folder.create(header("s-1", project), events=EVENTS[:8]).close()
    raw = damage_line(folder.path("s-1"), 6)
    (stored,) = folder.of_project(project)
    assert (stored.session, stored.answers) == ("s-1", 1)
    with folder.open("s-1") as journal:
        assert journal.events() == EVENTS[:4]
        assert "line 6 of the journal is damaged" in journal.note
        journal.append(EVENTS[4], op="on")
    (kept,) = (tmp_path / "journals" / "damaged").iterdir()
    assert kept.read_bytes() == raw
    with folder.open("s-1") as journal:
        assert (journal.events(), journal.note) == (EVENTS[:5], "")


def test_the_copy_beside_the_project_is_tried(tmp_path):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    with folder.create(header("s-1", project), events=EVENTS[:8]) as journal:
        journal.copy_to(tmp_path / "p.reatrieve")
        journal.append(EVENTS[8])
    damage_line(folder.path("s-1"), 4)
    with folder.open("s-1") as journal:
        assert journal.events() == EVENTS[:8]
        assert "copy Kick" in journal.note


def test_a_lost_header_comes_back_from_the_copy(tmp_path):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    with folder.create(header("s-1", project), events=EVENTS[:8]) as journal:
        journal.copy_to(tmp_path / "p.reatrieve")
    raw = damage_line(folder.path("s-1"), 1)
    with pytest.raises(DamageError, match="line 1"):
        folder.open("s-1")
    assert [one.session for one in folder.of_project(project)] == ["s-1"]
    with folder.open("s-1") as journal:
        assert journal.events() == EVENTS[:8]
        assert journal.note.startswith("the journal has lost its header; the copy Kick")
    (kept,) = (tmp_path / "journals" / "damaged").iterdir()
    assert kept.read_bytes() == raw


BAD = b'{"v":1}'
DAMAGED = {
    "damaged": (lambda rows: [*rows[:7], BAD, *rows[8:], b""], 8),
    "impossible": (lambda rows: [*rows[:5], rows[1], *rows[6:], b""], 6),  # a session begins only once
    "impossible, damaged": (lambda rows: [*rows[:5], rows[1], rows[6], BAD, *rows[8:], b""], 6),
    "damaged, impossible": (lambda rows: [*rows[:5], BAD, rows[6], rows[1], *rows[8:], b""], 6),
    "damaged, torn": (lambda rows: [*rows[:5], BAD, rows[6], rows[7][:20]], 6),
    "impossible, torn": (lambda rows: [*rows[:5], rows[1], rows[6], rows[7][:20]], 6),
    "impossible, damaged, torn": (lambda rows: [*rows[:5], rows[1], BAD, rows[7][:20]], 6),
}
"""How the rows of a journal may be damaged, and which line is the first that is."""


@pytest.mark.parametrize("is_longer_beside", [False, True], ids=["alone", "with a copy"])
@pytest.mark.parametrize(("change", "line"), DAMAGED.values(), ids=DAMAGED)
def test_all_who_read_find_the_same_damage_and_it_is_mended_once(tmp_path, change, line, is_longer_beside):
    folder = JournalFolder(tmp_path / "journals")
    path, beside = folder.path("s-1"), tmp_path / "p.reatrieve" / "Kick-s-1.journal.jsonl"
    for one in (path, beside):
        one.parent.mkdir()
    rows = (GOLDEN / "version-1.journal.jsonl").read_bytes().splitlines()
    rows[0] = json.dumps(json.loads(rows[0]) | {"project": str(tmp_path / "p.rpp")}).encode()
    if is_longer_beside:
        beside.write_bytes(b"\n".join([*rows, b""]))
    raw = b"\n".join(change(rows))
    path.write_bytes(raw)
    before = EVENTS[: line - 2]
    for use in (read_journal, Journal.open):
        with pytest.raises(DamageError) as told:
            use(path)
        assert (told.value.line, [one.event for one in told.value.lines]) == (line, before)
        assert check_journal(path) == (told.value.header, told.value.lines, [str(told.value)])
    assert [one.n_events for one in folder.sessions()] == [len(before)]
    assert path.read_bytes() == raw
    with folder.open("s-1") as journal:
        assert journal.note.startswith(f"line {line} of the journal is damaged; ")
        assert journal.events() == (EVENTS if is_longer_beside else before)
    with folder.open("s-1") as journal:
        assert (journal.note, journal.events()) == ("", EVENTS if is_longer_beside else before)
    (kept,) = (tmp_path / "journals" / "damaged").iterdir()
    assert kept.read_bytes() == raw


@pytest.mark.parametrize("damage", [b'{"v":1}', None], ids=["damaged", "impossible"])
def test_one_answer_before_damage_is_counted_as_one(tmp_path, damage):
    folder = JournalFolder(tmp_path)
    rows = (GOLDEN / "version-1.journal.jsonl").read_bytes().splitlines()
    folder.path("s-1").write_bytes(b"\n".join([*rows[:4], damage or rows[1], b""]))
    with folder.open("s-1") as journal:
        assert "; what lies before it is kept (1 answer); the damaged file is " in journal.note


def test_a_session_of_impossible_events_is_not_begun(tmp_path):
    folder = JournalFolder(tmp_path)
    with pytest.raises(DamageError, match="line 5 is damaged"):
        folder.create(header("s-1"), events=[*EVENTS[:3], EVENTS[2], EVENTS[3]])
    assert not folder.holds("s-1")


def test_a_later_line_after_an_impossible_event_is_named(tmp_path):
    path = tmp_path / "s-1.journal.jsonl"
    rows = (GOLDEN / "version-1.journal.jsonl").read_bytes().splitlines()
    raw = b"\n".join([*rows[:5], rows[1], b'{"v":3}', b""])
    path.write_bytes(raw)
    for use in (read_journal, Journal.open, check_journal, lambda _: JournalFolder(tmp_path).open("s-1")):
        with pytest.raises(JournalError, match="line 7: it is of version 3, this is version 2; update") as told:
            use(path)
        assert not isinstance(told.value, DamageError)
    assert path.read_bytes() == raw


@pytest.mark.skipif(sys.platform == "win32", reason="needs a link to itself")
def test_a_folder_that_may_not_be_entered_is_told(tmp_path):
    """Root enters every folder; a link to itself nobody."""
    (tmp_path / "journals").symlink_to(tmp_path / "journals")
    folder = JournalFolder(tmp_path / "journals")
    asked = (lambda: folder.holds("s"), lambda: folder.was_discarded("s"), folder.sessions, folder.sources)
    for ask in asked:
        with pytest.raises(JournalError, match="cannot be read"):
            ask()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.timeout(60)
def test_foreign_files_beside_a_project_are_not_opened(tmp_path, monkeypatch):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    beside = tmp_path / "p.reatrieve"
    with folder.create(header("s-1", project), events=EVENTS[:3]) as journal:
        copy = journal.copy_to(beside).path
    folder.remove("s-1")
    os.mkfifo(beside / "pipe-a.journal.jsonl")
    (beside / "zero-b.journal.jsonl").symlink_to("/dev/zero")
    (beside / "link-s-1.journal.jsonl").symlink_to(copy)
    (beside / "folder-c.journal.jsonl").mkdir()
    with (beside / "large-d.journal.jsonl").open("wb") as file:
        file.truncate(limits.JOURNAL_BYTES + 1)
    os.mkfifo(folder.path("pipe"))
    assert [one.session for one in folder.of_project(project)] == ["s-1"]
    with pytest.raises(JournalError, match="pipe; a plain file"):
        folder.open("pipe")
    monkeypatch.setattr(limits, "COPIES", 2)
    assert folder.of_project(project)


def test_impossible_projects_have_no_sessions(tmp_path):
    folder = JournalFolder(tmp_path / "journals")
    for project in ("/", ".", "..", "/..", "x" * 5000, "/a/" + 300 * "x" + ".rpp"):
        assert folder.of_project(project) == []


def test_a_copy_never_takes_the_place_of_another_session(tmp_path):
    """Ids that end alike, and names that meet."""
    beside = tmp_path / "p.reatrieve"
    for session, label, again in (("a-b", "x", ()), ("b", "x-a", (Renamed("x"),)), ("c-b", "y", ())):
        path = tmp_path / f"{session}.journal.jsonl"
        with Journal.create(path, header(session), events=[Started(Span(0.0, 1.0), label, 10, "default")]) as journal:
            journal.copy_to(beside)
            for event in again:
                journal.append(event)
                journal.copy_to(beside).tidy()
    assert sorted(read_journal(copy)[0].session for copy in beside.iterdir()) == ["a-b", "b", "c-b"]


@pytest.mark.parametrize("label", ["拍" * 100, "é" * 200, "\U0001f941" * 100, "...", "/" * 80])
def test_long_labels_make_names_that_every_disk_takes(tmp_path, label):
    with Journal.create(
        tmp_path / "x.journal.jsonl", header("s" * 64), events=[Started(Span(0, 1), label, 1, "r")]
    ) as one:
        assert len(os.fsencode(one.copy_to(tmp_path / "c").path.name)) <= 200


def test_a_clock_far_off_is_no_damage(tmp_path):
    for k, time_s in enumerate((-1e12, 1e20, 0.0)):
        with Journal.create(
            tmp_path / f"{k}.journal.jsonl", header(), events=EVENTS[:1], now=lambda t=time_s: t
        ) as one:
            one.append(EVENTS[1])
        assert len(read_journal(one.path)[1]) == 2


def test_a_header_past_its_limits_is_refused(tmp_path):
    entry = {"time_s": 0.0, "bpm": 120.0, "numerator": 4, "denominator": 4, "fullbeats": 0.0, "measure": 0}
    at, past = (Header("s", header().track_map, tempo=(entry,) * n) for n in (limits.TEMPO, limits.TEMPO + 1))
    Journal.create(tmp_path / "at.journal.jsonl", at).close()
    with pytest.raises(InputError, match="tempo"):
        Journal.create(tmp_path / "past.journal.jsonl", past)


@pytest.mark.skipif(sys.platform == "win32", reason="root and rights are other things there")
def test_an_unreadable_folder_beside_a_project_is_no_fault(tmp_path):
    (tmp_path / "p.reatrieve").write_text("a file", encoding="utf-8")
    assert JournalFolder(tmp_path / "journals").of_project(str(tmp_path / "p.rpp")) == []
