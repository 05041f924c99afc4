"""Whose time: which audio the game ships, and project time to its frames."""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from reatrieve.session.retriever import Progress
from reatrieve.sync.model import Accepted, SyncAudio, frame_at
from reatrieve.sync.wave_content import describe, format_chunk, open_content, pcm_bytes

__all__ = ["EDGE_S", "SourceFile", "listed", "source_file", "to_frames", "write_track"]

EDGE_S = 0.001
"""How far an edge may stick out of the audio and is cut: rounding of item edges, less than anybody hears."""

SAME_S = 1e-4
DECODERS_DIFFER_S = 0.1
"""How much earlier a lossy file may begin and how much later end for REAPER than for us; events outside are refused in
any case."""

TRACK_BITS = 24
DEFAULT_RATE_HZ = 48000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that lies unchanged on the track, and the project time of its first frame."""

    path: Path
    start_s: float


def source_file(track_map: TrackMap, accepted: Sequence[Accepted]) -> SourceFile:
    """The one source file on whose timeline all events lie.

    It must sound as it is: not looped, stretched, reversed or rendered by REAPER. An item cut into pieces that were
    left in place counts as one.

    Raises
    ------
    InputError
        If there is none, or more than one: what is in the way, and what to do.
    """
    stretches: defaultdict[tuple[Path, int], list[tuple[float, float]]] = defaultdict(list)
    starts: dict[tuple[Path, int], float] = {}
    obstacles = []
    lengths_s: dict[Path, tuple[float, float]] = {}
    for item in track_map.items:
        obstacle = _obstacle(item, lengths_s)
        if obstacle:
            obstacles.append(f"{item.path.name} at {item.position_s:.3f} s {obstacle}")
            continue
        start_s = item.position_s - item.offset_s - item.section_start_s
        key = (item.path, round(start_s / SAME_S))
        key = next((k for k in starts if k[0] == item.path and abs(starts[k] - start_s) < SAME_S), key)
        starts.setdefault(key, start_s)
        stretches[key].append((item.position_s, item.end_s))
    fitting = [key for key in starts if all(_covered(event, stretches[key]) for event in accepted)]
    if len(fitting) == 1:
        return SourceFile(fitting[0][0], starts[fitting[0]])
    hint = "choose a render of the project, or let ReaTrieve write the stitched track"
    if fitting:
        names = ", ".join(dict.fromkeys(key[0].name for key in fitting))
        raise InputError(f"all events lie on more than one source ({names}); {hint}")
    if obstacles and len(obstacles) == len(track_map.items):
        raise InputError(f"no source file can stand for the track: {'; '.join(obstacles[:3])}; {hint}")
    raise InputError(f"the events do not all lie on one source file of the track; {hint}")


def to_frames(accepted: Iterable[Accepted], audio: SyncAudio) -> list[tuple[int, int]]:
    """Start and end frame of each event in the audio; the one conversion from project time.

    Raises
    ------
    InputError
        If events stick out of the audio: their names and times.
    """
    frames = []
    outside = []
    slack = max(1, frame_at(EDGE_S, audio.rate_hz))
    for event in accepted:
        start = frame_at(event.start_s - audio.start_s, audio.rate_hz)
        end = frame_at(event.end_s - audio.start_s, audio.rate_hz)
        if event.end_s > event.start_s:
            end = max(end, start + 1)
        if (
            start < -slack
            or end > audio.frames + slack
            or (event.start_s == event.end_s and start >= audio.frames + slack)
        ):
            outside.append(event)
            continue
        start = min(max(start, 0), audio.frames - 1)
        end = start if event.start_s == event.end_s else min(max(end, start + 1), audio.frames)
        frames.append((start, end))
    if outside:
        start_s, end_s = audio.start_s, audio.start_s + audio.duration_s
        verb = "lies" if len(outside) == 1 else "lie"
        raise InputError(
            f"{listed(outside)} {verb} outside {audio.path.name}, which covers {start_s:.3f} to {end_s:.3f} s of the "
            "project; choose audio that covers all events, or correct its start"
        )
    return frames


def write_track(
    track_map: TrackMap, path: Path, *, rate_hz: int | None = None, progress: Progress | None = None
) -> tuple[SyncAudio, bool]:
    """Write the stitched track as a 24-bit stereo WAV (mono if every source is) from the track's first item on.

    Parameters
    ----------
    rate_hz : sample rate; None: that of the sources if they agree, else 48,000.

    Returns
    -------
    audio, clipped : the file, and whether samples beyond full scale had to be clipped.

    Raises
    ------
    AudioError
        If a source cannot be read.
    InputError
        If the file would be larger than a WAV can be.
    """
    contents = [open_content(source) for source in track_map.paths]
    rates = {content.rate_hz for content in contents}
    rate_hz = rate_hz or (rates.pop() if len(rates) == 1 else DEFAULT_RATE_HZ)
    mono = all(content.channels == 1 for content in contents) and all(item.pan == 0 for item in track_map.items)
    channels = 1 if mono else 2
    sound = TrackAudio(track_map)
    frames = sound.n_samples(rate_hz)
    size = frames * channels * TRACK_BITS // 8
    if size + 100 > 0xFFFFFFFF:
        raise InputError(f"the stitched track would have {size / 2**30:.1f} GB, more than a WAV holds; choose a render")
    fmt = format_chunk(rate_hz, channels, TRACK_BITS)
    total = 4 + len(fmt) + 8 + size + size % 2
    clipped = False
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", total, b"WAVE") + fmt + struct.pack("<4sI", b"data", size))
        for block in sound.blocks(rate_hz, mono=mono, progress=progress):
            samples = np.asarray(block, np.float64).T.reshape(-1, channels)
            clipped = clipped or bool(np.abs(samples).max(initial=0.0) > 1.0)
            file.write(pcm_bytes(samples, TRACK_BITS))
        file.write(b"\0" * (size % 2))
    return describe(path, start_s=track_map.origin_s), clipped


def listed(events: Sequence[Accepted], most: int = 5) -> str:
    """The events by name and time, at most ``most`` of them."""
    shown = ", ".join(str(event) for event in events[:most])
    return shown if len(events) <= most else f"{shown} and {len(events) - most} more"


def _obstacle(item: TrackItem, lengths_s: dict[Path, tuple[float, float]]) -> str:
    if item.accessor:
        return "was rendered by REAPER"
    if item.rate != 1.0:
        return f"plays at {item.rate:g} times its rate"
    if item.reverse:
        return "is reversed"
    if item.loop and not _plays_once(item, lengths_s):
        return "is looped"
    return ""


def _plays_once(item: TrackItem, lengths_s: dict[Path, tuple[float, float]]) -> bool:
    """Whether an item that would loop ends before it does, as REAPER's items are until somebody draws them out.

    ``lengths_s`` keeps the length of each file and how far off it may be: for many formats only decoding tells it. A
    file that cannot be read is for the caller to refuse.
    """
    length_s, slack_s = item.section_length_s, SAME_S
    if not length_s:
        if item.path not in lengths_s:
            lengths_s[item.path] = math.inf, DECODERS_DIFFER_S
            with suppress(AudioError):
                lengths_s[item.path] = _length_s(item.path)
        length_s, slack_s = lengths_s[item.path]
    return item.offset_s >= -slack_s and item.offset_s + item.length_s <= length_s + slack_s


def _length_s(path: Path) -> tuple[float, float]:
    content = open_content(path)
    if content.frames is not None:
        return content.frames / content.rate_hz, SAME_S
    return describe(path).duration_s, DECODERS_DIFFER_S


def _covered(event: Accepted, stretches: list[tuple[float, float]]) -> bool:
    """Whether the pieces cover the event without a gap."""
    reached = event.start_s + EDGE_S
    for start_s, end_s in sorted(stretches):
        if start_s <= reached <= end_s + EDGE_S:
            reached = max(reached, end_s + EDGE_S)
    return reached >= event.end_s and reached > event.start_s + EDGE_S
