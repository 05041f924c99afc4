-- @noindex
--- What the daemon says, and what it means for a session in its state. What a state has no use for is ignored: after a new
-- start of either side things may come late or twice.

local audition = require("audition")
local curve = require("curve")
local earlier = require("earlier")
local export = require("export")
local finder = require("finder")
local models = require("models")
local project = require("project")
local restore = require("restore")
local session = require("session")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local sync_markers = require("sync_markers")
local verbs = require("verbs")

local events = {}

local RETRY_S = 3.0          -- a reply that has not come by then is asked for again
local LOOKAHEAD_S = 1.0      -- between two requests for what follows
local UNKNOWN = -1           -- the same candidate comes again with what follows it
local MOST_LISTED = 25       -- places named when the rest is to be accepted
local YES_NO_CANCEL, YES_NO, YES, NO = 3, 4, 6, 7

---The next candidate for each verdict, as a `candidate` told; nil while the daemon still looks ahead.
local function lookahead(fields)
  if not fields.number or fields.accept_valid == UNKNOWN then return nil end
  local next = {}
  for _, verdict in ipairs { "accept", "reject", "skip" } do
    next[verdict] = fields[verdict .. "_valid"] ~= 0 and {
      number = fields.number + 1, start_s = fields[verdict .. "_start_s"], end_s = fields[verdict .. "_end_s"],
      probability = fields[verdict .. "_probability"],
    } or nil
  end
  return next
end

---A model with what the daemon is at, for a sound that may have been left meanwhile: its candidate is not shown then.
local function continued_if_led(tab, s, model, fields)
  model = models.continued(model, fields)
  return tab.active == s and model or models.hidden(model)
end

-- `candidate` (with fields.number) and `done` (with fields.reason), by state ---------------------------------------------

local function cancelled(ctx, tab, s, fields)
  if fields.number then ctx.discard(tab, s) else ctx.drop(tab, s) end                            -- with a number it was ready already
  status.say(("%s: search cancelled"):format(s.model.label), true)
end

---The first candidate: example and candidate become one undo step; an older session of the tab is paused in it.
local function first_candidate(ctx, tab, s, fields)
  if fields.reason == "cancelled" then return cancelled(ctx, tab, s, fields) end
  local before = s.search.earlier
  if before and earlier.has_changed(before.s, before.model) then
    ctx.discard(tab, s)
    return status.say(("%s was answered while it was being searched again: run Find once more"):format(s.model.label), true)
  end
  if before and s:has_rows() then            -- also when its regions have gone meanwhile: their places are retracted
    local model = models.continued(models.from_rows(s.model.label, s.rows), fields)
    s:open()
    tab.searching = nil
    earlier.hand_over(ctx, tab, s, before.s, model, before.answers)
    tab.look_again = true                      -- a region may have been moved while the daemon searched
    steps.present(ctx, tab, s)
    s:set_lookahead(lookahead(fields))
    return
  end
  local model = models.continued(models.with_example(s.model, s.search.example), fields)
  local parts = { steps.paused_part(tab, s) }
  parts[#parts + 1] = { s = s, model = model }
  if tab.active then tab.active:review(nil) end
  s:open()
  tab.searching = nil
  steps.add_to_tab(tab, s)
  tab.active = s
  audition.stop_in(tab.proj)                 -- the sound before
  steps.step(tab, "Find " .. model.label, parts)
  steps.present(ctx, tab, s)
  s:set_lookahead(lookahead(fields))
end

---What became of the rest that was accepted.
local function rest_accepted(ctx, tab, s, fields)
  if not s:has_rows() then
    ctx.link:command("resume", { session = s.id })           -- the rows were lost with an earlier daemon
    return
  end
  local above, asked, model = s.rest.above, s.model.current, s.model
  s:finish_waiting()
  s:set_rest_clear(false)
  if tab.active == s then audition.stop_in(tab.proj) end
  for _, row in ipairs(s.rows) do
    local one = model.candidates[row.number]
    if row.state ~= "candidate" and (not one or one.state ~= row.state) then model = models.from_row(model, row) end
  end
  model = continued_if_led(tab, s, model, fields)
  if (model.hidden or not model.current) and models.alike(s.model, model, settings.get("keep_rejected")) then
    steps.amend(tab, s, model)                  -- a step without a change could not be told from the one before
  else
    steps.step(tab, "Accept all " .. model.label, { { s = s, model = model, rest_above = above } })
  end
  steps.present(ctx, tab, s)
  s:set_lookahead(lookahead(fields))
  steps.drop_waiting(s, asked)               -- the keys were about the place that is accepted with the rest
end

---What follows an answer with moved edges: both become one undo step.
local function what_follows(ctx, tab, s, fields)
  local answer = s.answer
  if fields.number == answer.number then return end           -- not the reply to it yet
  s:finish_waiting()
  verbs.apply(ctx, tab, s, answer.verdict, answer.start_s, answer.end_s, fields.number and fields or nil, fields.reason)
  s:set_lookahead(lookahead(fields))
end

---The candidate that stands already; perhaps with other edges, or now with what follows it.
local function same_candidate(ctx, tab, s, fields)
  local continuing = s.state == "continuing"
  s:set_lookahead(lookahead(fields))
  s:agreed()
  local model = s.model
  local one = model.candidates[fields.number]
  if not models.same_place(models.daemon_proposal(one), fields) then
    steps.correct(tab, s, models.proposed(model, fields.number, fields), fields)
    steps.present(ctx, tab, s)
  end
  if continuing or s.deciding then steps.describe(ctx, s) end
end

---Whether a redo that no script was looking at has brought the regions of a candidate that the daemon names now, or of its answer.
local function redone(ctx, tab, s, fields)
  local model, present = models.proposed(s.model, fields.number, fields), project.read(tab.proj, s.history.known)
  local answered = s:leave_out_redone(model, present)
  local asks = false
  for _, there in pairs(present) do
    asks = asks or there.number == fields.number and there.kind == "candidate" and there.end_s > fields.start_s
      and there.start_s < fields.end_s
  end
  if not answered and not (asks and tab.active == s) then return false end
  steps.amend(tab, s, answered and models.hidden(model) or model)
  s:set_lookahead(lookahead(fields))
  if answered then tab.look_again = true else steps.present(ctx, tab, s) end
  return true
end

---A candidate where none is open: after "Continue", or when it was not known what follows.
local function next_candidate(ctx, tab, s, fields)
  if redone(ctx, tab, s, fields) then return end
  local undone = s.state ~= "continuing" and not s.fetched and project.can_redo(tab.proj)      -- a point of ours would end the redo
  if undone or tab.active ~= s then
    steps.amend(tab, s, models.hidden(models.proposed(s.model, fields.number, fields)))
    s:set_lookahead(lookahead(fields))
    steps.describe(ctx, s, true)
    return
  end
  local name = s.state == "continuing" and "Continue with " or "Next candidate "
  steps.step(tab, name .. steps.named(s, fields.number),
    { { s = s, model = models.proposed(s.model, fields.number, fields) } })
  s:set_lookahead(lookahead(fields))
  steps.present(ctx, tab, s)
end

---Project and daemon are at different places, and the daemon's rows are there.
local function resynced(ctx, tab, s, fields)
  local number = fields.number
  local behind = number and number < (s.model.current or 0) and s.model.candidates[number] ~= nil
  if behind and s.resyncs < session.MOST_RESYNCS then
    s:finish_waiting()
    steps.send(ctx, s, models.again(s.model, number))           -- the project is the truth: the daemon hears it again
  else
    restore.catch_up(ctx, tab, s, fields, s.refused)            -- the daemon is right
    s:set_lookahead(lookahead(fields))
    steps.present(ctx, tab, s)
  end
end

---What the daemon has is asked for, to be shown in any case.
local function fall_behind(ctx, s)
  s:fall_behind()
  s:await_reply(ctx.now)
end

local function ask_for_all(ctx, s)
  fall_behind(ctx, s)
  ctx.link:command("resume", { session = s.id })
end

---Whether the daemon's rows are there and have other answers or another name than the project, though it knows all that was done here:
---it went on elsewhere, and what it said of that was lost; or it has refused what was done, which was told. Edges that it has refused
---stay as the user has put them.
local function has_other_answers(ctx, s)
  if not s:has_rows() or ctx.link:is_changing(s.id) then return false end
  local elsewhere = false
  if s:is_renamed_elsewhere() then return true end
  for _, row in ipairs(s.rows) do
    local one = s.model.candidates[row.number]
    if row.state ~= "candidate" and one and one.state ~= "candidate" then
      if one.state ~= row.state then return true end
      elsewhere = elsewhere or models.differ(one, row)
    end
  end
  if not elsewhere then s:refuse_edit(false) end
  return elsewhere and not s.refused and not s.outdated
end

---Where an open session is: the project shows it already, or shows it from now on, or both have drifted apart.
local function follow(ctx, tab, s, fields)
  local model, number = s.model, fields.number
  if s:absent() then return end
  if has_other_answers(ctx, s) then return ask_for_all(ctx, s) end
  local waited = s.state == "continuing" or s.state == "resyncing"
  if number and number == model.current then
    same_candidate(ctx, tab, s, fields)
  elseif number and not model.current and number == models.answers(model) + 1      -- else it follows an answer that was taken back
    and (model.over ~= "finished" or s.state == "continuing") then
    next_candidate(ctx, tab, s, fields)
  elseif fields.reason and not model.current then
    if model.over ~= fields.reason then
      steps.amend(tab, s, models.ended(model, fields.reason))
      steps.describe(ctx, s, true)
    end
  elseif s.state == "resyncing" then
    if s:has_rows() then resynced(ctx, tab, s, fields) end
    return
  elseif s.state ~= "listing" and ctx.link:idle() and s.resyncs < session.MOST_RESYNCS then
    s:resync()
    ctx.link:command("resume", { session = s.id })
    return
  end
  s:fetch(false)
  if waited then s:finish_waiting() end
end

---The daemon's rows are there, and what it is at now: compare with the project.
local function compare(ctx, tab, s, fields)
  if not s:has_rows() then return end
  local asked = s.model.current
  ctx.link:command("caught_up", { session = s.id })
  restore.reconcile(ctx, tab, s, fields)
  steps.drop_waiting(s, asked)
end

---What was answered elsewhere comes into the project; a key that was pressed before is about what stood there.
local function caught_up(ctx, tab, s, fields)
  if not s:has_rows() then return end
  if s:absent() then return end                                -- the search was taken back here: a redo asks again
  ctx.link:command("caught_up", { session = s.id })
  local before = s.model.label
  local answered, renamed = restore.catch_up(ctx, tab, s, fields)
  s:set_lookahead(lookahead(fields))
  if answered then
    s:drop_verbs()
    steps.present(ctx, tab, s, true)
    status.say(("%s was answered elsewhere meanwhile: it is shown as it was answered there"):format(s.model.label), true)
  elseif renamed then
    status.say(("%s was renamed elsewhere meanwhile: it is called %s here, too"):format(before, s.model.label), true)
  end
end

---Whether the daemon may answer the question that is awaited by what is open: it takes the best place that begins within half a
---length of the time that was pointed at.
---@param one Candidate that is open
local function may_be_open(s, one)
  local time_s, there = s.question.values.time_s, models.daemon_proposal(one)
  return not time_s or math.abs(time_s + s.shift_s - there.start_s) <= (there.end_s - there.start_s) / 2
end

---Whether a candidate was said before the daemon knew that it was asked for another one in its place.
local function was_said_before_question(ctx, s, fields)
  local one = s.state == "asking" and fields.number == s.model.current and s.model.candidates[fields.number]
  if not one then return false end
  -- Rows that arrive after the question was handled belong to a later request.
  local may_be_reply = (may_be_open(s, one) or s:has_rows()) and not ctx.link:is_pending(s.question)
  return models.same_place(models.daemon_proposal(one), fields) and not may_be_reply
end

---Show the open candidate again where its region was deleted while another place was asked for: that was no answer to this one.
local function show_again(ctx, tab, s)
  if not s.model.current or s.model.hidden or steps.edges(tab, s) or project.can_redo(tab.proj) then return end
  local marks = {}
  for guid, mark in pairs(s:step().marks) do
    if mark.kind ~= "candidate" then marks[guid] = mark end
  end
  s:set_marks(marks)
  s:amend(models.hidden(s.model))
  steps.show(ctx, tab, s)
end

---The question that was asked for, or another that stands now.
local function question(ctx, tab, s, fields)
  local pointed, before = s.question.values.time_s ~= nil, s.model.current
  s:finish_waiting()
  follow(ctx, tab, s, fields)
  local new = s.model.current ~= before and s.model.current == fields.number           -- else it was corrected
  if pointed and new and fields.number then steps.amend(tab, s, models.requested(s.model, fields.number)) end
  show_again(ctx, tab, s)
end

local AT_CANDIDATE = {
  reading = first_candidate, searching = first_candidate, cancelling = cancelled, resuming = compare, ready = follow,
  continuing = follow, listing = follow, resyncing = follow, asking = question, answering = what_follows, accepting = rest_accepted,
  behind = caught_up,
}

local function at_candidate(ctx, tab, s, fields)
  local handle = AT_CANDIDATE[s.state]
  if not handle then return end
  if was_said_before_question(ctx, s, fields) then return s:drop_rows() end
  if s.state ~= "resuming" then s:heard(fields, ctx.now, fields.accept_valid == UNKNOWN) end
  handle(ctx, tab, s, fields)
  if s:has_rows() then s:drop_rows() end                      -- they belong to this event and to no later one
  if tab.active == s then steps.refresh(ctx, s) end           -- how many are left; or progress of work that is done now
end

-- The other events -------------------------------------------------------------------------------------------------------

local on = { candidate = at_candidate, done = at_candidate }

function on.progress(ctx, tab, s, fields)
  if tab == ctx.active_tab then finder.progress(s, fields) end
end

function on.render_wanted(ctx, _, s, fields)
  if s.state == "reading" or s.state == "searching" then s:want_render(fields.index, fields.why, ctx.now) end
end

function on.row(_, _, s, fields) s:add_row(fields) end

function on.rows_end(_, _, s, fields) s:complete_rows(fields.label) end

function on.rest_row(_, _, s, fields)
  if s.state == "listing" then s:add_rest_row(fields) end
end

---The list is whole: the user decides.
function on.rest_end(ctx, _, s, fields)
  if s.state ~= "listing" then return end
  if s.rest.stopped then return s:finish_waiting() end
  local above, rows = s.rest.above, s.rest.rows
  if #rows == 0 then
    s:finish_waiting()
    status.say(("%s: nothing at or above %.0f %%"):format(s.model.label, 100 * above), true)
    return
  end
  local lines = {}
  for index, row in ipairs(rows) do
    if index > MOST_LISTED then
      lines[#lines + 1] = ("... and %d more"):format(#rows - MOST_LISTED)
      break
    end
    lines[#lines + 1] = ("%s   %.0f %%"):format(status.time(row.start_s), 100 * row.probability)
  end
  local all = #rows == 1 and "the only one" or ("all %d"):format(#rows)
  local text = ("Accept %s at or above %.0f %%?\n\n%s"):format(all, 100 * above, table.concat(lines, "\n"))
  local unclear = fields.clear == 0
  if unclear then
    text = text .. "\n\nIt is not clear yet where they end.\nYes accepts these; No asks you about some places first."
  end
  local said = reaper.MB(text, "ReaTrieve: " .. s.model.label, unclear and YES_NO_CANCEL or YES_NO)
  if said == YES then
    s:await_rest()
    steps.send(ctx, s, { { "accept_rest", above } })
  elseif said == NO and unclear then
    s:await_question(ctx.link:command("decide", { session = s.id }))
    s:decide()
    s:await_reply(ctx.now)
    s:forget_lookahead()
    status.say(("%s: looking for the place to ask about"):format(s.model.label), true)
  else
    s:finish_waiting()
    steps.describe(ctx, s)
  end
end

---Something the user should know; that a search is probably over is said beside the candidate.
function on.note(ctx, tab, s, fields)
  if export.note(tab, fields) then return end
  if fields.code == "probably-done" and s.model.current then
    s:set_probably_done(s.model.current)
    steps.describe(ctx, s, true)
    return
  end
  if fields.code == "elsewhere" then                           -- while it is opened, it is compared in any case
    if s:is_open() and s.state ~= "behind" then fall_behind(ctx, s) end
    return
  end
  if fields.code == "rest-clear" then s:set_rest_clear(true) end
  status.say(("%s: %s"):format(s.model.label, fields.text), true)
end

function on.curve(_, _, s, fields) curve.take(s.id, fields) end

function on.anchor(_, tab, s, fields) sync_markers.anchor(tab, s, fields) end

function on.anchors_end(_, tab) sync_markers.anchors_end(tab) end

function on.exported(_, tab, _, fields) export.exported(tab, fields) end

function on.exported_end(ctx, tab) export.exported_end(ctx, tab) end

---A command failed and changed nothing.
function on.failed(ctx, tab, s, fields)
  if s.state == "resuming" then
    s:lose()
    if fields.code == "unknown-session" then steps.tell_lost(s) else status.say(fields.text, true, true) end
    return
  end
  local told = export.failed(tab, fields.text) or sync_markers.failed(tab, fields.text)
  if fields.code == "elsewhere" and s:is_open() then
    if not told then status.say(fields.text, true, true) end
    if s.state ~= "behind" then ask_for_all(ctx, s) end
    return
  end
  if told then return end
  if fields.code == "input" and fields.id > 0 then s:refuse_edit(true) end
  if fields.code == "cancelled" and s.rest then                -- the user has stopped it
    s:give_up_reply()
    return s:finish_waiting()
  end
  status.say(fields.text, true, true)
  local of_another = s.state == "asking" and s.question.id ~= fields.id and fields.code ~= "unknown-session"
  if of_another then return end                                -- the question is still awaited
  s:give_up_reply()
  if s:is_searching() then
    ctx.drop(tab, s)
  elseif fields.code == "unknown-session" then
    s:lose()
  elseif s.state == "listing" or s.state == "accepting" or s.state == "asking" or s.state == "behind" then
    s:finish_waiting()
  elseif s.state == "answering" then
    s:finish_waiting()                                         -- the region still stands as a candidate
    ctx.link:command("resume", { session = s.id })
  end
end

---A controller pressed: the same as the key, but that no answer is kept for a candidate that is not shown yet: a controller
---says the same thing twice more easily than a hand.
function on.verb(ctx, tab, s, fields)
  local shown = s.model.current and s.state ~= "answering" and s.state ~= "asking" and not s.verbs[1]
  if fields.verb ~= "undo" and s:is_open() and not shown then
    status.say(("%s: the next candidate is not shown yet"):format(s.model.label), true)
    return
  end
  steps.asked(ctx, tab)
  if tab.active ~= s then verbs.activate(ctx, tab, s) end
  verbs.give(ctx, tab, s, fields.verb)
  steps.asked(ctx, tab)
end

---What the daemon says in the times of its search, in the project's times of now.
local function shifted(fields, shift_s)
  if shift_s == 0 then return fields end
  local new = {}
  for key, value in pairs(fields) do
    local place = key == "start_s" or key == "end_s" or key == "time_s" or key:match("_start_s$") or key:match("_end_s$")
    new[key] = place and value + shift_s or value
  end
  return new
end

---One event of the daemon's.
---@param ctx table
---@param event Event
function events.handle(ctx, event)
  if event.name == "stored" then
    restore.stored(ctx, event.fields)
  elseif event.name == "stored_end" then
    restore.stored_end(ctx)
  else
    local tab, s = ctx.owner(event.fields.session or "")
    if tab and ctx.valid(tab) and on[event.name] then on[event.name](ctx, tab, s, shifted(event.fields, s.shift_s)) end
  end
end

---To be called in each tick for each session: verbs that wait, and a reply that never came.
function events.tick(ctx, tab, s)
  if s.verbs[1] then verbs.carry_out(ctx, tab, s) end
  if not s:is_open() or ctx.link.state ~= "up" then return end
  local idle = s.state == "ready" or s.state == "continuing" or s.state == "resyncing"
  if idle and s.model.current and not s.lookahead and not s.awaited_since and ctx.now - s.lookahead_asked_at > LOOKAHEAD_S then
    s:ask_lookahead(ctx.now)
    ctx.link:command("resume", { session = s.id })
  elseif s.awaited_since and ctx.link:all_acked() and ctx.now - s.awaited_since > RETRY_S then
    s:await_reply(ctx.now)
    ctx.link:command("resume", { session = s.id })
  elseif s.state == "behind" and not s.awaited_since and not s:absent() then
    ask_for_all(ctx, s)
  end
end

---Another daemon, or the same that had forgotten us: what it has is asked for, after what it is told of what was done meanwhile. So an
---answer from before is refused where the search went on elsewhere.
function events.reconnected(ctx, tab)
  for _, s in ipairs(tab.sessions) do
    if s:is_open() or s.state == "resuming" then
      s:drop_rows()
      ctx.link:command("resume", { session = s.id })
      s:await_reply(ctx.now)
      if s.state == "listing" then s:finish_waiting() end
    end
  end
  sync_markers.reconnected(ctx, tab)
  export.reconnected(ctx, tab)
end

return events
