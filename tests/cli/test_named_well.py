"""What cannot be used is named as it was typed, before anything is changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reatrieve import limits
from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.settings import Settings
from signals import noise, write_sound


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "a.wav", noise(44100 * 3), 44100)


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) in (1, 2)
    return capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="has no such rights")
@pytest.mark.parametrize("token", ["short", "", "x" * (limits.TEXT_BYTES + 1)])
def test_a_token_that_is_refused_leaves_its_file_alone(
    token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "h.txt"
    path.write_text(token, encoding="utf-8")
    path.chmod(0o644)
    command = ["serve", "--home", tmp_path / "home", "--host", "0.0.0.0", "--token-file", path]
    assert "token" in said(capsys, *command)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("port = 99999", "port 99999 is outside 0..65535"),
        ("idle_minutes = -5", "idle_minutes is -5"),
        ("cache_size_mb = -1", "cache_size_mb is -1"),
        ("token = " + "x" * (limits.TEXT_BYTES + 1), "the token is longer than"),
    ],
)
def test_a_value_out_of_range_is_told_with_file_and_line(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text(f"# mine\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"settings\.txt, line 2: {reason}"):
        Settings.load({"home": tmp_path}, {})
    told: list[str] = []
    Settings.load({"home": tmp_path}, {}, on_mistake=told.append)
    assert [f"settings.txt, line 2: {reason}" in one for one in told] == [True]
    name, _, value = line.partition(" = ")
    (tmp_path / "settings.txt").unlink()
    with pytest.raises(InputError, match=rf"^REATRIEVE_{name.upper()}: {reason}"):
        Settings.load({"home": tmp_path}, {f"REATRIEVE_{name.upper()}": value})


def test_a_flag_takes_the_place_of_a_value_out_of_range(tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text("port = 99999\n", encoding="utf-8")
    assert Settings.load({"home": tmp_path, "port": 5}, {}).port == 5
    with pytest.raises(InputError, match=r"^port 99999 is outside"):
        Settings.load({"home": tmp_path, "port": 99999}, {})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n" * 300, "the name has 300 bytes, at most 200 are taken; choose a shorter one"),
        ("é" * 101, "the name has 202 bytes, at most 200 are taken; choose a shorter one"),
        ("..", "the name '..' has nothing but dots; choose one with letters"),
        (".", "the name '.' has nothing but dots; choose one with letters"),
    ],
)
def test_a_name_that_files_cannot_have_is_blamed_itself(
    name: str, reason: str, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.txt").write_text("1.0\t2.0\tx\n", encoding="utf-8")
    out = tmp_path / "out"
    command = ["export", "--regions", tmp_path / "r.txt", "--audio", sound, "--out", out]
    assert said(capsys, *command, "--name", name) == f"reatrieve: error: {reason}\n"
    assert not out.exists()
    assert main([str(word) for word in (*command, "--name", "n" * 200)]) == 0


def test_a_file_in_the_place_of_a_folder_is_named_by_its_option(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "dataset", "add", tmp_path / "j.journal.jsonl", "--out", sound)
    assert told == f"reatrieve: error: --out {sound} is not a folder; choose another place\n"
    told = said(capsys, "demo", "--out", sound)
    assert told == f"reatrieve: error: --out {sound} is not a folder; choose another place\n"
    told = said(capsys, "serve", "--home", sound)
    assert told == (
        f"reatrieve: error: the home folder {sound} cannot be used: it is a file; choose another with --home\n"
    )


def test_what_is_of_another_kind_is_told_with_what_to_do(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "find", sound, "--annotations", sound, "--class", "x")
    assert "it has no labels; name a file that has some" in told
    (tmp_path / "bad.rpp").write_text("no project", encoding="utf-8")
    told = said(capsys, "export", "--rpp", tmp_path / "bad.rpp")
    assert told == "reatrieve: error: bad.rpp is not a REAPER project; name an .rpp file that REAPER saved\n"


def test_a_lock_that_was_just_made_is_not_left_behind_by_a_disk_that_tells_nothing(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.txt").write_text("1.0\t2.0\tx\n", encoding="utf-8")
    out = tmp_path / "out"
    real, asked = os.fstat, []
    out.mkdir()

    def fstat(handle: int) -> os.stat_result:
        found = real(handle)
        lock = out / ".reatrieve-export.lock"
        if lock.exists() and os.path.samestat(found, lock.stat()):
            asked.append(handle)
            if len(asked) == 1:
                raise OSError(5, "Input/output error")
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    main(["export", "--regions", str(tmp_path / "r.txt"), "--audio", str(sound), "--out", str(out)])
    assert asked
    assert not (out / ".reatrieve-export.lock").exists()
