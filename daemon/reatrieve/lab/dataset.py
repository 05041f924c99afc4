"""Data sets: a folder of audio and the times at which sounds of interest happen in it (docs/datasets.md)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

from reatrieve.annotations.sidecars import SUFFIXES as LABEL_SUFFIXES
from reatrieve.annotations.sidecars import Label, labels_beside, tables_naming_files
from reatrieve.errors import InputError
from reatrieve.session.spans import Span

__all__ = ["ANNOTATIONS", "COLUMNS", "Annotation", "BrokenRow", "Dataset", "Recording", "Sound", "load_dataset"]

ANNOTATIONS = "annotations.csv"
COLUMNS = ("file", "class", "start", "end", "kind", "ratio_db", "flag")
"""The columns of ``annotations.csv``; ``annotator`` may follow. The last three may be missing or empty."""

REQUIRED = COLUMNS[:4]
NEAR_SUFFIX = " (near)"
"""Label files have no flag: a label that ends so marks a variant."""

END_TOLERANCE_S = 0.05
"""Lossy codecs cut or pad a file's end by some milliseconds."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row: in ``file`` (as written in the table) the sound ``class_`` happens at ``span``.

    ``flag`` is "" for an occurrence and "near" for a variant that is neither right nor wrong; ``ratio_db`` is the
    energy of the sound alone over the whole mix there, nan when unknown.
    """

    file: str
    class_: str
    span: Span
    kind: str = ""
    ratio_db: float = math.nan
    flag: str = ""
    annotator: str = ""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be used; ``str()`` names file, line and reason."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound of interest in one file, as one annotator hears it; occurrences and variants by start time."""

    file: str
    class_: str
    kind: str
    annotator: str
    occurrences: tuple[Span, ...]
    near: tuple[Span, ...]

    @property
    def name(self) -> str:
        """Class, and annotator where there is one; unique within its file."""
        return f"{self.class_} ({self.annotator})" if self.annotator else self.class_


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file and the sounds in it; files of one ``group`` (one composer's, say) are not independent."""

    name: str
    path: Path
    group: str
    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class Dataset:
    """A folder read: recordings with at least one occurrence, in the order of their names, and what was skipped."""

    folder: Path
    recordings: tuple[Recording, ...]
    annotations: tuple[Annotation, ...] = field(repr=False)
    broken: tuple[BrokenRow, ...] = ()

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds, file by file."""
        return tuple(sound for recording in self.recordings for sound in recording.sounds)


def load_dataset(folder: Path, *, strict: bool = False) -> Dataset:
    """Read ``annotations.csv`` and the label files that lie beside the audio.

    Label files (Audacity ``.txt``, REAPER region ``.csv``, DCASE ``.tsv``, named like the audio) count for those audio
    files that ``annotations.csv`` does not mention, and so does each ``.tsv`` beside ``audio/`` that names its files. A
    label that ends in " (near)" marks a variant.

    Parameters
    ----------
    folder : holds ``audio/`` and, unless every audio file has a label file, ``annotations.csv``.
    strict : stop at the first broken row instead of skipping it.

    Raises
    ------
    InputError
        No such folder, nothing usable in it, a missing column; with ``strict`` a broken row: file, line, reason.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; a data set is a folder with audio/ and {ANNOTATIONS}")
    rows: list[Annotation] = []
    broken: list[BrokenRow] = []
    checked = _CheckedAudio(folder)
    for path, line, cells in _all_rows(folder):
        try:  # rows are few
            row = _parse_row(cells) if isinstance(cells, Mapping) else cells
            if isinstance(row, str):
                raise _BadRowError(row)
            checked.check(row)
            rows.append(row)
        except _BadRowError as bad:  # noqa: PERF203
            broken.append(BrokenRow(path, line, str(bad)))
            if strict:
                raise InputError(str(broken[-1])) from bad
    return _assemble(folder, rows, broken)


class _BadRowError(ValueError):
    """Why one row cannot be used."""


def _all_rows(folder: Path) -> Iterator[tuple[Path, int, Mapping[str, str] | Annotation | str]]:
    """(file, line, row or what is wrong with it) of the table and of the label files of audio it does not mention."""
    table, audio = folder / ANNOTATIONS, folder / "audio"
    mentioned: set[str] = set()
    if table.is_file():
        for line, cells in _table_rows(table):
            if isinstance(cells, Mapping):
                mentioned.add(cells["file"])
            yield table, line, cells
    any_labels = False
    for path in sorted(audio.rglob("*")) if audio.is_dir() else ():
        name = path.relative_to(audio).as_posix()
        if name in mentioned or not path.is_file() or path.suffix.lower() in LABEL_SUFFIXES:
            continue
        for label_file, line, label in labels_beside(path):
            any_labels = True
            yield label_file, line, _from_label(name, label)
    for label_file, line, label in tables_naming_files(folder):
        if isinstance(label, str) or label.file not in mentioned:
            any_labels = True
            yield label_file, line, _from_label("" if isinstance(label, str) else label.file or "", label)
    if not table.is_file() and not any_labels:
        raise InputError(f"{folder} has neither {ANNOTATIONS} nor label files beside its audio; see docs/datasets.md")


def _from_label(file: str, label: Label | str) -> Annotation | str:
    if isinstance(label, str):
        return label
    if label.is_point:
        return f"{label.label or 'label'!r} marks a point; a sound needs a start and an end"
    if label.start_s < 0.0:
        return f"start {label.start_s:g} s lies before the file's start"
    class_ = label.label.removesuffix(NEAR_SUFFIX)
    flag = "near" if class_ != label.label else ""
    return Annotation(file, class_ or "sound", Span(label.start_s, label.end_s), flag=flag)


def _table_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:  # a byte order mark: Excel was here
        first = stream.readline()
        stream.seek(0)
        reader = csv.reader(
            stream, delimiter=max(",;\t", key=first.count)
        )  # Excel's ";" where "," is the decimal point
        header = [name.strip().lower() for name in next(reader, [])]
        for name in REQUIRED:
            if name not in header:
                raise InputError(
                    f"{path}, line 1: column {name!r} is missing; the first line must be {','.join(COLUMNS)}"
                )
        for cells in reader:
            if len(cells) > len(header):
                yield reader.line_num, f"{len(cells)} fields where the header has {len(header)}"
            elif any(cell.strip() for cell in cells):
                padded = [*cells, *[""] * (len(header) - len(cells))]
                yield reader.line_num, dict(zip(header, (cell.strip() for cell in padded), strict=True))


def _parse_row(cells: Mapping[str, str]) -> Annotation:
    for name in ("file", "class"):
        if not cells[name]:
            raise _BadRowError(f"{name} is empty")
    flag = cells.get("flag", "")
    if flag not in ("", "near"):
        raise _BadRowError(f"flag {flag!r} is unknown; leave it empty or write 'near'")
    ratio = cells.get("ratio_db", "")
    return Annotation(
        file=cells["file"].replace("\\", "/"),
        class_=cells["class"],
        span=_span(_seconds(cells, "start"), _seconds(cells, "end")),
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
    return Span(start_s, end_s)


def _seconds(cells: Mapping[str, str], name: str) -> float:
    return _number(cells[name], name, "seconds")


def _number(text: str, name: str, unit: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _BadRowError(f"{name} {text!r} is not a number of {unit}")
    return value


def _audio_path(folder: Path, name: str) -> Path:
    return folder / "audio" / name  # an absolute name (`dataset add --reference`) stands for itself


class _CheckedAudio:
    """Which audio files can be read, and how long they are; each is opened once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lengths_s: dict[str, float | str] = {}

    def check(self, row: Annotation) -> None:
        """Raise unless the row's audio can be read and reaches to its end."""
        if row.file not in self._lengths_s:
            self._lengths_s[row.file] = self._length_s(_audio_path(self._folder, row.file))
        length_s = self._lengths_s[row.file]
        if isinstance(length_s, str):
            raise _BadRowError(length_s)
        if row.span.end_s > length_s + END_TOLERANCE_S:
            raise _BadRowError(f"end {row.span.end_s:g} s lies after the end of {row.file} at {length_s:.3f} s")

    def _length_s(self, path: Path) -> float | str:
        if not path.is_file():
            return f"no such audio file: {path}"
        try:
            info = soundfile.info(path)
        except (RuntimeError, OSError) as error:
            return f"{path.name} cannot be read as audio ({error})"
        return float(info.frames / info.samplerate)


def _assemble(folder: Path, rows: Sequence[Annotation], broken: Sequence[BrokenRow]) -> Dataset:
    groups = _composer_groups(folder / "songs.csv")
    sounds: dict[str, dict[tuple[str, str], list[Annotation]]] = {}
    for row in rows:
        sounds.setdefault(row.file, {}).setdefault((row.class_, row.annotator), []).append(row)
    recordings = []
    for name in sorted(sounds):
        made = [_sound(name, class_, annotator, of) for (class_, annotator), of in sorted(sounds[name].items())]
        with_occurrences = tuple(sound for sound in made if sound.occurrences)
        if with_occurrences:
            recordings.append(Recording(name, _audio_path(folder, name), groups.get(name) or name, with_occurrences))
    if not recordings:
        first = f"; the first: {broken[0]}" if broken else ""
        raise InputError(f"{folder} has no usable row ({len(broken)} broken{first})")
    return Dataset(folder, tuple(recordings), tuple(rows), tuple(broken))


def _sound(file: str, class_: str, annotator: str, rows: Iterable[Annotation]) -> Sound:
    ordered = sorted(rows, key=lambda row: row.span)
    return Sound(
        file=file,
        class_=class_,
        kind=next((row.kind for row in ordered if row.kind), ""),
        annotator=annotator,
        occurrences=tuple(row.span for row in ordered if not row.flag),
        near=tuple(row.span for row in ordered if row.flag),
    )


def _composer_groups(path: Path) -> dict[str, str]:
    """The column ``composer_group`` of ``songs.csv`` by file; empty where there is no such table."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return {row["file"]: row.get("composer_group") or "" for row in csv.DictReader(stream) if row.get("file")}
