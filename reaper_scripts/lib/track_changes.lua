-- @noindex
--- What the user does to the items of a searched track: noticed at each change of the project's state. If all items have moved
-- alike, the search moves with them; else its times hold no more, and the user is told.

local curve = require("curve")
local models = require("models")
local project = require("project")
local status = require("status")
local steps = require("steps")
local track = require("track")

local track_changes = {}

local SAME_S = models.TOLERANCE_S

---@class Change
---@field by_s number? all items have moved alike, by so much
---@field what string? what else has changed
---@field item_by_s table<string, number> how far each item has moved, by GUID

---What has become of the items between two layouts. Pure.
---@param before table<string, ItemPlace>
---@param now table<string, ItemPlace>
---@return Change? nil nothing has changed
function track_changes.between(before, now)
  local moved, trimmed, replaced, gone, new, count = 0, 0, 0, 0, 0, 0
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
      elseif one.source and old.source and one.source ~= old.source then
        replaced = replaced + 1
      end
      by_s = by_s or sound_s
      alike = alike and math.abs(sound_s - by_s) <= SAME_S
    end
  end
  for guid in pairs(now) do
    if not before[guid] then new = new + 1 end
  end
  if moved + trimmed + replaced + gone + new == 0 then return nil end
  if alike and moved == count and trimmed + replaced + gone + new == 0 then
    return { by_s = by_s, item_by_s = item_by_s }
  end
  local parts = {}
  for _, part in ipairs { { moved, "moved" }, { trimmed, "trimmed" }, { replaced, "from another file" }, { gone, "deleted" },
    { new, "new" } } do
    if part[1] > 0 then parts[#parts + 1] = ("%d %s"):format(part[1], part[2]) end
  end
  return { what = table.concat(parts, ", "), item_by_s = item_by_s }
end

---The item of a layout that a time lies on.
---@return string? guid
local function under(layout, time_s)
  for guid, item in pairs(layout) do
    if item.position_s <= time_s and time_s < item.position_s + item.length_s then return guid end
  end
end

---How far REAPER should have moved a region along with the item that it stood on.
local function along_s(change, before, mark)
  return change.by_s or change.item_by_s[under(before, (mark.start_s + mark.end_s) / 2)]
end

---The model with what moved along, and the numbers of accepted regions that stayed. Where items have changed each in its own way
---(time inserted or cut) or the tempo with them, whatever has moved in the same moment was moved by REAPER.
---@param retuned boolean the tempo has changed: regions in beats have moved by more or less than their sound
local function followed(s, change, before, present, retuned)
  local model, stayed = s.model, {}
  for guid, mark in pairs(s:step().marks) do
    local there, by_s = present[guid], along_s(change, before, mark)
    local along = there and by_s and math.abs(there.start_s - mark.start_s - by_s) < SAME_S
      and math.abs(there.end_s - mark.end_s - by_s) < SAME_S
    if there and (retuned or not change.by_s) and mark.kind ~= "candidate" and not models.same_place(there, mark) then
      local start_by_s, end_by_s = there.start_s - mark.start_s, there.end_s - mark.end_s
      model = models.moved(model, mark.number, start_by_s, end_by_s)
      if change.by_s then s:leave(mark.number, change.by_s - start_by_s, change.by_s - end_by_s) end
    elseif along and math.abs(by_s) > SAME_S then
      model = models.moved(model, mark.number, by_s)
    elseif there and mark.kind == "accepted" and change.by_s and models.same_place(there, mark) then
      stayed[#stayed + 1] = mark.number
    end
  end
  return model, stayed
end

---The item that plays now what an item played at a time: itself, or the other piece of it after a split.
---@param before table<string, ItemPlace>
---@param now table<string, ItemPlace>
---@param guid string
---@return ItemPlace? nil: nothing does
local function playing_now(before, now, guid, time_s)
  local old = before[guid]
  local source_s = old.offset_s + (time_s - old.position_s) * old.rate
  local function plays(item)
    return source_s >= item.offset_s - SAME_S and source_s < item.offset_s + item.length_s * item.rate
  end
  local same = now[guid]
  if same and plays(same) then return same end
  for other, item in pairs(now) do
    if not before[other] and item.source == old.source and item.rate == old.rate and plays(item) then return item end
  end
end

---Where a piece of an item's sound is played now.
local function played_at(old, now, time_s)
  return now.position_s + (old.offset_s + (time_s - old.position_s) * old.rate - now.offset_s) / now.rate
end

---Items have changed each in its own way: what no region shows goes with the sound under it; a region that stayed while its sound
---has gone elsewhere has left it; and where another sound stands now in place of one that is gone, no answer counts any more.
local function follow_each(s, change, before, now, present, model)
  local shown = {}
  for guid, mark in pairs(s:step().marks) do
    local there = present[guid]
    shown[mark.number] = there and { still = models.same_place(there, mark), kind = mark.kind } or nil
  end
  for number, one in pairs(s.model.candidates) do
    local item = one.state ~= "candidate" and under(before, (one.start_s + one.end_s) / 2)
    local region = shown[number]
    local piece = item and playing_now(before, now, item, (one.start_s + one.end_s) / 2)
    if piece and (not region or region.still) then
      local start_by_s = played_at(before[item], piece, one.start_s) - one.start_s
      local end_by_s = played_at(before[item], piece, one.end_s) - one.end_s
      local apart = math.max(math.abs(start_by_s), math.abs(end_by_s)) > SAME_S
      if apart and not region then
        model = models.moved(model, number, start_by_s, end_by_s)
      elseif apart and region.kind == "accepted" then
        s:leave(number, start_by_s, end_by_s)
      end
    elseif item and not piece then
      local other = under(now, (one.start_s + one.end_s) / 2)
      if other and before[other] and math.abs(change.item_by_s[other]) > SAME_S then s:stray(number) end
    end
  end
  return model
end

---All items have moved alike.
local function follow(tab, s, change, before, present, retuned)
  local model, stayed = followed(s, change, before, present, retuned)
  for number, one in pairs(s.model.candidates) do
    if one.state ~= "accepted" and one.state ~= "example" and model.candidates[number] == one then
      model = models.moved(model, number, change.by_s)
    end
  end
  local marks = s.history:standing(present)
  for guid, mark in pairs(marks) do
    local seen = s.seen and s.seen.number == mark.number and s.seen or s.model.candidates[mark.number]
    if mark.kind == "candidate" and mark.number == s.model.current and (retuned or models.same_place(mark, seen))
      and not project.can_redo(tab.proj) then
      mark.start_s, mark.end_s = seen.start_s + change.by_s, seen.end_s + change.by_s
      project.undoable(tab.proj, "Move the candidate with its items", function()
        project.move(tab.proj, guid, mark.start_s, mark.end_s)
      end)
    end
  end
  s:set_marks(marks)
  s:amend(model)
  s:shift(change.by_s, stayed)
  curve.move(s.id, change.by_s)
  local line = ("%s: its items have moved by %+.3f s, and new candidates move with them"):format(s.model.label, change.by_s)
  if next(s.left) then
    local count = 0
    for _ in pairs(s.left) do count = count + 1 end
    line = ("%s; %s %s off the sound now: Convert and Export ask whether to move them"):format(line,
      status.plural(count, "accepted region"), count == 1 and "is" or "are")
  end
  status.say(line, true)
end

---To be called when the state of the project has changed, before its regions are compared.
---@param tab Tab
---@param s Session
---@param retuned boolean the tempo map has changed with it
---@return boolean changed
function track_changes.look(tab, s, retuned)
  if not s.layout or not s.media_track then return false end
  local now, before = track.layout(s.media_track), s.layout
  local change = track_changes.between(before, now)
  if not change then
    s:see(steps.edges(tab, s))
    return false
  end
  s:lay_out(now)
  local present = project.read(tab.proj, s.history.known)
  if change.by_s then
    follow(tab, s, change, before, present, retuned)
  else
    local model = followed(s, change, before, present, retuned)
    model = follow_each(s, change, before, now, present, model)
    if model ~= s.model then
      s:set_marks(s.history:standing(present))
      s:amend(model)
    end
    s:outdate(before)
    if s.searched and not track_changes.between(s.searched, now) then
      s:set_right()
      status.say(("%s: the items of its track are again as they were searched"):format(s.model.label), true)
    else
      status.say(("%s: the items of its track have changed (%s), so new candidates may be off: run Find again, which keeps the answers"
        ):format(s.model.label, change.what), true)
    end
  end
  s:see(steps.edges(tab, s))
  steps.store(tab)
  return true
end

---The tempo has changed, and REAPER has moved regions with the beats, which is no drag of the user's: nothing is learned from it.
---@param present table<string, Mark>
---@return boolean taken nothing else has changed
function track_changes.with_tempo(tab, s, present)
  local marks, moved, back = s:step().marks, 0, nil
  for guid in pairs(present) do
    if not marks[guid] then return false end
  end
  local model = s.model
  for guid, mark in pairs(marks) do
    local there = present[guid]
    if not there or there.kind ~= mark.kind then return false end
    if not models.same_place(there, mark) then
      if mark.kind == "candidate" then
        back = { guid = guid, mark = mark }
      else
        moved = moved + 1
        local one = model.candidates[mark.number]
        if one then
          model = models.moved(model, mark.number, there.start_s - one.start_s, there.end_s - one.end_s)
          s:leave(mark.number, one.start_s - there.start_s, one.end_s - there.end_s)
        end
      end
    end
  end
  if moved == 0 and not back then return false end
  local standing = s.history:standing(present)
  if back then
    local mark = standing[back.guid]
    mark.start_s, mark.end_s = back.mark.start_s, back.mark.end_s
    project.undoable(tab.proj, "Move the candidate back onto its sound", function()
      project.move(tab.proj, back.guid, mark.start_s, mark.end_s)
    end)
  end
  s:set_marks(standing)
  s:amend(model)
  if moved > 0 then
    status.say(("%s: the tempo has changed, and %s moved with the beats: nothing is learned from that; Convert and Export ask whether "
      .. "to move them back"):format(s.model.label, status.plural(moved, "region")), true)
  end
  steps.store(tab)
  return true
end

local YES_NO, YES = 4, 6

---Before something is made of the accepted regions: those that stand off their sound may be moved.
---@param tab Tab
---@param only Session? of this one
function track_changes.offer(tab, only)
  local parts, count = {}, 0
  for _, s in ipairs(tab.sessions) do
    if next(s.left) and not s:absent() and (only or s) == s then
      local model = s.model
      for number, by in pairs(s.left) do
        local one = model.candidates[number]
        if one and (one.state == "accepted" or one.state == "example") then
          model, count = models.moved(model, number, by.start_s, by.end_s), count + 1
        end
      end
      parts[#parts + 1] = { s = s, model = model }
    end
  end
  if count == 0 then return end
  local text = ("Items or the tempo have changed, and %s off the sound.\n\nMove to where it is now?"):format(
    count == 1 and "1 accepted region stands" or ("%d accepted regions stand"):format(count))
  local yes = reaper.MB(text, "ReaTrieve", YES_NO) == YES
  if yes then steps.step(tab, "Move accepted regions onto their sound", parts) end
  for _, part in ipairs(parts) do part.s:forget_left() end
end

return track_changes
