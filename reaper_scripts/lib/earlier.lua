-- @noindex
--- A search that goes on from what an earlier one of the same sound was told: its answers become the first ones of the new search,
-- its accepted regions those of the new one, and the earlier one goes. All of it is one undo step, and undo brings the earlier one back.

local audition = require("audition")
local edges = require("edges")
local history = require("history")
local models = require("models")
local project = require("project")
local status = require("status")
local steps = require("steps")
local track = require("track")

local earlier = {}

local YES_NO, YES = 4, 6
local COVERED = 0.5          -- so much of an answered place must lie on items, as for the daemon
local MOST = 2000            -- answers that the daemon takes: its limits.KNOWN

---@class KnownAnswer
---@field verdict "accept"|"reject"
---@field start_s number
---@field end_s number
---@field number integer in the earlier search
---@field guid string? its region
---@field sound_offset SoundOffset|false|nil how far the sound is from that region

local VERDICT = { example = "accept", accepted = "accept", rejected = "reject" }

-- Before the search ------------------------------------------------------------------------------------------------------

---Whether the example or an accepted place of a sound lies under the selection.
local function lies_under(s, start_s, end_s)
  for _, one in pairs(s.model.candidates) do
    if VERDICT[one.state] == "accept" and edges.lies_under(one, start_s, end_s) then return true end
  end
  return false
end

---The search of the track that can go on only anew, since the track has changed or the daemon has lost it: one of whose places is
---selected, else the one that the keys lead.
---@param track_guid string
---@return Session?
function earlier.search(tab, track_guid, start_s, end_s)
  local best
  for _, s in ipairs(tab.sessions) do
    local anew = s.state == "lost" or (s.outdated and s:is_open())
    if anew and s.track == track_guid and not s:absent() then
      if lies_under(s, start_s, end_s) then return s end
      if s == tab.active then best = s end
    end
  end
  return best
end

---How much of a place lies on items.
local function covered(items, start_s, end_s)
  local spans = {}
  for _, item in ipairs(items) do
    local from_s, to_s = math.max(item.position_s, start_s), math.min(item.position_s + item.length_s, end_s)
    if from_s < to_s then spans[#spans + 1] = { from_s, to_s } end
  end
  table.sort(spans, function(a, b) return a[1] < b[1] end)
  local sum_s, upto_s = 0, start_s
  for _, span in ipairs(spans) do
    local from_s = math.max(span[1], upto_s)
    sum_s = sum_s + math.max(0, span[2] - from_s)
    upto_s = math.max(upto_s, span[2])
  end
  return sum_s / (end_s - start_s)
end

---Every yes and no of a search, where the sound of its regions is now, in the order of their numbers.
---@return KnownAnswer[]
local function answers(tab, s)
  local guids, list = {}, {}
  for guid, there in pairs(project.read(tab.proj, s.history.known)) do
    if s:step().marks[guid] then guids[there.number] = { guid = guid, start_s = there.start_s, end_s = there.end_s } end
  end
  for number, one in pairs(s.model.candidates) do
    local region = guids[number] or { start_s = one.start_s, end_s = one.end_s }
    if VERDICT[one.state] then
      local start_s, end_s = models.sound { start_s = region.start_s, end_s = region.end_s, sound_offset = one.sound_offset }
      list[#list + 1] = { verdict = VERDICT[one.state], start_s = start_s, end_s = end_s, number = number, guid = region.guid,
        sound_offset = one.sound_offset }
    end
  end
  table.sort(list, function(a, b) return a.number < b.number end)
  return list
end

---What a new search can take over: what still lies on sound that was answered.
---@param items TrackItem[] of the track now
---@return KnownAnswer[]
---@return integer others that it cannot take over
function earlier.kept(tab, s, items)
  local list, all = {}, answers(tab, s)
  for _, one in ipairs(all) do
    if not s.strayed[one.number] and covered(items, one.start_s, one.end_s) >= COVERED and #list < MOST then list[#list + 1] = one end
  end
  return list, #all - #list
end

---Whether the user wants the answers kept.
---@param list KnownAnswer[]
---@param others integer answers that cannot be kept
---@return boolean
function earlier.wanted(s, list, others)
  local accepted = 0
  for _, one in ipairs(list) do
    if one.verdict == "accept" then accepted = accepted + 1 end
  end
  local why = s.state == "lost" and "the daemon cannot go on with it" or "the items of its track have changed"
  local left_out = others > 0 and (" %s cannot be kept: the sound there is gone."):format(status.plural(others, "other answer")) or ""
  local text = ("\"%s\" was searched on this track before, and %s.\n\nKeep its %s as examples (%d accepted, %d rejected)?%s\n\n"
    .. "Yes goes on with that sound, from the new time selection.\nNo leaves it as it is and begins another sound."):format(
    s.model.label, why, status.plural(#list, "answer"), accepted, #list - accepted, left_out)
  return reaper.MB(text, "ReaTrieve: Find", YES_NO) == YES
end

---What the daemon is told of them before `find`.
---@param list KnownAnswer[]
---@return table[] `known` messages (but for the session)
function earlier.messages(list)
  local messages = {}
  for index, one in ipairs(list) do
    messages[index] = { index = index - 1, verdict = one.verdict, start_s = one.start_s, end_s = one.end_s }
  end
  return messages
end

---Whether a sound is being searched again just now.
---@return boolean
function earlier.is_searched_again(tab, s)
  local search = tab.searching and tab.searching.search
  return search ~= nil and search.earlier ~= nil and search.earlier.s == s
end

---Whether a search has been answered since another one began from its answers, or a no was taken back. (Accepted places that have
---gone are retracted at the hand-over.)
---@param model Model of it as that one began
---@return boolean
function earlier.has_changed(s, model)
  local function verdict(of, number) return of.candidates[number] and VERDICT[of.candidates[number].state] end
  for number in pairs(s.model.candidates) do
    local now = verdict(s.model, number)
    if now and now ~= verdict(model, number) then return true end
  end
  for number in pairs(model.candidates) do
    if not s:absent() and verdict(model, number) == "reject" and verdict(s.model, number) ~= "reject" then return true end
  end
  return false
end

-- The hand-over ----------------------------------------------------------------------------------------------------------

---The answer that has become a place of the new search.
local function origin(list, taken, one)
  for index, answer in ipairs(list) do
    if not taken[index] and answer.verdict == VERDICT[one.state] and models.same_place(answer, one) then return index end
  end
end

---The regions of the earlier search that go over to the new one, and the model with their names.
---@param old Model
---@return table<string, Mark> adopted
---@return Model
---@return integer[] gone accepted places whose regions went while the daemon searched
local function adopted_by(tab, model, old, list)
  local known, taken, adopted, gone = {}, {}, {}, {}
  for _, one in ipairs(list) do
    if one.guid then known[one.guid] = one.number end
  end
  local present = project.read(tab.proj, known)
  local numbers = {}
  for number in pairs(model.candidates) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local one = model.candidates[number]
    local index = VERDICT[one.state] and origin(list, taken, one)
    local guid = index and list[index].guid
    local there = guid and present[guid]
    local kind = one.state == "rejected" and "rejected" or "accepted"
    if index then taken[index] = true end
    if index and kind == "rejected" then
      model = models.named(model, number, "? " .. models.shown_name(old, list[index].number))
    end
    if there and there.kind == kind then
      -- Should it be asked about again, it is called as candidates are.
      model = models.named(model, number, (kind == "accepted" and "? " or "") .. there.name)
      if kind == "accepted" then                     -- the region stays where it is
        model = models.with_sound_offset(model, number, list[index].sound_offset)
      end
      one = model.candidates[number]
      adopted[guid] = { number = number, kind = kind, name = there.name, start_s = one.start_s, end_s = one.end_s }
    elseif guid and kind == "accepted" then
      gone[#gone + 1] = number
      model = models.retracted(model, number)
    end
  end
  return adopted, model, gone
end

---The model with names that no place of the earlier search has.
local function named_anew(model, old, list)
  local highest, count = 0, 0
  for number, one in pairs(old.candidates) do
    if one.state ~= "candidate" then highest = math.max(highest, number + (old.offset or 0)) end
  end
  for number, one in pairs(model.candidates) do
    if number > 0 and VERDICT[one.state] and origin(list, {}, one) then count = count + 1 end
  end
  local example, example_too = model.candidates[0], list[1] ~= nil and list[1].number == 0
  for _, one in ipairs(list) do
    if models.same_place(one, example) then example_too = false end
  end
  if example_too then highest = highest + 1 end                   -- the old example is an answer now, and keeps its name
  model = models.counted_from(model, highest - count)
  if example_too then model = models.named(model, 0, models.region_name(model.label, highest, "accepted")) end
  return model
end

---The searches of one sound that a session belongs to.
---@return Session[]?
local function line_of(tab, s)
  for _, line in ipairs(tab.lines) do
    for _, one in ipairs(line) do
      if one == s then return line end
    end
  end
end

---Every region that some searches have had -> its number.
---@param sessions Session[]
---@return table<string, integer>
function earlier.known_of(sessions)
  local known = {}
  for _, s in ipairs(sessions) do
    for guid, number in pairs(s.history.known) do known[guid] = number end
  end
  return known
end

---Whether another search stands for this one now, or it is not there for another reason.
---@return boolean
function earlier.is_away(tab, s) return s:absent() and line_of(tab, s) ~= nil end

---Undo has gone back before a hand-over whose steps an earlier run of the script knew: candidates of the earlier search stand
---there again. They go, without an undo point, so that undo and redo go on.
function earlier.remove_again(tab, s)
  if not next(s.removed) or not project.can_redo(tab.proj) then return end
  local known = earlier.known_of(line_of(tab, s) or {})                   -- these come and go by the steps of their searches
  for guid, mark in pairs(project.read(tab.proj, s.removed)) do
    if not known[guid] and mark.kind ~= "accepted" then project.remove(tab.proj, guid) end
  end
end

---Nothing is waited for any more.
---@return integer? number of an answer that is sent, but in no step yet
local function settle(s)
  local number = (s.state == "answering" or s.state == "accepting") and s.model.current or nil
  if s:is_open() and s.state ~= "ready" then s:finish_waiting() end
  s:forget_lookahead()
  return number
end

---The earlier search goes, and the new one stands with its regions: one undo step.
---@param s Session the new one
---@param old Session
---@param model Model of the new one, as the daemon has it
---@param list KnownAnswer[] of the old one
function earlier.hand_over(ctx, tab, s, old, model, list)
  local adopted, gone
  adopted, model, gone = adopted_by(tab, named_anew(model, old.model, list), old.model, list)
  local left_over, removed = {}, {}
  local present = project.read(tab.proj, old.history.known)
  for _, regions in ipairs { old.removed, old.history.known } do
    for guid, number in pairs(regions) do
      local mark = present[guid]
      if not adopted[guid] and not (mark and mark.kind == "accepted") then            -- an accepted one stays: it is the user's now
        left_over[guid], removed[guid] = mark, number
      end
    end
  end
  s:take_over_from(removed)
  local finishes = old.model.over ~= "finished"
  local parts = {
    { s = old, marks = left_over, model = models.empty(old.model.label), daemon_model = models.ended(old.model, "finished") },
    { s = s, marks = adopted, model = model },
  }
  local other = tab.active
  if other then other:review(nil) end
  if other ~= old then parts[3] = steps.paused_part(tab, s) end
  settle(old)
  s:stand_for(old.id)
  for id in pairs(old.replaced) do s:stand_for(id) end
  local line = line_of(tab, old)
  if line then line[#line + 1] = s else tab.lines[#tab.lines + 1] = { old, s } end
  steps.add_to_tab(tab, s)
  tab.active = s
  steps.step(tab, ("Find %s again"):format(model.label), parts)
  if old:is_open() and finishes then steps.send(ctx, old, { { "finish" } }) end
  for _, number in ipairs(gone) do steps.send(ctx, s, { { "retract", number } }) end
end

---How many answers of a search another one was told when it began: their probabilities are 0 or 1, for nothing proposed them.
---@param list KnownAnswer[]
---@param model Model
---@return integer count
---@return integer without the example's place
local function told(list, model)
  local taken, count, others = {}, 0, 0
  for number, one in pairs(model.candidates) do
    local given = number == 0 or one.probability == 0 or one.probability == 1
    local index = given and VERDICT[one.state] and origin(list, taken, one)
    if index then
      taken[index], count = true, count + 1
      if number > 0 then others = others + 1 end
    end
  end
  return count, others
end

---The search that one was begun from which was never saved with the project.
---@param model Model of that one, as the daemon has it
---@return Session? old
---@return KnownAnswer[] those of its answers that can be taken over, as they stand
---@return boolean whole whether all of them are in the new one
function earlier.predecessor(tab, s, model)
  for _, one in ipairs(tab.sessions) do
    if one ~= s and not one:absent() and one.track == s.track and one.media_track then
      local items = {}
      for _, item in pairs(track.layout(one.media_track)) do items[#items + 1] = item end
      local list = earlier.kept(tab, one, items)
      local count, others = told(list, model)
      if others > 0 or (count > 0 and one.model.label == model.label) then return one, list, count == #list end
    end
  end
  return nil, {}, false
end

-- Undo and redo of it ----------------------------------------------------------------------------------------------------

---The step of a session at which nothing of it stands: before it was begun, or after it was handed over.
---@param after boolean
local function empty_step(s, after)
  local all = s.history.steps
  for distance = 0, #all do
    local index = after and s.history.at + distance or s.history.at - distance
    if all[index] and not all[index].model.candidates[0] then return index end
  end
  return not after and empty_step(s, true) or nil
end

---Whether a search was begun before another one of its line.
local function is_before(line, s, other)
  for _, one in ipairs(line) do
    if one == s or one == other then return one == s end
  end
  return false
end

---The last step of a session that left what stands in the project.
---@param but table<string, integer>? it must have a region that is none of these
local function step_in_project(s, present, but)
  for index = #s.history.steps, 1, -1 do
    local step = s.history.steps[index]
    local own = but == nil
    for guid in pairs(step.marks) do own = own or but[guid] == nil end
    if own and next(step.marks) and history.matches(step, present) then return index end
  end
end

---What stands of a line as the search that stands sees it: its own regions, and what others ask about or have rejected.
local function seen_by(here, present)
  local seen = {}
  for guid, mark in pairs(present) do
    if here.history.known[guid] or mark.kind ~= "accepted" then seen[guid] = mark end
  end
  return seen
end

---The session of a line, other than the one that stands, and the step of it that is in the project. An earlier one comes back by
---undo, so something can be redone then, and no step of the one that stands fits; a later one brings regions of its own.
local function in_project(tab, line, here)
  local known = earlier.known_of(line)
  local present = project.read(tab.proj, known)
  local undone = project.can_redo(tab.proj)
  local own_step = here and here.history:find_step(seen_by(here, present))
  for _, s in ipairs(line) do
    local later = here ~= nil and is_before(line, here, s)
    if s ~= here and (later or here == nil or (undone and not own_step)) then
      local index = step_in_project(s, present, later and here.history.known or nil)
      if index then return s, index end
      for at = #s.history.steps, 1, -1 do                         -- should undo have given regions back with other GUIDs
        local guids = project.match_by_name_and_start(tab.proj, s.history.steps[at].marks, known, present)
        if next(guids) then
          s:replace_guids(guids)
          known = earlier.known_of(line)
          present = project.read(tab.proj, known)
          index = step_in_project(s, present, later and here.history.known or nil)
          if index then return s, index end
        end
      end
    end
  end
end

---Undo or redo has changed which search of a line stands.
local function change(ctx, tab, line, here, s, index)
  audition.stop_in(tab.proj)
  if here then
    local number = settle(here)
    local commands = here:go(empty_step(here, is_before(line, here, s)))
    if number then table.insert(commands, 1, { "undo", number }) end
    if here:is_open() then steps.send(ctx, here, commands) end
    s:stand_for(here.id)
  end
  local commands = s:go(index)
  if s:is_open() then steps.send(ctx, s, commands) end
  tab.active = s
  steps.present(ctx, tab, s, true)
  status.say(("%s: %d accepted, as before; undo and redo go between the two searches"):format(s.model.label, (models.tally(s.model))), true)
end

---Undo or redo of a hand-over, recognised by what stands in the project. To be called before sessions are compared one by one.
---@return boolean changed
function earlier.look(ctx, tab)
  local changed = false
  for _, line in ipairs(tab.lines) do
    local here
    for _, s in ipairs(line) do
      if not s:absent() then here = s end
    end
    if not here or not history.matches(here:step(), seen_by(here, project.read(tab.proj, earlier.known_of(line)))) then
      local s, index = in_project(tab, line, here)
      if s then
        change(ctx, tab, line, here, s, index)
        changed = true
      end
    end
  end
  return changed
end

return earlier
