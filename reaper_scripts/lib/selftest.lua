-- @noindex
--- Finds out on a real REAPER what docs/assumptions.md lists: in a tab of its own, closed again at the end, with the result as
-- JSON in the resource folder. The headless host takes that file as a profile.

local daemon = require("daemon")
local tests = require("selftest_list")
local work = require("work")

local selftest = {}

local CLOSE_TAB, NEW_TAB = 40860, 41929

local function quoted(text)
  local escaped = text:gsub('[%c"\\]', function(char) return ("\\u%04x"):format(char:byte()) end)
  return '"' .. escaped .. '"'
end

---JSON of a value: nil, boolean, number, string, or a table with text keys (in their order).
---@return string
function selftest.json(value, indent)
  indent = indent or ""
  if value == nil then return "null" end
  if type(value) == "number" then
    return math.type(value) == "integer" and tostring(value) or ("%.10g"):format(value)
  end
  if type(value) == "string" then return quoted(value) end
  if type(value) ~= "table" then return tostring(value) end
  local keys, lines = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    lines[#lines + 1] = indent .. "  " .. quoted(key) .. ": " .. selftest.json(value[key], indent .. "  ")
  end
  if #lines == 0 then return "{}" end
  return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

---A ramp: the value of a sample says its time, so a reading says which place of the file was read.
local function write_ramp(path)
  local rate_hz, seconds = tests.RAMP_RATE_HZ, tests.RAMP_S
  local file = assert(io.open(path, "wb"))
  local count = rate_hz * seconds
  file:write(string.pack("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF", 36 + count * 4, "WAVE", "fmt ", 16, 3, 1, rate_hz, rate_hz * 4, 4, 32,
    "data", count * 4))
  for first = 0, count - 1, 128 do
    local values = {}
    for index = first, math.min(first + 127, count - 1) do values[#values + 1] = index / rate_hz / tests.RAMP_SCALE end
    file:write(string.pack("<" .. ("f"):rep(#values), table.unpack(values)))
  end
  file:close()
end

---@param version string of the scripts
---@param say fun(text: string)
---@return Job
function selftest.job(version, say)
  local folder = daemon.joined(reaper.GetResourcePath(), "ReaTrieve")
  local project_path = daemon.joined(folder, "self-test.rpp")
  local ramp_path = daemon.joined(folder, "self-test.wav")
  local home, proj

  return work.job(function()
    reaper.RecursiveCreateDirectory(folder, 0)
    write_ramp(ramp_path)
    home = reaper.EnumProjects(-1)
    reaper.Main_OnCommandEx(NEW_TAB, 0, home)
    proj = reaper.EnumProjects(-1)
    if proj == home then error("no new project tab could be opened", 0) end
    local env = { proj = proj, folder = folder, ramp = ramp_path, project = project_path }

    local reasons = {}
    local function settle(list, what)
      local values = {}
      for index, test in ipairs(list) do
        say(("self-test: %s %d of %d"):format(what, index, #list))
        local ok, result, reason = pcall(test[2], env)      -- a test may yield in it: Lua 5.3 and 5.4 allow that
        if not ok then
          reasons[test[1]] = tostring(result):match("[^\n]*")
        elseif type(result) == "table" then
          for key, value in pairs(result) do values[key] = value end
        elseif result == nil then
          reasons[test[1]] = reason or "not settled"
        else
          values[test[1]] = result
        end
        work.yield()
      end
      return values
    end
    local values, settled = settle(tests.list, "assumption"), 0
    proj = env.proj                       -- the last one opens it anew
    local findings = settle(tests.findings, "finding")
    for _ in pairs(values) do settled = settled + 1 end

    local path = daemon.joined(folder, "self-test.json")
    local file = assert(io.open(path, "wb"))
    file:write(selftest.json { version = 1, reaper = reaper.GetAppVersion(), os = reaper.GetOS(), lua = _VERSION, scripts = version,
      assumptions = values, findings = findings, unsettled = reasons }, "\n")
    file:close()
    say(("self-test: %d assumptions settled, written to %s"):format(settled, path))
  end, function()
    if proj and proj ~= home and reaper.ValidatePtr2(0, proj, "ReaProject*") then
      -- A project just opened closes without a question; saving it would only write a copy.
      reaper.OnStopButtonEx(proj)
      reaper.SelectProjectInstance(proj)
      local file = io.open(project_path, "wb")
      if file then
        file:write('<REAPER_PROJECT 0.1 "', reaper.GetAppVersion(), '" 0\n>\n')
        file:close()
        reaper.Main_openProject("noprompt:" .. project_path)
      end
      reaper.Main_OnCommandEx(CLOSE_TAB, 0, proj)
      if reaper.ValidatePtr2(0, home, "ReaProject*") then reaper.SelectProjectInstance(home) end
    end
    os.remove(project_path)
    os.remove(ramp_path)
  end)
end

return selftest
