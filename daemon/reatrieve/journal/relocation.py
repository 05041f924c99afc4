"""A project that lies in another folder than before, perhaps on another machine: its sound files came with it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from reatrieve.audio.trackmap import TrackMap
from reatrieve.journal.lines import Header

__all__ = ["relocated"]

_OF_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def relocated(header: Header, project: str, *, is_file: Callable[[Path], bool] = Path.is_file) -> Header:
    """The header of a project that lies at ``project`` now. A sound file that is no longer where it was, and lay in the
    folder of the project, is looked for at the same place in the folder where the project lies now.

    Parameters
    ----------
    header : of the journal; its project may have been written by another system.
    project : path of the project file.
    is_file : asked of each place; an ``OSError`` counts as no.
    """
    items = []
    for item in header.track_map.items:
        there = along(item.path, header.project, project)
        if there is not None and not _asked(is_file, item.path) and _asked(is_file, there):
            item = dataclasses.replace(item, path=there)
        items.append(item)
    return dataclasses.replace(header, project=project, track_map=TrackMap(tuple(items)))


def along(path: PurePath, before: str, now: str) -> Path | None:
    """Where a file lies that moved along with its project; None: it lay in no folder of it."""
    if not before or not now or before == now:
        return None
    flavour: type[PurePath] = PureWindowsPath if _OF_WINDOWS.match(before) else PurePosixPath
    text = path.as_posix() if flavour is PurePosixPath else str(path)  # Windows writes its own separators into any path
    try:
        inside = flavour(text).relative_to(flavour(before).parent)
    except ValueError:
        return None
    return None if ".." in inside.parts else Path(now).parent.joinpath(*inside.parts)


def _asked(is_file: Callable[[Path], bool], path: Path) -> bool:
    try:
        return is_file(path)
    except (OSError, ValueError):
        return False
