local models = require("models")
local session = require("session")

local function span(start_s) return { start_s = start_s, end_s = start_s + 1, probability = 0.5 } end

local ALL = { "reading", "searching", "cancelling", "stored", "resuming", "ready", "answering", "continuing", "listing", "accepting",
  "resyncing", "lost" }

---A session in a state, by the transitions that lead there.
local function in_state(state)
  if state == "stored" or state == "resuming" then
    local s = session.stored { id = "ID", track = "{T}", colour = 1, history = require("history").new(models.empty("Riser")) }
    if state == "resuming" then s:resume() end
    return s
  end
  local s = session.new("ID", "{T}", 1, "Riser", { start_s = 1, end_s = 2 })
  if state == "reading" then return s end
  s:search_sent { items = {} }
  if state == "searching" then return s end
  if state == "cancelling" then s:cancel() return s end
  s:open()
  local model = models.proposed(models.with_example(s.model, span(1)), 1, span(2))
  s:push { marks = {}, model = model }
  if state == "answering" then s:await_what_follows { verdict = "accept", number = 1, start_s = 2, end_s = 3 } end
  if state == "continuing" then s:await_more(10) end
  if state == "listing" or state == "accepting" then s:await_list(0.5) end
  if state == "accepting" then s:await_rest() end
  if state == "resyncing" then s:resync() end
  if state == "lost" then s:lose() end
  return s
end

-- Every transition, with the states that it is possible in.
local FROM = {
  [function(s) s:search_sent { items = {} } end] = "reading",
  [function(s) s:render_again() end] = "searching",
  [function(s) s:cancel() end] = "searching cancelling",
  [function(s) s:open() end] = "reading searching",
  [function(s) s:resume() end] = "stored resuming",
  [function(s) s:confirm { budget = 10 } end] = "resuming",
  [function(s) s:lose() end] = "stored resuming ready answering continuing listing accepting resyncing lost",
  [function(s) s:await_what_follows { verdict = "accept", number = 1, start_s = 2, end_s = 3 } end] = "ready continuing",
  [function(s) s:await_more(10) end] = "ready continuing answering",
  [function(s) s:await_list(0.5) end] = "ready continuing",
  [function(s) s:await_rest() end] = "listing",
  [function(s) s:resync() end] = "ready continuing",
  [function(s) s:finish_waiting() end] = "ready answering continuing listing accepting resyncing",
}

return {
  { "every state is reached and whole", function()
    for _, state in ipairs(ALL) do
      local s = in_state(state)
      same(s.state, state)
      s:check()
    end
  end },
  { "a transition is possible in its states, leaves a whole session, and is an error elsewhere", function()
    for transition, from in pairs(FROM) do
      for _, state in ipairs(ALL) do
        local s = in_state(state)
        if (" " .. from .. " "):find(" " .. state .. " ", 1, true) then
          transition(s)
          s:check()
        else
          fails("Riser: [a-z_]+ is not possible while " .. state, transition, s)
          same(s.state, state)
          s:check()
        end
      end
    end
  end },
  { "the end of a wait clears everything at once", function()
    for _, state in ipairs { "answering", "continuing", "listing", "accepting", "resyncing" } do
      local s = in_state(state)
      s:finish_waiting()
      same({ s.state, s.answer, s.rest, s.search }, { "ready" })
    end
  end },
  { "fields are written by the session alone, and only those it has", function()
    local s = in_state("ready")
    fails("session.state is written outside its module", function() s.state = "lost" end)
    fails("session.pending is written outside", function() s.pending = true end)
    fails('no field "pending"', function() return s.pending end)
    fails("history.at is written outside", function() s.history.at = 7 end)
    same(s.lookahead, nil)
    s:set_lookahead({})
    same(s.lookahead, {})
  end },
  { "what does not hold is named", function()
    local s = in_state("ready")
    local model = models.proposed(s.model, 2, span(4))
    model.candidates[1] = s.model.candidates[1]                  -- a second open candidate
    s:amend(model)
    fails("Riser, ready: it does not hold that what is open is a candidate", s.check, s)
  end },
  { "a candidate takes the place of another that is open", function()
    local s = in_state("ready")
    s:amend(models.proposed(s.model, 2, span(4)))
    s:check()
    same({ s.model.current, s.model.candidates[1] }, { 2 })
  end },
}
