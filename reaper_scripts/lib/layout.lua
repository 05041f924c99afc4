-- @noindex
--- Where everything stands in the window: from its size, the screen's scale and what is shown to boxes. Pure Lua.

local buttons = require("buttons")

local layout = {}

---@class Box
---@field kind "text"|"button"|"menu"|"sound"|"swatch"|"bar"|"dots"|"mark"|"curve"
---@field x number
---@field y number
---@field w number
---@field h number
---@field text string?
---@field size integer? of its font
---@field ink string? a name of the palette
---@field align "left"|"center"|"right"|nil
---@field verb string? what a click does
---@field says string? what a screen reader is told
---@field enabled boolean?
---@field rgb Rgb?
---@field share number? of a bar
---@field used integer? dots
---@field total integer?
---@field mark State? a shape to draw
---@field key string? the part of a button's text that is its key
---@field current boolean?
---@field over string? kind of the box that it lies on

---@class Layout
---@field boxes Box[]
---@field curve Box with `lane`, `plot` and `view`, the heights of its parts
---@field compact boolean

---@alias Measure fun(text: string, size: integer): number, number

local MOST_DOTS = 12
local COLUMNS = { 12, 6, 4, 3 }
local VARIANTS = { "full", "label", "short", "key" }
local LEAST_CURVE = 24
local MARKS = { accept = "accepted", reject = "rejected", skip = "skipped" }
local LEGEND = { { "example", "example" }, { "candidate", "asked now" }, { "accepted", "accepted" }, { "rejected", "rejected" },
  { "skipped", "skipped" }, { "reviewed", "looked at again" } }

---A text cut so that it fits.
---@param measure Measure
---@return string
function layout.fitted(measure, text, size, width)
  if measure(text, size) <= width then return text end
  local ends = {}
  for position in text:gmatch("()[^\128-\191]") do ends[#ends + 1] = position - 1 end
  local function cut(index) return text:sub(1, ends[index]):gsub("%s+$", "") .. "..." end
  local fits, fails = 1, #ends + 1           -- a longer text is wider: the longest cut that fits lies between the two
  while fails - fits > 1 do
    local middle = (fits + fails) // 2
    if measure(cut(middle), size) <= width then fits = middle else fails = middle end
  end
  return fits > 1 and cut(fits) or ""
end

---A text over lines of a width; what is left after the last one is cut.
---@param measure Measure
---@param most integer lines
---@return string[]
function layout.wrapped(measure, text, size, width, most)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if #lines == most - 1 or line == "" or measure(longer, size) <= width then
      line = longer
    else
      lines[#lines + 1], line = line, word
    end
  end
  if line ~= "" then lines[#lines + 1] = line end
  for index, one in ipairs(lines) do lines[index] = layout.fitted(measure, one, size, width) end
  return lines
end

---As `wrapped`; where the lines have no room for all, what is wrong is cut, and not what to do, which stands behind the first mark.
---@param measure Measure
---@param most integer lines
---@return string[]
local function with_its_end(measure, text, size, width, most)
  local lines = layout.wrapped(measure, text, size, width, most)
  local wrong, fix = text:match("^(.-[:;]) (.+)$")
  if most < 2 or not fix or not lines[#lines]:find("...", 1, true) then return lines end
  local ends = layout.wrapped(measure, fix, size, width, most - 1)
  if ends[#ends]:find("...", 1, true) then return lines end
  local begins = layout.wrapped(measure, wrong, size, width, most - #ends)
  table.move(ends, 1, #ends, #begins + 1, begins)
  return begins
end

---What the title says.
---@param content Shown
---@return string
local function title(content, compact)
  local s = content.session
  if not s then return content.problem and "No daemon" or "No search yet" end
  if compact and s.reviewed then return ("again: %s"):format(s.reviewed.name) end
  if compact and s.candidate then return ("%s  %d %%"):format(s.candidate.name, s.candidate.percent) end
  return s.label
end

local function more(s)
  if s.searching or not s.remaining or s.over == "finished" then return "" end
  return (" · about %d more"):format(s.remaining)
end

---What the session waits for, in a few words.
---@param content Shown
---@return string text
---@return string ink
local function heading(content)
  local s = content.session
  if not s then return content.problem and "Answers are kept until it is back" or "Ready", "faint" end
  if s.searching then return ("Searching  %.0f %%"):format(100 * s.progress), "ink" end
  if s.reviewed then return ("Again: %s, which was %s"):format(s.reviewed.name, s.reviewed.state), "candidate" end
  if s.over == "budget" then return "The rejections are used up", "ink" end
  if s.over == "exhausted" then return "Nothing is left to propose", "ink" end
  if s.over then return "Finished", "ink" end
  if s.candidate then
    local before = s.deciding and "Decides the rest: " or s.paused and "Paused: " or ""
    return ("%s? %s  %d %%  at %s"):format(before, s.candidate.name, s.candidate.percent, s.candidate.time), "candidate"
  end
  return s.open and "Waiting for the next candidate" or "Not open", "faint"
end

---The columns and labels of the buttons: the most told that fits, in the fewest rows.
local function grid(content, measure, width, most_h, size, height, gap)
  local function texts(variant)
    local list, widest = {}, 0
    for index, button in ipairs(buttons.list) do
      local label, short = buttons.label(content, button)
      local text = variant == "full" and ("%s  %s"):format(label, button.key) or variant == "label" and label
        or variant == "short" and short or button.key:upper()
      list[index] = text
      widest = math.max(widest, (measure(text, size)))
    end
    return list, widest
  end
  local found
  for _, variant in ipairs(VARIANTS) do
    local list, widest = texts(variant)
    for _, columns in ipairs(COLUMNS) do
      local rows = math.ceil(#list / columns)
      local each = (width - (columns - 1) * gap) // columns
      found = { variant = variant, texts = list, columns = columns, rows = rows, each = each }
      if widest + 4 <= each and rows * (height + gap) <= most_h then return found end
    end
  end
  return found
end

---@param width number of the window in pixels
---@param height number
---@param scale number pixels a point: 2 on a HiDPI screen
---@param content Shown
---@param measure Measure
---@param hints boolean
---@return Layout
function layout.of(width, height, scale, content, measure, hints)
  local boxes = {}
  local compact = width < 300 * scale or height < 200 * scale
  local s = content.session
  local function px(points) return math.floor(points * scale + 0.5) end
  local pad, gap = px(compact and 3 or 8), px(compact and 2 or 4)
  local size = px(compact and 11 or 13)
  local small = px(compact and 10 or 11)
  local button_size = compact and small or size
  local _, line = measure("Ag", size)
  local _, small_line = measure("Ag", small)
  local function add(box)
    boxes[#boxes + 1] = box
    return box
  end
  local function text(x, y, w, string, ink, options)
    options = options or {}
    local font = options.size or size
    local _, h = measure("Ag", font)
    local fitted = layout.fitted(measure, string, font, w)
    if fitted == "" then return end
    add { kind = "text", x = x, y = y, w = w, h = h, text = fitted, size = font, ink = ink, align = options.align, over = options.over,
      bold = options.bold }
  end

  -- A column of sounds at the right of a wide window
  local right = width - pad
  local wide = width >= 700 * scale and height >= 160 * scale and #content.sounds > 0
  if wide then
    local column = math.floor(math.min(px(280), 0.26 * width))
    local x, y = width - pad - column, pad
    right = x - px(10)
    text(x, y, column, "Sounds of this project", "faint", { size = small })
    y = y + small_line + gap
    for index, one in ipairs(content.sounds) do
      if y + line + px(6) > height - pad then
        boxes[#boxes].text = layout.fitted(measure, ("and %d more: Menu"):format(#content.sounds - index + 2), size, column - line - px(8))
        boxes[#boxes].verb = "menu"
        break
      end
      local note = one.note ~= "" and ", " .. one.note or ""
      local label = ("%s  (%d%s)"):format(one.label, one.accepted, note)
      add { kind = "sound", x = x, y = y, w = column, h = line + px(6), size = size, rgb = one.rgb, current = one.current,
        text = layout.fitted(measure, label, size, column - line - px(8)), verb = "sound " .. one.id,
        says = ("%s, %d accepted%s"):format(one.label, one.accepted, note), enabled = true }
      y = y + line + px(6) + gap
    end
    local legend_h = math.ceil(#LEGEND / 2) * (small_line + gap)
    if y + gap + legend_h <= height - pad then
      local half = column // 2
      for index, one in ipairs(LEGEND) do
        local mark_x = x + (index - 1) % 2 * half
        local mark_y = height - pad - legend_h + (index - 1) // 2 * (small_line + gap) + gap
        add { kind = "mark", x = mark_x, y = mark_y, w = small_line, h = small_line, mark = one[1] }
        text(mark_x + small_line + gap, mark_y, half - small_line - 2 * gap, one[2], "faint", { size = small })
      end
    end
  end
  local full = right - pad

  -- Top: title, summary, menu; then what is asked, and the budget
  local y = pad
  local menu_w = line + px(4)
  add { kind = "menu", x = right - menu_w, y = y, w = menu_w, h = line, verb = "menu", says = "Menu", enabled = true }
  local title_x, title_w = pad, full - menu_w - gap
  if s then
    add { kind = "swatch", x = pad, y = y + math.floor(line * 0.15), w = math.floor(line * 0.7), h = math.floor(line * 0.7), rgb = s.rgb }
    title_x, title_w = pad + line, title_w - line
  end
  local summary = s and not s.searching and (compact and (s.budget > 0 and ("%d/%d no"):format(s.rejections, s.budget) or "")
    or ("%d accepted%s"):format(s.accepted, more(s))) or not s and not compact and content.daemon or ""
  local summary_w = math.min((measure(summary, size)), math.floor(title_w * 0.6))
  if compact and s and s.searching then
    summary = ("%.0f %%"):format(100 * s.progress)
    summary_w = (measure(summary, size))
  end
  local name = title(content, compact)
  local fits = summary ~= "" and title_w - summary_w - 2 * gap >= math.min((measure(name, size)), px(40))
  if fits then
    text(title_x + title_w - summary_w, y, summary_w, summary, "faint", { align = "right" })
    title_w = title_w - summary_w - 2 * gap
  end
  text(title_x, y, title_w, name, "ink", { bold = true })
  y = y + line + gap

  if not compact then
    local words, ink = heading(content)
    local dots_w = 0
    if s and not s.searching and s.budget > 0 then
      local told = ("%d of %d rejected"):format(s.rejections, s.budget)
      local told_w = (measure(told, small))
      local step = math.floor(small_line * 0.8)
      local dots = s.budget <= MOST_DOTS and s.budget * step or px(60)
      local room = full - (measure(words, size)) - 3 * gap
      if room >= told_w then
        text(right - told_w, y + (line - small_line) // 2, told_w, told, "faint", { size = small, align = "right" })
        dots_w = told_w + gap
        if room >= told_w + gap + dots then
          if s.budget <= MOST_DOTS then
            add { kind = "dots", x = right - told_w - gap - dots, y = y, w = dots, h = line, used = s.rejections, total = s.budget }
          else
            add { kind = "bar", x = right - told_w - gap - dots, y = y + line // 3, w = dots, h = line // 3,
              share = math.min(1, s.rejections / s.budget) }
          end
          dots_w = dots_w + dots + gap
        end
      end
    elseif s and s.searching then
      local words_w = (measure(words, size))
      add { kind = "bar", x = pad + words_w + 2 * gap, y = y + line // 4, w = full - words_w - 2 * gap, h = line // 2, share = s.progress }
      dots_w = full - words_w - gap
    end
    text(pad, y, full - dots_w, words, ink)
    y = y + line + gap
  end

  -- Bottom: buttons, what was said last, sounds
  local button_h = line + px(compact and 3 or 8)
  local most_h = math.floor(height * (compact and 0.40 or 0.42))
  local keys = grid(content, measure, full, most_h, button_size, button_h, gap)
  keys.marked = keys.each >= measure(keys.texts[2], size) + 2 * line + px(24)
  local bottom = height - pad - (keys.rows * (button_h + gap) - gap)
  for index, button in ipairs(buttons.list) do
    local row, column = (index - 1) // keys.columns, (index - 1) % keys.columns
    local x = pad + column * (keys.each + gap)
    local w = column == keys.columns - 1 and right - x or keys.each
    local label = layout.fitted(measure, keys.texts[index], button_size, w - 2)
    local mark = keys.marked and MARKS[button.verb]
    add { kind = "button", x = x, y = bottom + row * (button_h + gap), w = w, h = button_h, size = button_size, align = "center",
      text = label, verb = button.verb, key = keys.variant == "full" and button.key or nil,
      mark = mark or nil,
      says = ("%s, key %s"):format((buttons.label(content, button)), button.key), enabled = buttons.enabled(content, button.verb) }
  end
  bottom = bottom - gap
  local message = content.problem or content.message
  if not content.problem and not content.trouble then
    local known = s and s.candidate and not s.reviewed and message:find("accept, reject or skip", 1, true)
    if compact and content.hint and hints then
      message = content.hint
    elseif known or s and s.searching then             -- the top says it
      local counts = compact and ("%s%d accepted%s"):format(s.deciding and "decides the rest · " or "", s.accepted, more(s))
      message = known and (message:match("(probably nothing else.*)$") or counts) or ""
    end
  end
  local room = bottom - y - LEAST_CURVE * scale
  local alarm = content.problem or content.trouble and message == content.message
  local wanted = compact and (alarm and 2 or 1) or height >= 280 * scale and 3 or 2
  local most = math.min(wanted, math.floor(room / line))
  if message ~= "" and most >= 1 then
    local ink = alarm and "alarm" or "ink"
    local indent = alarm and math.floor(line * 0.6) or 0
    local lines = (alarm and with_its_end or layout.wrapped)(measure, message, size, full - indent, most)
    local top = bottom - #lines * line
    if alarm then text(pad, top, indent, "!", "alarm", { bold = true }) end
    for index, one in ipairs(lines) do text(pad + indent, top + (index - 1) * line, full - indent, one, ink) end
    bottom = top - gap
  end
  if not wide and #content.sounds > 1 and height >= 250 * scale and bottom - y - line - px(6) > 2 * LEAST_CURVE * scale then
    local h = line + px(6)
    local each = math.min(px(150), (full + gap) // #content.sounds - gap)
    local top, x = bottom - h, pad
    for _, one in ipairs(content.sounds) do
      local label = layout.fitted(measure, ("%s (%d)"):format(one.label, one.accepted), size, each - line - px(8))
      if x + each <= right + 1 and label ~= "" then
        add { kind = "sound", x = x, y = top, w = each, h = h, size = size, rgb = one.rgb, current = one.current, text = label,
          verb = "sound " .. one.id, says = ("%s, %d accepted"):format(one.label, one.accepted), enabled = true }
        x = x + each + gap
      end
    end
    if x > pad then bottom = top - gap end            -- so many that none has room: the menu names them
  end

  -- Between them: the curve, and its times below
  local axis = not compact and bottom - y - small_line > 2 * LEAST_CURVE * scale
  local curve_h = math.max(0, bottom - y - (axis and small_line + gap or 0))
  local lane, view_h = px(compact and 9 or 14), px(compact and 3 or 5)
  local curve = add { kind = "curve", x = pad, y = y, w = full, h = curve_h, lane = lane, view = view_h,
    plot = math.max(0, curve_h - lane - view_h) }
  local note = not s and not content.problem and "Select one occurrence of a sound, then press Find"
    or s and s.searching and "The curve comes with the first candidate"
  if note and curve.plot > 2 * line then
    local lines = layout.wrapped(measure, note, size, full - 2 * gap, 2)
    local top = y + lane + (curve.plot - #lines * line) // 2
    for index, one in ipairs(lines) do
      text(pad + gap, top + (index - 1) * line, full - 2 * gap, one, "faint", { align = "center", over = "curve" })
    end
  end
  if axis then
    curve.axis = { x = pad, y = y + curve_h + gap, w = full, h = small_line, size = small }
  end
  return { boxes = boxes, curve = curve, compact = compact, size = size, small = small }
end

---The times below the curve, and what a click would do between them.
---@param one Layout
---@param measure Measure
---@param from string
---@param to string
---@param hint string
---@return Box[]
function layout.axis(one, measure, from, to, hint)
  local axis, boxes = one.curve.axis, {}
  if not axis then return boxes end
  local from_w, to_w = measure(from, axis.size), measure(to, axis.size)
  local function add(x, w, text, align)
    local fitted = layout.fitted(measure, text, axis.size, w)
    if fitted ~= "" then
      boxes[#boxes + 1] = { kind = "text", x = x, y = axis.y, w = w, h = axis.h, text = fitted, size = axis.size, ink = "faint",
        align = align }
    end
  end
  add(axis.x, from_w, from)
  add(axis.x + axis.w - to_w, to_w, to, "right")
  add(axis.x + from_w + 8, axis.w - from_w - to_w - 16, hint, "center")
  return boxes
end

---The box of what can be pressed at a point.
---@param one Layout
---@return Box?
function layout.at(one, x, y)
  for _, box in ipairs(one.boxes) do
    if box.verb and x >= box.x and x < box.x + box.w and y >= box.y and y < box.y + box.h then return box end
  end
end

return layout
