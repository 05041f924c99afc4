"""Scripts in the action list: their commands, names and ids."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ScriptAction", "described", "script_identifier"]


@dataclass(slots=True)
class ScriptAction:
    """A script in the action list; ``identifier`` is its ``_RS`` name without the underscore."""

    command: int
    path: Path
    identifier: str
    section: int = 0
    toggle: int = -1

    @property
    def name(self) -> str:
        """As the action list shows it."""
        return f"Script: {self.path.name}"


def script_identifier(path: Path, resources: Path) -> str:
    """``RS`` and a hash: of the path below Scripts/, so it is the same on every machine, else of the whole path."""
    try:
        text = path.relative_to(resources / "Scripts").as_posix()
    except ValueError:
        text = path.as_posix()
    return "RS" + hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def described(path: Path) -> str:
    """The description in a script's ReaPack header, else the file's stem; without the product's prefix."""
    head = path.read_bytes()[:4096].decode("utf-8", "replace")
    match = re.search(r"^--\s*@(?:description|name)[ \t]+(.+)$", head, re.MULTILINE)
    text = match[1].strip() if match else path.stem
    return re.sub(r"^ReaTrieve\s*[:_-]\s*", "", text)
