"""What is kept of a simulated session: every candidate, and what was said of it.

On disk it is one JSON line a session, appended as they come, so that an interrupted run goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from reatrieve.errors import InputError, ReatrieveError
from reatrieve.files import made_for
from reatrieve.session.events import Verdict

__all__ = ["AnswerRecord", "RestRecord", "ResultsFile", "SessionRecord"]


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


FORMAT = "reatrieve.evaluation"
VERSION = 2


class ResultsFile:
    """Append-only results of one or more runs.

    The first line says what the file is. Each piece of work (one retriever on one recording) is its session lines,
    followed by a line ``{"done": key}``; sessions without that line are an interrupted piece, forgotten on opening.

    Parameters
    ----------
    path : made with its folder when missing; None keeps the results in memory.

    Raises
    ------
    InputError
        The file is something else.
    ReatrieveError
        The disk does not take it; nothing of it is left then.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._done: dict[str, list[SessionRecord]] = {}
        if path is not None:
            self._open(path)

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def sessions(self, key: str) -> list[SessionRecord]:
        """The sessions of a piece of work that is done."""
        return self._done[key]

    def add(self, key: str, sessions: Iterable[SessionRecord]) -> None:
        """Keep a finished piece of work; on disk before this returns.

        Raises
        ------
        ReatrieveError
            If the disk does not take it.
        """
        made = list(sessions)
        self._done[key] = made
        if self.path is None:
            return
        lines: list[Mapping[str, Any]] = [session.as_json() for session in made]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*lines, {"done": key}])
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise ReatrieveError(f"cannot write {self.path}: {error.strerror or error}") from error

    def discard(self) -> None:
        """Forget everything, on disk too."""
        self._done.clear()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _open(self, path: Path) -> None:
        content = path.read_bytes() if path.is_file() else b""
        if not content.strip():
            self._begin(path)
            return
        good = pending_from = 0
        pending: list[SessionRecord] = []
        for number, raw in enumerate(content.splitlines(keepends=True)):
            try:
                line = _parsed(raw)
            except (ValueError, RecursionError):  # JSON, but none that this writes
                raise _not_a_result(path, number + 1) from None
            if number == 0 and (line is None or line.get("format") != FORMAT or line.get("version") != VERSION):
                raise InputError(
                    f"{path} holds no evaluation results of version {VERSION}; name another file or folder"
                )
            pending_from += len(raw)
            if line is None:  # the line at which the run was interrupted
                break
            if "done" in line:
                if not isinstance(line["done"], str):
                    raise _not_a_result(path, number + 1)
                self._done[line["done"]] = pending
                pending = []
            elif number:
                try:
                    pending.append(SessionRecord.from_json(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise _not_a_result(path, number + 1) from None
            if not pending:
                good = pending_from
        if good < len(content):
            with path.open("r+b") as stream:
                stream.truncate(good)

    def _begin(self, path: Path) -> None:
        with made_for(path.parent):
            try:
                path.write_text(
                    json.dumps({"format": FORMAT, "version": VERSION}) + "\n", encoding="utf-8", newline="\n"
                )
            except OSError as error:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise ReatrieveError(f"cannot write {path}: {error.strerror or error}") from error


def _not_a_result(path: Path, line: int) -> InputError:
    return InputError(f"{path}, line {line} holds no evaluation result; name another file")


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return line if isinstance(line, dict) else None
