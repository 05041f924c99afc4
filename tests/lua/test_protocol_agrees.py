"""docs/protocol.md, messages.py and messages.lua say the same."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import lupa.lua54 as lupa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reatrieve.bridge import messages as m
from reatrieve.bridge import osc
from reatrieve.limits import LABEL_BYTES
from reatrieve.session.stopping import REST_ABOVE

ROOT = Path(__file__).resolve().parents[2]
LIB = ROOT / "reaper_scripts" / "lib"

lua = lupa.LuaRuntime(encoding=None)
lua.execute(f"package.path = {str(LIB / '?.lua')!r}".encode())
table = lua.eval(b'(require("messages"))')
TAGS = {"str": "s", "int": "i", "float": "d", "bytes": "b"}


def _python(kinds: dict[str, type]) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [(TAGS[str(field.type)], field.name) for field in dataclasses.fields(kind)]
        for name, kind in kinds.items()
    }


def _lua(which: bytes) -> dict[str, list[tuple[str, str]]]:
    return {
        name.decode(): [(field[b"tag"].decode(), field[b"name"].decode()) for field in fields.values()]
        for name, fields in table[which].items()
    }


def test_the_same_messages_with_the_same_arguments() -> None:
    assert _lua(b"commands") == _python(dict(m.COMMANDS))
    assert _lua(b"events") == _python(dict(m.EVENTS))
    assert table[b"PROTOCOL"] == m.PROTOCOL


def test_the_rest_is_taken_from_the_same_probability() -> None:
    (in_lua,) = re.findall(r"^local REST_ABOVE = ([\d.]+)", (LIB / "verbs.lua").read_text("utf-8"), re.MULTILINE)
    assert float(in_lua) == REST_ABOVE


def test_labels_are_no_longer_than_the_daemon_takes() -> None:
    (in_lua,) = re.findall(r"^local LABEL_BYTES = (\d+)", (LIB / "models.lua").read_text("utf-8"), re.MULTILINE)
    assert int(in_lua) == LABEL_BYTES


def test_the_page_says_so_too() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z_]+) \|([^|]*)\|", page, re.MULTILINE))
    for name, fields in {**_lua(b"commands"), **_lua(b"events")}.items():
        if name == "candidate":
            continue  # its last arguments are told in words
        assert [tuple(one) for one in re.findall(r"\b([sidb]) (\w+)", rows[name])] == fields, name


def _values(kind: type) -> st.SearchStrategy[dict[str, object]]:
    by_type = {
        "str": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
        "int": st.integers(1, 2**31 - 1),
        "float": st.floats(allow_nan=False, allow_infinity=False, min_value=0.5, max_value=1e9),
        "bytes": st.binary(max_size=10).map(lambda data: data + data),
    }
    return st.fixed_dictionaries({field.name: by_type[str(field.type)] for field in dataclasses.fields(kind)})


def _in_order(kind: type, values: dict[str, object]) -> list[object]:
    return [values[field.name] for field in dataclasses.fields(kind)]


def _lua_value(value: object) -> object:
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("name", sorted(m.COMMANDS))
def test_what_lua_writes_python_reads(name: str) -> None:
    kind = m.COMMANDS[name]

    @settings(max_examples=25)
    @given(_values(kind))
    def check(values: dict[str, object]) -> None:
        fields = lua.table_from({key.encode(): _lua_value(value) for key, value in values.items()})
        number = 5 if kind.NUMBERED else 0
        packet = table[b"encode_command"](name.encode(), b"client", b"token", number, fields)
        message = osc.decode(packet)[0]
        assert message.address == f"/reatrieve/{name}"
        assert message.values == ("client", "token", number, *_in_order(kind, values))

    check()


@pytest.mark.parametrize("name", sorted(m.EVENTS))
def test_what_python_writes_lua_reads(name: str) -> None:
    kind = m.EVENTS[name]

    @settings(max_examples=25)
    @given(_values(kind))
    def check(values: dict[str, object]) -> None:
        number = 7 if kind.NUMBERED else 0
        packet = osc.encode(
            f"/reatrieve/{name}", "si" + m.type_tags(kind), ("instance", number, *_in_order(kind, values))
        )
        event = table[b"decode_event"](packet)
        assert event is not None
        event = event[0] if isinstance(event, tuple) else event
        assert (event[b"name"], event[b"instance"], event[b"seq"]) == (name.encode(), b"instance", number)
        assert {key.decode(): value for key, value in event[b"fields"].items()} == {
            key: _lua_value(value) for key, value in values.items()
        }

    check()
