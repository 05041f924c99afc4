"""Programs that are not ours read the cue WAV and agree with the sync JSON to the frame."""

from __future__ import annotations

import base64
import json
import re
import struct

import pytest
from wavinfo import WavInfoReader

from peers.exported_song import Exported, exported_song
from peers.peer_programs import node, output

pytestmark = pytest.mark.peer

SNDFILE_SHOWS = 9
"""sndfile-info prints ten cues and nine labels, however many there are."""

FORMS = [(1, "16", 44100, 12), (2, "24", 48000, 500), (6, "float", 96000, 12), (4, "32", 96000, 12)]


@pytest.fixture(
    scope="module", params=FORMS, ids=[f"{form} x {n} at {rate}, {count}" for n, form, rate, count in FORMS]
)
def song(request, tmp_path_factory) -> Exported:
    channels, form, rate_hz, count = request.param
    return exported_song(tmp_path_factory.mktemp("peers"), channels=channels, form=form, rate_hz=rate_hz, count=count)


def expected(song: Exported) -> list[tuple[int, int, str]]:
    rows = [(e["anchor_frame"], e["end_frame"] - e["anchor_frame"], e["label"]) for e in song.events]
    return sorted(rows)


def test_wavinfo(song):
    reader = WavInfoReader(str(song.paths["wav"]), info_encoding="utf-8")
    labels = {label.name: label.text for label in reader.cues.labels}
    lengths = {each.name: each.length for each in reader.cues.ranges}
    rows = [(cue.sample_offset, lengths.get(cue.name, 0), labels[cue.name]) for cue in reader.cues.cues]
    assert sorted(rows) == expected(song)
    assert reader.bext.description == "made for a test"
    assert reader.ixml.scene == "Übung"


def test_exiftool(song):
    found = json.loads(output("exiftool", "-j", "-a", "-G4", "-b", "-charset", "utf8", song.paths["wav"]))[0]
    labels = [str(value) for key, value in found.items() if key.endswith("CuePointLabel")]
    texts = [str(value) for key, value in found.items() if key.endswith("LabeledText")]
    lengths = {int(text.split()[0]): int(text.split()[1]) for text in texts}
    assert all("'rgn '" in text for text in texts)
    raw = json.loads(output("exiftool", "-j", "-b", "-CuePoints", song.paths["wav"]))[0]["CuePoints"]
    content = base64.b64decode(raw.removeprefix("base64:"))
    (count,) = struct.unpack_from("<I", content)
    rows = []
    for index in range(count):
        cue_id, position, _, _, _, offset = struct.unpack_from("<II4sIII", content, 4 + 24 * index)
        assert position == offset
        label = next(text.split(" ", 1)[1] for text in labels if text.split(" ", 1)[0] == str(cue_id))
        rows.append((offset, lengths.get(cue_id, 0), label))
    assert [(a, b) for a, b, _ in sorted(rows)] == [(a, b) for a, b, _ in expected(song)]
    assert [_visible(label) for _, _, label in sorted(rows)] == [_visible(label) for _, _, label in expected(song)]


def _visible(text: str) -> str:
    return re.sub(r"[\s.]+", " ", text)  # exiftool may show control characters as dots


def test_ffprobe(song):
    found = json.loads(output("ffprobe", "-v", "error", "-print_format", "json", "-show_chapters", song.paths["wav"]))
    rows = [(c["start"], c["time_base"], c["tags"].get("title", "")) for c in found["chapters"]]
    assert rows == [(frame, f"1/{song.data['audio']['sample_rate']}", label) for frame, _, label in expected(song)]


def test_sndfile_info(song):
    text = output("sndfile-info", song.paths["wav"])
    shown = list(enumerate(expected(song), start=1))[:SNDFILE_SHOWS]
    found = re.findall(r"Cue ID :\s+(\d+).*Offset :\s+(\d+)", text)[:SNDFILE_SHOWS]
    assert found == [(str(i), str(frame)) for i, (frame, _, _) in shown]
    for i, (_, _, label) in shown:
        assert f"labl : {i} : {label.splitlines()[0]}" in text
    frames = re.search(r"^Frames\s+: (\d+)", text, re.MULTILINE)
    assert frames is not None
    assert int(frames[1]) == song.data["audio"]["frames"]


def test_npm_wavefile(song):
    found = node("wavefile_cues.js", song.paths["wav"], packages=["wavefile"])
    assert (found["rate"], found["frames"]) == (song.data["audio"]["sample_rate"], song.data["audio"]["frames"])
    rows = [(cue["frame"], cue["end"] or cue["frame"], cue["label"]) for cue in found["cues"]]
    assert [(a, b) for a, b, _ in rows] == [(frame, frame + length) for frame, length, _ in expected(song)]
    for (_, _, label), (_, _, wanted) in zip(rows, expected(song), strict=True):
        assert label == wanted


def test_ffmpeg_decodes_the_same_samples(song, tmp_path):
    hashes = {
        output("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "hash", "-")
        for path in (song.paths["wav"], song.folder.parent / "my song.wav")
    }
    assert len(hashes) == 1
