"""Ctrl+C while a library works: one that calls back from C, as numba does, prints the exception and goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interrupted_afterwards"]


@contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Ctrl+C in the block takes effect when the block ends; the second one at once. Works as a decorator, too.

    Raises
    ------
    KeyboardInterrupt
        At the end, if Ctrl+C was pressed meanwhile.
    """
    before = signal.getsignal(signal.SIGINT)
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed and callable(before):
            before(number, frame)
        pressed = True

    try:
        if callable(before):
            signal.signal(signal.SIGINT, press)
    except ValueError:  # only the main thread has signals
        yield
        return
    try:
        yield
    finally:
        if callable(before):
            signal.signal(signal.SIGINT, before)
            if pressed:
                before(signal.SIGINT, None)
