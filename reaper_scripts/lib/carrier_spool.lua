-- @noindex
--- OSC as files in the daemon's spool folder, one message a file: what every REAPER can do.

local daemon = require("daemon")

local carrier_spool = {}

---@param make_folder fun(path: string) reaper.RecursiveCreateDirectory; passed in, so that this runs without REAPER
---@return table carrier
function carrier_spool.new(make_folder)
  local carrier = { name = "spool", repeat_s = 2.0, longest_repeat_s = 2.0, window = 64 }
  local outbox, inbox, written, awaited

  local function name(folder, number, ending)
    return ("%s%08d.%s"):format(folder, number, ending)
  end

  local function writable(folder)
    local probe = folder .. "probe.tmp"
    local file = io.open(probe, "wb")
    if not file then return false end
    file:close()
    os.remove(probe)
    return true
  end

  ---Both folders of this client in one of the places where the daemon's spool may be reached: the path it named, and the
  ---same below `home`, whose bytes may differ where the path is not plain ASCII (Windows).
  ---@param info DaemonInfo
  ---@param client string
  function carrier.open(info, client)
    carrier.close()
    local last = info.spool:match("[^/\\]+[/\\]*$") or info.instance
    for _, spool in ipairs { info.spool, daemon.joined(info.home, "spool", last) } do
      local to_daemon = daemon.joined(spool, client, "to_daemon", "")
      local to_script = daemon.joined(spool, client, "to_script", "")
      make_folder(to_daemon)
      make_folder(to_script)
      if writable(to_daemon) and writable(to_script) then
        outbox, inbox, written, awaited = to_daemon, to_script, 0, 1
        return true
      end
    end
    return false, "cannot write to " .. info.spool .. "; set another home folder in ReaTrieve's settings and in REATRIEVE_HOME"
  end

  function carrier.send(packet)
    if not outbox then return false end
    local temporary = name(outbox, written + 1, "tmp")
    local file = io.open(temporary, "wb")
    if not file then return false end
    local ok = file:write(packet)
    file:close()
    if not ok or not os.rename(temporary, name(outbox, written + 1, "osc")) then
      os.remove(temporary)
      return false
    end
    written = written + 1
    return true
  end

  function carrier.receive()
    if not inbox then return nil end
    local path = name(inbox, awaited, "osc")
    local file = io.open(path, "rb")
    if not file then return nil end
    local packet = file:read("a")
    file:close()
    if not packet or packet == "" then return nil end
    os.remove(path)
    awaited = awaited + 1
    return packet
  end

  function carrier.close()
    outbox, inbox = nil, nil
  end

  return carrier
end

return carrier_spool
