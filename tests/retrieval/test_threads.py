"""BLAS is held to one thread while the retrieval works, and only then."""

from __future__ import annotations

import threading

import numpy  # noqa: F401  (loads BLAS)
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from reatrieve.retrieval.threads import one_blas_thread


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


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
