"""What REAPER keeps outside projects: ext state with its file, answers to dialogs, text shown to the user, pointers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reatrieve.headless.listing import Version
from reatrieve.headless.model import Thing
from reatrieve.headless.wire import Handle, LuaError

__all__ = ["Dialog", "DialogAnswer", "Dialogs", "ExtState", "Pointers", "Status"]


class Pointers:
    """What Lua's pointers stand for.

    With ``reused`` the address of something that is gone belongs to the next thing of its kind that was made later, as
    in REAPER's memory: a script that kept the old pointer then holds the new thing. ``present`` gives the things of a
    kind that are there.
    """

    def __init__(self, reused: bool, present: Callable[[str], Iterable[Thing]]) -> None:
        self._reused = reused
        self._present = present
        self._things: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # by id() of the thing, which is kept alive by _things
        self._kinds: dict[str, list[int]] = {}

    def handle(self, thing: Any) -> Handle:
        """The pointer to a thing, the same one each time."""
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._free(thing) if self._reused and isinstance(thing, Thing) and thing.alive else None
            if number is None:
                number = len(self._things) + 1
                self._kinds.setdefault(thing.kind, []).append(number)
            self._point(number, thing)
        return Handle(number)

    def move(self, old: Any, new: Any) -> None:
        """Let the pointer to one thing stand for another, as when a tab takes up another project."""
        number = self._numbers.get(id(old))
        if number is not None:
            self._point(number, new)

    def thing(self, handle: Handle) -> Any:
        """What a pointer stands for."""
        thing = self._things[handle.id]
        if self._reused and isinstance(thing, Thing) and thing.died is not None:
            for other in self._present(thing.kind):
                if id(other) not in self._numbers and other.born > thing.died:
                    self._point(handle.id, other)
                    return other
        return thing

    def _free(self, thing: Thing) -> int | None:
        """The address of something of its kind that was gone before it came, the one last given out first."""
        for number in reversed(self._kinds.get(thing.kind, [])):
            before = self._things[number]
            if before.died is not None and before.died < thing.born:
                return number
        return None

    def _point(self, number: int, thing: Any) -> None:
        before = self._things.get(number)
        if before is not None:
            del self._numbers[id(before)]
        self._things[number] = thing
        self._numbers[id(thing)] = number


INI_KEEPS_LINES: Version = (7, 40)
"""From this version on a persistent value loses its newlines instead of breaking the file."""

WINDOWS_SECTION_BYTES = 65535
"""What Windows reads of one section of an ini file."""


class ExtState:
    """Sections of keys and strings, shared by all scripts; persistent ones also stand in reaper-extstate.ini."""

    def __init__(self, path: Path, *, at_once: bool, version: Version, windows: bool) -> None:
        self._path = path
        self._at_once = at_once
        self._strips = version >= INI_KEEPS_LINES
        self._windows = windows
        self._values: dict[tuple[str, str], tuple[str, str]] = {}
        self._persistent: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._load()

    def get(self, section: str, key: str) -> str | None:
        """The value, or None; neither section nor key cares about case."""
        found = self._values.get(_folded(section, key))
        return found[1] if found else None

    def set(self, section: str, key: str, value: str, persist: bool) -> None:
        """Keep a value, in the file too if asked: there a newline breaks it (until 7.39) or goes (from 7.40 on)."""
        self._values[_folded(section, key)] = (key, value)
        if persist:
            if self._strips:
                value = value.replace("\r", "").replace("\n", "")
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
        section, size = "", 0
        for line in self._path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
            if line.startswith("[") and line.endswith("]"):
                section, size = line[1:-1], 0
            elif "=" in line:
                size += len(line.encode("utf-8", "surrogateescape")) + 1
                if self._windows and size > WINDOWS_SECTION_BYTES:
                    continue
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
        self._path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


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


@dataclass(frozen=True, slots=True)
class DialogAnswer:
    """What the user will say to a dialog, and for how many seconds the dialog stands open before."""

    value: Any
    after_s: float = 0.0


@dataclass(slots=True)
class Dialogs:
    """Answers that wait for dialogs, in order, and the dialogs that came; one without an answer is an error.

    ``stands_open`` is called with the seconds for which a dialog stands open.
    """

    stands_open: Callable[[float], None]
    seen: list[Dialog] = field(default_factory=list)
    waiting: deque[DialogAnswer] = field(default_factory=deque)

    def ask(self, kind: str, text: str, title: str = "", buttons: int = 0) -> Any:
        """The next answer; callables get the text and give the answer.

        Raises
        ------
        LuaError
            If no answer waits.
        """
        if not self.waiting:
            raise LuaError(
                f"nobody answers this {kind} dialog: {title!r}: {text!r} (give the host its answer first: answer())"
            )
        coming = self.waiting.popleft()
        if coming.after_s:
            self.stands_open(coming.after_s)
        answer = coming.value(text) if callable(coming.value) else coming.value
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
