"""Where REAPER keeps its settings and scripts: its resource folders on this machine, and what can be read from them."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reatrieve.errors import InputError
from reatrieve.files import open_source

__all__ = ["OURS", "SCRIPTS", "Resources", "copies_of_scripts", "known_folders", "resources_at", "resources_found"]

INI = "reaper.ini"
REVISION = "reaper-install-rev.txt"
"""REAPER writes its version there."""

OURS = Path("ReaTrieve")
"""Our folder in a resource folder: what both sides must know of each other."""

SCRIPTS = Path("Scripts") / "ReaTrieve"
"""Where ``reatrieve install`` puts the scripts."""

CLIENT = "ReaTrieve_Client.lua"
MOST_FOLDERS = 20_000
"""A folder of scripts that is larger is searched no further."""


@dataclass(frozen=True, slots=True)
class Resources:
    """One resource folder of REAPER.

    Attributes
    ----------
    path : the folder.
    kind : ``standard``, ``flatpak``, ``snap`` or ``portable``.
    version : REAPER's version, "" where it cannot be told.
    """

    path: Path
    kind: str = "standard"
    version: str = ""

    @property
    def lua(self) -> str:
        """Lua that this REAPER embeds: 5.3 up to REAPER 6, 5.4 since 7; "" where the version is not known."""
        return "" if not self.version else "5.3" if int(self.version.split(".")[0]) < 7 else "5.4"

    @property
    def ours(self) -> Path:
        """Our own folder there."""
        return self.path / OURS

    @property
    def scripts(self) -> Path:
        """Where our scripts are copied to."""
        return self.path / SCRIPTS

    @property
    def name(self) -> str:
        """As a user may call it."""
        version = f"REAPER {self.version}" if self.version else "REAPER"
        return version + ("" if self.kind == "standard" else f" ({self.kind})")


def known_folders(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> list[tuple[Path, str]]:
    """Each place where this platform's REAPER keeps its resource folder, with its kind, whether it is there or not."""
    environ = os.environ if environ is None else environ
    user = Path(environ.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "win32":
        return [(Path(environ.get("APPDATA") or user / "AppData" / "Roaming") / "REAPER", "standard")]
    if platform == "darwin":
        return [(user / "Library" / "Application Support" / "REAPER", "standard")]
    config = Path(environ.get("XDG_CONFIG_HOME") or user / ".config")
    places = [
        (config / "REAPER", "standard"),
        (user / ".config" / "REAPER", "standard"),  # REAPER does not see what only a shell has set
        (user / ".var" / "app" / "fm.reaper.Reaper" / "config" / "REAPER", "flatpak"),
        (user / "snap" / "reaper" / "current" / ".config" / "REAPER", "snap"),
    ]
    return list(dict.fromkeys(places))


def resources_found(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> list[Resources]:
    """The resource folders on this machine in which REAPER has run."""
    found = [(path, kind) for path, kind in known_folders(environ, platform) if (path / INI).is_file()]
    return [Resources(path, kind, _version(path)) for path, kind in found]


def resources_at(path: Path, environ: Mapping[str, str] | None = None) -> Resources:
    """The resource folder that the user names: a portable REAPER's, or any other.

    Raises
    ------
    InputError
        If there is none.
    """
    path = path.expanduser().absolute()
    for known, kind in known_folders(environ):
        if known == path and (path / INI).is_file():
            return Resources(path, kind, _version(path))
    if (path / INI).is_file():
        return Resources(path, "portable", _version(path))
    why = "there is no such folder"
    if path.exists():
        why = "it holds no reaper.ini" if path.is_dir() else "it is a file"
    raise InputError(
        f"{path} is not a resource folder of REAPER: {why}. Options > Show REAPER resource path in explorer/finder "
        "opens the right one; start REAPER once if it is new"
    )


def copies_of_scripts(resources: Resources) -> list[Path]:
    """Folders below ``Scripts`` that hold our scripts, wherever they came from."""
    found = []
    top = resources.path / "Scripts"
    for count, (folder, folders, files) in enumerate(os.walk(top)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if CLIENT in files:
            found.append(Path(folder))
        if count >= MOST_FOLDERS:
            break
    return found


def kept_by_reapack(resources: Resources, folder: Path) -> bool:
    """Whether ReaPack put the scripts into ``folder`` and keeps them up to date."""
    registry = resources.path / "ReaPack" / "registry.db"
    if not registry.is_file():
        return False
    with contextlib.suppress(sqlite3.Error, ValueError, OSError):
        wanted = (folder / CLIENT).relative_to(resources.path).as_posix()
        with contextlib.closing(sqlite3.connect(f"{registry.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT 1 FROM files WHERE path = ?", (wanted,)).fetchone() is not None
    return False


def _version(path: Path) -> str:
    """Such as ``7.22`` from ``7.22/x64``; older ones wrote other things around it."""
    try:
        with open_source(path / REVISION) as file:
            text = file.read(200).decode("utf-8", "replace")
    except OSError:
        return ""
    match = re.search(r"\d+\.\d+", text)
    return match[0] if match else ""
