-- @noindex
--- The track that Find would take, sent to the daemon before the user asks: when a time selection has rested for a second, nothing
--- records, and a daemon is there anyway. Nothing waits for it, nothing is said of it, and a tick costs one call of REAPER's API.

local accessor = require("accessor")
local settings = require("settings")
local track = require("track")
local work = require("work")

local ahead = {}

local REST_S = 1.0
ahead.LONGEST_S = 1800.0       -- as the daemon's limits.PREPARED_S
local RECORDING = 4

---@class Ahead
---@field proj userdata? the tab whose selection was seen last
---@field start_s number
---@field end_s number
---@field since number when the selection was seen first
---@field due boolean it has not been looked into yet
---@field sent Sent?
---@field taken Sent? what Find went on with last
---@field job Job? reads the track
---@field odd boolean looks at the transport in this tick, not at the selection

---@class Sent what the daemon prepares
---@field id string of the session that will search it
---@field client string the link's, when it was sent: another one means that the daemon knows nothing of it
---@field proj userdata
---@field track string GUID
---@field items TrackItem[]
---@field probes table[]
---@field start_s number
---@field end_s number
---@field retriever string

---@return Ahead
function ahead.new()
  return { start_s = 0.0, end_s = 0.0, since = 0.0, due = false, odd = false }
end

local function alike(a, b)
  if #a ~= #b then return false end
  for index, one in ipairs(a) do
    local other = b[index]
    for key, value in pairs(one) do
      if other[key] ~= value then return false end
    end
    for key in pairs(other) do
      if one[key] == nil then return false end
    end
  end
  return true
end

local function stop_job(ctx)
  if ctx.ahead.job then ctx.stop(ctx.ahead.job) end
  ctx.ahead.job = nil
end

---Let the daemon forget what was sent.
local function cancel(ctx)
  local sent = ctx.ahead.sent
  ctx.ahead.sent = nil
  if sent and sent.client == ctx.link.client then ctx.link:command("cancel", { session = sent.id }) end
end

---Whether the daemon has what was sent of a track.
---@param sent Sent?
---@return boolean
local function known(ctx, sent) return sent ~= nil and ctx.link.state == "up" and sent.client == ctx.link.client end

local function send(ctx, sent, with_track)
  if with_track then
    sent.client = ctx.link.client
    track.send(ctx.link, sent.id, sent.items, sent.probes)
  end
  ctx.link:command("prepare", { session = sent.id, start_s = sent.start_s, end_s = sent.end_s, retriever = sent.retriever,
    items = #sent.items })
end

---Whether the track can be prepared: nothing must be rendered first, and it is not too long.
local function suits(items)
  local first_s, last_s = math.huge, -math.huge
  for _, item in ipairs(items) do
    if item.render then return false end
    first_s, last_s = math.min(first_s, item.position_s), math.max(last_s, item.position_s + item.length_s)
  end
  return last_s - first_s <= ahead.LONGEST_S
end

---Read the track that Find would take now, and send what the daemon does not know.
---@param tab Tab
---@param searched fun(tab: Tab, the_track: userdata, start_s: number, end_s: number): Session? that Find would offer to go on with
local function read(ctx, tab, searched)
  local a = ctx.ahead
  local start_s, end_s, retriever = a.start_s, a.end_s, settings.get("retriever")
  local the_track = track.choose(tab.proj)
  if not the_track then return end
  local guid = track.guid(the_track)
  local sent = a.sent
  if sent and (sent.proj ~= tab.proj or sent.track ~= guid or sent.retriever ~= retriever) then
    cancel(ctx)
    sent = nil
  end
  if searched(tab, the_track, start_s, end_s) then return end
  local items = track.items(the_track, start_s, end_s)
  if not items then return end
  local same = sent and alike(items, sent.items)
  if same and known(ctx, sent) then
    if sent.start_s ~= start_s or sent.end_s ~= end_s then
      sent.start_s, sent.end_s = start_s, end_s
      send(ctx, sent, false)
    end
    return
  end
  cancel(ctx)
  if not suits(items) then return end
  if a.taken and alike(items, a.taken.items) then same, sent = true, a.taken end
  local probes = same and sent.probes or settings.get("probe") and accessor.probes(the_track, items) or {}
  a.sent = { id = ctx.new_id(), client = "", proj = tab.proj, track = guid, items = items, probes = probes, start_s = start_s,
    end_s = end_s, retriever = retriever }
  send(ctx, a.sent, true)
end

local function begin(ctx, tab, searched)
  local a = ctx.ahead
  if reaper.GetPlayStateEx(tab.proj) & RECORDING ~= 0 then
    a.since, a.due = ctx.now, true
    return
  end
  if not settings.get("prepare") then return cancel(ctx) end
  stop_job(ctx)
  local job
  job = work.job(function() read(ctx, tab, searched) end, function() if a.job == job then a.job = nil end end)
  a.job = job
  ctx.start(tab, job, function() end)    -- what cannot be read is Find's to say
end

---To be called in each tick, with the tab that the user is in.
---@param tab Tab
---@param searched fun(tab: Tab, the_track: userdata, start_s: number, end_s: number): Session?
function ahead.tick(ctx, tab, searched)
  local a = ctx.ahead
  if ctx.link.state ~= "up" then return end
  a.odd = not a.odd
  if a.odd and a.sent then
    if reaper.GetPlayStateEx(tab.proj) & RECORDING ~= 0 then
      cancel(ctx)
      a.since, a.due = ctx.now, true
    end
    return
  end
  if a.due and ctx.now - a.since >= REST_S and not tab.searching and not tab.preparing then
    a.due = false
    return begin(ctx, tab, searched)
  end
  local start_s, end_s = reaper.GetSet_LoopTimeRange2(tab.proj, false, false, 0, 0, false)
  if start_s > end_s then start_s, end_s = end_s, start_s end
  if start_s ~= a.start_s or end_s ~= a.end_s or tab.proj ~= a.proj then
    a.proj, a.start_s, a.end_s, a.since = tab.proj, start_s, end_s, ctx.now
    local length_s = end_s - start_s
    a.due = length_s >= track.SHORTEST_S and length_s <= track.LONGEST_S
  end
end

---The daemon has been met anew: it knows nothing of what was sent.
function ahead.reconnected(ctx)
  local a = ctx.ahead
  if a.sent then a.since, a.due = ctx.now, a.proj ~= nil end
end

---Find has been pressed: nothing else is read meanwhile.
function ahead.make_room(ctx)
  stop_job(ctx)
  ctx.ahead.due = false
end

---What was prepared of the track that is searched now, for Find to go on with, once. Of another track nothing more is prepared.
---@param items TrackItem[] as they are now
---@return Sent?
function ahead.take(ctx, proj, guid, items)
  local a = ctx.ahead
  local sent = a.sent
  if not sent then return nil end
  if sent.proj ~= proj or sent.track ~= guid or not alike(items, sent.items) then return cancel(ctx) end
  a.sent, a.taken = nil, sent
  return sent
end

ahead.is_known = known

return ahead
