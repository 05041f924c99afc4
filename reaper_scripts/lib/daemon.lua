--- Where the daemon is: the folder both sides know (`home`) and what the daemon wrote into `daemon.txt` there.

local daemon = {}

local SEPARATOR = package.config:sub(1, 1)

local function joined(folder, ...)
  local parts = { (folder:gsub("[/\\]+$", "")), ... }
  return table.concat(parts, SEPARATOR)
end

---The folder both sides know, as docs/protocol.md says.
---@param setting string the setting `home`, "" for the platform's place
---@param os_name string what reaper.GetOS() says: "Win64", "OSX64", "macOS-arm64", "Other", ...
---@return string? folder
function daemon.home(setting, os_name)
  if setting ~= "" then return setting end
  local named = os.getenv("REATRIEVE_HOME")
  if named and named ~= "" then return named end
  if os_name:match("^Win") then
    local appdata = os.getenv("LOCALAPPDATA")
    return appdata and joined(appdata, "ReaTrieve")
  end
  local user = os.getenv("HOME")
  if os_name:match("^OSX") or os_name:match("^macOS") then
    return user and joined(user, "Library", "Application Support", "ReaTrieve")
  end
  local data = os.getenv("XDG_DATA_HOME")
  if data and data ~= "" then return joined(data, "ReaTrieve") end
  return user and joined(user, ".local", "share", "ReaTrieve")
end

---@class DaemonInfo
---@field protocol integer
---@field version string
---@field instance string
---@field port integer 0 when UDP is off
---@field token string
---@field spool string
---@field home string

---What `daemon.txt` says, or nil when it is not there or not whole.
---@param home string?
---@return DaemonInfo?
function daemon.read(home)
  if not home then return nil end
  local file = io.open(joined(home, "daemon.txt"), "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  local values = {}
  for key, value in (text or ""):gmatch("([%w_]+) ([^\r\n]*)") do values[key] = value end
  if not (values.instance and values.token and values.protocol) then return nil end
  return {
    protocol = math.tointeger(tonumber(values.protocol)) or 0,
    version = values.version or "?",
    instance = values.instance,
    port = math.tointeger(tonumber(values.port)) or 0,
    token = values.token,
    spool = values.spool or joined(home, "spool"),
    home = home,
  }
end

daemon.joined = joined

return daemon
