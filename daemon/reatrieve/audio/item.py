"""One item of a track map as samples on the track's grid: section, loop, reverse, rate, channels, gain, fades."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from reatrieve.audio.channels import stereo_weights
from reatrieve.audio.decode import SoundReader
from reatrieve.audio.fades import fade_gain
from reatrieve.audio.resample import SampleStream, exact_ratio
from reatrieve.audio.trackmap import TrackItem
from reatrieve.errors import AudioError

__all__ = ["ItemStream", "grid_index"]

_ROUNDING = 1e-6
"""Positions are sums of doubles: what lies this close to a sample is on it."""

_WHOLE = 1e-3
"""A section's length this close to a whole number of samples is one: hosts derive it from seconds."""

_HELD_VALUES = 1 << 22
"""A loop of at most this many values (16 MB) is decoded once and kept."""


def grid_index(time_s: float, rate_hz: int) -> int:
    """The first sample at or after ``time_s`` on a grid that begins at 0; also the count of samples before it."""
    return math.ceil(time_s * rate_hz - _ROUNDING)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Output samples ``first <= n < stop`` of an item that run through the source without a break."""

    first: int
    stop: int
    position: float
    """Source frame, counted forward in hearing order, of output sample 0 of the item (it may lie before ``first``)."""
    period: int = 0
    """Above 0: the source repeats with this many frames, from ``base`` on."""
    base: int = 0


class ItemStream:
    """What one item adds to a mix, in order from sample ``first`` of the grid on.

    Parameters
    ----------
    item : TrackItem
    grid_s : float
        Project time of sample 0 of the grid.
    rate_hz : int
        Rate of the grid.
    mono : bool
        One channel, the mean of left and right, else two.
    first : int
        Earlier samples are not wanted, and not decoded.

    Attributes
    ----------
    start, stop : the grid samples in which the item sounds.
    """

    def __init__(self, item: TrackItem, *, grid_s: float, rate_hz: int, mono: bool, first: int) -> None:
        self._item = item
        self.start = grid_index(item.position_s - grid_s, rate_hz)
        self.stop = grid_index(item.end_s - grid_s, rate_hz)
        self._lead_s = grid_s - item.position_s  # item time of grid sample 0
        self._rate_hz = rate_hz
        self._next = max(first, self.start)
        self._reader = SoundReader(item.path)
        info = self._reader.info
        speed = exact_ratio(item.rate)
        self._step: Fraction | float = (
            speed * Fraction(info.rate_hz, rate_hz) if speed is not None else item.rate * info.rate_hz / rate_hz
        )
        W = stereo_weights(info.n_channels, mode=item.channel_mode, pan=item.pan, gain=item.gain)
        self._weights = (W.mean(axis=0, keepdims=True) if mono else W).T.copy()
        self._plain = self._weights.shape == (1, 1) and self._weights[0, 0] == 1.0
        self._passes = self._all_passes()
        self._pass: _Pass | None = next(self._passes, None)
        self._stream: SampleStream | None = None

    def close(self) -> None:
        """Close the source file."""
        self._reader.close()

    def add_to(self, mix: NDArray[np.float32], start: int) -> None:
        """Add this item to ``mix`` [shape=(n, n_channels)] from grid sample ``start`` on; blocks come in order."""
        stop = min(start + len(mix), self.stop)
        while self._next < stop:
            while self._pass and self._pass.stop <= self._next:
                self._pass, self._stream = next(self._passes, None), None
            if self._pass is None or self._pass.first >= stop:
                self._next = stop
                return
            self._next = max(self._next, self._pass.first)
            if self._stream is None:
                self._stream = self._begin(self._pass)
            sound = self._stream.read(min(stop, self._pass.stop) - self._next)
            faded = self._faded(sound, self._next)
            mix[self._next - start : self._next - start + len(sound)] += faded
            self._next += len(sound)

    def _begin(self, run: _Pass) -> SampleStream:
        return SampleStream(
            lambda start, stop: self._fetch(run, start, stop),
            start=run.position,
            step=self._step,
            n_channels=self._weights.shape[1],
            first=self._next - self.start,
            stop=run.stop - self.start,
        )

    def _all_passes(self) -> Iterator[_Pass]:
        """Cut the item where its source jumps: at the section's ends, and at repeats of no whole number of frames.

        Positions count in hearing order: a reversed source is read through ``-1 - k``, so that the last frame of the
        section comes first.
        """
        item, info = self._item, self._reader.info
        first_s = self._lead_s + self.start / self._rate_hz  # item time of the first sample, 0 or a little more
        heard = (item.offset_s + first_s * item.rate) * info.rate_hz  # frames into the section
        begin = item.section_start_s * info.rate_hz
        length = item.section_length_s * info.rate_hz if item.section_length_s > 0.0 else float(info.n_frames)
        if abs(length - round(length)) < _WHOLE:
            length = float(round(length))
        if abs(begin - round(begin)) < _WHOLE:
            begin = float(round(begin))
        if length < 1.0:
            raise AudioError(f"{item.path}: the section is shorter than one sample; undo the section in REAPER")
        origin = -(begin + length) if item.reverse else begin  # hearing-order frame at which the section starts
        step = float(self._step)
        n = self.stop - self.start
        turn = math.floor((heard + max(0, self._next - self.start) * step) / length + _ROUNDING)
        last_turn = math.floor((heard + (n - 1) * step) / length - _ROUNDING)
        if not item.loop:
            turn = last_turn = 0
        if turn < last_turn and length * info.n_channels <= _HELD_VALUES:
            self._reader.hold(math.floor(begin) - 1, math.ceil(begin + length) + 1)
        if turn < last_turn and length.is_integer():
            yield _Pass(self.start, self.stop, origin + heard, period=int(length), base=math.ceil(origin))
            return
        for number in range(turn, last_turn + 1):
            yield self._pass_between(
                number * length, (number + 1) * length, heard, step, n, origin + heard - number * length
            )

    def _pass_between(self, low: float, high: float, heard: float, step: float, n: int, position: float) -> _Pass:
        """The output samples whose frame lies in ``low <= frame < high``."""
        first = max(0, math.ceil((low - heard) / step - _ROUNDING))
        stop = min(n, math.ceil((high - heard) / step - _ROUNDING))
        return _Pass(self.start + first, self.start + max(first, stop), position)

    def _fetch(self, run: _Pass, start: int, stop: int) -> NDArray[np.float32]:
        """Frames ``start`` to ``stop`` in hearing order, mixed to the track's channels."""
        if run.period:
            parts = []
            while start < stop:
                turn, begin = divmod(start - run.base, run.period)
                until = min(stop, run.base + (turn + 1) * run.period)
                parts.append(self._frames(run.base + begin, run.base + begin + until - start))
                start = until
            frames = np.concatenate(parts) if len(parts) != 1 else parts[0]
        else:
            frames = self._frames(start, stop)
        return frames if self._plain else frames @ self._weights

    def _frames(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._reader.read(-stop, -start)[::-1] if self._item.reverse else self._reader.read(start, stop)

    def _faded(self, sound: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        """The samples from grid sample ``first`` on under the item's fades."""
        item = self._item
        first_s = self._lead_s + first / self._rate_hz
        last_s = first_s + len(sound) / self._rate_hz
        in_fade = item.fade_in_s > 0.0 and first_s < item.fade_in_s
        out_fade = item.fade_out_s > 0.0 and last_s > item.length_s - item.fade_out_s
        if not (in_fade or out_fade):
            return sound
        time_s = self._lead_s + np.arange(first, first + len(sound)) / self._rate_hz
        gain = np.ones(len(sound))
        with np.errstate(over="ignore"):  # of a fade that is as good as none
            if in_fade:
                gain *= fade_gain(time_s / item.fade_in_s, item.fade_in_shape)
            if out_fade:
                gain *= fade_gain((item.length_s - time_s) / item.fade_out_s, item.fade_out_shape)
        return sound * gain.astype(np.float32)[:, np.newaxis]
