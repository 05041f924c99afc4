"""The Self-test leaves the user's tab alone and writes a profile that the host takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rig import Rig

from reatrieve.headless import Reaper
from reatrieve.headless.profile import Assumptions, load_assumptions


def _result(rig: Rig) -> dict[str, object]:
    home = rig.project
    tabs = len(rig.reaper.projects)
    before = list(home.model.history.texts)
    rig.run("selftest")
    path = rig.folder / "reaper" / "ReaTrieve" / "self-test.json"
    rig.until(path.exists, 2000)
    rig.tick(5)
    assert len(rig.reaper.projects) == tabs
    assert rig.project.model is home.model
    assert home.model.history.texts == before
    assert rig.reaper.dialogs == []
    assert "assumptions settled" in rig.line()
    assert sorted(one.name for one in path.parent.iterdir()) == ["self-test.json"]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(load_assumptions(path), Assumptions)
    return document


def test_every_settled_value_is_the_hosts(rig: Rig) -> None:
    document = _result(rig)
    settled = document["assumptions"]
    truth = Assumptions()
    assert len(settled) >= 30
    assert document["findings"]["registering_again_gives_the_same_command"] is True
    assert document["findings"]["arrange_pixels_per_second_is_zoom_level"] is True
    assert document["findings"]["reversed_time_selection_is_ordered"] in (True, False)
    if rig.version != "6.71":  # a project can be saved as a copy from 6.74 on at the latest
        assert document["findings"]["long_ext_state_survives_saving"] is True
    assert "csv_import_obeys_start_offset" in document["unsettled"]
    if rig.version == "7.80":
        assert document["findings"]["ruler_lanes_of_a_new_project"] == 2
        assert document["findings"]["enumeration_index_is_object_index"] is True
        assert document["findings"]["ruler_lane_is_inserted_by"].startswith("RULER_LANE_ORDER:")
    for key, value in settled.items():
        if key == "defer_rate_hz":
            assert value == pytest.approx(truth.defer_rate_hz, abs=1.0)
        else:
            assert value == getattr(truth, key), key


OTHER = {
    "undo_block_empty": True,
    "undo_block_flags_zero": True,
    "undo_keeps_region_guids": False,
    "redo_keeps_region_guids": False,
    "undo_restores_time_selection": False,
    "undo_restores_edit_cursor": True,
    "undo_restores_proj_ext_state": True,
    "undo_keeps_item_pointers": True,
    "change_count_on_api_edit": True,
    "proj_ext_state_upper_case": False,
    "proj_ext_state_marks_dirty": False,
    "region_number_lowest_free": False,
    "region_color_without_flag_ignored": False,
    "offset_before_rate": False,
    "loop_wraps_source": False,
    "track_accessor_with_item_gain": False,
    "track_accessor_with_fades": False,
    "enumerate_files_cached": False,
    "enum_ext_state_limit": 0,
    "equal_marker_refused": False,
    "focus_on_gfx_init": False,
    "loop_points_linked": False,
}


def test_it_finds_a_reaper_that_differs(tmp_path: Path) -> None:
    with Rig(tmp_path, profile=OTHER) as rig:
        settled = _result(rig)["assumptions"]
        wrong = {key: settled.get(key) for key, value in OTHER.items() if settled.get(key) != value}
        assert wrong == {}


def test_the_profile_makes_a_host(one_rig: Rig) -> None:
    _result(one_rig)
    with Reaper(profile=one_rig.folder / "reaper" / "ReaTrieve" / "self-test.json", clock="simulated") as other:
        other.tick(3)
