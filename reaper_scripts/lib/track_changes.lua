-- @noindex
--- What the user does to the items of a searched track: noticed at each change of the project's state. If all items have moved
-- alike, the search moves with them; else its times hold no more, and the user is told.

local curve = require("curve")
local history = require("history")
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

---The item of a layout that holds most of a place: items may overlap, as in a crossfade. Of two that hold as much it is the later
---one, which REAPER draws on top; nil where it neither holds the place's middle nor more than half of it.
---@param layout table<string, ItemPlace>
---@param start_s number
---@param end_s number
---@return string? guid
local function under(layout, start_s, end_s)
  local best, best_s
  for guid, item in pairs(layout) do
    local first_s, last_s = item.position_s, item.position_s + item.length_s
    local held_s = math.min(end_s, last_s) - math.max(start_s, first_s)
    local more_s = best and held_s - best_s or held_s
    local later = best and (first_s > layout[best].position_s or first_s == layout[best].position_s and guid > best)
    if more_s > SAME_S or more_s >= -SAME_S and later then
      best, best_s = guid, held_s
    end
  end
  if not best then return nil end
  local item, middle_s = layout[best], (start_s + end_s) / 2
  local holds_middle = item.position_s <= middle_s and middle_s < item.position_s + item.length_s
  if holds_middle or best_s > (end_s - start_s) / 2 then return best end
end

---How far REAPER has moved a region together with its items. What else has become of it is the user's doing, or an undo's.
---@param mark Mark
---@param there Mark?
---@param by_s number? how far its item has moved
---@param freely boolean it may have moved otherwise as well
---@return number start_by_s
---@return number end_by_s
local function carried(mark, there, by_s, freely)
  if not there or there.kind ~= mark.kind then return 0, 0 end
  local start_by_s, end_by_s = there.start_s - mark.start_s, there.end_s - mark.end_s
  local along = by_s and math.abs(start_by_s - by_s) < SAME_S and math.abs(end_by_s - by_s) < SAME_S
  if freely and mark.kind ~= "candidate" or along then return start_by_s, end_by_s end
  return 0, 0
end

---A mark with its region moved.
local function moved_mark(mark, start_by_s, end_by_s)
  return { number = mark.number, kind = mark.kind, name = mark.name, start_s = mark.start_s + start_by_s, end_s = mark.end_s + end_by_s }
end

---Where the open candidate's region stood in the last look.
---@return { start_s: number, end_s: number }
local function last_seen(s)
  return s.seen and s.seen.number == s.model.current and s.seen or s.model.candidates[s.model.current]
end

---Put the open candidate's region where it belongs. After an undo or redo it stands as REAPER has put it, and a point of ours would end
---the redo: only what was put right from there before is put right again, without one.
---@param guid string of its region
---@param to { start_s: number, end_s: number }
local function put_candidate(tab, s, name, present, guid, to)
  if models.same_place(present[guid], to) then return end
  if project.can_redo(tab.proj) then
    local place = s:corrected_place(present[guid])
    if place then project.move(tab.proj, guid, place.start_s, place.end_s) end
    return
  end
  s:record_correction(s.model.current, present[guid], to)
  project.undoable(tab.proj, name, function() project.move(tab.proj, guid, to.start_s, to.end_s) end)
end

---The GUID of the open candidate's region, if it stands.
local function asked_about(s, present)
  for guid, mark in pairs(s:step().marks) do
    if mark.kind == "candidate" and mark.number == s.model.current and present[guid] then return guid end
  end
end

---Bring the present step to where the items stand now, should they have moved alike since it was: accepted places are where their
---regions are, and all others go along. So does the candidate's region, with the edges that the user has set, if REAPER has not
---moved it.
---@param present table<string, Mark>
---@param retuned boolean the tempo has changed: regions in beats have moved by more or less than their sound
function track_changes.settle(tab, s, present, retuned)
  local by_s = s.shift_s - s:step().shift_s
  if math.abs(by_s) <= SAME_S then return end
  local asked = asked_about(s, present)
  local there, seen = asked and present[asked], asked and last_seen(s)
  local model, marks, by = s.model, {}, {}
  for guid, mark in pairs(s:step().marks) do
    local start_by_s, end_by_s = by_s, by_s
    if mark.kind ~= "candidate" then start_by_s, end_by_s = carried(mark, present[guid], by_s, retuned) end
    marks[guid], by[mark.number] = moved_mark(mark, start_by_s, end_by_s), { start_by_s, end_by_s }
  end
  for number, one in pairs(s.model.candidates) do
    if models.is_accepted(one) then
      local start_by_s, end_by_s = table.unpack(by[number] or { 0, 0 })
      model = models.moved(model, number, start_by_s, end_by_s)
      model = models.add_sound_offset(model, number, by_s - start_by_s, by_s - end_by_s)
    else
      model = models.moved(model, number, by_s)
    end
  end
  s:settle(model, marks)
  local along = asked and models.span_moved(seen, by_s)
  if asked and (retuned or models.is_nearer(there, seen, along)) then
    put_candidate(tab, s, "Move the candidate with its items", present, asked, retuned and along or models.span_moved(there, by_s))
  end
end

---Model and marks after items have changed each in its own way (time inserted or cut): whatever has moved in the same moment was
---moved by REAPER.
---@return Model
---@return table<string, Mark>
local function followed(s, change, before, present)
  local model, marks = s.model, {}
  for guid, mark in pairs(s:step().marks) do
    local item_by_s = change.item_by_s[under(before, mark.start_s, mark.end_s)]
    local start_by_s, end_by_s = carried(mark, present[guid], item_by_s, true)
    model = models.carried(model, mark.number, start_by_s, end_by_s)
    marks[guid] = moved_mark(mark, start_by_s, end_by_s)
  end
  return model, marks
end

---A time of an item's source, as a project time in a piece that plays it now.
local function played_at(old, now, time_s)
  return now.position_s + (old.offset_s + (time_s - old.position_s) * old.rate - now.offset_s) / now.rate
end

---The item that plays now what an item played at a time: itself, or the other piece of it after a split; of several copies the one
---that plays it nearest to where it was.
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
  local nearest, nearest_s
  for other, item in pairs(now) do
    if not before[other] and item.source == old.source and item.rate == old.rate and plays(item) then
      local at_s = played_at(old, item, time_s)
      local closer_s = nearest and math.abs(nearest_s - time_s) - math.abs(at_s - time_s) or 1
      if closer_s > 0 or closer_s == 0 and at_s < nearest_s then
        nearest, nearest_s = item, at_s
      end
    end
  end
  return nearest
end

---Items have changed each in its own way: what no region shows goes with the sound under it; a region that stayed while its sound
---has moved is off it from then on; and where another sound stands now in place of one that is gone, no answer counts any more. Sound
---that was gone is with its region again once all items are as they were searched.
local function follow_each(s, change, before, now, present, model)
  local shown, put_back = {}, s.searched ~= nil and not track_changes.between(s.searched, now)
  for guid, mark in pairs(s:step().marks) do
    local there = present[guid]
    shown[mark.number] = there and { still = models.same_place(there, mark), kind = mark.kind } or nil
  end
  for number, one in pairs(s.model.candidates) do
    local start_s, end_s = models.sound(one)
    local item = one.state ~= "candidate" and under(before, start_s, end_s)
    local region = shown[number]
    local piece = item and playing_now(before, now, item, (start_s + end_s) / 2)
    if piece and (not region or region.still) then
      local start_by_s = played_at(before[item], piece, start_s) - start_s
      local end_by_s = played_at(before[item], piece, end_s) - end_s
      local apart = math.max(math.abs(start_by_s), math.abs(end_by_s)) > SAME_S
      if apart and not region then
        model = models.carried(model, number, start_by_s, end_by_s)
      elseif apart and region.kind == "accepted" then
        model = models.add_carried(models.add_sound_offset(model, number, start_by_s, end_by_s), number, start_by_s, end_by_s)
      end
    elseif item and not piece then
      local other = under(now, start_s, end_s)
      if other and before[other] and math.abs(change.item_by_s[other]) > SAME_S then s:stray(number) end
    elseif put_back and one.sound_offset and not item then
      model = models.put_back_on_sound(model, number)
    end
  end
  return model
end

local function tell_moved(s, by_s)
  local line, count = ("%s: its items have moved by %+.3f s, and new candidates move with them"):format(s.model.label, by_s),
    #models.numbers_with_offset(s.model)
  if count > 0 then
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
  if not change then return false end
  s:lay_out(now)
  if change.by_s then
    s:shift(change.by_s)
    curve.move(s.id, change.by_s)
  end
  local present = project.read(tab.proj, s.history.known)
  -- Undo and redo of answers together with the items: that step is right, or is settled once it is the present one.
  local elsewhere = not history.has_same_regions(s:step(), present) and s.history:find_step(present, s.shift_s) ~= nil
  if change.by_s then
    if not elsewhere then track_changes.settle(tab, s, present, retuned) end
    tell_moved(s, change.by_s)
  else
    if not elsewhere then
      local model, marks = followed(s, change, before, present)
      s:settle(follow_each(s, change, before, now, present, model), marks)
    end
    s:outdate(before)
    if s.searched and not track_changes.between(s.searched, now) then
      s:clear_outdated()
      status.say(("%s: the items of its track are again as they were searched"):format(s.model.label), true)
    else
      status.say(("%s: the items of its track have changed (%s), so new candidates may be off: run Find again, which keeps the answers"
        ):format(s.model.label, change.what), true)
    end
  end
  steps.store(tab)
  return true
end

---The tempo has changed, and REAPER has moved regions with the beats, which is no drag of the user's: nothing is learned from it.
---@param present table<string, Mark>
---@return boolean taken nothing else has changed
function track_changes.with_tempo(tab, s, present)
  if not history.has_same_regions(s:step(), present) then return false end
  local model, moved = s.model, 0
  for guid, mark in pairs(s:step().marks) do
    local there = present[guid]
    if mark.kind ~= "candidate" and not models.same_place(there, mark) then
      moved = moved + 1
      local start_by_s, end_by_s = there.start_s - mark.start_s, there.end_s - mark.end_s
      model = models.moved(model, mark.number, start_by_s, end_by_s)
      model = models.add_sound_offset(model, mark.number, -start_by_s, -end_by_s)
    end
  end
  local guid = asked_about(s, present)
  if guid then put_candidate(tab, s, "Move the candidate back onto its sound", present, guid, last_seen(s)) end
  if moved == 0 then return false end
  s:set_marks(s.history:standing(present))
  s:amend(model)
  status.say(("%s: the tempo has changed, and %s moved with the beats: nothing is learned from that; Convert and Export ask whether "
    .. "to move them back"):format(s.model.label, status.plural(moved, "region")), true)
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
    local off = 0
    for _, number in ipairs(models.numbers_with_offset(s.model)) do
      if not s.model.candidates[number].sound_offset.stays then off = off + 1 end
    end
    if off > 0 and not s:absent() and (only or s) == s then
      parts[#parts + 1], count = { s = s, model = models.settled(s.model, true) }, count + off
    end
  end
  if count == 0 then return end
  local text = ("Items or the tempo have changed, and %s off the sound.\n\nMove to where it is now?"):format(
    count == 1 and "1 accepted region stands" or ("%d accepted regions stand"):format(count))
  if reaper.MB(text, "ReaTrieve", YES_NO) == YES then return steps.step(tab, "Move accepted regions onto their sound", parts) end
  for _, part in ipairs(parts) do part.s:amend(models.settled(part.s.model, false)) end
  steps.store(tab)
end

return track_changes
