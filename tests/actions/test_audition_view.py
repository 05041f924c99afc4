"""Sound and view: what is borrowed is given back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_daemon import vars_of
from rig import REDO, SPANS, UNDO, Rig

from reatrieve.headless import scripts_folder


@pytest.fixture
def playing(one_rig: Rig) -> Rig:
    one_rig.find()
    one_rig.project.set_cursor(17.0)
    one_rig.reaper.option("loop_points_linked", False)
    one_rig.project.set_loop_points(9.0, 11.0)
    one_rig.project.select_time(0.5, 1.5)
    one_rig.project.set_repeat(True)
    return one_rig


def _untouched(rig: Rig) -> None:
    assert rig.project.cursor_s == 17.0
    assert rig.project.loop_points == (9.0, 11.0)
    assert rig.project.time_selection == (0.5, 1.5)
    assert rig.project.repeat is True
    assert [track.value("I_SOLO") for track in rig.project.tracks] == [0.0] * len(rig.project.tracks)


def test_a_candidate_is_played_to_its_end(playing: Rig) -> None:
    playing.run("play")
    playing.tick(2)
    assert playing.project.playing
    assert playing.project.play_position_s == pytest.approx(SPANS[0][0], abs=0.1)
    assert playing.project.cursor_s == 17.0
    playing.tick(40)
    assert not playing.project.playing
    _untouched(playing)


def test_lead_in_loop_and_solo(playing: Rig) -> None:
    playing.set(lead_in_s="0.5", loop="yes", solo="yes")
    other = playing.project.add_track("other", select=False)
    playing.run("play")
    playing.tick(2)
    assert playing.project.loop_points == (SPANS[0][0] - 0.5, SPANS[0][1])
    assert playing.track.value("I_SOLO") == 2.0
    assert other.value("I_SOLO") == 0.0
    playing.tick(80)
    assert playing.project.playing
    assert SPANS[0][0] - 0.6 < playing.project.play_position_s < SPANS[0][1] + 0.1
    playing.project.stop()
    playing.tick(12)
    _untouched(playing)


def test_what_the_user_changes_meanwhile_stays(playing: Rig) -> None:
    """Solo and repeat are given back only where they are still what playing made of them."""
    playing.set(loop="yes", solo="yes")
    playing.project.set_repeat(False)
    other = playing.project.add_track("other", select=False)
    third = playing.project.add_track("third", select=False)
    third.set(I_SOLO=1.0)
    playing.run("play")
    playing.tick(4)
    assert playing.project.repeat
    assert [track.value("I_SOLO") for track in (playing.track, other, third)] == [2.0, 0.0, 0.0]
    other.set(I_SOLO=1.0)
    playing.press("play", 2)
    assert [track.value("I_SOLO") for track in (playing.track, other, third)] == [0.0, 1.0, 1.0]
    assert not playing.project.repeat

    playing.run("play")
    playing.tick(4)
    playing.project.set_repeat(False)  # no loop any more: it is played to its end
    playing.project.set_repeat(True)
    playing.project.set_repeat(False)
    playing.tick(60)
    assert not playing.project.playing
    assert not playing.project.repeat
    assert playing.project.loop_points == (9.0, 11.0)


def play_over(rig: Rig) -> float:
    """Play a candidate while the user plays; where the user was."""
    rig.project.set_cursor(12.0)
    rig.project.play()
    rig.tick(10)
    before_s = rig.project.play_position_s
    assert before_s > 12.0
    rig.project.set_cursor(17.0)
    rig.run("play")
    rig.tick(3)
    assert rig.project.play_position_s == pytest.approx(SPANS[0][0], abs=0.15)
    return float(before_s)


def test_after_an_answer_what_the_user_was_playing_stays_silent(playing: Rig) -> None:
    play_over(playing)
    playing.press("accept")
    assert not playing.project.playing
    playing.press("undo")
    playing.tick(3)
    assert not playing.project.playing
    _untouched(playing)


@pytest.mark.parametrize("ended_by", ["its end", "the key"])
def test_what_the_user_was_playing_goes_on(playing: Rig, ended_by: str) -> None:
    before_s = play_over(playing)
    if ended_by == "the key":
        playing.run("play")
        playing.tick(2)
    else:
        playing.tick(30)
    assert playing.project.playing
    assert before_s < playing.project.play_position_s < before_s + 1.2
    _untouched(playing)


@pytest.mark.parametrize("loop", ["no", "yes"])
def test_what_the_user_was_playing_goes_on_after_an_edge_was_moved(playing: Rig, loop: str) -> None:
    """The edge's undo point stops what is heard, and it is played anew."""
    playing.set(loop=loop)
    before_s = play_over(playing)
    for _ in range(2):
        playing.press("end_later", 2)
        assert playing.project.play_position_s == pytest.approx(SPANS[0][0], abs=0.15)
    if loop == "yes":
        playing.run("play")
    else:
        playing.until(lambda: playing.project.play_position_s > SPANS[1][0])
    playing.tick(3)
    assert playing.project.playing
    assert before_s < playing.project.play_position_s < before_s + 1.2
    _untouched(playing)


@pytest.mark.parametrize("point", ["rename", "convert", "items moved"])
def test_what_the_user_was_playing_goes_on_after_an_undo_point_that_asks_nothing(playing: Rig, point: str) -> None:
    before_s = play_over(playing)
    if point == "rename":
        playing.reaper.answer(["Riser"])
        playing.press("rename", 3)
    elif point == "convert":
        playing.press("convert", 3)
    else:
        playing.track.items[0].move(0.5)
        playing.tick(3)
        assert playing.history()[-1] == "Move the candidate with its items"
    assert playing.project.playing
    assert before_s < playing.project.play_position_s < before_s + 1.2
    _untouched(playing)


@pytest.mark.parametrize("loop", ["no", "yes"])
def test_seeking_elsewhere_ends_the_candidate_and_gives_all_back(playing: Rig, loop: str) -> None:
    playing.set(loop=loop, solo="yes")
    playing.press("play", 5)
    assert playing.track.value("I_SOLO") == 2.0
    playing.reaper.host.go_to(playing.project.model, 14.0, move_view=False, seek_play=True)
    playing.tick(3)
    assert playing.project.playing
    assert playing.project.play_position_s > 14.0
    playing.project.set_cursor(17.0)
    _untouched(playing)


def test_a_pause_of_the_users_does_not_become_playing(playing: Rig) -> None:
    playing.project.play()
    playing.tick(5)
    playing.project.pause()
    playing.press("play", 40)
    assert not playing.project.playing
    _untouched(playing)


def test_all_is_given_back_when_playing_fails(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    shutil.copytree(scripts_folder(), scripts)
    path = scripts / "lib" / "audition.lua"
    broken = "reaper.OnPlayButtonEx = function() error('boom') end\n"
    path.write_text(broken + path.read_text(encoding="utf-8"), encoding="utf-8")
    with Rig(tmp_path, scripts=scripts) as rig:
        rig.set(lead_in_s="0.5", loop="yes", solo="yes")
        rig.find()
        rig.project.set_cursor(17.0)
        rig.reaper.option("loop_points_linked", False)
        rig.project.set_loop_points(9.0, 11.0)
        rig.project.select_time(0.5, 1.5)
        rig.project.set_repeat(True)
        rig.press("play")
        assert "boom" in rig.line()
        assert not rig.project.playing
        _untouched(rig)
        rig.press("accept")
        assert rig.candidate().start_s == SPANS[1][0]
        rig.reaper.status.help_history.clear()


@pytest.mark.parametrize("action_known", [True, False])
def test_a_loop_with_linked_loop_points_leaves_the_time_selection(tmp_path: Path, action_known: bool) -> None:
    """Loop points are linked to the time selection in a fresh REAPER. The loop is REAPER's own, so it has no gap."""
    with Rig(tmp_path, profile={"loop_link_action_40621": action_known}) as rig:
        assert rig.reaper.host.preferences["loop_points_linked"]
        rig.set(loop="yes")
        rig.find()
        rig.project.set_cursor(17.0)
        rig.run("play")
        before_s, turns = SPANS[0][0], 0
        for _ in range(80):
            rig.tick()
            if action_known:
                assert rig.project.time_selection == (0.5, 1.5)
            assert rig.project.playing
            assert SPANS[0][0] - 0.01 < rig.project.play_position_s < SPANS[0][1] + 0.01
            turns += rig.project.play_position_s < before_s
            before_s = rig.project.play_position_s
        assert turns == 2
        assert not any("play" in move for move in rig.reaper.unasked_moves)
        rig.press("play", 2)
        assert not rig.project.playing
        assert rig.project.time_selection == rig.project.loop_points == (0.5, 1.5)
        assert rig.reaper.host.preferences["loop_points_linked"]
        assert rig.project.cursor_s == 17.0
        rig.press("accept")
        assert rig.project.time_selection == (0.5, 1.5)


def test_smooth_seek_does_not_delay(playing: Rig) -> None:
    playing.reaper.option("smooth_seek", True)
    playing.project.play()
    playing.tick(2)
    playing.run("play")
    playing.tick(1)
    assert playing.project.play_position_s == pytest.approx(SPANS[0][0], abs=0.1)


def test_given_back_when_the_client_ends(playing: Rig) -> None:
    playing.set(loop="yes", solo="yes")
    playing.run("play")
    playing.tick(2)
    playing.reaper.stop("ReaTrieve_Client.lua")
    _untouched(playing)


def test_each_candidate_is_played_when_it_comes(playing: Rig) -> None:
    playing.set(audition="yes")
    playing.run("accept")
    playing.tick(1)
    assert playing.project.play_position_s == pytest.approx(SPANS[1][0], abs=0.1)
    playing.run("reject")
    playing.tick(2)
    assert playing.project.play_position_s == pytest.approx(SPANS[2][0], abs=0.1)
    playing.reaper.run(UNDO)
    playing.tick(2)
    assert not playing.project.playing
    _untouched(playing)


def test_the_view_moves_only_if_the_candidate_is_out_of_sight(one_rig: Rig) -> None:
    one_rig.project.set_view(0.0, 5.0)
    one_rig.find()
    assert one_rig.project.view == (0.0, 5.0)
    one_rig.press("accept")  # 4 .. 5 is in sight
    assert one_rig.project.view == (0.0, 5.0)
    one_rig.press("accept")  # 6 .. 7 is not
    start_s, end_s = one_rig.project.view
    assert end_s - start_s == pytest.approx(5.0)
    assert start_s < 6.0
    assert end_s > 7.0
    assert one_rig.project.cursor_s == 0.0


def test_it_zooms_only_if_too_small_or_too_large(one_rig: Rig) -> None:
    one_rig.project.set_view(0.0, 200.0, pixels=1000)  # a second is 5 pixels
    one_rig.find()
    start_s, end_s = one_rig.project.view
    assert 1000 / (end_s - start_s) >= 20
    one_rig.project.set_view(4.0, 4.5, pixels=1000)
    one_rig.press("accept")
    start_s, end_s = one_rig.project.view
    assert start_s <= 4.0
    assert end_s >= 5.0


def test_another_tabs_view_stays(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.candidate().move(2.1, 3.1)
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.reaper.tick()
    home = one_rig.project
    home.set_view(0.0, 1.0)
    other = one_rig.reaper.new_project()
    other.set_view(3.0, 7.0)
    one_rig.daemon.paused = False
    one_rig.tick(5)
    assert other.view == (3.0, 7.0)
    assert home.view == (0.0, 1.0)


def test_a_project_closed_while_its_loop_plays_leaves_the_link_as_it_was(rig: Rig) -> None:
    """Linking loop points and time selection is an option of REAPER's, for all projects."""
    rig.set(loop="yes")
    rig.find()
    song = rig.project
    other = rig.reaper.new_project()
    other.select_time(3.0, 4.0)
    rig.tick(3)
    song.activate()
    rig.tick(3)
    rig.run("play")
    rig.tick(3)
    assert not rig.reaper.host.preferences["loop_points_linked"]
    song.close()
    rig.reaper.tick(5)
    assert rig.reaper.host.preferences["loop_points_linked"]
    assert other.time_selection == (3.0, 4.0)


def test_another_project_in_the_tab_keeps_its_own_repeat(one_rig: Rig) -> None:
    other = one_rig.reaper.new_project()
    other.set_repeat(True)
    other.save(one_rig.folder / "other.rpp")
    other.close()
    one_rig.set(loop="yes")
    one_rig.find()
    one_rig.project.save(one_rig.folder / "song.rpp")
    one_rig.run("play")
    one_rig.tick(3)
    one_rig.reaper.open(one_rig.folder / "other.rpp", same_tab=True)
    one_rig.reaper.tick(5)
    assert one_rig.project.repeat
    assert one_rig.reaper.host.preferences["loop_points_linked"]


def test_what_was_saved_while_a_candidate_played_must_be_saved_again(playing: Rig) -> None:
    playing.set(loop="yes", solo="yes")
    playing.run("play")
    playing.tick(3)
    playing.project.save(playing.folder / "song.rpp")
    playing.tick(3)
    playing.press("play", 3)
    _untouched(playing)
    assert playing.project.model.dirty
    playing.set(loop="no", solo="no")
    playing.project.set_repeat(False)
    playing.project.save(playing.folder / "song.rpp")
    playing.tick(3)
    playing.run("play")
    playing.tick(3)
    playing.press("play", 3)
    assert not playing.project.model.dirty, "nothing was borrowed that a file keeps"


def test_an_edge_moved_while_it_loops_is_heard_and_its_undo_gives_back_what_was(playing: Rig) -> None:
    playing.set(loop="yes")
    playing.project.set_repeat(False)
    playing.run("play")
    playing.tick(3)
    playing.press("end_later")
    assert playing.project.playing
    assert playing.project.loop_points == pytest.approx((SPANS[0][0], SPANS[0][1] + 0.01))
    playing.press("accept")
    playing.reaper.run(UNDO)
    playing.reaper.run(UNDO)
    playing.tick(6)
    assert playing.project.loop_points == (9.0, 11.0)
    assert not playing.project.playing


def test_undo_and_redo_of_an_answer_end_a_loop(playing: Rig) -> None:
    playing.set(loop="yes")
    playing.press("accept")
    playing.press("accept")
    playing.run("play")
    playing.tick(3)
    playing.reaper.run(UNDO)
    playing.tick(60)
    assert not playing.project.playing
    playing.run("play")
    playing.tick(3)
    playing.reaper.run(REDO)
    playing.tick(60)
    assert not playing.project.playing
    assert playing.project.loop_points == (9.0, 11.0)


def test_the_key_that_ends_it_does_not_end_a_recording(playing: Rig) -> None:
    playing.project.play()
    playing.tick(3)
    playing.run("play")
    playing.tick(3)
    playing.project.model.transport.recording = True
    playing.run("play")
    playing.tick(3)
    assert playing.project.model.transport.recording


def play_the_end(rig: Rig, start_s: float = 19.0) -> None:
    """Play a candidate that ends with the project, while the user plays what is at 5 s."""
    rig.find(16.2, 17.0)
    rig.project.set_cursor(5.0)
    rig.project.play()
    rig.tick(10)
    rig.candidate().move(start_s, 20.0)
    rig.tick(2)
    rig.run("play")


def test_a_stop_near_the_end_of_the_project_is_a_stop(one_rig: Rig) -> None:
    play_the_end(one_rig)
    one_rig.until(lambda: one_rig.project.play_position_s > 19.7)
    one_rig.project.stop()
    one_rig.tick(20)
    assert not one_rig.project.playing


def another_tab(rig: Rig) -> Any:
    """A second project with the same sound, in front."""
    other = rig.reaper.new_project()
    track = other.add_track("music")
    track.add_item(rig.audio)
    track.select()
    other.set_view(0.0, 20.0)
    rig.tick(3)
    return other


def heard_in_another_tab(rig: Rig, *verbs: str) -> Any:
    """A candidate that loops in one tab, while another one with a search that was led so far is in front: the first."""
    rig.find()
    song = rig.project
    other = another_tab(rig)
    rig.find()
    for verb in verbs:
        rig.press(verb)
    rig.set(loop="yes")
    song.activate()
    rig.tick(2)
    rig.run("play")
    rig.tick(3)
    assert song.playing
    other.activate()
    rig.tick(2)
    return song


@pytest.mark.parametrize("verb", ["accept", "undo", "ask 10", "finish", "clear", "rename", "delete"])
def test_an_answer_in_one_tab_does_not_end_what_is_heard_in_another(one_rig: Rig, verb: str) -> None:
    song = heard_in_another_tab(one_rig, "accept")
    if verb == "delete":
        one_rig.candidate().delete()
    elif verb.startswith("ask"):
        one_rig.reaper.set_ext_state("ReaTrieve", "queue", f"{verb}\n")
    else:
        one_rig.reaper.answer(["Riser"])
        one_rig.run(verb)
    one_rig.tick(6)
    assert song.playing
    one_rig.reaper.host.dialogs.waiting.clear()


@pytest.mark.parametrize("verb", ["accept", "undo"])
def test_nor_does_the_end_of_a_look_at_an_answer(one_rig: Rig, verb: str) -> None:
    song = heard_in_another_tab(one_rig, "accept")
    other = one_rig.project
    one_rig.press("previous")
    assert not song.playing  # one thing is heard at a time
    song.activate()
    one_rig.tick(2)
    one_rig.press("play")  # stops what is heard in the other tab
    one_rig.press("play")
    other.activate()
    one_rig.tick(2)
    assert song.playing
    one_rig.press(verb)
    assert song.playing


def test_nor_does_another_sound(one_rig: Rig) -> None:
    song = heard_in_another_tab(one_rig)
    one_rig.find(16.2, 17.0)
    one_rig.press("next")
    assert song.playing


def test_what_the_user_plays_in_one_tab_goes_on_though_another_was_heard(one_rig: Rig) -> None:
    heard_in_another_tab(one_rig)
    one_rig.project.set_cursor(14.0)
    one_rig.project.play()
    one_rig.tick(5)
    one_rig.set(audition="yes", loop="no")
    one_rig.run("accept")
    one_rig._listening = False  # the answer's candidate is heard in place of what the user played
    one_rig.tick(3)
    assert one_rig.project.play_position_s == pytest.approx(SPANS[1][0], abs=0.2)
    one_rig.tick(40)
    assert one_rig.project.playing
    assert 14.0 < one_rig.project.play_position_s < 16.0


def test_a_late_candidate_does_not_end_what_the_user_plays_though_another_tab_is_heard(one_rig: Rig) -> None:
    song = heard_in_another_tab(one_rig)
    one_rig.set(audition="yes")
    one_rig.candidate().move(2.1, 3.1)
    one_rig.tick(2)
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.project.set_cursor(14.0)
    one_rig.project.play()
    one_rig.reaper.tick(2)
    one_rig.daemon.paused = False
    one_rig.tick(10)
    assert one_rig.candidate().name == "? Sound 1-2 (93 %)"
    assert 14.0 < one_rig.project.play_position_s < 15.0
    assert song.playing


def test_a_paused_candidate_is_not_said_to_stand_in_another_tab(one_rig: Rig) -> None:
    first = one_rig.find()
    one_rig.find(16.2, 17.0)
    one_rig.reaper.new_project()
    one_rig.tick(3)
    told = one_rig.daemon._current(first)
    one_rig.daemon.push(first.find.session, type(told)(**{**vars_of(told), "start_s": told.start_s + 0.01}))
    one_rig.tick(4)
    assert "another project tab" not in " ".join(one_rig.help())


def test_a_search_in_another_tab_does_not_end_what_is_heard(one_rig: Rig) -> None:
    one_rig.set(loop="yes")
    one_rig.find()
    song = one_rig.project
    other = another_tab(one_rig)
    other.select_time(0.5, 1.5)
    one_rig.run("find")
    one_rig.daemon.paused = True
    one_rig.tick(2)
    song.activate()
    one_rig.tick(2)
    one_rig.run("play")
    one_rig.tick(3)
    assert song.playing
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert any(region.name.startswith("? ") for region in other.regions)
    assert song.playing
    assert one_rig.line() == "Sound 1-1 is in another project tab"
    other.activate()
    one_rig.tick(3)
    assert "accept, reject or skip?" in one_rig.line()


def test_a_menu_does_not_make_a_candidate_play_on(playing: Rig) -> None:
    """A dialog stops every script; the candidate has ended when it is closed."""
    playing.run("play")
    playing.tick(3)
    playing.reaper.freeze(4.0)
    playing.tick(3)
    assert not playing.project.playing
    _untouched(playing)


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_what_the_user_was_playing_goes_on_after_the_end_of_the_project(one_rig: Rig, rate: float) -> None:
    play_the_end(one_rig)
    one_rig.project.model.playrate = rate
    one_rig.tick(45 if rate == 1.0 else 14)
    assert one_rig.project.playing
    assert 5.0 < one_rig.project.play_position_s < 8.0


LATE = """
local play, state, cursor_s, since
play, state = reaper.OnPlayButtonEx, reaper.GetPlayStateEx
reaper.OnPlayButtonEx = function(proj) cursor_s, since = reaper.GetCursorPositionEx(proj), reaper.time_precise() end
reaper.GetPlayStateEx = function(proj)
  if since and reaper.time_precise() - since > 0.1 then
    local before_s = reaper.GetCursorPositionEx(proj)
    since, reaper.OnPlayButtonEx = nil, play
    reaper.SetEditCurPos2(proj, cursor_s, false, false)
    play(proj)
    reaper.SetEditCurPos2(proj, before_s, false, false)
  end
  return state(proj)
end
"""


def test_a_very_short_candidate_is_heard_though_playing_begins_late(tmp_path: Path) -> None:
    """As with an audio device that wakes up slowly."""
    scripts = tmp_path / "scripts"
    shutil.copytree(scripts_folder(), scripts)
    path = scripts / "lib" / "audition.lua"
    path.write_text(LATE + path.read_text(encoding="utf-8"), encoding="utf-8")
    with Rig(tmp_path, scripts=scripts) as rig:
        play_the_end(rig, 19.96)
        rig.until(lambda: rig.project.play_position_s >= 19.96, 10)
        rig.tick(10)
        assert rig.project.playing
        assert 5.0 < rig.project.play_position_s < 8.0


@pytest.mark.parametrize("verb", ["next", "find", "continue"])
def test_a_loop_ends_with_its_question(one_rig: Rig, verb: str) -> None:
    one_rig.set(loop="yes")
    one_rig.find()
    if verb == "next":
        one_rig.find(16.2, 17.0)
    if verb == "continue":
        one_rig.press("accept")
        one_rig.press("previous")  # which plays it
    else:
        one_rig.run("play")
    one_rig.tick(3)
    assert one_rig.project.playing
    if verb == "find":
        one_rig.find(16.2, 17.0)
    else:
        one_rig.press(verb)
    assert not one_rig.project.playing


def test_a_recording_that_begins_with_the_answer_goes_on(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.run("play")
    one_rig.tick(3)
    one_rig.project.model.transport.recording = True
    one_rig.run("accept")
    one_rig.tick(3)
    assert one_rig.project.model.transport.recording
