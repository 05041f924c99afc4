-- @noindex
--- The one script that keeps running: its loop, the queue of the actions, the tabs and their sessions, the link.

local action = require("action")
local ahead = require("ahead")
local audition = require("audition")
local capabilities = require("capabilities")
local carrier_spool = require("carrier_spool")
local carrier_udp = require("carrier_udp")
local daemon = require("daemon")
local events = require("events")
local finder = require("finder")
local link = require("link")
local project = require("project")
local project_changes = require("project_changes")
local restore = require("restore")
local settings = require("settings")
local starter = require("starter")
local status = require("status")
local steps = require("steps")
local sync_markers = require("sync_markers")
local tabs = require("tabs")
local toggles = require("toggles")
local verbs = require("verbs")
local window = require("window")
local work = require("work")

local client = {}

client.VERSION = "0.1.0"

local EVENTS_S = 0.008       -- share of a tick for what the daemon says

---@class Context what every part of the client needs
local ctx = {
  version = client.VERSION,
  now = 0.0,
  tabs = {},                 ---@type table<userdata, Tab> by project
  active_tab = nil,          ---@type Tab?
  attention = nil,           ---@type { tab: Tab, now: number, start_s: number, end_s: number }? the view at the user's last key
  checked = false,           -- the sessions' invariants are checked in each tick
  owners = {},               ---@type table<string, table> session id -> { tab, session }
  jobs = {},                 ---@type { tab: Tab, job: Job, failed: fun(message: string), session: fun(): Session? }[]
  asking = {},               ---@type { tab: Tab, known: Session[], offered: table[] }[] `sessions` that are not answered yet
  ahead = ahead.new(),
  link = nil,
}

---A random id: a UUID in capitals, which project ext state does not change.
function ctx.new_id()
  return (reaper.genGuid(""):gsub("[{}]", ""):upper())
end

local resource_path        -- stays what it is as long as REAPER runs

function ctx.home()
  resource_path = resource_path or reaper.GetResourcePath()
  return daemon.home(settings.get("home"), reaper.GetOS(), resource_path)
end

---@param id string
---@return Tab? tab
---@return Session? session
function ctx.owner(id)
  local owner = ctx.owners[id]
  if owner then return owner[1], owner[2] end
end

function ctx.add(tab, s)
  ctx.owners[s.id] = { tab, s }
  if s:is_searching() then project.store(tab.proj, "SEARCHING", s.id) end      -- by that the project is known meanwhile
end

---Forget a session here; its journal stays.
function ctx.drop(tab, s)
  ctx.owners[s.id] = nil
  if tab.searching == s then tab.searching = nil end
  for index = #ctx.jobs, 1, -1 do
    local entry = ctx.jobs[index]
    if entry.session and entry.session() == s and coroutine.status(entry.job.thread) == "suspended" then
      table.remove(ctx.jobs, index)
      work.cancel(entry.job)
    end
  end
  for index, one in ipairs(tab.sessions) do
    if one == s then table.remove(tab.sessions, index) break end
  end
  if tab.active == s then tab.active = tab.sessions[#tab.sessions] end
end

---Forget a session here and in the daemon.
function ctx.discard(tab, s)
  ctx.link:command("discard", { session = s.id, op = ctx.new_id() })
  ctx.drop(tab, s)
end

function ctx.valid(tab) return reaper.ValidatePtr2(0, tab.proj, "ReaProject*") end

---Whether a tab is still open with the project that it had.
function ctx.has_tab(tab) return ctx.tabs[tab.proj] == tab and ctx.valid(tab) end

---@param tab Tab
---@param job Job
---@param failed fun(message: string)
---@param of (fun(): Session?)? the session that it works for; dropping that ends the job
function ctx.start(tab, job, failed, of)
  ctx.jobs[#ctx.jobs + 1] = { tab = tab, job = job, failed = failed, session = of }
end

---End a job that nobody needs any more.
---@param job Job
function ctx.stop(job)
  for index = #ctx.jobs, 1, -1 do
    if ctx.jobs[index].job == job then table.remove(ctx.jobs, index) end
  end
  work.cancel(job)
end

-- An error is shown where the user looks, with its place in the file; the loop lives on.
local function short(message)
  local line = tostring(message):match("[^\n]*")                -- what follows is the traceback
  local place, text = line:match("([^/\\]+%.lua:%d+): (.*)")
  return place and ("error at %s: %s"):format(place, text) or line
end

local function guarded(func, ...)
  local ok, result = xpcall(func, debug.traceback, ...)
  if ok then return result end
  client.last_error = result
  status.say(short(result), true, true)
end

-- The daemon -----------------------------------------------------------------------------------------------------------------

local udp, spool

---The carriers to try, best first.
local function carriers()
  local wanted = settings.get("carrier")
  local list = {}
  if wanted ~= "spool" then
    udp = udp or carrier_udp.new(reaper.GetResourcePath())
    if udp then list[#list + 1] = udp end
  end
  if wanted ~= "udp" or #list == 0 then
    spool = spool or carrier_spool.new(function(path) reaper.RecursiveCreateDirectory(path, 0) end)
    list[#list + 1] = spool
  end
  return list
end

local function on_connect()
  ctx.asking = {}
  ahead.reconnected(ctx)
  for _, tab in pairs(ctx.tabs) do
    if tab.searching then finder.reconnected(ctx, tab.searching) end
  end
end

local function on_connected()
  for _, tab in pairs(ctx.tabs) do
    events.reconnected(ctx, tab)
    tab.asked = false
  end
end

local function handle_events()
  local stop = reaper.time_precise() + EVENTS_S
  repeat
    local event = ctx.link:take()
    if not event then return end
    guarded(events.handle, ctx, event)
  until reaper.time_precise() > stop
end

local function update_tab(tab)
  if ctx.link.state == "up" and not tab.asked then restore.ask(ctx, tab) end
  if tab.searching then finder.tick(ctx, tab, tab.searching) end
  project_changes.look(ctx, tab)
  for _, s in ipairs(tab.sessions) do events.tick(ctx, tab, s) end
  sync_markers.tick(ctx, tab)
end

local function run_jobs()
  local entry = table.remove(ctx.jobs, 1)
  if not entry then return end
  if not ctx.valid(entry.tab) or ctx.tabs[entry.tab.proj] ~= entry.tab then
    work.cancel(entry.job)
    return
  end
  local ok, more = xpcall(work.step, function(message) return message end, entry.job)
  if ok and more then
    ctx.jobs[#ctx.jobs + 1] = entry        -- the next tick belongs to another job
  elseif not ok then
    client.last_error = more
    entry.failed(short(more))
  end
end

local function run_verb(verb) guarded(verbs.run, ctx, verb) end

local announced_problem

---Something waits for the daemon, so its absence must be said.
local function announce_problem()
  local problem = ctx.link.problem
  if problem and problem ~= announced_problem then
    for _, tab in pairs(ctx.tabs) do
      if tab.searching or tab.preparing or #tab.sessions > 0 then
        announced_problem = problem
        status.say(problem, true, true)
        return
      end
    end
  elseif announced_problem and not problem then
    announced_problem = nil
    if ctx.active_tab and ctx.active_tab.active then steps.describe(ctx, ctx.active_tab.active, true) end
  end
end

---Whether the daemon may have something to tell us.
local function expects_events()
  if #ctx.asking > 0 then return true end
  for _, tab in pairs(ctx.tabs) do
    if tab.searching or tab.preparing or #tab.sessions > 0 then return true end
  end
  return false
end

---Raise an error if a session is in a state that it cannot be in.
local function check_sessions()
  for _, owner in pairs(ctx.owners) do owner[2]:check() end
end

local function tick()
  ctx.now = reaper.time_precise()
  action.beat()
  ctx.link:receive(ctx.now)
  guarded(tabs.follow, ctx)
  for _, tab in pairs(ctx.tabs) do
    if ctx.valid(tab) then guarded(project_changes.look, ctx, tab) end    -- first: what the daemon says is for what stands there now
  end
  for _, verb in ipairs(action.take()) do run_verb(verb) end              -- and a key was pressed for what stands there now
  handle_events()
  for _, tab in pairs(ctx.tabs) do
    if ctx.valid(tab) then guarded(update_tab, tab) end
  end
  if ctx.active_tab then guarded(ahead.tick, ctx, ctx.active_tab, finder.earlier_search) end
  guarded(run_jobs)
  guarded(announce_problem)
  ctx.link:send(ctx.now, expects_events())
  guarded(audition.tick)
  status.tick()
  toggles.set("play", audition.playing())
  guarded(window.tick, ctx, run_verb)
  if ctx.checked then guarded(check_sessions) end
end

local function loop()
  guarded(tick)
  reaper.defer(loop)
end

local function ended()
  pcall(audition.stop)
  for _, entry in ipairs(ctx.jobs) do pcall(work.cancel, entry.job) end
  pcall(function() ctx.link:close(reaper.time_precise()) end)
  pcall(status.clear_tooltip)
  pcall(window.close)
  pcall(toggles.set, "play", false)
  action.ended()
end

---Start the client. Started by the user (and not by an action) it opens the window.
function client.run()
  if not (io and os and io.open) then
    reaper.Help_Set("ReaTrieve: this script was loaded in restricted mode; load it again without restrictions", false)
    return
  end
  local problem = capabilities.problem()
  if problem then
    reaper.Help_Set("ReaTrieve: " .. problem, false)
    return
  end
  if capabilities.has("script_options") then
    reaper.set_action_options(1 | 2)       -- started again: end this one, start anew
  elseif action.alive() then
    reaper.SetExtState("ReaTrieve", "queue", reaper.GetExtState("ReaTrieve", "queue") .. "window\n", false)
    reaper.defer(function() end)           -- no undo point
    return
  end
  reaper.atexit(ended)
  action.register()
  action.beat()
  ctx.checked = settings.get("check_sessions")
  local version = reaper.GetAppVersion()
  ctx.link = link.new {
    read_info = function()
      local home = ctx.home()
      return daemon.read(home), home and daemon.joined(home, "daemon.txt")
    end,
    carriers = carriers,
    new_id = ctx.new_id,
    on_connect = on_connect,
    on_connected = on_connected,
    starts_at_find = starter.at_find,
    version = client.VERSION,
    host = "REAPER " .. version,
    lua = _VERSION:match("[%d.]+"),
  }
  if reaper.GetExtState("ReaTrieve", "queue") == "" then window.open() end
  toggles.show()
  loop()
end

return client
