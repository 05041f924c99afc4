-- Runs one spec: a file that returns a list of { name, function }. Arguments: the folder of lib, the spec, a folder to write in.
local lib, spec, folder = ...
lib, spec, folder = lib or arg[1], spec or arg[2], folder or arg[3]
package.path = lib .. "/?.lua;" .. spec:match("^(.*)[/\\]") .. "/?.lua"
TEMPORARY = folder

function same(actual, expected, path)
  path = path or "value"
  if type(expected) == "table" and type(actual) == "table" then
    for key, value in pairs(expected) do same(actual[key], value, path .. "." .. tostring(key)) end
    for key in pairs(actual) do
      if expected[key] == nil then error(("%s has %s besides"):format(path, tostring(key)), 2) end
    end
  elseif actual ~= expected then
    error(("%s is %s, not %s"):format(path, tostring(actual), tostring(expected)), 2)
  end
end

function fails(pattern, func, ...)
  local ok, message = pcall(func, ...)
  if ok then error("no error", 2) end
  if not tostring(message):find(pattern) then error(("the error is %q"):format(message), 2) end
end

local globals = {}
for name in pairs(_G) do globals[name] = true end

local failures, count = {}, 0
for _, test in ipairs(dofile(spec)) do
  count = count + 1
  local ok, message = xpcall(test[2], debug.traceback)
  if not ok then failures[#failures + 1] = test[1] .. ": " .. tostring(message) end
end
for name in pairs(_G) do
  if not globals[name] then failures[#failures + 1] = "a global was set: " .. tostring(name) end
end
local report = count .. " tests, " .. #failures .. " failures\n" .. table.concat(failures, "\n")
if arg then
  io.write(report, "\n")
  os.exit(#failures == 0 and 0 or 1)
end
return report
