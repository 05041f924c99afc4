"""``reatrieve demo``: the whole loop on its real parts, from a time selection to files that a game reads."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.cli.output import say_json
from reatrieve.cli.parser import Parser, needs
from reatrieve.cli.values import (
    check_folder_to_write,
    check_sound_file,
    clock,
    example_span,
    file_path,
    plural,
    seconds,
    sound_notes,
    text,
)
from reatrieve.cli.wrapping import wrapped
from reatrieve.errors import InputError
from reatrieve.files import made_for

if TYPE_CHECKING:
    from rich.console import Console

    from reatrieve.annotations.truth import Truth
    from reatrieve.cli.conversation import Conversation
    from reatrieve.demo.loop import Loop
    from reatrieve.session.spans import Span

__all__ = ["add", "run"]

COLUMNS = 76
"""Longest line, in a pipe too: the export message names sixteen files and would not fit."""
SONG_S = 60.0
SONG = {"genre": "house", "seed": 5, "preset": "hard"}


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "demo",
        description="Open a track in a simulated REAPER that runs the real scripts, start the real daemon, mark one "
        "sound, and answer the candidates until the other places are found; then convert and export them. Without "
        "--audio it makes a minute of music of its own, and a simulated user who knows the truth answers.",
    )
    parser.add_argument(
        "--out", type=file_path, metavar="DIR", help="folder for all that is written (default: a new temporary one)"
    )
    parser.add_argument(
        "--audio", type=file_path, metavar="FILE", help="search your own file; you answer in the terminal"
    )
    parser.add_argument("--start", type=seconds, metavar="S", help="start of the example (83.5 or 1:23.5)")
    parser.add_argument("--end", type=seconds, metavar="E", help="end of the example")
    parser.add_argument("--annotations", type=file_path, metavar="CSV", help="answer from these annotations of --audio")
    parser.add_argument("--class", dest="class_", type=text, metavar="NAME", help="the sound in --annotations")
    parser.add_argument(
        "--carrier", choices=("udp", "spool"), default="udp", help="how scripts and daemon talk (default udp)"
    )
    parser.add_argument(
        "--lua", choices=("5.3", "5.4"), default="5.4", help="5.3 as in REAPER 6, 5.4 as in REAPER 7 (default)"
    )
    parser.add_argument("--no-export", action="store_true", help="stop before the sync markers and files")
    parser.add_argument("--json", action="store_true", help="one JSON object, last on standard output")
    parser.rules = [
        *(needs(option, "--audio") for option in ("--start", "--end", "--annotations")),
        needs("--class", "--annotations"),
    ]
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo.

    Raises
    ------
    InputError
        If flags do not go together, or a file that is there would be replaced.
    """
    from reatrieve.cli.terminal import console_for

    console = console_for(json=args.json)
    if args.audio is not None:
        check_sound_file(args.audio)
        for note in sound_notes(args.audio):
            console.print(f"note: {note}")
    if args.out is not None:
        check_folder_to_write(args.out, "--out")
        made = {"demo.wav": args.audio is None, "demo.rpp": True, "demo.reatrieve": True, "demo.png": True}
        made["export"] = not args.no_export
        for name, is_made in made.items():
            if is_made and (args.out / name).exists():
                raise InputError(f"--out {args.out} holds {name} already; choose a new folder, or delete it")
    with _folder(args.out) as out:
        try:
            return _shown(args, out, console)
        except KeyboardInterrupt:
            if any(out.iterdir()):
                console.print()
                console.print(f"stopped; what was written by then is in {out}")
            raise


def _shown(args: argparse.Namespace, out: Path, console: Console) -> int:
    from reatrieve.cli.conversation import Conversation, KnownAnswers, Person
    from reatrieve.cli.in_reaper import InReaper
    from reatrieve.cli.listening import Listening
    from reatrieve.cli.terminal import progress_bar, typed_lines

    audio, truth, bpm = _material(args, out, console)
    example, duration_s = _example(args, truth, audio)
    if truth is not None:
        truth.mark(example)
        truth.demand_others()
        if truth.skipped_rows:
            console.print(f"note: {truth.skipped_rows}")

    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.demo.loop import LUA_VERSIONS, Loop

    rpp = out / "demo.rpp"
    with (
        contextlib.ExitStack() as ending,
        tempfile.TemporaryDirectory(prefix="reatrieve-", ignore_cleanup_errors=True) as home,
    ):
        console.print(f"daemon and REAPER {LUA_VERSIONS[args.lua]} start (Lua {args.lua}, {args.carrier})")
        with Loop(Path(home), carrier=args.carrier, lua=args.lua) as loop:
            if bpm is not None:
                loop.project.set_tempo(bpm)
            loop.insert(audio)
            loop.project.save(rpp)
            marked = f"time selection {clock(example.start_s)} - {clock(example.end_s)} on track 'Music'"
            action = "action ReaTrieve: Find sounds like the time selection"
            _say(console, f"{marked}, {action}")
            with progress_bar("searching", console=console) as told:
                first_s = loop.find(example.start_s, example.end_s, progress=told)
            console.print(f"first candidate after {first_s:.2f} s")
            console.print()
            backend = InReaper(loop, duration_s=duration_s)
            conversation = Conversation(
                backend,
                KnownAnswers(truth, until_found=True) if truth else Person(typed_lines()),
                console,
                truth=truth,
                listening=ending.enter_context(Listening(TrackMap.of_file(audio), backend.state.label)),
            )
            conversation.hold()
            backend.finish()
            written = [] if args.no_export else _export(loop, out, console)
            loop.project.save()
            loop.settle()
    conversation.summarise()
    with progress_bar("drawing demo.png", console=console):
        _draw(conversation, audio, out, rpp)
    console.print(f"everything is in {out}:")
    for name, what in (
        ("demo.rpp", "the project, to open in REAPER"),
        *([("demo.wav", "the song")] if args.audio is None else []),
        ("demo.png", "the track as a picture"),
        ("demo.reatrieve", "the journals"),
        *([("export", plural(len(written), "sync file"))] if written else []),
    ):
        console.print(f"  {name:14}  {what}")
    if args.json:
        state, median = backend.state, conversation.answer_ms_median
        result = {
            "found": truth.found if truth else state.accepted,
            "occurrences": truth.n_others if truth else None,
            "recall": truth.recall if truth else None,
            "rejections": state.rejections,
            "answers": state.answers,
            "accepted": state.accepted,
            "first_candidate_s": round(first_s, 4),
            "answer_ms_median": None if median is None else round(median, 2),
            "rpp": str(rpp),
            "files": [str(path) for path in written],
        }
        say_json(result)
    return 0


@contextlib.contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """The folder for all that is written; a new one that stays empty is taken away if anything stops the work."""
    if wanted is None:
        out = Path(tempfile.mkdtemp(prefix="reatrieve-demo-")).resolve()
        try:
            yield out
        except BaseException:
            with contextlib.suppress(OSError):  # there is something in it
                out.rmdir()
            raise
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(made_for(wanted))
        except OSError as error:
            raise InputError(f"--out {wanted} cannot be made ({error.strerror}); choose another folder") from error
        yield wanted.resolve()


def _material(args: argparse.Namespace, out: Path, console: Console) -> tuple[Path, Truth | None, float | None]:
    """The file to search, what is known of it, and its tempo if that is known too."""
    from reatrieve.annotations.truth import Truth, load_truth
    from reatrieve.cli.terminal import progress_bar
    from reatrieve.session.spans import Span

    if args.audio is not None:
        audio = args.audio.resolve()
        return audio, load_truth(args.annotations, audio, args.class_) if args.annotations else None, None
    from reatrieve.synth import make_song
    from reatrieve.synth.dataset import write_song

    with progress_bar("making a song", console=console) as told:
        song = make_song(**SONG, duration_s=SONG_S, progress=told)  # type: ignore[arg-type]
    audio = out / "demo.wav"
    write_song(audio, song)
    name = song.occurrences[0].class_name
    spans = sorted(Span(o.start_s, o.end_s) for o in song.occurrences if o.class_name == name)
    console.print(
        f"made {SONG_S:.0f} s of {song.genre} at {song.bpm:g} bpm; the sound to find is a {name.rstrip('0123456789')}"
    )
    return audio, Truth(name, tuple(spans)), song.bpm


def _example(args: argparse.Namespace, truth: Truth | None, audio: Path) -> tuple[Span, float]:
    """The span to mark, and the length of the file."""
    from reatrieve.audio.soundness import length_s

    duration_s = length_s(audio)
    start_s, end_s = args.start, args.end
    if start_s is None and end_s is None and truth is not None:
        start_s, end_s = truth.occurrences[0].start_s, truth.occurrences[0].end_s
    if start_s is None or end_s is None:
        raise InputError("mark the example with --start S and --end E (seconds)")
    return example_span(start_s, end_s, duration_s), duration_s


def _export(loop: Loop, out: Path, console: Console) -> list[Path]:
    """Convert the accepted regions to markers, then export every target; the files written."""
    reaper = loop.reaper
    reaper.run("Convert accepted regions to sync markers")
    reaper.until(lambda: loop.project.markers, timeout_s=60.0)
    loop.settle()
    console.print()
    console.print(reaper.status.help_line.removeprefix("ReaTrieve: "))
    folder = out / "export"
    before = set(folder.rglob("*")) if folder.is_dir() else set()
    reaper.answer([str(folder), "all", "source", "", "0", "yes"])
    said = len(reaper.status.help_history)
    reaper.run("Export sync files")
    reaper.until(
        lambda: any("file" in line or "nothing exported" in line for line in reaper.status.help_history[said:]),
        timeout_s=120.0,
    )
    loop.settle()
    told, _, note = reaper.status.help_line.removeprefix("ReaTrieve: ").partition(". Note: ")
    _say(console, told)
    if note:
        _say(console, f"note: {note}")
    return sorted(path for path in set(folder.rglob("*")) - before if path.is_file()) if folder.is_dir() else []


def _say(console: Console, text: str) -> None:
    for line in wrapped(text, indent=2, at_most=COLUMNS).split("\n"):
        console.print(line)


def _draw(conversation: Conversation, audio: Path, out: Path, rpp: Path) -> None:
    """The track with its marks, as a picture."""
    from reatrieve.audio.stitch import TrackAudio
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.cli.timeline import marks_of, picture

    state, truth = conversation.backend.state, conversation.truth
    track = TrackAudio(TrackMap.of_file(audio))
    samples = track.read(0.0, track.map.duration_s, 22050, mono=True).reshape(-1)
    found = conversation.found() or f"accepted {state.accepted}"
    caption = f"{found}, {state.rejections} rejected on the way; {rpp.name}"
    title = f"{audio.name}: one sound marked, its other places found"
    picture(marks_of(state, truth), samples, rate_hz=22050, title=title, caption=caption).save(out / "demo.png")
