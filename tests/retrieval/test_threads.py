"""BLAS is held to one thread while the retrieval works, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy  # noqa: F401  (loads BLAS)
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from reatrieve.retrieval.threads import _beside, one_blas_thread, side_by_side


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_each_thread_can_hold_it_one_after_the_other():
    """The daemon's workers do, while its main thread, which held it first, lives on."""
    seen = []
    held = one_blas_thread(blas_threads)
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        for _ in range(2):
            seen.append(held())
            in_a_thread(lambda: seen.append(held()))
            in_a_thread(lambda: seen.append(blas_threads()))
    assert seen == [{1}, {1}, before, {1}, {1}, before]


def test_the_thread_that_began_may_end_first():
    begun, ended, seen = threading.Event(), threading.Event(), []

    @one_blas_thread
    def first() -> None:
        begun.set()
        ended.wait(10.0)

    @one_blas_thread
    def second() -> None:
        ended.set()
        thread.join()
        seen.append(blas_threads())

    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        thread = threading.Thread(target=first)
        thread.start()
        assert begun.wait(10.0)
        second()
        assert seen == [{1}]
        assert blas_threads() == before


IN_A_WORKER = """
import hashlib, threading
import numpy as np
from reatrieve.retrieval.registry import make_retriever
from reatrieve.service import loading
from reatrieve.session.spans import Span

loading.load()
sound = np.random.default_rng(1).standard_normal(200_000).astype(np.float32)

def work():
    retriever = make_retriever("default")
    analysis = retriever.analyse([sound], n_samples=len(sound))
    for name, array in sorted(analysis.arrays.items()):
        print(name, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest())
    ranker = retriever.ranker(analysis, Span(1.0, 1.5))
    ranker.learn(Span(2.0, 2.5), positive=True)
    print(ranker.best([Span(1.0, 1.5), Span(2.0, 2.5)]))

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_a_machine_with_more_threads_computes_the_same_bits():
    """In a process whose main thread had the limit before, as in the daemon."""

    def told(**more: str) -> str:
        plain = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
        done = subprocess.run(
            [sys.executable, "-c", IN_A_WORKER], env={**plain, **more}, capture_output=True, text=True, check=True
        )
        return done.stdout

    one = told(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    assert "whitened" in one
    assert "Proposal" in one
    assert told() == told(OPENBLAS_NUM_THREADS="4", OMP_NUM_THREADS="4") == one


def test_nested_and_overlapping_calls_share_the_limit_and_the_last_gives_it_back():
    seen = []
    held = one_blas_thread(blas_threads)

    @one_blas_thread
    def outer() -> None:
        seen.append(held())
        thread = threading.Thread(target=lambda: seen.append(held()))
        thread.start()
        thread.join()
        seen.append(blas_threads())

    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        outer()
        assert seen == [{1}, {1}, {1}]
        assert blas_threads() == before


def test_an_error_gives_it_back_too():
    @one_blas_thread
    def fails() -> None:
        raise KeyError

    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with pytest.raises(KeyError):
            fails()
        assert blas_threads() == before


def test_two_jobs_side_by_side_meet_each_other():
    barrier = threading.Barrier(2)
    seen = side_by_side(
        lambda: (barrier.wait(10.0), threading.get_ident()), lambda: (barrier.wait(10.0), threading.get_ident())
    )
    assert seen[0][1] == threading.get_ident() != seen[1][1]


def test_a_fault_of_either_job_arrives_and_nothing_goes_on_afterwards():
    done = []

    def slowly() -> None:
        begun.set()
        assert go_on.wait(10.0)
        done.append(True)

    def fails() -> None:
        assert begun.wait(10.0)
        go_on.set()
        raise ValueError("here")

    begun, go_on = threading.Event(), threading.Event()
    with pytest.raises(ValueError, match="here"):
        side_by_side(fails, slowly)
    assert done == [True]

    def there() -> None:
        begun.set()
        raise ValueError("there")

    begun = threading.Event()
    with pytest.raises(ValueError, match="there"):
        side_by_side(lambda: begun.wait(10.0), there)


def test_a_job_that_no_thread_takes_up_is_done_by_the_one_that_waits():
    pool, stop = _beside(), threading.Event()
    for _ in range(pool._max_workers):
        pool.submit(stop.wait, 60.0)
    try:
        assert side_by_side(lambda: 1, threading.get_ident) == (1, threading.get_ident())
    finally:
        stop.set()
