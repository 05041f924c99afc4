"""Other takes of a recording: moved in pitch and tempo, filtered, in another room, heard through another device."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from reatrieve.lab.learning.sounds.source import RATE_HZ

__all__ = ["altered", "level", "levelled", "resampled", "shaped_noise"]

_F32 = NDArray[np.float32]
_EQ_HZ = np.array([60.0, 200.0, 600.0, 1800.0, 5000.0, 11000.0])
_SEARCH = 220
"""Samples to either side in which a frame may join better."""


def altered(y: _F32, rng: np.random.Generator, *, strong: bool = False, semitones: float | None = None) -> _F32:
    """Perform a recording again.

    ``y`` is mono [shape=(n,), float32]; what comes out has a length of its own [shape=(m,), float32].

    Parameters
    ----------
    strong : filter more; for sounds of which there is but one recording.
    semitones : deviation of the pitch; by default small, at times up to two semitones.
    """
    if semitones is None:
        shift = rng.normal(0, 0.3) if rng.random() < 0.6 else rng.uniform(-2, 2)
    else:
        shift = rng.normal(0, semitones)
    if rng.random() < 0.5:
        y = _at_tempo(y, rng)
    y = resampled(y, 2 ** (shift / 12))
    if rng.random() < 0.8:
        y = _filtered(y, rng, deviation_db=4.0 if strong else 3.0)
    if rng.random() < 0.25:
        y = _in_room(y, rng)
    return y


def resampled(y: _F32, ratio: float) -> _F32:
    """Played ``ratio`` times as fast, pitch and all.

    ``y`` [shape=(n,)] in, [shape=(max(1, n // ratio),), float32] out.
    """
    n = max(1, int(y.size / ratio))
    return np.asarray(np.interp(np.arange(n) * ratio, np.arange(y.size), y), dtype=np.float32)


def level(y: _F32) -> float:
    """Root mean square of the loudest third.

    ``y`` [shape=(n,)] is linear amplitude, and so is the level (> 0).
    """
    k = max(1, y.size // 3)
    loudest = np.partition(np.square(y), y.size - k)[-k:]
    return float(np.sqrt(loudest.mean()) + 1e-9)


def levelled(y: _F32, gain_db: float = 0.0) -> _F32:
    """At one level for all sounds, then ``gain_db`` louder.

    ``y`` [shape=(n,)] in, the same shape out.
    """
    return np.asarray(y * np.float32(10 ** (gain_db / 20) / level(y)))


def shaped_noise(rng: np.random.Generator, n: int) -> _F32:
    """Stationary noise with a random smooth spectrum that mostly falls, root mean square 1; half of it breathes.

    Returns [shape=(n,), float32].
    """
    m = scipy.fft.next_fast_len(n, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(m, dtype=np.float32))
    hz = np.linspace(0, RATE_HZ / 2, spectrum.size) + 30
    slope = np.array([8, 4, 0, -4, -10]) * rng.uniform(-0.2, 1.3)
    gain_db = np.interp(np.log(hz), np.log([30, 150, 600, 2500, 11000]), rng.normal(0, 6, 5) + slope)
    y = scipy.fft.irfft(spectrum * (10 ** (gain_db / 20)).astype(np.float32), m)[:n]
    if rng.random() < 0.5:
        y = y * np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.4, 1, 12)).astype(np.float32)
    return np.asarray(y / (np.sqrt(np.mean(np.square(y))) + 1e-9), dtype=np.float32)


def _at_tempo(y: _F32, rng: np.random.Generator) -> _F32:
    """Faster here and slower there at the same pitch: overlapping frames, each where it joins best (WSOLA)."""
    frame, step = (1024, 512) if y.size > 8000 else (512, 256)
    if y.size < 3 * frame:
        return y
    paces = rng.lognormal(0, 0.07) * rng.lognormal(0, 0.1, max(2, int(y.size / RATE_HZ / 0.12)))
    pace = np.interp(np.arange(y.size), np.linspace(0, y.size, paces.size), paces)
    out = np.zeros(2 * y.size + 2 * frame, dtype=np.float32)
    window = np.hanning(frame).astype(np.float32)
    padded = np.pad(y, (0, 2 * frame))
    wanted: _F32 | None = None
    at, position = 0, 0.0
    while position < y.size and at < 2 * y.size:
        source = int(position)
        if wanted is not None and source > _SEARCH:
            near = padded[source - _SEARCH : source + _SEARCH + step]
            source += int(np.argmax(scipy.signal.correlate(near, wanted, "valid"))) - _SEARCH
        out[at : at + frame] += padded[source : source + frame] * window
        wanted = padded[source + step : source + frame]
        position += step * pace[min(int(position), y.size - 1)]
        at += step
    return out[:at]


def _filtered(y: _F32, rng: np.random.Generator, *, deviation_db: float) -> _F32:
    m = scipy.fft.next_fast_len(y.size + 256, real=True)
    spectrum = scipy.fft.rfft(y, m)
    hz = np.linspace(0, RATE_HZ / 2, spectrum.size)
    gain_db = np.interp(np.log(hz + 60), np.log(_EQ_HZ), rng.normal(0, deviation_db, _EQ_HZ.size))
    if rng.random() < 0.25:
        gain_db = gain_db - 12 * np.maximum(0, np.log2((hz + 1) / rng.uniform(2000, 8000)))
    return np.asarray(scipy.fft.irfft(spectrum * 10 ** (gain_db / 20), m)[: y.size], dtype=np.float32)


def _in_room(y: _F32, rng: np.random.Generator) -> _F32:
    """With the noise-like tail of a room of .1 to .9 s."""
    n = int(rng.uniform(0.1, 0.9) * RATE_HZ)
    response = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    wet = scipy.signal.fftconvolve(y, response / np.sqrt(np.square(response).sum()))[: y.size + n // 5]
    wet *= rng.uniform(0.2, 0.9) * np.sqrt(np.mean(np.square(y)) / (np.mean(np.square(wet)) + 1e-12))
    wet[: y.size] += y
    return np.asarray(wet, dtype=np.float32)
