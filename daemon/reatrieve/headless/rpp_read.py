"""Opens an .RPP project: what the model knows goes into it, every other line is kept for writing.

Format: from real files and ReaTeam's "State Chunk Definitions"; fields are read by position and missing ones tolerated.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import rpp

from reatrieve.errors import InputError
from reatrieve.headless.model import ItemModel, Lane, Marker, TakeModel, TempoPoint, TrackModel
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.rpp_text import parse_rpp
from reatrieve.headless.sources import FileSource, MidiSource, SectionSource, Source

__all__ = ["DEFAULT_TRACK_COLOR", "read_project"]

DEFAULT_TRACK_COLOR = 16576
"""PEAKCOL of a track without a colour of its own."""

COLOR_USED = 0x1000000


def _field(line: Sequence[str], index: int, default: float = 0.0) -> float:
    """A number of a line by position (0 = the tag)."""
    try:
        return float(line[index])
    except (IndexError, ValueError):
        return default


def read_project(project: ProjectModel, path: Path, *, windows_colors: bool) -> None:
    """Fill an empty project from a file.

    Raises
    ------
    InputError
        If the file cannot be read or is no REAPER project.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
        document = parse_rpp(text, line_limit=project.assumptions.ext_state_line_limit)
        if document.tag != "REAPER_PROJECT":
            raise InputError(f"it begins with <{document.tag}, not with <REAPER_PROJECT")
        _fill(project, document, path.parent, windows_colors)
    except (OSError, ValueError, IndexError) as exc:
        raise InputError(f"{path}: cannot be read as a REAPER project: {exc}") from exc


def _fill(project: ProjectModel, document: rpp.Element, folder: Path, windows_colors: bool) -> None:
    project.document = document
    markers: list[list[str]] = []
    lanes: list[Lane] = []
    for child in document.children:
        if isinstance(child, rpp.Element):
            if child.tag == "TRACK":
                project.tracks.append(_track(project, child, folder))
            elif child.tag == "EXTSTATE":
                for section, values in _ext_state(child).items():
                    project.ext_state.setdefault(section, {}).update(values)
            elif child.tag == "TEMPOENVEX":
                project.tempo = _tempo(child)
            elif child.tag == "NOTES":
                project.notes = _free_text(child)
            continue
        line = [child] if isinstance(child, str) else [str(value) for value in child]
        if line[0] == "MARKER":
            markers.append(line)
        elif line[0] == "RULERLANE":
            lanes.append(_lane(line))
        else:
            _settings(project, line)
    if lanes and project.lanes:  # a REAPER without lanes does not know the lines
        project.lanes = lanes
    _markers(project, markers, windows_colors)
    for track in project.tracks:
        track.sort_items()
    for track in project.tracks:
        for line in track.lines:
            if isinstance(line, list) and line[0] == "AUXRECV" and 0 <= int(_field(line, 1)) < len(project.tracks):
                project.tracks[int(_field(line, 1))].sends += 1


def _settings(project: ProjectModel, line: list[str]) -> None:
    tag = line[0]
    if tag == "TEMPO":
        project.bpm = _field(line, 1, 120.0)
        project.numerator, project.denominator = int(_field(line, 2, 4)), int(_field(line, 3, 4))
    elif tag == "SELECTION":
        project.time_selection = (_field(line, 1), _field(line, 2))
    elif tag == "SELECTION2":
        project.loop_points = (_field(line, 1), _field(line, 2))
    elif tag == "CURSOR":
        project.cursor_s = _field(line, 1)
    elif tag == "LOOP":
        project.repeat = bool(_field(line, 1))
    elif tag == "ZOOM":
        pixels_per_second = _field(line, 1) or 100.0
        start_s = _field(line, 2) / pixels_per_second
        project.view = (start_s, start_s + project.arrange_pixels / pixels_per_second)
    elif tag == "PROJOFFS":
        project.offset_s, project.offset_measures = _field(line, 1), int(_field(line, 2))
    elif tag == "TIMEMODE":
        project.ruler_mode, project.frame_rate = int(_field(line, 1)), _field(line, 4) or 30.0
    elif tag == "SAMPLERATE":
        project.info["PROJECT_SRATE"] = _field(line, 1, 44100.0)
        project.info["PROJECT_SRATE_USE"] = _field(line, 2)


def _free_text(notes: rpp.Element) -> str:
    """Lines that each begin with a pipe."""
    return "\n".join(str(line).removeprefix("|") for line in notes.children)


HIDDEN_LANE, LOCKED_LANE = 1, 2
"""Flags of a ruler lane in the file beside 4 and 8, as this host writes them: no source tells REAPER's."""


def _lane(line: list[str]) -> Lane:
    flags = int(_field(line, 2))
    return Lane(
        name=line[3] if len(line) > 3 else "",
        flags=flags,
        color=int(_field(line, 4)),
        timebase=int(_field(line, 5, -1)),
        hidden=bool(flags & HIDDEN_LANE),
        locked=bool(flags & LOCKED_LANE),
        rest=tuple(line[6:]),
    )


def _markers(project: ProjectModel, lines: list[list[str]], windows_colors: bool) -> None:
    """Markers, and regions whose second line with the same number is their end."""
    open_regions: dict[int, Marker] = {}
    for line in lines:
        number, time_s = int(_field(line, 1)), _field(line, 2)
        flags = int(_field(line, 4))
        if flags & 1 and number in open_regions:
            open_regions.pop(number).end_s = time_s
            continue
        guid = line[8] if len(line) > 8 and line[8].startswith("{") else project.new_guid()
        color = _color(int(_field(line, 5)), line[7] if len(line) > 7 else "B", windows_colors)
        marker = Marker(guid, number, bool(flags & 1), time_s, time_s, line[3] if len(line) > 3 else "", color)
        marker.selected, marker.hidden, marker.matrix_flags = bool(flags & 8), bool(flags & 16), flags & 6
        lane = int(_field(line, 10)) - 1  # the file counts from 1
        marker.lane = lane if 0 <= lane < len(project.lanes) else project.default_lane(marker.is_region)
        project.markers.append(marker)
        if marker.is_region:
            open_regions[number] = marker
    project.sorted_markers()


def _color(value: int, letter: str, windows_colors: bool) -> int:
    """A native colour: letter R stands for the order in which Windows writes."""
    if not value & COLOR_USED:
        return 0
    high, middle, low = value >> 16 & 255, value >> 8 & 255, value & 255
    if (letter == "R") != windows_colors:
        high, low = low, high
    return COLOR_USED | high << 16 | middle << 8 | low


def _tempo(element: rpp.Element) -> list[TempoPoint]:
    points = []
    for line in element.children:
        if isinstance(line, list) and line[0] == "PT":
            signature = int(_field(line, 4)) if len(line) > 4 else 0
            linear = int(_field(line, 3, 1)) == 0
            points.append(
                TempoPoint(_field(line, 1), _field(line, 2, 120.0), signature & 0xFFFF, signature >> 16, linear)
            )
    return points


def _ext_state(element: rpp.Element) -> dict[str, dict[str, str]]:
    state: dict[str, dict[str, str]] = {}
    for section in element.children:
        if not isinstance(section, rpp.Element):
            continue
        values = state.setdefault(section.tag, {})
        for entry in section.children:
            if isinstance(entry, rpp.Element) and entry.tag == "BIN":
                try:
                    data = base64.b64decode("".join(str(line) for line in entry.children))
                except binascii.Error as exc:
                    raise InputError(f"project ext state {section.tag}/{entry.attrib[0]}: bad base64: {exc}") from exc
                values[entry.attrib[0]] = data.decode("utf-8", "surrogateescape")
            elif isinstance(entry, list):
                values[entry[0]] = entry[1]
    return state


# tracks --------------------------------------------------------------------------------------------------------------


def _track(project: ProjectModel, element: rpp.Element, folder: Path) -> TrackModel:
    track = TrackModel(project, element.attrib[0] if element.attrib else project.new_guid())
    values = track.values
    for child in element.children:
        if isinstance(child, rpp.Element):
            if child.tag == "ITEM":
                track.items.append(_item(track, child, folder))
                continue
            if child.tag == "FXCHAIN":
                track.fx = [str(fx.attrib[0] if fx.attrib else fx.tag) for fx in child.children if _is_effect(fx)]
            elif child.tag.endswith(("ENV", "ENV2", "ENV3")):
                track.envelopes[child.tag] = _points(child)
            track.lines.append(child)
            continue
        line = [child] if isinstance(child, str) else [str(value) for value in child]
        tag = line[0]
        if tag == "NAME":
            track.name = line[1] if len(line) > 1 else ""
        elif tag == "VOLPAN":
            values["D_VOL"], values["D_PAN"] = _field(line, 1, 1.0), _field(line, 2)
            track.lines.append(line)
        elif tag == "MUTESOLO":
            values["B_MUTE"], values["I_SOLO"], values["B_SOLO_DEFEAT"] = (_field(line, i) for i in (1, 2, 3))
        elif tag == "ISBUS":
            values["I_FOLDERDEPTH"] = _field(line, 2)
        elif tag == "SEL":
            values["I_SELECTED"] = _field(line, 1)
        elif tag == "NCHAN":
            values["I_NCHAN"] = _field(line, 1, 2.0)
        elif tag == "FX":
            values["I_FXEN"] = _field(line, 1, 1.0)
        elif tag == "FREEMODE":
            values["I_FREEMODE"] = _field(line, 1)
        elif tag == "PEAKCOL":
            color = int(_field(line, 1))
            values["I_CUSTOMCOLOR"] = float(color if color & COLOR_USED else 0)
        else:
            if tag == "AUXRECV":
                track.receives += 1
            track.lines.append(child)
    return track


def _points(envelope: rpp.Element) -> int:
    return sum(1 for line in envelope.children if isinstance(line, list) and line[0] == "PT")


def _is_effect(child: Any) -> bool:
    return isinstance(child, rpp.Element) and child.tag in ("VST", "AU", "JS", "DX", "CLAP", "LV2", "VIDEO_EFFECT")


# items ---------------------------------------------------------------------------------------------------------------

_ITEM_TAGS = {
    "POSITION": "D_POSITION", "SNAPOFFS": "D_SNAPOFFSET", "LENGTH": "D_LENGTH", "LOOP": "B_LOOPSRC",
    "ALLTAKES": "B_ALLTAKESPLAY", "SEL": "B_UISEL", "MUTE": "B_MUTE",
}  # fmt: skip


def _item(track: TrackModel, element: rpp.Element, folder: Path) -> ItemModel:
    project = track.project
    item = ItemModel(track, project.new_guid())
    take: TakeModel | None = None

    def current() -> TakeModel:
        nonlocal take
        if take is None:
            take = TakeModel(item, project.new_guid(), None)
            item.takes.append(take)
        return take

    for child in element.children:
        if isinstance(child, rpp.Element):
            if child.tag == "SOURCE":
                current().source = _source(child, folder)
            elif child.tag == "NOTES":
                item.notes = _free_text(child)
            else:
                if child.tag == "TAKEFX":
                    current().fx = [str(fx.attrib[0]) for fx in child.children if _is_effect(fx)]
                elif child.tag.endswith("ENV"):
                    current().envelopes[child.tag] = _points(child)
                (item.lines if take is None else take.lines).append(child)
            continue
        line = [child] if isinstance(child, str) else [str(value) for value in child]
        if line[0] == "TAKE":
            take = TakeModel(item, project.new_guid(), None)
            item.takes.append(take)
            take.empty = "NULL" in line[1:]
            if "SEL" in line[1:]:
                item.values["I_CURTAKE"] = float(len(item.takes) - 1)
        elif line[0] in _ITEM_TAGS:
            item.values[_ITEM_TAGS[line[0]]] = _field(line, 1)
        elif line[0] in ("FADEIN", "FADEOUT"):
            _fade(item, line)
        elif line[0] == "IGUID":
            item.guid = line[1]
        elif not _take_line(item, line, current):
            (item.lines if take is None else take.lines).append(child)
    return item


def _fade(item: ItemModel, line: list[str]) -> None:
    name = line[0]
    item.values[f"C_{name}SHAPE"] = _field(line, 1)
    item.values[f"D_{name}LEN"] = _field(line, 2)
    item.values[f"D_{name}LEN_AUTO"] = _field(line, 3) or -1.0


def _take_line(item: ItemModel, line: list[str], current: Callable[[], TakeModel]) -> bool:
    """One line of a take; whether it is known."""
    tag = line[0]
    if tag == "NAME":
        current().name = line[1] if len(line) > 1 else ""
    elif tag == "VOLPAN":
        item.values["D_VOL"] = _field(line, 1, 1.0)
        current().values.update(D_PAN=_field(line, 2), D_VOL=_field(line, 3, 1.0))
    elif tag == "TAKEVOLPAN":
        current().values.update(D_PAN=_field(line, 1), D_VOL=_field(line, 2, 1.0))
    elif tag == "SOFFS":
        current().values["D_STARTOFFS"] = _field(line, 1)
        current().offset_rest = line[2:]
    elif tag == "PLAYRATE":
        current().values.update(
            D_PLAYRATE=_field(line, 1, 1.0),
            B_PPITCH=_field(line, 2, 1.0),
            D_PITCH=_field(line, 3),
            I_PITCHMODE=_field(line, 4, -1.0),
        )
    elif tag == "CHANMODE":
        current().values["I_CHANMODE"] = _field(line, 1)
    elif tag == "GUID":
        current().guid = line[1]
    elif tag == "SM":
        groups = " ".join(line[1:]).split("+")
        points = [[float(number) for number in group.split()[:2]] for group in groups]
        current().stretch_markers = [(point[0], point[-1]) for point in points if point]
    else:
        return False
    return True


WHOLE, REVERSED = 1, 2
"""Bits of a section's MODE: its start and length do not count (the file keeps them); it plays backwards."""


def _source(element: rpp.Element, folder: Path) -> Source:
    kind = element.attrib[0] if element.attrib else "EMPTY"
    inner = next(
        (child for child in element.children if isinstance(child, rpp.Element) and child.tag == "SOURCE"), None
    )
    lines = {child[0]: child for child in element.children if isinstance(child, list)}
    source: Source
    if kind == "SECTION":
        parent = _source(inner, folder) if inner is not None else Source()
        mode = int(_field(lines.get("MODE", []), 1))
        section = not mode & WHOLE
        source = SectionSource(
            parent,
            _field(lines.get("STARTPOS", []), 1) if section else 0.0,
            _field(lines.get("LENGTH", []), 1) if section else 0.0,
            reverse=bool(mode & REVERSED),
        )
    elif kind == "MIDI":
        source = MidiSource()
    elif "FILE" in lines:
        file = FileSource(_media_path(lines["FILE"][1], folder), kind.removeprefix("_OFFLINE_"))
        file.offline = kind.startswith("_OFFLINE")
        file.file_rest = lines["FILE"][2:]
        source = file
    else:
        source = Source()
    source.chunk = element
    return source


def _media_path(text: str, folder: Path) -> str:
    """Where a file of the project is: backslashes part folders, but an absolute path of Windows is one everywhere."""
    if PureWindowsPath(text).drive:
        return text
    path = Path(text if "/" in text else text.replace("\\", "/"))
    return str(path if path.is_absolute() else folder / path)
