"""MIDI: tempo and time signatures, a marker an event, sections for Unreal's Harmonix, regions as notes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.marker_names import ascii_folded, folded_apart
from reatrieve.sync.model import SyncSheet, SyncTempo

if TYPE_CHECKING:
    import mido

__all__ = ["TICKS_PER_QUARTER", "TickClock", "write_midi"]

TICKS_PER_QUARTER = 960
DEFAULT_BPM = 120.0
SLOWEST_US = 0xFFFFFF
"""A tempo event has 24 bits for the microseconds of a quarter note."""

LOWEST_NOTE = 60
N_CHANNELS = 16
NEAR_BEAT = 0.01


class TickClock:
    """Seconds to ticks under tempos rounded as the file holds them, so that rounding never adds up.

    Attributes
    ----------
    steps : (tick, seconds at that tick, microseconds a quarter) for each change of tempo.
    """

    def __init__(self, tempo: Sequence[SyncTempo]) -> None:
        self.steps: list[tuple[int, float, int]] = [(0, 0.0, _us(tempo[0].bpm if tempo else DEFAULT_BPM))]
        for step in tempo[1:]:
            tick, us = self.ticks(step.time_s), _us(step.bpm)
            last_tick, last_s, last_us = self.steps[-1]
            if us != last_us and tick > last_tick:
                self.steps.append((tick, last_s + (tick - last_tick) * last_us / 1e6 / TICKS_PER_QUARTER, us))

    def ticks(self, time_s: float) -> int:
        """The nearest tick."""
        tick, start_s, us = next(step for step in reversed(self.steps) if step[1] <= time_s or step[0] == 0)
        return tick + max(0, round((time_s - start_s) * 1e6 * TICKS_PER_QUARTER / us))


@dataclass(frozen=True, slots=True)
class _Note:
    on: int
    off: int
    note: int
    channel: int


def write_midi(sheet: SyncSheet) -> tuple[bytes, list[str]]:
    """A type 1 file, 960 ticks a quarter, and what the user should know. Tick 0 is the audio's first frame.

    Track 1 holds tempo, time signatures and markers at the anchors, track ``SECTIONS`` the same as texts, track
    ``REGIONS`` a note for each span, one pitch a sound. Text is ASCII: most readers of MIDI take it for that.
    """
    import mido  # here and below: the list of targets does not wait for it

    clock = TickClock(sheet.tempo)
    notes = []
    plain = [one_line(event.label) for event in sheet.events]
    folded = folded_apart(plain)
    labels = [folded[label] for label in plain]
    if any(label != event.label for label, event in zip(labels, sheet.events, strict=True)):
        notes.append("labels in the MIDI file were folded to ASCII")
    if not sheet.tempo:
        notes.append(f"no tempo is known: the MIDI file counts in {DEFAULT_BPM:g} bpm; reatrieve export takes --bpm")
    ticks = [clock.ticks(sheet.seconds(event.anchor)) for event in sheet.events]
    conductor = [(0, mido.MetaMessage("track_name", name=ascii_folded(one_line(sheet.name))))]
    conductor += [(tick, mido.MetaMessage("set_tempo", tempo=us)) for tick, _, us in clock.steps]
    conductor += _signatures(sheet.tempo, clock, notes)
    conductor += [(t, mido.MetaMessage("marker", text=label)) for t, label in zip(ticks, labels, strict=True)]
    sections = [(0, mido.MetaMessage("track_name", name="SECTIONS"))]
    sections += [(t, mido.MetaMessage("text", text=label)) for t, label in zip(ticks, labels, strict=True)]
    regions = [(0, mido.MetaMessage("track_name", name="REGIONS"))]
    for note in sorted(_notes(sheet, clock), key=lambda note: (note.on, note.channel, note.note)):
        regions.append((note.on, mido.Message("note_on", note=note.note, channel=note.channel, velocity=100)))
        regions.append((note.off, mido.Message("note_off", note=note.note, channel=note.channel, velocity=0)))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks = [_track(conductor), _track(sections), _track(regions)]
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue(), notes


def _us(bpm: float) -> int:
    return min(SLOWEST_US, max(1, round(60e6 / bpm)))


def _signatures(tempo: Sequence[SyncTempo], clock: TickClock, notes: list[str]) -> list[tuple[int, mido.MetaMessage]]:
    """Time signatures where they change. A start inside a bar begins with a short bar, so that the bar lines fall
    right."""
    found: list[tuple[int, mido.MetaMessage]] = []
    last = (4, 4)
    for index, step in enumerate(tempo):
        signature = step.numerator, step.denominator
        if signature == last and index:
            continue
        last = signature
        if step.denominator & (step.denominator - 1) or step.denominator > 64 or step.numerator > 255:
            notes.append(f"the time signature {step.numerator}/{step.denominator} has no form in MIDI and was left out")
            continue
        tick = clock.ticks(step.time_s)
        into_bar = step.position.beat - 1
        left = step.numerator - into_bar
        if index == 0 and into_bar > NEAR_BEAT and left > NEAR_BEAT:
            if abs(left - round(left)) < NEAR_BEAT and round(left) >= 1:
                found.append((tick, _signature(round(left), step.denominator)))
                tick = clock.ticks(step.time_s + left * 4 / step.denominator * 60 / step.bpm)
            else:
                notes.append(
                    "the audio begins between two beats: the MIDI file's bar lines are not those of the project"
                )
        found.append((tick, _signature(step.numerator, step.denominator)))
    return found


def _signature(numerator: int, denominator: int) -> mido.MetaMessage:
    import mido

    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)


def _notes(sheet: SyncSheet, clock: TickClock) -> list[_Note]:
    """Spans as notes; those of one pitch that overlap go to different channels, or their ends would be mixed up."""
    busy_until: dict[tuple[int, int], int] = {}
    found = []
    for event in sheet.events:
        if event.is_point:
            continue
        on = clock.ticks(sheet.seconds(event.start))
        off = max(on + 1, clock.ticks(sheet.seconds(event.end)))
        note = LOWEST_NOTE + sheet.patterns.index(event.pattern) % (128 - LOWEST_NOTE)
        lanes = ((pitch, channel) for pitch in [*range(note, 128), *range(note)] for channel in range(N_CHANNELS))
        lane = next((lane for lane in lanes if busy_until.get(lane, 0) <= on), (note, 0))
        busy_until[lane] = off
        found.append(_Note(on, off, *lane))
    return found


def _track(events: Sequence[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """Messages at ticks as a track; at one tick, notes end before others begin."""
    import mido

    track = mido.MidiTrack()
    now = 0
    for tick, message in sorted(events, key=lambda event: (event[0], event[1].type == "note_on")):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
