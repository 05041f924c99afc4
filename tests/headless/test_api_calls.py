"""Every call is checked: names, versions, counts and types; pointers are opaque and die."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.headless import ScriptFailure
from reatrieve.headless.calls import FUNCTIONS
from reatrieve.headless.listing import listing

SHARED = Path(__file__).parents[3] / "shared" / "reascript_api.json"
LUA_SIDE = {"defer", "atexit", "runloop", "new_array"}


def test_the_shipped_listing_is_the_full_one_without_extensions():
    if not SHARED.exists():
        pytest.skip("the full listing is not beside the project")
    full = {k: v for k, v in json.loads(SHARED.read_text(encoding="utf-8")).items() if not v.get("extension")}
    assert set(listing()) == set(full)
    for name, entry in full.items():
        ours = listing()[name]
        wanted = [(a["name"], a["type"], bool(a.get("optional"))) for a in entry["args"]]
        assert [(a.name, a.type, a.optional) for a in ours.arguments] == wanted, name
        assert list(ours.returns) == [r["type"] for r in entry["returns"]], name


def test_every_implementation_is_in_the_listing(host):
    own = {name for name in FUNCTIONS if name.startswith("socket.") or name == "print"}
    assert set(FUNCTIONS) - own <= set(listing())


@pytest.mark.parametrize(
    ("version", "name", "there"),
    [
        ("6.83", "GetRegionOrMarker", False),
        ("7.0", "GetRegionOrMarker", False),
        ("7.62", "GetRegionOrMarker", True),
        ("7.62", "AddRegionOrMarker", False),
        ("7.72", "AddRegionOrMarker", True),
        ("6.83", "set_action_options", False),
        ("7.0", "set_action_options", False),
        ("7.03", "set_action_options", True),
        ("7.71", "AddRegionOrMarker", False),
        ("6.00", "GetSetProjectInfo_String", True),
        ("6.00", "ValidatePtr2", True),
        ("7.72", "SNM_GetIntConfigVar", False),
        ("7.72", "NoSuchFunction", False),
    ],
)
def test_functions_exist_from_their_version_on(make_host, version, name, there):
    host = make_host(version)
    assert host.value(f"reaper.APIExists('{name}'), reaper.{name} ~= nil") == f"{there} {there}".lower()


def test_extensions_are_absent_unless_installed(make_host):
    said = []
    host = make_host(extensions={"osara_outputMessage": said.append, "Twice": lambda number: (number, 2 * number)})
    host.lua("""
        assert(reaper.APIExists("osara_outputMessage") and not reaper.APIExists("SNM_SetIntConfigVar"))
        reaper.osara_outputMessage("hé")
        assert(select(2, reaper.Twice(4)) == 8)""")
    assert said == ["hé"]


def test_api_exists_agrees_with_the_table_for_every_name(host):
    names = ",".join(f"'{name}'" for name in listing() if "." not in name)
    host.lua(f"""
        for _, name in ipairs {{ {names} }} do
          assert(reaper.APIExists(name) == (reaper[name] ~= nil), name)
        end""")


def test_lua_version_follows_the_reaper_version(host):
    assert host.value("_VERSION") == ("Lua 5.3" if host.version.startswith("6.") else "Lua 5.4")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("reaper.EnumProjectMarkers3(0)", "integer expected, got nil"),
        ("reaper.GetExtState('a', true)", "string expected, got boolean"),
        ("reaper.SetExtState('a', 'b', 'c', 'true')", "boolean expected, got string"),
        ("reaper.GetTrack(0, 1.5)", "no integer representation"),
        ("reaper.GetTrack(0, '1')", "integer expected, got string"),
        ("reaper.GetTrack('0', 1)", "ReaProject expected, got string"),
        ("reaper.CountTrackMediaItems(nil)", "MediaTrack expected, got nil"),
        ("reaper.CountTrackMediaItems((reaper.EnumProjects(-1)))", "MediaTrack expected, got ReaProject"),
        ("reaper.GetTrack(0, 2^40)", "32 bits"),
        ("reaper.defer()", "1 argument expected, got 0"),
        ("reaper.defer(3)", "function expected, got number"),
        ("reaper.DockWindowRefresh()", "does not implement it"),
        ("reaper.NoSuchFunction()", "NoSuchFunction"),
        ("gfx.rect(1, 2, 3)", "number expected, got nil"),
        ("gfx.drawstr({})", "string expected, got table"),
    ],
)
def test_wrong_calls_are_lua_errors_at_the_line_of_the_script(make_host, call, message):
    host = make_host()
    with pytest.raises(ScriptFailure, match=message) as failure:
        host.lua(f"local x = 1\n{call}")
    assert "script 1.lua:2:" in str(failure.value)
    assert len(host.reaper.errors) == 1


@pytest.mark.parametrize(
    ("call", "note"),
    [
        ("reaper.EnumProjectMarkers3(0, 1, 2)", "2 arguments expected, got 3"),
        ("reaper.SetExtState('a', 'b', 5, false)", "argument #3 (value) should be a string"),
        ("reaper.SetExtState('a', 'b', 'c', 1)", "argument #4 (persist) should be a boolean"),
        ("reaper.SetExtState('a', 'b', 'c')", "4 arguments expected, got 3"),
        ("reaper.CountTracks(1)", "argument #1 (proj) should be a ReaProject"),
        ("reaper.GetExtState('a\\0b', 'c')", "argument #1 (section) should be a string"),
        ("gfx.drawstr(7)", "argument #1 (str) should be a string"),
        ("reaper.GetSetProjectInfo(0, 'NO_SUCH_NAME', 0, false)", "no REAPER is known to have 'NO_SUCH_NAME'"),
    ],
)
def test_what_reaper_takes_beyond_its_help_is_noted_of_our_own_scripts(make_host, call, note):
    host = make_host(argument_checks="own")
    host.lua(call)
    assert host.reaper.misuse == []
    host.reaper.run(host.write(call, "ReaTrieve_own.lua"))
    assert host.reaper.errors == []
    assert [text for text in host.reaper.misuse if note in text] == host.reaper.misuse[:1] != []


def test_misuse_is_recorded_also_when_the_script_catches_it(host):
    host.lua("assert(not pcall(reaper.GetTrack, 0))")
    assert host.reaper.errors == []
    assert len(host.reaper.misuse) == 1
    assert "GetTrack" in host.reaper.misuse[0]


def test_numbers_come_back_as_the_listing_types_them(host):
    host.lua("""
        assert(math.type(reaper.CountTracks(0)) == "integer")
        assert(math.type(reaper.GetCursorPosition()) == "float")
        assert(reaper.CountTracks() == 0 and reaper.CountTracks(nil) == 0)
        assert(reaper.GetTrack(0, 2.0) == nil)""")


def test_pointers_are_opaque_equal_and_usable_as_keys(host):
    host.reaper.project.add_track("a")
    host.lua("""
        local track = reaper.GetTrack(0, 0)
        assert(type(track) == "userdata")
        assert(track == reaper.GetTrack(0, 0) and rawequal(track, reaper.GetSelectedTrack(0, 0)))
        local seen = { [track] = "yes" }
        assert(seen[reaper.GetTrack(0, 0)] == "yes")
        assert(not pcall(function() return track.name end))
        assert(track ~= reaper.GetMasterTrack(0))
        assert(tostring(track):match("^userdata"))""")


def test_pointers_die_with_what_they_point_to(host):
    host.reaper.project.add_track("a")
    host.lua("""
        local track = reaper.GetTrack(0, 0)
        local item = reaper.AddMediaItemToTrack(track)
        assert(reaper.ValidatePtr(track, "MediaTrack*") and not reaper.ValidatePtr(track, "MediaItem*"))
        assert(reaper.ValidatePtr2(0, item, "MediaItem*") and not reaper.ValidatePtr(nil, "MediaItem*"))
        reaper.DeleteTrack(track)
        assert(not reaper.ValidatePtr(track, "MediaTrack*") and not reaper.ValidatePtr2(0, item, "MediaItem*"))
        local ok, message = pcall(reaper.CountTrackMediaItems, track)
        assert(not ok and message:match("is gone"), message)""")


def test_pointers_of_a_closed_tab_are_dead_and_those_of_another_tab_foreign(host):
    first = host.reaper.project
    first.add_track("a")
    second = host.reaper.new_project()
    host.reaper.run(
        host.write("""
        local first, second = reaper.EnumProjects(0), reaper.EnumProjects(1)
        assert(reaper.EnumProjects(2) == nil and reaper.EnumProjects(-1) == second)
        local track = reaper.GetTrack(first, 0)
        local function later()
          if reaper.GetExtState("test", "closed") == "" then return reaper.defer(later) end
          assert(not reaper.ValidatePtr(first, "ReaProject*") and reaper.ValidatePtr(second, "ReaProject*"))
          assert(not reaper.ValidatePtr2(second, track, "MediaTrack*"))
          assert(not reaper.ValidatePtr2(first, track, "MediaTrack*"))
          assert(not pcall(reaper.CountTracks, first))
          reaper.SetExtState("test", "done", "yes", false)
        end
        assert(reaper.ValidatePtr2(first, track, "MediaTrack*"))
        assert(not reaper.ValidatePtr2(second, track, "MediaTrack*"))
        later()""")
    )
    first.close()
    assert not first.is_open
    assert second.is_open
    host.reaper.set_ext_state("test", "closed", "yes")
    host.reaper.tick(2)
    assert host.reaper.ext_state("test", "done") == "yes"


def test_arrays_have_their_methods_in_both_spellings(host):
    host.lua("""
        local array = reaper.new_array(8)
        assert(#array == 8 and array.get_alloc() == 8 and array[8] == 0)
        array[2] = 3
        assert(array.table(2, 2)[1] == 3 and array:table()[2] == 3)
        array.copy({ 5, 6 }, 1, 2, 4)
        assert(array[4] == 5 and array[5] == 6)
        array.clear(1, 5, 2)
        assert(array[5] == 1 and array[6] == 1 and array[4] == 5)
        array.resize(4)
        assert(#array == 4)
        local from = reaper.new_array({ 1, 0, 0, 0, 0, 0, 0, 0 })
        from.fft_real(8)
        assert(math.abs(from[3] - 2) < 1e-9)
        from.ifft_real(8)
        assert(math.abs(from[1] - 16) < 1e-9)
        assert(not pcall(function() return array[5] end) and not pcall(function() array[0] = 1 end))
        assert(not pcall(reaper.new_array, 0) and not pcall(reaper.new_array, 2 ^ 30))
        local pairs_ = reaper.new_array({ 1, 0, 0, 0, 0, 0, 0, 0 })
        pairs_.fft(4)
        assert(pairs_[3] == 1 and pairs_[4] == 0)""")


LITERALS = {
    "ReaProject": "0",
    "MediaTrack": "track",
    "MediaItem": "item",
    "MediaItem_Take": "take",
    "PCM_source": "source",
    "TrackEnvelope": "envelope",
    "AudioAccessor": "reaper.CreateTrackAudioAccessor(track)",
    "ProjectMarker": "reaper.GetRegionOrMarker(0, 0, '')",
    "KbdSectionInfo": "reaper.SectionFromUniqueID(0)",
    "HWND": "nil",
    "IReaperControlSurface": "nil",
    "identifier": "track",
    "integer": "1",
    "number": "1.5",
    "boolean": "true",
    "string": "'x'",
    "reaper.array": "reaper.new_array(16)",
    "table": "{ 1, 2, 3 }",
    "any": "1",
}
NAMED = {
    "parmname": {"track": "I_SELECTED", "MediaTrack": "I_SELECTED", "item": "D_LENGTH", "take": "D_VOL"},
    "parameterName": {"regionOrMarker": "D_STARTPOS"},
}


@pytest.mark.parametrize(("chosen", "flag"), [("1", "true"), ("0", "false"), ("-1", "true"), ("3", "false")])
def test_every_function_takes_what_the_listing_says_and_gives_what_it_promises(
    make_host, tmp_path, monkeypatch, chosen, flag
):
    monkeypatch.chdir(tmp_path)  # some functions write files
    host = make_host(strict=False, profile={"largest_array": 4096})
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(8000), 8000)
    calls = []
    for name in sorted(set(FUNCTIONS) & set(listing())):
        if name.startswith("reaper.array"):
            continue
        entry = listing()[name]
        words = []
        for argument in entry.arguments:
            if argument.name == "...":
                break
            literal = LITERALS[argument.type.split("|")[0]]
            if argument.type == "integer":
                literal = chosen
            if argument.type == "boolean":
                literal = flag
            if argument.name in NAMED:
                literal = (
                    "'" + next((v for k, v in NAMED[argument.name].items() if k in str(entry.arguments)), "x") + "'"
                )
            words.append(literal)
        full = name if name.startswith("gfx.") else f"reaper.{name}"
        calls.append(f'probe("{name}", {len(entry.returns)}, function() return {full}({", ".join(words)}) end)')
    host.reaper.project.add_region(1, 2)
    blocks = "\n".join(calls)
    host.lua(f"""
        gfx.init("w", 20, 20)
        local track, item, take, source, envelope
        local function probe(name, returns, func)
          reaper.InsertTrackAtIndex(0, false)
          track = reaper.GetTrack(0, 0)
          item = reaper.AddMediaItemToTrack(track)
          take = reaper.AddTakeToMediaItem(item)
          source = reaper.PCM_Source_CreateFromFile([[{path}]])
          reaper.SetMediaItemTake_Source(take, source)
          envelope = nil
          local values = table.pack(pcall(func))
          if values[1] then assert(values.n == returns + 1, name .. " gave " .. values.n - 1) end
        end
        {blocks}""")
    assert [error.message for error in host.reaper.errors] == ["x"]  # what ReaScriptError was given
    assert [text for text in host.reaper.misuse if "host itself failed" in text] == []
