from __future__ import annotations

import io

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.marker_names import ascii_folded
from reatrieve.sync.model import SyncTempo
from reatrieve.sync.tempo import Position, TempoEntry, TempoMap
from reatrieve.sync.writers.midi import TICKS_PER_QUARTER, TickClock, write_midi
from sync.sync_sheets import bare_sheet, constant, event, event_lists

RATE_HZ = 48000


def seconds_of_ticks(file: mido.MidiFile) -> list[tuple[int, float, float]]:
    """(tick, seconds, seconds a tick) for each tempo, worked out here a second time."""
    found, now, at_s, per_tick = [], 0, 0.0, 0.5 / TICKS_PER_QUARTER
    for message in file.tracks[0]:
        now += message.time
        if message.type == "set_tempo":
            if found:
                at_s += (now - found[-1][0]) * per_tick
            per_tick = message.tempo / 1e6 / TICKS_PER_QUARTER
            found.append((now, at_s, per_tick))
    return found


def time_of(tick: int, tempos: list[tuple[int, float, float]]) -> tuple[float, float]:
    start, at_s, per_tick = next(t for t in reversed(tempos) if t[0] <= tick)
    return at_s + (tick - start) * per_tick, per_tick


def texts(track: mido.MidiTrack, kind: str) -> list[tuple[int, str]]:
    now, found = 0, []
    for message in track:
        now += message.time
        if message.type == kind:
            found.append((now, message.text))
    return found


@st.composite
def tempos(draw):
    bpms = draw(st.lists(st.floats(30, 300), max_size=5))
    gaps = draw(st.lists(st.floats(0.3, 10), min_size=5, max_size=5))
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    return [SyncTempo(t, bpm, 4, 4, Position(1, 1.0)) for t, bpm in zip(times, bpms, strict=False)]


@given(events=event_lists(frames=RATE_HZ * 60), tempo=tempos())
@settings(max_examples=60)
def test_markers_sections_and_notes_are_within_half_a_tick(events, tempo):
    content, _ = write_midi(bare_sheet(events, tempo=tempo))
    file = mido.MidiFile(file=io.BytesIO(content), charset="utf-8")
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, TICKS_PER_QUARTER, 3)
    clock = seconds_of_ticks(file)
    markers, sections = texts(file.tracks[0], "marker"), texts(file.tracks[1], "text")
    assert markers == sections
    expected = sorted((e.anchor / RATE_HZ, i) for i, e in enumerate(events))
    assert sorted(label for _, label in markers) == sorted(ascii_folded(one_line(e.label)) for e in events)
    for (tick, _), (time_s, _) in zip(markers, expected, strict=True):
        found_s, per_tick = time_of(tick, clock)
        assert abs(found_s - time_s) <= per_tick / 2 + 1e-9
    notes = []
    open_notes: dict[tuple[int, int], int] = {}
    now = 0
    for message in file.tracks[2]:
        now += message.time
        if message.type == "note_on":
            assert (message.note, message.channel) not in open_notes
            open_notes[message.note, message.channel] = now
        elif message.type == "note_off":
            notes.append((open_notes.pop((message.note, message.channel)), now))
    assert not open_notes
    spans = sorted((e.start / RATE_HZ, e.end / RATE_HZ) for e in events if not e.is_point)
    assert len(notes) == len(spans)
    for (on, off), (start_s, end_s) in zip(sorted(notes), spans, strict=True):
        on_s, per_tick = time_of(on, clock)
        assert abs(on_s - start_s) <= per_tick / 2 + 1e-9
        assert off > on
        off_s, off_tick = time_of(off, clock)
        assert off == on + 1 or min(abs(off_s - s[1]) for s in spans) <= off_tick / 2 + 1e-9
        assert end_s > start_s


def test_rounded_tempos_do_not_add_up():
    tempo = [SyncTempo(i * 0.37, 100 + i / 3, 4, 4, Position(1, 1.0)) for i in range(500)]
    clock = TickClock(tempo)
    for (tick, at_s, us), step in zip(clock.steps, tempo, strict=True):
        assert abs(at_s - step.time_s) <= us / 1e6 / TICKS_PER_QUARTER
        assert tick >= 0


def signatures(content: bytes) -> list[tuple[int, int, int]]:
    now, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(content)).tracks[0]:
        now += message.time
        if message.type == "time_signature":
            found.append((now, message.numerator, message.denominator))
    return found


def test_a_start_inside_a_bar_begins_with_a_short_bar():
    steps = TempoMap.constant(120).steps(1.0, 20.0)
    tempo = [SyncTempo(s.time_s - 1.0, s.bpm, s.numerator, s.denominator, s.position) for s in steps]
    content, notes = write_midi(bare_sheet([], tempo=tempo))
    assert signatures(content) == [(0, 2, 4), (2 * TICKS_PER_QUARTER, 4, 4)]
    assert notes == []
    tempo[0] = SyncTempo(0.0, 120, 4, 4, Position(1, 1.37))
    content, notes = write_midi(bare_sheet([], tempo=tempo))
    assert signatures(content) == [(0, 4, 4)]
    assert "bar lines" in notes[0]
    tempo[0] = SyncTempo(0.0, 120, 4, 4, Position(1, 4.999))  # a start typed with three decimals
    content, notes = write_midi(bare_sheet([], tempo=tempo))
    assert signatures(content) == [(0, 4, 4)]
    assert notes == []


def test_time_signatures_change_where_they_change():
    steps = TempoMap([TempoEntry(0.0, 120, 4, 4, 0, 0), TempoEntry(2.0, 120, 6, 8, 4, 1)]).steps(0.0, 10.0)
    tempo = [SyncTempo(s.time_s, s.bpm, s.numerator, s.denominator, s.position) for s in steps]
    content, _ = write_midi(bare_sheet([], tempo=tempo))
    assert signatures(content) == [(0, 4, 4), (4 * TICKS_PER_QUARTER, 6, 8)]
    content, notes = write_midi(bare_sheet([], tempo=constant(100, 4, 5)))
    assert signatures(content) == []
    assert "4/5" in notes[0]


def test_labels_are_ascii_with_a_note():
    content, notes = write_midi(bare_sheet([event(1, 0, 9, "Größe サ")]))
    assert texts(mido.MidiFile(file=io.BytesIO(content)).tracks[0], "marker") == [(0, "Grosse _")]
    assert "ASCII" in notes[0]


@pytest.mark.parametrize("bpm", [0.5, 1e9])
def test_impossible_tempos_are_held_at_what_a_tempo_event_holds(bpm):
    content, _ = write_midi(bare_sheet([event(1, 0, 48000, "a")], tempo=constant(bpm)))
    assert content
