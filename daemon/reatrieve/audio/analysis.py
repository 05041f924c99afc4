"""A track map becomes a retriever's analysis: from the cache where it can, else decoded and analysed block by block."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import closing
from functools import cache as once
from functools import partial
from importlib.metadata import version

import soundfile

from reatrieve.audio.cache import AnalysisCache
from reatrieve.audio.hashing import SoundHashes
from reatrieve.audio.stitch import Cancel, TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import CancelledError
from reatrieve.reported import Ours
from reatrieve.session.retriever import Analysis, Retriever

__all__ = ["StageProgress", "analyse_track", "analysis_key"]

logger = logging.getLogger(__name__)

StageProgress = Callable[[str, float], None]
"""Told a stage, ``decode`` or ``analyse``, and its share done, 0..1."""

_STITCHING = 2
"""Raised whenever the same map of the same files would give other samples."""

_ASKED_EVERY_S = 0.05
_ENDING_S = 0.1
"""After cancel the work gets this long to end by itself."""

_LIBRARIES = ("numpy", "scipy", "librosa", "scikit-learn", "soundfile", "soxr")


def analyse_track(
    track_map: TrackMap,
    retriever: Retriever,
    *,
    cache: AnalysisCache | None = None,
    progress: StageProgress | None = None,
    cancel: Cancel | None = None,
    n_threads: int | None = None,
    held: bool = False,
) -> Analysis:
    """The analysis of a track's sound.

    Parameters
    ----------
    track_map : TrackMap
    retriever : Retriever
    cache : AnalysisCache, optional
        Without one nothing is kept.
    progress : StageProgress, optional
        Called from threads of the work, at least with every block of 4 s; ``analyse`` 1.0 comes last, from this one.
    cancel : Cancel, optional
        Asked from several threads, at least every 0.05 s.
    n_threads : int > 0, optional
        So many decode; by default as ``TrackAudio.pieces`` says.
    held : bool
        Whether the cache holds it in memory until it is told to release it.

    Returns
    -------
    Analysis
        Equal to the last bit, cached or not; large arrays may be mapped read-only.

    Raises
    ------
    AudioError
        If a source cannot be read.
    CancelledError
        When ``cancel`` said so; nothing is stored.
    """
    key = None
    if cache is not None:
        sounds = SoundHashes(cache.hashes).of_all(track_map.paths, cancel=cancel)
        key = analysis_key(track_map.canonical_json(sounds), retriever)
        known = cache.get(key)
        if known is not None:
            logger.info("analysis of %.1f s by %s: cached", track_map.duration_s, Ours(retriever.name))
            if held:
                cache.hold(key, known)
            if progress:
                progress("decode", 1.0)
                progress("analyse", 1.0)
            return known
    analysis = _analyse(track_map, retriever, progress=progress, cancel=cancel, n_threads=n_threads)
    if cache is not None and key is not None:
        analysis = cache.put_soon(key, analysis)
        if held:
            cache.hold(key, analysis)
    return analysis


def analysis_key(stitched: str, retriever: Retriever) -> str:
    """Name of a cache entry: changes with the sound, the retriever's settings and the code that computes.

    Parameters
    ----------
    stitched : ``TrackMap.canonical_json`` with the content hashes of its files.
    retriever : Retriever
    """
    parts = json.dumps([_STITCHING, stitched, retriever.name, retriever.analysis_key, _versions()])
    return hashlib.blake2b(parts.encode("utf-8"), digest_size=20).hexdigest()


@once
def _versions() -> tuple[str, ...]:
    """Everything installed that takes part in the numbers."""
    return (*(f"{name} {version(name)}" for name in _LIBRARIES), str(soundfile.__libsndfile_version__))


def _analyse(
    track_map: TrackMap,
    retriever: Retriever,
    *,
    progress: StageProgress | None,
    cancel: Cancel | None,
    n_threads: int | None,
) -> Analysis:
    audio = TrackAudio(track_map)
    n_samples = audio.n_samples()
    started = time.perf_counter()
    left = threading.Event()

    def wanted() -> bool:
        return not left.is_set() and not (cancel and cancel())

    def told(stage: str, share: float) -> None:
        if not wanted():
            raise CancelledError("stopped before the track was analysed")
        if progress:
            progress(stage, share)

    def work() -> Analysis:
        pieces = audio.pieces(n_threads=n_threads, progress=partial(told, "decode"), cancel=lambda: not wanted())
        with closing(pieces):
            return retriever.analyse(pieces, n_samples=n_samples, progress=partial(told, "analyse"))

    try:
        analysis = _watched(work, wanted, left)
    finally:
        left.set()
    if progress:
        progress("analyse", 1.0)
    elapsed_s = time.perf_counter() - started
    logger.info("analysis of %.1f s by %s took %.2f s", track_map.duration_s, Ours(retriever.name), elapsed_s)
    return analysis


def _watched(work: Callable[[], Analysis], wanted: Callable[[], bool], left: threading.Event) -> Analysis:
    """What ``work`` gives, made in a thread, so that cancel need not wait for a long step (a factorisation, say).

    A step that does not end within a moment of the cancel is left to itself; its result is thrown away. Ctrl+C waits
    for it, or for a second one: a process must not end in the middle of a library's thread.
    """
    done: Future[Analysis] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # raised again in the waiting thread
            done.set_exception(error)

    thread = threading.Thread(target=run, name="reatrieve-analyse", daemon=True)
    thread.start()
    try:
        while not wait([done], timeout=_ASKED_EVERY_S).done:
            if not wanted():
                wait([done], timeout=_ENDING_S)
                if not done.done():
                    raise CancelledError("stopped before the track was analysed")
    except KeyboardInterrupt:
        left.set()
        while thread.is_alive():
            thread.join(_ASKED_EVERY_S)  # a join without a limit hears no second Ctrl+C on Windows
        raise
    thread.join()
    return done.result()
