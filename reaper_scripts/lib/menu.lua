-- @noindex
--- Menus as data: the text that REAPER takes, and which entry was chosen. Pure Lua.

local menu = {}

---@class MenuItem
---@field text string? "" or nil: a line between groups
---@field checked boolean?
---@field heading boolean? it says what follows, and cannot be chosen
---@field items MenuItem[]? a submenu; its last item is no submenu
---@field run fun()?

local function plain(text)
  text = text:gsub("|", "/"):gsub("&", "&&")
  return (text:gsub("^[#!<>]", " %0"))
end

---@param items MenuItem[]
---@return string text
---@return MenuItem[] chosen by their number
function menu.text(items)
  local parts, numbered = {}, {}
  local function add(list, inner)
    for index, item in ipairs(list) do
      local text = plain(item.text or "")
      if item.items then
        parts[#parts + 1] = ">" .. text
        add(item.items, true)
      else
        local last = inner and index == #list and "<" or ""
        parts[#parts + 1] = last .. (item.heading and "#" or "") .. (item.checked and "!" or "") .. text
        if text ~= "" then numbered[#numbered + 1] = item end
      end
    end
  end
  add(items, false)
  return table.concat(parts, "|"), numbered
end

return menu
