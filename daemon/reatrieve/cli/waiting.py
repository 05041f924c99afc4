"""A line of the terminal that is not finished yet: what is logged meanwhile waits for its end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["loading", "notes_held"]

_LOADING = "loading ..."


@contextmanager
def notes_held() -> Iterator[None]:
    """What is logged in the block, in other threads too, is shown when the block ends."""
    held: list[tuple[logging.Handler, logging.LogRecord]] = []

    class Hold(logging.Filter):
        def __init__(self, handler: logging.Handler) -> None:
            super().__init__()
            self._handler = handler

        def filter(self, record: logging.LogRecord) -> bool:
            held.append((self._handler, record))
            return False

    holds = [(handler, Hold(handler)) for handler in logging.getLogger().handlers]
    for handler, hold in holds:
        handler.addFilter(hold)
    try:
        yield
    except KeyboardInterrupt:
        if held and sys.stderr is not None:
            sys.stderr.write("\n")  # the line stays unfinished
        raise
    finally:
        for handler, hold in holds:
            handler.removeFilter(hold)
        for handler, record in held:
            handler.handle(record)


@contextmanager
def loading(stream: TextIO | None) -> Iterator[None]:
    """A word on a terminal while the block loads what takes long; nothing stays of it."""
    if stream is None or not stream.isatty():
        yield
        return
    stream.write(_LOADING)
    stream.flush()
    with notes_held():
        try:
            yield
        finally:
            stream.write(f"\r{' ' * len(_LOADING)}\r")
            stream.flush()
