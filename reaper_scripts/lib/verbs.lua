-- @noindex
--- What the user can ask for: one function for each action, by the verb that its script posts. Answers and what else leads a
-- search wait for their turn, so nothing pressed too early is lost.

local audition = require("audition")
local earlier = require("earlier")
local edges = require("edges")
local export = require("export")
local finder = require("finder")
local models = require("models")
local project = require("project")
local project_changes = require("project_changes")
local restore = require("restore")
local selftest = require("selftest")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local sync_markers = require("sync_markers")
local toggles = require("toggles")
local track = require("track")
local track_changes = require("track_changes")
local window = require("window")

local verbs = {}

local REST_ABOVE = 0.6       -- from where "accept the rest" takes places once it is clear where they end
local ANSWERS = { accept = "Accept", reject = "Reject", skip = "Skip" }

-- Verbs of the tab's session, in their turn: each returns whether it is done; false = it must wait. ----------------------

---@type table<string, fun(ctx: table, tab: Tab, s: Session): boolean>
local of_session = {}

---Answer the open candidate.
---@param following { number: integer, start_s: number, end_s: number, probability: number }? the next one
---@param over string? why there is none
function verbs.apply(ctx, tab, s, verdict, start_s, end_s, following, over)
  local number = s.model.current
  local model = models.answered(s.model, verdict, start_s, end_s)
  if following then model = models.proposed(model, following.number, following) end
  if tab.active == s then audition.stop_in(tab.proj) else model = models.hidden(model) end      -- left meanwhile for another sound
  if over then model = models.ended(model, over) end
  steps.step(tab, ANSWERS[verdict] .. " " .. steps.named(s, number), { { s = s, model = model } })
  if following or over then steps.present(ctx, tab, s) else steps.describe(ctx, s, true) end
end

---What needs an open candidate that stands in the project: brings it first where there is none.
---@return boolean? done nil = it stands
local function bring_candidate(ctx, tab, s)
  local model = s.model
  if not model.current then
    if s.awaited_since and not model.over then return false end
    if model.over then steps.describe(ctx, s, true) else steps.fetch(ctx, s) end
    return true
  end
  if model.hidden then
    steps.show(ctx, tab, s)
    return true
  end
end

---Why a place cannot be taken as it stands while the track is another than was searched.
---@return string
local function outdated(s)
  return ("%s: its items have changed since the search: run Find again, which keeps the answers"):format(s.model.label)
end

---Another answer for the place that the user looks at again.
local function change_answer(ctx, tab, s, verdict)
  if s.state == "answering" then return false end
  local number = s.reviewed
  local one = s.model.candidates[number]
  local changes = verdict ~= "skip" and verdict ~= models.verdict(one.state)
  local problem = changes and (s.outdated and outdated(s)
    or verdict == "accept" and edges.shared(s.model, number, models.sound(one)))
  if problem then
    status.say(problem, true, true)
    return true
  end
  s:review(nil)
  audition.stop_in(tab.proj)
  if changes then
    local model = models.reanswered(s.model, number, verdict, s.budget)
    if models.alike(s.model, model, settings.get("keep_rejected")) then
      -- As in "finish": such a step could not be told from the one before.
      if model.over == s.model.over then                              -- what spends or frees the budget is of this step alone
        s:restate(number, verdict)
        model = models.reanswered(s.model, number, verdict, s.budget)
      end
      steps.amend(tab, s, model)
    else
      steps.step(tab, ("%s %s after all"):format(ANSWERS[verdict], steps.named(s, number)), { { s = s, model = model } })
    end
    steps.send(ctx, s, { { "reanswer", number, verdict, models.daemon_span(one) } })
  end
  steps.present(ctx, tab, s)
  return true
end

local function answer(ctx, tab, s, verdict)
  if s.reviewed then return change_answer(ctx, tab, s, verdict) end
  local brought = bring_candidate(ctx, tab, s)
  if brought ~= nil then return brought end
  local start_s, end_s = steps.edges(tab, s)
  local one = s.model.candidates[s.model.current]
  if not start_s then
    steps.show(ctx, tab, s)
    return true
  end
  local moved = not models.same_place({ start_s = start_s, end_s = end_s }, one)
  if moved then
    local first_s, last_s = track.extent(s.media_track)
    local problem = edges.problem(s.model, start_s, end_s, first_s, last_s)
    if problem and verdict == "accept" then
      status.say(s.outdated and outdated(s) or problem, true, true)
      return true
    end
    moved = problem == nil                       -- elsewhere: what was proposed is what is rejected or skipped
  end
  if s.state == "answering" or not s.lookahead or moved and s.state == "resyncing" then
    status.say(ctx.link.problem and ("your answer is kept: " .. ctx.link.problem) or "computing the next candidate")
    return false
  end
  if not moved then start_s, end_s = one.start_s, one.end_s end
  local following = s.lookahead[verdict]
  steps.send(ctx, s, { { "answer", one.number, verdict, models.daemon_span { start_s = start_s, end_s = end_s, carried = one.carried } } })
  if moved then
    -- Other edges, another next candidate: the daemon's reply lands in the same undo step as the answer.
    s:await_what_follows { verdict = verdict, number = one.number, start_s = start_s, end_s = end_s }
    status.say("computing the next candidate with the new edges")
  else
    verbs.apply(ctx, tab, s, verdict, start_s, end_s, following)
  end
  return true
end

for verdict in pairs(ANSWERS) do
  of_session[verdict] = function(ctx, tab, s) return answer(ctx, tab, s, verdict) end
end

---Ask what "accept all at or above this score" would take; the list is shown when it has come.
function of_session.accept_rest(ctx, tab, s)
  local brought = bring_candidate(ctx, tab, s)
  if brought ~= nil then return brought end
  if s.state == "answering" or s.state == "resyncing" or not s.lookahead then return false end
  local above = s.model.candidates[s.model.current].probability
  if s.rest_clear then above = math.min(above, REST_ABOVE) end      -- it was asked where they end
  s:await_list(above)
  ctx.link:command("rest", { session = s.id, above = above })
  status.say(("%s: collecting everything at or above %.0f %%"):format(s.model.label, 100 * above))
  return true
end

---The last answer that stands: that of the last step that has one, else the one with the highest number.
local function last_answer(s)
  for index = s.history.at, 1, -1 do
    local number = s.history:answer_of(index)
    local candidate = number and s.model.candidates[number]
    if candidate and candidate.state ~= "candidate" then return number end
  end
  return models.answered_before(s.model)
end

---Take back the last answer: by REAPER's own undo where that is its last step, else by a new step.
function of_session.undo(ctx, tab, s)
  if s.state == "answering" then return false end
  local step = s:step()
  if s.history:answer_of(s.history.at) and step.undo and project.last_undo(tab.proj) == step.undo then
    audition.stop_in(tab.proj)
    project.undo(tab.proj)
    project_changes.look(ctx, tab, true)
    return true
  end
  local number = last_answer(s)
  if not number then
    status.say("no answer to take back", true)
    return true
  end
  audition.stop_in(tab.proj)
  steps.step(tab, "Take back " .. steps.named(s, number), { { s = s, model = models.undone(s.model, number) } })
  steps.send(ctx, s, { { "undo", number } })
  steps.present(ctx, tab, s)
  return true
end

---Look at the answer before again: the last one, then the one before it.
function of_session.previous(ctx, tab, s)
  if s.state == "answering" then return false end
  local number = models.answered_before(s.model, s.reviewed)
  if number then
    steps.review(ctx, tab, s, number)
    return true
  end
  local none = s.reviewed == nil
  s:review(nil)
  if none then status.say("no answer to look at again", true) else steps.present(ctx, tab, s) end
  return true
end

---Ask about the place that the user points at next, in place of the open candidate.
local function ask(ctx, tab, s, time_s)
  if s.state ~= "ready" and s.state ~= "continuing" then return false end
  if s.model.over then
    steps.describe(ctx, s, true)
    return true
  end
  if s.model.current and s.model.hidden then steps.show(ctx, tab, s) end
  audition.stop_in(tab.proj)
  s:await_question(steps.send(ctx, s, { { "ask", time_s } }))
  status.say(("%s: asking about %s next"):format(s.model.label, status.time(time_s)), true)
  return true
end

---Move one edge of the candidate.
---@param edge "start"|"end"
---@param by integer steps of the setting, later
local function nudge(ctx, tab, s, edge, by)
  local brought = bring_candidate(ctx, tab, s)
  if brought ~= nil then return brought end
  local start_s, end_s, guid = steps.edges(tab, s)
  if not guid then
    steps.show(ctx, tab, s)
    return true
  end
  local by_s = by * settings.get("nudge_edges_ms") / 1000
  if edge == "start" then start_s = math.max(0, start_s + by_s) else end_s = end_s + by_s end
  if end_s - start_s < 0.001 then
    status.say("the candidate would have no length: move its other edge", true)
    return true
  end
  local name, heard = steps.named(s, s.model.current), audition.project() == tab.proj
  local resume_s = heard and audition.resume_s() or nil
  audition.stop_in(tab.proj)
  project.undoable(tab.proj, ("Move the %s of %s"):format(edge, name), function() project.move(tab.proj, guid, start_s, end_s) end)
  status.say(("%s: %s to %s"):format(name, status.time(start_s), status.time(end_s)), true)
  if heard then steps.play(tab, s, resume_s) end            -- with its new edges
  return true
end

function of_session.start_earlier(ctx, tab, s) return nudge(ctx, tab, s, "start", -1) end

function of_session.start_later(ctx, tab, s) return nudge(ctx, tab, s, "start", 1) end

function of_session.end_earlier(ctx, tab, s) return nudge(ctx, tab, s, "end", -1) end

function of_session.end_later(ctx, tab, s) return nudge(ctx, tab, s, "end", 1) end

of_session["continue"] = function(ctx, tab, s)
  local model = s.model
  if model.current and model.hidden then
    steps.show(ctx, tab, s)
    return true
  end
  if not model.current and not model.over then
    if not s.awaited_since then steps.fetch(ctx, s) end
    return true
  end
  local extra = settings.get("more")
  steps.send(ctx, s, { { "more", extra } })
  s:await_more(extra)
  steps.describe(ctx, s, true)
  return true
end

function of_session.finish(ctx, tab, s)
  local model = s.model
  if model.over == "finished" and s.state ~= "continuing" then
    steps.describe(ctx, s, true)
    return true
  end
  if s.state == "answering" then return false end
  if s.state == "continuing" or s.state == "asking" then s:finish_waiting() end      -- what it would bring is not wanted any more
  audition.stop_in(tab.proj)
  local ended = models.cleared(models.ended(model, "finished"))
  if models.alike(model, ended, settings.get("keep_rejected")) then
    steps.amend(tab, s, ended)
  else
    steps.step(tab, "Finish " .. model.label, { { s = s, model = ended } })
  end
  steps.send(ctx, s, { { "finish" } })
  steps.describe(ctx, s, true)
  return true
end

---A verb while the first candidate is awaited: only "finish" means something.
local function while_searching(ctx, tab, s, verb)
  if verb ~= "finish" then
    status.say(("%s: still searching; Finish cancels"):format(s.model.label), true)
  elseif s.state == "reading" then
    ctx.drop(tab, s)
    status.say(("%s: search cancelled"):format(s.model.label), true)
  else
    ctx.link:command("cancel", { session = s.id })
    s:cancel()
    status.say(("%s: cancelling the search"):format(s.model.label), true)
  end
  return true
end

---A verb while another question is awaited: what stands there still is asked about no more.
local function while_asking(ctx, tab, s, verb)
  if verb == "finish" then
    of_session.finish(ctx, tab, s)
    return true
  end
  if not ANSWERS[verb] then return false end
  status.say(("%s: %s"):format(s.model.label, ctx.link.problem
    and "the next place is not proposed yet: " .. ctx.link.problem
    or "the next place is on its way: answer when its region is shown"), true)
  return true
end

---A verb while the daemon does not have the session.
local function while_closed(ctx, tab, s)
  if s.state == "lost" then
    steps.tell_lost(s, true)
  elseif ctx.link.problem then
    status.say(ctx.link.problem, true)
  elseif restore.ask_again(ctx, tab, s) then
    status.say(("%s: decide first about the answers that this project does not have"):format(s.model.label), true)
  else
    return false
  end
  return true
end

---A verb while the list of the rest is awaited, or what became of it: "finish" stops that, all others wait.
local function while_collecting(ctx, _, s, verb)
  if verb ~= "finish" or not s:stop_collecting() then return false end
  ctx.link:command("cancel", { session = s.id })               -- keys wait until the daemon says whether it was in time
  status.say(("%s: no longer collecting; Finish ends the search"):format(s.model.label), true)
  return true
end

---A verb while the answers that were given elsewhere are awaited: it waits, and is dropped if they change anything.
local function while_behind() return false end

-- What a verb meets in each state; in all others it is carried out.
local BY_STATE = {
  reading = while_searching, searching = while_searching, cancelling = while_searching,
  stored = while_closed, resuming = while_closed, lost = while_closed,
  listing = while_collecting, accepting = while_collecting, asking = while_asking, behind = while_behind,
}

-- What may be pressed while an answer is looked at again.
local KEEPS_REVIEW = { accept = true, reject = true, skip = true, previous = true }

---The verbs that wait, as far as they can be carried out now.
function verbs.carry_out(ctx, tab, s)
  for verb in s.take_verb, s do
    local place_s = tonumber(verb:match("^ask (%S+)$"))
    local handle = BY_STATE[s.state] or (place_s and function() return ask(ctx, tab, s, place_s) end) or of_session[verb]
    if s.reviewed and not KEEPS_REVIEW[verb] then
      audition.stop_in(tab.proj)
      s:review(nil)
    end
    if not handle(ctx, tab, s, verb) then
      s:put_back_verb(verb)
      return
    end
  end
end

---A verb for a session: at once, or when its turn comes.
function verbs.give(ctx, tab, s, verb)
  local last = s.verbs[#s.verbs]
  if verb == "undo" and last and ANSWERS[last] then
    s:drop_last_verb()                            -- an answer that was not given yet
    status.say("the queued answer is taken back", true)
    return
  end
  s:queue_verb(verb)
  verbs.carry_out(ctx, tab, s)
end

-- Verbs of the tab -------------------------------------------------------------------------------------------------------

---@type table<string, fun(ctx: table, tab: Tab)>
local of_tab = {}

function of_tab.convert(ctx, tab)
  track_changes.offer(tab)
  sync_markers.convert(ctx, tab)
end

function of_tab.export(ctx, tab)
  track_changes.offer(tab)
  export.ask(ctx, tab)
end

---Search for the time selection, or go on with the sound that was searched from there.
function of_tab.find(ctx, tab)
  finder.find(ctx, tab, function(s)
    verbs.activate(ctx, tab, s)
    if s.model.over then verbs.give(ctx, tab, s, "continue") end
  end)
end

function of_tab.settings() window.settings() end

function of_tab.window() window.toggle() end

local SWITCHED = { loop = "playing in a loop", solo = "solo while playing", audition = "playing new candidates",
  lead_in = "lead-in before playing" }

local function switch(verb) status.say(("%s: %s"):format(SWITCHED[verb], toggles.switch(verb) and "on" or "off"), true) end

function of_tab.loop() switch("loop") end

function of_tab.solo() switch("solo") end

function of_tab.audition() switch("audition") end

function of_tab.lead_in() switch("lead_in") end

function of_tab.selftest(ctx, tab)
  ctx.start(tab, selftest.job(ctx.version, function(text) status.say(text, true) end), function(message)
    status.say("self-test: " .. message, true)
  end)
end

---Make a session the active one of its tab, in one undo step with the pausing of the other.
function verbs.activate(ctx, tab, s)
  local old = tab.active
  if old then old:review(nil) end
  audition.stop_in(tab.proj)
  if old == s and not s.model.hidden then
    steps.present(ctx, tab, s)
    return
  end
  local parts = { steps.paused_part(tab, s) }
  if s.model.current and s.model.hidden then parts[#parts + 1] = { s = s, model = models.shown(s.model) } end
  tab.active = s
  if #parts > 0 then steps.step(tab, "Go to " .. s.model.label, parts) else steps.store(tab) end
  steps.present(ctx, tab, s)
end

of_tab["next"] = function(ctx, tab)
  local usable = {}
  local at = 0
  for _, s in ipairs(tab.sessions) do
    if not s:absent() then
      usable[#usable + 1] = s
      if s == tab.active then at = #usable end
    end
  end
  if #usable < 2 then
    status.say("there is no other sound in this project", true)
    return
  end
  verbs.activate(ctx, tab, usable[at % #usable + 1])
end

---Remove whatever is not accepted, of all sounds of the tab.
function of_tab.clear(_, tab)
  local parts, found = {}, false
  for _, s in ipairs(tab.sessions) do
    s:review(nil)
    if not s:absent() and s.state ~= "answering" then
      local model = models.cleared(s.model)
      found = true
      if models.alike(s.model, model, settings.get("keep_rejected")) then
        s:amend(model)
      else
        parts[#parts + 1] = { s = s, model = model }
      end
    end
  end
  if not found then
    status.say("nothing to clear", true)
    return
  end
  if #parts > 0 then steps.step(tab, "Clear everything not accepted", parts) else steps.store(tab) end
  status.say("everything not accepted is cleared; Continue goes on with the search", true)
end

function of_tab.rename(ctx, tab)
  local s = tab.active
  if not s or s:absent() then
    status.say("nothing to rename: run Find first", true)
    return
  end
  if earlier.is_searched_again(tab, s) then
    status.say(("%s is being searched again: rename it when its first candidate is there"):format(s.model.label), true)
    return
  end
  local old = s.model.label
  local answers = settings.ask("Rename sound", { "Name" }, { old })
  local label = answers and models.label(answers[1]) or ""
  if label == "" or label == old then
    status.say("name unchanged")
    return
  end
  steps.learn_names(s, project.read(tab.proj, s.history.known))
  steps.step(tab, ("Rename %s to %s"):format(old, label), { { s = s, model = models.renamed(s.model, label) } })
  steps.send(ctx, s, { { "rename", label } })
  steps.describe(ctx, s, true)
end

---Play the candidate, or stop it.
function of_session.play(ctx, tab, s)
  if audition.playing() then
    audition.finish()
    steps.describe(ctx, s)
    return true
  end
  if s.model.current and s.model.hidden then steps.show(ctx, tab, s) end
  steps.play(tab, s)
  return true
end

local AT_ONCE = { play = true }      -- of a session, but in no state must it wait

local function run(ctx, tab, verb)
  if of_tab[verb] then return of_tab[verb](ctx, tab) end
  local owner, chosen = ctx.owner(verb:match("^sound (.+)$") or "")        -- a sound clicked in the window
  if owner == tab and chosen then return verbs.activate(ctx, tab, chosen) end
  local s = tab.searching or tab.active
  if verb == "play" and audition.playing() and audition.project() ~= tab.proj then
    audition.finish()                               -- in another tab
    return status.say("stopped playing in another project tab")
  end
  if tab.preparing then
    status.say("still reading the track", true)
  elseif not s or s:absent() and not s:is_searching() then
    if not s and restore.tell_elsewhere(tab) then return end
    status.say("no search is open in this project: make a time selection and run Find sounds like the time selection", true)
  elseif AT_ONCE[verb] then
    of_session[verb](ctx, tab, s)
  elseif of_session[verb] or verb:match("^ask ") then
    verbs.give(ctx, tab, s, verb)
  else
    error("no such verb: " .. verb, 0)
  end
end

---What an action asks for, in the active tab.
---@param verb string
function verbs.run(ctx, verb)
  local tab = ctx.active_tab
  if not tab then return end
  steps.asked(ctx, tab)
  run(ctx, tab, verb)
  steps.asked(ctx, tab)
end

---Whether there is such a verb.
---@param verb string
---@return boolean
function verbs.known(verb) return (of_tab[verb] or of_session[verb]) ~= nil end

return verbs
