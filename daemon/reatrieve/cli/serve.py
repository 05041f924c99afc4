"""``reatrieve serve``: the daemon, in the foreground until it is stopped."""

from __future__ import annotations

import argparse
import contextlib
import logging
import logging.handlers
from collections.abc import Iterator
from pathlib import Path

from reatrieve import __version__
from reatrieve.bridge.home import DaemonInfo
from reatrieve.cli.daemon_log import DaemonLog
from reatrieve.cli.output import say
from reatrieve.cli.parser import Parser, idle
from reatrieve.cli.values import file_path, whole
from reatrieve.errors import InputError
from reatrieve.files import keep_secret, own_folder, read_small, reason
from reatrieve.reported import Ours
from reatrieve.settings import Settings, chosen_home

__all__ = ["add", "run"]

EARLY_RECORDS = 100
TOKEN_FILE_BYTES = 4096


def add(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand; no flag has a default, so that file and environment can speak (see ``settings``)."""
    parser = subparsers.add_parser(
        "serve",
        description="Listen for REAPER's scripts over UDP and the spool folder until stopped (Ctrl+C).",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--port", type=whole, metavar="N", help="UDP port on 127.0.0.1; 0 takes any free one (default)")
    parser.add_argument("--home", type=file_path, metavar="DIR", help="folder that daemon and scripts share")
    parser.add_argument("--host", metavar="ADDRESS", help="listen here too; needs a token of your own")
    parser.add_argument(
        "--token-file",
        type=file_path,
        metavar="FILE",
        help="holds the token, instead of a new random one at every start",
    )
    parser.add_argument("--token", help=argparse.SUPPRESS)
    parser.add_argument("--no-udp", dest="udp", action="store_false", help="spool folder only")
    parser.add_argument(
        "--spool", type=file_path, metavar="DIR", help="where spool folders are made (default: home/spool)"
    )
    parser.add_argument("--open-controllers", action="store_true", help="OSC controllers on this machine need no token")
    parser.add_argument("--cache", type=file_path, metavar="DIR", help="where analyses are kept")
    parser.add_argument(
        "--cache-size", dest="cache_size_mb", type=whole, metavar="MB", help="bound of the cache (4096)"
    )
    parser.add_argument(
        "--journals", type=file_path, metavar="DIR", help="where sessions are kept (default: home/journals)"
    )
    parser.add_argument("--logs", type=file_path, metavar="DIR", help="where daemon.log is kept")
    parser.add_argument("--retriever", metavar="NAME", help="method for searches that name none (default)")
    parser.add_argument(
        "--idle-minutes", type=whole, metavar="N", help="end when no REAPER has spoken for so long (default: never)"
    )
    parser.add_argument(
        "--background", action="store_true", help="started by REAPER's scripts: end after 30 idle minutes"
    )
    parser.add_argument("--replace", action="store_true", help="a daemon that runs already ends, and this one goes on")
    parser.add_argument("--verbose", action="store_true", help="log to the terminal too, and more")
    parser.rules = idle("--no-udp", "--port", "--host", "--open-controllers")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped.

    Raises
    ------
    InputError
        If a token stands among the flags, or a file or folder that is named cannot be used.
    """
    from reatrieve.bridge.handover import take_over
    from reatrieve.service import serve  # after the flags are known to be right: this imports the numerical libraries
    from reatrieve.service.service import demand_closed

    flags = {key: value for key, value in vars(args).items() if key not in ("func", "command", "replace")}
    if "token" in flags:
        raise InputError(
            "every user of this machine could read --token in the list of processes; put the token into settings.txt, "
            "REATRIEVE_TOKEN or a file for --token-file"
        )
    with _logged_early() as early:
        home = chosen_home(flags.get("home"))
        own_folder(home, "home folder", option="--home", make=home.is_file())  # a file is refused
        if (token_file := flags.pop("token_file", None)) is not None:
            flags["token"] = _token_in(token_file)
        settings = Settings.load(flags)
        if token_file is not None:
            demand_closed(settings)
            keep_secret(token_file)  # once it is sure that its token is taken
        handler = _log_to_file(settings)
        early.setTarget(handler)
    try:
        older = take_over(settings.home, __version__, always="replace" in vars(args))
        if older is not None:
            logging.getLogger("reatrieve").info("the daemon %s, process %d, gave way", Ours(older.version), older.pid)
        serve(settings, ready=lambda info: _say_ready(info, settings.host))
    finally:
        if handler is not None:
            logging.getLogger("reatrieve").removeHandler(handler)
            handler.close()
    return 0


def _token_in(path: Path) -> str:
    try:
        token = read_small(path, max_bytes=TOKEN_FILE_BYTES, own=True, own_link=True).decode("utf-8-sig").strip()
    except (OSError, ValueError) as exc:
        raise InputError(f"--token-file: {path} cannot be read: {reason(path, exc)}") from exc
    if not token:
        raise InputError(f"--token-file: {path} is empty; write the token into it")
    return token


def _say_ready(info: DaemonInfo, host: str) -> None:
    from reatrieve.bridge.udp import is_loopback

    where = f"127.0.0.1:{info.port}"
    if host == "0.0.0.0":
        where = f"0.0.0.0:{info.port} (every network of this machine)"
    elif not is_loopback(host):
        where += f" and {f'[{host}]' if ':' in host else host}:{info.port}"
    say(f"reatrieve: {f'listening on {where}, ' if info.port else ''}spool {info.spool}")


@contextlib.contextmanager
def _logged_early() -> Iterator[logging.handlers.MemoryHandler]:
    """Keeps what is logged before the log file is open, for the target that is set by the end."""
    package = logging.getLogger("reatrieve")
    early = logging.handlers.MemoryHandler(EARLY_RECORDS)
    package.addHandler(early)
    try:
        yield early
    finally:
        package.removeHandler(early)
        early.close()


def _log_to_file(settings: Settings) -> logging.Handler | None:
    """A rotating log file; without one (a read-only disk) the daemon still runs."""
    package = logging.getLogger("reatrieve")
    package.setLevel(logging.DEBUG if settings.verbose else logging.INFO)
    for terminal in logging.getLogger().handlers:
        terminal.setLevel(logging.DEBUG if settings.verbose else logging.WARNING)
    try:
        own_folder(settings.logs, "log folder", option="--logs", private=False, closed=False)
        handler = DaemonLog(settings.logs / "daemon.log")
    except (OSError, InputError) as exc:
        package.warning("no log file in %s: %s", settings.logs, exc)
        return None
    package.addHandler(handler)
    return handler
