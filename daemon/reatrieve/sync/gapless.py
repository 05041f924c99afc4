"""Whether decoders agree on where a lossy file begins: only then do events fire where they were placed."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from reatrieve.errors import AudioError
from reatrieve.files import open_source

__all__ = ["has_loose_timing", "loose_timing_note"]

HEAD_BYTES = 1 << 16
OGG_LOSSY = (b"\x01vorbis", b"OpusHead", b"Speex   ")
ID3_HEADER_BYTES = 10
XING_FLAGS_BYTES = ((1, 4), (2, 4), (4, 100), (8, 4))
"""Parts of a Xing header that its flags announce: frames, bytes, table of contents, quality."""
LAME_DELAYS_AT = 21
"""Where, from the encoder's name on, the delay and the padding stand: 12 bits each."""


def loose_timing_note(paths: Iterable[Path]) -> str:
    """One sentence on lossy files whose timing depends on the decoder; "" where there is none."""
    names = [path.name for path in paths if has_loose_timing(path)]
    if not names:
        return ""
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return (
        f"{names[0]}{more} has no gapless tags: decoders place its sound up to 25 ms apart, and the events with it; "
        "where that matters ship WAV or FLAC, or the cue WAV (--to wav)"
    )


def has_loose_timing(path: Path) -> bool:
    """Whether decoders place the file's first sample differently: Ogg Vorbis, Opus and Speex, and MP3 whose first frame
    does not say how much the encoder put before the sound (LAME's extension of the Xing header).

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    try:
        with open_source(path) as file:
            head = file.read(HEAD_BYTES)
            if head[:3] == b"ID3" and len(head) >= ID3_HEADER_BYTES:
                file.seek(_id3_bytes(head))
                head = file.read(HEAD_BYTES)
    except OSError as error:
        raise AudioError(f"cannot read {path}: {error.strerror or error}") from error
    if head[:4] == b"OggS":
        return any(codec in head[:128] for codec in OGG_LOSSY)
    head = head.lstrip(b"\0")  # some taggers leave padding after the tag
    return _is_mpeg_audio(head) and not _says_its_delay(head)


def _id3_bytes(head: bytes) -> int:
    """Size of an ID3v2 tag with its header: seven bits a byte; a footer may follow."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return ID3_HEADER_BYTES + size + (ID3_HEADER_BYTES if head[5] & 0x10 else 0)


def _is_mpeg_audio(head: bytes) -> bool:
    """Whether a frame of layer I to III begins here."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3


def _says_its_delay(head: bytes) -> bool:
    is_mpeg1, is_mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    side_bytes = (17 if is_mono else 32) if is_mpeg1 else (9 if is_mono else 17)
    at = 4 + side_bytes
    if head[at : at + 4] not in (b"Xing", b"Info"):
        at += 2  # a checksum after the frame's header
    if head[at : at + 4] not in (b"Xing", b"Info") or len(head) < at + 8:
        return False
    (flags,) = struct.unpack_from(">I", head, at + 4)
    encoder = at + 8 + sum(size for flag, size in XING_FLAGS_BYTES if flags & flag)
    return any(head[encoder + LAME_DELAYS_AT : encoder + LAME_DELAYS_AT + 3])
