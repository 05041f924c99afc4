"""Every message of docs/protocol.md as one frozen dataclass, and the table-driven codec between them and OSC bytes.

A field's type is its tag: ``str`` s, ``int`` i, ``float`` d, ``bytes`` b. Commands go to the daemon with the header
client, token, id; events go to the client with the header instance, seq. Headers are kept apart, so that the
messages are plain values.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from reatrieve import limits
from reatrieve.bridge import osc
from reatrieve.errors import ProtocolError

__all__ = [
    "COMMANDS", "EVENTS", "PROTOCOL", "UNKNOWN", "VERBS", "AcceptRest", "Ack", "Anchor", "Anchors", "AnchorsEnd",
    "Answer", "Ask", "Cancel", "Candidate", "CaughtUp", "Command", "CommandHeader", "Curve", "Decide", "Discard",
    "Done", "Event", "EventHeader", "Export", "Exported", "ExportedEnd", "Failed", "Find", "Finish", "Hello", "Invalid",
    "Item", "Known", "Message", "More", "Note", "Ping", "Pong", "Prepare", "Probe", "Progress", "Reanswer", "Refused",
    "Rename", "RenderWanted", "Rest", "RestEnd", "RestRow", "Resume", "Retract", "Revise", "Row", "RowsEnd", "Saved",
    "Seen", "Sessions", "Stored", "StoredEnd", "Survey", "Tempo", "Undo", "Verb", "Welcome", "decode_command",
    "decode_event", "decode_header", "encode_command", "encode_event", "type_tags",
]  # fmt: skip

PROTOCOL: Final = 2
VERBS: Final = ("accept", "reject", "skip", "undo")
"""What a controller can press, and (but for undo) what an answer can say."""

UNKNOWN: Final = -1
"""``valid`` of what is not computed yet."""

ROOT = "/reatrieve/"
CLIENT_ID = re.compile(r"[0-9A-Za-z-]{1,64}\Z")
_TAGS: Mapping[str, str] = {"str": "s", "int": "i", "float": "d", "bytes": "b"}
_TYPES: Mapping[str, type] = {"s": str, "i": int, "d": float, "b": bytes}


class Message:
    """Base of all messages: checks every field's type and range when one is made."""

    __slots__ = ()
    NAME: ClassVar[str]
    NUMBERED: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            _check_field(self.NAME, field.name, _TAGS[str(field.type)], getattr(self, field.name))
        self.check()

    def check(self) -> None:
        """Raise ``ProtocolError`` for values that no message of this kind can carry; subclasses say which."""


class Command(Message):
    """A message to the daemon."""

    __slots__ = ()


class Event(Message):
    """A message to the client."""

    __slots__ = ()


class CommandHeader(NamedTuple):
    """What every command begins with; ``id`` 0 is unnumbered."""

    client: str
    token: str
    id: int


class EventHeader(NamedTuple):
    """What every event begins with; ``seq`` 0 is unnumbered."""

    instance: str
    seq: int


# Commands -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello(Command):
    """First of all: which protocol and script this is."""

    NAME: ClassVar[str] = "hello"
    NUMBERED: ClassVar[bool] = False
    protocol: int
    script_version: str
    host: str
    lua: str
    carrier: str


@dataclass(frozen=True, slots=True)
class Seen(Command):
    """Every event up to ``upto`` was handled."""

    NAME: ClassVar[str] = "seen"
    NUMBERED: ClassVar[bool] = False
    upto: int


@dataclass(frozen=True, slots=True)
class Ping(Command):
    """Is anybody there?"""

    NAME: ClassVar[str] = "ping"
    NUMBERED: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Item(Command):
    """What REAPER plays from one media item (docs/protocol.md, "Track map")."""

    NAME: ClassVar[str] = "item"
    session: str
    index: int
    guid: str
    path: str
    position_s: float
    length_s: float
    offset_s: float
    rate: float
    section_start_s: float
    section_length_s: float
    reverse: int
    loop: int
    channel_mode: int
    gain: float
    pan: float
    fade_in_s: float
    fade_out_s: float
    fade_in_shape: int
    fade_out_shape: int
    accessor: int

    def check(self) -> None:
        """Length and rate are positive, the index counts from 0."""
        _need(self.index >= 0, f"item: index {self.index} is negative")
        _need(self.length_s > 0, f"item {self.index}: length {self.length_s} s is not positive")
        _need(self.rate > 0, f"item {self.index}: rate {self.rate} is not positive")


@dataclass(frozen=True, slots=True)
class Probe(Command):
    """One page of what REAPER's accessor gives for an item: int16 big-endian mono."""

    NAME: ClassVar[str] = "probe"
    session: str
    index: int
    page: int
    pages: int
    time_s: float
    rate_hz: int
    samples: bytes

    def check(self) -> None:
        """Pages count from 0 and fill whole samples."""
        _need(0 <= self.page < self.pages, f"probe: page {self.page} of {self.pages}")
        _need(self.rate_hz >= 1, f"probe: sample rate {self.rate_hz} Hz")
        _need(len(self.samples) % 2 == 0, f"probe: {len(self.samples)} bytes are no whole number of int16 samples")


@dataclass(frozen=True, slots=True)
class Tempo(Command):
    """One entry of the project's tempo map; index 0 starts the list anew."""

    NAME: ClassVar[str] = "tempo"
    session: str
    index: int
    time_s: float
    bpm: float
    numerator: int
    denominator: int
    fullbeats: float
    measure: int

    def check(self) -> None:
        """Tempo and metre are positive."""
        _need(self.index >= 0, f"tempo: index {self.index} is negative")
        _need(
            self.bpm > 0 and self.numerator > 0 and self.denominator > 0,
            f"tempo: {self.bpm} bpm in {self.numerator}/{self.denominator}",
        )


@dataclass(frozen=True, slots=True)
class Known(Command):
    """An answer that an earlier search gave, for the ``Find`` that follows; index 0 starts the list anew."""

    NAME: ClassVar[str] = "known"
    session: str
    index: int
    verdict: str
    start_s: float
    end_s: float

    def check(self) -> None:
        """A yes or a no, a span with a length."""
        _need(self.index >= 0, f"known: index {self.index} is negative")
        _need(self.verdict in ("accept", "reject"), f"known: {self.verdict!r} is none of accept, reject")
        _need(self.start_s < self.end_s, f"known: {self.start_s} to {self.end_s} s has no length")


@dataclass(frozen=True, slots=True)
class Find(Command):
    """Start a session: the example is ``start_s`` to ``end_s`` on the track of ``items`` items."""

    NAME: ClassVar[str] = "find"
    session: str
    label: str
    project: str
    track: str
    start_s: float
    end_s: float
    budget: int
    retriever: str
    items: int

    def check(self) -> None:
        """The example has a length, the track an item, the budget a rejection."""
        _need_track(self)
        _need(self.budget >= 1, f"find: a budget of {self.budget} rejections allows none")


@dataclass(frozen=True, slots=True)
class Prepare(Command):
    """Decode and analyse the track of ``items`` items before anybody searches it; the example may be ``start_s`` to
    ``end_s``."""

    NAME: ClassVar[str] = "prepare"
    session: str
    start_s: float
    end_s: float
    retriever: str
    items: int

    def check(self) -> None:
        """As for a ``Find``: the example has a length, the track an item."""
        _need_track(self)


def _need_track(command: Find | Prepare) -> None:
    name, start_s, end_s = command.NAME, command.start_s, command.end_s
    _need(command.session != "", f"{name}: the session has no name")
    _need(start_s < end_s, f"{name}: the example {start_s} to {end_s} s has no length")
    _need(command.items >= 1, f"{name}: a track of {command.items} items has no sound")


@dataclass(frozen=True, slots=True)
class Cancel(Command):
    """Stop decoding, analysing or exporting."""

    NAME: ClassVar[str] = "cancel"
    session: str


@dataclass(frozen=True, slots=True)
class Resume(Command):
    """Go on with a session that has a journal."""

    NAME: ClassVar[str] = "resume"
    session: str


@dataclass(frozen=True, slots=True)
class CaughtUp(Command):
    """What was answered elsewhere is shown: all that comes after this is about that."""

    NAME: ClassVar[str] = "caught_up"
    session: str


@dataclass(frozen=True, slots=True)
class Sessions(Command):
    """Which sessions does the daemon have for this project?"""

    NAME: ClassVar[str] = "sessions"
    project: str


@dataclass(frozen=True, slots=True)
class Answer(Command):
    """The user answered the current candidate; the edges as they stand."""

    NAME: ClassVar[str] = "answer"
    session: str
    op: str
    number: int
    verdict: str
    start_s: float
    end_s: float

    def check(self) -> None:
        """One of the three verdicts, a span with a length."""
        _need_answer(self)


@dataclass(frozen=True, slots=True)
class Reanswer(Command):
    """The user gave an answered candidate another answer; all later answers stand."""

    NAME: ClassVar[str] = "reanswer"
    session: str
    op: str
    number: int
    verdict: str
    start_s: float
    end_s: float

    def check(self) -> None:
        """One of the three verdicts, a span with a length."""
        _need_answer(self)


def _need_answer(command: Answer | Reanswer) -> None:
    name, start_s, end_s = command.NAME, command.start_s, command.end_s
    _need(command.verdict in VERBS[:3], f"{name}: {command.verdict!r} is none of accept, reject, skip")
    _need(start_s < end_s, f"{name}: {start_s} to {end_s} s has no length")


@dataclass(frozen=True, slots=True)
class Ask(Command):
    """The user wants to be asked about the place nearest to this time next, in place of the open candidate."""

    NAME: ClassVar[str] = "ask"
    session: str
    op: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Undo(Command):
    """Answers to ``number`` and later are taken back."""

    NAME: ClassVar[str] = "undo"
    session: str
    op: str
    number: int


@dataclass(frozen=True, slots=True)
class Retract(Command):
    """An accepted region was deleted."""

    NAME: ClassVar[str] = "retract"
    session: str
    op: str
    number: int


@dataclass(frozen=True, slots=True)
class Revise(Command):
    """An accepted region was moved."""

    NAME: ClassVar[str] = "revise"
    session: str
    op: str
    number: int
    start_s: float
    end_s: float

    def check(self) -> None:
        """A span with a length."""
        _need(self.start_s < self.end_s, f"revise: {self.start_s} to {self.end_s} s has no length")


@dataclass(frozen=True, slots=True)
class More(Command):
    """Raise the budget."""

    NAME: ClassVar[str] = "more"
    session: str
    op: str
    extra: int

    def check(self) -> None:
        """None more only opens a finished session again."""
        _need(self.extra >= 0, f"more: the budget cannot be raised by {self.extra}")


@dataclass(frozen=True, slots=True)
class Rest(Command):
    """What would "accept the rest" take?"""

    NAME: ClassVar[str] = "rest"
    session: str
    above: float


@dataclass(frozen=True, slots=True)
class Decide(Command):
    """From now on ask what decides the rest, first of all in place of the open candidate, until the rest is clear."""

    NAME: ClassVar[str] = "decide"
    session: str


@dataclass(frozen=True, slots=True)
class Survey(Command):
    """Send the similarity of the whole track from now on (``wanted`` 0: no more), whenever it has changed."""

    NAME: ClassVar[str] = "survey"
    session: str
    wanted: int


@dataclass(frozen=True, slots=True)
class AcceptRest(Command):
    """Propose and accept everything at or above this probability."""

    NAME: ClassVar[str] = "accept_rest"
    session: str
    op: str
    above: float


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """The sound has a new label."""

    NAME: ClassVar[str] = "rename"
    session: str
    op: str
    label: str


@dataclass(frozen=True, slots=True)
class Finish(Command):
    """The user is done."""

    NAME: ClassVar[str] = "finish"
    session: str
    op: str


@dataclass(frozen=True, slots=True)
class Discard(Command):
    """The user does not want this session restored."""

    NAME: ClassVar[str] = "discard"
    session: str
    op: str


@dataclass(frozen=True, slots=True)
class Saved(Command):
    """The project was saved at this path."""

    NAME: ClassVar[str] = "saved"
    session: str
    project: str


@dataclass(frozen=True, slots=True)
class Anchors(Command):
    """Where would the sync markers stand?"""

    NAME: ClassVar[str] = "anchors"
    session: str
    kind: str
    nudge_ms: float
    snap: int

    def check(self) -> None:
        """A known kind, a grid that is none or positive."""
        _need(self.kind in ("start", "onset", "peak"), f"anchors: {self.kind!r} is none of start, onset, peak")
        _need(self.snap >= 0, f"anchors: a grid of {self.snap} divisions")


@dataclass(frozen=True, slots=True)
class Export(Command):
    """Write the accepted regions for a game engine or middleware."""

    NAME: ClassVar[str] = "export"
    session: str
    folder: str
    targets: str
    audio: str
    audio_path: str
    audio_start_s: float
    anchor: str
    nudge_ms: float
    snap: int
    force: int

    def check(self) -> None:
        """Known kinds of audio and anchor."""
        _need(self.audio in ("source", "render", "track"), f"export: {self.audio!r} is none of source, render, track")
        _need(self.anchor in ("start", "onset", "peak"), f"export: {self.anchor!r} is none of start, onset, peak")


@dataclass(frozen=True, slots=True)
class Invalid(Command):
    """A numbered command whose header is right, but not what follows: it takes its turn, and is answered ``failed``."""

    NAME: ClassVar[str] = "invalid"
    session: str
    text: str


# Events -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome(Event):
    """The answer to ``hello``."""

    NAME: ClassVar[str] = "welcome"
    NUMBERED: ClassVar[bool] = False
    protocol: int
    version: str
    upto: int


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The daemon does not talk to this client as it is; codes ``version``, ``token``, ``unknown-client``."""

    NAME: ClassVar[str] = "refused"
    NUMBERED: ClassVar[bool] = False
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Ack(Event):
    """Every command up to ``upto`` was handled."""

    NAME: ClassVar[str] = "ack"
    NUMBERED: ClassVar[bool] = False
    upto: int


@dataclass(frozen=True, slots=True)
class Pong(Event):
    """The answer to ``ping``."""

    NAME: ClassVar[str] = "pong"
    NUMBERED: ClassVar[bool] = False
    last_seq: int
    upto: int


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far the work on a session is."""

    NAME: ClassVar[str] = "progress"
    session: str
    stage: str
    share: float

    def check(self) -> None:
        """A share is 0..1."""
        _need(0.0 <= self.share <= 1.0, f"progress: share {self.share} is outside 0..1")


@dataclass(frozen=True, slots=True)
class RenderWanted(Event):
    """The file cannot stand for this item; the script must render it."""

    NAME: ClassVar[str] = "render_wanted"
    session: str
    index: int
    why: str


@dataclass(frozen=True, slots=True)
class Candidate(Event):
    """The current candidate, and the next one for each answer (``valid`` 0: none; UNKNOWN: not computed yet, the same
    candidate comes again with it).
    """

    NAME: ClassVar[str] = "candidate"
    session: str
    number: int
    start_s: float
    end_s: float
    score: float
    probability: float
    remaining: float
    rejections: int
    budget: int
    accepted: int
    accept_valid: int
    accept_start_s: float
    accept_end_s: float
    accept_score: float
    accept_probability: float
    reject_valid: int
    reject_start_s: float
    reject_end_s: float
    reject_score: float
    reject_probability: float
    skip_valid: int
    skip_start_s: float
    skip_end_s: float
    skip_score: float
    skip_probability: float

    def check(self) -> None:
        """A span with a length."""
        _need(self.start_s < self.end_s, f"candidate: {self.start_s} to {self.end_s} s has no length")


@dataclass(frozen=True, slots=True)
class Done(Event):
    """Nothing is proposed any more; reason ``budget``, ``exhausted``, ``finished`` or ``cancelled``."""

    NAME: ClassVar[str] = "done"
    session: str
    reason: str
    rejections: int
    budget: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Row(Event):
    """One candidate of a session and what became of it."""

    NAME: ClassVar[str] = "row"
    session: str
    number: int
    state: str
    start_s: float
    end_s: float
    score: float
    probability: float


@dataclass(frozen=True, slots=True)
class RowsEnd(Event):
    """That were all rows."""

    NAME: ClassVar[str] = "rows_end"
    session: str
    label: str
    count: int
    rejections: int
    budget: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Stored(Event):
    """A session that the daemon has for the project asked for."""

    NAME: ClassVar[str] = "stored"
    session: str
    label: str
    track: str
    answers: int
    accepted: int
    modified: str
    finished: int


@dataclass(frozen=True, slots=True)
class StoredEnd(Event):
    """That were all sessions of the project."""

    NAME: ClassVar[str] = "stored_end"
    project: str
    count: int


@dataclass(frozen=True, slots=True)
class RestRow(Event):
    """One span that "accept the rest" would take."""

    NAME: ClassVar[str] = "rest_row"
    session: str
    index: int
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class RestEnd(Event):
    """That was the rest; ``clear`` 0: a few questions would say better where it ends."""

    NAME: ClassVar[str] = "rest_end"
    session: str
    above: float
    count: int
    clear: int


@dataclass(frozen=True, slots=True)
class Curve(Event):
    """One page of the similarity of the whole track: a byte a point, 255 = as the accepted places themselves."""

    NAME: ClassVar[str] = "curve"
    session: str
    curve: int
    page: int
    pages: int
    start_s: float
    end_s: float
    values: bytes

    def check(self) -> None:
        """Pages count from 0, and are not empty."""
        _need(0 <= self.page < self.pages, f"curve: page {self.page} of {self.pages}")
        _need(self.start_s < self.end_s, f"curve: {self.start_s} to {self.end_s} s has no length")


@dataclass(frozen=True, slots=True)
class Anchor(Event):
    """Where the sync marker of an accepted region stands, project seconds."""

    NAME: ClassVar[str] = "anchor"
    session: str
    number: int
    time_s: float


@dataclass(frozen=True, slots=True)
class AnchorsEnd(Event):
    """That were all anchors."""

    NAME: ClassVar[str] = "anchors_end"
    session: str
    count: int


@dataclass(frozen=True, slots=True)
class Exported(Event):
    """One file was written."""

    NAME: ClassVar[str] = "exported"
    session: str
    target: str
    path: str


@dataclass(frozen=True, slots=True)
class ExportedEnd(Event):
    """That were all files."""

    NAME: ClassVar[str] = "exported_end"
    session: str
    count: int


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something the user should know."""

    NAME: ClassVar[str] = "note"
    session: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A command failed and changed nothing; ``text`` is one sentence for the user."""

    NAME: ClassVar[str] = "failed"
    session: str
    id: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verb(Event):
    """A controller pressed a button."""

    NAME: ClassVar[str] = "verb"
    session: str
    verb: str

    def check(self) -> None:
        """One of the four verbs."""
        _need(self.verb in VERBS, f"verb: {self.verb!r} is none of {', '.join(VERBS)}")


# Codec --------------------------------------------------------------------------------------------------------------

COMMANDS: Mapping[str, type[Command]] = {
    kind.NAME: kind
    for kind in (
        Hello, Seen, Ping, Item, Probe, Tempo, Known, Find, Prepare, Cancel, Resume, CaughtUp, Sessions, Answer,
        Reanswer, Ask, Undo, Retract, Revise, More, Rest, Decide, Survey, AcceptRest, Rename, Finish, Discard, Saved,
        Anchors, Export,
    )
}  # fmt: skip
EVENTS: Mapping[str, type[Event]] = {
    kind.NAME: kind
    for kind in (
        Welcome, Refused, Ack, Pong, Progress, RenderWanted, Candidate, Done, Row, RowsEnd, Stored, StoredEnd,
        RestRow, RestEnd, Curve, Anchor, AnchorsEnd, Exported, ExportedEnd, Note, Failed, Verb,
    )
}  # fmt: skip

_M = TypeVar("_M", bound=Message)


def type_tags(kind: type[Message]) -> str:
    """OSC type tags of a message's own arguments, without the header: ``type_tags(Ack) == "i"``."""
    return "".join(_TAGS[str(field.type)] for field in dataclasses.fields(kind))  # type: ignore[arg-type]


def encode_command(header: CommandHeader, command: Command) -> bytes:
    """Bytes of one command.

    Raises
    ------
    ProtocolError
        If the header is wrong for this command or the packet would be too long.
    """
    _check_header(command, header.id)
    _need(
        CLIENT_ID.match(header.client) is not None,
        f"client id {header.client!r} is not 1-64 letters, digits or hyphens",
    )
    return _encode(command, "ssi", header)


def encode_event(header: EventHeader, event: Event) -> bytes:
    """Bytes of one event; raises ``ProtocolError`` as ``encode_command`` does."""
    _check_header(event, header.seq)
    return _encode(event, "si", header)


def decode_command(message: osc.OscMessage) -> tuple[CommandHeader, Command]:
    """Header and command of one OSC message, or ``ProtocolError``."""
    values, command = _decode(message, "ssi", COMMANDS)
    header = CommandHeader(*values)
    _need(
        CLIENT_ID.match(header.client) is not None,
        f"{message.address}: client id {header.client[:70]!r} is not 1-64 letters, digits or hyphens",
    )
    _check_header(command, header.id)
    return header, command


def decode_header(message: osc.OscMessage) -> tuple[CommandHeader, str] | None:
    """Header and session ("" where that cannot be told) of a numbered command, whatever its body; None: it is none."""
    if not message.address.startswith(ROOT) or message.tags[:3] != "ssi":
        return None
    kind = COMMANDS.get(message.address[len(ROOT) :])
    header = CommandHeader(*message.values[:3])  # type: ignore[arg-type]
    if CLIENT_ID.match(header.client) is None or header.id < 1 or (kind is not None and not kind.NUMBERED):
        return None
    names_session = kind is not None and type_tags(kind)[:1] == "s" and kind is not COMMANDS["sessions"]
    session = message.values[3] if names_session and message.tags[3:4] == "s" else ""
    return header, session if isinstance(session, str) and len(session.encode("utf-8")) <= limits.ID_BYTES else ""


def decode_event(message: osc.OscMessage) -> tuple[EventHeader, Event]:
    """Header and event of one OSC message, or ``ProtocolError``."""
    values, event = _decode(message, "si", EVENTS)
    header = EventHeader(*values)
    _check_header(event, header.seq)
    return header, event


def _encode(message: Message, header_tags: str, header: tuple[Any, ...]) -> bytes:
    fields = tuple(getattr(message, field.name) for field in dataclasses.fields(message))  # type: ignore[arg-type]
    return osc.encode(ROOT + message.NAME, header_tags + type_tags(type(message)), header + fields)


def _decode(message: osc.OscMessage, header_tags: str, kinds: Mapping[str, type[_M]]) -> tuple[tuple[Any, ...], _M]:
    if not message.address.startswith(ROOT) or (kind := kinds.get(message.address[len(ROOT) :])) is None:
        raise ProtocolError(f"{message.address[:80]} is no message of protocol {PROTOCOL}")
    expected = header_tags + type_tags(kind)
    if message.tags != expected:
        raise ProtocolError(
            f"{message.address}: arguments ',{message.tags[:60]}', protocol {PROTOCOL} says ',{expected}'"
        )
    split = len(header_tags)
    return message.values[:split], kind(*message.values[split:])


def _check_header(message: Message, number: int) -> None:
    if message.NUMBERED:
        _need(1 <= number < 2**31, f"{message.NAME} must carry a number from 1 on, not {number}")
    else:
        _need(number == 0, f"{message.NAME} is unnumbered (0), not {number}")


def _check_field(message: str, name: str, tag: str, value: object) -> None:
    if not isinstance(value, _TYPES[tag]) or isinstance(value, bool):
        raise ProtocolError(f"{message}: {name} must be {_TYPES[tag].__name__}, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ProtocolError(f"{message}: {name} is {value}, not a finite number")
    if isinstance(value, str) and "\x00" in value:
        raise ProtocolError(f"{message}: {name} holds a NUL")
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise ProtocolError(f"{message}: {name} = {value} does not fit 32 bits")


def _need(condition: bool, text: str) -> None:
    if not condition:
        raise ProtocolError(text)
