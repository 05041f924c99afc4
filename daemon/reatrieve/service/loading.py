"""The numerical libraries, loaded once, by one thread, while the daemon already answers.

They take seconds to load, so nothing imports them at the start. And they import each other in circles: two threads
that begin at once can get half of a module (CPython breaks the deadlock that way), so all loading waits for one lock.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from reatrieve.errors import lacks_memory
from reatrieve.session.retriever import ANALYSIS_RATE_HZ, Retriever
from reatrieve.session.spans import Span

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["exporting", "load", "load_early", "make_retriever"]

logger = logging.getLogger(__name__)

_lock = threading.RLock()
_loaded = threading.Event()


def load() -> None:
    """Return when everything that a search needs is loaded; the first call does it, by searching two seconds of
    noise."""
    if _loaded.is_set():
        return
    with _lock:
        if _loaded.is_set():
            return
        from reatrieve.audio import analysis, probe  # noqa: F401 - to have them loaded
        from reatrieve.retrieval.registry import make_retriever

        started_s = time.perf_counter()
        noise = np.random.default_rng(0).standard_normal(2 * ANALYSIS_RATE_HZ).astype(np.float32)
        retriever = make_retriever("default")
        ranker = retriever.ranker(retriever.analyse([noise], n_samples=len(noise)), Span(0.5, 0.8))
        ranker.learn(Span(1.0, 1.3), positive=False)
        ranker.best([Span(0.5, 0.8), Span(1.0, 1.3)])
        logger.debug("loaded in %.2f s", time.perf_counter() - started_s)
        _loaded.set()


def load_early() -> None:
    """``load`` for a thread of its own, where nobody waits for it; too little memory is told in one sentence."""
    try:
        load()
    except Exception as error:
        if not lacks_memory(error):
            raise
        logger.error("there is not enough memory to load the libraries that search; close other programs")


def make_retriever(name: str) -> Retriever:
    """The retriever of this name; raises ``InputError`` as ``retrieval.registry.make_retriever`` does."""
    load()
    with _lock:  # other retrievers than the default load further libraries
        from reatrieve.retrieval import registry

        return registry.make_retriever(name)


def exporting() -> ModuleType:
    """The module ``reatrieve.service.exporting``, which loads all writers."""
    load()
    with _lock:
        import scipy.signal  # noqa: F401 - the anchors use it

        from reatrieve.service import exporting

        return exporting
