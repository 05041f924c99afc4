"""How far annotators agree: the paper's were three, and a retriever cannot agree with a user more than users do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from reatrieve.annotations.oracle import Oracle
from reatrieve.lab.dataset import AnnotatedSound, Dataset, Recording

__all__ = ["SharedSound", "agreement_summary", "shared_sounds"]


@dataclass(frozen=True, slots=True)
class SharedSound:
    """One sound that two annotators marked in one file.

    Attributes
    ----------
    file, first, second : the file, and the two sounds as `Sound.name` gives them.
    annotators : the two, by name.
    common : occurrences that both marked (matched one to one, by more than half of the shorter).
    counts : occurrences of the first and of the second.
    start_differences_ms : absolute, of the common ones.
    """

    file: str
    first: str
    second: str
    annotators: tuple[str, str]
    common: int
    counts: tuple[int, int]
    start_differences_ms: tuple[float, ...]

    @property
    def f1(self) -> float:
        """Share of occurrences in common, 0..1: twice the common ones over all that were marked."""
        return 2 * self.common / sum(self.counts)


def shared_sounds(dataset: Dataset) -> list[SharedSound]:
    """Pairs of sounds of different annotators that overlap somewhere; each sound with the one it shares most with."""
    return [shared for recording in dataset.recordings for shared in _of_recording(recording)]


def agreement_summary(dataset: Dataset) -> list[dict[str, Any]]:
    """Agreement of every two annotators that marked a common sound.

    Returns
    -------
    list of dict
        ``annotators``, ``sounds`` (in common), ``f1`` (mean over them), ``start_difference_ms_median``.
    """
    by_pair: dict[tuple[str, str], list[SharedSound]] = {}
    for shared in shared_sounds(dataset):
        by_pair.setdefault(shared.annotators, []).append(shared)
    return [
        {
            "annotators": list(pair),
            "sounds": len(group),
            "f1": float(np.mean([shared.f1 for shared in group])),
            "start_difference_ms_median": float(
                np.median([d for shared in group for d in shared.start_differences_ms])
            ),
        }
        for pair, group in sorted(by_pair.items())
    ]


def _of_recording(recording: Recording) -> Iterator[SharedSound]:
    annotators = sorted({sound.annotator for sound in recording.sounds if sound.annotator})
    for one, other in combinations(annotators, 2):
        theirs = [sound for sound in recording.sounds if sound.annotator == other]
        for sound in recording.sounds:
            if sound.annotator != one:
                continue
            candidates = [_compared(recording.name, sound, their) for their in theirs]
            best = max(candidates, key=lambda shared: (shared.common, shared.f1), default=None)
            if best is not None and best.common:
                yield best


def _compared(file: str, first: AnnotatedSound, second: AnnotatedSound) -> SharedSound:
    oracle = Oracle(second.occurrences)
    matched: dict[int, float] = {}
    for span in first.occurrences:
        credited = oracle.answer(span).credited
        if credited is not None and credited not in matched:
            matched[credited] = 1000.0 * abs(span.start_s - second.occurrences[credited].start_s)
    return SharedSound(
        file=file,
        first=first.name,
        second=second.name,
        annotators=(first.annotator, second.annotator),
        common=len(matched),
        counts=(len(first.occurrences), len(second.occurrences)),
        start_differences_ms=tuple(matched.values()),
    )
