"""What no recording has, in a table or list from outside: a sentence that names file and line, never a fault."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve import limits
from reatrieve.annotations import columns, unknown_columns
from reatrieve.annotations.files import annotation_rows, read_annotations
from reatrieve.annotations.own_table import OwnTable
from reatrieve.annotations.recordings import recording_names
from reatrieve.annotations.times import SECONDS, parse_time_s, time_unit
from reatrieve.cli import main
from reatrieve.errors import InputError
from sync.sync_sheets import pack, wav_bytes

MOST = limits.TIME_S


def audition(start: str, length: str) -> str:
    return f"Name\tStart\tDuration\tTime Format\tType\tDescription\nx\t{start}\t{length}\tdecimal\tCue\t\n"


TABLES = {
    "labels of Audacity": lambda a, b: f"{a}\t{b}\tx\n",
    "points": lambda a, b: f"{b}\tx\n",
    "REAPER's list": lambda a, b: f"#,Name,Start,End,Length\nR1,x,{a},{b},{b}\n",
    "DCASE": lambda a, b: f"filename\tonset\toffset\tevent_label\nx.wav\t{a}\t{b}\tx\n",
    "start and length": lambda a, b: f"start,duration,label\n{a},{b},x\n",
    "Audition": lambda a, b: audition(a, b),
    "Raven": lambda a, b: f"Begin Time (s)\tEnd Time (s)\tFile Offset (s)\tBegin File\tLabel\n0\t1\t{b}\tx.wav\tx\n",
    "annotations.csv": lambda a, b: f"file,class,start,end\nx.wav,x,{a},{b}\n",
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("far", ["1e20", "1e308", f"{MOST * 1.000001}"])
def test_a_time_that_no_recording_has_is_refused_by_its_line(table: str, far: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(TABLES[table]("0.0", far), encoding="utf-8")
    line = path.read_text(encoding="utf-8").count("\n")
    with pytest.raises(
        InputError, match=rf"^labels\.txt, line {line}: \S+ s is too far from 0; it lies between -1e\+07"
    ):
        read_annotations(path)


@pytest.mark.parametrize("table", [name for name in TABLES if name != "Raven"])
def test_a_time_at_the_limit_is_read(table: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(TABLES[table]("0.0", f"{MOST}"), encoding="utf-8")
    assert [one.end_s for one in read_annotations(path)] == [MOST]


def test_lists_without_lines_name_the_file(tmp_path: Path) -> None:
    jams = {"annotations": [{"data": [{"time": 1.0, "duration": 1e300, "value": "x"}]}]}
    sync = {"format": "reatrieve.sync", "audio": {"file": "a.wav", "sample_rate": 1000}}
    sync["events"] = [{"start_frame": 10**12, "end_frame": 10**12, "label": "x"}]
    cue = pack(b"cue ", struct.pack("<III4sIII", 1, 1, 0, b"data", 0, 0, 0xF0000000))
    contents = {
        "a.jams": json.dumps(jams).encode(),
        "a.sync.json": json.dumps(sync).encode(),
        "a.wav": wav_bytes(rate_hz=1, frames=10, after=[cue]),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"^{re.escape(name)}: .* is too far from 0; it lies between"):
            read_annotations(tmp_path / name)


@pytest.mark.parametrize("form", ["reaper", "audition", "audacity", "dcase", "jams", "raven", "sv"])
def test_no_format_is_written_of_such_times(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "big.txt"
    path.write_text("1e308\t1e308\tx\n1\t1e308\ty\n", encoding="utf-8")
    assert main(["convert", str(path), str(tmp_path / "out"), "--to", form]) == 2
    assert "big.txt, line 1: 1e+308 s is too far from 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_row_of_a_data_set_is_broken_by_it_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text("file,class,start,end\nx.wav,x,1,1e20\nx.wav,x,1,2\n", encoding="utf-8")
    bad, good = OwnTable.read(path).events()
    assert (bad.line, "too far from 0" in str(bad.read)) == (2, True)
    assert not isinstance(good.read, str)


@pytest.mark.parametrize("digits", [101, 400, 5000])
def test_numbers_with_hundreds_of_digits_are_no_times_and_no_units(digits: int) -> None:
    long = "1" * digits
    for text, unit in ((f"{long}:00", SECONDS), (f"{long}:00:00:00", time_unit("25 fps")), (f"{long}.1.1", SECONDS)):
        assert unit is not None
        with pytest.raises(InputError, match="is not a time") as refused:
            parse_time_s(text, unit)
        assert len(str(refused.value)) < 200
    for unit_text in (f"{long} hz", f"{long} fps", f"1.{long} fps"):
        assert time_unit(unit_text) is None


LONG = limits.CELL_CHARACTERS
SEPARATED = {"tabs": "\t", "commas": ",", "semicolons": ";"}


def refuse_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes names and cells apart must not be reached by a cell that is too long."""

    def unreached(text: str, *_: object) -> object:
        assert len(text) <= LONG
        return None

    for name in ("_key", "looks_like_time"):
        real = getattr(columns, name)
        monkeypatch.setattr(columns, name, lambda text, real=real: unreached(text) or real(text))


@pytest.mark.parametrize("separator", SEPARATED)
@pytest.mark.parametrize("row", [1, 2])
@pytest.mark.parametrize("length", [LONG + 1, 20_000, 200_000])
def test_a_cell_that_is_too_long_is_refused_before_anything_looks_at_it(
    separator: str, row: int, length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_look(monkeypatch)
    rows = [["start", "end", "label", "more"], ["1.5", "2.5", "x", "y"]]
    rows[row - 1][3] = "[" * length
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(SEPARATED[separator].join(cells) for cells in rows), encoding="utf-8")
    column = (
        rf"column 4 has {length} characters, at most {LONG} are taken" if length < 131_072 else "a cell has more than"
    )
    with pytest.raises(InputError, match=rf"^labels\.txt, line {row}: {column}.*; shorten it$"):
        read_annotations(path)


def test_a_cell_at_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(f"1.5\t2.5\t{'x' * LONG}\n", encoding="utf-8")
    assert [len(one.label) for one in read_annotations(path)] == [LONG]
    path.write_text(f"1.5 2.5 {'x' * (LONG + 1)}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^labels\.txt, line 1: column 3 has"):
        read_annotations(path)


def test_a_long_cell_of_a_data_set_is_a_broken_row_and_in_its_header_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(f"file,class,start,end\nx.wav,{'x' * (LONG + 1)},1,2\nx.wav,x,1,2\n", encoding="utf-8")
    bad, good = OwnTable.read(path).events()
    assert "column 2 has" in str(bad.read)
    assert not isinstance(good.read, str)
    assert [line for line, _ in annotation_rows(path)] == [2, 3]
    path.write_text(f"file,class,start,end,{'x' * (LONG + 1)}\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: column 5 has"):
        OwnTable.read(path)


@given(st.text("a ()[]s.\t", max_size=12))
def test_brackets_are_found_as_the_pattern_found_them(text: str) -> None:
    name = text.strip()
    found = re.match(r"(.*?)\s*[(\[]\s*([^)\]]*?)\s*[)\]]\s*$", name)
    assert columns._bracketed(name) == (found and found.groups())


@given(st.text("0159.,:;+ abst", max_size=12))
def test_times_at_the_begin_of_a_cell_are_found_as_the_pattern_found_them(text: str) -> None:
    pattern = r"\+?([.,:;\d]*[1-9][.,:;\d]*)( ?(?!st|nd|rd|th)[a-zA-Z]{1,3}\b| |$)"
    assert unknown_columns._begins_with_time(text) == (re.match(pattern, text, re.ASCII) is not None)


def test_deep_folders_make_no_more_than_their_own_length() -> None:
    depth = 4000
    paths = [f"/{n}/" + "a/" * depth + "x.wav" for n in range(3)]
    names = recording_names(paths)
    assert [names[path] for path in paths] == [path[1:] for path in paths]
