-- @noindex
--- Numbers as Lua needs them: REAPER gives floats also where it means integers. Pure Lua.

local numeric = {}

---The greatest integer that is not above a number; 0 where no integer can hold it.
---@param value number
---@return integer
function numeric.whole(value) return math.tointeger(value // 1) or 0 end

return numeric
