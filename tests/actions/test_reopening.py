"""Nothing is lost when the daemon dies, packets are lost, or the project is closed and opened again."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_daemon import vars_of
from rig import REDO, SPANS, UNDO, Rig

from reatrieve.bridge import messages as m


@pytest.mark.parametrize("seed", [1, 2])
def test_a_third_of_the_packets_lost_doubled_and_reordered(tmp_path: Path, seed: int) -> None:
    with Rig(tmp_path) as rig:
        rig.daemon.loss = 0.3
        rig.daemon.random.seed(seed)
        session = rig.find()
        for verb in ("accept", "reject", "accept", "skip", "reject"):
            rig.press(verb)
        rig.until(lambda: session.state.answers == 5)
        rig.reaper.run(UNDO)
        rig.until(lambda: session.state.current == 5)
        rig.press("accept")
        rig.until(lambda: session.state.answers == 5)
        states = [one.state for one in session.state.candidates.values()][:5]
        assert states == ["accepted", "rejected", "accepted", "skipped", "accepted"]
        rig.until(lambda: rig.accepted() == [0.5, 2.0, 6.0, 10.0] and rig.candidate().start_s == SPANS[5][0])


@pytest.mark.parametrize("silently", [True, False])
def test_killing_the_daemon_costs_no_answer(one_rig: Rig, silently: bool) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.daemon.crash() if silently else one_rig.daemon.quit()
    one_rig.run("reject")  # applied at once, kept for the daemon
    one_rig.reaper.tick()
    one_rig.run("accept")  # waits for what follows
    one_rig.reaper.tick(150)
    assert one_rig.candidate().start_s == SPANS[2][0]
    assert "reatrieve serve" in one_rig.line()
    assert session.state.answers == 1
    one_rig.daemon.start()
    one_rig.until(lambda: session.state.answers == 3)
    one_rig.tick(4)
    assert [one.state for one in session.state.candidates.values()] == ["accepted", "rejected", "accepted", "candidate"]
    assert one_rig.candidate().start_s == SPANS[3][0]
    one_rig.press("accept")
    assert session.state.accepted == 3


def test_the_status_line_is_not_left_at_the_progress_of_work_that_is_done(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    asked = one_rig.line()
    assert "about 6 left" in asked  # as of this candidate, not of the one before
    one_rig.daemon.push(session.find.session, m.Progress(session.find.session, "analyse", 1.0))
    one_rig.tick(2)
    assert "analysing, 100 %" in one_rig.line()
    one_rig.daemon.push(session.find.session, one_rig.daemon._current(session))
    one_rig.tick(2)
    assert one_rig.line() == asked


def test_killing_the_daemon_while_an_answer_is_on_its_way(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.candidate().move(2.2, 3.3)
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.daemon.crash()
    one_rig.reaper.tick(5)
    one_rig.daemon.start()
    one_rig.until(lambda: session.state.answers == 1)
    one_rig.until(lambda: one_rig.candidate() and one_rig.candidate().start_s > 4.0)
    assert session.state.candidates[1].span.start_s == 2.2
    assert one_rig.history() == ["Find Sound 1", "Accept Sound 1-1"]


def test_killing_the_daemon_after_it_heard_but_before_it_said_so(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.daemon.poll()  # handled, and answered into a socket that ...
    one_rig.daemon.crash()
    one_rig.reaper.tick(3)
    one_rig.daemon.start()
    one_rig.tick(60)
    assert session.state.answers == 1
    one_rig.press("reject")
    assert session.state.answers == 2


@pytest.mark.parametrize("what", ["moved", "deleted"])
def test_killing_the_daemon_while_another_place_is_asked_for_loses_no_edit(one_rig: Rig, what: str) -> None:
    session = one_rig.find()
    for _ in range(3):
        one_rig.press("accept")
    one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 12.2\n")
    one_rig.tick()
    if what == "moved":
        one_rig.region("Sound 1-2").move(4.05, 5.0)
    else:
        one_rig.region("Sound 1-2").delete()
    one_rig.daemon.crash()
    one_rig.tick(10)
    one_rig.daemon.start()
    one_rig.until(lambda: one_rig.candidate().start_s == SPANS[5][0])
    one_rig.tick(20)
    assert [span.start_s for _, span in session.state.accepted_regions] == one_rig.accepted()
    assert one_rig.accepted() == ([0.5, 2.0, 4.05, 6.0] if what == "moved" else [0.5, 2.0, 6.0])


def test_killing_the_daemon_during_accept_all(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.reaper.answer("yes")
    one_rig.run("accept_rest")
    one_rig.until(lambda: one_rig.reaper.dialogs)
    one_rig.daemon.poll()
    one_rig.daemon.crash()
    one_rig.reaper.tick(3)
    one_rig.daemon.start()
    one_rig.until(lambda: len(one_rig.accepted()) == 4)
    one_rig.tick(5)
    assert session.state.accepted == 3
    assert one_rig.candidate().start_s == SPANS[3][0]


def test_a_forgotten_client_says_hello_again(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.daemon.links.clear()
    one_rig.run("accept")
    one_rig.until(lambda: session.state.answers == 1)
    one_rig.tick(5)
    one_rig.press("accept")
    assert session.state.answers == 2


def test_starting_the_client_again_resumes(every_rig: Rig) -> None:
    session = every_rig.find()
    every_rig.press("accept")
    every_rig.press("reject")
    if every_rig.version < "7.03":  # REAPER 6 asks; "new instance" must not give two clients
        every_rig.reaper.answer("new")
    every_rig.reaper.run("ReaTrieve_Client.lua")
    every_rig.tick(20)
    assert len([script for script in every_rig.reaper.running if "Client" in script.name]) == 1
    assert every_rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-3 (90 %)"]
    every_rig.press("accept")
    assert session.state.accepted == 2
    for k in (3, 2, 1):  # further back than this run's own steps
        every_rig.reaper.run(UNDO)
        every_rig.tick(4)
        assert session.state.current == k
    every_rig.reaper.unfocus()
    every_rig.press("accept")
    assert session.state.candidates[1].state == "accepted"


@pytest.mark.parametrize("where", ["saved nowhere", "moved", "past the list", "another machine"])
def test_a_session_that_the_list_does_not_name_is_asked_for_by_its_id(rig: Rig, where: str) -> None:
    session, path = rig.find(), rig.folder / "song.rpp"
    rig.press("accept")
    if where == "past the list":
        rig.daemon.listed_at_most = 0
    if where == "saved nowhere":
        rig.reaper.stop("ReaTrieve_Client.lua")
        rig.reaper.run("ReaTrieve_Client.lua")
        rig.reaper.unfocus()
    else:
        rig.project.save(path)
        rig.tick(3)
        rig.project.close()
        rig.tick(3)
        if where == "moved":
            path = path.rename(rig.folder / "moved.rpp")
        elif where == "another machine":
            rig.daemon.sessions.clear()
        rig.reaper.open(path)
    rig.tick(40)
    lost = "the daemon has no journal of Sound 1; its regions stay as they are: run Find to search on"
    assert (rig.line() == lost) == (where == "another machine")
    rig.press("accept", 8)
    assert rig.line().startswith(lost if where == "another machine" else "Sound 1-3 at")
    assert rig.accepted() == [0.5, 2.0] + [4.0] * (where != "another machine")
    assert session.state.accepted == len(rig.accepted()) - 1


def test_closing_and_opening_again_costs_nothing(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.project.save()
    saved.tick(3)
    saved.reopen(saved.folder / "song.rpp", 15)
    assert saved.reaper.dialogs == []
    assert any("ready to go on" in line for line in saved.help())
    assert saved.accepted() == [0.5, 2.0, 4.0, 6.0]
    saved.press("reject")
    assert session.state.rejections == 1
    assert session.state.accepted == 3


def test_closing_without_saving_offers_to_restore(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.reaper.answer("yes")
    saved.reopen(saved.folder / "song.rpp", 15)
    assert "1 answer that this project does not have" in saved.reaper.dialogs[0].text
    assert saved.accepted() == [0.5, 2.0, 4.0, 6.0]
    assert saved.candidate().start_s == SPANS[3][0]
    saved.press("accept")
    assert session.state.accepted == 4


def test_a_key_before_the_question_answers_nothing_that_is_restored(saved: Rig) -> None:
    """It was about the candidate of the project; the one that the restored answers lead to was never shown."""
    session = next(iter(saved.daemon.sessions.values()))
    saved.reaper.answer("yes")
    saved.reopen(saved.folder / "song.rpp", 1)
    assert saved.candidate().start_s == SPANS[2][0]
    saved.run("reject")  # the daemon has not said yet what it has
    saved.tick(20)
    assert saved.candidate().start_s == SPANS[3][0]
    assert (session.state.accepted, session.state.rejections, session.state.current) == (3, 0, 4)
    assert any("queued key presses were ignored" in line for line in saved.help())
    saved.press("reject", 8)
    assert session.state.candidates[4].state == "rejected"


def test_what_was_restored_counts_as_before(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        session = rig.find()
        rig.press("reject")
        rig.press("accept")
        rig.project.save(rig.folder / "song.rpp")
        rig.tick(3)
        rig.press("accept")
        rig.reaper.answer("yes")
        rig.reopen(rig.folder / "song.rpp", 15)
        assert "2 accepted, 1 of 10 rejections" in rig.line()
        rig.reaper.run(UNDO)
        rig.tick(5)
        assert session.state.current == 3
        assert "1 accepted, 1 of 10 rejections" in rig.line()
        assert not any("of 0 rejections" in line for line in rig.help())


def test_taken_back_and_closed_without_saving_is_not_taken_back(saved: Rig) -> None:
    """The file holds more answers than the daemon: the project is the truth."""
    session = next(iter(saved.daemon.sessions.values()))
    saved.press("reject")
    saved.press("skip")
    saved.project.save()
    saved.tick(3)
    names = saved.names()
    for _ in range(4):
        saved.press("undo")
    assert session.state.answers == 1
    saved.reopen(saved.folder / "song.rpp", 20)
    assert saved.reaper.dialogs == []
    assert saved.names() == names
    states = ["accepted", "accepted", "accepted", "rejected", "skipped", "candidate"]
    assert [one.state for one in session.state.candidates.values()] == states
    assert "3 accepted; ready to go on" in saved.line()
    assert not any("of 0 rejections" in line for line in saved.help())
    saved.press("accept")
    assert session.state.accepted == 4


def test_or_to_discard(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.reaper.answer("no")
    saved.reopen(saved.folder / "song.rpp", 15)
    assert session.state.accepted == 2
    assert session.state.current == 3
    assert saved.accepted() == [0.5, 2.0, 4.0]
    saved.press("accept")
    saved.press("accept")
    assert session.state.accepted >= 3


def test_a_project_that_was_never_saved_with_it(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.project.save(rig.folder / "song.rpp")
        session = rig.find()
        rig.press("accept")
        rig.reaper.answer("yes")
        rig.reopen(rig.folder / "song.rpp", 15)
        assert rig.accepted() == [0.5, 2.0]
        rig.press("accept")
        assert session.state.accepted == 2
        rig.reaper.answer("no")
        rig.reopen(rig.folder / "song.rpp", 15)
        assert rig.daemon.sessions == {}
        assert rig.names() == []


def test_regions_changed_while_nobody_looked(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.project.save()
    saved.tick(3)
    saved.reaper.stop("ReaTrieve_Client.lua")
    saved.region("Sound 1-1").delete()
    saved.region("Sound 1-2").move(4.25, 5.25)
    saved.reaper.run("ReaTrieve_Client.lua")
    saved.tick(20)
    saved.reaper.unfocus()
    assert session.state.candidates[1].state == "retracted"
    assert session.state.candidates[2].span.start_s == 4.25


def test_an_edge_dragged_before_the_first_key_is_learned(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.project.save()
    saved.tick(3)
    saved.reaper.stop("ReaTrieve_Client.lua")
    saved.reopen(saved.folder / "song.rpp", 0)
    saved.region("Sound 1-1").move(2.2, 2.8)
    saved.reaper.run("ReaTrieve_Client.lua")
    saved.reaper.unfocus()
    saved.press("accept", 40)
    assert session.state.candidates[1].span.start_s == 2.2
    assert saved.region("Sound 1-1").start_s == 2.2
    assert session.state.accepted == 4
    saved.reaper.stop("ReaTrieve_Client.lua")
    sent = len(saved.sent(m.Revise))
    saved.reaper.run("ReaTrieve_Client.lua")
    saved.tick(40)
    assert len(saved.sent(m.Revise)) == sent, "it is known now"
    saved.reaper.unfocus()


@pytest.mark.parametrize("what", ["moved", "deleted"])
@pytest.mark.parametrize("choice", ["yes", "no"])
def test_what_was_edited_before_the_question_stays(saved: Rig, what: str, choice: str) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.reaper.stop("ReaTrieve_Client.lua")
    saved.reopen(saved.folder / "song.rpp", 0)
    if what == "moved":
        saved.region("Sound 1-1").move(2.2, 2.8)
    else:
        saved.region("Sound 1-1").delete()
    saved.reaper.answer(choice)
    saved.reaper.run("ReaTrieve_Client.lua")
    saved.tick(40)
    saved.reaper.unfocus()
    accepted = [0.5, 2.2, 4.0] if what == "moved" else [0.5, 4.0]
    if choice == "yes":
        accepted.append(6.0)
    assert sorted(saved.accepted()) == accepted
    assert sorted(span.start_s for _, span in session.state.accepted_regions) == accepted
    saved.press("accept", 10)
    assert sorted(span.start_s for _, span in session.state.accepted_regions) == sorted(saved.accepted())


def test_regions_known_to_be_off_their_sound_are_not_learned_on_reopening(saved: Rig) -> None:
    session = next(iter(saved.daemon.sessions.values()))
    saved.track.items[0].move(0.5)  # the regions stay
    saved.tick(5)
    saved.project.save()
    saved.tick(3)
    saved.reopen(saved.folder / "song.rpp", 40)
    assert not saved.sent(m.Revise)
    assert saved.accepted() == [0.5, 2.0, 4.0, 6.0]
    saved.press("accept", 10)
    assert saved.accepted() == [0.5, 2.0, 4.0, 6.0, 8.5], "none moves with an answer"
    assert session.state.accepted == 4


@pytest.mark.parametrize("reopened", [False, True])
def test_regions_that_moved_with_the_tempo_while_nobody_looked_teach_nothing(saved: Rig, reopened: bool) -> None:
    saved.press("clear")
    saved.project.save()
    saved.tick(3)
    saved.reaper.stop("ReaTrieve_Client.lua")
    if reopened:
        saved.reopen(saved.folder / "song.rpp", 0)
    saved.project.set_tempo(60.0)
    for region in saved.project.regions:
        region.move(2 * region.start_s, 2 * region.end_s)
    saved.reaper.run("ReaTrieve_Client.lua")
    saved.reaper.unfocus()
    saved.tick(40)
    assert saved.sent(m.Revise) == []
    assert "nothing is learned from that" in " ".join(saved.help())
    assert saved.accepted() == [1.0, 4.0, 8.0, 12.0]
    saved.region("Sound 1-1").move(4.2, 6.0)
    saved.tick(4)
    assert [revise.number for revise in saved.sent(m.Revise)] == [1]


def test_regions_that_went_with_inserted_time_are_not_learned_on_reopening(saved: Rig) -> None:
    saved.project.insert_time(3.5, 1.0)
    saved.tick(5)
    places = saved.accepted()
    assert places == [0.5, 2.0, 5.0, 7.0]
    saved.project.save()
    saved.tick(3)
    saved.reopen(saved.folder / "song.rpp", 40)
    assert not saved.sent(m.Revise)
    saved.press("skip", 10)
    assert saved.accepted() == places
    saved.region("Sound 1-1").move(2.2, 2.8)
    saved.tick(5)
    assert [revise.number for revise in saved.sent(m.Revise)] == [1]


def test_reverting_a_project_is_no_deletion(saved: Rig) -> None:
    """Another tab with the same project file: tracks have the same GUIDs but are others."""
    session = next(iter(saved.daemon.sessions.values()))
    saved.project.close()
    saved.reaper.answer("cancel")
    saved.reaper.open(saved.folder / "song.rpp")
    saved.tick(15)
    saved.daemon.crash()
    saved.daemon.start()
    saved.tick(60)  # not asked again
    assert len(saved.reaper.dialogs) == 1
    assert session.state.accepted == 3
    assert not saved.sent(m.Retract)
    assert not saved.sent(m.Discard)


def test_a_track_deleted_and_brought_back(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.track.delete()
    one_rig.tick(3)
    assert "track is gone" in one_rig.line()
    one_rig.reaper.run(UNDO)
    one_rig.tick(5)
    one_rig.press("accept")
    assert session.state.accepted == 1


def closed_unsaved(rig: Rig, saved_answers: int, *answers: str) -> None:
    """A search saved with some answers, answered further, closed without saving, and opened again."""
    path = rig.folder / "song.rpp"
    rig.project.save(path)
    rig.find()
    for _ in range(saved_answers):
        rig.press("accept")
    rig.project.save(path)
    rig.tick(3)
    rig.press("accept")
    rig.press("accept")
    rig.reaper.answer(*answers)
    rig.reopen(path, 80)


@pytest.mark.parametrize("saved_answers", [0, 2])
def test_no_goes_back_to_what_was_saved(rig: Rig, saved_answers: int) -> None:
    closed_unsaved(rig, saved_answers, "no")
    (session,) = rig.daemon.sessions.values()
    assert session.state.answers == saved_answers
    assert session.state.current == saved_answers + 1
    rig.press("accept", 12)
    assert session.state.answers == saved_answers + 1
    rig.press("convert", 12)
    assert sorted(marker.start_s for marker in rig.project.markers) == sorted(rig.accepted())
    rig.press("finish", 12)
    assert rig.candidate() is None


@pytest.mark.parametrize("then", ["yes", "no"])
@pytest.mark.parametrize("saved_answers", [0, 2])
def test_cancel_puts_the_question_off_until_a_key_is_about_it(rig: Rig, saved_answers: int, then: str) -> None:
    closed_unsaved(rig, saved_answers, "cancel")
    (session,) = rig.daemon.sessions.values()
    assert session.state.answers == saved_answers + 2
    rig.press("convert", 12)  # what the project has is in use
    assert sorted(marker.start_s for marker in rig.project.markers) == sorted(rig.accepted())
    assert len(rig.accepted()) == saved_answers + 1
    n_dialogs = len(rig.reaper.dialogs)
    rig.reaper.answer(then)
    rig.press("accept", 20)
    assert len(rig.reaper.dialogs) == n_dialogs + 1
    wanted = saved_answers + (2 if then == "yes" else 0)
    assert session.state.answers == wanted
    assert len(rig.accepted()) == wanted + 1
    rig.press("accept", 12)
    assert session.state.answers == wanted + 1


def test_without_the_daemon_a_key_does_not_ask_and_says_why(rig: Rig) -> None:
    closed_unsaved(rig, 2, "cancel")
    rig.daemon.quit()
    rig.until(lambda: "daemon not running" in " ".join(rig.help()))
    n_dialogs = len(rig.reaper.dialogs)
    rig.reaper.status.help_history.clear()
    rig.press("accept", 20)
    assert "daemon not running" in rig.line()
    rig.daemon.start()
    rig.tick(80)
    assert len(rig.reaper.dialogs) == n_dialogs, "no key is about it"
    rig.reaper.answer("yes")
    rig.press("accept", 20)
    assert "Sound 1: decide first about the answers that this project does not have" in rig.help()
    assert len(rig.reaper.dialogs) == n_dialogs + 1
    (session,) = rig.daemon.sessions.values()
    assert session.state.answers == 4


def test_what_is_edited_after_cancel_is_a_change_like_any_other(rig: Rig) -> None:
    closed_unsaved(rig, 2, "cancel")
    (session,) = rig.daemon.sessions.values()
    rig.region("Sound 1-1").move(2.1, 3.0)
    rig.tick(3)
    rig.region("Sound 1-2").delete()
    rig.tick(3)
    rig.reaper.answer("no")
    rig.press("accept", 30)
    assert session.state.candidates[1].span.start_s == pytest.approx(2.1)
    assert session.state.candidates[2].state == "retracted"
    assert sorted(rig.accepted()) == pytest.approx([0.5, 2.1])


def restart(rig: Rig) -> None:
    """The client ends and starts again: its steps are forgotten."""
    rig.reaper.stop("ReaTrieve_Client.lua")
    rig.reaper.run("ReaTrieve_Client.lua")
    rig.reaper.unfocus()
    rig.tick(20)


@pytest.mark.parametrize("waits_for", ["what follows", "the rest", "another place"])
def test_undo_into_steps_of_an_earlier_run_ends_the_waiting(one_rig: Rig, waits_for: str) -> None:
    session = one_rig.find()
    for _ in range(3):
        one_rig.press("accept")
    restart(one_rig)
    if waits_for == "what follows":
        one_rig.candidate().move(8.1, 9.0)  # an undo point of its own
        one_rig.tick(2)
        one_rig.daemon.paused = True
        one_rig.run("accept")
    elif waits_for == "the rest":
        one_rig.reaper.answer("yes")
        one_rig.run("accept_rest")
        one_rig.until(lambda: one_rig.reaper.dialogs)
        one_rig.daemon.paused = True
    else:
        one_rig.daemon.paused = True
        one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 12.2\n")
    one_rig.reaper.tick(2)
    for _ in range(3 if waits_for == "what follows" else 2):
        one_rig.reaper.run(UNDO)
        one_rig.reaper.tick(2)
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert one_rig.names() == ["Sound 1-0", "Sound 1-1", "? Sound 1-2 (93 %)"]
    assert {number: one.state for number, one in session.state.candidates.items()} == {1: "accepted", 2: "candidate"}
    one_rig.reaper.run(REDO)
    one_rig.tick(10)
    assert session.state.accepted == 2
    assert one_rig.accepted() == [0.5, 2.0, 4.0]


def test_a_jump_back_over_steps_of_an_earlier_run_retracts_nothing(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.candidate().delete()  # a skip: what it leaves asks about nothing
    one_rig.tick(6)
    one_rig.press("accept")
    one_rig.press("accept")
    names = one_rig.names()
    restart(one_rig)
    for _ in range(3):
        one_rig.reaper.run(UNDO)
    one_rig.tick(20)
    assert one_rig.names() == ["Sound 1-0", "Sound 1-1"]
    assert [one.state for one in session.state.candidates.values()] == ["accepted", "skipped", "candidate"]
    assert "paused before candidate 3" in one_rig.line()
    for _ in range(3):
        one_rig.reaper.run(REDO)
        one_rig.tick(6)
    assert one_rig.names() == names
    states = ["accepted", "skipped", "accepted", "accepted", "candidate"]
    assert [one.state for one in session.state.candidates.values()] == states
    one_rig.press("accept", 6)
    one_rig.press("accept", 6)
    assert session.state.accepted >= 4
    assert [span.start_s for _, span in session.state.accepted_regions] == one_rig.accepted()


def test_a_deletion_redone_after_a_restart_is_one(one_rig: Rig) -> None:
    session = one_rig.find()
    for _ in range(3):
        one_rig.press("accept")
    one_rig.region("Sound 1-2").delete()
    one_rig.tick(4)
    one_rig.project.add_marker(15.0, "mine")
    one_rig.tick(4)
    for _ in range(2):
        one_rig.reaper.run(UNDO)
        one_rig.tick(4)
    restart(one_rig)
    one_rig.reaper.run(REDO)  # and the marker can be redone still
    one_rig.tick(6)
    states = ["accepted", "retracted", "accepted", "candidate"]
    assert [one.state for one in session.state.candidates.values()] == states


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(
    "answers", ["accept accept accept accept", "reject reject reject reject", "skip accept reject accept"]
)
def test_answers_redone_while_no_client_ran_are_learned(one_rig: Rig, answers: str, count: int, reopened: bool) -> None:
    """A place without a region was rejected or skipped: it counts as skipped, which teaches nothing."""
    session = one_rig.find()
    for verb in answers.split():
        one_rig.press(verb, 6)
    for _ in range(3):
        one_rig.reaper.run(UNDO)
        one_rig.tick(6)
    assert session.state.current == 2
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    for _ in range(count):
        one_rig.reaper.run(REDO)
    names, points = one_rig.names(), list(one_rig.project.model.history.texts)
    if reopened:
        one_rig.project.save(one_rig.folder / "song.rpp")
        one_rig.reopen(one_rig.folder / "song.rpp", 0)
        session.find = m.Find(**{**vars_of(session.find), "project": str(one_rig.folder / "song.rpp")})
    one_rig.reaper.run("ReaTrieve_Client.lua")
    one_rig.reaper.unfocus()
    one_rig.tick(40)
    assert one_rig.names() == names
    assert session.state.current == 2 + count
    redone = answers.split()[1 : 1 + count]
    expected = ["accepted" if verb == "accept" else "skipped" for verb in redone]
    assert [session.state.candidates[2 + k].state for k in range(count)] == expected
    assert "accept, reject or skip?" in one_rig.line()
    if not reopened:
        assert list(one_rig.project.model.history.texts) == points  # and what can be redone still can
    one_rig.press("accept", 8)
    assert session.state.candidates[2 + count].state == "accepted"
    assert one_rig.accepted() == [span.start_s for _, span in session.state.accepted_regions]


def test_an_undo_that_restores_the_ext_state_that_was_read_is_no_other_project(tmp_path: Path) -> None:
    with Rig(tmp_path, profile={"undo_restores_proj_ext_state": True}) as rig:
        session = rig.find()
        rig.press("accept")
        rig.project.save(rig.folder / "song.rpp")
        rig.tick(3)
        rig.reopen(rig.folder / "song.rpp", 20)
        names = rig.names()
        rig.press("reject", 8)
        rig.reaper.run(UNDO)
        rig.tick(20)
        assert rig.names() == names
        assert rig.reaper.dialogs == []
        assert (session.state.answers, session.state.current) == (1, 2)


def test_an_example_whose_region_was_deleted_stays_so_when_the_project_is_opened(saved: Rig) -> None:
    saved.region("Sound 1-0").delete()
    saved.tick(5)
    saved.project.save()
    saved.tick(3)
    saved.reopen(saved.folder / "song.rpp", 20)
    saved.press("accept", 8)
    assert saved.accepted() == [2.0, 4.0, 6.0, 8.0]
