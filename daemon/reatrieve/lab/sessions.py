"""Simulated sessions: the oracle plays the user of `retrieval.search.Search`, faultlessly or not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reatrieve.annotations.oracle import Denominator, Oracle
from reatrieve.errors import InputError
from reatrieve.lab.dataset import AnnotatedSound, Recording
from reatrieve.lab.records import AnswerRecord, RestRecord, SessionRecord
from reatrieve.session.events import Answered, Started, Verdict
from reatrieve.session.retriever import Analysis, Proposal, Ranker, Retriever, Supposing
from reatrieve.session.search import Over, Search
from reatrieve.session.spans import Span
from reatrieve.session.stopping import MAX_ACCEPTS_AND_SKIPS, REST_ABOVE

__all__ = [
    "Conditions",
    "EdgeMoves",
    "Searched",
    "chosen_examples",
    "moved_example",
    "simulate",
    "simulate_recording",
]

_FLIPPED: dict[Verdict, Verdict] = {"accept": "reject", "reject": "accept", "skip": "skip"}
_EDGES = re.compile(r"\s*([0-9.]+)\s*(%|s)\s*")


@dataclass(frozen=True, slots=True)
class EdgeMoves:
    """How the example's edges are moved: each on its own, uniform within +- ``amount`` (of the length, or seconds)."""

    amount: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> EdgeMoves:
        """Read ``10%`` or ``0.25s``.

        Raises
        ------
        InputError
            Anything else, or half of the length and more.
        """
        match = _EDGES.fullmatch(text)
        try:
            amount = float(match.group(1)) if match else -1.0
        except ValueError:
            amount = -1.0
        if match is None or amount < 0.0 or (match.group(2) == "%" and amount >= 50.0):
            raise InputError(f"edges are moved by {text!r}; write a share below 50% like 10%, or seconds like 0.25s")
        return cls(amount / 100.0, True) if match.group(2) == "%" else cls(amount, False)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How sessions are run; the same conditions and seed give the same sessions wherever they run.

    Attributes
    ----------
    examples : "all", "first-last" or a number of occurrences spread evenly over the file.
    budget : rejections until a session ends.
    oracle : what a hit is divided by.
    wrong_answers : probability that a yes or no comes out the other way round.
    move_edges : "" or what `EdgeMoves.parse` reads.
    seed : of the wrong answers and the moved edges, which differ from session to session.
    repeats : sessions an example, with seeds ``seed``, ``seed`` + 1, ...
    rest_after : numbers of answers after which "accept the rest" is recorded.
    rest_above : the probability from which it accepts.
    decide_within : so many questions at most that decide the rest, in a session of their own, before it is accepted; 0:
        that is not played.
    """

    examples: str = "first-last"
    budget: int = 10
    oracle: Denominator = "shorter"
    wrong_answers: float = 0.0
    move_edges: str = ""
    seed: int = 0
    repeats: int = 1
    rest_after: tuple[int, ...] = ()
    rest_above: float = REST_ABOVE
    decide_within: int = 0

    def __post_init__(self) -> None:
        if self.examples not in ("all", "first-last") and not (self.examples.isdecimal() and int(self.examples) > 0):
            raise InputError(f"examples {self.examples!r} are unknown; write all, first-last or a number")
        if self.budget < 1 or self.repeats < 1 or self.seed < 0:
            raise InputError("budget and repeats must be at least 1, the seed at least 0")
        if not 0.0 <= self.wrong_answers <= 1.0:
            raise InputError(f"share of wrong answers {self.wrong_answers} lies outside 0..1")
        if self.move_edges:
            EdgeMoves.parse(self.move_edges)


def chosen_examples(examples: str, n_occurrences: int) -> list[int]:
    """Indices of the occurrences that become examples, in time order, each once."""
    if examples == "all":
        return list(range(n_occurrences))
    n = 2 if examples == "first-last" else min(int(examples), n_occurrences)
    return sorted({round(float(at)) for at in np.linspace(0, n_occurrences - 1, n)})


def moved_example(span: Span, moves: EdgeMoves, *, duration_s: float, rng: np.random.Generator) -> Span:
    """``span`` as a hasty user would have marked it, within the file and at least a tenth of its length long."""
    reach_s = moves.amount * span.length_s if moves.relative else moves.amount
    start_s = max(0.0, span.start_s + rng.uniform(-reach_s, reach_s))
    end_s = min(duration_s, span.end_s + rng.uniform(-reach_s, reach_s))
    if end_s - start_s < 0.1 * span.length_s:
        return span
    return Span(start_s, end_s)


@dataclass(frozen=True, slots=True)
class Searched:
    """One recording as one retriever knows it; ``label`` names the retriever with its settings."""

    label: str
    retriever: Retriever
    analysis: Analysis
    recording: Recording


def simulate_recording(searched: Searched, conditions: Conditions) -> Iterator[SessionRecord]:
    """Run every session of one recording: its sounds, their examples, the repeats."""
    for sound in searched.recording.sounds:
        for example in chosen_examples(conditions.examples, len(sound.occurrences)):
            for repeat in range(conditions.repeats):
                seed = conditions.seed + repeat
                yield simulate(searched, sound, example, conditions, seed=seed)


def simulate(
    searched: Searched, sound: AnnotatedSound, example: int, conditions: Conditions, *, seed: int
) -> SessionRecord:
    """Run one session to its end: budget spent, nothing left, or 200 accepts and skips."""
    retriever, analysis, recording = searched.retriever, searched.analysis, searched.recording
    rng = _session_rng(seed, recording.name, sound.name, example)
    given = sound.occurrences[example]
    marked = given
    if conditions.move_edges:
        moves = EdgeMoves.parse(conditions.move_edges)
        marked = moved_example(given, moves, duration_s=analysis.duration_s, rng=rng)
    own_offset_s = marked.start_s - given.start_s
    oracle = Oracle(sound.occurrences, sound.near, conditions.oracle)
    watched = _Watched(retriever)
    started = Started(marked, sound.class_, conditions.budget, retriever.name)
    search = Search(watched, analysis, [started])
    answers: list[AnswerRecord] = []
    rest: list[RestRecord] = []
    over = "limit"
    while sum(answer.verdict != "reject" for answer in answers) < MAX_ACCEPTS_AND_SKIPS:
        if len(answers) in conditions.rest_after:
            rest.append(_rest(search, oracle, len(answers), conditions.rest_above))
        proposed = search.propose()
        if isinstance(proposed, Over):
            over = proposed.reason
            break
        judgement = oracle.answer(proposed.span)
        verdict = judgement.verdict
        if conditions.wrong_answers and rng.random() < conditions.wrong_answers:
            verdict = _FLIPPED[verdict]
        search.apply(Answered(proposed.number, verdict, proposed.span))
        error_ms = None
        if judgement.credited is not None:
            credited = sound.occurrences[judgement.credited]
            error_ms = 1000.0 * (proposed.span.start_s - credited.start_s - own_offset_s)
        answers.append(
            AnswerRecord(
                start_s=proposed.span.start_s,
                end_s=proposed.span.end_s,
                score=proposed.score,
                probability=proposed.probability,
                remaining=proposed.remaining,
                verdict=verdict,
                truth=judgement.verdict,
                credited=judgement.credited,
                start_error_ms=error_ms,
                features=watched.features.get(proposed.span, ()),
            )
        )
    if conditions.decide_within:
        rest.append(_decided(Search(retriever, analysis, [started]), oracle, conditions))
    return SessionRecord(
        retriever=searched.label,
        file=recording.name,
        sound=sound.name,
        kind=sound.kind,
        group=recording.group,
        example=example,
        condition=_condition(conditions, seed),
        n_others=len(sound.occurrences) - 1,
        over=over,
        answers=tuple(answers),
        rest=tuple(rest),
    )


class _Watched:
    """The retriever itself, but what its calibration saw of each proposal is kept: events do not carry that."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self.name = retriever.name
        self.analysis_key = retriever.analysis_key
        self.analyse = retriever.analyse
        self.features: dict[Span, tuple[float, ...]] = {}

    def ranker(self, analysis: Analysis, example: Span) -> Ranker:
        return _WatchedRanker(self._retriever.ranker(analysis, example), self.features)


class _WatchedRanker:
    def __init__(self, ranker: Ranker, features: dict[Span, tuple[float, ...]]) -> None:
        self.learn = ranker.learn
        self.forget = ranker.forget
        if isinstance(ranker, Supposing):
            self.suppose = ranker.suppose
        self._best = ranker.best
        self._features = features

    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        proposal = self._best(blocked)
        if proposal is not None:
            self._features[proposal.span] = _features(proposal)
        return proposal


def _features(proposal: Proposal) -> tuple[float, ...]:
    return tuple(round(value, 6) for value in proposal.features)  # a results file ten times smaller


def _decided(search: Search, oracle: Oracle, conditions: Conditions) -> RestRecord:
    """Answer what decides the rest until it is clear, then accept it; the answers are right."""
    asked: list[tuple[Verdict, int | None]] = []
    while search.state.over is None and len(asked) < conditions.decide_within:
        proposed = search.decide()
        if proposed is None:
            break
        judgement = oracle.answer(proposed.span)
        search.apply(Answered(proposed.number, judgement.verdict, proposed.span))
        asked.append((judgement.verdict, judgement.credited))
    return replace(_rest(search, oracle, len(asked), conditions.rest_above), asked=tuple(asked))


def _rest(search: Search, oracle: Oracle, n_answers: int, above: float) -> RestRecord:
    rows = []
    for proposal in search.rest(above):
        judgement = oracle.answer(proposal.span)
        rows.append((proposal.probability, judgement.verdict, judgement.credited, _features(proposal)))
    return RestRecord(n_answers, tuple(rows))


def _condition(conditions: Conditions, seed: int) -> str:
    parts: Sequence[str] = (
        f"edges {conditions.move_edges}" if conditions.move_edges else "",
        f"wrong {conditions.wrong_answers:g}" if conditions.wrong_answers else "",
        f"seed {seed}" if conditions.move_edges or conditions.wrong_answers or conditions.repeats > 1 else "",
    )
    return ", ".join(part for part in parts if part)


def _session_rng(seed: int, *names: str | int) -> np.random.Generator:
    """Randomness of one session alone: neither the order nor the number of jobs can change it."""
    digest = hashlib.sha256("\0".join(str(name) for name in names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])
