"""The track that the next Find would search, decoded and analysed before anybody asks: one at a time, and nobody waits
for it.

It gives way: between blocks of four seconds it rests as long as any session has something to do, and one thread
decodes. Its threads keep their priority in the system: one that the system does not run may hold Python's lock, and
then sessions would wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from reatrieve import limits
from reatrieve.audio.cache import AnalysisCache
from reatrieve.audio.trackmap import TrackMap
from reatrieve.bridge.messages import Prepare
from reatrieve.errors import CancelledError, ReatrieveError
from reatrieve.service import loading
from reatrieve.service.preparing import Draft, Prepared, example_on, map_track
from reatrieve.session.retriever import Analysis, Describing, Ranker
from reatrieve.session.spans import Span

__all__ = ["TrackAhead", "Turns"]

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
QUIET_S = 1.0
"""So long after the first candidate is found nothing more is computed: Find often comes just then."""


class Turns:
    """Who may work: sessions always, the rest while no session does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sessions = 0

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """A session has something to do."""
        with self._changed:
            self._sessions += 1
        try:
            yield
        finally:
            with self._changed:
                self._sessions -= 1
                self._changed.notify_all()

    def wait(self, enough: Callable[[], bool]) -> None:
        """Return when no session works, or when ``enough`` says so (asked every 0.05 s)."""
        with self._changed:
            while self._sessions and not enough():
                self._changed.wait(LOOK_EVERY_S)


@dataclass(slots=True, eq=False)
class _Track:
    """What is prepared.

    Attributes
    ----------
    example : project seconds of the latest selection on it.
    waiting : how many of its jobs have not ended.
    urgent : a session waits for it.
    mapped, stamps : the map that was made, and what its files looked like just before.
    ranked : an example and the ranker that knows the first candidate for it.
    """

    session: str
    draft: Draft
    items: int
    retriever: str
    example: tuple[float, float]
    waiting: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    urgent: threading.Event = field(default_factory=threading.Event)
    stage: str = "decode"
    share: float = 0.0
    mapped: Prepared | None = None
    stamps: tuple[object, ...] = ()
    analysis: Analysis | None = None
    ranked: tuple[Span, Ranker] | None = None

    @property
    def track_map(self) -> TrackMap | None:
        return self.mapped.track_map if self.mapped is not None else None

    def hurried(self) -> bool:
        return self.urgent.is_set() or self.cancelled.is_set()

    def is_left(self) -> bool:
        """Whether another track or another selection is wanted now."""
        return self.waiting > 0 or self.cancelled.is_set()


class TrackAhead:
    """Holds one prepared track; all methods may be called from any thread.

    Parameters
    ----------
    cache : where the analysis goes, and which holds it.
    renders : folder of the scripts' renderings.
    retriever : the one that an empty name means.
    turns : when it may work.
    """

    def __init__(self, cache: AnalysisCache, renders: Path, retriever: str, turns: Turns) -> None:
        self._cache = cache
        self._renders = renders
        self._retriever = retriever
        self._turns = turns
        self._lock = threading.Condition()
        self._track: _Track | None = None
        self._jobs = ThreadPoolExecutor(1, "reatrieve-ahead")

    @property
    def session(self) -> str | None:
        """The session whose track is held or under way."""
        track = self._track
        return track.session if track is not None else None

    @property
    def is_ready(self) -> bool:
        """Whether a track is held, analysed, with the first candidate of its selection found."""
        track = self._track
        return track is not None and track.waiting == 0 and track.ranked is not None

    def begin(self, command: Prepare, draft: Draft) -> None:
        """Prepare a track in place of the one before; for another selection on the same one its first candidate."""
        retriever = command.retriever or self._retriever
        with self._lock:
            track = self._track
            known = track is not None and (track.session, track.retriever, track.items, track.draft.version) == (
                command.session, retriever, command.items, draft.version,
            )  # fmt: skip
            if track is None or not known:
                self._forget()
                track = _Track(
                    command.session, draft.copy(), command.items, retriever, (command.start_s, command.end_s)
                )
                self._track = track
            track.example = (command.start_s, command.end_s)
            track.waiting += 1
            self._lock.notify_all()
        self._jobs.submit(self._run, track)

    def cancel(self, session: str) -> bool:
        """Stop preparing a session's track and let go of it; False: it is another one's."""
        with self._lock:
            if self._track is None or self._track.session != session:
                return False
            self._forget()
            return True

    def close(self) -> None:
        """Stop; returns when the work has ended."""
        with self._lock:
            self._forget()
        self._jobs.shutdown(wait=True, cancel_futures=True)

    def mapped(self, session: str, draft: Draft, items: int) -> Prepared | None:
        """The map of just this draft, if it was made and its files are still the same; what Find need not do again."""
        with self._lock:
            track = self._track
            if track is None or (track.session, track.draft.version, track.items) != (session, draft.version, items):
                return None
            mapped, stamps = track.mapped, track.stamps
        if mapped is None or mapped.track_map is None:
            return None
        return mapped if _stamps(mapped.track_map.paths) == stamps else None

    def join(
        self, session: str, track_map: TrackMap, *, progress: Callable[[str, float], None], cancel: Callable[[], bool]
    ) -> None:
        """Where just this track is being prepared, hurry and return when that is done; the cache has it then.

        Raises
        ------
        CancelledError
            When ``cancel`` said so; the track is let go of.
        """
        with self._lock:
            track = self._track
            if track is None or not (
                track.track_map == track_map or (track.track_map is None and track.session == session)
            ):
                return
            track.urgent.set()
            while track.waiting and not track.cancelled.is_set():
                if cancel():
                    self._forget()
                    raise CancelledError("stopped before the track was analysed")
                progress(track.stage, track.share)
                self._lock.wait(LOOK_EVERY_S)

    def take(self, analysis: Analysis, retriever: str, example: Span) -> Ranker | None:
        """The ranker of just this analysis and example, once, if there is one: it knows its first candidate."""
        with self._lock:
            track = self._track
            if track is None or track.analysis is not analysis or track.retriever != retriever:
                return None
            if track.ranked is None or track.ranked[0] != example:
                return None
            ranker, track.ranked = track.ranked[1], None
            return ranker

    def _forget(self) -> None:
        if self._track is not None:
            self._track.cancelled.set()
            self._track = None
        self._cache.release()
        self._lock.notify_all()

    def _run(self, track: _Track) -> None:
        try:
            if track.analysis is None:
                self._analyse(track)
            self._rank(track)
        except CancelledError:
            logger.info("no longer prepared: the track of session %s", track.session)
        except ReatrieveError as error:  # Find says so, if it comes
            logger.info("the track of session %s is not prepared: %s", track.session, error)
        except Exception:
            logger.exception("preparing the track of session %s met a fault", track.session)
        finally:
            with self._lock:
                track.waiting -= 1
                if track.cancelled.is_set() and (self._track is None or self._track.analysis is None):
                    self._cache.release()  # it may have come just after the cancel
                self._lock.notify_all()
        self._describe(track)

    def _analyse(self, track: _Track) -> None:
        self._turn(track)
        loading.load()
        self._turn(track)
        stamps = _stamps({Path(item.path) for item in track.draft.items.values()})
        mapped = map_track(track.draft, track.items, renders=self._renders)
        track_map = mapped.track_map
        if track_map is None:
            logger.info("the track of session %s is not prepared: Find asks for renderings", track.session)
            return
        if track_map.duration_s > limits.PREPARED_S:
            logger.info("the track of session %s is not prepared: %.0f s long", track.session, track_map.duration_s)
            return
        with self._lock:
            track.mapped, track.stamps = mapped, stamps
        from reatrieve.audio.analysis import analyse_track  # here, because it loads slowly

        def told(stage: str, share: float) -> None:
            track.stage, track.share = stage, share
            self._turn(track)

        analysis = analyse_track(
            track_map, loading.make_retriever(track.retriever), cache=self._cache, progress=told,
            cancel=track.cancelled.is_set, n_threads=1, held=True,
        )  # fmt: skip
        with self._lock:
            if track.cancelled.is_set():
                return
            track.analysis = analysis

    def _rank(self, track: _Track) -> None:
        """Find the first candidate of the latest selection."""
        if track.analysis is None or track.track_map is None:
            return
        example = example_on(track.track_map, *track.example)
        if track.ranked is not None and track.ranked[0] == example:
            return
        self._turn(track)
        ranker = loading.make_retriever(track.retriever).ranker(track.analysis, example)
        ranker.best([example])
        with self._lock:
            if not track.cancelled.is_set():
                track.ranked = example, ranker

    def _describe(self, track: _Track) -> None:
        """What later answers will need. Another track or selection ends it, and so does Find before it has begun."""
        with self._lock:
            if track.ranked is None or not isinstance(track.ranked[1], Describing):
                return
            describe = track.ranked[1].description()
            if describe is None or self._lock.wait_for(lambda: track.is_left() or track.ranked is None, QUIET_S):
                return  # Find has come, and the session describes it

        def rest(wanted: Callable[[], bool]) -> None:
            self._turns.wait(lambda: wanted() or track.is_left())
            if track.is_left() and not wanted():
                raise CancelledError("stopped before the track was described")

        try:
            describe(rest)
        except CancelledError:
            pass
        except Exception:
            logger.exception("describing the track of session %s met a fault", track.session)

    def _turn(self, track: _Track) -> None:
        self._turns.wait(track.hurried)
        if track.cancelled.is_set():
            raise CancelledError("stopped before the track was analysed")


def _stamps(paths: Iterable[Path]) -> tuple[object, ...]:
    """Name, size and time of some files, in one order; a file that is gone has none."""
    stamps = []
    for path in sorted(paths):
        with contextlib.suppress(OSError, ValueError):
            found = path.stat()
            stamps.append((path, found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(stamps)
