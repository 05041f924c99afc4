local daemon_side = require("daemon_side")
local link = require("link")

---A link with a carrier that keeps what is sent, and a daemon's side to answer with.
local function rig(options)
  local self = { sent = {}, incoming = {}, now = 0, connects = 0, ids = 0, openings = 0 }
  self.info = { protocol = 1, version = "1", instance = "one", port = 1, token = "t", spool = "", home = "" }
  self.carrier = {
    name = "udp", repeat_s = 0.1, longest_repeat_s = 1.0, window = 4,
    open = function() self.openings = self.openings + 1 return true end,
    send = function(packet) self.sent[#self.sent + 1] = daemon_side.decode_command(packet) return true end,
    receive = function() return table.remove(self.incoming, 1) end,
    close = function() end,
  }
  self.link = link.new {
    read_info = function() return self.info end,
    carriers = options and options.carriers and function() return options.carriers(self) end or function() return { self.carrier } end,
    new_id = function() self.ids = self.ids + 1 return "client-" .. self.ids end,
    on_connect = function() self.connects = self.connects + 1 if self.on_connect then self.on_connect() end end,
    on_connected = function() if self.on_connected then self.on_connected() end end,
    starts_at_find = function() return self.starts or false end,
    version = "1", host = "h", lua = _VERSION,
  }
  function self.say(name, seq, fields)
    self.incoming[#self.incoming + 1] = daemon_side.encode_event(name, self.info.instance, seq, fields)
  end
  function self.tick(seconds, open)
    self.now = self.now + (seconds or 0.033)
    self.link:receive(self.now)
    local taken = {}
    while true do
      local event = self.link:take()
      if not event then break end
      taken[#taken + 1] = event.seq
    end
    self.link:send(self.now, open or false)
    local names = {}
    for index, command in ipairs(self.sent) do names[index] = command.name .. (command.id > 0 and command.id or "") end
    self.sent = {}
    return (table.concat(names, " "):gsub(self.quiet or "nothing", "")), table.concat(taken, " ")
  end
  function self.up()
    self.tick()
    self.say("welcome", 0, { protocol = 1, version = "1", upto = 0 })
    self.tick()
    return self
  end
  function self.meet_another()
    local info = {}
    for key, value in pairs(self.info) do info[key] = value end
    info.instance = "two"
    self.info = info
    self.tick(1.1)
    self.say("welcome", 0, { protocol = 1, version = "1", upto = 0 })
  end
  return self
end

local function note() return { session = "S", code = "x", text = "y" } end
local function op(name) return { session = "S", op = name, number = 1 } end

return {
  { "says hello until it is welcome", function()
    local r = rig()
    same(r.tick(), "hello")
    same(r.tick(), "")
    same(r.tick(0.3), "hello")
    r.say("welcome", 0, { protocol = 1, version = "1", upto = 0 })
    r.tick()
    same(r.link.state, "up")
    same(r.connects, 1)
  end },
  { "no daemon is told at once, no answer after a second", function()
    local r = rig()
    local info = r.info
    r.info = nil
    r.tick()
    same(r.link.problem:match("reatrieve serve"), "reatrieve serve")
    r.info = info
    r.tick(0.3)
    same(r.link.state, "hello")
    for _ = 1, 6 do r.tick(0.3) end
    same(r.link.problem:match("no answer"), "no answer")
  end },
  { "a daemon that Find starts is said to be started by it, for as long as that is so", function()
    local r = rig()
    local info = r.info
    r.info, r.starts = nil, true
    r.tick()
    same(r.link.problem, "daemon not running: Find starts it")
    r.starts = false
    for _ = 1, 6 do r.tick(0.3) end
    same(r.link.problem, "daemon not running: start it with `reatrieve serve`")
    r.info, r.starts = info, true
    for _ = 1, 7 do r.tick(0.3) end
    same(r.link.problem, "daemon not running (no answer): Find starts it")
  end },
  { "commands are numbered, repeated with pauses that double, and forgotten when acked", function()
    local r = rig().up()
    r.quiet = " ?seen"
    r.link:command("undo", op("a"))
    r.link:command("undo", op("b"))
    same(r.tick(), "undo1 undo2")
    same(r.tick(), "")
    same(r.tick(0.1), "undo1 undo2")
    same(r.tick(0.1), "")
    same(r.tick(0.1), "undo1 undo2")
    r.say("ack", 0, { upto = 1 })
    same(r.tick(0.5), "undo2")
    r.say("ack", 0, { upto = 2 })
    same(r.tick(1), "")
    same(r.link:all_acked(), true)
  end },
  { "no more under way than the window", function()
    local r = rig().up()
    for index = 1, 6 do r.link:command("undo", op("o" .. index)) end
    same(r.tick(), "undo1 undo2 undo3 undo4")
    r.say("ack", 0, { upto = 3 })
    same(r.tick(), "undo5 undo6")
  end },
  { "events come once and in order; a gap waits; seen says how far", function()
    local r = rig().up()
    r.say("note", 2, note())
    local sent, taken = r.tick()
    same(taken, "")
    r.say("note", 1, note())
    r.say("note", 1, note())
    r.say("note", 4, note())
    sent, taken = r.tick()
    same(taken, "1 2")
    same(sent, "seen")
    r.say("note", 2, note())
    r.say("note", 3, note())
    sent, taken = r.tick()
    same(taken, "3 4")
    r.say("note", 4, note())       -- our seen was lost: say it again
    sent, taken = r.tick()
    same(taken, "")
    same(sent, "seen")
  end },
  { "seen is repeated while something is open, and silence is pinged", function()
    local r = rig().up()
    same(r.tick(0.3, true), "seen")
    same(r.tick(0.3, true), "seen ping")
    r.say("pong", 0, { last_seq = 0, upto = 0 })
    same(r.tick(0.1, true), "")
    same(r.tick(0.2, false), "")
  end },
  { "an idle session is told of seldom", function()
    local r = rig().up()
    r.say("note", 1, note())
    r.tick()
    local count = 0
    for index = 1, 600 do
      local sent = r.tick(0.033, true)
      if index > 160 and sent ~= "" then count = count + 1 end
      if sent:find("ping") then r.say("pong", 0, { last_seq = 1, upto = 0 }) end
    end
    same(count <= 12, true)
    r.link:command("undo", op("a"))
    same(r.tick(0.033, true):match("undo1"), "undo1")
    same(r.tick(0.3, true):match("seen"), "seen")
  end },
  { "a daemon gone silent is said hello to again, with a new id", function()
    local r = rig().up()
    r.link:command("undo", op("a"))
    r.tick()
    for _ = 1, 40 do r.tick(0.1, true) end
    same(r.link.state, "hello")
    same(r.link.problem ~= nil, true)
    same(r.link.client ~= "client-1", true)
  end },
  { "a new instance: session commands are sent again under new numbers, searches before them, questions after", function()
    local r = rig().up()
    r.link:command("undo", op("a"))
    r.link:command("resume", { session = "S" })
    r.link:command("saved", { session = "S", project = "p" })
    r.tick()
    r.on_connect = function() r.link:command("find", { session = "T", label = "", project = "", track = "", start_s = 0.0, end_s = 1.0,
      budget = 1, retriever = "", items = 1 }) end
    r.on_connected = function() r.link:command("resume", { session = "S" }) end
    r.meet_another()
    same(r.tick(), "find1 undo2 saved3 resume4")
    r.say("note", 1, note())
    local _, taken = r.tick()
    same(taken, "1")
  end },
  { "what was kept stays where asking for the searches again fails", function()
    local r = rig().up()
    r.link:command("undo", op("a"))
    r.tick()
    r.on_connect = function() error("no track") end
    r.meet_another()
    same((pcall(r.tick)), false)
    same(r.tick(), "undo1")
  end },
  { "events of another instance are not handled", function()
    local r = rig().up()
    r.incoming[1] = daemon_side.encode_event("note", "other", 1, note())
    local _, taken = r.tick()
    same(taken, "")
  end },
  { "an unknown client says hello again", function()
    local r = rig().up()
    r.link:command("undo", op("a"))
    r.tick()
    r.say("refused", 0, { code = "unknown-client", text = "" })
    r.tick()
    same(r.link.state, "hello")
    same(r.tick(0.3), "hello")
    r.say("welcome", 0, { protocol = 1, version = "1", upto = 0 })
    same(r.tick(), "undo1")
  end },
  { "another version is told and not tried again", function()
    local r = rig()
    r.tick()
    r.say("refused", 0, { code = "version", text = "update both" })
    r.tick()
    same(r.link.problem, "update both")
    same(r.tick(2), "")
  end },
  { "the second carrier is tried when the first gives no answer", function()
    local silent
    local r = rig { carriers = function(self)
      silent = { name = "silent", repeat_s = 1, longest_repeat_s = 1, window = 4, open = function() return true end,
        send = function() return true end, receive = function() end, close = function() end }
      return { silent, self.carrier }
    end }
    for _ = 1, 8 do r.tick(0.3) end
    same(r.openings >= 1, true)
    same(r.link.carrier.name, "udp")
  end },
  { "rubbish is counted and dropped", function()
    local r = rig().up()
    r.incoming = { "rubbish", "", "/reatrieve/ack\0\0,s\0\0x\0\0\0" }
    r.tick()
    same(r.link.dropped, 3)
  end },
}
