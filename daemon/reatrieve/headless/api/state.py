"""Ext state of REAPER and of projects, and shared memory."""

from __future__ import annotations

from collections.abc import Iterable

from reatrieve.headless.calls import Call, function
from reatrieve.headless.project import ProjectModel
from reatrieve.headless.wire import LuaError


@function("SetExtState")
def _set(call: Call, section: str, key: str, value: str, persist: bool) -> None:
    if persist and ("\n" in value or "\r" in value):
        call.lint(f"SetExtState: the persistent value of {section}/{key} has newlines (it is one line of an ini file)")
    call.host.ext_state.set(section, key, value, persist)


@function("GetExtState")
def _get(call: Call, section: str, key: str) -> str:
    return call.host.ext_state.get(section, key) or ""


@function("HasExtState")
def _has(call: Call, section: str, key: str) -> bool:
    return call.host.ext_state.get(section, key) is not None


@function("DeleteExtState")
def _delete(call: Call, section: str, key: str, persist: bool) -> None:
    call.host.ext_state.delete(section, key, persist)


def _key(call: Call, names: Iterable[str], name: str) -> str:
    """The section or key that a name means: one that is there whatever its case, else a new one in capitals."""
    if not call.host.assumptions.proj_ext_state_upper_case:
        return name
    return next((known for known in names if known.upper() == name.upper()), name.upper())


def _section(call: Call, project: ProjectModel, section: str) -> dict[str, str]:
    return project.ext_state.get(_key(call, project.ext_state, section), {})


@function("SetProjExtState")
def _set_project(call: Call, project: ProjectModel, section: str, key: str, value: str) -> int:
    if not section:
        raise LuaError("SetProjExtState: an empty section name")
    section = _key(call, project.ext_state, section)
    values = project.ext_state.setdefault(section, {})
    before = dict(values)
    key = _key(call, values, key) if key else ""
    if not key:
        values.clear()
    elif not value:
        values.pop(key, None)
    else:
        values[key] = value
    changed = values != before
    if not values:
        del project.ext_state[section]
    if changed and call.host.assumptions.proj_ext_state_marks_dirty:
        project.dirty = True
    return len(values.get(key, "").encode("utf-8", "surrogateescape"))


@function("GetProjExtState")
def _get_project(call: Call, project: ProjectModel, section: str, key: str) -> tuple[int, str]:
    values = _section(call, project, section)
    value = values.get(_key(call, values, key))
    return (int(value is not None), value or "")


@function("EnumProjExtState")
def _enum_project(call: Call, project: ProjectModel, section: str, index: int) -> tuple[bool, str, str]:
    values = sorted(_section(call, project, section).items())
    if not 0 <= index < len(values):
        return False, "", ""
    key, value = values[index]
    limit = call.host.assumptions.enum_ext_state_limit
    if limit:
        room = max(limit - len(key.encode("utf-8", "surrogateescape")) - 2, 0)
        value = value.encode("utf-8", "surrogateescape")[:room].decode("utf-8", "surrogateescape")
    return True, key.upper() if call.host.assumptions.proj_ext_state_upper_case else key, value


@function("gmem_attach")
def _gmem_attach(call: Call, name: str) -> str:
    call.host.gmem.setdefault(name, {})
    before, call.script.shared_memory = call.script.shared_memory, name
    return before


@function("gmem_read")
def _gmem_read(call: Call, index: int) -> float:
    return call.host.gmem.get(call.script.shared_memory, {}).get(index, 0.0)


@function("gmem_write")
def _gmem_write(call: Call, index: int, value: float) -> None:
    call.host.gmem.setdefault(call.script.shared_memory, {})[index] = value
