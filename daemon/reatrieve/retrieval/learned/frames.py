"""The network's frames of a sound, computed once for all searches in it."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
from numpy.typing import NDArray

from reatrieve.session.retriever import Analysis, Pause

__all__ = ["learned_frames"]

_MOST_KEPT = 4
"""Sounds; each takes 20 MB an hour."""
_EVERY = 64
"""Samples that tell one sound from another."""
_ASKED_EVERY_S = 0.05


class _Pass:
    """A sound being described: whether somebody waits for it, and whether it has ended."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self.ended = threading.Event()


_lock = threading.Lock()
_kept: dict[bytes, NDArray[np.float16]] = {}
_under_way: dict[bytes, _Pass] = {}


def learned_frames(analysis: Analysis, rest: Pause | None = None) -> NDArray[np.float16]:
    """What ``network.network_frames`` gives for the samples of an analysis; the latest sounds are remembered.

    A second search in the same sound waits for the first one's pass; one that rests goes on at once then.

    Returns
    -------
    np.ndarray [shape=(64, n_frames), float16]

    Raises
    ------
    CancelledError
        When ``rest`` did, and nobody else waits.
    """
    key = _key(analysis)
    while True:
        with _lock:
            frames = _kept.pop(key, None)
            if frames is not None:
                _kept[key] = frames
                return frames
            other = _under_way.get(key)
            if other is None:
                mine = _under_way[key] = _Pass()
        if other is None:
            return _passed(analysis, key, mine, rest)
        if rest is None:
            other.wanted.set()
        while not other.ended.wait(_ASKED_EVERY_S):
            if rest is not None:
                rest(lambda: False)


def _passed(analysis: Analysis, key: bytes, own: _Pass, rest: Pause | None) -> NDArray[np.float16]:
    try:
        from reatrieve.retrieval.learned.network import network_frames  # the weights are read where they are used

        progress = (lambda _share: rest(own.wanted.is_set)) if rest is not None else None
        frames = network_frames(analysis.arrays["samples"], progress=progress)  # type: ignore[arg-type]
        with _lock:
            _kept[key] = frames
            if len(_kept) > _MOST_KEPT:
                del _kept[next(iter(_kept))]
        return frames
    finally:
        with _lock:
            del _under_way[key]
        own.ended.set()


def _key(analysis: Analysis) -> bytes:
    samples = analysis.arrays["samples"]
    digest = hashlib.blake2b(np.ascontiguousarray(samples[::_EVERY]).tobytes(), digest_size=16)
    digest.update(str(analysis.n_samples).encode())
    return digest.digest()
