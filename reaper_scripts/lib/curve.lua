-- @noindex
--- The similarity of a whole track: put together from the daemon's pages, looked at through a window of time, with its peaks.
-- Pure Lua.

local curve = {}

local LEAST_PEAK = 0.25      -- lower ones are no places to ask about
local ZOOM = 1.25            -- by one notch of the wheel
local SHORTEST_S = 0.25

---@class Curve
---@field number integer which one of its session
---@field start_s number
---@field end_s number
---@field values integer[] 0 to 255, in equal parts of that time

---@class Range
---@field from_s number
---@field to_s number

local whole, coming = {}, {}    -- by session id: what is shown, and pages that are not complete yet

---Take one page.
---@param session string
---@param fields { curve: integer, page: integer, pages: integer, start_s: number, end_s: number, values: string }
function curve.take(session, fields)
  local one = coming[session]
  if not one or one.number ~= fields.curve then
    one = { number = fields.curve, pages = {}, count = 0 }
    coming[session] = one
  end
  if not one.pages[fields.page] then
    one.pages[fields.page] = fields.values
    one.count = one.count + 1
  end
  if one.count < fields.pages then return end
  local values = {}
  for page = 0, fields.pages - 1 do
    local text = one.pages[page]
    for index = 1, #text do values[#values + 1] = text:byte(index) end
  end
  coming[session] = nil
  whole[session] = { number = fields.curve, start_s = fields.start_s, end_s = fields.end_s, values = values }
end

---@param session string
---@return Curve?
function curve.of(session) return whole[session] end

---All that was searched has moved.
---@param session string
---@param by_s number later
function curve.move(session, by_s)
  local one = whole[session]
  if one then
    whole[session] = { number = one.number, start_s = one.start_s + by_s, end_s = one.end_s + by_s, values = one.values }
  end
end

---A window that is closed shows none.
function curve.forget() whole, coming = {}, {} end

---Similarity of each column of a picture: the greatest in it, 0 to 1; nil where the curve says nothing.
---@param one Curve
---@param range Range
---@param columns integer
---@return table<integer, number> from 1 on
function curve.columns(one, range, columns)
  local list, n = {}, #one.values
  local part_s = (one.end_s - one.start_s) / n
  local column_s = (range.to_s - range.from_s) / columns
  for column = 1, columns do
    local from_s = range.from_s + (column - 1) * column_s
    local first = math.max(1, math.floor((from_s - one.start_s) / part_s) + 1)
    local last = math.min(n, math.max(first, math.ceil((from_s + column_s - one.start_s) / part_s)))
    if from_s + column_s > one.start_s and first <= n then
      local best = 0
      for index = first, last do best = math.max(best, one.values[index]) end
      list[column] = best / 255
    end
  end
  return list
end

---The peak nearest to a time.
---@param one Curve
---@param time_s number
---@param reach_s number
---@return number? time_s where it begins; nil: there is none
---@return number? height 0 to 1
function curve.peak(one, time_s, reach_s)
  local n = #one.values
  local part_s = (one.end_s - one.start_s) / n
  local function at(index) return one.values[index] or 0 end
  local best, best_distance
  local first = math.max(1, math.floor((time_s - reach_s - one.start_s) / part_s) + 1)
  local last = math.min(n, math.floor((time_s + reach_s - one.start_s) / part_s) + 1)
  for index = first, last do
    local value = at(index)
    if value >= 255 * LEAST_PEAK and value >= at(index - 1) and value >= at(index + 1)
      and (value > at(index - 1) or value > at(index + 1)) then
      local distance = math.abs(one.start_s + (index - 0.5) * part_s - time_s)
      if not best or distance < best_distance then best, best_distance = index, distance end
    end
  end
  if best then return one.start_s + (best - 0.5) * part_s, at(best) / 255 end
end

-- The window of time ---------------------------------------------------------------------------------------------------------

---@param range Range
---@param limits Range what there is
---@return Range inside it
function curve.inside(range, limits)
  if range.from_s >= limits.from_s and range.to_s <= limits.to_s then return range end
  local length_s = math.min(range.to_s - range.from_s, limits.to_s - limits.from_s)
  local from_s = math.min(math.max(range.from_s, limits.from_s), limits.to_s - length_s)
  return { from_s = from_s, to_s = from_s + length_s }
end

---@param range Range
---@param limits Range
---@param notches number of the wheel; towards the screen's top is nearer
---@param at_s number stays where it is
---@return Range
function curve.zoomed(range, limits, notches, at_s)
  local length_s = range.to_s - range.from_s
  local most_s = limits.to_s - limits.from_s
  local new_s = math.min(most_s, math.max(math.min(SHORTEST_S, most_s), length_s * ZOOM ^ -notches))
  local share = (at_s - range.from_s) / length_s
  local from_s = at_s - share * new_s
  return curve.inside({ from_s = from_s, to_s = from_s + new_s }, limits)
end

---@param range Range
---@param limits Range
---@param by_s number later
---@return Range
function curve.scrolled(range, limits, by_s)
  return curve.inside({ from_s = range.from_s + by_s, to_s = range.to_s + by_s }, limits)
end

return curve
