"""What the cases share: the rig of the actions, and a recording with three noise bursts made alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "actions"))

from rig import Rig

from reatrieve.headless import Reaper
from signals import noise, write_sound

BURSTS_S = (1.87, 7.87, 13.87)
"""Starts of the bursts in `bursts`; each is 1.26 s long."""


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes rigs (simulated REAPER and fake daemon) and closes them."""
    made: list[Rig] = []

    def make(version: str = "7.72", **options: Any) -> Rig:
        folder = tmp_path / f"rig {len(made)}"
        folder.mkdir()
        made.append(Rig(folder, version, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A rig under the newest version."""
    return make_rig()


class LuaHost:
    """A simulated REAPER that runs pieces of Lua, and keeps the errors that end them."""

    def __init__(self, folder: Path, version: str = "7.72", **options: Any) -> None:
        self.folder = folder
        self.count = 0
        options = {"clock": "simulated", "strict": False, "home": folder / "reaper", "scripts": folder} | options
        self.reaper = Reaper(version, **options)

    def run(self, source: str, name: str = "", ticks: int = 2) -> None:
        """Run it as an action would be run, then some ticks."""
        self.count += 1
        path = self.folder / (name or f"script {self.count}.lua")
        path.write_text(source, encoding="utf-8")
        self.reaper.run(path)
        self.reaper.tick(ticks)

    @property
    def errors(self) -> list[str]:
        return [str(error) for error in self.reaper.errors]

    @property
    def undo_history(self) -> list[str]:
        return list(self.reaper.project.undo_history)


@pytest.fixture
def lua_host(tmp_path: Path) -> Iterator[LuaHost]:
    host = LuaHost(tmp_path)
    yield host
    host.reaper.close()


@pytest.fixture(scope="session")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 s of quiet noise with one loud burst at each of `BURSTS_S`."""
    rate_hz = 22050
    y = noise(18 * rate_hz, level=0.003)
    burst = noise(round(1.26 * rate_hz), seed=7, level=0.2) * np.hanning(round(1.26 * rate_hz)).astype(np.float32)
    for start_s in BURSTS_S:
        first = round(start_s * rate_hz)
        y[first : first + len(burst)] += burst
    return write_sound(tmp_path_factory.mktemp("bursts") / "three bursts.wav", y, rate_hz)
