-- Runs bootstrap.lua in an interpreter of its own: frames on standard input and output, a tag, a length and bytes.
-- From the host: B the bootstrap, S the settings, D a step, R the answer to a call. To the host: C a call, E a step's end.

local input, output, exit = io.stdin, io.stdout, os.exit
output:setvbuf("full")

local function receive()
  local head = input:read(5)
  if not head or #head < 5 then exit(0) end
  local length = string.unpack("<I4", head, 2)
  return head:sub(1, 1), length > 0 and input:read(length) or ""
end

local function send(tag, data)
  output:write(tag, string.pack("<s4", data))
  output:flush()
end

local function host_call(data)
  send("C", data)
  local _, answer = receive()
  return answer
end

-- What a script writes must not get between the frames.
io.stdout, io.write = io.stderr, function(...) return io.stderr:write(...) end

local _, bootstrap = receive()
local _, settings = receive()
local dispatch = assert(load(bootstrap, "=reaper"))(host_call, assert(load("return " .. settings))())
while true do
  local head = input:read(5)
  if not head or #head < 5 then exit(0) end
  send("E", dispatch(input:read((string.unpack("<I4", head, 2)))))
end
