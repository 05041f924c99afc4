"""Writes a project as an .RPP file that REAPER opens: the model's content among the lines that an opened file had."""

from __future__ import annotations

import base64
import time
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import rpp

from reatrieve.errors import InputError
from reatrieve.files import appearing
from reatrieve.headless.listing import parse_version
from reatrieve.headless.model import ItemModel, Lane, TakeModel, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.rpp_read import COLOR_USED, DEFAULT_TRACK_COLOR, HIDDEN_LANE, LOCKED_LANE, REVERSED, WHOLE
from reatrieve.headless.rpp_text import format_rpp, parse_rpp
from reatrieve.headless.sources import FileSource, MidiSource, SectionSource, Source

__all__ = ["write_project"]

_NEW_PROJECT = """<REAPER_PROJECT 0.1
  RIPPLE 0
  GROUPOVERRIDE 0 0 0
  AUTOXFADE 129
  PANLAW 1
  PROJOFFS 0 0 0
  MAXPROJLEN 0 0
  GRID 3199 8 1 8 1 0 0 0
  TIMEMODE 1 5 -1 30 0 0 -1
  PANMODE 3
  CURSOR 0
  ZOOM 20 0 0
  VZOOMEX 6 0
  LOOP 0
  LOOPGRAN 0 4
  RECORD_PATH "" ""
  TIMELOCKMODE 1
  ITEMMIX 1
  TAKELANE 1
  SAMPLERATE 44100 0 0
  LOCK 1
  GLOBAL_AUTO -1
  TEMPO 120 4 4
  PLAYRATE 1 0 0.25 4
  SELECTION 0 0
  SELECTION2 0 0
  MASTERAUTOMODE 0
  MASTER_NCH 2 2
  MASTER_VOLUME 1 0 -1 -1 1
  MASTER_FX 1
  MASTER_SEL 0
  <PROJBAY
  >
  <EXTENSIONS
  >
>
"""


_NEW_TIME_MODE = ["TIMEMODE", "1", "5", "-1", "30", "0", "0", "-1"]


def _number(value: float) -> str:
    """As REAPER writes numbers: as many decimals as it takes, at most 14, none for whole ones."""
    return np.format_float_positional(value, precision=14, trim="-") if value % 1 else str(int(value))


def _line(tag: str, *values: object) -> list[str]:
    return [tag, *(_number(value) if isinstance(value, (int, float)) else str(value) for value in values)]


def _text(name: str) -> str:
    """A name on one line."""
    return " ".join(name.splitlines())


def write_project(project: ProjectModel, path: Path, *, version: str, windows_colors: bool) -> None:
    """Write the project; the file appears at once, whole.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    document = project.document if project.document is not None else parse_rpp(_NEW_PROJECT, line_limit=0)
    system = "win64" if windows_colors else "linux-x86_64"
    children = _replaced(project, document.children, version, windows_colors, path.parent)
    written = rpp.Element("REAPER_PROJECT", ["0.1", f"{version}/{system}", str(int(time.time()))], children)
    text = format_rpp(written).replace(f" {version}/{system} ", f' "{version}/{system}" ', 1)  # as REAPER quotes it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as exc:
        raise InputError(f"{path}: cannot be written: {exc}") from exc


def _replaced(
    project: ProjectModel, children: list[Any], version: str, windows_colors: bool, folder: Path
) -> list[Any]:
    """The old lines in their order, what the model knows put in their places."""
    start_s, end_s = project.view
    pixels_per_second = project.arrange_pixels / (end_s - start_s)
    written = (child for child in children if isinstance(child, list) and child[0] == "TIMEMODE")
    time_mode = next(written, _NEW_TIME_MODE)
    settings = {
        "PROJOFFS": _line("PROJOFFS", project.offset_s, project.offset_measures, 0),
        "TIMEMODE": _line("TIMEMODE", project.ruler_mode, *time_mode[2:4], project.frame_rate, *time_mode[5:]),
        "CURSOR": _line("CURSOR", project.cursor_s),
        "ZOOM": _line("ZOOM", pixels_per_second, round(start_s * pixels_per_second), 0),
        "LOOP": _line("LOOP", int(project.repeat)),
        "TEMPO": _line("TEMPO", project.bpm, project.numerator, project.denominator),
        "SELECTION": _line("SELECTION", *project.time_selection),
        "SELECTION2": _line("SELECTION2", *project.loop_points),
        "SAMPLERATE": _line("SAMPLERATE", project.info["PROJECT_SRATE"], project.info["PROJECT_SRATE_USE"], 0),
    }
    kept: list[Any] = []
    for child in children:
        tag = child.tag if isinstance(child, rpp.Element) else child if isinstance(child, str) else child[0]
        if tag in ("TRACK", "MARKER", "EXTSTATE", "RULERLANE", "TEMPOENVEX", "NOTES"):
            continue
        kept.append(settings.pop(tag) if tag in settings else child)
    lanes = parse_version(version) >= (7, 62)
    head = [*settings.values()]
    if project.notes:
        head.insert(0, rpp.Element("NOTES", ["0", "2"], ["|" + line for line in project.notes.split("\n")]))
    head += [_lane(number, lane) for number, lane in enumerate(project.lanes, start=1)]
    content = [_tempo(project, children), *_markers(project, lanes, windows_colors)]
    tracks = [_track(track, folder) for track in project.tracks]
    at = next((i for i, child in enumerate(kept) if isinstance(child, rpp.Element) and child.tag == "PROJBAY"), None)
    if at is None:
        at = len(kept) - sum(1 for child in kept if isinstance(child, rpp.Element) and child.tag == "EXTENSIONS")
        kept[at:at] = [*content, *tracks]
    else:
        kept[at + 1 : at + 1] = tracks
        kept[at:at] = content
    if project.ext_state:
        kept.append(_ext_state(project.ext_state))
    return head + kept


def _tempo(project: ProjectModel, children: list[Any]) -> rpp.Element:
    before = next((c for c in children if isinstance(c, rpp.Element) and c.tag == "TEMPOENVEX"), None)
    lines: list[Any]
    if before is not None:
        lines = [line for line in before.children if not (isinstance(line, list) and line[0] == "PT")]
    else:
        lines = [
            _line("EGUID", project.new_guid()),
            _line("ACT", 1, -1),
            _line("VIS", 1, 0, 1),
            _line("LANEHEIGHT", 0, 0),
            _line("ARM", 0),
            _line("DEFSHAPE", 1, -1, -1),
        ]
    for point in project.tempo:
        shape = 0 if point.linear else 1
        line = _line("PT", point.time_s, point.bpm, shape)
        if point.numerator:
            line += [str(point.numerator | point.denominator << 16), "0", "1"]
        lines.append(line)
    return rpp.Element("TEMPOENVEX", [], lines)


def _lane(number: int, lane: Lane) -> list[str]:
    flags = lane.flags & ~(HIDDEN_LANE | LOCKED_LANE) | HIDDEN_LANE * lane.hidden | LOCKED_LANE * lane.locked
    return [*_line("RULERLANE", number, flags, _text(lane.name), lane.color, lane.timebase), *(lane.rest or ("0",))]


def _markers(project: ProjectModel, lanes: bool, windows_colors: bool) -> list[list[str]]:
    lines = []
    for marker in project.sorted_markers():
        flags = int(marker.is_region) | marker.matrix_flags | 8 * marker.selected
        if lanes:
            flags |= 16 * marker.hidden
        color = marker.color if marker.color & COLOR_USED else 0
        letter = "R" if windows_colors else "B"
        line = _line(
            "MARKER", marker.number, marker.start_s, _text(marker.name), flags, color, 1, letter, marker.guid, 0
        )
        if lanes:
            line.append(str(marker.lane + 1))
        lines.append(line)
        if marker.is_region:
            lines.append(_line("MARKER", marker.number, marker.end_s, "", 1 | marker.matrix_flags))
    return lines


BLOCK_BYTES = 1024
"""From how many bytes on a value becomes a block, as one with newlines or with all three quotes does."""


def _ext_state(state: dict[str, dict[str, str]]) -> rpp.Element:
    sections = []
    for section, values in sorted(state.items()):
        entries: list[Any] = []
        for key, value in sorted(values.items()):
            encoded = value.encode("utf-8", "surrogateescape")
            if len(encoded) < BLOCK_BYTES and not set(value) & {"\n", "\r"} and not set("\"'`") <= set(value):
                entries.append([key, value])
                continue
            data = base64.b64encode(encoded).decode()
            entries.append(rpp.Element("BIN", [key], [data[i : i + 128] for i in range(0, len(data), 128)]))
        tag = f'"{section}"' if " " in section else section
        sections.append(rpp.Element(tag, [], entries))
    return rpp.Element("EXTSTATE", [], sections)


# tracks --------------------------------------------------------------------------------------------------------------


def _track(track: TrackModel, folder: Path) -> rpp.Element:
    values = track.values
    color = int(values["I_CUSTOMCOLOR"])
    depth = int(values["I_FOLDERDEPTH"])
    volume = next((line for line in track.lines if isinstance(line, list) and line[0] == "VOLPAN"), ["", "", ""])
    lines: list[Any] = [
        _line("NAME", _text(track.name)),
        _line("PEAKCOL", color if color & COLOR_USED else DEFAULT_TRACK_COLOR),
        [*_line("VOLPAN", values["D_VOL"], values["D_PAN"]), *(volume[3:] or ["-1", "-1", "1"])],
        _line("MUTESOLO", values["B_MUTE"], values["I_SOLO"], values["B_SOLO_DEFEAT"]),
        _line("ISBUS", {0: 0}.get(depth, 1 if depth > 0 else 2), depth),
        _line("SEL", values["I_SELECTED"]),
        _line("NCHAN", values["I_NCHAN"]),
        _line("FX", values["I_FXEN"]),
    ]
    if values["I_FREEMODE"]:
        lines.append(_line("FREEMODE", values["I_FREEMODE"]))
    lines += [line for line in track.lines if not (isinstance(line, list) and line[0] == "VOLPAN")]
    if not any(isinstance(line, list) and line[0] == "TRACKID" for line in lines):
        lines += [_line("TRACKID", track.guid), _line("MAINSEND", 1, 0)]
    return rpp.Element("TRACK", [track.guid], [*lines, *(_item(item, folder) for item in track.items)])


def _item(item: ItemModel, folder: Path) -> rpp.Element:
    values = item.values
    lines: list[Any] = [
        _line("POSITION", values["D_POSITION"]),
        _line("SNAPOFFS", values["D_SNAPOFFSET"]),
        _line("LENGTH", values["D_LENGTH"]),
        _line("LOOP", values["B_LOOPSRC"]),
        _line("ALLTAKES", values["B_ALLTAKESPLAY"]),
        _fade(item, "FADEIN"),
        _fade(item, "FADEOUT"),
        _line("MUTE", values["B_MUTE"], 0),
        _line("SEL", values["B_UISEL"]),
        _line("IGUID", item.guid),
    ]
    if item.notes:
        lines.append(rpp.Element("NOTES", [], ["|" + line for line in item.notes.split("\n")]))
    lines += item.lines
    for index, take in enumerate(item.takes):
        chosen = ["SEL"] if index and index == int(values["I_CURTAKE"]) else []
        if take.empty:
            lines.append(["TAKE", "NULL", *chosen])
            continue
        if index:
            lines.append(["TAKE", *chosen] if chosen else "TAKE")
        lines += _take(take, index, folder)
    return rpp.Element("ITEM", [], lines)


def _fade(item: ItemModel, name: str) -> list[str]:
    shape = item.values[f"C_{name}SHAPE"]
    automatic_s = max(item.values[f"D_{name}LEN_AUTO"], 0.0)
    return _line(name, shape, item.values[f"D_{name}LEN"], automatic_s, shape, 0, 0, 0)


def _take(take: TakeModel, index: int, folder: Path) -> list[Any]:
    values = take.values
    pan = (values["D_PAN"], values["D_VOL"], values["D_PANLAW"])
    lines: list[Any] = [
        _line("NAME", _text(take.name)),
        _line("TAKEVOLPAN", *pan) if index else _line("VOLPAN", take.item.values["D_VOL"], *pan),
        [*_line("SOFFS", values["D_STARTOFFS"]), *take.offset_rest],
        _line(
            "PLAYRATE", values["D_PLAYRATE"], values["B_PPITCH"], values["D_PITCH"], values["I_PITCHMODE"], 0, 0.0025
        ),
        _line("CHANMODE", values["I_CHANMODE"]),
        _line("GUID", take.guid),
    ]
    if take.stretch_markers:
        groups = [[_number(place), _number(target)] for place, target in take.stretch_markers]
        lines.append(["SM", *groups[0], *(part for group in groups[1:] for part in ["+", *group])])
    if take.source is not None:
        lines.append(_source(take.source, folder))
    return lines + take.lines


def _source(source: Source, folder: Path) -> rpp.Element:
    if isinstance(source, SectionSource):
        assert source.parent is not None
        lines = [_line("LENGTH", source.length_s), _line("STARTPOS", source.offset_s), _line("OVERLAP", 0.01)]
        whole = source.offset_s == 0 and abs(source.length_s - source.parent.length_s) < 1e-9
        if source.reverse:
            lines.insert(1, _line("MODE", REVERSED | WHOLE if whole else REVERSED))
        return rpp.Element("SOURCE", ["SECTION"], [*lines, _source(source.parent, folder)])
    chunk = source.chunk
    if isinstance(source, FileSource):
        others = (
            [line for line in chunk.children if not (isinstance(line, list) and line[0] == "FILE")] if chunk else []
        )
        kind = ("_OFFLINE_" if source.offline else "") + source.type
        return rpp.Element("SOURCE", [kind], [["FILE", _relative(source.path, folder), *source.file_rest], *others])
    if chunk is not None:
        return chunk
    if isinstance(source, MidiSource):
        return rpp.Element("SOURCE", ["MIDI"], [_line("HASDATA", 1, 960, "QN"), _line("E", 3840, "b0", "7b", "00")])
    return rpp.Element("SOURCE", ["EMPTY"], [])


def _relative(path: str, folder: Path) -> str:
    """A file below the project's folder by its path from there, so that the folder can move."""
    if PureWindowsPath(path).drive and not Path(path).is_absolute():
        return path
    try:
        return str(Path(path).resolve().relative_to(folder.resolve()))
    except ValueError:
        return str(Path(path).resolve())
