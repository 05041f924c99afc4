-- @noindex
--- Where the eyes are: the arrange view moves only if a candidate is out of sight and zooms only if it would be too small
-- or too large. The edit cursor stays.

local view = {}

local SMALLEST_PX = 20

---The view that shows a span, or nil when the present one does. Pure.
---@param start_s number the view now
---@param end_s number
---@param from_s number the span
---@param to_s number
---@param pixels_per_s number
---@return number? start_s
---@return number? end_s
function view.wanted(start_s, end_s, from_s, to_s, pixels_per_s)
  local width_s, length_s = end_s - start_s, to_s - from_s
  local new_width_s = width_s
  if length_s > width_s then
    new_width_s = length_s / 0.8
  elseif length_s * pixels_per_s < SMALLEST_PX then
    new_width_s = math.min(width_s, width_s * length_s * pixels_per_s / (2 * SMALLEST_PX))
  elseif from_s >= start_s and to_s <= end_s then
    return nil
  end
  local new_start_s = math.max(0, (from_s + to_s - new_width_s) / 2)
  return new_start_s, new_start_s + new_width_s
end

---Bring a span into view in the project's tab, which must be the active one.
function view.show(proj, from_s, to_s)
  local start_s, end_s = reaper.GetSet_ArrangeView2(proj, false, 0, 0, 0, 0)
  if end_s <= start_s then return end
  local new_start_s, new_end_s = view.wanted(start_s, end_s, from_s, to_s, reaper.GetHZoomLevel())
  if new_start_s then reaper.GetSet_ArrangeView2(proj, true, 0, 0, new_start_s, new_end_s) end
end

---Go to a time: the edit cursor, and the view where it is out of sight.
function view.go(proj, time_s) reaper.SetEditCurPos2(proj, math.max(0, time_s), true, false) end

return view
