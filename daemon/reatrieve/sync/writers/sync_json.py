"""The sync JSON: everything, in frames and in seconds; docs/sync-events.schema.json describes it."""

from __future__ import annotations

import json
from typing import Any

from reatrieve import __version__
from reatrieve.sync.model import SyncEvent, SyncSheet, frame_at

__all__ = ["FORMAT", "VERSION", "sync_json", "write_sync_json"]

FORMAT = "reatrieve.sync"
VERSION = 1


def write_sync_json(sheet: SyncSheet) -> bytes:
    """The file's content: UTF-8, an object at the root, arrays of flat objects (Unity's JsonUtility reads it)."""
    return (json.dumps(sync_json(sheet), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode("utf-8")


def sync_json(sheet: SyncSheet) -> dict[str, Any]:
    """The sheet as plain values. What is not known (bar, beat, score) has no key."""
    audio = sheet.audio
    return {
        "format": FORMAT,
        "version": VERSION,
        "generator": f"ReaTrieve {__version__}",
        "audio": {
            "file": audio.path.name,
            "sample_rate": audio.rate_hz,
            "channels": audio.channels,
            "frames": audio.frames,
            "duration_seconds": audio.duration_s,
            "pcm_sha256": audio.pcm_sha256,
            "project_start_seconds": audio.start_s,
        },
        "offset_seconds": 0.0,
        "tempo_map": [
            {
                "frame": frame_at(step.time_s, audio.rate_hz),
                "seconds": step.time_s,
                "bpm": step.bpm,
                "numerator": step.numerator,
                "denominator": step.denominator,
                "bar": step.position.bar,
                "beat": _beat(step.position.beat),
            }
            for step in sheet.tempo
        ],
        "tracks": [{"id": f"trk_{i:02d}", "label": pattern} for i, pattern in enumerate(sheet.patterns, start=1)],
        "events": [_event(sheet, event) for event in sheet.events],
    }


def _event(sheet: SyncSheet, event: SyncEvent) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": event.id,
        "track": f"trk_{sheet.patterns.index(event.pattern) + 1:02d}",
        "label": event.label,
        "pattern": event.pattern,
        "type": "point" if event.is_point else "span",
        "start_frame": event.start,
        "end_frame": event.end,
        "anchor_frame": event.anchor,
        "start_seconds": sheet.seconds(event.start),
        "end_seconds": sheet.seconds(event.end),
        "anchor_seconds": sheet.seconds(event.anchor),
        "source_region_id": event.region_id,
        "payload": event.payload,
    }
    if event.position is not None:
        row |= {"bar": event.position.bar, "beat": _beat(event.position.beat)}
    if event.score is not None:
        row["score"] = event.score
    return row


def _beat(beat: float) -> float:
    return round(beat, 6)
