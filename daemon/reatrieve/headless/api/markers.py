"""Markers and regions: the older functions by index or displayed number, and those of 7.62 by object."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import Marker, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.wire import LuaError

USED = 0x1000000
"""Set in a native colour that is to be used."""

NEGATIVE_NUMBER_IGNORED = (7, 36)
"""Since when SetProjectMarkerByIndex2 leaves the number where a negative one is given."""


def _color(call: Call, color: int) -> int:
    """What is kept of a colour argument: without the flag it counts as none."""
    color &= 0xFFFFFFFF
    return color if color & USED or not call.host.assumptions.region_color_without_flag_ignored else 0


def _named(project: ProjectModel, number: int, is_region: bool) -> Marker | None:
    for marker in project.sorted_markers():
        if marker.number == number and marker.is_region == is_region:
            return marker
    return None


def _indexed(project: ProjectModel, index: int) -> Marker | None:
    markers = project.sorted_markers()
    return markers[index] if 0 <= index < len(markers) else None


@function("CountProjectMarkers")
def _count(call: Call, project: ProjectModel) -> tuple[int, int, int]:
    regions = len(project.regions)
    return len(project.markers), len(project.markers) - regions, regions


@function("GetNumRegionsOrMarkers")
def _count_all(call: Call, project: ProjectModel) -> int:
    return len(project.markers)


@function("EnumProjectMarkers")
def _enum(call: Call, index: int) -> tuple[object, ...]:
    return _enum3(call, call.host.project, index)[:-1]


@function("EnumProjectMarkers2")
def _enum2(call: Call, project: ProjectModel, index: int) -> tuple[object, ...]:
    return _enum3(call, project, index)[:-1]


@function("EnumProjectMarkers3")
def _enum3(call: Call, project: ProjectModel, index: int) -> tuple[object, ...]:
    marker = _indexed(project, index)
    if marker is None:
        return 0, False, 0.0, 0.0, "", 0, 0
    end_s = marker.end_s if marker.is_region else 0.0
    return index + 1, marker.is_region, marker.start_s, end_s, marker.name, marker.number, marker.color


@function("AddProjectMarker")
def _add(
    call: Call, project: ProjectModel, is_region: bool, start_s: float, end_s: float, name: str, number: int
) -> int:
    return _add2(call, project, is_region, start_s, end_s, name, number, 0)


@function("AddProjectMarker2")
def _add2(
    call: Call, project: ProjectModel, is_region: bool, start_s: float, end_s: float, name: str, number: int, color: int
) -> int:
    equal = any(m.start_s == start_s and m.name == name for m in project.markers if not m.is_region)
    if equal and not is_region and call.host.assumptions.equal_marker_refused:
        return -1
    return _added(call, project, is_region, start_s, end_s, name, number, color).number


@function("AddRegionOrMarker")
def _add_object(
    call: Call, project: ProjectModel, is_region: bool, start_s: float, end_s: float, name: str, number: int, color: int
) -> Marker:
    return _added(call, project, is_region, start_s, end_s, name, number, color)


def _added(
    call: Call, project: ProjectModel, is_region: bool, start_s: float, end_s: float, name: str, number: int, color: int
) -> Marker:
    marker = project.add_marker(is_region, start_s, end_s, name, number, _color(call, color))
    project.edited()
    return call.host.marker_added(marker)


@function("DeleteProjectMarker")
def _delete(call: Call, project: ProjectModel, number: int, is_region: bool) -> bool:
    return _remove(call, project, _named(project, number, is_region))


@function("DeleteProjectMarkerByIndex")
def _delete_by_index(call: Call, project: ProjectModel, index: int) -> bool:
    return _remove(call, project, _indexed(project, index))


def _remove(call: Call, project: ProjectModel, marker: Marker | None) -> bool:
    if marker is None:
        return False
    call.host.remove_marker(project, marker)
    return True


def _place(marker: Marker, start_s: float, end_s: float) -> None:
    if marker.is_region:
        marker.start_s, marker.end_s = min(start_s, end_s), max(start_s, end_s)
    else:
        marker.start_s = marker.end_s = start_s


@function("SetProjectMarker")
def _set(call: Call, number: int, is_region: bool, start_s: float, end_s: float, name: str) -> bool:
    return _set4(call, call.host.project, number, is_region, start_s, end_s, name, 0, 0)


@function("SetProjectMarker2")
def _set2(
    call: Call, project: ProjectModel, number: int, is_region: bool, start_s: float, end_s: float, name: str
) -> bool:
    return _set4(call, project, number, is_region, start_s, end_s, name, 0, 0)


@function("SetProjectMarker3")
def _set3(
    call: Call, project: ProjectModel, number: int, is_region: bool, start_s: float, end_s: float, name: str, color: int
) -> bool:
    return _set4(call, project, number, is_region, start_s, end_s, name, color, 0)


@function("SetProjectMarker4")
def _set4(
    call: Call,
    project: ProjectModel,
    number: int,
    is_region: bool,
    start_s: float,
    end_s: float,
    name: str,
    color: int,
    flags: int,
) -> bool:
    marker = _named(project, number, is_region)
    if marker is None:
        return False
    with call.host.editing(project, marker):
        _place(marker, start_s, end_s)
        if name or flags & 1:
            marker.name = name
        if color:
            marker.color = _color(call, color)
    return True


@function("SetProjectMarkerByIndex")
def _set_by_index(
    call: Call,
    project: ProjectModel,
    index: int,
    is_region: bool,
    start_s: float,
    end_s: float,
    number: int,
    name: str,
    color: int,
) -> bool:
    return _set_by_index2(call, project, index, is_region, start_s, end_s, number, name, color, 0)


@function("SetProjectMarkerByIndex2")
def _set_by_index2(
    call: Call,
    project: ProjectModel,
    index: int,
    is_region: bool,
    start_s: float,
    end_s: float,
    number: int,
    name: str,
    color: int,
    flags: int,
) -> bool:
    if index < 0:  # with flags 2: sort after a batch
        project.unsorted = False
        project.sorted_markers()
        return True
    marker = _indexed(project, index)
    if marker is None:
        return False
    with call.host.editing(project, marker):
        marker.is_region = is_region
        _place(marker, start_s, end_s)
        if number >= 0 or call.host.version_number < NEGATIVE_NUMBER_IGNORED:
            marker.number = number
        if name or flags & 1:
            marker.name = name
        if color:
            marker.color = _color(call, color)
        project.unsorted = bool(flags & 2)
    return True


@function("GetLastMarkerAndCurRegion")
def _last_and_current(call: Call, project: ProjectModel, time_s: float) -> tuple[int, int]:
    last, current = -1, -1
    for index, marker in enumerate(project.sorted_markers()):
        if not marker.is_region and marker.start_s <= time_s:
            last = index
        if marker.is_region and marker.start_s <= time_s < marker.end_s:
            current = index
    return last, current


def _go_to(call: Call, project: ProjectModel, number: int, timeline_order: bool, is_region: bool) -> None:
    if timeline_order:
        of_kind = [marker for marker in project.sorted_markers() if marker.is_region == is_region]
        marker = of_kind[number - 1] if 1 <= number <= len(of_kind) else None
    else:
        marker = _named(project, number, is_region)
    if marker is not None:
        call.host.go_to(project, marker.start_s, move_view=True, seek_play=True)


@function("GoToMarker")
def _go_to_marker(call: Call, project: ProjectModel, number: int, timeline_order: bool) -> None:
    _go_to(call, project, number, timeline_order, False)


@function("GoToRegion")
def _go_to_region(call: Call, project: ProjectModel, number: int, timeline_order: bool) -> None:
    _go_to(call, project, number, timeline_order, True)


# objects, since 7.62 -------------------------------------------------------------------------------------------------

_NUMBERS = {
    "D_STARTPOS": "start_s",
    "D_ENDPOS": "end_s",
    "I_NUMBER": "number",
    "I_LANENUMBER": "lane",
    "I_CUSTOMCOLOR": "color",
    "B_UISEL": "selected",
    "B_HIDDEN": "hidden",
    "B_ISREGION": "is_region",
}


def by_guid(project: ProjectModel, guid: str) -> Marker | None:
    """The marker or region with that GUID."""
    return next((marker for marker in project.markers if marker.guid == guid), None)


@function("GetRegionOrMarker")
def _get(call: Call, project: ProjectModel, index: int, guid: str) -> Marker | None:
    if index >= 0:
        return _indexed(project, index)
    return by_guid(project, guid)


def _owned(project: ProjectModel, marker: Marker) -> Marker:
    if marker not in project.markers:
        raise LuaError("this region or marker belongs to another project")
    return marker


@function("GetRegionOrMarkerInfo_Value")
def _get_value(call: Call, project: ProjectModel, marker: Marker, name: str) -> float:
    _owned(project, marker)
    if name == "I_INDEX":
        return project.sorted_markers().index(marker)
    if name == "I_DISPLAYEDCOLOR":
        return marker.color or call.host.native_color(128, 128, 128)
    if name == "B_VISIBLE":
        return project.is_visible(marker)
    if name not in _NUMBERS:
        call.lint(f"GetRegionOrMarkerInfo_Value: no REAPER is known to have {name!r}")
        return 0.0
    return float(getattr(marker, _NUMBERS[name]))


@function("SetRegionOrMarkerInfo_Value")
def _set_value(call: Call, project: ProjectModel, marker: Marker, name: str, value: float) -> float:
    _owned(project, marker)
    if name not in _NUMBERS or name == "B_ISREGION":
        call.lint(f"SetRegionOrMarkerInfo_Value: {name!r} cannot be set")
        return 0.0
    with call.host.editing(project, marker):
        if name == "I_CUSTOMCOLOR":
            marker.color = _color(call, int(value))
        elif name in ("B_UISEL", "B_HIDDEN"):
            setattr(marker, _NUMBERS[name], bool(value))
        elif name.startswith("I_"):
            setattr(marker, _NUMBERS[name], int(value))
        elif name == "D_STARTPOS":
            _place(marker, value, marker.end_s)
        elif marker.is_region:
            _place(marker, marker.start_s, value)
    return 1.0


@function("GetSetRegionOrMarkerInfo_String")
def _get_set_text(
    call: Call, project: ProjectModel, marker: Marker, name: str, value: str, is_set: bool
) -> tuple[bool, str]:
    _owned(project, marker)
    if name == "GUID":
        return (False, value) if is_set else (True, marker.guid)
    if name == "P_NAME":
        if is_set:
            with call.host.editing(project, marker):
                marker.name = value
        return True, marker.name
    call.lint(f"GetSetRegionOrMarkerInfo_String: no REAPER is known to have {name!r}")
    return False, ""


@function("SetRegionRenderMatrix")
def _render_matrix(call: Call, project: ProjectModel, number: int, track: TrackModel, flag: int) -> None:
    row = project.render_matrix.setdefault(number, [])
    if flag > 0 and track not in row:
        row.append(track)
    elif flag < 0 and track in row:
        row.remove(track)


@function("EnumRegionRenderMatrix")
def _enum_render_matrix(call: Call, project: ProjectModel, number: int, index: int) -> object:
    row = project.render_matrix.get(number, [])
    return row[index] if 0 <= index < len(row) else None
