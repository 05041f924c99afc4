-- What starts programs and looks for Pythons, on the three systems; nothing is run.

---Modules as they load on Windows or elsewhere, with variables of that system, and the command lines that ExecProcess was given.
local function on(windows, variables, func)
  local names = { "daemon", "shell", "pythons", "starter", "settings", "status" }
  local real_config, real_getenv = package.config, os.getenv
  local lines = {}
  for _, name in ipairs(names) do package.loaded[name] = nil end
  package.config = (windows and "\\" or "/") .. "\n;\n?\n!\n-\n"
  os.getenv = function(name) return variables[name] end
  rawset(_G, "reaper", { ExecProcess = function(line, ms) lines[#lines + 1] = line .. " " .. ms end, time_precise = function() return 5 end,
    EnumerateSubdirectories = function() end, HasExtState = function() return false end })
  local ok, message = pcall(func, lines)
  package.config, os.getenv = real_config, real_getenv
  rawset(_G, "reaper", nil)
  for _, name in ipairs(names) do package.loaded[name] = nil end
  if not ok then error(message, 0) end
end

local WINDOWS = { SystemRoot = "C:\\Windows", LOCALAPPDATA = "C:\\Users\\Ann B\\AppData\\Local", APPDATA = "C:\\R" }

return {
  { "Windows: pythonw by itself, a console program by conhost, both by whole paths", function()
    on(true, WINDOWS, function()
      local starter = require("starter")
      local where = { program = "C:\\Py 3\\pythonw.exe", argument = "C:\\R\\ReaTrieve\\daemon.py", console = "no" }
      same(starter.command(where, "C:\\Users\\Ann B\\ReaTrieve"), [["C:\Py 3\pythonw.exe" "C:\R\ReaTrieve\daemon.py" "serve" ]]
        .. [["--background" "--home" "C:\Users\Ann B\ReaTrieve"]])
      where.console = "yes"
      same(starter.command(where, "D:\\h\\"), [["C:\Windows\System32\conhost.exe" --headless "C:\Py 3\pythonw.exe" ]]
        .. [["C:\R\ReaTrieve\daemon.py" "serve" "--background" "--home" "D:\h\\"]])
      same(starter.command({ program = "C:\\r\\reatrieve.exe", argument = "", console = "no" }, "D:\\h"),
        [["C:\r\reatrieve.exe" "serve" "--background" "--home" "D:\h"]])
    end)
  end },
  { "Windows: a program's words and its end go to files", function()
    on(true, WINDOWS, function(lines)
      local running = require("shell").run({ "C:\\py.exe", "-0p" }, "D:\\a b\\out.txt")
      same(#lines, 1)
      same(lines[1], [["C:\Windows\System32\conhost.exe" --headless "C:\Windows\System32\cmd.exe" /d /s /c ""C:\py.exe" "-0p" > ]]
        .. [["D:\a b\out.txt" 2>&1 && (echo 0> "D:\a b\out.txt.done") || (echo 1> "D:\a b\out.txt.done")" -2]])
      same(running.done, "D:\\a b\\out.txt.done")
    end)
  end },
  { "elsewhere: by /bin/sh in the background, whatever the path holds", function()
    on(false, { HOME = "/h" }, function()
      local starter = require("starter")
      local where = { program = "/o pt/python3", argument = "/r/$x `y\"z/daemon.py", console = "no" }
      same(starter.command(where, "/h/é"), [[/bin/sh -c '"/o pt/python3" "/r/\$x \`y\"z/daemon.py" "serve" "--background" "--home" "/h/é" ]]
        .. [[</dev/null >/dev/null 2>&1 &']])
      where.argument = "/it's/daemon.py"
      same(starter.command(where, "/h"), [[/bin/sh -c `"/o pt/python3" "/it's/daemon.py" "serve" "--background" "--home" "/h" ]]
        .. [[</dev/null >/dev/null 2>&1 &`]])
      where.argument = "/it's`/daemon.py"
      local line, why = starter.command(where, "/h")
      same(line, nil)
      same(why:find("cannot be started from REAPER") ~= nil, true)
    end)
  end },
  { "which version is newer", function()
    on(false, {}, function()
      local starter = require("starter")
      same(starter.is_newer("0.1.1", "0.1.0"), true)
      same(starter.is_newer("0.10", "0.9.9"), true)
      same(starter.is_newer("0.1", "0.1.0"), false)
      same(starter.is_newer("0.1.0", "0.2.0"), false)
      same(starter.is_newer("?", "0.1.0"), false)
    end)
  end },
  { "the launcher's list: what suits, best first, 64 bits", function()
    on(true, WINDOWS, function()
      same(require("pythons").listed(" -V:3.14          C:\\P\\Python314\\python.exe\r\n -V:3.13 *        C:\\P\\Python313\\python.exe\r\n"
        .. " -V:3.12          C:\\A B\\Python312\\python.exe\r\n -V:3.11-32       C:\\P\\Python311-32\\python.exe\r\n"),
        { "C:\\A B\\Python312\\python.exe", "C:\\P\\Python313\\python.exe" })
    end)
  end },
  { "what --version says decides, and each that will not do is named", function()
    on(true, WINDOWS, function()
      local pythons = require("pythons")
      local function judged(path, well, said)
        local suits, text = pythons.judged(path, well, said)
        return tostring(suits) .. " " .. text
      end
      same(judged("p", true, "Python 3.12.4\n"), "true Python 3.12 at p")
      same(judged("p", true, "Python 3.9.1"), "false p is Python 3.9: too old")
      same(judged("p", true, "Python 2.7.18"), "false p is Python 2.7: too old")
      same(judged("p", true, "Python 3.15.0a1"), "false p is Python 3.15: there are no ready-made packages for it yet")
      same(judged("p", nil, ""), "false p does not answer")
      same(judged("C:\\x\\Microsoft\\WindowsApps\\python3.exe", false, "Python was not found"),
        "false C:\\x\\Microsoft\\WindowsApps\\python3.exe only opens Microsoft's Store")
      same(judged("p", false, "Segmentation fault"), "false p does not run")
    end)
  end },
  { "Apple's stub is asked about before it is started", function()
    on(false, { HOME = "/Users/ann" }, function()
      local pythons = require("pythons")
      same(pythons.stub_check("/usr/bin/python3", "macOS-arm64"), { "/usr/bin/xcode-select", "-p" })
      same(pythons.stub_check("/opt/homebrew/bin/python3.12", "macOS-arm64"), nil)
      same(pythons.stub_check("/usr/bin/python3", "Other"), nil)
    end)
  end },
  { "where.txt, and homes that only it or a known place tells", function()
    local function write(path, text)
      local file = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
    end
    on(false, { HOME = TEMPORARY }, function()
      local daemon = require("daemon")
      local where = TEMPORARY .. "/ReaTrieve/where.txt"
      same(daemon.where(TEMPORARY), nil)
      write(where, "home " .. TEMPORARY .. "/spool\npython /p\n")
      same(daemon.where(TEMPORARY), nil)       -- half of one
      write(where, "home " .. TEMPORARY .. "/spool\npython /p\nprogram /p q\nargument \nconsole no\nversion 0.1.0\n")
      same(daemon.where(TEMPORARY).program, "/p q")
      same(daemon.where(TEMPORARY).argument, "")
      same(daemon.home("", "Other", TEMPORARY), TEMPORARY .. "/spool")
      same(daemon.home("/set", "Other", TEMPORARY), "/set")
      write(TEMPORARY .. "/.local/share/ReaTrieve/daemon.txt", "protocol 1\n")
      same(daemon.home("", "Other", TEMPORARY), TEMPORARY .. "/.local/share/ReaTrieve")       -- a daemon is there
      write(TEMPORARY .. "/spool/daemon.txt", "protocol 1\n")
      same(daemon.home("", "Other", TEMPORARY), TEMPORARY .. "/spool")
    end)
  end },
  { "files that Setup writes carry zlib's checksum", function()
    on(false, {}, function()
      package.loaded.action_list = nil
      local action_list = require("action_list")
      same(action_list.checksum("Wikipedia"), 0x11E60398)
      same(action_list.checksum(""), 1)
      package.loaded.action_list = nil
    end)
  end },
}
