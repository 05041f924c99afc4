"""Undo blocks, points, undo and redo. Undo_OnStateChange records items only; its Ex forms what their flags name."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.undo import ITEMS


@function("Undo_BeginBlock")
def _begin(call: Call) -> None:
    call.host.project.history.begin()


@function("Undo_BeginBlock2")
def _begin2(call: Call, project: ProjectModel) -> None:
    project.history.begin()


@function("Undo_EndBlock")
def _end(call: Call, text: str, flags: int) -> None:
    call.host.project.history.end(text, flags)


@function("Undo_EndBlock2")
def _end2(call: Call, project: ProjectModel, text: str, flags: int) -> None:
    project.history.end(text, flags)


@function("Undo_OnStateChange")
def _point(call: Call, text: str) -> None:
    call.host.project.history.add(text, ITEMS)


@function("Undo_OnStateChange2")
def _point2(call: Call, project: ProjectModel, text: str) -> None:
    project.history.add(text, ITEMS)


@function("Undo_OnStateChangeEx")
def _point_ex(call: Call, text: str, flags: int, track: int) -> None:
    call.host.project.history.add(text, flags)


@function("Undo_OnStateChangeEx2")
def _point_ex2(call: Call, project: ProjectModel, text: str, flags: int, track: int) -> None:
    project.history.add(text, flags)


@function("Undo_OnStateChange_Item")
def _point_item(call: Call, project: ProjectModel, text: str, item: object) -> None:
    project.history.add(text, ITEMS)


@function("Undo_CanUndo2")
def _can_undo(call: Call, project: ProjectModel) -> str | None:
    return project.history.undo_text or None


@function("Undo_CanRedo2")
def _can_redo(call: Call, project: ProjectModel) -> str | None:
    return project.history.redo_text or None


@function("Undo_DoUndo2")
def _undo(call: Call, project: ProjectModel) -> int:
    return int(call.host.undo(project))


@function("Undo_DoRedo2")
def _redo(call: Call, project: ProjectModel) -> int:
    return int(call.host.redo(project))


@function("CSurf_FlushUndo")
def _flush(call: Call, force: bool) -> None:
    return None
