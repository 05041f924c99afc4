"""Sheets of events and WAV files made by hand, for the tests of writers and readers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from reatrieve.sync.model import SyncAudio, SyncEvent, SyncSheet, SyncTempo
from reatrieve.sync.tempo import Position
from reatrieve.sync.wave_content import describe

BEXT = b"made for a test".ljust(602, b"\0") + b"A=PCM"  # odd length: its padding byte is not part of it
IXML = "<BWFXML><SCENE>Übung</SCENE></BWFXML>".encode()
INFO = b"INFO" + b"ISFT" + struct.pack("<I", 5) + b"test\0" + b"\0"

NASTY_LABELS = (
    "riser",
    "odd",
    "",
    "サビの前",
    "quote \" and ' here",
    "comma, semicolon; tab\tend",
    "line\nbreak\r\nhere",
    "#render me",
    "=metadata",
    "!action 40044",
    "back\\slash /slash",
    "Größe é ñ",
    "</script> */ // ${x} %s @EVENTS@",
    "x" * 300,
    "ä" * 200,
)

FORMATS = {"u8": (1, 8), "16": (1, 16), "24": (1, 24), "32": (1, 32), "float": (3, 32), "double": (3, 64)}


def pack(chunk_id: bytes, content: bytes) -> bytes:
    """A chunk, written here a second time so that the tests do not rest on the code under test."""
    return chunk_id + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wav_bytes(
    *,
    frames: int = 4800,
    rate_hz: int = 48000,
    channels: int = 2,
    form: str = "16",
    before: Sequence[bytes] = (),
    after: Sequence[bytes] = (),
    seed: int = 0,
) -> bytes:
    """A whole WAV of random samples with further packed chunks before and after the data."""
    tag, bits = FORMATS[form]
    align = channels * bits // 8
    if tag == 3:
        samples = np.random.default_rng(seed).uniform(-1, 1, frames * channels)
        data = samples.astype("<f4" if bits == 32 else "<f8").tobytes()
    else:
        data = np.random.default_rng(seed).bytes(frames * align)
    fmt = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * align, align, bits)
    body = b"WAVE" + b"".join(before) + pack(b"fmt ", fmt) + pack(b"data", data) + b"".join(after)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Chunks of a WAV, split here a second time."""
    assert content[:4] == b"RIFF"
    assert content[8:12] == b"WAVE"
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
    found, at = [], 12
    while at < len(content):
        size = struct.unpack_from("<I", content, at + 4)[0]
        found.append((content[at : at + 4], content[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    assert at == len(content)
    return found


def event(
    number: int, start: int, end: int, label: str, anchor: int | None = None, pattern: str = "riser"
) -> SyncEvent:
    """An event whose anchor is its start unless said otherwise."""
    return SyncEvent(f"evt_{number:04d}", pattern, label, start, end, start if anchor is None else anchor)


def sheet(path: Path, events: Sequence[SyncEvent], *, tempo: Sequence[SyncTempo] = (), name: str = "song") -> SyncSheet:
    """The sheet of a real file."""
    return SyncSheet(name, describe(path), tuple(events), tuple(tempo))


def bare_sheet(
    events: Sequence[SyncEvent], *, rate_hz: int = 48000, frames: int = 48000 * 60, tempo: Sequence[SyncTempo] = ()
) -> SyncSheet:
    """A sheet whose audio does not exist, for the writers that never read it."""
    audio = SyncAudio(Path("song.wav"), 0.0, rate_hz, 2, frames, "0" * 64)
    return SyncSheet("song", audio, tuple(events), tuple(tempo))


def constant(bpm: float, numerator: int = 4, denominator: int = 4) -> list[SyncTempo]:
    """One tempo from the audio's start, which begins a bar."""
    return [SyncTempo(0.0, bpm, numerator, denominator, Position(1, 1.0))]


@st.composite
def event_lists(draw: st.DrawFn, *, frames: int, most: int = 12) -> list[SyncEvent]:
    """Any events in ``frames`` frames: overlapping, points, at frame 0, up to the last frame, with nasty labels."""
    edges = draw(
        st.lists(
            st.tuples(
                st.one_of(st.integers(0, frames - 1), st.just(0), st.just(frames - 1)),
                st.one_of(st.integers(0, frames), st.just(frames)),
                st.sampled_from(NASTY_LABELS),
                st.floats(0, 1),
                st.sampled_from(("riser", "snare", "声")),
            ),
            max_size=most,
        )
    )
    rows = sorted((min(a, b), max(a, b), label, share, pattern) for a, b, label, share, pattern in edges)
    return [
        event(i, start, end, label, min(frames - 1, start + int(share * max(0, end - start - 1))), pattern)
        for i, (start, end, label, share, pattern) in enumerate(rows, start=1)
    ]
