"""Damaged files of every kind that is read: an error sentence or a right result, soon, and nothing else.

``--long`` takes 2,000 of each.
"""

import contextlib
import io
import json
import os
import random
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from journal.test_damage import written
from reatrieve.annotations.files import read_annotations
from reatrieve.audio.decode import SoundReader
from reatrieve.errors import AudioError, ReatrieveError
from reatrieve.journal import JournalFolder, check_journal
from reatrieve.settings import Settings
from reatrieve.sync.rpp_project import read_rpp
from reliability.mutations import mutated

SLOW_S = 5.0
"""Of processor time, whatever else the machine does; a read that waits meets the limit of every test."""
SYNC_JSON = b"""{"format": "reatrieve.sync", "version": 1,
 "audio": {"file": "song.wav", "sample_rate": 48000, "frames": 960000}, "events": [
 {"id": "evt_0001", "label": "riser", "start_frame": 96000, "end_frame": 120000, "score": 0.5, "pattern": "a"},
 {"id": "evt_0002", "label": "kick \\u62cd", "start_frame": 264000, "end_frame": 288000, "score": null}]}
"""
JAMS = b"""{"file_metadata": {"title": "song"}, "annotations": [{"data": [
 {"time": 1.5, "duration": 0.5, "value": "kick", "confidence": null}, {"time": 3, "duration": 1, "value": "x"}]}]}
"""
AUDACITY = "1.500000\t2.000000\tkick\n\\\t40.0\t900.0\n3,25\t3,75\tsnare – 拍\n".encode()
REGIONS_CSV = b"#,Name,Start,End,Length\nR1,kick,0:01.500,0:02.000,0:00.500\nM2,snare,1:03.25,,\n"
OWN_CSV = b"file,start_s,end_s,label\nsong.wav,1.5,2.0,kick\nsong.wav,3.25,3.75,snare\n"
RPP = b"""<REAPER_PROJECT 0.1 "7.22/linux-x86_64" 1700000000
  TEMPO 120 4 4
  <TEMPOENVEX
    PT 0 120 1
  >
  MARKER 1 1.5 "kick one" 1 0 1 R {11111111-1111-1111-1111-111111111111} 0
  MARKER 1 2 "" 1
  <TRACK {22222222-2222-2222-2222-222222222222}
    NAME music
    <ITEM
      POSITION 0.5
      LENGTH 4.25
      LOOP 1
      FADEIN 1 0.01 0 1 0 0 0
      GUID {33333333-3333-3333-3333-333333333333}
      SOFFS 0.125
      PLAYRATE 1 1 0 -1 0 0.0025
      <SOURCE SECTION
        LENGTH 3
        MODE 2
        <SOURCE WAVE
          FILE "music/so ng.wav"
        >
      >
    >
  >
>
"""
SETTINGS = "# mine\nport = 9123\nudp = yes\ncache = ~/c d\ncache_size_mb = 100\nlogs = /tmp/ü\n".encode()


def cue_wav():
    raw = io.BytesIO()
    with wave.open(raw, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    cue = b"cue " + (4 + 24 * 2).to_bytes(4, "little") + (2).to_bytes(4, "little")
    for number, at in ((1, 100), (2, 3000)):
        cue += b"".join(x.to_bytes(4, "little") for x in (number, at)) + b"data" + bytes(8) + at.to_bytes(4, "little")
    labels = b""
    for number in (1, 2):
        text = number.to_bytes(4, "little") + b"kick\0\0"
        labels += b"labl" + len(text).to_bytes(4, "little") + text
    body = b"adtl" + labels
    whole = raw.getvalue() + cue + b"LIST" + len(body).to_bytes(4, "little") + body
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]


def n_of(request, n):
    return 2000 if request.config.getoption("--long") else n


def try_all(request, raw, path, read, *, n=150, seed=1):
    """Read many damaged versions of a file; returns how many could be read."""
    rng, fine = random.Random(seed), 0
    path.write_bytes(raw)
    read(path)
    for _ in range(n_of(request, n)):
        path.write_bytes(mutated(raw, rng))
        begin_s = time.process_time()
        with contextlib.suppress(ReatrieveError):
            read(path)
            fine += 1
        assert time.process_time() - begin_s < SLOW_S, path.read_bytes()[:2000]
    return fine


def test_journals(request, tmp_path):
    folder = JournalFolder(tmp_path / "journals")
    folder.folder.mkdir()
    raw = written(tmp_path / "x.journal.jsonl", project=str(tmp_path / "p.rpp"))
    path = folder.path("s-1")

    def read(path):
        folder.of_project(str(tmp_path / "p.rpp"))
        check_journal(path)
        folder.open("s-1").close()

    assert try_all(request, raw, path, read) > 30  # what lies before the damage
    damaged = folder.folder / "damaged"
    assert {entry.name for entry in folder.folder.iterdir()} == {path.name, "damaged"}
    assert list(damaged.iterdir())


def test_copies_beside_a_project(request, tmp_path):
    folder, project = JournalFolder(tmp_path / "journals"), str(tmp_path / "p.rpp")
    (tmp_path / "p.reatrieve").mkdir()
    raw = written(tmp_path / "x.journal.jsonl", project=project)

    def read(_):
        folder.of_project(project)
        folder.remove("s-1")

    try_all(request, raw, tmp_path / "p.reatrieve" / "a-s-1.journal.jsonl", read, seed=2)


def test_settings(request, tmp_path):
    try_all(request, SETTINGS, tmp_path / "settings.txt", lambda _: Settings.load({"home": tmp_path}, {}), seed=3)


def test_projects(request, tmp_path):
    try_all(request, RPP, tmp_path / "p.rpp", read_rpp, seed=4)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("labels.txt", AUDACITY),
        ("regions.csv", REGIONS_CSV),
        ("own.csv", OWN_CSV),
        ("x.sync.json", SYNC_JSON),
        ("x.jams", JAMS),
    ],
)
def test_label_tables_and_sync_files(request, tmp_path, name, raw):
    try_all(request, raw, tmp_path / name, read_annotations, seed=5)


def test_cue_wavs(request, tmp_path):
    assert len(read_annotations(_written(tmp_path / "good.wav", cue_wav()))) == 2
    try_all(request, cue_wav(), tmp_path / "cues.wav", read_annotations, seed=6)


def _written(path, raw):
    path.write_bytes(raw)
    return path


SOUNDS = [
    ("WAV", "PCM_16", 1), ("WAV", "FLOAT", 2), ("WAV", "DOUBLE", 1), ("WAV", "MS_ADPCM", 1), ("WAVEX", "PCM_24", 6),
    ("AIFF", "PCM_16", 2), ("FLAC", "PCM_24", 2), ("OGG", "VORBIS", 1), ("OGG", "OPUS", 2),
    ("MP3", "MPEG_LAYER_III", 1), ("CAF", "ALAC_16", 2), ("W64", "FLOAT", 1), ("RF64", "PCM_16", 1), ("AU", "FLOAT", 1),
]  # fmt: skip


@pytest.mark.parametrize(("form", "subtype", "n_channels"), SOUNDS, ids=lambda one: str(one))
def test_sounds(request, tmp_path, form, subtype, n_channels):
    y = 0.1 * np.random.default_rng(1).standard_normal((24000, n_channels))
    soundfile.write(tmp_path / "x", y, 48000, format=form, subtype=subtype)
    raw = (tmp_path / "x").read_bytes()

    def read(path):
        with SoundReader(path) as reader:
            for start in (0, reader.info.n_frames // 2, max(0, reader.info.n_frames - 100)):
                heard = reader.read(start, min(start + 20_000, reader.info.n_frames))
                assert np.isfinite(np.square(heard)).all()

    rng = random.Random(len(raw))
    path = tmp_path / "damaged"
    read(tmp_path / "x")
    for k in range(n_of(request, 60) // (7 if n_of(request, 60) > 60 else 1)):
        damaged = mutated(raw[:300] if k % 2 else raw, rng) + (raw[300:] if k % 2 else b"")  # the header, or all of it
        path.write_bytes(damaged)
        begin_s = time.process_time()
        with contextlib.suppress(ReatrieveError):
            read(path)
        assert time.process_time() - begin_s < SLOW_S


@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_bad_input_takes_no_memory_and_makes_no_file_elsewhere(request, tmp_path):
    """In a process of its own: all the kinds of files above."""
    places = [tmp_path / name for name in ("inside", "home", "temporary", "there")]
    for place in places:
        place.mkdir()
    inside, home, temporary, there = places
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home),
        "XDG_DATA_HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home), "TMPDIR": str(temporary),
    }  # fmt: skip
    command = [sys.executable, Path(__file__).with_name("bad_input.py"), inside, str(n_of(request, 60))]
    done = subprocess.run(command, cwd=there, env=env, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(told)
    assert told["outside"] == []
    assert [list(place.iterdir()) for place in (home, temporary, there)] == [[], [], []]
    assert set(tmp_path.iterdir()) == set(places)
    assert told["opened"] > 50
    assert told["refused"] > 50
    assert told["peak_mb"] < 1000


@pytest.mark.parametrize("n_channels", [0, 64])
def test_sounds_of_0_and_64_channels(tmp_path, n_channels):
    """None is refused, also where only the header says so; 64 are read, each at its place."""
    y = np.linspace(-0.9, 0.9, 64)[None, :] * np.ones((1000, 1))
    path = tmp_path / "x.wav"
    soundfile.write(path, y, 48000, subtype="FLOAT")
    if n_channels:
        with SoundReader(path) as reader:
            assert (reader.info.n_channels, reader.info.n_frames) == (64, 1000)
            assert np.allclose(reader.read(990, 1000), y[:10], atol=1e-6)
        return
    raw = path.read_bytes()
    at = raw.index(b"fmt ") + 10
    assert raw[at : at + 2] == (64).to_bytes(2, "little")
    path.write_bytes(raw[:at] + bytes(2) + raw[at + 2 :])
    with pytest.raises(AudioError, match=r"x\.wav"):
        SoundReader(path)


def test_a_sound_that_changes_or_goes_while_it_is_read(tmp_path):
    y = 0.1 * np.random.default_rng(1).standard_normal(480_000)
    path = tmp_path / "x.wav"
    soundfile.write(path, y, 48000)
    with SoundReader(path) as reader:
        reader.read(0, 1000)
        with path.open("r+b") as file:
            file.truncate(50_000)
        assert reader.read(400_000, 401_000).shape == (1000, 1)  # silence, where there is nothing any more
        path.unlink()
        reader.read(0, 1000)
