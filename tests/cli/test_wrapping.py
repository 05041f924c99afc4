"""Long lines in a narrow terminal, and whole ones in a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reatrieve.cli import _in_lines
from reatrieve.cli.wrapping import terminal_columns, wrapped
from reatrieve.lab.tables import Table

LINE = "DO  REAPER: start REAPER once, or name its resource folder by --resource-path, which REAPER shows itself"
ROWS = (("default", ".950", ".9 to 1"), ("paper", ".5", "-"))
TABLE = Table("Recall", ("retriever", "recall", "95 %"), ROWS, "So so.")


def test_a_line_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = wrapped(LINE, indent=4).splitlines()
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("    ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(LINE.split())
    assert wrapped("short", indent=4) == "short"


def test_a_path_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    path = "/a/very/long/path-to/some-where/that/is/copied"
    assert path in wrapped(f"look into {path} and see", indent=4)


def test_a_pipe_gets_lines_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    with (tmp_path / "out").open("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "__stdout__", file)
        assert terminal_columns() is None
        assert wrapped(LINE, indent=4) == LINE
        assert max(map(len, wrapped(LINE, indent=4, at_most=50).splitlines())) <= 50


def test_an_error_fits_the_terminal_and_its_command_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = _in_lines("the files exist already in a folder; this replaces them: reatrieve export a b --to json --force")
    *sentence, command = lines.splitlines()
    assert max(map(len, sentence)) <= 40
    assert command == "  reatrieve export a b --to json --force"
    assert max(map(len, _in_lines("a: no such file, " * 9).splitlines())) <= 40


def test_a_table_that_is_too_wide_becomes_blocks() -> None:
    wide = TABLE.text()
    assert wide.splitlines()[1] == "retriever  recall     95 %"
    assert TABLE.text(len(wide.splitlines()[1])) == wide
    assert TABLE.text(25).splitlines() == [
        "Recall",
        "retriever default",
        "  recall  .950",
        "  95 %    .9 to 1",
        "retriever paper",
        "  recall  .5",
        "  95 %    -",
        "So so.",
    ]
