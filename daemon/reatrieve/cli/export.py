"""``reatrieve export``: sync files from a session's journal, a list of regions or a REAPER project, without REAPER."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.annotations.tables import STATED
from reatrieve.cli.values import plural
from reatrieve.errors import AudioError, InputError
from reatrieve.sync.marker_names import sounds_of_names
from reatrieve.sync.model import Accepted, TargetKind
from reatrieve.sync.targets import TARGETS, Options
from reatrieve.sync.tempo import TempoMap
from reatrieve.sync.wave_content import open_content

if TYPE_CHECKING:
    from reatrieve.audio.trackmap import TrackMap

__all__ = ["add", "run"]

EPILOG = """\
targets:
{targets}

examples:
  reatrieve export session.jsonl --to all --out Sync
  reatrieve export --rpp Level1.rpp --track Music --match "riser*" --to json,unity --out Sync
  reatrieve export --regions regions.csv --audio mix.wav --to json,wav --out Sync
"""


@dataclass(frozen=True)
class _Source:
    """What is exported, wherever it came from."""

    accepted: list[Accepted]
    track_map: TrackMap | None = None
    tempo_map: TempoMap | None = None
    unplayable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    targets = "\n".join(f"  {name:12} {target.about}" for name, target in TARGETS.items())
    parser = subparsers.add_parser(
        "export",
        description="Write sync files for game engines from a session's journal, a list of regions or a REAPER "
        "project.",
        epilog=EPILOG.format(targets=targets),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_argument_group("what to export (one of)")
    source.add_argument("journal", nargs="*", type=Path, metavar="JOURNAL", help="journals of sessions on one track")
    source.add_argument("--regions", type=Path, metavar="FILE", help="any annotation file that 'convert' reads")
    source.add_argument("--rpp", type=Path, metavar="FILE", help="a REAPER project, as last saved")
    parser.add_argument("--match", default="", metavar="PATTERN", help="with --rpp, regions by name, as in riser*")
    parser.add_argument("--track", default="", metavar="NAME", help="with --rpp, the searched track's name or GUID")
    parser.add_argument(
        "--unit", default="", metavar="UNIT", help="with --regions, what numbers count where FILE does not say it: "
        "seconds, ms, samples (of --audio), or frames, as in '25 fps'",
    )  # fmt: skip
    parser.add_argument("--to", default="json", metavar="TARGETS", help="comma separated, or all (default: json)")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    parser.add_argument("--name", default="", help="stem of the files' names (default: the audio's)")
    audio = parser.add_argument_group("the audio that the game ships (default: the track's source file, if one fits)")
    audio.add_argument(
        "--audio", metavar="PATH", help="a render of the project, or 'track' to write the stitched track"
    )
    audio.add_argument("--audio-start", type=float, default=0.0, metavar="S", help="project time of its first frame")
    audio.add_argument(
        "--audio-sha256", metavar="HEX", help="refuse other content (pcm_sha256 of an earlier sync JSON)"
    )
    when = parser.add_argument_group("when events fire")
    when.add_argument("--anchor", choices=("start", "onset", "peak"), default="start", help="(default: start)")
    when.add_argument("--nudge-ms", type=float, default=0.0, metavar="MS", help="move all anchors; negative is earlier")
    when.add_argument("--snap", type=int, default=0, metavar="N", help="snap anchors to N grid lines a beat")
    when.add_argument("--bpm", type=float, metavar="BPM", help="constant tempo, where no project tells one")
    names = parser.add_argument_group("names and details")
    names.add_argument("--label", default="{label}", help="template of {label}, {pattern}, {n:2}, {bar}, {beat}")
    names.add_argument("--label-ascii", action="store_true", help="fold labels to ASCII")
    names.add_argument("--wav-points", action="store_true", help="cues without lengths in the cue WAV")
    names.add_argument("--reaper-loops", action="store_true", help="smpl loops as well (engines will loop there)")
    names.add_argument("--fmod-ends", action="store_true", help="a marker at each event's end too")
    names.add_argument("--fmod-tempo", action="store_true", help="tempo markers too")
    names.add_argument("--wwise-segment", default="", metavar="PATH", help="path or GUID of the music segment")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--add", action="store_true", help="keep what earlier exports of other sessions hold")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Export, and print every file written.

    Raises
    ------
    InputError
        If there is nothing to export, or a flag cannot be used as it is.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from reatrieve.sync.anchors import Placement
    from reatrieve.sync.export import ExportJob, export

    source = _read(args)
    if not source.accepted:
        raise InputError("there is no accepted region to export; accept one, or check --match")
    if not math.isfinite(args.audio_start) or not math.isfinite(args.nudge_ms):
        raise InputError("--audio-start and --nudge-ms need finite numbers")
    kind: TargetKind = "source" if args.audio is None else "track" if args.audio == "track" else "render"
    _refuse_unplayable(source, kind, args.anchor)
    options = Options(
        label=args.label,
        label_ascii=args.label_ascii,
        cue_regions=not args.wav_points,
        reaper_loops=args.reaper_loops,
        fmod_ends=args.fmod_ends,
        fmod_tempo=args.fmod_tempo,
        wwise_segment=args.wwise_segment,
    )
    job = ExportJob(
        accepted=source.accepted,
        folder=args.out,
        targets=args.to,
        audio=kind,
        audio_path=Path(args.audio) if kind == "render" else None,
        audio_start_s=args.audio_start,
        track_map=source.track_map,
        placement=Placement(args.anchor, args.nudge_ms, args.snap, source.tempo_map),
        name=args.name,
        options=options,
        expected_pcm_sha256=args.audio_sha256,
        force=args.force,
        add=args.add,
    )
    notes = list(source.notes)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("exporting"), BarColumn(), console=console, transient=True, disable=not console.is_terminal
    )
    with bar:
        task = bar.add_task("", total=1.0)
        written = export(job, progress=lambda share: bar.update(task, completed=share), note=notes.append)
    count = len(source.accepted)
    print(f"{plural(count, 'event')} in {plural(len(written), 'file')}:")
    for target, path in written:
        print(f"  {target:12} {path}")
    for note in notes:
        print(f"note: {note}")
    return 0


def _read(args: argparse.Namespace) -> _Source:
    if sum((bool(args.journal), args.regions is not None, args.rpp is not None)) != 1:
        raise InputError("name what to export: one or more journals, or --regions FILE, or --rpp FILE")
    if args.bpm is not None and not 1 <= args.bpm <= 1000:
        raise InputError(f"--bpm {args.bpm}: a tempo lies between 1 and 1000 beats a minute")
    if args.unit and args.regions is None:
        raise InputError("--unit says what the numbers of --regions FILE count; give both, or leave it out")
    tempo_map = None if args.bpm is None else TempoMap.constant(args.bpm)
    if args.journal:
        source = _from_journals(args.journal)
        return source if tempo_map is None else replace(source, tempo_map=tempo_map)
    if args.regions is not None:
        from reatrieve.annotations.files import read_annotations
        from reatrieve.cli.convert import of_one_recording

        notes: list[str] = []
        render = None if args.audio in (None, "track") else Path(args.audio)
        rows = read_annotations(args.regions, rate_hz=_rate_hz(render), unit=args.unit or STATED, on_note=notes.append)
        if render is not None and len({row.file for row in rows if row.file}) > 1:
            rows = of_one_recording(rows, str(render.absolute()), source=args.regions.name)
        sounds = sounds_of_names(row.label for row in rows)
        found = [
            Accepted(
                row.start_s,
                row.end_s,
                row.label or "event",
                row.sound or sound,
                row.score,
                f"{args.regions.name}:{row.start_s:.6f}",  # by time: line numbers change when a row is put in
                row.payload,
            )
            for row, sound in zip(rows, sounds, strict=True)
        ]
        return _Source(found, None, tempo_map, notes=tuple(notes))
    source = _from_project(args.rpp, args.match, args.track, with_track=args.audio in (None, "track"))
    return source if tempo_map is None else replace(source, tempo_map=tempo_map)


def _rate_hz(audio: Path | None) -> int | None:
    """Sample rate of the audio that the game ships, for lists in samples; None where it is not known."""
    try:
        return None if audio is None else open_content(audio).rate_hz
    except AudioError:
        return None  # whoever reads the audio says so


def _from_project(path: Path, match: str, track: str, *, with_track: bool) -> _Source:
    from reatrieve.sync.rpp_project import read_rpp
    from reatrieve.sync.rpp_sessions import accepted_regions

    project = read_rpp(path)
    accepted, found_on = accepted_regions(project, match=match)
    if not with_track and not track and not found_on:
        return _Source(accepted, None, project.tempo_map)
    found = project.track(track or found_on)
    return _Source(accepted, found.map, project.tempo_map, found.obstacles)


def _from_journals(paths: Sequence[Path]) -> _Source:
    """Accepted regions of one or more sessions; they must have searched one track, or only a render can be shipped."""
    from reatrieve.journal import read_journal
    from reatrieve.session.state import fold
    from reatrieve.sync.earlier import accepted_in

    accepted: list[Accepted] = []
    headers = []
    for path in paths:
        header, lines = read_journal(path)
        state = fold(line.event for line in lines)
        headers.append(header)
        accepted += accepted_in(state, session=header.session, origin_s=header.origin_s)
    same_track = all(header.track_map == headers[0].track_map for header in headers)
    tempo = next((header.tempo for header in headers if header.tempo), ())
    sources = {path: header.created_s for header in headers for path in header.track_map.paths}
    return _Source(
        accepted,
        headers[0].track_map if same_track else None,
        TempoMap.of_rows(tempo) if tempo else None,
        notes=tuple(
            f"{path.name} was written after the search; check that the regions still fit"
            for path, searched_s in sources.items()
            if _written_after(path, searched_s)
        ),
    )


def _written_after(path: Path, time_s: float) -> bool:
    try:
        return path.stat().st_mtime > time_s
    except OSError:
        return False  # whoever reads the file says that it is not there


def _refuse_unplayable(source: _Source, kind: TargetKind, anchor: str) -> None:
    """A saved project has no rendering of stretched items: reading their files would pass off wrong audio as the
    track."""
    if source.unplayable and (kind == "track" or anchor != "start"):
        raise InputError(f"{source.unplayable[0]}, which only REAPER can play; render the track and name it by --audio")
