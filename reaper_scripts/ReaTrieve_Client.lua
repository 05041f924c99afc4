-- @description ReaTrieve: find every other place where a sound happens
-- @author ReaTrieve contributors
-- @version 0.1.0
-- @provides
--   [main] ReaTrieve_*.lua
--   [nomain] lib/*.lua
--   [nomain] icons/*.png
--   [nomain] icons/200/*.png
--   [nomain] make_environment.py
-- @about
--   # ReaTrieve
--   Mark one occurrence of a sound with a time selection; every other place where it happens is proposed as a region, to be
--   accepted or rejected by ear with two keys; accepted regions become sync markers for the game.
--   Needs the ReaTrieve daemon: run the action *ReaTrieve: Setup* once. This script keeps running in the background;
--   the actions start it.
local here = debug.getinfo(1, "S").source:match("^@?(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
if not pcall(require, "client") then
  return reaper.MB("ReaTrieve's scripts cannot be loaded from\n" .. here .. "\n\nLua on Windows opens no folder whose name has letters of "
    .. "another language: move them to one with plain letters, or install them again.", "ReaTrieve", 0)
end
require("client").run()
