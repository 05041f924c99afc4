"""Faults of the scripts inside REAPER, on the headless host: what is right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rig import SPANS, Rig, noise_file

from cases.conftest import BURSTS_S
from reatrieve.bridge import messages as m
from reatrieve.cli import main
from reatrieve.demo.loop import Loop
from reatrieve.headless import Reaper

# what a REAPER can do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 4096])
def test_a_long_session_comes_back_whole(make_rig: Any, limit: int) -> None:
    """EnumProjExtState's value buffer has a fixed size (the SDK does not mark it NeedBig)."""
    spans = [(2.0 * k, 2.0 * k + 1.0) for k in range(1, 80)]
    rig = make_rig(spans=spans, profile={"enum_ext_state_limit": limit})
    rig.track.add_item(noise_file(rig.folder / "audio" / "long.wav", 200.0), position_s=0.0)
    rig.track.items[0].delete()
    rig.find()
    for _ in range(60):
        rig.press("accept", 2)
    rig.tick(20)
    assert len(rig.accepted()) == 61
    path, old = rig.folder / "song.rpp", rig.project
    rig.project.save(path)
    rig.tick(5)
    old.close()
    rig.tick(5)
    rig.reaper.open(path)
    rig.tick(60)
    rig.press("convert", 40)
    assert len(rig.project.markers) == 61


def test_without_marker_index_from_guid_it_works_or_says_which_reaper_it_needs(make_rig: Any) -> None:
    """REAPER 6.02 to 6.70 know MARKER_GUID, but not MARKER_INDEX_FROM_GUID."""
    rig = make_rig("6.83", profile={"region_index_from_guid_before_7_62": False})
    rig.project.select_time(0.5, 1.5)
    rig.run("find")
    rig.tick(60)
    rig.press("accept", 20)
    rig.press("accept", 20)
    told = [line for line in rig.help() if re.search(r"REAPER \d\.\d", line)]
    assert rig.accepted() == [0.5, SPANS[0][0], SPANS[1][0]] or len(told) >= 1


def test_from_7_62_to_7_71_convert_makes_one_named_lane_or_none(make_rig: Any) -> None:
    """RULER_LANE_ORDER inserts lanes there; RULER_LANE_COUNT is not known yet, and GetSetProjectInfo answers 0."""
    rig = make_rig("7.62")
    rig.find()
    rig.press("accept")
    rig.press("accept")
    lanes = len(rig.project.model.lanes)
    for _ in range(3):
        rig.press("convert", 10)
        assert len(rig.project.markers) == 3
    more = rig.project.model.lanes[lanes:]
    assert len(more) <= 1
    assert all(lane.name for lane in more)


def test_a_dead_tracks_address_that_another_track_gets_is_not_the_track(make_rig: Any) -> None:
    """Another project opened in the tab: its track may get the freed track's address, which ValidatePtr2 then takes."""
    rig = make_rig()
    session = rig.find()
    for _ in range(4):
        rig.press("accept")
    rig.press("finish")
    rig.project.save(rig.folder / "A.rpp")
    rig.tick(5)
    other = rig.reaper.new_project()
    other.add_track("b").add_item(noise_file(rig.folder / "b.wav", 5.0))
    other.save(rig.folder / "B.rpp")
    other.close()
    rig.tick(2)
    opened = rig.reaper.open(rig.folder / "B.rpp", same_tab=True)
    rig.tick(30)
    assert [one.state for one in session.state.candidates.values()][:4] == 4 * ["accepted"]
    assert all(Path(path).name != "B.rpp" for _, path in rig.daemon.saved)
    assert "REATRIEVE" not in opened.model.ext_state


# find ----------------------------------------------------------------------------------------------------------------


def test_the_selected_track_is_searched_whatever_item_is_selected_elsewhere(rig: Rig) -> None:
    other = rig.project.add_track("other", select=False)
    other.add_item(noise_file(rig.folder / "x.wav", 1.0), position_s=15.0).select()
    rig.project.select_time(0.5, 1.5)
    rig.run("find")
    rig.tick(40)
    assert rig.candidate() is not None, rig.line()
    assert [find.track for find in rig.sent(m.Find)] == [rig.track.guid]


def test_a_project_whose_selection_ends_before_it_starts_has_a_time_selection(tmp_path: Path) -> None:
    noise_file(tmp_path / "a.wav", 12.0)
    said = []
    for edges in ("2 3", "3 2"):
        path = tmp_path / "p.rpp"
        path.write_text(
            f'<REAPER_PROJECT 0.1 "6.81/macOS-arm64" 1700000000\n  SELECTION {edges}\n  SELECTION2 {edges}\n  <TRACK\n'
            "    NAME t\n    SEL 1\n    <ITEM\n      POSITION 0\n      LENGTH 12\n      NAME a\n      <SOURCE WAVE\n"
            '        FILE "a.wav"\n      >\n    >\n  >\n>\n',
            encoding="utf-8",
        )
        environment = {"REATRIEVE_HOME": str(tmp_path / "home")}
        with Reaper("7.72", clock="simulated", home=tmp_path / edges, environment=environment) as reaper:
            reaper.open(path)
            reaper.run("Find sounds like the time selection")
            reaper.tick(40)
            said.append([line for line in reaper.status.help_history if "ReaTrieve" in line])
    assert said[0] == said[1]
    assert not any("no time selection" in line for line in said[1])


def test_times_are_told_as_the_ruler_shows_them(rig: Rig) -> None:
    rig.project.model.offset_s = 3600.0  # the project starts at 1:00:00.000
    rig.find()
    assert re.search(r"\b1:00:02\.0", rig.line()), rig.line()
    assert "at 0:02" not in rig.line()


@pytest.fixture
def found_while_playing(rig: Rig) -> Rig:
    rig.set(audition="yes")
    rig.project.select_time(0.5, 1.5)
    rig.run("find")
    rig.project.set_cursor(12.0)
    rig.project.play()
    rig.project.set_view(10.0, 16.0)
    rig.until(lambda: rig.candidate())
    rig.tick(6)
    return rig


def test_playback_goes_on_when_a_candidate_comes_up(found_while_playing: Rig) -> None:
    rig = found_while_playing
    assert rig.project.playing
    assert rig.project.play_position_s >= 12.0
    rig.tick(60)
    assert rig.project.playing


def test_the_view_of_somebody_who_listens_elsewhere_stays(found_while_playing: Rig) -> None:
    assert found_while_playing.project.view == (10.0, 16.0)
    assert "Sound 1-1" in found_while_playing.line()


# a slow REAPER, auditions ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["6.83", "7.72"])
def frozen(make_rig: Any, request: pytest.FixtureRequest) -> Rig:
    """A rig with one answer whose REAPER could not run timers for 1.5 s."""
    rig = make_rig(request.param)
    rig.find()
    rig.press("accept")
    rig.press("window", 6)
    rig.reaper.answer("terminate")  # the task control box, where it comes up; it should not
    rig.client = rig.reaper.running[0]
    rig.reaper.host.clock.advance(1.5)
    rig.run("reject")
    rig.tick(30)
    return rig


def test_a_key_after_a_freeze_starts_no_second_client(frozen: Any) -> None:
    assert frozen.reaper.running == [frozen.client]
    assert frozen.reaper.dialogs == []


def test_a_key_after_a_freeze_leaves_the_window_open(frozen: Any) -> None:
    assert len(frozen.reaper.windows) == 1


def test_a_key_after_a_freeze_can_be_undone_like_any_other(frozen: Any) -> None:
    assert frozen.history()[-2:] == ["Accept Sound 1-1", "Reject Sound 1-2"]
    assert frozen.candidate().start_s == SPANS[2][0]
    for _ in range(2):
        frozen.press("undo", 10)
    assert frozen.candidate().start_s == SPANS[0][0]


@pytest.fixture
def looping(rig: Rig) -> Rig:
    rig.set(audition="yes", loop="yes")
    rig.find()
    rig.tick(10)
    assert rig.project.playing
    return rig


def test_play_candidate_stops_and_starts_a_looped_audition(looping: Rig) -> None:
    looping.press("play", 10)
    assert not looping.project.playing
    looping.press("play", 10)
    assert looping.project.playing


@pytest.mark.parametrize("key", ["space", "p"])
def test_a_key_in_the_window_stops_a_looped_audition(looping: Rig, key: str) -> None:
    looping.press("window", 6)
    looping.reaper.focus()
    looping.reaper.press(key)
    looping.tick(6)
    assert not looping.project.playing
    assert len(looping.reaper.windows) == 1


def test_escape_closes_the_window(looping: Rig) -> None:
    looping.press("window", 6)
    looping.reaper.focus()
    looping.reaper.press("escape")
    looping.tick(6)
    assert looping.reaper.windows == []


def test_an_idle_session_costs_at_most_19_calls_a_tick(rig: Rig) -> None:
    """No fault: a bound, which what is added later must keep."""
    for k in range(100):
        rig.project.add_region(100.0 + k, 100.5 + k, f"user {k}")
    rig.find()
    for _ in range(6):
        rig.press("accept")
    client = rig.reaper.running[0]
    rig.tick(50)
    before = client.calls
    rig.tick(30)
    assert (client.calls - before) / 30 <= 19  # one of them looks for a selection to prepare


# the same places twice, wrong places ----------------------------------------------------------------------------------


@pytest.fixture
def loop(tmp_path: Path, bursts: Path) -> Iterator[Loop]:
    """The real scripts and the real daemon on a recording with three bursts; the first is the example."""
    with Loop(tmp_path / "home", carrier="spool") as made:
        made.insert(bursts)
        made.project.save(tmp_path / "p.rpp")
        made.find(BURSTS_S[0], BURSTS_S[0] + 1.26)
        yield made


def dialogs_refused(loop: Loop) -> None:
    """Whatever is asked from now on: no."""
    loop.reaper.answer(*4 * ["no"])


def test_find_pressed_again_on_the_same_selection_makes_no_second_sound(loop: Loop) -> None:
    reaper = loop.reaper
    for _ in BURSTS_S[1:]:
        loop.answer("accept")
    dialogs_refused(loop)
    reaper.run("Find sounds like the time selection")
    reaper.until(lambda: reaper.dialogs or loop.candidate or "Sound 1" in reaper.status.help_line)
    loop.settle(60)
    if loop.candidate is not None:
        loop.answer("accept")
    sounds = {region.name.removeprefix("? ").rpartition("-")[0] for region in loop.project.regions}
    assert reaper.dialogs or sounds == {"Sound 1"}
    starts = sorted(region.start_s for region in loop.project.regions if region.name[:2] != "? ")
    assert all(b - a > 1.0 for a, b in pairwise(starts)), starts


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param((1.9, 3.0), id="onto the example"),
        pytest.param((30.0, 31.0), id="behind the end of the item"),
    ],
)
def test_a_candidate_dragged_to_an_impossible_place_is_refused_or_asked(loop: Loop, edges: tuple[float, float]) -> None:
    reaper = loop.reaper
    candidate = loop.candidate
    assert candidate is not None
    candidate.move(*edges)
    loop.settle()
    dialogs_refused(loop)
    reaper.run("Accept candidate")
    loop.settle(60)
    accepted = [r for r in loop.project.regions if r.name[:2] not in ("? ", "x ") and r.start_s != BURSTS_S[0]]
    assert accepted == []


# what comes of it -----------------------------------------------------------------------------------------------------


@pytest.fixture
def converted(rig: Rig) -> Path:
    """A saved project with four accepted regions of a sound and their sync markers."""
    rig.find()
    for _ in range(3):
        rig.press("accept")
    rig.press("finish", 10)
    rig.press("convert", 10)
    assert len(rig.project.markers) == 4
    path: Path = rig.folder / "song.rpp"
    rig.project.save(path)
    return path


@pytest.mark.parametrize("match", [(), ("--match", "Sound*")])
def test_match_exports_every_sound_once(converted: Path, tmp_path: Path, match: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    assert main(["export", "--rpp", str(converted), *match, "--to", "json", "--out", str(out)]) == 0
    (written,) = out.glob("*.json")
    assert len(json.loads(written.read_text(encoding="utf-8"))["events"]) == 4
