from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve.annotations.annotation import Annotation, one_line
from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.json_files import read_json
from reatrieve.annotations.tables import read_table
from reatrieve.annotations.times import parse_time_s
from reatrieve.errors import AudioError, InputError
from reatrieve.sync.writers import tables
from sync.sync_sheets import NASTY_LABELS

annotations = st.lists(
    st.builds(
        lambda start, length, label: Annotation(start / 48000, (start + length) / 48000, label, "song.wav"),
        st.integers(0, 48000 * 5000),
        st.one_of(st.just(0), st.integers(1, 48000 * 100)),
        st.sampled_from([label for label in NASTY_LABELS if label]),
    ),
    max_size=8,
)
LOSSLESS = {
    "audacity": tables.write_audacity,
    "dcase": tables.write_dcase,
    "raven": tables.write_raven,
    "sv": tables.write_sonic_visualiser,
    "reaper": tables.write_reaper_csv,
}


@pytest.mark.parametrize("form", LOSSLESS)
@given(events=annotations)
def test_written_tables_are_read_back_to_the_frame(form, events):
    found = read_table(LOSSLESS[form](events).decode(), name="x")
    assert [(round(a.start_s * 48000), round(a.end_s * 48000)) for a in found] == [
        (round(a.start_s * 48000), round(a.end_s * 48000)) for a in events
    ]
    escape = "=!" if form == "reaper" else ""
    labels = [one_line(a.label) for a in events]
    assert [a.label for a in found] == [f"_{label}" if label[:1] in escape and escape else label for label in labels]


@given(events=annotations)
def test_audition_keeps_milliseconds(events):
    found = read_table(tables.write_audition(events).decode(), name="x")
    assert [a.start_s for a in found] == pytest.approx([a.start_s for a in events], abs=0.00051)
    assert [a.end_s for a in found] == pytest.approx([a.end_s for a in events], abs=0.00051)


@given(events=annotations)
def test_jams_keeps_everything(events):
    found = read_json(tables.write_jams(events).decode(), name="x")
    assert [a.start_s for a in found] == sorted(a.start_s for a in events)
    assert sorted((round(a.start_s * 48000), round(a.end_s * 48000), a.label) for a in found) == sorted(
        (round(a.start_s * 48000), round(a.end_s * 48000), a.label) for a in events
    )
    assert {a.file for a in found} <= {"song.wav"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5\t1.0\ta \"b\"\n\\\t100.0\t200.0\n2.0\t2.0\tpoint\n", [(0.5, 1.0, 'a "b"'), (2.0, 2.0, "point")]),
        ("1.0\t2.0\n3.5\t4.0\n", [(1.0, 2.0, ""), (3.5, 4.0, "")]),
        ("1.0 2.0 dog bark\n", [(1.0, 2.0, "dog bark")]),
        ("1.0,2.0,dog\n", [(1.0, 2.0, "dog")]),
        ("0,5;1,25;dog\n", [(0.5, 1.25, "dog")]),
        ("f.wav\t1.0\t2.0\tdog\n", [(1.0, 2.0, "dog")]),
        ("filename\tonset\toffset\tevent_label\nf.wav\t1\t2\tdog\ng.wav\t\t\t\n", [(1.0, 2.0, "dog")]),
        ("onset\toffset\tevent_label\n1\t2\tdog\n", [(1.0, 2.0, "dog")]),
        ("file,class,start,end,kind,ratio_db,flag\nf.wav,dog,1,2,,,\n", [(1.0, 2.0, "dog")]),
        ('#,Name,Start,End,Length\nR1,"x, ""y""",0:01.500,0:02.5,0:01.0\nM1,m,1:00:03.0,,\n',
         [(1.5, 2.5, 'x, "y"'), (3603.0, 3603.0, "m")]),
        ("#,Name,Start,End,Length,Color\nR1,a,1.5,2.5,1.0,FF0000\n", [(1.5, 2.5, "a")]),
        ("#;Name;Start;End;Length\nR1;a;1,5;2,5;1,0\n", [(1.5, 2.5, "a")]),
        ("\ufeffTIME,VALUE,DURATION,LABEL\n1.0,0,0.5,x\n", [(1.0, 1.5, "x")]),
        ("TIME,LABEL\n1.0,x\n", [(1.0, 1.0, "x")]),
        ("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tMy Call\n"
         "1\tWaveform 1\t1\t1.0\t2.0\t0\t100\tfoo\n", [(1.0, 2.0, "foo")]),
        ("Name\tStart\tDuration\tTime Format\tType\tDescription\nx\t0:18.000\t0:01.000\tdecimal\tCue\t\n",
         [(18.0, 19.0, "x")]),
        ("#,Name,Start,End,Length,Color\nR1,riser, big,0:01.0,0:02.0,0:01.0,FF0000\nR2,b,0:03.0,0:04.0,0:01.0,\n",
         [(1.0, 2.0, "riser, big"), (3.0, 4.0, "b")]),
        ("1.0,2.0,a;b\n3.0,4.0,c\n", [(1.0, 2.0, "a;b"), (3.0, 4.0, "c")]),
        ("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tNotes\n"
         "1\tWaveform 1\t1\t1.0\t2.0\tfoo\n1\tSpectrogram 1\t1\t1.0\t2.0\tfoo\n"
         "2\tWaveform 1\t1\t1.0\t2.0\tfoo\n", [(1.0, 2.0, "foo"), (1.0, 2.0, "foo")]),
        ("", []),
        ("\n\n", []),
    ],
)  # fmt: skip
def test_every_known_kind_of_table(text, expected):
    assert [(a.start_s, a.end_s, a.label) for a in read_table(text, name="x")] == expected


def test_payloads_come_from_a_column_of_their_own():
    found = read_table("start,end,label,payload\n1,2,a,lane=3\n3,4,b,\n", name="x")
    assert [(a.label, a.payload) for a in found] == [("a", "lane=3"), ("b", "")]
    again = read_table(tables.write_audition(found).decode(), name="x")
    assert [a.payload for a in again] == ["lane=3", ""]


def test_files_and_scores_are_kept():
    found = read_table("filename\tonset\toffset\tevent_label\tscore\nf.wav\t1\t2\tdog\t0.5\n", name="x")
    assert (found[0].file, found[0].score) == ("f.wav", 0.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#,Name,Start,End,Length\nR1,a,5.1.00,6.1.00,1.0.00\n", "bars and beats"),
        ("#,Name,Start,End,Length\nR1,a,00:00:01:12,00:00:02:00,0\n", "video frames"),
        ("#,Name,Start,End,Length\nR1,a,48000,96000,48000\n", "sample numbers"),
        ("#,Name,Start,End,Length\nR1,a,soon,later,1\n", "line 2: 'soon' is not a time"),
        ("2.0\t1.0\tx\n", "line 1: the end"),
        ("hello world\n", "cannot tell where the times are"),
        ("filename\tonset\toffset\tevent_label\nf.wav\t\t2\tdog\n", "the start is missing"),
        ("onset,offset,label,score\n1,2,x,high\n", "score"),
    ],
)
def test_what_cannot_be_read_is_named(text, reason):
    with pytest.raises(InputError, match=reason):
        read_table(text, name="labels.csv")


def test_sample_numbers_need_and_use_the_rate():
    text = "#,Name,Start,End,Length\nR1,a,48000,96000,48000\nM1,b,24000,,\n"
    found = read_table(text, name="x", rate_hz=48000)
    assert [(a.start_s, a.end_s) for a in found] == [(1.0, 2.0), (0.5, 0.5)]


@given(st.integers(0, 10**10))
def test_clock_times_are_read_back(micros):
    assert parse_time_s(tables.clock(micros / 1e6), where="x") == pytest.approx(micros / 1e6, abs=1e-6)


def test_clock_rounds_up_into_the_next_minute():
    assert tables.clock(59.9999999) == "1:00.000000"
    assert tables.clock(-1.5) == "-0:01.500000"
    assert parse_time_s("-0:01.5", where="x") == -1.5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_encoding(tmp_path, encoding):
    path = tmp_path / "größe und raum.txt"
    path.write_bytes("1.0\t2.0\tGröße\n".encode(encoding))
    assert read_annotations(path)[0].label == "Größe"


def test_json_of_other_kinds_is_refused(tmp_path):
    path = tmp_path / "x.json"
    for text, reason in (
        ("{", "not valid JSON"),
        ("{}", "neither"),
        (json.dumps({"format": "reatrieve.sync", "audio": {}}), "incomplete"),
        (json.dumps({"annotations": [{"data": [{"time": "x"}]}]}), "incomplete"),
        ('{"annotations": ' + "9" * 5000 + "}", "too many digits"),
        ('{"annotations": ' + "[" * 100_000, "too deeply"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=reason):
            read_annotations(path)


def test_dense_jams_and_values_that_are_no_labels():
    data = {
        "annotations": [
            {"data": {"time": [1.0, 2.0], "duration": [0.5, 0.5], "value": ["a", None], "confidence": [None, 1.0]}},
            {"data": [{"time": 0.0, "duration": 0.0, "value": {"beat": 1}, "confidence": None}]},
        ]
    }
    found = read_json(json.dumps(data), name="x")
    assert [(a.start_s, a.end_s, a.label, a.score) for a in found] == [(1.0, 1.5, "a", None), (2.0, 2.5, "", 1.0)]


def test_binary_and_missing_files(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"\0\1\2\3")
    with pytest.raises(InputError, match=r"x\.bin"):
        read_annotations(path)
    with pytest.raises(AudioError, match="no such file; check the path"):
        read_annotations(tmp_path / "gone")
