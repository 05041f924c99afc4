-- @noindex
local here = debug.getinfo(1, "S").source:match("^@?(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("setup").run(here, true)
