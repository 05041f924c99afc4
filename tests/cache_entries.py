"""Entries for the analysis cache, and a process that stores and reads them (importable by name in a spawned one)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reatrieve.audio.cache import AnalysisCache
from reatrieve.session.retriever import Analysis


def analysis(seed: int = 0, n: int = 300_000) -> Analysis:
    rng = np.random.default_rng(seed)
    return Analysis(
        12345,
        {"map": rng.standard_normal((2, n)).astype(np.float16), "energy": rng.standard_normal(7), "n": np.array(3)},
    )


def assert_same(found: Analysis | None, expected: Analysis) -> None:
    assert found is not None
    assert found.n_samples == expected.n_samples
    assert list(found.arrays) == list(expected.arrays)
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def hammer(folder: Path, seed: int) -> int:
    """Ask for four entries again and again, storing those that are missing; how often one was there."""
    cache = AnalysisCache(folder, max_bytes=3_000_000)
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(40):
        key = int(rng.integers(4))
        found = cache.get(str(key))
        if found is None:
            found = cache.put(str(key), analysis(key))
        else:
            hits += 1
        assert_same(found, analysis(key))
    return hits
