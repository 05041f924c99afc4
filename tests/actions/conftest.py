from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig import Rig


def _rig(folder: Path, version: str) -> Iterator[Rig]:
    with Rig(folder, version) as one:
        yield one


@pytest.fixture(params=["6.83", "7.72"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Under REAPER 6 (Lua 5.3) and 7 (Lua 5.4)."""
    yield from _rig(tmp_path, str(request.param))


@pytest.fixture(params=["6.83", "7.0", "7.62", "7.72"])
def every_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Under every set of region functions that REAPER has had."""
    yield from _rig(tmp_path, str(request.param))


@pytest.fixture
def one_rig(tmp_path: Path) -> Iterator[Rig]:
    """Under the newest version only, for what no version changes."""
    yield from _rig(tmp_path, "7.72")
