"""Frame features of a whole sound: STFT magnitude, CQT magnitude and MFCC at librosa's defaults, or any other.

These hold the whole sound and its spectrogram in memory: for an hour, STFT takes 2 GB, CQT and MFCC below 1 GB.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import librosa
import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.excerpt import HOP, HOP_S, frame_count
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

__all__ = ["Features", "LibrosaRepresentation", "Representation", "representation_named"]

_F32 = NDArray[np.float32]


class Features(NamedTuple):
    """Frame features: ``values`` [shape=(n_features, n_frames), float32], frame t centred at ``t * hop_s`` seconds."""

    values: _F32
    hop_s: float


@runtime_checkable
class Representation(Protocol):
    """Anything that turns audio into frame features (a learned model, for instance)."""

    @property
    def name(self) -> str:
        """The name people see."""

    @property
    def key(self) -> str:
        """Text that changes whenever the features would; part of the cache key."""

    def frames(self, blocks: Iterable[_F32]) -> Features:
        """Features of mono float32 audio at ``ANALYSIS_RATE_HZ`` that comes in blocks of any length.

        Blocks are [shape=(n,)]; values are [shape=(n_features, n_frames), float32].
        """


@dataclass(frozen=True, slots=True)
class LibrosaRepresentation:
    """One of librosa's, at its default settings.

    Attributes
    ----------
    name : ``stft``, ``cqt`` or ``mfcc``.
    compute : samples to features.
    least_samples : shorter sounds are padded with zeros to this length, which librosa's longest window needs.
    """

    name: str
    compute: Callable[[_F32], NDArray[np.floating]]
    least_samples: int

    @property
    def key(self) -> str:
        """Name and version of the library that computes it."""
        return f"{self.name}-librosa-{importlib.metadata.version('librosa')}"

    def frames(self, blocks: Iterable[_F32]) -> Features:
        """Features at a hop of 512 samples, ``1 + n // 512`` frames.

        Blocks are mono [shape=(n,)] at ``ANALYSIS_RATE_HZ``; values are [shape=(n_features, n_frames), float32].
        """
        y = np.concatenate(list(blocks))
        n_frames = frame_count(y.size)
        if y.size < self.least_samples:
            y = np.pad(y, (0, self.least_samples - y.size))
        values = np.ascontiguousarray(self.compute(y)[:, :n_frames], dtype=np.float32)
        return Features(values, HOP_S)


def representation_named(name: str) -> Representation:
    """One of librosa's representations.

    Raises
    ------
    InputError
        If the name is unknown.
    """
    if name not in _NAMED:
        raise InputError(f"unknown representation {name!r}; use one of {', '.join(_NAMED)}")
    return _NAMED[name]


def _stft(y: _F32) -> NDArray[np.floating]:
    magnitude: NDArray[np.floating] = np.abs(librosa.stft(y, hop_length=HOP))
    return magnitude


def _cqt(y: _F32) -> NDArray[np.floating]:
    magnitude: NDArray[np.floating] = np.abs(librosa.cqt(y, sr=ANALYSIS_RATE_HZ, hop_length=HOP))
    return magnitude


def _mfcc(y: _F32) -> NDArray[np.floating]:
    mfcc: NDArray[np.floating] = librosa.feature.mfcc(y=y, sr=ANALYSIS_RATE_HZ)
    return mfcc


_NAMED: Mapping[str, LibrosaRepresentation] = {
    one.name: one
    for one in (
        LibrosaRepresentation("stft", _stft, 2048),
        LibrosaRepresentation("cqt", _cqt, 1 << 16),
        LibrosaRepresentation("mfcc", _mfcc, 2048),
    )
}
