-- @noindex
--- What the window shows, as data: gathered from the sessions, so that layout and drawing know nothing of them.

local audition = require("audition")
local models = require("models")
local project = require("project")
local status = require("status")

local shown = {}

---@class ShownPlace
---@field kind State of a candidate, or "reviewed"
---@field name string
---@field from_s number
---@field to_s number

---@class ShownSession
---@field id string
---@field label string
---@field rgb Rgb
---@field searching boolean
---@field progress number 0 to 1
---@field open boolean
---@field over string?
---@field paused boolean
---@field deciding boolean
---@field candidate { name: string, time: string, percent: integer }?
---@field reviewed { name: string, state: string }?
---@field remaining number? expected places left
---@field accepted integer
---@field rejections integer
---@field budget integer 0 = not known yet
---@field answers integer

---@class Shown
---@field daemon string one line on the daemon
---@field problem string? why there is none
---@field message string what was said last
---@field trouble boolean that tells of something that went wrong
---@field playing boolean
---@field session ShownSession?
---@field sounds { id: string, label: string, rgb: Rgb, accepted: integer, note: string, current: boolean }[]
---@field hint string? what a click would do

local NOTES = { lost = "lost", stored = "closed", resuming = "opening" }
local OVER = { budget = "used up", exhausted = "all found", finished = "finished" }

---@param s Session
---@return ShownSession
local function session(s)
  local model = s.model
  local accepted, rejections = models.tally(model)
  local one = model.current and model.candidates[model.current]
  local again = s.reviewed and model.candidates[s.reviewed]
  return {
    id = s.id, label = model.label, rgb = project.rgb("accepted", s.colour), searching = s:is_searching(), progress = s.progress,
    open = s:is_open(), over = model.over, paused = model.hidden == true, deciding = s.deciding,
    candidate = one and { name = models.shown_name(model, one.number), time = status.time(one.start_s),
      percent = math.floor(100 * one.probability + 0.5) },
    reviewed = again and { name = models.shown_name(model, again.number), state = again.state },
    remaining = s.remaining and s.remaining >= 0 and math.floor(s.remaining + 0.5) or nil,
    accepted = accepted, rejections = rejections, budget = s.budget, answers = models.answers(model),
  }
end

---@param ctx table
---@return Shown
---@return Session? s the one that the window leads
function shown.of(ctx)
  local link, tab = ctx.link, ctx.active_tab
  local s = tab and (tab.searching or tab.active)
  if s and s:absent() and not s:is_searching() then s = nil end
  local content = { daemon = link.state == "up" and ("daemon %s by %s"):format(link.info.version, link.carrier.name) or "connecting",
    problem = link.problem and link.problem:gsub(" %(there is no .*%)$", "") or nil,
    message = status.line(), trouble = status.is_trouble(), playing = audition.playing(), session = s and session(s) or nil, sounds = {} }
  for _, one in ipairs(tab and tab.sessions or {}) do
    if not one:absent() then
      content.sounds[#content.sounds + 1] = { id = one.id, label = one.model.label, rgb = project.rgb("accepted", one.colour),
        accepted = models.tally(one.model), note = NOTES[one.state] or OVER[one.model.over] or "", current = one == s }
    end
  end
  return content, s
end

---The places of a session, for its curve; the one that is looked at again comes last.
---@param s Session
---@return ShownPlace[]
function shown.places(s)
  local list, model = {}, s.model
  for number, one in pairs(model.candidates) do
    if one.state ~= "retracted" then
      list[#list + 1] = { kind = one.state, name = models.shown_name(model, number), from_s = one.start_s, to_s = one.end_s }
    end
  end
  if s.search then
    list[1] = { kind = "example", name = "the example", from_s = s.search.example.start_s, to_s = s.search.example.end_s }
  end
  table.sort(list, function(a, b) return a.from_s < b.from_s end)
  local again = s.reviewed and model.candidates[s.reviewed]
  if again then
    list[#list + 1] = { kind = "reviewed", name = models.shown_name(model, again.number), from_s = again.start_s, to_s = again.end_s }
  end
  return list
end

---Whether two values say the same.
---@return boolean
function shown.alike(a, b)
  if a == b or type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not shown.alike(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return shown
