"""The UDP carrier: one asyncio datagram endpoint, one OSC packet a datagram."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import TypeAlias, cast

from reatrieve.errors import InputError

__all__ = ["Address", "UdpCarrier", "is_loopback"]

logger = logging.getLogger(__name__)

RECEIVE_BYTES = 1 << 20

Address: TypeAlias = "tuple[str, int]"
"""Where a datagram came from."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``; names other than ``localhost`` count as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class UdpCarrier(asyncio.DatagramProtocol):
    """Receives datagrams into ``on_packet(packet, address)`` and sends them; made by ``open``."""

    def __init__(self, on_packet: Callable[[bytes, Address], None]) -> None:
        self._on_packet = on_packet
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, port: int, on_packet: Callable[[bytes, Address], None]) -> UdpCarrier:
        """Bind ``host:port`` (0: any free port).

        Raises
        ------
        InputError
            If the port is taken or the host is none of this machine's.
        """
        loop = asyncio.get_running_loop()
        try:
            _, protocol = await loop.create_datagram_endpoint(lambda: cls(on_packet), local_addr=(host, port))
        except (OSError, ValueError) as exc:  # ValueError: a host that is no name at all
            raise InputError(f"UDP port {port} on {host} cannot be opened ({exc}); choose another with --port") from exc
        return protocol

    @property
    def port(self) -> int:
        """The port that was bound."""
        if self._transport is None:
            return 0
        return cast("int", self._transport.get_extra_info("sockname")[1])

    def send(self, packet: bytes, address: Address) -> None:
        """Send one datagram; what the network cannot take now is lost, as datagrams are."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(packet, address)

    def close(self) -> None:
        """Stop receiving and sending."""
        if self._transport is not None:
            self._transport.close()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; a track of a thousand items comes in one burst."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[object, ...]) -> None:
        """Hand one datagram on."""
        self._on_packet(data, cast("Address", addr[:2]))

    def error_received(self, exc: Exception) -> None:
        """An earlier datagram found nobody: the client is gone or not back yet, and says so itself."""
        logger.debug("datagram not delivered: %s", exc)
