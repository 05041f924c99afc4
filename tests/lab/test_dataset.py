"""Data sets: what is read, what is refused, and how a broken row is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.errors import AudioError, InputError
from reatrieve.lab.dataset import load_dataset
from reatrieve.session.spans import Span

HEADER = "file,class,start,end,kind,ratio_db,flag\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Klänge und Töne"
    (folder / "audio").mkdir(parents=True)
    for name in ("a.wav", "b ü.wav"):
        soundfile.write(folder / "audio" / name, np.zeros(8000 * 10, dtype=np.float32), 8000)
    return folder


def write(folder: Path, rows: str, header: str = HEADER) -> None:
    (folder / "annotations.csv").write_text(header + rows, encoding="utf-8")


def test_occurrences_and_variants_come_by_sound_in_time_order(folder):
    write(folder, "b ü.wav,x,5,6,sample,-3.5,\na.wav,y,3,4,,,\na.wav,y,1.5,2.5,phrase,,\na.wav,y,7,8,,,near\n")
    data = load_dataset(folder)
    assert [recording.name for recording in data.recordings] == ["a.wav", "b ü.wav"]
    sound = data.recordings[0].sounds[0]
    assert sound.occurrences == (Span(1.5, 2.5), Span(3.0, 4.0))
    assert sound.near == (Span(7.0, 8.0),)
    assert sound.kind == "phrase"
    assert data.annotations[0].ratio_db == -3.5
    assert data.broken == ()
    assert data.recordings[0].group == "a.wav"


def test_composer_groups_come_from_the_song_table(folder):
    write(folder, "a.wav,x,1,2,,,\nb ü.wav,x,1,2,,,\n")
    (folder / "songs.csv").write_text("file,title,composer_group\na.wav,T,me\n", encoding="utf-8")
    assert [recording.group for recording in load_dataset(folder).recordings] == ["me", "b ü.wav"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav,x,1", "end '' is not a number of seconds"),
        ("a.wav,x,one,2,,,", "start 'one' is not a number of seconds"),
        ("a.wav,x,nan,2,,,", "start 'nan' is not a number of seconds"),
        ("a.wav,x,2,2,,,", "end 2 s does not lie after start 2 s"),
        ("a.wav,x,-1,2,,,", "start -1 s lies before the file's start"),
        ("a.wav,x,9,11,,,", "end 11 s lies after the end of a.wav at 10.000 s"),
        ("a.wav,,1,2,,,", "class is empty"),
        (",x,1,2,,,", "file is empty"),
        ("c.wav,x,1,2,,,", "no such audio file"),
        ("a.wav,x,1,2,,loud,", "ratio_db 'loud' is not a number of decibels"),
        ("a.wav,x,1,2,,,far", "flag 'far' is unknown"),
        ("a.wav,x,1,2,,,,,,", "10 fields where the header has 7"),
    ],
)
def test_a_broken_row_names_file_line_and_reason(folder, row, reason):
    write(folder, f"a.wav,x,1,2,,,\n{row}\na.wav,x,3,4,,,\n")
    data = load_dataset(folder)
    assert len(data.sounds[0].occurrences) == 2
    (broken,) = data.broken
    assert broken.line == 3
    assert reason in broken.reason
    with pytest.raises(InputError, match=r"annotations\.csv, line 3: ") as refusal:
        load_dataset(folder, strict=True)
    assert reason in str(refusal.value)
    assert refusal.value.exit_status == 2


def test_a_file_that_is_no_audio_breaks_its_rows(folder):
    (folder / "audio" / "n.wav").write_text("no sound", encoding="utf-8")
    write(folder, "a.wav,x,1,2,,,\nn.wav,x,1,2,,,\n")
    assert "n.wav cannot be read as audio" in load_dataset(folder).broken[0].reason


def test_tables_as_spreadsheets_write_them_are_read(folder):
    text = "\ufefffile;class;start;end\na.wav;x;1,5;2,5\n"
    (folder / "annotations.csv").write_text(text, encoding="utf-8")
    assert load_dataset(folder).sounds[0].occurrences == (Span(1.5, 2.5),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.timeout(60)
def test_a_table_that_is_no_file_is_told(folder):
    os.mkfifo(folder / "annotations.csv")
    with pytest.raises(AudioError, match=r"annotations\.csv is a pipe; a plain file is wanted there"):
        load_dataset(folder)


def test_a_missing_column_is_named(folder):
    write(folder, "", header="file,class,start\n")
    with pytest.raises(InputError, match="column 'end' is missing"):
        load_dataset(folder)


def test_annotators_hear_their_own_sounds(folder):
    header = HEADER.replace("\n", ",annotator\n")
    write(folder, "a.wav,x,1,2,,,,ann\na.wav,x,1.1,2,,,,bob\n", header=header)
    assert [sound.name for sound in load_dataset(folder).sounds] == ["x (ann)", "x (bob)"]


def test_label_files_beside_the_audio_stand_in_for_rows(folder):
    write(folder, "a.wav,x,1,2,,,\n")
    (folder / "audio" / "a.txt").write_text("5\t6\tignored\n", encoding="utf-8")
    (folder / "audio" / "b ü.txt").write_text(
        "1.0\t2.0\tstab\n3.0\t4.0\tstab\n5.0\t6.0\tstab (near)\n", encoding="utf-8"
    )
    first, second = load_dataset(folder).sounds
    assert first.class_ == "x"
    assert second.class_ == "stab"
    assert second.occurrences == (Span(1.0, 2.0), Span(3.0, 4.0))
    assert second.near == (Span(5.0, 6.0),)


def test_reaper_region_tables_are_read(folder):
    text = "#,Name,Start,End,Length\nR1,hit,0:01.000,0:02.500,0:01.500\nR2,hit,0:04.000,0:05.500,0:01.500\n"
    (folder / "audio" / "a.csv").write_text(text, encoding="utf-8")
    assert load_dataset(folder).sounds[0].occurrences == (Span(1.0, 2.5), Span(4.0, 5.5))


def test_a_dcase_table_names_its_files(folder):
    text = "filename\tonset\toffset\tevent_label\na.wav\t1.0\t2.0\tbark\nb ü.wav\t3.0\t4.0\tbark\n"
    (folder / "events.tsv").write_text(text, encoding="utf-8")
    assert [sound.file for sound in load_dataset(folder).sounds] == ["a.wav", "b ü.wav"]


def test_broken_labels_are_skipped_line_by_line(folder):
    text = "1.0\t2.0\tstab\n3.0\tthree\tstab\n4.0\t4.0\tstab\n5.0\t60.0\tstab\n7.0\t8.0\tstab\n"
    (folder / "audio" / "a.txt").write_text(text, encoding="utf-8")
    data = load_dataset(folder)
    assert data.sounds[0].occurrences == (Span(1.0, 2.0), Span(7.0, 8.0))
    assert [row.line for row in data.broken] == [2, 3, 4]
    assert all(row.path.name == "a.txt" for row in data.broken)
    with pytest.raises(InputError, match=r"a\.txt, line 2"):
        load_dataset(folder, strict=True)


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        load_dataset(tmp_path / "none")
    with pytest.raises(InputError, match=r"neither annotations\.csv nor label files"):
        load_dataset(tmp_path)
    (tmp_path / "annotations.csv").write_text(HEADER + "a.wav,x,1,2,,,\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no usable row \(1 broken; the first: .*line 2: no such audio file"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"\xff\xfe,1\n", "line 2: it is not UTF-8; save the table as UTF-8"),
        (b"x,1\ny,\xe4\n", "line 3: it is not UTF-8"),
        (b'"' + b"x" * 200_000 + b'",1\n', "line 2: field larger than field limit"),
    ],
)
def test_a_song_table_that_cannot_be_read_is_told_by_its_line(folder, rows, said):
    write(folder, "a.wav,x,1,2,,,\n")
    (folder / "songs.csv").write_bytes(b"file,composer_group\n" + rows)
    with pytest.raises(InputError, match=rf"songs\.csv, {said}"):
        load_dataset(folder)


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders")
def test_a_song_table_that_is_no_file_is_not_waited_for(folder):
    write(folder, "a.wav,x,1,2,,,\n")
    os.mkfifo(folder / "songs.csv")
    with pytest.raises(AudioError, match=r"songs\.csv"):
        load_dataset(folder)
