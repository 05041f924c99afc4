"""The daemon's settings: defaults < file ``settings.txt`` in the home folder < environment < flags.

No other module reads the environment. The file holds one ``key = value`` a line, ``#`` begins a comment; each key is
also the variable ``REATRIEVE_KEY`` and the flag ``--key`` (with hyphens).
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import platformdirs

from reatrieve import limits
from reatrieve.errors import InputError
from reatrieve.files import MOST_PARTS, keep_private, read_small, reason
from reatrieve.plain import quoted

__all__ = ["Settings", "chosen_home", "default_home"]

FILE_NAME = "settings.txt"
BACKGROUND_IDLE_MINUTES = 30
LONGEST_IDLE_MINUTES = 100_000
FILE_BYTES = 65_536
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def default_home(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The home folder where no flag names one: the same rule as the script's, so that each finds the other.

    ``$REATRIEVE_HOME``, else ``%LOCALAPPDATA%\\ReaTrieve`` (Windows), ``~/Library/Application Support/ReaTrieve``
    (macOS), ``$XDG_DATA_HOME/ReaTrieve`` or ``~/.local/share/ReaTrieve`` (Linux).
    """
    environ = os.environ if environ is None else environ
    if given := environ.get("REATRIEVE_HOME"):
        return Path(given)
    user = Path(environ.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / "ReaTrieve"
    if platform == "darwin":
        return user / "Library" / "Application Support" / "ReaTrieve"
    return Path(environ.get("XDG_DATA_HOME") or user / ".local" / "share") / "ReaTrieve"


def chosen_home(given: object = None, environ: Mapping[str, str] | None = None) -> Path:
    """The home folder that a flag names, else the default one; absolute, since clients stand elsewhere.

    Raises
    ------
    InputError
        If it names a user that there is not.
    """
    home = default_home(environ) if given is None else Path(str(given))
    return cast("Path", _converted("home", home, "home"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``reatrieve serve`` can be told.

    Attributes
    ----------
    home : the folder that daemon and script both know.
    host : address to bind; other than loopback only with a ``token`` of the user's own and without
    ``open_controllers``.
    port : UDP port, 0 takes any free one.
    udp : whether to listen on UDP at all.
    spool : folder for the spool carrier (one folder an instance is made in it); default ``home/spool``.
    token : what every client must show; default a new random one at every start.
    open_controllers : whether controllers on this machine may press verbs without the token.
    cache, cache_size_mb : where analyses are kept, and the bound of all of them together.
    journals : where session journals are kept; default ``home/journals``.
    logs : where ``daemon.log`` is kept; default the user's log folder, and ``home/logs`` for a home folder elsewhere.
    retriever : the method where a ``find`` names none.
    idle_minutes : the daemon ends when no REAPER has spoken for so long; 0 never, None 30 if ``background`` and else
    never.
    background : started by REAPER's scripts and not by hand.
    verbose : log to the terminal too, and more.
    """

    home: Path = field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = 0
    udp: bool = True
    spool: Path | None = None
    token: str = ""
    open_controllers: bool = False
    cache: Path = field(default_factory=lambda: Path(platformdirs.user_cache_dir("ReaTrieve", appauthor=False)))
    cache_size_mb: int = 4096
    journals: Path | None = None
    logs: Path = field(default_factory=lambda: Path(platformdirs.user_log_dir("ReaTrieve", appauthor=False)))
    retriever: str = "default"
    idle_minutes: int | None = None
    background: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InputError(f"port {self.port} is outside 0..65535")
        if self.idle_minutes is not None and not 0 <= self.idle_minutes <= LONGEST_IDLE_MINUTES:
            raise InputError(f"idle_minutes is {self.idle_minutes}; give 0 (never) to {LONGEST_IDLE_MINUTES} minutes")
        if self.cache_size_mb < 0:
            raise InputError(f"cache_size_mb is {self.cache_size_mb}; give 0 or more megabytes")
        if any(c in self.token for c in "\r\n\0"):
            raise InputError("the token holds a line break; choose one without")
        if len(self.token.encode("utf-8", "surrogatepass")) > limits.TEXT_BYTES:
            raise InputError(f"the token is longer than {limits.TEXT_BYTES} bytes; choose a shorter one")
        for name in ("home", "spool", "cache", "journals", "logs"):
            if "\0" in str(getattr(self, name)):
                raise InputError(f"{name} holds a NUL; choose another folder")

    @property
    def idle_s(self) -> float:
        """After how many silent seconds the daemon ends; infinite for never."""
        minutes = self.idle_minutes
        if minutes is None:
            minutes = BACKGROUND_IDLE_MINUTES if self.background else 0
        return 60.0 * minutes if minutes else float("inf")

    @property
    def spool_folder(self) -> Path:
        """Where spool folders are made."""
        return self.spool if self.spool is not None else self.home / "spool"

    @property
    def journals_folder(self) -> Path:
        """Where journals are kept."""
        return self.journals if self.journals is not None else self.home / "journals"

    @property
    def renders_folder(self) -> Path:
        """Where the script puts renderings by track accessors."""
        return self.home / "renders"

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object],
        environ: Mapping[str, str] | None = None,
        *,
        on_mistake: Callable[[str], None] | None = None,
    ) -> Settings:
        """The settings that hold now.

        Parameters
        ----------
        flags : values given on the command line; None counts as not given.
        environ : default the process's environment.
        on_mistake : told what is wrong in the file or the environment, which then counts as not given; None: it is
            raised.

        Raises
        ------
        InputError
            If a key of the file is unknown (the text names a near one, else all) or a value is impossible.
        """

        environ = os.environ if environ is None else environ
        given = {key: value for key, value in flags.items() if value is not None}
        for key in given:
            _demand_known(key, "flags")
        home = chosen_home(given.get("home"), environ)
        values: dict[str, object] = {"home": home}
        if not _is_usual(home, environ):
            values["logs"] = home / "logs"
        places: dict[str, str] = {}
        told = _Told(on_mistake)
        with told:
            for number, line in _lines_of(home / FILE_NAME):
                with told:
                    where = f"{home / FILE_NAME}, line {number}"
                    values |= (value := told.checked(_of_line(line, where), where))
                    places |= dict.fromkeys(value, where)
        if values.get("token"):
            keep_private(home / FILE_NAME)
        names = {f.name: f"REATRIEVE_{f.name.upper()}" for f in dataclasses.fields(cls) if f.name != "home"}
        for key, name in names.items():
            if environ.get(name):
                with told:
                    values |= told.checked({key: _converted(key, environ[name], name)}, name)
                    places[key] = name
        values |= {key: _converted(key, value, "flags") for key, value in given.items()}
        values["home"] = home
        for key, where in places.items():
            if key not in given:  # a flag may take the place of a value that is impossible
                _demand_possible({key: values[key]}, where)
        return cls(**values)  # type: ignore[arg-type]


def _is_usual(home: Path, environ: Mapping[str, str]) -> bool:
    """Whether it is the home folder of who says nothing, which keeps its log with those of other programs. Any other
    one keeps its own, since two daemons cannot rotate one file."""
    try:
        usual = default_home({key: value for key, value in environ.items() if key != "REATRIEVE_HOME"})
    except RuntimeError:  # this user has none
        return False
    return os.path.realpath(home) == os.path.realpath(usual)


class _Told(contextlib.AbstractContextManager[None]):
    """What is wrong in the block is told to ``on_mistake`` and goes no further; None: it is raised."""

    def __init__(self, on_mistake: Callable[[str], None] | None) -> None:
        self._on_mistake = on_mistake

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Tell it."""
        if self._on_mistake is None or not isinstance(error, InputError):
            return False
        self._on_mistake(str(error))
        return True

    def checked(self, value: dict[str, object], where: str) -> dict[str, object]:
        """A value that is possible; where mistakes are raised, a later one may still take its place."""
        if self._on_mistake is not None:
            _demand_possible(value, where)
        return value


def _demand_possible(value: dict[str, object], where: str) -> None:
    """Refuse a value by the place where it stands."""
    try:
        Settings(**value)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines of the file that say something, with their numbers; of one that is not there none."""
    try:
        content = read_small(path, max_bytes=FILE_BYTES, own=True, own_link=True)
        text = content.decode("utf-8-sig")  # Windows' editors begin so
    except (FileNotFoundError, NotADirectoryError):  # a home that is a file is told by who makes it
        return []
    except UnicodeDecodeError as exc:
        raise InputError(f"the settings {path} are not UTF-8 ({exc}); save them as UTF-8") from exc
    except (OSError, ValueError) as exc:
        raise InputError(
            f"the settings {path} cannot be read: {reason(path, exc)}; check the file and its rights"
        ) from exc
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]


def _of_line(line: str, where: str) -> dict[str, object]:
    key, equals, value = (part.strip() for part in line.partition("="))
    if not equals:
        raise InputError(f"{where}: {quoted(line.strip())} is not 'key = value'")
    _demand_known(key, where)
    if key == "home":
        raise InputError(f"{where}: home cannot be set in the home folder; use --home or REATRIEVE_HOME")
    return {key: _converted(key, value, where)}


def _demand_known(key: str, where: str) -> None:
    known = [f.name for f in dataclasses.fields(Settings)]
    if key not in known:
        if near := difflib.get_close_matches(key, known, n=1):
            raise InputError(f"{where}: unknown setting {quoted(key)}; did you mean {quoted(near[0])}?")
        raise InputError(f"{where}: unknown setting {quoted(key)}; known: {', '.join(known)}")


def _converted(key: str, value: object, where: str) -> object:
    """The value in its field's type; files and the environment give text, flags may give the value itself."""
    kind = next(str(f.type) for f in dataclasses.fields(Settings) if f.name == key)
    text = str(value).strip()
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if text.lower() not in _TRUE + _FALSE:
            raise InputError(f"{where}: {key} is {quoted(text)}; say yes or no")
        return text.lower() in _TRUE
    if kind.startswith("int"):
        try:
            return int(text)
        except ValueError as exc:
            raise InputError(f"{where}: {key} is {quoted(text)}; give a whole number") from exc
    if not kind.startswith("Path"):
        return text
    if not text:
        raise InputError(f"{where}: {key} is empty; name a folder, or leave it out")
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError as exc:
        raise InputError(f"{where}: {key} is {quoted(text)}; there is no such user") from exc
    if len(path.parts) > MOST_PARTS:
        raise InputError(f"{where}: {key} has more than {MOST_PARTS} folders; choose a shorter path")
    return path
