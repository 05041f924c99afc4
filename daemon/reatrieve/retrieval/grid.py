"""The grid of starts: which one comes next, and which one stands for a region whose edges were dragged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.excerpt import HOP_S
from reatrieve.session.spans import Span, allowed_overlap_s

__all__ = ["SCORE_DECIMALS", "Grid", "LabelledExcerpt", "begin_of", "best_of_parts", "rounded", "window_for"]

SCORE_DECIMALS = 5


def rounded(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores as they are compared, so that exact repeats tie on every machine and the earliest wins.

    Any shape in, the same out; 5 decimals.
    """
    return np.asarray(np.round(scores.astype(np.float64), SCORE_DECIMALS))


class Grid:
    """Where an excerpt of one length can begin: frame times moved by the example's own offset.

    Parameters
    ----------
    n_starts, offset_s : how many places there are, and where the first one is.
    length_s, duration_s : of an excerpt, and of the sound.
    least_share : share of an excerpt that must lie inside the sound; what reaches beyond is cut off. 1: places that
        would reach beyond are moved inside.

    Attributes
    ----------
    starts_s : np.ndarray [shape=(n_starts,), ascending]
        Where each excerpt begins, or would begin before it is cut.
    length_s : length of every excerpt that is not cut.
    """

    def __init__(
        self,
        n_starts: int,
        *,
        offset_s: float,
        length_s: float,
        duration_s: float,
        hop_s: float = HOP_S,
        least_share: float = 1.0,
    ) -> None:
        times_s = np.arange(n_starts) * hop_s + offset_s
        if least_share == 1.0:
            times_s = np.clip(times_s, 0.0, max(0.0, duration_s - length_s))
        inside_s = np.minimum(times_s + length_s, duration_s) - np.maximum(times_s, 0.0)
        self._inside = inside_s >= min(least_share * length_s, duration_s) - 1e-9
        self._duration_s = duration_s
        self.starts_s = times_s
        self.length_s = length_s

    def span(self, start: int) -> Span:
        """The excerpt that begins at grid place ``start``; what reaches beyond the sound is cut off."""
        return self.inside(float(self.starts_s[start]))

    def inside(self, begin_s: float) -> Span:
        """The excerpt that begins at ``begin_s``; what reaches beyond the sound is cut off.

        Where it is no more than touching counts for, the excerpt is moved inside instead, and keeps its length.
        """
        last_s = max(0.0, self._duration_s - self.length_s)
        moved_s = min(max(begin_s, 0.0), last_s)
        if abs(moved_s - begin_s) <= allowed_overlap_s(self.length_s):
            return Span(moved_s, moved_s + self.length_s)
        return Span(max(begin_s, 0.0), min(begin_s + self.length_s, self._duration_s))

    def nearest(self, time_s: float) -> int:
        """The grid place nearest to ``time_s``."""
        after = int(np.searchsorted(self.starts_s, time_s))
        near = self.starts_s[max(0, after - 1) : after + 1]
        value = near[int(np.argmin(np.abs(near - time_s)))]
        return int(np.searchsorted(self.starts_s, value))  # of equal (clipped) starts the first

    def free(self, blocked: Iterable[Span], *, limit_s: float | None = None) -> NDArray[np.bool_]:
        """Where an excerpt is inside, and none of ``blocked`` shares more than ``limit_s``; shape (n_starts,).

        ``limit_s`` is ``spans.allowed_overlap_s`` of the length, unless said otherwise.
        """
        limit_s = allowed_overlap_s(self.length_s) if limit_s is None else limit_s
        edges_s = np.array([(span.start_s, span.end_s) for span in blocked if span.length_s > limit_s]).reshape(-1, 2)
        first = np.searchsorted(self.starts_s, edges_s[:, 0] + (limit_s - self.length_s), side="right")
        last = np.searchsorted(self.starts_s, edges_s[:, 1] - limit_s, side="left")
        free = np.array(self._inside, dtype=np.bool_)
        for low, high in zip(first.tolist(), last.tolist(), strict=True):
            free[low:high] = False
        return free

    def crowding(self, starts: NDArray[np.intp], blocked: Iterable[Span]) -> NDArray[np.float32]:
        """Greatest share of the excerpts at ``starts`` that one of ``blocked`` covers, 0..1; shape (n,)."""
        edges_s = np.array([(span.start_s, span.end_s) for span in blocked]).reshape(-1, 2)
        begins_s = self.starts_s[starts][:, None]
        shared_s = np.minimum(begins_s + self.length_s, edges_s[:, 1]) - np.maximum(begins_s, edges_s[:, 0])
        return np.asarray(shared_s.max(axis=1, initial=0.0) / self.length_s, dtype=np.float32)

    def parts(self, n_parts: int) -> NDArray[np.intp]:
        """Which place comes first in each of equal parts of the sound; shape (n_parts + 1,), for ``best_of_parts``."""
        borders_s = np.arange(n_parts + 1) * (self._duration_s / n_parts)
        edges = np.searchsorted(self.starts_s, borders_s, side="left")
        edges[0], edges[-1] = 0, self.starts_s.size
        return edges

    def ranked(self, scores: NDArray[np.float64], blocked: Iterable[Span]) -> Iterator[int]:
        """Grid places, best first, that overlap neither ``blocked`` nor each other.

        ``scores`` [shape=(n_starts,)]: a higher one is better.
        """
        free = self.free(blocked)
        open_scores = np.where(free, scores, -np.inf)
        while True:
            best = int(np.argmax(open_scores))
            if open_scores[best] == -np.inf:
                return
            yield best
            free &= self.free([self.span(best)])
            free[best] = False
            open_scores[~free] = -np.inf


@dataclass(frozen=True, slots=True)
class LabelledExcerpt:
    """One answer: the span as the user left it, and the grid place of the excerpt that stands for it.

    ``supposed``: nobody gave it, what would follow it is looked at.
    """

    span: Span
    positive: bool
    start: int
    supposed: bool = False


def best_of_parts(
    scores: NDArray[np.floating], edges: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The greatest score of each part and the first place that has it; -inf and any place where a part has none.

    ``scores`` [shape=(n_starts,)], ``edges`` [shape=(n_parts + 1,)] of ``Grid.parts``; both results [shape=(n_parts,)].
    """
    first, n_starts = edges[:-1], scores.size
    best = np.maximum.reduceat(scores, np.minimum(first, n_starts - 1)).astype(np.float32)
    best[first == edges[1:]] = -np.inf
    parts = np.repeat(np.arange(len(best)), np.diff(edges))
    hits = np.flatnonzero(scores.astype(np.float32) == best[parts])
    where = np.searchsorted(parts[hits], np.arange(len(best)))
    return best, hits[np.minimum(where, hits.size - 1)].astype(np.int32)


def window_for(span: Span, grid: Grid, resemblance: Callable[[NDArray[np.intp]], NDArray[np.floating]]) -> int:
    """The grid place of the excerpt of the search's length that stands for a span with edges of its own.

    ``resemblance`` maps grid places [shape=(n,)] to scores [shape=(n,)].

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


def begin_of(label: LabelledExcerpt, grid: Grid) -> float:
    """Seconds where a label's excerpt begins: an edge of its span, to the sample, where one is within a frame of it."""
    on_grid_s = float(grid.starts_s[label.start])
    edges_s = (label.span.start_s, label.span.end_s - grid.length_s)
    begin_s = min(edges_s, key=lambda edge_s: abs(edge_s - on_grid_s))
    return begin_s if abs(begin_s - on_grid_s) <= HOP_S else on_grid_s
