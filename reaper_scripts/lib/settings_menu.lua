-- @noindex
--- The settings as a menu: what is on or off is switched, what is one of several is chosen, a number or text is asked for singly.

local settings = require("settings")
local status = require("status")
local toggles = require("toggles")

local settings_menu = {}

---@param key string
---@param value any
local function set(key, value)
  settings.set(key, value)
  toggles.show()
end

---@param setting Setting
local function ask(setting)
  local unit = setting.unit and (" (%s)"):format(setting.unit) or ""
  local answers = settings.ask("ReaTrieve: setting", { setting.caption .. unit }, { settings.text(setting.key, true) })
  if not answers then return end
  status.say(settings.take(setting.key, answers[1]), true)
  toggles.show()
end

---The entries of one setting.
---@param setting Setting
---@param add fun(item: MenuItem)
local function entries(setting, add)
  local key, value = setting.key, settings.get(setting.key)
  if type(setting.default) == "boolean" then
    add { text = setting.caption, checked = value, run = function() set(key, not value) end }
  elseif setting.one_of then
    add { text = setting.caption .. ":", heading = true }
    for _, choice in ipairs(setting.one_of) do
      add { text = "   " .. choice, checked = value == choice, run = function() set(key, choice) end }
    end
  else
    local shown = settings.text(key)
    add { text = ("%s: %s%s ..."):format(setting.caption, shown == "" and "(none)" or shown, setting.unit and " " .. setting.unit or ""),
      run = function() ask(setting) end }
  end
end

---All settings, a submenu for each group.
---@return MenuItem[]
function settings_menu.items()
  local groups, by_name = {}, {}
  for _, setting in ipairs(settings.list) do
    local name = setting.caption and setting.group
    if name then
      if not by_name[name] then
        by_name[name] = { text = name, items = {} }
        groups[#groups + 1] = by_name[name]
      end
      local list = by_name[name].items
      entries(setting, function(item) list[#list + 1] = item end)
    end
  end
  return groups
end

return settings_menu
