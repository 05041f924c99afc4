"""Portable REAPERs, which cannot be found by searching: remembered in the home folder by ``install``."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from reatrieve.errors import InputError
from reatrieve.files import read_small, write_whole
from reatrieve.setup.places import Resources, resources_at

__all__ = ["forget", "forgotten", "remember", "remembered"]

FILE_NAME = "reapers.txt"
"""A resource folder a line."""

MOST_BYTES = 65_536


def remember(home: Path, folder: Path) -> None:
    """Write a resource folder down; raises ``OSError``."""
    known = _listed(home)
    if folder not in known:
        _write(home, [*known, folder])


def forget(home: Path, folder: Path) -> None:
    """Remove it from the list."""
    known = _listed(home)
    if folder in known:
        with contextlib.suppress(OSError):
            _write(home, [one for one in known if one != folder])


def forgotten(home: Path, folders: Collection[Path]) -> set[str]:
    """Names of the files in the home folder that go when these resource folders are removed from the list."""
    return {FILE_NAME} if set(_listed(home)) <= set(folders) else set()


def remembered(home: Path) -> list[Resources]:
    """Those that are still there."""
    found = []
    for folder in _listed(home):
        with contextlib.suppress(InputError):
            found.append(resources_at(folder))
    return found


def _listed(home: Path) -> list[Path]:
    try:
        text = read_small(home / FILE_NAME, max_bytes=MOST_BYTES, own=True).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return [path for path in map(Path, text.splitlines()) if path.is_absolute()]


def _write(home: Path, folders: list[Path]) -> None:
    if folders:
        write_whole(home / FILE_NAME, "".join(f"{folder}\n" for folder in folders).encode("utf-8"), private=True)
    else:
        (home / FILE_NAME).unlink(missing_ok=True)
