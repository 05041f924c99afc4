"""The curves of REAPER's item fades, shapes 0 to 7.

REAPER's own curves are cubic Béziers from (0, 0) to (1, 1), time across and gain up. The control points are those
that Cockos gave out and SWS draws with (``Breeder/BR_MediaTake`` calls them "not 100% accurate"). Each shape is taken
at the curvature that REAPER sets when the shape is chosen, since the bridge carries the shape alone: 2 and 4 bent
fully one way, 3 the other, the rest unbent. A fade out is the mirror image of the fade in of that shape.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAST_SHAPE", "fade_gain"]

_CONTROL_POINTS = (
    (0.5, 0.5, 0.5, 0.5),  # 0 linear
    (0.25, 0.5, 0.625, 1.0),  # 1 fast start
    (0.375, 0.0, 0.75, 0.5),  # 2 slow start
    (0.25, 1.0, 0.5, 1.0),  # 3 fast start, steep
    (0.5, 0.0, 0.75, 0.0),  # 4 slow start, steep
    (0.375, 0.0, 0.625, 1.0),  # 5 slow start and end
    (0.875, 0.0, 0.125, 1.0),  # 6 slow start and end, steep
    (0.25, 0.375, 0.625, 1.0),  # 7 equal power (crossfades)
)
LAST_SHAPE = len(_CONTROL_POINTS) - 1


def fade_gain(share: NDArray[np.float64], shape: int) -> NDArray[np.float64]:
    """Gain of a fade in at the given shares of its length.

    Parameters
    ----------
    share : np.ndarray
        0 at the silent end of the fade, 1 at the loud one; what lies outside is taken as 0 or 1.
    shape : int in 0..7
        REAPER's C_FADEINSHAPE or C_FADEOUTSHAPE.

    Returns
    -------
    gain : np.ndarray, 0..1, same shape as ``share``
    """
    if shape == 0:
        return np.clip(share, 0.0, 1.0)
    time, gain = _curve(shape)
    return np.interp(share, time, gain)


@cache
def _curve(shape: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The Bézier of a shape as a table dense enough for 1e-6."""
    x1, y1, x2, y2 = _CONTROL_POINTS[shape]
    u = np.linspace(0.0, 1.0, 4097)
    early, late, end = 3.0 * (1.0 - u) ** 2 * u, 3.0 * (1.0 - u) * u**2, u**3
    return early * x1 + late * x2 + end, early * y1 + late * y2 + end
