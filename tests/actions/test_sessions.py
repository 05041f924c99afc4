"""Finish, clear, accept the rest, rename, several sounds, conversion and export."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_daemon import vars_of
from rig import ACTIONS, REDO, SPANS, UNDO, Rig

from reatrieve.bridge import messages as m
from reatrieve.headless import scripts_folder


def test_finish_keeps_accepted_and_removes_what_is_left(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("finish")
    assert rig.names() == ["Sound 1-0", "Sound 1-1"]
    assert session.state.finished
    assert "finished" in rig.line()
    rig.reaper.run(UNDO)
    rig.tick(4)
    assert rig.candidate().start_s == SPANS[1][0]
    assert not session.state.finished
    assert session.state.budget == 10
    rig.reaper.run(REDO)
    rig.tick(4)
    assert session.state.finished
    rig.reaper.run(UNDO)
    rig.tick(4)
    rig.press("accept")
    assert session.state.accepted == 2
    rig.press("finish")
    rig.press("continue")
    assert rig.candidate().start_s == SPANS[2][0]
    rig.press("accept")
    assert session.state.accepted == 3


def test_a_finish_that_removes_nothing_is_no_undo_step(rig: Rig) -> None:
    rig.set(budget="1")
    session = rig.find()
    rig.press("reject")
    points = rig.history()
    rig.press("finish")
    assert session.state.finished
    assert "finished" in rig.line()
    assert rig.history() == points
    rig.reaper.run(UNDO)  # takes back the answer
    rig.tick(4)
    assert session.state.current == 1
    assert not session.state.finished
    rig.reaper.run(REDO)  # and gives it back as it stood
    rig.tick(4)
    assert session.state.finished
    assert "finished" in rig.line()
    rig.press("continue")
    assert rig.candidate().start_s == SPANS[1][0]
    assert session.state.budget == 11


def test_accept_all_shows_the_list_first(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.reaper.answer("no")
    rig.press("accept_rest")
    assert session.state.accepted == 1
    text = rig.reaper.dialogs[0].text
    assert text.startswith("Accept all 3 at or above 93 %?")
    assert "3.1.00 / 0:04.000   93 %" in text  # as the ruler shows it
    rig.reaper.answer("yes")
    points = len(rig.project.model.history.texts)
    rig.press("accept_rest", 6)
    assert session.state.accepted == 4
    assert rig.accepted() == [0.5, 2.0, 4.0, 6.0, 8.0]
    assert rig.candidate().start_s == 10.0
    assert len(rig.project.model.history.texts) == points + 1
    rig.reaper.run(UNDO)
    rig.tick(4)
    assert session.state.current == 2
    assert rig.accepted() == [0.5, 2.0]
    rig.reaper.run(REDO)
    rig.tick(6)
    assert session.state.accepted == 4
    rig.press("undo")
    assert session.state.current == 2


@pytest.mark.parametrize("endless", [m.Rest, m.AcceptRest])
def test_finish_stops_collecting_that_takes_long(rig: Rig, endless: type[m.Command]) -> None:
    session = rig.find()
    rig.press("accept")
    before = rig.names()
    rig.daemon.endless = (endless,)
    rig.reaper.answer("yes")
    rig.press("accept_rest")
    rig.press("finish")
    assert len(rig.sent(m.Cancel)) == 1
    assert session.state.over is None
    assert rig.names() == before
    rig.press("accept")  # the keys answer again
    assert session.state.accepted == 2
    rig.press("finish")
    assert session.state.over == "finished"
    rig.reaper.dialogs.clear()


def test_accept_all_offers_to_ask_where_it_is_not_clear(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.daemon.clear = False
    rig.reaper.answer("no")
    before = rig.candidate()
    rig.press("accept_rest", 6)
    dialog = rig.reaper.dialogs[-1]
    assert "not clear yet where they end" in dialog.text
    assert len(rig.sent(m.Decide)) == 1
    assert rig.candidate().guid == before.guid  # the region of the open candidate moved
    assert rig.candidate().start_s == SPANS[-1][0]
    assert "accept, reject or skip?" in rig.line()
    rig.press("reject")
    assert session.state.candidates[2].state == "rejected"
    assert session.state.candidates[2].span.start_s == SPANS[-1][0]
    rig.daemon.push(session.find.session, m.Note(session.find.session, "rest-clear", "the rest is clear"))
    rig.tick(3)
    rig.daemon.clear = True
    rig.reaper.answer("no")
    rig.press("accept_rest")
    assert rig.sent(m.Rest)[-1].above == 0.6


def test_clear_removes_everything_not_accepted(rig: Rig) -> None:
    rig.set(keep_rejected="yes")
    session = rig.find()
    for verb in ("reject", "accept"):
        rig.press(verb)
    rig.press("clear")
    assert rig.names() == ["Sound 1-0", "Sound 1-2"]
    assert session.state.current == 3
    rig.press("accept")  # shows it again, answers nothing
    assert session.state.current == 3
    assert rig.candidate().start_s == SPANS[2][0]
    rig.press("accept")
    assert session.state.accepted == 2


def test_rename(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.reaper.answer(["! Big, riser"])
    rig.press("rename")
    assert rig.names() == ["Big, riser 0", "Big, riser 1", "? Big, riser 2 (93 %)"]
    assert session.state.label == "Big, riser"
    rig.reaper.run(UNDO)
    rig.tick(3)
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert session.state.label == "Sound 1"


@pytest.mark.parametrize("text", ["x" * 513, "é" * 300, "a" + "漢" * 200, "a" * 511 + " é"])
def test_a_name_is_cut_to_what_the_daemon_takes(one_rig: Rig, text: str) -> None:
    session = one_rig.find()
    one_rig.reaper.answer([text])
    one_rig.press("rename")
    label = session.state.label
    assert text.startswith(label)
    assert 512 - 3 <= len(label.encode()) <= 512
    assert one_rig.names()[0] == f"{label} 0"


def test_a_new_find_pauses_the_old_and_next_returns_to_it(rig: Rig) -> None:
    first = rig.find()
    rig.press("accept")
    rig.daemon.spans = [type(span)(span.start_s + 0.3, span.end_s + 0.3) for span in rig.daemon.spans]
    second = rig.find(12.0, 13.0)
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 2-1 (96 %)", "Sound 2-0"]
    assert first.state.current == 2
    colors = {region.name[:7]: region.color for region in rig.project.regions if region.name[0] != "?"}
    assert len(set(colors.values())) == 2
    rig.press("accept")
    assert second.state.accepted == 1
    assert first.state.accepted == 1
    rig.press("next")
    assert "? Sound 1-2 (93 %)" in rig.names()
    assert len([name for name in rig.names() if name.startswith("?")]) == 1
    rig.press("accept")
    assert first.state.accepted == 2
    rig.reaper.run(UNDO)  # the answer
    rig.reaper.run(UNDO)  # the switch
    rig.tick(4)
    assert "? Sound 2-2 (93 %)" in rig.names()
    rig.press("reject")
    assert second.state.rejections == 1


def test_undoing_a_second_find_brings_back_the_first(one_rig: Rig) -> None:
    first = one_rig.find()
    one_rig.find(12.0, 13.0)
    one_rig.reaper.run(UNDO)
    one_rig.tick(4)
    assert one_rig.names() == ["Sound 1-0", "? Sound 1-1 (96 %)"]
    one_rig.press("accept")
    assert first.state.accepted == 1


def test_tabs_keep_their_sessions_apart(rig: Rig) -> None:
    first = rig.find()
    home = rig.project
    other = rig.reaper.new_project()
    track = other.add_track("b")
    track.add_item(rig.audio)
    rig.tick(3)
    rig.press("accept")
    assert "no search is open in this project" in rig.line()
    assert first.state.answers == 0
    second = rig.find(5.0, 6.0)
    rig.press("reject")
    assert second.state.rejections == 1
    home.activate()
    rig.tick(2)
    rig.press("accept")
    assert first.state.accepted == 1
    assert [region.name for region in other.regions] == ["? Sound 1-2 (93 %)", "Sound 1-0"]


def test_the_answer_that_comes_late_goes_to_its_own_project(one_rig: Rig) -> None:
    session = one_rig.find()
    home = one_rig.project
    one_rig.candidate().move(2.2, 3.2)
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.reaper.new_project()
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(5)
    assert session.state.accepted == 1
    assert [region.name for region in home.regions] == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert one_rig.project.regions == []


def test_a_closed_tab_pauses_its_session(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.project.model.dirty = False
    one_rig.reaper.new_project()
    one_rig.tick(2)
    one_rig.reaper.projects[0].close()
    one_rig.tick(5)
    assert session.state.answers == 0
    one_rig.press("accept")
    assert session.state.answers == 0


def test_a_controller_acts_like_the_key(rig: Rig) -> None:
    session = rig.find()
    for verb in ("accept", "reject", "skip", "undo"):
        rig.daemon.push(session.find.session, m.Verb(session.find.session, verb))
        rig.tick(4)
    assert [one.state for one in session.state.candidates.values()] == ["accepted", "rejected", "candidate"]
    rig.candidate().move(6.1, 7.2)
    rig.daemon.push(session.find.session, m.Verb(session.find.session, "accept"))
    rig.tick(4)
    assert session.state.candidates[3].span.start_s == 6.1  # the dragged edges


def test_convert_to_sync_markers_in_one_step_and_not_twice(every_rig: Rig) -> None:
    every_rig.find()
    every_rig.press("accept")
    every_rig.press("accept")
    points = len(every_rig.project.model.history.texts)
    every_rig.press("convert")
    assert [(marker.name, marker.start_s) for marker in every_rig.project.markers] == [
        ("Sound 1_01", 0.5), ("Sound 1_02", 2.0), ("Sound 1_03", 4.0),
    ]  # fmt: skip
    assert len(every_rig.project.model.history.texts) == points + 1
    lanes = {marker.lane for marker in every_rig.project.markers}
    assert (2 in lanes) == (every_rig.version == "7.80")  # a lane of their own
    every_rig.press("convert")
    assert len(every_rig.project.markers) == 3
    every_rig.region("Sound 1-1").move(2.5, 3.5)
    every_rig.region("Sound 1-2").delete()
    every_rig.tick(3)
    every_rig.press("convert")
    assert [marker.start_s for marker in every_rig.project.markers] == [0.5, 2.5]
    every_rig.reaper.run(UNDO)
    every_rig.tick()
    assert [marker.start_s for marker in every_rig.project.markers] == [0.5, 2.0, 4.0]
    every_rig.reaper.run(REDO)
    every_rig.press("convert")
    assert [marker.start_s for marker in every_rig.project.markers] == [0.5, 2.5]


def test_markers_by_template_at_both_ends(one_rig: Rig) -> None:
    one_rig.set(marker_at="both", marker_template="{pattern}-{number:3}{end}")
    one_rig.find()
    one_rig.press("accept")
    one_rig.press("convert")
    assert [(marker.name, marker.start_s) for marker in one_rig.project.markers] == [
        ("Sound 1-000", 0.5), ("Sound 1-000_end", 1.5), ("Sound 1-001", 2.0), ("Sound 1-001_end", 3.0),
    ]  # fmt: skip


def test_anchors_come_from_the_daemon(one_rig: Rig) -> None:
    one_rig.set(anchor="onset", nudge_ms="5")
    one_rig.find()
    one_rig.press("accept")
    one_rig.press("convert")
    assert [marker.start_s for marker in one_rig.project.markers] == pytest.approx([0.525, 2.025])


def test_anchors_snap_to_the_grid_of_now(one_rig: Rig) -> None:
    one_rig.set(snap="2")
    one_rig.find()
    assert one_rig.daemon.tempo[0].bpm == 120.0
    one_rig.project.set_tempo(90.0)
    one_rig.press("convert")
    assert one_rig.daemon.tempo[0].bpm == 90.0
    assert one_rig.sent(m.Anchors)[0].snap == 2


def test_convert_needs_no_daemon(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    one_rig.daemon.crash()
    one_rig.run("convert")
    one_rig.reaper.tick(2)
    assert len(one_rig.project.markers) == 2


def test_export_asks_and_names_what_was_written(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    rig.reaper.answer([str(rig.folder / "sync, out"), "json,wav", "track", "", "0", "no"])
    rig.press("export", 6)
    sent = rig.sent(m.Export)[0]
    assert (sent.folder, sent.targets, sent.audio, sent.force) == (
        str(rig.folder / "sync, out"),
        "json,wav",
        "track",
        0,
    )
    assert "2 files" in rig.line()
    assert rig.line().endswith("x.sync.json, x.sync.wav. Note: labels were folded")
    assert rig.daemon.tempo


def test_export_offers_the_last_render(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    render = rig.folder / "audio" / "Mix, letzte.wav"
    render.write_bytes(rig.audio.read_bytes())
    info = rig.project.model
    info.info_text["RENDER_TARGETS"] = f"{render};{rig.folder / 'second.wav'}"
    info.info.update(RENDER_BOUNDSFLAG=0.0, RENDER_STARTPOS=1.25)
    rig.reaper.answer(True)
    rig.press("export", 6)
    sent = rig.sent(m.Export)[0]
    assert (sent.audio_path, sent.audio_start_s) == (str(render), 1.25)


def test_export_offers_no_render_that_is_gone(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    one_rig.project.model.info_text["RENDER_TARGETS"] = str(one_rig.folder / "gone.wav")
    one_rig.reaper.answer(True)
    one_rig.press("export", 6)
    assert (one_rig.sent(m.Export)[0].audio_path, one_rig.sent(m.Export)[0].audio_start_s) == ("", 0.0)


def test_export_remembers_its_choices_with_the_project(one_rig: Rig) -> None:
    render, newer = one_rig.folder / "mine.wav", one_rig.folder / "newer.wav"
    for path in (render, newer):
        path.write_bytes(one_rig.audio.read_bytes())
    one_rig.find()
    one_rig.reaper.answer([str(one_rig.folder / "first"), "json", "render", str(render), "1.25", "no"])
    one_rig.press("export", 6)
    one_rig.project.model.info_text["RENDER_TARGETS"] = str(newer)
    one_rig.reaper.answer(True)
    one_rig.press("export", 6)
    assert [(one.folder, one.audio_path, one.audio_start_s) for one in one_rig.sent(m.Export)] == [
        (str(one_rig.folder / "first"), str(render), 1.25)
    ] * 2
    other = one_rig.reaper.new_project()
    other.add_track("music").add_item(one_rig.audio)
    one_rig.find()
    one_rig.reaper.answer(True)
    one_rig.press("export", 6)
    sent = one_rig.sent(m.Export)[2]
    assert (sent.targets, sent.audio) == ("json", "render")
    assert sent.folder != str(one_rig.folder / "first")
    assert sent.audio_path == ""


def test_settings_are_switched_chosen_and_asked_for_singly(rig: Rig) -> None:
    rig.find()

    def choose(*answers: Any) -> None:
        rig.reaper.answer(*answers)
        rig.press("settings")

    choose("Rejections allowed: 10 ...", ["3"])
    assert rig.line() == "Rejections allowed: 3"
    assert rig.reaper.ext_state("ReaTrieve", "budget") == "3"
    choose("Rejections allowed: 3 ...", ["many"])
    assert "not changed: Rejections allowed" in rig.line()
    assert rig.reaper.ext_state("ReaTrieve", "budget") == "3"
    choose("Lead-in when playing: 0 s ...", ["0,5"])
    assert rig.reaper.ext_state("ReaTrieve", "lead_in_s") == "0.5"
    choose("Marker name: {pattern}_{n:2} ...", None)
    assert rig.reaper.ext_state("ReaTrieve", "marker_template") == ""
    choose("   spool")
    assert rig.reaper.ext_state("ReaTrieve", "carrier") == "spool"
    choose("Solo while playing")
    assert rig.reaper.ext_state("ReaTrieve", "solo") == "yes"
    choose("Solo while playing")
    assert rig.reaper.ext_state("ReaTrieve", "solo") == ""
    assert rig.reaper.windows == ["ReaTrieve"]
    assert rig.reaper.keys_go_to == "arrange"


@pytest.mark.parametrize(
    ("verb", "key", "value"), [("loop", "loop", "yes"), ("solo", "solo", "yes"), ("lead_in", "lead_in_s", "1")]
)
def test_what_an_action_switches_is_lit_on_a_toolbar(one_rig: Rig, verb: str, key: str, value: str) -> None:
    action = one_rig.reaper.action(ACTIONS[verb])
    one_rig.find()
    one_rig.press(verb)
    assert (one_rig.reaper.ext_state("ReaTrieve", key), action.toggle) == (value, 1)
    one_rig.press(verb)
    assert (one_rig.reaper.ext_state("ReaTrieve", key), action.toggle) == ("", 0)
    one_rig.press(verb, 40)
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    action.toggle = -1  # as after a new start of REAPER
    one_rig.press("skip")
    assert action.toggle == 1


def test_the_window_does_not_take_the_keys(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("window")
    picture = one_rig.reaper.gfx_picture()
    assert len(picture.convert("RGB").getcolors(100_000)) > 4
    one_rig.reaper.unfocus()
    one_rig.press("accept")
    assert session.state.accepted == 1
    one_rig.reaper.focus()
    one_rig.reaper.press("r")
    one_rig.tick(4)
    assert session.state.rejections == 1
    one_rig.find(12.0, 13.0)
    one_rig.tick(2)
    before = one_rig.candidate().name
    one_rig.reaper.resize_window(800, 300)
    one_rig.tick(2)
    one_rig.reaper.mouse(660, 40, buttons=1)  # the first sound in the list
    one_rig.tick(2)
    one_rig.reaper.mouse(660, 40)
    one_rig.tick(2)
    assert one_rig.candidate().name != before
    one_rig.reaper.close_window()
    one_rig.tick(2)


def test_errors_are_shown_and_the_loop_lives_on(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    shutil.copytree(scripts_folder(), scripts)
    (scripts / "lib" / "view.lua").write_text("return { show = function()\n  error('boom') end }\n", encoding="utf-8")
    with Rig(tmp_path, scripts=scripts) as rig:
        session = rig.find()
        assert any("error at view.lua:2: boom" in line for line in rig.help())
        rig.press("accept")
        rig.press("reject")
        assert session.state.answers == 2
        assert rig.candidate().start_s == SPANS[2][0]
        assert rig.reaper.is_running("ReaTrieve_Client.lua")
        rig.reaper.status.help_history.clear()


def test_a_transition_that_is_not_declared_is_shown_and_changes_nothing(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    shutil.copytree(scripts_folder(), scripts)
    steps = scripts / "lib" / "steps.lua"
    text, n_changed = re.subn(r"(function steps\.play\(.*\)\n)", r"\1  s:cancel()\n", steps.read_text(encoding="utf-8"))
    assert n_changed == 1
    steps.write_text(text, encoding="utf-8")
    with Rig(tmp_path, scripts=scripts) as rig:
        session = rig.find()
        rig.press("play")
        assert re.fullmatch(r"error at session\.lua:\d+: Sound 1: cancel is not possible while ready", rig.line())
        rig.press("accept")
        assert session.state.accepted == 1
        rig.reaper.status.help_history.clear()


def test_that_a_search_is_probably_over_is_said_beside_the_candidate(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.daemon.push(session.find.session, m.Note(session.find.session, "probably-done", "probably done"))
    one_rig.tick(3)
    assert "Sound 1-1 at" in one_rig.line()
    assert "probably nothing else" in one_rig.line()
    one_rig.press("accept")
    assert "probably" not in one_rig.line()
    one_rig.daemon.push(session.find.session, m.Note(session.find.session, "source-changed", "a file has changed"))
    one_rig.tick(3)
    assert one_rig.line() == "Sound 1: a file has changed"


def test_export_writes_all_sounds_into_one_set(one_rig: Rig) -> None:
    first = one_rig.find()
    one_rig.press("accept")
    second = one_rig.find(12.0, 13.0)
    one_rig.reaper.answer([str(one_rig.folder), "all", "source", "", "0", "no"])
    one_rig.press("export", 10)
    sent = one_rig.sent(m.Export)
    assert [(one.session, one.force) for one in sent] == [(first.find.session, 0), (second.find.session, 1)]
    assert "Sound 1, Sound 2" in one_rig.reaper.dialogs[0].title
    assert one_rig.line().startswith("2 files in ")


@pytest.mark.parametrize(
    ("start_s", "place"), [(0.5, "1.2"), (1.999, "1.4.99"), (1.99999999, "2.1"), (0.625, "1.2.25")]
)
def test_marker_names_with_bar_and_beat(one_rig: Rig, start_s: float, place: str) -> None:
    one_rig.project.set_tempo(120.0)
    one_rig.set(marker_template="{label} {bar}.{beat}")
    one_rig.find(start_s, start_s + 1)
    one_rig.press("convert")
    assert [marker.name for marker in one_rig.project.markers] == [f"Sound 1-0 {place}"]


@pytest.mark.parametrize(("first", "then"), [("accept", "reject"), ("reject", "accept")])
def test_another_answer_shows_where_rejected_regions_stay(rig: Rig, first: str, then: str) -> None:
    rig.set(keep_rejected="yes")
    session = rig.find()
    rig.press("accept")
    rig.press(first)
    rig.press("previous")
    rig.press(then, 12)
    assert session.state.candidates[2].state == f"{then}ed"
    name, other = ("x Sound 1-2", "Sound 1-2") if then == "reject" else ("Sound 1-2", "x Sound 1-2")
    assert name in rig.names()
    assert other not in rig.names()
    assert rig.history()[-1] == f"{then.capitalize()} Sound 1-2 after all"
    rig.press("convert", 10)
    assert sorted(marker.start_s for marker in rig.project.markers) == sorted(rig.accepted())
    rig.reaper.run(UNDO)
    rig.reaper.run(UNDO)
    rig.tick(8)
    assert session.state.candidates[2].state == f"{first}ed"
    assert other in rig.names()


def test_a_place_that_another_one_has_now_is_not_accepted_after_all(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.region("Sound 1-1").delete()
    one_rig.tick(6)
    one_rig.candidate().move(2.2, 5.0)
    one_rig.press("accept", 12)
    one_rig.press("previous")
    one_rig.press("previous")
    one_rig.press("accept", 8)
    assert one_rig.line() == "Sound 1-1 lies on Sound 1-2, which is accepted: two places cannot share their time"
    assert session.state.candidates[1].state == "retracted"


def test_a_look_back_ends_with_another_sound_and_with_clear(one_rig: Rig) -> None:
    first = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    one_rig.press("previous")
    second = one_rig.find(16.2, 17.0)
    one_rig.press("next")
    one_rig.press("reject")
    assert first.state.candidates[2].state == "accepted"
    assert first.state.candidates[3].state == "rejected"
    one_rig.press("previous")
    one_rig.press("clear")
    one_rig.press("accept", 8)
    assert first.state.candidates[3].state == "rejected"
    assert second.state.answers == 0


def test_undo_of_going_to_another_sound_names_the_one_that_is_asked_about(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    rig.find(16.2, 17.0)
    rig.press("next")
    rig.press("next")
    assert rig.line().startswith("Sound 2-")
    rig.reaper.run(UNDO)
    rig.tick(6)
    assert rig.candidate().name.startswith("? Sound 1-2")
    assert rig.line().startswith("Sound 1-2 at")


@pytest.mark.parametrize("late", ["answer", "continue", "ask", "the rest"])
def test_a_late_reply_for_a_sound_that_was_left_is_not_shown(one_rig: Rig, late: str) -> None:
    first = one_rig.find()
    second = one_rig.find(16.2, 17.0)
    one_rig.press("next", 8)
    if late == "continue":
        one_rig.press("finish", 8)
    elif late == "the rest":
        one_rig.reaper.answer("yes")
        one_rig.run("accept_rest")
        one_rig.until(lambda: one_rig.reaper.dialogs)
    one_rig.daemon.paused = True
    if late == "answer":
        one_rig.candidate().move(2.1, 3.0)
        one_rig.reaper.tick(3)
        one_rig.run("accept")
    elif late == "continue":
        one_rig.run("continue")
    elif late == "ask":
        one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 10.2\n")
    one_rig.reaper.tick(2)
    one_rig.run("next")
    one_rig.reaper.tick(2)
    one_rig.daemon.paused = False
    one_rig.tick(20)
    assert [name for name in one_rig.names() if name.startswith("? ")] == ["? Sound 2-1 (96 %)"]
    assert one_rig.line().startswith("Sound 2-1 at ")
    one_rig.press("accept", 8)
    assert second.state.accepted == 1
    one_rig.press("next", 8)  # the first one shows what has come
    assert len([name for name in one_rig.names() if name.startswith("? ")]) == 1
    current = first.state.candidates[first.state.current]
    assert one_rig.candidate().name.startswith(f"? Sound 1-{current.number} ")
    assert one_rig.candidate().start_s == current.span.start_s


@pytest.mark.parametrize("to", ["next", "find"])
def test_an_answer_that_waits_shows_no_second_candidate(rig: Rig, to: str) -> None:
    first = rig.find()
    if to == "next":
        rig.find(16.2, 17.0)
        rig.press("next", 8)
    rig.daemon.paused = True
    rig.run("accept")
    rig.reaper.tick(2)
    rig.run("reject")  # must wait: the daemon has not said what follows
    rig.reaper.tick(2)
    rig.project.select_time(16.2, 17.0)
    rig.run(to)
    rig.reaper.tick(2)
    rig.daemon.paused = False
    rig.tick(40)
    assert [name for name in rig.names() if name.startswith("? ")] == ["? Sound 2-1 (96 %)"]
    assert {number: one.state for number, one in first.state.candidates.items()} == {1: "accepted", 2: "candidate"}
    rig.press("next", 8)
    assert [name for name in rig.names() if name.startswith("? ")] == ["? Sound 1-2 (93 %)"]
    rig.press("reject", 8)
    assert first.state.rejections == 1


def test_deleting_the_last_region_of_a_paused_sound_says_that_undo_brings_it_back(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.find(16.2, 17.0)
    one_rig.region("Sound 1-0").delete()
    one_rig.tick(6)
    assert "Sound 1: its last region is deleted; undo brings it back" in one_rig.help()
    one_rig.reaper.run(UNDO)
    one_rig.tick(6)
    assert "Sound 1-0" in one_rig.names()
    one_rig.press("next", 6)
    assert one_rig.candidate().name == "? Sound 1-1 (96 %)"


def test_a_skip_that_is_a_rejection_now_stays_one_through_undo_and_redo(rig: Rig) -> None:
    session = rig.find()
    rig.press("skip")
    rig.press("accept")
    rig.press("accept")
    for _ in range(3):
        rig.press("previous")
    points = rig.history()
    rig.press("reject", 8)
    assert rig.history() == points, "no region shows it"
    for _ in range(2):
        rig.reaper.run(UNDO)
        rig.tick(6)
        assert session.state.rejections == 1
        assert "1 of 10 rejections" in rig.line()
    rig.press("previous", 4)
    assert "was rejected" in rig.line()
    rig.reaper.run(UNDO)  # the answer itself
    rig.tick(6)
    assert session.state.current == 1
    for _ in range(3):
        rig.reaper.run(REDO)
        rig.tick(6)
        assert session.state.candidates[1].state == "rejected"
        assert "1 of 10 rejections" in rig.line()
    assert [one.state for one in session.state.candidates.values()] == ["rejected", "accepted", "accepted", "candidate"]
    assert rig.history() == points


@pytest.mark.parametrize("copy", [False, True])
def test_a_project_opened_twice_says_where_its_search_is_led(rig: Rig, copy: bool) -> None:
    session = rig.find()
    rig.press("accept")
    path = rig.folder / "song.rpp"
    rig.project.save(path)
    rig.tick(3)
    first = rig.project
    if copy:
        shutil.copyfile(path, rig.folder / "copy.rpp")
        path = rig.folder / "copy.rpp"
    rig.reaper.open(path)
    rig.tick(5)
    text = "Sound 1 is open in another project tab: answer it there, or close that tab to go on with it here"
    assert rig.line() == text
    names = rig.names()
    rig.press("accept", 5)
    assert rig.line() == text
    assert rig.names() == names
    assert session.state.accepted == 1
    if copy:  # its journal tells by the path, as on opening it alone
        session.find = m.Find(**{**vars_of(session.find), "project": str(path)})
    first.close()
    rig.tick(20)
    assert "ready to go on" in " ".join(rig.help())
    rig.press("accept", 8)
    assert session.state.accepted == 2
    assert rig.accepted() == [0.5, 2.0, 4.0]
