"""Is a sound file what it says it is? Samples that are no numbers, and files that were cut off."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from reatrieve.audio.decode import SoundInfo, SoundReader
from reatrieve.audio.opening import OpenSound
from reatrieve.audio.riff import UNKNOWN_SIZE, data_bytes, is_wave, walk_chunks, wave_format
from reatrieve.errors import AudioError
from reatrieve.files import open_source

__all__ = ["CutOff", "cut_off", "cut_off_note", "length_s", "not_numbers", "refuse_not_numbers"]

BLOCK_FRAMES = 1 << 18
SHORT_BY_S = 0.1
"""Less than this may be a matter of how a decoder counts."""
WAVE64 = b"riff.\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"
WAVE64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a"
OGG_PAGE_BYTES = 27 + 255 + 255 * 255
"""The longest page of an Ogg file."""


class CutOff(NamedTuple):
    """Seconds that a file promises, None where its header says nothing of that, and seconds that are there."""

    promised_s: float | None
    there_s: float


def refuse_not_numbers(path: Path) -> None:
    """Read a file of floating-point samples through, and refuse it if some are NaN or infinite.

    Raises
    ------
    AudioError
        Which they are, and from where.
    """
    if fault := not_numbers(path):
        raise AudioError(fault)


def not_numbers(path: Path) -> str:
    """Which samples of a file are NaN or infinite, and from where; "" where none is, or where it cannot be read."""
    try:
        with OpenSound(path) as file:
            if file.subtype not in ("FLOAT", "DOUBLE"):
                return ""
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
        return ""  # whoever reads it next says so
    if not count:
        return ""
    samples = "1 sample" if count == 1 else f"{count} samples of {done}"
    return f"{path} holds {kind} from {first / rate_hz:.3f} s on ({samples}); repair or render it anew"


def cut_off(path: Path) -> CutOff | None:
    """What a file promises and what is there, if that is less.

    Raises
    ------
    AudioError
        If it cannot be read as sound.
    """
    return _looked_at(path)[1]


def cut_off_note(path: Path) -> str:
    """The same in a sentence; "" where the file is whole.

    Raises
    ------
    AudioError
        If it cannot be read as sound.
    """
    found = cut_off(path)
    if found is None:
        return ""
    if found.promised_s is None:
        return f"{path.name} was cut off: its end is missing, {found.there_s:.3f} s are there"
    return f"{path.name} was cut off: its header promises {found.promised_s:.3f} s, {found.there_s:.3f} s are there"


def length_s(path: Path) -> float:
    """Seconds of sound that are there, whatever the header promises.

    Raises
    ------
    AudioError
        If it cannot be read as sound.
    """
    info, found = _looked_at(path)
    return info.duration_s if found is None else found.there_s


def _looked_at(path: Path) -> tuple[SoundInfo, CutOff | None]:
    with SoundReader(path) as reader:
        info = reader.info
    with open_source(path) as file:
        sign = file.read(4)
    if sign == b"OggS":
        return info, None if _ends_as_ogg(path) else CutOff(None, info.duration_s)
    promised = _promised_frames(path, info)
    there = _decoded_frames(path) if path.suffix.lower() == ".mp3" and _ends_early(path, info) else info.n_frames
    if promised - there <= SHORT_BY_S * info.rate_hz:
        return info, None
    return info, CutOff(promised / info.rate_hz, there / info.rate_hz)


def _promised_frames(path: Path, info: SoundInfo) -> int:
    """What the header says, where libsndfile cuts that to what is there (WAV in all its forms, AIFF, AU)."""
    with open_source(path) as file:
        head = file.read(16)
        if head == WAVE64:
            return _promised_by_wave64(path, info)
        if head[:4] == b".snd":
            offset, size = struct.unpack_from(">II", head, 4)
            there = path.stat().st_size - offset
            return info.n_frames if size == UNKNOWN_SIZE else _in_proportion(info, size, there)
        file.seek(12)
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
    if data is None:
        return info.n_frames
    size = data_bytes(path, data)
    if size is None:
        return info.n_frames
    return size // form.block_align if form.is_uncompressed else _in_proportion(info, size, data.size)


def _in_proportion(info: SoundInfo, promised: int, there: int) -> int:
    """Frames in so many bytes, where every second has as many of them."""
    return info.n_frames * promised // there if promised > there > 0 else info.n_frames


def _promised_by_wave64(path: Path, info: SoundInfo) -> int:
    """Sony Wave64: chunks as in a WAV, with names of 16 bytes, and with sizes of 8 that count name and size, too."""
    total, position = path.stat().st_size, 40
    with open_source(path) as file:
        while position + 24 <= total:
            file.seek(position)
            name, size = struct.unpack("<16sQ", file.read(24))
            if name == WAVE64_DATA:
                return _in_proportion(info, size - 24, total - position - 24)
            if size < 24:
                break
            position += size + -size % 8
    return info.n_frames


def _ends_as_ogg(path: Path) -> bool:
    """Whether an Ogg file ends with a whole page that says to be the last one."""
    total = path.stat().st_size
    with open_source(path) as file:
        file.seek(max(0, total - 2 * OGG_PAGE_BYTES))
        tail = file.read(2 * OGG_PAGE_BYTES)
    at = len(tail)
    while (at := tail.rfind(b"OggS\0", 0, at)) >= 0:
        n_parts = tail[at + 26] if at + 27 <= len(tail) else 0
        if at + 27 + n_parts <= len(tail):
            end = at + 27 + n_parts + sum(tail[at + 27 : at + 27 + n_parts])
            if end <= len(tail):
                return bool(tail[at + 5] & 4)
        return False
    return True  # nothing is known of it


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
