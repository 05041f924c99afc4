"""Tempo markers and the time map; measures count from 0."""

from __future__ import annotations

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import TempoPoint
from reatrieve.headless.project import ProjectModel


@function("CountTempoTimeSigMarkers")
def _count(call: Call, project: ProjectModel) -> int:
    return len(project.tempo)


@function("GetTempoTimeSigMarker")
def _marker(call: Call, project: ProjectModel, index: int) -> tuple[object, ...]:
    if not 0 <= index < len(project.tempo):
        return False, 0.0, 0, 0.0, 0.0, 0, 0, False
    point = project.tempo[index]
    times = project.tempo_map()
    measure = times.measure_at(point.time_s)
    beat = (times.quarter_at(point.time_s) - times.measure_quarter(measure)) * times.signature_at(point.time_s)[1] / 4
    # no change of signature reads as -1
    signature = (point.numerator or -1, point.denominator or -1)
    return True, point.time_s, measure, beat, point.bpm, *signature, point.linear


@function("AddTempoTimeSigMarker")
def _add(
    call: Call, project: ProjectModel, time_s: float, bpm: float, numerator: int, denominator: int, linear: bool
) -> bool:
    return _set(call, project, -1, time_s, -1, -1.0, bpm, numerator, denominator, linear)


@function("SetTempoTimeSigMarker")
def _set(
    call: Call,
    project: ProjectModel,
    index: int,
    time_s: float,
    measure: int,
    beat: float,
    bpm: float,
    numerator: int,
    denominator: int,
    linear: bool,
) -> bool:
    if time_s < 0:
        times = project.tempo_map()
        start_s = times.measure_start_s(measure)
        denominator_there = times.signature_at(start_s)[1]
        time_s = times.time_of_quarter(times.measure_quarter(measure) + beat * 4 / denominator_there)
    point = TempoPoint(time_s, bpm, max(numerator, 0), max(denominator, 0), linear)
    if index >= len(project.tempo):
        return False
    if index < 0:
        project.tempo.append(point)
    else:
        project.tempo[index] = point
    project.tempo.sort(key=lambda each: each.time_s)
    project.edited()
    return True


@function("DeleteTempoTimeSigMarker")
def _delete(call: Call, project: ProjectModel, index: int) -> bool:
    if not 0 <= index < len(project.tempo):
        return False
    del project.tempo[index]
    project.edited()
    return True


@function("FindTempoTimeSigMarker")
def _find(call: Call, project: ProjectModel, time_s: float) -> int:
    return sum(1 for point in project.tempo if point.time_s <= time_s) - 1


@function("SetCurrentBPM")
def _set_bpm(call: Call, project: ProjectModel, bpm: float, want_undo: bool) -> None:
    project.bpm = bpm
    project.edited()


@function("Master_GetTempo")
def _tempo(call: Call) -> float:
    return call.host.project.tempo_map().signature_at(call.host.project.cursor_s)[2]


@function("TimeMap_GetTimeSigAtTime")
def _signature(call: Call, project: ProjectModel, time_s: float) -> tuple[int, int, float]:
    return project.tempo_map().signature_at(time_s)


@function("TimeMap2_timeToBeats")
def _beats(call: Call, project: ProjectModel, time_s: float) -> tuple[float, int, int, float, int]:
    times = project.tempo_map()
    numerator, denominator, _ = times.signature_at(time_s)
    measure = times.measure_at(time_s)
    quarter = times.quarter_at(time_s)
    beats = (quarter - times.measure_quarter(measure)) * denominator / 4
    return beats, measure, numerator, quarter, denominator


@function("TimeMap2_beatsToTime")
def _from_beats(call: Call, project: ProjectModel, beats: float, measure: int | None) -> float:
    times = project.tempo_map()
    if measure is None:
        return times.time_of_quarter(beats)
    denominator = times.signature_at(times.measure_start_s(measure))[1]
    return times.time_of_quarter(times.measure_quarter(measure) + beats * 4 / denominator)


@function("TimeMap_GetMeasureInfo")
def _measure(call: Call, project: ProjectModel, measure: int) -> tuple[float, float, float, int, int, float]:
    times = project.tempo_map()
    start_s = times.measure_start_s(measure)
    return start_s, times.measure_quarter(measure), times.measure_quarter(measure + 1), *times.signature_at(start_s)


@function("TimeMap2_timeToQN", "TimeMap_timeToQN_abs")
def _quarter(call: Call, project: ProjectModel, time_s: float) -> float:
    return project.tempo_map().quarter_at(time_s)


@function("TimeMap_timeToQN")
def _quarter_here(call: Call, time_s: float) -> float:
    return call.host.project.tempo_map().quarter_at(time_s)


@function("TimeMap2_QNToTime", "TimeMap_QNToTime_abs")
def _from_quarter(call: Call, project: ProjectModel, quarter: float) -> float:
    return project.tempo_map().time_of_quarter(quarter)


@function("TimeMap_QNToTime")
def _from_quarter_here(call: Call, quarter: float) -> float:
    return call.host.project.tempo_map().time_of_quarter(quarter)


@function("TimeMap_QNToMeasures")
def _measures(call: Call, project: ProjectModel, quarter: float) -> tuple[int, float, float]:
    times = project.tempo_map()
    measure = times.measure_at(times.time_of_quarter(quarter))
    return measure + 1, times.measure_quarter(measure), times.measure_quarter(measure + 1)


@function("TimeMap2_GetNextChangeTime")
def _next_change(call: Call, project: ProjectModel, time_s: float) -> float:
    found = project.tempo_map().next_change_s(time_s)
    return -1.0 if found is None else found


@function("TimeMap2_GetDividedBpmAtTime")
def _divided(call: Call, project: ProjectModel, time_s: float) -> float:
    _, denominator, bpm = project.tempo_map().signature_at(time_s)
    return bpm * denominator / 4


@function("TimeMap_GetDividedBpmAtTime")
def _divided_here(call: Call, time_s: float) -> float:
    _, denominator, bpm = call.host.project.tempo_map().signature_at(time_s)
    return bpm * denominator / 4


@function("TimeMap_curFrameRate")
def _frame_rate(call: Call, project: ProjectModel) -> tuple[float, bool]:
    return 30.0, False


@function("SnapToGrid")
def _snap(call: Call, project: ProjectModel, time_s: float) -> float:
    times = project.tempo_map()
    step = project.grid * 4
    return times.time_of_quarter(round(times.quarter_at(time_s) / step) * step)
