"""From map to analysis: cached by what matters, cancellable, with progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from reatrieve.audio import analysis as analysis_module
from reatrieve.audio.analysis import analyse_track
from reatrieve.audio.cache import AnalysisCache
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, CancelledError
from reatrieve.prefetch import prefetched
from reatrieve.retrieval.registry import make_retriever
from reatrieve.session.retriever import Analysis, Progress
from signals import noise, write_sound


class Copying:
    """A retriever whose analysis is the sound itself."""

    name = "copying"

    def __init__(self, key: str = "1") -> None:
        self.analysis_key = key
        self.n_calls = 0

    def analyse(self, blocks: Iterable[np.ndarray], *, n_samples: int, progress: Progress | None = None) -> Analysis:
        self.n_calls += 1
        y = np.concatenate(list(blocks))
        assert len(y) == n_samples
        assert progress is not None
        progress(0.5)
        return Analysis(n_samples, {"y": y})


@pytest.fixture
def track(tmp_path: Path) -> TrackMap:
    return TrackMap.of_file(write_sound(tmp_path / "x.wav", noise(22050 * 20), 22050, subtype="FLOAT"))


def test_the_second_time_comes_from_the_cache(tmp_path: Path, track: TrackMap) -> None:
    cache, retriever = AnalysisCache(tmp_path / "cache"), Copying()
    stages: list[tuple[str, float]] = []
    first = analyse_track(track, retriever, cache=cache, progress=lambda *at: stages.append(at))
    np.testing.assert_array_equal(first.arrays["y"], np.concatenate(list(TrackAudio(track).blocks())))
    assert [share for stage, share in stages if stage == "decode"] == sorted(s for g, s in stages if g == "decode")
    assert ("decode", 1.0) in stages
    assert stages[-1] == ("analyse", 1.0)
    again = analyse_track(track, retriever, cache=cache)
    np.testing.assert_array_equal(again.arrays["y"], first.arrays["y"])
    assert retriever.n_calls == 1


def test_what_changes_the_result_changes_the_key(
    tmp_path: Path, track: TrackMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    one = Copying()
    analyse_track(track, one, cache=cache)

    other_settings = Copying("2")
    analyse_track(track, other_settings, cache=cache)
    assert other_settings.n_calls == 1

    louder = TrackMap((TrackItem(track.items[0].path, 0.0, 20.0, gain=2.0),))
    analyse_track(louder, one, cache=cache)
    assert one.n_calls == 2

    moved = TrackMap((TrackItem(track.items[0].path, 55.5, 20.0),))
    analyse_track(moved, one, cache=cache)
    assert one.n_calls == 2

    write_sound(track.items[0].path, noise(22050 * 20, seed=9), 22050, subtype="FLOAT")
    analyse_track(track, one, cache=cache)
    assert one.n_calls == 3

    monkeypatch.setattr(analysis_module, "_versions", lambda: ("librosa 99",))
    analyse_track(track, one, cache=cache)
    assert one.n_calls == 4


def test_without_a_cache_nothing_is_kept(track: TrackMap) -> None:
    retriever = Copying()
    analyse_track(track, retriever)
    analyse_track(track, retriever)
    assert retriever.n_calls == 2


def test_cancel_takes_less_than_a_fifth_of_a_second_and_stores_nothing(tmp_path: Path) -> None:
    """The default retriever in the middle of ten minutes: the clock runs from the moment cancel says yes. The best of
    three, since a busy machine may stand still itself.
    """
    path = write_sound(tmp_path / "ten.flac", noise(44100 * 10), 44100)
    long = TrackMap((TrackItem(path, 0.0, 600.0, loop=True),))
    cache = AnalysisCache(tmp_path / "cache")
    took_s: list[float] = []
    while len(took_s) < 3 and min(took_s, default=1.0) >= 0.2:
        began = threading.Event()
        asked: list[float] = []

        def cancel(began: threading.Event = began, asked: list[float] = asked) -> bool:
            if began.is_set() and not asked:
                asked.append(time.perf_counter())
            return began.is_set()

        def progress(stage: str, share: float, began: threading.Event = began) -> None:
            if stage == "decode" and share > 0.2:
                began.set()

        with pytest.raises(CancelledError):
            analyse_track(long, make_retriever("default"), cache=cache, progress=progress, cancel=cancel)
        took_s.append(time.perf_counter() - asked[0])
        assert cache.size_bytes() == 0
        assert "reatrieve-decode" not in {thread.name for thread in threading.enumerate()}
    assert min(took_s) < 0.2 + 0.3  # the margin is for busy test machines


def test_cancel_does_not_wait_for_a_long_step(track: TrackMap) -> None:
    class Slow(Copying):
        def analyse(self, blocks: Iterable[np.ndarray], **more: object) -> Analysis:
            began.set()
            assert may_end.wait(30.0)
            return super().analyse(blocks, **more)

    began, may_end = threading.Event(), threading.Event()
    start = time.perf_counter()
    with pytest.raises(CancelledError):
        analyse_track(track, Slow(), cancel=began.is_set)
    assert time.perf_counter() - start < 10.0
    may_end.set()
    for thread in threading.enumerate():
        if thread.name == "reatrieve-analyse":
            thread.join(10.0)
            assert not thread.is_alive()


def test_a_retrievers_error_comes_out(track: TrackMap) -> None:
    class Broken(Copying):
        def analyse(self, blocks: Iterable[np.ndarray], **more: object) -> Analysis:
            next(iter(blocks))
            raise ZeroDivisionError("in the retriever")

    with pytest.raises(ZeroDivisionError, match="in the retriever"):
        analyse_track(track, Broken())
    assert not {"reatrieve-decode", "reatrieve-analyse"} & {thread.name for thread in threading.enumerate()}


def test_the_default_retriever_gives_the_same_bits_cached_and_not(tmp_path: Path, track: TrackMap) -> None:
    cache, retriever = AnalysisCache(tmp_path / "cache"), make_retriever("default")
    fresh = analyse_track(track, retriever)
    analyse_track(track, retriever, cache=cache)
    cached = analyse_track(track, retriever, cache=cache)
    assert fresh.n_samples == cached.n_samples
    for name, array in fresh.arrays.items():
        np.testing.assert_array_equal(cached.arrays[name], array)


def test_a_damaged_source_fails_as_audio_error(tmp_path: Path, track: TrackMap) -> None:
    track.items[0].path.write_bytes(b"RIFF nonsense")
    with pytest.raises(AudioError, match=r"x\.wav"):
        analyse_track(track, Copying(), cache=AnalysisCache(tmp_path / "cache"))


def test_jobs_done_ahead_come_in_order_with_their_error() -> None:
    gates = [threading.Event() for _ in range(20)]

    def job(number: int) -> int:
        if number < 3:
            gates[number + 1].wait(10.0)  # each one waits for the one after it
        gates[number].set()
        if number == 9:
            raise AudioError("broken at nine")
        return number

    made = prefetched((partial(job, number) for number in range(20)), n_threads=4)
    assert [next(made) for _ in range(9)] == list(range(9))
    with pytest.raises(AudioError, match="broken at nine"):
        next(made)


def test_leaving_early_stops_the_threads() -> None:
    begun: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(10**9):
            begun.append(number)
            yield lambda: 1

    made = prefetched(jobs(), n_threads=3)
    next(made)
    made.close()
    assert len(begun) <= 7
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reatrieve-decode")]
