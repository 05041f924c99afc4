"""midicsv and @tonejs/midi read the MIDI file and agree with the sync JSON to half a tick."""

from __future__ import annotations

import csv
import io

import pytest

from peers.exported_song import Exported, exported_song
from peers.peer_programs import node, output
from reatrieve.annotations.annotation import one_line
from reatrieve.sync.marker_names import ascii_folded

pytestmark = pytest.mark.peer

TICKS_PER_QUARTER = 960
HALF_TICK_S = 60 / 61 / TICKS_PER_QUARTER / 2
"""Of the song's slowest tempo; the tests that know each tick's own length are in tests/sync/test_midi.py."""


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Exported:
    return exported_song(tmp_path_factory.mktemp("midi"))


def expected(song: Exported) -> list[tuple[float, str]]:
    return sorted((e["anchor_seconds"], ascii_folded(one_line(e["label"]))) for e in song.events)


def spans(song: Exported) -> list[tuple[float, float]]:
    return sorted((e["start_seconds"], e["end_seconds"]) for e in song.events if e["type"] == "span")


def seconds(tick: int, tempos: list[tuple[int, int]]) -> float:
    total, last, us = 0.0, 0, 500000
    for at, tempo in tempos:
        if at >= tick:
            break
        total, last, us = total + (at - last) * us / 1e6 / TICKS_PER_QUARTER, at, tempo
    return total + (tick - last) * us / 1e6 / TICKS_PER_QUARTER


def test_midicsv(song):
    text = io.StringIO(output("midicsv", song.paths["midi"]))
    rows = [[cell.strip() for cell in row] for row in csv.reader(text, skipinitialspace=True)]
    assert [int(cell) for cell in rows[0][3:6]] == [1, 3, TICKS_PER_QUARTER]
    tempos = [(int(row[1]), int(row[3])) for row in rows if row[2] == "Tempo"]
    for kind in ("Marker_t", "Text_t"):
        texts = (
            (row[1], row[3].replace("\\\\", "\\")) for row in rows if row[2] == kind
        )  # midicsv escapes backslashes
        found = sorted((seconds(int(tick), tempos), text) for tick, text in texts)
        assert [label for _, label in found] == [label for _, label in expected(song)]
        assert [t for t, _ in found] == pytest.approx([t for t, _ in expected(song)], abs=HALF_TICK_S)
    assert [row[3] for row in rows if row[2] == "Title_t"] == ["song", "SECTIONS", "REGIONS"]
    on = [row for row in rows if row[2] == "Note_on_c" and int(row[5]) > 0]
    assert len(on) == len(spans(song))


def test_tonejs(song):
    found = node("tone_midi.js", song.paths["midi"], packages=["@tonejs/midi"])
    assert found["ppq"] == TICKS_PER_QUARTER
    assert [round(tempo["bpm"], 2) for tempo in found["tempos"]] == [123.4, 87.65, 61.0]
    assert [entry[1:] for entry in found["signatures"]] == [[4, 4], [3, 4]]
    markers = sorted((m["seconds"], m["text"]) for m in found["markers"])
    assert [label for _, label in markers] == [label for _, label in expected(song)]
    assert [t for t, _ in markers] == pytest.approx([t for t, _ in expected(song)], abs=HALF_TICK_S)
    notes = [note for track in found["tracks"] for note in track["notes"]]  # it makes a track of each channel
    assert sorted(n["seconds"] for n in notes) == pytest.approx([a for a, _ in spans(song)], abs=HALF_TICK_S)
    ends = sorted(b for _, b in spans(song))
    # the event of one frame becomes a note of one tick
    assert sorted(n["end"] for n in notes) == pytest.approx(ends, abs=2 * HALF_TICK_S + 1e-9)
