"""What published region, marker and item scripts rely on, each need in Lua of our own.

The list was found by running 562 such scripts of two public repositories (ReaTeam/ReaScripts and
X-Raym/REAPER-ReaScripts) on the host; what they still lack are extensions and actions that nothing here models.
"""

from __future__ import annotations

import pytest

ITEM = "local item = reaper.GetMediaItem(0, 0) local take = reaper.GetActiveTake(item) "
NEEDS = {
    "numbers for truths": ITEM + """
        reaper.SetMediaItemSelected(item, 1) assert(reaper.IsMediaItemSelected(item))
        reaper.SetMediaItemSelected(item, 0) assert(not reaper.IsMediaItemSelected(item))
        reaper.SelectAllMediaItems(0, 1) assert(reaper.CountSelectedMediaItems() == 3)
        local s, e = reaper.GetSet_LoopTimeRange(0, 0, 0, 0, 0)
        assert(s == 1 and e == 7)""",
    "a project by any number, or none": """
        local _, markers, regions = reaper.CountProjectMarkers(1)
        assert(markers == 1 and regions == 2 and reaper.CountSelectedTracks() == 1)""",
    "one argument too many": 'assert(reaper.EnumProjects(-1, "") ~= nil and reaper.ColorToNative(1, 2, 3, 4) ~= nil)',
    "placeholders for what comes back": ITEM + """
        assert(reaper.GetMediaSourceType(reaper.GetMediaItemTake_Source(take), "") == "MIDI")
        assert(reaper.GetProjectName(0, "") == "")""",
    "all regions by enumeration": """
        local i, names = 0, {}
        repeat
          local more, isrgn, pos, rgnend, name, number = reaper.EnumProjectMarkers3(0, i)
          if more > 0 and isrgn then
            names[#names + 1] = name
            reaper.SetProjectMarker3(0, number, true, pos, rgnend, name, 0)
          end
          i = i + 1
        until more == 0
        assert(table.concat(names, " ") == "one two")""",
    "one undo point for actions, by flags 0": """
        reaper.Undo_BeginBlock()
        reaper.Main_OnCommand(40289, 0) reaper.Main_OnCommand(40717, 0) reaper.Main_OnCommand(40061, 0)
        reaper.Undo_EndBlock("Split at time selection", 0)
        assert(reaper.Undo_CanUndo2(0) == "Split at time selection")""",
    "items split at the cursor": """
        reaper.Main_OnCommand(40289, 0) reaper.SetEditCurPos(1.5, false, false) reaper.Main_OnCommand(40012, 0)
        assert(reaper.CountMediaItems(0) == 4)
        assert(reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), "D_LENGTH") == 1.5)
        reaper.Main_OnCommand(40029, 0)
        assert(reaper.CountMediaItems(0) == 3)""",
    "items in the time selection": """
        reaper.Main_OnCommand(40717, 0)
        assert(reaper.CountSelectedMediaItems(0) == 2)
        reaper.Main_OnCommand(40290, 0)
        local s, e = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
        assert(s == 0 and e == 6)""",
    "groups": """
        reaper.SelectAllMediaItems(0, true) reaper.Main_OnCommand(40032, 0)
        local first = reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), "I_GROUPID")
        assert(first > 0 and reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 2), "I_GROUPID") == first)
        reaper.Main_OnCommand(40033, 0)
        assert(reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), "I_GROUPID") == 0)""",
    "takes": ITEM + """
        reaper.SetMediaItemSelected(item, true)
        local second = reaper.AddTakeToMediaItem(item)
        reaper.Main_OnCommand(40125, 0) assert(reaper.GetActiveTake(item) == second)
        reaper.Main_OnCommand(40126, 0) assert(reaper.GetActiveTake(item) == take)
        reaper.Main_OnCommand(40131, 0)
        assert(reaper.CountTakes(item) == 1 and not reaper.ValidatePtr(second, "MediaItem_Take*"))""",
    "take markers": ITEM + """
        assert(reaper.SetTakeMarker(take, -1, "late", 2) == 0 and reaper.SetTakeMarker(take, -1, "early", 1, 5) == 0)
        local at, name, color = reaper.GetTakeMarker(take, 0)
        assert(at == 1 and name == "early" and color == 5 and reaper.GetNumTakeMarkers(take) == 2)
        reaper.SetTakeMarker(take, 0, "first")
        assert(reaper.GetTakeMarker(take, 0) == 1 and reaper.DeleteTakeMarker(take, 0))
        assert(select(2, reaper.GetTakeMarker(take, 0)) == "late" and reaper.GetTakeMarker(take, 9) == -1)""",
    "stretch markers": ITEM + """
        for i = 1, 3 do reaper.SetTakeStretchMarker(take, -1, i, i) end
        assert(reaper.DeleteTakeStretchMarkers(take, 0, 2) == 2 and reaper.GetTakeNumStretchMarkers(take) == 1)""",
    "colours": ITEM + """
        reaper.SetTrackColor(reaper.GetTrack(0, 0), 0x102030)
        assert(reaper.GetDisplayedMediaItemColor(item) == 0x1102030)
        reaper.SetMediaItemInfo_Value(item, "I_CUSTOMCOLOR", 0x1000001)
        assert(reaper.GetDisplayedMediaItemColor2(item, take) == 0x1000001)""",
    "what the mouse is over": """
        assert(reaper.GetItemFromPoint(1, 1, true) == nil and reaper.GetTrackFromPoint(1, 1) == nil)""",
    "gfx in doubles": """
        gfx.init("w", 200.5, 100.5, 0, 842.5, 10.5)
        gfx.rect(1.5, 1.5, 10, 10, false) gfx.setfont(1, "Arial", 16, "b")
        assert(gfx.w == 200 and gfx.h == 100)""",
    "regions gone to": "reaper.GoToRegion(0, 2, true) assert(reaper.GetCursorPosition() == 5)",
    "names that no REAPER knows": ITEM + """
        assert(reaper.GetMediaItemInfo_Value(item, "D_PLAYRATE") == 0)
        assert(not reaper.SetMediaItemInfo_Value(item, "NO_SUCH", 1))
        assert(not reaper.ValidatePtr(item, "MediaItemTake*"))""",
    "an action that is none": "reaper.Main_OnCommand(0, 0)",
    "items sorted at once": """
        local track = reaper.GetTrack(0, 0)
        local item = reaper.AddMediaItemToTrack(track)
        reaper.SetMediaItemInfo_Value(item, "D_POSITION", 99)
        assert(reaper.GetTrackMediaItem(track, 3) == item)""",
}  # fmt: skip


@pytest.mark.parametrize("need", NEEDS)
def test_published_scripts_find_what_they_need(make_host, need):
    host = make_host(argument_checks="own")
    project = host.reaper.project
    track = project.add_track("a")
    for position_s in (0, 4, 8):
        track.add_midi(position_s, 2)
    project.add_region(1, 3, "one")
    project.add_region(5, 6, "two")
    project.add_marker(2, "m")
    project.select_time(1, 7)
    host.lua(f"{NEEDS[need]}\nreaper.defer(function() end)", ticks=2)
    assert [text for text in host.reaper.misuse if "which no script made" not in text] == []
