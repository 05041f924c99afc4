from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig import Rig

from reatrieve.headless.profile import VERSIONS

OTHERS = [pytest.param(one, marks=pytest.mark.version) for one in VERSIONS if one not in ("6.83", "7.80")]


def _rig(folder: Path, version: str) -> Iterator[Rig]:
    with Rig(folder, version) as one:
        yield one


@pytest.fixture(params=["6.83", "7.80", *OTHERS])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Under REAPER 6 (Lua 5.3) and 7 (Lua 5.4); with ``--every-version`` under each of the others."""
    yield from _rig(tmp_path, str(request.param))


@pytest.fixture(params=[*VERSIONS, "6.02"])
def every_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Under every REAPER that the project is tested on, and the oldest that works."""
    yield from _rig(tmp_path, str(request.param))


@pytest.fixture(params=["7.80", pytest.param("6.83", marks=pytest.mark.version), *OTHERS])
def one_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """For what no version should change: under the newest; with ``--every-version`` under each of the others."""
    yield from _rig(tmp_path, str(request.param))


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[Rig]:
    """Two answers, saved, then a third."""
    with Rig(tmp_path) as rig:
        session = rig.find()
        rig.press("accept")
        rig.press("accept")
        rig.project.save(rig.folder / "song.rpp")
        rig.tick(3)
        assert rig.daemon.saved == [(session.find.session, str(rig.folder / "song.rpp"))]
        rig.press("accept")
        yield rig
