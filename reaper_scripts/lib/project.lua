-- @noindex
--- The only module that edits the project: regions, sync markers, ruler lanes, undo blocks, project ext state. Only what the
-- scripts made is changed or deleted: each is known by its GUID.

local audition = require("audition")
local capabilities = require("capabilities")
local models = require("models")
local numeric = require("numeric")
local places = require("places")
local sealed = require("sealed")

local project = {}

local MISC = 8               -- UNDO_STATE_MISCCFG: markers, regions, loop selection
local CUSTOM = 0x1000000     -- without this bit a colour is stored but not used
local SECTION = "ReaTrieve"
local PREFIX = "ReaTrieve: "     -- of the names of our undo points

-- Okabe and Ito's colours, which colour-blind people can tell apart; the state is in the name as well.
local CANDIDATE = { 230, 159, 0 }
local REJECTED = { 128, 128, 128 }
local ACCEPTED = { { 0, 158, 115 }, { 86, 180, 233 }, { 204, 121, 167 }, { 0, 114, 178 }, { 240, 228, 66 } }

---How many colours there are for accepted regions.
project.COLOURS = #ACCEPTED

---The folder of a file.
---@param path string
---@return string? nil: the path names none
function project.folder_of(path) return path:match("^(.*)[/\\]") end

---@param kind "accepted"|"candidate"|"rejected"
---@param index integer
---@return integer[] rgb
function project.rgb(kind, index)
  if kind == "candidate" then return CANDIDATE end
  if kind == "rejected" then return REJECTED end
  return ACCEPTED[(index - 1) % #ACCEPTED + 1]
end

local function native(kind, index)
  local rgb = project.rgb(kind, index)
  return reaper.ColorToNative(rgb[1], rgb[2], rgb[3]) | CUSTOM
end

-- Regions and markers by GUID ---------------------------------------------------------------------------------------------

project.find = places.find

---The kind of a region: by its name, and where that says nothing (the user has named it otherwise) by the candidates' colour.
local function kind(there)
  local by_name = models.kind(there.name)
  if by_name == "accepted" and there.colour == native("candidate", 1) then return "candidate" end
  return by_name
end

---What stands in the project for the regions of a session.
---@param known table<string, integer> region GUID -> number
---@return table<string, Mark>
function project.read(proj, known)
  local present = {}
  for guid, there in pairs(places.those(proj, known)) do
    if there.isrgn then
      present[guid] = { number = known[guid], kind = kind(there), name = there.name, start_s = there.start_s, end_s = there.end_s,
        grey = there.colour == native("rejected", 1) }
    end
  end
  return present
end

---Regions that look like marks whose own regions are gone: should an undo give back a region with a new GUID, it is found by
---name and place.
---@param marks table<string, Mark>
---@param known table<string, integer>
---@param present table<string, Mark>
---@return table<string, string> new GUID by the old one
function project.match_by_name_and_start(proj, marks, known, present)
  local missing, found = {}, {}
  for guid, mark in pairs(marks) do
    if not present[guid] then missing[models.without_percentage(mark.name)] = guid end
  end
  if not next(missing) then return found end
  for there in places.each(proj) do
    local guid = there.isrgn and missing[models.without_percentage(there.name)]
    if guid and math.abs(there.start_s - marks[guid].start_s) < models.TOLERANCE_S and not known[there.guid] then
      found[guid] = there.guid
    end
  end
  return found
end

---The regions of a project that a session does not know, by name without percentage.
---@param known table<string, integer>
---@return table<string, table[]> empty where there are none
function project.unknown_regions(proj, known)
  local unknown_regions = {}
  for there in places.each(proj) do
    if there.isrgn and not known[there.guid] then
      local name = models.without_percentage(there.name)
      unknown_regions[name] = unknown_regions[name] or {}
      table.insert(unknown_regions[name], { guid = there.guid, kind = kind(there), name = there.name, start_s = there.start_s,
        end_s = there.end_s })
    end
  end
  return unknown_regions
end

---Regions at the places of marks whose names are of the sound, whatever their number: after "Find again" places keep the numbers
---that they had before.
---@param label string of the sound
---@param marks table<string, Mark>
---@param known table<string, integer>
---@param present table<string, Mark>
---@return table<string, table> region by the key of its mark
function project.renumbered(proj, label, marks, known, present)
  local found = {}
  for there in places.each(proj) do
    if there.isrgn and models.number_in_name(label, there.name) and not known[there.guid] and not present[there.guid] then
      for key, mark in pairs(marks) do
        if not found[key] and kind(there) == mark.kind and models.same_place(there, mark) then
          found[key] = there
          break
        end
      end
    end
  end
  return found
end

-- Undo steps ----------------------------------------------------------------------------------------------------------------

---Run `edit` as one undo step, closed also when it fails. A candidate that is heard ends with it, and the project plays on: where
---another question follows, it is stopped before.
---@param name string shown in REAPER's undo history
---@param edit fun(): any
---@return any result
---@return string undo_name
function project.undoable(proj, name, edit)
  local text = PREFIX .. name
  audition.finish_in(proj)                                 -- the point would keep what playing has borrowed
  reaper.Undo_BeginBlock2(proj)
  reaper.PreventUIRefresh(1)
  local ok, result = xpcall(edit, debug.traceback)
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(proj, text, MISC)
  reaper.UpdateTimeline()
  if not ok then error(result, 0) end
  return result, text
end

---The name of REAPER's last undo point, "" when there is none.
function project.last_undo(proj)
  return reaper.Undo_CanUndo2(proj) or ""
end

---Undo REAPER's last undo point.
function project.undo(proj) reaper.Undo_DoUndo2(proj) end

---The name of what REAPER would redo, "" when there is nothing.
---@return string
function project.next_redo(proj) return reaper.Undo_CanRedo2(proj) or "" end

---Whether something was undone last, and nothing was done since.
---@return boolean
function project.can_redo(proj) return project.next_redo(proj) ~= "" end

---Whether an undo point is one of ours.
---@param name string
---@return boolean
function project.is_our_point(name) return name:sub(1, #PREFIX) == PREFIX end

---Whether an undo point is a renaming of a sound.
---@param name string
---@return boolean
function project.is_renaming(name) return name:sub(1, #PREFIX + 7) == PREFIX .. "Rename " end

---Make the project's regions those that a model wants. To be called inside `undoable`.
---@param marks table<string, Mark> what stands there now, by GUID
---@param wanted table<integer, Mark> by number
---@param colour integer
---@return table<string, Mark> marks by GUID
function project.apply(proj, marks, wanted, colour)
  local guids, new = {}, {}
  for guid, mark in pairs(marks) do
    local as = wanted[mark.number]
    -- What stays as it is costs no call: the marks have been compared with the project in this tick.
    local unchanged = as and as.name == mark.name and as.kind == mark.kind
    if as and not guids[mark.number] and (unchanged or project.find(proj, guid)) then
      guids[mark.number] = guid
    else
      places.remove(proj, guid)
    end
  end
  local numbers = {}
  for number in pairs(wanted) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local mark, guid = wanted[number], guids[number]
    local before = guid and marks[guid]
    if not guid then
      guid = places.add(proj, true, mark.start_s, mark.end_s, mark.name, native(mark.kind, colour))
        or error(("REAPER made no region %s"):format(mark.name), 0)
    elseif before.name ~= mark.name or before.kind ~= mark.kind then
      places.change(proj, guid, { start_s = mark.start_s, end_s = mark.end_s, name = mark.name, colour = native(mark.kind, colour) })
    elseif mark.kind ~= "candidate" and (before.start_s ~= mark.start_s or before.end_s ~= mark.end_s) then
      places.change(proj, guid, { start_s = mark.start_s, end_s = mark.end_s })      -- the user's own name and colour stay
    end
    new[guid] = mark
  end
  return new
end

---Move a region, and rename it where a name is given; without an undo point of its own unless it is called inside `undoable`.
---@param name string?
function project.move(proj, guid, start_s, end_s, name)
  places.change(proj, guid, { start_s = start_s, end_s = end_s, name = name })
end

---Remove a region, without an undo point of its own.
function project.remove(proj, guid) places.remove(proj, guid) end

---The name of the smallest named region around a span that is not ours.
---@param ours fun(guid: string): boolean
---@return string?
function project.enclosing(proj, start_s, end_s, ours)
  local best
  for there in places.each(proj) do
    if there.isrgn and there.name ~= "" and there.start_s <= start_s + 1e-6 and there.end_s >= end_s - 1e-6
      and (not best or there.end_s - there.start_s < best.end_s - best.start_s) and not ours(there.guid) then
      best = there
    end
  end
  return best and best.name
end

-- Sync markers ----------------------------------------------------------------------------------------------------------------

local LANE = "ReaTrieve"

---The GUIDs of all ruler lanes, in order.
local function lanes(proj)
  local guids = {}
  for index = 0, numeric.whole(reaper.GetSetProjectInfo(proj, "RULER_LANE_COUNT", 0, false)) - 1 do
    local _, guid = reaper.GetSetProjectInfo_String(proj, ("RULER_LANE_GUID:%d"):format(index), "", false)
    guids[index + 1] = guid
  end
  return guids
end

---The ruler lane for sync markers, made when it is not there; nil where lanes cannot be counted: then markers are put where
---REAPER puts them.
local function lane(proj)
  if not capabilities.has("ruler_lane_guids") then return nil end
  local before, known = lanes(proj), {}
  for index, guid in ipairs(before) do
    local ok, name = reaper.GetSetProjectInfo_String(proj, ("RULER_LANE_NAME:%d"):format(index - 1), "", false)
    if ok and name == LANE then return index - 1 end
    known[guid] = true
  end
  reaper.GetSetProjectInfo(proj, ("RULER_LANE_ORDER:%d"):format(#before), -1, true)
  for index, guid in ipairs(lanes(proj)) do
    if not known[guid] then
      reaper.GetSetProjectInfo_String(proj, ("RULER_LANE_NAME:%d"):format(index - 1), LANE, true)
      return index - 1
    end
  end
end

---Make the sync markers those wanted. To be called inside `undoable`.
---@param before table<string, string[]> key -> GUIDs that its marker has had; an undo may bring each of them back
---@param wanted { key: string, time_s: number, name: string, colour: integer }[]
---@return table<string, string[]> key -> GUIDs, the marker's own one first
---@return integer refused how many REAPER did not make, since a marker of that name stands there
function project.set_markers(proj, before, wanted)
  local now, had, keep, own, left, refused = {}, {}, {}, {}, {}, 0
  local in_lane = #wanted > 0 and lane(proj) or nil
  for key, guids in pairs(before) do
    now[key] = guids
    for _, guid in ipairs(guids) do had[guid] = true end
  end
  local present = places.those(proj, had)
  for _, marker in ipairs(wanted) do
    for _, one in ipairs(before[marker.key] or {}) do
      if not own[marker.key] and present[one] then own[marker.key], keep[one] = one, true end
    end
  end
  for guid, there in pairs(present) do
    if not keep[guid] then left[guid] = there end
  end
  for _, marker in ipairs(wanted) do               -- after "Find again" a place has another key, and its marker stays
    for guid, there in pairs(own[marker.key] and {} or left) do
      if there.name == marker.name and math.abs(there.start_s - marker.time_s) < models.TOLERANCE_S then own[marker.key] = guid end
    end
    if own[marker.key] then keep[own[marker.key]], left[own[marker.key]] = true, nil end
  end
  for guid in pairs(left) do places.remove(proj, guid) end         -- first: REAPER makes no second marker of that name there
  for _, marker in ipairs(wanted) do
    local colour = native("accepted", marker.colour)
    local guid = own[marker.key]
    if guid then
      places.change(proj, guid, { start_s = marker.time_s, name = marker.name, colour = colour })
    else
      guid = places.add(proj, false, marker.time_s, 0, marker.name, colour)
    end
    if guid then
      local guids = { guid }
      for _, one in ipairs(before[marker.key] or {}) do
        if one ~= guid then guids[#guids + 1] = one end
      end
      now[marker.key] = guids
      if in_lane then places.to_lane(proj, guid, in_lane) end
    else
      refused = refused + 1
    end
  end
  return now, refused
end

-- Project ext state ---------------------------------------------------------------------------------------------------------

---The sessions that a project keeps. REAPER's enumeration gives keys whole and cuts values, so only the keys are taken from it.
---@return table<string, string> text by session id
function project.stored_sessions(proj)
  local list, index = {}, 0
  while true do
    local ok, key = reaper.EnumProjExtState(proj, SECTION, index)
    if not ok then return list end
    local id = key:upper():match("^SESSION_(.+)$")
    if id then list[id] = project.stored_session(proj, id) end
    index = index + 1
  end
end

---@param id string
---@return string text "" when the project has none
function project.stored_session(proj, id) return project.stored(proj, "SESSION_" .. id) end

---@param id string
---@param text string "" removes it
function project.store_session(proj, id, text)
  reaper.SetProjExtState(proj, SECTION, "SESSION_" .. id, text)
end

---@param key string
function project.stored(proj, key)
  local _, value = reaper.GetProjExtState(proj, SECTION, key)
  return value or ""
end

---@param key string
---@param value string
function project.store(proj, key, value)
  reaper.SetProjExtState(proj, SECTION, key, value)
end

---The GUIDs of the sync markers that were made, by key. Versions up to 0.1 kept them in one line.
---@return table<string, string[]>
function project.stored_markers(proj)
  local before = {}
  local stored = project.stored(proj, "MARKERS")
  for _, line in ipairs(sealed.lines(stored) or {}) do
    local key, guids = line:match("^(%S+) (.+)$")
    local list = {}
    for guid in (guids or ""):gmatch("%b{}") do list[#list + 1] = guid end
    if key and list[1] then before[key] = list end
  end
  if not stored:find("\n", 1, true) then
    for key, guid in stored:gmatch("([^ ;]+) ([^ ;]+)") do before[key] = { guid } end
  end
  return before
end

---@param markers table<string, string[]>
function project.store_markers(proj, markers)
  local lines = {}
  for key, guids in pairs(markers) do lines[#lines + 1] = key .. " " .. table.concat(guids, " ") end
  table.sort(lines)
  project.store(proj, "MARKERS", #lines > 0 and sealed.text(lines) or "")
end

return project
