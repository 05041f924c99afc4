"""Undo, redo and deletions that look like each other, or whose steps the script has not: project and daemon agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_daemon import Session
from rig import REDO, UNDO, Rig

from reatrieve.session.events import Reanswered, Undone


def agree(rig: Rig, session: Session) -> None:
    """What stands is what the daemon has."""
    state = session.state
    assert sorted(rig.accepted()) == pytest.approx(sorted(span.start_s for _, span in state.accepted_regions))
    rejected = [number for number, one in state.candidates.items() if one.state == "rejected"]
    assert {int(name.rpartition("-")[2]) for name in rig.names() if name.startswith("x ")} <= set(rejected)
    if rig.candidate() is not None:
        assert rig.candidate().name.startswith(f"? Sound 1-{state.current} "), (state.current, state.over)


def states(session: Session) -> list[str]:
    return [one.state for one in session.state.candidates.values()]


def point(rig: Rig, what: int, times: int = 1, settle: int = 30) -> None:
    for _ in range(times):
        rig.reaper.run(what)
    rig.tick(settle)


def start_again(rig: Rig, *points: int) -> None:
    """End the client and start it; undo and redo in between are seen by no script."""
    rig.tick(5)
    rig.reaper.stop("ReaTrieve_Client.lua")
    for what in points:
        rig.reaper.run(what)
    rig.reaper.run("ReaTrieve_Client.lua")
    rig.reaper.unfocus()
    rig.tick(40)


CORRECTED = {
    "rejected": ("accept", "accept", "previous", "reject"),
    "the first one rejected": ("accept", "accept", "previous", "previous", "reject"),
    "accepted": ("reject", "accept", "previous", "previous", "accept"),
    "accepted after a skip": ("skip", "accept", "previous", "previous", "accept"),
    "two": ("accept", "reject", "previous", "accept", "previous", "previous", "reject"),
    "finished": ("accept", "reject", "finish", "previous", "previous", "reject"),
}


@pytest.mark.parametrize("keep", ["no", "yes"])
@pytest.mark.parametrize("keys", CORRECTED.values(), ids=CORRECTED)
def test_an_answer_given_after_all_is_undone_and_redone_whoever_looks(
    one_rig: Rig, keys: tuple[str, ...], keep: str
) -> None:
    one_rig.set(keep_rejected=keep)
    session = one_rig.find()
    for key in keys:
        one_rig.press(key, 20)
    start_again(one_rig)
    point(one_rig, UNDO)
    agree(one_rig, session)
    start_again(one_rig)
    point(one_rig, REDO)
    agree(one_rig, session)
    start_again(one_rig, UNDO)
    agree(one_rig, session)
    start_again(one_rig, REDO)
    agree(one_rig, session)
    one_rig.press("continue", 20)
    one_rig.press("accept", 20)
    one_rig.press("accept", 20)
    agree(one_rig, session)


@pytest.mark.parametrize("version", ["6.83", "7.80"])
def test_what_an_undo_after_a_restart_has_accepted_stands_when_the_search_goes_on(tmp_path: Path, version: str) -> None:
    with Rig(tmp_path, version) as rig:
        session = rig.find()
        for key in CORRECTED["rejected"]:
            rig.press(key, 20)
        start_again(rig)
        point(rig, UNDO)
        assert states(session) == ["accepted", "accepted", "candidate"]
        rig.press("accept")
        assert rig.accepted() == [0.5, 2.0, 4.0, 6.0]
        point(rig, UNDO, 2)
        point(rig, REDO, 2)
        agree(rig, session)


def _one_accepted(rig: Rig, session: Session) -> None:
    rig.daemon._apply(session, Reanswered(1, "accept", session.state.candidates[1].span))


def _one_rejected(rig: Rig, session: Session) -> None:
    rig.daemon._apply(session, Reanswered(2, "reject", session.state.candidates[2].span))


def _one_back(rig: Rig, session: Session) -> None:
    _one_accepted(rig, session)
    rig.daemon._apply(session, Undone(3))


@pytest.mark.parametrize("keep", ["no", "yes"])
@pytest.mark.parametrize("there", [_one_accepted, _one_rejected, _one_back])
def test_an_update_is_undone_and_redone_whoever_looks(
    one_rig: Rig, there: Callable[[Rig, Session], None], keep: str
) -> None:
    one_rig.set(keep_rejected=keep)
    session = one_rig.find()
    for key in ("reject", "accept", "accept"):
        one_rig.press(key, 10)
    there(one_rig, session)
    session.behind = True
    one_rig.press("reject", 40)
    assert one_rig.history()[-1] == "Update Sound 1"
    agree(one_rig, session)
    for what in (UNDO, REDO, UNDO):
        start_again(one_rig)
        point(one_rig, what, settle=60)
        agree(one_rig, session)
    one_rig.press("accept", 20)
    agree(one_rig, session)


@pytest.mark.parametrize("edits", ["two moves", "a move and a deletion"])
def test_redo_of_two_edits_that_were_seen_at_once_loses_nothing_after_them(rig: Rig, edits: str) -> None:
    session = rig.find()
    if edits == "two moves":
        rig.press("reject")
        rig.press("accept")
        rig.region("Sound 1-0").move(0.52, 1.5)
        rig.region("Sound 1-2").move(4.02, 5.0)
        rig.tick(20)
        rig.press("previous")
    else:
        rig.region("Sound 1-0").move(0.52, 1.5)
        rig.candidate().delete()
        rig.tick(20)
    rig.press("previous")
    rig.press("accept", 20)
    assert session.state.candidates[1].state == "accepted"
    back = 0
    while "Find" not in rig.project.model.history.undo_text:
        point(rig, UNDO)
        agree(rig, session)
        back += 1
    for _ in range(back):
        point(rig, REDO)
        agree(rig, session)
    assert session.state.candidates[1].state == "accepted"
    assert "accept, reject or skip" in rig.line()


def test_another_name_for_a_region_that_is_kept_as_rejected_is_no_answer(rig: Rig) -> None:
    rig.set(keep_rejected="yes")
    session = rig.find()
    rig.press("reject")
    rig.region("x Sound 1-1").rename("too loud")
    rig.tick(10)
    assert states(session) == ["rejected", "candidate"]
    start_again(rig)
    assert states(session) == ["rejected", "candidate"]


def test_undo_of_clear_after_finish_goes_on_and_redo_finishes(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("clear", 20)
    rig.press("finish", 20)
    made = rig.history()
    for _ in range(2):
        point(rig, UNDO)
        assert rig.candidate().name.startswith("? Sound 1-2 ")
        assert (session.state.current, session.state.over) == (2, None)
        point(rig, REDO)
        assert rig.candidate() is None
        assert session.state.over == "finished"
    point(rig, UNDO)
    assert rig.history() == made  # redo is still there, nothing was made anew
    rig.press("accept")
    assert session.state.accepted == 2


def test_clear_twice_before_finish_is_one_step(one_rig: Rig) -> None:
    session = one_rig.find()
    for key in ("clear", "clear", "finish"):
        one_rig.press(key, 20)
    point(one_rig, UNDO)
    assert (session.state.current, session.state.over) == (1, None)
    point(one_rig, REDO)
    assert session.state.over == "finished"


def test_undo_of_clear_after_finish_by_another_run_of_the_script(one_rig: Rig) -> None:
    session = one_rig.find()
    for key in ("accept", "clear", "finish"):
        one_rig.press(key, 20)
    start_again(one_rig)
    point(one_rig, UNDO)
    assert (session.state.current, session.state.over) == (2, None)
    agree(one_rig, session)
    start_again(one_rig)
    point(one_rig, REDO)  # of Clear: nothing tells that it was finished
    assert session.state.candidates[2].state == "candidate"
    assert "Play, Accept or Continue shows it again" in one_rig.line()


def test_what_could_be_redone_after_a_finish_without_a_step_goes_on_again(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("clear", 20)
    one_rig.press("continue", 20)  # shows it again
    point(one_rig, UNDO)
    one_rig.press("finish", 20)
    assert session.state.over == "finished"
    point(one_rig, REDO)
    assert (session.state.current, session.state.over) == (1, None)
    agree(one_rig, session)
    point(one_rig, UNDO)
    assert session.state.over == "finished"
    point(one_rig, UNDO)
    assert (session.state.current, session.state.over) == (1, None)
    one_rig.press("accept")
    assert session.state.accepted == 1


def test_undo_of_an_update_that_finished_goes_on(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    session.state = session.state.apply(Undone(1))
    one_rig.daemon._propose(session)
    one_rig.press("finish", 20)
    for _ in range(4):
        point(one_rig, UNDO, settle=60)
        agree(one_rig, session)
        if "Find" in one_rig.project.model.history.undo_text:
            break
    one_rig.press("accept", 20)
    agree(one_rig, session)


def test_an_unseen_other_answer_that_uses_up_the_rejections_goes_with_its_step(one_rig: Rig) -> None:
    one_rig.set(budget="2")
    session = one_rig.find()
    for key in ("reject", "skip", "clear", "previous", "reject"):
        one_rig.press(key, 20)
    assert session.state.over == "budget"
    point(one_rig, UNDO)  # of Clear
    agree(one_rig, session)
    assert (session.state.current, session.state.over) == (3, None)
    point(one_rig, REDO)
    assert session.state.over == "budget"
    point(one_rig, UNDO)
    one_rig.press("accept")
    assert session.state.accepted == 1


def test_undo_of_another_answer_that_used_up_the_rejections_after_finish_goes_on(one_rig: Rig) -> None:
    one_rig.set(budget="2")
    session = one_rig.find()
    for key in ("reject", "accept", "previous", "reject", "finish"):
        one_rig.press(key, 20)
    assert session.state.over == "finished"
    point(one_rig, UNDO)
    agree(one_rig, session)
    assert (session.state.current, session.state.over) == (3, None)
    one_rig.press("accept")
    assert session.state.accepted == 2


def test_undo_gives_the_unseen_other_answer_that_stood_there(one_rig: Rig) -> None:
    session = one_rig.find()
    for key in ("skip", "previous", "accept"):
        one_rig.press(key, 20)
    point(one_rig, UNDO)
    one_rig.press("previous")
    one_rig.press("reject", 20)
    assert session.state.candidates[1].state == "rejected"
    point(one_rig, REDO)
    assert session.state.candidates[1].state == "accepted"
    point(one_rig, UNDO)
    assert session.state.candidates[1].state == "rejected"


def test_undo_of_a_deletion_after_an_unseen_other_answer_to_that_place(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.region("Sound 1-1").delete()
    one_rig.tick(10)
    one_rig.press("previous")
    one_rig.press("reject", 20)
    assert states(session) == ["rejected", "candidate"]
    for what, state in ((UNDO, "accepted"), (REDO, "rejected"), (UNDO, "accepted")):
        point(one_rig, what)
        assert states(session) == [state, "candidate"]
        agree(one_rig, session)


@pytest.mark.parametrize("deleted", ["skip", "reject"])
def test_candidates_deleted_in_a_row_are_answers_each(rig: Rig, deleted: str) -> None:
    rig.set(deleted_candidate=deleted)
    session = rig.find()
    after = {"skip": "skipped", "reject": "rejected"}[deleted]
    for number in range(1, 4):
        rig.candidate().delete()
        rig.tick(10)
        assert states(session) == [*[after] * number, "candidate"]
        assert rig.candidate().name.startswith(f"? Sound 1-{number + 1} ")
    for back in range(3, 0, -1):
        point(rig, UNDO)  # our step
        assert rig.candidate() is None
        assert states(session) == [*[after] * back, "candidate"]
        point(rig, UNDO)  # the user's
        assert rig.candidate().name.startswith(f"? Sound 1-{back} ")
        assert states(session) == [*[after] * (back - 1), "candidate"]
    for number in range(1, 4):
        point(rig, REDO)
        assert rig.candidate() is None
        assert states(session)[:number] == [after] * number
        point(rig, REDO)
        assert rig.candidate().name.startswith(f"? Sound 1-{number + 1} ")
        assert states(session) == [*[after] * number, "candidate"]
    point(rig, UNDO, 4)
    assert states(session) == [after, "candidate"]
    rig.candidate().delete()
    rig.tick(10)
    assert states(session) == [after, after, "candidate"]
    assert rig.candidate().name.startswith("? Sound 1-3 ")
    rig.press("accept")
    assert session.state.accepted == 1


def test_deletions_faster_than_the_daemon(rig: Rig) -> None:
    session = rig.find()
    rig.candidate().delete()
    rig.daemon.paused = True
    rig.tick(3)
    rig.candidate().delete()
    rig.tick(3)
    rig.daemon.paused = False
    rig.tick(40)
    assert states(session) == ["skipped", "skipped", "candidate"]
    assert rig.candidate().name.startswith("? Sound 1-3 ")


def test_deletions_that_make_no_undo_point_and_are_seen_with_the_next_one(tmp_path: Path) -> None:
    with Rig(tmp_path, "7.80", profile={"undo_on_user_region_edit": False}) as rig:
        session = rig.find()
        for number in range(1, 4):
            rig.candidate().delete()
            rig.project.select_time(1.0, 2.0 + number)
            rig.tick(10)
            assert states(session) == [*["skipped"] * number, "candidate"]


@pytest.mark.parametrize("before", ["clear", "finish"])
def test_a_deletion_that_leaves_what_an_undone_step_left_is_an_answer(rig: Rig, before: str) -> None:
    session = rig.find()
    rig.press(before, 20)
    point(rig, UNDO)
    rig.candidate().delete()
    rig.tick(20)
    assert states(session) == ["skipped", "candidate"]
    assert rig.candidate().name.startswith("? Sound 1-2 ")


@pytest.mark.parametrize("end", ["clear", "finish"])
def test_redo_by_another_run_of_the_script_that_takes_the_candidate_away_is_no_answer(one_rig: Rig, end: str) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press(end, 20)
    point(one_rig, UNDO)
    start_again(one_rig)
    point(one_rig, REDO)
    assert states(session) == ["accepted", "candidate"]
    assert "Play, Accept or Continue shows it again" in one_rig.line()
    one_rig.press("accept")
    one_rig.press("accept")
    assert states(session) == ["accepted", "accepted", "candidate"]


def test_a_late_reply_to_what_was_taken_back_makes_no_point_and_undo_goes_on(one_rig: Rig) -> None:
    """Two points back at once, as by a click in the undo history, before the daemon has replied to the answer."""
    session = one_rig.find()
    one_rig.candidate().delete()
    one_rig.tick(20)
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.tick()
    point(one_rig, UNDO, 2, 10)
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert states(session) == ["skipped", "candidate"]
    point(one_rig, UNDO)
    assert states(session) == ["candidate"]
    agree(one_rig, session)
    for _ in range(3):
        point(one_rig, REDO)
    assert states(session) == ["skipped", "accepted", "candidate"]
    agree(one_rig, session)
    assert one_rig.history() == ["Find Sound 1", "Next candidate Sound 1-2", "Accept Sound 1-2"]


@pytest.mark.parametrize("keys", [("accept", "reject"), ("accept", "finish"), ("accept", "clear")], ids=" ".join)
def test_two_redos_in_one_tick_are_no_deletion(one_rig: Rig, keys: tuple[str, ...]) -> None:
    """The second is of something that is none of ours."""
    session = one_rig.find()
    for key in keys:
        one_rig.press(key, 20)
    one_rig.project.add_region(30.0, 31.0, "Mine")
    one_rig.tick(10)
    before, over, names = states(session), session.state.over, one_rig.names()
    point(one_rig, UNDO, 2)
    point(one_rig, REDO, 2)
    assert (states(session), session.state.over) == (before, over)
    assert one_rig.names() == names
