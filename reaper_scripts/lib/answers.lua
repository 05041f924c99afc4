--- The user's verbs on a session: accept, reject, skip, undo, continue, finish, and what changes several sessions at once.

local audition = require("audition")
local models = require("models")
local project = require("project")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local watching = require("watching")

local answers = {}

local REST_ABOVE = 0.6       -- from where "accept the rest" takes places once it is clear where they end
local VERDICTS = { accept = "Accept", reject = "Reject", skip = "Skip" }

---@param following { number: integer, start_s: number, end_s: number, probability: number }?
function answers.apply(ctx, tab, s, verdict, start_s, end_s, following, over)
  local number = s.model.current
  local model = models.answered(s.model, verdict, start_s, end_s)
  if following then model = models.proposed(model, following.number, following) end
  if over then model = models.ended(model, over) end
  audition.stop()
  steps.step(tab, VERDICTS[verdict] .. " " .. steps.named(s, number), {
    { s = s, model = model, forward = { { "answer", number, verdict, start_s, end_s } }, back = { { "undo", number } } },
  })
  if following or over then steps.present(ctx, tab, s) else steps.describe(ctx, s, true) end
end

---@return boolean done false = it must wait
local function answer(ctx, tab, s, verdict)
  local start_s, end_s = steps.edges(tab, s)
  local one = s.model.candidates[s.model.current]
  if not start_s then
    steps.show(ctx, tab, s)
    return true
  end
  if s.pending or not s.next then
    status.say(ctx.link.problem and ("your answer is kept: " .. ctx.link.problem) or "computing the next candidate")
    return false
  end
  local touched = math.abs(start_s - one.start_s) > models.TOLERANCE_S or math.abs(end_s - one.end_s) > models.TOLERANCE_S
  if not touched then start_s, end_s = one.start_s, one.end_s end
  local following = s.next[verdict]
  steps.send(ctx, s, { { "answer", one.number, verdict, start_s, end_s } })
  if touched then
    -- Other edges, another next candidate: the daemon's reply lands in the same undo step as the answer.
    s.pending = { verdict = verdict, number = one.number, start_s = start_s, end_s = end_s }
    status.say("computing the next candidate with the new edges")
  else
    answers.apply(ctx, tab, s, verdict, start_s, end_s, following)
  end
  return true
end

---Whether a step holds answers (and not only a rename, say).
local function answers_in(step)
  for _, command in ipairs(step.forward) do
    if command[1] == "answer" or command[1] == "accept_rest" then return true end
  end
  return false
end

---Take back the last answer: by REAPER's own undo where that is its last step, else by a new step.
local function undo(ctx, tab, s)
  if s.pending then return false end
  local step = s:step()
  if answers_in(step) and step.undo and project.last_undo(tab.proj) == step.undo then
    audition.stop()
    project.undo(tab.proj)
    watching.look(ctx, tab, true)
    return true
  end
  local number
  for index = s.at, 1, -1 do
    local back = answers_in(s.history[index]) and s.history[index].back[1]
    local candidate = back and s.model.candidates[back[2]]
    if candidate and candidate.state ~= "candidate" then
      number = back[2]
      break
    end
  end
  if not number then
    for key, one in pairs(s.model.candidates) do
      if key > 0 and one.state ~= "candidate" and key > (number or 0) then number = key end
    end
  end
  if not number then
    status.say("no answer to take back", true)
    return true
  end
  local again = models.again(s.model, number)
  audition.stop()
  steps.step(tab, "Take back " .. steps.named(s, number), {
    { s = s, model = models.undone(s.model, number), forward = { { "undo", number } }, back = again },
  })
  steps.send(ctx, s, { { "undo", number } })
  steps.present(ctx, tab, s)
  return true
end

local function go_on(ctx, tab, s)
  local model = s.model
  if model.current and model.hidden then
    steps.show(ctx, tab, s)
    return true
  end
  if not model.current and not model.over then
    if not s.awaiting then steps.fetch(ctx, s) end
    return true
  end
  local extra = settings.get("more")
  s.continuing = true
  steps.send(ctx, s, { { "more", extra } })
  s.budget = s.budget + extra
  steps.describe(ctx, s, true)
  return true
end

local function finish(ctx, tab, s)
  local model = s.model
  if model.over == "finished" then
    steps.describe(ctx, s, true)
    return true
  end
  if s.pending then return false end
  audition.stop()
  local ended = models.swept(models.ended(model, "finished"))
  if models.alike(model, ended, settings.get("keep_rejected")) then
    s:amend(ended)                              -- a step without a change could not be told from the one before: none is made
    steps.store(tab)
  else
    steps.step(tab, "Finish " .. model.label, { { s = s, model = ended, forward = { { "finish" } }, back = { { "more", 0 } } } })
  end
  steps.send(ctx, s, { { "finish" } })
  steps.describe(ctx, s, true)
  return true
end

---Ask what "accept all at or above this score" would take; the list is shown when it has come.
local function accept_rest(ctx, _, s)
  if s.rest then return false end
  if s.pending or not s.next then return false end
  local above = s.model.candidates[s.model.current].probability
  if s.clear then above = math.min(above, REST_ABOVE) end      -- it was asked where they end
  s.rest = { above = above, rows = {} }
  ctx.link:command("rest", { session = s.id, above = above })
  status.say(("%s: collecting everything at or above %.0f %%"):format(s.model.label, 100 * above))
  return true
end

---@param verb string
---@return boolean done
local function handle(ctx, tab, s, verb)
  local model = s.model
  if s.phase == "searching" then
    if verb == "finish" then
      ctx.link:command("cancel", { session = s.id })
      s.cancelling = true
      status.say(("%s: cancelling the search"):format(model.label), true)
    else
      status.say(("%s: still searching; Finish cancels"):format(model.label), true)
    end
    return true
  end
  if s.phase ~= "open" then
    if s.phase == "stored" and not ctx.link.problem then return false end
    status.say(s.phase == "lost" and ("the daemon has no journal of %s; its regions stay as they are: run Find to search on")
      :format(model.label) or ctx.link.problem, true)
    return true
  end
  if s.rest then return false end
  if verb == "undo" then return undo(ctx, tab, s) end
  if verb == "continue" then return go_on(ctx, tab, s) end
  if verb == "finish" then return finish(ctx, tab, s) end
  if not model.current then
    if s.awaiting and not model.over then return false end
    if model.over then steps.describe(ctx, s, true) else steps.fetch(ctx, s) end
    return true
  end
  if model.hidden then
    steps.show(ctx, tab, s)
    return true
  end
  if verb == "accept_rest" then return accept_rest(ctx, tab, s) end
  return answer(ctx, tab, s, verb)
end

---A verb for a session: at once, or when its turn comes.
function answers.verb(ctx, tab, s, verb)
  local last = s.inbox[#s.inbox]
  if verb == "undo" and last and VERDICTS[last] then
    s.inbox[#s.inbox] = nil                       -- an answer that was not given yet
    status.say("the answer that waited is taken back", true)
    return
  end
  s.inbox[#s.inbox + 1] = verb
  answers.turn(ctx, tab, s)
end

---The verbs that wait, as far as they can be handled now.
function answers.turn(ctx, tab, s)
  while s.inbox[1] do
    local verb = table.remove(s.inbox, 1)
    if not handle(ctx, tab, s, verb) then
      table.insert(s.inbox, 1, verb)
      return
    end
  end
end

-- Several sounds ---------------------------------------------------------------------------------------------------------

---Make a session the active one of its tab, in one undo step with the pausing of the other.
function answers.activate(ctx, tab, s)
  local old = tab.active
  if old == s and not s.model.hidden then
    steps.present(ctx, tab, s)
    return
  end
  local parts = {}
  if old and old ~= s and old.model.current and not old.model.hidden then
    parts[#parts + 1] = { s = old, model = models.hidden(old.model) }
  end
  if s.model.current and s.model.hidden then parts[#parts + 1] = { s = s, model = models.shown(s.model) } end
  tab.active = s
  if #parts > 0 then steps.step(tab, "Go to " .. s.model.label, parts) else steps.store(tab) end
  steps.present(ctx, tab, s)
end

---Remove whatever is not accepted, of all sounds of the tab.
function answers.clear(tab)
  local parts = {}
  for _, s in ipairs(tab.sessions) do
    if not s:absent() and s.phase ~= "searching" and not s.pending then parts[#parts + 1] = { s = s, model = models.swept(s.model) } end
  end
  if #parts == 0 then
    status.say("nothing to clear", true)
    return
  end
  audition.stop()
  steps.step(tab, "Clear everything not accepted", parts)
  status.say("everything not accepted is cleared; Continue goes on with the search", true)
end

---@param label string
function answers.rename(ctx, tab, s, label)
  local old = s.model.label
  steps.step(tab, ("Rename %s to %s"):format(old, label), { { s = s, model = models.renamed(s.model, label),
    forward = { { "rename", label } }, back = { { "rename", old } } } })
  steps.send(ctx, s, { { "rename", label } })
  steps.describe(ctx, s, true)
end

return answers
