"""What a command costs before it begins to work: its help over the import of numpy, each a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from reatrieve.errors import ReatrieveError
from reatrieve.lab.bench.measure import Ratio, paired_ratio

__all__ = ["help_ratios"]

N_STARTS = 9
COMMANDS = ("find", "export", "synth", "serve")
GOAL = 3.0


def help_ratios(*, say: Callable[[str], None]) -> list[Ratio]:
    """Measure the help of some commands over the import of numpy, in turn.

    Raises
    ------
    ReatrieveError
        If a command fails.
    """
    say("help of commands")
    ratios = []
    for command in COMMANDS:
        _started(["-m", "reatrieve", command, "--help"])  # once for what Python compiles and the disk reads
        pairs = [
            (_started(["-m", "reatrieve", command, "--help"]), _started(["-c", "import numpy"]))
            for _ in range(N_STARTS)
        ]
        what = f"reatrieve {command} --help"
        ratios.append(paired_ratio(f"help_{command}", what, "importing numpy", pairs, goal=GOAL))
    return ratios


def _started(words: Sequence[str]) -> float:
    """Wall time of a Python process with these words, in seconds."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ReatrieveError(f"python {' '.join(words)} ended with exit status {done.returncode}; run it to see why")
    return time.perf_counter() - start
