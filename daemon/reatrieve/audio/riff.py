"""RIFF chunks: where they lie in a file, and how they are packed (Microsoft and IBM, "Multimedia Programming
Interface", 1991)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from reatrieve.errors import AudioError
from reatrieve.files import open_source

__all__ = [
    "UNKNOWN_SIZE",
    "Chunk",
    "WaveFormat",
    "big_endian_chunk_ids",
    "data_bytes",
    "is_wave",
    "missing_bytes",
    "pack_chunk",
    "read_chunk",
    "subchunks",
    "walk_chunks",
    "wave_format",
]

UNKNOWN_SIZE = 0xFFFFFFFF
STREAMED_SIZE = 0x7FFFF000
"""A size from here on, in a file that is not so large, says nothing: its writer never came back to say how long it
is."""
HEADER_BYTES = 8
"""Some writers count the header of the file, too."""
NO_ID = b"\0\0\0\0"
"""Zeros behind the last chunk: a recorder has taken room ahead."""
MOST_CHUNKS = 10_000
WAVE_FORMAT_PCM = 1
WAVE_FORMAT_IEEE_FLOAT = 3
WAVE_FORMAT_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its four letters, where its content begins in the file and how many bytes it has (padding not
    counted)."""

    id: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class WaveFormat:
    """What the ``fmt `` chunk says. ``tag`` is the sub-format's where the format is extensible."""

    tag: int
    channels: int
    rate_hz: int
    block_align: int
    bits: int

    @property
    def is_uncompressed(self) -> bool:
        """Whether one block is one sample frame: integer or float PCM."""
        return self.tag in (WAVE_FORMAT_PCM, WAVE_FORMAT_IEEE_FLOAT) and self.block_align > 0


def is_wave(path: Path) -> bool:
    """Whether the file begins like a WAV (RIFF, or RF64 / BW64 for large ones), whatever its name.

    Raises
    ------
    OSError
        If it cannot be read; what is no plain file, as a pipe, is not even opened.
    """
    with open_source(path) as file:
        head = file.read(12)
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def walk_chunks(path: Path) -> list[Chunk]:
    """List the top-level chunks of a WAV file, in file order.

    Sizes that cannot be true (a stream writer that never came back, a file cut short) are cut to what the file holds;
    64-bit sizes of RF64 come from its ``ds64``. Bytes after the last whole chunk are ignored, and so are zeros in its
    place.

    Raises
    ------
    AudioError
        If the file is no WAV, or has more than ``MOST_CHUNKS``.
    """
    total = path.stat().st_size
    with open_source(path) as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
            raise AudioError(f"{path.name} is not a WAV file")
        chunks: list[Chunk] = []
        long_data_size: int | None = None
        position = 12
        while position + 8 <= total:
            file.seek(position)
            chunk_id, size = struct.unpack("<4sI", file.read(8))
            if chunk_id == NO_ID:
                break
            if len(chunks) == MOST_CHUNKS:
                raise AudioError(f"{path.name} has more than {MOST_CHUNKS} chunks: it is damaged; save it as WAV again")
            if chunk_id == b"ds64" and size >= 16:
                long_data_size = struct.unpack("<Q", file.read(16)[8:])[0]
            if chunk_id == b"data" and size == UNKNOWN_SIZE and long_data_size is not None:
                size = long_data_size
            size = min(size, total - position - 8)
            chunks.append(Chunk(chunk_id, position + 8, size))
            position += 8 + size + size % 2
    return chunks


def data_bytes(path: Path, data: Chunk) -> int | None:
    """Size of the ``data`` chunk as the file says it, be it larger than the file; None where it says none."""
    with open_source(path) as file:
        return _promised_size(file, path.stat().st_size, at=data.offset - 4, long_at=28)


def missing_bytes(path: Path, chunks: list[Chunk]) -> tuple[int, int] | None:
    """Bytes that a WAV promises and bytes that it has, if its end is missing.

    Parameters
    ----------
    chunks : what ``walk_chunks`` lists of it.
    """
    there = path.stat().st_size
    with open_source(path) as file:
        promised = _promised_size(file, there, at=4, long_at=20) or 0
        if promised > there:  # less may be a writer that counts the header, too
            return HEADER_BYTES + promised, there
        last = _promised_size(file, there, at=chunks[-1].offset - 4, long_at=28) if chunks else None
    if last is None or last <= chunks[-1].size:
        return None
    return max(HEADER_BYTES + promised, chunks[-1].offset + last), there


def _promised_size(file: BinaryIO, there: int, *, at: int, long_at: int) -> int | None:
    """The size in 32 bits at ``at``, or that in 64 bits in the ``ds64`` of an RF64; None where a file of ``there``
    bytes says none."""
    file.seek(0)
    head = file.read(36)
    file.seek(at)
    (size,) = struct.unpack("<I", file.read(4))
    if size == UNKNOWN_SIZE and head[12:16] == b"ds64" and len(head) == 36:
        return int(struct.unpack_from("<Q", head, long_at)[0])
    is_streamed = size >= 0xFFFFF000 or (size >= STREAMED_SIZE and there < STREAMED_SIZE)
    return None if is_streamed else int(size)


def big_endian_chunk_ids(path: Path) -> list[bytes]:
    """Ids of the top-level chunks of a file whose sizes have their high byte first: RIFX, and IFF as AIFF uses it;
    none for others."""
    total = path.stat().st_size
    found: list[bytes] = []
    with open_source(path) as file:
        if file.read(12)[:4] not in (b"RIFX", b"FORM"):
            return []
        position = 12
        while position + 8 <= total:
            file.seek(position)
            chunk_id, size = struct.unpack(">4sI", file.read(8))
            if chunk_id == NO_ID or len(found) == MOST_CHUNKS:
                break
            found.append(chunk_id)
            position += 8 + size + size % 2
    return found


def read_chunk(file: BinaryIO, chunk: Chunk) -> bytes:
    """The chunk's content, whole."""
    file.seek(chunk.offset)
    return file.read(chunk.size)


def wave_format(path: Path, chunks: list[Chunk]) -> WaveFormat:
    """Decode the ``fmt `` chunk.

    Raises
    ------
    AudioError
        If there is none, or it is too short.
    """
    found = next((chunk for chunk in chunks if chunk.id == b"fmt "), None)
    if found is None or found.size < 16:
        raise AudioError(f"{path.name} has no fmt chunk; it is not a usable WAV file")
    with open_source(path) as file:
        content = read_chunk(file, found)
    tag, channels, rate_hz, _bytes_per_s, block_align, bits = struct.unpack_from("<HHIIHH", content)
    if tag == WAVE_FORMAT_EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack_from("<H", content, 24)[0]
    return WaveFormat(tag, channels, rate_hz, block_align, bits)


def subchunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Id and content of each chunk inside a ``LIST`` (the list's own type, its first four bytes, already taken off)."""
    position = 0
    while position + 8 <= len(content):
        chunk_id, size = struct.unpack_from("<4sI", content, position)
        yield chunk_id, content[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def pack_chunk(chunk_id: bytes, content: bytes) -> bytes:
    """One chunk as bytes: padded to even length, the padding not counted in its size."""
    return struct.pack("<4sI", chunk_id, len(content)) + content + b"\0" * (len(content) % 2)
