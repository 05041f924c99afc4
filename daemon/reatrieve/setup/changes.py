"""Files of ours in somebody else's folder: what is put there is written down with its hash, and only that is ever
replaced or taken away. What the user has changed is kept beside it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reatrieve.errors import InputError, ReatrieveError
from reatrieve.files import appearing, open_source, read_small, unreadable

__all__ = ["Change", "Manifest", "carried_out", "planned", "read_manifest", "taken_away"]

FILE_NAME = "manifest.json"
FORMAT = 1
MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Change:
    """One file that changes.

    Attributes
    ----------
    kind : ``added``, ``updated``, ``removed``, ``kept`` (the user's version goes to ``kept_as`` first) or ``left``
        (the user's version stays where it is).
    path : below the folder, with slashes.
    kept_as : where the user's version goes, below the folder.
    """

    kind: str
    path: str
    kept_as: str = ""

    def __str__(self) -> str:
        if self.kind == "kept":
            return f"updated  {self.path}; your changes to it are kept in {self.kept_as}"
        if self.kind == "set aside":
            return f"removed  {self.path}; your changes to it are kept in {self.kept_as}"
        if self.kind == "left":
            return f"left     {self.path}: you have changed it"
        return f"{self.kind:8} {self.path}"


@dataclass(slots=True)
class Manifest:
    """What was put into a folder: files with their hashes, and folders that were not there before.

    ``replaced`` holds the hashes of before while files are exchanged: after a full disk or a crash either version of a
    file is ours.
    """

    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    further: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def is_ours(self, path: str, current: str) -> bool:
        """Whether a file with this hash is as it was put there."""
        return current in (self.files.get(path), self.replaced.get(path))

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        content = {
            "format": FORMAT,
            "version": self.version,
            "files": dict(sorted(self.files.items())),
            "folders": sorted(self.folders),
            "further": dict(sorted(self.further.items())),
            "replaced": dict(sorted(self.replaced.items())),
        }
        _write(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; an empty one where there is none.

    Raises
    ------
    InputError
        If it cannot be understood: without it nobody knows which files are ours.
    """
    try:
        content = json.loads(read_small(path, max_bytes=MOST_BYTES, any_link=True, what="manifest").decode("utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']}, not {FORMAT}")
        files = {_inside(name): str(value) for name, value in content["files"].items()}
        folders = [_inside(name) for name in content["folders"]]
        further = {str(key): str(value) for key, value in content.get("further", {}).items()}
        replaced = {_inside(name): str(value) for name, value in content.get("replaced", {}).items()}
        return Manifest(str(content["version"]), files, folders, further, replaced)
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise InputError(unreadable(path, error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it, and install again") from error


def planned(folder: Path, wanted: Mapping[str, bytes], manifest: Manifest, *, keep_in: str) -> list[Change]:
    """What has to change so that ``folder`` holds exactly ``wanted`` of ours.

    Parameters
    ----------
    folder : where the files are.
    wanted : content by path below it.
    manifest : what was put there before.
    keep_in : folder below ``folder`` for the user's versions.
    """
    changes = []
    for path, content in sorted(wanted.items()):
        current = _hash_of(folder / path)
        if current is None:
            changes.append(Change("added", path))
        elif current != _sha256(content):
            is_ours = manifest.is_ours(path, current)
            changes.append(Change("updated", path) if is_ours else Change("kept", path, f"{keep_in}/{path}"))
    for path in sorted(set(manifest.files) - set(wanted)):
        current = _hash_of(folder / path)
        if current is not None:
            is_ours = manifest.is_ours(path, current)
            changes.append(Change("removed", path) if is_ours else Change("set aside", path, f"{keep_in}/{path}"))
    return changes


def carried_out(
    folder: Path, wanted: Mapping[str, bytes], manifest: Manifest, changes: list[Change], manifest_path: Path
) -> None:
    """Make the changes. The manifest is written before the files are, so that a crash leaves none unaccounted for.

    Raises
    ------
    ReatrieveError
        If a file cannot be written; the manifest then still names all that is there.
    """
    try:
        for change in changes:
            if change.kept_as:
                _copy(folder / change.path, folder / change.kept_as)
        manifest.folders = sorted({*manifest.folders, *_missing_folders(folder, wanted)})
        before = dict(manifest.files)
        manifest.files = {**before, **{path: _sha256(content) for path, content in wanted.items()}}
        ours = [change.path for change in changes if change.kind in ("updated", "removed")]
        manifest.replaced = {path: known for path in ours if (known := _hash_of(folder / path)) is not None}
        manifest.write(manifest_path)
        for change in changes:
            if change.path in wanted:
                _write(folder / change.path, wanted[change.path])
            else:
                (folder / change.path).unlink(missing_ok=True)
        manifest.files = {path: _sha256(content) for path, content in wanted.items()}
        manifest.replaced = {}
        _remove_empty(folder, manifest)
        manifest.write(manifest_path)
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise ReatrieveError(
                f"cannot write {where} ({why}); correct the folder's rights or close what uses it, and try again"
            ) from error
        raise ReatrieveError(
            f"cannot write {where} ({why}); close what uses it or make room on its disk, and try again"
        ) from error


def taken_away(folder: Path, manifest: Manifest, manifest_path: Path, *, dry_run: bool) -> list[Change]:
    """Remove what the manifest names and nobody has changed since, then the manifest and the folders it made.

    Raises
    ------
    ReatrieveError
        If a file cannot be removed.
    """
    changes = []
    for path in sorted(manifest.files):
        current = _hash_of(folder / path)
        if current is not None:
            changes.append(Change("removed" if manifest.is_ours(path, current) else "left", path))
    if dry_run:
        return changes
    try:
        for change in changes:
            if change.kind == "removed":
                (folder / change.path).unlink()
        manifest_path.unlink(missing_ok=True)
        manifest.files = {change.path: "" for change in changes if change.kind == "left"}
        _remove_empty(folder, manifest)
    except OSError as error:
        raise ReatrieveError(
            f"cannot remove {error.filename} ({error.strerror or error}); correct the folder's rights or close what "
            "uses it, and try again"
        ) from error
    return changes


def _missing_folders(folder: Path, wanted: Mapping[str, bytes]) -> set[str]:
    """Folders that have to be made for these files."""
    parents = {parent.as_posix() for path in wanted for parent in PurePosixPath(path).parents}
    return {parent for parent in parents - {"."} if not (folder / parent).is_dir()}


def _remove_empty(folder: Path, manifest: Manifest) -> None:
    """Remove folders that were made for files which are gone."""
    for path in sorted(manifest.folders, key=len, reverse=True):
        if not any(name.startswith(f"{path}/") for name in manifest.files):
            with contextlib.suppress(OSError):  # not empty: the user keeps something there
                (folder / path).rmdir()
    manifest.folders = [path for path in manifest.folders if (folder / path).is_dir()]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with appearing(path) as part:
        part.write_bytes(content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _hash_of(path: Path) -> str | None:
    try:
        with open_source(path) as file:
            return _sha256(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ReatrieveError(unreadable(path, error)) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _inside(path: str) -> str:
    """A path that stays below the folder, whoever has written the manifest."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or ":" in path or "\\" in path:
        raise ValueError(f"{path!r} leads out of the folder")
    return path
