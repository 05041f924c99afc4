"""ajv and FMOD's scripting interface (a mock in node) take what we write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from peers.exported_song import Exported, exported_song
from peers.peer_programs import node
from reatrieve.annotations.annotation import one_line

pytestmark = pytest.mark.peer

SCHEMA = Path(__file__).parents[2] / "docs" / "sync-events.schema.json"


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Exported:
    return exported_song(tmp_path_factory.mktemp("json"), fmod_ends=True, fmod_tempo=True)


def test_ajv_accepts_the_sync_json_and_rejects_a_broken_one(song, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({**song.data, "events": [{"id": "x"}]}), encoding="utf-8")
    errors = node("ajv_validate.js", SCHEMA, song.paths["json"], broken, packages=["ajv"])
    assert errors[0] == []
    assert errors[1]


def test_fmod_gets_every_marker_once_however_often_it_runs(song):
    once = node("mock_fmod_studio.js", song.paths["fmod"], 1)
    assert once["menu"] == ["ReaTrieve\\Add markers of song"]
    assert once["enabled"] == [True]
    named = [(m["name"], m["position"]) for m in once["tracks"][0] if m["type"] == "NamedMarker"]
    wanted = []
    for event in song.events:
        name = one_line(event["label"])
        wanted.append((name, event["anchor_seconds"]))
        if event["end_seconds"] > event["anchor_seconds"]:
            wanted.append((f"{name}.end", event["end_seconds"]))
    assert named == wanted
    tempo = [(m["position"], m["tempo"], m["numerator"]) for m in once["tracks"][0] if m["type"] == "TempoMarker"]
    assert tempo == [(t["seconds"], t["bpm"], t["numerator"]) for t in song.data["tempo_map"]]
    thrice = node("mock_fmod_studio.js", song.paths["fmod"], 3)
    assert [m for track in thrice["tracks"] for m in track] == once["tracks"][0]
    assert len(thrice["tracks"]) == 1, "no empty marker track a run"
    assert thrice["messages"][1].startswith("ReaTrieve: 0 of")


def test_fmod_asks_for_an_event(song):
    none = node("mock_fmod_studio.js", song.paths["fmod"], 1, "none")
    assert none["enabled"] == [False]
    assert none["tracks"] == []
    assert "select one event" in none["messages"][0]
