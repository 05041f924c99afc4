-- @noindex
--- Project tabs and what becomes of them: opened, closed, saved, another project in the same tab, tracks that went away.

local audition = require("audition")
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
---@field elsewhere table<string, string> sessions of the project that another tab leads: label by id
---@field declined table<string, boolean> sessions that the user does not want back, by id
---@field dirty integer what REAPER said last
---@field change_count integer of the project, when it was looked at last
---@field last_undo string? the name of its last undo point then
---@field is_at_top boolean? nothing could be redone then
---@field top_undo string? the name of the last undo point when nothing could be redone
---@field look_again boolean? and there was something that is not taken yet
---@field tempo string? the tempo map then, as a text; nil while there was no session; of a project that was opened with another tempo
---  than it was left with, the mark of that one, until its sessions have been compared
---@field stored_tempo string? the tempo map in the project's ext state, as `tempo`
---@field lines Session[][] searches of one sound, each the heir of the one before
---@field followed_count integer? the same, when it was asked last which project it is
---@field stored_active string? the active session in the project's ext state
---@field stored_folder string? where the project lay when that was written

---Take a tab's sessions out: it was closed, or another project was opened in it. The daemon keeps their journals.
local function forget(ctx, tab)
  audition.abandon(tab.proj)
  for id, owner in pairs(ctx.owners) do
    if owner[1] == tab then ctx.owners[id] = nil end
  end
  ctx.tabs[tab.proj] = nil
end

local function tab_of(ctx, proj, path)
  local tab = ctx.tabs[proj]
  if not tab then
    tab = { proj = proj, path = path, sessions = {}, lines = {}, preparing = false, asked = false, declined = {}, elsewhere = {},
      dirty = reaper.IsProjectDirty(proj) }
    ctx.tabs[proj] = tab
    restore.open(ctx, tab)
  end
  return tab
end

---Whether an earlier text of ours may have come back by an undo or redo: a project that was just opened has neither.
local function taken_back(proj, s, text)
  return s:has_stored(text) and (project.last_undo(proj) ~= "" or project.can_redo(proj))
end

---Whether a tab still holds the project that it held, as far as that can be told by what the project itself keeps: pointers and
---paths may be those of another project by now. Nobody but us writes there.
local function same_project(tab, path)
  if #tab.sessions == 0 and not tab.searching then return path == tab.path or tab.preparing end
  if tab.searching and project.stored(tab.proj, "SEARCHING") ~= tab.searching.id then return false end
  for _, s in ipairs(tab.sessions) do
    local text = s.stored_text and project.stored_session(tab.proj, s.id)
    if text and text ~= s.stored_text and not taken_back(tab.proj, s, text) then return false end
    if not s.stored_text and path ~= tab.path and not track.by_guid(tab.proj, s.track) then return false end
  end
  return true
end

---Tracks are known by their GUIDs: pointers die when a project is loaded anew or an edit is undone, and come again for others.
local function follow_tracks(tab)
  for _, s in ipairs(tab.sessions) do
    local before = s.media_track
    if not track.there(tab.proj, before, s.track) then
      s:set_media_track(track.by_guid(tab.proj, s.track))
      if before and not s.media_track then
        status.say(("%s: its track is gone; undo brings it back"):format(s.model.label), true)
      end
    end
  end
end

local function check_saved(ctx, tab, path, dirty)
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
      local dirty, count = reaper.IsProjectDirty(proj), reaper.GetProjectStateChangeCount(proj)
      -- Nothing of this changes without one of these.
      local touched = path ~= tab.path or dirty ~= tab.dirty or count ~= tab.followed_count
      if touched and not same_project(tab, path) then
        forget(ctx, tab)
      elseif touched then
        tab.followed_count = count
        follow_tracks(tab)
        check_saved(ctx, tab, path, dirty)
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
  if ctx.active_tab then restore.follow_elsewhere(ctx, ctx.active_tab) end
  if before and ctx.active_tab ~= before and ctx.active_tab and ctx.active_tab.active then
    steps.describe(ctx, ctx.active_tab.active)
  end
end

return tabs
