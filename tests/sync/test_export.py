from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve import filelock
from reatrieve.annotations.files import read_annotations
from reatrieve.audio.riff import walk_chunks
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.errors import AudioError, InputError
from reatrieve.sync import turns
from reatrieve.sync.anchors import Placement
from reatrieve.sync.export import ExportJob, ForceNeededError
from reatrieve.sync.export import export as export_job
from reatrieve.sync.model import Accepted
from reatrieve.sync.targets import TARGETS, Options, chosen_options, chosen_targets
from reatrieve.sync.tempo import TempoMap
from signals import noise, write_sound

RATE_HZ = 48000
TIMES_S = (2.0, 5.5, 11.25)


@pytest.fixture
def song(tmp_path) -> Path:
    y = noise(RATE_HZ * 20, level=0.01)
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    for time_s in TIMES_S:
        first = round(time_s * RATE_HZ)
        y[first : first + len(t)] += 0.5 * np.exp(-t / 0.1) * np.sin(2 * np.pi * 440 * t)
    return write_sound(tmp_path / "Lied für Übung.wav", y, RATE_HZ)


def accepted(offset_s: float = 0.0) -> list[Accepted]:
    return [
        Accepted(t - 0.02 + offset_s, t + 0.5 + offset_s, "riser", score=None if i == 0 else 0.9, region_id=f"s:{i}")
        for i, t in enumerate(TIMES_S)
    ]


PLACEMENT = {"anchor", "nudge_ms", "snap", "tempo_map"}


def export(regions, *, progress=None, note=None, **given):
    """Export, the words of a placement among those of the job."""
    placement = Placement(**{key: given.pop(key) for key in PLACEMENT & given.keys()})
    return export_job(ExportJob(accepted=regions, placement=placement, **given), progress=progress, note=note)


def events_in(folder: Path, name: str = "Lied für Übung") -> dict:
    return json.loads((folder / f"{name}.sync.json").read_text(encoding="utf-8"))


def test_all_targets_are_written_and_agree(song, tmp_path):
    out = tmp_path / "out"
    shares, notes = [], []
    written = export(
        accepted(100.0),
        folder=out,
        targets="all",
        track_map=TrackMap((TrackItem(song, 100.0, 20.0),)),
        tempo_map=TempoMap.constant(120),
        anchor="onset",
        progress=shares.append,
        note=notes.append,
    )
    assert [target for target, *_ in written] == list(TARGETS)
    assert sorted(path.name for path in out.iterdir()) == sorted(one.path.name for one in written)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    data = events_in(out)
    assert data["audio"]["project_start_seconds"] == 100.0
    assert data["audio"]["file"] == song.name
    for event, time_s in zip(data["events"], TIMES_S, strict=True):
        assert event["start_frame"] == round((time_s - 0.02) * RATE_HZ)
        assert event["anchor_seconds"] == pytest.approx(time_s, abs=0.005)
        assert (event["bar"], event["source_region_id"][:2]) == (int((100 + event["anchor_seconds"]) / 2) + 1, "s:")
    starts = [event["start_frame"] for event in data["events"]]
    anchors = [event["anchor_frame"] for event in data["events"]]
    for target, path, _, _ in written:
        if target in ("unity", "godot", "unreal", "unreal-json", "fmod", "wwise", "midi"):
            continue
        found = [round(a.start_s * RATE_HZ) for a in read_annotations(path)]
        close = 48 if target == "audition" else 0
        expected = anchors if target == "wav" else starts
        assert found == pytest.approx(expected, abs=close), target


def test_a_render_counts_from_its_start(song, tmp_path):
    export(accepted(7.0), folder=tmp_path / "o", audio="render", audio_path=song, audio_start_s=7.0)
    assert [e["start_frame"] for e in events_in(tmp_path / "o")["events"]] == [
        round((t - 0.02) * RATE_HZ) for t in TIMES_S
    ]


def test_the_stitched_track_is_written_and_carries_the_cues(song, tmp_path):
    out = tmp_path / "o"
    track = TrackMap((TrackItem(song, 50.0, 20.0, rate=2.0), TrackItem(song, 40.0, 3.0)))
    written = export(
        [Accepted(41.0, 42.0, "a"), Accepted(51.0, 52.0, "b")],
        folder=out,
        audio="track",
        track_map=track,
        targets="json,wav",
    )
    assert [target for target, *_ in written] == ["track", "json", "wav"]
    data = events_in(out)
    assert data["audio"]["file"] == "Lied für Übung.track.wav"
    assert data["audio"]["frames"] == soundfile.info(str(out / data["audio"]["file"])).frames == 30 * RATE_HZ
    assert [round(a.start_s) for a in read_annotations(out / "Lied für Übung.cues.wav")] == [1, 11]


def test_events_outside_are_refused_by_name_and_nothing_is_left(song, tmp_path):
    out = tmp_path / "o"
    late = [*accepted(), Accepted(19.5, 20.5, "too late")]
    with pytest.raises(InputError, match=r'"too late" at 19\.500 to 20\.500 s lies outside Lied'):
        export(late, folder=out, targets="all", audio="render", audio_path=song)
    assert not out.exists()


def test_existing_files_stay_unless_forced(song, tmp_path):
    out = tmp_path / "o"
    render = {"audio": "render", "audio_path": song, "folder": out, "targets": "json,audacity,unity"}
    export(accepted(), **render)
    before = {path: path.read_bytes() for path in out.iterdir()}
    export(accepted(), **render)  # the same content again hinders nobody
    with pytest.raises(InputError, match=r"sync\.json, .*labels\.txt already exist in"):
        export(accepted()[:2], **render)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    export(accepted()[:2], force=True, **render)
    assert len(events_in(out)["events"]) == 2


def test_changed_audio_is_refused(song, tmp_path):
    out = tmp_path / "o"
    render = {"audio": "render", "audio_path": song, "folder": out}
    export(accepted(), **render)
    chosen = events_in(out)["audio"]["pcm_sha256"]
    export(accepted(), expected_pcm_sha256=chosen, targets="audacity", **render)
    write_sound(song, noise(RATE_HZ * 20, seed=9), RATE_HZ)
    with pytest.raises(InputError, match="has changed since it was chosen"):
        export(accepted(), expected_pcm_sha256=chosen, targets="dcase", force=True, **render)
    with pytest.raises(InputError, match=r"has changed since .*sync\.json was made"):
        export(accepted(), targets="dcase", **render)
    export(accepted(), targets="all", force=True, **render)
    assert events_in(out)["audio"]["pcm_sha256"] != chosen


def test_a_foreign_file_where_the_sync_json_would_be_is_not_judged_by_its_content(song, tmp_path):
    out = tmp_path / "o"
    out.mkdir()
    for text in ("not json", "[]", '{"audio": 3}'):
        (out / "Lied für Übung.sync.json").write_text(text, encoding="utf-8")
        export(accepted(), folder=out, targets="audacity", audio="render", audio_path=song, force=True)
        with pytest.raises(InputError, match="already exists"):
            export(accepted(), folder=out, targets="json", audio="render", audio_path=song)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", ["pipe", "folder", "device"])
def test_what_is_no_file_in_the_folder_is_not_opened(song, tmp_path, what):
    out = tmp_path / "o"
    place = out / "Lied für Übung.sync.json"
    place.parent.mkdir()
    if what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    else:
        place.symlink_to("/dev/zero")
    export(accepted(), folder=out, targets="audacity", audio="render", audio_path=song)
    with pytest.raises(InputError, match="is a folder" if what == "folder" else "already exists"):
        export(accepted(), folder=out, targets="json", audio="render", audio_path=song)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a link to itself")
def test_a_folder_or_a_source_that_may_not_be_entered_is_told(song, tmp_path, monkeypatch):
    """Root enters every folder; a link to itself nobody."""

    def unreadable(*_, **__):
        raise PermissionError(13, "Permission denied", "/music/a.wav")

    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for folder in (tmp_path / "loop" / "o", tmp_path / "new" / ("x" * 300) / "o"):
        with pytest.raises(AudioError, match=f"^cannot write to {folder}"):
            export(accepted(), folder=folder, targets="json", audio="render", audio_path=song)
    monkeypatch.setattr("reatrieve.sync.export.describe", unreadable)
    with pytest.raises(AudioError, match=r"^/music/a.wav: cannot be read"):
        export(accepted(), folder=tmp_path / "o", targets="json", audio="render", audio_path=song)


def test_zeros_behind_the_last_chunk_are_room_and_a_file_of_chunks_alone_is_damaged(song, tmp_path):
    chunks = walk_chunks(song)
    with song.open("r+b") as file:
        file.truncate(song.stat().st_size + (1 << 30))  # takes no room on the disk
    assert walk_chunks(song) == chunks
    many = tmp_path / "many.wav"
    many.write_bytes(song.read_bytes()[:12] + b"junk\0\0\0\0" * 10_001)
    with pytest.raises(AudioError, match="more than 10000 chunks"):
        walk_chunks(many)


def test_cancelling_leaves_nothing(song, tmp_path):
    class CancelError(Exception):
        pass

    def progress(share):
        if share > 0.6:
            raise CancelError

    with pytest.raises(CancelError):
        export(accepted(), folder=tmp_path / "o", targets="all", audio="render", audio_path=song, progress=progress)
    assert not (tmp_path / "o").exists()


def test_nudge_and_snap_may_leave_the_event_but_not_the_audio(song, tmp_path):
    notes = []
    events = [Accepted(0.0, 0.5, "first"), Accepted(2.1, 2.4, "second")]
    render = {
        "audio": "render",
        "audio_path": song,
        "force": True,
        "note": notes.append,
        "tempo_map": TempoMap.constant(120),
    }
    export(events, folder=tmp_path / "a", nudge_ms=-30, **render)
    found = events_in(tmp_path / "a")["events"]
    assert [e["anchor_frame"] for e in found] == [0, round(2.07 * RATE_HZ)]
    assert '"first"' in notes[0]
    export(events, folder=tmp_path / "b", snap=2, **render)
    assert [e["anchor_frame"] for e in events_in(tmp_path / "b")["events"]] == [0, 2 * RATE_HZ]
    assert (events_in(tmp_path / "b")["events"][1]["bar"], events_in(tmp_path / "b")["events"][1]["beat"]) == (2, 1.0)


def test_events_snapped_to_a_bar_are_on_its_first_beat_whatever_the_frames_round_to(song, tmp_path):
    tempo = TempoMap.constant(125.9)
    bars = [k * 4 * 60 / 125.9 for k in range(1, 9)]
    events = [Accepted(bar + 0.01, bar + 0.1, "x") for bar in bars]
    export(events, folder=tmp_path / "o", audio="render", audio_path=song, snap=1, tempo_map=tempo,
           options=Options(label="{bar}.{beat}"))  # fmt: skip
    found = events_in(tmp_path / "o")["events"]
    assert [(e["bar"], e["beat"], e["label"]) for e in found] == [(k, 1.0, f"{k}.1") for k in range(2, 10)]


def test_names_from_a_template_in_ascii(song, tmp_path):
    events = [Accepted(1.0, 2.0, "Größe 1", "Größe"), Accepted(3.0, 4.0, "Größe\0 2", "Größe\0")]
    options = Options(label="{pattern}_{n:2}", label_ascii=True)
    export(events, folder=tmp_path / "o", audio="render", audio_path=song, options=options)
    assert [e["label"] for e in events_in(tmp_path / "o")["events"]] == ["Grosse_01", "Grosse_02"]
    assert [t["label"] for t in events_in(tmp_path / "o")["tracks"]] == ["Grosse"]


def test_ascii_names_stay_apart_and_no_template_leaves_an_event_without_one(song, tmp_path):
    events = [Accepted(1.0, 2.0, "サビ"), Accepted(3.0, 4.0, "イン"), Accepted(5.0, 6.0, "サビ")]
    options = Options(label="{pattern}_{n:2}", label_ascii=True)
    export(events, folder=tmp_path / "o", audio="render", audio_path=song, options=options)
    assert [(e["label"], e["pattern"]) for e in events_in(tmp_path / "o")["events"]] == [
        ("___01", "__"), ("___2_01", "___2"), ("___02", "__"),
    ]  # fmt: skip
    word = "json,label-ascii"
    export(events, folder=tmp_path / "w", audio="render", audio_path=song, targets=word)
    assert [e["label"] for e in events_in(tmp_path / "w")["events"]] == ["__", "___2", "__"]
    export(events, folder=tmp_path / "b", audio="render", audio_path=song, options=Options(label="{bar}"))
    assert [e["label"] for e in events_in(tmp_path / "b")["events"]] == ["サビ", "イン", "サビ"]


def test_payloads_written_into_the_sync_json_survive_the_next_export(song, tmp_path):
    made = {"folder": tmp_path / "o", "audio": "render", "audio_path": song}
    export(accepted(), **made)
    path = next((tmp_path / "o").glob("*.sync.json"))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["events"][1]["payload"] = "lane=3"
    path.write_text(json.dumps(data), encoding="utf-8")
    export(accepted(), anchor="peak", force=True, **made)
    assert [e["payload"] for e in events_in(tmp_path / "o")["events"]] == ["", "lane=3", ""]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"start_frame": ', '"start_frame": 1e999, "was": '), ('"start_frame": ', '"start_frame": ' + "9" * 5000),
        ('"payload": ', '"payload": ' + "[" * 900 + "]" * 900 + ', "was": '),
        ('"payload": ', '"payload": ' + "[" * 9000 + "]" * 9000 + ', "was": '),
    ],
    ids=["endless", "long", "deep", "deeper"],
)  # fmt: skip
def test_a_sync_json_with_values_that_cannot_be_is_none_of_ours(song, tmp_path, old, new):
    made = {"folder": tmp_path / "o", "audio": "render", "audio_path": song}
    export(accepted(), **made)
    path = next((tmp_path / "o").glob("*.sync.json"))
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    again = [replace(one, region_id=f"again:{i}") for i, one in enumerate(accepted())]
    export(again, force=True, add=True, **made)
    assert len(events_in(tmp_path / "o")["events"]) == len(again)


def test_a_payload_goes_on_when_its_place_is_found_by_another_search(song, tmp_path):
    made = {"folder": tmp_path / "o", "audio": "render", "audio_path": song, "add": True}
    export(accepted(), **made)
    path = next((tmp_path / "o").glob("*.sync.json"))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["events"][1]["payload"] = "lane=3"
    path.write_text(json.dumps(data), encoding="utf-8")
    again = [replace(one, region_id=f"again:{i}", start_s=one.start_s + 0.01) for i, one in enumerate(accepted())]
    export(again, force=True, **made)
    assert [e["payload"] for e in events_in(tmp_path / "o")["events"]] == ["", "lane=3", ""]
    given = [replace(one, payload=f"new={i}", region_id=f"third:{i}") for i, one in enumerate(accepted())]
    export(given, force=True, **made)
    assert [e["payload"] for e in events_in(tmp_path / "o")["events"]] == ["new=0", "new=1", "new=2"]


def test_no_event_at_all_is_still_a_file_for_every_target(song, tmp_path):
    written = export([], folder=tmp_path / "o", targets="all", audio="render", audio_path=song)
    assert len(written) == len(TARGETS)
    assert events_in(tmp_path / "o")["events"] == []


def test_each_sound_has_its_own_anchor_and_points_are_their_own(song, tmp_path):
    events = [*accepted(), Accepted(3.0, 3.0, "here")]
    export(events, folder=tmp_path / "o", audio="render", audio_path=song, anchor="onset")
    by_label = {(e["label"], e["start_frame"]): e for e in events_in(tmp_path / "o")["events"]}
    point = by_label["here", 3 * RATE_HZ]
    assert (point["type"], point["anchor_frame"]) == ("point", 3 * RATE_HZ)


def test_targets_are_chosen_by_name():
    assert chosen_targets("wav, JSON") == ["json", "wav"]
    assert chosen_targets("unity") == ["json", "unity"]
    assert chosen_targets(["csv"]) == ["reaper"]
    assert chosen_targets("all") == list(TARGETS)
    assert chosen_targets("all, Label-ASCII") == list(TARGETS)
    assert chosen_options("wav,label-ascii,wav-points") == Options(label_ascii=True, cue_regions=False)
    with pytest.raises(InputError, match="unknown target 'nonsense'"):
        chosen_targets("all,nonsense")
    with pytest.raises(InputError, match="no target"):
        chosen_targets("label-ascii")
    with pytest.raises(InputError, match="unknown target 'cubase'; choose from json"):
        chosen_targets("json,cubase")
    with pytest.raises(InputError, match="no target"):
        chosen_targets(" ,")


def test_missing_information_is_asked_for(song, tmp_path):
    for given, reason in (
        ({"audio": "source"}, "--audio"),
        ({"audio": "render"}, "name the render"),
        ({"audio": "track"}, "project's items"),
        ({"audio": "stem"}, "unknown target audio"),
        ({"audio": "render", "audio_path": song, "snap": 4}, "needs a tempo"),
        ({"audio": "render", "audio_path": song, "anchor": "middle"}, "unknown anchor"),
    ):
        with pytest.raises(InputError, match=reason):
            export(accepted(), folder=tmp_path / "o", **given)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_made_is_named(song, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(AudioError, match="cannot write to"):
        export(accepted(), folder=tmp_path / "file" / "o", audio="render", audio_path=song)


def test_sounds_exported_one_after_the_other_end_up_together(song, tmp_path):
    out, notes = tmp_path / "o", []
    render = {"audio": "render", "audio_path": song, "folder": out, "force": True, "add": True, "note": notes.append}
    export(accepted(), targets="json", **render)
    stabs = [Accepted(3.0, 3.5, "stab", region_id="other:1"), Accepted(0.5, 1.0, "stab", region_id="other:2")]
    export(stabs, targets="json,wav", anchor="peak", tempo_map=TempoMap.constant(120), **render)
    events = events_in(out)["events"]
    assert [(e["id"], e["label"]) for e in events] == [
        ("evt_0001", "stab"),
        ("evt_0002", "riser"),
        ("evt_0003", "stab"),
        ("evt_0004", "riser"),
        ("evt_0005", "riser"),
    ]
    assert len(read_annotations(out / "Lied für Übung.cues.wav")) == 5
    assert "3 events of other searches (riser) were kept" in notes[0]
    export(accepted()[:1], targets="json", **render)  # a sound that was searched again replaces itself
    assert sorted(e["label"] for e in events_in(out)["events"]) == ["riser", "stab", "stab"]
    notes.clear()
    export(stabs, targets="json", **render)
    assert "1 event of another search (riser) was kept from Lied für Übung.sync.json" in notes
    export(accepted()[:1], targets="json", **{**render, "add": False})
    assert [e["label"] for e in events_in(out)["events"]] == ["riser"]


def positions_in(folder: Path) -> dict[int, tuple[int, float]]:
    return {e["anchor_frame"]: (e["bar"], e["beat"]) for e in events_in(folder)["events"] if "bar" in e}


def test_the_tempo_of_an_earlier_export_goes_on_where_none_is_known(song, tmp_path):
    out, notes = tmp_path / "o", []
    render = {"audio": "render", "audio_path": song, "folder": out, "force": True, "add": True, "note": notes.append}
    first = {"audio_start_s": 100.0, "tempo_map": TempoMap.constant(140, 3)}
    export(accepted(100.0), targets="json,midi", **render, **first)
    tempo, before = events_in(out)["tempo_map"], positions_in(out)
    assert tempo[0]["bar"] == 78
    notes.clear()
    export([Accepted(4.3, 4.4, "stab", region_id="other:1")], targets="json,midi", snap=2, **render)
    assert "no tempo is known: that of Lied für Übung.sync.json goes on; reatrieve export takes --bpm" in notes
    assert not [text for text in notes if "counts in 120 bpm" in text]
    assert events_in(out)["tempo_map"] == tempo
    together = positions_in(out)
    for frame, (bar, beat) in before.items():
        assert together.pop(frame) == (bar, pytest.approx(beat, abs=2e-6))
    ((bar, beat),) = together.values()  # the new one is snapped to that tempo, too
    assert bar == 82
    assert 2 * beat == pytest.approx(round(2 * beat), abs=1e-3)
    export(accepted(), folder=out, targets="json", audio="render", audio_path=song, force=True)
    assert events_in(out)["tempo_map"] == []


def test_the_bars_of_kept_events_are_those_of_the_tempo_that_is_written(song, tmp_path):
    out = tmp_path / "o"
    render = {"audio": "render", "audio_path": song, "folder": out, "targets": "json", "force": True, "add": True}
    export(accepted(), tempo_map=TempoMap.constant(140), **render)
    tempo = TempoMap.constant(100)
    export([Accepted(4.0, 4.4, "stab", region_id="other:1")], tempo_map=tempo, **render)
    assert events_in(out)["tempo_map"][0]["bpm"] == 100
    found = positions_in(out)
    assert len(found) == 4
    for frame, (bar, beat) in found.items():
        expected = tempo.position(frame / RATE_HZ, within_s=0.5 / RATE_HZ)
        assert (bar, beat) == (expected.bar, round(expected.beat, 6))


@pytest.mark.parametrize(
    "change",
    [
        lambda _row: [],
        lambda _row: {},
        lambda _row: [3],
        lambda _row: [{"bpm": 120}],
        lambda row: [row, row],
        lambda row: [row | {"bpm": 1e300}],
        lambda row: [row | {"seconds": 1e300}],
        lambda row: [row | {"numerator": 0}],
        lambda row: [row | {"denominator": 1e9}],
        lambda row: [row | {"bar": 10**400}],
        lambda row: [row | {"beat": "x"}],
    ],
)
def test_no_bar_stays_of_a_tempo_that_cannot_be_read(song, tmp_path, change):
    out = tmp_path / "o"
    render = {"audio": "render", "audio_path": song, "folder": out, "targets": "json", "force": True, "add": True}
    export(accepted(), tempo_map=TempoMap.constant(140), **render)
    path = out / "Lied für Übung.sync.json"
    data = events_in(out)
    (row,) = data["tempo_map"]
    path.write_text(json.dumps(data | {"tempo_map": change(row)}), encoding="utf-8")
    export([Accepted(4.0, 4.4, "stab", region_id="other:1")], **render)
    assert events_in(out)["tempo_map"] == []
    assert (len(events_in(out)["events"]), positions_in(out)) == (4, {})


def test_a_place_that_is_found_again_takes_the_place_of_the_earlier_one(song, tmp_path):
    out, notes = tmp_path / "o", []
    render = {"audio": "render", "audio_path": song, "folder": out, "add": True, "note": notes.append}
    export(accepted()[:2], targets="json,audacity", **render)
    again = [replace(one, region_id=f"again:{i}") for i, one in enumerate(accepted())]
    again[1] = replace(again[1], start_s=again[1].start_s + 0.1, end_s=again[1].end_s + 0.1)
    with pytest.raises(ForceNeededError, match="already exist ") as refused:
        export(again, targets="json,audacity", **render)
    assert not refused.value.keeps
    written = export(again, targets="json,audacity", force=True, **render)
    assert {one.events for one in written} == {3}
    assert [e["source_region_id"] for e in events_in(out)["events"]] == ["again:0", "again:1", "again:2"]
    assert notes[-1].startswith("2 events of an earlier search")
    export([replace(again[2], region_id="third:2")], targets="json", force=True, **{**render, "folder": tmp_path / "1"})
    notes.clear()
    export([replace(again[2], region_id="4th:2")], targets="json", force=True, **{**render, "folder": tmp_path / "1"})
    assert notes[-1].endswith("Lied für Übung.sync.json is replaced: it marks the same place")
    assert notes[-1].startswith("1 event of an earlier search in ")
    elsewhere = [Accepted(8.0, 8.5, "riser", region_id="more:0")]
    with pytest.raises(ForceNeededError) as refused:
        export(elsewhere, targets="json", **render)
    assert refused.value.keeps
    assert export(elsewhere, targets="json", force=True, **render)[0].events == 4
    assert export(elsewhere, targets="json", **render)[0].unchanged


def test_events_of_other_audio_are_not_kept(song, tmp_path):
    out = tmp_path / "o"
    render = {"audio": "render", "audio_path": song, "folder": out, "force": True, "add": True}
    export(accepted(), **render)
    write_sound(song, noise(RATE_HZ * 20, seed=5), RATE_HZ)
    export([Accepted(3.0, 3.5, "stab", region_id="other:1")], **render)
    assert [e["label"] for e in events_in(out)["events"]] == ["stab"]


def test_the_audio_itself_is_never_replaced(song, tmp_path):
    out = tmp_path / "o"
    export(accepted(), folder=out, targets="wav", audio="render", audio_path=song, name="x")
    before = (out / "x.cues.wav").read_bytes()
    with pytest.raises(InputError, match="the audio itself"):
        export(accepted(), folder=out, targets="wav", audio="render", audio_path=out / "x.cues.wav", force=True)
    (out / "x.cues.wav").rename(out / "x.track.wav")
    track = TrackMap((TrackItem(out / "x.track.wav", 0.0, 20.0),))
    with pytest.raises(InputError, match="the audio itself"):
        export(accepted(), folder=out, audio="track", track_map=track, name="x", force=True)
    assert (out / "x.track.wav").read_bytes() == before


def test_the_cue_wav_of_a_cue_wav_keeps_the_name(song, tmp_path):
    out = tmp_path / "o"
    export(accepted(), folder=out, targets="wav", audio="render", audio_path=song, name="x")
    export(accepted(), folder=out, targets="json", audio="render", audio_path=out / "x.cues.wav")
    assert (out / "x.sync.json").is_file()


def other_sound() -> list[Accepted]:
    return [replace(one, label="crash", region_id=f"other:{i}") for i, one in enumerate(accepted())]


def test_two_exports_to_one_folder_at_once_lose_nothing(song, tmp_path):
    track_map = TrackMap((TrackItem(song, 0.0, 20.0),))
    given = {"folder": tmp_path / "out", "track_map": track_map, "add": True, "force": True}
    is_there = threading.Event()
    second = threading.Thread(
        target=export, args=(other_sound(),), kwargs=given | {"progress": lambda _share: is_there.set()}
    )

    def begin_the_second(share: float) -> None:
        if share >= 0.5 and not second.ident:
            second.start()
            assert is_there.wait(30)

    export(accepted(20e-3), **given, progress=begin_the_second)
    second.join()
    assert {event["pattern"] for event in events_in(tmp_path / "out")["events"]} == {"riser", "crash"}


def test_an_export_that_waits_for_another_can_be_cancelled(song, tmp_path):
    track_map = TrackMap((TrackItem(song, 0.0, 20.0),))
    given = {"folder": tmp_path / "out", "track_map": track_map}
    said = []

    def cancel(_share: float) -> None:
        raise KeyboardInterrupt

    def try_a_second(share: float) -> None:
        if share >= 0.5 and not said:
            said.append(share)
            with pytest.raises(KeyboardInterrupt):
                export(other_sound(), **given, progress=cancel)

    export(accepted(), **given, progress=try_a_second)
    assert said


LOCK_HELD = """
import sys
from pathlib import Path
from reatrieve.sync.turns import turn_among_processes
with turn_among_processes(Path(sys.argv[1]), lambda share: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_an_export_waits_for_that_of_another_process(song, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", LOCK_HELD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as other:
        assert other.stdout.readline().strip() == b"held"
        waited, seen = [], []

        def let_go_later(share: float) -> None:
            waited.append(share)
            seen.append(sorted(path.name for path in folder.iterdir()))
            if len(waited) == 3:
                other.stdin.close()

        track_map = TrackMap((TrackItem(song, 0.0, 20.0),))
        export(accepted(), folder=folder, track_map=track_map, progress=let_go_later)
    assert waited[:3] == [0.0, 0.0, 0.0]
    assert seen[:3] == [[turns.LOCK_NAME]] * 3
    assert [path.name for path in folder.iterdir()] == ["Lied für Übung.sync.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
def test_an_export_whose_lock_was_removed_waits_for_the_new_one(tmp_path):
    """The one before it takes its lock away, and a third makes it anew in the same moment."""
    lock, made_anew = tmp_path / turns.LOCK_NAME, []

    def try_lock(file, **how) -> bool:
        if not made_anew:
            lock.unlink()
            made_anew.append(lock.touch())
        return filelock.try_lock(file, **how)

    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "try_lock", try_lock)
        with turns.turn_among_processes(tmp_path, asked.append):
            assert lock.exists()
    assert asked == [0.0]
    assert not lock.exists()


@pytest.mark.parametrize("kind", ["of another user", "no locks here"])
def test_where_nothing_can_be_locked_nobody_waits_and_nothing_is_swept(song, tmp_path, monkeypatch, kind):
    folder = tmp_path / "out"
    folder.mkdir()
    left = folder / ".Lied für Übung.sync.json.0123abcd.part"
    left.touch()
    if kind == "no locks here":
        monkeypatch.setattr(turns, "try_lock", lambda _file, *, otherwise=True: otherwise)
    else:
        (folder / turns.LOCK_NAME).touch()
        real = turns.open_lock

        def refused(path, **how):
            real(path, **how).close()
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(turns, "open_lock", refused)
        monkeypatch.setattr(turns, "open_regular", refused)
    export(accepted(), folder=folder, track_map=TrackMap((TrackItem(song, 0.0, 20.0),)))
    assert (folder / "Lied für Übung.sync.json").is_file()
    assert left.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights of Unix")
def test_a_lock_of_another_user_is_waited_for(monkeypatch):
    """At the umask of most systems that user's lock can only be read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        theirs = turns.open_lock(folder / turns.LOCK_NAME, mode=0o644)
        assert filelock.try_lock(theirs)
        asked = []

        def let_go_later(share: float) -> None:
            asked.append(share)
            if len(asked) == 2:
                theirs.close()

        if os.geteuid() == 0:
            os.seteuid(12345)
        else:
            monkeypatch.setattr(turns, "open_lock", raising(PermissionError(13, "Permission denied")))
        try:
            with turns.turn_among_processes(folder, let_go_later) as alone:
                assert alone
        finally:
            os.seteuid(os.getuid())
        assert asked == [0.0, 0.0]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights of Unix")
def test_what_another_user_is_writing_is_not_swept(song, tmp_path, monkeypatch):
    theirs = tmp_path / "out" / ".Lied für Übung.sync.json.0123abcd.part"
    theirs.parent.mkdir()
    theirs.touch()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    export(accepted(), folder=theirs.parent, track_map=TrackMap((TrackItem(song, 0.0, 20.0),)))
    assert theirs.exists()


def raising(error: BaseException):
    def fail(*_given, **_how):
        raise error

    return fail


def test_an_export_that_was_stopped_is_waited_for_ten_seconds(song, tmp_path, monkeypatch, capsys):
    with turns.open_lock(tmp_path / turns.LOCK_NAME) as stopped:
        assert filelock.try_lock(stopped)
        now_s = [-0.5]
        monkeypatch.setattr(turns, "WAIT_S", 0.001)

        def pass_time(_share: float) -> None:
            now_s[0] += 0.5
            assert now_s[0] < 20

        refused = pytest.raises(InputError, match=f"another export to {re.escape(str(tmp_path))} is under way")
        with refused, turns.turn_among_processes(tmp_path, pass_time, clock=lambda: now_s[0]):
            pass
        assert now_s[0] == turns.MOST_WAIT_S
        given = ["export", "--regions", str(tmp_path / "r.csv"), "--audio", str(song), "--audio-start", "0"]
        (tmp_path / "r.csv").write_text("start,end,label\n1.0,1.5,A\n", encoding="utf-8")
        monkeypatch.setattr(turns, "MOST_WAIT_S", 0.0)
        assert main([*given, "--out", str(tmp_path)]) == 2
        assert f"another export to {tmp_path} is under way; wait until" in capsys.readouterr().err
    assert main([*given, "--out", str(tmp_path)]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
def test_exports_that_take_turns_are_each_waited_for(tmp_path, monkeypatch):
    """Five in a row, none of which hangs: the ten seconds begin anew with each."""
    monkeypatch.setattr(turns, "WAIT_S", 0.0)
    now_s, path = [0.0], tmp_path / turns.LOCK_NAME
    held = [turns.open_lock(path)]
    assert filelock.try_lock(held[0])

    def pass_time(_share: float) -> None:
        now_s[0] += 0.5
        assert now_s[0] < 60
        if now_s[0] % 8 == 0 and now_s[0] <= 40:
            path.unlink()
            held.append(turns.open_lock(path))
            assert filelock.try_lock(held[-1])
        elif now_s[0] == 44:
            path.unlink()

    with turns.turn_among_processes(tmp_path, pass_time, clock=lambda: now_s[0]) as alone:
        assert alone
    assert now_s[0] >= 44
    for file in held:
        file.close()


def test_exports_of_one_process_wait_together_for_another(tmp_path, monkeypatch):
    """Two at once and two after them, as the daemon's two threads take four: none waits again for as long."""
    monkeypatch.setattr(turns, "WAIT_S", 0.001)
    now_s, asked, ended_s, is_waited_for = [-0.5], [], [], threading.Event()

    def pass_time(share: float) -> None:
        assert is_waited_for.wait(30)
        asked.append(share)
        assert len(asked) < 100
        now_s[0] = min(now_s[0] + 0.5, turns.MOST_WAIT_S)

    def export_twice() -> None:
        for _ in range(2):
            with (
                pytest.raises(InputError, match="is under way"),
                turns.turn_in_this_process(tmp_path, lambda _share: is_waited_for.set(), clock=lambda: now_s[0]),
                turns.turn_among_processes(tmp_path, pass_time, clock=lambda: now_s[0]),
            ):
                pass
            ended_s.append(now_s[0])

    with turns.open_lock(tmp_path / turns.LOCK_NAME) as stopped:
        assert filelock.try_lock(stopped)
        threads = [threading.Thread(target=export_twice) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert ended_s == [turns.MOST_WAIT_S] * 4


def test_a_long_export_of_this_process_is_waited_for(tmp_path):
    now_s, asked = [0.0], []
    done, has_begun = threading.Event(), threading.Event()

    def take_an_hour() -> None:
        given = {"clock": lambda: now_s[0]}
        with (
            turns.turn_in_this_process(tmp_path, asked.append, **given),
            turns.turn_among_processes(tmp_path, asked.append, **given),
        ):
            has_begun.set()
            done.wait(30)

    def pass_time(share: float) -> None:
        asked.append(share)
        now_s[0] += 1000.0
        if len(asked) == 3:
            done.set()

    first = threading.Thread(target=take_an_hour)
    first.start()
    assert has_begun.wait(30)
    with turns.turn_in_this_process(tmp_path, pass_time, clock=lambda: now_s[0]):
        pass
    first.join()
    assert len(asked) >= 3


def test_a_folder_that_takes_no_lock_is_not_tried_for_ever(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(turns, "open_lock", raising(FileNotFoundError(2, "No such file or directory")))
    with pytest.raises(FileNotFoundError), turns.turn_among_processes(tmp_path, asked.append):
        pass
    assert 1 <= len(asked) < turns.MOST_TRIES
    with pytest.raises(KeyboardInterrupt), turns.turn_among_processes(tmp_path, raising(KeyboardInterrupt())):
        pass


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_in_the_place_of_the_lock_is_named(song, tmp_path, kind):
    lock = tmp_path / "out" / turns.LOCK_NAME
    lock.parent.mkdir()
    if kind == "folder":
        lock.mkdir()
    elif sys.platform == "win32":
        pytest.skip("links need rights there")
    else:
        lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"{re.escape(str(lock))} is no plain file; remove it, then export again"):
        export(accepted(), folder=lock.parent, track_map=TrackMap((TrackItem(song, 0.0, 20.0),)))
    assert [path.name for path in lock.parent.iterdir()] == [turns.LOCK_NAME]


def test_an_export_makes_the_folder_again_that_a_failed_one_took_away(tmp_path):
    folder = tmp_path / "new" / "out"
    with turns.turn_among_processes(folder, lambda _share: None) as alone:
        assert alone
        assert (folder / turns.LOCK_NAME).exists()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_whoever_may_write_in_the_folder_may_take_its_turn(tmp_path):
    umask = os.umask(0o002)
    try:
        with turns.turn_among_processes(tmp_path, lambda _share: None):
            assert (tmp_path / turns.LOCK_NAME).stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(umask)


def test_what_killed_exports_left_goes_with_the_next(song, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / turns.LOCK_NAME).touch()
    (folder / ".Lied für Übung.sync.json.0123abcd.part").write_text("half", encoding="utf-8")
    others = {".Lied für Übung.sync.json.0123abcd.part2", ".other.sync.json.0123abcd.part", "x.part"}
    for name in others:
        (folder / name).touch()
    export(accepted(), folder=folder, track_map=TrackMap((TrackItem(song, 0.0, 20.0),)))
    assert {path.name for path in folder.iterdir()} == others | {"Lied für Übung.sync.json"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_the_place_of_a_file_is_replaced_with_force_only(song, tmp_path):
    track_map = TrackMap((TrackItem(song, 0.0, 20.0),))
    given = {"folder": tmp_path / "out", "track_map": track_map}
    export(accepted(), **given)
    final = tmp_path / "out" / "Lied für Übung.sync.json"
    target = tmp_path / "elsewhere.json"
    final.replace(target)
    final.symlink_to(target)
    (written,) = export(accepted(), **given)  # the same content: the link stays
    assert written.unchanged
    assert final.is_symlink()
    target.unlink()
    with pytest.raises(ForceNeededError, match="already exists"):
        export(accepted(), **given)
    assert final.is_symlink()
    export(accepted(), **given, force=True)
    assert not final.is_symlink()
    assert not target.exists()


def test_what_another_program_wrote_during_an_export_is_not_replaced(song, tmp_path):
    track_map = TrackMap((TrackItem(song, 0.0, 20.0),))
    given = {"track_map": track_map, "add": True, "force": True}
    export(other_sound(), folder=tmp_path / "elsewhere", **given)
    theirs = (tmp_path / "elsewhere" / "Lied für Übung.sync.json").read_bytes()

    def write(share: float) -> None:
        if share >= 0.5:
            (tmp_path / "out" / "Lied für Übung.sync.json").write_bytes(theirs)

    with pytest.raises(InputError, match=r"was written by another program during this export; export again"):
        export(accepted(), folder=tmp_path / "out", **given, progress=write)
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [theirs]


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_in_the_place_of_a_file_is_never_moved(song, tmp_path, force):
    there = tmp_path / "out" / "Lied für Übung.sync.json"
    (there / "mine").mkdir(parents=True)
    with pytest.raises(InputError, match="is a folder; move it away, or choose another"):
        export(accepted(), folder=tmp_path / "out", track_map=TrackMap((TrackItem(song, 0.0, 20.0),)), force=force)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [there.name]
    assert (there / "mine").is_dir()


def test_a_folder_below_hundreds_is_refused_by_a_sentence(song, tmp_path):
    deep = Path(tmp_path, *["a"] * 1500)
    with pytest.raises(InputError, match="more than 500 folders"):
        export(accepted(), folder=deep, track_map=TrackMap((TrackItem(song, 0.0, 20.0),)))
    assert not (tmp_path / "a").exists()
