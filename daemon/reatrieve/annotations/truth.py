"""What is known of one sound in one file, as the answers of a user who knows it and the recall so far.

``reatrieve find`` and ``reatrieve demo`` answer from it; the scoring is that of the evaluation (docs/datasets.md).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.oracle import Judgement, Oracle
from reatrieve.errors import AudioError, InputError
from reatrieve.session.spans import Span

__all__ = ["Truth", "load_truth"]

NEAR_SUFFIX = " (near)"


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
    """

    class_: str
    occurrences: tuple[Span, ...]
    near: tuple[Span, ...] = ()
    example: int | None = None
    credited: set[int] = field(default_factory=set)

    def mark(self, example: Span) -> None:
        """Tell which span was marked as the example."""
        self.example = Oracle(self.occurrences, self.near).answer(example).credited

    def answer(self, span: Span) -> Judgement:
        """Judge a candidate, and count what it finds."""
        judgement = Oracle(self.occurrences, self.near).answer(span)
        if judgement.credited is not None and judgement.credited != self.example:
            self.credited.add(judgement.credited)
        return judgement

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


def load_truth(table: Path, audio: Path, class_: str | None = None) -> Truth:
    """Read the occurrences of one sound in one file.

    Parameters
    ----------
    table : a data set's ``annotations.csv``, or any annotation file that ``reatrieve.annotations.files`` knows.
    audio : the sound file; where the table names files, rows of other files are left out.
    class_ : the sound; may be left out where the file has but one.

    Raises
    ------
    InputError
        If the table cannot be used, says nothing of this file, or the class is unknown or ambiguous.
    AudioError
        If the table cannot be read.
    """
    rows = [(file, name, span, near) for file, name, span, near in _rows(table) if not file or _names(file, audio)]
    if not rows:
        raise InputError(f"{table} says nothing of {audio.name}; check the column 'file'")
    classes = sorted({name for _, name, _, _ in rows})
    if class_ is None and len(classes) == 1:
        class_ = classes[0]
    if class_ not in classes:
        wanted = "no class was named" if class_ is None else f"{class_!r} is not annotated there"
        raise InputError(f"{audio.name}: {wanted}; choose one by --class: {', '.join(classes)}")
    spans = sorted(span for _, name, span, near in rows if name == class_ and not near)
    if not spans:
        raise InputError(f"{table}: {class_!r} has no occurrence in {audio.name} that is not marked 'near'")
    return Truth(class_, tuple(spans), tuple(sorted(span for _, name, span, near in rows if name == class_ and near)))


def _names(file: str, audio: Path) -> bool:
    """Whether a table's name for a file means this one: the same name, in the folders that the table gives."""
    parts = [part for part in file.replace("\\", "/").split("/") if part not in ("", ".")]
    return bool(parts) and parts == list(audio.absolute().parts)[-len(parts) :]


def _rows(table: Path) -> list[tuple[str, str, Span, bool]]:
    """(file or "", class, span, near) of each row."""
    own = _own_rows(table)
    if own is not None:
        return own
    return [
        (row.file or "", row.label.removesuffix(NEAR_SUFFIX) or "sound", Span(row.start_s, row.end_s), near)
        for row in read_annotations(table)
        if not row.is_point
        for near in [row.label.endswith(NEAR_SUFFIX)]
    ]


def _own_rows(table: Path) -> list[tuple[str, str, Span, bool]] | None:
    """The rows of a table in the format of our data sets; None where it is another format."""
    try:
        text = table.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise AudioError(f"{table}: cannot be read ({error.strerror or error}); check the path") from error
    first, *_ = text.splitlines() or [""]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    if not {"class", "start", "end"} <= set(reader.fieldnames):
        return None
    return [_row(cells, f"{table}, line {reader.line_num}") for cells in reader if any(cells.values())]


def _row(cells: Mapping[str, str | None], where: str) -> tuple[str, str, Span, bool]:
    try:
        start_s, end_s = (float((cells[name] or "").replace(",", ".")) for name in ("start", "end"))
        return cells.get("file") or "", cells["class"] or "", Span(start_s, end_s), cells.get("flag") == "near"
    except (ValueError, KeyError) as error:
        raise InputError(f"{where}: {error}; need a start before an end, in seconds") from error
