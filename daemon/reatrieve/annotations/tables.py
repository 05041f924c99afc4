"""Text tables of annotations: one parser, which finds out by itself which program wrote the file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.columns import Columns, columns_of_header, columns_of_row, looks_like_time
from reatrieve.annotations.times import parse_time_s
from reatrieve.errors import InputError

__all__ = ["decode_text", "read_table"]

AUDACITY_FREQUENCIES = "\\"
SEPARATORS = ("\t", ";", ",")


def decode_text(content: bytes, *, name: str) -> str:
    """Text of a label file: UTF-8 with or without mark, UTF-16 with mark, else Windows-1252.

    Raises
    ------
    InputError
        If it holds NUL bytes, so is no text.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise InputError(f"{name} is neither a text table nor a format that ReaTrieve reads")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_table(text: str, *, name: str, rate_hz: int | None = None) -> list[Annotation]:
    """Read a table of annotations, with or without header, separated by tabs, commas, semicolons or blanks.

    Parameters
    ----------
    text : the file's content.
    name : the file's name, for messages.
    rate_hz : sample rate, for tables whose times are sample numbers (REAPER and Audition can write those).

    Raises
    ------
    InputError
        If no column can be understood as a start time, or a row cannot be read: file, line and reason.
    """
    rows = list(_rows(text))
    if not rows:
        return []
    columns = columns_of_header(rows[0][1])
    body = rows if columns is None else rows[1:]
    if columns is None:
        columns = columns_of_row(rows[0][1])
    if columns is None:
        raise InputError(
            f"{name}: cannot tell where the times are; write start, end and label, or a header that names them"
        )
    samples = columns.is_reaper and _are_samples([cells for _, cells in body], columns)
    if samples and rate_hz is None:
        raise InputError(
            f"{name}: its times are sample numbers; say the sample rate, or set REAPER's ruler to minutes:seconds"
        )
    found = []
    seen = set()
    for line, cells in body:
        if columns.is_reaper:
            cells = _joined_name(cells, columns)
        annotation = _annotation(cells, columns, f"{name}, line {line}", rate_hz if samples else None, rate_hz)
        if annotation is None:
            continue
        if columns.has_views:  # Raven lists a selection once for its waveform and once for its spectrogram
            key = (cells[0], annotation)
            if key in seen:
                continue
            seen.add(key)
        found.append(annotation)
    return found


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    present = [s for s in SEPARATORS if s in first]
    separator = next((s for s in present if _is_understood(next(csv.reader([first], delimiter=s)))), None)
    separator = separator or next(iter(present), None)
    if separator is None:  # columns separated by blanks, the label last
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, line.split(None, 2)
        return
    # Tab separated files are not quoted by the programs that write them: Audacity's label "a" has quotes in it.
    if separator == "\t":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for cells in reader:
        if any(cell.strip() for cell in cells) and cells[0].strip() != AUDACITY_FREQUENCIES:
            yield reader.line_num, cells


def _is_understood(cells: Sequence[str]) -> bool:
    return columns_of_header(cells) is not None or columns_of_row(cells) is not None


def _joined_name(cells: list[str], columns: Columns) -> list[str]:
    """The row with a name that has commas in it but no quotes around it in one cell."""
    surplus, label = len(cells) - columns.count, columns.label
    if surplus <= 0 or label is None or label > columns.start or looks_like_time(_cell(cells, columns.start)):
        return cells
    return [*cells[:label], ",".join(cells[label : label + surplus + 1]), *cells[label + surplus + 1 :]]


def _are_samples(body: Sequence[Sequence[str]], columns: Columns) -> bool:
    """REAPER writes seconds with decimals and clock times with colons: whole numbers throughout are samples."""
    starts = [_cell(cells, columns.start) for cells in body]
    return bool(starts) and all(start.isdigit() for start in starts)


def _cell(cells: Sequence[str], index: int | None) -> str:
    return cells[index].strip() if index is not None and index < len(cells) else ""


def _annotation(
    cells: Sequence[str], columns: Columns, where: str, samples_rate_hz: int | None, rate_hz: int | None
) -> Annotation | None:
    start = _cell(cells, columns.start)
    if not start:
        if _cell(cells, columns.label):
            raise InputError(f"{where}: the start is missing")
        return None  # DCASE lists a file without events as one row with empty cells
    time_format = _cell(cells, columns.format).lower()
    if "samples" in time_format:
        if rate_hz is None:
            raise InputError(f"{where}: its times are sample numbers; say the sample rate")
        samples_rate_hz = rate_hz

    def seconds(cell: str) -> float:
        return int(cell) / samples_rate_hz if samples_rate_hz and cell.isdigit() else parse_time_s(cell, where=where)

    start_s = seconds(start)
    end, length = _cell(cells, columns.end), _cell(cells, columns.length)
    end_s = seconds(end) if end else start_s + seconds(length) if length else start_s
    if end_s < start_s:
        raise InputError(f"{where}: the end, {end_s} s, lies before the start, {start_s} s")
    score = _score(_cell(cells, columns.score), where)
    label, file, payload = (_cell(cells, index) for index in (columns.label, columns.file, columns.payload))
    return Annotation(start_s, end_s, label, file or None, score, payload=payload)


def _score(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise InputError(f"{where}: the score {cell!r} is not a number") from None
    return None if math.isnan(value) else value
