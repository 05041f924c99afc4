--- What the user does to the regions by hand, and undo and redo: the project's regions are the truth while it is open.

local audition = require("audition")
local models = require("models")
local project = require("project")
local session = require("session")
local settings = require("settings")
local status = require("status")
local steps = require("steps")

local watching = {}

---Should an undo have given back regions with new GUIDs: know them by name and place.
local function adopt(tab, s, present)
  local found = false
  for _, index in ipairs { s.at, s.at - 1, s.at + 1 } do
    local step = s.history[index]
    if step then
      for old, new in pairs(project.lookalikes(tab.proj, step.marks, s.known, present)) do
        for _, other in ipairs(s.history) do
          other.marks[new], other.marks[old] = other.marks[old], nil
        end
        s.known[new], s.known[old] = s.known[old], nil
        found = true
      end
    end
  end
  return found
end

local function look_at(ctx, tab, s)
  local present = project.read(tab.proj, s.known)
  local index
  if session.matches(s:step(), present) then
    index = s:find_renaming(present)
    if not index then return end
  else
    index = s:find_step(present)
  end
  if not index and adopt(tab, s, present) then
    present = project.read(tab.proj, s.known)
    if session.matches(s:step(), present) then return end
    index = s:find_step(present)
  end
  if index then
    local back = index < s.at
    local before = s.model.current
    local given = s.pending or (s.rest and s.rest.accepting)    -- sent, but in no step yet
    s.pending, s.rest = nil, nil
    local commands = s:go(index)
    if given and before then table.insert(commands, 1, { "undo", before }) end
    steps.send(ctx, s, commands)
    if #commands == 0 and s.model.current ~= before then s.next = nil end
    if back then audition.stop() end
    if s:absent() then
      status.say(("%s: taken back; redo brings it back"):format(s.model.label), true)
    else
      if not s.model.hidden and s.model.current then tab.active = s end
      steps.present(ctx, tab, s, true)
    end
    return true
  end
  if s:absent() or s.pending or (s.rest and s.rest.accepting) then return end      -- the reply decides what shall stand there
  local before = s.model
  local deleted = settings.get("deleted_candidate")
  local following = s.next and s.next[deleted]
  local model, forward, back = s:changes(present, deleted)
  local marks = s:standing(present)
  if #forward == 0 and model.candidates[0] then
    s:step().marks = marks       -- a name changed by hand, a region kept as rejected deleted: nothing the daemon knows of
    return true
  end
  s:push { marks = marks, model = model, forward = forward, back = back }
  steps.send(ctx, s, forward)
  if s:absent() then
    audition.stop()
    status.say(("%s: taken back; redo brings it back"):format(s.model.label), true)
  elseif before.current and not model.current then
    if following then
      audition.stop()
      model = models.proposed(model, following.number, following)
      steps.step(tab, "Next candidate", { { s = s, model = model } })
      steps.present(ctx, tab, s)
    end
  else
    steps.describe(ctx, s)
  end
  return true
end

---Compare the project's regions with what the sessions know, if the project has changed.
---@param force boolean?
function watching.look(ctx, tab, force)
  local count = reaper.GetProjectStateChangeCount(tab.proj)
  if count == tab.change_count and not force then return end
  tab.change_count = count
  local changed = false
  for _, s in ipairs(tab.sessions) do
    if (s.phase == "open" or s.phase == "lost") and not s.trackless then changed = look_at(ctx, tab, s) or changed end
  end
  if changed then steps.store(tab) end
end

return watching
