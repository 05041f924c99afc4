"""How a command of the lab ends, ``python -m reatrieve.lab…``: bad input is one line on standard error, and nothing
that names of files or their content hold reaches the terminal raw."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from reatrieve.errors import ReatrieveError
from reatrieve.plain import plain, set_in

__all__ = ["say", "status_of"]


def status_of(command: Callable[[], object]) -> int:
    """Run a command; returns its exit status, after one line on what could not be done."""
    try:
        command()
    except ReatrieveError as error:
        return _failed(str(error), error.exit_status)
    except OSError as error:
        why = str(error.strerror or error)
        return _failed(f"{error.filename}: {why}" if error.filename else why, 1)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        print(set_in("".join(traceback.format_exception(error)).rstrip()), file=sys.stderr)
        return _failed("this is a fault in ReaTrieve; please report it with the lines above", 1)
    return 0


def say(text: str) -> None:
    """Print lines at once."""
    print("\n".join(map(plain, text.split("\n"))), flush=True)


def _failed(why: str, status: int) -> int:
    print(f"error: {plain(why)}", file=sys.stderr)
    return status
