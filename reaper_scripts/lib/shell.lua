-- @noindex
--- Programs beside REAPER: nothing waits for them, no window comes up, and what they say lies in a file that is looked at now
--- and then. REAPER's PATH is not the user's, so every program is named by its whole path.

local shell = {}

local WINDOWS = package.config:sub(1, 1) == "\\"

---Whether this REAPER runs in Flatpak's sandbox, whose programs are not the user's.
local function sandboxed()
  local file = io.open("/.flatpak-info", "rb")
  if file then file:close() end
  return file ~= nil
end

local function system(name)
  return (os.getenv("SystemRoot") or "C:\\Windows") .. "\\System32\\" .. name
end

---A word as the POSIX shell reads it.
local function sh_word(word)
  return '"' .. word:gsub('[\\"$`]', "\\%0") .. '"'
end

---A word as Windows' C library reads it; file names hold no quote.
local function windows_word(word)
  return '"' .. word:gsub('"', ""):gsub("(\\+)$", "%1%1") .. '"'
end

local function words(list, word)
  local quoted = {}
  for index, one in ipairs(list) do quoted[index] = word(one) end
  return table.concat(quoted, " ")
end

---REAPER splits a command line at spaces and takes what stands in one of three quotes as it is; nothing escapes there.
---@param script string for /bin/sh
---@return string? line nil if no quote is left for it
local function by_sh(script)
  for _, quote in ipairs { "'", "`" } do
    if not script:find(quote, 1, true) then
      local prefix = sandboxed() and "/usr/bin/flatpak-spawn --host " or ""
      return prefix .. "/bin/sh -c " .. quote .. script .. quote
    end
  end
end

---The command line that starts a program in the background, without a window, for REAPER's ExecProcess.
---@param list string[] the program, by its whole path, and its arguments
---@param console boolean whether Windows would open a console for it
---@return string? line
---@return string? why
function shell.hidden(list, console)
  if WINDOWS then
    local line = words(list, windows_word)
    return console and windows_word(system("conhost.exe")) .. " --headless " .. line or line
  end
  local line = by_sh(words(list, sh_word) .. " </dev/null >/dev/null 2>&1 &")
  if not line then return nil, "a path with both ' and ` in it cannot be started from REAPER" end
  return line
end

---@class Running
---@field out string file with what it says
---@field done string file that is there once it has ended: "0" if all went well
---@field started number

---Run a program; `shell.look` tells how it goes.
---@param list string[]
---@param out string file for what it says; `out`.done comes beside it
---@return Running? running
---@return string? why
function shell.run(list, out)
  local done = out .. ".done"
  os.remove(out)
  os.remove(done)
  local line
  if WINDOWS then
    local inner = ('%s > %s 2>&1 && (echo 0> %s) || (echo 1> %s)'):format(words(list, windows_word), windows_word(out),
      windows_word(done), windows_word(done))
    line = windows_word(system("conhost.exe")) .. " --headless " .. windows_word(system("cmd.exe")) .. ' /d /s /c "' .. inner .. '"'
  else
    local inner = ("(%s </dev/null >%s 2>&1; echo $? >%s) &"):format(words(list, sh_word), sh_word(out), sh_word(done))
    line = by_sh(inner)
    if not line then return nil, "a path with both ' and ` in it cannot be started from REAPER" end
  end
  reaper.ExecProcess(line, -2)
  return { out = out, done = done, started = reaper.time_precise() }
end

---A file's text, "" where there is none yet.
---@param path string
---@return string
function shell.text(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a") or ""
  file:close()
  return text
end

---How a program goes.
---@param running Running
---@return boolean? well nil while it runs
---@return string said so far
function shell.look(running)
  local code = shell.text(running.done):match("%d+")
  local said = shell.text(running.out)
  if not code then return nil, said end
  os.remove(running.done)
  return code == "0", said
end

return shell
