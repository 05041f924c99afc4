"""Decoding: every format, any place, and errors that name the file."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve import files, limits
from reatrieve.audio import decode
from reatrieve.audio.decode import SoundReader, sound_info
from reatrieve.audio.hashing import content_hash
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import AudioError
from signals import FORMATS, clicks, noise, sines, write_sound

CASES = [
    ("wav", 7350, 1), ("wav", 192000, 6), ("aiff", 22254, 2), ("aiff", 44100, 3),
    ("flac", 11127, 2), ("flac", 96000, 1),
    ("ogg", 32000, 1), ("ogg", 44100, 2), ("ogg", 48000, 6), ("opus", 48000, 2), ("opus", 24000, 1),
    ("mp3", 44100, 2), ("mp3", 22050, 1), ("mp3", 48000, 2),
]  # fmt: skip
EXACT = {"wav": 2e-7, "flac": 2e-7, "aiff": 3.1e-5}


@pytest.mark.parametrize(("extension", "rate_hz", "n_channels"), CASES)
def test_every_format_comes_back_at_its_place(tmp_path: Path, extension: str, rate_hz: int, n_channels: int) -> None:
    """Lossless formats to their last bit, lossy ones by correlation with what was written, at lag 0."""
    n = 3 * rate_hz
    y = np.stack([sines([110.0 * (c + 1), 620.0 + 40 * c], rate_hz=rate_hz, duration_s=3.0) for c in range(n_channels)])
    y = (y * np.linspace(0.2, 1.0, n, dtype=np.float32)).T
    path = write_sound(tmp_path / f"Klänge 1.{extension}", y, rate_hz)
    with SoundReader(path) as reader:
        assert (reader.info.rate_hz, reader.info.n_channels) == (rate_hz, n_channels)
        assert reader.info.n_frames == n
        whole = reader.read(0, n)
    if extension in EXACT:
        np.testing.assert_allclose(whole, y, atol=EXACT[extension])
    else:
        core = slice(n // 4, n - n // 4)
        for channel in range(n_channels):
            around = np.correlate(whole[core, channel], y[core, channel][50:-50], "valid")
            assert abs(int(np.argmax(around)) - 50) <= 1
    mono = np.concatenate(list(TrackAudio(TrackMap.of_file(path)).blocks()))
    assert len(mono) == int(np.ceil(n * 22050 / rate_hz - 1e-6))


@pytest.mark.parametrize("extension", sorted(FORMATS))
def test_seeking_is_exact_to_the_sample(tmp_path: Path, extension: str) -> None:
    rate_hz = 48000 if extension == "opus" else 44100
    y = np.repeat(noise(20 * rate_hz, level=0.05)[:, np.newaxis], 2, axis=1)
    path = write_sound(tmp_path / f"x.{extension}", y, rate_hz)
    with SoundReader(path) as reader:
        whole = reader.read(0, reader.info.n_frames)
    with SoundReader(path) as reader:
        anywhere = np.random.default_rng(1).integers(0, len(whole) - 3000, 12)
        for start in (*anywhere, len(whole) - 4537, len(whole) - 9000):  # Vorbis' last page is a trap
            np.testing.assert_allclose(reader.read(start, start + 3000), whole[start : start + 3000], atol=1e-6)
        np.testing.assert_allclose(reader.read(0, 100), whole[:100], atol=1e-6)


def test_beyond_the_ends_there_is_silence(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.wav", np.ones(100, np.float32) * 0.5, 8000, subtype="FLOAT")
    with SoundReader(path) as reader:
        np.testing.assert_array_equal(reader.read(-3, 2)[:, 0], [0, 0, 0, 0.5, 0.5])
        np.testing.assert_array_equal(reader.read(98, 103)[:, 0], [0.5, 0.5, 0, 0, 0])
        assert not reader.read(-10, -5).any()
        assert not reader.read(500, 510).any()
        assert reader.read(7, 7).shape == (0, 1)
        reader.hold(90, 100)
        np.testing.assert_array_equal(reader.read(95, 100)[:, 0], np.full(5, 0.5))


def test_a_truncated_mp3_ends_in_silence(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "x.mp3", np.repeat(noise(10 * 44100)[:, np.newaxis], 2, axis=1), 44100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with SoundReader(path) as reader:
        y = reader.read(0, 441000)
        assert y.shape == (441000, 2)
        assert y[:200000].any()
        assert not y[-100000:].any()
        assert reader.read(0, 1000).any()


def test_what_is_no_number_is_silence(tmp_path: Path) -> None:
    y = noise(1000)
    y[[3, 500]] = np.nan, np.inf
    path = write_sound(tmp_path / "x.wav", y, 8000, subtype="FLOAT")
    with SoundReader(path) as reader:
        found = reader.read(0, 1000)[:, 0]
    assert np.isfinite(found).all()
    assert found[3] == found[500] == 0.0
    np.testing.assert_array_equal(found[4:500], y[4:500])


def test_errors_name_the_file_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"fehlt\.wav: no such file.*relink"):
        sound_info(tmp_path / "fehlt.wav")
    text = tmp_path / "text.wav"
    text.write_text("this is no sound", encoding="utf-8")
    with pytest.raises(AudioError, match=r"text\.wav: cannot be read as wav.*convert"):
        sound_info(text)
    empty = tmp_path / "leer.wav"
    soundfile.write(empty, np.zeros(0, np.float32), 8000)
    with pytest.raises(AudioError, match=r"leer\.wav: holds no sample"):
        sound_info(empty)
    with pytest.raises(AudioError, match="is no plain file"):
        sound_info(tmp_path)


@pytest.mark.parametrize("extension", ["wav", "aiff", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_a_click_stays_in_place_through_decoding_and_resampling(tmp_path: Path, extension: str, rate_hz: int) -> None:
    times_s = [0.5, 1.0, 1.75]
    y = clicks(times_s, rate_hz=rate_hz, duration_s=2.0) * 0.9
    path = write_sound(tmp_path / f"click.{extension}", y, rate_hz)
    found = np.concatenate(list(TrackAudio(TrackMap.of_file(path)).blocks()))
    for time_s in times_s:
        around = slice(round((time_s - 0.1) * 22050), round((time_s + 0.1) * 22050))
        assert np.argmax(np.abs(found[around])) == pytest.approx(2205, abs=1)


def write_float(path: Path, y: np.ndarray, rate_hz: int = 8000) -> Path:
    soundfile.write(path, y, rate_hz, subtype="DOUBLE")
    return path


def test_samples_are_taken_up_to_their_limit_and_no_further(tmp_path: Path) -> None:
    """Damaged float files hold finite numbers whose squares are infinite."""
    y = np.zeros(1000)
    y[700] = -limits.SAMPLE
    with SoundReader(write_float(tmp_path / "at.wav", y)) as reader:
        assert reader.read(0, 1000)[700, 0] == -limits.SAMPLE
    for huge in (1.001 * limits.SAMPLE, -3.4e38):
        y[700] = huge
        path = write_float(tmp_path / "past.wav", y)
        with SoundReader(path) as reader, pytest.raises(AudioError, match=r"past.wav: a sample of .* at 0.087 s.*anew"):
            reader.read(0, 1000)


@pytest.mark.parametrize(
    ("rate_hz", "n_channels", "match"),
    [
        (limits.MIN_RATE_HZ, 1, None), (limits.MIN_RATE_HZ - 1, 1, "sample rate of 999 Hz"),
        (limits.MAX_RATE_HZ, 1, None), (limits.MAX_RATE_HZ + 1, 1, "sample rate of 1000001 Hz"),
        (8000, limits.CHANNELS, None), (8000, limits.CHANNELS + 1, "129 channels, at most 128"),
    ],
)  # fmt: skip
def test_rates_and_channels_are_taken_up_to_their_limits(
    tmp_path: Path, rate_hz: int, n_channels: int, match: str | None
) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros((10, n_channels)), rate_hz)
    if match is None:
        assert sound_info(path).rate_hz == rate_hz
    else:
        with pytest.raises(AudioError, match=match):
            sound_info(path)


def test_a_file_that_claims_days_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros(3001), 1000)
    monkeypatch.setattr(limits, "LENGTH_S", 3.001)
    assert sound_info(path).n_frames == 3001
    monkeypatch.setattr(limits, "LENGTH_S", 3.0)
    with pytest.raises(AudioError, match="lasts"):
        sound_info(path)


@pytest.mark.timeout(30)
def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A name too long, a NUL, a file for a folder, a pipe, a device: one sentence, and no waiting."""
    (tmp_path / "file").touch()
    names = [tmp_path / (300 * "x" + ".wav"), Path("a\0b.wav"), tmp_path / "file" / "x.wav", Path("/dev/zero")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        names.append(tmp_path / "pipe.wav")
    for path in names:
        with pytest.raises(AudioError, match=r"no such file|cannot be opened|cannot be read|is no plain file"):
            sound_info(path)
        with pytest.raises(AudioError):
            content_hash(path)


def test_a_sound_that_only_its_name_tells_is_read(tmp_path: Path) -> None:
    """libsndfile looks at the ending where it does not know the first bytes."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "a.mp3", tone, 44100)
    padded = tmp_path / "padded.mp3"
    padded.write_bytes(bytes(500) + (tmp_path / "a.mp3").read_bytes())
    with SoundReader(padded) as reader:
        assert reader.info.rate_hz == 44100
        assert np.abs(reader.read(10_000, 20_000)).max() > 0.3


def test_a_sound_in_two_files_is_read(tmp_path: Path) -> None:
    """Sound Designer II keeps rate and channels in a second file, which libsndfile finds by the first one's name."""
    soundfile.write(tmp_path / "a.sd2", np.full(1000, 0.5), 44100, format="SD2", subtype="PCM_16")
    with SoundReader(tmp_path / "a.sd2") as reader:
        assert (reader.info.rate_hz, reader.info.n_frames) == (44100, 1000)
        assert reader.read(0, 1000)[500, 0] == 0.5


@pytest.mark.timeout(30)
def test_what_lies_in_the_place_of_a_sound_is_not_called_gone(tmp_path: Path) -> None:
    places = [tmp_path]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        places.append(tmp_path / "pipe.wav")
    for path in places:
        with pytest.raises(AudioError, match="is no plain file; relink the item in REAPER to a sound file"):
            sound_info(path)


@pytest.mark.timeout(30)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_sound_that_becomes_a_pipe_while_it_is_opened_is_told(tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    monkeypatch.setattr(decode, "_is_file", lambda _path: True)  # it still was, a moment ago
    with pytest.raises(AudioError, match="cannot be read"):
        sound_info(tmp_path / "pipe.wav")


@pytest.mark.skipif(os.name == "nt", reason="libsndfile opens the file itself there")
def test_a_sound_that_may_not_be_read_is_told_without_the_systems_numbers(tmp_path: Path, monkeypatch) -> None:
    path = write_sound(tmp_path / "secret.wav", noise(100, seed=1), 48000)

    def refused(name, *_more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(AudioError) as told:
        sound_info(path)
    assert str(told.value) == f"{path}: cannot be read (Permission denied); check the file and its permissions"


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="needs a folder that may not be entered")
def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o000)
    try:
        with pytest.raises(AudioError, match="cannot be opened"):
            sound_info(folder / "x.wav")
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("extension", FORMATS)
def test_damaged_files_are_read_or_refused(tmp_path: Path, extension: str) -> None:
    """Truncated, and with single bytes changed: an error that names the file, or sound, and nothing else."""
    whole = write_sound(tmp_path / f"whole.{extension}", noise(24000, seed=3), 48000).read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / f"x.{extension}"
    for k in range(60):
        damaged = bytearray(whole)
        if k % 3 == 0:
            del damaged[int(rng.integers(len(whole))) :]
        for _ in range(int(rng.integers(1, 9))):
            if damaged:
                damaged[int(rng.integers(min(len(damaged), 200 if k % 2 else len(damaged))))] = int(rng.integers(256))
        path.write_bytes(damaged)
        try:
            with SoundReader(path) as reader:
                y = reader.read(0, min(reader.info.n_frames, 100_000))
                assert np.isfinite(np.square(y)).all()
        except AudioError as error:
            assert f"x.{extension}" in str(error)  # noqa: PT017


class Libsndfile:
    """libsndfile, where opening the first file by its descriptor first does something else."""

    def __init__(self, first: Callable[[], object]) -> None:
        self._first: list[Callable[[], object]] = [first]
        self._real = soundfile._snd

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def sf_open_fd(self, *arguments: object) -> object:
        if self._first:
            self._first.pop()()
        return self._real.sf_open_fd(*arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="libsndfile opens by the name there")
def test_a_disk_that_stands_still_while_a_sound_is_opened_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("far.wav", "near.wav"):
        write_sound(tmp_path / name, noise(8000), 8000)
    stands, goes_on = threading.Event(), threading.Event()

    def stand() -> None:
        stands.set()
        assert goes_on.wait(60)

    monkeypatch.setattr(soundfile, "_snd", Libsndfile(stand))
    far = threading.Thread(target=sound_info, args=(tmp_path / "far.wav",))
    far.start()
    try:
        assert stands.wait(60)
        near = threading.Thread(target=sound_info, args=(tmp_path / "near.wav",), daemon=True)
        near.start()
        near.join(30)
        assert not near.is_alive()
    finally:
        goes_on.set()
        far.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes among its files")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["a.wav", "a.sd2"])
def test_a_sound_exchanged_for_a_pipe_after_libsndfile_saw_it_is_not_waited_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 20)
    if name == "a.sd2":
        os.mkfifo(tmp_path / "._a.sd2")  # the second file of Sound Designer II

    def exchange() -> None:
        path.unlink()
        os.mkfifo(path)

    monkeypatch.setattr(soundfile, "_snd", Libsndfile(exchange))
    with pytest.raises(AudioError, match="cannot be read as"):
        SoundReader(path)


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes that are not waited for")
def test_a_file_that_has_nothing_to_read_now_is_an_error(tmp_path: Path) -> None:
    """As some of /proc; Python would give None there, which no reader expects."""
    there, here = os.pipe()
    os.set_blocking(there, False)
    with io.BufferedReader(files._Source(os.fdopen(there, "rb", buffering=0))) as file:
        for read in (file.read, lambda: file.read(3), file.readline):
            with pytest.raises(BlockingIOError):
                read()
    os.close(here)
