from __future__ import annotations

import csv
import io
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.writers.fmod import write_fmod_script
from reatrieve.sync.writers.unreal import COLUMNS, write_unreal_csv, write_unreal_json
from reatrieve.sync.writers.wwise import PLACEHOLDER_SEGMENT, write_waapi
from sync.sync_sheets import bare_sheet, constant, event, event_lists


@given(events=event_lists(frames=48000 * 60))
def test_unreal_rows_have_unique_names_and_every_field(events):
    made = bare_sheet(events)
    rows = json.loads(write_unreal_json(made))
    events = sorted(events, key=lambda e: (e.anchor, e.id))
    assert [(row["Name"], row["AnchorFrame"]) for row in rows] == [(e.id, e.anchor) for e in events]
    assert len({row["Name"] for row in rows}) == len(events)
    lines = list(csv.reader(io.StringIO(write_unreal_csv(made).decode("utf-8-sig"), newline="")))
    assert tuple(lines[0]) == COLUMNS
    for line, row, each in zip(lines[1:], rows, events, strict=True):
        assert list(row) == list(COLUMNS)
        assert line[:2] == [row["Name"], one_line(each.label)]
        assert [float(cell) for cell in line[3:13]] == [row[name] for name in COLUMNS[3:13]]


def test_unreal_needs_a_mark_for_other_letters_only():
    assert write_unreal_csv(bare_sheet([event(1, 0, 1, "é")])).startswith(b"\xef\xbb\xbf")
    assert write_unreal_csv(bare_sheet([event(1, 0, 1, "e")])).startswith(b'"Name"')


@given(events=event_lists(frames=48000 * 60))
def test_wwise_cues_have_names_that_wwise_takes(events):
    content, _ = write_waapi(bare_sheet(events))
    call = json.loads(content)
    assert call["objects"][0]["object"] == PLACEHOLDER_SEGMENT
    cues = call["objects"][0]["@Cues"]
    assert [cue["@TimeMs"] for cue in cues] == [e.anchor * 1000 / 48000 for e in events]
    assert all(cue["type"] == "MusicCue" and cue["@CueType"] == 2 and cue["name"] for cue in cues)
    assert len({cue["name"].casefold() for cue in cues}) == len(cues)
    assert not any(set(cue["name"]) & set(':<>*?"/\\|\t\n') for cue in cues)


def test_wwise_says_when_names_were_changed_and_takes_a_segment():
    twice = [event(1, 0, 1, "a"), event(2, 5, 6, "a")]
    content, notes = write_waapi(bare_sheet(twice), segment="{GUID}")
    assert json.loads(content)["objects"][0]["object"] == "{GUID}"
    assert [cue["name"] for cue in json.loads(content)["objects"][0]["@Cues"]] == ["a_01", "a_02"]
    assert len(notes) == 1
    assert "2 Wwise cue names were" in notes[0]
    _, notes = write_waapi(bare_sheet([event(1, 0, 1, "a/b")]), segment="{GUID}")
    assert notes == ["1 Wwise cue name was numbered or cleaned, since names in Wwise must differ"]


@given(events=event_lists(frames=48000 * 60), tempo=st.booleans(), ends=st.booleans())
def test_the_fmod_script_is_ascii_and_has_no_mark_left(events, tempo, ends):
    script = write_fmod_script(bare_sheet(events, tempo=constant(120)), ends=ends, tempo=tempo).decode("ascii")
    for mark in ("@FILE@", "@NAME@", "@JSON_NAME@", "@ENDS@", "@TEMPO_ON@", "@TEMPO@"):
        assert mark not in script
    code = re.sub(r"//[^\n]*", "", re.sub(r'"(\\.|[^"\\\n])*"', '""', script))
    assert re.findall(r"`|=>|\.\.\.|\b(?:let|const|class|of|async|await|yield)\b", code) == [], "ES5 only"
    assert script.count("@EVENTS@") == sum("@EVENTS@" in e.label for e in events)


def test_fmod_markers_have_names_even_without_a_label():
    assert '["evt_0007", 0.5, 1.0]' in write_fmod_script(bare_sheet([event(7, 24000, 48000, "")])).decode("ascii")
