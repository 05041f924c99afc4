-- @noindex
--- The user's settings, kept in REAPER's ext state; `settings_menu` shows them.

local settings = {}

local SECTION = "ReaTrieve"

---@class Setting
---@field key string
---@field default string|number|boolean
---@field caption string? shown in the menu; settings without one are remembered answers
---@field group string? of the menu
---@field unit string? after a number
---@field one_of string[]?
---@field least number?
---@field most number?

---@type Setting[]
settings.list = {
  { key = "budget", default = 10, group = "Search", caption = "Rejections allowed", least = 1, most = 1000 },
  { key = "more", default = 10, group = "Search", caption = "Continue adds", least = 1, most = 1000 },
  { key = "retriever", default = "default", group = "Search", caption = "Retriever" },
  { key = "audition", default = true, group = "Playing", caption = "Play new candidates" },
  { key = "loop", default = false, group = "Playing", caption = "Play in a loop" },
  { key = "solo", default = false, group = "Playing", caption = "Solo while playing" },
  { key = "lead_in_s", default = 0.0, group = "Playing", caption = "Lead-in when playing", unit = "s", least = 0, most = 10 },
  { key = "keep_rejected", default = false, group = "Regions", caption = "Keep rejected as x" },
  { key = "deleted_candidate", default = "skip", group = "Regions", caption = "Deleting a candidate is", one_of = { "skip", "reject" } },
  { key = "nudge_edges_ms", default = 10.0, group = "Regions", caption = "Keys move edges by", unit = "ms", least = 0.1, most = 1000 },
  { key = "marker_at", default = "anchor", group = "Sync markers", caption = "Markers at", one_of = { "start", "anchor", "both" } },
  { key = "anchor", default = "start", group = "Sync markers", caption = "Anchor", one_of = { "start", "onset", "peak" } },
  { key = "nudge_ms", default = 0.0, group = "Sync markers", caption = "Move anchors by", unit = "ms", least = -1000, most = 1000 },
  { key = "snap", default = 0, group = "Sync markers", caption = "Snap to 1/n beat (0 = no)", least = 0, most = 64 },
  { key = "marker_template", default = "{pattern}_{n:2}", group = "Sync markers", caption = "Marker name" },
  { key = "tooltip", default = true, group = "Window", caption = "Messages at the mouse" },
  { key = "window_hints", default = true, group = "Window", caption = "Hints in the window" },
  { key = "start_daemon", default = "ask", group = "Daemon", caption = "Start the daemon", one_of = { "ask", "yes", "no" } },
  { key = "prepare", default = true, group = "Daemon", caption = "Prepares the track ahead of Find" },
  { key = "carrier", default = "auto", group = "Daemon", caption = "Carrier", one_of = { "auto", "udp", "spool" } },
  { key = "home", default = "", group = "Daemon", caption = "ReaTrieve's home folder" },
  { key = "lead_in_on_s", default = 1.0, least = 0, most = 10 },     -- what the lead-in is when it is switched on
  { key = "window", default = "" },                                  -- dock, place and size
  { key = "probe", default = true },
  { key = "check_sessions", default = false },     -- for tests: each session's invariants in each tick
  { key = "export_targets", default = "all" },
  { key = "export_audio", default = "source" },
}

local by_key = {}
for _, setting in ipairs(settings.list) do by_key[setting.key] = setting end

local YES = { yes = true, y = true, ["1"] = true, on = true, ["true"] = true }
local NO = { no = true, n = true, ["0"] = true, off = true, ["false"] = true }

---@param setting Setting
---@param text string
---@return any? value
---@return string? problem
local function parsed(setting, text)
  text = text:match("^%s*(.-)%s*$")
  local name = setting.caption or setting.key
  if type(setting.default) == "boolean" then
    if YES[text:lower()] then return true end
    if NO[text:lower()] then return false end
    return nil, ("%s: say yes or no, not \"%s\""):format(name, text)
  end
  if type(setting.default) == "number" then
    local value = tonumber((text:gsub(",", ".")))
    if math.type(setting.default) == "integer" then value = value and math.tointeger(value) end
    if not value or value ~= value or (setting.least and value < setting.least) or (setting.most and value > setting.most) then
      return nil, ("%s: a%s number from %g to %g, not \"%s\""):format(name,
        math.type(setting.default) == "integer" and " whole" or "", setting.least or 0, setting.most or math.huge, text)
    end
    return value
  end
  if setting.one_of then
    for _, choice in ipairs(setting.one_of) do
      if choice == text:lower() then return choice end
    end
    return nil, ("%s: one of %s, not \"%s\""):format(name, table.concat(setting.one_of, ", "), text)
  end
  return text
end

local function text_of(value)
  if type(value) == "boolean" then return value and "yes" or "no" end
  if math.type(value) == "float" then return ("%.17g"):format(value) end
  return tostring(value)
end

---@param key string
---@return any
function settings.get(key)
  local setting = by_key[key] or error("no setting " .. tostring(key), 2)
  if not reaper.HasExtState(SECTION, key) then return setting.default end
  local value = parsed(setting, reaper.GetExtState(SECTION, key))
  if value == nil then return setting.default end
  return value
end

---@param key string
---@param value any
function settings.set(key, value)
  local setting = by_key[key] or error("no setting " .. tostring(key), 2)
  if value == setting.default then
    reaper.DeleteExtState(SECTION, key, true)
  else
    reaper.SetExtState(SECTION, key, (text_of(value):gsub("[\r\n]", " ")), true)
  end
end

---Ask for several values in one dialog. Values are separated by line ends, so that they may hold commas.
---@param title string
---@param captions string[]
---@param values string[]
---@return string[]? answers nil when cancelled
function settings.ask(title, captions, values)
  local clean = {}
  for index, caption in ipairs(captions) do clean[index] = (caption:gsub(",", ";")) end
  local asked = table.concat(clean, ",") .. ",extrawidth=260,separator=\n"
  local ok, answer = reaper.GetUserInputs(title, #captions, asked, table.concat(values, "\n"))
  if not ok then return nil end
  local answers = {}
  for line in (answer .. "\n"):gmatch("(.-)\n") do answers[#answers + 1] = line end
  for index = #answers + 1, #captions do answers[index] = "" end
  return answers
end

---Take what the user typed for one setting.
---@param key string
---@param text string
---@return string message for the status line
function settings.take(key, text)
  local setting = by_key[key]
  local value, why = parsed(setting, text)
  if value == nil then return "not changed: " .. why end
  if key == "lead_in_s" and value > 0 and value ~= settings.get(key) then
    settings.set("lead_in_on_s", value)                    -- what its toggle brings back
  end
  settings.set(key, value)
  return ("%s: %s"):format(setting.caption, settings.text(key))
end

---A setting as text.
---@param key string
---@param exact boolean? so that taking it back changes nothing
---@return string
function settings.text(key, exact)
  local value = settings.get(key)
  local short = math.type(value) == "float" and ("%g"):format(value)
  if short and (not exact or tonumber(short) == value) then return short end
  return text_of(value)
end

return settings
