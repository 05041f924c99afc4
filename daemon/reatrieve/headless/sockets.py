"""UDP sockets by number, for the LuaSocket that scripts find."""

from __future__ import annotations

import socket

__all__ = ["ClosedError", "Sockets"]


class ClosedError(OSError):
    """A socket that was closed is used again."""


class Sockets:
    """Open UDP sockets by number."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._count = 0

    def udp(self) -> int:
        """A new one; it does not block until told otherwise, as LuaSocket's does with a timeout of 0."""
        self._count += 1
        self._sockets[self._count] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        return self._count

    def get(self, number: int) -> socket.socket:
        """An open socket; of a closed one LuaSocket's UDP says "refused".

        Raises
        ------
        ClosedError
            If the socket is closed.
        """
        if number not in self._sockets:
            raise ClosedError
        return self._sockets[number]

    def renew(self, number: int) -> None:
        """Put an unconnected socket in its place."""
        self.close(number)
        self._sockets[number] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def close(self, number: int) -> None:
        """Close one; a second close does nothing."""
        found = self._sockets.pop(number, None)
        if found is not None:
            found.close()

    def close_all(self) -> None:
        """Close what scripts left open."""
        for number in list(self._sockets):
            self.close(number)
