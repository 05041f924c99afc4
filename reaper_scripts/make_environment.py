# @noindex
"""Makes the Python environment of ReaTrieve's daemon; run by the action ReaTrieve: Setup with the Python that it found.

What it says goes to a file that the action looks at: ``STEP share text`` as it goes on; at the end ``DONE python`` or
``FAILED kind text``, kind ``python`` (this Python will not do: another one may), ``network`` or ``other``. It uses
nothing but the standard library.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO

LOCK = "setup.lock"
OLDEST = (3, 10)
PACKAGES = 34
"""About how many packages the daemon needs in all; only the progress depends on it."""

NO_WHEEL = re.compile(r"No matching distribution found for ([\w.-]+)")
NO_NETWORK = re.compile(
    r"NewConnectionError|Connect\w*Timeout|ReadTimeout|ProxyError|SSLError|NameResolution|Retrying \("
)
VERSION = ".".join(str(number) for number in sys.version_info[:2])


class EnvironmentFault(Exception):
    """It ends here; ``kind`` as above."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def say(line: str) -> None:
    """Tell the action."""
    print(line, flush=True)


def check_this_python() -> None:
    """Raise ``EnvironmentFault`` if an environment cannot be made with it."""
    if sys.version_info[:2] < OLDEST:
        raise EnvironmentFault("python", f"Python {VERSION} is too old")
    if struct.calcsize("P") != 8:
        raise EnvironmentFault("python", f"Python {VERSION} has 32 bits")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        text = f"Python {VERSION} lacks venv (Debian, Ubuntu: sudo apt install python{VERSION}-venv)"
        raise EnvironmentFault("python", text) from error


def python_in(environment: Path) -> Path:
    """The environment's Python."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(environment: Path, marker: str) -> None:
    """Make the environment anew; only one of ours is ever removed for that."""
    import venv

    if environment.is_dir():
        if not (environment / marker).is_file() and any(environment.iterdir()):
            raise EnvironmentFault("other", f"{environment} is not an environment of ReaTrieve's: move it away")
        shutil.rmtree(environment)
    environment.mkdir(parents=True)
    text = "Made by the action ReaTrieve: Setup; reatrieve uninstall takes it away.\n"
    (environment / marker).write_text(text, encoding="utf-8")
    try:
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(environment)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EnvironmentFault("python", f"its venv cannot be made ({error})") from error


def only_one(folder: Path) -> IO[bytes]:
    """Hold the lock of the folder that environments are made in: the file must stay open. Raises ``EnvironmentFault``
    where another Setup works there; the system lets go of the lock when its process ends, however that is."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK).open("ab")
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        text = "another Setup is at work here: wait until it has ended, then try again"
        raise EnvironmentFault("other", text) from error
    return file


def install(environment: Path, wheel: str) -> None:
    """Install the wheel and what it needs, ready-made packages only."""
    command = [str(python_in(environment)), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += [
        "--no-compile",
        "--progress-bar",
        "off",
        "--only-binary",
        ":all:",
        "--timeout",
        "30",
        "--retries",
        "3",
        wheel,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    lines: list[str] = []
    collected = 0
    with process.stdout as out:
        for raw in out:
            lines.append(raw.decode("utf-8", "replace").rstrip())
            if lines[-1].startswith("Collecting "):
                collected += 1
                share = min(0.75, 0.1 + 0.65 * collected / PACKAGES)
                say(f"STEP {share:.2f} getting {lines[-1].split()[1]}")
            elif lines[-1].startswith("Installing collected packages"):
                say("STEP 0.80 unpacking everything; this is the longest step")
    status = process.wait()
    if status == 0:
        return
    text = "\n".join(lines)
    print(text)
    if NO_NETWORK.search(text):
        raise EnvironmentFault("network", "the packages could not be fetched: is there a connection to the internet?")
    missing = NO_WHEEL.search(text)
    if missing:
        raise EnvironmentFault("python", f"there is no ready-made {missing[1]} for Python {VERSION}")
    errors = [line for line in lines if line.lower().startswith("error")] or lines or [f"pip ended with {status}"]
    raise EnvironmentFault("other", errors[-1])


def try_out(python: Path) -> None:
    """Raise ``EnvironmentFault`` if the daemon does not run."""
    code = "import reatrieve.service, numpy, scipy, librosa, sklearn, soundfile, soxr"
    done = subprocess.run([str(python), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
        raise EnvironmentFault("other", f"the daemon does not run: {said[-1]}")


def main() -> int:
    """Make it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", required=True, type=Path)
    parser.add_argument("--wheel", required=True)
    parser.add_argument("--marker", default="reatrieve-setup.txt")
    args = parser.parse_args()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        check_this_python()
        with only_one(args.environment.parent):
            say(f"STEP 0.02 making an environment with Python {VERSION}")
            make(args.environment, args.marker)
            say("STEP 0.10 asking which packages are needed")
            install(args.environment, args.wheel)
            say("STEP 0.95 trying it out")
            try_out(python_in(args.environment))
    except EnvironmentFault as fault:
        say(f"FAILED {fault.kind} {fault}")
        return 1
    except OSError as error:
        say(f"FAILED other {error}")
        return 1
    say(f"DONE {python_in(args.environment)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
