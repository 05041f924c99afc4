"""Sounds of interest as ``reatrieve.synth`` makes them: risers, stabs, wobbles, each a little higher or slower."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from reatrieve.lab.learning.sounds.source import RATE_HZ, Clip
from reatrieve.synth.signals import RATE_HZ as SYNTH_RATE_HZ
from reatrieve.synth.sounds import FAMILIES, make_sound

__all__ = ["electronic_sounds"]

_TAKES = 4


def electronic_sounds(rng: np.random.Generator, *, n_classes: int) -> Iterator[Clip]:
    """``n_classes`` sounds in turn of each family, ``_TAKES`` of each."""
    names = sorted(FAMILIES)
    for index in range(n_classes):
        family = names[index % len(names)]
        sound = make_sound(
            family, seed=int(rng.integers(2**31)), root=float(rng.integers(41, 53)), beat_s=rng.uniform(0.34, 0.6)
        )
        for _ in range(_TAKES):
            y = sound.render(semitones=rng.normal(0, 0.3), stretch=rng.lognormal(0, 0.05))
            yield Clip(soxr.resample(y, SYNTH_RATE_HZ, RATE_HZ), f"{family} {index}", "effect", f"electronic {family}")
