"""One row of a table of annotations: its cells to times, label and recording."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.columns import Columns, TimeColumn
from reatrieve.annotations.reference import NEAR, NEAR_SUFFIX
from reatrieve.annotations.times import SAMPLES, TimeUnit, parse_time_s, time_unit
from reatrieve.annotations.unknown_columns import YES
from reatrieve.errors import InputError
from reatrieve.plain import quoted, shortened

__all__ = ["RowReader", "cell", "is_whole"]

WHOLE = re.compile(r"\d{1,18}$", re.ASCII)


def cell(cells: Sequence[str], index: int | None) -> str:
    """One cell without blanks around it; "" where the row has none."""
    return cells[index].strip() if index is not None and index < len(cells) else ""


def is_whole(text: str) -> bool:
    """Whether a cell is a whole number without a sign, of a size that a time can have."""
    return WHOLE.match(text) is not None


class _Time(NamedTuple):
    """One time as read, how far rounding may have moved it, the column's name, and the cell."""

    seconds: float
    step_s: float
    column: str
    text: str


def _step_s(text: str, unit: TimeUnit) -> float:
    """The last digit of a time, and a little for what was computed before it was rounded."""
    decimals = len(re.split(r"[.,]", text.strip())[-1]) if re.search(r"[.,]", text) else 0
    return float(10.0 ** -min(decimals, 12)) / float(unit.per_s or 1) + 1e-3


@dataclass
class RowReader:
    """Cells to annotations.

    Attributes
    ----------
    columns : where in a row each thing stands.
    unit : what numbers count where neither their column nor their row says it.
    rate_hz : sample rate of the recording, where it is known.
    """

    columns: Columns
    unit: TimeUnit
    rate_hz: int | None

    def __post_init__(self) -> None:
        self._seen: set[tuple[str, Annotation]] = set()

    def read(self, cells: Sequence[str]) -> list[Annotation | str]:
        """The row's annotations, or what is wrong with it."""
        try:
            found = self._annotations(cells)
        except InputError as error:
            return [str(error)]
        if self.columns.has_views:  # Raven lists a selection once for its waveform and once for its spectrogram
            found = [one for one in found if (cells[0], one) not in self._seen]
            self._seen |= {(cells[0], one) for one in found}
        return list(found)

    def _annotations(self, cells: Sequence[str]) -> list[Annotation]:
        columns = self.columns
        self._check_width(cells)
        named = next((i for i in (*columns.labels, *columns.label_where_empty) if cell(cells, i)), None)
        label = cell(cells, named)
        if not any(cell(cells, column.index) for column in columns.start):
            if label or any(cell(cells, column.index) for column in (*columns.end, *columns.length)):
                raise InputError("the start is missing")
            return []  # DCASE lists a file without events as one row with empty cells
        start_s, end_s = self._times(cells)
        flag = cell(cells, columns.flag)
        if flag not in ("", NEAR):
            raise InputError(f"flag {quoted(flag)} is unknown; leave it empty or write {NEAR!r}")
        one = Annotation(
            start_s,
            end_s,
            label + NEAR_SUFFIX if flag else label,
            self._file(cells),
            _score(cell(cells, columns.score)),
            payload="" if columns.payload == named else cell(cells, columns.payload),
        )
        if not columns.classes:
            return [one]
        return [replace(one, label=columns.names[i]) for i in columns.classes if cell(cells, i).lower() in YES]

    def _check_width(self, cells: Sequence[str]) -> None:
        columns = self.columns
        n_columns = len(columns.names) or 2 + max(one.index for one in (*columns.start, *columns.end))
        if any(surplus.strip() for surplus in cells[n_columns:]):
            where = "the header has" if columns.names else "times and label are"
            raise InputError(f"{len(cells)} fields where {where} {n_columns}")
        needed = [column[0].index for column in (columns.end, columns.length) if column]
        if needed and len(cells) <= min(needed):
            raise InputError("the row ends before its end time; it was cut short")

    def _times(self, cells: Sequence[str]) -> tuple[float, float]:
        columns, unit, rate_hz = self.columns, self.unit, self.rate_hz
        if text := cell(cells, columns.format):
            found = time_unit(text)
            if found is None:
                raise InputError(f"its times are in {quoted(text)}, which is not understood; export seconds or samples")
            unit = found
        if rate := cell(cells, columns.rate):
            if not is_whole(rate) or not 0 < int(rate) < 10**9:
                raise InputError(f"the sample rate {quoted(rate)} is no whole number of Hz")
            rate_hz = int(rate)
        start, end, length = (
            self._time(cells, candidates, unit, rate_hz) for candidates in (columns.start, columns.end, columns.length)
        )
        start_s = start.seconds if start else 0.0
        end_s = end.seconds if end else start_s + (length.seconds if length else 0.0)
        if columns.is_reaper and start and end and length:
            slack_s = start.step_s + end.step_s + length.step_s
            if abs(end_s - start_s - length.seconds) > slack_s:  # measures may look like seconds: 5.3 to 6.2
                raise InputError(
                    f"its length, {shortened(length.text)}, is not that from {shortened(start.text)} to "
                    f"{shortened(end.text)}; "
                    "set REAPER's ruler to minutes:seconds and export again"
                )
        if columns.file_offset is not None and columns.file:
            offset_s = parse_time_s(cell(cells, columns.file_offset))
            start_s, end_s = offset_s, offset_s + end_s - start_s
        if end_s < start_s:
            raise InputError(f"the end, {end_s:g} s, lies before the start, {start_s:g} s")
        return start_s, end_s

    def _time(
        self, cells: Sequence[str], candidates: Sequence[TimeColumn], unit: TimeUnit, rate_hz: int | None
    ) -> _Time | None:
        """The first of the columns that is filled; the others must say the same."""
        found: _Time | None = None
        for column in candidates:
            text, own = cell(cells, column.index), column.unit or unit
            if not text or (found and own is SAMPLES and rate_hz is None):
                continue
            time = _Time(
                parse_time_s(text, own, rate_hz=rate_hz),
                _step_s(text, own),
                cell(self.columns.names, column.index),
                text,
            )
            if found and abs(found.seconds - time.seconds) > found.step_s + time.step_s:
                raise InputError(
                    f"{quoted(found.column)} and {quoted(time.column)} disagree: {found.seconds:g} s and "
                    f"{time.seconds:g} s"
                )
            found = found or time
        return found

    def _file(self, cells: Sequence[str]) -> str | None:
        """The recording, folders first; the stretch must end where it begins."""
        columns = self.columns
        parts = [part for index in columns.file if (part := cell(cells, index))]
        end_file = cell(cells, columns.end_file)
        if end_file and parts and not _same_name(end_file, parts[-1]):
            raise InputError(f"it begins in {shortened(parts[-1])} and ends in {shortened(end_file)}")
        return "/".join(parts) or None


def _same_name(one: str, other: str) -> bool:
    return one.replace("\\", "/").rsplit("/", 1)[-1] == other.replace("\\", "/").rsplit("/", 1)[-1]


def _score(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"the score {quoted(text)} is not a number") from None
    if math.isinf(value):
        raise InputError(f"the score {quoted(text)} is not a number")
    return None if math.isnan(value) else value
