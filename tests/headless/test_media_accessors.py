"""Items, takes and sources, and what audio accessors give of them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from reatrieve.headless.listing import parse_version

RATE = 8000

READ = """
    local function read(accessor, channels, start, n, rate)
      local buffer = reaper.new_array(channels * n)
      local got = reaper.GetAudioAccessorSamples(accessor, rate or {rate}, channels, start, n, buffer)
      local parts = {{}}
      for i, value in ipairs(buffer.table()) do parts[i] = ("%.17g"):format(value) end
      reaper.SetExtState("test", "samples", table.concat(parts, " "), false)
      return got
    end
"""


@pytest.fixture
def tone(tmp_path):
    """Two channels of smooth noise, one second and a half, and its path (with a space and an umlaut)."""
    rng = np.random.default_rng(7)
    spectrum = np.zeros((2, RATE * 3 // 4 + 1), complex)
    spectrum[:, 1:2000] = rng.standard_normal((2, 1999)) + 1j * rng.standard_normal((2, 1999))
    sound = np.fft.irfft(spectrum, axis=1).T
    sound = (0.5 * sound / np.abs(sound).max()).astype(np.float32)
    path = tmp_path / "Öl fass.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path, sound.astype(float)


def samples(host, kind, channels, start_s, n, rate=RATE, expect=1):
    accessor = {
        "track": "reaper.CreateTrackAudioAccessor(reaper.GetTrack(0, 0))",
        "take": "reaper.CreateTakeAudioAccessor(reaper.GetActiveTake(reaper.GetMediaItem(0, 0)))",
    }[kind]
    host.lua(
        READ.format(rate=RATE)
        + f"""
        local accessor = {accessor}
        assert(read(accessor, {channels}, {start_s}, {n}, {rate}) == {expect})
        reaper.DestroyAudioAccessor(accessor)"""
    )
    return np.array(host.reaper.ext_state("test", "samples").split(), float).reshape(-1, channels)


def test_a_track_counts_project_time_a_take_from_its_item(host, tone):
    path, sound = tone
    host.reaper.project.add_track("a").add_item(path, 10.0, 1.0, offset_s=0.25, take_gain=0.5, gain=0.5, fade_in_s=0.1)
    np.testing.assert_allclose(samples(host, "take", 2, 0.5, 100), sound[6000:6100], atol=1e-9)
    np.testing.assert_allclose(samples(host, "track", 2, 10.5, 100), sound[6000:6100] / 4, atol=1e-9)
    np.testing.assert_allclose(samples(host, "track", 2, 10.05, 1)[0], sound[2400] / 8, atol=1e-9)
    assert not samples(host, "track", 2, 5.0, 100).any()


def test_past_the_end_stands_garbage(host, tone):
    path, sound = tone
    host.reaper.project.add_track("a").add_item(path)
    read = samples(host, "take", 2, 1.4, 1600)
    np.testing.assert_allclose(read[:800], sound[11200:], atol=1e-9)
    assert read[801:].all()
    assert samples(host, "take", 2, 3.0, 10, expect=0).all()


@pytest.mark.parametrize("rate", [0.5, 1.25, 2.0])
def test_a_play_rate_resamples(make_host, tone, rate):
    path, sound = tone
    host = make_host()
    host.reaper.project.add_track("a").add_item(path, rate=rate, offset_s=0.1)
    got = samples(host, "take", 2, 0.2, 200)
    at = RATE * (0.1 + (0.2 + np.arange(200) / RATE) * rate)
    if rate == 2.0:
        wanted = sound[at.round().astype(int)]
        assert np.corrcoef(got[:, 0], wanted[:, 0])[0, 1] > 0.6  # low-passed before it is thinned out
    else:
        spectrum = np.fft.rfft(sound, axis=0)
        phases = np.exp(2j * np.pi * np.outer(at / len(sound), np.arange(len(spectrum))))
        exact = (2 * phases @ spectrum).real / len(sound)
        assert np.corrcoef(got[:, 0], exact[:, 0])[0, 1] > (0.999 if rate < 1 else 0.85)


def test_sections_reverse_and_loop(make_host, tone):
    path, sound = tone
    section = sound[2000:6000]
    for reverse, wanted in ((False, section), (True, section[::-1])):
        host = make_host()
        host.reaper.project.add_track("a").add_item(path, 0.0, 1.2, section=(0.25, 0.5), reverse=reverse, loop=True)
        got = samples(host, "take", 2, 0.0, 9600)
        np.testing.assert_allclose(got, np.resize(wanted, (9600, 2)), atol=1e-9)
    host = make_host()
    host.reaper.project.add_track("a").add_item(path, 0.0, 3.0, loop=False)
    got = samples(host, "take", 2, 1.0, 16000)
    assert not got[4000:15999].any()


@pytest.mark.parametrize(
    ("mode", "columns"), [(0, [0, 1]), (1, [1, 0]), (2, None), (3, [0, 0]), (4, [1, 1]), (67, [0, 1])]
)
def test_channel_modes(make_host, tone, mode, columns):
    path, sound = tone
    host = make_host()
    host.reaper.project.add_track("a").add_item(path, channel_mode=mode)
    wanted = sound[:50, columns] if columns else np.repeat(sound[:50].mean(axis=1, keepdims=True), 2, axis=1)
    np.testing.assert_allclose(samples(host, "take", 2, 0.0, 50), wanted, atol=1e-9)


def test_items_mix_and_muted_ones_do_not(host, tone):
    path, sound = tone
    track = host.reaper.project.add_track("a")
    track.add_item(path, 1.0)
    track.add_item(path, 1.0, gain=0.5)
    track.add_item(path, 1.0, mute=True)
    np.testing.assert_allclose(samples(host, "track", 2, 1.0, 100), 1.5 * sound[:100], atol=1e-9)


def test_an_accessor_tells_when_items_change(host, tone):
    path, _ = tone
    item = host.reaper.project.add_track("a").add_item(path)
    host.lua("""
        local accessor = reaper.CreateTrackAudioAccessor(reaper.GetTrack(0, 0))
        assert(reaper.GetAudioAccessorStartTime(accessor) == 0 and reaper.GetAudioAccessorEndTime(accessor) == 1.5)
        assert(not reaper.AudioAccessorStateChanged(accessor))
        reaper.SetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), "D_POSITION", 2)
        assert(reaper.AudioAccessorStateChanged(accessor) and reaper.AudioAccessorValidateState(accessor))
        assert(not reaper.AudioAccessorStateChanged(accessor) and reaper.GetAudioAccessorEndTime(accessor) == 3.5)
        local buffer = reaper.new_array(10)
        assert(not pcall(reaper.GetAudioAccessorSamples, accessor, 8000, 2, 0.0, 10, buffer))
        assert(reaper.GetAudioAccessorSamples(accessor, 8000, 0, 0.0, 10, buffer) == -1)
        reaper.DestroyAudioAccessor(accessor)
        assert(not pcall(reaper.GetAudioAccessorEndTime, accessor))""")
    assert item.model.position_s == 2


def test_sources_tell_what_they_are(host, tone, tmp_path):
    path, _ = tone
    track = host.reaper.project.add_track("a")
    track.add_item(path, 0.0)
    track.add_item(path, 2.0, section=(0.5, 0.25), reverse=True)
    track.add_midi(4.0, 1.0)
    track.add_item(tmp_path / "missing.wav", 6.0, 1.0)
    track.add_item(path, 8.0).offline()
    host.lua(f"""
        local function source(index)
          return reaper.GetMediaItemTake_Source(reaper.GetActiveTake(reaper.GetMediaItem(0, index)))
        end
        local plain = source(0)
        assert(reaper.GetMediaSourceFileName(plain) == [[{path}]] and reaper.GetMediaSourceType(plain) == "WAVE")
        local length, quarters = reaper.GetMediaSourceLength(plain)
        assert(length == 1.5 and quarters == false and reaper.GetMediaSourceParent(plain) == nil)
        assert(reaper.GetMediaSourceNumChannels(plain) == 2 and reaper.GetMediaSourceSampleRate(plain) == 8000)
        assert(not reaper.PCM_Source_GetSectionInfo(plain))
        local section = source(1)
        assert(reaper.GetMediaSourceFileName(section) == "{path if parse_version(host.version) >= (7, 56) else ""}")
        assert(reaper.GetMediaSourceType(section) == "SECTION")
        local ok, offset, section_length, reverse = reaper.PCM_Source_GetSectionInfo(section)
        assert(ok and offset == 0.5 and section_length == 0.25 and reverse)
        assert(reaper.GetMediaSourceFileName(reaper.GetMediaSourceParent(section)) == [[{path}]])
        assert(reaper.TakeIsMIDI(reaper.GetActiveTake(reaper.GetMediaItem(0, 2))))
        assert(select(2, reaper.GetMediaSourceLength(source(2))) == true)
        assert(reaper.GetMediaSourceLength(source(3)) == 0 and reaper.GetMediaSourceLength(source(4)) == 0)""")


def test_items_takes_and_tracks_have_reaper_s_values(host, tone):
    path, _ = tone
    project = host.reaper.project
    track = project.add_track("")
    item = track.add_item(path, 1.0, offset_s=0.5, rate=2.0)
    item.select()
    track.razor(1, 2)
    host.lua(f"""
        local track, item = reaper.GetTrack(0, 0), reaper.GetSelectedMediaItem(0, 0)
        local take = reaper.GetActiveTake(item)
        assert(reaper.GetMediaItemTrack(item) == track and reaper.GetMediaItemTake_Item(take) == item)
        assert(reaper.CountSelectedMediaItems(0) == 1 and reaper.CountTrackMediaItems(track) == 1)
        assert(reaper.GetMediaItemInfo_Value(item, "D_POSITION") == 1.0)
        assert(reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") == 0.5)
        assert(reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE") == 2.0)
        assert(reaper.GetMediaItemInfo_Value(item, "D_POSITON") == 0)
        assert(select(2, reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)) == "{item.guid}")
        local _, guid = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
        assert(reaper.GetMediaItemTakeByGUID(0, guid) == take)
        assert(reaper.GetMediaItemTakeByGUID(0, "{{}}") == nil)
        assert(select(2, reaper.GetTrackName(track)) == "Track 1" and reaper.GetTrackGUID(track) == "{track.guid}")
        local _, razor = reaper.GetSetMediaTrackInfo_String(track, "P_RAZOREDITS", "", false)
        assert(razor:match("^1%.0+ 2%.0+ \\"\\"$"))
        assert(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER") == 1)
        local right = reaper.SplitMediaItem(item, 1.25)
        assert(reaper.GetMediaItemTakeInfo_Value(reaper.GetActiveTake(right), "D_STARTOFFS") == 1.0)
        assert(reaper.MoveMediaItemToTrack(right, track) and reaper.DeleteTrackMediaItem(track, right))""")
    assert project.tracks[0].items[0].model.length_s == 0.25


def test_folders_have_parents_and_depth(host):
    project = host.reaper.project
    tracks = [project.add_track(name) for name in "abcd"]
    tracks[0].set(I_FOLDERDEPTH=1)
    tracks[1].set(I_FOLDERDEPTH=1)
    tracks[2].set(I_FOLDERDEPTH=-2)
    host.lua("""
        local function parent(index)
          local found = reaper.GetParentTrack(reaper.GetTrack(0, index))
          return found and select(2, reaper.GetTrackName(found))
        end
        assert(parent(0) == nil and parent(1) == "a" and parent(2) == "b" and parent(3) == nil)
        assert(reaper.GetTrackDepth(reaper.GetTrack(0, 2)) == 2)
        assert(reaper.GetTrackDepth(reaper.GetTrack(0, 3)) == 0)""")


def test_stretch_markers_bend_time(make_host, tone):
    path, sound = tone
    host = make_host()
    item = host.reaper.project.add_track("a").add_item(path)
    item.add_stretch_marker(0.0, 0.0)
    item.add_stretch_marker(0.5, 0.5)
    item.add_stretch_marker(1.0, 0.75)
    assert host.value("reaper.GetTakeNumStretchMarkers(reaper.GetActiveTake(reaper.GetMediaItem(0, 0)))") == "3"
    np.testing.assert_allclose(samples(host, "take", 2, 0.2, 10), sound[1600:1610], atol=1e-6)
    got = samples(host, "take", 2, 0.6, 3)
    np.testing.assert_allclose(got[::2], sound[4400:4402], atol=5e-3)


def test_an_mp3_may_be_late_in_reaper(make_host, tmp_path, tone):
    _, sound = tone
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.resize(sound, (RATE * 3, 2)), RATE)
    host, late = make_host(), make_host(profile={"mp3_priming_samples": 100})
    for each in (host, late):
        each.reaper.project.add_track("a").add_item(path)
    on_time = samples(host, "take", 2, 0.5, 400)
    np.testing.assert_allclose(samples(late, "take", 2, 0.5 + 100 / RATE, 400), on_time, atol=1e-9)


def test_peaks_are_maxima_then_minima(host, tone):
    path, _ = tone
    host.reaper.project.add_track("a").add_item(path)
    host.lua("""
        local take = reaper.GetActiveTake(reaper.GetMediaItem(0, 0))
        local buffer = reaper.new_array(2 * 10)
        local n = reaper.GetMediaItemTake_Peaks(take, 10, 0.0, 1, 10, 0, buffer)
        assert(n & 0xfffff == 10)
        for i = 1, 10 do assert(buffer[i] >= buffer[10 + i]) end
        assert(buffer[1] > 0 and buffer[11] < 0)""")


def test_envelopes_count_their_points(host, tone):
    path, _ = tone
    item = host.reaper.project.add_track("a").add_item(path)
    item.add_envelope("Volume", points=3)
    item.add_fx()
    host.lua("""
        local take = reaper.GetActiveTake(reaper.GetMediaItem(0, 0))
        assert(reaper.CountTakeEnvelopes(take) == 1 and reaper.TakeFX_GetCount(take) == 1)
        local envelope = reaper.GetTakeEnvelope(take, 0)
        assert(reaper.CountEnvelopePoints(envelope) == 3 and reaper.GetTakeEnvelope(take, 1) == nil)
        assert(envelope == reaper.GetTakeEnvelopeByName(take, "Volume"))""")


@pytest.mark.parametrize("heard", [True, False])
def test_a_track_accessor_may_have_take_effects_but_never_the_tracks(make_host, tone, heard):
    path, sound = tone
    host = make_host(profile={"track_accessor_with_take_fx": heard})
    track = host.reaper.project.add_track("a")
    item = track.add_item(path)
    track.add_fx()
    np.testing.assert_allclose(samples(host, "track", 2, 0.5, 100), sound[4000:4100], atol=1e-9)
    item.add_fx()
    changed = not np.allclose(samples(host, "track", 2, 0.5, 100), sound[4000:4100], atol=1e-9)
    assert changed == heard
    np.testing.assert_allclose(samples(host, "take", 2, 0.5, 100), sound[4000:4100], atol=1e-9)
