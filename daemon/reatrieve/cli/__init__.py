"""The command ``reatrieve``: one module a subcommand, errors as one line."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence

from reatrieve import __version__
from reatrieve.cli.parser import Parser
from reatrieve.errors import ReatrieveError
from reatrieve.plain import PlainFormatter, plain

__all__ = ["main"]

COMMANDS = {
    "install": "put the scripts into REAPER, and tell them where the daemon is",
    "uninstall": "take away what install has put into REAPER",
    "doctor": "check everything that has to work together, and say what to do",
    "demo": "watch the whole loop run on a simulated REAPER",
    "find": "find a sound's other places in a file, from the terminal",
    "serve": "the daemon that REAPER's scripts talk to",
    "export": "write sync files for game engines from accepted regions",
    "convert": "turn label files of one program into another's",
    "journal": "look after the journals of sessions",
    "evaluate": "measure retrievers on an annotated data set",
    "experiments": "the paper's experiments on a data set: figures, tables, statements",
    "dataset": "turn finished sessions into a data set",
    "synth": "make an annotated data set of electronic music",
    "bench": "measure speed and memory on this machine, as ratios",
}
"""Modules of this package, each with ``add(subparsers)``, as ``reatrieve --help`` shows them. What each is for stands
here, so that the list costs no import of them."""

_LOGGED = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SHOWN = "reatrieve: note: %(message)s"
"""A warning of ours in the terminal of somebody who has just typed a command."""

_COMMAND = re.compile(r": (?=(?:reatrieve|git|uv|pipx|\S*python[\d.]*(?:\.exe)?'?\"?) )")
"""Where a command begins that a sentence ends with."""


def build_parser(only: str | None = None) -> Parser:
    """Make the parser; of all subcommands only the one called ``only`` is imported and gets its options."""
    parser = Parser(
        prog="reatrieve",
        description="Mark one sound, get every other place where it happens, take the places into the game.",
    )
    parser.add_argument("--version", action="version", version=f"reatrieve {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        if name == only:
            importlib.import_module(f"reatrieve.cli.{name}").add(subparsers)
        elif only not in COMMANDS:
            subparsers.add_parser(name, help=purpose)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    if sys.stdout is None:  # closed by whoever started this
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Windows consoles and pipes default to the ANSI code page
            stream.reconfigure(encoding="utf-8", errors="replace")
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # calls it an error when an observer is stopped
    arguments = list(sys.argv[1:] if argv is None else argv)
    form = _LOGGED if arguments[:1] == ["serve"] else _SHOWN
    for handler in logging.getLogger().handlers:
        handler.setFormatter(PlainFormatter(form))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read when numpy loads: many small products, which more threads make slower
    try:
        if not arguments:
            build_parser().print_help(sys.stderr)
            return 2
        args = build_parser(only=arguments[0]).parse_args(arguments)
        if getattr(args, "jobs", 1) == 1:  # joblib tries out a semaphore when it loads, and warns where there is none
            os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
        status = int(args.func(args))
        sys.stdout.flush()
        return status
    except ReatrieveError as error:
        return _failed(str(error), error.exit_status)
    except ModuleNotFoundError as error:
        from reatrieve.installation import missing_module

        explained = missing_module(error)
        if explained is None:
            raise
        return _failed(str(explained), explained.exit_status)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _close_output()
        return 0
    except OSError as error:  # a disk that is full, a folder that may not be entered, ...
        _close_output()
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error), 1)
    except RuntimeError as error:
        if "determine home" in str(error):  # pathlib's words
            return _failed("this user has no home folder; set the environment variable HOME to a writable folder", 1)
        if "no locator available" not in str(error):  # numba's words, on a disk that takes no file of this user
            raise
        return _failed("numba, which librosa needs, finds no folder to keep compiled code in; set the environment "
                       "variable NUMBA_CACHE_DIR to a writable folder", 1)  # fmt: skip
    except UnicodeEncodeError as error:  # a file's name, where the locale is none of UTF-8
        letters = error.object[error.start : error.end]
        return _failed(f"this terminal's locale has no {letters!r}, which is in a file's name; set the environment "
                       "variable PYTHONUTF8 to 1", 1)  # fmt: skip
    except MemoryError:
        return _failed("there is not enough memory for this; close other programs, or take a shorter file", 1)


def _failed(text: str, status: int) -> int:
    line = f"reatrieve: error: {plain(text)}"
    print(_in_lines(line) if sys.stderr.isatty() else line, file=sys.stderr)
    return status


def _in_lines(text: str) -> str:
    """The sentence in lines for the terminal; a command at its end on a line of its own, whole, to be copied."""
    from reatrieve.cli.wrapping import wrapped

    command = _COMMAND.search(text)
    if command is None:
        return wrapped(text, indent=2)
    return f"{wrapped(text[: command.start() + 1], indent=2)}\n  {text[command.end() :]}"


def _close_output() -> None:
    """Nobody reads it any more, or its disk is full: what is left in it must not fail again at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
