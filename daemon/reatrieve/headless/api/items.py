"""Media items: counting, selection, values, splitting."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import ItemModel, TakeModel, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.sources import MidiSource


@function("CountMediaItems")
def _count(call: Call, project: ProjectModel) -> int:
    return sum(1 for _ in project.items())


@function("GetMediaItem")
def _item(call: Call, project: ProjectModel, index: int) -> ItemModel | None:
    items = list(project.items())
    return items[index] if 0 <= index < len(items) else None


@function("CountSelectedMediaItems")
def _count_selected(call: Call, project: ProjectModel) -> int:
    return len(project.selected_items())


@function("GetSelectedMediaItem")
def _selected(call: Call, project: ProjectModel, index: int) -> ItemModel | None:
    items = project.selected_items()
    return items[index] if 0 <= index < len(items) else None


@function("IsMediaItemSelected")
def _is_selected(call: Call, item: ItemModel) -> bool:
    return bool(item.values["B_UISEL"])


@function("SetMediaItemSelected")
def _set_selected(call: Call, item: ItemModel, selected: bool) -> None:
    item.values["B_UISEL"] = float(selected)


@function("SelectAllMediaItems")
def _select_all(call: Call, project: ProjectModel, selected: bool) -> None:
    for item in project.items():
        item.values["B_UISEL"] = float(selected)


@function("AddMediaItemToTrack")
def _add(call: Call, track: TrackModel) -> ItemModel:
    item = ItemModel(track, track.project.new_guid())
    track.items.append(item)
    track.sort_items()
    track.project.edited()
    return item


@function("CreateNewMIDIItemInProj")
def _add_midi(call: Call, track: TrackModel, start_s: float, end_s: float, quarters: bool | None) -> ItemModel:
    item = ItemModel(track, track.project.new_guid(), start_s, end_s - start_s)
    item.takes.append(TakeModel(item, track.project.new_guid(), MidiSource()))
    track.items.append(item)
    track.sort_items()
    return item


@function("DeleteTrackMediaItem")
def _delete(call: Call, track: TrackModel, item: ItemModel) -> bool:
    if item.track is not track:
        return False
    track.project.remove_item(item)
    track.project.edited()
    return True


@function("SplitMediaItem")
def _split(call: Call, item: ItemModel, position_s: float) -> ItemModel | None:
    if not item.position_s < position_s < item.end_s:
        return None
    item.track.project.edited()
    right: ItemModel = item.track.project.split_item(item, position_s)
    return right


@function("MoveMediaItemToTrack")
def _move(call: Call, item: ItemModel, track: TrackModel) -> bool:
    item.track.items.remove(item)
    item.track = track
    track.items.append(item)
    track.sort_items()
    track.project.edited()
    return True


@function("GetDisplayedMediaItemColor")
def _displayed_color(call: Call, item: ItemModel) -> int:
    return _displayed_color2(call, item, item.take)


@function("GetDisplayedMediaItemColor2")
def _displayed_color2(call: Call, item: ItemModel, take: TakeModel | None) -> int:
    own = take.values["I_CUSTOMCOLOR"] if take is not None else 0.0
    return int(own or item.values["I_CUSTOMCOLOR"] or item.track.values["I_CUSTOMCOLOR"])


@function("GetItemFromPoint")
def _from_point(call: Call, x: int, y: int, locked: bool) -> tuple[None, None]:
    return None, None  # the mouse is over no item


@function("GetMediaItemTrack", "GetMediaItem_Track")
def _track(call: Call, item: ItemModel) -> TrackModel:
    return item.track


@function("GetItemProjectContext")
def _context(call: Call, item: ItemModel) -> object:
    return item.track.project


@function("GetMediaItemInfo_Value")
def _value(call: Call, item: ItemModel, name: str) -> float:
    if name == "B_MUTE_ACTUAL":
        return float(bool(item.values["B_MUTE"]))
    if name == "IP_ITEMNUMBER":
        return float(item.track.items.index(item))
    if name not in item.values:
        call.lint(f"GetMediaItemInfo_Value: {name!r} is not known")
        return 0.0
    return item.values[name]


@function("SetMediaItemInfo_Value")
def _set_value(call: Call, item: ItemModel, name: str, value: float) -> bool:
    if name not in item.values:
        call.lint(f"SetMediaItemInfo_Value: {name!r} is not known")
        return False
    item.values[name] = value
    item.track.sort_items()
    item.track.project.edited()
    return True


@function("SetMediaItemPosition")
def _set_position(call: Call, item: ItemModel, position_s: float, refresh: bool) -> bool:
    return _set_value(call, item, "D_POSITION", position_s)


@function("SetMediaItemLength")
def _set_length(call: Call, item: ItemModel, length_s: float, refresh: bool) -> bool:
    return _set_value(call, item, "D_LENGTH", length_s)


@function("GetSetMediaItemInfo_String")
def _text(call: Call, item: ItemModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    if name == "GUID":
        return True, item.guid
    if name == "P_NOTES":
        if is_set:
            item.notes = value
        return True, item.notes
    if name.startswith("P_EXT:"):
        if is_set:
            item.ext[name] = value
        return name in item.ext, item.ext.get(name, "")
    call.lint(f"GetSetMediaItemInfo_String: {name!r} is not known")
    return False, ""
