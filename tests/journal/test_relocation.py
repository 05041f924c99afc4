"""A project in another folder, or on another machine, finds the sounds that came with it."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.journal import Header, JournalFolder, copies_folder, read_header, read_journal
from reatrieve.journal.relocation import along, relocated
from reatrieve.session.events import Started
from reatrieve.session.spans import Span

STARTED = Started(Span(1.0, 2.0), "Kick", 10, "default")


def header(project: str, *paths: str | Path) -> Header:
    items = tuple(TrackItem(Path(path), 2.0 * k, 2.0) for k, path in enumerate(paths))
    return Header("s-1", TrackMap(items), project=project, track="{T}", created_s=1.5)


@pytest.mark.parametrize(
    ("before", "path", "now", "expected"),
    [
        ("/old/Sóng.rpp", "/old/audio/Große.wav", "/new place/b.rpp", "/new place/audio/Große.wav"),
        ("C:\\Old\\a.rpp", "c:\\old\\Audio\\x.wav", "/new/a.rpp", "/new/Audio/x.wav"),
        ("\\\\nas\\share\\p\\a.rpp", "\\\\NAS\\share\\p\\x.wav", "/new/a.rpp", "/new/x.wav"),
        ("/old/a.rpp", "/elsewhere/x.wav", "/new/a.rpp", "/elsewhere/x.wav"),
        ("/old/a.rpp", "/older/x.wav", "/new/a.rpp", "/older/x.wav"),
        ("/old/a.rpp", "/old/../etc/x.wav", "/new/a.rpp", "/old/../etc/x.wav"),
        ("", "/old/x.wav", "/new/a.rpp", "/old/x.wav"),
        ("/old/a.rpp", "/old/x.wav", "", "/old/x.wav"),
        ("/old/a.rpp", "/old/x.wav", "/old/b.rpp", "/old/x.wav"),
    ],
)
def test_a_file_inside_the_projects_folder_came_along(before: str, path: str, now: str, expected: str) -> None:
    found = relocated(header(before, path), now, is_file=lambda there: there != Path(path))
    assert [str(item.path) for item in found.track_map.items] == [str(Path(expected))]
    assert found.project == now


def test_a_posix_path_in_the_words_of_windows_is_one_still() -> None:
    """A project from Linux or macOS opened on Windows, where any path is written with backslashes."""
    found = along(PureWindowsPath("/old/audio/x.wav"), "/old/a.rpp", "/new/a.rpp")
    assert found == Path("/new/audio/x.wav")
    assert along(PureWindowsPath("/elsewhere/x.wav"), "/old/a.rpp", "/new/a.rpp") is None


def test_a_file_that_is_still_there_stays_and_one_that_is_nowhere_keeps_its_name() -> None:
    stays = relocated(header("/old/a.rpp", "/old/x.wav"), "/new/a.rpp", is_file=lambda _: True)
    lost = relocated(header("/old/a.rpp", "/old/x.wav"), "/new/a.rpp", is_file=lambda _: False)
    for one in (stays, lost):
        assert one.track_map.items[0].path == Path("/old/x.wav")


def test_a_disk_that_does_not_answer_is_no_file() -> None:
    def refuses(_: Path) -> bool:
        raise PermissionError

    same = relocated(header("/old/a.rpp", "/old/x.wav"), "/new/a.rpp", is_file=refuses)
    assert same.track_map.items[0].path == Path("/old/x.wav")


def saved_project(folder: Path) -> tuple[Path, Path]:
    """A project with its sound beside it, and that sound."""
    sound = folder / "audio" / "Glöckchen.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"sound")
    project = folder / "Projekt.rpp"
    project.write_text("<REAPER_PROJECT\n>\n", encoding="utf-8")
    return project, sound


def test_a_moved_folder_is_found_by_the_journals_of_this_machine(tmp_path: Path) -> None:
    project, sound = saved_project(tmp_path / "before")
    journals = JournalFolder(tmp_path / "journals")
    with journals.create(header(str(project), sound), events=[STARTED]) as journal:
        journal.copy_to(copies_folder(str(project)), project=str(project))
    (tmp_path / "before").rename(tmp_path / "after wards")
    moved = tmp_path / "after wards" / project.name
    assert [one.project for one in journals.of_project(str(moved))] == [str(moved)]
    now = read_journal(journals.path("s-1"))[0]
    assert list(now.track_map.paths) == [tmp_path / "after wards" / "audio" / sound.name]


def test_a_copied_folder_leaves_the_journal_with_the_project_that_is_still_there(tmp_path: Path) -> None:
    project, sound = saved_project(tmp_path / "before")
    journals = JournalFolder(tmp_path / "journals")
    with journals.create(header(str(project), sound), events=[STARTED]) as journal:
        journal.copy_to(copies_folder(str(project)), project=str(project))
    other, _ = saved_project(tmp_path / "copy")
    copies_folder(str(project)).rename(copies_folder(str(other)))
    assert journals.of_project(str(other)) == []
    assert read_journal(journals.path("s-1"))[0].project == str(project)


def test_another_machine_takes_the_copy_and_its_own_sound(tmp_path: Path) -> None:
    project, sound = saved_project(tmp_path / "here")
    with JournalFolder(tmp_path / "journals").create(header("D:\\Jobs\\Projekt.rpp", "D:\\Jobs\\audio\\" + sound.name),
                                                     events=[STARTED]) as journal:  # fmt: skip
        journal.copy_to(copies_folder(str(project)))
    there = JournalFolder(tmp_path / "other machine")
    assert [list(read_header(one.path).track_map.paths) for one in there.of_project(str(project))] == [[sound]]


def test_saving_as_a_project_in_another_folder_keeps_the_sound_that_is_still_there(tmp_path: Path) -> None:
    project, sound = saved_project(tmp_path / "here")
    other, copied = saved_project(tmp_path / "there")
    with JournalFolder(tmp_path / "journals").create(header(str(project), sound), events=[STARTED]) as journal:
        journal.move_to(str(other))
        assert list(journal.header.track_map.paths) == [sound]
        sound.unlink()
        journal.move_to(str(project))
        journal.move_to(str(other))
        assert list(journal.header.track_map.paths) == [copied]
