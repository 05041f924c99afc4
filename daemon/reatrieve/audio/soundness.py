"""Is a sound file what it says it is? Samples that are no numbers, and files that were cut off."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import soundfile

from reatrieve.audio.decode import SoundInfo, SoundReader
from reatrieve.audio.opening import OpenSound
from reatrieve.audio.riff import is_wave, walk_chunks, wave_format
from reatrieve.errors import AudioError
from reatrieve.files import open_source

__all__ = ["cut_off", "refuse_not_numbers"]

BLOCK_FRAMES = 1 << 18
NO_PROMISE_BYTES = 0x7FFFF000
"""A WAV whose data has this size or more was streamed: its writer never came back to say how long it is."""
SHORT_BY_S = 0.1
"""Less than this may be a matter of how a decoder counts."""


def refuse_not_numbers(path: Path) -> None:
    """Read a file of floating-point samples through, and refuse it if some are NaN or infinite.

    Raises
    ------
    AudioError
        Which they are, and from where; or if the file cannot be read.
    """
    try:
        with OpenSound(path) as file:
            if file.subtype not in ("FLOAT", "DOUBLE"):
                return
            done, first, count, kind = 0, 0, 0, ""
            for block in file.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                bad = ~np.isfinite(block).all(axis=1)
                if bad.any() and not count:
                    first = done + int(np.argmax(bad))
                    kind = "NaN" if np.isnan(block[first - done]).any() else "infinity"
                count += int(bad.sum())
                done += len(block)
            rate_hz = file.samplerate
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError, TypeError):
        return  # whoever reads it next says so
    if count:
        samples = "1 sample" if count == 1 else f"{count} samples of {done}"
        raise AudioError(f"{path} holds {kind} from {first / rate_hz:.3f} s on ({samples}); repair or render it anew")


def cut_off(path: Path) -> tuple[float, float] | None:
    """Seconds that a file's header promises and seconds that are there, if those are fewer.

    Raises
    ------
    AudioError
        If it cannot be read as sound.
    """
    with SoundReader(path) as reader:
        info = reader.info
    promised = _promised_frames(path, info)
    there = _decoded_frames(path) if path.suffix.lower() == ".mp3" and _ends_early(path, info) else info.n_frames
    if promised - there <= SHORT_BY_S * info.rate_hz:
        return None
    return promised / info.rate_hz, there / info.rate_hz


def _promised_frames(path: Path, info: SoundInfo) -> int:
    """What the header says, where libsndfile cuts that to what is there (WAV and AIFF)."""
    with open_source(path) as file:
        head = file.read(12)
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            while len(chunk := file.read(8)) == 8:
                name, size = struct.unpack(">4sI", chunk)
                if name == b"COMM":
                    return int(struct.unpack(">HI", file.read(6).ljust(6, b"\0"))[1])
                file.seek(size + size % 2, 1)
            return info.n_frames
        if not is_wave(path):
            return info.n_frames
        chunks = walk_chunks(path)
        form = wave_format(path, chunks)
        data = next((chunk for chunk in chunks if chunk.id == b"data"), None)
        if data is None or not form.is_uncompressed:
            return info.n_frames
        file.seek(data.offset - 4)
        size = int(struct.unpack("<I", file.read(4))[0])
    return size // form.block_align if size < NO_PROMISE_BYTES else info.n_frames


def _ends_early(path: Path, info: SoundInfo) -> bool:
    """Whether the last frame that the file says it has is missing."""
    try:
        with OpenSound(path) as file:
            file.seek(info.n_frames - 1)
            return len(file.read(1, dtype="float32")) == 0
    except (soundfile.LibsndfileError, RuntimeError):
        return True


def _decoded_frames(path: Path) -> int:
    n_frames = 0
    with OpenSound(path) as file:
        while n_read := len(file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            n_frames += n_read
    return n_frames
