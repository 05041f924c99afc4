"""Track maps: what is refused, what is remembered, and what makes two maps the same sound."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from reatrieve import limits
from reatrieve.audio.channels import stereo_weights
from reatrieve.audio.fades import fade_gain
from reatrieve.audio.trackmap import MAX_RATE, MIN_RATE, TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from signals import noise, write_sound

A, B = Path("a b.wav"), Path("Töne/b.flac")


def test_origin_and_end_span_all_items() -> None:
    track_map = TrackMap((TrackItem(A, 5.0, 2.0), TrackItem(B, 3.0, 1.0), TrackItem(A, 4.0, 9.5)))
    assert (track_map.origin_s, track_map.end_s, track_map.duration_s) == (3.0, 13.5, 10.5)
    assert track_map.paths == (A, B)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("length_s", 0.0),
        ("length_s", math.nan),
        ("position_s", math.inf),
        ("rate", 0.0),
        ("rate", -1.0),
        ("rate", 0.999 * MIN_RATE),
        ("rate", 1.001 * MAX_RATE),
        ("section_length_s", -1.0),
        ("pan", 1.5),
        ("fade_in_s", -0.1),
        ("fade_out_s", math.nan),
        ("fade_in_shape", 8),
        ("fade_out_shape", -1),
        ("channel_mode", -1),
        ("channel_mode", 500),
        ("gain", math.inf),
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"a b\.wav.*{field} is {value}"):
        TrackItem(**{"path": A, "position_s": 1.0, "length_s": 1.0, field: value})


@pytest.mark.parametrize(
    ("field", "value", "need"),
    [
        ("rate", 1e300, "0.01 to 100"), ("rate", 1e7, "0.01 to 100"), ("pan", 1e300, "-1 to 1"),
        ("gain", 1e5, "-10000 to 10000"), ("length_s", 0.0, "above 0 to 1e+07"),
        ("length_s", 1e300, "above 0 to 1e+07"), ("fade_in_s", 1e300, "0 to 1e+07"),
        ("section_length_s", -1.0, "0 to 1e+07"), ("offset_s", -1e8, "-1e+07 to 1e+07"),
    ],
)  # fmt: skip
def test_the_range_that_is_told_is_the_one_that_is_taken(field: str, value: float, need: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"{field} is {value}, need {need}") + "$"):
        TrackItem(**{"path": A, "position_s": 1.0, "length_s": 1.0, field: value})


def test_the_slowest_and_the_fastest_item_are_taken() -> None:
    for rate in (MIN_RATE, MAX_RATE):
        assert TrackItem(A, 0.0, 1.0, rate=rate).rate == rate


def test_an_empty_or_endless_map_is_refused() -> None:
    with pytest.raises(InputError, match="no item"):
        TrackMap(())
    with pytest.raises(InputError, match="48 h"):
        TrackMap((TrackItem(A, 0.0, 1.0), TrackItem(A, 1e6, 1.0)))


def test_a_map_at_its_longest_and_past_it() -> None:
    at = TrackMap((TrackItem(A, 0.0, 1.0), TrackItem(A, limits.LENGTH_S - 1.0, 1.0)))
    assert at.duration_s == limits.LENGTH_S
    with pytest.raises(InputError, match="more than 48 h; move or remove the item that lies far out"):
        TrackMap((TrackItem(A, 0.0, 1.0), TrackItem(A, limits.LENGTH_S - 1.0, 1.001)))


def test_a_journalled_map_comes_back_equal() -> None:
    track_map = TrackMap((TrackItem(A, 0.1, 2.0, loop=True, gain=-0.5, guid="{1}"), TrackItem(B, 3.0, 1 / 3, pan=-0.2)))
    assert TrackMap.of_json(json.loads(json.dumps(track_map.to_json()))) == track_map


@pytest.mark.parametrize("rows", [[{"path": "x"}], [{}], [{"path": "x", "position_s": 0, "length_s": 1, "colour": 3}]])
def test_a_foreign_row_is_refused(rows: list[dict]) -> None:
    with pytest.raises(InputError, match="track map"):
        TrackMap.of_json(rows)


def test_the_key_text_follows_the_sound_and_nothing_else() -> None:
    item = TrackItem(A, 10.1, 2.0, guid="{1}")
    sounds = {A: "11", B: "11"}
    text = TrackMap((item,)).canonical_json(sounds)
    for same in (
        dataclasses.replace(item, path=B),
        dataclasses.replace(item, guid="{2}"),
        dataclasses.replace(item, accessor=True),
        dataclasses.replace(item, position_s=99.7),
    ):
        assert TrackMap((same,)).canonical_json(sounds) == text
    for other in (
        dataclasses.replace(item, gain=0.5),
        dataclasses.replace(item, reverse=True),
        dataclasses.replace(item, length_s=2.0000001),
        dataclasses.replace(item, fade_out_shape=1),
    ):
        assert TrackMap((other,)).canonical_json(sounds) != text
    assert TrackMap((item,)).canonical_json({A: "12"}) != text


def test_a_file_is_a_map_of_one_item(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.wav", noise(12345), 11025)
    track_map = TrackMap.of_file(path)
    assert track_map.items == (TrackItem(path, 0.0, 12345 / 11025),)
    with pytest.raises(AudioError, match=r"gone\.wav"):
        TrackMap.of_file(tmp_path / "gone.wav")


@pytest.mark.parametrize(
    ("n_channels", "mode", "left", "right"),
    [
        (1, 0, [1], [1]),
        (2, 0, [1, 0], [0, 1]),
        (2, 1, [0, 1], [1, 0]),
        (2, 2, [0.5, 0.5], [0.5, 0.5]),
        (2, 3, [1, 0], [1, 0]),
        (2, 4, [0, 1], [0, 1]),
        (1, 4, [1], [1]),
        (1, 5, [0], [0]),
        (4, 0, [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]),
        (4, 6, [0, 0, 0, 1], [0, 0, 0, 1]),
        (4, 67, [1, 0, 0, 0], [0, 1, 0, 0]),
        (4, 69, [0, 0, 1, 0], [0, 0, 0, 1]),
        (3, 69, [0, 0, 1], [0, 0, 0]),
        (2, 130, [0, 0], [0, 0]),
    ],
)
def test_channel_modes(n_channels: int, mode: int, left: list[float], right: list[float]) -> None:
    np.testing.assert_array_equal(stereo_weights(n_channels, mode=mode), np.array([left, right], np.float32))


def test_pan_lowers_the_far_side_only() -> None:
    np.testing.assert_allclose(stereo_weights(2, mode=0, pan=0.25, gain=-2.0), [[-1.5, 0], [0, -2.0]])
    np.testing.assert_allclose(stereo_weights(1, mode=0, pan=-1.0), [[1.0], [0.0]])


@pytest.mark.parametrize("shape", range(8))
def test_every_fade_rises_from_silence_to_full(shape: int) -> None:
    gain = fade_gain(np.linspace(-0.5, 1.5, 4001), shape)
    assert gain[0] == 0.0
    assert gain[-1] == 1.0
    assert (np.diff(gain) >= 0.0).all()


def test_fades_are_shaped_as_they_are_called() -> None:
    half = np.array([0.5])
    middle = [float(fade_gain(half, shape)[0]) for shape in range(8)]
    assert middle[0] == 0.5
    assert middle[4] < middle[2] < 0.5 < middle[1] < middle[3]
    assert middle[5] == pytest.approx(0.5, abs=1e-6)
    assert middle[6] == pytest.approx(0.5, abs=1e-6)
    quarter = np.array([0.25])
    assert fade_gain(quarter, 6)[0] < fade_gain(quarter, 5)[0] < 0.25
    power = fade_gain(np.array([0.3]), 7)[0] ** 2 + fade_gain(np.array([0.7]), 7)[0] ** 2
    assert power == pytest.approx(1.0, abs=0.05)
