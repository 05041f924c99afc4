"""What the user labelled, and which excerpt stands for a region whose edges were dragged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.frames import HOP_S
from reatrieve.retrieval.picking import Grid
from reatrieve.retrieval.spans import Span

__all__ = ["Labelled", "begin_of", "window_for"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer: the span as the user left it, and the grid place of the excerpt that stands for it."""

    span: Span
    positive: bool
    start: int


def window_for(span: Span, grid: Grid, resemblance: Callable[[NDArray[np.intp]], NDArray[np.floating]]) -> int:
    """The grid place of the excerpt of the search's length that stands for a span with edges of its own.

    A region of just that length is itself. One that was dragged longer or shorter leaves open which edge carries the
    alignment: of all excerpts between "begins where it begins" and "ends where it ends", the one that most resembles
    the example is taken (the earliest of equals).
    """
    by_start = grid.nearest(span.start_s)
    by_end = grid.nearest(span.end_s - grid.length_s)
    first, last = min(by_start, by_end), max(by_start, by_end)
    if first == last:
        return first
    return first + int(np.argmax(np.round(resemblance(np.arange(first, last + 1)), 5)))


def begin_of(label: Labelled, grid: Grid) -> float:
    """Seconds where a label's excerpt begins: an edge of its span, to the sample, where one is within a frame of it."""
    on_grid_s = float(grid.starts_s[label.start])
    edges_s = (label.span.start_s, label.span.end_s - grid.length_s)
    begin_s = min(edges_s, key=lambda edge_s: abs(edge_s - on_grid_s))
    return begin_s if abs(begin_s - on_grid_s) <= HOP_S else on_grid_s
