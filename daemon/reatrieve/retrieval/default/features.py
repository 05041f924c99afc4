"""What speaks for each candidate of a shortlist: a few figures that a small model weighs against each other.

The linear scores rank all of the audio cheaply; these figures are not linear, so only the best places are asked for
them.

====== ===============================================================================================================
name   meaning
====== ===============================================================================================================
ridge  score of the learned template (1: as the accepted excerpts themselves)
lda    score of the exemplar-LDA template, same scale
rare   share of the accepted excerpts' salience that is there too, cells that few candidates have counting most
mean   mean kernel with the accepted excerpts
onset  cosine over the first ``ONSET_FRAMES`` frames
low    mean of the cosines over the second and third worst of the ``COSINE_PARTS`` parts of the excerpt
tight  share of the excerpt that an answered neighbour covers
====== ===============================================================================================================

The eighth, ``tolerant``, comes from the tolerant views (``views``, ``ranking``): how far the excerpt stands out in
each of them, weighed by how far each can be trusted here.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

__all__ = ["ABSOLUTE", "FIGURES", "agreeing_salience", "downsampled_salience", "part_cosines"]

FIGURES = ("ridge", "lda", "rare", "mean", "onset", "low", "tight", "tolerant")
ABSOLUTE = ("tight", "tolerant")
"""Figures that mean the same in every shortlist; the others are taken relative to it."""
ONSET_FRAMES = 6
"""Frames that the figure ``onset`` compares."""
COSINE_PARTS = 6
"""Equal parts of an excerpt of which the figure ``low`` takes the second and third worst."""
FRAMES_PER_CELL = 4
"""Frames of salience that are averaged into one for the figure ``rare``."""
RARITY_COHORT = 60
"""The best candidates, among which a cell is rare or not."""
_CELL_FLOOR = 0.05
_ENERGY_FLOOR = 1e-3

_F32 = NDArray[np.float32]


def downsampled_salience(R_plus: _F32) -> _F32:
    """R+ in cells of ``FRAMES_PER_CELL`` frames, each cell the mean; the last may be shorter.

    Parameters
    ----------
    R_plus : np.ndarray [shape=(n, n_bands, n_frames), >= 0]

    Returns
    -------
    np.ndarray [shape=(n, n_bands, ceil(n_frames / FRAMES_PER_CELL))]
    """
    whole = R_plus.shape[-1] // FRAMES_PER_CELL * FRAMES_PER_CELL
    cells = sum(R_plus[..., frame:whole:FRAMES_PER_CELL] for frame in range(FRAMES_PER_CELL)) / np.float32(
        FRAMES_PER_CELL
    )
    if whole < R_plus.shape[-1]:
        cells = np.concatenate([cells, R_plus[..., whole:].mean(axis=-1, keepdims=True)], axis=-1)
    return np.asarray(cells, dtype=np.float32)


def agreeing_salience(positives: _F32, candidates: _F32) -> _F32:
    """How much of what the accepted excerpts share is in each candidate, rare cells counting most; 0..1.

    Parameters
    ----------
    positives : np.ndarray [shape=(n_positives, bands, frames)]
    candidates : np.ndarray [shape=(n, bands, frames)]
        Both as ``downsampled_salience`` gives them.

    Returns
    -------
    np.ndarray [shape=(n,)]
        ``sum_c w_c min(y_c / x_c, 1)`` with x the least of the accepted and ``w_c`` growing with x_c and with the
        rarity of the cell among the candidates. Extra energy never counts against a candidate: company adds.
    """
    x = positives.min(axis=0)
    there = np.minimum(candidates / (x + np.float32(_CELL_FLOOR)), np.float32(1.0))
    w = x / np.square(there[:RARITY_COHORT].mean(axis=0) + np.float32(_CELL_FLOOR))
    w /= max(float(w.sum()), 1e-9)
    return np.asarray(np.einsum("nbf,bf->n", there, w), dtype=np.float32)


def part_cosines(template: _F32, candidates: _F32, energies: _F32) -> tuple[_F32, _F32]:
    """Cosines over pieces of time: the onset, and the mean of the second and third worst part.

    Parameters
    ----------
    template : np.ndarray [shape=(n_rows, n_frames)]
    candidates : np.ndarray [shape=(n, n_rows, n_frames)]
    energies : np.ndarray [shape=(n, n_frames), >= 0]
        Energy of each candidate's frames.

    Returns
    -------
    onset, low : np.ndarray [shape=(n,), 0..1]
        Salience is nowhere negative, so no cosine is.
    """
    n_frames = template.shape[1]
    inner = np.einsum("nrt,rt->nt", candidates, template)
    own = np.einsum("rt,rt->t", template, template)

    def cosine(first: int, last: int) -> _F32:
        product = energies[:, first:last].sum(axis=1) * own[first:last].sum()
        return np.asarray(inner[:, first:last].sum(axis=1) / np.sqrt(product + _ENERGY_FLOOR), dtype=np.float32)

    edges = np.linspace(0, n_frames, min(COSINE_PARTS, n_frames) + 1).astype(int)
    parts = np.sort(np.stack([cosine(a, b) for a, b in itertools.pairwise(edges)]), axis=0)
    low = parts[1:3].mean(axis=0) if len(parts) > 1 else parts[0]
    return cosine(0, min(ONSET_FRAMES, n_frames)), low
