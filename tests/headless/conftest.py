"""A simulated REAPER for each version, and a way to run a piece of Lua in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reatrieve.headless import VERSIONS, Reaper


class LuaHost:
    """A REAPER with no scripts of its own, on simulated time."""

    def __init__(self, folder: Path, version: str, **options: Any) -> None:
        self.folder = folder
        self.scripts = folder / "scripts"
        self.scripts.mkdir(exist_ok=True)
        self.version = version
        self.count = 0
        options = {"clock": "simulated", "home": folder / "reaper", "argument_checks": "all", **options}
        self.reaper = Reaper(version, scripts=self.scripts, **options)

    def write(self, source: str, name: str = "") -> Path:
        """A script file."""
        self.count += 1
        path = self.scripts / (name or f"script {self.count}.lua")
        path.write_text(source, encoding="utf-8")
        return path

    def lua(self, source: str, ticks: int = 0) -> None:
        """Run a piece of Lua; a failed ``assert`` in it fails the test."""
        self.reaper.run(self.write(source))
        self.reaper.tick(ticks)

    def value(self, expression: str) -> str:
        """What an expression is in Lua, as text; several values are joined by a space."""
        self.lua(f"""
            local values = table.pack({expression})
            for i = 1, values.n do values[i] = tostring(values[i]) end
            reaper.SetExtState("test", "value", table.concat(values, " "), false)
            reaper.defer(function() end)""")
        self.reaper.tick()
        return self.reaper.ext_state("test", "value")


@pytest.fixture(params=list(VERSIONS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LuaHost]:
    made = LuaHost(tmp_path, request.param)
    yield made
    made.reaper.close()


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., LuaHost]]:
    made = []

    def make(version: str = "7.72", **options: Any) -> LuaHost:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(LuaHost(folder, version, **options))
        return made[-1]

    yield make
    for each in made:
        each.reaper.close()
