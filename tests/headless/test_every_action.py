"""Every shipped action on its real parts: scripts in this host, the daemon as a process, both carriers, real Lua."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from reatrieve.demo.service_process import ServiceProcess
from reatrieve.headless import Reaper
from signals import repeats, write_sound

STARTS = [1.0, 3.5, 5.25, 8.0, 10.5, 13.0, 15.25, 18.0, 20.5]
RATE = 22050


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Töne")
    return write_sound(folder / "der Song.wav", repeats(STARTS, rate_hz=RATE, duration_s=23.0), RATE)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with ServiceProcess(tmp_path_factory.mktemp("daemon") / "home") as process:
        yield process


class User:
    """Somebody at the keyboard."""

    def __init__(self, reaper: Reaper, song):
        self.reaper = reaper
        self.project = reaper.project
        self.track = self.project.add_track("Music")
        self.track.add_item(song)

    @property
    def candidate(self):
        return next((region for region in self.project.regions if region.name.startswith("? ")), None)

    @property
    def accepted(self):
        return [region for region in self.project.regions if region.name[:2] not in ("? ", "x ")]

    def settle(self):
        self.reaper.tick(10)

    def press(self, name):
        """Run an action and wait until another candidate stands."""
        before = self.candidate
        self.reaper.run(name)
        self.reaper.until(lambda: self.candidate is not None and self.candidate != before)
        self.settle()

    def first_find(self):
        self.project.select_time(STARTS[0], STARTS[0] + 0.5)
        self.press("Find sounds like the time selection")

    def says(self, text):
        self.reaper.until(lambda: text in self.reaper.status.help_line)


def every_action(user: User, folder) -> None:
    reaper, project = user.reaper, user.project
    first = user.candidate
    assert min(abs(first.start_s - start_s) for start_s in STARTS[1:]) < 0.05
    user.press("Accept candidate")
    assert len(user.accepted) == 2
    user.press("Undo last answer")
    assert user.candidate.start_s == first.start_s
    user.press("Accept candidate")
    project.undo()
    reaper.until(lambda: len(user.accepted) == 1)
    project.redo()
    reaper.until(lambda: len(user.accepted) == 2)
    user.settle()
    user.press("Reject candidate")
    user.press("Skip candidate")
    user.candidate.move(user.candidate.start_s + 0.01)
    dragged = user.candidate.start_s
    user.press("Accept candidate")
    assert any(abs(region.start_s - dragged) < 1e-9 for region in user.accepted)

    cursor_s, selection = project.cursor_s, project.time_selection
    reaper.run("Play candidate")
    reaper.until(lambda: project.playing)
    assert user.candidate.start_s - 1.0 <= project.play_position_s <= user.candidate.end_s
    reaper.run("Play candidate")
    reaper.until(lambda: not project.playing)
    assert (project.cursor_s, project.time_selection) == (cursor_s, selection)

    reaper.answer(["Boom"])
    reaper.run("Rename sound")
    reaper.until(lambda: user.candidate is not None and user.candidate.name.startswith("? Boom"))
    accepted = len(user.accepted)
    reaper.answer("yes")
    reaper.run("Accept all at or above this score")
    reaper.until(lambda: len(user.accepted) > accepted)
    user.settle()
    reaper.run("Continue (+10)")
    user.settle()
    reaper.run("Finish (keep accepted, remove what is left)")
    reaper.until(lambda: user.candidate is None)
    user.settle()
    reaper.run("Convert accepted regions to sync markers")
    reaper.until(lambda: len(project.markers) == len(user.accepted))
    assert sorted(marker.start_s for marker in project.markers) == sorted(region.start_s for region in user.accepted)

    out = folder / "für das Spiel"
    reaper.answer([str(out), "json", "source", "", "0", "no"])
    reaper.run("Export sync files")
    reaper.until(lambda: list(out.glob("*.json")))
    user.settle()
    written = json.loads(next(out.glob("*.json")).read_text(encoding="utf-8"))
    assert written

    boom = len(user.accepted)
    project.select_time(STARTS[1], STARTS[1] + 0.4)
    user.press("Find sounds like the time selection")
    reaper.run("Next sound in this project")
    user.settle()
    reaper.run("Clear everything not accepted")
    reaper.until(lambda: user.candidate is None)
    assert len(user.accepted) == boom + 1

    reaper.answer("Play in a loop")
    reaper.run("Settings")
    reaper.until(lambda: reaper.ext_state("ReaTrieve", "loop") == "yes")
    reaper.run("Toggle loop while playing")
    reaper.until(lambda: reaper.ext_state("ReaTrieve", "loop") == "")
    reaper.close_window("ReaTrieve")
    user.settle()
    reaper.run("Window")
    reaper.until(lambda: "ReaTrieve" in reaper.windows)
    user.settle()
    assert len(reaper.gfx_picture("ReaTrieve").getcolors(65536)) > 10
    reaper.close_window("ReaTrieve")
    found = reaper.home / "ReaTrieve" / "self-test.json"
    reaper.run("Self-test")
    reaper.until(found.exists, timeout_s=180.0)
    user.settle()
    assert len(reaper.projects) == 1

    saved = project.save(folder / "project.rpp")
    user.settle()
    regions = project.regions
    project.close()
    again = reaper.open(saved)
    assert [(region.guid, region.name) for region in again.regions] == [(r.guid, r.name) for r in regions]
    # the file holds 14 decimals, as REAPER's do
    assert [region.start_s for region in again.regions] == pytest.approx([r.start_s for r in regions], abs=1e-13)
    user.settle()
    assert reaper.errors == []
    assert reaper.misuse == []
    assert reaper.unused_answers == 0
    assert reaper.status.console == []


def interpreter(lua):
    if shutil.which(f"lua{lua}") is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs lua{lua}")
        pytest.skip(f"no lua{lua} on this machine")
    return f"lua{lua}"


def session(version, daemon, song, folder, **options):
    environment = {"REATRIEVE_HOME": str(daemon.home)}
    with Reaper(version, home=folder / "reaper", environment=environment, tick_hz=100.0, **options) as reaper:
        user = User(reaper, song)
        clients = spool_clients(daemon)
        user.first_find()
        assert bool(spool_clients(daemon) - clients) == (options["sockets"] == "none")
        every_action(user, folder)


def spool_clients(daemon):
    """Clients that come by the spool folder now; they clear up when they end."""
    return {entry.parent.name for entry in (daemon.home / "spool").glob("**/to_daemon")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "sockets"),
    [
        ("6.83", "none"),
        ("7.72", "python"),
        pytest.param("6.83", "python", marks=pytest.mark.version),
        pytest.param("7.72", "none", marks=pytest.mark.version),
    ],
)
def test_every_action_over_both_carriers_in_both_luas(daemon, song, tmp_path, version, sockets):
    session(version, daemon, song, tmp_path, sockets=sockets)


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.parametrize(("version", "lua"), [("6.83", "5.3"), ("7.72", "5.4")])
def test_every_action_in_real_interpreters_with_the_real_luasocket(daemon, song, tmp_path, version, lua):
    session(version, daemon, song, tmp_path, engine=interpreter(lua), sockets="machine")
