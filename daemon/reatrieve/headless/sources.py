"""Media sources as REAPER's items hold them: a file, a section of another source (perhaps reversed), MIDI, nothing."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from reatrieve.errors import AudioError

__all__ = ["FileSource", "MidiSource", "SectionSource", "Source"]

_TYPES = {"WAV": "WAVE", "WAVEX": "WAVE", "W64": "WAVE", "RF64": "WAVE", "AIFF": "AIFF", "FLAC": "FLAC", "MP3": "MP3"}


class Source:
    """What a take plays: sound over source time, in seconds from 0."""

    kind = "PCM_source"
    type = "EMPTY"
    alive = True
    path = ""
    length_s = 0.0
    channels = 0
    rate_hz = 0
    parent: Source | None = None
    chunk: Any = None  # its lines in the opened project file

    def read(self, start_s: float, n_samples: int, rate_hz: float) -> np.ndarray:
        """Sound from source time ``start_s`` on; silence outside the source.

        Returns [shape=(n_samples, channels), float64].
        """
        return self.sample(start_s + np.arange(n_samples) / rate_hz, step_s=1.0 / rate_hz)

    def sample(self, times_s: np.ndarray, *, step_s: float) -> np.ndarray:
        """Sound at each of the source times.

        ``times_s`` [shape=(n,)] in, [shape=(n, channels), float64] out.

        ``step_s`` is the distance of the times (its size, not its sign): above the source's own sample distance the
        sound is low-passed first, as a resampler must.
        """
        del step_s
        return np.zeros((len(times_s), max(self.channels, 1)))


class MidiSource(Source):
    """A MIDI take: no sound that a file holds."""

    type = "MIDI"

    def __init__(self, length_qn: float = 4.0) -> None:
        self.length_s = length_qn  # in quarter notes, as GetMediaSourceLength says of MIDI


@lru_cache(maxsize=8)
def _decoded(path: str, stamp: tuple[int, int]) -> tuple[np.ndarray, int]:
    """All samples of a short file, kept for the next read of the same file."""
    del stamp
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return samples, rate_hz


class FileSource(Source):
    """A media file on disk; offline or missing it has no length, like in REAPER."""

    def __init__(self, path: Path | str, declared: str = "") -> None:
        self.path = str(path)
        self.declared = declared  # REAPER's name of the kind, as an opened project has it
        self.file_rest: list[str] = []  # what the project says behind the path
        self.offline = False
        self._info: tuple[int, int, int, str] | None = None

    def _header(self) -> tuple[int, int, int, str]:
        """Frames, rate, channels and libsndfile's name of the format; zeros for what it cannot read."""
        if self._info is None:
            try:
                info = soundfile.info(self.path)
                kind = "VORBIS" if info.subtype == "VORBIS" else "OPUS" if info.subtype == "OPUS" else info.format
                self._info = (info.frames, info.samplerate, info.channels, kind)
            except (soundfile.LibsndfileError, OSError):
                self._info = (0, 0, 0, "")
        return self._info

    @property
    def type(self) -> str:  # type: ignore[override]
        """REAPER's name of the kind of file."""
        kind = self._header()[3]
        if not kind and self.declared:
            return self.declared
        if not kind:
            return {".mp4": "VIDEO", ".m4a": "VIDEO", ".rpp": "RPP_PROJECT"}.get(Path(self.path).suffix.lower(), "WAVE")
        return _TYPES.get(kind, kind)

    @property
    def length_s(self) -> float:  # type: ignore[override]
        """Seconds; 0 when offline or unreadable."""
        frames, rate_hz, _, _ = self._header()
        return frames / rate_hz if rate_hz and not self.offline else 0.0

    @property
    def channels(self) -> int:  # type: ignore[override]
        """Channels of the file."""
        return self._header()[2]

    @property
    def rate_hz(self) -> int:  # type: ignore[override]
        """Sample rate of the file."""
        return self._header()[1]

    def sample(self, times_s: np.ndarray, *, step_s: float) -> np.ndarray:
        """Sound at each source time by a windowed sinc (64 zero crossings); silence outside the file.

        ``times_s`` [shape=(n,)] in, [shape=(n, channels), float64] out.
        """
        if self.offline or not self.rate_hz or len(times_s) == 0:
            return np.zeros((len(times_s), max(self.channels, 1)))
        positions = np.asarray(times_s) * self.rate_hz
        scale = max(1.0, abs(step_s) * self.rate_hz)  # source samples per wanted sample: the low-pass widens the kernel
        half = int(np.ceil(32 * scale))
        first = int(np.floor(positions.min())) - half
        last = int(np.ceil(positions.max())) + half + 1
        samples = self._frames(first, last)
        exact = np.abs(positions - np.round(positions)) < 1e-6
        if scale == 1.0 and exact.all():
            whole: np.ndarray = samples[np.round(positions).astype(int) - first]
            return whole
        sound = np.empty((len(positions), samples.shape[1]))
        nearest = np.floor(positions).astype(int)
        windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * half + 1, axis=0)
        # Rates that are whole multiples leave few distances to the nearest sample, and a kernel for each.
        distances, which = np.unique(np.round(positions - nearest, 9), return_inverse=True)
        for begin in range(0, len(distances), 1024):
            kernels = _kernels(distances[begin : begin + 1024], half, scale)
            inside = np.flatnonzero((which >= begin) & (which < begin + len(kernels)))
            for low in range(0, len(inside), 4096):
                part = inside[low : low + 4096]
                gathered = windows[nearest[part] - first - half]
                sound[part] = np.einsum("tk,tck->tc", kernels[which[part] - begin], gathered)
        return sound

    def _frames(self, first: int, last: int) -> np.ndarray:
        """Frames first to last of the file, zeros outside it."""
        n_frames = self._header()[0]
        samples = np.zeros((last - first, self.channels))
        low, high = max(first, 0), min(last, n_frames)
        if low < high:
            try:
                if n_frames <= 30_000_000:
                    status = Path(self.path).stat()
                    decoded, _ = _decoded(self.path, (status.st_size, status.st_mtime_ns))
                    part = decoded[low:high]
                else:
                    with soundfile.SoundFile(self.path) as file:
                        file.seek(low)
                        part = file.read(high - low, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, OSError) as exc:
                raise AudioError(f"{self.path}: cannot be read: {exc}") from exc
            samples[low - first : low - first + len(part)] = part
        return samples


def _kernels(distances: np.ndarray, half: int, scale: float) -> np.ndarray:
    """A windowed sinc for each distance (in samples) behind the nearest sample."""
    distance = distances[:, None] - np.arange(-half, half + 1)[None, :]
    window = np.cos(np.pi * np.clip(distance / (half + 1), -1, 1) / 2) ** 2
    kernels: np.ndarray = np.sinc(distance / scale) / scale * window
    return kernels


class SectionSource(Source):
    """A window of another source; REAPER wraps a reversed take's source in one even when no section was set."""

    type = "SECTION"

    def __init__(self, parent: Source, offset_s: float = 0.0, length_s: float = 0.0, reverse: bool = False) -> None:
        self.parent = parent
        self.offset_s = offset_s
        self.length_s = length_s or parent.length_s
        self.reverse = reverse
        self.channels = parent.channels
        self.rate_hz = parent.rate_hz

    def sample(self, times_s: np.ndarray, *, step_s: float) -> np.ndarray:
        """The parent's sound inside the section, mirrored when reversed (its last sample first); silence outside.

        ``times_s`` [shape=(n,)] in, [shape=(n, channels), float64] out.
        """
        assert self.parent is not None
        times_s = np.asarray(times_s)
        last_s = self.length_s - (1.0 / self.rate_hz if self.rate_hz else 0.0)
        at_s = self.offset_s + (last_s - times_s if self.reverse else times_s)
        sound = self.parent.sample(at_s, step_s=step_s)
        outside = (times_s < 0) | (times_s >= self.length_s)
        sound[outside] = 0.0
        return sound
