"""``reatrieve uninstall``: what ``install`` and *ReaTrieve: Setup* have put into REAPER is taken away again."""

from __future__ import annotations

import argparse

from reatrieve.cli.install import add_resources, chosen_resources
from reatrieve.cli.output import say

__all__ = ["add", "run"]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "uninstall",
        description="Take away exactly what `reatrieve install` and the action ReaTrieve: Setup have put into REAPER's "
        "resource folder. Files that you have changed stay, and so do your sessions and settings. The entries in "
        "REAPER's action list are REAPER's own: remove them there first (Actions > Show action list).",
    )
    add_resources(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Uninstall, and print what was done."""
    from reatrieve.settings import Settings
    from reatrieve.setup.install import uninstall

    chosen = chosen_resources(args, Settings.load({}).home, to_uninstall=True)
    for number, resources in enumerate(chosen):
        before = [one.path for one in chosen[:number]]
        for line in uninstall(resources, before=before, dry_run=args.dry_run):
            say(line, indent=11)
    if args.dry_run:
        say("", "Nothing was changed (--dry-run).")
    return 0
