"""The constants of ``calibration``: logistic models over the questions of the benchmark's sessions.

Written by ``python -m reatrieve.lab.fit_calibration``; ``docs/experiments-log.md`` has what they are worth on sets that
were left out of the fit.
"""

from __future__ import annotations

from reatrieve.retrieval.default.calibration import Judgement

__all__ = ["BENCHMARK"]

# fmt: off
BENCHMARK = Judgement(
    exact=(
        (
            0.5100, 0.2253, 0.5594, -0.1964, -0.1964, 0.0000, 0.4855, 0.0993, 0.1482, -8.3951,
        ),
        (
            0.8011, 0.6150, 0.4995, 0.0730, -0.9524, 0.0000, 0.2764, 0.0456, 0.3208, -2.9685,
        ),
        (
            0.5263, 0.4530, 0.4501, 0.2118, -0.0882, 0.0766, 0.0909, -0.0675, -0.0891, 2.8160,
        ),
    ),
    tolerant=(
        (
            0.1174, 0.3082, 0.1919, -13.2491, 2.4237,
        ),
        (
            0.6624, 0.3158, -0.4489, -4.9464, 2.3264,
        ),
        (
            0.5329, 0.5497, 0.0863, 3.1843, 2.1171,
        ),
    ),
    probability=(
        (
            0.6766, 0.0316, -0.0326, 0.3167, 1.8666, 0.0000, 0.0000, -0.1790, 0.0000, 0.0000, 0.0000, -1.1356,
        ),
        (
            0.4218, 0.1164, -0.0104, 1.0241, 5.2006, 0.0000, -2.0683, -1.2809, -0.7499, 0.0000, 0.0000, -0.5879,
        ),
        (
            0.4452, -0.0264, 0.0816, 1.2798, 2.1964, 1.8256, -2.5126, -1.3931, -0.3483, 0.1099, -1.4127,
            -1.2721,
        ),
    ),
    surprise=(
        (
            1.0000, 0.0000, 0.0000,
        ),
        (
            1.0276, 2.8780, -0.5021,
        ),
        (
            0.8814, 1.3601, -0.0903,
        ),
    ),
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
