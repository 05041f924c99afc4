"""Everything that `reatrieve evaluate` reports, as one dictionary of plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reatrieve.audio.decode import sound_info
from reatrieve.evaluation.agreement import agreement_summary
from reatrieve.evaluation.chance import random_session_recall
from reatrieve.evaluation.crossfit import cross_fitted
from reatrieve.evaluation.dataset import Dataset
from reatrieve.evaluation.oracle import Oracle
from reatrieve.evaluation.records import SessionRecord
from reatrieve.evaluation.scoring import calibration_bins, intervals, paired_difference, summary
from reatrieve.evaluation.sessions import Conditions, chosen_examples
from reatrieve.evaluation.statements import nothing_else_summary, rest_summary

__all__ = ["figures_of", "random_recall", "report"]

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
    """All figures of one retriever, undefined ones as nan; probabilities fitted without the file's own group."""
    as_shipped = summary(sessions, budget=conditions.budget)["ece"]
    sessions = cross_fitted(sessions)
    budget, seed = conditions.budget, conditions.seed
    kinds = sorted({session.kind for session in sessions})
    answers = [answer for session in sessions for answer in session.answers if answer.truth != "skip"]
    probability = np.array([answer.probability for answer in answers])
    hit = np.array([answer.truth == "accept" for answer in answers], dtype=np.float64)
    figures = summary(sessions, budget=budget)
    figures["ece_as_shipped"] = as_shipped
    figures["interval"] = intervals(sessions, budget=budget, seed=seed)
    figures["by_kind"] = {
        kind: summary([session for session in sessions if session.kind == kind], budget=budget) for kind in kinds
    }
    figures["nothing_else"] = nothing_else_summary(sessions)
    figures["rest"] = rest_summary(sessions, above=conditions.rest_above)
    figures["reliability"] = [list(row) for row in calibration_bins(probability, hit)]
    return figures


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
