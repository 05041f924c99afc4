"""Fit the constants of ``reatrieve.retrieval.default.calibration`` on annotated music, and write ``constants.py``.

    python -m reatrieve.lab.fit_calibration OUT.py DATASET [DATASET ...] [--also DATASET [DATASET ...]]

Every session of the first and the last occurrence is run to eight rejections with the constants at hand, once as
annotated and once with the example's edges moved by up to 10 % (not in long files, for time's sake). Each question
gives its shortlist, with what the oracle would say to each candidate. The rank model is a logistic regression on
figures relative to the shortlist, the probability model one on what it is computed from; both ridge-penalised, one
for each stage. From the data sets after --also (sounds that happen once, altered repeats) only the probability
learns. With the constants come the calibration error and the precision of proposals with each composer group left
out.
"""

from __future__ import annotations

import argparse
import pathlib
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from reatrieve.annotations.oracle import Oracle
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.lab.dataset import AnnotatedSound, Recording, load_dataset
from reatrieve.lab.sessions import EdgeMoves, moved_example
from reatrieve.retrieval.default.calibration import Answers, Judgement, relative, tally
from reatrieve.retrieval.default.retriever import SHORTLIST, DefaultRetriever
from reatrieve.retrieval.excerpt import HOP_S
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Analysis
from reatrieve.session.spans import Span

REJECTIONS = 8
MOST_ANSWERS = 60
LONGEST_MOVED_S = 150.0
RANK_C = 0.03
PROBABILITY_C = 0.3
FURTHER_WEIGHT = 0.15
"""Weight of the candidates after the best: they are what "remaining" is made of."""
N_FURTHER = 11
N_FOLDS = 6


@dataclass
class Question:
    """One shortlist; ``truth`` is +1 yes, -1 no, 0 near (neither)."""

    dataset: str
    group: str
    n_others: int
    answers: Answers
    length_frames: float
    starts: np.ndarray
    figures: np.ndarray
    truth: np.ndarray
    orders: bool
    """Whether the rank model learns from it too."""

    @property
    def stage(self) -> int:
        """The stage of its answers."""
        return self.answers.stage


def questions(folder: pathlib.Path, *, orders: bool = True) -> Iterator[Question]:
    """All questions of the sessions of a data set; without ``orders`` only the probability learns from them."""
    work = (
        joblib.delayed(_of_recording)(folder.name, recording, orders) for recording in load_dataset(folder).recordings
    )
    for some in joblib.Parallel(n_jobs=-1, return_as="generator")(work):
        yield from some


def _of_recording(name: str, recording: Recording, orders: bool) -> list[Question]:
    retriever = DefaultRetriever()
    audio = TrackAudio(TrackMap.of_file(recording.path))
    n = audio.n_samples(ANALYSIS_RATE_HZ)
    analysis = retriever.analyse(audio.blocks(rate_hz=ANALYSIS_RATE_HZ), n_samples=n)
    rng = np.random.default_rng(n)
    asked: list[Question] = []
    for sound in recording.sounds:
        for example in sorted({0, len(sound.occurrences) - 1}):
            marked = sound.occurrences[example]
            asked += _session(name, retriever, analysis, recording, sound, marked, orders)
            if analysis.duration_s <= LONGEST_MOVED_S:
                moved = moved_example(marked, EdgeMoves(0.1, True), duration_s=analysis.duration_s, rng=rng)
                asked += _session(name, retriever, analysis, recording, sound, moved, orders)
    return asked


def _session(
    name: str,
    retriever: DefaultRetriever,
    analysis: Analysis,
    recording: Recording,
    sound: AnnotatedSound,
    marked: Span,
    orders: bool,
) -> Iterator[Question]:
    oracle = Oracle(sound.occurrences, sound.near)
    ranker = retriever.ranker(analysis, marked)
    blocked = [marked]
    n_negative = 0
    for _ in range(MOST_ANSWERS):
        if n_negative == REJECTIONS:
            return
        shortlist = ranker._shortlist(blocked, SHORTLIST)
        proposal = ranker.best(blocked)
        if proposal is None:
            return
        verdicts = [oracle.answer(ranker._grid.span(int(start))).verdict for start in shortlist.starts]
        truth = np.array([{"accept": 1, "reject": -1, "skip": 0}[verdict] for verdict in verdicts])
        yield Question(
            name,
            recording.group,
            max(1, len(sound.occurrences) - 1),
            tally([label.positive for label in ranker._labels]),
            marked.length_s / HOP_S,
            shortlist.starts,
            shortlist.figures,
            truth,
            orders,
        )
        verdict = oracle.answer(proposal.span).verdict
        blocked.append(proposal.span)
        if verdict != "skip":
            ranker.learn(proposal.span, positive=verdict == "accept")
        n_negative += verdict == "reject"


def fit(asked: Sequence[Question]) -> Judgement:
    """Both models, a row a stage."""
    rank = []
    for now in range(3):
        of_stage = [q for q in asked if q.orders and q.stage == now and (q.truth > 0).any()]
        X = np.concatenate([relative(q.figures)[q.truth != 0] for q in of_stage])
        y = np.concatenate([q.truth[q.truth != 0] > 0 for q in of_stage])
        w = np.concatenate([np.full((q.truth != 0).sum(), 1.0 / q.n_others) for q in of_stage])
        rank.append(_logistic(X, y, w, RANK_C))
    ranker = Judgement(tuple(rank), ())
    probability = []
    for now in range(3):
        rows = []
        for q in asked:
            if q.stage == now:
                ranks = ranker.ranks(q.figures, stage=now)
                X = Judgement.inputs(ranks, q.figures, q.answers)
                for place, index in enumerate(_apart(q, ranks)[: 1 + N_FURTHER]):
                    if q.truth[index]:
                        rows.append((X[index], bool(q.truth[index] > 0), 1.0 if place == 0 else FURTHER_WEIGHT))
        X, hits, weights = (np.array(column) for column in zip(*rows, strict=True))
        probability.append(_logistic(X, hits, weights, PROBABILITY_C))
    return Judgement(tuple(rank), tuple(probability))


def _apart(q: Question, ranks: np.ndarray) -> list[int]:
    """Candidates, best first, that do not overlap better ones."""
    chosen: list[int] = []
    for index in np.lexsort((q.starts, -ranks)):
        if all(abs(int(q.starts[index]) - int(q.starts[other])) >= q.length_frames for other in chosen):
            chosen.append(int(index))
    return chosen


def _logistic(X: np.ndarray, y: np.ndarray, w: np.ndarray, C: float) -> tuple[float, ...]:
    mean, spread = X.mean(axis=0), X.std(axis=0)
    varies = spread > 1e-9
    spread = np.where(varies, spread, 1.0)
    model = LogisticRegression(C=C, max_iter=2000).fit((X - mean) / spread, y, sample_weight=w)
    slope = np.where(varies, model.coef_[0] / spread, 0.0)
    return tuple(float(v) for v in (*slope, model.intercept_[0] - slope @ mean))


def report(asked: Sequence[Question]) -> str:
    """Calibration error and precision with each composer group left out, as text."""
    groups = np.array([q.group for q in asked])
    first: dict[str, list[tuple[float, bool]]] = {}
    for train, test in GroupKFold(N_FOLDS).split(groups, groups=groups):
        judgement = fit([asked[i] for i in train])
        for q in (asked[i] for i in test):
            ranks = judgement.ranks(q.figures, stage=q.stage)
            best = _apart(q, ranks)[0]
            if q.truth[best]:
                p = judgement.probabilities(Judgement.inputs(ranks, q.figures, q.answers), stage=q.stage)
                first.setdefault(q.dataset, []).append((float(p[best]), bool(q.truth[best] > 0)))
    lines = []
    for name, rows in first.items():
        p, hit = np.array(rows).T
        bins = np.array_split(np.argsort(p, kind="stable"), 10)
        error = sum(len(b) * abs(p[b].mean() - hit[b].mean()) for b in bins) / len(p)
        lines.append(f"{name}: {len(p)} proposals, {hit.mean():.3f} right, calibration error {error:.4f}")
    return "\n".join(lines)


def module(judgement: Judgement) -> str:
    """The text of ``constants.py``."""

    def rows(of: tuple[tuple[float, ...], ...]) -> str:
        blocks = []
        for row in of:
            text = textwrap.fill(", ".join(f"{v:.4f}" for v in row) + ",", 100)
            blocks.append("        (\n" + textwrap.indent(text, " " * 12) + "\n        ),\n")
        return "(\n" + "".join(blocks) + "    )"

    return f'''"""The constants of ``judgement``: logistic regressions over the questions of the benchmark's sessions.

Written by ``reatrieve.lab.fit_calibration``; ``docs/experiments-log.md`` has what they are worth on composers left out.
"""

from __future__ import annotations

from reatrieve.retrieval.default.calibration import Judgement

__all__ = ["BENCHMARK"]

BENCHMARK = Judgement(
    rank={rows(judgement.rank)},
    probability={rows(judgement.probability)},
)
"""One row a stage (no answer, only yes, at least one no): weights in the order of their inputs, then the intercept."""
'''


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fit the constants of the default retriever's judgement.")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("datasets", type=pathlib.Path, nargs="+")
    parser.add_argument("--also", type=pathlib.Path, nargs="*", default=[])
    args = parser.parse_args()
    asked = [question for folder in args.datasets for question in questions(folder)]
    asked += [question for folder in args.also for question in questions(folder, orders=False)]
    print(report(asked))
    args.out.write_text(module(fit(asked)), encoding="utf-8")
