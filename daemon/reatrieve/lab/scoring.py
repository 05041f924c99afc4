"""Figures from sessions: recall and its curve, means over sounds, intervals over files, calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reatrieve.lab.records import SessionRecord

__all__ = [
    "N_BINS",
    "N_RESAMPLES",
    "accepted_recall",
    "calibration_bins",
    "calibration_error",
    "curve",
    "intervals",
    "paired_difference",
    "recall",
    "summary",
]

N_RESAMPLES = 1000
N_BINS = 10
PLAIN_KEYS = (
    "recall",
    "curve",
    "accepted_recall",
    "answers_per_found",
    "first_candidate_right",
    "all_found_share",
    "start_error_ms_median",
    "start_error_ms_p95",
    "ece",
)

Floats = NDArray[np.float64]


def recall(session: SessionRecord) -> float:
    """Share of the other occurrences that were proposed, 0..1; nan where there are none."""
    return len(session.found_after()) / session.n_others if session.n_others else float("nan")


def accepted_recall(session: SessionRecord) -> float:
    """Share of the other occurrences that were hit by a candidate which the user accepted, 0..1."""
    taken = {answer.credited for answer in session.answers if answer.verdict == "accept"} - {None, session.example}
    return len(taken) / session.n_others if session.n_others else float("nan")


def curve(session: SessionRecord, *, budget: int) -> Floats:
    """Recall at the moment each rejection is given.

    Returns
    -------
    curve : np.ndarray [shape=(budget + 1,), 0..1]
        ``curve[0]`` is 0, ``curve[k]`` the recall when rejection k is given; a session that ended earlier is padded
        with its final recall, so that ``curve[budget]`` is its recall.
    """
    found = np.zeros(len(session.answers) + 1)
    found[[index + 1 for index in session.found_after()]] = 1.0
    found = np.cumsum(found)  # found[i]: occurrences found by the first i answers
    values = np.full(budget + 1, found[-1])
    values[0] = 0.0
    rejections = [index for index, answer in enumerate(session.answers) if answer.verdict == "reject"][:budget]
    values[1 : len(rejections) + 1] = found[
        [index + 1 for index in rejections]
    ]  # a hit rejected by mistake is found too
    return values / session.n_others if session.n_others else np.full(budget + 1, np.nan)


def calibration_bins(probability: Floats, hit: Floats, *, n_bins: int = N_BINS) -> list[tuple[float, float, int]]:
    """Reliability of probabilities in equal-mass bins.

    Parameters
    ----------
    probability : np.ndarray [shape=(n,), 0..1]
    hit : np.ndarray [shape=(n,), 0 or 1]

    Returns
    -------
    bins : list of (mean probability, share of hits, count)
        From the lowest probability to the highest; sizes differ by one at most. Empty bins are left out.
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if part.size]
    return [(float(probability[part].mean()), float(hit[part].mean()), int(part.size)) for part in parts]


def calibration_error(probability: Floats, hit: Floats, *, n_bins: int = N_BINS) -> float:
    """Expected calibration error: mean |mean probability - share of hits| of equal-mass bins.

    ``probability`` [shape=(n,), 0..1] and ``hit`` [shape=(n,), 0 or 1]; NaN where n is 0.
    """
    if not len(probability):
        return float("nan")
    bins = calibration_bins(probability, hit, n_bins=n_bins)
    return sum(abs(p - share) * count for p, share, count in bins) / sum(count for _, _, count in bins)


@dataclass(frozen=True)
class _Tables:
    """What the figures need, each row with the index of its file, so that resampling files is one gather."""

    n_files: int
    sound_file: NDArray[np.intp]
    sound_values: Floats  # [n_sounds, recall, accepted_recall, first_right, all_found, *curve]
    file_answers: Floats  # [n_files, (answers, found)]
    error_file: NDArray[np.intp]
    error_ms: Floats
    proposal_file: NDArray[np.intp]
    proposals: Floats  # [n, (probability, hit)]


def _tabulate(sessions: Sequence[SessionRecord], files: Sequence[str], *, budget: int) -> _Tables:
    index_of = {name: index for index, name in enumerate(files)}
    by_sound: dict[tuple[str, str], list[Floats]] = {}
    answers = np.zeros((len(files), 2))
    errors: list[tuple[int, float]] = []
    proposals: list[tuple[int, float, float]] = []
    for session in sessions:
        file = index_of[session.file]
        found = session.found_after()
        proposals += [(file, a.probability, float(a.truth == "accept")) for a in session.answers if a.truth != "skip"]
        errors += [
            (file, abs(a.start_error_ms))
            for a in session.answers
            if a.start_error_ms is not None and a.credited != session.example
        ]
        if not session.n_others:
            continue
        answers[file] += (len(session.answers), len(found))
        asked = [index for index, answer in enumerate(session.answers) if answer.truth != "skip"]
        first_right = float(bool(asked) and session.answers[asked[0]].truth == "accept")
        values = (recall(session), accepted_recall(session), first_right, float(len(found) == session.n_others))
        by_sound.setdefault((session.file, session.sound), []).append(
            np.array([*values, *curve(session, budget=budget)])
        )
    proposal_table = np.array(proposals, dtype=np.float64).reshape(-1, 3)
    error_table = np.array(errors, dtype=np.float64).reshape(-1, 2)
    return _Tables(
        n_files=len(files),
        sound_file=np.array([index_of[file] for file, _ in by_sound], dtype=np.intp),
        sound_values=np.array([np.mean(rows, axis=0) for rows in by_sound.values()]).reshape(len(by_sound), 5 + budget),
        file_answers=answers,
        error_file=error_table[:, 0].astype(np.intp),
        error_ms=error_table[:, 1],
        proposal_file=proposal_table[:, 0].astype(np.intp),
        proposals=proposal_table[:, 1:],
    )


def _figures(tables: _Tables, weights: NDArray[np.intp]) -> dict[str, Any]:
    """The plain keys when file i counts ``weights[i]`` times."""
    sound_weights = weights[tables.sound_file].astype(np.float64)
    total = sound_weights.sum()
    means = sound_weights @ tables.sound_values / total if total else np.full(tables.sound_values.shape[1], np.nan)
    n_answers, n_found = weights @ tables.file_answers
    errors = np.repeat(tables.error_ms, weights[tables.error_file])
    proposals = np.repeat(tables.proposals, weights[tables.proposal_file], axis=0)
    return {
        "recall": float(means[0]),
        "curve": [float(value) for value in means[4:]],
        "accepted_recall": float(means[1]),
        "answers_per_found": float(n_answers / n_found) if n_found else float("nan"),
        "first_candidate_right": float(means[2]),
        "all_found_share": float(means[3]),
        "start_error_ms_median": float(np.median(errors)) if errors.size else float("nan"),
        "start_error_ms_p95": float(np.percentile(errors, 95)) if errors.size else float("nan"),
        "ece": calibration_error(proposals[:, 0], proposals[:, 1]),
    }


def summary(sessions: Sequence[SessionRecord], *, budget: int) -> dict[str, Any]:
    """The figures of one retriever.

    Recall, curve, ``first_candidate_right`` and ``all_found_share``: means per sound, then over sounds; those without
    another occurrence have no recall and are left out. ``answers_per_found`` divides all answers (skips too) by all
    found. Start errors (absolute, ms) are of all credited candidates together, calibration of all that are not `near`.

    Returns
    -------
    dict
        Plain numbers and lists; keys as in docs/datasets.md.
    """
    files = sorted({session.file for session in sessions})
    tables = _tabulate(sessions, files, budget=budget)
    figures = _figures(tables, np.ones(len(files), dtype=np.intp))
    scored = [session for session in sessions if session.n_others]
    return figures | {"sounds": len(tables.sound_values), "sessions": len(scored)}


def intervals(
    sessions: Sequence[SessionRecord], *, budget: int, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> dict[str, Any]:
    """Bootstrap 95 % intervals of the plain figures: files are drawn with replacement, all their sounds with them.

    Returns
    -------
    dict
        ``[low, high]`` a key; for ``curve`` one pair a rejection.
    """
    files = sorted({session.file for session in sessions})
    tables = _tabulate(sessions, files, budget=budget)
    draws = [_figures(tables, weights) for weights in _file_weights(len(files), seed=seed, n_resamples=n_resamples)]
    result: dict[str, Any] = {}
    for key in PLAIN_KEYS:
        low, high = _percentiles(np.array([draw[key] for draw in draws], dtype=np.float64))
        result[key] = np.stack([low, high], axis=-1).tolist()
    return result


def paired_difference(
    first: Sequence[SessionRecord],
    other: Sequence[SessionRecord],
    *,
    budget: int,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Any]:
    """How much more the first retriever finds than the other on the same sounds, with intervals from shared resamples.

    Returns
    -------
    dict
        ``recall`` and ``curve`` (first minus other, 1 = all) and ``interval`` with the 95 % interval of each.
    """
    files = sorted({session.file for session in first} | {session.file for session in other})
    tables = [_tabulate(sessions, files, budget=budget) for sessions in (first, other)]

    def differences(weights: NDArray[np.intp]) -> Floats:
        a, b = (_figures(table, weights) for table in tables)
        return np.array([a["recall"] - b["recall"], *np.subtract(a["curve"], b["curve"])])

    value = differences(np.ones(len(files), dtype=np.intp))
    draws = np.array([differences(w) for w in _file_weights(len(files), seed=seed, n_resamples=n_resamples)])
    low, high = _percentiles(draws)
    pairs = np.stack([low, high], axis=-1).tolist()
    return {
        "recall": float(value[0]),
        "curve": value[1:].tolist(),
        "interval": {"recall": pairs[0], "curve": pairs[1:]},
    }


def _file_weights(n_files: int, *, seed: int, n_resamples: int) -> NDArray[np.intp]:
    """How often each file was drawn, [n_resamples, n_files]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_files, np.full(n_files, 1.0 / n_files), size=n_resamples).astype(np.intp)


def _percentiles(draws: Floats) -> tuple[Floats, Floats]:
    """2.5th and 97.5th percentile over the first axis; draws without any sound (nan) are left out."""
    kept = draws[~np.isnan(draws.reshape(len(draws), -1)).any(axis=1)]
    if not len(kept):
        return np.full(draws.shape[1:], np.nan), np.full(draws.shape[1:], np.nan)
    low, high = np.percentile(kept, [2.5, 97.5], axis=0)
    return low, high
