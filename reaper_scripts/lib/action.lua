-- @noindex
--- What every action script does: put its verb into the client's queue and start the client if it is not running.

local action = {}

local SECTION = "ReaTrieve"
local CLIENT = "ReaTrieve_Client.lua"
local ALIVE_S = 1.0
local GONE_S = 20.0          -- keys so far apart

local function age_s(time)
  local time_s = tonumber(time)
  return time_s and math.abs(reaper.time_precise() - time_s) or math.huge
end

local function recent(key) return age_s(reaper.GetExtState(SECTION, key)) < ALIVE_S end

---Whether a client's heart beats just now.
---@return boolean
function action.alive() return recent("heartbeat") end

---Whether a client will take what is put into the queue. One that ends takes its heartbeat along, so an old one means that
---REAPER stood still (a dialog, a project that loads, a busy interface): the client goes on with it. Only a heart that has not
---beaten between two keys far apart belongs to a client that is gone.
local function will_take()
  local beat = reaper.GetExtState(SECTION, "heartbeat")
  if beat == "" then return false end
  if age_s(beat) < ALIVE_S then return true end
  local seen, since = reaper.GetExtState(SECTION, "suspect"):match("^(%S+) (%S+)$")
  if seen == beat then return age_s(since) < GONE_S end
  reaper.SetExtState(SECTION, "suspect", ("%s %.3f"):format(beat, reaper.time_precise()), false)
  return true
end

---The command id of the client script: as it was registered, else it is registered now.
local function client_command(path)
  if reaper.GetExtState(SECTION, "client_path") == path then
    local id = reaper.NamedCommandLookup(reaper.GetExtState(SECTION, "client_command"))
    if id ~= 0 then return id end
  end
  return reaper.AddRemoveReaScript(true, 0, path, true)
end

-- Verbs whose action is on or off.
local TOGGLES = { loop = true, solo = true, audition = true, lead_in = true, play = true, window = true }

---Keep the command id of an action, so that the client can show its state.
local function remember(verb)
  local key = "command_" .. verb
  if not TOGGLES[verb] or reaper.GetExtState(SECTION, key) ~= "" then return end
  local _, _, _, command = reaper.get_action_context()
  local name = command and command ~= 0 and reaper.ReverseNamedCommandLookup(command)
  if name and name ~= "" then reaper.SetExtState(SECTION, key, "_" .. name, true) end
end

---@param verb string
---@param folder string where the scripts are, with a separator at its end
function action.post(verb, folder)
  remember(verb)
  reaper.defer(function() end)           -- a script that deferred leaves no undo point of its own
  local queue = reaper.GetExtState(SECTION, "queue")
  reaper.SetExtState(SECTION, "queue", queue .. verb .. "\n", false)
  if will_take() or recent("starting") then return end
  local id = client_command(folder .. CLIENT)
  if id == 0 then
    reaper.Help_Set("ReaTrieve: cannot start " .. folder .. CLIENT .. "; load it in the action list once", false)
    return
  end
  reaper.SetExtState(SECTION, "starting", ("%.3f"):format(reaper.time_precise()), false)    -- not twice
  reaper.Main_OnCommandEx(id, 0, (reaper.EnumProjects(-1)))
end

---For the client: all verbs that wait, in order.
---@return string[]
function action.take()
  local queue = reaper.GetExtState(SECTION, "queue")
  if queue == "" then return {} end
  reaper.DeleteExtState(SECTION, "queue", false)
  local verbs = {}
  for verb in queue:gmatch("[^\n]+") do verbs[#verbs + 1] = verb end
  return verbs
end

---For the client: it is running.
function action.beat()
  reaper.SetExtState(SECTION, "heartbeat", ("%.3f"):format(reaper.time_precise()), false)
end

---For the client: remember its command id, so that the actions can start it.
function action.register()
  local _, path, _, command = reaper.get_action_context()
  local name = command and command ~= 0 and reaper.ReverseNamedCommandLookup(command)
  if name and name ~= "" then
    reaper.SetExtState(SECTION, "client_command", "_" .. name, true)
    reaper.SetExtState(SECTION, "client_path", path, true)
  end
end

---For the client: it is ending.
function action.ended() reaper.DeleteExtState(SECTION, "heartbeat", false) end

return action
