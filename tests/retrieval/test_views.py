"""Tolerant views: each fast routine against its obvious slow twin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reatrieve.retrieval.default.views import CosineView, PooledView, Profiles, cepstral_rows, pooled_rows

N = 400


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def rows(rng):
    return (np.cumsum(rng.standard_normal((6, N)), axis=1) * 0.1 + rng.standard_normal((6, N))).astype(np.float32)


@pytest.mark.parametrize("n_frames", [1, 4, 30])
def test_the_cosine_view_is_a_cosine(rows, n_frames):
    like = CosineView(rows, n_frames).like(17)
    norms = np.array([np.linalg.norm(rows[:, t : t + n_frames]) for t in range(N - n_frames + 1)])
    norms = np.maximum(norms, 0.1 * np.median(norms))
    expected = [np.vdot(rows[:, 17 : 17 + n_frames], rows[:, t : t + n_frames]) for t in range(len(norms))]
    np.testing.assert_allclose(like, expected / (norms * norms[17]), atol=2e-5)


@pytest.mark.parametrize("n_frames", [2, 3, 7, 40])
def test_the_pooled_view_compares_standardised_means_and_deviations(rows, n_frames):
    like = PooledView(rows, n_frames).like(17)
    sums = np.concatenate([np.zeros((6, 1)), np.cumsum(rows, axis=1, dtype=float)], axis=1)
    starts = np.arange(N - n_frames + 1)

    def upto(edge):
        return np.array([np.interp(starts + edge, np.arange(N + 1), row) for row in sums])

    edges = np.linspace(0, n_frames, 4)
    parts = [(upto(b) - upto(a)) / (b - a) for a, b in itertools.pairwise(edges)]
    deviation = np.array([[row[t : t + n_frames].std() for t in starts] for row in rows.astype(float)])
    told = np.concatenate([*parts, deviation])
    told = (told - told.mean(axis=1, keepdims=True)) / told.std(axis=1, keepdims=True)
    told /= np.linalg.norm(told, axis=0)
    np.testing.assert_allclose(like, told[:, 17] @ told, atol=1e-4)


def test_an_excerpt_is_most_like_itself(rows):
    for view in (CosineView(rows, 12), PooledView(rows, 12)):
        like = view.like(100)
        assert like[100] == pytest.approx(1.0, abs=1e-4)
        assert like.argmax() == 100
        assert like.min() >= -1.0001


def test_a_profile_is_1_as_itself_and_0_in_the_middle(rows):
    profiles = Profiles({"one": CosineView(rows, 20)}, n_frames=20)
    values, nearby, spread = profiles.of("one", 100)
    assert values[100] == pytest.approx(1.0)
    assert np.median(values[::4]) == pytest.approx(0.0, abs=1e-6)
    assert spread == pytest.approx(values[::4].std())
    for t in (50, 99, 200):
        assert nearby[t] == values[max(0, t - 3) : t + 4].max()
    assert profiles.of("one", 100) is profiles.of("one", 100)


def test_the_level_does_not_count_in_the_cepstral_view(rng):
    cepstrum, onset = rng.standard_normal((20, N)), rng.random(N)
    louder = cepstrum.copy()
    louder[0] += np.linspace(0, 50, N)
    np.testing.assert_array_equal(cepstral_rows(cepstrum, onset), cepstral_rows(louder, onset))
    assert not np.array_equal(pooled_rows(cepstrum), pooled_rows(louder))


def test_a_constant_row_says_nothing():
    rows = pooled_rows(np.ones((20, N), np.float16))
    assert np.isfinite(PooledView(rows, 10).like(5)).all()
    assert np.isfinite(CosineView(cepstral_rows(np.ones((20, N)), np.zeros(N)), 10).like(5)).all()
