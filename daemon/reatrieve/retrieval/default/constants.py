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
            0.3943, 0.2164, 0.6955, -0.2794, 0.4020, 0.1286, -6.4709,
        ),
        (
            1.0397, 0.5010, 0.6753, -1.0945, 0.1233, 0.1569, -1.6637,
        ),
        (
            0.5494, 3.1756,
        ),
    ),
    tolerant=(
        (
            0.0891, 0.3085, 0.2133, -13.5427, 2.4334,
        ),
        (
            0.6186, 0.3036, -0.3747, -5.2812, 2.3012,
        ),
        (
            0.4728, 0.5122, 0.1832, 3.2125, 2.0589,
        ),
    ),
    probability=(
        (
            0.6474, 0.0591, -0.0276, 0.3086, 1.9735, 0.0000, 0.0000, -0.1737, 0.0000, 0.0000, 0.0000, -1.0625,
        ),
        (
            0.4081, 0.1371, 0.0093, 1.0435, 5.0984, 0.0000, -2.1245, -1.2932, -0.7446, 0.0000, 0.0000, -0.5472,
        ),
        (
            0.5725, -0.0957, 0.1753, 1.5417, 1.9736, 1.4581, -3.4434, -1.7714, -0.3465, -0.0166, -1.3681,
            -1.0798,
        ),
    ),
    surprise=(
        (
            1.0000, 0.0000, 0.0000,
        ),
        (
            1.0264, 2.8345, -0.4977,
        ),
        (
            0.8823, 1.3401, -0.1097,
        ),
    ),
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
