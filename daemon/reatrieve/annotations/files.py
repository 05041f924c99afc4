"""Read annotations from any file that we know, finding out by its content which kind it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.delimited import DelimitedText, read_text
from reatrieve.annotations.json_files import read_json
from reatrieve.annotations.own_table import OwnTable, is_own_header
from reatrieve.annotations.reference import NEAR_SUFFIX, ReferenceEvent
from reatrieve.annotations.tables import Note, table_rows
from reatrieve.annotations.wav_cues import read_wav_cues
from reatrieve.audio.riff import is_wave
from reatrieve.errors import AudioError, InputError
from reatrieve.files import unreadable

__all__ = ["Annotation", "annotation_rows", "is_own_table", "read_annotations"]

UNREAD: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'File type\s*=\s*"ooTextFile|"ooTextFile'), "a Praat TextGrid is not read; save its tier as "
     "a table"),
    (re.compile(r"SESSION NAME:|M A R K E R S  L I S T I N G"), "Pro Tools' session text is not read; export markers "
     "as MIDI or write start, end and label by hand"),
    (re.compile(r"<\?xml|<(!DOCTYPE|ANNOTATION_DOCUMENT|sv)\b"), "XML is not read; export the labels as a table (CSV) "
     "or as Audacity labels"),
    (re.compile(r"WEBVTT|\d+\s+\d+:\d+:\d+[,.]\d+\s+-->"), "subtitles are not read; export the labels as text (.txt)"),
    (re.compile(r"TITLE:.*\s+FCM:"), "an EDL is not read; export the markers as a table of start, end and label"),
    (re.compile(r'\{"reatrieve":\s*"journal"'), "this is the journal of a session; its labels are written by reatrieve "
     "export JOURNAL --to audacity"),
    (re.compile(r"Marker file version"), "this list of markers is not read; write start, end and label"),
)  # fmt: skip
"""Formats that we know and do not read, by how they begin, and what to do."""


def read_annotations(
    path: Path, *, rate_hz: int | None = None, unit: str = "", on_note: Note | None = None
) -> list[Annotation]:
    """Read labelled times from a file of any kind that ReaTrieve knows, in the order of the file.

    Known are our own ``annotations.csv``, Audacity labels, REAPER's region CSV, DCASE and sed_eval lists, tables of
    Raven, BirdNET, Kaleidoscope, OpenSoundscape, DAS and crowsetta, Audition and Sonic Visualiser CSV, JAMS,
    ReaTrieve's sync JSON, and the cue points of WAV files. What a file is follows from its content.

    Parameters
    ----------
    path : the file.
    rate_hz : sample rate, needed only for tables whose times are sample numbers.
    unit : what whole numbers count in tables that do not say it, as ``tables.table_unit`` reads it.
    on_note : told what a label has no place for, a sentence each.

    Returns
    -------
    list of Annotation
        Times in seconds as written; points have equal start and end. ``file`` is set where the format names the
        recording.

    Raises
    ------
    AudioError
        If the file cannot be read.
    InputError
        If it is of no known kind, or damaged: file, line and reason.
    """
    found = []
    for line, read in annotation_rows(path, rate_hz=rate_hz, unit=unit, on_note=on_note):
        if isinstance(read, str):
            raise InputError(f"{path.name}, line {line}: {read}")
        found.append(read)
    return found


def annotation_rows(
    path: Path, *, rate_hz: int | None = None, unit: str = "", whole_paths: bool = False, on_note: Note | None = None
) -> Iterator[tuple[int, Annotation | str]]:
    """Each annotation of a file with its line (0 where the format has none), or what is wrong with that line.

    Parameters and errors are those of ``read_annotations``, but for rows that cannot be used. ``whole_paths`` names the
    recordings by the paths that a table has, not by as much of them as tells them apart.

    Raises
    ------
    InputError
        If the file is of no format that is read.
    AudioError
        If the file cannot be read.
    """
    try:
        if is_wave(path):
            yield from ((0, cue) for cue in read_wav_cues(path, on_note=on_note))
            return
    except AudioError:
        raise
    except OSError as error:
        raise AudioError(unreadable(path, error)) from error
    text = read_text(path, name=path.name)
    start = text[:4000].lstrip()
    if unread := next((why for pattern, why in UNREAD if pattern.match(start)), None):
        raise InputError(f"{path.name}: {unread}")
    if start.startswith("{"):
        yield from ((0, one) for one in read_json(text, name=path.name, on_note=on_note))
        return
    if _is_own(text):
        yield from ((row.line, _annotation(row.read)) for row in OwnTable.of_text(text, path).events())
        return
    yield from table_rows(text, name=path.name, rate_hz=rate_hz, unit=unit, whole_paths=whole_paths, on_note=on_note)


def is_own_table(path: Path) -> bool:
    """Whether a file has the columns of ``annotations.csv``, whatever its name.

    Raises
    ------
    AudioError
        If the file cannot be read.
    InputError
        If it is no text and no WAV.
    """
    try:
        return not is_wave(path) and _is_own(read_text(path, name=path.name))
    except AudioError:
        raise
    except OSError as error:
        raise AudioError(unreadable(path, error)) from error


def _is_own(text: str) -> bool:
    rows = DelimitedText.of(text, is_understood=is_own_header).rows(tabs_are_quoted=True)
    _, first = next(rows, (0, ""))
    return not isinstance(first, str) and is_own_header(first)


def _annotation(read: ReferenceEvent | str) -> Annotation | str:
    if isinstance(read, str):
        return read
    label = read.class_ + NEAR_SUFFIX if read.flag else read.class_
    return Annotation(read.span.start_s, read.span.end_s, label, read.file)
