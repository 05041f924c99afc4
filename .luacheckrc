-- luacheck reaper_scripts: Lua 5.3 and 5.4 as REAPER embeds them.
std = "lua53"
max_line_length = 140
read_globals = { "reaper" }
globals = { "gfx" }
self = false
