"""``reatrieve convert`` where its output cannot be what was typed, or has no folder yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reatrieve import files
from reatrieve.cli import main
from signals import noise, write_sound


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
    said = f"reatrieve: error: OUT {labels / 'x.txt'}: {labels} is not a folder; choose another place\n"
    assert capsys.readouterr().err == said


@pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor devices in folders")
@pytest.mark.parametrize("made", ["pipe", "device", "link to a pipe"])
def test_what_is_no_plain_file_is_not_waited_for(
    made: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("/dev/zero") if made == "device" else tmp_path / "pipe"
    if made != "device":
        os.mkfifo(path)
    if made.startswith("link"):
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    kind = "a device" if made == "device" else "a pipe"
    sound = write_sound(tmp_path / "a.wav", noise(8000), 8000)
    for words in (
        ["convert", path, tmp_path / "o.txt"],
        ["export", "--regions", path, "--audio", sound],
        ["export", "--rpp", path],
        ["find", sound, "--annotations", path],
    ):
        assert main([*map(str, words)]) == 1
        assert capsys.readouterr().err == f"reatrieve: error: {path} is {kind}; a plain file is wanted there\n"
    assert main(["convert", str(labels), str(path), "--to", "audacity", "--force"]) == 2
    assert capsys.readouterr().err == f"reatrieve: error: OUT {path} is no plain file; name a file\n"
    assert not path.is_file()


def test_a_file_that_cannot_be_read_is_replaced_with_force_only(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "o.txt"
    words = ["convert", str(labels), str(target), "--to", "audacity"]
    assert main(words) == 0
    content, size = target.read_bytes(), target.stat().st_size
    target.write_bytes(b"?" * size)
    opened = files.open_source

    def unreadable(path: Path) -> object:
        if path == target:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(files, "open_source", unreadable)
    assert main(words) == 2
    assert "already exists; add --force to replace it" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    assert target.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_a_file_is_that_file(labels: Path, tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(labels)
    assert main(["convert", str(tmp_path / "link.txt"), str(tmp_path / "o.csv")]) == 0


def test_a_file_too_large_for_labels_is_told_before_it_is_read_whole(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reatrieve.annotations.delimited.MAX_TEXT_BYTES", 10)
    assert main(["convert", str(labels), str(tmp_path / "o.csv")]) == 1
    assert capsys.readouterr().err == (
        f"reatrieve: error: {labels} is larger than 10 bytes; that is no annotation file\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "options", "text"),
    [
        ("labels.txt", "1.0\t2.0\tzap\n", ["--rate", "8000"], "--rate has no effect"),
        ("a.csv", "file,class,start,end\na.wav,zap,1.0,2.0\n", ["--unit", "ms"], "--unit has no effect"),
        ("a.csv", "file,class,start,end\na.wav,zap,1.0,2.0\n", ["--unit", "seconds"], "--unit has no effect"),
        ("labels.txt", "1.0\t2.0\tzap\n", ["--file", "no.wav"], "--file has no effect: labels.txt names no recording"),
        ("labels.txt", "1.0\t2.0\tzap\n", ["--file", "no.wav", "--to", "dcase"], "--file has no effect"),
        ("a.csv", "file,class,start,end\na.wav,zap,1.0,2.0\n", ["--file", "a.wav"], ""),
        ("labels.txt", "1.0\t2.0\tzap\n", ["--unit", "ms"], ""),
        ("a.csv", "start,end,label\n8000,16000,zap\n", ["--unit", "samples", "--rate", "8000"], ""),
        ("a.csv", "start,end,label\n8000,16000,zap\n", ["--rate", "8000"], ""),
        ("a.csv", "start,end,label\n1000,2000,zap\n", ["--unit", "ms"], ""),
        ("a.csv", "start,end,label\n1.5,2.5,zap\n", ["--unit", "seconds"], ""),
        ("a.csv", "time,label\n0,zap\n", ["--unit", "ms"], ""),
        ("a.csv", "time,label\n0,zap\n", ["--rate", "8000"], ""),
    ],
)
def test_an_option_that_changes_nothing_is_refused(
    name: str, content: str, options: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    out = tmp_path / "out.txt"
    assert main(["convert", str(tmp_path / name), str(out), "--to", "audacity", *options]) == (2 if text else 0)
    assert text in capsys.readouterr().err
    assert out.exists() is not bool(text)


def test_a_cue_wav_that_was_cut_off_is_told_and_never_taken_for_one_without_labels(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write_sound(tmp_path / "song.wav", noise(8000 * 3), 8000)
    assert main(["export", "--regions", str(labels), "--audio", str(song), "--to", "wav", "--out", str(tmp_path)]) == 0
    whole = (tmp_path / "song.cues.wav").read_bytes()
    cut = tmp_path / "cut.wav"
    at_labels = whole.index(b"cue ")
    for n_bytes in (len(whole) // 2, at_labels, at_labels + 30, whole.index(b"LIST", at_labels), len(whole) - 3):
        cut.write_bytes(whole[:n_bytes])
        capsys.readouterr()
        assert main(["convert", str(cut), str(tmp_path / "o.csv")]) == 2
        said = capsys.readouterr().err
        assert f"cut.wav was cut off: its header promises {len(whole)} bytes, {n_bytes} are there" in said
        assert "its labels stand behind the sound, so take another copy" in said
    first = whole.index(b"data")
    head = bytearray(whole[:12] + whole[at_labels:] + whole[12:at_labels])  # some programs put labels first
    cut.write_bytes(head[: len(head) - (at_labels - first) // 2])
    assert main(["convert", str(cut), str(tmp_path / "o.csv")]) == 0
    assert "note: cut.wav was cut off: its header promises" in capsys.readouterr().out
    cut.write_bytes(whole)
    assert main(["convert", str(cut), str(tmp_path / "whole.csv")]) == 0
    assert "cut off" not in capsys.readouterr().out


def test_labels_before_the_start_are_told_and_refused_where_the_format_has_no_such_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "early.txt"
    path.write_text("-1.0\t2.0\tzap\n3.0\t4.0\tzap\n", encoding="utf-8")
    assert main(["convert", str(path), str(tmp_path / "o.jams")]) == 2
    assert "'zap' starts at -1 s, before the recording, and JAMS takes no time below 0" in capsys.readouterr().err
    assert not (tmp_path / "o.jams").exists()
    assert main(["convert", str(path), str(tmp_path / "o.csv")]) == 0
    assert "note: 1 label lies before the start of the recording: 'zap' starts at -1 s" in capsys.readouterr().out
