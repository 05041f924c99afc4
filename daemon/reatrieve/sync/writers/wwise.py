"""Wwise: the arguments of one WAAPI call that adds custom cues to a music segment."""

from __future__ import annotations

import json

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.marker_names import unique_names
from reatrieve.sync.model import SyncSheet

__all__ = ["PLACEHOLDER_SEGMENT", "write_waapi"]

PLACEHOLDER_SEGMENT = "\\Interactive Music Hierarchy\\Default Work Unit\\YOUR MUSIC SEGMENT"
CUSTOM_CUE = 2
FORBIDDEN = str.maketrans(dict.fromkeys(':<>*?"/\\|', "_"))


def write_waapi(sheet: SyncSheet, *, segment: str = "") -> tuple[bytes, list[str]]:
    """Arguments for ``ak.wwise.core.object.set``, and what the user should know.

    Object names in Wwise must differ and must not hold ``: < > * ? " / \\ |``.

    Parameters
    ----------
    segment : path or GUID of the music segment; "" writes a placeholder to be replaced.
    """
    plain = [one_line(event.label).translate(FORBIDDEN) or event.id for event in sheet.events]
    names = unique_names(plain)
    notes = []
    changed = sum(name != event.label for name, event in zip(names, sheet.events, strict=True))
    if changed:
        notes.append(
            "1 Wwise cue name was numbered or cleaned, since names in Wwise must differ"
            if changed == 1
            else f"{changed} Wwise cue names were numbered or cleaned, since names in Wwise must differ"
        )
    if not segment:
        notes.append(f"replace {PLACEHOLDER_SEGMENT} in the Wwise file by your segment's path or GUID")
    rate_hz = sheet.audio.rate_hz
    cues = [
        {"type": "MusicCue", "name": name, "@CueType": CUSTOM_CUE, "@TimeMs": event.anchor * 1000 / rate_hz}
        for name, event in zip(names, sheet.events, strict=True)
    ]
    call = {
        "objects": [{"object": segment or PLACEHOLDER_SEGMENT, "@Cues": cues}],
        "onNameConflict": "fail",
        "listMode": "append",
    }
    return (json.dumps(call, ensure_ascii=True, indent=1) + "\n").encode("ascii"), notes
