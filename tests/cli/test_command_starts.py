"""What a command costs before it begins to work: help comes at once, and the daemon listens before it loads the
numerical libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reatrieve
from reatrieve.address_space import ADDRESS_SPACE_BYTES
from reatrieve.cli import COMMANDS, build_parser
from reatrieve.errors import lacks_memory
from reatrieve.service import loading
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
    "urllib.request",
    "watchdog",
)
ALLOWED_FOR_HELP = {"synth": {"numpy", "scipy", "soundfile"}}
"""Its help lists genres, which live beside what works with arrays (no part of scipy loads)."""


def loaded_by(code: str) -> set[str]:
    """Which of the heavy libraries a piece of Python has loaded, in a process of its own."""
    code += f"\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


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


def test_a_search_loads_none_of_the_libraries_that_take_a_second() -> None:
    loaded = loaded_by("from reatrieve.service import loading; loading.load()")
    assert loaded & {"scipy.signal", "librosa", "sklearn", "numba"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_list_and_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[name] in " ".join(build_parser().format_help().split())
    with pytest.raises(SystemExit):
        build_parser(name).parse_args([name, "--help"])
    assert len(capsys.readouterr().out.splitlines()) > 3


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({allowed}, {allowed}))
import runpy
sys.argv = ["reatrieve", *{words!r}]
runpy.run_module("reatrieve", run_name="__main__")
"""


def limited(allowed: int, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command with so many bytes of address space; one that hangs in a library is ended."""
    home = {"REATRIEVE_HOME": str(folder / "home"), "REATRIEVE_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-c", LIMITED.format(allowed=allowed, words=words)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env={**os.environ, **home}, timeout=120,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of the address space means something else elsewhere")
@pytest.mark.parametrize("allowed", [80_000_000, 150_000_000, 500_000_000, ADDRESS_SPACE_BYTES - 1])
def test_a_limit_below_what_the_libraries_need_is_told_before_they_load(allowed: int, tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", noise(3 * 22050), 22050)
    done = limited(allowed, ["find", str(tmp_path / "a.wav"), "--start", "1", "--end", "1.5"], tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        f"reatrieve: error: this process may use {allowed // 1_000_000} MB of address space, and the libraries that "
        "search need 1000; raise the limit, as with ulimit -v unlimited\n",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of the address space means something else elsewhere")
def test_the_address_space_that_is_asked_for_is_enough(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", noise(3 * 22050), 22050)
    done = limited(ADDRESS_SPACE_BYTES, ["find", str(tmp_path / "a.wav"), "--start", "1", "--end", "1.5"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fault_that_comes_from_too_little_memory_is_known_by_its_chain() -> None:
    fault = OSError("Could not find/load shared object file")
    assert not lacks_memory(fault)
    fault.__context__ = ImportError("x.so: failed to map segment from shared object")
    assert lacks_memory(fault)
    fault.__context__ = fault  # no end of the chain
    assert not lacks_memory(fault)
    assert lacks_memory(RuntimeError("can't start new thread"))
    assert not lacks_memory(ValueError("can't start new thread"))


def test_the_thread_that_loads_early_tells_too_little_memory_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> None:
        raise fault

    fault: Exception = MemoryError()
    monkeypatch.setattr(loading, "load", load)
    loading.load_early()
    (record,) = caplog.records
    assert "not enough memory" in record.getMessage()
    assert record.exc_info is None
    fault = ValueError("a fault of ours")
    with pytest.raises(ValueError, match="of ours"):
        loading.load_early()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "--version", "find --help", "journal list"])
def test_an_output_that_takes_nothing_is_one_sentence(words: str, unbuffered: str, tmp_path: Path) -> None:
    environment = {**os.environ, "REATRIEVE_HOME": str(tmp_path), "PYTHONUNBUFFERED": unbuffered}

    def run(redirected: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", f'"{sys.executable}" -m reatrieve {words} {redirected}'],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip

    done = run("> /dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "reatrieve: error: standard output or a file cannot be written (No space left on device); make room, or choose "
        "another place\n"
    )
    for redirected in (">&-", "| head -n 0"):
        done = run(redirected)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="closes them otherwise")
@pytest.mark.parametrize("closed", ["2>&-", "2> /dev/full"])
def test_an_error_that_nobody_can_hear_has_its_status_and_is_not_said_elsewhere(closed: str) -> None:
    if "full" in closed and not Path("/dev/full").exists():
        pytest.skip("has no /dev/full")
    command = f'"{sys.executable}" -m reatrieve find gone.wav --strat 1 {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.skipif(sys.platform == "win32", reason="deletes no folder that is somebody's current one")
@pytest.mark.parametrize(
    "words", ["export j.jsonl --out Sync", "convert a.csv b.txt", "synth d", "bench --json b.json"]
)
def test_a_current_folder_that_was_deleted_is_one_sentence(words: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'rmdir "{gone}"; "{sys.executable}" -m reatrieve {words}'
    package = str(Path(reatrieve.__file__).parents[1])
    done = subprocess.run(
        ["sh", "-c", command], cwd=gone, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "reatrieve: error: the current folder is no longer there; go to another one, then type the command again\n"
    )


@pytest.mark.parametrize(("module", "package"), [("rich", "rich"), ("PIL", "pillow")])
def test_a_library_that_is_there_but_cannot_be_loaded_is_told_before_the_search(
    module: str, package: str, tmp_path: Path
) -> None:
    write_sound(tmp_path / "a.wav", noise(3 * 22050), 22050)
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").write_text("raise ImportError('no ABI')", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(Path(reatrieve.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-m", "reatrieve", "find", str(tmp_path / "a.wav"), "--start", "1", "--end", "1.5"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, "REATRIEVE_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"reatrieve: error: {package} is there but cannot be loaded (no ABI); remove it, then "
    )
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "journals").exists()


INTERRUPTED_EARLY = """
import signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            {pressed}

sys.meta_path.insert(0, Interrupt())
"""
"""A ``sitecustomize``: Ctrl+C while a module is imported."""

PRESSED = {
    "as a dataclass is made": 'exec("signal.raise_signal(signal.SIGINT)", {"signal": signal})',
    "as an object dies": "dying = set(); import weakref; "
    "kept = weakref.ref(dying, lambda _: signal.raise_signal(signal.SIGINT)); del dying",
}
"""Where Python passes the exception on in a way of its own: a lock of the import system dies after each module."""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal among its own")
@pytest.mark.parametrize("pressed", PRESSED.values(), ids=PRESSED)
@pytest.mark.parametrize("name", ["reatrieve.cli", "reatrieve.cli.quiet", "reatrieve.cli.find", "reatrieve.settings"])
def test_ctrl_c_while_python_imports_is_status_130_of_python_m_too(name: str, pressed: str, tmp_path: Path) -> None:
    text = INTERRUPTED_EARLY.format(name=name, pressed=pressed)
    (tmp_path / "sitecustomize.py").write_text(text, encoding="utf-8")
    package = str(Path(reatrieve.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "reatrieve", "find", "gone.wav", "--start", "1", "--end", "2", "--json"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{package}"},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="has no umask that counts")
@pytest.mark.parametrize("umask", [0o777, 0o377, 0o077])
def test_a_umask_takes_no_right_of_the_users_own(umask: int, tmp_path: Path) -> None:
    reaper = tmp_path / "REAPER"
    reaper.mkdir()
    (reaper / "reaper.ini").write_text("[REAPER]\n", encoding="utf-8")
    words = ["install", "--resource-path", str(reaper), "--home", str(tmp_path / "home")]
    package = str(Path(reatrieve.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-m", "reatrieve", *words],
        umask=umask, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    made = [path for path in tmp_path.rglob("*") if path != reaper and path.name != "reaper.ini"]
    assert len(made) > 10
    assert [path for path in made if path.stat().st_mode & 0o600 != 0o600] == []
    assert [path for path in made if path.stat().st_mode & 0o077 & umask] == []


AT_THE_END = """
import atexit, signal
atexit.register(signal.raise_signal, signal.SIGINT)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal among its own")
def test_ctrl_c_while_python_goes_down_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_THE_END, encoding="utf-8")
    package = str(Path(reatrieve.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "reatrieve", "find", "gone.wav", "--start", "1", "--end", "2"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{package}"},
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
