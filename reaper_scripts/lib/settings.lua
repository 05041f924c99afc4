-- @noindex
--- The user's settings, kept in REAPER's ext state; also the dialog that edits them.

local settings = {}

local SECTION = "ReaTrieve"

---@class Setting
---@field key string
---@field default string|number|boolean
---@field caption string? shown in the dialog; settings without one are remembered answers
---@field one_of string[]?
---@field least number?
---@field most number?

---@type Setting[]
settings.list = {
  { key = "budget", default = 10, caption = "Rejections allowed", least = 1, most = 1000 },
  { key = "more", default = 10, caption = "Continue adds", least = 1, most = 1000 },
  { key = "audition", default = true, caption = "Play new candidates (yes/no)" },
  { key = "lead_in_s", default = 0.0, caption = "Lead-in when playing (s)", least = 0, most = 10 },
  { key = "loop", default = false, caption = "Play in a loop (yes/no)" },
  { key = "solo", default = false, caption = "Solo while playing (yes/no)" },
  { key = "keep_rejected", default = false, caption = "Keep rejected as x (yes/no)" },
  { key = "deleted_candidate", default = "skip", caption = "Deleting is (skip/reject)", one_of = { "skip", "reject" } },
  { key = "marker_at", default = "anchor", caption = "Markers at start/anchor/both", one_of = { "start", "anchor", "both" } },
  { key = "anchor", default = "start", caption = "Anchor (start/onset/peak)", one_of = { "start", "onset", "peak" } },
  { key = "nudge_ms", default = 0.0, caption = "Move anchors by (ms)", least = -1000, most = 1000 },
  { key = "snap", default = 0, caption = "Snap to 1/n beat (0 = no)", least = 0, most = 64 },
  { key = "marker_template", default = "{pattern}_{n:2}", caption = "Marker name, {pattern}_{n:2}" },
  { key = "carrier", default = "auto", caption = "Carrier (auto/udp/spool)", one_of = { "auto", "udp", "spool" } },
  { key = "home", default = "", caption = "ReaTrieve's home folder" },
  { key = "retriever", default = "default", caption = "Retriever" },
  { key = "start_daemon", default = "ask", one_of = { "ask", "yes", "no" } },
  { key = "prepare", default = true },             -- send the track ahead of Find
  { key = "tooltip", default = true },
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

---The settings dialog: changes what can be understood, and says what could not be.
---@return string message for the status line
function settings.dialog()
  local shown, captions, values = {}, {}, {}
  for _, setting in ipairs(settings.list) do
    if setting.caption then
      shown[#shown + 1] = setting
      captions[#captions + 1] = setting.caption
      values[#values + 1] = text_of(settings.get(setting.key))
    end
  end
  local answers = settings.ask("ReaTrieve settings", captions, values)
  if not answers then return "settings unchanged" end
  local problem
  for index, setting in ipairs(shown) do
    local value, why = parsed(setting, answers[index])
    if value == nil then problem = problem or why else settings.set(setting.key, value) end
  end
  return problem and ("not changed: " .. problem) or "settings saved"
end

return settings
