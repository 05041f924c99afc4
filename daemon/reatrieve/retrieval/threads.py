"""One BLAS thread while the retrieval works, and a few threads of its own.

Its products are many and small: on a machine that is busy (a DAW is playing) a second thread makes them ten times
slower, and another number of threads may round differently. What falls into parts that do not touch each other is
shared out here instead, and the result is the same for any number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial, wraps
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy.linalg  # noqa: F401  (numpy's BLAS and scipy's must be loaded before they can be held)
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController

from reatrieve.prefetch import prefetched, usual_threads

__all__ = ["Run", "for_each", "in_order", "one_blas_thread", "one_by_one", "side_by_side"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
U = TypeVar("U")


class Run(Protocol):
    """How jobs are worked on."""

    def __call__(self, jobs: Iterable[Callable[[], T]], /) -> Iterable[T]:
        """What each job returns, in order."""


class _Limit:
    """Holds BLAS at one thread while any call is in progress; calls may overlap in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._calls == 0:
                _release_control()
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0:  # perhaps in another thread than it began
                _release_control()
                self._limiter.restore_original_limits()
                _release_control()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _release_control() -> None:
    """So that this thread can set the number: threadpoolctl 3.8 and later leave that to the first thread that did, and
    ignore the others silently.
    """
    for library in _controller().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


_LIMIT = _Limit()


def one_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` with BLAS held to one thread; the process gets its own setting back afterwards."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _LIMIT:
            return function(*args, **kwargs)

    return limited


def in_order(jobs: Iterable[Callable[[], T]]) -> Generator[T, None, None]:
    """What each of some jobs returns, in order; a few threads work on those that come next (``prefetch``)."""
    return prefetched(jobs, n_threads=usual_threads())


def one_by_one(jobs: Iterable[Callable[[], T]]) -> Generator[T, None, None]:
    """The same in the thread that asks, each when it is asked for."""
    for job in jobs:
        yield job()


def for_each(do: Callable[[T], object], items: Iterable[T]) -> None:
    """``do`` each of some items, by a few threads; returns when all is done."""
    for _ in in_order(partial(do, item) for item in items):
        pass


def side_by_side(here: Callable[[], T], there: Callable[[], U]) -> tuple[T, U]:
    """What two jobs return that do not touch each other, the second one made in another thread.

    Where no thread has begun with it when the first one is done, it is made here. ``there`` must not call this itself.
    """
    other = _beside().submit(there)
    try:
        ours = here()
    finally:
        if not other.cancel():
            wait((other,))
    return ours, there() if other.cancelled() else other.result()


@cache
def _beside() -> ThreadPoolExecutor:
    """A pool that is kept: starting a thread costs a twentieth of an answer."""
    return ThreadPoolExecutor(thread_name_prefix="reatrieve-beside")
