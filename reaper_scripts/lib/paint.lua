-- @noindex
--- Draws the window's boxes and curve by gfx. States are told by shapes as well as by colours.

local curve = require("curve")

local paint = {}

local FACE = "Arial"
local BOLD = string.byte("b")
local MOST_KNOWN = 2000      -- measured texts

local known, count = {}, 0

local function font(size, bold) gfx.setfont(bold and 2 or 1, FACE, size, bold and BOLD or 0) end

---@type Measure
function paint.measure(text, size)
  local key = size .. "\0" .. text
  local one = known[key]
  if not one then
    if count > MOST_KNOWN then known, count = {}, 0 end
    font(size, true)                   -- the wider face, so that either fits
    local w, h = gfx.measurestr(text)
    font(size, false)
    local plain_w, plain_h = gfx.measurestr(text)
    one = { math.max(w, plain_w), math.max(h, plain_h) }
    known[key], count = one, count + 1
  end
  return one[1], one[2]
end

local function colour(rgb, alpha) gfx.set(rgb[1] / 255, rgb[2] / 255, rgb[3] / 255, alpha or 1) end

local function text(box, rgb)
  colour(rgb)
  font(box.size, box.bold)
  local w = gfx.measurestr(box.text)
  local room = math.max(0, box.w - w)
  gfx.x = box.x + (box.align == "right" and room or box.align == "center" and room // 2 or 0)
  gfx.y = box.y
  gfx.drawstr(box.text, 0, box.x + box.w, box.y + box.h)
end

local function frame(box, rgb)
  colour(rgb)
  gfx.rect(box.x, box.y, box.w, box.h, 0)
end

local function line(x, y, x2, y2, thick)
  for offset = 0, thick - 1 do
    gfx.line(x + offset, y, x2 + offset, y2, 1)
  end
end

-- A shape for each kind of place, around (x, y).
local shapes = {}

function shapes.example(x, y, r)
  gfx.triangle(x - r, y, x + r, y, x, y - r)
  gfx.triangle(x - r, y, x + r, y, x, y + r)
end

function shapes.accepted(x, y, r)
  local thick = math.max(1, r // 3)
  line(x - r, y, x - r // 3, y + r - 1, thick)
  line(x - r // 3, y + r - 1, x + r, y - r + 1, thick)
end

function shapes.rejected(x, y, r)
  local thick = math.max(1, r // 3)
  line(x - r + 1, y - r + 1, x + r - 1, y + r - 1, thick)
  line(x - r + 1, y + r - 1, x + r - 1, y - r + 1, thick)
end

function shapes.skipped(x, y, r) gfx.rect(x - r, y - r // 4, 2 * r, math.max(1, r // 2), 1) end

function shapes.candidate(x, y, r)
  gfx.triangle(x - r, y - r + 1, x + r, y - r + 1, x, y + r)
end

function shapes.reviewed(x, y, r)
  gfx.circle(x, y, r, 0, 1)
  gfx.circle(x, y, math.max(1, r - 1), 0, 1)
end

---What a kind of place is drawn with.
---@return Rgb
local function ink_of(mark, palette, accepted)
  if mark == "accepted" then return accepted end
  if mark == "candidate" or mark == "reviewed" then return palette.candidate end
  return mark == "example" and palette.ink or palette.faint
end

local draw = {}

function draw.text(box, palette)
  if box.over == "curve" then                        -- else the bar of a place runs through the letters
    local text_w, text_h = paint.measure(box.text, box.size)
    colour(palette.panel)
    gfx.rect(box.x + (box.w - text_w) // 2 - 2, box.y, text_w + 4, text_h, 1)
  end
  text(box, palette[box.ink or "ink"])
end

function draw.mark(box, palette, accepted)
  colour(ink_of(box.mark, palette, accepted))
  shapes[box.mark](math.floor(box.x + box.w / 2), math.floor(box.y + box.h / 2), math.max(3, math.floor(box.h * 0.32)))
end

function draw.button(box, palette, accepted)
  if box.enabled then
    colour(palette.button)
    gfx.rect(box.x, box.y, box.w, box.h, 1)
  end
  frame(box, box.enabled and palette.edge or palette.button)
  local _, text_h = paint.measure(box.text, box.size)
  local inner = { x = box.x + 1, y = box.y + (box.h - text_h) // 2, w = box.w - 2, h = box.h, size = box.size, text = box.text,
    align = "center" }
  text(inner, box.key and palette.faint or box.enabled and palette.ink or palette.faint)
  if box.key and box.enabled then                  -- over it, the label without its key
    local x = box.x + 1 + math.max(0, (inner.w - gfx.measurestr(box.text)) // 2)
    text({ x = x, y = inner.y, w = inner.w, h = inner.h, size = box.size, text = box.text:sub(1, -#box.key - 1) }, palette.ink)
  end
  if box.mark then
    local side = { x = box.x + 4, y = box.y, w = box.h - 4, h = box.h, mark = box.mark }
    draw.mark(side, palette, box.enabled and accepted or palette.faint)
  end
end

function draw.menu(box, palette)
  colour(palette.ink)
  local thick = math.max(1, box.h // 8)
  for row = 1, 3 do
    gfx.rect(box.x + box.w // 5, box.y + row * box.h // 4 - thick // 2, box.w * 3 // 5, thick, 1)
  end
end

function draw.swatch(box, palette)
  colour(box.rgb)
  gfx.rect(box.x, box.y, box.w, box.h, 1)
  frame(box, palette.edge)
end

function draw.sound(box, palette)
  if box.current then
    colour(palette.button)
    gfx.rect(box.x, box.y, box.w, box.h, 1)
  end
  frame(box, box.current and palette.ink or palette.button)
  local side = box.h // 2
  draw.swatch({ x = box.x + side // 2, y = box.y + (box.h - side) // 2, w = side, h = side, rgb = box.rgb }, palette)
  local _, text_h = paint.measure(box.text, box.size)
  text({ x = box.x + 2 * side, y = box.y + (box.h - text_h) // 2, w = box.w - 2 * side, h = box.h, size = box.size, text = box.text },
    palette.ink)
end

function draw.bar(box, palette)
  frame(box, palette.edge)
  colour(palette.wave)
  gfx.rect(box.x + 1, box.y + 1, math.floor((box.w - 2) * math.max(0, math.min(1, box.share))), box.h - 2, 1)
end

---The budget: a full dot for each rejection used, an empty one for each that is left.
function draw.dots(box, palette)
  local step = box.w / box.total
  local radius = math.max(2, math.floor(math.min(step, box.h) * 0.32))
  for index = 1, box.total do
    local x, y = box.x + (index - 0.5) * step, box.y + box.h / 2
    colour(index <= box.used and palette.ink or palette.faint)
    gfx.circle(x, y, radius, index <= box.used and 1 or 0, 1)
  end
end

---Which column of a curve a time falls into, from its left edge.
---@param box Box
---@param range Range
---@return number
function paint.x_of(box, range, time_s)
  return box.x + (time_s - range.from_s) / (range.to_s - range.from_s) * box.w
end

---@param one Curve?
---@param range Range
---@param places ShownPlace[]
---@param accepted Rgb
function paint.curve(box, palette, one, range, places, accepted)
  if box.h <= 0 then return end
  colour(palette.panel)
  gfx.rect(box.x, box.y, box.w, box.h, 1)
  local top, base = box.y + box.lane, box.y + box.lane + box.plot
  local function clipped(place)
    local x, x2 = paint.x_of(box, range, place.from_s), paint.x_of(box, range, place.to_s)
    if x2 < box.x or x > box.x + box.w then return end
    x, x2 = math.max(box.x, math.floor(x)), math.min(box.x + box.w, math.ceil(x2))
    return x, math.max(x2, x + 2)
  end
  for _, place in ipairs(places) do
    local x, x2 = clipped(place)
    if x then
      local strong = place.kind == "candidate" or place.kind == "reviewed"
      local taken = place.kind == "accepted" or place.kind == "example"
      colour(ink_of(place.kind, palette, accepted), strong and 0.34 or taken and 0.22 or 0.1)
      gfx.rect(x, top, x2 - x, box.plot, 1)
    end
  end
  local heights = one and curve.columns(one, range, math.floor(box.w)) or {}
  for column = 1, math.floor(box.w) do
    local height = heights[column] and math.floor(heights[column] * (box.plot - 2) + 0.5) or 0
    if height > 0 then
      colour(palette.wave, 0.65)
      gfx.line(box.x + column - 1, base - 1, box.x + column - 1, base - height, 0)
      colour(palette.wave)
      gfx.line(box.x + column - 1, base - height, box.x + column - 1, base - height - 1, 0)
    end
  end
  local r = math.max(3, math.floor(box.lane * 0.38))
  for _, place in ipairs(places) do
    local x, x2 = clipped(place)
    if x then
      colour(ink_of(place.kind, palette, accepted))
      if place.kind == "candidate" or place.kind == "reviewed" then
        gfx.line(x, top, x, base - 1, 0)
        gfx.line(x2 - 1, top, x2 - 1, base - 1, 0)
      end
      local middle = math.min(math.max((x + x2) // 2, box.x + r + 1), box.x + box.w - r - 1)
      local shape = shapes[place.kind]                 -- none for a state that only another version knows
      if shape then shape(math.floor(middle), math.floor(box.y + box.lane / 2), r) end
    end
  end
  colour(palette.edge)
  gfx.line(box.x, base - 1, box.x + box.w - 1, base - 1, 0)
  gfx.rect(box.x, box.y, box.w, box.h, 0)
end

---All boxes but the curve.
---@param boxes Box[]
---@param palette Palette
---@param accepted Rgb? of marks
function paint.boxes(boxes, palette, accepted)
  for _, box in ipairs(boxes) do
    if draw[box.kind] then draw[box.kind](box, palette, accepted) end
  end
end

function paint.ground(width, height, palette)
  colour(palette.ground)
  gfx.rect(0, 0, width, height, 1)
end

---What moves over the curve: REAPER's view as a bar at its foot, the play position, the place under the mouse.
---@param moving { view: Range?, play_s: number?, peak_s: number?, peak: number? }
function paint.moving(box, palette, range, moving)
  if box.h <= 0 then return end
  local base = box.y + box.lane + box.plot
  if moving.view then
    local x = math.max(box.x, paint.x_of(box, range, moving.view.from_s))
    local x2 = math.min(box.x + box.w, paint.x_of(box, range, moving.view.to_s))
    if x2 > x then
      colour(palette.faint)
      gfx.rect(x, base, math.max(3, x2 - x), box.view, 1)
    end
  end
  if moving.play_s then
    local x = math.floor(paint.x_of(box, range, moving.play_s))
    if x >= box.x and x < box.x + box.w then
      colour(palette.play)
      gfx.line(x, box.y, x, base - 1, 0)
      gfx.triangle(x - 3, box.y, x + 3, box.y, x, box.y + 4)
    end
  end
  if moving.peak_s then
    local x = paint.x_of(box, range, moving.peak_s)
    colour(palette.candidate)
    gfx.circle(x, base - math.floor(moving.peak * (box.plot - 2)), math.max(3, box.view), 0, 1)
  end
end

---What the keyboard is at.
---@param box Box
function paint.focus(box, palette)
  frame({ x = box.x - 1, y = box.y - 1, w = box.w + 2, h = box.h + 2 }, palette.candidate)
  frame(box, palette.candidate)
end

---Draw into an image in place of the window, which is shown as a whole afterwards.
---@param image integer
---@param width number
---@param height number
---@param run fun()
function paint.into(image, width, height, run)
  gfx.setimgdim(image, width, height)
  gfx.dest = image
  local ok, problem = xpcall(run, debug.traceback)
  gfx.dest = -1
  if not ok then error(problem, 0) end
end

---@param image integer
function paint.show(image)
  gfx.set(1, 1, 1, 1)
  gfx.x, gfx.y = 0, 0
  gfx.blit(image, 1, 0)
end

return paint
