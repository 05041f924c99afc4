"""All clients: packets in over both carriers, checked and put in order; events out; controllers' buttons.

Nothing that comes in can stop the daemon: what is malformed is counted, logged (not more often than every few
seconds) and dropped.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from reatrieve import __version__
from reatrieve.bridge import osc
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
    Ping,
    Pong,
    Refused,
    Seen,
    Welcome,
    decode_command,
    encode_event,
)  # fmt: skip
from reatrieve.errors import ProtocolError

__all__ = ["Hub", "Route"]

logger = logging.getLogger(__name__)

FORGET_AFTER_S = 24 * 3600.0
LOG_EVERY_S = 5.0
SPOOL_RESEND_S = 2.0

Send = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Route:
    """The way back to where a packet came from."""

    carrier: str
    send: Send
    local: bool = True


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

    def add(self, kind: str, text: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        now_s = self.clock()
        if now_s - self._logged_s.get(kind, -LOG_EVERY_S) < LOG_EVERY_S:
            self._unlogged[kind] = self._unlogged.get(kind, 0) + 1
            return
        more = self._unlogged.pop(kind, 0)
        self._logged_s[kind] = now_s
        logger.warning("%s: %.300s%s", kind, text, f" (and {more} more like it)" if more else "")


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

    @property
    def complaints(self) -> dict[str, int]:
        """How many packets were dropped, by kind: ``malformed``, ``token``, ``controller``, ``fault``."""
        return dict(self._complaints.counts)

    def receive(self, packet: bytes, route: Route) -> None:
        """Take one packet, whatever it is."""
        try:
            for message in osc.decode(packet):
                if _is_controller(message):
                    self._press(message, route)
                else:
                    self._take(*decode_command(message), route)
        except ProtocolError as error:
            self._complaints.add("malformed packet dropped", str(error))
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

    def handled(self, client: str, number: int) -> None:
        """A command is carried out: ack it."""
        peer = self._peers.get(client)
        if peer is None:
            return
        before = peer.link.upto
        peer.link.handled(number)
        if peer.link.upto > before:
            self._send(peer.route, Ack(peer.link.upto))

    def listens(self, client: str) -> bool:
        """Whether a client is known and has been heard of late: progress is worth sending."""
        peer = self._peers.get(client)
        return peer is not None and not peer.link.is_silent(self._clock())

    def forget_the_gone(self) -> None:
        """Forget clients that were silent for a day."""
        now_s = self._clock()
        for client in [name for name, peer in self._peers.items() if now_s - peer.link.heard_s > FORGET_AFTER_S]:
            logger.info("client %s forgotten", client)
            del self._peers[client]

    def _take(self, header: CommandHeader, command: Command, route: Route) -> None:
        if isinstance(command, Hello) and command.protocol != PROTOCOL:
            self._send(route, Refused("version", _mismatch(command)))
            return
        if not hmac.compare_digest(header.token.encode("utf-8", "surrogatepass"), self._token):
            self._complaints.add("token", f"{command.NAME} of client {header.client} with a wrong token")
            self._send(route, Refused("token", "the token is not the running daemon's; read daemon.txt again"))
            return
        peer = self._peers.get(header.client)
        if isinstance(command, Ping):
            last_seq, upto = (peer.link.last_seq, peer.link.upto) if peer else (0, 0)
            self._send(route, Pong(last_seq, upto))
        elif isinstance(command, Hello):
            self._welcome(header.client, command, route)
        elif peer is None:
            self._send(route, Refused("unknown-client", "the daemon does not know this client; say hello"))
        peer = self._peers.get(header.client)
        if peer is None:
            return
        self._keep_route(peer, route)
        peer.link.hear(self._clock())
        if isinstance(command, Seen):
            peer.link.seen(command.upto)
        elif command.NUMBERED:
            for number, ready in peer.link.receive(header.id, command):
                self._on_command(header.client, number, ready)
            self._send(route, Ack(peer.link.upto))
        self._flush(peer)

    def _welcome(self, client: str, hello: Hello, route: Route) -> None:
        if client not in self._peers:
            logger.info(
                "client %s: script %s, %s, Lua %s, by %s",
                client,
                hello.script_version,
                hello.host,
                hello.lua,
                route.carrier,
            )
            self._peers[client] = _Peer(DaemonLink(self._clock()), route)
        self._send(route, Welcome(PROTOCOL, __version__, self._peers[client].link.upto))

    def _keep_route(self, peer: _Peer, route: Route) -> None:
        peer.route = route
        peer.link.resend_after_s = SPOOL_RESEND_S if route.carrier == "spool" else DaemonLink(0.0).resend_after_s

    def _flush(self, peer: _Peer) -> None:
        for seq, event in peer.link.due(self._clock()):
            self._send(peer.route, event, seq)

    def _send(self, route: Route, event: Event, seq: int = 0) -> None:
        route.send(encode_event(EventHeader(self.instance, seq), event))

    def _press(self, message: osc.OscMessage, route: Route) -> None:
        verb = message.address.rsplit("/", 1)[1]
        tokens = [value for value in message.values if isinstance(value, str)]
        known = [hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self._token) for text in tokens]
        if not (known == [True] or (not tokens and self._open_controllers and route.local)):
            wrong = "with a wrong token" if tokens else "without the token (allow it with --open-controllers)"
            self._complaints.add("controller", f"{message.address} {wrong}")
            return
        if any(value == 0 for value in message.values if not isinstance(value, str)):
            return  # the button was released
        self._on_verb(verb)


def _is_controller(message: osc.OscMessage) -> bool:
    """A bare verb; ``/reatrieve/undo`` is also a command, which begins with three header arguments."""
    head, _, verb = message.address.rpartition("/")
    return head == "/reatrieve" and verb in VERBS and not message.tags.startswith("ss") and len(message.tags) <= 2


def _mismatch(hello: Hello) -> str:
    ours, theirs = (
        f"daemon {__version__} speaks protocol {PROTOCOL}",
        f"script {hello.script_version} protocol {hello.protocol}",
    )
    if hello.protocol < PROTOCOL:
        return f"{ours}, {theirs}: update the script (Extensions > ReaPack > Synchronize packages)"
    return f"{ours}, {theirs}: update the daemon (pip install -U reatrieve) and start it again (reatrieve serve)"
