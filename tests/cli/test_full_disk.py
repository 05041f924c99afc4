"""A disk that takes no more, and commands that write much: one sentence, and nothing of theirs stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faults import files_of_at_most
from reatrieve.cli import main
from reatrieve.lab.bench import answers
from signals import noise, write_sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands for the full disk")


@pytest.fixture
def quick_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench begins with its first file."""
    monkeypatch.setattr(answers, "default_ratios", lambda **_: [])
    monkeypatch.setattr(answers, "paper_ratio", lambda **_: None)


@pytest.mark.usefixtures("quick_bench")
@pytest.mark.parametrize("n_bytes", [600, 20_000])
def test_a_bench_whose_sound_cannot_be_written_is_one_sentence(n_bytes: int, capfd: pytest.CaptureFixture[str]) -> None:
    with files_of_at_most(n_bytes):
        status = main(["bench", "--no-hour", "--no-loop"])
    assert status == 1
    said = capfd.readouterr().err.splitlines()
    assert said[-1].startswith("reatrieve: error: ")
    assert said[-1].endswith("make room, or set the environment variable TMPDIR to another folder")
    assert len(said) == 2  # and what is measured


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--out", "{new}"],
        ["evaluate", "{data}", "--results", "{new}/of/it"],
        ["install", "--resource-path", "{data}", "--home", "{new}/of/it"],
        ["export", "--regions", "{data}/annotations.csv", "--audio", "{data}/audio/a.wav", "--out", "{new}/of/it"],
        ["convert", "{data}/annotations.csv", "{new}/of/labels.txt"],
        ["find", "{data}/audio/a.wav", "--start", "0.2", "--end", "0.5", "--journal", "{new}/of/a.journal.jsonl"],
        ["evaluate", "{data}", "--retriever", "mfcc-nn", "--json", "{new}/of/it.json"],
    ],
    ids=["demo", "evaluate", "install", "export", "convert", "find", "json"],
)
def test_a_new_folder_does_not_stay_empty(
    words: list[str], there: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, new = tmp_path / "data", tmp_path / "new"
    (data / "audio").mkdir(parents=True)
    (data / "reaper.ini").write_text("[REAPER]\n", encoding="utf-8")
    write_sound(data / "audio" / "a.wav", noise(2 * 8000), 8000)
    (data / "annotations.csv").write_text("file,class,start,end\na.wav,a,0.2,0.5\na.wav,a,1.2,1.5\n", encoding="utf-8")
    if there:
        new.mkdir()
    with files_of_at_most(20):
        status = main([word.format(new=new, data=data) for word in words])
    assert status == 1
    assert "cannot" in capsys.readouterr().err
    assert new.exists() == there
    assert not there or not list(new.iterdir())


@pytest.mark.usefixtures("quick_bench")
def test_a_bench_whose_measured_process_fails_says_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_words: object, **_how: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Traceback ...\nMemoryError: no room\n")

    monkeypatch.setattr(subprocess, "run", fail)
    assert main(["bench", "--no-hour", "--no-loop"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "reatrieve: error: the process that is measured on 4 minutes ended early: MemoryError: no room"
    )
