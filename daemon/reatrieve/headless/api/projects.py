"""Project tabs, their files and their settings."""

from __future__ import annotations

from pathlib import Path

from reatrieve.errors import InputError
from reatrieve.headless.api.markers import by_guid
from reatrieve.headless.calls import Call, function
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.wire import LuaError


@function("EnumProjects")
def _enum(call: Call, index: int) -> tuple[ProjectModel | None, str]:
    host = call.host
    if index == -1:
        project: ProjectModel | None = host.project
    elif index == 0x40000000:  # the project being rendered
        project = None
    else:
        project = host.tabs[index] if 0 <= index < len(host.tabs) else None
    return project, str(project.path) if project is not None and project.path else ""


@function("SelectProjectInstance")
def _select(call: Call, project: ProjectModel) -> None:
    call.host.select(project)


@function("GetProjectName")
def _name(call: Call, project: ProjectModel) -> str:
    return project.name


@function("GetProjectPath")
def _path(call: Call) -> str:
    return _path_ex(call, call.host.project)


@function("GetProjectPathEx")
def _path_ex(call: Call, project: ProjectModel) -> str:
    return str(project.path.parent if project.path else call.host.home)


@function("GetProjectLength")
def _length(call: Call, project: ProjectModel) -> float:
    return project.length_s


@function("GetProjectTimeOffset")
def _offset(call: Call, project: ProjectModel, round_to_frame: bool) -> float:
    return project.offset_s


@function("GetProjectStateChangeCount")
def _count(call: Call, project: ProjectModel) -> int:
    return project.change_count


@function("IsProjectDirty")
def _dirty(call: Call, project: ProjectModel) -> int:
    return int(project.dirty)


@function("MarkProjectDirty")
def _mark_dirty(call: Call, project: ProjectModel) -> None:
    project.mark_dirty()


@function("Main_openProject")
def _open(call: Call, name: str) -> None:
    kind, _, path = name.rpartition(":") if name.startswith(("noprompt:", "template:")) else ("", "", name)
    if not Path(path).exists():
        raise LuaError(f"Main_openProject: no such file: {path}")
    if kind or call.host.may_lose(call.host.project):
        try:
            call.host.open(Path(path), same_tab=True)
        except InputError as exc:
            raise LuaError(f"Main_openProject: {exc}") from None


@function("Main_SaveProject")
def _save(call: Call, project: ProjectModel, force_save_as: bool | None) -> None:
    call.host.save(project)


@function("Main_SaveProjectEx")
def _save_ex(call: Call, project: ProjectModel, filename: str, options: int) -> None:
    if filename:
        call.host.save_copy(project, Path(filename))
    else:
        call.host.save(project)


@function("GetSetProjectNotes")
def _notes(call: Call, project: ProjectModel, is_set: bool, notes: str) -> str:
    if is_set:
        project.notes = notes
    return project.notes


@function("GetSetProjectAuthor")
def _author(call: Call, project: ProjectModel, is_set: bool, author: str) -> str:
    if is_set:
        project.author = author
    return project.author


_LANE_NUMBERS = {
    "RULER_LANE_COLOR": "color",
    "RULER_LANE_HIDDEN": "hidden",
    "RULER_LANE_LOCKED": "locked",
    "RULER_LANE_TIMEBASE": "timebase",
}
_LANE_DEFAULTS = {1: 4, 2: 8}
"""RULER_LANE_DEFAULT's bits (1 for regions, 2 for markers), and the flag of the lane for each."""


@function("GetSetProjectInfo")
def _info(call: Call, project: ProjectModel, name: str, value: float, is_set: bool) -> float:
    if not call.knows("GetSetProjectInfo", name):
        return 0.0  # as of any name that a version does not know
    if name.startswith("RULER_LANE_"):
        return _lane_number(project, name, value, is_set)
    if is_set:
        project.info[name] = value
        project.edited()
    return project.info.get(name, 0.0)


def _lane_index(argument: str) -> int:
    """The number behind a colon; what is no whole number ("1.0") is no number to REAPER."""
    return int(argument) if argument.isdigit() else -1


def _lane_number(project: ProjectModel, name: str, value: float, is_set: bool) -> float:
    kind, _, argument = name.partition(":")
    lanes = project.lanes
    if kind == "RULER_LANE_COUNT":
        return float(len(lanes))
    if kind == "RULER_LANE_FROM_GUID":
        return float(next((index for index, lane in enumerate(lanes) if lane.guid == argument), -1))
    index = _lane_index(argument)
    if kind == "RULER_LANE_ORDER" and is_set and value == -1 and 0 <= index <= len(lanes):
        project.insert_lane(index)
        project.edited()
        return float(index)
    if not 0 <= index < len(lanes):
        return 0.0
    lane = lanes[index]
    if kind == "RULER_LANE_ORDER":
        if is_set and 0 <= value < len(lanes):
            project.place_lane(index, int(value))
        return value if is_set else float(index)
    if kind == "RULER_LANE_VISIBLE":
        return float(not lane.hidden)
    if kind == "RULER_LANE_DEFAULT":
        if is_set:
            for bit, flag in _LANE_DEFAULTS.items():
                if int(value) & bit:
                    for other in lanes:
                        other.flags &= ~flag
                    lane.flags |= flag
        return float(sum(bit for bit, flag in _LANE_DEFAULTS.items() if lane.flags & flag))
    field = _LANE_NUMBERS[kind]
    if is_set:
        setattr(lane, field, bool(value) if field in ("hidden", "locked") else int(value))
        project.edited()
    return float(getattr(lane, field))


@function("GetSetProjectInfo_String")
def _info_text(call: Call, project: ProjectModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    if not call.knows("GetSetProjectInfo_String", name):
        return False, ""
    if name.startswith(("MARKER_GUID:", "MARKER_INDEX_FROM_GUID:")):
        return _marker_guid(call, project, name) if not is_set else (False, "")
    if name.startswith("RULER_LANE_"):
        return _lane_text(project, name, value, is_set)
    if name == "PROJECT_NAME":
        return True, project.name
    if is_set:
        project.info_text[name] = value
        project.edited()
    return True, project.info_text.get(name, "")


def _lane_text(project: ProjectModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    kind, _, argument = name.partition(":")
    index = _lane_index(argument)
    if not 0 <= index < len(project.lanes):
        return False, ""
    lane = project.lanes[index]
    if kind == "RULER_LANE_GUID":
        return (False, value) if is_set else (True, lane.guid)
    if is_set:
        lane.name = value
        project.edited()
    return True, lane.name


def _marker_guid(call: Call, project: ProjectModel, name: str) -> tuple[bool, str]:
    kind, argument = name.split(":", 1)
    objects = "GetRegionOrMarker" in call.host.functions
    markers = project.sorted_markers()
    if kind == "MARKER_GUID":
        known = objects or call.host.assumptions.region_guid_before_7_62
        if known and argument.isdigit() and int(argument) < len(markers):
            return True, markers[int(argument)].guid
        return False, ""
    if not (objects or call.host.assumptions.region_index_from_guid_before_7_62):
        return False, ""
    marker = by_guid(project, argument)
    return (True, str(markers.index(marker))) if marker is not None else (True, "")


@function("GetProjectTimeSignature")
def _signature(call: Call) -> tuple[float, float]:
    return _signature2(call, call.host.project)


@function("GetProjectTimeSignature2")
def _signature2(call: Call, project: ProjectModel) -> tuple[float, float]:
    return project.bpm, float(project.numerator)


@function("GetSetProjectGrid")
def _grid(
    call: Call, project: ProjectModel, is_set: bool, division: float | None, mode: int | None, amount: float | None
) -> tuple[int, float, int, float]:
    if is_set and division:
        project.grid = division
    return 1, project.grid, 0, 0.0


@function("SetProjectGrid")
def _set_grid(call: Call, project: ProjectModel, division: float) -> None:
    project.grid = division


@function("GetCurrentProjectInLoadSave")
def _in_load(call: Call) -> None:
    return None
