"""Prefetching: threads make the next pieces while another uses the last."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["prefetched", "usual_threads"]

MOST_THREADS = 4
"""With more, decoding is faster than any analysis, and work on small arrays only waits for Python's lock."""

T = TypeVar("T")


def usual_threads() -> int:
    """The machine's processors, up to ``MOST_THREADS``."""
    return min(MOST_THREADS, os.cpu_count() or 1)


def prefetched(jobs: Iterable[Callable[[], T]], *, n_threads: int) -> Generator[T, None, None]:
    """What each job returns, in order; ``n_threads`` at a time are worked on, and as many wait finished.

    An exception of a job comes out where its result would have. Closing the generator (also by an exception in the
    loop that uses it) starts no further job, and returns when those that run have ended.

    Parameters
    ----------
    jobs : taken one by one, in the thread of the user.
    n_threads : int > 0
    """
    running: deque[Future[T]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="reatrieve-decode") as threads:
        try:
            for job in jobs:
                running.append(threads.submit(job))
                if len(running) > 2 * n_threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for left in running:
                left.cancel()
