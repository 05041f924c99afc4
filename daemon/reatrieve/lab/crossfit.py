"""Probabilities from a calibration that never saw the file's composer: fitted anew on all other groups.

What a retriever's calibration saw of a proposal travels with it (``Proposal.features``): the stage of the session first
(each has a model of its own), then the inputs of a logistic regression. Ranking and course of the session stay as they
were: calibration decides what is said of a candidate, not which one is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from reatrieve.lab.records import AnswerRecord, SessionRecord

__all__ = ["cross_fitted"]

PENALTY = 0.3
"""Inverse strength of the ridge (scikit-learn's C), inputs standardised."""

LEAST_ROWS = 20
"""A stage with fewer rows, or with one kind of answer only, keeps the probabilities it came with."""

Floats = NDArray[np.float64]


def cross_fitted(sessions: Sequence[SessionRecord]) -> list[SessionRecord]:
    """The same sessions with probabilities fitted without the session's own group.

    What "accept the rest" listed stays: the list itself was made with the probabilities that the user sees. Sessions
    without features, and all of them where there is a single group, come back as they were.
    """
    groups = sorted({session.group for session in sessions})
    if len(groups) < 2 or not any(answer.features for session in sessions for answer in session.answers):
        return list(sessions)
    rows = [
        (session.group, answer.features, float(answer.truth == "accept"))
        for session in sessions
        for answer in session.answers
        if answer.features and answer.truth != "skip"
    ]
    X = np.array([features for _, features, _ in rows])
    y = np.array([hit for _, _, hit in rows])
    of_group = np.array([group for group, _, _ in rows])
    fitted = {group: _StageModels(X[of_group != group], y[of_group != group]) for group in groups}
    return [_with(session, fitted[session.group]) for session in sessions]


class _StageModels:
    """One logistic regression a stage; the first column of ``X`` is the stage."""

    def __init__(self, X: Floats, y: Floats) -> None:
        self._weights: dict[int, Floats] = {}
        for stage in np.unique(X[:, 0]):
            rows = X[:, 0] == stage
            if rows.sum() >= LEAST_ROWS and 0.0 < y[rows].mean() < 1.0:
                self._weights[int(stage)] = _logistic(X[rows, 1:], y[rows])

    def probability(self, features: tuple[float, ...], given: float) -> float:
        """Probability of a yes; ``given`` where nothing was fitted."""
        weights = self._weights.get(int(features[0])) if features else None
        if weights is None:
            return given
        return float(1.0 / (1.0 + np.exp(-(np.dot(weights[:-1], features[1:]) + weights[-1]))))


def _logistic(X: Floats, y: Floats) -> Floats:
    """Weights and intercept for inputs as they are; fitted on standardised ones."""
    mean, spread = X.mean(axis=0), X.std(axis=0)
    used = spread > 1e-9
    model = LogisticRegression(C=PENALTY, max_iter=2000)
    model.fit((X[:, used] - mean[used]) / spread[used], y)
    weights = np.zeros(X.shape[1] + 1)
    weights[:-1][used] = model.coef_[0] / spread[used]
    weights[-1] = model.intercept_[0] - weights[:-1] @ mean
    return weights


def _with(session: SessionRecord, models: _StageModels) -> SessionRecord:
    def answered(answer: AnswerRecord) -> AnswerRecord:
        return replace(answer, probability=models.probability(answer.features, answer.probability))

    return replace(session, answers=tuple(map(answered, session.answers)))
