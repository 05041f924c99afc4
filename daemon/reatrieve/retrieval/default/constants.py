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
            0.7098, 0.2959, 0.5387, -0.2975, -0.2975, 0.0000, 0.4063, -0.0292, 0.2284, -8.5357,
        ),
        (
            0.7207, 0.5354, 0.5396, 0.0291, -0.7450, 0.0000, 0.1514, 0.0522, 0.2670, -2.6951,
        ),
    ),
    tolerant=(
        (
            0.3211, 0.5635, -0.1721, -12.0779, 2.5468,
        ),
        (
            0.5572, 0.4606, -0.4883, -4.2865, 2.3562,
        ),
        (
            0.5141, 0.5039, -0.1484, 5.4413, 2.5644,
        ),
    ),
    probability=(
        (
            0.6282, 0.1559, -0.1366, 0.1732, 2.9212, 0.0000, 0.0000, 0.6580, 0.0103, 0.1728, 0.0000, 0.0000,
            0.0000, -1.7497,
        ),
        (
            0.4287, 0.1560, 0.0118, 0.7155, 4.1109, 0.0000, -0.7566, 1.1958, -1.0724, -0.0965, -0.6363, 0.0000,
            0.0000, -0.6860,
        ),
        (
            0.4269, -0.0325, 0.6041, 1.4913, -0.6256, 1.9133, -3.5561, -2.2665, -2.0489, -0.2658, -0.3512,
            0.4072, -1.0551, 0.7464,
        ),
    ),
    surprise=(
        (
            1.0000, 0.0000, 0.0000, 0.0000,
        ),
        (
            1.0127, 4.1561, 3.3130, -0.4507,
        ),
        (
            1.0039, 2.0582, -0.6112, 0.0095,
        ),
    ),
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
