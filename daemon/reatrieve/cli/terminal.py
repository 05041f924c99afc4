"""The terminal: where text goes, progress bars, and lines that are typed. Plain where it is a pipe; NO_COLOR holds."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reatrieve.plain import plain

__all__ = ["console_for", "notes_are_shown", "progress_bar", "stage_bars", "typed_lines"]

BAR_WIDTH = 20


class _Console(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        """Print each text as a part of one line, as ``output.say`` does."""
        super().print(*(plain(one) if isinstance(one, str) else one for one in objects), **options)

    def on_broken_pipe(self) -> None:
        """Nobody reads any more: that is for the command's end to handle, as with everything else that is printed."""
        raise BrokenPipeError


def console_for(*, json: bool = False) -> Console:
    """Where a command talks: standard output, or standard error where that is kept for one JSON object."""
    return _Console(stderr=json, highlight=False, soft_wrap=True, emoji=False, markup=False)


def typed_lines() -> TextIO:
    """Standard input; nothing where it is closed, and no byte of it is an error."""
    if sys.stdin is None:
        return io.StringIO("")
    if isinstance(sys.stdin, io.TextIOWrapper) and sys.stdin.errors != "replace":  # only before the first read
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def notes_are_shown() -> bool:
    """Whether what a live display stands in the way of comes to the same terminal: not where it goes into a file."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def stage_bars(*stages: str, console: Console | None = None) -> Iterator[Callable[[str, float], None]]:
    """A bar a stage, on standard error unless ``console`` is given (nothing where that is no terminal); told a stage
    and its share done, 0..1."""
    share = TextColumn("{task.percentage:>3.0f} %")
    columns = (TextColumn("{task.description}"), BarColumn(BAR_WIDTH), share, TimeElapsedColumn())
    console = console or Console(stderr=True)
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stderr=notes_are_shown(),
    ) as bar:
        tasks = {stage: bar.add_task(stage, total=1.0) for stage in stages}
        yield lambda stage, share: bar.update(tasks[stage], completed=share)


@contextmanager
def progress_bar(what: str, *, console: Console | None = None) -> Iterator[Callable[[float], None]]:
    """One such bar; told the share done, 0..1."""
    with stage_bars(what, console=console) as told:
        yield lambda share: told(what, share)
