-- @noindex
--- Actions that are on or off: their state in the action list and on toolbars follows what they switch.

local settings = require("settings")

local toggles = {}

local SECTION, MAIN = "ReaTrieve", 0

-- Settings that an action switches, by its verb.
local SETTINGS = { loop = "loop", solo = "solo", audition = "audition" }

local told, wanted = {}, {}  -- verb -> state that REAPER has; and should have

---@param verb string
---@return boolean
local function is_on(verb)
  if verb == "lead_in" then return settings.get("lead_in_s") > 0 end
  return settings.get(SETTINGS[verb])
end

local function tell(verb, on)
  if told[verb] == on then return end
  local id = reaper.GetExtState(SECTION, "command_" .. verb)
  local command = id ~= "" and reaper.NamedCommandLookup(id) or 0
  if command == 0 then return end      -- its action has not run yet
  told[verb] = on
  reaper.SetToggleCommandState(MAIN, command, on and 1 or 0)
  reaper.RefreshToolbar2(MAIN, command)
end

---Show the state of every setting that an action switches.
function toggles.show()
  for verb in pairs(SETTINGS) do tell(verb, is_on(verb)) end
  tell("lead_in", is_on("lead_in"))
end

---Show the state of an action that is no setting.
---@param verb "play"|"window"
---@param on boolean
function toggles.set(verb, on)
  if (wanted[verb] or false) ~= on then
    wanted[verb] = on
    tell(verb, on)
  end
end

---Switch what a verb stands for.
---@param verb "loop"|"solo"|"audition"|"lead_in"
---@return boolean on
function toggles.switch(verb)
  local on = not is_on(verb)
  if verb == "lead_in" then
    if not on then settings.set("lead_in_on_s", settings.get("lead_in_s")) end
    settings.set("lead_in_s", on and settings.get("lead_in_on_s") or 0.0)
  else
    settings.set(SETTINGS[verb], on)
  end
  toggles.show()
  return on
end

return toggles
