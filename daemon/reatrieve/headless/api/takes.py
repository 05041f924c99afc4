"""Takes: values, markers, envelopes and effects."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import ItemModel, TakeModel, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.sources import MidiSource, Source


@function("CountTakes", "GetMediaItemNumTakes")
def _takes(call: Call, item: ItemModel) -> int:
    return len(item.takes)


@function("GetTake", "GetMediaItemTake")
def _take(call: Call, item: ItemModel, index: int) -> TakeModel | None:
    return _given(item.takes[index]) if 0 <= index < len(item.takes) else None


def _given(take: TakeModel | None) -> TakeModel | None:
    """An empty take counts, but there is no pointer to it."""
    return None if take is None or take.empty else take


@function("GetActiveTake")
def _active(call: Call, item: ItemModel) -> TakeModel | None:
    return _given(item.take)


@function("SetActiveTake")
def _set_active(call: Call, take: TakeModel) -> None:
    take.item.values["I_CURTAKE"] = float(take.item.takes.index(take))


@function("AddTakeToMediaItem")
def _add_take(call: Call, item: ItemModel) -> TakeModel:
    take = TakeModel(item, item.track.project.new_guid(), None)
    item.takes.append(take)
    return take


@function("GetMediaItemTakeByGUID")
def _take_by_guid(call: Call, project: ProjectModel, guid: str) -> TakeModel | None:
    return next((take for take in project.takes() if take.guid == guid), None)


@function("GetMediaItemTake_Item")
def _take_item(call: Call, take: TakeModel) -> ItemModel:
    return take.item


@function("GetMediaItemTake_Track")
def _take_track(call: Call, take: TakeModel) -> TrackModel:
    return take.item.track


@function("GetMediaItemTake_Source")
def _take_source(call: Call, take: TakeModel) -> Source | None:
    return take.source


@function("SetMediaItemTake_Source")
def _set_source(call: Call, take: TakeModel, source: Source) -> bool:
    take.source = source
    return True


@function("GetMediaItemTakeInfo_Value")
def _take_value(call: Call, take: TakeModel, name: str) -> float:
    if name == "IP_TAKENUMBER":
        return float(take.item.takes.index(take))
    if name not in take.values:
        call.lint(f"GetMediaItemTakeInfo_Value: {name!r} is not known")
        return 0.0
    return take.values[name]


@function("SetMediaItemTakeInfo_Value")
def _set_take_value(call: Call, take: TakeModel, name: str, value: float) -> bool:
    if name not in take.values:
        call.lint(f"SetMediaItemTakeInfo_Value: {name!r} is not known")
        return False
    take.values[name] = value
    take.item.track.project.edited()
    return True


@function("GetSetMediaItemTakeInfo_String")
def _take_text(call: Call, take: TakeModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    if name == "GUID":
        return True, take.guid
    if name == "P_NAME":
        if is_set:
            take.name = value
        return True, take.name
    if name.startswith("P_EXT:"):
        if is_set:
            take.ext[name] = value
        return name in take.ext, take.ext.get(name, "")
    call.lint(f"GetSetMediaItemTakeInfo_String: {name!r} is not known")
    return False, ""


@function("GetTakeName")
def _take_name(call: Call, take: TakeModel) -> str:
    return take.name


@function("TakeIsMIDI")
def _is_midi(call: Call, take: TakeModel) -> bool:
    return isinstance(take.source, MidiSource)


@function("GetTakeNumStretchMarkers")
def _stretch(call: Call, take: TakeModel) -> int:
    return len(take.stretch_markers)


@function("GetTakeStretchMarker")
def _stretch_marker(call: Call, take: TakeModel, index: int) -> tuple[int, float, float]:
    if 0 <= index < len(take.stretch_markers):
        return index, *take.stretch_markers[index]
    return -1, 0.0, 0.0


@function("SetTakeStretchMarker")
def _set_stretch(call: Call, take: TakeModel, index: int, position_s: float, source_s: float | None) -> int:
    value = (position_s, position_s if source_s is None else source_s)
    if 0 <= index < len(take.stretch_markers):
        take.stretch_markers[index] = value
    else:
        take.stretch_markers.append(value)
    take.stretch_markers.sort()
    return take.stretch_markers.index(value)


@function("CountTakeEnvelopes")
def _take_envelopes(call: Call, take: TakeModel) -> int:
    return len(take.envelopes)


class Envelope:
    """A take's or track's envelope, as a pointer."""

    kind = "TrackEnvelope"

    def __init__(self, owner: TakeModel | TrackModel, name: str) -> None:
        self.owner = owner
        self.name = name

    @property
    def alive(self) -> bool:
        """Whether its owner still has it."""
        return self.owner.alive and self.name in self.owner.envelopes


def _envelope(call: Call, owner: TakeModel | TrackModel, index: int) -> Envelope | None:
    names = list(owner.envelopes)
    if not 0 <= index < len(names):
        return None
    key = (owner.guid, names[index])
    if key not in call.host.envelopes:
        call.host.envelopes[key] = Envelope(owner, names[index])
    found: Envelope = call.host.envelopes[key]
    return found


@function("GetTakeEnvelope")
def _take_envelope(call: Call, take: TakeModel, index: int) -> Envelope | None:
    return _envelope(call, take, index)


@function("GetTrackEnvelope")
def _track_envelope(call: Call, track: TrackModel, index: int) -> Envelope | None:
    return _envelope(call, track, index)


@function("GetTakeEnvelopeByName")
def _take_envelope_by_name(call: Call, take: TakeModel, name: str) -> Envelope | None:
    names = list(take.envelopes)
    return _envelope(call, take, names.index(name)) if name in names else None


@function("CountEnvelopePoints")
def _envelope_points(call: Call, envelope: Envelope) -> int:
    return envelope.owner.envelopes[envelope.name]


@function("GetEnvelopeName")
def _envelope_name(call: Call, envelope: Envelope) -> tuple[bool, str]:
    return True, envelope.name


@function("TakeFX_GetCount")
def _take_fx(call: Call, take: TakeModel) -> int:
    return len(take.fx)


@function("GetNumTakeMarkers")
def _take_markers(call: Call, take: TakeModel) -> int:
    return len(take.take_markers)


@function("GetTakeMarker")
def _take_marker(call: Call, take: TakeModel, index: int) -> tuple[float, str, int]:
    return take.take_markers[index] if 0 <= index < len(take.take_markers) else (-1.0, "", 0)


@function("SetTakeMarker")
def _set_take_marker(
    call: Call, take: TakeModel, index: int, name: str, source_s: float | None, color: int | None
) -> int:
    """Index -1 or one past the last adds a marker; the place and colour of an old one stay where they are not given."""
    old = take.take_markers[index] if 0 <= index < len(take.take_markers) else (0.0, "", 0)
    new = (old[0] if source_s is None else source_s, name, old[2] if color is None else color)
    if 0 <= index < len(take.take_markers):
        take.take_markers[index] = new
    else:
        take.take_markers.append(new)
    take.take_markers.sort(key=lambda marker: marker[0])
    take.item.track.project.edited()
    return take.take_markers.index(new)


@function("DeleteTakeMarker")
def _delete_take_marker(call: Call, take: TakeModel, index: int) -> bool:
    if not 0 <= index < len(take.take_markers):
        return False
    del take.take_markers[index]
    take.item.track.project.edited()
    return True


@function("DeleteTakeStretchMarkers")
def _delete_stretch(call: Call, take: TakeModel, index: int, count: int | None) -> int:
    gone = take.stretch_markers[max(index, 0) :][: 1 if count is None else count]
    take.stretch_markers = [marker for marker in take.stretch_markers if marker not in gone]
    return len(gone)
