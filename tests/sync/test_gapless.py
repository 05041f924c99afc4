"""Which files decoders place differently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from reatrieve.errors import AudioError
from reatrieve.sync.gapless import has_loose_timing, loose_timing_note

LAME = b"LAME3.100"


def sound(path: Path, **options: str) -> Path:
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal((44100, 2)), 44100, **options)
    return path


@pytest.fixture
def mp3(tmp_path) -> Path:
    return sound(tmp_path / "größe.mp3", format="MP3")


def without_delay(content: bytes) -> bytes:
    at = content.index(LAME) + 21
    return content[:at] + b"\0\0\0" + content[at + 3 :]


def without_info_frame(content: bytes) -> bytes:
    second = content.index(content[:2], 4)
    return content[second:]


@pytest.mark.parametrize(
    ("change", "is_loose"),
    [
        (lambda content: content, False),
        (without_delay, True),
        (without_info_frame, True),
        (lambda content: b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + content, False),
        (lambda content: b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + without_delay(content), True),
        (lambda content: b"ID3\x04\0\0\0\x20\x00\x00" + bytes(1 << 19) + bytes(100) + without_delay(content), True),
    ],
)
def test_an_mp3_says_its_delay_or_not(mp3, change, is_loose):
    mp3.write_bytes(change(mp3.read_bytes()))
    assert has_loose_timing(mp3) == is_loose
    note = loose_timing_note([mp3])
    assert note.startswith("größe.mp3 has no gapless tags: ") if is_loose else note == ""


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [22050, 44100])
def test_the_delay_is_found_in_every_kind_of_frame(tmp_path, channels, rate_hz):
    path = tmp_path / "x.mp3"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal((rate_hz, channels)), rate_hz, format="MP3")
    assert not has_loose_timing(path)
    path.write_bytes(without_delay(path.read_bytes()))
    assert has_loose_timing(path)


@pytest.mark.parametrize(
    ("kind", "subtype", "is_loose"),
    [
        ("OGG", "VORBIS", True),
        ("OGG", "OPUS", True),
        ("FLAC", "PCM_16", False),
        ("WAV", "PCM_16", False),
        ("WAV", "IMA_ADPCM", False),
        ("AIFF", "PCM_24", False),
    ],
)
def test_formats(tmp_path, kind, subtype, is_loose):
    path = tmp_path / "x"
    soundfile.write(path, np.zeros(48000), 48000, format=kind, subtype=subtype)
    assert has_loose_timing(path) == is_loose


def test_one_note_for_many_files(tmp_path):
    paths = [sound(tmp_path / f"{i}.ogg", format="OGG") for i in range(3)]
    assert loose_timing_note(paths).startswith("0.ogg (and 2 more) has no gapless tags")
    assert loose_timing_note([]) == ""
    with pytest.raises(AudioError, match="cannot read"):
        loose_timing_note([tmp_path / "gone.ogg"])


def test_no_bytes_are_too_odd(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "x"
    for n in (0, 1, 3, 4, 9, 40, 300):
        for start in (b"", b"ID3", b"OggS", b"\xff\xfb\x90\xc4"):
            path.write_bytes((start + rng.bytes(n))[: max(n, 1)])
            has_loose_timing(path)
