"""Annotation formats of other programs: small text tables and JAMS, from times in seconds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from reatrieve.annotations.annotation import Annotation, one_line

__all__ = [
    "clock", "write_audacity", "write_audition", "write_dcase", "write_jams", "write_raven", "write_reaper_csv",
    "write_sonic_visualiser",
]  # fmt: skip

UNKNOWN_FILE = "audio"
RAVEN_TOP_HZ = "20000.0"


def clock(time_s: float, decimals: int = 6) -> str:
    """``m:ss.ffffff``, which no ruler setting of REAPER can take for bars and beats."""
    units = 10**decimals
    whole = round(round(abs(time_s), decimals) * units)
    minutes, rest = divmod(whole, 60 * units)
    sign = "-" if time_s < 0 and whole else ""
    return f"{sign}{minutes}:{rest // units:02d}.{rest % units:0{decimals}d}"


def write_audacity(annotations: Sequence[Annotation]) -> bytes:
    """Audacity labels: ``start end label``, no header. sed_eval and mir_eval read it too."""
    return _tabbed((_seconds(a.start_s), _seconds(a.end_s), one_line(a.label)) for a in annotations)


def write_dcase(annotations: Sequence[Annotation]) -> bytes:
    """DCASE list: ``filename onset offset event_label`` with header."""
    rows = ((a.file or UNKNOWN_FILE, _seconds(a.start_s), _seconds(a.end_s), one_line(a.label)) for a in annotations)
    return _tabbed([("filename", "onset", "offset", "event_label"), *rows])


def write_raven(annotations: Sequence[Annotation]) -> bytes:
    """Raven selection table; the label stands in the column ``Annotation``."""
    head = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)")
    rows = (
        (str(i), "Waveform 1", "1", _seconds(a.start_s), _seconds(a.end_s), "0.0", RAVEN_TOP_HZ, one_line(a.label))
        for i, a in enumerate(annotations, start=1)
    )
    return _tabbed([(*head, "Annotation"), *rows])


def write_audition(annotations: Sequence[Annotation]) -> bytes:
    """Audition's marker list; its times have milliseconds, and the payload is its description."""
    head = ("Name", "Start", "Duration", "Time Format", "Type", "Description")
    rows = (
        (one_line(a.label), clock(a.start_s, 3), clock(_length(a, 3), 3), "decimal", "Cue", one_line(a.payload))
        for a in annotations
    )
    return _tabbed([head, *rows])


def write_sonic_visualiser(annotations: Sequence[Annotation]) -> bytes:
    """Sonic Visualiser regions: ``TIME,VALUE,DURATION,LABEL``; the value tells the labels apart."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(a.label for a in annotations))}
    rows = ((_seconds(a.start_s), str(numbers[a.label]), _seconds(_length(a)), one_line(a.label)) for a in annotations)
    return _quoted([("TIME", "VALUE", "DURATION", "LABEL"), *rows])


def write_reaper_csv(annotations: Sequence[Annotation]) -> bytes:
    """REAPER's Region/Marker Manager CSV: spans as regions, points as markers.

    A name that begins with ``=`` (metadata marker) or ``!`` (SWS action marker) gets an underscore in front.
    """
    rows: list[tuple[str, ...]] = [("#", "Name", "Start", "End", "Length")]
    regions = markers = 0
    for a in annotations:
        name = one_line(a.label)
        name = f"_{name}" if name[:1] in ("=", "!") else name
        if a.is_point:
            markers += 1
            rows.append((f"M{markers}", name, clock(a.start_s), "", ""))
        else:
            regions += 1
            rows.append((f"R{regions}", name, clock(a.start_s), clock(a.end_s), clock(_length(a))))
    return _quoted(rows)


def write_jams(annotations: Sequence[Annotation], *, duration_s: float | None = None) -> bytes:
    """JAMS with one annotation of the namespace ``tag_open``.

    Parameters
    ----------
    duration_s : length of the recording, which JAMS demands; None: the last end.
    """
    if duration_s is None:
        duration_s = max((a.end_s for a in annotations), default=0.0)
    file = next((a.file for a in annotations if a.file), "")
    data = {
        "annotations": [
            {
                "namespace": "tag_open",
                "time": 0.0,
                "duration": duration_s,
                "annotation_metadata": {"annotation_tools": "ReaTrieve", "data_source": "manual"},
                "sandbox": {},
                "data": [
                    {"time": a.start_s, "duration": a.end_s - a.start_s, "value": a.label, "confidence": a.score}
                    for a in annotations
                ],
            }
        ],
        "file_metadata": {"title": file, "duration": duration_s, "jams_version": "0.3.4", "identifiers": {}},
        "sandbox": {},
    }
    return (json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")


def _length(a: Annotation, decimals: int = 6) -> float:
    """The length that leads from the start, as it is written, to the nearest end."""
    return round(a.end_s, decimals) - round(a.start_s, decimals)


def _seconds(time_s: float) -> str:
    return f"{time_s:.6f}"


def _tabbed(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode("utf-8")


def _quoted(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")
