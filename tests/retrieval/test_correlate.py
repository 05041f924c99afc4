"""Blocked correlation against the obvious sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.retrieval.correlate import MapSpectra


def naive_profiles(templates, values, lead):
    """``out[m, t] = sum_r sum_u templates[m, r, u] values[r, t - lead + u]``, zeros outside."""
    n_frames = values.shape[1]
    out = np.zeros((len(templates), n_frames))
    for m, template in enumerate(templates):
        for t in range(n_frames):
            for u in range(template.shape[1]):
                if 0 <= t - lead + u < n_frames:
                    out[m, t] += template[:, u] @ values[:, t - lead + u]
    return out


def spectra(values, template_frames, lead=0, **bound):
    def read(first, last):
        assert 0 <= first < last <= values.shape[1]
        return values[:, first:last]

    return MapSpectra(
        read, n_rows=values.shape[0], n_frames=values.shape[1], template_frames=template_frames, lead=lead, **bound
    )


@given(
    n_frames=st.integers(1, 150),
    template_frames=st.integers(1, 60),
    lead=st.integers(0, 7),
    n_rows=st.integers(1, 4),
    cache_bytes=st.sampled_from([0, 3000, 1 << 24]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_profiles_equal_the_naive_sum(n_frames, template_frames, lead, n_rows, cache_bytes, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n_rows, n_frames)).astype(np.float32)
    templates = rng.standard_normal((2, n_rows, template_frames)).astype(np.float32)
    ours = spectra(values, template_frames, lead, cache_bytes=cache_bytes)
    expected = naive_profiles(templates, values, lead)
    np.testing.assert_allclose(ours.profiles(templates), expected, atol=1e-4)
    rows = ours.row_profiles(templates[0])
    np.testing.assert_allclose(rows.sum(axis=0), expected[0], atol=1e-4)
    for row in range(n_rows):
        alone = naive_profiles(templates[:1, row : row + 1], values[row : row + 1], lead)
        np.testing.assert_allclose(rows[row], alone[0], atol=1e-4)


@pytest.mark.parametrize("template_frames", [1, 43, 260, 1300])
def test_kept_spectra_or_not_makes_no_difference(template_frames):
    rng = np.random.default_rng(3)
    values = rng.standard_normal((8, 9000)).astype(np.float32)
    templates = rng.standard_normal((2, 8, template_frames)).astype(np.float32)
    kept = spectra(values, template_frames).profiles(templates)
    for cache_bytes in (0, 200_000):
        again = spectra(values, template_frames, cache_bytes=cache_bytes).profiles(templates)
        np.testing.assert_allclose(again, kept, atol=1e-3)
    np.testing.assert_array_equal(spectra(values, template_frames).profiles(templates), kept)


def test_nothing_to_correlate_is_refused():
    with pytest.raises(InputError, match="cannot correlate"):
        spectra(np.ones((1, 5), np.float32), 0)
