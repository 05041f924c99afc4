"""The paper's retriever, faithful: NMF activations of MFCC, rows selected by Eq. 3, nearest positive, greedy query.

Jakubik, "Retrieving Sound Samples of Subjective Interest With User Interaction". What it needs: the whole sound and its
spectrogram while it analyses (``representations``), then 4 bytes x rows x frames for each positive (MFCC with NMF 30:
1.2 MB in a 4-minute file, 19 MB in an hour). An answer costs one correlation of the new positive, whatever came before;
what came before is only added up again, in the few rows whose selection changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import scipy.ndimage
import scipy.special
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.retrieval.excerpt import checked_example, excerpt_frames, frame_near, frame_time_s
from reatrieve.retrieval.grid import SCORE_DECIMALS, Grid, LabelledExcerpt, best_of_parts, rounded, window_for
from reatrieve.retrieval.paper.distances import PairTable, RowDistances, WeightedDistances
from reatrieve.retrieval.paper.factorise import NonNegative, activations, factoriser_key, non_negative
from reatrieve.retrieval.paper.selection import Evidence, row_weights, selection_names
from reatrieve.retrieval.representations import Representation, representation_named
from reatrieve.retrieval.stream import checked
from reatrieve.retrieval.threads import one_blas_thread
from reatrieve.session.retriever import MOST_POINTS, Analysis, Progress, Proposal
from reatrieve.session.spans import Span, is_blocked

__all__ = ["PaperRanker", "PaperRetriever", "Query", "remaining"]

Query: TypeAlias = Literal["greedy", "uncertainty", "random"]

FEATURES_VERSION = 1
MOST_FEATURES = 10_000
MOST_SEED = 2**32 - 1
"""Components, or rows kept."""
# Logistic regression (slope, intercept) of "yes" on the distance to the nearest positive, as a share of the median over
# all excerpts, over the sessions of the benchmark excerpts: for raw features and for NMF activations.
_RAW = (-6.8, 3.1)
_FACTORISED = (-14.0, 12.1)


class PaperRetriever:
    """The paper's method with its settings.

    Parameters
    ----------
    representation : ``mfcc``, ``cqt``, ``stft``, or any object that is a ``representations.Representation``.
    components : NMF components; 0 uses the representation raw.
    selected : rows kept once something was rejected; 0 keeps all (no selection).
    alpha, l1_ratio : NMF regularisation (``factorise.activations``).
    selection : rule that selects (``selection.row_weights``).
    query : ``greedy`` proposes the nearest excerpt, ``uncertainty`` the one halfway between yes and no, ``random`` any.
    nonnegative : how MFCC become non-negative (``factorise.non_negative``).
    max_iter : NMF iterations.
    seed : of NMF's random start, of L1 logistic regression and of random queries.
    name : the name it is chosen by.

    Raises
    ------
    InputError
        If a value is impossible.
    """

    def __init__(
        self,
        *,
        representation: str | Representation = "mfcc",
        components: int = 30,
        selected: int = 25,
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        selection: str = "topk",
        query: Query = "greedy",
        nonnegative: NonNegative = "shift",
        max_iter: int = 200,
        seed: int = 0,
        name: str = "paper",
    ) -> None:
        self._name = name
        self._representation = (
            representation_named(representation) if isinstance(representation, str) else representation
        )
        self._components = _whole("components", components, least=0, most=MOST_FEATURES)
        self._selected = _whole("selected", selected, least=0, most=MOST_FEATURES)
        self._alpha = _share("alpha", alpha, most=math.inf)
        self._l1_ratio = _share("l1_ratio", l1_ratio, most=1.0)
        self._selection = _one_of("selection", selection, selection_names())
        self._query = _one_of("query", query, get_args(Query))
        self._nonnegative = nonnegative
        _one_of("nonnegative", nonnegative, get_args(NonNegative))
        self._max_iter = _whole("max_iter", max_iter, least=1)
        self._seed = _whole("seed", seed, least=0, most=MOST_SEED)

    @property
    def name(self) -> str:
        """The name it is chosen by."""
        return self._name

    @property
    def analysis_key(self) -> str:
        """Part of the cache key; settings that only steer the search are not in it."""
        key = f"frames-{FEATURES_VERSION} {self._representation.key}"
        if not self._components:
            return key
        settings = (self._components, self._alpha, self._l1_ratio, self._nonnegative, self._max_iter, self._seed)
        return f"{key} nmf {' '.join(map(str, settings))} {factoriser_key()}"

    @one_blas_thread
    def analyse(
        self, blocks: Iterable[NDArray[np.float32]], *, n_samples: int, progress: Progress | None = None
    ) -> Analysis:
        """Frame features, raw or factorised.

        Blocks are mono [shape=(n,), float32] at ``ANALYSIS_RATE_HZ``, ``n_samples`` in all.

        Returns
        -------
        Analysis
            Arrays ``features`` (n_rows, n_frames) and ``hop_s`` (1,).

        Raises
        ------
        InputError
            As ``stream.checked``.
        """
        tell = progress or (lambda _share: None)
        tell(0.0)
        X, hop_s = self._representation.frames(checked(blocks, n_samples=n_samples))
        tell(0.3)
        if self._components:
            X = activations(
                non_negative(X, self._nonnegative),
                components=self._components,
                alpha=self._alpha,
                l1_ratio=self._l1_ratio,
                max_iter=self._max_iter,
                seed=self._seed,
            )
        tell(1.0)
        return Analysis(n_samples, {"features": X, "hop_s": np.array([hop_s])})

    @one_blas_thread
    def ranker(self, analysis: Analysis, example: Span) -> PaperRanker:
        """Begin a search.

        Raises
        ------
        InputError
            If the example does not lie inside the sound.
        """
        return PaperRanker(
            analysis,
            example,
            selected=self._selected,
            selection=self._selection,
            query=self._query,
            calibration=_FACTORISED if self._components else _RAW,
            seed=self._seed,
        )


class PaperRanker:
    """One search with the paper's method; the settings are ``PaperRetriever``'s."""

    def __init__(
        self,
        analysis: Analysis,
        example: Span,
        *,
        selected: int,
        selection: str,
        query: str,
        calibration: tuple[float, float],
        seed: int,
    ) -> None:
        example = checked_example(example, duration_s=analysis.duration_s)
        features = np.asarray(analysis.arrays["features"], dtype=np.float32)
        hop_s = float(analysis.arrays["hop_s"][0])
        self._n_frames = min(excerpt_frames(example.length_s, hop_s=hop_s), features.shape[1])
        rows = RowDistances(features, self._n_frames, summed=not selected)
        first = min(frame_near(example.start_s, hop_s=hop_s), rows.n_starts - 1)
        self._grid = Grid(
            rows.n_starts,
            offset_s=example.start_s - frame_time_s(first, hop_s=hop_s),
            length_s=example.length_s,
            duration_s=analysis.duration_s,
            hop_s=hop_s,
        )
        self._selected = selected
        self._selection = selection
        self._query = query
        self._calibration = calibration
        self._seed = seed
        self._yes = WeightedDistances(rows)
        self._no = WeightedDistances(rows)
        self._pairs = PairTable(rows.n_rows)
        self._labels: list[LabelledExcerpt] = []
        self._push(LabelledExcerpt(example, True, first))
        self._to_example = self._yes.nearest()

    @one_blas_thread
    def learn(self, span: Span, *, positive: bool) -> None:
        """Take one answer; of a span with edges of its own, the excerpt in it that best resembles the example."""
        self._push(LabelledExcerpt(span, positive, window_for(span, self._grid, lambda at: -self._to_example[at])))

    @one_blas_thread
    def forget(self, span: Span) -> None:
        """Take back the latest answer with this span.

        Raises
        ------
        InputError
            If nothing was learned of this span.
        """
        later: list[LabelledExcerpt] = []
        while len(self._labels) > 1:
            label = self._pop()
            if label.span == span:
                for kept in reversed(later):
                    self._push(kept)
                return
            later.append(label)
        for kept in reversed(later):
            self._push(kept)
        raise InputError(f"nothing was learned of {span.start_s:.3f} to {span.end_s:.3f} s")

    @one_blas_thread
    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        """The next excerpt by the query strategy that overlaps none of ``blocked``."""
        distances = self._distances()
        return self._first_open(rounded(self._wish(distances)), distances, blocked)

    @one_blas_thread
    def similarity(self, blocked: Sequence[Span], n_points: int) -> NDArray[np.float32]:  # noqa: ARG002
        """Resemblance over the sound, 0..1 [shape=(n,)]: 1 at no distance, 0 at the greatest."""
        distances = self._distances()
        alike = 1.0 - distances / max(float(distances.max()), 1e-12)
        best, _ = best_of_parts(alike, self._grid.parts(min(n_points, distances.size)))
        return np.clip(best, 0.0, 1.0)

    @one_blas_thread
    def near(self, time_s: float, blocked: Sequence[Span]) -> Proposal | None:
        """The nearest excerpt of those that begin within half an excerpt of ``time_s`` (``Surveying``)."""
        distances = self._distances()
        reach_s = max(self._grid.length_s / 2, 1.5 * float(self._grid.starts_s[-1]) / MOST_POINTS)
        far = np.abs(self._grid.starts_s - time_s) > reach_s
        return self._first_open(np.where(far, -np.inf, rounded(-distances)), distances, blocked)

    def _first_open(
        self, scores: NDArray[np.float64], distances: NDArray[np.float64], blocked: Sequence[Span]
    ) -> Proposal | None:
        """The excerpt with the best score that overlaps none of ``blocked``."""
        for start in self._grid.ranked(scores, blocked):
            span = self._grid.span(start)
            if not is_blocked(span, blocked, length_s=self._grid.length_s):
                p = self._probabilities(distances)
                left = remaining(np.where(self._grid.free(blocked), p, 0.0), excerpt_frames=self._n_frames)
                return Proposal(span, _score(distances[start]), round(float(p[start]), 6), left)
        return None

    @one_blas_thread
    def _push(self, label: LabelledExcerpt) -> None:
        self._labels.append(label)
        if label.positive:
            self._yes.push(label.start)
        elif self._query == "uncertainty":
            self._no.push(label.start)
        self._pairs.push(label.start, self._yes.profiles, positive=label.positive)

    def _pop(self) -> LabelledExcerpt:
        label = self._labels.pop()
        if label.positive:
            self._yes.pop()
        elif self._query == "uncertainty":
            self._no.pop()
        self._pairs.pop(positive=label.positive)
        return label

    def _distances(self) -> NDArray[np.float64]:
        """Distance of every start to the nearest positive over the selected rows."""
        if self._selected:
            evidence = Evidence(self._pairs.pairs(), np.array([label.positive for label in self._labels]))
            weights = row_weights(evidence, rule=self._selection, keep=self._selected, seed=self._seed)
            self._yes.weigh(weights)
            self._no.weigh(weights)
        return np.sqrt(self._yes.nearest())

    def _probabilities(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        slope, intercept = self._calibration
        middle = max(float(np.median(distances)), 1e-12)
        p: NDArray[np.float64] = scipy.special.expit(slope * distances / middle + intercept)
        return p

    def _wish(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the query strategy maximises."""
        if self._query == "random":
            return np.random.default_rng(self._seed).permutation(distances.size).astype(np.float64)
        if self._query == "uncertainty" and not all(label.positive for label in self._labels):
            return -np.abs(distances - np.sqrt(self._no.nearest()))
        return -distances


def _score(distance: float) -> float:
    return round(-float(distance), SCORE_DECIMALS) + 0.0  # no minus zero


def _whole(name: str, value: int, *, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number, at least {least}")
    if most is not None and value > most:
        raise InputError(f"{name} is {value!r}; it must be a whole number, at most {most}")
    return value


def _share(name: str, value: float, *, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= most:
        allowed = f"from 0 to {most:g}" if most < math.inf else "not below 0"
        raise InputError(f"{name} is {value!r}; it must be a number {allowed}")
    return float(value)


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise InputError(f"unknown {name} {value!r}; use one of {', '.join(known)}")
    return value


def remaining(p: NDArray[np.float64], *, excerpt_frames: int) -> float:
    """Expected number of occurrences among the open places: the sum over those that peak within an excerpt's reach.

    ``p`` [shape=(n_starts,), 0..1] holds 0 where a place is taken.
    """
    peaks = p == scipy.ndimage.maximum_filter1d(p, size=2 * (excerpt_frames // 2) + 1, mode="constant", cval=0.0)
    return float(np.round(p[peaks & (p > 0.0)].sum(), 3))
