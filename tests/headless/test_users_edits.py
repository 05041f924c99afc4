"""What a user does to a project beside regions: items and time moved, tempo, tabs taken over, the ruler's format."""

from __future__ import annotations

import pytest

from reatrieve.errors import InputError


@pytest.fixture
def host(make_host):
    return make_host()


def places(project):
    return [[(item.model.position_s, item.model.end_s) for item in track.items] for track in project.tracks]


def edges(project):
    return [(region.start_s, region.end_s) for region in project.regions]


def two_tracks(project):
    for name in "ab":
        track = project.add_track(name)
        track.add_midi(0, 2)
        track.add_midi(4, 2)
    project.add_region(1, 5, "across")
    project.add_region(4.5, 5.5, "later")
    project.add_tempo(4, 60)


@pytest.mark.parametrize(
    ("ripple", "moved", "regions", "tempo_s"),
    [
        ("", [[(1, 3), (4, 6)], [(0, 2), (4, 6)]], [(1, 5), (4.5, 5.5)], 4),
        ("track", [[(1, 3), (5, 7)], [(0, 2), (4, 6)]], [(1, 5), (4.5, 5.5)], 4),
        ("all", [[(1, 3), (5, 7)], [(1, 3), (5, 7)]], [(2, 6), (5.5, 6.5)], 5),
    ],
)
def test_an_item_may_take_others_along(host, ripple, moved, regions, tempo_s):
    project = host.reaper.project
    two_tracks(project)
    before = (places(project), edges(project))
    project.tracks[0].items[0].move(1, ripple=ripple)
    assert (places(project), edges(project), project.model.tempo[0].time_s) == (moved, regions, tempo_s)
    assert project.undo() == "Move media items"
    assert (places(project), edges(project), project.model.tempo[0].time_s) == (*before, 4)
    with pytest.raises(InputError, match="ripple='some'"):
        project.tracks[0].items[0].move(1, ripple="some")


def test_time_is_inserted_and_removed(host):
    project = host.reaper.project
    two_tracks(project)
    before = (places(project), edges(project))
    project.insert_time(1, 10)
    assert places(project) == [[(0, 1), (11, 12), (14, 16)]] * 2
    assert edges(project) == [(11, 15), (14.5, 15.5)]
    assert project.model.tempo[0].time_s == 14
    right = project.tracks[0].items[1].model.take
    assert right.values["D_STARTOFFS"] == 1
    project.undo()
    assert (places(project), edges(project)) == before
    project.remove_time(1, 4.75)
    assert places(project) == [[(0, 1), (1, 2.25)]] * 2
    assert edges(project) == [(1, 1.25), (1, 1.75)]
    project.undo()
    assert (places(project), edges(project)) == before


def test_a_trim_leaves_the_sound_in_place(host):
    project = host.reaper.project
    item = project.add_track("a").add_midi(1, 4)
    item.set(D_PLAYRATE=2)
    item.trim(2, 3)
    model = item.model
    assert (model.position_s, model.end_s, model.take.values["D_STARTOFFS"]) == (2, 3, 2)


def test_tempo_keeps_seconds_or_beats(host):
    project = host.reaper.project
    project.add_track("a").add_midi(2, 2)
    project.add_region(4, 6)
    project.set_tempo(60)
    assert (places(project), edges(project)) == ([[(2, 4)]], [(4, 6)])
    project.set_tempo(120, timebase="beats")
    assert (places(project), edges(project)) == ([[(1, 2)]], [(2, 3)])
    assert project.tracks[0].items[0].model.take.values["D_PLAYRATE"] == 2


def test_a_split_keeps_what_the_item_has(host):
    project = host.reaper.project
    item = project.add_track("a").add_midi(0, 4)
    item.set(D_FADEINLEN=0.5, D_FADEOUTLEN=0.25)
    item.add_stretch_marker(0, 0)
    item.add_stretch_marker(2, 3)
    item.add_stretch_marker(4, 4)
    item.add_fx("VST: One")
    item.add_envelope("Volume", 3)
    host.lua("""
        local item = reaper.GetMediaItem(0, 0)
        reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "hello", true)
        reaper.GetSetMediaItemInfo_String(item, "P_EXT:x", "y", true)
        local right = reaper.SplitMediaItem(item, 1)
        assert(select(2, reaper.GetSetMediaItemInfo_String(right, "P_NOTES", "", false)) == "hello")
        assert(select(2, reaper.GetSetMediaItemInfo_String(right, "P_EXT:x", "", false)) == "y")
        local take = reaper.GetActiveTake(right)
        assert(reaper.TakeFX_GetCount(take) == 1 and reaper.CountTakeEnvelopes(take) == 1)
        assert(reaper.CountEnvelopePoints(reaper.GetTakeEnvelope(take, 0)) == 3)
        assert(reaper.SplitMediaItem(item, 9) == nil)""")
    left, right = (one.model for one in project.tracks[0].items)
    assert left.guid != right.guid
    assert left.take.guid != right.take.guid
    assert left.take.stretch_markers == [(0, 0), (1, 1.5)]
    assert right.take.stretch_markers == [(0, 0.5), (1, 2), (3, 3)]
    assert right.take.values["D_STARTOFFS"] == 1
    assert [left.values["D_FADEINLEN"], left.values["D_FADEOUTLEN"]] == [0.5, 0]
    assert [right.values["D_FADEINLEN"], right.values["D_FADEOUTLEN"]] == [0, 0.25]


@pytest.mark.parametrize("reused", [True, False])
def test_another_project_in_the_same_tab_gets_its_pointers(make_host, tmp_path, reused):
    host = make_host(profile={"pointers_reused": reused})
    host.reaper.new_project().add_track("other").add_midi(0, 1)
    other = host.reaper.project.save(tmp_path / "other.rpp")
    host.reaper.project.close()
    project = host.reaper.project
    project.add_track("first")
    project.add_region(1, 2)
    host.reaper.run(
        host.write("""
            local project, track = reaper.EnumProjects(-1), reaper.GetTrack(0, 0)
            local count = reaper.GetProjectStateChangeCount(0)
            local function later()
              if reaper.CountMediaItems(0) == 0 then return reaper.defer(later) end
              local valid = reaper.ValidatePtr2(0, track, "MediaTrack*")
              local name = valid and select(2, reaper.GetTrackName(track)) or "gone"
              assert(project == reaper.EnumProjects(-1) and reaper.ValidatePtr(project, "ReaProject*"))
              assert(reaper.GetProjectStateChangeCount(project) ~= count)
              reaper.GetTrack(0, 0)
              valid = reaper.ValidatePtr2(0, track, "MediaTrack*")
              reaper.SetExtState("test", "seen", name .. " " .. tostring(valid), false)
            end
            later()""")
    )
    opened = host.reaper.open(other, same_tab=True)
    host.reaper.tick()
    assert (len(host.reaper.projects), project.is_open, opened.is_open) == (1, False, True)
    assert host.reaper.ext_state("test", "seen") == ("other true" if reused else "gone false")
    assert (opened.undo_history, opened.dirty) == ([], False)


def test_a_closed_tabs_pointer_comes_back_for_the_next_project(host):
    first = host.reaper.new_project()
    host.reaper.run(
        host.write("""
            local project = reaper.EnumProjects(-1)
            local function later()
              local there = reaper.EnumProjects(1)
              local valid = reaper.ValidatePtr(project, "ReaProject*")
              local seen = reaper.GetExtState("test", "seen")
              reaper.SetExtState("test", "seen", ("%s%s %s, "):format(seen, valid, there == project), false)
              reaper.defer(later)
            end
            later()""")
    )
    first.close()
    host.reaper.tick()
    host.reaper.new_project()
    host.reaper.tick()
    assert host.reaper.ext_state("test", "seen") == "true true, false false, true true, "


def test_a_file_that_cannot_be_opened_leaves_the_tab_alone(host, tmp_path):
    project = host.reaper.project
    project.add_region(1, 2)
    (tmp_path / "bad.rpp").write_text("no project", encoding="utf-8")
    with pytest.raises(InputError, match="bad"):
        host.reaper.open(tmp_path / "bad.rpp", same_tab=True)
    assert (project.is_open, len(project.regions)) == (True, 1)


def test_a_script_opens_in_the_current_tab_and_saves_copies(host, tmp_path):
    project = host.reaper.project
    project.add_region(1, 2, "kept")
    host.lua(f"reaper.Main_SaveProjectEx(0, [[{tmp_path / 'copy.rpp'}]], 0)")
    assert (project.path, project.dirty) == (None, True)
    open_it = "reaper.Main_openProject([[{}{}]])"
    host.reaper.answer("cancel", "discard")
    host.lua(open_it.format("", tmp_path / "copy.rpp"))
    assert project.is_open
    host.lua(open_it.format("", tmp_path / "copy.rpp"))
    assert (project.is_open, len(host.reaper.projects)) == (False, 1)
    host.reaper.project.regions[0].rename("changed")
    host.lua(open_it.format("noprompt:", tmp_path / "copy.rpp"))
    assert ([r.name for r in host.reaper.project.regions], host.reaper.project.undo_history) == (["kept"], [])


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (0, "1:00:01.500"),
        (1, "13.4.00 / 1:00:01.500"),
        (2, "13.4.00"),
        (3, "3601.500"),
        (4, "158826150"),
        (5, "01:00:01:15"),
    ],
)
def test_ruler_times_have_the_start_offset_and_the_rulers_format(host, tmp_path, mode, shown):
    project = host.reaper.project
    project.set_start_offset(3600, measures=12)
    project.set_ruler(mode)
    text = "reaper.format_timestr_pos(1.5, '', {})"
    assert host.value(text.format(-1)) == host.value(text.format(mode)) == shown
    assert host.value("reaper.format_timestr_pos(1 - reaper.GetProjectTimeOffset(0, false), '', 4)") == "44100"
    assert float(host.value("reaper.parse_timestr_pos('1:00:01.5', 0)")) == 1.5
    assert host.value("reaper.format_timestr_len(1.5, '', 0, 3)") == "1.500"
    project.save(tmp_path / "p.rpp")
    assert host.reaper.open(tmp_path / "p.rpp", same_tab=True).model.ruler_mode == mode
    assert host.value(text.format(-1)) == shown


def test_a_selection_from_a_file_may_be_reversed(host):
    project = host.reaper.project
    project.load_selection(9, 4)
    assert host.value("reaper.GetSet_LoopTimeRange2(0, false, false, 0, 0, false)") == "9.0 4.0"
    project.select_time(9, 4)
    assert project.time_selection == (4, 9)
