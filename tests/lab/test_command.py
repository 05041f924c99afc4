"""The lab's own commands: bad input is one line, and no letter of a name moves the terminal's cursor."""

import subprocess
import sys

import pytest

from reatrieve.errors import InputError
from reatrieve.lab.command import say, status_of

NAME = "no\x1b[2J such\nfolder"


@pytest.mark.skipif(sys.platform == "win32", reason="names hold no control characters there")
@pytest.mark.parametrize(
    "arguments",
    [
        ("reatrieve.lab.fit_calibration", "out.py", NAME),
        ("reatrieve.lab.fit_calibration", f"{NAME}/out.py", "."),
        ("reatrieve.lab.learning", "bank", "bank.npz", "--recordings", NAME),
        ("reatrieve.lab.learning", "static", NAME),
        ("reatrieve.lab.learning", "static", ".", "--weights", NAME),
        ("reatrieve.lab.pictures", f"{NAME}/pictures"),
    ],
    ids=["sets", "constants", "recordings", "data sets", "weights", "pictures"],
)
def test_a_name_that_is_not_there_is_one_harmless_line(arguments, tmp_path):
    (tmp_path / NAME).write_bytes(b"a file")
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "\x1b" not in done.stdout + done.stderr


def test_how_a_command_ends(capsys):
    def refused():
        raise InputError("a\x1bb")

    def full():
        raise OSError(28, "No space left on device", "a\x1bb")

    def stopped():
        raise KeyboardInterrupt

    def faulty():
        raise ZeroDivisionError("a\x1bb")

    assert [status_of(command) for command in (dict, refused, full, stopped, faulty)] == [0, 2, 1, 130, 1]
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.startswith("error: a\\x1bb\nerror: a\\x1bb: No space left on device\n    Traceback")
    assert said.endswith("error: this is a fault in ReaTrieve; please report it with the lines above\n")


def test_what_is_said_is_harmless_line_by_line(capsys):
    say("a\x1b[2J\nb")
    assert capsys.readouterr().out == "a\\x1b[2J\nb\n"
