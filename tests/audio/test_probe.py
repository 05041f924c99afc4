"""Probes: the same sound is recognised, a shifted one corrected, a wrong one refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reatrieve.audio.probe import check
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import InputError
from signals import noise, write_sound

RATE = 48000


def accessor(track_map: TrackMap, time_s: float) -> np.ndarray:
    """What a REAPER that agrees with the map would send."""
    y = TrackAudio(track_map).read(time_s, time_s + 0.5, RATE)
    return np.clip(np.round(y * 32767), -32768, 32767).astype(np.int16)


def correct(track_map: TrackMap, index: int, lag_s: float) -> TrackMap:
    """The map with item ``index`` sounding ``lag_s`` seconds of project time later."""
    items = list(track_map.items)
    items[index] = replace(items[index], offset_s=items[index].offset_s - lag_s * items[index].rate)
    return TrackMap(tuple(items))


@pytest.fixture
def track(tmp_path: Path) -> TrackMap:
    one = write_sound(tmp_path / "one.wav", noise(3 * 44100), 44100)
    two = write_sound(tmp_path / "two.flac", noise(3 * RATE, seed=5), RATE)
    return TrackMap((TrackItem(one, 10.0, 3.0, rate=1.1), TrackItem(two, 12.0, 3.0, gain=-0.5)))


@pytest.mark.parametrize("time_s", [10.3, 12.1, 14.0])
def test_a_right_map_fits(track: TrackMap, time_s: float) -> None:
    match = check(track, 0 if time_s < 12 else 1, time_s, RATE, accessor(track, time_s))
    assert match.fits
    assert match.fits_with_lag
    assert match.correlation > 0.999
    assert match.lag_s == 0.0


def test_a_probe_of_the_take_alone_fits_too(track: TrackMap) -> None:
    alone = TrackMap((track.items[1],))
    assert check(track, 1, 12.2, RATE, accessor(alone, 12.2)).fits


@pytest.mark.parametrize("lag", [-1105, -576, -31, 31, 529, 1105, 4800])
def test_a_lag_is_found_and_corrected(track: TrackMap, lag: int) -> None:
    late = correct(track, 0, lag / RATE)
    match = check(track, 0, 10.7, RATE, accessor(late, 10.7))
    assert not match.fits
    assert match.fits_with_lag
    assert match.lag_s == pytest.approx(lag / RATE, abs=1.5 / RATE)
    corrected = correct(track, 0, match.lag_s)
    assert check(corrected, 0, 10.7, RATE, accessor(late, 10.7)).fits


@pytest.mark.parametrize("wrong", ["other file", "reversed", "inverted", "offset", "rate", "silent"])
def test_a_wrong_map_does_not_pass(track: TrackMap, wrong: str) -> None:
    item = track.items[1]
    changes = {
        "other file": {"path": track.items[0].path},
        "reversed": {"reverse": True},
        "inverted": {"gain": 0.5},
        "offset": {"offset_s": 0.7},
        "rate": {"rate": 1.02},
        "silent": {"gain": 0.0},
    }[wrong]
    played = TrackMap((TrackItem(**{**{f: getattr(item, f) for f in item.__slots__}, **changes}),))
    match = check(TrackMap((item,)), 0, 13.2, RATE, accessor(played, 13.2))
    assert not match.fits
    assert not match.fits_with_lag


def test_silence_on_both_sides_is_fine(track: TrackMap) -> None:
    quiet = TrackMap((TrackItem(track.items[0].path, 0.0, 3.0, gain=1e-5),))
    match = check(quiet, 0, 1.0, RATE, np.zeros(24000, np.int16))
    assert match.fits
    assert match.correlation == 1.0
    assert not check(track, 0, 10.5, RATE, np.zeros(24000, np.int16)).fits


def test_the_end_of_the_track_is_no_obstacle(track: TrackMap) -> None:
    assert check(track, 1, 14.8, RATE, accessor(track, 14.8)).fits


def test_nonsense_is_refused(track: TrackMap) -> None:
    with pytest.raises(InputError, match="no item 7"):
        check(track, 7, 0.0, RATE, np.zeros(10, np.int16))
    with pytest.raises(InputError, match="bad probe"):
        check(track, 0, 0.0, RATE, np.zeros(0, np.int16))
