"""Tables as programs write them: the right times, recordings and labels, or a refusal that names what is in the way."""

from __future__ import annotations

import itertools
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.recordings import recording_names, same_recording
from reatrieve.annotations.tables import read_table
from reatrieve.annotations.times import SECONDS, parse_time_s, time_unit
from reatrieve.cli import main
from reatrieve.errors import InputError
from sync.sync_sheets import pack, wav_bytes

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
AUDITION = "Name\tStart\tDuration\tTime Format\tType\tDescription\n"
KALEIDOSCOPE = (
    "INDIR,OUTDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Fmin,Fmean,Fmax,DATE,TIME,HOUR,DATE-12,TIME-12,HOUR-12,"
    "TOP1MATCH,TOP1DIST,VOCALIZATIONS,MANUAL ID\n"
)

READ = {
    "Raven, several files": (
        f"{RAVEN}\tBegin File\tFile Offset (s)\tSpecies\n"
        "1\tSpectrogram 1\t1\t1.0\t2.0\t0\t8000\tone.wav\t1.0\ta\n"
        "2\tSpectrogram 1\t1\t61.5\t62.0\t0\t8000\ttwo.wav\t1.5\ta\n",
        [("one.wav", 1.0, 2.0, "a"), ("two.wav", 1.5, 2.0, "a")],
    ),
    "Raven, files of one name in two folders": (
        f"{RAVEN}\tBegin Path\tFile Offset (s)\tAnnotation\n"
        "1\tWaveform 1\t1\t1.0\t2.0\t0\t8000\tD:\\n1\\x.wav\t1.0\ta\n"
        "2\tWaveform 1\t1\t61.5\t62.0\t0\t8000\tD:\\n2\\x.wav\t1.5\tb\n",
        [("n1/x.wav", 1.0, 2.0, "a"), ("n2/x.wav", 1.5, 2.0, "b")],
    ),
    "Raven, one file and its measurements": (
        f"{RAVEN}\tDelta Time (s)\tBegin Sample (samples)\tLength (frames)\tBegin Clock Time\tBegin Hour\t"
        "Peak Freq (Hz)\tCall Type\tNotes\n"
        "1\tWaveform 1\t1\t1.000\t2.500\t0\t9\t1.5\t44100\t12\t07:00:01\t7\t440\tsong\tfaint\n",
        [("", 1.0, 2.5, "song")],
    ),
    "Raven, a selection in two views and a label in a free column": (
        f"{RAVEN}\tMy Call\n1\tWaveform 1\t1\t1\t2\t0\t9\tx\n1\tSpectrogram 1\t1\t1\t2\t0\t9\tx\n",
        [("", 1.0, 2.0, "x")],
    ),
    "BirdNET, table for Raven": (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name\t"
        "Species Code\tConfidence\tBegin Path\tFile Offset (s)\n"
        "1\tSpectrogram 1\t1\t27.0\t30.0\t0\t15000\tOwl\towl\t0.9\tC:\\r\\two.wav\t3.0\n",
        [("two.wav", 3.0, 6.0, "Owl")],
    ),
    "BirdNET, CSV": (
        "\ufeffStart (s),End (s),Scientific name,Common name,Confidence,File\n"
        "0,3,Strix varia,Barred Owl,0.42,/d/file.wav\n3,6,Bubo,,0.5,/d/file.wav\n",
        [("file.wav", 0.0, 3.0, "Barred Owl"), ("file.wav", 3.0, 6.0, "Bubo")],
    ),
    "BirdNET, CSV for R": (
        "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity,min_conf,"
        "species_list,model\n/r/a.wav,3.0,6.0,Bubo,Owl,0.9,1,1,1,0,1,.1,,m\n",
        [("a.wav", 3.0, 6.0, "Owl")],
    ),
    "BirdNET, CSV for Kaleidoscope": (
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity\n"
        "/data,site1,rec.wav,3.0,3.0,Turdus,Blackbird,0.8,1,1,1,0,1\n"
        "/data,site2,rec.wav,0.5,3.0,Turdus,Blackbird,0.8,1,1,1,0,1\n",
        [("site1/rec.wav", 3.0, 6.0, "Blackbird"), ("site2/rec.wav", 0.5, 3.5, "Blackbird")],
    ),
    "Kaleidoscope": (
        KALEIDOSCOPE
        + "C:\\in,C:\\out,,a.wav,0,12.250,0.500,1,2,3,2020-01-01,10:00:00,10,2020-01-01,22:00:00,22,c1,0.2,1,\n"
        "C:\\in,C:\\out,,a.wav,0,15.250,0.500,1,2,3,2020-01-01,10:00:00,10,2020-01-01,22:00:00,22,c1,0.2,1,Owl\n",
        [("a.wav", 12.25, 12.75, "c1"), ("a.wav", 15.25, 15.75, "Owl")],
    ),
    "OpenSoundscape, boxes": (
        "audio_file,annotation_file,annotation,start_time,end_time,low_f,high_f\na.wav,,x,0.5,1.5,0,100\n"
        "b.wav,,y,7.5,8.5,0,100\n",
        [("a.wav", 0.5, 1.5, "x"), ("b.wav", 7.5, 8.5, "y")],
    ),
    "OpenSoundscape, one column a class": (
        "file,start_time,end_time,wren,song\na.wav,0.0,3.0,1,0\na.wav,3.0,6.0,0,0\nb.wav,0.0,3.0,1.0,True\n",
        [("a.wav", 0.0, 3.0, "wren"), ("b.wav", 0.0, 3.0, "wren"), ("b.wav", 0.0, 3.0, "song")],
    ),
    "DAS": (
        "name,start_seconds,stop_seconds\nsong,0.5,1.25\npulse,2.0,2.0\n",
        [("", 0.5, 1.25, "song"), ("", 2.0, 2.0, "pulse")],
    ),
    "crowsetta, simple-seq": ("onset_s,offset_s,label\n0.5,1.25,a\n", [("", 0.5, 1.25, "a")]),
    "crowsetta, generic-seq": (
        "label,onset_s,offset_s,onset_sample,offset_sample,notated_path,annot_path,sequence,annotation\n"
        "a,0.5,1.25,16000,40000,/x/a.wav,/x/a.csv,0,0\n",
        [("a.wav", 0.5, 1.25, "a")],
    ),
    "a manifest": ("audio_filepath,offset,duration,text\n/a/b.wav,1.5,0.5,hello\n", [("b.wav", 1.5, 2.0, "hello")]),
    "Label Studio": (
        "audio,id,start,end,channel,labels\n/data/a.wav,1,1.5,2.5,0,Speech\n",
        [("a.wav", 1.5, 2.5, "Speech")],
    ),
    "pandas with its index": (",file,start,end,label\n0,a.wav,1.0,2.0,x\n", [("a.wav", 1.0, 2.0, "x")]),
    "milliseconds": ("start_ms,end_ms,label\n1500,2250,x\n", [("", 1.5, 2.25, "x")]),
    "milliseconds in brackets": ("Start [ms],End [ms],Label\n1500,2250,x\n", [("", 1.5, 2.25, "x")]),
    "a unit a row": (
        "start,end,unit,label\n1500,2000,ms,x\n1.5,2,s,y\n",
        [("", 1.5, 2.0, "x"), ("", 1.5, 2.0, "y")],
    ),
    "sample numbers with their rate": (
        "start_sample,end_sample,label,sample_rate\n44100,88200,x,44100\n",
        [("", 1.0, 2.0, "x")],
    ),
    "seconds said once": ("start (s),duration,label\n1500,500,x\n", [("", 1500.0, 2000.0, "x")]),
    "camel case": ("startTime,endTime,fileName,label\n1.5,2.25,a.wav,x\n", [("a.wav", 1.5, 2.25, "x")]),
    "a length of the file beside": ("filename,duration,onset,offset,event_label\na.wav,10.0,1.0,2.0,x\n",
                                    [("a.wav", 1.0, 2.0, "x")]),
    "Audition, 75 frames a second": (
        AUDITION + "A\t00:18:30\t00:00:00\t75 fps\tCue\t\nB\t58:23:64\t00:00:37\t75 fps\tCue\t\n",
        [("", 18.4, 18.4, "A"), ("", 3503 + 64 / 75, 3503 + 101 / 75, "B")],
    ),
    "Audition, film": (
        AUDITION + "A\t00:00:01:12\t00:00:00:06\t24 fps\tCue\t\n"
        "B\t00:01:00;02\t00:00:00;15\tSMPTE drop (29.97 fps)\tCue\t\n"
        "C\t01:00:00:00\t00:00:00:00\tSMPTE 29.97 fps\tCue\t\n"
        "D\t00:00:00:05\t00:00:00:05\tCustom (12 frames per second)\tCue\n",
        [("", 1.5, 1.75, "A"), ("", 60.06, 60.5605, "B"), ("", 3603.6, 3603.6, "C"), ("", 5 / 12, 10 / 12, "D")],
    ),
    "Audition, samples": (
        AUDITION + "A\t813000\t44100\t44100 Hz\tCue\t\n",
        [("", 813000 / 44100, 857100 / 44100, "A")],
    ),
    "Audition, decimal": (AUDITION + "A\t1:44:53.111\t0:00.500\tdecimal\tCue\t\n", [("", 6293.111, 6293.611, "A")]),
    "REAPER, lanes": (
        "#,Name,Start,End,Length,Color,Lane\nR1,a,0:01.000,0:02.000,0:01.000,FF0000,Music\nM1,b,1:00:03.0,,,,\n",
        [("", 1.0, 2.0, "a"), ("", 3603.0, 3603.0, "b")],
    ),
    "Excel's sep": ("sep=;\nstart;end;label\n1,5;2,25;e\n", [("", 1.5, 2.25, "e")]),
    "labels that look like a header": (
        "0.5\t1.0\tstart\n2.0\t3.0\tend\n",
        [("", 0.5, 1.0, "start"), ("", 2.0, 3.0, "end")],
    ),
    "Audacity, the first label empty": ("0.5\t1.0\n2.0\t3.0\tx\n", [("", 0.5, 1.0, ""), ("", 2.0, 3.0, "x")]),
    "Sonic Visualiser, instants without header": (
        "0.500000000,New Point\n1.500000000,2\n",
        [("", 0.5, 0.5, "New Point"), ("", 1.5, 1.5, "2")],
    ),
    "labels that are 0 and 1": (
        "start,end,label,is_clean\n1.0,2.0,0,1\n3.0,4.0,1,0\n",
        [("", 1.0, 2.0, "0"), ("", 3.0, 4.0, "1")],
    ),
    "a class that is called like a column of labels": (
        "file,start_time,end_time,call,wren\na.wav,0.0,3.0,1,0\na.wav,3.0,6.0,0,1\n",
        [("a.wav", 0.0, 3.0, "call"), ("a.wav", 3.0, 6.0, "wren")],
    ),
    "variants": (
        "class,start,end,flag\nx,1.0,2.0,\nx,3.0,4.0,near\n",
        [("", 1.0, 2.0, "x"), ("", 3.0, 4.0, "x (near)")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", READ)
def test_read_as_the_program_means_it(program):
    text, expected = READ[program]
    found = read_table(text, name="labels.csv")
    assert [(a.file or "", a.label) for a in found] == [(file, label) for file, _, _, label in expected]
    for a, (_, start_s, end_s, _) in zip(found, expected, strict=True):
        assert (a.start_s, a.end_s) == pytest.approx((start_s, end_s), abs=1e-6)


REFUSED = {
    "Raven, whose times go on from file to file": (
        f"{RAVEN}\tBegin File\n1\tW\t1\t1.5\t2\t0\t9\ta.wav\n2\tW\t1\t61.5\t62\t0\t9\tb.wav\n",
        "add Raven's measurement 'File Offset",
    ),
    "Raven, an offset in files without names": (
        f"{RAVEN}\tFile Offset (s)\n1\tW\t1\t61.5\t62\t0\t9\t1.5\n",
        "Begin File",
    ),
    "Raven, from one file into the next": (
        f"{RAVEN}\tBegin File\tEnd File\tFile Offset (s)\n1\tW\t1\t59.5\t61\t0\t9\ta.wav\tb.wav\t59.5\n",
        "line 2: it begins in a.wav and ends in b.wav",
    ),
    "a file missing in one row": (
        "file,start,end,label\na.wav,1.0,2.0,x\n,3.0,4.0,x\n",
        "line 3: the row names no recording",
    ),
    "scores for classes": ("file,start_time,end_time,wren,owl\na.wav,0.0,3.0,3.2,-1.5\n", "'wren', 'owl'.*scores"),
    "two columns that may be the label": ("start,end,foo,bar\n1.0,2.0,a,b\n", "'foo', 'bar' which of them"),
    "numbers that may be labels": ("start,end,cluster\n1.0,2.0,3\n", "'cluster'"),
    "times counted from elsewhere": ("file,clip_start,start,end,label\na.wav,10,1,2,x\n", "'clip_start' may change"),
    "recordings told apart by an unknown column": (
        "recording_id,start,end,label\nr1,1.0,2.0,x\nr2,1.0,2.0,x\n",
        "'recording_id' may tell recordings apart",
    ),
    "AudioSet's segments": (
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\nb0_30\t1.0\t2.0\t/m/1\nc0_30\t1.0\t2.0\t/m/1\n",
        "'segment_id' may tell recordings apart",
    ),
    "slices of recordings": (
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n1-2.wav,1,0.5,1.0,1,2,3,dog\n2-2.wav,2,0.5,1.0,1,2,3,dog\n",
        "'slice_file_name' may tell recordings apart",
    ),
    "folders in an unknown column": (
        "site,file,start,end,label\nn,a.wav,1.0,2.0,x\ns,a.wav,1.0,2.0,x\n",
        "'site' may tell recordings apart",
    ),
    "beats": ("Start (beats),End (beats),Label\n1,2,x\n", "unit of the column 'Start \\(beats\\)'"),
    "frames": ("start_frame,end_frame,label\n1,2,x\n", "unit of the column 'start_frame'"),
    "Audition, bars": (AUDITION + "A\t1.1.000\t0.1.000\tbars and beats\tCue\t\n", "line 2: .*'bars and beats'"),
    "Audition, samples without their rate": (AUDITION + "A\t813000\t44100\tsamples\tCue\t\n", "say the sample rate"),
    "Audition, no such frame": (AUDITION + "A\t00:18:75\t00:00:00\t75 fps\tCue\t\n", "line 2: 00:18:75 is not a time"),
    "sample numbers without their rate": ("onset_sample,offset_sample,label\n16000,40000,a\n", "say the sample rate"),
    "a unit for one column of times": ("start,duration_ms,label\n12.5,500,x\n", "nothing for 'start'; add --unit"),
    "a unit for the other": ("start_ms,duration,label\n1500,500,x\n", "nothing for 'duration'"),
    "REAPER, whole numbers": ("#,Name,Start,End,Length\nR1,Intro,1,3,2\n", "--unit seconds, or --unit samples"),
    "lists of regions, whole numbers": ("Name,Start,End,Length\nIntro,1,3,2\n", "--unit seconds"),
    "whole numbers too large for seconds": ("start,end,label\n1500,2250,x\n", "--unit seconds"),
    "HTK": ("0 5000000 sil\n5000000 9000000 a\n", "--unit seconds"),
    "REAPER, bars": ("#,Name,Start,End,Length\nR1,a,5.1.00,6.1.00,1.0.00\n", "bars and beats"),
    "REAPER, bars that look like seconds": (
        "#,Name,Start,End,Length\nR1,a,5.3,6.2,0.3\n",
        "line 2: its length, 0.3, is not that from 5.3 to 6.2; set REAPER's ruler",
    ),
    "REAPER, video frames": ("#,Name,Start,End,Length\nR1,a,00:00:01:12,00:00:02:00,0\n", "video frames"),
    "digits of other scripts": ("start,end,label\n²,³,x\n", "line 2: '²' is not a time"),
    "a number without end": (f"start,end,label\n{'9' * 5000},{'9' * 5000},x\n", "line 2: "),
    "75 seconds": ("start,end,label\n0:75,2:00,x\n", "line 2: 0:75 is not a time"),
    "ELAN": ("Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\nx\t0.5\t1.0\ta\n", "ELAN"),
    "Praat": ("tmin\ttier\ttext\ttmax\n0.5\tw\ta\t1.0\n", "Praat"),
    "Sonic Visualiser, values and durations": ("0.5,3,0.25\n1.5,4,0.25\n", "third column"),
    "decimal commas between commas": ("start,end,label\n1,5,2,25,e\n", "line 2: 5 fields where the header has 3"),
    "decimal commas without header": ("1,5,2,5,e\n", "line 1: 5 fields"),
    "R's row names": ("file,start,end,label\n1,a.wav,1.0,2.0,x\n", "line 2: 5 fields where the header has 4"),
    "a row cut short": ("start,end,label\n1.0,2.0,x\n3.0", "line 3: .*cut short"),
    "an open quotation mark": ('1.0,2.0,"dog\n3.0,4.0,cat\n', "line 1: a quotation mark"),
    "two starts that disagree": ("start,onset,end,label\n1.0,1.5,2.0,x\n", "line 2: 'start' and 'onset' disagree"),
    "a column twice": ("start,start,end,label\n1.0,1.5,2.0,x\n", "'start' stands there twice"),
    "an unknown flag": ("class,start,end,flag\nx,1.0,2.0,far\n", "line 2: flag 'far'"),
    "an infinite score": ("start,end,label,score\n1.0,2.0,x,inf\n", "line 2: the score 'inf'"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(what):
    text, reason = REFUSED[what]
    with pytest.raises(InputError, match=reason) as refusal:
        read_table(text, name="labels.csv")
    assert str(refusal.value).startswith("labels.csv")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("SESSION NAME:\tx\nSAMPLE RATE:\t48000.000000\n", "Pro Tools"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n', "TextGrid"),
        ('<?xml version="1.0"?>\n<ANNOTATION_DOCUMENT>\n', "XML"),
        ("1\n00:00:01,000 --> 00:00:02,000\nhello\n", "subtitles"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n", "subtitles"),
        ("TITLE: x\nFCM: NON-DROP FRAME\n", "EDL"),
    ],
)
def test_formats_that_are_not_read_are_called_by_their_names(tmp_path, content, reason):
    path = tmp_path / "x.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=reason):
        read_annotations(path)


def test_scores_in_other_units_are_left_out():
    notes: list[str] = []
    (found,) = read_table("start,end,label,Confidence (%)\n1.0,2.0,x,92\n", name="x.csv", on_note=notes.append)
    assert (found.score, notes) == (None, ["x.csv: the column Confidence (%) was left out"])


def test_what_a_label_has_no_place_for_is_told():
    notes: list[str] = []
    text = f"{RAVEN}\tPeak Freq (Hz)\tMood\tSpecies\n1\tW\t1\t1.0\t2.0\t0\t9\t440\tsad\tOwl\n"
    read_table(text, name="x.txt", on_note=notes.append)
    assert notes == ["x.txt: the columns Peak Freq (Hz), Mood were left out"]


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("Start;Ende;Name", "1,5;2,5;Tür", "3,5;4,5;Öl"),
        ("Start;Name;Fin", "1,5;Tür;0:02,5", "3,5;Öl;0:04,5"),
        ("Start;Name;Dauer [s]", "1,5;Tür;0,5", "3,5;Öl;0"),
        ("Start;Finish;Länge;Bezeichnung", "1,5;2,5;1,0;Tür", "3,5;;;Öl"),
        ("start;end;Ende;label", "1.5;;2.5;x", "3.5;;n/a;y"),
        ("start;Dauer;label", "1.5;250 ms;x", "3.5;-;y"),
        ("Start;Ende;Name", "0,0;10,0;A", "2,0;5,0;B"),  # one in the other
        ("Start;Ende;Name", "0,5;40,0;Strophe", "60,0;;Refrain"),  # longer than the song before it
        ("Start;Ende;Name", "1,5;2,5 Sek.;Tür", "3;4 Sek;Öl"),
        ("time;Sample Stopp;label", "0;10;A", "2;5;B"),
        ("start;Fin;label", "50;1:00;A", "60;;B"),
        ("start;終了;label", "0.5;40;A", "2;5;B"),
        ("start;note length;label", "0.5;1;A", "2;2;B"),
        ("start;x;label", "0.5;1.0;A", "2;2.5;B"),
        ("start;x;label", "1;2;A", "2;3;B"),
        ("start;x;label", "1.25;2;A", "2.25;3;B"),  # counters begin at 0 or 1
        ("start;note off;label", "1.5;2.0;A", "3;3.4;B"),
        ("start;row_off;label", "1.5;2;A", "3;4;B"),
    ],
)
def test_unknown_ends_are_not_left_out_where_no_other_ends_are_there(header, first, second):
    with pytest.raises(
        InputError,
        match=r"the column '(Ende|Fin|Dauer.*|Finish|Sample Stopp|終了|note length|x|note off|row_off)' may hold ends "
        "or lengths",
    ):
        read_table(f"{header}\n{first}\n{second}\n", name="x.csv")


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("Peak Freq (Hz)", ("440", "880")), ("Loudness (dBFS)", ("12", "9")), ("Sureness %", ("80", "90")),
        ("mood", ("sad", "2")), ("row_id", ("1", "2")), ("loud", ("1", "0")), ("shade", ("-2", "3")), ("x", ("0", "0")),
        ("Datum", ("01.05.2024", "02.05.2024")), ("velocity", ("100", "88")), ("year", ("2021", "2021")),
        ("count", ("1", "2")), ("count", ("2", "5")), ("beat", ("2", "4")), ("MIDI note", ("4", "9")),
        ("Ende", ("open", "closed")), ("Ende (Hz)", ("3", "4")), ("x", ("2", "3")), ("x", ("1", "")), ("x", ("4", "4")),
        ("Final score", (".9", ".8")), ("Ending", ("1st ending", "2nd ending")), ("x", ("1", "2")),
        ("p", (".9", ".8")), ("pitch", ("60", "62.5")), ("distance", ("30", "20")),
    ],
)  # fmt: skip
def test_other_columns_of_moments_are_left_out_with_a_note(column, cells):
    notes: list[str] = []
    text = f"time,label,{column}\n1.5,a,{cells[0]}\n3.5,b,{cells[1]}\n"
    assert [a.start_s for a in read_table(text, name="x.csv", on_note=notes.append)] == [1.5, 3.5]
    assert notes == [f"x.csv: the column {column} was left out"]


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("program", ["BirdNET, CSV", "Excel's sep", "Audition, 75 frames a second"])
def test_byte_order_marks_are_no_part_of_the_table(tmp_path, program, mark):
    text, expected = READ[program]
    path = tmp_path / "x.csv"
    path.write_bytes(text.strip("\ufeff").encode(mark))
    assert [(a.file or "", a.label) for a in read_annotations(path)] == [(e[0], e[3]) for e in expected]


def test_a_mark_in_the_middle_of_joined_files(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("1.0\t2.0\ta\n\ufeff3.0\t4.0\tb\n", encoding="utf-8")
    assert [a.start_s for a in read_annotations(path)] == [1.0, 3.0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"unit": "seconds"}, (1.0, 3.0)),
        ({"unit": "ms"}, (0.001, 0.003)),
        ({"unit": "samples", "rate_hz": 10}, (0.1, 0.3)),
        ({"rate_hz": 10}, (0.1, 0.3)),
        ({"unit": "25 fps"}, (0.04, 0.12)),
        ({"unit": "10 Hz"}, (0.1, 0.3)),
    ],
)
def test_the_user_says_what_whole_numbers_count(options, expected):
    (found,) = read_table("#,Name,Start,End,Length\nR1,Intro,1,3,2\n", name="x", **options)
    assert (found.start_s, found.end_s) == pytest.approx(expected)


def test_a_unit_that_contradicts_the_table_or_is_none_is_refused():
    with pytest.raises(InputError, match="its header says that times are in seconds, not in milliseconds"):
        read_table("start (s),end (s),label\n1,2,x\n", name="x", unit="ms")
    with pytest.raises(InputError, match="the unit 'parsecs' is not known"):
        read_table("start,end,label\n1,2,x\n", name="x", unit="parsecs")
    with pytest.raises(InputError, match="say the sample rate by --rate"):
        read_table("start,end,label\n1,2,x\n", name="x", unit="samples")
    (found,) = read_table("start_ms,duration,label\n1500,500,x\n", name="x", unit="ms")
    assert (found.start_s, found.end_s) == (1.5, 2.0)
    (found,) = read_table("start,end,label,fs\n10,20,x,10\n", name="x", unit="samples")
    assert (found.start_s, found.end_s) == (1.0, 2.0)
    with pytest.raises(InputError, match=r"1\.5 is no whole number of samples"):
        read_table("start,end,label\n1.5,2,x\n", name="x", unit="samples", rate_hz=10)


@pytest.mark.parametrize("name", ["bars", "beats", "0 fps", "1e9 fps", "12.5 drop fps", "frames", "hz", "", "PPQ"])
def test_units_that_say_no_time(name):
    assert time_unit(name) is None


def test_drop_frame_numbers_skip_two_a_minute_but_every_tenth():
    unit = time_unit("SMPTE drop (29.97 fps)")
    assert unit is not None
    numbers = [
        f"00:{minute:02d}:{second:02d};{frame:02d}"
        for minute, second, frame in itertools.product(range(12), range(60), range(30))
        if minute % 10 == 0 or second or frame >= 2
    ]
    assert [parse_time_s(number, unit) for number in numbers] == pytest.approx(
        [index * 1001 / 30000 for index in range(len(numbers))]
    )


def test_no_time_takes_long_to_read():
    for text in ("1e-999999999", "1e999999999", "9" * 5000):
        assert parse_time_s(text, SECONDS) >= 0


PATHS = st.lists(
    st.builds(
        lambda root, folders, name: root + "".join(f"{folder}/" for folder in folders) + name,
        st.sampled_from(["", "/", "C:\\", "./"]),
        st.lists(st.sampled_from(["a", "b", "Übung"]), max_size=3),
        st.sampled_from(["x.wav", "y.wav"]),
    ),
    max_size=8,
)


@given(PATHS)
def test_recordings_are_never_merged(paths):
    names = recording_names(paths)
    different = {p.replace("\\", "/").removeprefix("./") for p in paths}
    assert len(set(names.values())) == len(different)
    assert all(same_recording(name, path) for path, name in names.items())


def test_convert_takes_one_recording_by_any_part_of_its_path(tmp_path: Path, capsys):
    source, out = tmp_path / "in.csv", tmp_path / "out.txt"
    source.write_text("path,start,end,label\n/d/n1/x.wav,1.0,2.0,a\n/d/n2/x.wav,3.0,4.0,b\n", encoding="utf-8")
    assert main(["convert", str(source), str(out), "--file", "x.wav"]) == 2
    assert "2 recordings called so; choose one: n1/x.wav, n2/x.wav" in capsys.readouterr().err
    for name in ("n2/x.wav", "/d/n2/x.wav", "d\\n2\\x.wav"):
        assert main(["convert", str(source), str(out), "--file", name, "--force"]) == 0
        assert [a.label for a in read_annotations(out)] == ["b"]


def test_convert_tells_what_it_left_out_and_takes_a_unit(tmp_path: Path, capsys):
    source, out = tmp_path / "in.csv", tmp_path / "out.txt"
    source.write_text("start,end,label,mood\n1500,2250,x,sad\n", encoding="utf-8")
    assert main(["convert", str(source), str(out)]) == 2
    assert "--unit" in capsys.readouterr().err
    assert main(["convert", str(source), str(out), "--unit", "parsecs"]) == 2
    assert main(["convert", str(source), str(out), "--unit", "ms"]) == 0
    assert "note: in.csv: the column mood was left out" in capsys.readouterr().out
    assert read_annotations(out)[0].start_s == 1.5


@pytest.mark.parametrize(("count", "told"), [(1, "1 observation was"), (2, "2 observations were")])
def test_observations_that_are_no_labels_are_counted_in_a_note(tmp_path: Path, count, told):
    label = {"time": 1.0, "duration": 0.5, "value": "x", "confidence": None}
    data = [label, *[{**label, "value": {"no": "label"}}] * count]
    path, notes = tmp_path / "a.jams", []
    path.write_text(json.dumps({"annotations": [{"data": data}]}), encoding="utf-8")
    assert [one.label for one in read_annotations(path, on_note=notes.append)] == ["x"]
    assert notes == [f"a.jams: {told} left out, whose value is no text or number"]


@pytest.mark.parametrize(("count", "told"), [(1, "1 cue"), (2, "2 cues")])
def test_a_chunk_of_cues_that_ends_early_is_told(tmp_path: Path, count, told):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(frames=20, after=[pack(b"cue ", struct.pack("<I", count))]))
    with pytest.raises(InputError, match=rf"a\.wav: its cue chunk promises {told} and holds fewer"):
        read_annotations(path)
