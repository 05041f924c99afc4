"""The sample stream: no drift, no seam, whatever the reads."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from reatrieve.audio.resample import SampleStream, exact_ratio


def sine(start: int, stop: int) -> np.ndarray:
    return np.sin(0.05 * np.arange(start, stop)).astype(np.float32)[:, np.newaxis]


@pytest.mark.parametrize("step", [Fraction(2), Fraction(320, 147), Fraction(1), 1.0, math.sqrt(5), 0.37])
@pytest.mark.parametrize("start", [0.0, 0.25, -17.6])
def test_a_sine_is_sampled_where_the_step_says_for_millions_of_samples(step: Fraction | float, start: float) -> None:
    n = 1_000_000
    stream = SampleStream(sine, start=start, step=step, n_channels=1, first=0, stop=n)
    y = np.concatenate([stream.read(70_001) for _ in range(15)])[:, 0]
    assert len(y) == n
    np.testing.assert_allclose(y, np.sin(0.05 * (start + np.arange(n) * float(step))), atol=5e-5)


@pytest.mark.parametrize("step", [Fraction(2), Fraction(320, 147), Fraction(44101, 22050), 1.3217])
def test_a_stream_begun_later_agrees(step: Fraction | float) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(600_000).astype(np.float32)

    def fetch(start: int, stop: int) -> np.ndarray:
        inside = np.zeros((stop - start, 1), np.float32)
        low, high = max(start, 0), min(stop, len(x))
        if low < high:
            inside[low - start : high - start, 0] = x[low:high]
        return inside

    whole = SampleStream(fetch, start=0.0, step=step, n_channels=1, first=0, stop=200_000).read(200_000)
    late = SampleStream(fetch, start=0.0, step=step, n_channels=1, first=123_457, stop=200_000).read(10_000)
    atol = 1e-5 if isinstance(step, Fraction) else 0.2  # white noise at the band's edge through the short delay
    np.testing.assert_allclose(late, whole[123_457:133_457], atol=atol)


def test_ratios_of_small_numbers_are_exact() -> None:
    assert exact_ratio(1.25) == Fraction(5, 4)
    assert exact_ratio(1 / 3) == Fraction(1, 3)
    assert exact_ratio(math.pi) is None


def test_reading_on_past_the_end_gives_nothing() -> None:
    stream = SampleStream(sine, start=0.0, step=Fraction(2), n_channels=1, first=0, stop=10)
    assert stream.read(100).shape == (10, 1)
    assert stream.read(100).shape == (0, 1)
