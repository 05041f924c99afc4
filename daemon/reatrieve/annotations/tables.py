"""Text tables of annotations: one parser, which finds out by itself which program wrote the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.columns import Columns, columns_of_header, columns_of_row, looks_like_time
from reatrieve.annotations.delimited import DelimitedText
from reatrieve.annotations.recordings import recording_names
from reatrieve.annotations.row_reader import RowReader, cell, is_whole
from reatrieve.annotations.times import SAMPLES, SECONDS, TimeUnit, parse_time_s, time_unit
from reatrieve.annotations.unknown_columns import resolved
from reatrieve.errors import InputError
from reatrieve.plain import quoted, shortened

__all__ = ["STATED", "Note", "read_table", "table_rows", "table_unit"]

Note = Callable[[str], None]

STATED = "stated"
"""The ``unit`` of callers who know the sample rate, but not what a table's whole numbers count."""

MOST_NAMED = 20
"""Columns that a note names."""

AUDACITY_FREQUENCIES = "\\"
SECONDS_AT_MOST = 1000
"""Whole numbers throughout may be seconds up to here; beyond, sample numbers or milliseconds are as likely."""

Row = tuple[int, "Annotation | str"]


def read_table(
    text: str, *, name: str, rate_hz: int | None = None, unit: str = "", on_note: Note | None = None
) -> list[Annotation]:
    """Read a table of annotations, with or without header, separated by tabs, commas, semicolons or blanks.

    Parameters are those of ``table_rows``.

    Raises
    ------
    InputError
        If the table cannot be understood, or a row cannot be read: file, line and reason.
    """
    found = []
    for line, read in table_rows(text, name=name, rate_hz=rate_hz, unit=unit, on_note=on_note):
        if isinstance(read, str):
            raise InputError(f"{name}, line {line}: {read}")
        found.append(read)
    return found


def table_rows(
    text: str,
    *,
    name: str,
    rate_hz: int | None = None,
    unit: str = "",
    whole_paths: bool = False,
    on_note: Note | None = None,
) -> Iterator[Row]:
    """Each row's line, and its annotation or what is wrong with it. A row may hold several annotations, or none.

    Parameters
    ----------
    text : the file's content.
    name : the file's name, for messages.
    rate_hz : sample rate of the recording, for times that are sample numbers.
    unit : what numbers count where the table does not say it: see ``table_unit``. "" lets whole numbers be samples
        when ``rate_hz`` is given; ``STATED`` takes nothing but what the table says.
    whole_paths : name recordings by the paths that the table has, not by as much of them as tells them apart.
    on_note : told what was left out, a sentence each.

    Raises
    ------
    InputError
        If no column can be understood as a start time, or one that matters is not understood: file and reason.
    """
    table = DelimitedText.of(text, is_understood=lambda cells: _is_understood(cells, name))
    rows = [(line, cells) for line, cells in table.rows() if cells[0].strip() != AUDACITY_FREQUENCIES]
    if rows and isinstance(rows[0][1], str):  # what the columns are would be told by the second row
        raise InputError(f"{name}, line {rows[0][0]}: {rows[0][1]}")
    broken: list[Row] = [(line, cells) for line, cells in rows if isinstance(cells, str)]
    whole = [(line, cells) for line, cells in rows if not isinstance(cells, str)]
    if not whole:
        yield from broken
        return
    columns = columns_of_header(whole[0][1], name=name)
    body = whole if columns is None else whole[1:]
    columns = columns or columns_of_row(whole[0][1])
    if columns is None:
        raise InputError(
            f"{name}: cannot tell where the times are; write start, end and label, or a header that names them"
        )
    if columns.is_reaper:
        body = [(line, _joined_name(cells, columns)) for line, cells in body]
    if not columns.names and _are_decimals(columns, body):
        raise InputError(
            f"{name}: cannot tell whether its third column is a label or a number; add a header that names the columns"
        )
    columns, left_out = resolved(columns, [cells for _, cells in body], name=name)
    if left_out and on_note is not None:
        what = "the column" if len(left_out) == 1 else "the columns"
        names = ", ".join(map(shortened, left_out[:MOST_NAMED])) + (", ..." if len(left_out) > MOST_NAMED else "")
        on_note(f"{name}: {what} {names} {'was' if len(left_out) == 1 else 'were'} left out")
    reader = RowReader(columns, _unit(columns, [cells for _, cells in body], name, rate_hz, unit), rate_hz)
    _refuse_unplaced(columns, body, name)
    read = [(line, one) for line, cells in body for one in reader.read(cells)]
    yield from _named([*read, *broken], has_files=bool(columns.file), whole_paths=whole_paths)


def table_unit(text: str) -> TimeUnit:
    """What a user says that numbers count: seconds, ms, samples, 25 fps, ...

    Raises
    ------
    InputError
        If it is no such unit.
    """
    found = time_unit(text)
    if found is None:
        raise InputError(
            f"the unit {quoted(text)} is not known; say seconds, ms, samples or a frame rate as in '25 fps'"
        )
    return found


def _is_understood(cells: Sequence[str], name: str) -> bool:
    return columns_of_header(cells, name=name) is not None or columns_of_row(cells) is not None


def _are_decimals(columns: Columns, body: Sequence[tuple[int, Sequence[str]]]) -> bool:
    """Whether what should be labels are numbers with decimals, as in Sonic Visualiser's time, value, duration."""
    labels = [label for _, cells in body if (label := cell(cells, columns.labels[0]))]
    return bool(labels) and all("." in label and looks_like_time(label) for label in labels)


def _joined_name(cells: list[str], columns: Columns) -> list[str]:
    """The row with a name that has commas in it but no quotes around it in one cell."""
    surplus, label = len(cells) - len(columns.names), next(iter(columns.labels), None)
    start = columns.start[0].index
    if surplus <= 0 or label is None or label > start or looks_like_time(cell(cells, start)):
        return cells
    return [*cells[:label], ",".join(cells[label : label + surplus + 1]), *cells[label + surplus + 1 :]]


def _unit(columns: Columns, rows: Sequence[Sequence[str]], name: str, rate_hz: int | None, asked: str) -> TimeUnit:
    """What numbers count where neither their column nor their row says it."""
    wanted = table_unit(asked) if asked and asked != STATED else None
    if columns.format is not None:
        return wanted or SECONDS
    first = [candidates[0] for candidates in (columns.start, columns.end, columns.length) if candidates]
    stated = next((column.unit for column in first if column.unit), None)
    if stated is not None and wanted is not None and stated != wanted:
        raise InputError(f"{name}: its header says that times are in {stated.name}, not in {wanted.name}")
    if stated is not None and wanted is None:
        unstated = next((columns.names[column.index] for column in first if column.unit is None), None)
        if unstated and stated is not SECONDS:
            raise InputError(
                f"{name}: its header says {stated.name} for one column of times, but nothing for "
                f"{quoted(unstated)}; add "
                f"--unit {stated.name} if that is meant for it, too"
            )
        return stated
    if wanted is not None:
        if wanted is SAMPLES and rate_hz is None and columns.rate is None:
            raise InputError(f"{name}: its times are sample numbers; say the sample rate by --rate")
        return wanted
    times = [cell(row, column.index) for row in rows for column in (*columns.start, *columns.end, *columns.length)]
    if not any(times) or not all(is_whole(time) for time in times if time):
        return SECONDS
    is_list_of_regions = columns.is_reaper or _lengths_are_differences(columns, rows)
    if not is_list_of_regions and max(float(time) for time in times if time) < SECONDS_AT_MOST:
        return SECONDS
    if rate_hz is not None and asked != STATED:
        return SAMPLES
    raise InputError(
        f"{name}: its times are whole numbers, which may be seconds or sample numbers; say which by --unit seconds, or "
        "--unit samples --rate HZ, or write seconds with a decimal point (12.0)"
    )


def _lengths_are_differences(columns: Columns, rows: Sequence[Sequence[str]]) -> bool:
    """Whether the table has start, end and length, as REAPER's lists of regions have."""
    if not columns.end or not columns.length:
        return False
    start, end, length = columns.start[0].index, columns.end[0].index, columns.length[0].index
    filled = [row for row in rows if all(cell(row, index) for index in (start, end, length))]
    return bool(filled) and all(int(cell(row, end)) - int(cell(row, start)) == int(cell(row, length)) for row in filled)


def _refuse_unplaced(columns: Columns, body: Sequence[tuple[int, Sequence[str]]], name: str) -> None:
    """Raven's times go on from file to file: only the file and the offset in it together say where a row lies."""
    if columns.file_offset is None:
        files = {tuple(cell(cells, index) for index in columns.file) for _, cells in body}
        if columns.counts_through_files and len(files) > 1:
            raise InputError(
                f"{name}: its times go on from file to file; add Raven's measurement 'File Offset (s)', save it again"
            )
    elif not columns.file:
        start = columns.start[0].index
        if any(_number(cells, columns.file_offset) != _number(cells, start) for _, cells in body):
            raise InputError(
                f"{name}: its 'File Offset' counts in files that it does not name; add Raven's 'Begin File' to it"
            )


def _number(cells: Sequence[str], index: int) -> float | str:
    text = cell(cells, index)
    try:
        return parse_time_s(text)
    except InputError:
        return text


def _named(rows: Iterable[Row], *, has_files: bool, whole_paths: bool) -> Iterator[Row]:
    """Rows with short names for the recordings; in a table that names them, each row must."""
    rows = list(rows)
    paths = {read.file for _, read in rows if isinstance(read, Annotation) and read.file}
    names = {path: path.replace("\\", "/") for path in paths} if whole_paths else recording_names(sorted(paths))
    for line, read in rows:
        if isinstance(read, str):
            yield line, read
        elif read.file:
            yield line, replace(read, file=names[read.file])
        else:
            yield line, "the row names no recording" if has_files and paths else read
