"""How scripts run: defer, exit, errors, starting again, ids, context, dialogs and the limits of a step."""

from __future__ import annotations

import pytest

from reatrieve.errors import InputError
from reatrieve.headless import HostOptions, Reaper, ScriptFailure
from reatrieve.headless.calls import FUNCTIONS
from reatrieve.headless.profile import both_ways

COUNTER = """
    local n = 0
    local function loop()
      n = n + 1
      reaper.SetExtState("test", "n", tostring(n), false)
      reaper.defer(loop)
    end
    reaper.atexit(function() reaper.SetExtState("test", "end", "after " .. n, false) end)
    loop()"""


def test_deferred_functions_run_once_a_tick(host):
    script = host.reaper.run(host.write(COUNTER, "count.lua"))
    assert host.reaper.ext_state("test", "n") == "1"
    host.reaper.tick(5)
    assert host.reaper.ext_state("test", "n") == "6"
    assert host.reaper.is_running("count.lua")
    script.finish()
    assert host.reaper.ext_state("test", "end") == "after 6"
    assert host.reaper.running == []


def test_exit_functions_run_at_the_end_after_an_error_and_when_reaper_quits(make_host):
    host = make_host(strict=False)
    host.lua("reaper.atexit(function() reaper.SetExtState('test', 'a', 'x', false) end)")
    assert host.reaper.ext_state("test", "a") == "x"
    host.lua("""
        reaper.atexit(function() reaper.SetExtState('test', 'b', 'x', false) end)
        reaper.defer(function() error('e') end)""")
    host.reaper.tick()
    assert host.reaper.ext_state("test", "b") == "x"
    host.reaper.run(host.write(COUNTER))
    host.reaper.close()
    assert host.reaper.ext_state("test", "end") == "after 1"


def test_an_error_ends_the_script_and_comes_with_its_traceback(make_host):
    host = make_host()
    with pytest.raises(ScriptFailure, match=r"script 1\.lua:2: oh no"):
        host.lua("local function f()\n error('oh no')\nend\nreaper.defer(f)", ticks=3)
    assert "stack traceback" in host.reaper.errors[0].message
    assert host.reaper.running == []
    with pytest.raises(ScriptFailure, match="near"):
        host.lua("this is no Lua")


def test_ctrl_c_in_a_call_ends_the_step_though_the_script_catches_errors(host, monkeypatch):
    def press(call):
        monkeypatch.undo()  # once
        raise KeyboardInterrupt

    monkeypatch.setitem(FUNCTIONS, "time_precise", press)
    with pytest.raises(KeyboardInterrupt):
        host.lua("pcall(reaper.time_precise)")
    host.lua("reaper.SetExtState('test', 'later', tostring(reaper.time_precise() > 0), false)")
    assert host.reaper.ext_state("test", "later") == "true"


def test_a_round_of_deferred_functions_leaves_new_ones_for_the_next(host):
    host.lua("""
        local order = {}
        local function say(text)
          order[#order + 1] = text
          reaper.SetExtState("test", "order", table.concat(order), false)
        end
        reaper.defer(function() say("a") reaper.defer(function() say("c") end) end)
        reaper.defer(function() say("b") end)""")
    host.reaper.tick()
    assert host.reaper.ext_state("test", "order") == "ab"
    host.reaper.tick()
    assert host.reaper.ext_state("test", "order") == "abc"


def test_each_run_has_its_own_lua_state(host):
    path = host.write("assert(leaked == nil) leaked = true")
    host.reaper.run(path)
    host.reaper.run(path)


def test_a_running_script_asks_unless_it_said_what_to_do(make_host):
    host = make_host()
    path = host.write(COUNTER)
    host.reaper.run(path)
    host.reaper.tick()
    host.reaper.answer("new")
    host.reaper.run(path)
    assert len(host.reaper.running) == 2
    host.reaper.tick()
    host.reaper.answer("terminate", "terminate")
    host.reaper.run(path)
    assert [dialog.kind for dialog in host.reaper.dialogs] == ["task", "task"]


def test_action_options_end_or_restart_the_running_script(make_host):
    host = make_host()
    path = host.write("reaper.set_action_options(1 | 2 | 4)" + COUNTER)
    host.reaper.run(path)
    host.reaper.tick(3)
    host.reaper.run(path)
    assert len(host.reaper.running) == 1
    assert host.reaper.ext_state("test", "n") == "1"
    command = host.reaper.action(path).command
    assert host.value(f"reaper.GetToggleCommandState({command})") == "1"
    stopper = host.write("reaper.set_action_options(1)" + COUNTER)
    host.reaper.run(stopper)
    assert host.reaper.run(stopper) is None


def test_ids_names_and_contexts(host):
    path = host.write(
        """
        local is_new, filename, section, command, mode, resolution, value, context = reaper.get_action_context()
        reaper.SetExtState("test", "context", tostring(context), false)
        assert(filename:match("own id%.lua$") and section == 0)
        local id = reaper.ReverseNamedCommandLookup(command)
        assert(id:match("^RS%x+$") and reaper.NamedCommandLookup("_" .. id) == command)
        assert(reaper.NamedCommandLookup("_RSnothing") == 0 and reaper.ReverseNamedCommandLookup(40029) == nil)
        reaper.SetExtState("test", "id", id, false)""",
        "own id.lua",
    )
    host.reaper.run(path, osc="/reatrieve/accept:s=token")
    assert host.reaper.ext_state("test", "context") == "osc:/reatrieve/accept:s=token"
    first = host.reaper.ext_state("test", "id")
    host.reaper.run(path)
    assert host.reaper.ext_state("test", "id") == first


def test_a_script_registers_and_starts_another(host):
    other = host.write(
        "reaper.SetExtState('test', 'other', reaper.GetExtState('test', 'other') .. 'x', false)", "other.lua"
    )
    host.lua(f"""
        local command = reaper.AddRemoveReaScript(true, 0, [[{other}]], true)
        assert(command > 0 and command == reaper.AddRemoveReaScript(true, 0, [[{other}]], true))
        reaper.Main_OnCommandEx(command, 0, 0)
        reaper.Main_OnCommand(command, 0)
        assert(reaper.GetExtState("test", "other") == "xx")
        assert(reaper.AddRemoveReaScript(true, 0, [[{other}.missing]], true) == 0)
        assert(not pcall(reaper.Main_OnCommand, 12345, 0))""")


def test_require_and_debug_find_the_script_s_folder(host):
    (host.scripts / "lib").mkdir()
    (host.scripts / "lib" / "thing.lua").write_text("return { answer = 42 }", encoding="utf-8")
    host.lua("""
        local here = debug.getinfo(1, "S").source:match("^@?(.*[/\\\\])")
        package.path = here .. "lib/?.lua;" .. package.path
        assert(require("thing").answer == 42)
        assert(io.open and os.time and utf8 and string.pack and python == nil)
        assert(package.loaded.python == nil)""")


def test_scripts_see_the_environment_that_the_host_gives(make_host, monkeypatch):
    monkeypatch.setenv("REATRIEVE_TEST_HIDDEN", "real")
    host = make_host(environment={"REATRIEVE_HOME": "/é", "REATRIEVE_TEST_HIDDEN": None})
    host.lua("assert(os.getenv('REATRIEVE_HOME') == '/é' and os.getenv('REATRIEVE_TEST_HIDDEN') == nil)")
    host.lua("assert(os.getenv('PATH') ~= nil and not pcall(os.exit))")


def test_a_script_that_blocks_is_stopped(make_host):
    host = make_host(longest_step_s=0.2)
    with pytest.raises(ScriptFailure, match="blocked REAPER for more than"):
        host.lua("while true do end")


def test_time_is_simulated_or_real(make_host):
    host = make_host()
    host.lua(
        """
        local start = reaper.time_precise()
        reaper.defer(function() assert(math.abs(reaper.time_precise() - start - 1 / 31) < 1e-9) end)""",
        ticks=1,
    )
    real = make_host(clock="real", tick_hz=500.0)
    real.lua(
        """
        local start, n = reaper.time_precise(), 0
        local function loop()
          n = n + 1
          if n < 20 then return reaper.defer(loop) end
          local passed = reaper.time_precise() - start
          assert(passed > 0.02 and passed < 2, passed)
        end
        loop()""",
        ticks=25,
    )


def test_dialogs_need_answers_and_are_recorded(make_host):
    host = make_host(strict=False)
    host.reaper.answer("yes", ["a", "b"], None, lambda text: 4 if "Sure" in text else 2)
    host.lua("""
        assert(reaper.MB("Question", "Title", 4) == 6)
        local ok, values = reaper.GetUserInputs("Inputs", 2, "one,two", "x,y")
        assert(ok and values == "a,b")
        ok, values = reaper.GetUserInputs("Inputs", 2, "one,two", "x,y")
        assert(not ok and values == "x,y")
        assert(reaper.ShowMessageBox("Sure?", "", 5) == 4)""")
    assert host.reaper.errors == []
    assert [(dialog.kind, dialog.title) for dialog in host.reaper.dialogs][:2] == [
        ("box", "Title"),
        ("inputs", "Inputs"),
    ]
    host.lua("reaper.MB('Unexpected', 't', 0)")
    assert "nobody answers" in host.reaper.errors[0].message
    assert host.reaper.unused_answers == 0


def test_what_the_user_can_read_is_recorded(host):
    host.lua("""
        reaper.Help_Set("one", false) reaper.Help_Set("two", true)
        reaper.TrackCtl_SetToolTip("tip", 1, 2, true)
        reaper.ShowConsoleMsg("noise") print("a", 1)""")
    status = host.reaper.status
    assert (status.help_line, status.help_history) == ("two", ["one", "two"])
    assert (status.tooltip, status.console, status.printed) == ("tip", ["noise"], ["a\t1"])


def test_actions_are_found_by_description_file_or_path(make_host, tmp_path):
    host = make_host()
    host.write(
        "-- @description ReaTrieve: Do the thing\nreaper.SetExtState('test', 'x', '1', false)", "ReaTrieve_Thing.lua"
    )
    host.write("-- @noindex\n", "ReaTrieve_Other thing.lua")
    with Reaper(scripts=host.scripts, clock="simulated") as reaper:
        assert reaper.action("do the thing") is reaper.action("ReaTrieve_Thing.lua") is reaper.action("Thing")
        assert reaper.action("Other").path.name == "ReaTrieve_Other thing.lua"
        with pytest.raises(InputError, match="Do the thing"):
            reaper.action("nothing")
        reaper.bind("a", "Do the thing")
        reaper.press("a")
        assert reaper.ext_state("test", "x") == "1"
        with pytest.raises(InputError, match="nothing is bound"):
            reaper.press("b")
        with pytest.raises(TimeoutError, match="not within"):
            reaper.until(lambda: False, timeout_s=0.01)


def test_bad_parameters_name_the_choices():
    with pytest.raises(InputError, match=r"'5\.3', '5\.4'"):
        Reaper(lua="5.1")
    with pytest.raises(InputError, match="bad REAPER version"):
        Reaper(version="seven")


def test_a_missing_interpreter_is_named(make_host):
    host = make_host(engine="lua0.0")
    with pytest.raises(InputError, match=r"no Lua interpreter 'lua0\.0'"):
        host.lua("")


TICKING = """
    local function loop()
      reaper.SetExtState("test", "ticks", tostring((tonumber(reaper.GetExtState("test", "ticks")) or 0) + 1), false)
      reaper.defer(loop)
    end
    loop()"""


@pytest.mark.parametrize(("stops", "ticks"), [(True, 1), (False, 1 + 20)])
def test_a_dialog_stops_every_script(make_host, stops, ticks):
    host = make_host(tick_hz=10.0, profile={"dialogs_stop_defer": stops})
    host.reaper.run(host.write(TICKING, "ticking.lua"))
    host.reaper.answer("ok", after_s=2.0)
    host.lua("""
        local before = reaper.time_precise()
        reaper.MB("Wait", "", 0)
        assert(math.abs(reaper.time_precise() - before - 2) < 1e-9)""")
    assert host.reaper.ext_state("test", "ticks") == str(ticks)


def test_a_frozen_interface_and_a_loading_project_stop_every_script(make_host, tmp_path):
    host = make_host(tick_hz=10.0)
    host.reaper.run(host.write(TICKING, "ticking.lua"))
    project = host.reaper.project
    project.add_track("a").add_midi(0, 100)
    project.save(tmp_path / "p.rpp")
    project.play()
    host.reaper.freeze(3.0)
    assert project.play_position_s == pytest.approx(3.0)  # what plays goes on
    before = float(host.value("reaper.time_precise()"))
    host.reaper.open(tmp_path / "p.rpp", loading_s=5.0)
    assert host.reaper.ext_state("test", "ticks") == "2"  # one of them by value()
    assert float(host.value("reaper.time_precise()")) == pytest.approx(before + 5.0 + 0.1, abs=1e-6)


@pytest.mark.parametrize(
    "line",
    [
        "debug = function() end",
        "debug = nil string = nil table = nil math = nil os = nil",
        "debug.sethook = nil debug.traceback = nil string.pack = nil table.move = error",
        "reaper = nil gfx = nil",
        "error = nil ipairs = nil select = nil type = nil setmetatable = nil xpcall = nil tostring = nil",
        "local all = _G for key in pairs(all) do all[key] = nil end",
        "string.rep = error string.sub = error string.byte = error",
        "getmetatable('').__index = nil",
    ],
)
def test_a_script_that_overwrites_globals_hurts_only_itself(host, line):
    before = f"local r, g = reaper, gfx {line}\n"
    host.lua(before + "r.defer(function() r.SetExtState('test', 'x', 'ran', false) end) r.GetTrack(0, 0)", ticks=2)
    host.lua(
        before + "g.init('w', 10, 10) g.rect(1, 1, 2, 2) r.new_array(200).clear(1) r.defer(function() end)", ticks=2
    )
    assert host.reaper.ext_state("test", "x") == "ran"
    assert host.reaper.errors == []


def test_published_scripts_may_pass_what_reaper_takes(make_host):
    lax = """
        reaper.SetProjExtState(0, "a", "b", 5) reaper.SetExtState("a", "f", 0.5, 0) reaper.ShowConsoleMsg(5)
        reaper.GetSet_LoopTimeRange(0, 0, 0, 0, 0) assert(reaper.CountTracks(1) == 0)
        reaper.CountSelectedTracks() reaper.GetMediaSourceType(reaper.PCM_Source_CreateFromType("WAVE"), "", 1)
        reaper.SetExtState("a", "nil", "x") reaper.atexit() reaper.Main_OnCommand(0, 0, 0)
        assert(reaper.GetSetProjectInfo(0, "NO_SUCH_NAME", 0, false) == 0)
        local ok, text = reaper.GetSetProjectInfo_String(0, "NO_SUCH_NAME", "", false)
        assert(not ok and text == "")"""
    host = make_host(argument_checks="own")
    host.lua(lax)
    assert (host.reaper.errors, host.reaper.misuse) == ([], [])
    assert host.value("select(2, reaper.GetProjExtState(0, 'a', 'b')), reaper.GetExtState('a', 'f')") == "5 0.5"
    with pytest.raises(ScriptFailure, match="number expected, got nil"):
        host.lua("reaper.SetEditCurPos()")
    none = make_host(argument_checks="none")
    none.reaper.run(none.write(lax, "ReaTrieve_own.lua"))
    assert none.reaper.misuse == []


@pytest.mark.parametrize("version", ["6.23", "6.36", "6.37", "7.80"])
def test_strings_that_only_come_back_had_to_be_passed_before_6_37(make_host, version):
    host = make_host(version, argument_checks="own")
    short = "pcall(reaper.GetProjectPathEx, 0), pcall(reaper.GetProjectName, 0), pcall(reaper.GetProjectPath)"
    shown = [word for word in host.value(short).split() if word in ("true", "false")]
    assert shown == ["true" if version in ("6.37", "7.80") else "false"] * 3
    assert host.value("pcall(reaper.GetProjectPathEx, 0, '')").startswith("true")


@pytest.mark.parametrize("profile", both_ways("windows_utf8_require"))
@pytest.mark.parametrize("colors", ["rgb", "bgr"])
def test_require_may_fail_below_a_folder_that_is_not_ascii(make_host, colors, profile):
    host = make_host(colors=colors, profile=profile)
    for name in ("plain", "öde"):
        (host.scripts / name).mkdir()
        (host.scripts / name / "thing.lua").write_text("return { answer = 42 }", encoding="utf-8")
    require = "package.path = [[{}/?.lua;]] .. package.path return pcall(require, 'thing')"
    found = host.value(f"(function() {require.format(host.scripts / 'plain')} end)()")
    assert found.startswith("true")
    found = host.value(f"(function() {require.format(host.scripts / 'öde')} end)()")
    assert found.startswith("false" if colors == "bgr" and not profile["windows_utf8_require"] else "true")


def test_index_minus_1_lists_anew_since_6_20(make_host, tmp_path):
    for version, found in (("6.19", "nil"), ("6.20", "new.txt")):
        host = make_host(version)
        folder = tmp_path / version
        folder.mkdir()
        host.value(f"reaper.EnumerateFiles([[{folder}]], 0)")
        (folder / "new.txt").write_text("", encoding="utf-8")
        host.value(f"reaper.EnumerateFiles([[{folder}]], -1)")
        assert host.value(f"reaper.EnumerateFiles([[{folder}]], 0)") == found


@pytest.mark.parametrize(
    "version", ["6.00", "6.02", "6.23", "6.37", "6.71", "6.83", "7.0", "7.62", "7.71", "7.72", "7.80"]
)
def test_every_version_runs_scripts(make_host, version):
    host = make_host(version)
    assert host.value("reaper.GetAppVersion():match('[%d.]+')") == version


def test_the_options_are_one_value():
    options = HostOptions(version="7.0", clock="simulated")
    with Reaper(options=options) as one, Reaper("6.83", options=options, strict=False) as other:
        assert (one.options, one.host.version) == (options, "7.0")
        assert (other.host.version, other.options.clock, other.options.strict) == ("6.83", "simulated", False)
    with pytest.raises(InputError, match="unknown option 'clok': did you mean 'clock'"):
        Reaper(clok="real")
