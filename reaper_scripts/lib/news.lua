--- What the daemon says about a session: candidates, the end, rows, failures.

local answers = require("answers")
local models = require("models")
local project = require("project")
local status = require("status")
local steps = require("steps")

local news = {}

local RESYNC_S = 3.0
local RESYNCS = 3            -- so often in a row the project is right, then the daemon
local ASK_S = 1.0            -- between two requests for the next candidates
local UNKNOWN = -1           -- the same candidate comes again with the next ones

---The next candidate for each verdict, as a `candidate` told; nil while the daemon still looks ahead.
local function following(fields)
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

---The first candidate: example and candidate become one undo step; an older session of the tab is paused in it.
local function first(ctx, tab, s, fields)
  local model = models.exampled(s.model, s.example)
  if fields.number then model = models.proposed(model, fields.number, fields) end
  if fields.reason then model = models.ended(model, fields.reason) end
  local parts = { { s = s, model = model } }
  local old = tab.active
  if old and old ~= s and old.model.current and not old.model.hidden then
    table.insert(parts, 1, { s = old, model = models.hidden(old.model) })
  end
  s.phase, s.request = "open", nil
  tab.searching = nil
  if not s.listed then
    tab.sessions[#tab.sessions + 1] = s
    s.listed = true
  end
  tab.active = s
  steps.step(tab, "Find " .. model.label, parts)
  steps.present(ctx, tab, s)
end

---Everything the daemon has, into the project: after "accept the rest", or when both have drifted apart.
local function adopt_rows(ctx, tab, s, name, fields, forward)
  local label, first_new = s.model.label, nil
  local model = s.model
  for _, row in ipairs(s.rows) do
    local one = model.candidates[row.number]
    if row.state ~= "candidate" and (not one or one.state ~= row.state) then
      first_new = math.min(first_new or row.number, row.number)
      model = models.from_row(model, row)
    end
  end
  if fields.number then
    model = models.proposed(model, fields.number, fields)
  else
    model = models.ended(model, fields.reason)
  end
  s.rows = nil
  steps.step(tab, ("%s %s"):format(name, label),
    { { s = s, model = model, forward = forward, back = first_new and { { "undo", first_new } } or {} } })
  steps.present(ctx, tab, s)
end

local function now(ctx, tab, s, fields)
  s.budget = fields.budget
  s.awaiting, s.asked_at = fields.accept_valid == UNKNOWN, ctx.now
  s.remaining = fields.remaining
  if s.phase == "searching" then
    if fields.reason == "cancelled" or s.cancelling then
      if fields.number then ctx.link:command("discard", { session = s.id, op = ctx.new_id() }) end   -- it was ready already
      ctx.drop(tab, s)
      status.say(("%s: search cancelled"):format(s.model.label), true)
    else
      first(ctx, tab, s, fields)
      s.next = following(fields)
    end
    return
  end
  if s.phase ~= "open" then return end
  local model, number = s.model, fields.number

  if s.rest and s.rest.accepting then
    if s.rows and s.rows.complete then
      local above = s.rest.above
      s.rest, s.clear = nil, nil
      adopt_rows(ctx, tab, s, "Accept all", fields, { { "accept_rest", above } })
      s.next = following(fields)
    else
      ctx.link:command("resume", { session = s.id })         -- the rows were lost with an earlier daemon
    end
  elseif s.pending then
    if number == s.pending.number then return end             -- not the reply to it yet
    local pending = s.pending
    s.pending = nil
    answers.apply(ctx, tab, s, pending.verdict, pending.start_s, pending.end_s, number and fields or nil, fields.reason)
    s.next = following(fields)
  elseif s:absent() then
    return
  elseif number and number == model.current then
    s.next, s.resyncing, s.resyncs = following(fields), nil, 0
    local one = model.candidates[number]
    if math.abs(one.proposed_start_s - fields.start_s) > models.TOLERANCE_S
      or math.abs(one.proposed_end_s - fields.end_s) > models.TOLERANCE_S then
      s:amend(models.proposed(model, number, fields))
      if model.hidden then s:amend(models.hidden(s.model)) end
      for guid, mark in pairs(s:step().marks) do
        if mark.number == number then project.move(tab.proj, guid, fields.start_s, fields.end_s) end
      end
      steps.store(tab)
      steps.present(ctx, tab, s)
    end
    if s.continuing then steps.describe(ctx, s) end
  elseif number and not model.current and not model.candidates[number] and (model.over ~= "finished" or s.continuing) then
    local opened = model.over == "finished"                     -- then its undo finishes again
    steps.step(tab, (s.continuing and "Continue with " or "Next candidate ") .. steps.named(s, number),
      { { s = s, model = models.proposed(model, number, fields), forward = opened and { { "more", 0 } } or {},
        back = opened and { { "finish" } } or {} } })
    s.next = following(fields)
    steps.present(ctx, tab, s)
  elseif fields.reason and not model.current then
    if model.over ~= fields.reason then
      s:amend(models.ended(model, fields.reason))
      steps.store(tab)
      steps.describe(ctx, s, true)
    end
  elseif s.resyncing and s.rows and s.rows.complete then
    s.resyncing = nil
    local behind = number and number < (model.current or 0) and model.candidates[number] ~= nil
    if behind and s.resyncs < RESYNCS then
      steps.send(ctx, s, models.again(model, number))           -- the project is the truth: the daemon hears it again
    else
      if behind then s.model = models.undone(model, number) end   -- it could not be told: then it is right
      adopt_rows(ctx, tab, s, "Update", fields, {})
      s.next = following(fields)
    end
  elseif ctx.link:idle() and not s.resyncing and s.resyncs < RESYNCS then
    s.resyncing, s.resyncs = true, s.resyncs + 1                -- drifted apart: ask for everything
    ctx.link:command("resume", { session = s.id })
  end
  s.continuing = nil
end

---`candidate` (with fields.number) or `done` (with fields.reason): what the session is at now.
function news.now(ctx, tab, s, fields)
  now(ctx, tab, s, fields)
  if s.rows and s.rows.complete then s.rows = nil end           -- they belong to this event and to no later one
  if tab.active == s then steps.refresh(ctx, s) end             -- how many are left; or progress of work that is done now
end

---Something the user should know; that a search is probably over is said beside the candidate.
function news.note(ctx, s, fields)
  if fields.code == "probably-done" and s.model.current then
    s.hint = s.model.current
    steps.describe(ctx, s, true)
  else
    if fields.code == "rest-clear" then s.clear = true end
    status.say(("%s: %s"):format(s.model.label, fields.text), true)
  end
end

function news.row(s, fields)
  if not s.rows or s.rows.complete then s.rows = {} end
  s.rows[#s.rows + 1] = fields
end

function news.rows_end(s) s.rows = s.rows or {} s.rows.complete = true end

function news.rest_row(s, fields)
  if s.rest then s.rest.rows[#s.rest.rows + 1] = fields end
end

---The list is whole: the user decides.
function news.rest_end(ctx, s, fields)
  local rest = s.rest
  if not rest or rest.accepting then return end
  if #rest.rows == 0 then
    s.rest = nil
    status.say(("%s: nothing at or above %.0f %%"):format(s.model.label, 100 * rest.above), true)
    return
  end
  local lines = {}
  for index, row in ipairs(rest.rows) do
    if index > 25 then
      lines[#lines + 1] = ("... and %d more"):format(#rest.rows - 25)
      break
    end
    lines[#lines + 1] = ("%s   %.0f %%"):format(status.time(row.start_s), 100 * row.probability)
  end
  local all = #rest.rows == 1 and "the only one" or ("all %d"):format(#rest.rows)
  local text = ("Accept %s at or above %.0f %%?\n\n%s"):format(all, 100 * rest.above, table.concat(lines, "\n"))
  local unclear = fields.clear == 0
  if unclear then
    text = text .. "\n\nIt is not clear yet where they end.\nYes accepts these; No asks you about the place that tells most."
  end
  local said = reaper.MB(text, "ReaTrieve: " .. s.model.label, unclear and 3 or 4)
  if said == 6 then
    rest.accepting = true
    s.rows = nil
    steps.send(ctx, s, { { "accept_rest", rest.above } })
  elseif said == 7 and unclear then
    s.rest, s.clear = nil, nil
    s.awaiting, s.asked_at, s.next = true, ctx.now, nil
    ctx.link:command("decide", { session = s.id })
    status.say(("%s: looking for the place that tells most"):format(s.model.label), true)
  else
    s.rest = nil
    steps.describe(ctx, s)
  end
end

---A command failed and changed nothing.
function news.failed(ctx, tab, s, fields)
  s.awaiting, s.asked_at = false, nil
  status.say(fields.text, true)
  if s.phase == "searching" then
    ctx.drop(tab, s)
  elseif fields.code == "unknown-session" then
    s.phase = "lost"
  else
    s.rest = nil
    if s.pending then
      s.pending = nil                                          -- the region still stands as a candidate
      ctx.link:command("resume", { session = s.id })
    end
  end
end

---To be called in each tick for each session: verbs that wait, and a reply that never came.
function news.tick(ctx, tab, s)
  if s.inbox[1] then answers.turn(ctx, tab, s) end
  if s.phase == "open" and s.model.current and not s.next and not s.awaiting and not s.pending and not s.rest
    and ctx.link.state == "up" and ctx.now - (s.fetched_at or -math.huge) > ASK_S then
    s.awaiting, s.asked_at, s.fetched_at = true, ctx.now, ctx.now  -- the next ones are not known: ask
    ctx.link:command("resume", { session = s.id })
  elseif s.phase == "open" and s.awaiting and ctx.link.state == "up" and ctx.link:quiet() and ctx.now - s.asked_at > RESYNC_S then
    s.asked_at = ctx.now
    ctx.link:command("resume", { session = s.id })
  end
end

return news
