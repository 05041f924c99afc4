"""The pure modules of reaper_scripts/lib under Lua 5.3 and 5.4, inside lupa and in Debian's interpreters."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIB = HERE.parents[1] / "reaper_scripts" / "lib"
SPECS = sorted(path.stem for path in HERE.glob("spec_*.lua"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("to_daemon", "to_script"):
        (tmp_path / "spool" / "c" / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("lua", ["lua53", "lua54"])
@pytest.mark.parametrize("spec", SPECS)
def test_in_lupa(spec: str, lua: str, folder: Path) -> None:
    runtime = importlib.import_module(f"lupa.{lua}").LuaRuntime(encoding="latin-1")
    run = runtime.eval("function(path, ...) return assert(loadfile(path))(...) end")
    report = run(str(HERE / "runner.lua"), str(LIB), str(HERE / f"{spec}.lua"), str(folder))
    assert " 0 failures" in report.splitlines()[0], report


@pytest.mark.peer
@pytest.mark.parametrize("lua", ["lua5.3", "lua5.4"])
@pytest.mark.parametrize("spec", SPECS)
def test_in_a_real_interpreter(spec: str, lua: str, folder: Path) -> None:
    if shutil.which(lua) is None:
        assert os.environ.get("CI") != "true", f"{lua} is not installed"
        pytest.skip(f"{lua} is not installed")
    command = [lua, str(HERE / "runner.lua"), str(LIB), str(HERE / f"{spec}.lua"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_table_a_module_and_no_globals() -> None:
    for path in LIB.glob("*.lua"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("-- @noindex\n--- "), f"{path.name}: its first line says what it is"
        assert text.rstrip().splitlines()[-1].startswith("return "), path.name
