"""Ext state, profiles of assumptions, time selection and loop points, view, play position, tempo."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from reatrieve.errors import InputError
from reatrieve.headless import Assumptions, Reaper, scripts_folder
from reatrieve.headless.profile import load_assumptions

DOCS = Path(__file__).parents[2] / "docs" / "assumptions.md"


def test_ext_state_is_shared_persistent_values_outlive_reaper(make_host, tmp_path):
    home = tmp_path / "résumé home"
    host = make_host(home=home)
    host.lua("""
        reaper.SetExtState("S", "kept", "ü = [x]", true)
        reaper.SetExtState("S", "lost", "1", false)
        assert(reaper.HasExtState("s", "KEPT") and not reaper.HasExtState("S", "none"))
        assert(reaper.GetExtState("S", "none") == "")
        reaper.SetExtState("S", "gone", "1", true)
        reaper.DeleteExtState("S", "gone", true)""")
    again = make_host(home=home)
    assert again.value(
        'reaper.GetExtState("S", "kept"), reaper.GetExtState("S", "lost"), reaper.HasExtState("S", "gone")'
    ) == ("ü = [x]  false")


def test_ext_state_may_reach_the_file_only_at_the_end(make_host, tmp_path):
    host = make_host(home=tmp_path / "home", profile={"ext_state_persists_at_once": False})
    host.lua('reaper.SetExtState("S", "k", "v", true)')
    assert not (tmp_path / "home" / "reaper-extstate.ini").exists()
    host.reaper.close()
    assert "k=v" in (tmp_path / "home" / "reaper-extstate.ini").read_text(encoding="utf-8")


@pytest.mark.parametrize(("version", "kept"), [("7.39", "two"), ("7.40", "twolines=1")])
def test_a_newline_in_a_persistent_value_breaks_the_file_until_7_39(make_host, tmp_path, version, kept):
    host = make_host(version, home=tmp_path / "home")
    host.lua('reaper.SetExtState("S", "k", "two\\nlines=1", true)')
    assert host.reaper.ext_state("S", "k") == "two\nlines=1"
    assert "has newlines" in host.reaper.misuse[0]
    again = make_host(version, home=tmp_path / "home")
    assert again.reaper.ext_state("S", "k") == kept
    assert again.reaper.ext_state("S", "lines") == ("1" if version == "7.39" else "")


@pytest.mark.parametrize(("colors", "last"), [("bgr", 62), ("rgb", 69)])
def test_windows_reads_no_more_than_64_kb_of_a_section(make_host, tmp_path, colors, last):
    host = make_host(home=tmp_path / "home", colors=colors)
    host.lua("""
        for i = 0, 69 do reaper.SetExtState("S", ("%04d"):format(i), ("x"):rep(1018), true) end
        reaper.SetExtState("T", "k", "v", true)""")
    again = make_host(home=tmp_path / "home", colors=colors)
    there = [i for i in range(70) if again.reaper.ext_state("S", f"{i:04d}")]
    assert (there[-1], again.reaper.ext_state("T", "k")) == (last, "v")


def test_project_ext_state_is_upper_cased_and_makes_the_project_dirty(host):
    host.lua("""
        assert(reaper.SetProjExtState(0, "ReaTrieve", "key", "värde") == 6)
        local found, value = reaper.GetProjExtState(0, "REATRIEVE", "KEY")
        assert(found == 1 and value == "värde")
        assert(reaper.GetProjExtState(0, "reatrieve", "none") == 0)
        local more, key, text = reaper.EnumProjExtState(0, "reatrieve", 0)
        assert(more and key == "KEY" and text == "värde" and not reaper.EnumProjExtState(0, "reatrieve", 1))
        reaper.SetProjExtState(0, "reatrieve", "key", "")
        assert(reaper.GetProjExtState(0, "reatrieve", "key") == 0)
        reaper.SetProjExtState(0, "reatrieve", "a", "1") reaper.SetProjExtState(0, "reatrieve", "", "")
        assert(not reaper.EnumProjExtState(0, "reatrieve", 0))
        reaper.defer(function() end)""")
    assert host.reaper.project.dirty


def test_time_selection_and_loop_points_may_be_linked(make_host):
    for linked in (False, True):
        host = make_host(profile={"loop_points_linked": linked})
        project = host.reaper.project
        project.select_time(1, 2)
        host.lua("""
            local s, e = reaper.GetSet_LoopTimeRange2(0, false, false, 0, 0, false)
            assert(s == 1 and e == 2)
            reaper.GetSet_LoopTimeRange2(0, true, true, 5, 6, false)""")
        assert project.loop_points == (5, 6)
        assert project.time_selection == ((5, 6) if linked else (1, 2))
        assert host.value("reaper.GetToggleCommandState(40621)") == str(int(linked))
        host.lua(f"reaper.Main_OnCommand({40750 if linked else 40749}, 0)")
        assert host.value("reaper.GetToggleCommandState(40621)") == str(int(not linked))
        host.lua("reaper.Main_OnCommand(40621, 0) reaper.Main_OnCommand(40621, 0)")
        host.reaper.run(40020)
        project.select_time(7, 8)
        assert project.loop_points == ((0, 0) if linked else (7, 8))


def test_the_arrange_view_scrolls_and_zooms(host):
    project = host.reaper.project
    project.set_view(10, 20, pixels=1000)
    assert host.value("reaper.GetSet_ArrangeView2(0, false, 0, 0)") == "10.0 20.0"
    assert host.value("reaper.GetSet_ArrangeView2(0, false, 100, 200)") == "11.0 12.0"
    assert host.value("reaper.GetHZoomLevel()") == "100.0"
    host.lua("reaper.GetSet_ArrangeView2(0, true, 0, 0, 30, 50)")
    assert project.view == (30, 50)
    host.lua("reaper.SetEditCurPos2(0, 100, false, false)")
    assert (project.view, project.cursor_s) == ((30, 50), 100)
    host.lua("reaper.SetEditCurPos2(0, 100, true, false)")
    assert project.view == (90, 110)


def test_playing_moves_with_time_loops_and_stops(make_host):
    host = make_host(tick_hz=10.0)
    project = host.reaper.project
    project.add_track("a").add_midi(0, 20)
    project.set_cursor(1)
    host.lua("assert(reaper.GetPlayState() == 0 and reaper.GetPlayPosition() == 1) reaper.OnPlayButton()")
    host.reaper.tick(5)
    assert project.play_position_s == pytest.approx(1.5)
    assert host.value("reaper.GetPlayStateEx(0)") == "1"  # a tick more
    project.set_loop_points(1.5, 2)
    project.set_repeat(True)
    host.reaper.tick(8)
    assert project.play_position_s == pytest.approx(1.5 + (0.9 % 0.5))
    project.set_repeat(False)
    host.lua("reaper.SetEditCurPos2(0, 4, false, true)")
    assert project.play_position_s == pytest.approx(4)
    host.lua("reaper.OnPauseButton()")
    host.reaper.tick(3)
    assert project.play_position_s == pytest.approx(4)
    host.lua("reaper.OnStopButtonEx(0)")
    assert (project.playing, project.play_position_s) == (False, 4)
    assert host.value("reaper.GetSetRepeat(-1), reaper.GetSetRepeat(1), reaper.GetSetRepeat(2)") == "0 1 0"


def test_playing_stops_where_it_crosses_the_end_of_the_project(make_host):
    host = make_host(tick_hz=10.0)
    project = host.reaper.project
    project.add_track("a").add_midi(0, 2)
    project.set_cursor(1.5)
    project.play()
    host.reaper.tick(4)
    assert project.playing
    host.reaper.tick(2)
    assert not project.playing
    project.set_cursor(5)
    project.play()
    host.reaper.tick(20)
    assert project.playing


def test_a_seek_waits_for_the_measure_when_smooth_seek_is_on(make_host):
    host = make_host(tick_hz=10.0)
    host.reaper.option("smooth_seek", True)
    project = host.reaper.project
    project.add_track("a").add_midi(0, 60)
    project.play()
    host.reaper.tick(5)
    host.lua("reaper.SetEditCurPos2(0, 20, false, true)")
    assert host.value("select(2, reaper.get_config_var_string('smoothseek'))") == "1"
    assert project.play_position_s == pytest.approx(0.6)
    host.reaper.tick(16)
    assert project.play_position_s == pytest.approx(20.2)  # measures of 2 s
    project.stop()
    project.set_cursor(3)
    project.play()
    assert project.play_position_s == pytest.approx(3)


def test_regions_are_gone_to_by_number_or_order(make_host):
    host = make_host()
    project = host.reaper.project
    project.add_region(5, 6)
    project.add_region(1, 2)
    host.lua("reaper.GoToRegion(0, 1, false)")
    assert project.cursor_s == 5
    host.lua("reaper.GoToRegion(0, 1, true) reaper.GoToRegion(0, 9, true) reaper.GoToMarker(0, 1, true)")
    assert project.cursor_s == 1


MOVES = """
    local wait, what = 0, function() {what} end
    local function loop()
      wait = wait + 1
      if wait == {ticks} then what() else reaper.defer(loop) end
    end
    loop()"""


@pytest.mark.parametrize(
    ("what", "moved"),
    [
        ("reaper.OnPlayButton()", "play"),
        ("reaper.GetSet_ArrangeView2(0, true, 0, 0, 3, 4)", "view"),
        ("reaper.SetEditCurPos2(0, 500, true, false)", "view"),
        ("reaper.Main_OnCommand(40295, 0)", "view"),
        ("reaper.OnStopButton()", ""),
        ("reaper.SetEditCurPos2(0, 500, false, true)", ""),
        ("reaper.GetSet_ArrangeView2(0, true, 0, 0, 0, 60)", ""),
    ],
)
def test_what_moves_without_a_key_of_the_users_is_noted(make_host, what, moved):
    host = make_host()
    host.reaper.run(host.write(MOVES.format(what=what, ticks=2)))
    host.reaper.tick(4)
    assert host.reaper.unasked_moves == []
    host.reaper.project.stop()
    host.reaper.project.set_view(0, 60)
    host.reaper.run(host.write(MOVES.format(what=what, ticks=3), "late.lua"))
    host.reaper.tick(4)
    wanted = [f"late.lua: {moved}, 2 ticks after the user's last key"] if moved else []
    assert host.reaper.unasked_moves == wanted


def test_stopping_and_seeking_what_plays_is_noted_too(make_host):
    host = make_host()
    project = host.reaper.project
    project.add_track("a").add_midi(0, 100)
    project.play()
    host.reaper.run(host.write(MOVES.format(what="reaper.SetEditCurPos2(0, 9, false, true)", ticks=3), "seek.lua"))
    host.reaper.tick(4)
    host.reaper.run(host.write(MOVES.format(what="reaper.OnStopButton()", ticks=3), "stop.lua"))
    host.reaper.tick(4)
    assert [text.split(",")[0] for text in host.reaper.unasked_moves] == ["seek.lua: seek", "stop.lua: stop"]
    project.play()
    project.set_view(1, 2)
    assert len(host.reaper.unasked_moves) == 2  # the user may


def test_the_tempo_map_knows_beats_measures_and_ramps(host):
    project = host.reaper.project
    project.set_tempo(120, 3, 4)
    assert host.value("reaper.TimeMap_GetTimeSigAtTime(0, 0)") == "3 4 120.0"
    assert host.value("reaper.TimeMap2_timeToBeats(0, 2)") == "1.0 1 3 4.0 4"
    assert host.value("reaper.TimeMap_GetMeasureInfo(0, 2)") == "3.0 6.0 9.0 3 4 120.0"
    project.add_tempo(3, 60, 6, 8)
    assert host.value("reaper.TimeMap2_timeToBeats(0, 4.5)") == "3.0 2 6 7.5 8"
    assert host.value("reaper.TimeMap2_beatsToTime(0, 3, 2)") == "4.5"
    assert host.value("reaper.TimeMap2_QNToTime(0, 7.5), reaper.TimeMap2_timeToQN(0, 4.5)") == "4.5 7.5"
    assert host.value("reaper.GetTempoTimeSigMarker(0, 0)") == "true 3.0 2 0.0 60.0 6 8 false"
    assert host.value("reaper.CountTempoTimeSigMarkers(0), reaper.TimeMap2_GetNextChangeTime(0, 0)") == "1 3.0"
    host.lua(
        "reaper.AddTempoTimeSigMarker(0, 10, 60, 0, 0, true) reaper.AddTempoTimeSigMarker(0, 14, 120, 0, 0, false)"
    )
    quarters = float(host.value("reaper.TimeMap2_timeToQN(0, 14) - reaper.TimeMap2_timeToQN(0, 10)"))
    assert quarters == pytest.approx(6)  # 4 s at 90 on average
    assert float(host.value("reaper.TimeMap2_QNToTime(0, reaper.TimeMap2_timeToQN(0, 12.5))")) == pytest.approx(12.5)
    assert host.value("select(3, reaper.TimeMap_GetTimeSigAtTime(0, 12))") == "90.0"


def test_profiles_settle_assumptions_and_refuse_what_the_host_cannot_be(tmp_path):
    path = tmp_path / "self-test.json"
    found = {"undo_keeps_region_guids": False, "defer_rate_hz": 30, "smooth_seek": None}
    path.write_text(json.dumps({"version": 1, "assumptions": found}), encoding="utf-8")
    settled = load_assumptions(path)
    assert (settled.undo_keeps_region_guids, settled.defer_rate_hz, settled.smooth_seek) == (False, 30.0, False)
    for wrong, message in (
        ({"undo_keeps_region_guid": True}, "did you mean 'undo_keeps_region_guids'"),
        ({"smooth_seek": "yes"}, "expected bool"),
        ({"accessor_pre_fx": False}, "is not what the headless host models"),
    ):
        with pytest.raises(InputError, match=message):
            load_assumptions(wrong)
    with pytest.raises(InputError, match="not a Self-test profile"):
        load_assumptions(tmp_path / "missing.json")
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="not a Self-test profile"):
        load_assumptions(path)


def test_the_list_of_assumptions_is_the_one_in_the_docs():
    rows = re.findall(r"^\| (\d+) \| (\w+) \| `([^`]*)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    assert {key: json.loads(value) for _, key, value in rows} == {
        key: getattr(Assumptions(), key) for key in Assumptions.__dataclass_fields__
    }


def test_the_shipped_scripts_are_found():
    assert (scripts_folder() / "lib").is_dir()
    with Reaper(clock="simulated") as reaper:
        assert reaper.home.is_dir()
    assert not reaper.home.exists()


def test_files_and_processes(host, tmp_path):
    folder = tmp_path / "spool é"
    host.lua(f"""
        local folder = [[{folder}]]
        assert(reaper.RecursiveCreateDirectory(folder .. "/a/b", 0) == 1)
        assert(reaper.EnumerateFiles(folder, 0) == nil and reaper.EnumerateSubdirectories(folder, 0) == "a")
        io.open(folder .. "/x.txt", "wb"):close()
        assert(reaper.file_exists(folder .. "/x.txt") and not reaper.file_exists(folder))
        assert(reaper.EnumerateFiles(folder, 0) == nil)
        reaper.EnumerateFiles(folder, -1)
        assert(reaper.EnumerateFiles(folder, 0) == "x.txt" and reaper.EnumerateFiles(folder, 1) == nil)
        assert(reaper.ExecProcess("no-such-program-anywhere", 1000) == nil)""")


def test_a_command_line_is_split_as_exec_process_does(host):
    code = "import sys; print(sys.argv[1:]); sys.exit(3)"
    host.lua(f"""
        local answer = reaper.ExecProcess([["{sys.executable}" -c '{code}' "a b" `c"d`]], 0)
        assert(answer:match("^3\\n%['a b', 'c\\"d'%]"), answer)""")
