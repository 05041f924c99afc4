"""Which column of a text table holds what: the header names of all programs we read, in one table of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Columns", "columns_of_header", "columns_of_row", "looks_like_time"]

NAMES: dict[str, tuple[str, ...]] = {
    "start": ("start", "onset", "begin time (s)", "start_s", "start time", "begin", "time", "start_time", "onset_s"),
    "end": ("end", "offset", "end time (s)", "end_s", "end time", "stop", "end_time", "offset_s"),
    "length": ("length", "duration", "delta time (s)", "duration_s"),
    "label": ("label", "event_label", "name", "class", "annotation", "species", "event", "tag", "value"),
    "file": ("filename", "file", "begin file", "begin path", "audio"),
    "score": ("score", "confidence", "probability"),
    "payload": ("payload", "description", "comment", "comments", "note", "notes"),
    "kind": ("#",),
    "format": ("time format",),
}
"""For each role the header names that mean it, in lower case, the surest first.

REAPER ``#,Name,Start,End,Length``; DCASE ``filename onset offset event_label``; sed_eval; Raven ``Begin Time (s)``,
...;
Audition ``Name Start Duration``; Sonic Visualiser ``TIME,VALUE,DURATION,LABEL``; our data sets
``file,class,start,end``.
"""

RAVEN_OWN = frozenset({"selection", "view", "channel", "low freq (hz)", "high freq (hz)"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Index of each column in a row; None where the table has none. ``start`` is always there, and ``end`` or
    ``length`` may be. ``has_views``: as in Raven, each selection may come once a view; ``count``: how many columns the
    header has, 0 without one."""

    start: int
    end: int | None = None
    length: int | None = None
    label: int | None = None
    file: int | None = None
    score: int | None = None
    payload: int | None = None
    kind: int | None = None
    format: int | None = None
    has_views: bool = False
    count: int = 0

    @property
    def is_reaper(self) -> bool:
        """Whether the first column tells regions from markers, as REAPER's manager writes it."""
        return self.kind is not None


def columns_of_header(cells: Sequence[str]) -> Columns | None:
    """Understand a header line; None if it is not one (it names no start)."""
    names = [cell.strip().strip("\ufeff").lower() for cell in cells]
    found: dict[str, int] = {}
    for role, known in NAMES.items():
        index = next((names.index(name) for name in known if name in names), None)
        if index is not None:
            found[role] = index
    if "start" not in found:
        return None
    if "label" not in found and "begin time (s)" in names:  # Raven: the user names the label's column freely
        taken = {i for role, i in found.items() if role != "payload"}
        free = [i for i, name in enumerate(names) if name not in RAVEN_OWN and i not in taken]
        if free:
            found["label"] = next((i for i in free if i != found.get("payload")), free[0])
        if found.get("payload") == found.get("label"):
            found.pop("payload", None)
    return Columns(**found, has_views="view" in names and "selection" in names, count=len(names))


def columns_of_row(cells: Sequence[str]) -> Columns | None:
    """Guess the columns of a table without header from its first row.

    Two times and a label (Audacity, sed_eval, mir_eval), the same after a file name, or two times alone; None when
    nothing fits.
    """
    times = [looks_like_time(cell) for cell in cells]
    if times[:2] == [True, True]:
        return Columns(start=0, end=1, label=2 if len(cells) > 2 else None)
    if len(cells) >= 3 and times[:3] == [False, True, True]:
        return Columns(file=0, start=1, end=2, label=3 if len(cells) > 3 else None)
    return None


def looks_like_time(cell: str) -> bool:
    """Whether a cell could be a time: digits and signs, no words."""
    stripped = cell.strip()
    return (
        bool(stripped) and stripped[0] in "+-.0123456789" and not any(c.isalpha() and c not in "eE" for c in stripped)
    )
