"""Peak memory of a process that decodes, analyses and answers on one long file; runs itself as a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from reatrieve.errors import ReatrieveError
from reatrieve.lab.bench import material
from reatrieve.lab.bench.measure import Ratio, peak_memory_bytes

__all__ = ["memory_ratios"]

GIB = 2**30
MB = 1e6


def memory_ratios(folder: Path, *, hour: bool, eight_hours: bool, say: Callable[[str], None]) -> list[Ratio]:
    """Peak memory on an hour over 1 GB, and whether growth from there to 8 hours stays linear.

    Raises
    ------
    AudioError
        If the disk does not take the sound that is measured.
    ReatrieveError
        If the process that is measured fails.
    """
    peaks: dict[int, float] = {}
    for minutes in (4, *((60,) if hour else ()), *((480,) if eight_hours else ())):
        say(f"peak memory on {minutes} minutes")
        path = folder / f"{minutes} min.flac"
        material.write_file(path, minutes)
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            done = subprocess.run(
                [sys.executable, "-m", "reatrieve.lab.bench.memory", str(path), cache],
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise ReatrieveError(f"the process that is measured on {minutes} minutes ended early: {why}")
        peaks[minutes] = json.loads(done.stdout)["peak_bytes"] / MB
        path.unlink()
    ratios = [Ratio("memory_4_min", "peak memory, 4 minutes", "1 GB", peaks[4], 1000.0, "MB", 1.0)]
    if hour:
        ratios.append(Ratio("memory_60_min", "peak memory, 1 hour", "1 GB", peaks[60], 1000.0, "MB", 1.0))
    if hour and eight_hours:
        line = peaks[4] + (peaks[60] - peaks[4]) * (480 - 4) / (60 - 4)
        ratios.append(
            Ratio("memory_480_min", "peak memory, 8 hours", "line through 4 min and 1 h", peaks[480], line, "MB", 1.1)
        )
    return ratios


def _measure(path: Path, cache: Path) -> int:
    from reatrieve.audio.analysis import analyse_track
    from reatrieve.audio.cache import AnalysisCache
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.retrieval.registry import make_retriever
    from reatrieve.session.events import Answered, Proposed, Started
    from reatrieve.session.search import Search

    retriever = make_retriever("default")
    analysis = analyse_track(TrackMap.of_file(path), retriever, cache=AnalysisCache(cache, max_bytes=64 * GIB))
    example = material.example()
    search = Search(retriever, analysis, [Started(example, "bench", 10, retriever.name)])
    for index in range(6):
        proposed = search.propose()
        if not isinstance(proposed, Proposed):
            break
        search.speculate()
        search.apply(Answered(proposed.number, "accept" if index % 2 else "reject", proposed.span))
    return peak_memory_bytes()


if __name__ == "__main__":
    print(json.dumps({"peak_bytes": _measure(Path(sys.argv[1]), Path(sys.argv[2]))}))
