"""Where the game should fire: the onset or energy peak of a sound, found once and carried over to all its occurrences.

A region's edges say where somebody heard the sound begin; they differ from one occurrence to the next by milliseconds.
So the occurrences are first aligned to each other, then averaged: the geometric mean of their spectrograms keeps what
they share and fades what plays around them. The anchor is found in that mean, and each occurrence gets it at its own
place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import scipy  # its parts load when they are first used: no list of options waits for them
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reatrieve.errors import InputError
from reatrieve.session.spans import Span
from reatrieve.sync.tempo import TempoMap

__all__ = [
    "AnchorKind",
    "Placement",
    "ReadableAudio",
    "aligned_lags",
    "anchor_offset",
    "anchors",
    "found_anchors",
    "placed",
]

AnchorKind = Literal["start", "onset", "peak"]

RATE_HZ = 22050
WINDOW = 128
"""Samples a spectrum, 5.8 ms: time matters here, not pitch."""

HOP = 16
MAX_LAG_S = 0.1
MAX_LAG_SHARE = 0.25
CONTEXT_S = 0.05
"""Sound read before each occurrence, so that an onset at its very edge has something to rise from."""

MAX_LENGTH_S = 60.0
ALIGNED_S = 6.0
"""Of longer sounds, the beginning decides how they lie to each other."""

MAX_AVERAGED = 64
COMPRESSION = 0.5
"""Exponent of the magnitudes whose growth makes an onset: decibels would let faint spill look like one."""

CLEAR_WAVEFORM = 0.15
CLEAR_ENVELOPE = 0.4
PEAK_SMOOTHING_S = 0.01
RISES_S = (0.004, 0.012, 0.036)
"""Half the time over which an onset grows: the fastest at which one stands out is taken, so that a soft attack counts
too."""

EARLIEST_SHARE = 0.5
"""The first rise with this share of the largest one is the onset: a second syllable may be louder than the first."""

STANDS_OUT = 4.0
"""How many times the median an onset's rise must have: noise and slow swells have none, and start at their start."""


class ReadableAudio(Protocol):
    """Anything that gives mono samples by project time, such as ``reatrieve.audio.stitch.TrackAudio``."""

    def read(self, start_s: float, end_s: float, rate_hz: int = ..., *, mono: bool = ...) -> NDArray[np.float32]:
        """``round((end_s - start_s) * rate_hz)`` samples from ``start_s`` on, silence where there is no sound.

        Returns [shape=(n,), float32] where ``mono``, else [shape=(2, n)].
        """


@dataclass(frozen=True, slots=True)
class Placement:
    """Where in a region its event fires.

    Attributes
    ----------
    anchor : ``start`` of the region, ``onset`` (first clear rise) or ``peak`` (most energy) of the sound itself.
    nudge_ms : added to all, negative for earlier.
    snap : grid divisions a beat to which the times then go; 0 leaves them.
    tempo_map : needed for ``snap``.
    """

    anchor: AnchorKind = "start"
    nudge_ms: float = 0.0
    snap: int = 0
    tempo_map: TempoMap | None = None


def anchors(sound: ReadableAudio, spans: Sequence[Span], placement: Placement) -> list[float]:
    """One time a span at which the game fires, in project seconds.

    Parameters
    ----------
    sound : the searched track.
    spans : occurrences of one sound, the example first.

    Returns
    -------
    times : in the order of ``spans``. Without nudge and snap each lies inside its span.

    Raises
    ------
    InputError
        For an unknown anchor, or ``snap`` without a tempo map.
    """
    return placed(found_anchors(sound, spans, kind=placement.anchor), placement)


def found_anchors(sound: ReadableAudio, spans: Sequence[Span], *, kind: AnchorKind) -> list[float]:
    """The anchors of one sound's occurrences, before nudge and snap; each lies inside its span.

    Raises
    ------
    InputError
        For an unknown kind.
    """
    if kind not in ("start", "onset", "peak"):
        raise InputError(f"unknown anchor {kind!r}; use start, onset or peak")
    if kind == "start" or not spans:
        return [span.start_s for span in spans]
    length_s = min(MAX_LENGTH_S, float(np.median([span.length_s for span in spans])))
    lags_s = aligned_lags(sound, spans, length_s)
    offset_s = anchor_offset(sound, spans, lags_s, length_s, kind=kind)
    return [
        min(max(span.start_s + lag_s + offset_s, span.start_s), span.end_s)
        for span, lag_s in zip(spans, lags_s, strict=True)
    ]


def placed(times: Sequence[float], placement: Placement) -> list[float]:
    """The times nudged, then snapped to the nearest grid line.

    Raises
    ------
    InputError
        If there is a grid to snap to but no tempo map.
    """
    nudged = [time_s + placement.nudge_ms / 1000 for time_s in times]
    if not placement.snap:
        return nudged
    if placement.tempo_map is None:
        raise InputError("snapping needs a tempo; export without snap or from the project, or give --bpm")
    return [placement.tempo_map.snapped(time_s, placement.snap) for time_s in nudged]


def aligned_lags(sound: ReadableAudio, spans: Sequence[Span], length_s: float) -> list[float]:
    """How much later than in the first span the sound comes in each span, in seconds.

    By the waveforms where they repeat, else by the envelopes of their energy, else 0; at most 0.1 s or a quarter of the
    length. All are aligned to the first, then to the mean of what the first pass aligned, where the sound is clearer.
    """
    reach = round(min(MAX_LAG_S, MAX_LAG_SHARE * length_s) * RATE_HZ)
    length_s = min(length_s, ALIGNED_S)
    n = round(length_s * RATE_HZ)
    first = sound.read(spans[0].start_s, spans[0].start_s + length_s, RATE_HZ, mono=True).astype(np.float64)

    def wide(span: Span) -> NDArray[np.float64]:
        start_s = span.start_s - reach / RATE_HZ
        return sound.read(start_s, start_s + (n + 2 * reach) / RATE_HZ, RATE_HZ, mono=True).astype(np.float64)

    lags = [0] * len(spans)
    mean = first.copy()
    for index, span in enumerate(spans[1:], start=1):
        around = wide(span)
        lags[index] = _lag(first, around, reach)
        mean += around[reach + lags[index] :][: len(first)]
    if len(spans) > 2:
        lags = [_lag(mean, wide(span), reach) for span in spans]
    return [(lag - lags[0]) / RATE_HZ for lag in lags]


def _lag(reference: NDArray[np.float64], around: NDArray[np.float64], reach: int) -> int:
    """Samples by which ``reference`` comes later than in the middle of ``around``; 0 where it is not to be heard."""
    if len(around) < len(reference) + 2 or len(reference) < 2:
        return 0
    products = scipy.signal.correlate(around, reference, mode="valid", method="fft")
    likeness = products / _norms(reference, around)
    # Of the differenced signals, too: a deep sound shows in the one, a bright one over loud bass in the other. Their
    # correlation is the negative second difference of the first.
    bright = 2 * products[1:-1] - products[:-2] - products[2:]
    likeness[1:-1] = (likeness[1:-1] + bright / _norms(np.diff(reference), np.diff(around))[1:-1]) / 2
    likeness[[0, -1]] /= 2
    if likeness.max() >= CLEAR_WAVEFORM:
        return int(np.argmax(likeness)) - reach
    rises, rises_around = _rises(reference, HOP), _rises(around, HOP)
    if not rises.any():
        return 0
    likeness = scipy.signal.correlate(rises_around, rises, mode="valid", method="fft") / _norms(rises, rises_around)
    return int(np.argmax(likeness)) * HOP - reach if likeness.max() >= CLEAR_ENVELOPE else 0


def anchor_offset(
    sound: ReadableAudio,
    spans: Sequence[Span],
    lags_s: Sequence[float],
    length_s: float,
    *,
    kind: Literal["onset", "peak"],
) -> float:
    """Seconds from the first span's start to the anchor, found on the mean of the aligned occurrences."""
    picked = np.unique(np.linspace(0, len(spans) - 1, min(len(spans), MAX_AVERAGED)).round().astype(int))
    total: NDArray[np.float64] | None = None
    for index in picked:
        start_s = spans[index].start_s + lags_s[index]
        log_power = _log_power(sound.read(start_s - CONTEXT_S, start_s + length_s, RATE_HZ, mono=True))
        total = log_power if total is None else total[: len(log_power)] + log_power[: len(total)]
    if total is None or not len(total):
        return 0.0
    mean_db = total / len(picked)
    moments = (np.arange(len(mean_db)) * HOP + WINDOW / 2) / RATE_HZ - CONTEXT_S
    if not (moments >= 0).any():
        return 0.0
    top = mean_db.max()
    if kind == "peak":
        energy = np.power(10.0, (mean_db - top) / 10).sum(axis=1)
        smooth = scipy.ndimage.gaussian_filter1d(energy, PEAK_SMOOTHING_S * RATE_HZ / HOP)
        inside = np.where(moments >= 0, smooth, -np.inf)
        return float(moments[int(np.argmax(inside))])
    magnitude = np.power(10.0, (mean_db - top) / 20 * COMPRESSION)
    for reach_s in RISES_S:
        rise = np.where(moments >= -CONTEXT_S / 2, _rise(magnitude, reach_s), 0.0)
        largest = rise.max()
        peaks, _ = scipy.signal.find_peaks(rise, height=EARLIEST_SHARE * largest) if largest > 0 else ([], {})
        if len(peaks) and largest > STANDS_OUT * np.median(rise[moments >= 0]):
            return max(0.0, float(moments[peaks[0]]))
    return 0.0


def _log_power(y: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power spectrogram in dB, time first: [shape=(n_frames, n_bins)]."""
    if len(y) < WINDOW:
        return np.zeros((0, WINDOW // 2 + 1))
    frames = sliding_window_view(y, WINDOW)[::HOP] * scipy.signal.get_window("hann", WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    return np.asarray(10 * np.log10(power + 1e-12), dtype=np.float64)


def _rise(magnitude: NDArray[np.float64], reach_s: float) -> NDArray[np.float64]:
    """Half-wave rectified growth from ``reach_s`` before to ``reach_s`` after each frame, summed over frequency."""
    reach = max(1, round(reach_s * RATE_HZ / HOP))
    smooth = scipy.ndimage.gaussian_filter1d(magnitude, reach / 4, axis=0)
    padded = np.pad(smooth, ((reach, reach), (0, 0)), mode="edge")
    growth = np.maximum(0.0, padded[2 * reach :] - padded[: -2 * reach]).sum(axis=1)
    return np.asarray(scipy.ndimage.gaussian_filter1d(growth, reach / 2))


def _rises(y: NDArray[np.floating], step: int) -> NDArray[np.float64]:
    """Where the energy grows, one value a ``step`` samples."""
    n = len(y) // step
    energy = np.square(y[: n * step]).reshape(n, step).sum(axis=1)
    log = scipy.ndimage.gaussian_filter1d(np.log(energy + 1e-9 + 0.01 * energy.mean()), 3)
    return np.maximum(0.0, np.diff(log, prepend=log[:1]))


def _norms(reference: NDArray[np.float64], around: NDArray[np.float64]) -> NDArray[np.float64]:
    """What makes a correlation of ``reference`` with each stretch of ``around`` a likeness in -1..1; never 0."""
    squares = np.concatenate([[0.0], np.cumsum(np.square(around))])
    energies = np.maximum(squares[len(reference) :] - squares[: -len(reference)], 0.0) * np.square(reference).sum()
    norms = np.sqrt(energies)
    return np.asarray(norms + 1e-6 * norms.max() + 1e-30)
