"""Putting the scripts into REAPER and taking them away again; what is told about it is lines for the user."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from reatrieve import __version__
from reatrieve.bridge.handover import ask_to_give_way, is_newer
from reatrieve.bridge.home import TOKEN_NAME, answers_ping, kept_token, make_token, private_token, read_info
from reatrieve.errors import InputError, ReatrieveError
from reatrieve.files import not_left_empty, open_source, own_folder, read_small
from reatrieve.installation import MARKER, scripts_folder
from reatrieve.setup.changes import Change, Manifest, carried_out, planned, read_manifest, taken_away
from reatrieve.setup.luasocket import luasocket_in
from reatrieve.setup.places import OURS, SCRIPTS, Resources, copies_of_scripts, kept_by_reapack
from reatrieve.setup.remembered import forget, forgotten, remember, remembered
from reatrieve.setup.where import FILE_NAME, LAUNCHER, launcher, read_where, where_of

__all__ = ["ENVIRONMENT", "MANIFEST", "SETUP_FILES", "install", "shipped_scripts", "uninstall"]

MANIFEST = "manifest.json"
ENVIRONMENT = "environment"
"""Our folder's subfolder with the Python environment that *ReaTrieve: Setup* makes."""

SETUP_FILES = "setup-files.txt"
"""What *ReaTrieve: Setup* has written elsewhere in the resource folder: ``adler32 path`` a line."""

SETUP_SAID = (
    "setup-log.txt",
    "setup-checks.txt",
    "setup-found.txt",
    "setup-python.txt",
    "setup-running.txt",
    "setup.lock",
)
"""What programs that *ReaTrieve: Setup* ran have said."""

MANY = 6
MOST_BYTES = 1 << 20
"""Of the list that *ReaTrieve: Setup* keeps of its files."""


def shipped_scripts() -> dict[str, bytes]:
    """Content of each file that belongs into the folder of scripts, by its path there.

    Raises
    ------
    InputError
        If this installation has no scripts.
    """
    folder = scripts_folder()
    files = (
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.parent.name != "__pycache__"
    )
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    if "ReaTrieve_Client.lua" not in found:
        raise InputError(f"{folder} does not hold ReaTrieve's scripts")
    return found


def install(resources: Resources, home: Path, *, keep_scripts: bool = False, dry_run: bool = False) -> Iterator[str]:
    """Put everything into one REAPER, or bring it up to date.

    Parameters
    ----------
    resources : which REAPER.
    home : folder that daemon and scripts will share; made where missing.
    keep_scripts : the scripts are there already and somebody else keeps them up to date.
    dry_run : only tell what would be done.

    Yields
    ------
    str
        What was done, a line each.

    Raises
    ------
    ReatrieveError
        If a folder cannot be written.
    """
    ours = resources.ours
    manifest = read_manifest(ours / MANIFEST)
    by_reapack = [folder for folder in copies_of_scripts(resources) if kept_by_reapack(resources, folder)]
    stay = keep_scripts or bool(by_reapack)
    yield f"{resources.name}, {resources.path}"
    if by_reapack and not keep_scripts:
        yield f"  scripts are kept up to date by ReaPack in {by_reapack[0]}; they stay as they are"
    real_home = home if dry_run else _home_made(home, manifest)
    where = where_of(real_home, ours, version=__version__, frozen=bool(getattr(sys, "frozen", False)))
    wanted = {
        f"{OURS.as_posix()}/{FILE_NAME}": where.text().encode("utf-8"),
        f"{OURS.as_posix()}/{LAUNCHER}": launcher(Path(__file__).resolve().parents[2]).encode("utf-8"),
    }
    if not stay:
        wanted |= {f"{SCRIPTS.as_posix()}/{path}": content for path, content in shipped_scripts().items()}
    elif keep_scripts:  # those that an earlier `install` has put there are nobody else's
        kept = {path for path in manifest.files if path.startswith(f"{SCRIPTS.as_posix()}/")}
        manifest.files = {path: value for path, value in manifest.files.items() if path not in kept}
    keep_in = f"{OURS.as_posix()}/kept {time.strftime('%Y-%m-%d %H%M%S')}"
    changes = planned(resources.path, wanted, manifest, keep_in=keep_in)
    before = manifest.version
    if not dry_run:
        manifest.version = __version__
        if resources.kind == "portable":
            with _used(real_home):
                remember(real_home, resources.path)
        carried_out(resources.path, wanted, manifest, changes, ours / MANIFEST)
    yield from _told(changes, before)
    yield f"  home     {real_home}"
    yield from _carriers(resources)
    yield from _doubled(resources, stay)
    if not dry_run:
        yield from _stopped(real_home, changes)


def uninstall(resources: Resources, *, before: Collection[Path] = (), dry_run: bool = False) -> Iterator[str]:
    """Take away what was put into one REAPER: files that nobody has changed since, and the folders made for them.

    Sessions, settings and logs in the home folder stay.

    Parameters
    ----------
    resources : which REAPER.
    before : resource folders from which it goes, too, before this one.
    dry_run : only tell what would be done.

    Yields
    ------
    str
        What was done, a line each.

    Raises
    ------
    ReatrieveError
        If something cannot be removed.
    """
    ours = resources.ours
    manifest = read_manifest(ours / MANIFEST)
    yield f"{resources.name}, {resources.path}"
    where = read_where(ours)
    home = None if where is None else Path(where.home)
    has_environment = (ours / ENVIRONMENT / MARKER).is_file()
    if not manifest.files and not has_environment:
        yield "  nothing of ReaTrieve's was installed here"
        return
    if home is not None:
        info = read_info(home)
        if info is not None and answers_ping(info):
            if not dry_run:
                ask_to_give_way(home, info)
            yield "  stopped  the daemon"
    gone = {f"{OURS.as_posix()}/{name}" for name in (MANIFEST, *_names_of_setup())}
    for path in _written_by_setup(resources):
        yield f"  removed  {path.as_posix()}"
        gone.add(path.as_posix())
        if not dry_run:
            (resources.path / path).unlink()
    if has_environment:
        yield from _environment_removed(ours / ENVIRONMENT, dry_run)
    if not dry_run:
        for name in _names_of_setup():
            (ours / name).unlink(missing_ok=True)
    home_stays = False
    if home is not None:
        if not dry_run:
            forget(home, resources.path)
        token, home_stays = _home_without_us(manifest, home, (*before, resources.path), dry_run)
        if token:
            yield f"  removed  {home / TOKEN_NAME}"
    changes = taken_away(resources.path, manifest, ours / MANIFEST, dry_run=dry_run)
    yield from _told(changes, "")
    yield from _left(resources, gone, changes, environment_is_told=has_environment)
    for kept in sorted(ours.glob("kept *")):
        yield f"  left     {kept}: files that you had changed"
    if home_stays:
        yield f"  left     {home}: your sessions and settings; delete it if you want to keep none"


def _names_of_setup() -> Iterator[str]:
    """Files in our folder that *ReaTrieve: Setup* writes and nobody else needs."""
    yield SETUP_FILES
    for said in SETUP_SAID:
        yield from (said, f"{said}.done")


def _left(resources: Resources, gone: set[str], changes: list[Change], *, environment_is_told: bool) -> Iterator[str]:
    """Files in our folders that nobody of us has put there, and each of the folders that stays: for those, or for files
    of ours that the user has changed, which are told already."""
    told = {change.path for change in changes if change.kind == "left"}
    gone = gone | {change.path for change in changes if change.kind == "removed"}
    for folder in (SCRIPTS, OURS):
        if kept_by_reapack(resources, resources.path / folder):
            continue
        left = []
        for path in sorted((resources.path / folder).rglob("*")):
            below = path.relative_to(resources.path / folder).parts
            in_environment = environment_is_told and below[0] == ENVIRONMENT
            is_told = folder == OURS and (in_environment or below[0].startswith("kept "))
            name = path.relative_to(resources.path).as_posix()
            if not is_told and name not in gone and path.is_file():
                left.append(name)
        others = [name for name in left if name not in told]
        for name in others[:MANY]:
            yield f"  left     {name}: install has not put it there"
        if more := others[MANY:]:
            files = "1 more file" if len(more) == 1 else f"{len(more)} more files"
            yield f"  left     {files} in {folder.as_posix()} that install has not put there"
        if left:
            yield f"  left     {resources.path / folder}: it holds what was left; delete it if you need nothing of it"


def _home_made(home: Path, manifest: Manifest) -> Path:
    """Make the home folder and its token where there are none; the real place of both."""
    is_new = not home.is_dir()
    with _used(home), not_left_empty(home):
        own_folder(home, "home folder", option="--home")
        if is_new:
            manifest.further["home"] = str(home)
        if private_token(home) is None:
            make_token(home)
            manifest.further["token_sha256"] = _hash_of_token(kept_token(home) or "")
        # Store Python keeps %LOCALAPPDATA% elsewhere than it says.
        return Path(os.path.realpath(home / TOKEN_NAME)).parent


@contextlib.contextmanager
def _used(home: Path) -> Iterator[None]:
    """Say which folder it is that cannot be used."""
    try:
        yield
    except OSError as error:
        raise ReatrieveError(
            f"the home folder {home} cannot be used ({error.strerror or error}); choose another with --home"
        ) from error


def _home_without_us(manifest: Manifest, home: Path, without: Collection[Path], dry_run: bool) -> tuple[bool, bool]:
    """Whether the token of the home folder goes, and whether the folder stays.

    The token goes if it was made by `install`, nobody has changed it and no REAPER but those in the folders ``without``
    is known to use it; then the folder, if it was made too and is empty.
    """
    token, made = kept_token(home), manifest.further.get("home")
    token_goes = home_goes = False
    if all(one.path in without for one in remembered(home)):
        token_goes = token is not None and _hash_of_token(token) == manifest.further.get("token_sha256")
        home_goes = made is not None and os.path.realpath(made) == os.path.realpath(home)
    if dry_run:
        going = {TOKEN_NAME} if token_goes else set()
        return token_goes, home.is_dir() and not (home_goes and _names_in(home) - forgotten(home, without) <= going)
    if token_goes:
        try:
            (home / TOKEN_NAME).unlink()
        except OSError:
            token_goes = False
    if home_goes:
        with contextlib.suppress(OSError):
            home.rmdir()
    return token_goes, home.is_dir()


def _names_in(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


def _hash_of_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def _told(changes: list[Change], before: str) -> Iterator[str]:
    if before and before != __version__:
        yield f"  version  {before} -> {__version__}"
    counts = Counter(change.kind for change in changes)
    for change in changes:
        if counts[change.kind] <= MANY or change.kind in ("kept", "set aside", "left"):
            yield f"  {change}"
    for kind, count in counts.items():
        if count > MANY and kind not in ("kept", "set aside", "left"):
            folders = sorted({PurePosixPath(change.path).parts[0] for change in changes if change.kind == kind})
            yield f"  {kind:8} {count} files in {', '.join(folders)}"
    if not changes:
        yield "  files    all as they should be"


def _carriers(resources: Resources) -> Iterator[str]:
    found = luasocket_in(resources)
    if found is None:
        yield "  link     through files (this REAPER has no LuaSocket, and needs none)"
    elif resources.lua and found.lua and found.lua != resources.lua:
        yield (
            f"  link     through files: LuaSocket is for Lua {found.lua}, this REAPER has Lua {resources.lua}; "
            "update mavriq's package in ReaPack"
        )
    else:
        yield "  link     over UDP on this machine (LuaSocket is there)"


def _doubled(resources: Resources, stay: bool) -> Iterator[str]:
    ours = resources.scripts
    for folder in copies_of_scripts(resources):
        if folder != ours and not stay:
            yield f"  another copy of the scripts is in {folder}: delete it, or its actions stand twice in the list"


def _stopped(home: Path, changes: list[Change]) -> Iterator[str]:
    """An older daemon ends, so that the scripts start the new one."""
    info = read_info(home)
    if changes and info is not None and is_newer(__version__, info.version) and answers_ping(info):
        ask_to_give_way(home, info)
        yield f"  stopped  the daemon {info.version}; its sessions go on with the new one"


def _written_by_setup(resources: Resources) -> Iterator[Path]:
    """Files that *ReaTrieve: Setup* has written and nobody has changed since."""
    try:
        lines = read_small(resources.ours / SETUP_FILES, max_bytes=MOST_BYTES, any_link=True).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        checksum, _, name = line.partition(" ")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or ":" in name:
            continue
        with contextlib.suppress(OSError):
            with open_source(resources.path / path) as file:  # closed again before somebody removes it
                found = f"{zlib.adler32(file.read()):08x}"
            if found == checksum:
                yield Path(path)


def _environment_removed(environment: Path, dry_run: bool) -> Iterator[str]:
    yield f"  removed  {environment}"
    if dry_run:
        return
    try:
        shutil.rmtree(environment)
    except OSError:
        if environment.is_dir():
            yield f"  left     part of {environment}, which is in use: delete it when this command has ended"
