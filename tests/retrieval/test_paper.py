"""The paper's retriever: features, distances, selection, query strategies, settings."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.errors import InputError
from reatrieve.retrieval.paper.distances import PairTable, RowDistances, WeightedDistances
from reatrieve.retrieval.paper.factorise import activations, non_negative
from reatrieve.retrieval.paper.selection import Evidence, row_weights, selection_names
from reatrieve.retrieval.registry import make_retriever, retriever_names
from reatrieve.retrieval.representations import Features, Representation, representation_named
from reatrieve.session.retriever import Ranker, Retriever
from reatrieve.session.spans import Span
from repeats import song

TIMES_S = [frame * 512 / 22050 for frame in (22, 138, 340, 488)]  # on the grid: these methods hear half a frame
EXAMPLE = Span(TIMES_S[1], TIMES_S[1] + 0.8)


@pytest.fixture(scope="module")
def y():
    return song(TIMES_S, duration_s=14.0, level=1.0, swell=0.0)


def analysed(y, name="paper", **changed):
    retriever = make_retriever(name, **changed)
    return retriever, retriever.analyse(np.array_split(y, 5), n_samples=y.size)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("stft", lambda y: np.abs(librosa.stft(y))),
        ("cqt", lambda y: np.abs(librosa.cqt(y, sr=22050))),
        ("mfcc", lambda y: librosa.feature.mfcc(y=y, sr=22050)),
    ],
)
def test_representations_are_librosas_defaults(y, name, theirs):
    features, hop_s = representation_named(name).frames(np.array_split(y, 3))
    np.testing.assert_array_equal(features, theirs(y).astype(np.float32))
    assert hop_s == 512 / 22050
    assert name in representation_named(name).key


@pytest.mark.parametrize("name", ["stft", "cqt", "mfcc"])
def test_short_sounds_have_features_too(y, name):
    features, _ = representation_named(name).frames([y[:2048]])
    assert features.shape[1] == 5


def test_non_negative():
    X = np.array([[-2.0, 1.0], [3.0, -1.0]], np.float32)
    np.testing.assert_array_equal(non_negative(X, "shift"), X + 2)
    np.testing.assert_array_equal(non_negative(X, "row"), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(non_negative(X, "split"), [[0, 1], [3, 0], [2, 0], [0, 1]])
    assert non_negative(np.abs(X), "shift") is not None
    np.testing.assert_array_equal(non_negative(np.abs(X), "shift"), np.abs(X))
    with pytest.raises(InputError, match="shift, row, split"):
        non_negative(X, "half")  # type: ignore[arg-type]


def test_activations_are_seeded_non_negative_and_rebuild():
    rng = np.random.default_rng(0)
    X = (rng.random((20, 4)) @ rng.random((4, 300))).astype(np.float32)
    H = activations(X, components=4, seed=3)
    assert H.shape == (4, 300)
    assert H.dtype == np.float32
    assert H.min() >= 0.0
    np.testing.assert_array_equal(H, activations(X, components=4, seed=3))
    W = np.linalg.lstsq(H.T, X.T, rcond=None)[0].T
    assert np.linalg.norm(X - W @ H) < 0.02 * np.linalg.norm(X)
    more = activations(X, components=30, seed=1)
    assert not np.array_equal(more, activations(X, components=30, seed=2))


def test_regularisation_is_the_papers_not_scaled_by_the_data():
    rng = np.random.default_rng(0)
    X = rng.random((10, 400)).astype(np.float32)
    plain, strong = (activations(X, components=3, alpha=alpha) for alpha in (0.0, 50.0))
    assert 0.0 < np.linalg.norm(strong) < np.linalg.norm(plain)


def naive_distances(features, start, n_frames):
    n_starts = features.shape[1] - n_frames + 1
    own = features[:, start : start + n_frames]
    return np.stack([((features[:, t : t + n_frames] - own) ** 2).sum(axis=1) for t in range(n_starts)], axis=1)


@given(st.integers(1, 5), st.integers(1, 80), st.integers(1, 80), st.integers(0, 1000))
@settings(max_examples=40)
def test_row_distances_equal_the_naive_ones(n_rows, n, n_frames, seed):
    n_frames = min(n, n_frames)
    rng = np.random.default_rng(seed)
    features = (50.0 + 3.0 * rng.standard_normal((n_rows, n))).astype(np.float32)
    start = int(rng.integers(0, n - n_frames + 1))
    expected = naive_distances(features.astype(np.float64), start, n_frames)
    rows = RowDistances(features, n_frames)
    np.testing.assert_allclose(rows.profile(start), expected, rtol=1e-4, atol=1e-2)
    summed = RowDistances(features, n_frames, summed=True)
    np.testing.assert_allclose(summed.profile(start)[0], expected.sum(axis=0), rtol=1e-4, atol=1e-2)
    assert rows.profile(start)[:, start].tolist() == [0.0] * n_rows


@given(st.lists(st.tuples(st.sampled_from("ppxw"), st.integers(0, 90)), max_size=20), st.integers(0, 99))
@settings(max_examples=40)
def test_sums_in_any_order_are_exactly_the_sums_afresh(steps, seed):
    rng = np.random.default_rng(seed)
    rows = RowDistances(rng.standard_normal((12, 100)).astype(np.float32), 10)
    live = WeightedDistances(rows)
    starts, weights = [], np.ones(12)
    for step, number in steps:
        if step == "p":
            live.push(number)
            starts.append(number)
        elif step == "x" and starts:
            live.pop()
            starts.pop()
        elif step == "w":
            weights = (rng.random(12) < 0.7).astype(float) if number % 3 else rng.random(12)
            live.weigh(weights)
    fresh = WeightedDistances(rows)
    fresh.weigh(weights)
    for start in starts:
        fresh.push(start)
    np.testing.assert_array_equal(live.nearest(), fresh.nearest())
    if starts:
        expected = np.min([weights @ rows.profile(start).astype(np.float64) for start in starts], axis=0)
        np.testing.assert_allclose(live.nearest(), expected, rtol=1e-9, atol=1e-9)


def test_the_pair_table_holds_every_pair():
    rng = np.random.default_rng(0)
    rows = RowDistances(rng.standard_normal((3, 60)).astype(np.float32), 5)
    table = PairTable(3)
    profiles, labels = [], []
    for start, positive in ((3, True), (50, False), (20, True), (9, True), (31, False), (44, True), (2, False)):
        if positive:
            profiles.append(rows.profile(start))
        labels.append(start)
        table.push(start, profiles, positive=positive)
    np.testing.assert_array_equal(table.pairs(), np.stack([p[:, labels].T for p in profiles]))
    table.pop(positive=False)
    table.pop(positive=True)
    np.testing.assert_array_equal(table.pairs(), np.stack([p[:, labels[:5]].T for p in profiles[:3]]))


def evidence():
    """Row 0 tells yes from no, row 1 is the same everywhere, row 2 is noise, row 3 tells only together with row 2."""
    rng = np.random.default_rng(0)
    yes = np.array([True, False, True, False, True, False, True])
    features = np.stack([4.0 * ~yes, np.zeros(7), rng.standard_normal(7), 0.2 * rng.standard_normal(7)], axis=1)
    pairs = (features[yes][:, None] - features[None]) ** 2
    return Evidence(pairs, yes)


@pytest.mark.parametrize("rule", selection_names())
def test_every_rule_finds_the_row_that_tells(rule):
    weights = row_weights(evidence(), rule=rule, keep=1)
    assert weights[0] > 0.0
    assert not weights[1:].any()
    assert np.count_nonzero(row_weights(evidence(), rule=rule, keep=3)) <= 3


@pytest.mark.parametrize("rule", selection_names())
def test_all_rows_count_while_nothing_is_rejected(rule):
    only_yes = Evidence(evidence().pairs[:, evidence().positive], np.ones(4, bool))
    np.testing.assert_array_equal(row_weights(only_yes, rule=rule, keep=1), np.ones(4))


def test_topk_is_eq_3():
    some = evidence()
    margins = [min(some.pairs[p, n, i] for p in range(4) for n in range(7) if not some.positive[n]) for i in range(4)]
    np.testing.assert_array_equal(
        np.flatnonzero(row_weights(some, rule="topk", keep=2)), np.sort(np.argsort(margins)[-2:])
    )


def test_forward_selection_widens_the_margin_of_the_set():
    some = evidence()
    weights = row_weights(some, rule="forward", keep=2)
    to_no = some.pairs[:, ~some.positive]

    def margin(rows):
        return to_no[:, :, rows].sum(axis=2).min()

    chosen = np.flatnonzero(weights)
    first = int(np.argmax([margin([i]) for i in range(4)]))
    assert first in chosen
    assert margin(list(chosen)) == max(margin([first, i]) for i in range(4) if i != first)


@pytest.mark.parametrize("name", [name for name in retriever_names() if name != "default"])
def test_each_named_one_finds_the_repeats(y, name):
    retriever, analysis = analysed(y, name)
    assert isinstance(retriever, Retriever)
    assert retriever.name == name
    ranker = retriever.ranker(analysis, EXAMPLE)
    assert isinstance(ranker, Ranker)
    blocked, found = [EXAMPLE], []
    for _ in range(3):
        proposal = ranker.best(blocked)
        assert 0.0 <= proposal.probability <= 1.0
        found.append(proposal.span.start_s)
        ranker.learn(proposal.span, positive=True)
        blocked.append(proposal.span)
    assert sorted(found) == pytest.approx([TIMES_S[0], *TIMES_S[2:]], abs=0.05)
    assert ranker.best([Span(0.0, 14.0)]) is None


@pytest.mark.parametrize("selection", selection_names())
@pytest.mark.parametrize("query", ["greedy", "uncertainty", "random"])
def test_every_part_together_is_deterministic(y, selection, query):
    retriever, analysis = analysed(y, representation="cqt", components=8, selected=5, selection=selection, query=query)
    runs = []
    for _ in range(2):
        ranker = retriever.ranker(analysis, EXAMPLE)
        blocked = [EXAMPLE]
        for turn in range(6):
            proposal = ranker.best(blocked)
            runs.append(proposal)
            blocked.append(proposal.span)
            ranker.learn(proposal.span, positive=turn % 3 == 0)
            after = ranker.best(blocked)
            ranker.learn(Span(6.0, 6.8), positive=False)
            ranker.learn(Span(9.0, 9.8), positive=True)
            ranker.best(blocked)
            ranker.forget(Span(6.0, 6.8))
            ranker.forget(Span(9.0, 9.8))
            assert ranker.best(blocked) == after
    assert runs[:6] == runs[6:]


def test_forgetting_what_was_not_learned_is_an_error_and_changes_nothing(y):
    retriever, analysis = analysed(y, "mfcc-nn")
    ranker = retriever.ranker(analysis, EXAMPLE)
    ranker.learn(Span(7.9, 8.7), positive=True)
    before = ranker.best([EXAMPLE])
    with pytest.raises(InputError, match="nothing was learned"):
        ranker.forget(Span(1.0, 1.8))
    assert ranker.best([EXAMPLE]) == before


class Loudness:
    """A representation of one's own: level, at another hop."""

    name = "loudness"
    key = "loudness-1"

    def frames(self, blocks):
        samples = np.concatenate(list(blocks))
        n = samples.size // 441
        return Features(np.abs(samples[: n * 441].reshape(n, 441)).mean(axis=1)[None].astype(np.float32), 0.02)


def test_a_learned_representation_plugs_in(y):
    assert isinstance(Loudness(), Representation)
    retriever, analysis = analysed(y, representation=Loudness(), components=0, selected=0)
    assert "loudness-1" in retriever.analysis_key
    best = retriever.ranker(analysis, EXAMPLE).best([EXAMPLE])
    assert min(abs(best.span.start_s - t) for t in TIMES_S) < 0.05


def test_the_analysis_key_follows_what_changes_the_analysis():
    keys = [
        make_retriever("paper", **settings).analysis_key
        for settings in (
            {},
            {"components": 20},
            {"alpha": 1.0},
            {"seed": 1},
            {"representation": "stft"},
            {"components": 0},
        )
    ]
    assert len(set(keys)) == len(keys)
    assert make_retriever("paper", selected=10, query="random").analysis_key == keys[0]
    assert make_retriever("paper-tuned").analysis_key == keys[2]


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("papr", {}, "did you mean 'paper'"),
        ("defualt", {}, "did you mean 'default'"),
        ("paper", {"component": 3}, "did you mean 'components'"),
        ("default", {"components": 3}, "unknown setting"),
        ("paper", {"components": -1}, "components"),
        ("paper", {"components": 2.5}, "components"),
        ("paper", {"alpha": float("nan")}, "alpha"),
        ("paper", {"l1_ratio": 2}, "l1_ratio"),
        ("paper", {"selection": "best"}, "topk"),
        ("paper", {"query": "lazy"}, "greedy"),
        ("paper", {"nonnegative": "no"}, "shift"),
        ("paper", {"representation": "wavelet"}, "mfcc"),
    ],
)
def test_unknown_names_and_values_are_told(name, changed, says):
    with pytest.raises(InputError, match=says):
        make_retriever(name, **changed)
