"""The track that Find would take goes to the daemon before the user asks: what is sent, when, and what a tick costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import Rig, noise_file

from reatrieve.bridge import messages as m
from reatrieve.headless.script import Script

RESTED = 45  # ticks: the second of rest, the reading, the way to the daemon
LOOKS = ("GetSet_LoopTimeRange2", "GetPlayStateEx")


@pytest.fixture(params=["6.83", "7.80"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Lua 5.3 and 5.4, the client running and the daemon met."""
    with Rig(tmp_path, str(request.param)) as one:
        for _ in range(2):  # opened and closed: the client runs, and the window looks at nothing
            one.press("window", settle=20)
        yield one


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every function of REAPER's that a script calls."""
    names: list[str] = []
    original = Script._reaper_call

    def counted(self: Script, name: str, reader: Any) -> bytes:
        names.append(name)
        return original(self, name, reader)

    monkeypatch.setattr(Script, "_reaper_call", counted)
    return names


def select(rig: Rig, start_s: float, end_s: float, *, ticks: int = RESTED) -> None:
    rig.project.select_time(start_s, end_s)
    rig.tick(ticks)


def counts(rig: Rig) -> tuple[int, int, int, int]:
    """How many items, prepares, cancels and finds the daemon has got."""
    kinds: tuple[type, ...] = (m.Item, m.Prepare, m.Cancel, m.Find)
    return tuple(len(rig.sent(kind)) for kind in kinds)  # type: ignore[return-value]


def test_a_selection_that_rests_is_prepared_and_find_goes_on_with_it(rig: Rig) -> None:
    select(rig, 0.5, 1.5, ticks=25)
    assert counts(rig) == (0, 0, 0, 0)  # it has not rested long enough
    select(rig, 0.5, 1.6)
    (prepare,) = rig.sent(m.Prepare)
    assert (prepare.start_s, prepare.end_s, prepare.items) == (0.5, 1.6, 1)
    probes = len(rig.sent(m.Probe))
    assert probes > 0
    rig.tick(200)
    assert counts(rig) == (1, 1, 0, 0)  # once
    rig.run("find")
    rig.until(rig.candidate)
    (find,) = rig.sent(m.Find)
    assert find.session == prepare.session
    assert (find.start_s, find.end_s) == (0.5, 1.6)
    assert len(rig.sent(m.Item)) == 1
    assert len(rig.sent(m.Probe)) == probes
    rig.tick(200)
    assert counts(rig) == (1, 1, 0, 1)


def test_find_needs_no_tick_for_what_is_prepared(rig: Rig) -> None:
    """The daemon of these tests answers at once: the candidate stands in the tick in which its word comes."""
    select(rig, 0.5, 1.5)
    rig.run("find")
    ticks = rig.reaper.host.ticks
    rig.until(rig.candidate)
    assert rig.reaper.host.ticks - ticks <= 3


def test_another_selection_on_the_track_costs_one_message(rig: Rig) -> None:
    select(rig, 0.5, 1.5)
    probes = len(rig.sent(m.Probe))
    select(rig, 3.0, 4.0)
    select(rig, 3.0, 4.5)
    assert counts(rig) == (1, 3, 0, 0)
    assert len(rig.sent(m.Probe)) == probes
    assert len({prepare.session for prepare in rig.sent(m.Prepare)}) == 1
    assert rig.sent(m.Prepare)[-1].end_s == 4.5
    rig.project.select_time(0.0, 0.0)
    rig.tick(RESTED)
    assert counts(rig) == (1, 3, 0, 0)


def test_another_track_cancels(rig: Rig) -> None:
    select(rig, 0.5, 1.5)
    other = rig.project.add_track("other")
    other.add_item(noise_file(rig.folder / "audio" / "zwei.wav", 21.0))
    other.select()
    select(rig, 0.6, 1.6)
    first, second = rig.sent(m.Prepare)
    assert [cancel.session for cancel in rig.sent(m.Cancel)] == [first.session]
    assert second.session != first.session
    assert rig.sent(m.Item)[-1].path.endswith("zwei.wav")
    rig.track.select()  # the user does not wait: Find takes the other one
    rig.run("find")
    rig.until(rig.candidate)
    (find,) = rig.sent(m.Find)
    assert find.session not in (first.session, second.session)
    assert [cancel.session for cancel in rig.sent(m.Cancel)] == [first.session, second.session]


def test_items_that_changed_are_sent_anew(rig: Rig) -> None:
    select(rig, 0.5, 1.5)
    rig.track.items[0].set(D_VOL=0.5)
    rig.run("find")
    rig.until(rig.candidate)
    (prepare,), (find,) = rig.sent(m.Prepare), rig.sent(m.Find)
    assert find.session != prepare.session
    assert [cancel.session for cancel in rig.sent(m.Cancel)] == [prepare.session]
    assert rig.sent(m.Item)[-1].gain == pytest.approx(0.5)


def test_nothing_is_prepared_while_something_records(rig: Rig) -> None:
    transport = rig.project.model.transport

    def record() -> None:
        transport.play(0.0)
        transport.recording = True

    record()
    select(rig, 0.5, 1.5, ticks=150)
    assert counts(rig) == (0, 0, 0, 0)
    transport.stop()
    rig.tick(RESTED)
    assert counts(rig) == (1, 1, 0, 0)
    record()  # begun while the daemon prepares: it stops
    rig.tick(150)
    assert counts(rig) == (1, 1, 1, 0)
    transport.stop()
    rig.tick(RESTED)
    assert counts(rig) == (2, 2, 1, 0)


@pytest.mark.parametrize(("length_s", "prepared"), [(1799.0, 1), (1801.0, 0)])
def test_not_over_half_an_hour(rig: Rig, length_s: float, prepared: int) -> None:
    rig.track.items[0].set(D_LENGTH=length_s)
    select(rig, 0.5, 1.5)
    assert counts(rig) == (prepared, prepared, 0, 0)


def test_what_must_be_rendered_is_not_prepared(rig: Rig) -> None:
    rig.track.add_item(rig.audio, 30.0, rate=0.5, preserve_pitch=True)
    select(rig, 0.5, 1.5)
    assert counts(rig) == (0, 0, 0, 0)


@pytest.mark.parametrize("span", [(0.5, 0.52), (0.0, 19.0), (30.0, 31.0)])
def test_a_selection_that_find_would_not_take_is_not_prepared(rig: Rig, span: tuple[float, float]) -> None:
    rig.track.items[0].set(D_LENGTH=60.0 if span[1] == 19.0 else 20.0)
    select(rig, *((0.0, 31.0) if span[1] == 19.0 else span))
    assert counts(rig) == (0, 0, 0, 0)


def test_a_setting_turns_it_off(rig: Rig) -> None:
    rig.set(prepare="no")
    select(rig, 0.5, 1.5)
    assert counts(rig) == (0, 0, 0, 0)
    rig.set(prepare="yes")
    select(rig, 0.5, 1.6)
    rig.set(prepare="no")
    select(rig, 0.5, 1.7)
    assert counts(rig) == (1, 1, 1, 0)  # off: what was prepared is forgotten


def test_a_daemon_that_starts_again_prepares_again(rig: Rig) -> None:
    select(rig, 0.5, 1.5)
    rig.daemon.crash()
    rig.tick(10)
    rig.daemon.start()
    rig.until(lambda: len(rig.sent(m.Prepare)) == 2)
    assert counts(rig) == (2, 2, 0, 0)
    rig.daemon.crash()
    rig.daemon.start()
    rig.run("find")  # before anything could be sent again
    rig.until(rig.candidate)
    assert rig.sent(m.Find)[-1].session in rig.daemon.sessions
    rig.tick(RESTED)


def test_without_a_daemon_nothing_is_prepared_started_or_asked(tmp_path: Path, calls: list[str]) -> None:
    with Rig(tmp_path, "7.80") as rig:
        rig.daemon.quit()
        for _ in range(2):
            rig.press("window", settle=20)
        said = len(rig.help())
        calls.clear()
        select(rig, 0.5, 1.5, ticks=300)
        assert counts(rig) == (0, 0, 0, 0)
        assert rig.reaper.dialogs == []
        assert rig.help()[said:] == []
        assert not {"ExecProcess", *LOOKS} & set(calls)


def test_the_tab_that_the_user_is_in_counts(rig: Rig) -> None:
    select(rig, 0.5, 1.5)
    first = rig.project
    other = rig.reaper.new_project()
    track = other.add_track("other")
    track.add_item(noise_file(rig.folder / "audio" / "zwei.wav", 21.0))
    rig.tick(RESTED)
    assert counts(rig) == (1, 1, 0, 0)  # nothing is selected there
    other.select_time(2.0, 3.0)
    rig.tick(RESTED)
    assert counts(rig) == (2, 2, 1, 0)
    first.activate()
    rig.tick(RESTED)
    assert counts(rig) == (3, 3, 2, 0)
    assert rig.sent(m.Item)[-1].path.endswith(rig.audio.name)


def test_a_tick_costs_one_call_more(rig: Rig, calls: list[str]) -> None:
    """But for the few in which a track is read, once for each selection."""

    def of_each(ticks: int) -> list[list[str]]:
        each = []
        for _ in range(ticks):
            calls.clear()
            rig.tick()
            each.append(list(calls))
        return each

    without = of_each(62)
    assert {sum(name in LOOKS for name in one) for one in without} == {1}
    most = max(map(len, without)) - 1
    rig.project.select_time(0.5, 1.5)
    resting = of_each(25)
    reading = of_each(20)
    assert len(rig.sent(m.Prepare)) == 1
    after = of_each(200)
    assert sum(len(one) > most + 1 for one in reading) <= 3
    for one in resting + after:
        assert len(one) <= most + 1
        assert sum(name in LOOKS for name in one) == 1


def test_the_limit_is_the_daemons() -> None:
    from reatrieve import limits

    text = (Path(__file__).parents[2] / "reaper_scripts" / "lib" / "ahead.lua").read_text(encoding="utf-8")
    assert f"ahead.LONGEST_S = {limits.PREPARED_S:.1f}" in text
