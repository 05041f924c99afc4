"""What is known of one sound in one file, as the answers of a user who knows it and the recall so far.

``reatrieve find`` and ``reatrieve demo`` answer from it; rows and scoring are those of the evaluation
(docs/datasets.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reatrieve.annotations.files import annotation_rows, is_own_table
from reatrieve.annotations.oracle import Oracle, OracleAnswer
from reatrieve.annotations.own_table import OwnTable
from reatrieve.annotations.recordings import same_recording
from reatrieve.annotations.reference import (
    AudioLengths,
    BrokenRow,
    ReferenceEvent,
    audio_rate_hz,
    reference_of,
    skipped_rows,
)
from reatrieve.annotations.tables import STATED
from reatrieve.errors import InputError, ReatrieveError
from reatrieve.plain import quoted
from reatrieve.session.spans import Span

__all__ = ["Truth", "load_truth"]


@dataclass
class Truth:
    """The annotated occurrences of one sound, and which of them were found.

    Attributes
    ----------
    class_ : the sound's name.
    occurrences : where it happens, by start; the example's own among them.
    near : variants that are neither right nor wrong.
    example : index of the occurrence that is the example; it counts on neither side of recall.
    credited : indices found so far: first proposed with a hit, whatever the user answered.
    broken : rows of the table that could not be used.
    """

    class_: str
    occurrences: tuple[Span, ...]
    near: tuple[Span, ...] = ()
    example: int | None = None
    credited: set[int] = field(default_factory=set)
    broken: tuple[BrokenRow, ...] = ()

    def mark(self, example: Span) -> None:
        """Tell which span was marked as the example."""
        self.example = Oracle(self.occurrences, self.near).answer(example).credited

    def demand_others(self) -> None:
        """Refuse a search that can find nothing.

        Raises
        ------
        ReatrieveError
            If the example that was marked is the only occurrence.
        """
        if not self.n_others:
            raise ReatrieveError(
                f"the example is the only labelled {quoted(self.class_)}; there is nothing else to find"
            )

    def beside(self, example: Span) -> str:
        """A sentence on an example where nothing of this sound is labelled; "" where something is."""
        nearest = min((*self.occurrences, *self.near), key=lambda one: _distance_s(one, example))
        if _distance_s(nearest, example) < 0.0:
            return ""
        where = f"{nearest.start_s:.3f} to {nearest.end_s:.3f} s"
        return f"the example overlaps no labelled {quoted(self.class_)}; the nearest is {where}"

    def answer(self, span: Span) -> OracleAnswer:
        """Judge a candidate, and count what it finds."""
        judgement = Oracle(self.occurrences, self.near).answer(span)
        if judgement.credited is not None and judgement.credited != self.example:
            self.credited.add(judgement.credited)
        return judgement

    @property
    def skipped_rows(self) -> str:
        """One line that counts the broken rows and names the first; "" for none."""
        return skipped_rows(self.broken)

    @property
    def n_others(self) -> int:
        """Occurrences to find: all but the example's."""
        return len(self.occurrences) - (self.example is not None)

    @property
    def found(self) -> int:
        """Occurrences found so far."""
        return len(self.credited)

    @property
    def recall(self) -> float | None:
        """Share found so far; None where there is nothing to find."""
        return self.found / self.n_others if self.n_others else None


def _distance_s(one: Span, other: Span) -> float:
    """Seconds between two spans; below 0 where they overlap."""
    return max(one.start_s, other.start_s) - min(one.end_s, other.end_s)


def load_truth(table: Path, audio: Path, class_: str | None = None, *, strict: bool = False) -> Truth:
    """Read the occurrences of one sound in one file, as ``reatrieve evaluate`` reads them.

    Parameters
    ----------
    table : a data set's ``annotations.csv``, or any annotation file that ``reatrieve.annotations.files`` knows.
    audio : the sound file; where the table names files, rows of other files are left out.
    class_ : the sound; may be left out where the file has but one. Where several annotators heard it, theirs is added
        in brackets, as in ``kick (ann)``.
    strict : stop at the first broken row instead of skipping it.

    Raises
    ------
    InputError
        If the table cannot be used, says nothing of this file, or the class is unknown or ambiguous; with ``strict`` a
        broken row: file, line, reason.
    AudioError
        If the table cannot be read.
    """
    rows: list[ReferenceEvent] = []
    broken: list[BrokenRow] = []
    lengths = AudioLengths()
    other = ""
    for line, file, read in _rows(table, audio):
        if file and not same_recording(file, str(audio.absolute())):
            other = other or file
            continue
        reason = read if isinstance(read, str) else lengths.problem(read, audio) if audio.is_file() else ""
        if reason:
            broken.append(BrokenRow(table, line, reason))
            if strict:
                raise InputError(str(broken[-1]))
        elif not isinstance(read, str):
            rows.append(read)
    if not rows:
        named = f"it names {other}; correct that in the table, or rename the audio file to match" if other else ""
        why = skipped_rows(broken) or named or "it has no labels; name a file that has some"
        raise InputError(f"{table} says nothing of {audio.name}; {why}")
    sounds = sorted({row.sound for row in rows})
    found = [name for name in sounds if class_ in (None, name)]
    found = found or sorted({row.sound for row in rows if row.class_ == class_})
    if len(found) != 1:
        wanted = "no class was named" if class_ is None else f"{quoted(class_)} is not annotated there"
        if class_ is not None and found:
            wanted, sounds = f"several annotators heard {quoted(class_)}", found
        raise InputError(f"{audio.name}: {wanted}; choose one by --class: {', '.join(sounds)}")
    occurrences = sorted(row.span for row in rows if row.sound == found[0] and not row.flag)
    near = sorted(row.span for row in rows if row.sound == found[0] and row.flag)
    if not occurrences:
        raise InputError(f"{table}: {quoted(found[0])} has no occurrence in {audio.name} that is not marked 'near'")
    return Truth(found[0], tuple(occurrences), tuple(near), broken=tuple(broken))


def _rows(table: Path, audio: Path) -> Iterator[tuple[int, str, ReferenceEvent | str]]:
    """Line, the file that it names if it does, and its event or what is wrong with it, of each row."""
    if is_own_table(table):
        for row in OwnTable.read(table).events():
            yield row.line, row.file, row.read
        return
    for line, label in annotation_rows(table, rate_hz=audio_rate_hz(audio), unit=STATED):
        if isinstance(label, str):
            yield line, "", label
        else:
            yield line, label.file or "", reference_of(label, label.file or "")
