"""What is assumed about REAPER where no source settles it, one switch each (docs/assumptions.md), and its versions."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from reatrieve.errors import InputError
from reatrieve.headless.listing import Version

__all__ = ["UNPROVEN", "VERSIONS", "Assumptions", "both_ways", "load_assumptions"]

VERSIONS = {"6.71": "5.3", "6.83": "5.3", "7.0": "5.4", "7.62": "5.4", "7.71": "5.4", "7.80": "5.4"}
"""The REAPERs that the project is tested on, and the Lua that each embeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How this host behaves where REAPER's behaviour is not proven; keys as in docs/assumptions.md."""

    auto_undo_point: str = "changed"  # "always", "changed" or "never": point after a script run that did not defer
    undo_point_text: str = "ReaScript: Run"  # {name} in it: the script's file name
    undo_block_empty: bool = False  # Undo_EndBlock makes a point though nothing changed (flags not 0)
    undo_block_flags_zero: bool = False  # Undo_EndBlock with flags 0 makes a point though no action ran in it
    undo_keeps_region_guids: bool = True
    redo_keeps_region_guids: bool = True
    undo_restores_time_selection: bool = True
    undo_restores_edit_cursor: bool = False
    undo_restores_proj_ext_state: bool = False
    undo_keeps_item_pointers: bool = False
    undo_on_user_region_edit: bool = True
    change_count_on_api_edit: bool = False  # GetProjectStateChangeCount moves before the edit has an undo point
    proj_ext_state_upper_case: bool = True
    proj_ext_state_marks_dirty: bool = True
    ext_state_persists_at_once: bool = True
    region_number_lowest_free: bool = True  # wantidx < 0 takes the lowest free number, else the highest + 1
    region_color_without_flag_ignored: bool = True
    region_guid_before_7_62: bool = True  # MARKER_GUID:X of GetSetProjectInfo_String, from 6.02 on
    region_index_from_guid_before_7_62: bool = True  # MARKER_INDEX_FROM_GUID:{...} of it, from 6.71 on
    region_ties_in_number_order: bool = True
    loop_points_linked: bool = True
    loop_link_action_40621: bool = True
    smooth_seek: bool = False
    play_from_running_restarts_at_cursor: bool = True
    seek_obeys_smooth_seek: bool = True
    section_file_name_empty: bool = False  # until 7.55 true
    reversed_section_from_end: bool = True  # file time = offset + length - 1/rate - x
    offset_before_rate: bool = True  # source time = D_STARTOFFS + (t - P) * D_PLAYRATE
    loop_wraps_source: bool = True
    track_accessor_project_time: bool = True
    take_accessor_item_time: bool = True
    take_accessor_without_gain: bool = True
    track_accessor_with_item_gain: bool = True
    track_accessor_with_fades: bool = True
    accessor_garbage_past_end: bool = True
    accessor_updates_when_validated: bool = True
    accessor_pre_fx: bool = True  # before the track's effects
    track_accessor_with_take_fx: bool = True
    utf8_paths: bool = True
    defer_rate_hz: float = 31.0
    enumerate_files_cached: bool = True  # index -1 reads again, from 6.20 on
    exec_process_one_string: bool = True
    running_script_prompts: bool = True
    focus_on_gfx_init: bool = True
    pointers_checked: bool = True
    largest_array: int = 4194304
    mp3_priming_samples: int = 0
    pointers_reused: bool = True  # the address of something deleted comes back for something new of its kind
    enum_ext_state_limit: int = 4096  # EnumProjExtState cuts a value at that many bytes - len(key) - 2; 0: never
    ext_state_line_limit: int = 4095  # a longer line of a project file is read as two; 0: never
    dialogs_stop_defer: bool = True  # an open dialog stops every deferred script
    time_selection_makes_undo_point: bool = True  # the user's own change of the time selection
    windows_utf8_require: bool = False  # on Windows, require finds modules below a folder with a non-ASCII name
    equal_marker_refused: bool = True  # AddProjectMarker2 makes no second marker of one name at one place

    @classmethod
    def of(cls, version: Version) -> Assumptions:
        """The defaults for a REAPER."""
        return cls(section_file_name_empty=version < (7, 56))


_FIXED = {
    "reversed_section_from_end", "track_accessor_project_time", "take_accessor_item_time", "take_accessor_without_gain",
    "accessor_updates_when_validated", "accessor_pre_fx", "utf8_paths", "exec_process_one_string", "pointers_checked",
}  # fmt: skip
"""What the host models in one way only: a profile that says otherwise is refused, lest a wrong model be trusted."""


UNPROVEN: dict[str, Any] = {
    "redo_keeps_region_guids": False,
    "region_number_lowest_free": False,
    "region_color_without_flag_ignored": False,
    "region_ties_in_number_order": False,
    "offset_before_rate": False,
    "loop_wraps_source": False,
    "track_accessor_with_fades": False,
    "equal_marker_refused": False,
    "windows_utf8_require": True,
}
"""What no public source settles, and the value that is not the default."""


def both_ways(*keys: str) -> list[dict[str, Any]]:
    """Profiles in which assumptions that no source settles have each of their values, in all combinations.

    A test that depends on one of them runs with all: ``@pytest.mark.parametrize("profile", both_ways("..."))``.
    """
    values = [(getattr(Assumptions(), key), UNPROVEN[key]) for key in keys]
    return [dict(zip(keys, chosen, strict=True)) for chosen in itertools.product(*values)]


def load_assumptions(source: Path | Mapping[str, Any] | None, base: Assumptions | None = None) -> Assumptions:
    """The assumptions with some of them settled by a profile.

    Parameters
    ----------
    source : Path, mapping or None
        The JSON that the Self-test action writes (``{"version": 1, "assumptions": {key: value}}``), or such a mapping
        of keys to values; unknown keys are an error that names the nearest known one.
    base : Assumptions
        What holds for keys that the profile does not settle.

    Raises
    ------
    InputError
        If the file cannot be read, a key is unknown, a value has the wrong type or the host has no model of it.
    """
    base = base or Assumptions()
    if source is None:
        return base
    if isinstance(source, Path):
        try:
            document = json.loads(source.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as exc:
            raise InputError(f"{source}: not a Self-test profile: {exc}") from exc
        values = document.get("assumptions", document) if isinstance(document, dict) else None
    else:
        values = source
    if not isinstance(values, Mapping):
        raise InputError(f"{source}: not a Self-test profile: no object with assumptions")
    known = {field.name: type(getattr(base, field.name)) for field in fields(base)}
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            value = value.get("value")
        if value is None:
            continue  # the Self-test could not settle it
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise InputError(f"unknown assumption {key!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        kind = known[key]
        if kind in (float, int) and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = kind(value)
        if not isinstance(value, kind):
            raise InputError(f"assumption {key!r}: expected {kind.__name__}, got {value!r}")
        if key in _FIXED and value != getattr(base, key):
            raise InputError(f"{key} = {value!r} is not what the headless host models: change the host first")
        chosen[key] = value
    return replace(base, **chosen)
