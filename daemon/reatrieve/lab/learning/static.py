"""What a view is worth by itself: one example, no answers learned, recall when ten candidates were wrong.

Networks are compared on this table and on sets that they were not trained on, not on their own validation: that keeps
rising after words and birds have begun to fall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from reatrieve.annotations.oracle import Oracle
from reatrieve.lab.dataset import AnnotatedSound, Recording, load_dataset
from reatrieve.retrieval.excerpt import HOP_S, excerpt_frames, frame_near
from reatrieve.retrieval.grid import Grid
from reatrieve.retrieval.learned.network import Network, network_frames
from reatrieve.retrieval.learned.parts import PartMeans
from reatrieve.session.retriever import ANALYSIS_RATE_HZ
from reatrieve.session.spans import Span

__all__ = ["MIXTURES", "SINGLE", "StaticRow", "static_recall", "tabulated"]

BUDGET = 10
MIXTURES = {"pool3 + {}": ("pool3", "{}"), "mfcc + pool3 + 2 {}": ("mfcc", "pool3", "{}", "{}")}
"""Sums of views, each scaled so that the file's median is 0 and the example is 1; ``{}`` is a network's name."""
SINGLE = ("mfcc", "pool3")

_F32 = NDArray[np.float32]
Profile = Callable[[Span, int, int], NDArray[np.floating]]
"""(example, its first frame, frames of an excerpt) -> a score for every start."""


@dataclass(frozen=True, slots=True)
class StaticRow:
    """Mean recall of each view over the sounds of one set, 0..1."""

    name: str
    n_sounds: int
    recall: Mapping[str, float]


def static_recall(folder: Path, networks: Mapping[str, Network], *, n_sounds: int | None = None) -> StaticRow:
    """Measure MFCC cosine, the pooled view, each network, and both together on one data set.

    The first and the last occurrence of a sound are the examples in turn.

    Parameters
    ----------
    n_sounds : take so many sounds, spread evenly over the set; all by default.

    Raises
    ------
    InputError
        ``folder`` is no data set.
    """
    pairs = [(recording, sound) for recording in load_dataset(folder).recordings for sound in recording.sounds]
    pairs = [(recording, sound) for recording, sound in pairs if len(sound.occurrences) > 1]
    if n_sounds is not None and n_sounds < len(pairs):
        pairs = [pairs[int(k)] for k in np.linspace(0, len(pairs) - 1, n_sounds)]
    found: list[dict[str, float]] = []
    heard: tuple[Path, dict[str, Profile], float] | None = None
    for recording, sound in pairs:
        if heard is None or heard[0] != recording.path:
            views, duration_s = _views(recording, networks)
            heard = (recording.path, views, duration_s)
        for example in (sound.occurrences[0], sound.occurrences[-1]):
            scores = _scores(heard[1], networks, example)
            found.append({name: _recall(s, sound, example, duration_s=heard[2]) for name, s in scores.items()})
    return StaticRow(folder.name, len(pairs), {name: float(np.mean([one[name] for one in found])) for name in found[0]})


def tabulated(rows: Sequence[StaticRow]) -> list[str]:
    """A table in Markdown, views by sets, with the mean over sets."""
    names = list(rows[0].recall)
    lines = ["| view | " + " | ".join(f"{row.name} ({row.n_sounds})" for row in rows) + " | mean |"]
    lines.append("|---" * (len(rows) + 2) + "|")
    for name in names:
        values = [row.recall[name] for row in rows]
        lines.append(f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + f" | {np.mean(values):.3f} |")
    return lines


def _views(recording: Recording, networks: Mapping[str, Network]) -> tuple[dict[str, Profile], float]:
    y, rate_hz = soundfile.read(recording.path, dtype="float32", always_2d=True)
    y = y.mean(axis=1)
    if rate_hz != ANALYSIS_RATE_HZ:
        y = soxr.resample(y, rate_hz, ANALYSIS_RATE_HZ)
    mfcc = librosa.feature.mfcc(y=y, sr=ANALYSIS_RATE_HZ)
    delta = librosa.feature.delta(mfcc[1:14], width=5, mode="nearest")
    joined, pooled = _standard(mfcc[1:14]), np.vstack([_standard(mfcc), _standard(delta)])
    views: dict[str, Profile] = {
        "mfcc": lambda _example, first, n: _joined_cosine(joined, first, n),
        "pool3": lambda _example, first, n: _pooled_cosine(pooled, first, n),
    }
    for name, network in networks.items():
        views[name] = _network_profile(network_frames(y.astype(np.float16), network=network))
    return views, y.size / ANALYSIS_RATE_HZ


def _network_profile(frames: NDArray[np.float16]) -> Profile:
    def profile(example: Span, first: int, _n: int) -> _F32:
        parts = PartMeans(frames, length_s=example.length_s, offset_s=example.start_s - first * HOP_S)
        return parts.like(min(first, parts.n_starts - 1))

    return profile


def _scores(
    views: Mapping[str, Profile], networks: Mapping[str, Network], example: Span
) -> dict[str, NDArray[np.float64]]:
    n, first = excerpt_frames(example.length_s), frame_near(example.start_s)
    raw = {name: profile(example, first, n) for name, profile in views.items()}
    n_starts = min(profile.size for profile in raw.values())
    scaled = {}
    for name, profile in raw.items():
        p = profile[:n_starts].astype(np.float64)
        middle = np.median(p)
        scaled[name] = (p - middle) / max(p[min(first, n_starts - 1)] - middle, 1e-9)
    mixed = {
        title.format(network): np.asarray(sum(scaled[part.format(network)] for part in parts))
        for network in networks
        for title, parts in MIXTURES.items()
    }
    return {**scaled, **mixed}


def _recall(scores: NDArray[np.float64], sound: AnnotatedSound, example: Span, *, duration_s: float) -> float:
    """Share of the other occurrences met before ``BUDGET`` wrong candidates."""
    first = min(frame_near(example.start_s), scores.size - 1)
    grid = Grid(scores.size, offset_s=example.start_s - first * HOP_S, length_s=example.length_s, duration_s=duration_s)
    oracle = Oracle(sound.occurrences, sound.near)
    met: set[int] = set()
    wrong = 0
    mine = sound.occurrences.index(example)
    for start in grid.ranked(scores, [example]):
        answer = oracle.answer(grid.span(start))
        if answer.credited is not None:
            met.add(answer.credited)
        wrong += answer.verdict == "reject"
        if wrong == BUDGET or len(met - {mine}) == len(sound.occurrences) - 1:
            break
    return len(met - {mine}) / (len(sound.occurrences) - 1)


def _standard(rows: _F32) -> _F32:
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + 1e-6))


def _joined_cosine(rows: _F32, first: int, n: int) -> _F32:
    """Cosine of all frames of an excerpt joined."""
    n_starts = rows.shape[1] - n + 1
    first = min(first, n_starts - 1)
    product = np.zeros(n_starts)
    for row in rows:
        product += (
            np.correlate(row, row[first : first + n], mode="valid") if n < 64 else _fast(row, row[first : first + n])
        )
    energy = np.square(rows).sum(axis=0, dtype=np.float64)
    lengths = np.sqrt(np.maximum(_boxes(energy[None], n)[0], 1e-9))
    return np.asarray(product / (lengths * lengths[first]), dtype=np.float32)


def _fast(row: _F32, template: _F32) -> NDArray[np.float64]:
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(row, template[::-1], mode="valid"), dtype=np.float64)


def _boxes(rows: NDArray[np.float64], n: int, *, skip: int = 0, total: int | None = None) -> NDArray[np.float64]:
    """Sums over ``n`` frames that begin ``skip`` after each start."""
    sums = np.concatenate([np.zeros((rows.shape[0], 1)), np.cumsum(rows, axis=1)], axis=1)
    count = rows.shape[1] - n + 1 if total is None else total
    return np.asarray(sums[:, skip + n : skip + n + count] - sums[:, skip : skip + count])


def _pooled_cosine(rows: _F32, first: int, n: int) -> _F32:
    """Cosine of the means of three parts and the deviation of the whole, each row standardised over all starts."""
    n_starts = rows.shape[1] - n + 1
    first = min(first, n_starts - 1)
    wide = rows.astype(np.float64)
    edges = np.round(np.linspace(0, n, 4)).astype(int)
    parts = []
    for low, high in pairwise(edges.tolist()):
        low = min(low, n - 1)
        parts.append(_boxes(wide, max(1, high - low), skip=low, total=n_starts) / max(1, high - low))
    mean = _boxes(wide, n) / n
    parts.append(np.sqrt(np.maximum(_boxes(np.square(wide), n) / n - mean**2, 0.0)))
    described = _standard(np.concatenate(parts).astype(np.float32))
    described /= np.linalg.norm(described, axis=0) + 1e-6
    return np.asarray(described[:, first] @ described, dtype=np.float32)
