-- @noindex
--- Project tabs and what becomes of them: opened, closed, saved, another project in the same tab, tracks that went away.

local project = require("project")
local restore = require("restore")
local status = require("status")
local steps = require("steps")
local track = require("track")

local tabs = {}

---@class Tab
---@field proj userdata
---@field path string
---@field sessions Session[] in the order in which they were made
---@field active Session? the one that the keys lead
---@field searching Session? the one whose first candidate is awaited; not in `sessions` yet
---@field preparing boolean a search is asked for and has no session yet
---@field asked boolean the daemon was asked what it has for the project
---@field declined table<string, boolean> sessions that the user does not want back, by id
---@field dirty integer what REAPER said last
---@field change_count integer? of the project, when it was looked at last
---@field stored_active string? the active session in the project's ext state

---Take a tab's sessions out: it was closed, or another project was opened in it. The daemon keeps their journals.
local function forget(ctx, tab)
  for id, owner in pairs(ctx.owners) do
    if owner[1] == tab then ctx.owners[id] = nil end
  end
  ctx.tabs[tab.proj] = nil
end

local function tab_of(ctx, proj, path)
  local tab = ctx.tabs[proj]
  if not tab then
    tab = { proj = proj, path = path, sessions = {}, preparing = false, asked = false, declined = {},
      dirty = reaper.IsProjectDirty(proj) }
    ctx.tabs[proj] = tab
    restore.open(ctx, tab)
  end
  return tab
end

---Another project was opened in a tab: it has another path, and either brings sessions of its own or there were none.
local function replaced(ctx, tab, path)
  if path == tab.path then return false end
  if #tab.sessions == 0 and not tab.searching and not tab.preparing then return true end
  for id, text in pairs(project.stored_sessions(tab.proj)) do
    if text ~= "" and not ctx.owner(id) then return true end
  end
  return false
end

---Pointers of tracks die when a project is loaded anew; the project may also be another one now.
---@return boolean same whether the tab still holds the project it held
local function check_tracks(tab, path)
  local function may_be_back() return tab.change_count ~= reaper.GetProjectStateChangeCount(tab.proj) end
  for _, s in ipairs(tab.sessions) do
    local before = s.media_track
    local alive = before and reaper.ValidatePtr2(tab.proj, before, "MediaTrack*")
    if not alive and (before or may_be_back()) then
      s:set_media_track(track.by_guid(tab.proj, s.track))
      local text = project.stored(tab.proj, "SESSION_" .. s.id)
      if text == "" and not s:absent() then return false end
      if s.media_track and not s:absent() and s.stored_text and text ~= s.stored_text then return false end
      if not s.media_track and path ~= tab.path then return false end
      if before and not s.media_track then
        status.say(("%s: its track is gone; undo brings it back"):format(s.model.label), true)
      end
    end
  end
  return true
end

local function check_saved(ctx, tab, path)
  local dirty = reaper.IsProjectDirty(tab.proj)
  if path ~= "" and (path ~= tab.path or (dirty == 0 and tab.dirty ~= 0)) then
    for _, s in ipairs(tab.sessions) do
      if s:is_open() then ctx.link:command("saved", { session = s.id, project = path }) end
    end
  end
  tab.path, tab.dirty = path, dirty
end

---To be called in each tick: which tabs there are, what was saved, which one the user is in.
function tabs.follow(ctx)
  local seen, index = {}, 0
  while true do
    local proj, path = reaper.EnumProjects(index)
    if not proj then break end
    seen[proj] = true
    local tab = ctx.tabs[proj]
    if tab then
      if not replaced(ctx, tab, path) and check_tracks(tab, path) then
        check_saved(ctx, tab, path)
      else
        forget(ctx, tab)
      end
    end
    index = index + 1
  end
  for proj, tab in pairs(ctx.tabs) do
    if not seen[proj] or not ctx.valid(tab) then forget(ctx, tab) end
  end
  local proj, path = reaper.EnumProjects(-1)
  local before = ctx.active_tab
  ctx.active_tab = proj and tab_of(ctx, proj, path) or nil
  if before and ctx.active_tab ~= before and ctx.active_tab and ctx.active_tab.active then
    steps.describe(ctx, ctx.active_tab.active)
  end
end

return tabs
