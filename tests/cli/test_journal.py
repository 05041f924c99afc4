"""``reatrieve journal check`` says what is wrong, and its exit status says whether anything is."""

import shutil
from pathlib import Path

import pytest

from reatrieve.cli import main

GOLDEN = Path(__file__).parents[1] / "journal" / "golden" / "version-1.journal.jsonl"


def check(capsys, *paths):
    status = main(["journal", "check", *map(str, paths)])
    return status, capsys.readouterr().out


def test_a_good_journal(capsys):
    status, said = check(capsys, GOLDEN)
    assert (status, said) == (0, f"{GOLDEN}: all is well: 12 events, 2 answers, 0 accepted\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [*rows[:3], b'{"v":1}', *rows[4:], b""], "line 4 is damaged: it has no 't'\n"),
        (lambda rows: [*rows[:4], rows[12][:20]], "the last line is torn (20 bytes); it will be dropped\n"),
        (lambda rows: [rows[0].replace(b'"v":1', b'"v":9'), b""], "version 9, this is version 2"),
        (lambda rows: [rows[0], rows[2], b""], "line 2 is damaged: a session begins with its example"),
        (lambda rows: [b"rubbish", b""], "no journal"),
        (lambda rows: [rows[0].replace(b'"items"', b'"Items"'), rows[1], b""], "nothing can be used"),
    ],
)
def test_what_is_wrong_is_said(capsys, tmp_path, change, said):
    path = tmp_path / "x ü.journal.jsonl"
    path.write_bytes(b"\n".join(change(GOLDEN.read_bytes().splitlines())))
    before = path.read_bytes()
    status, out = check(capsys, path)
    assert status == 1
    assert said in out
    assert all(line.count(str(path)) == 1 for line in out.splitlines())
    assert path.read_bytes() == before


def test_several_at_once(capsys, tmp_path):
    good = shutil.copy(GOLDEN, tmp_path / "good.jsonl")
    status, said = check(capsys, good, tmp_path / "none.jsonl", tmp_path)
    assert status == 1
    assert ["all is well" in said, "cannot be read" in said, "a folder" in said] == [True, True, True]
