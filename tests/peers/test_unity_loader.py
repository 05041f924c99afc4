"""The Unity loader is compiled by mono's compiler and run, frame by frame, against stubs of UnityEngine."""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path

import pytest

from peers.exported_song import Exported, exported_song
from peers.peer_programs import PEERS, output

pytestmark = pytest.mark.peer

FRAME = 735
"""A video frame at 60 Hz in audio frames at 44.1 kHz."""


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Exported:
    return exported_song(tmp_path_factory.mktemp("unity"))


@pytest.fixture(scope="module")
def loader(song) -> Path:
    made = song.folder / "run.exe"
    output(
        "mcs", "-langversion:6", "-warnaserror", f"-out:{made}",
        PEERS / "RunUnityLoader.cs", PEERS / "UnityStubs.cs", song.paths["unity"],
    )  # fmt: skip
    return made


def run(loader: Path, song: Exported, *commands: str) -> list[list[str]]:
    return [line.split() for line in output("mono", loader, song.paths["json"], *commands).splitlines()]


def by_anchor(song: Exported) -> list[dict]:
    return sorted(song.events, key=lambda e: (e["anchor_frame"], e["id"]))


def test_the_exported_file_is_the_packages(song):
    packaged = resources.files("reatrieve.sync.loaders").joinpath("ReaTrieveSync.cs").read_bytes()
    assert song.paths["unity"].read_bytes() == packaged


def test_labels_of_every_kind_arrive(song, loader):
    found = [base64.b64decode(word).decode() for _, word in run(loader, song, "labels")]
    assert found == [e["label"] for e in by_anchor(song)]


def test_every_event_fires_once_within_a_video_frame(song, loader):
    frames = song.data["audio"]["frames"]
    fired = [(row[1], int(row[2])) for row in run(loader, song, f"play 0 {frames + FRAME} {FRAME}") if row[0] == "F"]
    assert [name for name, _ in fired] == [e["id"] for e in by_anchor(song)]
    for (_, at), event in zip(fired, by_anchor(song), strict=True):
        assert 0 <= at - event["anchor_frame"] < FRAME


def test_look_ahead_comes_before_and_says_how_long(song, loader):
    rate = song.data["audio"]["sample_rate"]
    rows = run(loader, song, "ahead 0.5", f"play 0 {song.data['audio']['frames'] + FRAME} {FRAME}")
    upcoming = {row[1]: (int(row[2]), float(row[3])) for row in rows if row[0] == "U"}
    assert len(upcoming) == len(song.events)
    for event in song.events:
        at, left = upcoming[event["id"]]
        assert at / rate + left == pytest.approx(event["anchor_seconds"], abs=1e-9)
        assert left <= 0.5
        assert left > 0.5 - FRAME / rate - 1e-9 or at == 0


def test_an_offset_moves_all_events(song, loader):
    fired = [(r[1], int(r[2])) for r in run(loader, song, "offset -0.1", f"play 0 {12 * 44100} {FRAME}") if r[0] == "F"]
    anchors = {e["id"]: e["anchor_frame"] for e in song.events}
    for name, at in fired:
        assert at == 0 or 0 <= at - (anchors[name] - 4410) < FRAME + 1


def test_a_clip_that_unity_resampled_keeps_its_times(song, loader):
    fired = [
        (r[1], int(r[2])) for r in run(loader, song, "rate 22050", f"play 0 {12 * 22050 + 400} 367") if r[0] == "F"
    ]
    anchors = {e["id"]: e["anchor_seconds"] for e in song.events}
    assert len(fired) == len(anchors)
    for name, at in fired:
        assert 0 <= at / 22050 - anchors[name] < 367 / 22050


def test_a_loop_fires_everything_again_and_loses_nothing_at_the_seam(song, loader):
    frames = song.data["audio"]["frames"]
    rows = run(
        loader, song, "loop on", f"play 0 {frames} {FRAME}", f"play 100 {frames} {FRAME}", f"play 50 1000 {FRAME}"
    )
    fired = [row[1] for row in rows if row[0] == "F"]
    once = [e["id"] for e in by_anchor(song)]
    assert fired[: 2 * len(once)] == once * 2


def test_jumps_fire_nothing_in_between(song, loader):
    rows = run(
        loader, song, f"play 0 {FRAME * 5} {FRAME}", f"play {44100 * 8} {44100 * 8 + 5 * FRAME} {FRAME}", "between 7 8"
    )
    inside = [row[1] for row in rows if row[0] == "F"]
    anchors = {e["id"]: e["anchor_frame"] for e in song.events}
    assert all(anchors[name] < FRAME * 5 or 44100 * 8 <= anchors[name] < 44100 * 8 + 5 * FRAME for name in inside)
    assert [row[1] for row in rows if row[0] == "B"] == [
        e["id"] for e in by_anchor(song) if 7 <= e["anchor_seconds"] < 8
    ]
    back = run(loader, song, f"play {44100 * 8} {44100 * 9} {FRAME}", f"play {44100 * 4} {44100 * 5} {FRAME}")
    names = [row[1] for row in back if row[0] == "F"]
    assert names == sorted(names, key=lambda name: (anchors[name] < 44100 * 8, anchors[name]))


def test_a_slow_frame_is_no_jump(song, loader):
    fired = [row[1] for row in run(loader, song, f"play 0 {44100 * 12} {44100 * 3}") if row[0] == "F"]
    assert fired == [e["id"] for e in by_anchor(song) if e["anchor_frame"] <= 44100 * 9]


def test_an_event_in_the_last_frame_fires_when_the_music_ends_but_not_when_it_is_stopped_or_paused(song, loader):
    frames, last = song.data["audio"]["frames"], by_anchor(song)[-1]
    assert last["anchor_frame"] == frames - 1
    for commands, count in (
        ([f"play 0 {frames - 10} {FRAME}", "stop"], 1),
        ([f"play 0 {frames - 10} {FRAME}", "pause"], 0),
        ([f"play 0 {frames - 44100} {FRAME}", "stop"], 0),
    ):
        fired = [row[1] for row in run(loader, song, *commands) if row[0] == "F"]
        assert fired.count(last["id"]) == count


def test_starting_again_from_the_start_fires_the_first_event_again(song, loader):
    rows = run(loader, song, f"play 0 {44100 * 3} {FRAME}", "stop", f"play 120 {44100} {FRAME}")
    fired = [row[1] for row in rows if row[0] == "F"]
    assert fired.count(by_anchor(song)[0]["id"]) == 2
