-- @noindex
--- Lines of text as REAPER's stores keep them: one record a line, and a last line that tells whether anything was cut. Pure Lua.

local sealed = {}

-- FNV-1a over words of eight bytes.
local function checksum(text)
  local sum = 0x2bf29ce484222325
  local padded = text .. ("\0"):rep(-#text % 8)
  for position = 1, #padded, 8 do
    sum = (sum ~ (string.unpack("<i8", padded, position))) * 0x100000001b3
  end
  return ("%016X"):format(sum)
end

---A short text in place of a long one, to be compared.
---@param text string
---@return string
function sealed.mark(text) return checksum(text) end

---@param lines string[] without line ends
---@return string
function sealed.text(lines)
  local text = table.concat(lines, "\n")
  return ("%s\n=%d;%s"):format(text, #lines, checksum(text))
end

---@param text string
---@return string[] lines those that are there whole
---@return boolean whole nothing was cut or changed
function sealed.lines(text)
  local lines = {}
  local body, count, sum = text:match("^(.*)\n=(%d+);(%x+)$")
  for line in ((body or text) .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  if body and math.tointeger(tonumber(count)) == #lines and checksum(body) == sum then return lines, true end
  lines[#lines] = nil                 -- the last one may be cut
  return lines, false
end

return sealed
