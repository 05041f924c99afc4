"""What is typed: times, names, and options that go together or not; all of it without any work being done."""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reatrieve.cli import build_parser, main
from reatrieve.cli.values import command_line, seconds, write_text
from reatrieve.errors import ReatrieveError
from reatrieve.plain import plain
from signals import noise, write_sound


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Runs a command line that must be refused with status 2; its one sentence."""
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def run(*words: str, status: int = 2) -> str:
        assert main(list(words)) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("reatrieve: error: ")
        assert err.count("\n") == 1
        assert not list(tmp_path.iterdir())
        return err

    return run


@pytest.mark.parametrize(
    ("text", "time_s"),
    [(".5", 0.5), (",25", 0.25), ("5.", 5.0), ("83,5", 83.5), ("1:23.5", 83.5), ("0:01:23.5", 83.5), ("75:10", 4510.0),
     ("90", 90.0), ("-5", -5.0), ("-0:05", -5.0), (" 1:.5 ", 60.5), ("59.999", 59.999)],
)  # fmt: skip
def test_times(text: str, time_s: float) -> None:
    assert seconds(text) == pytest.approx(time_s, abs=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="has names of another kind")
@pytest.mark.parametrize("shell", ["bash", "zsh", "ksh"])
@pytest.mark.parametrize("name", ["a b", "h\udcff/\udce4x", "it's\udcff\\\\x", "\x1b[2J\n\u202eä", "ä ö"])
def test_a_command_that_is_shown_can_be_pasted_whatever_is_in_a_path(shell: str, name: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"has no {shell}")
    shown = command_line("printf", "%s", Path(name), "--json")
    assert plain(shown) == shown
    words = subprocess.run([shell, "-c", shown], capture_output=True, check=True).stdout
    assert words == os.fsencode(name) + b"--json"


@pytest.mark.skipif(sys.platform == "win32", reason="has rights of another kind")
@pytest.mark.parametrize(
    "words",
    ["find a.wav --start 1 --end 2 --out locked/in/Sync", "synth locked/in/set", "bench --json locked/in/b.json",
     "export j.jsonl --out locked/in/Sync", "evaluate d --json locked/in/e.json",
     "dataset add j.jsonl --to locked/in/d"],
)  # fmt: skip
def test_a_folder_that_may_not_be_entered_is_told_and_what_to_do(
    words: str, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def denied(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: object, *rest: object, **more: object) -> object:
            if str(path).startswith(("locked/", str(tmp_path / "locked" / "in"))):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr(os, "stat", denied(os.stat))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: denied(open)(str(tmp_path / "locked" / "in")))
    assert "cannot be written to (Permission denied); choose another place" in said(*words.split())


@pytest.mark.parametrize("words", ["evaluate d", "experiments d --out o"])
def test_a_data_set_that_may_not_be_read_is_told_and_what_to_do(
    words: str, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(folder: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("reatrieve.lab.dataset.load_dataset", denied)
    assert said(*words.split(), status=1) == (
        "reatrieve: error: d: Permission denied; correct the rights of it or of its folder, or choose another place\n"
    )


@pytest.mark.parametrize("text", ["1:75", "1:60:00", "1:2:3:4", "1e3", "nan", "inf", "", ":5", "5:", "--5", "1 2", "٣"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no time"):
        seconds(text)


@pytest.mark.parametrize(
    "words", [["export", "j", "--audio", "a.wav", "--audio-start"], ["synth", "d", "--duration"],
              ["find", "a.wav", "--start"], ["find", "a.wav", "--end"], ["demo", "--audio", "a.wav", "--start"],
              ["demo", "--audio", "a.wav", "--end"]]
)  # fmt: skip
def test_every_option_that_is_a_time_reads_it_alike(words: list[str], said: Callable[..., str]) -> None:
    option = words[-1].removeprefix("--").replace("-", "_")
    for text, time_s in (("0:12.5", 12.5), ("1:00", 60.0), (",25", 0.25), ("83,5", 83.5)):
        args = build_parser(only=words[0]).parse_args([*words, text])
        assert getattr(args, option) == pytest.approx(time_s)
    assert "'1:75' is no time: seconds go to 59; write 2:15 for 135 s" in said(*words, "1:75")
    for wrong in ("5s", "-80ms", "1:2:3:4"):
        assert f"{wrong!r} is no time; write seconds as 83.5 or 1:23.5" in said(*words, wrong)


RULES = [
    ("find x.wav --class a", "--class has no effect without --annotations"),
    ("find x.wav --to json", "--to has no effect without --out"),
    ("find --resume j --start 1", "--resume and --start do not go together"),
    ("find --resume j --end 1", "--resume and --end"),
    ("find --resume j --retriever paper", "--resume and --retriever"),
    ("find --resume j --journal k", "--resume and --journal"),
    ("find --resume j --new", "--new and --resume"),
    ("find x.wav --no-cache --cache c", "--no-cache and --cache"),
    ("find x.wav --annotations a.csv --new", "--new has no effect with --annotations; leave one out"),
    ("find x.wav --out o --to json,fmod-ends", "fmod-ends has no effect without the target fmod"),
    ("demo --start 1", "--start has no effect without --audio"),
    ("demo --end 1", "--end has no effect without --audio"),
    ("demo --annotations a.csv", "--annotations has no effect without --audio"),
    ("demo --class a", "--class has no effect without --annotations"),
    ("export j --match a*", "--match has no effect without --rpp"),
    ("export j --track a", "--track has no effect without --rpp"),
    ("export j --unit ms", "--unit has no effect without --regions"),
    ("export j --audio-start 0", "--audio-start has no effect without --audio"),
    ("export j --audio track --audio-start 0", "--audio-start has no effect on the stitched track"),
    ("export j --wav-points", "--wav-points has no effect without the target wav"),
    ("export j --reaper-loops", "--reaper-loops has no effect without the target wav"),
    ("export j --fmod-ends", "--fmod-ends has no effect without the target fmod"),
    ("export j --fmod-tempo --to json", "--fmod-tempo has no effect without the target fmod"),
    ("export j --wwise-segment a", "--wwise-segment has no effect without the target wwise"),
    ("export j --to json,wav-points", "wav-points has no effect without the target wav"),
    ("export j j", "named twice"),
    ("dataset add j --to d --name a --reference", "--name and --reference"),
    ("dataset add j j --to d", "named twice"),
    ("evaluate d --scheduler tcp://x --jobs 2", "--scheduler and --jobs"),
    ("evaluate d --components 3", "--components has no effect: default has no such setting"),
    ("evaluate d --jobs 0", "--jobs 0"),
    ("evaluate d --rest-above 7", "--rest-above 7 is no probability"),
    ("experiments d --out o --scheduler tcp://x --jobs 2", "--scheduler and --jobs"),
    ("experiments d --out o --only fig2 --learned m.toml", "--learned has no effect: no experiment of --only fig2"),
    ("bench --no-hour --eight-hours", "--eight-hours and --no-hour"),
    # Were there no rule, no daemon should start here: --token is refused later.
    ("serve --token t --no-udp --port 0", "--port has no effect with --no-udp; leave one out"),
    ("serve --token t --no-udp --host 0.0.0.0", "--host has no effect with --no-udp"),
    ("serve --token t --no-udp --open-controllers", "--open-controllers has no effect with --no-udp"),
]


@pytest.mark.parametrize(("line", "sentence"), RULES)
def test_an_option_without_effect_is_refused_before_any_work(
    said: Callable[..., str], line: str, sentence: str
) -> None:
    assert sentence in said(*line.split())


def test_every_rule_has_its_case() -> None:
    lines = [line for line, _ in RULES]
    for name in ("find", "demo", "export", "dataset", "evaluate", "experiments", "bench", "synth", "serve"):
        parsers = [build_parser(name)._subparsers._group_actions[0].choices[name]]  # type: ignore[union-attr]
        if parsers[0]._subparsers:
            parsers += parsers[0]._subparsers._group_actions[0].choices.values()
        for rule in (rule for parser in parsers for rule in parser.rules):
            cases = [line for line in lines if line.startswith(name) and rule.option in line.split()]
            assert cases, f"{name}: no case for {rule.option} {rule.text}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fnd"], "'fnd' is unknown; did you mean 'find'?"),
        (["find", "a.wav", "b.wav", "--start", "1", "--end", "2"], "put a path with spaces into quotation marks"),
        (["find", "song.wav", "1", "2"], "--start S --end E"),
        (["find", "--strat", "1"], "there is no option '--strat'; did you mean --start?"),
        (["find", "x.wav", "--start", "-0:05", "--end", "1", "--budget", "x"], "'x' is no whole number"),
        (["serve", "--port", "any"], "'any' is no whole number; write one as 10"),
        (["synth", "x", "--songs", "2.5"], "'2.5' is no whole number"),
        (["find", "x.wav", "--label", ""], "the text is empty"),
        (["find", ""], "the path is empty"),
        (["find", "x.wav", "--out", ""], "the path is empty"),
        (["convert", "", "x.txt"], "the path is empty"),
        (["convert", "x.txt", ""], "the path is empty"),
        (["convert", "x.txt", "."], "OUT . is a folder; name a file"),
        (["journal", "check", ""], "the path is empty"),
        (["serve", "--home", ""], "the path is empty"),
        (["doctor", "--bundle", ""], "the path is empty"),
        (["install", "--resource-path", ""], "the path is empty"),
        (["find"], "name the sound file to search"),
        (
            ["find", "--resume"],
            "--resume needs the journal of a session; this shows all in the home folder: reatrieve journal list",
        ),
        (["find", "x.wav", "--resume", "--label", "a"], "--resume needs the journal of a session"),
        (["find", "x.wav", "--journal", "."], "--journal . is a folder; name a file"),
        (["export"], "name what to export"),
        (["export", "j", "--bpm", "nan"], "no finite number"),
        (["export", "j", "--nudge-ms", "-80ms"], "'-80ms' is no finite number; write milliseconds as -80"),
        (["export", "j", "--nudge-ms=-80ms"], "'-80ms' is no finite number; write milliseconds as -80"),
        (["export", "j", "--nudge-ms", "-8,0,5"], "'-8,0,5' is no finite number"),
        (["find", "x.wav", "--start", "-5s", "--end", "6"], "'-5s' is no time; write seconds as 83.5 or 1:23.5"),
        (
            ["find", "https://x.org/a.mp3"],
            "'https://x.org/a.mp3' is an address; only files on this computer are read or written",
        ),
        (["convert", "x.csv", "http://x.org/o.txt"], "'http://x.org/o.txt' is an address; only files on this computer"),
        (["convert", "file:///tmp/a.csv", "b.txt"], "'file:///tmp/a.csv' is an address"),
        (["export", "j", "--audio", "HTTP://x.org/a.wav"], "'HTTP://x.org/a.wav' is an address"),
        (["export", "j", "--audio-sha256", "zz"], "no SHA-256"),
        (["export", "j", "--audio", "render"], "--audio wants the render itself; name its file, as in --audio mix.wav"),
        (
            ["export", "j", "--audio", "source", "--audio-start", "1"],
            "--audio-start has no effect on the track's own file",
        ),
        (["--verisonn"], "there is no option '--verisonn'; did you mean --version?"),
        (["synth", "--sngs", "3"], "there is no option '--sngs'; did you mean --songs?"),
        (["convert", "--froce", "a.csv"], "there is no option '--froce'; did you mean --force?"),
        (["convert", "--to", "jams"], "the following arguments are required: IN, OUT"),
        (["experiments", "d"], "the following arguments are required: --out"),
        (["export", "j", "--anchor", "peek"], "did you mean 'peak'?"),
        (["synth", "x", "y"], "'y' is one argument too many; put a path with spaces"),
        (["synth", "x", "--duration", "1"], "a song of 1 s cannot be made"),
        (["synth", "x", "--duration", "1e9"], "cannot be made"),
        (["synth", "x", "--duration", "nan"], "no finite number"),
        (["synth", "x", "--songs", "0"], "0 songs cannot be made"),
        (["synth", "x", "--seed", "-1"], "seed -1"),
        (["synth", "x", "--songs", "10001"], "argument --songs: 10001 is too large; the most is 10000"),
        (["synth", "x", "--seed", "9" * 25], f"{'9' * 20}... is too large; the most is 2147483647"),
        (["find", "x.wav", "--start", "1", "--end", "2", "--budget", "9" * 25], "is too large; the most is 100000"),
        (["find", "x.wav", "--start", "1", "--end", "2", "--budget", "100001"], "100001 is too large"),
        (["evaluate", "d", "--budget", "100001"], "argument --budget: 100001 is too large; the most is 100000"),
        (["evaluate", "d", "--seed", "2147483648"], "argument --seed: 2147483648 is too large"),
        (["evaluate", "d", "--repeats", "10001"], "argument --repeats: 10001 is too large; the most is 10000"),
        (["evaluate", "d", "--jobs", "1001"], "argument --jobs: 1001 is too large; the most is 1000"),
        (["evaluate", "d", "--components", "x", "--retriever", "paper"], "'x' is no whole number; write one as 10"),
        (["export", "j", "--snap", "1025"], "argument --snap: 1025 is too large; the most is 1024"),
        (["export", "j", "--nudge-ms", "-60001"], "-60001 is too far from 0; it lies between -60000 and 60000"),
        (["export", "j", "--audio", "x.wav", "--audio-start", "1e8"], "1e8 is too far from 0"),
        (["convert", "a.csv", "b.txt", "--rate", "1000001"], "argument --rate: 1000001 is too large"),
        (["serve", "--port", "9" * 25], "is outside 0..65535"),
        (["evaluate", "d", "--retriever", "nmf"], "known: default, mfcc-nn, paper"),
    ],
)
def test_what_a_newcomer_types_is_answered_in_one_sentence(
    said: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in said(*words)


def test_another_kind_of_file_in_the_place_of_a_journal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, sentence in (
        (
            "song.WAV",
            "is a sound file; export wants the journal of a session on it, this shows all in the home folder: "
            "reatrieve journal list",
        ),
        ("regions.csv", "is no journal; give it as --regions regions.csv"),
        ("Level1.rpp", "is no journal; give it as --rpp Level1.rpp"),
        ("Level1.rpp-bak", "is no journal; give it as --rpp Level1.rpp-bak"),
        ("one line.json", "is no journal; give it as --regions "),
    ):
        Path(name).write_bytes(b"[]" if name.startswith("one line") else b"RIFF\nsomething\n")
        assert main(["export", name]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["find", "--resume", "song.WAV"]) == 2
    assert "song.WAV is a sound file; --resume wants the journal of a session on it" in capsys.readouterr().err
    assert main(["dataset", "add", "song.WAV", "--to", "d"]) == 2
    assert "song.WAV is a sound file; dataset add wants the journal of a session on it" in capsys.readouterr().err
    (tmp_path / "notes.md").write_bytes(b"RIFF\nsomething\n")
    assert main(["export", str(tmp_path / "notes.md")]) == 1
    assert "is no journal: its first line is not a header" in capsys.readouterr().err
    good = (Path(__file__).parents[1] / "journal" / "golden" / "version-1.journal.jsonl").read_bytes()
    rows = good.splitlines(keepends=True)
    damaged = rows[0].replace(b'"items"', b'"Items"') + b"".join(rows[1:])
    for name in ("new.json", "new.jsonl"):
        for content, sentence in ((damaged, "line 1 is damaged"), (rows[0][:40], "it has no whole first line")):
            (tmp_path / name).write_bytes(content)
            assert main(["export", name]) == 1
            assert sentence in capsys.readouterr().err
    assert main(["export", str(tmp_path / "gone.wav")]) == 1
    assert "no such file; check the path" in capsys.readouterr().err


def test_a_name_that_no_disk_takes_is_told(said: Callable[..., str]) -> None:
    assert "check the path" in said("find", "x" * 300 + ".wav", "--start", "1", "--end", "2", status=1)


def test_what_is_missing_is_said_at_once(said: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "matplotlib is not installed; install it with: " in said("experiments", "d", "--out", "o")
    assert "dask is not installed; install it with: " in said("evaluate", "d", "--scheduler", "tcp://x")


@pytest.mark.parametrize("words", [["experiments", "Tr", "--out", "o"], ["evaluate", "Tr", "--scheduler", "tcp://x"]])
def test_a_wrong_folder_is_said_before_a_missing_package(
    words: list[str], said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "error: Tr is not a folder, name a data set; and " in said(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["find", "x.wav", "--start", "1", "--end", "2", "--out"],
        ["find", "x.wav", "--start", "1", "--end", "2", "--preview"],
        ["synth"],
        ["dataset", "add", "j", "--to"],
        ["experiments", "d", "--out"],
        ["evaluate", "d", "--results"],
        ["evaluate", "d", "--cache"],
    ],
)
def test_a_file_in_the_place_of_a_folder_is_told_before_any_work(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    for place in (taken, taken / "below"):
        assert main([*words, str(place)]) == 2
        said = capsys.readouterr().err
        assert "is not a folder" in said
        assert said.count(str(taken)) == (1 if place == taken else 2)  # what was typed, and what is in the way
    assert taken.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="where even root may not write")
@pytest.mark.parametrize("option", ["--out", "--preview"])
def test_a_folder_that_takes_no_files_is_told_before_any_work(said: Callable[..., str], option: str) -> None:
    text = said("find", "x.wav", "--start", "1", "--end", "2", option, "/proc/reatrieve/Sync")
    assert f"{option} /proc/reatrieve/Sync: /proc cannot be written to (" in text


def test_a_machine_that_keeps_no_compiled_code_is_told_what_to_set(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = RuntimeError("cannot cache function '__o_fold': no locator available for file 'util.py'")

    def refuse(**_: object) -> None:
        raise fault

    monkeypatch.setattr("reatrieve.cli.build_parser", refuse)
    assert "set the environment variable NUMBA_CACHE_DIR to a writable folder" in said("find", "x.wav", status=1)
    assert "no locator available" in inspect.getsource(importlib.import_module("numba.core.caching"))


def test_a_fault_of_ours_is_shown_and_what_is_in_it_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("no such song: \x1b[2J\nerror: all is well")

    monkeypatch.setattr("reatrieve.cli.build_parser", fail)
    assert main(["find", "x.wav"]) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    assert lines[0] == "    Traceback (most recent call last):"
    assert "no such song: \\x1b[2J" in lines[-2]
    assert lines[-1] == "    error: all is well"
    assert "\x1b" not in "".join(lines)
    assert last == "reatrieve: error: this is a fault in ReaTrieve; please report it with the lines above"


@pytest.mark.parametrize("words", [["evaluate", "d", "--json"], ["bench", "--json"]])
@pytest.mark.parametrize(
    "content", ["mine\n", "{\\rtf1 mine}", '{"name": "mine"}', '["mine"]', " " * 70 + "mine", "[" * 9000]
)
def test_another_file_is_not_replaced_by_figures(
    words: list[str], content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text(content, encoding="utf-8")
    assert main([*words, str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt is there already and holds no figures; name another file" in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == content


@pytest.mark.parametrize("name", ["README.md", "figures.json", "statements.csv", "mine.svg"])
def test_what_experiments_have_not_written_is_not_replaced(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("# My project\n", encoding="utf-8")
    assert main(["experiments", str(tmp_path / "set"), "--out", str(tmp_path)]) == 2
    assert "holds other files; choose an empty folder, or that of an earlier run" in capsys.readouterr().err


def test_folders_without_end_are_refused_by_name(said: Callable[..., str]) -> None:
    assert "the path has more than 500 folders; choose a shorter one" in said("synth", "a/" * 600)


def test_figures_that_a_full_disk_does_not_take_leave_those_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "figures.json", "{}")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reatrieve.files.write_all", full)
    with pytest.raises(ReatrieveError, match="No space left on device"):
        write_text(tmp_path / "figures.json", "{}" * 1000)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["{}"]


@pytest.mark.parametrize("words", [["evaluate", "d", "--json"], ["bench", "--json"]])
def test_a_folder_in_the_place_of_a_file_is_told_before_any_work(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["find", "export", "synth", "evaluate", "demo"])
def test_the_help_fits_60_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_the_command_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "find a sound's other places in a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "like"),
    [(["help"], []), (["help", "find"], ["find"]), (["help", "journal", "list"], ["journal", "list"])],
)
def test_help_is_shown_as_a_command_too(capsys: pytest.CaptureFixture[str], words: list[str], like: list[str]) -> None:
    shown = []
    for line in (words, [*like, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(line)
        assert ended.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "usage: reatrieve" in shown[0]


def test_help_of_what_is_no_command_is_refused(said: Callable[..., str]) -> None:
    assert "'fnd' is unknown; did you mean 'find'?" in said("help", "fnd")


@pytest.mark.parametrize("option", ["--journal", "--token-file"])
def test_a_disk_that_refuses_is_told_without_its_number_and_with_the_path_once(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    sound = write_sound(tmp_path / "a.wav", noise(22050 * 3), 22050)
    path = tmp_path / ("gone/s.jsonl" if option == "--journal" else "token")
    if option == "--journal":
        words = ["find", str(sound), "--start", "1", "--end", "1.5", option, str(path)]
        (tmp_path / "gone").write_text("in the way", encoding="utf-8")
    else:
        words = ["serve", option, str(path)]
        path.mkdir()
    assert main(words) != 0
    said = capsys.readouterr().err
    assert "Errno" not in said
    assert said.count(str(path)) <= 1


@pytest.mark.parametrize("content", [b"RIFF\nsomething\n", b"", None])
def test_a_new_journal_in_the_place_of_another_file_is_not_said_to_be_gone_on_with(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, there = write_sound(tmp_path / "x.wav", noise(3 * 8000), 8000), tmp_path / "there.jsonl"
    if content is None:
        there = sound
    else:
        there.write_bytes(content)
    assert main(["find", str(sound), "--start", "1", "--end", "2", "--journal", str(there)]) == 2
    assert f"--journal {there} exists and is no journal; choose another name\n" in capsys.readouterr().err


def test_a_file_in_the_place_of_a_folder_of_our_own_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, cache, data = tmp_path / "home", tmp_path / "cache", tmp_path / "data"
    home.mkdir()
    (home / "journals").touch()
    cache.touch()
    (data / "audio").mkdir(parents=True)
    write_sound(data / "audio" / "a.wav", noise(2 * 8000), 8000)
    (data / "annotations.csv").write_text("file,class,start,end\na.wav,a,0.2,0.5\na.wav,a,1.2,1.5\n", encoding="utf-8")
    monkeypatch.setenv("REATRIEVE_HOME", str(home))
    monkeypatch.setenv("REATRIEVE_CACHE", str(cache))
    assert main(["journal", "list"]) == 1
    assert f"the folder of journals {home / 'journals'} is no folder; move it away" in capsys.readouterr().err
    assert main(["evaluate", str(data)]) == 1
    said = capsys.readouterr().err
    assert f"sessions cannot be kept in {cache / 'evaluate'} until all are done" in said
    assert "name another folder by --results" in said
