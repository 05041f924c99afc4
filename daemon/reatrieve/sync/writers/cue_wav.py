"""Cue WAV: a copy of the audio with `cue ` points and one `LIST adtl`, samples and other chunks untouched.

The order (data, cue, all `labl`, all `ltxt`) is the one that every program tested reads whole (docs/guide/exports.md).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reatrieve.annotations.wav_cues import SamplerLoops, sampler_loops
from reatrieve.audio.riff import big_endian_chunk_ids, is_wave, pack_chunk, read_chunk, walk_chunks
from reatrieve.errors import AudioError, InputError
from reatrieve.files import open_source
from reatrieve.session.retriever import Progress
from reatrieve.sync.model import SyncEvent, SyncSheet
from reatrieve.sync.wave_content import WaveContent, open_content

__all__ = ["MAX_LABEL_BYTES", "CuePoint", "cue_points", "write_cue_wav"]

MAX_FILE_BYTES = 0xFFFFFFFF
MAX_LABEL_BYTES = 255
"""libsndfile keeps 256 bytes of a cue's name; a longer one is lost there."""

MAX_KEPT_BYTES = 1 << 28

LEFT_OUT = frozenset({b"plst", b"ds64"})
SAMPLES_AND_PADDING = frozenset(
    {
        b"fmt ",
        b"fact",
        b"data",
        b"COMM",
        b"SSND",
        b"FVER",
        b"CHAN",
        b"PEAK",
        b"JUNK",
        b"junk",
        b"PAD ",
        b"FLLR",
        b"FILL",
    }
)


@dataclass(frozen=True, slots=True)
class CuePoint:
    """One cue: unique id, frame, length in frames (0: a point) and label as bytes."""

    id: int
    frame: int
    length: int
    label: bytes


def write_cue_wav(
    sheet: SyncSheet, path: Path, *, regions: bool = True, reaper_loops: bool = False, progress: Progress | None = None
) -> list[str]:
    """Write the cue WAV; the source is never touched.

    Parameters
    ----------
    sheet : events and the audio to copy. FLAC, Ogg, MP3 and the like are decoded (16 bit if they were, else 24).
    path : the new file.
    regions : give each cue the length up to its event's end; else points only.
    reaper_loops : also write a ``smpl`` loop a region, as REAPER's own renders do. Engines loop there!

    Returns
    -------
    notes : what the user should know, one sentence each.

    Raises
    ------
    InputError
        If the file would be larger than 4 GB, or its samples are not those that the events were placed on.
    AudioError
        If the audio cannot be read.
    """
    content = open_content(sheet.audio.path)
    size = sheet.audio.frames * content.bytes_per_frame
    _refuse_large(sheet, size)
    before, after, notes, taken = _kept_chunks(content)
    cues = cue_points(sheet.events, regions=regions, taken=taken)
    added = _cue_chunk(cues) + _list_chunk(cues)
    if reaper_loops:
        added += _loop_chunk(cues)
        notes.append("smpl loops were written: Wwise, Godot and Unreal will loop the music there")
    total = 4 + len(before) + 8 + size + size % 2 + len(added) + len(after)
    _refuse_large(sheet, total + 8)
    digest = hashlib.sha256()
    written = 0
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", total, b"WAVE") + before + struct.pack("<4sI", b"data", size))
        for block in _exactly(content.blocks(), size):
            digest.update(block)
            file.write(block)
            written += len(block)
            if progress is not None:
                progress(written / size)
        file.write(b"\0" * (size % 2) + added + after)
    if written != size or digest.hexdigest() != sheet.audio.pcm_sha256:
        raise InputError(f"{sheet.audio.path.name} has changed since it was chosen; choose it again")
    return notes


def cue_points(events: Sequence[SyncEvent], *, regions: bool, taken: frozenset[int] = frozenset()) -> list[CuePoint]:
    """Cues at the anchors, by time, numbered from 1 (leaving out ``taken``): engines call back where the cue stands."""
    ids = (number for number in range(1, len(events) + len(taken) + 1) if number not in taken)
    return [
        CuePoint(next(ids), event.anchor, max(0, event.end - event.anchor) if regions else 0, _label_bytes(event.label))
        for event in sorted(events, key=lambda event: (event.anchor, event.end, event.id))
    ]


def _label_bytes(label: str) -> bytes:
    return label.encode("utf-8")[:MAX_LABEL_BYTES].decode("utf-8", errors="ignore").encode("utf-8")


def _refuse_large(sheet: SyncSheet, total: int) -> None:
    if total > MAX_FILE_BYTES:
        raise InputError(
            f"{sheet.audio.path.name} would make a cue WAV of {total / 2**30:.1f} GB, more than the 4 GB that a WAV "
            f"holds; "
            "export json or another target instead"
        )


def _exactly(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:size]
        size -= min(size, len(block))
        if not size:
            return


def _cue_chunk(cues: Sequence[CuePoint]) -> bytes:
    rows = (struct.pack("<II4sIII", cue.id, cue.frame, b"data", 0, 0, cue.frame) for cue in cues)
    return pack_chunk(b"cue ", struct.pack("<I", len(cues)) + b"".join(rows)) if cues else b""


def _list_chunk(cues: Sequence[CuePoint]) -> bytes:
    labels = (pack_chunk(b"labl", struct.pack("<I", cue.id) + cue.label + b"\0") for cue in cues)
    lengths = (
        pack_chunk(b"ltxt", struct.pack("<II4sHHHH", cue.id, cue.length, b"rgn ", 0, 0, 0, 0))
        for cue in cues
        if cue.length
    )
    return pack_chunk(b"LIST", b"adtl" + b"".join(labels) + b"".join(lengths)) if cues else b""


def _loop_chunk(cues: Sequence[CuePoint]) -> bytes:
    """As REAPER writes its regions: no sample period, no unity note, and the region's end as the loop's."""
    loops = [struct.pack("<6I", cue.id, 0, cue.frame, cue.frame + cue.length, 0, 0) for cue in cues if cue.length]
    head = struct.pack("<9I", *[0] * 7, len(loops), 0)
    return pack_chunk(b"smpl", head + b"".join(loops)) if loops else b""


def _kept_chunks(content: WaveContent) -> tuple[bytes, bytes, list[str], frozenset[int]]:
    """Packed chunks to write before and after the data, notes, and the loop ids that our cues must not share.

    Kept byte for byte is all but cue points and what hangs on them, the long sizes of an RF64, and what describes
    samples that were decoded. Lists that came before the data move behind ours: Unreal looks at the first ``LIST``
    only.
    """
    if content.decoded and not is_wave(content.path):
        return content.fmt, b"", _lost_chunks(content.path), frozenset()
    before: list[bytes] = []
    after: list[bytes] = []
    lists: list[bytes] = []
    notes: list[str] = []
    old_cues: set[int] = set()
    loops: tuple[bytes, SamplerLoops] | None = None
    left_out = LEFT_OUT
    if content.decoded:
        before.append(content.fmt)
        left_out |= {b"fmt ", b"fact"}
        notes.append(f"{content.path.name} is compressed and was decoded for the cue WAV")
    seen_data = False
    with open_source(content.path) as file:
        for chunk in walk_chunks(content.path):
            if chunk.id == b"data":
                seen_data = True
                continue
            if chunk.id in left_out:
                continue
            if chunk.size > MAX_KEPT_BYTES:
                notes.append(f"a chunk {_name(chunk.id)} of {chunk.size} bytes was left out")
                continue
            body = read_chunk(file, chunk)
            packed = pack_chunk(chunk.id, body)
            if chunk.id == b"cue ":
                old_cues |= {struct.unpack_from("<I", body, 4 + 24 * i)[0] for i in range((len(body) - 4) // 24)}
            elif chunk.id == b"smpl":
                loops = packed, sampler_loops(body)
            elif chunk.id.upper() == b"LIST":
                if body[:4] != b"adtl":
                    lists.append(packed)
            else:
                (after if seen_data else before).append(packed)
    if old_cues:
        points = "the cue point" if len(old_cues) == 1 else f"the {len(old_cues)} cue points"
        notes.append(
            f"{points} that {content.path.name} had {'is' if len(old_cues) == 1 else 'are'} not in the new file"
        )
    taken: frozenset[int] = frozenset()
    if loops is not None:
        packed, sampler = loops
        if sampler.are_regions and sampler.loops and sampler.loops.keys() <= old_cues:
            notes.append("its smpl loops were REAPER's regions and are not in the new file: engines would loop there")
        else:
            lists.append(packed)
            taken = frozenset(sampler.loops)
    return b"".join(before), b"".join(lists + after), notes, taken


def _lost_chunks(path: Path) -> list[str]:
    """A note on what a big-endian file (RIFX, AIFF) holds beside its samples: its numbers would read backwards here."""
    try:
        names = [_name(chunk_id) for chunk_id in big_endian_chunk_ids(path) if chunk_id not in SAMPLES_AND_PADDING]
    except OSError as error:
        raise AudioError(f"cannot read {path}: {error.strerror or error}") from error
    if not names:
        return []
    return [f"not copied from {path.name}: {', '.join(dict.fromkeys(names))}"]


def _name(chunk_id: bytes) -> str:
    return chunk_id.decode("latin-1").strip()
