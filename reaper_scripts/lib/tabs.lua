--- Project tabs and what becomes of them: opened, closed, saved, another project in the same tab, tracks that went away.

local project = require("project")
local restore = require("restore")
local status = require("status")
local steps = require("steps")
local track = require("track")

local tabs = {}

---Take a tab's sessions out: it was closed, or another project was opened in it. The daemon keeps their journals.
local function forget(ctx, tab)
  for id, owner in pairs(ctx.owners) do
    if owner[1] == tab then ctx.owners[id] = nil end
  end
  ctx.tabs[tab.proj] = nil
  for index = #ctx.asking, 1, -1 do
    if ctx.asking[index] == tab then ctx.asking[index] = { proj = tab.proj, sessions = {}, offered = {}, gone = true } end
  end
end

local function tab_of(ctx, proj, path)
  local tab = ctx.tabs[proj]
  if not tab then
    tab = { proj = proj, path = path, sessions = {}, dirty = reaper.IsProjectDirty(proj) }
    ctx.tabs[proj] = tab
    restore.open(ctx, tab)
  end
  return tab
end

---Another project was opened in a tab: it has another path, and either brings sessions of its own or there were none.
local function replaced(ctx, tab, path)
  if path == tab.path then return false end
  if #tab.sessions == 0 and not tab.searching then return true end
  for id, text in pairs(project.stored_sessions(tab.proj)) do
    if text ~= "" and not ctx.owner(id) then return true end
  end
  return false
end

---Pointers of tracks die when a project is loaded anew; the project may also be another one now.
---@return boolean same whether the tab still holds the project it held
local function check_tracks(tab, path)
  for _, s in ipairs(tab.sessions) do
    if not s.pointer or not reaper.ValidatePtr2(tab.proj, s.pointer, "MediaTrack*") then
      if s.trackless and tab.change_count == reaper.GetProjectStateChangeCount(tab.proj) then goto continue end
      s.pointer = track.by_guid(tab.proj, s.track)
      if project.stored(tab.proj, "SESSION_" .. s.id) == "" and not s:absent() then return false end
      local text = project.stored(tab.proj, "SESSION_" .. s.id)
      if s.pointer and not s:absent() and s.stored_text and text ~= s.stored_text then return false end
      if not s.pointer and path ~= tab.path then return false end
      if not s.pointer and not s.trackless then
        status.say(("%s: its track is gone; undo brings it back"):format(s.model.label), true)
      end
      s.trackless = s.pointer == nil
    end
    ::continue::
  end
  return true
end

local function check_saved(ctx, tab, path)
  local dirty = reaper.IsProjectDirty(tab.proj)
  if path ~= "" and (path ~= tab.path or (dirty == 0 and tab.dirty ~= 0)) then
    for _, s in ipairs(tab.sessions) do
      if s.phase == "open" then ctx.link:command("saved", { session = s.id, project = path }) end
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
