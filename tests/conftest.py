"""What all tests share: the benchmark audio, where it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bench() -> Path:
    """The benchmark's folder; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("REATRIEVE_BENCH", Path(__file__).parents[2] / "shared" / "bench"))
    if not (folder / "excerpts" / "annotations.csv").is_file():
        pytest.skip(f"the benchmark audio is not at {folder} (set REATRIEVE_BENCH)")
    return folder
