-- @noindex
--- What every part that leads a session does: commands to the daemon, undo steps, telling the user where the search is.

local audition = require("audition")
local ext_state = require("ext_state")
local models = require("models")
local project = require("project")
local sealed = require("sealed")
local settings = require("settings")
local status = require("status")
local track = require("track")
local view = require("view")

local steps = {}

-- Which fields the commands carry that lead the daemon where the project is: {name, values...}; their times are those of the project.
local FIELDS = {
  answer = { "number", "verdict", "start_s", "end_s" },
  reanswer = { "number", "verdict", "start_s", "end_s" },
  ask = { "time_s" },
  undo = { "number" },
  retract = { "number" },
  revise = { "number", "start_s", "end_s" },
  more = { "extra" },
  accept_rest = { "above" },
  rename = { "label" },
  finish = {},
}

---Only the names that are given.
---@param commands table[]
---@return table[]
local function renamings(commands)
  local list = {}
  for _, command in ipairs(commands) do
    if command[1] == "rename" then list[#list + 1] = command end
  end
  return list
end

---Tell the daemon what has been done. In the state `behind` only a name is told: what the daemon has replaces the rest.
---@param commands table[]
---@return table? sent the last one, as the link has it
function steps.send(ctx, s, commands)
  if s.state == "behind" then commands = renamings(commands) end
  local sent
  if s.state == "resyncing" and #commands > #renamings(commands) then
    s:finish_waiting()                           -- the daemon's rows will be of before
  end
  for _, command in ipairs(commands) do
    local fields = { session = s.id, op = ctx.new_id() }
    for index, name in ipairs(FIELDS[command[1]]) do
      local shift_s = name:match("_s$") and s.shift_s or 0         -- the daemon's times are those of the search
      fields[name] = shift_s ~= 0 and command[index + 1] - shift_s or command[index + 1]
    end
    sent = ctx.link:command(command[1], fields)
    if command[1] ~= "rename" then
      s:await_reply(ctx.now)
      s:forget_lookahead()
    end
  end
  return sent
end

---Names that the user has given accepted regions by hand stay when the sound gets another name.
---@param present table<string, Mark>
function steps.learn_names(s, present)
  local marks, model, learned = {}, s.model, false
  for guid, mark in pairs(s:step().marks) do
    local there = present[guid]
    marks[guid] = mark
    if there and there.kind == "accepted" and mark.kind == "accepted" and there.name ~= mark.name and model.candidates[mark.number] then
      marks[guid] = { number = mark.number, kind = mark.kind, name = there.name, start_s = mark.start_s, end_s = mark.end_s }
      model, learned = models.named(model, mark.number, there.name), true
    end
  end
  if not learned then return end
  s:set_marks(marks)
  s:amend(model)
end

-- Undo steps -----------------------------------------------------------------------------------------------------------------

---Where REAPER's undo history is now.
---@param undo string the name of what it would undo
---@param redo string and of what it would redo
function steps.note_points(tab, undo, redo)
  tab.last_undo, tab.is_at_top = undo, redo == ""
  if tab.is_at_top then tab.top_undo = undo end
end

---Whatever has changed in the project up to now is known.
function steps.looked(tab)
  tab.change_count = reaper.GetProjectStateChangeCount(tab.proj)
  steps.note_points(tab, project.last_undo(tab.proj), project.next_redo(tab.proj))
end

---Keep the project's ext state as the sessions are.
function steps.store(tab)
  for _, s in ipairs(tab.sessions) do
    local text = s:absent() and "" or ext_state.encode(s)
    if text ~= s.stored_text then
      project.store_session(tab.proj, s.id, text)
      s:stored_as(text)
    end
  end
  local folder = project.folder_of(tab.path) or ""
  if #tab.sessions > 0 and tab.stored_folder ~= folder then
    project.store(tab.proj, "FOLDER", folder)
    tab.stored_folder = folder
  end
  if #tab.sessions > 0 and tab.tempo and tab.stored_tempo ~= tab.tempo then
    project.store(tab.proj, "TEMPO", sealed.mark(tab.tempo))
    tab.stored_tempo = tab.tempo
  end
  local active = tab.active and tab.active.id or ""
  if tab.stored_active ~= active then
    project.store(tab.proj, "ACTIVE", active)
    tab.stored_active = active
  end
  steps.looked(tab)
end

---The session is at what the project shows nothing of: the present step is known better, since one without a change could not be told
---from the one before.
---@param model Model
function steps.amend(tab, s, model)
  s:amend(model)
  steps.store(tab)
end

---@param tab Tab
---@param s Session
---@return boolean
function steps.is_in_tab(tab, s)
  for _, one in ipairs(tab.sessions) do
    if one == s then return true end
  end
  return false
end

---A tempo that changes from now on moves regions of ours: what it was is known from now on.
---@param tab Tab
---@param s Session
function steps.add_to_tab(tab, s)
  tab.tempo = tab.tempo or track.tempo_text(tab.proj)
  if not steps.is_in_tab(tab, s) then tab.sessions[#tab.sessions + 1] = s end
end

---The part of an undo step that hides the active session's candidate when another session takes over.
---@param s Session the other one
---@return { s: Session, model: Model }? nil: it asks about nothing
function steps.paused_part(tab, s)
  local old = tab.active
  if old and old ~= s and old.model.current and not old.model.hidden then return { s = old, model = models.hidden(old.model) } end
end

---One undo step on one or more sessions of a tab. A part with `marks` begins with these, not with those of its session.
---@param name string
---@param parts { s: Session, model: Model, marks: table<string, Mark>?, daemon_model: Model?, rest_above: number? }[]
function steps.step(tab, name, parts)
  local keep = settings.get("keep_rejected")
  local marks, undo = project.undoable(tab.proj, name, function()
    local new = {}
    for index, part in ipairs(parts) do
      new[index] = project.apply(tab.proj, part.marks or part.s:step().marks, models.wanted(part.model, keep), part.s.colour)
    end
    return new
  end)
  for index, part in ipairs(parts) do
    part.s:push { marks = marks[index], model = part.model, daemon_model = part.daemon_model, rest_above = part.rest_above, undo = undo }
  end
  steps.store(tab)
end

---The daemon has corrected the edges of the open candidate. It gets no undo point of its own, so that one Ctrl+Z stays one answer:
---REAPER records it with the next point, and an undo before that takes the candidate away in any case.
---@param model Model
---@param span { number: integer, start_s: number, end_s: number }
function steps.correct(tab, s, model, span)
  local before = s.model
  local one = before.candidates[span.number]
  local own = models.own_name(before, span.number, "candidate", one.probability)
  local elsewhere = models.are_apart(span, models.proposal(one))
  if elsewhere then model = models.requested(model, span.number) end
  s:amend(before.hidden and models.hidden(model) or model)
  local marks = {}
  for guid, mark in pairs(s:step().marks) do
    if mark.number == span.number then
      local name = mark.name
      if name == own or elsewhere then
        name = models.own_name(model, span.number, "candidate", model.candidates[span.number].probability)
      end
      project.move(tab.proj, guid, span.start_s, span.end_s, name ~= mark.name and name or nil)
      mark = { number = mark.number, kind = mark.kind, name = name, start_s = span.start_s, end_s = span.end_s }
    end
    marks[guid] = mark
  end
  s:set_marks(marks)
  s:see()                                            -- it stands elsewhere than in the last look
  steps.store(tab)
end

---The name of a candidate's region once it is accepted.
---@return string
function steps.named(s, number)
  return models.shown_name(s.model, number)
end

local function tally(s)
  local accepted, rejections = models.tally(s.model)
  if s.budget == 0 then return ("%d accepted, %s"):format(accepted, status.plural(rejections, "rejection")) end   -- not told yet
  return ("%d accepted, %d of %d rejections"):format(accepted, rejections, s.budget)
end

---Say what the session waits for; where another one of the tab is led, what that one does.
---@param loud boolean?
function steps.describe(ctx, s, loud)
  local tab = ctx.active_tab
  if tab and tab.active and tab.active ~= s and ctx.owner(s.id) == tab and not s:is_searching() then s = tab.active end
  local model = s.model
  local one = model.current and model.candidates[model.current]
  local again = s.reviewed and model.candidates[s.reviewed]
  if again then
    status.say(("%s at %s was %s: Accept or Reject changes that, Skip leaves it, Previous goes further back"):format(
      steps.named(s, again.number), status.time(again.start_s), again.state), loud)
  elseif s:is_searching() then
    status.say(("%s: searching"):format(model.label), loud)
  elseif model.over then
    local why = { budget = "the rejections are used up: Continue (+10) or Finish", exhausted = "nothing is left to propose",
      finished = "finished", cancelled = "cancelled" }
    status.say(("%s: %s; %s"):format(model.label, why[model.over] or model.over, tally(s)), loud)
  elseif one and model.hidden then
    status.say(("%s: paused before candidate %d; Play, Accept or Continue shows it again"):format(model.label, one.number), loud)
  elseif one and ctx.owner(s.id) ~= ctx.active_tab then
    status.say(("%s is in another project tab"):format(steps.named(s, one.number)), loud)
  elseif one then
    local left = s.remaining and s.remaining >= 0 and (" · about %.0f left"):format(s.remaining) or ""
    local hint = s.probably_done == one.number and " · probably nothing else: Finish when you agree" or ""
    status.say(("%s at %s (%.0f %%): accept, reject or skip? %s%s%s"):format(steps.named(s, one.number), status.time(one.start_s),
      100 * one.probability, tally(s), left, hint), loud)
  elseif not s.awaited_since and s:is_open() then
    status.say(("%s: no candidate is shown; Continue brings the next one; %s"):format(model.label, tally(s)), loud)
  elseif ctx.link.problem then
    status.say(("%s: answers are kept; %s"):format(model.label, ctx.link.problem), loud)
  end
  s:said(status.line())
end

---Say that the daemon cannot go on with a session.
---@param loud boolean?
function steps.tell_lost(s, loud)
  status.say(("the daemon has no journal of %s; its regions stay as they are: run Find to search on"):format(s.model.label), loud)
end

---Say it again, if the session's own line still stands and what it says has changed.
function steps.refresh(ctx, s)
  if s.status_line and s.status_line == status.line() then steps.describe(ctx, s) end
end

---The user has pressed a key of ours, or edited something: what shall be seen and heard is wanted now.
function steps.asked(ctx, tab)
  local start_s, end_s = reaper.GetSet_ArrangeView2(tab.proj, false, 0, 0, 0, 0)
  ctx.attention = { tab = tab, now = ctx.now, start_s = start_s, end_s = end_s }
end

---Whether view and transport may move: in the tick of the user's own key, and later as long as the user neither plays anything
---nor looks elsewhere.
---@return boolean
local function may_move(ctx, tab)
  local at = ctx.attention
  if not at or at.tab ~= tab then return false end
  if at.now == ctx.now then return true end
  if reaper.GetPlayStateEx(tab.proj) ~= 0 and audition.project() ~= tab.proj then return false end
  local start_s, end_s = reaper.GetSet_ArrangeView2(tab.proj, false, 0, 0, 0, 0)
  return start_s == at.start_s and end_s == at.end_s
end

---Bring the current candidate before the user: view, sound, status line.
function steps.present(ctx, tab, s, silent)
  local one = s.model.current and s.model.candidates[s.model.current]
  if one and tab == ctx.active_tab and tab.active == s and not s.model.hidden and may_move(ctx, tab) then
    view.show(tab.proj, one.start_s, one.end_s)
    local key = ctx.attention.now
    steps.asked(ctx, tab)
    ctx.attention.now = key
    if not silent and settings.get("audition") then steps.play(tab, s) end
  end
  steps.describe(ctx, s, true)
end

---Show and play an answered place again; Accept and Reject are about it until something else is asked for.
---@param number integer
function steps.review(ctx, tab, s, number)
  s:review(number)
  local one = s.model.candidates[number]
  if tab == ctx.active_tab and may_move(ctx, tab) then
    view.show(tab.proj, one.start_s, one.end_s)
    local key = ctx.attention.now
    steps.asked(ctx, tab)
    ctx.attention.now = key
    steps.play(tab, s)
  end
  steps.describe(ctx, s, true)
end

---Ask for the current candidate again: undo has led to a state in which none is shown.
function steps.fetch(ctx, s)
  s:fetch(true)
  s:await_reply(ctx.now)
  ctx.link:command("resume", { session = s.id })
end

---The edges of the current candidate as they stand.
---@return number? start_s nil when its region is gone
---@return number? end_s
---@return string? guid
function steps.edges(tab, s)
  for guid, mark in pairs(s:step().marks) do
    if mark.number == s.model.current and mark.kind == "candidate" then
      local there = project.find(tab.proj, guid)
      if there then return there.start_s, there.end_s, guid end
    end
  end
end

---A queued key press is about the candidate that was current when the key was pressed. Where something else than the search itself
---(an edit, an undo, answers that are restored) has made another one current, all queued key presses are discarded.
---@param s Session
---@param asked integer? the number of the candidate that was current before that, nil if there was none
function steps.drop_waiting(s, asked)
  if not s.verbs[1] or s.model.current == asked then return end
  s:drop_verbs()
  status.say(("%s: queued key presses were ignored: the candidate has changed"):format(s.model.label), true)
end

---Play the place that is looked at again, else the candidate.
---@param resume_s number? where the project plays on afterwards, if what was heard before has been stopped by us
function steps.play(tab, s, resume_s)
  local one = s.model.candidates[s.reviewed or s.model.current or -1]
  if not one then
    status.say("nothing to play: no candidate is open; Continue (+10) or Find brings one", true)
    return
  end
  local start_s, end_s
  if not s.reviewed then start_s, end_s = steps.edges(tab, s) end
  local played = audition.play(tab.proj, track.there(tab.proj, s.media_track, s.track), start_s or one.start_s, end_s or one.end_s,
    { lead_in_s = settings.get("lead_in_s"), loop = settings.get("loop"), solo = settings.get("solo"),
      resume_s = resume_s })
  if not played then status.say("not played while REAPER is recording: stop the recording first", true) end
end

---Show the current candidate of a session that was paused. It is not shown where a queued key press asks for it after the user has
---gone to another sound: a tab asks about one candidate.
function steps.show(ctx, tab, s)
  if tab.active ~= s then
    status.say(("%s was left before its turn came, and asks again when you go back to it"):format(steps.named(s, s.model.current)), true)
    return
  end
  steps.step(tab, "Show " .. steps.named(s, s.model.current), { { s = s, model = models.shown(s.model) } })
  steps.present(ctx, tab, s)
end

return steps
