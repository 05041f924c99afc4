"""Analysis and answers of a retriever, over librosa's mel spectrogram in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import librosa
import numpy as np
from numpy.typing import NDArray

from reatrieve.lab.bench import material
from reatrieve.lab.bench.measure import Ratio, paired_ratio
from reatrieve.retrieval.registry import make_retriever
from reatrieve.retrieval.threads import one_blas_thread
from reatrieve.session.events import Answered, Proposed, Started
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Analysis, Retriever
from reatrieve.session.search import Search

__all__ = ["default_ratios", "paper_ratio"]

N_RANKER_ANSWERS = 16
N_PAPER_ANSWERS = 60


def _analyse(retriever: Retriever, minutes: float) -> Analysis:
    y = material.samples(minutes)
    return retriever.analyse([y], n_samples=len(y))


def _answer_times(retriever: Retriever, analysis: Analysis, n_answers: int) -> Iterator[float]:
    """Seconds from each answer to the next candidate, alternating no and yes, nothing speculated in between."""
    search = Search(retriever, analysis, [Started(material.example(), "bench", 10_000, retriever.name)])
    for index in range(n_answers):
        proposed = search.propose()
        if not isinstance(proposed, Proposed):
            return
        answer = Answered(proposed.number, "accept" if index % 2 else "reject", proposed.span)
        start = time.perf_counter()
        search.apply(answer)
        search.propose()
        yield time.perf_counter() - start


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def default_ratios(*, hour: bool, say: Callable[[str], None]) -> list[Ratio]:
    """The default retriever's analysis and answers on 4 minutes and, if asked, on an hour.

    What is measured and its base take turns, so that both meet the same machine.
    """
    retriever = make_retriever("default")
    say("analysis of 4 minutes")
    y = material.samples(4)
    pairs = [(_timed(lambda: retriever.analyse([y], n_samples=len(y))), _timed(partial(_mel, y))) for _ in range(6)][1:]
    ratios = [paired_ratio("analysis", "analysis of 4 minutes", "mel spectrogram of the same", pairs, goal=3.0)]
    two = material.samples(2)
    for minutes, goal in ((4, 0.12), (60, 0.5)) if hour else ((4, 0.12),):
        say(f"answers on {minutes} minutes")
        analysis = _analyse(retriever, minutes)
        pairs = [(spent, _timed(partial(_mel, two))) for spent in _answer_times(retriever, analysis, N_RANKER_ANSWERS)]
        what = f"answer to next candidate, {minutes} minutes"
        ratios.append(paired_ratio(f"answer_{minutes}_min", what, "mel spectrogram of 2 minutes", pairs, goal=goal))
    return ratios


def paper_ratio(*, say: Callable[[str], None]) -> Ratio:
    """Whether the paper's retriever slows down as answers add up: late answers over early ones."""
    say(f"the paper's retriever, {N_PAPER_ANSWERS} answers")
    retriever = make_retriever("paper")
    times = list(_answer_times(retriever, _analyse(retriever, 4), N_PAPER_ANSWERS))
    n = len(times) // 3
    early, late = statistics.median(times[2 : 2 + n]), statistics.median(times[-n:])
    return Ratio(
        "paper_answer_growth",
        f"paper's retriever, last {n} of {len(times)} answers",
        f"first {n}",
        late,
        early,
        "s",
        1.5,
    )


@one_blas_thread
def _mel(y: NDArray[np.float32]) -> None:
    """The base. BLAS is held to one thread: otherwise its workers spin for some 20 ms afterwards, and slow the answer
    that is timed next.
    """
    librosa.feature.melspectrogram(y=y, sr=ANALYSIS_RATE_HZ)
