--- One search as the script knows it: its model, what stands in the project for it, and one snapshot for each step so that
-- REAPER's undo and redo can be recognised. Pure Lua: reads and edits nothing.

local models = require("models")

local session = {}
session.__index = session

---@class Step
---@field marks table<string, Mark> by region GUID
---@field model Model?
---@field forward table[] commands that redo this step
---@field back table[] commands that undo it
---@field undo string? its name in REAPER's undo history

---@param id string
---@param track string GUID
---@param colour integer which of the colours for accepted regions
---@param label string
---@return table
function session.new(id, track, colour, label)
  local empty = { marks = {}, model = { label = label, candidates = {} }, forward = {}, back = {} }
  return setmetatable({
    id = id,
    track = track,
    colour = colour,
    model = empty.model,
    history = { empty },     ---@type Step[]
    at = 1,
    known = {},              -- every region GUID ever seen -> number
    next = nil,              -- verdict -> next candidate, as the daemon told it for the current one
    budget = 0,              -- how many rejections the user allows, as the daemon told it
    inbox = {},              -- verbs that wait for their turn
    pending = nil,           -- an answer that waits for the daemon's next candidate
    rows = nil,
    resyncs = 0,             -- how often in a row everything was asked for
    phase = "searching",     -- searching, open, stored (known from the project, not confirmed by the daemon), lost
  }, session)
end

-- Steps -----------------------------------------------------------------------------------------------------------------

---@return Step
function session:step() return self.history[self.at] end

---A step was made: what could be redone before is gone.
---@param step Step
function session:push(step)
  for index = #self.history, self.at + 1, -1 do self.history[index] = nil end
  self.at = self.at + 1
  self.history[self.at] = step
  self.model = step.model
  for guid, mark in pairs(step.marks) do self.known[guid] = mark.number end
end

---The same step, known better: nothing that could be undone has happened.
---@param model Model
function session:amend(model)
  self:step().model = model
  self.model = model
end

---Nothing of this session stands in the project: before its first step, or taken back to there.
---@return boolean
function session:absent()
  return self.model.candidates[0] == nil
end

local function close(a, b) return math.abs(a - b) <= models.TOLERANCE_S end

---Whether what stands in the project is what a step left. The edges of a candidate are the user's until it is answered.
---@param step Step
---@param present table<string, Mark>
function session.matches(step, present)
  for guid, mark in pairs(step.marks) do
    local there = present[guid]
    if not there or there.kind ~= mark.kind then return false end
    if mark.kind == "kept" and not (close(there.start_s, mark.start_s) and close(there.end_s, mark.end_s)) then return false end
  end
  for guid in pairs(present) do
    if not step.marks[guid] then return false end
  end
  return true
end

---Whether the regions have the names that a step gave them: only a renaming is told by that.
---@param step Step
---@param present table<string, Mark>
function session.named_alike(step, present)
  for guid, mark in pairs(step.marks) do
    if present[guid] and present[guid].name ~= mark.name then return false end
  end
  return true
end

---Marks of what really stands in the project; named as the present step named them, where it knows them.
---@param present table<string, Mark>
---@return table<string, Mark>
function session:standing(present)
  local marks = {}
  for guid, there in pairs(present) do
    local old = self:step().marks[guid]
    marks[guid] = { number = there.number, kind = there.kind, name = old and old.name or there.name, start_s = there.start_s,
      end_s = there.end_s }
  end
  return marks
end

---The step nearest to the present one that left what stands in the project now; undo and redo lead there.
---@param present table<string, Mark>
---@return integer?
function session:find_step(present)
  local best
  for distance = 1, #self.history do
    for _, index in ipairs { self.at - distance, self.at + distance } do
      local step = self.history[index]
      if step and session.matches(step, present) then
        if session.named_alike(step, present) then return index end
        best = best or index           -- the user has named a region otherwise
      end
    end
  end
  return best
end

---Whether a renaming of the sound was undone or redone, which changes nothing but names.
---@param present table<string, Mark>
---@return integer? step
function session:find_renaming(present)
  if session.named_alike(self:step(), present) then return nil end
  for _, index in ipairs { self.at - 1, self.at + 1 } do
    local step = self.history[index]
    if step and step.model.label ~= self.model.label and session.matches(step, present) and session.named_alike(step, present) then
      return index
    end
  end
end

---Undo or redo, as REAPER did it already: take the model of that step.
---@param index integer
---@return table[] commands for the daemon, in order
function session:go(index)
  local commands = {}
  local function add(list)
    for _, command in ipairs(list) do
      local last = commands[#commands]
      if command[1] == "undo" and last and last[1] == "undo" and command[2] <= last[2] then
        commands[#commands] = nil
      end
      commands[#commands + 1] = command
    end
  end
  for step = self.at, index + 1, -1 do add(self.history[step].back) end
  for step = self.at + 1, index do add(self.history[step].forward) end
  self.at = index
  self.model = self.history[index].model
  return commands
end

---Whether example, candidate and all else went at once: the search itself was undone, by steps of an earlier run of the script.
---@param present table<string, Mark>
---@return boolean
function session:taken_back(present)
  if next(present) then return false end
  local example, asked
  for _, mark in pairs(self:step().marks) do
    example = example or mark.number == 0
    asked = asked or mark.kind == "asked"
  end
  return (example and asked) or false
end

---What the user did to the regions by hand, since no step left them so.
---@param present table<string, Mark>
---@param deleted "skip"|"reject" what a deleted candidate means
---@return Model model
---@return table[] forward
---@return table[] back
function session:changes(present, deleted)
  local model, forward, back = self.model, {}, {}
  local function command(redo, undo)
    forward[#forward + 1] = redo
    table.insert(back, 1, undo)
  end
  if self:taken_back(present) then return { label = model.label, candidates = {} }, {}, {} end
  local rewind
  for guid, there in pairs(present) do
    local one = model.candidates[there.number]
    local mark = self:step().marks[guid]
    if there.kind == "asked" and not one and model.over == "finished" then
      -- An undo of "Finish" by another run of the script.
      return models.proposed(model, there.number, { start_s = there.start_s, end_s = there.end_s, probability = 0 }),
        { { "more", 0 } }, { { "finish" } }
    end
    if one and there.kind == "asked" and one.state ~= "candidate" and there.number > 0 and not (mark and mark.kind == "asked") then
      rewind = math.min(rewind or there.number, there.number)
    end
  end
  if rewind then
    -- An undo that goes further back than our steps do (the script was started again meanwhile).
    return models.undone(model, rewind), { { "undo", rewind } }, models.again(model, rewind)
  end
  for guid, mark in pairs(self:step().marks) do
    local one = model.candidates[mark.number]
    if not present[guid] and one then
      if one.state == "candidate" and mark.number == model.current then
        command({ "answer", mark.number, deleted, one.start_s, one.end_s }, { "undo", mark.number })
        model = models.answered(model, deleted, one.start_s, one.end_s)
      elseif mark.kind == "kept" then
        command({ "retract", mark.number }, { "revise", mark.number, one.start_s, one.end_s })
        model = models.retracted(model, mark.number)
      end
    end
  end
  for _, there in pairs(present) do
    local one = model.candidates[there.number]
    if one and there.kind == "kept" and one.state == "candidate" and there.number == model.current then
      -- A redo of "Accept" while no script was looking.
      command({ "answer", there.number, "accept", there.start_s, there.end_s }, { "undo", there.number })
      model = models.answered(model, "accept", there.start_s, there.end_s)
    elseif one and there.kind == "kept" then
      local back_again = one.state == "retracted"
      local kept = one.state == "accepted" or one.state == "example"
      if back_again or (kept and not (close(one.start_s, there.start_s) and close(one.end_s, there.end_s))) then
        command({ "revise", there.number, there.start_s, there.end_s },
          back_again and { "retract", there.number } or { "revise", there.number, one.start_s, one.end_s })
        model = models.revised(model, there.number, there.start_s, there.end_s)
      end
    end
  end
  return model, forward, back
end

-- As text, for the project's ext state ----------------------------------------------------------------------------------

local function escaped(text)
  return (text:gsub("[%c%%|;]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

---@return string one line
function session:saved()
  local parts = { table.concat({ escaped(self.track), self.colour, escaped(self.model.label), self.model.current or "",
    self.model.over or "", models.answers(self.model) }, ";") }
  for guid, mark in pairs(self:step().marks) do
    local one = self.model.candidates[mark.number]
    parts[#parts + 1] = table.concat({ mark.number, escaped(guid), mark.kind, escaped(mark.name), ("%.17g"):format(mark.start_s),
      ("%.17g"):format(mark.end_s), one and one.state or "", ("%.17g"):format(one and one.probability or 0) }, ";")
  end
  local marked = {}
  for _, mark in pairs(self:step().marks) do marked[mark.number] = true end
  for number, one in pairs(self.model.candidates) do
    if not marked[number] and one.state ~= "candidate" then        -- answered, and no region stands for it
      parts[#parts + 1] = table.concat({ number, "", "", "", ("%.17g"):format(one.start_s), ("%.17g"):format(one.end_s), one.state,
        ("%.17g"):format(one.probability) }, ";")
    end
  end
  for guid, number in pairs(self.known) do
    if not self:step().marks[guid] then parts[#parts + 1] = ("%d;%s"):format(number, escaped(guid)) end     -- an undo may bring it back
  end
  return table.concat(parts, "|")
end

local function split(text, separator)
  local list = {}
  for part in (text .. separator):gmatch("(.-)" .. separator) do list[#list + 1] = part end
  return list
end

---@param id string
---@param text string
---@return table? session in the phase "stored"
---@return integer? answers how many the project has seen
function session.load(id, text)
  local lines = split(text, "|")
  local head = split(lines[1], ";")
  if #head < 6 then return nil end
  local self = session.new(id, unescaped(head[1]), math.tointeger(tonumber(head[2])) or 1, unescaped(head[3]))
  local model = { label = unescaped(head[3]), candidates = {}, current = math.tointeger(tonumber(head[4])),
    over = head[5] ~= "" and head[5] or nil }
  local marks, gone = {}, {}
  for index = 2, #lines do
    local field = split(lines[index], ";")
    local number = math.tointeger(tonumber(field[1]))
    if number and #field == 2 then
      gone[unescaped(field[2])] = number
    elseif number and #field >= 8 then
      local start_s, end_s = tonumber(field[5]), tonumber(field[6])
      if field[2] ~= "" then
        marks[unescaped(field[2])] = { number = number, kind = field[3], name = unescaped(field[4]), start_s = start_s, end_s = end_s }
      end
      model.candidates[number] = { number = number, state = field[7], start_s = start_s, end_s = end_s,
        proposed_start_s = start_s, proposed_end_s = end_s, probability = tonumber(field[8]) or 0 }
    end
  end
  if model.current and not model.candidates[model.current] then model.current = nil end
  self.phase = "stored"
  self:push({ marks = marks, model = model, forward = {}, back = {} })
  table.remove(self.history, 1)
  self.at = 1
  for guid, one in pairs(gone) do self.known[guid] = one end
  return self, math.tointeger(tonumber(head[6])) or 0
end

return session
