"""Random order against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reatrieve.annotations.oracle import Oracle
from reatrieve.lab.summary import random_session_recall
from reatrieve.session.spans import Span


def test_a_patient_user_finds_nearly_everything_and_an_impatient_one_nothing():
    oracle = Oracle([Span(4.0, 5.0), Span(8.0, 9.0)])
    rng = np.random.default_rng(0)
    recalls = [random_session_recall(oracle, 0, duration_s=12.0, budget=50, rng=rng) for _ in range(100)]
    assert np.mean(recalls) > 0.6
    assert random_session_recall(oracle, 0, duration_s=12.0, budget=0, rng=rng) == 0.0


def test_one_rejection_finds_the_geometric_share():
    """A hit has probability p = 1 s of allowed starts of the whole; a second hit is nearly impossible."""
    oracle = Oracle([Span(50.0, 51.0), Span(20.0, 21.0)])
    rng = np.random.default_rng(1)
    recalls = [random_session_recall(oracle, 0, duration_s=101.0, budget=1, rng=rng) for _ in range(4000)]
    assert np.mean(recalls) == pytest.approx(1 / (100 - 1.95), abs=0.004)
