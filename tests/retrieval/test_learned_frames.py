"""The network's frames: one pass for all who want them, one that rests until somebody waits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reatrieve.errors import CancelledError
from reatrieve.retrieval.learned import frames as frames_module
from reatrieve.retrieval.learned import network
from reatrieve.retrieval.learned.frames import learned_frames
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Analysis
from signals import noise

WAIT_S = 60.0


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Analysis:
    """Thirty seconds that nobody has described yet."""
    monkeypatch.setattr(frames_module, "_kept", {})
    samples = noise(30 * ANALYSIS_RATE_HZ, level=0.1).astype(np.float16)
    return Analysis(samples.size, {"samples": samples})


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the network was run, by samples."""
    begun: list[int] = []
    original = network.network_frames

    def counted(samples, **more):
        begun.append(samples.size)
        return original(samples, **more)

    monkeypatch.setattr(network, "network_frames", counted)
    return begun


def test_a_pass_that_rests_is_done_at_once_when_somebody_waits(sound: Analysis, passes: list[int]) -> None:
    resting, never = threading.Event(), threading.Event()

    def rest(wanted) -> None:
        resting.set()
        while not wanted():
            assert not never.wait(0.01)

    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(learned_frames, sound, rest)
        assert resting.wait(WAIT_S)
        assert not ahead.done()
        frames = learned_frames(sound)
        assert ahead.result(WAIT_S) is frames
    assert learned_frames(sound) is frames
    assert len(passes) == 1
    np.testing.assert_array_equal(frames, network.network_frames(sound.arrays["samples"]))


def test_a_stopped_pass_leaves_nothing_and_who_waits_makes_it(sound: Analysis, passes: list[int]) -> None:
    resting, stop = threading.Event(), threading.Event()

    def rest(_wanted) -> None:
        resting.set()
        assert stop.wait(WAIT_S)
        raise CancelledError("stopped")

    with ThreadPoolExecutor(2) as threads:
        ahead = threads.submit(learned_frames, sound, rest)
        assert resting.wait(WAIT_S)
        waiting = threads.submit(learned_frames, sound)
        stop.set()
        with pytest.raises(CancelledError):
            ahead.result(WAIT_S)
        assert waiting.result(WAIT_S).shape[0] == network.N_VALUES
    assert len(passes) == 2
    assert not frames_module._under_way


def test_the_oldest_sound_is_forgotten(sound: Analysis, passes: list[int]) -> None:
    for k in range(frames_module._MOST_KEPT + 1):
        samples = np.full(4 * 512, k / 100, dtype=np.float16)
        learned_frames(Analysis(samples.size, {"samples": samples}))
    assert len(frames_module._kept) == frames_module._MOST_KEPT


def test_who_rests_waits_for_another_pass_without_hurry_and_can_stop(sound: Analysis, passes: list[int]) -> None:
    resting, go_on, asked = threading.Event(), threading.Event(), []

    def slow(wanted) -> None:
        resting.set()
        asked.append(wanted())
        assert go_on.wait(WAIT_S)

    def stop(_wanted) -> None:
        raise CancelledError("stopped")

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(learned_frames, sound, slow)
        assert resting.wait(WAIT_S)
        with pytest.raises(CancelledError):
            learned_frames(sound, stop)
        go_on.set()
        first.result(WAIT_S)
    assert not any(asked)
    assert len(passes) == 1
