"""Recall on music made here, so that a lost figure is noticed where there is no benchmark audio."""

from __future__ import annotations

import pytest

from reatrieve.lab.dataset import load_dataset
from reatrieve.lab.runner import Setup, run
from reatrieve.lab.scoring import summary
from reatrieve.synth import write_dataset

RECIPE = {"n_songs": 3, "seed": 3, "preset": "hard", "duration_s": 60.0, "codec": "flac"}


@pytest.mark.slow
def test_the_default_retriever_stays_good_and_ahead(tmp_path):
    write_dataset(tmp_path / "songs", **RECIPE)
    sessions = run(
        load_dataset(tmp_path / "songs", strict=True), [Setup("default", "default"), Setup("paper", "paper")]
    )
    default, paper = (summary(sessions[name], budget=10) for name in ("default", "paper"))
    assert default["sounds"] >= 4
    assert default["recall"] >= 0.95
    assert default["curve"][3] >= 0.85
    assert default["recall"] >= paper["recall"] + 0.05
    assert paper["recall"] <= 0.9  # else the music is too easy to guard anything
