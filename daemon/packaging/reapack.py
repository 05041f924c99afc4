"""ReaPack's index of the scripts, made from their headers and the wheel; and a check of the rules by which
``reapack-index`` (the tool of ReaPack's author) accepts them.

    python daemon/packaging/reapack.py check
    python daemon/packaging/reapack.py index --url "https://example.org/releases/v{version}/{path}" \
        --wheel dist/reatrieve-0.1.0-py3-none-any.whl --previous index.xml --out index.xml

The wheel comes with the scripts, so that the action *ReaTrieve: Setup* has it at hand. Versions that an earlier index
holds stay as they were released.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "reaper_scripts"
PACKAGE = "ReaTrieve_Client.lua"
CATEGORY = "Regions"
"""ReaPack puts the files into ``Scripts/<index>/<category>``."""

NAME = "ReaTrieve"
INDEXED = (".lua", ".eel", ".py")
"""What ``reapack-index`` takes for a script package unless its header says ``@noindex``."""

TAG = re.compile(r"^(?P<prefix>\W*?)@(?P<name>\w+)(?:[ \t]+(?P<value>\S.*?))?[ \t]*$")
PLATFORMS = ("all", "darwin", "darwin32", "darwin64", "darwin-arm64", "linux", "linux32", "linux64", "linux-armv7l",
             "linux-aarch64", "windows", "win32", "win64", "windows-arm64ec")  # fmt: skip
SECTIONS = ("main", "midi_editor", "midi_inlineeditor", "midi_eventlisteditor", "mediaexplorer", "crossfade_editor")
PROVIDES = re.compile(r"(?:\[(?P<options>[^\]]*)\])?\s*(?P<pattern>.+?)(?:\s+(?P<url>(?:https?|file)://\S+))?\Z")
VERSION = re.compile(r"\d+(?:\.\d+)*[\w.+-]*\Z")


class PackageError(ValueError):
    """A header or file that ReaPack would not take; one sentence."""


@dataclass
class Provided:
    """One line of ``@provides``: options in brackets, a pattern of files, and perhaps an address."""

    pattern: str
    main: bool | None = None
    platform: str = "all"
    url: str = ""


@dataclass
class Header:
    """The tags at the head of a script."""

    tags: dict[str, str] = field(default_factory=dict)

    @property
    def noindex(self) -> bool:
        """Whether the file is none of its own package."""
        return "noindex" in self.tags


def read_header(path: Path) -> Header:
    """The tags of a file's first comment; a value goes on over lines that are indented further."""
    tags: dict[str, str] = {}
    name, indent = "", 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(("--", "#", "//")):
            if line.strip() and not line.startswith(('"""', "'''")):
                break
            continue
        match = TAG.match(line)
        if match:
            name, indent = match["name"], len(match["prefix"])
            tags[name] = match["value"] or ""
            continue
        text = re.sub(r"^(--|#|//)", lambda found: " " * len(found[0]), line)
        if name and text.strip() and len(text) - len(text.lstrip()) > indent:
            tags[name] += ("\n" if tags[name] else "") + text.strip()
        elif name and not text.strip() and tags[name]:
            tags[name] += "\n"
        else:
            name = ""
    return Header(tags)


def provided(header: Header) -> Iterator[Provided]:
    """The lines of ``@provides``.

    Raises
    ------
    PackageError
        If one cannot be understood.
    """
    for line in header.tags.get("provides", "").splitlines():
        if not line.strip():
            continue
        match = re.match(
            r"^(?:\[(?P<options>[^\]]*)\])?\s*(?P<pattern>.+?)(?:\s+(?P<url>(?:https?|file)://\S+))?$", line
        )
        assert match
        one = Provided(match["pattern"], url=match["url"] or "")
        for option in (match["options"] or "").split():
            if option == "nomain":
                one.main = False
            elif option == "main" or option.startswith("main="):
                sections = option.partition("=")[2]
                if sections and not set(sections.split(",")) <= set(SECTIONS):
                    raise PackageError(f"@provides {line}: unknown section in {option}")
                one.main = True
            elif option in PLATFORMS:
                one.platform = option
            elif option not in ("script", "effect", "data", "extension", "theme", "langpack", "webinterface"):
                raise PackageError(f"@provides {line}: unknown option {option}")
        yield one


def sources(folder: Path, package: Path) -> list[tuple[str, bool]]:
    """The files that a package brings: path below ``folder``, and whether it is an action. The package itself is first.

    Raises
    ------
    PackageError
        If a pattern matches nothing, or one file would be put there twice.
    """
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name[0] != ".")
    found: list[tuple[str, bool]] = []
    for one in provided(read_header(package)):
        pattern = package.name if one.pattern == "." else one.pattern
        # as File.fnmatch with FNM_PATHNAME: a star does not cross a slash
        matching = [
            path for path in files if fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")
        ]
        if not matching and not one.url:
            raise PackageError(f"{package.name}: file not found '{one.pattern}'")
        found += [(path, bool(one.main) or (one.main is None and path == package.name)) for path in matching]
    if package.name not in [path for path, _ in found]:
        found.insert(0, (package.name, True))
    paths = [path for path, _ in found]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise PackageError(f"{package.name}: {twice[0]} is provided twice")
    return sorted(found, key=lambda one: (one[0] != package.name, one[0]))


def check(folder: Path = SCRIPTS) -> list[str]:
    """What ``reapack-index --check`` would find, a sentence each, and what it lets pass but a user would miss."""
    problems = []
    packages = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in INDEXED):
        name = path.relative_to(folder).as_posix()
        header = read_header(path)
        if header.noindex:
            if header.tags["noindex"]:
                problems.append(f"{name}: @noindex takes no value")
            continue
        packages.append(path)
        version = header.tags.get("version")
        if version is None:
            problems.append(f"{name}: missing tag '@version' (or '@noindex')")
        elif not VERSION.match(version):
            problems.append(f"{name}: invalid value for tag '@version': {version!r}")
        problems += [
            f"{name}: tag '@{tag}' must be on a single line"
            for tag in ("version", "author", "description")
            if "\n" in header.tags.get(tag, "")
        ]
        problems += [
            f"{name}: missing value for tag '@{tag}'"
            for tag in ("author", "description", "about", "changelog", "provides")
            if tag in header.tags and not header.tags[tag].strip()
        ]
        try:
            brought = {path for path, _ in sources(folder, path)}
        except PackageError as error:
            problems.append(str(error))
            continue
        every = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name[0] != "."}
        problems += [f"{other} is in no package" for other in sorted(every - brought)]
    if not packages:
        problems.append(f"{folder} holds no package")
    return problems


def changelog_of(version: str, text: str) -> str:
    """The part of docs/changelog.md that is about one version, as plain text."""
    match = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else ""


def make_index(
    url: str, wheel: Path, *, previous: bytes | None = None, time: str = "", folder: Path = SCRIPTS
) -> bytes:
    """The index as XML.

    Parameters
    ----------
    url : address of a released file; ``{version}`` and ``{path}`` are filled in.
    wheel : the wheel of this version.
    previous : the index as it is now; its versions stay.
    time : when this version was released, ISO 8601.

    Raises
    ------
    PackageError
        If the headers are not valid, the wheel is of another version, or this version was released with other files.
    """
    problems = check(folder)
    if problems:
        raise PackageError(problems[0])
    header = read_header(folder / PACKAGE)
    version = header.tags["version"]
    if not re.match(rf"reatrieve-{re.escape(version)}-\S+\.whl\Z", wheel.name):
        raise PackageError(f"{wheel.name} is no wheel of version {version}")
    if not wheel.is_file():
        raise PackageError(f"{wheel} is not there; make it with: python -m build --wheel")
    index = ET.fromstring(previous) if previous else ET.Element("index", version="1", name=NAME)
    category = _child(index, "category", CATEGORY)
    package = _child(category, "reapack", PACKAGE)
    package.attrib.update(type="script", desc=header.tags["description"])
    metadata = package.find("metadata")
    if metadata is None:
        metadata = ET.SubElement(package, "metadata")
        package.remove(metadata)
        package.insert(0, metadata)
    metadata.clear()
    ET.SubElement(metadata, "description").text = _rtf(header.tags["about"])
    made = ET.Element("version", name=version, author=header.tags["author"], time=time or _now())
    text = changelog_of(version, (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8"))
    if text:
        ET.SubElement(made, "changelog").text = text
    for path, is_main in [*sources(folder, folder / PACKAGE), (wheel.name, False)]:
        source = ET.SubElement(made, "source")
        if is_main:
            source.set("main", "main")
        if path != PACKAGE:
            source.set("file", path)
        below = path if path == wheel.name else f"{folder.name}/{path}"
        source.text = url.format(version=version, path=_escaped(below))
    for old in package.findall("version"):
        if old.get("name") == version:
            if _files(old) != _files(made):
                raise PackageError(f"version {version} is in the index with other files; raise the version")
            return _bytes(index)
    package.append(made)
    return _bytes(index)


def check_index(content: bytes) -> list[str]:
    """What ReaPack would not take of an index, a sentence each."""
    problems = []
    try:
        index = ET.fromstring(content)
    except ET.ParseError as error:
        return [f"not XML: {error}"]
    if index.tag != "index" or index.get("version") != "1" or not index.get("name"):
        problems.append("the root is not <index version='1' name='...'>")
    for package in index.iterfind("category/reapack"):
        name = package.get("name", "")
        if package.get("type") != "script" or "/" in name or not name:
            problems.append(f"{name}: type or name")
        versions = [one.get("name", "") for one in package.findall("version")]
        if not versions or len(set(versions)) < len(versions):
            problems.append(f"{name}: its versions are {versions}")
        for version in package.findall("version"):
            problems += [f"{name} {problem}" for problem in _version_problems(version)]
    if not index.findall("category/reapack"):
        problems.append("no package")
    return problems


def _version_problems(version: ET.Element) -> Iterator[str]:
    name = version.get("name", "")
    if not VERSION.match(name):
        yield f"version {name!r} is none"
    try:
        datetime.datetime.fromisoformat(version.get("time", "").replace("Z", "+00:00"))
    except ValueError:
        yield f"{name}: time {version.get('time')!r}"
    found = version.findall("source")
    if not any(one.get("main") and one.get("file") is None for one in found):
        yield f"{name}: the package itself is no action"
    files = [one.get("file", "") for one in found]
    if len(set(files)) < len(files):
        yield f"{name}: a file stands there twice"
    for one in found:
        path = PurePosixPath(one.get("file", "x"))
        if path.is_absolute() or ".." in path.parts:
            yield f"{name}: {path} leads out of the folder"
        if not re.match(r"(https?|file)://[^\s<>\"]+\Z", one.text or ""):
            yield f"{name}: {one.get('file', '')} has the address {one.text!r}"


def _child(parent: ET.Element, tag: str, name: str) -> ET.Element:
    for one in parent.findall(tag):
        if one.get("name") == name:
            return one
    return ET.SubElement(parent, tag, name=name)


def _files(version: ET.Element) -> list[tuple[str, str]]:
    return sorted((one.get("file", ""), one.get("main", "")) for one in version.findall("source"))


def _escaped(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")


def _rtf(text: str) -> str:
    """Plain text with headings as the RTF that ReaPack shows."""
    lines = []
    for line in text.splitlines():
        clean = "".join(c if ord(c) < 128 else f"\\u{ord(c)}?" for c in re.sub(r"([\\{}])", r"\\\1", line))
        clean = re.sub(r"[*`]+", "", clean)
        lines.append(rf"{{\b {clean[2:]}}}\par" if clean.startswith("# ") else rf"{clean} " if clean else r"\par")
    return r"{\rtf1\ansi " + "".join(lines) + "}"


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(index: ET.Element) -> bytes:
    ET.indent(index)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(index, encoding="utf-8") + b"\n"


def main(argv: list[str] | None = None) -> int:
    """Check, or write the index."""
    parser = argparse.ArgumentParser(description="ReaPack's index of the scripts.")
    parser.add_argument("task", choices=("check", "index"))
    parser.add_argument("--url", help="address of a released file, with {version} and {path}")
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--previous", type=Path, help="the index as released; its versions stay")
    parser.add_argument("--time", default="", help="when it was released (ISO 8601; default: now)")
    parser.add_argument("--out", type=Path, default=Path("index.xml"))
    args = parser.parse_args(argv)
    if args.task == "check":
        problems = check()
        print("\n".join(problems) or f"{SCRIPTS.name}: passed")
        return 1 if problems else 0
    if not args.url or not args.wheel:
        parser.error("index needs --url and --wheel")
    try:
        previous = args.previous.read_bytes() if args.previous and args.previous.is_file() else None
        content = make_index(args.url, args.wheel, previous=previous, time=args.time)
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    args.out.write_bytes(content)
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
