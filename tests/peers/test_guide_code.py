"""The code of the documentation compiles, parses or runs."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
import types
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from peers.peer_programs import PEERS, output
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.cli import main
from reatrieve.journal import Header, Journal
from reatrieve.retrieval.learned.description import read_description
from reatrieve.session.events import Finished, Started
from reatrieve.session.spans import Span
from reatrieve.sync.targets import TARGETS
from reatrieve.sync.writers.unreal import COLUMNS
from signals import noise, repeats, write_sound

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted(DOCS.glob("guide/*.md")), DOCS / "learned-view.md"]
ELSEWHERE = ("python3 -m venv ", "pip install ", "reatrieve install")
"""What setup/test_newcomers_hour.py does."""
PROJECT = """<REAPER_PROJECT 0.1 "7.17" 1
MARKER 1 3 "riser 1" 1
MARKER 1 4 "" 1
<TRACK {T}
NAME Music
<ITEM
POSITION 0
LENGTH 20
<SOURCE WAVE
FILE "mix.wav"
>
>
>
>
"""
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def code(language: str) -> list[tuple[str, str]]:
    """(page, snippet) of every block in that language."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [(page.stem, textwrap.dedent(body)) for _, kind, body in FENCE.findall(text) if kind == language]
    return found


@pytest.fixture
def music(tmp_path, monkeypatch) -> Path:
    """A folder with the files that the guide's commands name."""
    monkeypatch.chdir(tmp_path)
    song = write_sound(tmp_path / "mix.wav", noise(48000 * 20), 48000)
    for name, example, sound in (("session", Span(2.0, 2.5), "riser"), ("impact", Span(4.0, 4.5), "impact")):
        header = Header(name, TrackMap((TrackItem(song, 0.0, 20.0),)))
        with Journal.create(tmp_path / f"{name}.journal.jsonl", header) as made:
            made.append(Started(example, sound, 10, "default"))
            made.append(Finished())
    places = [2.0, 5.0, 9.0, 13.0]
    for name, sound in (("song", "stab"), ("walk", "footstep")):
        write_sound(tmp_path / f"{name}.wav", repeats(places, rate_hz=22050, duration_s=16.0, length_s=0.4), 22050)
        rows = [f"{name}.wav,{sound},{start},{start + 0.4}\n" for start in places]
        with Path("labels.csv").open("a", encoding="utf-8") as labels:
            labels.write(("" if labels.tell() else "file,class,start,end\n") + "".join(rows))
    Path("regions.csv").write_text("#,Name,Start,End,Length\nR1,riser 1,0:01.0,0:02.0,0:01.0\n", encoding="utf-8")
    Path("labels.txt").write_text("1.0\t2.0\triser\n", encoding="utf-8")
    Path("Level1.rpp").write_text(PROJECT, encoding="utf-8")
    main(["export", "--regions", "regions.csv", "--audio", "mix.wav", "--to", "wav"])
    return tmp_path


def test_every_target_is_on_the_overview():
    overview = (DOCS / "guide" / "exports.md").read_text(encoding="utf-8")
    for target, form in TARGETS.items():
        assert f"`{target}`" in overview
        if target in ("unity", "godot"):
            assert f"`{form.file}`" in overview


def commands() -> dict[str, list[str]]:
    """All command lines of each page, one after the other as somebody types them who reads it."""
    found: dict[str, list[str]] = {}
    for page, lines in code("bash"):
        found.setdefault(page, []).extend(lines.splitlines())
    return found


@pytest.mark.parametrize("page", commands())
def test_commands_run(music, monkeypatch, page):
    monkeypatch.setenv("REATRIEVE_HOME", str(music / "home"))
    for line in commands()[page]:
        if line.startswith(ELSEWHERE):
            assert page == "first-minutes", line
            continue
        words = shlex.split(line.replace("\\", "\\\\"))
        assert words[0] == "reatrieve", line
        force = ["--force"] if words[1] in ("export", "convert") and "--force" not in words else []
        assert main([*words[1:], *force]) == 0, line


def test_the_newcomers_commands_are_the_same_on_each_system():
    """So that one of them can stand for all: only the way into the environment differs."""
    blocks = [
        body.splitlines() for kind in ("powershell", "bash") for page, body in code(kind) if page == "first-minutes"
    ]
    ways = [lines for lines in blocks if any("venv" in line for line in lines)]
    assert [lines[-2:] for lines in ways] == [['pip install ".[headless]"', "reatrieve install"]] * 3


@pytest.mark.parametrize(("page", "snippet"), code("python"))
def test_python_runs(music, monkeypatch, page, snippet):
    calls = []

    class WaapiClient:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def call(self, *arguments):
            calls.append(arguments)

    monkeypatch.setitem(sys.modules, "waapi", types.SimpleNamespace(WaapiClient=WaapiClient))
    if page in ("wwise", "json"):
        main(["export", "session.journal.jsonl", "--to", "json,wwise", "--out", "Sync"])
    names: dict = {"samples": noise(22050 * 4)} if page == "learned-view" else {}
    exec(compile(snippet, page, "exec"), names)
    if page == "wwise":
        assert calls[0][0] == "ak.wwise.core.object.set"
    if page == "learned-view":
        assert names["cosines"].argmax() == 100
    if page == "json":
        sync = names["Sync"]("Sync/mix.sync.json")
        assert [event["label"] for event in sync.due(96000 - 10, 11)] == ["riser"]
        assert sync.due(96000 - 10, 10) == []


def test_the_example_fits_the_schema():
    schema = json.loads((DOCS / "sync-events.schema.json").read_text(encoding="utf-8"))
    ((_, example),) = code("json")
    jsonschema.validate(json.loads(example), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(("page", "snippet"), code("toml"))
def test_the_description_of_a_model_is_read(tmp_path, page, snippet):
    (tmp_path / "my_model.toml").write_text(snippet, encoding="utf-8")
    assert read_description(tmp_path / "my_model.toml").label == "my model"


def test_every_kind_of_block_is_tried():
    """A block in another language would be tried by nobody."""
    kinds = {kind for page in PAGES for _, kind, _ in FENCE.findall(page.read_text(encoding="utf-8"))}
    assert kinds == {"bash", "powershell", "python", "json", "toml", "csharp", "cpp", "gdscript"}


def test_the_unreal_row_has_the_tables_columns():
    row = next(body for page, body in code("cpp") if page == "unreal" and "USTRUCT" in body)
    assert ("Name", *re.findall(r"(\w+)(?: = [-\d]+)?;", row)) == COLUMNS


@pytest.mark.peer
@pytest.mark.parametrize("page", ["unity", "fmod"])
def test_csharp_compiles(tmp_path, page):
    ((_, body),) = [found for found in code("csharp") if found[0] == page]
    source = tmp_path / "Snippet.cs"
    source.write_text(body, encoding="utf-8")
    loader = tmp_path / "ReaTrieveSync.cs"
    loader.write_bytes(resources.files("reatrieve.sync.loaders").joinpath("ReaTrieveSync.cs").read_bytes())
    stubs = [PEERS / "UnityStubs.cs", PEERS / "FmodStubs.cs"]
    output("mcs", "-target:library", f"-out:{tmp_path / 'x.dll'}", source, loader, *stubs)


@pytest.mark.peer
@pytest.mark.parametrize("page", ["unreal", "fmod", "wwise"])
def test_cpp_compiles(tmp_path, page):
    source = tmp_path / "snippet.cpp"
    source.write_text("\n".join(body for found, body in code("cpp") if found == page), encoding="utf-8")
    flags = ["-std=c++17", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused-function"]
    output("g++", *flags, "-include", PEERS / "engine_stubs.h", source)


@pytest.mark.extra
def test_gdscript_parses():
    parser = pytest.importorskip("gdtoolkit.parser")
    for _, body in code("gdscript"):
        parser.parser.parse(body)
