-- @noindex
--- Plays a candidate and gives back what it borrowed: transport, cursor, loop points, repeat, solo. What the user changes
--- meanwhile stays as the user set it.
--
-- Smooth seek makes every seek wait, so playing always means stop, set the cursor, play, set the cursor back. A loop is REAPER's
-- own, so it has no gap; loop points that are linked to the time selection are unlinked meanwhile, so that the selection stays.

local audition = {}

local LINKED = 40621         -- Options: Toggle loop points linked to time selection
local LINK, UNLINK = 40749, 40750
local PLAYING, PAUSED, RECORDING = 1, 2, 4
local SOLO_IN_PLACE = 2
local END_S = 0.05           -- a candidate that ends so near to the project's end is its last
local FASTEST = 4            -- play rate
local BEGINS_S = 0.25        -- by then playing has begun, or never will

local now                    -- what is being played, nil when nothing is

---Solo one track alone.
---@return table<userdata, { before: number, set: number }> solos of the tracks that were changed
local function borrow_solo(proj, wanted)
  local solos = {}
  for index = 0, reaper.CountTracks(proj) - 1 do
    local track = reaper.GetTrack(proj, index)
    local before, set = reaper.GetMediaTrackInfo_Value(track, "I_SOLO"), track == wanted and SOLO_IN_PLACE or 0
    if before ~= set then solos[track] = { before = before, set = set } end
  end
  for track, solo in pairs(solos) do reaper.SetMediaTrackInfo_Value(track, "I_SOLO", solo.set) end
  return solos
end

local function return_solo(was)
  for track, solo in pairs(was.solos) do
    if reaper.ValidatePtr2(was.proj, track, "MediaTrack*") and reaper.GetMediaTrackInfo_Value(track, "I_SOLO") == solo.set then
      reaper.SetMediaTrackInfo_Value(track, "I_SOLO", solo.before)
    end
  end
end

local function valid(proj) return reaper.ValidatePtr2(0, proj, "ReaProject*") end

local function points(proj, loop) return { reaper.GetSet_LoopTimeRange2(proj, false, loop, 0, 0, false) } end

local function set_points(proj, loop, to) reaper.GetSet_LoopTimeRange2(proj, true, loop, to[1], to[2], false) end

local function alike(one, other) return math.abs(one[1] - other[1]) < 1e-6 and math.abs(one[2] - other[2]) < 1e-6 end

---Loop a span, and remember in `was` what was there.
local function borrow_loop(was, from_s, end_s)
  was.loop, was.selection = points(was.proj, true), points(was.proj, false)
  if reaper.GetToggleCommandStateEx(0, LINKED) == 1 then
    reaper.Main_OnCommandEx(UNLINK, 0, was.proj)
    was.unlinked = true
  end
  set_points(was.proj, true, { from_s, end_s })
  was.span = { from_s, end_s }
end

---Link loop points and time selection again: an option of REAPER's, not of a project's.
---@param proj userdata|integer
local function link_again(proj)
  if reaper.GetToggleCommandStateEx(0, LINKED) ~= 0 then return end
  local selection = points(proj, false)
  reaper.Main_OnCommandEx(LINK, 0, proj)
  -- Linking may take the one for the other.
  if not alike(points(proj, false), selection) then set_points(proj, false, selection) end
end

---Give the loop points back, unless the user has set others meanwhile.
local function return_loop(was)
  if alike(points(was.proj, true), was.span) then set_points(was.proj, true, was.loop) end
  local selection = points(was.proj, false)
  if alike(selection, was.span) and not alike(selection, was.selection) then set_points(was.proj, false, was.selection) end
  if was.unlinked then link_again(was.proj) end
end

local function play_from(proj, time_s)
  local cursor_s = reaper.GetCursorPositionEx(proj)
  if reaper.GetPlayStateEx(proj) ~= 0 then reaper.OnStopButtonEx(proj) end
  reaper.SetEditCurPos2(proj, time_s, false, false)
  local ok, problem = xpcall(reaper.OnPlayButtonEx, debug.traceback, proj)
  reaper.SetEditCurPos2(proj, cursor_s, false, false)
  if not ok then error(problem, 0) end
end

---Stop, if something is being played, and give everything back.
---@param keep_playing boolean? leave the transport alone
function audition.stop(keep_playing)
  local was = now
  if not was then return end
  if not valid(was.proj) then return audition.abandon(was.proj) end
  now = nil
  local state = reaper.GetPlayStateEx(was.proj)
  if not keep_playing and state ~= 0 and state & RECORDING == 0 then reaper.OnStopButtonEx(was.proj) end
  if was.span then return_loop(was) end
  if was.repeat_was then reaper.GetSetRepeatEx(was.proj, was.repeat_was) end       -- as the user has set it, if meanwhile
  if was.solos then return_solo(was) end
  -- What was borrowed may have been saved, and nothing tells of a save of what was clean: closing the project must ask.
  local borrowed = was.span or was.solos or was.repeat_was
  if borrowed and reaper.IsProjectDirty(was.proj) == 0 then reaper.MarkProjectDirty(was.proj) end
end

---The project that something is played in is gone, or another one is in its place: nothing can be given back but the option.
---@param proj userdata
function audition.abandon(proj)
  local was = now
  if not was or was.proj ~= proj then return end
  now = nil
  if was.unlinked then link_again(0) end
end

---Stop what is played in this project: an undo point would keep what is borrowed, and what comes next is another question.
---@param proj userdata
function audition.stop_in(proj)
  if now and now.proj == proj then audition.stop() end
end

---Stop, and let the project play on where it was, if it was playing when the candidate began.
function audition.finish()
  local was = now
  audition.stop()
  if was and was.resume_s and valid(was.proj) and reaper.GetPlayStateEx(was.proj) & RECORDING == 0 then
    play_from(was.proj, was.resume_s)
  end
end

---The same, if it is in this project.
---@param proj userdata
function audition.finish_in(proj)
  if now and now.proj == proj then audition.finish() end
end

---Whether a candidate is being played.
---@return boolean
function audition.playing() return now ~= nil end

---The project that it is played in.
---@return userdata?
function audition.project() return now and now.proj end

---Where its project plays on when the candidate ends.
---@return number? time_s nil: it was not playing
function audition.resume_s() return now and now.resume_s end

---@param proj userdata
---@param track userdata?
---@param options { lead_in_s: number, loop: boolean, solo: boolean, resume_s: number? } where the project plays on afterwards, if
---  what was heard before has been stopped by us
---@return boolean played
function audition.play(proj, track, start_s, end_s, options)
  local state = reaper.GetPlayStateEx(proj)
  local resume_s = options.resume_s
  if now and now.proj == proj then
    resume_s = now.resume_s
  elseif state & (PLAYING | PAUSED) == PLAYING then
    resume_s = reaper.GetPlayPositionEx(proj)
  end
  audition.stop()
  if state & RECORDING ~= 0 then return false end
  local from_s = math.max(0, start_s - options.lead_in_s)
  now = { proj = proj, start_s = from_s, end_s = end_s, resume_s = resume_s,
    started = reaper.time_precise(), ticked = reaper.time_precise(), position_s = from_s }
  local ok, problem = xpcall(function()
    if options.loop then borrow_loop(now, from_s, end_s) end
    local before, wanted = reaper.GetSetRepeatEx(proj, -1), options.loop and 1 or 0
    if before ~= wanted then
      reaper.GetSetRepeatEx(proj, wanted)
      now.repeat_was = before
    end
    if options.solo and track then now.solos = borrow_solo(proj, track) end
    play_from(proj, from_s)
  end, debug.traceback)
  if not ok then
    audition.stop()
    error(problem, 0)
  end
  return true
end

---To be called in each tick: ends what is being played.
function audition.tick()
  if not now then return end
  if not valid(now.proj) then return audition.abandon(now.proj) end
  local state, time = reaper.GetPlayStateEx(now.proj), reaper.time_precise()
  local since_s = time - now.ticked                  -- long after a menu or dialog, which stops every script
  now.ticked = time
  now.heard = now.heard or state & PLAYING ~= 0
  if state & RECORDING ~= 0 then
    audition.stop(true)
  elseif state & PLAYING == 0 then
    -- Stopped or paused by the user, or by REAPER at the project's end; the first moments after the start do not count.
    local begun = time - now.started > BEGINS_S
    local last = not now.span and reaper.GetProjectLength(now.proj) <= now.end_s + END_S
    local reached_s = now.position_s + 1.5 * since_s * reaper.Master_GetPlayRate(now.proj)
    if state == 0 and last and (now.heard or begun) and reached_s >= now.end_s then
      audition.finish()
    elseif begun then
      audition.stop(true)
    end
  else
    local loops = now.span and reaper.GetSetRepeatEx(now.proj, -1) == 1 and alike(points(now.proj, true), now.span)
    now.position_s = reaper.GetPlayPositionEx(now.proj)
    if now.position_s > now.end_s + 1 + FASTEST * since_s or now.position_s < now.start_s - 0.5 then
      audition.stop(true)                            -- the user plays something else
    elseif now.position_s >= now.end_s and not loops then
      audition.finish()
    end
  end
end

return audition
