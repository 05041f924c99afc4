"""Whatever is pressed, dragged, undone and killed in whatever order: in the end project and daemon agree."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rig import REDO, UNDO, Rig

from reatrieve.headless.undo import ALL
from reatrieve.session.events import BudgetRaised

SPANS = [(2.0 * k, 2.0 * k + 1.0) for k in range(1, 60)]
VERBS = (
    "accept", "reject", "skip", "undo", "continue", "finish", "previous", "start_later", "end_earlier", "window",
    "clear",
)  # fmt: skip
USES = {
    "keys": ["accept", "accept", "reject", "reject", "skip", "undo", UNDO, REDO],
    "mouse": ["accept", "reject", "undo", UNDO, REDO, "drag", "delete", "move"],
    "killed daemon": ["accept", "reject", "undo", UNDO, REDO, "crash", "start", "start", "drag"],
    "killed client": ["accept", "accept", "reject", "undo", UNDO, REDO, "client"],
    "whole lists": ["accept", "reject", UNDO, REDO, "accept_rest", "finish", "continue"],
    "items": ["accept", "accept", "reject", "undo", "items", "items", UNDO, REDO],
    "frozen": ["accept", "accept", "reject", "undo", UNDO, "freeze", "freeze"],
    "other project": ["accept", "accept", "reject", "undo", UNDO, "other", "reopen"],
    "long": ["accept", "reject", "undo", UNDO, REDO, "reopen"],
    "second thoughts": ["accept", "reject", "skip", "undo", "previous", "previous", "accept", "reject", UNDO, REDO],
    "pointing": ["accept", "reject", "skip", "undo", "ask", "ask", "start_later", "end_earlier", "window", UNDO, REDO],
    "reopened": ["accept", "reject", "skip", "undo", UNDO, REDO, "reopen"],
    "unsaved": ["accept", "accept", "reject", "skip", "undo", UNDO, REDO, "save", "unsaved"],
    "deleted in a row": ["delete candidate", "delete candidate", "accept", "reject", UNDO, UNDO, REDO, "delete"],
    "finished": ["accept", "reject", "skip", "clear", "finish", "finish", "continue", "previous", UNDO, UNDO, REDO],
    "killed second thoughts": ["accept", "reject", "skip", "previous", "previous", "undos", "redos", "client"],
}
PAUSES = (0, 0, 1, 1, 2, 3, 8, 40)
SEEDS = {
    "test_project_and_daemon_agree": range(4),
    "test_project_and_daemon_agree_whatever_is_found_again": range(5),
    "test_regions_off_their_sound_are_put_right_whatever_has_moved": range(4),
    "test_regions_that_undo_gives_other_guids_are_known_whatever_was_pressed": (*range(4), 16),
}
ALWAYS = {0, 1, 16}
MANY_SEEDS = range(40)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Two or three seeds of each use; ``--every-version``: all of ``SEEDS``; ``--long``: many."""
    seeds = SEEDS.get(metafunc.function.__name__)
    if seeds is not None:
        few = [seed if seed in ALWAYS else pytest.param(seed, marks=pytest.mark.version) for seed in seeds]
        metafunc.parametrize("seed", MANY_SEEDS if metafunc.config.getoption("--long") else few)


class Hand:
    """Does one thing after the other, hardly waiting."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.random, self.down = rig, random.Random(seed), False
        self.all_undone = False  # undo is for the user's own edits too

    def do(self, what: str | int) -> None:
        rig = self.rig
        if what == "accept_rest":
            rig.reaper.answer(self.random.choice(["yes", "no"]))
            rig.run(what)
        elif what in VERBS:
            rig.run(str(what))
        elif what in (UNDO, REDO):
            rig.tick()
            ahead = rig.project.model.history.undo_text
            first = "Find" in ahead and not ahead.endswith("again")  # that is another test's
            if what == REDO or (not first and (ahead.startswith("ReaTrieve: ") or self.all_undone)):
                rig.reaper.run(what)
        elif what == "ask":
            queue = rig.reaper.ext_state("ReaTrieve", "queue")
            place_s = self.random.choice(SPANS)[0] + 0.2
            rig.reaper.set_ext_state("ReaTrieve", "queue", f"{queue}ask {place_s}\n")
        elif what == "items":
            rig.track.items[0].move(self.random.choice([0.0, 0.25, 1.5]))
        elif what in ("undos", "redos"):  # a click in the undo history
            rig.tick()
            for _ in range(self.random.randint(1, 5)):
                if what == "redos" or "Find" not in rig.project.model.history.undo_text:
                    rig.reaper.run(UNDO if what == "undos" else REDO)
        elif what == "tempo":
            model, bpm = rig.project.model, self.random.choice([60.0, 119.0, 120.0, 121.0])
            for one in model.markers:
                one.start_s, one.end_s = one.start_s * model.bpm / bpm, one.end_s * model.bpm / bpm
            model.bpm = bpm
            model.history.add("Change tempo", ALL)
            rig.tick()
        elif what == "trim":
            rig.track.items[0].set(D_LENGTH=self.random.choice([200.0, 190.0, 180.0]))
        elif what == "again":
            self.find_again()
        elif what == "freeze":
            rig.reaper.freeze(self.random.choice([0.5, 1.5, 4.0]))
            rig.run(self.random.choice(["accept", "reject"]))
        elif what == "other":
            rig.project.save(rig.folder / "song.rpp")
            rig.tick(2)
            rig.reaper.open(rig.folder / "other.rpp", same_tab=True)
            rig.tick(self.random.choice([1, 5]))
            rig.run("accept")  # nothing is open here
            rig.tick(2)
            rig.reaper.answer("yes")
            rig.reaper.open(rig.folder / "song.rpp", same_tab=True)
            rig.tick(20)
            rig.reaper.host.dialogs.waiting.clear()
        elif what == "drag" and rig.candidate():
            rig.candidate().move(rig.candidate().start_s + 0.01)
        elif what == "delete candidate" and rig.candidate():
            rig.candidate().delete()
        elif what in ("delete", "move"):
            self.edit(str(what))
        elif what == "crash":
            rig.daemon.crash()
            self.down = True
        elif what == "start" and self.down:
            rig.daemon.start()
            self.down = False
        elif what == "client":
            rig.tick(3)
            rig.reaper.stop("ReaTrieve_Client.lua")
            rig.reaper.run("ReaTrieve_Client.lua")
            rig.reaper.unfocus()
        elif what == "save":
            rig.project.save(rig.folder / "song.rpp")
        elif what in ("reopen", "unsaved"):
            if what == "reopen":
                rig.project.save(rig.folder / "song.rpp")
                rig.tick(2)
            rig.project.close()
            rig.tick(1)
            rig.reaper.answer("yes")
            rig.reaper.open(rig.folder / "song.rpp")
            rig.tick(20)
            rig.reaper.host.dialogs.waiting.clear()

    def find_again(self) -> None:
        """Find on an accepted place; what it asks is answered yes."""
        rig = self.rig
        rig.tick()
        place_s = self.random.choice(rig.accepted() or [4.0])
        rig.project.select_time(place_s + 0.05, place_s + 0.95)
        rig.reaper.answer("yes")
        rig.run("find")
        rig.tick(self.random.choice([1, 2, 12, 12]))
        rig.reaper.host.dialogs.waiting.clear()

    def edit(self, what: str) -> None:
        self.rig.tick()
        regions = [r for r in self.rig.project.regions if r.name != "Sound 1-0" and not r.name.startswith("? ")]
        if regions:
            region = self.random.choice(regions)
            region.delete() if what == "delete" else region.move(region.start_s + 0.02)


@pytest.mark.parametrize("use", USES)
def test_project_and_daemon_agree(tmp_path: Path, use: str, seed: int) -> None:
    spans = SPANS if use != "long" else [(1.5 * k, 1.5 * k + 1.0) for k in range(2, 130)]
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=spans) as rig:
        rig.track.items[0].set(D_LENGTH=200.0)
        other = rig.project.add_track("other", select=False)
        other.add_item(rig.audio, position_s=300.0).select()  # left over from something else
        rig.project.set_start_offset(3600.0)
        other_song = rig.reaper.new_project()
        other_song.add_track("b").add_item(rig.audio)
        other_song.save(rig.folder / "other.rpp")
        other_song.close()
        rig.project.save(rig.folder / "song.rpp")
        name = rig.find().find.session
        for _ in range(62 if use == "long" else 0):
            rig.press("accept", 2)
        hand = Hand(rig, seed)
        for _ in range(hand.random.randint(5, 25)):
            hand.do(hand.random.choice(USES[use]))
            rig.tick(hand.random.choice(PAUSES))
            rig.check()  # each session's invariants too, after each tick
        if hand.down:
            rig.daemon.start()
        rig.tick(300)
        rig.reaper.host.dialogs.waiting.clear()
        state = rig.daemon.sessions[name].state
        moved_s = rig.project.tracks[0].items[0].model.position_s if use == "items" else 0.0
        if use == "items":  # accepted regions stay where they were accepted, until the user lets them be moved
            assert len(rig.accepted()) == len(state.accepted_regions)
        elif use == "unsaved" and not rig.names():  # closed as it was before Find: answers would have come back
            assert (state.accepted, state.rejections) == (0, 0)
            return
        else:
            assert sorted(rig.accepted()) == pytest.approx(sorted(span.start_s for _, span in state.accepted_regions))
        asked = rig.candidate()
        if asked is not None:
            assert state.current is not None
            assert asked.start_s == pytest.approx(state.candidates[state.current].span.start_s + moved_s, abs=0.5)
        elif state.current is not None:
            words = ("Continue", "finished", *(("taken back; redo",) if use == "unsaved" else ()))
            assert any(one in rig.line() for one in words), rig.line()  # and Continue, or redo, brings it


def use_at_random(rig: Rig, seed: int, uses: list[str], least: int, most: int) -> Hand:
    """Do some of these, with pauses of any length; the invariants hold after each."""
    hand = Hand(rig, seed)
    hand.all_undone = True
    for _ in range(hand.random.randint(least, most)):
        rig.track = rig.project.tracks[0]
        hand.do(hand.random.choice(uses))
        rig.tick(hand.random.choice(PAUSES))
        rig.check()
    return hand


AGAIN = {
    "keys": ["accept", "accept", "reject", "undo", UNDO, UNDO, REDO, "trim", "again", "again"],
    "mouse": ["accept", "reject", "delete", "move", "drag", UNDO, REDO, "trim", "again", "again"],
    "killed": ["accept", "reject", "crash", "start", "start", UNDO, "trim", "again", "again"],
    "reopened": ["accept", "reject", "finish", "continue", UNDO, REDO, "trim", "again", "again", "reopen"],
}


@pytest.mark.parametrize("use", AGAIN)
def test_project_and_daemon_agree_whatever_is_found_again(tmp_path: Path, use: str, seed: int) -> None:
    """Every accepted region is one search's, and every accepted place has one region."""
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=SPANS) as rig:
        rig.track.items[0].set(D_LENGTH=200.0)
        rig.project.save(rig.folder / "song.rpp")
        rig.find()
        hand = use_at_random(rig, 100 + seed, AGAIN[use], 8, 30)
        if hand.down:
            rig.daemon.start()
        rig.tick(300)
        rig.reaper.host.dialogs.waiting.clear()
        standing = [name for name, text in _stored(rig).items() if text]
        states = [rig.daemon.sessions[name].state for name in standing]
        regions = sorted(span.start_s for state in states for _, span in state.accepted_regions)
        if any("are left out" in line for line in rig.help()):  # those regions stay, and are nobody's
            assert {round(start_s, 6) for start_s in regions} <= {round(start_s, 6) for start_s in rig.accepted()}
        else:
            assert sorted(rig.accepted()) == pytest.approx(regions)
        assert len([name for name in rig.names() if name.startswith("? ")]) <= len(standing)
        assert len(set(rig.names())) == len(rig.names())


MOVED = {
    "keys": ["accept", "accept", "reject", "undo", "items", "items", "undos", "redos"],
    "second thoughts": ["accept", "reject", "previous", "skip", "items", "undos", "redos", UNDO, REDO],
    "mouse": ["accept", "accept", "reject", "delete", "move", "items", "undos", "redos", "drag", "previous"],
    "pointing": ["accept", "accept", "ask", "drag", "items", "undos", "redos", "delete", "move"],
    "reopened": ["accept", "accept", "reject", "items", "undos", "redos", "reopen", "client"],
    "tempo": ["accept", "accept", "reject", "tempo", "undo", "previous", "reject"],
    "both": ["accept", "accept", "reject", "tempo", "undos", "redos", "items"],
}


@pytest.mark.parametrize("use", MOVED)
def test_regions_off_their_sound_are_put_right_whatever_has_moved(tmp_path: Path, use: str, seed: int) -> None:
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=SPANS) as rig:
        rig.track.items[0].set(D_LENGTH=200.0)
        rig.project.save(rig.folder / "song.rpp")
        name = rig.find().find.session
        use_at_random(rig, 200 + seed, MOVED[use], 5, 25)
        rig.tick(300)
        rig.reaper.host.dialogs.waiting.clear()
        rig.reaper.answer("yes")
        rig.press("convert", 10)
        rig.reaper.host.dialogs.waiting.clear()
        state, moved_s = rig.daemon.sessions[name].state, rig.project.tracks[0].items[0].model.position_s
        regions = sorted(span.start_s + moved_s for _, span in state.accepted_regions)
        assert sorted(rig.accepted()) == pytest.approx(regions)
        assert rig.candidate() is None or rig.candidate().name.startswith(f"? Sound 1-{state.current} ")


NEW_GUIDS = [
    "accept",
    "accept",
    "reject",
    "skip",
    "undo",
    "undos",
    "undos",
    "redos",
    "redos",
    "clear",
    "finish",
    "continue",
]


def test_regions_that_undo_gives_other_guids_are_known_whatever_was_pressed(tmp_path: Path, seed: int) -> None:
    profile = {"undo_keeps_region_guids": False, "redo_keeps_region_guids": False}
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=SPANS, profile=profile) as rig:
        rig.track.items[0].set(D_LENGTH=200.0)
        session = rig.find()
        use_at_random(rig, seed, NEW_GUIDS, 5, 25)
        rig.tick(300)
        state = session.state
        assert sorted(rig.accepted()) == pytest.approx(sorted(span.start_s for _, span in state.accepted_regions))
        assert len(set(rig.names())) == len(rig.names())
        assert rig.candidate() is None or rig.candidate().name.startswith(f"? Sound 1-{state.current} ")


def _stored(rig: Rig) -> dict[str, str]:
    """What the project keeps of each session, by its id."""
    stored = next((values for name, values in rig.project.model.ext_state.items() if name.upper() == "REATRIEVE"), {})
    return {key.upper().removeprefix("SESSION_"): text for key, text in stored.items() if "SESSION_" in key.upper()}


def test_an_answer_taken_back_after_its_region_was_deleted_comes_again(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.region("Sound 1-1").delete()
    one_rig.tick(5)
    assert session.state.candidates[1].state == "retracted"
    one_rig.press("undo")
    assert session.state.current == 1
    one_rig.reaper.run(UNDO)
    one_rig.tick(5)
    assert session.state.candidates[1].state == "retracted"
    assert session.state.current == 2
    before = len(one_rig.daemon.log)
    one_rig.tick(100)
    assert len(one_rig.daemon.log) - before < 5  # and nothing is asked for without end


def test_undo_of_a_finish_by_another_run_of_the_script(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("finish")
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    one_rig.reaper.run("ReaTrieve_Client.lua")
    one_rig.reaper.unfocus()
    one_rig.tick(20)
    one_rig.reaper.run(UNDO)
    one_rig.tick(5)
    assert session.state.current == 2
    one_rig.press("accept")
    assert session.state.accepted == 2


def test_undo_of_continue_finishes_again(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("finish")
    one_rig.press("continue")
    assert one_rig.candidate() is not None
    one_rig.reaper.run(UNDO)
    one_rig.tick(5)
    assert one_rig.candidate() is None
    assert session.state.over == "finished"


def test_finish_right_after_continue_is_what_counts(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("finish")
    one_rig.run("continue")
    one_rig.press("finish", settle=40)
    assert one_rig.candidate() is None
    assert session.state.over == "finished"
    one_rig.press("continue")
    assert one_rig.candidate().start_s == SPANS[1][0]


@pytest.mark.parametrize("end", ["finish", UNDO])
def test_what_continue_brings_late_is_not_shown_after_the_end(one_rig: Rig, end: str | int) -> None:
    session = one_rig.find()
    one_rig.press("finish")
    one_rig.press("continue")
    one_rig.daemon.paused = True
    one_rig.press("continue")  # ten more, on its way
    if end == UNDO:
        one_rig.reaper.run(UNDO)
        one_rig.tick(2)
    else:
        one_rig.press("finish")
    made = one_rig.history()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert one_rig.candidate() is None
    assert one_rig.history() == made  # not even for a moment
    assert session.state.over == "finished"


def test_undo_of_a_candidate_that_a_comparison_brought_finishes_again(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("finish", settle=40)
    one_rig.daemon._apply(session, BudgetRaised(0))  # the daemon goes on, as after a "Continue" that came late
    one_rig.daemon._tell(session.find.session)
    one_rig.until(one_rig.candidate)
    one_rig.reaper.run(UNDO)
    one_rig.tick(40)
    assert one_rig.candidate() is None
    assert session.state.over == "finished"


def test_undo_to_a_step_without_a_candidate_is_no_dead_end(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.candidate().delete()
    one_rig.tick(5)
    one_rig.reaper.run(UNDO)  # the next candidate's step; the deletion stands
    one_rig.tick(5)
    assert one_rig.candidate() is None
    assert "no candidate is shown" in one_rig.line()
    one_rig.press("accept")
    assert session.state.accepted == 0  # what was not seen is not accepted
    assert one_rig.candidate().start_s == SPANS[1][0]
    one_rig.press("accept")
    assert session.state.accepted == 1


def test_a_search_undone_while_no_script_was_looking(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.reaper.stop("ReaTrieve_Client.lua")
    one_rig.reaper.run(UNDO)
    one_rig.reaper.run("ReaTrieve_Client.lua")
    one_rig.reaper.unfocus()
    one_rig.tick(20)
    assert one_rig.names() == []
    assert (session.state.current, len(session.state.accepted_regions)) == (1, 1)  # nothing skipped, nothing retracted
    one_rig.reaper.run(REDO)
    one_rig.tick(5)
    one_rig.press("accept")
    assert session.state.accepted == 1
