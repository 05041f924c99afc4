"""Reliable, ordered delivery over a carrier that loses, doubles and reorders, as a plain state machine.

docs/protocol.md, "Link". ``DaemonLink`` is one client as the daemon sees it; ``link.lua`` and, for the tests,
``tests/client_link.py`` are the other end. It is told the time, in seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

from reatrieve.bridge.messages import Command, Event

__all__ = ["DaemonLink"]

MAX_GAP = 1024
"""Messages kept past a gap; what is further ahead is dropped and comes again."""

MAX_EVENTS = 4096
"""Events kept for a client that does not say it saw them."""

WINDOW = 64
"""Events under way at once: at 150 bytes each they fit the smallest default socket buffer many times over."""


@dataclass(slots=True)
class _Sent:
    event: Event
    sent_s: float | None = None


class DaemonLink:
    """One client: its commands come in here in order, events for it wait here until they were seen.

    Parameters
    ----------
    now_s : the time now.
    resend_after_s : an event sent less than this ago is not sent again (UDP 0.05, spool 2).
    silent_after_s : a client not heard for longer gets nothing until it speaks again.
    """

    def __init__(self, now_s: float, *, resend_after_s: float = 0.05, silent_after_s: float = 30.0) -> None:
        self.resend_after_s = resend_after_s
        self.silent_after_s = silent_after_s
        self.heard_s = now_s
        self._next_id = 1
        self._waiting: dict[int, Command] = {}
        self._unhandled: set[int] = set()
        self._last_seq = 0
        self._seen = 0
        self._events: OrderedDict[int, _Sent] = OrderedDict()
        self._resend_upto = 0
        self._unseen: Counter[type[Event]] = Counter()

    @property
    def upto(self) -> int:
        """The highest command id handled without a gap: what ``ack``, ``pong`` and ``welcome`` name."""
        return min(self._unhandled) - 1 if self._unhandled else self._next_id - 1

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._last_seq

    @property
    def last_seen(self) -> int:
        """The number of the last event that the client has seen."""
        return self._seen

    @property
    def overflowed(self) -> bool:
        """Whether the client is so far behind that it must be forgotten."""
        return len(self._events) > MAX_EVENTS

    @property
    def has_room(self) -> bool:
        """Whether a long list may go on: half of ``MAX_EVENTS`` is kept for other events."""
        return len(self._events) < MAX_EVENTS // 2

    def unseen(self, kind: type[Event]) -> int:
        """How many events of this kind the client has not seen yet."""
        return self._unseen[kind]

    def is_silent(self, now_s: float) -> bool:
        """Whether the client has not been heard for a while."""
        return now_s - self.heard_s > self.silent_after_s

    def hear(self, now_s: float) -> None:
        """The client sent something, whatever it was."""
        self.heard_s = now_s

    def receive(self, number: int, command: Command) -> list[tuple[int, Command]]:
        """Take one numbered command; returns those that are now in turn, each id once ever.

        Each returned id must be given to ``handled`` in the end.
        """
        if self._next_id <= number < self._next_id + MAX_GAP:
            self._waiting.setdefault(number, command)
        ready: list[tuple[int, Command]] = []
        while self._next_id in self._waiting:
            ready.append((self._next_id, self._waiting.pop(self._next_id)))
            self._unhandled.add(self._next_id)
            self._next_id += 1
        return ready

    def handled(self, number: int) -> None:
        """Command ``number`` is carried out (a session command: journalled) and may be acked."""
        self._unhandled.discard(number)

    def push(self, event: Event) -> int:
        """Queue one event for the client; returns its seq."""
        self._last_seq += 1
        self._events[self._last_seq] = _Sent(event)
        self._unseen[type(event)] += 1
        return self._last_seq

    def seen(self, upto: int) -> None:
        """The client handled every event up to ``upto``; what follows is sent again if it was sent a while ago."""
        upto = min(upto, self._last_seq)
        if upto < self._seen:
            return  # an old ``seen`` that was overtaken
        self._seen = upto
        while self._events and next(iter(self._events)) <= upto:
            self._unseen[type(self._events.popitem(last=False)[1].event)] -= 1
        self._resend_upto = self._last_seq

    def due(self, now_s: float) -> list[tuple[int, Event]]:
        """Events to send now: new ones, and after a ``seen`` those that seem lost, at most ``WINDOW`` ahead of what
        was seen."""
        if self.is_silent(now_s):
            return []
        due: list[tuple[int, Event]] = []
        for seq, sent in self._events.items():
            if seq > self._seen + WINDOW:
                break
            again = seq <= self._resend_upto and sent.sent_s is not None and now_s - sent.sent_s >= self.resend_after_s
            if sent.sent_s is None or again:
                sent.sent_s = now_s
                due.append((seq, sent.event))
        self._resend_upto = 0
        return due
