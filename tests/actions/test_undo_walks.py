"""Undo back to the search and redo up to the end: at each of REAPER's points project and daemon agree, and redo leads
through what undo has led through, whatever was done and by whichever run of the script."""

from __future__ import annotations

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
    history = rig.project.model.history
    rig.tick(200)
    rig.reaper.host.dialogs.waiting.clear()
    last, at, down = shown(rig, session), history.position, {}
    texts = list(history.texts)
    while "Find" not in history.undo_text:
        rig.reaper.run(UNDO)
        rig.tick(SETTLE)
        assert list(history.texts) == texts
        down[history.position] = shown(rig, session)
    while history.position < at:
        rig.reaper.run(REDO)
        rig.tick(SETTLE)
        up = shown(rig, session)
        assert list(history.texts) == texts
        assert up == down.get(history.position, last), (texts[3:], history.position)
    rig.check()


def begun(rig: Rig) -> Session:
    rig.track.items[0].set(D_LENGTH=200.0)
    rig.project.save(rig.folder / "song.rpp")
    return rig.find()


@pytest.mark.parametrize("version", ["7.80", pytest.param("6.83", marks=pytest.mark.version)])
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_undo_and_redo_lead_through_the_same_places(tmp_path: Path, version: str, course: Sequence[str]) -> None:
    with Rig(tmp_path, version, spans=SPANS) as rig:
        session = begun(rig)
        hand = Hand(rig, 0)
        for what in course:
            do(rig, hand, what)
        walk(rig, session)


def test_undo_and_redo_lead_through_the_same_places_whatever_was_done(tmp_path: Path, seed: int) -> None:
    with Rig(tmp_path, ("7.80", "6.83")[seed % 2], spans=SPANS) as rig:
        rig.set(keep_rejected=("no", "yes")[seed // 2 % 2], deleted_candidate=("skip", "reject")[seed // 4 % 2])
        session = begun(rig)
        hand = Hand(rig, seed)
        for _ in range(hand.random.randint(3, 12)):
            do(rig, hand, hand.random.choice(AT_RANDOM))
        walk(rig, session)
