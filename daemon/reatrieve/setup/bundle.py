"""One zip file for a bug report: what the checks say, the log and the settings, without audio, without the user's paths
and names, and without anything that lets somebody in."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import re
import socket
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePath

from reatrieve import __version__
from reatrieve.bridge.home import kept_token, read_info
from reatrieve.errors import ReatrieveError
from reatrieve.files import appearing, open_source
from reatrieve.settings import FILE_NAME as SETTINGS_FILE
from reatrieve.settings import Settings
from reatrieve.setup.places import Resources
from reatrieve.setup.where import FILE_NAME as WHERE_FILE
from reatrieve.setup.where import NOT_STARTED

__all__ = ["Mask", "write_bundle"]

SETUP_SAID = ("setup-found.txt", "setup-log.txt")
"""What the action *ReaTrieve: Setup* has kept."""

LOG_BYTES = 512 << 10
"""Of each log file the end."""

_LAST = r"(?:[^\\/:*?\"'<>|\r\n]*?\.\w{1,8}\b|[^\\/\s:*?\"'<>|,;)]*)"
_PATH = re.compile(rf"(?<![\w.<>~])(?:[A-Za-z]:[\\/]|\\\\|~?/)(?:[^\\/:*?\"<>|\r\n]+[\\/]+)*{_LAST}")
_ID = re.compile(r"\b[0-9a-fA-F]{32}\b|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_SECRET = re.compile(r"^(\s*\w*token\w*\s*[= ]\s*).*$", re.IGNORECASE | re.MULTILINE)


OUR_WORDS = {
    "audio", "cache", "codec", "daemon", "disk", "doctor", "event", "file", "find", "flatpak", "folder", "home", "host",
    "journal", "library", "linux", "log", "lua", "music", "network", "port", "process", "python", "reaper", "reatrieve",
    "render", "retriever", "root", "script", "service", "session", "setting", "setup", "sound", "spool", "token",
    "track", "udp", "user", "version", "windows",
}  # fmt: skip
"""What our own lines say, in the singular: a user who is called so is hidden only inside paths."""


class Mask:
    """Takes out of a text what is the user's own.

    Parameters
    ----------
    secrets : texts that must never appear.
    names : the user's and the machine's names.
    own : folders whose files are ours or Python's; below them paths stay readable.
    """

    def __init__(self, *, secrets: Iterable[str], names: Iterable[str], own: Iterable[tuple[Path, str]]) -> None:
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)
        self._names = [_name_pattern(name) for name in names if len(name) > 1]
        pairs = {(str(folder), word) for folder, word in own}
        self._own = sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, "<secret>")
        text = _SECRET.sub(r"\1<secret>", text)
        for folder, word in self._own:
            text = text.replace(folder, word)
        text = _ID.sub("<id>", text)
        text = _PATH.sub(self._path, text)
        for name in self._names:
            text = name.sub("<name>", text)
        return text

    @staticmethod
    def _path(match: re.Match[str]) -> str:
        """A path as a number that stays the same within a bundle, and the kind of file."""
        path = match[0]
        if path in ("/", "~/"):
            return path
        suffix = PurePath(path.replace("\\", "/")).suffix
        return f"<path {hashlib.sha256(path.encode('utf-8', 'replace')).hexdigest()[:6]}{suffix}>"


def _name_pattern(name: str) -> re.Pattern[str]:
    word = re.escape(name)
    if name.lower() in OUR_WORDS or name.lower().removesuffix("s") in OUR_WORDS:
        return re.compile(rf"(?<=[\\/]){word}(?!\w)|(?<!\w){word}(?=[\\/])", re.IGNORECASE)
    return re.compile(rf"(?<!\w){word}(?!\w)", re.IGNORECASE)


def write_bundle(target: Path, report: str, settings: Settings, reapers: Iterable[Resources]) -> list[str]:
    """Write the zip file; the names of what it holds.

    Raises
    ------
    ReatrieveError
        If it cannot be written.
    """
    reapers = list(reapers)
    mask = _mask(settings)
    contents = {"doctor.txt": report, "settings.txt": _text(settings.home / SETTINGS_FILE)}
    contents["not-started.txt"] = _text(settings.home / NOT_STARTED)
    for log in sorted(settings.logs.glob("daemon.log*")):
        contents[log.name] = _text(log)
    for number, resources in enumerate(reapers, start=1):
        contents[f"reaper-{number}.txt"] = f"{resources.name}\n{_text(resources.ours / WHERE_FILE)}"
        for name in SETUP_SAID:
            contents[f"reaper-{number}-{name}"] = _text(resources.ours / name)
    contents["sizes.txt"] = _sizes(settings)
    try:
        with appearing(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in contents.items():
                if text:
                    bundle.writestr(name, mask(text))
    except OSError as error:
        raise ReatrieveError(f"{target} cannot be written ({error.strerror or error}); name another file") from error
    return [name for name, text in contents.items() if text]


def _mask(settings: Settings) -> Mask:
    info = read_info(settings.home)
    names = [Path.home().name, socket.gethostname()]
    with contextlib.suppress(Exception):  # no such user, or no name for it: the ways it fails differ
        names.append(getpass.getuser())
    package = Path(__file__).resolve().parents[1]
    own = [(package, "reatrieve"), (Path(os.__file__).parent, "python"), (Path(sys.prefix), "environment")]
    own += [(settings.home, "<home>"), (Path(os.path.realpath(settings.home)), "<home>")]
    own += [(settings.cache, "<cache>"), (settings.logs, "<logs>")]
    secrets = [settings.token, kept_token(settings.home) or "", info.token if info else ""]
    return Mask(secrets=secrets, names=names, own=own)


def _sizes(settings: Settings) -> str:
    lines = [f"ReaTrieve {__version__}"]
    for name, folder in (
        ("journals", settings.journals_folder),
        ("cache", settings.cache),
        ("renders", settings.renders_folder),
    ):
        sizes: list[int] = []
        with contextlib.suppress(OSError):
            sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        lines.append(f"{name}: {len(sizes)} files, {sum(sizes)} bytes")
    return "\n".join(lines) + "\n"


def _text(path: Path) -> str:
    """The end of a text file, "" where there is none."""
    try:
        with open_source(path) as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            return file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
