-- The other direction of messages.lua: what the daemon writes and reads, for specs that play the daemon.
local messages = require("messages")
local osc = require("osc")

local daemon_side = {}

local function tags_of(header, list)
  for _, field in ipairs(list) do header = header .. field.tag end
  return header
end

function daemon_side.encode_event(name, instance, seq, values)
  local list, arguments = messages.events[name], { instance, seq }
  for index, field in ipairs(list) do arguments[index + 2] = values[field.name] end
  return osc.encode("/reatrieve/" .. name, tags_of("si", list), arguments)
end

function daemon_side.decode_command(packet)
  local message = osc.decode(packet)
  local name = message.address:match("^/reatrieve/([%w_]+)$")
  local list, fields = messages.commands[name], {}
  same(message.tags, tags_of("ssi", list))
  for index, field in ipairs(list) do fields[field.name] = message.values[index + 3] end
  return { name = name, client = message.values[1], token = message.values[2], id = message.values[3], fields = fields }
end

return daemon_side
