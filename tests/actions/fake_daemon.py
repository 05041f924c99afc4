"""A daemon without audio for the scripts' tests: real messages, real links, real sessions; the candidates are made up.

It answers only when polled, so a test decides what arrives in which tick, and it can lose, double and reorder packets.
"""

from __future__ import annotations

import random
import socket
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reatrieve import limits
from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.bridge.home import new_info, write_info
from reatrieve.bridge.link import DaemonLink
from reatrieve.errors import InputError
from reatrieve.session.earlier import EarlierAnswer, first_events
from reatrieve.session.edges import EdgesError, check_edges
from reatrieve.session.events import (
    Answered,
    BudgetRaised,
    Finished,
    Proposed,
    Reanswered,
    Renamed,
    Requested,
    Retracted,
    Revised,
    Started,
    Undone,
)
from reatrieve.session.spans import Span, is_blocked, overlap_s
from reatrieve.session.state import SessionState, fold

_OF_THE_NEXT = ("start_s", "end_s", "score", "probability")


@dataclass
class Session:
    """One search: its events are its journal."""

    find: m.Find
    events: list[object]
    state: SessionState
    ops: set[str] = field(default_factory=set)
    foreseen: list[tuple[float, float]] = field(default_factory=list)
    goes_on: bool = False  # from earlier answers: then the first span that is free comes next
    behind: bool = False  # it went on elsewhere, and its client does not show that
    told: str = ""  # the client that was told


class FakeDaemon:
    """Proposes the spans it is given, in their order; edges that the user moved shift all later ones by 1 ms.

    One that ``learns`` proposes others after other answers, and refuses edges as the real one does.
    """

    def __init__(self, home: Path, spans: Sequence[tuple[float, float]], *, loss: float = 0.0, seed: int = 0) -> None:
        self.home = home
        self.spans = [Span(*span) for span in spans]
        self.loss = loss
        self.random = random.Random(seed)
        self.sessions: dict[str, Session] = {}
        self.items: dict[str, dict[int, m.Item]] = {}
        self.known: dict[str, dict[int, m.Known]] = {}
        self.refuse = ""
        self.refuse_revise = ""
        self.learns = False
        self.probes: list[m.Probe] = []
        self.tempo: list[m.Tempo] = []
        self.log: list[m.Command] = []
        self.want_render: set[int] = set()
        self.paused = False
        self.clear = True
        self.endless: tuple[type[m.Command], ...] = ()
        self.collecting: dict[str, int] = {}
        self.listed: set[str] = set()
        self.now_s = 0.0
        self.listed_at_most = limits.SESSIONS
        self.curves = 0
        self.saved: list[tuple[str, str]] = []
        self.start()

    def start(self) -> None:
        """A new instance, as after a crash: sessions are on disk, all else is forgotten."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.links: dict[str, DaemonLink] = {}
        self.addresses: dict[str, tuple[str, int]] = {}
        self.owner: dict[str, str] = {}
        self.prepared = ""
        self.looking_ahead: dict[str, m.Candidate] = {}
        self.surveyed: set[str] = set()
        self.items.clear()
        self.known.clear()
        self.delayed: list[tuple[bytes, tuple[str, int]]] = []
        self.home.mkdir(parents=True, exist_ok=True)
        self.info = new_info(version="0.1.0", port=self.socket.getsockname()[1], spool=self.home / "spool")
        write_info(self.home, self.info)

    def crash(self) -> None:
        """Gone, without removing daemon.txt."""
        self.surveyed.clear()  # kept in memory only
        self.socket.close()

    def quit(self) -> None:
        """Gone, in order."""
        self.socket.close()
        (self.home / "daemon.txt").unlink()

    # packets

    def poll(self) -> None:
        """Handle what has come, send what is due."""
        if self.paused or self.socket.fileno() < 0:
            return
        self.now_s += 0.033
        while self.looking_ahead:
            name, event = self.looking_ahead.popitem()
            if name in self.sessions:
                self._push_with_next(name, event)
        while True:
            try:
                packet, address = self.socket.recvfrom(65536)
            except (BlockingIOError, ConnectionError):
                break
            if self.random.random() >= self.loss:
                self._receive(packet, address)
        for client, link in self.links.items():
            for seq, event in link.due(self.now_s):
                self._send(client, event, seq)
        self._flush()

    def _send(self, client: str, event: m.Event, seq: int = 0) -> None:
        packet = m.encode_event(m.EventHeader(self.info.instance, seq), event)
        if self.random.random() < self.loss:
            return
        self.delayed.append((packet, self.addresses[client]))
        if self.loss and self.random.random() < 0.2:
            self.delayed.append((packet, self.addresses[client]))

    def _flush(self) -> None:
        if self.loss:
            self.random.shuffle(self.delayed)
        for packet, address in self.delayed:
            self.socket.sendto(packet, address)
        self.delayed.clear()

    def _receive(self, packet: bytes, address: tuple[str, int]) -> None:
        header, command = m.decode_command(osc.decode(packet)[0])
        client = header.client
        self.addresses[client] = address
        if header.token != self.info.token:
            self._send(client, m.Refused("token", "wrong token"))
            return
        if isinstance(command, m.Hello):
            self.links.setdefault(client, DaemonLink(self.now_s))
            self._send(client, m.Welcome(1, "0.1.0", self.links[client].upto))
            return
        link = self.links.get(client)
        if link is None:
            self._send(client, m.Refused("unknown-client", "say hello"))
            return
        link.hear(self.now_s)
        if isinstance(command, m.Seen):
            link.seen(command.upto)
        elif isinstance(command, m.Ping):
            self._send(client, m.Pong(link.last_seq, link.upto))
        else:
            for number, ready in link.receive(header.id, command):
                self.log.append(ready)
                self._handle(client, number, ready)
                link.handled(number)
            self._send(client, m.Ack(link.upto))

    def push(self, session: str, event: m.Event) -> None:
        """Send an event to the client of a session."""
        self.links[self.owner[session]].push(event)

    # sessions

    def _proposal(self, session: Session) -> Proposed | None:
        state = session.state
        if state.over is not None:
            return None
        number = state.next_number
        if number > len(self.spans):
            return None
        if session.goes_on:
            free = [one for one in self.spans if not is_blocked(one, state.blocked, length_s=1.0)]
            return Proposed(number, free[0], 5.0 / number, 0.99 - 0.03 * number, 1.0) if free else None
        if self.learns:
            answers = [(one.state, round(one.proposed.start_s)) for one in state.candidates.values()]
            free = [one for one in self.spans if not is_blocked(one, state.blocked, length_s=1.0)]
            choice = zlib.crc32(repr(answers).encode()) % 6
            return Proposed(number, free[choice], 5.0 / number, max(0.1, 0.99 - 0.03 * number), 1.0)
        moved = sum(one.span != one.proposed for one in state.candidates.values())
        span = self.spans[number - 1]
        span = Span(span.start_s + 0.001 * moved, span.end_s + 0.001 * moved)
        return Proposed(number, span, 5.0 / number, 0.99 - 0.03 * number, float(len(self.spans) - number))

    def _apply(self, session: Session, event: object) -> None:
        session.state = session.state.apply(event)  # type: ignore[arg-type]
        session.events.append(event)

    def _propose(self, session: Session) -> None:
        if session.state.current is None:
            proposal = self._proposal(session)
            if proposal is not None:
                self._apply(session, proposal)

    def _decide(self, session: Session) -> None:
        """Ask about the last span in place of the open candidate."""
        number, span = session.state.next_number, self.spans[-1]
        self._apply(session, Proposed(number, span, 1.0, 0.4, 1.0))

    def _current(self, session: Session) -> m.Event:
        self._propose(session)
        state = session.state
        name = session.find.session
        if state.current is None:
            reason = state.over or "exhausted"
            return m.Done(name, reason, state.rejections, state.budget, state.accepted)
        one = state.candidates[state.current]
        nexts: list[object] = []
        for verdict in ("accept", "reject", "skip"):
            after = state.apply(Answered(one.number, verdict, one.span))  # type: ignore[arg-type]
            shadow = Session(session.find, [], after, goes_on=session.goes_on)
            proposal = self._proposal(shadow)
            if proposal is None:
                nexts += [0, 0.0, 0.0, 0.0, 0.0]
            else:
                nexts += [1, proposal.span.start_s, proposal.span.end_s, proposal.score, proposal.probability]
        return m.Candidate(
            name, one.number, one.span.start_s, one.span.end_s, one.score, one.probability, one.remaining,
            state.rejections, state.budget, state.accepted, *nexts,  # type: ignore[arg-type]
        )  # fmt: skip

    def _tell(self, name: str) -> None:
        """Push the current candidate: one that was not foreseen at once, what follows it with the next poll."""
        event = self._current(self.sessions[name])
        self.looking_ahead.pop(name, None)  # the daemon takes one command after the other: nothing older comes later
        foreseen = self.sessions[name].foreseen
        if isinstance(event, m.Candidate) and (event.start_s, event.end_s) not in foreseen:
            early = {f"{verdict}_{field}": 0.0 for verdict in m.VERBS[:3] for field in _OF_THE_NEXT}
            early |= {f"{verdict}_valid": m.UNKNOWN for verdict in m.VERBS[:3]}
            self.push(name, m.Candidate(**{**vars_of(event), **early}))  # type: ignore[arg-type]
            self.looking_ahead[name] = event
        else:
            self._push_with_next(name, event)

    def _curve(self, session: Session) -> None:
        """The similarity of 20 seconds in four pages: a peak at each span, lower with each answer."""
        name = session.find.session
        self.curves += 1
        levels = bytearray(400)
        for span in self.spans:
            at = int(span.start_s * 20)
            levels[at : at + 3] = bytes([120, max(20, 250 - 5 * session.state.answers), 120])
        for page in range(4):
            part = bytes(levels[100 * page : 100 * page + 100])
            self.push(name, m.Curve(name, self.curves, page, 4, 0.0, 20.0, part))

    def _push_with_next(self, name: str, event: m.Event) -> None:
        if isinstance(event, m.Candidate):
            self.sessions[name].foreseen = [
                (getattr(event, f"{verdict}_start_s"), getattr(event, f"{verdict}_end_s")) for verdict in m.VERBS[:3]
            ]
        self.push(name, event)
        if name in self.surveyed:
            self._curve(self.sessions[name])

    def _rows(self, session: Session, only: set[int] | None = None) -> None:
        state = session.state
        own = state.example_region or state.example
        shown = "example" if state.example_region is not None else "retracted"
        rows = [m.Row(session.find.session, 0, shown, own.start_s, own.end_s, 1.0, 1.0)]
        rows += [
            m.Row(session.find.session, k, one.state, one.span.start_s, one.span.end_s, one.score, one.probability)
            for k, one in state.candidates.items()
        ]
        rows = [row for row in rows if only is None or row.number in only]
        for row in rows:
            self.push(session.find.session, row)
        self.push(
            session.find.session,
            m.RowsEnd(session.find.session, state.label, len(rows), state.rejections, state.budget, state.accepted),
        )

    def _handle(self, client: str, number: int, command: m.Command) -> None:
        name = getattr(command, "session", "")
        if name:
            self.owner[name] = client
        if isinstance(command, m.Item):
            self.items.setdefault(name, {})[command.index] = command
        elif isinstance(command, m.Probe):
            self.probes.append(command)
        elif isinstance(command, m.Tempo):
            self.tempo = [] if command.index == 0 else self.tempo
            self.tempo.append(command)
        elif isinstance(command, m.Known):
            if command.index == 0:
                self.known[name] = {}
            self.known[name][command.index] = command
        elif isinstance(command, m.Find):
            self._find(command, number)
        elif isinstance(command, m.Sessions):
            known = [s for s in reversed(self.sessions.values()) if command.project == s.find.project != ""]
            for one in known[: self.listed_at_most]:  # the latest first
                finished = int(one.state.over == "finished")
                state = one.state
                modified = "2026-01-01T00:00:00Z"
                self.links[client].push(
                    m.Stored(
                        one.find.session, state.label, one.find.track, state.answers, state.accepted, modified, finished
                    )
                )
            self.links[client].push(m.StoredEnd(command.project, len(known[: self.listed_at_most])))
        elif isinstance(command, m.Prepare):
            assert set(range(command.items)) <= set(self.items.get(name, {})), "items missing"
            self.prepared = name
        elif isinstance(command, m.Cancel) and name == self.prepared and name not in self.sessions:
            self.prepared = ""
            del self.items[name]
        elif isinstance(command, m.Cancel) and name in self.collecting:
            self.push(name, m.Failed(name, self.collecting.pop(name), "cancelled", "stopped before all was learned"))
        elif isinstance(command, m.Cancel) and name in self.listed:
            pass  # the list is out already
        elif isinstance(command, m.Cancel):
            self.sessions.pop(name, None)
            self.push(name, m.Done(name, "cancelled", 0, 10, 0))
        elif isinstance(command, m.Survey):
            (self.surveyed.add if command.wanted else self.surveyed.discard)(name)
            if command.wanted and name in self.sessions:
                self._curve(self.sessions[name])
        elif name not in self.sessions:
            self.push(name, m.Failed(name, number, "unknown-session", f"no session {name}"))
        else:
            self._session_command(self.sessions[name], number, command)

    def _find(self, command: m.Find, number: int) -> None:
        name = command.session
        items = self.items.get(name, {})
        assert set(range(command.items)) <= set(items), "items missing"
        wanted = [k for k in sorted(self.want_render) if k < command.items and not items[k].accessor]
        for index in wanted:
            self.push(name, m.RenderWanted(name, index, "the file cannot be read"))
        if wanted:
            return
        if self.refuse:
            self.push(name, m.Failed(name, number, "audio", self.refuse))
            return
        if name not in self.sessions:
            started = Started(Span(command.start_s, command.end_s), command.label, command.budget, command.retriever)
            known = [one for _, one in sorted(self.known.pop(name, {}).items())]
            answers = [EarlierAnswer(one.verdict, Span(one.start_s, one.end_s)) for one in known]  # type: ignore[arg-type]
            events, left_out = first_events(started, answers, lambda _span: 1.0)
            self.sessions[name] = Session(command, list(events), fold(events), goes_on=bool(known))
            self.push(name, m.Progress(name, "decode", 0.5))
            if known:
                self._rows(self.sessions[name])
            if left_out:
                self.push(name, m.Note(name, "left-out", f"{left_out} of {len(known)} answers are left out"))
        self._tell(name)

    def _session_command(self, session: Session, number: int, command: m.Command) -> None:
        name = session.find.session
        if isinstance(command, m.Resume):
            if session.behind:
                self.push(name, m.Note(name, "elsewhere", "this sound was answered elsewhere meanwhile"))
            self._propose(session)
            self._rows(session)
            session.told = self.owner[name]
            self._tell(name)
            return
        if isinstance(command, m.CaughtUp):
            session.behind = session.behind and session.told != self.owner[name]
            return
        if isinstance(command, m.Saved):
            session.find = m.Find(**{**vars_of(session.find), "project": command.project})
            self.saved.append((name, command.project))
            return
        repeated = getattr(command, "op", None) in session.ops
        if session.behind and not repeated and not isinstance(command, (m.Survey, m.Rename)):
            text = "this sound was answered elsewhere meanwhile; nothing was changed"
            self.push(name, m.Failed(name, number, "elsewhere", text))
            return
        if isinstance(command, m.Rest):
            self.listed.add(name)
        if isinstance(command, self.endless):
            self.collecting[name] = number
            return
        if isinstance(command, m.Rest):
            index = 0
            for k, span in enumerate(self.spans, 1):
                probability = 0.99 - 0.03 * k
                if k >= session.state.next_number and probability >= command.above - 0.07:
                    self.push(name, m.RestRow(name, index, span.start_s, span.end_s, probability))
                    index += 1
            self.push(name, m.RestEnd(name, command.above, index, int(self.clear)))
            return
        if isinstance(command, m.Decide):
            self._decide(session)
            self._tell(name)
            return
        if isinstance(command, m.Anchors):
            for k, span in session.state.accepted_regions:
                self.push(name, m.Anchor(name, k, span.start_s + 0.02 + command.nudge_ms / 1000))
            self.push(name, m.AnchorsEnd(name, len(session.state.accepted_regions)))
            return
        if isinstance(command, m.Export):
            self.push(name, m.Progress(name, "export", 0.5))
            self.push(name, m.Note(name, "export", "labels were folded"))
            for target in ("json", "wav"):
                self.push(name, m.Exported(name, target, f"{command.folder}/x.sync.{target}"))
            self.push(name, m.ExportedEnd(name, 2))
            return
        if command.op in session.ops:  # type: ignore[attr-defined]
            self._tell(name)
            return
        try:
            self._carry_out(session, command)
        except EdgesError as exc:
            self.push(name, m.Failed(name, number, exc.code, str(exc)))
            return
        except InputError as exc:
            self.push(name, m.Failed(name, number, "stale", str(exc)))
            self._tell(name)
            return
        session.ops.add(command.op)  # type: ignore[attr-defined]

    @staticmethod
    def _check_edges(state: SessionState, command: m.Answer | m.Reanswer | m.Revise) -> None:
        span = Span(command.start_s, command.end_s)
        if isinstance(command, m.Answer) and command.verdict != "accept":
            if command.number == state.current and overlap_s(span, state.candidates[command.number].proposed) <= 0.0:
                raise InputError("the answer was given to another place")
        elif isinstance(command, m.Revise) or command.verdict == "accept":
            check_edges(state, command.number, span, duration_s=200.0)

    def _carry_out(self, session: Session, command: m.Command) -> None:
        name = session.find.session
        if self.learns and isinstance(command, m.Answer | m.Reanswer | m.Revise):
            self._check_edges(session.state, command)
        if isinstance(command, m.Answer):
            self._apply(session, Answered(command.number, command.verdict, Span(command.start_s, command.end_s)))  # type: ignore[arg-type]
        elif isinstance(command, m.Reanswer):
            self._apply(
                session,
                Reanswered(command.number, command.verdict, Span(command.start_s, command.end_s)),  # type: ignore[arg-type]
            )
        elif isinstance(command, m.Ask):
            near = [span for span in self.spans if abs(span.start_s - command.time_s) < 0.5]
            if not near:
                raise InputError("nothing is left to ask about")
            self._apply(session, Requested(session.state.next_number, near[0], 1.0, 0.5, 1.0))
        elif isinstance(command, m.Undo):
            self._apply(session, Undone(command.number))
        elif isinstance(command, m.Retract):
            self._apply(session, Retracted(command.number))
        elif isinstance(command, m.Revise) and self.refuse_revise:
            raise EdgesError(self.refuse_revise)
        elif isinstance(command, m.Revise):
            self._apply(session, Revised(command.number, Span(command.start_s, command.end_s)))
        elif isinstance(command, m.More):
            self._apply(session, BudgetRaised(command.extra))
        elif isinstance(command, m.Finish):
            self._apply(session, Finished())
        elif isinstance(command, m.Rename):
            self._apply(session, Renamed(command.label))
            return
        elif isinstance(command, m.Discard):
            del self.sessions[name]
            return
        elif isinstance(command, m.AcceptRest):
            taken = set()
            while (one := session.state.current) is not None:
                candidate = session.state.candidates[one]
                if candidate.probability < command.above - 0.07:
                    break
                taken.add(one)
                self._apply(session, Answered(one, "accept", candidate.span))
                self._propose(session)
            self._rows(session, taken)
        else:
            raise AssertionError(command)
        self._tell(name)


def vars_of(message: m.Command) -> dict[str, object]:
    """The fields of a slotted message."""
    return {name: getattr(message, name) for name in message.__slots__}
