"""Agreement of annotators on hand-made sounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from reatrieve.lab.agreement import agreement_summary, shared_sounds
from reatrieve.lab.dataset import AnnotatedSound, Dataset, Recording
from reatrieve.session.spans import Span


def sound(class_: str, annotator: str, *starts_s: float) -> AnnotatedSound:
    return AnnotatedSound("a.wav", class_, "", annotator, tuple(Span(at, at + 1.0) for at in starts_s), ())


def data(*sounds: AnnotatedSound) -> Dataset:
    return Dataset(Path("d"), (Recording("a.wav", Path("a.wav"), "a", sounds),), ())


def test_sounds_that_overlap_are_compared_whatever_they_are_called():
    dataset = data(
        sound("stab", "ann", 1.0, 5.0, 9.0),
        sound("chord", "bob", 1.02, 5.04, 20.0, 30.0),
        sound("kick", "bob", 40.0),
    )
    (shared,) = shared_sounds(dataset)
    assert (shared.first, shared.second) == ("stab (ann)", "chord (bob)")
    assert shared.common == 2
    assert shared.f1 == pytest.approx(4 / 7)
    (row,) = agreement_summary(dataset)
    assert row["annotators"] == ["ann", "bob"]
    assert row["start_difference_ms_median"] == pytest.approx(30.0)


def test_three_annotators_give_three_pairs():
    names = ("ann", "bob", "cid")
    summary = agreement_summary(data(*(sound("x", name, 1.0, 4.0) for name in names)))
    assert [row["annotators"] for row in summary] == [["ann", "bob"], ["ann", "cid"], ["bob", "cid"]]
    assert all(row["f1"] == 1.0 for row in summary)


def test_without_annotators_or_without_overlap_there_is_nothing_to_agree_on():
    assert agreement_summary(data(sound("x", "", 1.0), sound("y", "", 1.0))) == []
    assert agreement_summary(data(sound("x", "ann", 1.0), sound("y", "bob", 8.0))) == []
