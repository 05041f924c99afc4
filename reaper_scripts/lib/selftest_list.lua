-- @noindex
--- The tests of the Self-test, one for each assumption that a script can settle. A test gets `env` (proj, folder, ramp) and gives
-- the assumption's value, nil and a reason, or a table of several values by key.

local work = require("work")

local tests = {}

tests.RAMP_RATE_HZ = 48000
tests.RAMP_S = 4
tests.RAMP_SCALE = 8.0           -- value = seconds / 8

local ALL, MISC = -1, 8
local ARRANGE = 1                -- of SetCursorContext
local LONG_BYTES = 6000

---A text of 6 kB, with a separator after each 99 characters.
local function long_value(separator)
  local line = ("x"):rep(100 - #separator) .. separator
  return line:rep(LONG_BYTES // 100)
end

local function wait(seconds)
  local until_s = reaper.time_precise() + seconds
  while reaper.time_precise() < until_s do work.yield() end
end

local function block(env, text, flags, edit)
  reaper.Undo_BeginBlock2(env.proj)
  if edit then edit() end
  reaper.Undo_EndBlock2(env.proj, text, flags)
end

local function last(env) return reaper.Undo_CanUndo2(env.proj) or "" end

local function add(env, isrgn, start_s, end_s, name, number, colour)
  return reaper.AddProjectMarker2(env.proj, isrgn, start_s, end_s, name, number or -1, colour or 0)
end

local function each(env, visit)
  local index = 0
  while true do
    local more, isrgn, start_s, end_s, name, number, colour = reaper.EnumProjectMarkers3(env.proj, index)
    if more == 0 then return end
    visit(index, name, number, colour, isrgn, start_s, end_s)
    index = index + 1
  end
end

local function index_named(env, wanted)
  local found
  each(env, function(index, name) if name == wanted then found = index end end)
  return found
end

local function guid_of(env, index)
  if reaper.APIExists("GetRegionOrMarkerInfo_Value") then
    local _, guid = reaper.GetSetRegionOrMarkerInfo_String(env.proj, reaper.GetRegionOrMarker(env.proj, index, ""), "GUID", "", false)
    return guid
  end
  local ok, guid = reaper.GetSetProjectInfo_String(env.proj, ("MARKER_GUID:%d"):format(index), "", false)
  return ok and guid or nil
end

local function delete_all(env)
  while reaper.CountProjectMarkers(env.proj) > 0 do
    if not reaper.DeleteProjectMarkerByIndex(env.proj, 0) then return end
  end
end

---A track with the ramp on it, made once and then put back to how it was.
local function ramp_item(env)
  if not env.item or not reaper.ValidatePtr2(env.proj, env.item, "MediaItem*") then
    reaper.InsertTrackAtIndex(0, false)
    env.track = reaper.GetTrack(env.proj, 0)
    env.item = reaper.AddMediaItemToTrack(env.track)
    env.take = reaper.AddTakeToMediaItem(env.item)
    reaper.SetMediaItemTake_Source(env.take, reaper.PCM_Source_CreateFromFile(env.ramp))
  end
  for name, value in pairs { D_POSITION = 1.0, D_LENGTH = 3.0, D_VOL = 1.0, B_LOOPSRC = 0, D_FADEINLEN = 0, D_FADEOUTLEN = 0,
    D_FADEINLEN_AUTO = -1, D_FADEOUTLEN_AUTO = -1 } do
    reaper.SetMediaItemInfo_Value(env.item, name, value)
  end
  for name, value in pairs { D_STARTOFFS = 0, D_PLAYRATE = 1, D_VOL = 1, D_PAN = 0, B_PPITCH = 0 } do
    reaper.SetMediaItemTakeInfo_Value(env.take, name, value)
  end
  reaper.UpdateItemInProject(env.item)
  return env.item, env.take
end

---What an accessor reads at a time: the value of one sample of the first channel, and the accessor's answer.
local function reading(accessor, time_s, channels)
  local array = reaper.new_array(64 * channels)
  array.clear(0.777)
  local status = reaper.GetAudioAccessorSamples(accessor, tests.RAMP_RATE_HZ, channels, time_s, 64, array)
  return array[1], status, array
end

---@return number value on the ramp at project time `time_s` by a new track accessor
local function track_value(env, time_s)
  local accessor = reaper.CreateTrackAudioAccessor(env.track)
  local value = reading(accessor, time_s, 2)
  reaper.DestroyAudioAccessor(accessor)
  return value
end

local function take_value(env, time_s)
  local accessor = reaper.CreateTakeAudioAccessor(env.take)
  local value = reading(accessor, time_s, 1)
  reaper.DestroyAudioAccessor(accessor)
  return value
end

local function near(value, expected) return math.abs(value - expected) < 0.002 end
local function ramp(seconds) return seconds / tests.RAMP_SCALE end

local function run_plain_script(env, name, code)
  local path = env.folder .. package.config:sub(1, 1) .. name
  local file = assert(io.open(path, "wb"))
  file:write(code)
  file:close()
  local id = reaper.AddRemoveReaScript(true, 0, path, true)
  if id ~= 0 then
    reaper.Main_OnCommandEx(id, 0, env.proj)
    wait(0.2)
    reaper.AddRemoveReaScript(false, 0, path, true)
  end
  os.remove(path)
  return id ~= 0
end

local function automatic_point(env)
  local name = "self-test plain.lua"
  block(env, "before plain", MISC, function() add(env, false, 1, 0, "plain") end)
  if not run_plain_script(env, name, "local nothing = 1\nreturn nothing\n") then return nil, "the script could not be registered" end
  local when, text = "always", last(env)
  if text == "before plain" then
    when = "changed"
    run_plain_script(env, name, "reaper.AddProjectMarker2(0, false, 2, 0, 'changed', -1, 0)\n")
    text = last(env)
    if text == "before plain" then return nil, "a script that a script runs leaves no point here: run one by its key, and look" end
  end
  local first, past = text:find(name, 1, true)
  return { auto_undo_point = when, undo_point_text = first and text:sub(1, first - 1) .. "{name}" .. text:sub(past + 1) or text }
end

---What is no assumption of the host's but decides which way the scripts take: reported as findings.
tests.findings = {
  { "long_ext_state_survives_saving", function(env)
    if not env.long_values then return nil, "the project was not opened again" end
    return env.long_values
  end },
  { "reversed_time_selection_is_ordered", function(env)
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 4, 2, false)
    local start_s, end_s = reaper.GetSet_LoopTimeRange2(env.proj, false, false, 0, 0, false)
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 0, 0, false)
    if start_s == end_s then return nil, "the selection was not taken" end
    return start_s < end_s
  end },
  { "ruler_lanes_of_a_new_project", function(env)
    local count = reaper.GetSetProjectInfo(env.proj, "RULER_LANE_COUNT", 0, false) // 1
    if count == 0 then return nil, "this REAPER does not count ruler lanes (before 7.72)" end
    return math.tointeger(count)
  end },
  { "csv_import_obeys_start_offset", function()
    return nil, "no function imports a list of regions: set a start offset, import one by the Region/Marker Manager, and look"
  end },
  { "enumeration_index_is_object_index", function(env)
    if not reaper.APIExists("GetRegionOrMarkerInfo_Value") then return nil, "REAPER before 7.62" end
    delete_all(env)
    add(env, true, 5, 6, "late", 1)
    add(env, true, 1, 2, "early", 2)
    local index = index_named(env, "late")
    local object = reaper.GetRegionOrMarker(env.proj, -1, guid_of(env, index))
    local same = object ~= nil and reaper.GetRegionOrMarkerInfo_Value(env.proj, object, "I_INDEX") == index
    delete_all(env)
    return same
  end },
  { "ruler_lane_is_inserted_by", function(env)
    if not reaper.APIExists("GetRegionOrMarkerInfo_Value") then return nil, "REAPER before 7.62" end
    local function count() return reaper.GetSetProjectInfo(env.proj, "RULER_LANE_COUNT", 0, false) // 1 end
    local before = count()
    local spellings = { { math.tointeger(before), -1 }, { 0, -1 }, { -1, math.tointeger(before) }, { -1, -1 } }
    for _, one in ipairs(spellings) do
      reaper.GetSetProjectInfo(env.proj, ("RULER_LANE_ORDER:%d"):format(one[1]), one[2], true)
      if count() > before then return ("RULER_LANE_ORDER:%d = %d"):format(one[1], one[2]) end
    end
    return nil, "no spelling made a lane"
  end },
  { "registering_again_gives_the_same_command", function(env)
    local path = env.folder .. package.config:sub(1, 1) .. "self-test twice.lua"
    local file = assert(io.open(path, "wb"))
    file:write("local nothing = 1\nreturn nothing\n")
    file:close()
    local first = reaper.AddRemoveReaScript(true, 0, path, true)
    local second = reaper.AddRemoveReaScript(true, 0, path, true)
    reaper.AddRemoveReaScript(false, 0, path, true)
    os.remove(path)
    return first ~= 0 and first == second
  end },
  { "arrange_pixels_per_second_is_zoom_level", function(env)
    local start_s, end_s = reaper.GetSet_ArrangeView2(env.proj, false, 0, 0, 0, 0)
    local level = reaper.GetHZoomLevel()
    local pixels = level * (end_s - start_s)
    return pixels > 100 and pixels < 20000
  end },
}

tests.list = {
  { "auto_undo_point", automatic_point },
  { "undo_block_empty", function(env)
    block(env, "before empty", MISC, function() add(env, false, 3, 0, "empty") end)     -- takes up whatever was changed before
    block(env, "self-test empty", MISC)
    return last(env) == "self-test empty"
  end },
  { "undo_block_flags_zero", function(env)
    block(env, "self-test zero", 0, function() add(env, false, 3, 0, "zero") end)
    local made = last(env) == "self-test zero"
    block(env, "self-test zero done", MISC, function() delete_all(env) end)
    return made
  end },
  { "undo_keeps_region_guids", function(env)
    block(env, "add", MISC, function() add(env, true, 1, 2, "guid") end)
    local guid = guid_of(env, index_named(env, "guid"))
    if not guid then return nil, "regions have no GUID here" end
    block(env, "delete", MISC, function() reaper.DeleteProjectMarkerByIndex(env.proj, index_named(env, "guid")) end)
    reaper.Undo_DoUndo2(env.proj)
    local back = index_named(env, "guid")
    if not back then return nil, "undo did not bring the region back" end
    local undone = guid_of(env, back) == guid
    local before = guid_of(env, back)
    reaper.Undo_DoUndo2(env.proj)
    reaper.Undo_DoRedo2(env.proj)
    back = index_named(env, "guid")
    local redone
    if back then redone = guid_of(env, back) == before end
    block(env, "clean", MISC, function() delete_all(env) end)
    return { undo_keeps_region_guids = undone, redo_keeps_region_guids = redone }
  end },
  { "undo_restores_time_selection", function(env)
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 1, 2, false)
    reaper.SetEditCurPos2(env.proj, 1, false, false)
    reaper.SetProjExtState(env.proj, "ReaTrieveSelfTest", "undo", "before")
    block(env, "first", MISC, function() add(env, false, 5, 0, "first") end)
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 3, 4, false)
    reaper.SetEditCurPos2(env.proj, 3, false, false)
    reaper.SetProjExtState(env.proj, "ReaTrieveSelfTest", "undo", "after")
    block(env, "second", MISC, function() add(env, false, 6, 0, "second") end)
    reaper.Undo_DoUndo2(env.proj)
    local start_s = reaper.GetSet_LoopTimeRange2(env.proj, false, false, 0, 0, false)
    local _, value = reaper.GetProjExtState(env.proj, "ReaTrieveSelfTest", "undo")
    local result = { undo_restores_time_selection = near(start_s, 1),
      undo_restores_edit_cursor = near(reaper.GetCursorPositionEx(env.proj), 1), undo_restores_proj_ext_state = value == "before" }
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 0, 0, false)
    return result
  end },
  { "undo_keeps_item_pointers", function(env)
    local item = ramp_item(env)
    block(env, "items", ALL)
    block(env, "move item", ALL, function() reaper.SetMediaItemInfo_Value(item, "D_POSITION", 2.0) end)
    reaper.Undo_DoUndo2(env.proj)
    local kept = reaper.ValidatePtr2(env.proj, item, "MediaItem*")
    if not kept then
      env.item = reaper.GetTrackMediaItem(reaper.GetTrack(env.proj, 0), 0)
      env.take = reaper.GetActiveTake(env.item)
    end
    return kept
  end },
  { "change_count_on_api_edit", function(env)
    local before = reaper.GetProjectStateChangeCount(env.proj)
    add(env, false, 7, 0, "count")
    return reaper.GetProjectStateChangeCount(env.proj) ~= before
  end },
  { "proj_ext_state_upper_case", function(env)
    reaper.SetProjExtState(env.proj, "ReaTrieveSelfTest2", "lowerKey", "x")
    local ok, key = reaper.EnumProjExtState(env.proj, "ReaTrieveSelfTest2", 0)
    if not ok then return nil, "the key was not found" end
    return key == "LOWERKEY"
  end },
  { "ext_state_persists_at_once", function()
    local mark = "selftest" .. tostring(reaper.time_precise() // 1)
    reaper.SetExtState("ReaTrieveSelfTest", "mark", mark, true)
    local file = io.open(reaper.GetResourcePath() .. package.config:sub(1, 1) .. "reaper-extstate.ini", "rb")
    local text = file and file:read("a") or ""
    if file then file:close() end
    reaper.DeleteExtState("ReaTrieveSelfTest", "mark", true)
    return text:find(mark, 1, true) ~= nil
  end },
  { "region_number_lowest_free", function(env)
    delete_all(env)
    add(env, true, 1, 2, "one", 1)
    add(env, true, 3, 4, "three", 3)
    local number = add(env, true, 5, 6, "next", -1)
    delete_all(env)
    if number ~= 2 and number ~= 4 then return nil, ("the number was %d"):format(number) end
    return number == 2
  end },
  { "region_color_without_flag_ignored", function(env)
    add(env, true, 1, 2, "colour", -1, 0x00FF00)
    local colour
    each(env, function(_, name, _, its) if name == "colour" then colour = its end end)
    delete_all(env)
    return colour == 0
  end },
  { "region_guid_before_7_62", function(env)
    add(env, true, 1, 2, "guid", -1)
    local ok, guid = reaper.GetSetProjectInfo_String(env.proj, "MARKER_GUID:0", "", false)
    local found, index = reaper.GetSetProjectInfo_String(env.proj, "MARKER_INDEX_FROM_GUID:" .. guid, "", false)
    delete_all(env)
    return { region_guid_before_7_62 = ok and guid ~= "", region_index_from_guid_before_7_62 = found and index == "0" }
  end },
  { "equal_marker_refused", function(env)
    local _, before = reaper.CountProjectMarkers(env.proj)
    add(env, false, 9, 0, "equal")
    add(env, false, 9, 0, "equal")
    local _, after = reaper.CountProjectMarkers(env.proj)
    delete_all(env)
    return after - before == 1
  end },
  { "enum_ext_state_limit", function(env)
    local section, key = "ReaTrieveSelfTest3", "LONG"
    reaper.SetProjExtState(env.proj, section, key, long_value(""))
    local ok, _, value = reaper.EnumProjExtState(env.proj, section, 0)
    local _, whole = reaper.GetProjExtState(env.proj, section, key)
    reaper.SetProjExtState(env.proj, section, key, "")
    if not ok or #whole ~= LONG_BYTES then return nil, "the value was not kept whole" end
    if #value == LONG_BYTES then return 0 end
    return #value + #key + 2
  end },
  { "pointers_reused", function(env)
    for _ = 1, 50 do
      local at = reaper.CountTracks(env.proj)
      reaper.InsertTrackAtIndex(at, false)
      local old = reaper.GetTrack(env.proj, at)
      reaper.DeleteTrack(old)
      reaper.InsertTrackAtIndex(at, false)
      local again = reaper.ValidatePtr2(env.proj, old, "MediaTrack*")
      reaper.DeleteTrack(reaper.GetTrack(env.proj, at))
      if again then return true end
    end
    return false
  end },
  { "focus_on_gfx_init", function()
    if gfx.getchar(65536) & 1 == 1 then return nil, "ReaTrieve's window is open: close it and run the test again" end
    reaper.SetCursorContext(ARRANGE, nil)
    gfx.init("ReaTrieve: Self-test", 200, 60, 0)
    local focused = gfx.getchar(65536) & 2 == 2
    wait(0.2)
    focused = focused or gfx.getchar(65536) & 2 == 2
    gfx.quit()
    reaper.SetCursorContext(ARRANGE, nil)
    return focused
  end },
  { "region_ties_in_number_order", function(env)
    add(env, true, 1, 2, "nine", 9)
    add(env, true, 1, 3, "four", 4)
    local order = index_named(env, "four") < index_named(env, "nine")
    delete_all(env)
    return order
  end },
  { "loop_points_linked", function(env)
    local linked = reaper.GetToggleCommandStateEx(0, 40621)
    reaper.Main_OnCommandEx(40621, 0, env.proj)
    local after = reaper.GetToggleCommandStateEx(0, 40621)
    if after ~= 1 then
      reaper.Main_OnCommandEx(40621, 0, env.proj)
      local again = reaper.GetToggleCommandStateEx(0, 40621)
      if again == after then return { loop_link_action_40621 = false } end
    end
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 11, 12, false)
    local start_s = reaper.GetSet_LoopTimeRange2(env.proj, false, true, 0, 0, false)
    reaper.GetSet_LoopTimeRange2(env.proj, true, false, 0, 0, false)
    if (reaper.GetToggleCommandStateEx(0, 40621) == 1) ~= (linked == 1) then reaper.Main_OnCommandEx(40621, 0, env.proj) end
    return { loop_points_linked = linked == 1, loop_link_action_40621 = near(start_s, 11) }
  end },
  { "smooth_seek", function()
    local ok, text = reaper.get_config_var_string("smoothseek")
    local value = ok and math.tointeger(tonumber(text))
    if not value then return nil, "the setting cannot be read" end
    return value & 1 == 1
  end },
  { "play_from_running_restarts_at_cursor", function(env)
    reaper.SetEditCurPos2(env.proj, 60, false, false)      -- where nothing sounds
    reaper.OnPlayButtonEx(env.proj)
    wait(0.3)
    reaper.SetEditCurPos2(env.proj, 80, false, false)
    reaper.OnPlayButtonEx(env.proj)
    wait(0.15)
    local at_s = reaper.GetPlayPositionEx(env.proj)
    local playing = reaper.GetPlayStateEx(env.proj) & 1 == 1
    reaper.OnStopButtonEx(env.proj)
    if not playing then return nil, "REAPER does not play (no audio device?)" end
    return at_s >= 79
  end },
  { "track_accessor_project_time", function(env)
    ramp_item(env)
    return near(track_value(env, 1.5), ramp(0.5))
  end },
  { "take_accessor_item_time", function(env)
    ramp_item(env)
    return near(take_value(env, 0.5), ramp(0.5))
  end },
  { "offset_before_rate", function(env)
    local _, take = ramp_item(env)
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", 1.0)
    reaper.SetMediaItemTakeInfo_Value(take, "D_PLAYRATE", 2.0)
    local value = track_value(env, 1.5)
    if near(value, ramp(1.0 + 0.5 * 2)) then return true end
    if near(value, ramp((1.0 + 0.5) * 2)) then return false end
    return nil, ("the ramp said %.3f s"):format(value * tests.RAMP_SCALE)
  end },
  { "loop_wraps_source", function(env)
    local item, take = ramp_item(env)
    reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 1)
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", 3.0)
    return near(track_value(env, 1.0 + 1.5), ramp(0.5))
  end },
  { "take_accessor_without_gain", function(env)
    local item, take = ramp_item(env)
    reaper.SetMediaItemInfo_Value(item, "D_VOL", 0.5)
    reaper.SetMediaItemTakeInfo_Value(take, "D_VOL", 0.5)
    return { take_accessor_without_gain = near(take_value(env, 2.0), ramp(2.0)),
      track_accessor_with_item_gain = near(track_value(env, 3.0), ramp(2.0) / 4) }
  end },
  { "track_accessor_with_fades", function(env)
    local item = ramp_item(env)
    reaper.SetMediaItemInfo_Value(item, "D_FADEINLEN", 2.0)
    return not near(track_value(env, 2.0), ramp(1.0))
  end },
  { "accessor_garbage_past_end", function(env)
    ramp_item(env)
    local accessor = reaper.CreateTrackAudioAccessor(env.track)
    local value = reading(accessor, reaper.GetAudioAccessorEndTime(accessor) + 5, 2)
    reaper.DestroyAudioAccessor(accessor)
    return value ~= 0
  end },
  { "accessor_updates_when_validated", function(env)
    local item = ramp_item(env)
    local accessor = reaper.CreateTrackAudioAccessor(env.track)
    reading(accessor, 1.5, 2)
    reaper.SetMediaItemInfo_Value(item, "D_POSITION", 1.25)
    reaper.UpdateItemInProject(item)
    reaper.AudioAccessorValidateState(accessor)
    local value = reading(accessor, 1.5, 2)
    reaper.DestroyAudioAccessor(accessor)
    return near(value, ramp(0.25))
  end },
  { "utf8_paths", function(env)
    local path = env.folder .. package.config:sub(1, 1) .. "Ölfaß 音.txt"
    local file = io.open(path, "wb")
    if not file then return false end
    file:write("x")
    file:close()
    local found = reaper.file_exists(path)
    os.remove(path)
    return found
  end },
  { "defer_rate_hz", function()
    local from_s, rounds = reaper.time_precise(), 0
    while reaper.time_precise() - from_s < 1.0 do
      work.yield()
      rounds = rounds + 1
    end
    return rounds / (reaper.time_precise() - from_s)
  end },
  { "enumerate_files_cached", function(env)
    local folder = env.folder .. package.config:sub(1, 1) .. "self-test files"
    reaper.RecursiveCreateDirectory(folder, 0)
    reaper.EnumerateFiles(folder, -1)
    local before = reaper.EnumerateFiles(folder, 0)
    local path = folder .. package.config:sub(1, 1) .. "new.txt"
    local file = assert(io.open(path, "wb"))
    file:close()
    local cached = reaper.EnumerateFiles(folder, 0) == nil
    os.remove(path)
    os.remove(folder)
    if before then return nil, "the folder was not empty" end
    return cached
  end },
  { "exec_process_one_string", function()
    local windows = reaper.GetOS():match("^Win")
    local result, second = reaper.ExecProcess(windows and "cmd.exe /c echo self-test" or "/bin/echo self-test", 2000)
    if type(result) ~= "string" then return nil, "no process was started" end
    return second == nil and result:match("^0\r?\n") ~= nil
  end },
  { "largest_array", function()
    local size = 65536
    while size < 2 ^ 26 and pcall(reaper.new_array, math.tointeger(size * 2)) do size = size * 2 end
    return math.tointeger(size)
  end },
  { "proj_ext_state_marks_dirty", function(env)              -- last: what was in the tab is gone then
    if not reaper.APIExists("Main_SaveProjectEx") then return nil, "this REAPER cannot save under a name by script" end
    local section = "ReaTrieveSelfTest4"
    local one, many = long_value(""), long_value("\n")
    reaper.SetProjExtState(env.proj, section, "ONE", one)
    reaper.SetProjExtState(env.proj, section, "MANY", many)
    reaper.Main_SaveProjectEx(env.proj, env.project, 0)
    reaper.SelectProjectInstance(env.proj)
    reaper.Main_openProject("noprompt:" .. env.project)
    env.proj, env.item = reaper.EnumProjects(-1), nil
    local _, one_now = reaper.GetProjExtState(env.proj, section, "ONE")
    local _, many_now = reaper.GetProjExtState(env.proj, section, "MANY")
    env.long_values = one_now == one and many_now == many
    if reaper.IsProjectDirty(env.proj) ~= 0 then return nil, "the project was not clean when it was opened" end
    reaper.SetProjExtState(env.proj, section, "dirty", tostring(reaper.time_precise()))
    return reaper.IsProjectDirty(env.proj) ~= 0
  end },
}

return tests
