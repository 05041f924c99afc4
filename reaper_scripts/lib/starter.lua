-- @noindex
--- Starts the daemon: at Find, asked once, hidden; and a new one after an update, to which the old one gives way.

local daemon = require("daemon")
local settings = require("settings")
local shell = require("shell")
local status = require("status")

local starter = {}

local PATIENCE_S = 20.0
local STOP_S = 10.0
local DAEMON_S = 1.0         -- so long for a daemon to be there,
local CARRIERS_S = 4.5       -- and for one that is there to answer by one of the carriers
local TITLE = "ReaTrieve"
local QUESTION = "ReaTrieve's daemon, the program that does the searching, is not running.\n\nStart it now, and whenever it is "
  .. "needed?\n\nIt runs in the background and ends when REAPER has not asked for anything for a while."

---"0.1.0" as numbers that can be held against others.
local function numbers(version)
  local list = {}
  for number in version:match("^[%d.]*"):gmatch("%d+") do list[#list + 1] = tonumber(number) end
  return list
end

---@return boolean
function starter.is_newer(version, than)
  local a, b = numbers(version), numbers(than)
  for index = 1, math.max(#a, #b) do
    local one, other = a[index] or 0, b[index] or 0
    if one ~= other then return one > other end
  end
  return false
end

---The command line that starts the daemon.
---@param where Where
---@param home string
---@return string? line
---@return string? why
function starter.command(where, home)
  local list = { where.program }
  if where.argument ~= "" then list[#list + 1] = where.argument end
  for _, word in ipairs { "serve", "--background", "--home", home } do list[#list + 1] = word end
  return shell.hidden(list, where.console == "yes")
end

---Why the last start came to nothing, as the launcher wrote it down; nil if it says nothing.
local function reason(home)
  local last
  for line in shell.text(daemon.joined(home, "not-started.txt")):gmatch("[^\r\n]+") do last = line end
  return last and last:gsub("^reatrieve: error: ", "")
end

---@class Start
---@field home string
---@field instance string? of the daemon that ran before
---@field started number

---Start the daemon that was installed into this REAPER.
---@param resource_path string
---@return Start? start
---@return string? why
function starter.start(resource_path)
  local where = daemon.where(resource_path)
  if not where then return nil, "nothing was installed that could be started: run ReaTrieve: Setup" end
  if not daemon.exists(where.program) then return nil, where.program .. " is gone: run ReaTrieve: Setup" end
  local home = settings.get("home") ~= "" and settings.get("home") or where.home
  local line, why = starter.command(where, home)
  if not line then return nil, why end
  os.remove(daemon.joined(home, "not-started.txt"))
  local before = daemon.read(home)
  reaper.ExecProcess(line, -2)
  return { home = home, instance = before and before.instance, started = reaper.time_precise() }
end

---How a start goes.
---@param start Start
---@return boolean? well nil while it is under way
---@return string? why
function starter.look(start)
  local info = daemon.read(start.home)
  if info and info.instance ~= start.instance then return true end
  local why = reason(start.home)
  if why then return false, "the daemon did not start: " .. why end
  if reaper.time_precise() - start.started > PATIENCE_S then
    return false, ("the daemon did not start within %.0f s: run ReaTrieve: Setup, or reatrieve doctor in a terminal"):format(PATIENCE_S)
  end
end

---Ask the daemon of a home folder to end, by the file that it looks for.
---@param home string
---@return (fun(): boolean)? ended tells whether it has, or whether enough time has passed; nil where none runs
function starter.stop(home)
  local info = daemon.read(home)
  local file = info and io.open(daemon.joined(home, "give-way.txt"), "wb")
  if not info or not file then return nil end
  file:write(info.instance .. "\n")
  file:close()
  local asked = reaper.time_precise()
  return function()
    local now = daemon.read(home)
    return not now or now.instance ~= info.instance or reaper.time_precise() - asked > STOP_S
  end
end

---Whether the installed daemon is newer than the one that runs.
---@param info DaemonInfo
---@param resource_path string
---@return boolean
function starter.outdated(info, resource_path)
  local where = daemon.where(resource_path)
  return where ~= nil and starter.is_newer(where.version, info.version)
end

---Whether Find starts the daemon, or asks to.
---@return boolean
function starter.at_find()
  return settings.get("start_daemon") ~= "no" and daemon.where(reaper.GetResourcePath()) ~= nil
end

---Whether the daemon may be started: asks once, and remembers.
---@return boolean
function starter.allowed()
  local wanted = settings.get("start_daemon")
  if wanted ~= "ask" then return wanted == "yes" end
  local yes = reaper.MB(QUESTION, TITLE, 4) == 6
  settings.set("start_daemon", yes and "yes" or "no")
  return yes
end

---Inside a job: have a daemon to talk to, starting it where that is allowed. Returns when the link is up, or why it is not.
---@param ctx table
---@param pause fun() gives up the rest of the tick
---@return boolean up
---@return string? why
function starter.connect(ctx, pause)
  local resource_path = reaper.GetResourcePath()
  local start
  local since_s = ctx.now
  while true do
    if ctx.link.state == "up" and not start and ctx.link.info and starter.outdated(ctx.link.info, resource_path)
      and settings.get("start_daemon") == "yes" then
      start = starter.start(resource_path)
      status.say("the daemon is brought up to date")
    end
    if start then
      local well, why = starter.look(start)
      if well == false then return false, why end
      local started = well and ctx.link.state == "up" and ctx.link.info and ctx.link.info.instance ~= start.instance
      if started then return true end
      if well and ctx.now - start.started > PATIENCE_S then return false, ctx.link.problem or "the daemon does not answer" end
    elseif ctx.link.state == "up" then
      return true
    elseif ctx.link.problem and ctx.now > since_s + (ctx.link.info and CARRIERS_S or DAEMON_S) then
      if ctx.link.state == "refused" or not daemon.where(resource_path) then return false, ctx.link.problem end
      if not starter.allowed() then return false, "daemon not running: start it with `reatrieve serve`" end
      local why
      start, why = starter.start(resource_path)
      if not start then return false, why end
      status.say("starting the daemon")
    end
    pause()
  end
end

return starter
