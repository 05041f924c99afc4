"""The default retriever on sounds whose places are known."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from reatrieve.errors import InputError
from reatrieve.retrieval.default import retriever as default_retriever
from reatrieve.retrieval.default.retriever import DefaultRetriever
from reatrieve.retrieval.registry import make_retriever
from reatrieve.session.retriever import Ranker, Retriever
from reatrieve.session.spans import Span, is_blocked, overlap_s
from repeats import RATE_HZ, song

TIMES_S = [0.0, 3.2071, 7.9, 11.3333, 15.01, 19.2]
DURATION_S = 20.0
LENGTH_S = 0.8


@pytest.fixture(scope="module")
def retriever() -> Retriever:
    return make_retriever("default")


@pytest.fixture(scope="module")
def analysis(retriever):
    y = song(TIMES_S, duration_s=DURATION_S)
    return retriever.analyse([y], n_samples=y.size)


def at(time_s):
    return Span(time_s, time_s + LENGTH_S)


def test_it_is_what_the_interface_says(retriever, analysis):
    assert isinstance(retriever, Retriever)
    assert isinstance(retriever.ranker(analysis, at(3.2071)), Ranker)
    assert retriever.name == "default"
    assert analysis.duration_s == DURATION_S


@pytest.mark.parametrize("example", [0, 1, 3, 5])
def test_every_occurrence_is_found_to_the_sample(retriever, analysis, example):
    ranker = retriever.ranker(analysis, at(TIMES_S[example]))
    blocked = [at(TIMES_S[example])]
    found = []
    for _ in range(len(TIMES_S) - 1):
        proposal = ranker.best(blocked)
        found.append(proposal.span.start_s)
        assert proposal.span.length_s == pytest.approx(LENGTH_S)
        ranker.learn(proposal.span, positive=True)
        blocked.append(proposal.span)
    expected = [t for i, t in enumerate(TIMES_S) if i != example]
    assert sorted(found) == pytest.approx(expected, abs=2.0 / RATE_HZ)


def test_probability_and_remaining_fall_once_all_is_found(retriever, analysis):
    ranker = retriever.ranker(analysis, at(TIMES_S[1]))
    first = ranker.best([at(TIMES_S[1])])
    blocked = [at(t) for t in TIMES_S]
    for t in TIMES_S[2:]:
        ranker.learn(at(t), positive=True)
    last = ranker.best(blocked)
    assert 0.0 <= last.probability < first.probability <= 1.0
    assert last.remaining >= 0.0
    assert last.score < first.score


def test_a_rejected_sound_falls(retriever):
    """Two sounds that often come together: a "no" to the one alone tells them apart."""
    pair = song([2.0, 8.0, 14.0, 17.0], duration_s=20.0, seed=4)
    analysis = retriever.analyse([pair], n_samples=pair.size)
    ranker = retriever.ranker(analysis, at(2.0))
    before = ranker.best([at(2.0)])
    ranker.learn(before.span, positive=False)
    after = ranker.best([at(2.0), before.span])
    assert after.span != before.span


def test_forgetting_is_as_if_never_learned(retriever, analysis):
    blocked = [at(TIMES_S[0])]
    ranker = retriever.ranker(analysis, blocked[0])
    fresh = ranker.best(blocked)
    ranker.learn(at(7.9), positive=True)
    one = ranker.best(blocked)
    ranker.learn(at(5.0), positive=False)
    ranker.learn(at(15.01), positive=True)
    ranker.forget(at(5.0))
    ranker.forget(at(15.01))
    assert ranker.best(blocked) == one
    ranker.forget(at(7.9))
    assert ranker.best(blocked) == fresh
    with pytest.raises(InputError, match="nothing was learned"):
        ranker.forget(at(7.9))


def test_forgetting_keeps_the_order_of_the_others(retriever, analysis):
    blocked = [at(TIMES_S[0])]
    ranker, other = (retriever.ranker(analysis, blocked[0]) for _ in range(2))
    for t, positive in ((7.9, True), (5.0, False), (15.01, True), (9.5, False)):
        ranker.learn(at(t), positive=positive)
        if t != 5.0:
            other.learn(at(t), positive=positive)
    ranker.forget(at(5.0))
    assert ranker.best(blocked) == other.best(blocked)


def test_a_long_session_is_taken_up_again_with_few_questions(retriever, analysis, monkeypatch):
    """What had to be expected of an answer costs a question; only the first answers are looked up."""
    monkeypatch.setattr(default_retriever, "SURPRISE_ANSWERS", 5)
    ranker = retriever.ranker(analysis, at(TIMES_S[0]))
    judged, judge = [], ranker._judged
    monkeypatch.setattr(ranker, "_judged", lambda labels, *rest: (judged.append(len(labels)), judge(labels, *rest))[1])
    labels = [at(0.05 * k) for k in range(20, 40)]
    for span in labels:
        ranker.learn(span, positive=False)
    ranker.best([at(TIMES_S[0]), *labels])
    assert sorted(judged) == [1, 2, 3, 4, 5, 21]
    ranker.forget(labels[0])
    ranker.best([at(TIMES_S[0]), *labels])
    assert len(judged) == 6 + 6 - 1  # the example alone is still known


def test_two_runs_agree_to_the_last_bit(retriever, analysis):
    y = song(TIMES_S, duration_s=DURATION_S)
    again = DefaultRetriever().analyse(np.array_split(y, 17), n_samples=y.size)
    for name, array in analysis.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
    runs = []
    for one in (analysis, again):
        ranker = retriever.ranker(one, at(TIMES_S[1]))
        blocked = [at(TIMES_S[1])]
        for turn in range(8):
            proposal = ranker.best(blocked)
            runs.append(proposal)
            blocked.append(proposal.span)
            ranker.learn(proposal.span, positive=turn % 2 == 0)
    assert runs[:8] == runs[8:]


def test_dragged_edges_teach_the_sound_inside(retriever, analysis):
    blocked = [at(TIMES_S[0]), Span(7.5, 9.0)]
    dragged, exact = (retriever.ranker(analysis, blocked[0]) for _ in range(2))
    dragged.learn(Span(7.5, 9.0), positive=True)
    exact.learn(at(7.9), positive=True)
    assert dragged.best(blocked).span.start_s == pytest.approx(exact.best(blocked).span.start_s, abs=0.01)
    assert dragged.best(blocked).score == exact.best(blocked).score


def test_nothing_left_is_none(retriever, analysis):
    ranker = retriever.ranker(analysis, at(TIMES_S[1]))
    assert ranker.best([Span(0.0, DURATION_S)]) is None


def test_a_whole_session_covers_the_sound_and_ends(retriever, analysis):
    ranker = retriever.ranker(analysis, at(TIMES_S[1]))
    blocked = [at(TIMES_S[1])]
    while (proposal := ranker.best(blocked)) is not None:
        assert not is_blocked(proposal.span, blocked, length_s=LENGTH_S)
        assert proposal.span.start_s >= 0.0
        assert proposal.span.end_s <= DURATION_S + 1e-9
        blocked.append(proposal.span)
        assert len(blocked) < 2 * DURATION_S / LENGTH_S


@pytest.mark.parametrize("length_s", [1e-5, 0.001, 0.02, 0.05, 12.0, 19.99, 20.0])
def test_examples_of_any_length(retriever, analysis, length_s):
    example = Span(0.0, length_s)
    ranker = retriever.ranker(analysis, example)
    proposal = ranker.best([example])
    if length_s > 2 * DURATION_S / 3 + 1:  # not even half of it would be left
        assert proposal is None
    else:
        assert proposal.span.length_s == pytest.approx(min(length_s, DURATION_S - length_s), abs=1e-9)
        ranker.learn(proposal.span, positive=False)
        ranker.best([example, proposal.span])


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (Span(19.5, 20.3), "outside the sound"),
        (Span(-0.5, 0.3), "outside the sound"),
        (Span(25.0, 26.0), "outside the sound"),
        (Span(20.01, 20.02), "outside the sound"),
        (Span(-0.02, -0.01), "outside the sound"),
    ],
)
def test_an_example_outside_the_sound_is_refused(retriever, analysis, example, says):
    with pytest.raises(InputError, match=says):
        retriever.ranker(analysis, example)


def test_an_example_that_ends_a_rounding_late_is_cut(retriever, analysis):
    ranker = retriever.ranker(analysis, Span(19.2, 20.004))
    assert ranker.best([Span(19.2, 20.0)]).span.length_s == pytest.approx(0.8)


def test_a_silent_example_is_refused(retriever):
    y = song([1.0, 3.0], duration_s=8.0)
    y[5 * RATE_HZ :] = 0.0
    analysis = retriever.analyse([y], n_samples=y.size)
    with pytest.raises(InputError, match="silent"):
        retriever.ranker(analysis, Span(6.0, 7.0))
    found = retriever.ranker(analysis, Span(1.0, 1.8)).best([Span(1.0, 1.8)])
    assert found.span.start_s == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize("n_samples", [2048, 2500, 4000])
def test_very_short_sounds(retriever, n_samples):
    y = song([], duration_s=1.0)[:n_samples]
    analysis = retriever.analyse([y], n_samples=n_samples)
    ranker = retriever.ranker(analysis, Span(0.0, 0.05))
    ranker.best([Span(0.0, 0.05)])


def test_loud_audio_beyond_full_scale_is_kept(retriever):
    y = 1e6 * song([1.0, 3.0], duration_s=5.0)
    analysis = retriever.analyse([y], n_samples=y.size)
    assert np.isfinite(analysis.arrays["samples"]).all()
    assert retriever.ranker(analysis, at(1.0)).best([at(1.0)]).span.start_s == pytest.approx(3.0, abs=1e-3)


def test_progress_rises_to_one_and_may_cancel(retriever):
    y = song([1.0], duration_s=40.0)
    told = []
    retriever.analyse([y], n_samples=y.size, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0

    class CancelledError(Exception):
        pass

    def cancel(share):
        raise CancelledError

    with pytest.raises(CancelledError):
        retriever.analyse([y], n_samples=y.size, progress=cancel)


def test_an_analysis_may_be_memory_mapped(retriever, analysis, tmp_path):
    arrays = {}
    for name, array in analysis.arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    mapped = type(analysis)(analysis.n_samples, arrays)
    example = at(TIMES_S[2])
    assert retriever.ranker(mapped, example).best([example]) == retriever.ranker(analysis, example).best([example])


@pytest.fixture(scope="module")
def close_repeats(retriever):
    y = song(CLOSE_S, duration_s=DURATION_S)
    return retriever.analyse([y], n_samples=y.size)


CLOSE_S = [2.0, 2.82, 9.0, 9.82, 15.0]
EARLY_S, LATE_S = 0.07, 0.06


def test_a_generous_example_finds_repeats_that_follow_closely(retriever, close_repeats):
    marked = Span(CLOSE_S[4] - EARLY_S, CLOSE_S[4] + LENGTH_S + LATE_S)
    ranker = retriever.ranker(close_repeats, marked)
    blocked, found = [marked], []
    for _ in range(4):
        span = ranker.best(blocked).span
        assert not is_blocked(span, blocked, length_s=marked.length_s)
        assert span.length_s >= 0.7 * marked.length_s - 1e-9
        found.append(span)
        blocked.append(span)
        ranker.learn(span, positive=True)
    overlaps = [max(overlap_s(span, at(time_s)) for span in found) for time_s in CLOSE_S[:4]]
    assert min(overlaps) > 0.8 * LENGTH_S


def test_regions_that_were_cut_short_teach_where_the_sound_begins(retriever, close_repeats):
    marked = Span(CLOSE_S[4] - EARLY_S, CLOSE_S[4] + LENGTH_S + LATE_S)
    cut = Span(marked.length_s + CLOSE_S[0] - EARLY_S, CLOSE_S[1] + LENGTH_S + LATE_S)
    ranker = retriever.ranker(close_repeats, marked)
    ranker.learn(cut, positive=True)
    span = ranker.best([marked, cut, Span(0.0, 8.0)]).span
    assert min(abs(span.start_s + EARLY_S - time_s) for time_s in CLOSE_S) < 0.001


@pytest.mark.parametrize("missing", [0.2, 0.4])
@pytest.mark.parametrize("where", ["beginning", "end"])
def test_what_an_end_of_the_sound_cuts_off_is_found(retriever, where, missing):
    times_s = [4.0, 9.0, 13.0]
    y = song(times_s, duration_s=17.0, seed=8)
    cut = round(missing * LENGTH_S * RATE_HZ)
    if where == "end":
        y = y[: round(13.0 * RATE_HZ) + round(LENGTH_S * RATE_HZ) - cut]
        expected, moved_s = Span(13.0, y.size / RATE_HZ), 0.0
    else:
        moved_s = (round(4.0 * RATE_HZ) + cut) / RATE_HZ
        y = y[round(moved_s * RATE_HZ) :]
        expected = Span(0.0, 4.0 + LENGTH_S - moved_s)
    analysis = retriever.analyse([y], n_samples=y.size)
    example = at(9.0 - moved_s)
    ranker = retriever.ranker(analysis, example)
    blocked = [example]
    for _ in range(2):
        span = ranker.best(blocked).span
        blocked.append(span)
        ranker.learn(span, positive=True)
    at_the_end = [span for span in blocked if overlap_s(span, expected) > 0.0]
    assert len(at_the_end) == 1
    assert at_the_end[0].start_s == pytest.approx(expected.start_s, abs=1e-3)
    assert at_the_end[0].end_s == pytest.approx(expected.end_s, abs=1e-3)


def test_what_is_only_supposed_says_nothing_of_how_the_search_fares(retriever, analysis):
    blocked = [at(TIMES_S[0]), at(7.9), at(5.0)]
    answered, supposed = (retriever.ranker(analysis, blocked[0]) for _ in range(2))
    for ranker, unasked in ((answered, False), (supposed, True)):
        (ranker.suppose(at(7.9)) if unasked else ranker.learn(at(7.9), positive=True))
    one, other = answered.best(blocked), supposed.best(blocked)
    assert (one.span, one.score) == (other.span, other.score)
    assert other.features[-2:] == (0.0, 0.0)
    assert one.features[-2:] != (0.0, 0.0)


def test_a_probability_depends_on_the_labels_not_on_what_was_asked_before(retriever, analysis):
    asked, replayed = (retriever.ranker(analysis, at(TIMES_S[1])) for _ in range(2))
    blocked = [at(TIMES_S[1])]
    answers = []
    for turn in range(6):
        span = asked.best(blocked).span
        answers.append((span, turn % 3 != 2))
        asked.learn(span, positive=turn % 3 != 2)
        blocked.append(span)
    for span, positive in answers:
        replayed.learn(span, positive=positive)
    assert replayed.best(blocked) == asked.best(blocked)


def test_a_search_that_ends_frees_its_arrays_at_once(retriever, analysis):
    """Not when the garbage collector comes by: the daemon closes idle sessions to have their memory back."""
    ranker = retriever.ranker(analysis, at(3.2071))
    ranker.learn(ranker.best([at(3.2071)]).span, positive=False)
    ranker.best([at(3.2071)])
    parts = [weakref.ref(ranker), weakref.ref(ranker._ranking), weakref.ref(ranker._maps)]
    gc.collect()
    gc.disable()
    try:
        del ranker
        assert [part() for part in parts] == [None, None, None]
    finally:
        gc.enable()
