-- @noindex
--- Every message of docs/protocol.md as data, and the codec between them and OSC bytes. Pure Lua.
-- A field is written "tag name"; commands have the header client, token, id; events the header instance, seq.

local osc = require("osc")

local messages = {}

messages.PROTOCOL = 2

local ROOT = "/reatrieve/"

local function fields(text)
  local list = {}
  for tag, name in text:gmatch("(%a) ([%w_]+)") do
    list[#list + 1] = { tag = tag, name = name }
  end
  return list
end

---@type table<string, { tag: string, name: string }[]>
messages.commands = {
  hello = fields("i protocol, s script_version, s host, s lua, s carrier"),
  seen = fields("i upto"),
  ping = fields(""),
  item = fields("s session, i index, s guid, s path, d position_s, d length_s, d offset_s, d rate, d section_start_s, "
    .. "d section_length_s, i reverse, i loop, i channel_mode, d gain, d pan, d fade_in_s, d fade_out_s, i fade_in_shape, "
    .. "i fade_out_shape, i accessor"),
  probe = fields("s session, i index, i page, i pages, d time_s, i rate_hz, b samples"),
  tempo = fields("s session, i index, d time_s, d bpm, i numerator, i denominator, d fullbeats, i measure"),
  known = fields("s session, i index, s verdict, d start_s, d end_s"),
  find = fields("s session, s label, s project, s track, d start_s, d end_s, i budget, s retriever, i items"),
  prepare = fields("s session, d start_s, d end_s, s retriever, i items"),
  cancel = fields("s session"),
  resume = fields("s session"),
  caught_up = fields("s session"),
  sessions = fields("s project"),
  answer = fields("s session, s op, i number, s verdict, d start_s, d end_s"),
  reanswer = fields("s session, s op, i number, s verdict, d start_s, d end_s"),
  ask = fields("s session, s op, d time_s"),
  undo = fields("s session, s op, i number"),
  retract = fields("s session, s op, i number"),
  revise = fields("s session, s op, i number, d start_s, d end_s"),
  more = fields("s session, s op, i extra"),
  rest = fields("s session, d above"),
  decide = fields("s session"),
  survey = fields("s session, i wanted"),
  accept_rest = fields("s session, s op, d above"),
  rename = fields("s session, s op, s label"),
  finish = fields("s session, s op"),
  discard = fields("s session, s op"),
  saved = fields("s session, s project"),
  anchors = fields("s session, s kind, d nudge_ms, i snap"),
  export = fields("s session, s folder, s targets, s audio, s audio_path, d audio_start_s, s anchor, d nudge_ms, i snap, i force"),
}

---@type table<string, { tag: string, name: string }[]>
messages.events = {
  welcome = fields("i protocol, s version, i upto"),
  refused = fields("s code, s text"),
  ack = fields("i upto"),
  pong = fields("i last_seq, i upto"),
  progress = fields("s session, s stage, d share"),
  render_wanted = fields("s session, i index, s why"),
  candidate = fields("s session, i number, d start_s, d end_s, d score, d probability, d remaining, i rejections, i budget, "
    .. "i accepted, i accept_valid, d accept_start_s, d accept_end_s, d accept_score, d accept_probability, i reject_valid, "
    .. "d reject_start_s, d reject_end_s, d reject_score, d reject_probability, i skip_valid, d skip_start_s, d skip_end_s, "
    .. "d skip_score, d skip_probability"),
  done = fields("s session, s reason, i rejections, i budget, i accepted"),
  row = fields("s session, i number, s state, d start_s, d end_s, d score, d probability"),
  rows_end = fields("s session, s label, i count, i rejections, i budget, i accepted"),
  stored = fields("s session, s label, s track, i answers, i accepted, s modified, i finished"),
  stored_end = fields("s project, i count"),
  rest_row = fields("s session, i index, d start_s, d end_s, d probability"),
  rest_end = fields("s session, d above, i count, i clear"),
  curve = fields("s session, i curve, i page, i pages, d start_s, d end_s, b values"),
  anchor = fields("s session, i number, d time_s"),
  anchors_end = fields("s session, i count"),
  exported = fields("s session, s target, s path"),
  exported_end = fields("s session, i count"),
  note = fields("s session, s code, s text"),
  failed = fields("s session, i id, s code, s text"),
  verb = fields("s session, s verb"),
}

---@param name string
---@param client string
---@param token string
---@param id integer 0 = unnumbered
---@param values table<string, any> by field name
---@return string packet
function messages.encode_command(name, client, token, id, values)
  local list = messages.commands[name] or error("unknown command " .. tostring(name), 2)
  local tags, arguments = { "ssi" }, { client, token, id }
  for index, field in ipairs(list) do
    local value = values[field.name]
    if value == nil then error(("%s: the field %s is missing"):format(name, field.name), 2) end
    tags[index + 1], arguments[index + 3] = field.tag, value
  end
  return osc.encode(ROOT .. name, table.concat(tags), arguments)
end

---@class Event
---@field name string
---@field instance string
---@field seq integer
---@field fields table<string, any>

---@param packet string
---@return Event?
---@return string? reason
function messages.decode_event(packet)
  local message, reason = osc.decode(packet)
  if not message then return nil, reason end
  local name = message.address:match("^/reatrieve/([%w_]+)$")
  local list = name and messages.events[name]
  if not list then return nil, "unknown message " .. message.address end
  local tags = { "si" }
  for index, field in ipairs(list) do tags[index + 1] = field.tag end
  if table.concat(tags) ~= message.tags then
    return nil, ("%s: type tags %s instead of %s"):format(name, message.tags, table.concat(tags))
  end
  local values = {}
  for index, field in ipairs(list) do values[field.name] = message.values[2 + index] end
  return { name = name, instance = message.values[1], seq = message.values[2], fields = values }
end

return messages
