"""Salience maps: whitening, blur and its adjoint, window norms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from reatrieve.retrieval.default.background import BANDS_PER_CELL, CoarseMap
from reatrieve.retrieval.default.kernel import NORM_POWER, KernelMaps, window_norms
from reatrieve.retrieval.default.spectrum import (
    BLUR_RADIUS,
    CLIP,
    N_BANDS,
    blurred,
    blurred_adjoint,
    log_mel,
    map_energy,
    rectified,
    whitening,
)


@pytest.fixture(scope="module")
def whitened():
    rng = np.random.default_rng(2)
    W = scipy.ndimage.gaussian_filter(rng.standard_normal((N_BANDS, 1100)), 1.0)
    return (W / W.std()).astype(np.float16)


def naive_maps(whitened):
    """R+-, and B+- by scipy, zeros before and after the file."""
    R = [np.clip(sign * whitened.astype(np.float64), 0, CLIP) for sign in (1, -1)]
    B = []
    for one in R:
        over_bands = scipy.ndimage.gaussian_filter1d(one, 1.5, axis=0, mode="reflect")
        B.append(scipy.ndimage.gaussian_filter1d(over_bands, 1.5, axis=1, mode="constant"))
    return np.concatenate(R), np.concatenate(B)


def test_whitened_bands_have_unit_covariance():
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((N_BANDS, N_BANDS)) + 3 * np.eye(N_BANDS)
    X = (mixing @ rng.standard_normal((N_BANDS, 6000)) + 5.0).astype(np.float32)
    mean, whitener = whitening([X[:, :1000], X[:, 1000:]])
    np.testing.assert_allclose(mean[:, 0], X.mean(axis=1), rtol=1e-4)
    C = np.cov(X, bias=True)
    C = 0.9 * C + 0.1 * np.trace(C) / N_BANDS * np.eye(N_BANDS)
    np.testing.assert_allclose(whitener @ C @ whitener, np.eye(N_BANDS), atol=2e-3)
    np.testing.assert_allclose(whitener, whitener.T, atol=1e-5)


def test_a_constant_sound_can_be_whitened():
    mean, whitener = whitening([np.full((N_BANDS, 50), -3.0, np.float32)])
    assert np.isfinite(whitener).all()
    assert np.allclose(mean, -3.0)


def test_log_mel_is_floored_by_the_greatest_power_of_all_chunks():
    chunks = [np.zeros((N_BANDS, 2), np.float32), np.full((N_BANDS, 3), 2.0, np.float32)]
    log_mel(chunks)
    assert np.allclose(chunks[0], np.log(2e-6))
    assert np.allclose(chunks[1], np.log(2.0))


def test_blur_and_energy_equal_the_naive_maps(whitened):
    R, B = naive_maps(whitened)
    np.testing.assert_allclose(rectified(whitened), R, atol=1e-6)
    ours = blurred(rectified(whitened))[:, BLUR_RADIUS:-BLUR_RADIUS]
    np.testing.assert_allclose(ours, B, atol=1e-5)
    expected = [(R**2).sum(axis=0), (B[:N_BANDS] ** 2).sum(axis=0), (B[N_BANDS:] ** 2).sum(axis=0)]
    np.testing.assert_allclose(map_energy(whitened), expected, rtol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 5, 511, 512, 513, 517, 518, 519, 1030])
def test_energy_at_every_chunk_boundary(whitened, n_frames):
    _, B = naive_maps(whitened[:, :n_frames])
    np.testing.assert_allclose(map_energy(whitened[:, :n_frames])[1], (B[:N_BANDS] ** 2).sum(axis=0), rtol=1e-4)


def test_the_adjoint_is_the_adjoint():
    rng = np.random.default_rng(1)
    R = rng.standard_normal((2 * N_BANDS, 40)).astype(np.float32)
    X = rng.standard_normal((2 * N_BANDS, 40 + 2 * BLUR_RADIUS)).astype(np.float32)
    padded = np.pad(R, ((0, 0), (2 * BLUR_RADIUS, 2 * BLUR_RADIUS)))
    assert np.vdot(X, blurred(R)) == pytest.approx(np.vdot(blurred_adjoint(X), padded), rel=1e-4)


def naive_norms(V, n_frames):
    n_starts = V.shape[1] - n_frames + 1
    norms = np.array([np.linalg.norm(V[:, t : t + n_frames]) for t in range(n_starts)])
    return np.maximum(norms, 0.1 * np.median(norms))


@pytest.mark.parametrize(("start", "n_frames"), [(0, 60), (300, 60), (1040, 60), (3, 1), (500, 590), (0, 1100)])
def test_scores_equal_the_naive_kernel(whitened, start, n_frames):
    maps = KernelMaps(whitened, map_energy(whitened), n_frames)
    R, B = naive_maps(whitened)
    norms = [naive_norms(V, n_frames) for V in (R, B)]
    share = np.sqrt(np.prod([e / np.median(e) for e in norms], axis=0)) ** NORM_POWER
    k = np.zeros(maps.n_starts)
    for V, e in zip((R, B), norms, strict=True):
        inner = [np.vdot(V[:, start : start + n_frames], V[:, t : t + n_frames]) for t in range(maps.n_starts)]
        k += 0.5 * np.array(inner) / (e[start] * np.median(e) * share)
    np.testing.assert_allclose(maps.softened(maps.inner(maps.template(maps.excerpt(start)))), k, atol=5e-5)
    np.testing.assert_allclose(maps.softened(np.ones(maps.n_starts, dtype=np.float32)), 1 / share, rtol=1e-4)


@pytest.mark.parametrize(("start", "n_frames"), [(0, 60), (300, 60), (3, 1), (0, 1100)])
def test_the_coarse_map_is_the_map_in_coarse_bands(whitened, start, n_frames):
    R, _ = naive_maps(whitened)
    coarse = CoarseMap(
        lambda first, last: rectified(whitened[:, first:last]),
        n_rows=2 * N_BANDS,
        map_frames=R.shape[1],
        n_frames=n_frames,
    )
    V = R.reshape(2 * N_BANDS // BANDS_PER_CELL, BANDS_PER_CELL, -1).mean(axis=1)
    np.testing.assert_allclose(coarse.values, V, atol=1e-6)
    e = naive_norms(V, n_frames)
    soft = e**NORM_POWER * np.median(e) ** (1 - NORM_POWER)
    one = V[:, start : start + n_frames]
    profile = [np.vdot(one, V[:, t : t + n_frames]) for t in range(R.shape[1] - n_frames + 1)]
    np.testing.assert_allclose(coarse.profile(one.astype(np.float32)), profile, atol=1e-4 * max(profile))
    starts = np.unique(np.linspace(0, R.shape[1] - n_frames, 9).astype(int))
    windows = coarse.windows(starts)
    for row, t in enumerate(starts):
        np.testing.assert_allclose(windows[row], V[:, t : t + n_frames], atol=1e-6)
        np.testing.assert_allclose(coarse.energies(starts)[row], (windows[row] ** 2).sum(axis=0), rtol=1e-4)
        expected = np.vdot(V[:, start : start + n_frames], windows[row]) / (e[start] * soft[t])
        assert coarse.kernels(np.array([start]), starts, windows)[0, row] == pytest.approx(expected, abs=1e-4)


def test_silence_has_a_floored_norm():
    energy = np.array([4.0] * 50 + [0.0] * 20)
    norms = window_norms(energy, 5)
    assert norms.shape == (66,)
    assert norms[-1] == pytest.approx(0.1 * np.sqrt(20.0))
