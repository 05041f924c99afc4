"""Ground truth from label files of other programs that lie beside the audio: Audacity, REAPER, DCASE and more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.files import annotation_rows
from reatrieve.annotations.reference import audio_rate_hz
from reatrieve.annotations.tables import STATED
from reatrieve.errors import AudioError, InputError
from reatrieve.plain import shortened

__all__ = ["labels_beside", "tables_naming_files"]

SUFFIXES = (".txt", ".csv", ".tsv", ".jams")


def labels_beside(audio: Path) -> Iterator[tuple[Path, int, Annotation | str]]:
    """Labels of one audio file, from files of the same name with another suffix.

    Yields
    ------
    (label file, line, label or what is wrong with that line)
        Line 0 where the format has none.
    """
    rate_hz = audio_rate_hz(audio)
    for suffix in SUFFIXES:
        path = audio.with_suffix(suffix)
        if path.is_file():
            for line, label in _rows(path, rate_hz=rate_hz):
                yield path, line, _of(audio, label) if line else label  # without lines: JAMS, which has a title there


def _of(audio: Path, label: Annotation | str) -> Annotation | str:
    """The label, unless its row names another recording; that the audio was converted since does not matter."""
    if isinstance(label, str) or not label.file or PurePosixPath(label.file).stem == audio.stem:
        return label
    return f"the row is of {shortened(label.file)}, not of {audio.name}"


def tables_naming_files(folder: Path) -> Iterator[tuple[Path, int, Annotation | str]]:
    """Labels of tables that name the audio of each row, as DCASE's: every ``.tsv`` in ``folder``."""
    for path in sorted(folder.glob("*.tsv")):
        for line, label in _rows(path, rate_hz=None):
            unnamed = isinstance(label, Annotation) and not label.file
            yield path, line, "the row names no audio file" if unnamed else label


def _rows(path: Path, *, rate_hz: int | None) -> Iterator[tuple[int, Annotation | str]]:
    """The rows of a file; what makes the whole file unusable is told as line 0."""
    try:
        yield from annotation_rows(path, rate_hz=rate_hz, unit=STATED, whole_paths=True)
    except (AudioError, InputError) as error:
        yield 0, str(error).removeprefix(f"{path.name}: ")
