"""Answers, undo and redo: one key, one undo step, one tick, and the daemon knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig import REDO, SPANS, UNDO, Rig

from reatrieve.bridge import messages as m


def test_find_shows_example_and_first_candidate_in_one_step(rig: Rig) -> None:
    session = rig.find()
    assert rig.names() == ["Sound 1-0", "? Sound 1-1 (96 %)"]
    assert rig.history() == ["Find Sound 1"]
    assert [rig.project.regions[k].color for k in (0, 1)] == ["#009e73", "#e69f00"]
    assert (session.find.start_s, session.find.end_s) == (0.5, 1.5)
    assert session.find.track == rig.track.guid
    item = rig.daemon.items[session.find.session][0]
    assert Path(item.path) == rig.audio
    assert (item.position_s, item.rate, item.gain, item.accessor) == (0.0, 1.0, 1.0, 0)


@pytest.mark.parametrize(("verb", "kept"), [("accept", 2), ("reject", 1), ("skip", 1)])
def test_an_answer_and_the_next_region_are_one_step_and_one_tick(rig: Rig, verb: str, kept: int) -> None:
    session = rig.find()
    points = len(rig.project.model.history.texts)
    rig.run(verb)
    rig.reaper.tick()  # the daemon is not even polled: the next candidate was known
    assert len(rig.accepted()) == kept
    assert rig.candidate().start_s == SPANS[1][0]
    assert len(rig.project.model.history.texts) == points + 1
    rig.tick(3)
    assert session.state.current == 2
    assert session.state.answers == 1
    assert len(rig.project.model.history.texts) == points + 1


def test_dragged_edges_are_the_answer_and_the_reply_lands_in_its_step(rig: Rig) -> None:
    session = rig.find()
    rig.candidate().move(2.1, 3.2)
    points = len(rig.project.model.history.texts)
    rig.run("accept")
    rig.tick(3)
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert (rig.region("Sound 1-1").start_s, rig.region("Sound 1-1").end_s) == (2.1, 3.2)
    assert rig.candidate().start_s == pytest.approx(SPANS[1][0] + 0.001)  # recomputed with the new edges
    assert len(rig.project.model.history.texts) == points + 1
    assert session.state.candidates[1].span.start_s == 2.1
    rig.reaper.run(UNDO)  # one step back: the dragged edges are there still, and unanswered
    rig.tick(3)
    assert (rig.candidate().start_s, rig.candidate().end_s) == (2.1, 3.2)
    assert session.state.current == 1
    rig.press("accept")
    assert session.state.candidates[1].span.start_s == 2.1


@pytest.mark.parametrize("waits_for", ["what follows", "the rest"])
def test_what_is_edited_while_an_answer_is_on_its_way_is_learned(one_rig: Rig, waits_for: str) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    if waits_for == "what follows":
        one_rig.candidate().move(6.1, 7.0)
        one_rig.tick(2)
        one_rig.daemon.paused = True
        one_rig.run("accept")
    else:
        one_rig.reaper.answer("yes")
        one_rig.run("accept_rest")
        one_rig.until(lambda: one_rig.reaper.dialogs)
        one_rig.daemon.paused = True
    one_rig.reaper.tick(2)
    one_rig.region("Sound 1-1").move(2.02, 3.0)
    one_rig.region("Sound 1-2").delete()
    one_rig.reaper.tick(2)
    one_rig.daemon.paused = False
    one_rig.tick(20)
    assert session.state.candidates[1].span.start_s == 2.02
    assert [one.state for one in session.state.candidates.values()][1:3] == ["retracted", "accepted"]


def test_an_answer_before_the_daemon_has_looked_ahead_waits_for_it(rig: Rig) -> None:
    rig.project.select_time(0.5, 1.5)
    rig.run("find")
    rig.until(rig.candidate)
    assert rig.daemon.looking_ahead  # the candidate stands; what follows it is not told yet
    points = len(rig.project.model.history.texts)
    rig.run("accept")
    rig.reaper.tick()
    assert rig.line() == "computing the next candidate"
    rig.tick(2)
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert len(rig.project.model.history.texts) == points + 1  # answer and next region
    assert not rig.sent(m.Resume)


def test_undo_takes_back_exactly_one_answer_and_redo_answers_again(every_rig: Rig) -> None:
    session = every_rig.find()
    for verb in ("accept", "reject", "accept", "skip"):
        every_rig.press(verb)
    names = [every_rig.names()]
    for k in (4, 3, 2, 1):
        every_rig.reaper.run(UNDO)
        every_rig.tick(3)
        assert session.state.current == k, every_rig.names()
        assert every_rig.candidate().start_s == SPANS[k - 1][0]
        names.append(every_rig.names())
    for k in (2, 3, 4, 5):
        every_rig.reaper.run(REDO)
        every_rig.tick(3)
        assert session.state.current == k
        assert every_rig.names() == names[5 - k]
    assert [one.state for one in session.state.candidates.values()] == [
        "accepted",
        "rejected",
        "accepted",
        "skipped",
        "candidate",
    ]
    every_rig.press("accept")
    assert session.state.current == 6


def test_several_undos_at_once(rig: Rig) -> None:
    session = rig.find()
    for verb in ("accept", "accept", "reject"):
        rig.press(verb)
    for _ in range(3):
        rig.reaper.run(UNDO)
    rig.tick(4)
    assert session.state.current == 1
    assert len([one for one in rig.daemon.log if isinstance(one, m.Undo)]) == 1
    rig.press("reject")
    assert session.state.candidates[1].state == "rejected"


def test_the_undo_action_takes_the_same_way(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("reject")
    points = len(rig.project.model.history.texts)
    rig.press("undo")
    assert session.state.current == 2
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert len(rig.project.model.history.texts) == points  # REAPER's own undo: no new point
    rig.reaper.run(REDO)
    rig.tick(3)
    assert session.state.current == 3


def test_the_undo_action_after_other_edits_is_a_step_of_its_own(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("reject")
    rig.project.add_marker(15.0, "mine")
    rig.press("undo")
    assert session.state.current == 2
    assert rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert [marker.name for marker in rig.project.markers] == ["mine"]
    rig.reaper.run(UNDO)  # takes the taking back back
    rig.tick(4)
    assert session.state.current == 3
    assert session.state.candidates[2].state == "rejected"
    rig.press("undo")
    rig.press("undo")
    assert session.state.current == 1
    rig.press("undo")
    assert "no answer to take back" in rig.line()


def test_undoing_the_search_itself_and_redoing_it(rig: Rig) -> None:
    session = rig.find()
    rig.reaper.run(UNDO)
    rig.tick(3)
    assert rig.names() == []
    rig.press("accept")
    assert session.state.answers == 0
    rig.reaper.run(REDO)
    rig.tick(3)
    assert len(rig.names()) == 2
    rig.press("accept")
    rig.tick(3)
    assert session.state.candidates[1].state == "accepted"


def test_answers_given_too_fast_wait_their_turn(rig: Rig) -> None:
    session = rig.find()
    for verb in ("accept", "reject", "accept", "skip", "accept"):
        rig.run(verb)
    rig.until(lambda: session.state.answers == 5)
    rig.tick(2)
    assert [one.state for one in session.state.candidates.values()][:5] == [
        "accepted",
        "rejected",
        "accepted",
        "skipped",
        "accepted",
    ]
    assert rig.history() == [
        "Find Sound 1",
        "Accept Sound 1-1",
        "Reject Sound 1-2",
        "Accept Sound 1-3",
        "Skip Sound 1-4",
        "Accept Sound 1-5",
    ]


def test_undo_takes_back_an_answer_that_still_waits(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.run("reject")  # must wait: the daemon has not said what follows
    one_rig.reaper.tick()
    one_rig.run("undo")
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(8)
    assert session.state.answers == 1
    assert session.state.current == 2


@pytest.mark.parametrize("edit", ["undo", "delete"])
def test_an_answer_that_waits_is_given_to_no_other_candidate(rig: Rig, edit: str) -> None:
    session = rig.find()
    rig.press("accept")
    rig.daemon.paused = True
    rig.run("accept")
    rig.reaper.tick(2)
    rig.run("reject")  # of the third; it must wait: the daemon has not said what follows
    rig.reaper.tick(2)
    if edit == "undo":
        rig.reaper.run(UNDO)
    else:
        rig.candidate().delete()
    rig.reaper.tick(3)
    rig.daemon.paused = False
    rig.tick(20)
    states = {number: one.state for number, one in session.state.candidates.items()}
    if edit == "undo":
        assert states == {1: "accepted", 2: "candidate"}
    else:
        assert states == {1: "accepted", 2: "accepted", 3: "skipped", 4: "candidate"}
    assert any("queued key presses were ignored" in line for line in rig.help())
    rig.press("accept", 8)
    assert session.state.accepted == (2 if edit == "undo" else 3)


def test_a_deleted_candidate_is_a_skip(rig: Rig) -> None:
    session = rig.find()
    rig.candidate().delete()
    rig.tick(3)
    assert session.state.candidates[1].state == "skipped"
    assert rig.candidate().start_s == SPANS[1][0]
    rig.reaper.run(UNDO)  # our step, then the user's
    rig.tick(2)
    rig.reaper.run(UNDO)
    rig.tick(3)
    assert session.state.current == 1
    assert rig.candidate().start_s == SPANS[0][0]
    rig.press("accept")
    assert session.state.candidates[1].state == "accepted"


def test_a_deleted_candidate_is_a_rejection_if_the_user_wants(one_rig: Rig) -> None:
    one_rig.set(deleted_candidate="reject")
    session = one_rig.find()
    one_rig.candidate().delete()
    one_rig.tick(3)
    assert session.state.candidates[1].state == "rejected"


def test_deleting_and_moving_accepted_regions(every_rig: Rig) -> None:
    session = every_rig.find()
    every_rig.press("accept")
    every_rig.press("accept")
    every_rig.region("Sound 1-1").move(2.25, 3.25)
    every_rig.tick(3)
    assert session.state.candidates[1].span.start_s == 2.25
    every_rig.region("Sound 1-2").delete()
    every_rig.tick(3)
    assert session.state.candidates[2].state == "retracted"
    assert every_rig.candidate() is not None
    every_rig.reaper.run(UNDO)
    every_rig.tick(3)
    assert session.state.candidates[2].state == "accepted"
    every_rig.reaper.run(UNDO)
    every_rig.tick(3)
    assert session.state.candidates[1].span.start_s == 2.0
    every_rig.press("accept")
    assert session.state.candidates[3].state == "accepted"


def test_the_budget_is_patience_and_not_a_wall(rig: Rig) -> None:
    rig.set(budget="2", more="3")
    session = rig.find()
    rig.press("reject")
    rig.press("reject")
    assert rig.names() == ["Sound 1-0"]
    assert "the rejections are used up" in rig.line()
    rig.press("accept")
    assert session.state.answers == 2
    rig.press("continue")
    assert rig.candidate().start_s == SPANS[2][0]
    assert session.state.budget == 5
    rig.press("accept")
    assert session.state.accepted == 1


def test_the_status_line_counts_what_stands_after_undo(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    rig.press("reject")
    assert "1 accepted, 1 of 10 rejections" in rig.line()
    for verb, counts in (("undo", "1 accepted, 0 of 10"), ("undo", "0 accepted, 0 of 10")):
        rig.run(verb)
        rig.tick(1)  # before the daemon's reply
        assert f"{counts} rejections" in rig.line()
        rig.tick(3)
        assert f"{counts} rejections" in rig.line()
    rig.reaper.run(REDO)
    rig.tick(4)
    assert "1 accepted, 0 of 10 rejections" in rig.line()


def test_undo_after_the_last_answer(rig: Rig) -> None:
    rig.set(budget="1")
    session = rig.find()
    rig.press("reject")
    assert rig.candidate() is None
    rig.reaper.run(UNDO)
    rig.tick(3)
    assert session.state.current == 1
    rig.press("accept")
    assert session.state.accepted == 1
    assert rig.candidate().start_s == SPANS[1][0]


def test_nothing_left(one_rig: Rig) -> None:
    one_rig.daemon.spans = one_rig.daemon.spans[:1]
    session = one_rig.find()
    one_rig.press("accept")
    assert one_rig.names() == ["Sound 1-0", "Sound 1-1"]
    assert "nothing is left" in one_rig.line()
    assert session.state.accepted == 1


def test_rejected_regions_can_be_kept_as_marked(rig: Rig) -> None:
    rig.set(keep_rejected="yes")
    session = rig.find()
    rig.press("reject")
    assert "x Sound 1-1" in rig.names()
    rig.reaper.run(UNDO)
    rig.tick(3)
    assert session.state.current == 1
    rig.press("reject")
    rig.press("clear")
    assert rig.names() == ["Sound 1-0"]


def test_regions_renumbered_and_among_the_users_own(every_rig: Rig) -> None:
    every_rig.project.add_region(0.0, 5.0, "Intro")
    session = every_rig.find()
    assert every_rig.names() == ["Intro", "Intro 0", "? Intro 1 (96 %)"]
    every_rig.candidate().renumber(77)
    every_rig.project.add_region(1.9, 2.5, "another")
    every_rig.press("accept")
    assert every_rig.names() == ["Intro", "Intro 0", "another", "Intro 1", "? Intro 2 (93 %)"]
    assert every_rig.region("Intro 1").number == 77
    assert session.find.label == "Intro"


def test_a_users_name_for_an_accepted_region_stays(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.region("Sound 1-1").rename("Boom big")
    one_rig.press("accept")
    one_rig.press("reject")
    assert "Boom big" in one_rig.names()
    assert session.state.candidates[1].state == "accepted"


def test_undo_that_gives_regions_new_guids(tmp_path: Path) -> None:
    profile = {"undo_keeps_region_guids": False, "redo_keeps_region_guids": False}
    with Rig(tmp_path, profile=profile) as rig:
        session = rig.find()
        for verb in ("accept", "reject", "accept"):
            rig.press(verb)
        for k in (3, 2, 1):
            rig.reaper.run(UNDO)
            rig.tick(3)
            assert session.state.current == k, (k, rig.names())
        for k in (2, 3, 4):
            rig.reaper.run(REDO)
            rig.tick(3)
            assert session.state.current == k
        rig.press("accept")
        assert session.state.accepted == 3


def test_undo_that_restores_ext_state(tmp_path: Path) -> None:
    with Rig(tmp_path, profile={"undo_restores_proj_ext_state": True, "change_count_on_api_edit": True}) as rig:
        session = rig.find()
        rig.press("accept")
        rig.press("accept")
        rig.reaper.run(UNDO)
        rig.tick(3)
        assert session.state.current == 2
        rig.press("reject")
        assert session.state.candidates[2].state == "rejected"


def test_thin_actions_leave_no_undo_point(one_rig: Rig) -> None:
    one_rig.find()
    before = list(one_rig.project.model.history.texts)
    for verb in ("play", "window"):
        one_rig.press(verb)
    assert one_rig.project.model.history.texts == before
    assert not [text for text in before if "ReaScript" in text]


def test_undos_faster_than_the_daemon_are_not_undone_by_its_late_rows(rig: Rig) -> None:
    """A reply of before makes the script ask for everything; what the daemon told then is older than the next undo."""
    session = rig.find()
    for _ in range(3):
        rig.press("accept")
    (link,) = rig.daemon.links.values()
    every, heard, told = link.due, link.last_seq, {}

    def due(now_s: float) -> list[tuple[int, m.Event]]:  # acks come through at once, events up to ``heard``
        told.update(every(now_s))
        return [(seq, event) for seq, event in told.items() if seq <= heard]

    link.due = due
    for _ in range(2):
        rig.press("undo")
    heard = next(seq for seq, event in told.items() if isinstance(event, m.Candidate) and event.number == 3)
    rig.until(lambda: any(isinstance(one, m.Resume) for one in rig.daemon.log[-2:]))
    rig.tick(3)
    rig.press("undo")
    heard = link.last_seq + 100
    rig.tick(20)
    assert rig.names() == ["Sound 1-0", "? Sound 1-1 (96 %)"]
    assert (session.state.accepted, session.state.current) == (0, 1)
    assert "ReaTrieve: Update Sound 1" not in rig.history()
    assert [one.number for one in rig.sent(m.Undo)] == [3, 2, 1]


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(
    "answers", ["accept accept accept accept", "accept reject accept reject", "reject reject reject reject"]
)
def test_several_undos_at_once_that_give_regions_new_guids(tmp_path: Path, answers: str, count: int) -> None:
    profile = {"undo_keeps_region_guids": False, "redo_keeps_region_guids": False}
    with Rig(tmp_path, profile=profile) as rig:
        session = rig.find()
        for verb in answers.split():
            rig.press(verb, 6)
        names = rig.names()
        for _ in range(count):
            rig.reaper.run(UNDO)
        rig.tick(8)
        assert session.state.current == 5 - count
        assert rig.candidate().name.startswith(f"? Sound 1-{5 - count} ")
        for _ in range(count):
            rig.reaper.run(REDO)
        rig.tick(8)
        assert session.state.current == 5
        assert rig.names() == names  # nothing twice


def test_an_undo_of_clear_that_gives_the_candidate_a_new_guid(tmp_path: Path) -> None:
    with Rig(tmp_path, profile={"undo_keeps_region_guids": False}) as rig:
        session = rig.find()
        rig.press("accept")
        rig.press("clear")
        rig.reaper.run(UNDO)
        rig.tick(6)
        assert "accept, reject or skip?" in rig.line()
        rig.press("accept", 6)
        assert session.state.accepted == 2
        assert len(set(rig.names())) == len(rig.names()) == 4


def test_undos_past_a_finish_that_give_the_candidate_a_new_guid(tmp_path: Path) -> None:
    """Without that region, what stands looks like the step that finished."""
    with Rig(tmp_path, profile={"undo_keeps_region_guids": False}) as rig:
        session = rig.find()
        for verb in ("finish", "continue", "skip"):
            rig.press(verb, 8)
        for _ in range(3):
            rig.reaper.run(UNDO)
        rig.tick(8)
        assert session.state.current == 1
        rig.press("accept", 8)
        assert (session.state.accepted, session.state.current) == (1, 2)


def test_redo_of_accept_all_finds_the_place_again_that_was_asked_about(one_rig: Rig) -> None:
    """Else the numbers stand for other places in the project than in the journal."""
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 12.2\n")
    one_rig.tick(20)
    one_rig.reaper.answer("yes")
    one_rig.press("accept_rest", 30)
    places = {number: span.start_s for number, span in session.state.accepted_regions}
    assert places[2] == pytest.approx(12.0)
    for key in (UNDO, UNDO, REDO, REDO):
        one_rig.reaper.run(key)
        one_rig.tick(30)
    assert {number: span.start_s for number, span in session.state.accepted_regions} == pytest.approx(places)
    assert one_rig.region("Sound 1-2").start_s == pytest.approx(12.0)
    assert sorted(one_rig.accepted()) == pytest.approx(sorted(places.values()))


@pytest.mark.parametrize("when", ["before the list", "after the list"])
def test_a_key_during_accept_all_answers_nothing_that_comes_after_it(one_rig: Rig, when: str) -> None:
    """It was about the candidate that is accepted with the rest; the next one was never shown."""
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.reaper.answer("yes")
    one_rig.run("accept_rest")
    one_rig.tick()
    if when == "before the list":
        one_rig.run("reject")
    else:
        one_rig.until(lambda: one_rig.reaper.dialogs)
        one_rig.daemon.paused = True
        one_rig.run("reject")
        one_rig.tick(5)
        one_rig.daemon.paused = False
    one_rig.tick(20)
    assert session.state.rejections == 0
    assert session.state.accepted == 4
    assert one_rig.candidate().name.startswith(f"? Sound 1-{session.state.current} ")
    assert any("queued key presses were ignored" in line for line in one_rig.help())
    one_rig.press("reject")
    assert session.state.rejections == 1


def test_a_key_before_the_list_is_for_the_candidate_where_the_list_is_refused(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.reaper.answer("no")
    one_rig.run("accept_rest")
    one_rig.tick()
    one_rig.run("reject")
    one_rig.run("accept")
    one_rig.tick(20)
    assert [one.state for one in session.state.candidates.values()] == ["rejected", "accepted", "candidate"]


@pytest.mark.parametrize("verb", ["accept_rest", "continue"])
def test_a_key_in_the_tick_of_the_next_candidate_is_not_for_that(one_rig: Rig, verb: str) -> None:
    """It was pressed before that tick, so nobody had seen what the tick brings."""
    session = one_rig.find()
    if verb == "continue":
        one_rig.press("finish")
        one_rig.run("continue")
        one_rig.tick()
    else:
        one_rig.reaper.answer("yes")
        one_rig.run("accept_rest")
        one_rig.until(lambda: one_rig.reaper.dialogs)
    one_rig.daemon.poll()  # its reply is on the way
    one_rig.run("reject")
    one_rig.tick(20)
    assert session.state.rejections == 0
    assert one_rig.candidate().name.startswith(f"? Sound 1-{session.state.current} ")


def test_after_many_answers_reaper_is_asked_no_more_than_after_few(rig: Rig) -> None:
    """A session knows every region that it ever had; those that stand there count."""
    rig.find()
    client = rig.reaper.running[0]

    def calls() -> int:
        before = client.calls
        rig.press("accept")
        rig.press("undo")
        return int(client.calls - before)

    calls()
    few = calls()
    for _ in range(20):
        many = calls()
    assert many <= 1.1 * few
