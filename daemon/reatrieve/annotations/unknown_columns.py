"""What columns that no list of names knows turn out to be, by their cells: the label, classes, a danger, or nothing."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from reatrieve.annotations.columns import Columns, words_of
from reatrieve.annotations.times import parse_time_s
from reatrieve.errors import InputError
from reatrieve.plain import quoted

__all__ = ["resolved"]

MOVES = frozenset((
    "offset", "shift", "delay", "lag", "latency", "start", "begin", "onset", "end", "stop", "origin", "timebase",
    "fps", "tempo", "bpm",
))  # fmt: skip
"""An unknown column with such a word in its name may change what the times mean."""

PARTS = frozenset((
    "file", "files", "filename", "filepath", "path", "audio", "wav", "recording", "recordings", "clip", "song",
    "track", "site", "session", "source", "media", "video", "deployment", "folder", "dir", "directory", "station",
    "location", "segment", "segments", "utterance", "chunk", "window", "slice", "tape", "stem", "ytid", "xcid",
))  # fmt: skip
"""An unknown column with such a word in its name may tell recordings apart."""

IDS = frozenset(("id", "ids", "uid", "uuid", "key"))
"""The same for words that number many things: numbers under them tell no recordings."""

PARTS_OF_PATHS = frozenset(("folder", "dir", "directory", "path", "site", "station", "deployment", "location"))
"""Of these words, those that may tell recordings apart even where the file is named."""

SURELY_LABELS = frozenset(("label", "labels", "event label", "class", "class name", "name"))
"""Columns that hold labels even where these are 0 and 1."""

LENGTHS = frozenset((
    "duration", "length", "dur", "len", "dauer", "länge", "laenge", "durée", "duree", "longueur", "duración",
    "duracion", "durata", "lunghezza", "duração", "duracao", "duur", "lengte", "varaktighet", "längd", "längde",
))  # fmt: skip
"""A column of times with such a word in its name holds lengths."""

ENDS = frozenset((
    "ende", "enden", "endzeit", "endpunkt", "stopp", "bis", "fin", "fins", "fine", "fini", "final", "fim", "finish",
    "finished", "ends", "ending", "endpoint", "stops", "until", "einde", "eind", "eindtijd", "slut", "sluttid", "slutt",
    "loppu", "koniec", "konec", "kraj", "vége", "bitiş", "конец", "кінець", "τέλος", "終了", "終了時刻",
    "終了時間", "終わり", "结束", "结束时间", "結束", "結束時間", "끝", "종료",
))  # fmt: skip
"""A column of times with such a word in its name holds ends; ``columns.END`` has the names that are read."""

COUNTS = frozenset((
    "beat", "beats", "bar", "bars", "measure", "count", "counter", "index", "number", "num", "nr", "no", "id",
    "channel", "take", "row", "line", "step", "note", "midi", "pitch", "octave", "velocity", "intensity", "rank",
    "order", "rating", "level", "layer", "cluster", "group", "trial", "takt", "schlag", "anzahl", "nummer", "zähler",
    "kanal", "oktave", "rang", "reihenfolge", "stärke",
))  # fmt: skip
"""A column of numbers with such a word in its name counts or measures something else, unless it is one of ``OFF``."""

OFF = frozenset(("off", "out", "release", "released", "stop", "stopped", "to", "over"))
"""Words that say of anything where it ends: ``note off``."""

NO_TIMES = frozenset(("%", "percent", "hz", "khz", "db", "dbfs", "lufs", "semitones", "cents", "px", "km"))
"""Units at the end of the names of columns that hold no times."""

LONGEST_S = 20.0
"""A column of times whose cells are no further behind the starts than this, or than the last start, may hold ends."""

YES = frozenset({"1", "1.0", "true"})
NO = frozenset({"0", "0.0", "false", "", "nan", "na"})
NOT_THERE = frozenset({"", "nan", "na", "n/a", "-"})
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$|nan$|na$", re.ASCII | re.IGNORECASE)
TIME = re.compile(r"\+?(\d+[:;])*(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?( ?(s|sec|ms|min))?$", re.ASCII)
MEASURED = re.compile(r"[(\[%]")
BEHIND_TIME = re.compile(r" ?(?!st|nd|rd|th)[a-zA-Z]{1,3}\b| |$", re.ASCII)
WHOLE = re.compile(r"\d{1,9}$", re.ASCII)
BEFORE_UNIT = re.compile(r"[\s_(\[]")


def resolved(columns: Columns, rows: Sequence[Sequence[str]], *, name: str) -> tuple[Columns, list[str]]:
    """The columns with a label or classes found among the unknown ones, and the names of those left out.

    Raises
    ------
    InputError
        If an unknown column may change times, hold ends or tell recordings apart, or the label cannot be told.
    """
    table = _Cells(columns, rows)
    unknown = [index for index in columns.unknown if any(table.of(index))]
    has_ends = any(any(table.of(one.index)) for one in (*columns.end, *columns.length))
    for index in unknown:
        _refuse_dangerous(table, index, name)
        if not has_ends:
            _refuse_ends(table, index, name)
    labels = [index for index in columns.labels if any(table.of(index))]
    are_classes = (
        bool(labels)
        and all(
            table.says_yes_or_no(index) and " ".join(words_of(columns.names[index])) not in SURELY_LABELS
            for index in labels
            if columns.names
        )
        and any(table.says_yes_or_no(index) for index in unknown)
    )
    if labels and not are_classes:
        where_empty = tuple(index for index in columns.label_where_empty if index != labels[0])
        left_out = [index for index in unknown if index != labels[0]]
        left_out += [i for i in labels[1:] if i not in where_empty and i != columns.payload]
        found = replace(columns, labels=(labels[0],), label_where_empty=where_empty)
        return found, [columns.names[index] for index in left_out]
    candidates = [*labels, *(index for index in unknown if not MEASURED.search(columns.names[index]))]
    left_out = [index for index in unknown if index not in candidates]
    classes, label = _classes_or_label(table, candidates, name)
    payload = columns.payload
    if not classes and label is None and payload is not None and any(table.of(payload)):
        label, payload = payload, None  # Raven users write into Notes
    left_out += [index for index in candidates if index not in classes and index != label]
    found = replace(
        columns, labels=() if label is None else (label,), label_where_empty=(), classes=classes, payload=payload
    )
    return found, [columns.names[index] for index in left_out]


class _Cells:
    def __init__(self, columns: Columns, rows: Sequence[Sequence[str]]) -> None:
        self.columns = columns
        self._rows = rows

    def of(self, index: int) -> list[str]:
        return [row[index].strip() if index < len(row) else "" for row in self._rows]

    def says_yes_or_no(self, index: int) -> bool:
        cells = {cell.lower() for cell in self.of(index)}
        return cells <= YES | NO and not cells <= {""}

    def has_numbers_only(self, index: int) -> bool:
        return all(not cell or NUMBER.match(cell) for cell in self.of(index))

    def files(self) -> list[tuple[str, ...]]:
        return list(zip(*(self.of(index) for index in self.columns.file), strict=True)) or [()] * len(self._rows)


def _refuse_dangerous(table: _Cells, index: int, name: str) -> None:
    column, cells = table.columns.names[index], table.of(index)
    words = set(words_of(column))
    if words & MOVES and any(cell.strip("0.,:") for cell in cells):
        raise InputError(
            f"{name}: the column {quoted(column)} may change what the times mean and is not understood; remove it "
            "if not"
        )
    parts = PARTS_OF_PATHS if table.columns.file else PARTS if table.has_numbers_only(index) else PARTS | IDS
    if words & parts and not table.says_yes_or_no(index):
        values = set(zip(table.files(), cells, strict=True))
        if len(values) > len({file for file, _ in values}):
            raise InputError(
                f"{name}: the column {quoted(column)} may tell recordings apart and is not understood; call it "
                "'file', or "
                "remove it"
            )


def _refuse_ends(table: _Cells, index: int, name: str) -> None:
    """Where no end is known, a column that may hold ends or lengths must not be left out."""
    column, cells = table.columns.names[index], [cell for cell in table.of(index) if cell.lower() not in NOT_THERE]
    unit = BEFORE_UNIT.split(column.rstrip(" )]").lower())[-1]
    if unit in NO_TIMES or table.says_yes_or_no(index):
        return
    words = {*words_of(column)}
    is_named_so = words & LENGTHS or (words & ENDS and not _is_before_all_starts(table, index))
    counts = words & COUNTS and not words & OFF
    if (is_named_so and any(_begins_with_time(cell) for cell in cells)) or (
        not counts and _may_be_ends(table, index, cells)
    ):
        raise InputError(
            f"{name}: the column {quoted(column)} may hold ends or lengths and is not understood; call it 'end' or "
            "'length', "
            "or remove it"
        )


def _begins_with_time(cell: str) -> bool:
    """Whether a cell begins with a number that is not 0 and at most a unit of three letters behind it."""
    written = cell.removeprefix("+")
    behind = written.lstrip(".,:;0123456789")
    digits = written[: len(written) - len(behind)]
    return bool(digits.strip(".,:;0")) and BEHIND_TIME.match(behind) is not None


def _is_before_all_starts(table: _Cells, index: int) -> bool:
    """Whether every cell that is a time lies before the start of its row."""
    starts = table.of(table.columns.start[0].index)
    pairs: list[tuple[float, float]] = []
    for start, cell in zip(starts, table.of(index), strict=True):
        with contextlib.suppress(InputError):
            pairs.append((parse_time_s(start), parse_time_s(cell)))
    return bool(pairs) and all(time < start for start, time in pairs)


def _may_be_ends(table: _Cells, index: int, cells: Sequence[str]) -> bool:
    """Whether the cells are times behind the starts of their rows, not far, and in the same order."""
    if not all(TIME.match(cell) for cell in cells) or not any(re.search("[1-9]", cell) for cell in cells):
        return False
    starts = table.of(table.columns.start[0].index)
    if all(WHOLE.match(cell) for cell in cells) and not all(WHOLE.match(start) for start in starts):
        steps = {int(b) - int(a) for a, b in itertools.pairwise(cells)}
        if steps == {0} or (int(cells[0]) <= 1 and steps <= {0, 1}):
            return False  # it counts
    pairs: list[tuple[float, float]] = []
    for start, end in zip(starts, table.of(index), strict=True):
        with contextlib.suppress(InputError):
            pairs.append((parse_time_s(start), parse_time_s(end)))
    pairs.sort()
    ends = [end for _, end in pairs]
    longest = max(LONGEST_S, *(start for start, _ in pairs)) if pairs else 0.0  # samples and milliseconds are larger
    return (
        ends == sorted(ends)
        and all(start <= end <= start + longest for start, end in pairs)
        and any(start < end for start, end in pairs)
    )


def _classes_or_label(table: _Cells, candidates: Sequence[int], name: str) -> tuple[tuple[int, ...], int | None]:
    """Columns of classes, or the one that is the label, or neither."""
    names = table.columns.names
    if candidates and all(table.says_yes_or_no(index) for index in candidates):
        return tuple(candidates), None
    texts = [index for index in candidates if not table.has_numbers_only(index)]
    if len(texts) == 1:
        return (), texts[0]
    if candidates:
        shown = ", ".join(quoted(names[index]) for index in (texts or candidates)[:5])
        what = "which of them is the label" if texts else "whether these numbers are labels or scores"
        raise InputError(f"{name}: cannot tell from {shown} {what}; call the column with the sound's name 'label'")
    return (), None
