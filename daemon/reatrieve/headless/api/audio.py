"""Audio accessors and peaks."""

from __future__ import annotations

import numpy as np

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import TakeModel, TrackModel
from reatrieve.headless.render import take_sound, track_sound
from reatrieve.headless.wire import ArrayValue, LuaError

GARBAGE = 0.7071
"""What stands past the end of the sound in a buffer that REAPER does not clear."""


class AudioAccessor:
    """Reads a track's or take's sound; it sees the state of its last validation."""

    kind = "AudioAccessor"

    def __init__(self, target: TrackModel | TakeModel) -> None:
        self.alive = True
        self.target = target
        self.state = self._now()

    def _now(self) -> object:
        if isinstance(self.target, TrackModel):
            return [item.state() for item in self.target.items]
        return self.target.item.state()

    @property
    def changed(self) -> bool:
        """Whether the items are no longer as they were."""
        return self._now() != self.state

    def update(self) -> bool:
        """Take the present state; whether it had changed."""
        changed = self.changed
        self.state = self._now()
        return changed


@function("CreateTrackAudioAccessor")
def _create_track(call: Call, track: TrackModel) -> AudioAccessor:
    return AudioAccessor(track)


@function("CreateTakeAudioAccessor")
def _create_take(call: Call, take: TakeModel) -> AudioAccessor:
    return AudioAccessor(take)


@function("DestroyAudioAccessor")
def _destroy(call: Call, accessor: AudioAccessor) -> None:
    accessor.alive = False


@function("AudioAccessorStateChanged")
def _changed(call: Call, accessor: AudioAccessor) -> bool:
    return accessor.changed


@function("AudioAccessorValidateState")
def _validate(call: Call, accessor: AudioAccessor) -> bool:
    return accessor.update()


@function("AudioAccessorUpdate")
def _update(call: Call, accessor: AudioAccessor) -> None:
    accessor.update()


def _limits(call: Call, accessor: AudioAccessor) -> tuple[float, float]:
    target = accessor.target
    if isinstance(target, TrackModel):
        return 0.0, max((item.end_s for item in target.items), default=0.0)
    return (0.0, target.item.length_s)


@function("GetAudioAccessorStartTime")
def _start(call: Call, accessor: AudioAccessor) -> float:
    return _limits(call, accessor)[0]


@function("GetAudioAccessorEndTime")
def _end(call: Call, accessor: AudioAccessor) -> float:
    return _limits(call, accessor)[1]


@function("GetAudioAccessorSamples")
def _samples(
    call: Call,
    accessor: AudioAccessor,
    rate_hz: int,
    n_channels: int,
    start_s: float,
    n_samples: int,
    buffer: ArrayValue,
) -> int:
    if n_channels < 1 or n_samples < 1 or rate_hz < 1:
        return -1
    if n_channels * n_samples > len(buffer.samples):
        raise LuaError(
            f"GetAudioAccessorSamples: {n_samples} samples of {n_channels} channels do not fit into an array of "
            f"{len(buffer.samples)}"
        )
    assumptions = call.host.assumptions
    target = accessor.target
    if not target.alive:
        return -1
    begin_s, end_s = _limits(call, accessor)
    if isinstance(target, TrackModel):
        sound = track_sound(target, start_s, n_samples, rate_hz, n_channels, assumptions)
    else:
        sound = take_sound(target, start_s, n_samples, rate_hz, assumptions)
        if sound.shape[1] == 1 and n_channels > 1:
            sound = np.repeat(sound, n_channels, axis=1)
        elif sound.shape[1] < n_channels:
            sound = np.pad(sound, ((0, 0), (0, n_channels - sound.shape[1])))
        sound = sound[:, :n_channels]
    times_s = start_s + np.arange(n_samples) / rate_hz
    inside = (times_s >= begin_s - 1e-9) & (times_s < end_s)
    if not inside.any():
        rest = GARBAGE if assumptions.accessor_garbage_past_end else 0.0
        buffer.writes.append((0, np.full(n_channels * n_samples, rest)))
        return 0
    sound[~inside] = GARBAGE if assumptions.accessor_garbage_past_end else 0.0
    buffer.writes.append((0, sound.reshape(-1)))
    return 1


@function("GetMediaItemTake_Peaks")
def _peaks(
    call: Call,
    take: TakeModel,
    peak_rate_hz: float,
    start_s: float,
    n_channels: int,
    n_peaks: int,
    extra: int,
    buffer: ArrayValue,
) -> int:
    if n_channels < 1 or n_peaks < 1 or n_channels * n_peaks * 2 > len(buffer.samples):
        raise LuaError("GetMediaItemTake_Peaks: the array does not hold that many maxima and minima")
    per_peak = 32
    sound = take_sound(
        take, start_s - take.item.position_s, n_peaks * per_peak, peak_rate_hz * per_peak, call.host.assumptions
    )
    sound = np.resize(sound.T, (n_channels, n_peaks * per_peak)).T if sound.shape[1] < n_channels else sound
    blocks = sound[:, :n_channels].reshape(n_peaks, per_peak, n_channels)
    buffer.writes.append((0, blocks.max(axis=1).reshape(-1)))
    buffer.writes.append((n_channels * n_peaks, blocks.min(axis=1).reshape(-1)))
    return n_peaks & 0xFFFFF
