-- @noindex
--- Accepted regions become files for a game engine: asks what to write and where, then has the daemon write it.

local project = require("project")
local settings = require("settings")
local status = require("status")
local sync_markers = require("sync_markers")
local track = require("track")
local work = require("work")

local export = {}

---@class Export one that is going on
---@field queue Session[] sounds that are not written yet
---@field done integer
---@field folder string
---@field audio_path string
---@field audio_start_s number
---@field force boolean files that are there already may be replaced
---@field files string[]
---@field notes string[]
---@field seen table<string, boolean> files and notes told already

---@type table<Tab, Export>
local running = setmetatable({}, { __mode = "k" })

local AUDIO = { source = true, render = true, track = true }

---Have the daemon write what the next sound of the export holds. Sounds exported one after the other end up in one set of
---files, so from the second on the files just written may be replaced.
local function send(ctx, tab)
  local one = running[tab]
  local s = one.queue[1]
  local job = work.job(function()
    track.send_tempo(ctx.link, tab.proj, s.id)
    ctx.link:command("export", {
      session = s.id, folder = one.folder, targets = settings.get("export_targets"),
      audio = settings.get("export_audio"), audio_path = one.audio_path, audio_start_s = one.audio_start_s,
      anchor = settings.get("anchor"), nudge_ms = settings.get("nudge_ms"), snap = settings.get("snap"),
      force = (one.force or one.done > 0) and 1 or 0,
    })
  end)
  ctx.start(tab, job, function(message)
    export.failed(tab, message)
  end)
end

local BOUNDS_CUSTOM, BOUNDS_TIME_SELECTION = 0, 2

---The file that the last render wrote, and where it starts in the project; "" and 0 when there is none.
---@return string path
---@return number start_s
local function last_render(proj)
  local _, targets = reaper.GetSetProjectInfo_String(proj, "RENDER_TARGETS", "", false)
  local path = targets:match("^[^;]+") or ""
  if path == "" or not reaper.file_exists(path) then return "", 0.0 end
  local bounds = reaper.GetSetProjectInfo(proj, "RENDER_BOUNDSFLAG", 0, false)
  if bounds == BOUNDS_CUSTOM then return path, reaper.GetSetProjectInfo(proj, "RENDER_STARTPOS", 0, false) end
  if bounds == BOUNDS_TIME_SELECTION then
    return path, (reaper.GetSet_LoopTimeRange2(proj, false, false, 0, 0, false))
  end
  return path, 0.0
end

---The file that the game ships, and where it starts: chosen for this project before and still there, else the last render.
---@return string path
---@return number start_s
local function shipped_file(proj)
  local path = project.stored(proj, "EXPORT_AUDIO")
  if path == "" or not reaper.file_exists(path) then return last_render(proj) end
  return path, tonumber(project.stored(proj, "EXPORT_AUDIO_START_S")) or 0.0
end

---Ask what to write and where, then have the daemon write it.
function export.ask(ctx, tab)
  local queue, names = {}, {}
  for _, s in ipairs(tab.sessions) do
    if s:is_open() and sync_markers.accepted(tab, s)[1] then
      queue[#queue + 1], names[#names + 1] = s, s.model.label
    elseif not s:is_open() and not s:absent() then
      status.say(("%s: export needs the daemon's journal, and %s"):format(s.model.label,
        ctx.link.problem or "the daemon does not have it"), true)
      return
    end
  end
  if not queue[1] then
    status.say("nothing to export: run Find and accept candidates first", true)
    return
  end
  local folder = project.stored(tab.proj, "EXPORT_FOLDER")
  if folder == "" then folder = project.folder_of(tab.path) or reaper.GetProjectPathEx(tab.proj, "") end
  local audio_path, audio_start_s = shipped_file(tab.proj)
  local answers = settings.ask(("Export sync files of %s"):format(table.concat(names, ", ")), {
    "Folder", "Targets (all, or json,wav,...)", "Audio: source/render/track",
    "Rendered file (for render)", "Its start in the project (s)", "Replace files (yes/no)",
  }, { folder, settings.get("export_targets"), settings.get("export_audio"), audio_path,
    ("%.17g"):format(audio_start_s), "no" })
  if not answers then
    status.say("nothing exported")
    return
  end
  local start_s = tonumber((answers[5]:gsub(",", ".")))
  if answers[1] == "" then
    status.say("nothing exported: choose a folder", true)
    return
  end
  if not AUDIO[answers[3]] then
    status.say(("nothing exported: the audio is source, render or track, not \"%s\""):format(answers[3]), true)
    return
  end
  if not start_s then
    status.say(("nothing exported: \"%s\" is not a time in seconds"):format(answers[5]), true)
    return
  end
  settings.set("export_targets", answers[2] ~= "" and answers[2] or "all")
  settings.set("export_audio", answers[3])
  project.store(tab.proj, "EXPORT_FOLDER", answers[1])
  project.store(tab.proj, "EXPORT_AUDIO", answers[4])
  project.store(tab.proj, "EXPORT_AUDIO_START_S", ("%.17g"):format(start_s))
  running[tab] = { queue = queue, folder = answers[1], audio_path = answers[4], audio_start_s = start_s + 0.0, files = {}, notes = {},
    seen = {}, done = 0, force = answers[6]:lower():match("^y") ~= nil }
  status.say(("%s: exporting"):format(names[1]))
  send(ctx, tab)
end

function export.exported(tab, fields)
  local one = running[tab]
  if one and not one.seen[fields.path] then
    one.seen[fields.path] = true
    one.files[#one.files + 1] = fields.path
  end
end

---What the user should know of the files; said with their names, or nobody would see it.
---@return boolean ours
function export.note(tab, fields)
  local one = running[tab]
  if not one or fields.code ~= "export" then return false end
  if not one.seen[fields.text] then
    one.seen[fields.text] = true
    one.notes[#one.notes + 1] = fields.text
  end
  return true
end

function export.exported_end(ctx, tab)
  local one = running[tab]
  if not one then return end
  table.remove(one.queue, 1)
  one.done = one.done + 1
  if one.queue[1] then
    send(ctx, tab)
    return
  end
  running[tab] = nil
  local names, folder = {}, ""
  for index, path in ipairs(one.files) do
    folder = project.folder_of(path) or folder
    names[index] = path:match("[^/\\]*$")
  end
  local text = ("%s in %s: %s"):format(status.plural(#names, "file"), folder, table.concat(names, ", "))
  if one.notes[1] then text = ("%s. Note: %s"):format(text, table.concat(one.notes, "; ")) end
  status.say(text, true)
end

---A request of this tab failed.
---@return boolean ours whether it was one of this module
function export.failed(tab, text)
  if not running[tab] then return false end
  running[tab] = nil
  status.say("nothing exported: " .. text, true)
  return true
end

---Another daemon has not heard of it.
function export.reconnected(ctx, tab)
  if running[tab] then send(ctx, tab) end
end

return export
