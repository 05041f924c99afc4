"""Project files: what is written is what REAPER writes, a parser that is not ours reads it, and unknown lines stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile

from reatrieve.errors import InputError
from reatrieve.headless.listing import parse_version

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
    assert len(markers[3]) == (11 if parse_version(host.version) >= (7, 62) else 10)
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
        reaper.GetSetProjectInfo(0, "RULER_LANE_ORDER:2", -1, true)
        reaper.GetSetProjectInfo_String(0, "RULER_LANE_NAME:2", "Candidates", true)
        reaper.GetSetProjectInfo(0, "RULER_LANE_HIDDEN:2", 1, true)
        reaper.AddProjectMarker2(0, true, 1, 2, "a", -1, 0)""")
    path = host.reaper.project.save(folder / "lanes.rpp")
    text = path.read_text(encoding="utf-8")
    assert [line.strip() for line in text.splitlines() if "RULERLANE" in line] == [
        'RULERLANE 1 4 "" 0 -1 0',
        'RULERLANE 2 8 "" 0 -1 0',
        "RULERLANE 3 1 Candidates 0 -1 0",
    ]
    assert "} 0 1\n" in text  # the region's lane, counted from 1
    before = host.reaper.project.model.lanes
    host.reaper.new_project()
    again = host.reaper.open(path).model
    assert [(lane.name, lane.flags & 12, lane.hidden) for lane in again.lanes] == [
        ("", 4, False),
        ("", 8, False),
        ("Candidates", 0, True),
    ]
    assert not {lane.guid for lane in again.lanes} & {lane.guid for lane in before}


TWO_LANES = """<REAPER_PROJECT 0.1 "7.80/linux-x86_64" 0 0
  SELECTION 9 4.5
  RULERHEIGHT 86 86
  RULERLANE 1 4 "" 0 -1 0
  RULERLANE 2 8 "" 0 -1 0
  MARKER 1 1 region 5 0 1 B {11111111-1111-1111-1111-111111111111} 0 1
  MARKER 1 2 "" 5
  MARKER 1 5 marker 8 0 1 B {22222222-2222-2222-2222-222222222222} 0 2
>
"""


def test_a_project_of_7_80_has_its_lanes_flags_and_selection(make_host, tmp_path):
    (tmp_path / "p.rpp").write_text(TWO_LANES, encoding="utf-8")
    host = make_host("7.80")
    project = host.reaper.open(tmp_path / "p.rpp")
    assert (project.regions[0].lane, project.markers[0].lane, len(project.model.lanes)) == (0, 1, 2)
    assert host.value("reaper.GetSet_LoopTimeRange2(0, false, false, 0, 0, false)") == "9.0 4.5"
    project.save(tmp_path / "q.rpp")
    written = [line.strip() for line in lines(tmp_path / "q.rpp")]
    for line in TWO_LANES.splitlines()[1:8]:
        assert line.strip() in written
    old = make_host("7.0").reaper.open(tmp_path / "p.rpp")
    assert (old.model.lanes, old.model.markers[0].matrix_flags, old.model.markers[1].selected) == ([], 4, True)


def test_several_ext_state_blocks_are_one(host, tmp_path):
    block = "  <EXTSTATE\n    <{0}\n      {1}\n    >\n  >\n"
    text = (
        '<REAPER_PROJECT 0.1 "7.45" 1\n' + block.format("DOCKCFG", 'A "2.5 4"') + block.format("OTHER", "K v") + ">\n"
    )
    (tmp_path / "p.rpp").write_text(text, encoding="utf-8")
    project = host.reaper.open(tmp_path / "p.rpp")
    assert (project.ext_state("dockcfg", "a"), project.ext_state("other", "k")) == ("2.5 4", "v")
    project.save(tmp_path / "q.rpp")
    assert [one.strip() for one in lines(tmp_path / "q.rpp")].count("<EXTSTATE") == 1


def stored(path):
    """Each key of the saved ext state, and how it stands there."""
    tree = rpp.loads(path.read_text(encoding="utf-8"))
    entries = tree.find("EXTSTATE").children[0].children
    return {e[0] if isinstance(e, list) else e.attrib[0]: "line" if isinstance(e, list) else "block" for e in entries}


def test_long_values_and_values_with_newlines_are_saved_as_blocks(host, tmp_path):
    values = {
        "SHORT": "a" * 1023,
        "LONG": "a" * 1024,
        "UMLAUTS": "ü" * 512,
        "LINES": "a\nb",
        "QUOTES": "a\"b'c`d",
        "QUOTE": 'say "it"',
        "TAB": "a\tb",
        "EDGES": " a ",
    }
    project = host.reaper.project
    project.model.ext_state["S"] = dict(values)
    path = project.save(tmp_path / "p.rpp")
    assert stored(path) == dict.fromkeys(values, "line") | dict.fromkeys(
        ("LONG", "UMLAUTS", "LINES", "QUOTES"), "block"
    )
    assert list(stored(path)) == sorted(values)
    host.reaper.new_project()
    assert host.reaper.open(path).model.ext_state["S"] == values


def test_a_line_that_is_too_long_is_read_as_two(make_host, tmp_path):
    text = f'<REAPER_PROJECT 0.1 "7.45" 1\n  <EXTSTATE\n    <S\n      K "{"a" * 5000}"\n    >\n  >\n>\n'
    (tmp_path / "p.rpp").write_text(text, encoding="utf-8")
    assert len(make_host().reaper.open(tmp_path / "p.rpp").ext_state("S", "K")) == 4095 - 9
    whole = make_host(profile={"ext_state_line_limit": 0})
    assert whole.reaper.open(tmp_path / "p.rpp").ext_state("S", "K") == "a" * 5000


def test_enumerating_ext_state_cuts_values_and_sorts_keys(make_host):
    fill = 'reaper.SetProjExtState(0, "S", "Z", ("ä"):rep(3000)) reaper.SetProjExtState(0, "S", "A", "b")'
    ask = "#select(3, reaper.EnumProjExtState(0, 'S', 1)), #select(2, reaper.GetProjExtState(0, 'S', 'Z'))"
    for limit, shown in ((4096, 4096 - 1 - 2), (0, 6000)):
        host = make_host(profile={"enum_ext_state_limit": limit})
        host.lua(fill)
        assert host.value("select(2, reaper.EnumProjExtState(0, 'S', 0))") == "A b"
        assert host.value(ask) == f"{shown} 6000"


ITEM = """<REAPER_PROJECT 0.1 "7.45/win64" 1
  <TRACK
    NAME t
    MUTESOLO 0 0 1
    <ITEM
      POSITION 1
      LENGTH 2
      <NOTES
        ||begins with a pipe
      >
      NAME a
      SOFFS 4.5 9
      <SOURCE MP3
        FILE "D:\\music\\x.mp3" 1
      >
      TAKE NULL SEL
    >
    <ITEM
      POSITION 4
      LENGTH 2
      <SOURCE WAVE
        FILE "media\\x.wav"
      >
    >
  >
>
"""


def test_what_items_of_windows_projects_hold_is_kept(make_host, tmp_path):
    (tmp_path / "media").mkdir()
    soundfile.write(tmp_path / "media" / "x.wav", np.zeros(800), 8000)
    (tmp_path / "p.rpp").write_text(ITEM, encoding="utf-8")
    host = make_host(colors="bgr")
    project = host.reaper.open(tmp_path / "p.rpp")
    missing, there = project.tracks[0].items
    assert missing.model.notes == "|begins with a pipe"
    assert missing.model.takes[0].source.path == "D:\\music\\x.mp3"
    assert there.source.length_s == pytest.approx(0.1)
    host.lua("""
        local item = reaper.GetMediaItem(0, 0)
        assert(reaper.CountTakes(item) == 2 and reaper.GetActiveTake(item) == nil)
        local source = reaper.GetMediaItemTake_Source(reaper.GetTake(item, 0))
        assert(reaper.GetMediaSourceType(source) == "MP3" and reaper.GetMediaSourceLength(source) == 0)""")
    project.save(tmp_path / "q.rpp")
    written = [line.strip() for line in lines(tmp_path / "q.rpp")]
    for line in ITEM.splitlines():
        if line.strip().startswith(("|", "SOFFS", "FILE D", 'FILE "D', "<SOURCE", "TAKE", "MUTESOLO")):
            assert line.strip() in written or line.strip().replace('"', "") in written


def test_a_file_that_is_cut_off_anywhere_is_refused(make_host, tmp_path):
    reaper = make_host().reaper
    for end in range(0, len(REAL) - 2, 7):
        (tmp_path / "cut.rpp").write_text(REAL[:end], encoding="utf-8")
        with pytest.raises(InputError, match=r"cut\.rpp"):
            reaper.open(tmp_path / "cut.rpp")
    assert len(reaper.projects) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REAL + REAL, "another project begins"),
        (REAL + "garbage", "text follows"),
        (REAL + ">\n", "text follows"),
        (">\n", "closes no block"),
        ("", "it is empty"),
        ('<REAPER_PROJECT 0.1\n  NAME "abc\n>\n', "line 2: nothing closes a quoted text"),
        ("<REAPER_PROJECT 0.1\n  <TRACK\n    NAME a\n      ", "cut off: 2 blocks"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(make_host, tmp_path, text, message):
    (tmp_path / "bad.rpp").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        make_host().reaper.open(tmp_path / "bad.rpp")


def test_blank_lines_and_foreign_line_ends_do_no_harm(make_host, tmp_path):
    text = "\ufeff" + REAL.replace("\n", "\r\n   \r\n")
    (tmp_path / "p.rpp").write_bytes(text.encode())
    assert len(make_host().reaper.open(tmp_path / "p.rpp").regions) == 2


def test_what_is_no_project_is_refused(host, tmp_path):
    (tmp_path / "bad.rpp").write_text("<TRACK\n>\n", encoding="utf-8")
    (tmp_path / "torn.rpp").write_text("<REAPER_PROJECT 0.1\n  <TRACK\n", encoding="utf-8")
    for name in ("bad.rpp", "torn.rpp", "missing.rpp"):
        with pytest.raises(InputError, match=name):
            host.reaper.open(tmp_path / name)
