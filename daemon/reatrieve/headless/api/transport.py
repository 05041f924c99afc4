"""Edit cursor, time selection and loop points, view, and playing."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.project import ProjectModel


@function("GetCursorPosition")
def _cursor(call: Call) -> float:
    return call.host.project.cursor_s


@function("GetCursorPositionEx")
def _cursor_ex(call: Call, project: ProjectModel) -> float:
    return project.cursor_s


@function("SetEditCurPos")
def _set_cursor(call: Call, time_s: float, move_view: bool, seek_play: bool) -> None:
    _set_cursor2(call, call.host.project, time_s, move_view, seek_play)


@function("SetEditCurPos2")
def _set_cursor2(call: Call, project: ProjectModel, time_s: float, move_view: bool, seek_play: bool) -> None:
    call.host.go_to(project, time_s, move_view=move_view, seek_play=seek_play)


@function("MoveEditCursor")
def _move_cursor(call: Call, by_s: float, select: bool) -> None:
    project = call.host.project
    before_s = project.cursor_s
    project.cursor_s = max(before_s + by_s, 0.0)
    if select:
        project.set_time_selection(before_s, project.cursor_s)


@function("GetSet_LoopTimeRange")
def _range(call: Call, is_set: bool, is_loop: bool, start_s: float, end_s: float, seek: bool) -> tuple[float, float]:
    return _range2(call, call.host.project, is_set, is_loop, start_s, end_s, seek)


@function("GetSet_LoopTimeRange2")
def _range2(
    call: Call, project: ProjectModel, is_set: bool, is_loop: bool, start_s: float, end_s: float, seek: bool
) -> tuple[float, float]:
    if is_set:
        if is_loop:
            project.set_loop_points(start_s, end_s)
        else:
            project.set_time_selection(start_s, end_s)
    return project.loop_points if is_loop else project.time_selection


@function("GetSet_ArrangeView2")
def _view(
    call: Call,
    project: ProjectModel,
    is_set: bool,
    x_start: int,
    x_end: int,
    start_s: float | None,
    end_s: float | None,
) -> tuple[float, float]:
    if is_set and start_s is not None and end_s is not None and end_s > start_s:
        call.host.set_view(project, max(start_s, 0.0), end_s - min(start_s, 0.0))
    view_start_s, view_end_s = project.view
    if x_start == x_end == 0:
        return project.view
    seconds_per_pixel = (view_end_s - view_start_s) / project.arrange_pixels
    return view_start_s + x_start * seconds_per_pixel, view_start_s + x_end * seconds_per_pixel


@function("GetHZoomLevel")
def _zoom(call: Call) -> float:
    start_s, end_s = call.host.project.view
    return call.host.project.arrange_pixels / (end_s - start_s)


@function("adjustZoom")
def _adjust_zoom(call: Call, amount: float, force: int, update: bool, center: int) -> None:
    project = call.host.project
    if force and amount > 0:
        call.host.set_view(project, project.view[0], project.view[0] + project.arrange_pixels / amount)


@function("OnPlayButton", "CSurf_OnPlay")
def _play(call: Call) -> None:
    call.host.play(call.host.project)


@function("OnPlayButtonEx")
def _play_ex(call: Call, project: ProjectModel) -> None:
    call.host.play(project)


@function("OnStopButton", "CSurf_OnStop")
def _stop(call: Call) -> None:
    call.host.stop(call.host.project)


@function("OnStopButtonEx")
def _stop_ex(call: Call, project: ProjectModel) -> None:
    call.host.stop(project)


@function("OnPauseButton", "CSurf_OnPause")
def _pause(call: Call) -> None:
    call.host.pause(call.host.project)


@function("OnPauseButtonEx")
def _pause_ex(call: Call, project: ProjectModel) -> None:
    call.host.pause(project)


@function("GetPlayState")
def _state(call: Call) -> int:
    return call.host.project.transport.state


@function("GetPlayStateEx")
def _state_ex(call: Call, project: ProjectModel) -> int:
    return project.transport.state


@function("GetAllProjectPlayStates")
def _all_states(call: Call, ignored: ProjectModel) -> int:
    states = 0
    for tab in call.host.tabs:
        if tab is not ignored:
            states |= tab.transport.state
    return states


@function("GetPlayPosition", "GetPlayPosition2")
def _position(call: Call) -> float:
    return call.host.project.transport.position_s()


@function("GetPlayPositionEx", "GetPlayPosition2Ex")
def _position_ex(call: Call, project: ProjectModel) -> float:
    return project.transport.position_s()


@function("GetSetRepeat")
def _repeat(call: Call, value: int) -> int:
    return _repeat_ex(call, call.host.project, value)


@function("GetSetRepeatEx")
def _repeat_ex(call: Call, project: ProjectModel, value: int) -> int:
    if value > 1:
        project.repeat = not project.repeat
    elif value >= 0:
        project.repeat = value == 1
    return int(project.repeat)


@function("CSurf_SetRepeatState")
def _set_repeat(call: Call, repeat: bool, surface: object) -> None:
    call.host.project.repeat = repeat


@function("Master_GetPlayRate")
def _playrate(call: Call, project: ProjectModel) -> float:
    return project.playrate


@function("CSurf_OnPlayRateChange")
def _set_playrate(call: Call, rate: float) -> None:
    call.host.project.transport.position_s()
    call.host.project.playrate = rate


@function("PreventUIRefresh")
def _prevent(call: Call, count: int) -> None:
    call.host.refresh_locks += count


@function("UpdateArrange", "UpdateTimeline", "TrackList_UpdateAllExternalSurfaces")
def _update(call: Call) -> None:
    return None


@function("TrackList_AdjustWindows")
def _adjust(call: Call, minor: bool) -> None:
    return None


@function("UpdateItemInProject")
def _update_item(call: Call, item: object) -> None:
    return None
