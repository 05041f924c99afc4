"""From probabilities to "about how many more"."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

__all__ = ["remaining"]


def remaining(p: NDArray[np.float64], *, excerpt_frames: int) -> float:
    """Expected number of occurrences among the open places: the sum over those that peak within an excerpt's reach."""
    peaks = p == scipy.ndimage.maximum_filter1d(p, size=2 * (excerpt_frames // 2) + 1, mode="constant", cval=0.0)
    return float(np.round(p[peaks & (p > 0.0)].sum(), 3))
