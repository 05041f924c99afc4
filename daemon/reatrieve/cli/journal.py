"""``reatrieve journal``: which sessions there are, what is wrong with a journal, and what can still be used of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.cli.output import say
from reatrieve.cli.values import file_path, plural

if TYPE_CHECKING:
    from reatrieve.journal import Header, Line, StoredJournal
    from reatrieve.session.state import SessionState

__all__ = ["add", "run"]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("journal", description="Look after the journals of sessions.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="say what is wrong with a journal",
        description="Say what is wrong with a journal and what of it can be used; changes nothing. Exit status 0: "
        "all is well; 1: damaged, not written completely, or of a newer version.",
    )
    check.add_argument("files", nargs="+", type=file_path, metavar="FILE", help="SESSION.journal.jsonl")
    check.set_defaults(func=run)
    listing = actions.add_parser(
        "list",
        help="the sessions of this user, the latest first",
        description="The sessions in the home folder, the latest first: the sound's name, what was searched, when the "
        "last answer was given, how much is accepted, and the journal's path below.",
    )
    listing.set_defaults(func=_list)


def run(args: argparse.Namespace) -> int:
    """Check each file; 1 if anything is wrong with any of them."""
    return max(_check(path) for path in args.files)


def _list(_args: argparse.Namespace) -> int:
    from reatrieve.journal import JournalFolder, read_header
    from reatrieve.settings import Settings

    folder = Settings.load({}).journals_folder
    found = JournalFolder(folder).sessions()
    for one in found:
        say(f"{_what(one.label, read_header(one.path), one.modified_s)}, {_accepted(one)}")
        say(f"  {one.path}")
    if not found:
        say(f"no session in {folder} yet")
    return 0


def _what(label: str, header: Header, time_s: float) -> str:
    """The sound's name, the project or the files that were searched, and the time of the last event."""
    names = [Path(header.project).name] if header.project else _names(header.track_map.paths)
    when = _local(time_s).strftime("%Y-%m-%d %H:%M")
    return f"{label} in {', '.join(names)}, {when}"


def _local(time_s: float) -> datetime:
    """Wall time in the local zone; in UTC where the system knows no such year (Windows after 3000)."""
    from reatrieve.journal import moment

    when = moment(time_s)
    try:
        return when.astimezone()
    except (OSError, OverflowError, ValueError):
        return when


def _accepted(session: SessionState | StoredJournal) -> str:
    return f"the example and {session.accepted} accepted"


def _names(paths: Iterable[Path]) -> list[str]:
    names = [path.name for path in paths]
    return names if len(names) <= 2 else [names[0], f"{len(names) - 1} more files"]


def _check(path: Path) -> int:
    from reatrieve.errors import JournalError  # after the arguments are known to be right
    from reatrieve.journal import check_journal
    from reatrieve.session.state import fold

    try:
        header, lines, problems = check_journal(path)
    except JournalError as error:
        say(f"{path}: {_without(error, path)}")
        return 1
    for problem in problems:
        say(f"{path}: {_without(problem, path)}")
    if header is None:
        say(f"{path}: nothing can be used; look for a copy in the project's folder NAME.reatrieve")
    elif not lines:
        say(f"{path}: no event can be used" if problems else f"{path}: no event yet")
    else:
        state = fold(line.event for line in lines)
        usable = "all is well"
        if problems:
            usable = "can be used" if _goes_on(path, lines) else "what stands before that can be exported"
        counted = f"{plural(len(lines), 'event')}, {plural(state.answers, 'answer')}"
        say(f"{path}: {usable}: {_what(state.label, header, lines[-1].time_s)}: {counted}, {_accepted(state)}")
    return 1 if problems else 0


def _goes_on(path: Path, lines: Sequence[Line]) -> bool:
    """Whether a search can go on after these events: nothing of the journal but a torn last line is left out."""
    from reatrieve.errors import JournalError
    from reatrieve.journal import read_journal

    try:
        return read_journal(path)[1] == lines
    except JournalError:
        return False


def _without(problem: object, path: Path) -> str:
    """A sentence that names the file, without it."""
    return str(problem).removeprefix(f"{path}, ").removeprefix(f"{path}: ").removeprefix(f"{path} ")
