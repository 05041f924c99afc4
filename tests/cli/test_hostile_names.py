"""Names from outside that would drive the terminal: no command passes on what is in them."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reatrieve.audio.trackmap import TrackMap
from reatrieve.cli import COMMANDS, main
from reatrieve.journal import Header, Journal
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.spans import Span
from signals import repeats, write_sound

LABEL = "\x1b[2Jzap\x07\x9b31m\u202e\u2066\x7f\nreatrieve: done"
NAME = "a song" if sys.platform == "win32" else "\x1b[2Jzap\x07\x9b31m\u202e\u2066\x7f"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

WELL = {
    "journal": [["list"], ["check", "{journal}"]],
    "find": [
        ["--resume", "{journal}"],
        ["{song}", "--start", "1", "--end", "1.5", "--preview", "{folder}", "--out", "{folder}"],
        ["{song}", "--annotations", "{table}", "--class", "bell (x)"],
    ],
    "export": [
        ["{journal}", "{other}", "--out", "{folder}", "--to", "json,audacity,reaper,wwise"],
        ["--regions", "{labels}", "--audio", "{song}", "--out", "{folder}", "--name", "r"],
        ["--rpp", "{project}", "--audio", "{song}", "--out", "{folder}", "--name", "p"],
    ],
    "convert": [["{labels}", "{folder}.csv"]],
    "dataset": [["add", "{journal}", "--to", "{folder}", "--unfinished"]],
    "evaluate": [["{set}", "--examples", "1", "--budget", "1"]],
    "experiments": [["{set}", "--examples", "1", "--budget", "1", "--only", "fig3", "--out", "{folder}"]],
    "synth": [["{folder}", "--songs", "1", "--duration", "30", "--preset", "easy"]],
    "doctor": [["--home", "{home}", "--resource-path", "{reaper}", "--bundle", "{folder}.zip"]],
    "install": [["--resource-path", "{reaper}", "--home", "{home}", "--dry-run"]],
    "uninstall": [["--resource-path", "{reaper}", "--dry-run"]],
    "demo": [["--audio", "{song}", "--annotations", "{table}", "--class", "bell (x)", "--out", "{folder}"]],
}
REFUSED = {
    "find": [
        ["{song}", "--start", "1", "--end", "1.5", "--label", LABEL],
        ["{missing}"],
        ["{song}", "--annotations", "{table}"],
    ],
    "export": [["--rpp", "{project}", "--track", LABEL, "--audio", "track"], ["{missing}"]],
    "convert": [["{empty}", "{folder}.csv"], ["{table}", "{folder}.csv", "--file", NAME + "?"]],
    "evaluate": [["{missing}"], ["{set}", "--retriever", LABEL]],
    "serve": [["--token-file", "{missing}"]],
    "bench": [["--json", "{set}"]],
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files with such names, and with such names in them."""
    folder = tmp_path_factory.mktemp("hostile") / NAME
    audio = folder / "set" / "audio"
    audio.mkdir(parents=True)
    song = write_sound(audio / f"{NAME}.wav", repeats([1.0, 4.0, 8.5], rate_hz=22050, duration_s=12.0), 22050)
    rows = [(LABEL, 1.0, ""), (LABEL, 4.0, ""), ("bell", 4.0, ""), ("bell", 8.5, ""), ("bell", 2.0, LABEL)]
    table = folder / "set" / "annotations.csv"
    table.write_text(
        "file,class,start,end,kind,flag,annotator\n"
        + "".join(
            f'"{NAME}.wav","{class_}",{start},{start + 0.5},"{kind}","{flag}","{who}"\n'
            for class_, start, flag in rows
            for kind, who in ((LABEL, LABEL), ("sample", "x"))
        ),
        encoding="utf-8",
        newline="\n",
    )
    (folder / "labels.txt").write_text(f"1.0\t1.5\t{LABEL.splitlines()[0]}\n4\t4.5\tb\n", encoding="utf-8")
    (folder / f"{NAME}.txt").write_text("", encoding="utf-8")
    name = LABEL.splitlines()[0]
    (folder / f"{NAME}.rpp").write_text(
        '<REAPER_PROJECT 0.1 "7.17/linux-x86_64" 1700000000\n'
        f'MARKER 1 7 "{name}" 1 0 1 B {{R2}} 0 1\nMARKER 1 9.5 "" 1\n'
        f"<TRACK {{11111111-2222-3333-4444-555555555555}}\nNAME {name}\n>\n>\n",
        encoding="utf-8",
    )
    journals = folder / "home" / "journals"
    journals.mkdir(parents=True)
    for session, start_s, verdict in (("a", 1.0, "accept"), ("b", 4.0, "reject")):
        with Journal.create(journals / f"{session}.journal.jsonl", Header(session, TrackMap.of_file(song))) as made:
            made.append(Started(Span(start_s, start_s + 0.5), LABEL, 10, "default"))
            made.append(Proposed(1, Span(8.5, 9.0), 1.0, 0.9, 1.0))
            made.append(Answered(1, verdict, Span(8.5, 9.0)))
    (folder / "REAPER").mkdir()
    (folder / "REAPER" / "reaper.ini").write_text("[REAPER]\n", encoding="utf-8")
    return {
        "journal": journals / "a.journal.jsonl", "other": journals / "b.journal.jsonl", "song": song, "table": table,
        "labels": folder / "labels.txt", "empty": folder / f"{NAME}.txt", "project": folder / f"{NAME}.rpp",
        "set": folder / "set", "home": folder / "home", "reaper": folder / "REAPER", "missing": folder / f"{NAME}-no",
    }  # fmt: skip


def run(words: list[str], places: dict[str, Path], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; each candidate is accepted, and then it is left."""
    environment = {**os.environ, "REATRIEVE_HOME": str(places["home"]), "REATRIEVE_CACHE": str(tmp_path / "cache")}
    filled = [word.format(folder=tmp_path / NAME, **places) for word in words]
    return subprocess.run(
        [sys.executable, "-m", "reatrieve", *filled],
        input="n\ny\nq\n", capture_output=True, text=True, encoding="utf-8", timeout=300, check=False, env=environment,
    )  # fmt: skip


def commands(of: dict[str, list[list[str]]]) -> list[list[str]]:
    return [[name, *words] for name, lines in of.items() for words in lines]


@pytest.mark.parametrize("words", commands(WELL), ids=" ".join)
def test_no_command_shows_a_control_character_of_a_name(
    words: list[str], places: dict[str, Path], tmp_path: Path
) -> None:
    done = run(words, places, tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == (1 if words[0] == "doctor" else 0), said
    assert CONTROL.findall(said) == []
    assert not re.search("^reatrieve: done", said, re.MULTILINE)
    if sys.platform != "win32":
        assert "\\x1b[2Jzap\\x07\\x9b31m\\u202e\\u2066\\x7f" in said


@pytest.mark.parametrize("words", commands(REFUSED), ids=lambda words: ascii(" ".join(words)))
def test_no_error_shows_one(words: list[str], places: dict[str, Path], tmp_path: Path) -> None:
    done = run(words, places, tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode in (1, 2), said
    assert CONTROL.findall(said) == []
    assert not re.search("^reatrieve: done", said, re.MULTILINE)


def test_every_command_is_among_them() -> None:
    assert {*WELL, *REFUSED} == set(COMMANDS)


@pytest.mark.parametrize(
    "words", [["find", "--resume", "{journal}", "--json"], [*commands(WELL)[-1], "--json"]], ids=lambda words: words[0]
)
def test_json_stays_json_and_has_the_names(words: list[str], places: dict[str, Path], tmp_path: Path) -> None:
    done = run(words, places, tmp_path)
    assert done.returncode == 0, done.stderr
    assert CONTROL.findall(done.stdout + done.stderr) == []
    figures = json.loads(done.stdout.splitlines()[-1])
    assert NAME in Path(figures.get("journal") or figures["rpp"]).parts


def test_a_terminal_gets_control_characters_of_our_own_only(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["find", "--resume", str(places["journal"])]) == 0
    said = capsys.readouterr().out
    assert "\x1b[1m" in said
    assert "\\x1b[2Jzap" in said
    assert not re.search("\x1b\\[2J|[\x07\x80-\x9f\u202e]", said)
