"""The command ``reatrieve``: one module a subcommand, errors as one line."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import logging
import os
import re
import sys
import traceback
from collections.abc import Sequence

from reatrieve import __version__
from reatrieve.address_space import check_address_space
from reatrieve.cli.parser import Parser
from reatrieve.errors import ReatrieveError, lacks_memory
from reatrieve.plain import LOG_FORMAT, PlainFormatter, plain, set_in

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

_SHOWN = "reatrieve: note: %(message)s"
"""A warning of ours in the terminal of somebody who has just typed a command."""

_COMMAND = re.compile(r": (?=(?:reatrieve|git|uv|pipx|\S*python[\d.]*(?:\.exe)?'?\"?) )")
"""Where a command begins that a sentence ends with."""


_FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))


class _Terminal(logging.Handler):
    """Standard error as it is when a note comes: while a progress bar runs, that puts the note above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record`` as one line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


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
    os.umask(os.umask(0o077) & 0o077)  # what we make we can read, whatever is to be kept from others
    logging.basicConfig(level=logging.WARNING, handlers=[_Terminal()])
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # calls it an error when an observer is stopped
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    form = LOG_FORMAT if arguments[:1] == ["serve"] else _SHOWN
    for handler in logging.getLogger().handlers:
        handler.setFormatter(PlainFormatter(form))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # read when numpy loads: many small products, which more threads make slower
    try:
        if not arguments:
            build_parser().print_help(sys.stderr)
            return 2
        check_address_space()  # first: the options of some commands import numpy
        args = _parsed(arguments)
        if getattr(args, "jobs", 1) == 1:  # joblib tries out a semaphore when it loads, and warns where there is none
            os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
        status = int(args.func(args))
        sys.stdout.flush()
        return status
    except ReatrieveError as error:
        return _failed(str(error), error.exit_status)
    except ModuleNotFoundError as error:
        from reatrieve.installation import missing_module

        missing = missing_module(error)
        if missing is None:
            raise
        return _failed(str(missing), missing.exit_status)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _close_output()
        return 0
    except Exception as error:
        explained = _explained(error)
        if isinstance(error, OSError):
            _close_output()
        if explained is None:
            return _fault(error)
        return _failed(explained, 1)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    try:
        return build_parser(only=arguments[0]).parse_args(arguments)
    except SystemExit:  # after --help
        sys.stdout.flush()
        raise


def _explained(error: Exception) -> str | None:
    """What the machine or one of its disks did not do, as a sentence; None: it is a fault of ours."""
    if lacks_memory(error):
        return "there is not enough memory for this; close other programs, or take a shorter file"
    if isinstance(error, OSError):  # a disk that is full, a folder that may not be entered, ...
        why = str(error.strerror or error)
        if isinstance(error, FileNotFoundError) and not _is_somewhere():
            return "the current folder is no longer there; go to another one, then type the command again"
        if isinstance(error, PermissionError) and error.filename:
            return f"{error.filename}: {why}; correct the rights of it or of its folder, or choose another place"
        if error.filename:
            return f"{error.filename}: {why}"
        if error.errno in _FULL:
            return f"standard output or a file cannot be written ({why}); make room, or choose another place"
        return why
    if isinstance(error, UnicodeEncodeError):  # a file's name, where the locale is none of UTF-8
        letters = error.object[error.start : error.end]
        return (
            f"this terminal's locale has no {letters!r}, which is in a file's name; set the environment variable "
            "PYTHONUTF8 to 1"
        )
    if isinstance(error, RuntimeError) and "determine home" in str(error):  # pathlib's words
        return "this user has no home folder; set the environment variable HOME to a writable folder"
    if isinstance(error, RuntimeError) and "no locator available" in str(error):  # numba's, where no disk takes a file
        return (
            "numba, which librosa needs, finds no folder to keep compiled code in; set the environment variable "
            "NUMBA_CACHE_DIR to a writable folder"
        )
    return None


def _is_somewhere() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109
    except OSError:
        return False


def _fault(error: Exception) -> int:
    """Show a fault of ours as Python does, but what it has of a file's name or content harmless."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:  # closed by whoever started this
            print(set_in("".join(traceback.format_exception(error)).rstrip()), file=sys.stderr)
    return _failed("this is a fault in ReaTrieve; please report it with the lines above", 1)


def _failed(text: str, status: int) -> int:
    line = f"reatrieve: error: {plain(text)}"
    with contextlib.suppress(OSError):  # its disk is full
        if sys.stderr is not None:  # closed by whoever started this
            print(_in_lines(line) if sys.stderr.isatty() else line, file=sys.stderr)
            sys.stderr.flush()
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
