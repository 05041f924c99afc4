"""``reatrieve convert``: label files of one program for another."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reatrieve import limits
from reatrieve.annotations.annotation import Annotation
from reatrieve.annotations.files import read_annotations
from reatrieve.annotations.recordings import same_recording
from reatrieve.annotations.tables import table_unit
from reatrieve.cli.output import say
from reatrieve.cli.values import check_file_to_write, file_path, plural, whole_up_to
from reatrieve.errors import AudioError, InputError
from reatrieve.files import holds, made_for, write_whole
from reatrieve.plain import quoted, shortened
from reatrieve.sync.writers import tables

__all__ = ["FORMATS", "add", "of_one_recording", "refuse_idle_unit", "run"]

FORMATS: Mapping[str, tuple[str, Callable[[Sequence[Annotation]], bytes]]] = {
    "audacity": ("labels.txt", tables.write_audacity),
    "reaper": ("regions.csv", tables.write_reaper_csv),
    "dcase": ("tsv", tables.write_dcase),
    "jams": ("jams", tables.write_jams),
    "raven": ("raven.txt", tables.write_raven),
    "sv": ("sv.csv", tables.write_sonic_visualiser),
    "audition": ("audition.csv", tables.write_audition),
}
"""Formats that can be written, with the endings that mean them."""

PLAIN_ENDINGS = {".txt": "audacity", ".csv": "reaper", ".tsv": "dcase", ".jams": "jams"}
EXPORTED = {".wav": "wav", ".json": "json", ".mid": "midi"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "convert",
        description="Turn label files of one program into another's. It reads Audacity labels, REAPER's region CSV, "
        "DCASE and sed_eval lists, tables of Raven, BirdNET, Kaleidoscope, OpenSoundscape, DAS, crowsetta, Audition "
        "and Sonic Visualiser, our annotations.csv, JAMS, sync JSON, and cue points of WAV files. It recognises a file "
        "by its content, and refuses what it does not understand. Cue WAV and sync JSON are written by "
        "'export --regions IN --audio WAV'.",
    )
    parser.add_argument("input", type=file_path, metavar="IN", help="file to read")
    parser.add_argument("output", type=file_path, metavar="OUT", help="file to write")
    parser.add_argument(
        "--to", choices=sorted(FORMATS), metavar="FORMAT", help=f"{', '.join(FORMATS)}; else by OUT's ending"
    )
    parser.add_argument("--file", default="", metavar="NAME", help="the recording, where IN has labels of several")
    parser.add_argument(
        "--unit", default="", metavar="UNIT", help="what numbers count where IN does not say it: seconds, ms, samples, "
        "or frames, as in '25 fps'",
    )  # fmt: skip
    parser.add_argument(
        "--rate",
        type=whole_up_to(limits.MAX_RATE_HZ),
        metavar="HZ",
        help="sample rate, for tables whose times are sample numbers",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Convert one file and print its name.

    Raises
    ------
    InputError
        If a flag or the labels cannot be used as they are.
    AudioError
        If the output cannot be written.
    """
    if args.rate is not None and args.rate <= 0:
        raise InputError(f"--rate {args.rate}: a sample rate is above 0")
    if args.unit:
        table_unit(args.unit)
    check_file_to_write(args.output, "OUT")
    form = args.to or _format_of(args.output)
    recording = f"{args.input.name.partition('.')[0]}.wav"  # for formats that name one, where the input names none
    notes: list[str] = []
    found = read_annotations(args.input, rate_hz=args.rate, unit=args.unit, on_note=notes.append)
    _refuse_without_effect(args, found)
    if args.file or form != "dcase":
        found = of_one_recording(found, args.file, source=args.input.name)
    if not found:
        say(f"reatrieve: {args.input.name} has no labels; there is nothing to convert", file=sys.stderr)
        return 1
    _refuse_or_tell_early(found, form, args.input.name, notes)
    annotations = [one if one.file else replace(one, file=recording) for one in found]
    content = FORMATS[form][1](annotations)
    is_same = holds(args.output, content)
    if os.path.lexists(args.output) and not args.force and not is_same:
        raise InputError(f"{args.output} already exists; add --force to replace it, or choose another name")
    try:
        if not is_same:
            with made_for(args.output.parent):
                write_whole(args.output, content)
    except OSError as error:
        raise AudioError(f"cannot write to {args.output}: {error.strerror or error}; choose another folder") from error
    say(f"{plural(len(annotations), 'label')} as {form} in {args.output}")
    for note in notes:
        say(f"note: {note}")
    return 0


def _refuse_or_tell_early(found: Sequence[Annotation], form: str, source: str, notes: list[str]) -> None:
    """Times before the start of the recording are told; JAMS takes none (``"minimum": 0`` in its schema)."""
    early = [one for one in found if one.start_s < 0.0]
    if not early:
        return
    label, start_s = early[0].label, early[0].start_s
    if form == "jams":
        raise InputError(
            f"{source}: {quoted(label)} starts at {start_s:g} s, before the recording, and JAMS takes no time below 0; "
            "correct it, or choose another format by --to"
        )
    notes.append(
        f"1 label lies before the start of the recording: {quoted(label)} starts at {start_s:g} s"
        if len(early) == 1
        else f"{len(early)} labels lie before the start of the recording: {quoted(label)} starts at {start_s:g} s"
    )


def _refuse_without_effect(args: argparse.Namespace, found: list[Annotation]) -> None:
    """An option that changes nothing is a mistake."""
    if args.file and found and not any(one.file for one in found):
        raise InputError(f"--file has no effect: {args.input.name} names no recording; leave it out")
    if args.rate is not None and not args.unit and _is_told(found) and _reads_as(found, args.input, None, ""):
        raise InputError(f"--rate has no effect: the times in {args.input.name} are no sample numbers; leave it out")
    refuse_idle_unit(args.unit, found, args.input, rate_hz=args.rate)


def refuse_idle_unit(unit: str, found: list[Annotation], path: Path, *, rate_hz: int | None) -> None:
    """Refuse a ``--unit`` with which ``found`` was read where the file says itself what its times count.

    Raises
    ------
    InputError
        If it would have been read the same with another unit.
    """
    other = "seconds" if unit and table_unit(unit) is table_unit("ms") else "ms"
    if unit and _is_told(found) and _reads_as(found, path, rate_hz, other):
        raise InputError(f"--unit has no effect: {path.name} says itself what its times count; leave it out")


def _is_told(found: list[Annotation]) -> bool:
    """Whether the times can tell units apart: by 0 none can."""
    return any(one.start_s or one.end_s for one in found)


def _reads_as(found: list[Annotation], path: Path, rate_hz: int | None, unit: str) -> bool:
    try:
        return read_annotations(path, rate_hz=rate_hz, unit=unit) == found
    except InputError:
        return False


def of_one_recording(found: list[Annotation], file: str, *, source: str) -> list[Annotation]:
    """Those of the recording ``file``, or all if they are of one: most formats have no place for a second.

    Raises
    ------
    InputError
        If there are several to choose from, or none of that name.
    """
    files = list(dict.fromkeys(one.file for one in found if one.file))
    names = ", ".join(map(shortened, files[:5])) + (", ..." if len(files) > 5 else "")
    if not file:
        if len(files) > 1:
            raise InputError(f"{source} has labels of {len(files)} recordings; choose one by --file: {names}")
        return found
    meant = [name for name in files if name == file] or [name for name in files if same_recording(name, file)]
    if files and not meant:
        raise InputError(f"{source} has no labels of {Path(file).name}, but of {names}")
    if len(meant) > 1:
        raise InputError(
            f"{source} has labels of {len(meant)} recordings called so; choose one: "
            f"{', '.join(map(shortened, meant[:5]))}"
        )
    return [one for one in found if one.file in (*meant, None)]


def _format_of(path: Path) -> str:
    name = path.name.lower()
    for form, (ending, _) in FORMATS.items():
        if name.endswith(f".{ending}"):
            return form
    found = PLAIN_ENDINGS.get(path.suffix.lower())
    if found is None:
        target = EXPORTED.get(path.suffix.lower())
        if target is not None:
            raise InputError(f"{path.name} needs its audio: reatrieve export --regions IN --audio WAV --to {target}")
        names = ", ".join(FORMATS)
        raise InputError(f"{path.name}: its ending does not say which format; add --to with one of {names}")
    return found
