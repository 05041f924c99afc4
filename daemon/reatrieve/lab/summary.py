"""Everything that `reatrieve evaluate` reports, as one dictionary of plain values.

The recall of asking in random order is the figure to hold every other one against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reatrieve.annotations.oracle import Oracle
from reatrieve.audio.decode import sound_info
from reatrieve.lab.agreement import agreement_summary
from reatrieve.lab.crossfit import cross_fitted
from reatrieve.lab.dataset import Dataset
from reatrieve.lab.records import SessionRecord
from reatrieve.lab.scoring import calibration_bins, intervals, paired_difference, summary
from reatrieve.lab.self_report import nothing_else_summary, rest_summary
from reatrieve.lab.sessions import Conditions, chosen_examples
from reatrieve.session.spans import Span, allowed_overlap_s
from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS

__all__ = ["figures_of", "random_recall", "random_session_recall", "report"]


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
    while free and rejections < budget and others < MAX_ACCEPTS_AND_SKIPS:
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


RANDOM_REPEATS = 20


def random_recall(dataset: Dataset, conditions: Conditions) -> float:
    """Recall of asking in random order under the same conditions, averaged like every other; nan for no sound."""
    rng = np.random.default_rng(conditions.seed)
    by_sound = []
    for recording in dataset.recordings:
        duration_s = sound_info(recording.path).duration_s
        for sound in recording.sounds:
            if len(sound.occurrences) < 2:
                continue
            oracle = Oracle(sound.occurrences, sound.near, conditions.oracle)
            recalls = [
                random_session_recall(oracle, example, duration_s=duration_s, budget=conditions.budget, rng=rng)
                for example in chosen_examples(conditions.examples, len(sound.occurrences))
                for _ in range(RANDOM_REPEATS)
            ]
            by_sound.append(float(np.mean(recalls)))
    return float(np.mean(by_sound)) if by_sound else math.nan


def report(
    dataset: Dataset,
    sessions: Mapping[str, Sequence[SessionRecord]],
    conditions: Conditions,
) -> dict[str, Any]:
    """All figures: those of the first retriever at the top, the others under ``retrievers``.

    Returns
    -------
    dict
        Keys as in docs/datasets.md; figures that do not exist (no sound, no find) are None, so that it is valid JSON.
    """
    (first, first_sessions), *others = sessions.items()
    figures: dict[str, Any] = {"retriever": first, **figures_of(first_sessions, conditions)}
    figures["random_recall"] = random_recall(dataset, conditions)
    figures["retrievers"] = {
        name: {
            **figures_of(theirs, conditions),
            "difference": paired_difference(first_sessions, theirs, budget=conditions.budget, seed=conditions.seed),
        }
        for name, theirs in others
    }
    figures["annotators"] = agreement_summary(dataset)
    figures["broken_rows"] = [str(row) for row in dataset.broken]
    without_nan: dict[str, Any] = _without_nan(figures)
    return without_nan


def figures_of(sessions: Sequence[SessionRecord], conditions: Conditions) -> dict[str, Any]:
    """All figures of one retriever, undefined ones as nan; probabilities as the user sees them."""
    budget, seed = conditions.budget, conditions.seed
    kinds = sorted({session.kind for session in sessions})
    figures = summary(sessions, budget=budget)
    refitted = cross_fitted(sessions)
    figures["ece_refitted"] = summary(refitted, budget=budget)["ece"]
    figures["interval"] = intervals(sessions, budget=budget, seed=seed)
    figures["by_kind"] = {
        kind: summary([session for session in sessions if session.kind == kind], budget=budget) for kind in kinds
    }
    figures["nothing_else"] = nothing_else_summary(sessions)
    figures["rest"] = rest_summary(sessions, above=conditions.rest_above)
    figures["reliability"] = _reliability(sessions)
    figures["reliability_refitted"] = _reliability(refitted)
    return figures


def _reliability(sessions: Sequence[SessionRecord]) -> list[list[float]]:
    answers = [answer for session in sessions for answer in session.answers if answer.truth != "skip"]
    probability = np.array([answer.probability for answer in answers])
    hit = np.array([answer.truth == "accept" for answer in answers], dtype=np.float64)
    return [list(row) for row in calibration_bins(probability, hit)]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
