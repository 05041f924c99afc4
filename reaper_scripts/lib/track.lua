-- @noindex
--- Which track is searched, and what REAPER plays on it: the items as the daemon needs them, and the tempo map.

local numeric = require("numeric")
local work = require("work")

local track = {}

track.SHORTEST_S = 0.05
track.LONGEST_S = 30.0

-- Sources without a file of their own that libsndfile could read.
local NO_FILE = { VIDEO = true, RPP_PROJECT = true, REX = true, CLICK = true, LTC = true, EMPTY = true, [""] = true, AVI = true }

local function title(the_track)
  local ok, name = reaper.GetTrackName(the_track)
  return ok and ("\"%s\""):format(name) or "the track"
end

---@return string
function track.guid(the_track) return reaper.GetTrackGUID(the_track) end

---@return userdata?
function track.by_guid(proj, guid)
  for index = 0, reaper.CountTracks(proj) - 1 do
    local one = reaper.GetTrack(proj, index)
    if reaper.GetTrackGUID(one) == guid then return one end
  end
end

---A track by its pointer, if that is still the track of this GUID: REAPER gives freed addresses to other tracks.
---@param pointer userdata?
---@param guid string
---@return userdata?
function track.there(proj, pointer, guid)
  if pointer and reaper.ValidatePtr2(proj, pointer, "MediaTrack*") and reaper.GetTrackGUID(pointer) == guid then return pointer end
end

---The time selection; a project file may hold one that ends before it starts.
---@return number start_s
---@return number end_s
local function selection(proj)
  local start_s, end_s = reaper.GetSet_LoopTimeRange2(proj, false, false, 0, 0, false)
  return math.min(start_s, end_s), math.max(start_s, end_s)
end

---Whether a media item stands somewhere in a span.
local function overlaps(item, start_s, end_s)
  local position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  return position_s < end_s and position_s + reaper.GetMediaItemInfo_Value(item, "D_LENGTH") > start_s
end

---Whether a track has sound in a span.
local function sounds(the_track, start_s, end_s)
  if reaper.GetMediaTrackInfo_Value(the_track, "B_MUTE") ~= 0 then return false end
  for index = 0, reaper.CountTrackMediaItems(the_track) - 1 do
    local item = reaper.GetTrackMediaItem(the_track, index)
    if overlaps(item, start_s, end_s) and reaper.GetMediaItemInfo_Value(item, "B_MUTE") == 0 then
      local take = reaper.GetActiveTake(item)
      if take and not reaper.TakeIsMIDI(take) then return true end
    end
    work.pause()
  end
  return false
end

---Spans of the razor edit areas on the track itself (not on its envelopes).
---@return { start_s: number, end_s: number }[]
local function razor_areas(the_track)
  local ok, text = reaper.GetSetMediaTrackInfo_String(the_track, "P_RAZOREDITS", "", false)
  local areas = {}
  if ok then
    for start_s, end_s, envelope in text:gmatch("(%S+) (%S+) (\"[^\"]*\")") do
      if envelope == "\"\"" then areas[#areas + 1] = { start_s = tonumber(start_s), end_s = tonumber(end_s) } end
    end
  end
  return areas
end

---The track to search: that of the razor edit area, else of the selected items under the time selection, else the selected one,
---else the only one that sounds there.
---@return userdata? track
---@return string message why there is none, or what the user should know of the choice
---@return { start_s: number, end_s: number }? area a razor edit area on it
function track.choose(proj)
  local found, area
  for index = 0, reaper.CountTracks(proj) - 1 do
    local one = reaper.GetTrack(proj, index)
    local areas = razor_areas(one)
    if areas[1] then
      if found then return nil, "razor edit areas on several tracks: mark the sound on one track" end
      found, area = one, areas[1]
    end
    work.pause()
  end
  if found then return found, "", area end

  local start_s, end_s = selection(proj)
  local tracks = {}
  for index = 0, reaper.CountSelectedMediaItems(proj) - 1 do
    local item = reaper.GetSelectedMediaItem(proj, index)
    if overlaps(item, start_s, end_s) then tracks[reaper.GetMediaItem_Track(item)] = true end
    work.pause()
  end
  local first = next(tracks)
  if first then
    if next(tracks, first) then return nil, "items on several tracks are selected: select those of one track" end
    return first, ""
  end

  local count = reaper.CountSelectedTracks(proj)
  local selected = count == 1 and reaper.GetSelectedTrack(proj, 0) or nil
  if selected and sounds(selected, start_s, end_s) then return selected, "" end
  local sounding = {}
  for index = 0, reaper.CountTracks(proj) - 1 do
    local one = reaper.GetTrack(proj, index)
    if #sounding < 2 and sounds(one, start_s, end_s) then sounding[#sounding + 1] = one end
  end
  if #sounding == 1 then return sounding[1], ("on %s, the only track that sounds there"):format(title(sounding[1])) end
  if selected then return selected, "" end
  if count == 0 then return nil, "no track: select the track that holds the sound" end
  return nil, ("%d tracks are selected: select one"):format(count)
end

---The example: the time selection, or a razor edit area where there is none.
---@param area { start_s: number, end_s: number }?
---@return number? start_s
---@return number|string end_s or why there is none
function track.example(proj, area)
  local start_s, end_s = selection(proj)
  if end_s <= start_s and area then start_s, end_s = area.start_s, area.end_s end
  if end_s <= start_s then return nil, "no time selection: mark one occurrence of the sound with a time selection" end
  local length_s = end_s - start_s
  if length_s < track.SHORTEST_S then
    return nil, ("the time selection is %.0f ms long, the shortest that can be searched is %.0f ms"):format(1000 * length_s,
      1000 * track.SHORTEST_S)
  end
  if length_s > track.LONGEST_S then
    return nil, ("the time selection is %.1f s long, the longest that can be searched is %.0f s"):format(length_s, track.LONGEST_S)
  end
  return start_s, end_s
end

---Where the items of a track begin and end.
---@param the_track userdata?
---@return number start_s
---@return number end_s
function track.extent(the_track)
  local first_s, last_s = math.huge, -math.huge
  if not the_track then return -math.huge, math.huge end
  for index = 0, reaper.CountTrackMediaItems(the_track) - 1 do
    local item = reaper.GetTrackMediaItem(the_track, index)
    local position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
    first_s = math.min(first_s, position_s)
    last_s = math.max(last_s, position_s + reaper.GetMediaItemInfo_Value(item, "D_LENGTH"))
  end
  return first_s, last_s
end

---@class ItemPlace
---@field position_s number
---@field length_s number
---@field offset_s number
---@field rate number
---@field source string? path of the file that it plays, "" for none; nil where a version up to 0.1 stored it

---A source and those that it is a section of, the root last.
---@return PCM_source[]
local function sources_of(source)
  local list = {}
  while source do
    list[#list + 1] = source
    source = reaper.GetMediaSourceParent(source)
  end
  return list
end

---Where the items of a track stand, by GUID.
---@return table<string, ItemPlace>
function track.layout(the_track)
  local layout = {}
  for index = 0, reaper.CountTrackMediaItems(the_track) - 1 do
    local item = reaper.GetTrackMediaItem(the_track, index)
    local take = reaper.GetActiveTake(item)
    local sources = sources_of(take and reaper.GetMediaItemTake_Source(take))
    local root = sources[#sources]
    local _, guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
    layout[guid] = { position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION"),
      length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH"),
      offset_s = take and reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") or 0,
      rate = take and reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE") or 1,
      source = root and reaper.GetMediaSourceFileName(root, "") or "" }
  end
  return layout
end

-- Items --------------------------------------------------------------------------------------------------------------------

---@class TrackItem the fields of the message `item`, and what only the script needs
---@field guid string
---@field path string
---@field position_s number
---@field length_s number
---@field accessor integer
---@field render string? why it must be rendered through an accessor

local function has_take_envelopes(take)
  for index = 0, reaper.CountTakeEnvelopes(take) - 1 do
    local envelope = reaper.GetTakeEnvelope(take, index)
    if reaper.CountEnvelopePoints(envelope) > 0 then return true end
  end
  return false
end

local function fade(item, name)
  local automatic = reaper.GetMediaItemInfo_Value(item, "D_FADE" .. name .. "LEN_AUTO")
  if automatic >= 0 then return automatic end
  return math.max(0, reaper.GetMediaItemInfo_Value(item, "D_FADE" .. name .. "LEN"))
end

---One media item as the daemon needs it ("fx": the take has effects), or nil: "midi", "muted", "empty" or "offline" with the
---file's name.
---@return TrackItem?
---@return string? why
---@return string? file
local function described(the_track, item)
  if reaper.GetMediaItemInfo_Value(item, "B_MUTE") ~= 0 then return nil, "muted" end        -- as heard: item solo overrides
  if reaper.GetMediaTrackInfo_Value(the_track, "I_FREEMODE") == 2 and reaper.GetMediaItemInfo_Value(item, "C_LANEPLAYS") < 1 then
    return nil, "muted"
  end
  local take = reaper.GetActiveTake(item)
  if not take then return nil, "empty" end
  if reaper.TakeIsMIDI(take) then return nil, "midi" end
  local source = reaper.GetMediaItemTake_Source(take)
  if not source then return nil, "empty" end

  local function take_value(name) return reaper.GetMediaItemTakeInfo_Value(take, name) end
  local section, section_start_s, section_length_s, reversed = false, 0.0, 0.0, false
  local sources = sources_of(source)
  for _, one in ipairs(sources) do
    if reaper.GetMediaSourceType(one, "") == "SECTION" and not section then
      local ok, offset, length, reverse = reaper.PCM_Source_GetSectionInfo(one)
      section = ok
      if ok then section_start_s, section_length_s, reversed = offset, length, reverse end
    end
  end
  local root = sources[#sources]
  local path = reaper.GetMediaSourceFileName(root, "")
  local source_length_s, in_quarters = reaper.GetMediaSourceLength(root)
  local kind = reaper.GetMediaSourceType(root, "")
  if in_quarters or kind == "MIDI" then return nil, "midi" end
  local no_file = NO_FILE[kind] or path == ""
  if not no_file and (source_length_s <= 0 or not reaper.file_exists(path)) then return nil, "offline", path end
  if section_length_s <= 0 then section_length_s = source_length_s - section_start_s end

  local rate = take_value("D_PLAYRATE")
  local render
  if no_file then render = "its source is not an audio file"
  elseif rate ~= 1 and take_value("B_PPITCH") ~= 0 then render = "its pitch is preserved at another rate"
  elseif take_value("D_PITCH") ~= 0 then render = "it is pitch-shifted"
  elseif reaper.GetTakeNumStretchMarkers(take) > 0 then render = "it has stretch markers"
  elseif has_take_envelopes(take) then render = "it has take envelopes"
  end

  local _, guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
  return {
    guid = guid,
    path = path,
    position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION"),
    length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH"),
    offset_s = take_value("D_STARTOFFS"),
    rate = rate,
    section_start_s = section_start_s,
    section_length_s = section_length_s,
    reverse = reversed and 1 or 0,
    loop = reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") ~= 0 and 1 or 0,
    channel_mode = numeric.whole(take_value("I_CHANMODE")),
    gain = reaper.GetMediaItemInfo_Value(item, "D_VOL") * take_value("D_VOL"),
    pan = take_value("D_PAN"),
    fade_in_s = fade(item, "IN"),
    fade_out_s = fade(item, "OUT"),
    fade_in_shape = numeric.whole(reaper.GetMediaItemInfo_Value(item, "C_FADEINSHAPE")),
    fade_out_shape = numeric.whole(reaper.GetMediaItemInfo_Value(item, "C_FADEOUTSHAPE")),
    accessor = 0,
    render = render,
  }, reaper.TakeFX_GetCount(take) > 0 and "fx" or nil
end

---What the track plays, with the example under one of its items.
---@return TrackItem[]? items
---@return string message why not, or what the user should know nevertheless
function track.items(the_track, start_s, end_s)
  local count = reaper.CountTrackMediaItems(the_track)
  if count == 0 then
    if reaper.GetMediaTrackInfo_Value(the_track, "I_FOLDERDEPTH") == 1 then
      return nil, ("%s is a folder without items of its own: select the track in it that holds the sound, or render a stem"):format(
        title(the_track))
    end
    if reaper.GetTrackNumSends(the_track, -1) > 0 then
      return nil, ("%s is a bus without items of its own: select the track that feeds it, or render a stem"):format(title(the_track))
    end
    return nil, ("%s has no items"):format(title(the_track))
  end
  local items, offline, midi_under, muted_under, fx = {}, 0, false, false, false
  local sound_under = false
  for index = 0, count - 1 do
    local item = reaper.GetTrackMediaItem(the_track, index)
    local under = overlaps(item, start_s, end_s)
    local one, why, file = described(the_track, item)
    if one and one.length_s > 0 then
      items[#items + 1] = one
      sound_under = sound_under or under
      fx = fx or why == "fx"
    elseif why == "offline" then
      if under then
        return nil, ("the media of the item under the time selection is offline: %s"):format(file:match("[^/\\]*$"))
      end
      offline = offline + 1
    elseif under then
      midi_under = midi_under or why == "midi"
      muted_under = muted_under or why == "muted"
    end
    work.pause()
  end
  if not sound_under then
    if midi_under then
      return nil, "the item under the time selection is MIDI: render it (or freeze the track) and search the audio"
    end
    if muted_under then return nil, "the item under the time selection is muted" end
    return nil, ("no item under the time selection on %s"):format(title(the_track))
  end
  local message = ""
  if offline > 0 then message = offline == 1 and "1 item with offline media is left out"
    or ("%d items with offline media are left out"):format(offline) end
  if fx or reaper.TrackFX_GetCount(the_track) > 0 or reaper.GetMediaTrackInfo_Value(the_track, "B_MAINSEND") == 0 then
    message = (message ~= "" and message .. "; " or "") .. "searching without FX; render a stem to include them"
  end
  return items, message
end

---Send a command for each entry of a list, which stays as it is.
---@param name string
---@param list table[]
function track.send_each(link, name, session, list)
  for _, entry in ipairs(list) do
    local fields = { session = session }
    for key, value in pairs(entry) do fields[key] = value end
    link:command(name, fields)
  end
end

---Tell the daemon of a track, item by item, and of what REAPER plays of it.
---@param session string id
---@param items TrackItem[]
---@param probes table[]
function track.send(link, session, items, probes)
  for index, item in ipairs(items) do
    local fields = {}
    for key, value in pairs(item) do fields[key] = value end
    fields.session, fields.index, fields.render = session, index - 1, nil
    link:command("item", fields)
  end
  track.send_each(link, "probe", session, probes)
end

-- Tempo map -------------------------------------------------------------------------------------------------------------------

---The project's tempo map as `tempo` messages (but for the session).
---@return table[]
function track.tempo(proj)
  local list = {}
  local function add(time_s, bpm, numerator, denominator)
    local _, measures, _, fullbeats = reaper.TimeMap2_timeToBeats(proj, time_s)
    list[#list + 1] = { index = #list, time_s = time_s, bpm = bpm, numerator = numerator, denominator = denominator,
      fullbeats = fullbeats, measure = numeric.whole(measures) }
  end
  local count = reaper.CountTempoTimeSigMarkers(proj)
  local first
  if count > 0 then
    local _, time_s = reaper.GetTempoTimeSigMarker(proj, 0)
    first = time_s
  end
  if not first or first > 1e-9 then
    local numerator, denominator, tempo = reaper.TimeMap_GetTimeSigAtTime(proj, 0)
    add(0.0, tempo, numeric.whole(numerator), numeric.whole(denominator))
  end
  for index = 0, count - 1 do
    local _, time_s, _, _, _, _, _, linear = reaper.GetTempoTimeSigMarker(proj, index)
    local numerator, denominator, tempo = reaper.TimeMap_GetTimeSigAtTime(proj, time_s)
    add(time_s, tempo, numeric.whole(numerator), numeric.whole(denominator))
    if linear and index < count - 1 then
      -- A ramp becomes short steps; each has its exact place in beats, so errors do not add up.
      local _, next_s = reaper.GetTempoTimeSigMarker(proj, index + 1)
      for step = 1, 15 do
        local at = time_s + (next_s - time_s) * step / 16
        local _, _, at_tempo = reaper.TimeMap_GetTimeSigAtTime(proj, at)
        add(at, at_tempo, numeric.whole(numerator), numeric.whole(denominator))
      end
    end
    work.pause()
  end
  return list
end

---The tempo map in one text: equal texts, equal maps, also after the project was saved and opened.
---@return string
function track.tempo_text(proj)
  local numerator, denominator, tempo = reaper.TimeMap_GetTimeSigAtTime(proj, 0)
  local list = { ("%s/%s %.6f"):format(numerator, denominator, tempo) }
  for index = 0, reaper.CountTempoTimeSigMarkers(proj) - 1 do
    local _, time_s, _, _, bpm, top, bottom, linear = reaper.GetTempoTimeSigMarker(proj, index)
    list[index + 2] = ("%.6f %.6f %s/%s %s"):format(time_s, bpm, top, bottom, linear)
  end
  return table.concat(list, ";")
end

---Tell the daemon the tempo map that the user sees now.
---@param session string id
function track.send_tempo(link, proj, session)
  track.send_each(link, "tempo", session, track.tempo(proj))
end

return track
