"""ReaPack takes the scripts: the rules of ``reapack-index`` hold, and the index is made from headers and wheel."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

import reatrieve
from reatrieve.setup.install import shipped_scripts

ROOT = Path(__file__).resolve().parents[2]
URL = "https://example.org/v{version}/{path}"
TIME = "2026-11-26T12:00:00Z"


def loaded(name: str) -> ModuleType:
    path = ROOT / "daemon" / "packaging" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


reapack = loaded("reapack")


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "reaper_scripts", tmp_path / "reaper_scripts"))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / f"reatrieve-{reatrieve.__version__}-py3-none-any.whl"
    path.touch()
    return path


def test_the_scripts_pass() -> None:
    assert reapack.check() == []
    assert reapack.main(["check"]) == 0


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("lib/osc.lua", "local osc = {}\nreturn osc\n", "lib/osc.lua: missing tag '@version'"),
        ("lib/tool.py", '"""No header."""\n', "lib/tool.py: missing tag '@version'"),
        ("lib/osc.lua", "-- @noindex yes\n", "lib/osc.lua: @noindex takes no value"),
        ("ReaTrieve_Client.lua", "-- @version one\n", "invalid value for tag '@version': 'one'"),
        ("ReaTrieve_Client.lua", "-- @version 1.0\n-- @provides\n--   gone.lua\n", "file not found 'gone.lua'"),
        ("ReaTrieve_Client.lua", "-- @version 1.0\n-- @provides\n--   [mian] lib/*.lua\n", "unknown option mian"),
        ("ReaTrieve_Client.lua", "-- @version 1.0\n-- @provides\n--   lib/*.lua\n--   lib/osc.lua\n", "provided twice"),
        ("ReaTrieve_Client.lua", "-- @version 1.0\n-- @author\n", "missing value for tag '@author'"),
        ("ReaTrieve_Client.lua", "-- @version 1.0\n-- @author a\n--   b\n", "'@author' must be on a single line"),
        ("readme.txt", "in no package\n", "readme.txt is in no package"),
    ],
)  # fmt: skip
def test_what_reapack_refuses_is_named(scripts: Path, name: str, text: str, problem: str) -> None:
    (scripts / name).write_text(text, encoding="utf-8")
    assert any(problem in found for found in reapack.check(scripts)), reapack.check(scripts)


def test_the_index_brings_every_file_and_the_wheel(wheel: Path) -> None:
    content = reapack.make_index(URL, wheel, time=TIME)
    assert reapack.check_index(content) == []
    (package,) = ET.fromstring(content).iterfind("category/reapack")
    (version,) = package.findall("version")
    assert version.get("name") == reatrieve.__version__
    files = {source.get("file", "ReaTrieve_Client.lua"): source for source in version.findall("source")}
    assert set(files) == {*shipped_scripts(), wheel.name}
    actions = {name for name, source in files.items() if source.get("main") == "main"}
    assert actions == {path for path in shipped_scripts() if path.startswith("ReaTrieve_")}
    find = files["ReaTrieve_Find sounds like the time selection.lua"]
    assert find.text == (
        f"https://example.org/v{reatrieve.__version__}/reaper_scripts/"
        "ReaTrieve_Find%20sounds%20like%20the%20time%20selection.lua"
    )
    assert files[wheel.name].text == f"https://example.org/v{reatrieve.__version__}/{wheel.name}"
    assert "The loop runs end to end" in (version.findtext("changelog") or "")
    assert package.findtext("metadata/description", "").startswith(r"{\rtf1")


def test_versions_stay_as_they_were_released(wheel: Path, scripts: Path, tmp_path: Path) -> None:
    first = reapack.make_index(URL, wheel, time=TIME, folder=scripts)
    assert reapack.make_index(URL, wheel, time="2030-01-01T00:00:00Z", folder=scripts, previous=first) == first
    client = scripts / "ReaTrieve_Client.lua"
    client.write_text(client.read_text(encoding="utf-8").replace("@version 0.1.0", "@version 0.2.0"), encoding="utf-8")
    newer = tmp_path / "reatrieve-0.2.0-py3-none-any.whl"
    newer.touch()
    second = reapack.make_index(URL, newer, folder=scripts, previous=first)
    assert reapack.check_index(second) == []
    versions = ET.fromstring(second).findall("category/reapack/version")
    assert [one.get("name") for one in versions] == ["0.1.0", "0.2.0"]
    assert (
        ET.tostring(versions[0]).strip() == ET.tostring(ET.fromstring(first).find("category/reapack/version")).strip()
    )  # type: ignore[arg-type]
    (scripts / "lib" / "new.lua").write_text("-- @noindex\n", encoding="utf-8")
    with pytest.raises(reapack.PackageError, match="raise the version"):
        reapack.make_index(URL, newer, folder=scripts, previous=second)


def test_a_wheel_of_another_version_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "reatrieve-9.9-py3-none-any.whl"
    other.touch()
    with pytest.raises(reapack.PackageError, match="no wheel of version"):
        reapack.make_index(URL, other)
    with pytest.raises(reapack.PackageError, match="not there"):
        reapack.make_index(URL, tmp_path / f"reatrieve-{reatrieve.__version__}-py3-none-any.whl")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('version="1" name', 'version="2" name', "root"),
        ('type="script"', 'type="magic"', "type or name"),
        ('main="main"', 'main=""', "no action"),
        ("https://", "ftp://", "address"),
        (TIME, "yesterday", "time"),
        ('file="lib/osc.lua"', 'file="../osc.lua"', "leads out"),
        ("</index>", "", "not XML"),
    ],
)
def test_a_wrong_index_is_found(wheel: Path, old: str, new: str, problem: str) -> None:
    content = reapack.make_index(URL, wheel, time=TIME).decode()
    assert old in content
    assert any(problem in found for found in reapack.check_index(content.replace(old, new).encode()))
