-- @noindex
--- The only module that edits the project: regions, sync markers, ruler lanes, undo blocks, project ext state.
--
-- Regions are known by GUID. From REAPER 7.62 on they are asked for by it; before, MARKER_INDEX_FROM_GUID gives the place in
-- the enumeration; where even that is missing the displayed number stands in for it ("#12").

local models = require("models")

local project = {}

local MISC = 8               -- UNDO_STATE_MISCCFG: markers, regions, loop selection
local CUSTOM = 0x1000000     -- without this bit a colour is stored but not used
local SECTION = "ReaTrieve"

-- Okabe and Ito's colours, which colour-blind people can tell apart; the state is in the name as well.
local CANDIDATE = { 230, 159, 0 }
local REJECTED = { 128, 128, 128 }
local ACCEPTED = { { 0, 158, 115 }, { 86, 180, 233 }, { 204, 121, 167 }, { 0, 114, 178 }, { 240, 228, 66 } }

---How many colours there are for accepted regions.
project.COLOURS = #ACCEPTED

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

---@class ProjectMarker
---@field isrgn boolean
---@field start_s number
---@field end_s number
---@field name string
---@field displayed integer
---@field index integer its place in the enumeration
---@field colour integer

local function has_objects() return reaper.APIExists("GetRegionOrMarkerInfo_Value") end

local function by_index(proj, index)
  local retval, isrgn, start_s, end_s, name, displayed, colour = reaper.EnumProjectMarkers3(proj, index)
  if retval == 0 then return nil end
  return { isrgn = isrgn, start_s = start_s, end_s = end_s, name = name, displayed = displayed, index = index, colour = colour }
end

local function index_of(proj, guid)
  local displayed = guid:match("^#(%-?%d+)$")
  if displayed then
    local index = 0
    while true do
      local there = by_index(proj, index)
      if not there then return nil end
      if there.isrgn and there.displayed == tonumber(displayed) then return index end
      index = index + 1
    end
  end
  if has_objects() then
    local object = reaper.GetRegionOrMarker(proj, -1, guid)
    if not object then return nil end
    return math.tointeger(reaper.GetRegionOrMarkerInfo_Value(proj, object, "I_INDEX"))
  end
  local ok, index = reaper.GetSetProjectInfo_String(proj, "MARKER_INDEX_FROM_GUID:" .. guid, "", false)
  return ok and math.tointeger(tonumber(index)) or nil
end

---@param guid string
---@return ProjectMarker?
function project.find(proj, guid)
  local index = index_of(proj, guid)
  return index and by_index(proj, index)
end

local function guid_at(proj, index)
  if has_objects() then
    local object = reaper.GetRegionOrMarker(proj, index, "")
    if not object then return nil end
    local ok, guid = reaper.GetSetRegionOrMarkerInfo_String(proj, object, "GUID", "", false)
    return ok and guid or nil
  end
  local ok, guid = reaper.GetSetProjectInfo_String(proj, ("MARKER_GUID:%d"):format(index), "", false)
  return ok and guid ~= "" and guid or nil
end

local function added(proj, isrgn, start_s, end_s, name, colour)
  if reaper.APIExists("AddRegionOrMarker") then
    local object = reaper.AddRegionOrMarker(proj, isrgn, start_s, end_s, name, -1, colour)
    local ok, guid = reaper.GetSetRegionOrMarkerInfo_String(proj, object, "GUID", "", false)
    if ok then return guid end
  end
  local displayed = reaper.AddProjectMarker2(proj, isrgn, start_s, end_s, name, -1, colour)
  local index = 0
  while true do
    local there = by_index(proj, index)
    if not there then break end
    -- Markers may share a number, so the place is compared too.
    if there.isrgn == isrgn and there.displayed == displayed and math.abs(there.start_s - start_s) < 1e-9 then
      return guid_at(proj, index) or "#" .. displayed
    end
    index = index + 1
  end
  return "#" .. displayed
end

local function changed(proj, guid, start_s, end_s, name, colour)
  local there = project.find(proj, guid)
  if not there then return false end
  return reaper.SetProjectMarkerByIndex2(proj, there.index, there.isrgn, start_s, end_s, there.displayed, name, colour,
    name == "" and 1 or 0)
end

local function removed(proj, guid)
  local index = index_of(proj, guid)
  if index then reaper.DeleteProjectMarkerByIndex(proj, index) end
end

---What stands in the project for the regions of a session.
---@param known table<string, integer> region GUID -> number
---@return table<string, Mark>
function project.read(proj, known)
  local present = {}
  for guid, number in pairs(known) do
    local there = project.find(proj, guid)
    if there and there.isrgn then
      present[guid] = { number = number, kind = models.kind(there.name), name = there.name, start_s = there.start_s,
        end_s = there.end_s }
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
function project.lookalikes(proj, marks, known, present)
  local missing, found, index = {}, {}, 0
  for guid, mark in pairs(marks) do
    if not present[guid] then missing[mark.name] = guid end
  end
  if not next(missing) then return found end
  while true do
    local there = by_index(proj, index)
    if not there then return found end
    local guid = there.isrgn and missing[there.name]
    if guid and math.abs(there.start_s - marks[guid].start_s) < models.TOLERANCE_S then
      local other = guid_at(proj, index)
      if other and not known[other] then found[guid] = other end
    end
    index = index + 1
  end
end

-- Undo steps ----------------------------------------------------------------------------------------------------------------

---Run `edit` as one undo step, closed also when it fails.
---@param name string shown in REAPER's undo history
---@param edit fun(): any
---@return any result
---@return string undo_name
function project.undoable(proj, name, edit)
  local text = "ReaTrieve: " .. name
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
      removed(proj, guid)
    end
  end
  local numbers = {}
  for number in pairs(wanted) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local mark, guid = wanted[number], guids[number]
    local before = guid and marks[guid]
    if not guid then
      guid = added(proj, true, mark.start_s, mark.end_s, mark.name, native(mark.kind, colour))
    elseif before.name ~= mark.name or before.kind ~= mark.kind then
      changed(proj, guid, mark.start_s, mark.end_s, mark.name, native(mark.kind, colour))
    elseif mark.kind ~= "candidate" and (before.start_s ~= mark.start_s or before.end_s ~= mark.end_s) then
      local there = project.find(proj, guid)      -- the user's own name and colour stay
      if there then changed(proj, guid, mark.start_s, mark.end_s, there.name, there.colour) end
    end
    new[guid] = mark
  end
  return new
end

---Move a region without an undo point of its own: what the daemon corrected.
function project.move(proj, guid, start_s, end_s)
  local there = project.find(proj, guid)
  if there then changed(proj, guid, start_s, end_s, there.name, there.colour) end
end

---The name of the smallest named region around a span that is not ours.
---@param ours fun(guid: string): boolean
---@return string?
function project.enclosing(proj, start_s, end_s, ours)
  local best, index = nil, 0
  while true do
    local there = by_index(proj, index)
    if not there then break end
    if there.isrgn and there.name ~= "" and there.start_s <= start_s + 1e-6 and there.end_s >= end_s - 1e-6
      and (not best or there.end_s - there.start_s < best.end_s - best.start_s) then
      local guid = guid_at(proj, index) or "#" .. there.displayed
      if not ours(guid) then best = there end
    end
    index = index + 1
  end
  return best and best.name
end

-- Sync markers ----------------------------------------------------------------------------------------------------------------

local LANE = "ReaTrieve"

local function lane_count(proj)
  return math.tointeger(reaper.GetSetProjectInfo(proj, "RULER_LANE_COUNT", 0, false) // 1) or 0
end

---The ruler lane for sync markers, made when it is not there; nil where REAPER has no lanes (before 7.62).
local function lane(proj)
  if not has_objects() then return nil end
  local count = lane_count(proj)
  for index = 0, count - 1 do
    local ok, name = reaper.GetSetProjectInfo_String(proj, ("RULER_LANE_NAME:%d"):format(index), "", false)
    if ok and name == LANE then return index end
  end
  -- The API's help reads "move lane at position X to a new position, -1 to insert"; which of the two is -1 is not sure.
  local at = count
  for _, try in ipairs { { count, -1 }, { 0, -1 }, { -1, count }, { -1, -1 } } do
    reaper.GetSetProjectInfo(proj, ("RULER_LANE_ORDER:%d"):format(try[1]), try[2], true)
    if lane_count(proj) > count then
      at = try[1] == 0 and 0 or lane_count(proj) - 1
      break
    end
  end
  if lane_count(proj) == count then return nil end
  reaper.GetSetProjectInfo_String(proj, ("RULER_LANE_NAME:%d"):format(at), LANE, true)
  return at
end

---Make the sync markers those wanted. To be called inside `undoable`.
---@param before table<string, string> key -> GUID of the last time
---@param wanted { key: string, time_s: number, name: string, colour: integer }[]
---@return table<string, string> key -> GUID
function project.set_markers(proj, before, wanted)
  local now, keep = {}, {}
  local in_lane = #wanted > 0 and lane(proj) or nil
  for _, marker in ipairs(wanted) do
    local colour = native("accepted", marker.colour)
    local guid = before[marker.key]
    local there = guid and project.find(proj, guid)
    if not there then
      guid = nil
      local index = 0       -- after an undo and a redo the key may be lost, but not the marker
      while true do
        there = by_index(proj, index)
        if not there then break end
        if not there.isrgn and there.name == marker.name and math.abs(there.start_s - marker.time_s) < 1e-3 then
          guid = guid_at(proj, index)
          break
        end
        index = index + 1
      end
    end
    if guid and project.find(proj, guid) then
      changed(proj, guid, marker.time_s, 0, marker.name, colour)
    else
      guid = added(proj, false, marker.time_s, 0, marker.name, colour)
    end
    if in_lane then
      local object = reaper.GetRegionOrMarker(proj, -1, guid)
      if object then reaper.SetRegionOrMarkerInfo_Value(proj, object, "I_LANENUMBER", in_lane) end
    end
    now[marker.key], keep[guid] = guid, true
  end
  for _, guid in pairs(before) do
    if not keep[guid] then removed(proj, guid) end
  end
  return now
end

-- Project ext state ---------------------------------------------------------------------------------------------------------

---@return table<string, string> text by session id
function project.stored_sessions(proj)
  local list, index = {}, 0
  while true do
    local ok, key, value = reaper.EnumProjExtState(proj, SECTION, index)
    if not ok then return list end
    local id = key:upper():match("^SESSION_(.+)$")
    if id then list[id] = value end
    index = index + 1
  end
end

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

return project
