"""Ground truth from label files of other programs that lie beside the audio: Audacity, REAPER, DCASE and more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import soundfile

from reatrieve.annotations.annotation import Annotation as Label
from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.tables import decode_text, read_table
from reatrieve.errors import AudioError, InputError

__all__ = ["Label", "labels_beside", "tables_naming_files"]

SUFFIXES = (".txt", ".csv", ".tsv", ".jams")
_LINE = re.compile(r", line (\d+): (.*)", re.DOTALL)


def labels_beside(audio: Path) -> Iterator[tuple[Path, int, Label | str]]:
    """Labels of one audio file, from files of the same name with another suffix.

    Yields
    ------
    (label file, line, label or what is wrong with that line)
        Line 0 where the format has none.
    """
    for suffix in SUFFIXES:
        path = audio.with_suffix(suffix)
        if path.is_file():
            for line, label in _rows(path, rate_hz=_rate_hz(audio)):
                yield path, line, label


def tables_naming_files(folder: Path) -> Iterator[tuple[Path, int, Label | str]]:
    """Labels of tables that name the audio of each row, as DCASE's: every ``.tsv`` in ``folder``."""
    for path in sorted(folder.glob("*.tsv")):
        for line, label in _rows(path, rate_hz=None):
            yield path, line, "the row names no audio file" if isinstance(label, Label) and not label.file else label


def _rate_hz(audio: Path) -> int | None:
    try:
        return int(soundfile.info(audio).samplerate)
    except (RuntimeError, OSError):
        return None  # the data set says so, row by row


def _rows(path: Path, *, rate_hz: int | None) -> Iterator[tuple[int, Label | str]]:
    """Read a file whose reader stops at the first bad line: each bad one is told, blanked, the rest read again."""
    try:
        content = path.read_bytes()
        if path.suffix == ".jams":
            yield from ((0, label) for label in read_annotations(path, rate_hz=rate_hz))
            return
        lines = decode_text(content, name=path.name).splitlines()
    except (AudioError, InputError, OSError) as error:
        yield 0, str(error)
        return
    labels: list[Label] = []
    while True:
        try:
            labels = read_table("\n".join(lines), name=path.name, rate_hz=rate_hz)
            break
        except InputError as error:
            told = _LINE.search(str(error))
            line = int(told.group(1)) if told else 0
            yield line, told.group(2) if told else str(error)
            if not 1 <= line <= len(lines) or not lines[line - 1].strip():
                return
            lines[line - 1] = ""
    yield from zip(_line_numbers(lines, len(labels)), labels, strict=True)


def _line_numbers(lines: list[str], n_labels: int) -> list[int]:
    """The line of each label: all that hold text, after a header if there is one; 0 where that does not add up."""
    filled = [number for number, line in enumerate(lines, start=1) if line.strip() and not line.startswith("\\")]
    without_header = filled[-n_labels:] if n_labels else []
    return without_header if len(filled) - n_labels in (0, 1) else [0] * n_labels
