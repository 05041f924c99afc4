"""The similarity of a whole track as a window draws it: one byte a point, in pages that no answer waits for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.bridge.messages import Curve

__all__ = ["PAGE_POINTS", "pages"]

PAGE_POINTS = 500
FULL = 255
"""The byte that stands for 1."""


def pages(session: str, curve: int, values: NDArray[np.float32], *, start_s: float, end_s: float) -> Iterator[Curve]:
    """The messages that carry one curve.

    Parameters
    ----------
    session : str
    curve : int
        Which one this is: a later one replaces it.
    values : np.ndarray [shape=(n,), 0..1, 1 <= n <= MOST_POINTS]
    start_s, end_s : float
        Where the searched audio begins and ends, project seconds.
    """
    levels = np.round(np.clip(values, 0.0, 1.0) * FULL).astype(np.uint8).tobytes()
    n_pages = -(-len(levels) // PAGE_POINTS)
    for page in range(n_pages):
        part = levels[page * PAGE_POINTS : (page + 1) * PAGE_POINTS]
        yield Curve(session, curve, page, n_pages, start_s, end_s, part)
