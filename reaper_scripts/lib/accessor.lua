-- @noindex
--- What a track sounds like through an audio accessor: probes for the daemon, and WAVs of what no map can describe.

local daemon = require("daemon")
local numeric = require("numeric")
local work = require("work")

local accessor = {}

local PROBE_S = 0.5
local PROBE_RATE_HZ = 11025
local PROBE_PAGE = 1900            -- samples a page: under 4 kB
local PROBE_PLACES = { 0.5, 1 / 3, 2 / 3, 1 / 6, 5 / 6, 0 }  -- shares of an item's length
local LOUD = 0.02                  -- RMS that is enough for a probe
local MOST_PROBES = 24
local RENDER_BLOCK = 8192          -- sample frames an accessor is asked for at once

---The items that overlap one, directly or by others in between. A track accessor gives their sum, so they go together.
---@param items TrackItem[]
---@param index integer from 1
---@return integer[] indices
local function cluster(items, index)
  local start_s, end_s = items[index].position_s, items[index].position_s + items[index].length_s
  local inside, grown = { [index] = true }, true
  while grown do
    grown = false
    for other, item in ipairs(items) do
      if not inside[other] and item.position_s < end_s - 1e-9 and item.position_s + item.length_s > start_s + 1e-9 then
        inside[other], grown = true, true
        start_s, end_s = math.min(start_s, item.position_s), math.max(end_s, item.position_s + item.length_s)
      end
    end
    work.pause()
  end
  local list = {}
  for other in pairs(inside) do list[#list + 1] = other end
  table.sort(list)
  return list
end

---@class Reader
---@field handle userdata
---@field channels integer
---@field end_s number

---@return Reader
function accessor.reader(the_track)
  local handle = reaper.CreateTrackAudioAccessor(the_track)
  return {
    handle = handle,
    channels = math.max(1, numeric.whole(reaper.GetMediaTrackInfo_Value(the_track, "I_NCHAN"))),
    end_s = reaper.GetAudioAccessorEndTime(handle),
    arrays = {},
  }
end

---@param reader Reader
function accessor.close(reader) reaper.DestroyAudioAccessor(reader.handle) end

---Interleaved samples from project time `start_s` on. What lies past the accessor's end is silence here; REAPER leaves
---what was in the buffer.
---@param reader Reader
---@return number[] samples
local function read(reader, rate_hz, start_s, frames)
  local size = frames * reader.channels
  local array = reader.arrays[size]
  if not array then
    array = reaper.new_array(size)
    reader.arrays[size] = array
  end
  array.clear()
  local status = reaper.GetAudioAccessorSamples(reader.handle, rate_hz, reader.channels, start_s, frames, array)
  local samples = array.table()
  local good = status == 1 and math.max(0, math.min(frames, numeric.whole((reader.end_s - start_s) * rate_hz))) or 0
  for index = good * reader.channels + 1, size do samples[index] = 0.0 end
  return samples
end

---Mono, from the first two channels.
local function mono(reader, samples, frames)
  local channels, list = math.min(reader.channels, 2), {}
  for frame = 0, frames - 1 do
    local sum = 0
    for channel = 1, channels do sum = sum + samples[frame * reader.channels + channel] end
    list[frame + 1] = sum / channels
  end
  return list
end

---Where on an item a probe is best taken: nothing else sounds there, and it is loud, or the loudest of a few places.
---@return number? time_s
local function probe_place(reader, items, index)
  local item, frames = items[index], PROBE_RATE_HZ // 20
  local best_level, best_time = 1e-9, nil
  for _, share in ipairs(PROBE_PLACES) do
    local time_s = item.position_s + math.max(0, item.length_s - PROBE_S) * share
    local alone = true
    for other, one in ipairs(items) do
      if other ~= index and one.position_s < time_s + PROBE_S and one.position_s + one.length_s > time_s then alone = false end
    end
    if alone then
      local level = 0
      for _, value in ipairs(mono(reader, read(reader, PROBE_RATE_HZ, time_s + PROBE_S / 2, frames), frames)) do
        level = level + value * value
      end
      if level > best_level then best_level, best_time = level, time_s end
      if level > LOUD * LOUD * frames then break end
    end
    work.pause()
  end
  return best_time
end

---@return number? time_s
---@return string? samples int16 big-endian mono
local function probe(reader, items, index)
  local time_s = probe_place(reader, items, index)
  if not time_s then return nil end
  local frames = numeric.whole(PROBE_S * PROBE_RATE_HZ)
  local packed = mono(reader, read(reader, PROBE_RATE_HZ, time_s, frames), frames)
  for frame, value in ipairs(packed) do
    packed[frame] = math.tointeger(math.max(-1, math.min(1, value)) * 32767 // 1)
  end
  local parts = {}
  for first = 1, frames, 100 do
    local last = math.min(first + 99, frames)
    parts[#parts + 1] = string.pack(">" .. ("i2"):rep(last - first + 1), table.unpack(packed, first, last))
  end
  work.pause()
  return time_s, table.concat(parts)
end

---Probes, one for each source: what the daemon compares its own decoding with.
---@param items TrackItem[]
---@return table[] messages fields of `probe` but for the session
function accessor.probes(the_track, items)
  local messages, done, count = {}, {}, 0
  local reader = accessor.reader(the_track)
  local ok, problem = xpcall(function()
    for index, item in ipairs(items) do
      local key = ("%s %d"):format(item.path, item.reverse)
      if item.accessor == 0 and not done[key] and count < MOST_PROBES and item.length_s >= PROBE_S then
        local time_s, samples = probe(reader, items, index)
        if time_s then
          done[key], count = true, count + 1
          local pages = (#samples // 2 + PROBE_PAGE - 1) // PROBE_PAGE
          for page = 0, pages - 1 do
            messages[#messages + 1] = { index = index - 1, page = page, pages = pages, time_s = time_s, rate_hz = PROBE_RATE_HZ,
              samples = samples:sub(page * PROBE_PAGE * 2 + 1, (page + 1) * PROBE_PAGE * 2) }
          end
        end
      end
      work.pause()
    end
  end, debug.traceback)
  accessor.close(reader)
  if not ok then error(problem, 0) end
  return messages
end

local function wav_header(channels, rate_hz, bytes)
  return string.pack("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF", 36 + bytes, "WAVE", "fmt ", 16, 3, channels, rate_hz,
    rate_hz * channels * 4, channels * 4, 32, "data", bytes)
end

---Write what the track plays from `start_s` on as a 32-bit float WAV.
---@param progress fun(share: number)
local function render(reader, path, rate_hz, start_s, length_s, progress)
  local file = io.open(path, "wb")
  if not file then error("cannot write " .. path, 0) end
  local channels = math.min(reader.channels, 2)
  local total = math.max(1, numeric.whole(length_s * rate_hz + 0.5))
  local ok, problem = xpcall(function()
    file:write(wav_header(channels, rate_hz, total * channels * 4))
    local written = 0
    while written < total do
      local frames = math.min(RENDER_BLOCK, total - written)
      local samples = read(reader, rate_hz, start_s + written / rate_hz, frames)
      if reader.channels > channels then
        local two = {}
        for frame = 0, frames - 1 do
          two[2 * frame + 1], two[2 * frame + 2] = samples[frame * reader.channels + 1], samples[frame * reader.channels + 2]
        end
        samples = two
      end
      local parts = {}
      for first = 1, frames * channels, 128 do
        local last = math.min(first + 127, frames * channels)
        parts[#parts + 1] = string.pack("<" .. ("f"):rep(last - first + 1), table.unpack(samples, first, last))
      end
      if not file:write(table.concat(parts)) then error("cannot write " .. path .. ": is the disk full?", 0) end
      written = written + frames
      progress(written / total)
      work.pause()
    end
  end, debug.traceback)
  file:close()
  if not ok then
    os.remove(path)
    error(problem, 0)
  end
end

---Render what a map cannot describe (or what the daemon asked for); items that overlap become one.
---@param proj userdata
---@param items TrackItem[]
---@param folder string
---@param name string prefix of the files
---@param progress fun(share: number)
---@return TrackItem[] items
function accessor.render(proj, the_track, items, folder, name, progress)
  local groups, taken = {}, {}
  for index, item in ipairs(items) do
    if item.render and not taken[index] then
      local group = cluster(items, index)
      for _, other in ipairs(group) do taken[other] = true end
      groups[#groups + 1] = group
    end
  end
  if #groups == 0 then return items end
  reaper.RecursiveCreateDirectory(folder, 0)
  local rate_hz = numeric.whole(reaper.GetSetProjectInfo(proj, "PROJECT_SRATE", 0, false))
  if rate_hz < 8000 then rate_hz = 48000 end
  local new = {}
  for index, item in ipairs(items) do
    if not taken[index] then new[#new + 1] = item end
  end
  local reader, made = accessor.reader(the_track), {}
  local ok, problem = xpcall(function()
    for step, group in ipairs(groups) do
      local start_s, end_s = math.huge, -math.huge
      for _, index in ipairs(group) do
        start_s = math.min(start_s, items[index].position_s)
        end_s = math.max(end_s, items[index].position_s + items[index].length_s)
      end
      local path = daemon.joined(folder, ("%s-%d-%d.wav"):format(name, step, numeric.whole(reaper.time_precise() * 1000)))
      render(reader, path, rate_hz, start_s, end_s - start_s, function(share) progress((step - 1 + share) / #groups) end)
      made[#made + 1] = path
      new[#new + 1] = {
        guid = items[group[1]].guid, path = path, position_s = start_s, length_s = end_s - start_s, offset_s = 0.0, rate = 1.0,
        section_start_s = 0.0, section_length_s = 0.0, reverse = 0, loop = 0, channel_mode = 0, gain = 1.0, pan = 0.0,
        fade_in_s = 0.0, fade_out_s = 0.0, fade_in_shape = 0, fade_out_shape = 0, accessor = 1,
      }
    end
  end, debug.traceback)
  accessor.close(reader)
  if not ok then
    for _, path in ipairs(made) do os.remove(path) end         -- nobody will name them
    error(problem, 0)
  end
  table.sort(new, function(a, b)
    if a.position_s ~= b.position_s then return a.position_s < b.position_s end
    return a.guid < b.guid
  end)
  return new
end

return accessor
