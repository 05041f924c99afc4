"""The message table: codec properties, checks when made, and agreement with docs/protocol.md."""

import contextlib
import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reatrieve import limits
from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.errors import ProtocolError

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
INT32 = st.integers(-(2**31), 2**31 - 1)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {"s": TEXT, "i": INT32, "d": DOUBLE, "b": st.binary(max_size=64)}
KINDS = [*m.COMMANDS.values(), *m.EVENTS.values()]

SPECIAL = {
    "index": st.integers(0, 10**6), "page": st.just(2), "pages": st.integers(3, 9), "rate_hz": st.integers(1, 192000),
    "samples": st.binary(max_size=32).map(lambda b: b + b), "length_s": st.floats(1e-6, 1e6), "rate": st.floats(0.01,
    40), "bpm": st.floats(1, 999), "numerator": st.integers(1, 99), "denominator": st.integers(1, 64), "budget":
    st.integers(1, 99), "items": st.integers(1, 500), "extra": st.integers(1, 50), "verdict":
    st.sampled_from(["accept", "reject", "skip"]), "verb": st.sampled_from(m.VERBS), "anchor":
    st.sampled_from(["start", "onset", "peak"]), "snap": st.integers(0, 64), "audio": st.sampled_from(["source",
    "render", "track"]), "share": st.floats(0, 1), "start_s": st.floats(-1e5, 1e5), "end_s": st.floats(1.001e5, 1e6),
}  # fmt: skip


def strategy(kind):
    fields = {}
    for field, tag in zip(dataclasses.fields(kind), m.type_tags(kind), strict=True):
        fields[field.name] = SPECIAL.get(field.name, VALUES[tag])
    if kind is m.Known:
        fields["verdict"] = st.sampled_from(["accept", "reject"])
    if kind in (m.Find, m.Prepare):
        fields["session"] = TEXT.filter(bool)
    if kind is m.Anchors:
        fields["kind"] = SPECIAL["anchor"]
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.NAME)
@given(data=st.data())
def test_decode_encode_is_the_message(kind, data):
    message = data.draw(strategy(kind))
    number = data.draw(st.integers(1, 2**31 - 1)) if kind.NUMBERED else 0
    if issubclass(kind, m.Command):
        header = m.CommandHeader("client-1", data.draw(TEXT), number)
        (packed,) = osc.decode(m.encode_command(header, message))
        assert m.decode_command(packed) == (header, message)
    else:
        header = m.EventHeader(data.draw(TEXT), number)
        (packed,) = osc.decode(m.encode_event(header, message))
        assert m.decode_event(packed) == (header, message)


def page_rows(title):
    """(name, type tags) of each row of one table of the page; repeated groups written out."""
    section = re.search(rf"^## {title}.*?(?=^## )", PAGE.read_text(encoding="utf-8"), re.M | re.S).group()
    for name, arguments in re.findall(r"^\| (\w+) \| ?([^|]*) \|", section, re.M):
        if name == "address":
            continue
        head, group, tail = arguments.partition("then for each of accept, reject, skip:")
        arguments = head + 3 * (tail + ",") if group else arguments
        yield name, re.findall(r"\b([sidhb]) (\w+)", arguments)


@pytest.mark.parametrize(("title", "table"), [("Commands", m.COMMANDS), ("Events", m.EVENTS)])
def test_the_page_and_the_dataclasses_agree(title, table):
    rows = dict(page_rows(title))
    assert list(rows) == list(table)
    for name, arguments in rows.items():
        assert "".join(tag for tag, _ in arguments) == m.type_tags(table[name]), name
        names = [field.name for field in dataclasses.fields(table[name])]
        assert all(ours.endswith(theirs) for ours, (_, theirs) in zip(names, arguments, strict=True)), name
    unnumbered = {name for name, kind in table.items() if not kind.NUMBERED}
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in re.search(r"\*unnumbered\*.*?\)", page, re.S).group() for name in unnumbered)


def test_the_page_and_the_limits_agree():
    section = re.search(r"^## Limits.*?(?=^## )", PAGE.read_text(encoding="utf-8"), re.M | re.S).group()
    rows = re.findall(r"^\| [^|]* \| (\d+(?:\.\d+)?)[^|]* \| (\w+) \|", section, re.M)
    listed = {name: float(figure) for figure, name in rows}
    kept = {name: getattr(limits, name) for name in limits.__all__}
    assert listed == {name: kept[name] for name in listed}
    assert set(kept) - set(listed) == {"NUMBER", "WALL_TIME_S"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: m.Seen(1.0),
        lambda: m.Seen(True),
        lambda: m.Seen(2**31),
        lambda: m.Resume(b"x"),
        lambda: m.Resume("a\0"),
        lambda: m.Rest("s", float("nan")),
        lambda: m.Rest("s", 1),
        lambda: m.Answer("s", "o", 1, "maybe", 0.0, 1.0),
        lambda: m.Answer("s", "o", 1, "accept", 1.0, 1.0),
        lambda: m.Answer("s", "o", 1, "undo", 0.0, 1.0),
        lambda: m.More("s", "o", -1),
        lambda: m.Probe("s", 0, 0, 1, 0.0, 44100, b"x"),
        lambda: m.Probe("s", 0, 1, 1, 0.0, 44100, b"xx"),
        lambda: m.Progress("s", "decode", 1.01),
        lambda: m.Find("s", "l", "", "", 1.0, 1.0, 10, "", 1),
        lambda: m.Find("", "l", "", "", 0.0, 1.0, 10, "", 1),
        lambda: m.Tempo("s", 0, 0.0, 0.0, 4, 4, 0.0, 0),
        lambda: m.Verb("s", "delete"),
        lambda: m.Export("s", "f", "all", "stem", "", 0.0, "start", 0.0, 0, 0),
        lambda: m.Anchors("s", "middle", 0.0, 0),
    ],
)
def test_messages_are_checked_when_made(make):
    with pytest.raises(ProtocolError):
        make()


def test_headers_are_checked():
    with pytest.raises(ProtocolError, match="unnumbered"):
        m.encode_command(m.CommandHeader("c", "t", 1), m.Ping())
    with pytest.raises(ProtocolError, match="number from 1"):
        m.encode_command(m.CommandHeader("c", "t", 0), m.Resume("s"))
    for client in ("", "a/b", "..", "x" * 65, "ä", "a\n"):
        with pytest.raises(ProtocolError, match="client id"):
            m.encode_command(m.CommandHeader(client, "t", 0), m.Ping())
        with pytest.raises(ProtocolError, match="client id"):
            m.decode_command(osc.OscMessage("/reatrieve/ping", "ssi", (client, "t", 0)))


def test_wrong_types_and_names_are_refused():
    for message in (
        osc.OscMessage("/reatrieve/seen", "ssif", ("c", "t", 0, 1.0)),
        osc.OscMessage("/reatrieve/seen", "ssih", ("c", "t", 0, 1)),
        osc.OscMessage("/reatrieve/seen", "ssi", ("c", "t", 0)),
        osc.OscMessage("/reatrieve/nothing", "", ()),
        osc.OscMessage("/other/seen", "ssii", ("c", "t", 0, 1)),
        osc.OscMessage("/reatrieve/ack", "ssii", ("c", "t", 0, 1)),
    ):
        with pytest.raises(ProtocolError):
            m.decode_command(message)


@given(st.sampled_from(KINDS), st.lists(st.one_of(TEXT, INT32, DOUBLE, st.binary(max_size=8)), max_size=8), st.data())
def test_random_arguments_raise_nothing_else(kind, values, data):
    tags = "".join({str: "s", int: "i", float: "d", bytes: "b"}[type(value)] for value in values)
    message = osc.OscMessage("/reatrieve/" + kind.NAME, tags, tuple(values))
    for decode in (m.decode_command, m.decode_event):
        with contextlib.suppress(ProtocolError):
            decode(message)
