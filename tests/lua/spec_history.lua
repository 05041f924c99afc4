local ext_state = require("ext_state")
local history = require("history")
local models = require("models")
local sealed = require("sealed")
local selftest = require("selftest")
local session = require("session")
local sync_markers = require("sync_markers")
local view = require("view")

local function span(start_s, probability) return { start_s = start_s, end_s = start_s + 1, probability = probability or 0.5 } end

---Marks as if the project had been edited: a GUID for each number and kind.
local function marks_of(model, keep)
  local marks = {}
  for number, mark in pairs(models.wanted(model, keep or false)) do marks["{" .. number .. "}"] = mark end
  return marks
end

local function started()
  local s = session.new("ID", "{T}", 1, "Riser", { start_s = 1, end_s = 2 })
  local model = models.proposed(models.with_example(s.model, span(1)), 1, span(2, 0.87))
  s:push { marks = marks_of(model), model = model }
  return s
end

local function answer(s, verdict, next_start_s)
  local number = s.model.current
  local one = s.model.candidates[number]
  local model = models.answered(s.model, verdict, one.start_s, one.end_s)
  model = models.proposed(model, number + 1, span(next_start_s))
  s:push { marks = marks_of(model), model = model }
  return s
end

local function names(model, keep)
  local list = {}
  for _, mark in pairs(models.wanted(model, keep)) do list[#list + 1] = mark.name end
  table.sort(list)
  return table.concat(list, ", ")
end

return {
  { "names tell the state", function()
    same(models.region_name("Riser", 3, "candidate", 0.874), "? Riser 3 (87 %)")
    same(models.region_name("Riser", 3, "accepted"), "Riser 3")
    same(models.region_name("Riser", 3, "rejected"), "x Riser 3")
    same(models.region_name("Sound 1", 3, "accepted"), "Sound 1-3")
    for _, label in ipairs { "Riser", "Sound 1", "50 %", "Ölfaß" } do
      for _, kind in ipairs { "candidate", "accepted", "rejected" } do same(models.kind(models.region_name(label, 12, kind, 1)), kind) end
    end
  end },
  { "labels cannot look like a state or a command", function()
    same(models.label("? what"), "what")
    same(models.label("!boom"), "boom")
    same(models.label("#1=x"), "1=x")
    same(models.label("x files"), "files")
    same(models.label("xylophone "), "xylophone")
    same(models.label("a\nb"), "a b")
    same(models.label("?!"), "")
  end },
  { "models are values", function()
    local s = started()
    local before = s.model
    answer(s, "accept", 3)
    same(before.candidates[1].state, "candidate")
    same(s.model.candidates[1].state, "accepted")
    same(s.model.current, 2)
    same(names(s.model), "? Riser 2 (50 %), Riser 0, Riser 1")
  end },
  { "what a rejected one leaves is a setting", function()
    local s = answer(started(), "reject", 3)
    same(names(s.model, false), "? Riser 2 (50 %), Riser 0")
    same(names(s.model, true), "? Riser 2 (50 %), Riser 0, x Riser 1")
    same(names(models.cleared(s.model), true), "Riser 0")
  end },
  { "undo and redo are found, and their commands", function()
    local s = started()
    answer(answer(answer(s, "accept", 3), "reject", 4), "skip", 5)
    local at_first = s.history.steps[2].marks
    same(s.history:find_step(at_first), 2)
    same(s:go(2), { { "undo", 1 } })
    same(s.model.current, 1)
    same(s.history:find_step(s.history.steps[4].marks), 4)
    same(s:go(4), { { "answer", 1, "accept", 2, 3 }, { "answer", 2, "reject", 3, 4 } })
    same(s.model.current, 3)
    answer(s, "accept", 9)
    same(#s.history.steps, 5)
  end },
  { "the edges of a candidate are the user's, those of an accepted one are a change", function()
    local s = answer(started(), "accept", 3)
    local present = {}
    for guid, mark in pairs(s:step().marks) do
      present[guid] = { number = mark.number, kind = mark.kind, name = mark.name, start_s = mark.start_s, end_s = mark.end_s }
    end
    present["{2}"].start_s = 3.4
    same(history.matches(s:step(), present), true)
    present["{1}"].end_s = 3.5
    same(history.matches(s:step(), present), false)
    local model = s.history:changes(present, "skip")
    same(models.instead(model, s.model), { { "revise", 1, 2, 3.5 } })
    same(models.instead(s.model, model), { { "revise", 1, 2, 3 } })
    same(model.candidates[1].end_s, 3.5)
    present["{1}"] = nil
    model = s.history:changes(present, "skip")
    same(models.instead(model, s.model), { { "retract", 1 } })
    same(models.instead(s.model, model), { { "revise", 1, 2, 3 } })
    present["{2}"] = nil
    model = s.history:changes(present, "reject")
    same(models.instead(model, s.model), { { "retract", 1 }, { "answer", 2, "reject", 3, 4 } })
    same(model.candidates[2].state, "rejected")
  end },
  { "a step is known wherever its regions went with the items", function()
    local s = answer(started(), "accept", 3)
    s:shift(0.5)
    answer(s, "accept", 4.5)
    s:amend(models.proposed(models.all_moved(s.model, 0.5), 3, span(4.5)))
    same(s:go(2), { { "undo", 1 } })
    same(s:go(4), { { "answer", 1, "accept", 2.5, 3.5 }, { "answer", 2, "accept", 3.5, 4.5 } })
    local present = {}
    for guid, mark in pairs(s.history.steps[3].marks) do
      local by_s = mark.number == 0 and 0 or 0.5
      present[guid] = { number = mark.number, kind = mark.kind, name = mark.name, start_s = mark.start_s + by_s,
        end_s = mark.end_s + by_s }
    end
    same(s.history:find_step(present, s.shift_s), 3)
    same(s.history:find_step(present, 0), nil)
  end },
  { "what items have done each in its own way is kept, and the daemon is told nothing of it", function()
    local s = answer(started(), "accept", 5)
    local before = s.model
    s:amend(models.requested(models.add_carried(models.moved(before, 1, 3), 1, 3, 3), 2))
    same(models.instead(s.model, before), {})
    same(models.again(s.model, 1), { { "answer", 1, "accept", 2, 3 } })
    same(models.parted(s.model, before), nil)
    s:set_marks(marks_of(s.model))
    local other = ext_state.decode("ID", ext_state.encode(s))
    same(other.model.candidates[1].carried, { start_s = 3, end_s = 3 })
    same({ models.daemon_span(other.model.candidates[1]) }, { 2, 3 })
    same(other.model.candidates[2].requested, true)
    same(models.add_carried(s.model, 1, -3, -3).candidates[1].carried, false)
  end },
  { "a region off its sound that is moved a little is as far off as before", function()
    local model = models.add_sound_offset(answer(started(), "accept", 3).model, 1, 0.5, 0.5)
    same(models.numbers_with_offset(model), { 1 })
    local trimmed = models.revised(model, 1, { start_s = 2.1, end_s = 3 })
    same({ models.sound(trimmed.candidates[1]) }, { 2.6, 3.5 })
    local put_right = models.revised(model, 1, { start_s = 2.4, end_s = 3.5 })
    same({ models.sound(put_right.candidates[1]) }, { 2.4, 3.5 })
    same(models.numbers_with_offset(put_right), {})
    same(models.proposal(put_right.candidates[1]), { start_s = 2.5, end_s = 3.5 })
    same(models.numbers_with_offset(models.add_sound_offset(model, 1, -0.5, -0.5)), {})
    same(models.again(model, 1), { { "answer", 1, "accept", 2.5, 3.5 } })
  end },
  { "an undo beyond the known steps takes the answers back", function()
    local s = answer(answer(started(), "accept", 3), "reject", 4)
    local model = s.history:changes(s.history.steps[2].marks, "skip")
    same(models.instead(model, s.model), { { "undo", 1 } })
    same(models.instead(s.model, model), { { "answer", 1, "accept", 2, 3 }, { "answer", 2, "reject", 3, 4 } })
    same(model.current, 1)
  end },
  { "as text and back", function()
    local s = answer(answer(started(), "accept", 1 / 3), "reject", 4)
    s:amend(models.renamed(s.model, "a|b;c%d\nÖ"))
    local text = ext_state.encode(s)
    same(select(2, text:gsub("\n", "")), 6)             -- a record a line, and the seal
    local other = ext_state.decode("ID", text)
    same(other.state, "stored")
    same(other.answers_in_project, 2)
    same(other.stored_text, text)
    same(other.model.label, "a|b;c%d\nÖ")
    same(other.model.current, 3)
    same(other:step().marks, s:step().marks)
    same(other.track, "{T}")
    same(other.history.known["{1}"], 1)
    same(other.model.candidates[1].start_s, 2.0)
    same(other.cut, false)
    same(ext_state.decode("ID", "rubbish"), nil)
    for length = text:find("\n") + 1, #text - 1 do
      same(ext_state.decode("ID", text:sub(1, length)).cut, true)
    end
    same(ext_state.decode("ID", (text:gsub("Riser 1", "Riser 7"))).cut, true)
  end },
  { "a record with a number that is none, or out of range, is left out, though the seal fits", function()
    local s = answer(answer(started(), "accept", 1 / 3), "reject", 4)
    s:lay_out { ["{I}"] = { position_s = 0, length_s = 20, offset_s = 1, rate = 2, source = "a.wav" } }
    s:amend(models.requested(models.add_carried(models.add_sound_offset(s.model, 1, 0.5, 0.5), 1, 0.5, 0.5), 3))
    s:stray(2)
    s:take_over_from { ["{R}"] = 7 }
    local text = ext_state.encode(s)
    local lines, whole = sealed.lines(text)
    same(whole, true)
    local function decoded(pattern, value)
      local damaged, count = {}, 0
      for index, line in ipairs(lines) do
        local new, n = line:gsub(pattern, "%1" .. value:gsub("%%", "%%%%"), 1)
        damaged[index], count = new, count + n
      end
      same({ pattern, count }, { pattern, 1 })
      local other = ext_state.decode("ID", sealed.text(damaged))
      for number, one in pairs(other.model.candidates) do same({ number, type(one.start_s + one.end_s) }, { number, "number" }) end
      other:check()
      return other
    end
    for _, value in ipairs { "", "x", "nan", "inf", "1e999", "-1e999", "-nan" } do
      same({ value, decoded("^({T};1;Riser;3;;2;)[^;]*", value).shift_s, }, { value, 0 })
      for field = 3, 6 do
        local other = decoded("^(item" .. (";[^;]*"):rep(field - 2) .. ";)[^;]*", value)
        same({ value, field, other.cut, other.layout }, { value, field, true })
      end
      for field = 2, 4 do
        local other = decoded("^(left" .. (";[^;]*"):rep(field - 2) .. ";)[^;]*", value)
        same({ value, field, other.cut, other.model.candidates[1].sound_offset }, { value, field, true })
      end
      for field = 2, 4 do
        local other = decoded("^(carried" .. (";[^;]*"):rep(field - 2) .. ";)[^;]*", value)
        same({ value, field, other.cut, other.model.candidates[1].carried }, { value, field, true })
      end
      same(decoded("^(requested;)[^;]*", value).model.candidates[3].requested, nil)
      for _, field in ipairs { 5, 6, 8 } do
        local other = decoded("^(1;{1}" .. (";[^;]*"):rep(field - 3) .. ";)[^;]*", value)
        same({ value, field, other.cut, other.model.candidates[1], other:step().marks["{1}"] }, { value, field, true })
      end
      same(decoded("^(strayed;)[^;]*", value).strayed, {})
      same(decoded("^(removed;)[^;]*", value).removed, {})
    end
    same(decoded("^(1;{1};accepted;[^;]*;)[^;]*", "9").cut, true)                    -- ends before it begins
    same(decoded("^(1;{1};accepted;[^;]*;[^;]*;[^;]*;)[^;]*", "heard").cut, true)
    same(decoded("^(item;{I};[^;]*;)[^;]*", "-1").cut, true)
    same(decoded("^(item;{I};[^;]*;[^;]*;[^;]*;)[^;]*", "0").cut, true)
    same(decoded("^({T};1;Riser;)[^;]*", "1").model.current, nil)
    same(ext_state.decode("ID", sealed.text { lines[1], "later;1", table.unpack(lines, 2) }).cut, false)     -- of a later version
  end },
  { "as version 0.1.0 wrote it", function()
    local old = "{T};2;Riser;2;;1|0;{0};kept;Riser 0;1;2;example;1|1;{1};kept;Riser 1;2;3.5;accepted;0.87"
      .. "|2;{2};asked;? Riser 2 (50 %25);3;4;candidate;0.5|4;{9}"
    local s = ext_state.decode("ID", old)
    same(s.answers_in_project, 1)
    same(s.model.current, 2)
    same(s.colour, 2)
    same(s:step().marks["{1}"], { number = 1, kind = "accepted", name = "Riser 1", start_s = 2, end_s = 3.5 })
    same(s:step().marks["{2}"].kind, "candidate")
    same(s:step().marks["{2}"].name, "? Riser 2 (50 %)")
    same(s.history.known["{9}"], 4)
    same(s.cut, false)
    same(ext_state.decode("ID", old:sub(1, old:find("|1;", 1, true) - 1)).cut, true)      -- counts its answers
    s:check()
  end },
  { "the view moves only if it must", function()
    same({ view.wanted(0, 10, 2, 3, 100) }, {})
    same({ view.wanted(0, 10, 12, 13, 100) }, { 7.5, 17.5 })
    same({ view.wanted(0, 10, 9.5, 10.5, 100) }, { 5.0, 15.0 })
    same({ view.wanted(5, 15, 0, 1, 100) }, { 0, 10 })
    local from_s, to_s = view.wanted(0, 1000, 500, 501, 1.2)
    same((1.2 * 1000 / (to_s - from_s)) >= 20, true)
    from_s, to_s = view.wanted(0, 2, 0.5, 4.5, 600)
    same(from_s <= 0.5 and to_s >= 4.5, true)
  end },
  { "a step at which nothing stands tells nothing of the answers", function()
    local s = answer(started(), "accept", 5)
    s:go(2)
    s:amend(answer(started(), "accept", 5).model)                -- the step after it has an answer that was given elsewhere
    same(s:go(1), {})
    same(s:go(2), {})
    s:push { marks = {}, model = models.empty("Riser") }
    same(s:go(2), {})
    same(s:go(3), {})
    s:set_daemon_model(models.ended(s.history.steps[2].model, "finished"))
    same(s:go(2), { { "more", 0 } })
    same(s:go(3), { { "finish" } })
  end },
  { "what undo and redo of one of two edits lead to is put between the steps around", function()
    for _, by_redo in ipairs { false, true } do
      local s = answer(answer(started(), "accept", 5), "accept", 8)
      s:go(3)
      local without, moved = {}, {}
      for guid, mark in pairs(s:step().marks) do without[guid] = guid ~= "{1}" and mark or nil end
      for guid, mark in pairs(without) do moved[guid] = mark end
      moved["{0}"] = { number = 0, kind = "accepted", name = "Riser 0", start_s = 1.5, end_s = 2.5 }
      s:push { marks = moved, model = models.retracted(models.with_example(s.model, span(1.5)), 1) }
      answer(s, "reject", 11)
      s:go(by_redo and 3 or 4)
      s:insert({ marks = without, model = models.retracted(s.history.steps[3].model, 1) }, without, by_redo)
      same({ s.history.at, #s.history.steps }, { 4, 6 })
      same(s:go(5), { { "revise", 0, 1.5, 2.5 } })
      same(s:go(6), { { "answer", 2, "reject", 5, 6 } })
      same(s:go(3), { { "undo", 2 }, { "revise", 0, 1, 2 }, { "revise", 1, 2, 3 } })
    end
  end },
  { "a place that was asked for is asked for again where another might come", function()
    local s = answer(started(), "reject", 5)
    local other = models.requested(models.proposed(s.model, 2, span(20)), 2)
    same(models.instead(other, s.model), { { "ask", 20 } })
    same(models.instead(s.model, other), { { "ask", 5 } })
    s:amend(other)
    answer(s, "accept", 30)
    same(s:go(3), { { "undo", 2 } })
    same(s:go(2), { { "undo", 1 } })
    same(s:go(3), { { "answer", 1, "reject", 2, 3 }, { "ask", 20 } })
    same(s:go(2), { { "undo", 1 } })
    same(s:go(4), { { "answer", 1, "reject", 2, 3 }, { "ask", 20 }, { "answer", 2, "accept", 20, 21 } })
  end },
  { "other answers are told by their sounds; a place is asked for only where another might come", function()
    local s = answer(answer(started(), "accept", 5), "reject", 8)
    local before = models.undone(s.model, 2)
    same(models.instead(s.model, before), { { "answer", 2, "reject", 5, 6 } })
    same(models.instead(before, s.model), { { "undo", 2 } })
    same(models.instead(s.model, models.restated(before, 1, "reject")),
      { { "reanswer", 1, "accept", 2, 3 }, { "ask", 5 }, { "answer", 2, "reject", 5, 6 } })
    local stayed = models.add_sound_offset(s.model, 1, 5, 5)
    same(models.parted(stayed, models.moved(s.model, 1, 5)), nil)
    same(models.parted(stayed, s.model), 1)
    same(models.parted(models.with_example(s.model, span(1.5)), s.model), 0)
    same(models.parted(models.with_example(s.model, span(1.5)), s.model, 1), nil)
    same(models.lacking(models.with_example(s.model, span(1.5)), s.model), 1)
  end },
  { "marker names by template", function()
    local values = { label = "Riser", pattern = "R", n = 3, number = 17, ["end"] = "" }
    same(sync_markers.name("{label}_{n:2}", values), "Riser_03")
    same(sync_markers.name("{label}{end} {number}", values), "Riser 17")
    same(sync_markers.name("{pattern}{n}", values), "R3")
    values["end"] = "_end"
    same(sync_markers.name("{label}_{n:2}", values), "Riser_03_end")
    same(sync_markers.name("{end}{n}", values), "_end3")
    same(sync_markers.name("!{label}", values), "_!Riser_end")
    same(sync_markers.name("{other}", { ["end"] = "" }), "{other}")
    same(sync_markers.name("{n:99999}", values), "{n:99999}_end")
    for _, good in ipairs { "{label}_{n:2}", "{pattern}{bar}.{beat}{end}{number}", "plain", "" } do
      same({ good, sync_markers.problem(good) }, { good })
    end
    for _, bad in ipairs { "{other}", "{label", "n}", "{n:-1}", "{n:}", "{n:99999}", "{label.x}", "{" .. ("ß"):rep(100), "{\xff" } do
      same({ bad, (sync_markers.problem(bad) or ""):match("^no markers made: the marker name in the settings cannot be read at ") ~= nil },
        { bad, true })
    end
  end },
  { "JSON", function()
    same(selftest.json { a = true, b = { c = 1.5, d = "q\"\n\\" } }, '{\n  "a": true,\n  "b": {\n    "c": 1.5,\n    "d": "q\\u0022\\u000a\\u005c"\n  }\n}')
    same(selftest.json {}, "{}")
  end },
}
