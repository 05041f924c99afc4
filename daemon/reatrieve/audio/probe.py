"""Does the map describe what REAPER plays? Half a second from REAPER's accessor against our decode of the same place.

Wrong maps must never pass silently. A sound that matches but comes early or late (decoders
disagree on the silence that an mp3 encoder puts in front) is corrected; one that does not match is rendered by REAPER
instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import InputError

__all__ = ["MATCH", "MAX_LAG_S", "Match", "check"]

MATCH = 0.9
"""Correlation from which two sounds are the same: what remains are dither, resamplers and lossy decoders."""

MAX_LAG_S = 0.1
_SILENCE = 10.0 ** (-70.0 / 20.0)
"""Below this level (RMS, full scale 1) 16 bits say too little to compare."""


@dataclass(frozen=True, slots=True)
class Match:
    """How well the accessor's sound fits the map.

    Attributes
    ----------
    correlation : at lag 0, -1..1; 1.0 where both are silent, 0.0 where only one is.
    lag_s : where it fits best within 0.1 s; positive: REAPER plays the sound later than the map says. Zero if lag 0
        fits.
    best : correlation at ``lag_s``.
    """

    correlation: float
    lag_s: float
    best: float

    @property
    def fits(self) -> bool:
        """The map is right as it is."""
        return self.correlation > MATCH

    @property
    def fits_with_lag(self) -> bool:
        """The map is right but for ``lag_s``."""
        return self.best > MATCH


def check(
    track_map: TrackMap, index: int, time_s: float, rate_hz: int, samples: NDArray[np.float32 | np.int16]
) -> Match:
    """Compare what REAPER plays with what the map says.

    The accessor gives the whole track, so the whole track is compared; and item ``index`` alone, should the host's
    accessor be that of the take. The better counts.

    Parameters
    ----------
    track_map : TrackMap
    index : int
        The item that the probe was taken for.
    time_s : float
        Project time of the first sample.
    rate_hz : int > 0
    samples : np.ndarray [shape=(n,), int16 or float]
        Mono.

    Returns
    -------
    Match

    Raises
    ------
    InputError
        If there is no such item, or no sample.
    AudioError
        If the item's file cannot be read.
    """
    if not 0 <= index < len(track_map.items):
        raise InputError(f"no item {index} in a track map of {len(track_map.items)}")
    if len(samples) == 0 or rate_hz <= 0:
        raise InputError(f"bad probe of item {index}: {len(samples)} samples at {rate_hz} Hz")
    heard = np.asarray(samples, np.float64)
    if np.issubdtype(samples.dtype, np.integer):
        heard = heard / 32768.0
    whole = _compared(track_map, time_s, rate_hz, heard)
    if whole.fits or len(track_map.items) == 1:
        return whole
    alone = _compared(TrackMap((track_map.items[index],)), time_s, rate_hz, heard)
    return alone if alone.best > whole.best else whole


def _compared(track_map: TrackMap, time_s: float, rate_hz: int, heard: NDArray[np.float64]) -> Match:
    n_lags = round(MAX_LAG_S * rate_hz)
    around = TrackAudio(track_map).read(time_s - n_lags / rate_hz, time_s + (len(heard) + n_lags) / rate_hz, rate_hz)
    ours = around.astype(np.float64)
    middle = ours[n_lags : n_lags + len(heard)]
    silent = _rms(heard) < _SILENCE
    if silent or _rms(ours) < _SILENCE:
        same = silent and _rms(middle) < _SILENCE
        return Match(float(same), 0.0, float(same))
    products = _correlated(ours, heard)  # lag n_lags first: ours shifted right by it is heard
    energy = (
        np.convolve(ours**2, np.ones(len(heard)), "valid") if len(heard) < 512 else _moving_sum(ours**2, len(heard))
    )
    norms = math.sqrt(float(np.sum(heard**2))) * np.sqrt(np.maximum(energy, len(heard) * _SILENCE**2))
    correlations = products / norms
    at_zero = float(correlations[n_lags])
    if at_zero > MATCH:
        return Match(at_zero, 0.0, at_zero)
    lags = n_lags - np.arange(len(correlations))
    best = max(range(len(correlations)), key=lambda k: (round(float(correlations[k]), 4), -abs(int(lags[k]))))
    return Match(at_zero, float(lags[best]) / rate_hz, float(correlations[best]))


def _correlated(long: NDArray[np.float64], short: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner products of ``short`` with ``long`` from each of its samples on where all of ``short`` fits."""
    n = scipy.fft.next_fast_len(len(long), real=True)
    products = scipy.fft.irfft(scipy.fft.rfft(long, n) * np.conj(scipy.fft.rfft(short, n)), n)
    return np.asarray(products[: len(long) - len(short) + 1], np.float64)


def _moving_sum(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    moving: NDArray[np.float64] = np.maximum(sums[n:] - sums[:-n], 0.0)
    return moving


def _rms(y: NDArray[np.float64]) -> float:
    return math.sqrt(float(np.mean(y**2))) if len(y) else 0.0
