"""Wheel and sdist: what is in them, and that what is installed from them runs from an empty folder."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import reatrieve
from reatrieve.setup.install import shipped_scripts
from wheels import ROOT, build_wheel, run, wheel_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.tar.gz"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_package_and_scripts_and_nothing_else(wheel: Path) -> None:
    held = names(wheel)
    info = f"reatrieve-{reatrieve.__version__}.dist-info"
    assert {name.split("/")[0] for name in held} == {"reatrieve", info}
    scripts = {name.removeprefix("reatrieve/reaper_scripts/") for name in held if "/reaper_scripts/" in name}
    assert scripts == set(shipped_scripts())
    package = {p.relative_to(ROOT / "daemon").as_posix() for p in (ROOT / "daemon" / "reatrieve").rglob("*.py")}
    assert package <= held
    assert f"{info}/licenses/LICENSE" in held
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{info}/METADATA").decode("utf-8")
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    for name in ("lupa", "rpp", "pillow", "rich", "matplotlib"):
        assert not [line for line in needed if f" {name}" in line], name


def test_only_what_the_daemon_imports_is_needed(wheel: Path) -> None:
    """Each requirement is loaded by the daemon once it has warmed up, exported, and made a retriever of each kind."""
    code = (
        "import sys; from reatrieve.service import loading, Service; loading.load(); loading.exporting()\n"
        "loading.make_retriever('paper')\n"
        "from reatrieve.sync.writers import midi; import mido, reatrieve.audio.decode\n"
        "print(' '.join(sys.modules))"
    )
    loaded = set(run(sys.executable, "-c", code).split())
    modules = {"scikit-learn": "sklearn", "python-osc": "pythonosc"}
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"reatrieve-{reatrieve.__version__}.dist-info/METADATA").decode("utf-8")
    for line in metadata.splitlines():
        if line.startswith("Requires-Dist:") and "extra ==" not in line:
            name = line.split(":")[1].split(">")[0].split("<")[0].strip()
            assert modules.get(name, name) in loaded, name


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    for name in ("pyproject.toml", "README.md", "LICENSE", "daemon/packaging/reapack.py", "tests/conftest.py"):
        assert name in held
    assert names(wheel_of(sdist, tmp_path)) == names(wheel)


def test_what_the_wheel_installs_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "reatrieve" not in path.name and path.suffix != ".pth":
            (libraries / path.name).symlink_to(path)
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    run(scripts / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", wheel)
    empty = tmp_path / "empty"
    empty.mkdir()
    variables = {key: value for key, value in os.environ.items() if not key.startswith("REATRIEVE_")}
    variables |= {"PYTHONPATH": str(libraries), "PYTHONDONTWRITEBYTECODE": ""}
    options = {"cwd": empty, "env": variables}
    assert run(scripts / "reatrieve", "--version", **options) == f"reatrieve {reatrieve.__version__}\n"
    where = run(scripts / "python", "-c", "import reatrieve; print(reatrieve.__file__)", **options)
    assert Path(where.strip()).is_relative_to(environment)
    said = run(scripts / "reatrieve", "demo", "--json", "--no-export", "--out", empty / "out", **options)
    assert json.loads(said.splitlines()[-1])["recall"] == 1.0
