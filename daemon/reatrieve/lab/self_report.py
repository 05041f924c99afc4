"""What a session says of itself, held against the truth: "probably nothing else", and "accept the rest above p"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reatrieve.lab.records import RestRecord, SessionRecord
from reatrieve.session.stopping import probably_nothing_else

__all__ = ["LEFT_SHARE", "asked_until_said", "nothing_else_summary", "rest_f1", "rest_summary"]

LEFT_SHARE = 0.1
"""Saying so with more than this share of the occurrences still to be found is a false statement."""


def asked_until_said(session: SessionRecord) -> int | None:
    """Answers given when the session first said "probably nothing else"; None when it never did."""
    verdicts = [answer.verdict for answer in session.answers]
    said = (
        index
        for index, answer in enumerate(session.answers)
        if probably_nothing_else(verdicts[:index], answer.remaining)
    )
    return next(said, None)


def nothing_else_summary(sessions: Sequence[SessionRecord]) -> dict[str, Any]:
    """How often and how soon sessions said "probably nothing else", and how often too early.

    Returns
    -------
    dict
        ``said_share``; ``said_too_early_share``: said with more than 10 % of the other occurrences not yet found;
        ``asked_until_said_median`` and ``_max`` over the sessions that said it; ``alone_*``: the same over sounds that
        have no other occurrence, null where there is none.
    """
    some = [session for session in sessions if session.n_others]
    alone = [session for session in sessions if not session.n_others]
    return {**_said(some), **{f"alone_{key}": value for key, value in _said(alone).items() if "early" not in key}}


def _said(sessions: Sequence[SessionRecord]) -> dict[str, float | None]:
    asked = [(session, asked_until_said(session)) for session in sessions]
    counts = [count for _, count in asked if count is not None]
    early = [s for s, count in asked if count is not None and _left_share(s, count) > LEFT_SHARE]
    n = len(sessions)
    return {
        "said_share": len(counts) / n if n else None,
        "said_too_early_share": len(early) / n if n else None,
        "asked_until_said_median": float(np.median(counts)) if counts else None,
        "asked_until_said_max": max(counts) if counts else None,
    }


def _left_share(session: SessionRecord, n_answers: int) -> float:
    found = sum(index < n_answers for index in session.found_after())
    return 1.0 - found / session.n_others if session.n_others else 0.0


def rest_f1(session: SessionRecord, rest: RestRecord, *, above: float) -> float:
    """F1 of what is accepted when the user accepts the rest above a probability after ``rest.n_answers`` answers.

    What was accepted by then and what the rest adds are held against the other occurrences. Excerpts on `near` rows and
    repeated hits count neither way.
    """
    if rest.asked is None:
        taken = [(a.truth, a.credited) for a in session.answers[: rest.n_answers] if a.verdict == "accept"]
    else:
        taken = [(truth, credited) for truth, credited in rest.asked if truth == "accept"]
    taken += [(truth, credited) for probability, truth, credited, _ in rest.rows if probability >= above]
    right = len({credited for _, credited in taken} - {None, session.example})
    wrong = sum(truth == "reject" for truth, _ in taken)
    missed = session.n_others - right
    return 2 * right / (2 * right + wrong + missed)


def rest_summary(sessions: Sequence[SessionRecord], *, above: float) -> dict[str, Any]:
    """Mean F1 over sounds of accepting the rest, by number of answers given before.

    Returns
    -------
    dict
        ``above``, ``n_answers`` and ``f1`` (lists of one length); a session that ended earlier counts with its end.
        ``decided_f1`` and ``decided_answers``: the same after only such questions as decide the rest, and how many
        those were on average; None where that was not played.
    """
    wanted = sorted({n_answers for session in sessions for n_answers in _plain(session)})
    by_sound: dict[tuple[str, str], list[list[float]]] = {}
    decided: dict[tuple[str, str], list[list[float]]] = {}
    for session in sessions:
        sound = (session.file, session.sound)
        if session.n_others and (reached := _plain(session)):
            at_end = RestRecord(len(session.answers), ())
            row = [rest_f1(session, reached.get(n, at_end), above=above) for n in wanted]
            by_sound.setdefault(sound, []).append(row)
        for rest in session.rest:
            if session.n_others and rest.asked is not None:
                decided.setdefault(sound, []).append([rest_f1(session, rest, above=above), float(rest.n_answers)])
    decided_f1, decided_answers = _mean_of_means(decided) or (None, None)
    return {
        "above": above,
        "n_answers": wanted if by_sound else [],
        "f1": _mean_of_means(by_sound),
        "decided_f1": decided_f1,
        "decided_answers": decided_answers,
    }


def _plain(session: SessionRecord) -> Mapping[int, RestRecord]:
    """What was recorded on the session's own way, by number of answers."""
    return {rest.n_answers: rest for rest in session.rest if rest.asked is None}


def _mean_of_means(by_sound: Mapping[tuple[str, str], list[list[float]]]) -> list[float]:
    """Over the sessions of each sound, then over sounds; [] of nothing."""
    means = [np.mean(rows, axis=0) for rows in by_sound.values()]
    return [float(value) for value in np.mean(means, axis=0)] if means else []
