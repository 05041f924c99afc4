"""OSC bytes both ways: exact doubles, UTF-8, strictness, and python-osc as the judge of what we write."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage as TheirMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from reatrieve.bridge import osc
from reatrieve.errors import ProtocolError


def test_one_message_to_the_byte():
    packet = osc.encode("/a", "isdb", (-1, "é", 0.1, b"\x01\x02\x03"))
    expected = b"/a\0\0" + b",isdb\0\0\0" + b"\xff\xff\xff\xff" + "é".encode() + b"\0\0"
    expected += struct.pack(">d", 0.1) + b"\0\0\0\x03\x01\x02\x03\0"
    assert packet == expected


def test_python_osc_reads_what_we_write():
    values = (2**31 - 1, -(2**31), 1e-300, "Stücke/拍.wav", b"\0\xff")
    theirs = TheirMessage(osc.encode("/reatrieve/x", "iidsb", values))
    assert tuple(theirs.params) == values
    assert theirs.address == "/reatrieve/x"


def test_a_controllers_message_is_read():
    builder = OscMessageBuilder(address="/reatrieve/accept")
    builder.add_arg("token")
    builder.add_arg(1.0)
    builder.add_arg(True)
    builder.add_arg(False)
    assert osc.decode(builder.build().dgram) == [
        osc.OscMessage("/reatrieve/accept", "sfTF", ("token", 1.0, True, False))
    ]


def test_bundles_are_unpacked_in_order():
    inner = OscBundleBuilder(0)
    inner.add_content(OscMessageBuilder(address="/two").build())
    outer = OscBundleBuilder(0)
    outer.add_content(OscMessageBuilder(address="/one").build())
    outer.add_content(inner.build())
    outer.add_content(OscMessageBuilder(address="/three").build())
    assert [message.address for message in osc.decode(outer.build().dgram)] == ["/one", "/two", "/three"]


def test_bundles_nested_as_deep_as_is_allowed_are_unpacked_and_one_deeper_is_refused():
    packet = osc.encode("/x", "", ())
    for _ in range(osc.MAX_BUNDLE_DEPTH):
        packet = b"#bundle\0" + bytes(8) + struct.pack(">i", len(packet)) + packet
    assert [message.address for message in osc.decode(packet)] == ["/x"]
    packet = b"#bundle\0" + bytes(8) + struct.pack(">i", len(packet)) + packet
    with pytest.raises(ProtocolError, match=f"nested deeper than {osc.MAX_BUNDLE_DEPTH}"):
        osc.decode(packet)


def test_the_longest_packet_that_is_received_and_a_longer_one():
    def packet(n_bytes):
        return b"/a\0\0,b\0\0" + struct.pack(">i", n_bytes - 12) + bytes(n_bytes - 12)

    assert len(osc.decode(packet(osc.MAX_RECEIVED_BYTES))[0].values[0]) == osc.MAX_RECEIVED_BYTES - 12
    with pytest.raises(ProtocolError, match=f"longer than {osc.MAX_RECEIVED_BYTES}"):
        osc.decode(packet(osc.MAX_RECEIVED_BYTES + 4))


def test_the_empty_blob_crosses():
    assert osc.decode(osc.encode("/x", "b", (b"",)))[0].values == (b"",)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"/a",
        b"abc\0,\0\0\0",
        b"/a\0\0i\0\0\0",
        b"/a\0\0,i\0\0",
        b"/a\0\0,f\0\0",
        b"/a\0\0,d\0\0\0\0\0\0",
        b"/a\0\0,s\0\0abcd",
        b"/a\0\0,s\0\0\xff\xfe\0\0",
        b"/a\0\0,i\0\0\0\0\0\x01\0\0\0\0",
        b"/a\0\0,Q\0\0",
        b"/a\0\0,b\0\0\xff\xff\xff\xff",
        b"/a\0\0,b\0\0\0\0\0\x09\0\0\0\0",
        b"/a\0x,\0\0\0",
        b"#bundle\0\0\0\0\0",
        b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\x08/a\0\0",
        b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\0",
    ],
)
def test_what_is_not_osc_is_refused(packet):
    with pytest.raises(ProtocolError):
        osc.decode(packet)


@pytest.mark.parametrize(
    ("tags", "values"),
    [
        ("i", (2**31,)),
        ("h", (1,)),
        ("i", (1.0,)),
        ("i", (True,)),
        ("d", ("1",)),
        ("s", ("a\0b",)),
        ("s", ("\ud800",)),
        ("s", (b"x",)),
        ("b", ("x",)),
        ("f", (1.0,)),
        ("ii", (1,)),
        ("s", ("x" * 8000,)),
    ],
)
def test_values_that_do_not_fit_are_refused(tags, values):
    with pytest.raises(ProtocolError):
        osc.encode("/x", tags, values)


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_else(packet):
    with contextlib.suppress(ProtocolError):
        osc.decode(packet)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"/reatrieve/answer\0\0\0", b"#bundle\0\0\0\0\0\0\0\0\x01", b"/a\0\0,iidsbTF\0\0\0\0"]),
)
def test_random_tails_raise_nothing_else(tail, head):
    for packet in (head + tail, (head + tail)[: (len(head) + len(tail)) // 4 * 4]):
        try:
            messages = osc.decode(packet)
        except ProtocolError:
            continue
        assert all(len(message.tags) == len(message.values) for message in messages)
