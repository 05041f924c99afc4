"""Unreal: rows for a DataTable, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.model import SyncSheet

__all__ = ["COLUMNS", "write_unreal_csv", "write_unreal_json"]

COLUMNS = (
    "Name", "Label", "Pattern", "StartSeconds", "EndSeconds", "AnchorSeconds", "StartFrame", "EndFrame", "AnchorFrame",
    "SampleRate",
    "Bar", "Beat", "Score", "Payload",
)  # fmt: skip
"""``Name`` is the row's unique name; the others are the fields of ``FReaTrieveSyncRow`` (docs/guide/unreal.md)."""


def write_unreal_csv(sheet: SyncSheet) -> bytes:
    """CSV for *Import as DataTable*; with a UTF-8 mark where a label needs it, or the editor guesses wrong."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for row in _rows(sheet):
        writer.writerow([one_line(value) if isinstance(value, str) else value for value in row.values()])
    content = text.getvalue()
    return content.encode("utf-8" if content.isascii() else "utf-8-sig")


def write_unreal_json(sheet: SyncSheet) -> bytes:
    """JSON for *Import as DataTable*: an array of rows."""
    return (json.dumps(list(_rows(sheet)), ensure_ascii=True, indent=1) + "\n").encode("ascii")


def _rows(sheet: SyncSheet) -> list[dict[str, str | float | int]]:
    """In the order in which they fire: a game goes through a table from its top."""
    rows = []
    for event in sorted(sheet.events, key=lambda event: (event.anchor, event.id)):
        values: tuple[str | float | int, ...] = (
            event.id,
            event.label,
            event.pattern,
            sheet.seconds(event.start),
            sheet.seconds(event.end),
            sheet.seconds(event.anchor),
            event.start,
            event.end,
            event.anchor,
            sheet.audio.rate_hz,
            event.position.bar if event.position else 0,
            round(event.position.beat, 6) if event.position else 0.0,
            -1.0 if event.score is None else event.score,
            event.payload,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows
