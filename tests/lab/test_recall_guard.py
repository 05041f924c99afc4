"""Recall on music made here, so that a lost figure is noticed where there is no benchmark audio."""

from __future__ import annotations

import pytest

from reatrieve.lab.dataset import load_dataset
from reatrieve.lab.runner import Setup, run
from reatrieve.lab.scoring import summary
from reatrieve.synth import write_dataset

RECIPE = {"n_songs": 3, "preset": "hard", "duration_s": 60.0, "codec": "flac"}


@pytest.mark.slow
def test_the_default_retriever_finds_more_than_the_papers(tmp_path):
    sessions = []
    for seed in (3, 11, 12):
        write_dataset(tmp_path / f"songs {seed}", **RECIPE, seed=seed)
        sessions += run(load_dataset(tmp_path / f"songs {seed}", strict=True), [Setup("default", "default")])["default"]
    default = summary(sessions, budget=10)
    paper = summary(run(load_dataset(tmp_path / "songs 3"), [Setup("paper", "paper")])["paper"], budget=10)
    assert default["sounds"] >= 12
    assert default["recall"] >= 0.97
    assert default["curve"][3] >= 0.86
    assert default["curve"][1] >= 0.62
    assert default["recall"] >= paper["recall"] + 0.05
    assert paper["recall"] <= 0.9  # else the music is too easy to guard anything


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scene", "after_3", "after_1"), [("hits", 0.95, 0.7), ("words", 0.95, 0.6), ("footsteps", 0.7, 0.6)]
)
def test_sounds_performed_again_are_found(tmp_path, scene, after_3, after_1):
    write_dataset(tmp_path / scene, n_songs=4, seed=3, preset="easy", duration_s=45.0, codec="flac", genre=scene)
    setups = [Setup(name, name) for name in ("default", "logmel-nn", "onset-mfcc-nn")]
    sessions = run(load_dataset(tmp_path / scene, strict=True), setups)
    default, *baselines = (summary(sessions[setup.label], budget=10) for setup in setups)
    assert default["recall"] >= 0.95
    assert default["curve"][3] >= after_3
    assert default["curve"][1] >= after_1
    assert default["recall"] >= max(one["recall"] for one in baselines)
