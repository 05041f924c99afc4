"""The analysis cache: whole entries or none, bounded, shared between processes."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from cache_entries import analysis, assert_same, hammer
from reatrieve.audio.cache import AnalysisCache, default_cache_folder
from reatrieve.errors import InputError


def test_what_was_stored_comes_back_and_large_arrays_are_mapped(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "Zwischen Speicher")
    assert cache.get("k") is None
    stored = cache.put("k", analysis())
    assert_same(stored, analysis())
    assert isinstance(stored.arrays["map"], np.memmap)
    assert not isinstance(stored.arrays["energy"], np.memmap)
    assert not stored.arrays["map"].flags.writeable
    assert_same(AnalysisCache(tmp_path / "Zwischen Speicher").get("k"), analysis())


@pytest.mark.parametrize(
    "harm", ["truncate", "flip", "garbage index", "no index", "no array", "format", "empty", "endless"]
)
def test_a_damaged_entry_is_a_miss_and_goes_away(tmp_path: Path, harm: str) -> None:
    cache = AnalysisCache(tmp_path)
    cache.put("k", analysis())
    entry = tmp_path / "analysis" / "k"
    array, index = entry / "0.npy", entry / "index.json"
    data = bytearray(array.read_bytes())
    if harm == "truncate":
        array.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        data[-1000] ^= 1
        array.write_bytes(data)
    elif harm == "garbage index":
        index.write_bytes(b"\xff{")
    elif harm == "no index":
        index.unlink()
    elif harm == "no array":
        array.unlink()
    elif harm == "format":
        index.write_text(json.dumps({**json.loads(index.read_text(encoding="utf-8")), "format": 99}), encoding="utf-8")
    elif harm == "endless":
        changed = {**json.loads(index.read_text(encoding="utf-8")), "n_samples": math.inf}
        index.write_text(json.dumps(changed), encoding="utf-8")
    else:
        index.write_bytes(b"")
    assert cache.get("k") is None
    assert not entry.exists()
    assert_same(cache.put("k", analysis()), analysis())


@pytest.mark.timeout(30)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("when", ["before", "while it is opened"])
def test_an_array_that_is_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    cache = AnalysisCache(tmp_path)
    cache.put("k", analysis())
    array = tmp_path / "analysis" / "k" / "0.npy"
    regular = array.lstat()
    array.unlink()
    os.mkfifo(array)
    if when != "before":  # it still was a file, a moment ago
        monkeypatch.setattr("reatrieve.files.demand_regular", lambda *_, **__: regular)
    assert cache.get("k") is None


def test_the_least_recently_used_leaves_first(tmp_path: Path) -> None:
    one = analysis(n=100_000)
    size = AnalysisCache(tmp_path / "probe")
    size.put("x", one)
    cache = AnalysisCache(tmp_path / "c", max_bytes=int(3.5 * size.size_bytes()))
    for age, key in enumerate("abc"):
        cache.put(key, one)
        os.utime(tmp_path / "c" / "analysis" / key / "index.json", (1000 + age, 1000 + age))
    assert cache.get("a") is not None  # used now
    held = cache.put("d", one)
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]
    assert cache.size_bytes() <= cache.max_bytes
    assert_same(held, one)


def test_an_entry_in_use_survives_its_eviction(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path, max_bytes=1)
    held = cache.put("a", analysis(1))
    cache.put("b", analysis(2))
    assert_same(held, analysis(1))
    assert_same(cache.get("b"), analysis(2))  # the newest stays, though larger than the bound


def test_left_overs_of_a_crash_are_swept_and_never_read(tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path)
    old, young = (tmp_path / "analysis" / name for name in ("a.111.tmp", "b.222.tmp"))
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "0.npy").write_bytes(b"half")
    os.utime(old, (1000, 1000))
    cache.put("k", analysis())
    assert not old.exists()
    assert young.exists()
    assert cache.get("a") is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    cache = AnalysisCache(blocked)
    assert_same(cache.put("k", analysis()), analysis())
    assert f"the analysis is not kept in {blocked / 'analysis'} (Not a directory)" in caplog.text
    assert cache.get("k") is None
    assert len(caplog.records) == 1  # nothing is called damaged that was never there


def test_two_processes_share_a_cache(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        assert sum(pool.starmap(hammer, [(tmp_path, 1), (tmp_path, 2)])) > 0
    assert not list((tmp_path / "analysis").glob("*.tmp"))


def test_the_default_folder_is_the_platforms() -> None:
    assert default_cache_folder().name
    assert AnalysisCache().folder == default_cache_folder()
    with pytest.raises(InputError, match="cache bound"):
        AnalysisCache(max_bytes=-1)


def test_one_that_is_wanted_while_it_begins_to_be_stored_is_no_fault(tmp_path: Path, monkeypatch) -> None:
    """Two searches of one track, in two threads."""
    cache, start, found = AnalysisCache(tmp_path), threading.Thread.start, []

    def wanted_first(thread):
        found.append(cache.get("key"))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", wanted_first)
    one = analysis()
    assert cache.put_soon("key", one) is one
    monkeypatch.undo()
    assert found == [None]
    assert_same(cache.get("key"), one)
