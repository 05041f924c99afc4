"""What REAPER keeps outside projects: ext state with its file, answers to dialogs, text shown to the user, pointers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reatrieve.headless.calls import LuaError
from reatrieve.headless.wire import Handle

__all__ = ["Dialog", "Dialogs", "ExtState", "Pointers", "Status"]


class Pointers:
    """What Lua's pointers stand for; a number is never used twice."""

    def __init__(self) -> None:
        self._things: dict[int, Any] = {}
        self._ids: dict[int, int] = {}

    def handle(self, thing: Any) -> Handle:
        """The pointer to a thing, the same one each time."""
        number = self._ids.get(id(thing))
        if number is None:
            number = len(self._things) + 1
            self._things[number] = thing  # kept: an id() of a dead object must not come back
            self._ids[id(thing)] = number
        return Handle(number)

    def thing(self, handle: Handle) -> Any:
        """What a pointer stands for."""
        return self._things[handle.id]


class ExtState:
    """Sections of keys and strings, shared by all scripts; persistent ones also stand in reaper-extstate.ini."""

    def __init__(self, path: Path, at_once: bool = True) -> None:
        self._path = path
        self._at_once = at_once
        self._values: dict[tuple[str, str], tuple[str, str]] = {}
        self._persistent: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._load()

    def get(self, section: str, key: str) -> str | None:
        """The value, or None; neither section nor key cares about case."""
        found = self._values.get(_folded(section, key))
        return found[1] if found else None

    def set(self, section: str, key: str, value: str, persist: bool) -> None:
        """Keep a value, in the file too if asked."""
        if persist and ("\n" in value or "\r" in value):
            raise LuaError("SetExtState: a persistent value cannot hold newlines (it is one line of an ini file)")
        self._values[_folded(section, key)] = (key, value)
        if persist:
            self._persistent[_folded(section, key)] = (section, key, value)
            self._changed()

    def delete(self, section: str, key: str, persist: bool) -> None:
        """Forget a value."""
        self._values.pop(_folded(section, key), None)
        if persist and _folded(section, key) in self._persistent:
            del self._persistent[_folded(section, key)]
            self._changed()

    def _changed(self) -> None:
        if self._at_once:
            self.save()

    def _load(self) -> None:
        if not self._path.exists():
            return
        section = ""
        for line in self._path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif "=" in line:
                key, value = (part.strip() for part in line.split("=", 1))
                if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":  # as ini files are read on Windows
                    value = value[1:-1]
                self._values[_folded(section, key)] = (key, value)
                self._persistent[_folded(section, key)] = (section, key, value)

    def save(self) -> None:
        """Write the file."""
        sections: dict[str, list[str]] = {}
        for section, key, value in self._persistent.values():
            sections.setdefault(section, []).append(f"{key}={value}")
        text = "".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
        self._path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _folded(section: str, key: str) -> tuple[str, str]:
    return section.lower(), key.lower()


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog that a script opened: its kind ("box", "inputs", "menu", "file", "task"), text, title and answer."""

    kind: str
    text: str
    title: str
    buttons: int
    answer: Any


@dataclass(slots=True)
class Dialogs:
    """Answers that wait for dialogs, in order, and the dialogs that came; one without an answer is an error."""

    seen: list[Dialog] = field(default_factory=list)
    waiting: deque[Any] = field(default_factory=deque)

    def ask(self, kind: str, text: str, title: str = "", buttons: int = 0) -> Any:
        """The next answer; callables get the text and give the answer."""
        if not self.waiting:
            raise LuaError(
                f"nobody answers this {kind} dialog: {title!r}: {text!r} (give the host its answer first: answer())"
            )
        answer = self.waiting.popleft()
        if callable(answer):
            answer = answer(text)
        self.seen.append(Dialog(kind, text, title, buttons, answer))
        return answer


@dataclass(slots=True)
class Status:
    """What the user can read without a dialog."""

    help_line: str = ""
    help_history: list[str] = field(default_factory=list)
    tooltip: str = ""
    tooltip_history: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
