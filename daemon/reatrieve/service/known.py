"""How a search begins: its example, and the answers that an earlier search of the same sound handed over."""

from __future__ import annotations

from reatrieve.audio.trackmap import TrackMap
from reatrieve.bridge.messages import Known
from reatrieve.session.earlier import EarlierAnswer, first_events
from reatrieve.session.events import SessionEvent, Started
from reatrieve.session.spans import Span

__all__ = ["beginning"]


def beginning(started: Started, known: tuple[Known, ...], track_map: TrackMap) -> tuple[list[SessionEvent], str]:
    """The events that a new journal begins with, and one sentence about answers that are left out ("": none)."""
    origin_s = track_map.origin_s
    answers = [
        EarlierAnswer(one.verdict, Span(one.start_s - origin_s, one.end_s - origin_s))  # type: ignore[arg-type]
        for one in known
    ]
    covered = _Covered(track_map)
    events, left_out = first_events(started, answers, covered.share)
    if not left_out:
        return events, ""
    return events, (
        f"{left_out} of {len(known)} answers of the search before are left out: they do not lie on the track's items "
        "any more, or on the place of another answer; their regions stay"
    )


class _Covered:
    """Where a track has items, overlapping ones taken as one."""

    def __init__(self, track_map: TrackMap) -> None:
        self._spans: list[tuple[float, float]] = []
        origin_s = track_map.origin_s
        for start_s, length_s in sorted((item.position_s - origin_s, item.length_s) for item in track_map.items):
            end_s = start_s + length_s
            if self._spans and start_s <= self._spans[-1][1]:
                self._spans[-1] = (self._spans[-1][0], max(end_s, self._spans[-1][1]))
            else:
                self._spans.append((start_s, end_s))

    def share(self, span: Span) -> float:
        """The part of a span that lies on items, 0..1."""
        inside = (max(0.0, min(span.end_s, end_s) - max(span.start_s, start_s)) for start_s, end_s in self._spans)
        return sum(inside) / span.length_s
