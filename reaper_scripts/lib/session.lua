-- @noindex
--- One search as the script knows it: the owner of every field of it and of every transition between its states. Other modules
-- read fields, and change them by the functions here only. Pure Lua: reads and edits nothing.

local guard = require("guard")
local history = require("history")
local models = require("models")

local session = {}

---How often in a row everything is asked for again when project and daemon have drifted apart.
session.MOST_RESYNCS = 3

---@alias SessionState
---| "reading"    # the track is read or rendered; what is read goes to the daemon then
---| "searching"  # the daemon searches; its first candidate is awaited
---| "cancelling" # the user gave the search up; the daemon's word is awaited
---| "stored"     # known from the project, not confirmed by the daemon
---| "resuming"   # asked the daemon for everything, to be compared with the project
---| "ready"      # open: verbs are carried out
---| "asking"     # open: the daemon is asked for another question in place of the open one
---| "answering"  # open: an answer with moved edges is sent, and what follows it is not known yet
---| "continuing" # open: more rejections are allowed, and the next candidate is awaited
---| "listing"    # open: a list of what "accept the rest" would take is awaited
---| "accepting"  # open: the rest is accepted, and what became of it is awaited
---| "resyncing"  # open: project and daemon have drifted apart, and everything is asked for
---| "behind"     # open: the search went on elsewhere; nothing but a name is sent before everything is there and shown
---| "lost"       # the daemon has no journal of it

local OPEN = { ready = true, asking = true, answering = true, continuing = true, listing = true, accepting = true, resyncing = true,
  behind = true }

-- Each transition: from which state to which. Whatever is not listed is an error.
local TRANSITIONS = {
  search_sent = { reading = "searching" },
  render_again = { searching = "reading" },
  cancel = { searching = "cancelling", cancelling = "cancelling" },
  open = { reading = "ready", searching = "ready" },
  resume = { stored = "resuming", resuming = "resuming" },
  confirm = { resuming = "ready" },
  set_aside = { ready = "stored" },
  await_question = { ready = "asking", continuing = "asking", listing = "asking" },
  lose = { stored = "lost", resuming = "lost", ready = "lost", asking = "lost", answering = "lost", continuing = "lost", listing = "lost",
    accepting = "lost", resyncing = "lost", behind = "lost", lost = "lost" },
  await_what_follows = { ready = "answering", continuing = "answering" },
  await_more = { ready = "continuing", continuing = "continuing", answering = "answering" },
  await_list = { ready = "listing", continuing = "listing" },
  await_rest = { listing = "accepting" },
  resync = { ready = "resyncing", continuing = "resyncing" },
  fall_behind = { ready = "behind", asking = "behind", answering = "behind", continuing = "behind", listing = "behind",
    accepting = "behind", resyncing = "behind", behind = "behind" },
  finish_waiting = { ready = "ready", asking = "ready", answering = "ready", continuing = "ready", listing = "ready", accepting = "ready",
    resyncing = "ready", behind = "ready" },
}

---@class Search what is needed only until the first candidate stands
---@field example { start_s: number, end_s: number }
---@field request table? items, probes, tempo and find as they were sent
---@field wanted table<integer, string>? items that the daemon wants rendered, and why, by index from 0
---@field wanted_at number?
---@field renders integer how often something was rendered because the daemon wanted it
---@field earlier { s: Session, answers: KnownAnswer[], model: Model }? the search it goes on from, its answers and its model then

---@class Answer
---@field verdict "accept"|"reject"|"skip"
---@field number integer
---@field start_s number
---@field end_s number

---@class Session
---@field id string
---@field track string GUID
---@field colour integer which of the colours for accepted regions
---@field state SessionState
---@field history History
---@field model Model that of the present step
---@field media_track userdata? nil while the track is gone
---@field search Search? in the states reading, searching and cancelling
---@field answer Answer? in the state answering
---@field rest { above: number, rows: table[], stopped: boolean? }? in the states listing and accepting
---@field rows table[]? the daemon's rows, from the first one up to the candidate that ends them; `complete` once all are there
---@field verbs string[] that wait for their turn
---@field lookahead table<string, table>? the next candidate by verdict; nil while it is not known
---@field awaited_since number? a `candidate` or `done` must still come
---@field lookahead_asked_at number
---@field budget integer how many rejections the user allows, as the daemon told it; 0 = not told yet
---@field remaining number? how many more places the daemon expects
---@field rest_clear boolean it is clear where "accept the rest" should end
---@field resyncs integer how often in a row everything was asked for
---@field probably_done integer? the candidate beside which it is said that probably nothing else is left
---@field progress number of the search, 0 to 1
---@field status_line string? what it said last
---@field stored_text string? what the project's ext state has of it
---@field seals table<string, boolean> the last lines of what was read or stored in this run
---@field layout table<string, ItemPlace>? where the items of its track stood when they were looked at last
---@field shift_s number how far they have moved since the search: project time = the daemon's time + this
---@field outdated boolean the items have changed otherwise since the search
---@field searched table<string, ItemPlace>? where the items stood before that
---@field strayed table<integer, boolean> answered places whose sound is gone, with another in its place
---@field replaced table<string, boolean> ids of earlier or taken back searches that this one stands for
---@field removed table<string, integer> regions of an earlier search that are none of this one, which took over from it -> number
---@field fetched boolean the user has asked for a candidate where none is shown
---@field cut boolean the project has lost a part of what it kept of it: the journal is the truth
---@field answers_in_project integer how many answers the project had when it was opened
---@field reviewed integer? the answered place that the user looks at again
---@field misplaced table<integer, { from: table, to: table, shift_s: number }[]> where a candidate was off its sound, and was put
---@field question table? in the state asking: the command that asks for it
---@field seen { number: integer, start_s: number, end_s: number }? where the open candidate's region stood in the last look
---@field deciding boolean the questions are those that decide the rest
---@field told_label string what the daemon called the sound when it was heard last
---@field refused boolean the daemon has refused edges, and has others than the project

local FIELDS = {
  id = true, track = true, colour = true, state = true, history = true, media_track = true, search = true, answer = true, rest = true,
  rows = true, verbs = true, lookahead = true, awaited_since = true, lookahead_asked_at = true, budget = true, remaining = true,
  rest_clear = true, resyncs = true, probably_done = true, progress = true, status_line = true, stored_text = true,
  answers_in_project = true, cut = true, seals = true, layout = true,
  shift_s = true, outdated = true, searched = true, strayed = true, replaced = true, removed = true,
  fetched = true, seen = true, question = true, reviewed = true, deciding = true, misplaced = true,
  told_label = true, refused = true,
}

local methods = {}

-- States ---------------------------------------------------------------------------------------------------------------

---@param name string of a transition
---@return SessionState before
local function enter(self, name)
  local before = self.state
  local after = TRANSITIONS[name][before]
  if not after then error(("%s: %s is not possible while %s"):format(self.model.label, name, before), 2) end
  self.state = after
  if after ~= "answering" then self.answer = nil end
  if after ~= "asking" then self.question = nil end
  if after ~= "listing" and after ~= "accepting" then self.rest = nil end
  if not (after == "reading" or after == "searching" or after == "cancelling") then self.search = nil end
  return before
end

---Whether the daemon has it and it can be answered.
---@return boolean
function methods:is_open() return OPEN[self.state] or false end

---Whether its first candidate is still awaited.
---@return boolean
function methods:is_searching() return self.search ~= nil end

---Nothing of this session stands in the project: before its first step, or taken back to there.
---@return boolean
function methods:absent() return self.model.candidates[0] == nil and not self.cut end

---Whether no edit of the user's is taken: the daemon's reply decides first what shall stand in the project.
---@return boolean
function methods:holds_edits()
  return self.state == "asking" or self.state == "answering" or self.state == "accepting"
    or self.state == "behind" and not self:absent()
end

-- The search up to its first candidate

---It goes on from what an earlier search was told.
---@param earlier Session
---@param answers KnownAnswer[]
function methods:go_on_from(earlier, answers) self.search.earlier = { s = earlier, answers = answers, model = earlier.model } end

---What the search needs is sent.
---@param request table items, probes, tempo and find
function methods:search_sent(request)
  enter(self, "search_sent")
  self.search.request = request
end

---The daemon cannot use an item as it was described.
---@param index integer from 0
---@param why string
---@param now number
function methods:want_render(index, why, now)
  if not self.search.request then return end
  self.search.wanted = self.search.wanted or {}
  self.search.wanted[index], self.search.wanted_at = why, now
end

---Take what the daemon wants rendered.
---@return table<integer, string> why by index
function methods:take_wanted()
  local wanted = self.search.wanted
  self.search.wanted, self.search.renders = nil, self.search.renders + 1
  return wanted
end

---The track is read again, to render what the daemon wants.
function methods:render_again() enter(self, "render_again") end

function methods:cancel() enter(self, "cancel") end

---The first candidate is there.
function methods:open() enter(self, "open") end

---@param share number
function methods:set_progress(share) self.progress = share end

-- A session of a project that was opened

---Everything the daemon has of it is asked for.
function methods:resume() enter(self, "resume") end

---The daemon has it.
---@param fields { budget: integer, remaining: number? }
function methods:confirm(fields)
  enter(self, "confirm")
  self.budget, self.remaining = fields.budget, fields.remaining
end

---The user decides another time what the project shall have of it.
function methods:set_aside() enter(self, "set_aside") end

---The daemon has no journal of it.
function methods:lose() enter(self, "lose") end

-- Waiting for the daemon while it is open

---An answer with moved edges is sent: the daemon's reply decides what follows, in the same undo step.
---@param answer Answer
function methods:await_what_follows(answer)
  enter(self, "await_what_follows")
  self.answer = answer
end

---Another question takes the open one's place: no answer is taken before it stands there.
---@param command table as the link has it
function methods:await_question(command)
  enter(self, "await_question")
  self.question = command
end

---More rejections are allowed.
---@param extra integer
function methods:await_more(extra)
  enter(self, "await_more")
  self.budget = self.budget + extra
end

---The list of what "accept the rest" would take is asked for.
---@param above number
function methods:await_list(above)
  enter(self, "await_list")
  self.rest = { above = above, rows = {} }
end

---The user wants no list any more, nor what is on it accepted.
---@return boolean false: it was stopped already
function methods:stop_collecting()
  local was = self.rest.stopped
  self.rest.stopped = true
  return not was
end

---@param row table
function methods:add_rest_row(row) self.rest.rows[#self.rest.rows + 1] = row end

---The user has said yes to the list.
function methods:await_rest()
  enter(self, "await_rest")
  self.rows = nil
end

---Project and daemon have drifted apart.
function methods:resync()
  enter(self, "resync")
  self.resyncs = self.resyncs + 1
end

---The daemon has gone on with answers that were given elsewhere, and takes none before they are shown here.
function methods:fall_behind()
  enter(self, "fall_behind")
  self.rows, self.lookahead = nil, nil
end

---What was waited for has come, or is not wanted any more.
---@return SessionState before
function methods:finish_waiting() return enter(self, "finish_waiting") end

---Project and daemon agree on the candidate.
function methods:agreed() self.resyncs = 0 end

---A command is sent whose reply is a `candidate` or `done`.
---@param now number
function methods:await_reply(now) self.awaited_since = now end

---Whatever the daemon told to follow holds no more.
function methods:forget_lookahead() self.lookahead = nil end

---@param lookahead table<string, table>?
function methods:set_lookahead(lookahead) self.lookahead = lookahead end

---What follows is asked for, since no command brings it.
---@param now number
function methods:ask_lookahead(now) self.awaited_since, self.lookahead_asked_at = now, now end

---A `candidate` or `done` has come.
---@param fields { budget: integer, remaining: number? }
---@param now number
---@param more boolean the same one comes again, with what follows it
function methods:heard(fields, now, more)
  self.budget, self.remaining = fields.budget, fields.remaining
  self.awaited_since = more and now or nil
end

---No reply comes any more: its command has failed.
function methods:give_up_reply() self.awaited_since = nil end

-- The daemon's rows

---@param row table
function methods:add_row(row)
  if not self.rows or self.rows.complete then self.rows = {} end
  self.rows[#self.rows + 1] = row
end

---@param label string of the session
function methods:complete_rows(label)
  self.rows = self.rows or {}
  self.rows.label = label
  self.rows.complete = true
end

---@return boolean
function methods:has_rows() return self.rows ~= nil and self.rows.complete == true end

function methods:drop_rows() self.rows = nil end

---What the sound is called in the daemon's rows.
---@return string
function methods:label_of_rows()
  local label = models.label(self.rows.label)
  return label ~= "" and label or self.model.label
end

---Whether the daemon's rows have a name that was given elsewhere: neither the project's nor the one that they had before, which may
---be of before a name that was given here.
---@return boolean
function methods:is_renamed_elsewhere()
  local label = self:label_of_rows()
  if label == self.model.label then self.told_label = label end
  return label ~= self.model.label and label ~= self.told_label
end

---@param label string that the daemon has for the sound
function methods:hear_label(label) self.told_label = label end

---The daemon has refused edges, and the user was told: they may differ from now on, or no more.
---@param refused boolean
function methods:refuse_edit(refused) self.refused = refused end

-- Verbs that wait

---@param verb string
function methods:queue_verb(verb) self.verbs[#self.verbs + 1] = verb end

---@return string? verb the first one
function methods:take_verb() return table.remove(self.verbs, 1) end

---Its turn has not come yet.
---@param verb string
function methods:put_back_verb(verb) table.insert(self.verbs, 1, verb) end

function methods:drop_last_verb() self.verbs[#self.verbs] = nil end

function methods:drop_verbs() self.verbs = {} end

-- What is told and stored

---@param clear boolean
function methods:set_rest_clear(clear)
  self.rest_clear = clear
  if clear then self.deciding = false end
end

---From now on the questions are those that decide the rest.
function methods:decide()
  self.rest_clear, self.deciding = false, true
end

---The open candidate's region is put where its sound is now.
---@param from { start_s: number, end_s: number }
---@param to { start_s: number, end_s: number }
function methods:record_correction(number, from, to)
  self.misplaced[number] = self.misplaced[number] or {}
  table.insert(self.misplaced[number], { from = { start_s = from.start_s, end_s = from.end_s }, to = to, shift_s = self.shift_s })
end

---Where a candidate's region belongs that an undo has left where it was before it was put right.
---@param there Mark
---@return { start_s: number, end_s: number }? nil: it was not put right from there, or the items stand elsewhere now
function methods:corrected_place(there)
  local list = self.misplaced[there.number] or {}
  for index = #list, 1, -1 do
    local one = list[index]
    if math.abs(one.shift_s - self.shift_s) < models.TOLERANCE_S and models.same_place(there, one.from) then return one.to end
  end
end

---The user looks at an answered place again; nil: no more.
---@param number integer?
function methods:review(number) self.reviewed = number end

---A place that is not answered any more cannot be looked at again.
local function settle_review(self)
  local one = self.reviewed and self.history:step().model.candidates[self.reviewed]
  if not one or one.state == "candidate" then self.reviewed = nil end
end

---@param number integer the candidate beside which it is said
function methods:set_probably_done(number) self.probably_done = number end

---@param line string
function methods:said(line) self.status_line = line end

---@param text string what the project's ext state has of it now
function methods:stored_as(text)
  self.stored_text = text
  self.seals[text:match("[^\n]*$")] = true
end

---Whether a text is one that was read or stored in this run: where undo takes ext state back an earlier one may stand there again.
---@param text string
---@return boolean
function methods:has_stored(text) return text == "" or self.seals[text:match("[^\n]*$")] == true end

---@param layout table<string, ItemPlace>
function methods:lay_out(layout) self.layout = layout end

---All items of the track have moved alike; what follows goes with them, and an answer that is on its way.
---@param by_s number
function methods:shift(by_s)
  self.shift_s = self.shift_s + by_s
  if math.abs(self.shift_s) < models.TOLERANCE_S then self.shift_s = 0 end
  local moved = {}
  for verdict, one in pairs(self.lookahead or {}) do
    moved[verdict] = { number = one.number, start_s = one.start_s + by_s, end_s = one.end_s + by_s, probability = one.probability }
  end
  self.lookahead = self.lookahead and moved
  local answer = self.answer
  if answer then
    self.answer = { verdict = answer.verdict, number = answer.number, start_s = answer.start_s + by_s, end_s = answer.end_s + by_s }
  end
end

---The present step is right for where the items stand now.
---@param model Model
---@param marks table<string, Mark>
function methods:settle(model, marks)
  self:set_marks(marks)
  self:amend(model)
  self.history:step().shift_s = self.shift_s
end

---The items of the track have changed so that the daemon's times hold no more.
---@param searched table<string, ItemPlace> where they stood before
function methods:outdate(searched)
  if not self.outdated then self.searched = searched end
  self.outdated = true
end

---The items are again as they were searched.
function methods:clear_outdated() self.outdated, self.searched, self.strayed = false, nil, {} end

---@param number integer an answered place whose sound is gone, with another in its place
function methods:stray(number) self.strayed[number] = true end

---Another search of the sound is not to be offered again: this one stands for it.
---@param id string
function methods:stand_for(id) self.replaced[id] = true end

---@param guids table<string, integer> regions of an earlier search that go as this one takes over -> number
function methods:take_over_from(guids) self.removed = guids end

---The user wants to see a candidate, or it is there.
---@param wanted boolean
function methods:fetch(wanted) self.fetched = wanted end

---The open candidate's region stands here.
---@param start_s number?
---@param end_s number?
function methods:see(start_s, end_s)
  self.seen = start_s and { number = self.model.current, start_s = start_s, end_s = end_s } or nil
end

---The journal has told what was cut.
function methods:mend() self.cut = false end

---@param media_track userdata? nil when the track is gone
function methods:set_media_track(media_track) self.media_track = media_track end

-- Steps

---@return Step
function methods:step() return self.history:step() end

---A step is about to become the present one.
---@param step Step
local function prepare(self, step)
  local before = self.history:step().model
  if step.model.current ~= before.current or step.model.hidden ~= before.hidden then self:see() end
  step.shift_s = self.shift_s
end

---@param step Step
function methods:push(step)
  prepare(self, step)
  self.history:push(step)
  settle_review(self)
end

---Undo or redo have led to what no step left.
---@param step Step
---@param present table<string, Mark> what stands
---@param further boolean a redo has led further than the present step
function methods:insert(step, present, further)
  prepare(self, step)
  self.history:insert(step, present, further)
  self.resyncs = 0                             -- the user has led to another place
  settle_review(self)
end

---@param model Model
function methods:amend(model)
  self.history:amend(model)
  settle_review(self)
end

---The daemon has something else of the present step.
---@param model Model
function methods:set_daemon_model(model) self.history:set_daemon_model(model) end

---An answer is another one now, without a step.
---@param number integer
---@param verdict "accept"|"reject"
function methods:restate(number, verdict) self.history:restate(number, verdict) end

---Nothing can be redone any more.
function methods:drop_redo() self.history:drop_redo() end

---@param marks table<string, Mark>
function methods:set_marks(marks) self.history:set_marks(marks) end

---@param model Model
---@param present table<string, Mark>
---@return boolean found
function methods:leave_out_redone(model, present) return self.history:leave_out_redone(model, present) end

---@param index integer
---@return table[] commands for the daemon
function methods:go(index)
  local commands = self.history:go(index, self.shift_s)
  self.resyncs = 0                             -- the user has led to another place
  settle_review(self)
  return commands
end

---@param guids table<string, string> new GUID by the old one
function methods:replace_guids(guids) self.history:replace_guids(guids) end

-- Invariants -----------------------------------------------------------------------------------------------------------

local function count(list)
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  return n
end

-- What always holds between two ticks: what it says, and whether it does.
local INVARIANTS = {
  { "the state is a declared one", function(s)
    return OPEN[s.state] or ({ reading = 1, searching = 1, cancelling = 1, stored = 1, resuming = 1, lost = 1 })[s.state] ~= nil
  end },
  { "only a search that is not open has what a search needs", function(s)
    return (s.search ~= nil) == (s.state == "reading" or s.state == "searching" or s.state == "cancelling")
  end },
  { "an answer is on its way exactly while answering, and for the open candidate", function(s)
    if s.state ~= "answering" then return s.answer == nil end
    return s.answer ~= nil and s.answer.number == s.model.current
  end },
  { "another question is awaited exactly while asking", function(s) return (s.question ~= nil) == (s.state == "asking") end },
  { "there is a list of the rest exactly while listing or accepting", function(s)
    return (s.rest ~= nil) == (s.state == "listing" or s.state == "accepting")
  end },
  { "the present step is one of the steps", function(s) return s.history.steps[s.history.at] ~= nil end },
  { "what is open is a candidate, and nothing else is", function(s)
    for number, one in pairs(s.model.candidates) do
      if (one.state == "candidate") ~= (number == s.model.current) then return false end
    end
    return s.model.current == nil or s.model.candidates[s.model.current] ~= nil
  end },
  { "a search that is over has no open candidate", function(s) return not (s.model.over and s.model.current) end },
  { "what follows is known for an open candidate only", function(s) return s.lookahead == nil or s.model.current ~= nil end },
  { "every region of the present step is known by its number", function(s)
    for guid, mark in pairs(s:step().marks) do
      if s.history.known[guid] ~= mark.number then return false end
    end
    return true
  end },
  { "a number has one region", function(s)
    local numbers = {}
    for _, mark in pairs(s:step().marks) do numbers[mark.number] = true end
    return count(numbers) == count(s:step().marks)
  end },
  { "what is looked at again is answered", function(s)
    local one = s.reviewed and s.model.candidates[s.reviewed]
    return s.reviewed == nil or one ~= nil and one.state ~= "candidate"
  end },
  { "nothing stands for a session that is taken back", function(s) return not s:absent() or next(s:step().marks) == nil end },
  { "everything is asked for only so often in a row", function(s) return s.resyncs <= session.MOST_RESYNCS end },
}

---Raise an error that names the first invariant that does not hold.
function methods:check()
  for _, invariant in ipairs(INVARIANTS) do
    if not invariant[2](self) then
      error(("%s, %s: it does not hold that %s"):format(self.model.label, self.state, invariant[1]))
    end
  end
end

-- Making one -----------------------------------------------------------------------------------------------------------

local new = guard.class {
  name = "session",
  methods = methods,
  fields = FIELDS,
  getters = { model = function(self) return self.history:step().model end },
}

local function made(values)
  values.verbs, values.lookahead_asked_at, values.budget, values.rest_clear, values.resyncs, values.progress = {}, -math.huge, 0,
    false, 0, 0
  values.answers_in_project = values.answers_in_project or 0
  values.cut, values.fetched = values.cut or false, false
  values.seals, values.misplaced, values.refused = {}, {}, false
  values.told_label = values.history:step().model.label
  values.strayed = values.strayed or {}
  values.replaced, values.removed = values.replaced or {}, values.removed or {}
  values.shift_s, values.outdated, values.deciding = values.shift_s or 0, values.outdated or false, false
  return new(values)
end

---A new search.
---@param id string
---@param track string GUID
---@param colour integer
---@param label string
---@param example { start_s: number, end_s: number }
---@param media_track userdata?
---@return Session in the state "reading"
function session.new(id, track, colour, label, example, media_track)
  return made { id = id, track = track, colour = colour, history = history.new(models.empty(label)), state = "reading",
    search = { example = example, renders = 0 }, media_track = media_track }
end

---A session that a project or the daemon has kept.
---@param values { id: string, track: string, colour: integer, history: History, answers_in_project: integer?,
---  stored_text: string?, cut: boolean?, layout: table?, shift_s: number?, outdated: boolean?, strayed: table?,
---  replaced: table<string, boolean>?, removed: table<string, integer>? }
---@return Session in the state "stored"
function session.stored(values)
  values.state = "stored"
  local self = made(values)
  if values.stored_text then self:stored_as(values.stored_text) end        -- an undo may bring back that one too
  return self
end

return session
