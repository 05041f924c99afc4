-- @noindex
--- Where the daemon is: the folder both sides know (`home`) and what the daemon wrote into `daemon.txt` there.

local daemon = {}

local SEPARATOR = package.config:sub(1, 1)

local function joined(folder, ...)
  local parts = { (folder:gsub("[/\\]+$", "")), ... }
  return table.concat(parts, SEPARATOR)
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

---@class Where what `reatrieve install` or Setup has written into REAPER's resource folder
---@field home string
---@field python string "" for a program built without Python
---@field program string starts the daemon
---@field argument string goes before `serve`, "" for none
---@field console string "yes": Windows would open a console for it
---@field version string

---Our own folder in REAPER's resource folder.
---@param resource_path string reaper.GetResourcePath()
---@return string
function daemon.ours(resource_path) return joined(resource_path, "ReaTrieve") end

---What `where.txt` says, or nil where nothing was installed or it is not whole.
---@param resource_path string
---@return Where?
function daemon.where(resource_path)
  local file = io.open(joined(daemon.ours(resource_path), "where.txt"), "rb")
  if not file then return nil end
  local text = file:read(65536) or ""
  file:close()
  local values = {}
  for line in text:gmatch("[^\r\n]+") do
    local key, value = line:match("^(%w+) (.*)$")
    if key then values[key] = value end
  end
  for _, key in ipairs { "home", "python", "program", "argument", "console", "version" } do
    if not values[key] then return nil end
  end
  return values
end

local STORE_PYTHONS = { "3.10", "3.11", "3.12", "3.13" }

---Folders in which this platform's daemon may live, the likeliest first. REAPER does not see what is set in a shell only,
---Microsoft Store's Python keeps %LOCALAPPDATA% elsewhere, and a Flatpak has a data folder of its own.
---@param os_name string
---@return string[]
local function known_homes(os_name)
  local list = {}
  local function add(folder, ...)
    if folder and folder ~= "" then list[#list + 1] = joined(folder, ...) end
  end
  local user = os.getenv("HOME")
  if os_name:match("^Win") then
    local appdata = os.getenv("LOCALAPPDATA") or joined(os.getenv("USERPROFILE") or "C:", "AppData", "Local")
    add(appdata, "ReaTrieve")
    for _, version in ipairs(STORE_PYTHONS) do
      add(appdata, "Packages", ("PythonSoftwareFoundation.Python.%s_qbz5n2kfra8p0"):format(version), "LocalCache", "Local", "ReaTrieve")
    end
  elseif os_name:match("^OSX") or os_name:match("^macOS") then
    add(user, "Library", "Application Support", "ReaTrieve")
  else
    add(os.getenv("XDG_DATA_HOME"), "ReaTrieve")
    add(user, ".local", "share", "ReaTrieve")
    add(user, ".var", "app", "fm.reaper.Reaper", "data", "ReaTrieve")
  end
  return list
end

---The folder both sides know, as docs/protocol.md says: what the user has set, else of what was written into the resource
---folder and the known places the first in which a daemon is or was.
---@param setting string the setting `home`, "" for none
---@param os_name string what reaper.GetOS() says: "Win64", "OSX64", "macOS-arm64", "Other", ...
---@param resource_path string? reaper.GetResourcePath()
---@return string? folder
function daemon.home(setting, os_name, resource_path)
  if setting ~= "" then return setting end
  local named = os.getenv("REATRIEVE_HOME")
  if named and named ~= "" then return named end
  local where = resource_path and daemon.where(resource_path)
  local places = known_homes(os_name)
  if where then table.insert(places, 1, where.home) end
  for _, home in ipairs(places) do
    if exists(joined(home, "daemon.txt")) then return home end
  end
  return places[1]
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
daemon.exists = exists

return daemon
