"""The constants of ``judgement``, fitted on the benchmark: logistic regressions over the states of its sessions.

Fitted as ``tests/bench/fit_judgement.py`` does, on the data sets ``excerpts``, ``hard`` and ``songs`` (first and last
occurrence as examples), ridge-penalised; ``docs/experiments-log.md`` has what they are worth on composers left out.
"""

from __future__ import annotations

from reatrieve.retrieval.judgement import Judgement

__all__ = ["BENCHMARK"]

BENCHMARK = Judgement(
    rank=(
        (
            0.7478,
            0.0634,
            0.2771,
            -0.1276,
            -0.1276,
            0.0000,
            0.0768,
            -0.0581,
            0.0854,
            -1.1136,
        ),
        (
            0.9394,
            0.0762,
            0.3939,
            0.0540,
            -0.5432,
            0.0000,
            -0.0295,
            0.0171,
            0.1428,
            -1.5703,
        ),
        (
            0.7365,
            0.0353,
            0.1266,
            0.1180,
            -0.0399,
            0.1297,
            0.0237,
            -0.0363,
            -0.2121,
            -1.7129,
        ),
    ),
    probability=(
        (
            0.5465,
            2.0905,
            2.1158,
            1.6847,
            -0.9750,
            -0.9750,
            0.0000,
            2.2194,
            0.2696,
            -0.7110,
            0.0000,
            0.0000,
            -1.8397,
        ),
        (
            0.2447,
            6.6441,
            2.6673,
            5.7632,
            7.5530,
            -13.5752,
            0.0000,
            0.1291,
            1.7291,
            0.2314,
            -0.9529,
            0.0000,
            -3.0293,
        ),
        (
            0.0172,
            15.3269,
            1.2689,
            6.7023,
            14.3640,
            -15.5464,
            7.2497,
            1.7616,
            -0.4682,
            -11.5050,
            -1.3334,
            -0.7117,
            -3.5818,
        ),
    ),
)
"""One row a stage (no answer, only yes, at least one no): weights in the order of their inputs, then the intercept."""
