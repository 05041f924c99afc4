-- @noindex
--- A small window with what is going on: drawn by gfx, opened only when the user asks for it, never taking the focus again.

local models = require("models")
local project = require("project")
local status = require("status")

local panel = {}

local WIDTH, HEIGHT = 380, 230
local MARGIN, LINE = 10, 18
local ARRANGE = 1            -- of SetCursorContext
local ESCAPE = 27

local open = false
local buttons = {}
local pressed = false
local size = {}              -- width and height, when they were looked at last
local drawn                  -- what was drawn last

local KEYS = { a = "accept", r = "reject", s = "skip", u = "undo", p = "play", [" "] = "play" }

---Give the keys back to the arrange view: a window takes them when it opens or is clicked.
local function hand_back() reaper.SetCursorContext(ARRANGE, nil) end

---Open the window; the keys stay with the arrange view.
function panel.open()
  if open then return end
  open, drawn = true, nil
  gfx.init("ReaTrieve", WIDTH, HEIGHT, 0)
  gfx.setfont(1, "Arial", 14)
  size[1], size[2] = gfx.w, gfx.h
  hand_back()
end

function panel.close()
  if open then gfx.quit() end
  open = false
end

local function colour(rgb) gfx.set(rgb[1] / 255, rgb[2] / 255, rgb[3] / 255, 1) end

local GROUND, INK, FAINT, EDGE = { 38, 40, 42 }, { 235, 235, 235 }, { 160, 160, 160 }, { 90, 92, 94 }

local function text(x, y, string, rgb, right)
  colour(rgb or INK)
  gfx.x, gfx.y = x, y
  gfx.drawstr(string, 0, right or gfx.w - MARGIN, y + LINE)
end

local function button(x, y, width, label, verb)
  colour(EDGE)
  gfx.rect(x, y, width, LINE + 4, 1)
  text(x + 6, y + 3, label, INK, x + width - 2)
  buttons[#buttons + 1] = { x = x, y = y, width = width, height = LINE + 4, verb = verb }
end

---Draw a text over as many lines as it needs.
---@return number y below it
local function paragraph(x, y, string, rgb)
  local line = ""
  for word in string:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if line ~= "" and gfx.measurestr(longer) > gfx.w - x - MARGIN then
      text(x, y, line, rgb)
      y, line = y + LINE, word
    else
      line = longer
    end
  end
  text(x, y, line, rgb)
  return y + LINE
end

---What the window shows, as data: it is drawn again only when this has changed.
local function content(ctx)
  local link, tab = ctx.link, ctx.active_tab
  local s = tab and (tab.searching or tab.active)
  local shown = {
    link = link.problem or (link.state == "up" and ("daemon %s by %s"):format(link.info.version, link.carrier.name)) or "connecting",
    line = status.line(), sounds = {}, width = gfx.w, height = gfx.h,
  }
  if s then
    local accepted, rejections = models.tally(s.model)
    shown.counts = s.budget == 0 and ("%d accepted"):format(accepted)          -- the daemon has not told it yet
      or ("%d accepted   %d of %d rejections"):format(accepted, rejections, s.budget)
    shown.searching = s:is_searching()
    -- Progress of a search, else the rejections used up.
    shown.share = shown.searching and s.progress or (s.budget > 0 and rejections / s.budget or 0)
    shown.colour = s.colour
  end
  for _, one in ipairs(tab and tab.sessions or {}) do
    if not one:absent() then
      shown.sounds[#shown.sounds + 1] = { id = one.id, colour = one.colour,
        text = ("%s%s  (%d accepted)"):format(one == s and "> " or "", one.model.label, (models.tally(one.model))) }
    end
  end
  return shown
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

local function draw(shown)
  buttons = {}
  colour(GROUND)
  gfx.rect(0, 0, gfx.w, gfx.h, 1)
  local y = paragraph(MARGIN, MARGIN, shown.link, FAINT)
  y = paragraph(MARGIN, y, shown.line, INK) + 6
  if shown.counts then
    local width = gfx.w - 2 * MARGIN
    colour(EDGE)
    gfx.rect(MARGIN, y, width, 6, 1)
    colour(project.rgb(shown.searching and "accepted" or "candidate", shown.colour))
    gfx.rect(MARGIN, y, width * math.max(0, math.min(1, shown.share)), 6, 1)
    y = y + 12
    text(MARGIN, y, shown.counts, FAINT)
    y = y + LINE + 4
    local each = (gfx.w - 2 * MARGIN + 4) / 5
    for index, one in ipairs { { "Accept  a", "accept" }, { "Reject  r", "reject" }, { "Skip  s", "skip" }, { "Undo  u", "undo" },
      { "Play  p", "play" } } do
      button(MARGIN + (index - 1) * each, y, each - 4, one[1], one[2])
    end
    y = y + LINE + 12
  end
  for _, one in ipairs(shown.sounds) do
    colour(project.rgb("accepted", one.colour))
    gfx.rect(MARGIN, y + 3, 10, 10, 1)
    text(MARGIN + 16, y, one.text)
    buttons[#buttons + 1] = { x = MARGIN, y = y, width = gfx.w - 2 * MARGIN, height = LINE, verb = "sound " .. one.id }
    y = y + LINE
  end
end

---@param ctx table
---@param run_verb fun(verb: string)
function panel.tick(ctx, run_verb)
  if not open then return end
  local key = gfx.getchar()
  if key < 0 then
    open = false
    return
  end
  if key == ESCAPE then
    panel.close()
    hand_back()
    return
  end
  local verb = key > 0 and key < 256 and KEYS[string.char(key // 1):lower()]
  if verb then run_verb(verb) end
  local down = gfx.mouse_cap & 1 == 1
  if down and not pressed then
    for _, one in ipairs(buttons) do
      if gfx.mouse_x >= one.x and gfx.mouse_x < one.x + one.width and gfx.mouse_y >= one.y and gfx.mouse_y < one.y + one.height then
        run_verb(one.verb)
      end
    end
  end
  local resized = gfx.w ~= size[1] or gfx.h ~= size[2]
  if pressed and not down or resized and not down then hand_back() end
  pressed, size[1], size[2] = down, gfx.w, gfx.h
  local shown = content(ctx)
  if not alike(shown, drawn) then
    draw(shown)
    drawn = shown
  end
  gfx.update()
end

return panel
