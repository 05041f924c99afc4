"""What a command costs before it begins to work: help comes at once, and the daemon listens before it loads the
numerical libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reatrieve.cli import COMMANDS, build_parser
from signals import noise, write_sound

HEAVY = (
    "numpy",
    "scipy",
    "scipy.signal",
    "librosa",
    "sklearn",
    "numba",
    "rich",
    "lupa",
    "PIL",
    "soundfile",
    "watchdog",
)
ALLOWED_FOR_HELP = {
    "convert": {"numpy", "scipy", "soundfile"},
    "export": {"numpy", "scipy", "soundfile"},
    "synth": {"numpy", "scipy", "soundfile"},
}
"""Their help lists formats, targets and genres, which live beside what works with arrays (no part of scipy loads)."""
MOST_OF_NUMPY = 3.0


def cpu_s(*arguments: str) -> float:
    """Processor time of a Python process with these arguments."""
    resource = pytest.importorskip("resource", reason="processor time of children is counted on Unix only")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def of_numpy(*arguments: str) -> float:
    """Processor time of a Python process over that of ``import numpy``: each the least of up to ten, in turn, since
    what else a machine does makes both dearer.
    """
    command_s, numpy_s = float("inf"), float("inf")
    for _ in range(10):
        numpy_s = min(numpy_s, cpu_s("-c", "import numpy"))
        command_s = min(command_s, cpu_s(*arguments))
        if command_s <= MOST_OF_NUMPY * numpy_s:
            break
    return command_s / numpy_s


def loaded_by(code: str) -> set[str]:
    """Which of the heavy libraries a piece of Python has loaded, in a process of its own."""
    code += f"\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_costs_at_most_three_times_the_import_of_numpy() -> None:
    for arguments in (["--help"], ["export", "--help"], ["synth", "--help"], ["serve", "--help"]):
        assert of_numpy("-m", "reatrieve", *arguments) <= MOST_OF_NUMPY, arguments


def test_the_list_of_commands_loads_no_command() -> None:
    code = "from reatrieve.cli import build_parser; build_parser().format_help()\nimport sys\n"
    code += "loaded = {name for name in sys.modules if name.startswith('reatrieve.cli.')}\n"
    code += "assert loaded == {'reatrieve.cli.parser'}, loaded"
    assert loaded_by(code) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_loads_next_to_nothing(name: str) -> None:
    loaded = loaded_by(f"from reatrieve.cli import build_parser; build_parser({name!r})")
    assert loaded - {"rich"} <= ALLOWED_FOR_HELP.get(name, set())


@pytest.mark.parametrize(
    "words",
    [
        ["gone.wav", "--start", "1", "--end", "2"],
        ["a.wav", "--start", "2", "--end", "1"],
        ["a.wav", "--start", "1", "--end", "2", "--retriever", "defalt"],
        ["a.wav", "--start", "1", "--end", "2", "--budget", "0"],
        ["a.wav", "--annotations", "a.csv", "--class", "zip"],
        ["a.wav", "--start", "1", "--end", "2", "--label", 5000 * "x"],
        ["--resume", "gone.jsonl"],
    ],
)
def test_a_slip_of_the_pen_is_told_before_the_numerical_libraries_load(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sound(tmp_path / "a.wav", noise(3 * 8000), 8000)
    (tmp_path / "a.csv").write_text("file,class,start,end\na.wav,zap,1.0,1.5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code = f"from reatrieve.cli import main; assert main(['find', *{words!r}]) in (1, 2)"
    assert loaded_by(code) <= {"numpy", "soundfile", "scipy"}


def test_the_daemon_listens_before_it_loads_the_numerical_libraries() -> None:
    assert loaded_by("import reatrieve.service") & {"scipy", "librosa", "sklearn", "numba", "rich", "lupa"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_list_and_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[name] in " ".join(build_parser().format_help().split())
    with pytest.raises(SystemExit):
        build_parser(name).parse_args([name, "--help"])
    assert len(capsys.readouterr().out.splitlines()) > 3
