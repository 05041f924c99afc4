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
            0.3975, 0.2146, 0.6939, -0.2770, 0.4001, 0.1283, -6.6056,
        ),
        (
            1.1662, 0.4703, 0.6843, -1.2012, 0.1168, 0.2091, -2.7204,
        ),
        (
            0.6477, 2.5955, 2.2450,
        ),
    ),
    tolerant=(
        (
            0.1010, 0.2984, 0.2063, -13.6177, 2.4410,
        ),
        (
            0.6168, 0.3252, -0.3651, -5.1190, 2.2786,
        ),
        (
            0.5236, 0.5483, 0.0630, 4.1463, 2.0180,
        ),
    ),
    probability=(
        (
            0.6560, 0.0455, -0.0239, 0.3143, 1.9936, 0.0000, 0.0000, -0.1595, 0.0000, 0.0000, 0.0000, -1.1958,
        ),
        (
            0.4027, 0.1307, 0.0232, 1.0235, 5.0885, 0.0000, -2.0113, -1.2741, -0.7550, 0.0000, 0.0000, -0.5626,
        ),
        (
            0.5339, -0.0714, 0.1515, 1.6176, 2.0366, 0.8883, -3.9181, -1.8493, -0.2622, -0.2641, -1.3865,
            -0.9647,
        ),
    ),
    surprise=(
        (
            1.0000, 0.0000, 0.0000,
        ),
        (
            1.0233, 2.7222, -0.4711,
        ),
        (
            0.8896, 1.2451, -0.0995,
        ),
    ),
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
