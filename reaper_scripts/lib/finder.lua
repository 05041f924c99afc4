-- @noindex
--- "Find sounds like the time selection": from the selection to the daemon's first candidate.

local accessor = require("accessor")
local ahead = require("ahead")
local daemon = require("daemon")
local earlier = require("earlier")
local edges = require("edges")
local models = require("models")
local project = require("project")
local session = require("session")
local settings = require("settings")
local starter = require("starter")
local status = require("status")
local track = require("track")
local track_changes = require("track_changes")
local work = require("work")

local finder = {}

local MOST_RENDERS = 3
local YES_NO, YES = 4, 6
local RENDER_WAIT_S = 0.05         -- so long after the last item that the daemon wants rendered

---A label that no other sound of the tab has.
local function label_for(tab, proj, start_s, end_s)
  local ours, labels, count = {}, {}, 0
  for _, s in ipairs(tab.sessions) do
    for guid in pairs(s.history.known) do ours[guid] = true end
    labels[s.model.label] = true
    count = count + 1
  end
  local name = project.enclosing(proj, start_s, end_s, function(guid) return ours[guid] end)
  name = name and models.label(name) or ""
  if name == "" then
    repeat
      count = count + 1
      name = ("Sound %d"):format(count)
    until not labels[name]
    return name
  end
  local label, extra = name, 1
  while labels[label] do
    extra = extra + 1
    label = ("%s %d"):format(name, extra)
  end
  return label
end

---Send everything that a search needs, in order.
---@param request { items: TrackItem[], probes: table[], tempo: table[], known: table[], find: table }
---@param track_known boolean? the daemon has items and probes already
local function send(ctx, s, request, track_known)
  if not track_known then track.send(ctx.link, s.id, request.items, request.probes) end
  track.send_each(ctx.link, "tempo", s.id, request.tempo)
  track.send_each(ctx.link, "known", s.id, request.known)
  request.find.items = #request.items
  ctx.link:command("find", request.find)
end

---After a reconnect: the daemon has forgotten a search that has no candidate yet.
function finder.reconnected(ctx, s)
  if s.search.request then send(ctx, s, s.search.request) end
end

---The colour that the fewest sounds of the tab have.
local function colour_for(tab)
  local used = {}
  for _, s in ipairs(tab.sessions) do used[s.colour] = (used[s.colour] or 0) + 1 end
  local best = 1
  for index = 2, project.COLOURS do
    if (used[index] or 0) < (used[best] or 0) then best = index end
  end
  return best
end

local function renders(ctx)
  return daemon.joined(ctx.home() or reaper.GetResourcePath(), "renders")
end

local function rendered(ctx, tab, the_track, items, s)
  return accessor.render(tab.proj, the_track, items, renders(ctx), s.id, function(share)
    status.say(("%s: rendering items that cannot be read as they are, %.0f %%"):format(s.model.label, 100 * share))
  end)
end

---The sound of a tab that was searched from the same place of the same track.
---@return Session?
function finder.earlier_search(tab, the_track, start_s, end_s)
  for _, s in ipairs(tab.sessions) do
    local example = s.model.candidates[0]
    if example and s.state ~= "lost" and not s.outdated and s.track == track.guid(the_track)
      and edges.lies_under(example, start_s, end_s) then
      return s
    end
  end
end

---Begin a search in the active tab.
---@param go_on fun(s: Session) the user wants to go on with a sound that was searched from there
function finder.find(ctx, tab, go_on)
  if tab.searching or tab.preparing then
    status.say(("%s: still searching; Finish cancels"):format(tab.searching and tab.searching.model.label or "new search"), true)
    return
  end
  local proj = tab.proj
  local s
  local function give_up(message)
    tab.preparing = false
    if s then ctx.drop(tab, s) end
    status.say(message, true, true)
  end

  local job = work.job(function()
    local the_track, chosen, area = track.choose(proj)
    if not the_track then return give_up(chosen) end
    local start_s, end_s = track.example(proj, area)
    if not start_s then return give_up(end_s) end
    local before = finder.earlier_search(tab, the_track, start_s, end_s)
    if before then
      tab.preparing = false
      local text = ("\"%s\" was searched from here already (%d accepted). Go on with it?\n\nNo leaves it as it is: to search for "
        .. "something else, make another time selection."):format(before.model.label, (models.tally(before.model)))
      if reaper.MB(text, "ReaTrieve: Find", YES_NO) == YES then
        go_on(before)
        local up, problem = starter.connect(ctx, work.yield)
        if not up then status.say(problem, true, true) end
      else
        status.say(("%s was searched from here already: nothing is changed"):format(before.model.label), true)
      end
      return
    end
    local items, note = track.items(the_track, start_s, end_s)
    if not items then return give_up(note) end
    local old = earlier.search(tab, track.guid(the_track), start_s, end_s)
    if old and old:is_open() and old.state ~= "ready" then
      local up, problem = starter.connect(ctx, work.yield)                                 -- it may have died with the answer
      if not up then return give_up(problem) end
      return give_up(("%s: its last answer is still on its way; run Find once more"):format(old.model.label))
    end
    if old then track_changes.offer(tab, old) end
    local known, others = {}, 0
    if old then known, others = earlier.kept(tab, old, items) end
    if #known == 0 or not earlier.wanted(old, known, others) then old, known = nil, {} end
    if chosen ~= "" then note = note ~= "" and chosen .. "; " .. note or chosen end

    local prepared = ahead.take(ctx, proj, track.guid(the_track), items)
    s = session.new(prepared and prepared.id or ctx.new_id(), track.guid(the_track), old and old.colour or colour_for(tab),
      old and old.model.label or label_for(tab, proj, start_s, end_s), { start_s = start_s, end_s = end_s }, the_track)
    if old then s:go_on_from(old, known) end
    ctx.add(tab, s)
    tab.searching, tab.preparing = s, false
    status.say(("%s: reading the track%s"):format(s.model.label, note ~= "" and " (" .. note .. ")" or ""), true)

    local up, problem = starter.connect(ctx, work.yield)
    if not up then return give_up(problem) end
    local layout = track.layout(the_track)
    items = rendered(ctx, tab, the_track, items, s)
    local probes = prepared and prepared.probes or settings.get("probe") and accessor.probes(the_track, items) or {}
    local tempo = track.tempo(proj)
    if tab.searching ~= s then return end
    local request = {
      items = items, probes = probes, tempo = tempo, known = earlier.messages(known),
      find = { session = s.id, label = s.model.label, project = tab.path, track = s.track, start_s = start_s, end_s = end_s,
        budget = settings.get("budget"), retriever = settings.get("retriever") },
    }
    s:lay_out(layout)
    send(ctx, s, request, ahead.is_known(ctx, prepared))
    s:search_sent(request)
  end, nil, work.FIRST_S)
  ahead.make_room(ctx)
  tab.preparing = true               -- until the job has made its session, another Find must wait
  ctx.start(tab, job, give_up, function() return s end)
end

---To be called in each tick while a session is searching: renders what was asked for, once all of it is known.
function finder.tick(ctx, tab, s)
  if s.state ~= "searching" or not s.search.wanted or ctx.now - s.search.wanted_at < RENDER_WAIT_S then return end
  local wanted = s:take_wanted()
  local the_track = track.there(tab.proj, s.media_track, s.track) or track.by_guid(tab.proj, s.track)
  if s.search.renders > MOST_RENDERS or not the_track then
    local _, why = next(wanted)
    ctx.link:command("cancel", { session = s.id })
    status.say(("%s: the track cannot be read: %s"):format(s.model.label, why), true)
    return
  end
  local before = s.search.request
  s:render_again()
  ctx.start(tab, work.job(function()
    for index, why in pairs(wanted) do
      local item = before.items[index + 1]
      if item and item.accessor == 0 then item.render = why end
    end
    local items = rendered(ctx, tab, the_track, before.items, s)
    if tab.searching ~= s then return end
    local request = { items = items, probes = accessor.probes(the_track, items), tempo = before.tempo, known = before.known,
      find = before.find }
    send(ctx, s, request)
    s:search_sent(request)
  end), function(message)
    ctx.drop(tab, s)
    status.say(message, true)
  end, function() return s end)
end

---@param fields { stage: string, share: number }
function finder.progress(s, fields)
  local what = { decode = "reading the audio", analyse = "analysing", rest = "looking at the rest", export = "writing" }
  s:set_progress(fields.share)
  s:said(("%s: %s, %.0f %%"):format(s.model.label, what[fields.stage] or fields.stage, 100 * fields.share))
  status.say(s.status_line)
end

return finder
