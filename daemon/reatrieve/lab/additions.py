"""Sessions become data: what a user accepted and skipped in a finished session, as rows of a data set."""

from __future__ import annotations

import contextlib
import csv
import filecmp
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from reatrieve.annotations.own_table import ANNOTATIONS, COLUMNS, OwnTable
from reatrieve.audio.decode import sound_info
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from reatrieve.files import appearing, made_for, not_left_empty, write_whole
from reatrieve.journal import Line, read_journal
from reatrieve.plain import quoted
from reatrieve.session.events import Renamed, Started
from reatrieve.session.spans import Span
from reatrieve.session.state import SessionState, fold

__all__ = ["Added", "add_session"]

RENDER_RATE_HZ = 44100
WHOLE_FILE_TOLERANCE_S = 0.002


@dataclass(frozen=True, slots=True)
class Added:
    """What one session brought: rows of ``class_`` in ``file``.

    Attributes
    ----------
    rendered : its track had to be mixed to a file.
    renamed : the classes that its rows had from an earlier name of the session.
    also : other classes that the same places have in the table.
    """

    file: str
    class_: str
    occurrences: int
    near: int
    rendered: bool
    renamed: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def add_session(
    journal: Path,
    folder: Path,
    *,
    name: str = "",
    label: str = "",
    annotator: str = "",
    reference: bool = False,
    unfinished: bool = False,
) -> Added:
    """Add the answers of one session to the data set in ``folder``, which is made when missing.

    The example and what was accepted become occurrences; what was skipped becomes `near`; rejections leave no row. A
    session over one whole file takes that file along; another one (several items, rates, fades) is mixed to a FLAC.
    Rows that the session has there under an earlier name get the new one, and keep what else stands in them.

    Parameters
    ----------
    name : of the audio file in the data set, without suffix; by default the source file's or the journal's.
    label : class of the rows; by default the session's label.
    annotator : fills the column of that name.
    reference : write the absolute path of the source file instead of copying it.
    unfinished : take a session that still has a candidate to answer, too.

    Raises
    ------
    JournalError
        The journal cannot be replayed.
    InputError
        The session is not over, the file's name is taken by other audio, or that class is annotated there already.
    AudioError
        A source is gone, or the disk does not take audio or table; what was there before stays.
    """
    header, lines = read_journal(journal, warn=True)
    state = fold(line.event for line in lines)
    if state.over is None and not unfinished:
        raise InputError(
            f"{journal.name}: the session is not over, so sounds may be missing; finish it, or add --unfinished"
        )
    class_ = label or state.label or "sound"
    source = _whole_file(header.track_map)
    if source is not None and reference:
        file = source.resolve().as_posix()
    else:
        stem = name or (source.stem if source is not None else journal.name.split(".")[0])
        file = f"{stem}{source.suffix if source is not None else '.flac'}"
    rows = _Table(folder / ANNOTATIONS)
    if rows.holds(file=file, annotator=annotator, **{"class": class_}):
        raise InputError(f"{quoted(class_)} is already annotated in {file}; choose another --label")
    near = [one.span for one in state.candidates.values() if one.state == "skipped"]
    occurrences = [span for _, span in _kept(state)]
    wanted = [
        {
            "file": file, "class": class_, "start": f"{span.start_s:.6f}", "end": f"{span.end_s:.6f}",
            "flag": flag, "annotator": annotator,
        }
        for span, flag in sorted([*((span, "") for span in occurrences), *((span, "near") for span in near)])
    ]  # fmt: skip
    there = rows.classes_at(wanted)
    earlier = _earlier_names(lines, state)
    renamed = rows.move_into(wanted, [one for one in there if one in earlier])
    for row in wanted:
        rows.add(**row)
    brought = None
    with not_left_empty(folder / "audio"):
        if not (source is not None and reference) and _bring_audio(header.track_map, source, folder / "audio" / file):
            brought = folder / "audio" / file
        try:
            rows.write()
        except AudioError:
            if brought is not None:  # nothing names it
                with contextlib.suppress(OSError):
                    brought.unlink()
            raise
    also = tuple(one for one in there if one not in renamed)
    return Added(file, class_, len(occurrences), len(near), source is None, renamed, also)


def _earlier_names(lines: Sequence[Line], state: SessionState) -> set[str]:
    """What the session was called before it had its name of now."""
    names = {line.event.label for line in lines if isinstance(line.event, Started | Renamed)}
    return {name or "sound" for name in names - {state.label}}


def _kept(state: SessionState) -> Sequence[tuple[int, Span]]:
    """The example as its region stands (as marked, if that is gone) and what was accepted."""
    kept = state.accepted_regions
    return kept if state.example_region is not None else ((0, state.example), *kept)


def _whole_file(track_map: TrackMap) -> Path | None:
    """The file that the map plays from start to end and nothing else; None if there is more to it."""
    (item, *others) = track_map.items
    if others:
        return None
    plain = TrackItem(item.path, item.position_s, item.length_s)
    same = all(
        getattr(item, name) == getattr(plain, name)
        for name in ("offset_s", "rate", "reverse", "channel_mode", "fade_in_s", "fade_out_s", "section_start_s")
    )
    duration_s = sound_info(item.path).duration_s
    lengths = (item.length_s, item.section_length_s or duration_s)  # REAPER's scripts name a section that is the file
    whole = all(abs(length_s - duration_s) <= WHOLE_FILE_TOLERANCE_S for length_s in lengths)
    return item.path if same and whole else None


def _bring_audio(track_map: TrackMap, source: Path | None, target: Path) -> bool:
    """Have the audio in the data set; whether it was not there before."""
    if target.exists():
        if source is not None and filecmp.cmp(source, target, shallow=False):
            return False
        if source is None:
            raise InputError(f"{target} exists; choose another --name")
        raise InputError(f"{target} exists and is other audio than {source}; choose another --name")
    try:
        with made_for(target.parent), appearing(target) as passing:
            if source is not None:
                shutil.copyfile(source, passing)
            else:
                with soundfile.SoundFile(passing, "w", RENDER_RATE_HZ, 1, subtype="PCM_24", format="FLAC") as stream:
                    for block in TrackAudio(track_map).blocks(RENDER_RATE_HZ):
                        stream.write(block.clip(-1.0, 1.0))
    except (OSError, soundfile.LibsndfileError) as error:  # the latter on a full disk, without the system's reason
        why = getattr(error, "strerror", None) or "is the disk full?"
        raise AudioError(f"cannot write {target}: {why}") from error
    return True


class _Table:
    """``annotations.csv`` to add rows to; what somebody else wrote there is kept, broken or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = OwnTable.read(path) if path.is_file() else OwnTable(path, COLUMNS, (), ",")
        broken = next((f"line {line}: {cells}" for line, cells in self._old.rows if isinstance(cells, str)), None)
        if broken:
            raise InputError(f"{path}, {broken}; mend the table or choose another folder")
        self._header = list(self._old.header)
        self._rows = [row for _, row in self._old.rows if isinstance(row, list)]
        self._added: list[list[str]] = []

    def holds(self, **cells: str) -> bool:
        """Whether a row has these cells; a column that the table lacks counts as empty."""
        return any(all(self._old.cell(row, column) == cell for column, cell in cells.items()) for row in self._rows)

    def classes_at(self, wanted: Sequence[dict[str, str]]) -> list[str]:
        """Other classes that rows at some of these places have, of the same file and annotator."""
        found = [self._old.cell(row, "class") for row in self._rows for one in wanted if self._is_at(row, one)]
        return [name for name in dict.fromkeys(found) if name != wanted[0]["class"]]

    def move_into(self, wanted: list[dict[str, str]], classes: Sequence[str]) -> tuple[str, ...]:
        """Take the rows of some classes out of the table; what else stands in them goes into those of ``wanted`` at
        their places. The classes of which that was done.

        A class stays that has other places in that file, too: it may be another session's.
        """
        moved = []
        for class_ in classes:
            same = {"file": wanted[0]["file"], "annotator": wanted[0]["annotator"], "class": class_}
            rows = [row for row in self._rows if all(self._old.cell(row, name) == cell for name, cell in same.items())]
            at = [next((one for one in wanted if self._is_at(row, one)), None) for row in rows]
            places = [one for one in at if one is not None]
            if len(places) < len(rows):
                continue
            for row, one in zip(rows, places, strict=True):
                one |= {name: self._old.cell(row, name) for name in self._old.header if name not in one}
            self._rows = [row for row in self._rows if row not in rows]
            moved.append(class_)
        return tuple(moved)

    def _is_at(self, row: Sequence[str], one: dict[str, str]) -> bool:
        return all(self._old.cell(row, name) == one[name] for name in ("file", "annotator", "start", "end"))

    def add(self, **cells: str) -> None:
        """Add one row; columns that the table lacks are added where the row fills them."""
        self._header += [column for column, cell in cells.items() if cell and column not in self._header]
        self._added.append([cells.get(column, "") for column in self._header])

    def write(self) -> None:
        """The table appears whole or not at all."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self._old.separator, lineterminator="\n")
        writer.writerow(self._header)
        rows = [*self._rows, *self._added]
        writer.writerows([*row, *[""] * (len(self._header) - len(row))] for row in rows)
        try:
            with made_for(self._path.parent):
                write_whole(self._path, text.getvalue().encode("utf-8"))
        except OSError as error:
            raise AudioError(f"cannot write {self._path}: {error.strerror or error}") from error
