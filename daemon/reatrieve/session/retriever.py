"""What every retriever is: analysis of a sound, a ranker for one example, a proposal at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reatrieve.session.spans import Span

__all__ = [
    "ANALYSIS_RATE_HZ",
    "MOST_POINTS",
    "Analysis",
    "Describing",
    "Pause",
    "Progress",
    "Proposal",
    "Ranker",
    "Retriever",
    "Supposing",
    "Surveying",
]

ANALYSIS_RATE_HZ = 22050

MOST_POINTS = 2000
"""Of a curve over the whole sound (``Surveying.similarity``)."""

Progress = Callable[[float], None]
"""Told the share done, 0..1; may raise to cancel."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One candidate as a retriever sees it, before it is shown: then it is ``events.Proposed``.

    Attributes
    ----------
    span : the excerpt, edges refined to samples, seconds from the start of the searched audio.
    score : the retriever's own score, rounded to 1e-5; higher is better; comparable within a session only.
    probability : calibrated probability in 0..1 that the user says yes.
    remaining : estimated number of occurrences not yet accepted, this candidate included (>= 0).
    features : what the probability was computed from, the session's stage first, so that a calibration can be fitted
        again without some of the music; () where there is none. Not journalled.
    """

    span: Span
    score: float
    probability: float
    remaining: float
    features: tuple[float, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """Everything a retriever needs to know of one sound: named arrays (may be memory-mapped) and its length.

    ``arrays`` is what the cache stores (one ``.npy`` each), ``n_samples`` counts samples at ``ANALYSIS_RATE_HZ``.
    """

    n_samples: int
    arrays: Mapping[str, NDArray[np.generic]]

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return self.n_samples / ANALYSIS_RATE_HZ


@runtime_checkable
class Ranker(Protocol):
    """One search: one sound, one example, and what the user has said so far.

    Deterministic: the same calls give the same proposals, to the last bit on one machine.
    """

    def learn(self, span: Span, *, positive: bool) -> None:
        """Take one answer. ``span`` carries the edges as the user left them."""

    def forget(self, span: Span) -> None:
        """Take back the latest answer with this ``span`` (undo, retract); the order of the others is kept."""

    def best(self, blocked: Sequence[Span]) -> Proposal | None:
        """The best excerpt that overlaps none of ``blocked`` (P, N and what was skipped); None: nothing is left."""


@runtime_checkable
class Supposing(Protocol):
    """A ranker that tells answers from what is only looked at; others learn both alike."""

    def suppose(self, span: Span) -> None:
        """Take a yes that nobody gave, to see what would follow; it says nothing of how the search fares."""


@runtime_checkable
class Surveying(Protocol):
    """A ranker that shows how all of the sound resembles what was said yes to, and can be asked about any place."""

    def similarity(self, blocked: Sequence[Span], n_points: int) -> NDArray[np.float32]:
        """Resemblance over time, 0..1 [shape=(n,), 1 <= n <= n_points]; point i is the best of the excerpts that begin
        in the i-th of n equal parts of the sound."""

    def near(self, time_s: float, blocked: Sequence[Span]) -> Proposal | None:
        """The excerpt most alike of those that begin near ``time_s`` and overlap none of ``blocked``; None: there is
        none."""


Pause: TypeAlias = Callable[[Callable[[], bool]], None]
"""Called between the parts of long work with what tells whether somebody waits for it; returns when the work may go on,
and raises ``CancelledError`` to stop it."""


@runtime_checkable
class Describing(Protocol):
    """A ranker whose answers need a description of the sound that takes long; it can be made before they come."""

    def description(self) -> Callable[[Pause | None], object] | None:
        """What makes it, in any thread; None: none will be needed. Given no pause it is made at once."""


@runtime_checkable
class Retriever(Protocol):
    """A method with its settings, chosen by name (see ``reatrieve.retrieval.registry``)."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    @property
    def analysis_key(self) -> str:
        """Text that changes whenever the analysis would (settings, feature code version); part of the cache key."""

    def analyse(
        self, blocks: Iterable[NDArray[np.float32]], *, n_samples: int, progress: Progress | None = None
    ) -> Analysis:
        """Analyse mono float32 audio at ``ANALYSIS_RATE_HZ``: blocks of any length, ``n_samples`` in all.

        A block is [shape=(n,)].
        """

    def ranker(self, analysis: Analysis, example: Span) -> Ranker:
        """Begin a search; ``example`` is already learned as the first positive."""
