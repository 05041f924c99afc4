"""``reatrieve convert`` where its output cannot be what was typed, or has no folder yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from reatrieve.cli import main


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("1.0\t2.0\tzap\n", encoding="utf-8")
    return path


def test_the_folder_is_made_as_export_makes_its_own(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "new one" / "Töne" / "labels.txt"
    assert main(["convert", str(labels), str(out)]) == 0
    assert out.read_text(encoding="utf-8").split() == ["1.000000", "2.000000", "zap"]


def test_a_place_that_takes_no_file_is_told_with_what_to_do(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(labels), str(tmp_path), "--to", "dcase"]) == 2
    assert capsys.readouterr().err == f"reatrieve: error: OUT {tmp_path} is a folder; name a file\n"
    assert main(["convert", str(labels), str(labels / "x.txt")]) == 2
    assert capsys.readouterr().err.endswith(f"{labels} is not a folder; choose another place\n")
