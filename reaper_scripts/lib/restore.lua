-- @noindex
--- When a project is opened, or its search went on elsewhere: what its regions say and what the daemon's journals say are brought
-- together. Journals know
-- every answer; a project closed without saving knows fewer, and then the user decides.

local audition = require("audition")
local earlier = require("earlier")
local ext_state = require("ext_state")
local history = require("history")
local models = require("models")
local project = require("project")
local sealed = require("sealed")
local session = require("session")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local track = require("track")

local restore = {}

---A project that was moved with its sound files plays the same files: those that lie below it, as they did.
---@param before string its folder when it was saved
---@param now string its folder
local function follow_files(s, before, now)
  local layout, moved = {}, false
  local playing = s.layout and s.media_track and track.layout(s.media_track) or {}
  for guid, item in pairs(s.layout or {}) do
    local source, there = item.source, playing[guid]
    layout[guid] = item
    if source and there and source:sub(1, #before) == before and there.source == now .. source:sub(#before + 1) then
      layout[guid] = { position_s = item.position_s, length_s = item.length_s, offset_s = item.offset_s, rate = item.rate,
        source = there.source }
      moved = true
    end
  end
  if moved then s:lay_out(layout) end
end

---Take up what the project's ext state has of some sessions. One that another tab leads, where this project or a copy of it is open
---too, stays there: a session has one owner.
---@param texts table<string, string> by session id
local function take_up(ctx, tab, texts)
  local before, folder = project.stored(tab.proj, "FOLDER"), project.folder_of(tab.path) or ""
  for id, text in pairs(texts) do
    local s = text ~= "" and ext_state.decode(id, text)
    tab.elsewhere[id] = s and ctx.owner(id) and s.model.label or nil
    if s and not ctx.owner(id) then
      s:set_media_track(track.by_guid(tab.proj, s.track))
      if before ~= "" and folder ~= "" and before ~= folder then follow_files(s, before, folder) end
      tab.sessions[#tab.sessions + 1] = s
      ctx.add(tab, s)
    end
  end
  table.sort(tab.sessions, function(a, b) return a.model.label < b.model.label end)
  local active = project.stored(tab.proj, "ACTIVE")
  for _, s in ipairs(tab.sessions) do
    if s.id == active then tab.active = tab.active or s end
  end
  tab.active = tab.active or tab.sessions[1]
end

---The sessions that a project has brought along in its ext state.
function restore.open(ctx, tab)
  take_up(ctx, tab, project.stored_sessions(tab.proj))
  tab.stored_active, tab.stored_folder = project.stored(tab.proj, "ACTIVE"), project.stored(tab.proj, "FOLDER")
  local tempo, mark = track.tempo_text(tab.proj), project.stored(tab.proj, "TEMPO")
  if mark ~= "" then tab.tempo = sealed.mark(tempo) == mark and tempo or mark end
  tab.stored_tempo = tab.tempo
  steps.looked(tab)
  restore.tell_elsewhere(tab)
end

---Say that sounds of the project are led in another tab.
---@return boolean said
function restore.tell_elsewhere(tab)
  local _, label = next(tab.elsewhere)
  if not label then return false end
  status.say(("%s is open in another project tab: answer it there, or close that tab to go on with it here"):format(label), true)
  return true
end

---To be called in each tick for the tab that the user is in: what another tab has led until it was closed goes on here.
function restore.follow_elsewhere(ctx, tab)
  for id in pairs(tab.elsewhere) do
    if not ctx.owner(id) then
      take_up(ctx, tab, { [id] = project.stored_session(tab.proj, id) })
      tab.asked, tab.look_again = false, true
      return
    end
  end
end

---Ask the daemon for everything that it has of a session, to be compared with the project.
local function resume(ctx, s)
  s:resume()
  ctx.link:command("resume", { session = s.id })
end

---Ask the daemon what it has for the project; once a tab, and again after a reconnect while it is not answered.
function restore.ask(ctx, tab)
  tab.asked = true
  ctx.asking[#ctx.asking + 1] = { tab = tab, known = {}, offered = {} }
  ctx.link:command("sessions", { project = tab.path })
end

---Whether a search of the tab stands for one that the daemon has.
local function replaced(tab, id)
  for _, s in ipairs(tab.sessions) do
    if s.replaced[id] then return true end
  end
  return false
end

---One session that the daemon has.
function restore.stored(ctx, fields)
  local asking = ctx.asking[1]
  if not asking then return end
  local tab = asking.tab
  local owner_tab, s = ctx.owner(fields.session)
  if not ctx.has_tab(tab) then return end
  if s then
    if owner_tab == tab then asking.known[#asking.known + 1] = s end
  elseif fields.answers > 0 and not tab.declined[fields.session] and not replaced(tab, fields.session)
    and track.by_guid(tab.proj, fields.track) then
    asking.offered[#asking.offered + 1] = fields
  end
end

---All sessions are named: take up those of the project, then offer those that it has lost. The project's own are asked for by their ids,
---also those that are not named: a list is of a project's path, which was another before the project was moved, and is none before it
---is saved, and it names only so many.
function restore.stored_end(ctx)
  local asking = table.remove(ctx.asking, 1)
  local tab = asking and asking.tab
  if not asking or not ctx.has_tab(tab) then return end
  local own = table.move(tab.sessions, 1, #tab.sessions, 1, {})
  for _, s in ipairs(asking.known) do
    if not steps.is_in_tab(tab, s) then own[#own + 1] = s end
  end
  for _, s in ipairs(own) do
    if s.state == "resuming" or (s.state == "stored" and not tab.declined[s.id]) then resume(ctx, s) end
  end
  for index = #asking.offered, 1, -1 do                          -- the latest comes first and shall stand last
    local fields = asking.offered[index]
    local s = session.stored { id = fields.session, track = fields.track, colour = #tab.sessions % project.COLOURS + 1,
      history = history.new(models.empty(models.label(fields.label))) }
    s:set_media_track(track.by_guid(tab.proj, fields.track))
    ctx.add(tab, s)
    resume(ctx, s)
  end
end

local YES_NO_CANCEL, YES, NO = 3, 6, 7

---What the user has edited before the project's answers are restored stays, and the daemon hears it.
---@param here integer how many answers the project has
---@return Model daemon_model with it
local function learn_edits(ctx, s, daemon_model, here, present)
  local model = models.undone(daemon_model, here + 1)
  s:set_marks(restore.all_marks(s, model, present))
  s:amend(restore.shown_as(model, present))
  local answered = {}
  for guid, there in pairs(present) do
    if (there.number <= here) == (there.kind ~= "candidate") then answered[guid] = there end
  end
  local before = s.model
  local edited = s.history:changes(answered, nil, false)
  if edited ~= before then
    s:push { marks = s.history:standing(present), model = edited }
    steps.send(ctx, s, models.instead(edited, before))
  end
  return models.with_first(daemon_model, here, edited)
end

---Marks of which the candidate's region goes, though the number is wanted: it asks about another place.
local function without_candidate(marks)
  local new = {}
  for guid, mark in pairs(marks) do
    new[guid] = mark.kind ~= "candidate" and mark or { number = -1, kind = mark.kind, name = mark.name,
      start_s = mark.start_s, end_s = mark.end_s }
  end
  return new
end

---The project is the truth: the daemon hears its answers.
---@param commands table[]
local function answer_again(ctx, tab, s, present, commands)
  s:set_marks(restore.all_marks(s, s.model, present))
  s:amend(restore.shown_as(s.model, present))
  steps.send(ctx, s, commands)
  tab.look_again = true
end

---The daemon has answers that the project lacks: the user decides.
---@param daemon_model Model
---@param label string what the sound is called there
---@param present table<string, Mark>
---@param parted boolean the project has other answers in place of some
local function offer(ctx, tab, s, daemon_model, label, present, parted)
  local here, lacking = s.answers_in_project, status.plural(models.lacking(daemon_model, s.model), "answer")
  local renamed = label ~= s.model.label
  local text = ("\"%s\": %s that this project does not have; it was closed without saving.\n\n"
    .. "Yes: restore them\nNo: discard them\nCancel: decide another time"):format(s.model.label, lacking)
  if parted then
    text = ("\"%s\": %s from this computer that this project does not have; it has others in their place.\n\n"
      .. "Yes: restore them\nNo: keep those of the project\nCancel: decide another time"):format(s.model.label, lacking)
  end
  local choice = reaper.MB(text, "ReaTrieve: restore answers?", YES_NO_CANCEL)
  local in_project = steps.is_in_tab(tab, s)                      -- else the project has never been saved with it
  local old, known, whole
  if choice == YES and not in_project then old, known, whole = earlier.predecessor(tab, s, daemon_model) end
  if old and not whole then
    tab.declined[s.id] = true
    ctx.drop(tab, s)
    status.say(("%s has been answered since, and is left unchanged; run Find once more to go on"):format(old.model.label), true)
  elseif old then
    earlier.hand_over(ctx, tab, s, old, daemon_model, known)
    steps.present(ctx, tab, s, true)
  elseif choice == YES then
    steps.add_to_tab(tab, s)
    if tab.active and tab.active ~= s and tab.active.model.current then daemon_model = models.hidden(daemon_model) end
    local marks
    if parted then
      s:set_marks(restore.all_marks(s, s.model, present))
      marks = without_candidate(s:step().marks)
    elseif next(present) then
      daemon_model = learn_edits(ctx, s, daemon_model, here, present)
    end
    daemon_model = renamed and models.renamed(daemon_model, label) or daemon_model
    steps.step(tab, ("Restore %s of %s"):format(lacking, s.model.label),
      { { s = s, model = daemon_model, marks = marks } })
    tab.active = tab.active or s
    steps.store(tab)
    steps.present(ctx, tab, s, true)
  elseif choice == NO and not in_project then
    ctx.discard(tab, s)
  elseif choice == NO and parted then
    answer_again(ctx, tab, s, present, models.instead(s.model, daemon_model))
  elseif choice == NO then
    local model = models.undone(daemon_model, here + 1)
    s:set_marks(restore.all_marks(s, model, present))            -- what the user has edited meanwhile is a change like any other
    s:amend(restore.shown_as(model, present))
    steps.send(ctx, s, { { "undo", here + 1 } })
    steps.store(tab)
    tab.look_again = true
  else
    tab.declined[s.id] = true          -- not asked again before the project is opened anew, or a key is about it
    if in_project then s:set_aside() else ctx.drop(tab, s) end
  end
end

---A key is about a sound whose answers wait for a decision: ask once more.
---@return boolean asked
function restore.ask_again(ctx, tab, s)
  if s.state ~= "stored" or not tab.declined[s.id] then return false end
  tab.declined[s.id] = nil
  resume(ctx, s)
  return true
end

---The project has lost a part of what it kept of a session: the journal is the truth. Regions that the lost part spoke of are
---known again by name and place, after "Find again" by place and the sound's name.
local function mend(tab, s, daemon_model, present)
  local lost = {}
  for number, mark in pairs(models.wanted(daemon_model, true)) do lost["#" .. number] = mark end
  for _, mark in pairs(present) do lost["#" .. mark.number] = nil end
  for key, guid in pairs(project.match_by_name_and_start(tab.proj, lost, s.history.known, {})) do
    present[guid], lost[key] = lost[key], nil
  end
  local known = earlier.known_of(tab.sessions)
  for key, there in pairs(project.renumbered(tab.proj, s.model.label, lost, known, present)) do
    local mark = lost[key]
    present[there.guid] = { number = mark.number, kind = mark.kind, name = there.name, start_s = mark.start_s, end_s = mark.end_s }
    if mark.kind == "accepted" then daemon_model = models.named(daemon_model, mark.number, there.name) end
  end
  s:set_marks(present)
  if s.media_track then s:lay_out(track.layout(s.media_track)) end          -- what has become of the items before is not known
  s:mend()
  s:set_daemon_model(daemon_model)
  steps.step(tab, "Restore " .. s.model.label, { { s = s, model = restore.shown_as(daemon_model, present) } })
  status.say(("%s: the project had lost a part of it; its journal has brought it back"):format(s.model.label), true)
end

---What the daemon has of a session, by its rows and what it is at (`candidate` or `done`). Answered places are where the project should
---have them: as they were stored where they are known to be off their sound, or where the track is another than was searched, so that
---the daemon's times hold no more.
---@return Model model by the project's name of the sound
---@return string label the daemon's
---@return boolean renamed that was given elsewhere
---@param keeps boolean? edges that it has refused stay as the user has put them
local function take_rows(s, fields, keeps)
  local model = models.with_names(models.continued(models.from_rows(s.model.label, s.rows), fields), s.model)
  local label, renamed = s:label_of_rows(), s:is_renamed_elsewhere()
  s:hear_label(label)
  s:drop_rows()
  for number, one in pairs(model.candidates) do
    local stored = s.model.candidates[number]
    if stored and stored.requested and one.state == stored.state then model = models.requested(model, number) end
    local stays = keeps or s.outdated or stored and stored.sound_offset
    if stored and stays and one.state ~= "candidate" and one.state == stored.state then
      model = models.moved(model, number, stored.start_s - one.start_s, stored.end_s - one.end_s)
      if stored.carried then model = models.add_carried(model, number, stored.carried.start_s, stored.carried.end_s) end
    end
  end
  return model, label, renamed
end

---The daemon's rows are there, and what it is at now: compare with the project. The name that the sound has in the project is the
---right one, unless the answers of the journal are restored.
function restore.reconcile(ctx, tab, s, fields)
  local daemon_model, label = take_rows(s, fields)
  local present = project.read(tab.proj, s.history.known)
  local here, there = s.answers_in_project, models.answers(daemon_model)
  s:confirm(fields)

  local parted = models.parted(s.model, daemon_model, here > there and 1 or 0) ~= nil
  if s.cut then
    mend(tab, s, daemon_model, present)
  elseif parted or there > here then
    offer(ctx, tab, s, daemon_model, label, present, parted)
  elseif here > there then
    -- Answers taken back and then closed without saving, or a daemon that died before it had them on disk: the project is
    -- the truth, so the daemon hears them again, and proposes what it proposed then.
    local commands = models.restated_to(s.model, daemon_model, 0)          -- the example's region
    for _, command in ipairs(models.again(s.model, there + 1)) do commands[#commands + 1] = command end
    answer_again(ctx, tab, s, present, commands)
    status.say(("%s: %d accepted; ready to go on"):format(s.model.label, (models.tally(s.model))))
  elseif s.history:taken_back(present) then                      -- the search was undone while no client was looking
    s:amend(daemon_model)
    s:push { marks = {}, model = models.empty(s.model.label) }
  else
    -- The same answers: regions deleted or moved while no client was looking are changes of the user's, like any other.
    s:set_marks(restore.all_marks(s, daemon_model, present))
    s:amend(restore.shown_as(daemon_model, present))
    tab.look_again = true
    status.say(("%s: %d accepted; ready to go on"):format(s.model.label, fields.accepted))
  end
  if s:is_open() and ctx.owner(s.id) and s.model.label ~= label then steps.send(ctx, s, { { "rename", s.model.label } }) end
end

---Whether what stands in the project is what a model wants.
local function shows(s, model)
  local wanted = models.wanted(model, settings.get("keep_rejected"))
  for _, mark in pairs(s:step().marks) do
    local there = wanted[mark.number]
    if not there or there.kind ~= mark.kind or not models.same_place(there, mark) then return false end
    wanted[mark.number] = nil
  end
  return next(wanted) == nil
end

---The search went on elsewhere while the project was open, and the daemon's rows are there: the project has from now on what the
---daemon has, in one undo step; but a name that was given here is told again.
---@return boolean answered something else than the name has changed
---@return boolean renamed
function restore.catch_up(ctx, tab, s, fields, keeps)
  steps.learn_names(s, project.read(tab.proj, s.history.known))
  local before = s.model
  local model, label, renamed = take_rows(s, fields, keeps)
  s:finish_waiting()
  s:agreed()
  if tab.active ~= s then
    model = models.hidden(model)
  elseif not models.alike(before, model, settings.get("keep_rejected")) then
    audition.stop_in(tab.proj)
  end
  local shown = shows(s, model)
  local answered = not shown or models.parted(before, model) ~= nil or models.answers(before) ~= models.answers(model)
  if renamed then model = models.renamed(model, label) end
  if shown and not renamed then
    s:amend(model)                             -- a step without a change could not be told from the one before
    steps.store(tab)
  else
    steps.step(tab, "Update " .. model.label, { { s = s, model = model, marks = without_candidate(s:step().marks) } })
  end
  if s.model.label ~= label then steps.send(ctx, s, { { "rename", s.model.label } }) end
  tab.look_again = true                        -- a region may have been edited meanwhile
  return answered, renamed
end

---The marks the project should have: those known to it, for what the daemon says is accepted, and where that says they are; the
---candidate only if it stands. What stands elsewhere, asks about something else or shows another answer (undo while no client was
---looking), or stands for an answer that the daemon has not (redo), is left to be found as a change.
function restore.all_marks(s, model, present)
  local marks = s.history:standing(present)
  for guid, mark in pairs(marks) do
    local one = model.candidates[mark.number]
    if mark.number ~= model.current and (mark.kind == "candidate" or not one) then
      marks[guid] = nil
    elseif mark.number == model.current and mark.kind ~= "candidate" then
      marks[guid] = nil
    elseif one and models.shown_verdict(one, present[guid]) then
      marks[guid] = nil
    elseif mark.kind == "accepted" and one and models.is_accepted(one) then
      mark.start_s, mark.end_s = one.start_s, one.end_s
    end
  end
  for guid, mark in pairs(s:step().marks) do
    local one = model.candidates[mark.number]
    if not marks[guid] and mark.kind == "accepted" and one and models.is_accepted(one) then
      marks[guid] = mark
    end
  end
  return marks
end

---A model whose candidate is hidden unless its region stands.
function restore.shown_as(model, present)
  if not model.current then return model end
  for _, there in pairs(present) do
    if there.number == model.current and there.kind == "candidate" then return model end
  end
  return models.hidden(model)
end

return restore
