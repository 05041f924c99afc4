"""``reatrieve journal check`` says what is wrong, and its exit status says whether anything is."""

import re
import shutil
from pathlib import Path

import pytest

from journal.test_damage import DAMAGED
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.cli.values import command_line
from reatrieve.journal import Header, JournalFolder
from reatrieve.session.events import Started
from reatrieve.session.spans import Span
from signals import noise, write_sound

GOLDEN = Path(__file__).parents[1] / "journal" / "golden" / "version-1.journal.jsonl"


def check(capsys, *paths):
    status = main(["journal", "check", *map(str, paths)])
    return status, capsys.readouterr().out


def test_a_good_journal(capsys):
    status, said = check(capsys, GOLDEN)
    assert status == 0
    counted = "12 events, 2 answers, the example and 0 accepted"
    what = r"\S.* in \S.*, \d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"{re.escape(str(GOLDEN))}: all is well: {what}: {counted}\n", said)


def test_sessions_are_listed_the_latest_first(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path))
    assert main(["journal", "list"]) == 0
    assert "no session in" in capsys.readouterr().out
    for time_s, label in ((1.8e9, "riser"), (1.9e9, "stab")):
        header = Header(label, TrackMap((TrackItem(tmp_path / f"{label}.wav", 0.0, 9.0),)))
        folder = JournalFolder(tmp_path / "journals", now=lambda time_s=time_s: time_s)
        folder.create(header, events=[Started(Span(1.0, 1.5), label, 10, "default")]).close()
    (tmp_path / "journals" / "broken.journal.jsonl").write_text("rubbish")
    assert main(["journal", "list"]) == 0
    first, path, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("stab in stab.wav, 2030-")
    assert first.endswith(", the example and 0 accepted")
    assert path == f"  {tmp_path / 'journals' / 'stab.journal.jsonl'}"
    assert second.startswith("riser in riser.wav, 2027-")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [*rows[:3], b'{"v":1}', *rows[4:], b""], "line 4 is damaged: it has no 't'\n"),
        (lambda rows: [*rows[:4], rows[12][:20]], "line was not written completely and is left out (20 bytes)\n"),
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


@pytest.mark.parametrize(("change", "line"), DAMAGED.values(), ids=DAMAGED)
def test_what_stands_before_damage_is_exported_and_nothing_else_takes_it(capsys, tmp_path, change, line):
    """What ``check`` says of it is true, and whoever refuses it names the command that writes it."""
    path = tmp_path / "x.journal.jsonl"
    path.write_bytes(b"\n".join(change(GOLDEN.read_bytes().splitlines())))
    status, said = check(capsys, path)
    assert status == 1
    assert f"{path}: what stands before that can be exported: " in said
    assert "can be used" not in said
    song = write_sound(tmp_path / "song.wav", noise(60 * 8000), 8000)
    assert main(["export", str(path), "--audio", str(song), "--force", "--out", str(tmp_path / "Sync")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert re.search(
        rf"note: \S+, line {line} is damaged: .*; only what stands before that is taken \(\d answers?\)", told
    )
    for words in (["find", "--resume", path], ["dataset", "add", path, "--to", tmp_path / "set"]):
        assert main([*map(str, words)]) != 0
        error = " ".join(capsys.readouterr().err.split())
        assert f"line {line} is damaged: " in error
        assert re.search(r"; this writes what stands before that \(\d answers?\): reatrieve export ", error)
        assert error.endswith(command_line("export", path))


def test_several_at_once(capsys, tmp_path):
    good = shutil.copy(GOLDEN, tmp_path / "good.jsonl")
    status, said = check(capsys, good, tmp_path / "none.jsonl", tmp_path)
    assert status == 1
    assert "all is well" in said
    assert "a folder" in said
    assert f"\n{tmp_path / 'none.jsonl'}: no such file; check the path\n" in said


def test_a_journal_that_may_not_be_read_speaks_of_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reatrieve.journal.file.read_small", refused)
    path = tmp_path / "a.journal.jsonl"
    path.write_bytes(b"{}")
    assert main(["export", str(path)]) == 1
    told = capsys.readouterr().err
    assert f"{path}: cannot be read (Permission denied); check the rights of the file and its folder" in told


def test_a_newer_journal_is_told_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.journal.jsonl"
    path.write_bytes(b'{"reatrieve":"journal","v":99}\n')
    assert main(["export", str(path)]) == 1
    told = "is a journal of version 99, this is version 2 of journals; update ReaTrieve"
    assert told in " ".join(capsys.readouterr().err.split())
