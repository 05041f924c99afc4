"""Project files: what is written is what REAPER writes, a parser that is not ours reads it, and unknown lines stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile

from reatrieve.errors import InputError

REAL = """<REAPER_PROJECT 0.1 "7.17/linux-x86_64" 1783284431
  <NOTES 0 2
    |first
    |second line
  >
  RIPPLE 2
  CURSOR 4.5
  ZOOM 100 500 0
  LOOP 1
  SAMPLERATE 48000 1 0
  <RENDER_CFG
    ZXZhdxgAAQ==
  >
  TEMPO 90 3 4
  SELECTION 0 4.5
  SELECTION2 1 2.5
  <TEMPOENVEX
    EGUID {6B954A85-FDC1-AB1F-2632-5401A06FABDF}
    ACT 1 -1
    PT 0 90 1 262147 0 1
    PT 8 120.5 0
  >
  MARKER 1 0 a 0 0 1 B {D7FA33CE-2F97-F116-9FE8-90EDEDE0ACBE} 0
  MARKER 1 0 "two words" 1 33521664 1 B {4BA13BCB-545E-D551-EE4C-E63405434AB4} 0
  MARKER 1 2.5 "" 1
  MARKER 2 1 'say "hi"' 1 16777471 1 R {C4E4EE76-D1FA-6E65-EDB5-DCE5608CC042} 0
  MARKER 2 2 "" 1
  <PROJBAY
  >
  <TRACK {45E29551-05FF-8BA2-812C-D14428769B42}
    NAME "My track"
    PEAKCOL 16576
    BEAT -1
    VOLPAN 0.5 -0.25 -1 -1 1
    MUTESOLO 1 0 0
    ISBUS 1 1
    SEL 1
    NCHAN 4
    FX 1
    TRACKID {45E29551-05FF-8BA2-812C-D14428769B42}
    <FXCHAIN
      SHOW 0
      <VST "VST: ReaEQ (Cockos)" reaeq.so 0 "" 1919247729<> ""
        cWVlcu9e7f4EAAAA
      >
      WAK 0 0
    >
    <ITEM
      POSITION 1.25
      SNAPOFFS 0
      LENGTH 0.5
      LOOP 1
      ALLTAKES 0
      FADEIN 1 0.01 0 1 0 0 0
      FADEOUT 1 0.02 0 1 0 0 0
      MUTE 0 0
      SEL 1
      IGUID {B4407803-B59F-6F14-D8F9-72E97A63190D}
      IID 18
      NAME "take one"
      VOLPAN 0.75 0.5 2 -1
      SOFFS 0.125 0
      PLAYRATE 1.5 0 2 -1 0 0.0025
      CHANMODE 2
      GUID {A10BCFE1-56E0-314E-93A3-8B2C89E83F3E}
      SM 0 0 + 0.25 0.3 + 0.5 0.5
      <SOURCE SECTION
        LENGTH 0.75
        MODE 2
        STARTPOS 0.25
        OVERLAP 0.01
        <SOURCE WAVE
          FILE "Media/der Ton.wav"
        >
      >
      TAKE SEL
      NAME two
      TAKEVOLPAN 0 1 -1
      SOFFS 0
      PLAYRATE 1 1 0 -1 0 0.0025
      CHANMODE 0
      GUID {A60D1B6C-5C1C-DAC1-779E-E4F6EF2FA268}
      <SOURCE MIDI
        HASDATA 1 960 QN
        E 3840 b0 7b 00
      >
    >
  >
  <TRACK {7C34531F-2691-5D13-08FF-1284A14DE4C8}
    NAME 2
    ISBUS 2 -1
    SEL 0
    AUXRECV 0 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
  >
  <EXTENSIONS
  >
  <EXTSTATE
    <MARKS
      A 1
      <BIN B
        bGluZQpsaW5l
      >
    >
  >
>
"""


@pytest.fixture
def folder(tmp_path):
    """A project's folder with its media."""
    made = tmp_path / "Projekt Ölfass"
    (made / "Media").mkdir(parents=True)
    soundfile.write(made / "Media" / "der Ton.wav", 0.1 * np.random.default_rng(0).standard_normal(16000), 8000)
    (made / "real.rpp").write_text(REAL, encoding="utf-8")
    return made


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_a_real_file_is_understood(host, folder):
    project = host.reaper.open(folder / "real.rpp")
    assert [(r.number, r.start_s, r.end_s, r.name, r.color) for r in project.regions] == [
        (1, 0, 2.5, "two words", "#ff8000"),
        (2, 1, 2, 'say "hi"', "#ff0000"),
    ]
    assert [(m.name, m.guid) for m in project.markers] == [("a", "{D7FA33CE-2F97-F116-9FE8-90EDEDE0ACBE}")]
    assert (project.time_selection, project.loop_points, project.cursor_s) == ((0, 4.5), (1, 2.5), 4.5)
    assert (project.repeat, project.view) == (True, (5.0, 17.0))
    assert (project.ext_state("marks", "a"), project.ext_state("marks", "b")) == ("1", "line\nline")
    assert not project.dirty
    assert project.undo_history == []
    host.lua("""
        assert(reaper.CountTracks(0) == 2 and reaper.TrackFX_GetCount(reaper.GetTrack(0, 0)) == 1)
        assert(reaper.GetTrackNumSends(reaper.GetTrack(0, 0), 0) == 1)
        assert(reaper.GetTrackNumSends(reaper.GetTrack(0, 1), -1) == 1)
        local item = reaper.GetMediaItem(0, 0)
        assert(reaper.GetMediaItemInfo_Value(item, "D_VOL") == 0.75 and reaper.CountTakes(item) == 2)
        assert(reaper.GetMediaItemInfo_Value(item, "D_FADEOUTLEN") == 0.02)
        local take = reaper.GetTake(item, 0)
        assert(reaper.GetActiveTake(item) == reaper.GetTake(item, 1) and reaper.TakeIsMIDI(reaper.GetActiveTake(item)))
        local function value(name) return reaper.GetMediaItemTakeInfo_Value(take, name) end
        assert(value("D_VOL") == 2 and value("D_PAN") == 0.5 and value("D_PLAYRATE") == 1.5 and value("B_PPITCH") == 0)
        assert(value("D_PITCH") == 2 and value("D_STARTOFFS") == 0.125 and value("I_CHANMODE") == 2)
        assert(reaper.GetTakeNumStretchMarkers(take) == 3)
        local source = reaper.GetMediaItemTake_Source(take)
        local ok, offset, length, reverse = reaper.PCM_Source_GetSectionInfo(source)
        assert(ok and offset == 0.25 and length == 0.75 and reverse)
        assert(reaper.GetMediaSourceFileName(reaper.GetMediaSourceParent(source)):match("Media.der Ton%.wav$"))
        local numerator, denominator, tempo = reaper.TimeMap_GetTimeSigAtTime(0, 9)
        assert(numerator == 3 and denominator == 4 and tempo == 120.5)
        local _, _, measures = reaper.TimeMap2_timeToBeats(0, 0)
        assert(measures == 3)""")


def test_what_was_not_touched_is_written_back_line_by_line(make_host, folder):
    host = make_host("7.0")
    project = host.reaper.open(folder / "real.rpp")
    project.save(folder / "again.rpp")
    before, after = lines(folder / "real.rpp"), lines(folder / "again.rpp")
    assert after[0].startswith('<REAPER_PROJECT 0.1 "7.0/')
    unchanged = [line.strip() for line in before[1:]]
    written = [line.strip() for line in after[1:]]
    for line in unchanged:
        exact = line in written
        reordered = line.startswith(("MARKER 2 1", "TRACKID", "AUXRECV", "SOFFS 0", "<VST", "TEMPO"))
        assert exact or reordered, line
    project = host.reaper.open(folder / "again.rpp")
    project.save(folder / "third.rpp")
    assert lines(folder / "third.rpp")[1:] == after[1:]


def test_the_written_file_holds_the_regions_for_another_parser(host, folder):
    project = host.reaper.project
    track = project.add_track("Söng")
    track.add_item(folder / "Media" / "der Ton.wav", 1.0)
    region = project.add_region(1.5, 2.25, 'it\'s `a` "name"', "#123456")
    project.add_region(1 / 3, 2 / 3, "")
    project.add_marker(0.1, "m")
    path = project.save(folder / "new.rpp")
    tree = rpp.loads(path.read_text(encoding="utf-8"))
    assert tree.attrib[:2] == ["0.1", f"{host.version}/linux-x86_64"]
    markers = [line for line in tree.children if isinstance(line, list) and line[0] == "MARKER"]
    assert [line[1:3] for line in markers] == [
        ["1", "0.1"],
        ["2", "0.33333333333333"],
        ["2", "0.66666666666667"],
        ["1", "1.5"],
        ["1", "2.25"],
    ]
    assert markers[3][4:9] == ["1", str(0x1123456), "1", "B", region.guid]
    assert len(markers[3]) == (11 if host.version in ("7.62", "7.72") else 10)
    assert markers[4][3:] == ["", "1"]
    assert tree.find("TRACK").find("ITEM").find("SOURCE").find("FILE") == ["FILE", str(Path("Media", "der Ton.wav"))]
    again = host.reaper.open(path)
    assert [(r.guid, r.color) for r in again.regions if r.number == 1] == [(region.guid, "#123456")]
    assert (again.path, again.tracks[0].items[0].model.length_s) == (path, 2.0)


def test_colours_survive_a_change_of_system(make_host, folder):
    windows, linux = make_host(colors="bgr"), make_host(colors="rgb")
    windows.reaper.project.add_region(1, 2, "x", "#ff8001")
    path = windows.reaper.project.save(folder / "colours.rpp")
    assert f" {0x1000000 | 0x0180FF} 1 R {{" in path.read_text(encoding="utf-8")
    assert linux.reaper.open(path).regions[0].color == "#ff8001"


def test_ext_state_of_any_text_survives(host, folder):
    host.lua("""
        local values = { plain = "abc", space = "a b", quote = "a \\"b\\" 'c' `d`", lines = "a\\nb\\n",
          json = '{"a": [1]}', pipe = "|x", edge = " a ", umlaut = "é€" }
        for key, value in pairs(values) do
          reaper.SetProjExtState(0, "ReaTrieve", key, value)
        end""")
    before = {k: dict(v) for k, v in host.reaper.project.model.ext_state.items()}
    path = host.reaper.project.save(folder / "state.rpp")
    host.reaper.new_project()
    assert host.reaper.open(path).model.ext_state == before


def test_saving_makes_clean_and_needs_a_name_once(make_host, folder):
    host = make_host(strict=False)
    project = host.reaper.project
    project.add_region(1, 2)
    assert project.dirty
    host.reaper.answer(folder / "named.rpp")
    host.lua("reaper.Main_SaveProject(0, false) assert(reaper.IsProjectDirty(0) == 0) reaper.defer(function() end)")
    assert project.path == folder / "named.rpp"
    assert host.value("select(2, reaper.EnumProjects(-1))") == str(folder / "named.rpp")
    host.reaper.run(40026)
    project.add_region(3, 4)
    host.reaper.answer("cancel", "save")
    host.reaper.run(40860)
    assert project.is_open
    host.reaper.run(40860)
    assert not project.is_open
    assert len(host.reaper.open(folder / "named.rpp").regions) == 2


def test_unsaved_ext_state_and_regions_are_lost_with_the_tab(host, folder):
    project = host.reaper.project
    project.save(folder / "a.rpp")
    project.add_region(1, 2)
    project.close()
    assert host.reaper.open(folder / "a.rpp").regions == []


def test_ruler_lanes_are_written_since_7_62(make_host, folder):
    host = make_host("7.72")
    host.lua("""
        reaper.GetSetProjectInfo(0, "RULER_LANE_ORDER:1", -1, true)
        reaper.GetSetProjectInfo_String(0, "RULER_LANE_NAME:1", "Candidates", true)""")
    path = host.reaper.project.save(folder / "lanes.rpp")
    assert "RULERLANE 1 0 Candidates 0 -1" in path.read_text(encoding="utf-8")
    host.reaper.new_project()
    assert host.reaper.open(path).model.info["RULER_LANE_COUNT"] == 2


def test_what_is_no_project_is_refused(host, tmp_path):
    (tmp_path / "bad.rpp").write_text("<TRACK\n>\n", encoding="utf-8")
    (tmp_path / "torn.rpp").write_text("<REAPER_PROJECT 0.1\n  <TRACK\n", encoding="utf-8")
    for name in ("bad.rpp", "torn.rpp", "missing.rpp"):
        with pytest.raises(InputError, match=name):
            host.reaper.open(tmp_path / name)
