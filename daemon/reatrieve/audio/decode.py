"""Sound files of any format that libsndfile reads (wav, aiff, flac, ogg, opus, mp3, ...), read at any place."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from numpy.typing import NDArray

from reatrieve import limits
from reatrieve.audio.hashing import gone
from reatrieve.audio.opening import OpenSound
from reatrieve.errors import AudioError
from reatrieve.files import open_source, reason

__all__ = ["SOUND_ENDINGS", "SoundInfo", "SoundReader", "sound_info"]

_COUNTED_FRAMES = 1 << 40  # libsndfile says 2^63 - 1 where a stream does not tell its length
_BLOCK_FRAMES = 1 << 16
_FAULTS = (soundfile.LibsndfileError, OSError, RuntimeError, ValueError, TypeError, AssertionError, OverflowError)
"""What soundfile raises for damaged files, and for files that change while they are read."""

_LOSSY = ("OGG", "MP3", "MPEG")
SOUND_ENDINGS = ("wav", "aiff", "aif", "flac", "ogg", "opus", "mp3")
_FOREIGN = (
    (4, b"ftyp", "MPEG-4 audio, as in m4a"),
    (0, b"\x30\x26\xb2\x75", "Windows Media audio"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
)
"""Where a format that libsndfile does not read has its sign, the sign, and its name."""
_EMPTY = "it is empty"
_RUN_UP = 4096
_LAST_PAGE_S = 12
"""An Ogg page holds at most 65,025 bytes: 12 s at 43 kbit/s."""


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a sound file holds."""

    rate_hz: int
    n_channels: int
    n_frames: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_frames / self.rate_hz


def sound_info(path: str | Path) -> SoundInfo:
    """Rate, channels and length of a sound file.

    Raises
    ------
    AudioError
        If the file cannot be read as sound, or holds no sample.
    """
    with SoundReader(path) as reader:
        return reader.info


class SoundReader:
    """An open sound file: ``read`` gives any stretch of it, zeros beyond its ends.

    Not for two threads at once. Reading on where the last read ended does not seek; elsewhere the samples are
    the same as when read from the start (mp3 and Opus: to 1e-7).

    Raises
    ------
    AudioError
        If the file cannot be read as sound, or holds no sample; also from ``read`` where it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not _is_file(self.path):
            raise gone(self.path)
        try:
            self._file = OpenSound(self.path)
        except OSError as error:  # the system's word, not libsndfile's on what is in it
            raise AudioError(
                f"{self.path}: cannot be read ({reason(self.path, error)}); check the file and its permissions"
            ) from error
        except _FAULTS as error:
            if _content(self.path) == _EMPTY:
                raise AudioError(
                    f"{self.path}: cannot be read as {_kind(self.path)} (it is empty); render it anew"
                ) from error
            raise AudioError(
                f"{self.path}: cannot be read as {_kind(self.path)} ({_content(self.path) or _words_of(error)}); "
                "convert it to wav, flac, ogg or mp3"
            ) from error
        self._clean = self._file.subtype.startswith("PCM_")
        self._next = 0
        self._held_from = 0
        self._held: NDArray[np.float32] | None = None
        try:
            _demand_usual(self.path, self._file.samplerate, self._file.channels)
            self._counted = not 0 <= self._file.frames < _COUNTED_FRAMES
            n_frames = self._count() if self._counted else self._file.frames
            if n_frames == 0:
                raise AudioError(f"{self.path}: holds no sample; choose another file")
            self.info = SoundInfo(self._file.samplerate, self._file.channels, n_frames)
            if self.info.duration_s > limits.LENGTH_S:
                raise AudioError(
                    f"{self.path}: lasts {self.info.duration_s / 3600:.1f} h, more than "
                    f"{limits.LENGTH_S / 3600:.0f} h; cut it, or render it anew if that is not so"
                )
            self._end = n_frames
        except _FAULTS as error:
            self._file.close()
            if isinstance(error, AudioError):
                raise
            raise AudioError(
                f"{self.path}: cannot be read as sound ({_words_of(error)}); the file is damaged, render it anew"
            ) from error
        except BaseException:
            self._file.close()
            raise

    @property
    def starts_anywhere(self) -> bool:
        """Whether another reader may begin in the middle: soon, and with the same bits.

        Decoders of mp3 and Opus round by their past; a file that does not tell its length is read through to open it.
        """
        return not self._counted and self._file.format not in ("MP3", "MPEG") and self._file.subtype != "OPUS"

    def __enter__(self) -> SoundReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._file.close()

    def hold(self, start: int, stop: int) -> None:
        """Decode frames ``start`` to ``stop`` now and keep them: a short loop is heard many times."""
        self._held = None
        held = self.read(start, stop)
        self._held_from, self._held = start, held

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Frames ``start <= k < stop``; zeros where the file has none.

        Returns
        -------
        frames : np.ndarray [shape=(stop - start, n_channels), float32]
        """
        if self._held is not None and self._held_from <= start and stop <= self._held_from + len(self._held):
            return self._held[start - self._held_from : stop - self._held_from]
        first, last = min(max(start, 0), self._end), min(max(stop, 0), self._end)
        if first == start and last == stop:
            found = self._decode(first, last)
            if len(found) == stop - start:
                return found
        else:
            found = self._decode(first, last) if first < last else np.empty((0, self.info.n_channels), np.float32)
        frames = np.zeros((stop - start, self.info.n_channels), np.float32)
        frames[first - start : first - start + len(found)] = found
        return frames

    def _decode(self, first: int, last: int) -> NDArray[np.float32]:
        """At most ``last - first`` frames: fewer where the header promised more than there is (mp3)."""
        try:
            if first != self._next:
                self._seek(first)
            found: NDArray[np.float32] = self._file.read(last - first, dtype="float32", always_2d=True)
        except _FAULTS as error:
            raise AudioError(
                f"{self.path}: cannot be decoded at {first / self.info.rate_hz:.3f} s ({_words_of(error)}); "
                "the file is damaged, render it anew"
            ) from error
        self._next = first + len(found)
        if len(found) < last - first:
            self._end = self._next
        return found if self._clean else self._cleaned(found, first)

    def _cleaned(self, found: NDArray[np.float32], first: int) -> NDArray[np.float32]:
        """Samples that can be calculated with: no NaN, which would spread over the whole analysis, and none so large
        that a square has no room in a float32."""
        if not np.isfinite(found).all():
            found = np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        if found.size and max(float(found.max()), -float(found.min())) > limits.SAMPLE:
            at = first + int(np.argmax(np.abs(found).max(axis=1) > limits.SAMPLE))
            peak = np.abs(found[at - first]).max()
            raise AudioError(
                f"{self.path}: a sample of {peak:.3g} at {at / self.info.rate_hz:.3f} s, where "
                f"full scale is 1 and {limits.SAMPLE:g} the most that is taken; the file is damaged, render it anew"
            )
        return found

    def _seek(self, first: int) -> None:
        """Go to a frame so that the decoder gives there what it gives when it comes from the start.

        Measured with libsndfile 1.2.2: a used decoder of Vorbis or mp3 errs in up to 1,500 frames after a seek, one
        rewound first and given a run-up does not; and a seek into the last page of a Vorbis file lands elsewhere.
        """
        if self._file.format not in _LOSSY:
            self._file.seek(first)
            return
        begin = max(0, first - _RUN_UP)
        if self._file.subtype == "VORBIS":
            begin = min(begin, max(0, self.info.n_frames - _LAST_PAGE_S * self.info.rate_hz))
        self._file.seek(0)
        self._file.seek(begin)
        while begin < first:
            n_read = len(self._file.read(min(_BLOCK_FRAMES, first - begin), dtype="float32", always_2d=True))
            if n_read == 0:
                return
            begin += n_read

    def _count(self) -> int:
        n_frames = 0
        while n_read := len(self._file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
            n_frames += n_read
        self._next = n_frames
        return n_frames


def _kind(path: Path) -> str:
    """The format that the file's name promises."""
    suffix = path.suffix[1:].lower()
    return suffix if suffix in SOUND_ENDINGS else "sound"


def _content(path: Path) -> str:
    """What the file seems to hold instead; "" where that is unknown."""
    try:
        with open_source(path) as file:
            head = file.read(16)
    except OSError:
        return ""
    if not head:
        return _EMPTY
    return next((f"it holds {name}" for at, sign, name in _FOREIGN if head[at : at + len(sign)] == sign), "")


def _is_file(path: Path) -> bool:
    """Whether there is a plain file; raises ``AudioError`` where that cannot be told."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # a folder that may not be entered, a name too long
        raise AudioError(
            f"{str(path)[:300]}: cannot be opened ({reason(path, error)}); check its folder and name"
        ) from error


def _demand_usual(path: Path, rate_hz: int, n_channels: int) -> None:
    if not limits.MIN_RATE_HZ <= rate_hz <= limits.MAX_RATE_HZ:
        raise AudioError(
            f"{path}: a sample rate of {rate_hz} Hz, outside {limits.MIN_RATE_HZ} to {limits.MAX_RATE_HZ} Hz; "
            "render it anew"
        )
    if not 1 <= n_channels <= limits.CHANNELS:
        raise AudioError(f"{path}: {n_channels} channels, at most {limits.CHANNELS} are taken; render some of them")


def _words_of(error: Exception) -> str:
    """libsndfile's own words, without the file's name and the full stop."""
    text = getattr(error, "error_string", None) or str(error)
    if "does not exist" in text:  # said of anything that is no mp3; that it is there was seen before
        return "its content is of another kind"
    return text.strip().rstrip(".") or type(error).__name__
