"""Accepted regions to files: one table of targets, everything checked before anything is written.

For the service: call ``export(...)`` with the accepted regions in project seconds; it returns what it wrote. Notes for
the
user come through ``note``, the share done through ``progress`` (which may raise to cancel).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from reatrieve.session.retriever import Progress
from reatrieve.session.spans import Span
from reatrieve.sync.anchors import AnchorKind, found_anchors, placed
from reatrieve.sync.earlier import events_of_others, payloads_in
from reatrieve.sync.marker_names import ascii_folded, fill_template, folded_apart
from reatrieve.sync.model import Accepted, SyncAudio, SyncEvent, SyncSheet, SyncTempo, TargetKind, frame_at
from reatrieve.sync.placed_audio import listed, source_file, to_frames, write_track
from reatrieve.sync.tempo import TempoMap
from reatrieve.sync.wave_content import describe
from reatrieve.sync.writers import tables
from reatrieve.sync.writers.cue_wav import write_cue_wav
from reatrieve.sync.writers.fmod import write_fmod_script
from reatrieve.sync.writers.midi import write_midi
from reatrieve.sync.writers.sync_json import write_sync_json
from reatrieve.sync.writers.unreal import write_unreal_csv, write_unreal_json
from reatrieve.sync.writers.wwise import write_waapi

__all__ = [
    "TARGETS",
    "WORDS",
    "Options",
    "Target",
    "Written",
    "chosen_options",
    "chosen_targets",
    "export",
    "make_sheet",
]

Note = Callable[[str], None]


class Written(NamedTuple):
    """One file that an export wrote: the target's name and where."""

    target: str
    path: Path


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


def _loader(name: str) -> Callable[[SyncSheet, Options], Content]:
    return lambda _sheet, _options: (resources.files("reatrieve.sync.loaders").joinpath(name).read_bytes(), [])


TARGETS: Mapping[str, Target] = {
    "json": Target("sync JSON, the truth that all others are made from", "{name}.sync.json", _plain(write_sync_json)),
    "wav": Target(
        "WAV copy with cue points and regions (Wwise sounds, FMOD Core, Unreal, REAPER, Audition)",
        "{name}.cues.wav",
        stream=lambda sheet, path, options, progress: write_cue_wav(
            sheet, path, regions=options.cue_regions, reaper_loops=options.reaper_loops, progress=progress
        ),
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
        what = f"unknown target {unknown[0]!r}" if unknown else "no target"
        raise InputError(f"{what}; choose from {', '.join(TARGETS)} or all, with {', '.join(WORDS)} if you like")
    asked |= {need for name in asked for need in TARGETS[name].needs}
    return [name for name in TARGETS if name in asked]


def export(
    accepted: Sequence[Accepted],
    *,
    folder: Path,
    targets: str | Iterable[str] = "json",
    audio: TargetKind = "source",
    audio_path: Path | None = None,
    audio_start_s: float = 0.0,
    track_map: TrackMap | None = None,
    tempo_map: TempoMap | None = None,
    anchor: AnchorKind = "start",
    nudge_ms: float = 0.0,
    snap: int = 0,
    name: str = "",
    options: Options | None = None,
    expected_pcm_sha256: str | None = None,
    force: bool = False,
    add: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
) -> list[Written]:
    """Write the sync files of some accepted regions. Nothing is left behind when anything fails.

    Parameters
    ----------
    accepted : regions in project seconds, in any order; the first of each sound is its example.
    folder : where the files go; made if need be.
    targets : names of ``TARGETS``, comma separated or as a list, or ``all``; ``WORDS`` may stand among them.
    audio : the audio that the game ships: the one ``source`` file of the track, a ``render`` of the project, or the
        stitched ``track``, which is then written too, as ``<name>.track.wav``.
    audio_path, audio_start_s : the render, and the project time of its first frame.
    track_map : the searched track; needed for ``source`` and ``track``. Anchors are found on it, else on the render.
    tempo_map : REAPER's; without it bars and beats stay unknown.
    anchor, nudge_ms, snap : see ``anchors.anchors``.
    name : stem of the files' names; "" takes the audio's.
    options : for the writers.
    expected_pcm_sha256 : hash of the audio when the user chose it; other content is refused.
    force : replace existing files. Files that are there already with the same content never hinder.
    add : keep the events of other sessions that an earlier export to this folder holds for the same audio, so that
        several sounds of a project, exported one after the other, end up in one set of files.
    progress : told the share done.
    note : told what the user should know, a sentence each.

    Returns
    -------
    written : one entry a file, in the table's order; ``("track", path)`` first where the track was written.

    Raises
    ------
    InputError
        No target audio fits, events outside it (by name), changed content, files that exist, a WAV beyond 4 GB.
    AudioError
        The audio cannot be read or the files not be written.
    """
    targets = _words(targets)
    names = chosen_targets(targets)
    options = chosen_options(targets, options)
    say = note or (lambda _text: None)
    tell = progress or (lambda _share: None)
    made: list[tuple[str, Path, Path]] = []  # target, temporary name, final name
    if set(name) & set("/\\"):
        raise InputError(f"the name {name!r} has a folder in it; files are named by it, folders are chosen apart")
    new_folder = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if audio == "track":
            shipped, readable, stem = _stitched(track_map, folder, name, made, say, lambda share: tell(share * 0.4))
        else:
            readable, start_s = _chosen_audio(audio, accepted, track_map, audio_path, audio_start_s)
            shipped = describe(readable, start_s=start_s, progress=lambda share: tell(share * 0.4))
            stem = name or _stem(readable)
        _refuse_changed(shipped, expected_pcm_sha256, folder / f"{stem}.sync.json", force=force)
        others = events_of_others(folder / f"{stem}.sync.json", shipped, accepted) if add else []
        if others:
            sounds = ", ".join(dict.fromkeys(event.pattern for event in others))
            say(f"{len(others)} events of other sounds ({sounds}) were kept from {stem}.sync.json")
        payloads = payloads_in(folder / f"{stem}.sync.json")
        accepted = [replace(one, payload=one.payload or payloads.get(one.region_id, "")) for one in accepted]
        sound = _sound(track_map, shipped, readable) if anchor != "start" else None
        sheet = make_sheet(
            accepted, shipped, name=stem, tempo_map=tempo_map, sound=sound, anchor=anchor, nudge_ms=nudge_ms, snap=snap,
            options=options, note=say, others=others,
        )  # fmt: skip
        for number, target in enumerate(names):
            form = TARGETS[target]
            final = folder / form.file.format(name=stem)
            _refuse_in_place(final, (readable, *(track_map.paths if track_map else ())))
            made.append((target, _part(final), final))
            tell(0.5 + 0.5 * number / len(names))
            notes = _write(form, sheet, readable, made[-1][1], options, tell, (number, len(names)))
            for text in notes:
                say(text)
        _refuse_existing([(part, final) for _, part, final in made], force=force)
        for _, part, final in made:
            part.replace(final)
    except (InputError, AudioError):
        raise
    except OSError as error:
        raise AudioError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error
    finally:
        for _, part, _ in made:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        if new_folder:
            with suppress(OSError):
                folder.rmdir()  # of a failed export; with files in it, it stays
    tell(1.0)
    return [Written(target, final) for target, _, final in made]


def _words(text: str | Iterable[str]) -> list[str]:
    parts = text.split(",") if isinstance(text, str) else text
    return [part.strip().lower() for part in parts if part.strip()]


def make_sheet(
    accepted: Sequence[Accepted],
    audio: SyncAudio,
    *,
    name: str,
    tempo_map: TempoMap | None = None,
    sound: TrackAudio | None = None,
    anchor: AnchorKind = "start",
    nudge_ms: float = 0.0,
    snap: int = 0,
    options: Options | None = None,
    note: Note | None = None,
    others: Sequence[SyncEvent] = (),
) -> SyncSheet:
    """Events in frames of ``audio``, by start; project time becomes frames here and nowhere else.

    Parameters are those of ``export``; ``sound`` is what anchors are found on (none: only ``start`` is possible),
    ``others`` are finished events to go in as well.
    """
    options = options or Options()
    say = note or (lambda _text: None)
    accepted = [
        replace(one, label=_clean(one.label), pattern=_clean(one.sound), payload=_clean(one.payload))
        for one in accepted
    ]
    if options.label_ascii:
        plain = folded_apart(text for one in accepted for text in (one.pattern, one.label))
        accepted = [replace(one, label=plain[one.label], pattern=plain[one.pattern]) for one in accepted]
        options = replace(options, label=ascii_folded(options.label))
    frames = to_frames(accepted, audio)
    anchor_times = _anchor_times(accepted, sound, anchor, nudge_ms, snap, tempo_map)
    order = sorted(range(len(accepted)), key=lambda i: (frames[i], accepted[i].label, i))
    counts: Counter[str] = Counter()
    events, moved = [], []
    for number, index in enumerate(order, start=1):
        one, (start, end), time_s = accepted[index], frames[index], anchor_times[index]
        at = frame_at(time_s - audio.start_s, audio.rate_hz)
        if not nudge_ms and not snap:
            at = min(max(at, start), max(start, end - 1))
        if not 0 <= at < audio.frames:
            moved.append(one)
            at = min(max(at, 0), audio.frames - 1)
        position = None
        if tempo_map is not None:
            position = tempo_map.position(audio.start_s + at / audio.rate_hz, within_s=0.5 / audio.rate_hz)
        counts[one.sound] += 1
        label = fill_template(
            options.label, label=one.label, pattern=one.sound, number=counts[one.sound], position=position
        )
        events.append(
            SyncEvent(
                f"evt_{number:04d}",
                one.sound,
                label if label.strip() else one.label,
                start,
                end,
                at,
                position,
                one.score,
                one.region_id,
                one.payload,
            )
        )
    if moved:
        say(f"the anchors of {listed(moved)} would lie outside the audio and were put on its edge")
    tempo = []
    if tempo_map is not None:
        for step in tempo_map.steps(audio.start_s, audio.start_s + audio.duration_s):
            time_s = step.time_s - audio.start_s
            tempo.append(SyncTempo(time_s, step.bpm, step.numerator, step.denominator, step.position))
    if others:
        together = sorted([*events, *others], key=lambda event: (event.start, event.end, event.label))
        events = [replace(event, id=f"evt_{number:04d}") for number, event in enumerate(together, start=1)]
    return SyncSheet(name, audio, tuple(events), tuple(tempo))


def _stitched(
    track_map: TrackMap | None, folder: Path, name: str, made: list[tuple[str, Path, Path]], say: Note, tell: Progress
) -> tuple[SyncAudio, Path, str]:
    if track_map is None:
        raise InputError("the stitched track needs the project's items; choose a render instead")
    stem = name or track_map.paths[0].stem
    final = folder / f"{stem}.track.wav"
    _refuse_in_place(final, track_map.paths)
    part = _part(final)
    made.append(("track", part, final))
    audio, clipped = write_track(track_map, part, progress=tell)
    if clipped:
        say("the stitched track was louder than full scale and was clipped; lower the items' volume")
    return replace(audio, path=final), part, stem


def _chosen_audio(
    audio: TargetKind,
    accepted: Sequence[Accepted],
    track_map: TrackMap | None,
    audio_path: Path | None,
    audio_start_s: float,
) -> tuple[Path, float]:
    if audio == "source":
        if track_map is None:
            raise InputError("name the audio that the game ships (--audio); the project's items are not known here")
        found = source_file(track_map, accepted)
        return found.path, found.start_s
    if audio != "render":
        raise InputError(f"unknown target audio {audio!r}; use source, render or track")
    if audio_path is None:
        raise InputError("name the render that the game ships, and the project time at which it starts")
    return audio_path, audio_start_s


def _anchor_times(
    accepted: Sequence[Accepted],
    sound: TrackAudio | None,
    kind: AnchorKind,
    nudge_ms: float,
    snap: int,
    tempo_map: TempoMap | None,
) -> list[float]:
    """Anchors sound by sound, since each has its own onset; points are their own anchors."""
    times = [one.start_s for one in accepted]
    by_sound: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(accepted):
        if one.end_s > one.start_s:
            by_sound[one.sound].append(index)
    if kind != "start" and by_sound:
        if sound is None:
            raise InputError(f"the anchor {kind} needs audio to find it in; use the anchor start")
        for indices in by_sound.values():
            spans = [Span(accepted[i].start_s, accepted[i].end_s) for i in indices]
            for index, time_s in zip(indices, found_anchors(sound, spans, kind=kind), strict=True):
                times[index] = time_s
    return placed(times, nudge_ms=nudge_ms, snap=snap, tempo_map=tempo_map)


def _sound(track_map: TrackMap | None, shipped: SyncAudio, readable: Path) -> TrackAudio:
    """What anchors are found on: the searched track, which has nothing else in it; without one the shipped audio."""
    if track_map is not None and all(path.is_file() for path in track_map.paths):
        return TrackAudio(track_map)
    return TrackAudio(TrackMap((TrackItem(readable, shipped.start_s, shipped.duration_s),)))


def _write(
    form: Target, sheet: SyncSheet, readable: Path, part: Path, options: Options, tell: Progress, place: tuple[int, int]
) -> list[str]:
    """Write one target's file; ``place`` is its number among how many, for the progress."""
    if form.stream is not None:
        number, of = place
        sheet = replace(sheet, audio=replace(sheet.audio, path=readable))
        return form.stream(sheet, part, options, lambda share: tell(0.5 + 0.5 * (number + share) / of))
    if form.write is None:
        return []
    content, notes = form.write(sheet, options)
    part.write_bytes(content)
    return notes


def _refuse_changed(audio: SyncAudio, expected: str | None, earlier: Path, *, force: bool) -> None:
    """The choice of an audio is remembered by its hash: by the caller, or in the sync JSON that an earlier export
    left."""
    if expected is not None and expected.lower() != audio.pcm_sha256:
        raise InputError(f"{audio.path.name} has changed since it was chosen; choose it again")
    if force or not earlier.is_file():
        return
    try:
        before = json.loads(earlier.read_text(encoding="utf-8"))["audio"]
        same_file, old_hash = before["file"] == audio.path.name, str(before["pcm_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # no sync JSON of ours: whether it may be replaced is decided later
    if same_file and old_hash != audio.pcm_sha256:
        raise InputError(
            f"{audio.path.name} has changed since {earlier.name} was made from it; if the regions still fit, export "
            f"with force"
        )


def _refuse_in_place(final: Path, sources: Iterable[Path]) -> None:
    """No audio that is read is ever written to, not even with force."""
    if any(final.exists() and source.exists() and final.samefile(source) for source in sources):
        raise InputError(f"{final.name} is the audio itself and is never replaced; choose another folder or name")


def _refuse_existing(pairs: Sequence[tuple[Path, Path]], *, force: bool) -> None:
    if force:
        return
    existing = [final.name for part, final in pairs if final.exists() and not _same_content(part, final)]
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        raise InputError(
            f"{', '.join(existing)} already {verb} in {pairs[0][1].parent}; replace with force or choose another folder"
        )


def _same_content(a: Path, b: Path) -> bool:
    if not b.is_file() or a.stat().st_size != b.stat().st_size:
        return False
    return _file_hash(a) == _file_hash(b)


def _file_hash(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _part(final: Path) -> Path:
    """A name beside the final one, so that renaming never copies."""
    return final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")


def _stem(path: Path) -> str:
    """The audio's name for its sync files: a cue WAV that we made keeps the name that it was made under."""
    return path.stem.removesuffix(".cues").removesuffix(".track") or path.stem


def _clean(text: str) -> str:
    """Text that every encoder takes: no NUL, which ends a string in half of the formats, and no broken surrogates."""
    return text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")
