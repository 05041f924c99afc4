"""``reatrieve find``: mark one sound of a file, answer candidates in the terminal, get all its places; no REAPER."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from reatrieve.cli.values import check_sound_file, example_span, seconds
from reatrieve.errors import InputError

if TYPE_CHECKING:
    from reatrieve.annotations.truth import Truth
    from reatrieve.cli.conversation import Conversation
    from reatrieve.journal import Header, Journal
    from reatrieve.session.retriever import Analysis, Retriever
    from reatrieve.settings import Settings

__all__ = ["add", "run"]

EPILOG = """\
answers:  y yes   n no   s skip   u undo the last answer   q stop (go on later with --resume)
          y START END   yes, with these edges     a 0.8   list everything at or above 80 %, then accept it
          d   ask about the places that tell most, until it is clear what a would accept
          +   ten more rejections, when the budget is spent

examples:
  reatrieve find song.ogg --start 12.4 --end 13.1
  reatrieve find song.ogg --start 1:02.5 --end 1:03.2 --out Sync --to json,audacity
  reatrieve find song.ogg --annotations annotations.csv --class riser --json
"""
DEFAULT_BUDGET = 10


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "find",
        description="Mark one sound of a file by its start and end, answer yes or no to the candidates, and get every "
        "other place where it happens.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="wav, aiff, flac, ogg, opus or mp3")
    parser.add_argument("--start", type=seconds, metavar="S", help="where the example starts: 83.5 or 1:23.5")
    parser.add_argument("--end", type=seconds, metavar="E", help="where it ends")
    parser.add_argument("--label", default="", help="name of the sound (default: the class, else Sound 1)")
    parser.add_argument("--retriever", metavar="NAME", help="method that proposes (default: default)")
    parser.add_argument("--budget", type=int, metavar="N", help=f"rejections until it ends (default: {DEFAULT_BUDGET})")
    known = parser.add_argument_group("answers from what is known, instead of yours")
    known.add_argument("--annotations", type=Path, metavar="CSV", help="where the sound happens")
    known.add_argument("--class", dest="class_", metavar="NAME", help="the sound's name there")
    output = parser.add_argument_group("results")
    output.add_argument("--json", action="store_true", help="one JSON object, last line of standard output")
    output.add_argument("--out", type=Path, metavar="DIR", help="write sync files of the accepted places there")
    output.add_argument("--to", metavar="TARGETS", help="which ones: as 'reatrieve export --to' (default: json)")
    output.add_argument("--preview", type=Path, metavar="DIR", help="write each candidate there as a wav, to listen to")
    kept = parser.add_argument_group("what is kept")
    kept.add_argument("--journal", type=Path, metavar="PATH", help="the session's journal (default: among all others)")
    kept.add_argument("--resume", type=Path, metavar="JOURNAL", help="go on with a session")
    kept.add_argument("--cache", type=Path, metavar="DIR", help="where analyses are kept")
    kept.add_argument("--no-cache", action="store_true", help="keep no analysis")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Search, and print what was found."""
    # The clock runs without imports; librosa would load its parts in the middle of the analysis.
    import librosa.filters  # noqa: F401

    import reatrieve.audio.analysis
    import reatrieve.retrieval.registry  # noqa: F401
    from reatrieve.cli.conversation import Conversation
    from reatrieve.session.state import fold
    from reatrieve.settings import Settings

    began = time.perf_counter()
    console = Console(stderr=args.json, highlight=False, soft_wrap=True, emoji=False, markup=False)
    settings = Settings.load({"cache": args.cache})
    truth = _truth(args)
    _check_export(args)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(args, settings, truth))
        state = fold(journal.events())
        if truth:
            truth.mark(state.example)
        retriever, analysis = _analysed(journal.header, state.retriever, args, settings, console)
        conversation = Conversation(retriever, analysis, journal, console, truth=truth, preview=args.preview)
        conversation.began = began
        if args.resume and args.budget is not None and args.budget > conversation.state.budget:
            conversation.raise_budget(args.budget - conversation.state.budget)
        try:
            conversation.hold(sys.stdin)
        except KeyboardInterrupt:
            console.print(f"\nstopped; go on with: reatrieve find --resume {_quoted(journal.path)}")
            raise
        conversation.summarise(analysis.duration_s)
        written = _exported(conversation, journal, args, console)
        if args.json:
            print(json.dumps(_figures(conversation, journal, written), ensure_ascii=False), flush=True)
    return 0


def _truth(args: argparse.Namespace) -> Truth | None:
    if args.annotations is None:
        if args.class_ is not None:
            raise InputError("--class names a sound of --annotations CSV; give that, too")
        return None
    from reatrieve.annotations.truth import load_truth
    from reatrieve.journal import read_journal

    audio = args.file
    if audio is None and args.resume is not None:
        audio = read_journal(args.resume)[0].track_map.items[0].path
    if audio is None:
        raise InputError("name the sound file to search")
    return load_truth(args.annotations, audio, args.class_)


@contextlib.contextmanager
def _journal(args: argparse.Namespace, settings: Settings, truth: Truth | None) -> Iterator[Journal]:
    """The session's journal: begun, or opened to go on."""
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.journal import Header, Journal, JournalFolder
    from reatrieve.retrieval.registry import make_retriever
    from reatrieve.session.events import Started
    from reatrieve.session.state import fold

    if args.resume is not None:
        for option in ("start", "end", "retriever", "journal"):
            if getattr(args, option) is not None:
                raise InputError(f"--resume goes on with a session as it was begun; leave out --{option}")
        with Journal.open(args.resume) as journal:
            if args.file is not None:  # the file has moved since
                items = journal.header.track_map.items
                if len({item.path for item in items}) != 1:
                    raise InputError(f"{args.resume} searched a track of several files; leave out FILE")
                moved = TrackMap(tuple(replace(item, path=args.file.absolute()) for item in items))
                journal.header = replace(journal.header, track_map=moved)
            yield journal
        return
    if args.file is None:
        raise InputError("name the sound file to search, or a journal with --resume")
    check_sound_file(args.file)
    if args.start is None and args.end is None and truth is not None:
        args.start, args.end = truth.occurrences[0].start_s, truth.occurrences[0].end_s
    if args.start is None or args.end is None:
        raise InputError("mark one example of the sound: --start S --end E")
    name = args.retriever or settings.retriever
    make_retriever(name)  # an unknown name fails before anything is written
    track_map = TrackMap.of_file(args.file.absolute())
    example = example_span(args.start, args.end, track_map.duration_s)
    label = args.label or (truth.class_ if truth else "Sound 1")
    header = Header(uuid.uuid4().hex, track_map)
    started = Started(example, label, DEFAULT_BUDGET if args.budget is None else args.budget, name)
    fold([started])  # an impossible budget fails here, too
    path = args.journal or JournalFolder(settings.journals_folder).path(header.session)
    with Journal.create(path, header, events=[started]) as journal:
        yield journal


def _analysed(
    header: Header, retriever_name: str, args: argparse.Namespace, settings: Settings, console: Console
) -> tuple[Retriever, Analysis]:
    from reatrieve.audio.analysis import analyse_track
    from reatrieve.audio.cache import AnalysisCache
    from reatrieve.retrieval.registry import make_retriever

    retriever = make_retriever(retriever_name)
    cache = None if args.no_cache else AnalysisCache(settings.cache, settings.cache_size_mb << 20)
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {stage: bar.add_task(f"{stage:8}", total=1.0) for stage in ("decode", "analyse")}

        def progress(stage: str, share: float) -> None:
            bar.update(tasks[stage], completed=share)

        return retriever, analyse_track(header.track_map, retriever, cache=cache, progress=progress)


def _check_export(args: argparse.Namespace) -> None:
    """What is wrong with the files wanted is said before anybody answers."""
    if args.to is None:
        return
    if args.out is None:
        raise InputError("--to names targets for --out DIR; give that, too")
    from reatrieve.sync.targets import chosen_targets

    chosen_targets(args.to)


def _exported(
    conversation: Conversation, journal: Journal, args: argparse.Namespace, console: Console
) -> list[dict[str, str]]:
    if args.out is None:
        return []
    from reatrieve.sync.earlier import accepted_in
    from reatrieve.sync.export import ExportJob, export

    header = journal.header
    accepted = accepted_in(conversation.state, session=header.session, origin_s=header.origin_s)
    try:
        job = ExportJob(
            accepted=accepted, folder=args.out, targets=args.to or "json", track_map=header.track_map, add=True
        )
        written = export(job, note=console.print)
    except InputError as error:
        raise InputError(f"{error}; the answers are kept: reatrieve export {_quoted(journal.path)}") from error
    for target, path in written:
        console.print(f"wrote {path} ({target})")
    return [{"target": target, "path": str(path)} for target, path in written]


def _figures(conversation: Conversation, journal: Journal, written: list[dict[str, str]]) -> dict[str, Any]:
    state, truth, origin_s = conversation.state, conversation.truth, journal.header.origin_s
    answer_ms = conversation.answer_ms_median
    return {
        "found": truth.found if truth else state.accepted,
        "occurrences": truth.n_others if truth else None,
        "recall": truth.recall if truth else None,
        "rejections": state.rejections,
        "answers": state.answers,
        "over": conversation.over,
        "first_candidate_s": conversation.first_candidate_s,
        "answer_ms_median": None if answer_ms is None else round(answer_ms, 3),
        "example": [state.example.start_s + origin_s, state.example.end_s + origin_s],
        "accepted": sorted(
            [span.start_s + origin_s, span.end_s + origin_s] for number, span in state.accepted_regions if number != 0
        ),
        "journal": str(journal.path),
        "exported": written,
    }


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
