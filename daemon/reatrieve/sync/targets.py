"""The targets of an export: one row each, with what it is for, its file's name and its writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from reatrieve.errors import InputError, did_you_mean
from reatrieve.plain import quoted
from reatrieve.sync.model import SyncSheet
from reatrieve.sync.writers import tables
from reatrieve.sync.writers.fmod import write_fmod_script
from reatrieve.sync.writers.midi import write_midi
from reatrieve.sync.writers.sync_json import write_sync_json
from reatrieve.sync.writers.unreal import write_unreal_csv, write_unreal_json
from reatrieve.sync.writers.wwise import write_waapi

if TYPE_CHECKING:
    from reatrieve.session.retriever import Progress

__all__ = ["TARGETS", "WORDS", "Options", "Target", "chosen_options", "chosen_targets"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the writers may be told; see ``reatrieve export --help``.

    Attributes
    ----------
    label : template of the events' names, see ``labels.fill_template``.
    label_ascii : fold all labels to ASCII (MIDI is folded in any case).
    cue_regions : cues of the WAV have lengths; else they are points.
    reaper_loops : ``smpl`` loops in the WAV as well; engines will loop there.
    fmod_ends, fmod_tempo : markers at the ends, tempo markers.
    wwise_segment : path or GUID of the music segment.
    """

    label: str = "{label}"
    label_ascii: bool = False
    cue_regions: bool = True
    reaper_loops: bool = False
    fmod_ends: bool = False
    fmod_tempo: bool = False
    wwise_segment: str = ""


Content = tuple[bytes, list[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """One target: what it is for, its file's name (``{name}``: the audio's), and its writer.

    ``write`` makes the whole content; ``stream`` writes a large file to a path instead, and returns notes.
    """

    about: str
    file: str
    write: Callable[[SyncSheet, Options], Content] | None = None
    stream: Callable[[SyncSheet, Path, Options, Progress | None], list[str]] | None = None
    needs: tuple[str, ...] = ()


def _plain(write: Callable[[SyncSheet], bytes]) -> Callable[[SyncSheet, Options], Content]:
    return lambda sheet, _options: (write(sheet), [])


def _cue_wav(sheet: SyncSheet, path: Path, options: Options, progress: Progress | None) -> list[str]:
    from reatrieve.sync.writers.cue_wav import write_cue_wav  # loads numpy, which help does without

    return write_cue_wav(sheet, path, regions=options.cue_regions, reaper_loops=options.reaper_loops, progress=progress)


def _loader(name: str) -> Callable[[SyncSheet, Options], Content]:
    return lambda _sheet, _options: (resources.files("reatrieve.sync.loaders").joinpath(name).read_bytes(), [])


TARGETS: Mapping[str, Target] = {
    "json": Target("sync JSON, the truth that all others are made from", "{name}.sync.json", _plain(write_sync_json)),
    "wav": Target(
        "WAV copy with cue points and regions (Wwise sounds, FMOD Core, Unreal, REAPER, Audition)",
        "{name}.cues.wav",
        stream=_cue_wav,
    ),
    "reaper": Target(
        "REAPER Region/Marker Manager CSV",
        "{name}.regions.csv",
        _plain(lambda s: tables.write_reaper_csv(s.annotations)),
    ),
    "fmod": Target(
        "FMOD Studio script that adds named markers",
        "{name}.fmod.js",
        lambda sheet, options: (write_fmod_script(sheet, ends=options.fmod_ends, tempo=options.fmod_tempo), []),
    ),
    "midi": Target(
        "MIDI: tempo, markers, sections, regions as notes (Unreal Harmonix, Koreographer, any DAW)",
        "{name}.mid",
        lambda sheet, _options: write_midi(sheet),
    ),
    "unreal": Target("Unreal DataTable as CSV", "{name}.ue.csv", _plain(write_unreal_csv)),
    "unreal-json": Target("Unreal DataTable as JSON", "{name}.ue.json", _plain(write_unreal_json)),
    "wwise": Target(
        "Wwise: arguments of one WAAPI call that adds custom cues to a music segment",
        "{name}.waapi.json",
        lambda sheet, options: write_waapi(sheet, segment=options.wwise_segment),
    ),
    "unity": Target("Unity loader for the sync JSON", "ReaTrieveSync.cs", _loader("ReaTrieveSync.cs"), needs=("json",)),
    "godot": Target(
        "Godot loader for the sync JSON", "reatrieve_sync.gd", _loader("reatrieve_sync.gd"), needs=("json",)
    ),
    "audacity": Target("Audacity labels", "{name}.labels.txt", _plain(lambda s: tables.write_audacity(s.annotations))),
    "dcase": Target("DCASE list", "{name}.dcase.tsv", _plain(lambda s: tables.write_dcase(s.annotations))),
    "sv": Target(
        "Sonic Visualiser regions", "{name}.sv.csv", _plain(lambda s: tables.write_sonic_visualiser(s.annotations))
    ),
    "raven": Target("Raven selection table", "{name}.raven.txt", _plain(lambda s: tables.write_raven(s.annotations))),
    "jams": Target(
        "JAMS", "{name}.jams", _plain(lambda s: tables.write_jams(s.annotations, duration_s=s.audio.duration_s))
    ),
    "audition": Target(
        "Audition marker list", "{name}.audition.csv", _plain(lambda s: tables.write_audition(s.annotations))
    ),
}
"""Every target by the name that it is asked for; one more is one more row."""

ALIASES = {"csv": "reaper", "sonic-visualiser": "sv", "ue": "unreal"}

WORDS: Mapping[str, Mapping[str, bool]] = {
    "label-ascii": {"label_ascii": True},
    "wav-points": {"cue_regions": False},
    "reaper-loops": {"reaper_loops": True},
    "fmod-ends": {"fmod_ends": True},
    "fmod-tempo": {"fmod_tempo": True},
}
"""Options that may stand among the targets, as in ``wav,label-ascii``: REAPER's dialog has one field for both."""


def chosen_options(text: str | Iterable[str], options: Options | None = None) -> Options:
    """``options`` with those switched on that ``text`` names among its targets."""
    found = options or Options()
    for word in _words(text):
        found = replace(found, **WORDS.get(word, {}))  # type: ignore[arg-type]
    return found


def chosen_targets(text: str | Iterable[str]) -> list[str]:
    """Names of targets from ``json,wav`` or ``all``, in the table's order, with those that they need.

    ``WORDS`` may stand among them; they are for ``chosen_options``.

    Raises
    ------
    InputError
        For an unknown name, or none.
    """
    asked = {ALIASES.get(word, word) for word in _words(text)} - WORDS.keys()
    if "all" in asked:
        asked.remove("all")
        asked |= TARGETS.keys()
    unknown = sorted(asked - TARGETS.keys())
    if unknown or not asked:
        what = f"unknown target {quoted(unknown[0])}" if unknown else "no target"
        guess = did_you_mean(unknown[0], [*TARGETS, "all", *WORDS], cutoff=0.75) if unknown else ""
        raise InputError(f"{what}; {guess}choose from {', '.join(TARGETS)} or all, with {', '.join(WORDS)} if you like")
    asked |= {need for name in asked for need in TARGETS[name].needs}
    return [name for name in TARGETS if name in asked]


def _words(text: str | Iterable[str]) -> list[str]:
    parts = text.split(",") if isinstance(text, str) else text
    return [part.strip().lower() for part in parts if part.strip()]
