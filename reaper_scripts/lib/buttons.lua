-- @noindex
--- The buttons of the window: what they are called, which key presses them, and when they mean something. Pure Lua.

local buttons = {}

---@class Button
---@field verb string
---@field label string
---@field short string where there is little room
---@field key string

---@type Button[] in the order in which they stand; the first six answer and lead
buttons.list = {
  { verb = "accept", label = "Accept", short = "Acc", key = "a" },
  { verb = "reject", label = "Reject", short = "Rej", key = "r" },
  { verb = "skip", label = "Skip", short = "Skip", key = "s" },
  { verb = "undo", label = "Undo", short = "Und", key = "u" },
  { verb = "play", label = "Play", short = "Play", key = "p" },
  { verb = "previous", label = "Previous", short = "Prev", key = "b" },
  { verb = "find", label = "Find", short = "Find", key = "f" },
  { verb = "accept_rest", label = "The rest", short = "Rest", key = "t" },
  { verb = "continue", label = "Continue", short = "+10", key = "c" },
  { verb = "finish", label = "Finish", short = "Fin", key = "e" },
  { verb = "convert", label = "Convert", short = "Conv", key = "m" },
  { verb = "export", label = "Export", short = "Exp", key = "x" },
}

---Further keys of the window, by what they press.
buttons.further = {
  [" "] = "play", n = "next", [","] = "settings",
  ["1"] = "start_earlier", ["2"] = "start_later", ["3"] = "end_earlier", ["4"] = "end_later",
}

local by_key = {}
for key, verb in pairs(buttons.further) do by_key[key] = verb end
for _, button in ipairs(buttons.list) do by_key[button.key] = button.verb end

---The verb of a key.
---@param key string one character, in any case
---@return string?
function buttons.verb(key) return by_key[key:lower()] end

---Whether a verb means something now; one that does not still says why when it is pressed.
---@param shown Shown
---@param verb string
---@return boolean
function buttons.enabled(shown, verb)
  local s = shown.session
  if verb == "find" then return not (s and s.searching) end
  if verb == "play" and shown.playing then return true end
  if not s then return false end
  if verb == "finish" then return s.searching or (s.open and s.over ~= "finished") end
  if s.searching then return false end
  if verb == "accept" or verb == "reject" or verb == "skip" then return s.open and (s.candidate ~= nil or s.reviewed ~= nil) end
  if verb == "undo" then return s.open and s.answers > 0 end
  if verb == "previous" then return s.answers > 0 end
  if verb == "play" then return s.candidate ~= nil or s.reviewed ~= nil end
  if verb == "accept_rest" then return s.open and s.candidate ~= nil end
  if verb == "continue" then return s.open end
  return s.accepted >= 0
end

---What a button says: Play stops while something is played.
---@param shown Shown
---@param button Button
---@return string label
---@return string short
function buttons.label(shown, button)
  if button.verb == "play" and shown.playing then return "Stop", "Stop" end
  if button.verb == "finish" and shown.session and shown.session.searching then return "Cancel", "Stop" end
  return button.label, button.short
end

return buttons
