"""Items or the tempo move under a search: nothing is learned from that, no edit of the user's is lost, undo goes on."""

from __future__ import annotations

from typing import Any

import pytest
from rig import REDO, SPANS, UNDO, Rig

from reatrieve.bridge import messages as m
from reatrieve.headless.undo import ALL


def tempo(rig: Rig, factor: float) -> None:
    """Another tempo: everything with the beats moves, the items do not."""
    model = rig.project.model
    model.bpm /= factor
    for one in model.markers:
        one.start_s, one.end_s = one.start_s * factor, one.end_s * factor
    model.history.add("Change tempo", ALL)
    rig.tick(8)


def states(session: Any) -> dict[int, str]:
    return {number: one.state for number, one in session.state.candidates.items()}


def at_once(rig: Rig, key: int, count: int) -> None:
    """A click in the undo history, or a key that repeats faster than the script looks."""
    for _ in range(count):
        rig.reaper.run(key)
    rig.tick(10)


def put_right(rig: Rig) -> list[float]:
    """Where accepted regions are, once those off their sound have been moved."""
    rig.reaper.answer("yes")
    rig.press("convert", 10)
    rig.reaper.host.dialogs.waiting.clear()
    return rig.accepted()


def test_another_tempo_right_after_find_teaches_nothing(rig: Rig) -> None:
    """Nothing else has changed in between, so the tempo of before was looked at when the search began."""
    session = rig.find()
    tempo(rig, 2.0)
    assert rig.sent(m.Revise) == []
    assert (session.state.example_region or session.state.example).start_s == 0.5
    assert rig.candidate().start_s == SPANS[0][0]
    rig.press("accept", 8)
    assert session.state.candidates[1].span.start_s == SPANS[0][0]
    assert put_right(rig) == [0.5, 2.0]


@pytest.mark.parametrize("edges", ["dragged", "nudged"])
@pytest.mark.parametrize("change", ["marker", "tempo"])
def test_another_tempo_leaves_the_edges_that_the_user_has_set(rig: Rig, edges: str, change: str) -> None:
    session = rig.find()
    if edges == "dragged":
        rig.candidate().move(2.1, 2.9)
        rig.tick(3)
    else:
        rig.press("start_later")
    start_s, points = rig.candidate().start_s, rig.history()
    assert start_s > SPANS[0][0]
    if change == "marker":
        rig.project.add_tempo(18.0, 90.0)  # moves nothing
        rig.tick(6)
        assert rig.history() == points
    else:
        tempo(rig, 1.01)
        assert rig.history() == [*points, "Move the candidate back onto its sound"]
    assert rig.candidate().start_s == start_s
    rig.press("accept", 8)
    assert session.state.candidates[1].span.start_s == start_s


def test_redo_of_another_tempo_goes_on_to_the_answers_after_it(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    tempo(rig, 1.01)
    rig.press("accept", 8)
    rig.press("accept", 8)
    points = list(rig.project.model.history.texts)
    for key, accepted in ((UNDO, 1), (REDO, 3)):
        for _ in range(4):
            rig.reaper.run(key)
            rig.tick(8)
        assert session.state.accepted == accepted
    assert list(rig.project.model.history.texts) == points


CHANGES = {
    "move": lambda rig: rig.track.items[0].move(0.5),
    "ripple": lambda rig: rig.project.insert_time(0.0, 0.5),
    "trim": lambda rig: rig.track.items[0].set(D_LENGTH=19.5),
    "insert": lambda rig: rig.project.insert_time(3.5, 1.0),
    "cut": lambda rig: rig.project.remove_time(3.1, 3.9),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_undo_and_redo_over_changed_items_and_answers_at_once(one_rig: Rig, change: str, count: int) -> None:
    session = one_rig.find()
    for verb in ("accept", "reject", "accept"):
        one_rig.press(verb)
    CHANGES[change](one_rig)
    one_rig.tick(8)
    one_rig.press("skip", 8)
    regions = [(one.name, one.start_s, one.end_s) for one in one_rig.project.regions]
    texts = list(one_rig.project.model.history.texts)
    known = states(session)
    at_once(one_rig, UNDO, count)
    undone = texts[-count:]
    taken = sum(text.startswith(("ReaTrieve: Accept", "ReaTrieve: Reject", "ReaTrieve: Skip")) for text in undone)
    assert states(session) == {**{key: known[key] for key in range(1, 5 - taken)}, 5 - taken: "candidate"}
    assert one_rig.candidate().name.startswith(f"? Sound 1-{5 - taken} ")
    at_once(one_rig, REDO, count)
    assert states(session) == known
    assert [(one.name, one.start_s, one.end_s) for one in one_rig.project.regions] == regions
    assert list(one_rig.project.model.history.texts) == texts
    assert one_rig.sent(m.Revise) == one_rig.sent(m.Retract) == []
    if change in ("move", "ripple"):
        shift_s = one_rig.track.items[0].model.position_s
        assert put_right(one_rig) == pytest.approx([0.5 + shift_s, 2.0 + shift_s, 6.0 + shift_s])
        one_rig.press("previous")
        one_rig.press("reject", 8)
        assert one_rig.sent(m.Reanswer)[-1].start_s == pytest.approx(8.0)


@pytest.mark.parametrize("edit", ["delete", "move"])
@pytest.mark.parametrize("state", ["asking", "answering"])
def test_an_edit_before_the_items_move_is_learned_although_it_waits(rig: Rig, edit: str, state: str) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("accept", 6)
    if state == "asking":
        rig.reaper.set_ext_state("ReaTrieve", "queue", "ask 10.2\n")
    else:
        rig.candidate().move(6.1, 7.0)
        rig.tick(2)
        rig.run("accept")
    rig.daemon.paused = True
    rig.reaper.tick(2)
    region = rig.region("Sound 1-1")
    region.delete() if edit == "delete" else region.move(2.05, 3.0)
    rig.reaper.tick(2)
    rig.track.items[0].move(0.5)
    rig.reaper.tick(2)
    rig.daemon.paused = False
    rig.tick(60)
    if edit == "delete":
        assert session.state.candidates[1].state == "retracted"
        expected = [1.0, 4.5]
    else:
        assert session.state.candidates[1].span.start_s == pytest.approx(2.05)
        expected = [1.0, 2.55, 4.5]
    if state == "answering":
        assert session.state.candidates[3].span.start_s == pytest.approx(6.1)
        expected.append(6.6)
    assert sorted(put_right(rig)) == pytest.approx(expected)


def test_a_region_off_its_sound_is_trimmed_or_put_there(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("accept")
    rig.track.items[0].move(0.5)
    rig.tick(6)
    rig.region("Sound 1-1").move(2.1, 3.0)  # its first edge
    rig.region("Sound 1-2").move(4.52, 5.5)  # the whole, by eye
    rig.tick(6)
    spans = [session.state.candidates[number].span for number in (1, 2)]
    assert [(span.start_s, span.end_s) for span in spans] == [
        pytest.approx((2.1, 3.0)), pytest.approx((4.02, 5.0)),
    ]  # fmt: skip
    for _ in range(2):
        rig.reaper.run(UNDO)
        rig.tick(6)
    spans = [session.state.candidates[number].span for number in (1, 2)]
    assert [(span.start_s, span.end_s) for span in spans] == [(2.0, 3.0), (4.0, 5.0)]
    rig.track.items[0].move(0.6)
    rig.tick(6)
    assert put_right(rig) == pytest.approx([1.1, 2.6, 4.6])


@pytest.mark.parametrize("change", ["items", "tempo"])
@pytest.mark.parametrize("verbs", [["reject"], ["reject", "accept"], ["reject", UNDO], ["undo", UNDO]])
def test_another_answer_for_a_region_off_its_sound_is_about_the_sound(
    rig: Rig, change: str, verbs: list[str | int]
) -> None:
    session = rig.find()
    rig.press("accept")
    rig.press("accept", 6)
    if change == "items":
        rig.track.items[0].move(0.5)
        rig.tick(8)
    else:
        tempo(rig, 2.0)
    for verb in verbs:
        if verb == UNDO:
            rig.reaper.run(UNDO)
            rig.tick(10)
        else:
            if verb != "undo":
                rig.press("previous")
            rig.press(str(verb), 8)
    assert session.state.candidates[2].state == ("rejected" if verbs == ["reject"] else "accepted")
    span = session.state.candidates[2].span
    assert (span.start_s, span.end_s) == (4.0, 5.0)
    by_s = 0.5 if change == "items" else 0.0
    places = [0.5, 2.0] if verbs == ["reject"] else [0.5, 2.0, 4.0]
    assert put_right(rig) == pytest.approx([place_s + by_s for place_s in places])


def test_an_answer_on_its_way_goes_with_its_items(rig: Rig) -> None:
    session = rig.find()
    rig.press("accept")
    rig.candidate().move(4.1, 4.9)
    rig.tick(2)
    rig.daemon.paused = True
    rig.run("accept")
    rig.reaper.tick(2)
    rig.track.items[0].move(0.5)
    rig.reaper.tick(2)
    rig.daemon.paused = False
    rig.tick(20)
    assert session.state.candidates[2].span.start_s == pytest.approx(4.1)
    assert rig.region("Sound 1-2").start_s == pytest.approx(4.6)
    assert put_right(rig) == pytest.approx([1.0, 2.5, 4.6])
    assert rig.sent(m.Revise) == []


def test_regions_left_where_they_are_stay_known_to_be_off(one_rig: Rig) -> None:
    """A no to moving them is asked for once; the daemon goes on hearing of the sound."""
    path = one_rig.folder / "song.rpp"
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept", 6)
    one_rig.track.items[0].move(0.5)
    one_rig.tick(6)
    one_rig.reaper.answer("no")
    one_rig.press("convert", 8)
    asked = len(one_rig.reaper.dialogs)
    one_rig.press("convert", 8)
    assert len(one_rig.reaper.dialogs) == asked
    one_rig.project.save(path)
    one_rig.tick(3)
    one_rig.reopen(path, 40)
    assert one_rig.accepted() == [0.5, 2.0, 4.0]
    one_rig.press("convert", 8)
    assert len(one_rig.reaper.dialogs) == asked
    one_rig.press("previous")
    one_rig.press("reject", 8)
    span = session.state.candidates[2].span
    assert (session.state.candidates[2].state, span.start_s, span.end_s) == ("rejected", 4.0, 5.0)
    one_rig.track = one_rig.project.tracks[0]
    one_rig.track.items[0].move(0.7)
    one_rig.tick(6)
    assert put_right(one_rig) == pytest.approx([1.2, 2.7])  # they have moved again, so it asks again


def test_edges_set_in_the_moment_in_which_the_items_move_are_kept(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept", 6)
    one_rig.candidate().move(4.01, 4.9)
    one_rig.track.items[0].move(0.5)
    one_rig.tick(6)
    assert (one_rig.candidate().start_s, one_rig.candidate().end_s) == pytest.approx((4.51, 5.4))
    one_rig.press("accept", 8)
    span = session.state.candidates[2].span
    assert (span.start_s, span.end_s) == pytest.approx((4.01, 4.9))


def test_an_undo_of_a_renaming_and_a_candidate_at_once_forgets_what_follows(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.daemon.paused = True
    one_rig.candidate().delete()
    one_rig.reaper.tick(2)
    one_rig.daemon.paused = False
    one_rig.until(lambda: one_rig.candidate())
    one_rig.tick(6)
    one_rig.reaper.answer(["Riser"])
    one_rig.press("rename", 8)
    at_once(one_rig, UNDO, 2)  # nothing is told to the daemon but the name
    one_rig.check()


def test_items_moved_right_after_an_undo_take_the_candidate_along(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.press("accept", 6)
    one_rig.reaper.run(UNDO)
    one_rig.track.items[0].move(0.5)  # before the undo was looked at
    one_rig.tick(8)
    assert one_rig.candidate().name.startswith("? Sound 1-2 ")
    assert one_rig.candidate().start_s == SPANS[1][0] + 0.5
    one_rig.press("accept", 8)
    assert session.state.candidates[2].span.start_s == SPANS[1][0]
    assert put_right(one_rig) == [1.0, 2.5, 4.5]


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("by", ["items", "tempo"])
def test_an_item_that_is_put_back_puts_no_region_on_its_sound(rig: Rig, by: str, reopened: bool) -> None:
    """What is off its sound for another reason is off it still."""
    session = rig.find()
    rig.press("accept")
    rig.press("accept", 6)
    path = rig.folder / "song.rpp"
    if by == "items":
        rig.track.items[0].move(0.5)
        rig.tick(6)
    else:
        tempo(rig, 1.05)
    off = rig.accepted()
    rig.track.items[0].set(D_LENGTH=19.0)
    rig.tick(6)
    rig.track.items[0].set(D_LENGTH=20.0)
    rig.tick(6)
    assert "as they were searched" in " ".join(rig.help())
    assert rig.accepted() == off
    if reopened:
        rig.project.save(path)
        rig.tick(3)
        rig.reopen(path, 40)
    assert rig.sent(m.Revise) == []
    shift_s = 0.5 if by == "items" else 0.0
    assert put_right(rig) == pytest.approx([0.5 + shift_s, 2.0 + shift_s, 4.0 + shift_s])
    assert [span.start_s for _, span in session.state.accepted_regions] == [0.5, 2.0, 4.0]


@pytest.mark.parametrize("keys", ["one", "at once"])
def test_an_item_that_was_moved_and_deleted_and_is_put_back_leaves_no_region_off(rig: Rig, keys: str) -> None:
    rig.track.items[0].set(D_LENGTH=5.0)
    rig.track.add_item(rig.audio, position_s=5.5, offset_s=5.5, length_s=12.0)
    rig.find()
    for _ in range(3):
        rig.press("accept", 6)  # at 2, 4 and 6
    rig.track.items[1].move(9.0)
    rig.tick(6)
    rig.track.items[1].delete()
    rig.tick(6)
    if keys == "one":
        rig.reaper.run(UNDO)
        rig.tick(6)
        rig.reaper.run(UNDO)
        rig.tick(6)
    else:
        at_once(rig, UNDO, 2)
    assert [item.model.position_s for item in rig.track.items[1:]] == [5.5]
    rig.press("convert", 8)
    assert rig.reaper.dialogs == []
    assert rig.accepted() == [0.5, 2.0, 4.0, 6.0]
    assert rig.sent(m.Revise) == []


def test_a_place_goes_with_the_item_that_holds_most_of_it(rig: Rig) -> None:
    """In a crossfade, and under short items that lie on its middle."""
    rig.track.items[0].set(D_LENGTH=5.0)
    rig.track.add_item(rig.audio, position_s=4.4, offset_s=4.4, length_s=14.0)
    for k in range(8):
        rig.track.add_item(rig.audio, position_s=4.45, offset_s=10.0 + k, length_s=0.1)
    rig.find()
    rig.press("accept", 6)
    rig.press("accept", 6)  # at 4, until 5
    for item in rig.track.items[1:]:
        item.move(item.model.position_s + 30.0)
    rig.tick(6)
    assert rig.accepted() == put_right(rig) == [0.5, 2.0, 4.0]
    assert rig.sent(m.Revise) == []


def test_of_several_copies_a_place_goes_with_the_nearest(rig: Rig) -> None:
    rig.find()
    rig.press("accept", 6)
    rig.press("accept", 6)
    for shift_s in (60.0, 90.0, 0.5, 120.0, 30.0, 150.0, 180.0):
        rig.track.add_item(rig.audio, position_s=shift_s, offset_s=0.0, length_s=20.0)
    rig.track.items[0].delete()
    rig.tick(6)
    assert put_right(rig) == pytest.approx([1.0, 2.5, 4.5])


@pytest.mark.parametrize("how", ["items a little", "items far", "tempo"])
def test_undo_of_a_candidate_that_was_put_on_its_sound_leaves_it_there(rig: Rig, how: str) -> None:
    """That undo alone leaves it where items or tempo had left it: Accept would refuse it, or learn that place."""
    session = rig.find()
    rig.press("accept", 8)
    if how == "tempo":
        tempo(rig, 1.4)
    else:
        rig.track.items[0].move(0.25 if how == "items a little" else 5.0)
        rig.tick(8)
    points, place_s = list(rig.project.model.history.texts), rig.candidate().start_s
    assert points[-1].startswith("ReaTrieve: Move the candidate ")
    rig.reaper.run(UNDO)
    rig.tick(8)
    assert rig.candidate().start_s == place_s
    rig.reaper.run(UNDO)  # of the user's own edit
    rig.tick(8)
    assert rig.candidate().start_s == SPANS[1][0]
    for _ in range(2):
        rig.reaper.run(REDO)
        rig.tick(8)
        assert rig.candidate().start_s == pytest.approx(place_s)
    assert list(rig.project.model.history.texts) == points  # nothing that could be redone was lost
    rig.reaper.run(UNDO)
    rig.tick(8)
    rig.press("accept", 8)
    assert session.state.candidates[2].span.start_s == pytest.approx(SPANS[1][0])
    rig.reaper.run(UNDO)
    rig.tick(8)
    assert session.state.current == 2
    assert rig.candidate().start_s == pytest.approx(place_s)
