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
            0.5740, 0.0042, 0.0899, 0.2181, 1.8358, 0.0000, 0.0000, -1.6939, -0.0768, 0.0342, 0.0000, 0.0000,
            0.0000, -0.5830,
        ),
        (
            0.4116, 0.1192, 0.2187, 0.9897, 4.1120, 0.0000, -2.2694, -2.0386, -1.4323, -0.0905, -0.7942, 0.0000,
            0.0000, 1.1465,
        ),
        (
            0.4434, -0.0010, 0.3142, 0.6778, 1.3506, 1.3106, -0.9949, -0.5059, -1.0422, -0.2367, -0.2680,
            0.0115, -1.4607, -0.5194,
        ),
    ),
    surprise=(
        (
            1.0000, 0.0000, 0.0000, 0.0000,
        ),
        (
            1.0086, 2.1536, 4.7635, -0.4892,
        ),
        (
            0.9866, 1.6748, -0.2928, -0.0121,
        ),
    ),
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
