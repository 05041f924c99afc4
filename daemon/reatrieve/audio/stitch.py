"""A track's audio as one stream, mixed from the items of its map: what REAPER plays before effects."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reatrieve.audio.decode import SoundReader
from reatrieve.audio.item import ItemStream, grid_index
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import CancelledError, InputError
from reatrieve.prefetch import prefetched, usual_threads
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Progress

__all__ = ["BLOCK_S", "Cancel", "TrackAudio"]

Cancel = Callable[[], bool]
"""Asked often; True stops the work with ``CancelledError``."""

BLOCK_S = 4.0
"""Default length of a block: decoding one takes some milliseconds, so that progress moves and cancel is quick."""

PIECE_S = 12.0
"""Length of what one thread decodes in a row: a whole number of blocks, long beside what a decoder needs to begin."""


class TrackAudio:
    """The sound of a track map at any sample rate, streamed: memory does not grow with the map's length.

    Sample n of ``blocks`` sounds at project time ``track_map.origin_s + n / rate_hz``. An item sounds in all samples
    with ``position_s <= t < end_s``; items that overlap add up. Nothing is decoded but what those samples need.

    Parameters
    ----------
    track_map : TrackMap

    Raises
    ------
    AudioError
        From every method, if a file is gone, damaged or no sound.
    """

    def __init__(self, track_map: TrackMap) -> None:
        self.map = track_map

    def n_samples(self, rate_hz: int = ANALYSIS_RATE_HZ) -> int:
        """Samples that ``blocks`` gives at this rate."""
        return max(1, grid_index(self.map.duration_s, rate_hz))

    def blocks(
        self,
        rate_hz: int = ANALYSIS_RATE_HZ,
        *,
        block_s: float = BLOCK_S,
        mono: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[NDArray[np.float32]]:
        """The whole track in order; the same samples for every ``block_s``.

        Parameters
        ----------
        rate_hz : int > 0
        block_s : float > 0
            Length of a block; the last may be shorter.
        mono : bool
            The mean of left and right [shape=(n,)], else both [shape=(2, n)].
        progress : Progress, optional
            Told the share made, with every block.
        cancel : Cancel, optional
            Asked before every block.

        Yields
        ------
        y : np.ndarray [float32]

        Raises
        ------
        CancelledError
            When ``cancel`` said so.
        """
        n_samples = self.n_samples(rate_hz)
        n_block = max(1, round(block_s * rate_hz))
        self._demand_files()
        yield from self._mixed(
            self.map.origin_s, 0, n_samples, rate_hz, n_block=n_block, mono=mono, cancel=cancel,
            made=_counter(progress, n_samples),
        )  # fmt: skip

    def pieces(
        self,
        rate_hz: int = ANALYSIS_RATE_HZ,
        *,
        n_threads: int | None = None,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Generator[NDArray[np.float32], None, None]:
        """The whole track in order, mono, in pieces, decoded ahead of the user by several threads.

        The samples are those of ``blocks`` but for rounding (1e-6), the same ones for any number of threads. So what
        cannot be decoded from any place on to the same bits is left to one thread. Closing the generator ends them.

        Parameters
        ----------
        rate_hz : int > 0
        n_threads : int > 0, optional
            At most so many; by default ``usual_threads``.
        progress : Progress, optional
            Told the share decoded, after every block; from several threads, one at a time.
        cancel : Cancel, optional
            Asked before every block, from several threads.

        Yields
        ------
        y : np.ndarray [shape=(n,), float32]

        Raises
        ------
        CancelledError
            When ``cancel`` said so.
        """
        n_samples = self.n_samples(rate_hz)
        n_block, n_piece = round(BLOCK_S * rate_hz), round(PIECE_S * rate_hz)
        mixed = partial(
            self._mixed, self.map.origin_s, rate_hz=rate_hz, n_block=n_block, mono=True, cancel=cancel,
            made=_counter(progress, n_samples),
        )  # fmt: skip
        jobs: Iterator[Callable[[], NDArray[np.float32]]]
        if self._demand_files():
            n_threads = n_threads or usual_threads()
            ends = ((first, min(first + n_piece, n_samples)) for first in range(0, n_samples, n_piece))
            jobs = (partial(_joined, mixed(first=first, last=last)) for first, last in ends)
        else:
            n_threads = 1
            blocks = mixed(first=0, last=n_samples)
            jobs = (partial(next, blocks) for _ in range(0, n_samples, n_block))
        with closing(prefetched(jobs, n_threads=n_threads)) as ready:
            yield from ready

    def read(
        self, start_s: float, end_s: float, rate_hz: int = ANALYSIS_RATE_HZ, *, mono: bool = True
    ) -> NDArray[np.float32]:
        """One stretch, by project time; silence outside the items.

        Parameters
        ----------
        start_s, end_s : float
            Project seconds; ``round((end_s - start_s) * rate_hz)`` samples come, the first one at ``start_s``.
        rate_hz : int > 0
        mono : bool
            The mean of left and right [shape=(n,)], else both [shape=(2, n)].

        Returns
        -------
        y : np.ndarray [float32]

        Raises
        ------
        InputError
            If the end lies before the start.
        """
        if not start_s <= end_s:
            raise InputError(f"bad stretch: {start_s} to {end_s} s; the end must lie after the start")
        n_samples = round((end_s - start_s) * rate_hz)
        parts = list(self._mixed(start_s, 0, n_samples, rate_hz, n_block=max(1, n_samples), mono=mono))
        return parts[0] if parts else np.zeros(0 if mono else (2, 0), np.float32)

    def _mixed(
        self,
        grid_s: float,
        first: int,
        last: int,
        rate_hz: int,
        *,
        n_block: int,
        mono: bool,
        cancel: Cancel | None = None,
        made: Callable[[int], None] | None = None,
    ) -> Iterator[NDArray[np.float32]]:
        """Samples ``first <= n < last`` of the grid ``grid_s + n / rate_hz`` in blocks; ``made`` is told the length
        of each."""
        if rate_hz <= 0:
            raise InputError(f"bad sample rate: {rate_hz} Hz; need one above 0")
        waiting = [
            (max(first, grid_index(item.position_s - grid_s, rate_hz)), number)
            for number, item in enumerate(self.map.items)
            if grid_index(item.end_s - grid_s, rate_hz) > first
        ]
        heapq.heapify(waiting)
        sounding: dict[int, ItemStream] = {}  # by number: sums come in one order, whatever the blocks
        try:
            for start in range(first, last, n_block):
                if cancel and cancel():
                    raise CancelledError("stopped before the track was decoded")
                stop = min(start + n_block, last)
                while waiting and waiting[0][0] < stop:
                    _, number = heapq.heappop(waiting)
                    item = self.map.items[number]
                    sounding[number] = ItemStream(item, grid_s=grid_s, rate_hz=rate_hz, mono=mono, first=start)
                mix = np.zeros((stop - start, 1 if mono else 2), np.float32)
                for number in sorted(sounding):
                    sounding[number].add_to(mix, start)
                    if sounding[number].stop <= stop:
                        sounding.pop(number).close()
                if made:
                    made(stop - start)
                yield mix[:, 0] if mono else np.ascontiguousarray(mix.T)
        finally:
            for stream in sounding.values():
                stream.close()

    def _demand_files(self) -> bool:
        """Fail for a missing file before minutes are spent on the others; whether all of them start anywhere."""
        anywhere = True
        for path in self.map.paths:
            with SoundReader(path) as reader:
                anywhere = anywhere and reader.starts_anywhere
        return anywhere


def _counter(progress: Progress | None, n_samples: int) -> Callable[[int], None] | None:
    """Adds up the samples made, by whatever thread, and tells ``progress`` their share."""
    if progress is None:
        return None
    lock = threading.Lock()
    n_done = 0

    def made(n: int) -> None:
        nonlocal n_done
        with lock:
            n_done += n
            progress(n_done / n_samples)

    return made


def _joined(blocks: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(list(blocks))
