-- @noindex
--- ReaTrieve: Setup, from a fresh REAPER to a daemon that runs: actions into the action list, a Python, an environment of its own
--- in REAPER's resource folder, the wheel that came with the scripts, the daemon, the checks. Programs run beside REAPER.

local action_list = require("action_list")
local daemon = require("daemon")
local pythons = require("pythons")
local settings = require("settings")
local setup_window = require("setup_window")
local shell = require("shell")
local starter = require("starter")
local status = require("status")

local setup = {}

local VERSION_S = 10.0       -- a Python that has not said its version by then is passed over
local CHECKS_S = 120.0
local ENVIRONMENT_S = 3600.0
local BEAT_S = 10.0          -- a Setup that has said nothing for so long is at work no more
local TITLE = "ReaTrieve Setup"
-- Measured with Python 3.11 on Linux, after the first search (tests/setup/test_size_told.py holds it against what is installed).
local DOWNLOAD_MB, DISK_MB = 130, 480

local here, resource_path    -- where the scripts are, REAPER's resource folder
local page                   ---@type Page
local pressed                -- the button that was pressed and not yet heard of

local function show(title, lines, buttons, share)
  if title ~= page.title then status.say(title, true) end
  page = { title = title, lines = lines, buttons = buttons or {}, share = share }
end

local function line(text, ink) return { text = text, ink = ink } end

---Let REAPER go on until the next tick.
local function pause() coroutine.yield() end

---The button that is pressed next.
---@return string key
local function choice()
  pressed = nil
  while not pressed do pause() end
  return pressed
end

---Wait for a program.
---@param running Running?
---@param limit_s number
---@param follow fun(said: string)? told what it has said so far
---@return boolean? well nil = not within the time
---@return string said
local function finished(running, limit_s, follow)
  if not running then return false, "" end
  while true do
    local well, said = shell.look(running)
    if well ~= nil then return well, said end
    if reaper.time_precise() - running.started > limit_s then return nil, said end
    if follow then follow(said) end
    pause()
  end
end

local function output(name)
  reaper.RecursiveCreateDirectory(daemon.ours(resource_path), 0)
  return daemon.joined(daemon.ours(resource_path), name)
end

---The wheel that came with the scripts: the newest, should there be more.
---@return string?
local function wheel()
  local best
  reaper.EnumerateFiles(here, -1)
  for index = 0, 1000 do
    local name = reaper.EnumerateFiles(here, index)
    if not name or name == "" then break end
    local version = name:match("^reatrieve%-([%d.]+)%-.*%.whl$")
    if version and (not best or starter.is_newer(version, best.version)) then best = { name = name, version = version } end
  end
  return best and here .. best.name
end

-- Another Setup, in another REAPER that shares the resource folder ------------------------------------------------------------

local beaten

---Say that an environment is being made here, once a second.
local function beat()
  if beaten == os.time() then return end
  local file = io.open(output("setup-running.txt"), "wb")
  if not file then return end
  beaten = os.time()
  file:write(("%d\n"):format(beaten))
  file:close()
end

local function other_setup()
  local time = tonumber((shell.text(output("setup-running.txt")):match("^%d+")))
  return time ~= nil and math.abs(os.time() - time) < BEAT_S
end

-- Python -----------------------------------------------------------------------------------------------------------------

---Every Python that is there and says that it suits, and why the others do not.
---@return { path: string, text: string }[] good
---@return string[] passed_over
local function found_pythons()
  local os_name = reaper.GetOS()
  local list, good, passed_over, seen = {}, {}, {}, {}
  local launcher = pythons.launcher()
  if os_name:match("^Win") and launcher then
    local well, said = finished(shell.run(launcher, output("setup-python.txt")), VERSION_S)
    if well then list = pythons.listed(said) end
  end
  for _, path in ipairs(pythons.candidates(os_name)) do list[#list + 1] = path end
  for index, path in ipairs(list) do
    if not seen[path] then
      seen[path] = true
      show("Looking for a Python", { line(path, "faint") }, { { label = "Cancel", key = "cancel" } }, index / (#list + 1))
      local stub = pythons.stub_check(path, os_name)
      if stub and not finished(shell.run(stub, output("setup-python.txt")), VERSION_S) then
        passed_over[#passed_over + 1] = path .. " only offers to install Apple's tools"
      else
        local suits, text = pythons.judged(path, finished(pythons.run_version(path, output("setup-python.txt")), VERSION_S))
        if suits then good[#good + 1] = { path = path, text = text } else passed_over[#passed_over + 1] = text end
      end
    end
  end
  os.remove(output("setup-python.txt"))
  local file = io.open(output("setup-found.txt"), "wb")           -- for a bug report
  if file then
    for _, python in ipairs(good) do file:write(python.text, "\n") end
    for _, text in ipairs(passed_over) do file:write("passed over: ", text, "\n") end
    file:close()
  end
  return good, passed_over
end

local function lines_of(list, ink)
  local lines = {}
  for _, text in ipairs(list) do lines[#lines + 1] = line(text, ink) end
  return lines
end

---Make the environment with the first Python that will do.
---@param good { path: string, text: string }[]
---@param passed_over string[] gets the names of those that did not
---@param wheel_path string
---@return string? python of the environment
---@return string? why the user can try again
local function environment(good, passed_over, wheel_path)
  local folder = daemon.joined(daemon.ours(resource_path), "environment")
  local where = daemon.where(resource_path)
  beat()
  local stopping = where and starter.stop(where.home)
  while stopping and not stopping() do pause() end     -- its files are in use as long as it runs
  for _, python in ipairs(good) do
    beat()
    local running = shell.run({ python.path, daemon.joined(here, "make_environment.py"), "--environment", folder, "--wheel",
      wheel_path }, output("setup-log.txt"))
    local _, said = finished(running, ENVIRONMENT_S, function(said)
      beat()
      local share, step = said:match(".*STEP ([%d.]+) ([^\r\n]*)")
      show("Installing ReaTrieve's daemon", { line(python.text, "faint"), line(step or "starting") }, {}, tonumber(share or 0))
    end)
    os.remove(output("setup-running.txt"))
    local made = said:match("DONE ([^\r\n]+)")
    if made then return made end
    local kind, why = said:match("FAILED (%w+) ([^\r\n]*)")
    if kind ~= "python" then return nil, why or said:match("([^\r\n]*)%s*$") end
    passed_over[#passed_over + 1] = python.text .. ": " .. why
  end
end

---A Python, asked for and told what will be done with it; nil if the user has enough.
---@return string? python of the new environment
local function installed_by_user(wheel_path)
  while true do
    while other_setup() do
      show("Another Setup is at work here", { line("It makes the environment in " .. daemon.ours(resource_path)),
        line("Wait until it has ended.") }, { { label = "Look again", key = "again" }, { label = "Cancel", key = "cancel" } })
      if choice() ~= "again" then return nil end
    end
    local good, passed_over = found_pythons()
    local again
    if #good > 0 then
      local lines = { line(good[1].text), line(("It gets an environment of its own in %s; nothing else on this machine changes.")
        :format(daemon.joined(daemon.ours(resource_path), "environment"))),
        line(("About %d MB are fetched from the Python Package Index and take %d MB on disk."):format(DOWNLOAD_MB, DISK_MB)) }
      for _, text in ipairs(passed_over) do lines[#lines + 1] = line("passed over: " .. text, "faint") end
      show("Set up ReaTrieve's daemon", lines, { { label = "Set up", key = "setup" }, { label = "Cancel", key = "cancel" } })
      if choice() ~= "setup" then return nil end
      local python, why = environment(good, passed_over, wheel_path)
      if python then return python end
      if why then
        show("That did not work: " .. why, { line("All that was said lies in " .. output("setup-log.txt"), "faint") },
          { { label = "Try again", key = "again" }, { label = "Cancel", key = "cancel" } })
        again = choice()
        if again ~= "again" then return nil end
      end
    end
    if not again then
      local advice, address = pythons.advice(reaper.GetOS())
      local lines = lines_of(advice)
      for _, text in ipairs(passed_over) do lines[#lines + 1] = line("passed over: " .. text, "faint") end
      local buttons = { { label = "Look again", key = "again" } }
      if address then
        lines[#lines + 1] = line(address)
        if reaper.CF_ShellExecute then buttons[#buttons + 1] = { label = "Open the page", key = "open" } end
      end
      buttons[#buttons + 1] = { label = "Cancel", key = "cancel" }
      show("ReaTrieve needs Python 3.10 to 3.13", lines, buttons)
      local key = choice()
      while key == "open" do
        reaper.CF_ShellExecute(address)
        key = choice()
      end
      if key ~= "again" then return nil end
    end
  end
end

-- The daemon ---------------------------------------------------------------------------------------------------------------

---The words that run a command of the installed ReaTrieve.
---@param where Where
local function command(where, ...)
  local list = { where.python ~= "" and where.python or where.program }
  if where.argument ~= "" then list[#list + 1] = where.argument end
  for _, word in ipairs { ... } do list[#list + 1] = word end
  return list
end

---Have `reatrieve install` write down where everything is.
---@return boolean well
local function written_down(list)
  for _, word in ipairs { "install", "--keep-scripts", "--resource-path", resource_path } do list[#list + 1] = word end
  show("Telling REAPER where the daemon is", {}, {}, 0.97)
  local well, said = finished(shell.run(list, output("setup-log.txt")), CHECKS_S)
  if not well then
    show("That did not work: " .. (said:match("([^\r\n]*)%s*$") or ""), {}, { { label = "Close", key = "close" } })
  end
  return well == true
end

---Start the daemon if none runs that is new enough.
---@return string? why it does not run
local function running_daemon(where)
  local info = daemon.read(where.home)
  if info and not starter.is_newer(where.version, info.version) then return nil end
  local start, why = starter.start(resource_path)
  if not start then return why end
  while true do
    show("Starting the daemon", {}, {}, 0.99)
    local well, reason = starter.look(start)
    if well ~= nil then return reason end
    pause()
  end
end

---@return { text: string, ink: string? }[] lines
---@return boolean well
local function checks(where)
  show("Checking", {}, {}, 0.5)
  local well, said = finished(shell.run(command(where, "doctor", "--resource-path", resource_path, "--home", where.home),
    output("setup-checks.txt")), CHECKS_S)
  local lines = {}
  for text in said:gmatch("[^\r\n]+") do
    local mark, rest = text:match("^(%u%u)%s+(.*)$")
    lines[#lines + 1] = line((mark == "OK" and "+ " or "! ") .. (rest or text), mark == "OK" and "good" or "bad")
  end
  table.sort(lines, function(a, b) return a.ink == "bad" and b.ink ~= "bad" end)
  return lines, well == true
end

---A key for each of the best actions, one dialog after the other.
local function ask_keys(found)
  for _, one in ipairs(action_list.best) do
    if found[one.name] then
      action_list.ask_shortcut(found[one.name])
      pause()
    end
  end
end

local function last_page(where, found, count, problem)
  local lines, well = checks(where)
  if problem then table.insert(lines, 1, line("! " .. problem, "bad")) end
  table.insert(lines, 1, line(("%d actions are in the action list. Keys and a toolbar to import: ReaTrieve in Actions > Key map > "
    .. "Import, and in Options > Customize menus/toolbars > Import."):format(count), "faint"))
  while true do
    local buttons = { { label = "Close", key = "close" } }
    if action_list.can_ask_shortcut() then buttons[#buttons + 1] = { label = "Keys...", key = "keys" } end
    local starts = settings.get("start_daemon") == "yes"
    buttons[#buttons + 1] = { label = starts and "Daemon starts by itself: yes" or "Daemon starts by itself: no", key = "daemon" }
    local prepares = settings.get("prepare")
    buttons[#buttons + 1] = { label = prepares and "Prepares ahead: yes" or "Prepares ahead: no", key = "prepare" }
    show(well and not problem and "ReaTrieve is ready: mark one sound with the time selection and run Find"
      or "ReaTrieve is installed, but something needs you", lines, buttons)
    local key = choice()
    if key == "keys" then
      ask_keys(found)
    elseif key == "daemon" then
      settings.set("start_daemon", starts and "no" or "yes")
    elseif key == "prepare" then
      settings.set("prepare", not prepares)
    else
      return
    end
  end
end

local function whole(only_checks)
  local where = daemon.where(resource_path)
  local usable = where and daemon.exists(where.program)
  if only_checks and usable then
    local lines, well = checks(where)
    show(well and "All is well" or "Something needs you", lines, { { label = "Close", key = "close" } })
    return choice()
  end
  local found, count = action_list.register(here)
  local wheel_path = wheel()
  local ours = where and where.python:find(daemon.ours(resource_path), 1, true) == 1
  local outdated = ours and wheel_path and starter.is_newer(wheel_path:match("reatrieve%-([%d.]+)%-"), where.version)
  if not usable or outdated then
    if not wheel_path then
      show("The daemon did not come with these scripts",
        { line("Install it from a terminal: pip install in the folder that you have ReaTrieve from, then reatrieve install."),
          line("Or get the scripts by ReaPack: then this action does the rest.") }, { { label = "Close", key = "close" } })
      return choice()
    end
    local python = installed_by_user(wheel_path)
    if not python then return end
    if not written_down { python, "-m", "reatrieve" } then return choice() end
    settings.set("start_daemon", "yes")
  end
  where = daemon.where(resource_path)
  if not where then
    show("That did not work: nothing was written to " .. daemon.ours(resource_path), {}, { { label = "Close", key = "close" } })
    return choice()
  end
  action_list.write_files(found, here, resource_path)
  if settings.get("start_daemon") == "ask" then settings.set("start_daemon", "yes") end
  last_page(where, found, count, running_daemon(where))
end

---Run Setup, or only its checks.
---@param folder string where the scripts are, with a separator at its end
---@param only_checks boolean?
function setup.run(folder, only_checks)
  if not (io and os and io.open) then
    reaper.Help_Set("ReaTrieve: this script was loaded in restricted mode; load it again without restrictions", false)
    return
  end
  if reaper.set_action_options then reaper.set_action_options(1 | 2) end
  here, resource_path = folder, reaper.GetResourcePath()
  page = { title = TITLE, lines = {}, buttons = {} }
  setup_window.open(TITLE)
  reaper.atexit(setup_window.close)
  local thread = coroutine.create(whole)
  local function tick()
    pressed = setup_window.show(page) or pressed
    if pressed == "closed" or pressed == "cancel" then return setup_window.close() end
    local ok, problem = coroutine.resume(thread, only_checks)
    if not ok then
      show("error: " .. tostring(problem):match("[^\n]*"), {}, { { label = "Close", key = "close" } })
      thread = coroutine.create(choice)
    elseif coroutine.status(thread) == "dead" then
      return setup_window.close()
    end
    status.tick()
    reaper.defer(tick)
  end
  reaper.defer(tick)
end

return setup
