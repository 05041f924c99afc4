"""Source files that change under a session are noticed; others are not told."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reatrieve.audio import watch as watching
from reatrieve.audio.hashing import content_hash
from reatrieve.audio.watch import SourceWatch

WAIT_S = 10.0


class Told:
    """A watch and what it told."""

    def __init__(self, poll_s: float) -> None:
        self.paths: queue.Queue[Path] = queue.Queue()
        self.watch = SourceWatch(self.paths.put, poll_s=poll_s, settle_s=0.02)

    def one(self) -> Path:
        return self.paths.get(timeout=WAIT_S)


@pytest.fixture(params=[3600.0, 0.05], ids=["by events", "by polling"])
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    if request.param < 1.0:
        monkeypatch.setattr(SourceWatch, "_watch_folder", lambda self, folder: None)
    told = Told(request.param)
    yield told
    told.watch.close()


def watched(told: Told, *paths: Path) -> None:
    told.watch.watch(paths, sounds={path: content_hash(path) for path in paths})


def test_a_file_written_anew_is_told_once(told: Told, tmp_path: Path) -> None:
    path, marker = tmp_path / "Ton 1.wav", tmp_path / "marker"
    path.write_bytes(b"before")
    marker.write_bytes(b"0")
    watched(told, path, marker)
    path.write_bytes(b"after, longer")
    assert told.one() == path
    marker.write_bytes(b"11")
    assert told.one() == marker  # and nothing of the first in between


def test_a_file_replaced_by_renaming_is_told(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"before")
    watched(told, path)
    for content in (b"second", b"third version"):
        other = tmp_path / "render.tmp"
        other.write_bytes(content)
        other.replace(path)
        assert told.one() == path


def test_a_file_deleted_and_made_again_is_told(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"before")
    watched(told, path)
    path.unlink()
    path.write_bytes(b"again")
    assert told.one() == path


def test_the_same_content_is_no_change(told: Told, tmp_path: Path) -> None:
    path, marker = tmp_path / "x.wav", tmp_path / "marker"
    path.write_bytes(b"before")
    marker.write_bytes(b"0")
    watched(told, path, marker)
    path.write_bytes(b"before")
    os.utime(path, (1, 1))
    (tmp_path / "neighbour.wav").write_bytes(b"whatever")
    marker.write_bytes(b"11")
    assert told.one() == marker
    assert told.paths.empty()


def test_a_change_between_analysis_and_watch_is_told(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"now")
    told.watch.watch([path], sounds={path: "hash of something else"})
    assert told.one() == path


def test_a_forgotten_file_is_told_no_more(told: Told, tmp_path: Path) -> None:
    path, marker = tmp_path / "x.wav", tmp_path / "sub" / "marker"
    marker.parent.mkdir()
    path.write_bytes(b"before")
    marker.write_bytes(b"0")
    watched(told, path, marker)
    told.watch.forget([path])
    path.write_bytes(b"after")
    marker.write_bytes(b"11")
    assert told.one() == marker
    assert told.paths.empty()


def test_a_file_that_is_gone_is_told_once_and_its_return_is_no_change(tmp_path: Path) -> None:
    gone: queue.Queue[Path] = queue.Queue()
    changed: queue.Queue[Path] = queue.Queue()
    watch = SourceWatch(changed.put, on_gone=gone.put, poll_s=0.02, settle_s=0.02)
    path, marker = tmp_path / "x.wav", tmp_path / "marker"
    path.write_bytes(b"sound")
    marker.write_bytes(b"0")
    watch.watch([path, marker], sounds={one: content_hash(one) for one in (path, marker)})
    for k in range(2):
        path.rename(tmp_path / "moved.wav")
        assert gone.get(timeout=WAIT_S) == path
        (tmp_path / "moved.wav").rename(path)
        marker.write_bytes(b"1" * (k + 2))
        assert changed.get(timeout=WAIT_S) == marker
    assert gone.empty()
    watch.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        threading.Event().wait(0.002)


def test_without_any_events_left_files_are_looked_at_and_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All inotify instances of the user are taken: the observer cannot even be made."""

    def none_left() -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(watching, "Observer", none_left)
    told = Told(0.05)
    paths = [tmp_path / name / "x.wav" for name in "abc"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(b"before")
    watched(told, *paths)
    for path in paths:
        path.write_bytes(b"afterwards")
        assert told.one() == path
    told.watch.close()
    assert [record.levelname for record in caplog.records if "no events" in record.message] == ["WARNING"]


@pytest.mark.parametrize("ended", ["by close", "by itself"])
def test_a_session_that_ends_after_the_watch_forgets_quietly(tmp_path: Path, ended: str) -> None:
    told = Told(3600.0)
    path = tmp_path / "x.wav"
    path.write_bytes(b"sound")
    watched(told, path)
    if ended == "by close":
        told.watch.close()
    else:
        wait_for(lambda: told.watch._observer is not None)
        told.watch._observer.stop()
        told.watch._observer.join()
    told.watch.forget([path])
    if ended != "by close":
        told.watch.close()


def test_a_folder_that_is_gone_is_looked_at_by_polling(tmp_path: Path) -> None:
    told = Told(0.05)
    path = tmp_path / "drive" / "x.wav"
    told.watch.watch([path], sounds={path: "as analysed"})
    path.parent.mkdir()
    path.write_bytes(b"back, but different")
    assert told.one() == path
    told.watch.close()


def test_a_listener_that_fails_does_not_blind_the_watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen: queue.Queue[Path] = queue.Queue()

    def listen(path: Path) -> None:
        seen.put(path)
        raise RuntimeError("listener's fault")

    watch = SourceWatch(listen, settle_s=0.02)
    path = tmp_path / "x.wav"
    path.write_bytes(b"before")
    watch.watch([path], sounds={path: content_hash(path)})
    for content in (b"two", b"number three"):
        path.write_bytes(content)
        assert seen.get(timeout=WAIT_S) == path
    watch.close()
    assert "listener failed" in caplog.text
