"""One zip file for a bug report: what the checks say, the log without names and the settings, without audio, without
the user's paths and names, and without anything that lets somebody in.

The log is written without names (``reported``), and of settings only keys and numbers are taken. What is left are texts
of the installation, which name its folders: these are known, and replaced wherever they stand. Further paths and texts
in quotes are replaced by their form."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import re
import socket
import sys
import zipfile
from collections.abc import Container, Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from reatrieve import __version__
from reatrieve.bridge.home import kept_token, read_info
from reatrieve.errors import ReatrieveError
from reatrieve.files import appearing, open_source
from reatrieve.reported import FILE_NAME as REPORT_LOG
from reatrieve.reported import KINDS, kind_of
from reatrieve.settings import FILE_NAME as SETTINGS_FILE
from reatrieve.settings import Settings
from reatrieve.setup.places import Resources, copies_of_scripts, known_folders
from reatrieve.setup.remembered import remembered
from reatrieve.setup.where import FILE_NAME as WHERE_FILE
from reatrieve.setup.where import NOT_STARTED, Where, read_where

__all__ = ["Mask", "write_bundle"]

SETUP_SAID = ("setup-found.txt", "setup-log.txt")
"""What the action *ReaTrieve: Setup* has kept."""

LOG_BYTES = 512 << 10
"""Of each log file the end."""

_ALONE = r"(?<![\w.<>~])"
"""What stands before a path is no part of it."""

_ENDS = r"(?![\w-]|\.\w)"
_START = r"(?:[A-Za-z]:[\\/]|\\\\|~?/)"
_IN_NAME = r"(?:[^\\/:\"<>|\r\n]|:(?=[^\s\\/]))"
_FOLDER = rf"(?:{_IN_NAME}|:(?= [^\\/:\"<>|\r\n]*\w[\\/]))+[\\/]+"
_WE_SAY = (
    r"(?:can|cannot|may|would|could) (?:be|not)|(?:is|are|was|were) (?:an?|no|not|gone|there|only|left|too|deleted|"
    r"damaged|open|being|written|analysed)|(?:holds|has) (?:a|the|no|more|other)|does not|belongs to|stays for|"
    r"changed (?:under|since)"
)
"""How our sentences go on behind a path."""

_LAST = (
    rf"(?:{_IN_NAME}*?\.(?i:{KINDS}){_ENDS}"
    rf"|(?=[^\s:;,()']){_IN_NAME}+?(?=\s+(?:{_WE_SAY})\b)"
    rf"|(?=[^\s:;,()'])(?:(?![()]){_IN_NAME}|\((?:(?![()]){_IN_NAME})*\))+?"
    r"(?=\s*(?:[\\/\"<>|\r\n)]|[:;,'](?!\w)|\Z)|\s+\((?![^()\r\n]*\)(?::|\s+\w)))|)"
)
"""A path's last name may hold blanks: up to the suffix of a file, else to our words, else to a mark."""

_REST = rf"(?:{_FOLDER})*{_LAST}"
_QUOTED = re.compile(rf"(?<=\"){_START}[^\"\r\n]*(?=\")|(?<=(?<!\w)'){_START}[^\r\n]*?(?='(?!\w))")
_TEXT = re.compile(r"(?<!File )\"(?!<)[^\"\r\n]*\"|(?<!\w)'(?!<)(?:\\.|[^'\\\r\n]|'(?=\w))*'(?!\w)")
"""Any other text in quotes, but for the files of a traceback."""

_TELLS_NOTHING = re.compile(r"[\d.:]*|true|false|yes|no|on|off", re.IGNORECASE)
"""Values of settings that stay."""

_LETTER = r"[^\W\d_]"
_ID = re.compile(r"\b[0-9a-fA-F]{32}\b|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_SECRET = re.compile(r"^([ \t]*\w{0,40}token\w{0,40}[ \t]{0,9}[= ][ \t]*).*$", re.IGNORECASE | re.MULTILINE)


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
    folders : further folders that the texts speak of, whatever their names hold.
    """

    def __init__(
        self,
        *,
        secrets: Iterable[str],
        names: Iterable[str],
        own: Iterable[tuple[Path, str]],
        folders: Iterable[Path] = (),
    ) -> None:
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)
        self._names = [_name_pattern(name) for name in names if len(name) > 1]
        own = sorted(set(own), key=lambda pair: len(str(pair[0])), reverse=True)
        self._own = [(re.compile(rf"(?<![\w.~-]){_literal(folder)}{_ENDS}"), word) for folder, word in own]
        known = {folder for folder in folders if len(folder.parts) > 1}
        longest = sorted(known, key=lambda folder: len(str(folder)), reverse=True)
        whole = "|".join(map(_literal, longest)) or "(?!)"
        self._known = re.compile(rf"{_ALONE}(?:{whole})(?![\\/]){_ENDS}")
        self._paths = _paths(known)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, "<secret>")
        text = _SECRET.sub(r"\1<secret>", text)
        for folder, word in self._own:
            text = folder.sub(word, text)
        text = self._known.sub(lambda match: self._path(match[0]), text)
        text = _QUOTED.sub(lambda match: self._path(match[0]), text)
        text = self._paths.sub(lambda match: self._path(match[0]), text)
        text = _TEXT.sub(lambda match: f"{match[0][0]}<text>{match[0][0]}", text)
        text = _ID.sub("<id>", text)
        for name in self._names:
            text = name.sub("<name>", text)
        return text

    def value(self, text: str) -> str:
        """What a setting holds: a number, yes or no, one of our folders, or something else in place of the text."""
        if _TELLS_NOTHING.fullmatch(text):
            return text
        return next((word for folder, word in self._own if folder.fullmatch(text)), None) or self._path(text)

    @staticmethod
    def _path(path: str) -> str:
        """A path as a number that stays the same within a bundle, and the kind of file."""
        if path in ("/", "~/"):
            return path
        number = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:6]
        return f"<path {number}{kind_of(path)}>"


def _literal(folder: Path) -> str:
    """A pattern for this folder, with either slash, doubled or not."""
    return r"[\\/]{1,2}".join(re.escape(part) for part in re.split(r"[\\/]+", str(folder)))


def _paths(folders: set[Path]) -> re.Pattern[str]:
    """A pattern for every path: those folders and what is below them or their parents first."""
    above = {parent for folder in folders for parent in folder.parents if len(parent.parts) > 1}
    longest = sorted(folders | above, key=lambda folder: len(str(folder)), reverse=True)
    known = [_literal(folder) + ("" if folder in folders else r"(?=[\\/])") for folder in longest]
    starts = "".join(rf"{one}(?:[\\/]{{1,2}}{_REST}|{_ENDS})|" for one in known)
    return re.compile(rf"{_ALONE}(?:{starts}{_START}{_REST})")


def _name_pattern(name: str) -> re.Pattern[str]:
    word = re.escape(name)
    if name.lower() in OUR_WORDS or name.lower().removesuffix("s") in OUR_WORDS:
        return re.compile(rf"(?<=[\\/]){word}(?!{_LETTER})|(?<!{_LETTER}){word}(?=[\\/])", re.IGNORECASE)
    return re.compile(rf"(?<!{_LETTER}){word}(?!{_LETTER})", re.IGNORECASE)


def write_bundle(target: Path, report: str, settings: Settings, reapers: Iterable[Resources]) -> list[str]:
    """Write the zip file; the names of what it holds.

    Raises
    ------
    ReatrieveError
        If it cannot be written.
    """
    reapers = list(reapers)
    mask = _mask(settings, reapers)
    settings_lines = _values(_text(settings.home / SETTINGS_FILE), "=", {one.name for one in fields(Settings)}, mask)
    contents = {"doctor.txt": report, "settings.txt": settings_lines}
    contents["not-started.txt"] = _text(settings.home / NOT_STARTED)
    for log in sorted(settings.logs.glob(f"{REPORT_LOG}*")):
        contents[log.name] = _text(log)
    for number, resources in enumerate(reapers, start=1):
        where = _values(_text(resources.ours / WHERE_FILE), " ", {one.name for one in fields(Where)}, mask)
        contents[f"reaper-{number}.txt"] = f"{resources.name}\n{where}"
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


def _mask(settings: Settings, reapers: Iterable[Resources]) -> Mask:
    info = read_info(settings.home)
    names = [Path.home().name, socket.gethostname()]
    with contextlib.suppress(Exception):  # no such user, or no name for it: the ways it fails differ
        names.append(getpass.getuser())
    package = Path(__file__).resolve().parents[1]
    own = [(package, "reatrieve"), (Path(os.__file__).parent, "python"), (Path(sys.prefix), "environment")]
    own += [(settings.home, "<home>"), (Path(os.path.realpath(settings.home)), "<home>")]
    own += [(settings.cache, "<cache>"), (settings.logs, "<logs>"), (settings.spool_folder, "<spool>")]
    own += [(settings.journals_folder, "<journals>"), (settings.renders_folder, "<renders>")]
    secrets = [settings.token, kept_token(settings.home) or "", info.token if info else ""]
    return Mask(secrets=secrets, names=names, own=own, folders=_spoken_of(settings, reapers))


def _spoken_of(settings: Settings, reapers: Iterable[Resources]) -> Iterator[Path]:
    """Folders and programs that the checks and the files of the bundle name."""
    folders = [path for path, _ in known_folders()] + [Path(sys.executable)]
    folders += [one.path for one in remembered(settings.home)]
    for resources in reapers:
        folders += [resources.path, *copies_of_scripts(resources), *resources.scripts.rglob("*.lua")]
        where = read_where(resources.ours)
        if where is not None:
            folders += [Path(path) for path in (where.home, where.python, where.program, where.argument) if path]
    with contextlib.suppress(OSError, RuntimeError):  # where the process is may be gone, and a user without a home
        folders += [Path.cwd() / "file", Path.home() / "file"]
    for folder in folders:
        if folder.is_absolute():
            yield folder
            yield Path(os.path.realpath(folder))


def _values(text: str, between: str, keys: Container[str], mask: Mask) -> str:
    """The lines of a file of keys and values, without what is none of its keys and without the user's values."""
    lines = []
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(between))
        lines.append(f"{key} {between} {mask.value(value)}" if key in keys else "<line>" if line.strip() else "")
    return "".join(f"{' '.join(line.split())}\n" for line in lines)


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
