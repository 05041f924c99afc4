"""The guide names every action, every setting and every message, and no message that is not said any more."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guide.shown_messages import GAP, ROOT, SCRIPTS, of_python, of_scripts, plain, words
from reatrieve.settings import Settings

GUIDE = ROOT / "docs" / "guide"
# Said by the reader of options, which is Python's own.
OF_OPTIONS = (
    "there is no option …; did you mean …?",
    "… is one argument too many; put a path with spaces into quotation marks",
    "… is unknown; did you mean …? known: …",
    "the following arguments are required: …",
)
EDGES = " ….:;,\"·'"


def page(name: str) -> str:
    return (GUIDE / f"{name}.md").read_text(encoding="utf-8")


def headings(text: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def guide() -> str:
    """All pages of the guide as one text."""
    return plain("\n".join(path.read_text(encoding="utf-8") for path in sorted(GUIDE.glob("*.md"))))


def action_names() -> list[str]:
    return sorted(path.stem.removeprefix("ReaTrieve_") for path in SCRIPTS.glob("ReaTrieve_*.lua"))


def script_settings() -> dict[str, str]:
    """The caption of each setting of the scripts, "" for those that are not asked for."""
    text = (SCRIPTS / "lib" / "settings.lua").read_text(encoding="utf-8")
    rows = re.findall(r'^  \{ key = "(\w+)"(.*)\},', text, re.MULTILINE)
    assert len(rows) > 10
    return {key: caption[1] if (caption := re.search(r'caption = "([^"]+)"', rest)) else "" for key, rest in rows}


def test_every_action_has_a_section_under_its_own_name() -> None:
    assert sorted(headings(page("actions"), 2)) == action_names()


def test_the_keys_in_the_guide_are_those_of_the_key_map() -> None:
    text = (SCRIPTS / "lib" / "action_list.lua").read_text(encoding="utf-8")
    keys = re.findall(r'name = "([^"]+)", key = "(\w)"', text)
    assert len(keys) > 5
    rows = re.findall(r"^ *\| ([^|]+) \| Shift\+Alt\+(\w) \|$", page("first-minutes"), re.MULTILINE)
    assert rows == keys


def test_every_setting_of_the_scripts_has_a_section_and_its_caption() -> None:
    sections = re.split(r"^### ", page("settings").split("\n## Of the daemon")[0], flags=re.MULTILINE)[1:]
    bodies = dict(section.split("\n", 1) for section in sections)
    captions = script_settings()
    assert sorted(bodies) == sorted(captions)
    for key, caption in captions.items():
        assert caption in bodies[key], f"docs/guide/settings.md, {key}: the menu calls it {caption!r}"


def test_settings_stand_in_the_groups_and_the_order_of_the_menu() -> None:
    text = (SCRIPTS / "lib" / "settings.lua").read_text(encoding="utf-8")
    menu: dict[str, list[str]] = {}
    for key, group in re.findall(r'^  \{ key = "(\w+)".* group = "([^"]+)"', text, re.MULTILINE):
        menu.setdefault(group, []).append(key)
    assert len(menu) > 3
    sections = re.split(r"^## ", page("settings"), flags=re.MULTILINE)[1:]
    groups = {name: headings(body, 3) for name, body in (section.split("\n", 1) for section in sections)}
    assert {name: keys for name, keys in groups.items() if name in menu} == menu
    assert [name for name in groups if name in menu] == list(menu)
    for name in menu:
        assert f"*{name}*" in page("window")


def test_every_setting_of_the_daemon_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", page("settings").split("\n## Of the daemon")[1], re.MULTILINE)
    assert sorted(rows) == sorted(field.name for field in dataclasses.fields(Settings))


def test_every_message_of_the_scripts_is_in_the_guide(guide: str) -> None:
    missing = sorted({f"{place}: {text}" for place, text in of_scripts() if text.strip(EDGES) not in guide})
    assert not missing, "add to docs/guide/troubleshooting.md, with what to do:\n" + "\n".join(missing)


def test_every_message_of_daemon_and_commands_is_in_the_guide(guide: str) -> None:
    missing = sorted({f"{place}: {text}" for place, text in of_python() if text not in guide})
    assert not missing, "add to docs/guide/messages.md, with what to do:\n" + "\n".join(missing)


def test_the_extraction_finds_what_is_shown() -> None:
    """Messages that were seen on a screen, of each kind of place in which the sources hold them."""
    scripts = {text for _, text in of_scripts()}
    assert "nothing to export: run Find and accept candidates first" in scripts
    assert "the rejections are used up: Continue (+10) or Finish" in scripts  # from a table
    assert "daemon not running: start it with reatrieve serve" in scripts
    assert not [text for text in scripts if "AddProjectMarker" in text]
    python = {text for _, text in of_python()}
    assert "name the sound file to search, or a journal with --resume" in python
    assert "… changed since it was analysed; its candidates may be off: start the search again" in python  # by a name
    assert "… plays … ms off its file in REAPER; corrected" in python  # in a pair
    assert "the token is not the running daemon's; read daemon.txt again" in python


def listed_messages() -> Iterator[tuple[str, str]]:
    """(page, message) of everything that the two pages of messages list."""
    for line in page("messages").splitlines():
        if line.startswith("- `"):
            yield "messages", line.split("`")[1]
    for row in re.findall(r"^\| (`.*?) \| .* \|$", page("troubleshooting"), re.MULTILINE):
        for message in re.findall(r"`([^`]+)`", row):
            yield "troubleshooting", message


def test_no_message_is_listed_that_is_not_said_any_more() -> None:
    literals = [text for _, text in of_scripts()] + [text for _, text in of_python()]
    sources = plain(" ".join([*literals, *OF_OPTIONS, *_all_in_quotes()]))
    listed = list(listed_messages())
    assert len(listed) > 400
    gone = [
        f"docs/guide/{name}.md: {message}"
        for name, message in listed
        if not all(part.strip(EDGES) in sources for part in plain(message).split(GAP) if words(part) > 1)
    ]
    assert not gone, "not said any more:\n" + "\n".join(gone)


def _all_in_quotes() -> list[str]:
    """All else in quotes: pieces of sentences, which are no message by themselves."""
    files = [*(SCRIPTS / "lib").glob("*.lua"), *SCRIPTS.glob("*.lua"), *_python_files()]
    return [text for path in files for text in re.findall(r'"([^"\n]*)"', path.read_text(encoding="utf-8"))]


def _python_files() -> list[Path]:
    return sorted((ROOT / "daemon" / "reatrieve").rglob("*.py"))


def test_every_code_of_the_protocol_has_a_row() -> None:
    """Codes of notes and failures as docs/protocol.md and the errors have them."""
    protocol = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = "\n".join(re.findall(r"^\| (?:note|failed|refused) \|.*$", protocol, re.MULTILINE))
    codes = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", rows)) - {"id", "text"}
    sources = "\n".join(path.read_text(encoding="utf-8") for path in _python_files())
    codes |= set(re.findall(r"^    code(?:: ClassVar\[str\])? = \"([\w-]+)\"$", sources, re.MULTILINE))
    assert {"input", "busy", "stale", "token", "lag", "probably-done"} <= codes
    rows = re.findall(r"^\| `([\w-]+)` \|", page("troubleshooting"), re.MULTILINE)
    assert codes <= set(rows), codes - set(rows)


def test_the_words_of_the_readme_are_the_figures_of_the_table() -> None:
    """One place holds the figures: the table in docs/method.md."""
    readme = plain((ROOT / "README.md").read_text(encoding="utf-8"))
    table = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    said = {
        "electronic music": r"(\d+) of 100 places in electronic music",
        "footsteps, hits, cries": r"(\d+) of 100 of footsteps, hits and cries",
        "words said again": r"(\d+) of 100 of words",
    }
    for row, words_of_it in said.items():
        figure = re.search(rf"^\| {row}[^|]*\| \*\*[\d.]+ / ([\d.]+) / [\d.]+\*\* \|", table, re.MULTILINE)
        told = re.search(words_of_it, readme)
        assert figure, row
        assert told, row
        assert abs(100 * float(figure[1]) - int(told[1])) <= 0.5 + 1e-9, f"README: {told[0]}; the table has {figure[1]}"
