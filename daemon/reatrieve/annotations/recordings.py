"""Names of recordings as tables write them: folders of any system, whole paths of other machines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["recording_names", "same_recording"]

ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")


def recording_names(paths: Iterable[str]) -> dict[str, str]:
    """A name for each path that occurs in a table, a different one for each recording.

    Relative paths keep their folders, with ``/`` between them. Whole paths belong to the machine that wrote them: of
    these the file's name is left, with as many folders before it as tell it from the others.
    """
    parts = {path: _parts(path) for path in dict.fromkeys(paths)}
    relative = {path: "/".join(own) for path, own in parts.items() if not ABSOLUTE.match(path)}
    names = dict(relative)
    open_paths = {path: own for path, own in parts.items() if path not in relative}
    tails = Counter("/".join(own[-n:]) for own in set(open_paths.values()) for n in range(1, len(own) + 1))
    taken = set(relative.values())
    for path, own in open_paths.items():
        wanted = ("/".join(own[-n:]) for n in range(1, len(own) + 1))
        names[path] = next((name for name in wanted if tails[name] == 1 and name not in taken), path)
    return names


def same_recording(one: str, other: str) -> bool:
    """Whether two names may mean one file: the same name, in the folders that both give."""
    a, b = _parts(one), _parts(other)
    shared = min(len(a), len(b))
    return shared > 0 and a[-shared:] == b[-shared:]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[/\\]+", path) if part not in ("", "."))
