"""``reatrieve find``: mark one sound of a file, answer candidates in the terminal, get all its places; no REAPER."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reatrieve.cli.parser import Parser, apart, needs
from reatrieve.cli.values import (
    check_folder_to_write,
    check_sound_file,
    command_line,
    demand_module,
    example_span,
    file_path,
    seconds,
    sound_notes,
    text,
)
from reatrieve.errors import AudioError, InputError, JournalError

if TYPE_CHECKING:
    from rich.console import Console

    from reatrieve.annotations.truth import Truth
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.cli.conversation import Conversation
    from reatrieve.cli.earlier import EarlierSessions
    from reatrieve.cli.journalled_search import JournalledSearch
    from reatrieve.journal import Header, Journal
    from reatrieve.session.events import Started
    from reatrieve.session.retriever import Analysis, Retriever
    from reatrieve.session.spans import Span
    from reatrieve.settings import Settings

__all__ = ["add", "run"]

EPILOG = """\
answers, each with Enter:
  y yes   n no   s skip   u undo   p play   f finish
  q quit (--resume goes on later)   ? shows all

examples:
  reatrieve find song.ogg --start 12.4 --end 13.1
  reatrieve find song.ogg --start 1:02.5 --end 1:03.2 \\
      --out Sync --to json,audacity
  reatrieve find song.ogg --annotations labels.csv \\
      --class riser --json
"""
DEFAULT_BUDGET = 10


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "find",
        description="Mark one sound of a file by its start and end, answer yes or no to the candidates, and get every "
        "other place where it happens.",
        epilog=EPILOG,
    )
    parser.add_argument("file", nargs="*", type=file_path, metavar="FILE", help="wav, aiff, flac, ogg, opus or mp3")
    parser.add_argument("--start", type=seconds, metavar="S", help="where the example starts: 83.5 or 1:23.5")
    parser.add_argument("--end", type=seconds, metavar="E", help="where it ends")
    parser.add_argument(
        "--label",
        type=text,
        default="",
        help="name of the sound, which the game sees (default: the class, else Sound 1, Sound 2, ...)",
    )
    parser.add_argument("--retriever", type=text, metavar="NAME", help="method that proposes (default: default)")
    parser.add_argument(
        "--budget", type=int, metavar="N", help=f"rejections until it ends (default: {DEFAULT_BUDGET}; with "
        "--annotations it else ends when all is found)",
    )  # fmt: skip
    known = parser.add_argument_group("answers from labels, instead of yours")
    known.add_argument("--annotations", type=file_path, metavar="CSV", help="where the sound happens")
    known.add_argument("--class", dest="class_", type=text, metavar="NAME", help="the sound's name there")
    output = parser.add_argument_group("results")
    output.add_argument("--json", action="store_true", help="one JSON object, last line of standard output")
    output.add_argument("--out", type=file_path, metavar="DIR", help="write sync files of the accepted places there")
    output.add_argument("--to", metavar="TARGETS", help="which ones: as 'reatrieve export --to' (default: json)")
    output.add_argument("--preview", type=file_path, metavar="DIR", help="write each candidate there as a wav")
    kept = parser.add_argument_group("what is kept")
    kept.add_argument("--journal", type=file_path, metavar="PATH", help="the session's journal (else: with the others)")
    kept.add_argument("--resume", type=file_path, metavar="JOURNAL", help="go on with a session")
    kept.add_argument("--new", action="store_true", help="begin anew, though this place was searched before")
    kept.add_argument("--cache", type=file_path, metavar="DIR", help="where analyses are kept")
    kept.add_argument("--no-cache", action="store_true", help="keep no analysis")
    begun = "a session goes on as it was begun"
    parser.rules = [
        needs("--class", "--annotations"),
        needs("--to", "--out"),
        *apart("--resume", "--start", "--end", "--retriever", "--journal", why=begun),
        *apart("--new", "--resume"),
        *apart("--no-cache", "--cache"),
    ]
    parser.without_value = {"--resume": "needs the journal of a session; this shows all: reatrieve journal list"}
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Search, and print what was found."""
    from reatrieve.settings import Settings

    for module in ("rich", "PIL"):
        demand_module(module)
    settings = Settings.load({"cache": args.cache})
    _check_files(args)
    truth = _truth(args)
    if args.resume is None:
        marked = _marked(args, truth, settings)
    else:
        marked = None
        _check_resumed(args)

    # What was typed is right: now what takes a second to load. The clock runs without imports; librosa would load its
    # parts in the middle of the analysis.
    import librosa.filters  # noqa: F401

    import reatrieve.audio.analysis  # noqa: F401
    from reatrieve.cli.conversation import Conversation, KnownAnswers, Person
    from reatrieve.cli.journalled_search import JournalledSearch
    from reatrieve.cli.listening import Listening
    from reatrieve.cli.terminal import console_for, typed_lines
    from reatrieve.session.state import fold

    began_s = time.perf_counter()
    console = console_for(json=args.json)
    if truth is not None and truth.skipped_rows:
        console.print(f"note: {truth.skipped_rows}")
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(_journal(args, marked, settings, truth, console))
        state = fold(journal.events())
        if truth:
            truth.mark(state.example)
            for one in state.candidates.values():  # a resumed session: what was found stays found
                truth.answer(one.proposed)
        retriever, analysis = _analysed(journal.header, state.retriever, args, settings, console)
        search = JournalledSearch(retriever, analysis, journal, began_s=began_s)
        if args.resume:
            _change(search, args)
        listening = Listening(journal.header.track_map, search.state.label, args.preview)
        known = None if truth is None else KnownAnswers(truth, until_found=args.budget is None)
        person = Person(typed_lines())
        conversation = Conversation(
            search,
            known or person,
            console,
            truth=truth,
            listening=listening,
            write_all=args.preview is not None,
        )
        again = _again(args, journal.path)
        try:
            conversation.hold()
        except KeyboardInterrupt:
            if not _is_unasked(journal):
                console.print(f"\nstopped; go on with: {again}")
            raise
        if conversation.over == "found":
            search.finish()
        conversation.summarise()
        is_kept = args.resume is not None or args.journal is not None or known is not None or person.has_typed
        if is_kept:
            console.print(f"journal: {journal.path}" if conversation.over else f"go on with: {again}")
        else:
            console.print("nothing was answered; no session is kept")
        written = _exported(search, journal, args, console)
        if args.json:
            figures = _figures(conversation, search, written, journal.path if is_kept else None)
            print(json.dumps(figures, ensure_ascii=False), flush=True)
    if not is_kept:
        journal.path.unlink(missing_ok=True)
    return 0


def _again(args: argparse.Namespace, journal: Path, *file: object) -> str:
    """The command that goes on with a session as it was asked for: what its journal does not hold is said again."""
    if not file and args.resume is not None and args.file is not None:  # it lies elsewhere now
        file = (args.file,)
    words: list[object] = ["reatrieve", "find", *file, "--resume", journal]
    budget = args.budget if args.annotations is not None else None
    for option, value in (
        ("--annotations", args.annotations), ("--class", args.class_), ("--budget", budget), ("--out", args.out),
        ("--to", args.to), ("--preview", args.preview), ("--cache", args.cache),
    ):  # fmt: skip
        words += [] if value is None else [option, value]
    words += ["--no-cache"] * args.no_cache + ["--json"] * args.json
    return command_line(*words)


def _check_files(args: argparse.Namespace) -> None:
    """What is wrong with files, folders and targets is said before anybody answers."""
    if len(args.file) > 1:
        raise InputError(
            f"one file at a time: {args.file[0]} and {args.file[1]} were named; put a path with spaces into quotation "
            "marks, and mark the sound by --start S --end E"
        )
    args.file = args.file[0] if args.file else None
    if args.file is None and args.resume is None:
        raise InputError("name the sound file to search, or a journal with --resume")
    for option in ("out", "preview"):
        if getattr(args, option) is not None:
            check_folder_to_write(getattr(args, option), f"--{option}")
    if args.to is not None:
        from reatrieve.cli.export import check_targets

        check_targets(args.to)
    if args.file is not None:
        check_sound_file(args.file)


def _truth(args: argparse.Namespace) -> Truth | None:
    if args.annotations is None:
        return None
    from reatrieve.annotations.truth import load_truth
    from reatrieve.journal import read_journal

    audio = args.file or read_journal(args.resume)[0].track_map.items[0].path
    return load_truth(args.annotations, audio, args.class_)


@contextlib.contextmanager
def _journal(
    args: argparse.Namespace,
    marked: tuple[TrackMap, Span] | None,
    settings: Settings,
    truth: Truth | None,
    console: Console,
) -> Iterator[Journal]:
    """The session's journal: begun with what was ``marked``, or opened to go on."""
    from reatrieve.journal import Journal

    if marked is not None:
        track_map, example = marked
        for note in sound_notes(args.file):
            console.print(f"note: {note}")
        sessions = _sessions(args, settings, track_map.items[0].path, example)
        args.resume = _gone_on_with(args, sessions, console)
        if args.resume is None:
            started = _started(args, settings, truth, sessions, example)
            journal = _begun(args, settings, track_map, started)
            try:
                with journal:
                    yield journal
            except KeyboardInterrupt:
                if _is_unasked(journal):
                    console.print("\nstopped before anything was asked")
                    journal.path.unlink(missing_ok=True)
                raise
            return
        args.file = None
        _check_resumed(args)
    with Journal.open(args.resume) as journal:
        journal.header = _found_again(journal.header, args)
        yield journal


def _is_unasked(journal: Journal) -> bool:
    """Whether it holds nothing but the example."""
    return len(journal.events()) == 1


def _marked(args: argparse.Namespace, truth: Truth | None, settings: Settings) -> tuple[TrackMap, Span]:
    """The file as a track, and the example; what cannot be searched is refused before anything large is loaded."""
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.retrieval.registry import demand_retriever
    from reatrieve.session.events import Started
    from reatrieve.session.state import fold

    if args.journal is not None and args.journal.exists():
        again = _again(args, args.journal)
        raise JournalError(f"{args.journal} exists already; go on with it by {again}, or name another by --journal")
    if args.start is None and args.end is None and truth is not None:
        args.start, args.end = truth.occurrences[0].start_s, truth.occurrences[0].end_s
    if args.start is None or args.end is None:
        missing = [name for name in ("start", "end") if getattr(args, name) is None]
        one_alone = f"; --{missing[0]} is missing" if len(missing) == 1 else ""
        raise InputError(f"mark one example of the sound: --start S --end E{one_alone}")
    retriever = args.retriever or settings.retriever
    demand_retriever(retriever)
    track_map = TrackMap.of_file(args.file.absolute())
    example = example_span(args.start, args.end, track_map.duration_s)
    fold([Started(example, args.label, _budget(args), retriever)])  # an impossible budget fails here
    return track_map, example


def _budget(args: argparse.Namespace) -> int:
    return DEFAULT_BUDGET if args.budget is None else int(args.budget)


def _check_resumed(args: argparse.Namespace) -> None:
    """What is wrong with the journal, its sound file or the new budget is said before anything large is loaded."""
    from reatrieve.journal import read_journal
    from reatrieve.session.state import fold

    header, lines = read_journal(args.resume)
    _found_again(header, args)
    budget = fold(line.event for line in lines).budget
    if args.budget is not None and args.budget < budget:
        raise InputError(f"--budget {args.budget} is below the session's {budget}; it can only be raised")


def _sessions(args: argparse.Namespace, settings: Settings, audio: Path, example: Span) -> EarlierSessions:
    from reatrieve.cli.earlier import EarlierSessions

    folders = [settings.journals_folder, *([args.journal.parent] if args.journal else [])]
    return EarlierSessions(audio, example, folders)


def _gone_on_with(args: argparse.Namespace, sessions: EarlierSessions, console: Console) -> Path | None:
    """The journal of an earlier session on the same place, if somebody who is asked wants to go on with that."""
    if args.new or args.annotations is not None:
        return None
    from reatrieve.cli.terminal import typed_lines

    earlier = sessions.latest_answered()
    if earlier is None:
        return None
    lines = typed_lines()
    if not lines.isatty():
        again = _again(args, earlier.path)
        console.print(f"note: this place was searched before ({earlier.about}); go on with that by: {again}")
        console.print("note: --new begins anew without this note")
        return None
    console.print(f"this place was searched before:\n  {earlier.about}")
    while True:
        console.print("go on with that session? Y/n (n begins another) ", end="")
        console.file.flush()
        said = lines.readline()
        if not said:
            raise InputError("not answered; add --new to begin another session")
        if said.strip().lower() in ("", "y", "yes", "n", "no"):
            return None if said.strip().lower() in ("n", "no") else earlier.path
        console.print("type y or n, then Enter")


def _started(
    args: argparse.Namespace, settings: Settings, truth: Truth | None, sessions: EarlierSessions, example: Span
) -> Started:
    from reatrieve.session.events import Started

    label = args.label or (truth.class_ if truth else sessions.free_label())
    return Started(example, label, _budget(args), args.retriever or settings.retriever)


def _begun(args: argparse.Namespace, settings: Settings, track_map: TrackMap, started: Started) -> Journal:
    from reatrieve.journal import Header, Journal, JournalFolder

    header = Header(uuid.uuid4().hex, track_map)
    path = args.journal or JournalFolder(settings.journals_folder).path(header.session)
    try:
        return Journal.create(path, header, events=[started])
    except JournalError as error:
        reason = getattr(error.__cause__, "strerror", None)
        if reason is None:
            raise
        raise JournalError(
            f"the session cannot be kept in {path.parent} ({reason}); name a file by --journal, or another home folder "
            "by the variable REATRIEVE_HOME"
        ) from error


def _found_again(header: Header, args: argparse.Namespace) -> Header:
    """The header with the file where it is now."""
    items = header.track_map.items
    if args.file is None:
        for path in header.track_map.paths:
            if not path.is_file():
                again = _again(args, args.resume, "FILE")
                raise AudioError(f"{path} is no longer there; say where it is now: {again}")
        return header
    if len({item.path for item in items}) != 1:
        raise InputError(f"{args.resume} searched a track of several files; leave out FILE")
    from reatrieve.audio.trackmap import TrackMap

    check_sound_file(args.file)
    return replace(header, track_map=TrackMap(tuple(replace(item, path=args.file.absolute()) for item in items)))


def _change(search: JournalledSearch, args: argparse.Namespace) -> None:
    """What a resumed session may get anew: a larger budget, another label."""
    state = search.state
    if args.budget is not None and args.budget > state.budget:
        search.go_on(args.budget - state.budget)
    if args.label and args.label != state.label:
        search.rename(args.label)


def _analysed(
    header: Header, retriever_name: str, args: argparse.Namespace, settings: Settings, console: Console
) -> tuple[Retriever, Analysis]:
    from reatrieve.audio.analysis import analyse_track
    from reatrieve.audio.cache import AnalysisCache
    from reatrieve.cli.terminal import stage_bars
    from reatrieve.retrieval.registry import make_retriever

    retriever = make_retriever(retriever_name)
    cache = None if args.no_cache else AnalysisCache(settings.cache, settings.cache_size_mb << 20)
    with stage_bars("decode", "analyse", console=console) as told:
        return retriever, analyse_track(header.track_map, retriever, cache=cache, progress=told)


def _exported(
    search: JournalledSearch, journal: Journal, args: argparse.Namespace, console: Console
) -> list[dict[str, str]]:
    if args.out is None:
        return []
    from reatrieve.sync.earlier import accepted_in
    from reatrieve.sync.export import ExportJob, ForceNeededError, export

    header = journal.header
    accepted = accepted_in(search.state, session=header.session, origin_s=header.origin_s)
    targets = args.to or "json"
    job = ExportJob(accepted=accepted, folder=args.out, targets=targets, track_map=header.track_map, add=True)
    again = ["reatrieve", "export", journal.path, "--to", targets, "--out", args.out]
    notes: list[str] = []
    try:
        written = export(job, note=notes.append)
    except ForceNeededError as error:
        options = ["--add", "--force"] if error.keeps else ["--force"]
        what = "writes them, and keeps the other sounds" if error.keeps else "replaces what is there"
        does = command_line(*again, *options)
        raise InputError(f"{error.fact}; the answers are kept, this {what}: {does}") from error
    except (InputError, AudioError) as error:
        does = command_line(*again, "--add")
        raise type(error)(f"{error}; the answers are kept, this writes them: {does}") from error
    for one in written:
        console.print(f"{'unchanged' if one.unchanged else 'wrote'} {one.path} ({one.target})")
    for note in notes:
        console.print(f"note: {note}")
    return [{"target": one.target, "path": str(one.path)} for one in written]


def _figures(
    conversation: Conversation, search: JournalledSearch, written: list[dict[str, str]], journal: Path | None
) -> dict[str, Any]:
    state, truth, origin_s = search.state, conversation.truth, search.origin_s
    answer_ms = conversation.answer_ms_median
    return {
        "found": truth.found if truth else state.accepted,
        "occurrences": truth.n_others if truth else None,
        "recall": truth.recall if truth else None,
        "rejections": state.rejections,
        "answers": state.answers,
        "over": conversation.over,
        "first_candidate_s": search.first_candidate_s,
        "answer_ms_median": None if answer_ms is None else round(answer_ms, 3),
        "example": [state.example.start_s + origin_s, state.example.end_s + origin_s],
        "accepted": sorted(
            [span.start_s + origin_s, span.end_s + origin_s] for number, span in state.accepted_regions if number != 0
        ),
        "journal": None if journal is None else str(journal),
        "exported": written,
    }
