"""LuaSocket's UDP over Python's sockets: lupa's Lua exports no symbols, so the real binary cannot load into it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from reatrieve.headless.calls import Call, function
from reatrieve.headless.sockets import ClosedError


def _address(host: bytes, port: int | float) -> tuple[str, int]:
    name = host.decode()
    return ("0.0.0.0" if name == "*" else "127.0.0.1" if name == "localhost" else name), int(port)


def _failure(exc: OSError) -> tuple[None, str]:
    if isinstance(exc, ClosedError):
        return None, "refused"
    if isinstance(exc, (BlockingIOError, TimeoutError)):
        return None, "timeout"
    if isinstance(exc, (ConnectionRefusedError, ConnectionResetError)):
        return None, "connection refused"
    return None, str(exc.strerror or exc).lower()


@function("socket.udp")
def _udp(call: Call) -> int:
    return call.host.sockets.udp()


@function("socket.gettime")
def _gettime(call: Call) -> float:
    return time.time()


@function("socket.settimeout")
def _settimeout(call: Call, number: int, timeout: float | None = None, mode: bytes = b"b") -> object:
    try:
        call.host.sockets.get(number).settimeout(None if timeout is None or timeout < 0 else float(timeout))
    except OSError as exc:
        return _failure(exc)
    return 1


@function("socket.setsockname")
def _setsockname(call: Call, number: int, host: bytes, port: int) -> object:
    try:
        call.host.sockets.get(number).bind(_address(host, port))
    except OSError as exc:
        return _failure(exc)
    return 1


@function("socket.setpeername")
def _setpeername(call: Call, number: int, host: bytes, port: int = 0) -> object:
    if host == b"*":  # LuaSocket's way to disconnect: a new socket under the old number
        call.host.sockets.renew(number)
        return 1
    try:
        call.host.sockets.get(number).connect(_address(host, port))
    except OSError as exc:
        return _failure(exc)
    return 1


@function("socket.getsockname")
def _getsockname(call: Call, number: int) -> object:
    return _name(call, number, socket.socket.getsockname)


@function("socket.getpeername")
def _getpeername(call: Call, number: int) -> object:
    return _name(call, number, socket.socket.getpeername)


def _name(call: Call, number: int, ask: Callable[[socket.socket], tuple[str, int]]) -> object:
    try:
        host, port = ask(call.host.sockets.get(number))
    except OSError as exc:
        return _failure(exc)
    return host, port, "inet"


@function("socket.send")
def _send(call: Call, number: int, data: bytes) -> object:
    try:
        return call.host.sockets.get(number).send(data)
    except OSError as exc:
        return _failure(exc)


@function("socket.sendto")
def _sendto(call: Call, number: int, data: bytes, host: bytes, port: int) -> object:
    try:
        return call.host.sockets.get(number).sendto(data, _address(host, port))
    except OSError as exc:
        return _failure(exc)


@function("socket.receive")
def _receive(call: Call, number: int, size: int = 8192) -> object:
    try:
        return call.host.sockets.get(number).recv(65536)[: int(size)]
    except OSError as exc:
        return _failure(exc)


@function("socket.receivefrom")
def _receivefrom(call: Call, number: int, size: int = 8192) -> object:
    try:
        data, (host, port) = call.host.sockets.get(number).recvfrom(65536)
    except OSError as exc:
        return _failure(exc)
    return data[: int(size)], host, port


@function("socket.close")
def _close(call: Call, number: int) -> int:
    call.host.sockets.close(number)
    return 1
