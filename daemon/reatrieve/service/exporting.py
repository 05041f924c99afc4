"""Accepted regions of a session to anchors and sync files, as events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from reatrieve.audio.stitch import TrackAudio
from reatrieve.bridge.messages import Anchor, Anchors, AnchorsEnd, Event, Export, Exported, ExportedEnd
from reatrieve.errors import CancelledError, InputError
from reatrieve.journal import Header
from reatrieve.service import replies
from reatrieve.session.state import SessionState
from reatrieve.sync.anchors import AnchorKind, Placement, anchors
from reatrieve.sync.earlier import accepted_in
from reatrieve.sync.export import ExportJob, export
from reatrieve.sync.model import TargetKind
from reatrieve.sync.tempo import TempoMap

__all__ = ["anchor_events", "export_events"]

Tempo = Sequence[Mapping[str, float]]


def anchor_events(command: Anchors, state: SessionState, header: Header, tempo: Tempo) -> list[Event]:
    """One anchor for each accepted region, the example's first, then the end of the list."""
    kept = state.accepted_regions
    placement = Placement(cast("AnchorKind", command.kind), command.nudge_ms, command.snap, _tempo_map(tempo))
    times = anchors(TrackAudio(header.track_map), [span.moved(header.origin_s) for _, span in kept], placement)
    listed: list[Event] = [
        Anchor(command.session, number, max(0.0, time_s))  # a project has nothing before its start
        for (number, _), time_s in zip(kept, times, strict=True)
    ]
    return [*listed, AnchorsEnd(command.session, len(listed))]


def export_events(
    command: Export,
    state: SessionState,
    header: Header,
    tempo: Tempo,
    *,
    progress: Callable[[float], None],
    cancel: Callable[[], bool],
) -> list[Event]:
    """Write the files; notes, one ``exported`` a file, then the end of the list.

    Raises
    ------
    InputError
        If the folder is not absolute, or what ``sync.export.export`` refuses.
    """
    if not Path(command.folder).is_absolute():
        raise InputError(f"the export folder {command.folder!r} is not absolute; choose one in the settings")
    notes: list[str] = []

    def tell(share: float) -> None:
        if cancel():
            raise CancelledError("the export was stopped; no file was written")
        progress(share)

    job = ExportJob(
        accepted=accepted_in(state, session=header.session, origin_s=header.origin_s),
        folder=Path(command.folder),
        targets=command.targets,
        audio=cast("TargetKind", command.audio),
        audio_path=Path(command.audio_path) if command.audio_path else None,
        audio_start_s=command.audio_start_s,
        track_map=header.track_map,
        placement=Placement(cast("AnchorKind", command.anchor), command.nudge_ms, command.snap, _tempo_map(tempo)),
        force=bool(command.force),
        add=True,  # several sounds of a project, exported one after the other, belong into one set of files
    )
    written = export(job, progress=tell, note=notes.append)
    told: list[Event] = [replies.note(command.session, "export", text) for text in notes]
    told += [Exported(command.session, one.target, str(one.path)) for one in written]
    return [*told, ExportedEnd(command.session, len(written))]


def _tempo_map(tempo: Tempo) -> TempoMap | None:
    return TempoMap.of_rows(tempo) if tempo else None
