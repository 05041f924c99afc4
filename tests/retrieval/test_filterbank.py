"""Mel bands and the Hann window are those of the libraries that take a second to load."""

import librosa
import numpy as np
import pytest
import scipy.signal

from reatrieve.retrieval.filterbank import hann, mel_bank


@pytest.mark.parametrize("n", [2, 511, 1024, 2048])
def test_the_window_is_scipys(n):
    np.testing.assert_allclose(hann(n), scipy.signal.get_window("hann", n), rtol=0, atol=1e-15)


@pytest.mark.parametrize(("equal_area", "norm"), [(True, "slaney"), (False, None)])
@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "n_bands", "low_hz", "high_hz"),
    [(22050, 2048, 128, 0.0, 11025.0), (22050, 1024, 64, 40.0, 11025.0), (48000, 4096, 40, 1500.0, 20000.0)],
)
def test_the_bands_are_librosas(rate_hz, n_fft, n_bands, low_hz, high_hz, equal_area, norm):
    ours = mel_bank(
        rate_hz=rate_hz, n_fft=n_fft, n_bands=n_bands, low_hz=low_hz, high_hz=high_hz, equal_area=equal_area
    )
    theirs = librosa.filters.mel(
        sr=rate_hz, n_fft=n_fft, n_mels=n_bands, fmin=low_hz, fmax=high_hz, norm=norm, dtype=np.float64
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * theirs.max())
