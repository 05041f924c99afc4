-- @noindex
--- OSC over UDP on loopback, by LuaSocket where it can be loaded: mavriq's ReaPack package or the system's own.

local carrier_udp = {}

local WINDOWS = package.config:sub(1, 1) == "\\"

---A library that carries a Lua of another version crashes REAPER, so the file is asked first: a Lua linked into it
---leaves its version text there ("$LuaVersion: Lua 5.4.6"), one without such a text uses the host's.
---@param file string
---@return boolean
local function fits_this_lua(file)
  local handle = io.open(file, "rb")
  if not handle then return true end
  local content = handle:read("a") or ""
  handle:close()
  local version = content:match("%$LuaVersion: (Lua %d%.%d)")
  return version == nil or version == _VERSION
end

---Folders where LuaSocket may be, with the pattern of its binary files.
---@param resource_path string reaper.GetResourcePath()
---@return { lua: string, binary: string }[]
local function places(resource_path)
  local sep = package.config:sub(1, 1)
  local mavriq = table.concat({ resource_path, "Scripts", "Mavriq ReaScript Repository", "Various", "Mavriq-Lua-Sockets", "" }, sep)
  local list = { { lua = mavriq .. "?.lua", binary = mavriq .. (WINDOWS and "?.dll" or "?.so") } }
  if not WINDOWS then
    local version = _VERSION:match("%d%.%d")
    local folders = { "/usr/lib/x86_64-linux-gnu/lua/", "/usr/lib/aarch64-linux-gnu/lua/", "/usr/local/lib/lua/", "/usr/lib/lua/" }
    for _, folder in ipairs(folders) do
      list[#list + 1] = { lua = "/usr/share/lua/" .. version .. "/?.lua", binary = folder .. version .. "/?.so" }
    end
  end
  return list
end

---@param resource_path string
---@return table? socket LuaSocket's core
---@return string? reason
local function load_socket(resource_path)
  if package.loaded["socket.core"] then return package.loaded["socket.core"] end
  if package.preload["socket.core"] then
    local ok, core = pcall(require, "socket.core")
    if ok then return core end
    return nil, tostring(core)
  end
  local sep = package.config:sub(1, 1)
  local lua_path, binary_path = package.path, package.cpath
  local reason = "LuaSocket is not installed"
  for _, place in ipairs(places(resource_path)) do
    local file = place.binary:gsub("%?", "socket" .. sep .. "core")
    if not fits_this_lua(file) then
      reason = ("the LuaSocket at %s is not for %s"):format(file, _VERSION)
    else
      package.path, package.cpath = place.lua, place.binary
      local ok, core = pcall(require, "socket.core")
      package.path, package.cpath = lua_path, binary_path
      if ok and type(core) == "table" and core.udp then return core end
    end
  end
  return nil, reason
end

---@param resource_path string
---@return table? carrier
---@return string? reason
function carrier_udp.new(resource_path)
  local core, reason = load_socket(resource_path)
  if not core then return nil, reason end
  local carrier = { name = "udp", repeat_s = 0.1, longest_repeat_s = 1.0, window = 32 }
  local socket

  ---@param info DaemonInfo
  ---@return boolean ok
  ---@return string? why
  function carrier.open(info)
    carrier.close()
    if info.port == 0 then return false, "the daemon has UDP switched off" end
    local made, why = core.udp()
    if not made then return false, tostring(why) end
    socket = made
    socket:settimeout(0)
    local ok, failure = socket:setpeername("127.0.0.1", info.port)
    if not ok then
      carrier.close()
      return false, tostring(failure)
    end
    return true
  end

  function carrier.send(packet)
    return socket ~= nil and socket:send(packet) ~= nil
  end

  ---The next packet, nil when there is none. A refused port shows as an error here; it is the same as silence.
  function carrier.receive()
    if not socket then return nil end
    local packet = socket:receive()
    return packet
  end

  function carrier.close()
    if socket then socket:close() end
    socket = nil
  end

  return carrier
end

return carrier_udp
