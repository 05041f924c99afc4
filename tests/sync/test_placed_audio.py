from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import InputError
from reatrieve.sync.model import Accepted, SyncAudio
from reatrieve.sync.placed_audio import source_file, to_frames, write_track
from signals import noise, write_sound

EVENTS = [Accepted(11.0, 12.0, "a"), Accepted(15.0, 16.0, "b")]


@pytest.fixture
def song(tmp_path) -> Path:
    return write_sound(tmp_path / "song one.wav", noise(48000 * 20), 48000)


def test_an_item_that_covers_all_events_gives_its_file_and_start(song):
    found = source_file(TrackMap((TrackItem(song, 10.0, 10.0, offset_s=2.0),)), EVENTS)
    assert (found.path, found.start_s) == (song, 8.0)


def test_a_section_counts_from_its_start(song):
    item = TrackItem(song, 10.0, 10.0, offset_s=1.0, section_start_s=4.0, section_length_s=15.0)
    assert source_file(TrackMap((item,)), EVENTS).start_s == 5.0


def test_an_item_cut_into_pieces_in_place_is_one_source(song):
    pieces = (TrackItem(song, 10.0, 1.5), TrackItem(song, 11.5, 8.5, offset_s=1.5))
    assert source_file(TrackMap(pieces), EVENTS).start_s == 10.0


def test_pieces_that_were_moved_apart_are_not(song):
    pieces = (TrackItem(song, 10.0, 3.0), TrackItem(song, 14.0, 6.0, offset_s=3.0))
    with pytest.raises(InputError, match="do not all lie on one source"):
        source_file(TrackMap(pieces), EVENTS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rate": 1.5}, "times its rate"),
        ({"reverse": True}, "reversed"),
        ({"accessor": True}, "rendered by REAPER"),
        ({"loop": True, "length_s": 30.0}, "looped"),
        ({"loop": True, "offset_s": 15.0}, "looped"),
    ],
)
def test_what_keeps_a_file_from_standing_for_the_track_is_named(song, change, reason):
    item = TrackItem(song, **{"position_s": 10.0, "length_s": 10.0, **change})
    with pytest.raises(InputError, match=reason):
        source_file(TrackMap((item,)), EVENTS)


def test_a_loop_that_never_wraps_is_no_loop(song):
    assert source_file(TrackMap((TrackItem(song, 10.0, 10.0, loop=True),)), EVENTS).start_s == 10.0


@pytest.mark.parametrize(("ending", "subtype"), [("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III"), ("aiff", "PCM_24")])
def test_so_it_is_for_files_whose_length_only_decoding_tells(tmp_path, ending, subtype):
    song = tmp_path / f"song.{ending}"
    soundfile.write(song, noise(44100 * 20), 44100, subtype=subtype)
    assert source_file(TrackMap((TrackItem(song, 10.0, 20.0, loop=True),)), EVENTS).start_s == 10.0
    corrected = TrackItem(song, 10.0, 20.0, offset_s=-0.026, loop=True)  # of what decoders differ by
    assert source_file(TrackMap((corrected,)), EVENTS).start_s == pytest.approx(10.026)
    with pytest.raises(InputError, match="looped"):
        source_file(TrackMap((TrackItem(song, 10.0, 21.0, loop=True),)), EVENTS)


def test_two_files_under_all_events_are_ambiguous(song, tmp_path):
    other = write_sound(tmp_path / "other.wav", noise(48000 * 20), 48000)
    items = (TrackItem(song, 10.0, 10.0), TrackItem(other, 10.0, 10.0))
    with pytest.raises(InputError, match=r"song one\.wav, other\.wav"):
        source_file(TrackMap(items), EVENTS)


def audio(rate_hz: int = 48000, frames: int = 480000, start_s: float = 10.0) -> SyncAudio:
    return SyncAudio(Path("song.wav"), start_s, rate_hz, 2, frames, "0" * 64)


@given(
    rate_hz=st.sampled_from([44100, 48000, 96000]),
    start=st.integers(0, 479999),
    length=st.integers(0, 480000),
    start_s=st.floats(-100, 10000),
)
def test_frames_survive_the_way_through_project_seconds(rate_hz, start, length, start_s):
    end = min(480000, start + length)
    event = Accepted(start_s + start / rate_hz, start_s + end / rate_hz, "x")
    assert to_frames([event], audio(rate_hz, start_s=start_s)) == [(start, end)]


def test_spans_shorter_than_a_frame_keep_one_frame_even_at_the_end():
    assert to_frames([Accepted(11.0, 11.000001, "x")], audio()) == [(48000, 48001)]
    assert to_frames([Accepted(19.999999, 20.0, "x")], audio()) == [(479999, 480000)]
    assert to_frames([Accepted(20.0, 20.0, "x")], audio()) == [(479999, 479999)]


def test_rounding_at_the_edges_is_cut_and_more_is_refused_by_name():
    assert to_frames([Accepted(9.9995, 20.0005, "x")], audio()) == [(0, 480000)]
    with pytest.raises(
        InputError, match=r'"early" at 9\.900 to 11\.000 s, "late" at 19\.000 to 20\.100 s lie outside song'
    ):
        to_frames([Accepted(9.9, 11.0, "early"), Accepted(12, 13, "in"), Accepted(19.0, 20.1, "late")], audio())


def test_many_events_outside_are_counted():
    with pytest.raises(InputError, match="and 15 more lie outside"):
        to_frames([Accepted(i, i + 0.5, "x") for i in range(100, 120)], audio())


def test_the_stitched_track_is_what_reaper_plays(tmp_path):
    y = noise(48000 * 2)
    song = write_sound(tmp_path / "song.wav", y, 48000)
    out = tmp_path / "out.wav"
    made, clipped = write_track(TrackMap((TrackItem(song, 3.0, 1.0), TrackItem(song, 5.0, 1.0, offset_s=1.0))), out)
    assert not clipped
    assert (made.start_s, made.rate_hz, made.channels, made.frames) == (3.0, 48000, 1, 3 * 48000)
    written = soundfile.read(out)[0]
    assert np.allclose(written[:48000], y[:48000], atol=2**-22)
    assert not written[48000:96000].any()
    assert np.allclose(written[96000:], y[48000:], atol=2**-22)


def test_a_loud_track_is_clipped_and_says_so(tmp_path):
    song = write_sound(tmp_path / "song.wav", noise(4800, level=0.5), 44100)
    made, clipped = write_track(TrackMap((TrackItem(song, 0.0, 0.1, gain=100.0, pan=0.5),)), tmp_path / "o.wav")
    assert clipped
    assert (made.rate_hz, made.channels) == (44100, 2)
    assert soundfile.read(tmp_path / "o.wav")[0].max() == pytest.approx(1.0, abs=1e-6)
