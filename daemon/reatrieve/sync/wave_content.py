"""The samples of a target file as they stand, or would stand, in a WAV: sizes, hash, bytes and the chunks around
them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from reatrieve.audio.opening import OpenSound
from reatrieve.audio.riff import WAVE_FORMAT_EXTENSIBLE, WAVE_FORMAT_PCM, is_wave, pack_chunk, walk_chunks, wave_format
from reatrieve.errors import AudioError, NoShippedAudioError
from reatrieve.files import open_source
from reatrieve.session.retriever import Progress
from reatrieve.sync.model import SyncAudio

__all__ = ["WaveContent", "describe", "format_chunk", "open_content", "pcm_bytes"]

BLOCK_BYTES = 1 << 20
BLOCK_FRAMES = 1 << 16
PCM_16_SUBTYPES = frozenset(
    {"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32"}
)
SPEAKERS = {3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x13F, 8: 0x63F}
PCM_GUID = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


@dataclass(frozen=True)
class WaveContent:
    """One sound as WAV: format, number of frames, and its data as a stream of blocks.

    ``frames`` is None where only decoding tells it (mp3). ``fmt`` is the packed ``fmt `` chunk to write where the file
    has to be decoded.
    """

    path: Path
    rate_hz: int
    channels: int
    bytes_per_frame: int
    frames: int | None
    fmt: bytes
    decoded: bool
    blocks: Callable[[], Iterator[bytes]]


def open_content(path: Path) -> WaveContent:
    """Look at a sound file of any format that libsndfile reads; WAV files with PCM or float samples are taken as they
    are.

    Raises
    ------
    AudioError
        If it is no sound.
    NoShippedAudioError
        If it is missing.
    """
    if path.exists() and not path.is_file():
        raise AudioError(f"{path} is a folder or a device; choose the audio that the game ships")
    if not path.is_file():
        raise NoShippedAudioError(path)
    if is_wave(path):
        chunks = walk_chunks(path)
        form = wave_format(path, chunks)
        data = next((chunk for chunk in chunks if chunk.id == b"data"), None)
        if data is not None and form.is_uncompressed:
            size = data.size - data.size % form.block_align
            if not size:
                raise AudioError(f"{path.name} holds no sample; choose another file")
            return WaveContent(
                path, form.rate_hz, form.channels, form.block_align, size // form.block_align, b"", False,
                lambda: _file_blocks(path, data.offset, size),
            )  # fmt: skip
    return _decoded_content(path)


def describe(path: Path, *, start_s: float = 0.0, progress: Progress | None = None) -> SyncAudio:
    """What a sync file says of its audio; reads the whole file once, for the hash.

    Parameters
    ----------
    path : the audio that the game ships.
    start_s : project time of its first frame.

    Raises
    ------
    AudioError
        If it is missing, no sound, or holds no sample.
    """
    content = open_content(path)
    digest = hashlib.sha256()
    n_bytes = 0
    for block in content.blocks():
        digest.update(block)
        n_bytes += len(block)
        if progress is not None and content.frames:
            progress(min(1.0, n_bytes / (content.frames * content.bytes_per_frame)))
    frames = n_bytes // content.bytes_per_frame
    if not frames:
        raise AudioError(f"{path.name} holds no sample; choose another file")
    return SyncAudio(path, start_s, content.rate_hz, content.channels, frames, digest.hexdigest())


def format_chunk(rate_hz: int, channels: int, bits: int) -> bytes:
    """The packed ``fmt `` chunk of integer PCM; extensible, with the usual speakers, for more than two channels."""
    align = channels * bits // 8
    tag = WAVE_FORMAT_PCM if channels <= 2 else WAVE_FORMAT_EXTENSIBLE
    content = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * align, align, bits)
    if channels > 2:
        content += struct.pack("<HHIH", 22, bits, SPEAKERS.get(channels, 0), WAVE_FORMAT_PCM) + PCM_GUID
    return pack_chunk(b"fmt ", content)


def pcm_bytes(samples: NDArray[np.float64], bits: int) -> bytes:
    """Samples in -1..1, shape (frames, channels), as little-endian integers of 16 or 24 bits; louder ones are
    clipped."""
    full = 1 << (bits - 1)
    integers = np.clip(np.rint(samples * full), -full, full - 1).astype("<i4")
    return _packed(integers, bits)


def _file_blocks(path: Path, offset: int, size: int) -> Iterator[bytes]:
    with open_source(path) as file:
        file.seek(offset)
        while size:
            block = file.read(min(BLOCK_BYTES, size))
            if not block:
                raise AudioError(f"{path.name} was cut short while it was read; render it anew")
            size -= len(block)
            yield block


def _decoded_content(path: Path) -> WaveContent:
    try:
        with OpenSound(path) as info:
            rate_hz, channels, subtype = info.samplerate, info.channels, info.subtype
            frames = info.frames if info.format == "FLAC" and info.frames < (1 << 40) else None
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError) as error:
        raise AudioError(f"{path}: cannot be read as sound; convert it to wav, flac, ogg or mp3") from error
    bits = 16 if subtype in PCM_16_SUBTYPES else 24
    exact = subtype in ("PCM_16", "PCM_24")

    def blocks() -> Iterator[bytes]:
        try:
            with OpenSound(path) as file:
                while True:
                    block = file.read(BLOCK_FRAMES, dtype="int32" if exact else "float64", always_2d=True)
                    if not len(block):
                        return
                    # libsndfile puts integers of any width at the top of 32 bits
                    yield _packed(block >> (32 - bits), bits) if exact else pcm_bytes(np.nan_to_num(block), bits)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioError(f"{path}: cannot be decoded; the file is damaged, render it anew") from error

    fmt = format_chunk(rate_hz, channels, bits)
    return WaveContent(path, rate_hz, channels, channels * bits // 8, frames, fmt, True, blocks)


def _packed(integers: NDArray[np.int32], bits: int) -> bytes:
    little = np.ascontiguousarray(integers, dtype="<i4")
    return bytes(little.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes())
