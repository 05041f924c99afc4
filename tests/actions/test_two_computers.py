"""A project that is answered at two computers: what the daemon went on with elsewhere, and courses that differ."""

from __future__ import annotations

import pytest
from fake_daemon import FakeDaemon, Session
from rig import REDO, UNDO, Rig

from reatrieve.bridge.messages import Rename, Resume
from reatrieve.session.events import Answered, Reanswered, Renamed, Retracted, Revised, Undone
from reatrieve.session.spans import Span
from reatrieve.session.state import fold


def answer_there(daemon: FakeDaemon, session: Session, course: tuple[str, ...]) -> None:
    """What another computer has answered, into the daemon's journal."""
    for verb in course:
        state = session.state
        last = state.answers
        if verb == "undo":
            daemon._apply(session, Undone(last))
        elif verb == "delete":
            daemon._apply(session, Retracted(last))
        elif verb == "move":
            span = state.candidates[last].span
            daemon._apply(session, Revised(last, Span(span.start_s + 0.1, span.end_s)))
        elif verb == "move the example":
            daemon._apply(session, Revised(0, Span(0.6, 1.5)))
        elif verb == "delete the example":
            daemon._apply(session, Retracted(0))
        elif verb.startswith("first "):
            daemon._apply(session, Reanswered(1, verb.removeprefix("first "), state.candidates[1].span))  # type: ignore[arg-type]
        else:
            assert state.current is not None
            daemon._apply(session, Answered(state.current, verb, state.candidates[state.current].span))  # type: ignore[arg-type]
        daemon._propose(session)


def answer_here(rig: Rig, course: tuple[str, ...]) -> None:
    """The same in the project."""
    for verb in course:
        accepted = [region for region in rig.project.regions if region.name[:2] not in ("? ", "x ")]
        region = accepted[0 if verb.endswith(" the example") else -1]
        if verb.startswith("delete"):
            region.delete()
            rig.tick(4)
        elif verb.startswith("move"):
            region.move(region.start_s + 0.2, region.end_s)
            rig.tick(4)
        else:
            rig.press(verb)


def agree(rig: Rig, session: Session, *, within_s: float = 1e-6) -> None:
    """The project shows what the daemon has, place by place; the candidate may have been dragged."""
    state = session.state
    assert sorted(rig.accepted()) == pytest.approx(sorted(span.start_s for _, span in state.accepted_regions))
    assert state.current is not None
    assert rig.candidate().start_s == pytest.approx(state.candidates[state.current].span.start_s, abs=within_s)


def answers_of(session: Session) -> list[tuple[str, float | None]]:
    """Of the example and each place what was said, and where it stands if it counts."""
    state, example = session.state, session.state.example_region
    answered = [one for one in state.candidates.values() if one.state != "candidate"]
    said = [(one.state, round(one.span.start_s, 6) if one.state == "accepted" else None) for one in answered]
    return [("example", round(example.start_s, 6)) if example else ("retracted", None), *said]


THERE = [
    ("accept", "accept", "accept"),
    ("undo", "reject"),
    ("undo",),
    ("undo", "undo", "reject"),
    ("undo", "undo", "reject", "reject", "reject"),
    ("undo", "reject", "accept"),
    ("first reject",),
    ("delete",),
    ("move",),
    ("move the example",),
    ("delete the example",),
    ("accept", "undo"),
]
OTHERWISE = {"reject", "first reject", "delete", "delete the example"}
"""What says otherwise of a place."""
PRESSED = ["undo", "reject", "accept with an edge", "delete", "accept_rest", "export", "ask 12.2"]


@pytest.mark.parametrize("there", THERE, ids=" ".join)
@pytest.mark.parametrize("press", PRESSED)
def test_what_was_answered_elsewhere_meanwhile_is_shown_at_the_next_key(
    one_rig: Rig, press: str, there: tuple[str, ...]
) -> None:
    """The daemon has gone on with another computer's copy, and refuses what was meant for the state before."""
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.press("accept")
    before = answers_of(session)
    answer_there(daemon, session, there)
    theirs, session.behind = answers_of(session), True
    if press == "accept with an edge":
        one_rig.candidate().move(6.1, 7.0)
        one_rig.run("accept")
    elif press == "delete":
        one_rig.region("Sound 1-1").delete()
    elif press.startswith("ask"):
        one_rig.reaper.set_ext_state("ReaTrieve", "queue", press + "\n")
    else:
        if press == "export":
            one_rig.reaper.answer([str(one_rig.folder), "json", "source", "", "0", "no"])
        one_rig.run(press)
    one_rig.until(lambda: not session.behind)
    one_rig.tick(20)
    assert answers_of(session) == theirs
    within_s = 0.11 if press == "accept with an edge" else 1e-6
    agree(one_rig, session, within_s=within_s)
    assert any("was answered elsewhere meanwhile" in line for line in one_rig.help())
    if theirs != before:
        one_rig.reaper.run(UNDO)
        one_rig.tick(20)
        agree(one_rig, session, within_s=within_s)
        one_rig.reaper.run(REDO)
        one_rig.tick(20)
        agree(one_rig, session, within_s=within_s)
        assert answers_of(session) == theirs
    one_rig.press("accept")
    agree(one_rig, session)


@pytest.mark.parametrize("press", ["", "reject", "undo"])
@pytest.mark.parametrize("there", THERE, ids=" ".join)
def test_and_when_the_daemon_starts_again_with_them(one_rig: Rig, there: tuple[str, ...], press: str) -> None:
    """A key that was pressed while none ran is about what stood there."""
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.press("accept")
    daemon.crash()
    if press:
        one_rig.press(press)
    answer_there(daemon, session, there)
    theirs, session.behind = answers_of(session), True
    daemon.start()
    one_rig.until(lambda: not session.behind)
    one_rig.tick(20)
    assert answers_of(session) == theirs
    agree(one_rig, session)
    one_rig.press("accept")
    agree(one_rig, session)


@pytest.mark.parametrize("there", [one for one in THERE if OTHERWISE & {*one}], ids=" ".join)
def test_and_when_what_the_daemon_said_of_them_was_lost(one_rig: Rig, there: tuple[str, ...]) -> None:
    """REAPER stood still, and met the next daemon, to which the answers are its own."""
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.press("accept")
    daemon.crash()
    answer_there(daemon, session, there)
    theirs = answers_of(session)
    daemon.start()
    one_rig.until(lambda: any("was answered elsewhere meanwhile" in line for line in one_rig.help()))
    one_rig.tick(20)
    assert answers_of(session) == theirs
    agree(one_rig, session)


@pytest.mark.parametrize("there", ["move", "move the example", "first skip"])
def test_edges_that_were_moved_elsewhere_are_shown_though_nobody_said_so(one_rig: Rig, there: str) -> None:
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("reject" if there == "first skip" else "accept")
    one_rig.press("accept", 60)
    daemon.crash()
    answer_there(daemon, session, (there, "accept"))
    theirs = answers_of(session)
    daemon.start()
    one_rig.tick(120)
    assert answers_of(session) == theirs
    agree(one_rig, session)


def test_edges_that_the_daemon_refuses_stay_as_the_user_has_put_them(one_rig: Rig) -> None:
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept", 60)
    daemon.refuse_revise = "the edges of candidate 1 lie on the example; two places cannot share their time"
    one_rig.region("Sound 1-1").move(2.3, 3.0)
    one_rig.tick(120)
    daemon.refuse_revise = ""
    one_rig.press("accept", 120)
    assert one_rig.region("Sound 1-1").start_s == pytest.approx(2.3)
    assert session.state.candidates[1].span.start_s == pytest.approx(2.0)
    assert not any("elsewhere" in line for line in one_rig.help())


@pytest.mark.parametrize("edit", ["drag", "delete", "undo", "accept"])
@pytest.mark.parametrize(
    "there", [("accept",), ("move",), ("undo", "reject"), ("first reject", "accept")], ids=" ".join
)
def test_what_is_done_between_the_question_and_its_answer_is_not_told(
    one_rig: Rig, there: tuple[str, ...], edit: str
) -> None:
    """The daemon is asked what it has, and the user does not know yet that it was answered elsewhere."""
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.press("accept", 60)
    daemon.crash()
    answer_there(daemon, session, there)
    theirs, session.behind = answers_of(session), True
    daemon.start()
    n_before = len(daemon.log)
    while not any(isinstance(one, Resume) for one in daemon.log[n_before:]):
        one_rig.reaper.tick()
        daemon.poll()
    if edit == "drag":
        one_rig.region("Sound 1-1").move(2.2, 3.0)
    elif edit == "delete":
        one_rig.region("Sound 1-1").delete()
    elif edit == "undo":
        one_rig.reaper.run(UNDO)
    else:
        one_rig.run("accept")
    one_rig.until(lambda: not session.behind)
    one_rig.tick(40)
    assert answers_of(session) == theirs
    agree(one_rig, session)
    one_rig.press("accept")
    agree(one_rig, session)


@pytest.mark.parametrize("edit", ["drag", "rename"])
@pytest.mark.parametrize(
    "there", [("accept",), ("first reject", "accept"), ("move the example", "accept")], ids=" ".join
)
def test_the_undo_key_takes_back_one_answer_of_those_given_elsewhere(
    one_rig: Rig, there: tuple[str, ...], edit: str
) -> None:
    """Also where the step that brought them is not REAPER's last one any more."""
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    answer_there(one_rig.daemon, session, there)
    theirs, session.behind = answers_of(session), True
    one_rig.press("accept_rest", 20)
    if edit == "drag":
        one_rig.region("Sound 1-2").move(4.1, 5.0)
        one_rig.tick(6)
    else:
        one_rig.reaper.answer(["Kick"])
        one_rig.press("rename", 6)
    one_rig.press("undo", 30)
    assert [state for state, _ in answers_of(session)] == [state for state, _ in theirs[:-1]]
    agree(one_rig, session)


def test_two_undos_in_one_tick_of_which_one_is_a_name_tell_nothing_else(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept")
    one_rig.region("Sound 1-1").move(2.2, 3.0)
    one_rig.tick(6)
    one_rig.reaper.answer(["Kick"])
    one_rig.press("rename", 6)
    answer_there(one_rig.daemon, session, ("undo", "reject"))
    theirs, session.behind = answers_of(session), True
    one_rig.run("reject")
    one_rig.until(lambda: any("elsewhere" in line for line in one_rig.help()))
    one_rig.reaper.run(UNDO)
    one_rig.reaper.run(UNDO)
    one_rig.until(lambda: not session.behind)
    one_rig.tick(20)
    assert answers_of(session) == theirs
    agree(one_rig, session)


@pytest.mark.parametrize("there", [("accept", "accept"), ("move the example", "reject")], ids=" ".join)
def test_a_search_that_was_taken_back_shows_at_redo_what_was_answered_elsewhere(
    one_rig: Rig, there: tuple[str, ...]
) -> None:
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.reaper.run(UNDO)
    one_rig.tick(10)
    daemon.crash()
    answer_there(daemon, session, there)
    theirs, session.behind = answers_of(session), True
    daemon.start()
    one_rig.tick(120)
    one_rig.reaper.run(REDO)
    one_rig.tick(40)
    assert answers_of(session) == theirs
    agree(one_rig, session)
    one_rig.press("accept", 20)
    agree(one_rig, session)


def test_cleared_regions_stay_away_when_the_project_is_opened_again(one_rig: Rig) -> None:
    one_rig.set(keep_rejected="yes")
    one_rig.find()
    one_rig.press("reject")
    one_rig.press("accept")
    one_rig.press("clear")
    path = one_rig.folder / "song.rpp"
    one_rig.project.save(path)
    one_rig.tick(4)
    one_rig.project.close()
    one_rig.reaper.open(path)
    one_rig.tick(40)
    one_rig.press("continue", 6)
    assert one_rig.names() == ["Sound 1-0", "Sound 1-2", "? Sound 1-3 (90 %)"]


@pytest.mark.parametrize("when", ["before the key", "after it", "with no daemon"])
def test_a_name_that_is_given_meanwhile_stays(one_rig: Rig, when: str) -> None:
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.press("accept")
    if when == "with no daemon":
        daemon.crash()
    answer_there(daemon, session, ("undo", "reject"))
    session.behind = True
    if when == "after it":
        one_rig.run("reject")
    one_rig.reaper.answer(["Kick"])
    one_rig.run("rename")
    if when == "with no daemon":
        one_rig.tick(4)
        daemon.start()
    elif when == "before the key":
        one_rig.run("reject")
    one_rig.until(lambda: not session.behind)
    one_rig.tick(20)
    agree(one_rig, session)
    assert session.state.label == "Kick"
    assert one_rig.names() == ["Kick 0", "Kick 1", "? Kick 3 (90 %)"]


def test_an_undo_of_a_name_is_told_though_something_else_changed_unseen(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("reject")
    one_rig.press("accept")
    one_rig.reaper.answer(["Kick"])
    one_rig.press("rename", 6)
    answer_there(one_rig.daemon, session, ("first skip",))  # no region shows it
    session.behind = True
    one_rig.press("accept_rest", 10)
    agree(one_rig, session)
    names = one_rig.names()
    one_rig.reaper.run(UNDO)
    one_rig.tick(10)
    assert session.state.label == "Sound 1"
    assert session.state.candidates[1].state == "rejected"
    one_rig.reaper.run(REDO)
    one_rig.tick(10)
    assert (session.state.label, session.state.candidates[1].state) == ("Kick", "skipped")
    assert one_rig.names() == names


@pytest.mark.parametrize("lost", [False, True], ids=["told", "told nothing"])
@pytest.mark.parametrize("answered", [False, True], ids=["a name alone", "with an answer"])
def test_a_name_that_was_given_elsewhere_is_taken(one_rig: Rig, answered: bool, lost: bool) -> None:
    """And undo gives the old one back, there too. A region that the user has named keeps its name."""
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.press("accept")
    one_rig.region("Sound 1-0").rename("Mine")
    one_rig.tick(3)
    daemon._apply(session, Renamed("Kick"))
    if answered:
        answer_there(daemon, session, ("undo", "reject"))
    if lost:
        daemon.crash()
        daemon.start()
    else:
        session.behind = True
        one_rig.run("reject")
    one_rig.until(lambda: any("elsewhere meanwhile: it is" in line for line in one_rig.help()))
    one_rig.tick(20)
    agree(one_rig, session)
    assert session.state.label == "Kick"
    names = ["Mine", "? Kick 2 (93 %)"] if answered else ["Mine", "Kick 1", "? Kick 2 (93 %)"]
    assert one_rig.names() == names
    assert one_rig.history()[-1] == "Update Kick"
    assert one_rig.sent(Rename) == []
    one_rig.reaper.run(UNDO)
    one_rig.tick(20)
    agree(one_rig, session)
    assert (session.state.label, one_rig.names()[0]) == ("Sound 1", "Mine")
    one_rig.reaper.run(REDO)
    one_rig.tick(20)
    agree(one_rig, session)
    assert (session.state.label, one_rig.names()) == ("Kick", names)


@pytest.mark.parametrize("choice", ["yes", "no"])
def test_a_project_closed_unsaved_after_a_rename_has_the_name_of_the_answers_that_it_takes(
    one_rig: Rig, choice: str
) -> None:
    session, path = one_rig.find(), one_rig.folder / "song.rpp"
    one_rig.press("accept")
    one_rig.project.save(path)
    one_rig.tick(3)
    before = one_rig.names()
    one_rig.reaper.answer(["Kick"])
    one_rig.press("rename")
    one_rig.press("accept")
    after = one_rig.names()
    one_rig.reaper.answer(choice)
    one_rig.reopen(path, 40)
    assert session.state.label == ("Kick" if choice == "yes" else "Sound 1")
    assert one_rig.names() == (after if choice == "yes" else before)
    agree(one_rig, session)


def test_cleared_regions_stay_away(one_rig: Rig) -> None:
    one_rig.set(keep_rejected="yes")
    session = one_rig.find()
    one_rig.press("reject")
    assert "x Sound 1-1" in one_rig.names()
    one_rig.press("clear")
    answer_there(one_rig.daemon, session, ("accept",))
    session.behind = True
    one_rig.press("reject")  # shows the candidate
    one_rig.press("reject", 20)
    agree(one_rig, session)
    assert one_rig.names() == ["Sound 1-0", "Sound 1-2", "? Sound 1-3 (90 %)"]


def test_a_search_that_was_taken_back_does_not_come_again(one_rig: Rig) -> None:
    session, daemon = one_rig.find(), one_rig.daemon
    one_rig.reaper.run(UNDO)
    one_rig.tick(10)
    assert one_rig.names() == []
    daemon.crash()
    answer_there(daemon, session, ("accept",))
    session.behind = True
    daemon.start()
    one_rig.tick(120)
    assert one_rig.names() == []


HERE = [
    ("accept",),
    ("accept", "reject", "accept"),
    ("reject",),
    ("accept", "move"),
    ("accept", "delete"),
    ("skip", "accept"),
    ("accept", "reject", "move the example"),
    ("accept", "reject", "delete the example"),
]
ELSEWHERE = [
    ("reject",),
    ("accept",),
    ("reject", "accept", "accept"),
    ("accept", "move"),
    ("accept", "delete"),
    ("undo", "undo", "reject"),
    ("first reject", "accept"),
    ("accept", "accept", "move the example"),
    ("reject", "delete the example"),
]


@pytest.mark.parametrize("choice", ["yes", "no"])
@pytest.mark.parametrize("here", HERE, ids=" ".join)
@pytest.mark.parametrize("there", ELSEWHERE, ids=" ".join)
def test_project_and_daemon_agree_whatever_each_was_answered(
    one_rig: Rig, here: tuple[str, ...], there: tuple[str, ...], choice: str
) -> None:
    """The places are alike on both courses; only what was said of them differs."""
    session, daemon, path = one_rig.find(), one_rig.daemon, one_rig.folder / "song.rpp"
    one_rig.press("accept")
    one_rig.press("accept")
    one_rig.project.save(path)
    one_rig.tick(3)
    common = list(session.events)
    answer_here(one_rig, here)
    one_rig.project.save()
    one_rig.tick(3)
    ours, names = answers_of(session), one_rig.names()
    one_rig.project.close()
    one_rig.tick(3)
    session.state, session.events = fold(common), common
    answer_there(daemon, session, there)
    theirs = answers_of(session)
    one_rig.reaper.answer(choice)
    one_rig.reaper.open(path)
    one_rig.tick(30)
    agree(one_rig, session)
    asked = len(one_rig.reaper.dialogs)
    first = 1 if len(ours) > len(theirs) else 0  # then the project is the truth about its example, too
    assert asked == (theirs[first:] != ours[first : len(theirs)])
    assert answers_of(session) == (theirs if asked and choice == "yes" else ours)
    if not asked or choice == "no":
        assert one_rig.names() == names
        return
    for key in (UNDO, REDO):
        one_rig.reaper.run(key)
        one_rig.tick(30)
        agree(one_rig, session)
        assert answers_of(session) == (theirs if key == REDO else ours)


@pytest.mark.parametrize("choice", ["yes", "no", "cancel"])
@pytest.mark.parametrize("more_there", [0, 1, 2])
def test_answers_that_took_another_course_are_offered(saved: Rig, more_there: int, choice: str) -> None:
    """It was answered at another computer and comes back from there, and this daemon has answers that it never saw."""
    session = next(iter(saved.daemon.sessions.values()))
    saved.project.save()
    saved.tick(3)
    names = saved.names()
    saved.project.close()
    saved.tick(3)
    asked, elsewhere = saved.daemon.spans, [Span(one.start_s + 1.0, one.end_s + 1.0) for one in saved.daemon.spans]
    saved.daemon.spans = elsewhere
    session.state, session.events = fold(session.events[:4]), session.events[:4]  # the second one is open
    saved.daemon._apply(session, Answered(2, "reject", asked[1]))
    for number in range(3, 4 + more_there):
        saved.daemon._propose(session)
        saved.daemon._apply(session, Answered(number, "accept", elsewhere[number - 1]))
    saved.daemon._propose(session)
    saved.daemon.spans = asked
    there = session.state
    saved.reaper.answer(choice)
    saved.reaper.open(saved.folder / "song.rpp")
    saved.tick(20)
    (dialog,) = saved.reaper.dialogs
    answers = (
        f"{2 + more_there} answers from this computer that this project does not have; it has others in their place"
    )
    assert answers in dialog.text
    if choice == "cancel":
        assert (saved.names(), session.state) == (names, there)
        saved.reaper.answer("no")
        saved.press("accept")
        saved.tick(10)
    if choice == "yes":
        assert session.state == there
        assert saved.accepted() == [0.5, 2.0, *(one.start_s for one in elsewhere[2 : 3 + more_there])]
        assert saved.candidate().start_s == elsewhere[3 + more_there].start_s
        saved.reaper.run(UNDO)
        saved.tick(10)
        assert saved.names() == names
        saved.reaper.run(REDO)
        saved.tick(10)
        assert [one.state for one in session.state.candidates.values()][:2] == ["accepted", "rejected"]
        saved.reaper.run(UNDO)
        saved.tick(10)
    assert saved.names() == names
    places = [(one.state, one.span) for one in session.state.candidates.values()]
    assert places == [*(("accepted", one) for one in asked[:3]), ("candidate", asked[3])]
    saved.press("reject")
    assert session.state.candidates[4].span == asked[3]
