-- @noindex
--- What this REAPER can do: one name for each capability, with the version that brought it. Everything that depends on the
-- version asks here.

local capabilities = {}

---The oldest REAPER that the scripts work on: regions have had GUIDs since then.
capabilities.OLDEST = "6.02"

---@type table<string, string> first version by capability
capabilities.SINCE = {
  region_objects = "7.62",        -- GetRegionOrMarker and what takes its result
  add_region_object = "7.72",     -- AddRegionOrMarker
  ruler_lane_guids = "7.72",      -- RULER_LANE_COUNT and RULER_LANE_GUID; before, lanes cannot be counted, so none is made
  script_options = "7.03",        -- set_action_options
}

---A version as one number: "6.02/x64" is 602, "7.0" is 700.
---@param text string
---@return integer
function capabilities.number(text)
  local major, minor = text:match("^(%d+)%.?(%d*)")
  return 100 * (math.tointeger(tonumber(major)) or 0) + (math.tointeger(tonumber(minor)) or 0)
end

local running

local function version()
  running = running or capabilities.number(reaper.GetAppVersion())
  return running
end

---@param name string
---@return boolean
function capabilities.has(name)
  local since = capabilities.SINCE[name] or error("no capability " .. tostring(name), 2)
  return version() >= capabilities.number(since)
end

---What to tell where REAPER is older than the oldest that works.
---@return string? one line
function capabilities.problem()
  if version() >= capabilities.number(capabilities.OLDEST) then return nil end
  return ("ReaTrieve needs REAPER %s or later, and this is %s: update REAPER"):format(capabilities.OLDEST,
    reaper.GetAppVersion():match("^[%d.]+") or "an older one")
end

return capabilities
