-- @noindex
--- Which edges a candidate may be answered with: those that teach nonsense, or stand on another place, are refused. The daemon
-- checks the same. Pure Lua.

local models = require("models")

local edges = {}

local OUTSIDE_S = 0.05                       -- so far edges may stick out of the audio
local TOUCH_S, TOUCH_SHARE = 0.025, 0.05     -- neighbours may share so much, of a sound of that length

---Seconds that two spans share.
---@return number
function edges.overlap_s(start_s, end_s, other_start_s, other_end_s)
  return math.max(0, math.min(end_s, other_end_s) - math.max(start_s, other_start_s))
end

---Whether a place of the model lies under a selection: they share more than half of the shorter one.
---@param one Candidate
---@return boolean
function edges.lies_under(one, start_s, end_s)
  local shorter_s = math.min(end_s - start_s, one.end_s - one.start_s)
  return edges.overlap_s(start_s, end_s, one.start_s, one.end_s) > 0.5 * shorter_s
end

local WHAT = { example = "which is the example", accepted = "which is accepted", rejected = "which is rejected",
  skipped = "which was skipped" }

---What is wrong with new edges of the open candidate.
---@param model Model
---@param start_s number
---@param end_s number
---@param first_s number where the searched audio begins
---@param last_s number and where it ends
---@return string? problem one sentence; nil: nothing
function edges.problem(model, start_s, end_s, first_s, last_s)
  local one = model.candidates[model.current]
  local name = models.shown_name(model, one.number)
  if edges.overlap_s(start_s, end_s, one.proposed_start_s, one.proposed_end_s) <= 0 then
    return ("%s does not lie on the place that was proposed any more: move it back, or reject it"):format(name)
  end
  if start_s < first_s - OUTSIDE_S or end_s > last_s + OUTSIDE_S then
    return ("%s reaches outside the searched audio: move its edges inside"):format(name)
  end
  return edges.shared(model, one.number, start_s, end_s, models.proposal(one))
end

---Which answered place this one would share its time with: where their sounds are, for a region may be off its own.
---@param model Model
---@param number integer of the place
---@param proposed { start_s: number, end_s: number }? as much as this shares with others is allowed
---@return string? problem one sentence; nil: none
function edges.shared(model, number, start_s, end_s, proposed)
  local example = model.candidates[0]
  local touch_s = example and math.min(TOUCH_S, TOUCH_SHARE * (example.proposed_end_s - example.proposed_start_s)) or TOUCH_S
  for other_number, other in pairs(model.candidates) do
    local other_start_s, other_end_s = models.sound(other)
    local shared_s = edges.overlap_s(start_s, end_s, other_start_s, other_end_s)
    local proposed_s = proposed and edges.overlap_s(proposed.start_s, proposed.end_s, other_start_s, other_end_s) or 0
    if other_number ~= number and WHAT[other.state] and shared_s > math.max(touch_s, proposed_s) then
      return ("%s lies on %s, %s: two places cannot share their time"):format(models.shown_name(model, number),
        models.shown_name(model, other_number), WHAT[other.state])
    end
  end
end

return edges
