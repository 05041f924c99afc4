"""Advice names the command that is right for how this ReaTrieve came."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reatrieve.errors import InputError
from reatrieve.installation import MARKER, Installation, described, missing, missing_module, this_installation

ROOT = Path(__file__).resolve().parents[2]
REQUIRES = [
    "numpy>=1.24",
    'lupa>=2.4; extra == "headless"',
    "rpp>=0.5; extra == 'headless'",
    'dask[distributed]>=2024.1; extra == "cluster"',
    'tomli>=2; python_version < "3.11" and extra == "learned"',
    'reatrieve[headless]; extra == "test"',
]
PYTHON = "/opt/py thon/bin/python3"


def of(direct_url: object, prefix: Path, installer: str = "pip") -> Installation:
    text = None if direct_url is None else json.dumps(direct_url)
    return described(text, prefix=prefix, installer=installer, requires=REQUIRES, python=PYTHON)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "Ré 50%41 Trieve"  # a name with what looks like an escape of a URL
    folder.mkdir()
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="commands are quoted as each platform's shell wants them")
def test_each_origin_has_its_command(source: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    prefix.mkdir()
    url = source.as_uri()
    pip = f"'{PYTHON}' -m pip install"
    folder = of({"url": url, "dir_info": {}}, prefix)
    assert (folder.kind, folder.adding("headless")) == ("folder", f"{pip} '{source}[headless]'")
    assert folder.updating() == f"{pip} '{source}'"
    checkout = of({"url": url, "dir_info": {"editable": True}}, prefix)
    assert (checkout.kind, checkout.adding("learned")) == ("checkout", f"{pip} -e '{source}[learned]'")
    assert checkout.updating() == f"git -C '{source}' pull"
    wheel = source / "reatrieve-0.1.0-py3-none-any.whl"
    wheel.touch()
    archive = {"url": wheel.as_uri(), "archive_info": {}}
    assert of(archive, prefix).adding("headless") == f"{pip} '{wheel}[headless]'"
    git = {"url": "https://example.org/r.git", "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "0"}}
    assert of(git, prefix).adding("headless") == f"{pip} 'reatrieve[headless] @ git+https://example.org/r.git@v1'"
    (prefix / MARKER).touch()
    assert of(archive, prefix).kind == "setup"
    assert "ReaTrieve: Setup" in of(archive, prefix).updating()
    assert of(archive, prefix).adding("headless") == f"{pip} '{wheel}[headless]'"


@pytest.mark.skipif(sys.platform == "win32", reason="commands are quoted as each platform's shell wants them")
def test_where_the_origin_is_unknown_or_gone_the_packages_themselves_are_named(tmp_path: Path) -> None:
    for origin in (None, {"url": (tmp_path / "gone").as_uri(), "dir_info": {}}, {"rubbish": 1}):
        here = of(origin, tmp_path)
        assert here.kind == "unknown"
        assert here.adding("headless") == f"'{PYTHON}' -m pip install 'lupa>=2.4' 'rpp>=0.5'"
        assert "reatrieve[" not in here.adding("cluster")


@pytest.mark.skipif(sys.platform == "win32", reason="commands are quoted as each platform's shell wants them")
def test_tools_of_pipx_and_uv_are_added_to_by_pipx_and_uv(source: Path, tmp_path: Path) -> None:
    origin = {"url": source.as_uri(), "dir_info": {}}
    (tmp_path / "pipx_metadata.json").touch()
    assert of(origin, tmp_path).adding("headless") == f"pipx install --force '{source}[headless]'"
    assert of(None, tmp_path).adding("headless") == "pipx inject reatrieve 'lupa>=2.4' 'rpp>=0.5'"
    (tmp_path / "pipx_metadata.json").unlink()
    (tmp_path / "uv-receipt.toml").touch()
    assert of(origin, tmp_path).adding("headless") == f"uv tool install --force '{source}[headless]'"


def test_a_program_without_python_cannot_be_added_to() -> None:
    with pytest.raises(InputError, match="built without"):
        Installation("program", "/x").adding("headless")


def test_this_one_runs_from_its_files_or_is_installed_from_them() -> None:
    here = this_installation()
    assert here.kind in ("checkout", "folder")
    assert Path(here.source).resolve() == ROOT
    assert f"{here.source}[figures]" in str(missing("matplotlib"))


def test_only_modules_of_an_extra_are_explained() -> None:
    assert missing_module(ModuleNotFoundError("no", name="numpy.missing")) is None
    assert "pillow" in str(missing_module(ModuleNotFoundError("no", name="PIL.Image")))


@pytest.mark.parametrize("arguments", [["demo"], ["find", "x.wav"], ["export", "--rpp", "song.rpp"]])
def test_a_missing_extra_is_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    """As if neither of them was installed: their import fails."""
    (tmp_path / "song.rpp").write_text('<REAPER_PROJECT 0.1 "7.0" 1\n>\n')
    code = "import sys\nsys.modules.update(dict.fromkeys(('lupa', 'rpp', 'PIL', 'rich')))\n"
    code += "from reatrieve.cli import main\nsys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "daemon")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "is not installed; install it with: " in done.stderr
    assert "[headless]" in done.stderr


def test_no_text_names_a_public_release() -> None:
    """There is none: whoever reads ``pip install reatrieve`` would get somebody else's package or nothing."""
    wrong = ["pip install reatrieve", "pip install 'reatrieve", 'pip install "reatrieve', "pip install -U reatrieve"]
    wrong += ["pipx install reatrieve", "uv tool install reatrieve"]
    for folder in ("daemon", "reaper_scripts", "docs", "README.md"):
        path = ROOT / folder
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.suffix in (".py", ".lua", ".md", ".toml", ".txt"):
                text = file.read_text(encoding="utf-8")
                assert not [words for words in wrong if words in text], file
