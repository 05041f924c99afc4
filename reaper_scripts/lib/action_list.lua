-- @noindex
--- Our actions in REAPER's action list: all registered at once, and files to import that put keys and a toolbar on them.
--- REAPER's own reaper-kb.ini is never touched.

local daemon = require("daemon")

local action_list = {}

local MAIN = 0
local SHIFT, ALT, VIRTUAL = 4, 16, 1

---@class KnownAction
---@field name string as in its file's name
---@field key string? letter of the key that the key map puts on it, with Shift and Alt
---@field icon string? of the toolbar

---@type KnownAction[] those worth a key or a button, most used first
action_list.best = {
  { name = "Find sounds like the time selection", key = "F", icon = "find" },
  { name = "Accept candidate", key = "A", icon = "accept" },
  { name = "Reject candidate", key = "R", icon = "reject" },
  { name = "Skip candidate", key = "S", icon = "skip" },
  { name = "Play candidate", key = "P", icon = "play" },
  { name = "Undo last answer", key = "U" },
  { name = "Previous answer", key = "B" },
  { name = "Window", key = "W" },
  { name = "Convert accepted regions to sync markers", key = "M", icon = "convert" },
}

---@class Registered
---@field file string
---@field command integer
---@field id string as in key maps: _RS...

---Register every action script of a folder.
---@param folder string with a separator at its end
---@return table<string, Registered> by_name
---@return integer count
function action_list.register(folder)
  local files = {}
  reaper.EnumerateFiles(folder, -1)              -- what is there now, not what was there before
  for index = 0, 1000 do
    local name = reaper.EnumerateFiles(folder, index)
    if not name or name == "" then break end
    if name:match("^ReaTrieve_.+%.lua$") then files[#files + 1] = name end
  end
  table.sort(files)
  local found, count = {}, 0
  for index, file in ipairs(files) do
    local command = reaper.AddRemoveReaScript(true, MAIN, folder .. file, index == #files)      -- written once, at the last
    if command ~= 0 then
      local id = reaper.ReverseNamedCommandLookup(command)
      found[file:match("^ReaTrieve_(.+)%.lua$")] = { file = folder .. file, command = command, id = "_" .. (id or "") }
      count = count + 1
    end
  end
  return found, count
end

---Adler-32, as zlib has it: enough to tell whether somebody has changed a file.
---@param content string
---@return integer
function action_list.checksum(content)
  local a, b = 1, 0
  for start = 1, #content, 4096 do
    for _, byte in ipairs { content:byte(start, start + 4095) } do
      a = (a + byte) % 65521
      b = (b + a) % 65521
    end
  end
  return b << 16 | a
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read("a")
  file:close()
  return content
end

---What an earlier Setup wrote, by its path below the resource folder.
local function known_files(list_path)
  local known = {}
  for line in (read(list_path) or ""):gmatch("[^\r\n]+") do
    local sum, path = line:match("^(%x+) (.+)$")
    if sum then known[path] = tonumber(sum, 16) end
  end
  return known
end

---The key map: registers each script under the id that it has, and puts a key on it.
local function key_map(found, resource_path)
  local lines = {}
  for _, one in ipairs(action_list.best) do
    local action = found[one.name]
    if action and one.key then
      local path = action.file
      local scripts = daemon.joined(resource_path, "Scripts", "")
      if path:sub(1, #scripts) == scripts then path = path:sub(#scripts + 1) end
      lines[#lines + 1] = ('SCR 4 0 %s "Script: ReaTrieve_%s.lua" "%s"'):format(action.id:sub(2), one.name, path)
      lines[#lines + 1] = ("KEY %d %d %s 0"):format(VIRTUAL | SHIFT | ALT, one.key:byte(), action.id)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

---A toolbar to import; `shade` names the icons for a dark or a light theme.
local function toolbar(found, shade)
  local lines = { "[Floating toolbar 16 (Toolbar 16)]" }
  local index = 0
  for _, one in ipairs(action_list.best) do
    local action = found[one.name]
    if action and one.icon then
      lines[#lines + 1] = ("icon_%d=reatrieve_%s_%s.png"):format(index, one.icon, shade)
      lines[#lines + 1] = ("item_%d=%s ReaTrieve: %s"):format(index, action.id, one.name)
      index = index + 1
    end
  end
  lines[#lines + 1] = "title=ReaTrieve"
  return table.concat(lines, "\n") .. "\n"
end

---Write the files to import. One that the user has changed is left as it is.
---@param found table<string, Registered>
---@param folder string where the scripts are
---@param resource_path string
---@return string[] written below the resource folder, with slashes
function action_list.write_files(found, folder, resource_path)
  local wanted = {
    ["KeyMaps/ReaTrieve.ReaperKeyMap"] = key_map(found, resource_path),
    ["MenuSets/ReaTrieve (dark).ReaperMenu"] = toolbar(found, "dark"),
    ["MenuSets/ReaTrieve (light).ReaperMenu"] = toolbar(found, "light"),
  }
  for _, one in ipairs(action_list.best) do
    for _, shade in ipairs { "dark", "light" } do
      local icon = one.icon and ("reatrieve_%s_%s.png"):format(one.icon, shade)
      if icon then
        wanted["Data/toolbar_icons/" .. icon] = read(daemon.joined(folder, "icons", icon))
        wanted["Data/toolbar_icons/200/" .. icon] = read(daemon.joined(folder, "icons", "200", icon))
      end
    end
  end
  local list_path = daemon.joined(daemon.ours(resource_path), "setup-files.txt")
  local known = known_files(list_path)
  local written = {}
  for path, content in pairs(wanted) do
    local parts = {}
    for part in path:gmatch("[^/]+") do parts[#parts + 1] = part end
    local target = daemon.joined(resource_path, table.unpack(parts))
    local there = read(target)
    if there == nil or known[path] == action_list.checksum(there) then
      reaper.RecursiveCreateDirectory(target:match("^(.*)[/\\]"), 0)
      local file = io.open(target, "wb")
      if file then
        file:write(content)
        file:close()
        known[path] = action_list.checksum(content)
      end
    end
    if known[path] then written[#written + 1] = path end
  end
  table.sort(written)
  reaper.RecursiveCreateDirectory(daemon.ours(resource_path), 0)
  local list = io.open(list_path, "wb")
  if list then
    for _, path in ipairs(written) do list:write(("%08x %s\n"):format(known[path], path)) end
    list:close()
  end
  return written
end

---REAPER's dialog for an action's shortcut, where this REAPER has it.
---@param action Registered
function action_list.ask_shortcut(action)
  local section = reaper.SectionFromUniqueID(MAIN)
  reaper.DoActionShortcutDialog(reaper.GetMainHwnd(), section, action.command, reaper.CountActionShortcuts(section, action.command))
end

---@return boolean
function action_list.can_ask_shortcut() return reaper.DoActionShortcutDialog ~= nil end

return action_list
