"""The loop as a user meets it: first candidate over decoding alone, ticks from an answer to the next region."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import soundfile

from reatrieve.demo.loop import CARRIERS, FIND, VERBS, Loop
from reatrieve.errors import ReatrieveError
from reatrieve.lab.bench import material
from reatrieve.lab.bench.measure import Ratio, median_s

__all__ = ["loop_ratios"]

N_FINDS = 5
N_PREPARED = 20
N_LOOP_ANSWERS = 8
MAX_TICKS = 60
WARM_UP_MINUTES = 2.0
"""Long enough for all answers: half a minute holds 14 places."""
N_FIRST_ANSWERS = 8
PREPARED_TIMEOUT_S = 120.0
LISTENED_S = 6.0
"""A user hears the marked sound a few times before Find."""


def loop_ratios(folder: Path, *, say: Callable[[str], None]) -> list[Ratio]:
    """Measure on four minutes of Ogg Vorbis, through scripts, either carrier and a daemon process; the host ticks at
    31 Hz."""
    ratios = []
    path = folder / "4 min.ogg"
    material.write_file(path, 4, studio=True)
    for carrier in CARRIERS:
        say(f"Find to first candidate over {carrier}: cold, warm, prepared")
        ratios += _find_ratios(path, folder, carrier)
    say("ticks from answer to next region")
    with Loop(folder / "answers") as loop:
        _warm_up(loop, folder)
        plain = [_ticks(loop, dragged=False) for _ in range(N_LOOP_ANSWERS)]
        dragged = [_ticks(loop, dragged=True) for _ in range(N_LOOP_ANSWERS)]
    return [
        *ratios,
        Ratio("ticks_plain", "answer to next region, 95 %", "one tick", _late(plain), 1.0, "ticks", 1.0),
        Ratio("ticks_dragged", "the same with dragged edges, 95 %", "one tick", _late(dragged), 1.0, "ticks", 3.0),
    ]


def _find_ratios(path: Path, folder: Path, carrier: str) -> list[Ratio]:
    """From Find to the first candidate: by a daemon that has just started, by one that runs, and of a track that was
    prepared ahead. Each time of a track that nothing has seen yet: a little shorter than those before."""
    lengths_s = (4 * 60.0 - 0.5 * number for number in itertools.count())
    with Loop(folder / f"loop {carrier}", carrier=carrier) as loop:
        cold_s, cold_decode_s = _first_candidate(loop, path, next(lengths_s))
        pairs = [_first_candidate(loop, path, next(lengths_s)) for _ in range(N_FINDS)]
        first_s, decode_s = sorted(pairs, key=lambda pair: pair[0] / pair[1])[N_FINDS // 2]
        n_before = itertools.count(1 + N_FINDS)
        ticks = [_prepared_ticks(loop, path, next(lengths_s), next(n_before)) for _ in range(N_PREPARED)]
        answers = []
        for _ in range(N_FIRST_ANSWERS):
            _prepared_ticks(loop, path, next(lengths_s), next(n_before), rest_s=LISTENED_S)
            answers.append(_ticks(loop, dragged=False))
    what = f"Find to first candidate, {carrier}"
    return [
        Ratio(f"first_candidate_{carrier}", what, "decoding alone", first_s, decode_s, "s", 2.0),
        Ratio(f"cold_start_{carrier}", f"{what}, cold", "decoding alone", cold_s, cold_decode_s, "s", None),
        Ratio(f"ticks_prepared_{carrier}", f"{what}, prepared, 95 %", "one tick", _late(ticks), 1.0, "ticks", 3.0),
        Ratio(f"ticks_first_answer_{carrier}", f"its first answer to next region, {carrier}, 95 %", "one tick",
              _late(answers), 1.0, "ticks", 1.0),
    ]  # fmt: skip


def _first_candidate(loop: Loop, path: Path, length_s: float) -> tuple[float, float]:
    """Seconds from Find to the first candidate, and of decoding the same file.

    Find comes with the selection, before anything can be prepared.
    """
    decode_s = median_s(lambda: soundfile.read(path, dtype="float32"), repeats=3)
    _new_track(loop, path, length_s)
    span = material.example()
    return loop.find(span.start_s, span.end_s), decode_s


def _prepared_ticks(loop: Loop, path: Path, length_s: float, n_before: int, *, rest_s: float = 1.0) -> int:
    """Rounds of deferred functions from Find to the first candidate's region, of a track that the daemon has had time
    to prepare, and ``rest_s`` besides; ``n_before`` others were searched with this daemon."""

    def stored(n: int) -> bool:  # an analysis is stored a moment after it was made
        return len(set((loop.daemon.home / "cache" / "analysis").glob("*[0-9a-f]"))) == n

    loop.reaper.until(lambda: stored(n_before), timeout_s=PREPARED_TIMEOUT_S)
    _new_track(loop, path, length_s)
    span = material.example()
    loop.project.select_time(span.start_s, span.end_s)
    loop.reaper.until(lambda: stored(n_before + 1), timeout_s=PREPARED_TIMEOUT_S)
    _listen(loop, rest_s)
    loop.reaper.run(FIND)
    for ticks in range(1, MAX_TICKS):
        loop.reaper.tick()
        if loop.candidate is not None:
            _listen(loop)
            return ticks
    return MAX_TICKS


def _new_track(loop: Loop, path: Path, length_s: float) -> None:
    loop.reaper.new_project()
    loop.insert(path, length_s=length_s)
    _listen(loop)


def _warm_up(loop: Loop, folder: Path) -> None:
    """One search on other audio: what is measured is a running daemon, as a user's second sound meets it."""
    path = folder / "warm up.ogg"
    material.write_file(path, WARM_UP_MINUTES)
    loop.insert(path)
    span = material.example()
    loop.find(span.start_s, span.end_s)
    _listen(loop)


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


def _listen(loop: Loop, seconds: float = 0.3) -> None:
    """A user listens for a moment before the next answer; meanwhile the daemon speculates on it."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        loop.reaper.tick()


def _late(ticks: list[int]) -> float:
    return float(statistics.quantiles(ticks, n=20, method="inclusive")[-1])
