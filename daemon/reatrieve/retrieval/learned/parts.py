"""An excerpt as the means of its equal parts, and how alike every other excerpt of that length is: a cosine each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.excerpt import HOP_S, excerpt_frames
from reatrieve.retrieval.part_sums import part_products, running_sums, sums_over_parts, values_at

__all__ = ["LEARNED_PARTS", "PartMeans"]

LEARNED_PARTS = 6
"""Parts of an excerpt: its order matters, so one mean says too little."""

_SHORTEST_PART = 0.05
"""Frames."""
_CHUNK = 2048
"""Starts whose norms are computed at a time."""

_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]


class PartMeans:
    """Excerpts of one length, described by the mean of the frames in each of ``n_parts`` equal parts, joined.

    Parts begin and end at fractions of a frame: frame t fills (t - 1/2 .. t + 1/2) * HOP_S, and beyond the sound frames
    count as 0, their mean. What is kept for each start is one number, so an hour costs little memory.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_values, n_frames)]
        Frame features, each row with mean 0 over the sound (``network_frames``); float16 or a memory map will do.
    length_s : length of every excerpt.
    offset_s : start number k lies at ``k * HOP_S + offset_s``; give the example's, so that it is one of the starts.
    first, n_starts : the first start's number (negative: before the sound begins) and how many there are; by default
        every start of an excerpt of that many whole frames, as the retrieval counts them.

    Raises
    ------
    InputError
        The length is not positive.
    """

    def __init__(
        self,
        frames: NDArray[np.floating],
        *,
        length_s: float,
        offset_s: float = 0.0,
        first: int = 0,
        n_starts: int | None = None,
        n_parts: int = LEARNED_PARTS,
    ) -> None:
        if not length_s > 0.0:
            raise InputError(f"an excerpt of {length_s} s has no parts; its length must be positive")
        self._frames = frames
        self._first = first
        self._n_frames = frames.shape[1]
        self.n_starts = max(1, self._n_frames - excerpt_frames(length_s) + 1) if n_starts is None else n_starts
        edges = (offset_s + length_s * np.linspace(0.0, 1.0, n_parts + 1)) / HOP_S + 0.5
        self._before = int(np.floor(edges[0]))
        self._edges = edges - self._before
        self._width = max(_SHORTEST_PART, length_s / HOP_S / n_parts)
        self._norms = self._all_norms()

    def description(self, start: int) -> _F64:
        """The joined means of the excerpt at ``start`` (0: the first), scaled to norm 1.

        Returns [shape=(n_parts, n_values), float64].
        """
        means = np.stack([mean[:, 0] for mean in self._means(start, start + 1)])
        return np.asarray(means / (np.linalg.norm(means) + 1e-9))

    def profile(self, description: _F64) -> _F32:
        """Cosine of every excerpt's description with one, or with any mixture of several.

        Linear in ``description``: the profile of a mean of examples is the mean of their profiles.

        Returns
        -------
        np.ndarray [shape=(n_starts,), float32]
        """
        # Each part's template meets the frames first, so that only n_parts rows are summed up and looked up.
        template = description.astype(np.float32)
        low, high = self._reach(0, self.n_starts)
        rows = np.zeros((description.shape[0], high - low))
        first = max(low, 0)
        last = max(first, min(high, self._n_frames))
        rows[:, first - low : last - low] = part_products(template, self._frames[:, first:last])
        total = sums_over_parts(rows, self._edges, self.n_starts)
        return np.asarray(total / (self._width * self._norms), dtype=np.float32)

    def like(self, start: int) -> _F32:
        """Cosine of every excerpt with the one at ``start``.

        Returns [shape=(n_starts,), float32, -1..1].
        """
        return self.profile(self.description(start))

    def _all_norms(self) -> _F64:
        squares = np.zeros(self.n_starts)
        for low in range(0, self.n_starts, _CHUNK):
            high = min(low + _CHUNK, self.n_starts)
            for mean in self._means(low, high):
                squares[low:high] += np.einsum("ij,ij->j", mean, mean)
        return np.asarray(np.sqrt(squares) + 1e-6)

    def _means(self, low: int, high: int) -> Iterator[_F64]:
        """Mean of one part after the other in the excerpts at starts ``low .. high``; each (n_values, high - low)."""
        first, last = self._reach(low, high)
        piece = np.zeros((self._frames.shape[0], last - first))
        inside = slice(max(first, 0), max(first, 0, min(last, self._n_frames)))
        piece[:, inside.start - first : inside.stop - first] = self._frames[:, inside]
        sums = running_sums(piece)
        before = values_at(sums, self._edges[0], high - low)
        for edge in self._edges[1:]:
            after = values_at(sums, edge, high - low)
            yield (after - before) / self._width
            before = after

    def _reach(self, low: int, high: int) -> tuple[int, int]:
        """Frames that the excerpts at starts ``low .. high`` touch, some perhaps beyond the sound."""
        first = self._first + self._before
        return first + low, first + high + int(self._edges[-1]) + 1
