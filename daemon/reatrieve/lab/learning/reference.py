"""What the network should give, computed by torch from the shipped weights: the golden file of its test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (its name everywhere)

from reatrieve.retrieval.learned.bands import LEARNED_BANDS

__all__ = ["write_reference"]

_STRIDES = ((2, 2), (2, 1), (2, 1), (2, 1))
_N_FRAMES = 24


def write_reference(weights: Path, out: Path, *, seed: int = 7) -> None:
    """Write levels [shape=(LEARNED_BANDS, 2 n), float16] and the frames that the network makes of them (n of them)."""
    levels = np.random.default_rng(seed).standard_normal((LEARNED_BANDS, 2 * _N_FRAMES)).astype(np.float16)
    with np.load(weights) as data:
        layers = [
            tuple(torch.from_numpy(data[f"{kind}{k}"].astype(np.float32)) for kind in ("weight", "bias"))
            for k in range(7)
        ]
    x = torch.from_numpy(levels.astype(np.float32))[None, None]
    for (weight, bias), stride in zip(layers[:4], _STRIDES, strict=True):
        x = F.conv2d(x, weight, bias, stride, (weight.shape[2] // 2, weight.shape[3] // 2)).relu()
    x = x.flatten(1, 2)
    for weight, bias in layers[4:6]:
        x = F.conv1d(x, weight, bias, padding=weight.shape[2] // 2).relu()
    x = F.conv1d(x, *layers[6])
    np.savez_compressed(out, levels=levels, frames=x[0].numpy())
