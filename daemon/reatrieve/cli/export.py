"""``reatrieve export``: sync files from a session's journal, a list of regions or a REAPER project, without REAPER."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve import limits
from reatrieve.annotations.tables import STATED
from reatrieve.cli.named_journal import read_named_journal
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, Rule, needs
from reatrieve.cli.searched import other_length, whole_file_s, written_after
from reatrieve.cli.values import (
    check_folder_to_write,
    command_line,
    file_path,
    finite,
    finite_within,
    path_text,
    plural,
    seconds_or_number,
    sha256,
    text,
    whole_up_to,
)
from reatrieve.errors import AudioError, InputError, NoShippedAudioError, ReatrieveError
from reatrieve.session.spans import Span, are_one_place
from reatrieve.sync.marker_names import demand_template, sounds_of_names
from reatrieve.sync.model import Accepted, TargetKind
from reatrieve.sync.targets import TARGETS, Options, chosen_options, chosen_targets
from reatrieve.sync.tempo import TempoMap

if TYPE_CHECKING:
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.journal import Header

__all__ = ["add", "check_targets", "run"]

EPILOG = """\
targets:
{targets}

examples:
  reatrieve export session.journal.jsonl --to all --out Sync
  reatrieve export --rpp Level1.rpp --match "riser*" \\
      --out Sync
  reatrieve export --regions regions.csv --audio mix.wav
"""


ONLY = (
    ("--wav-points", "wav"),
    ("--reaper-loops", "wav"),
    ("--fmod-ends", "fmod"),
    ("--fmod-tempo", "fmod"),
    ("--wwise-segment", "wwise"),
)
"""Options that one target alone has."""

OTHER_SOURCES = {
    **dict.fromkeys(("csv", "tsv", "txt", "jams", "json"), "--regions"),
    **dict.fromkeys(("rpp", "rpp-bak"), "--rpp"),
}
"""The option that takes a file, by its ending."""

BAR_OR_BEAT = re.compile(r"\{(bar|beat)(:\d{1,2})?\}")


@dataclass(frozen=True)
class _Source:
    """What is exported, wherever it came from; ``whole_file_s``: one whole file of this length was searched."""

    accepted: list[Accepted]
    track_map: TrackMap | None = None
    tempo_map: TempoMap | None = None
    unplayable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    whole_file_s: float | None = None


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    targets = "\n".join(f"  {name:12} {target.about}" for name, target in TARGETS.items())
    parser = subparsers.add_parser(
        "export",
        description="Write sync files for game engines from a session's journal, a list of regions or a REAPER "
        "project.",
        epilog=EPILOG.format(targets=targets),
    )
    source = parser.add_argument_group("what to export (one of)")
    source.add_argument(
        "journal", nargs="*", type=file_path, metavar="JOURNAL", help="journals of sessions on one track"
    )
    source.add_argument("--regions", type=file_path, metavar="FILE", help="any annotation file that 'convert' reads")
    source.add_argument("--rpp", type=file_path, metavar="FILE", help="a REAPER project, as last saved")
    parser.add_argument(
        "--match", type=text, default="", metavar="PATTERN", help="with --rpp, regions by name, as in riser*"
    )
    parser.add_argument(
        "--track", type=text, default="", metavar="NAME", help="with --rpp, the searched track's name or GUID"
    )
    parser.add_argument(
        "--unit", type=text, default="", metavar="UNIT", help="with --regions, what numbers count where FILE does not "
        "say it: seconds, ms, samples (of --audio), or frames, as in '25 fps'",
    )  # fmt: skip
    parser.add_argument("--to", default="json", metavar="TARGETS", help="comma separated, or all (default: json)")
    parser.add_argument(
        "--out", type=file_path, default=Path(), metavar="DIR", help="folder to write to (default: here)"
    )
    parser.add_argument("--name", type=text, default="", help="stem of the files' names (default: the audio's)")
    audio = parser.add_argument_group("the audio that the game ships")
    audio.add_argument(
        "--audio",
        type=path_text,
        metavar="PATH",
        help="a render of the project, 'source' for the track's own file (default), or 'track' to write the stitched "
        "track",
    )
    audio.add_argument(
        "--audio-start",
        type=partial(seconds_or_number, most=limits.TIME_S),
        default=0.0,
        metavar="S",
        help="project time of its first frame: 83.5 or 1:23.5",
    )
    audio.add_argument(
        "--audio-sha256", type=sha256, metavar="HEX", help="refuse other content (pcm_sha256 of an earlier sync JSON)"
    )
    when = parser.add_argument_group("when events fire")
    when.add_argument("--anchor", choices=("start", "onset", "peak"), default="start", help="(default: start)")
    when.add_argument(
        "--nudge-ms",
        type=finite_within(limits.NUDGE_MS, advice="write milliseconds as -80"),
        default=0.0,
        metavar="MS",
        help="move all anchors; negative is earlier",
    )
    when.add_argument(
        "--snap", type=whole_up_to(limits.SNAP), default=0, metavar="N", help="snap anchors to N grid lines a beat"
    )
    when.add_argument("--bpm", type=finite, metavar="BPM", help="constant tempo, where no project tells one")
    names = parser.add_argument_group("names and details")
    names.add_argument(
        "--label", type=text, default="{label}", help="template of {label}, {pattern}, {n:2}, {bar}, {beat}"
    )
    names.add_argument("--label-ascii", action="store_true", help="fold labels to ASCII")
    names.add_argument("--wav-points", action="store_true", help="cues without lengths in the cue WAV")
    names.add_argument("--reaper-loops", action="store_true", help="smpl loops as well (engines will loop there)")
    names.add_argument("--fmod-ends", action="store_true", help="a marker at each event's end too")
    names.add_argument("--fmod-tempo", action="store_true", help="tempo markers too")
    names.add_argument(
        "--wwise-segment", type=text, default="", metavar="PATH", help="path or GUID of the music segment"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--add", action="store_true", help="keep what earlier exports of other sessions hold")
    parser.rules = [
        needs("--match", "--rpp"),
        needs("--track", "--rpp"),
        needs("--unit", "--regions"),
        needs("--audio-start", "--audio"),
        Rule("--audio-start", lambda args, _: args.audio != "track", "has no effect on the stitched track"),
        Rule("--audio-start", lambda args, _: args.audio != "source", "has no effect on the track's own file"),
        *(
            Rule(option, _writes(target), f"has no effect without the target {target} in --to")
            for option, target in ONLY
        ),
    ]
    parser.set_defaults(func=run)


def _writes(target: str) -> Callable[[argparse.Namespace, Set[str]], bool]:
    return lambda args, _given: target in chosen_targets(args.to)


def check_targets(words: str) -> None:
    """Refuse unknown targets, and options among them that none of the targets has.

    Raises
    ------
    InputError
        Which one, and what would do.
    """
    targets = chosen_targets(words)
    for option, target in ONLY:
        word = option.removeprefix("--")
        if word in (one.strip().lower() for one in words.split(",")) and target not in targets:
            raise InputError(f"{word} has no effect without the target {target} in --to")


def run(args: argparse.Namespace) -> int:
    """Export, and print every file written.

    Raises
    ------
    InputError
        If a flag cannot be used as it is.
    ReatrieveError
        If there is nothing to export.
    AudioError
        If the audio that the game ships is not there.
    """
    from reatrieve.cli.terminal import progress_bar
    from reatrieve.sync.anchors import Placement
    from reatrieve.sync.export import ExportJob, ForceNeededError, OtherContentError, export

    check_targets(args.to)
    demand_template(args.label)
    check_folder_to_write(args.out, "--out")
    args.audio = _audio(args.audio)
    source = _read(args)
    if not source.accepted and args.regions is not None:
        raise ReatrieveError(f"{args.regions.name} has no labels; there is nothing to export")
    if not source.accepted:
        raise ReatrieveError("there is no accepted region to export; accept one, or check --match")
    kind: TargetKind = "source" if args.audio is None else "track" if args.audio == "track" else "render"
    _refuse_unplayable(source, kind, args.anchor)
    if not args.force:
        _refuse_other_length(source, Path(args.audio) if kind == "render" else None, args.audio_start)
    options = Options(
        label=args.label,
        label_ascii=args.label_ascii,
        cue_regions=not args.wav_points,
        reaper_loops=args.reaper_loops,
        fmod_ends=args.fmod_ends,
        fmod_tempo=args.fmod_tempo,
        wwise_segment=args.wwise_segment,
    )
    _refuse_without_tempo(source, chosen_options(args.to, options))
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
        must_keep=args.add,
    )
    notes = list(source.notes)
    try:
        with progress_bar("exporting") as told:
            written = export(job, progress=told, note=notes.append)
    except ForceNeededError as error:
        does = "write them again, with the other sounds in them" if error.keeps else "replace"
        raise InputError(f"{error.fact}; add --force to {does}, or choose another folder by --out") from error
    except OtherContentError as error:
        raise InputError(
            f"the samples of {error.name} do not have the SHA-256 of --audio-sha256; name the audio that has it by "
            "--audio, or leave the option out"
        ) from error
    except NoShippedAudioError as error:
        if kind == "render":
            raise AudioError(f"{error.path}: no such file; check the path of --audio") from error
        raise AudioError(f"{error.path}: no such file; name the audio that the game ships by --audio FILE") from error
    say(f"{plural(written[0].events, 'event')} in {plural(len(written), 'file')}:")
    for one in written:
        say(f"  {one.target:12} {one.path}{' (unchanged)' if one.unchanged else ''}")
    for note in notes:
        say(f"note: {note}", indent=6)
    return 0


def _audio(named: str | None) -> str | None:
    """What ``--audio`` means: "track", a path, or None for the track's own file.

    Raises
    ------
    InputError
        If it is the word for a render, and no file is called so.
    """
    if named == "render" and not Path(named).exists():
        raise InputError("--audio wants the render itself; name its file, as in --audio mix.wav")
    return None if named == "source" else named


def _read(args: argparse.Namespace) -> _Source:
    named = sum((bool(args.journal), args.regions is not None, args.rpp is not None))
    if named == 0:
        raise InputError("name what to export: one or more journals, or --regions FILE, or --rpp FILE")
    if named > 1:
        raise InputError(
            "one source at a time: journals, --regions FILE or --rpp FILE; put a path with spaces into quotation marks"
        )
    if len(set(args.journal)) < len(args.journal):
        raise InputError("a journal is named twice; its events would be doubled")
    if args.bpm is not None and not 1 <= args.bpm <= 1000:
        raise InputError(f"--bpm {args.bpm}: a tempo lies between 1 and 1000 beats a minute")
    tempo_map = None if args.bpm is None else TempoMap.constant(args.bpm)
    if args.journal:
        source = _from_journals(args.journal, render=args.audio not in (None, "track"))
        return source if tempo_map is None else replace(source, tempo_map=tempo_map)
    if args.regions is not None:
        from reatrieve.annotations.files import read_annotations
        from reatrieve.annotations.recordings import same_recording
        from reatrieve.cli.convert import of_one_recording, refuse_idle_unit

        notes: list[str] = []
        render = None if args.audio in (None, "track") else Path(args.audio)
        rate_hz = _rate_hz(render)
        rows = read_annotations(args.regions, rate_hz=rate_hz, unit=args.unit or STATED, on_note=notes.append)
        refuse_idle_unit(args.unit, rows, args.regions, rate_hz=rate_hz)
        recordings = {row.file for row in rows if row.file}
        if render is not None and len(recordings) > 1:
            rows = of_one_recording(rows, str(render.absolute()), source=args.regions.name)
        elif render is not None:
            notes += [
                f"{args.regions.name} is about {other}; check that {render.name} is the same recording"
                for other in recordings
                if not same_recording(_without_ending(other), _without_ending(str(render.absolute())))
            ]
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


def _without_ending(recording: str) -> str:
    """What a recording, its encodings, and the cue WAV and the track that we made of it are all called."""
    return re.sub(r"(\.cues|\.track)?\.\w+$", "", recording)


def _rate_hz(audio: Path | None) -> int | None:
    """Sample rate of the audio that the game ships, for lists in samples; None where it is not known."""
    from reatrieve.sync.wave_content import open_content

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


def _from_journals(paths: Sequence[Path], *, render: bool) -> _Source:
    """Accepted regions of one or more sessions; they must have searched one track, or only a render can be shipped."""
    from reatrieve.session.state import fold
    from reatrieve.sync.earlier import accepted_in

    accepted: list[Accepted] = []
    headers = []
    by_label: dict[str, list[tuple[Path, list[Span]]]] = {}
    damaged: list[str] = []
    for path in paths:
        header, lines = read_named_journal(path, wanted_by="export", options=OTHER_SOURCES, on_damage=damaged.append)
        state = fold(line.event for line in lines)
        spans = [span.moved(header.origin_s) for _, span in state.accepted_regions]
        by_label.setdefault(state.label, []).append((path, spans))
        headers.append(header)
        accepted += accepted_in(state, session=header.session, origin_s=header.origin_s)
    same_track = all(header.track_map == headers[0].track_map for header in headers)
    if not same_track and not render:
        _refuse_different_files(headers)
    tempo = next((header.tempo for header in headers if header.tempo), ())
    younger = dict.fromkeys(path for header in headers for path in written_after(header))
    return _Source(
        accepted,
        headers[0].track_map if same_track else None,
        TempoMap.of_rows(tempo) if tempo else None,
        whole_file_s=whole_file_s(headers),
        notes=(
            *damaged,
            *_alike(by_label),
            *(f"{path.name} was written after the search; check that the regions still fit" for path in younger),
        ),
    )


def _alike(by_label: dict[str, list[tuple[Path, list[Span]]]]) -> tuple[str, ...]:
    """Two sounds of one name are one sound to the game: that is told. Sessions that share a place are of one sound."""
    notes = []
    for label, sessions in by_label.items():
        first = sessions[0][1]
        others = [path for path, spans in sessions[1:] if not any(map(partial(_lies_among, first), spans))]
        if others:
            does = command_line("reatrieve", "find", "--resume", others[0], "--label", "NAME")
            notes.append(f'two sounds are called "{label}", and the game cannot tell them apart; name one: {does}')
    return tuple(notes)


def _lies_among(spans: Sequence[Span], span: Span) -> bool:
    return any(are_one_place(one, span) for one in spans)


def _refuse_different_files(headers: Sequence[Header]) -> None:
    """No file holds the sounds of two recordings; those of one project may be shipped as a render."""
    files = list(dict.fromkeys(path for header in headers for path in header.track_map.paths))
    if len(files) > 1 and all(len(header.track_map.paths) == 1 and not header.project for header in headers):
        names = ", ".join(map(str, files))
        raise InputError(f"the journals searched different files: {names}; export them apart")


def _refuse_other_length(source: _Source, render: Path | None, start_s: float) -> None:
    """Where a whole file was searched, what is shipped in its place should be as long, or a part of it; and so should
    that file itself."""
    audio = render or (source.track_map.paths[0] if source.track_map else None)
    if audio is not None and (there_s := other_length(audio, source.whole_file_s, start_s=start_s)):
        last_s = max(one.end_s for one in source.accepted)
        if last_s > start_s + there_s or min(one.start_s for one in source.accepted) < start_s:
            raise InputError(
                f"{audio.name} lasts {there_s:.3f} s, what was searched {source.whole_file_s:.3f} s, and not all "
                "events lie in it; name another file by --audio, or correct its start"
            )
        raise InputError(
            f"{audio.name} lasts {there_s:.3f} s, what was searched {source.whole_file_s:.3f} s: it may be another "
            "recording; add --force to go on"
        )


def _refuse_without_tempo(source: _Source, options: Options) -> None:
    """Bars, beats and tempo markers are not left empty in silence."""
    if source.tempo_map is None:
        in_label = BAR_OR_BEAT.search(options.label)
        wanted = f"{in_label[0]} in --label" if in_label else "fmod-tempo" if options.fmod_tempo else ""
        if wanted:
            raise InputError(f"{wanted} needs a tempo; leave it out, export from the project, or give --bpm")


def _refuse_unplayable(source: _Source, kind: TargetKind, anchor: str) -> None:
    """A saved project has no rendering of stretched items: reading their files would pass off wrong audio as the
    track."""
    if source.unplayable and (kind == "track" or anchor != "start"):
        raise InputError(f"{source.unplayable[0]}, which only REAPER can play; render the track and name it by --audio")
