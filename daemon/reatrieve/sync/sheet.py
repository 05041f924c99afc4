"""Accepted regions to a sheet of events: project time becomes frames of the shipped audio here and nowhere else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from reatrieve.audio.stitch import TrackAudio
from reatrieve.errors import InputError
from reatrieve.session.spans import Span
from reatrieve.sync.anchors import Placement, found_anchors, placed
from reatrieve.sync.marker_names import ascii_folded, demand_template, fill_template, folded_apart
from reatrieve.sync.model import Accepted, SyncAudio, SyncEvent, SyncSheet, SyncTempo, frame_at
from reatrieve.sync.placed_audio import listed, to_frames
from reatrieve.sync.targets import Options
from reatrieve.sync.tempo import Position, TempoMap

__all__ = ["Note", "events_of", "sheet_of"]

Note = Callable[[str], None]
"""Told what the user should know, one sentence each."""


def sheet_of(
    name: str, audio: SyncAudio, events: Sequence[SyncEvent], others: Sequence[SyncEvent], tempo_map: TempoMap | None
) -> SyncSheet:
    """All events of one export by start, numbered anew where ``others`` (events of earlier exports) join them; those
    count their bars and beats by the same tempo map as all."""
    tempo = []
    if tempo_map is not None:
        for step in tempo_map.steps(audio.start_s, audio.start_s + audio.duration_s):
            time_s = step.time_s - audio.start_s
            tempo.append(SyncTempo(time_s, step.bpm, step.numerator, step.denominator, step.position))
    if others:
        others = [replace(one, position=_position(one.anchor, audio, tempo_map)) for one in others]
        together = sorted([*events, *others], key=lambda event: (event.start, event.end, event.label))
        events = [replace(event, id=f"evt_{number:04d}") for number, event in enumerate(together, start=1)]
    return SyncSheet(name, audio, tuple(events), tuple(tempo))


def events_of(
    accepted: Sequence[Accepted],
    audio: SyncAudio,
    placement: Placement,
    options: Options,
    *,
    sound: TrackAudio | None,
    note: Note,
) -> list[SyncEvent]:
    """Events in frames of ``audio``, by start.

    Parameters
    ----------
    accepted : regions in project seconds; the first of each sound is its example.
    sound : what anchors are found on; None: only the anchor ``start`` is possible.
    note : told which anchors had to be moved into the audio.

    Raises
    ------
    InputError
        Regions outside the audio, by name; an anchor that needs ``sound``; ``snap`` without a tempo map; a template
        that cannot be read.
    """
    demand_template(options.label)
    accepted = [
        replace(one, label=_clean(one.label), pattern=_clean(one.sound), payload=_clean(one.payload))
        for one in accepted
    ]
    if options.label_ascii:
        plain = folded_apart(text for one in accepted for text in (one.pattern, one.label))
        accepted = [replace(one, label=plain[one.label], pattern=plain[one.pattern]) for one in accepted]
        options = replace(options, label=ascii_folded(options.label))
    frames = to_frames(accepted, audio)
    anchor_times = _anchor_times(accepted, sound, placement)
    order = sorted(range(len(accepted)), key=lambda i: (frames[i], accepted[i].label, i))
    tempo_map = placement.tempo_map
    counts: Counter[str] = Counter()
    events, moved = [], []
    for number, index in enumerate(order, start=1):
        one, (start, end) = accepted[index], frames[index]
        at = frame_at(anchor_times[index] - audio.start_s, audio.rate_hz)
        if not placement.nudge_ms and not placement.snap:
            at = min(max(at, start), max(start, end - 1))
        if not 0 <= at < audio.frames:
            moved.append(one)
            at = min(max(at, 0), audio.frames - 1)
        position = _position(at, audio, tempo_map)
        counts[one.sound] += 1
        label = fill_template(
            options.label, label=one.label, pattern=one.sound, number=counts[one.sound], position=position
        )
        label = label if label.strip() else one.label
        events.append(
            SyncEvent(
                f"evt_{number:04d}", one.sound, label, start, end, at,
                position, one.score, one.region_id, one.payload,
            )
        )  # fmt: skip
    if moved:
        note(f"the anchors of {listed(moved)} would lie outside the audio and were put on its edge")
    return events


def _position(frame: int, audio: SyncAudio, tempo_map: TempoMap | None) -> Position | None:
    """Bar and beat of a frame; None where no tempo is known."""
    if tempo_map is None:
        return None
    return tempo_map.position(audio.start_s + frame / audio.rate_hz, within_s=0.5 / audio.rate_hz)


def _anchor_times(accepted: Sequence[Accepted], sound: TrackAudio | None, placement: Placement) -> list[float]:
    """Anchors sound by sound, since each has its own onset; points are their own anchors."""
    times = [one.start_s for one in accepted]
    by_sound: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(accepted):
        if one.end_s > one.start_s:
            by_sound[one.sound].append(index)
    if placement.anchor != "start" and by_sound:
        if sound is None:
            raise InputError(f"the anchor {placement.anchor} needs audio to find it in; use the anchor start")
        for indices in by_sound.values():
            spans = [Span(accepted[i].start_s, accepted[i].end_s) for i in indices]
            for index, time_s in zip(indices, found_anchors(sound, spans, kind=placement.anchor), strict=True):
                times[index] = time_s
    return placed(times, placement)


def _clean(text: str) -> str:
    """Text that every encoder takes: no NUL, which ends a string in half of the formats, and no broken surrogates."""
    return text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")
