"""The retrievers reach the figures that the method was chosen for, on the benchmark excerpts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from reatrieve.lab.dataset import load_dataset
from reatrieve.lab.runner import Setup, run
from reatrieve.lab.scoring import summary

BENCH = Path(os.environ.get("REATRIEVE_BENCH") or Path(__file__).parents[3] / "shared" / "bench")
WITHIN = 0.02

# Recall at ten rejections, after one and after three: what each reached here when it was first measured.
EXPECTED = {
    "default": (1.0, 0.859, 0.978),
    "paper": (0.755, 0.387, 0.522),
    "mfcc-nn": (0.821, 0.590, 0.655),
}
EVERY = 3
"""One excerpt of so many: all of them take a tenth of the time of all tests."""


@pytest.mark.bench
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", EXPECTED)
def test_recall_is_as_expected(name):
    folder = BENCH / "excerpts"
    if not folder.is_dir():
        pytest.skip(f"no benchmark audio at {folder}; set REATRIEVE_BENCH")
    excerpts = load_dataset(folder, strict=True)
    sessions = run(replace(excerpts, recordings=excerpts.recordings[::EVERY]), [Setup(name, name)])
    figures = summary(sessions[name], budget=10)
    reached = (figures["recall"], figures["curve"][1], figures["curve"][3])
    assert figures["sounds"] == 20
    for figure, expected in zip(reached, EXPECTED[name], strict=True):
        assert figure >= expected - WITHIN
        if name != "default":  # a baseline far from its figures, in either direction, is another baseline
            assert figure <= expected + WITHIN
