"""Where the headless host and the project files differ from REAPER: what is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.headless import Reaper
from reatrieve.sync.rpp_project import read_rpp
from signals import noise, write_sound

# undo -----------------------------------------------------------------------------------------------------------------

MARKER = 'reaper.AddProjectMarker2(0, false, 2, 0, "m", -1, 0)'
ACTION = "reaper.Main_OnCommand(40157, 0)"  # Markers: Insert marker at current position


@pytest.mark.parametrize(
    ("source", "points"),
    [
        pytest.param("local x = 1", [], id="nothing changed"),
        pytest.param(MARKER, ["ReaScript: Run"], id="changed"),
        pytest.param(
            'reaper.Undo_BeginBlock2(0) reaper.Undo_EndBlock2(0, "empty", -1)',
            [],
            id="empty block",
        ),
        pytest.param(
            f"reaper.Undo_BeginBlock2(0) {MARKER}",
            ["ReaScript: Run"],
            id="block left open",
        ),
        pytest.param(
            f'reaper.Undo_BeginBlock() {ACTION} {ACTION} reaper.Undo_EndBlock("two markers", 0)',
            ["two markers"],
            id="flags 0 around actions",
        ),
        pytest.param(
            f'reaper.Undo_BeginBlock() {MARKER} reaper.Undo_OnStateChange("inner") reaper.Undo_EndBlock("outer", -1)',
            ["outer"],
            id="state change inside a block",
        ),
        pytest.param(
            f'reaper.Undo_BeginBlock() {ACTION} reaper.Undo_EndBlock("outer", -1)',
            ["outer"],
            id="action inside a block",
        ),
        pytest.param(ACTION, ["Insert marker"], id="action alone"),
        pytest.param(
            f'reaper.Undo_BeginBlock() reaper.Undo_BeginBlock() {MARKER} reaper.Undo_EndBlock("in", -1) '
            'reaper.Undo_EndBlock("out", -1)',
            ["out"],
            id="nested blocks",
        ),
    ],
)
def test_undo_points_are_those_that_reaper_makes(lua_host: Any, source: str, points: list[str]) -> None:
    lua_host.run(source, "case.lua")
    assert lua_host.errors == []
    assert lua_host.undo_history == points


def test_one_undo_takes_a_block_with_flags_zero_back(lua_host: Any) -> None:
    lua_host.run(f'reaper.Undo_BeginBlock() {ACTION} {ACTION} reaper.Undo_EndBlock("two markers", 0)')
    assert len(lua_host.reaper.project.markers) == 2 or lua_host.errors
    lua_host.reaper.project.undo()
    assert lua_host.reaper.project.markers == []


def test_time_selection_and_loop_are_linked_on_a_fresh_installation(lua_host: Any) -> None:
    lua_host.run("reaper.GetSet_LoopTimeRange2(0, true, false, 1, 2, false)")
    assert lua_host.reaper.project.model.loop_points == (1.0, 2.0)


# functions ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def item_host(lua_host: Any, tmp_path: Path) -> Any:
    """A host with one track, one item of 4 s, one region."""
    path = write_sound(tmp_path / "t.wav", noise(4 * 8000), 8000)
    lua_host.reaper.project.add_track("t").add_item(path, position_s=0)
    lua_host.reaper.project.add_region(1, 2, "r")
    return lua_host


ITEM = "local item = reaper.GetMediaItem(0, 0) local take = reaper.GetActiveTake(item)"


def test_a_split_keeps_the_notes_on_both_halves(item_host: Any) -> None:
    item_host.run(
        f'{ITEM} reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "hello", true) '
        "local right = reaper.SplitMediaItem(item, 1) "
        'local _, notes = reaper.GetSetMediaItemInfo_String(right, "P_NOTES", "", false) '
        'reaper.SetExtState("t", "notes", notes, false)'
    )
    assert item_host.errors == []
    assert item_host.reaper.ext_state("t", "notes") == "hello"


def test_a_split_keeps_the_stretch_markers(item_host: Any) -> None:
    item_host.run(
        f"{ITEM} reaper.SetTakeStretchMarker(take, -1, 0.5, 0.5) reaper.SetTakeStretchMarker(take, -1, 2.5, 2.4) "
        "local right = reaper.SplitMediaItem(item, 1) "
        'reaper.SetExtState("t", "n", tostring(reaper.GetTakeNumStretchMarkers(reaper.GetActiveTake(right))), false)'
    )
    assert item_host.errors == []
    assert int(item_host.reaper.ext_state("t", "n")) >= 1


def test_a_script_may_replace_a_global_library_of_lua(item_host: Any) -> None:
    try:
        item_host.run("debug = function() end\nreaper.defer(function() end)")
    except Exception as error:
        raise AssertionError("the host went down") from error
    assert item_host.errors == []


@pytest.mark.parametrize(
    ("function", "source"),
    [
        ("SetProjExtState", 'reaper.SetProjExtState(0, "a", "b", 5)'),
        ("SetExtState", 'reaper.SetExtState("a", "b", 5, false)'),
        ("ShowConsoleMsg", "reaper.ShowConsoleMsg(5)"),
        ("GetSet_LoopTimeRange", "reaper.GetSet_LoopTimeRange(0, 0, 0, 0, 0)"),
        ("CountSelectedTracks", "reaper.CountSelectedTracks()"),
        ("GetMediaSourceType", f'{ITEM} reaper.GetMediaSourceType(reaper.GetMediaItemTake_Source(take), "", 1)'),
    ],
)
def test_loose_arguments_are_a_lint_and_stop_nothing(item_host: Any, function: str, source: str) -> None:
    for name in ("another.lua", "ReaTrieve_own.lua"):  # noted of our own scripts only
        assert item_host.reaper.misuse == []
        item_host.run(f'{source} reaper.SetExtState("t", "came", "{name}", false)', name)
        assert item_host.errors == []
        assert item_host.reaper.ext_state("t", "came") == name
    assert len(item_host.reaper.misuse) == 1
    assert function in item_host.reaper.misuse[0]


# project files --------------------------------------------------------------------------------------------------------

HEAD = '<REAPER_PROJECT 0.1 "7.45/win64" 1765000000\n'


def with_source(source: str) -> str:
    return (
        f"{HEAD}  <TRACK\n    NAME t\n    <ITEM\n      POSITION 1\n      LENGTH 2\n      NAME a\n      SOFFS 0\n"
        f"      PLAYRATE 1 1 0 -1 0 0.0025\n{source}    >\n  >\n>\n"
    )


def opened_and_saved(folder: Path, text: str, version: str = "7.45") -> str:
    path = folder / "in.rpp"
    path.write_text(text, encoding="utf-8")
    with Reaper(version, clock="simulated", scripts=folder, colors="bgr", home=folder / "reaper") as reaper:
        return str(reaper.open(path).save(folder / "out.rpp").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(
            f'{HEAD}  MARKER 1 1 a 5 0 1 R {{00000000-0000-0000-0000-000000000001}} 0\n  MARKER 1 2 "" 5\n>\n',
            ["MARKER 1 1 a 5"],
            id="region flag 4",
        ),
        pytest.param(
            f'{HEAD}  <EXTSTATE\n    <DOCKCFG\n      a "2.5 4"\n    >\n  >\n  <EXTSTATE\n    <OTHER\n      k v\n    >\n'
            "  >\n>\n",
            ["<DOCKCFG", 'a "2.5 4"', "<OTHER", "k v"],
            id="two EXTSTATE blocks",
        ),
        pytest.param(
            with_source('      <SOURCE WAVE\n        FILE "a.wav"\n      >\n').replace("SOFFS 0", "SOFFS 4.5 9"),
            ["SOFFS 4.5 9"],
            id="second value of SOFFS",
        ),
        pytest.param(
            f"{HEAD}  <TRACK\n    NAME t\n    <ITEM\n      POSITION 1\n      LENGTH 2\n      <NOTES\n"
            "        || begins with a pipe\n      >\n    >\n  >\n>\n",
            ["|| begins with a pipe"],
            id="note that begins with a pipe",
        ),
        pytest.param(
            with_source('      <SOURCE MP3\n        FILE "x.mp3" 1\n      >\n'),
            ["<SOURCE MP3", 'FILE "x.mp3" 1'],
            id="type of an mp3 source",
        ),
        pytest.param(
            with_source('      <SOURCE WAVE\n        FILE "D:\\music\\x.wav" 1\n      >\n'),
            ['FILE "D:\\music\\x.wav" 1'],
            id="Windows path",
        ),
    ],
)
def test_what_the_host_does_not_use_is_written_as_it_was_read(tmp_path: Path, text: str, kept: list[str]) -> None:
    written = opened_and_saved(tmp_path, text)
    assert [line for line in kept if line not in written] == []


def opened_by_the_host(path: Path) -> None:
    with Reaper("7.45", clock="simulated", scripts=path.parent, home=path.parent / "reaper") as reaper:
        reaper.open(path)


@pytest.mark.parametrize("reader", [opened_by_the_host, read_rpp])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            f"{HEAD}  UNDO_FTS 1\n>\n{HEAD}  UNDO_FTS 2\n>\n",
            r"(two|second|several|more than one|another) .*(project|save)",
            id="rpp-bak of two saves",
        ),
        pytest.param(
            f'{HEAD}  <TRACK\n    NAME "abc\n', r"cut off|truncated|ends|not whole|incomplete", id="cut off in a string"
        ),
    ],
)
def test_a_damaged_project_is_told_in_plain_words(
    tmp_path: Path, reader: Callable[[Path], object], text: str, said: str
) -> None:
    path = tmp_path / "damaged.rpp"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        reader(path)
    assert "token=" not in str(error.value)
    assert "damaged.rpp" in str(error.value)
    assert re.search(said, str(error.value))


@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(opened_by_the_host),
        read_rpp,
    ],
)
def test_a_last_line_of_blanks_is_no_crash(tmp_path: Path, reader: Callable[[Path], object]) -> None:
    path = tmp_path / "blanks.rpp"
    path.write_text('<REAPER_PROJECT 0.1 "7.45" 1\n  <TRACK\n    NAME a\n     ', encoding="utf-8")
    with suppress(InputError):  # one sentence is right, too
        reader(path)


TWO_LANES = """<REAPER_PROJECT 0.1 "7.80/linux-x86_64" 0 0
  SELECTION 4.5 9
  SELECTION2 4.5 9
  TEMPO 120 4 4 0
  RULERHEIGHT 86 86
  RULERLANE 1 4 "" 0 -1 0
  RULERLANE 2 8 "" 0 -1 0
  MARKER 1 1 "region" 1 0 1 B {11111111-1111-1111-1111-111111111111} 0 1
  MARKER 1 2 "" 1
  MARKER 1 5 "marker" 0 0 1 B {22222222-2222-2222-2222-222222222222} 0 2
  <PROJBAY
  >
>
"""
LANES = """
local said = {string.format("%d lanes", reaper.GetSetProjectInfo(0, "RULER_LANE_COUNT", 0, false))}
for i = 0, 1 do
  local one = reaper.GetRegionOrMarker(0, i, "")
  local _, name = reaper.GetSetRegionOrMarkerInfo_String(0, one, "P_NAME", "", false)
  said[#said + 1] = string.format("%s in %d", name, reaper.GetRegionOrMarkerInfo_Value(0, one, "I_LANENUMBER"))
end
reaper.SetExtState("t", "said", table.concat(said, ", "), false)
"""
EDGES = """
local one = reaper.GetRegionOrMarker(0, 0, "")
reaper.SetRegionOrMarkerInfo_Value(0, one, "D_STARTPOS", 9)
reaper.SetExtState("t", "said", string.format("%g-%g", reaper.GetRegionOrMarkerInfo_Value(0, one, "D_STARTPOS"),
  reaper.GetRegionOrMarkerInfo_Value(0, one, "D_ENDPOS")), false)
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            LANES,
            "2 lanes, region in 0, marker in 1",
            id="lanes",
        ),
        pytest.param(EDGES, "2-9", id="edges"),
    ],
)
def test_the_two_lanes_of_a_project_of_7_80(lua_host: Any, tmp_path: Path, source: str, said: str) -> None:
    path = tmp_path / "two lanes.rpp"
    path.write_text(TWO_LANES, encoding="utf-8")
    lua_host.reaper.open(path)
    lua_host.run(source)
    assert lua_host.errors == []
    assert lua_host.reaper.ext_state("t", "said") == said


def test_the_two_lanes_of_a_project_of_7_80_are_written_as_they_were(tmp_path: Path) -> None:
    def lines(text: str) -> list[str]:
        return [" ".join(line.split()[:2]) for line in text.splitlines() if "RULERLANE" in line]

    assert lines(opened_and_saved(tmp_path, TWO_LANES, "7.72")) == lines(TWO_LANES)


# two readers of projects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0, 2, 3])
def test_both_readers_of_projects_read_a_section_alike(tmp_path: Path, mode: int) -> None:
    write_sound(tmp_path / "a.wav", noise(20 * 8000), 8000)
    source = (
        f"      <SOURCE SECTION\n        LENGTH 2\n        MODE {mode}\n        STARTPOS 1\n        OVERLAP 0.01\n"
        '        <SOURCE WAVE\n          FILE "a.wav"\n        >\n      >\n'
    )
    path = tmp_path / "p.rpp"
    path.write_text(with_source(source), encoding="utf-8")
    ours = read_rpp(path).tracks[0].items[0]
    with Reaper(clock="simulated", scripts=tmp_path, home=tmp_path / "reaper") as reaper:
        theirs = reaper.open(path).tracks[0].items[0].model.take.source
        assert ours.reverse == theirs.reverse
        section = (ours.section_start_s, ours.section_length_s)
        length_s = 0.0 if mode == 3 else theirs.length_s  # no section: the whole file
        assert np.allclose(section, (getattr(theirs, "offset_s", 0.0), length_s))
