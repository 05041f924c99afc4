"""``annotations.csv``, the table of our data sets (docs/datasets.md): its one reader."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reatrieve.annotations.annotation import demand_usual_time
from reatrieve.annotations.delimited import DelimitedText, read_text
from reatrieve.annotations.reference import NEAR, ReferenceEvent
from reatrieve.errors import InputError
from reatrieve.plain import quoted
from reatrieve.session.spans import Span

__all__ = ["ANNOTATIONS", "COLUMNS", "OwnRow", "OwnTable", "is_own_header"]

ANNOTATIONS = "annotations.csv"
COLUMNS = ("file", "class", "start", "end", "kind", "ratio_db", "flag")
"""The columns of ``annotations.csv``; ``annotator`` may follow. The last three may be missing or empty."""

REQUIRED = COLUMNS[:4]
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$", re.ASCII)


class OwnRow(NamedTuple):
    """One row: its line, the file that it names ("" if none), and its event or why it cannot be used."""

    line: int
    file: str
    read: ReferenceEvent | str


class _BadRowError(InputError):
    """Why one row cannot be used."""


@dataclass(frozen=True)
class OwnTable:
    """The table as it stands, cell by cell: whoever adds rows keeps what somebody else wrote there, broken or not.

    Attributes
    ----------
    path : where it was read.
    header : names of the columns in lower case.
    rows : line number and cells of each row, or what is wrong with a line that cannot be told apart into cells.
    separator : what stands between the cells.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str] | str], ...]
    separator: str

    @classmethod
    def read(cls, path: Path) -> OwnTable:
        """Read a file.

        Raises
        ------
        AudioError
            If the file cannot be read.
        InputError
            If it is no text, a column that every table needs is missing, or one stands there twice.
        """
        return cls.of_text(read_text(path, name=str(path)), path)

    @classmethod
    def of_text(cls, text: str, path: Path) -> OwnTable:
        """Read a table's text; ``path`` is for messages.

        Raises
        ------
        InputError
            If a column that every table needs is missing, or one stands there twice.
        """
        table = DelimitedText.of(text, is_understood=is_own_header)
        (line, first), *rows = [*table.rows(tabs_are_quoted=True)] or [(1, [])]
        if isinstance(first, str):
            raise InputError(f"{path}, line {line}: {first}")
        header = _names(first)
        for name in REQUIRED:
            if name not in header:
                raise InputError(
                    f"{path}, line {line}: column {name!r} is missing; the first line must be {','.join(COLUMNS)}"
                )
        twice = next((name for name in header if name and header.count(name) > 1), None)
        if twice:
            raise InputError(f"{path}, line {line}: column {quoted(twice)} stands there twice; remove one")
        return cls(path, tuple(header), tuple(rows), table.separator or ",")

    def events(self) -> Iterator[OwnRow]:
        """The rows read, in order; the audio is not looked at."""
        for line, cells in self.rows:
            if isinstance(cells, str):
                yield OwnRow(line, "", cells)
                continue
            named = {name: cell.strip() for name, cell in zip(self.header, cells, strict=False)}
            file = named.get("file", "").replace("\\", "/")
            try:
                if len(cells) > len(self.header):
                    raise _BadRowError(f"{len(cells)} fields where the header has {len(self.header)}")
                read: ReferenceEvent | str = _event({**dict.fromkeys(self.header, ""), **named}, file)
            except InputError as bad:
                read = str(bad)
            yield OwnRow(line, file, read)

    def cell(self, cells: Sequence[str] | str, column: str) -> str:
        """A cell of one of ``rows``; "" where the row or the table has none."""
        index = self.header.index(column) if column in self.header else len(cells)
        return "" if isinstance(cells, str) or index >= len(cells) else cells[index].strip()


def is_own_header(cells: Sequence[str]) -> bool:
    """Whether a table's first row names the columns that ``annotations.csv`` must have."""
    return set(REQUIRED) <= set(_names(cells))


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _event(cells: Mapping[str, str], file: str) -> ReferenceEvent:
    for name in ("file", "class"):
        if not cells[name]:
            raise _BadRowError(f"{name} is empty")
    flag = cells.get("flag", "")
    if flag not in ("", NEAR):
        raise _BadRowError(f"flag {quoted(flag)} is unknown; leave it empty or write {NEAR!r}")
    ratio = cells.get("ratio_db", "")
    return ReferenceEvent(
        file=file,
        class_=cells["class"],
        span=_span(_number(cells["start"], "start", "seconds"), _number(cells["end"], "end", "seconds")),
        kind=cells.get("kind", ""),
        ratio_db=_number(ratio, "ratio_db", "decibels") if ratio else math.nan,
        flag=flag,
        annotator=cells.get("annotator", ""),
    )


def _span(start_s: float, end_s: float) -> Span:
    if start_s < 0.0:
        raise _BadRowError(f"start {start_s:g} s lies before the file's start")
    if not start_s < end_s:
        raise _BadRowError(f"end {end_s:g} s does not lie after start {start_s:g} s")
    demand_usual_time(end_s)
    return Span(start_s, end_s)


def _number(text: str, name: str, unit: str) -> float:
    value = float(text.replace(",", ".")) if NUMBER.match(text) else math.nan
    if not math.isfinite(value):
        raise _BadRowError(f"{name} {quoted(text)} is not a number of {unit}")
    return value
