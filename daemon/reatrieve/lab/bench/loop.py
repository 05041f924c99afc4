"""The loop as a user meets it: first candidate over decoding alone, ticks from an answer to the next region."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import soundfile

from reatrieve.demo.loop import VERBS, Loop
from reatrieve.errors import ReatrieveError
from reatrieve.lab.bench import material
from reatrieve.lab.bench.measure import Ratio, median_s

__all__ = ["loop_ratios"]

N_FINDS = 5
N_ANSWERS = 8
MAX_TICKS = 60


def loop_ratios(folder: Path, *, say: Callable[[str], None]) -> list[Ratio]:
    """Measure on four minutes of Ogg Vorbis, through scripts, UDP and a daemon process; the host ticks at 31 Hz."""
    with Loop(folder / "loop") as loop:
        _warm_up(loop, folder)
        say("Find to first candidate, and decoding alone")
        pairs = [_first_candidate(loop, folder, number) for number in range(N_FINDS)]
        first_s, decode_s = sorted(pairs, key=lambda pair: pair[0] / pair[1])[N_FINDS // 2]
        say("ticks from answer to next region")
        plain = [_ticks(loop, dragged=False) for _ in range(N_ANSWERS)]
        dragged = [_ticks(loop, dragged=True) for _ in range(N_ANSWERS)]
    return [
        Ratio("first_candidate", "Find to first candidate", "decoding alone", first_s, decode_s, "s", 2.0),
        Ratio("ticks_plain", "answer to next region, 95 %", "one tick", _late(plain), 1.0, "ticks", 1.0),
        Ratio("ticks_dragged", "the same with dragged edges, 95 %", "one tick", _late(dragged), 1.0, "ticks", 3.0),
    ]


def _first_candidate(loop: Loop, folder: Path, number: int) -> tuple[float, float]:
    """Seconds from Find to the first candidate, and of decoding the same file; of a file that nothing has seen yet."""
    path = folder / f"4 min {number}.ogg"
    material.write_file(path, 4 + number / 60, studio=True)
    decode_s = median_s(lambda: soundfile.read(path, dtype="float32"), repeats=3)
    loop.reaper.new_project()
    loop.insert(path)
    span = material.example()
    return loop.find(span.start_s, span.end_s), decode_s


def _warm_up(loop: Loop, folder: Path) -> None:
    """One search on other audio: what is measured is a running daemon, as a user's second sound meets it."""
    path = folder / "warm up.ogg"
    material.write_file(path, 0.5)
    loop.insert(path)
    span = material.example()
    loop.find(span.start_s, span.end_s)


def _ticks(loop: Loop, *, dragged: bool) -> int:
    """Answer once and count the rounds of deferred functions until another candidate's region stands."""
    region = loop.candidate
    if region is None:
        raise ReatrieveError("the bench ran out of candidates; raise the budget")
    if dragged:
        region.move(region.start_s + 0.01, region.end_s)
        loop.settle(2)
        region = loop.candidate
        assert region is not None
    loop.reaper.run(VERBS["accept"])
    for ticks in range(1, MAX_TICKS):
        loop.reaper.tick()
        now = loop.candidate
        if now is not None and now.guid != region.guid:
            _listen(loop)
            return ticks
    return MAX_TICKS


def _listen(loop: Loop) -> None:
    """A user listens for a moment before the next answer; meanwhile the daemon looks ahead."""
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        loop.reaper.tick()


def _late(ticks: list[int]) -> float:
    return float(statistics.quantiles(ticks, n=20, method="inclusive")[-1])
