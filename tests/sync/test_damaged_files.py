"""Whatever is in a file, reading it ends in annotations or in one sentence."""

from __future__ import annotations

import json
import struct

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reatrieve.annotations.files import read_annotations
from reatrieve.errors import ReatrieveError
from reatrieve.sync.rpp_project import read_rpp
from reatrieve.sync.rpp_sessions import accepted_regions
from reatrieve.sync.writers.cue_wav import write_cue_wav
from reatrieve.sync.writers.sync_json import write_sync_json
from reatrieve.sync.writers.tables import write_jams
from sync.sync_sheets import bare_sheet, event, pack, sheet, wav_bytes

often = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

CUES = pack(b"cue ", struct.pack("<I", 2) + struct.pack("<II4sIII", 1, 5, b"data", 0, 0, 5) * 2)
LIST = pack(b"LIST", b"adtl" + pack(b"labl", struct.pack("<I", 1) + b"name\0"))
WAV = wav_bytes(frames=20, after=[CUES, LIST])
EVENTS = [event(1, 0, 100, "a"), event(2, 50, 90, "b")]
SYNC = write_sync_json(bare_sheet(EVENTS))
JAMS = write_jams(bare_sheet(EVENTS).annotations)
TABLES = (
    b"1.0\t2.0\ta\n3,4,b\n",
    b"#,Name,Start,End,Length\nR1,a,1,3,2\nM1,b,0:05.5,,\n",
    b"Selection\tView\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tSpecies\n"
    b"1\tW\t61.5\t62\tC:\\x\\a.wav\t1.5\tx\n",
    b"Name\tStart\tDuration\tTime Format\tType\nA\t00:18:30\t00:00:05\t75 fps\tCue\nB\t9\t9\t44100 Hz\tCue\n",
    b"file,start_time,end_time,wren,song\na.wav,0.0,3.0,1,0\nb.wav,0.0,3.0,1,1\n",
    b'file,class,start,end,kind,ratio_db,flag\na.wav,"x",1,2,,,near\n',
)
RPP = b"""<REAPER_PROJECT 0.1 "7.17" 1
TEMPO 120 4 4
<TEMPOENVEX
PT 0 120 0 262148 0 1
PT 4 60 1
>
MARKER 1 3 "riser 1" 1 0 1 B {A}
MARKER 1 4 "" 1
<EXTSTATE
<REATRIEVE
SESSION_X "{T};1;riser;;;1|0;{A};kept;riser 1;3;4;example;1"
>
>
<TRACK {T}
NAME Music
<ITEM
POSITION 0
LENGTH 20
<SOURCE WAVE
FILE "mix.wav"
>
>
>
>
"""


def demand_one_sentence(error: ReatrieveError) -> None:
    assert str(error)
    assert "\n" not in str(error)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with a few bytes replaced, removed or put in, perhaps cut short."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        changed[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(changed[: draw(st.integers(0, len(changed)))]) if draw(st.booleans()) else bytes(changed)


@given(content=st.one_of(st.binary(max_size=200), *(damaged(kind) for kind in (WAV, SYNC, JAMS, *TABLES))))
@example(content=b"RIFF\0\0\0\0WAVE")
@example(content="start,end,label\n²,³,x\n".encode())
@example(content=b'{"annotations": 3}')
@often
def test_annotations_or_one_sentence(tmp_path, content):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    try:
        found = read_annotations(path)
    except ReatrieveError as error:
        demand_one_sentence(error)
    else:
        assert all(a.end_s >= a.start_s for a in found)


@given(content=damaged(RPP))
@often
def test_projects_or_one_sentence(tmp_path, content):
    path = tmp_path / "damaged.rpp"
    path.write_bytes(content)
    try:
        accepted_regions(read_rpp(path))
    except ReatrieveError as error:
        demand_one_sentence(error)


@given(content=damaged(WAV))
@often
def test_cue_wavs_of_damaged_wavs_are_sound_or_refused(tmp_path, content):
    path, out = tmp_path / "damaged.wav", tmp_path / "out.wav"
    path.write_bytes(content)
    try:
        made = sheet(path, [event(1, 0, 1, "a")])
        write_cue_wav(made, out)
    except ReatrieveError:
        return
    assert [a.label for a in read_annotations(out)] == ["a"]
    assert sheet(out, []).audio.pcm_sha256 == made.audio.pcm_sha256


def test_json_with_values_of_the_wrong_kind(tmp_path):
    path = tmp_path / "x.json"
    good = json.loads(SYNC)
    for key in ("start_frame", "end_frame", "label"):
        for value in (None, "x", [], {}, -5, 1e400):
            bad = json.loads(SYNC)
            bad["events"][0][key] = value
            path.write_text(json.dumps(bad), encoding="utf-8")
            try:
                read_annotations(path)
            except ReatrieveError:
                continue
    path.write_text(json.dumps(good), encoding="utf-8")
    assert len(read_annotations(path)) == 2
