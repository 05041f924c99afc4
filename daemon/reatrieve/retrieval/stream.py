"""Audio that comes in blocks of any length, turned into chunks of whole frames: the same ones however it was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError, SilentError
from reatrieve.retrieval.excerpt import HOP, N_FFT, frame_count
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = ["CHUNK_FRAMES", "checked", "frame_chunks"]

CHUNK_FRAMES = 512
"""Frames worked on at a time: fixed, so that results do not depend on the caller's block size, not even by rounding."""


def checked(blocks: Iterable[NDArray[np.float32]], *, n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Pass mono float32 blocks through; stop at the first thing that cannot be analysed.

    Blocks are [shape=(n,)].

    Raises
    ------
    InputError
        If the audio is too short for one analysis window, a block is not mono, a sample is not finite, the blocks do
        not hold ``n_samples`` samples in all.
    SilentError
        If every sample is zero.
    """
    if n_samples < N_FFT:
        length_s, least_s = n_samples / ANALYSIS_RATE_HZ, N_FFT / ANALYSIS_RATE_HZ
        raise InputError(f"{length_s:.3f} s of audio are too short to search; need at least {least_s:.3f} s")
    seen = 0
    silent = True
    for block in blocks:
        samples = np.asarray(block, dtype=np.float32)
        if samples.ndim != 1:
            raise InputError(f"audio block of shape {samples.shape}; mix it to mono first")
        if not np.isfinite(samples).all():
            at_s = (seen + int(np.argmin(np.isfinite(samples)))) / ANALYSIS_RATE_HZ
            raise InputError(f"the audio holds NaN or infinity at {at_s:.3f} s; repair or re-render it")
        seen += samples.size
        if seen > n_samples:
            break
        silent = silent and not samples.any()
        yield samples
    if seen != n_samples:
        amount = "more" if seen > n_samples else f"{seen}"
        raise InputError(f"audio of {n_samples} samples was announced, but {amount} came")
    if silent:
        raise SilentError("the audio is silent from start to end; there is nothing to search")


def frame_chunks(blocks: Iterable[NDArray[np.float32]], *, n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Overlapping windows of the audio, ``CHUNK_FRAMES`` at a time (fewer in the last chunk).

    Padded with ``N_FFT // 2`` zeros at both ends, as librosa's ``center=True, pad_mode="constant"``: window t is
    centred on sample ``t * HOP``.

    Yields
    ------
    windows : np.ndarray [shape=(k, N_FFT), read-only view]
        The next k windows; valid until the next one is asked for.
    """
    overlap = N_FFT - HOP
    buffer = np.zeros(CHUNK_FRAMES * HOP + overlap, dtype=np.float32)
    filled = N_FFT // 2
    left = frame_count(n_samples)

    def windows(n_frames: int) -> NDArray[np.float32]:
        return np.lib.stride_tricks.sliding_window_view(buffer, N_FFT)[::HOP][:n_frames]

    for block in blocks:
        taken = 0
        while taken < block.size:
            part = block[taken : taken + buffer.size - filled]
            buffer[filled : filled + part.size] = part
            filled += part.size
            taken += part.size
            if filled == buffer.size:
                n_frames = min(CHUNK_FRAMES, left)
                if n_frames:
                    yield windows(n_frames)
                left -= n_frames
                buffer[:overlap] = buffer[-overlap:].copy()
                filled = overlap
    while left > 0:  # what remains, and the zeros after the end
        buffer[filled:] = 0.0
        n_frames = min(CHUNK_FRAMES, left)
        yield windows(n_frames)
        left -= n_frames
        buffer[:overlap] = buffer[-overlap:].copy()
        filled = overlap
