"""Undo back to the search and redo up to the end: at each of REAPER's points project and daemon agree, and redo leads
through what undo has led through, whatever was done and by whichever run of the script."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_daemon import Session
from rig import REDO, UNDO, Rig
from test_random_use import Hand, _stored

SEEDS = range(6)
MANY_SEEDS = range(60)
SPANS = [(2.0 * k, 2.0 * k + 1.0) for k in range(1, 40)]
SETTLE = 25

COURSES: dict[str, Sequence[str]] = {
    "two edits at once": ("accept", "move 0+move 1", "reject"),
    "three edits at once": ("accept", "accept", "move 0+move 1+move 2", "reject", "accept"),
    "two deletions at once": ("accept", "accept", "accept", "delete 1+delete 2", "reject"),
    "a move and a deletion at once": ("accept", "accept", "move 0+delete 1", "skip", "move 2+move 0", "accept"),
    "edits and the candidate at once": ("accept", "move 1+delete candidate", "reject"),
    "started again": ("accept", "client", "reject"),
    "started again twice": ("accept", "reject", "client", "accept", "skip", "client", "accept", "reject"),
    "asked": ("reject", "ask 40", "accept"),
    "asked first": ("ask 40", "accept", "reject"),
    "asked twice": ("accept", "ask 40", "ask 20", "reject", "ask 30", "accept"),
    "asked and renamed": ("reject", "ask 40", "rename", "accept"),
    "asked first and renamed": ("ask 40", "rename", "reject"),
    "asked after clear": ("accept", "clear", "ask 40", "accept"),
    "asked and started again": ("ask 40", "client", "accept", "ask 20", "client", "reject"),
    "asked, then accepted with the rest": ("accept", "ask 40", "rest", "continue", "accept"),
    "accepted with the rest": ("reject", "rest", "continue"),
    "after all": ("accept", "reject", "previous reject", "accept", "previous accept", "skip"),
    "after all, unseen": ("skip", "accept", "first reject", "reject", "accept"),
    "after all, unseen, between": ("skip", "accept", "first reject", "undo 2", "reject", "accept"),
    "finished": ("accept", "reject", "finish", "continue", "accept", "clear", "finish"),
    "renamed": ("accept", "rename", "move 1", "reject", "rename again", "accept"),
    "after all, then another": ("accept", "previous reject", "reject", "accept"),
    "after all, then accepted": ("accept", "previous reject", "accept"),
    "edges one after the other": ("accept", "accept", "move 1", "move 2", "move 1"),
    "finished twice": ("accept", "finish", "continue", "accept", "finish"),
    "the rest, then finished": ("reject", "rest", "finish"),
    "the rest, then asked": ("reject", "rest", "ask 40"),
    "the rest, then after all": ("skip", "rest", "first reject"),
    "started again, then answered": ("client", "accept", "reject"),
    "edges": ("start_later", "accept", "end_earlier", "reject", "start_earlier", "accept"),
}
AT_RANDOM = (
    "accept", "accept", "reject", "skip", "ask 40", "ask 20", "rename", "rename again", "clear", "client", "finish",
    "continue", "previous accept", "previous reject", "delete candidate", "move 0+move 1", "move 1+move 2", "delete 1",
    "undo 1", "undo 2", "undo 2 redo 1", "start_later",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", MANY_SEEDS if metafunc.config.getoption("--long") else SEEDS)


def do(rig: Rig, hand: Hand, what: str) -> None:
    if "+" in what:  # in one tick
        for one in what.split("+"):
            edit(rig, one)
    elif what.startswith("undo"):
        for key, count in re.findall(r"(undo|redo) (\d)", what):
            for _ in range(int(count)):
                if key == "redo" or "Find" not in rig.project.model.history.undo_text:
                    rig.reaper.run(UNDO if key == "undo" else REDO)
    elif what.startswith("ask "):
        rig.reaper.set_ext_state("ReaTrieve", "queue", what + "\n")
    elif what.startswith("rename"):
        rig.reaper.answer(["Kick" if what == "rename" else "Drum 7"])
        rig.run("rename")
    elif what == "rest":
        rig.reaper.answer("yes")
        rig.run("accept_rest")
    elif what.startswith(("previous", "first")):
        for _ in range(1 if what.startswith("previous") else 2):
            rig.press("previous")
        rig.run(what.split()[1])
    elif what.startswith(("move", "delete")):
        edit(rig, what)
    else:
        hand.do(what)
    rig.tick(SETTLE)
    rig.check()


def edit(rig: Rig, what: str) -> None:
    """Move or delete a region by hand, if it stands."""
    verb, which = what.split()
    if which == "candidate":
        region = rig.candidate()
    else:
        ends = (f" {which}", f"-{which}")
        regions = (one for one in rig.project.regions if one.name[:2] not in ("? ", "x ") and one.name.endswith(ends))
        region = next(regions, None)
    if region is not None:
        region.delete() if verb == "delete" else region.move(region.start_s + 0.02)


def shown(rig: Rig, session: Session) -> dict[str, Any]:
    """What stands and what the daemon has, once both agree."""
    state = session.state
    accepted = sorted(rig.accepted())
    assert accepted == pytest.approx(sorted(span.start_s for _, span in state.accepted_regions), abs=1e-5)
    candidate = rig.candidate()
    if candidate is not None:
        assert re.search(r"[- ](\d+) \(", candidate.name)[1] == str(state.current), (candidate.name, state.current)  # type: ignore[index]
        assert candidate.start_s == pytest.approx(state.candidates[state.current].span.start_s, abs=0.1)
        assert candidate.name.startswith(f"? {state.label}")
    text = _stored(rig).get(session.find.session.upper(), "")
    answers = {number: one.state for number, one in state.candidates.items() if one.state != "candidate"}
    if text:
        records = [line.split(";") for line in text.split("\n")]
        assert records[0][2] == state.label
        places = [one for one in records[1:] if one[0].isdigit() and one[0] != "0" and len(one) >= 8]
        assert {int(one[0]): one[6] for one in places if one[6] != "candidate"} == answers
    else:
        assert accepted == []
    return {
        "accepted": [round(one, 4) for one in accepted], "answers": answers, "label": state.label,
        "finished": state.finished, "asked": candidate and (state.current, round(candidate.start_s, 1)),
    }  # fmt: skip


def walk(rig: Rig, session: Session) -> None:
    """One point after the other, then all of them at once, as by a click in the undo history."""
    history = rig.project.model.history
    rig.tick(200)
    rig.reaper.host.dialogs.waiting.clear()
    texts, last = list(history.texts), history.position
    places = {last: shown(rig, session)}
    while "Find" not in history.undo_text:
        point(rig, UNDO)
        places[history.position] = shown(rig, session)
    first = history.position
    for key, to, count in ((REDO, last, 1), (UNDO, first, 3), (REDO, last, 2), (UNDO, first, 99), (REDO, last, 99)):
        while history.position != to:
            point(rig, key, min(count, abs(to - history.position)))
            assert list(history.texts) == texts
            there, place = shown(rig, session), places[history.position]
            if count > 1 and history.position not in (first, last):  # of points that left the same regions any is right
                there, place = ({key: one[key] for key in ("accepted", "answers", "label")} for one in (there, place))
            assert there == place, (texts[3:], history.position, count)
    rig.check()
    refused = [line for line in rig.help() if "another place" in line or "lie on" in line or "lie apart" in line]
    assert refused == []


def point(rig: Rig, key: int, times: int = 1) -> None:
    for _ in range(times):
        rig.reaper.run(key)
    rig.tick(SETTLE)


def begun(rig: Rig) -> Session:
    rig.track.items[0].set(D_LENGTH=200.0)
    rig.project.save(rig.folder / "song.rpp")
    return rig.find()


@pytest.mark.parametrize("version", ["7.80", pytest.param("6.83", marks=pytest.mark.version)])
@pytest.mark.parametrize("learns", [False, True], ids=["fixed", "learns"])
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_undo_and_redo_lead_through_the_same_places(
    tmp_path: Path, version: str, learns: bool, course: Sequence[str]
) -> None:
    with Rig(tmp_path, version, spans=SPANS) as rig:
        rig.daemon.learns = learns
        session = begun(rig)
        hand = Hand(rig, 0)
        for what in course:
            do(rig, hand, what)
        walk(rig, session)


def test_undo_and_redo_lead_through_the_same_places_whatever_was_done(tmp_path: Path, seed: int) -> None:
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=SPANS) as rig:
        rig.set(keep_rejected=("no", "yes")[seed // 2 % 2], deleted_candidate=("skip", "reject")[seed // 4 % 2])
        rig.daemon.learns = seed % 3 > 0
        session = begun(rig)
        hand = Hand(rig, seed)
        for _ in range(hand.random.randint(3, 12)):
            do(rig, hand, hand.random.choice(AT_RANDOM))
        walk(rig, session)


@pytest.mark.parametrize("course", ["asked", "asked first", "asked after clear", "asked and renamed", "finished"])
def test_regions_that_undo_gives_other_guids(tmp_path: Path, course: str) -> None:
    profile = {"undo_keeps_region_guids": False, "redo_keeps_region_guids": False}
    with Rig(tmp_path, spans=SPANS, profile=profile) as rig:
        session = begun(rig)
        hand = Hand(rig, 0)
        for what in COURSES[course]:
            do(rig, hand, what)
        walk(rig, session)


@pytest.mark.parametrize("at_once", [False, True])
def test_edges_that_were_set_where_another_place_had_made_room(tmp_path: Path, at_once: bool) -> None:
    with Rig(tmp_path, spans=[(2.0 + 1.1 * k, 3.0 + 1.1 * k) for k in range(40)]) as rig:
        rig.daemon.learns = True
        session = begun(rig)
        for _ in range(6):
            rig.press("accept", SETTLE)
        accepted = sorted((one for one in rig.project.regions if one.name[0] != "?"), key=lambda one: one.start_s)
        first, second = next(pair for pair in itertools.pairwise(accepted[1:]) if apart_s(pair) < 0.2)
        for makes_room in (second, first):
            other = first if makes_room is second else second
            for one, start_by_s, end_by_s in ((makes_room, 0.5, 0.5), (other, 0.4, 0.4)):
                inwards = one is makes_room
                if one is second:
                    one.move(one.start_s + (start_by_s if inwards else -start_by_s), one.end_s)
                else:
                    one.move(one.start_s, one.end_s + (-end_by_s if inwards else end_by_s))
                rig.tick(0 if at_once else SETTLE)
            rig.tick(SETTLE)
        walk(rig, session)


def apart_s(pair: tuple[Any, Any]) -> float:
    return float(pair[1].start_s - pair[0].end_s)


def test_undo_of_a_tempo_leads_to_where_the_daemon_asks(one_rig: Rig) -> None:
    session = one_rig.find()
    Hand(one_rig, 3).do("tempo")
    one_rig.tick(SETTLE)
    one_rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 8.0\n")
    one_rig.tick(SETTLE)
    assert session.state.candidates[1].span.start_s == 8.0
    for key in (UNDO, REDO, UNDO):
        point(one_rig, key)
        assert one_rig.candidate().start_s == pytest.approx(8.0, abs=0.1)
