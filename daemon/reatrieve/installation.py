"""How this ReaTrieve came onto the machine, and so which command adds to it or brings it up to date.

Advice that names the wrong command is worse than none: pip records the origin of what it installs in
``direct_url.json`` (a checkout, a folder, a wheel, a repository), pipx and uv leave their own files beside it, and the
action *ReaTrieve: Setup* leaves ``reatrieve-setup.txt`` in the environment that it has made.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from reatrieve.errors import InputError, lacks_memory

__all__ = [
    "MARKER",
    "Installation",
    "Installer",
    "Kind",
    "described",
    "loaded",
    "missing",
    "missing_module",
    "scripts_folder",
    "this_installation",
]

MARKER = "reatrieve-setup.txt"
"""Lies in the environment that *ReaTrieve: Setup* has made."""

Kind: TypeAlias = Literal["checkout", "folder", "wheel", "repository", "setup", "program", "unknown"]
"""``checkout``: run from its own files (an editable install); ``folder``: copied from one; ``program``: a build without
Python."""

Installer: TypeAlias = Literal["pip", "pipx", "uv", "uv tool"]

_OPTIONAL = {
    "PIL": ("pillow", "headless"),
    "lupa": ("lupa", "headless"),
    "rich": ("rich", "headless"),
    "rpp": ("rpp", "headless"),
    "dask": ("dask", "cluster"),
    "distributed": ("dask", "cluster"),
    "matplotlib": ("matplotlib", "figures"),
    "onnxruntime": ("onnxruntime", "learned"),
    "sounddevice": ("sounddevice", "play"),
    "tomli": ("tomli", "learned"),
    "torch": ("torch", "training"),
}
"""Modules that the daemon does without: the package that holds each, and the extra that brings it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where this ReaTrieve came from.

    Attributes
    ----------
    kind : what it came from; ``unknown`` also where that is gone.
    source : path or address of it, "" where unknown.
    installer : the program that looks after the environment.
    python : the Python that runs it.
    extras : what each extra needs, for an origin that is gone.
    """

    kind: Kind
    source: str = ""
    installer: Installer = "pip"
    python: str = sys.executable
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def adding(self, extra: str) -> str:
        """The command that adds an extra, as it is typed on this platform.

        Raises
        ------
        InputError
            If nothing can be added to a program built without Python.
        """
        if self.kind == "program":
            raise InputError(
                f"this program was built without the extra {extra!r}; install ReaTrieve with Python instead"
            )
        if self.kind == "unknown":
            needed = dict(self.extras).get(extra, ())
            return self._command(needed, into=True)
        return self._command([*self._editable(), self._requirement(extra)])

    def updating(self) -> str:
        """What brings it up to date, in a few words that follow "update the daemon: "."""
        if self.kind == "setup":
            return "run the action ReaTrieve: Setup in REAPER"
        if self.kind == "program":
            return "unpack the new ReaTrieve over the old one"
        if self.kind == "checkout":
            return f"git -C {_quoted([self.source])} pull"
        if self.kind in ("folder", "repository"):
            return self._command([*self._editable(), self._requirement("")])
        return self._command(["NEW_WHEEL.whl"])

    def _requirement(self, extra: str) -> str:
        brackets = f"[{extra}]" if extra else ""
        return f"reatrieve{brackets} @ {self.source}" if self.kind == "repository" else f"{self.source}{brackets}"

    def _editable(self) -> list[str]:
        return ["-e"] if self.kind == "checkout" and self.installer in ("pip", "uv") else []

    def _command(self, words: Iterable[str], *, into: bool = False) -> str:
        """The installer's command; ``into`` where packages join an environment that pipx or uv keeps for one tool."""
        starts = {
            "pip": [self.python, "-m", "pip", "install"],
            "uv": ["uv", "pip", "install", "--python", self.python],
            "pipx": ["pipx", "inject", "reatrieve"] if into else ["pipx", "install", "--force"],
            "uv tool": ["uv", "pip", "install", "--python", self.python]
            if into
            else ["uv", "tool", "install", "--force"],
        }
        return _quoted([*starts[self.installer], *words])


def this_installation() -> Installation:
    """How the package that is running came here."""
    package = Path(__file__).resolve().parent
    if getattr(sys, "frozen", False):
        return Installation("program", str(Path(sys.executable).parent))
    try:
        distribution = importlib.metadata.distribution("reatrieve")
    except importlib.metadata.PackageNotFoundError:
        return _unpacked(package)
    direct_url = distribution.read_text("direct_url.json")
    own = Path(str(distribution.locate_file("reatrieve"))).resolve()
    if own != package and not _is_editable_of(direct_url, package):
        return _unpacked(package)  # another one is installed, and this one runs from its files
    return described(
        direct_url,
        prefix=Path(sys.prefix),
        installer=(distribution.read_text("INSTALLER") or "").strip(),
        requires=distribution.requires or [],
    )


def described(
    direct_url: str | None, *, prefix: Path, installer: str, requires: Iterable[str], python: str = sys.executable
) -> Installation:
    """An installation from what its environment says of it.

    Parameters
    ----------
    direct_url : content of ``direct_url.json`` (PyPA's "direct URL origin"); None where there is none.
    prefix : the environment's folder.
    installer : content of ``INSTALLER``.
    requires : the distribution's ``Requires-Dist`` lines.
    """
    kept_by: Installer = "uv" if installer == "uv" and importlib.util.find_spec("pip") is None else "pip"
    if (prefix / "pipx_metadata.json").is_file():
        kept_by = "pipx"
    elif (prefix / "uv-receipt.toml").is_file():
        kept_by = "uv tool"
    kind, source = _origin(direct_url)
    if kind != "unknown" and (prefix / MARKER).is_file():
        kind = "setup"
    extras = tuple(_by_extra(requires).items())
    return Installation(kind, source, kept_by, python, extras)


def scripts_folder() -> Path:
    """Where the shipped scripts are: in the checkout beside the package, else in the package's data.

    Raises
    ------
    InputError
        If they are in neither place.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parents[1] / "reaper_scripts", package / "reaper_scripts"):
        if (folder / "ReaTrieve_Client.lua").is_file():
            return folder
    raise InputError(f"the REAPER scripts are not beside {package}: install the package again")


def missing(module: str) -> InputError:
    """The error for a module of an extra that is not installed; its text says what to type."""
    package, extra = _OPTIONAL[module]
    return InputError(f"{package} is not installed; install it with: {this_installation().adding(extra)}")


def loaded(module: str) -> ModuleType:
    """Import a module of an extra, or of a package in it.

    Raises
    ------
    InputError
        If it is not installed, or is there and cannot be loaded; the text says what to type.
    """
    top = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except Exception as error:  # a library that does not fit the others raises whatever it meets
        if lacks_memory(error):
            raise
        if isinstance(error, ModuleNotFoundError) and error.name == top:
            raise missing(top) from error
        package, extra = _OPTIONAL[top]
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"{package} is there but cannot be loaded ({lines[0]}); remove it, then install it with: "
            f"{this_installation().adding(extra)}"
        ) from error


def missing_module(error: ModuleNotFoundError) -> InputError | None:
    """``missing`` for an import that failed; None if no extra brings that module."""
    module = (error.name or "").partition(".")[0]
    return missing(module) if module in _OPTIONAL else None


def _unpacked(package: Path) -> Installation:
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file():
        return Installation("folder", str(checkout))
    return Installation("unknown")


def _is_editable_of(direct_url: str | None, package: Path) -> bool:
    kind, source = _origin(direct_url)
    return kind == "checkout" and Path(source).resolve() in package.parents


def _origin(direct_url: str | None) -> tuple[Kind, str]:
    try:
        record = json.loads(direct_url or "")
        url = urlsplit(record["url"])
    except (ValueError, KeyError, TypeError):
        return "unknown", ""
    if "vcs_info" in record:
        info = record["vcs_info"]
        revision = info.get("requested_revision") or ""
        return "repository", f"{info.get('vcs', 'git')}+{record['url']}" + (f"@{revision}" if revision else "")
    if url.scheme != "file":
        return "wheel", record["url"]
    path = _path_of(url.path)
    if not path.exists():
        return "unknown", ""
    if "dir_info" in record:
        return ("checkout" if record["dir_info"].get("editable") else "folder"), str(path)
    return "wheel", str(path)


def _path_of(url_path: str) -> Path:
    if sys.platform != "win32":
        return Path(unquote(url_path))
    from urllib.request import url2pathname  # loads what speaks HTTP, which costs every command a tenth of its start

    return Path(url2pathname(url_path))


def _by_extra(requires: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Requirements by the extra that asks for them: ``lupa>=2.4; extra == "headless"``."""
    found: dict[str, tuple[str, ...]] = {}
    for line in requires:
        requirement, _, condition = line.partition(";")
        match = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", condition)
        if match and "reatrieve" not in requirement and "python_version" not in condition:
            found[match[1]] = (*found.get(match[1], ()), requirement.strip())
    return found


def _quoted(words: Iterable[str]) -> str:
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
