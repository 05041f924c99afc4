"""Is a sound file still the one that a session searched? For ``find``, which goes on with it, and for ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.cli.values import clock
from reatrieve.errors import AudioError

if TYPE_CHECKING:
    from reatrieve.audio.trackmap import TrackItem
    from reatrieve.journal import Header
    from reatrieve.session.state import SessionState

__all__ = ["other_length", "refuse_uncovered", "whole_file_s", "written_after"]

LENGTHS_DIFFER_S = 0.1
"""Two encodings of one recording may differ by so much."""


def whole_file_s(headers: Sequence[Header]) -> float | None:
    """Length of the one file that was searched as it is, without a project around it; None for other tracks."""
    track_map = headers[0].track_map
    item = track_map.items[0]
    plain = len(track_map.items) == 1 and (item.position_s, item.offset_s, item.rate) == (0.0, 0.0, 1.0)
    alone = plain and all(one.track_map == track_map and not one.project and not one.track for one in headers)
    return track_map.duration_s if alone else None


def other_length(audio: Path, searched_s: float | None, *, start_s: float = 0.0) -> float | None:
    """How long a file is that can hardly be the whole one that was searched; None where it may be.

    Parameters
    ----------
    audio : what is there now; one that is missing is for its reader to refuse.
    searched_s : as ``whole_file_s`` has it; None: any length will do.
    start_s : where it begins in what was searched; a later part of that may be shorter.

    Raises
    ------
    AudioError
        If the file cannot be read as sound.
    """
    if searched_s is None or not audio.is_file():
        return None
    from reatrieve.audio.soundness import length_s

    there_s = length_s(audio)
    part = start_s > 0.0 and start_s + there_s <= searched_s + LENGTHS_DIFFER_S
    return None if part or abs(there_s + start_s - searched_s) <= LENGTHS_DIFFER_S else there_s


def written_after(header: Header) -> list[Path]:
    """Which of the files were written after the search began."""
    return [path for path in header.track_map.paths if _is_younger(path, header.created_s)]


def _is_younger(path: Path, time_s: float) -> bool:
    try:
        return path.stat().st_mtime > time_s
    except OSError:
        return False  # whoever reads the file says that it is not there


def refuse_uncovered(header: Header, state: SessionState) -> None:
    """Refuse a track whose files end before places that were answered.

    Raises
    ------
    AudioError
        Which file, and where; or if one cannot be read as sound.
    """
    from reatrieve.audio.soundness import length_s

    answered = [one.span for one in state.candidates.values() if one.state != "candidate"]
    spans = [span.moved(header.origin_s) for span in (state.example, *answered)]
    lengths_s = {path: length_s(path) for path in header.track_map.paths}
    for span in sorted(spans):
        middle_s = (span.start_s + span.end_s) / 2
        items = [item for item in header.track_map.items if item.position_s < middle_s < item.end_s]
        if items and not any(_has(item, middle_s, lengths_s[item.path]) for item in items):
            path = items[0].path
            raise AudioError(
                f"{path.name} lasts {lengths_s[path]:.3f} s and has no sound any more for the place at "
                f"{clock(span.start_s)} of this session; bring back what was searched, or search it anew"
            )


def _has(item: TrackItem, time_s: float, length_s: float) -> bool:
    """Whether the file of an item, of this length now, holds what the item plays at a project time."""
    source_s = item.offset_s + (time_s - item.position_s) * item.rate
    if item.section_length_s:
        source_s = item.section_start_s + (item.section_length_s - source_s if item.reverse else source_s)
    return item.loop or source_s <= length_s
