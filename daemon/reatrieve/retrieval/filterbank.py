"""Mel bands, and the window of a short-time transform.

The first candidate waits for what analyses to load. ``scipy.signal`` and librosa have both functions, and take longer
to load than all else together, so they stand here; the tests compare them with these two libraries, value for value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hann", "mel_bank"]

_MEL_HZ = 200.0 / 3.0
"""Width of a mel below ``_LOG_HZ``; from there on 27 mel are a factor of 6.4."""
_LOG_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0

_F64 = NDArray[np.float64]


def hann(n: int) -> _F64:
    """A periodic Hann window, 0..1 [shape=(n,)]: ``scipy.signal.get_window("hann", n)``, for ``n`` > 1 samples."""
    window: _F64 = (0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n + 1)))[:-1]
    return window


def mel_bank(*, rate_hz: int, n_fft: int, n_bands: int, low_hz: float, high_hz: float, equal_area: bool) -> _F64:
    """Triangular bands, equally far apart on Slaney's mel scale [1]_.

    Parameters
    ----------
    rate_hz, n_fft : sample rate, and samples of the transform.
    n_bands : number of bands.
    low_hz, high_hz : where the first band begins and the last one ends, 0 <= low_hz < high_hz <= rate_hz / 2.
    equal_area : each band is divided by half its width in Hz (``librosa.filters.mel``, norm "slaney"), or else has a
        peak of 1 (norm None).

    Returns
    -------
    np.ndarray [shape=(n_bands, 1 + n_fft // 2)]
        Weight of each bin of a power spectrum in each band.

    References
    ----------
    .. [1] Slaney, "Auditory Toolbox", version 2, Interval Research Corporation 1998-010.
    """
    edges_hz = _hz(np.linspace(_mel(low_hz), _mel(high_hz), n_bands + 2))[:, None]
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / rate_hz)
    rising = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    bank: _F64 = np.maximum(0.0, np.minimum(rising, falling))
    if equal_area:
        bank *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return bank


def _mel(hz: float) -> float:
    if hz < _LOG_HZ:
        return hz / _MEL_HZ
    return float(_LOG_HZ / _MEL_HZ + np.log(hz / _LOG_HZ) / _LOG_STEP)


def _hz(mel: _F64) -> _F64:
    above = np.maximum(mel - _LOG_HZ / _MEL_HZ, 0.0)
    return np.where(above > 0.0, _LOG_HZ * np.exp(_LOG_STEP * above), _MEL_HZ * mel)
