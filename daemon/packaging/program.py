"""ReaTrieve without Python: a folder with everything in it, made by PyInstaller.

    pip install . pyinstaller
    python daemon/packaging/program.py build/program

``build/program/reatrieve/reatrieve`` is then the command ``reatrieve``; with ``--headless`` (and ``pip install
".[headless]"``) it runs the demo too. It prints the folder's size and how long ``reatrieve serve`` takes until it
listens.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "daemon" / "reatrieve"

ENTRY = """\
import multiprocessing
import sys

from reatrieve.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
"""

COLLECTED = ("librosa", "soxr", "mido")
"""Packages that load parts of themselves by name, so that PyInstaller cannot see them."""

COPIED = ("numpy", "scipy", "librosa", "scikit-learn", "soundfile", "soxr", "numba", "mido")
"""Distributions whose metadata is read at run time."""

LEFT_OUT = ("tkinter", "matplotlib", "IPython", "pytest", "hypothesis", "dask", "distributed", "onnxruntime", "onnx")
HEADLESS = ("lupa", "rpp", "PIL", "rich")


def our_files() -> Iterator[tuple[str, str]]:
    """Every module of ours, by name, since commands are loaded so; every file of data, as PyInstaller wants it."""
    for path in sorted(PACKAGE.rglob("*")):
        below = path.relative_to(PACKAGE.parent)
        if path.suffix == ".py":
            yield ".".join(below.with_suffix("").parts).removesuffix(".__init__"), ""
        elif path.is_file() and path.suffix != ".pyc":
            yield "", f"{path}{os.pathsep}{below.parent}"


def build(target: Path, *, headless: bool) -> Path:
    """Build the folder; the program in it."""
    with tempfile.TemporaryDirectory() as scratch:
        entry = Path(scratch) / "reatrieve_program.py"
        entry.write_text(ENTRY, encoding="utf-8")
        command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN", "--onedir"]
        command += ["--name", "reatrieve", "--distpath", str(target), "--workpath", str(Path(scratch) / "work")]
        command += ["--specpath", scratch]
        command += ["--add-data", f"{ROOT / 'reaper_scripts'}{os.pathsep}reatrieve/reaper_scripts"]
        command += ["--paths", str(PACKAGE.parent)]
        for module, data in our_files():
            command += ["--hidden-import", module] if module else ["--add-data", data]
        for name in COLLECTED:
            command += ["--collect-all", name]
        for name in COPIED:
            command += ["--copy-metadata", name]
        for name in HEADLESS:
            command += ["--collect-all" if headless else "--exclude-module", name]
        for name in LEFT_OUT:
            command += ["--exclude-module", name]
        subprocess.run([*command, str(entry)], check=True)
    return target / "reatrieve" / ("reatrieve.exe" if sys.platform == "win32" else "reatrieve")


def size_mb(folder: Path) -> float:
    """Size of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def start_s(program: Path) -> float:
    """Seconds until the daemon listens, the second time: the first reads everything from the disk."""
    taken = 0.0
    for _ in range(2):
        home = Path(tempfile.mkdtemp())
        began = time.perf_counter()
        command = [
            str(program),
            "serve",
            "--home",
            str(home / "h"),
            "--cache",
            str(home / "c"),
            "--logs",
            str(home / "l"),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            taken = time.perf_counter() - began
            process.terminate()
        shutil.rmtree(home, ignore_errors=True)
        if "listening" not in line and "spool" not in line:
            raise SystemExit(f"the daemon did not start: {line}")
    return taken


def main() -> int:
    """Build, and say what came of it."""
    parser = argparse.ArgumentParser(description="ReaTrieve without Python.")
    parser.add_argument("target", type=Path, help="folder to build in")
    parser.add_argument("--headless", action="store_true", help="with what the demo needs")
    args = parser.parse_args()
    program = build(args.target.resolve(), headless=args.headless)
    print(f"{program}: {size_mb(program.parent):.0f} MB, listens after {start_s(program):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
