"""Undo points: blocks, REAPER's automatic ones, flags, GUIDs, and what undo does not touch."""

from __future__ import annotations

import pytest

from reatrieve.headless import ScriptFailure

ADD = "reaper.AddProjectMarker2(0, true, {0}, {0} + 1, 'r{0}', -1, 0)"


def starts(host):
    return [region.start_s for region in host.reaper.project.regions]


def test_a_block_is_one_point_and_brings_regions_back_with_their_guids(host):
    project = host.reaper.project
    host.lua(
        "reaper.Undo_BeginBlock2(0)\n" + ADD.format(1) + "\n" + ADD.format(3) + "\nreaper.Undo_EndBlock2(0, 'two', 8)"
    )
    before = project.regions
    assert project.undo_history == ["two"]
    assert host.value("reaper.Undo_CanUndo2(0), reaper.Undo_CanRedo2(0)") == "two nil"
    host.lua("reaper.Undo_DoUndo2(0)\nreaper.defer(function() end)", ticks=2)
    assert project.regions == []
    assert host.value("reaper.Undo_CanUndo2(0), reaper.Undo_CanRedo2(0)") == "nil two"
    host.reaper.run(40030)
    assert project.regions == before
    host.reaper.run(40029)
    assert project.regions == []


def test_blocks_nest(host):
    host.lua(f"""
        reaper.Undo_BeginBlock() reaper.Undo_BeginBlock()
        {ADD.format(1)}
        reaper.Undo_EndBlock("inner", -1) reaper.Undo_EndBlock("outer", -1)""")
    assert host.reaper.project.undo_history == ["outer"]


def test_a_run_without_defer_leaves_a_point_one_with_defer_none(host):
    project = host.reaper.project
    host.lua("local x = 1")
    assert project.undo_history == []
    host.lua(ADD.format(1))
    assert project.undo_history == ["ReaScript: Run"]
    host.lua(f"{ADD.format(3)} reaper.defer(function() end)", ticks=2)
    assert project.undo_history == ["ReaScript: Run"]
    host.lua("local x = 1")  # the edit that has no point yet
    assert project.undo_history == ["ReaScript: Run", "ReaScript: Run"]


def test_a_script_that_only_selects_time_leaves_a_point(host):
    host.lua("reaper.GetSet_LoopTimeRange2(0, true, false, 1, 2, false)")
    assert host.reaper.project.undo_history == ["ReaScript: Run"]
    host.reaper.project.undo()
    assert host.reaper.project.time_selection == (0, 0)


def test_an_empty_block_makes_no_point_unless_something_waits_for_one(host):
    project = host.reaper.project
    empty = "reaper.Undo_BeginBlock2(0) reaper.Undo_EndBlock2(0, 'empty', -1)"
    host.lua(empty)
    assert project.undo_history == []
    host.lua(f"{ADD.format(1)} reaper.defer(function() end)", ticks=2)
    host.lua(empty)
    assert project.undo_history == ["empty"]
    project.undo()
    assert starts(host) == []


def test_a_block_takes_in_the_points_inside_it(host):
    project = host.reaper.project
    host.lua("""
        reaper.Undo_BeginBlock() reaper.AddProjectMarker(0, false, 1, 0, "a", -1)
        reaper.Undo_OnStateChangeEx2(0, "inner", -1, -1) reaper.Main_OnCommand(40157, 0)
        reaper.Undo_EndBlock("outer", -1)""")
    assert project.undo_history == ["outer"]
    assert project.undo() == "outer"
    assert project.markers == []


@pytest.mark.parametrize(("text", "shown"), [("two markers", "two markers"), ("", "Insert marker")])
def test_a_block_with_flags_0_around_actions_is_one_point(host, text, shown):
    project = host.reaper.project
    host.lua(f"""
        reaper.Undo_BeginBlock()
        reaper.Main_OnCommand(40157, 0) reaper.SetEditCurPos(1, false, false) reaper.Main_OnCommand(40157, 0)
        reaper.Undo_EndBlock("{text}", 0)""")
    assert project.undo_history == [shown]
    project.undo()
    assert project.markers == []


def test_a_block_with_flags_0_around_mere_edits_is_none(host):
    host.lua(f"""
        reaper.Undo_BeginBlock2(0) {ADD.format(1)} reaper.Undo_EndBlock2(0, "mine", 0)
        reaper.defer(function() end)""")
    assert host.reaper.project.undo_history == []


def test_begin_and_end_in_two_ticks_do_not_pair(host):
    host.lua(
        f"""
        reaper.Undo_BeginBlock2(0) {ADD.format(1)}
        reaper.defer(function() {ADD.format(3)} reaper.Undo_EndBlock2(0, "late", -1) end)""",
        ticks=2,
    )
    assert host.reaper.project.undo_history == ["ReaScript: Run"]
    assert len(host.reaper.misuse) == 1
    host.reaper.project.undo()
    assert starts(host) == []


def test_on_state_change_records_items_only(host):
    project = host.reaper.project
    host.lua(f"{ADD.format(1)} reaper.Undo_OnStateChange2(0, 'marker') reaper.defer(function() end)", ticks=2)
    assert project.undo_history == []
    host.lua("reaper.Undo_OnStateChangeEx2(0, 'with flags', -1, -1)")
    assert project.undo_history == ["with flags"]


def test_the_users_own_selection_is_a_point(make_host):
    host = make_host()
    project = host.reaper.project
    project.add_region(1, 2)
    project.select_time(3, 4)
    project.select_time(3, 4)
    assert project.undo_history == ["Insert region", "Change time selection"]
    assert (project.undo(), len(project.regions), project.time_selection) == ("Change time selection", 1, (0, 0))
    without = make_host(profile={"time_selection_makes_undo_point": False}).reaper.project
    without.add_region(1, 2)
    without.select_time(3, 4)
    assert without.undo_history == ["Insert region"]


def test_track_selection_is_not_undone(host):
    project = host.reaper.project
    first, second = project.add_track("a"), project.add_track("b")
    first.select()
    project.add_region(1, 2)
    second.select()
    project.undo()
    assert [track.value("I_SELECTED") for track in project.tracks] == [0, 1]


def test_an_edit_without_a_point_is_lost_with_the_undone_point(host):
    project = host.reaper.project
    project.add_track("a")
    project.add_region(1, 2)
    host.lua(
        'reaper.GetSetMediaTrackInfo_String(reaper.GetTrack(0, 0), "P_NAME", "b", true) reaper.defer(function() end)',
        ticks=2,
    )
    project.undo()
    assert project.tracks[0].name == "a"


@pytest.mark.parametrize(("when", "points"), [("always", 2), ("changed", 1), ("never", 0)])
def test_the_automatic_point_is_an_assumption(make_host, when, points):
    host = make_host(profile={"auto_undo_point": when})
    host.lua("local x = 1")
    host.lua(ADD.format(1))
    assert len(host.reaper.project.undo_history) == points


def test_a_script_that_fails_inside_a_block_leaves_no_open_block(host):
    with pytest.raises(ScriptFailure):
        host.lua("reaper.Undo_BeginBlock2(0) reaper.PreventUIRefresh(1) error('x')")
    assert "left an undo block open" in host.reaper.misuse[0]
    assert "not balanced (+1)" in host.reaper.misuse[1]
    host.lua(f"reaper.Undo_BeginBlock2(0) {ADD.format(1)} reaper.Undo_EndBlock2(0, 'next', -1)")
    assert host.reaper.project.undo_history == ["next"]


def test_edits_outside_a_block_belong_to_the_next_point(host):
    host.lua(f"reaper.defer(function() {ADD.format(1)} end)", ticks=2)
    assert host.reaper.project.undo_history == []
    host.reaper.project.add_region(5, 6)
    host.reaper.project.undo()
    assert starts(host) == []


def test_a_point_covers_only_the_parts_of_its_flags(host):
    project = host.reaper.project
    project.add_track("a")
    host.lua(f"""
        reaper.Undo_BeginBlock2(0)
        {ADD.format(1)}
        reaper.GetSetMediaTrackInfo_String(reaper.GetTrack(0, 0), "P_NAME", "b", true)
        reaper.Undo_EndBlock2(0, "misc only", 8)""")
    assert project.undo_history == ["Insert track", "misc only", "ReaScript: Run"]  # the name waited for a point
    project.undo()
    assert (starts(host), project.tracks[0].name) == ([1], "a")
    project.undo()
    assert starts(host) == []


def test_a_new_edit_forgets_what_was_undone(host):
    project = host.reaper.project
    project.add_region(1, 2)
    project.undo()
    project.add_region(3, 4)
    assert project.redo() == ""
    assert starts(host) == [3]
    assert project.undo_history == ["Insert region"]


def test_guids_may_change_where_the_profile_says_so(make_host):
    host = make_host(profile={"undo_keeps_region_guids": False, "redo_keeps_region_guids": False})
    project = host.reaper.project
    first = project.add_region(1, 2, "a")
    first.delete()
    project.undo()
    second = project.regions[0]
    assert (second.name, second.guid != first.guid) == ("a", True)
    project.undo()
    project.redo()
    third = project.regions[0]
    assert third.guid not in (first.guid, second.guid)
    project.redo()
    assert project.regions == []


def test_selection_cursor_and_ext_state_stay_unless_the_profile_says_otherwise(make_host):
    for keep in (True, False):
        keys = ("undo_restores_time_selection", "undo_restores_edit_cursor", "undo_restores_proj_ext_state")
        host = make_host(profile=dict.fromkeys(keys, not keep))
        project = host.reaper.project
        project.select_time(1, 2)
        project.add_region(1, 2)
        project.model.set_time_selection(3, 4)  # as a script does it, with no point of its own
        project.set_cursor(5)
        host.lua("reaper.SetProjExtState(0, 's', 'k', 'v') reaper.defer(function() end)", ticks=2)
        project.add_region(3, 4)
        project.undo()
        assert project.time_selection == ((3, 4) if keep else (1, 2))
        assert project.cursor_s == (5 if keep else 0)
        assert project.ext_state("S", "K") == ("v" if keep else "")


def test_the_change_count_moves_with_points_undo_and_redo(host):
    host.lua(f"""
        local before = reaper.GetProjectStateChangeCount(0)
        {ADD.format(1)}
        assert(reaper.GetProjectStateChangeCount(0) == before)
        reaper.Undo_OnStateChangeEx2(0, "x", -1, -1)
        local after = reaper.GetProjectStateChangeCount(0)
        assert(after > before)
        reaper.Undo_DoUndo2(0)
        assert(reaper.GetProjectStateChangeCount(0) > after)
        assert(reaper.Undo_DoUndo2(0) == 0)
        after = reaper.GetProjectStateChangeCount(0)
        reaper.Undo_BeginBlock2(0) reaper.Undo_EndBlock2(0, "empty", -1)
        assert(reaper.GetProjectStateChangeCount(0) == after + 1)""")
    before = host.reaper.project.model.change_count
    host.lua("local x = 1")
    assert host.reaper.project.model.change_count == before + 1


def test_undo_brings_tracks_items_and_takes_back(host, tmp_path):
    project = host.reaper.project
    track = project.add_track("a")
    item = track.add_midi(1, 2)
    item.set(D_POSITION=4, D_PLAYRATE=2)
    project.undo()
    again = project.tracks[0].items[0].model
    assert (again.guid, again.position_s, again.take.values["D_PLAYRATE"]) == (item.guid, 1, 1)
    project.tracks[0].delete()
    assert project.tracks == []
    project.undo()
    assert project.tracks[0].guid == track.guid
    assert project.tracks[0].items[0].guid == item.guid
    project.undo()
    project.undo()
    assert project.tracks == []
    project.redo()
    project.redo()
    assert project.tracks[0].items[0].model.position_s == 1
    assert project.redo() == "Remove track"
    assert project.tracks == []


def test_each_tab_has_its_own_history(host):
    first = host.reaper.project
    first.add_region(1, 2)
    second = host.reaper.new_project()
    second.add_region(3, 4)
    first.undo()
    assert (first.regions, len(second.regions)) == ([], 1)
    host.lua(
        "assert(reaper.Undo_CanUndo2((reaper.EnumProjects(0))) == nil and reaper.Undo_CanUndo2(0) == 'Insert region')"
    )
