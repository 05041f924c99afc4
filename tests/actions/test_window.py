"""The window in use: its curve and what a click on it does, Previous, keys, place, focus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rig import SPANS, UNDO, Rig

from reatrieve.bridge import messages as m
from reatrieve.session.events import Reanswered, Requested

WIDTH, HEIGHT = 480, 320
PAD = 8


def opened(rig: Rig, width: int = WIDTH, height: int = HEIGHT) -> None:
    """The window, of a size, with its first picture."""
    rig.press("window")
    rig.reaper.resize_window(width, height)
    rig.tick(3)


def click(rig: Rig, x: float, y: float, *, buttons: int = 1) -> None:
    rig.reaper.mouse(x, y, buttons)
    rig.tick(2)
    rig.reaper.mouse(x, y)
    rig.tick(2)


def column(time_s: float, from_s: float = 0.0, to_s: float = 20.0) -> float:
    """Where a time stands in the curve."""
    return PAD + (time_s - from_s) / (to_s - from_s) * (WIDTH - 2 * PAD)


def test_the_daemon_is_asked_for_the_curve_of_what_is_shown(one_rig: Rig) -> None:
    first = one_rig.find()
    one_rig.tick(5)
    assert one_rig.sent(m.Survey) == []
    one_rig.press("window", 5)
    name = first.find.session
    assert [(one.session, one.wanted) for one in one_rig.sent(m.Survey)] == [(name, 1)]
    second = one_rig.find(16.2, 17.0).find.session
    one_rig.tick(5)
    asked = [(one.session, one.wanted) for one in one_rig.sent(m.Survey)]
    assert asked == [(name, 1), (name, 0), (second, 1)]
    one_rig.daemon.crash()
    one_rig.daemon.start()
    one_rig.until(lambda: second in one_rig.daemon.surveyed)
    for close in (lambda: one_rig.press("window"), one_rig.reaper.close_window):
        close()
        one_rig.tick(5)
        assert one_rig.daemon.surveyed == set(), "nobody looks any more"
        assert [(one.session, one.wanted) for one in one_rig.sent(m.Survey)][-1] == (second, 0)
        one_rig.press("window", 5)
        assert one_rig.reaper.windows == ["ReaTrieve"]
        assert [(one.session, one.wanted) for one in one_rig.sent(m.Survey)][-1] == (second, 1)


def test_a_click_on_a_peak_asks_about_it_next(one_rig: Rig) -> None:
    session = one_rig.find()
    opened(one_rig)
    assert one_rig.candidate().start_s == SPANS[0][0]
    click(one_rig, column(SPANS[4][0] + 0.05), 100)
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0])
    one_rig.tick(4)
    assert isinstance(session.events[-1], Requested)
    assert one_rig.names().count("Sound 1-0") == 1
    assert len([name for name in one_rig.names() if name.startswith("? ")]) == 1
    assert one_rig.candidate().name == "? Sound 1-1 (50 %)"
    one_rig.press("accept", 6)
    assert session.state.candidates[1].span.start_s == SPANS[4][0]
    assert one_rig.reaper.keys_go_to == "arrange"


def test_an_undo_leads_back_to_the_place_that_was_asked_for(one_rig: Rig) -> None:
    session = one_rig.find()
    opened(one_rig)
    click(one_rig, column(SPANS[4][0] + 0.05), 100)
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0])
    one_rig.press("accept", 6)
    one_rig.project.undo()
    one_rig.tick(6)
    assert session.state.current == 1
    assert one_rig.candidate().start_s == SPANS[4][0]
    one_rig.press("accept", 6)
    assert session.state.candidates[1].span.start_s == SPANS[4][0]


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_so_does_an_undo_after_the_client_was_started_again(one_rig: Rig, verb: str) -> None:
    session = one_rig.find()
    opened(one_rig)
    click(one_rig, column(SPANS[4][0] + 0.05), 100)
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0])
    one_rig.press("accept", 6)
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    one_rig.reaper.run("ReaTrieve_Client.lua")
    one_rig.reaper.unfocus()
    one_rig.tick(20)
    for _ in range(2):
        one_rig.project.undo()
        one_rig.tick(6)
        assert session.state.current == 1
        assert one_rig.candidate().start_s == SPANS[4][0]
        assert one_rig.candidate().name == "? Sound 1-1 (50 %)"
        one_rig.project.redo()
        one_rig.tick(6)
        assert session.state.current == 2, "it can be redone still"
    one_rig.project.undo()
    one_rig.tick(6)
    one_rig.press(verb, 6)
    assert session.state.candidates[1].span.start_s == SPANS[4][0]


def test_a_place_that_cannot_be_asked_about_changes_nothing(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 19.5\n")
    one_rig.tick(5)
    assert one_rig.line() == "nothing is left to ask about"
    assert one_rig.candidate().start_s == SPANS[0][0]
    one_rig.run("accept")
    one_rig.until(lambda: session.state.accepted == 1)


def test_a_click_elsewhere_goes_there(one_rig: Rig) -> None:
    one_rig.find()
    opened(one_rig)
    click(one_rig, column(19.0), 100)
    assert one_rig.project.cursor_s == pytest.approx(19.0, abs=0.05)
    click(one_rig, column(1.0), 100)  # inside the example
    assert one_rig.project.cursor_s == 0.5
    assert one_rig.sent(m.Ask) == []


def test_the_wheel_zooms_and_dragging_scrolls(one_rig: Rig) -> None:
    one_rig.find()
    opened(one_rig)
    before = one_rig.reaper.gfx_picture()
    one_rig.reaper.mouse(column(10.0), 100, wheel=600.0)
    one_rig.tick(2)
    zoomed = one_rig.reaper.gfx_picture()
    assert zoomed.tobytes() != before.tobytes()
    length_s = 20.0 / 1.25**5
    click(one_rig, column(12.9, 10.0 - length_s / 2, 10.0 + length_s / 2), 100)
    assert one_rig.project.cursor_s == pytest.approx(12.9, abs=0.05)
    one_rig.reaper.mouse(300, 100, 1)
    one_rig.tick()
    one_rig.reaper.mouse(200, 100, 1)
    one_rig.tick()
    one_rig.reaper.mouse(200, 100)
    one_rig.tick(2)
    assert one_rig.project.cursor_s == pytest.approx(12.9, abs=0.05)  # a drag is no click
    assert one_rig.reaper.gfx_picture().tobytes() != zoomed.tobytes()


def test_previous_shows_answers_again_and_changes_them(rig: Rig) -> None:
    session = rig.find()
    for verb in ("accept", "reject", "skip"):
        rig.press(verb)
    current = rig.candidate().name
    rig.press("previous")
    assert "Sound 1-3 at" in rig.line()
    assert "was skipped" in rig.line()
    assert rig.project.playing
    rig.press("previous")
    assert "Sound 1-2 at" in rig.line()
    rig.press("accept", 6)
    assert isinstance(session.events[-1], Reanswered)
    assert [one.state for one in session.state.candidates.values()][:3] == ["accepted", "accepted", "skipped"]
    assert rig.region("Sound 1-2").start_s == SPANS[1][0]
    assert rig.candidate().name == current
    assert rig.history()[-1] == "Accept Sound 1-2 after all"
    rig.project.undo()
    rig.until(lambda: session.state.candidates[2].state == "rejected")
    assert "Sound 1-2" not in rig.names()
    rig.project.redo()
    rig.until(lambda: session.state.candidates[2].state == "accepted")
    for _ in range(3):
        rig.press("previous")
    rig.press("reject", 6)
    assert session.state.candidates[1].state == "rejected"
    assert "Sound 1-1" not in rig.names()
    rig.press("accept", 6)
    assert session.state.candidates[4].state == "accepted"


def test_previous_ends_where_the_answers_end(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("previous")
    assert one_rig.line() == "no answer to look at again"
    one_rig.press("accept")
    one_rig.press("previous")
    one_rig.press("skip", 6)
    assert [one.state for one in session.state.candidates.values()] == ["accepted", "candidate"]
    one_rig.press("previous")
    one_rig.press("undo", 6)
    assert session.state.current == 1
    assert one_rig.candidate().start_s == SPANS[0][0]


def test_an_answer_changed_to_no_may_spend_the_budget_and_back(one_rig: Rig) -> None:
    one_rig.set(budget="2")
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("reject")
    for _ in range(2):
        one_rig.press("previous")
    one_rig.press("reject", 6)
    assert session.state.over == "budget"
    assert one_rig.candidate() is None
    assert "the rejections are used up" in one_rig.line()
    for _ in range(2):
        one_rig.press("previous")
    one_rig.press("accept", 10)
    assert session.state.over is None
    assert one_rig.candidate().start_s == SPANS[2][0]


@pytest.mark.parametrize(
    ("verb", "by"),
    [
        ("start_earlier", (-0.01, 0.0)),
        ("start_later", (0.01, 0.0)),
        ("end_earlier", (0.0, -0.01)),
        ("end_later", (0.0, 0.01)),
    ],
)
def test_keys_move_the_candidates_edges(one_rig: Rig, verb: str, by: tuple[float, float]) -> None:
    session = one_rig.find()
    start_s, end_s = SPANS[0]
    one_rig.press(verb)
    assert one_rig.candidate().start_s == pytest.approx(start_s + by[0])
    assert one_rig.candidate().end_s == pytest.approx(end_s + by[1])
    one_rig.press("accept", 8)
    span = session.state.candidates[1].span
    assert (span.start_s, span.end_s) == pytest.approx((start_s + by[0], end_s + by[1]))


@pytest.mark.parametrize(
    ("key", "done"),
    [("a", "accepted"), ("r", "rejected"), ("s", "skipped"), ("A", "accepted")],
)
def test_letters_answer_where_the_user_keeps_the_focus(one_rig: Rig, key: str, done: str) -> None:
    session = one_rig.find()
    opened(one_rig)
    one_rig.reaper.focus()
    one_rig.reaper.press(key)
    one_rig.tick(4)
    assert session.state.candidates[1].state == done
    one_rig.reaper.focus()
    one_rig.reaper.press("u")
    one_rig.tick(6)
    assert session.state.candidates[1].state == "candidate"


def test_place_size_and_dock_are_remembered(tmp_path: Path) -> None:
    with Rig(tmp_path / "one", pixel_ratio=2) as rig:
        opened(rig, 1000, 640)
        rig.press("window")
        assert rig.reaper.windows == []
        assert rig.reaper.ext_state("ReaTrieve", "window") == "0 100 100 500 320"
        rig.set(window="1 30 40 300 200")
        rig.press("window")
        picture = rig.reaper.gfx_picture()
        assert picture.size == (600, 400)
        assert rig.reaper.keys_go_to == "arrange"
        rig.press("window")
        rig.set(window="broken")
        rig.press("window")
        assert rig.reaper.gfx_picture().size == (960, 640)
        rig.reaper.resize_window(700, 500)
        rig.tick(1)
        rig.reaper.close_window()  # with its close button, at once: the window cannot be asked any more
        rig.tick(2)
        assert rig.reaper.ext_state("ReaTrieve", "window") == "0 30 40 350 250"


def test_a_screen_reader_hears_buttons_and_messages(tmp_path: Path) -> None:
    said: list[Any] = []
    with Rig(tmp_path, extensions={"osara_outputMessage": lambda text: said.append(str(text))}) as rig:
        rig.find()
        opened(rig)
        rig.reaper.focus()
        said.clear()
        for _ in range(3):
            rig.reaper.press("tab")
            rig.tick(2)
        assert said == ["Menu", "Accept, key a", "Reject, key r"]
        rig.reaper.press("enter")
        rig.tick(4)
        assert any("Sound 1-2" in text for text in said)
        rig.reaper.press("?")
        rig.tick(2)
        assert said[-1].startswith("Sound 1, 0 accepted. 1 of 10 rejections.")


def test_the_menu_has_sounds_settings_and_the_dock(one_rig: Rig) -> None:
    one_rig.find()
    opened(one_rig)
    one_rig.reaper.answer("Dock this window")
    click(one_rig, 100, 100, buttons=2)
    assert one_rig.reaper.keys_go_to == "arrange"
    one_rig.reaper.answer(["Riser"])
    one_rig.reaper.answer("Rename sound ...")
    one_rig.reaper.host.dialogs.waiting.rotate(1)
    click(one_rig, 100, 100, buttons=2)
    assert one_rig.candidate().name.startswith("? Riser 1")
    one_rig.reaper.answer("Close")
    one_rig.reaper.mouse(100, 100, 2)
    one_rig.tick(2)
    assert one_rig.reaper.windows == []


def test_a_closed_window_costs_nothing_and_an_open_one_draws_only_what_changed(one_rig: Rig) -> None:
    one_rig.find()
    client = one_rig.reaper.running[0]
    one_rig.tick(50)

    def calls() -> float:
        before = client.calls
        one_rig.tick(30)
        return float((client.calls - before) / 30)

    closed = calls()
    opened(one_rig)
    one_rig.tick(20)
    assert calls() - closed < 25
    one_rig.press("window")
    one_rig.tick(50)
    assert calls() <= closed + 0.1


@pytest.mark.parametrize("size", [(1000, 320), (480, 320), (320, 240)])
def test_the_keyboard_stays_at_its_button_though_sounds_come_and_go(tmp_path: Path, size: tuple[int, int]) -> None:
    said: list[Any] = []
    with Rig(tmp_path, extensions={"osara_outputMessage": lambda text: said.append(str(text))}) as rig:
        session = rig.find()
        rig.find(16.2, 17.0)
        rig.tick(4)
        opened(rig, *size)
        rig.reaper.focus()
        while not (said and said[-1].startswith("Accept")):
            rig.reaper.press("tab")
            rig.tick(2)
        rig.reaper.run(UNDO)  # the second sound goes
        rig.tick(8)
        rig.reaper.focus()
        rig.reaper.press("enter")
        rig.tick(6)
        assert (session.state.accepted, session.state.rejections) == (1, 0)


def test_enter_at_a_button_that_has_no_use_now_does_nothing(tmp_path: Path) -> None:
    said: list[Any] = []
    with Rig(tmp_path, extensions={"osara_outputMessage": lambda text: said.append(str(text))}) as rig:
        rig.set(budget="2")
        session = rig.find()
        opened(rig, 320, 240)
        rig.reaper.focus()
        while not (said and said[-1].startswith("Reject")):
            rig.reaper.press("tab")
            rig.tick(2)
        for _ in range(3):
            rig.reaper.press("enter")
            rig.tick(6)
            rig.reaper.focus()
        assert session.state.rejections == 2
        assert not any("error at" in text for text in rig.help())


def ask(rig: Rig, time_s: float) -> None:
    """As a click on a peak does."""
    rig.reaper.set_ext_state("ReaTrieve", "queue", f"ask {time_s}\n")


def press_too_early(rig: Rig, verb: str) -> None:
    """A key after what the daemon has said so far, and before the place that was asked for stands there."""
    rig.daemon._flush()
    rig.run(verb)
    rig.reaper.tick(3)
    assert "the next place is on its way: answer when its region is shown" in rig.line()
    rig.until(lambda: rig.candidate().start_s == SPANS[4][0])
    rig.tick(20)


@pytest.mark.parametrize("verb", ["accept", "reject", "skip"])
def test_no_answer_goes_to_a_place_that_is_on_its_way_out_or_in(rig: Rig, verb: str) -> None:
    """Between a question that the user points at and its region: neither the old place is answered nor the new one."""
    session = rig.find()
    name = session.find.session
    before = rig.daemon._current(session)  # what the daemon had said last, and says once more too late
    ask(rig, SPANS[4][0])
    rig.reaper.tick(2)
    rig.daemon.push(name, before)
    press_too_early(rig, verb)
    assert session.state.answers == 0
    assert rig.history() == ["Find Sound 1"]
    rig.press(verb)
    (one,) = [one for number, one in session.state.candidates.items() if number == 1]
    assert one.span.start_s == SPANS[4][0]
    assert session.state.answers == 1


def test_an_answer_after_a_question_to_a_dead_daemon_is_not_kept(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.daemon.crash()
    ask(one_rig, SPANS[4][0])
    one_rig.reaper.tick(2)
    one_rig.run("accept")
    one_rig.reaper.tick(100)
    assert "Sound 1: the next place is on its way: answer when its region is shown" in one_rig.help()
    one_rig.run("accept")
    one_rig.reaper.tick()
    assert "the next place is not proposed yet: the daemon does not answer" in one_rig.line()
    one_rig.daemon.start()
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0])
    one_rig.tick(20)
    assert session.state.answers == 0
    one_rig.press("accept")
    assert session.state.candidates[1].span.start_s == SPANS[4][0]


def test_a_question_that_fails_leaves_the_open_one(one_rig: Rig) -> None:
    session = one_rig.find()
    ask(one_rig, -5.0)
    one_rig.tick(80)
    assert "nothing is left to ask about" in one_rig.help()
    assert [one.time_s for one in one_rig.sent(m.Ask)] == [-5.0]
    assert one_rig.candidate().start_s == SPANS[0][0]
    one_rig.press("accept")
    assert session.state.candidates[1].state == "accepted"


@pytest.mark.parametrize("time_s", [SPANS[4][0], 19.5], ids=["answered", "refused"])
def test_what_is_edited_while_a_question_is_awaited_is_learned(one_rig: Rig, time_s: float) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    ask(one_rig, time_s)
    one_rig.reaper.tick(2)
    one_rig.region("Sound 1-1").move(2.02, 3.0)
    one_rig.region("Sound 1-2").delete()
    one_rig.reaper.tick(2)
    one_rig.tick(30)
    assert one_rig.candidate().start_s == (time_s if time_s < 19.0 else SPANS[2][0])
    assert session.state.candidates[1].span.start_s == 2.02
    assert session.state.candidates[2].state == "retracted"
    one_rig.press("accept")
    assert session.state.candidates[3].state == "accepted"


def test_a_candidate_deleted_while_another_is_asked_for_is_no_answer_to_that(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    ask(one_rig, SPANS[4][0])
    one_rig.reaper.tick(2)
    one_rig.candidate().delete()
    one_rig.reaper.tick(2)
    one_rig.tick(30)
    assert one_rig.candidate().start_s == SPANS[4][0]
    assert session.state.answers == 1
    one_rig.press("reject")
    assert session.state.candidates[2].span.start_s == SPANS[4][0]
    assert session.state.rejections == 1


@pytest.mark.parametrize("time_s", [SPANS[0][0], SPANS[0][0] - 0.1])
def test_asking_for_the_place_that_is_open_waits_for_nothing(one_rig: Rig, time_s: float) -> None:
    session = one_rig.find()
    ask(one_rig, time_s)
    one_rig.reaper.tick(2)
    one_rig.tick(6)
    assert isinstance(session.events[-1], Requested)
    one_rig.press("accept")
    assert session.state.accepted == 1
    assert one_rig.sent(m.Resume) == []


def test_finish_does_not_wait_for_a_question(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    ask(one_rig, SPANS[4][0])
    one_rig.reaper.tick(2)
    one_rig.region("Sound 1-1").move(2.02, 3.0)
    one_rig.reaper.tick(2)
    one_rig.run("finish")
    one_rig.reaper.tick(2)  # the daemon has not even heard the question
    assert one_rig.candidate() is None
    one_rig.tick(20)
    assert session.state.over == "finished"
    assert one_rig.candidate() is None
    assert session.state.candidates[1].span.start_s == 2.02  # edited while the question was awaited


def test_a_name_stays_with_its_place(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.candidate().rename("? Boom")
    one_rig.tick(3)
    ask(one_rig, SPANS[4][0])
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0])
    one_rig.tick(6)
    assert one_rig.candidate().name == "? Sound 1-1 (50 %)"
    one_rig.press("accept")
    assert one_rig.region("Sound 1-1").start_s == SPANS[4][0]


def test_the_curve_moves_with_the_items(one_rig: Rig) -> None:
    """The peak that is seen is the one that is asked about."""
    one_rig.find()
    opened(one_rig)
    one_rig.track.items[0].move(1.0)
    one_rig.tick(6)
    click(one_rig, column(SPANS[4][0] + 1.05, 1.0, 21.0), 100)
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[4][0] + 1.0)


def test_a_zoomed_curve_shows_each_new_question(one_rig: Rig) -> None:
    one_rig.find()
    opened(one_rig)
    for _ in range(12):
        one_rig.reaper.mouse(column(SPANS[0][0]), 100, wheel=120)
        one_rig.tick(2)
    one_rig.press("accept")
    one_rig.press("accept")
    assert one_rig.candidate().start_s == SPANS[2][0]
    click(one_rig, WIDTH / 2, 100)  # it stands in the middle
    assert one_rig.project.cursor_s == SPANS[2][0]


def test_stop_is_there_for_what_plays_in_another_tab(one_rig: Rig) -> None:
    one_rig.set(loop="yes")
    one_rig.find()
    playing = one_rig.project
    one_rig.run("play")
    one_rig.tick(3)
    one_rig.reaper.new_project()
    one_rig.tick(3)
    one_rig.run("play")
    one_rig.tick(2)
    assert not playing.playing
    assert one_rig.line() == "stopped playing in another project tab"
    assert one_rig.reaper.host.preferences["loop_points_linked"]


def test_a_failure_of_another_command_does_not_end_the_question(one_rig: Rig) -> None:
    session = one_rig.find()
    name = session.find.session
    one_rig.press("accept")
    ask(one_rig, SPANS[4][0])
    one_rig.reaper.tick(2)
    one_rig.daemon.push(name, m.Failed(name, 999, "input", "the edges of candidate 1 lie apart"))
    press_too_early(one_rig, "reject")
    assert session.state.rejections == 0


def test_a_reply_to_what_was_asked_before_does_not_end_the_question(one_rig: Rig) -> None:
    """Rows and the old candidate, as a resume brings them that the daemon had before the question."""
    session = one_rig.find()
    name = session.find.session
    ask(one_rig, SPANS[4][0])
    one_rig.reaper.tick(2)
    one_rig.daemon._rows(session)
    one_rig.daemon.push(name, one_rig.daemon._current(session))
    press_too_early(one_rig, "reject")
    assert session.state.rejections == 0
    one_rig.press("reject")
    assert session.state.candidates[1].span.start_s == SPANS[4][0]
