"""Stitching against its slow twin: the formula of the protocol, sample by sample."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reatrieve.audio.channels import stereo_weights
from reatrieve.audio.decode import SoundReader
from reatrieve.audio.fades import fade_gain
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, CancelledError, InputError
from signals import FORMATS, clicks, noise, sines, write_sound

RATE = 8000


def naive(track_map: TrackMap, rate_hz: int) -> np.ndarray:
    """Left and right at the project's rate, which is also the files': each sample by the protocol's words."""
    n_samples = math.ceil(track_map.duration_s * rate_hz - 1e-6)
    mix = np.zeros((2, n_samples))
    for item in track_map.items:
        with SoundReader(item.path) as reader:
            frames = reader.read(0, reader.info.n_frames).astype(float)
        W = stereo_weights(frames.shape[1], mode=item.channel_mode, pan=item.pan, gain=item.gain).astype(float)
        length = round(item.section_length_s * rate_hz) or len(frames)
        begin = round(item.section_start_s * rate_hz) if item.section_length_s else 0
        for n in range(n_samples):
            t = track_map.origin_s + n / rate_hz - item.position_s
            if not -1e-9 <= t < item.length_s - 1e-9:
                continue
            x = round((item.offset_s + t * item.rate) * rate_hz)
            if item.loop:
                x %= length
            elif not 0 <= x < length:
                continue
            k = begin + (length - 1 - x if item.reverse else x)
            if not 0 <= k < len(frames):
                continue
            gain = 1.0
            if item.fade_in_s:
                gain *= fade_gain(np.array([t / item.fade_in_s]), item.fade_in_shape)[0]
            if item.fade_out_s:
                gain *= fade_gain(np.array([(item.length_s - t) / item.fade_out_s]), item.fade_out_shape)[0]
            mix[:, n] += gain * (W @ frames[k])
    return mix


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("Tönende Dateien")
    return [
        write_sound(folder / "mono.wav", noise(700), RATE, subtype="FLOAT"),
        write_sound(folder / "stereo.wav", noise(2000, seed=1).reshape(-1, 2), RATE, subtype="FLOAT"),
        write_sound(folder / "four.wav", noise(3600, seed=2).reshape(-1, 4), RATE, subtype="FLOAT"),
    ]


def on_sample(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / RATE)


@st.composite
def items(draw: st.DrawFn) -> dict:
    section = draw(st.booleans())
    length = draw(on_sample(1, 900))
    return {
        "file": draw(st.integers(0, 2)),
        "position_s": draw(on_sample(0, 1200)),
        "length_s": length,
        "offset_s": draw(on_sample(-300, 1200)),
        "rate": draw(st.sampled_from([1.0, 1.0, 2.0, 3.0])) if not section else 1.0,
        "section_start_s": draw(on_sample(0, 800)) if section else 0.0,
        "section_length_s": draw(on_sample(1, 800)) if section else 0.0,
        "reverse": draw(st.booleans()),
        "loop": draw(st.booleans()),
        "channel_mode": draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 9, 67, 68, 69, 80])),
        "gain": draw(st.sampled_from([1.0, 0.5, -1.0, -0.25])),
        "pan": draw(st.sampled_from([0.0, -1.0, 0.3, 1.0])),
        "fade_in_s": draw(on_sample(0, 500)),
        "fade_out_s": draw(on_sample(0, 500)),
        "fade_in_shape": draw(st.integers(0, 7)),
        "fade_out_shape": draw(st.integers(0, 7)),
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(items().filter(lambda row: row["rate"] == 1.0), min_size=1, max_size=4), block=st.integers(50, 3000)
)
def test_stitching_equals_the_formula_sample_by_sample(files: list[Path], rows: list[dict], block: int) -> None:
    track_map = TrackMap(tuple(TrackItem(files[row.pop("file")], **row) for row in [dict(row) for row in rows]))
    expected = naive(track_map, RATE)
    audio = TrackAudio(track_map)
    found = np.concatenate(list(audio.blocks(RATE, block_s=block / RATE, mono=False)), axis=1)
    assert found.shape == (2, audio.n_samples(RATE)) == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-6)
    mono = np.concatenate(list(audio.blocks(RATE, block_s=1.0)))
    np.testing.assert_allclose(mono, expected.mean(axis=0), atol=2e-6)


def smooth(tmp_path: Path, rate_hz: int) -> tuple[Path, np.ndarray]:
    y = sines([100.0, 317.0, 911.0], rate_hz=rate_hz, duration_s=2.0)
    return write_sound(tmp_path / "smooth.wav", y, rate_hz, subtype="FLOAT"), y


def tone(x_s: np.ndarray) -> np.ndarray:
    return 0.1 * sum(np.sin(2 * np.pi * f * x_s) for f in (100.0, 317.0, 911.0))


@pytest.mark.parametrize("source_hz", [8000, 11025, 22050, 44100, 44101, 48000, 96000])
@pytest.mark.parametrize("speed", [1.0, 0.5, 1.25, 1.1, math.pi / 3])
def test_any_rate_and_speed_follows_the_formula_between_samples(tmp_path: Path, source_hz: int, speed: float) -> None:
    path, _ = smooth(tmp_path, source_hz)
    item = TrackItem(path, 7.123456, 0.8, offset_s=0.301234, rate=speed)
    lead = TrackItem(path, 7.0, 0.05, gain=0.0)
    audio = TrackAudio(TrackMap((lead, item)))
    y = audio.read(7.0, 8.0, 22050)
    t = 7.0 + np.arange(22050) / 22050
    heard = (t >= 7.123456) & (t < 7.923456)
    expected = np.where(heard, tone(0.301234 + (t - 7.123456) * speed), 0.0)
    np.testing.assert_allclose(y, expected, atol=3e-5)


def test_a_reversed_file_played_slowly_is_the_file_from_behind(tmp_path: Path) -> None:
    path, y = smooth(tmp_path, 22050)
    item = TrackItem(path, 0.0, 2.0, rate=0.7, reverse=True)
    found = TrackAudio(TrackMap((item,))).read(0.0, 2.0, 22050)
    x = (len(y) - 1) / 22050 - np.arange(44100) / 22050 * 0.7
    np.testing.assert_allclose(found[100:], tone(x)[100:], atol=3e-5)


@pytest.mark.parametrize("shape", [0, 5])
def test_a_fade_as_good_as_none_is_none(tmp_path: Path, shape: int) -> None:
    path, _ = smooth(tmp_path, 22050)
    short = {"fade_in_s": 5e-324, "fade_out_s": 5e-324, "fade_in_shape": shape, "fade_out_shape": shape}
    faded, plain = (TrackAudio(TrackMap((TrackItem(path, 0.0, 1.0, **fades),))) for fades in (short, {}))
    np.testing.assert_array_equal(faded.read(0.0, 1.0, 22050)[1:], plain.read(0.0, 1.0, 22050)[1:])


def test_a_loop_of_no_whole_number_of_samples_keeps_time(tmp_path: Path) -> None:
    """A tone of 100 Hz in a section of 3 periods minus a part of a sample: every pass begins on the exact time."""
    path, _ = smooth(tmp_path, 22050)
    length = 0.0300123
    item = TrackItem(path, 0.0, 1.0, section_start_s=0.5, section_length_s=length, loop=True)
    found = TrackAudio(TrackMap((item,))).read(0.0, 1.0, 22050)
    t = np.arange(22050) / 22050
    np.testing.assert_allclose(found, tone(0.5 + np.mod(t, length)), atol=3e-5)


@pytest.mark.parametrize("source_hz", [8000, 44100, 48000, 44101])
def test_blocks_of_any_size_and_reads_from_any_place_agree(tmp_path: Path, source_hz: int) -> None:
    path = write_sound(tmp_path / "noise.wav", noise(4 * source_hz), source_hz, subtype="FLOAT")
    rows = (
        TrackItem(path, 3.0, 3.5, offset_s=0.1),
        TrackItem(path, 4.0, 2.0, rate=1.3, loop=True, offset_s=1.7, fade_in_s=0.5),
        TrackItem(path, 3.5, 2.0, reverse=True, gain=-0.5),
    )
    audio = TrackAudio(TrackMap(rows))
    whole = np.concatenate(list(audio.blocks(22050, block_s=10.0)))
    for block_s in (0.05, 0.333, 1.0):
        np.testing.assert_array_equal(np.concatenate(list(audio.blocks(22050, block_s=block_s))), whole)
    for first, last in ((0, 500), (20000, 40000), (30011, 30012), (70000, len(whole) - 1)):
        part = audio.read(3.0 + first / 22050, 3.0 + last / 22050, 22050)
        np.testing.assert_allclose(part, whole[first:last], atol=1e-5)


@pytest.mark.parametrize("source_hz", [22050, 44100, 48000, 96000])
def test_a_click_stays_where_it_is_for_an_hour(tmp_path: Path, source_hz: int) -> None:
    """A silent hour that ends in a click: resampling neither delays nor drifts."""
    path = write_sound(tmp_path / "click.wav", clicks([0.5], rate_hz=source_hz, duration_s=1.0), source_hz)
    loop = TrackItem(path, 0.0, 3600.0, loop=True)
    y = TrackAudio(TrackMap((loop,))).read(3599.0, 3600.0, 22050)
    assert np.argmax(y) == 11025
    start = TrackAudio(TrackMap((loop,))).read(0.0, 1.0, 22050)
    np.testing.assert_allclose(y, start, atol=1e-5)


def test_a_split_item_sounds_like_the_whole_one(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "noise.wav", noise(3 * 44100), 44100, subtype="FLOAT")
    whole = TrackMap((TrackItem(path, 1.0, 2.5, rate=1.1),))
    cut = 0.777123
    split = TrackMap(
        (TrackItem(path, 1.0, cut, rate=1.1), TrackItem(path, 1.0 + cut, 2.5 - cut, offset_s=cut * 1.1, rate=1.1))
    )
    one, two = (np.concatenate(list(TrackAudio(m).blocks())) for m in (whole, split))
    assert len(one) == len(two)
    np.testing.assert_allclose(
        one, two, atol=2e-4
    )  # noise up to the band's edge, where the short delay filter is weakest


def test_silence_where_no_item_lies(tmp_path: Path) -> None:
    path, _ = smooth(tmp_path, 22050)
    audio = TrackAudio(TrackMap((TrackItem(path, 10.0, 0.5), TrackItem(path, 12.0, 0.5))))
    assert (audio.map.origin_s, audio.map.end_s) == (10.0, 12.5)
    assert audio.n_samples() == 55125
    assert not audio.read(10.6, 11.9).any()
    assert not audio.read(0.0, 9.9).any()
    assert not audio.read(13.0, 14.0).any()
    assert audio.read(5.0, 5.0).shape == (0,)
    assert audio.read(5.0, 5.0, mono=False).shape == (2, 0)


def test_progress_rises_to_one_and_cancel_stops(tmp_path: Path) -> None:
    path, _ = smooth(tmp_path, 22050)
    audio = TrackAudio(TrackMap.of_file(path))
    shares: list[float] = []
    list(audio.blocks(block_s=0.1, progress=shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    asked = iter([False, False, True])
    with pytest.raises(CancelledError):
        list(audio.blocks(block_s=0.1, cancel=lambda: next(asked)))


@pytest.mark.parametrize("extension", FORMATS)
def test_pieces_decoded_side_by_side_are_what_one_thread_decodes(tmp_path: Path, extension: str) -> None:
    rate_hz = 48000 if extension == "opus" else 44100
    path = write_sound(tmp_path / f"long.{extension}", noise(40 * rate_hz), rate_hz)
    short = write_sound(tmp_path / "short.wav", noise(3000, seed=1), 22050)
    rows = (
        TrackItem(path, 1.0, 39.0),
        TrackItem(path, 9.0, 20.0, rate=1.1, reverse=True, fade_in_s=5.0),
        *(TrackItem(short, 11.0 + k, 2.0, loop=True) for k in range(5)),
    )
    audio = TrackAudio(TrackMap(rows))
    alone = list(audio.pieces(n_threads=1))
    assert len(alone) == (10 if extension in ("mp3", "opus") else 4)
    for n_threads in (2, 3, 2, 3):
        for one, other in zip(alone, audio.pieces(n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(np.concatenate(alone), np.concatenate(list(audio.blocks())), atol=1e-6)


@pytest.mark.parametrize("extension", ["flac", "opus"])
def test_progress_of_pieces_rises_to_one_and_cancel_stops_them(tmp_path: Path, extension: str) -> None:
    path = write_sound(tmp_path / f"long.{extension}", noise(60 * 8000), 8000)
    audio = TrackAudio(TrackMap.of_file(path))
    shares: list[float] = []
    list(audio.pieces(n_threads=3, progress=shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == 15
    with pytest.raises(CancelledError):
        list(audio.pieces(n_threads=3, cancel=lambda: True))


def test_a_missing_file_fails_at_once_and_says_what_to_do(tmp_path: Path) -> None:
    path, _ = smooth(tmp_path, 22050)
    track_map = TrackMap((TrackItem(path, 0.0, 1.0), TrackItem(tmp_path / "gone.wav", 5.0, 1.0)))
    with pytest.raises(AudioError, match=r"gone\.wav.*relink"):
        next(TrackAudio(track_map).blocks())
    with pytest.raises(AudioError, match=r"gone\.wav.*relink"):
        next(TrackAudio(track_map).pieces())


def test_bad_rates_and_stretches_are_refused(tmp_path: Path) -> None:
    path, _ = smooth(tmp_path, 22050)
    audio = TrackAudio(TrackMap.of_file(path))
    with pytest.raises(InputError, match="sample rate"):
        list(audio.blocks(0))
    with pytest.raises(InputError, match="stretch"):
        audio.read(2.0, 1.0)


@pytest.mark.parametrize("reverse", [False, True])
def test_only_what_sounds_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reverse: bool) -> None:
    path = write_sound(tmp_path / "minute.flac", noise(60 * 44100), 44100)
    decoded: list[tuple[int, int]] = []
    decode = SoundReader._decode

    def counted(self: SoundReader, first: int, last: int) -> np.ndarray:
        decoded.append((first, last))
        return decode(self, first, last)

    monkeypatch.setattr(SoundReader, "_decode", counted)
    audio = TrackAudio(TrackMap((TrackItem(path, 5.0, 1.0, offset_s=20.0, reverse=reverse), TrackItem(path, 9.0, 0.5))))
    assert sum(len(block) for block in audio.blocks()) == round(4.5 * 22050)
    assert sum(last - first for first, last in decoded) < 1.7 * 44100
    middle = 39.5 if reverse else 20.5
    assert all(abs(0.5 * (first + last) / 44100 - middle) < 0.6 or first < 44100 for first, last in decoded)


def test_memory_does_not_grow_with_the_track(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "ten.flac", noise(10 * 44100), 44100)
    audio = TrackAudio(TrackMap((TrackItem(path, 0.0, 1800.0, loop=True, rate=1.01),)))
    tracemalloc.start()
    n_samples = sum(len(block) for block in audio.blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_samples == 1800 * 22050  # 159 MB, were it kept
    assert peak < 12_000_000
