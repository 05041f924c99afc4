"""``python -m reatrieve.lab.pictures.held serve …``: the daemon, but a search stands at ``SHARE`` for as long as the
file ``HOLD`` is in its home folder, so that each picture of it shows the same."""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from reatrieve.audio import analysis

__all__ = ["HOLD", "SHARE"]

HOLD = "held"
SHARE = 0.4
LOOKED_AT_EVERY_S = 0.01

P = ParamSpec("P")
T = TypeVar("T")


def _held(analyse: Callable[P, T], hold: Path) -> Callable[P, T]:
    @wraps(analyse)
    def run(*args: P.args, **more: P.kwargs) -> T:
        progress, cancel = more.get("progress"), more.get("cancel")
        while hold.exists() and not (callable(cancel) and cancel()):
            if callable(progress):
                progress("analyse", SHARE)
            time.sleep(LOOKED_AT_EVERY_S)
        return analyse(*args, **more)

    return run


if __name__ == "__main__":
    home = Path(sys.argv[sys.argv.index("--home") + 1])
    analysis.analyse_track = _held(analysis.analyse_track, home / HOLD)
    runpy.run_module("reatrieve", run_name="__main__")
