-- @noindex
--- The window of Setup: a heading, lines, progress, and buttons that also have keys. It draws only what has changed.

local setup_window = {}

local WIDTH, HEIGHT = 720, 460
local MARGIN, LINE, BUTTON = 16, 18, 26
local GROUND, INK, FAINT, GOOD, BAD, EDGE = { 38, 40, 42 }, { 235, 235, 235 }, { 160, 160, 160 }, { 120, 200, 130 }, { 240, 170, 90 },
  { 90, 92, 94 }
local INKS = { plain = INK, faint = FAINT, good = GOOD, bad = BAD }
local ENTER, ESCAPE = 13, 27

---@class Page
---@field title string
---@field lines { text: string, ink: string? }[]
---@field share number? progress
---@field buttons { label: string, key: string }[] the first one is Enter's

local open = false
local drawn
local places = {}
local held = false

function setup_window.open(title)
  if open then return end
  open, drawn, held = true, nil, false
  gfx.init(title, WIDTH, HEIGHT, 0)
  gfx.setfont(1, "Arial", 15)
end

function setup_window.close()
  if open then gfx.quit() end
  open = false
end

local function ink(rgb) gfx.set(rgb[1] / 255, rgb[2] / 255, rgb[3] / 255, 1) end

local function text(x, y, string, rgb)
  ink(rgb)
  gfx.x, gfx.y = x, y
  gfx.drawstr(string, 0, gfx.w - MARGIN, y + LINE)
end

---A text over as many lines as it needs; a word that is longer than a line (a path) is broken.
---@return number y below it
local function paragraph(y, string, rgb)
  local room = gfx.w - 2 * MARGIN
  local line = ""
  local function flush()
    text(MARGIN, y, line, rgb)
    y, line = y + LINE, ""
  end
  for word in string:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if gfx.measurestr(longer) > room and line ~= "" then
      flush()
      longer = word
    end
    while gfx.measurestr(longer) > room and #longer > 20 do
      local cut = #longer - 1
      while cut > 20 and gfx.measurestr(longer:sub(1, cut)) > room do cut = cut - 1 end
      line = longer:sub(1, cut)
      flush()
      longer = longer:sub(cut + 1)
    end
    line = longer
  end
  flush()
  return y
end

local function draw(page)
  places = {}
  ink(GROUND)
  gfx.rect(0, 0, gfx.w, gfx.h, 1)
  local y = paragraph(MARGIN, page.title, INK) + 8
  local bottom = gfx.h - MARGIN - BUTTON - 8
  for index, one in ipairs(page.lines) do
    if y + LINE > bottom and index < #page.lines then
      text(MARGIN, y, ("and %d more"):format(#page.lines - index + 1), FAINT)
      break
    end
    y = paragraph(y, one.text, INKS[one.ink or "plain"])
  end
  if page.share then
    ink(EDGE)
    gfx.rect(MARGIN, bottom - 10, gfx.w - 2 * MARGIN, 6, 1)
    ink(GOOD)
    gfx.rect(MARGIN, bottom - 10, (gfx.w - 2 * MARGIN) * math.max(0, math.min(1, page.share)), 6, 1)
  end
  local x = MARGIN
  for index, one in ipairs(page.buttons) do
    local label = index == 1 and one.label .. "  (Enter)" or ("%s  (%s)"):format(one.label, one.key:sub(1, 1))
    local width = gfx.measurestr(label) + 20
    ink(EDGE)
    gfx.rect(x, gfx.h - MARGIN - BUTTON, width, BUTTON, 1)
    text(x + 10, gfx.h - MARGIN - BUTTON + 5, label, INK)
    places[#places + 1] = { x = x, y = gfx.h - MARGIN - BUTTON, width = width, key = one.key }
    x = x + width + 8
  end
end

local function alike(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not alike(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function clicked()
  local down = gfx.mouse_cap & 1 == 1
  local released = held and not down
  held = down
  if not released then return nil end
  for _, one in ipairs(places) do
    if gfx.mouse_x >= one.x and gfx.mouse_x < one.x + one.width and gfx.mouse_y >= one.y and gfx.mouse_y < one.y + BUTTON then
      return one.key
    end
  end
end

---Show a page, and say which button was pressed: its key, "closed" once the window is gone, or nil.
---@param page Page
---@return string?
function setup_window.show(page)
  if not open then return "closed" end
  local char = gfx.getchar()
  if char < 0 or char == ESCAPE then
    setup_window.close()
    return "closed"
  end
  local shown = { page = page, width = gfx.w, height = gfx.h }
  if not alike(shown, drawn) then
    draw(page)
    drawn = { page = { title = page.title, lines = { table.unpack(page.lines) }, share = page.share, buttons = page.buttons },
      width = gfx.w, height = gfx.h }
  end
  gfx.update()
  if char == ENTER and page.buttons[1] then return page.buttons[1].key end
  local letter = char > 32 and char < 127 and string.char(char // 1):lower()
  for index = 2, letter and #page.buttons or 0 do
    if page.buttons[index].key:sub(1, 1) == letter then return page.buttons[index].key end
  end
  return clicked()
end

return setup_window
