"""Data sets: a folder of audio and the times at which sounds of interest happen in it (docs/datasets.md)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reatrieve.annotations.own_table import ANNOTATIONS, OwnTable
from reatrieve.annotations.reference import AudioLengths, BrokenRow, ReferenceEvent, reference_of
from reatrieve.annotations.sidecars import SUFFIXES as LABEL_SUFFIXES
from reatrieve.annotations.sidecars import labels_beside, tables_naming_files
from reatrieve.errors import AudioError, InputError
from reatrieve.files import read_small, unreadable
from reatrieve.session.spans import Span

__all__ = ["AnnotatedSound", "Dataset", "Recording", "load_dataset"]

MOST_SONGS_BYTES = 1 << 24
"""Of ``songs.csv``."""


@dataclass(frozen=True, slots=True)
class AnnotatedSound:
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
    sounds: tuple[AnnotatedSound, ...]


@dataclass(frozen=True)
class Dataset:
    """A folder read: recordings with at least one occurrence, in the order of their names, and what was skipped."""

    folder: Path
    recordings: tuple[Recording, ...]
    annotations: tuple[ReferenceEvent, ...] = field(repr=False)
    broken: tuple[BrokenRow, ...] = ()

    @property
    def sounds(self) -> tuple[AnnotatedSound, ...]:
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
    rows: list[ReferenceEvent] = []
    broken: list[BrokenRow] = []
    lengths = AudioLengths()
    for path, line, read in _all_rows(folder):
        reason = read if isinstance(read, str) else lengths.problem(read, _audio_path(folder, read.file))
        if reason:
            broken.append(BrokenRow(path, line, reason))
            if strict:
                raise InputError(str(broken[-1]))
        elif not isinstance(read, str):
            rows.append(read)
    return _assemble(folder, rows, broken)


def _all_rows(folder: Path) -> Iterator[tuple[Path, int, ReferenceEvent | str]]:
    """(file, line, event or what is wrong with it) of the table and of the label files of audio it does not mention."""
    table, audio = folder / ANNOTATIONS, folder / "audio"
    mentioned: set[str] = set()
    is_table = os.path.lexists(table)  # what is no file is told by who reads it
    if is_table:
        for row in OwnTable.read(table).events():
            mentioned.add(row.file)
            yield table, row.line, row.read
    any_labels = False
    for path in sorted(audio.rglob("*")) if audio.is_dir() else ():
        name = path.relative_to(audio).as_posix()
        if name in mentioned or not path.is_file() or path.suffix.lower() in LABEL_SUFFIXES:
            continue
        for label_file, line, label in labels_beside(path):
            any_labels = True
            yield label_file, line, label if isinstance(label, str) else reference_of(label, name)
    for label_file, line, label in tables_naming_files(folder):
        if isinstance(label, str) or label.file not in mentioned:
            any_labels = True
            yield label_file, line, label if isinstance(label, str) else reference_of(label, label.file or "")
    if not is_table and not any_labels:
        raise InputError(f"{folder} has neither {ANNOTATIONS} nor label files beside its audio; see docs/datasets.md")


def _audio_path(folder: Path, name: str) -> Path:
    return folder / "audio" / name  # an absolute name (`dataset add --reference`) stands for itself


def _assemble(folder: Path, rows: Sequence[ReferenceEvent], broken: Sequence[BrokenRow]) -> Dataset:
    groups = _composer_groups(folder / "songs.csv")
    sounds: dict[str, dict[tuple[str, str], list[ReferenceEvent]]] = {}
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


def _sound(file: str, class_: str, annotator: str, rows: Iterable[ReferenceEvent]) -> AnnotatedSound:
    ordered = sorted(rows, key=lambda row: row.span)
    return AnnotatedSound(
        file=file,
        class_=class_,
        kind=next((row.kind for row in ordered if row.kind), ""),
        annotator=annotator,
        occurrences=tuple(row.span for row in ordered if not row.flag),
        near=tuple(row.span for row in ordered if row.flag),
    )


def _composer_groups(path: Path) -> dict[str, str]:
    """The column ``composer_group`` of ``songs.csv`` by file; empty where there is no such table."""
    if not os.path.lexists(path):
        return {}
    try:
        text = read_small(path, max_bytes=MOST_SONGS_BYTES, any_link=True, what="table of songs").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: it is not UTF-8; save the table as UTF-8") from error
    except OSError as error:
        raise AudioError(unreadable(path, error)) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        return {row["file"]: row.get("composer_group") or "" for row in reader if row.get("file")}
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + 1}: {error}; correct the row") from error
