"""What asking in random order would find: the figure to hold every other one against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reatrieve.evaluation.oracle import Oracle
from reatrieve.retrieval.spans import Span, allowed_overlap_s

__all__ = ["random_session_recall"]

MAX_ANSWERS_WITHOUT_REJECTION = 200


def random_session_recall(
    oracle: Oracle, example: int, *, duration_s: float, budget: int, rng: np.random.Generator
) -> float:
    """Recall of one session in which every candidate is drawn uniformly from the excerpts still allowed.

    Parameters
    ----------
    oracle : knows all occurrences, the example among them.
    example : index of the example.
    duration_s : length of the searched audio in seconds.
    budget : rejections allowed.
    rng : the only source of randomness.

    Returns
    -------
    float
        Share of the other occurrences hit, 0..1.
    """
    given = oracle.occurrences[example]
    length_s = given.length_s
    free = [(0.0, max(0.0, duration_s - length_s))]
    free = _without(free, given, length_s)
    found: set[int] = set()
    rejections = others = 0
    while free and rejections < budget and others < MAX_ANSWERS_WITHOUT_REJECTION:
        start_s = _draw(free, rng)
        candidate = Span(start_s, start_s + length_s)
        judgement = oracle.answer(candidate)
        if judgement.verdict == "reject":
            rejections += 1
        else:
            others += 1
            if judgement.credited is not None:
                found.add(judgement.credited)
        free = _without(free, candidate, length_s)
    return len(found - {example}) / (len(oracle.occurrences) - 1)


def _draw(free: Sequence[tuple[float, float]], rng: np.random.Generator) -> float:
    lengths = np.array([high - low for low, high in free])
    index = int(np.searchsorted(np.cumsum(lengths), rng.uniform(0.0, lengths.sum()), side="right"))
    low, high = free[min(index, len(free) - 1)]
    return float(rng.uniform(low, high))


def _without(free: Sequence[tuple[float, float]], taken: Span, length_s: float) -> list[tuple[float, float]]:
    """The intervals of starts that remain once ``taken`` is blocked for excerpts of ``length_s``."""
    limit = allowed_overlap_s(length_s)
    low, high = taken.start_s - length_s + limit, taken.end_s - limit
    rest = []
    for a, b in free:
        rest += [(a, min(b, low)), (max(a, high), b)]
    return [(a, b) for a, b in rest if b > a]
