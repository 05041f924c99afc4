"""Where a sound that was performed again begins."""

import numpy as np
import pytest
import scipy.signal

from reatrieve.retrieval.default.align import WARP_REACH_S, Aligner, _warped
from reatrieve.session.retriever import ANALYSIS_RATE_HZ

EXAMPLE_S, AGAIN_S, LENGTH_S = 1.0, 3.0, 0.5
MOST_MOVED_S = WARP_REACH_S + 128 / ANALYSIS_RATE_HZ
"""The window of warping, and a step of it."""


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def spoken(rng, length_s: float) -> np.ndarray:
    """Noise that swells, and whose colour changes slowly: nothing in it begins at once."""
    n = round(length_s * ANALYSIS_RATE_HZ)
    at = np.linspace(0.0, 1.0, n)
    bands = []
    for low, high, middle, width in ((200, 800, 0.2, 0.1), (900, 2500, 0.5, 0.12), (3000, 8000, 0.8, 0.1)):
        sos = scipy.signal.butter(2, (low, high), "bandpass", fs=ANALYSIS_RATE_HZ, output="sos")
        bands.append(scipy.signal.sosfilt(sos, rng.standard_normal(n)) * np.exp(-(((at - middle) / width) ** 2)))
    return np.sum(bands, axis=0)


def track(rng, again_length_s: float) -> np.ndarray:
    samples = 0.003 * rng.standard_normal(5 * ANALYSIS_RATE_HZ)
    for begin_s, length_s in ((EXAMPLE_S, LENGTH_S), (AGAIN_S, again_length_s)):
        first = round(begin_s * ANALYSIS_RATE_HZ)
        sound = spoken(rng, length_s)
        samples[first : first + len(sound)] += sound
    return samples.astype(np.float32)


@pytest.mark.parametrize("again_length_s", [0.4, 0.5, 0.65])
@pytest.mark.parametrize("off_s", [-0.1, 0.0, 0.1])
def test_a_word_said_slower_or_faster_begins_where_it_does(rng, again_length_s, off_s):
    aligner = Aligner(track(rng, again_length_s), length_s=LENGTH_S)
    begin_s = aligner.by_warp(EXAMPLE_S, AGAIN_S + off_s)
    assert begin_s == pytest.approx(AGAIN_S, abs=0.02)


def test_the_level_of_the_sound_does_not_matter(rng):
    samples = track(rng, 0.6)
    loud, quiet = (Aligner(gain * samples, length_s=LENGTH_S).by_warp(EXAMPLE_S, AGAIN_S) for gain in (1.0, 0.05))
    assert quiet == pytest.approx(loud, abs=0.007)


@pytest.mark.parametrize("length_s", [0.1, 0.29, 1.0, 3.0])
def test_short_and_long_sounds_are_not_warped(rng, length_s):
    assert Aligner(track(rng, 0.5), length_s=length_s).by_warp(EXAMPLE_S, AGAIN_S) is None


@pytest.mark.parametrize("begin_s", [-0.2, 0.0, 4.8])
def test_the_ends_of_the_sound_are_silence(rng, begin_s):
    found_s = Aligner(track(rng, 0.5), length_s=LENGTH_S).by_warp(EXAMPLE_S, begin_s)
    assert abs(found_s - begin_s) <= MOST_MOVED_S


@pytest.mark.parametrize("seed", range(12))
def test_what_has_no_beginning_stays_where_it_is(seed):
    """Noise that grows evenly: each moment looks like a louder one later."""
    n = 2 * ANALYSIS_RATE_HZ
    samples = np.random.default_rng(seed).normal(0.0, 0.1, n) * np.linspace(0.0, 1.0, n)
    found_s = Aligner(samples.astype(np.float32), length_s=0.9).by_warp(1.0, 0.5)
    assert abs(found_s - 0.5) <= MOST_MOVED_S


def cheapest(cost: np.ndarray, reach: int) -> tuple[float, dict[int, int]]:
    """Of all paths, one by one: what it costs, and which column goes with each row that it touches."""
    n = len(cost)
    best = (np.inf, {})

    def walk(row, column, total, path):
        nonlocal best
        if row == n - 1:
            best = min(best, (total, path), key=lambda one: one[0])
            return
        for down, right in ((1, 1), (1, 2), (2, 1)):
            if row + down < n and 0 <= column + right - row - down <= 2 * reach:
                step = cost[row + down, column + right] * down
                walk(row + down, column + right, total + step, path | {row + down: column + right})

    for column in range(2 * reach + 1):
        walk(0, column, cost[0, column], {0: column})
    return best


@pytest.mark.parametrize("reach", [0, 1, 2])
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_the_path_is_the_cheapest_in_its_window(rng, frame, reach):
    for _ in range(10):
        example, candidate = rng.random((5, 2)), rng.random((5 + 2 * reach, 2))
        cost = np.array([[np.linalg.norm(a - b) for b in candidate] for a in example])
        _, path = cheapest(cost, reach)
        expected = path[frame] if frame in path else (path[frame - 1] + path[frame + 1]) / 2
        assert _warped(example, candidate, frame=frame, reach=reach) == expected
