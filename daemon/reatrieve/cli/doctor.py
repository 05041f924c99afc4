"""``reatrieve doctor``: is everything well, and if not, what to do."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
from collections.abc import Callable

from reatrieve.cli.install import add_resources, chosen_resources
from reatrieve.cli.output import say
from reatrieve.cli.values import check_file_to_write, file_path
from reatrieve.errors import InputError, ReatrieveError

__all__ = ["add", "run"]

GENERAL_CHECKS, CHECKS_OF_ONE = 12, 4
"""About so many lines come, of all and of each REAPER; only the bar needs it."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "doctor",
        description="Check versions, the home folder, the daemon, both ways in which it talks to REAPER, decoders, "
        "disk and the scripts in each REAPER. Each line begins with OK, or with DO and says what to do, or with -- "
        "where there is nothing to check; the exit status is 1 if there is anything to do.",
    )
    add_resources(parser)
    parser.add_argument("--home", type=file_path, metavar="DIR", help="folder that daemon and scripts share")
    parser.add_argument(
        "--bundle",
        type=file_path,
        metavar="FILE.zip",
        help="write a zip file for a bug report: no audio, no paths or names of yours, no secrets (.zip is added to a "
        "name that does not end so)",
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print the checks.

    Raises
    ------
    InputError
        If ``--bundle`` names a folder, or a file that is there.
    ReatrieveError
        If its folder is not there.
    """
    from reatrieve.settings import Settings
    from reatrieve.setup.doctor import Check, checks, checks_of

    wrong: list[str] = []
    settings = Settings.load({"home": args.home}, on_mistake=wrong.append)
    mistakes = [Check("settings", False, f"{one}; the daemon does not start with it") for one in wrong]
    if args.bundle is not None and args.bundle.is_dir():
        raise InputError(f"--bundle {args.bundle} is a folder; name a file")
    if args.bundle is not None and args.bundle.suffix.lower() != ".zip":
        args.bundle = args.bundle.with_name(f"{args.bundle.name.rstrip('.')}.zip")
    if args.bundle is not None and args.bundle.exists():
        raise InputError(f"--bundle {args.bundle} is there already; name a new file")
    if args.bundle is not None:
        if not args.bundle.parent.exists():
            raise ReatrieveError(
                f"{args.bundle} cannot be written: its folder is not there; make it, or name another file"
            )
        check_file_to_write(args.bundle, "--bundle")
    try:
        reapers = chosen_resources(args, settings.home)
    except InputError as error:
        if args.resource_path:
            raise
        reapers, found = [], [Check("REAPER", None, f"{error}. reatrieve find needs no REAPER.")]
    else:
        found = []
    lines = []
    well = True
    expected = GENERAL_CHECKS + CHECKS_OF_ONE * len(reapers)
    with _bar() as told:
        for source in (mistakes, checks(settings), found, *(checks_of(one, settings) for one in reapers)):
            for check in source:
                lines.append(str(check))
                well = well and check.ok is not False
                say(str(check), indent=4)
                told(min(1.0, len(lines) / expected))
    if args.bundle is not None:
        from reatrieve.setup.bundle import write_bundle

        names = write_bundle(args.bundle, "\n".join(lines) + "\n", settings, reapers)
        say("", f"{args.bundle}: {', '.join(names)}. Look into it before you send it.", indent=0)
    return 0 if well else 1


def _bar() -> contextlib.AbstractContextManager[Callable[[float], None]]:
    """A progress bar where somebody looks and the extra ``headless`` is there; what checks it must need nothing."""
    if sys.stdout.isatty() and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None:
        from reatrieve.cli.terminal import progress_bar

        return progress_bar("checking")
    return contextlib.nullcontext(lambda _share: None)
