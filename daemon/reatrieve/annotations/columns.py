"""Which column of a text table holds what: the header names of all programs we read, in tables of data.

A column is understood (it has a role, or says nothing that an annotation has a place for), or it is unknown, and then
its cells show whether that matters (``unknown_columns``). None is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reatrieve.annotations.times import SAMPLES, TimeUnit, time_unit
from reatrieve.errors import InputError
from reatrieve.plain import quoted

__all__ = ["Columns", "TimeColumn", "columns_of_header", "columns_of_row", "looks_like_time", "words_of"]

START = ("start", "onset", "begin", "begin time", "start time", "onset time", "time start", "begin timestamp",
         "start timestamp", "starttime", "begintime")  # fmt: skip
START_WITHOUT_OTHER = ("time", "t")
END = ("end", "stop", "end time", "stop time", "time end", "time stop", "offset time", "end timestamp",
       "stop timestamp", "endtime", "stoptime")  # fmt: skip
OFFSET = "offset"
"""The end beside an onset (DCASE); the start beside a duration alone (Kaleidoscope, manifests)."""
LENGTH = ("length", "duration", "delta time", "dur", "len")
FILE_OFFSET = "file offset"
"""Raven: the start in the file; Begin Time then counts through all files that were opened together."""

FILE = ("begin path", "filepath", "file path", "audio path", "audio file path", "audio filepath", "path",
        "notated path", "wav path", "begin file", "in file", "audio file", "audio filename", "audio file name",
        "audio", "filename", "file name", "file", "wav file", "wav filename", "wavfile", "sound file", "soundfile",
        "sound filename", "recording", "recording file", "source file", "fname")  # fmt: skip
COUNTS_THROUGH_FILES = ("begin path", "begin file")
FOLDER = ("indir", "folder")
"""Kaleidoscope: the folders that ``IN FILE`` lies in."""
END_FILE = ("end path", "end file")

LABEL = ("label", "event label", "labels", "manual id", "common name", "name", "class", "class name", "class label",
         "event", "tag", "annotation", "annotations", "species", "species name", "category", "call", "auto id",
         "top1match", "scientific name", "species code", "code", "sound")  # fmt: skip
LABEL_WITHOUT_OTHER = ("text", "transcription", "event type", "call type", "type", "kind", "value")
LABEL_WHERE_EMPTY = {
    "manual id": ("auto id", "top1match"),
    "common name": ("scientific name", "species code"),
}
"""What names a sound in rows where the surer column is empty."""

SCORE = ("score", "confidence", "probability", "conf", "prob")
PAYLOAD = ("payload", "description", "comment", "comments", "note", "notes", "scientific name")
FORMAT = ("time format", "unit", "units", "time unit", "time units")
RATE = ("sample rate", "sampling rate", "samplerate", "sampling frequency", "fs", "sr")
ONE_OF = (SCORE, PAYLOAD, FORMAT, RATE, ("flag",), ("#",), (FILE_OFFSET,), END_FILE)

NOTHING = frozenset((
    "selection", "view", "channel", "channels", "low freq", "high freq", "low f", "high f", "f min", "f max", "fmin",
    "fmax", "fmean", "fc", "low frequency", "high frequency", "min freq", "max freq", "freq low", "freq high",
    "level", "db", "begin clock time", "end clock time", "begin date", "end date", "begin date time", "end date time",
    "begin hour", "end hour", "center time", "peak time", "max time", "min time", "center time rel",
    "peak time relative", "max time relative", "min time relative", "time 5", "time 25", "time 75", "time 95",
    "time 5 rel", "time 25 rel", "time 75 rel", "time 95 rel", "duration 50", "duration 90", "dur 50", "dur 90",
    "sample length", "length frames", "annotation file", "annot path", "annot file", "annotation path", "raven file",
    "species list", "model", "min conf", "sensitivity", "overlap", "lat", "lon", "latitude", "longitude", "week",
    "hour", "date", "date 12", "time 12", "hour 12", "time", "outdir", "out file fs", "out file zc", "top1dist",
    "top1distance", "sequence", "color", "colour", "lane", "ratio db", "annotator", "id", "index", "unnamed 0", "no",
    "nr", "verified", "reviewed", "checked", "vocalizations", "matching", "match ratio", "margin", "pulses", "qual",
    "organization", "userid", "review orgid", "review userid", "review date",
))  # fmt: skip
"""Names of columns that an annotation has no place for."""

REFUSED = {
    "tier": "a table of tiers (ELAN, Praat) is",
    "participant": "an ELAN table is",
    "tmin": "a Praat table is",
    "tmax": "a Praat table is",
}
UNIT_WORDS = frozenset((
    "s", "sec", "secs", "second", "seconds", "ms", "msec", "msecs", "millisecond", "milliseconds", "us", "usec",
    "microsecond", "microseconds", "min", "mins", "minute", "minutes", "h", "hr", "hrs", "hour", "hours", "sample",
    "samples", "frame", "frames", "hz", "beat", "beats", "bar", "bars", "tick", "ticks",
))  # fmt: skip
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """A column of times: its index, and the unit that its header states (None: none)."""

    index: int
    unit: TimeUnit | None


@dataclass(frozen=True)
class Columns:
    """Where in a row each thing stands; ``start`` is always there, all else may be missing.

    Attributes
    ----------
    names : the header as written; () without one.
    start, end, length : columns of times, the surest first; the first that is filled counts.
    labels : what may name the sound, the surest first.
    label_where_empty : what names it in rows where that is empty.
    classes : columns that say with 1 or 0 whether the sound that they are named for is there.
    file : parts of the recording's path.
    counts_through_files : whether times go on from file to file, as Raven's do, and only ``file_offset`` starts anew.
    end_file : the file in which the stretch ends.
    kind : REAPER's ``#``, which tells regions from markers.
    unknown : columns whose names say nothing to us.
    has_views : as in Raven, each selection may come once a view.
    """

    start: tuple[TimeColumn, ...]
    names: tuple[str, ...] = ()
    end: tuple[TimeColumn, ...] = ()
    length: tuple[TimeColumn, ...] = ()
    labels: tuple[int, ...] = ()
    label_where_empty: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    file: tuple[int, ...] = ()
    counts_through_files: bool = False
    end_file: int | None = None
    file_offset: int | None = None
    score: int | None = None
    payload: int | None = None
    flag: int | None = None
    kind: int | None = None
    format: int | None = None
    rate: int | None = None
    unknown: tuple[int, ...] = ()
    has_views: bool = False

    @property
    def is_reaper(self) -> bool:
        """Whether the first column tells regions from markers, as REAPER's manager writes it."""
        return self.kind is not None


def columns_of_header(cells: Sequence[str], *, name: str = "table") -> Columns | None:
    """Understand a header line; None if it is not one (it names no start).

    Raises
    ------
    InputError
        If it is of a format that is not read, a unit is not understood, or a column stands there twice.
    """
    if columns_of_row(cells) is not None:
        return None  # two times and the label "start"
    header = _Header(cells, name)
    offset_starts = not header.has(START) and header.has(LENGTH)
    start_names: tuple[str, ...] = (*START, OFFSET) if offset_starts else START
    if not header.has(start_names):
        start_names = START_WITHOUT_OTHER
    if not header.has(start_names) and not header.has(REFUSED):
        return None
    if refused := next((REFUSED[key] for key in header.keys if key in REFUSED), None):
        raise InputError(f"{name}: {refused} not read; export one table with the columns start, end and label")
    labels = header.all(LABEL) or header.all(LABEL_WITHOUT_OTHER)[:1]
    first_label = header.keys[labels[0]] if labels else ""
    where_empty = header.all(LABEL_WHERE_EMPTY.get(first_label, ()))
    payload = header.one(PAYLOAD)
    file = header.one(FILE)
    score, unknown = header.one(SCORE), header.unknown(start_names)
    if score is not None and header.units[score]:  # in per cent, say
        unknown, score = (*unknown, score), None
    end, strange_end = header.times(END if offset_starts else (*END, OFFSET))
    length, strange_length = header.times(LENGTH)
    start, strange = header.times(start_names)
    if (strange and not start) or (not end and not length and (strange := strange_end or strange_length)):
        raise InputError(
            f"{name}: the unit of the column {quoted(strange)} is not understood; use seconds, ms or samples"
        )
    return Columns(
        start,
        tuple(cell.strip() for cell in cells),
        end,
        length,
        tuple(labels),
        tuple(where_empty),
        file=() if file is None else (*header.all(FOLDER), file),
        counts_through_files=header.has(COUNTS_THROUGH_FILES),
        end_file=header.one(END_FILE),
        file_offset=header.one((FILE_OFFSET,)),
        score=score,
        payload=None if labels and payload == labels[0] else payload,
        flag=header.one(("flag",)),
        kind=header.one(("#",)),
        format=header.one(FORMAT),
        rate=header.one(RATE),
        unknown=unknown,
        has_views=header.has(("view",)) and header.has(("selection",)),
    )


class _Header:
    """The names of a header, taken apart into words and units."""

    def __init__(self, cells: Sequence[str], name: str) -> None:
        self._cells = [cell.strip() for cell in cells]
        self._table = name
        both = [_key(cell) for cell in cells]
        self.keys = [key for key, _ in both]
        self.units = [unit for _, unit in both]

    def has(self, names: Iterable[str]) -> bool:
        return any(name in self.keys for name in names)

    def all(self, names: Iterable[str], *, units_differ: bool = False) -> list[int]:
        """Indices of the columns of these names, in the names' order; none may stand there twice, unless in different
        units."""
        found = []
        for name in names:
            same = [index for index, key in enumerate(self.keys) if key == name]
            if len({self.units[index] for index in same} if units_differ else same[:1]) < len(same):
                raise InputError(
                    f"{self._table}: the column {quoted(self._cells[same[0]])} stands there twice; remove one"
                )
            found += same
        return found

    def one(self, names: Iterable[str]) -> int | None:
        return next(iter(self.all(names)), None)

    def times(self, names: Sequence[str]) -> tuple[tuple[TimeColumn, ...], str]:
        """Columns of times, sample numbers last, since they need a rate; and one whose unit is not understood."""
        found, strange = [], ""
        for index in self.all(names, units_differ=True):
            written = self.units[index]
            unit = SAMPLES if written == "hz" else time_unit(written)  # crowsetta's onset_Hz
            if written and unit is None:
                strange = strange or self._cells[index]
            else:
                found.append(TimeColumn(index, unit))
        return tuple(sorted(found, key=lambda column: column.unit is SAMPLES)), strange

    def unknown(self, start_names: Sequence[str]) -> tuple[int, ...]:
        roles = {"", *start_names, *START, *END, OFFSET, *LENGTH, *FILE, *FOLDER, *LABEL, *LABEL_WITHOUT_OTHER,
                 *(name for names in ONE_OF for name in names)}  # fmt: skip
        return tuple(index for index, key in enumerate(self.keys) if key not in roles and key not in NOTHING)


def columns_of_row(cells: Sequence[str]) -> Columns | None:
    """Guess the columns of a table without header from its first row.

    Two times and a label (Audacity, sed_eval, mir_eval), the same after a file name, two times alone, or a moment and
    its label (Sonic Visualiser); None when nothing fits.
    """
    times = [looks_like_time(cell) for cell in cells]
    if times[:2] == [True, True]:
        return Columns((TimeColumn(0, None),), end=(TimeColumn(1, None),), labels=(2,))
    if times[:3] == [False, True, True]:
        return Columns((TimeColumn(1, None),), end=(TimeColumn(2, None),), labels=(3,), file=(0,))
    if times == [True, False]:
        return Columns((TimeColumn(0, None),), labels=(1,))
    return None


def looks_like_time(cell: str) -> bool:
    """Whether a cell could be a time: digits and signs, no words."""
    stripped = cell.strip()
    return (
        bool(stripped) and stripped[0] in "+-.0123456789" and not any(c.isalpha() and c not in "eE" for c in stripped)
    )


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: ``startTime``, ``start_time`` and ``Start Time (s)`` alike."""
    return WORDS.findall(CAMEL_CASE.sub(" ", name).lower())


def _key(cell: str) -> tuple[str, str]:
    """A column's name without its unit, and the unit ("" if none), both in lower case."""
    name = cell.strip()
    if name.strip("#") == "":
        return name, ""  # REAPER's "#"
    unit = ""
    if bracketed := _bracketed(name):
        name, unit = bracketed[0], bracketed[1].lower().rstrip(".")
    words = words_of(name)
    if (
        " ".join(words) not in NOTHING
        and len(words) > 1
        and words[-1] in UNIT_WORDS
        and (not unit or time_unit(unit) is time_unit(words[-1]))
    ):
        unit = unit or words[-1]
        words.pop()
    return " ".join(words), unit


def _bracketed(name: str) -> tuple[str, str] | None:
    """What stands before the brackets that end a name, and in them; None if it does not end so. No pattern, which
    would look for the closing bracket once from each opening one."""
    if not name.endswith((")", "]")):
        return None
    before = max(name.rfind(")", 0, -1), name.rfind("]", 0, -1)) + 1
    opens = [at for at in (name.find("(", before), name.find("[", before)) if at >= 0]
    return (name[: min(opens)].rstrip(), name[min(opens) + 1 : -1].strip()) if opens else None
