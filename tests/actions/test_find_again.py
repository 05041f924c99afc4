"""Find on a track that has changed: the answers go on as examples, in one undo step, and nothing is lost or doubled."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rig import REDO, SPANS, UNDO, Rig, noise_file

from reatrieve.bridge import messages as m
from reatrieve.headless.sources import FileSource
from reatrieve.headless.undo import ALL


def outdated(rig: Rig, verbs: tuple[str, ...] = ("accept", "reject", "skip", "accept")) -> Any:
    """A search with answers, whose track was changed afterwards (its end was cut off)."""
    session = rig.find()
    for verb in verbs:
        rig.press(verb)
    rig.track.items[0].set(D_LENGTH=19.5)
    rig.tick(6)
    assert "run Find again, which keeps the answers" in " ".join(rig.help())
    return session


def again(rig: Rig, start_s: float = 2.1, end_s: float = 3.0, answer: str = "yes") -> Any:
    """Find once more; returns the daemon's new session."""
    before = set(rig.daemon.sessions)
    rig.project.select_time(start_s, end_s)
    rig.reaper.answer(answer)
    rig.run("find")
    rig.until(lambda: set(rig.daemon.sessions) - before and rig.candidate())
    rig.tick(8)
    return rig.daemon.sessions[(set(rig.daemon.sessions) - before).pop()]


def places(rig: Rig) -> dict[str, tuple[float, float]]:
    return {region.name: (region.start_s, region.end_s) for region in rig.project.regions}


def guids(rig: Rig) -> dict[str, str]:
    return {region.name: region.guid for region in rig.project.regions}


def texts(rig: Rig) -> dict[str, str]:
    """What the project keeps of each session."""
    stored = next((values for name, values in rig.project.model.ext_state.items() if name.upper() == "REATRIEVE"), {})
    return {key.upper().removeprefix("SESSION_"): text for key, text in stored.items() if "SESSION_" in key.upper()}


def search_again_unheard(rig: Rig) -> None:
    """Find once more; the daemon searches, and is not heard until ``daemon.paused`` is False again."""
    rig.project.select_time(2.1, 3.0)
    rig.reaper.answer("yes")
    rig.run("find")
    rig.tick(1)
    rig.daemon.paused = True
    for _ in range(3):
        rig.reaper.tick()


def agree(rig: Rig) -> None:
    """Project and daemon know the same accepted regions, and no name is there twice."""
    standing = [name for name, text in texts(rig).items() if text]
    regions = sorted(span.start_s for name in standing for _, span in rig.daemon.sessions[name].state.accepted_regions)
    assert sorted(rig.accepted()) == pytest.approx(regions), rig.help()[-4:]
    assert len(set(rig.names())) == len(rig.names()), rig.names()


def restart(rig: Rig) -> None:
    """The client script ends and is started again."""
    rig.reaper.stop("ReaTrieve_Client.lua")
    rig.reaper.run("ReaTrieve_Client.lua")
    rig.reaper.unfocus()
    rig.tick(20)


def saved(rig: Rig) -> Any:
    """The project's path; it is saved there."""
    path = rig.folder / "song.rpp"
    rig.project.save(path)
    rig.tick(3)
    return path


def reopen(rig: Rig, *answers: str) -> None:
    """Close the project, save nothing, and open it again."""
    path = rig.folder / "song.rpp"
    rig.project.close()
    rig.tick(3)
    rig.reaper.answer(*answers)
    rig.reaper.open(path)
    rig.tick(80)
    rig.reaper.host.dialogs.waiting.clear()
    rig.track = rig.project.tracks[0]


def test_the_answers_go_on_and_the_regions_with_them(rig: Rig) -> None:
    old = outdated(rig)
    before, points = guids(rig), len(rig.history())
    new = again(rig)
    text = rig.reaper.dialogs[-1].text
    assert "Keep its 4 answers as examples (3 accepted, 1 rejected)?" in text
    assert [(one.verdict, one.start_s) for one in rig.sent(m.Known)] == [
        ("accept", 0.5), ("accept", 2.0), ("reject", 4.0), ("accept", 8.0),
    ]  # fmt: skip
    assert new.state.label == "Sound 1"
    assert [one.state for one in new.state.candidates.values()] == ["accepted", "rejected", "accepted", "candidate"]
    assert new.state.example_region.start_s == 2.0  # the region that was selected keeps its edges
    assert new.state.budget == 11
    assert old.state.finished
    names = ["Sound 1-0", "Sound 1-1", "Sound 1-4"]
    assert {name: guids(rig)[name] for name in names} == {name: before[name] for name in names}
    assert rig.accepted() == [0.5, 2.0, 8.0]
    assert len(rig.project.regions) == 4
    assert len(set(rig.names())) == 4
    assert len(rig.history()) == points + 1
    assert rig.history()[-1] == "Find Sound 1 again"
    assert list(filter(None, texts(rig).values())) != []
    assert texts(rig).get(old.find.session, "") == ""
    rig.press("accept")
    assert new.state.accepted == 3
    assert len(set(rig.names())) == 5
    rig.press("convert", 6)
    assert sorted(marker.start_s for marker in rig.project.markers) == sorted(rig.accepted())
    assert len(rig.project.markers) == 4


def test_no_begins_another_sound_and_leaves_this_one(rig: Rig) -> None:
    old = outdated(rig)
    new = again(rig, 12.2, 13.0, answer="no")
    assert rig.sent(m.Known) == []
    assert (old.state.finished, new.state.label, new.state.answers) == (False, "Sound 2", 0)
    assert rig.accepted() == [0.5, 2.0, 8.0, 12.2]


def test_undo_brings_the_earlier_search_back_and_redo_the_new_one(rig: Rig) -> None:
    old = outdated(rig)
    before = places(rig)
    new = again(rig)
    after = places(rig)
    for _ in range(2):
        rig.reaper.run(UNDO)
        rig.tick(8)
        assert places(rig) == before
        assert (old.state.finished, old.state.accepted, old.state.rejections) == (False, 2, 1)
        assert old.state.current == 5
        assert texts(rig)[old.find.session] != ""
        assert texts(rig).get(new.find.session, "") == ""
        rig.reaper.run(REDO)
        rig.tick(8)
        assert places(rig) == after
        assert old.state.finished
        assert new.state.current == 4
    assert new.state.answers == 3  # nothing was skipped or retracted
    rig.reaper.run(UNDO)
    rig.tick(8)
    assert "undo and redo go between the two searches" in " ".join(rig.help())
    rig.press("accept")
    assert old.state.accepted == 3
    rig.press("undo")
    assert old.state.accepted == 2


def test_undo_after_further_answers_goes_back_step_by_step(one_rig: Rig) -> None:
    old = outdated(one_rig)
    before = places(one_rig)
    new = again(one_rig)
    one_rig.press("accept")
    one_rig.press("accept")
    for accepted in (3, 2):
        one_rig.reaper.run(UNDO)
        one_rig.tick(6)
        assert new.state.accepted == accepted
    one_rig.reaper.run(UNDO)
    one_rig.tick(6)
    assert places(one_rig) == before
    assert not old.state.finished
    one_rig.reaper.run(REDO)
    one_rig.reaper.run(REDO)
    one_rig.tick(8)
    assert new.state.accepted == 3
    assert old.state.finished


def test_all_of_it_undone_at_once(one_rig: Rig) -> None:
    old = outdated(one_rig)
    before = places(one_rig)
    again(one_rig)
    one_rig.press("accept")
    for _ in range(2):
        one_rig.reaper.run(UNDO)  # both within a tick
    one_rig.tick(8)
    assert places(one_rig) == before
    assert (old.state.finished, old.state.accepted) == (False, 2)


def test_a_refused_find_leaves_the_earlier_search_as_it_was(rig: Rig) -> None:
    old = outdated(rig)
    before, points = guids(rig), rig.history()
    rig.daemon.refuse = "the disk is full"
    rig.project.select_time(2.1, 3.0)
    rig.reaper.answer("yes")
    rig.run("find")
    rig.until(lambda: "the disk is full" in rig.line())
    rig.tick(8)
    assert (guids(rig), rig.history()) == (before, points)
    assert not old.state.finished
    rig.press("accept")
    assert old.state.accepted == 3
    rig.daemon.refuse = ""
    assert again(rig).state.accepted == 3


def test_cancelled_while_it_searches_nothing_has_happened(one_rig: Rig) -> None:
    old = outdated(one_rig)
    before = guids(one_rig)
    one_rig.project.select_time(2.1, 3.0)
    one_rig.reaper.answer("yes")
    one_rig.daemon.paused = True
    one_rig.run("find")
    one_rig.reaper.tick()
    one_rig.reaper.tick()
    one_rig.run("finish")
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(20)
    assert guids(one_rig) == before, one_rig.help()[-6:]
    assert not old.state.finished


@pytest.mark.parametrize("saved", [True, False])
def test_reopened_nothing_is_lost_or_doubled(rig: Rig, saved: bool) -> None:
    path = rig.folder / "song.rpp"
    rig.project.save(path)
    rig.tick(3)
    old = outdated(rig)
    rig.project.save(path)
    rig.tick(3)
    new = again(rig)
    rig.press("accept")
    regions = places(rig)
    if saved:
        rig.project.save(path)
        rig.tick(3)
    rig.project.close()
    rig.tick(3)
    if not saved:
        rig.reaper.answer("yes")
    rig.reaper.open(path)
    rig.tick(40)
    assert len([box for box in rig.reaper.dialogs if "restore" in box.title]) == (0 if saved else 1)
    assert {start_s for start_s, _ in places(rig).values()} == {start_s for start_s, _ in regions.values()}
    assert len(rig.project.regions) == len(regions)
    if saved:
        assert places(rig) == regions
    rig.press("accept")
    assert new.state.accepted == 4
    assert old.state.finished
    rig.press("convert", 6)
    assert len(rig.project.markers) == len(rig.accepted()) == 5


def test_not_wanted_back_after_closing_unsaved_the_earlier_one_goes_on(one_rig: Rig) -> None:
    path = one_rig.folder / "song.rpp"
    one_rig.project.save(path)
    one_rig.tick(3)
    old = outdated(one_rig)
    before = places(one_rig)
    one_rig.project.save(path)
    one_rig.tick(3)
    new = again(one_rig)
    one_rig.project.close()
    one_rig.tick(3)
    one_rig.reaper.answer("no")
    one_rig.reaper.open(path)
    one_rig.tick(40)
    assert places(one_rig) == before
    assert new.find.session not in one_rig.daemon.sessions
    one_rig.press("accept")
    assert old.state.accepted == 3


def test_that_the_track_has_changed_is_known_after_reopening(one_rig: Rig) -> None:
    path = one_rig.folder / "song.rpp"
    one_rig.project.save(path)
    one_rig.tick(3)
    outdated(one_rig)
    one_rig.project.save(path)
    one_rig.tick(3)
    one_rig.reopen(path, 30)
    one_rig.track = one_rig.project.tracks[0]
    assert again(one_rig).state.accepted == 2


def test_a_third_find_goes_on_from_the_second_and_undo_through_both(one_rig: Rig) -> None:
    first = outdated(one_rig)
    back = places(one_rig)
    second = again(one_rig)
    middle = places(one_rig)
    one_rig.track.items[0].set(D_LENGTH=19.0)
    one_rig.tick(6)
    third = again(one_rig, 8.1, 8.9)
    assert third.state.accepted == 2
    assert (first.state.finished, second.state.finished) == (True, True)
    assert len(set(one_rig.names())) == len(one_rig.names())
    one_rig.reaper.run(UNDO)
    one_rig.tick(8)
    assert places(one_rig) == middle
    assert (second.state.finished, first.state.finished) == (False, True)
    for _ in range(3):  # time selection, item, the second search
        one_rig.reaper.run(UNDO)
        one_rig.tick(8)
    assert places(one_rig) == back
    assert (second.state.answers, first.state.finished) == (3, False)
    for _ in range(4):
        one_rig.reaper.run(REDO)
        one_rig.tick(8)
    assert third.state.current == 4
    assert second.state.finished


def test_what_lies_off_the_items_now_is_not_handed_over(one_rig: Rig) -> None:
    one_rig.find()
    for _ in range(4):
        one_rig.press("accept")
    one_rig.track.items[0].set(D_LENGTH=7.0)  # 6 to 7 is the last on it
    one_rig.tick(6)
    new = again(one_rig)
    text = one_rig.reaper.dialogs[-1].text
    assert "(4 accepted, 0 rejected)? 1 other answer cannot be kept: the sound there is gone.\n" in text
    assert [one.start_s for one in one_rig.sent(m.Known)] == [0.5, 2.0, 4.0, 6.0]
    assert new.state.accepted == 3
    assert 8.0 in one_rig.accepted()  # its region is the user's now
    one_rig.press("convert", 6)
    assert sorted(marker.start_s for marker in one_rig.project.markers) == [0.5, 2.0, 4.0, 6.0]


def test_regions_left_behind_by_their_items_are_asked_about_first(one_rig: Rig) -> None:
    one_rig.track.items[0].set(D_LENGTH=5.0)
    one_rig.track.add_item(one_rig.audio, position_s=5.5, offset_s=5.5, length_s=12.0)
    one_rig.find()
    one_rig.press("accept")  # at 2
    one_rig.press("reject")  # at 4
    one_rig.press("reject")  # at 6
    one_rig.press("accept")  # at 8
    one_rig.track.items[1].move(7.5)
    one_rig.tick(6)
    assert "1 moved" in " ".join(one_rig.help())
    one_rig.reaper.answer("yes")
    new = again(one_rig)
    assert "1 accepted region stands off the sound" in one_rig.reaper.dialogs[0].text
    assert [(one.verdict, one.start_s) for one in one_rig.sent(m.Known)] == [
        ("accept", 0.5), ("accept", 2.0), ("reject", 4.0), ("reject", 8.0), ("accept", 10.0),
    ]  # fmt: skip
    assert new.state.accepted == 2
    assert one_rig.accepted() == [0.5, 2.0, 10.0]


@pytest.mark.parametrize("example", ["same", "another"])
def test_regions_that_stay_off_their_sound_hand_over_the_sound(rig: Rig, example: str) -> None:
    """A no to moving them leaves the regions, and the new search learns the sound all the same."""
    rig.find()
    rig.press("accept")  # at 2
    rig.press("accept")  # at 4
    rig.project.set_tempo(119.0)
    for region in rig.project.regions:
        region.move(region.start_s * 120 / 119, region.end_s * 120 / 119)
    rig.tick(6)
    off = rig.accepted()
    rig.track.items[0].set(D_LENGTH=19.5)
    rig.tick(6)
    rig.reaper.answer("no")
    new = again(rig, *((2.1, 3.0) if example == "same" else (12.2, 13.0)))
    assert [one.start_s for one in rig.sent(m.Known)] == pytest.approx([0.5, 2.0, 4.0])
    standing = [start_s for start_s in rig.accepted() if start_s != 12.2]
    assert standing == pytest.approx(off)
    assert rig.sent(m.Revise) == []
    rig.press("accept", 8)
    path = saved(rig)
    rig.reopen(path, 60)
    assert rig.sent(m.Revise) == []
    rig.track = rig.project.tracks[0]
    rig.track.items[0].move(0.25)  # now it is asked about again
    rig.tick(6)
    rig.reaper.answer("yes")
    rig.press("convert", 8)
    assert rig.accepted() == pytest.approx(sorted(span.start_s + 0.25 for _, span in new.state.accepted_regions))


def test_an_answer_whose_sound_has_gone_for_another_teaches_nothing(one_rig: Rig) -> None:
    one_rig.track.items[0].set(D_LENGTH=5.0)
    one_rig.track.add_item(one_rig.audio, position_s=5.5, offset_s=5.5, length_s=2.0)
    one_rig.track.add_item(one_rig.audio, position_s=7.5, offset_s=7.5, length_s=9.0)
    one_rig.find()
    for _ in range(3):
        one_rig.press("accept")  # at 2, 4, 6
    one_rig.track.items[1].delete()
    one_rig.track.items[1].move(5.5)  # ripple
    one_rig.tick(6)
    again(one_rig)
    assert [one.start_s for one in one_rig.sent(m.Known)] == [0.5, 2.0, 4.0]


def test_glued_items_keep_their_answers(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    glued = noise_file(one_rig.folder / "audio" / "glued.wav")
    one_rig.track.items[0].delete()
    one_rig.track.add_item(glued)
    one_rig.tick(6)
    assert "1 deleted, 1 new" in " ".join(one_rig.help())
    assert again(one_rig).state.accepted == 1


def test_items_put_back_are_no_change(one_rig: Rig) -> None:
    session = outdated(one_rig)
    one_rig.track.items[0].set(D_LENGTH=20.0)
    one_rig.tick(6)
    assert "again as they were searched" in " ".join(one_rig.help())
    one_rig.press("accept")
    assert session.state.accepted == 3
    one_rig.project.select_time(0.6, 1.4)
    one_rig.reaper.answer("yes")
    one_rig.press("find", 6)
    assert "was searched from here already" in one_rig.reaper.dialogs[-1].text


def test_a_relinked_file_is_a_change_of_the_track(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    other = rig.folder / "audio" / "andere Fassung.wav"
    shutil.copy(rig.audio, other)
    rig.track.items[0].model.takes[0].source = FileSource(other)
    rig.track.items[0].set(B_LOOPSRC=0)  # an undo point
    rig.tick(6)
    assert "1 from another file" in " ".join(rig.help())
    new = again(rig)
    assert rig.daemon.items[new.find.session][0].path == str(other)
    assert new.state.accepted == 1


def test_a_project_that_moved_with_its_files_is_no_change(one_rig: Rig) -> None:
    home = one_rig.folder / "home a"
    home.mkdir()
    one_rig.track.items[0].delete()
    one_rig.track.add_item(noise_file(home / "audio" / "x.wav"))
    one_rig.project.save(home / "song.rpp")
    one_rig.find()
    one_rig.press("accept")
    one_rig.project.save(home / "song.rpp")
    one_rig.tick(3)
    one_rig.project.close()
    one_rig.tick(3)
    moved = one_rig.folder / "home b"
    shutil.move(home, moved)
    for session in one_rig.daemon.sessions.values():
        fields = {name: getattr(session.find, name) for name in m.Find.__slots__}
        session.find = m.Find(**{**fields, "project": str(moved / "song.rpp")})
    one_rig.reaper.open(moved / "song.rpp")
    one_rig.tick(30)
    assert not [line for line in one_rig.help() if "have changed" in line]
    one_rig.press("accept")
    assert len(one_rig.accepted()) == 3


def test_a_sound_that_the_daemon_lost_goes_on_from_the_projects_answers(rig: Rig) -> None:
    path = rig.folder / "song.rpp"
    rig.project.save(path)
    rig.tick(3)
    rig.find()
    for verb in ("accept", "reject", "accept"):
        rig.press(verb)
    rig.project.save(path)
    rig.tick(3)
    rig.project.close()
    rig.tick(3)
    rig.daemon.sessions.clear()
    rig.reaper.open(path)
    rig.tick(20)
    rig.press("accept")
    assert "the daemon has no journal" in rig.line()
    new = again(rig, 0.6, 1.4)
    assert "the daemon cannot go on with it" in rig.reaper.dialogs[-1].text
    assert (new.state.accepted, new.state.rejections) == (2, 1)
    assert rig.accepted() == [0.5, 2.0, 6.0]
    rig.reaper.run(UNDO)
    rig.tick(8)
    assert rig.accepted() == [0.5, 2.0, 6.0]
    rig.reaper.run(REDO)
    rig.tick(8)
    rig.press("accept")
    assert new.state.accepted == 3


def test_a_region_deleted_while_the_daemon_searches_is_retracted(one_rig: Rig) -> None:
    outdated(one_rig)
    one_rig.project.select_time(2.1, 3.0)
    one_rig.reaper.answer("yes")
    before = set(one_rig.daemon.sessions)
    one_rig.run("find")
    one_rig.until(lambda: one_rig.sent(m.Find)[1:] or one_rig.sent(m.Known))
    one_rig.daemon.paused = True
    one_rig.region("Sound 1-4").delete()
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(20)
    new = one_rig.daemon.sessions[(set(one_rig.daemon.sessions) - before).pop()]
    assert one_rig.accepted() == [0.5, 2.0]
    assert new.state.accepted == 1


def test_rejected_regions_go_over_too(one_rig: Rig) -> None:
    one_rig.set(keep_rejected="yes")
    outdated(one_rig)
    before = guids(one_rig)
    again(one_rig)
    assert guids(one_rig)["x Sound 1-2"] == before["x Sound 1-2"]
    assert len(one_rig.project.regions) == 5
    one_rig.press("reject")
    assert len([name for name in one_rig.names() if name.startswith("x ")]) == 2


def test_a_selection_elsewhere_keeps_the_old_example_as_an_answer(one_rig: Rig) -> None:
    outdated(one_rig)
    new = again(one_rig, 14.1, 14.9)
    assert new.state.accepted == 3
    assert one_rig.accepted() == [0.5, 2.0, 8.0, 14.1]
    assert len(set(one_rig.names())) == 5
    assert "Sound 1-0" in one_rig.names()
    one_rig.press("accept")
    assert len(set(one_rig.names())) == 6


@pytest.mark.parametrize("which", ["regions", "both"])
def test_regions_that_move_with_the_tempo_teach_nothing(one_rig: Rig, which: str) -> None:
    session = one_rig.find()
    for _ in range(2):
        one_rig.press("accept")
    if which == "both":
        one_rig.project.set_tempo(60.0, timebase="beats")
    else:
        one_rig.project.set_tempo(60.0)
        for region in one_rig.project.regions:
            region.move(2 * region.start_s, 2 * region.end_s)
    one_rig.tick(8)
    assert one_rig.sent(m.Revise) == []
    told = (
        "learned from that; Convert and Export ask whether to move them back"
        if which == "regions"
        else "run Find again"
    )
    assert told in " ".join(one_rig.help())
    assert one_rig.accepted() == [1.0, 4.0, 8.0]
    if which == "regions":
        assert one_rig.candidate().start_s == SPANS[2][0]  # back on its sound
        one_rig.press("accept")
        assert session.state.candidates[3].span.start_s == SPANS[2][0]
        one_rig.reaper.answer("yes")
        one_rig.press("convert", 8)
        assert one_rig.accepted() == [0.5, 2.0, 4.0, 6.0]
        assert one_rig.sent(m.Revise) == []


def test_regions_and_an_item_that_move_with_the_tempo_teach_nothing(tmp_path: Path) -> None:
    """The item keeps its beat and its length ("beats, position only"); its regions move by other times."""
    with Rig(tmp_path, spans=[(4.0 + start_s, 4.0 + end_s) for start_s, end_s in SPANS]) as rig:
        item = rig.track.items[0]
        item.move(4.0)
        session = rig.find(4.5, 5.5)
        for _ in range(2):
            rig.press("accept")
        model = rig.project.model
        model.bpm = 60.0
        item.model.values["D_POSITION"] = 8.0
        for region in model.markers:
            region.start_s, region.end_s = 2 * region.start_s, 2 * region.end_s
        model.history.add("Change tempo", ALL)
        rig.tick(8)
        assert rig.sent(m.Revise) == []
        assert "its items have moved by +4.000 s" in " ".join(rig.help())
        assert rig.accepted() == [9.0, 12.0, 16.0]
        assert rig.candidate().start_s == 8.0 + SPANS[2][0]  # on its sound
        rig.press("accept", 8)
        assert session.state.candidates[3].span.start_s == 4.0 + SPANS[2][0]
        rig.reaper.answer("yes")
        rig.press("convert", 8)
        assert rig.accepted() == [8.5, 10.0, 12.0, 14.0]
        assert rig.sent(m.Revise) == []
        for _ in range(5):  # the markers, the moving back, the answer, the candidate's move, and the tempo
            rig.reaper.run(UNDO)
            rig.tick(8)
        assert rig.accepted() == [4.5, 6.0, 8.0]
        assert rig.candidate().start_s == 4.0 + SPANS[2][0]
        rig.press("accept", 8)
        assert session.state.candidates[3].span.start_s == 4.0 + SPANS[2][0]
        assert rig.sent(m.Revise) == []


def test_a_region_dragged_at_another_time_than_the_tempo_is_learned(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    one_rig.project.set_tempo(60.0)
    one_rig.tick(4)
    one_rig.region("Sound 1-1").move(2.02, 3.0)
    one_rig.tick(4)
    assert [(one.number, one.start_s) for one in one_rig.sent(m.Revise)] == [(1, 2.02)]


def test_a_refused_drag_is_told_and_the_region_stays(one_rig: Rig) -> None:
    session = one_rig.find()
    one_rig.press("accept")
    one_rig.daemon.refuse_revise = "the edges of candidate 1 lie on the example; two places cannot share their time"
    one_rig.region("Sound 1-1").move(0.6, 1.6)
    one_rig.tick(8)
    assert "two places cannot share their time" in " ".join(one_rig.help())
    assert one_rig.region("Sound 1-1").start_s == 0.6
    one_rig.daemon.refuse_revise = ""
    one_rig.reaper.run(UNDO)
    one_rig.tick(8)
    assert one_rig.region("Sound 1-1").start_s == 2.0
    one_rig.press("accept")
    assert (session.state.accepted, session.state.candidates[1].span.start_s) == (2, 2.0)


def test_an_answer_on_its_way_is_waited_for(one_rig: Rig) -> None:
    outdated(one_rig)
    one_rig.candidate().move(10.01, 11.0)  # so that the answer needs the daemon's reply
    one_rig.tick(2)
    one_rig.daemon.paused = True
    one_rig.run("accept")
    one_rig.reaper.tick()
    one_rig.project.select_time(2.1, 3.0)
    one_rig.run("find")
    one_rig.reaper.tick()
    assert "Sound 1: its last answer is still on its way; run Find once more" in one_rig.help()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    agree(one_rig)
    new = again(one_rig)
    assert new.state.accepted == 3  # the example besides
    agree(one_rig)


def test_the_list_of_the_rest_is_waited_for(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    one_rig.track.items[0].set(D_LENGTH=19.5)
    one_rig.tick(6)
    one_rig.reaper.answer("yes")
    one_rig.run("accept_rest")
    one_rig.tick(1)
    one_rig.project.select_time(2.1, 3.0)
    one_rig.run("find")
    one_rig.tick(40)
    assert any("run Find once more" in text for text in one_rig.help())
    one_rig.reaper.host.dialogs.waiting.clear()
    again(one_rig)
    agree(one_rig)


@pytest.mark.parametrize("how", ["undo", "delete"])
def test_regions_that_go_while_the_daemon_searches_are_retracted(one_rig: Rig, how: str) -> None:
    outdated(one_rig)
    search_again_unheard(one_rig)
    if how == "delete":
        for region in list(one_rig.project.regions):
            region.delete()
    else:
        while one_rig.names():  # past the Find that began the search
            one_rig.reaper.run(UNDO)
    for _ in range(2):
        one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    one_rig.press("accept")
    one_rig.press("accept")
    one_rig.tick(10)
    agree(one_rig)


def test_a_region_moved_while_the_daemon_searches_is_learned(one_rig: Rig) -> None:
    outdated(one_rig)
    search_again_unheard(one_rig)
    one_rig.region("Sound 1-4").move(8.02, 9.0)
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert 8.02 in [round(start_s, 6) for start_s in one_rig.accepted()]
    agree(one_rig)


def test_a_place_with_a_name_of_its_own_is_a_candidate_when_undo_asks_again(rig: Rig) -> None:
    outdated(rig, ("accept", "reject"))
    rig.region("Sound 1-1").rename("boom")
    rig.tick(4)
    again(rig, 0.6, 1.4)
    rig.press("undo", 6)
    rig.press("undo", 6)
    assert "? boom" in rig.names()
    agree(rig)


def test_a_rejected_place_keeps_its_name_when_it_is_accepted(rig: Rig) -> None:
    outdated(rig, ("reject", "accept", "skip"))
    again(rig, 0.6, 1.4)
    rig.press("previous")
    rig.press("previous")
    rig.press("accept", 10)
    assert "Sound 1-1" in rig.names()
    agree(rig)


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("deleted", ["skip", "reject"])
def test_undone_after_a_restart_the_candidate_is_paused_not_answered(rig: Rig, deleted: str, reopened: bool) -> None:
    rig.set(deleted_candidate=deleted)
    outdated(rig)
    new = again(rig)
    rig.tick(3)
    restart(rig)
    before = places(rig)
    current = new.state.current
    rig.reaper.run(UNDO)
    rig.tick(40)
    assert (new.state.current, new.state.rejections) == (current, 1)
    if reopened:
        saved(rig)
        reopen(rig)
    else:
        rig.reaper.run(REDO)
        rig.tick(6)
        assert places(rig) == before
        rig.reaper.run(UNDO)
        rig.tick(6)
    new = rig.daemon.sessions[new.find.session]
    rig.press("accept", 8)  # shows it again
    assert new.state.current == current
    assert len([name for name in rig.names() if name.startswith("? ")]) == 1
    assert len(rig.names()) == len(before)
    rig.press("accept", 8)
    assert new.state.accepted == 3
    agree(rig)


@pytest.mark.parametrize("verb", ["finish", "clear"])
@pytest.mark.parametrize("at_once", [False, True])
def test_undo_through_it_after_the_search_has_ended(rig: Rig, verb: str, at_once: bool) -> None:
    old = outdated(rig)
    before = places(rig)
    again(rig)
    rig.press(verb, 8)
    for _ in range(2):
        rig.reaper.run(UNDO)
        if not at_once:
            rig.tick(8)
    rig.tick(8)
    assert places(rig) == before
    assert not old.state.finished
    agree(rig)


def test_rejections_undone_are_not_given_again(one_rig: Rig) -> None:
    old = outdated(one_rig)
    before = places(one_rig)
    new = again(one_rig)
    while one_rig.candidate():
        one_rig.press("reject", 8)
    for _ in range(new.state.rejections):
        one_rig.reaper.run(UNDO)
        one_rig.tick(8)
    assert places(one_rig) == before
    assert not old.state.finished
    assert new.state.rejections == 1
    agree(one_rig)


@pytest.mark.parametrize("chain", [False, True])
def test_restored_after_closing_unsaved_the_newest_search_stands(rig: Rig, chain: bool) -> None:
    saved(rig)
    outdated(rig)
    new = again(rig)
    if chain:
        rig.track.items[0].set(D_LENGTH=19.4)
        rig.tick(6)
        new = again(rig)
    rig.press("accept", 8)
    accepted = rig.accepted()
    reopen(rig, "yes", "yes", "yes")
    assert rig.accepted() == accepted
    assert not rig.daemon.sessions[new.find.session].state.finished
    agree(rig)


def test_an_answer_to_the_earlier_search_meanwhile_is_not_lost(one_rig: Rig) -> None:
    old = outdated(one_rig)
    search_again_unheard(one_rig)
    one_rig.daemon.push(old.find.session, m.Verb(old.find.session, "accept"))  # a controller's key
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert "Sound 1 was answered while it was being searched again: run Find once more" in one_rig.help()
    agree(one_rig)
    new = again(one_rig)
    assert new.state.accepted == 3
    agree(one_rig)


def test_renamed_and_closed_unsaved_no_place_is_doubled(rig: Rig) -> None:
    saved(rig)
    outdated(rig)
    saved(rig)
    again(rig)
    rig.reaper.answer(["Boom"])
    rig.press("rename", 6)
    reopen(rig, "yes")
    agree(rig)
    rig.press("convert", 8)
    times = [marker.start_s for marker in rig.project.markers]
    assert len(set(times)) == len(times) == 3


def test_what_was_answered_after_declining_is_not_taken_over_by_an_older_session(rig: Rig) -> None:
    saved(rig)
    outdated(rig)
    saved(rig)
    again(rig)
    rig.press("accept", 8)
    reopen(rig, "cancel")
    rig.press("reject", 8)
    rig.press("accept", 8)
    saved(rig)
    accepted = rig.accepted()
    reopen(rig, "yes")
    assert rig.accepted() == accepted
    assert any("has been answered since, and is left unchanged" in text for text in rig.help())
    agree(rig)


def test_a_region_that_was_left_to_the_user_may_be_named_anything(rig: Rig) -> None:
    rig.find()
    for _ in range(4):
        rig.press("accept")
    rig.track.items[0].set(D_LENGTH=7.0)  # the one at 8 stays, and is the user's
    rig.tick(6)
    again(rig)
    saved(rig)
    reopen(rig)
    rig.region("Sound 1-4").rename("? check with Anna")
    rig.tick(8)
    assert "? check with Anna" in rig.names()


def test_redo_goes_on_after_a_jump_back_past_it_and_a_restart(rig: Rig) -> None:
    outdated(rig)
    again(rig)
    rig.press("accept", 8)
    rig.press("accept", 8)
    restart(rig)
    end = places(rig)
    for _ in range(6):
        rig.reaper.run(UNDO)
    rig.tick(10)
    for _ in range(6):
        rig.reaper.run(REDO)
        rig.tick(10)
    assert places(rig) == end
    agree(rig)


def test_undone_through_two_of_them_after_a_restart_nothing_is_left_over(rig: Rig) -> None:
    outdated(rig)
    again(rig)
    rig.track.items[0].set(D_LENGTH=19.4)
    rig.tick(6)
    again(rig)
    restart(rig)
    for _ in range(3):
        rig.reaper.run(UNDO)
        rig.tick(8)
    assert len([name for name in rig.names() if name.startswith("? ")]) <= 1


def test_the_first_find_undone_after_a_restart(rig: Rig) -> None:
    rig.find()
    restart(rig)
    rig.reaper.run(UNDO)
    rig.tick(12)
    assert not any("error at" in text for text in rig.help())
    assert rig.names() == []


def test_it_is_not_renamed_while_it_is_searched_again(one_rig: Rig) -> None:
    outdated(one_rig)
    search_again_unheard(one_rig)
    one_rig.run("rename")
    one_rig.reaper.tick()
    assert "Sound 1 is being searched again: rename it when its first candidate is there" in one_rig.help()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    one_rig.reaper.answer(["Boom"])
    one_rig.press("rename", 8)
    assert all("Boom" in name for name in one_rig.names())
    agree(one_rig)


@pytest.mark.parametrize("cut", ["\nreplaced", "\nremoved;3;"])
def test_what_the_project_lost_of_it_is_found_by_place(rig: Rig, cut: str) -> None:
    path = saved(rig)
    outdated(rig)
    again(rig)
    rig.press("accept", 8)
    before = places(rig)
    saved(rig)
    stored = next(values for name, values in rig.project.model.ext_state.items() if name.upper() == "REATRIEVE")
    key = next(name for name, text in stored.items() if name.upper().startswith("SESSION_") and text)
    stored[key] = "\n".join(stored[key].split("\n")[:2]) + cut
    rig.project.save(path)
    reopen(rig)
    assert "Sound 1: the project had lost a part of it; its journal has brought it back" in rig.help()
    assert places(rig) == before
    rig.press("accept", 8)
    agree(rig)


@pytest.mark.parametrize("verbs", [("skip",), ("accept", "reject")])
def test_a_lost_sound_that_shares_a_place_with_another_is_a_sound_of_its_own(rig: Rig, verbs: tuple[str, ...]) -> None:
    saved(rig)
    rig.find(2.0, 3.0)
    for verb in verbs:
        rig.press(verb)
    saved(rig)
    other = rig.find(14.2, 15.1)
    for verb in ("accept", "reject", "accept"):
        rig.press(verb)
    accepted = rig.accepted()
    reopen(rig, "yes", "yes")
    assert rig.accepted() == accepted
    standing = [name for name, text in texts(rig).items() if text]
    assert len(standing) == 2
    assert other.find.session in standing


def test_a_cut_sound_takes_no_region_of_one_with_a_longer_name(rig: Rig) -> None:
    path = saved(rig)
    for start_s, end_s, name in ((2.0, 3.0, "Kick"), (14.2, 15.1, "Kick 2")):
        rig.find(start_s, end_s)
        rig.reaper.answer([name])
        rig.press("rename", 6)
        rig.press("accept")
        rig.press("accept")
    saved(rig)
    before = set(rig.names())
    stored = next(values for name, values in rig.project.model.ext_state.items() if name.upper() == "REATRIEVE")
    for key, text in stored.items():
        if key.upper().startswith("SESSION_") and ";Kick;" in text.split("\n")[0]:
            stored[key] = "\n".join(text.split("\n")[:2]) + "\nremoved;3;"
    rig.project.save(path)
    reopen(rig)
    assert {name for name in rig.names() if "Kick 2" in name} == {name for name in before if "Kick 2" in name}


def test_a_no_taken_back_while_the_daemon_searches_is_no_example(one_rig: Rig) -> None:
    outdated(one_rig, ("accept", "reject"))
    search_again_unheard(one_rig)
    while not any(name.startswith("? Sound 1-2") for name in one_rig.names()):
        one_rig.reaper.run(UNDO)
    one_rig.reaper.tick()
    one_rig.daemon.paused = False
    one_rig.tick(40)
    assert "Sound 1 was answered while it was being searched again: run Find once more" in one_rig.help()
    agree(one_rig)


def test_restored_although_some_answers_could_not_be_kept(rig: Rig) -> None:
    saved(rig)
    rig.find()
    for _ in range(4):
        rig.press("accept")
    rig.track.items[0].set(D_LENGTH=7.0)  # the one at 8 lies on nothing now
    rig.tick(6)
    saved(rig)
    new = again(rig)
    rig.press("accept", 8)
    accepted = rig.accepted()
    reopen(rig, "yes")
    assert rig.accepted() == accepted
    standing = [name for name, text in texts(rig).items() if text]
    assert standing == [new.find.session]


@pytest.mark.parametrize("more", ["nothing", "an answer", "reopened"])
def test_sync_markers_stay_when_their_sound_was_searched_again(rig: Rig, more: str) -> None:
    """REAPER before 7.80 makes no second marker of a name at a place: the one that stands there goes on."""
    rig.project.save(rig.folder / "song.rpp")
    outdated(rig, ("accept", "reject", "accept"))
    rig.press("convert", 10)
    before = {marker.guid: marker.start_s for marker in rig.project.markers}
    assert sorted(before.values()) == [0.5, 2.0, 6.0]
    again(rig)
    if more == "an answer":
        rig.press("accept")
    if more == "reopened":
        saved(rig)
        reopen(rig)
    rig.press("convert", 10)
    now = {marker.guid: marker.start_s for marker in rig.project.markers}
    assert before.items() <= now.items()
    assert sorted(now.values()) == sorted(rig.accepted())
    assert f"{len(now)} sync markers for {len(now)} accepted regions" in rig.line()
    assert "another marker" not in rig.line()


def test_undo_of_find_again_leaves_a_finished_sound_finished(rig: Rig) -> None:
    old = outdated(rig, ("accept", "reject", "accept", "finish"))
    new = again(rig)
    for verb in ("accept", "accept"):
        rig.press(verb)
    points = rig.history()
    sent = len(rig.sent(m.Finish)), len(rig.sent(m.More))
    for _ in range(3):
        rig.reaper.run(UNDO)
        rig.tick(20)
    assert old.state.over == "finished"
    assert rig.candidate() is None
    assert rig.history() == points  # nothing came between, so all of it can be redone
    for _ in range(3):
        rig.reaper.run(REDO)
        rig.tick(20)
    assert rig.history() == points
    assert old.state.over == "finished"
    assert (len(rig.sent(m.Finish)), len(rig.sent(m.More))) == sent
    assert new.state.answers == 5
    agree(rig)


def test_a_cut_through_an_item_takes_the_answers_after_it_along(rig: Rig) -> None:
    """The piece after the cut is a new item, and plays what was answered."""
    rig.find()
    for verb in ("accept", "skip", "reject"):
        rig.press(verb)
    rig.project.remove_time(3.2, 5.2)  # the skipped place goes, the rejected one moves from 6 to 4
    rig.tick(8)
    assert rig.sent(m.Revise) == []
    again(rig)
    assert [(one.verdict, pytest.approx(one.start_s)) for one in rig.sent(m.Known)] == [
        ("accept", 0.5), ("accept", 2.0), ("reject", 4.0),
    ]  # fmt: skip


def test_time_inserted_into_an_item_teaches_nothing(rig: Rig) -> None:
    rig.find()
    for verb in ("accept", "accept", "reject", "accept"):
        rig.press(verb)
    rig.project.insert_time(5.5, 2.0)
    rig.tick(8)
    assert rig.sent(m.Revise) == []
    assert "run Find again, which keeps the answers" in rig.line()
    again(rig)
    text = rig.reaper.dialogs[-1].text
    assert "Keep its 5 answers as examples (4 accepted, 1 rejected)?" in text
    assert [(one.verdict, pytest.approx(one.start_s)) for one in rig.sent(m.Known)] == [
        ("accept", 0.5), ("accept", 2.0), ("accept", 4.0), ("reject", 8.0), ("accept", 10.0),
    ]  # fmt: skip


def test_a_candidate_moves_with_its_items_each_time(rig: Rig) -> None:
    rig.find()
    rig.press("accept")
    rig.project.add_marker(15.0, "mine")  # the candidate has been looked at where it stood then
    rig.tick(3)
    for by_s in (0.5, 0.7, 0.4):
        rig.track.items[0].move(by_s)
        rig.tick(6)
        assert rig.candidate().start_s == pytest.approx(SPANS[1][0] + by_s)


def test_a_place_that_was_asked_for_moves_with_its_items(rig: Rig) -> None:
    rig.find()
    rig.project.add_marker(15.0, "mine")
    rig.tick(3)
    rig.reaper.set_ext_state("ReaTrieve", "queue", f"ask {SPANS[4][0]}\n")
    rig.until(lambda: rig.candidate().start_s == SPANS[4][0])
    rig.tick(6)
    rig.track.items[0].move(0.5)
    rig.tick(6)
    assert rig.candidate().start_s == pytest.approx(SPANS[4][0] + 0.5)


@pytest.mark.parametrize("by_s", [0.3, 1.5])
def test_a_dragged_candidate_moves_with_its_items(rig: Rig, by_s: float) -> None:
    session = rig.find()
    rig.press("accept")
    rig.candidate().move(4.01, 5.0)
    rig.tick(3)
    rig.track.items[0].move(by_s)
    rig.tick(6)
    assert (rig.candidate().start_s, rig.candidate().end_s) == pytest.approx((4.01 + by_s, 5.0 + by_s))
    rig.press("accept", 12)
    span = session.state.candidates[2].span
    assert (span.start_s, span.end_s) == pytest.approx((4.01, 5.0))


@pytest.mark.parametrize("dragged", [False, True])
def test_undo_of_moved_items_leaves_the_candidate_on_its_sound(rig: Rig, dragged: bool) -> None:
    session = rig.find()
    if dragged:
        rig.candidate().move(2.2, 3.2)
        rig.tick(3)
    before = rig.candidate().start_s
    rig.track.items[0].move(1.0)
    rig.tick(6)
    assert rig.candidate().start_s == pytest.approx(before + 1.0)
    for _ in range(2):  # the candidate's point, then the items'
        rig.reaper.run(UNDO)
        rig.tick(6)
    assert rig.candidate().start_s == pytest.approx(before)
    assert rig.track.items[0].model.position_s == 0.0
    for _ in range(2):
        rig.reaper.run(REDO)
        rig.tick(6)
    assert rig.candidate().start_s == pytest.approx(before + 1.0)
    rig.press("accept", 12)
    assert session.state.candidates[1].span.start_s == pytest.approx(before)


@pytest.mark.parametrize("verb", ["accept", "reject", "skip"])
def test_after_inserted_time_the_open_candidate_is_refused_or_found_again(rig: Rig, verb: str) -> None:
    """Its region has moved, and the daemon's place has not: no answer is lost, and none goes astray."""
    session = rig.find()
    rig.press("accept")
    assert rig.candidate().start_s == SPANS[1][0]
    rig.project.insert_time(3.5, 2.0)
    rig.tick(8)
    rig.press(verb, 12)
    if verb == "accept":
        assert "Sound 1: its items have changed since the search: run Find again, which keeps the answers" in rig.help()
        assert session.state.answers == 1
    else:
        assert session.state.answers == 2
        assert session.state.candidates[2].span.start_s == SPANS[1][0]
        assert rig.history()[-1] == f"{verb.capitalize()} Sound 1-2"
    assert len(rig.accepted()) == 2


def test_an_answer_is_not_changed_while_the_track_is_outdated(rig: Rig) -> None:
    rig.set(keep_rejected="yes")
    session = outdated(rig)
    rig.press("previous")
    rig.press("reject", 8)
    assert "its items have changed since the search: run Find again" in rig.line()
    assert session.state.candidates[4].state == "accepted"
    assert "Sound 1-4" in rig.names()


@pytest.mark.parametrize("verb", ["skip", "accept"])
def test_an_answer_is_left_as_it_is_also_while_the_track_is_outdated(one_rig: Rig, verb: str) -> None:
    """What changes nothing is not refused: it ends the look at the answer."""
    session = outdated(one_rig)  # its last answer is a yes
    one_rig.press("previous")
    one_rig.press(verb, 8)
    assert "Sound 1-5 at" in one_rig.line()
    assert "accept, reject or skip?" in one_rig.line()
    assert one_rig.sent(m.Reanswer) == []
    one_rig.press("reject", 8)
    assert session.state.candidates[5].state == "rejected"


def test_a_sound_that_is_found_again_ends_the_look_at_another_ones_answer(one_rig: Rig) -> None:
    one_rig.find()
    one_rig.press("accept")
    other = one_rig.find(16.2, 17.0)
    for verb in ("skip", "accept"):
        one_rig.press(verb)
    one_rig.track.items[0].set(D_LENGTH=19.5)
    one_rig.tick(6)
    one_rig.press("previous")
    again(one_rig)  # the first one
    one_rig.press("next", 8)
    one_rig.press("reject", 8)
    assert [one.state for one in other.state.candidates.values()][:3] == ["skipped", "accepted", "rejected"]
