--- Accepted regions become sync markers in the project, or files for a game engine.

local models = require("models")
local project = require("project")
local settings = require("settings")
local status = require("status")
local track = require("track")
local work = require("work")

local markers = {}

local WAIT_S = 20.0
local SAME_S = 1e-7          -- so little before a bar line is on it

---A marker's name by the template, as the exports know it: `{pattern}` (the sound's name), `{label}` (the region's), `{n}` or
---`{n:digits}` (counts within the sound), `{bar}`, `{beat}`; besides `{number}` (the candidate's) and `{end}` (nothing on a start
---marker, `_end` on the end of one). Pure.
---@param template string
---@return string
function markers.name(template, values)
  local name = template:gsub("{(%w+):?(%d*)}", function(key, digits)
    local value = values[key]
    if value == nil then return nil end
    if digits ~= "" and math.type(value) == "integer" then return ("%0" .. digits .. "d"):format(value) end
    return tostring(value)
  end)
  if values["end"] ~= "" and not template:find("{end}", 1, true) then name = name .. values["end"] end
  -- REAPER and SWS read these first characters as metadata, action or render markers.
  if name:match("^[!=#]") then name = "_" .. name end
  return name
end

---At most two decimals, and never rounded into the next beat: 4.999 in 4/4 is not beat 5. Pure.
---@param beat number
---@return string
function markers.beat(beat)
  local hundredths = math.floor(100 * beat + 0.5)
  if hundredths // 100 > math.floor(beat) then hundredths = math.floor(100 * beat) end
  return (("%.2f"):format(hundredths / 100):gsub("%.?0+$", ""))
end

---The accepted regions of a session as they stand in the project, in time order.
---@return { number: integer, start_s: number, end_s: number, guid: string, name: string }[]
local function kept(tab, s)
  local list = {}
  for guid, there in pairs(project.read(tab.proj, s.known)) do
    local one = s.model.candidates[there.number]
    if one and (one.state == "accepted" or one.state == "example") then
      list[#list + 1] = { number = there.number, start_s = there.start_s, end_s = there.end_s, guid = guid, name = there.name }
    end
  end
  table.sort(list, function(a, b) return a.start_s < b.start_s or (a.start_s == b.start_s and a.number < b.number) end)
  return list
end

local function needs_daemon()
  return settings.get("anchor") ~= "start" or settings.get("nudge_ms") ~= 0 or settings.get("snap") ~= 0
end

---@param anchors table<string, table<integer, number>> session id -> number -> time
local function convert(tab, anchors)
  local at, template = settings.get("marker_at"), settings.get("marker_template")
  local wanted, count = {}, 0
  for _, s in ipairs(tab.sessions) do
    for index, region in ipairs(kept(tab, s)) do
      local function add(which, time_s, ending)
        local beat, bar = reaper.TimeMap2_timeToBeats(tab.proj, time_s + SAME_S)
        wanted[#wanted + 1] = {
          key = ("%s/%d/%s"):format(s.id, region.number, which), time_s = time_s, colour = s.colour,
          name = markers.name(template, { pattern = s.model.label, label = region.name, n = index, number = region.number,
            bar = math.tointeger(bar + 1), beat = markers.beat(beat + 1), ["end"] = ending }),
        }
      end
      local anchor_s = anchors[s.id] and anchors[s.id][region.number] or region.start_s
      add("point", at == "start" and region.start_s or at == "both" and region.start_s or anchor_s, "")
      if at == "both" then add("end", region.end_s, "_end") end
      count = count + 1
    end
  end
  local before = {}
  for key, guid in project.stored(tab.proj, "MARKERS"):gmatch("([^ ;]+) ([^ ;]+)") do before[key] = guid end
  if count == 0 and not next(before) then
    status.say("no accepted regions to convert: run Find and accept candidates first", true)
    return
  end
  local now = project.undoable(tab.proj, "Convert accepted regions to sync markers", function()
    return project.set_markers(tab.proj, before, wanted)
  end)
  local lines = {}
  for key, guid in pairs(now) do lines[#lines + 1] = key .. " " .. guid end
  table.sort(lines)
  project.store(tab.proj, "MARKERS", table.concat(lines, ";"))
  tab.change_count = reaper.GetProjectStateChangeCount(tab.proj)
  status.say(("%s for %s"):format(status.plural(#wanted, "sync marker"), status.plural(count, "accepted region")), true)
end

---The grid that the user sees now, which need not be that of the search.
local function send_tempo(ctx, tab, s)
  for _, fields in ipairs(track.tempo(tab.proj)) do
    fields.session = s.id
    ctx.link:command("tempo", fields)
  end
end

---Project markers for the accepted regions of all sounds of the tab. Anchors other than the regions' starts come from the
---daemon; without it the regions alone suffice.
function markers.convert(ctx, tab)
  if settings.get("marker_at") ~= "anchor" or not needs_daemon() then
    convert(tab, {})
    return
  end
  local asked = {}
  tab.anchors = {}
  for _, s in ipairs(tab.sessions) do
    if not s:absent() and s.phase == "open" then
      tab.anchors[s.id] = {}
      asked[#asked + 1] = s
    elseif not s:absent() then
      status.say(("%s: its anchors need the daemon's journal, and %s"):format(s.model.label,
        ctx.link.problem or "the daemon does not have it"), true)
      tab.anchors = nil
      return
    end
  end
  if not asked[1] then
    tab.anchors = nil
    status.say("no accepted regions to convert: run Find and accept candidates first", true)
    return
  end
  tab.anchors_open, tab.anchors_until = #asked, ctx.now + WAIT_S
  status.say("computing the anchors")
  ctx.start(tab, work.job(function()
    for _, s in ipairs(asked) do
      if settings.get("snap") ~= 0 then send_tempo(ctx, tab, s) end
      ctx.link:command("anchors", { session = s.id, kind = settings.get("anchor"), nudge_ms = settings.get("nudge_ms"),
        snap = settings.get("snap") })
    end
  end), function(message)
    tab.anchors = nil
    status.say("no markers made: " .. message, true)
  end)
end

function markers.anchor(tab, s, fields)
  if tab.anchors and tab.anchors[s.id] then tab.anchors[s.id][fields.number] = fields.time_s end
end

function markers.anchors_end(tab)
  if not tab.anchors then return end
  tab.anchors_open = tab.anchors_open - 1
  if tab.anchors_open <= 0 then
    local anchors = tab.anchors
    tab.anchors = nil
    convert(tab, anchors)
  end
end

---A request of this tab failed.
---@return boolean ours whether it was one of this module
function markers.failed(tab, text)
  if tab.export then
    tab.export = nil
    status.say("nothing exported: " .. text, true)
    return true
  end
  if not tab.anchors then return false end
  tab.anchors = nil
  status.say("no markers made: " .. text, true)
  return true
end

function markers.tick(ctx, tab)
  if tab.anchors and ctx.now > tab.anchors_until then
    tab.anchors = nil
    status.say("no markers made: " .. (ctx.link.problem or "the daemon gave no anchors"), true)
  end
end

-- Export --------------------------------------------------------------------------------------------------------------------

local AUDIO = { source = true, render = true, track = true }

---Have the daemon write what the next sound of the export holds. Sounds exported one after the other end up in one set of
---files, so from the second on the files just written may be replaced.
function markers.send_export(ctx, tab)
  local export = tab.export
  local s = export.queue[1]
  local job = work.job(function()
    send_tempo(ctx, tab, s)
    ctx.link:command("export", {
      session = s.id, folder = export.folder, targets = settings.get("export_targets"),
      audio = settings.get("export_audio"), audio_path = export.audio_path, audio_start_s = export.audio_start_s,
      anchor = settings.get("anchor"), nudge_ms = settings.get("nudge_ms"), snap = settings.get("snap"),
      force = (export.force or export.done > 0) and 1 or 0,
    })
  end)
  ctx.start(tab, job, function(message)
    tab.export = nil
    status.say("nothing exported: " .. message, true)
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
function markers.export(ctx, tab)
  local queue, names = {}, {}
  for _, s in ipairs(tab.sessions) do
    if s.phase == "open" and kept(tab, s)[1] then
      queue[#queue + 1], names[#names + 1] = s, s.model.label
    elseif s.phase ~= "open" and not s:absent() then
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
  if folder == "" then folder = tab.path:match("^(.*)[/\\]") or reaper.GetProjectPathEx(tab.proj) end
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
  tab.export = { queue = queue, folder = answers[1], audio_path = answers[4], audio_start_s = start_s + 0.0, files = {}, notes = {},
    seen = {}, done = 0, force = answers[6]:lower():match("^y") ~= nil }
  status.say(("%s: exporting"):format(names[1]))
  markers.send_export(ctx, tab)
end

function markers.exported(tab, fields)
  local export = tab.export
  if export and not export.seen[fields.path] then
    export.seen[fields.path] = true
    export.files[#export.files + 1] = fields.path
  end
end

---What the user should know of the files; said with their names, or nobody would see it.
---@return boolean ours
function markers.note(tab, fields)
  local export = tab.export
  if not export or fields.code ~= "export" then return false end
  if not export.seen[fields.text] then
    export.seen[fields.text] = true
    export.notes[#export.notes + 1] = fields.text
  end
  return true
end

function markers.exported_end(ctx, tab)
  local export = tab.export
  if not export then return end
  table.remove(export.queue, 1)
  export.done = export.done + 1
  if export.queue[1] then
    markers.send_export(ctx, tab)
    return
  end
  tab.export = nil
  local names, folder = {}, ""
  for index, path in ipairs(export.files) do
    folder = path:match("^(.*)[/\\]") or folder
    names[index] = path:match("[^/\\]*$")
  end
  local text = ("%s in %s: %s"):format(status.plural(#names, "file"), folder, table.concat(names, ", "))
  if export.notes[1] then text = ("%s. Note: %s"):format(text, table.concat(export.notes, "; ")) end
  status.say(text, true)
end

---@param ctx table
---@param tab table
function markers.rename(ctx, tab, rename)
  local s = tab.active
  if not s or s:absent() then
    status.say("nothing to rename: run Find first", true)
    return
  end
  local answers = settings.ask("Rename sound", { "Name" }, { s.model.label })
  local label = answers and models.label(answers[1]) or ""
  if label == "" or label == s.model.label then
    status.say("name unchanged")
    return
  end
  rename(ctx, tab, s, label)
end

return markers
