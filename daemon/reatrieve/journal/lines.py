"""The lines of a journal: values to bytes with checksums, and back with every reason why not.

The first line says what was searched, every further line is one event of the session with the time and the ``op`` of
the command that made it. Each line ends in a checksum of itself and all lines before it (version 2; lines of version 1
have none). A last line torn by a crash, so without its newline or no JSON, is dropped; whatever else is not as it was
written, nested deeper than Python reads, or an event that cannot follow those before it, is damage: ``parse`` finds the
first of it for all who read journals. What a later version wrote is refused by name.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reatrieve import limits
from reatrieve.audio.trackmap import TrackMap
from reatrieve.errors import InputError, JournalError, NotAJournalError
from reatrieve.session import events as kinds
from reatrieve.session.events import SessionEvent
from reatrieve.session.spans import Span
from reatrieve.session.state import fold_possible

__all__ = ["VERSION", "DamageError", "Header", "JournalContent", "Line", "demand_room", "event_line", "parse", "whole"]

VERSION = 2
_CHECKED = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')
_END = b'"}'

_CHECKED_AND_MORE = re.compile(rb',"crc":"[0-9a-f]{8}"\}.')
_NAMES_VERSION = re.compile(rb'\{"v":\s*(\d{1,9})\b')
_KINDS: Mapping[str, type[SessionEvent]] = {
    kind.__name__.lower(): kind
    for kind in (
        kinds.Started, kinds.Proposed, kinds.Answered, kinds.Undone, kinds.Retracted, kinds.Revised,
        kinds.BudgetRaised, kinds.Renamed, kinds.Finished, kinds.Requested, kinds.Reanswered,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What a session searches.

    Attributes
    ----------
    session : its id.
    track_map : what was heard; its ``origin_s`` is the project time of second 0 of all spans in the events.
    project : path of the project file, or "" while it was never saved.
    track : GUID of the track in REAPER, or "".
    tempo : tempo map as sent, one mapping an entry (time_s, bpm, numerator, denominator, fullbeats, measure).
    created_s : wall time, seconds since 1970.
    """

    session: str
    track_map: TrackMap
    project: str = ""
    track: str = ""
    tempo: tuple[Mapping[str, float], ...] = ()
    created_s: float = field(default_factory=time.time)

    @property
    def origin_s(self) -> float:
        """Project time of second 0 of the searched audio."""
        return self.track_map.origin_s


@dataclass(frozen=True, slots=True)
class Line:
    """One event as journalled: when (wall time, seconds since 1970) and by which command (``op``, "" for none)."""

    event: SessionEvent
    op: str
    time_s: float


class DamageError(JournalError):
    """A line that is not what was written, or that cannot follow those before it.

    Attributes
    ----------
    line : its number, the header being 1.
    header : what was searched; None where the header itself is damaged.
    lines : all events before the damage.
    """

    def __init__(self, path: Path, line: int, why: str, header: Header | None, lines: list[Line]) -> None:
        super().__init__(f"{path}, line {line} is damaged: {why}")
        self.line = line
        self.header = header
        self.lines = lines


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a file holds: up to its first damage, or up to ``length`` bytes with ``torn`` after them."""

    version: int
    header: Header | None
    lines: list[Line]
    length: int
    crc: int
    torn: bytes = b""
    damage: DamageError | None = None


def _line(row: Mapping[str, Any], crc: int) -> tuple[bytes, int]:
    """One line with its checksum, which continues that of the line before, and the checksum."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")[:-1]
    crc = zlib.crc32(text, crc)
    return text + b',"crc":"%08x"}\n' % crc, crc


def _header_line(header: Header) -> tuple[bytes, int]:
    row = {
        "reatrieve": "journal",
        "v": VERSION,
        "session": header.session,
        "project": header.project,
        "track": header.track,
        "t": header.created_s,
        "origin_s": header.origin_s,
        "tempo": [dict(entry) for entry in header.tempo],
        "items": header.track_map.to_json(),
    }
    try:
        line, crc = _line(row, 0)
        if len(line) > limits.HEADER_BYTES:
            raise ValueError(f"{len(line)} bytes, more than {limits.HEADER_BYTES}")
        if _header_of(json.loads(line)) != header:
            raise ValueError("it would come back different")
    except (ValueError, TypeError, KeyError) as exc:
        raise InputError(f"what the session {header.session!r:.60} searches cannot be journalled: {exc}") from exc
    return line, crc


def event_line(line: Line, crc: int) -> tuple[bytes, int]:
    """The line of one event; what could not be read back is refused here (``InputError``).

    Raises
    ------
    InputError
        If the event would not come back as it is.
    """
    kind = type(line.event).__name__.lower()
    row: dict[str, Any] = {"v": VERSION, "t": line.time_s, "op": line.op, "event": kind}
    for name in _FIELDS_OF[type(line.event)]:
        value = getattr(line.event, name)
        row[name] = [value.start_s, value.end_s] if isinstance(value, Span) else value
    try:
        text, crc = _line(row, crc)
        if _event_of(_loads(text, limits.LINE_BYTES)) != line:
            raise ValueError("it would come back different")
    except (ValueError, TypeError, KeyError) as exc:
        raise InputError(f"{kind} cannot be journalled: {exc}") from exc
    return text, crc


def whole(path: Path, header: Header, lines: Iterable[Line]) -> bytes:
    """All bytes of a journal; what could not be read back is refused (``InputError``)."""
    text, crc = _header_line(header)
    rows = [text]
    for line in lines:
        text, crc = event_line(line, crc)
        rows.append(text)
    content = b"".join(rows)
    demand_room(path, len(content))
    return content


def demand_room(path: Path, n_bytes: int) -> None:
    """Refuse a journal that would be too large to be read (``InputError``).

    Raises
    ------
    InputError
        If ``n_bytes`` is more than ``limits.JOURNAL_BYTES``.
    """
    if n_bytes > limits.JOURNAL_BYTES:
        raise InputError(
            f"the journal {path.name} would be larger than {limits.JOURNAL_BYTES} bytes; begin a new search"
        )


def parse(path: Path, raw: bytes) -> JournalContent:
    """What the bytes of a journal say, up to the first line that is damaged or whose event cannot follow.

    Raises
    ------
    NotAJournalError
        If it is something else.
    JournalError
        If it is cut off in its first line, or of a newer version.
    """
    content = _read_lines(path, raw)
    _, taken, why = fold_possible(line.event for line in content.lines)
    if not why:
        return content
    lines = content.lines[:taken]
    damage = DamageError(path, taken + 2, why, content.header, lines)
    return dataclasses.replace(content, lines=lines, torn=b"", damage=damage)


def _read_lines(path: Path, raw: bytes) -> JournalContent:
    """What the lines say, each by itself."""
    rows = raw.split(b"\n")
    torn = rows.pop()  # empty when the file ends as it should
    if not rows:
        kind = JournalError if torn.startswith(b'{"reatrieve"') else NotAJournalError  # the start of one of ours?
        raise kind(f"{path} is no journal: it has no whole first line")
    length = len(raw) - len(torn)
    version = _version(path, rows[0])
    header, lines, crc = None, [], 0
    damage: DamageError | None = None
    for number, row in enumerate(rows, start=1):
        last, before = number == len(rows) and not torn, crc
        try:
            crc = _checked(row, crc, demanded=version > 1)
            if number == 1:
                header = _header_of(_loads(row, limits.HEADER_BYTES))
            else:
                lines.append(_event_of(_loads(row, limits.LINE_BYTES)))
        except _NewerError as exc:
            raise JournalError(f"{path}, line {number}: {exc}; update ReaTrieve") from exc
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            if _is_newer(row, before):
                raise JournalError(f"{path}, line {number}: it is of a newer version; update ReaTrieve") from exc
            # A power cut can leave a line's length without its content.
            if last and number > 1 and _is_torn(row, before):
                return JournalContent(version, header, lines, length - len(row) - 1, crc, row + b"\n")
            damage = DamageError(path, number, _why(exc), header, lines)
            return JournalContent(version, header, lines, length, crc, b"", damage)
    if torn and _CHECKED_AND_MORE.search(torn):  # the line is whole: its newline is damaged
        damage = DamageError(path, len(rows) + 1, "its end is not what was written", header, lines)
    return JournalContent(version, header, lines, length, crc, torn, damage)


def _version(path: Path, first: bytes) -> int:
    """The version that the header names; 1 or more where the header is damaged otherwise."""
    found = re.match(rb'\{"reatrieve":\s*"(\w{1,40})",\s*"v":\s*(\d{1,9})\b', first)
    if found is None:
        try:
            row = json.loads(first)
            kind, version = row["reatrieve"], row["v"]
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            if _CHECKED.search(first):
                return VERSION  # one of ours, damaged just there
            raise NotAJournalError(f"{path} is no journal: its first line is not a header") from exc
    else:
        kind, version = found[1].decode("ascii", "replace"), int(found[2])
    if kind != "journal" or not isinstance(version, int) or version > VERSION:
        if _CHECKED.search(first) and _crc_is_wrong(first, 0):
            return VERSION
        what = "journal" if kind == "journal" else f"{str(kind)[:40]!r}"
        raise JournalError(
            f"{path} is a {what} of version {str(version)[:40]}, this is version {VERSION} of journals; "
            "update ReaTrieve"
        )
    return version


def _crc_is_wrong(row: bytes, crc: int) -> bool:
    try:
        _checked(row, crc, demanded=True)
    except ValueError:
        return True
    return False


def _checked(row: bytes, crc: int, *, demanded: bool) -> int:
    """The checksum of a line, after it was found to be right."""
    found = _CHECKED.search(row)
    if found is None:
        if demanded:
            raise ValueError("it has no checksum")
        return crc
    now = zlib.crc32(row[: found.start()], crc)
    if now != int(found[1], 16):
        raise ValueError("its checksum is wrong")
    return now


def _is_newer(row: bytes, crc: int) -> bool:
    """Whether a line that cannot be read names a later version and is as it was written: its checksum is right, or it
    has none of ours, not even a wrong one."""
    if _CHECKED.search(row) and _crc_is_wrong(row, crc):
        return False
    try:
        version = json.loads(row)["v"]
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError):
        return False
    except (ValueError, RecursionError):  # JSON, but nested deeper, or with a longer number, than Python takes
        found = _NAMES_VERSION.match(row)
        version = int(found[1]) if found else 0
    return isinstance(version, int) and version > VERSION


def _is_torn(row: bytes, crc: int) -> bool:
    """Whether a last line that cannot be read was never whole: no JSON, and not with the end that every line has. One
    whose checksum is right but for that end was whole."""
    if row.endswith(_END) and b"\0" not in row:
        return False
    if not _crc_is_wrong(row[: -len(_END)] + _END, crc):
        return False
    try:
        json.loads(row)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return True
    except (ValueError, RecursionError):  # JSON, but nested deeper, or with a longer number, than Python takes
        pass
    return False


def _why(exc: BaseException) -> str:
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    if isinstance(exc, KeyError):
        return f"it has no {exc.args[0]!r:.60}"
    return str(exc)[:200]


class _NewerError(Exception):
    """Something that only a later version can have written."""


def _loads(row: bytes, max_bytes: int) -> dict[str, Any]:
    if len(row) > max_bytes:
        raise ValueError(f"it has {len(row)} bytes, more than {max_bytes}")
    found = _DECODER.decode(row.decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_FIELDS_OF: Mapping[type[SessionEvent], tuple[str, ...]] = {
    kind: tuple(one.name for one in dataclasses.fields(kind)) for kind in _KINDS.values()
}


def _header_of(row: dict[str, Any]) -> Header:
    items, tempo = row["items"], row["tempo"]
    if not (isinstance(items, list) and len(items) <= limits.ITEMS):
        raise ValueError(f"more than {limits.ITEMS} items")
    if not (isinstance(tempo, list) and len(tempo) <= limits.TEMPO):
        raise ValueError(f"more than {limits.TEMPO} entries of the tempo map")
    for item in items:
        _text("path", item["path"], limits.PATH_BYTES)
        _text("guid", item.get("guid", ""), limits.ID_BYTES)
    return Header(
        session=_text("session", row["session"], limits.PATH_BYTES),
        track_map=TrackMap.of_json(items),
        project=_text("project", row["project"], limits.PATH_BYTES),
        track=_text("track", row["track"], limits.ID_BYTES),
        tempo=tuple({str(name): _number(str(name), value) for name, value in entry.items()} for entry in tempo),
        created_s=float(_number("t", row["t"], limits.WALL_TIME_S)),
    )


def _event_of(row: dict[str, Any]) -> Line:
    version = row.pop("v")
    row.pop("crc", None)
    if not isinstance(version, int) or version > VERSION:
        raise _NewerError(f"it is of version {str(version)[:20]}, this is version {VERSION}")
    time_s = float(_number("t", row.pop("t"), limits.WALL_TIME_S))
    if time_s < 0.0:
        raise ValueError(f"t is {time_s}")
    op, name = _text("op", row.pop("op"), limits.ID_BYTES), _text("event", row.pop("event"), limits.ID_BYTES)
    kind = _KINDS.get(name)
    if kind is None:
        raise _NewerError(f"the event {name!r:.60} is not known to version {VERSION}")
    known = _FIELDS_OF[kind]
    further = sorted(row.keys() - known)
    if further:
        raise _NewerError(f"the event {name!r} has a field {further[0]!r:.60}, which version {VERSION} does not know")
    return Line(kind(**{key: _FIELDS[key](key, row[key]) for key in known}), op, time_s)


def _text(name: str, value: object, max_bytes: int) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    if "\0" in value:
        raise ValueError(f"{name} holds a NUL")
    try:
        n_bytes = len(value.encode("utf-8"))
    except UnicodeEncodeError as exc:
        raise ValueError(f"{name} cannot be written as UTF-8") from exc
    if n_bytes > max_bytes:
        raise ValueError(f"{name} has {n_bytes} bytes, more than {max_bytes}")
    return value


def _number(name: str, value: object, limit: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is no number")
    if not (abs(value) <= 1e300 and abs(value) <= limit):  # an integer may be too large for a double
        raise ValueError(f"{name} is {str(value)[:40]}, outside -{limit:g} to {limit:g}")
    return value


def _whole_number(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is no whole number")
    limit = limits.BUDGET if name in ("budget", "extra") else limits.NUMBER
    if not 0 <= value <= limit:
        raise ValueError(f"{name} is {str(value)[:40]}, outside 0 to {limit}")
    return value


def _span(name: str, value: object) -> Span:
    if not (isinstance(value, list) and len(value) == 2):
        raise TypeError(f"{name} is no pair of times")
    return Span(*(float(_number(name, one, limits.TIME_S)) for one in value))


def _figure(name: str, value: object) -> float:
    return float(_number(name, value, 1e300))


def _verdict(name: str, value: object) -> str:
    if value not in ("accept", "reject", "skip"):
        raise ValueError(f"{name} is {str(value)[:40]!r}")
    return str(value)


_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "example": _span,
    "span": _span,
    "label": lambda name, value: _text(name, value, limits.LABEL_BYTES),
    "retriever": lambda name, value: _text(name, value, limits.ID_BYTES),
    "budget": _whole_number,
    "extra": _whole_number,
    "number": _whole_number,
    "verdict": _verdict,
    "score": _figure,
    "probability": _figure,
    "remaining": _figure,
}
