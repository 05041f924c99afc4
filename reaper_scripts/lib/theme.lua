-- @noindex
--- The colours of the window: REAPER's own background, and inks that can be read on it. Pure Lua but for `theme.read`.

local theme = {}

---@alias Rgb integer[] red, green, blue, 0 to 255

---@class Palette
---@field dark boolean
---@field ground Rgb of the window
---@field panel Rgb behind the curve
---@field ink Rgb of text
---@field faint Rgb of text that matters less, and of what cannot be pressed now
---@field edge Rgb of frames
---@field button Rgb
---@field alarm Rgb of what needs the user
---@field candidate Rgb
---@field wave Rgb of the curve
---@field play Rgb

local DARK = { ground = { 43, 45, 48 }, panel = { 29, 31, 33 }, ink = { 238, 238, 238 }, faint = { 160, 164, 168 },
  edge = { 92, 96, 100 }, button = { 62, 66, 70 }, alarm = { 255, 150, 120 }, candidate = { 240, 178, 50 },
  wave = { 112, 160, 205 }, play = { 255, 255, 255 } }
local LIGHT = { ground = { 238, 239, 240 }, panel = { 252, 252, 252 }, ink = { 24, 26, 28 }, faint = { 96, 100, 104 },
  edge = { 150, 154, 158 }, button = { 222, 225, 228 }, alarm = { 170, 40, 10 }, candidate = { 150, 92, 0 },
  wave = { 70, 118, 168 }, play = { 0, 0, 0 } }

local READABLE = 4.5         -- contrast of text, as WCAG 2 asks

---@param rgb Rgb
---@return number 0 black, 1 white
function theme.luminance(rgb)
  local parts = {}
  for index = 1, 3 do
    local value = rgb[index] / 255
    parts[index] = value <= 0.04045 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4
  end
  return 0.2126 * parts[1] + 0.7152 * parts[2] + 0.0722 * parts[3]
end

---@param one Rgb
---@param other Rgb
---@return number from 1 (the same) to 21
function theme.contrast(one, other)
  local a, b = theme.luminance(one), theme.luminance(other)
  return (math.max(a, b) + 0.05) / (math.min(a, b) + 0.05)
end

---@param one Rgb
---@param other Rgb
---@param share number of the other
---@return Rgb
function theme.mixed(one, other, share)
  local new = {}
  for index = 1, 3 do new[index] = math.floor(one[index] + (other[index] - one[index]) * share + 0.5) end
  return new
end

local BLACK, WHITE = { 0, 0, 0 }, { 255, 255, 255 }

---A colour moved towards a pole, by as little as is needed for contrast with another.
local function apart(rgb, pole, other, least)
  for step = 0, 10 do
    local new = theme.mixed(rgb, pole, step / 10)
    if theme.contrast(new, other) >= least then return new end
  end
  return pole
end

---A colour that can be read on a ground: nearer to black or white where it cannot.
---@param rgb Rgb
---@param ground Rgb
---@return Rgb
function theme.readable(rgb, ground)
  return apart(rgb, theme.luminance(ground) < 0.18 and WHITE or BLACK, ground, READABLE)
end

---@param background Rgb? REAPER's; nil where it is not known
---@return Palette
function theme.palette(background)
  local dark = not background or theme.luminance(background) < 0.18
  local base, new = dark and DARK or LIGHT, {}
  for name, rgb in pairs(base) do new[name] = rgb end
  new.dark = dark
  local ink, paper = dark and WHITE or BLACK, dark and BLACK or WHITE
  if background then
    new.ground = background
    new.panel = apart(theme.mixed(background, paper, dark and 0.35 or 0.6), paper, ink, READABLE + 1)
    new.button = apart(theme.mixed(background, ink, dark and 0.09 or 0.07), paper, ink, READABLE + 1)
    new.edge = theme.mixed(background, ink, 0.3)
  end
  for _, name in ipairs { "ink", "faint", "alarm", "candidate" } do
    for _, behind in ipairs { "panel", "button", "ground" } do new[name] = apart(new[name], ink, new[behind], READABLE) end
  end
  return new
end

---The palette of REAPER's theme as it is now.
---@return Palette
function theme.read()
  local native = reaper.GetThemeColor("col_main_bg2", 0)
  if native < 0 then return theme.palette(nil) end
  return theme.palette { reaper.ColorFromNative(native & 0xFFFFFF) }
end

return theme
