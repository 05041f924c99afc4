"""Streamed mel power equals librosa's, however the audio is cut."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.retrieval.default.spectrum import N_BANDS, mel_power
from reatrieve.retrieval.excerpt import HOP, N_FFT, frame_count
from reatrieve.retrieval.stream import CHUNK_FRAMES, checked, frame_chunks

NOISE = np.random.default_rng(5).standard_normal(700_000).astype(np.float32)


def cut(y, sizes):
    """``y`` in blocks of the given sizes, over and over."""
    first, turn = 0, 0
    while first < y.size:
        size = sizes[turn % len(sizes)]
        yield y[first : first + size]
        first += size
        turn += 1


def mel(y, sizes):
    return np.concatenate(list(mel_power(cut(y, sizes), n_samples=y.size)), axis=1)


@pytest.mark.parametrize(
    "n_samples",
    [
        N_FFT,
        N_FFT + 1,
        10 * HOP - 1,
        10 * HOP,
        CHUNK_FRAMES * HOP,
        CHUNK_FRAMES * HOP + 1,
        CHUNK_FRAMES * HOP + 600,
        600_000,
    ],
)
def test_mel_power_is_librosas(n_samples):
    y = 0.1 * NOISE[:n_samples]
    ours = mel(y, [n_samples])
    theirs = librosa.feature.melspectrogram(y=y, sr=22050)
    assert ours.shape == theirs.shape == (N_BANDS, frame_count(n_samples))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-6 * theirs.max())


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=4), st.integers(N_FFT, 60_000))
@settings(max_examples=25)
def test_block_sizes_do_not_matter_to_the_last_bit(sizes, n_samples):
    if min(sizes) < 50:
        sizes = [*sizes, 5000]
    y = NOISE[:n_samples]
    np.testing.assert_array_equal(mel(y, sizes), mel(y, [n_samples]))


def test_every_window_is_the_padded_signal_there():
    y = np.arange(1, 5001, dtype=np.float32)
    padded = np.pad(y, N_FFT // 2)
    windows = np.concatenate([chunk.copy() for chunk in frame_chunks(cut(y, [777]), n_samples=y.size)])
    expected = np.stack([padded[t * HOP : t * HOP + N_FFT] for t in range(frame_count(y.size))])
    np.testing.assert_array_equal(windows, expected)


@pytest.mark.parametrize(
    ("blocks", "n_samples", "says"),
    [
        ([NOISE[:100]], 100, "too short"),
        ([], 0, "too short"),
        ([np.zeros(5000, np.float32)], 5000, "silent"),
        ([NOISE[:3000], np.array([np.nan] * 100, np.float32)], 3100, "NaN or infinity at 0.136 s"),
        ([np.array([1.0, np.inf] * 2000, np.float32)], 4000, "NaN or infinity at 0.000 s"),
        ([NOISE[:5000].reshape(-1, 2)], 5000, "mono"),
        ([NOISE[:5000]], 5001, "but 5000 came"),
        ([NOISE[:5000], NOISE[:5000]], 5001, "but more came"),
    ],
)
def test_what_cannot_be_analysed_is_said(blocks, n_samples, says):
    with pytest.raises(InputError, match=says):
        list(checked(blocks, n_samples=n_samples))
