-- @noindex
--- What the user is told, where the eyes are and without taking the focus: help line, tooltip, screen reader.

local settings = require("settings")

local status = {}

local TOOLTIP_S = 2.5

local line, trouble, tooltip_until = "", false, nil

---The text shown last.
---@return string
function status.line() return line end

---Whether it tells of something that went wrong.
---@return boolean
function status.is_trouble() return trouble end

---@param text string
---@param loud boolean? also as a tooltip at the mouse, and to a screen reader
---@param wrong boolean? it tells of something that went wrong
function status.say(text, loud, wrong)
  trouble = wrong or false
  if text ~= line then
    line = text
    reaper.Help_Set("ReaTrieve: " .. text, false)
  end
  if not loud then return end
  if reaper.osara_outputMessage then reaper.osara_outputMessage(text) end
  if settings.get("tooltip") then
    local x, y = reaper.GetMousePosition()
    -- The argument is named fmt in REAPER's API, so no percent sign is risked.
    reaper.TrackCtl_SetToolTip((text:gsub("%%", "percent")), x + 16, y + 16, true)
    tooltip_until = reaper.time_precise() + TOOLTIP_S
  end
end

function status.tick()
  if tooltip_until and reaper.time_precise() > tooltip_until then status.clear_tooltip() end
end

function status.clear_tooltip()
  if tooltip_until then reaper.TrackCtl_SetToolTip("", 0, 0, false) end
  tooltip_until = nil
end

---"1 answer", "2 answers".
---@param n integer
---@param what string
---@return string
function status.plural(n, what) return n == 1 and ("1 " .. what) or ("%d %ss"):format(n, what) end

---A time as the ruler shows it: with the project's start offset, in the ruler's unit.
---@return string
function status.time(seconds) return reaper.format_timestr_pos(seconds, "", -1) end

return status
