-- @noindex
--- Reliable commands and events over a carrier that may lose, double and reorder (docs/protocol.md, "Link"). Pure Lua:
-- carriers, clock and the reading of daemon.txt are passed in.
--
-- Whenever the client meets a daemon anew (first time, new instance, forgotten, long silence) it takes a new client id:
-- all numbers begin at 1 on both sides then, and nothing of an earlier try can be mistaken for something of this one.

local messages = require("messages")

local link = {}
link.__index = link

local LOOK_S = 1.0           -- between two looks at daemon.txt
local LOOK_DOWN_S = 0.25     -- the same while there is no daemon
local HELLO_S = 0.3          -- between two hellos
local ANSWER_S = 1.0         -- after this without a welcome the user is told
local PING_S = 0.5
local SILENT_S = 2.5         -- pings unanswered for so long: say hello again
local SEEN_S = 0.25
local ACTIVE_S = 5.0         -- after this long without a command or an event everything is said less often
local IDLE_FACTOR = 8
local PACKETS_A_TICK = 200
local LARGEST_BACKLOG = 4096

-- Sent again to a new instance, like all that changes a session; everything else is asked for again by whoever wants it.
local SENT_AGAIN = { saved = true, cancel = true }

---@class LinkOptions
---@field read_info fun(): DaemonInfo?, string? what it says, and the file it was looked for in
---@field carriers fun(): table[] the carriers to try, best first; told to open with (info, client)
---@field new_id fun(): string
---@field on_connect fun() called at each welcome, to ask again for searches that live in the daemon's memory only
---@field on_connected fun() called after that, when the commands that were kept are queued: to ask for all else
---@field starts_at_find fun(): boolean whether Find starts the daemon where none runs
---@field version string
---@field host string
---@field lua string

---@param options LinkOptions
function link.new(options)
  return setmetatable({
    options = options,
    state = "down",          -- down, hello, up, refused
    info = nil,              ---@type DaemonInfo?
    carrier = nil,
    client = "",
    pending = {},            -- commands not acked yet, in order
    next_id = 1,
    acked = 0,
    handled = 0,
    early = {},              -- events that came before their turn, by seq
    ready = {},              -- events in order, not yet taken
    received = 0,            -- highest seq put into ready
    problem = nil,           ---@type string?
    absent = nil,            ---@type string? what was said of a daemon that is not there
    dropped = 0,             -- malformed packets
    looked_at = -math.huge,
    hello_at = -math.huge,
    hello_since = nil,
    heard_at = -math.huge,
    ping_at = -math.huge,
    ping_since = nil,
    seen_at = -math.huge,
    seen_due = false,
    active = false,          -- something has crossed since the last tick
    active_at = -math.huge,
    tries = 0,
  }, link)
end

---Queue a command; it is kept and repeated until acked.
---@param name string
---@param values table<string, any>
---@return table command `command.id` is its number once it has been sent
function link:command(name, values)
  local command = { name = name, values = values }
  self.pending[#self.pending + 1] = command
  self.active = true
  return command
end

---The next event in order, or nil.
---@return Event?
function link:take()
  local event = table.remove(self.ready, 1)
  if event then
    self.handled = event.seq
    self.seen_due = true
  end
  return event
end

---Whether the daemon has not acked a command yet; one that a new connection dropped is not pending either.
---@param command table as `command` returned it
---@return boolean
function link:is_pending(command)
  for _, one in ipairs(self.pending) do
    if one == command then return true end
  end
  return false
end

---Whether the daemon has not acked a change of a session yet.
---@param session string
---@return boolean
function link:is_changing(session)
  for _, one in ipairs(self.pending) do
    if one.values.op and one.values.session == session then return true end
  end
  return false
end

---Whether every command so far has been acked.
---@return boolean
function link:all_acked()
  return #self.pending == 0
end

---Whether, besides, everything the daemon has said so far has been taken.
---@return boolean
function link:idle()
  return self:all_acked() and #self.ready == 0
end

function link:_send(name, values, id)
  return self.carrier ~= nil
    and self.carrier.send(messages.encode_command(name, self.client, self.info.token, id or 0, values))
end

function link:_down(problem)
  if self.carrier then self.carrier.close() end
  self.carrier, self.info, self.state, self.problem = nil, nil, "down", problem
end

---Begin again with the daemon of `info`.
---@param info DaemonInfo
---@param now number
function link:_connect(info, now)
  if self.carrier then self.carrier.close() end
  local sent_again = {}
  for _, command in ipairs(self.pending) do
    if command.values.op or SENT_AGAIN[command.name] then sent_again[#sent_again + 1] = command end
    command.id, command.due, command.interval = nil, nil, nil
  end
  local silent_before = self.info and self.info.instance == info.instance and self.hello_since
  self.info, self.client, self.pending = info, self.options.new_id(), sent_again
  self.next_id, self.acked, self.handled, self.received = 1, 0, 0, 0
  self.early, self.ready, self.seen_due = {}, {}, false
  self.ping_since, self.hello_at, self.opened_at = nil, -math.huge, nil
  self.hello_since = silent_before or now
  self.state = "hello"
  local carriers, whys = self.options.carriers(), {}
  for step = 1, #carriers do
    local carrier = carriers[(self.tries + step - 1) % #carriers + 1]
    local ok, why = carrier.open(info, self.client)
    if ok then
      self.carrier = carrier
      self.tries = self.tries + step
      return
    end
    whys[#whys + 1] = why
  end
  self:_down("no way to the daemon: " .. table.concat(whys, "; "))
end

function link:_look(now)
  local every = self.state == "up" and LOOK_S or LOOK_DOWN_S
  if now - self.looked_at < every then return end
  self.looked_at = now
  local info, file = self.options.read_info()
  if not info then
    local looked = file and (" (there is no %s)"):format(file) or ""
    if self.state ~= "down" or not self.problem or self.problem == self.absent then
      self.absent = (self.options.starts_at_find() and "daemon not running: Find starts it"
        or "daemon not running: start it with `reatrieve serve`") .. looked
      self:_down(self.absent)
    end
  elseif not self.info or self.info.instance ~= info.instance then
    self.tries = 0
    self.hello_since = nil
    self:_connect(info, now)
  end
end

function link:_hello(now)
  if now - self.hello_at < HELLO_S then return end
  if now - self.hello_since > ANSWER_S then
    self.problem = self.options.starts_at_find() and "daemon not running (no answer): Find starts it"
      or "daemon not running (no answer): start it with `reatrieve serve`"
  end
  if now - (self.opened_at or now) > ANSWER_S then
    self:_connect(self.info, now)      -- by the next carrier, if there is one
    if self.state ~= "hello" then return end
  end
  self.opened_at = self.opened_at or now
  self.hello_at = now
  self:_send("hello", {
    protocol = messages.PROTOCOL,
    script_version = self.options.version,
    host = self.options.host,
    lua = self.options.lua,
    carrier = self.carrier.name,
  })
end

function link:_welcome(now)
  if self.state ~= "hello" then return end
  self.state, self.problem, self.hello_since, self.opened_at = "up", nil, nil, nil
  self.heard_at, self.seen_at, self.active = now, now, true
  self.tries = math.max(self.tries - 1, 0)   -- the carrier that worked is tried first next time
  local n_kept = #self.pending
  self.options.on_connect()
  local first = table.move(self.pending, n_kept + 1, #self.pending, 1, {})      -- what it asks for goes before what was kept
  self.pending = table.move(self.pending, 1, n_kept, #first + 1, first)
  self.options.on_connected()
end

function link:_refused(event, now)
  local code = event.fields.code
  if code == "unknown-client" then
    if self.state == "up" then
      self.tries = math.max(self.tries - 1, 0)
      self:_connect(self.info, now)
    end
  elseif code == "token" then
    self:_down("the daemon has been started again; connecting")
    self.looked_at = now
  else
    self.state, self.problem = "refused", event.fields.text
  end
end

local function unnumbered(self, event, now)
  if event.name == "welcome" then
    self:_welcome(now)
  elseif event.name == "refused" then
    self:_refused(event, now)
  elseif event.name == "ack" or event.name == "pong" then
    self:_acked(event.fields.upto)
    if event.name == "pong" and event.fields.last_seq > self.received then self.seen_due = true end
  end
end

function link:_acked(upto)
  if upto <= self.acked then return end
  self.acked = upto
  while self.pending[1] and self.pending[1].id and self.pending[1].id <= upto do table.remove(self.pending, 1) end
end

function link:_numbered(event)
  self.active = true
  if event.seq <= self.received or event.seq > self.received + LARGEST_BACKLOG then
    self.seen_due = true               -- a repeat: our `seen` was lost
    return
  end
  self.early[event.seq] = event
  while self.early[self.received + 1] do
    self.received = self.received + 1
    self.ready[#self.ready + 1] = self.early[self.received]
    self.early[self.received] = nil
  end
end

function link:_receive(now)
  for _ = 1, PACKETS_A_TICK do
    local packet = self.carrier and self.carrier.receive()
    if not packet then return end
    local event = messages.decode_event(packet)
    if not event then
      self.dropped = self.dropped + 1
    elseif self.info and event.instance ~= self.info.instance then
      self.looked_at = -math.huge      -- another daemon: daemon.txt says which
    else
      self.heard_at, self.ping_since = now, nil
      if event.seq == 0 then unnumbered(self, event, now) elseif self.state == "up" then self:_numbered(event) end
    end
  end
end

function link:_flush(now)
  for index, command in ipairs(self.pending) do
    if index > self.carrier.window then return end
    if not command.id then
      if not self:_send(command.name, command.values, self.next_id) then return end
      command.id, self.next_id = self.next_id, self.next_id + 1
      command.interval = self.carrier.repeat_s
      command.due = now + command.interval
    elseif now >= command.due then
      self:_send(command.name, command.values, command.id)
      command.interval = math.min(command.interval * 2, self.carrier.longest_repeat_s)
      command.due = now + command.interval
    end
  end
end

---Receive what came; to be called at the start of each tick.
---@param now number seconds
function link:receive(now)
  self:_look(now)
  if self.state == "hello" then self:_hello(now) end
  if self.carrier then self:_receive(now) end
end

---Send what is due; to be called at the end of each tick.
---@param now number seconds
---@param open boolean a request or a session is open
function link:send(now, open)
  if self.state ~= "up" then return end
  if self.active or #self.pending > 0 then self.active, self.active_at = false, now end
  open = open or #self.pending > 0
  local factor = now - self.active_at < ACTIVE_S and 1 or IDLE_FACTOR
  self:_flush(now)
  if self.seen_due or (open and now - self.seen_at >= SEEN_S * factor) then
    self.seen_due, self.seen_at = false, now
    self:_send("seen", { upto = self.handled })
  end
  if open and now - self.heard_at >= PING_S * factor and now - self.ping_at >= PING_S * factor then
    self.ping_at, self.ping_since = now, self.ping_since or now
    self:_send("ping", {})
  end
  if self.ping_since and now - self.ping_since > SILENT_S * (factor > 1 and 2 or 1) then
    self.problem = self.options.starts_at_find() and "the daemon does not answer: Find starts it again"
      or "the daemon does not answer: start it with `reatrieve serve`"
    self:_connect(self.info, now)
  end
end

---@param now number
function link:close(now)
  if self.state == "up" then self:send(now, true) end
  if self.carrier then self.carrier.close() end
  self.carrier, self.state = nil, "down"
end

return link
