"""Retrievers of a few lines, to compare with: the cosine of plain frame features, nearest-neighbour answers.

``logmel-nn`` compares log-mel spectra, ``onset-mfcc-nn`` MFCC and the strength of onsets; both every row standardised
over the file. An excerpt's score is half the greatest and half the mean cosine with the accepted, less .6 of the
greatest with a rejected. They say nothing of probabilities: every candidate has 1/2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.default.views import CosineView
from reatrieve.retrieval.excerpt import HOP, checked_example, excerpt_frames, frame_near, frame_time_s
from reatrieve.retrieval.grid import SCORE_DECIMALS, Grid, LabelledExcerpt, rounded, window_for
from reatrieve.retrieval.registry import make_retriever, retriever_names
from reatrieve.retrieval.stream import checked
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Analysis, Progress, Proposal, Ranker, Retriever
from reatrieve.session.spans import Span

__all__ = ["CosineRetriever", "lab_retriever"]

BASELINE_BANDS = 64
NO_SHARE = 0.6
ONSET_WEIGHT = 2.0

_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class CosineRetriever:
    """Frame features by name; ``rows`` gives them for a whole sound, shape (n_rows, 1 + n // HOP)."""

    name: str
    rows: Callable[[_F32], NDArray[np.floating]]

    @property
    def analysis_key(self) -> str:
        """Part of the cache key."""
        return self.name

    def analyse(self, blocks: Iterable[_F32], *, n_samples: int, progress: Progress | None = None) -> Analysis:
        """The rows, shape (n_rows, n_frames), each with mean 0 and deviation 1; errors as ``stream.checked``."""
        rows = self.rows(np.concatenate(list(checked(blocks, n_samples=n_samples)))).astype(np.float32)
        if progress is not None:
            progress(1.0)
        return Analysis(n_samples, {"rows": rows})

    def ranker(self, analysis: Analysis, example: Span) -> Ranker:
        """Begin a search; an example outside the sound is an InputError."""
        return _CosineRanker(analysis, example)


class _CosineRanker:
    def __init__(self, analysis: Analysis, example: Span) -> None:
        example = checked_example(example, duration_s=analysis.duration_s)
        rows: _F32 = analysis.arrays["rows"]  # type: ignore[assignment]
        n_frames = min(excerpt_frames(example.length_s), rows.shape[1])
        n_starts = rows.shape[1] - n_frames + 1
        self._view = CosineView(rows, n_frames)
        first = min(frame_near(example.start_s), n_starts - 1)
        self._grid = Grid(
            n_starts,
            offset_s=example.start_s - frame_time_s(first),
            length_s=example.length_s,
            duration_s=analysis.duration_s,
        )
        self._profiles: dict[int, _F32] = {}
        self._labels = [LabelledExcerpt(example, True, first)]

    def learn(self, span: Span, *, positive: bool) -> None:
        start = window_for(span, self._grid, lambda starts: self._profile(self._labels[0].start)[starts])
        self._labels.append(LabelledExcerpt(span, positive, start))

    def forget(self, span: Span) -> None:
        latest = next(index for index in reversed(range(1, len(self._labels))) if self._labels[index].span == span)
        del self._labels[latest]

    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        yes = [self._profile(label.start) for label in self._labels if label.positive]
        no = [self._profile(label.start) for label in self._labels if not label.positive]
        scores = 0.5 * np.max(yes, axis=0) + 0.5 * np.mean(yes, axis=0)
        if no:
            scores -= NO_SHARE * np.max(no, axis=0)
        place = next(self._grid.ranked(rounded(scores), blocked), None)
        if place is None:
            return None
        return Proposal(self._grid.span(place), round(float(scores[place]), SCORE_DECIMALS), 0.5, 1.0)

    def _profile(self, start: int) -> _F32:
        if start not in self._profiles:
            self._profiles[start] = self._view.like(start)
        return self._profiles[start]


def lab_retriever(name: str, **settings: Any) -> Retriever:
    """The retriever called ``name``: one of the product's, with its settings, or one of those above, which have none.

    Raises
    ------
    InputError
        As ``registry.make_retriever``.
    """
    if name in retriever_names() or name not in _NAMED:
        return make_retriever(name, **settings)
    if settings:
        raise InputError(f"retriever {name} has no settings; leave out {', '.join(settings)}")
    return CosineRetriever(name, _NAMED[name])


def _mel(y: _F32) -> NDArray[np.floating]:
    power: NDArray[np.floating] = librosa.feature.melspectrogram(
        y=y, sr=ANALYSIS_RATE_HZ, hop_length=HOP, n_mels=BASELINE_BANDS
    )
    return power


def _log_mel(y: _F32) -> NDArray[np.floating]:
    return _standardised(np.log(_mel(y) + 1e-6))


def _onset_mfcc(y: _F32) -> NDArray[np.floating]:
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(_mel(y), top_db=80), n_mfcc=14)[1:]
    onset = librosa.onset.onset_strength(y=y, sr=ANALYSIS_RATE_HZ, hop_length=HOP)[None, : mfcc.shape[1]]
    return np.concatenate([_standardised(mfcc), ONSET_WEIGHT * _standardised(onset)])


def _standardised(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + 1e-6))


_NAMED: Mapping[str, Callable[[_F32], NDArray[np.floating]]] = {"logmel-nn": _log_mel, "onset-mfcc-nn": _onset_mfcc}
