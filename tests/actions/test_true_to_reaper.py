"""What REAPER does otherwise than one would think: nothing is lost by it, and nothing of the user's is touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rig import SPANS, UNDO, Rig

from reatrieve.bridge import messages as m
from reatrieve.headless import Reaper, scripts_folder


def _reopened(rig: Rig, cut: int | None = None) -> None:
    """The project saved, closed and opened; with ``cut``, its session ends after so many bytes."""
    path = rig.folder / "song.rpp"
    if cut is not None:
        rig.project.save(path)
        rig.tick(3)
        values = next(
            values for section, values in rig.project.model.ext_state.items() if section.upper() == "REATRIEVE"
        )
        key = next(key for key in values if key.upper().startswith("SESSION_"))
        rig.reaper.stop("ReaTrieve_Client.lua")
        values[key] = values[key][:cut]
    rig.project.save(path)
    rig.tick(3)
    rig.project.close()
    rig.tick(3)
    rig.reaper.open(path)
    if cut is not None:
        rig.reaper.run("ReaTrieve_Client.lua")
        rig.reaper.unfocus()


@pytest.mark.parametrize("cut", [130, 400])
def test_what_a_project_has_lost_comes_from_the_journal(one_rig: Rig, cut: int) -> None:
    session = one_rig.find()
    for verb in ("accept", "accept", "reject", "accept"):
        one_rig.press(verb)
    names = one_rig.names()
    _reopened(one_rig, cut)
    one_rig.press("convert", 1)
    assert "has lost a part" in one_rig.line()  # and no half of the markers
    assert one_rig.project.markers == []
    one_rig.tick(30)
    assert one_rig.reaper.dialogs == []
    assert one_rig.names() == names  # nothing twice
    assert session.state.accepted == 3
    one_rig.press("convert")
    assert len(one_rig.project.markers) == 4


def test_a_marker_of_the_users_is_not_taken_over(every_rig: Rig) -> None:
    every_rig.project.add_marker(2.0, "Sound 1_02")
    every_rig.find()
    every_rig.press("accept")
    every_rig.press("convert")
    assert [marker.start_s for marker in every_rig.project.markers].count(2.0) in (1, 2)  # REAPER refuses an equal one
    every_rig.region("Sound 1-1").delete()
    every_rig.tick(3)
    every_rig.press("convert")
    assert [marker.start_s for marker in every_rig.project.markers] == [0.5, 2.0]
    every_rig.check()  # the host saw no change of what is not ours


def test_a_region_of_the_users_beside_ours_is_left_alone(every_rig: Rig) -> None:
    for k in range(4):
        every_rig.project.add_region(SPANS[k][0], SPANS[k][1], f"user {k}")
    every_rig.find()
    for verb in ("accept", "reject", "accept"):
        every_rig.press(verb)
    every_rig.region("Sound 1-1").move(2.1, 3.2)
    every_rig.tick(3)
    every_rig.press("clear")
    every_rig.press("finish")
    assert [name for name in every_rig.names() if name.startswith("user")] == [f"user {k}" for k in range(4)]
    assert every_rig.accepted().count(2.1) == 1
    every_rig.check()


def test_an_old_reaper_is_told_which_one_is_needed(tmp_path: Path) -> None:
    with Rig(tmp_path, "6.01") as rig:
        rig.project.select_time(0.5, 1.5)
        rig.run("find")
        rig.tick(5)
        assert rig.line() == "ReaTrieve needs REAPER 6.02 or later, and this is 6.01: update REAPER"
        assert rig.project.regions == []


def test_a_renamed_candidate_keeps_its_name_and_is_no_answer(every_rig: Rig) -> None:
    session = every_rig.find()
    every_rig.candidate().rename("Boom")
    every_rig.tick(4)
    assert session.state.answers == 0
    assert "Boom at" in every_rig.line() or every_rig.names() == ["Sound 1-0", "Boom"]
    every_rig.press("accept")
    assert every_rig.names()[:2] == ["Sound 1-0", "Boom"]
    assert every_rig.history()[-1] == "Accept Boom"
    every_rig.reaper.run(UNDO)
    every_rig.tick(4)
    assert session.state.current == 1
    assert every_rig.names() == ["Sound 1-0", "Boom"]
    every_rig.press("accept")
    _reopened(every_rig)
    every_rig.tick(30)
    every_rig.press("accept")
    assert every_rig.names()[:3] == ["Sound 1-0", "Boom", "Sound 1-2"]


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ((0.6, 1.6), "does not lie on the place"),
        ((2.5, 30.0), "outside"),
        ((1.2, 2.6), "lies on Sound 1-0, which is the example"),
    ],
)
def test_edges_that_cannot_be_are_refused(one_rig: Rig, edges: tuple[float, float], told: str) -> None:
    session = one_rig.find()
    one_rig.candidate().move(*edges)
    one_rig.press("accept")
    assert told in one_rig.line()
    assert session.state.answers == 0
    one_rig.press("reject")  # of what was proposed
    assert session.state.candidates[1].span.start_s == SPANS[0][0]


def test_find_where_it_was_searched_already(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("finish")
    one_rig.reaper.answer("no")
    one_rig.project.select_time(0.6, 1.4)
    one_rig.press("find", 10)
    assert "searched from here already" in one_rig.line()
    one_rig.reaper.answer("yes")
    one_rig.press("find", 10)
    assert one_rig.candidate().start_s == SPANS[1][0]
    assert list(one_rig.daemon.sessions.values()) == [session]


def test_the_first_find_waits_for_the_other_carrier(one_rig: Rig) -> None:
    """Loopback UDP is filtered: the daemon hears nothing, and the spool takes its time."""
    one_rig.daemon.paused = True
    one_rig.project.select_time(0.5, 1.5)
    one_rig.run("find")
    one_rig.tick(70)  # 2.3 s
    one_rig.daemon.paused = False
    one_rig.until(lambda: one_rig.candidate())


def test_a_client_that_vanished_is_started_anew_by_a_later_key(rig: Rig) -> None:
    """Without its exit function, which would have taken the heartbeat along."""
    rig.find()
    beat = rig.reaper.ext_state("ReaTrieve", "heartbeat")
    rig.reaper.stop("ReaTrieve_Client.lua")
    rig.reaper.set_ext_state("ReaTrieve", "heartbeat", beat)
    rig.tick(60)
    rig.press("accept", 3)
    assert rig.reaper.running == []
    rig.reaper.freeze(21.0)
    rig.press("accept", 30)
    assert len(rig.reaper.running) == 1


def test_without_a_daemon_the_file_is_named(one_rig: Rig) -> None:
    one_rig.daemon.quit()
    one_rig.project.select_time(0.5, 1.5)
    one_rig.press("find", 60)
    assert str(one_rig.folder / "home" / "daemon.txt") in one_rig.line()


def test_the_window_leaves_the_keys_to_the_arrange_view(rig: Rig) -> None:
    rig.press("window", 3)
    assert len(rig.reaper.windows) == 1
    assert rig.reaper.host.focus is None
    rig.reaper.mouse(5.0, 5.0, 1)
    rig.reaper.focus()
    rig.tick(2)
    rig.reaper.mouse(5.0, 5.0, 0)
    rig.tick(2)
    assert rig.reaper.host.focus is None
    rig.reaper.focus()
    rig.reaper.resize_window(500, 300)
    rig.tick(2)
    assert rig.reaper.host.focus is None


def test_a_controllers_answer_is_for_what_is_shown(one_rig: Rig) -> None:
    session = one_rig.find()
    name = session.find.session
    one_rig.candidate().move(2.2, 3.3)  # the next one has to be computed
    for _ in range(2):
        one_rig.daemon.push(name, m.Verb(name, "accept"))
    one_rig.tick(10)
    assert session.state.answers == 1
    assert "not shown yet" in " ".join(one_rig.help())


def test_a_script_that_finds_no_modules_says_what_to_do(tmp_path: Path) -> None:
    scripts = tmp_path / "Тишина"
    scripts.mkdir()
    for path in scripts_folder().glob("ReaTrieve_*.lua"):
        shutil.copy(path, scripts)
    with Reaper(clock="simulated", scripts=scripts, home=tmp_path / "reaper") as reaper:
        reaper.answer("ok")
        reaper.run("Accept candidate")
        reaper.tick(2)
        (box,) = reaper.dialogs
        assert "plain letters" in box.text
        assert "Тишина" in box.text


def test_items_that_move_alike_take_the_search_along(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.track.items[0].move(3.0)
    one_rig.tick(6)
    assert one_rig.candidate().start_s == SPANS[1][0] + 3.0
    assert "2 accepted regions are off the sound now" in " ".join(one_rig.help())
    one_rig.press("accept")
    assert session.state.candidates[2].span.start_s == SPANS[1][0]  # the daemon's time is that of its search
    assert one_rig.candidate().start_s == SPANS[2][0] + 3.0
    assert session.state.candidates[1].span.start_s == SPANS[0][0]
    one_rig.reaper.answer("yes")
    one_rig.press("convert", 10)
    assert one_rig.accepted() == [3.5, 5.0, 7.0]
    assert [marker.start_s for marker in one_rig.project.markers] == [3.5, 5.0, 7.0]
    assert session.state.answers == 2
    _reopened(one_rig)
    one_rig.tick(30)
    one_rig.press("accept")
    assert one_rig.candidate().start_s == SPANS[3][0] + 3.0
    assert not one_rig.sent(m.Revise)


def test_items_moved_and_moved_back(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.track.items[0].move(3.0)
    one_rig.tick(6)
    one_rig.track.items[0].move(0.0)
    one_rig.tick(6)
    assert one_rig.candidate().start_s == SPANS[1][0]
    one_rig.press("accept")
    one_rig.press("convert", 6)
    assert one_rig.reaper.dialogs == []
    assert one_rig.accepted() == [0.5, 2.0, 4.0]
    assert session.state.accepted == 2


def test_regions_that_reaper_moved_along_are_no_dragged_edges(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    one_rig.project.insert_time(0.0, 2.5)  # items, regions and all
    one_rig.tick(6)
    assert one_rig.accepted() == [3.0, 4.5, 6.5]
    assert one_rig.candidate().start_s == SPANS[2][0] + 2.5
    assert not one_rig.sent(m.Revise)
    one_rig.press("accept")
    assert [one.span.start_s for one in session.state.candidates.values()] == [2.0, 4.0, 6.0, 8.0]
    assert one_rig.reaper.dialogs == []


def test_items_that_change_otherwise_are_told(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.track.items[0].set(D_LENGTH=12.0)
    one_rig.tick(6)
    assert "1 trimmed" in " ".join(one_rig.help())
    before = set(one_rig.daemon.sessions)
    one_rig.project.select_time(0.5, 1.5)
    one_rig.reaper.answer("no")
    one_rig.run("find")
    one_rig.until(lambda: set(one_rig.daemon.sessions) - before)
    assert session.state.accepted == 1
    assert not one_rig.sent(m.Known)


@pytest.mark.parametrize("profile", [{}, {"undo_restores_proj_ext_state": True}])
def test_another_project_in_the_tab_with_the_same_track(make_song: Any, profile: dict[str, Any]) -> None:
    """An older save of the same project: its tracks have the same GUIDs, its session another text."""
    rig = make_song(profile)
    session = rig.find()
    rig.press("accept")
    rig.project.save(rig.folder / "song.rpp")
    rig.tick(3)
    rig.press("accept")
    rig.reaper.answer("yes")
    rig.reaper.open(rig.folder / "song.rpp", same_tab=True)
    rig.tick(40)
    assert "1 answer that this project does not have" in rig.reaper.dialogs[0].text
    assert session.state.accepted == 2
    assert rig.accepted() == [0.5, 2.0, 4.0]


@pytest.fixture
def make_song(tmp_path: Path) -> Any:
    made: list[Rig] = []

    def make(profile: dict[str, Any]) -> Rig:
        made.append(Rig(tmp_path, profile=profile))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.mark.parametrize("record", ["item", "left", "1;", "{", "strayed"])
@pytest.mark.parametrize("value", ["", "nan", "1e999", "-1e999"])
def test_a_number_that_is_none_comes_from_the_journal(one_rig: Rig, record: str, value: str) -> None:
    """A program that changed what the project keeps, and cannot have made the seal fit."""
    session = one_rig.find()
    for verb in ("accept", "accept", "reject"):
        one_rig.press(verb)
    one_rig.track.items[0].move(0.25)  # the regions stay: they are off their sound from here on
    one_rig.tick(5)
    one_rig.press("accept", 8)
    names, accepted = one_rig.names(), one_rig.accepted()
    path = one_rig.folder / "song.rpp"
    one_rig.project.save(path)
    one_rig.tick(3)
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    stored = next(v for k, v in one_rig.project.model.ext_state.items() if k.upper() == "REATRIEVE")
    key = next(key for key in stored if key.upper().startswith("SESSION_"))
    lines = stored[key].split("\n")
    if record == "strayed":
        lines.insert(1, "strayed;1")
    at = next(k for k, line in enumerate(lines) if line.startswith(record))
    fields = lines[at].split(";")
    fields[{"item": 3, "left": 2, "1;": 4, "{": 6, "strayed": 1}[record]] = value
    lines[at] = ";".join(fields)
    stored[key] = "\n".join(lines)
    one_rig.project.save(path)
    one_rig.project.close()
    one_rig.tick(3)
    one_rig.reaper.open(path)
    one_rig.reaper.run("ReaTrieve_Client.lua")
    one_rig.reaper.unfocus()
    one_rig.tick(40)
    assert any("had lost a part of it" in line for line in one_rig.help())
    assert one_rig.reaper.dialogs == []
    if record == "item":
        assert (one_rig.names(), one_rig.accepted()) == (names, accepted)
    one_rig.press("skip", 8)
    assert len(set(one_rig.names())) == len(one_rig.names())
    assert session.state.accepted == 3
