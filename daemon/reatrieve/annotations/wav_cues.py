"""Cue points of WAV files, with the lengths of regions in either encoding (`ltxt`, or the `smpl` loops of REAPER's
renders)."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reatrieve.annotations.annotation import Annotation
from reatrieve.audio.riff import Chunk, missing_bytes, read_chunk, subchunks, walk_chunks, wave_format
from reatrieve.errors import InputError
from reatrieve.files import open_source

__all__ = ["Cue", "SamplerLoops", "read_cues", "read_wav_cues", "sampler_loops"]

T = TypeVar("T")

LIST_IDS = (b"LIST", b"list")  # some tools write the list's name in lower case


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue point in sample frames; ``length`` is 0 where no region belongs to it, ``note`` what else is written
    there beside the label: the text of its length, a comment."""

    id: int
    position: int
    length: int
    label: str
    note: str = ""


def read_wav_cues(path: Path, *, on_note: Callable[[str], None] | None = None) -> list[Annotation]:
    """The cues of a WAV file as annotations in seconds, by time; empty when it has none.

    Parameters
    ----------
    path : the file.
    on_note : told that the end of the file is missing, where labels are that stood before its sound.

    Raises
    ------
    AudioError
        If it is no WAV.
    InputError
        If its cue chunk is damaged, or lost with the end of the file.
    """
    chunks = walk_chunks(path)
    missing = missing_bytes(path, chunks)
    rate_hz, cues = _cues_in(path, chunks) if missing is None else _cues_of_cut(path, chunks, *missing, on_note)
    try:
        return [
            Annotation(
                cue.position / rate_hz, (cue.position + cue.length) / rate_hz, cue.label, path.name, payload=cue.note
            )
            for cue in cues
        ]
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def read_cues(path: Path) -> tuple[int, list[Cue]]:
    """Sample rate in Hz and the cues in frames, sorted by position.

    Cues that share an id are told apart by their order where there are as many labels as cues; a single label is that
    of all.

    Raises
    ------
    AudioError
        If it is no WAV.
    InputError
        If its cue chunk is damaged, or labels or lengths cannot be told apart.
    """
    return _cues_in(path, walk_chunks(path))


def _cues_of_cut(
    path: Path, chunks: Sequence[Chunk], promised: int, there: int, on_note: Callable[[str], None] | None
) -> tuple[int, list[Cue]]:
    """As ``read_cues``, of a file whose end is missing: what stands before its sound is whole."""
    found = _cues_in(path, chunks) if chunks and chunks[-1].id == b"data" else (0, [])
    if not found[1]:
        raise InputError(
            f"{path.name} was cut off: its header promises {promised} bytes, {there} are there; its labels stand "
            "behind the sound, so take another copy"
        )
    if on_note is not None:
        on_note(
            f"{path.name} was cut off: its header promises {promised} bytes, {there} are there; labels behind its "
            "sound are lost"
        )
    return found


def _cues_in(path: Path, chunks: Sequence[Chunk]) -> tuple[int, list[Cue]]:
    rate_hz = wave_format(path, list(chunks)).rate_hz
    if rate_hz <= 0:
        raise InputError(f"{path.name} says {rate_hz} Hz; it is damaged")
    positions: defaultdict[int, list[int]] = defaultdict(list)
    texts = _CueTexts()
    sampler: SamplerLoops | None = None
    with open_source(path) as file:
        for chunk in chunks:
            if chunk.id == b"cue ":
                for cue_id, position in _positions(read_chunk(file, chunk), path.name):
                    positions[cue_id].append(position)
            elif chunk.id == b"smpl":
                sampler = sampler_loops(read_chunk(file, chunk))
            elif chunk.id in LIST_IDS:
                content = read_chunk(file, chunk)
                if content[:4] == b"adtl":
                    texts.read(content[4:])
    cues = [cue for cue_id in positions for cue in _cues(cue_id, positions[cue_id], texts, sampler, path.name)]
    return rate_hz, sorted(dict.fromkeys(cues), key=lambda cue: (cue.position, cue.id))


@dataclass(frozen=True)
class SamplerLoops:
    """What a ``smpl`` chunk holds: first and last frame of each loop by its id.

    ``are_regions`` is set where REAPER wrote its regions so: it leaves the sample period and the unity note at 0, and
    ends a loop where the region ends. Other editors' loops end with their last frame.
    """

    are_regions: bool
    loops: dict[int, tuple[int, int]]


def sampler_loops(content: bytes) -> SamplerLoops:
    """Read the content of a ``smpl`` chunk; one that is cut short has no loops."""
    if len(content) < 36:
        return SamplerLoops(False, {})
    period_ns, unity_note = struct.unpack_from("<II", content, 8)
    (count,) = struct.unpack_from("<I", content, 28)
    found = {}
    for index in range(min(count, (len(content) - 36) // 24)):
        loop_id, _, start, end, _, _ = struct.unpack_from("<IIIIII", content, 36 + 24 * index)
        found[loop_id] = (start, end)
    return SamplerLoops(period_ns == 0 and unity_note == 0, found)


class _CueTexts:
    """The chunks of ``LIST adtl``, by the id of the cue that they belong to."""

    def __init__(self) -> None:
        self.labels: defaultdict[int, list[str]] = defaultdict(list)
        self.notes: defaultdict[int, list[str]] = defaultdict(list)
        self.lengths: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)

    def read(self, content: bytes) -> None:
        for chunk_id, body in subchunks(content):
            if len(body) < 4:
                continue
            (cue_id,) = struct.unpack_from("<I", body)
            if chunk_id == b"labl":
                self.labels[cue_id].append(_text(body[4:]))
            elif chunk_id == b"note":
                self.notes[cue_id].append(_text(body[4:]))
            elif chunk_id == b"ltxt" and len(body) >= 8:
                (length,) = struct.unpack_from("<I", body, 4)
                page = struct.unpack_from("<H", body, 18)[0] if len(body) >= 20 else 0
                self.lengths[cue_id].append((length, _text(body[20:], code_page=page)))


def _cues(
    cue_id: int, positions: Sequence[int], texts: _CueTexts, sampler: SamplerLoops | None, name: str
) -> Iterator[Cue]:
    n, shared = len(positions), f"{name}: {len(positions)} cues share the id {cue_id}, but not their"
    labels = _in_order(texts.labels[cue_id], n, "", f"{shared} labels", one_for_all=True)
    notes = _in_order(texts.notes[cue_id], n, "", f"{shared} notes", one_for_all=True)
    ranges = _in_order(texts.lengths[cue_id], n, (0, ""), f"{shared} lengths")
    for position, label, note, (length, text) in zip(positions, labels, notes, ranges, strict=True):
        if not length and sampler and cue_id in sampler.loops and sampler.loops[cue_id][0] == position:
            length = max(0, sampler.loops[cue_id][1] - position + (not sampler.are_regions))
        first, *more = list(dict.fromkeys(each for each in (label, text, note) if each)) or [""]
        yield Cue(cue_id, position, length, first, " ".join(more))


def _in_order(values: list[T], n: int, default: T, problem: str, *, one_for_all: bool = False) -> list[T]:
    """One value a cue: as many as there are cues, or none. Of several for a single cue the last counts."""
    if not values:
        return [default] * n
    if n == 1 or (one_for_all and len(values) == 1):
        return values[-1:] * n
    if len(values) != n:
        raise InputError(f"{problem}; number them anew where they were made")
    return values


def _positions(content: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Id and frame of each cue."""
    if len(content) < 4:
        raise InputError(f"{name}: its cue chunk is cut short")
    (count,) = struct.unpack_from("<I", content)
    if len(content) < 4 + 24 * count:
        promised = "1 cue" if count == 1 else f"{count} cues"
        raise InputError(f"{name}: its cue chunk promises {promised} and holds fewer")
    for index in range(count):
        cue_id, position, _, _, _, offset = struct.unpack_from("<II4sIII", content, 4 + 24 * index)
        yield cue_id, offset or position  # a widespread script leaves one of the two at 0


def _text(content: bytes, *, code_page: int = 0) -> str:
    raw = content.split(b"\0", 1)[0]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode(f"cp{code_page}" if code_page else "cp1252", errors="replace")
    except LookupError:
        return raw.decode("cp1252", errors="replace")
