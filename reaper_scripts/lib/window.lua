-- @noindex
--- The window: what goes on, at a glance and by hand. Opened only when the user asks for it; the keys stay with the arrange view
--- unless the user takes them here.

local buttons = require("buttons")
local curve = require("curve")
local layout = require("layout")
local menu = require("menu")
local paint = require("paint")
local settings = require("settings")
local settings_menu = require("settings_menu")
local shown = require("shown")
local status = require("status")
local steps = require("steps")
local theme = require("theme")
local toggles = require("toggles")
local view = require("view")

local window = {}

local WIDTH, HEIGHT = 480, 320
local LEAST_W, LEAST_H = 120, 80
local ARRANGE = 1            -- of SetCursorContext
local TAB, ENTER, ESCAPE, LEFT, RIGHT = 9, 13, 27, 1818584692, 1919379572
local DRAG_PX, REACH_PX = 4, 9
local LOOK_S = 2.0           -- between two looks at theme and place
local SURVEY_S = 600.0       -- after so long the curve is asked for again: the daemon lets go of what nobody uses
local IMAGE = 1
local LEFT_BUTTON, RIGHT_BUTTON = 1, 2

local open, asked_menu = false, false
local palette                ---@type Palette
local drawn                  ---@type table? what stands in the image
local moved                  ---@type table? what stands over it
local now                    ---@type Layout?
local press                  ---@type table? where the button went down
local size = {}
local buttons_down = 0
local focus                  ---@type integer? index of the box that the keyboard is at
local ranges = {}            ---@type table<string, Range> by session id
local asked_at_s = {}        ---@type table<string, number> by session id: the question that its range has been made to show
local surveyed = {}          ---@type { id: string?, client: string?, at: number? }
local looked_at = -math.huge
local geometry               ---@type number[]? dock, place and size
local places, places_of      -- of the session, and what they were made from

---Give the keys back to the arrange view: a window takes them when it opens or is clicked.
local function hand_back() reaper.SetCursorContext(ARRANGE, nil) end

local function scale() return gfx.ext_retina and gfx.ext_retina > 1 and gfx.ext_retina or 1 end

-- Open, closed, where -------------------------------------------------------------------------------------------------------

---Open the window; the keys stay with the arrange view.
function window.open()
  if open then return end
  open, drawn, moved, press, focus, buttons_down, looked_at = true, nil, nil, nil, nil, 0, -math.huge
  local numbers = {}
  for number in settings.get("window"):gmatch("%-?%d+") do numbers[#numbers + 1] = math.tointeger(tonumber(number)) end
  gfx.ext_retina = 1           -- asked for; what it is afterwards is the scale
  if #numbers == 5 and numbers[4] >= LEAST_W and numbers[5] >= LEAST_H then
    gfx.init("ReaTrieve", numbers[4], numbers[5], numbers[1], numbers[2], numbers[3])
  else
    gfx.init("ReaTrieve", WIDTH, HEIGHT, 0)
  end
  size[1], size[2] = gfx.w, gfx.h
  toggles.set("window", true)
  hand_back()
end

---Read dock, place and size: a window that was closed with its close button has none any more.
local function read_geometry()
  local dock, x, y, w, h = gfx.dock(-1, 0, 0, 0, 0)
  if not h or w < LEAST_W or h < LEAST_H then return end
  geometry = { dock // 1, x // 1, y // 1, w // 1, h // 1 }
end

---Keep them for the next time.
local function keep_geometry()
  local text = geometry and ("%d %d %d %d %d"):format(table.unpack(geometry))
  if text and text ~= settings.get("window") then settings.set("window", text) end
end

local function closed()
  keep_geometry()
  open, now, geometry, asked_menu = false, nil, nil, false
  curve.forget()
  toggles.set("window", false)
end

function window.close()
  if not open then return end
  read_geometry()
  gfx.quit()
  closed()
end

function window.toggle()
  if open then window.close() else window.open() end
end

---The settings: a menu, which needs a window.
function window.settings()
  window.open()
  asked_menu = true
end

-- What is known of the session ------------------------------------------------------------------------------------------------

---Ask the daemon for the curve of the session that is shown, and no more for the one before.
local function follow_survey(ctx, s)
  local link = ctx.link
  local up = link.state == "up"
  local id = up and s and (s:is_open() or s.state == "searching") and s.id or nil
  local same = id == surveyed.id and (not id or link.client == surveyed.client)
  if same and (not id or ctx.now - surveyed.at < SURVEY_S) then return end
  if up and surveyed.id and surveyed.id ~= id and surveyed.client == link.client then
    link:command("survey", { session = surveyed.id, wanted = 0 })
  end
  if id then link:command("survey", { session = id, wanted = 1 }) end
  surveyed = { id = id, client = link.client, at = ctx.now }
end

local function places_now(s)
  local key = { s and s.model, s and s.reviewed, s and s.search }
  if not places_of or key[1] ~= places_of[1] or key[2] ~= places_of[2] or key[3] ~= places_of[3] then
    places, places_of = s and shown.places(s) or {}, key
  end
  return places
end

---All that the curve could show, and the part that it does.
---@return Range limits
---@return Range range
local function ranges_of(s, one, in_view)
  local limits = one and { from_s = one.start_s, to_s = one.end_s } or { from_s = in_view.from_s, to_s = in_view.to_s }
  if not one then
    for _, place in ipairs(places) do
      limits.from_s, limits.to_s = math.min(limits.from_s, place.from_s), math.max(limits.to_s, place.to_s)
    end
  end
  if limits.to_s <= limits.from_s then limits.to_s = limits.from_s + 1 end
  local asked = s and s.model.candidates[s.reviewed or s.model.current or -1]
  local new = asked and asked.start_s ~= asked_at_s[s.id]
  if new and (one or not ranges[s.id]) then asked_at_s[s.id] = asked.start_s end
  if not (s and one and ranges[s.id]) then return limits, limits end
  local range = curve.inside(ranges[s.id], limits)
  if new and (asked.start_s < range.from_s or asked.end_s > range.to_s) then       -- it is to be seen: in the middle
    range = curve.scrolled(range, limits, (asked.start_s + asked.end_s - range.from_s - range.to_s) / 2)
  end
  ranges[s.id] = range
  return limits, range
end

-- Mouse and keys ----------------------------------------------------------------------------------------------------------------

local function on_curve(x, y)
  local box = now and now.curve
  return box and box.h > 0 and x >= box.x and x < box.x + box.w and y >= box.y and y < box.y + box.h
end

---The time at a column of the curve.
---@param range Range
---@return number
local function time_at(range, x)
  return range.from_s + (x - now.curve.x) / now.curve.w * (range.to_s - range.from_s)
end

---What stands at a column: a place, or a peak that can be asked about.
---@return ShownPlace?
---@return number? peak_s
---@return number? peak
local function pointed_at(s, one, range, x)
  local box = now.curve
  local second_px = (range.to_s - range.from_s) / box.w
  local time_s = time_at(range, x)
  local reach_s = REACH_PX * scale() * second_px
  for index = #places, 1, -1 do
    local place = places[index]
    if time_s >= place.from_s - 2 * second_px and time_s <= place.to_s + 2 * second_px then return place end
  end
  if not (s and one and s:is_open() and not s.model.over) then return nil end
  local peak_s, peak = curve.peak(one, time_s, reach_s)
  if not peak_s then return nil end
  for _, place in ipairs(places) do
    if peak_s >= place.from_s and peak_s < place.to_s then return place end
  end
  return nil, peak_s, peak
end

local function click_curve(ctx, s, one, range, x, run_verb)
  local place, peak_s = pointed_at(s, one, range, x)
  if peak_s then
    run_verb(("ask %.9f"):format(peak_s))
    return
  end
  local tab = ctx.active_tab
  if not tab then return end
  view.go(tab.proj, place and place.from_s or time_at(range, x))
  steps.asked(ctx, tab)
end

---The menu: sounds, what has no button, settings, the window itself.
local function show_menu(ctx, run_verb, x, y)
  local content = shown.of(ctx)
  local items = {}
  for _, one in ipairs(content.sounds) do
    local note = one.note ~= "" and ", " .. one.note or ""
    items[#items + 1] = { text = ("%s (%d accepted%s)"):format(one.label, one.accepted, note), checked = one.current,
      run = function() run_verb("sound " .. one.id) end }
  end
  if #items > 0 then
    items[#items + 1] = { text = "" }
    items[#items + 1] = { text = "Next sound", run = function() run_verb("next") end }
    items[#items + 1] = { text = "Rename sound ...", run = function() run_verb("rename") end }
    items[#items + 1] = { text = "Clear everything not accepted", run = function() run_verb("clear") end }
    items[#items + 1] = { text = "" }
  end
  for _, item in ipairs(settings_menu.items()) do items[#items + 1] = item end
  items[#items + 1] = { text = "" }
  local dock = gfx.dock(-1)
  items[#items + 1] = { text = "Dock this window", checked = dock > 0, run = function() gfx.dock(dock > 0 and 0 or 1) end }
  items[#items + 1] = { text = "Close", run = window.close }
  local text, numbered = menu.text(items)
  gfx.x, gfx.y = x, y
  local chosen = numbered[gfx.showmenu(text)]
  if chosen and chosen.run then chosen.run() end
  if open then hand_back() end
end

---Carry out what a box stands for.
local function pressed_box(ctx, box, run_verb)
  if box.verb == "menu" then show_menu(ctx, run_verb, box.x, box.y + box.h) else run_verb(box.verb) end
end

---The box of a verb: the keyboard stays at a button, though boxes before it come and go.
---@param verb string
---@return integer?
local function box_of(verb)
  for index, box in ipairs(now.boxes) do
    if box.verb == verb then return index end
  end
end

---The next box that can be pressed, told to a screen reader.
local function next_focus()
  local count = #now.boxes
  for step = 1, count do
    local index = ((focus or 0) + step - 1) % count + 1
    if now.boxes[index].verb then
      focus = index
      local box = now.boxes[index]
      if reaper.osara_outputMessage then
        reaper.osara_outputMessage((box.says or box.text) .. (box.enabled and "" or ", not now"))
      end
      return
    end
  end
end

---Tell a screen reader where everything is.
local function speak(ctx)
  local content = shown.of(ctx)
  local s = content.session
  local budget = s and s.budget > 0 and (" %d of %d rejections."):format(s.rejections, s.budget) or ""
  status.say(content.problem or content.message)
  local sound = s and ("%s, %d accepted.%s "):format(s.label, s.accepted, budget) or ""
  if reaper.osara_outputMessage then reaper.osara_outputMessage(sound .. (content.problem or content.message)) end
end

---@return boolean handled
local function on_key(ctx, s, key, run_verb, limits, range)
  local char = key < 256 and string.char(key // 1) or ""
  if key == TAB then
    next_focus()
  elseif key == ENTER and focus and now.boxes[focus] then
    pressed_box(ctx, now.boxes[focus], run_verb)
  elseif char == "?" then
    speak(ctx)
  elseif s and (char == "+" or char == "-") then
    local one = s.model.candidates[s.reviewed or s.model.current or -1]
    local at_s = one and one.start_s or (range.from_s + range.to_s) / 2
    ranges[s.id] = curve.zoomed(range, limits, char == "+" and 2 or -2, math.min(math.max(at_s, range.from_s), range.to_s))
  elseif s and (key == LEFT or key == RIGHT) then
    ranges[s.id] = curve.scrolled(range, limits, (key == LEFT and -0.2 or 0.2) * (range.to_s - range.from_s))
  else
    local verb = char ~= "" and buttons.verb(char)
    if verb then run_verb(verb) end
  end
end

local function on_mouse(ctx, s, one, run_verb, limits, range)
  local x, y, down = gfx.mouse_x, gfx.mouse_y, (gfx.mouse_cap // 1) & (LEFT_BUTTON | RIGHT_BUTTON)
  local was = buttons_down
  buttons_down = down
  if gfx.mouse_wheel ~= 0 then
    local notches = gfx.mouse_wheel / 120
    gfx.mouse_wheel = 0
    if s and one and on_curve(x, y) then
      ranges[s.id] = curve.zoomed(range, limits, notches, time_at(range, x))
    end
  end
  if down & RIGHT_BUTTON ~= 0 and was & RIGHT_BUTTON == 0 then
    show_menu(ctx, run_verb, x, y)
    return
  end
  if down & LEFT_BUTTON ~= 0 and was & LEFT_BUTTON == 0 then
    local box = now and layout.at(now, x, y)
    press = { x = x, y = y, range = range, curve = on_curve(x, y), moved = false }
    if box then pressed_box(ctx, box, run_verb) end
  elseif down & LEFT_BUTTON ~= 0 and press and press.curve and s then
    if math.abs(x - press.x) >= DRAG_PX * scale() then press.moved = true end
    if press.moved then
      local by_s = (press.x - x) / now.curve.w * (press.range.to_s - press.range.from_s)
      ranges[s.id] = curve.scrolled(press.range, limits, by_s)
    end
  elseif was & LEFT_BUTTON ~= 0 and down & LEFT_BUTTON == 0 then
    if press and press.curve and not press.moved and on_curve(x, y) then click_curve(ctx, s, one, range, x, run_verb) end
    press = nil
    if open then hand_back() end
  end
end

-- Drawing --------------------------------------------------------------------------------------------------------------------

---What a click at the mouse would do, in words; and the peak that it is about.
local function hint(s, one, range)
  local x, y = gfx.mouse_x, gfx.mouse_y
  if not now or x < 0 or y < 0 or x >= gfx.w or y >= gfx.h or not settings.get("window_hints") then return nil end
  local box = layout.at(now, x, y)
  if box then return box.says end
  if not on_curve(x, y) then return nil end
  local place, peak_s, peak = pointed_at(s, one, range, x)
  if place then return ("%s%s"):format(place.name, place.kind ~= "reviewed" and place.kind ~= "example" and ", " .. place.kind or "") end
  if peak_s then return ("click: ask about %s next"):format(status.time(peak_s)), peak_s, peak end
  return "click: go there"
end

local function draw(content, one, range, list)
  paint.into(IMAGE, size[1], size[2], function()
    now = layout.of(size[1], size[2], scale(), content, paint.measure, settings.get("window_hints"))
    paint.ground(size[1], size[2], palette)
    local accepted = theme.readable(content.session and content.session.rgb or { 0, 158, 115 }, palette.panel)
    paint.curve(now.curve, palette, one, range, list, accepted)
    paint.boxes(now.boxes, palette, accepted)
  end)
end

local function look(now_s)
  if now_s - looked_at < LOOK_S then return end
  looked_at = now_s
  palette = theme.read()
  keep_geometry()
end

---@param ctx table
---@param run_verb fun(verb: string)
function window.tick(ctx, run_verb)
  if not open then
    if surveyed.id then follow_survey(ctx, nil) end
    return
  end
  local key = gfx.getchar()
  if key < 0 then return closed() end
  if key == ESCAPE then
    window.close()
    hand_back()
    return
  end
  read_geometry()
  look(ctx.now)
  local _, s = shown.of(ctx)
  follow_survey(ctx, s)
  places_now(s)
  local proj = ctx.active_tab and ctx.active_tab.proj
  local view_from_s, view_to_s = 0, 1
  if proj then view_from_s, view_to_s = reaper.GetSet_ArrangeView2(proj, false, 0, 0, 0, 0) end
  local in_view = { from_s = view_from_s, to_s = view_to_s }
  local one = s and curve.of(s.id)
  local limits, range = ranges_of(s, one, in_view)
  if now then
    if key > 0 then on_key(ctx, s, key, run_verb, limits, range) end
    if open then on_mouse(ctx, s, one, run_verb, limits, range) end
  end
  if open and asked_menu then
    asked_menu = false
    show_menu(ctx, run_verb, 0, 0)
  end
  if not open then return end
  local resized = gfx.w ~= size[1] or gfx.h ~= size[2]
  if resized and buttons_down == 0 then hand_back() end
  size[1], size[2] = gfx.w, gfx.h

  local content
  content, s = shown.of(ctx)             -- a key or click may have changed it
  local list = places_now(s)
  one = s and curve.of(s.id)
  _, range = ranges_of(s, one, in_view)
  local words, peak_s, peak = hint(s, one, range)
  if now and now.compact then content.hint = words end
  local still = { content = content, width = size[1], height = size[2], scale = scale(), range = range, palette = palette,
    curve = one and one.number, places = list }
  local fresh = not drawn or not shown.alike(still, drawn)
  if fresh then
    local verb = focus and now and now.boxes[focus] and now.boxes[focus].verb
    draw(content, one, range, list)
    drawn, focus = still, verb and box_of(verb)
  end
  local playing = proj and reaper.GetPlayStateEx(proj) & 1 == 1
  local moving = { view = in_view, play_s = playing and reaper.GetPlayPositionEx(proj) or nil, peak_s = peak_s, peak = peak, words = words,
    focus = focus }
  if fresh or not moved or not shown.alike(moving, moved) then
    moved = moving
    paint.show(IMAGE)
    paint.moving(now.curve, palette, range, moving)
    paint.boxes(layout.axis(now, paint.measure, status.time(range.from_s), status.time(range.to_s), words or ""), palette)
    if focus then paint.focus(now.boxes[focus], palette) end
  end
  gfx.update()
end

return window
