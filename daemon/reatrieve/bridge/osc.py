"""OSC 1.0 packets <-> addresses, type tags and values; strict both ways.

The bytes of single arguments are python-osc's business (``pythonosc.parsing.osc_types``). What is done here is what
its message class does not: it skips unknown type tags and then misreads what follows, pads short floats, accepts
trailing rubbish and guesses tags from Python values (floats become float32, big integers change their tag).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from pythonosc.parsing import osc_types

from reatrieve.errors import ProtocolError

__all__ = ["MAX_PACKET_BYTES", "OscMessage", "Value", "decode", "encode"]

Value: TypeAlias = "int | float | str | bytes | bool"

MAX_PACKET_BYTES = 8000
"""Largest message either side sends (macOS lets 9,216 bytes through, python-osc's blocking server reads 8,192)."""

MAX_RECEIVED_BYTES = 65536
MAX_BUNDLE_DEPTH = 4
BUNDLE = b"#bundle\x00"


@dataclass(frozen=True, slots=True)
class OscMessage:
    """One message as it crossed: ``tags`` holds one letter of ``ihfdsbTF`` for each of ``values``."""

    address: str
    tags: str
    values: tuple[Value, ...]


def encode(address: str, tags: str, values: Sequence[Value]) -> bytes:
    """Bytes of one message with exactly these type tags.

    Parameters
    ----------
    address : str
        Begins with ``/``.
    tags : str
        One of ``i d s b`` for each value; ``f`` is refused, times never cross as float32.
    values : sequence
        As many as ``tags``; ``i`` within 32 bits, ``s`` without NUL.

    Raises
    ------
    ProtocolError
        If a value does not fit its tag or the packet would be longer than ``MAX_PACKET_BYTES``.
    """
    if len(tags) != len(values):
        raise ProtocolError(f"{address}: {len(values)} values for the type tags '{tags}'")
    packet = _string(address) + _string("," + tags)
    packet += b"".join(_argument(address, tag, value) for tag, value in zip(tags, values, strict=True))
    if len(packet) > MAX_PACKET_BYTES:
        raise ProtocolError(
            f"{address}: {len(packet)} bytes are more than the {MAX_PACKET_BYTES} of one message; shorten its texts"
        )
    return packet


def decode(packet: bytes) -> list[OscMessage]:
    """Messages of one packet, in order; a bundle is unpacked (its time tag is ignored), also one in a bundle.

    Raises
    ------
    ProtocolError
        For whatever is not OSC 1.0 to the last byte, and for type tags other than ``i h f d s b T F``.
    """
    if len(packet) > MAX_RECEIVED_BYTES:
        raise ProtocolError(f"a packet of {len(packet)} bytes is longer than {MAX_RECEIVED_BYTES}")
    return _packet(bytes(packet), depth=0)


def _packet(packet: bytes, *, depth: int) -> list[OscMessage]:
    if len(packet) == 0 or len(packet) % 4 != 0:
        raise ProtocolError(f"a packet of {len(packet)} bytes is not OSC; its length must be a positive multiple of 4")
    if not packet.startswith(BUNDLE):
        return [_message(packet)]
    if depth >= MAX_BUNDLE_DEPTH:
        raise ProtocolError(f"bundles are nested deeper than {MAX_BUNDLE_DEPTH}")
    index = len(BUNDLE) + 8
    if len(packet) < index:
        raise ProtocolError("a bundle ends before its time tag")
    messages: list[OscMessage] = []
    while index < len(packet):
        size = int.from_bytes(packet[index : index + 4], "big", signed=True)
        index += 4
        if size <= 0 or index + size > len(packet):
            raise ProtocolError(f"a bundle element claims {size} bytes, {len(packet) - index} are left")
        messages += _packet(packet[index : index + size], depth=depth + 1)
        index += size
    return messages


def _message(packet: bytes) -> OscMessage:
    address, index = _read_string(packet, 0)
    if not address.startswith("/"):
        raise ProtocolError(f"an OSC address begins with '/', not {address[:40]!r}")
    if index == len(packet):  # very old senders leave out the type tags of a message without arguments
        return OscMessage(address, "", ())
    tags, index = _read_string(packet, index)
    if not tags.startswith(","):
        raise ProtocolError(f"{address}: the type tags begin with ',', not {tags[:40]!r}")
    tags = tags[1:]
    values: list[Value] = []
    for tag in tags:
        value, index = _read_argument(packet, index, tag, address)
        values.append(value)
    if index != len(packet):
        raise ProtocolError(f"{address}: {len(packet) - index} bytes after the last argument")
    return OscMessage(address, tags, tuple(values))


_FIXED_BYTES = {"i": 4, "f": 4, "d": 8}
_READERS = {"i": osc_types.get_int, "f": osc_types.get_float, "d": osc_types.get_double}


def _read_argument(packet: bytes, index: int, tag: str, address: str) -> tuple[Value, int]:
    if tag in "TF":
        return tag == "T", index
    if tag == "s":
        return _read_string(packet, index)
    if tag == "b":
        return _read_blob(packet, index, address)
    if tag not in _READERS:
        raise ProtocolError(f"{address}: type tag {tag!r} is not used here")
    if index + _FIXED_BYTES[tag] > len(packet):
        raise ProtocolError(f"{address}: ends inside an argument '{tag}'")
    return cast("tuple[Value, int]", _READERS[tag](packet, index))


def _read_string(packet: bytes, index: int) -> tuple[str, int]:
    end = packet.find(b"\x00", index)
    after = end + 4 - (end - index) % 4
    if end < 0 or after > len(packet) or any(packet[end:after]):
        raise ProtocolError("a text has no end, or rubbish in its padding")
    try:
        return packet[index:end].decode("utf-8"), after
    except UnicodeDecodeError as exc:
        raise ProtocolError(f"a text is not UTF-8: {exc}") from exc


def _read_blob(packet: bytes, index: int, address: str) -> tuple[bytes, int]:
    if index + 4 > len(packet):
        raise ProtocolError(f"{address}: ends before the size of a blob")
    size = int.from_bytes(packet[index : index + 4], "big", signed=True)
    if size < 0 or index + 4 + size + (-size) % 4 > len(packet):
        raise ProtocolError(f"{address}: a blob claims {size} bytes, {len(packet) - index - 4} are left")
    return osc_types.get_blob(packet, index)


def _argument(address: str, tag: str, value: Value) -> bytes:
    try:
        if tag == "s" and isinstance(value, str):
            return _string(value)
        if tag == "b" and isinstance(value, bytes):
            return osc_types.write_blob(value) if value else bytes(4)  # python-osc refuses the empty blob, OSC does not
        if tag == "d" and isinstance(value, (float, int)) and not isinstance(value, bool):
            return osc_types.write_double(float(value))
        if tag == "i" and isinstance(value, int) and not isinstance(value, bool):
            return osc_types.write_int(value)
    except (osc_types.BuildError, struct.error, OverflowError) as exc:
        raise ProtocolError(f"{address}: {value!r} does not fit the type tag '{tag}'") from exc
    raise ProtocolError(f"{address}: {value!r} does not fit the type tag '{tag}'")


def _string(text: str) -> bytes:
    if "\x00" in text:
        raise ProtocolError(f"the text {text[:40]!r} holds a NUL, which ends an OSC string")
    try:
        return osc_types.write_string(text)
    except osc_types.BuildError as exc:  # lone surrogates, from file names that are not UTF-8
        raise ProtocolError(f"the text {text[:40]!r} cannot be written as UTF-8") from exc
