"""Files that older versions wrote open in this one, and hold what they held."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from golden.goldens import (
    AUDIO_NAME,
    REAPERS,
    Rig,
    noise_file,
    opened_project,
    render,
    told_accepted,
    told_events,
    told_journal,
    told_script_settings,
    told_settings,
    versions,
)
from reatrieve.annotations.files import read_annotations
from reatrieve.cli import main
from reatrieve.demo.service_process import ServiceProcess
from reatrieve.headless import Reaper
from reatrieve.journal import Journal, JournalFolder
from reatrieve.session.events import BudgetRaised


def expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def files(pattern: str) -> list[Any]:
    """Every golden file that fits, of every version."""
    return [
        pytest.param(path, id=f"{version.name}/{path.relative_to(version).as_posix()}")
        for version in versions()
        for path in sorted(version.glob(pattern))
        if path.is_file()
    ]


def as_json(value: object) -> object:
    """With lists for tuples and texts for keys, as JSON has them."""
    return json.loads(json.dumps(value))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATRIEVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REATRIEVE_CACHE", str(tmp_path / "cache"))


def test_there_are_golden_files_of_every_kind() -> None:
    assert versions()
    for version in versions():
        for folder in ("journals", "projects", "settings", "sync"):
            assert len(expected(version / folder)) >= 2


@pytest.mark.parametrize("path", files("**/*"))
def test_no_golden_file_knows_the_machine_that_made_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("/tmp/", "/home/", "/root/", "\\Users\\") if word in text]
    assert set(re.findall(r"(?<![\w.<:/])/\w+/", text)) <= {"/project/"}  # no other folder at the root of a disk


# journals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("journals/*.jsonl"))
def test_a_journal_adds_up_to_the_same_state(path: Path) -> None:
    assert as_json(told_journal(path)) == expected(path.parent)[path.name]


@pytest.mark.parametrize("path", files("journals/*.jsonl"))
def test_a_journal_is_gone_on_with_and_says_the_same_as_before(path: Path, tmp_path: Path) -> None:
    """The first addition makes it one of today's version, so that an older program refuses it by name."""
    copy = tmp_path / path.name
    shutil.copyfile(path, copy)
    before = told_journal(path)
    with Journal.open(copy) as journal:
        journal.append(BudgetRaised(1))
    after = told_journal(copy)
    assert after["header"] == before["header"]
    assert after["lines"][:-1] == before["lines"]
    assert after["state"]["budget"] == expected(path.parent)[path.name]["state"]["budget"] + 1


@pytest.mark.parametrize("path", files("journals/*.jsonl"))
def test_a_journal_is_exported(path: Path, tmp_path: Path) -> None:
    told = expected(path.parent)[path.name]
    arguments = ["--audio", str(render(tmp_path)), "--audio-start", str(told["header"]["origin_s"])]
    kept = [one for one in told["state"]["kept"] if one[2] <= 20.0]
    status = main(["export", str(path), *arguments, "--out", str(tmp_path), "--name", "x", "--force"])
    if len(kept) < len(told["state"]["kept"]):
        assert status == 2  # some lie behind the end of this audio
        return
    assert status == 0
    events = read_annotations(tmp_path / "x.sync.json")
    assert len(events) == len(kept)
    assert [one.start_s for one in events] == pytest.approx(sorted(start_s for _, start_s, _ in kept), abs=1e-3)


@pytest.mark.parametrize("path", files("projects/*.rpp"))
def test_copies_of_journals_beside_a_project_are_taken_in(path: Path, tmp_path: Path) -> None:
    project = tmp_path / "moved" / path.name
    shutil.copytree(path.with_suffix(".reatrieve"), project.with_suffix(".reatrieve"))
    shutil.copyfile(path, project)
    stored = JournalFolder(tmp_path / "journals").of_project(str(project))
    found = {one.session: (one.label, one.accepted, one.finished) for one in stored}
    states = expected(path.parent)[path.name][f"opened by {REAPERS[0]}"]["states"]
    assert set(found) == set(states)
    assert sorted(found.values()) == [("Große Trommel – 拍", 3, True), ("Sound 2", 1, False)]


# projects -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", REAPERS)
@pytest.mark.parametrize("path", files("projects/*.rpp"))
def test_a_saved_project_is_opened_and_gone_on_with(path: Path, version: str, tmp_path: Path) -> None:
    told = as_json(opened_project(path, tmp_path, version))
    assert told == expected(path.parent)[path.name][f"opened by {version}"]


@pytest.mark.parametrize("path", files("projects/*.rpp"))
def test_the_accepted_regions_of_a_saved_project_are_exported(path: Path) -> None:
    assert as_json(told_accepted(path)) == expected(path.parent)[path.name]["accepted"]


@pytest.mark.parametrize("path", files("projects/*.rpp"))
def test_the_real_daemon_takes_a_saved_project_up(path: Path, tmp_path: Path) -> None:
    """On a machine that has the project and the copies beside it, but no journals."""
    project = tmp_path / path.name
    shutil.copytree(path.with_suffix(".reatrieve"), project.with_suffix(".reatrieve"))
    shutil.copyfile(path, project)
    noise_file(tmp_path / "audio" / AUDIO_NAME)
    told = expected(path.parent)[path.name]["opened by 7.72"]
    with (
        ServiceProcess(tmp_path / "daemon") as daemon,
        Reaper("7.72", home=tmp_path / "reaper", environment={"REATRIEVE_HOME": str(daemon.home)}) as reaper,
    ):
        reaper.set_ext_state("ReaTrieve", "audition", "no", persist=True)
        reaper.open(project)
        reaper.run("ReaTrieve_Client.lua")
        reaper.until(lambda: "ready to go on" in reaper.status.help_line, timeout_s=60.0)
        reaper.tick(10)
        regions = [[round(one.start_s, 9), round(one.end_s, 9), one.name] for one in reaper.project.regions]
        assert regions == [row[:3] for row in told["restored"]]
        reaper.run("Convert accepted regions to sync markers")
        reaper.until(lambda: reaper.project.markers, timeout_s=60.0)
        reaper.tick(10)
        assert [one.name for one in reaper.project.markers] == [name for _, name in told["markers"]]
        assert reaper.errors == []
        assert reaper.dialogs == []


# settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("settings/settings.txt"))
def test_the_daemons_settings_are_read(path: Path, tmp_path: Path) -> None:
    shutil.copyfile(path, tmp_path / path.name)
    told = as_json(told_settings(tmp_path))
    before = expected(path.parent)[path.name]
    assert {key: told[key] for key in before} == before  # type: ignore[index]  # later versions may know more


@pytest.fixture(params=files("settings/reaper-extstate.ini"))
def rig_with_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "reaper").mkdir()
    shutil.copyfile(request.param, tmp_path / "reaper" / "reaper-extstate.ini")
    with Rig(tmp_path, "7.72") as rig:
        yield rig, expected(request.param.parent)["reaper-extstate.ini"]


def test_the_scripts_settings_are_read(rig_with_settings: Any) -> None:
    rig, before = rig_with_settings
    told = told_script_settings(rig)
    assert {key: told[key] for key in before} == before


def test_settings_that_are_asked_for_and_taken_as_they_stand_change_nothing(rig_with_settings: Any) -> None:
    rig, _ = rig_with_settings
    before = told_script_settings(rig)
    asked: list[str] = []
    rig.reaper.answer(lambda menu: asked.extend(re.findall(r"[<|]?([^|<>]+ \.\.\.)(?=\|)", menu)) or 0)
    rig.press("settings")
    asked = [one for one in asked if ":" in one]
    assert len(asked) > 8
    for one in asked:
        rig.reaper.answer(one, True)
        rig.press("settings")
        assert rig.line().startswith(one.split(":")[0]), rig.line()
    assert rig.reaper.unused_answers == 0
    rig.press("window")
    rig.set(window="")
    rig.reaper.set_ext_state("told", "keys", "")
    assert told_script_settings(rig) == before


# sync JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("sync/*.sync.json"))
def test_a_sync_json_holds_the_same_events(path: Path) -> None:
    assert as_json(told_events(path)) == expected(path.parent)[path.name]


@pytest.mark.parametrize("path", files("sync/*.sync.json"))
def test_a_later_export_of_the_same_audio_keeps_the_events(path: Path, tmp_path: Path) -> None:
    stem = path.name.removesuffix(".sync.json")
    shutil.copyfile(path, tmp_path / path.name)
    before = json.loads(path.read_text(encoding="utf-8"))
    table = tmp_path / "more.txt"
    arguments = ["--audio", str(render(tmp_path)), "--out", str(tmp_path), "--name", stem, "--add", "--force"]
    start = ["--audio-start", str(before["audio"]["project_start_seconds"])]
    table.write_text(f"{1.5 + float(start[1])}\t{2.5 + float(start[1])}\tlater\n", encoding="utf-8")
    assert main(["export", "--regions", str(table), *arguments, *start]) == 0
    after = json.loads((tmp_path / path.name).read_text(encoding="utf-8"))
    frames = [(one["start_frame"], one["end_frame"], one["label"]) for one in after["events"]]
    assert (12000, 20000, "later") in frames
    assert {(one["start_frame"], one["end_frame"], one["label"]) for one in before["events"]} < set(frames)
