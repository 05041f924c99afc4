"""The command ``reatrieve``: one module a subcommand, errors as one line."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from reatrieve import __version__
from reatrieve.errors import ReatrieveError
from reatrieve.plain import PlainFormatter, plain

__all__ = ["main"]

COMMANDS = (
    "demo", "find", "serve", "export", "convert", "journal", "evaluate", "experiments", "dataset", "synth", "bench",
)  # fmt: skip
"""Modules of this package, in the order that ``reatrieve --help`` shows them; each has ``add(subparsers)``."""


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Make the parser; with ``only``, import that subcommand alone, so that ``reatrieve serve`` starts fast."""
    parser = argparse.ArgumentParser(
        prog="reatrieve",
        description="Mark one sound, get every other place where it happens, take the places into the game.",
    )
    parser.add_argument("--version", action="version", version=f"reatrieve {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if only not in COMMANDS else (only,):
        importlib.import_module(f"reatrieve.cli.{name}").add(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Windows consoles and pipes default to the ANSI code page
            stream.reconfigure(encoding="utf-8", errors="replace")
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read when numpy loads: many small products, which more threads make slower
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(only=arguments[0] if arguments else None)
    args = parser.parse_args(arguments)
    try:
        return int(args.func(args))
    except ReatrieveError as error:
        print(f"reatrieve: error: {plain(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
