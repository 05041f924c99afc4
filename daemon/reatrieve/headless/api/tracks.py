"""Tracks: counting, selection, values, effects and sends as far as they decide what is heard."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import ItemModel, TrackModel
from reatrieve.headless.project import ProjectModel


@function("CountTracks")
def _count(call: Call, project: ProjectModel) -> int:
    return len(project.tracks)


@function("GetNumTracks")
def _num(call: Call) -> int:
    return len(call.host.project.tracks)


@function("GetTrack")
def _track(call: Call, project: ProjectModel, index: int) -> TrackModel | None:
    return project.tracks[index] if 0 <= index < len(project.tracks) else None


@function("GetMasterTrack")
def _master(call: Call, project: ProjectModel) -> TrackModel:
    return project.master


@function("CountSelectedTracks")
def _count_selected(call: Call, project: ProjectModel) -> int:
    return len(project.selected_tracks())


@function("CountSelectedTracks2")
def _count_selected2(call: Call, project: ProjectModel, master: bool) -> int:
    return len(_selected(project, master))


def _selected(project: ProjectModel, master: bool) -> list[TrackModel]:
    first = [project.master] if master and project.master.values["I_SELECTED"] else []
    return first + project.selected_tracks()


@function("GetSelectedTrack")
def _get_selected(call: Call, project: ProjectModel, index: int) -> TrackModel | None:
    return _get_selected2(call, project, index, False)


@function("GetSelectedTrack2")
def _get_selected2(call: Call, project: ProjectModel, index: int, master: bool) -> TrackModel | None:
    tracks = _selected(project, master)
    return tracks[index] if 0 <= index < len(tracks) else None


@function("IsTrackSelected")
def _is_selected(call: Call, track: TrackModel) -> bool:
    return bool(track.values["I_SELECTED"])


@function("SetTrackSelected")
def _set_selected(call: Call, track: TrackModel, selected: bool) -> None:
    track.values["I_SELECTED"] = float(selected)


@function("SetOnlyTrackSelected")
def _set_only(call: Call, track: TrackModel) -> None:
    for other in [track.project.master, *track.project.tracks]:
        other.values["I_SELECTED"] = float(other is track)


@function("GetTrackName")
def _name(call: Call, track: TrackModel) -> tuple[bool, str]:
    return True, track.name or f"Track {_number(track)}"


@function("GetTrackGUID")
def _guid(call: Call, track: TrackModel) -> str:
    return track.guid


def _number(track: TrackModel) -> int:
    return -1 if track is track.project.master else track.project.tracks.index(track) + 1


def _parent(track: TrackModel) -> TrackModel | None:
    """The folder that a track stands in."""
    open_folders: list[TrackModel] = []
    for other in track.project.tracks:
        if other is track:
            return open_folders[-1] if open_folders else None
        depth = int(other.values["I_FOLDERDEPTH"])
        if depth > 0:
            open_folders.append(other)
        elif depth < 0:
            del open_folders[depth:]
    return None


@function("GetParentTrack")
def _parent_track(call: Call, track: TrackModel) -> TrackModel | None:
    return _parent(track)


@function("GetTrackDepth")
def _depth(call: Call, track: TrackModel) -> int:
    depth, parent = 0, _parent(track)
    while parent is not None:
        depth, parent = depth + 1, _parent(parent)
    return depth


@function("GetMediaTrackInfo_Value")
def _value(call: Call, track: TrackModel, name: str) -> float:
    if name == "IP_TRACKNUMBER":
        return float(_number(track))
    if name.startswith("C_LANEPLAYS:"):
        return track.values.get(name, 0.0)
    if name not in track.values:
        call.lint(f"GetMediaTrackInfo_Value: {name!r} is not known")
        return 0.0
    return track.values[name]


@function("SetMediaTrackInfo_Value")
def _set_value(call: Call, track: TrackModel, name: str, value: float) -> bool:
    if name not in track.values and not name.startswith("C_LANEPLAYS:"):
        call.lint(f"SetMediaTrackInfo_Value: {name!r} is not known")
        return False
    track.values[name] = value
    track.project.edited()
    return True


@function("GetSetMediaTrackInfo_String")
def _text(call: Call, track: TrackModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    if name == "GUID":
        return True, track.guid
    if name == "P_NAME":
        if is_set:
            track.name = value
            track.project.edited()
        return True, track.name
    if name == "P_RAZOREDITS":
        if is_set:
            track.razor = value
        return True, track.razor
    if name == "P_RAZOREDITS_EXT":
        return True, track.razor
    if name.startswith("P_EXT:"):
        if is_set:
            track.ext[name] = value
        return name in track.ext, track.ext.get(name, "")
    call.lint(f"GetSetMediaTrackInfo_String: {name!r} is not known")
    return False, ""


@function("InsertTrackAtIndex")
def _insert(call: Call, index: int, defaults: bool) -> None:
    _insert_in(call, call.host.project, index, 0)


@function("InsertTrackInProject")
def _insert_in(call: Call, project: ProjectModel, index: int, flags: int) -> None:
    project.add_track("", index if 0 <= index <= len(project.tracks) else None)
    project.edited()


@function("DeleteTrack")
def _delete(call: Call, track: TrackModel) -> None:
    track.project.remove_track(track)
    track.project.edited()


@function("CountTrackMediaItems", "GetTrackNumMediaItems")
def _count_items(call: Call, track: TrackModel) -> int:
    return len(track.items)


@function("GetTrackMediaItem")
def _item(call: Call, track: TrackModel, index: int) -> ItemModel | None:
    return track.items[index] if 0 <= index < len(track.items) else None


@function("TrackFX_GetCount")
def _fx_count(call: Call, track: TrackModel) -> int:
    return len(track.fx)


@function("TrackFX_GetRecCount")
def _fx_rec_count(call: Call, track: TrackModel) -> int:
    return 0


@function("TrackFX_GetInstrument")
def _instrument(call: Call, track: TrackModel) -> int:
    return next((i for i, name in enumerate(track.fx) if name.startswith(("VSTi:", "VST3i:", "AUi:"))), -1)


@function("TrackFX_GetFXName")
def _fx_name(call: Call, track: TrackModel, index: int) -> tuple[bool, str]:
    return (True, track.fx[index]) if 0 <= index < len(track.fx) else (False, "")


@function("TrackFX_GetEnabled")
def _fx_enabled(call: Call, track: TrackModel, index: int) -> bool:
    return 0 <= index < len(track.fx)


@function("TrackFX_GetOffline")
def _fx_offline(call: Call, track: TrackModel, index: int) -> bool:
    return False


@function("GetTrackNumSends")
def _sends(call: Call, track: TrackModel, category: int) -> int:
    return {-1: track.receives, 0: track.sends}.get(category, 0)


@function("CountTrackEnvelopes")
def _envelopes(call: Call, track: TrackModel) -> int:
    return len(track.envelopes)


@function("GetTrackColor")
def _color(call: Call, track: TrackModel) -> int:
    return int(track.values["I_CUSTOMCOLOR"])


@function("SetTrackColor")
def _set_color(call: Call, track: TrackModel, color: int) -> None:
    track.values["I_CUSTOMCOLOR"] = float(color | 0x1000000)


@function("AnyTrackSolo")
def _any_solo(call: Call, project: ProjectModel) -> bool:
    return any(track.values["I_SOLO"] for track in project.tracks)


@function("SoloAllTracks")
def _solo_all(call: Call, solo: int) -> None:
    for track in call.host.project.tracks:
        track.values["I_SOLO"] = float(solo)


@function("GetTrackFromPoint")
def _from_point(call: Call, x: int, y: int) -> tuple[None, int]:
    return None, 0  # the mouse is over no track


@function("GetLastTouchedTrack")
def _last_touched(call: Call) -> TrackModel | None:
    tracks = call.host.project.selected_tracks()
    return tracks[0] if tracks else None


@function("IsTrackVisible")
def _visible(call: Call, track: TrackModel, mixer: bool) -> bool:
    return bool(track.values["B_SHOWINMIXER" if mixer else "B_SHOWINTCP"])
