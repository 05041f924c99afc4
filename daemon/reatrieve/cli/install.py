"""``reatrieve install``: the scripts into REAPER, and into its resource folder where the daemon is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.cli.output import say
from reatrieve.cli.values import file_path
from reatrieve.errors import InputError

if TYPE_CHECKING:
    from reatrieve.setup.places import Resources

__all__ = ["add", "add_resources", "chosen_resources", "run"]

NEXT = """
Next, in REAPER:
  1. Actions > Show action list > New action > Load ReaScript: {setup}
  2. Run it: it registers the other actions and offers a key for each.
Every day after: select a track, mark one sound with the time selection, and run \
"ReaTrieve: Find sounds like the time selection"."""
AGAIN = "\nEnd and restart REAPER, or run ReaTrieve_Client again, to use the new scripts."


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "install",
        description="Copy the scripts into REAPER's resource folder and write there where the daemon, its Python and "
        "its home folder are. Done again, it brings everything up to date and says what changed; a file that you have "
        "changed yourself is kept as a copy. `reatrieve uninstall` takes it all away.",
    )
    add_resources(parser)
    parser.add_argument("--home", type=file_path, metavar="DIR", help="folder that daemon and scripts share")
    parser.add_argument(
        "--keep-scripts", action="store_true", help="the scripts came another way (ReaPack): leave them as they are"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.set_defaults(func=run)


def add_resources(parser: argparse.ArgumentParser) -> None:
    """The option that says which REAPER is meant."""
    parser.add_argument(
        "--resource-path",
        type=file_path,
        action="append",
        metavar="DIR",
        help="REAPER's resource folder (Options > Show REAPER resource path), for a portable one; may be repeated "
        "(default: every REAPER of this user, and portable ones where install was run)",
    )


def chosen_resources(args: argparse.Namespace, home: Path, *, to_uninstall: bool = False) -> list[Resources]:
    """The resource folders that are meant; see ``setup.places`` and, for those remembered in ``home``,
    ``setup.remembered``.

    Parameters
    ----------
    args : with the option of ``add_resources``.
    home : the home folder.
    to_uninstall : what they are for, which is what somebody without REAPER is told.

    Raises
    ------
    InputError
        If one that was named is none, or none was found.
    """
    from reatrieve.setup.places import known_folders, resources_at, resources_found
    from reatrieve.setup.remembered import remembered

    if args.resource_path:
        return [resources_at(path) for path in args.resource_path]
    found = resources_found()
    found += [one for one in remembered(home) if one.path not in [other.path for other in found]]
    if not found:
        looked = ", ".join(str(path) for path, _ in known_folders())
        if to_uninstall:
            raise InputError(
                f"nothing of ReaTrieve's is known to be installed (looked in {looked}); for another REAPER, name its "
                "resource folder by --resource-path (in REAPER: Options > Show REAPER resource path)"
            )
        raise InputError(
            f"no REAPER was found (looked in {looked}): start REAPER once, or name its resource folder by "
            "--resource-path (in REAPER: Options > Show REAPER resource path)"
        )
    return list(found)


def run(args: argparse.Namespace) -> int:
    """Install, and print what was done."""
    from reatrieve.settings import Settings
    from reatrieve.setup.install import MANIFEST, install

    home = Settings.load({"home": args.home}).home
    first, changed = "", False
    for resources in chosen_resources(args, home):
        if not (resources.ours / MANIFEST).is_file():
            first = first or str(resources.scripts / "ReaTrieve_Setup.lua")
        for line in install(resources, home, keep_scripts=args.keep_scripts, dry_run=args.dry_run):
            say(line, indent=11)
            changed = changed or line.lstrip().startswith(("added", "updated", "removed"))
    if args.dry_run:
        say("", "Nothing was changed (--dry-run).")
    elif changed and not args.keep_scripts:
        for line in (NEXT.format(setup=first) if first else AGAIN).splitlines():
            say(line, indent=5 if line.startswith(" ") else 0)
    return 0
