"""Oscillators, envelopes and filters: the raw material, all mono float64 at one rate."""

from __future__ import annotations

import numpy as np
import scipy  # its parts load when they are first used: no list of options waits for them
from numpy.typing import NDArray

__all__ = [
    "RATE_HZ",
    "Audio",
    "adsr",
    "band",
    "decay",
    "fade_edges",
    "glide",
    "highpass",
    "lowpass",
    "midi_hz",
    "n_of",
    "noise",
    "pulse",
    "reverb",
    "saw",
    "sine",
    "sweep_lowpass",
]

Audio = NDArray[np.float64]
RATE_HZ = 44100
MAX_HARMONICS = 48


def n_of(seconds: float) -> int:
    """Samples in so many seconds, at least one."""
    return max(1, round(seconds * RATE_HZ))


def midi_hz(note: float) -> float:
    """Frequency of a MIDI note number (69 = 440 Hz)."""
    return float(440.0 * 2.0 ** ((note - 69.0) / 12.0))


def glide(start_hz: float, end_hz: float, n: int) -> Audio:
    """Exponential frequency curve from one pitch to another, ``(n,)`` in Hz.

    Returns [shape=(n,), float64].
    """
    return np.geomspace(start_hz, end_hz, n)


def _phase(hz: float | Audio, n: int) -> Audio:
    curve = np.full(n, hz) if np.isscalar(hz) else np.asarray(hz, dtype=np.float64)
    return 2.0 * np.pi * np.cumsum(curve) / RATE_HZ


def sine(hz: float | Audio, n: int, *, phase: float = 0.0) -> Audio:
    """Sine wave; ``hz`` is a number or a curve ``(n,)``.

    Returns [shape=(n,), float64].
    """
    return np.asarray(np.sin(_phase(hz, n) + phase))


def _harmonics(hz: float | Audio, n: int, amplitude: list[float]) -> Audio:
    """Sum of harmonics below Nyquist (of the highest frequency reached), so that nothing aliases."""
    theta = _phase(hz, n)
    top = float(np.max(hz))
    # sin(k t) for all k by the recurrence sin((k+1) t) = 2 cos(t) sin(k t) - sin((k-1) t)
    twice_cos, before, now = 2.0 * np.cos(theta), np.zeros(n), np.sin(theta)
    total = np.zeros(n)
    for k, a in enumerate(amplitude, start=1):
        if k * top >= 0.45 * RATE_HZ:
            break
        if a:
            total += a * now
        before, now = now, twice_cos * now - before
    return total


def saw(hz: float | Audio, n: int) -> Audio:
    """Band-limited saw tooth.

    Returns [shape=(n,), float64].
    """
    return 0.6 * _harmonics(hz, n, [1.0 / k for k in range(1, MAX_HARMONICS + 1)])


def pulse(hz: float | Audio, n: int, *, width: float = 0.5) -> Audio:
    """Band-limited pulse wave; ``width`` 0..1.

    Returns [shape=(n,), float64].
    """
    return 0.7 * _harmonics(hz, n, [float(np.sin(np.pi * k * width)) / k for k in range(1, MAX_HARMONICS + 1)])


def noise(rng: np.random.Generator, n: int) -> Audio:
    """White noise in -1..1; one draw from ``rng`` whatever ``n``: later draws must not depend on a length.

    Returns [shape=(n,), float64].
    """
    return np.random.default_rng(int(rng.integers(2**62))).uniform(-1.0, 1.0, n)


def decay(n: int, half_life_s: float) -> Audio:
    """Exponential decay from 1.

    Returns [shape=(n,), float64].
    """
    return np.asarray(0.5 ** (np.arange(n) / (RATE_HZ * half_life_s)))


def adsr(n: int, *, attack_s: float, decay_s: float, sustain: float, release_s: float) -> Audio:
    """Piecewise linear envelope that ends at 0 after exactly ``n`` samples.

    Returns [shape=(n,), float64].
    """
    points = np.array(
        [0.0, attack_s, attack_s + decay_s, max(n / RATE_HZ - release_s, attack_s + decay_s), n / RATE_HZ]
    )
    points = np.maximum.accumulate(points)
    return np.asarray(np.interp(np.arange(n) / RATE_HZ, points, [0.0, 1.0, sustain, sustain, 0.0]))


def fade_edges(x: Audio, *, fade_in_s: float = 0.002, fade_out_s: float = 0.01) -> Audio:
    """Fade both ends linearly, so that a cut does not click.

    ``x`` [shape=(n,)] in, a copy out.
    """
    n_in, n_out = min(n_of(fade_in_s), len(x)), min(n_of(fade_out_s), len(x))
    y: Audio = x.copy()
    y[:n_in] *= np.linspace(0.0, 1.0, n_in)
    y[len(y) - n_out :] *= np.linspace(1.0, 0.0, n_out)
    return y


def lowpass(x: Audio, hz: float, *, order: int = 2) -> Audio:
    """Butterworth low-pass.

    ``x`` [shape=(n,) or (n, channels)] in, the same shape out.
    """
    return np.asarray(
        scipy.signal.sosfilt(scipy.signal.butter(order, min(hz, 0.45 * RATE_HZ), fs=RATE_HZ, output="sos"), x, axis=0)
    )


def highpass(x: Audio, hz: float, *, order: int = 2) -> Audio:
    """Butterworth high-pass.

    ``x`` [shape=(n,) or (n, channels)] in, the same shape out.
    """
    return np.asarray(
        scipy.signal.sosfilt(scipy.signal.butter(order, hz, "highpass", fs=RATE_HZ, output="sos"), x, axis=0)
    )


def band(x: Audio, low_hz: float, high_hz: float, *, order: int = 2) -> Audio:
    """Butterworth band-pass.

    ``x`` [shape=(n,) or (n, channels)] in, the same shape out.
    """
    edges = [low_hz, min(high_hz, 0.45 * RATE_HZ)]
    return np.asarray(
        scipy.signal.sosfilt(scipy.signal.butter(order, edges, "bandpass", fs=RATE_HZ, output="sos"), x, axis=0)
    )


def sweep_lowpass(x: Audio, cutoff_hz: Audio, *, n_filters: int = 12) -> Audio:
    """Low-pass whose cut-off follows a curve: a cross-fade between fixed filters, logarithmic in frequency.

    Cheap and free of the clicks of a filter that is switched; ``cutoff_hz`` has the shape of ``x``.
    """
    low, high = float(cutoff_hz.min()), float(cutoff_hz.max())
    if high / low < 1.05:
        return lowpass(x, high)
    grid = np.geomspace(low, high, n_filters)
    place = np.interp(np.log(cutoff_hz), np.log(grid), np.arange(n_filters))
    y = np.zeros_like(x)
    for i, hz in enumerate(grid):
        weight = np.clip(1.0 - np.abs(place - i), 0.0, 1.0)
        if weight.any():
            y += weight * lowpass(x, float(hz), order=2)
    return y


def reverb(x: Audio, rng: np.random.Generator, *, seconds: float, mix: float, tail: bool = True) -> Audio:
    """Convolution with decaying noise; ``tail`` keeps what rings on after the end (the result is longer then).

    ``x`` [shape=(n,)] in, [shape=(n,)] out, or with the ``tail`` [shape=(n + n_of(seconds) - 1,)].
    """
    n = n_of(seconds)
    response = lowpass(noise(rng, n) * decay(n, seconds / 7.0), 7000.0)
    response[: n_of(0.012)] = 0.0
    response /= np.sqrt(np.sum(response**2))
    wet = scipy.signal.fftconvolve(x, response)
    y = mix * wet
    y[: len(x)] += (1.0 - mix) * x
    return np.asarray(y if tail else y[: len(x)])
