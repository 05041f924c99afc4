-- @noindex
--- A session as text, as a project's ext state keeps it: one record a line. Pure Lua.

local history = require("history")
local models = require("models")
local sealed = require("sealed")
local session = require("session")

local ext_state = {}

-- Versions up to 0.1 named the kinds of regions otherwise; what they stored is still read.
local OLD_KINDS = { kept = "accepted", asked = "candidate", refused = "rejected" }

local LONGEST_PATH = 2048            -- of a source: REAPER cuts lines at 4,095 bytes

local function escaped(text)
  return (text:gsub("[%c%%|;]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function joined(...)
  local list = table.pack(...)
  for index = 1, list.n do
    if math.type(list[index]) == "float" then list[index] = ("%.17g"):format(list[index]) end
  end
  return table.concat(list, ";")
end

---@param s Session
---@return string one record a line
function ext_state.encode(s)
  local model, marks = s.model, s:step().marks
  local parts = { joined(escaped(s.track), s.colour, escaped(model.label), model.current or "", model.over or "",
    models.answers(model), s.shift_s, s.outdated and 1 or 0, model.offset or 0) }
  -- First what nothing else tells again, should the text be cut.
  for other in pairs(s.replaced) do parts[#parts + 1] = joined("replaced", escaped(other)) end
  for guid, number in pairs(s.removed) do parts[#parts + 1] = joined("removed", number, escaped(guid)) end
  for guid, item in pairs(s.layout or {}) do
    parts[#parts + 1] = joined("item", escaped(guid), item.position_s, item.length_s, item.offset_s, item.rate,
      escaped(#(item.source or "") <= LONGEST_PATH and item.source or ""))
  end
  for number, one in pairs(model.candidates) do
    local offset = one.sound_offset
    -- The record is called "left" in the projects that versions up to now have saved.
    if offset then parts[#parts + 1] = joined("left", number, offset.start_s, offset.end_s, offset.stays and 1 or 0) end
    if one.requested then parts[#parts + 1] = joined("requested", number) end
    if one.carried then parts[#parts + 1] = joined("carried", number, one.carried.start_s, one.carried.end_s) end
  end
  for number in pairs(s.strayed) do parts[#parts + 1] = joined("strayed", number) end
  if model.cleared then parts[#parts + 1] = joined("cleared", model.cleared) end
  local marked = {}
  for guid, mark in pairs(marks) do
    local one = model.candidates[mark.number]
    if one then
      marked[mark.number] = true
      parts[#parts + 1] = joined(mark.number, escaped(guid), mark.kind, escaped(mark.name), mark.start_s, mark.end_s, one.state,
        one.probability)
    end
  end
  for number, one in pairs(model.candidates) do
    if not marked[number] and one.state ~= "candidate" then        -- answered, and no region stands for it
      parts[#parts + 1] = joined(number, "", "", "", one.start_s, one.end_s, one.state, one.probability)
    end
  end
  for guid, number in pairs(s.history.known) do
    local stands = marks[guid] and model.candidates[number]
    if not stands then parts[#parts + 1] = joined(number, escaped(guid)) end     -- an undo may bring it back
  end
  return sealed.text(parts)
end

local function split(text, separator)
  local list = {}
  for part in (text .. separator):gmatch("(.-)" .. separator) do list[#list + 1] = part end
  return list
end

local KINDS = { accepted = true, candidate = true, rejected = true }
local STATES = { example = true, accepted = true, rejected = true, skipped = true, retracted = true, candidate = true }

---A finite number of a record.
---@param text string?
---@param least number?
---@return number? nil: it is none, or out of range
local function finite(text, least)
  local value = tonumber(text)
  local good = value and math.abs(value) < math.huge and value >= (least or value)
  return good and value or nil
end

---A whole number of a record, not below 0.
local function counted(text) return math.tointeger(finite(text, 0)) end

---Where a record says that something stands.
local function span(start_text, end_text)
  local start_s, end_s = finite(start_text), finite(end_text)
  if start_s and end_s and start_s <= end_s then return start_s, end_s end
end

-- A record that makes no sense is left out, and the journal is asked for what it told: the seal fits what was written, not its sense.

---@param id string
---@param text string
---@return Session? session in the state "stored"; nil when the text is not one of ours
function ext_state.decode(id, text)
  local lines, whole
  local old = not text:find("\n", 1, true)           -- versions up to 0.1 wrote one line, without a seal
  if old then lines = split(text, "|") else lines, whole = sealed.lines(text) end
  if not lines[1] then return nil end
  local head = split(lines[1], ";")
  if #head < 6 then return nil end
  local model = { label = unescaped(head[3]), candidates = {}, current = counted(head[4]),
    over = head[5] ~= "" and head[5] or nil }
  local offset = counted(head[9]) or 0
  if offset > 0 then model.offset = offset end
  local shift_s = head[7] == nil and 0 or finite(head[7])
  local sound = shift_s ~= nil and (model.current ~= nil or head[4] == "")         -- every record makes sense
  local marks, gone, layout, offsets, carried, requested, strayed, replaced, removed = {}, {}, nil, {}, {}, {}, {}, {}, {}
  for index = 2, #lines do
    local field = split(lines[index], ";")
    local what, number = field[1], counted(field[1])
    local good = what:match("^%l%l%l%l+$") ~= nil          -- of a later version, unless it is one of these
    if what == "left" then
      local one, start_s, end_s = counted(field[2]), finite(field[3]), finite(field[4])
      good = one ~= nil and start_s ~= nil and end_s ~= nil
      if good then offsets[one] = { start_s = start_s, end_s = end_s, stays = field[5] == "1" or nil } end
    elseif what == "carried" then
      local one, start_s, end_s = counted(field[2]), finite(field[3]), finite(field[4])
      good = one ~= nil and start_s ~= nil and end_s ~= nil
      if good then carried[one] = { start_s = start_s, end_s = end_s } end
    elseif what == "requested" then
      local one = counted(field[2])
      good = one ~= nil
      if good then requested[one] = true end
    elseif what == "strayed" then
      local one = counted(field[2])
      good = one ~= nil
      if good then strayed[one] = true end
    elseif what == "cleared" then
      model.cleared = counted(field[2])
      good = model.cleared ~= nil
    elseif what == "replaced" then
      good = field[2] ~= nil
      if good then replaced[unescaped(field[2])] = true end
    elseif what == "removed" then
      local one = counted(field[2])
      good = one ~= nil and #field == 3
      if good then removed[unescaped(field[3])] = one end
    elseif what == "item" then
      local position_s, length_s, offset_s, rate = finite(field[3]), finite(field[4], 0), finite(field[5]), finite(field[6], 0)
      good = position_s ~= nil and length_s ~= nil and offset_s ~= nil and rate ~= nil and rate > 0
      if good then
        layout = layout or {}
        layout[unescaped(field[2])] = { position_s = position_s, length_s = length_s, offset_s = offset_s, rate = rate,
          source = field[7] and field[7] ~= "" and unescaped(field[7]) or nil }
      end
    elseif number and (#field == 2 or field[7] == "") then
      good = true
      gone[unescaped(field[2])] = number
    elseif number and #field >= 8 then
      local start_s, end_s = span(field[5], field[6])
      local kind, probability = OLD_KINDS[field[3]] or field[3], finite(field[8])
      good = start_s ~= nil and probability ~= nil and STATES[field[7]] and (field[2] == "" or KINDS[kind]) or false
      if good and field[2] ~= "" then
        marks[unescaped(field[2])] = { number = number, kind = kind, name = unescaped(field[4]), start_s = start_s, end_s = end_s }
      end
      if not good and field[2] ~= "" then
        gone[unescaped(field[2])] = number           -- its region is known by that
      elseif good then
        model.candidates[number] = { number = number, state = field[7], start_s = start_s, end_s = end_s,
          proposed_start_s = start_s, proposed_end_s = end_s, probability = probability }
      end
    end
    sound = sound and good
  end
  for _, mark in pairs(marks) do
    local one = model.candidates[mark.number]
    local own = models.own_name(model, mark.number, mark.kind, one.probability)
    if mark.name ~= own then model = models.named(model, mark.number, mark.name) end
  end
  for number, sound_offset in pairs(offsets) do
    if model.candidates[number] then model.candidates[number].sound_offset = sound_offset end
  end
  for number, by in pairs(carried) do
    if model.candidates[number] then model.candidates[number].carried = by end
  end
  for number in pairs(requested) do
    if model.candidates[number] then model.candidates[number].requested = true end
  end
  local answers = counted(head[6]) or 0
  if old then whole = #lines > 1 and models.answers(model) == answers end
  for number, one in pairs(model.candidates) do
    if one.state == "candidate" and number ~= model.current then model.candidates[number], sound = nil, false end
  end
  local current = model.candidates[model.current or -1]
  if not current or current.state ~= "candidate" then model.current = nil end
  local cut = not (whole and sound)
  if cut then layout = nil end                       -- an item that it lacks would count as a new one
  local steps = history.new(model, marks, shift_s)
  for guid, number in pairs(gone) do steps:know(guid, number) end
  return session.stored { id = id, track = unescaped(head[1]), colour = math.tointeger(tonumber(head[2])) or 1, history = steps,
    answers_in_project = answers, stored_text = text, cut = cut,
    layout = layout, shift_s = shift_s, outdated = head[8] == "1", strayed = strayed, replaced = replaced,
    removed = removed }
end

return ext_state
