"""The ReaPack package, the action list and the versions."""

from __future__ import annotations

import re
from pathlib import Path

import reatrieve

SCRIPTS = Path(__file__).resolve().parents[2] / "reaper_scripts"
CLIENT = SCRIPTS / "ReaTrieve_Client.lua"


def _actions() -> dict[str, str]:
    """The verb of each action script, by the name in the action list."""
    verbs = {}
    for path in sorted(SCRIPTS.glob("ReaTrieve_*.lua")):
        posted = re.search(r'require\("action"\)\.post\("(\w+)", here\)', path.read_text(encoding="utf-8"))
        if posted:
            verbs[path.stem.removeprefix("ReaTrieve_")] = posted[1]
    return verbs


def test_the_client_is_the_package_and_brings_every_action() -> None:
    header = CLIENT.read_text(encoding="utf-8").split("\nlocal ")[0]
    assert re.search(r"^-- @version \d", header, re.MULTILINE)
    assert re.findall(r"^--   (\[\w+\] .*)$", header.split("@about")[0], re.MULTILINE) == [
        "[main] ReaTrieve_*.lua",
        "[nomain] lib/*.lua",
        "[nomain] icons/*.png",
        "[nomain] icons/200/*.png",
        "[nomain] make_environment.py",
    ]
    for path in SCRIPTS.glob("*.lua"):
        if path != CLIENT:
            assert path.read_text(encoding="utf-8").startswith("-- @noindex\n"), path.name


def test_every_action_has_a_verb_and_every_verb_an_action() -> None:
    assert sorted(_actions().values()) == sorted(set(_actions().values()))
    text = (SCRIPTS / "lib" / "verbs.lua").read_text(encoding="utf-8")
    functions = set(re.findall(r"^function of_(?:tab|session)\.(\w+)\(", text, re.MULTILINE))
    functions |= set(re.findall(r"^of_(?:tab|session)\[\"(\w+)\"\] = function", text, re.MULTILINE))
    functions |= set(re.findall(r"(\w+) = \"", re.search(r"ANSWERS = \{(.*)\}", text)[1]))  # type: ignore[index]
    assert set(_actions().values()) == functions


def test_an_action_is_a_path_a_require_with_advice_and_one_call() -> None:
    for path in SCRIPTS.glob("*.lua"):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
        assert len(code) == 7, path.name
        assert code[2].startswith("if not pcall(require, "), path.name


def test_versions_agree() -> None:
    version = re.search(r"^-- @version (\S+)$", CLIENT.read_text(encoding="utf-8"), re.MULTILINE)
    script = re.search(
        r'^client\.VERSION = "(.*)"$', (SCRIPTS / "lib" / "client.lua").read_text(encoding="utf-8"), re.M
    )
    assert version
    assert script
    assert version[1] == script[1] == reatrieve.__version__


def test_no_console_and_boxes_only_for_decisions() -> None:
    boxes = []
    for path in SCRIPTS.rglob("*.lua"):
        text = path.read_text(encoding="utf-8")
        assert "ShowConsoleMsg" not in text, path.name
        assert not re.search(r"^\s*print\(", text, re.MULTILINE), path.name
        boxes += [path.name] * (path.parent != SCRIPTS and len(re.findall(r"reaper\.MB\(", text)))
    assert sorted(boxes) == [
        "earlier.lua",
        "events.lua",
        "finder.lua",
        "restore.lua",
        "starter.lua",
        "track_changes.lua",
    ]


def _fields() -> list[str]:
    """The fields of a session, as its class declares them."""
    text = (SCRIPTS / "lib" / "session.lua").read_text(encoding="utf-8")
    declared = re.search(r"^---@class Session\n((?:---@field .*\n)+)", text, re.MULTILINE)
    assert declared
    return re.findall(r"^---@field (\w+)", declared[1], re.MULTILINE)


def test_a_session_has_the_fields_that_its_class_declares() -> None:
    text = (SCRIPTS / "lib" / "session.lua").read_text(encoding="utf-8")
    fields = re.search(r"^local FIELDS = \{(.*?)\n\}", text, re.MULTILINE | re.DOTALL)
    assert fields
    assert sorted([*re.findall(r"(\w+) = true", fields[1]), "model"]) == sorted(_fields())  # the model is the step's


def test_who_edits_and_who_talks() -> None:
    """Only project edits markers and undo, only the carriers do input and output with the daemon, only paint and
    the windows draw.

    Nobody but a session's own modules writes into a session.
    """
    rules = {
        r"Undo_BeginBlock|AddProjectMarker|AddRegionOrMarker\(|SetProjectMarker|DeleteProjectMarker|SetProjExtState": {
            "project",
            "places",
        },
        r"\bgfx\.": {"paint", "window", "setup_window"},
        r"socket": {"carrier_udp", "client"},
        rf"^\s*(?:[\w.]+, *)*(?:s|old|chosen|tab\.\w+)\.(?:{'|'.join(_fields())})\b[^=\s(]*(?:, *[\w.]+)* = ": set(),
        r"history:(push|amend|set_marks|replace_guids|go)\(": {"session"},
    }
    for path in (SCRIPTS / "lib").glob("*.lua"):
        if path.stem.startswith("selftest"):
            continue  # it tries out everything, in a tab of its own
        text = path.read_text(encoding="utf-8")
        for pattern, allowed in rules.items():
            assert path.stem in allowed or not re.search(pattern, text, re.MULTILINE), (path.name, pattern)


def test_modules_have_what_others_use_of_them() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (SCRIPTS / "lib").glob("*.lua")}
    for name, text in texts.items():
        text = re.sub(r'"[^"\n]*\.txt"', '""', text)  # names of files
        for module in re.findall(r'^local (\w+) = require\("\1"\)', text, re.MULTILINE):
            for member in set(re.findall(rf"(?<![\w.:]){module}\.(\w+)", text)):
                defined = rf"^(function {module}[.:]{member}\b|{module}\.{member}\b.* = )"
                assert re.search(defined, texts[module], re.MULTILINE), f"{name}.lua: {module}.{member}"
            assert re.search(rf"(?<![\w.:]){module}[.:(]", text.replace(f'require("{module}")', "")), (
                f"{name}: {module} unused"
            )


def test_every_function_is_used() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SCRIPTS.rglob("*.lua")]
    whole = "\n".join(texts)
    for text in texts:
        for owner, name in re.findall(r"^function (\w+)[.:](\w+)\(", text, re.MULTILINE):
            if name.startswith("__") or owner in ("of_tab", "of_session", "on", "draw", "shapes"):
                continue  # called by Lua, by an action, by an event, by the kind of a box or place
            uses = len(re.findall(rf"[.:]{name}\b", whole))
            definitions = len(re.findall(rf"^(?:  )?function \w+[.:]{name}\(", whole, re.MULTILINE))
            assert uses > definitions, f"{owner}.{name} is used nowhere"
