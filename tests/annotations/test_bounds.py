"""What no recording has, in a table or list from outside: a sentence that names file and line, never a fault."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from reatrieve import limits
from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.own_table import OwnTable
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
