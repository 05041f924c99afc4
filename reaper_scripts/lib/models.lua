-- @noindex
--- What a search is at, at one moment: candidates and their states, and the regions that they want. Pure Lua.
--
-- A model is a value: `candidates` (number -> Candidate, 0 is the example), `current`, `over`, `label`, `hidden` (the current
-- candidate has no region just now) and `cleared` (rejected ones up to here have no region any more). Models are never changed in
-- place, so snapshots share them.

local models = {}

---Edges closer than this are the same edges: REAPER keeps its undo states as text.
models.TOLERANCE_S = 1e-6

---Whether two spans have the same edges.
---@param one { start_s: number, end_s: number }
---@param other { start_s: number, end_s: number }
---@return boolean
function models.same_place(one, other)
  return math.abs(one.start_s - other.start_s) <= models.TOLERANCE_S and math.abs(one.end_s - other.end_s) <= models.TOLERANCE_S
end

---Whether two spans have nothing in common.
---@param one { start_s: number, end_s: number }
---@param other { start_s: number, end_s: number }
---@return boolean
function models.are_apart(one, other) return one.start_s >= other.end_s or one.end_s <= other.start_s end

---@param span { start_s: number, end_s: number }
---@return { start_s: number, end_s: number }
function models.span_moved(span, by_s) return { start_s = span.start_s + by_s, end_s = span.end_s + by_s } end

---Whether a span is nearer to one than to another.
---@param span { start_s: number, end_s: number }
---@param one { start_s: number, end_s: number }
---@param other { start_s: number, end_s: number }
---@return boolean
function models.is_nearer(span, one, other)
  local function distance(to) return math.abs(span.start_s - to.start_s) + math.abs(span.end_s - to.end_s) end
  return distance(one) < distance(other)
end

---Where a candidate was proposed.
---@param one Candidate
---@return { start_s: number, end_s: number }
function models.proposal(one) return { start_s = one.proposed_start_s, end_s = one.proposed_end_s } end

---@alias State "example"|"accepted"|"rejected"|"skipped"|"retracted"|"candidate"

---@class SoundOffset how far the sound of a place is from its accepted region: the sound starts at region start + start_s and ends at
---  region end + end_s
---@field start_s number
---@field end_s number
---@field stays boolean? the user wants the region to stay where it is

---@class Candidate
---@field number integer
---@field start_s number
---@field end_s number
---@field proposed_start_s number
---@field proposed_end_s number
---@field state State
---@field probability number
---@field given string|false|nil the name that the user gave its region
---@field typed string? that name as it stands while it is a candidate
---@field first "accept"|"reject"|"skip"|false|nil what was answered before another answer was given: later places were proposed after it
---@field requested boolean? it was asked for in place of what would have been proposed
---@field sound_offset SoundOffset|false|nil
---@field carried { start_s: number, end_s: number }|false|nil how far its sound has gone with its item alone, of which the daemon knows
---  nothing

---@class Model
---@field label string
---@field candidates table<integer, Candidate>
---@field current integer?
---@field over string?
---@field hidden boolean?
---@field cleared integer?
---@field offset integer? so much higher than its number a place is called: an earlier search of the sound has used the lower names

---@class Mark what stands in the project for one number
---@field number integer
---@field kind "accepted"|"candidate"|"rejected"
---@field name string
---@field start_s number
---@field end_s number
---@field grey boolean? it has the colour of rejected ones; of what was read only

---A session of which nothing stands in the project.
---@param label string
---@return Model
function models.empty(label) return { label = label, candidates = {} } end

local function copied(model, changes)
  local new = {}
  for key, value in pairs(model) do new[key] = value end
  for key, value in pairs(changes) do new[key] = value end
  return new
end

local function with(model, number, changes)
  local candidates = {}
  for key, value in pairs(model.candidates) do candidates[key] = value end
  candidates[number] = changes and copied(candidates[number] or { number = number }, changes) or nil
  return copied(model, { candidates = candidates })
end

local AFTER = { accept = "accepted", reject = "rejected", skip = "skipped" }

---The answer that leads to a state, nil where none does.
---@param state State
---@return "accept"|"reject"|"skip"|nil
function models.verdict(state)
  for verdict, after in pairs(AFTER) do
    if after == state then return verdict end
  end
end

---Whether an accepted region stands for a place.
---@param one Candidate
---@return boolean
function models.is_accepted(one) return one.state == "accepted" or one.state == "example" end

-- The offset of a region that stands on its sound.
local NO_OFFSET = { start_s = 0, end_s = 0 }

---Where the sound of a place is.
---@param one Candidate
---@return number start_s
---@return number end_s
function models.sound(one)
  local offset = one.sound_offset or NO_OFFSET
  return one.start_s + offset.start_s, one.end_s + offset.end_s
end

---The fields of a place on its sound.
local function on_sound(one)
  local offset, start_s, end_s = one.sound_offset or NO_OFFSET, models.sound(one)
  return { start_s = start_s, end_s = end_s, sound_offset = false,
    proposed_start_s = one.proposed_start_s + offset.start_s, proposed_end_s = one.proposed_end_s + offset.end_s }
end

---Where the sound of a place is for the daemon, in the project's times but for what items have done each in its own way.
---@param one Candidate
---@return number start_s
---@return number end_s
function models.daemon_span(one)
  local carried, start_s, end_s = one.carried or NO_OFFSET, models.sound(one)
  return start_s - carried.start_s, end_s - carried.end_s
end

---What was proposed for a place, as the daemon has it.
function models.daemon_proposal(one)
  local carried, there = one.carried or NO_OFFSET, on_sound(one)
  return { start_s = there.proposed_start_s - carried.start_s, end_s = there.proposed_end_s - carried.end_s }
end

---A distance of a place is so much more.
---@param field "carried"|"sound_offset"
local function add_distance(model, number, field, start_by_s, end_by_s)
  local one = model.candidates[number]
  if not one or (start_by_s == 0 and end_by_s == 0) then return model end
  local before = one[field] or NO_OFFSET
  local distance = { start_s = before.start_s + start_by_s, end_s = before.end_s + end_by_s }
  return with(model, number, { [field] = not models.same_place(distance, NO_OFFSET) and distance })
end

---The sound of a place has gone with its item alone, by so much more.
---@param start_by_s number
---@param end_by_s number
---@return Model
function models.add_carried(model, number, start_by_s, end_by_s)
  return add_distance(model, number, "carried", start_by_s, end_by_s)
end

---The sound of an accepted region has moved away from it by so much more.
---@param start_by_s number
---@param end_by_s number
---@return Model
function models.add_sound_offset(model, number, start_by_s, end_by_s)
  return add_distance(model, number, "sound_offset", start_by_s, end_by_s)
end

---An accepted region stands on its sound again, where that was searched.
---@return Model
function models.put_back_on_sound(model, number) return with(model, number, { sound_offset = false, carried = false }) end

---The numbers of the accepted places whose regions stand off their sound.
---@return integer[]
function models.numbers_with_offset(model)
  local list = {}
  for number, one in pairs(model.candidates) do
    if one.sound_offset and models.is_accepted(one) then list[#list + 1] = number end
  end
  return list
end

---Every place that is off its sound moves there, or stays where the user wants it.
---@param moves boolean
---@return Model
function models.settled(model, moves)
  for _, number in ipairs(models.numbers_with_offset(model)) do
    local one = model.candidates[number]
    model = with(model, number, moves and on_sound(one)
      or { sound_offset = { start_s = one.sound_offset.start_s, end_s = one.sound_offset.end_s, stays = true } })
  end
  return model
end

---A candidate is open; another one that was is withdrawn.
---@param number integer
---@param span { start_s: number, end_s: number, probability: number }
---@return Model
function models.proposed(model, number, span)
  if model.current and model.current ~= number then model = with(model, model.current, nil) end
  local before = model.candidates[number]
  if before and models.are_apart(span, before) then model = with(model, number, nil) end  -- and its name
  local new = with(model, number, {
    number = number, state = "candidate", probability = span.probability,
    start_s = span.start_s, end_s = span.end_s, proposed_start_s = span.start_s, proposed_end_s = span.end_s,
    sound_offset = false, carried = false,
  })
  new.current, new.over, new.hidden = number, nil, nil
  return new
end

---A place was asked for in place of another one, or has to be should it be proposed again.
---@param number integer
---@return Model
function models.requested(model, number) return with(model, number, { requested = true }) end

---@param span { start_s: number, end_s: number }
---@return Model
function models.with_example(model, span)
  return with(model, 0, {
    number = 0, state = "example", probability = 1.0,
    start_s = span.start_s, end_s = span.end_s, proposed_start_s = span.start_s, proposed_end_s = span.end_s,
  })
end

---@param verdict "accept"|"reject"|"skip"
---@return Model
function models.answered(model, verdict, start_s, end_s)
  local new = with(model, model.current, { state = AFTER[verdict], start_s = start_s, end_s = end_s, first = false })
  new.current, new.hidden = nil, nil
  return new
end

---Answers to `number` and later are taken back.
---@return Model
function models.undone(model, number)
  local new = copied(model, { candidates = {} })
  for key, value in pairs(model.candidates) do
    if key < number then new.candidates[key] = value end
  end
  local one = copied(model.candidates[number], on_sound(model.candidates[number]))
  new.candidates[number] = copied(one, { state = "candidate", start_s = one.proposed_start_s, end_s = one.proposed_end_s, first = false })
  new.current, new.over, new.hidden = number, nil, nil
  return new
end

---An answered place gets another answer.
---@param verdict "accept"|"reject"
---@return Model
function models.restated(model, number, verdict)
  local one = model.candidates[number]
  return with(model, number, { state = AFTER[verdict], first = one.first or models.verdict(one.state) or "accept" })
end

---The same, and what is open stands, unless the rejections are used up by it.
---@param verdict "accept"|"reject"
---@param budget integer rejections allowed; 0 = not known
---@return Model
function models.reanswered(model, number, verdict, budget)
  local new = models.restated(with(model, number, on_sound(model.candidates[number])), number, verdict)
  local _, rejections = models.tally(new)
  local spent = budget > 0 and rejections >= budget
  if spent and new.over ~= "finished" then return models.ended(new, "budget") end
  if not spent and new.over == "budget" then new.over = nil end
  return new
end

---The answered place with the highest number below one, as they were answered.
---@param before integer?
---@return integer?
function models.answered_before(model, before)
  local best
  for number, one in pairs(model.candidates) do
    if number > 0 and one.state ~= "candidate" and number < (before or math.huge) and number > (best or 0) then best = number end
  end
  return best
end

---@return Model
function models.retracted(model, number)
  return with(model, number, { state = "retracted" })
end

---The user has moved an accepted region, or an edge of it. Where it is off its sound and now nearer to that than to where it stood,
---it has been put there; else it is as far off as before.
---@param there { start_s: number, end_s: number }
---@return Model
function models.revised(model, number, there)
  local one = model.candidates[number]
  if one.sound_offset and not models.is_nearer(there, one, on_sound(one)) then model = with(model, number, on_sound(one)) end
  return with(model, number, { state = number == 0 and "example" or "accepted", start_s = there.start_s, end_s = there.end_s })
end

---A place stands elsewhere, with what was proposed for it.
---@param by_s number
---@param end_by_s number? where its end goes otherwise
---@return Model
function models.moved(model, number, by_s, end_by_s)
  local one = model.candidates[number]
  if not one then return model end
  end_by_s = end_by_s or by_s
  return with(model, number, { start_s = one.start_s + by_s, end_s = one.end_s + end_by_s,
    proposed_start_s = one.proposed_start_s + by_s, proposed_end_s = one.proposed_end_s + end_by_s })
end

---A place stands elsewhere, with its sound and what was proposed for it: its item has carried it.
---@param by_s number
---@param end_by_s number where its end goes
---@return Model
function models.carried(model, number, by_s, end_by_s)
  return models.add_carried(models.moved(model, number, by_s, end_by_s), number, by_s, end_by_s)
end

---All places stand elsewhere.
---@param by_s number
---@return Model
function models.all_moved(model, by_s)
  for number in pairs(by_s ~= 0 and model.candidates or {}) do model = models.moved(model, number, by_s) end
  return model
end

---A place that stands on its sound gets an offset: its sound stays where it is, and its region moves so that the sound is this far
---from it.
---@param offset SoundOffset|false|nil
---@return Model
function models.with_sound_offset(model, number, offset)
  if not offset then return model end
  return with(models.moved(model, number, -offset.start_s, -offset.end_s), number, { sound_offset = offset })
end

---The name of a candidate's region, whatever its probability is.
---@param name string
---@return string
function models.without_percentage(name) return (name:gsub("%s*%(%d+ %%%)$", "")) end

---The user has given the region of a number a name of its own.
---@param typed string as it stands
---@return Model
function models.named(model, number, typed)
  local given = models.without_percentage(typed:gsub("^[%?x] ", ""))
  if given == "" or given == models.own_name(model, number, "accepted") then given = false end
  return with(model, number, { given = given, typed = typed })
end

---The sound has another name, and so have its places, but for those that the user has named.
---@return Model
function models.renamed(model, label)
  local new = copied(model, { label = label })
  for number, one in pairs(model.candidates) do
    local kept, rest = models.number_in_name(model.label, one.given or "")             -- that of before "Find again"
    if kept and rest == "" then new = models.named(new, number, "? " .. models.region_name(label, kept, "accepted")) end
  end
  return new
end

---The same with the names that another model of the session has, with the offsets of its regions from their sound, and without the
---regions that were cleared there.
---@param names Model
---@return Model
function models.with_names(model, names)
  model = copied(model, { cleared = names.cleared })
  if names.offset then model = models.counted_from(model, names.offset) end
  for number, one in pairs(names.candidates) do
    local same = model.candidates[number]
    if one.given and same then model = with(model, number, { given = one.given, typed = one.typed }) end
    if same and same.state == one.state then model = models.with_sound_offset(model, number, one.sound_offset) end
  end
  return model
end

---What a place is called in texts.
---@return string
function models.shown_name(model, number)
  local one = model.candidates[number]
  return one and one.given or models.own_name(model, number, "accepted")
end

---@return Model
function models.hidden(model) return copied(model, { hidden = model.current ~= nil or nil }) end

---@return Model
function models.shown(model) return copied(model, { hidden = false }) end

---Without the region of the current candidate and of rejected ones.
---@return Model
function models.cleared(model)
  local last = 0
  for number in pairs(model.candidates) do last = math.max(last, number) end
  return copied(model, { hidden = model.current ~= nil or nil, cleared = last })
end

---@param reason string
---@return Model
function models.ended(model, reason)
  local new = model.current and with(model, model.current, nil) or copied(model, {})
  new.current, new.over, new.hidden = nil, reason, nil
  return new
end

---A model with what the daemon is at: its candidate, or that nothing more comes.
---@param fields table of `candidate` or `done`
---@return Model
function models.continued(model, fields)
  if fields.number then return models.proposed(model, fields.number, fields) end
  return models.ended(model, fields.reason)
end

---Everything the daemon has of a session.
---@param label string
---@param rows { number: integer, state: State, start_s: number, end_s: number, probability: number }[]
---@return Model
function models.from_rows(label, rows)
  local model = models.empty(label)
  for _, row in ipairs(rows) do
    model.candidates[row.number] = {
      number = row.number, state = row.state, probability = row.probability, start_s = row.start_s, end_s = row.end_s,
      proposed_start_s = row.start_s, proposed_end_s = row.end_s,
    }
    if row.state == "candidate" then model.current = row.number end
  end
  return model
end

---One row of the daemon's, into a model.
---@return Model
function models.from_row(model, row)
  local new = with(model, row.number, {
    number = row.number, state = row.state, probability = row.probability, start_s = row.start_s, end_s = row.end_s,
    proposed_start_s = row.start_s, proposed_end_s = row.end_s,
    sound_offset = false, carried = false, requested = false,
  })
  if new.current == row.number then new.current, new.hidden = nil, nil end
  return new
end

---The same with the places up to a number as another model has them.
---@param last integer
---@param other Model
---@return Model
function models.with_first(model, last, other)
  for number, one in pairs(other.candidates) do
    if number <= last then model = with(model, number, one) end
  end
  return model
end

---What the daemon has once it has accepted the rest itself.
---@param model Model where the rest was accepted
---@param after Model what became of it, and of what was done then without a step
---@return Model
function models.with_rest(model, after)
  local new = models.ended(model, nil)
  for number, one in pairs(after.candidates) do
    if one.state ~= "candidate" and not new.candidates[number] then new = with(new, number, one) end
  end
  return new
end

---@return integer
function models.answers(model)
  local n = 0
  for number, one in pairs(model.candidates) do
    if number > 0 and one.state ~= "candidate" then n = n + 1 end
  end
  return n
end

-- Edges further apart than this were given by different answers; and so far apart they can be told from one another.
local SAME_ANSWER_S, EDGE_S = 0.001, 1e-5

---Whether the sounds of two places have nothing in common.
---@param a Candidate
---@param b Candidate
local function sounds_are_apart(a, b)
  local a_start_s, a_end_s = models.daemon_span(a)
  local b_start_s, b_end_s = models.daemon_span(b)
  return a_start_s >= b_end_s or a_end_s <= b_start_s
end

---Whether the sounds of two accepted places have other edges.
---@param a Candidate
---@param b Candidate
---@param by_s number by so much, at least
local function have_other_edges(a, b, by_s)
  local a_start_s, a_end_s = models.daemon_span(a)
  local b_start_s, b_end_s = models.daemon_span(b)
  return math.abs(a_start_s - b_start_s) > by_s or math.abs(a_end_s - b_end_s) > by_s
end

---Whether two models say different things of a place that both have answered, or of the example: of its sound, wherever that and its
---region are now.
---@param a Candidate
---@param b Candidate
---@return boolean
function models.differ(a, b)
  if a.state ~= b.state then return true end
  if not models.is_accepted(a) then return sounds_are_apart(a, b) end
  return have_other_edges(a, b, SAME_ANSWER_S)
end

---The first place of which two models of a session say different things, of those that both have answered and the example (0); nil
---where all are alike.
---@param one Model
---@param other Model
---@param from integer? the lowest number that counts
---@return integer?
function models.parted(one, other, from)
  local first
  for number, a in pairs(one.candidates) do
    local b = number >= (from or 0) and other.candidates[number]
    if b and a.state ~= "candidate" and b.state ~= "candidate" and models.differ(a, b) then first = math.min(first or number, number) end
  end
  return first
end

---How many answers of a model another one does not have, or has differently; the example's region is one.
---@param model Model
---@param other Model
---@return integer
function models.lacking(model, other)
  local n = 0
  for number, one in pairs(model.candidates) do
    local there = other.candidates[number]
    local answered = there and there.state ~= "candidate"
    if one.state ~= "candidate" and (answered and models.differ(one, there) or not answered and number > 0) then n = n + 1 end
  end
  return n
end

---How many candidates stand as accepted (the example is not counted), and how many as rejected.
---@return integer accepted
---@return integer rejections
function models.tally(model)
  local accepted, rejections = 0, 0
  for number, one in pairs(model.candidates) do
    if number > 0 and one.state == "accepted" then accepted = accepted + 1 end
    if one.state == "rejected" then rejections = rejections + 1 end
  end
  return accepted, rejections
end

-- What should stand in the project ------------------------------------------------------------------------------------

local LABEL_BYTES = 512      -- as the protocol has it

local KIND = { example = "accepted", accepted = "accepted", candidate = "candidate", rejected = "rejected" }

---A label that no prefix of ours can be mistaken for, that REAPER does not read as an action or metadata marker, and no longer
---than the daemon takes.
---@param text string
---@return string
function models.label(text)
  local label = text:gsub("%c", " "):gsub("^[%s?!=#]+", ""):gsub("^x%s+", "")
  if #label > LABEL_BYTES then
    local cut = LABEL_BYTES
    while cut > 0 and label:byte(cut + 1) & 0xC0 == 0x80 do cut = cut - 1 end     -- no half characters
    label = label:sub(1, cut)
  end
  return (label:gsub("%s+$", ""))
end

---The kind of a region by its name: states are told apart by name, never by colour alone.
---@param name string
---@return "accepted"|"candidate"|"rejected"
function models.kind(name)
  if name:match("^%? ") then return "candidate" end
  if name:match("^x ") then return "rejected" end
  return "accepted"
end

---@param number integer
---@param kind "accepted"|"candidate"|"rejected"
---@return string
function models.region_name(label, number, kind, probability)
  local name = ((label:match("%d$") and "%s-%d" or "%s %d")):format(label, number)    -- "Riser 3", "Sound 1-3"
  if kind == "candidate" then return ("? %s (%.0f %%)"):format(name, 100 * probability) end
  if kind == "rejected" then return "x " .. name end
  return name
end

---The number in a name that `region_name` has made for a sound; "Kick 2-1" is none of "Kick".
---@param label string of the sound
---@param name string
---@return integer? number
---@return string? rest what follows it
function models.number_in_name(label, name)
  local plain = name:gsub("^[?x] ", "")
  if plain:sub(1, #label) ~= label then return nil end
  local number, rest = plain:sub(#label + 1):match((label:match("%d$") and "^%-" or "^ ") .. "(%d+)%f[ \0](.*)$")
  return math.tointeger(tonumber(number)), rest
end

---The label by which regions that are called by the sound's name are called now.
---@param present table<string, Mark>
---@return string? label nil: they are called by several, or by the sound's name
---@return integer count of them
function models.label_shown(model, present)
  local label, count = nil, 0
  for _, there in pairs(present) do
    local one = model.candidates[there.number]
    local number = tostring(there.number > 0 and there.number + (model.offset or 0) or 0)
    if one and not one.given then
      local name = models.without_percentage(there.name:gsub("^[?x] ", ""))
      local shown = name:sub(-#number) == number and name:sub(1, -#number - 2) or ""
      if shown == "" or models.region_name(shown, number, "accepted") ~= name or shown ~= (label or shown) then return nil, count end
      label, count = shown, count + 1
    end
  end
  return label ~= model.label and label or nil, count
end

---The name that a place has unless the user gives it another.
---@return string
function models.own_name(model, number, kind, probability)
  return models.region_name(model.label, number > 0 and number + (model.offset or 0) or 0, kind, probability)
end

---@param offset integer
---@return Model
function models.counted_from(model, offset) return copied(model, { offset = offset > 0 and offset or nil }) end

---What a region says of an answered place that the model has otherwise: the answer that leads there, or that a retracted place is
---accepted again ("revise"). That the user has given a region another name is no answer: then it has not the answer's colour.
---@param one Candidate
---@param there Mark
---@return "accept"|"reject"|"revise"|nil
function models.shown_verdict(one, there)
  if there.kind == "accepted" then
    if one.state == "retracted" then return "revise" end
    return (one.state == "rejected" or one.state == "skipped") and not there.grey and "accept" or nil
  end
  local answered = one.number > 0 and one.state ~= "candidate" and one.state ~= "rejected"
  return answered and there.kind == "rejected" and there.grey and "reject" or nil
end

---The regions that a model wants, by number.
---@param model Model
---@param keep_rejected boolean
---@return table<integer, Mark>
function models.wanted(model, keep_rejected)
  local marks = {}
  for number, one in pairs(model.candidates) do
    local kind = KIND[one.state]
    local out = kind == nil
      or (kind == "candidate" and (model.hidden or number ~= model.current))
      or (kind == "rejected" and (not keep_rejected or number <= (model.cleared or 0)))
    if not out then
      local name = models.own_name(model, number, kind, one.probability)
      if one.given then name = kind == "candidate" and one.typed or kind == "rejected" and "x " .. one.given or one.given end
      marks[number] = { number = number, kind = kind, start_s = one.start_s, end_s = one.end_s, name = name }
    end
  end
  return marks
end

---Whether two models of a session want regions of the same kinds for the same numbers.
---@param keep_rejected boolean
---@return boolean
function models.alike(one, other, keep_rejected)
  local wanted, also = models.wanted(one, keep_rejected), models.wanted(other, keep_rejected)
  for number, mark in pairs(wanted) do
    if not also[number] or also[number].kind ~= mark.kind then return false end
  end
  for number in pairs(also) do
    if not wanted[number] then return false end
  end
  return true
end

---What leads from another answer to a place, or from other edges, to this one.
---@param one Candidate
---@param before Candidate
---@return table[] commands
local function restated(one, before)
  local number, gone = one.number, one.state == "retracted"
  if number == 0 then return { gone and { "retract", 0 } or { "revise", 0, models.daemon_span(one) } } end
  local was_accepted = before.state == "accepted" or before.state == "retracted"
  if was_accepted and one.state == "accepted" then return { { "revise", number, models.daemon_span(one) } } end
  local list = {}
  if not (gone and before.state == "accepted") then
    list[1] = { "reanswer", number, models.verdict(gone and "accepted" or one.state), models.daemon_span(one) }
  end
  if gone then list[#list + 1] = { "retract", number } end
  return list
end

---Which of some places goes first to where another model has it: one whose time no other one still has.
---@param numbers integer[]
---@return integer index
local function next_free(model, other, numbers)
  for index, number in ipairs(numbers) do
    local free = true
    for _, still in ipairs(numbers) do
      free = free and (still == number or sounds_are_apart(model.candidates[number], other.candidates[still]))
    end
    if free then return index end
  end
  return 1
end

---What leads from another model's places up to a number to those of this one, the example first.
---@param model Model
---@param other Model
---@param last integer
---@return table[] commands
function models.restated_to(model, other, last)
  local list, numbers = {}, {}
  for number = 0, last do
    local one, before = model.candidates[number], other.candidates[number]
    if one and before and (models.differ(one, before) or models.is_accepted(one) and have_other_edges(one, before, EDGE_S)) then
      numbers[#numbers + 1] = number
    end
  end
  while numbers[1] do
    local number = table.remove(numbers, next_free(model, other, numbers))
    for _, command in ipairs(restated(model.candidates[number], other.candidates[number])) do list[#list + 1] = command end
  end
  return list
end

---From which number on the answers of a model are given anew where another one stands.
---@param model Model
---@param other Model
---@return integer
local function unshared(model, other)
  local shared = math.min(models.answers(model), models.answers(other))
  local first, apart
  for number = shared, 1, -1 do
    local one, there = model.candidates[number], other.candidates[number]
    if one and there and models.differ(one, there) then first = number end
    apart = apart or one and there and models.are_apart(models.daemon_proposal(one), models.daemon_proposal(there))
  end
  return apart and first or shared + 1
end

---The commands that lead the daemon from another model to this one. Where both were asked about other places since an answer that they
---do not share, all from that one on are given anew. A place is asked for before its answer where something else might be asked: after
---other answers to the places before, and where it was asked for before.
---@param model Model
---@param other Model
---@return table[]
function models.instead(model, other)
  local from = unshared(model, other)
  local taken_back = models.answers(other) >= from
  local list, asks = {}, false
  local function ask(one) list[#list + 1] = { "ask", models.daemon_proposal(one).start_s } end
  local finished = other.over == "finished" and not taken_back             -- an undo opens it again
  if finished and model.over ~= "finished" then list[#list + 1] = { "more", 0 } end
  if taken_back then list[#list + 1] = { "undo", from } end
  for _, command in ipairs(models.restated_to(model, other, from - 1)) do
    asks = asks or command[1] == "reanswer"
    list[#list + 1] = command
  end
  local open = other.candidates[from]
  local function is_asked(number)
    local one = model.candidates[number]
    if number == from and open then return models.are_apart(models.daemon_proposal(one), models.daemon_proposal(open)) end
    return one.requested
  end
  for _, command in ipairs(models.again(model, from)) do
    local number = command[2]
    local asked = is_asked(number)
    if command[1] == "answer" and (asks or asked) then ask(model.candidates[number]) end
    asks = asks or number == from and asked
    list[#list + 1] = command
  end
  if model.current and is_asked(model.current) then ask(model.candidates[model.current]) end
  if model.over == "finished" and not finished then list[#list + 1] = { "finish" } end
  if model.label ~= other.label then list[#list + 1] = { "rename", model.label } end
  return list
end

---The commands that give the answers from `number` on once more.
---@return table[]
function models.again(model, number)
  local list, last = {}, 0
  for key in pairs(model.candidates) do last = math.max(last, key) end
  for key = number, last do
    local one = model.candidates[key]
    local gone = one and one.state == "retracted"
    local verdict = one and models.verdict(gone and "accepted" or one.state)
    if verdict then list[#list + 1] = { "answer", key, one.first or verdict, models.daemon_span(one) } end
    if verdict and one.first and one.first ~= verdict then
      list[#list + 1] = { "reanswer", key, verdict, models.daemon_span(one) }
    end
    if gone then list[#list + 1] = { "retract", key } end
  end
  return list
end

return models
