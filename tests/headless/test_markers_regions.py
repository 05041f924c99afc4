"""Markers and regions: three identities, order, colours, and the functions of 7.62."""

from __future__ import annotations

import pytest

from reatrieve.headless.profile import both_ways

NEW = ("7.62", "7.71", "7.80")


def test_a_region_has_a_number_an_index_and_a_guid(host):
    host.lua("""
        assert(reaper.AddProjectMarker2(0, true, 5, 6, "b", -1, 0) == 1)
        assert(reaper.AddProjectMarker2(0, true, 1, 2, "a", -1, 0) == 2)
        assert(reaper.AddProjectMarker2(0, false, 3, 0, "m", -1, 0) == 1)
        local total, markers, regions = reaper.CountProjectMarkers(0)
        assert(total == 3 and markers == 1 and regions == 2)
        local retval, isrgn, pos, rgnend, name, number, color = reaper.EnumProjectMarkers3(0, 0)
        assert(retval == 1 and isrgn and pos == 1 and rgnend == 2 and name == "a" and number == 2 and color == 0)
        assert(reaper.EnumProjectMarkers3(0, 3) == 0)
        local ok, guid = reaper.GetSetProjectInfo_String(0, "MARKER_GUID:2", "", false)
        assert(ok and #guid == 38 and guid:match("^{%x+%-%x+%-%x+%-%x+%-%x+}$"))
        reaper.AddProjectMarker2(0, true, 0, 0.5, "first", 7, 0)
        assert(select(2, reaper.GetSetProjectInfo_String(0, "MARKER_INDEX_FROM_GUID:" .. guid, "", false)) == "3")
        reaper.DeleteProjectMarker(0, 1, true)
        assert(select(2, reaper.GetSetProjectInfo_String(0, "MARKER_INDEX_FROM_GUID:" .. guid, "", false)) == "")""")
    assert [(r.number, r.name) for r in host.reaper.project.regions] == [(7, "first"), (2, "a")]


def test_regions_never_share_a_number_markers_may(host):
    host.lua("""
        assert(reaper.AddProjectMarker2(0, true, 0, 1, "", 3, 0) == 3)
        assert(reaper.AddProjectMarker2(0, true, 1, 2, "", 3, 0) == 1)
        assert(reaper.AddProjectMarker2(0, false, 0, 0, "", 3, 0) == 3)
        assert(reaper.AddProjectMarker2(0, false, 1, 0, "", 3, 0) == 3)""")


def test_setting_keeps_an_empty_name_unless_told_to_clear_it(host):
    project = host.reaper.project
    region = project.add_region(1, 2, "keep", "#102030")
    host.lua(f"assert(reaper.SetProjectMarker4(0, {region.number}, true, 4, 3, '', 0, 0))")
    moved = project.regions[0]
    assert (moved.start_s, moved.end_s, moved.name, moved.color) == (3, 4, "keep", "#102030")
    host.lua(f"assert(reaper.SetProjectMarker4(0, {region.number}, true, 3, 4, '', 0, 1))")
    assert project.regions[0].name == ""
    host.lua("assert(not reaper.SetProjectMarker4(0, 99, true, 3, 4, '', 0, 1))")


def test_a_batch_sorts_only_at_its_end(host):
    project = host.reaper.project
    for start_s in (1, 2, 3):
        project.add_region(start_s, start_s + 0.5, f"r{start_s}")
    host.lua("""
        assert(reaper.SetProjectMarkerByIndex2(0, 0, true, 9, 9.5, 1, "", 0, 2))
        assert(select(5, reaper.EnumProjectMarkers3(0, 0)) == "r1")
        assert(reaper.SetProjectMarkerByIndex2(0, -1, false, 0, 0, 0, "", 0, 2))
        assert(select(5, reaper.EnumProjectMarkers3(0, 0)) == "r2")""")


def test_last_marker_and_current_region_are_indexes(host):
    project = host.reaper.project
    project.add_region(1, 4, "outer")
    project.add_marker(2, "m")
    assert host.value("reaper.GetLastMarkerAndCurRegion(0, 3)") == "1 0"
    assert host.value("reaper.GetLastMarkerAndCurRegion(0, 4)") == "1 -1"
    assert host.value("reaper.GetLastMarkerAndCurRegion(0, 0.5)") == "-1 -1"


@pytest.mark.parametrize(("colors", "red"), [("rgb", 0xFF0000), ("bgr", 0x0000FF)])
def test_native_colours_come_in_both_orders(make_host, colors, red):
    host = make_host(colors=colors)
    assert host.value("reaper.ColorToNative(255, 0, 0)") == str(red)
    assert host.value("reaper.ColorFromNative(reaper.ColorToNative(1, 2, 3))") == "1 2 3"
    host.lua("reaper.AddProjectMarker2(0, true, 0, 1, 'x', -1, reaper.ColorToNative(255, 128, 0) | 0x1000000)")
    host.lua("reaper.AddProjectMarker2(0, true, 1, 2, 'x', -1, reaper.ColorToNative(255, 128, 0))")
    assert [region.color for region in host.reaper.project.regions] == ["#ff8000", None]


@pytest.mark.parametrize("version", NEW)
def test_region_objects_since_7_62(make_host, version):
    host = make_host(version)
    project = host.reaper.project
    project.add_region(1, 2, "a")
    region = project.add_region(3, 4, "b")
    region.select()
    host.lua(f"""
        assert(reaper.GetNumRegionsOrMarkers(0) == 2)
        local object = reaper.GetRegionOrMarker(0, -1, "{region.guid}")
        assert(object == reaper.GetRegionOrMarker(0, 1, "") and type(object) == "userdata")
        assert(reaper.GetRegionOrMarker(0, -1, "{{no}}") == nil and reaper.GetRegionOrMarker(0, 2, "") == nil)
        local function value(name) return reaper.GetRegionOrMarkerInfo_Value(0, object, name) end
        assert(value("D_STARTPOS") == 3 and value("D_ENDPOS") == 4 and value("B_ISREGION") == 1)
        assert(value("B_UISEL") == 1 and value("I_INDEX") == 1 and value("I_NUMBER") == 2 and value("B_VISIBLE") == 1)
        assert(value("D_POSITION") == 0)
        reaper.SetRegionOrMarkerInfo_Value(0, object, "D_ENDPOS", 5)
        reaper.SetRegionOrMarkerInfo_Value(0, object, "I_CUSTOMCOLOR", reaper.ColorToNative(0, 0, 255) | 0x1000000)
        reaper.SetRegionOrMarkerInfo_Value(0, object, "I_LANENUMBER", 1)
        assert(select(2, reaper.GetSetRegionOrMarkerInfo_String(0, object, "GUID", "", false)) == "{region.guid}")
        reaper.GetSetRegionOrMarkerInfo_String(0, object, "P_NAME", "new", true)
        reaper.DeleteProjectMarkerByIndex(0, 1)
        assert(not reaper.ValidatePtr(object, "ProjectMarker*") and not pcall(value, "I_INDEX"))""")
    assert [r.name for r in project.regions] == ["a"]
    assert any("no REAPER is known to have 'D_POSITION'" in text for text in host.reaper.misuse)


def test_a_start_behind_the_end_swaps_them(make_host):
    host = make_host()
    region = host.reaper.project.add_region(1, 2)
    host.lua(f"""
        local object = reaper.GetRegionOrMarker(0, -1, "{region.guid}")
        reaper.SetRegionOrMarkerInfo_Value(0, object, "D_STARTPOS", 9)
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "D_STARTPOS") == 2)
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "D_ENDPOS") == 9)
        reaper.SetRegionOrMarkerInfo_Value(0, object, "D_ENDPOS", 1)""")
    assert [(r.start_s, r.end_s) for r in host.reaper.project.regions] == [(1, 2)]


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("7.0", ""),
        ("7.61", ""),
        ("7.62", "ONO"),
        ("7.65", "ONOD"),
        ("7.71", "ONOD"),
        ("7.72", "ONODCGF"),
        ("7.80", "ONODCGF"),
    ],
)
def test_ruler_lanes_come_name_by_name(make_host, version, known):
    """Order (twice: set, then read), name, default, count, GUID, lane from GUID."""
    host = make_host(version)
    answers = host.value("""(function()
        local known = ""
        local function number(name, value, set) return reaper.GetSetProjectInfo(0, name, value, set) end
        local function text(name, value, set) return reaper.GetSetProjectInfo_String(0, name, value, set) end
        if number("RULER_LANE_ORDER:2", -1, true) == 2 then known = known .. "O" end
        if text("RULER_LANE_NAME:2", "Candidates", true) then known = known .. "N" end
        if number("RULER_LANE_ORDER:2", 0, false) == 2 then known = known .. "O" end
        if number("RULER_LANE_DEFAULT:1", 0, false) == 2 then known = known .. "D" end
        if number("RULER_LANE_COUNT", 0, false) == 3 then known = known .. "C" end
        local ok, guid = text("RULER_LANE_GUID:2", "", false)
        if ok then known = known .. "G" end
        if number("RULER_LANE_FROM_GUID:" .. guid, 0, false) == 2 then known = known .. "F" end
        assert(not text("RULER_LANE_NAME:1.0", "", false))
        return known end)()""")
    assert answers == known
    assert host.reaper.misuse == []  # a later version's name is no slip
    names = [lane.name for lane in host.reaper.project.model.lanes]
    assert names == ([] if known == "" else ["", "", "Candidates"])


def test_new_regions_and_markers_stand_in_their_default_lanes(make_host):
    host = make_host("7.80")
    project = host.reaper.project
    project.add_region(1, 2)
    project.add_marker(3)
    host.lua("""
        assert(reaper.GetSetProjectInfo(0, "RULER_LANE_ORDER:0", -1, true) == 0)
        reaper.AddProjectMarker2(0, true, 4, 5, "new", -1, 0)""")
    assert [(r.start_s, r.lane) for r in project.regions] == [(1, 1), (4, 1)]
    assert project.markers[0].lane == 2
    host.lua("""
        reaper.GetSetProjectInfo(0, "RULER_LANE_ORDER:0", 2, true)
        reaper.GetSetProjectInfo(0, "RULER_LANE_HIDDEN:0", 1, true)
        local object = reaper.GetRegionOrMarker(0, 0, "")
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "I_LANENUMBER") == 0)
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "B_VISIBLE") == 0)
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "B_HIDDEN") == 0)""")


@pytest.mark.parametrize(
    ("version", "guid", "index"), [("6.00", 0, 0), ("6.02", 1, 0), ("6.37", 1, 0), ("6.71", 1, 1), ("7.80", 1, 1)]
)
def test_guids_of_regions_come_in_two_steps(make_host, version, guid, index):
    host = make_host(version)
    region = host.reaper.project.add_region(1, 2)
    ask = "reaper.GetSetProjectInfo_String(0, '{}', '', false)"
    assert host.value(ask.format("MARKER_GUID:0")) == (f"true {region.guid}" if guid else "false ")
    assert host.value(ask.format("MARKER_INDEX_FROM_GUID:" + region.guid)) == ("true 0" if index else "false ")
    without = make_host(version, profile={"region_index_from_guid_before_7_62": False})
    region = without.reaper.project.add_region(1, 2)
    found = without.value(ask.format("MARKER_INDEX_FROM_GUID:" + region.guid))
    assert found == ("true 0" if version == "7.80" else "false ")


@pytest.mark.parametrize(("version", "number"), [("7.35", -1), ("7.36", 1)])
def test_a_negative_number_is_ignored_since_7_36(make_host, version, number):
    host = make_host(version)
    host.reaper.project.add_region(1, 2)
    host.lua("reaper.SetProjectMarkerByIndex2(0, 0, true, 1, 2, -1, 'x', 0, 0)")
    assert [(r.number, r.name) for r in host.reaper.project.regions] == [(number, "x")]


@pytest.mark.parametrize("profile", both_ways("equal_marker_refused"))
def test_an_equal_marker_may_be_refused(make_host, profile):
    host = make_host(profile=profile)
    refused = profile["equal_marker_refused"]
    assert host.value("reaper.AddProjectMarker2(0, false, 1, 0, 'a', -1, 0)") == "1"
    assert host.value("reaper.AddProjectMarker2(0, false, 1, 0, 'a', -1, 0)") == ("-1" if refused else "2")
    assert host.value("reaper.AddProjectMarker2(0, false, 1, 0, 'b', -1, 0)") != "-1"
    assert host.value("reaper.AddProjectMarker2(0, true, 1, 2, 'a', -1, 0)") == "1"
    assert host.value("reaper.AddProjectMarker2(0, true, 1, 2, 'a', -1, 0)") == "2"


def test_a_script_may_edit_only_what_scripts_made(host):
    project = host.reaper.project
    mine = project.add_region(1, 2, "mine")
    allowed = project.add_region(3, 4, "allowed")
    host.reaper.allow_edits([allowed])
    host.lua(f"""
        local made = reaper.AddProjectMarker2(0, true, 5, 6, "made", -1, 0)
        reaper.SetProjectMarker(made, true, 5, 7, "made")
        reaper.DeleteProjectMarker(0, made, true)
        reaper.SetProjectMarker({allowed.number}, true, 3, 5, "allowed")
        reaper.SetProjectMarker({mine.number}, true, 1, 2, "mine")""")
    assert host.reaper.misuse == []
    host.lua(f"reaper.SetProjectMarker({mine.number}, true, 1, 2, 'renamed')")
    host.lua("reaper.DeleteProjectMarkerByIndex(0, 0)")
    assert [text.split(": ")[1] for text in host.reaper.misuse] == [
        "changed region 'renamed' (1), which no script made",
        "deleted region 'renamed' (1), which no script made",
    ]


def test_a_scripts_undo_may_not_take_back_the_users_edit(host):
    project = host.reaper.project
    project.add_region(1, 2, "mine")
    project.regions[0].move(3)
    host.lua("reaper.Undo_DoUndo2(0)")
    assert "took back an edit of region 'mine'" in host.reaper.misuse[0]
    project.undo()
    assert len(host.reaper.misuse) == 1


def test_add_region_returns_the_object_since_7_72(make_host):
    host = make_host("7.72")
    host.lua("""
        local object = reaper.AddRegionOrMarker(0, true, 2, 1, "x", -1, 0)
        assert(reaper.GetRegionOrMarkerInfo_Value(0, object, "D_STARTPOS") == 1)""")


def test_the_render_matrix_goes_by_displayed_number(host):
    host.reaper.project.add_track("a")
    host.lua("""
        local track = reaper.GetTrack(0, 0)
        reaper.SetRegionRenderMatrix(0, 3, track, 1)
        assert(reaper.EnumRegionRenderMatrix(0, 3, 0) == track and reaper.EnumRegionRenderMatrix(0, 3, 1) == nil)
        reaper.SetRegionRenderMatrix(0, 3, track, -1)
        assert(reaper.EnumRegionRenderMatrix(0, 3, 0) == nil)""")


def test_a_user_moves_renames_and_deletes_regions_each_with_its_own_undo_point(host):
    project = host.reaper.project
    region = project.add_region(1, 2, "a")
    region.move(3)
    assert (project.regions[0].start_s, project.regions[0].end_s) == (3, 4)
    project.regions[0].rename("b")
    project.regions[0].delete()
    assert project.regions == []
    assert project.undo_history == ["Insert region", "Move region", "Edit region", "Delete region"]
    project.undo()
    project.undo()
    project.undo()
    assert project.regions == [region]
