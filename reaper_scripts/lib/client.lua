--- The one script that keeps running: its loop, the queue of the actions, the tabs and their sessions, the link.

local action = require("action")
local answers = require("answers")
local audition = require("audition")
local carrier_spool = require("carrier_spool")
local carrier_udp = require("carrier_udp")
local daemon = require("daemon")
local finder = require("finder")
local link = require("link")
local markers = require("markers")
local news = require("news")
local panel = require("panel")
local restore = require("restore")
local selftest = require("selftest")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local tabs = require("tabs")
local watching = require("watching")
local work = require("work")

local client = {}

client.VERSION = "0.1.0"

local EVENTS_S = 0.008       -- share of a tick for what the daemon says

---@class Tab
---@field proj userdata
---@field path string
---@field sessions table[] in the order in which they were made
---@field active table?

local ctx = {
  now = 0.0,
  tabs = {},                 ---@type table<userdata, Tab>
  active_tab = nil,          ---@type Tab?
  owners = {},               -- session id -> { tab, session }
  jobs = {},
  asking = {},               -- tabs whose `sessions` has not been answered
  link = nil,
}

---A random id: a UUID in capitals, which project ext state does not change.
function ctx.new_id()
  return (reaper.genGuid(""):gsub("[{}]", ""):upper())
end

function ctx.home() return daemon.home(settings.get("home"), reaper.GetOS()) end

---@param id string
---@return Tab? tab
---@return table? session
function ctx.owner(id)
  local owner = ctx.owners[id]
  if owner then return owner[1], owner[2] end
end

function ctx.add(tab, s) ctx.owners[s.id] = { tab, s } end

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

function ctx.valid(tab) return reaper.ValidatePtr2(0, tab.proj, "ReaProject*") end

---@param tab Tab
---@param job Job
---@param failed fun(message: string)
---@param of (fun(): table?)? the session that it works for; dropping that ends the job
function ctx.start(tab, job, failed, of)
  ctx.jobs[#ctx.jobs + 1] = { tab = tab, job = job, failed = failed, session = of }
end

-- An error is shown where the user looks, with its place in the file; the loop lives on.
local function short(message)
  local place, text = tostring(message):match("([^/\\]+%.lua:%d+): ([^\n]*)")
  return place and ("error at %s: %s"):format(place, text) or tostring(message):match("[^\n]*")
end

local function guarded(func, ...)
  local ok, result = xpcall(func, debug.traceback, ...)
  if ok then return result end
  client.last_error = result
  status.say(short(result), true)
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

---Everything that lives in the daemon's memory only is asked for again.
local function on_connect()
  ctx.asking = {}
  for _, tab in pairs(ctx.tabs) do
    for _, s in ipairs(tab.sessions) do
      if s.phase == "open" or s.reconciling then
        s.rows = nil
        ctx.link:command("resume", { session = s.id })
        s.awaiting, s.asked_at = true, ctx.now
        if s.rest and not s.rest.accepting then s.rest = nil end
      end
    end
    if tab.searching and tab.searching.request then finder.send(ctx, tab.searching) end
    if tab.anchors then
      tab.anchors = nil
      markers.convert(ctx, tab)
    end
    if tab.export then markers.send_export(ctx, tab) end
    if tab.asked then tab.asked = false end
  end
end

local on = {}

function on.progress(tab, s, fields)
  if tab == ctx.active_tab then finder.progress(s, fields) end
end

function on.render_wanted(_, s, fields) finder.render_wanted(ctx, s, fields) end

local function now_at(tab, s, fields)
  if s.reconciling then
    if s.rows and s.rows.complete then restore.reconcile(ctx, tab, s, fields) end
  else
    news.now(ctx, tab, s, fields)
  end
end

on.candidate, on.done = now_at, now_at

function on.row(_, s, fields) news.row(s, fields) end
function on.rows_end(_, s) news.rows_end(s) end
function on.rest_row(_, s, fields) news.rest_row(s, fields) end
function on.rest_end(_, s, fields) news.rest_end(ctx, s, fields) end
function on.anchor(tab, s, fields) markers.anchor(tab, s, fields) end
function on.anchors_end(tab) markers.anchors_end(tab) end
function on.exported(tab, _, fields) markers.exported(tab, fields) end
function on.exported_end(tab) markers.exported_end(ctx, tab) end

function on.note(tab, s, fields)
  if not markers.note(tab, fields) then news.note(ctx, s, fields) end
end

function on.failed(tab, s, fields)
  if s.reconciling then
    s.reconciling, s.phase = nil, "lost"
    status.say(fields.text, true)
  elseif not markers.failed(tab, fields.text) then
    news.failed(ctx, tab, s, fields)
  end
end

---A controller pressed: the same as the key.
function on.verb(tab, s, fields)
  if tab.active ~= s then answers.activate(ctx, tab, s) end
  answers.verb(ctx, tab, s, fields.verb)
end

local function handle_event(event)
  if event.name == "stored" then
    restore.stored(ctx, event.fields)
  elseif event.name == "stored_end" then
    restore.stored_end(ctx)
  else
    local tab, s = ctx.owner(event.fields.session or "")
    if tab and ctx.valid(tab) and on[event.name] then on[event.name](tab, s, event.fields) end
  end
end

local function handle_events()
  local stop = reaper.time_precise() + EVENTS_S
  repeat
    local event = ctx.link:take()
    if not event then return end
    guarded(handle_event, event)
  until reaper.time_precise() > stop
end

local function tend(tab)
  if ctx.link.state == "up" and not tab.asked then restore.ask(ctx, tab) end
  if tab.searching and not tab.searching.placeholder then finder.tick(ctx, tab, tab.searching) end
  watching.look(ctx, tab)
  for _, s in ipairs(tab.sessions) do news.tick(ctx, tab, s) end
  markers.tick(ctx, tab)
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

-- Verbs ------------------------------------------------------------------------------------------------------------------------

local alone = {}             -- verbs that need no session

function alone.find(tab) finder.find(ctx, tab) end
function alone.clear(tab) answers.clear(tab) end
function alone.convert(tab) markers.convert(ctx, tab) end
function alone.export(tab) markers.export(ctx, tab) end
function alone.rename(tab) markers.rename(ctx, tab, answers.rename) end
function alone.settings() status.say(settings.dialog(), true) end
function alone.panel() panel.open() end

function alone.selftest(tab)
  ctx.start(tab, selftest.job(client.VERSION, function(text) status.say(text, true) end), function(message)
    status.say("self-test: " .. message, true)
  end)
end

function alone.next(tab)
  local usable = {}
  local at = 0
  for _, s in ipairs(tab.sessions) do
    if not s:absent() then
      usable[#usable + 1] = s
      if s == tab.active then at = #usable end
    end
  end
  if #usable < 2 then
    status.say("there is no other sound in this project", true)
    return
  end
  answers.activate(ctx, tab, usable[at % #usable + 1])
end

---What an action asks for, in the active tab.
---@param verb string
local function do_verb(verb)
  local tab = ctx.active_tab
  if not tab then return end
  if alone[verb] then
    alone[verb](tab)
    return
  end
  local owner, chosen = ctx.owner(verb:match("^sound (.+)$") or "")        -- a sound clicked in the panel
  if owner == tab and chosen then
    answers.activate(ctx, tab, chosen)
    return
  end
  local s = tab.searching or tab.active
  if tab.searching and tab.searching.placeholder then
    status.say("still reading the track", true)
  elseif not s or s:absent() and s.phase ~= "searching" then
    status.say("no search is open in this project: make a time selection and run Find sounds like the time selection", true)
  elseif verb == "play" then
    if s.model.current and s.model.hidden then steps.show(ctx, tab, s) end
    steps.play(tab, s)
  elseif s.job_running and verb == "finish" then
    ctx.drop(tab, s)
    status.say(("%s: search cancelled"):format(s.model.label), true)
  else
    answers.verb(ctx, tab, s, verb)
  end
end

client.do_verb = function(verb) guarded(do_verb, verb) end

local told_problem

---Something waits for the daemon, so its absence must be said.
local function complain()
  local problem = ctx.link.problem
  if problem and problem ~= told_problem then
    for _, tab in pairs(ctx.tabs) do
      if tab.searching or #tab.sessions > 0 then
        told_problem = problem
        status.say(problem, true)
        return
      end
    end
  elseif told_problem and not problem then
    told_problem = nil
    if ctx.active_tab and ctx.active_tab.active then steps.describe(ctx, ctx.active_tab.active, true) end
  end
end

---Whether the daemon has something to tell us.
local function open_business()
  if #ctx.asking > 0 then return true end
  for _, tab in pairs(ctx.tabs) do
    if tab.searching or #tab.sessions > 0 then return true end
  end
  return false
end

local function tick()
  ctx.now = reaper.time_precise()
  action.beat()
  ctx.link:receive(ctx.now)
  guarded(tabs.follow, ctx)
  for _, tab in pairs(ctx.tabs) do
    if ctx.valid(tab) then guarded(watching.look, ctx, tab) end    -- first: what the daemon says is for what stands there now
  end
  handle_events()
  for _, tab in pairs(ctx.tabs) do
    if ctx.valid(tab) then guarded(tend, tab) end
  end
  for _, verb in ipairs(action.take()) do client.do_verb(verb) end
  guarded(run_jobs)
  guarded(complain)
  ctx.link:send(ctx.now, open_business())
  guarded(audition.tick)
  status.tick()
  guarded(panel.tick, ctx, client.do_verb)
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
  pcall(panel.close)
  action.ended()
end

---Start the client. Started by the user (and not by an action) it opens the panel.
function client.run()
  if not (io and os and io.open) then
    reaper.Help_Set("ReaTrieve: this script was loaded in restricted mode; load it again without restrictions", false)
    return
  end
  if reaper.set_action_options then
    reaper.set_action_options(1 | 2)       -- started again: end this one, start anew
  elseif action.alive() then
    reaper.SetExtState("ReaTrieve", "queue", reaper.GetExtState("ReaTrieve", "queue") .. "panel\n", false)
    reaper.defer(function() end)           -- no undo point
    return
  end
  reaper.atexit(ended)
  action.register()
  action.beat()
  local version = reaper.GetAppVersion()
  ctx.link = link.new {
    read_info = function() return daemon.read(ctx.home()) end,
    carriers = carriers,
    new_id = ctx.new_id,
    on_connect = on_connect,
    version = client.VERSION,
    host = "REAPER " .. version,
    lua = _VERSION:match("[%d.]+"),
  }
  if reaper.GetExtState("ReaTrieve", "queue") == "" then panel.open() end
  loop()
end

return client
