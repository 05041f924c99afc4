from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from reatrieve.annotations.wav_cues import read_cues
from reatrieve.errors import AudioError, InputError
from reatrieve.sync.model import SyncAudio, SyncSheet
from reatrieve.sync.writers import cue_wav
from reatrieve.sync.writers.cue_wav import write_cue_wav
from sync.sync_sheets import BEXT, FORMATS, INFO, IXML, chunks_of, event, event_lists, pack, sheet, wav_bytes

BEFORE = (pack(b"bext", BEXT), pack(b"LIST", INFO), pack(b"JUNK", b"\0" * 27))
AFTER = (pack(b"iXML", IXML), pack(b"_PMX", b"<x/>"))


def written(path: Path, events, **options) -> tuple[Path, list[str]]:
    out = path.with_name("out.cues.wav")
    notes = write_cue_wav(sheet(path, events), out, **options)
    return out, notes


@given(
    data=st.data(),
    rate_hz=st.sampled_from([44100, 48000, 96000]),
    channels=st.integers(1, 6),
    form=st.sampled_from(sorted(FORMATS)),
    frames=st.integers(1, 400),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_samples_and_other_chunks_survive_byte_for_byte(tmp_path, data, rate_hz, channels, form, frames):
    source = tmp_path / "in.wav"
    source.write_bytes(
        wav_bytes(frames=frames, rate_hz=rate_hz, channels=channels, form=form, before=BEFORE, after=AFTER)
    )
    events = data.draw(event_lists(frames=frames))
    out, _ = written(source, events)
    old, new = dict(chunks_of(source.read_bytes())), chunks_of(out.read_bytes())
    assert dict(new)[b"data"] == old[b"data"]
    for kept in (b"fmt ", b"bext", b"iXML", b"_PMX", b"JUNK"):
        assert dict(new)[kept] == old[kept]
    lists = [content for name, content in new if name == b"LIST"]
    assert lists[-1] == INFO
    names = [name for name, _ in new]
    if events:
        assert names.index(b"data") < names.index(b"cue ") < names.index(b"LIST")
        assert lists[0][:4] == b"adtl"
        parts = [lists[0][i : i + 4] for i in _starts(lists[0])]
        assert parts == sorted(parts), "all labl, then all ltxt"
    else:
        assert b"cue " not in names


def _starts(content: bytes):
    at = 4
    while at < len(content):
        yield at
        at += 8 + (size := struct.unpack_from("<I", content, at + 4)[0]) + size % 2


@given(data=st.data(), frames=st.integers(1, 400))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wavinfo_and_our_reader_see_the_same_events(tmp_path, data, frames):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(frames=frames))
    events = data.draw(event_lists(frames=frames))
    out, _ = written(source, events)
    expected = sorted(
        (e.anchor, max(0, e.end - e.anchor), e.label.encode()[:255].decode(errors="ignore")) for e in events
    )
    rate_hz, cues = read_cues(out)
    assert rate_hz == 48000
    assert sorted((cue.position, cue.length, cue.label) for cue in cues) == expected
    reader = WavInfoReader(str(out), info_encoding="utf-8")
    labels = {label.name: label.text for label in reader.cues.labels} if events else {}
    lengths = {each.name: each.length for each in reader.cues.ranges} if events else {}
    seen = sorted(
        (cue.sample_offset, lengths.get(cue.name, 0), labels[cue.name]) for cue in (reader.cues.cues if events else [])
    )
    assert seen == expected


def test_five_hundred_overlapping_events(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(frames=6000))
    events = [event(i, i * 10, i * 10 + 500, f"n{i}") for i in range(1, 501)]
    out, _ = written(source, events)
    assert [(c.id, c.position, c.length, c.label) for c in read_cues(out)[1]] == [
        (i, i * 10, 500, f"n{i}") for i in range(1, 501)
    ]


def test_points_only_and_loops_on_request(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes())
    out, notes = written(source, [event(1, 100, 200, "a")], regions=False)
    assert b"ltxt" not in out.read_bytes()
    assert b"smpl" not in out.read_bytes()
    assert notes == []
    out, notes = written(source, [event(1, 100, 200, "a")], reaper_loops=True)
    loop = dict(chunks_of(out.read_bytes()))[b"smpl"]
    assert struct.unpack_from("<IIII", loop, 36) == (1, 0, 100, 200)
    assert "loop" in notes[0]


def loops(*ids_starts_ends: tuple[int, int, int], period_ns: int = 20833, note: int = 60) -> bytes:
    head = struct.pack("<9I", 0, 0, period_ns, note, 0, 0, 0, len(ids_starts_ends), 0)
    return pack(b"smpl", head + b"".join(struct.pack("<6I", i, 0, a, b, 0, 0) for i, a, b in ids_starts_ends))


def cue_chunk(*ids_positions: tuple[int, int]) -> bytes:
    rows = b"".join(struct.pack("<II4sIII", i, p, b"data", 0, 0, p) for i, p in ids_positions)
    return pack(b"cue ", struct.pack("<I", len(ids_positions)) + rows)


def test_the_users_loop_points_stay_and_share_no_id_with_our_cues(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(after=[loops((1, 5, 4000))]))
    out, _ = written(source, [event(1, 10, 20, "a"), event(2, 30, 40, "b")])
    assert dict(chunks_of(out.read_bytes()))[b"smpl"] == loops((1, 5, 4000))[8:]
    assert [cue.id for cue in read_cues(out)[1]] == [2, 3]


def test_old_cues_and_reapers_region_loops_are_replaced_with_a_note(tmp_path):
    source = tmp_path / "in.wav"
    labels = pack(b"list", b"adtl" + pack(b"labl", struct.pack("<I", 7) + b"old\0"))
    source.write_bytes(wav_bytes(after=[cue_chunk((7, 50)), loops((7, 50, 90), period_ns=0, note=0), labels]))
    assert [(c.position, c.length, c.label) for c in read_cues(source)[1]] == [(50, 40, "old")]
    out, notes = written(source, [event(1, 10, 20, "new")])
    assert [(c.position, c.length, c.label) for c in read_cues(out)[1]] == [(10, 10, "new")]
    assert b"smpl" not in dict(chunks_of(out.read_bytes()))
    assert len(notes) == 2


def test_a_data_chunk_of_odd_size_and_a_stream_writers_sizes(tmp_path):
    source = tmp_path / "in.wav"
    content = bytearray(wav_bytes(frames=101, channels=1, form="u8"))
    source.write_bytes(content)
    out, _ = written(source, [event(1, 100, 101, "last")])
    assert dict(chunks_of(out.read_bytes()))[b"data"] == dict(chunks_of(bytes(content)))[b"data"]
    at = content.index(b"data") + 4
    content = content[: at + 4 + 100]
    content[at : at + 4] = b"\xff\xff\xff\xff"
    source.write_bytes(content)
    out, _ = written(source, [event(1, 0, 1, "first")])
    assert len(dict(chunks_of(out.read_bytes()))[b"data"]) == 100


def test_an_rf64_becomes_a_plain_wav(tmp_path):
    source = tmp_path / "in.wav"
    plain = wav_bytes(frames=100, before=[pack(b"ds64", struct.pack("<QQQI", 0, 400, 100, 0))])
    at = plain.index(b"data") + 4
    source.write_bytes(b"RF64" + b"\xff" * 4 + plain[8:at] + b"\xff" * 4 + plain[at + 4 :])
    out, _ = written(source, [event(1, 0, 1, "a")])
    assert [name for name, _ in chunks_of(out.read_bytes())] == [b"fmt ", b"data", b"cue ", b"LIST"]
    assert dict(chunks_of(out.read_bytes()))[b"data"] == plain[at + 4 :]


@pytest.mark.parametrize(
    ("kind", "subtype", "bits"), [("flac", "PCM_16", 16), ("flac", "PCM_24", 24), ("aiff", "PCM_16", 16)]
)
def test_lossless_files_are_decoded_exactly(tmp_path, kind, subtype, bits):
    integers = np.random.default_rng(1).integers(-(2**23), 2**23, (3000, 2), dtype=np.int32) << 8
    if bits == 16:
        integers = (integers >> 16) << 16
    source = tmp_path / f"in.{kind}"
    soundfile.write(source, integers, 44100, subtype=subtype)
    out, notes = written(source, [event(1, 10, 3000, "a")])
    decoded, rate_hz = soundfile.read(out, dtype="int32", always_2d=True)
    assert rate_hz == 44100
    assert soundfile.info(str(out)).subtype == f"PCM_{bits}"
    assert np.array_equal(decoded, integers)
    assert sheet(out, []).audio.pcm_sha256 == sheet(source, []).audio.pcm_sha256
    assert notes == []


def test_lossy_files_become_24_bits_and_six_channels_say_their_speakers(tmp_path):
    source = tmp_path / "in.ogg"
    y = 0.1 * np.random.default_rng(1).standard_normal((20000, 6)).astype(np.float32)
    soundfile.write(source, y, 48000, format="OGG", subtype="VORBIS")
    out, _ = written(source, [event(1, 10, 300, "a")])
    info = soundfile.info(str(out))
    assert (info.subtype, info.channels, info.frames) == ("PCM_24", 6, soundfile.info(str(source)).frames)
    assert np.allclose(soundfile.read(out)[0], soundfile.read(source)[0], atol=2**-23)


def test_beyond_4_gb_is_refused_before_anything_is_written(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(frames=10))
    audio = SyncAudio(source, 0.0, 48000, 2, 2**30, "0" * 64)
    out = tmp_path / "out.wav"
    with pytest.raises(InputError, match="4 GB"):
        write_cue_wav(SyncSheet("x", audio, ()), out)
    assert not out.exists()


def test_the_last_bytes_count_towards_4_gb(tmp_path, monkeypatch):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(frames=10))
    out, _ = written(source, [event(1, 0, 1, "a")])
    monkeypatch.setattr(cue_wav, "MAX_FILE_BYTES", out.stat().st_size)
    written(source, [event(1, 0, 1, "a")])
    monkeypatch.setattr(cue_wav, "MAX_FILE_BYTES", out.stat().st_size - 1)
    with pytest.raises(InputError, match="more than the 4 GB"):
        written(source, [event(1, 0, 1, "a")])


def test_changed_samples_are_refused(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(seed=1))
    old = sheet(source, [event(1, 0, 1, "a")])
    source.write_bytes(wav_bytes(seed=2))
    with pytest.raises(InputError, match="changed"):
        write_cue_wav(old, tmp_path / "out.wav")
    source.write_bytes(wav_bytes(seed=1, frames=4000))
    with pytest.raises(InputError, match="changed"):
        write_cue_wav(old, tmp_path / "out.wav")


def test_what_is_no_sound_is_refused(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(b"nothing")
    with pytest.raises(AudioError, match=r"in\.wav"):
        sheet(source, [])
    source.write_bytes(wav_bytes(frames=0))
    with pytest.raises(AudioError, match="no sample"):
        sheet(source, [])
    with pytest.raises(AudioError, match="no such file"):
        sheet(tmp_path / "gone.wav", [])


def test_the_hash_is_that_of_the_data_chunk(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(before=BEFORE))
    data = dict(chunks_of(source.read_bytes()))[b"data"]
    assert sheet(source, []).audio.pcm_sha256 == hashlib.sha256(data).hexdigest()


def texts(*chunks: bytes) -> bytes:
    return pack(b"LIST", b"adtl" + b"".join(chunks))


def label(cue_id: int, text: str, name: bytes = b"labl") -> bytes:
    return pack(name, struct.pack("<I", cue_id) + text.encode("utf-8") + b"\0")


def length(cue_id: int, frames: int, text: bytes = b"", code_page: int = 0) -> bytes:
    return pack(b"ltxt", struct.pack("<II4sHHHH", cue_id, frames, b"rgn ", 0, 0, 0, code_page) + text)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([label(1, "a"), label(1, "b")], [(5, 0, "a", ""), (9, 0, "b", "")]),
        ([label(1, "a")], [(5, 0, "a", ""), (9, 0, "a", "")]),
        ([], [(5, 0, "", ""), (9, 0, "", "")]),
        (
            [label(1, "a"), label(1, "b"), length(1, 2), length(1, 3)],
            [(5, 2, "a", ""), (9, 3, "b", "")],
        ),
    ],
)
def test_cues_of_one_id_stay_apart(tmp_path, chunks, expected):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(after=[cue_chunk((1, 5), (1, 9)), texts(*chunks)]))
    assert [(c.position, c.length, c.label, c.note) for c in read_cues(source)[1]] == expected


@pytest.mark.parametrize(
    ("chunks", "what"),
    [
        ([label(1, "a"), label(1, "b")], "labels"),
        ([length(1, 2)], "lengths"),
        ([label(1, "a", b"note"), label(1, "b", b"note")], "notes"),
    ],
)
def test_cues_of_one_id_that_cannot_be_told_apart_are_refused(tmp_path, chunks, what):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(after=[cue_chunk((1, 5), (1, 9), (1, 12)), texts(*chunks)]))
    with pytest.raises(InputError, match=rf"in\.wav: 3 cues share the id 1, but not their {what}"):
        read_cues(source)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([length(1, 7, b"text\0")], ("text", "")),
        ([label(1, "name"), length(1, 7, b"text\0")], ("name", "text")),
        ([label(1, "name"), length(1, 7, b"name\0"), label(1, "said", b"note")], ("name", "said")),
        ([length(1, 7, "Ж".encode("cp1251") + b"\0", 1251)], ("Ж", "")),
        ([length(1, 7, "ä".encode("cp1252") + b"\0", 9)], ("ä", "")),
    ],
)
def test_text_beside_a_length_is_the_label_or_goes_with_it(tmp_path, chunks, expected):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes(after=[cue_chunk((1, 5)), texts(*chunks)]))
    assert [(c.length, c.label, c.note) for c in read_cues(source)[1]] == [(7, *expected)]


def test_a_loop_of_another_editor_ends_with_its_last_frame_and_stays(tmp_path):
    source = tmp_path / "in.wav"
    loop = loops((7, 50, 89))
    source.write_bytes(wav_bytes(after=[cue_chunk((7, 50)), loop]))
    assert [(c.position, c.length) for c in read_cues(source)[1]] == [(50, 40)]
    out, notes = written(source, [event(1, 10, 20, "new")])
    assert pack(b"smpl", dict(chunks_of(out.read_bytes()))[b"smpl"]) == loop
    assert [c.id for c in read_cues(out)[1]] == [1]
    assert notes == ["the cue point that in.wav had is not in the new file"]


def test_reapers_loops_that_are_no_regions_stay(tmp_path):
    source = tmp_path / "in.wav"
    loop = loops((7, 50, 90), period_ns=0, note=0)
    source.write_bytes(wav_bytes(after=[loop]))
    out, notes = written(source, [event(1, 10, 20, "new")])
    assert pack(b"smpl", dict(chunks_of(out.read_bytes()))[b"smpl"]) == loop
    assert notes == []


def test_our_region_loops_are_taken_for_regions_again(tmp_path):
    source = tmp_path / "in.wav"
    source.write_bytes(wav_bytes())
    first, _ = written(source, [event(1, 100, 200, "a")], reaper_loops=True)
    again = first.rename(tmp_path / "first.wav")
    out, notes = written(again, [event(1, 300, 400, "b")])
    assert b"smpl" not in dict(chunks_of(out.read_bytes()))
    assert len(notes) == 2


@pytest.mark.parametrize("subtype", ["ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM"])
def test_what_a_compressed_wav_holds_beside_its_samples_is_kept(tmp_path, subtype):
    source = tmp_path / "in.wav"
    soundfile.write(source, 0.1 * np.random.default_rng(1).standard_normal(8000), 8000, subtype=subtype)
    more = (pack(b"bext", BEXT), pack(b"iXML", IXML), pack(b"LIST", INFO), loops((3, 5, 90)))
    content = source.read_bytes() + b"".join(more)
    source.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    out, notes = written(source, [event(1, 10, 20, "a")])
    new = chunks_of(out.read_bytes())
    assert [name for name, _ in new].count(b"fmt ") == 1
    assert dict(new)[b"fmt "][:2] == struct.pack("<H", 1)
    assert b"fact" not in dict(new)
    for packed in more:
        assert packed in b"".join(pack(name, body) for name, body in new)
    assert notes == ["in.wav is compressed and was decoded for the cue WAV"]
    assert np.array_equal(soundfile.read(out)[0], soundfile.read(source)[0])


def big_endian(chunk_id: bytes, body: bytes) -> bytes:
    return chunk_id + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)


@pytest.mark.parametrize("kind", ["rifx", "aiff"])
def test_what_a_big_endian_file_loses_is_told(tmp_path, kind):
    source = tmp_path / "in.wav"
    y = np.arange(100, dtype=np.int16)
    if kind == "rifx":
        soundfile.write(source, y, 8000, format="WAV", subtype="PCM_16", endian="BIG")
    else:
        soundfile.write(source, y, 8000, format="AIFF", subtype="PCM_16")
    assert written(source, [event(1, 10, 20, "a")])[1] == []
    content = source.read_bytes() + big_endian(b"bext", BEXT) + big_endian(b"MARK", b"\0\0") + big_endian(b"PAD ", b"")
    source.write_bytes(content[:4] + struct.pack(">I", len(content) - 8) + content[8:])
    out, notes = written(source, [event(1, 10, 20, "a")])
    assert notes == ["not copied from in.wav: bext, MARK"]
    assert np.array_equal(soundfile.read(out, dtype="int16")[0], y)
