"""Recordings and music under CC0, CC BY or in the public domain, from packages that anybody can get.

They are looked for in one folder, into which the packages were unpacked (``docs/learned-view.md`` has the commands).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from reatrieve.errors import InputError
from reatrieve.lab.learning.sounds.source import RATE_HZ, Audio, Clip
from reatrieve.synth import GENRE_NAMES, make_song

__all__ = ["SOURCES", "SoundPackage", "beds", "recorded_effects"]

BED_S = 40.0


@dataclass(frozen=True, slots=True)
class SoundPackage:
    """Files of one licence in one package.

    Attributes
    ----------
    package : its name in its registry.
    files : pattern below the folder, and names that it does not cover.
    use : ``effect``: every file is a sound of its own; ``bed``: music to lay under scenes.
    licence, author : as the package states them.
    """

    package: str
    files: str
    use: str
    licence: str
    author: str
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


_NAEV = "usr/share/naev/dat/snd/music/*.ogg"
_NIKOLA = (
    "ambient1 ambient2 ambient2_5 ambient3 automat battlesomething1 battlesomething2 collective1 collective2 "
    "empire1 empire2 flf_battle1 intrigue intro landing_sinister nebu_battle1 nebu_battle2 sirius1 tension upbeat "
    "zalek1 zalek2"
)

SOURCES = (
    SoundPackage(
        package="endless-sky-data 0.9.8 (Debian)",
        files="usr/share/games/endless-sky/sounds/**/*.wav",
        use="effect",
        licence="public domain",
        author="various, after recordings of freesound.org",
        without=("heavy rocket hit", "explosion huge"),  # CC BY-SA
    ),
    SoundPackage(
        package="arcade 3.3.3 (PyPI)",
        files="arcade/resources/assets/sounds/*.wav",
        use="effect",
        licence="CC0 1.0",
        author="Kenney (kenney.nl)",
    ),
    SoundPackage(
        package="naev-data 0.8.2 (Debian)",
        files=_NAEV,
        use="bed",
        licence="CC BY 3.0 (or GPL-3, at the choice of who takes them)",
        author="Nikola Whallon",
        only=tuple(_NIKOLA.split()),
    ),
    SoundPackage(
        package="naev-data 0.8.2 (Debian)",
        files=_NAEV,
        use="bed",
        licence="CC BY 3.0",
        author="Zeropage",
        only=("ambiphonic", "void_sensor"),
    ),
)
"""Everything that is not synthesised."""


def recorded_effects(folder: Path) -> Iterator[Clip]:
    """Each recorded effect, once: its other takes are made by altering it.

    Raises
    ------
    InputError
        A package is not there.
    """
    for source in SOURCES:
        if source.use == "effect":
            for path in _files(folder, source):
                name = source.package.split()[0]
                yield Clip(_loaded(path), f"{name} {path.stem}", "effect", name)


def beds(folder: Path, rng: np.random.Generator, *, n_songs: int = 24) -> list[Audio]:
    """Pieces of music to lay under scenes, up to ``BED_S`` long: recorded ones, and songs of ``reatrieve.synth``.

    Each is mono [shape=(n,), float64] at ``RATE_HZ``.

    Raises
    ------
    InputError
        A package is not there.
    """
    found = []
    for source in SOURCES:
        if source.use == "bed":
            for path in _files(folder, source):
                y = _loaded(path)
                n = int(BED_S * RATE_HZ)
                found += [
                    y[at : at + n] for at in (int(0.1 * y.size), int(0.6 * y.size)) if y[at : at + n].size > n // 2
                ]
    for number in range(n_songs):
        song = make_song(genre=GENRE_NAMES[number % len(GENRE_NAMES)], seed=int(rng.integers(2**31)), duration_s=BED_S)
        found.append(soxr.resample(song.audio.mean(axis=1, dtype=np.float64), song.rate_hz, RATE_HZ))
    return found


def _files(folder: Path, source: SoundPackage) -> list[Path]:
    found = sorted(path for path in folder.glob(source.files) if path.stem not in source.without)
    found = [path for path in found if not source.only or path.stem in source.only]
    if not found:
        raise InputError(f"{folder} has no {source.files}; unpack {source.package} there (docs/learned-view.md)")
    return found


def _loaded(path: Path) -> Audio:
    y, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    mono = y.mean(axis=1)
    return np.asarray(soxr.resample(mono, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else mono)
