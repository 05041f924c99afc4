"""The two baselines are what their five lines say, and run wherever a retriever does."""

from __future__ import annotations

import numpy as np
import pytest

from reatrieve.cli import main
from reatrieve.errors import InputError
from reatrieve.lab.baselines import lab_retriever
from reatrieve.retrieval.registry import make_retriever, retriever_names
from reatrieve.session.retriever import Retriever
from reatrieve.session.spans import Span

RATE_HZ = 22050
NAMES = ("logmel-nn", "onset-mfcc-nn")


def sweeps(times_s, *, duration_s=12.0):
    rng = np.random.default_rng(2)
    y = 0.02 * rng.standard_normal(round(duration_s * RATE_HZ))
    t = np.arange(round(0.5 * RATE_HZ)) / RATE_HZ
    for time_s in times_s:
        at = round(time_s * RATE_HZ)
        y[at : at + t.size] += 0.3 * np.sin(2 * np.pi * (500 + 900 * t) * t) * np.exp(-3 * t)
    return y.astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_what_repeats_comes_first_and_a_no_lowers_what_is_like_it(name):
    retriever = lab_retriever(name)
    assert isinstance(retriever, Retriever)
    assert retriever.name == name
    y = sweeps([1.0, 4.0, 9.0])
    ranker = retriever.ranker(retriever.analyse([y], n_samples=y.size), Span(4.0, 4.5))
    blocked = [Span(4.0, 4.5)]
    first = ranker.best(blocked)
    assert min(abs(first.span.start_s - time_s) for time_s in (1.0, 9.0)) < 0.03
    second = ranker.best([*blocked, first.span])
    ranker.learn(first.span, positive=False)
    assert ranker.best([*blocked, first.span]).score < second.score
    ranker.forget(first.span)
    assert ranker.best(blocked) == first


def test_they_belong_to_the_lab_alone():
    assert not set(NAMES) & set(retriever_names())
    with pytest.raises(InputError, match="unknown retriever"):
        make_retriever("logmel-nn")
    with pytest.raises(InputError, match="unknown retriever"):
        lab_retriever("logmel")
    with pytest.raises(InputError, match="no settings"):
        lab_retriever("logmel-nn", components=3)


def test_evaluate_takes_them(bleeps, capsys):
    assert main(["evaluate", str(bleeps), "--retriever", "logmel-nn,onset-mfcc-nn"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in NAMES)
