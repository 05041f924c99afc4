"""The daemon's reader of project files and the host's, apart on purpose, understand the same projects alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.headless import Reaper
from reatrieve.sync.rpp_project import read_rpp

SECONDS = 4.0
small = st.floats(0, 3, allow_nan=False).map(lambda value: round(value, 6))
names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(" \"'"), max_size=12)
names = names.map(str.strip).filter(lambda name: not ('"' in name and "'" in name))
items = st.fixed_dictionaries(
    {
        "position_s": small,
        "offset_s": small,
        "rate": st.sampled_from([0.5, 1.0, 1.25, 2.0]),
        "loop": st.booleans(),
        "gain": st.sampled_from([0.25, 1.0, 2.0]),
        "take_gain": st.sampled_from([0.5, 1.0]),
        "pan": st.sampled_from([-1.0, -0.25, 0.0, 0.5]),
        "section": st.none() | st.tuples(small, st.floats(0.5, 1.0)),
        "reverse": st.booleans(),
        "fade_in_s": small,
        "fade_out_s": small,
        "channel_mode": st.sampled_from([0, 1, 2, 3, 4]),
        "mute": st.sampled_from([False, False, True]),
    }
)
regions = st.tuples(st.booleans(), small, small, names)
tempos = st.lists(
    st.tuples(st.floats(0.1, 30), st.floats(60, 160), st.sampled_from([0, 3, 4, 7]), st.booleans()),
    max_size=3,
    unique_by=lambda point: round(point[0], 6),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("Töne") / "der Ton.wav"
    soundfile.write(path, np.zeros((int(SECONDS * 8000), 2)), 8000)
    return path


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(tracks=[], marks=[], tempo=[(2.00001, 60.0, 3, False)])  # just behind a bar line
@given(
    tracks=st.lists(st.tuples(names, st.lists(items, max_size=3)), max_size=3), marks=st.lists(regions), tempo=tempos
)
@pytest.mark.parametrize("version", ["6.71", "7.80"])
def test_both_readers_see_one_project(sound, tmp_path, version, tracks, marks, tempo):
    path = tmp_path / "p.rpp"
    with Reaper(version, clock="simulated", scripts=tmp_path, home=tmp_path / "reaper") as reaper:
        project = reaper.project
        for name, content in tracks:
            track = project.add_track(name)
            for values in content:
                track.add_item(sound, length_s=1.5, **values)
        for is_region, start_s, end_s, name in marks:
            project.add_region(start_s, end_s, name) if is_region else project.add_marker(start_s, name)
        for time_s, bpm, numerator, linear in tempo:
            project.add_tempo(round(time_s, 6), round(bpm, 6), numerator, 4 if numerator else 0, linear)
        project.save(path)
        theirs = reaper.open(path, same_tab=True)
        ours = read_rpp(path)
        assert_alike(theirs, ours)


def assert_alike(theirs, ours):
    marks = [(m.start_s, m.end_s, m.name, m.guid, m.number) for m in [*theirs.regions, *theirs.markers]]
    assert sorted(marks) == sorted((r.start_s, r.end_s, r.name, r.guid, r.number) for r in ours.regions)
    assert [(t.name, t.guid) for t in theirs.tracks] == [(t.name, t.guid) for t in ours.tracks]
    for track, mapped in zip(theirs.tracks, ours.tracks, strict=True):
        heard = [item.model for item in track.items if not item.model.values["B_MUTE"]]
        assert [item.guid for item in heard] == [item.guid for item in mapped.items]
        for item, entry in zip(heard, mapped.items, strict=True):
            assert as_heard(item) == pytest.approx(as_mapped(entry), abs=1e-9)
    times = theirs.model.tempo_map()
    for time_s in np.linspace(0, 40, 21):
        position = ours.tempo_map.position(time_s)
        measure = times.measure_at(time_s)
        beat = (times.quarter_at(time_s) - times.measure_quarter(measure)) * times.signature_at(time_s)[1] / 4
        if 0.01 < beat < times.signature_at(time_s)[0] - 0.01:  # else either bar may be named
            assert (measure + 1, beat + 1) == pytest.approx((position.bar, position.beat), abs=1e-4)


def as_heard(item):
    take, values = item.take, item.take.values
    section = take.source if take.source.type == "SECTION" else None
    file = take.source if section is None else section.parent
    whole = section is not None and section.offset_s == 0 and section.length_s == pytest.approx(file.length_s)
    return {
        "position_s": item.position_s,
        "length_s": item.length_s,
        "offset_s": values["D_STARTOFFS"],
        "rate": values["D_PLAYRATE"],
        "section_start_s": 0.0 if section is None else section.offset_s,
        "section_length_s": 0.0 if section is None or whole else section.length_s,
        "reverse": float(section is not None and section.reverse),
        "loop": item.values["B_LOOPSRC"],
        "gain": item.values["D_VOL"] * values["D_VOL"],
        "pan": values["D_PAN"],
        "fade_in_s": item.values["D_FADEINLEN"],
        "fade_out_s": item.values["D_FADEOUTLEN"],
        "channel_mode": values["I_CHANMODE"],
    }


def as_mapped(entry):
    return {key: float(getattr(entry, key)) for key in KEYS}


KEYS = (
    "position_s", "length_s", "offset_s", "rate", "section_start_s", "section_length_s", "reverse", "loop", "gain",
    "pan", "fade_in_s", "fade_out_s", "channel_mode",
)  # fmt: skip

SECTION = """<REAPER_PROJECT 0.1 "7.45" 1
  <TRACK {{11111111-1111-1111-1111-111111111111}}
    NAME t
    <ITEM
      POSITION 1
      LENGTH 2
      LOOP 0
      IGUID {{22222222-2222-2222-2222-222222222222}}
      NAME a
      SOFFS 0
      <SOURCE SECTION
        LENGTH 0.5
        MODE {mode}
        STARTPOS 1
        <SOURCE WAVE
          FILE "{path}"
        >
      >
    >
  >
>
"""


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_both_readers_know_what_a_sections_mode_means(sound, tmp_path, mode):
    """1: no section, its start and length are left over; 2: backwards."""
    path = tmp_path / "p.rpp"
    path.write_text(SECTION.format(mode=mode, path=sound), encoding="utf-8")
    (entry,) = read_rpp(path).tracks[0].items
    with Reaper(clock="simulated", scripts=tmp_path, home=tmp_path / "reaper") as reaper:
        theirs = reaper.open(path).tracks[0].items[0].model
        assert as_heard(theirs) == pytest.approx(as_mapped(entry), abs=1e-9)
    assert (entry.section_start_s, entry.section_length_s, entry.reverse) == (
        (0, 0, mode == 3) if mode & 1 else (1, 0.5, mode == 2)
    )


def test_both_readers_refuse_a_file_that_is_cut_off(sound, tmp_path):
    whole = SECTION.format(mode=2, path=sound)
    for end in range(len("<REAPER_PROJECT 0.1"), len(whole) - 2, 5):
        path = tmp_path / "cut.rpp"
        path.write_text(whole[:end], encoding="utf-8")
        for reader in (read_rpp, opened):
            with pytest.raises(InputError, match=r"cut\.rpp.*cut off"):
                reader(path)


def opened(path: Path) -> None:
    with Reaper(clock="simulated", scripts=path.parent, home=path.parent / "reaper") as reaper:
        reaper.open(path)
