"""The network of the learned view, run by numpy alone: 64 values every 23 ms that hardly change from take to take.

Four convolutions over bands and time and three over time alone (255,000 weights; ``docs/learned-view.md`` tells what it
was trained on). It hears 93 ms to either side of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib.resources import files
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reatrieve.retrieval.excerpt import frame_count
from reatrieve.retrieval.learned.bands import LEARNED_BANDS, band_count, band_levels
from reatrieve.retrieval.threads import Run, in_order, one_blas_thread, one_by_one
from reatrieve.session.retriever import Progress

__all__ = ["NETWORK_VERSION", "N_VALUES", "Network", "load_network", "network_frames", "shipped_network"]

N_VALUES = 64
NETWORK_VERSION = 1
"""Raised whenever the frames would change: with other weights, or another way of hearing; belongs in cache keys."""

N_PLANE = 4
"""Layers that see bands and time; the others see time alone."""
N_LAYERS = 7
_CHUNK = 512
"""Frames computed at a time: small enough to stay in the processor's cache, fixed so that rounding is."""
_REACH = 4
"""Frames to either side that a frame depends on."""
_LEVEL_SHARE = 0.2

_F32 = NDArray[np.float32]


class _Layer(NamedTuple):
    taps: tuple[_F32, ...]
    """One matrix for each step in time, (n_out, n_rows * n_in)."""
    bias: _F32
    n_rows: int
    """Bands that one value sees."""


class Network:
    """The layers, ready to be run.

    Parameters
    ----------
    weights : of each of the seven layers: (n_out, n_in, bands, frames) for the first four, then (n_out, n_in, frames);
        batch normalisation is folded in.
    biases : (n_out,) of each.
    """

    def __init__(self, weights: list[NDArray[np.floating]], biases: list[NDArray[np.floating]]) -> None:
        plane = [_plane_layer(w, b) for w, b in zip(weights[1:N_PLANE], biases[1:N_PLANE], strict=True)]
        line = [_line_layer(w, b) for w, b in zip(weights[N_PLANE + 1 :], biases[N_PLANE + 1 :], strict=True)]
        # Between the two parts values come band by band here, and channel by channel in training.
        between = weights[N_PLANE]
        n_out, n_in = between.shape[:2]
        n_channels = weights[N_PLANE - 1].shape[0]
        by_band = between.reshape(n_out, n_channels, n_in // n_channels, -1).swapaxes(1, 2).reshape(between.shape)
        self._plane = [_strided_layer(weights[0], biases[0]), *plane]
        self._line = [_line_layer(by_band, biases[N_PLANE]), *line]

    def frames(self, levels: _F32, *, n_frames: int) -> _F32:
        """Frames of a run of band levels.

        Parameters
        ----------
        levels : np.ndarray [shape=(LEARNED_BANDS, 2 * n_frames - 1 or more)]
            Levels with mean 0 and deviation about 1 in each band; two for each frame.

        Returns
        -------
        np.ndarray [shape=(N_VALUES, n_frames), float32]
            As if nothing but zeros lay beyond the run.
        """
        x = _strided(levels, n_frames)
        for layer in self._plane:
            x = _convolved(x, layer, n_frames)
        y = x[1:-1, :, 1:-1].reshape(-1, n_frames)
        *inner, last = self._line
        for layer in inner:
            y = np.maximum(_along_time(y, layer), 0.0)
        return _along_time(y, last)


@lru_cache(maxsize=1)
def shipped_network() -> Network:
    """The network that comes with the package."""
    with files("reatrieve.retrieval.learned").joinpath("weights.npz").open("rb") as file:
        return load_network(file)


def load_network(file: IO[bytes]) -> Network:
    """A network from an open file of weights (npz): ``weight0`` and ``bias0`` to ``weight6`` and ``bias6``."""
    with np.load(file) as data:
        return Network([data[f"weight{k}"] for k in range(N_LAYERS)], [data[f"bias{k}"] for k in range(N_LAYERS)])


@one_blas_thread
def network_frames(
    samples: NDArray[np.floating], *, progress: Progress | None = None, network: Network | None = None
) -> NDArray[np.float16]:
    """Describe a sound frame by frame.

    Takes twice the time of a mel spectrogram, and 120 MB for an hour, 20 MB of them the result.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)], mono at 22,050 Hz; float16 or a memory map will do.
    progress : told the share done; may raise to stop, or wait: one thread works then, else a few.
    network : the one that comes with the package, unless given.

    Returns
    -------
    np.ndarray [shape=(N_VALUES, 1 + n // 512), float16]
        Frame t is centred on sample ``512 * t``, as all frames of the retrieval are; each row has mean 0 and
        deviation 1 over the sound.
    """
    tell: Callable[[float], None] = progress or (lambda _share: None)
    run: Run = one_by_one if progress else in_order
    network = network or shipped_network()
    n_levels, n_frames = band_count(samples.size), frame_count(samples.size)
    levels = np.empty((LEARNED_BANDS, n_levels), dtype=np.float16)
    at, total, squares = 0, np.zeros(LEARNED_BANDS), np.zeros(LEARNED_BANDS)
    for chunk in band_levels(samples, run=run):
        levels[:, at : at + chunk.shape[1]] = chunk
        at += chunk.shape[1]
        total += chunk.sum(axis=1, dtype=np.float64)
        squares += np.square(chunk, dtype=np.float64).sum(axis=1)
        tell(_LEVEL_SHARE * at / n_levels)
    mean = total / n_levels
    scale = np.sqrt(np.maximum(squares / n_levels - mean**2, 0.0)) + 0.5
    mean32, scale32 = mean.astype(np.float32)[:, None], scale.astype(np.float32)[:, None]
    out = np.empty((N_VALUES, n_frames), dtype=np.float32)

    def compute(first: int) -> int:
        last = min(first + _CHUNK, n_frames)
        low, high = max(0, first - _REACH), min(n_frames, last + _REACH)
        heard = (levels[:, 2 * low : 2 * high].astype(np.float32) - mean32) / scale32
        out[:, first:last] = network.frames(heard, n_frames=high - low)[:, first - low : last - low]
        return last

    for last in run(partial(compute, first) for first in range(0, n_frames, _CHUNK)):
        tell(_LEVEL_SHARE + (1 - _LEVEL_SHARE) * last / n_frames)
    frames = np.empty((N_VALUES, n_frames), dtype=np.float16)
    for row, values in enumerate(out):  # row by row: a copy of the whole in double precision would be the peak
        frames[row] = (values - values.mean(dtype=np.float64)) / (values.std(dtype=np.float64) + 1e-3)
    return frames


def _strided_layer(weight: NDArray[np.floating], bias: NDArray[np.floating]) -> _Layer:
    """The first layer: its steps in time are channels of the input, as ``_strided`` lays it out."""
    n_out, _n_in, n_rows, _n_steps = weight.shape
    return _layer([weight.transpose(0, 2, 1, 3).reshape(n_out, -1)], bias, n_rows)


def _plane_layer(weight: NDArray[np.floating], bias: NDArray[np.floating]) -> _Layer:
    """Rows of a tap run through the bands first, then the channels, as ``_convolved`` lays its input out."""
    n_out, n_in, n_rows, n_steps = weight.shape
    return _layer(weight.transpose(3, 0, 2, 1).reshape(n_steps, n_out, n_rows * n_in), bias, n_rows)


def _line_layer(weight: NDArray[np.floating], bias: NDArray[np.floating]) -> _Layer:
    return _layer(weight.transpose(2, 0, 1), bias, 1)


def _layer(taps: Iterable[NDArray[np.floating]], bias: NDArray[np.floating], n_rows: int) -> _Layer:
    kept = tuple(np.ascontiguousarray(tap, dtype=np.float32) for tap in taps)
    return _Layer(kept, np.asarray(bias, dtype=np.float32)[:, None], n_rows)


def _strided(levels: _F32, n_frames: int) -> _F32:
    """Each band with the five levels around every other frame, zeros around; (2 + LEARNED_BANDS + 2, 5, n_frames)."""
    padded = np.zeros((LEARNED_BANDS, 2 * n_frames + 3), dtype=np.float32)
    padded[:, 2 : 2 + levels.shape[1]] = levels[:, : 2 * n_frames + 1]
    out = np.zeros((LEARNED_BANDS + 4, 5, n_frames), dtype=np.float32)
    for step in range(5):
        out[2:-2, step] = padded[:, step : step + 2 * n_frames : 2]
    return out


def _convolved(x: _F32, layer: _Layer, n_frames: int) -> _F32:
    """One convolution over bands (every second) and time, then the positive part.

    Bands lie outermost, so that the bands that one value sees are one block of memory: a matrix product a step in
    time, and nothing is copied.

    Parameters
    ----------
    x : np.ndarray [shape=(bands, channels, n_frames or n_frames + 2), contiguous]
        With a border of zeros.

    Returns
    -------
    np.ndarray [shape=(bands + 2, channels, n_frames + 2)]
        With a border of zeros.
    """
    bands, channels, width = x.shape
    n_bands = (bands - layer.n_rows) // 2 + 1
    of_band, of_row, of_frame = x.strides
    seen = np.lib.stride_tricks.as_strided(
        x, (n_bands, layer.n_rows * channels, width), (2 * of_band, of_row, of_frame), writeable=False
    )
    first = (width - n_frames) // 2 - len(layer.taps) // 2
    out = np.zeros((n_bands + 2, layer.bias.shape[0], n_frames + 2), dtype=np.float32)
    inner = out[1:-1, :, 1:-1]
    for step, tap in enumerate(layer.taps):
        inner += tap @ seen[:, :, first + step : first + step + n_frames]
    inner += layer.bias
    np.maximum(inner, 0.0, out=inner)
    return out


def _along_time(y: _F32, layer: _Layer) -> _F32:
    """One convolution over time, (channels, frames) to (channels, frames), zeros beyond the edges."""
    reach = len(layer.taps) // 2
    padded = np.pad(y, ((0, 0), (reach, reach))) if reach else y
    out = layer.taps[0] @ padded[:, : y.shape[1]]
    for step, tap in enumerate(layer.taps[1:], start=1):
        out += tap @ padded[:, step : step + y.shape[1]]
    out += layer.bias
    return out
