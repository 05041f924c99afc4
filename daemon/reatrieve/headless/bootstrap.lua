-- The Lua end of the headless host: builds `reaper` and `gfx` and runs one script. Loaded once in each script's own Lua
-- state, with `host_call(bytes) -> bytes` and the settings; returns `dispatch(bytes) -> bytes`. Everything that happens
-- outside Lua goes through host_call in the format of wire.py, so that it is the same for Lua inside the host's process
-- (lupa) and for an interpreter outside (bootstrap_main.lua).

local host_call, settings = ...

-- Scripts may overwrite any global and any function of the libraries: all that is used later is kept here.
local pack, unpack_at, select, type, rawequal = string.pack, string.unpack, select, type, rawequal
local byte, sub, rep, format = string.byte, string.sub, string.rep, string.format
local concat, table_unpack, table_move, floor, min = table.concat, table.unpack, table.move, math.floor, math.min
local math_type, traceback, error, tostring, ipairs = math.type, debug.traceback, error, tostring, ipairs
local upvalueid, sethook, setmetatable, xpcall, loadfile = debug.upvalueid, debug.sethook, setmetatable, xpcall, loadfile
local clock, getenv = os.clock, os.getenv

-- Pointers are light userdata: equal when they are the same, usable as keys, nothing to index. Plain Lua can make one as
-- the id of an upvalue, which is unique as long as its function lives.
local pointer_of, id_of, anchors = {}, {}, {}

local function pointer(id)
  local known = pointer_of[id]
  if known then return known end
  local upvalue = id
  local anchor = function() return upvalue end
  known = upvalueid(anchor, 1)
  anchors[known], id_of[known], pointer_of[id] = anchor, id, known
  return known
end

local sizes = setmetatable({}, { __mode = "k" })

local function pack_doubles(values, first, count)
  local parts, at = {}, first
  local last = first + count - 1
  while at <= last do
    local n = last - at + 1
    if n > 128 then n = 128 end
    parts[#parts + 1] = pack("<" .. rep("d", n), table_unpack(values, at, at + n - 1))
    at = at + n
  end
  return concat(parts)
end

local function unpack_doubles(data, into, first)
  local count, at, position = #data // 8, first, 1
  while count > 0 do
    local n = count > 128 and 128 or count
    local values = { unpack_at("<" .. rep("d", n), data, position) }
    table_move(values, 1, n, at, into)
    at, position, count = at + n, position + 8 * n, count - n
  end
  return into
end

local function pack_value(value)
  local kind = type(value)
  if kind == "nil" then return "n" end
  if kind == "boolean" then return value and "t" or "f" end
  if kind == "number" then
    if math_type(value) == "integer" then return pack("<c1i8", "i", value) end
    return pack("<c1d", "d", value)
  end
  if kind == "string" then return pack("<c1s4", "s", value) end
  if kind == "userdata" and id_of[value] then return pack("<c1I4", "p", id_of[value]) end
  if kind == "table" then
    local size = sizes[value]
    if size then return pack("<c1s4", "a", pack_doubles(value, 1, size)) end
    local length = #value
    for i = 1, length do
      if type(value[i]) ~= "number" then return pack("<c1s4", "o", kind) end
    end
    return pack("<c1s4", "l", pack_doubles(value, 1, length))
  end
  return pack("<c1s4", "o", kind)
end

local function pack_values(count, ...)
  local parts = { pack("B", count) }
  local values = { ... }
  for i = 1, count do parts[i + 1] = pack_value(values[i]) end
  return concat(parts)
end

local function read_values(data, position)
  local count
  count, position = unpack_at("B", data, position)
  local values = {}
  for i = 1, count do
    local tag = sub(data, position, position)
    position = position + 1
    if tag == "n" then
      values[i] = nil
    elseif tag == "t" then
      values[i] = true
    elseif tag == "f" then
      values[i] = false
    elseif tag == "i" then
      values[i], position = unpack_at("<i8", data, position)
    elseif tag == "d" then
      values[i], position = unpack_at("<d", data, position)
    elseif tag == "s" then
      values[i], position = unpack_at("<s4", data, position)
    elseif tag == "p" then
      local id
      id, position = unpack_at("<I4", data, position)
      values[i] = pointer(id)
    elseif tag == "l" then
      local doubles
      doubles, position = unpack_at("<s4", data, position)
      values[i] = unpack_doubles(doubles, {}, 1)
    end
  end
  return values, count, position
end

-- The stack levels between a failing call and the script's own line are the same for every function below.
local function call(name, count, ...)
  local reply = host_call(pack("<c1s4", "C", name) .. pack_values(count, ...))
  local status = byte(reply, 1)
  if status ~= 0 then error((unpack_at("<s4", reply, 2)), 3) end
  local values, returned, position = read_values(reply, 2)
  local arrays
  arrays, position = unpack_at("B", reply, position)
  for _ = 1, arrays do
    local argument, offset, doubles
    argument, offset, doubles, position = unpack_at("<BI4s4", reply, position)
    unpack_doubles(doubles, (select(argument, ...)), offset + 1)
  end
  return values, returned
end

-- reaper.array -------------------------------------------------------------------------------------------------------

local array_methods, array_meta = {}, {}

local function new_array(values, count, size)
  local array = values or {}
  for i = count + 1, size do array[i] = 0.0 end
  sizes[array] = size
  return setmetatable(array, array_meta)
end

local function span(array, offset, count)
  local size = sizes[array]
  offset = offset and floor(offset) or 1
  count = count and floor(count) or size - offset + 1
  if offset < 1 or count < 0 or offset + count - 1 > size then
    error(format("reaper.array: %d values from %d do not fit into %d", count, offset, size), 3)
  end
  return offset, count
end

function array_methods.clear(array, value, offset, count)
  offset, count = span(array, offset, count)
  for i = offset, offset + count - 1 do array[i] = (value or 0) + 0.0 end
end

function array_methods.table(array, offset, count)
  offset, count = span(array, offset, count)
  return table_move(array, offset, offset + count - 1, 1, {})
end

function array_methods.copy(array, source, source_offset, count, offset)
  source_offset, offset = source_offset or 1, offset or 1
  count = count or min((sizes[source] or #source) - source_offset + 1, sizes[array] - offset + 1)
  span(array, offset, count)
  for i = 0, count - 1 do array[offset + i] = source[source_offset + i] + 0.0 end
end

function array_methods.multiply(array, source, source_offset, count, offset)
  source_offset, offset = source_offset or 1, offset or 1
  count = count or min(sizes[source] - source_offset + 1, sizes[array] - offset + 1)
  span(array, offset, count)
  for i = 0, count - 1 do array[offset + i] = array[offset + i] * source[source_offset + i] end
end

function array_methods.resize(array, size)
  for i = size + 1, sizes[array] do array[i] = nil end
  for i = sizes[array] + 1, size do array[i] = 0.0 end
  sizes[array] = size
end

function array_methods.get_alloc(array) return sizes[array] end

for _, name in ipairs { "fft", "ifft", "fft_real", "ifft_real", "convolve" } do
  array_methods[name] = function(array, ...)
    call("reaper.array:" .. name, select("#", ...) + 1, array, ...)
  end
end

array_meta.__len = function(array) return sizes[array] end
array_meta.__index = function(array, key)
  local method = array_methods[key]
  if not method then
    error(format("reaper.array: no element or method %s (size %d)", tostring(key), sizes[array]), 2)
  end
  return function(first, ...)  -- both array.clear() and array:clear() are found in real scripts
    if rawequal(first, array) then return method(array, ...) end
    return method(array, first, ...)
  end
end
array_meta.__newindex = function(array, key)
  error(format("reaper.array: cannot set element %s of %d", tostring(key), sizes[array]), 2)
end

-- reaper -------------------------------------------------------------------------------------------------------------

local deferred, exits = {}, {}
reaper = {}

local function one_function(name, count, func)
  if count ~= 1 and (settings.checked or count == 0) then error(format("%s: 1 argument expected, got %d", name, count), 3) end
  if type(func) ~= "function" then
    error(format("bad argument #1 to '%s' (function expected, got %s)", name, type(func)), 3)
  end
end

local builtins = {
  defer = function(...)
    one_function("defer", select("#", ...), ...)
    deferred[#deferred + 1] = (...)
    return true
  end,
  atexit = function(...)
    if not settings.checked and select("#", ...) == 0 then return false end
    one_function("atexit", select("#", ...), ...)
    exits[#exits + 1] = (...)
    return true
  end,
  new_array = function(...)
    local count = select("#", ...)
    local first, size = ...
    if count > 2 then error(format("new_array: at most 2 arguments, got %d", count), 2) end
    if type(first) == "table" then
      local length = sizes[first] or #first
      size = size or length
      local values = {}
      for i = 1, min(length, size) do values[i] = first[i] + 0.0 end
      return new_array(values, min(length, size), floor(size))
    end
    size = first or size
    if type(size) ~= "number" or size < 1 or size > settings.largest_array then
      error(format("new_array: bad size %s (1 to %d)", tostring(size), settings.largest_array), 2)
    end
    return new_array(nil, 0, floor(size))
  end,
}
builtins.runloop = builtins.defer

for name in settings.functions:gmatch("[^\n]+") do
  reaper[name] = builtins[name] or function(...)
    local values, count = call(name, select("#", ...), ...)
    return table_unpack(values, 1, count)
  end
end

-- gfx: its variables are fields that both sides write --------------------------------------------------------------------

local sent = { "r", "g", "b", "a", "a2", "mode", "x", "y", "dest", "clear", "mouse_wheel", "mouse_hwheel",
  "ext_retina" }
local received = { "r", "g", "b", "a", "a2", "mode", "x", "y", "dest", "clear", "mouse_wheel", "mouse_hwheel",
  "ext_retina", "mouse_x", "mouse_y", "mouse_cap", "w", "h", "texth" }
gfx = { r = 1.0, g = 1.0, b = 1.0, a = 1.0, a2 = 1.0, mode = 0.0, x = 0.0, y = 0.0, dest = -1.0, clear = 0.0,
  mouse_wheel = 0.0, mouse_hwheel = 0.0, ext_retina = 0.0, mouse_x = 0.0, mouse_y = 0.0, mouse_cap = 0.0, w = 0.0, h = 0.0, texth = 8.0 }

local gfx_fields = gfx

local function gfx_call(name, count, ...)
  local state = {}
  for i, key in ipairs(sent) do
    local value = gfx_fields[key]
    if type(value) ~= "number" then error(format("gfx.%s is a %s, not a number", key, type(value)), 3) end
    state[i] = value + 0.0
  end
  local reply = host_call(pack("<c1s4", "G", name) .. pack_doubles(state, 1, #state) .. pack_values(count, ...))
  if byte(reply, 1) ~= 0 then error((unpack_at("<s4", reply, 2)), 3) end
  local position = 2
  for _, key in ipairs(received) do
    gfx_fields[key], position = unpack_at("<d", reply, position)
  end
  return read_values(reply, position)
end

for name in settings.gfx_functions:gmatch("[^\n]+") do
  gfx[name] = function(...)
    local values, count = gfx_call("gfx." .. name, select("#", ...), ...)
    return table_unpack(values, 1, count)
  end
end

-- What differs from a plain interpreter -----------------------------------------------------------------------------------

print = function(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  call("print", 1, concat(texts, "\t"))
end

os.exit = function() error("os.exit would end REAPER itself", 2) end

local environment = settings.environment
os.getenv = function(name)
  local value = environment[name]
  if value ~= nil then return value or nil end
  return getenv(name)
end

-- On Windows Lua's own loaders open files by names in the system's code page, while REAPER's io.open takes UTF-8.
if settings.ascii_require then
  local searchpath, find, gmatch = package.searchpath, string.find, string.gmatch
  package.searchpath = function(name, path, ...)
    local kept = {}
    for template in gmatch(path, "[^;]+") do
      if not find(template, "[\128-\255]") then kept[#kept + 1] = template end
    end
    return searchpath(name, concat(kept, ";"), ...)
  end
  local search = package.searchpath
  package.searchers[2] = function(name)
    local path, message = search(name, package.path)
    if not path then return message end
    local chunk, failure = loadfile(path)
    if not chunk then error(format("error loading module '%s' from file '%s':\n\t%s", name, path, failure), 0) end
    return chunk, path
  end
end

-- A stand-in for LuaSocket over the host's sockets; see sockets.py. Without it no LuaSocket is found, also where the
-- machine has one, as in stock REAPER.
if settings.sockets == "none" then
  for _, name in ipairs { "socket", "socket.core" } do
    package.preload[name] = function() error(format("module '%s' not found: stock REAPER has no sockets", name), 0) end
  end
elseif settings.sockets == "python" then
  local socket = {}
  local udp_methods = {}
  local function method(name)
    return function(self, ...)
      local values, count = call("socket." .. name, select("#", ...) + 1, self.id, ...)
      return table_unpack(values, 1, count)
    end
  end
  for name in ("settimeout setsockname setpeername getsockname getpeername send sendto receive receivefrom close"):gmatch("%a+") do
    udp_methods[name] = method(name)
  end
  function udp_methods.setoption() return 1 end
  local udp_meta = { __index = udp_methods, __tostring = function(self) return "udp{unconnected}: " .. self.id end }
  function socket.udp()
    local values = call("socket.udp", 0)
    return setmetatable({ id = values[1] }, udp_meta)
  end
  socket.udp4 = socket.udp
  function socket.gettime() return (call("socket.gettime", 0))[1] end
  socket._VERSION = "LuaSocket 3.0 (headless host)"
  socket._DATAGRAMSIZE = 8192
  package.preload["socket.core"] = function() return socket end
  package.preload["socket"] = function() return socket end
end

-- Steps: what the host asks for -------------------------------------------------------------------------------------------

local function trace(message)
  if type(message) ~= "string" then message = tostring(message) end
  return traceback(message, 2)
end

local deadline
local function watch()
  if clock() > deadline then
    error(format("the script blocked REAPER for more than %g s", settings.longest_step_s), 2)
  end
end

local function guarded(func, ...)
  deadline = clock() + settings.longest_step_s
  sethook(watch, "", 1000000)
  local ok, message = xpcall(func, trace, ...)
  sethook()
  if ok then return nil end
  return message
end

local steps = {}

function steps.R(path)  -- run the file
  local chunk, message = loadfile(path)
  if not chunk then return message end
  return guarded(chunk)
end

function steps.D()  -- one round of deferred functions: those deferred meanwhile wait for the next
  local round = deferred
  deferred = {}
  for _, func in ipairs(round) do
    local message = guarded(func)
    if message then
      deferred = {}
      return message
    end
  end
end

function steps.X()  -- the exit functions
  deferred = {}
  local round, first = exits, nil
  exits = {}
  for _, func in ipairs(round) do
    local message = guarded(func)
    first = first or message
  end
  deferred = {}
  return first
end

return function(command)
  local message = steps[sub(command, 1, 1)](sub(command, 2))
  return pack("<I4s4", #deferred, message or "")
end
