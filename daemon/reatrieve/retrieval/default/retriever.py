"""The default retriever: exact and tolerant views of the audio, each trusted as it proves itself, learn from answers.

Exact repeats are found by whitened mel salience (``kernel``), sounds performed again by smooth envelopes (``views``)
and a small network (``retrieval.learned``). What both say is weighed by ``ranking`` and ``calibration``.

In this folder *the audio* is all that is searched, a *sound* what was marked in it and comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reatrieve.errors import InputError
from reatrieve.retrieval.default.align import LEAST_CORRELATION, Aligner
from reatrieve.retrieval.default.background import Background, CoarseMap
from reatrieve.retrieval.default.calibration import Judgement, surprise
from reatrieve.retrieval.default.constants import BENCHMARK
from reatrieve.retrieval.default.kernel import KernelMaps
from reatrieve.retrieval.default.mel_grid import mel_grid_chunks
from reatrieve.retrieval.default.ranking import CEPSTRAL, LEARNED, POOLED, Ranking, Shortlist
from reatrieve.retrieval.default.spectrum import N_BANDS, envelope, log_mel, map_energy, mel_power, whitening
from reatrieve.retrieval.default.views import CosineView, PooledView, Profiles, View, cepstral_rows, pooled_rows
from reatrieve.retrieval.excerpt import (
    HOP_S,
    checked_example,
    excerpt_frames,
    frame_count,
    frame_near,
    frame_time_s,
    recorded,
    refuse_silence,
)
from reatrieve.retrieval.grid import SCORE_DECIMALS, Grid, LabelledExcerpt, begin_of, window_for
from reatrieve.retrieval.learned.frames import learned_frames
from reatrieve.retrieval.learned.parts import PartMeans
from reatrieve.retrieval.stream import CHUNK_FRAMES, checked
from reatrieve.retrieval.threads import for_each, in_order, one_blas_thread
from reatrieve.session.retriever import MOST_POINTS, Analysis, Pause, Progress, Proposal
from reatrieve.session.spans import Span, is_blocked, overlap_s

if TYPE_CHECKING:  # it loads librosa, which costs a second
    from reatrieve.retrieval.representations import Representation

__all__ = ["DefaultRanker", "DefaultRetriever"]

FEATURES_VERSION = 3
"""Raised whenever the analysis below would give other arrays."""
_MEL_PROGRESS = 0.8
"""Progress of an analysis, 0..1, when its mel spectrogram is done."""
TIGHT_SHARE = 0.3
"""An excerpt may share this much of its length with an answered neighbour, and is then cut short there: an example
marked generously is longer than the distance of close repeats."""
LEAST_SHARE = 0.5
"""What must be left of an excerpt that is cut short, by a neighbour or by an end of the audio."""
LEARNED_LONGEST_S = 600.0
"""In longer audio the learned view is left out: it would have to be waited for."""
SURE_CORRELATION = 0.5
"""From here on the waveform tells where a repeat begins; below it, envelope and onset tell it better."""
MOST_MOVED_FRAMES = 8
"""Frames by which an envelope may move it; less for short excerpts, a quarter of their length."""
FAR_COST = 0.1
"""What the likeness at the end of that reach is lowered by."""
LEAST_LIKENESS = 0.5
"""Resemblance of the envelopes (1: as the example, 0: as the middle of the audio) below which the grid stands."""
LEAST_RISE = 0.5
"""Share of the example's rise below which a rise is no onset: in a dense mix it may be a louder neighbour's."""
AGREEING_S = 0.025
"""A rise is believed if it is no farther from where a warped excerpt begins: words have more than one."""
SURPRISE_ANSWERS = 64
"""The first answers of a session, for which is looked up what had to be expected: where a session is taken up again,
each costs as much as a question, and later ones change what they say together by little."""
_MOST_SHORTLISTS = 8


class DefaultRetriever:
    """Whitened mel retrieval that learns from every answer and weighs several figures of the best candidates.

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
        """Whitened log-mel, its frame energies, its envelope, and the samples themselves for edges and the network.

        Parameters
        ----------
        blocks : mono float32 audio at ``ANALYSIS_RATE_HZ``, each [shape=(n,)] of any length.
        n_samples : samples in all.
        progress : told the share done, 0..1.

        Returns
        -------
        Analysis
            Arrays ``whitened`` [shape=(N_BANDS, n_frames), float16], ``energy`` [shape=(3, n_frames)], ``cepstrum``
            [shape=(20, n_frames), float16], ``onset`` [shape=(n_frames,)], ``samples`` [shape=(n_samples,), float16],
            and the whitening itself as ``mean`` [shape=(N_BANDS, 1)] and ``whitener`` [shape=(N_BANDS, N_BANDS)], for
            reading back the log-mel; float32 where nothing else is said.

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
                tell(min(_MEL_PROGRESS, _MEL_PROGRESS * len(chunks) * CHUNK_FRAMES / n_frames))
            log_mel(chunks)
        else:
            chunks = mel_grid_chunks(self._representation.frames(heard), n_frames=n_frames)
            tell(_MEL_PROGRESS)
        cepstrum, onset = envelope(chunks)
        mean, whitener = whitening(chunks)
        whitened = np.empty((N_BANDS, n_frames), dtype=np.float16)

        def whiten(first: int, chunk: NDArray[np.float32]) -> int:
            last: int = first + chunk.shape[1]
            whitened[:, first:last] = whitener @ (chunk - mean)
            return last

        with closing(in_order(partial(whiten, first, chunk) for first, chunk in _drained(chunks))) as done:
            for last in done:
                tell(_MEL_PROGRESS + (1 - _MEL_PROGRESS) * last / n_frames)
        arrays: dict[str, NDArray[np.generic]] = {
            "whitened": whitened,
            "energy": map_energy(whitened),
            "cepstrum": cepstrum,
            "onset": onset,
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
            If the example does not lie inside the audio, or is silent.
        """
        return DefaultRanker(analysis, example, self._judgement)


class DefaultRanker:
    """One search with the default retriever. What it proposes depends on labels and their order, not on its past."""

    def __init__(self, analysis: Analysis, example: Span, judgement: Judgement) -> None:
        samples = analysis.arrays["samples"]
        self._analysis = analysis
        self._judgement = judgement
        example = checked_example(example, duration_s=analysis.duration_s)
        refuse_silence(samples, example)
        whitened = analysis.arrays["whitened"]
        n_frames = min(excerpt_frames(example.length_s), whitened.shape[1])
        self._margin = int((1.0 - LEAST_SHARE) * n_frames)
        self._maps = KernelMaps(whitened, analysis.arrays["energy"], n_frames, margin=self._margin)  # type: ignore[arg-type]
        first = min(frame_near(example.start_s) + self._margin, self._maps.n_starts - 1)
        self._grid = Grid(
            self._maps.n_starts,
            offset_s=example.start_s - frame_time_s(first),
            length_s=example.length_s,
            duration_s=analysis.duration_s,
            least_share=LEAST_SHARE,
        )
        self._parts = self._grid.parts(min(MOST_POINTS, self._maps.n_starts))
        self._aligner = Aligner(samples, length_s=example.length_s)
        self._profiles, self._ranking = self._views_and_ranking()
        self._labels = [LabelledExcerpt(example, True, first)]
        self._shortlists: dict[tuple[tuple[LabelledExcerpt, ...], frozenset[Span]], Shortlist | None] = {}
        self._expected: dict[tuple[LabelledExcerpt, ...], float | None] = {}
        self._outcomes: list[tuple[bool, float] | None] = []  # of the first labels

    def _views_and_ranking(self) -> tuple[Profiles, Ranking]:
        """What all questions need, made side by side."""
        maps, padding = self._maps, ((0, 0), (self._margin, self._margin))
        cepstrum, onset = self._analysis.arrays["cepstrum"], self._analysis.arrays["onset"]
        views: dict[str, View] = {}
        whole: list[tuple[CoarseMap, Background]] = []

        def cepstral() -> None:
            views[CEPSTRAL] = CosineView(np.pad(cepstral_rows(cepstrum, onset), padding), maps.n_frames)  # type: ignore[arg-type]

        def pooled() -> None:
            views[POOLED] = PooledView(np.pad(pooled_rows(cepstrum), padding), maps.n_frames)  # type: ignore[arg-type]

        def background() -> None:
            coarse = CoarseMap(maps.frames, n_rows=2 * N_BANDS, map_frames=maps.map_frames, n_frames=maps.n_frames)
            coarse.prepare()
            whole.append((coarse, Background(coarse)))

        for_each(lambda make: make(), (background, maps.prepare, pooled, cepstral))
        profiles = Profiles({name: views[name] for name in (CEPSTRAL, POOLED)}, n_frames=maps.n_frames)
        return profiles, Ranking(maps, *whole[0], profiles)

    def learn(self, span: Span, *, positive: bool) -> None:
        """Take one answer; of a span with edges of its own, the excerpt in it that best resembles the example."""
        self._take(span, positive=positive, supposed=False)

    def suppose(self, span: Span) -> None:
        """Take a yes that nobody gave."""
        self._take(span, positive=True, supposed=True)

    @one_blas_thread
    def _take(self, span: Span, *, positive: bool, supposed: bool) -> None:
        start = window_for(span, self._grid, lambda starts: self._ranking.resemblance(self._labels[0].start, starts))
        self._labels.append(LabelledExcerpt(span, positive, start, supposed))

    def forget(self, span: Span) -> None:
        """Take back the latest answer with this span.

        Raises
        ------
        InputError
            If no answer has it; the example is none.
        """
        for index in range(len(self._labels) - 1, 0, -1):
            if self._labels[index].span == span:
                del self._labels[index], self._outcomes[index:]
                return
        raise InputError(f"nothing was learned of {span.start_s:.3f} to {span.end_s:.3f} s")

    @one_blas_thread
    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        """The best excerpt that overlaps none of ``blocked``."""
        shortlist = self._shortlist(self._labels, blocked)
        if shortlist is None:
            return None
        surprised = self._surprised()
        probabilities = self._probabilities(shortlist, surprised)
        left = self._remaining(shortlist, probabilities)
        for index in shortlist.order:
            span = self._edges(int(shortlist.starts[index]), blocked)
            if span is not None:
                p = round(float(probabilities[index]), 6)
                score = round(float(shortlist.ranks[index]), SCORE_DECIMALS)
                seen = (float(shortlist.stage), *shortlist.inputs[index].tolist(), surprised)
                return Proposal(span, score, p, left, seen)
        return None

    @one_blas_thread
    def similarity(self, blocked: Sequence[Span], n_points: int) -> NDArray[np.float32]:
        """Resemblance over the audio (``Surveying``).

        Returns
        -------
        np.ndarray [shape=(n,), 0..1, 1 <= n <= n_points]
            A single 0 where nothing is left to compare.
        """
        shortlist = self._shortlist(self._labels, blocked)
        if shortlist is None:
            return np.zeros(1, dtype=np.float32)
        values = shortlist.curve(self._parts).values
        if len(values) <= n_points:
            return values
        return np.maximum.reduceat(values, np.arange(n_points) * len(values) // n_points)

    @one_blas_thread
    def near(self, time_s: float, blocked: Sequence[Span]) -> Proposal | None:
        """The excerpt most alike of those that begin within half an excerpt of ``time_s`` (``Surveying``)."""
        known = self._shortlist(self._labels, blocked)
        if known is None:
            return None
        curve = known.curve(self._parts)
        starts, values = curve.starts, curve.values
        reach_s = max(self._grid.length_s / 2, 1.5 * self._analysis.duration_s / len(starts))
        free = self._grid.free(blocked, limit_s=TIGHT_SHARE * self._grid.length_s)
        open_places = free[starts] & (np.abs(self._grid.starts_s[starts] - time_s) <= reach_s)
        if not open_places.any():
            return None
        start = int(starts[int(np.argmax(np.where(open_places, values, -1.0)))])
        shortlist = self._judged(self._labels, blocked, also=(start,))
        assert shortlist is not None  # what is known has places
        index = int(np.argmin(np.abs(shortlist.starts - start)))
        span = self._edges(int(shortlist.starts[index]), blocked)
        if span is None:
            return None
        surprised = self._surprised()
        probabilities = self._probabilities(shortlist, surprised)
        left = self._remaining(known, self._probabilities(known, surprised))
        score = round(float(shortlist.ranks[index]), SCORE_DECIMALS)
        return Proposal(span, score, round(float(probabilities[index]), 6), left)

    def _judged(
        self, labels: Sequence[LabelledExcerpt], blocked: Sequence[Span], also: Sequence[int] = ()
    ) -> Shortlist | None:
        free = self._grid.free(blocked)
        tight = self._grid.free(blocked, limit_s=TIGHT_SHARE * self._grid.length_s)
        crowding = lambda starts: self._grid.crowding(starts, blocked)  # noqa: E731
        learned = self._learned_view
        return self._ranking.shortlist(labels, free, tight, crowding, self._judgement, learned=learned, also=also)

    def _shortlist(self, labels: Sequence[LabelledExcerpt], blocked: Sequence[Span]) -> Shortlist | None:
        question = (tuple(labels), frozenset(blocked))
        if question not in self._shortlists:
            self._shortlists[question] = self._judged(labels, blocked)
            if len(self._shortlists) > _MOST_SHORTLISTS:
                del self._shortlists[next(iter(self._shortlists))]
        return self._shortlists[question]

    def _probabilities(self, shortlist: Shortlist, surprised: float) -> NDArray[np.float64]:
        return self._judgement.probabilities(shortlist.log_odds, surprised, stage=shortlist.stage)

    def _surprised(self) -> float:
        """What the first answers were against what had to be expected of each when it was asked about."""
        for index in range(len(self._outcomes), min(len(self._labels), 1 + SURPRISE_ANSWERS)):
            label = self._labels[index]
            expected = None if label.supposed or index == 0 else self._expectation(index)
            self._outcomes.append(None if expected is None else (label.positive, expected))
        return surprise([one for one in self._outcomes if one is not None])

    def _expectation(self, index: int) -> float | None:
        """Probability of a yes for a labelled excerpt, as those before it tell; None where it was on no shortlist.

        A function of the labels alone, so that a session that is replayed goes on as it did.
        """
        upto = tuple(self._labels[: index + 1])
        if upto not in self._expected:
            *before, label = upto
            shortlist = self._shortlist(before, [one.span for one in before])
            expected = None
            if shortlist is not None:
                distances = np.abs(shortlist.starts - label.start)
                nearest = int(np.argmin(distances))
                if distances[nearest] <= max(2, self._maps.n_frames // 4):
                    expected = float(expit(shortlist.log_odds[nearest]))
            self._expected[upto] = expected
        return self._expected[upto]

    def description(self) -> Callable[[Pause | None], object] | None:
        """The network's frames: nearly all searches need them from the first answer on; None: the audio is too long."""
        return partial(learned_frames, self._analysis) if self._analysis.duration_s <= LEARNED_LONGEST_S else None

    def _learned_view(self) -> bool:
        """Make the learned view known; False: the audio is too long for it."""
        if LEARNED not in self._profiles.names and self._analysis.duration_s <= LEARNED_LONGEST_S:
            example = self._labels[0]
            view = PartMeans(
                learned_frames(self._analysis).astype(np.float32),  # widened once, not for every answer
                length_s=self._grid.length_s,
                offset_s=example.span.start_s - frame_time_s(example.start - self._margin),
                first=-self._margin,
                n_starts=self._maps.n_starts,
            )
            self._profiles.add(LEARNED, view)
        return LEARNED in self._profiles.names

    def _remaining(self, shortlist: Shortlist, probabilities: NDArray[np.float64]) -> float:
        """Expected number of occurrences left: probabilities of candidates that do not overlap better ones."""
        left, reach = 0.0, self._maps.n_frames - 1
        starts, chances = shortlist.starts.tolist(), probabilities.tolist()
        near = bytearray(max(starts) + reach + 1)
        for index in shortlist.order:
            start = starts[index]
            if not near[start]:
                left += chances[index]
                low, high = max(0, start - reach), start + reach + 1
                near[low:high] = b"\1" * (high - low)
        return round(left, 3)

    def _edges(self, start: int, blocked: Sequence[Span]) -> Span | None:
        """The excerpt at ``start``: with edges in samples, else as on the grid, else cut short where a neighbour was
        answered. None where too little of it would be left.
        """
        coarse_s = float(self._grid.starts_s[start])
        fine, coarse = self._grid.inside(self._begin_s(start)), self._grid.inside(coarse_s)
        for span in (fine, coarse):
            if not is_blocked(span, blocked, length_s=self._grid.length_s):
                return span
        return _cut(fine, blocked, limit_s=TIGHT_SHARE * self._grid.length_s)

    def _begin_s(self, start: int) -> float:
        """Where the sound at a grid place begins: by the waveform of an exact repeat, else by envelope and onset, and
        for sounds with a slow attack by warping."""
        coarse_s = float(self._grid.starts_s[start])
        begins_s = [begin_of(one, self._grid) for one in self._labels if one.positive]
        fine_s, correlation = self._aligner.by_waveform(begins_s, coarse_s)
        if correlation < SURE_CORRELATION:
            onset_s = self._onset_s(start)
            if onset_s is not None:
                return onset_s
        return fine_s if correlation >= LEAST_CORRELATION else coarse_s

    def _onset_s(self, start: int) -> float | None:
        """Where envelope and onset near a grid place are most like the example's, or its warped time says; None where
        nothing is alike."""
        example = self._labels[0]
        profile = self._profiles.of(CEPSTRAL, example.start).values
        reach = max(1, min(MOST_MOVED_FRAMES, self._maps.n_frames // 4))
        first = max(0, start - reach)
        near = profile[first : start + reach + 1].astype(np.float64)
        if near.max() < LEAST_LIKENESS:
            return None
        near -= FAR_COST * np.square((np.arange(len(near)) + first - start) / reach)
        best = int(np.argmax(near))
        place = first + best + _summit(near, best) - start
        moved_s = float(self._grid.starts_s[start]) + place * HOP_S
        example_s = begin_of(example, self._grid)
        begin_s, strength = self._aligner.by_rise(example_s, moved_s)
        rise_s = begin_s if strength >= LEAST_RISE else None
        warped_s = self._aligner.by_warp(example_s, moved_s)
        if warped_s is None or (rise_s is not None and abs(rise_s - warped_s) <= AGREEING_S):
            return rise_s
        return min(max(warped_s, float(self._grid.starts_s[0])), float(self._grid.starts_s[-1]))


def _summit(values: NDArray[np.float64], at: int) -> float:
    """Where between its neighbours the greatest of some values lies, -1/2..1/2, by a parabola."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, peak, after = values[at - 1 : at + 2]
    bend = before - 2.0 * peak + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


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


def _drained(chunks: list[NDArray[np.float32]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Each chunk in order, with its first frame; freed once it is done with."""
    chunks.reverse()
    first = 0
    while chunks:
        first += chunks[-1].shape[1]
        yield first - chunks[-1].shape[1], chunks.pop()
