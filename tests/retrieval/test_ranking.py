"""Templates, figures and judgement: each fast routine against its obvious slow twin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reatrieve.retrieval.default.background import BANDS_PER_CELL, LDA_NORM_FLOOR, LDA_RIDGE, Background, CoarseMap
from reatrieve.retrieval.default.calibration import (
    EXACT,
    INPUTS,
    TOLERANT,
    Answers,
    Judgement,
    Setting,
    relative,
    standing,
    surprise,
    tally,
)
from reatrieve.retrieval.default.constants import BENCHMARK
from reatrieve.retrieval.default.features import (
    ABSOLUTE,
    FIGURES,
    agreeing_salience,
    downsampled_salience,
    part_cosines,
)
from reatrieve.retrieval.default.ranking import _is_peak
from reatrieve.retrieval.default.template import agreement, learned_template, weighted_template
from reatrieve.retrieval.default.views import _greatest_within


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def unit(X):
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


def test_one_positive_weighs_every_cell_alike(rng):
    assert (agreement(unit(rng.random((1, 30)))) == 1.0).all()


def test_cells_weigh_by_how_far_the_accepted_agree(rng):
    X = rng.random((4, 30)).astype(np.float32)
    X[:, 0] = 0.7
    X[:, 1] = [0.9, 0.0, 0.0, 0.0]
    pairs = [X[i] * X[j] for i in range(4) for j in range(4) if i != j]
    expected = (np.mean(pairs, axis=0) / np.mean(X**2, axis=0)) ** 2
    np.testing.assert_allclose(agreement(X), expected, rtol=1e-4, atol=1e-6)
    assert agreement(X)[0] == pytest.approx(1.0, rel=1e-4)
    assert agreement(X)[1] == 0.0


def test_the_template_is_kernel_ridge_regression(rng):
    X = unit(rng.random((5, 40)))
    yes = np.array([True, False, True, True, False])
    T = unit(rng.random((7, 40)))
    expected = np.linalg.solve(X @ X.T + 0.1 * np.eye(5), np.where(yes, 1.0, -1.0)) @ X @ T.T
    template = learned_template(list(X), yes.tolist(), (X @ X.T).astype(float))
    np.testing.assert_allclose(T @ template, expected, atol=1e-4)


def test_among_the_accepted_alone_its_cells_are_weighted(rng):
    X = unit(rng.random((4, 40)))
    T = unit(rng.random((7, 40)))
    w = agreement(X)
    K = (X * w) @ X.T
    scale = K.diagonal().mean()
    expected = np.linalg.inv(K / scale + 0.1 * np.eye(4)) @ np.ones(4) @ (X * w) @ T.T / scale
    np.testing.assert_allclose(T @ weighted_template(X), expected, atol=1e-4)


def test_background_is_exemplar_lda(rng):
    V = np.abs(rng.standard_normal((32, 300))).astype(np.float32)
    n_frames = 12
    coarse = CoarseMap(lambda a, b: V[:, a:b], n_rows=32, map_frames=300, n_frames=n_frames)
    template = Background(coarse).template([40])

    def averaged(t):
        return V[:, t : t + n_frames].reshape(32 // BANDS_PER_CELL, BANDS_PER_CELL, n_frames).mean(axis=1).ravel()

    windows = np.stack([averaged(t) for t in range(300 - n_frames + 1)])
    norms = np.linalg.norm(windows, axis=1)
    windows = windows / np.maximum(norms, LDA_NORM_FLOOR * np.median(norms))[:, None]
    mean = windows.mean(axis=0)
    C = (windows - mean).T @ (windows - mean) / len(windows)
    ridge = LDA_RIDGE * ((windows - mean) ** 2).sum(axis=1).mean()
    expected = np.linalg.solve(C + ridge * np.eye(len(C)), windows[40] - mean)
    assert np.corrcoef(template.ravel(), expected)[0, 1] > 0.9999


@pytest.mark.parametrize("n_frames", [1, 3, 4, 9])
def test_downsampled_cells_are_means(rng, n_frames):
    R = rng.random((2, 8, n_frames)).astype(np.float32)
    cells = downsampled_salience(R)
    for i in range(2):
        for b in range(8):
            for f in range(cells.shape[2]):
                assert cells[i, b, f] == pytest.approx(R[i, b, 4 * f : 4 * f + 4].mean(), rel=1e-5)


def test_company_added_to_a_candidate_costs_nothing(rng):
    x = rng.random((1, 8, 10)).astype(np.float32)
    louder = x[0] + rng.random((8, 10)).astype(np.float32)
    missing = x[0].copy()
    missing[:4] = 0.0
    found = agreeing_salience(x, np.stack([x[0], louder, missing]))
    assert found[1] >= found[0] > found[2]
    assert 0.0 <= found.min() <= found.max() <= 1.0


def test_rare_cells_count_most():
    x = np.ones((1, 2, 1), np.float32)
    others = np.tile(np.array([[[1.0], [0.0]]], np.float32), (20, 1, 1))  # cell 0 is everywhere
    has_rare = np.array([[0.0], [1.0]], np.float32)
    found = agreeing_salience(x, np.concatenate([has_rare[None], others]))
    assert found[0] > 10 * found[1]


def test_part_cosines_are_cosines(rng):
    T = rng.random((6, 60)).astype(np.float32)
    Y = np.concatenate([T[None], rng.random((3, 6, 60))]).astype(np.float32)
    Y[1, :, 30:40] = 0.0
    onset, low = part_cosines(T, Y, np.einsum("nrt,nrt->nt", Y, Y))

    def cosine(a, b, y):
        return np.vdot(T[:, a:b], y[:, a:b]) / np.sqrt((T[:, a:b] ** 2).sum() * (y[:, a:b] ** 2).sum() + 1e-3)

    for i, y in enumerate(Y):
        parts = sorted(cosine(10 * j, 10 * j + 10, y) for j in range(6))
        assert onset[i] == pytest.approx(cosine(0, 6, y), abs=1e-4)
        assert low[i] == pytest.approx(np.mean(parts[1:3]), abs=1e-4)
    assert low[0] == pytest.approx(1.0, abs=1e-3)
    assert low[1] > 0.0  # the part that is silent is the worst


def test_one_frame_has_one_part(rng):
    T = rng.random((6, 1)).astype(np.float32)
    for figure in part_cosines(T, T[None], np.einsum("rt,rt->t", T, T)[None]):
        assert figure == pytest.approx([1.0], abs=1e-3)


def test_answers_are_counted_in_their_order():
    yes, no = True, False
    assert tally([yes]) == Answers(1, 0, 0)
    assert tally([yes, no, yes, no, no]) == Answers(2, 3, 2)
    assert [tally(answers).stage for answers in ([yes], [yes, yes], [yes, no], [yes, no, yes])] == [0, 1, 2, 2]


def test_figures_are_relative_to_the_shortlist_and_shares_stay(rng):
    figures = rng.random((60, len(FIGURES)))
    absolute = [FIGURES.index(name) for name in ABSOLUTE]
    others = [index for index in range(len(FIGURES)) if index not in absolute]
    changed = figures.copy()
    changed[:, others] = figures[:, others] * 7.0 - 1.0
    np.testing.assert_allclose(relative(changed), relative(figures), rtol=1e-3)
    np.testing.assert_allclose(np.median(relative(figures)[:, others], axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(relative(figures)[:, absolute], figures[:, absolute])


def test_the_fitted_constants_have_their_places():
    assert [len(row) for row in BENCHMARK.exact] == [len(names) for names in EXACT]
    assert [len(row) for row in BENCHMARK.tolerant] == [len(TOLERANT)] * 3
    assert [len(row) for row in BENCHMARK.probability] == [len(INPUTS) + 1] * 3
    assert [len(row) for row in BENCHMARK.surprise] == [3] * 3


def test_exactness_decides_which_model_orders(rng):
    figures = rng.random((30, len(FIGURES)))
    setting = Setting(Answers(1, 0, 0), exactness=2.0, trust=4.0, n_frames=40)
    exact = Judgement(BENCHMARK.exact, ((0.0,) * len(TOLERANT),) * 3, (), ())
    tolerant = Judgement(((0.0,) * len(EXACT[0]),), BENCHMARK.tolerant, (), ())
    orders = [np.argsort(judge.ranks(figures, setting)).tolist() for judge in (BENCHMARK, exact)]
    assert orders[0] == orders[1]
    anew = replace(setting, exactness=-1.0)
    orders = [np.argsort(judge.ranks(figures, anew)).tolist() for judge in (BENCHMARK, tolerant)]
    assert orders[0] == orders[1]


def test_the_gap_leaves_out_what_overlaps_the_best():
    ranks, starts = np.array([3.0, 2.9, 1.0, -1.0]), np.array([100, 104, 300, 400])
    np.testing.assert_allclose(standing(ranks, starts, n_frames=40)[:, 1], [2.0, -0.1, -2.0, -4.0])
    np.testing.assert_allclose(standing(ranks[:2], starts[:2], n_frames=40)[:, 1], [1.0, -0.1])


def test_surprise_weighs_answers_by_what_they_tell():
    assert surprise([]) == 0.0
    better, worse = surprise([(True, 0.4)] * 4), surprise([(False, 0.6)] * 4)
    assert better == -worse == pytest.approx(4 * 0.6 / (4 * 0.24 + 4.0))
    assert surprise([(True, 0.4)] * 4 + [(False, 0.6)] * 4) == pytest.approx(0.0)
    assert 0.0 < surprise([(True, 0.9)]) < surprise([(True, 0.5)])
    among_certain = surprise([(True, 0.4)] * 4 + [(True, 1.0)] * 20)
    assert among_certain == pytest.approx(better)


def test_surprise_approaches_the_offset_of_a_session(rng):
    odds = rng.normal(0.0, 1.0, 2000)
    said = rng.random(2000) < 1.0 / (1.0 + np.exp(-(odds + 0.3)))
    assert surprise([(bool(yes), 1.0 / (1.0 + np.exp(-o))) for yes, o in zip(said, odds, strict=True)]) == (
        pytest.approx(0.3, abs=0.12)
    )


def test_a_session_that_goes_worse_than_expected_is_less_sure():
    odds = np.array([0.0, 2.0])
    for stage in (1, 2):
        p = [BENCHMARK.probabilities(odds, surprised, stage=stage) for surprised in (-0.5, 0.0, 0.5)]
        assert (p[0] < p[1]).all()
        assert (p[1] < p[2]).all()


@pytest.mark.parametrize("n", [1, 2, 9, 300])
@pytest.mark.parametrize("reach", [0, 1, 3, 20])
def test_the_greatest_nearby_and_what_is_a_peak(rng, n, reach):
    scores = rng.integers(0, 6, n).astype(np.float32) - 9.0
    nearby = [scores[max(0, t - reach) : t + reach + 1].max() for t in range(n)]
    assert _greatest_within(scores, reach).tolist() == nearby
    places = np.flatnonzero(rng.random(n) < 0.7)
    if reach:
        assert _is_peak(scores, places, reach).tolist() == (scores[places] >= np.array(nearby)[places]).tolist()
