from __future__ import annotations

import contextlib
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve import limits
from reatrieve.errors import InputError
from reatrieve.sync.tempo import Position, TempoEntry, TempoMap


def test_constant_tempo():
    tempo = TempoMap.constant(120)
    assert tempo.position(0.0) == Position(1, 1.0)
    assert tempo.position(0.75) == Position(1, 2.5)
    assert tempo.position(2.0) == Position(2, 1.0)
    assert tempo.position(-0.5) == Position(0, 4.0)


def test_eighths_count_as_beats_in_six_eight():
    tempo = TempoMap.constant(120, 6, 8)
    assert tempo.position(0.25) == Position(1, 2.0)
    assert tempo.position(1.5) == Position(2, 1.0)


def test_a_time_signature_begins_a_bar_and_a_tempo_change_does_not():
    tempo = TempoMap(
        [
            TempoEntry(0.0, 120, 4, 4, 0.0, 0),
            TempoEntry(3.0, 60, 4, 4, 6.0, 1),
            TempoEntry(5.0, 60, 3, 4, 8.0, 2),
        ]
    )
    assert tempo.position(3.0) == Position(2, 3.0)
    assert tempo.position(4.0) == Position(2, 4.0)
    assert tempo.position(5.0) == Position(3, 1.0)
    assert tempo.position(8.0) == Position(4, 1.0)


def test_times_a_rounding_error_before_a_bar_belong_to_it():
    tempo = TempoMap.constant(174)
    bar_s = 4 * 60 / 174
    for bar in range(400):
        assert tempo.position(bar * bar_s - 1e-10).bar == bar + 1
        assert tempo.position(bar * bar_s - 1e-10).beat == pytest.approx(1.0, abs=1e-6)


def glide() -> TempoMap:
    """120 to 60 bpm over 4 s: 90 bpm on average, so 6 beats."""
    return TempoMap([TempoEntry(0.0, 120, 4, 4, 0.0, 0), TempoEntry(4.0, 60, 4, 4, 6.0, 1)])


def test_a_gliding_tempo_is_integrated():
    tempo = glide()
    # beats(t) = 2 t - t^2 / 8
    for t in (0.5, 1.0, 2.5, 3.99):
        beats = 2 * t - t * t / 8
        position = tempo.position(t)
        assert (position.bar - 1) * 4 + position.beat - 1 == pytest.approx(beats, abs=1e-9)
    assert tempo.position(5.0) == Position(2, 4.0)


def test_steps_of_a_glide_keep_every_beat_in_its_place():
    tempo = glide()
    steps = tempo.steps(0.0, 6.0)
    for a, b in pairwise(steps):
        beats = (b.time_s - a.time_s) * a.bpm / 60
        whole = (b.position.bar - a.position.bar) * 4 + b.position.beat - a.position.beat
        assert beats == pytest.approx(whole, abs=1e-9)
    assert steps[-1].bpm == 60
    assert len(steps) == 7
    again = TempoMap.of_steps(steps)
    assert len(again.steps(0.0, 6.0)) == 7
    for step in steps:
        assert beats_of(again.position(step.time_s)) == pytest.approx(beats_of(step.position), abs=1e-6)


@given(
    bpms=st.lists(st.floats(40, 240), min_size=1, max_size=6),
    gaps=st.lists(st.floats(0.5, 20), min_size=6, max_size=6),
    start=st.floats(-5, 30),
    length=st.floats(0.1, 60),
)
def test_steps_cover_a_stretch_and_agree_with_positions(bpms, gaps, start, length):
    entries, time_s, beats = [], 0.0, 0.0
    for bpm, gap in zip(bpms, gaps, strict=False):
        entries.append(TempoEntry(time_s, bpm, 4, 4, beats, math.floor(beats / 4 + 1e-9)))
        time_s, beats = time_s + gap, beats + gap * bpm / 60
    tempo = TempoMap(entries)
    steps = tempo.steps(start, start + length)
    assert steps[0].time_s == start
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        assert step.position == tempo.position(step.time_s)
        if following is not None:
            beats = (following.time_s - step.time_s) * step.bpm / 60
            here, there = step.position, following.position
            assert (there.bar - here.bar) * 4 + there.beat - here.beat == pytest.approx(beats, abs=1e-5)
    again = TempoMap.of_steps(steps)
    for field in ("time_s", "bpm"):
        found = [getattr(one, field) for one in again.steps(start, start + length)]
        assert found == pytest.approx([getattr(one, field) for one in steps])
    for share in (0.0, 0.3, 0.7, 0.99):
        assert beats_of(again.position(start + share * length)) == pytest.approx(
            beats_of(tempo.position(start + share * length)), abs=1e-5
        )


def beats_of(position: Position) -> float:
    return (position.bar - 1) * 4 + position.beat - 1


def test_the_steps_of_a_map_give_it_back_with_its_time_signatures():
    tempo = TempoMap(
        [
            TempoEntry(0.0, 120, 4, 4, 0.0, 0),
            TempoEntry(3.0, 60, 4, 4, 6.0, 1),
            TempoEntry(5.0, 60, 3, 4, 8.0, 2),
            TempoEntry(10.0, 90, 6, 8, 13.0, 4),  # a bar is left unfinished
        ]
    )
    steps = tempo.steps(1.25, 20.0)
    again = TempoMap.of_steps(steps)
    assert again.steps(1.25, 20.0) == steps
    for time_s in (1.25, 2.9, 4.1, 6.3, 9.9, 10.0, 17.7):
        assert again.position(time_s) == tempo.position(time_s)
    with pytest.raises(InputError, match="at least one"):
        TempoMap.of_steps([])


@given(time_s=st.floats(0, 100), divisions=st.integers(1, 8), bpm=st.floats(40, 240))
def test_snapping_goes_to_the_nearest_line_and_only_once(time_s, divisions, bpm):
    tempo = TempoMap.constant(bpm)
    line_s = 60 / bpm / divisions
    snapped = tempo.snapped(time_s, divisions)
    assert abs(snapped - time_s) <= line_s / 2 + 1e-9
    assert snapped / line_s == pytest.approx(round(snapped / line_s), abs=1e-6)
    assert tempo.snapped(snapped, divisions) == pytest.approx(snapped, abs=1e-9)


def test_snapping_inside_a_glide_and_before_the_next_entry():
    tempo = glide()
    snapped = tempo.snapped(1.1, 1)
    assert tempo.position(snapped).beat == pytest.approx(round(tempo.position(snapped).beat), abs=1e-9)
    assert tempo.snapped(3.9, 1) == pytest.approx(4.0)


def test_impossible_maps_are_refused():
    with pytest.raises(InputError, match="at least one"):
        TempoMap([])
    with pytest.raises(InputError, match="same time"):
        TempoMap([TempoEntry(0, 120), TempoEntry(0, 130)])
    with pytest.raises(InputError, match="bpm"):
        TempoEntry(0.0, 0.0)
    with pytest.raises(InputError, match="signature"):
        TempoEntry(0.0, 120.0, 0, 4)
    with pytest.raises(InputError, match="divisions"):
        TempoMap.constant(120).snapped(1.0, 0)
    with pytest.raises(InputError, match="tempo map"):
        TempoMap.of_rows([{"time_s": 0.0}])


def test_a_journals_rows_become_a_map():
    row = {"time_s": 1.0, "bpm": 90.0, "numerator": 3, "denominator": 4, "fullbeats": 0.0, "measure": 0}
    assert TempoMap.of_rows([row]).entries == (TempoEntry(1.0, 90.0, 3, 4, 0.0, 0),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_s": 1e300}, {"time_s": float("nan")}, {"bpm": 1e-300}, {"bpm": 1e300}, {"fullbeats": 1e300},
        {"measure": 10**400}, {"numerator": 10**400}, {"denominator": limits.METRE + 1},
    ],
)  # fmt: skip
def test_numbers_of_a_journal_that_no_project_has_are_refused(wrong):
    row = {"time_s": 0.0, "bpm": 120.0, "numerator": 4, "denominator": 4, "fullbeats": 0.0, "measure": 0}
    assert TempoMap.of_rows([row]).entries[0].bpm == 120.0
    with pytest.raises(InputError, match=r"bad t|not a tempo map"):
        TempoMap.of_rows([{**row, **wrong}])


def test_whatever_the_entries_are_times_and_positions_are_numbers():
    numbers = random.Random(3)
    odd = [0.0, 5e-324, 1e-300, 1e-12, 1e-9, 1e-6, 0.5, 1.0, 2.0, 60.0, 119.99999999, 120.0, 1e4, 9.99e6, -1.0, -1e-9]
    maps = 0
    for _ in range(4000):
        entries = []
        for _ in range(numbers.randint(1, 4)):
            with contextlib.suppress(InputError):
                metre = (numbers.randint(1, 5), numbers.choice([1, 2, 4, 8]))
                measure = numbers.choice([0, 1, 2, 1000, -1])
                entries.append(
                    TempoEntry(numbers.choice(odd), numbers.choice(odd), *metre, numbers.choice(odd), measure)
                )
        with contextlib.suppress(InputError):
            tempo = TempoMap(entries)
            maps += 1
            for time_s in (0.0, numbers.choice(odd), 100 * numbers.random()):
                assert math.isfinite(tempo.snapped(time_s, numbers.choice([1, 4, 16])))
                assert math.isfinite(tempo.position(time_s).beat)
    assert maps > 1000
