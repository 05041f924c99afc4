"""Sessions as sources of events: what one accepted, and what an earlier export holds of the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reatrieve import limits
from reatrieve.files import read_small
from reatrieve.session.state import SessionState
from reatrieve.sync.model import Accepted, SyncAudio, SyncEvent
from reatrieve.sync.tempo import Position, TempoMap, TempoStep

__all__ = ["EarlierExport", "accepted_in"]

MOST_BYTES = 1 << 26
"""A larger file is no sync JSON of ours."""

_FAULTS = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a value raises that is missing, of the wrong kind, nested too deeply or too large a number."""


def accepted_in(state: SessionState, *, session: str, origin_s: float) -> list[Accepted]:
    """The accepted regions of a session in project seconds, the example first.

    Parameters
    ----------
    session : its id, which becomes part of each event's ``source_region_id``.
    origin_s : project time of second 0 of the searched audio.
    """
    found = []
    for number, span in state.accepted_regions:
        candidate = state.candidates.get(number)  # the example is none, and has no score
        score = None if candidate is None else candidate.probability
        region_id = f"{session}:{number}"
        found.append(Accepted.of_span(span.moved(origin_s), state.label, score=score, region_id=region_id))
    return found


@dataclass(frozen=True, slots=True)
class EarlierExport:
    """What the sync JSON of an earlier export says; nothing where there is none of ours.

    Attributes
    ----------
    path : the sync JSON.
    audio_file, pcm_sha256 : name and hash of the audio that it was made from; "" where it does not say.
    rows : its events as they stand in the file.
    tempo : its tempo map, likewise.
    """

    path: Path
    audio_file: str = ""
    pcm_sha256: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    tempo: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def read(cls, path: Path) -> EarlierExport:
        """Whether a file that is not ours may be replaced is for the caller to decide."""
        try:
            data = json.loads(read_small(path, max_bytes=MOST_BYTES, own_link=True))
            audio_file, pcm_sha256 = str(data["audio"]["file"]), str(data["audio"]["pcm_sha256"])
        except (OSError, *_FAULTS):
            return cls(path)
        lists = (data.get(key) if data.get("format") == "reatrieve.sync" else None for key in ("events", "tempo_map"))
        rows, tempo = (tuple(one) if isinstance(one, list) else () for one in lists)
        return cls(path, audio_file, pcm_sha256, rows, tempo)

    def tempo_map(self, audio: SyncAudio) -> TempoMap | None:
        """Its tempo, in project seconds; None if it has none, or if the audio has other samples."""
        if self.pcm_sha256 != audio.pcm_sha256 or not self.tempo:
            return None
        try:
            steps = [_step(row, audio.start_s) for row in self.tempo]
            return TempoMap.of_steps(steps) if all(map(_is_usual, steps)) else None
        except _FAULTS:
            return None

    def events_of_others(self, audio: SyncAudio, accepted: Iterable[Accepted]) -> list[SyncEvent]:
        """Events of sessions other than those of ``accepted``; none if the audio has other samples."""
        if self.pcm_sha256 != audio.pcm_sha256:
            return []
        ours = {_session(one.region_id) for one in accepted} | {""}
        try:
            return [_event(row) for row in self.rows if _session(row["source_region_id"]) not in ours]
        except _FAULTS:
            return []

    def n_lost(self, audio: SyncAudio, accepted: Iterable[Accepted]) -> int:
        """How many events of other sessions cannot stay, since the audio has other samples."""
        if self.pcm_sha256 == audio.pcm_sha256:
            return 0
        ours = {_session(one.region_id) for one in accepted} | {""}
        try:
            return sum(_session(str(row["source_region_id"])) not in ours for row in self.rows)
        except _FAULTS:
            return 0

    def lacks(self, events: Iterable[SyncEvent]) -> bool:
        """Whether there is a sync JSON of ours that does not hold all of these."""
        held = {str(row.get("source_region_id")) for row in self.rows if isinstance(row, Mapping)}
        return bool(self.rows) and not held.issuperset(event.region_id for event in events)

    def own_events(self, audio: SyncAudio, accepted: Iterable[Accepted]) -> tuple[SyncEvent, ...]:
        """All its events, if each is of a session of ``accepted`` and the audio has the same samples; else none."""
        ours = {_session(one.region_id) for one in accepted} - {""}
        if self.pcm_sha256 != audio.pcm_sha256:
            return ()
        try:
            events = tuple(map(_event, self.rows))
        except _FAULTS:
            return ()
        return events if all(_session(event.region_id) in ours for event in events) else ()

    @property
    def payloads(self) -> dict[str, str]:
        """Payloads that somebody wrote into it, by the region that each event came from."""
        try:
            rows = [(str(row["source_region_id"]), str(row["payload"])) for row in self.rows]
        except _FAULTS:
            return {}
        return {region_id: payload for region_id, payload in rows if region_id and payload}


def _session(region_id: str) -> str:
    """What an event came from; a region of a project, which has a GUID and no number, stands for itself."""
    return region_id.rpartition(":")[0] or region_id


def _step(row: Mapping[str, Any], start_s: float) -> TempoStep:
    """One stretch of a tempo map, whose seconds count from the start of the audio."""
    return TempoStep(
        start_s + float(row["seconds"]), float(row["bpm"]), int(row["numerator"]), int(row["denominator"]),
        Position(int(row["bar"]), float(row["beat"])),
    )  # fmt: skip


def _is_usual(step: TempoStep) -> bool:
    """Whether its numbers lie where those of a project do: files can be edited."""
    metre = max(step.numerator, step.denominator)
    times = max(abs(step.time_s), abs(step.position.bar))
    return times <= limits.TIME_S and step.bpm <= limits.BPM and metre <= limits.METRE


def _event(row: Mapping[str, Any]) -> SyncEvent:
    position = Position(int(row["bar"]), float(row["beat"])) if "bar" in row else None
    return SyncEvent(
        str(row["id"]), str(row["pattern"]), str(row["label"]),
        int(row["start_frame"]), int(row["end_frame"]), int(row["anchor_frame"]),
        position, float(row["score"]) if "score" in row else None, str(row["source_region_id"]), str(row["payload"]),
    )  # fmt: skip
