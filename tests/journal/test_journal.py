"""Journals: what is appended is on disk, what was torn is dropped, one writer, found again by project."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import JournalError
from reatrieve.journal import Header, Journal, JournalFolder, read_journal
from reatrieve.journal import file as journal_file
from reatrieve.journal import folder as journal_folder
from reatrieve.journal.folder import _same_path
from reatrieve.journal.lines import Line, whole
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Reanswered,
    Renamed,
    Requested,
    Retracted,
    Revised,
    Started,
    Undone,
)
from reatrieve.session.spans import Span
from reatrieve.session.state import fold

MAP = TrackMap((TrackItem("/müsik/a b.wav", 12.5, 60.0, gain=-0.3, loop=True, guid="{G}"),))
STARTED = Started(Span(0.1, 1.1), "Kick – 拍", 10, "default")
EVENTS = [
    STARTED,
    Proposed(1, Span(3.0, 4.0), 0.123456789, 0.9, 7.0),
    Answered(1, "accept", Span(3.01, 4.0)),
    Proposed(2, Span(5.0, 6.0), 0.1, 0.5, 6.0),
    Answered(2, "reject", Span(5.0, 6.0)),
    Undone(2),
    Answered(2, "skip", Span(5.0, 6.0)),
    Revised(1, Span(3.02, 4.0)),
    Retracted(1),
    BudgetRaised(10),
    Renamed("Snare"),
    Finished(),
]
"""What version 1 wrote too."""
LATER = [
    *EVENTS[:-1],
    Requested(3, Span(8.0, 9.0), 0.2, 0.7, 5.0),
    Answered(3, "skip", Span(8.0, 9.0)),
    Reanswered(3, "accept", Span(8.02, 9.0)),
    Finished(),
]


def header(session="s-1", project="", **more):
    return Header(session, MAP, project=project, track="{T}", created_s=1.5, **more)


def test_everything_comes_back(tmp_path):
    path = tmp_path / "dir with ü" / "x.journal.jsonl"
    tempo = ({"time_s": 0.0, "bpm": 120.5, "numerator": 4, "denominator": 4, "fullbeats": 0.0, "measure": 0},)
    with Journal.create(path, header(project="C:\\x\\ü.rpp", tempo=tempo), now=lambda: 42.25) as journal:
        for k, event in enumerate(LATER):
            journal.append(event, op=f"op-{k}" if k % 2 else "")
        assert journal.events() == LATER
    again, lines = read_journal(path)
    assert again == header(project="C:\\x\\ü.rpp", tempo=tempo)
    assert again.origin_s == 12.5
    assert [line.event for line in lines] == LATER
    assert {line.time_s for line in lines} == {42.25}
    with Journal.open(path) as journal:
        assert journal.events() == LATER
        assert journal.ops == {f"op-{k}" for k in range(1, len(LATER), 2)}
        assert fold(journal.events()).label == "Snare"


def test_the_format_is_one_json_object_a_line(tmp_path):
    with Journal.create(tmp_path / "x.journal.jsonl", header()) as journal:
        journal.append_all(EVENTS, op="o")
    rows = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
    assert (rows[0]["reatrieve"], rows[0]["v"], rows[0]["origin_s"]) == ("journal", 2, 12.5)
    assert rows[3] | {"t": 0, "crc": "c"} == {
        "v": 2,
        "t": 0,
        "op": "o",
        "event": "answered",
        "number": 1,
        "verdict": "accept",
        "span": [3.01, 4.0],
        "crc": "c",
    }


@given(start_s=st.floats(-1e6, 1e6), length_s=st.floats(1e-3, 1e3))
def test_times_are_exact(tmp_path_factory, start_s, length_s):
    event = Answered(1, "accept", Span(start_s, start_s + length_s))
    with Journal.create(tmp_path_factory.mktemp("exact") / "x.journal.jsonl", header()) as journal:
        journal.append_all([*EVENTS[:2], event])
    assert read_journal(journal.path)[1][-1].event == event


def test_a_torn_last_line_is_dropped_wherever_it_is_torn(tmp_path):
    path = tmp_path / "x.journal.jsonl"
    with Journal.create(path, header()) as journal:
        journal.append_all(EVENTS[:3])
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        assert [line.event for line in read_journal(path)[1]] == EVENTS[:2]
        with Journal.open(path) as journal:
            assert journal.events() == EVENTS[:2]
            journal.append(EVENTS[2])
        assert [line.event for line in read_journal(path)[1]] == EVENTS[:3]
    path.write_bytes(whole[:last] + bytes(len(whole) - last - 1) + b"\n")
    with Journal.open(path) as journal:
        assert journal.events() == EVENTS[:2]
        journal.append(EVENTS[2])
    assert [line.event for line in read_journal(path)[1]] == EVENTS[:3]


def test_damage_in_the_middle_is_told(tmp_path):
    path = tmp_path / "x.journal.jsonl"
    with Journal.create(path, header()) as journal:
        journal.append_all(EVENTS[:4])
    lines = path.read_bytes().split(b"\n")
    lines[2] = b'{"v":1}'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match="line 3 is damaged"):
        Journal.open(path)
    for content in (b"", b"no newline", b"{}\n", b'{"reatrieve":"journal","v":1}\n', b"\xff\n", b"[1]\n"):
        path.write_bytes(content)
        with pytest.raises(JournalError):
            read_journal(path)
    path.write_bytes(b'{"reatrieve":"journal","v":3}\n')
    with pytest.raises(JournalError, match="update ReaTrieve"):
        read_journal(path)
    for reading in (read_journal, Journal.open):
        with pytest.raises(JournalError, match=r"none: no such file; check the path$"):
            reading(tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="folders have other rights there")
def test_folders_that_it_makes_are_for_this_user_alone(tmp_path):
    before = os.umask(0o022)
    try:
        with JournalFolder(tmp_path / "share" / "ReaTrieve" / "journals").create(header(), events=[STARTED]) as journal:
            session = journal.header.session
        JournalFolder(journal.path.parent).discard(session)
    finally:
        os.umask(before)
    made = [folder for folder in tmp_path.rglob("*") if folder.is_dir()]
    assert len(made) == 4
    assert {folder.stat().st_mode & 0o777 for folder in made} == {0o700}


def test_one_writer(tmp_path):
    path = tmp_path / "x.journal.jsonl"
    with Journal.create(path, header()) as journal:
        journal.append(STARTED)
        with pytest.raises(JournalError, match="another process"):
            Journal.open(path)
        with pytest.raises(JournalError, match="begun once"):
            Journal.create(path, header())
        assert len(read_journal(path)[1]) == 1
    Journal.open(path).close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_was_appended_survives_a_kill(tmp_path):
    code = (
        "import sys, pathlib, os, signal\n"
        "from reatrieve.journal import *\n"
        "from reatrieve.audio.trackmap import *\n"
        "from reatrieve.session.events import *\n"
        "from reatrieve.session.spans import Span\n"
        "journal = Journal.create(pathlib.Path(sys.argv[1]), Header('s', TrackMap((TrackItem('a.wav', 0.0, 1.0),))))\n"
        "journal.append(Started(Span(0.0, 0.5), 'x', 10, 'default'), op='1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "x.journal.jsonl"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -signal.SIGKILL
    with Journal.open(path) as journal:
        assert journal.ops == {"1"}


def test_sessions_are_found_by_project(tmp_path):
    folder = JournalFolder(tmp_path / "journals", now=iter(range(100, 200)).__next__)
    project = str(tmp_path / "dir" / ".." / "ü.rpp")
    for k, where in enumerate((project, str(tmp_path / "ü.rpp"), str(tmp_path / "other.rpp"), "")):
        with folder.create(header(f"s-{k}", where)) as journal:
            journal.append_all(EVENTS[: 4 + k])
    with folder.create(header("empty", project)):
        pass
    (folder.folder / ("bad.journal.jsonl")).write_text("rubbish", encoding="utf-8")
    stored = folder.of_project(project)
    assert [one.session for one in stored] == ["s-1", "s-0"]
    assert [(one.label, one.answers, one.accepted, one.finished) for one in stored] == [
        ("Kick – 拍", 2, 1, False),
        ("Kick – 拍", 1, 1, False),
    ]
    assert stored[1].modified == "1970-01-01T00:01:43Z"
    assert folder.of_project("") == []
    assert JournalFolder(tmp_path / "none").of_project(project) == []


def test_a_list_reads_a_journal_again_only_when_it_has_changed(tmp_path, monkeypatch):
    read: list[str] = []
    real = journal_file.read_file
    for module in (journal_file, journal_folder):
        monkeypatch.setattr(module, "read_file", lambda path: (read.append(path.name), real(path))[1])
    project = str(tmp_path / "p.rpp")
    with Journal.create(tmp_path / "x.journal.jsonl", header("s-9", project)) as journal:
        journal.append_all(EVENTS[:3])
        journal.copy_to(tmp_path / "p.reatrieve")
    impossible = tmp_path / "p.reatrieve" / "y-s-2.journal.jsonl"
    begun_twice = [Line(STARTED, "", 1.0), Line(STARTED, "", 2.0)]
    impossible.write_bytes(whole(impossible, header("s-2", project), begun_twice))
    folder = JournalFolder(tmp_path / "journals")
    assert [one.answers for one in folder.of_project(project)] == [1]
    assert sorted(read) == ["Kick _ 拍-s-9.journal.jsonl", "s-9.journal.jsonl", "y-s-2.journal.jsonl"]
    read.clear()
    for _ in range(2):
        assert [one.answers for one in folder.of_project(project)] == [1]
    assert read == ["Kick _ 拍-s-9.journal.jsonl"]  # whether it goes on where the journal ends
    read.clear()
    with folder.open("s-9") as opened:
        opened.append_all(EVENTS[3:5])
    assert [one.answers for one in folder.of_project(project)] == [2]
    assert read == ["Kick _ 拍-s-9.journal.jsonl", "s-9.journal.jsonl"]


def stored_and_copied(tmp_path):
    """A folder with a session of a project that has its copy beside it, and the project."""
    folder, project = JournalFolder(tmp_path / "journals"), tmp_path / "song" / "song.rpp"
    project.parent.mkdir()
    project.touch()
    with folder.create(header(project=str(project)), events=EVENTS[:3]) as journal:
        journal.copy_to(journal_folder.copies_folder(str(project)))
    return folder, project


def meanwhile(job, wait_s=0.5):
    """Begin a job in another thread; it may end within a while, or must wait for us."""
    running = threading.Thread(target=job)
    running.start()
    running.join(wait_s)
    return running


def test_a_session_discarded_while_copies_are_taken_in_does_not_come_back(tmp_path, monkeypatch):
    folder, project = stored_and_copied(tmp_path)
    is_there, jobs = journal_folder._is_there, []

    def discarding(path):
        if path == folder.path("s-1") and not jobs:
            jobs.append(meanwhile(lambda: folder.discard("s-1")))
        return is_there(path)

    monkeypatch.setattr(journal_folder, "_is_there", discarding)
    folder.of_project(str(project))
    jobs[0].join()
    assert folder.of_project(str(project)) == []
    assert folder.was_discarded("s-1")


def test_a_journal_that_is_just_moved_with_its_project_opens(tmp_path, monkeypatch):
    folder, project = stored_and_copied(tmp_path)
    moved = project.parent.rename(tmp_path / "moved") / "song.rpp"
    move_to, jobs, opened = Journal.move_to, [], []

    def opening(journal, to):
        jobs.append(meanwhile(lambda: opened.append(folder.open("s-1"))))
        move_to(journal, to)

    monkeypatch.setattr(Journal, "move_to", opening)
    assert [one.session for one in folder.of_project(str(moved))] == ["s-1"]
    jobs[0].join()
    with opened[0] as journal:
        assert journal.header.project == str(moved)


def test_a_discarded_session_is_never_listed_again(tmp_path):
    folder = JournalFolder(tmp_path / "journals")
    project = str(tmp_path / "p.rpp")
    with folder.create(header("s-1", project)) as journal:
        journal.append_all(EVENTS[:3])
        journal.copy_to(tmp_path / "p.reatrieve")
    folder.discard("s-1")
    assert not folder.holds("s-1")
    assert folder.of_project(project) == []
    assert len(list((folder.folder / "discarded").iterdir())) == 1
    with pytest.raises(JournalError):
        folder.discard("s-1")


def test_a_copy_lies_beside_the_project_under_its_label(tmp_path):
    with Journal.create(tmp_path / "x.journal.jsonl", header()) as journal:
        journal.append(Started(Span(0.0, 1.0), "a/b: <kick>?", 10, "default"))
        first = journal.copy_to(tmp_path / "p.reatrieve").path
        assert first.name == "a_b_ _kick__-s-1.journal.jsonl"
        journal.append(Renamed("snare"))
        copied = journal.copy_to(tmp_path / "p.reatrieve")
        assert (copied.is_new, copied.beside) == (True, (None, (), (first,)))
        copied.tidy()
    assert [path.name for path in (tmp_path / "p.reatrieve").iterdir()] == ["snare-s-1.journal.jsonl"]
    assert read_journal(copied.path)[1] == list(journal.lines)


def passed_on(tmp_path):
    """A session answered at a desk, then at a laptop; both have put their copy beside the project."""
    desk, project = stored_and_copied(tmp_path)
    laptop = JournalFolder(tmp_path / "laptop")
    assert len(laptop.of_project(str(project))) == 1
    with laptop.open("s-1") as journal:
        journal.append_all(EVENTS[3:5])
        copied = journal.copy_to(journal_folder.copies_folder(str(project)))
        assert (copied.beside.ahead, copied.beside.others) == (None, ())
        copied.tidy()
    return desk, project, copied.path


def test_answers_that_were_given_elsewhere_are_gone_on_with(tmp_path):
    desk, _, copy = passed_on(tmp_path)
    with desk.open("s-1") as journal:
        assert journal.events() == EVENTS[:5]
        assert journal.note == (
            f"the copy {copy.name} beside the project goes on where this computer's journal ends; "
            "the search goes on with it"
        )
        assert journal.went_on
        assert not desk.is_behind(journal)
    with desk.open("s-1") as journal:
        assert (journal.events(), journal.note, journal.went_on) == (EVENTS[:5], "", False)
    assert read_journal(copy)[1] == list(journal.lines)


def test_a_list_shows_answers_that_were_given_elsewhere(tmp_path):
    desk, project, _ = passed_on(tmp_path)
    with Journal.open(desk.path("s-1")):  # somebody is answering here
        assert [one.answers for one in desk.of_project(str(project))] == [1]
    assert [one.answers for one in desk.of_project(str(project))] == [2]
    with desk.open("s-1") as journal:
        assert journal.events() == EVENTS[:5]
        assert "goes on where this computer's journal ends" in journal.note
        assert journal.went_on
    with desk.open("s-1") as journal:
        assert (journal.note, journal.went_on) == ("", False)


def test_all_that_happened_while_a_project_was_listed_is_told_when_it_is_opened(tmp_path):
    """A damaged journal of a project that was moved goes on with what a copy holds; so do two lists in a row."""
    desk, project, _ = passed_on(tmp_path)
    path = desk.path("s-1")
    path.write_bytes(path.read_bytes().replace(b"accept", b"reject"))
    moved = tmp_path / "moved" / project.name
    moved.parent.mkdir()
    project.unlink(missing_ok=True)
    beside = journal_folder.copies_folder(str(moved))
    journal_folder.copies_folder(str(project)).rename(beside)
    laptop = JournalFolder(tmp_path / "laptop")
    moved.touch()
    assert [one.answers for one in desk.of_project(str(moved))] == [2]
    assert len(laptop.of_project(str(moved))) == 1
    with laptop.open("s-1") as journal:
        journal.append_all(EVENTS[5:7])
        journal.copy_to(beside)
    assert len(desk.of_project(str(moved))) == 1
    with desk.open("s-1") as journal:
        assert journal.events() == EVENTS[:7]
        assert "is damaged" in journal.note
        assert "goes on where this computer's journal ends" in journal.note
        assert journal.went_on


def test_a_journal_that_was_mended_for_a_list_says_so_when_it_is_opened(tmp_path):
    desk, project, copy = passed_on(tmp_path)
    path = desk.path("s-1")
    path.write_bytes(path.read_bytes().replace(b"accept", b"reject"))
    assert [one.answers for one in desk.of_project(str(project))] == [2]
    with desk.open("s-1") as journal:
        assert f"of the journal is damaged; the copy {copy.name} beside the project takes its place" in journal.note


def test_a_full_disk_that_takes_no_answers_of_elsewhere_leaves_the_journal_as_it_is(tmp_path, monkeypatch):
    desk, _, copy = passed_on(tmp_path)
    content = desk.path("s-1").read_bytes()

    def full(*_args, **_how):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "write_whole", full)
        with desk.open("s-1") as journal:
            assert journal.events() == EVENTS[:3]
            assert journal.note.startswith(
                f"the copy {copy.name} beside the project holds more answers, but cannot be taken over: the journal "
            )
            journal.append(Renamed("goes on"))
    assert desk.path("s-1").read_bytes().startswith(content)


def test_what_fails_at_every_list_is_told_once(tmp_path, monkeypatch):
    desk, project, _ = passed_on(tmp_path)

    def full(*_args, **_how):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "write_whole", full)
        for _ in range(3):
            assert len(desk.of_project(str(project))) == 1
        with desk.open("s-1") as journal:
            assert journal.note.count("holds more answers, but cannot be taken over") == 1


def test_of_two_copies_that_go_on_the_longer_one_is_named_and_none_is_another_course(tmp_path):
    desk, _, theirs = passed_on(tmp_path)
    beside = theirs.parent
    first = theirs.read_bytes()
    laptop = JournalFolder(tmp_path / "laptop")
    with laptop.open("s-1") as journal:
        journal.append(Renamed("b"))
        longest = journal.copy_to(beside).path
    theirs.write_bytes(first)
    with Journal.open(desk.path("s-1")) as journal:
        copied = journal.copy_to(beside)
    assert (copied.path, copied.beside.ahead, copied.beside.others) == (longest, longest, ())


def test_copies_of_other_sounds_beside_a_project_make_no_more_of_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_file.limits, "COPIES", 3)
    beside = tmp_path / "p.reatrieve"
    beside.mkdir()
    for k in range(9):
        Journal.create(beside / f"{k}-other.journal.jsonl", header(f"other {k}"), events=EVENTS[:1]).close()
    with Journal.create(tmp_path / "s-1.journal.jsonl", header(), events=EVENTS[:1]) as journal:
        for k in range(5):
            journal.append(Renamed(f"zz {k}"))
            journal.copy_to(beside).tidy()
        assert [path.name for path in beside.glob("*-s-1.journal.jsonl")] == ["zz 4-s-1.journal.jsonl"]
        assert read_journal(beside / "zz 4-s-1.journal.jsonl")[1] == list(journal.lines)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_at_the_name_of_a_copy_is_left_alone(tmp_path):
    beside = tmp_path / "p.reatrieve"
    beside.mkdir()
    link = beside / "Kick _ 拍-s-1.journal.jsonl"
    link.symlink_to(tmp_path / "nothing")
    with Journal.create(tmp_path / "s-1.journal.jsonl", header(), events=EVENTS[:1]) as journal:
        assert journal.copy_to(beside).path.name == "Kick _ 拍 2-s-1.journal.jsonl"
    assert link.is_symlink()


def test_a_copy_of_which_only_the_header_has_come_is_not_taken_in_yet(tmp_path):
    _, project, copy = passed_on(tmp_path)
    content = copy.read_bytes()
    copy.write_bytes(content[: content.index(b"\n") + 1])
    fresh = JournalFolder(tmp_path / "fresh")
    assert fresh.of_project(str(project)) == []
    assert not fresh.holds("s-1")
    copy.write_bytes(content)
    assert [one.answers for one in fresh.of_project(str(project))] == [2]


@pytest.mark.parametrize("same", [False, True])
def test_a_project_that_comes_back_beside_the_first_takes_its_sessions_if_they_went_on(tmp_path, same):
    desk, project, copy = passed_on(tmp_path)
    back = tmp_path / "back" / project.name
    back.parent.mkdir()
    back.touch()
    project.touch()
    copy.parent.rename(journal_folder.copies_folder(str(back)))
    if same:
        with Journal.open(desk.path("s-1")) as journal:
            journal.append_all(EVENTS[3:5])
    assert [one.answers for one in desk.of_project(str(back))] == ([] if same else [2])
    assert [one.answers for one in desk.of_project(str(project))] == ([2] if same else [])


@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EACCES])
def test_a_project_on_a_drive_that_fails_counts_as_there(monkeypatch, error):
    def fails(path):
        raise OSError(error, "fails")

    monkeypatch.setattr(journal_folder.os, "stat", fails)
    assert journal_folder.project_is_there("/net/p.rpp")


def test_a_copy_that_holds_more_is_not_replaced_by_less(tmp_path):
    desk, project = stored_and_copied(tmp_path)
    beside = journal_folder.copies_folder(str(project))
    with desk.open("s-1") as journal:  # all the time
        laptop = JournalFolder(tmp_path / "laptop")
        laptop.of_project(str(project))
        with laptop.open("s-1") as there:
            there.append_all([*EVENTS[3:5], Renamed("another name")])
            copied = there.copy_to(beside)
            copied.tidy()
            theirs = copied.path
        content = theirs.read_bytes()
        assert desk.is_behind(journal)
        assert journal.copy_to(beside) == (theirs, False, (theirs, (), ()))
        assert [path.read_bytes() for path in beside.iterdir()] == [content]


@pytest.mark.parametrize("newer", [False, True])
def test_a_copy_that_holds_other_answers_is_kept(tmp_path, newer):
    desk, project = stored_and_copied(tmp_path)
    with desk.open("s-1") as journal:
        journal.append(Renamed("mine"))
        laptop = JournalFolder(tmp_path / "laptop")
        laptop.of_project(str(project))
        beside = journal_folder.copies_folder(str(project))
        with laptop.open("s-1") as there:
            there.append_all([Renamed("mine"), *EVENTS[3:5]])
            copied = there.copy_to(beside)
            copied.tidy()
            theirs = copied.path
        if newer:
            theirs.write_text('{"reatrieve":"journal","v":99,"session":"s-1"}\n', encoding="utf-8")
        content = theirs.read_bytes()
        mine = journal.copy_to(beside)
        assert mine == (beside / "mine 2-s-1.journal.jsonl", True, (None, () if newer else (theirs,), ()))
        journal.append(Renamed("again"))
        again = journal.copy_to(beside)
        assert (again.path, again.beside.earlier) == (beside / "again-s-1.journal.jsonl", (mine.path,))
        again.tidy()
        assert theirs.read_bytes() == content
        assert not mine.path.exists()
        assert read_journal(beside / "again-s-1.journal.jsonl")[1] == list(journal.lines)


@pytest.mark.parametrize("how", ["damaged", "impossible"])
def test_a_copy_that_is_damaged_is_kept_and_a_sound_one_lies_beside_it(tmp_path, how):
    """Nobody knows what it held."""
    desk, project = stored_and_copied(tmp_path)
    beside = journal_folder.copies_folder(str(project))
    laptop = JournalFolder(tmp_path / "laptop")
    laptop.of_project(str(project))
    with laptop.open("s-1") as there:
        there.append_all(EVENTS[3:5])
        theirs = there.copy_to(beside).path
        if how == "impossible":
            theirs.write_bytes(whole(theirs, there.header, [*there.lines, Line(Undone(77), "", 1.0)]))
        else:
            theirs.write_bytes(theirs.read_bytes().replace(b"reject", b"accept"))
    content = theirs.read_bytes()
    with desk.open("s-1") as journal:
        for _ in range(2):
            copied = journal.copy_to(beside)
            copied.tidy()
            assert (copied.beside.ahead, copied.beside.others) == (None, (theirs,))
        assert read_journal(copied.path)[1] == list(journal.lines)
    assert theirs.read_bytes() == content
    assert len(list(beside.iterdir())) == 2


def test_a_project_that_was_moved_and_answered_elsewhere_is_listed_with_all(tmp_path):
    desk, project, _ = passed_on(tmp_path)
    project.parent.rename(tmp_path / "moved")
    listed = desk.of_project(str(tmp_path / "moved" / project.name))
    assert [one.answers for one in listed] == [2]


def test_of_several_copies_the_one_that_goes_furthest_is_taken_in(tmp_path):
    desk, project = stored_and_copied(tmp_path)
    beside = journal_folder.copies_folder(str(project))
    (old,) = beside.iterdir()
    content = old.read_bytes()
    with desk.open("s-1") as journal:
        journal.append_all([*EVENTS[3:5], Renamed("zz")])
        journal.copy_to(beside)
    old.write_bytes(content)  # a backup, or a program that synchronises
    elsewhere = JournalFolder(tmp_path / "elsewhere")
    for _ in range(2):
        assert [one.answers for one in elsewhere.of_project(str(project))] == [2]
    with elsewhere.open("s-1") as taken:
        assert taken.events() == [*EVENTS[:5], Renamed("zz")]


def test_a_journal_that_has_the_name_of_another_session_is_refused(tmp_path):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    for session in ("s-1", "s-2"):
        folder.create(header(session, project), events=EVENTS[:3]).close()
    one, other = folder.path("s-1"), folder.path("s-2")
    shutil.copy(other, folder.folder / "s-2 (copy).journal.jsonl")
    for listed in (folder.of_project(project), folder.sessions()):
        assert sorted(stored.session for stored in listed) == ["s-1", "s-2"]
    kept = other.read_bytes()
    one.replace(tmp_path / "aside")
    other.replace(one)
    assert folder.of_project(project) == []
    for use in (folder.open, folder.discard):
        with pytest.raises(JournalError, match=r"s-1.journal.jsonl is that of another session, s-2; put the right"):
            use("s-1")
    assert one.read_bytes() == kept
    damaged = kept.replace(b"accept", b"reject")
    one.write_bytes(damaged)
    with pytest.raises(JournalError, match="that of another session"):
        folder.open("s-1")
    assert one.read_bytes() == damaged


def test_a_project_that_came_from_elsewhere_brings_its_sessions(tmp_path):
    with Journal.create(tmp_path / "x.journal.jsonl", header("s-9", "/elsewhere/p.rpp")) as journal:
        journal.append_all(EVENTS[:3])
        journal.copy_to(tmp_path / "p.reatrieve")
    folder = JournalFolder(tmp_path / "journals")
    project = str(tmp_path / "p.rpp")
    for _ in range(2):
        assert [one.session for one in folder.of_project(project)] == ["s-9"]
    with folder.open("s-9") as taken:
        assert taken.events() == EVENTS[:3]
        assert taken.header.project == project


def test_saving_the_project_elsewhere_moves_the_journal_along(tmp_path):
    folder = JournalFolder(tmp_path / "journals")
    with folder.create(header("s-1")) as journal:
        journal.append_all(EVENTS[:3], op="o")
        journal.move_to(str(tmp_path / "p.rpp"))
        with pytest.raises(JournalError, match="another process"):
            folder.open("s-1")
        journal.append(EVENTS[3])
    assert [one.session for one in folder.of_project(str(tmp_path / "p.rpp"))] == ["s-1"]
    assert [line.event for line in read_journal(journal.path)[1]] == EVENTS[:4]


@pytest.mark.parametrize(
    ("platform", "one", "other", "same"),
    [
        ("win32", "C:\\Musik\\P.rpp", "c:/musik/x/../p.RPP", True), ("win32", "C:\\a.rpp", "D:\\a.rpp", False),
        ("darwin", "/Users/a/Für.rpp", "/users/A/Fu\u0308r.RPP", True), ("darwin", "/a/b.rpp", "/a/c.rpp", False),
        ("linux", "/a//x/../b.rpp", "/a/b.rpp", True), ("linux", "/a/B.rpp", "/a/b.rpp", False),
    ],
)  # fmt: skip
def test_paths_name_one_project_as_the_platform_says(platform, one, other, same):
    assert _same_path(one, other, platform) is same


@pytest.mark.parametrize("session", ["../../etc/passwd", "a b", "", "ü", "x" * 200, "\ud800"])
def test_odd_session_ids_stay_in_the_folder(tmp_path, session):
    folder = JournalFolder(tmp_path / "journals")
    assert folder.path(session).parent == folder.folder
    assert folder.path(session).name.endswith(".journal.jsonl")
    assert not folder.holds(session)


def deleted(path):
    path.unlink()


def cut(path):
    os.truncate(path, 0)


def cut_in_a_line(path):
    os.truncate(path, path.stat().st_size - 9)


def cut_in_the_first_line(path):
    os.truncate(path, 20)


def overwritten_by_something_else(path):
    path.write_bytes(b"hello\n" * 1000)


def touched(path):
    os.utime(path)


def overwritten_in_the_middle(path):
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - 60)
        file.write(b"x")
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns + 10**7))  # older systems count time in 4 ms or more


def appended_to(path):
    with path.open("ab") as file:
        file.write(b"something\n")


def replaced_by_something_else(path):
    copy = path.with_name("copy")
    copy.write_bytes(b"hello")
    copy.replace(path)


def replaced_by_the_journal_of_another_session(path):
    other = path.with_name("other.jsonl")
    Journal.create(other, dataclasses.replace(header(), session="another"), events=EVENTS[:2]).close()
    other.replace(path)


def replaced_by_a_copy(path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def replaced_by_an_older_copy(path):
    copy = path.with_name("copy")
    copy.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    copy.replace(path)


def deleted_with_its_folder(path):
    shutil.rmtree(path.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes and replaces no open file")
@pytest.mark.parametrize(
    "harm",
    [
        deleted, cut, cut_in_a_line, cut_in_the_first_line, touched, overwritten_in_the_middle, appended_to,
        overwritten_by_something_else, replaced_by_something_else,
        replaced_by_the_journal_of_another_session, replaced_by_a_copy, replaced_by_an_older_copy,
        deleted_with_its_folder,
    ],
)  # fmt: skip
def test_what_is_appended_is_in_the_file_that_has_the_name(tmp_path, harm):
    path = tmp_path / "journals" / "a.jsonl"
    with Journal.create(path, header(), events=EVENTS[:3]) as journal:
        harm(path)
        there = path.read_bytes() if path.exists() else b""
        journal.append(EVENTS[3], op="later")
        journal.append(EVENTS[4])
        assert [line.event for line in read_journal(path)[1]] == EVENTS[:5] == journal.events()
        with pytest.raises(JournalError):  # still nobody else's
            Journal.open(path)
    with Journal.open(path) as again:
        assert again.ops == {"later"}
    kept = [file.read_bytes() for file in path.parent.glob("damaged/*")]
    assert kept == ([there] if "else" in harm.__name__ or "another" in harm.__name__ or 0 < len(there) < 50 else [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes and replaces no open file")
@pytest.mark.parametrize("what", ["other answers", "a folder", "a link"])
def test_what_somebody_else_put_there_is_left_and_nothing_is_acknowledged(tmp_path, what):
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    Journal.create(other, header(), events=[STARTED, Proposed(1, Span(30.0, 31.0), 0.5, 0.5, 1.0)]).close()
    with Journal.create(path, header(), events=EVENTS[:3]) as journal:
        path.unlink()
        if what == "a folder":
            path.mkdir()
        elif what == "a link":
            path.symlink_to(other)
        else:
            other.replace(path)
        with pytest.raises(JournalError):
            journal.append(EVENTS[3])
        assert journal.broken is (what == "other answers")
        assert len(journal.events()) == 3
        if what == "other answers":
            assert len(read_journal(path)[1]) == 2
            return
        assert path.is_dir() if what == "a folder" else path.is_symlink()
        path.rename(tmp_path / "moved away")
        journal.append(EVENTS[3])
    assert [line.event for line in read_journal(path)[1]] == EVENTS[:4]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no open file")
def test_nobody_else_gets_the_journal_while_it_is_replaced(tmp_path, monkeypatch):
    path, write = tmp_path / "a.jsonl", journal_file.write_whole

    def written(target, content, **how):
        with pytest.raises(JournalError, match="another process"):
            Journal.open(path)
        write(target, content, **how)

    with Journal.create(path, header(), events=EVENTS[:3]) as journal:
        monkeypatch.setattr(journal_file, "write_whole", written)
        journal.move_to(str(tmp_path / "p.rpp"))
        monkeypatch.undo()
        journal.append(EVENTS[3])
    assert [line.event for line in read_journal(path)[1]] == EVENTS[:4]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no open file")
def test_a_journal_that_was_replaced_between_opening_and_lock_is_not_taken(tmp_path, monkeypatch):
    path, opened = tmp_path / "a.jsonl", journal_file.open_regular
    Journal.create(path, header(), events=EVENTS[:3]).close()

    def late(*given, **more):
        file = opened(*given, **more)
        replaced_by_a_copy(path)
        return file

    monkeypatch.setattr(journal_file, "open_regular", late)
    with pytest.raises(JournalError, match="another process"):
        Journal.open(path)
    monkeypatch.undo()
    Journal.open(path).close()


def test_a_header_that_a_full_disk_does_not_take_is_told_without_the_systems_number(tmp_path, monkeypatch):
    def full(path, *_, **_how):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with Journal.create(tmp_path / "a.jsonl", header(), events=EVENTS[:3]) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(journal_file, "write_whole", full)
            with pytest.raises(JournalError) as told:
                journal.move_to(str(tmp_path / "moved.rpp"))
        assert str(told.value) == f"the journal {journal.path} cannot be written: No space left on device"
        journal.append(EVENTS[3])
