"""Decode ahead: one thread makes the next blocks while another uses the last."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(blocks: Iterable[T], *, n_blocks: int = 3) -> Generator[T, None, None]:
    """The same blocks in the same order, made in a thread of their own, at most ``n_blocks`` ahead.

    An exception of ``blocks`` comes out where its block would have. Closing the generator (also by an exception in
    the loop that uses it) stops the thread before it returns.
    """
    finished: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(maxsize=n_blocks)
    stopped = threading.Event()

    def offer(one: tuple[T] | BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                finished.put(one, timeout=0.05)
                return

    def work() -> None:
        try:
            for block in blocks:
                offer((block,))
                if stopped.is_set():
                    return
        except BaseException as error:  # handed to the user of the blocks, whatever it is
            offer(error)
        else:
            offer(None)

    thread = threading.Thread(target=work, name="reatrieve-decode", daemon=True)
    thread.start()
    try:
        while (one := finished.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one[0]
    finally:
        stopped.set()
        thread.join()
