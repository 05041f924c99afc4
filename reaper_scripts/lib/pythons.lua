-- @noindex
--- Where a Python may be on this machine. None is started but with `--version`, and none that would only open a shop or a dialog.

local daemon = require("daemon")
local shell = require("shell")

local pythons = {}

pythons.OLDEST, pythons.NEWEST = 10, 13        -- 3.10 to 3.13
local PREFERRED = { 12, 13, 11, 10 }

---@class Candidate
---@field path string

---Folders below one that fit a pattern.
local function below(folder, pattern)
  local found = {}
  for index = 0, 200 do
    local name = reaper.EnumerateSubdirectories(folder, index)
    if not name or name == "" then break end
    if name:match(pattern) then found[#found + 1] = name end
  end
  return found
end

local function add(list, known, path)
  if not known[path] and daemon.exists(path) then
    known[path] = true
    list[#list + 1] = path
  end
end

local function on_windows(add_one)
  local local_data = os.getenv("LOCALAPPDATA") or ""
  local roaming = os.getenv("APPDATA") or ""
  local programs = os.getenv("ProgramFiles") or "C:\\Program Files"
  for _, minor in ipairs(PREFERRED) do
    add_one(("%s\\Programs\\Python\\Python3%d\\python.exe"):format(local_data, minor))
    add_one(("%s\\Python3%d\\python.exe"):format(programs, minor))
    add_one(("C:\\Python3%d\\python.exe"):format(minor))
    for _, name in ipairs(below(roaming .. "\\uv\\python", ("^cpython%%-3%%.%d%%."):format(minor))) do
      add_one(("%s\\uv\\python\\%s\\python.exe"):format(roaming, name))
    end
    add_one(("%s\\Microsoft\\WindowsApps\\python3.%d.exe"):format(local_data, minor))
  end
end

local function on_unix(add_one, mac)
  local user = os.getenv("HOME") or ""
  for _, minor in ipairs(PREFERRED) do
    local name = "python3." .. minor
    if mac then
      add_one(("/Library/Frameworks/Python.framework/Versions/3.%d/bin/%s"):format(minor, name))
      add_one("/opt/homebrew/bin/" .. name)
    end
    add_one("/usr/local/bin/" .. name)
    add_one("/usr/bin/" .. name)
    for _, folder in ipairs(below(user .. "/.local/share/uv/python", ("^cpython%%-3%%.%d%%."):format(minor))) do
      add_one(("%s/.local/share/uv/python/%s/bin/python3"):format(user, folder))
    end
    for _, folder in ipairs(below(user .. "/.pyenv/versions", ("^3%%.%d%%."):format(minor))) do
      add_one(("%s/.pyenv/versions/%s/bin/python3"):format(user, folder))
    end
    for folder in (os.getenv("PATH") or ""):gmatch("[^:]+") do
      if not folder:find("/shims", 1, true) then add_one(folder .. "/" .. name) end
    end
  end
  add_one("/usr/local/bin/python3")
  add_one("/usr/bin/python3")
end

---Every Python that may be there, the likeliest to do first.
---@param os_name string reaper.GetOS()
---@return string[] paths
function pythons.candidates(os_name)
  local list, known = {}, {}
  local function add_one(path) add(list, known, path) end
  local named = os.getenv("REATRIEVE_PYTHON")
  if named and named ~= "" then                  -- the user's own choice, and no other
    for path in named:gmatch(os_name:match("^Win") and "[^;]+" or "[^:]+") do add_one(path) end
  elseif os_name:match("^Win") then
    on_windows(add_one)
  else
    on_unix(add_one, os_name:match("^OSX") ~= nil or os_name:match("^macOS") ~= nil)
  end
  return list
end

---The launcher of python.org, which knows them all; nil where there is none.
---@return string[]? command that lists them
function pythons.launcher()
  if (os.getenv("REATRIEVE_PYTHON") or "") ~= "" then return nil end
  for _, path in ipairs { (os.getenv("SystemRoot") or "C:\\Windows") .. "\\py.exe",
    (os.getenv("LOCALAPPDATA") or "") .. "\\Programs\\Python\\Launcher\\py.exe" } do
    if daemon.exists(path) then return { path, "-0p" } end
  end
end

---The Pythons that the launcher names, those that suit first.
---@param said string
---@return string[] paths
function pythons.listed(said)
  local by_minor, list = {}, {}
  for line in said:gmatch("[^\r\n]+") do
    local minor, path = line:match("3%.(%d+)[^\\/]-%s%*?%s*(%a:\\.+%.exe)%s*$")
    if minor and not line:match("%-32") then by_minor[tonumber(minor)] = by_minor[tonumber(minor)] or path end
  end
  for _, minor in ipairs(PREFERRED) do list[#list + 1] = by_minor[minor] end
  return list
end

---What `--version` said.
---@param path string
---@param well boolean? nil = nothing within the time
---@param said string
---@return boolean suits
---@return string text its name, or why it is passed over
function pythons.judged(path, well, said)
  if well == nil then return false, path .. " does not answer" end
  local major, minor = said:match("Python (%d+)%.(%d+)")
  if not well or not major then
    if path:find("WindowsApps", 1, true) then return false, path .. " only opens Microsoft's Store" end
    return false, path .. " does not run"
  end
  local number = tonumber(minor)
  if tonumber(major) ~= 3 or number < pythons.OLDEST then return false, ("%s is Python %s.%s: too old"):format(path, major, minor) end
  if number > pythons.NEWEST then
    return false, ("%s is Python %s.%s: there are no ready-made packages for it yet"):format(path, major, minor)
  end
  return true, ("Python %s.%s at %s"):format(major, minor, path)
end

---Whether a macOS Python is only the stub that offers to install Apple's tools; asked before it is started.
---@param path string
---@return string[]? command that fails where the tools are missing; nil where nothing has to be asked
function pythons.stub_check(path, os_name)
  if path == "/usr/bin/python3" and (os_name:match("^OSX") or os_name:match("^macOS")) then return { "/usr/bin/xcode-select", "-p" } end
end

---What to get where none will do.
---@param os_name string
---@return string[] lines
---@return string? address
function pythons.advice(os_name)
  if os_name:match("^Win") then
    return { "1. Get Python 3.12 for Windows, 64-bit, from python.org.", "2. Run it; Install Now is right.", "3. Press Look again." },
      "https://www.python.org/downloads/windows/"
  elseif os_name:match("^OSX") or os_name:match("^macOS") then
    return { "1. Get Python 3.12 for macOS from python.org.", "2. Open it and follow its steps.", "3. Press Look again." },
      "https://www.python.org/downloads/macos/"
  end
  return { "Install Python with venv, for example", "    sudo apt install python3 python3-venv", "and press Look again." }
end

pythons.run_version = function(path, out) return shell.run({ path, "--version" }, out) end

return pythons
