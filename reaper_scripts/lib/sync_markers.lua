-- @noindex
--- Accepted regions become sync markers in the project.

local models = require("models")
local project = require("project")
local settings = require("settings")
local status = require("status")
local steps = require("steps")
local track = require("track")
local work = require("work")

local sync_markers = {}

local WAIT_S = 20.0
local NOTHING = "no accepted regions to convert: run Find and accept candidates first"
local SAME_S = 1e-7          -- so little before a bar line is on it

local WORD = "{(%w+):?(%d?%d?)}"
local WORDS = { label = true, pattern = true, n = true, bar = true, beat = true, number = true, ["end"] = true }

---What is wrong with a template: braces that would get into the game. Pure.
---@param template string
---@return string? sentence
function sync_markers.problem(template)
  local function known(key) return WORDS[key] and "" or nil end
  local rest = template:gsub("{(%w+)}", known):gsub("{(%w+):%d%d?}", known)
  local brace = rest:match("[{}].*")
  if not brace then return nil end
  return ("no markers made: the marker name in the settings cannot be read at \"%s\"; braces stand around label, pattern, n, bar, "
    .. "beat, number and end alone, as in {n} or {n:2}"):format(brace:sub(1, (utf8.offset(brace, 41) or #brace + 1) - 1))
end

---A marker's name by the template, as the exports know it: `{pattern}` (the sound's name), `{label}` (the region's), `{n}` or
---`{n:digits}` (counts within the sound), `{bar}`, `{beat}`; besides `{number}` (the candidate's) and `{end}` (nothing on a start
---marker, `_end` on the end of one). Pure.
---@param template string
---@return string
function sync_markers.name(template, values)
  local name = template:gsub(WORD, function(key, digits)
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
function sync_markers.beat(beat)
  local hundredths = math.floor(100 * beat + 0.5)
  if hundredths // 100 > math.floor(beat) then hundredths = math.floor(100 * beat) end
  return (("%.2f"):format(hundredths / 100):gsub("%.?0+$", ""))
end

---The accepted regions of a session as they stand in the project, in time order.
---@return { number: integer, start_s: number, end_s: number, guid: string, name: string }[]
function sync_markers.accepted(tab, s)
  local list = {}
  for guid, there in pairs(project.read(tab.proj, s.history.known)) do
    local one = s.model.candidates[there.number]
    if one and models.is_accepted(one) then
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
    for index, region in ipairs(sync_markers.accepted(tab, s)) do
      local function add(which, time_s, ending)
        local beat, bar = reaper.TimeMap2_timeToBeats(tab.proj, time_s + SAME_S)
        wanted[#wanted + 1] = {
          key = ("%s/%d/%s"):format(s.id, region.number, which), time_s = time_s, colour = s.colour,
          name = sync_markers.name(template, { pattern = s.model.label, label = region.name, n = index, number = region.number,
            bar = math.tointeger(bar + 1), beat = sync_markers.beat(beat + 1), ["end"] = ending }),
        }
      end
      local anchor_s = anchors[s.id] and anchors[s.id][region.number] or region.start_s
      add("point", at == "start" and region.start_s or at == "both" and region.start_s or anchor_s, "")
      if at == "both" then add("end", region.end_s, "_end") end
      count = count + 1
    end
  end
  local before = project.stored_markers(tab.proj)
  if count == 0 and not next(before) then
    status.say(NOTHING, true)
    return
  end
  local now, refused = {}, 0
  project.undoable(tab.proj, "Convert accepted regions to sync markers", function()
    now, refused = project.set_markers(tab.proj, before, wanted)
  end)
  project.store_markers(tab.proj, now)
  steps.looked(tab)
  local there = refused > 0 and ("; at %s another marker of that name stood already"):format(status.plural(refused, "place")) or ""
  status.say(("%s for %s%s"):format(status.plural(#wanted - refused, "sync marker"), status.plural(count, "accepted region"), there), true)
end

-- Anchors that the daemon computes: by tab, what of them is still awaited.
---@type table<Tab, { by_session: table<string, table<integer, number>>, left: integer, until_s: number }>
local awaited = setmetatable({}, { __mode = "k" })

local function give_up(tab, why)
  awaited[tab] = nil
  status.say("no markers made: " .. why, true)
end

---Project markers for the accepted regions of all sounds of the tab. Anchors other than the regions' starts come from the
---daemon; without it the regions alone suffice.
function sync_markers.convert(ctx, tab)
  local problem = sync_markers.problem(settings.get("marker_template"))
  if problem then
    status.say(problem, true, true)
    return
  end
  for _, s in ipairs(tab.sessions) do
    if s.cut then
      status.say(("%s: the project has lost a part of it, and its journal is needed: %s"):format(s.model.label,
        ctx.link.problem or "the daemon does not have it"), true)
      return
    end
  end
  if settings.get("marker_at") ~= "anchor" or not needs_daemon() then
    convert(tab, {})
    return
  end
  local asked, by_session = {}, {}
  for _, s in ipairs(tab.sessions) do
    if not s:absent() and s:is_open() then
      by_session[s.id] = {}
      asked[#asked + 1] = s
    elseif not s:absent() then
      awaited[tab] = nil
      status.say(("%s: its anchors need the daemon's journal, and %s"):format(s.model.label,
        ctx.link.problem or "the daemon does not have it"), true)
      return
    end
  end
  if not asked[1] then
    awaited[tab] = nil
    status.say(NOTHING, true)
    return
  end
  awaited[tab] = { by_session = by_session, left = #asked, until_s = ctx.now + WAIT_S }
  status.say("computing the anchors")
  ctx.start(tab, work.job(function()
    for _, s in ipairs(asked) do
      -- Snapped to the grid that the user sees now, which need not be that of the search.
      if settings.get("snap") ~= 0 then track.send_tempo(ctx.link, tab.proj, s.id) end
      ctx.link:command("anchors", { session = s.id, kind = settings.get("anchor"), nudge_ms = settings.get("nudge_ms"),
        snap = settings.get("snap") })
    end
  end), function(message) give_up(tab, message) end)
end

function sync_markers.anchor(tab, s, fields)
  local anchors = awaited[tab] and awaited[tab].by_session[s.id]
  if anchors then anchors[fields.number] = fields.time_s end
end

function sync_markers.anchors_end(tab)
  local anchors = awaited[tab]
  if not anchors then return end
  anchors.left = anchors.left - 1
  if anchors.left <= 0 then
    awaited[tab] = nil
    convert(tab, anchors.by_session)
  end
end

---A request of this tab failed.
---@return boolean ours whether it was one of this module
function sync_markers.failed(tab, text)
  if not awaited[tab] then return false end
  give_up(tab, text)
  return true
end

function sync_markers.tick(ctx, tab)
  if awaited[tab] and ctx.now > awaited[tab].until_s then give_up(tab, ctx.link.problem or "the daemon gave no anchors") end
end

---Another daemon has none of what was asked for.
function sync_markers.reconnected(ctx, tab)
  if awaited[tab] then sync_markers.convert(ctx, tab) end
end

return sync_markers
