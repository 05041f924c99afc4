from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.annotations.json_files import read_json
from reatrieve.sync.model import SyncEvent
from reatrieve.sync.tempo import Position
from reatrieve.sync.writers.sync_json import write_sync_json
from sync.sync_sheets import bare_sheet, constant, event, event_lists

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "sync-events.schema.json").read_text(encoding="utf-8"))


@given(data=st.data(), rate_hz=st.sampled_from([44100, 48000, 96000]), frames=st.integers(1, 10**8))
@settings(max_examples=60)
def test_any_sheet_fits_the_schema_and_is_read_back(data, rate_hz, frames):
    events = data.draw(event_lists(frames=frames))
    made = bare_sheet(events, rate_hz=rate_hz, frames=frames, tempo=constant(120))
    content = write_sync_json(made)
    values = json.loads(content)
    jsonschema.validate(values, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert [e["start_frame"] for e in values["events"]] == sorted(e["start_frame"] for e in values["events"])
    for row in values["events"]:
        assert 0 <= row["start_frame"] <= row["anchor_frame"] <= row["end_frame"] <= frames
        assert round(row["anchor_seconds"] * rate_hz) == row["anchor_frame"]
        track = next(track for track in values["tracks"] if track["id"] == row["track"])
        assert track["label"] == row["pattern"]
    read = read_json(content.decode(), name="x")
    assert [(round(a.start_s * rate_hz), round(a.end_s * rate_hz), a.label) for a in read] == [
        (e.start, e.end, e.label) for e in events
    ]


def test_what_is_not_known_has_no_key():
    known = SyncEvent("evt_0001", "p", "l", 0, 9, 3, Position(2, 3.25), 0.5, "s:1", "go")
    rows = json.loads(write_sync_json(bare_sheet([known, event(2, 5, 9, "x")])))["events"]
    assert (rows[0]["bar"], rows[0]["beat"], rows[0]["score"], rows[0]["payload"]) == (2, 3.25, 0.5, "go")
    assert not {"bar", "beat", "score"} & rows[1].keys()


def test_no_value_is_null_since_unity_reads_none():
    text = write_sync_json(bare_sheet([event(1, 0, 9, "x")], tempo=constant(90))).decode()
    assert "null" not in text


def test_the_schema_is_valid_itself():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
