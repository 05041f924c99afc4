"""From labels to a judged shortlist: exact and tolerant views rank the audio, then a few figures weigh its best places.

A view is trusted as far as it proves itself: its trust is how far the best places, and with them the accepted ones
among each other, stand out of the audio in it, in deviations, but at least ``LEAST_TRUST``.

At the places that the exact view likes best, its trust over the Euclidean norm of the trusts of the exact, the cepstral
and the pooled view is the **exactness** of the search, 0..1: near 1 where exact copies come back, .58 (the root of 1/3)
where the sound stands out alike in all three, less where it stands out more in the tolerant ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import sdot

from reatrieve.retrieval.default.background import BANDS_PER_CELL, Background, CoarseMap
from reatrieve.retrieval.default.calibration import Judgement, Setting, standing, tally
from reatrieve.retrieval.default.features import agreeing_salience, downsampled_salience, part_cosines
from reatrieve.retrieval.default.kernel import NORM_POWER, KernelMaps
from reatrieve.retrieval.default.spectrum import N_BANDS
from reatrieve.retrieval.default.template import learned_template, weighted_template
from reatrieve.retrieval.default.views import Profile, Profiles, middle, spread
from reatrieve.retrieval.grid import LabelledExcerpt, best_of_parts
from reatrieve.retrieval.threads import side_by_side

__all__ = ["CEPSTRAL", "LEARNED", "POOLED", "Overview", "Ranking", "Shortlist"]

CEPSTRAL, POOLED, LEARNED = "cepstral", "pooled", "learned"
"""Names of the tolerant views."""

LDA_SHARE = 0.6
"""Weight of the exemplar-LDA template before the first no."""
LDA_FADE = 0.25
"""What each no leaves of it: real negatives are better than assumed ones."""
NO_SHARE = 0.6
"""What the mean resemblance with the rejected takes off that with the accepted, in a tolerant view (Rocchio)."""
TOLERANT_SHARE = 0.4
"""Weight of each tolerant view beside the exact one, where nothing says yet which can be trusted."""
BEST_PLACES = 3
"""Places that tell how far a view can be trusted; their mean counts as much as half as many accepted answers."""
LEAST_TRUST = 0.1
"""Deviations: a view that says nothing at the best places still counts a little."""
EXACT_PLACES, JOINT_PLACES, TRUSTED_PLACES, OWN_PLACES = 14, 24, 12, 6
"""Places of a shortlist: the best of the exact view, of all views alike, of all as they are trusted, and of each
tolerant view."""
NEIGHBOUR_FRAMES = 20
"""Two places of a shortlist are farther apart than this, or than a quarter of the excerpt."""
TEMPLATE_POSITIVES = 24
TEMPLATE_NEGATIVES = 16
"""Answers that the templates are learned from: the example and the latest ones."""
KERNEL_POSITIVES = 8
KERNEL_NEGATIVES = 8
"""Answers that tolerant views and figures compare with: the example and the latest ones."""
_DECIMALS = 5

LEARNED_BELOW = 0.85
"""The learned view is asked where the exactness is less: near-exact repeats do not need it."""
_BEYOND = (-1.0, 0.5)
"""The input ``like_yes`` is clipped to this range."""
_MORE_ROWS = 32
"""Rows by which the table of inner products grows, beside doubling."""
_MOST_KNOWN = 4
"""Questions whose ridge scores are kept."""

_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overview:
    """How all of the audio resembles what was accepted, in equal parts.

    Attributes
    ----------
    values : np.ndarray [shape=(n,), 0..1, 1 <= n <= MOST_POINTS]
        The best of each part; 0: as the middle of the audio, 1: as the accepted themselves.
    starts : np.ndarray [shape=(n,)]
        The grid place of each.
    """

    values: _F32
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, scores: _F32, positives: Sequence[int], edges: NDArray[np.intp]) -> Overview:
        """From a score for each grid place.

        Parameters
        ----------
        scores : np.ndarray [shape=(n_starts,)]
        positives : grid places of the accepted, at least one.
        edges : np.ndarray [shape=(n + 1,)]
            Grid places where the parts begin, and where the last one ends (``Grid.parts``).
        """
        best, starts = best_of_parts(scores, edges)
        centre = middle(scores)
        top = max(float(scores[list(positives)].mean()) - centre, 1e-9)
        return cls(np.clip((best - centre) / top, 0.0, 1.0).astype(np.float32), starts)


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The best places for a question.

    Attributes
    ----------
    starts : np.ndarray [shape=(n,), n > 0]
        Grid places.
    figures : np.ndarray [shape=(n, len(FIGURES))]
        See ``features``.
    setting : what they have in common.
    ranks : np.ndarray [shape=(n,)]
        As ``Judgement.ranks`` gives them, rounded to 1e-5.
    inputs : np.ndarray [shape=(n, len(INPUTS))]
        What the log odds are computed from.
    log_odds : np.ndarray [shape=(n,)]
        Of a yes, as in ``Judgement.log_odds``.
    order : indices, best first; equal ranks by time.
    trusted : np.ndarray [shape=(n_starts,)]
        All views as they are trusted.
    accepted : grid places of the accepted ones.
    """

    starts: NDArray[np.intp]
    figures: _F32
    setting: Setting
    ranks: _F64
    inputs: _F64
    log_odds: _F64
    order: list[int]
    trusted: _F32
    accepted: list[int]

    def curve(self, parts: NDArray[np.intp]) -> Overview:
        """What is trusted over all of the audio; few ask for it.

        Parameters
        ----------
        parts : np.ndarray [shape=(n + 1,)]
            Grid places where its parts begin, and where the last one ends (``Grid.parts``).
        """
        return Overview.of(self.trusted, self.accepted, parts)

    @property
    def stage(self) -> int:
        """As in ``calibration.Answers``."""
        return self.setting.answers.stage


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One tolerant view, as the answers so far see it.

    Attributes
    ----------
    curve : np.ndarray [shape=(n_starts,)]
        How far each start stands out, in deviations of the view.
    yes, no : np.ndarray [shape=(n_used, n_starts)]
        Resemblance with each accepted and each rejected excerpt, within reach.
    mutual : mean resemblance of different accepted excerpts; None while there is only one.
    spread : deviation of the view over the audio.
    """

    curve: _F32
    yes: list[_F32]
    no: list[_F32]
    mutual: float | None
    spread: float

    def like_yes(self, starts: NDArray[np.intp]) -> _F64:
        """Mean resemblance with the accepted; ``starts`` [shape=(n,)] are grid places, the result has their shape."""
        return np.asarray(np.mean([row[starts] for row in self.yes], axis=0, dtype=np.float64))

    def standing(self, starts: NDArray[np.intp]) -> _F64:
        """How far some starts stand out, within reach, in deviations of the view; shape (n,) in and out."""
        no = np.mean([row[starts] for row in self.no], axis=0, dtype=np.float64) if self.no else 0.0
        return np.asarray((self.like_yes(starts) - NO_SHARE * no) / self.spread)

    def trust(self, best: NDArray[np.intp]) -> float:
        """How far the view can be trusted, in deviations of it; ``best`` [shape=(n,)] are grid places."""
        return _trust(float(self.like_yes(best).mean()), self.mutual, len(self.yes), self.spread)


@dataclass(frozen=True, slots=True)
class _Scores:
    """Every start of the audio, as the answers so far score it.

    Attributes
    ----------
    ridge, lda : np.ndarray [shape=(n_starts,)]
        By either template: 0 in the middle of the audio, 1 at the accepted.
    linear : np.ndarray [shape=(n_starts,)]
        Both together: the exact view.
    ridge_spread : deviation of ``ridge`` over the audio.
    views : the tolerant views by name; the learned one joins them where it is asked.
    """

    ridge: _F32
    lda: _F32
    linear: _F32
    ridge_spread: float
    views: dict[str, _Evidence]

    def joint(self) -> _F32:
        """The exact view and all tolerant ones alike, before it is known which can be trusted."""
        tolerant = sum(view.curve * view.spread for view in self.views.values())
        return np.asarray(self.linear + np.float32(TOLERANT_SHARE) * tolerant)

    def weighed(self, trusts: _Trusts) -> _F32:
        """All views as they are trusted."""
        total: _F32 = self.ridge * np.float32(trusts.exact / self.ridge_spread)
        for name, view in self.views.items():
            total += view.curve * np.float32(trusts.tolerant[name])
        return total


@dataclass(frozen=True, slots=True)
class _Trusts:
    """How far each view can be trusted.

    Attributes
    ----------
    exact : of the exact view, in deviations over the audio, at least ``LEAST_TRUST``.
    tolerant : the same of each tolerant view by name; the learned one joins them where it is asked.
    exactness : 0..1, see the module.
    """

    exact: float
    tolerant: dict[str, float]
    exactness: float


class Ranking:
    """Scores of one search. Keeps what it has computed for labels; that never changes a result.

    Resemblance with the rejected is taken off that with the accepted, as in Rocchio's relevance feedback [1]_.

    Parameters
    ----------
    maps : of the exact view.
    coarse, background : of the same.
    profiles : of the tolerant views.

    References
    ----------
    .. [1] Rocchio, "Relevance feedback in information retrieval", in Salton (ed.), "The SMART Retrieval System", 1971.
    """

    def __init__(
        self,
        maps: KernelMaps,
        coarse: CoarseMap,
        background: Background,
        profiles: Profiles,
    ) -> None:
        self._maps = maps
        self._coarse = coarse
        self._background = background
        self._profiles = profiles
        self._excerpts: dict[int, _F32] = {}
        self._known: dict[tuple[tuple[int, bool], ...], _F32] = {}
        self._lda_inner: tuple[list[int], _F32] | None = None
        self._asks_learned = False
        self._rows: dict[int, int] = {}
        self._inner = np.zeros((0, 0))

    def resemblance(self, start: int, starts: NDArray[np.intp]) -> _F32:
        """Kernel of the excerpt at ``start`` with those at ``starts`` [shape=(n,)], all grid places; shape (n,)."""
        return np.asarray(self._coarse.kernels(np.array([start]), starts, self._coarse.windows(starts))[0])

    def shortlist(
        self,
        labels: Sequence[LabelledExcerpt],
        free: NDArray[np.bool_],
        tight: NDArray[np.bool_],
        crowding: Callable[[NDArray[np.intp]], _F32],
        judgement: Judgement,
        *,
        learned: Callable[[], bool],
        also: Sequence[int] = (),
    ) -> Shortlist | None:
        """The best places, judged: among the free ones, and such peaks as stand in the tight ones; None: there is none.

        Parameters
        ----------
        labels : the answers in their order, the example first.
        free, tight : np.ndarray [shape=(n_starts,)]
            Where an excerpt overlaps no answered one, and where it may be cut short at one (``Grid.free``).
        crowding : the figure ``tight`` of some starts; [shape=(n,)] gives [shape=(n,), 0..1].
        judgement : the fitted constants.
        learned : makes the learned view's profiles known and says whether there are any; asked only where they would
            count.
        also : places that come last, unless one of the best is nearer than places may be to each other.
        """
        used = _used(labels, KERNEL_POSITIVES, KERNEL_NEGATIVES)
        scores = self._score(labels, used)
        apart = max(2, min(self._maps.n_frames // 4, NEIGHBOUR_FRAMES))
        narrow = np.flatnonzero(tight & ~free)

        def peaks(values: _F32, size: int) -> NDArray[np.intp]:
            allowed = free.copy()
            allowed[narrow[_is_peak(values, narrow, apart)]] = True
            return _peaks(values, allowed, size, apart)

        exact, joint = peaks(scores.linear, EXACT_PLACES), peaks(scores.joint(), JOINT_PLACES)
        best = joint[:BEST_PLACES]
        if not best.size:
            return None
        trusts = self._trust_in_views(scores, used, exact[:BEST_PLACES] if exact.size else best, best)
        answers = tally([label.positive for label in labels])
        setting = Setting(answers, trusts.exactness, trusts.tolerant[POOLED], self._maps.n_frames)
        self._asks_learned = bool(answers.stage) and setting.exactness < LEARNED_BELOW and learned()
        if self._asks_learned:
            scores.views[LEARNED] = self._evidence(LEARNED, used)
            trusts.tolerant[LEARNED] = scores.views[LEARNED].trust(best)
        trusted = scores.weighed(trusts)
        own = [peaks(view.curve, OWN_PLACES) for view in scores.views.values()]
        last = np.array(also, dtype=np.intp)
        starts = _merged([exact, joint, peaks(trusted, TRUSTED_PLACES), *own, last], apart)
        figures = self._figures(scores, trusts, used, starts, crowding(starts))
        return self._judge(scores, used, starts, figures, trusted, setting, judgement)

    def _score(self, labels: Sequence[LabelledExcerpt], used: Sequence[LabelledExcerpt]) -> _Scores:
        """Score every start: by the ridge and the LDA template, and in the tolerant views that every question asks."""
        learned_from = _used(labels, TEMPLATE_POSITIVES, TEMPLATE_NEGATIVES)
        question = tuple((label.start, label.positive) for label in learned_from)
        # This thread makes many small numpy calls, the other a few long ones, so they seldom compete for the GIL.
        template, lda = side_by_side(
            lambda: None if question in self._known else self._template(learned_from), lambda: self._lda(learned_from)
        )
        views, ridge = side_by_side(
            lambda: self._views(used),
            lambda: self._known[question] if template is None else self._ridge(template, learned_from),
        )
        self._remember(question, ridge)
        share = LDA_SHARE * LDA_FADE ** sum(not label.positive for label in labels)
        linear = np.round((1 - share) * ridge + share * lda, _DECIMALS).astype(np.float32)
        return _Scores(ridge, lda, linear, spread(ridge), views)

    def _trust_in_views(
        self,
        scores: _Scores,
        used: Sequence[LabelledExcerpt],
        exact_best: NDArray[np.intp],
        best: NDArray[np.intp],
    ) -> _Trusts:
        """How far to trust each view: the exact one at the places that it likes best, tolerant ones at those of all."""
        yes = [label for label in used if label.positive]
        resemblance = float(scores.ridge[exact_best].mean())
        exact = _trust(resemblance, _mutual(self._gram(yes)), len(yes), scores.ridge_spread)
        tolerant = {name: view.trust(best) for name, view in scores.views.items()}
        there = [view.trust(exact_best) for view in scores.views.values()]
        return _Trusts(exact, tolerant, exact / float(np.linalg.norm([exact, *there])))

    def _judge(
        self,
        scores: _Scores,
        used: Sequence[LabelledExcerpt],
        starts: NDArray[np.intp],
        figures: _F64,
        trusted: _F32,
        setting: Setting,
        judgement: Judgement,
    ) -> Shortlist:
        """Order some places by their figures, and say how likely each is a yes."""
        ranks = np.round(judgement.ranks(figures, setting), _DECIMALS)
        order = np.lexsort((starts, -ranks)).tolist()
        inputs = self._inputs(starts, ranks, scores, setting)
        log_odds = judgement.log_odds(inputs, stage=setting.answers.stage)
        accepted = [label.start for label in used if label.positive]
        return Shortlist(starts, figures.astype(np.float32), setting, ranks, inputs, log_odds, order, trusted, accepted)

    def _views(self, used: Sequence[LabelledExcerpt]) -> dict[str, _Evidence]:
        """The tolerant views that every question asks."""
        views = {name: self._evidence(name, used) for name in (CEPSTRAL, POOLED)}
        if self._asks_learned:  # most likely it will be asked again: its profiles are known then
            for label in used:
                self._profiles.of(LEARNED, label.start)
        return views

    def _template(self, used: Sequence[LabelledExcerpt]) -> _F32:
        """Template for the ridge score; while there is no rejection and more than one yes, the weighted one."""
        cells = [self._excerpt(label.start) for label in used]
        # Weights and soft norms stand in for what nobody has said yet; the first no says it better.
        if len(used) > 1 and all(label.positive for label in used):
            return self._maps.template(weighted_template(np.stack(cells)))
        return self._maps.template(learned_template(cells, [label.positive for label in used], self._gram(used)))

    def _ridge(self, template: _F32, used: Sequence[LabelledExcerpt]) -> _F32:
        """Ridge score of every start."""
        return self._scaled(self._maps.inner(template), used)

    def _remember(self, question: tuple[tuple[int, bool], ...], ridge: _F32) -> None:
        """Keep the ridge scores of the latest questions: a skip leaves the labels as they are."""
        self._known.pop(question, None)
        self._known[question] = ridge
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _lda(self, used: Sequence[LabelledExcerpt]) -> _F32:
        """LDA score of every start. Its template knows the accepted only, so it is that of before after a no."""
        positives = [label.start for label in used if label.positive]
        if self._lda_inner is None or self._lda_inner[0] != positives:
            self._lda_inner = positives, self._coarse.profile(self._background.template(positives))
        return self._scaled(self._lda_inner[1], used)

    def _scaled(self, inner: _F32, used: Sequence[LabelledExcerpt]) -> _F32:
        """Inner products over the norms of the excerpts: 0 in the middle of the audio, 1 at the accepted."""
        scores = self._maps.softened(inner, norm_power=NORM_POWER if all(label.positive for label in used) else 1.0)
        scores -= np.float32(middle(scores))
        scores /= max(float(scores[[label.start for label in used if label.positive]].mean()), 1e-9)
        return scores

    def _gram(self, labels: Sequence[LabelledExcerpt]) -> NDArray[np.float64]:
        """Inner products of the labelled excerpts, each computed once."""
        for start in {label.start for label in labels} - self._rows.keys():
            row = self._rows[start] = len(self._rows)
            if row == len(self._inner):
                self._inner = np.pad(self._inner, (0, row + _MORE_ROWS))
            x = self._excerpt(start)
            for other, column in self._rows.items():
                # sdot keeps the GIL: short products by @ would each wait for the other thread.
                self._inner[row, column] = self._inner[column, row] = sdot(x, self._excerpt(other))
        rows = [self._rows[label.start] for label in labels]
        return np.asarray(self._inner[np.ix_(rows, rows)])

    def _figures(
        self,
        scores: _Scores,
        trusts: _Trusts,
        used: Sequence[LabelledExcerpt],
        starts: NDArray[np.intp],
        tight: _F32,
    ) -> _F64:
        """The ``FIGURES`` of some places, shape (n, len(FIGURES)); ``tight`` is given."""
        coarse = self._coarse
        windows = coarse.windows(starts)
        yes = np.array([label.start for label in used if label.positive])
        mean = coarse.kernels(yes, starts, windows).mean(axis=0)
        accepted = coarse.windows(yes)
        plus = N_BANDS // BANDS_PER_CELL
        rare = agreeing_salience(downsampled_salience(accepted[:, :plus]), downsampled_salience(windows[:, :plus]))
        onset, low = part_cosines(accepted.mean(axis=0), windows, coarse.energies(starts))
        told = [name for name in scores.views if name != CEPSTRAL]
        weights = np.array([trusts.tolerant[name] for name in told])
        weights /= np.linalg.norm([trusts.exact, *weights])
        tolerant = weights @ np.stack([scores.views[name].standing(starts) for name in told])
        return np.column_stack([scores.ridge[starts], scores.lda[starts], rare, mean, onset, low, tight, tolerant])

    def _evidence(self, name: str, used: Sequence[LabelledExcerpt]) -> _Evidence:
        yes = [self._profiles.of(name, label.start) for label in used if label.positive]
        no = [self._profiles.of(name, label.start) for label in used if not label.positive]
        own_spread = float(np.mean([profile.spread for profile in yes]))
        curve = _mean(yes)
        if no:
            curve -= np.float32(NO_SHARE) * _mean(no)
        curve /= np.float32(own_spread)
        starts = [label.start for label in used if label.positive]
        mutual = _mutual(np.array([profile.nearby[starts] for profile in yes], dtype=np.float64))
        return _Evidence(curve, [one.nearby for one in yes], [one.nearby for one in no], mutual, own_spread)

    def _inputs(
        self,
        starts: NDArray[np.intp],
        ranks: _F64,
        scores: _Scores,
        setting: Setting,
    ) -> _F64:
        """What the log odds are computed from, one row a candidate."""
        ridge, pooled = scores.ridge[starts], scores.views[POOLED]
        like_yes = pooled.like_yes(starts)
        unlike_no = (
            like_yes - np.maximum(np.max([row[starts] for row in pooled.no], axis=0), 0.0) if pooled.no else None
        )
        beyond = np.clip(like_yes - pooled.mutual, *_BEYOND) if pooled.mutual is not None else None
        answers, nothing = setting.answers, np.zeros(len(starts))
        alike = (
            setting.trust,
            np.log(answers.n_positive),
            np.log1p(answers.n_negative),
            np.log1p(answers.n_running),
        )
        return np.column_stack(
            [
                standing(ranks, starts, n_frames=self._maps.n_frames),
                ridge / scores.ridge_spread,
                like_yes / pooled.spread,
                ridge,
                nothing if unlike_no is None else unlike_no,
                nothing if beyond is None else beyond,
                *(np.full(len(starts), value) for value in alike),
            ]
        ).astype(np.float64)

    def _excerpt(self, start: int) -> _F32:
        if start not in self._excerpts:
            self._excerpts[start] = self._maps.excerpt(start)
        return self._excerpts[start]


def _used(labels: Sequence[LabelledExcerpt], most_positives: int, most_negatives: int) -> list[LabelledExcerpt]:
    """The example and the latest answers, in answer order."""
    positives = [label for label in labels if label.positive]
    negatives = [label for label in labels if not label.positive]
    kept = {
        id(label) for label in (*positives[:1], *positives[1:][-(most_positives - 1) :], *negatives[-most_negatives:])
    }
    return [label for label in labels if id(label) in kept]


def _mean(profiles: Sequence[Profile]) -> _F32:
    """Mean of the values of profiles at each start; summed in place, which takes a third of stacking them first."""
    total: _F32 = profiles[0].values.copy()
    for profile in profiles[1:]:
        total += profile.values
    total /= np.float32(len(profiles))
    return total


def _is_peak(scores: _F32, places: NDArray[np.intp], reach: int) -> NDArray[np.bool_]:
    """Whether no score within ``reach`` of a place is greater: the slope of a neighbour that was answered is no place
    of its own."""
    last = len(scores) - 1
    own = scores[places]
    peak = (own >= scores[np.maximum(places - 1, 0)]) & (own >= scores[np.minimum(places + 1, last)])
    likely = places[peak]  # few: the others need not be looked at farther off
    around = np.clip(likely + np.arange(-reach, reach + 1)[:, None], 0, last)
    peak[peak] = scores[likely] >= scores[around].max(axis=0)
    return np.asarray(peak)


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


def _trust(resemblance: float, mutual: float | None, n_positive: int, spread: float) -> float:
    """How far the best places, and the accepted ones among each other, stand out of the audio, in deviations."""
    trust = max(resemblance, 0.0)
    if mutual is not None:
        others = n_positive - 1
        trust = (BEST_PLACES / 2 * trust + others * mutual) / (BEST_PLACES / 2 + others)
    return max(trust / spread, LEAST_TRUST)


def _mutual(K: _F64) -> float | None:
    """Mean of a square matrix off its diagonal; None for a single excerpt."""
    n = len(K)
    return float((K.sum() - np.trace(K)) / (n * (n - 1))) if n > 1 else None


def _merged(candidates: Sequence[NDArray[np.intp]], apart: int) -> NDArray[np.intp]:
    """Places of several lists, those of earlier lists first, each more than ``apart`` from the others."""
    places = np.concatenate(candidates)
    near = np.zeros(int(places.max()) + apart + 1, dtype=bool)
    found: list[int] = []
    for place in places.tolist():
        if not near[place]:
            found.append(place)
            near[max(0, place - apart) : place + apart + 1] = True
    return np.array(found, dtype=np.intp)
