"""The truth that answers ``find`` and ``demo``: any table, one sound, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from reatrieve.annotations.truth import load_truth
from reatrieve.errors import AudioError, InputError
from reatrieve.session.spans import Span

HEAD = "file,class,start,end,kind,ratio_db,flag"


def table(tmp_path: Path, *rows: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_rows_of_one_sound_in_one_file(tmp_path: Path) -> None:
    rows = [
        "s/x.ogg,a,5,6,,,",
        "s/x.ogg,a,1,2,,,",
        "s/x.ogg,a,3,4,,,near",
        "s/x.ogg,b,7,8,,,",
        "x.ogg,a,9,10,,,",
        "y.ogg,a,0,1,,,",
    ]
    truth = load_truth(table(tmp_path, HEAD, *rows), tmp_path / "s" / "x.ogg", "a")
    assert truth.occurrences == (Span(1, 2), Span(5, 6), Span(9, 10))
    assert truth.near == (Span(3, 4),)


def test_recall_counts_first_hits_without_the_example(tmp_path: Path) -> None:
    truth = load_truth(table(tmp_path, HEAD, *(f"x.ogg,a,{k},{k + 1},,," for k in (1, 3, 5, 7))), Path("x.ogg"))
    truth.mark(Span(1.1, 2.0))
    assert (truth.class_, truth.example, truth.n_others, truth.recall) == ("a", 0, 3, 0.0)
    assert truth.answer(Span(3.2, 4.2)).verdict == "accept"
    assert truth.answer(Span(3.0, 4.0)).verdict == "accept"  # again: a yes that finds nothing
    assert truth.answer(Span(1.0, 2.0)).verdict == "accept"
    assert truth.answer(Span(9.0, 10.0)).verdict == "reject"
    assert (truth.found, truth.recall) == (1, pytest.approx(1 / 3))


def test_an_example_beside_the_annotations_leaves_all_to_find(tmp_path: Path) -> None:
    truth = load_truth(table(tmp_path, HEAD, "x.ogg,a,1,2,,,"), Path("x.ogg"))
    truth.mark(Span(5.0, 6.0))
    assert (truth.example, truth.n_others) == (None, 1)
    truth.mark(Span(1.0, 2.0))
    assert (truth.n_others, truth.recall) == (0, None)


def test_excel_and_audacity_are_read_too(tmp_path: Path) -> None:
    excel = table(tmp_path, "file;class;start;end", "x.ogg;a;1,5;2,5")
    assert load_truth(excel, Path("x.ogg")).occurrences == (Span(1.5, 2.5),)
    audacity = table(tmp_path, "1.5\t2.5\tzap", "3.0\t3.5\tzap (near)", "4.0\t4.0\tzap", name="labels.txt")
    truth = load_truth(audacity, Path("x.ogg"), "zap")
    assert (truth.occurrences, truth.near) == ((Span(1.5, 2.5),), (Span(3.0, 3.5),))


@pytest.mark.parametrize(
    ("rows", "class_", "message"),
    [
        (["y.ogg,a,1,2,,,"], "a", "says nothing of x.ogg"),
        (["x.ogg,a,1,2,,,", "x.ogg,b,1,2,,,"], None, "choose one by --class: a, b"),
        (["x.ogg,a,1,2,,,"], "c", "'c' is not annotated there; choose one by --class: a"),
        (["x.ogg,a,1,2,,,near"], "a", "no occurrence"),
        (["x.ogg,a,2,1,,,"], "a", "line 2"),
        (["x.ogg,a,one,2,,,"], "a", "line 2"),
    ],
)
def test_errors_say_what_is_wrong_and_what_there_is(
    tmp_path: Path, rows: list[str], class_: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_truth(table(tmp_path, HEAD, *rows), Path("x.ogg"), class_)


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="gone"):
        load_truth(tmp_path / "gone.csv", Path("x.ogg"))
