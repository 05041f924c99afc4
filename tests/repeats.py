"""Songs in miniature for the retrieval tests: one sound at known times over a background that never repeats."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

RATE_HZ = 22050


def riff(length_s: float = 0.8, *, seed: int = 0) -> NDArray[np.float32]:
    """A sound with a shape in time and pitch: three partials that glide, with a click at the start."""
    rng = np.random.default_rng(seed)
    n = round(length_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    y = np.zeros(n)
    for _ in range(3):
        low, high = rng.uniform(300.0, 4000.0, 2)
        y += np.sin(2 * np.pi * (low * t + (high - low) * t**2 / (2 * length_s)))
    y *= np.exp(-2.0 * t / length_s)
    y[:32] += 2.0
    return y.astype(np.float32)


def song(
    times_s: list[float],
    *,
    duration_s: float,
    length_s: float = 0.8,
    level: float = 0.1,
    swell: float = 0.5,
    seed: int = 1,
) -> NDArray[np.float32]:
    """``riff`` at each time, exact to the sample, over coloured noise that swells and ebbs."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * RATE_HZ)
    noise = 0.02 * scipy.signal.lfilter([1.0, -0.2], [1.0, -0.8], rng.standard_normal(n))
    y = (noise * (1.0 + swell * np.sin(2 * np.pi * np.arange(n) / (3.1 * RATE_HZ)))).astype(np.float32)
    sound = level * riff(length_s)
    for time_s in times_s:
        first = round(time_s * RATE_HZ)
        y[first : first + sound.size] += sound[: max(n - first, 0)]
    return y.astype(np.float32)
