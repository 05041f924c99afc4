-- @noindex
--- Regions and markers of a project by GUID: found, added, changed, deleted. From REAPER 7.62 on they are objects; before, their
-- place in the enumeration is looked up anew for each edit, since it moves at every edit. Only project.lua edits by this.

local capabilities = require("capabilities")
local numeric = require("numeric")

local places = {}

---@class ProjectMarker
---@field guid string
---@field isrgn boolean
---@field start_s number
---@field end_s number
---@field name string
---@field displayed integer
---@field colour integer native, with REAPER's flag for "used"

local SAME_S = 1e-9

-- By object ---------------------------------------------------------------------------------------------------------------

local objects = {}

local function value(proj, object, name) return reaper.GetRegionOrMarkerInfo_Value(proj, object, name) end

local function text(proj, object, name)
  local _, found = reaper.GetSetRegionOrMarkerInfo_String(proj, object, name, "", false)
  return found
end

local function described(proj, object, guid)
  return { guid = guid, isrgn = value(proj, object, "B_ISREGION") ~= 0, start_s = value(proj, object, "D_STARTPOS"),
    end_s = value(proj, object, "D_ENDPOS"), name = text(proj, object, "P_NAME"),
    displayed = numeric.whole(value(proj, object, "I_NUMBER")), colour = numeric.whole(value(proj, object, "I_CUSTOMCOLOR")) }
end

-- An object holds until the next change only, so it is asked for by GUID each time.
local function object_of(proj, guid) return reaper.GetRegionOrMarker(proj, -1, guid) end

function objects.find(proj, guid)
  local object = object_of(proj, guid)
  return object and described(proj, object, guid)
end

function objects.each(proj, wanted)
  local index = -1
  return function()
    while true do
      index = index + 1
      local object = reaper.GetRegionOrMarker(proj, index, "")
      if not object then return nil end
      local guid = text(proj, object, "GUID")
      if not wanted or wanted[guid] then return described(proj, object, guid) end
    end
  end
end

function objects.change(proj, guid, changes)
  local function set(name, new)
    local object = object_of(proj, guid)
    if object then reaper.SetRegionOrMarkerInfo_Value(proj, object, name, new) end
  end
  local object = object_of(proj, guid)
  if not object then return end
  if changes.name then reaper.GetSetRegionOrMarkerInfo_String(proj, object, "P_NAME", changes.name, true) end
  if changes.colour then set("I_CUSTOMCOLOR", changes.colour) end
  if not changes.start_s then return end
  -- A start behind the end would swap the two.
  if changes.end_s and changes.start_s >= value(proj, object_of(proj, guid), "D_ENDPOS") then
    set("D_ENDPOS", changes.end_s)
    set("D_STARTPOS", changes.start_s)
  else
    set("D_STARTPOS", changes.start_s)
    if changes.end_s then set("D_ENDPOS", changes.end_s) end
  end
end

-- REAPER has no function that deletes an object, so its place is checked first.
function objects.remove(proj, guid)
  local object = object_of(proj, guid)
  if not object then return end
  local index = numeric.whole(value(proj, object, "I_INDEX"))
  local there = described(proj, object, guid)
  local function at(candidate)
    local found, isrgn, start_s, end_s, name, displayed = reaper.EnumProjectMarkers3(proj, candidate)
    return found ~= 0, isrgn == there.isrgn and displayed == there.displayed and name == there.name
      and math.abs(start_s - there.start_s) < SAME_S and (not isrgn or math.abs(end_s - there.end_s) < SAME_S)
  end
  local _, same = at(index)
  if not same then
    local more, equals = true, {}
    local candidate = 0
    while more do
      more, same = at(candidate)
      if more and same then equals[#equals + 1] = candidate end
      candidate = candidate + 1
    end
    if #equals ~= 1 then error(("the region %s cannot be told from others: delete it by hand"):format(there.name), 0) end
    index = equals[1]
  end
  reaper.DeleteProjectMarkerByIndex(proj, index)
end

-- By place in the enumeration (before 7.62) -------------------------------------------------------------------------------

local indexed = {}

local function guid_at(proj, index)
  local ok, guid = reaper.GetSetProjectInfo_String(proj, ("MARKER_GUID:%d"):format(index), "", false)
  return ok and guid or ""
end

local function at_index(proj, index)
  local found, isrgn, start_s, end_s, name, displayed, colour = reaper.EnumProjectMarkers3(proj, index)
  if found == 0 then return nil end
  return { guid = guid_at(proj, index), isrgn = isrgn, start_s = start_s, end_s = end_s, name = name, displayed = displayed,
    colour = colour }
end

---The place of a GUID, which stands there now.
local function index_of(proj, guid)
  local ok, told = reaper.GetSetProjectInfo_String(proj, "MARKER_INDEX_FROM_GUID:" .. guid, "", false)    -- from 6.71 on
  local index = ok and math.tointeger(tonumber(told))
  if index and guid_at(proj, index) == guid then return index end
  if ok and told == "" then return nil end
  for candidate = 0, reaper.CountProjectMarkers(proj) - 1 do
    if guid_at(proj, candidate) == guid then return candidate end
  end
end

function indexed.find(proj, guid)
  local index = index_of(proj, guid)
  return index and at_index(proj, index)
end

function indexed.each(proj, wanted)
  local index = -1
  return function()
    while true do
      index = index + 1
      local there = at_index(proj, index)
      if not there or not wanted or wanted[there.guid] then return there end
    end
  end
end

function indexed.change(proj, guid, changes)
  local index = index_of(proj, guid)
  local there = index and at_index(proj, index)
  if not there then return end
  local name = changes.name or there.name
  reaper.SetProjectMarkerByIndex2(proj, index, there.isrgn, changes.start_s or there.start_s, changes.end_s or there.end_s,
    there.displayed, name, changes.colour or there.colour, name == "" and 1 or 0)
end

function indexed.remove(proj, guid)
  local index = index_of(proj, guid)
  if index then reaper.DeleteProjectMarkerByIndex(proj, index) end
end

-- What the project module asks for -----------------------------------------------------------------------------------------

local function ways() return capabilities.has("region_objects") and objects or indexed end

---@param guid string
---@return ProjectMarker?
function places.find(proj, guid) return ways().find(proj, guid) end

---Regions and markers in time order.
---@return fun(): ProjectMarker?
function places.each(proj) return ways().each(proj) end

---Those that have one of these GUIDs. A session knows each region that it ever had, and few of them stand there after many undos;
---a project may hold thousands of others. So the fewer are looked at.
---@param wanted table<string, any> by GUID
---@return table<string, ProjectMarker>
function places.those(proj, wanted)
  local way, found, count = ways(), {}, 0
  for _ in pairs(wanted) do count = count + 1 end
  if count > reaper.CountProjectMarkers(proj) then
    for there in way.each(proj, wanted) do found[there.guid] = there end
  else
    for guid in pairs(wanted) do found[guid] = way.find(proj, guid) end
  end
  return found
end

---Change what is given of one that stands there; the rest stays.
---@param guid string
---@param changes { start_s: number?, end_s: number?, name: string?, colour: integer? }
function places.change(proj, guid, changes) ways().change(proj, guid, changes) end

---@param guid string
function places.remove(proj, guid) ways().remove(proj, guid) end

---@param isrgn boolean
---@return string? guid nil where REAPER makes none: a marker of that name stands at that place already
function places.add(proj, isrgn, start_s, end_s, name, colour)
  if capabilities.has("add_region_object") then
    local object = reaper.AddRegionOrMarker(proj, isrgn, start_s, end_s, name, -1, colour)
    return object and text(proj, object, "GUID")
  end
  local displayed = reaper.AddProjectMarker2(proj, isrgn, start_s, end_s, name, -1, colour)
  if displayed < 0 then return nil end
  for there in places.each(proj) do
    -- Markers may share a number, so all is compared.
    if there.isrgn == isrgn and there.displayed == displayed and there.name == name and math.abs(there.start_s - start_s) < SAME_S then
      return there.guid
    end
  end
end

---Put a marker into a ruler lane (objects only).
---@param guid string
---@param lane integer
function places.to_lane(proj, guid, lane)
  local object = object_of(proj, guid)
  if object then reaper.SetRegionOrMarkerInfo_Value(proj, object, "I_LANENUMBER", lane) end
end

return places
