-- @noindex
--- What the user does to the regions by hand, and undo and redo: the project's regions are the truth while it is open.

local audition = require("audition")
local earlier = require("earlier")
local history = require("history")
local models = require("models")
local project = require("project")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local track = require("track")
local track_changes = require("track_changes")

local project_changes = {}

---Know the regions of a step by their new GUIDs, where all of them are there.
---@param unknown_regions table<string, table[]> that may be them, by name
---@return boolean found
local function rematch(s, present, unknown_regions, points)
  local new = next(unknown_regions) and s.history:match_step(present, unknown_regions, s.shift_s, points)
  if new then s:replace_guids(new) end
  return new ~= nil
end

---Should undo or redo have given back regions with new GUIDs: know them by name and place. Several may have happened at once; where
---no step is there as it was, the user has edited something besides.
---@return boolean found
local function find_new_guids(tab, s, present, points)
  local unknown_regions = project.unknown_regions(tab.proj, s.history.known)
  if not next(unknown_regions) then return false end
  if rematch(s, present, unknown_regions, points) then return true end
  local found = false
  for _, index in ipairs { s.history.at, s.history.at - 1, s.history.at + 1 } do
    local step = s.history.steps[index]
    local guids = step and project.match_by_name_and_start(tab.proj, step.marks, s.history.known, present) or {}
    if next(guids) then
      s:replace_guids(guids)
      found = true
    end
  end
  return found
end

---The same before anything else is compared: without the regions that have come back, what stands may look like another step.
---@return boolean found
local function find_given_back(tab, s, present, points)
  local named = {}
  for name, list in pairs(project.unknown_regions(tab.proj, s.history.known)) do
    if models.number_in_name(s.model.label, name) then named[name] = list end
  end
  return rematch(s, present, named, points)
end

---Whether the open candidate's region stands apart from its place, as after an undo to where another place had its number: that this
---one took it has no undo point.
local function is_elsewhere(s, there) return models.are_apart(there, models.proposal(s.model.candidates[there.number])) end

---The open candidate's region: the user has named it otherwise, which is no answer, or an undo has moved it, also off its sound: then
---it is moved back without an undo point, so that undo and redo go on.
---@param undone boolean undo or redo has led here
local function settle_candidate(tab, s, present, undone)
  for guid, there in pairs(present) do
    local mark = s:step().marks[guid]
    local one = mark and mark.kind == "candidate" and s.model.candidates[there.number]
    local place = one and s:corrected_place(there)
    if one and undone and is_elsewhere(s, there) then
      project.move(tab.proj, guid, one.proposed_start_s, one.proposed_end_s, mark.name)
      steps.store(tab)
    elseif place then
      project.move(tab.proj, guid, place.start_s, place.end_s)
      steps.store(tab)
    elseif one and there.name ~= mark.name then
      local marks = s.history:standing(present)
      marks[guid].name = there.name
      s:set_marks(marks)
      s:amend(models.named(s.model, there.number, there.name))
      steps.store(tab)
    end
  end
end

---Whether undo or redo have led where the project is.
---@param points UndoPoints
local function is_undone(points) return points.redo ~= "" or points.redone or points.all_redone end

---The name that the sound has after undo or redo of a renaming that no step knows.
---@param points UndoPoints
---@return string?
local function renamed_back(s, present, points)
  local label, count = models.label_shown(s.model, present)
  local is_next = project.is_renaming(points.redo) or project.is_renaming(points.undo)
  return is_undone(points) and (count > 1 or is_next) and label or nil
end

---The step that what stands in the project belongs to.
---@param points UndoPoints
---@return integer? step nil = the present one, or none
---@return table<string, Mark> present
---@return boolean as_known it is the present step, and nothing has changed
local function step_of_project(tab, s, points)
  local present = project.read(tab.proj, s.history.known)
  if find_given_back(tab, s, present, points) then present = project.read(tab.proj, s.history.known) end
  if history.matches(s:step(), present) then
    local index = s.history:find_renaming(present)
    if not index and renamed_back(s, present, points) then return nil, present, false end
    if not index then settle_candidate(tab, s, present, is_undone(points)) end
    if not index and points.redo == "" then s:drop_redo() end              -- something else was done after an undo
    return index, present, index == nil
  end
  local index = s.history:find_step(present, s.shift_s, points)
  if not index and find_new_guids(tab, s, present, points) then
    present = project.read(tab.proj, s.history.known)
    if history.matches(s:step(), present) then return nil, present, true end
    index = s.history:find_step(present, s.shift_s, points)
  end
  return index, present, false
end

---Nothing of a session stands any more.
local function tell_taken_back(tab, s)
  local text = project.can_redo(tab.proj) and "%s: taken back; redo brings it back" or "%s: its last region is deleted; undo brings it back"
  status.say(text:format(s.model.label), true)
end

---An undo has led away from what the daemon's reply was awaited for: it is dropped when it comes.
---@return integer? number of an answer that is sent, but in no step yet
local function end_waiting(s)
  local given = s.state == "answering" or s.state == "accepting"
  if given or s.state == "listing" or s.state == "continuing" or s.state == "asking" then s:finish_waiting() end
  return given and s.model.current or nil
end

---Undo or redo have led to another step.
local function go(ctx, tab, s, index, present)
  local back = index < s.history.at
  local before = s.model.current
  local given = end_waiting(s)
  local commands = s:go(index)
  track_changes.settle(tab, s, present, false)
  if given then table.insert(commands, 1, { "undo", given }) end
  steps.send(ctx, s, commands)
  if s.model.current ~= before then s:forget_lookahead() end                 -- a command may be about a name only
  if back or s.model.current ~= before then audition.stop_in(tab.proj) end
  if s:absent() then
    tell_taken_back(tab, s)
  else
    settle_candidate(tab, s, project.read(tab.proj, s.history.known), true)
    if not s.model.hidden and s.model.current then tab.active = s end
    if tab.active == s then steps.present(ctx, tab, s, true) end
  end
end

---The candidate's region after an undo or redo to what no step left: it may stand where another place had the number then.
local function settle_unknown(tab, s, present)
  local number = s.model.current
  local marks = s.history:standing(present)
  for guid, there in pairs(present) do
    if there.number == number and there.kind == "candidate" and is_elsewhere(s, there) then
      marks[guid].name = models.own_name(s.model, number, "candidate", s.model.candidates[number].probability)
      s:set_marks(marks)
    end
  end
  settle_candidate(tab, s, present, true)
end

---The user has edited regions by hand, or undo and redo have led to what no step knows.
local function take_changes(ctx, tab, s, present, points)
  local before = s.model
  local undone = points.redo ~= ""                -- a deletion leaves nothing to redo
  local deleted = not undone and not points.redone and settings.get("deleted_candidate") or nil
  local following = deleted and s.lookahead and s.lookahead[deleted]
  local rewound = s.history:rewound(present, undone)
  local model, redone = s.history:changes(present, deleted, undone, s.budget)
  local marks, label = s.history:standing(present), renamed_back(s, present, points)
  if label then
    model = models.renamed(model, label)
    for guid, mark in pairs(marks) do mark.name = present[guid].name end
  end
  if model == before then
    s:set_marks(marks)           -- a name changed by hand, a region kept as rejected deleted: nothing the daemon knows of
    return
  end
  local further = redone or label ~= nil and project.is_renaming(points.undo) and not project.is_renaming(points.redo)
  local kept = not model.candidates[0] or s:step().daemon_model                    -- the daemon keeps what it has
  local step = { marks = marks, model = model, daemon_model = kept and s.history:daemon_model(s.history.at, s.shift_s) or nil }
  if undone then s:insert(step, present, further) else s:push(step) end
  if undone or rewound then settle_unknown(tab, s, present) end
  if not s:absent() then steps.send(ctx, s, models.instead(s.model, before)) end
  if s:absent() then
    s:forget_lookahead()
    audition.stop_in(tab.proj)
    tell_taken_back(tab, s)
  elseif before.current and not model.current then
    if following and not redone then
      audition.stop_in(tab.proj)
      local name = "Next candidate " .. steps.named(s, following.number)
      steps.step(tab, name, { { s = s, model = models.proposed(model, following.number, following) } })
      steps.present(ctx, tab, s)
    end
  else
    steps.describe(ctx, s)
  end
end

---@param watched boolean it has happened just now, and not while nobody looked
---@param retuned boolean the tempo map has changed with it
---@param items_too boolean and items of the track, with which regions may have moved
---@param points UndoPoints
---@return boolean changed
local function look_at(ctx, tab, s, watched, retuned, items_too, points)
  if retuned and not items_too and not s:absent() and track_changes.with_tempo(tab, s, project.read(tab.proj, s.history.known)) then
    settle_candidate(tab, s, project.read(tab.proj, s.history.known), is_undone(points))
    return true
  end
  if not s:absent() then earlier.remove_again(tab, s) end
  local index, present, as_known = step_of_project(tab, s, points)
  if as_known then return false end
  if watched then steps.asked(ctx, tab) end
  if index then
    go(ctx, tab, s, index, present)
    return true
  end
  if s:absent() then return false end
  if s:holds_edits() then
    -- Undo goes on through the steps of an earlier run of the script; any other edit waits for the reply.
    if not (s.history:rewound(present, points.redo ~= "") or s.history:taken_back(present)) then
      tab.look_again = true
      return false
    end
    local given = end_waiting(s)
    if given then steps.send(ctx, s, { { "undo", given } }) end
  end
  take_changes(ctx, tab, s, present, points)
  return true
end

---Whether sessions of a project that was opened must still be compared.
local function awaits_journals(tab)
  for _, s in ipairs(tab.sessions) do
    if s.state == "resuming" or s.state == "stored" and not tab.declined[s.id] then return true end
  end
  return false
end

---Whether a session waits for a reply before edits are taken.
local function holds_edits(tab)
  for _, s in ipairs(tab.sessions) do
    if s:holds_edits() then return true end
  end
  return false
end

---What REAPER would undo and redo, for the sessions of a tab; nil where it has none.
---@return UndoPoints?
local function undo_points(tab)
  if #tab.sessions == 0 then return nil end
  local undo, redo = project.last_undo(tab.proj), project.next_redo(tab.proj)
  local points = { undo = undo, redo = redo, redone = undo ~= tab.last_undo and project.is_our_point(undo),
    all_redone = redo == "" and not tab.is_at_top and undo == tab.top_undo }
  steps.note_points(tab, undo, redo)
  return points
end

---Compare the project's regions with what the sessions know, if the project has changed.
---@param force boolean? a key of ours has changed it: key presses that are queued came after that, and stay
function project_changes.look(ctx, tab, force)
  local count = reaper.GetProjectStateChangeCount(tab.proj)
  local again = tab.look_again and not holds_edits(tab)
  if count == tab.change_count and not again and not force then return end
  if again then tab.look_again = false end
  tab.change_count = count
  local points = undo_points(tab)
  local tempo = #tab.sessions > 0 and track.tempo_text(tab.proj) or nil
  local retuned = tab.tempo ~= nil and tempo ~= nil and tempo ~= tab.tempo
  if not awaits_journals(tab) then tab.tempo = tempo end
  local asked = {}
  for _, s in ipairs(tab.sessions) do asked[s] = s.model.current end
  local changed = earlier.look(ctx, tab)
  for _, s in ipairs(tab.sessions) do
    local items_too = s:is_open() and not s:absent() and track_changes.look(tab, s, retuned)
    if (s:is_open() or s.state == "lost") and s.media_track and not earlier.is_away(tab, s) then
      changed = look_at(ctx, tab, s, not again, retuned, items_too, points) or changed
      s:see(steps.edges(tab, s))
    end
  end
  if not force then
    for _, s in ipairs(tab.sessions) do steps.drop_waiting(s, asked[s]) end
  end
  if changed or tempo ~= nil and tab.tempo ~= tab.stored_tempo then steps.store(tab) end
end

return project_changes
