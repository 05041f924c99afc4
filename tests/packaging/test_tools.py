"""The wheel as a tool of pipx and of uv, run from an empty folder: its command, its scripts, its advice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wheels import build_wheel, run

pytestmark = [pytest.mark.slow, pytest.mark.extra, pytest.mark.timeout(1500)]
BIN = "Scripts" if sys.platform == "win32" else "bin"
INSTALL = {"pipx": ["install"], "uv": ["tool", "install"]}
REMOVE = {"pipx": ["uninstall"], "uv": ["tool", "uninstall"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel ö"))


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_the_wheel_is_a_tool(tool: str, wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "tools")
    run(tmp_path / "tools" / BIN / "python", "-m", "pip", "install", "--quiet", tool)
    program = tmp_path / "tools" / BIN / tool
    shims = tmp_path / "shims"
    variables = {
        key: value for key, value in os.environ.items() if not key.startswith(("REATRIEVE_", "PYTHON", "PIPX_"))
    }
    variables |= {
        "HOME": str(tmp_path), "PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(shims),
        "PIPX_MAN_DIR": str(tmp_path / "man"), "UV_TOOL_DIR": str(tmp_path / "uv"), "UV_TOOL_BIN_DIR": str(shims),
        "UV_PYTHON": sys.executable, "PIPX_DEFAULT_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # several indexes count alike, as with pip
    }  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("index-url", "extra-index-url", "find-links"):  # uv does not read pip's settings
        asked = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            key = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}[name]
            variables[key] = " ".join(asked.stdout.split())
    run(program, *INSTALL[tool], wheel, cwd=empty, env=variables)
    reatrieve = shims / ("reatrieve.exe" if sys.platform == "win32" else "reatrieve")
    assert "0.1.0" in run(reatrieve, "--version", cwd=empty, env=variables)
    resources = tmp_path / "REAPER ö"
    resources.mkdir()
    (resources / "reaper.ini").touch()
    where = ("--resource-path", resources)
    run(reatrieve, "install", *where, "--home", tmp_path / "home", cwd=empty, env=variables)
    assert (resources / "Scripts" / "ReaTrieve").is_dir()
    text = (resources / "ReaTrieve" / "where.txt").read_text(encoding="utf-8")
    assert str(tmp_path / tool) in text  # the tool's own Python, which stays where it is
    doctor = subprocess.run(
        [str(reatrieve), "doctor", *map(str, where), "--home", str(tmp_path / "home")],
        capture_output=True, text=True, check=False, cwd=empty, env=variables,
    )  # fmt: skip
    assert "Traceback" not in doctor.stdout + doctor.stderr
    assert "pip install reatrieve" not in doctor.stdout
    run(reatrieve, "uninstall", *where, cwd=empty, env=variables)
    assert list(empty.iterdir()) == []
    run(program, *REMOVE[tool], "reatrieve", cwd=empty, env=variables)
    assert not reatrieve.exists()
