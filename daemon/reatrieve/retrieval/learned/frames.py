"""The network's frames of a sound, computed once for all searches in it."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
from numpy.typing import NDArray

from reatrieve.session.retriever import Analysis

__all__ = ["learned_frames"]

_MOST_KEPT = 4
"""Sounds; each takes 20 MB an hour."""
_EVERY = 64
"""Samples that tell one sound from another."""

_kept: dict[bytes, NDArray[np.float16]] = {}
_lock = threading.Lock()


def learned_frames(analysis: Analysis) -> NDArray[np.float16]:
    """What ``network.network_frames`` gives for the samples of an analysis; the latest sounds are remembered.

    One sound at a time: a second search in the same sound waits for the first one's pass.

    Returns
    -------
    np.ndarray [shape=(64, n_frames), float16]
    """
    from reatrieve.retrieval.learned.network import network_frames  # the weights are read where they are used

    samples = analysis.arrays["samples"]
    digest = hashlib.blake2b(np.ascontiguousarray(samples[::_EVERY]).tobytes(), digest_size=16)
    digest.update(str(analysis.n_samples).encode())
    key = digest.digest()
    with _lock:
        frames = _kept.pop(key, None)
        if frames is None:
            frames = network_frames(samples)  # type: ignore[arg-type]
        _kept[key] = frames
        if len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
    return frames
