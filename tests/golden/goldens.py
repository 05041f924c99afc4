"""What files of older versions hold, as plain JSON values: the same reading for their maker and the tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "actions"))

from fake_daemon import Session
from rig import Rig, noise_file

from reatrieve.annotations.files import read_annotations
from reatrieve.bridge import messages as m
from reatrieve.headless import scripts_folder
from reatrieve.journal import Header, Line, read_journal
from reatrieve.session.state import fold
from reatrieve.settings import Settings
from reatrieve.sync.rpp_project import read_rpp
from reatrieve.sync.rpp_sessions import accepted_regions
from sync.sync_sheets import wav_bytes

__all__ = [
    "AUDIO_NAME",
    "FOLDER",
    "REAPERS",
    "Rig",
    "noise_file",
    "opened_project",
    "render",
    "told_accepted",
    "told_events",
    "told_journal",
    "told_script_settings",
    "told_settings",
    "versions",
]

FOLDER = Path(__file__).parent
REAPERS = ("6.83", "7.72")
AUDIO_NAME = "Musik für Ölfässer.wav"
"""As the projects name it, in the folder ``audio`` beside them."""


def versions() -> list[Path]:
    """The folder of each version that wrote golden files."""
    return sorted(path for path in FOLDER.glob("v*") if path.is_dir())


def render(folder: Path) -> Path:
    """20 s of random samples, the same on every machine: the audio of the sync JSONs."""
    path = folder / "Übung mix.wav"
    path.write_bytes(wav_bytes(frames=20 * 8000, rate_hz=8000, channels=1))
    return path


def told_journal(path: Path) -> dict[str, Any]:
    """Header and the state that the events of a journal add up to."""
    header, lines = read_journal(path)
    return {"header": _told_header(header), "lines": _told_lines(lines), "state": _told_state(lines)}


def _told_header(header: Header) -> dict[str, Any]:
    return {
        "session": header.session,
        "project": header.project,
        "track": header.track,
        "created_s": header.created_s,
        "origin_s": header.origin_s,
        "tempo": [dict(row) for row in header.tempo],
        "items": [
            {one.name: _plain(getattr(item, one.name)) for one in fields(item)} for item in header.track_map.items
        ],
    }


def _plain(value: object) -> object:
    return value.as_posix() if isinstance(value, Path) else value


def _told_lines(lines: list[Line]) -> list[list[object]]:
    return [[type(line.event).__name__, line.op, line.time_s] for line in lines]


def _told_state(lines: list[Line]) -> dict[str, Any]:
    state = fold(line.event for line in lines)
    return {
        "label": state.label,
        "retriever": state.retriever,
        "budget": state.budget,
        "example": [state.example.start_s, state.example.end_s],
        "over": state.over,
        "current": state.current,
        "next_number": state.next_number,
        "answers": state.answers,
        "accepted": state.accepted,
        "rejections": state.rejections,
        "kept": [[number, span.start_s, span.end_s] for number, span in state.accepted_regions],
        "candidates": [
            {
                "number": number,
                "state": one.state,
                "span": [one.span.start_s, one.span.end_s],
                "proposed": [one.proposed.start_s, one.proposed.end_s],
                "score": one.score,
                "probability": one.probability,
                "remaining": one.remaining,
            }
            for number, one in state.candidates.items()
        ],
    }


def told_settings(home: Path) -> dict[str, Any]:
    """What ``settings.txt`` in a home folder sets, but for the home itself."""
    settings = Settings.load({"home": home}, {})
    return {
        one.name: _plain(value)
        for one in fields(settings)
        if one.name != "home" and isinstance(value := getattr(settings, one.name), (Path, str, int, bool, type(None)))
    }


def told_script_settings(rig: Rig) -> dict[str, str]:
    """What the scripts read from REAPER's ext state."""
    path = rig.folder / "told.lua"
    lib = (scripts_folder() / "lib").as_posix()
    path.write_text(
        f'package.path = "{lib}/?.lua;" .. package.path\n'
        'local settings = require("settings")\n'
        "for _, one in ipairs(settings.list) do\n"
        '  reaper.SetExtState("told", one.key, tostring(settings.get(one.key)), false)\n'
        '  reaper.SetExtState("told", "keys", reaper.GetExtState("told", "keys") .. one.key .. " ", false)\n'
        "end\n",
        encoding="utf-8",
    )
    rig.reaper.run(path)
    return {key: rig.reaper.ext_state("told", key) for key in rig.reaper.ext_state("told", "keys").split()}


def told_events(path: Path) -> list[dict[str, Any]]:
    """The events that a sync JSON holds for whoever reads labels."""
    return [{one.name: getattr(row, one.name) for one in fields(row)} for row in read_annotations(path)]


def told_accepted(path: Path) -> list[list[object]]:
    """What ``reatrieve export --rpp`` would take from a saved project."""
    accepted, _ = accepted_regions(read_rpp(path))
    return [[one.start_s, one.end_s, one.label, one.sound, one.score] for one in accepted]


@dataclass(frozen=True)
class _Sessions:
    """A saved project's sessions as the daemon would have them: from the journals beside it."""

    folder: Path
    stem: str

    def __iter__(self) -> Iterator[tuple[Header, list[Line]]]:
        for path in sorted((self.folder / f"{self.stem}.reatrieve").glob("*.journal.jsonl")):
            yield read_journal(path)


def opened_project(source: Path, folder: Path, version: str) -> dict[str, Any]:
    """Open a saved project in a simulated REAPER with the scripts and a daemon that has its sessions; then convert,
    go on, finish.

    Parameters
    ----------
    source : the golden project; copies of its sessions' journals lie in the folder beside it.
    folder : an empty folder to work in.
    version : of the REAPER that opens it.
    """
    path = folder / source.name
    shutil.copyfile(source, path)
    noise_file(folder / "audio" / AUDIO_NAME)
    with Rig(folder / "rig", version) as rig:
        for header, lines in _Sessions(source.parent, source.stem):
            started = lines[0].event
            find = m.Find(
                header.session, started.label, str(path), header.track, started.example.start_s,
                started.example.end_s, started.budget, started.retriever, len(header.track_map.items),
            )  # fmt: skip
            events = [line.event for line in lines]
            rig.daemon.sessions[header.session] = Session(find, list(events), fold(events))
        rig.project.close()
        rig.reaper.open(path)
        kept = "".join(value for values in rig.project.model.ext_state.values() for value in values.values())
        ours = [one for one in (*rig.project.regions, *rig.project.markers) if one.guid in kept]
        rig.reaper.allow_edits(ours)  # made by the scripts of then
        rig.tick(2)
        regions = _told_regions(rig)
        rig.reaper.run("ReaTrieve_Client.lua")
        rig.tick(40)
        told: dict[str, Any] = {"regions": regions, "restored": _told_regions(rig)}
        rig.press("convert", 20)
        told["markers"] = [[round(one.start_s, 9), one.name] for one in rig.project.markers]
        asked = rig.candidate()
        told["asked"] = None if asked is None else asked.name
        if asked is not None:
            rig.press("accept", 10)
        rig.press("finish", 10)
        told["finished"] = _told_regions(rig)
        told["states"] = {
            name: [one.state for one in session.state.candidates.values()]
            for name, session in sorted(rig.daemon.sessions.items())
        }
        assert rig.reaper.dialogs == []
        return told


def _told_regions(rig: Rig) -> list[list[object]]:
    return [[round(one.start_s, 9), round(one.end_s, 9), one.name, one.color] for one in rig.project.regions]
