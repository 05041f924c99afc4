"""Everything that has to work together, checked one by one: each check says OK or what to do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import os
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reatrieve import __version__
from reatrieve.bridge.home import FILE_NAME as DAEMON_FILE
from reatrieve.bridge.home import TOKEN_NAME, answers_ping, kept_token, read_info
from reatrieve.errors import InputError, ReatrieveError
from reatrieve.files import open_source
from reatrieve.installation import this_installation
from reatrieve.settings import Settings
from reatrieve.setup.changes import read_manifest
from reatrieve.setup.install import MANIFEST, shipped_scripts
from reatrieve.setup.luasocket import luasocket_in
from reatrieve.setup.places import Resources, copies_of_scripts, kept_by_reapack
from reatrieve.setup.where import NOT_STARTED, read_where

__all__ = ["OLDEST_REAPER", "Check", "checks", "checks_of"]

OLDEST_REAPER = (6, 2)
"""6.02, as the scripts have it (lib/capabilities.lua)."""
NEWEST_PYTHON = (3, 13)
NEEDED = ("numpy", "scipy", "librosa", "sklearn", "soundfile", "soxr", "pythonosc", "watchdog", "platformdirs", "mido")
FREE_BYTES = 1 << 30
EVENT_S = 3.0
COMMAND_S = 5.0
CODECS = (("WAV", "PCM_16"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", ""))


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is well (None: there was nothing to look at), and what was found or
    what to do."""

    name: str
    ok: bool | None
    text: str

    def __str__(self) -> str:
        mark = "--" if self.ok is None else "OK" if self.ok else "DO"
        return f"{mark:3} {self.name}: {self.text}"


def checks(settings: Settings) -> Iterator[Check]:
    """What does not depend on any REAPER: this Python, the home folder, the daemon, both carriers, decoders, disk."""
    yield _version()
    yield _libraries()
    yield from _home(settings)
    yield _token(settings)
    yield from _daemon(settings)
    yield _guarded("UDP", _udp, "scripts and daemon talk through files then; allow Python in the firewall for UDP")
    yield _guarded("file events", lambda: _file_events(settings.spool_folder), "the daemon looks by itself then")
    if sys.platform.startswith("linux"):
        yield _inotify()
    yield _codecs()
    yield from _disk(settings)


def checks_of(resources: Resources, settings: Settings) -> Iterator[Check]:
    """One REAPER: its version, the scripts in it, and whether both sides mean the same home folder."""
    name = resources.name
    yield _reaper(resources)
    yield from _scripts(resources)
    where = read_where(resources.ours)
    if where is None:
        yield Check(name, False, f"the scripts do not know where the daemon is; run {_install(resources)}")
    else:
        home = Path(where.home)
        if _real(home) != _real(settings.home):
            text = f"its scripts look for the daemon in {home}, but this one lives in {settings.home}; run"
            yield Check(name, False, f"{text} {_install(resources)}")
        elif not Path(where.program).is_file() or (where.argument and not Path(where.argument).is_file()):
            gone = where.argument if Path(where.program).is_file() else where.program
            yield Check(name, False, f"{gone}, which starts the daemon, is gone; run {_install(resources)}")
        else:
            yield Check(name, True, f"its scripts look for the daemon in {home} and start it with {where.program}")
    yield _luasocket(resources)
    if resources.kind == "flatpak":
        yield _flatpak(settings.home)


def _version() -> Check:
    text = f"ReaTrieve {__version__} ({this_installation().kind}), Python {platform.python_version()}, {_system()}"
    if sys.version_info[:2] > NEWEST_PYTHON:
        newest = ".".join(str(number) for number in NEWEST_PYTHON)
        return Check("versions", False, f"{text}; it is tested up to Python {newest}: use that if anything fails")
    return Check("versions", True, f"{text}, {sys.executable}")


def _system() -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _libraries() -> Check:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return Check("libraries", False, f"{', '.join(missing)} missing; {_repair()}")
    versions = ", ".join(f"{name} {_installed(name)}" for name in ("numpy", "scipy", "librosa", "soundfile", "soxr"))
    return Check("libraries", True, versions)


def _repair() -> str:
    try:
        return f"install again: {this_installation().adding('headless')}"
    except InputError as error:
        return str(error)


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def _home(settings: Settings) -> Iterator[Check]:
    home = settings.home
    taken = _in_place_of(home)
    if taken is not None:
        yield Check("home", False, f"{taken} is no folder; move it away, or choose another --home")
        return
    problem = _unusable("home", home)
    if problem:
        yield Check("home", False, problem)
    elif not home.is_dir():
        yield Check("home", True, f"{home} is not there yet; the daemon makes it")
    elif _others_may(home):
        yield Check("home", False, f"others can read {home}; run: chmod 700 {home}")
    else:
        yield Check("home", True, str(home))
    if not home.is_dir():
        return
    real = _real(home)
    if real != Path(os.path.normpath(home.absolute())) and sys.platform == "win32":
        text = f"Microsoft Store's Python keeps it in {real}; REAPER is told so by `reatrieve install`"
        yield Check("home", True, text)


def _nearest(folder: Path) -> Path | None:
    """The folder, or the nearest one above it that is there; None where its drive is away."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), None)


def _unusable(setting: str, folder: Path) -> str:
    """Why nothing can be written into one of our folders, and what to do; "" where it can."""
    other = (
        "set REATRIEVE_HOME to another folder"
        if setting == "home"
        else f"name another in settings.txt ({setting} = FOLDER)"
    )
    there = _nearest(folder)
    if there is None:
        return f"the drive of {folder} is not there; connect it, or {other}"
    problem = _unwritable(there)
    if not problem:
        return ""
    what = f"{folder} cannot be written" if there == folder else f"{folder} cannot be made in {there}"
    return f"{what} ({problem}); correct the folder's rights, or {other}"


def _in_place_of(folder: Path) -> Path | None:
    """The file, pipe or device that lies in the place of a folder, or of one above it."""
    return next((one for one in (folder, *folder.parents) if one.exists() and not one.is_dir()), None)


def _token(settings: Settings) -> Check:
    path = settings.home / TOKEN_NAME
    if settings.token:
        return Check("token", True, "your own, from the settings")
    if not path.exists():
        return Check("token", True, "a new one at every start of the daemon")
    if kept_token(settings.home) is None:
        return Check("token", False, f"{path} holds no token of yours; run reatrieve install")
    if _others_may(path):
        return Check("token", False, f"others can read {path}; run: chmod 600 {path}")
    return Check("token", True, f"{path}, readable by you alone")


def _daemon(settings: Settings) -> Iterator[Check]:
    info = read_info(settings.home)
    reason = settings.home / NOT_STARTED
    if info is None:
        if (settings.home / DAEMON_FILE).exists():
            yield Check("daemon", False, f"{settings.home / DAEMON_FILE} cannot be understood; delete it")
        elif reason.is_file():
            yield Check("daemon", False, f"it did not start the last time: {_last_line(reason)} (all of it: {reason})")
        else:
            yield Check("daemon", True, "not running; the scripts start it, or reatrieve serve")
        return
    carrier = f"UDP port {info.port}" if info.port else "the spool folder"
    if not answers_ping(info):
        text = f"{settings.home / DAEMON_FILE} is left over from one that is gone (process {info.pid}); it goes at the"
        yield Check("daemon", True, f"not running; {text} next start")
    elif info.version != __version__:
        yield Check("daemon", False, f"{info.version} runs, this is {__version__}: run reatrieve serve --replace")
    else:
        yield Check("daemon", True, f"{info.version}, process {info.pid}, answers over {carrier}")
    if not Path(info.spool).is_dir():
        yield Check("spool", False, f"{info.spool} is gone; end the daemon and start it again")


def _udp() -> str:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        for end in (one, two):
            end.bind(("127.0.0.1", 0))
            end.settimeout(2.0)
        one.sendto(b"?" * 8000, two.getsockname())
        packet, back = two.recvfrom(65536)
        two.sendto(packet, back)
        if one.recv(65536) != b"?" * 8000:
            raise OSError("a datagram came back changed")
    return "datagrams of 8,000 bytes cross on 127.0.0.1"


def _file_events(spool: Path) -> str:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    folder = spool if spool.is_dir() else spool.parent
    if not folder.is_dir():
        return "the spool folder is not there yet"
    seen = threading.Event()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002
            seen.set()

    probe = folder / f"doctor-{os.getpid()}"
    observer = Observer()
    try:
        probe.mkdir()
        observer.schedule(Handler(), str(probe))
        observer.start()
        (probe / "one.tmp").write_bytes(b"?")
        (probe / "one.tmp").replace(probe / "one.osc")
        if not seen.wait(EVENT_S):
            raise OSError(f"no event within {EVENT_S:g} s in {folder}; it must be on a local disk")
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join()
        shutil.rmtree(probe, ignore_errors=True)
    return f"seen at once in {folder}"


def _inotify() -> Check:
    limits = {}
    for name in ("max_user_instances", "max_user_watches"):
        with contextlib.suppress(OSError, ValueError):
            limits[name] = int(Path(f"/proc/sys/fs/inotify/{name}").read_text())
    low = [f"{name} is {value}" for name, value in limits.items() if value < 64]
    if low:
        text = f"{', '.join(low)}: raise it with sudo sysctl fs.inotify.max_user_instances=512"
        return Check("inotify", False, text)
    return Check(
        "inotify", True, ", ".join(f"{name} {value}" for name, value in limits.items()) or "not on this system"
    )


def _codecs() -> Check:
    if importlib.util.find_spec("soundfile") is None:
        return Check("codecs", False, f"soundfile is missing; {_repair()}")
    import numpy as np
    import soundfile

    sound = np.zeros(4800, np.float32)
    fails = []
    for form, subtype in CODECS:
        content = io.BytesIO()
        try:
            soundfile.write(content, sound, 48000, format=form, subtype=subtype or None)
            content.seek(0)
            soundfile.read(content)
        except (RuntimeError, ValueError, TypeError):
            fails.append(subtype.title() if form == "OGG" else form)
    library = f"libsndfile {soundfile.__libsndfile_version__}"
    if fails:
        return Check("codecs", False, f"{library} cannot read {', '.join(fails)}; update soundfile")
    return Check("codecs", True, f"{library} reads WAV, AIFF, FLAC, Ogg Vorbis, Opus and MP3")


def _disk(settings: Settings) -> Iterator[Check]:
    for name, folder in (("home", settings.home), ("cache", settings.cache), ("logs", settings.logs)):
        taken, problem = _in_place_of(folder), _unusable(name, folder)
        if taken is not None:
            yield Check(f"{name} folder", False, f"{taken} is no folder; move it away, or choose another --{name}")
        elif problem:
            yield Check(f"{name} folder", False, problem)
        elif (free := shutil.disk_usage(_nearest(folder) or folder).free) < FREE_BYTES:
            yield Check(f"{name} folder", False, f"{free / 2**20:.0f} MB are left on the disk of {folder}; make room")
        else:
            yield Check(f"{name} folder", True, f"{folder}, {free / 2**30:.0f} GB free")


def _reaper(resources: Resources) -> Check:
    text = f"resource folder {resources.path}"
    numbers = [int(number) for number in re.findall(r"\d+", resources.version)[:2]]
    if numbers and tuple(numbers) < OLDEST_REAPER:
        oldest = "{}.{:02}".format(*OLDEST_REAPER)
        return Check(resources.name, False, f"{text}; ReaTrieve needs REAPER {oldest} or newer")
    return Check(resources.name, True, text + ("" if numbers else "; its version cannot be told"))


def _scripts(resources: Resources) -> Iterator[Check]:
    name = resources.name
    copies = copies_of_scripts(resources)
    if not copies:
        yield Check(name, False, f"the scripts are not installed; run {_install(resources)}")
        return
    if len(copies) > 1:
        where = ", ".join(str(folder) for folder in copies)
        yield Check(name, False, f"the scripts are there {len(copies)} times: keep one of {where}")
    for folder in copies:
        stale = [path for path, content in shipped_scripts().items() if _content(folder / path) != content]
        version = _script_version(folder)
        if kept_by_reapack(resources, folder):
            how = "Extensions > ReaPack > Synchronize packages"
        elif folder == resources.scripts and (resources.ours / MANIFEST).is_file():
            how = _install(resources)
        else:
            how = f"{_install(resources)}, and delete {folder}"
        if version != __version__:
            yield Check(name, False, f"scripts {version or '?'} in {folder}, daemon {__version__}: {how}")
        elif stale:
            others = len(stale) - 1
            what = (
                f"{stale[0]} and {others} more in {folder} are not those"
                if others
                else f"{stale[0]} in {folder} is not that"
            )
            yield Check(name, False, f"{what} of this version: {how}")
        else:
            yield Check(name, True, f"scripts {version} in {folder}")
    with contextlib.suppress(ReatrieveError):
        known = set(read_manifest(resources.ours / MANIFEST).files)
        strange = [path for path in resources.scripts.rglob("*.lua") if _below(path, resources.path) not in known]
        if known and strange and resources.scripts in copies:
            yield Check(name, False, f"{strange[0]} is not part of ReaTrieve; move it elsewhere")


def _luasocket(resources: Resources) -> Check:
    found = luasocket_in(resources)
    if found is None:
        return Check(resources.name, True, "no LuaSocket: scripts and daemon talk through files")
    if resources.lua and found.lua and found.lua != resources.lua:
        text = (
            f"{found.path} is for Lua {found.lua}, this REAPER has {resources.lua}: update mavriq's package in ReaPack"
        )
        return Check(resources.name, False, text)
    return Check(resources.name, True, f"LuaSocket for Lua {found.lua or resources.lua or '?'}: they talk over UDP")


def _flatpak(home: Path) -> Check:
    command = ["flatpak", "info", "--show-permissions", "fm.reaper.Reaper"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return Check("Flatpak", True, "its rights cannot be told")
    allowed = re.search(r"^filesystems=(.*)$", said, re.MULTILINE)
    if allowed and {"host", "home"} & {name.split(":")[0] for name in allowed[1].split(";")}:
        return Check("Flatpak", True, "REAPER reaches your folders")
    text = f"REAPER does not reach {home}: run flatpak override --user --filesystem={home} fm.reaper.Reaper"
    return Check("Flatpak", False, text)


def _guarded(name: str, check: Callable[[], str], otherwise: str) -> Check:
    try:
        return Check(name, True, check())
    except (OSError, RuntimeError) as error:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        return Check(name, False, f"{said}; {otherwise}")


def _install(resources: Resources) -> str:
    if this_installation().kind == "setup":
        return "the action ReaTrieve: Setup"
    return "reatrieve install" + (f' --resource-path "{resources.path}"' if resources.kind == "portable" else "")


def _script_version(folder: Path) -> str:
    content = _content(folder / "ReaTrieve_Client.lua") or b""
    match = re.search(rb"^--\s*@version\s+(\S+)", content, re.MULTILINE)
    return match[1].decode("utf-8", "replace") if match else ""


def _content(path: Path) -> bytes | None:
    try:
        with open_source(path) as file:
            return file.read()
    except OSError:
        return None


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _last_line(path: Path) -> str:
    lines: Iterable[str] = ()
    with contextlib.suppress(OSError), open_source(path) as file:
        lines = file.read().decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in reversed(list(lines)) if line.strip()), "it said nothing")


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there; "" where it can."""
    probe = folder / f".doctor-{os.getpid()}"
    try:
        probe.write_bytes(b"")
    except OSError as error:
        return error.strerror or str(error)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return ""


def _others_may(path: Path) -> bool:
    return sys.platform != "win32" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _real(path: Path) -> Path:
    """Where a folder really is; Microsoft Store's Python shows that only for what is in it."""
    inside = next((name for name in (TOKEN_NAME, DAEMON_FILE) if (path / name).exists()), None)
    return Path(os.path.realpath(path / inside)).parent if inside else Path(os.path.realpath(path))
