"""The ReaPack package, the action list and the versions."""

from __future__ import annotations

import re
from pathlib import Path

import reatrieve

SCRIPTS = Path(__file__).resolve().parents[2] / "reaper_scripts"
CLIENT = SCRIPTS / "ReaTrieve_Client.lua"


def test_every_action_is_in_the_package_and_only_the_client_is_a_package() -> None:
    header = CLIENT.read_text(encoding="utf-8").split("\nlocal ")[0]
    assert re.search(r"^-- @version \d", header, re.MULTILINE)
    provided = re.findall(r"^--   \[main\] (ReaTrieve_.*\.lua)$", header, re.MULTILINE)
    assert "[nomain] lib/*.lua" in header
    actions = sorted(path.name for path in SCRIPTS.glob("*.lua") if path != CLIENT)
    assert sorted(provided) == actions
    for name in actions:
        assert (SCRIPTS / name).read_text(encoding="utf-8").startswith("-- @noindex\n"), name


def test_an_action_is_a_path_a_require_and_one_call() -> None:
    for path in SCRIPTS.glob("*.lua"):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
        assert len(code) == 3, path.name


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
        boxes += [path.name] * len(re.findall(r"reaper\.MB\(", text))
    assert sorted(boxes) == ["news.lua", "restore.lua"]


def test_who_edits_and_who_talks() -> None:
    """Only project edits markers and undo, only the carriers do input and output with the daemon, only panel draws."""
    rules = {
        r"Undo_BeginBlock|AddProjectMarker|AddRegionOrMarker\(|SetProjectMarker|DeleteProjectMarker|SetProjExtState": {
            "project"
        },
        r"\bgfx\.": {"panel"},
        r"socket": {"carrier_udp", "client"},
    }
    for path in (SCRIPTS / "lib").glob("*.lua"):
        if path.stem.startswith("selftest"):
            continue  # it tries out everything, in a tab of its own
        text = path.read_text(encoding="utf-8")
        for pattern, allowed in rules.items():
            assert path.stem in allowed or not re.search(pattern, text), (path.name, pattern)


def test_modules_have_what_others_use_of_them() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (SCRIPTS / "lib").glob("*.lua")}
    for name, text in texts.items():
        for module in re.findall(r'^local (\w+) = require\("\1"\)', text, re.MULTILINE):
            for member in set(re.findall(rf"(?<![\w.:]){module}\.(\w+)", text)):
                defined = rf"^(function {module}[.:]{member}\b|{module}\.{member}\b.* = |client\.do_verb)"
                assert re.search(defined, texts[module], re.MULTILINE), f"{name}.lua: {module}.{member}"
            assert re.search(rf"(?<![\w.:]){module}[.:(]", text.replace(f'require("{module}")', "")), (
                f"{name}: {module} unused"
            )
