"""The sound that is measured: a synthesised track, repeated to any length, never exactly the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from reatrieve.session.retriever import ANALYSIS_RATE_HZ
from reatrieve.session.spans import Span
from reatrieve.synth import make_song
from reatrieve.synth.dataset import BLOCK_FRAMES, write_blocks

__all__ = ["blocks", "example", "samples", "write_file"]

TILE_S = 60.0


@lru_cache(maxsize=1)
def _tile() -> tuple[NDArray[np.float32], Span]:
    song = make_song(genre="house", seed=11, preset="easy", duration_s=TILE_S)
    mono = signal.resample_poly(song.audio.mean(axis=1), ANALYSIS_RATE_HZ, song.rate_hz).astype(np.float32)
    first = song.occurrences[0]
    return mono[: int(TILE_S * ANALYSIS_RATE_HZ)], Span(first.start_s, first.end_s)


def example() -> Span:
    """The marked sound: the first occurrence in the track."""
    return _tile()[1]


def blocks(minutes: float) -> Iterator[NDArray[np.float32]]:
    """The track at 22,050 Hz mono in blocks of a minute, each with its own gain and a little noise.

    Yields [shape=(n,), float32].
    """
    tile, _ = _tile()
    left = round(minutes * 60 * ANALYSIS_RATE_HZ)
    rng = np.random.default_rng(0)
    while left > 0:
        noise = rng.standard_normal(len(tile), dtype=np.float32)
        block = tile * np.float32(rng.uniform(0.6, 1.0)) + np.float32(0.003) * noise
        yield block[:left]
        left -= len(block)


def samples(minutes: float) -> NDArray[np.float32]:
    """The same as one array.

    Returns [shape=(n_samples,), float32].
    """
    return np.concatenate(list(blocks(minutes)))


def write_file(path: Path, minutes: float, *, studio: bool = False) -> None:
    """The same as a sound file; the suffix chooses the format. ``studio``: 44.1 kHz stereo, as users have it.

    Raises
    ------
    AudioError
        If the disk does not take it.
    """
    rate_hz, n_channels = (2 * ANALYSIS_RATE_HZ, 2) if studio else (ANALYSIS_RATE_HZ, 1)
    write_blocks(path, _pieces(minutes, studio=studio), rate_hz, n_channels, temporary=True)


def _pieces(minutes: float, *, studio: bool) -> Iterator[NDArray[np.float32]]:
    for block in blocks(minutes):
        sound = np.stack([np.repeat(block, 2)] * 2, axis=1) if studio else block
        for start in range(0, len(sound), BLOCK_FRAMES):
            yield sound[start : start + BLOCK_FRAMES]
