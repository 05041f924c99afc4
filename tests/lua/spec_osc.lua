local daemon_side = require("daemon_side")
local messages = require("messages")
local osc = require("osc")

return {
  { "every type comes back", function()
    local values = { 7, -1.25, "Ölfaß", "\1\2\3", "" }
    local packet = osc.encode("/reatrieve/x", "idsbs", values)
    same(#packet % 4, 0)
    local message = osc.decode(packet)
    same(message.address, "/reatrieve/x")
    same(message.tags, "idsbs")
    same(message.values, values)
  end },
  { "doubles are exact", function()
    for _, value in ipairs { 1 / 3, 3599.123456789012, 0.1, -0.0, 1e300 } do
      same(osc.decode(osc.encode("/a", "d", { value })).values[1], value)
    end
  end },
  { "texts of every length", function()
    for length = 0, 9 do
      local text = ("x"):rep(length)
      same(osc.decode(osc.encode("/a", "sb", { text, text })).values, { text, text })
    end
  end },
  { "a text ends before a zero byte", function() same(osc.decode(osc.encode("/a", "s", { "a\0b" })).values[1], "ab") end },
  { "whole floats are integers, others are refused", function()
    same(osc.decode(osc.encode("/a", "i", { 3.0 })).values[1], 3)
    fails("whole number", osc.encode, "/a", "i", { 3.5 })
  end },
  { "too long is refused", function() fails("8000", osc.encode, "/a", "s", { ("x"):rep(8000) }) end },
  { "rubbish is refused, never an error", function()
    local good = osc.encode("/reatrieve/x", "isd", { 1, "two", 3.0 })
    for stop = 0, #good - 1 do same(osc.decode(good:sub(1, stop)), nil) end
    same(osc.decode(good .. "\0\0\0\0"), nil)
    same(osc.decode("#bundle\0"), nil)
    same(osc.decode("/a\0\0,T\0\0"), nil)
  end },
  { "commands and events come back", function()
    local fields = { session = "S", op = "o", number = 3, verdict = "accept", start_s = 1.5, end_s = 2.5 }
    local command = daemon_side.decode_command(messages.encode_command("answer", "client-1", "token", 9, fields))
    same(command, { name = "answer", client = "client-1", token = "token", id = 9, fields = fields })
    local row = { session = "S", number = 0, state = "example", start_s = 0.0, end_s = 1.0, score = 1.0, probability = 1.0 }
    same(messages.decode_event(daemon_side.encode_event("row", "i", 4, row)), { name = "row", instance = "i", seq = 4, fields = row })
  end },
  { "a missing field is named", function()
    fails("the field end_s is missing", messages.encode_command, "revise", "c", "t", 1, { session = "", op = "", number = 1, start_s = 0.0 })
  end },
  { "other arguments than the protocol's are refused", function()
    same(messages.decode_event(osc.encode("/reatrieve/ack", "sis", { "i", 0, "x" })), nil)
    same(messages.decode_event(osc.encode("/reatrieve/nonsense", "si", { "i", 0 })), nil)
    same(messages.decode_event(osc.encode("/other/ack", "sii", { "i", 0, 1 })), nil)
  end },
}
