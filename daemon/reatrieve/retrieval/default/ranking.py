"""From labels to a judged shortlist: two linear templates rank the file, then a few figures weigh its best places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from reatrieve.retrieval.default.background import POOL_BANDS, Background, CoarseMap
from reatrieve.retrieval.default.calibration import Judgement, tally
from reatrieve.retrieval.default.features import agreeing_salience, part_cosines, pooled_salience
from reatrieve.retrieval.default.kernel import NORM_POWER, KernelMaps
from reatrieve.retrieval.default.spectrum import N_BANDS
from reatrieve.retrieval.default.template import learned_template, weighted_template
from reatrieve.retrieval.grid import Labelled

__all__ = ["Ranking", "Shortlist"]

LDA_SHARE = 0.6
"""Weight of the exemplar-LDA template before the first no."""
LDA_FADE = 0.25
"""What each no leaves of it: real negatives are better than assumed ones."""
NEIGHBOUR_FRAMES = 20
"""Two places of a shortlist are farther apart than this, or than a quarter of the excerpt."""
MOST_POSITIVES = 24
MOST_NEGATIVES = 16
"""Answers learned from: the example and the latest ones."""
KERNEL_POSITIVES = 8
KERNEL_NEGATIVES = 8
_DECIMALS = 5
_MEDIAN_STEP = 4
"""Neighbouring scores are alike: every fourth tells the middle."""

_MORE_ROWS = 32
_MOST_KNOWN = 4

_F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The best places for a question.

    Attributes
    ----------
    starts : np.ndarray [shape=(n,)]
        Grid places, best linear score first.
    figures : np.ndarray [shape=(n, len(FIGURES))]
    ranks, probabilities : np.ndarray [shape=(n,)]
    inputs : np.ndarray [shape=(n, k)]
        What the probabilities were computed from.
    stage : as in ``judgement.Answers``.
    order : indices, best first; equal ranks by time.
    """

    starts: NDArray[np.intp]
    figures: _F32
    ranks: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    inputs: NDArray[np.float64]
    stage: int
    order: list[int]


class Ranking:
    """Scores of one search. Keeps what it has computed for labels; that never changes a result."""

    def __init__(self, maps: KernelMaps) -> None:
        self._maps = maps
        self._coarse = CoarseMap(
            maps.frames,
            n_rows=2 * N_BANDS,
            map_frames=maps.n_starts + maps.n_frames - 1,
            n_frames=maps.n_frames,
        )
        self._background = Background(self._coarse)
        self._excerpts: dict[int, _F32] = {}
        self._known: dict[tuple[tuple[int, bool], ...], tuple[_F32, _F32, _F32]] = {}
        self._rows: dict[int, int] = {}
        self._inner = np.zeros((0, 0))

    def resemblance(self, start: int, starts: NDArray[np.intp]) -> _F32:
        """Kernel of the excerpt at ``start`` with those at ``starts``."""
        return np.asarray(self._coarse.kernels(np.array([start]), starts, self._coarse.windows(starts))[0])

    def shortlist(
        self,
        labels: Sequence[Labelled],
        free: NDArray[np.bool_],
        tight: NDArray[np.bool_],
        crowding: Callable[[NDArray[np.intp]], _F32],
        judgement: Judgement,
        *,
        size: int,
    ) -> Shortlist:
        """The ``size`` best places, judged: among the free ones, and such peaks as stand in the tight ones.

        ``crowding`` tells the figure ``tight`` of some starts.
        """
        ridge, lda, linear = self._known_linear(labels)
        apart = max(2, min(self._maps.n_frames // 4, NEIGHBOUR_FRAMES))
        starts = _peaks(linear, free | (tight & _is_peak(linear, apart)), size, apart)
        answers = tally([label.positive for label in labels])
        if not starts.size:
            empty = np.zeros(0)
            nothing = np.zeros((0, 0))
            return Shortlist(starts, nothing.astype(np.float32), empty, empty, nothing, answers.stage, [])
        evidence = self._figures(labels, starts)
        figures = np.column_stack([ridge[starts], lda[starts], *evidence, crowding(starts)])
        ranks = np.round(judgement.ranks(figures, stage=answers.stage), _DECIMALS)
        inputs = judgement.inputs(ranks, figures, answers)
        p = judgement.probabilities(inputs, stage=answers.stage)
        order = np.lexsort((starts, -ranks)).tolist()
        return Shortlist(starts, figures, ranks, p, inputs, answers.stage, order)

    def _known_linear(self, labels: Sequence[Labelled]) -> tuple[_F32, _F32, _F32]:
        """``_linear``, remembered for the latest questions: a skip leaves the labels as they are."""
        question = tuple((label.start, label.positive) for label in labels)
        scores = self._known.pop(question, None) or self._linear(labels)
        self._known[question] = scores
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return scores

    def _linear(self, labels: Sequence[Labelled]) -> tuple[_F32, _F32, _F32]:
        """Ridge, LDA and weighted score of every start."""
        used = _used(labels, MOST_POSITIVES, MOST_NEGATIVES)
        positives = [label.start for label in used if label.positive]
        cells = [self._excerpt(label.start) for label in used]
        # Weights and soft norms stand in for what nobody has said yet; the first no says it better.
        all_yes = all(label.positive for label in used)
        if all_yes and len(used) > 1:
            template = weighted_template(np.stack(cells))
        else:
            template = learned_template(cells, [label.positive for label in used], self._gram(used))
        power = NORM_POWER if all_yes else 1.0
        ridge = self._maps.scores(self._maps.template(template), norm_power=power)
        lda = self._maps.softened(self._coarse.profile(self._background.template(positives)), norm_power=power)
        for scores in (ridge, lda):
            middle = np.median(scores[::_MEDIAN_STEP])
            scores -= middle
            scores /= max(float(scores[positives].mean()), 1e-9)
        share = LDA_SHARE * LDA_FADE ** sum(not label.positive for label in labels)
        return ridge, lda, np.round((1 - share) * ridge + share * lda, _DECIMALS).astype(np.float32)

    def _gram(self, labels: Sequence[Labelled]) -> NDArray[np.float64]:
        """Inner products of the labelled excerpts, each computed once."""
        for start in {label.start for label in labels} - self._rows.keys():
            row = self._rows[start] = len(self._rows)
            if row == len(self._inner):
                self._inner = np.pad(self._inner, (0, row + _MORE_ROWS))
            x = self._excerpt(start)
            for other, column in self._rows.items():
                self._inner[row, column] = self._inner[column, row] = float(x @ self._excerpt(other))
        rows = [self._rows[label.start] for label in labels]
        return np.asarray(self._inner[np.ix_(rows, rows)])

    def _figures(self, labels: Sequence[Labelled], starts: NDArray[np.intp]) -> list[_F32]:
        coarse = self._coarse
        windows = coarse.windows(starts)
        used = _used(labels, KERNEL_POSITIVES, KERNEL_NEGATIVES)
        ours = np.array([label.start for label in used])
        yes = np.array([label.positive for label in used])
        K = coarse.kernels(ours, starts, windows)
        no = K[~yes].max(axis=0) if not yes.all() else np.zeros(len(starts), dtype=np.float32)
        accepted = coarse.windows(ours[yes])
        plus = N_BANDS // POOL_BANDS
        rare = agreeing_salience(pooled_salience(accepted[:, :plus]), pooled_salience(windows[:, :plus]))
        onset, worst, low = part_cosines(accepted.mean(axis=0), windows, coarse.energies(starts))
        return [rare, K[yes].min(axis=0), K[yes].mean(axis=0), no, onset, worst, low]

    def _excerpt(self, start: int) -> _F32:
        if start not in self._excerpts:
            self._excerpts[start] = self._maps.excerpt(start)
        return self._excerpts[start]


def _used(labels: Sequence[Labelled], most_positives: int, most_negatives: int) -> list[Labelled]:
    """The example and the latest answers, in answer order."""
    positives = [label for label in labels if label.positive]
    negatives = [label for label in labels if not label.positive]
    kept = {
        id(label) for label in (*positives[:1], *positives[1:][-(most_positives - 1) :], *negatives[-most_negatives:])
    }
    return [label for label in labels if id(label) in kept]


def _is_peak(scores: _F32, reach: int) -> NDArray[np.bool_]:
    """Where no score within ``reach`` is greater: the slope of a neighbour that was answered is no place of its own."""
    return np.asarray(scores >= scipy.ndimage.maximum_filter1d(scores, 2 * reach + 1, mode="nearest"))


def _peaks(scores: _F32, free: NDArray[np.bool_], size: int, apart: int) -> NDArray[np.intp]:
    """Places of the greatest free scores, best first, each more than ``apart`` from the others."""
    left = np.where(free, scores, -np.inf)
    found: list[int] = []
    while len(found) < size:
        best = int(np.argmax(left))
        if left[best] == -np.inf:
            break
        found.append(best)
        left[max(0, best - apart) : best + apart + 1] = -np.inf
    return np.array(found, dtype=np.intp)
