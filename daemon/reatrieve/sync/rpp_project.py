"""What a REAPER project file says: regions, tempo map, and the items of each track as track maps."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

from reatrieve import limits
from reatrieve.annotations.annotation import demand_usual_time
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from reatrieve.files import read_small, unreadable
from reatrieve.plain import quoted, shortened
from reatrieve.sync.tempo import TempoEntry, TempoMap

if TYPE_CHECKING:
    from rpp.element import Element

__all__ = ["RppProject", "RppRegion", "RppTrack", "read_rpp"]

MAX_BYTES = 1 << 30
"""The states of plug-ins make projects large."""

REGION_FLAG = 1
TEMPO_KEPT_FLAG = 2
"""Bit of a tempo point that sets a time signature and leaves the tempo."""

WHOLE_MODE, REVERSE_MODE = 1, 2
"""Bits of a section's MODE: its start and length do not count (the file keeps them); it plays backwards."""

LEAST_BPM, MOST_BPM = 1.0, 960.0
"""What REAPER takes for a tempo."""

GLIDE_SHAPE = 0
EXT_SECTION = "REATRIEVE"
BLOCKS = {
    "": ("REAPER_PROJECT",),
    "REAPER_PROJECT": ("TRACK", "TEMPOENVEX", "EXTSTATE"),
    "TRACK": ("ITEM",),
    "ITEM": ("SOURCE",),
    "SOURCE": ("SOURCE",),
    "EXTSTATE": (EXT_SECTION,),
    EXT_SECTION: ("BIN",),
}
"""Blocks that we read, by the block they lie in."""

SOURCE_KEYS = frozenset({"FILE", "LENGTH", "STARTPOS", "OVERLAP", "MODE"})

LINE_END = re.compile(r"\r\n|\n|\r")
OTHER_LINE_END = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class RppRegion:
    """A region, or a marker (``end_s == start_s``), in project seconds."""

    start_s: float
    end_s: float
    name: str
    guid: str = ""
    number: int = 0

    @property
    def is_region(self) -> bool:
        """Whether it has a length."""
        return self.end_s > self.start_s


@dataclass(frozen=True)
class RppTrack:
    """One track: its items as a track map would hold them, and why some cannot be played from their files."""

    name: str
    guid: str
    items: tuple[TrackItem, ...]
    obstacles: tuple[str, ...] = ()

    @property
    def map(self) -> TrackMap | None:
        """The track map; None for a track without audio items."""
        return TrackMap(self.items) if self.items else None

    def is_called(self, text: str) -> bool:
        """Whether ``text`` is its name, its GUID with or without braces, or both as ``shown`` writes them."""
        guid = self.guid.upper()
        return text in (self.name, self.shown(with_guid=True)) or text.upper() in (guid, guid.strip("{}"))

    def shown(self, *, with_guid: bool) -> str:
        """Its name for a list: quoted where it has a comma, with the GUID where asked or where there is no name."""
        name = f'"{self.name}"' if "," in self.name else self.name
        return " ".join(part for part in (name, self.guid if with_guid or not self.name else "") if part)


@dataclass(frozen=True)
class RppProject:
    """A project as its file has it. ``ext_state`` is what ReaTrieve's scripts stored, keys in upper case."""

    path: Path
    regions: tuple[RppRegion, ...]
    tempo_map: TempoMap
    tracks: tuple[RppTrack, ...]
    ext_state: Mapping[str, str] = field(default_factory=dict)

    def track(self, name: str) -> RppTrack:
        """The track of that name or GUID, or the only one with audio when ``name`` is empty.

        Raises
        ------
        InputError
            If there is none, or more than one: what to choose from, with the GUIDs of tracks that share a name.
        """
        with_audio = [track for track in self.tracks if track.items]
        if not with_audio:
            raise InputError(f"{self.path.name} has no track with audio; name the project that has the searched track")
        found = [track for track in with_audio if not name or track.is_called(name)]
        if len(found) == 1:
            return found[0]
        times = Counter(track.name for track in with_audio)
        names = ", ".join(shortened(track.shown(with_guid=times[track.name] > 1)) for track in found or with_audio)
        what = "several tracks" if found else "no track"
        asked = f" named {quoted(name)}" if name else ""
        raise InputError(f"{self.path.name} has {what} with audio{asked}; choose one by --track: {names}")


def read_rpp(path: Path) -> RppProject:
    """Read a project file.

    Raises
    ------
    AudioError
        If the file cannot be read.
    InputError
        If it is no REAPER project, or damaged.
    """
    try:
        content = read_small(path, max_bytes=MAX_BYTES, any_link=True, what="REAPER project")
    except OSError as error:
        raise AudioError(unreadable(path, error)) from error
    text = content.decode("utf-8-sig", errors="replace")
    if not text.lstrip().startswith("<REAPER_PROJECT"):
        raise InputError(f"{path.name} is not a REAPER project; name an .rpp file that REAPER saved")
    import rpp  # the daemon does without it

    try:
        root = rpp.loads(_needed(text, path.name))
        return RppProject(
            path,
            tuple(_regions(_lines(root, "MARKER"), path.name)),
            TempoMap(_tempo(root, path.name)),
            tuple(_track(element, path.parent) for element in _blocks(root, "TRACK")),
            _ext_state(root),
        )
    except InputError:
        raise
    except (ValueError, IndexError, RuntimeError, AttributeError, SyntaxError, ArithmeticError) as error:
        raise InputError(f"{path.name} cannot be understood as a REAPER project ({error}); save it again") from error


def _needed(text: str, name: str) -> str:
    """The blocks that we read, without the rest: plug-in states make up most of a project, and parsing is slow.

    Raises
    ------
    InputError
        If the project is cut off, another follows it, or a line is too long.
    """
    kept: list[str] = []
    path: list[str] = []

    def keep(number: int, line: str) -> None:
        if len(line) > limits.LINE_BYTES:  # for each word, the parser copies all that is behind it
            raise InputError(
                f"{name}, line {number}: it has {len(line)} characters, at most {limits.LINE_BYTES} are taken; "
                "save the project again"
            )
        kept.append(line)

    skipped = 0
    for number, line in enumerate(LINE_END.split(text), start=1):
        stripped = OTHER_LINE_END.sub(" ", line).strip()  # names may hold them, and the parser would split there
        if stripped.startswith("<"):
            tag = stripped[1:].split(" ", 1)[0].upper()
            inside = path[-1] if path else ""
            if kept and not path and not skipped:
                raise InputError(f"{name}: another project follows (a backup of several saves?); keep one of them")
            if skipped or not (tag in BLOCKS.get(inside, ()) or (inside == "ITEM" and tag.endswith("ENV"))):
                skipped += 1
            else:
                path.append(tag)
                keep(number, stripped)
        elif stripped == ">":
            if skipped:
                skipped -= 1
            elif path:
                path.pop()
                kept.append(stripped)
        elif (
            stripped and not skipped and not (path[-1:] == ["SOURCE"] and stripped.split(" ", 1)[0] not in SOURCE_KEYS)
        ):
            keep(number, stripped)
    if path or skipped:
        raise InputError(f"{name} is cut off: not all of its blocks are closed; take another copy of the project")
    return "\n".join([*kept, ""])


def _lines(element: Element, key: str) -> Iterator[Sequence[str]]:
    for child in element.children:
        if isinstance(child, list) and child and child[0] == key:
            yield child[1:]


def _line(element: Element, key: str) -> Sequence[str]:
    return next(_lines(element, key), [])


def _blocks(element: Element, tag: str) -> Iterator[Any]:
    for child in element.children:
        if not isinstance(child, (list, str)) and child.tag == tag:
            yield child


def _number(values: Sequence[str], index: int, default: float = 0.0) -> float:
    try:
        value = float(values[index])
    except (IndexError, ValueError):
        return default
    return value if math.isfinite(value) else default


def _time_s(text: str, what: str) -> float:
    """A time of the project; ``what`` lies there, for the message."""
    try:
        demand_usual_time(time_s := float(text))
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    return time_s


def _bpm(values: Sequence[str], index: int, default: float, what: str) -> float:
    try:
        bpm = float(values[index])
    except (IndexError, ValueError):
        return default
    if not LEAST_BPM <= bpm <= MOST_BPM:
        raise InputError(f"{what}: a tempo of {bpm:g} bpm, outside {LEAST_BPM:g} to {MOST_BPM:g}; correct it in REAPER")
    return bpm


def _regions(markers: Iterator[Sequence[str]], project: str) -> list[RppRegion]:
    found: list[RppRegion] = []
    open_regions: dict[str, RppRegion] = {}
    for values in markers:
        number, name = values[0], values[2] if len(values) > 2 else ""
        time_s = _time_s(values[1], f"{project}, marker or region {number:.20}")
        guid = next((value for value in values[4:] if value.startswith("{")), "")
        if not int(_number(values, 3)) & REGION_FLAG:
            found.append(RppRegion(time_s, time_s, name, guid, int(number)))
        elif number in open_regions:  # a region's second line has its end and nothing else
            first = open_regions.pop(number)
            found.append(RppRegion(first.start_s, max(time_s, first.start_s), first.name, first.guid, first.number))
        else:
            open_regions[number] = RppRegion(time_s, time_s, name, guid, int(number))
    return sorted(found, key=lambda region: (region.start_s, region.end_s))


def _tempo(root: Element, project: str) -> list[TempoEntry]:
    """Entries with beats and measures counted from the points, as REAPER counts them."""
    base = _line(root, "TEMPO")
    bpm = _bpm(base, 0, 120.0, f"{project}, line TEMPO")
    numerator, denominator = int(_number(base, 1, 4)), int(_number(base, 2, 4))
    lines = [list(values) for block in _blocks(root, "TEMPOENVEX") for values in _lines(block, "PT")]
    named = [(f"{project}, tempo point {number}", values) for number, values in enumerate(lines, start=1)]
    points = [(_time_s(values[0], what), what, values) for what, values in named]
    entries = [TempoEntry(0.0, bpm, numerator or 4, denominator or 4)]
    glides = [False]
    for time_s, what, values in sorted(points, key=lambda point: point[0]):
        last = entries[-1]
        signature = int(_number(values, 3))
        keeps_tempo = bool(signature) and bool(int(_number(values, 5)) & TEMPO_KEPT_FLAG)
        new_bpm = last.bpm if keeps_tempo else _bpm(values, 1, last.bpm, what)
        numerator = signature & 0xFFFF or last.numerator if signature else last.numerator
        denominator = signature >> 16 or last.denominator if signature else last.denominator
        mean_bpm = (last.bpm + new_bpm) / 2 if glides[-1] else last.bpm
        beats = max(0.0, time_s - last.time_s) * mean_bpm / 60 * last.denominator / 4
        fullbeats, measure = last.fullbeats + beats, last.measure
        into_bar = _into_bar(entries) + beats
        bars = math.floor(into_bar / last.numerator + 1e-6)
        if signature and into_bar - bars * last.numerator > 1e-3:
            bars += 1  # a time signature begins a bar, cutting the one before short
        entry = TempoEntry(time_s, new_bpm, numerator, denominator, fullbeats, measure + bars)
        if time_s <= last.time_s:
            entries[-1], glides[-1] = entry, int(_number(values, 2)) == GLIDE_SHAPE
        else:
            entries.append(entry)
            glides.append(int(_number(values, 2)) == GLIDE_SHAPE)
    return entries


def _into_bar(entries: Sequence[TempoEntry]) -> float:
    return TempoMap(entries).position(entries[-1].time_s).beat - 1


def _ext_state(root: Element) -> dict[str, str]:
    found = {}
    for block in _blocks(root, "EXTSTATE"):
        for section in block.children:
            if isinstance(section, (list, str)) or section.tag.upper() != EXT_SECTION:
                continue
            for child in section.children:
                if isinstance(child, list) and child:
                    found[child[0].upper()] = " ".join(child[1:])
                elif not isinstance(child, str) and child.tag == "BIN" and child.attrib:
                    text = "".join(line if isinstance(line, str) else "".join(line) for line in child.children)
                    try:
                        found[child.attrib[0].upper()] = base64.b64decode(text).decode("utf-8", errors="replace")
                    except binascii.Error:
                        continue  # another program's garbage must not keep the regions from being read
    return found


def _track(element: Element, folder: Path) -> RppTrack:
    items, obstacles = [], []
    for block in _blocks(element, "ITEM"):
        item, obstacle = _item(block, folder)
        if item is not None:
            items.append(item)
            if obstacle:
                obstacles.append(f"{item.path.name} at {item.position_s:.3f} s {obstacle}")
    return RppTrack(" ".join(_line(element, "NAME")), "".join(element.attrib[:1]), tuple(items), tuple(obstacles))


def _item(block: Element, folder: Path) -> tuple[TrackItem | None, str]:
    """The item's active take, and why its file alone does not tell how it sounds ("" if it does)."""
    take = _active_take(block)
    length_s = _number(_line(block, "LENGTH"), 0)
    source = _source(take, folder)
    if source is None or length_s <= 0 or int(_number(_line(block, "MUTE"), 0)):
        return None, ""
    values = {child[0]: child[1:] for child in take if isinstance(child, list) and child}
    obstacle = _obstacle(take, values)
    pan, take_gain = _pan_and_gain(values)
    fade_in, fade_out = _line(block, "FADEIN"), _line(block, "FADEOUT")
    item = TrackItem(
        source.path,
        _number(_line(block, "POSITION"), 0),
        length_s,
        offset_s=_number(values.get("SOFFS", []), 0),
        rate=_number(values.get("PLAYRATE", []), 0, 1.0) or 1.0,
        section_start_s=source.start_s,
        section_length_s=source.length_s,
        reverse=source.reverse,
        loop=bool(int(_number(_line(block, "LOOP"), 0))),
        channel_mode=int(_number(values.get("CHANMODE", []), 0)),
        gain=_number(_line(block, "VOLPAN"), 0, 1.0) * take_gain,
        pan=min(1.0, max(-1.0, pan)),
        fade_in_s=max(0.0, _number(fade_in, 1)),
        fade_out_s=max(0.0, _number(fade_out, 1)),
        fade_in_shape=min(6, max(0, int(_number(fade_in, 0)))),
        fade_out_shape=min(6, max(0, int(_number(fade_out, 0)))),
        accessor=bool(obstacle),
        guid="".join(_line(block, "IGUID")[:1]),
    )
    return item, obstacle


class _Source(NamedTuple):
    """A file and the section of it that a take plays: seconds; length 0 for the whole file."""

    path: Path
    start_s: float = 0.0
    length_s: float = 0.0
    reverse: bool = False


def _source(take: Sequence[Any], folder: Path) -> _Source | None:
    """What the take plays; None if that is no file."""
    source = next((child for child in take if not isinstance(child, (list, str)) and child.tag == "SOURCE"), None)
    section = None
    if source is not None and source.attrib[:1] == ["SECTION"]:
        section, source = source, next(_blocks(source, "SOURCE"), None)
    file = "" if source is None else "".join(_line(source, "FILE")[:1])
    if not file:
        return None
    path = _source_path(file, folder)
    if section is None:
        return _Source(path)
    mode = int(_number(_line(section, "MODE"), 0))
    if mode & WHOLE_MODE:
        return _Source(path, reverse=bool(mode & REVERSE_MODE))
    start_s, length_s = _number(_line(section, "STARTPOS"), 0), _number(_line(section, "LENGTH"), 0)
    return _Source(path, start_s, length_s, bool(mode & REVERSE_MODE))


def _obstacle(take: Sequence[Any], values: Mapping[str, Sequence[str]]) -> str:
    """Why only REAPER can play the take; "" if its file tells how it sounds."""
    rate, keeps_pitch, pitch = (_number(values.get("PLAYRATE", []), i, d) for i, d in enumerate((1.0, 1.0, 0.0)))
    obstacles = {
        "is stretched": rate != 1.0 and bool(keeps_pitch),
        "is pitched": bool(pitch),
        "has stretch markers": "SM" in values,
        "has take envelopes": any(not isinstance(c, (list, str)) and c.tag.endswith("ENV") for c in take),
    }
    return next((text for text, is_so in obstacles.items() if is_so), "")


def _pan_and_gain(values: Mapping[str, Sequence[str]]) -> tuple[float, float]:
    """Pan and gain of a take: the first has them on the item's line, the others on their own."""
    if "TAKE" in values:
        volume = values.get("TAKEVOLPAN", [])
        return _number(volume, 0), _number(volume, 1, 1.0)
    volume = values.get("VOLPAN", [])
    return _number(volume, 1), _number(volume, 2, 1.0)


def _active_take(block: Element) -> list[Any]:
    """Children that belong to the active take: the first has no line of its own, the others begin with ``TAKE``."""
    takes: list[list[Any]] = [[]]
    active = 0
    for child in block.children:
        if isinstance(child, list) and child and child[0] == "TAKE":
            takes.append([])
            if "SEL" in child[1:]:
                active = len(takes) - 1
        takes[-1].append(child)
    return takes[active]


def _source_path(file: str, folder: Path) -> Path:
    """Paths in the file are relative to it, or absolute on the system where it was saved."""
    path, windows = Path(file), PureWindowsPath(file)
    if path.is_absolute():
        return path
    if windows.is_absolute():  # saved on Windows, read elsewhere: the file may have come along with the project
        return folder / windows.name
    return folder.joinpath(*windows.parts) if "\\" in file else folder / path
