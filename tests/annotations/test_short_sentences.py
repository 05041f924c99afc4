"""What a sentence quotes of a file is short, however long the cell."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.own_table import OwnTable
from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.plain import quoted, shortened
from reatrieve.settings import Settings

LONG = "x" * 9000
NUMBER = "1" * 9000
TABLES = {
    "unit": f"start ({LONG}),end,label\n1,2,x\n",
    "column twice": f"label,start,end,{LONG},{LONG}\n1,2,x\n",
    "time": f"1.5\t2.5\tx\n{LONG}\t2\tx\n",
    "clock": f"1.5\t2.5\tx\n{NUMBER}:70\t2\tx\n",
    "milliseconds": f"start (ms),end (ms),label\n{NUMBER}.{LONG},2,x\n",
    "samples": f"start (44100 hz),end (44100 hz),label\n1.{NUMBER},2,x\n",
    "flag": f"start,end,label,flag\n1.5,2,x,{LONG}\n",
    "rate": f"start,end,label,sample rate\n1.5,2,x,{LONG}\n",
    "score": f"start,end,label,score\n1.5,2,x,{LONG}\n",
    "unit of a row": f"start,end,label,time format\n1.5,2,x,{LONG}\n",
    "moves": f"start,end,label,offset {LONG}\n1.5,2,x,5\n",
    "parts": f"start,end,label,site {LONG}\n1.5,2,x,5\n2.5,3,x,6\n",
    "ends": f"start,label,ende {LONG}\n1.5,x,2.5\n",
    "label": f"start,end,{LONG},b\n1.5,2,x,y\n",
    "files": f"start,end,label,begin file,end file\n1.5,2,x,{LONG}a,{LONG}b\n",
    "recordings": "\n".join(["start,end,label,file", *(f"1.5,2,x,{LONG}{n}" for n in range(3))]),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_refusal_of_a_table_is_short(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(TABLES[table], encoding="utf-8")
    main(["convert", str(path), str(tmp_path / "o.txt"), "--to", "raven"])
    said = capsys.readouterr()
    assert len(said.out + said.err) < 900
    if table != "recordings":  # which only a format for one recording refuses
        with pytest.raises(InputError) as refused:
            read_annotations(path)
        assert len(str(refused.value)) < 500


def test_rows_of_a_data_set_are_told_shortly(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(f"file,class,start,end,flag\nx,x,{LONG},2,\nx,x,1,2,{LONG}\n", encoding="utf-8")
    assert all(len(str(row.read)) < 300 for row in OwnTable.read(path).events())


@pytest.mark.parametrize("line", [LONG, f"{LONG} = 5", f"port = {LONG}", f"udp = {LONG}", f"cache = ~{LONG}"])
def test_lines_of_settings_are_told_shortly(line: str, tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=r"settings\.txt, line 1") as refused:
        Settings.load({"home": tmp_path}, {})
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    "words",
    [
        ["find", "a.wav", "--start", LONG, "--end", "2"], ["export", "j", "--bpm", LONG], [LONG],
        ["find", "a.wav", f"--{LONG}"], ["export", "j", "--audio-sha256", LONG], ["export", "j", "--to", LONG],
        ["convert", "a", "b", "--unit", LONG], ["convert", "a", "b", "--to", LONG],
    ],
)  # fmt: skip
def test_words_of_the_command_line_are_told_shortly(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        main(words)
    assert len(capsys.readouterr().err) < 900


def test_the_helpers_cut_after_eighty_characters() -> None:
    assert quoted("it's") == '"it\'s"'
    assert (quoted("x" * 80), quoted("x" * 81)) == (repr("x" * 80), repr("x" * 80) + "...")
    assert (shortened("x" * 80), shortened("x" * 81)) == ("x" * 80, "x" * 80 + "...")
