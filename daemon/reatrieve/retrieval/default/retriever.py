"""The default retriever: whitened mel salience, a kernel from two views, and scores that learn from the "no"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.default.align import Aligner
from reatrieve.retrieval.default.calibration import Judgement
from reatrieve.retrieval.default.constants import BENCHMARK
from reatrieve.retrieval.default.kernel import KernelMaps
from reatrieve.retrieval.default.pooled import pooled_chunks
from reatrieve.retrieval.default.ranking import Ranking, Shortlist
from reatrieve.retrieval.default.spectrum import N_BANDS, log_mel, map_energy, mel_power, whitening
from reatrieve.retrieval.excerpt import (
    checked_example,
    excerpt_frames,
    frame_count,
    frame_near,
    frame_time_s,
    recorded,
    refuse_silence,
)
from reatrieve.retrieval.grid import SCORE_DECIMALS, Grid, Labelled, begin_of, window_for
from reatrieve.retrieval.stream import CHUNK_FRAMES, checked
from reatrieve.retrieval.threads import one_blas_thread
from reatrieve.session.retriever import Analysis, Progress, Proposal
from reatrieve.session.spans import Span, is_blocked, overlap_s

if TYPE_CHECKING:  # importing it costs a second for librosa
    from reatrieve.retrieval.representations import Representation

__all__ = ["DefaultRanker", "DefaultRetriever"]

FEATURES_VERSION = 1
"""Raised whenever the analysis below would give other arrays."""
_MEL_SHARE = 0.8
SHORTLIST = 40
"""Candidates weighed for a question."""
TIGHT_SHARE = 0.3
"""An excerpt may share this much of its length with an answered neighbour, and is then cut short there: an example
marked generously is longer than the distance of close repeats."""
LEAST_SHARE = 0.5
"""What must be left of an excerpt that is cut short."""


class DefaultRetriever:
    """Whitened mel retrieval that learns from the "no" and weighs several figures of the best candidates.

    Parameters
    ----------
    judgement : the constants fitted on the benchmark; others only to measure what the fit is worth.
    representation : frame features to take in place of the mel spectrogram (a learned model's, for instance).
    """

    def __init__(self, judgement: Judgement = BENCHMARK, representation: Representation | None = None) -> None:
        self._judgement = judgement
        self._representation = representation

    @property
    def name(self) -> str:
        """The name it is chosen by."""
        return "default"

    @property
    def analysis_key(self) -> str:
        """Part of the cache key."""
        key = f"whitened-mel-{FEATURES_VERSION}"
        return key if self._representation is None else f"{key} {self._representation.key}"

    @one_blas_thread
    def analyse(
        self, blocks: Iterable[NDArray[np.float32]], *, n_samples: int, progress: Progress | None = None
    ) -> Analysis:
        """Whitened log-mel (float16), its frame energies, and the samples themselves (float16) for edges.

        Returns
        -------
        Analysis
            Arrays ``whitened`` (128, n_frames), ``energy`` (3, n_frames), ``samples`` (n_samples,), and the whitening
            itself as ``mean`` (128, 1) and ``whitener`` (128, 128), for reading back the log-mel.

        Raises
        ------
        InputError
            As ``stream.checked``.
        """
        tell = progress or (lambda _share: None)
        n_frames = frame_count(n_samples)
        samples = np.empty(max(n_samples, 0), dtype=np.float16)
        heard = recorded(checked(blocks, n_samples=n_samples), samples)
        if self._representation is None:
            chunks = []
            for chunk in mel_power(heard, n_samples=n_samples):
                chunks.append(chunk)
                tell(min(_MEL_SHARE, _MEL_SHARE * len(chunks) * CHUNK_FRAMES / n_frames))
            log_mel(chunks)
        else:
            chunks = pooled_chunks(self._representation.frames(heard), n_frames=n_frames)
            tell(_MEL_SHARE)
        mean, whitener = whitening(chunks)
        whitened = np.empty((N_BANDS, n_frames), dtype=np.float16)
        first = 0
        for chunk in _drained(chunks):
            last = first + chunk.shape[1]
            whitened[:, first:last] = whitener @ (chunk - mean)
            first = last
            tell(_MEL_SHARE + (1 - _MEL_SHARE) * last / n_frames)
        arrays: dict[str, NDArray[np.generic]] = {
            "whitened": whitened,
            "energy": map_energy(whitened),
            "samples": samples,
            "mean": mean,
            "whitener": whitener,
        }
        tell(1.0)
        return Analysis(n_samples, arrays)

    @one_blas_thread
    def ranker(self, analysis: Analysis, example: Span) -> DefaultRanker:
        """Begin a search.

        Raises
        ------
        InputError
            If the example does not lie inside the sound, or is silent.
        """
        return DefaultRanker(analysis, example, self._judgement)


class DefaultRanker:
    """One search with the default retriever. What it proposes depends on labels and their order, not on its past."""

    def __init__(self, analysis: Analysis, example: Span, judgement: Judgement) -> None:
        samples = analysis.arrays["samples"]
        self._judgement = judgement
        example = checked_example(example, duration_s=analysis.duration_s)
        refuse_silence(samples, example)
        whitened = analysis.arrays["whitened"]
        n_frames = min(excerpt_frames(example.length_s), whitened.shape[1])
        self._maps = KernelMaps(whitened, analysis.arrays["energy"], n_frames)  # type: ignore[arg-type]
        first = min(frame_near(example.start_s), self._maps.n_starts - 1)
        self._grid = Grid(
            self._maps.n_starts,
            offset_s=example.start_s - frame_time_s(first),
            length_s=example.length_s,
            duration_s=analysis.duration_s,
        )
        self._aligner = Aligner(samples, length_s=example.length_s)
        self._ranking = Ranking(self._maps)
        self._labels = [Labelled(example, True, first)]

    @one_blas_thread
    def learn(self, span: Span, *, positive: bool) -> None:
        """Take one answer; of a span with edges of its own, the excerpt in it that best resembles the example."""
        start = window_for(span, self._grid, lambda starts: self._ranking.resemblance(self._labels[0].start, starts))
        self._labels.append(Labelled(span, positive, start))

    def forget(self, span: Span) -> None:
        """Take back the latest answer with this span."""
        for index in range(len(self._labels) - 1, 0, -1):
            if self._labels[index].span == span:
                del self._labels[index]
                return
        raise InputError(f"nothing was learned of {span.start_s:.3f} to {span.end_s:.3f} s")

    @one_blas_thread
    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        """The best excerpt that overlaps none of ``blocked``."""
        shortlist = self._shortlist(blocked, SHORTLIST)
        left = self._remaining(shortlist)
        for index in shortlist.order:
            span = self._edges(int(shortlist.starts[index]), blocked)
            if span is not None:
                p = round(float(shortlist.probabilities[index]), 6)
                score = round(float(shortlist.ranks[index]), SCORE_DECIMALS)
                inputs = (float(shortlist.stage), *shortlist.inputs[index].tolist())
                return Proposal(span, score, p, left, inputs)
        return None

    def _shortlist(self, blocked: Sequence[Span], size: int) -> Shortlist:
        free = self._grid.free(blocked)
        tight = self._grid.free(blocked, limit_s=TIGHT_SHARE * self._grid.length_s)
        crowding = lambda starts: self._grid.crowding(starts, blocked)  # noqa: E731
        return self._ranking.shortlist(self._labels, free, tight, crowding, self._judgement, size=size)

    def _remaining(self, shortlist: Shortlist) -> float:
        """Expected number of occurrences left: probabilities of candidates that do not overlap better ones."""
        left = 0.0
        taken: list[int] = []
        starts, probabilities = shortlist.starts.tolist(), shortlist.probabilities.tolist()
        for index in shortlist.order:
            if all(abs(other - starts[index]) >= self._maps.n_frames for other in taken):
                taken.append(starts[index])
                left += probabilities[index]
        return round(left, 3)

    def _edges(self, start: int, blocked: Sequence[Span]) -> Span | None:
        """The excerpt at ``start``: with edges in samples, else as on the grid, else cut short where a neighbour was
        answered. None where too little of it would be left.
        """
        coarse = self._grid.span(start)
        fine = self._aligner.refined([begin_of(one, self._grid) for one in self._labels if one.positive], coarse)
        for span in (fine, coarse):
            if not is_blocked(span, blocked, length_s=self._grid.length_s):
                return span
        return _cut(fine, blocked, limit_s=TIGHT_SHARE * self._grid.length_s)


def _cut(span: Span, blocked: Sequence[Span], *, limit_s: float) -> Span | None:
    """``span`` without what it shares with its neighbours; None if that is more than ``limit_s`` at one of them."""
    start_s, end_s = span.start_s, span.end_s
    for other in blocked:
        shared_s = overlap_s(span, other)
        if shared_s > limit_s:
            return None
        if shared_s > 0.0 and other.start_s <= span.start_s:
            start_s = max(start_s, other.end_s)
        elif shared_s > 0.0:
            end_s = min(end_s, other.start_s)
    return Span(start_s, end_s) if end_s - start_s >= LEAST_SHARE * span.length_s else None


def _drained(chunks: list[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Each chunk in order, freed once it is done with."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()
