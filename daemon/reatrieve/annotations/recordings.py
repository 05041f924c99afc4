"""Names of recordings as tables write them: folders of any system, whole paths of other machines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

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
    tails = _Tails(set(open_paths.values()))
    taken = set(relative.values())
    for path, own in open_paths.items():
        wanted = ("/".join(own[-n:]) for n in range(tails.parts_of_its_own(own), len(own) + 1))
        names[path] = next((name for name in wanted if name not in taken), path)
    return names


class _Tails:
    """The ends of paths, as a tree from the files' names upwards: as large as the paths, however deep they are."""

    def __init__(self, paths: Iterable[tuple[str, ...]]) -> None:
        self._nodes: dict[tuple[int, str], int] = {}
        self._counts: Counter[int] = Counter()
        for own in paths:
            self._counts.update(self._walk(own))

    def parts_of_its_own(self, own: tuple[str, ...]) -> int:
        """How many parts from its end on no other path ends with; one more than it has, if there is no such number."""
        number = 1
        for node in self._walk(own):
            if self._counts[node] == 1:
                break
            number += 1
        return number

    def _walk(self, own: tuple[str, ...]) -> Iterator[int]:
        node = 0
        for part in reversed(own):
            node = self._nodes.setdefault((node, part), len(self._nodes) + 1)
            yield node


def same_recording(one: str, other: str) -> bool:
    """Whether two names may mean one file: the same name, in the folders that both give."""
    a, b = _parts(one), _parts(other)
    shared = min(len(a), len(b))
    return shared > 0 and a[-shared:] == b[-shared:]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[/\\]+", path) if part not in ("", "."))
