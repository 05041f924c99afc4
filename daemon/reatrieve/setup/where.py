"""What the scripts must know to find the daemon and to start it: ``where.txt`` in REAPER's resource folder.

REAPER does not see what is set in a shell, Microsoft Store's Python keeps ``%LOCALAPPDATA%`` elsewhere than it says,
and a Flatpak has a home of its own. So whoever installs writes down the real places, one ``key value`` a line:

    home /home/ann/.local/share/ReaTrieve
    python /home/ann/.venv/bin/python3
    program /home/ann/.venv/bin/python3
    argument /home/ann/.config/REAPER/ReaTrieve/daemon.py
    console no
    version 0.1.0

``program`` with ``argument`` (where there is one) and ``serve`` starts the daemon; ``console`` says whether Windows
would open a console for it. ``lib/daemon.lua`` reads this file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from reatrieve.errors import InputError
from reatrieve.files import read_small

__all__ = ["FILE_NAME", "LAUNCHER", "NOT_STARTED", "Where", "launcher", "read_where", "where_of"]

FILE_NAME = "where.txt"
LAUNCHER = "daemon.py"
NOT_STARTED = "not-started.txt"
"""In the home folder: what the daemon said last, where it ended with an error."""

MOST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Where:
    """The lines of ``where.txt``."""

    home: str
    python: str
    program: str
    argument: str
    console: str
    version: str

    def text(self) -> str:
        """As the file holds it.

        Raises
        ------
        InputError
            If a path holds a line break.
        """
        for field in fields(self):
            if any(c in getattr(self, field.name) for c in "\r\n"):
                raise InputError(f"{field.name}: {getattr(self, field.name)!r} holds a line break; use another folder")
        return "".join(f"{field.name} {getattr(self, field.name)}\n" for field in fields(self))


def where_of(home: Path, ours: Path, *, version: str, python: str = sys.executable, frozen: bool = False) -> Where:
    """What to write for the Python that is running now.

    Parameters
    ----------
    home : the real path of the folder that daemon and scripts share.
    ours : our folder in the resource folder, where the launcher lies.
    frozen : whether ``python`` is the program built without Python.
    """
    if frozen:
        return Where(str(home), "", python, "", "yes", version)
    program = Path(python)
    windowless = program.with_name(program.name.lower().replace("python", "pythonw", 1))
    if sys.platform == "win32" and windowless.is_file():
        program = windowless
    console = "yes" if sys.platform == "win32" and program != windowless else "no"
    return Where(str(home), python, str(program), str(ours / LAUNCHER), console, version)


def read_where(ours: Path) -> Where | None:
    """What ``where.txt`` says; None where there is none or it is not whole."""
    try:
        text = read_small(ours / FILE_NAME, max_bytes=MOST_BYTES, any_link=True).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    pairs: Mapping[str, str] = dict(line.partition(" ")[::2] for line in text.splitlines())
    names = [field.name for field in fields(Where)]
    return Where(*(pairs[name] for name in names)) if all(name in pairs for name in names) else None


def launcher(package: Path) -> str:
    """The small program that REAPER starts: it runs the daemon, and writes down why, where that does not come up.

    Parameters
    ----------
    package : folder that holds the package ``reatrieve``, for a checkout that is not installed.
    """
    return f'''"""ReaTrieve's daemon in the background, as its scripts start it. Made by `reatrieve install`."""

import io
import os
import sys
import traceback

PACKAGE = {str(package)!r}
LONGEST = 4000


class Said(io.TextIOBase):
    """The last of what the daemon prints; there is no terminal."""

    text = ""

    def write(self, text):
        self.text = (self.text + text)[-LONGEST:]
        return len(text)


def main():
    arguments = sys.argv[1:]
    home = arguments[arguments.index("--home") + 1] if "--home" in arguments[:-1] else ""
    said = Said()
    if "--background" in arguments:
        sys.stdout = sys.stderr = said
    status = 1
    try:
        try:
            import reatrieve
        except ImportError:
            sys.path.append(PACKAGE)
        from reatrieve.cli import main as run

        status = run(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc(file=said)
    if status and home:
        os.makedirs(home, exist_ok=True)
        with open(os.path.join(home, {NOT_STARTED!r}), "w", encoding="utf-8") as file:
            file.write(said.text)
    return status


if __name__ == "__main__":
    sys.exit(main())
'''
