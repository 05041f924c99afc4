"""The build without Python: a folder that runs the whole loop on a machine that has no Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MB = 900


@pytest.mark.extra
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_program_runs_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("PyInstaller", reason="PyInstaller is not installed (the extra program)")
    recipe = ROOT / "daemon" / "packaging" / "program.py"
    command = [sys.executable, str(recipe), str(tmp_path / "program"), "--headless"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    size_mb = float(built.stdout.split(": ")[-1].split(" MB")[0])
    assert size_mb < LARGEST_MB
    program = tmp_path / "program" / "reatrieve" / ("reatrieve.exe" if sys.platform == "win32" else "reatrieve")
    kept = ("SYSTEMROOT", "TEMP", "TMPDIR", "USERPROFILE", "LOCALAPPDATA")
    bare = {key: os.environ[key] for key in kept if key in os.environ}
    bare["HOME"] = str(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [str(program), "demo", "--json", "--out", str(empty / "out")],
        capture_output=True, text=True, encoding="utf-8", check=False, cwd=empty, env=bare,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["recall"] == 1.0
    assert result["files"]
    command = [str(program), "install", "--dry-run", "--resource-path", str(empty)]
    assert subprocess.run(command, capture_output=True, check=False, env=bare).returncode == 2  # no REAPER there
