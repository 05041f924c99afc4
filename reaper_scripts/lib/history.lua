-- @noindex
--- The steps of one session, one for each change that REAPER can undo, so that its undo and redo are recognised by what
-- stands in the project. Pure Lua: reads and edits nothing.

local guard = require("guard")
local models = require("models")

local history = {}

---@class Step
---@field marks table<string, Mark> what it left in the project, by region GUID
---@field model Model
---@field daemon_model Model? what the daemon has at it, where that is something else
---@field rest_above number? the rest was accepted at once, above this score
---@field undo string? its name in REAPER's undo history
---@field shift_s number how far the items had moved since the search, when marks and model were right

---@class History
---@field steps Step[]
---@field at integer which of them is the present one
---@field known table<string, integer> every region GUID ever seen -> number

local methods = {}

---Whether each region that two steps have differently stands as one of them left it, or is gone as in one of them.
---@param one Step
---@param other Step
---@param present table<string, Mark>
local function is_between(one, other, present)
  local function stands(mark, there)
    if not mark or not there then return mark == there end
    return mark.kind == there.kind and (mark.kind ~= "accepted" or models.same_place(mark, there))
  end
  for _, marks in ipairs { one.marks, other.marks, present } do
    for guid in pairs(marks) do
      local there = present[guid]
      if not stands(one.marks[guid], there) and not stands(other.marks[guid], there) then return false end
    end
  end
  return true
end

---A step comes to a place among the others, and is the present one.
local function add_step(self, index, step)
  self.at = index
  table.insert(self.steps, index, step)
  for guid, mark in pairs(step.marks) do self.known[guid] = mark.number end
end

---The steps by their distance from the present one.
---@param from integer the shortest distance
---@return integer[] indexes
local function nearest(self, from)
  local list = {}
  for distance = from, #self.steps do
    for _, index in ipairs { self.at - distance, self.at + distance } do
      if self.steps[index] then list[#list + 1] = index end
    end
  end
  return list
end

---@return Step
function methods:step() return self.steps[self.at] end

---A step was made: what could be redone before is gone.
---@param step Step
function methods:push(step)
  self:drop_redo()
  add_step(self, self.at + 1, step)
end

---Undo or redo have led to what no step left: two edits between two looks are one step, and two of REAPER's. What was before and after
---it can still be reached.
---@param step Step
---@param present table<string, Mark> what stands
---@param further boolean a redo has led further than the present step
function methods:insert(step, present, further)
  local present_step, before, next_one = self:step(), self.steps[self.at - 1], self.steps[self.at + 1]
  local after = further or next_one and not history.matches(present_step, present) and is_between(next_one, present_step, present)
    and not (before and is_between(before, present_step, present))
  add_step(self, self.at + (after and 1 or 0), step)
end

---The present step is known better, or something was done that shows nothing: REAPER has no point for it.
---@param model Model
function methods:amend(model) self:step().model = model end

---The daemon has something else of the present step.
---@param model Model
function methods:set_daemon_model(model) self:step().daemon_model = model end

---Nothing can be redone any more.
function methods:drop_redo()
  for index = #self.steps, self.at + 1, -1 do self.steps[index] = nil end
end

---What the daemon has at a step. One at which nothing of the session stands says nothing of its answers: they are those of the step
---next to it.
---@param shift_s number how far the items have moved since the search: its times are those of then
---@return Model
function methods:daemon_model(index, shift_s)
  local step = self.steps[index]
  local beside = self.steps[index == 1 and 2 or index - 1]
  if not step.daemon_model and not step.model.candidates[0] then step = beside or step end
  return models.all_moved(step.daemon_model or step.model, shift_s - step.shift_s)
end

---The number of the answer that a step has given: of several the last one, of the rest that was accepted at once the first.
---@return integer?
function methods:answer_of(index)
  local step, number = self.steps[index], nil
  local before = index > 1 and self:daemon_model(index - 1, 0).candidates or step.model.candidates
  for key, one in pairs(step.model.candidates) do
    local is_new = key > 0 and one.state ~= "candidate" and (not before[key] or before[key].state == "candidate")
    if is_new then number = (step.rest_above and math.min or math.max)(number or key, key) end
  end
  return number
end

---An answer is another one now, and no region shows it: it stands in every step around that had the one before. What was proposed later
---there might not be proposed after it.
---@param number integer
---@param verdict "accept"|"reject"
function methods:restate(number, verdict)
  local before, first, last = self:step().model.candidates[number].state, self.at, self.at
  local function has_it(index)
    local one = self.steps[index] and self.steps[index].model.candidates[number]
    return one and one.state == before
  end
  while has_it(first - 1) do first = first - 1 end
  while has_it(last + 1) do last = last + 1 end
  for index = first, last do
    local model = models.restated(self.steps[index].model, number, verdict)
    for later in pairs(model.candidates) do model = later > number and models.requested(model, later) or model end
    self.steps[index].model = model
  end
end

---What really stands in the project for the present step.
---@param marks table<string, Mark>
function methods:set_marks(marks) self:step().marks = marks end

---A region that an undo may bring back.
---@param guid string
---@param number integer
function methods:know(guid, number) self.known[guid] = number end

---An undo gave regions back with other GUIDs.
---@param guids table<string, string> new GUID by the old one
function methods:replace_guids(guids)
  for old, new in pairs(guids) do
    for _, step in ipairs(self.steps) do
      step.marks[new], step.marks[old] = step.marks[old], nil
    end
    self.known[new], self.known[old] = self.known[old], nil
  end
end

---Whether the regions of a step stand in the project, wherever they do.
---@param step Step
---@param present table<string, Mark>
function history.has_same_regions(step, present)
  for guid, mark in pairs(step.marks) do
    if not present[guid] or present[guid].kind ~= mark.kind then return false end
  end
  for guid in pairs(present) do
    if not step.marks[guid] then return false end
  end
  return true
end

---Whether what stands in the project is what a step left. The edges of a candidate are the user's until it is answered.
---@param step Step
---@param present table<string, Mark>
---@param by_s number? so far the items have moved since: each region may have moved along, or stayed
function history.matches(step, present, by_s)
  if not history.has_same_regions(step, present) then return false end
  for guid, mark in pairs(step.marks) do
    local there = present[guid]
    local stands = models.same_place(there, mark) or models.same_place(there, models.span_moved(mark, by_s or 0))
    if mark.kind == "accepted" and not stands then return false end
  end
  return true
end

---Whether the regions have the names that a step gave them, whatever a candidate's percentage is: only a renaming is told by that.
---@param step Step
---@param present table<string, Mark>
local function named_alike(step, present)
  for guid, mark in pairs(step.marks) do
    if present[guid] and models.without_percentage(present[guid].name) ~= models.without_percentage(mark.name) then return false end
  end
  return true
end

---Marks of what really stands in the project; named as the present step named them, where it knows them.
---@param present table<string, Mark>
---@return table<string, Mark>
function methods:standing(present)
  local marks = {}
  for guid, there in pairs(present) do
    local old = self:step().marks[guid]
    marks[guid] = { number = there.number, kind = there.kind, name = old and old.name or there.name, start_s = there.start_s,
      end_s = there.end_s }
  end
  return marks
end

---Whether no region has come that a step does not have: then all that was done may be deletions and moves.
---@param step Step
---@param present table<string, Mark>
local function none_came(step, present)
  for guid, there in pairs(present) do
    if not step.marks[guid] or step.marks[guid].kind ~= there.kind then return false end
  end
  return next(present) ~= nil
end

---How well the names of REAPER's next undo and redo fit a step, should several have left the same regions.
---@param points UndoPoints
---@return integer
function methods:fit(index, points)
  local step, after = self.steps[index], self.steps[index + 1]
  return (step.undo == points.undo and 1 or 0) + ((after and after.undo or "") == points.redo and 1 or 0)
end

---@class UndoPoints
---@field undo string the name of what REAPER would undo, "" for nothing
---@field redo string of what it would redo
---@field all_redone boolean all that could be redone at the last look was redone
---@field redone boolean a redo has led to a point of ours since the last look

---The step that left what stands in the project now; undo and redo lead there. Of several, one whose regions have the names that they
---have now (unless the user has given others), then the one that fits REAPER's undo history, then the nearest one. Where nothing can be
---redone, and nothing was, regions that went were deleted by hand.
---@param present table<string, Mark>
---@param shift_s number? how far the items have moved since the search
---@param points UndoPoints?
---@return integer?
function methods:find_step(present, shift_s, points)
  if points and points.redo == "" and not points.all_redone and none_came(self:step(), present) then return nil end
  local best, most = nil, -1
  for _, index in ipairs(nearest(self, 1)) do
    local step = self.steps[index]
    if history.matches(step, present, shift_s and shift_s - step.shift_s) then
      local fits = (named_alike(step, present) and 3 or 0) + (points and self:fit(index, points) or 0)
      if fits > most then best, most = index, fits end
    end
  end
  return best
end

---Regions that stand for marks of a step whose own are gone: by name and place, of a candidate by name alone.
---@param marks table<string, Mark>
---@param present table<string, Mark>
---@param unknown_regions table<string, table[]> regions that no step knows, by name without percentage
---@param by_s number so far the items have moved since
---@return table<string, string>? new GUID by the old one; nil: a mark has none
---@return table<string, Mark>? present with them, by the old GUIDs
local function match_marks(marks, present, unknown_regions, by_s)
  local guids, all, taken = {}, {}, {}
  for guid, there in pairs(present) do all[guid] = there end
  for guid, mark in pairs(marks) do
    local found
    for _, there in ipairs(not present[guid] and unknown_regions[models.without_percentage(mark.name)] or {}) do
      local stands = math.abs(there.start_s - mark.start_s) <= models.TOLERANCE_S
        or math.abs(there.start_s - mark.start_s - by_s) <= models.TOLERANCE_S
      if not taken[there.guid] and there.kind == mark.kind and (stands or mark.kind == "candidate") then found = there end
    end
    if found then
      guids[guid], taken[found.guid] = found.guid, true
      all[guid] = { number = mark.number, kind = found.kind, name = found.name, start_s = found.start_s, end_s = found.end_s }
    elseif not present[guid] then
      return nil
    end
  end
  return guids, all
end

---The step that left what stands in the project, should undo or redo have given regions back with other GUIDs: of several the one that
---fits REAPER's undo history, then the nearest one.
---@param present table<string, Mark>
---@param unknown_regions table<string, table[]> regions that no step knows, by name without percentage
---@param shift_s number how far the items have moved since the search
---@param points UndoPoints
---@return table<string, string>? guids new GUID by the old one; nil: there is no such step
function methods:match_step(present, unknown_regions, shift_s, points)
  local best, most = nil, -1
  for _, index in ipairs(nearest(self, 0)) do
    local step = self.steps[index]
    local by_s, fits = shift_s - step.shift_s, self:fit(index, points)
    local guids, all = match_marks(step.marks, present, unknown_regions, by_s)
    if guids and next(guids) and history.matches(step, all, by_s) and fits > most then best, most = guids, fits end
  end
  return best
end

---Whether a renaming of the sound was undone or redone, which changes nothing but names.
---@param present table<string, Mark>
---@return integer? step
function methods:find_renaming(present)
  if named_alike(self:step(), present) then return nil end
  for _, index in ipairs(nearest(self, 1)) do
    local step = self.steps[index]
    if step.model.label ~= self:step().model.label and history.matches(step, present) and named_alike(step, present) then return index end
  end
end

---Undo or redo, as REAPER did it already: make that step the present one. The daemon is led through all steps in between: what it would
---have proposed after other answers than those of then is another place.
---@param index integer
---@param shift_s number how far the items have moved since the search
---@return table[] commands that lead the daemon there, in order; their times are those of now
function methods:go(index, shift_s)
  local commands, model = {}, self:daemon_model(self.at, shift_s)
  local function add(list)
    for _, command in ipairs(list) do
      local last = commands[#commands]
      if command[1] == "undo" and last and last[1] == "undo" and command[2] <= last[2] then commands[#commands] = nil end
      commands[#commands + 1] = command
    end
  end
  local function lead_to(at)
    local target = self:daemon_model(at, shift_s)
    local above = at > self.at and self.steps[at].rest_above
    if above then
      add { { "accept_rest", above } }
      model = models.with_rest(model, target)
    end
    add(models.instead(target, model))
    model = target
  end
  for at = self.at - 1, index, -1 do lead_to(at) end
  for at = self.at + 1, index do lead_to(at) end
  self.at = index
  return commands
end

---Whether example, candidate and all else went at once: the search itself was undone, by steps of an earlier run of the script.
---@param present table<string, Mark>
---@return boolean
function methods:taken_back(present)
  if next(present) then return false end
  local example, candidate
  for _, mark in pairs(self:step().marks) do
    example = example or mark.number == 0
    candidate = candidate or mark.kind == "candidate"
  end
  return (example and candidate) or false
end

---Where an undo has gone that goes further back than our steps do (the script was started again meanwhile): the lowest answered
---number whose region asks again; or, where none asks, the lowest accepted one from which on nothing stands any more.
---@param present table<string, Mark>
---@param undone boolean something can be redone
---@return integer? number
function methods:rewound(present, undone)
  local number
  for guid, there in pairs(present) do
    local one, mark = self:step().model.candidates[there.number], self:step().marks[guid]
    if one and there.kind == "candidate" and one.state ~= "candidate" and there.number > 0
      and not (mark and mark.kind == "candidate") then
      number = math.min(number or there.number, there.number)
    end
  end
  if number or not undone then return number end
  for guid, mark in pairs(self:step().marks) do
    if mark.kind == "accepted" and mark.number > 0 and not present[guid] then number = math.min(number or mark.number, mark.number) end
  end
  for _, there in pairs(present) do
    if number and there.number >= number then return nil end                -- it was deleted, or a redo has deleted it again
  end
  return number
end

---What a redo that no script was looking at has answered the open candidate with: its region shows a yes, or a no where these are
---kept. Where only regions of later places stand it was a no or a skip: a skip teaches nothing wrong.
---@param model Model
---@param present table<string, Mark>
---@return "accept"|"reject"|"skip"|nil
---@return Mark? there where its region stands
local function redone(model, present)
  local later
  for _, there in pairs(present) do
    if there.number == model.current then
      if there.kind ~= "candidate" then return there.kind == "accepted" and "accept" or "reject", there end
      return nil
    end
    later = later or (there.number > model.current and not model.candidates[there.number])
  end
  if later then return "skip" end
end

---The regions of a step that a redo has left although the model knows nothing of them yet are no part of it: they are changes.
---@param model Model that asks about a place
---@return boolean found there is an answer to it, or to a later place
function methods:leave_out_redone(model, present)
  if not redone(model, present) then return false end
  local marks = {}
  for guid, mark in pairs(self:step().marks) do
    if mark.number < model.current then marks[guid] = mark end
  end
  self:set_marks(marks)
  return true
end

---What the regions say otherwise than the model, since no step left them so: edits by hand, or undo and redo of steps that are gone.
---@param present table<string, Mark>
---@param deleted "skip"|"reject"|nil what a deleted candidate means; nil: undo or redo has taken it away, which is no answer
---@param undone boolean something can be redone
---@param budget integer? rejections allowed; 0 = not known
---@return Model model the present one where nothing is said
---@return boolean? answered by a redo that no script was looking at: the regions of what follows may stand already
function methods:changes(present, deleted, undone, budget)
  local model = self:step().model
  if self:taken_back(present) then return models.empty(model.label) end
  local rewind = self:rewound(present, undone)
  for _, there in pairs(present) do
    if there.kind == "candidate" and not model.candidates[there.number] and model.over == "finished" and not rewind then
      -- An undo of "Finish" by another run of the script.
      model = models.proposed(model, there.number, { start_s = there.start_s, end_s = there.end_s, probability = 0 })
    end
  end
  if rewind then
    local asks = false
    for _, there in pairs(present) do asks = asks or there.kind == "candidate" and there.number == rewind end
    model = models.undone(model, rewind)
    if not asks then model = models.hidden(model) end
  end
  local first = rewind or math.huge            -- what it took back says nothing
  for guid, mark in pairs(self:step().marks) do
    local one = mark.number < first and model.candidates[mark.number]
    if not present[guid] and one then
      if one.state == "candidate" and mark.number == model.current and not deleted then
        model = models.hidden(model)
      elseif one.state == "candidate" and mark.number == model.current then
        model = models.answered(model, deleted, one.start_s, one.end_s)
      elseif mark.kind ~= "candidate" and models.is_accepted(one) then
        model = models.retracted(model, mark.number)
      end
    end
  end
  for _, there in pairs(present) do
    local number = there.number
    local one = number < first and model.candidates[number]
    local verdict = one and models.shown_verdict(one, there)
    if verdict == "accept" then
      model = models.revised(models.reanswered(model, number, "accept", budget or 0), number, there)
    elseif verdict == "reject" then
      model = models.reanswered(model, number, "reject", budget or 0)
    elseif verdict == "revise" or one and there.kind == "accepted" and models.is_accepted(one) and not models.same_place(one, there) then
      model = models.revised(model, number, there)
    elseif one and number == model.current and model.hidden and there.kind == "candidate" then
      model = models.shown(model)                -- a redo has shown it again
    end
  end
  local verdict, there
  if model.current then verdict, there = redone(model, present) end
  if verdict then
    local one = there or model.candidates[model.current]
    model = models.answered(model, verdict, one.start_s, one.end_s)
  end
  return model, verdict ~= nil
end

local new = guard.class { name = "history", methods = methods, fields = { steps = true, at = true, known = true } }

---@param model Model
---@param marks table<string, Mark>? what stands in the project for it
---@param shift_s number? how far the items have moved since the search
---@return History
function history.new(model, marks, shift_s)
  local first = { marks = marks or {}, model = model, shift_s = shift_s or 0 }
  local self = new { steps = { first }, at = 1, known = {} }
  for guid, mark in pairs(marks or {}) do self.known[guid] = mark.number end
  return self
end

return history
