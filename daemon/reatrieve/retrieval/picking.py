"""Which start comes next: the best score that overlaps nothing blocked, ties to the earliest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.frames import HOP_S
from reatrieve.retrieval.spans import Span, allowed_overlap_s

__all__ = ["SCORE_DECIMALS", "Grid", "rounded"]

SCORE_DECIMALS = 5


def rounded(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores as they are compared, so that exact repeats tie on every machine and the earliest wins."""
    return np.asarray(np.round(scores.astype(np.float64), SCORE_DECIMALS))


class Grid:
    """Where an excerpt of one length can begin: frame times moved by the example's own offset, inside the sound.

    Attributes
    ----------
    starts_s : np.ndarray [shape=(n_starts,), ascending]
    length_s : length of every excerpt.
    """

    def __init__(
        self, n_starts: int, *, offset_s: float, length_s: float, duration_s: float, hop_s: float = HOP_S
    ) -> None:
        times_s = np.arange(n_starts) * hop_s + offset_s
        self.starts_s = np.clip(times_s, 0.0, max(0.0, duration_s - length_s))
        self.length_s = length_s

    def span(self, start: int) -> Span:
        """The excerpt that begins at grid place ``start``."""
        begin_s = float(self.starts_s[start])
        return Span(begin_s, begin_s + self.length_s)

    def nearest(self, time_s: float) -> int:
        """The grid place nearest to ``time_s``."""
        return int(np.argmin(np.abs(self.starts_s - time_s)))

    def free(self, blocked: Iterable[Span], *, limit_s: float | None = None) -> NDArray[np.bool_]:
        """Where an excerpt overlaps none of ``blocked`` by more than ``limit_s``; shape (n_starts,).

        ``limit_s`` is what the design allows, unless said otherwise.
        """
        limit_s = allowed_overlap_s(self.length_s) if limit_s is None else limit_s
        edges_s = np.array([(span.start_s, span.end_s) for span in blocked if span.length_s > limit_s]).reshape(-1, 2)
        first = np.searchsorted(self.starts_s, edges_s[:, 0] + (limit_s - self.length_s), side="right")
        last = np.searchsorted(self.starts_s, edges_s[:, 1] - limit_s, side="left")
        n = self.starts_s.size
        inside = np.bincount(first, minlength=n + 1) - np.bincount(np.maximum(first, last), minlength=n + 1)
        return np.asarray(np.cumsum(inside[:n]) == 0)

    def crowding(self, starts: NDArray[np.intp], blocked: Iterable[Span]) -> NDArray[np.float32]:
        """Greatest share of the excerpts at ``starts`` that one of ``blocked`` covers, 0..1; shape (n,)."""
        edges_s = np.array([(span.start_s, span.end_s) for span in blocked]).reshape(-1, 2)
        begins_s = self.starts_s[starts][:, None]
        shared_s = np.minimum(begins_s + self.length_s, edges_s[:, 1]) - np.maximum(begins_s, edges_s[:, 0])
        return np.asarray(shared_s.max(axis=1, initial=0.0) / self.length_s, dtype=np.float32)

    def ranked(self, scores: NDArray[np.float64], blocked: Iterable[Span]) -> Iterator[int]:
        """Grid places, best first, that overlap neither ``blocked`` nor each other."""
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
