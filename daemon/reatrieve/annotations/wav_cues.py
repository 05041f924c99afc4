"""Cue points of WAV files, with the lengths of regions in either encoding (`ltxt`, or the `smpl` loops of REAPER's
renders)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from reatrieve.annotations.annotation import Annotation
from reatrieve.audio.riff import read_chunk, subchunks, walk_chunks, wave_format
from reatrieve.errors import InputError

__all__ = ["Cue", "read_cues", "read_wav_cues"]

LIST_IDS = (b"LIST", b"list")  # some tools write the list's name in lower case


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue point in sample frames; ``length`` is 0 where no region belongs to it, ``note`` a comment beside the
    label."""

    id: int
    position: int
    length: int
    label: str
    note: str = ""


def read_wav_cues(path: Path) -> list[Annotation]:
    """The cues of a WAV file as annotations in seconds, by time; empty when it has none.

    Raises
    ------
    AudioError
        If it is no WAV.
    InputError
        If its cue chunk is damaged.
    """
    rate_hz, cues = read_cues(path)
    return [
        Annotation(
            cue.position / rate_hz, (cue.position + cue.length) / rate_hz, cue.label, path.name, payload=cue.note
        )
        for cue in cues
    ]


def read_cues(path: Path) -> tuple[int, list[Cue]]:
    """Sample rate in Hz and the cues in frames, sorted by position."""
    chunks = walk_chunks(path)
    rate_hz = wave_format(path, chunks).rate_hz
    if rate_hz <= 0:
        raise InputError(f"{path.name} says {rate_hz} Hz; it is damaged")
    positions: dict[int, int] = {}
    labels: dict[int, str] = {}
    notes: dict[int, str] = {}
    lengths: dict[int, int] = {}
    loops: dict[int, tuple[int, int]] = {}
    with path.open("rb") as file:
        for chunk in chunks:
            if chunk.id == b"cue ":
                positions.update(_positions(read_chunk(file, chunk), path.name))
            elif chunk.id == b"smpl":
                loops.update(_loops(read_chunk(file, chunk)))
            elif chunk.id in LIST_IDS:
                content = read_chunk(file, chunk)
                if content[:4] == b"adtl":
                    _read_list(content[4:], labels, notes, lengths)
    cues = []
    for cue_id, position in positions.items():
        length = lengths.get(cue_id, 0)
        if not length and cue_id in loops and loops[cue_id][0] == position:  # REAPER's way: loop id = cue id
            length = max(0, loops[cue_id][1] - position)
        label, note = labels.get(cue_id, ""), notes.get(cue_id, "")
        cues.append(Cue(cue_id, position, length, label or note, note if label else ""))
    return rate_hz, sorted(cues, key=lambda cue: (cue.position, cue.id))


def _positions(content: bytes, name: str) -> dict[int, int]:
    if len(content) < 4:
        raise InputError(f"{name}: its cue chunk is cut short")
    (count,) = struct.unpack_from("<I", content)
    if len(content) < 4 + 24 * count:
        raise InputError(f"{name}: its cue chunk promises {count} cues and holds fewer")
    found = {}
    for index in range(count):
        cue_id, position, _, _, _, offset = struct.unpack_from("<II4sIII", content, 4 + 24 * index)
        found[cue_id] = offset or position  # a widespread script leaves one of the two at 0
    return found


def _loops(content: bytes) -> dict[int, tuple[int, int]]:
    """Start and end of each loop by its id. REAPER gives a region's end as its loop's end, and its start as its cue."""
    if len(content) < 36:
        return {}
    (count,) = struct.unpack_from("<I", content, 28)
    found = {}
    for index in range(min(count, (len(content) - 36) // 24)):
        loop_id, _, start, end, _, _ = struct.unpack_from("<IIIIII", content, 36 + 24 * index)
        found[loop_id] = (start, end)
    return found


def _read_list(content: bytes, labels: dict[int, str], notes: dict[int, str], lengths: dict[int, int]) -> None:
    for chunk_id, body in subchunks(content):
        if len(body) < 4:
            continue
        (cue_id,) = struct.unpack_from("<I", body)
        if chunk_id == b"labl":
            labels[cue_id] = _text(body[4:])
        elif chunk_id == b"note":
            notes[cue_id] = _text(body[4:])
        elif chunk_id == b"ltxt" and len(body) >= 8:
            (lengths[cue_id],) = struct.unpack_from("<I", body, 4)


def _text(content: bytes) -> str:
    raw = content.split(b"\0", 1)[0]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
