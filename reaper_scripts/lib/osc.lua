-- @noindex
--- OSC 1.0 messages to and from bytes: the type tags i d s b, as docs/protocol.md uses them. Pure Lua.

local osc = {}

---Longest message either side sends, in bytes.
osc.MAX_BYTES = 8000

local ZEROS = { [0] = "\0\0\0\0", "\0\0\0", "\0\0", "\0" }

local function padded(text)
  return text .. ZEROS[#text % 4]
end

local encoders = {
  i = function(value) return string.pack(">i4", math.tointeger(value) or error("not a whole number: " .. tostring(value))) end,
  d = function(value) return string.pack(">d", value) end,
  s = function(value)
    local text = tostring(value):gsub("%z", "")
    return padded(text)
  end,
  b = function(value) return string.pack(">I4", #value) .. value .. ("\0"):rep(-#value % 4) end,
}

---Bytes of one message.
---@param address string begins with "/"
---@param tags string one letter of `idsb` for each value
---@param values any[]
---@return string
function osc.encode(address, tags, values)
  local parts = { padded(address), padded("," .. tags) }
  for index = 1, #tags do
    local encode = encoders[tags:sub(index, index)] or error("unknown OSC type tag in " .. tags)
    parts[#parts + 1] = encode(values[index])
  end
  local packet = table.concat(parts)
  if #packet > osc.MAX_BYTES then
    error(("%s: %d bytes are more than the %d of one message"):format(address, #packet, osc.MAX_BYTES))
  end
  return packet
end

local function read_string(packet, position)
  local stop = packet:find("\0", position, true)
  if not stop then error("a string without end") end
  return packet:sub(position, stop - 1), position + ((stop - position) // 4 + 1) * 4
end

local decoders = {
  i = function(packet, position) return string.unpack(">i4", packet, position) end,
  d = function(packet, position) return string.unpack(">d", packet, position) end,
  f = function(packet, position) return string.unpack(">f", packet, position) end,
  s = read_string,
  b = function(packet, position)
    local data, after = string.unpack(">s4", packet, position)
    return data, after + -#data % 4
  end,
}

local function decode(packet)
  if packet:sub(1, 1) ~= "/" then error("no address") end
  local address, position = read_string(packet, 1)
  local tags
  tags, position = read_string(packet, position)
  if tags:sub(1, 1) ~= "," then error("no type tags") end
  tags = tags:sub(2)
  local values = {}
  for index = 1, #tags do
    local read = decoders[tags:sub(index, index)] or error("unknown type tag in " .. tags)
    values[index], position = read(packet, position)
  end
  if position ~= #packet + 1 then error("bytes left over") end
  return { address = address, tags = tags, values = values }
end

---What one packet says, or nil and the reason for whatever is not one whole OSC message.
---@param packet string
---@return { address: string, tags: string, values: any[] }?
---@return string? reason
function osc.decode(packet)
  local ok, message = pcall(decode, packet)
  if ok then return message end
  return nil, tostring(message)
end

return osc
