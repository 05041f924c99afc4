local carrier_spool = require("carrier_spool")
local daemon = require("daemon")

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

return {
  { "home by platform and setting", function()
    same(daemon.home("/set", "Other"), "/set")
    local real = os.getenv
    local variables = { HOME = "/h", LOCALAPPDATA = "C:\\L" }
    os.getenv = function(name) return variables[name] end
    same(daemon.home("", "OSX64"):gsub("\\", "/"), "/h/Library/Application Support/ReaTrieve")
    same(daemon.home("", "macOS-arm64"):gsub("\\", "/"), "/h/Library/Application Support/ReaTrieve")
    same(daemon.home("", "Other"), "/h/.local/share/ReaTrieve")
    same(daemon.home("", "Win64"), "C:\\L/ReaTrieve")
    variables.XDG_DATA_HOME = "/x"
    same(daemon.home("", "Other"), "/x/ReaTrieve")
    variables.REATRIEVE_HOME = "/r"
    same(daemon.home("", "Win64"), "/r")
    os.getenv = real
  end },
  { "daemon.txt is read, and half a one is not", function()
    same(daemon.read(TEMPORARY), nil)
    write(TEMPORARY .. "/daemon.txt", "protocol 1\nversion 0.1.0\ninst")
    same(daemon.read(TEMPORARY), nil)
    write(TEMPORARY .. "/daemon.txt", "protocol 1\nversion 0.1.0\ninstance ab\npid 4\nport 512\ntoken cd\nspool /s p/ö\n")
    same(daemon.read(TEMPORARY), { protocol = 1, version = "0.1.0", instance = "ab", port = 512, token = "cd", spool = "/s p/ö",
      home = TEMPORARY })
  end },
  { "one message a file, numbers without gaps, read once and deleted", function()
    local made = {}
    local carrier = carrier_spool.new(function(path) made[#made + 1] = path end)
    local spool = TEMPORARY .. "/spool"
    same(carrier.open({ spool = spool, home = TEMPORARY, instance = "spool" }, "c"), true)
    same(#made, 2)
    same(carrier.send("first"), true)
    same(carrier.send("second"), true)
    same(exists(spool .. "/c/to_daemon/00000001.osc") and exists(spool .. "/c/to_daemon/00000002.osc"), true)
    same(exists(spool .. "/c/to_daemon/00000003.tmp"), false)
    local inbox = spool .. "/c/to_script/"
    same(carrier.receive(), nil)
    write(inbox .. "00000002.osc", "later")
    same(carrier.receive(), nil)
    write(inbox .. "00000001.osc", "")
    same(carrier.receive(), nil)            -- empty: not yet
    write(inbox .. "00000001.osc", "now")
    same(carrier.receive(), "now")
    same(carrier.receive(), "later")
    same(exists(inbox .. "00000001.osc"), false)
    carrier.close()
    same(carrier.receive(), nil)
    same(carrier.send("x"), false)
  end },
  { "a folder that cannot be written is told", function()
    local carrier = carrier_spool.new(function() end)
    local ok, why = carrier.open({ spool = TEMPORARY .. "/nowhere/at/all", home = TEMPORARY .. "/nor/here", instance = "i" }, "c")
    same(ok, false)
    same(why:match("cannot write"), "cannot write")
  end },
}
