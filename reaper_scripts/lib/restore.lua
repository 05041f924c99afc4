--- When a project is opened: what its regions say and what the daemon's journals say are brought together. Journals know
-- every answer; a project closed without saving knows fewer, and then the user decides.

local models = require("models")
local project = require("project")
local session = require("session")
local status = require("status")
local steps = require("steps")
local track = require("track")

local restore = {}

---The sessions that a project has brought along in its ext state.
function restore.open(ctx, tab)
  local active = project.stored(tab.proj, "ACTIVE")
  local ids = project.stored_sessions(tab.proj)
  for id, text in pairs(ids) do
    if text ~= "" and not ctx.owner(id) then
      local s, answers = session.load(id, text)
      if s then
        s.answers_in_project, s.stored_text, s.listed = answers, text, true
        s.pointer = track.by_guid(tab.proj, s.track)
        s.trackless = s.pointer == nil
        tab.sessions[#tab.sessions + 1] = s
        ctx.add(tab, s)
        if id == active then tab.active = s end
      end
    end
  end
  table.sort(tab.sessions, function(a, b) return a.model.label < b.model.label end)
  tab.active = tab.active or tab.sessions[1]
  tab.stored_active = active
  tab.change_count = reaper.GetProjectStateChangeCount(tab.proj)
end

---Ask the daemon what it has for the project; once a tab, and again after a reconnect while it is not answered.
function restore.ask(ctx, tab)
  tab.asked = true
  tab.offered = {}
  ctx.asking[#ctx.asking + 1] = tab
  ctx.link:command("sessions", { project = tab.path })
end

---One session that the daemon has.
function restore.stored(ctx, fields)
  local tab = ctx.asking[1]
  if not tab then return end
  local owner_tab, s = ctx.owner(fields.session)
  if s then
    if owner_tab == tab and s.phase == "stored" then s.in_daemon = fields end
  elseif fields.answers > 0 and not (tab.declined or {})[fields.session] and track.by_guid(tab.proj, fields.track) then
    tab.offered[#tab.offered + 1] = fields
  end
end

---All sessions are named: take up those of the project, then offer those that it has lost.
function restore.stored_end(ctx)
  local tab = table.remove(ctx.asking, 1)
  if not tab or not ctx.valid(tab) then return end
  for _, s in ipairs(tab.sessions) do
    if s.phase == "stored" then
      if s.in_daemon then
        ctx.link:command("resume", { session = s.id })
        s.reconciling = true
      else
        s.phase = "lost"
      end
    end
  end
  for _, fields in ipairs(tab.offered or {}) do
    local s = session.new(fields.session, fields.track, #tab.sessions % project.COLOURS + 1, models.label(fields.label))
    s.phase, s.reconciling, s.in_daemon, s.answers_in_project = "stored", true, fields, 0
    s.pointer = track.by_guid(tab.proj, fields.track)
    ctx.add(tab, s)
    ctx.link:command("resume", { session = s.id })
  end
  tab.offered = nil
end

local YES_NO_CANCEL, YES, NO = 3, 6, 7

---The daemon's rows are there, and what it is at now (`candidate` or `done`): compare with the project.
function restore.reconcile(ctx, tab, s, fields)
  s.reconciling = nil
  local daemon_model = models.from_rows(s.model.label, s.rows or {})
  s.rows = nil
  if fields.number then
    daemon_model = models.proposed(daemon_model, fields.number, fields)
  else
    daemon_model = models.ended(daemon_model, fields.reason)
  end
  local present = project.read(tab.proj, s.known)
  local here, there = s.answers_in_project or 0, models.answers(daemon_model)
  s.phase, s.budget, s.remaining = "open", fields.budget, fields.remaining

  if there > here then
    local text = ("\"%s\": %s that this project does not have; it was closed without saving.\n\n"
      .. "Yes: restore them\nNo: discard them\nCancel: decide another time"):format(s.model.label, status.plural(there - here, "answer"))
    local choice = reaper.MB(text, "ReaTrieve: restore answers?", YES_NO_CANCEL)
    if choice == YES then
      if not s.listed then
        tab.sessions[#tab.sessions + 1] = s
        s.listed = true
      end
      if tab.active and tab.active ~= s and tab.active.model.current then daemon_model = models.hidden(daemon_model) end
      s:step().marks = s:standing(present)
      s:amend(next(present) and restore.shown_as(models.undone(daemon_model, here + 1), present) or s.model)
      local again = models.again(daemon_model, here + 1)
      steps.step(tab, ("Restore %s of %s"):format(status.plural(there - here, "answer"), s.model.label),
        { { s = s, model = daemon_model, forward = again, back = { { "undo", here + 1 } } } })
      tab.active = tab.active or s
      steps.store(tab)
      steps.present(ctx, tab, s, true)
    elseif choice == NO then
      if here == 0 then
        ctx.link:command("discard", { session = s.id, op = ctx.new_id() })
        ctx.drop(tab, s)
      else
        local model = models.undone(daemon_model, here + 1)
        s:step().marks = s:standing(present)
        s:amend(next(present) and restore.shown_as(model, present) or model)
        steps.send(ctx, s, { { "undo", here + 1 } })
        steps.store(tab)
      end
    else
      tab.declined = tab.declined or {}
      tab.declined[s.id] = true          -- not asked again before the project is opened anew
      ctx.drop(tab, s)
    end
    return
  end

  if here > there then
    -- Answers taken back and then closed without saving, or a daemon that died before it had them on disk: the project is
    -- the truth, so the daemon hears them again, and proposes what it proposed then.
    s:step().marks = restore.all_marks(s, s.model, present)
    s:amend(restore.shown_as(s.model, present))
    steps.send(ctx, s, models.again(s.model, there + 1))
    tab.change_count = nil
    status.say(("%s: %d accepted; ready to go on"):format(s.model.label, (models.tally(s.model))))
    return
  end

  if here == there and s:taken_back(present) then               -- the search was undone while no client was looking
    s:amend(daemon_model)
    s:push { marks = {}, model = { label = s.model.label, candidates = {} }, forward = {}, back = {} }
    return
  end

  -- The same answers: regions deleted or moved while no client was looking are changes of the user's, like any other.
  s:step().marks = restore.all_marks(s, daemon_model, present)
  s:amend(restore.shown_as(daemon_model, present))
  tab.change_count = nil
  status.say(("%s: %d accepted; ready to go on"):format(s.model.label, fields.accepted))
end

---The marks the project should have: those known to it, for what the daemon says is kept; the candidate only if it stands.
---A region that asks about something else (undo while no client was looking) is left to be found as a change.
function restore.all_marks(s, model, present)
  local marks = s:standing(present)
  for guid, mark in pairs(marks) do
    if mark.kind == "asked" and mark.number ~= model.current then marks[guid] = nil end
  end
  for guid, mark in pairs(s:step().marks) do
    local one = model.candidates[mark.number]
    if not marks[guid] and mark.kind == "kept" and one and (one.state == "accepted" or one.state == "example") then
      marks[guid] = mark
    end
  end
  return marks
end

---A model whose candidate is hidden unless its region stands.
function restore.shown_as(model, present)
  if not model.current then return model end
  for _, there in pairs(present) do
    if there.number == model.current and there.kind == "asked" then return model end
  end
  return models.hidden(model)
end

return restore
