"""Any frame features on the grid of the mel map, so that the default retriever can take them in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.default.spectrum import N_BANDS
from reatrieve.retrieval.excerpt import HOP_S
from reatrieve.retrieval.stream import CHUNK_FRAMES

if TYPE_CHECKING:  # it loads librosa, which costs a second
    from reatrieve.retrieval.representations import Features

__all__ = ["mel_grid_chunks"]

_F32 = NDArray[np.float32]


def mel_grid_chunks(features: Features, *, n_frames: int) -> list[_F32]:
    """Average frame features over the cells of the mel map.

    Rows are spread evenly over the bands (neighbouring rows are taken to be alike, as the bins of a spectrum are),
    frames over the hops.

    Parameters
    ----------
    features : values [shape=(n_rows, m)] with any number of rows, at any hop.
    n_frames : frames wanted, ``HOP_S`` apart, the first centred at 0.

    Returns
    -------
    list of np.ndarray [shape=(N_BANDS, k), float32]
        ``n_frames`` frames in all, at most ``CHUNK_FRAMES`` each.
    """
    values = _shares(features.values.shape[0]) @ features.values
    # The integral of the features, frame t filling (t - 1/2 .. t + 1/2) * hop_s, read at the edges of our frames.
    integral = np.concatenate([np.zeros((N_BANDS, 1)), np.cumsum(values, axis=1, dtype=np.float64)], axis=1)
    edges = (np.arange(n_frames + 1) - 0.5) * HOP_S / features.hop_s + 0.5
    last = values.shape[1]
    edges = np.clip(edges, 0.0, last)
    whole = np.minimum(edges.astype(np.intp), last - 1)
    at_edges = integral[:, whole] + (edges - whole) * values[:, whole]
    width = np.diff(edges)
    beyond = width <= 0.0  # the features end before the audio does: the last frame stands
    means = np.diff(at_edges, axis=1) / np.where(beyond, 1.0, width)
    means[:, beyond] = values[:, -1:]
    out = means.astype(np.float32)
    return [np.ascontiguousarray(out[:, at : at + CHUNK_FRAMES]) for at in range(0, n_frames, CHUNK_FRAMES)]


def _shares(n_rows: int) -> _F32:
    """Share of each row in each band when both divide the same range evenly, shape (N_BANDS, n_rows), rows sum to 1."""
    bands = np.arange(N_BANDS + 1) / N_BANDS
    rows = np.arange(n_rows + 1) / n_rows
    low = np.maximum(bands[:-1, None], rows[None, :-1])
    high = np.minimum(bands[1:, None], rows[None, 1:])
    return np.asarray(np.maximum(high - low, 0.0) * N_BANDS, dtype=np.float32)
