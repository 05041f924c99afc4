-- @noindex
--- What the user does to the items of a searched track: noticed at each change of the project's state. If all items have moved
-- alike, the search moves with them; else its times hold no more, and the user is told.

local models = require("models")
local project = require("project")
local status = require("status")
local steps = require("steps")
local track = require("track")

local track_changes = {}

local SAME_S = 1e-6

---@class Change
---@field by_s number? all items have moved alike, by so much
---@field what string? what else has changed
---@field item_by_s table<string, number> how far each item has moved, by GUID

---What has become of the items between two layouts. Pure.
---@param before table<string, ItemPlace>
---@param now table<string, ItemPlace>
---@return Change? nil nothing has changed
function track_changes.between(before, now)
  local moved, trimmed, gone, new, count = 0, 0, 0, 0, 0
  local by_s, alike, item_by_s = nil, true, {}
  for guid, old in pairs(before) do
    local one = now[guid]
    if not one then
      gone = gone + 1
    else
      count = count + 1
      -- An item that was trimmed at its start has moved; its sound has not.
      local sound_s = (one.position_s - one.offset_s / one.rate) - (old.position_s - old.offset_s / old.rate)
      item_by_s[guid] = sound_s
      if math.abs(one.length_s - old.length_s) > SAME_S or one.rate ~= old.rate or math.abs(one.offset_s - old.offset_s) > SAME_S then
        trimmed = trimmed + 1
      elseif math.abs(sound_s) > SAME_S then
        moved = moved + 1
      end
      by_s = by_s or sound_s
      alike = alike and math.abs(sound_s - by_s) <= SAME_S
    end
  end
  for guid in pairs(now) do
    if not before[guid] then new = new + 1 end
  end
  if moved + trimmed + gone + new == 0 then return nil end
  if alike and moved == count and trimmed + gone + new == 0 then return { by_s = by_s, item_by_s = item_by_s } end
  local parts = {}
  for _, part in ipairs { { moved, "moved" }, { trimmed, "trimmed" }, { gone, "deleted" }, { new, "new" } } do
    if part[1] > 0 then parts[#parts + 1] = ("%d %s"):format(part[1], part[2]) end
  end
  return { what = table.concat(parts, ", "), item_by_s = item_by_s }
end

---How far REAPER should have moved a region along with the item that it stood on.
local function along_s(change, before, mark)
  if change.by_s then return change.by_s end
  local middle_s = (mark.start_s + mark.end_s) / 2
  for guid, item in pairs(before) do
    if item.position_s <= middle_s and middle_s < item.position_s + item.length_s then return change.item_by_s[guid] end
  end
end

---The model with what moved along, and the numbers of accepted regions that stayed.
local function followed(s, change, before, present)
  local model, stayed = s.model, {}
  for guid, mark in pairs(s:step().marks) do
    local there, by_s = present[guid], along_s(change, before, mark)
    local along = there and by_s and math.abs(there.start_s - mark.start_s - by_s) < SAME_S
      and math.abs(there.end_s - mark.end_s - by_s) < SAME_S
    if along and math.abs(by_s) > SAME_S then
      model = models.moved(model, mark.number, by_s)
    elseif there and mark.kind == "accepted" and change.by_s then
      stayed[#stayed + 1] = mark.number
    end
  end
  return model, stayed
end

---All items have moved alike.
local function follow(tab, s, change, before, present)
  local model, stayed = followed(s, change, before, present)
  for number, one in pairs(s.model.candidates) do
    if one.state ~= "accepted" and one.state ~= "example" and model.candidates[number] == one then
      model = models.moved(model, number, change.by_s)
    end
  end
  local marks = s.history:standing(present)
  local candidate = s.model.current and s.model.candidates[s.model.current]
  for guid, mark in pairs(marks) do
    if mark.kind == "candidate" and candidate and math.abs(mark.start_s - candidate.start_s) < SAME_S then     -- it stayed
      mark.start_s, mark.end_s = mark.start_s + change.by_s, mark.end_s + change.by_s
      project.undoable(tab.proj, "Move the candidate with its items", function()
        project.move(tab.proj, guid, mark.start_s, mark.end_s)
      end)
    end
  end
  s:set_marks(marks)
  s:amend(model)
  s:shift(change.by_s, stayed)
  local line = ("%s: its items have moved by %+.3f s, and new candidates move with them"):format(s.model.label, change.by_s)
  if next(s.left) then
    local count = 0
    for _ in pairs(s.left) do count = count + 1 end
    line = ("%s; %s stayed, off the sound: Convert and Export ask whether to move them"):format(line,
      status.plural(count, "accepted region"))
  end
  status.say(line, true)
end

---To be called when the state of the project has changed, before its regions are compared.
---@param tab Tab
---@param s Session
function track_changes.look(tab, s)
  if not s.layout or not s.media_track then return end
  local now, before = track.layout(s.media_track), s.layout
  local change = track_changes.between(before, now)
  if not change then return end
  s:lay_out(now)
  local present = project.read(tab.proj, s.history.known)
  if change.by_s then
    follow(tab, s, change, before, present)
  else
    local model = followed(s, change, before, present)
    if model ~= s.model then
      s:set_marks(s.history:standing(present))
      s:amend(model)
    end
    s:outdate()
    status.say(("%s: the items of its track have changed (%s), so new candidates may be off: run Find again"):format(
      s.model.label, change.what), true)
  end
  steps.store(tab)
end

local YES_NO, YES = 4, 6

---Before something is made of the accepted regions: those that their items have left may be moved.
---@param tab Tab
function track_changes.offer(tab)
  local parts, count = {}, 0
  for _, s in ipairs(tab.sessions) do
    if next(s.left) then
      local model = s.model
      for number, by_s in pairs(s.left) do
        local one = model.candidates[number]
        if one and (one.state == "accepted" or one.state == "example") then
          model, count = models.moved(model, number, by_s), count + 1
        end
      end
      parts[#parts + 1] = { s = s, model = model }
    end
  end
  if count == 0 then return end
  local text = ("The items have moved, and %s stayed where they were, off the sound.\n\nMove them with their items?"):format(
    status.plural(count, "accepted region"))
  local yes = reaper.MB(text, "ReaTrieve", YES_NO) == YES
  if yes then steps.step(tab, "Move accepted regions with their items", parts) end
  for _, part in ipairs(parts) do part.s:forget_left() end
end

return track_changes
