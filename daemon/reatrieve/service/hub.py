"""All clients: packets in over both carriers, checked and put in order; events out; controllers' buttons.

Nothing that comes in can stop the daemon: what is malformed is counted, logged (not more often than every few
seconds) and dropped. A numbered command with a right header always takes its turn and is acked, whatever is in it and
whatever its handler does: or the client would repeat it for ever, and nothing behind it would be heard.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reatrieve import __version__, limits
from reatrieve.bridge import osc
from reatrieve.bridge.bounds import check_bounds
from reatrieve.bridge.link import DaemonLink
from reatrieve.bridge.messages import (
    PROTOCOL,
    VERBS,
    Ack,
    Command,
    CommandHeader,
    Event,
    EventHeader,
    Hello,
    Invalid,
    Ping,
    Pong,
    Refused,
    Seen,
    Verb,
    Welcome,
    decode_command,
    decode_header,
    encode_event,
)  # fmt: skip
from reatrieve.errors import ProtocolError, ReatrieveError
from reatrieve.installation import this_installation
from reatrieve.plain import plain
from reatrieve.reported import HOST, VERSION, Ours, ours_if
from reatrieve.service import replies
from reatrieve.service.presses import Presses

__all__ = ["Hub", "Route"]

logger = logging.getLogger(__name__)

FORGET_AFTER_S = 24 * 3600.0
LOG_EVERY_S = 5.0
LOOK_FOR_ROOM_S = 0.01
STALLED_AFTER_S = 30.0
"""A client that speaks, but does not say for so long that it has seen more, is not waited for."""

SPOOL_RESEND_S = 2.0

Send = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Route:
    """The way back to where a packet came from, and which host that is ("" for this machine)."""

    carrier: str
    send: Send
    local: bool = True
    sender: str = ""


@dataclass(slots=True)
class _Peer:
    link: DaemonLink
    route: Route


@dataclass(slots=True)
class _Complaints:
    """Counts what is wrong with what comes in, and logs it without flooding."""

    clock: Callable[[], float]
    counts: dict[str, int] = field(default_factory=dict)
    _logged_s: dict[str, float] = field(default_factory=dict)
    _unlogged: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, text: object) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        now_s = self.clock()
        if now_s - self._logged_s.get(kind, -LOG_EVERY_S) < LOG_EVERY_S:
            self._unlogged[kind] = self._unlogged.get(kind, 0) + 1
            return
        more = self._unlogged.pop(kind, 0)
        self._logged_s[kind] = now_s
        logger.warning("%s: %.300s%s", Ours(kind), text, Ours(f" (and {more} more like it)" if more else ""))


class Hub:
    """What lies between the carriers and the sessions.

    Parameters
    ----------
    instance, token : of this start of the daemon.
    on_command : told (client, id, command) for each numbered command, once, in order; must end in ``handled(client,
    id)``.
    on_verb : told the verb of a controller's button.
    clock : seconds, monotonic.
    open_controllers : whether a controller on this machine needs no token.
    """

    def __init__(
        self,
        *,
        instance: str,
        token: str,
        on_command: Callable[[str, int, Command], None],
        on_verb: Callable[[str], None],
        clock: Callable[[], float],
        open_controllers: bool = False,
    ) -> None:
        self.instance = instance
        self._token = token.encode("utf-8", "surrogatepass")
        self._on_command = on_command
        self._on_verb = on_verb
        self._clock = clock
        self._open_controllers = open_controllers
        self._peers: dict[str, _Peer] = {}
        self._complaints = _Complaints(clock)
        self._presses = Presses(clock)
        self._heard_s = clock()
        self._updating = this_installation().updating()

    @property
    def complaints(self) -> dict[str, int]:
        """How many packets and presses were dropped, by kind (the first words of their lines in the log)."""
        return dict(self._complaints.counts)

    @property
    def silent_s(self) -> float:
        """Seconds since a client with the right token was heard, or since the start."""
        return self._clock() - self._heard_s

    def receive(self, packet: bytes, route: Route) -> None:
        """Take one packet, whatever it is."""
        refused = False  # a packet is refused once, however many messages are in it
        try:
            for message in osc.decode(packet):
                if _is_controller(message):
                    self._press(message, route)
                elif not self._take(*_decoded(message), route, quiet=refused):
                    refused = True
        except ProtocolError as error:
            self._complaints.add("malformed packet dropped", error)
        except Exception as error:
            logger.exception("a packet of %d bytes met a fault", len(packet))
            self._complaints.add("fault", repr(error))

    def push(self, client: str, event: Event) -> None:
        """Queue one event for a client and send what is due; a client that was forgotten gets nothing.

        Raises
        ------
        ProtocolError
            If the event cannot be written (too long, or a file name that is not Unicode); then it is not queued, or
            the client would wait for it forever.
        """
        encode_event(EventHeader(self.instance, 1), event)
        peer = self._peers.get(client)
        if peer is None:
            return
        peer.link.push(event)
        if peer.link.overflowed:
            logger.warning("client %s is too far behind and forgotten", client)
            del self._peers[client]
            return
        self._flush(peer)

    async def push_all(
        self, client: str, events: Iterable[Event], *, hurry: Callable[[], bool] = lambda: False
    ) -> None:
        """Queue a long list no faster than the client takes it, or it would count as too far behind.

        Nobody waits for a client that has gone silent or has seen nothing new for as long, nor where ``hurry`` says so:
        then all of it is queued at once, and a client for which that is too much is forgotten. Raises as ``push`` does.
        """
        seen, since_s = self._seen(client), self._clock()
        for event in events:
            while self._is_behind(client) and not hurry():
                await asyncio.sleep(LOOK_FOR_ROOM_S)
                if self._seen(client) != seen:
                    seen, since_s = self._seen(client), self._clock()
                elif self._clock() - since_s > STALLED_AFTER_S:
                    break
            self.push(client, event)

    def _seen(self, client: str) -> int:
        peer = self._peers.get(client)
        return peer.link.last_seen if peer is not None else 0

    def _is_behind(self, client: str) -> bool:
        """Whether a client is there and has yet to see much of what was sent."""
        peer = self._peers.get(client)
        return peer is not None and not peer.link.has_room and not peer.link.is_silent(self._clock())

    def handled(self, client: str, number: int) -> None:
        """A command is carried out: ack it."""
        peer = self._peers.get(client)
        if peer is None:
            return
        before = peer.link.upto
        peer.link.handled(number)
        if peer.link.upto > before:
            self._send(peer.route, Ack(peer.link.upto))

    def press(self, client: str, verb: Verb) -> None:
        """Queue a controller's press, unless the client has not even seen the last ones: then it is dropped."""
        peer = self._peers.get(client)
        if peer is not None and peer.link.unseen(Verb) >= limits.PRESSES:
            text = f"{verb.verb}: REAPER has not taken the last {limits.PRESSES} yet"
            self._complaints.add("press dropped", Ours(text))
            return
        self.push(client, verb)

    def listens(self, client: str) -> bool:
        """Whether a client is known and has been heard of late: progress is worth sending."""
        peer = self._peers.get(client)
        return peer is not None and not peer.link.is_silent(self._clock())

    def heard_s(self, client: str) -> float:
        """When a client was last heard, by the hub's clock; -inf for one that is not known."""
        peer = self._peers.get(client)
        return peer.link.heard_s if peer is not None else -math.inf

    def forget_the_gone(self) -> None:
        """Forget clients that were silent for a day."""
        now_s = self._clock()
        for client in [name for name, peer in self._peers.items() if now_s - peer.link.heard_s > FORGET_AFTER_S]:
            logger.info("client %s forgotten", client)
            del self._peers[client]

    def _mismatch(self, hello: Hello) -> str:
        ours, theirs = (
            f"daemon {__version__} speaks protocol {PROTOCOL}",
            f"script {plain(hello.script_version)[:40]} protocol {hello.protocol}",
        )
        if hello.protocol < PROTOCOL:
            return f"{ours}, {theirs}: update the scripts (reatrieve install, or ReaPack > Synchronize packages)"
        return f"{ours}, {theirs}: update the daemon and start it again ({self._updating})"

    def _take(self, header: CommandHeader, command: Command, route: Route, *, quiet: bool) -> bool:
        """Take one message; False: it was refused (without a word where ``quiet``)."""
        refused: Refused | None = None
        if isinstance(command, Hello) and command.protocol != PROTOCOL:
            refused = Refused("version", self._mismatch(command))
        elif not hmac.compare_digest(header.token.encode("utf-8", "surrogatepass"), self._token):
            self._complaints.add("token", f"{command.NAME} of client {header.client} with a wrong token")
            refused = Refused("token", "the token is not the running daemon's; read daemon.txt again")
        elif header.client not in self._peers and not isinstance(command, (Hello, Ping)):
            refused = Refused("unknown-client", "the daemon does not know this client; say hello")
        if refused is not None:
            if not quiet:
                self._send(route, refused)
            return False
        self._heard_s = self._clock()
        peer = self._peers.get(header.client)
        if isinstance(command, Ping):
            last_seq, upto = (peer.link.last_seq, peer.link.upto) if peer else (0, 0)
            self._send(route, Pong(last_seq, upto))
        elif isinstance(command, Hello):
            self._welcome(header.client, command, route)
        peer = self._peers.get(header.client)
        if peer is None:
            return True
        self._keep_route(peer, route)
        peer.link.hear(self._clock())
        if isinstance(command, Seen):
            peer.link.seen(command.upto)
        elif command.NUMBERED:
            for number, ready in peer.link.receive(header.id, command):
                self._begin(header.client, number, ready)
            self._send(route, Ack(peer.link.upto))
        self._flush(peer)
        return True

    def _begin(self, client: str, number: int, command: Command) -> None:
        """Hand a command to its handler; where that fails at once, it is answered and acked here."""
        try:
            if isinstance(command, Invalid):
                raise ProtocolError(command.text)
            self._on_command(client, number, command)
        except BaseException as error:  # whatever it is
            self.fail(client, number, command, error)
            self.handled(client, number)

    def fail(self, client: str, number: int, command: Command, error: BaseException) -> None:
        """Tell a client that a command failed; what is not ours is logged with its traceback."""
        if isinstance(error, ReatrieveError):
            logger.info("%s failed: %s", Ours(command.NAME), error)
        else:
            logger.error("%s met a fault", Ours(command.NAME), exc_info=error)
        self.push(client, replies.failed(str(getattr(command, "session", "")), number, error, command.NAME))

    def _welcome(self, client: str, hello: Hello, route: Route) -> None:
        if client not in self._peers:
            logger.info(
                "client %s: script %s, %s, Lua %s, by %s",
                client,
                ours_if(VERSION, hello.script_version),
                ours_if(HOST, hello.host),
                ours_if(VERSION, hello.lua),
                Ours(route.carrier),
            )
            if len(self._peers) >= limits.CLIENTS:
                oldest = min(self._peers, key=lambda name: self._peers[name].link.heard_s)
                logger.warning("more than %d clients: %s, the longest silent, is forgotten", limits.CLIENTS, oldest)
                del self._peers[oldest]
            self._peers[client] = _Peer(DaemonLink(self._clock()), route)
        self._send(route, Welcome(PROTOCOL, __version__, self._peers[client].link.upto))

    def _keep_route(self, peer: _Peer, route: Route) -> None:
        peer.route = route
        peer.link.resend_after_s = SPOOL_RESEND_S if route.carrier == "spool" else DaemonLink(0.0).resend_after_s

    def _flush(self, peer: _Peer) -> None:
        for seq, event in peer.link.due(self._clock()):
            self._send(peer.route, event, seq)

    def _send(self, route: Route, event: Event, seq: int = 0) -> None:
        packet = encode_event(EventHeader(self.instance, seq), event)
        try:
            route.send(packet)
        except OSError as error:  # as good as lost on the way: it is sent again
            self._complaints.add("packet not sent", error)

    def _press(self, message: osc.OscMessage, route: Route) -> None:
        verb = message.address.rsplit("/", 1)[1]
        tokens = [value for value in message.values if isinstance(value, str)]
        known = [hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self._token) for text in tokens]
        if not (known == [True] or (not tokens and self._open_controllers and route.local)):
            wrong = "with a wrong token" if tokens else "without the token (allow it with --open-controllers)"
            self._complaints.add("controller", Ours(f"{verb} {wrong}"))
            return
        numbers = [value for value in message.values if isinstance(value, (int, float))]
        if self._presses.is_press((route.local, route.sender, message.address), numbers):
            self._on_verb(verb)


def _decoded(message: osc.OscMessage) -> tuple[CommandHeader, Command]:
    """Header and command; a numbered command whose body is wrong becomes ``Invalid``."""
    try:
        header, command = decode_command(message)
        check_bounds(command)
    except ProtocolError as error:
        found = decode_header(message)
        if found is None:
            raise
        return found[0], Invalid(found[1], str(error))
    return header, command


def _is_controller(message: osc.OscMessage) -> bool:
    """A bare verb; ``/reatrieve/undo`` is also a command, which begins with three header arguments."""
    head, _, verb = message.address.rpartition("/")
    return head == "/reatrieve" and verb in VERBS and not message.tags.startswith("ss") and len(message.tags) <= 2
