"""Which regions of a saved project are accepted: ReaTrieve's scripts keep that in the project's ext state."""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from reatrieve.sync.marker_names import sounds_of_names
from reatrieve.sync.model import Accepted
from reatrieve.sync.rpp_project import RppProject, RppRegion

__all__ = ["AcceptedRegion", "StoredSession", "accepted_regions", "stored_sessions"]

PREFIX = "SESSION_"
ACCEPTED_STATES = frozenset({"example", "accepted"})
SAME_S = 0.001
GUID = re.compile(r"\{[^{}]*\}")

OTHER_STATES = ("? ", "x ")
"""How the names of regions begin that wait for an answer or were rejected."""


@dataclass(frozen=True, slots=True)
class AcceptedRegion:
    """One accepted region of a session (number 0: the example), as the scripts last saw it."""

    number: int
    name: str
    start_s: float
    end_s: float
    probability: float | None


@dataclass(frozen=True)
class StoredSession:
    """One session: its id, the GUID of its track, the sound's name, and the accepted regions by GUID."""

    id: str
    track: str
    label: str
    regions: dict[str, AcceptedRegion] = field(default_factory=dict)


def stored_sessions(project: RppProject) -> list[StoredSession]:
    """Sessions that the project file holds; a damaged one is left out."""
    found = []
    for key, text in sorted(project.ext_state.items()):
        if not key.startswith(PREFIX):
            continue
        head, *rows = [part.split(";") for part in re.split(r"[|\n]", text)]
        if len(head) < 3:
            continue
        known = dict(each for row in rows if (each := _accepted_region(row)) is not None)
        found.append(StoredSession(key.removeprefix(PREFIX), unquote(head[0]), unquote(head[2]), known))
    return found


def _accepted_region(row: list[str]) -> tuple[str, AcceptedRegion] | None:
    """GUID and region of one row; None if it is not accepted, or damaged."""
    if len(row) < 8 or row[6] not in ACCEPTED_STATES:
        return None
    number, guid, _, name, start_s, end_s, state, probability = row[:8]
    try:
        score = None if state == "example" else float(probability)
        return unquote(guid).upper(), AcceptedRegion(int(number), unquote(name), float(start_s), float(end_s), score)
    except ValueError:
        return None


def accepted_regions(project: RppProject, *, match: str = "") -> tuple[list[Accepted], str]:
    """The accepted regions of a project, and the GUID of the track that they were found on ("" when not known).

    Parameters
    ----------
    match : takes the regions and markers whose name fits this pattern (``riser*``, upper or lower case) instead; with
        neither a pattern nor a session of ours, all regions. A marker that Convert made of a region, or that a user set
        so, is one event with it.
    """
    sessions = stored_sessions(project)
    if not match and any(session.regions for session in sessions):
        by_guid = {guid: (session, known) for session in sessions for guid, known in session.regions.items()}
        accepted, tracks = [], []
        for region in project.regions:
            session, known = by_guid.get(region.guid.upper(), (None, None))
            if session is None or known is None:
                continue
            own_name = region.name != known.name and bool(region.name)
            label = region.name if own_name else session.label
            region_id = f"{session.id}:{known.number}"
            accepted.append(Accepted(region.start_s, region.end_s, label, session.label, known.probability, region_id))
            tracks.append(session.track)
        return accepted, tracks[0] if len(set(tracks)) == 1 else ""
    chosen = [
        region
        for region in project.regions
        if (fnmatch.fnmatchcase(region.name.casefold(), match.casefold()) if match else region.is_region)
        and not region.name.startswith(OTHER_STATES)
    ]
    chosen = _without_doubles(chosen, _converted_of(project, sessions))
    sounds = sounds_of_names(region.name for region in chosen)
    return [
        Accepted(r.start_s, r.end_s, r.name or "event", sound, region_id=r.guid)
        for r, sound in zip(chosen, sounds, strict=True)
    ], ""


def _converted_of(project: RppProject, sessions: Sequence[StoredSession]) -> dict[str, str]:
    """GUID of the region that each marker was made of by the scripts' Convert, by the marker's GUID."""
    regions = {f"{session.id}/{known.number}": guid for session in sessions for guid, known in session.regions.items()}
    # session/number/edge, and the GUIDs of the markers
    rows = [line.partition(" ") for line in re.split(r"[;\n]", project.ext_state.get("MARKERS", ""))]
    return {
        marker.upper(): regions[key.upper()]
        for key, markers in ((point.rpartition("/")[0], markers) for point, _, markers in rows)
        if key.upper() in regions
        for marker in GUID.findall(markers)
    }


def _without_doubles(chosen: Sequence[RppRegion], converted: Mapping[str, str]) -> list[RppRegion]:
    """All but the markers whose region is there as well: by Convert's list, or a marker of the region's name at its
    start or alone in it."""
    regions = [one for one in chosen if one.is_region]
    guids = {region.guid.upper() for region in regions}
    markers: defaultdict[str, list[RppRegion]] = defaultdict(list)
    for one in chosen:
        if not one.is_region:
            markers[one.name].append(one)
    doubles = {id(one) for of_name in markers.values() for one in of_name if converted.get(one.guid.upper()) in guids}
    for region in regions:
        inside = [
            one
            for one in markers.get(region.name, ())
            if region.start_s - SAME_S <= one.start_s <= region.end_s + SAME_S
        ]
        at_start = [one for one in inside if abs(one.start_s - region.start_s) <= SAME_S]
        doubles |= {id(one) for one in at_start[:1] or (inside if len(inside) == 1 else [])}
    return [one for one in chosen if id(one) not in doubles]
