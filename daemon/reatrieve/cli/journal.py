"""``reatrieve journal check``: what is wrong with a session's journal, and what can still be used of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from reatrieve.plain import plain

__all__ = ["add", "run"]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("journal", description="Look after the journals of sessions.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="say what is wrong with a journal",
        description="Say what is wrong with a journal and what of it can be used; changes nothing. Exit status 0: "
        "all is well; 1: damaged, torn or of a newer version.",
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="SESSION.journal.jsonl")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Check each file; 1 if anything is wrong with any of them."""
    return max(_check(path) for path in args.files)


def _check(path: Path) -> int:
    from reatrieve.errors import JournalError  # after the arguments are known to be right
    from reatrieve.journal import check_journal
    from reatrieve.session.state import fold

    try:
        header, lines, problems = check_journal(path)
    except JournalError as error:
        _say(f"{path}: {_without(error, path)}")
        return 1
    for problem in problems:
        _say(f"{path}: {_without(problem, path)}")
    if header is None:
        _say(f"{path}: nothing can be used; look for a copy in the project's folder NAME.reatrieve")
    elif not lines:
        _say(f"{path}: no event can be used" if problems else f"{path}: no event yet")
    else:
        state = fold(line.event for line in lines)
        usable = "can be used" if problems else "all is well"
        _say(f"{path}: {usable}: {len(lines)} events, {state.answers} answers, {state.accepted} accepted")
    return 1 if problems else 0


def _say(text: str) -> None:
    print(plain(text))


def _without(problem: object, path: Path) -> str:
    """A sentence that names the file, without it."""
    return str(problem).removeprefix(f"{path}, ").removeprefix(f"{path}: ").removeprefix(f"{path} ")
