"""What is kept of a simulated session: every candidate, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from reatrieve.retrieval.events import Verdict

__all__ = ["AnswerRecord", "RestRecord", "SessionRecord"]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One candidate and its answer.

    Attributes
    ----------
    start_s, end_s : the candidate as proposed.
    score, probability, remaining : as the retriever gave them.
    verdict : what the user said; ``truth`` what the annotations say (they differ when the user errs).
    credited : index of the occurrence hit, None when none was.
    start_error_ms : signed, against the credited occurrence, less the example's own offset; None without credit.
    features : what the retriever's calibration saw, () where it has none.
    """

    start_s: float
    end_s: float
    score: float
    probability: float
    remaining: float
    verdict: Verdict
    truth: Verdict
    credited: int | None
    start_error_ms: float | None
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RestRecord:
    """What "accept the rest" would take after ``n_answers`` answers: probability, truth and credit of each excerpt.

    Rows are ``(probability, truth, credited or None, features)``, best first. ``asked`` has ``(truth, credited)`` of
    the answers before where they were questions that decide the rest; None: they are the session's own first ones.
    """

    n_answers: int
    rows: tuple[tuple[float, Verdict, int | None, tuple[float, ...]], ...]
    asked: tuple[tuple[Verdict, int | None], ...] | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session: one retriever, one example, every answer.

    Attributes
    ----------
    retriever : name of the configuration, as the tables show it.
    file, sound, kind, group : what was searched; ``sound`` is unique within ``file``.
    example : index of the example among the sound's occurrences; never credited in ``found``.
    condition : "" for the plain session, else what was done to it ("edges 10% seed 0", ...).
    n_others : occurrences besides the example.
    over : why the session ended: "budget", "exhausted" or "limit".
    """

    retriever: str
    file: str
    sound: str
    kind: str
    group: str
    example: int
    condition: str
    n_others: int
    over: str
    answers: tuple[AnswerRecord, ...]
    rest: tuple[RestRecord, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """What tells this session from all others of a run."""
        return (self.retriever, self.file, self.sound, self.example, self.condition)

    def found_after(self) -> list[int]:
        """Index of the answer that first hit each occurrence found, in the order found, the example left out."""
        seen = {self.example}
        order = []
        for index, answer in enumerate(self.answers):
            if answer.credited is not None and answer.credited not in seen:
                seen.add(answer.credited)
                order.append(index)
        return order

    def as_json(self) -> dict[str, Any]:
        """As plain values, for one line of a results file."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name not in ("answers", "rest")}
        answers = [[getattr(answer, name) for name in AnswerRecord.__slots__] for answer in self.answers]
        return fields | {"answers": answers, "rest": [[rest.n_answers, rest.rows, rest.asked] for rest in self.rest]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SessionRecord:
        """Read what `as_json` gave."""
        fields = {name: values[name] for name in cls.__slots__ if name not in ("answers", "rest")}
        rows = (dict(zip(AnswerRecord.__slots__, row, strict=True)) for row in values["answers"])
        answers = tuple(AnswerRecord(**row | {"features": tuple(row["features"])}) for row in rows)
        rest = tuple(
            RestRecord(
                n_answers,
                tuple((p, cast(Verdict, truth), credited, tuple(features)) for p, truth, credited, features in rows),
                None if asked is None else tuple((cast(Verdict, truth), credited) for truth, credited in asked),
            )
            for n_answers, rows, asked in cast(Sequence[Any], values["rest"])
        )
        return cls(**fields, answers=answers, rest=rest)
