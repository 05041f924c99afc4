-- @noindex
local here = debug.getinfo(1, "S").source:match("^@?(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
if not pcall(require, "action") then
  return reaper.MB("ReaTrieve's scripts cannot be loaded from\n" .. here .. "\n\nLua on Windows opens no folder whose name has letters of "
    .. "another language: move them to one with plain letters, or install them again.", "ReaTrieve", 0)
end
require("action").post("previous", here)
