"""Project tabs, their files and their settings."""

from __future__ import annotations

from pathlib import Path

from reatrieve.headless.api.markers import by_guid
from reatrieve.headless.calls import Call, LuaError, function
from reatrieve.headless.project import ProjectModel


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
    if name.startswith(("noprompt:", "template:")):
        name = name.split(":", 1)[1]
    if not Path(name).exists():
        raise LuaError(f"Main_openProject: no such file: {name}")
    call.host.open(Path(name))


@function("Main_SaveProject")
def _save(call: Call, project: ProjectModel, force_save_as: bool | None) -> None:
    call.host.save(project)


@function("Main_SaveProjectEx")
def _save_ex(call: Call, project: ProjectModel, filename: str, options: int) -> None:
    call.host.save(project, Path(filename) if filename else None)


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


_LANE = ("RULER_LANE_COLOR:", "RULER_LANE_HIDDEN:", "RULER_LANE_LOCKED:", "RULER_LANE_DEFAULT:", "RULER_LANE_TIMEBASE:")
_INFO = {
    "PROJECT_SRATE", "PROJECT_SRATE_USE", "RENDER_SETTINGS", "RENDER_BOUNDSFLAG", "RENDER_CHANNELS", "RENDER_SRATE",
    "RENDER_STARTPOS", "RENDER_ENDPOS", "RENDER_TAILFLAG", "RENDER_TAILMS", "RENDER_ADDTOPROJ", "RENDER_DITHER",
}  # fmt: skip


@function("GetSetProjectInfo")
def _info(call: Call, project: ProjectModel, name: str, value: float, is_set: bool) -> float:
    ruler = name.startswith("RULER_LANE")
    if ruler and "GetRegionOrMarker" not in call.host.functions:
        return 0.0  # as of any name that a version does not know
    if ruler and name.startswith("RULER_LANE_ORDER:") and is_set and value < 0:
        project.info["RULER_LANE_COUNT"] += 1
        return 1.0
    if ruler and name.startswith("RULER_LANE_FROM_GUID:"):
        guid = name.split(":", 1)[1]
        lanes = {text: key for key, text in project.info_text.items() if key.startswith("RULER_LANE_GUID:")}
        return float(lanes[guid].split(":")[1]) if guid in lanes else -1.0
    if name not in _INFO and name != "RULER_LANE_COUNT" and not name.startswith((*_LANE, "RULER_LANE_ORDER:")):
        raise LuaError(f"GetSetProjectInfo: the headless host does not know {name!r}")
    if is_set:
        project.info[name] = value
        project.edited()
    return project.info.get(name, 0.0)


_INFO_TEXT = {
    "PROJECT_NAME", "PROJECT_TITLE", "PROJECT_AUTHOR", "RENDER_FILE", "RENDER_PATTERN", "RENDER_FORMAT",
    "RENDER_TARGETS", "RECORD_PATH", "RECORD_PATH_SECONDARY", "RENDER_STATS", "RENDER_METADATA",
}  # fmt: skip


@function("GetSetProjectInfo_String")
def _info_text(call: Call, project: ProjectModel, name: str, value: str, is_set: bool) -> tuple[bool, str]:
    if name.startswith(("MARKER_GUID:", "MARKER_INDEX_FROM_GUID:")):
        known = call.host.assumptions.region_guid_before_7_62 or "GetRegionOrMarker" in call.host.functions
        return _marker_guid(project, name) if known and not is_set else (False, "")
    if name.startswith(("RULER_LANE_NAME:", "RULER_LANE_GUID:")):
        if "GetRegionOrMarker" not in call.host.functions:
            return False, ""
        if name.startswith("RULER_LANE_GUID:") and name not in project.info_text:
            project.info_text[name] = project.new_guid()
    elif name == "PROJECT_NAME":
        return True, project.name
    elif name not in _INFO_TEXT:
        raise LuaError(f"GetSetProjectInfo_String: the headless host does not know {name!r}")
    if is_set:
        project.info_text[name] = value
        project.edited()
    return True, project.info_text.get(name, "")


def _marker_guid(project: ProjectModel, name: str) -> tuple[bool, str]:
    kind, argument = name.split(":", 1)
    markers = project.sorted_markers()
    if kind == "MARKER_GUID":
        if argument.isdigit() and int(argument) < len(markers):
            return True, markers[int(argument)].guid
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
