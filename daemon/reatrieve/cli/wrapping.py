"""Plain text in as many columns as the terminal has; a pipe gets each line whole."""

from __future__ import annotations

import shutil
import textwrap

__all__ = ["terminal_columns", "wrapped"]


def terminal_columns() -> int | None:
    """The columns of the terminal on standard output, or what COLUMNS says; None in a pipe."""
    return shutil.get_terminal_size((0, 0)).columns or None


def wrapped(line: str, *, indent: int, at_most: int | None = None) -> str:
    """A line broken between words where it is too long for the terminal; what follows is indented by ``indent`` blanks.

    A path longer than the terminal is left whole, so that it can be copied. ``at_most`` columns hold in a pipe, too.
    """
    columns = min(filter(None, (terminal_columns(), at_most)), default=None)
    if columns is None or len(line) <= columns:
        return line
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
