"""The constants of ``judgement``: logistic regressions over the questions of the benchmark's sessions.

Written by ``reatrieve.lab.fit_calibration``; ``docs/experiments-log.md`` has what they are worth on composers left out.
"""

from __future__ import annotations

from reatrieve.retrieval.default.calibration import Judgement

__all__ = ["BENCHMARK"]

BENCHMARK = Judgement(
    rank=(
        (
            0.7027,
            -0.0127,
            0.3396,
            -0.1064,
            -0.1064,
            0.0000,
            0.0813,
            -0.0388,
            0.0674,
            -3.1147,
            -1.0243,
        ),
        (
            1.0456,
            0.0636,
            0.3846,
            0.1948,
            -0.7186,
            0.0000,
            0.0074,
            0.0391,
            0.1323,
            0.2226,
            -1.6325,
        ),
        (
            0.7124,
            0.0408,
            0.1306,
            0.1794,
            -0.0803,
            0.0951,
            0.0413,
            -0.0323,
            -0.2256,
            -0.9329,
            -1.5078,
        ),
    ),
    probability=(
        (
            0.3150,
            4.2900,
            0.8135,
            4.1320,
            -5.0603,
            -5.0603,
            0.0000,
            2.0604,
            -1.6204,
            8.4759,
            -1.3086,
            0.0000,
            0.0000,
            0.0000,
            -2.8100,
        ),
        (
            0.1902,
            5.8402,
            3.3956,
            5.3843,
            9.9623,
            -13.8428,
            0.0000,
            2.0354,
            2.3142,
            -0.4434,
            -4.8467,
            -1.0117,
            0.0000,
            0.0000,
            -5.2933,
        ),
        (
            0.0230,
            11.0444,
            2.8875,
            5.3895,
            18.9548,
            -23.1124,
            7.2217,
            2.3323,
            -1.4514,
            -1.4525,
            0.7496,
            -1.2656,
            -0.6656,
            -0.6539,
            -6.3919,
        ),
    ),
)
"""One row a stage (no answer, only yes, at least one no): weights in the order of their inputs, then the intercept."""
