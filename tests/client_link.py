"""The client's end of the link in Python, as ``link.lua`` is in REAPER: what the daemon is tested against."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from reatrieve.bridge.link import MAX_GAP
from reatrieve.bridge.messages import Command, Event


@dataclass(slots=True)
class _Command:
    command: Command
    due_s: float
    wait_s: float


class ClientLink:
    """The client's end: commands wait here until acked, events come in here in order.

    Parameters
    ----------
    resend_after_s, resend_max_s : a command is repeated after this long, doubling up to that (UDP 0.1 and 1, spool 2
    and 2).
    """

    def __init__(self, *, resend_after_s: float = 0.1, resend_max_s: float = 1.0) -> None:
        self.resend_after_s = resend_after_s
        self.resend_max_s = resend_max_s
        self._last_id = 0
        self._acked = 0
        self._commands: OrderedDict[int, _Command] = OrderedDict()
        self._waiting: dict[int, Event] = {}
        self._seen = 0

    @property
    def seen_upto(self) -> int:
        """The highest seq handled: what ``seen`` names."""
        return self._seen

    @property
    def acked_upto(self) -> int:
        """The highest id that the daemon acked."""
        return self._acked

    @property
    def unacked(self) -> list[Command]:
        """Commands not acked yet, oldest first."""
        return [waiting.command for waiting in self._commands.values()]

    def send(self, command: Command, now_s: float) -> int:
        """Queue one numbered command; returns its id. ``due`` gives it out."""
        self._last_id += 1
        self._commands[self._last_id] = _Command(command, now_s, self.resend_after_s)
        return self._last_id

    def due(self, now_s: float) -> list[tuple[int, Command]]:
        """Commands to send now, new and repeated."""
        due: list[tuple[int, Command]] = []
        for number, waiting in self._commands.items():
            if now_s >= waiting.due_s:
                due.append((number, waiting.command))
                waiting.due_s = now_s + waiting.wait_s
                waiting.wait_s = min(2 * waiting.wait_s, self.resend_max_s)
        return due

    def ack(self, upto: int) -> None:
        """The daemon handled every command up to ``upto``."""
        self._acked = max(self._acked, min(upto, self._last_id))
        while self._commands and next(iter(self._commands)) <= upto:
            self._commands.popitem(last=False)

    def receive(self, seq: int, event: Event) -> list[Event]:
        """Take one numbered event; returns those that are now in turn, each seq once ever."""
        if self._seen < seq <= self._seen + MAX_GAP:
            self._waiting.setdefault(seq, event)
        ready: list[Event] = []
        while self._seen + 1 in self._waiting:
            self._seen += 1
            ready.append(self._waiting.pop(self._seen))
        return ready

    def begin_again(self) -> list[Command]:
        """Forget all numbers, for a new instance of the daemon; returns the commands that were not acked, to be sent
        anew."""
        unacked = self.unacked
        self.__init__(resend_after_s=self.resend_after_s, resend_max_s=self.resend_max_s)  # type: ignore[misc]
        return unacked
