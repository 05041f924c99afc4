"""The network while it learns (torch), and the weights that it leaves for the product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reatrieve.retrieval.excerpt import HOP_S
from reatrieve.retrieval.learned.bands import LEARNED_BANDS
from reatrieve.retrieval.learned.network import N_VALUES

__all__ = ["described", "frames_of", "heard", "new_network", "save_weights", "weights_of"]

_CHANNELS = (24, 48, 64, 96)
_HIDDEN = 192


def new_network() -> nn.Sequential:
    """Untrained: (batch, 1, LEARNED_BANDS, 2 T) band levels to (batch, N_VALUES, T) frames."""
    layers: list[nn.Module] = []
    n_in = 1
    kernels = (((5, 5), (2, 2)), ((3, 3), (2, 1)), ((3, 3), (2, 1)), ((3, 1), (2, 1)))
    for n_out, (kernel, stride) in zip(_CHANNELS, kernels, strict=True):
        padding = (kernel[0] // 2, kernel[1] // 2)
        layers += [
            nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        ]
        n_in = n_out
    layers.append(nn.Flatten(1, 2))
    n_in *= LEARNED_BANDS // 16
    for size in (1, 3):
        layers += [
            nn.Conv1d(n_in, _HIDDEN, size, padding=size // 2, bias=False),
            nn.BatchNorm1d(_HIDDEN),
            nn.ReLU(inplace=True),
        ]
        n_in = _HIDDEN
    layers.append(nn.Conv1d(n_in, N_VALUES, 1))
    return nn.Sequential(*layers)


def heard(levels: torch.Tensor) -> torch.Tensor:
    """Band levels (batch, LEARNED_BANDS, n) as the network takes them: each band with mean 0 and deviation about 1."""
    centred = levels - levels.mean(dim=2, keepdim=True)
    return (centred / (centred.std(dim=2, keepdim=True, correction=0) + 0.5))[:, None]


def frames_of(network: nn.Sequential, levels: torch.Tensor) -> torch.Tensor:
    """Frames (batch, N_VALUES, n / 2), each row with mean 0 and deviation 1 over the scene."""
    out = network(heard(levels))
    if network.training:
        out = nn.functional.dropout1d(out, 0.1)
    out = out - out.mean(dim=2, keepdim=True)
    scaled: torch.Tensor = out / (out.std(dim=2, keepdim=True, correction=0) + 1e-3)
    return scaled


def described(frames: torch.Tensor, scene: torch.Tensor, spans_s: torch.Tensor, *, n_parts: int) -> torch.Tensor:
    """Excerpts as ``reatrieve.retrieval.learned.parts`` describes them.

    Parameters
    ----------
    frames : (batch, N_VALUES, n_frames).
    scene : (n,) which scene each excerpt is of.
    spans_s : (n, 2) where it begins and ends.

    Returns
    -------
    torch.Tensor
        (n, N_VALUES * n_parts), each of length 1.
    """
    sums = torch.cat([torch.zeros_like(frames[:, :, :1]), frames.cumsum(dim=2)], dim=2).transpose(1, 2)
    share = torch.linspace(0, 1, n_parts + 1)
    edges = spans_s[:, :1] + (spans_s[:, 1:] - spans_s[:, :1]) * share
    edges = (edges / HOP_S + 0.5).clamp(0, frames.shape[2] - 1e-3)
    whole = edges.floor().long()
    part = (edges - whole)[..., None]
    at_edges = sums[scene[:, None], whole] * (1 - part) + sums[scene[:, None], whole + 1] * part
    width = (edges[:, 1:] - edges[:, :-1]).clamp(min=0.05)[..., None]
    means = ((at_edges[:, 1:] - at_edges[:, :-1]) / width).flatten(1)
    return means / (means.norm(dim=1, keepdim=True) + 1e-6)


def weights_of(network: nn.Sequential) -> dict[str, NDArray[np.floating]]:
    """Weights (float16) and biases (float32) of each layer, batch normalisation folded in.

    By name; a layer's weight has the shape that torch gives it, its bias [shape=(n_out,)].
    """
    out: dict[str, NDArray[np.floating]] = {}
    modules = list(network)
    convolutions = [k for k, module in enumerate(modules) if isinstance(module, nn.Conv1d | nn.Conv2d)]
    for number, k in enumerate(convolutions):
        weight = modules[k].weight.detach().double()
        if k + 1 < len(modules) and isinstance(modules[k + 1], nn.BatchNorm1d | nn.BatchNorm2d):
            norm = modules[k + 1]
            scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
            bias = norm.bias.detach().double() - norm.running_mean.double() * scale
            weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        else:
            bias = modules[k].bias.detach().double()
        out[f"weight{number}"] = weight.numpy().astype(np.float16)
        out[f"bias{number}"] = bias.numpy().astype(np.float32)
    return out


def save_weights(path: Path, network: nn.Sequential) -> None:
    """Write what the product loads (``reatrieve.retrieval.learned.network``)."""
    np.savez_compressed(path, **weights_of(network))  # type: ignore[arg-type]
