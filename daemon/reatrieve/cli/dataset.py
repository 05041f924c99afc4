"""``reatrieve dataset``: users' own answers become benchmarks."""

from __future__ import annotations

import argparse

from reatrieve.cli.named_journal import read_named_journal
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, apart
from reatrieve.cli.values import check_folder_to_write, file_path, plural, text
from reatrieve.errors import InputError

__all__ = ["add", "run"]


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("dataset", description="Work on data sets for `evaluate`.")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    adding = actions.add_parser(
        "add",
        help="add finished sessions",
        description="Add the answers of finished sessions to a data set: accepted places become occurrences, skipped "
        "ones `near`; the audio is copied along.",
    )
    adding.add_argument("journal", nargs="+", type=file_path, metavar="JOURNAL", help="a session's .journal.jsonl")
    adding.add_argument(
        "--out", "--to", dest="to", required=True, type=file_path, metavar="DATASET", help="folder, made when missing"
    )
    adding.add_argument(
        "--name", type=text, default="", help="name of the audio file there, without suffix (the source's)"
    )
    adding.add_argument("--label", type=text, default="", help="class of the rows (the session's label)")
    adding.add_argument("--annotator", type=text, default="", help="fills the column annotator")
    adding.add_argument("--reference", action="store_true", help="name the source file where it lies; copy nothing")
    adding.add_argument("--unfinished", action="store_true", help="take a session that is not over, too")
    adding.rules = apart("--name", "--reference", why="the source file keeps its name")
    adding.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Add each journal and say what it brought.

    Raises
    ------
    InputError
        If a journal is named twice, or a folder cannot be used.
    """
    from reatrieve.lab.additions import add_session

    check_folder_to_write(args.to, "--out")
    if len(set(args.journal)) < len(args.journal):
        raise InputError("a journal is named twice; its rows would be doubled")
    for journal in args.journal:
        read_named_journal(journal, wanted_by="dataset add", warn=False)  # what is none is told as what it is
        added = add_session(
            journal,
            args.to,
            name=args.name,
            label=args.label,
            annotator=args.annotator,
            reference=args.reference,
            unfinished=args.unfinished,
        )
        mixed = "; the track was mixed to that file" if added.rendered else ""
        near = f", {added.near} near" if added.near else ""
        say(f"{added.file}: {added.class_}, {plural(added.occurrences, 'occurrence')}{near}{mixed}")
        if added.renamed:
            say(f"note: its rows were called {', '.join(added.renamed)}, and are called {added.class_} now")
        if added.also:
            also = ", ".join(added.also)
            say(f"note: some of its places stand there as {also}, too; remove those rows if that is the same sound")
    return 0
