"""``annotations.csv``: one reading for `evaluate` and `find`, and for whoever adds rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.annotations import row_reader
from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.own_table import OwnTable
from reatrieve.annotations.sidecars import labels_beside
from reatrieve.annotations.truth import load_truth
from reatrieve.errors import InputError
from reatrieve.lab.dataset import load_dataset
from reatrieve.session.spans import Span

HEADER = "file,class,start,end,kind,ratio_db,flag"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Klänge"
    (folder / "audio").mkdir(parents=True)
    soundfile.write(folder / "audio" / "a.wav", np.zeros(8000 * 20, dtype=np.float32), 8000)
    return folder


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "annotations.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "occurrences", "near", "reason"),
    [
        (["a.wav,kick,1,2,,,", "a.wav,kick,3,4,,, near"], 1, 1, ""),
        (["a.wav,kick ,1,2,,,", "a.wav,kick,3,4,,,"], 2, 0, ""),
        (["a.wav,kick,1,2,,,", "a.wav,kick,3,4,,,maybe"], 1, 0, "line 3: flag 'maybe' is unknown"),
        (["a.wav,kick,1,2,,,", "a.wav,kick,-3,4,,,"], 1, 0, "line 3: start -3 s lies before"),
        (["a.wav,kick,1,2,,,", "a.wav,kick,18,400,,,"], 1, 0, "line 3: end 400 s lies after the end of a.wav"),
        (["a.wav,kick,1,2,,,", "a.wav,kick,x,4,,,"], 1, 0, "line 3: start 'x' is not a number"),
        (["a.wav,kick,1,2,,,", "a.wav,kick,1_0,14,,,"], 1, 0, "line 3: start '1_0' is not a number"),
        (["a.wav,kick,1,2,,,", "a.wav,kick,3,4,,,,,"], 1, 0, "line 3: 9 fields where the header has 7"),
        (["a.wav,kick,1,2,,,", 'a.wav,"kick,3,4,,,'], 1, 0, "line 3: a quotation mark is not closed"),
        (["a.wav,kick,1,2,,,"], 1, 0, ""),
    ],
)
def test_evaluate_and_find_read_every_row_alike(folder, rows, occurrences, near, reason):
    table = write(folder, *rows)
    data = load_dataset(folder)
    truth = load_truth(table, folder / "audio" / "a.wav")
    (sound,) = data.sounds
    assert (len(sound.occurrences), len(sound.near)) == (occurrences, near)
    assert (truth.occurrences, truth.near) == (sound.occurrences, sound.near)
    assert [str(row) for row in truth.broken] == [str(row) for row in data.broken]
    assert reason in "".join(str(row) for row in truth.broken)
    assert (truth.skipped_rows == "") == (not reason)
    if reason:
        for strict in (
            lambda: load_dataset(folder, strict=True),
            lambda: load_truth(table, folder / "audio" / "a.wav", strict=True),
        ):
            with pytest.raises(InputError, match=r"annotations\.csv, line 3"):
                strict()


def test_broken_rows_are_counted_and_the_first_is_named(folder):
    table = write(folder, "a.wav,kick,1,2,,,", "a.wav,kick,2,1,,,", "b.wav,kick,2,1,,,", "a.wav,,2,3,,,", ",x,1,2,,,")
    truth = load_truth(table, folder / "audio" / "a.wav")
    assert truth.skipped_rows == (
        f"3 broken rows were skipped; the first: {table}, line 3: end 1 s does not lie after start 2 s"
    )
    only = write(folder, "a.wav,kick,1,2,,,", "a.wav,kick,2,1,,,")
    assert load_truth(only, folder / "audio" / "a.wav").skipped_rows.startswith("1 broken row was skipped: ")


def test_annotators_are_told_apart(folder):
    table = write(folder, "a.wav,kick,1,2,ann", "a.wav,kick,1.1,2,bob", header="file,class,start,end,annotator")
    with pytest.raises(InputError, match=r"several annotators heard 'kick'; .*: kick \(ann\), kick \(bob\)"):
        load_truth(table, folder / "audio" / "a.wav", "kick")
    assert load_truth(table, folder / "audio" / "a.wav", "kick (bob)").occurrences == (Span(1.1, 2.0),)
    one = write(folder, "a.wav,kick,1,2,ann", header="file,class,start,end,annotator")
    assert load_truth(one, folder / "audio" / "a.wav", "kick").class_ == "kick (ann)"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("before", ["", "sep=;\n", '"sep=;"\n'])
def test_whatever_a_spreadsheet_does_to_it(folder, encoding, before):
    path = folder / "annotations.csv"
    path.write_bytes(f"{before}File;Class;Start;End\na.wav;Größe;1,5;2,5\n".encode(encoding))
    assert load_dataset(folder, strict=True).sounds[0].class_ == "Größe"
    truth = load_truth(path, folder / "audio" / "a.wav")
    assert (truth.class_, truth.occurrences) == ("Größe", (Span(1.5, 2.5),))
    assert OwnTable.read(path).separator == ";"


def test_convert_and_export_read_it_with_the_same_reader(folder):
    table = write(folder, "s\\a.wav,kick,1,2,,,", "a.wav,kick,3,4,,,near")
    assert [(a.file, a.start_s, a.label) for a in read_annotations(table)] == [
        ("s/a.wav", 1.0, "kick"),
        ("a.wav", 3.0, "kick (near)"),
    ]
    with pytest.raises(InputError, match=r"annotations\.csv, line 2: flag 'far' is unknown"):
        read_annotations(write(folder, "a.wav,kick,1,2,,,far"))


def test_a_column_twice_is_refused(folder):
    with pytest.raises(InputError, match="column 'end' stands there twice"):
        OwnTable.read(write(folder, "a.wav,x,1,2,3", header="file,class,start,end,end"))


def test_each_row_of_a_label_file_is_read_once_however_many_are_bad(folder, monkeypatch):
    lines = [f"{i}.0\t{i}.5\tkick\n{i}.9\t{i}.1\tbad\n" for i in range(400)]
    (folder / "audio" / "a.txt").write_text("".join(lines), encoding="utf-8")
    read = []
    parse = row_reader.parse_time_s
    monkeypatch.setattr(row_reader, "parse_time_s", lambda *args, **more: read.append(args) or parse(*args, **more))
    found = [label for _, _, label in labels_beside(folder / "audio" / "a.wav")]
    assert sum(isinstance(label, str) for label in found) == 400
    assert len(read) == 1600


def test_labels_beside_the_audio_that_name_other_audio_are_told(folder):
    text = "filename\tonset\toffset\tevent_label\na.flac\t1.0\t2.0\tx\nb.wav\t3.0\t4.0\tx\n"
    (folder / "audio" / "a.tsv").write_text(text, encoding="utf-8")
    data = load_dataset(folder)
    assert data.sounds[0].occurrences == (Span(1.0, 2.0),)
    assert "line 3: the row is of b.wav, not of a.wav" in str(data.broken[0])


def test_a_label_file_that_cannot_be_read_at_all_is_one_broken_row(folder):
    (folder / "audio" / "a.csv").write_text("#,Name,Start,End,Length\nR1,x,1,3,2\n", encoding="utf-8")
    write(folder, "a.wav,kick,1,2,,,")
    soundfile.write(folder / "audio" / "b.wav", np.zeros(8000 * 20, dtype=np.float32), 8000)
    (folder / "audio" / "b.csv").write_text("#,Name,Start,End,Length\nR1,x,1,3,2\n", encoding="utf-8")
    (broken,) = load_dataset(folder).broken
    assert str(broken) == (
        f"{folder / 'audio' / 'b.csv'}: its times are whole numbers, which may be seconds or sample numbers; say which "
        "by --unit seconds, or --unit samples --rate HZ, or write seconds with a decimal point (12.0)"
    )


def test_tables_of_a_data_set_may_name_audio_by_its_whole_path(folder, tmp_path):
    soundfile.write(tmp_path / "b.wav", np.zeros(8000 * 20, dtype=np.float32), 8000)
    text = f"filename\tonset\toffset\tevent_label\n{tmp_path / 'b.wav'}\t1.0\t2.0\tx\n"
    (folder / "events.tsv").write_text(text, encoding="utf-8")
    (recording,) = load_dataset(folder).recordings
    assert recording.path == tmp_path / "b.wav"


def test_find_reads_a_list_in_samples_of_its_audio(folder):
    table = folder / "list.csv"
    table.write_text("start_sample,end_sample,label\n8000,16000,kick\n24000,24000,kick\n", encoding="utf-8")
    truth = load_truth(table, folder / "audio" / "a.wav")
    assert truth.occurrences == (Span(1.0, 2.0),)
    assert truth.skipped_rows.endswith("list.csv, line 3: 'kick' marks a point; a sound needs a start and an end")
