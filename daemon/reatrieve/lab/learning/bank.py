"""The bank: every take of every sound, and the music under them, in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.lab.learning.sounds.drums import drum_kits
from reatrieve.lab.learning.sounds.electronic import electronic_sounds
from reatrieve.lab.learning.sounds.formants import invented_words
from reatrieve.lab.learning.sounds.gestures import gestures
from reatrieve.lab.learning.sounds.licks import licks
from reatrieve.lab.learning.sounds.recordings import beds, recorded_effects
from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip
from reatrieve.lab.learning.sounds.spoken import spoken_sentences, spoken_words

__all__ = ["Bank", "load_bank", "make_bank"]

LONGEST_S = 3.5
SHORTEST_S = 0.02
AUDIBLE_DB = -42.0
"""What lies this far below a clip's loudest moment is cut from its ends."""

_MUSIC_STREAM = 7
"""Stream of random numbers for the songs; the sources have those of their number."""

_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Bank:
    """All clips behind each other.

    Attributes
    ----------
    samples : np.ndarray [shape=(n,), int16], at ``RATE_HZ``.
    edges : np.ndarray [shape=(n_clips + 1,)], clip i is ``samples[edges[i]:edges[i + 1]]``.
    classes, families, groups : one a clip; see ``Clip``.
    bed_samples, bed_edges : the same for the music.
    """

    samples: NDArray[np.int16]
    edges: NDArray[np.int64]
    classes: NDArray[np.str_]
    families: NDArray[np.str_]
    groups: NDArray[np.str_]
    bed_samples: NDArray[np.int16]
    bed_edges: NDArray[np.int64]

    def clip(self, index: int) -> _F32:
        """Samples of one clip, peak about 1.

        Returns mono [shape=(n,), float32] at ``RATE_HZ``.
        """
        return _as_float(self.samples[self.edges[index] : self.edges[index + 1]])

    def bed(self, index: int) -> _F32:
        """Samples of one piece of music.

        Returns mono [shape=(n,), float32] at ``RATE_HZ``.
        """
        return _as_float(self.bed_samples[self.bed_edges[index] : self.bed_edges[index + 1]])


def make_bank(path: Path, *, recordings: Path, seed: int = 20, tell: Callable[[str], None] = print) -> None:
    """Make all sounds and write them to ``path`` (npz); ten minutes on one core, 600 MB.

    Parameters
    ----------
    recordings : folder into which the packages of ``recordings.SOURCES`` were unpacked.

    Raises
    ------
    InputError
        A speech synthesiser or a package is missing.
    """
    sources: tuple[tuple[str, Callable[[np.random.Generator], Iterator[Clip]]], ...] = (
        ("recorded effects", lambda _rng: recorded_effects(recordings)),
        ("gestures", lambda rng: gestures(rng, n_classes=1040)),
        ("drums", lambda rng: drum_kits(rng, n_kits=40)),
        ("electronic sounds", lambda rng: electronic_sounds(rng, n_classes=96)),
        ("licks", lambda rng: licks(rng, n_instruments=48)),
        ("invented words", lambda rng: invented_words(rng, n_words=150, n_voices=24)),
        ("spoken words", spoken_words),
        ("sentences", spoken_sentences),
    )
    kept: list[NDArray[np.int16]] = []
    labels: list[tuple[str, str, str]] = []
    for number, (name, source) in enumerate(sources):
        before = len(kept)
        for clip in source(np.random.default_rng([seed, number])):
            y = _trimmed(clip.samples)
            if y is not None:
                kept.append(y)
                labels.append((clip.class_, clip.family, clip.group))
        n_classes = len({class_ for class_, *_ in labels[before:]})
        tell(f"{name}: {len(kept) - before} takes of {n_classes} sounds")
    music = [_as_int16(y) for y in beds(recordings, np.random.default_rng([seed, _MUSIC_STREAM]))]
    tell(f"music: {len(music)} pieces")
    classes, families, groups = (np.array(column) for column in zip(*labels, strict=True))
    np.savez(
        path,
        samples=np.concatenate(kept),
        edges=np.cumsum([0, *map(len, kept)]),
        classes=classes,
        families=families,
        groups=groups,
        bed_samples=np.concatenate(music),
        bed_edges=np.cumsum([0, *map(len, music)]),
    )


def load_bank(path: Path) -> Bank:
    """Read what ``make_bank`` wrote.

    Raises
    ------
    InputError
        It cannot be read, or is something else.
    """
    try:
        with np.load(path) as data:
            return Bank(**{name: data[name] for name in Bank.__dataclass_fields__})
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} is no sound bank ({error}); make one with: python -m reatrieve.lab.learning bank"
        ) from error


def _trimmed(y: Audio) -> NDArray[np.int16] | None:
    """The audible part, at most ``LONGEST_S``, with short fades; None where there is next to nothing."""
    peak = np.max(np.abs(y), initial=0.0)
    if not np.isfinite(peak) or peak < 1e-4:
        return None
    level = np.sqrt(np.convolve(np.square(y / peak), np.ones(110) / 110, mode="same") + 1e-14)
    audible = np.flatnonzero(level > level.max() * 10 ** (AUDIBLE_DB / 20))
    first, last = max(0, audible[0] - 44), min(y.size, audible[-1] + 110, audible[0] + int(LONGEST_S * RATE_HZ))
    y = np.array(y[first:last])
    if y.size < SHORTEST_S * RATE_HZ:
        return None
    fade = min(y.size // 4, 90)
    y[-fade:] *= np.linspace(1, 0, fade)
    y[:8] *= np.linspace(0, 1, 8)
    return _as_int16(y)


def _as_int16(y: Audio) -> NDArray[np.int16]:
    return np.asarray(np.round(y / (np.max(np.abs(y)) + 1e-9) * 30000), dtype=np.int16)


def _as_float(y: NDArray[np.int16]) -> _F32:
    return np.asarray(y / np.float32(32767), dtype=np.float32)
