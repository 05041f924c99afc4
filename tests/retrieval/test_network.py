"""The learned view's network and its excerpts: against torch, against slow twins, and at the edges."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.retrieval.excerpt import HOP, HOP_S, excerpt_frames, frame_near
from reatrieve.retrieval.learned import network
from reatrieve.retrieval.learned.bands import BAND_HOP, LEARNED_BANDS, band_count, band_levels
from reatrieve.retrieval.learned.network import N_VALUES, network_frames, shipped_network
from reatrieve.retrieval.learned.parts import PartMeans
from signals import noise

GOLDEN = Path(__file__).parent / "golden" / "network.npz"
RATE_HZ = 22050


def uneven(n_samples, *, seed=0):
    """Noise whose level changes every 50 ms."""
    levels = np.random.default_rng(seed).uniform(0, 1, 1 + n_samples // 1102)
    return noise(n_samples, seed=seed) * np.repeat(levels, 1103)[:n_samples].astype(np.float32)


def test_frames_are_what_torch_computes_from_the_shipped_weights():
    with np.load(GOLDEN) as golden:
        levels, frames = golden["levels"].astype(np.float32), golden["frames"]
    ours = shipped_network().frames(levels, n_frames=frames.shape[1])
    np.testing.assert_allclose(ours, frames, atol=2e-5 * np.abs(frames).max())


def test_the_shipped_weights_stay_small():
    size = Path(network.__file__).with_name("weights.npz").stat().st_size
    assert size < 1_000_000


@pytest.mark.parametrize("n_samples", [1, HOP - 1, HOP, 7 * HOP + 3, 22050])
def test_there_is_a_frame_for_each_hop(n_samples):
    frames = network_frames(uneven(n_samples))
    assert frames.shape == (N_VALUES, 1 + n_samples // HOP)
    assert frames.dtype == np.float16
    assert np.isfinite(frames).all()


def test_rows_have_mean_0_and_deviation_1():
    frames = network_frames(uneven(20 * RATE_HZ)).astype(np.float64)
    np.testing.assert_allclose(frames.mean(axis=1), 0.0, atol=1e-3)
    np.testing.assert_allclose(frames.std(axis=1), 1.0, atol=0.02)


def test_silence_and_half_precision_give_finite_frames():
    assert np.isfinite(network_frames(np.zeros(RATE_HZ, np.float16))).all()


def test_pieces_join_without_a_seam(monkeypatch):
    y = uneven(40 * RATE_HZ)
    whole = network_frames(y).astype(np.float32)
    monkeypatch.setattr(network, "_CHUNK", 50)
    np.testing.assert_allclose(network_frames(y).astype(np.float32), whole, atol=0.01)


def test_what_happens_later_moves_frames_later():
    y = np.zeros(30 * RATE_HZ, np.float32)
    sound = uneven(4 * RATE_HZ, seed=3)
    first, later = y.copy(), y.copy()
    first[100 * HOP : 100 * HOP + sound.size] = sound
    later[400 * HOP : 400 * HOP + sound.size] = sound
    n = sound.size // HOP
    a, b = (network_frames(one).astype(np.float32) for one in (first, later))
    np.testing.assert_allclose(a[:, 100 : 100 + n], b[:, 400 : 400 + n], atol=0.01)


def test_memory_maps_will_do(tmp_path):
    y = uneven(5 * RATE_HZ).astype(np.float16)
    np.save(tmp_path / "y.npy", y)
    np.testing.assert_array_equal(network_frames(np.load(tmp_path / "y.npy", mmap_mode="r")), network_frames(y))


def test_one_thread_and_a_few_hear_the_same():
    y = uneven(60 * RATE_HZ)
    np.testing.assert_array_equal(network_frames(y), network_frames(y, progress=lambda _share: None))


def test_progress_is_told_and_may_stop_it():
    shares = []
    network_frames(uneven(30 * RATE_HZ), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)

    class StoppedError(Exception):
        pass

    def stop(share):
        if share > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        network_frames(uneven(30 * RATE_HZ), progress=stop)


def test_memory_grows_little_with_the_sound():
    """By what an hour may take of it, 120 MB: 2 MB a minute."""

    def peak_mb(minutes):
        y = uneven(minutes * 60 * RATE_HZ).astype(np.float16)
        tracemalloc.start()
        network_frames(y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 2**20

    peak_mb(1)
    assert peak_mb(4) - peak_mb(1) < 3 * 2.0


def test_band_levels_are_those_of_librosa():
    import librosa

    y = uneven(3 * RATE_HZ + 17)
    levels = np.concatenate(list(band_levels(y)), axis=1)
    assert levels.shape == (LEARNED_BANDS, band_count(y.size))
    power = np.abs(librosa.stft(y, n_fft=1024, hop_length=BAND_HOP, pad_mode="constant")) ** 2
    bank = librosa.filters.mel(sr=RATE_HZ, n_fft=1024, n_mels=64, fmin=40, fmax=11025, norm=None)
    expected = np.log(bank @ power / bank.sum(axis=1, keepdims=True) * (2 / 512) ** 2 + 1e-8)
    np.testing.assert_allclose(levels, expected, atol=1e-3)


def test_loading_the_network_is_left_to_who_uses_it():
    import subprocess

    code = (
        "import sys, reatrieve.retrieval.learned.network, reatrieve.retrieval.learned.parts as p; "
        "from reatrieve.retrieval.learned.network import shipped_network as s; "
        "print('librosa' in sys.modules, 'torch' in sys.modules, s.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "0"]


# excerpts


def slow_means(frames, start_s, length_s, *, n_parts=6):
    """Means of the parts, frame t filling (t - 1/2 .. t + 1/2) hops, frames beyond the sound 0; (n_parts, n_values)."""
    edges = (start_s + length_s * np.linspace(0, 1, n_parts + 1)) / HOP_S + 0.5
    means = np.zeros((n_parts, frames.shape[0]))
    for part in range(n_parts):
        for t in range(frames.shape[1]):
            shared = min(edges[part + 1], t + 1) - max(edges[part], t)
            if shared > 0:
                means[part] += shared * frames[:, t]
    return means / (length_s / HOP_S / n_parts)


def slow_cosine(a, b):
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize(("start_s", "length_s"), [(0.4321, 0.05), (0.3, 0.25), (0.01, 0.777), (1.0, 0.031)])
def test_cosines_are_those_of_the_slow_twin(rng_frames, start_s, length_s):
    first = frame_near(start_s)
    offset_s = start_s - first * HOP_S
    view = PartMeans(rng_frames, length_s=length_s, offset_s=offset_s)
    assert view.n_starts == rng_frames.shape[1] - excerpt_frames(length_s) + 1
    example = slow_means(rng_frames, start_s, length_s)
    expected = [
        slow_cosine(example, slow_means(rng_frames, k * HOP_S + offset_s, length_s)) for k in range(view.n_starts)
    ]
    np.testing.assert_allclose(view.like(first), expected, atol=1e-5)
    np.testing.assert_allclose(view.description(first) * np.linalg.norm(example), example, atol=1e-6)


def test_excerpts_may_reach_beyond_the_sound(rng_frames):
    length_s, offset_s = 0.3, 0.004
    view = PartMeans(rng_frames, length_s=length_s, offset_s=offset_s, first=-9, n_starts=rng_frames.shape[1] + 9)
    example = slow_means(rng_frames, 20 * HOP_S + offset_s, length_s)
    profile = view.like(29)
    for k in (-9, -8, -1, 0, 5, rng_frames.shape[1] - 2):
        other = slow_means(rng_frames, k * HOP_S + offset_s, length_s)
        assert profile[k + 9] == pytest.approx(slow_cosine(example, other), abs=1e-5)


def test_many_starts_are_computed_in_pieces_without_a_seam(monkeypatch, rng_frames):
    view = PartMeans(rng_frames, length_s=0.2, offset_s=0.003)
    whole = view.like(11)
    monkeypatch.setattr("reatrieve.retrieval.learned.parts._CHUNK", 7)
    np.testing.assert_allclose(PartMeans(rng_frames, length_s=0.2, offset_s=0.003).like(11), whole, atol=1e-6)


def test_a_profile_is_linear_in_its_description(rng_frames):
    view = PartMeans(rng_frames, length_s=0.2)
    a, b = view.description(4), view.description(40)
    np.testing.assert_allclose(view.profile(a - 0.6 * b), view.like(4) - 0.6 * view.like(40), atol=1e-5)


def test_an_excerpt_is_most_like_itself(rng_frames):
    view = PartMeans(rng_frames.astype(np.float16), length_s=0.15, offset_s=-0.005)
    profile = view.like(33)
    assert profile[33] == pytest.approx(1.0, abs=1e-4)
    assert np.argmax(profile) == 33


def test_an_excerpt_longer_than_the_sound_has_one_start(rng_frames):
    assert PartMeans(rng_frames, length_s=1000.0).like(0).shape == (1,)


@pytest.mark.parametrize("length_s", [0.0, -1.0, float("nan")])
def test_an_excerpt_needs_a_length(rng_frames, length_s):
    with pytest.raises(InputError, match="must be positive"):
        PartMeans(rng_frames, length_s=length_s)


@pytest.fixture
def rng_frames():
    return np.random.default_rng(5).standard_normal((N_VALUES, 60))


def test_repeats_in_noise_stand_out():
    y, starts_s = performed_again()
    frames = network_frames(y)
    length_s, example_s = 0.3, starts_s[2]
    first = frame_near(example_s)
    profile = PartMeans(frames, length_s=length_s, offset_s=example_s - first * HOP_S).like(first)
    there = [profile[frame_near(s) - 1 : frame_near(s) + 2].max() for s in starts_s]
    assert min(there) > np.quantile(profile, 0.97)


def performed_again():
    """A struck sound five times, each with other partial levels and another pitch, in loud noise; and their starts."""
    rng = np.random.default_rng(4)
    starts_s = [1.0, 4.3, 7.71, 11.0, 14.9]
    y = noise(18 * RATE_HZ, seed=2, level=0.05)
    t = np.arange(int(0.3 * RATE_HZ)) / RATE_HZ
    for start_s in starts_s:
        tune = 2 ** rng.normal(0, 0.02)
        hit = sum(rng.lognormal(0, 0.3) * np.sin(2 * np.pi * f * tune * t) for f in (412.0, 1130.0, 2750.0))
        at = round(start_s * RATE_HZ)
        y[at : at + t.size] += (0.2 * hit * np.exp(-t / 0.08)).astype(np.float32)
    return y, starts_s
