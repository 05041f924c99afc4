"""Frame features on the grid of the mel map, against an average taken cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from reatrieve.retrieval.default.mel_grid import mel_grid_chunks
from reatrieve.retrieval.default.spectrum import N_BANDS
from reatrieve.retrieval.excerpt import HOP_S
from reatrieve.retrieval.representations import Features


def averaged(values: np.ndarray, hop_s: float, n_frames: int) -> np.ndarray:
    return np.concatenate(mel_grid_chunks(Features(values.astype(np.float32), hop_s), n_frames=n_frames), axis=1)


def _slow(values: np.ndarray, hop_s: float, n_frames: int, fine: int = 400) -> np.ndarray:
    """Looks features up at many points of each cell and averages."""
    out = np.zeros((N_BANDS, n_frames))
    rows = np.minimum(((np.arange(N_BANDS * fine) + 0.5) / (N_BANDS * fine) * len(values)).astype(int), len(values) - 1)
    by_band = values[rows].reshape(N_BANDS, fine, -1).mean(axis=1)
    for t in range(n_frames):
        at = (t - 0.5 + (np.arange(fine) + 0.5) / fine) * HOP_S / hop_s + 0.5
        at = at[(at >= 0) & (at < values.shape[1])].astype(int)
        out[:, t] = by_band[:, at].mean(axis=1) if at.size else by_band[:, -1]
    return out


@pytest.mark.parametrize("n_rows", [264, 128, 5])
@pytest.mark.parametrize("hop_s", [HOP_S / 2, HOP_S, 0.031])
def test_agrees_with_looking_up_every_point(n_rows, hop_s):
    values = np.random.default_rng(0).random((n_rows, 60))
    n_frames = int(60 * hop_s / HOP_S) + 3
    np.testing.assert_allclose(averaged(values, hop_s, n_frames), _slow(values, hop_s, n_frames), atol=0.02)


def test_the_grid_itself_passes_unchanged():
    values = np.random.default_rng(1).random((N_BANDS, 700))
    np.testing.assert_allclose(averaged(values, HOP_S, 700), values, atol=1e-5)


def test_features_that_end_early_are_held():
    values = np.ones((3, 10)) * np.arange(10)
    assert averaged(values, HOP_S, 14)[:, -1] == pytest.approx(9.0)
