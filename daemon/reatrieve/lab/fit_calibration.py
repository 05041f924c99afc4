"""Fit the constants of ``reatrieve.retrieval.default.calibration`` on annotated sets, and write ``constants.py``.

    python -m reatrieve.lab.fit_calibration OUT.py SET [SET ...] [--once SET ...] [--keep FOLDER] [--sessions]

A SET is a folder, or several that belong together, with commas between them; folders with a + between them count as
one. Every session of the first and the last occurrence is run to eight rejections with the constants at hand; each
question gives its shortlist, with what the oracle would say to each candidate. The rank models are pairwise logistic
regressions (each right candidate against all wrong ones of its question), each question weighed by how far the model
counts there. The probability is a logistic regression, and so is what the session's own answers tell, from odds that
were fitted without its set. Every sound counts alike, and every folder. From the sets after --once (sounds that happen
once) only the probability learns.

Printed is how often the best candidate is right, how many right ones stand before the first wrong one, and the
calibration error of what was proposed: fitted on all sets, and on all but the set itself. The latter are the figures to
quote. With --sessions whole sessions are then run on each set with the constants that never saw it.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import textwrap
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import joblib
import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from reatrieve.annotations.oracle import Oracle
from reatrieve.audio.analysis import analyse_track
from reatrieve.audio.cache import AnalysisCache
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import InputError
from reatrieve.lab.command import say, status_of
from reatrieve.lab.dataset import AnnotatedSound, Recording, load_dataset
from reatrieve.lab.runner import Setup, run
from reatrieve.lab.scoring import calibration_error
from reatrieve.lab.sessions import Conditions
from reatrieve.lab.summary import figures_of
from reatrieve.retrieval.default.calibration import (
    EXACT,
    STANDING,
    TOLERANT,
    Answers,
    Judgement,
    Setting,
    relative,
    standing,
    surprise,
)
from reatrieve.retrieval.default.constants import BENCHMARK
from reatrieve.retrieval.default.features import FIGURES
from reatrieve.retrieval.default.retriever import DefaultRetriever
from reatrieve.session.retriever import Analysis

REJECTIONS = 8
MOST_ANSWERS = 60
MOST_RANKED = 16
"""Questions of a session, spread evenly, that the rank models learn from: neighbours are much alike."""
RANK_PENALTY = 0.005
PROBABILITY_C = 0.3
PROBABILITY_SHARE = 0.3
"""Weight of the data against the penalty, in rows."""
FURTHER_WEIGHT = 0.15
"""Weight of the candidates after the best: they are what "remaining" is made of."""
N_FURTHER = 11
N_STAGES = 3

_F64 = NDArray[np.float64]


@dataclass
class Question:
    """One shortlist; ``truth`` is +1 yes, -1 no, 0 near (neither); ``picked`` was proposed and answered so."""

    folder: str
    session: tuple[str, str, int]
    starts: NDArray[np.intp]
    figures: _F64
    inputs: _F64
    setting: Setting
    truth: NDArray[np.int8]
    picked: int
    orders: bool
    """Whether the rank models learn from it too."""

    @property
    def stage(self) -> int:
        """As in ``calibration.Answers``."""
        return self.setting.answers.stage

    @property
    def sound(self) -> tuple[str, str, str]:
        """What counts once however many questions it takes."""
        return (self.folder, *self.session[:2])


def collect(folder: pathlib.Path, *, orders: bool, jobs: int, cache: pathlib.Path | None) -> list[Question]:
    """All questions of a folder's sessions, in their order."""
    work = (
        joblib.delayed(_of_recording)(folder.name, recording, orders, cache)
        for recording in load_dataset(folder).recordings
    )
    return [question for some in joblib.Parallel(n_jobs=jobs)(work) for question in some]


def _of_recording(folder: str, recording: Recording, orders: bool, cache: pathlib.Path | None) -> list[Question]:
    retriever = DefaultRetriever()
    kept = AnalysisCache(cache) if cache else None
    analysis = analyse_track(TrackMap.of_file(recording.path), retriever, cache=kept)
    return [
        question
        for sound in recording.sounds
        for example in sorted({0, len(sound.occurrences) - 1})
        for question in _session(folder, retriever, analysis, recording, sound, example, orders)
    ]


def _session(
    folder: str,
    retriever: DefaultRetriever,
    analysis: Analysis,
    recording: Recording,
    sound: AnnotatedSound,
    example: int,
    orders: bool,
) -> Iterator[Question]:
    oracle = Oracle(sound.occurrences, sound.near)
    verdicts = {"accept": 1, "reject": -1, "skip": 0}
    marked = sound.occurrences[example]
    ranker = retriever.ranker(analysis, marked)
    blocked = [marked]
    n_negative = 0
    for _ in range(MOST_ANSWERS):
        shortlist = ranker._shortlist(ranker._labels, blocked)
        proposal = ranker.best(blocked)
        if n_negative == REJECTIONS or shortlist is None or proposal is None:
            return
        truth = [verdicts[oracle.answer(ranker._grid.span(int(start))).verdict] for start in shortlist.starts]
        picked = int(np.argmin(np.abs(ranker._grid.starts_s[shortlist.starts] - proposal.span.start_s)))
        truth[picked] = answer = verdicts[oracle.answer(proposal.span).verdict]
        yield Question(
            folder,
            (recording.name, sound.name, example),
            shortlist.starts,
            shortlist.figures.astype(np.float64),
            shortlist.inputs,
            shortlist.setting,
            np.array(truth, dtype=np.int8),
            picked,
            orders,
        )
        blocked.append(proposal.span)
        if answer:
            ranker.learn(proposal.span, positive=answer > 0)
        n_negative += answer < 0


def fit(asked: Sequence[Question], set_of: Mapping[str, int] | None = None) -> Judgement:
    """The constants for some questions; those of a session follow each other.

    What a session's own answers tell is learned from log odds that were fitted without the session's set: only there
    are they as wrong as on a sound that nobody fitted.

    Parameters
    ----------
    asked : the questions.
    set_of : the number of each folder's set; None: each folder is one.
    """
    ranker = _ranker(asked)
    rows = [_rows(q, ranker) for q in asked]
    judge = _with_probability(ranker, rows)
    own_set = [set_of[row.folder] if set_of else row.folder for row in rows]
    sets = dict.fromkeys(own_set)
    strangers = dict.fromkeys(sets, judge)
    if len(sets) > 1:
        for one in sets:
            others = [row for row, theirs in zip(rows, own_set, strict=True) if theirs != one]
            strangers[one] = _with_probability(ranker, others)
    judges = [strangers[one] for one in own_set]
    seen = list(zip(rows, judges, _surprises(asked, rows, judges), strict=True))
    later = (_moved([one for one in seen if one[0].stage == stage]) for stage in range(1, N_STAGES))
    return replace(judge, surprise=((1.0, 0.0, 0.0), *later))


def _ranker(asked: Sequence[Question]) -> Judgement:
    exact, tolerant = [], []
    for stage in range(N_STAGES):
        of_stage = [q for q in _thinned(asked) if q.orders and q.stage == stage]
        weights = _alike(of_stage)
        shares = np.array([q.setting.exact_share for q in of_stage])
        exact.append(_pairwise(of_stage, EXACT[stage], weights * shares))
        tolerant.append(_pairwise(of_stage, TOLERANT, weights * (1.0 - shares)))
    return Judgement(tuple(exact), tuple(tolerant), (), ())


def _with_probability(ranker: Judgement, rows: Sequence[_Rows]) -> Judgement:
    stacked = (_stacked([row for row in rows if row.stage == stage]) for stage in range(N_STAGES))
    return replace(ranker, probability=tuple(_logistic(X, y, weights) for weights, X, y in stacked))


def _thinned(asked: Sequence[Question]) -> list[Question]:
    sessions: dict[tuple[str, ...], list[Question]] = {}
    for q in asked:
        sessions.setdefault((q.folder, *map(str, q.session)), []).append(q)
    return [
        some[i]
        for some in sessions.values()
        for i in np.unique(np.linspace(0, len(some) - 1, MOST_RANKED).round().astype(int))
    ]


def _alike(asked: Sequence[Question]) -> _F64:
    """Weights by which every folder counts alike, and in it every sound."""
    of_sound = Counter(q.sound for q in asked)
    of_folder = Counter(sound[0] for sound in of_sound)
    return np.array([1.0 / (of_sound[q.sound] * of_folder[q.folder]) for q in asked])


def _pairwise(asked: Sequence[Question], names: Sequence[str], weights: _F64) -> tuple[float, ...]:
    """Weights b: over right candidates, the least mean of log(1 + sum over wrong ones of exp(b (wrong - right)))."""
    kept = [i for i, q in enumerate(asked) if (q.truth > 0).any() and (q.truth < 0).any()]
    if not kept:
        raise InputError("too few questions have right and wrong candidates left; fit on more recordings")
    most = max(len(asked[i].truth) for i in kept)
    X = np.zeros((len(kept), most, len(names)))
    truth = np.zeros((len(kept), most), dtype=np.int8)
    columns = [FIGURES.index(name) for name in names]
    for row, i in enumerate(kept):
        scaled = relative(asked[i].figures)[:, columns]
        X[row, : len(scaled)] = scaled
        truth[row, : len(scaled)] = asked[i].truth
    spread = np.maximum(X[truth != 0].std(axis=0), 1e-6)
    X /= spread
    right, wrong = truth > 0, truth < 0
    w = weights[kept] / weights[kept].sum()
    n_right = right.sum(axis=1)

    def loss(b: _F64) -> tuple[float, _F64]:
        s = X @ b
        against = np.where(wrong, s, -np.inf)
        all_wrong = scipy.special.logsumexp(against, axis=1)
        behind = all_wrong[:, None] - s
        total = w @ (np.where(right, np.logaddexp(0.0, behind), 0.0).sum(axis=1) / n_right)
        push = np.where(right, scipy.special.expit(behind), 0.0) * (w / n_right)[:, None]
        blame = np.exp(against - all_wrong[:, None]) * push.sum(axis=1)[:, None]
        slope = np.einsum("qc,qcf->f", blame - push, X)
        return float(total + RANK_PENALTY * b @ b), slope + 2.0 * RANK_PENALTY * b

    found = scipy.optimize.minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B")
    return tuple(float(v) for v in found.x / spread)


@dataclass
class _Rows:
    """What the probability learns from one question: its best candidates, the picked one first."""

    folder: str
    sound: tuple[str, str, str]
    stage: int
    inputs: _F64
    right: NDArray[np.bool_]
    weights: _F64
    picked: _F64
    answer: int


def _rows(q: Question, ranker: Judgement) -> _Rows:
    ranks = ranker.ranks(q.figures, q.setting)
    inputs = q.inputs.copy()
    inputs[:, : len(STANDING)] = standing(ranks, q.starts, n_frames=q.setting.n_frames)
    chosen = [i for i in _apart(q, ranks)[: 1 + N_FURTHER] if q.truth[i]]
    weights = np.full(len(chosen), FURTHER_WEIGHT)
    weights[:1] = 1.0
    return _Rows(
        q.folder,
        q.sound,
        q.stage,
        inputs[chosen],
        q.truth[chosen] > 0,
        weights,
        inputs[q.picked],
        int(q.truth[q.picked]),
    )


def _apart(q: Question, ranks: _F64) -> list[int]:
    """Candidates, best first, that do not overlap better ones."""
    chosen: list[int] = []
    for index in np.lexsort((q.starts, -ranks)):
        if all(abs(int(q.starts[index]) - int(q.starts[other])) >= q.setting.n_frames for other in chosen):
            chosen.append(int(index))
    return chosen


def _stacked(rows: Sequence[_Rows]) -> tuple[_F64, _F64, NDArray[np.bool_]]:
    """Weights, inputs and answers; every folder counts alike."""
    total = Counter[str]()
    for row in rows:
        total[row.folder] += float(row.weights.sum())  # type: ignore[assignment]
    weights = np.concatenate([row.weights / total[row.folder] for row in rows if len(row.weights)])
    weights *= PROBABILITY_SHARE * len(weights) / weights.sum()
    X = np.concatenate([row.inputs for row in rows])
    return weights, X, np.concatenate([row.right for row in rows])


def _surprises(asked: Sequence[Question], rows: Sequence[_Rows], judges: Sequence[Judgement]) -> list[float]:
    """What each question's session has seen before it, as one judgement a question expects it."""
    surprises = []
    answers: list[tuple[bool, float]] = []
    session: tuple[str, tuple[str, str, int]] | None = None
    for q, row, judge in zip(asked, rows, judges, strict=True):
        if (q.folder, q.session) != session or q.stage == 0:
            session, answers = (q.folder, q.session), []
        surprises.append(surprise(answers))
        if row.answer:
            expected = scipy.special.expit(judge.log_odds(row.picked[None], stage=q.stage)[0])
            answers.append((row.answer > 0, float(expected)))
    return surprises


def _moved(seen: Sequence[tuple[_Rows, Judgement, float]]) -> tuple[float, ...]:
    """How far a surprise moves log odds, learned from the best candidates alone: they are what the user is told of."""
    of_folder = Counter(row.folder for row, _, _ in seen if len(row.right))
    weights, X, y = [], [], []
    for row, judge, surprised in seen:
        if len(row.right):
            weights.append(1.0 / of_folder[row.folder])
            X.append((judge.log_odds(row.inputs[:1], stage=row.stage)[0], surprised))
            y.append(row.right[0])
    if len(set(y)) < 2:
        return (1.0, 0.0, 0.0)  # right throughout, or wrong: nothing to learn from
    return _logistic(np.array(X), np.array(y), np.array(weights) * PROBABILITY_SHARE * len(y) / len(of_folder))


def _logistic(X: _F64, y: NDArray[np.bool_], w: _F64) -> tuple[float, ...]:
    mean, spread = X.mean(axis=0), X.std(axis=0)
    varies = spread > 1e-9
    spread = np.where(varies, spread, 1.0)
    model = LogisticRegression(C=PROBABILITY_C, max_iter=2000).fit((X - mean) / spread, y, sample_weight=w)
    slope = np.where(varies, model.coef_[0] / spread, 0.0)
    return tuple(float(v) for v in (*slope, model.intercept_[0] - slope @ mean))


def report(asked: Sequence[Question], judgements: dict[str, Judgement]) -> str:
    """One line a folder: stages 0, 1, 2 as "right first / share before the first wrong one", and calibration error."""
    lines = []
    for folder in dict.fromkeys(q.folder for q in asked):
        own = [q for q in asked if q.folder == folder]
        judge = judgements[folder]
        parts = []
        for stage in range(N_STAGES):
            places = [_place(q, judge) for q in own if q.stage == stage and (q.truth > 0).any()]
            first, share = np.mean(places, axis=0) if places else (np.nan, np.nan)
            parts.append(f"{first:.3f}/{share:.3f}")
        rows = [_rows(q, judge) for q in own]
        surprises = _surprises(own, rows, [judge] * len(rows))
        p, hit = [], []
        for row, surprised in zip(rows, surprises, strict=True):
            if row.answer:
                odds = judge.log_odds(row.picked[None], stage=row.stage)
                p.append(judge.probabilities(odds, surprised, stage=row.stage)[0])
                hit.append(float(row.answer > 0))
        error = calibration_error(np.array(p), np.array(hit))
        lines.append(f"{folder:10s} {' '.join(parts)}  calibration error {error:.3f} ({len(p)} answers)")
    return "\n".join(lines)


def _place(q: Question, judge: Judgement) -> tuple[float, float]:
    order = np.lexsort((q.starts, -judge.ranks(q.figures, q.setting)))
    truth = q.truth[order]
    truth = truth[truth != 0]
    wrong = np.flatnonzero(truth < 0)
    before = wrong[0] if len(wrong) else len(truth)
    return float(truth[0] > 0), float(before / (truth > 0).sum())


def sessions_of(folders: Sequence[pathlib.Path], judge: Judgement, *, jobs: int, cache: pathlib.Path | None) -> str:
    """Whole sessions with some constants: recall at 10, 3 and 1 rejections, first candidate, calibration, the rest."""
    lines = []
    for folder in folders:
        conditions = Conditions(rest_after=(5,), decide_within=10)
        setup = Setup("default", "default", {"judgement": judge}, conditions)
        sessions = run(load_dataset(folder), [setup], jobs=jobs, cache=cache)["default"]
        f = figures_of(sessions, conditions)
        lines.append(
            f"{folder.name:10s} {f['recall']:.3f} {f['curve'][3]:.3f} {f['curve'][1]:.3f} "
            f"first {f['first_candidate_right']:.3f} ece {f['ece']:.3f} "
            f"start {f['start_error_ms_median']:.1f}/{f['start_error_ms_p95']:.0f} ms rest {f['rest']}"
        )
    return "\n".join(lines)


def module(judgement: Judgement) -> str:
    """The text of ``constants.py``."""

    def rows(of: tuple[tuple[float, ...], ...]) -> str:
        blocks = []
        for row in of:
            text = textwrap.fill(", ".join(f"{v:.4f}" for v in row) + ",", 100)
            blocks.append("        (\n" + textwrap.indent(text, " " * 12) + "\n        ),\n")
        return "(\n" + "".join(blocks) + "    )"

    return f'''"""The constants of ``calibration``: logistic models over the questions of the benchmark's sessions.

Written by ``python -m reatrieve.lab.fit_calibration``; ``docs/experiments-log.md`` has what they are worth on sets that
were left out of the fit.
"""

from __future__ import annotations

from reatrieve.retrieval.default.calibration import Judgement

__all__ = ["BENCHMARK"]

# fmt: off
BENCHMARK = Judgement(
    exact={rows(judgement.exact)},
    tolerant={rows(judgement.tolerant)},
    probability={rows(judgement.probability)},
    surprise={rows(judgement.surprise)},
)
# fmt: on
"""One row a stage (no answer, only yes, at least one no), in the order of the figures and inputs."""
'''


def _groups(text: str) -> dict[str, list[pathlib.Path]]:
    """The folders of a set, by the name under which they count."""
    parts = ([pathlib.Path(one) for one in part.split("+")] for part in text.split(","))
    return {"+".join(folder.name for folder in some): some for some in parts}


def _as_one(name: str, asked: Sequence[Question]) -> list[Question]:
    """Questions of several folders under one name, in which files that are called alike stay apart."""
    return [
        replace(q, folder=name, session=(f"{q.folder}/{q.session[0]}", *q.session[1:])) if q.folder != name else q
        for q in asked
    ]


def main() -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(description="Fit the constants of the default retriever's calibration.")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("sets", nargs="+", help="folder, or folders that belong together with commas between them")
    parser.add_argument("--once", nargs="*", default=[], help="sets that only the probability learns from")
    parser.add_argument("--keep", type=pathlib.Path, help="where questions and analyses are kept for the next run")
    parser.add_argument("--sessions", action="store_true", help="run whole sessions on each set left out")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    return status_of(lambda: _fit(args))


def _fit(args: argparse.Namespace) -> None:
    if not args.out.parent.is_dir():
        raise InputError(f"{args.out.parent} is no folder; make it, or choose another place for the constants")
    sets = [_groups(text) for text in args.sets]
    once = [_groups(text) for text in args.once]
    for folder in (folder for parts in (*sets, *once) for folders in parts.values() for folder in folders):
        load_dataset(folder)  # all, before the first takes its minutes
    asked: list[Question] = []
    set_of: dict[str, int] = {}
    cache = args.keep / "analyses" if args.keep else None
    for number, parts in enumerate([*sets, *once]):
        for name, folders in parts.items():
            set_of[name] = number
            for folder in folders:
                orders = number < len(sets)
                asked += _as_one(name, _kept(folder, orders=orders, jobs=args.jobs, keep=args.keep, cache=cache))
    shipped = fit(asked, set_of)
    without = joblib.Parallel(n_jobs=args.jobs)(
        joblib.delayed(fit)([q for q in asked if set_of[q.folder] != number], set_of) for number in range(len(sets))
    )
    every = dict.fromkeys((q.folder for q in asked), shipped)
    say("fitted on all sets\n" + report(asked, every))
    left_out = {name: judge for parts, judge in zip(sets, without, strict=True) for name in parts}
    say("each set left out\n" + report([q for q in asked if q.folder in left_out], left_out))
    args.out.write_text(module(shipped), encoding="utf-8")
    if args.keep:
        rows = {name: asdict(judge) for name, judge in left_out.items()}
        (args.keep / "left_out.json").write_text(json.dumps(rows), encoding="utf-8")
    if args.sessions:
        for name, folders in ((name, folders) for parts in sets for name, folders in parts.items()):
            say(sessions_of(folders, left_out[name], jobs=args.jobs, cache=cache))


def _kept(
    folder: pathlib.Path, *, orders: bool, jobs: int, keep: pathlib.Path | None, cache: pathlib.Path | None
) -> list[Question]:
    """Questions of a folder, from the last run with the same order of places where they were kept."""
    path = keep / f"{folder.name}.npz" if keep else None
    if path is not None and path.is_file() and (kept := _read(path)) is not None:
        return kept
    asked = collect(folder, orders=orders, jobs=jobs, cache=cache)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, asked)
    return asked


def _by_constants() -> str:
    """What kept questions hang on."""
    return json.dumps([BENCHMARK.exact, BENCHMARK.tolerant])


def _write(path: pathlib.Path, asked: Sequence[Question]) -> None:
    """Arrays and JSON, which hold nothing that a reader would execute."""
    told = [
        {
            "folder": one.folder,
            "session": [*one.session[:2], int(one.session[2])],
            "answers": [int(n) for n in (one.setting.answers.n_positive, one.setting.answers.n_negative,
                                         one.setting.answers.n_running)],
            "setting": [float(one.setting.exactness), float(one.setting.trust), int(one.setting.n_frames)],
            "picked": int(one.picked),
            "orders": bool(one.orders),
        }
        for one in asked
    ]  # fmt: skip
    arrays = {name: [getattr(one, name) for one in asked] for name in ("starts", "figures", "inputs", "truth")}
    content: dict[str, Any] = {name: np.concatenate(of) if of else np.zeros(0) for name, of in arrays.items()}
    content |= {"constants": np.array(_by_constants()), "told": np.array(json.dumps(told))}
    content["lengths"] = np.array([len(one.starts) for one in asked], dtype=np.int64)
    np.savez_compressed(path, **content)


def _read(path: pathlib.Path) -> list[Question] | None:
    """What ``_write`` wrote with the constants of today; None if it was others, or is damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:  # it leaves a damaged one open
            if str(file["constants"]) != _by_constants():
                return None
            told, ends = json.loads(str(file["told"])), np.cumsum(file["lengths"])[:-1]
            names = ("starts", "figures", "inputs", "truth")
            parts = [np.split(file[name], ends) if told else [] for name in names]
        return [
            Question(
                str(row["folder"]), (str(row["session"][0]), str(row["session"][1]), int(row["session"][2])),
                starts, figures, inputs, Setting(Answers(*row["answers"]), *row["setting"]), truth,
                int(row["picked"]), bool(row["orders"]),
            )
            for row, starts, figures, inputs, truth in zip(told, *parts, strict=True)
        ]  # fmt: skip
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile, zlib.error):
        return None


if __name__ == "__main__":
    sys.exit(main())
