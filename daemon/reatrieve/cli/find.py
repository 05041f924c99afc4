"""``reatrieve find``: mark one sound of a file, answer candidates in the terminal, get all its places; no REAPER."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reatrieve import limits
from reatrieve.cli.output import say, say_json
from reatrieve.cli.parser import Parser, apart, idle, needs
from reatrieve.cli.searched import other_length, refuse_uncovered, whole_file_s, written_after
from reatrieve.cli.values import (
    check_folder_to_write,
    check_sound_file,
    command_line,
    demand_module,
    example_span,
    file_path,
    load_module,
    seconds,
    sound_notes,
    text,
    whole_up_to,
)
from reatrieve.cli.waiting import loading, notes_held
from reatrieve.errors import AudioError, InputError, JournalError, NotAJournalError, SilentError
from reatrieve.plain import plain

if TYPE_CHECKING:
    from rich.console import Console

    from reatrieve.annotations.truth import Truth
    from reatrieve.audio.trackmap import TrackMap
    from reatrieve.cli.conversation import Conversation, Person
    from reatrieve.cli.earlier import EarlierSessions
    from reatrieve.cli.journalled_search import JournalledSearch
    from reatrieve.journal import Header, Journal
    from reatrieve.session.retriever import Analysis, Retriever
    from reatrieve.session.spans import Span
    from reatrieve.session.state import SessionState
    from reatrieve.settings import Settings

__all__ = ["add", "run"]

EPILOG = """\
answers, each with Enter:
  y yes   n no   s skip   u undo   p play   f finish
  a accept the rest   d ask what decides it
  + more rejections   ? shows all
  q quit (--resume goes on later)

examples:
  reatrieve find song.ogg --start 12.4 --end 13.1
  reatrieve find song.ogg --start 1:02.5 --end 1:03.2 \\
      --out Sync --to json,audacity
  reatrieve find song.ogg --annotations labels.csv \\
      --class riser --json
"""
DEFAULT_BUDGET = 10
NOTHING_ANSWERED = "nothing was answered; no session is kept"


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
        "--budget", type=whole_up_to(limits.BUDGET), metavar="N", help="rejections until it ends (default: "
        f"{DEFAULT_BUDGET}; with --annotations it else ends when all is found)",
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
        *idle("--annotations", "--new"),
        *apart("--no-cache", "--cache"),
    ]
    parser.without_value = {
        "--resume": "needs the journal of a session; this shows all in the home folder: reatrieve journal list"
    }
    parser.set_defaults(func=run)


class _Stopped(KeyboardInterrupt):
    """Ctrl+C was pressed, and there is nothing more to say: the command only loaded, or what becomes of the session is
    said already."""


def run(args: argparse.Namespace) -> int:
    """Search, and print what was found; Ctrl+C is told as soon as everything is loaded."""
    args.file = _one_file(args.file)
    try:
        return _search(args)
    except _Stopped:
        raise
    except KeyboardInterrupt:
        told = f"stopped: {NOTHING_ANSWERED}"
        if args.resume is not None:
            told = f"stopped; go on with: {_again(args, args.resume, None)}"
        if (stream := _stream(args)) is not None:
            say("", told, file=stream)
        raise


def _stream(args: argparse.Namespace) -> TextIO | None:
    """Where the command talks, as ``terminal.console_for`` has it."""
    return sys.stderr if args.json else sys.stdout


def _search(args: argparse.Namespace) -> int:
    with _silently_stopped(), loading(_stream(args)):
        from reatrieve.files import own_folder
        from reatrieve.settings import Settings, chosen_home

        for module in ("rich", "PIL"):
            demand_module(module)
        another = "the variable REATRIEVE_HOME"
        own_folder(chosen_home(), "home folder", option=another, closed=False, make=False)
        settings = Settings.load({"cache": args.cache})
        another = "the variable REATRIEVE_JOURNALS"
        own_folder(settings.journals_folder, "folder of journals", option=another, closed=False, make=False)
        _check_files(args)
        resumed = None if args.resume is None else _check_resumed(args)
        truth = _truth(args, resumed)
        if resumed is None:
            marked = _marked(args, truth, settings)
            example = marked[1]
        else:
            marked, example = None, resumed[1].example
        if truth is not None:
            truth.mark(example)
            truth.demand_others()

        if not args.no_cache:
            from reatrieve.audio.cache import own_cache

            own_cache(settings.cache, make=False)

        # Arguments are checked; load the slow modules now, so that neither the clock below nor the analysis includes
        # their import.
        for module in ("rich", "PIL"):
            load_module(module)
        import reatrieve.audio.analysis
        import reatrieve.retrieval.default.retriever  # noqa: F401
        from reatrieve.cli.conversation import Conversation, KnownAnswers, Person
        from reatrieve.cli.journalled_search import JournalledSearch
        from reatrieve.cli.listening import Listening
        from reatrieve.cli.terminal import console_for, typed_lines
        from reatrieve.retrieval.registry import make_retriever
        from reatrieve.session.state import fold

    began_s = time.perf_counter()
    console = console_for(json=args.json)
    if truth is not None and truth.skipped_rows:
        console.print(f"note: {truth.skipped_rows}")
    if resumed is not None:
        for note in _changes(resumed[0]):
            console.print(f"note: {note}")
    header, begun = resumed or _chosen(args, marked, settings, truth, console)
    retriever = make_retriever(begun.retriever)  # before the journal is made: a library of it may be missing
    person = Person(typed_lines())
    with (
        contextlib.ExitStack() as ending,
        _kept_if_used(_journal(args, header, begun, settings), args, person, console) as journal,
    ):
        state = fold(journal.events())
        if truth:
            if beside := truth.beside(state.example):
                console.print(f"note: {beside}")
            for one in state.candidates.values():  # a resumed session: what was found stays found
                truth.answer(one.proposed)
        analysis = _analysed(journal.header, retriever, args, settings, console)
        search = JournalledSearch(retriever, analysis, journal, began_s=began_s)
        if args.resume:
            _change(search, args)
        conversation = Conversation(
            search,
            person if truth is None else KnownAnswers(truth, until_found=args.budget is None),
            console,
            truth=truth,
            listening=ending.enter_context(Listening(journal.header.track_map, search.state.label, args.preview)),
            write_all=args.preview is not None,
        )
        conversation.hold()
        if conversation.over == "found":
            search.finish()
        conversation.summarise()
        is_kept = _is_kept(journal, args, person)
        written: list[dict[str, str]] = []
        try:
            if is_kept:
                written = _exported(search, journal, args, console)
        finally:  # the session and its figures are told, too, where the files cannot be written
            if not is_kept:
                console.print(NOTHING_ANSWERED)
            elif conversation.over:
                console.print(f"journal: {journal.path}")
                if args.out is None:
                    moved = _moved(args, journal.header)
                    export = command_line("reatrieve", "export", journal.path, *moved, "--to", "all", "--out", "Sync")
                    console.print(f"write its sync files by: {export}")
            else:
                _say_how_to_go_on(journal, args, console)
            if args.json:
                figures = _figures(conversation, search, written, journal.path if is_kept else None)
                say_json(figures)
    return int(conversation.unwritten)


@contextlib.contextmanager
def _silently_stopped() -> Iterator[None]:
    """Ctrl+C in the block ends the command, and nothing is said."""
    try:
        yield
    except KeyboardInterrupt:
        raise _Stopped from None


def _say_how_to_go_on(journal: Journal, args: argparse.Namespace, console: Console, before: str = "") -> None:
    from reatrieve.session.state import fold

    console.print(f"{before}go on with: {_again(args, journal.path, fold(journal.events()))}")
    if args.out is not None and not _rewrites(args):
        console.print(f"then write the files by: {_export_command(journal, args, '--force')}")


def _rewrites(args: argparse.Namespace) -> bool:
    """Whether a resumed session can write its files again: the sync JSON among them tells whose they are."""
    from reatrieve.sync.targets import chosen_targets

    return args.to is None or "json" in chosen_targets(args.to)


def _export_command(journal: Journal, args: argparse.Namespace, *options: str) -> str:
    what = (journal.path, *_moved(args, journal.header))
    return command_line("reatrieve", "export", *what, "--to", args.to or "json", "--out", args.out, *options)


def _moved(args: argparse.Namespace, header: Header) -> tuple[object, ...]:
    """Where the sound file of a resumed session is now, for ``export``; its journal knows where it was."""
    if args.file is None or args.resume is None:
        return ()
    item = header.track_map.items[0]
    if len(header.track_map.items) > 1 or item.rate != 1.0 or item.reverse or item.loop:
        return ()  # no start of a file says where its sound lies
    start_s = item.position_s - item.offset_s - item.section_start_s
    return ("--audio", args.file, *(("--audio-start", f"{start_s:.6f}") if start_s else ()))


def _again(args: argparse.Namespace, journal: Path, state: SessionState | None, *file: object) -> str:
    """The command that goes on with a session as it was asked for: what its journal does not hold is said again.

    Parameters
    ----------
    state : the session as its journal has it; None: it cannot be read.
    file : where the sound file is now, if that is to be said.
    """
    if not file and args.resume is not None and args.file is not None:  # it lies elsewhere now
        file = (args.file,)
    words: list[object] = ["reatrieve", "find", *file, "--resume", journal]
    label = args.label if args.label and (state is None or args.label != state.label) else None
    is_raised = args.budget is not None and (state is None or args.budget > state.budget)
    budget = args.budget if is_raised or args.annotations is not None else None  # with labels it says when to stop
    out, to = (args.out, args.to) if args.out is not None and _rewrites(args) else (None, None)
    for option, value in (
        ("--label", label), ("--annotations", args.annotations), ("--class", args.class_), ("--budget", budget),
        ("--out", out), ("--to", to), ("--preview", args.preview), ("--cache", args.cache),
    ):  # fmt: skip
        words += [] if value is None else [option, value]
    words += ["--no-cache"] * args.no_cache + ["--json"] * args.json
    return command_line(*words)


def _one_file(files: Sequence[Path]) -> Path | None:
    if len(files) > 1:
        raise InputError(
            f"one file at a time: {files[0]} and {files[1]} were named; put a path with spaces into quotation marks, "
            "and mark the sound by --start S --end E"
        )
    return files[0] if files else None


def _check_files(args: argparse.Namespace) -> None:
    """What is wrong with files, folders and targets is said before anybody answers."""
    if args.file is None and args.resume is None:
        raise InputError("name the sound file to search, or a journal with --resume")
    for option in ("out", "preview", "cache"):
        if getattr(args, option) is not None:
            check_folder_to_write(getattr(args, option), f"--{option}")
    if args.journal is not None and args.journal.is_dir():
        raise InputError(f"--journal {args.journal} is a folder; name a file")
    if args.to is not None:
        from reatrieve.cli.export import check_targets

        check_targets(args.to)
    if args.file is not None:
        check_sound_file(args.file)
    _check_label(args.label)


def _check_label(label: str) -> None:
    n_bytes = len(label.encode("utf-8", "replace"))
    if n_bytes > limits.LABEL_BYTES:
        raise InputError(f"the label has {n_bytes} bytes; the most is {limits.LABEL_BYTES}")
    if plain(label) != label:
        raise InputError(f"the label '{plain(label)}' holds a control character; choose one without")


def _truth(args: argparse.Namespace, resumed: tuple[Header, SessionState] | None) -> Truth | None:
    if args.annotations is None:
        return None
    from reatrieve.annotations.truth import load_truth

    audio = args.file if resumed is None else resumed[0].track_map.items[0].path
    truth = load_truth(args.annotations, audio, args.class_)
    _check_label(truth.class_)
    return truth


def _chosen(
    args: argparse.Namespace,
    marked: tuple[TrackMap, Span] | None,
    settings: Settings,
    truth: Truth | None,
    console: Console,
) -> tuple[Header, SessionState]:
    """The session to be held on what was ``marked``: an earlier one that somebody wants to go on with, else a new
    one."""
    from reatrieve.journal import Header
    from reatrieve.session.events import Started
    from reatrieve.session.state import fold

    assert marked is not None
    track_map, example = marked
    for note in sound_notes(args.file):
        console.print(f"note: {note}")
    sessions = _sessions(args, settings, track_map.items[0].path, example)
    args.resume = _gone_on_with(args, sessions, console)
    if args.resume is not None:
        args.file = None
        return _check_resumed(args)
    if there := _sync_json_in_the_way(args):
        console.print(
            f"note: {there.name} already exists in {there.parent}, and no new session replaces it; choose another "
            "folder by --out, or go on with its session by --resume"
        )
    label = args.label or (truth.class_ if truth else sessions.free_label())
    started = Started(example, label, _budget(args), args.retriever or settings.retriever)
    return Header(uuid.uuid4().hex, track_map), fold([started])


def _sync_json_in_the_way(args: argparse.Namespace) -> Path | None:
    """What has the name of this new session's sync JSON, be it a link that leads nowhere. (Other files may turn out to
    be the same.)"""
    if args.out is None or not _rewrites(args):
        return None
    from reatrieve.sync.export import sync_json_of

    path = sync_json_of(args.file, args.out)
    return path if os.path.lexists(path) else None


def _journal(args: argparse.Namespace, header: Header, state: SessionState, settings: Settings) -> Journal:
    """The session's journal: opened to go on, or begun."""
    from reatrieve.journal import Journal, JournalFolder
    from reatrieve.session.events import Started

    if args.resume is not None:
        journal = Journal.open(args.resume)
        journal.header = header
        return journal
    path = args.journal or JournalFolder(settings.journals_folder).path(header.session)
    started = Started(state.example, state.label, state.budget, state.retriever)
    try:
        return Journal.create(path, header, events=[started])
    except JournalError as error:
        reason = getattr(error.__cause__, "strerror", None)
        if reason is None:
            raise
        raise JournalError(
            f"the session cannot be kept in {path.parent} ({reason}); "
            + (
                "name a file by --journal, or another home folder by the variable REATRIEVE_HOME"
                if args.journal is None
                else "name another file by --journal"
            )
        ) from error


@contextlib.contextmanager
def _kept_if_used(journal: Journal, args: argparse.Namespace, person: Person, console: Console) -> Iterator[Journal]:
    """The journal, closed at the end, and deleted if the session is not kept, however it ended."""
    from reatrieve.session.state import fold

    try:
        with journal:
            yield journal
    except KeyboardInterrupt:
        console.print()
        if _is_kept(journal, args, person):
            _say_how_to_go_on(journal, args, console, "stopped; ")
        else:
            console.print(f"stopped: {NOTHING_ANSWERED}")
        raise _Stopped from None
    except JournalError as error:  # a disk that is full, most likely
        again = _again(args, journal.path, fold(journal.events()))
        raise JournalError(f"{error}; what was answered before is kept, this goes on with it: {again}") from error
    finally:
        if not _is_kept(journal, args, person):
            with contextlib.suppress(OSError):  # Windows deletes no file that another program has open
                journal.path.unlink()


def _is_kept(journal: Journal, args: argparse.Namespace, person: Person) -> bool:
    """Whether there is anything to go on with: an answer, somebody who typed, or a journal that the user named."""
    from reatrieve.session.state import fold

    is_named = args.resume is not None or args.journal is not None
    return is_named or person.has_typed or fold(journal.events()).answers > 0


def _marked(args: argparse.Namespace, truth: Truth | None, settings: Settings) -> tuple[TrackMap, Span]:
    """The file as a track, and the example; what cannot be searched is refused before anything large is loaded."""
    from reatrieve.audio.soundness import length_s
    from reatrieve.audio.trackmap import TrackItem, TrackMap
    from reatrieve.retrieval.registry import demand_retriever
    from reatrieve.session.events import Started
    from reatrieve.session.state import fold

    if args.journal is not None and args.journal.exists():
        state = _state_in(args.journal)
        if state is None and not _is_journal(args.journal):
            raise InputError(f"--journal {args.journal} exists and is no journal; choose another name")
        again = _again(args, args.journal, state)
        raise JournalError(f"{args.journal} exists already; go on with it by {again}, or name another by --journal")
    if args.start is None and args.end is None and truth is not None:
        args.start, args.end = truth.occurrences[0].start_s, truth.occurrences[0].end_s
    if args.start is None or args.end is None:
        missing = [name for name in ("start", "end") if getattr(args, name) is None]
        one_alone = f"; --{missing[0]} is missing" if len(missing) == 1 else ""
        raise InputError(f"mark one example of the sound: --start S --end E{one_alone}")
    retriever = args.retriever or settings.retriever
    demand_retriever(retriever)
    track_map = TrackMap((TrackItem(args.file.absolute(), 0.0, length_s(args.file)),))
    example = example_span(args.start, args.end, track_map.duration_s)
    fold([Started(example, args.label, _budget(args), retriever)])  # an impossible budget fails here
    return track_map, example


def _budget(args: argparse.Namespace) -> int:
    return DEFAULT_BUDGET if args.budget is None else args.budget


def _state_in(journal: Path) -> SessionState | None:
    """The session that a journal holds; None where it cannot be read."""
    from reatrieve.journal import read_journal
    from reatrieve.session.state import fold

    with contextlib.suppress(JournalError, InputError):
        return fold(line.event for line in read_journal(journal)[1])
    return None


def _is_journal(path: Path) -> bool:
    """Whether it is one, be it damaged; one that may not be read is taken for one."""
    from reatrieve.cli.named_journal import read_named_journal

    try:
        read_named_journal(path, wanted_by="--journal", warn=False)
    except (InputError, NotAJournalError):
        return False
    except JournalError:
        return path.is_file()
    return True


def _check_resumed(args: argparse.Namespace) -> tuple[Header, SessionState]:
    """What ``--resume`` names, with the sound file where it is now; what is wrong with the journal, that file or the
    new budget is said before anything large is loaded."""
    from reatrieve.cli.named_journal import read_named_journal
    from reatrieve.session.state import fold

    header, lines = read_named_journal(args.resume, wanted_by="--resume", warn=False)
    state = fold(line.event for line in lines)
    if args.budget is not None and args.budget < state.budget:
        raise InputError(f"--budget {args.budget} is below the session's {state.budget}; it can only be raised")
    header = _found_again(header, state, args)
    searched_s = whole_file_s([header])
    audio = header.track_map.paths[0]
    if there_s := other_length(audio, searched_s):
        raise InputError(
            f"{audio.name} lasts {there_s:.3f} s, what was searched {searched_s:.3f} s: it may be another recording; "
            f"begin anew by: {_anew(args.file or audio)}"
        )
    refuse_uncovered(header, state)
    return header, state


def _changes(header: Header) -> list[str]:
    """What somebody should know of the sound file before a session goes on.

    Raises
    ------
    AudioError
        If a file that was searched as it is holds samples that are no numbers: it has been changed.
    """
    is_whole_file = whole_file_s([header]) is not None
    notes = sound_notes(header.track_map.paths[0]) if is_whole_file else []
    for path in written_after(header):
        otherwise = f", else begin anew by: {_anew(path)}" if is_whole_file else ""
        notes.append(f"{path.name} was written after the search; check that its places still fit{otherwise}")
    return notes


def _anew(audio: Path) -> str:
    """The command that begins another session; its place is to be marked again, since it may lie elsewhere."""
    return command_line("reatrieve", "find", audio, "--start", "S", "--end", "E", "--new")


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
    searched_s = whole_file_s([earlier.header])
    if there_s := other_length(args.file, searched_s):
        console.print(
            f"note: this place was searched before ({earlier.about}), but {args.file.name} lasts {there_s:.3f} s, what "
            f"was searched {searched_s:.3f} s: it may be another recording; another session begins"
        )
        return None
    for path in written_after(earlier.header):
        console.print(
            f"note: {path.name} was written after that search; check that its places still fit, or begin another"
        )
    lines = typed_lines()
    if not lines.isatty():
        again = _again(args, earlier.path, earlier.state)
        console.print(f"note: this place was searched before ({earlier.about}); go on with that by: {again}")
        console.print("note: --new begins anew without this note")
        return None
    console.print("this place was searched before:")
    console.print(f"  {earlier.about}")
    while True:
        with notes_held():
            console.print("go on with that session? Y/n (n begins another) ", end="")
            console.file.flush()
            said = lines.readline()
        if not said:
            raise InputError("not answered; add --new to begin another session")
        if said.strip().lower() in ("", "y", "yes", "n", "no"):
            return None if said.strip().lower() in ("n", "no") else earlier.path
        console.print("type y or n, then Enter")


def _found_again(header: Header, state: SessionState, args: argparse.Namespace) -> Header:
    """The header with the file where it is now."""
    items = header.track_map.items
    if args.file is None:
        for path in header.track_map.paths:
            if not path.is_file():
                again = _again(args, args.resume, state, "FILE")
                raise AudioError(f"{path} is no longer there; say where it is now: {again}")
        return header
    if len({item.path for item in items}) != 1:
        raise InputError(f"{args.resume} searched a track of several files; leave out FILE")
    from reatrieve.audio.trackmap import TrackMap

    return replace(header, track_map=TrackMap(tuple(replace(item, path=args.file.absolute()) for item in items)))


def _change(search: JournalledSearch, args: argparse.Namespace) -> None:
    """What a resumed session may get anew: a larger budget, another label."""
    state = search.state
    if args.budget is not None and args.budget > state.budget:
        search.go_on(args.budget - state.budget)
    if args.label and args.label != state.label:
        search.rename(args.label)


def _analysed(
    header: Header, retriever: Retriever, args: argparse.Namespace, settings: Settings, console: Console
) -> Analysis:
    from reatrieve.audio.analysis import analyse_track
    from reatrieve.audio.cache import AnalysisCache
    from reatrieve.cli.terminal import stage_bars

    cache = None if args.no_cache else AnalysisCache(settings.cache, settings.cache_size_mb << 20)
    with stage_bars("decode", "analyse", console=console) as told:
        try:
            return analyse_track(header.track_map, retriever, cache=cache, progress=told)
        except SilentError as error:
            names = ", ".join(str(path) for path in header.track_map.paths)
            raise AudioError(f"{names}: silent from start to end; choose another file") from error


def _exported(
    search: JournalledSearch, journal: Journal, args: argparse.Namespace, console: Console
) -> list[dict[str, str]]:
    if args.out is None:
        return []
    from reatrieve.sync.earlier import accepted_in
    from reatrieve.sync.export import ExportJob, ForceNeededError, export

    header = journal.header
    accepted = accepted_in(search.state, session=header.session, origin_s=header.origin_s)
    job = ExportJob(
        accepted=accepted,
        folder=args.out,
        targets=args.to or "json",
        track_map=header.track_map,
        add=True,
        replace_own=True,
    )
    notes: list[str] = []
    try:
        written = export(job, note=notes.append)
    except ForceNeededError as error:
        options = ["--add", "--force"] if error.keeps else ["--force"]
        what = "writes them, and keeps the other sounds" if error.keeps else "replaces what is there"
        does = _export_command(journal, args, *options)
        raise InputError(f"{error.fact}; the answers are kept, this {what}: {does}") from error
    except (InputError, AudioError) as error:
        does = _export_command(journal, args, "--add")
        raise type(error)(f"{error}; the answers are kept, once that is right this writes them: {does}") from error
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
