"""Runs retrievers over a data set: one process or many, or a Dask cluster; always the same sessions."""

from __future__ import annotations

import hashlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import reatrieve
from reatrieve.audio.analysis import analyse_track
from reatrieve.audio.cache import AnalysisCache
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import InputError
from reatrieve.lab.baselines import lab_retriever
from reatrieve.lab.dataset import Dataset, Recording
from reatrieve.lab.records import ResultsFile, SessionRecord
from reatrieve.lab.sessions import Conditions, Searched, simulate_recording
from reatrieve.retrieval.learned.model import BASIC_PITCH, learned_representation
from reatrieve.retrieval.representations import representation_named
from reatrieve.session.retriever import Analysis, Retriever

__all__ = ["Setup", "code_fingerprint", "run", "setting_names"]

SETUPS_A_PIECE = 6
"""Configurations that share one decoding of a recording; a piece of work small enough to lose."""


@dataclass(frozen=True)
class Setup:
    """One retriever with its settings, under one set of conditions; ``label`` is its name in tables."""

    label: str
    retriever: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Conditions = field(default_factory=Conditions)

    def make(self) -> Retriever:
        """The retriever itself; a ``representation`` that is ``basic-pitch`` or a TOML file's name is a learned one.

        Raises
        ------
        InputError
            If the name or a setting is unknown, or a value is none that it takes.
        """
        settings = dict(self.settings)
        if "name" in settings:
            raise InputError(f"retriever {self.retriever}: its name is no setting; leave out name={settings['name']}")
        representation = settings.get("representation")
        if isinstance(representation, str):
            learned = representation == BASIC_PITCH or representation.endswith(".toml")
            settings["representation"] = (learned_representation if learned else representation_named)(representation)
        return lab_retriever(self.retriever, **settings)


@dataclass(frozen=True)
class _Piece:
    recording: Recording
    setups: Sequence[tuple[str, Setup]]
    cache: Path | None


def run(
    dataset: Dataset,
    setups: Sequence[Setup],
    *,
    jobs: int = 1,
    scheduler: str = "",
    results: ResultsFile | None = None,
    cache: Path | None = None,
    code: str = "",
    progress: Callable[[float], None] | None = None,
) -> dict[str, list[SessionRecord]]:
    """Run every setup on every recording.

    Parameters
    ----------
    jobs : processes; -1 for all cores. Neither it nor ``scheduler`` changes a result.
    scheduler : address of a running Dask scheduler whose workers see the same files; "" for this machine alone.
    results : where finished pieces are kept and found again; None for memory.
    cache : folder that keeps analyses for the next run; None: none is kept.
    code : told apart from results of other code; see `code_fingerprint`.
    progress : told the share done after each piece.

    Returns
    -------
    dict
        Label of the setup -> sessions, by file, sound, example and condition.

    Raises
    ------
    InputError
        An unknown retriever or setting, or no Dask scheduler at that address.
    """
    results = results or ResultsFile(None)
    for setup in setups:
        setup.make()  # an unknown name should fail now, not in a worker
    keys = {(s.label, r.name): _key(s, r, code) for s in setups for r in dataset.recordings}
    pieces = []
    for at in range(0, len(setups), SETUPS_A_PIECE):  # the first setups of all recordings come before the next ones
        for recording in dataset.recordings:
            wanted = [(keys[setup.label, recording.name], setup) for setup in setups[at : at + SETUPS_A_PIECE]]
            missing = [(key, setup) for key, setup in wanted if key not in results]
            if missing:
                pieces.append(_Piece(recording, missing, cache))
    total = sum(len(piece.setups) for piece in pieces)
    with warnings.catch_warnings():
        for done, (key, sessions) in enumerate(_dispatch(pieces, jobs=jobs, scheduler=scheduler), start=1):
            results.add(key, sessions)
            if progress:
                progress(done / total)
    if progress:
        progress(1.0)
    return {
        setup.label: sorted(
            (s for r in dataset.recordings for s in results.sessions(keys[setup.label, r.name])), key=lambda s: s.key
        )
        for setup in setups
    }


def setting_names(retriever: str) -> frozenset[str]:
    """Settings that the retriever of this name has."""
    return frozenset(inspect.signature(type(lab_retriever(retriever))).parameters)


def code_fingerprint() -> str:
    """Changes whenever the code that decides a session's course does: results of other code are never mixed in."""
    package = Path(reatrieve.__file__).parent
    digest = hashlib.sha256()
    for folder in ("annotations", "audio", "lab", "retrieval", "session"):
        for path in sorted((package / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _dispatch(pieces: Sequence[_Piece], *, jobs: int, scheduler: str) -> Iterable[tuple[str, list[SessionRecord]]]:
    if scheduler:
        from reatrieve.lab.cluster import on_cluster

        batches: Iterable[Any] = on_cluster(scheduler, _run_piece, pieces)
    elif jobs == 1:
        return (result for piece in pieces for result in _results(piece))
    else:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
        batches = parallel(joblib.delayed(_run_piece)(piece) for piece in pieces)
        # joblib replaces a worker whose memory grew, and says so; nothing is lost.
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
    return (result for batch in batches for result in batch)


def _run_piece(piece: _Piece) -> list[tuple[str, list[SessionRecord]]]:
    return list(_results(piece))


def _results(piece: _Piece) -> Iterator[tuple[str, list[SessionRecord]]]:
    """Sessions of each setup; analysed once for all setups in a row that share an analysis."""
    analyses = _Analyses(piece)
    for key, setup in piece.setups:
        with threadpool_limits(1):  # NMF on all BLAS threads crawls, and sums must not depend on how many there are
            retriever = setup.make()
            analysis = analyses.of(retriever)
            made = list(
                simulate_recording(Searched(setup.label, retriever, analysis, piece.recording), setup.conditions)
            )
        yield key, made


class _Analyses:
    """Analyses of one recording, one at a time; decoded once when several retrievers want it."""

    def __init__(self, piece: _Piece) -> None:
        self._map = TrackMap.of_file(piece.recording.path)
        self._cache = AnalysisCache(piece.cache) if piece.cache else None
        self._keep_decoded = self._cache is None and len(piece.setups) > 1
        self._decoded: list[NDArray[np.float32]] = []
        self._last: tuple[str, Analysis] | None = None

    def of(self, retriever: Retriever) -> Analysis:
        """What this retriever knows of the recording."""
        if self._last is None or self._last[0] != retriever.analysis_key:
            self._last = (retriever.analysis_key, self._analyse(retriever))
        return self._last[1]

    def _analyse(self, retriever: Retriever) -> Analysis:
        if not self._keep_decoded:
            return analyse_track(self._map, retriever, cache=self._cache)
        if not self._decoded:
            self._decoded = list(TrackAudio(self._map).pieces())
        return retriever.analyse(iter(self._decoded), n_samples=sum(block.size for block in self._decoded))


def _key(setup: Setup, recording: Recording, code: str) -> str:
    """Names a piece of work by all that decides its outcome."""
    what = {
        "version": reatrieve.__version__,
        "code": code,
        "setup": asdict(setup),
        "sounds": [asdict(sound) for sound in recording.sounds],
        "group": recording.group,
        "file": recording.name,
        "bytes": recording.path.stat().st_size,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:24]
