"""What REAPER would play of an item before any effect: the mapping of project time to source time, gain and fades."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reatrieve.headless.model import ItemModel, TakeModel, TrackModel
from reatrieve.headless.profile import Assumptions
from reatrieve.headless.sources import Source

__all__ = ["take_sound", "track_sound"]

TAKE_FX_GAIN = 0.5
"""What every take effect of this host does to the sound, so that it can be told whether it is in."""


def take_sound(
    take: TakeModel, start_s: float, n_samples: int, rate_hz: float, assumptions: Assumptions, *, gain: bool = False
) -> np.ndarray:
    """Sound of a take from ``start_s`` seconds after its item's left edge.

    Returns [shape=(n_samples, n_channels), float64], at least one channel.

    Follows D_STARTOFFS, D_PLAYRATE, looped sources, stretch markers and the channel mode; with ``gain`` also take
    volume and item volume.
    """
    times_s = start_s + np.arange(n_samples) / rate_hz
    source = take.source
    if source is None or not source.channels:
        return np.zeros((n_samples, 1))
    rate = take.values["D_PLAYRATE"]
    offset_s = take.values["D_STARTOFFS"]
    if take.stretch_markers:
        places, targets = zip(*take.stretch_markers, strict=True)
        warped = _interpolated(times_s * rate, np.array(places), np.array(targets))
        source_s = offset_s + warped
    else:
        source_s = offset_s + times_s * rate if assumptions.offset_before_rate else (offset_s + times_s) * rate
    root = source
    while root.parent is not None:
        root = root.parent
    if root.type == "MP3":
        source_s = source_s - assumptions.mp3_priming_samples / root.rate_hz
    sound = _looped(take, source, source_s, rate / rate_hz, assumptions)
    inside = (times_s >= -1e-9) & (times_s < take.item.length_s - 1e-9)
    sound[~inside] = 0.0
    sound = _channels(sound, int(take.values["I_CHANMODE"]))
    if gain:
        sound = sound * take.values["D_VOL"] * take.item.values["D_VOL"]
    return sound


def _interpolated(times_s: np.ndarray, places: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Source times by stretch markers; outside them at the normal speed."""
    warped = np.interp(times_s, places, targets)
    warped = np.where(times_s < places[0], targets[0] + times_s - places[0], warped)
    beyond: np.ndarray = np.where(times_s > places[-1], targets[-1] + times_s - places[-1], warped)
    return beyond


def _looped(
    take: TakeModel, source: Source, source_s: np.ndarray, step_s: float, assumptions: Assumptions
) -> np.ndarray:
    length_s = source.length_s
    if take.item.values["B_LOOPSRC"] and assumptions.loop_wraps_source and length_s > 0:
        source_s = np.mod(source_s, length_s)
        passes = np.flatnonzero(np.diff(source_s) < 0) + 1  # each pass apart, or the resampler would span the seam
        parts = np.split(source_s, passes)
        sounds = [source.sample(part, step_s=step_s) for part in parts if len(part)]
        return np.concatenate(sounds) if sounds else np.zeros((0, source.channels))
    return source.sample(source_s, step_s=step_s)


def _channels(sound: np.ndarray, mode: int) -> np.ndarray:
    """The channel mode of a take (I_CHANMODE)."""
    n_channels = sound.shape[1]
    if mode == 1 and n_channels > 1:
        swapped: np.ndarray = sound[:, [1, 0, *range(2, n_channels)]]
        return swapped
    if mode == 2:
        mono = sound[:, :2].mean(axis=1, keepdims=True)
        return np.repeat(mono, 2, axis=1)
    if 3 <= mode <= 66:
        channel = mode - 3
        mono = sound[:, channel : channel + 1] if channel < n_channels else np.zeros((len(sound), 1))
        return np.repeat(mono, 2, axis=1)
    if mode >= 67:
        first = mode - 67
        pair = np.zeros((len(sound), 2))
        part = sound[:, first : first + 2]
        pair[:, : part.shape[1]] = part
        return pair
    return sound


_SHAPES: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    0: lambda x: x,
    1: lambda x: 1 - (1 - x) ** 2,
    2: lambda x: x**2,
    3: lambda x: 1 - (1 - x) ** 4,
    4: lambda x: x**4,
    5: lambda x: np.sin(np.pi * x / 2) ** 2,
    6: lambda x: np.where(x < 0.5, 8 * x**4, 1 - 8 * (1 - x) ** 4),
}


def _fades(item: ItemModel, times_s: np.ndarray) -> np.ndarray:
    """The gain of an item's fades at seconds after its left edge."""
    gain = np.ones(len(times_s))
    fade_in_s = max(item.values["D_FADEINLEN_AUTO"], item.values["D_FADEINLEN"], 0.0)
    fade_out_s = max(item.values["D_FADEOUTLEN_AUTO"], item.values["D_FADEOUTLEN"], 0.0)
    if fade_in_s > 0:
        shape = _SHAPES.get(int(item.values["C_FADEINSHAPE"]), _SHAPES[0])
        gain *= shape(np.clip(times_s / fade_in_s, 0, 1))
    if fade_out_s > 0:
        shape = _SHAPES.get(int(item.values["C_FADEOUTSHAPE"]), _SHAPES[0])
        gain *= shape(np.clip((item.length_s - times_s) / fade_out_s, 0, 1))
    return gain


def track_sound(
    track: TrackModel, start_s: float, n_samples: int, rate_hz: float, n_channels: int, assumptions: Assumptions
) -> np.ndarray:
    """Sound of a track from project time ``start_s``, before its effects and fader.

    Returns [shape=(n_samples, n_channels), float64].
    """
    mix = np.zeros((n_samples, n_channels))
    end_s = start_s + n_samples / rate_hz
    for item in track.items:
        take = item.take
        if item.values["B_MUTE"] or take is None or not (item.position_s < end_s and item.end_s > start_s):
            continue
        if track.values["I_FREEMODE"] == 2 and item.values["C_LANEPLAYS"] <= 0:
            continue
        relative_s = start_s - item.position_s
        with_gain = assumptions.track_accessor_with_item_gain
        sound = take_sound(take, relative_s, n_samples, rate_hz, assumptions, gain=with_gain)
        if sound.shape[1] == 1:
            sound = np.repeat(sound, n_channels, axis=1)
        if with_gain and take.values["D_PAN"] and sound.shape[1] >= 2:
            pan = take.values["D_PAN"]
            sound = sound.copy()
            sound[:, 0] *= min(1.0, 1.0 - pan)
            sound[:, 1] *= min(1.0, 1.0 + pan)
        if assumptions.track_accessor_with_take_fx:
            sound = sound * TAKE_FX_GAIN ** len(take.fx)
        if assumptions.track_accessor_with_fades:
            sound = sound * _fades(item, relative_s + np.arange(n_samples) / rate_hz)[:, None]
        width = min(n_channels, sound.shape[1])
        mix[:, :width] += sound[:, :width]
    return mix
