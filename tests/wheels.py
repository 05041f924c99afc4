"""Programs that must succeed, and the wheel that they build from this checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, **options: object) -> str:
    """What a program prints; its whole output where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, in a folder of the test."""
    return wheel_of(ROOT, folder)


def wheel_of(source: Path, folder: Path) -> Path:
    """The wheel of a checkout or sdist, built by the hatchling that is installed."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, source)
    return next(folder.glob("*.whl"))
