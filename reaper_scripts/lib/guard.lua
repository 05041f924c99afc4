-- @noindex
--- Objects whose fields only their own methods write, and only those declared: a slip is an error at the line that makes it. Pure Lua.

local guard = {}

local inside = setmetatable({}, { __mode = "k" })     -- what others hold -> the object itself

---@class GuardedClass
---@field name string for error messages
---@field methods table<string, function>
---@field fields table<string, boolean> every field that an object may have
---@field getters table<string, fun(self: table): any>? fields that follow from others

---Make a constructor. What it returns can be read by everybody; methods called on it work on the object behind it.
---@param class GuardedClass
---@return fun(values: table): table
function guard.class(class)
  local getters = class.getters or {}
  local function unknown(key, level) error(("a %s has no field %q"):format(class.name, tostring(key)), level + 1) end

  local object = {}
  function object.__index(self, key)
    if getters[key] then return getters[key](self) end
    local method = class.methods[key]
    if method == nil and not class.fields[key] then unknown(key, 2) end
    return method
  end
  function object.__newindex(self, key, value)
    if not class.fields[key] then unknown(key, 2) end
    rawset(self, key, value)
  end

  local bound = {}
  for name, method in pairs(class.methods) do
    bound[name] = function(self, ...) return method(inside[self] or self, ...) end
  end
  local outside = {}
  function outside.__index(self, key)
    if bound[key] then return bound[key] end
    if getters[key] == nil and not class.fields[key] then unknown(key, 2) end
    return inside[self][key]
  end
  function outside.__newindex(_, key)
    error(("%s.%s is written outside its module"):format(class.name, tostring(key)), 2)
  end

  return function(values)
    local self, shown = setmetatable({}, object), setmetatable({}, outside)
    for key, value in pairs(values) do self[key] = value end
    inside[shown] = self
    return shown
  end
end

return guard
